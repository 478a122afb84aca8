//! What can stand but once at a time: what takes its place comes after it has gone. Layer 6.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::{
        address::Address,
        codes::plan as codes,
        diagnostic::{Diagnostic, Sink},
    },
    plan::{Action, decide::Decisions, standing::Standing},
    registry::Spec,
    schema::{
        model::Resource,
        value::{Record, Value},
    },
};

/// Something that cannot come before something of another name has gone.
#[derive(Debug)]
pub struct Taken {
    /// What comes, and which of its parts.
    pub new: (Address, Option<usize>),
    /// What goes, and the key of its part.
    pub old: (Address, Option<String>),
    /// What both have.
    pub attr: &'static str,
}

/// A resource or a part of one, with ids; of a part its name, its place among those wanted, and its key.
struct Holder<'a> {
    of: &'a Address,
    spec: &'static Spec,
    part: Option<(&'static str, Option<usize>, String)>,
    record: Record,
}

/// A kind, which of its [`Spec::once`], where, and what it has in all but the last attribute.
type Place = (&'static str, usize, String, String);

impl Holder<'_> {
    /// The places that it takes.
    fn places(&self, site: &str) -> Vec<Place> {
        let name = self.part.as_ref().map_or("", |(name, ..)| name);
        let once = self.spec.once.iter().enumerate().filter(|(_, (part, _))| *part == name);
        let place = |(which, (_, attrs)): (usize, &(&str, &'static [&'static str]))| {
            let values: Option<Vec<String>> = attrs.iter().map(|attr| Some(self.value(attr)?.to_string())).collect();
            let mut values = values?;
            values.pop();
            Some((self.spec.kind, which, site.to_owned(), values.join("\n")))
        };
        once.filter_map(place).collect()
    }

    fn value(&self, attr: &str) -> Option<Value> {
        self.record.get(attr).map(Value::bare).filter(|value| *value != Value::Null)
    }

    /// Whether both have the same in this attribute. Networks must not overlap.
    fn meets(&self, other: &Holder<'_>, attr: &str) -> bool {
        meet(self.value(attr).as_ref(), other.value(attr).as_ref())
    }
}

fn meet(a: Option<&Value>, b: Option<&Value>) -> bool {
    match (a, b) {
        (Some(Value::Cidr(a)), Some(Value::Cidr(b))) => a.overlaps(*b),
        (a, b) => a.is_some() && a == b,
    }
}

/// What is to come in the place of something of another name.
#[must_use]
pub fn taken(decisions: &Decisions<'_>, standing: &Standing<'_>) -> Vec<Taken> {
    let site = |address: &Address| {
        let stands = || standing.things.get(address).map(|thing| &thing.state.site);
        format!("{:?}", decisions.wanted.get(address).map(|d| &d.resource.site).or_else(stands))
    };
    let old = goes(decisions, standing);
    let mut held: BTreeMap<Place, Vec<&Holder<'_>>> = BTreeMap::new();
    for holder in &old {
        for place in holder.places(&site(holder.of)) {
            held.entry(place).or_default().push(holder);
        }
    }
    let mut found = vec![];
    for new in comes(decisions, standing) {
        for place in new.places(&site(new.of)) {
            let attr = new.spec.once[place.1].1.last().copied();
            let others = held.get(&place).into_iter().flatten().filter(|old| old.of != new.of);
            found.extend(others.filter(|old| attr.is_none_or(|attr| new.meets(old, attr))).map(|old| Taken {
                new: (new.of.clone(), new.part.as_ref().and_then(|(_, index, _)| *index)),
                old: (old.of.clone(), old.part.as_ref().map(|(_, _, key)| key.clone())),
                attr: attr.unwrap_or("account"),
            }));
        }
    }
    found
}

/// What goes.
fn goes<'a>(decisions: &'a Decisions<'_>, standing: &Standing<'_>) -> Vec<Holder<'a>> {
    let mut found = vec![];
    for address in decisions.unwanted.iter().chain(&decisions.replaced) {
        let Some(thing) = standing.things.get(address).filter(|thing| !thing.spec.once.is_empty()) else { continue };
        let none = BTreeSet::new();
        let kept =
            thing.state.record.iter().map(|(name, value)| (name.clone(), standing.ids(&standing.substitute(value, &none, None), &none)));
        let record = kept.chain(thing.observed.record.clone()).collect();
        found.push(Holder { of: address, spec: thing.spec, part: None, record });
        for (name, record) in &thing.observed.parts {
            let key = thing.spec.part(name).map(|part| part.key_of(record)).unwrap_or_default();
            found.push(Holder { of: address, spec: thing.spec, part: Some((name, None, key)), record: record.clone() });
        }
    }
    for decision in decisions.wanted.values().filter(|d| !d.spec.once.is_empty()) {
        for part in decision.parts.iter().filter(|p| !p.same) {
            let Some(record) = part.observed.clone() else { continue };
            let key = part.spec.key_of(&record);
            found.push(Holder { of: &decision.resource.address, spec: decision.spec, part: Some((part.spec.name, None, key)), record });
        }
    }
    found
}

/// What comes.
fn comes<'a>(decisions: &'a Decisions<'_>, standing: &Standing<'_>) -> Vec<Holder<'a>> {
    let mut found = vec![];
    for decision in decisions.wanted.values().filter(|d| !d.spec.once.is_empty()) {
        let (of, spec) = (&decision.resource.address, decision.spec);
        if matches!(decision.action, Some(Action::Create | Action::Replace)) {
            found.push(Holder { of, spec, part: None, record: standing.record_ids(&decision.record, &decisions.replaced) });
        }
        for part in decision.parts.iter().filter(|p| !p.same) {
            let (Some(wanted), Some(index)) = (&part.wanted, part.index) else { continue };
            let record = standing.record_ids(wanted, &decisions.replaced);
            let key = part.spec.key_of(&record);
            found.push(Holder { of, spec, part: Some((part.spec.name, Some(index), key)), record });
        }
    }
    found
}

/// Reports a successor that cannot stand beside what it replaces, though it is to be made first.
pub fn beside(decisions: &Decisions<'_>, standing: &Standing<'_>, create_first: &dyn Fn(&Resource, &Spec) -> bool, sink: &mut Sink) {
    for decision in decisions.wanted.values().filter(|d| d.action == Some(Action::Replace) && create_first(d.resource, d.spec)) {
        let resource = decision.resource;
        let Some(stands) = standing.things.get(&resource.address) else { continue };
        let stays = |name: &&str| {
            let wanted = decision.record.get(*name).filter(|w| **w != Value::Null).map(|w| standing.ids(w, &decisions.replaced).bare());
            let kept = || stands.state.record.get(*name).map(|v| standing.ids(v, &decisions.replaced));
            meet(stands.observed.record.get(*name).cloned().or_else(kept).as_ref(), wanted.as_ref())
        };
        let changed = decision.attributes.iter().find(|a| a.3).map_or("", |a| a.0);
        for (_, attrs) in decision.spec.once.iter().filter(|(part, attrs)| part.is_empty() && attrs.iter().all(stays)) {
            let name = attrs.last().copied().unwrap_or("account");
            sink.push(codes::cannot_stand_beside(&resource.address, name, (changed, resource.span_of(changed)), resource.lifecycle.span));
        }
    }
}

/// Why there is no order: what was to come in the place of something that only goes afterwards.
#[must_use]
pub fn in_circle(taken: &[Taken], decisions: &Decisions<'_>) -> Option<Diagnostic> {
    let renamed = |t: &&Taken| decisions.unwanted.contains(&t.old.0);
    let one = taken.iter().find(renamed).or(taken.first())?;
    let span = decisions.wanted.get(&one.new.0).and_then(|d| d.resource.span);
    Some(codes::place_taken(&one.new.0, &one.old.0, one.attr, span))
}

/// What people are told of it: what is made anew under another name might be the same thing.
#[must_use]
pub fn notes(taken: &[Taken], decisions: &Decisions<'_>) -> Vec<String> {
    let made = |address: &Address| decisions.wanted.get(address).is_some_and(|d| d.action == Some(Action::Create));
    let whole = taken.iter().filter(|t| t.new.1.is_none() && t.old.1.is_none() && decisions.unwanted.contains(&t.old.0) && made(&t.new.0));
    let note = |t: &Taken| {
        let (new, old, attr) = (&t.new.0, &t.old.0, t.attr);
        format!("{new} takes the place of {old}, which goes first: both have the same `{attr}`; `moved {old} to {new}` would keep it")
    };
    let all: BTreeSet<String> = whole.map(note).collect();
    all.into_iter().collect()
}
