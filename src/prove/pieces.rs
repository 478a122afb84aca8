//! A project proved piece by piece, so that of two looks at it only those pieces are proved that are not as they were. Layer 5.
//!
//! Pieces are cut so that no packet goes from one to another, and each statement is about one: [`verdicts_in_pieces`] says what
//! [`super::verdict::verdicts`] says of the whole, which a test holds against it. Where something may concern all of a network (a
//! statement about a network's addresses or about everybody, public addresses that are known, things that nobody has read), the
//! whole is one piece.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    base::{
        address::Address,
        cidr::{Cidr, Family},
        date::Day,
        threads,
    },
    net::Net,
    prove::{
        chart::CHOSEN,
        packet::Range,
        policy::Judged,
        verdict::{Found, Verdicts, found, together},
    },
    resources::{self, Read},
    schema::{
        cut::{Number, Piece, Pieces, Sets, is_seen_everywhere},
        model::{Model, Policy, Project, Resource, Statement},
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
    /// The pieces that are being proved, and what is judged of them so far.
    begun: Vec<Begun>,
    around: Arc<Around>,
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

    /// In which of them something is; `None` where nothing was proved of it.
    #[must_use]
    pub fn place(&self, address: &Address) -> Option<usize> {
        let is_in = |piece: &Arc<Piece>| piece.own.binary_search_by(|r| r.address.cmp(address)).is_ok();
        self.proved.iter().position(|(key, _)| key.pieces.iter().any(is_in))
    }

    /// The network of one of them: all that has anything to do with what is in it.
    #[must_use]
    pub fn network(&self, place: usize) -> Option<Net> {
        self.proved.get(place).map(|(key, _)| key.network().1)
    }
}

/// What is said of a piece comes from this besides what is in it.
#[derive(Debug, Default, PartialEq)]
struct Around {
    /// Without the place of its block, which makes no difference to a network.
    project: Project,
    /// Every network that a statement names, of whatever piece.
    networks: Vec<Cidr>,
    /// Whether any statement requires something, of whatever piece.
    requires: bool,
}

/// All that what is found of a piece comes from.
#[derive(Debug)]
struct Key {
    /// The pieces of the model that statements join.
    pieces: Vec<Arc<Piece>>,
    /// With the statements that are about them.
    policies: Vec<Policy>,
    /// What was last read of their existing resources.
    read: Read,
    around: Arc<Around>,
}

impl Key {
    /// The pieces as a model, and the network that it describes.
    fn network(&self) -> (Model, Net) {
        let resources = self.pieces.iter().flat_map(|piece| piece.all()).map(|r| (r.address.clone(), r.clone())).collect();
        let (project, policies) = (self.around.project.clone(), self.policies.clone());
        let model = Model { project, resources, policies, ..Model::default() };
        let net = resources::network_of_piece(&model, &self.read, &self.around.networks);
        (model, net)
    }
}

/// What is judged so far of a piece that is being proved.
type Begun = (Key, Vec<Judged>);

/// How many resources are worth another thread.
const WORTH_A_THREAD: usize = 200;

/// A piece that is to be proved, and which of all statements are about it.
#[derive(Default)]
struct Task {
    pieces: Vec<Arc<Piece>>,
    statements: Vec<usize>,
}

/// What is to be proved in all.
struct Question<'m> {
    model: &'m Model,
    read: &'m Read,
    statements: Vec<(&'m Policy, &'m Statement)>,
    around: Arc<Around>,
}

/// Proves what is not proved yet, until `stop` says so; `None` if it does before all is. What was proved of an equal piece is taken
/// from there, and what is not asked about any more is forgotten.
#[must_use]
pub fn verdicts_in_pieces(
    model: &Model,
    read: &Read,
    today: Day,
    memory: &mut Memory,
    stop: &(dyn Fn() -> bool + Sync),
) -> Option<Verdicts> {
    let statements: Vec<_> = model.policies.iter().flat_map(|p| p.statements.iter().map(move |s| (p, s))).collect();
    let networks = statements.iter().flat_map(|(_, s)| s.networks()).collect();
    let around = Around { project: Project { span: None, ..model.project.clone() }, networks, requires: model.requires() };
    if *memory.around != around {
        memory.around = Arc::new(around);
    }
    let question = Question { model, read, statements, around: memory.around.clone() };
    let mut tasks = question.tasks(!memory.is_whole);
    question.proved(&tasks, memory, stop)?;
    // Packets may go from one piece to another by the internet, or come to any of them from behind a gateway of one.
    let concerns_all = memory.proved.iter().any(|(_, found)| found.has_public_addresses || found.has_ways_in);
    memory.is_whole = concerns_all;
    if concerns_all && tasks.len() > 1 {
        tasks = question.tasks(false);
        question.proved(&tasks, memory, stop)?;
    }
    let parts: Vec<_> = tasks.iter().zip(&memory.proved).map(|(task, (_, found))| (&*task.statements, found)).collect();
    Some(together(model, &parts, today))
}

impl Question<'_> {
    /// Has exactly what is found of these in the memory, in their order.
    fn proved(&self, tasks: &[Task], memory: &mut Memory, stop: &(dyn Fn() -> bool + Sync)) -> Option<()> {
        let known = std::mem::take(&mut memory.proved);
        let mut known: HashMap<Option<Address>, (Key, Found)> = known.into_iter().map(|one| (first(&one.0.pieces).cloned(), one)).collect();
        let mut kept = |task: &Task| known.remove(&first(&task.pieces).cloned()).filter(|(key, _)| self.fits(key, task));
        let kept: Vec<Option<(Key, Found)>> = tasks.iter().map(&mut kept).collect();
        memory.kept = kept.iter().flatten().count();
        let mut begun = |task| memory.begun.iter().position(|(key, _)| self.fits(key, task)).map(|at| memory.begun.swap_remove(at));
        let anew = tasks.iter().zip(&kept).filter(|(_, kept)| kept.is_none());
        let anew: Vec<_> = anew.enumerate().map(|(n, (task, _))| (n, task, Mutex::new(begun(task)))).collect();
        memory.begun.clear();
        let resources: usize = anew.iter().flat_map(|(_, task, _)| &task.pieces).map(|piece| piece.own.len()).sum();
        let proved = threads::each(&anew, resources / WORTH_A_THREAD, |(n, task, begun)| {
            let begun = begun.lock().unwrap_or_else(PoisonError::into_inner).take();
            // One at least goes on, however much waits.
            if *n > 0 && stop() { Err(begun) } else { self.prove(task, begun, stop).map_err(Some) }
        });
        let mut proved = proved.into_iter();
        for one in kept {
            match one.map_or_else(|| proved.next(), |one| Some(Ok(one))) {
                Some(Ok(one)) => memory.proved.push(one),
                Some(Err(begun)) => memory.begun.extend(begun),
                None => {}
            }
        }
        (memory.proved.len() == tasks.len()).then_some(())
    }

    /// Goes on with what is begun; gives it back where it is not brought to its end.
    fn prove(&self, task: &Task, begun: Option<Begun>, stop: &(dyn Fn() -> bool + Sync)) -> Result<(Key, Found), Begun> {
        let (key, mut judged) = begun.unwrap_or_else(|| (self.key(task), vec![]));
        let (model, mut net) = key.network();
        match found(&mut net, &model, key.around.requires, &mut judged, stop) {
            Some(found) => Ok((key, found)),
            None => Err((key, judged)),
        }
    }

    fn key(&self, task: &Task) -> Key {
        let mut policies: Vec<Policy> = vec![];
        for (policy, statement) in self.statements_of(task) {
            if policies.last().is_none_or(|last| last.span != policy.span || last.name != policy.name) {
                policies.push(headed(policy));
            }
            policies.last_mut().into_iter().for_each(|last| last.statements.push(statement.clone()));
        }
        Key { pieces: task.pieces.clone(), policies, read: self.read_of(task), around: self.around.clone() }
    }

    /// Whether a key is that of a task.
    fn fits(&self, key: &Key, task: &Task) -> bool {
        let same = |(a, b): (&Arc<Piece>, &Arc<Piece>)| Arc::ptr_eq(a, b) || a == b;
        let mut said = key.policies.iter().flat_map(|p| p.statements.iter().map(move |s| (p, s)));
        Arc::ptr_eq(&key.around, &self.around)
            && key.pieces.len() == task.pieces.len()
            && key.pieces.iter().zip(&task.pieces).all(same)
            && self.statements_of(task).all(|(policy, s)| said.next().is_some_and(|(of, one)| one == s && same_head(of, policy)))
            && said.next().is_none()
            && if self.read.is_empty() { key.read.is_empty() } else { key.read == self.read_of(task) }
    }

    fn statements_of(&self, task: &Task) -> impl Iterator<Item = (&Policy, &Statement)> {
        task.statements.iter().filter_map(|n| self.statements.get(*n)).copied()
    }

    fn read_of(&self, task: &Task) -> Read {
        let its = |r: &Arc<Resource>| Some((r.address.clone(), self.read.get(&r.address)?.clone()));
        let wanted = if self.read.is_empty() { &[][..] } else { &task.pieces };
        wanted.iter().flat_map(|piece| piece.all()).filter_map(its).collect()
    }

    /// What is to be proved of each piece.
    fn tasks(&self, may_divide: bool) -> Vec<Task> {
        let pieces = self.model.resources.pieces();
        if may_divide && self.is_divisible(pieces) {
            return self.divided(pieces);
        }
        let all = pieces.all.iter().map(|(_, piece)| piece.clone()).collect();
        vec![Task { pieces: all, statements: (0..self.statements.len()).collect() }]
    }

    /// The pieces, those that a statement names together as one.
    fn divided(&self, pieces: &Pieces) -> Vec<Task> {
        let places: HashMap<Number, usize> = pieces.all.iter().enumerate().map(|(place, (number, _))| (*number, place)).collect();
        let place = |address: &Address| places.get(pieces.homes.get(address)?).copied();
        let mut sets = Sets::new(pieces.all.len());
        let mut homes = vec![];
        for (_, statement) in &self.statements {
            let mut all = named(statement).filter_map(place);
            let first = all.next();
            if let Some(first) = first {
                all.for_each(|other| sets.join(first, other));
            }
            homes.push(first);
        }
        let mut tasks: Vec<Task> = vec![];
        let mut of_root: HashMap<usize, usize> = HashMap::new();
        for (place, (_, piece)) in pieces.all.iter().enumerate() {
            let at = *of_root.entry(sets.root(place)).or_insert(tasks.len());
            if at == tasks.len() {
                tasks.push(Task::default());
            }
            tasks.get_mut(at).into_iter().for_each(|task| task.pieces.push(piece.clone()));
        }
        for (n, home) in homes.into_iter().enumerate() {
            let task = home.and_then(|place| of_root.get(&sets.root(place))).and_then(|at| tasks.get_mut(*at));
            task.into_iter().for_each(|task| task.statements.push(n));
        }
        tasks
    }

    /// Whether nothing of it, and no statement, may concern all of the network.
    fn is_divisible(&self, pieces: &Pieces) -> bool {
        // A list of networks concerns those who name it; one that nobody has read may be anything.
        let is_known = |r: &Arc<Resource>| r.address.kind() == "prefix_list" && self.read.contains_key(&r.address);
        let concerns_all = |(_, piece): &(Number, Arc<Piece>)| {
            !piece.existing.iter().all(is_known) || piece.vpcs.iter().any(|vpc| resources::has_ipv6(vpc))
        };
        if pieces.all.iter().any(concerns_all) {
            return false;
        }
        let mut known: HashMap<Cidr, bool> = HashMap::new();
        let mut overlaps = |cidr: Cidr| *known.entry(cidr).or_insert_with(|| overlaps_own(pieces, cidr));
        self.statements.iter().all(|(_, statement)| is_narrow(pieces, statement, &mut overlaps))
    }
}

fn first(pieces: &[Arc<Piece>]) -> Option<&Address> {
    pieces.first()?.own.first().map(|r| &r.address)
}

/// A policy without its statements.
fn headed(policy: &Policy) -> Policy {
    let Policy { name, description, during_apply, statements: _, imposed, waiver, span } = policy;
    let (name, description, waiver) = (name.clone(), description.clone(), waiver.clone());
    Policy { name, description, during_apply: *during_apply, statements: vec![], imposed: *imposed, waiver, span: *span }
}

/// Whether two policies are the same but for their statements.
fn same_head(one: &Policy, other: &Policy) -> bool {
    let Policy { name, description, during_apply, statements: _, imposed, waiver, span } = one;
    (name, description, during_apply) == (&other.name, &other.description, &other.during_apply)
        && (imposed, waiver, span) == (&other.imposed, &other.waiver, &other.span)
}

/// Everything that a statement names.
fn named(statement: &Statement) -> impl Iterator<Item = &Address> {
    let excepted = statement.except.iter().flat_map(|(_, from)| from);
    statement.from.iter().chain(&statement.to).chain(excepted).filter_map(Value::as_resource)
}

/// Whether a statement is about things that it names, and about nobody else of the project.
fn is_narrow(pieces: &Pieces, statement: &Statement, overlaps: &mut dyn FnMut(Cidr) -> bool) -> bool {
    let mut excepted = statement.except.iter().flat_map(|(_, from)| from);
    // The last addresses stand for those that AWS will choose.
    let mut foreign = |cidr: &Cidr| cidr.family() == Family::V4 && Range::of(*cidr).hi < CHOSEN && !overlaps(*cidr);
    let narrow = |value: &Value| match value {
        Value::Internet => true,
        Value::Resource(address) => pieces.homes.contains_key(address) && !is_seen_everywhere(address),
        _ => false,
    };
    // What a proof about networks rests on is said of the whole; an exception takes nothing but addresses out.
    statement.from.iter().chain(&statement.to).all(narrow)
        && excepted.all(|value| narrow(value) || matches!(value, Value::Cidr(cidr) if foreign(cidr)))
        && statement.from.iter().chain(&statement.to).any(|value| value.as_resource().is_some())
}

/// Whether some VPC of the project has, or could be given, addresses of a network.
fn overlaps_own(pieces: &Pieces, cidr: Cidr) -> bool {
    fn meets(value: &Value, cidr: Cidr) -> bool {
        match value {
            Value::Cidr(own) => own.overlaps(cidr),
            Value::List(all) => all.iter().any(|value| meets(value, cidr)),
            Value::Subnet(..) | Value::Attribute(..) | Value::Concat(_) | Value::Sensitive(_) => true,
            _ => false,
        }
    }
    let mut vpcs = pieces.all.iter().flat_map(|(_, piece)| &piece.vpcs);
    vpcs.any(|vpc| !vpc.record.contains_key("cidr_block") || vpc.record.values().any(|value| meets(value, cidr)))
}
