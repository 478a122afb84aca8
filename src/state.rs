//! What secnet knows of what it has made. Layer 4: changes only by folding events; knows nothing of plans.

pub mod event;
pub mod identity;
pub mod journal;
pub mod log;
pub mod remote;
pub mod seal;
pub mod store;
pub mod undo;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    base::{address::Address, service::Service, site::Site},
    registry::Observed,
    resources,
    schema::{
        ask::Answers,
        value::{Record, Value},
    },
};

/// The newest format of the state file that this version writes.
pub const FORMAT: u32 = 2;

/// Everything that a project has made, and what identifies it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Counts up with every write.
    pub serial: u64,
    /// Random, given when the project is first applied; on everything it makes as the tag `secnet:lineage`.
    pub lineage: String,
    /// The project's name.
    pub project: String,
    /// The AWS account it stands in; `None` until something was made.
    pub account: Option<String>,
    /// The region it stands in; `None` until something was made.
    pub region: Option<String>,
    /// What stands, by address.
    pub resources: BTreeMap<Address, Resource>,
    /// What was replaced and waits to be deleted.
    pub deposed: Vec<Deposed>,
    /// Images that `ami(...)` found, by the call as written; they stay until the user asks for newer ones.
    pub images: BTreeMap<String, Image>,
    /// What existing resources were when last read.
    pub existing: BTreeMap<Address, Existing>,
    /// What EC2 has answered before the project could be resolved, by the question.
    pub answers: Answers,
    /// Results of the last apply.
    pub outputs: BTreeMap<String, Value>,
    /// What the policies demanded when last applied.
    pub promises: Vec<Promise>,
    /// What hashes of sensitive values are made with: see [`seal`]. `None` where there never was one.
    pub sealing_key: Option<String>,
    /// Receipts of what other projects have handed over and have not yet heard of: it came here, wherever it is now.
    pub received: BTreeSet<String>,
}

/// What a `forbid` lets pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// What flows.
    pub services: Vec<Service>,
    /// From where; none are those of the statement.
    pub from: Vec<Value>,
}

/// A statement of a policy that was applied: a change that takes it away or weakens it wants its own consent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promise {
    /// The policy's name.
    pub policy: String,
    /// As it was written.
    pub text: String,
    /// `require` or else `forbid`.
    pub require: bool,
    /// What flows.
    pub services: Vec<Service>,
    /// From where.
    pub from: Vec<Value>,
    /// To where.
    pub to: Vec<Value>,
    /// What a `forbid` lets pass.
    pub except: Vec<Exception>,
    /// Client ports, where it says so.
    pub client_ports: Option<(u16, u16)>,
}

/// A resource that secnet made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// EC2's id.
    pub id: String,
    /// The tag `secnet:id`: random, given by the operation that made it; empty where EC2 takes no tags.
    pub secnet_id: String,
    /// Attributes as last applied, those that EC2 decided among them. References are addresses.
    pub record: Record,
    /// Its parts as last applied.
    pub parts: Vec<Part>,
    /// Resources it must come after, by `after = [...]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Address>,
    /// Whether it may neither be deleted nor replaced. Kept here, so that deleting its block does not unprotect it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub protect: bool,
    /// The account and region it stands in; `None`: those of the state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<Site>,
}

/// A part of a resource: a rule, a route, an entry, an association.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Which of its kind's parts.
    pub name: String,
    /// What it says. References are addresses.
    pub record: Record,
}

/// A resource whose successor stands already.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deposed {
    /// The address that its successor has now.
    pub address: Address,
    /// What it was.
    pub resource: Resource,
}

/// An image that was looked up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// `ami-...`
    pub id: String,
    /// Its name in EC2.
    pub name: String,
    /// `x86_64` or `arm64`
    pub architecture: String,
    /// Device of its root volume: `/dev/xvda`.
    pub root_device_name: String,
    /// Size of its root volume in GiB, where EC2 tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_volume_size: Option<i64>,
}

/// What an existing resource was when last read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Existing {
    /// EC2's id.
    pub id: String,
    /// Its attributes.
    pub record: Record,
    /// Its rules, routes, entries and associations; `None` where nobody has kept them: then they are not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<Vec<Part>>,
    /// When it was read, in seconds since 1970.
    pub read_at: u64,
}

/// For members that are written where they say yes alone.
fn is_false(value: &bool) -> bool {
    !value
}

/// The tag that every resource of the project's carries and that no two have in common; also the attribute that tells it.
pub const OWN_ID: &str = "secnet:id";

impl State {
    /// The state of a project that has made nothing.
    #[must_use]
    pub fn empty(project: &str, lineage: String) -> Self {
        Self {
            serial: 0,
            lineage,
            project: project.into(),
            account: None,
            region: None,
            resources: BTreeMap::new(),
            deposed: vec![],
            images: BTreeMap::new(),
            existing: BTreeMap::new(),
            answers: Answers::new(),
            outputs: BTreeMap::new(),
            promises: vec![],
            sealing_key: None,
            received: BTreeSet::new(),
        }
    }

    /// What was last read of existing resources, as far as all of it was kept. References to what the project knows are
    /// addresses.
    #[must_use]
    pub fn last_read(&self) -> BTreeMap<Address, Observed> {
        let managed = self.resources.iter().map(|(address, r)| (&*r.id, address));
        let names: BTreeMap<&str, &Address> = self.existing.iter().map(|(address, e)| (&*e.id, address)).chain(managed).collect();
        let named = |leaf: &Value| leaf.as_text().and_then(|id| names.get(id)).map(|address| Value::Resource((*address).clone()));
        let record = |record: &Record| record.iter().map(|(name, value)| (name.clone(), value.rewrite(&named))).collect::<Record>();
        let read = self.existing.iter().filter_map(|(address, existing)| {
            let spec = resources::spec(address.kind())?;
            let part = |p: &Part| Some((spec.part(&p.name)?.name, record(&p.record)));
            let parts = existing.parts.as_ref()?.iter().map(part).collect::<Option<Vec<_>>>()?;
            let tags = match existing.record.get("tags") {
                Some(Value::Map(tags)) => tags.iter().filter_map(|(key, value)| Some((key.clone(), value.as_text()?.to_owned()))).collect(),
                _ => BTreeMap::new(),
            };
            let id = existing.id.clone();
            Some((address.clone(), Observed { id, record: record(&existing.record), parts, tags }))
        });
        read.collect()
    }

    /// An attribute of a resource, managed or existing, as EC2 has it; `id` is its id.
    #[must_use]
    pub fn attribute(&self, address: &Address, name: &str) -> Option<Value> {
        let (id, record) = match (self.resources.get(address), self.existing.get(address)) {
            (Some(resource), _) if name == OWN_ID => return Some(Value::text(&resource.secnet_id)),
            (Some(resource), _) => (&resource.id, &resource.record),
            (None, Some(existing)) => (&existing.id, &existing.record),
            (None, None) => return None,
        };
        match name {
            "id" => Some(Value::text(id)),
            name => record.get(name).cloned(),
        }
    }
}
