//! A plan of a part of a project: what it is about, what has to come along, and the project as it is then. Layer 6: pure.
//!
//! What is outside stays as EC2 has it, or does not exist yet: it is taken into the project as it stands, so that all that
//! is decided, ordered and proved afterwards is about what will really stand.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    base::{
        address::Address,
        codes::scope as codes,
        diagnostic::{Diagnostic, Sink, nearest},
    },
    graph::Graph,
    plan::{
        Input, Plan,
        decide::{self, Decisions},
        guard, lifecycle,
        proof::recall,
        standing::{Standing, Thing},
    },
    schema::{
        attr::Change,
        model::{Lifecycle, Model, Part, Resource, Statement},
        value::{Record, Value},
    },
    state::{Promise, State},
};

/// What a plan is asked to be about. Empty: the whole project.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Scope {
    /// These and what they need: resources, all instances of a `for`, modules.
    pub target: Vec<String>,
    /// All but these and what needs them.
    pub exclude: Vec<String>,
    /// To be replaced, whether they have changed or not.
    pub replace: Vec<String>,
    /// Whether what it is about is taken down.
    pub destroy: bool,
    /// Whether it leads back to what stood before: then nothing comes along but what cannot stay.
    #[serde(default)]
    pub undo: bool,
}

/// What a plan says of being partial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Partial {
    /// What was asked.
    pub scope: Scope,
    /// What came along, or was left out with the others, and why.
    pub along: BTreeMap<Address, String>,
    /// What stays as it is, whatever the project says of it.
    pub left: BTreeSet<Address>,
    /// Statements of policies that nothing stands for yet, and why.
    pub unasked: Vec<String>,
}

/// What decisions are bound to.
#[derive(Debug, Default)]
pub struct Bounds {
    /// What stays as it is.
    pub left: BTreeSet<Address>,
    /// What is replaced because somebody asks for it.
    pub replace: BTreeSet<Address>,
}

/// A project cut to what a plan is about.
pub(super) struct Cut {
    pub(super) model: Model,
    pub(super) bounds: Bounds,
    pub(super) partial: Option<Partial>,
}

impl Scope {
    /// Whether it is about less than all.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        !self.target.is_empty() || !self.exclude.is_empty()
    }

    /// Whether it changes nothing about a plan.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        *self == Self::default()
    }
}

/// Cuts a project.
///
/// # Errors
/// An address names nothing, or what is wanted cannot be planned.
pub(super) fn cut(input: &Input<'_>, scope: &Scope) -> Result<Cut, Vec<Diagnostic>> {
    let mut known = Known::of(input);
    let mut sink = Sink::default();
    let mut named = |texts: &[String], option: &str| -> BTreeSet<Address> {
        let found = texts.iter().map(|text| known.named(text, option, input));
        found.filter_map(|found| found.map_err(|d| sink.push(d)).ok()).flatten().collect()
    };
    let (target, exclude) = (named(&scope.target, "--target"), named(&scope.exclude, "--exclude"));
    let replace = named(&scope.replace, "--replace");
    for address in &replace {
        if !known.state.contains(address) || !known.wanted.contains(address) {
            sink.push(codes::not_to_replace(address, known.state.contains(address)));
        } else if exclude.contains(address) {
            sink.push(codes::replaced_and_left_out(address));
        }
    }
    if sink.has_errors() {
        return Err(sink.all);
    }
    if !scope.is_partial() {
        let (bounds, model) = (Bounds { left: BTreeSet::new(), replace }, input.model.clone());
        return Ok(Cut { model, bounds, partial: None });
    }
    let graph = Graph::build(input.model.resources.values().filter(|r| !r.existing));
    let needs = if scope.destroy || scope.undo { BTreeMap::new() } else { graph.needs_by_address() };
    let mut choice = Choice { all: &known.all, needs, along: BTreeMap::new(), within: BTreeSet::new(), by_target: !target.is_empty() };
    match choice.by_target {
        true => choice.within = target.iter().chain(&replace).cloned().collect(),
        false => choice.within = known.all.difference(&exclude).cloned().collect(),
    }
    choice.close();
    loop {
        let left: BTreeSet<Address> = known.all.difference(&choice.within).cloned().collect();
        let (bounds, model) = (Bounds { left, replace: replace.clone() }, input.model);
        let (model, unasked, grown) = settled(input, model, scope, bounds, &mut choice)?;
        if grown {
            continue;
        }
        let left: BTreeSet<Address> = known.all.difference(&choice.within).cloned().collect();
        if let Some(address) = replace.iter().find(|a| left.contains(*a)) {
            return Err(vec![codes::replaced_and_left_out(address)]);
        }
        let partial = Partial { scope: scope.clone(), along: choice.along, left: left.clone(), unasked };
        return Ok(Cut { model, bounds: Bounds { left, replace }, partial: Some(partial) });
    }
}

/// The project for a choice; and whether what goes has drawn something along or held something back.
fn settled(
    input: &Input<'_>,
    model: &Model,
    scope: &Scope,
    bounds: Bounds,
    choice: &mut Choice<'_>,
) -> Result<(Model, Vec<String>, bool), Vec<Diagnostic>> {
    let mut sink = Sink::default();
    let cut = without(model, input.state, scope, &bounds.left);
    let state = lifecycle::open(&Input { model: &cut, ..*input }, &mut sink).state;
    let mut standing = Standing::new(&cut, &state, input.observation, &mut sink);
    standing.bound(bounds);
    if sink.has_errors() {
        return Err(sink.all);
    }
    let stand_ins = stand_ins(&cut, &standing);
    let mut settled = cut.clone();
    settled.resources.retain(|address, r| r.existing || !standing.bounds.left.contains(address));
    settled.resources.extend(stand_ins);
    let unasked = ask_less(&mut settled, scope);
    let graph = Graph::build(settled.resources.values().filter(|r| !r.existing));
    // What is wrong with it is told by the plan itself.
    let decisions = decide::decide(&settled, &state, &standing, &graph.resources_in_order(), &mut Sink::default());
    let grown = choice.grow(&decisions, &standing);
    Ok((settled, unasked, grown))
}

/// All that one can name.
struct Known {
    all: BTreeSet<Address>,
    wanted: BTreeSet<Address>,
    state: BTreeSet<Address>,
}

impl Known {
    fn of(input: &Input<'_>) -> Self {
        let moves: BTreeMap<Address, Address> = super::moves(input.model, input.state).into_iter().collect();
        let new = |address: &Address| moves.get(address).unwrap_or(address).clone();
        let wanted: BTreeSet<Address> = input.model.resources.values().filter(|r| !r.existing).map(|r| r.address.clone()).collect();
        let state: BTreeSet<Address> = input.state.resources.keys().map(new).collect();
        let deposed = input.state.deposed.iter().map(|d| new(&d.address));
        Self { all: wanted.iter().cloned().chain(state.iter().cloned()).chain(deposed).collect(), wanted, state }
    }

    /// What an option's address stands for.
    fn named(&mut self, text: &str, option: &str, input: &Input<'_>) -> Result<BTreeSet<Address>, Diagnostic> {
        let found: BTreeSet<Address> = self.all.iter().filter(|a| names(text, a)).cloned().collect();
        if !found.is_empty() {
            return Ok(found);
        }
        if input.model.resources.values().any(|r| r.existing && names(text, &r.address)) {
            return Err(codes::only_read(text, option));
        }
        if let Some(moved) = input.model.moved.iter().find(|m| names(text, &m.from)) {
            return Err(codes::unknown_address(text, option, Some(moved.to.as_str())));
        }
        let mut candidates: BTreeSet<&str> = self.all.iter().map(Address::as_str).collect();
        for address in &self.all {
            let text = address.as_str();
            let key = address.key().map_or(0, |key| key.to_string().len());
            candidates.extend(text.get(..text.len().saturating_sub(key)));
            candidates.extend(Some(address.module()).filter(|module| !module.is_empty()));
        }
        Err(codes::unknown_address(text, option, nearest(text, candidates)))
    }
}

/// Whether a text names a resource: by its address, without the key, or by a module that it is in.
fn names(text: &str, address: &Address) -> bool {
    let Some(rest) = address.as_str().strip_prefix(text) else { return false };
    let module = || Address::parse(&format!("{text}.vpc.x")).is_some_and(|a| a.module() == text);
    match rest.chars().next() {
        None => true,
        Some('[') => Address::parse(text).is_some() || module(),
        Some('.') => module(),
        Some(_) => false,
    }
}

/// What a plan is about, while it is being found out.
struct Choice<'a> {
    all: &'a BTreeSet<Address>,
    needs: BTreeMap<Address, BTreeSet<Address>>,
    along: BTreeMap<Address, String>,
    within: BTreeSet<Address>,
    by_target: bool,
}

impl Choice<'_> {
    /// With what is within comes all that it needs; with what is not goes all that needs it.
    fn close(&mut self) {
        let mut open: Vec<Address> = match self.by_target {
            true => self.within.iter().cloned().collect(),
            false => self.all.difference(&self.within).cloned().collect(),
        };
        while let Some(next) = open.pop() {
            if self.by_target {
                for need in self.needs.get(&next).into_iter().flatten().filter(|n| self.all.contains(*n)) {
                    if self.within.insert(need.clone()) {
                        self.along.insert(need.clone(), format!("{next} needs it"));
                        open.push(need.clone());
                    }
                }
                continue;
            }
            let needing: Vec<Address> = self.needs.iter().filter(|(_, needs)| needs.contains(&next)).map(|(a, _)| a.clone()).collect();
            for address in needing {
                if self.within.remove(&address) {
                    self.along.insert(address.clone(), format!("it needs {next}, which is left out"));
                    open.push(address);
                }
            }
        }
    }

    /// What goes cannot go while something that stays refers to it: either that comes along, or this stays.
    fn grow(&mut self, decisions: &Decisions<'_>, standing: &Standing<'_>) -> bool {
        let goes = |a: &&Address| decisions.replaced.contains(*a) || decisions.unwanted.contains(a);
        let goes: BTreeSet<&Address> = standing.things.keys().filter(goes).collect();
        let mut grown = false;
        for (address, thing) in standing.things.iter().filter(|(a, _)| standing.bounds.left.contains(*a)) {
            for other in named_by(thing, standing).iter().filter(|other| goes.contains(other)) {
                let what = if decisions.replaced.contains(other) { "is replaced" } else { "is deleted" };
                if self.by_target && self.within.insert(address.clone()) {
                    self.along.insert(address.clone(), format!("it refers to {other}, which {what}"));
                    grown = true;
                } else if !self.by_target && self.within.remove(other) {
                    self.along.insert(other.clone(), format!("{address}, which is left out, refers to it"));
                    grown = true;
                }
            }
        }
        if grown {
            self.close();
        }
        grown
    }
}

/// What a thing that stands refers to, and what its parts do.
fn named_by(thing: &Thing<'_>, standing: &Standing<'_>) -> Vec<Address> {
    let mut named = thing.state.after.clone();
    thing.state.record.values().for_each(|value| value.resources(&mut named));
    let observed = thing.observed.record.iter().filter(|(name, _)| *name != "id").map(|(_, value)| value);
    let parts = thing.observed.parts.iter().flat_map(|(_, record)| record.values());
    observed.chain(parts).for_each(|value| standing.addresses(value).resources(&mut named));
    named
}

/// The project without what is left as it is and does not stand, or without what is taken down.
fn without(model: &Model, state: &State, scope: &Scope, left: &BTreeSet<Address>) -> Model {
    let moves: BTreeSet<Address> = super::moves(model, state).into_iter().map(|(_, to)| to).collect();
    let stands = |address: &Address| state.resources.contains_key(address) || moves.contains(address);
    let mut cut = model.clone();
    let timeouts = |r: &Resource| (r.address.clone(), r.lifecycle.timeouts);
    cut.timeouts.extend(model.resources.values().filter(|r| !r.existing).map(timeouts));
    cut.resources.retain(|address, r| match (r.existing, left.contains(address)) {
        (true, _) => true,
        (false, true) => stands(address),
        (false, false) => !scope.destroy,
    });
    cut.imports.retain(|import| !left.contains(&import.to) && !scope.destroy);
    cut.forgotten.retain(|forgotten| !left.contains(&forgotten.address));
    cut
}

/// Takes out of the policies what will not stand. The statements that are about nobody then are told.
fn ask_less(cut: &mut Model, scope: &Scope) -> Vec<String> {
    let missing = |value: &Value| {
        let mut named = vec![];
        value.resources(&mut named);
        named.into_iter().find(|a| !cut.resources.contains_key(a))
    };
    let mut unasked = vec![];
    let mut policies = cut.policies.clone();
    for policy in &mut policies {
        let name = policy.name.clone();
        policy.statements.retain_mut(|statement| match about(statement, &missing) {
            Ok(()) => true,
            Err(address) => {
                let what = if scope.destroy || scope.undo { "does not stand then" } else { "does not exist yet" };
                let word = if statement.require { "require" } else { "forbid" };
                unasked.push(format!("a `{word}` of policy {name} has nobody to be about: {address} {what}"));
                false
            }
        });
    }
    cut.policies = policies;
    unasked
}

/// Takes out of a statement what will not stand.
///
/// # Errors
/// Nobody is left: one that is missing.
fn about(statement: &mut Statement, missing: &dyn Fn(&Value) -> Option<Address>) -> Result<(), Address> {
    for side in [&mut statement.from, &mut statement.to] {
        let first = side.iter().find_map(missing);
        side.retain(|value| missing(value).is_none());
        if let Some(address) = first.filter(|_| side.is_empty()) {
            return Err(address);
        }
    }
    // An exception for nobody excepts nothing; without sources it would be one for all.
    statement.except.retain_mut(|(_, from)| {
        let before = from.len();
        from.retain(|value| missing(value).is_none());
        before == 0 || !from.is_empty()
    });
    Ok(())
}

/// What is left as it is, as it stands.
fn stand_ins(model: &Model, standing: &Standing<'_>) -> Vec<(Address, Resource)> {
    let as_drawn = recall::things(standing);
    let of = |(address, mut resource): (Address, Resource)| {
        let thing = standing.things.get(&address)?;
        let told = |name: &str| thing.spec.attr(name).is_some_and(|a| !matches!(a.change, Change::Parts));
        let held = thing.state.record.get("id").cloned();
        let observed = thing.observed.record.iter().filter(|(name, value)| told(name) && **value != Value::Null && *name != "id");
        let observed: Record = observed
            .filter(|(name, _)| !thing.state.record.get(*name).is_some_and(Value::is_sealed))
            .map(|(name, value)| (name.clone(), standing.addresses(value)))
            .collect();
        resource.record.extend(observed);
        resource.record.extend(held.map(|id| ("id".to_owned(), id)));
        let written = model.resources.get(&address);
        resource.lifecycle = Lifecycle { protect: thing.state.protect, ..Lifecycle::default() };
        resource.span = written.and_then(|r| r.span);
        resource.parts = parts(thing, standing);
        Some((address, resource))
    };
    as_drawn.into_iter().filter(|(address, _)| standing.bounds.left.contains(address)).filter_map(of).collect()
}

fn parts(thing: &Thing<'_>, standing: &Standing<'_>) -> Vec<Part> {
    let part = |(name, record): &(&'static str, Record)| Part { name, record: standing.record_addresses(record), span: None };
    thing.observed.parts.iter().map(part).collect()
}

/// Makes what was planned for a cut project a plan of the project: what is left stays in the state as it is.
pub(super) fn close(plan: &mut Plan, input: &Input<'_>, partial: Partial) {
    let left = |address: &Address| partial.left.contains(address);
    plan.gone.retain(|address| !left(address));
    let mut outputs = input.state.outputs.clone();
    for (name, output) in &input.model.outputs {
        let mut named = vec![];
        output.value.resources(&mut named);
        // One that was worked out of what stays may say what the project would have it be, and is not.
        if !named.is_empty() && !named.iter().any(left) && !partial.scope.destroy {
            outputs.extend(plan.outputs.get(name).map(|value| (name.clone(), value.clone())));
        }
    }
    plan.outputs = outputs;
    let promises = guard::promises(input.model, input.sources);
    plan.weakened = guard::weakened(&input.state.promises, &promises);
    // What was demanded of the whole is demanded until the whole is applied: consent to a part of it is no more than that.
    let more: Vec<Promise> = promises.into_iter().filter(|p| !input.state.promises.contains(p)).collect();
    plan.promises = input.state.promises.iter().cloned().chain(more).collect();
    plan.partial = Some(partial);
}
