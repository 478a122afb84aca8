//! The way back: the project as the state before the last apply has it. Layer 6: pure.
//!
//! It is planned as any part of a project is: what the last apply has changed goes back to what was recorded, all else
//! stays as it is. Policies are those of the sources now. What cannot be put back is an error, never left out.

use std::collections::BTreeSet;

use crate::{
    base::{
        address::Address,
        codes::scope as codes,
        diagnostic::{Diagnostic, Sink},
        span::Span,
    },
    plan::{Action, Plan, observation::Observation, proof::recall, scope::Scope, standing::Standing},
    resources,
    schema::{
        attr::Change,
        model::{Forgotten, Import, Lifecycle, Model, Moved, Resource},
        value::{Record, Value},
    },
    state::{self, State, undo::Kept},
};

/// The project to go back to, and what of it the plan is about. `recalled` is what the state before says of EC2.
///
/// # Errors
/// It refers to something that is read no more, or nothing has changed since.
pub fn rewound(model: &Model, kept: &Kept, now: &State, recalled: &Observation) -> Result<(Model, Scope), Vec<Diagnostic>> {
    let before = &kept.before;
    let fresh = before.serial == 0 && before.resources.is_empty();
    if before.lineage != now.lineage && !fresh {
        return Err(vec![codes::nothing_to_undo("the state is another one than that which the last apply has changed")]);
    }
    let Some(span) = model.project.span else { return Err(vec![codes::nothing_to_undo("the sources have no `project` block")]) };
    let mut back = Model { resources: model.resources.clone(), ..model.clone() };
    back.resources.retain(|_, r| r.existing);
    (back.imports, back.forgotten, back.moved, back.outputs) = (vec![], vec![], renamed(before, now, span), Default::default());
    let mut state = now.clone();
    state.fold(&state::event::Event::Moved { moves: back.moved.iter().map(|m| (m.from.clone(), m.to.clone())).collect() });
    let mut sink = Sink::default();
    let standing = Standing::new(&Model::default(), before, recalled, &mut sink);
    let (mut target, mut wrong) = (BTreeSet::new(), vec![]);
    for (address, drawn) in recall::things(&standing) {
        let Some(held) = before.resources.get(&address) else { continue };
        let changed = state.resources.get(&address).is_none_or(|now| !same(&address, held, now));
        let resource = resource(drawn, held, model.resources.get(&address).filter(|r| !r.existing), state.resources.get(&address));
        if changed {
            let lost = |a: &Address| !before.resources.contains_key(a) && !back.resources.get(a).is_some_and(|r| r.existing);
            wrong.extend(named(&resource).into_iter().find(lost).map(|other| {
                codes::cannot_undo(
                    &address,
                    &format!("it referred to {other}, which the project does not read any more"),
                    "write its `existing` block back",
                )
            }));
            target.insert(address.clone());
            if kept.forgotten.contains(&address) {
                back.imports.push(Import { to: address.clone(), id: held.id.clone(), span });
            }
        }
        back.resources.insert(address, resource);
    }
    target.extend(state.resources.keys().filter(|a| !before.resources.contains_key(*a)).cloned());
    target.extend(state.deposed.iter().map(|d| d.address.clone()));
    let taken_in = kept.imported.iter().filter(|a| !before.resources.contains_key(*a) && state.resources.contains_key(*a));
    back.forgotten.extend(taken_in.map(|address| Forgotten { address: address.clone(), span }));
    if !wrong.is_empty() || sink.has_errors() {
        return Err(wrong.into_iter().chain(sink.all).collect());
    }
    if target.is_empty() && back.moved.is_empty() {
        return Err(vec![codes::nothing_to_undo("what it has changed is as it was before")]);
    }
    let target = target.iter().map(ToString::to_string).collect();
    Ok((back, Scope { target, undo: true, ..Scope::default() }))
}

/// What has another name now than before.
fn renamed(before: &State, now: &State, span: Span) -> Vec<Moved> {
    let old = |(address, resource): (&Address, &state::Resource)| {
        let (to, _) = before.resources.iter().find(|(to, held)| held.id == resource.id && *to != address)?;
        Some(Moved { from: address.clone(), to: to.clone(), span })
    };
    now.resources.iter().filter(|(address, _)| !before.resources.contains_key(*address)).filter_map(old).collect()
}

/// Whether a thing is what it was, but for what EC2 decides.
fn same(address: &Address, before: &state::Resource, now: &state::Resource) -> bool {
    let written = |r: &state::Resource| {
        r.record.iter().filter(|(name, _)| is_written(address, name)).map(|(n, v)| (n.clone(), v.clone())).collect::<Record>()
    };
    let parts = |r: &state::Resource| {
        let mut parts: Vec<String> = r.parts.iter().map(|part| format!("{part:?}")).collect();
        parts.sort();
        parts
    };
    before.id == now.id && before.protect == now.protect && written(before) == written(now) && parts(before) == parts(now)
}

fn is_written(address: &Address, name: &str) -> bool {
    if name == "tags" {
        return true;
    }
    resources::spec(address.kind()).and_then(|spec| spec.attr(name)).is_some_and(|attr| attr.change != Change::Computed)
}

/// A resource as it was wanted. A sensitive value that has not changed since is left as EC2 has it.
fn resource(mut drawn: Resource, held: &state::Resource, written: Option<&Resource>, now: Option<&state::Resource>) -> Resource {
    let address = drawn.address.clone();
    drawn.record.retain(|name, _| is_written(&address, name));
    // What EC2 had told that there was none of is not asked for again where the thing is made anew.
    let default = |name: &str| resources::spec(address.kind()).and_then(|spec| spec.attr(name)).is_some_and(|a| a.default.is_some());
    let nothing = |value: &Value| *value == Value::List(vec![]) || *value == Value::Int(0);
    let unchanged = |name: &str, value: &Value| now.is_none_or(|now| now.id != held.id && now.record.get(name).is_none_or(|v| v == value));
    drawn.record.retain(|name, value| default(name) || !nothing(value) || !unchanged(name, value));
    drawn.lifecycle = Lifecycle { protect: held.protect, ignore: vec![], ..written.map(|r| r.lifecycle.clone()).unwrap_or_default() };
    let kept = held.record.iter().filter(|(name, value)| value.is_sealed() && now.is_some_and(|now| now.record.get(*name) == Some(*value)));
    drawn.lifecycle.ignore.extend(kept.map(|(name, _)| name.clone()));
    drawn.span = written.and_then(|r| r.span);
    drawn
}

fn named(resource: &Resource) -> Vec<Address> {
    let mut named = resource.after.clone();
    let parts = resource.parts.iter().flat_map(|part| part.record.values());
    resource.record.values().chain(parts).for_each(|value| value.resources(&mut named));
    named
}

/// What people must know of a way back, or why it cannot be gone.
///
/// # Errors
/// Something sensitive would have to be put back, of which there is but a hash.
pub fn told(plan: &mut Plan, kept: &Kept) -> Result<(), Vec<Diagnostic>> {
    let mut wrong = vec![];
    let mut made: Vec<&Address> = vec![];
    for change in &plan.changes {
        let Some(held) = kept.before.resources.get(&change.address) else { continue };
        let anew = matches!(change.action, Action::Create | Action::Replace);
        let put_back =
            |name: &str| anew || change.attributes.iter().any(|a| a.name == name || name == "tags" && a.name.starts_with("tags"));
        if let Some((name, _)) = held.record.iter().find(|(name, value)| value.is_sealed() && put_back(name)) {
            let why = format!("`{name}` was sensitive, and of such a value the state keeps but a hash");
            wrong.push(codes::cannot_undo(&change.address, &why, "put the sources back to what they were, and apply them"));
        }
        if anew {
            made.push(&change.address);
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let of_kind = |kinds: &[&str]| made.iter().filter(|a| kinds.contains(&a.kind())).map(ToString::to_string).collect::<Vec<_>>();
    let (all, disks) = (made.len(), of_kind(&["instance", "volume"]));
    let mut notes = vec!["the sources stay as they are: the next plan shows what they say against this".to_owned()];
    if all > 0 {
        notes.push(format!("{all} of these are made anew, with ids and addresses that AWS chooses again"));
    }
    if !disks.is_empty() {
        notes.push(format!("what was on the disks of {} does not come back", disks.join(", ")));
    }
    plan.notes.extend(notes);
    Ok(())
}
