//! What the state alone tells, in the place of reading: nothing is asked of anybody, and the plan says so. Layer 7.

use std::collections::BTreeMap;

use crate::{
    apply::{image, refresh},
    base::{
        address::Address,
        codes::{plan as codes, state as state_codes},
        diagnostic::Diagnostic,
    },
    plan::{self, observation::Observation},
    registry::Observed,
    resources::{self, Read},
    schema::{
        model::{Import, Model, Resource},
        same::{self, Same},
        value::{Record, Value},
    },
    state::{self, State, store},
};

/// What EC2 would answer if it held just what the state says.
///
/// # Errors
/// The project names an existing resource or an image that was never read.
pub fn recall(model: &Model, state: &State, region: &str) -> Result<Observation, Vec<Diagnostic>> {
    let mut wrong: Vec<Diagnostic> = vec![];
    let mut existing = BTreeMap::new();
    let (read, same) = (state.last_read(), same::by_id(model, |address| state.existing.get(address).map(|e| e.id.as_str())));
    for block in model.resources.values().filter(|r| r.existing) {
        match kept(block, state, &read, &same) {
            Ok(observed) => drop(existing.insert(block.address.clone(), vec![observed])),
            Err(diagnostic) => wrong.push(diagnostic),
        }
    }
    let open = |import: &&Import| state.resources.get(&import.to).is_none_or(|r| r.id != import.id);
    let imports = model.imports.iter().filter(open);
    wrong.extend(imports.map(|i| codes::never_read(&format!("`import {}`", i.to), "takes in what was never read", Some(i.span))));
    let images = image::unknown(model, state).into_iter();
    wrong.extend(images.map(|(written, at)| codes::never_read(&format!("`{written}`"), "was never looked up", at)));
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let sealing_key = refresh::sealing_key(model, state).map_err(|e| vec![state_codes::no_randomness(&e.error.to_string())])?;
    let mut resources: BTreeMap<&'static str, BTreeMap<String, Observed>> = BTreeMap::new();
    let deposed = state.deposed.iter().map(|d| (&d.address, &d.resource));
    let machines = machines(state);
    for (address, resource) in state.resources.iter().chain(deposed) {
        if let Some((kind, observed)) = observed(address, resource, state, &machines) {
            resources.entry(kind).or_default().insert(resource.id.clone(), observed);
        }
    }
    let (account, region) = (state.account.clone(), region.to_owned());
    Ok(Observation {
        account,
        region,
        resources,
        existing,
        images: BTreeMap::new(),
        network: None,
        totals: BTreeMap::new(),
        offered: BTreeMap::new(),
        limits: BTreeMap::new(),
        sealing_key,
        at: store::now(),
        recalled: true,
        deep: false,
    })
}

/// An existing resource as it was last read, if its block still asks for that one.
fn kept(block: &Resource, state: &State, read: &Read, same: &Same) -> Result<Observed, Diagnostic> {
    let refuse = |why| Err(codes::never_read(&format!("`existing {}`", block.address), why, block.span));
    let (Some(known), Some(kept)) = (read.get(&block.address), state.existing.get(&block.address)) else { return refuse("was never read") };
    // What has several names is known by one of them.
    let (mut known, mut asked) = (known.clone(), block.record.clone());
    same::record(&mut known.record, same);
    same::record(&mut asked, same);
    if !known.fits(&asked, false) {
        return refuse("was found by other filters");
    }
    // With ids, as EC2 tells it.
    let record = kept.record.iter().filter(|(name, _)| *name != "tags").map(|(name, value)| (name.clone(), value.clone())).collect();
    let part = |(i, (name, _)): (usize, &(&'static str, Record))| Some((*name, kept.parts.as_ref()?.get(i)?.record.clone()));
    let parts = known.parts.iter().enumerate().filter_map(part).collect();
    Ok(Observed { id: kept.id.clone(), tags: known.tags.clone(), record, parts })
}

/// Ids of interfaces, and of the instances that stand on them.
fn machines(state: &State) -> BTreeMap<&str, &str> {
    let instances = state.resources.iter().filter(|(address, _)| address.kind() == "instance");
    instances.filter_map(|(_, i)| Some((i.record.get("network_interface_id")?.as_text()?, &*i.id))).collect()
}

/// A resource of the state as EC2 would list it.
fn observed(
    address: &Address,
    resource: &state::Resource,
    state: &State,
    machines: &BTreeMap<&str, &str>,
) -> Option<(&'static str, Observed)> {
    let spec = resources::spec(address.kind())?;
    let told = |(name, value): &(&String, &Value)| **value != Value::Null && *name != "tags" && !spec.untold.contains(&name.as_str());
    let record = resource.record.iter().filter(told).map(|(name, value)| (name.clone(), with_ids(value, state))).collect();
    let part = |part: &state::Part| {
        let mut record: Record = part.record.iter().map(|(name, value)| (name.clone(), with_ids(value, state).as_network())).collect();
        // EC2 tells of a route or address that leads to an interface which instance that is.
        if let Some(instance) = record.values().filter_map(Value::as_text).find_map(|id| machines.get(id)) {
            record.insert("instance".into(), Value::text(instance));
        }
        Some((spec.part(&part.name)?.name, record))
    };
    let mut tags = plan::own_tags(state, address);
    if !resource.secnet_id.is_empty() {
        tags.insert("secnet:id".into(), resource.secnet_id.clone());
    }
    if let Some(Value::Map(own)) = resource.record.get("tags") {
        tags.extend(own.iter().filter_map(|(key, value)| Some((key.clone(), with_ids(value, state).as_text()?.to_owned()))));
    }
    let parts = resource.parts.iter().filter_map(part).collect();
    Some((spec.kind, Observed { id: resource.id.clone(), tags, record, parts }))
}

/// A value with what EC2 has decided in the place of references.
fn with_ids(value: &Value, state: &State) -> Value {
    value.rewrite(&|leaf| match leaf {
        Value::Resource(address) => state.attribute(address, "id"),
        Value::Attribute(address, name) => state.attribute(address, name),
        _ => None,
    })
}
