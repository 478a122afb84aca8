//! The network while a plan is carried out: some of its tasks are done, some are not. Layer 6.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::{
    Decisions, Desired, Id, Input, Known, Names, Net, Owner, Standing, Thing, keep_addresses, lend_addresses, lifecycle, merge,
    name_interfaces, public_access, resources, snapshot, taught,
};
use crate::{
    base::{address::Address, diagnostic::Diagnostic},
    call::Json,
    plan::Task,
    registry::Spec,
    schema::{
        attr::{Change, Type},
        model::{Model, Part, Resource},
        value::{Record, Value},
    },
    state::{self, event::What},
};

/// A plan's tasks, and all that is needed to draw the network between two of them.
pub struct Between<'a> {
    model: Model,
    standing: &'a Standing<'a>,
    decisions: &'a Decisions<'a>,
    listed: &'a Json,
    stands: Net,
    known: Known,
    /// Gateways of which nobody knows what they learn meanwhile.
    taught: BTreeSet<Id>,
    /// The tasks that make each resource.
    made: BTreeMap<Address, usize>,
    /// The tasks that unmake each thing, by its id, the last one being that which unmakes the thing itself.
    unmade: BTreeMap<&'a str, Vec<usize>>,
    tasks: &'a [Task],
}

impl<'a> Between<'a> {
    /// Of a plan; `None` where there was nothing to read.
    ///
    /// # Errors
    /// EC2's answers cannot be read.
    pub fn new(
        input: &Input<'a>,
        standing: &'a Standing<'a>,
        decisions: &'a Decisions<'a>,
        tasks: &'a [Task],
    ) -> Result<Option<Self>, Vec<Diagnostic>> {
        let (listed, stands) = match &input.observation.network {
            Some(listed) if !input.observation.recalled => (listed, snapshot::of_json("what EC2 answered", listed)?),
            // Nothing was read: what stands is what the state says.
            _ if input.observation.recalled => (&Json::Null, stands_by_state(input, standing, decisions)?),
            _ => return Ok(None),
        };
        let observed = standing.things.iter().map(|(address, thing)| (address, thing.observed));
        let observed = observed.filter(|(address, _)| !decisions.replaced.contains(*address));
        let observed = observed.chain(standing.existing.iter().map(|(address, observed)| (address, *observed)));
        let known = observed.map(|(address, o)| (address.clone(), standing.record_addresses(&o.record))).collect();
        let (mut made, mut unmade) = (BTreeMap::new(), BTreeMap::<&str, Vec<usize>>::new());
        for (i, task) in tasks.iter().enumerate() {
            made.extend(task.what.made().into_iter().map(|one| (one.address, i)));
            match &task.what {
                What::UnmakeParts { id, .. } => unmade.entry(id).or_default().insert(0, i),
                What::Delete { id, .. } => unmade.entry(id).or_default().push(i),
                _ => {}
            }
        }
        Ok(Some(Self {
            model: lifecycle::effective(input.model, decisions, standing).unwrap_or_else(|| input.model.clone()),
            standing,
            decisions,
            listed,
            stands,
            known,
            taught: taught(standing, decisions),
            made,
            unmade,
            tasks,
        }))
    }

    /// The network as it is when these tasks are done, of which each task has one `bool`.
    #[must_use]
    pub fn network(&self, done: &[bool]) -> Net {
        let is_done = |task: &usize| done.get(*task).copied().unwrap_or(false);
        let model = self.model(&is_done);
        let (mut kept, mut managed, mut parting) = (Names::new(), BTreeSet::new(), vec![]);
        for (address, thing) in &self.standing.things {
            let id = Id::from(&*thing.observed.id);
            if !self.goes(address) {
                let name = Id::from(address.as_str());
                managed.insert(name.clone());
                kept.insert(id, name);
            } else if !self.decisions.stays_behind(thing) {
                // As long as its successor is not there, it is what it is called.
                if self.made.get(address).is_some_and(|task| !is_done(task)) {
                    kept.insert(id.clone(), Id::from(address.as_str()));
                }
                let tasks = self.unmade.get(&*thing.observed.id).map_or(&[][..], Vec::as_slice);
                let gone = tasks.last().is_none_or(is_done);
                if !gone && tasks.iter().any(is_done) {
                    parting.push((address, thing));
                }
                if gone || tasks.iter().any(is_done) {
                    managed.insert(kept.get(&id).cloned().unwrap_or(id));
                }
            }
        }
        for (_, thing) in &self.standing.deposed {
            if self.unmade.get(&*thing.observed.id).and_then(|tasks| tasks.last()).is_none_or(is_done) {
                managed.insert(Id::from(&*thing.observed.id));
            }
        }
        managed.extend(model.resources.values().filter(|r| !r.existing).map(|r| Id::from(r.address.as_str())));
        for (address, observed) in &self.standing.existing {
            kept.insert(Id::from(&*observed.id), Id::from(address.as_str()));
        }
        let whole: BTreeSet<Id> = parting.iter().map(|(_, thing)| Id::from(&*thing.observed.id)).collect();
        name_interfaces(self.listed, &mut Names::new(), &mut kept, &mut managed);
        let mut after = self.stands.clone();
        after.rename(&kept);
        let mut desired = resources::managed_network(&model, &self.known);
        for (address, thing) in parting {
            desired.append(self.parting(address, thing, &is_done));
        }
        desired.rename(&kept);
        public_access(&mut after, &mut desired, &Desired::new(&model, &self.known), (self.standing, &kept));
        let moved = self.moved_addresses(&is_done);
        lend_addresses(&mut after, &Desired::new(&model, &self.known), (self.standing, &moved));
        keep_addresses(&after, &mut desired, &Desired::new(&model, &self.known), &moved);
        // An interface that came with something goes with it, and not before.
        managed.retain(|id| !self.cards_of(&whole).contains(id));
        let mut net = merge::merge(after, &managed, desired);
        merge::unlearn(&mut net, &self.taught);
        self.by_address(&mut net);
        net
    }

    /// What is made by tasks that are not done.
    #[must_use]
    pub fn missing(&self, done: &[bool]) -> BTreeSet<Address> {
        let is_done = |task: &usize| done.get(*task).copied().unwrap_or(false);
        let missing = |(address, task): (&Address, &usize)| (!is_done(task) && !self.stands(address)).then(|| address.clone());
        self.made.iter().filter_map(missing).collect()
    }

    /// Whether something stands under an address before anything is done.
    fn stands(&self, address: &Address) -> bool {
        self.standing.things.contains_key(address)
    }

    /// Whether what stands under an address is to go.
    fn goes(&self, address: &Address) -> bool {
        self.decisions.replaced.contains(address) || !self.decisions.wanted.contains_key(address)
    }

    /// What is unmade in part, under its id.
    fn parting(&self, address: &Address, thing: &Thing<'_>, is_done: &dyn Fn(&usize) -> bool) -> Net {
        let mut resource = thing.as_resource(address, self.standing);
        let tasks = self.unmade.get(&*thing.observed.id).map_or(&[][..], Vec::as_slice);
        for task in tasks.iter().filter(|task| is_done(task)) {
            if let Some(What::UnmakeParts { parts, .. }) = self.tasks.get(*task).map(|t| &t.what) {
                let gone: BTreeSet<String> = parts.iter().filter_map(|part| self.key(thing.spec, &part.name, &part.record)).collect();
                resource.parts.retain(|part| self.key(thing.spec, part.name, &part.record).is_none_or(|key| !gone.contains(&key)));
            }
        }
        let model = Model { resources: [(address.clone(), self.with_ids(resource))].into_iter().collect(), ..Model::default() };
        let known = BTreeMap::from([(address.clone(), thing.observed.record.clone())]);
        let mut net = resources::managed_network(&model, &known);
        net.rename(&Names::from([(Id::from(address.as_str()), Id::from(&*thing.observed.id))]));
        net
    }

    /// A resource that names what stands by EC2's ids.
    fn with_ids(&self, mut resource: Resource) -> Resource {
        let none = BTreeSet::new();
        resource.record = self.standing.record_ids(&resource.record, &none);
        resource.parts.iter_mut().for_each(|part| part.record = self.standing.record_ids(&part.record, &none));
        resource
    }

    fn key(&self, spec: &Spec, name: &str, record: &Record) -> Option<String> {
        Some(spec.part(name)?.key_of(&self.standing.record_ids(record, &BTreeSet::new())))
    }

    /// Elastic IP addresses that are where the tasks want them: all but those that a task has yet to take from where they are.
    fn moved_addresses(&self, is_done: &dyn Fn(&usize) -> bool) -> BTreeSet<IpAddr> {
        let moves = |(i, task): (usize, &Task)| match &task.what {
            What::ChangePart { address, .. } if !is_done(&i) => self.standing.things.get(address).map(|thing| &*thing.observed.id),
            _ => None,
        };
        let to_move: BTreeSet<&str> = self.tasks.iter().enumerate().filter_map(moves).collect();
        // The first of the tasks that unmake it takes it from where it is.
        let to_go = |id: &str| self.unmade.get(id).and_then(|tasks| tasks.first()).is_some_and(|task| !is_done(task));
        super::elastic(self.standing).filter(|(id, _)| !to_move.contains(id) && !to_go(id)).map(|(_, ip)| ip).collect()
    }

    /// The interfaces that came with some of what goes.
    fn cards_of(&self, owners: &BTreeSet<Id>) -> BTreeSet<Id> {
        super::own_interfaces(self.listed).into_iter().filter(|(_, owner)| owners.contains(owner)).map(|(card, _)| card).collect()
    }

    /// Machines that are to go are called what they were called: a policy about one holds for both until one is gone.
    fn by_address(&self, net: &mut Net) {
        let names: BTreeMap<Id, Id> =
            self.standing.things.iter().map(|(a, thing)| (Id::from(&*thing.observed.id), Id::from(a.as_str()))).collect();
        for interface in &mut net.interfaces {
            if let Owner::Instance { id, .. } | Owner::NatGateway(id) | Owner::Endpoint(id) | Owner::Unmodelled { of: Some(id), .. } =
                &mut interface.owner
                && let Some(name) = names.get(id)
            {
                *id = name.clone();
            }
        }
    }

    /// The project as it is when some tasks are done: what is not made is not there, what is not changed is as it stands.
    fn model(&self, is_done: &dyn Fn(&usize) -> bool) -> Model {
        let mut model = self.model.clone();
        model.resources.retain(|address, _| self.made.get(address).is_none_or(is_done));
        let undone = || self.tasks.iter().enumerate().filter(|(i, _)| !is_done(i)).map(|(_, task)| &task.what);
        for what in undone() {
            if let Some(resource) = model.resources.get_mut(what.address()) {
                self.without(what, resource);
            }
        }
        // What is not unmade may have the key of what is not made.
        for what in undone() {
            if let Some(resource) = model.resources.get_mut(what.address()) {
                resource.parts.extend(self.still_there(what));
            }
        }
        for what in undone() {
            if let Some(resource) = model.resources.get_mut(what.address()) {
                self.told_by_parts(what, resource);
            }
        }
        model
    }

    /// Takes what a task makes out of its resource, and puts attributes back that it changes.
    fn without(&self, what: &What, resource: &mut Resource) {
        let made: &[state::Part] = match what {
            What::MakeParts { parts, .. } => parts,
            What::ChangePart { new, .. } => std::slice::from_ref(new),
            What::Update { address, record } => {
                let Some(thing) = self.standing.things.get(address) else { return };
                for name in record.keys() {
                    match thing.observed.record.get(name).or_else(|| thing.state.record.get(name)) {
                        Some(value) => resource.record.insert(name.clone(), self.value(value)),
                        None => resource.record.remove(name),
                    };
                }
                return;
            }
            _ => return,
        };
        let Some(spec) = resources::spec(resource.address.kind()) else { return };
        let keys: BTreeSet<String> = made.iter().filter_map(|part| self.key(spec, &part.name, &part.record)).collect();
        resource.parts.retain(|part| self.key(spec, part.name, &part.record).is_none_or(|key| !keys.contains(&key)));
    }

    /// The parts that are there as long as a task is not done.
    fn still_there(&self, what: &What) -> Vec<Part> {
        let (address, parts): (_, &[state::Part]) = match what {
            // Those of one that is replaced are parts of another thing.
            What::UnmakeParts { address, parts, .. } if !self.goes(address) => (address, parts),
            What::ChangePart { address, old, .. } => (address, std::slice::from_ref(old)),
            _ => return vec![],
        };
        let part = |part: &state::Part| {
            let spec = resources::spec(address.kind())?.part(&part.name)?;
            Some(Part { name: spec.name, record: self.named(&self.standing.record_ids(&part.record, &BTreeSet::new())), span: None })
        };
        parts.iter().filter_map(part).collect()
    }

    /// Ids of what stays turned into references.
    fn value(&self, value: &Value) -> Value {
        let named = self.standing.addresses(value);
        named.rewrite(&|leaf| match leaf {
            Value::Resource(address) if self.goes(address) => self.standing.attribute(address, "id", &BTreeSet::new()),
            _ => None,
        })
    }

    fn named(&self, record: &Record) -> Record {
        record.iter().map(|(name, value)| (name.clone(), self.value(value))).collect()
    }

    /// Attributes that parts come from, as the parts have them: `subnets` from what is associated.
    fn told_by_parts(&self, what: &What, resource: &mut Resource) {
        let parts: Vec<&state::Part> = match what {
            What::MakeParts { parts, .. } | What::UnmakeParts { parts, .. } => parts.iter().collect(),
            What::ChangePart { old, new, .. } => vec![old, new],
            _ => return,
        };
        let Some(spec) = resources::spec(resource.address.kind()) else { return };
        for attr in spec.attrs.iter().filter(|a| a.change == Change::Parts) {
            let name = attr.name.strip_suffix('s').unwrap_or(attr.name);
            if !parts.iter().any(|p| p.record.contains_key(name)) {
                // What is told of by something that EC2 decides: an address goes to the interface of the instance that is written.
                let Some(written) = resource.record.get(attr.name).and_then(Value::as_resource) else { continue };
                let by = |value: &Value| matches!(value, Value::Attribute(of, _) if of == written);
                let wanted = self.model.resources.get(&resource.address).map_or(&[][..], |r| &r.parts).iter();
                let wanted = wanted.filter(|p| p.record.values().any(by));
                let keys: BTreeSet<_> = wanted.filter_map(|p| Some((p.name, self.key(spec, p.name, &p.record)?))).collect();
                if parts.iter().filter_map(|p| Some((&*p.name, self.key(spec, &p.name, &p.record)?))).any(|key| keys.contains(&key)) {
                    resource.record.remove(attr.name);
                }
                continue;
            }
            let mut told = resource.parts.iter().filter_map(|p| p.record.get(name).cloned());
            let value = match attr.ty {
                Type::Set(_) | Type::List(_) => Value::List(told.collect()),
                _ => told.next_back().unwrap_or(Value::Null),
            };
            resource.record.insert(attr.name.into(), value);
        }
    }
}

/// The network as the state has it, under EC2's ids.
fn stands_by_state(input: &Input<'_>, standing: &Standing<'_>, decisions: &Decisions<'_>) -> Result<Net, Vec<Diagnostic>> {
    let (mut before, _) = super::networks(input, standing, decisions)?;
    let things = standing.things.iter().map(|(address, thing)| (address, &thing.observed.id));
    let existing = standing.existing.iter().map(|(address, observed)| (address, &observed.id));
    before.rename(&things.chain(existing).map(|(address, id)| (Id::from(address.as_str()), Id::from(&**id))).collect());
    Ok(before)
}
