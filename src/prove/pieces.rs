//! A project proved piece by piece, so that of two looks at it only those pieces are proved that are not as they were. Layer 5.
//!
//! Pieces are cut so that no packet goes from one to another, and each statement is about one: [`verdicts_in_pieces`] says what
//! [`super::verdict::verdicts`] says of the whole, which a test holds against it. Where something may concern all of a network (a
//! statement about a network's addresses or about everybody, public addresses that are known, things that nobody has read), the
//! whole is one piece.

use std::{collections::HashMap, sync::Arc};

use crate::{
    base::{
        address::Address,
        cidr::{Cidr, Family},
        date::Day,
    },
    prove::{
        chart::CHOSEN,
        packet::Range,
        policy::Judged,
        verdict::{Found, Verdicts, found, together},
    },
    resources::{self, Read},
    schema::{
        cut::{Cut, Piece, cut, is_seen_everywhere},
        model::{Model, Policy, Resource, Statement},
        value::Value,
    },
};

/// What was proved last.
#[derive(Debug, Default)]
pub struct Memory {
    proved: Vec<(Key, Found)>,
    /// Whether that was the whole in one, since something was found that may concern all pieces.
    is_whole: bool,
    /// How many of them were not proved anew.
    kept: usize,
    /// The piece that is being proved, and what is judged of it so far.
    begun: Option<(Key, Vec<Judged>)>,
}

impl Memory {
    /// How many pieces the last project that was looked at came in.
    #[must_use]
    pub fn len(&self) -> usize {
        self.proved.len()
    }

    /// Whether nothing was looked at yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.proved.is_empty()
    }

    /// How many of them were as they had been.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.kept
    }
}

/// All that what is found of a piece comes from.
#[derive(Debug, Clone, PartialEq)]
struct Key {
    piece: Piece,
    /// What is not a resource's: the policies with the statements that are about this piece, and the project.
    model: Model,
    /// What was last read of its existing resources.
    read: Read,
    /// Every network that a statement names, of whatever piece.
    networks: Vec<Cidr>,
    /// Whether any statement requires something, of whatever piece.
    requires: bool,
}

/// A piece that is to be proved, and which of all statements are about it.
struct Task {
    key: Key,
    statements: Vec<usize>,
}

/// Proves what is not proved yet, until `stop` says so; `None` if it does before all is. What was proved of an equal piece is taken
/// from there, and what is not asked about any more is forgotten.
#[must_use]
pub fn verdicts_in_pieces(model: &Model, read: &Read, today: Day, memory: &mut Memory, stop: &dyn Fn() -> bool) -> Option<Verdicts> {
    let mut tasks = tasks(model, read, !memory.is_whole);
    proved(&tasks, memory, stop)?;
    // Packets may go from one piece to another by the internet, or come to any of them from behind a gateway of one.
    let concerns_all = memory.proved.iter().any(|(_, found)| found.has_public_addresses || found.has_ways_in);
    memory.is_whole = concerns_all;
    if concerns_all && tasks.len() > 1 {
        tasks = self::tasks(model, read, false);
        proved(&tasks, memory, stop)?;
    }
    let parts: Vec<_> = tasks.iter().zip(&memory.proved).map(|(task, (_, found))| (&*task.statements, found)).collect();
    Some(together(model, &parts, today))
}

/// Has exactly what is found of these in the memory, in their order.
fn proved(tasks: &[Task], memory: &mut Memory, stop: &dyn Fn() -> bool) -> Option<()> {
    let first = |key: &Key| key.piece.own.first().map(|r| r.address.clone());
    let known = std::mem::take(&mut memory.proved);
    let mut known: HashMap<Option<Address>, (Key, Found)> = known.into_iter().map(|one| (first(&one.0), one)).collect();
    let mut is_stopped = false;
    memory.kept = 0;
    for task in tasks {
        if let Some(one) = known.remove(&first(&task.key)).filter(|(key, _)| *key == task.key) {
            memory.proved.push(one);
            memory.kept += 1;
        } else if !is_stopped {
            let found = prove(&task.key, &mut memory.begun, stop);
            is_stopped = found.is_none() || stop();
            memory.proved.extend(found.map(|found| (task.key.clone(), found)));
        }
    }
    (memory.proved.len() == tasks.len()).then_some(())
}

fn prove(key: &Key, begun: &mut Option<(Key, Vec<Judged>)>, stop: &dyn Fn() -> bool) -> Option<Found> {
    let model = Model { resources: key.piece.resources(), ..key.model.clone() };
    let mut net = resources::network_of_piece(&model, &key.read, &key.networks);
    let mut judged = begun.take().filter(|(of, _)| of == key).map(|(_, judged)| judged).unwrap_or_default();
    let all = found(&mut net, &model, key.requires, &mut judged, stop);
    if all.is_none() {
        *begun = Some((key.clone(), judged));
    }
    all
}

/// The pieces, and what has to be said of each.
fn tasks(model: &Model, read: &Read, may_divide: bool) -> Vec<Task> {
    let statements: Vec<(usize, &Policy, &Statement)> =
        model.policies.iter().flat_map(|p| p.statements.iter().map(move |s| (p, s))).enumerate().map(|(n, (p, s))| (n, p, s)).collect();
    let networks: Vec<Cidr> = statements.iter().flat_map(|(_, _, s)| s.networks()).collect();
    let requires = model.requires();
    let is_divisible = may_divide && is_divisible(model) && statements.iter().all(|(_, _, s)| is_narrow(model, s));
    let cut = if is_divisible { cut_by(model, &statements) } else { Cut::whole(model, statements.len()) };
    let mut of_piece: Vec<Vec<usize>> = cut.pieces.iter().map(|_| vec![]).collect();
    for (n, home) in cut.homes.iter().enumerate() {
        home.and_then(|place| of_piece.get_mut(place)).into_iter().for_each(|piece| piece.push(n));
    }
    let task = |(piece, own): (Piece, Vec<usize>)| {
        let mut policies: Vec<Policy> = vec![];
        for (_, policy, statement) in own.iter().filter_map(|n| statements.get(*n)) {
            if policies.last().is_none_or(|last| last.span != policy.span || last.name != policy.name) {
                policies.push(Policy { statements: vec![], ..(*policy).clone() });
            }
            policies.last_mut().into_iter().for_each(|last| last.statements.push((*statement).clone()));
        }
        let its = |r: &Arc<Resource>| Some((r.address.clone(), read.get(&r.address)?.clone()));
        let read = piece.own.iter().chain(&piece.seen).filter_map(its).collect();
        let model = Model { project: model.project.clone(), policies, ..Model::default() };
        Task { key: Key { piece, model, read, networks: networks.clone(), requires }, statements: own }
    };
    cut.pieces.into_iter().zip(of_piece).map(task).collect()
}

fn cut_by(model: &Model, statements: &[(usize, &Policy, &Statement)]) -> Cut {
    cut(model, &statements.iter().map(|(_, _, statement)| named(statement)).collect::<Vec<_>>())
}

/// Whether nothing of it may concern all of the network.
fn is_divisible(model: &Model) -> bool {
    let exists = |r: &Resource| r.existing && r.address.kind() != "prefix_list";
    !model.resources.values().any(|r| exists(r) || r.address.kind() == "vpc" && resources::has_ipv6(r))
}

/// Everything that a statement names.
fn named(statement: &Statement) -> Vec<&Address> {
    let excepted = statement.except.iter().flat_map(|(_, from)| from);
    statement.from.iter().chain(&statement.to).chain(excepted).filter_map(Value::as_resource).collect()
}

/// Whether a statement is about things that it names, and about nobody else of the project.
fn is_narrow(model: &Model, statement: &Statement) -> bool {
    let excepted = statement.except.iter().flat_map(|(_, from)| from);
    // The last addresses stand for those that AWS will choose.
    let foreign = |cidr: &Cidr| cidr.family() == Family::V4 && Range::of(*cidr).hi < CHOSEN && !overlaps_own(model, *cidr);
    let narrow = |value: &Value| match value {
        Value::Internet => true,
        Value::Resource(address) => model.resources.contains_key(address) && !is_seen_everywhere(address),
        _ => false,
    };
    // What a proof about networks rests on is said of the whole; an exception takes nothing but addresses out.
    statement.from.iter().chain(&statement.to).all(narrow)
        && excepted.into_iter().all(|value| narrow(value) || matches!(value, Value::Cidr(cidr) if foreign(cidr)))
        && statement.from.iter().chain(&statement.to).any(|value| value.as_resource().is_some())
}

/// Whether some VPC of the project has, or could be given, addresses of a network.
fn overlaps_own(model: &Model, cidr: Cidr) -> bool {
    fn meets(value: &Value, cidr: Cidr) -> bool {
        match value {
            Value::Cidr(own) => own.overlaps(cidr),
            Value::List(all) => all.iter().any(|value| meets(value, cidr)),
            Value::Subnet(..) | Value::Attribute(..) | Value::Concat(_) | Value::Sensitive(_) => true,
            _ => false,
        }
    }
    let vpcs = || model.resources.values().filter(|r| r.address.kind() == "vpc");
    vpcs().any(|vpc| !vpc.record.contains_key("cidr_block") || vpc.record.values().any(|value| meets(value, cidr)))
}
