//! Both networks where nothing was read: the state drawn as a project is, and the project. Layer 6.
//!
//! What others have put there is not in them, which a proof names as what it rests on. Existing resources are what they
//! were when last read; what was not kept of them is not known.

use std::collections::BTreeMap;

use crate::{
    base::address::Address,
    net::{
        Net, Origin, Owner, Public,
        desired::{self, Desired, Known},
        merge,
    },
    plan::{
        decide::Decisions,
        standing::{Standing, Thing},
    },
    resources::{self, Read},
    schema::{
        attr::Change,
        model::{Model, Resource},
        resources::Resources,
        value::Value,
    },
};

/// The network as the state has it, and as it will be.
pub(super) fn networks((model, known, read): (&Model, &Known, &Read), standing: &Standing<'_>, decisions: &Decisions<'_>) -> (Net, Net) {
    let existing = model.resources.iter().filter(|(_, r)| r.existing).map(|(address, r)| (address.clone(), r.clone()));
    let stood: Resources = things(standing).into_iter().chain(existing).collect();
    let stood = Model { resources: stood, ..Model::default() };
    let mut before = resources::drawn(&stood, known, read);
    launched(&mut before, &Desired::new(&stood, known), standing);
    let mut stays = before.clone();
    stays.interfaces.retain(|i| {
        let owner = Address::parse(i.id.as_str());
        owner.is_none_or(|a| !decisions.replaced.contains(&a) && decisions.wanted.contains_key(&a))
    });
    let mut after = resources::drawn(model, known, read);
    super::keep_addresses(&stays, &mut after, &Desired::new(model, known), &super::elastic_addresses(standing));
    merge::complete(&mut before);
    merge::complete(&mut after);
    // What the project lets go of stays as it stands, and not as AWS once gave it.
    for (address, thing) in standing.things.iter().filter(|(a, t)| !decisions.wanted.contains_key(*a) && decisions.stays_behind(t)) {
        if let Some(vpc) = thing.state.record.get("vpc").and_then(Value::as_resource) {
            after.unread(&desired::id(vpc), &format!("a VPC of which {} is let go of", address.kind()), Origin::Aws);
        }
    }
    (before, after)
}

/// The state's resources. What parts are made from is taken from the parts: an attachment that has moved since its owner
/// was made stands there alone.
pub(in crate::plan) fn things(standing: &Standing<'_>) -> BTreeMap<Address, Resource> {
    let interface = |address: &Address, thing: &Thing<'_>| {
        Some((thing.state.record.get("network_interface_id")?.as_text()?.to_owned(), address.clone()))
    };
    let instances = standing.things.iter().filter(|(address, _)| address.kind() == "instance");
    let by_interface: BTreeMap<String, Address> = instances.filter_map(|(address, thing)| interface(address, thing)).collect();
    let resource = |(address, thing): (&Address, &Thing<'_>)| {
        let mut resource = thing.as_resource(address, standing);
        let of_parts = |name: &str| thing.spec.attr(name).is_some_and(|a| a.change == Change::Parts);
        resource.record.retain(|name, _| !of_parts(name));
        for (name, value) in resource.parts.iter().flat_map(|p| &p.record).filter(|(name, _)| of_parts(name)) {
            resource.record.insert(name.clone(), value.clone());
        }
        // An address that an instance holds is with the interface that came with it.
        let held = resource.record.get("network_interface").and_then(Value::as_text).and_then(|id| by_interface.get(id));
        if let Some(instance) = held.filter(|_| address.kind() == "elastic_ip") {
            resource.record.insert("instance".into(), Value::Resource(instance.clone()));
        }
        (address.clone(), resource)
    };
    standing.things.iter().map(resource).collect()
}

/// A machine on an interface that came with it has the public address that it was given at its launch, whatever its
/// subnet has been told since.
fn launched(before: &mut Net, stood: &Desired<'_>, standing: &Standing<'_>) {
    let elastic = super::elastic_addresses(standing);
    for interface in &mut before.interfaces {
        let Owner::Instance { id, .. } = &interface.owner else { continue };
        let Some(address) = Address::parse(id.as_str()).filter(|_| *id == interface.id) else { continue };
        let (Some(thing), None) = (standing.things.get(&address), stood.elastic_ip_of(&address)) else { continue };
        let told = match thing.observed.record.get("public_ip_address") {
            // One of the project's own that it holds no more was read while it did.
            Some(Value::Ip(ip)) if !elastic.contains(ip) => Some(Public::Known(*ip)),
            _ => None,
        };
        interface.addresses.iter_mut().for_each(|a| a.public = told);
    }
}
