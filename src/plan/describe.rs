//! Decisions as people read them. Layer 6; `render` lays them out.

use std::collections::BTreeMap;

use crate::{
    base::{address::Address, source::Sources, span::Span},
    plan::{
        Action, AttributeChange, Change, PartChange,
        decide::{Decision, Decisions, PartDecision},
        lifecycle,
        standing::{Standing, Thing},
    },
    schema::{
        attr::{Attr, Change as Cost},
        value::{Record, Value},
    },
};

/// One entry for each resource that changes, in order of addresses; deposed ones last.
#[must_use]
pub fn changes(decisions: &Decisions<'_>, standing: &Standing<'_>, sources: Option<&Sources>) -> Vec<Change> {
    let place = |span: Option<Span>| Some(sources?.place(span?));
    let mut changes: BTreeMap<&Address, Change> = BTreeMap::new();
    for (address, decision) in &decisions.wanted {
        if let Some(change) = wanted(decision, standing, &place) {
            changes.insert(address, change);
        }
    }
    for address in &decisions.unwanted {
        if let Some(thing) = standing.things.get(address) {
            let change = if thing.spec.stands_for.is_some() { let_go(address, thing, decisions) } else { None };
            changes.insert(address, change.unwrap_or_else(|| gone(address, thing, standing, "it is not in the project any more")));
        }
    }
    let deposed = standing.deposed.iter().map(|(address, thing)| gone(address, thing, standing, "its successor stands already"));
    changes.into_values().chain(deposed).collect()
}

fn wanted(decision: &Decision<'_>, standing: &Standing<'_>, place: &dyn Fn(Option<Span>) -> Option<String>) -> Option<Change> {
    let resource = decision.resource;
    let parts = parts(decision, standing, place);
    let mut attributes: Vec<AttributeChange> = decision
        .attributes
        .iter()
        .filter(|(name, _, new, _)| decision.spec.attr(name).is_some_and(|a| a.change != Cost::Parts && !is_usual(a, new)))
        .map(|(name, old, new, replaces)| AttributeChange {
            name: (*name).into(),
            old: old.clone(),
            new: new.clone(),
            known_after_apply: !settled(new),
            replaces: *replaces,
            place: resource.spans.get(*name).and_then(|s| place(Some(*s))),
        })
        .collect();
    if matches!(decision.action, Some(Action::Create)) {
        attributes.extend(decision.record.get("tags").map(|tags| attribute("tags", Value::Null, tags.clone())));
    }
    if let Some((set, remove)) = &decision.tags {
        attributes.extend(tag_changes(decision, standing, set, remove));
    }
    let protected = resource.lifecycle.span.and_then(|s| place(Some(s)));
    attributes.extend(
        match lifecycle::protection(decision, standing) {
            (None, true) => Some(attribute("protect", Value::Null, Value::Bool(true))),
            (Some(before), now) if before != now => Some(attribute("protect", Value::Bool(before), Value::Bool(now))),
            _ => None,
        }
        .map(|a| AttributeChange { place: protected, ..a }),
    );
    let action = decision.action.or_else(|| (!parts.is_empty() || !attributes.is_empty()).then_some(Action::Update))?;
    let replaced_by = decision.attributes.iter().filter(|a| a.3).map(|a| format!("`{}`", a.0)).collect::<Vec<_>>();
    let reason = match (&decision.reason, action) {
        (Some(reason), _) => Some(reason.clone()),
        (None, Action::Replace) => Some(format!("EC2 cannot change {}", replaced_by.join(", "))),
        (None, _) => None,
    };
    let id = standing.things.get(&resource.address).map(|t| t.state.id.clone());
    let (address, site) = (resource.address.clone(), resource.site.clone());
    Some(Change { address, id, action, attributes, parts, reason, site, place: place(resource.span) })
}

/// Whether an attribute says of secnet itself what it does anyhow.
fn is_usual(attr: &Attr, value: &Value) -> bool {
    attr.change == Cost::Ours && attr.default.as_ref() == Some(value)
}

/// What somebody else has put into what the project owns and that is left there: sentences for people.
#[must_use]
pub fn left_to_others(decisions: &Decisions<'_>, standing: &Standing<'_>) -> Vec<String> {
    let left = decisions.wanted.iter().flat_map(|(address, d)| d.parts.iter().filter(|p| p.is_left()).map(move |p| (address, p)));
    let told = left.filter_map(|(address, part)| {
        let shown = (part.spec.show)(&standing.record_addresses(part.observed.as_ref()?));
        Some(format!("{address} keeps what somebody else has put there: `{shown}`"))
    });
    told.collect()
}

/// Whether nothing in a value waits for EC2; a reference is known as such.
fn settled(value: &Value) -> bool {
    match value {
        Value::Resource(_) => true,
        Value::List(values) => values.iter().all(settled),
        Value::Map(map) => map.values().all(settled),
        other => other.is_known(),
    }
}

fn attribute(name: &str, old: Value, new: Value) -> AttributeChange {
    let known_after_apply = !settled(&new);
    AttributeChange { name: name.into(), old, new, known_after_apply, replaces: false, place: None }
}

fn tag_changes(decision: &Decision<'_>, standing: &Standing<'_>, set: &BTreeMap<String, Value>, remove: &[String]) -> Vec<AttributeChange> {
    let thing = standing.things.get(&decision.resource.address);
    let is_sealed = |key: &str| match thing.and_then(|t| t.state.record.get("tags")) {
        Some(Value::Map(kept)) => kept.get(key).is_some_and(Value::is_sealed),
        _ => false,
    };
    let old = |key: &String, new: &Value| match thing.and_then(|t| t.observed.tags.get(key)) {
        Some(text) => Value::text(text).sensitive_if(new.is_sensitive() || is_sealed(key)),
        None => Value::Null,
    };
    let set = set.iter().map(|(key, new)| attribute(&format!("tags.{key}"), old(key, new), new.clone()));
    set.chain(remove.iter().map(|key| attribute(&format!("tags.{key}"), old(key, &Value::Null), Value::Null))).collect()
}

/// The parts that change. One that goes and one that comes, and that differ in a single member, are one that changes.
fn parts(decision: &Decision<'_>, standing: &Standing<'_>, place: &dyn Fn(Option<Span>) -> Option<String>) -> Vec<PartChange> {
    let mut going: Vec<&PartDecision> = decision.parts.iter().filter(|p| p.wanted.is_none() && p.kept.is_some()).collect();
    let mut changes = vec![];
    for change in decision.parts.iter().filter(|p| !p.same && p.wanted.is_some()) {
        let mut described = part(change, standing, place);
        let twin = going.iter().position(|gone| change.observed.is_none() && twins(gone, change));
        if let Some(gone) = twin.map(|i| going.remove(i)) {
            described.action = Action::Update;
            described.old = part(gone, standing, place).old;
        }
        changes.push(described);
    }
    let foreign = decision.parts.iter().filter(|p| !p.same && p.wanted.is_none() && p.kept.is_none());
    changes.extend(going.into_iter().chain(foreign).map(|p| part(p, standing, place)));
    changes
}

fn twins(gone: &PartDecision, made: &PartDecision) -> bool {
    let (Some(old), Some(new)) = (&gone.observed, &made.wanted) else { return false };
    let differ = |member: &&&str| old.get(**member) != new.get(**member);
    gone.spec.name == made.spec.name && made.spec.key.len() > 1 && made.spec.key.iter().filter(differ).count() == 1
}

fn part(part: &PartDecision, standing: &Standing<'_>, place: &dyn Fn(Option<Span>) -> Option<String>) -> PartChange {
    let show = |record: &Record| (part.spec.show)(&standing.record_addresses(record));
    PartChange {
        action: match (&part.observed, &part.wanted) {
            (None, _) => Action::Create,
            (Some(_), Some(_)) => Action::Update,
            (Some(_), None) => Action::Delete,
        },
        old: part.observed.as_ref().map(show),
        new: part.wanted.as_ref().map(show),
        foreign: part.kept.is_none() && part.wanted.is_none(),
        place: place(part.span),
    }
}

/// What AWS gives stays as it stands when the project lets go of it, unless its VPC goes; then `None`.
fn let_go(address: &Address, thing: &Thing<'_>, decisions: &Decisions<'_>) -> Option<Change> {
    decisions.stays_behind(thing).then(|| Change {
        site: thing.state.site.clone(),
        address: address.clone(),
        id: Some(thing.state.id.clone()),
        action: Action::Forget,
        attributes: vec![],
        parts: vec![],
        reason: Some("it is not in the project any more; AWS has given it with its VPC, and it stays as it stands".into()),
        place: None,
    })
}

fn gone(address: &Address, thing: &Thing<'_>, standing: &Standing<'_>, reason: &str) -> Change {
    let written = |name: &str| thing.spec.attr(name).is_some_and(|a| !matches!(a.change, Cost::Computed | Cost::Parts | Cost::Ours));
    let attributes = thing.state.record.iter().filter(|(name, value)| written(name) && **value != Value::Null);
    let parts = thing.observed.parts.iter().filter_map(|(name, record)| {
        let shown = (thing.spec.part(name)?.show)(&standing.record_addresses(record));
        Some(PartChange { action: Action::Delete, old: Some(shown), new: None, foreign: false, place: None })
    });
    Change {
        site: thing.state.site.clone(),
        address: address.clone(),
        id: Some(thing.state.id.clone()),
        action: Action::Delete,
        attributes: attributes.map(|(name, value)| attribute(name, value.clone(), Value::Null)).collect(),
        parts: parts.collect(),
        reason: Some(reason.into()),
        place: None,
    }
}
