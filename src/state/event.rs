//! What happens during an apply, as the journal records it, and how the state follows. Layer 4.
//!
//! Crash recovery replays the same fold: there is no second way to change a state.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    base::{address::Address, site::Site},
    resources,
    schema::{
        ask::Answers,
        model::Backend,
        value::{Record, Value},
    },
    state::{Deposed, Existing, Image, Part, Promise, Resource, State},
};

/// What a task is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Makes a resource.
    Create {
        /// Its address.
        address: Address,
        /// As wanted.
        record: Record,
        /// What it comes after.
        after: Vec<Address>,
        /// Whether it may neither be deleted nor replaced from then on.
        #[serde(default, skip_serializing_if = "super::is_false")]
        protect: bool,
    },
    /// Makes several resources by one call. They differ in nothing but their tags.
    CreateAlike {
        /// The one that EC2 counts as 0.
        first: Made,
        /// The others, in the order in which EC2 counts them.
        rest: Vec<Made>,
    },
    /// Takes the project's own tags off a resource that is managed no more; nothing else of it changes.
    Forget {
        /// Its address.
        address: Address,
        /// EC2's id.
        id: String,
    },
    /// Changes a resource in place.
    Update {
        /// Its address.
        address: Address,
        /// The attributes that change, with their new values.
        record: Record,
    },
    /// Unmakes a resource: the one of this address, or a deposed one, whichever has the id.
    Delete {
        /// Its address.
        address: Address,
        /// EC2's id.
        id: String,
    },
    /// Makes parts of a resource.
    MakeParts {
        /// Their owner.
        address: Address,
        /// As wanted.
        parts: Vec<Part>,
    },
    /// Changes a part while it stays the same part.
    ChangePart {
        /// Its owner.
        address: Address,
        /// As it was.
        old: Part,
        /// As wanted.
        new: Part,
    },
    /// Unmakes parts of a resource.
    UnmakeParts {
        /// Their owner.
        address: Address,
        /// EC2's id of the owner, which may be a deposed one.
        id: String,
        /// As they were.
        parts: Vec<Part>,
    },
}

/// A resource that a task makes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Made {
    /// Its address.
    pub address: Address,
    /// As wanted.
    pub record: Record,
    /// What it comes after.
    pub after: Vec<Address>,
    /// Whether it may neither be deleted nor replaced from then on.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub protect: bool,
}

impl Made {
    /// What is written down once it stands: with this id, made by this operation, and what EC2 told of it.
    #[must_use]
    pub fn created(self, task: usize, id: String, secnet_id: String, learned: Record, site: Option<Site>) -> Event {
        let Made { address, mut record, after, protect } = self;
        record.extend(learned);
        Event::Created { task, address, id, secnet_id, record, after, protect, site }
    }
}

impl What {
    /// The resources that it makes.
    #[must_use]
    pub fn made(&self) -> Vec<Made> {
        match self {
            What::Create { address, record, after, protect } => {
                vec![Made { address: address.clone(), record: record.clone(), after: after.clone(), protect: *protect }]
            }
            What::CreateAlike { first, rest } => std::iter::once(first).chain(rest).cloned().collect(),
            _ => vec![],
        }
    }

    /// Every resource it is about: several where they are made by one call.
    #[must_use]
    pub fn addresses(&self) -> Vec<&Address> {
        match self {
            What::CreateAlike { first, rest } => std::iter::once(first).chain(rest).map(|made| &made.address).collect(),
            other => vec![other.address()],
        }
    }

    /// The resource it is about; the first of several.
    #[must_use]
    pub fn address(&self) -> &Address {
        match self {
            What::CreateAlike { first, .. } => &first.address,
            What::Create { address, .. }
            | What::Forget { address, .. }
            | What::Update { address, .. }
            | What::Delete { address, .. }
            | What::MakeParts { address, .. }
            | What::ChangePart { address, .. }
            | What::UnmakeParts { address, .. } => address,
        }
    }
}

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// An apply starts from this state.
    Begin {
        /// Its lineage.
        lineage: String,
        /// Its serial.
        serial: u64,
        /// The AWS account.
        account: Option<String>,
        /// The region.
        region: String,
        /// When, in seconds since 1970.
        at: u64,
    },
    /// The key that hashes of sensitive values are made with from now on.
    SealingKey {
        /// See [`crate::state::seal`].
        key: String,
    },
    /// Resources have new addresses.
    Moved {
        /// From and to.
        moves: Vec<(Address, Address)>,
    },
    /// Gone without our doing, or let go of.
    Forgotten {
        /// Their addresses.
        addresses: Vec<Address>,
        /// EC2's ids of those that were replaced and are gone.
        deposed: Vec<String>,
    },
    /// Resources are given to another project: in whose state they are, theirs they are.
    HandedOver {
        /// Their addresses here.
        addresses: Vec<Address>,
        /// EC2's id of the first.
        id: String,
        /// The other project's state.
        to: Handed,
    },
    /// Something that stood already is managed from now on.
    Imported {
        /// What it is called.
        address: Address,
        /// EC2's id.
        id: String,
        /// The tag `secnet:id` that it gets.
        secnet_id: String,
        /// Its attributes as they were read. References are addresses.
        record: Record,
        /// Those of its parts that the project wants as they are; the rest is somebody else's.
        parts: Vec<Part>,
        /// Whether it may neither be deleted nor replaced.
        protect: bool,
        /// The account and region; `None`: the project's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        site: Option<Site>,
    },
    /// Resources may be neither deleted nor replaced from now on, or may be again.
    Protected {
        /// By address, whether it is protected.
        protect: BTreeMap<Address, bool>,
    },
    /// What EC2 was seen to hold, where it is not what the state said: attributes and parts of a resource.
    Seen {
        /// Its address.
        address: Address,
        /// Attributes that differ.
        record: Record,
        /// Its parts, all of them, as far as they are the project's.
        parts: Vec<Part>,
    },
    /// Images were looked up.
    Images {
        /// By the call as written.
        images: BTreeMap<String, Image>,
    },
    /// Existing resources were read.
    Existing {
        /// By address.
        existing: BTreeMap<Address, Existing>,
    },
    /// EC2 was asked what the project could not be resolved without.
    Answers {
        /// By the question; all of them.
        answers: Answers,
    },
    /// The policies demand something else than before.
    Promises {
        /// All of what they demand.
        promises: Vec<Promise>,
    },
    /// A call is about to be sent.
    Intent {
        /// Index of the task in the plan.
        task: usize,
        /// Index of the call in the task.
        call: usize,
        /// `CreateVpc`
        action: String,
        /// Random; the tag `secnet:id` where the call tags, and its client token where it takes one.
        operation: String,
        /// What the task is for, with the first call of a task alone.
        what: Option<What>,
        /// The account and region; `None`: the project's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        site: Option<Site>,
    },
    /// A resource exists: EC2 has answered with its id.
    Created {
        /// Index of the task in the plan.
        task: usize,
        /// Its address.
        address: Address,
        /// EC2's id.
        id: String,
        /// The tag `secnet:id`.
        secnet_id: String,
        /// As wanted, and what the answer told.
        record: Record,
        /// What it comes after.
        after: Vec<Address>,
        /// Whether it may neither be deleted nor replaced.
        #[serde(default, skip_serializing_if = "super::is_false")]
        protect: bool,
        /// The account and region; `None`: the project's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        site: Option<Site>,
    },
    /// A resource has settled, and EC2 has told more about it.
    Settled {
        /// Its address.
        address: Address,
        /// What was read.
        record: Record,
    },
    /// A task is done.
    Done {
        /// Index of the task in the plan.
        task: usize,
        /// What it was for.
        what: What,
    },
    /// A task has failed; what it had done stands. Not written where a create may have made something: that stays open.
    Failed {
        /// Index of the task in the plan.
        task: usize,
        /// The error, in words.
        error: String,
    },
    /// The results.
    Outputs {
        /// By name.
        outputs: BTreeMap<String, Value>,
    },
    /// The apply has ended by itself.
    End,
}

/// Where resources are handed over to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handed {
    /// The directory that holds its state, if that lies beside its sources.
    pub above: String,
    /// What its state goes by.
    pub key: String,
    /// Where its state is kept.
    pub backend: Backend,
    /// Random; the other's state has it among what it received from the moment the hand-over holds until the giver's own has it, too.
    pub receipt: String,
}

/// A call of which the journal does not say what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenCall {
    /// Index of the call in the task.
    pub call: usize,
    /// `CreateVpc`
    pub action: String,
    /// Its random id.
    pub operation: String,
    /// What its task is for.
    pub what: What,
    /// How many of the resources that the task makes are in the journal already.
    pub created: usize,
    /// The account and region it was sent to; `None`: the project's own.
    pub site: Option<Site>,
}

/// The calls of a journal that are open, by the index of their task.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OpenCalls(pub BTreeMap<usize, OpenCall>);

impl OpenCalls {
    /// Those of a whole journal.
    #[must_use]
    pub fn of(events: &[Event]) -> Self {
        let mut open = Self::default();
        events.iter().for_each(|event| open.follow(event));
        open
    }

    /// Follows an event. A call is over when its task goes on to the next one, is done or has failed.
    pub fn follow(&mut self, event: &Event) {
        match event {
            Event::Intent { task, call, action, operation, what, site } => {
                let before = self.0.remove(task);
                let created = before.as_ref().map_or(0, |open| open.created);
                let Some(what) = what.clone().or_else(|| before.map(|open| open.what)) else { return };
                let (call, action, operation, site) = (*call, action.clone(), operation.clone(), site.clone());
                let open = OpenCall { call, action, operation, what, created, site };
                self.0.insert(*task, open);
            }
            Event::Created { task, .. } => {
                if let Some(open) = self.0.get_mut(task) {
                    open.created += 1;
                }
            }
            Event::Done { task, .. } | Event::Failed { task, .. } => drop(self.0.remove(task)),
            _ => {}
        }
    }

    /// Their tasks.
    #[must_use]
    pub fn tasks(&self) -> Vec<usize> {
        self.0.keys().copied().collect()
    }
}

impl State {
    /// Follows an event.
    pub fn fold(&mut self, event: &Event) {
        match event {
            Event::Begin { account, region, .. } => {
                self.account = account.clone().or_else(|| self.account.take());
                self.region = Some(region.clone());
            }
            Event::SealingKey { key } => self.sealing_key = Some(key.clone()),
            Event::Moved { moves } => self.moved(moves),
            Event::Forgotten { addresses, deposed } => {
                let addresses: BTreeSet<&Address> = addresses.iter().collect();
                self.resources.retain(|address, _| !addresses.contains(address));
                self.deposed.retain(|d| !deposed.contains(&d.resource.id));
            }
            Event::Seen { address, record, parts } => {
                if let Some(resource) = self.resources.get_mut(address) {
                    resource.record.extend(record.clone());
                    resource.parts.clone_from(parts);
                }
            }
            Event::Images { images } => self.images.extend(images.clone()),
            Event::Existing { existing } => self.existing.clone_from(existing),
            Event::Answers { answers } => self.answers.clone_from(answers),
            Event::Promises { promises } => self.promises.clone_from(promises),
            Event::Imported { address, id, secnet_id, record, parts, protect, site } => {
                let (id, secnet_id, record, parts) = (id.clone(), secnet_id.clone(), record.clone(), parts.clone());
                let resource = Resource { id, secnet_id, record, parts, after: vec![], protect: *protect, site: site.clone() };
                self.resources.insert(address.clone(), resource);
            }
            Event::Protected { protect } => {
                for (address, protect) in protect {
                    if let Some(resource) = self.resources.get_mut(address) {
                        resource.protect = *protect;
                    }
                }
            }
            Event::Created { address, id, secnet_id, record, after, protect, site, .. } => {
                let (id, secnet_id, record, after, site) = (id.clone(), secnet_id.clone(), record.clone(), after.clone(), site.clone());
                let resource = Resource { id, secnet_id, record, parts: vec![], after, protect: *protect, site };
                if let Some(old) = self.resources.insert(address.clone(), resource) {
                    self.deposed.push(Deposed { address: address.clone(), resource: old });
                }
            }
            Event::Settled { address, record } => {
                if let Some(resource) = self.resources.get_mut(address) {
                    resource.record.extend(record.clone());
                }
            }
            Event::Done { what, .. } => self.done(what),
            Event::Outputs { outputs } => self.outputs.clone_from(outputs),
            Event::Intent { .. } | Event::Failed { .. } | Event::HandedOver { .. } | Event::End => {}
        }
    }

    fn done(&mut self, what: &What) {
        match what {
            // `Created` has put it in already: the id is in the journal before anything can fail.
            What::Create { .. } | What::CreateAlike { .. } => {}
            What::Forget { address, id } => {
                if self.resources.get(address).is_some_and(|r| r.id == *id) {
                    self.resources.remove(address);
                }
            }
            What::Update { address, record } => {
                if let Some(resource) = self.resources.get_mut(address) {
                    resource.record.extend(record.clone());
                }
            }
            What::Delete { address, id } => {
                if self.resources.get(address).is_some_and(|r| r.id == *id) {
                    self.resources.remove(address);
                }
                self.deposed.retain(|d| d.resource.id != *id);
            }
            What::MakeParts { address, parts } => {
                parts.iter().for_each(|part| self.taken_over(address, part));
                if let Some(resource) = self.resources.get_mut(address) {
                    resource.parts.extend(parts.iter().cloned());
                }
            }
            What::ChangePart { address, old, new } => {
                if let Some(resource) = self.resources.get_mut(address) {
                    resource.parts.retain(|p| p != old);
                    resource.parts.push(new.clone());
                }
            }
            What::UnmakeParts { address, id, parts } => {
                let current = self.resources.get_mut(address).filter(|r| r.id == *id);
                let deposed = self.deposed.iter_mut().map(|d| &mut d.resource).find(|r| r.id == *id);
                if let Some(resource) = current.or(deposed) {
                    // Once each: where what a rule names is replaced, the rule for the successor reads like the one that goes.
                    for part in parts {
                        if let Some(at) = resource.parts.iter().position(|p| p == part) {
                            resource.parts.remove(at);
                        }
                    }
                }
            }
        }
    }

    /// A part that takes the place of another owner's: that one's is no more.
    fn taken_over(&mut self, by: &Address, part: &Part) {
        let Some(spec) = resources::spec(by.kind()).and_then(|s| s.part(&part.name)).filter(|s| s.takes_over) else { return };
        let key = spec.key_of(&part.record);
        for (_, other) in self
            .resources
            .iter_mut()
            .filter(|(address, _)| *address != by && resources::taken_for(address.kind()) == resources::taken_for(by.kind()))
        {
            other.parts.retain(|p| p.name != part.name || spec.key_of(&p.record) != key);
        }
    }

    /// Takes resources out. What refers to them, and what they refer to, is by EC2's id from then on.
    pub fn hand_over(&mut self, addresses: &[Address]) -> Vec<(Address, Resource)> {
        let known: BTreeMap<Address, Value> =
            self.resources.iter().map(|(address, r)| (address.clone(), Value::text(&r.id))).chain(self.existing_ids()).collect();
        let mut taken: Vec<(Address, Resource)> = addresses.iter().filter_map(|address| self.resources.remove_entry(address)).collect();
        let gone = |address: &Address| addresses.contains(address);
        let by_id = |value: &Value, swap: &dyn Fn(&Address) -> bool| match value {
            Value::Resource(address) if swap(address) => known.get(address).cloned(),
            _ => None,
        };
        let rewrite = |resource: &mut Resource, swap: &dyn Fn(&Address) -> bool| {
            let records = std::iter::once(&mut resource.record).chain(resource.parts.iter_mut().map(|p| &mut p.record));
            records.flat_map(|r| r.values_mut()).for_each(|value| *value = value.rewrite(&|leaf| by_id(leaf, swap)));
            resource.after.retain(|address| !swap(address));
        };
        self.resources.values_mut().for_each(|resource| rewrite(resource, &gone));
        self.deposed.iter_mut().for_each(|deposed| rewrite(&mut deposed.resource, &gone));
        taken.iter_mut().for_each(|(_, resource)| rewrite(resource, &|address| !gone(address)));
        taken
    }

    fn existing_ids(&self) -> impl Iterator<Item = (Address, Value)> {
        self.existing.iter().map(|(address, existing)| (address.clone(), Value::text(&existing.id)))
    }

    fn moved(&mut self, moves: &[(Address, Address)]) {
        if moves.is_empty() {
            return;
        }
        let taken: Vec<_> = moves.iter().filter_map(|(from, to)| self.resources.remove(from).map(|r| (to.clone(), r))).collect();
        self.resources.extend(taken);
        let rename = |value: &Value| match value {
            Value::Resource(address) => moves.iter().find(|(from, _)| from == address).map(|(_, to)| Value::Resource(to.clone())),
            Value::Attribute(address, name) => {
                moves.iter().find(|(from, _)| from == address).map(|(_, to)| Value::Attribute(to.clone(), name.clone()))
            }
            _ => None,
        };
        for resource in self.resources.values_mut().chain(self.deposed.iter_mut().map(|d| &mut d.resource)) {
            let records = std::iter::once(&mut resource.record).chain(resource.parts.iter_mut().map(|p| &mut p.record));
            records.flat_map(|r| r.values_mut()).for_each(|value| *value = value.rewrite(&rename));
            for address in &mut resource.after {
                if let Some((_, to)) = moves.iter().find(|(from, _)| from == address) {
                    address.clone_from(to);
                }
            }
        }
    }
}
