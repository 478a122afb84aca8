//! In which turn the changes of one resource go, and what locks of EC2's own keep from it. Layer 6.

use crate::{
    base::{
        address::Address,
        codes::{plan as codes, quota},
        diagnostic::Sink,
    },
    call::Call,
    plan::{
        Action,
        decide::{Decision, Decisions},
        deep::is_anothers_lock,
        standing::{Standing, Thing},
    },
    registry::Lock,
    schema::value::{Record, Value},
};

/// Calls that change some attributes of a resource.
#[derive(Debug)]
pub struct Turn {
    /// Those that change.
    pub names: Vec<&'static str>,
    /// One after the other.
    pub calls: Vec<Call>,
}

/// What changes a resource in place: what unlocks it first, what locks it last, and all that needs it stopped in one turn.
pub fn turns(decision: &Decision<'_>, standing: &Standing<'_>) -> Vec<Turn> {
    let (address, spec) = (&decision.resource.address, decision.spec);
    let (mut first, mut among, mut last, mut still): (Vec<Turn>, Vec<Turn>, Vec<Turn>, Option<Turn>) = (vec![], vec![], vec![], None);
    let changed = |name: &str| decision.attributes.iter().any(|changed| changed.0 == name);
    for update in spec.updates {
        let names: Vec<&'static str> = update.attrs.iter().copied().filter(|name| changed(name)).collect();
        let (Some(name), calls) = (names.first().copied(), || (update.calls)(address, &decision.record)) else { continue };
        match spec.still.filter(|still| still.attrs.contains(&name)) {
            Some(_) => {
                let turn = still.get_or_insert(Turn { names: vec![], calls: vec![] });
                turn.names.extend(&names);
                turn.calls.extend(calls());
            }
            None if spec.locks.iter().any(|lock| lock.attr == name) => {
                let place = if is_on(&decision.record, name) { &mut last } else { &mut first };
                place.push(Turn { names, calls: calls() });
            }
            None => among.push(Turn { names, calls: calls() }),
        }
    }
    if let (Some(turn), Some(how)) = (&mut still, spec.still) {
        turn.calls = (how.stop)(address).into_iter().chain(std::mem::take(&mut turn.calls)).chain((how.start)(address)).collect();
    }
    for shift in spec.shifts.iter().filter(|shift| changed(shift.attr)) {
        if let Some(thing) = standing.things.get(address) {
            among.push(Turn { names: vec![shift.attr], calls: (shift.calls)(address, &thing.observed.record, &decision.record) });
        }
    }
    first.into_iter().chain(still).chain(among).chain(last).collect()
}

/// The calls that turn the locks of something off that is about to go.
pub fn unlock(address: &Address, thing: &Thing<'_>) -> Vec<Call> {
    let mut calls = vec![];
    for lock in thing.spec.locks.iter().filter(|lock| holds(thing, lock)) {
        let off = Record::from([(lock.attr.to_owned(), Value::Bool(false))]);
        let updates = thing.spec.updates.iter().filter(|update| update.attrs.contains(&lock.attr));
        calls.extend(updates.flat_map(|update| (update.calls)(address, &off)));
    }
    calls
}

/// Reports what a lock keeps from being deleted, replaced or stopped, where the sources do not turn it off.
pub fn guard(decisions: &Decisions<'_>, standing: &Standing<'_>, sink: &mut Sink) {
    for decision in decisions.wanted.values() {
        let resource = decision.resource;
        let Some(thing) = standing.things.get(&resource.address) else { continue };
        let left = |lock: &Lock| resource.lifecycle.ignore.iter().any(|name| name == lock.attr);
        let stays = |lock: &&Lock| is_on(&decision.record, lock.attr) || left(lock) || is_anothers_lock(thing, &decision.record, lock.attr);
        for lock in decision.spec.locks.iter().filter(|lock| holds(thing, lock)).filter(stays) {
            let by: Vec<_> = hindered(decision, lock).into_iter().map(|name| (name, resource.span_of(name))).collect();
            if !by.is_empty() {
                let replaced = decision.action == Some(Action::Replace);
                sink.push(codes::locked_from_change(&resource.address, lock.attr, &by, replaced, resource.span_of(lock.attr)));
            }
        }
    }
    for address in &decisions.unwanted {
        let Some(thing) = standing.things.get(address) else { continue };
        thing
            .spec
            .locks
            .iter()
            .filter(|lock| holds(thing, lock))
            .for_each(|lock| sink.push(codes::locked_from_deletion(address, lock.attr)));
    }
}

/// Reports what would have to shrink though EC2 only lets it grow.
pub fn shrunk(decisions: &Decisions<'_>, sink: &mut Sink) {
    for decision in decisions.wanted.values().filter(|decision| decision.action != Some(Action::Replace)) {
        for (name, old, new, _) in decision.attributes.iter().filter(|(name, ..)| decision.spec.grows.contains(name)) {
            if let (Value::Int(old), Value::Int(new)) = (old.inner(), new.inner())
                && new < old
            {
                let resource = decision.resource;
                sink.push(quota::shrunk(&resource.address, name, (*old, *new), resource.span_of(name).or(resource.span)));
            }
        }
    }
}

/// The attributes whose change a lock stands against.
fn hindered(decision: &Decision<'_>, lock: &Lock) -> Vec<&'static str> {
    let stops = |name: &str| lock.stops && decision.spec.still.is_some_and(|still| still.attrs.contains(&name));
    let replaced = decision.action == Some(Action::Replace);
    decision.attributes.iter().filter(|a| if replaced { a.3 } else { stops(a.0) }).map(|a| a.0).collect()
}

/// Whether a lock is on, as far as anybody knows.
fn holds(thing: &Thing<'_>, lock: &Lock) -> bool {
    let record = if thing.observed.record.contains_key(lock.attr) { &thing.observed.record } else { &thing.state.record };
    is_on(record, lock.attr)
}

fn is_on(record: &Record, name: &str) -> bool {
    record.get(name).is_some_and(|value| *value.inner() == Value::Bool(true))
}
