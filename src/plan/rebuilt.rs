//! A state out of what EC2 tells, where the one that was kept is lost. Layer 6: pure.
//!
//! What carries the project's tags is known by address and id; here it gets its attributes and parts. What the sources want as
//! it is becomes theirs by the plan that follows, as with an import.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::address::Address,
    plan::{Plan, lifecycle, observation::Observation},
    registry::Observed,
    resources,
    schema::{
        model::{Lifecycle, Model, Resource},
        value::{Record, Value},
    },
    state::{Deposed, Part, State},
};

/// Chooses, where several things carry one address, the one that is meant: what fits the sources best, then what more of the
/// others refer to, then the one of the lowest id. The others count as replaced. What does not stand is left out.
pub fn choose(model: &Model, state: &mut State, observation: &Observation) {
    let stands = |address: &Address, id: &str| observation.resources.get(address.kind()).and_then(|all| all.get(id));
    state.resources.retain(|address, r| stands(address, &r.id).is_some());
    state.deposed.retain(|d| stands(&d.address, &d.resource.id).is_some());
    let mut names = lifecycle::names(model, state, observation);
    names.extend(state.deposed.iter().map(|d| (d.resource.id.clone(), d.address.clone())));
    let uses = uses(observation, &names);
    let addresses: BTreeSet<Address> = state.deposed.iter().map(|d| d.address.clone()).collect();
    for address in addresses {
        let (same, others): (Vec<_>, Vec<_>) = state.deposed.drain(..).partition(|d| d.address == address);
        state.deposed = others;
        let mut all: Vec<_> = same.into_iter().map(|d| d.resource).chain(state.resources.remove(&address)).collect();
        let wanted = model.resources.get(&address).filter(|r| !r.existing);
        let rank = |id: &str| {
            let fit = wanted.zip(stands(&address, id)).map_or(0, |(wanted, observed)| fit(wanted, observed, &names));
            (fit, uses.get(id).copied().unwrap_or_default())
        };
        all.sort_by(|a, b| rank(&b.id).cmp(&rank(&a.id)).then_with(|| a.id.cmp(&b.id)));
        let mut all = all.into_iter();
        state.resources.extend(all.next().map(|first| (address.clone(), first)));
        state.deposed.extend(all.map(|resource| Deposed { address: address.clone(), resource }));
    }
}

/// Gives everything its attributes, and what the sources do not have its parts; gives what nobody could read, in words.
pub fn fill(model: &Model, state: &mut State, observation: &Observation) -> Vec<String> {
    state.sealing_key = state.sealing_key.take().or_else(|| observation.sealing_key.clone());
    let names = lifecycle::names(model, state, observation);
    let known = state.clone();
    let mut untold = vec![];
    let deposed = state.deposed.iter_mut().map(|d| (&d.address, &mut d.resource, false));
    for (address, resource, current) in state.resources.iter_mut().map(|(address, r)| (address, r, true)).chain(deposed) {
        let observed = observation.resources.get(address.kind()).and_then(|all| all.get(&resource.id));
        let (Some(observed), Some(spec)) = (observed, resources::spec(address.kind())) else { continue };
        let written = model.resources.get(address).filter(|r| !r.existing && current);
        let nothing = nothing(address);
        let (record, lacks) = lifecycle::as_kept(written.unwrap_or(&nothing), (spec, observed), &known, observation, &names);
        resource.record = record;
        match written {
            Some(written) => {
                resource.after.clone_from(&written.after);
                resource.protect = written.lifecycle.protect;
            }
            None => resource.parts = observed.parts.iter().map(|(name, record)| part(name, record, &names)).collect(),
        }
        untold.extend(lifecycle::untold_of(address, &lacks));
    }
    untold
}

/// Takes over what is written and nobody has to change, though EC2 tells nothing of it: what says nothing, and what is ours alone.
pub fn agree(model: &Model, state: &mut State, plan: &Plan) {
    for (address, resource) in &mut state.resources {
        let Some(written) = model.resources.get(address).filter(|r| !r.existing) else { continue };
        let changed = |name: &str| plan.changes.iter().any(|c| c.address == *address && c.attributes.iter().any(|a| a.name == name));
        let named = |value: &Value| value.rewrite(&|leaf| leaf.as_resource().map(|address| Value::text(address.as_str()))).is_known();
        for (name, value) in written.record.iter().filter(|(name, value)| named(value) && !value.is_sensitive() && !changed(name)) {
            resource.record.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
}

fn part(name: &str, record: &Record, names: &BTreeMap<String, Address>) -> Part {
    Part { name: name.into(), record: record.iter().map(|(name, value)| (name.clone(), named(value, names))).collect() }
}

/// A value with addresses in the place of ids.
fn named(value: &Value, names: &BTreeMap<String, Address>) -> Value {
    value.rewrite(&|leaf| leaf.as_text().and_then(|id| names.get(id)).map(|address| Value::Resource(address.clone())))
}

/// How many attributes are as they are written.
fn fit(wanted: &Resource, observed: &Observed, names: &BTreeMap<String, Address>) -> usize {
    wanted.record.iter().filter(|(name, wanted)| observed.record.get(*name).is_some_and(|is| named(is, names) == wanted.bare())).count()
}

/// How often others of the project refer to each id.
fn uses<'n>(observation: &Observation, names: &'n BTreeMap<String, Address>) -> BTreeMap<&'n str, usize> {
    let mut uses = BTreeMap::new();
    for observed in observation.resources.values().flat_map(BTreeMap::values) {
        let records = std::iter::once(&observed.record).chain(observed.parts.iter().map(|(_, record)| record));
        for value in records.flat_map(|record| record.iter().filter(|(name, _)| *name != "id").map(|(_, value)| value)) {
            // What looks at each leaf changes none.
            let counted = std::cell::RefCell::new(&mut uses);
            let _ = value.rewrite(&|leaf| {
                if let Some((id, _)) = leaf.as_text().and_then(|id| names.get_key_value(id)) {
                    *counted.borrow_mut().entry(id.as_str()).or_insert(0) += 1;
                }
                None
            });
        }
    }
    uses
}

/// A resource of which nothing is written.
fn nothing(address: &Address) -> Resource {
    Resource {
        address: address.clone(),
        existing: false,
        record: Record::new(),
        sentences: vec![],
        parts: vec![],
        after: vec![],
        lifecycle: Lifecycle::default(),
        site: None,
        spans: BTreeMap::new(),
        span: None,
    }
}
