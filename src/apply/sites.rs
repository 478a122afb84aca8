//! A project in several accounts and regions: what of it is read where, and how what was read comes together. Layer 7.

use std::collections::BTreeSet;

use crate::{
    base::{address::Address, site::Site},
    call::Json,
    plan::observation::{Observation, image_key_at},
    registry::Observed,
    resources,
    schema::{model::Model, value::Value},
    state::{self, State},
};

/// Every other account and region that the model or the state has to do with.
pub fn all(model: &Model, state: &State) -> BTreeSet<Site> {
    let wanted = model.resources.values().filter_map(|r| r.site.clone());
    let stands = state.resources.values().chain(state.deposed.iter().map(|d| &d.resource)).filter_map(|r| r.site.clone());
    wanted.chain(stands).collect()
}

/// What of model and state is read in one account and region.
pub fn part(model: &Model, state: &State, site: Option<&Site>) -> (Model, State) {
    let mut model = model.clone();
    model.resources.retain(|_, r| r.site.as_ref() == site);
    model.imports.retain(|i| model.resources.contains_key(&i.to));
    let mirrored = |address: &Address, resource: &state::Resource| {
        let attribute = resources::spec(address.kind()).and_then(|spec| spec.mirrored);
        let other = attribute.and_then(|name| resource.record.get(name)).and_then(Value::as_resource);
        other.is_some_and(|other| site_of(state, other) == site)
    };
    let here = |address: &Address, r: &state::Resource| r.site.as_ref() == site || mirrored(address, r);
    let prefix = image_key_at(site, "");
    let images = state.images.iter().filter_map(|(key, image)| Some((own_key(key, &prefix)?.to_owned(), image.clone())));
    let state = State {
        resources: state.resources.iter().filter(|(a, r)| here(a, r)).map(|(a, r)| (a.clone(), r.clone())).collect(),
        deposed: state.deposed.iter().filter(|d| here(&d.address, &d.resource)).cloned().collect(),
        images: images.collect(),
        ..state.clone()
    };
    (model, state)
}

/// Where something of the state stands; existing things are in no part of the state that tells.
fn site_of<'a>(state: &'a State, address: &Address) -> Option<&'a Site> {
    state.resources.get(address).and_then(|r| r.site.as_ref())
}

/// The key of an image within its account and region. Those of other ones begin with twelve digits, a call never does.
fn own_key<'k>(key: &'k str, prefix: &str) -> Option<&'k str> {
    let rest = key.strip_prefix(prefix)?;
    (!rest.starts_with(|c: char| c.is_ascii_digit())).then_some(rest)
}

/// Takes in what was read in another account and region.
pub fn join(all: &mut Observation, site: &Site, part: Observation) {
    for (kind, found) in part.resources {
        let here = all.resources.entry(kind).or_default();
        for (id, observed) in found {
            match here.get_mut(&id) {
                Some(first) => fill(first, observed),
                None => drop(here.insert(id, observed)),
            }
        }
    }
    all.existing.extend(part.existing);
    all.totals.extend(part.totals.into_iter().map(|((_, kind), total)| ((Some(site.clone()), kind), total)));
    all.offered.extend(part.offered.into_values().map(|offered| (Some(site.clone()), offered)));
    all.limits.extend(part.limits.into_values().map(|limits| (Some(site.clone()), limits)));
    all.images.extend(part.images.into_iter().map(|(key, image)| (image_key_at(Some(site), &key), image)));
    all.sealing_key = all.sealing_key.take().or(part.sealing_key);
    all.network = match (all.network.take(), part.network.map(|network| marked(network, site.account(), site.region()))) {
        (Some(mut first), Some(second)) => {
            append(&mut first, second);
            Some(first)
        }
        (one, other) => one.or(other),
    };
}

/// Adds what the other half of a thing is told of it.
fn fill(first: &mut Observed, other: Observed) {
    for (name, value) in other.record {
        first.record.entry(name).or_insert(value);
    }
    for (name, record) in other.parts {
        match first.parts.iter_mut().find(|(known, _)| *known == name) {
            None => first.parts.push((name, record)),
            // Each half is told what it allows itself.
            Some((_, known)) => {
                for (member, value) in record {
                    let told = known.entry(member).or_insert(Value::Bool(false));
                    if *told == Value::Bool(false) {
                        *told = value;
                    }
                }
            }
        }
    }
}

/// Lists that say for each item where it is: those of which the prover has to know.
const MARKED: [&str; 2] = ["Vpcs", "VpcBlockPublicAccessOptions"];

/// The lists of one account and region, told apart from those of others.
pub fn marked(mut network: Json, account: &str, region: &str) -> Json {
    for list in MARKED {
        let Some(found) = network.get_mut(list) else { continue };
        if found.is_object() {
            *found = Json::Array(vec![found.take()]);
        }
        for item in found.as_array_mut().into_iter().flatten() {
            if let Json::Object(members) = item {
                members.insert("_Account".into(), account.into());
                members.insert("_Region".into(), region.into());
            }
        }
    }
    network
}

fn append(first: &mut Json, second: Json) {
    let (Json::Object(lists), Json::Object(others)) = (first, second) else { return };
    for (name, items) in others {
        match (lists.get_mut(&name), items) {
            (Some(Json::Array(known)), Json::Array(items)) => known.extend(items),
            (Some(_), _) => {}
            (None, items) => drop(lists.insert(name, items)),
        }
    }
}
