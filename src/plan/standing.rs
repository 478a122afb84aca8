//! What stands before the plan: the state and what was observed, put together. Layer 6.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::{address::Address, codes::plan as codes, diagnostic::Sink, site::Site},
    plan::{
        observation::{Observation, image_key, image_key_at},
        scope::Bounds,
    },
    registry::{Observed, Spec},
    resources,
    schema::{
        model::{Lifecycle, Model, Part, Resource},
        value::{Record, Value},
    },
    state::{self, State, seal},
};

/// A resource of the state that still stands.
#[derive(Debug)]
pub struct Thing<'a> {
    /// Its type.
    pub spec: &'static Spec,
    /// As the state has it, under its newest address.
    pub state: &'a state::Resource,
    /// As EC2 has it.
    pub observed: &'a Observed,
}

/// Everything that stands.
#[derive(Debug)]
pub struct Standing<'a> {
    /// Managed resources.
    pub things: BTreeMap<Address, Thing<'a>>,
    /// Replaced ones that were not deleted yet.
    pub deposed: Vec<(Address, Thing<'a>)>,
    /// Managed ones that are gone without secnet's doing, sorted.
    pub gone: Vec<Address>,
    /// Existing ones, found.
    pub existing: BTreeMap<Address, &'a Observed>,
    /// The same under the names that are not the model's: see [`crate::schema::same`]. The state may use them.
    pub other_names: BTreeMap<Address, &'a Observed>,
    /// Images, by [`image_key`].
    pub images: BTreeMap<String, state::Image>,
    /// The region that was read.
    pub region: &'a str,
    /// The account, where it told.
    pub account: Option<&'a str>,
    /// Whether nothing was read: what EC2 holds is what the state says.
    pub recalled: bool,
    /// What hashes of sensitive values are made with; `None` where nothing is sensitive.
    pub sealing_key: Option<String>,
    /// What is left as it is, and what is replaced though it has not changed.
    pub bounds: Bounds,
    by_id: BTreeMap<&'a str, Address>,
}

impl<'a> Standing<'a> {
    /// Puts a state (its renames folded in already) and an observation together.
    #[must_use]
    pub fn new(model: &Model, state: &'a State, observation: &'a Observation, sink: &mut Sink) -> Self {
        let mut standing = Self {
            things: BTreeMap::new(),
            deposed: vec![],
            gone: vec![],
            existing: BTreeMap::new(),
            other_names: BTreeMap::new(),
            images: state.images.clone(),
            region: &observation.region,
            account: observation.account.as_deref(),
            recalled: observation.recalled,
            sealing_key: state.sealing_key.clone().or_else(|| observation.sealing_key.clone()),
            bounds: Bounds::default(),
            by_id: BTreeMap::new(),
        };
        standing.images.extend(observation.images.clone());
        for (address, resource) in &state.resources {
            match thing(address, resource, observation, sink) {
                Some(Some(thing)) => {
                    standing.by_id.insert(&thing.observed.id, address.clone());
                    standing.things.insert(address.clone(), thing);
                }
                Some(None) => standing.gone.push(address.clone()),
                None => {}
            }
        }
        for deposed in &state.deposed {
            if let Some(Some(thing)) = thing(&deposed.address, &deposed.resource, observation, sink) {
                standing.deposed.push((deposed.address.clone(), thing));
            }
        }
        for resource in model.resources.values().filter(|r| r.existing) {
            match observation.existing.get(&resource.address).map(Vec::as_slice) {
                Some([one]) => {
                    // What is managed and read would be proved under one of its names alone.
                    if let Some(other) = standing.by_id.insert(&one.id, resource.address.clone()).filter(|other| *other != resource.address)
                    {
                        sink.push(codes::two_names(&resource.address, &other, resource.span));
                    }
                    standing.existing.insert(resource.address.clone(), one);
                }
                Some(several) => {
                    let ids: Vec<&str> = several.iter().map(|o| o.id.as_str()).collect();
                    sink.push(codes::existing_not_one(&resource.address, &ids, resource.span));
                }
                None => sink.push(codes::existing_not_one(&resource.address, &[], resource.span)),
            }
        }
        for (address, found) in &observation.existing {
            let is_other = |one: &Observed| !model.resources.contains_key(address) && standing.by_id.contains_key(one.id.as_str());
            if let [one] = found.as_slice()
                && is_other(one)
            {
                standing.other_names.insert(address.clone(), one);
            }
        }
        standing
    }

    /// Binds what is decided to a part of the project.
    pub fn bound(&mut self, bounds: Bounds) {
        self.deposed.retain(|(address, _)| !bounds.left.contains(address));
        self.bounds = bounds;
    }

    /// An attribute that EC2 has decided, unless the resource is about to be replaced.
    #[must_use]
    pub fn attribute(&self, address: &Address, name: &str, replaced: &BTreeSet<Address>) -> Option<Value> {
        if replaced.contains(address) {
            return None;
        }
        let (id, observed, kept) = match (self.things.get(address), self.existing.get(address).or_else(|| self.other_names.get(address))) {
            (Some(thing), _) => (&thing.state.id, &thing.observed.record, Some(&thing.state.record)),
            (None, Some(observed)) => (&observed.id, &observed.record, None),
            (None, None) => return None,
        };
        if name == "id" {
            return Some(Value::text(id));
        }
        let kept = kept.and_then(|record| record.get(name));
        // What EC2 tells of something sensitive is no less so.
        match observed.get(name) {
            // Nothing yet: EC2 will still choose it.
            Some(Value::Null) => None,
            Some(value) => Some(value.clone().sensitive_if(kept.is_some_and(Value::is_sealed))),
            None => kept.cloned(),
        }
    }

    /// Whether `kept`, what the state has of a sensitive value with all that is known put in, is what is kept of `wanted`;
    /// `written` is that as the sources have it.
    #[must_use]
    pub fn is_kept_as(&self, kept: &Value, wanted: &Value, written: Option<&Value>, replaced: &BTreeSet<Address>) -> bool {
        let Some(key) = &self.sealing_key else { return false };
        match kept {
            Value::Sealed(hash) => seal::hash_of(key, wanted) == *hash,
            kept if kept.is_sealed() => written.is_some_and(|written| {
                let sealed = seal::seal(key, written, &mut |_, _| {});
                self.ids(&self.substitute(&sealed, replaced, None), replaced) == *kept
            }),
            _ => false,
        }
    }

    /// A value with all that is known put in; references stay.
    #[must_use]
    pub fn substitute(&self, value: &Value, replaced: &BTreeSet<Address>, architecture: Option<&str>) -> Value {
        self.substitute_at(value, replaced, architecture, None)
    }

    /// The same of something in another account and region, which has images of its own.
    #[must_use]
    pub fn substitute_at(&self, value: &Value, replaced: &BTreeSet<Address>, architecture: Option<&str>, site: Option<&Site>) -> Value {
        value.rewrite(&|leaf| match leaf {
            Value::Attribute(address, name) => self.attribute(address, name, replaced),
            Value::Image(name, written) => self
                .images
                .get(&image_key_at(site, &image_key(name, written.as_deref().or(architecture))))
                .map(|image| Value::text(&image.id)),
            _ => None,
        })
    }

    /// A value with references turned into ids, as EC2 lists them; those to what is not there yet stay.
    #[must_use]
    pub fn ids(&self, value: &Value, replaced: &BTreeSet<Address>) -> Value {
        value.rewrite(&|leaf| match leaf {
            Value::Resource(address) => self.attribute(address, "id", replaced),
            _ => None,
        })
    }

    /// A record with references turned into ids.
    #[must_use]
    pub fn record_ids(&self, record: &Record, replaced: &BTreeSet<Address>) -> Record {
        record.iter().map(|(name, value)| (name.clone(), self.ids(value, replaced))).collect()
    }

    /// A value with the ids of what the project knows turned into references, for people and for the state.
    #[must_use]
    pub fn addresses(&self, value: &Value) -> Value {
        value.rewrite(&|leaf| leaf.as_text().and_then(|id| self.by_id.get(id)).map(|address| Value::Resource(address.clone())))
    }

    /// A record with ids turned into references.
    #[must_use]
    pub fn record_addresses(&self, record: &Record) -> Record {
        record.iter().map(|(name, value)| (name.clone(), self.addresses(value))).collect()
    }
}

impl Thing<'_> {
    /// As the graph takes it: the state's references, and every part that EC2 has, whoever put it there.
    #[must_use]
    pub fn as_resource(&self, address: &Address, standing: &Standing<'_>) -> Resource {
        let part = |(name, record): &(&'static str, Record)| Part { name, record: standing.record_addresses(record), span: None };
        Resource {
            address: address.clone(),
            existing: false,
            record: self.state.record.clone(),
            sentences: vec![],
            parts: self.observed.parts.iter().map(part).collect(),
            after: self.state.after.clone(),
            lifecycle: Lifecycle::default(),
            site: self.state.site.clone(),
            spans: BTreeMap::new(),
            span: None,
        }
    }
}

/// `None`: of a kind that this version does not know. `Some(None)`: gone.
fn thing<'a>(address: &Address, resource: &'a state::Resource, observation: &'a Observation, sink: &mut Sink) -> Option<Option<Thing<'a>>> {
    let Some(spec) = resources::spec(address.kind()) else {
        sink.push(codes::unknown_kind_in_state(address));
        return None;
    };
    let Some(observed) = observation.resources.get(spec.kind).and_then(|all| all.get(&resource.id)) else { return Some(None) };
    Some(Some(Thing { spec, state: resource, observed }))
}
