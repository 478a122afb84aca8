//! Where EC2 holds something else than the state says: a plan that changes the state alone. Layer 6: pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::{
        address::Address,
        diagnostic::{Diagnostic, Sink},
    },
    plan::{
        Action, AttributeChange, Change, Input, PartChange, Plan, Seen,
        decide::{is_anothers, same, shown},
        deep::is_deep,
        proof::Proof,
        standing::{Standing, Thing},
    },
    registry::{PartSpec, Removal},
    schema::{
        attr::{Attr, Change as Cost},
        model::Resource,
        value::{Record, Value},
    },
    state::{Part, seal::Secrets},
};

/// What the state would learn of what secnet has made: what is gone, what was changed by others. It has no tasks, so that
/// an apply of it sends nothing that changes EC2. What others have added stays theirs, and is said.
///
/// # Errors
/// An existing resource is not found.
pub fn drift(input: &Input<'_>) -> Result<Plan, Vec<Diagnostic>> {
    let Input { state, observation, .. } = *input;
    let model = &*super::joined(input.model, observation);
    let mut sink = Sink::default();
    let standing = Standing::new(model, state, observation, &mut sink);
    if sink.has_errors() {
        return Err(sink.all);
    }
    let (mut changes, mut seen, mut notes) = (vec![], vec![], vec![]);
    for (address, thing) in &standing.things {
        let mut found = Found { attributes: vec![], parts: vec![], record: Record::new(), notes: &mut notes };
        found.attributes(thing, &standing, model.resources.get(address));
        found.tags(thing, &model.project.ignore_tags);
        let parts = found.parts(address, thing, &standing);
        let Found { attributes, parts: changed, record, .. } = found;
        if !record.is_empty() || parts != thing.state.parts {
            seen.push(Seen { address: address.clone(), record, parts });
        }
        if !attributes.is_empty() || !changed.is_empty() {
            let (id, site) = (Some(thing.state.id.clone()), thing.state.site.clone());
            let (address, action) = (address.clone(), Action::Update);
            changes.push(Change { address, id, action, attributes, parts: changed, reason: None, site, place: None });
        }
    }
    Ok(Plan {
        project: model.project.key(),
        region: observation.region.clone(),
        account: observation.account.clone(),
        base: (state.lineage.clone(), state.serial),
        changes,
        tasks: vec![],
        moves: vec![],
        imports: vec![],
        protect: BTreeMap::new(),
        notes,
        gone: standing.gone.clone(),
        seen,
        images: BTreeMap::new(),
        existing: super::existing(&standing, input),
        answers: model.answers.clone(),
        outputs: state.outputs.clone(),
        attached: vec![],
        proof: Proof::default(),
        promises: state.promises.clone(),
        weakened: vec![],
        sealing_key: None,
        secrets: Secrets::default(),
        partial: None,
        recalled: None,
        warnings: vec![],
    })
}

/// Whether EC2 holds an attribute otherwise than the state, which knows a value of it that can be compared.
pub(super) fn has_drifted(thing: &Thing<'_>, attr: &Attr, standing: &Standing<'_>) -> bool {
    let told = matches!(attr.change, Cost::InPlace | Cost::Replace) && !thing.spec.untold.contains(&attr.name);
    let now = thing.observed.record.get(attr.name).filter(|_| told);
    let kept = thing.state.record.get(attr.name).filter(|kept| **kept != Value::Null && !kept.is_sealed());
    now.zip(kept).is_some_and(|(now, kept)| !same(thing.spec, attr, &settled(kept, standing), now))
}

/// How one resource differs.
struct Found<'n> {
    attributes: Vec<AttributeChange>,
    parts: Vec<PartChange>,
    /// What the state takes over.
    record: Record,
    notes: &'n mut Vec<String>,
}

impl Found<'_> {
    fn attributes(&mut self, thing: &Thing<'_>, standing: &Standing<'_>, wanted: Option<&Resource>) {
        for attr in thing.spec.attrs.iter() {
            let told = !matches!(attr.change, Cost::Parts | Cost::Ours)
                && attr.name != "id"
                && (!thing.spec.untold.contains(&attr.name) || is_deep(thing.spec, attr.name));
            let Some(now) = thing.observed.record.get(attr.name).filter(|_| told) else { continue };
            let kept = thing.state.record.get(attr.name).unwrap_or(&Value::Null);
            // Of what is sensitive there is but a hash: a plan compares it with what the sources say.
            if kept.is_sealed() || same(thing.spec, attr, &settled(kept, standing), now) {
                continue;
            }
            let computed = attr.change == Cost::Computed;
            // What the project never said, or says no more, is as EC2 likes.
            let says = wanted.is_none_or(|resource| resource.record.contains_key(attr.name));
            // What the project says as well is nobody's doing but its own.
            let agreed = wanted.and_then(|resource| resource.record.get(attr.name));
            if agreed.is_some_and(|value| same(thing.spec, attr, &settled(value, standing), now)) {
                continue;
            }
            if !computed && (*kept == Value::Null || !says) {
                continue;
            }
            let now = shown(attr, now, standing);
            if !computed {
                self.attributes.push(changed(attr.name, kept.clone(), now.clone()));
            }
            self.record.insert(attr.name.into(), now);
        }
    }

    fn tags(&mut self, thing: &Thing<'_>, ignored: &[String]) {
        let nothing = BTreeMap::new();
        let kept = match thing.state.record.get("tags") {
            Some(Value::Map(kept)) => kept,
            _ => &nothing,
        };
        if thing.spec.tag_type.is_none() || kept.values().any(Value::is_sealed) {
            return;
        }
        let ours = |key: &str| !key.starts_with("secnet:") && !is_anothers(key, ignored);
        let has: BTreeMap<String, Value> =
            thing.observed.tags.iter().filter(|(key, _)| ours(key)).map(|(key, value)| (key.clone(), Value::text(value))).collect();
        let keys: BTreeSet<&String> = kept.keys().filter(|key| ours(key)).chain(has.keys()).collect();
        for key in keys {
            let (old, new) = (kept.get(key).cloned().unwrap_or(Value::Null), has.get(key).cloned().unwrap_or(Value::Null));
            // What waited for EC2 when it was applied is compared by a plan.
            if old != new && old.is_known() {
                self.attributes.push(changed(&format!("tags.{key}"), old, new));
            }
        }
        if self.attributes.iter().any(|a| a.name.starts_with("tags.")) {
            let others = kept.iter().filter(|(key, _)| !ours(key)).map(|(key, value)| (key.clone(), value.clone()));
            self.record.insert("tags".into(), Value::Map(others.chain(has).collect()));
        }
    }

    /// The parts that are the project's, as EC2 has them.
    fn parts(&mut self, address: &Address, thing: &Thing<'_>, standing: &Standing<'_>) -> Vec<Part> {
        let mut observed: BTreeMap<String, (&'static PartSpec, &Record)> = BTreeMap::new();
        for (name, record) in &thing.observed.parts {
            if let Some(spec) = thing.spec.part(name) {
                observed.insert(spec.key_of(record), (spec, record));
            }
        }
        let mut left = vec![];
        for part in &thing.state.parts {
            let Some(spec) = thing.spec.part(&part.name) else { continue };
            let show = |record: &Record| Some((spec.show)(&standing.record_addresses(record)));
            let ids: Record = part.record.iter().map(|(name, value)| (name.clone(), settled(value, standing).as_network())).collect();
            let Some((_, record)) = observed.remove(&spec.key_of(&ids)) else {
                self.parts.push(part_change(Action::Delete, show(&part.record), None));
                continue;
            };
            let otherwise = |name: &&&str| record.get(**name).unwrap_or(&Value::Null) != ids.get(**name).unwrap_or(&Value::Null);
            let mut kept = part.clone();
            for name in spec.content.iter().filter(otherwise) {
                match record.get(*name) {
                    Some(value) => drop(kept.record.insert((*name).into(), standing.addresses(value))),
                    None => drop(kept.record.remove(*name)),
                }
            }
            if kept != *part {
                self.parts.push(part_change(Action::Update, show(&part.record), show(&kept.record)));
            }
            left.push(kept);
        }
        for (spec, record) in observed.into_values().filter(|(spec, _)| spec.removal != Removal::Stays) {
            let added = (spec.show)(&standing.record_addresses(record));
            self.notes.push(format!("{address} holds what somebody else has put there: `{added}`; a plan says what becomes of it"));
        }
        left
    }
}

/// What the state keeps, with what EC2 has decided since in the place of references.
fn settled(value: &Value, standing: &Standing<'_>) -> Value {
    let none = BTreeSet::new();
    standing.ids(&standing.substitute(value, &none, None), &none)
}

fn changed(name: &str, old: Value, new: Value) -> AttributeChange {
    AttributeChange { name: name.into(), old, new, known_after_apply: false, replaces: false, place: None }
}

fn part_change(action: Action, old: Option<String>, new: Option<String>) -> PartChange {
    PartChange { action, old, new, foreign: false, place: None }
}
