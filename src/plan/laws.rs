//! What holds of every plan, checked before anybody sees it. Layer 6.
//!
//! A plan that breaks a law is a mistake of secnet's, and is refused rather than applied.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::address::Address,
    call::Arg,
    plan::{Action, Change, Plan, Task},
    resources,
    state::event::What,
};

/// A law that a plan breaks, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken(pub String);

/// Checks every law.
///
/// # Errors
/// The first law that does not hold.
pub fn check(plan: &Plan) -> Result<(), Broken> {
    let created: BTreeMap<&Address, usize> =
        plan.tasks.iter().enumerate().flat_map(|(i, t)| creates(t).into_iter().map(move |address| (address, i))).collect();
    let extended: Vec<(&Address, usize)> = plan.tasks.iter().enumerate().filter_map(|(i, t)| Some((extends(t)?, i))).collect();
    for (index, task) in plan.tasks.iter().enumerate() {
        // Tasks stand in an order in which each comes after all that it waits for.
        if let Some(late) = task.needs.iter().find(|n| **n >= index) {
            return Err(Broken(format!("`{}` waits for task {late}, which comes later", task.title)));
        }
        // A value that is not known yet comes from a resource that was made before, or from a part of it that was.
        for address in unknown(task) {
            let made = created.get(&address).copied();
            let by_part = || extended.iter().any(|(of, part)| **of == address && waits_for(plan, index, *part));
            if made != Some(index) && !made.is_some_and(|m| waits_for(plan, index, m)) && !by_part() {
                return Err(Broken(format!("`{}` needs `{address}`, which nothing before it makes", task.title)));
            }
        }
        // Every task has something to do, and a change that people are shown.
        if task.calls.is_empty() && !is_made_with_owner(&task.what) {
            return Err(Broken(format!("`{}` makes no call", task.title)));
        }
        if plan.changes.get(task.change).is_none_or(|c| c.address != *task.what.address()) {
            return Err(Broken(format!("`{}` is not among the changes that are shown", task.title)));
        }
    }
    let done: BTreeSet<&Address> = plan.tasks.iter().flat_map(|t| t.what.addresses()).collect();
    for change in &plan.changes {
        if !done.contains(&change.address) && !is_taken_over(change) && !plan.protect.contains_key(&change.address) {
            return Err(Broken(format!("nothing is done for the change of `{}`", change.address)));
        }
    }
    Ok(())
}

/// Whether it makes parts that the call which makes their owner makes.
fn is_made_with_owner(what: &What) -> bool {
    let What::MakeParts { address, parts } = what else { return false };
    let with = resources::spec(address.kind()).map_or(&[][..], |spec| spec.made_with);
    parts.iter().all(|part| with.contains(&&*part.name))
}

/// Whether nothing but parts goes whose place another owner's part may take: what makes that one unmakes these.
fn is_taken_over(change: &Change) -> bool {
    let takes_over = || resources::spec(change.address.kind()).is_some_and(|spec| spec.parts.iter().any(|part| part.takes_over));
    change.attributes.is_empty() && change.parts.iter().all(|part| part.action == Action::Delete) && takes_over()
}

/// Whether a task waits for another, at once or by way of others.
fn waits_for(plan: &Plan, task: usize, other: usize) -> bool {
    let mut seen = BTreeSet::from([task]);
    let mut stack = vec![task];
    while let Some(next) = stack.pop() {
        let needs = plan.tasks.get(next).map_or(&[][..], |t| &t.needs);
        if needs.contains(&other) {
            return true;
        }
        // What comes before `other` cannot wait for it.
        stack.extend(needs.iter().filter(|n| **n > other && seen.insert(**n)));
    }
    false
}

fn creates(task: &Task) -> Vec<&Address> {
    match &task.what {
        What::Create { .. } | What::CreateAlike { .. } => task.what.addresses(),
        _ => vec![],
    }
}

fn extends(task: &Task) -> Option<&Address> {
    match &task.what {
        What::MakeParts { address, .. } => Some(address),
        _ => None,
    }
}

/// The resources of which a task needs something that is known during the apply only.
fn unknown(task: &Task) -> BTreeSet<Address> {
    let mut found = BTreeSet::new();
    for mut call in task.calls.clone() {
        call.each_arg(&mut |arg| {
            if let Arg::Of(address, _) = arg {
                found.insert(address.clone());
            }
        });
    }
    found
}
