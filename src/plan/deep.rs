//! What EC2 tells of one resource at a time only: what a plan knows of it, and what it says of what it does not. Layer 6: pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::{address::Address, codes::name::listed},
    plan::{
        decide::{Decision, Decisions, same},
        standing::{Standing, Thing},
    },
    registry::Spec,
    schema::value::{Record, Value},
};

/// Whether EC2 tells an attribute of one resource at a time only.
pub(super) fn is_deep(spec: &Spec, name: &str) -> bool {
    spec.deep.iter().any(|deep| deep.attr == name)
}

fn has(record: &Record, name: &str) -> bool {
    record.get(name).is_some_and(|value| *value != Value::Null)
}

/// What was read in this way and is as the project wants it, though the state says otherwise: without this the next plan, which does
/// not read it, would change it once more.
pub(super) fn seen(decision: &Decision<'_>, thing: &Thing<'_>, standing: &Standing<'_>) -> Record {
    let (spec, resource, none) = (decision.spec, decision.resource, BTreeSet::new());
    let mut found = Record::new();
    for attr in spec.attrs.iter().filter(|attr| is_deep(spec, attr.name) && thing.observed.record.contains_key(attr.name)) {
        let changes = decision.attributes.iter().any(|changed| changed.0 == attr.name);
        let Some(kept) = thing.state.record.get(attr.name).filter(|_| !changes) else { continue };
        if resource.lifecycle.ignore.iter().any(|name| name == attr.name) {
            continue;
        }
        let wanted = decision.record.get(attr.name).cloned().unwrap_or(Value::Null);
        let current = standing.ids(&standing.substitute(kept, &none, None), &none);
        let written = resource.record.get(attr.name);
        let known = same(spec, attr, &standing.ids(&wanted.bare(), &none), &current)
            || kept.is_sealed() && standing.is_kept_as(&current, &wanted, written, &none);
        if !known {
            found.insert(attr.name.into(), wanted);
        }
    }
    found
}

/// What was not read because nobody asked for it, and locks that somebody else has put on: sentences for people.
#[must_use]
pub fn notes(decisions: &Decisions<'_>, standing: &Standing<'_>, deep: bool) -> Vec<String> {
    if !deep {
        return if standing.recalled { vec![] } else { unread(standing) };
    }
    let mut notes = vec![];
    for (address, decision) in &decisions.wanted {
        let Some(thing) = standing.things.get(*address) else { continue };
        let theirs = |name: &str| is_anothers_lock(thing, &decision.record, name);
        for lock in decision.spec.locks.iter().filter(|lock| theirs(lock.attr)) {
            let what = if lock.stops { "stop or delete" } else { "delete" };
            notes.push(format!("somebody else has turned `{}` of {address} on: EC2 refuses to {what} it", lock.attr));
        }
    }
    notes
}

/// Whether a lock is on that neither the project nor the state says anything about.
pub(super) fn is_anothers_lock(thing: &Thing<'_>, wanted: &Record, name: &str) -> bool {
    let on = thing.observed.record.get(name) == Some(&Value::Bool(true));
    on && !has(wanted, name) && !has(&thing.state.record, name)
}

fn unread(standing: &Standing<'_>) -> Vec<String> {
    let mut kinds: BTreeMap<&str, (BTreeSet<&str>, Vec<&Address>)> = BTreeMap::new();
    for (address, thing) in &standing.things {
        let names: Vec<&str> = thing.spec.deep.iter().map(|deep| deep.attr).filter(|name| has(&thing.state.record, name)).collect();
        if !names.is_empty() {
            let (all, of) = kinds.entry(thing.spec.kind).or_default();
            all.extend(names);
            of.push(address);
        }
    }
    let note = |(kind, (names, of)): (&str, (BTreeSet<&str>, Vec<&Address>))| {
        let names: Vec<&str> = names.into_iter().collect();
        let of = match of.as_slice() {
            [one] => one.to_string(),
            many => format!("{} resources of type {kind}", many.len()),
        };
        format!("{} of {of} is as the state has it: reading that takes a call for each, which `--deep` makes", listed(&names))
    };
    kinds.into_iter().map(note).collect()
}
