//! Decisions turned into tasks: which calls make, change and unmake what. Layer 6; `order` says when.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::{address::Address, site::Site},
    call::{Arg, Call, Json},
    plan::{
        Action, Task, alike,
        decide::{Decision, Decisions, PartDecision, own_tags},
        lock::{self, Turn},
        observation::Limits,
        quota,
        room::{self, Turn as RoomTurn},
        standing::{Standing, Thing},
    },
    registry::{Batch, PartSpec, Patience, Removal},
    resources,
    schema::{
        model::Model,
        value::{Record, Value},
    },
    state::{
        OWN_ID, Part, State,
        event::{Made, What},
    },
};

/// Tasks, and which of them stands for what.
#[derive(Debug, Default, Clone)]
pub struct Tasks {
    /// In the order in which they were found.
    pub all: Vec<Task>,
    /// The tasks that make or change a resource as wanted.
    pub thing: BTreeMap<Address, Vec<usize>>,
    /// The task that deletes the resource that stands under an address.
    pub delete: BTreeMap<Address, usize>,
    /// The tasks that delete what was replaced earlier.
    pub deposed: Vec<usize>,
    /// The task that makes or changes a wanted part, by owner and index.
    pub part: BTreeMap<(Address, usize), usize>,
    /// The task that unmakes a part that stands, by owner and key.
    pub unmake: BTreeMap<(Address, String), usize>,
    /// Tasks that come one after the other, with the owner and the kind of part that they are about.
    pub turns: Vec<(Address, &'static str, Vec<usize>)>,
    /// The task that changes a part that stands, by owner and key.
    pub change: BTreeMap<(Address, String), usize>,
}

/// What the tasks are made from.
pub struct Context<'a> {
    /// What is wanted.
    pub model: &'a Model,
    /// What stands.
    pub standing: &'a Standing<'a>,
    /// What was decided.
    pub decisions: &'a Decisions<'a>,
    /// Resources whose successor is made before they go.
    pub create_first: &'a BTreeSet<Address>,
    /// The state.
    pub state: &'a State,
    /// Index of each address among the plan's changes.
    pub changes: &'a BTreeMap<Address, usize>,
    /// What prefix lists count for.
    pub lists: &'a room::Lists,
    /// What accounts may hold, where AWS was asked.
    pub limits: &'a BTreeMap<Option<Site>, Limits>,
}

/// Makes the tasks.
#[must_use]
pub fn build(context: &Context<'_>) -> Tasks {
    let mut tasks = Tasks::default();
    let taken = taken_over(context);
    let alike = alike::groups(context.decisions);
    for decision in context.decisions.wanted.values() {
        match alike.groups.get(&decision.resource.address) {
            Some(group) => several(context, group, &mut tasks),
            None if alike.others.contains(&decision.resource.address) => {}
            None => wanted_thing(context, decision, &mut tasks),
        }
        wanted_parts(context, decision, &taken, &mut tasks);
    }
    for address in context.decisions.unwanted.iter().chain(&context.decisions.replaced) {
        if let Some(thing) = context.standing.things.get(address) {
            let task = remove(context, address, thing, &taken, &mut tasks);
            tasks.delete.insert(address.clone(), task);
        }
    }
    for (address, thing) in &context.standing.deposed {
        let task = remove(context, address, thing, &taken, &mut tasks);
        tasks.deposed.push(task);
    }
    tasks
}

impl Context<'_> {
    fn add(&self, tasks: &mut Tasks, what: What, title: String, mut calls: Vec<Call>, tags: BTreeMap<String, String>) -> usize {
        let address = what.address().clone();
        // What goes is named by the id that it has; what is wanted, by the id that it will have.
        let going = match &what {
            What::Delete { id, .. } | What::UnmakeParts { id, .. } => Some(id.clone()),
            _ => None,
        };
        let none = BTreeSet::new();
        let replaced = if going.is_some() { &none } else { &self.decisions.replaced };
        let own = self.site_of(&address);
        for call in &mut calls {
            call.site = call.beside.take().map_or_else(|| own.clone(), |other| self.site_of(&other));
            let site = call.site.clone();
            call.each_arg(&mut |arg| {
                match arg {
                    Arg::AccountOf(of) => *arg = self.told((self.site_of(of), &site), Site::account, self.standing.account),
                    Arg::OwnerOf(of) => {
                        let owner = self.site_of(of).map(|site| site.account().to_owned());
                        *arg = owner.as_deref().or(self.standing.account).map_or(Arg::Known(Json::Null), Arg::text);
                    }
                    Arg::RegionOf(of) => *arg = self.told((self.site_of(of), &site), Site::region, Some(self.standing.region)),
                    _ => {}
                }
                if let Arg::Of(of, name) = arg {
                    let own_id = going.as_ref().filter(|_| *of == address && name == "id").map(Value::text);
                    if let Some(value) = own_id.or_else(|| self.standing.attribute(of, name, replaced)) {
                        let wanted = self.decisions.wanted.get(&*of).and_then(|d| d.record.get(name));
                        *arg = Arg::from_value(&value.sensitive_if(wanted.is_some_and(Value::is_sensitive)));
                    }
                }
            });
        }
        let timeout_s = self.patience(&what, &mut calls);
        let change = self.changes.get(&address).copied().unwrap_or_default();
        tasks.all.push(Task { what, title, calls, tags, needs: vec![], change, timeout_s });
        tasks.all.len() - 1
    }

    /// For how long a task may wait: as its `lifecycle` says, or else as its type does, where no call needs more.
    fn patience(&self, what: &What, calls: &mut [Call]) -> u64 {
        let address = what.address();
        let written = self.model.resources.get(address).map(|r| r.lifecycle.timeouts).or_else(|| self.model.timeouts.get(address).copied());
        let (written, kind) = (written.unwrap_or_default(), resources::spec(address.kind()).map_or(Patience::SHORT, |spec| spec.patience));
        let (written, kind) = match what {
            What::Create { .. } | What::CreateAlike { .. } => (written.create, kind.create),
            What::Delete { .. } | What::UnmakeParts { .. } => (written.delete, kind.delete),
            What::Update { .. } | What::MakeParts { .. } | What::ChangePart { .. } | What::Forget { .. } => (written.update, kind.update),
        };
        for settle in calls.iter_mut().filter_map(|call| call.settle.as_mut()) {
            settle.timeout_s = written.unwrap_or(settle.timeout_s.max(kind));
        }
        written.unwrap_or(kind)
    }

    /// The account and region that something stands in, or will.
    fn site_of(&self, address: &Address) -> Option<Site> {
        match (self.model.resources.get(address), self.standing.things.get(address)) {
            (Some(resource), _) => resource.site.clone(),
            (None, thing) => thing.and_then(|thing| thing.state.site.clone()),
        }
    }

    /// What a call has to say of another account or region than its own; nothing where it is the same.
    fn told(&self, (of, own): (Option<Site>, &Option<Site>), member: fn(&Site) -> &str, default: Option<&str>) -> Arg {
        let of = of.as_ref().map(member).or(default);
        let own = own.as_ref().map(member).or(default);
        of.filter(|_| of != own).map_or(Arg::Known(Json::Null), Arg::text)
    }

    /// The resource whose account and region hold the other half of something, where those are others.
    fn mirror(&self, decision: &Decision<'_>) -> Option<Address> {
        let other = decision.spec.mirrored.and_then(|name| decision.record.get(name)).and_then(Value::as_resource)?;
        (self.site_of(other) != decision.resource.site).then(|| other.clone())
    }

    /// What is known of a resource: as it is wanted, or as it exists.
    fn record(&self, address: &Address) -> Option<&Record> {
        let wanted = || self.decisions.wanted.get(address).map(|d| &d.record);
        wanted().or_else(|| self.standing.existing.get(address).map(|found| &found.record))
    }

    /// The tags of what a task makes: secnet's own, and those written that are known.
    fn tags(&self, decision: &Decision<'_>) -> (BTreeMap<String, String>, BTreeMap<String, Value>) {
        let mut known = own_tags(self.state, &decision.resource.address);
        let mut later = BTreeMap::new();
        if let Some(Value::Map(tags)) = decision.record.get("tags") {
            for (key, value) in tags {
                match value.as_text() {
                    Some(text) => drop(known.insert(key.clone(), text.to_owned())),
                    None => drop(later.insert(key.clone(), value.clone())),
                }
            }
        }
        (known, later)
    }
}

/// Kind of owner and key of parts whose place is taken.
type Taken = BTreeSet<(&'static str, String)>;

/// Parts that another owner's part takes the place of: a subnet's new ACL replaces the old one in one call.
fn taken_over(context: &Context<'_>) -> Taken {
    let made = context.decisions.wanted.values().flat_map(|d| d.parts.iter().map(move |p| (d, p)));
    made.filter(|(_, p)| p.spec.takes_over && p.observed.is_none())
        .filter_map(|(d, p)| {
            let ids = context.standing.record_ids(p.wanted.as_ref()?, &context.decisions.replaced);
            Some((d.spec.taken_for(), p.spec.key_of(&ids)))
        })
        .collect()
}

fn wanted_thing(context: &Context<'_>, decision: &Decision<'_>, tasks: &mut Tasks) {
    let address = &decision.resource.address;
    let (tags, later) = context.tags(decision);
    let mut made = vec![];
    match decision.action {
        Some(Action::Create | Action::Replace) => {
            let mut calls = (decision.spec.create)(address, &decision.record).unwrap_or_default();
            let others = |address: &Address| context.record(address);
            calls.extend((decision.spec.bared)(address, &decision.record, &others));
            calls.extend(decision.spec.after_create(address, &decision.record));
            if decision.spec.stands_for.is_some() {
                // It is looked up and not made, so that no call could tag it on the way.
                let own = tags.iter().map(|(key, value)| (key.clone(), Value::text(value)));
                let id = (OWN_ID.to_owned(), Value::Attribute(address.clone(), OWN_ID.into()));
                calls.insert(1.min(calls.len()), create_tags(address, &own.chain(later).chain([id]).collect()));
            } else if !later.is_empty() {
                calls.push(create_tags(address, &later));
            }
            if let Some(other) = context.mirror(decision) {
                let known = tags.iter().map(|(key, value)| (key.clone(), Value::text(value)));
                let all: BTreeMap<String, Value> = known.chain(context.tags(decision).1).collect();
                let mut call = create_tags(address, &all).beside(Some(&other));
                if let Some(Arg::List(list)) = call.params.get_mut("Tags") {
                    list.push(Arg::map([("Key", Arg::text(OWN_ID)), ("Value", Arg::Of(address.clone(), OWN_ID.into()))]));
                }
                calls.push(call);
            }
            let verb = if decision.spec.stands_for.is_some() { "adopt" } else { "create" };
            let (record, after) = (decision.record.clone(), decision.resource.after.clone());
            let what = What::Create { address: address.clone(), record, after, protect: decision.resource.lifecycle.protect };
            made.push(context.add(tasks, what, format!("{verb} {address}"), calls, tags));
        }
        Some(Action::Update) => {
            for Turn { names, calls } in lock::turns(decision, context.standing) {
                let value = |name: &&str| ((*name).to_owned(), decision.record.get(*name).cloned().unwrap_or(Value::Null));
                let what = What::Update { address: address.clone(), record: names.iter().map(value).collect() };
                let title = format!("update {address}: {}", names.join(", "));
                made.push(context.add(tasks, what, title, calls, BTreeMap::new()));
            }
        }
        Some(Action::Delete | Action::Forget) | None => {}
    }
    tasks.thing.insert(address.clone(), made);
    if let Some((set, remove)) = &decision.tags {
        let mut calls = vec![];
        if !set.is_empty() {
            calls.push(create_tags(address, set));
        }
        if !remove.is_empty() {
            let keys = remove.iter().map(|key| Arg::map([("Key", Arg::text(key))])).collect();
            calls.push(Call::new("DeleteTags", [("Resources", Arg::List(vec![Arg::id(address)])), ("Tags", Arg::List(keys))]));
        }
        if let Some(other) = context.mirror(decision) {
            calls.extend(calls.clone().into_iter().map(|call| call.beside(Some(&other))));
        }
        let record = Record::from([("tags".into(), decision.record.get("tags").cloned().unwrap_or(Value::Null))]);
        let what = What::Update { address: address.clone(), record };
        context.add(tasks, what, format!("update {address}: tags"), calls, BTreeMap::new());
    }
}

/// One call that makes several, and what each needs after it: its updates, and the tags that are not everybody's.
fn several(context: &Context<'_>, group: &[&Decision<'_>], tasks: &mut Tasks) {
    let [first, rest @ ..] = group else { return };
    let Some(alike) = first.spec.alike else { return };
    let (mut common, _) = context.tags(first);
    for decision in rest {
        let (tags, _) = context.tags(decision);
        common.retain(|key, value| tags.get(key) == Some(value));
    }
    let mut calls = (first.spec.create)(&first.resource.address, &first.record).unwrap_or_default();
    if let Some(call) = calls.first_mut() {
        call.params.extend(alike.count.iter().map(|name| ((*name).to_owned(), Arg::Known(group.len().into()))));
    }
    for decision in group {
        let address = &decision.resource.address;
        calls.extend(decision.spec.after_create(address, &decision.record));
        let (own, mut tags) = context.tags(decision);
        tags.extend(own.iter().filter(|(key, _)| !common.contains_key(*key)).map(|(key, value)| (key.clone(), Value::text(value))));
        let mut call = create_tags(address, &tags);
        let with = alike.with.iter().map(|name| Arg::Of(address.clone(), (*name).to_owned()));
        call.params.insert("Resources".into(), Arg::List(std::iter::once(Arg::id(address)).chain(with).collect()));
        calls.push(call);
    }
    let made = |decision: &&Decision<'_>| Made {
        address: decision.resource.address.clone(),
        record: decision.record.clone(),
        after: decision.resource.after.clone(),
        protect: decision.resource.lifecycle.protect,
    };
    let what = What::CreateAlike { first: made(first), rest: rest.iter().map(made).collect() };
    let title = format!("create {} and {} like it", first.resource.address, rest.len());
    let task = context.add(tasks, what, title, calls, common);
    for decision in group {
        tasks.thing.insert(decision.resource.address.clone(), vec![task]);
    }
}

fn create_tags(address: &Address, tags: &BTreeMap<String, Value>) -> Call {
    let tags = tags.iter().map(|(key, value)| Arg::map([("Key", Arg::text(key)), ("Value", value.into())])).collect();
    Call::new("CreateTags", [("Resources", Arg::List(vec![Arg::id(address)])), ("Tags", Arg::List(tags))])
}

fn wanted_parts(context: &Context<'_>, decision: &Decision<'_>, taken: &Taken, tasks: &mut Tasks) {
    let address = &decision.resource.address;
    for spec in decision.spec.parts {
        let of_kind = || decision.parts.iter().filter(|p| p.spec.name == spec.name);
        let changing = |p: &&PartDecision| p.wanted.is_some() && p.observed.is_some() && !p.same;
        let in_place = |p: &&PartDecision| changing(p) && spec.change.is_some() && !goes_between(context, p);
        for part in of_kind().filter(in_place) {
            change_part(context, address, part, tasks);
        }
        let split: Vec<&PartDecision> = of_kind().filter(changing).filter(|p| !in_place(p)).collect();
        let make: Vec<&PartDecision> = of_kind().filter(|p| p.observed.is_none()).chain(split.iter().copied()).collect();
        let unmake: Vec<&PartDecision> = of_kind().filter(|p| p.wanted.is_none() && !p.same).chain(split.iter().copied()).collect();
        let standing: Vec<&Record> = of_kind().filter_map(|p| p.observed.as_ref()).collect();
        let own = || quota::of_parts(context.limits, decision.resource.site.as_ref(), decision.spec, spec.name);
        let turns = decision.spec.room.filter(|_| split.is_empty()).and_then(|documented| {
            let quota = own().unwrap_or(documented);
            let come: Vec<&Record> = make.iter().filter_map(|p| p.wanted.as_ref()).collect();
            let go: Vec<&Record> = unmake.iter().filter_map(|p| p.observed.as_ref()).collect();
            room::turns(quota, context.lists, &standing, &come, &go)
        });
        if let (Some(turns), Some(thing)) = (turns, context.standing.things.get(address)) {
            in_turns(context, (decision, thing), spec, (&make, &unmake), turns, tasks);
            continue;
        }
        make_parts(context, decision, spec, &make, tasks);
        if let Some(thing) = context.standing.things.get(address) {
            let parts: Vec<(Record, Option<Part>)> = unmake
                .iter()
                .filter_map(|p| Some((p.observed.clone()?, p.kept.clone())))
                .filter(|(r, _)| !is_taken(decision.spec.taken_for(), spec, r, taken))
                .collect();
            unmake_parts(context, address, thing, spec, &parts, tasks);
        }
    }
}

/// Makes and unmakes parts in turns, where there is no room for all at once.
fn in_turns(
    context: &Context<'_>,
    (decision, thing): (&Decision<'_>, &Thing<'_>),
    spec: &'static PartSpec,
    (make, unmake): (&[&PartDecision], &[&PartDecision]),
    turns: Vec<RoomTurn>,
    tasks: &mut Tasks,
) {
    let address = &decision.resource.address;
    let first = tasks.all.len();
    for turn in turns {
        match turn {
            RoomTurn::Make(of) => {
                let parts: Vec<&PartDecision> = of.iter().filter_map(|i| make.get(*i).copied()).collect();
                make_parts(context, decision, spec, &parts, tasks);
            }
            RoomTurn::Unmake(of) => {
                let parts = of.iter().filter_map(|i| unmake.get(*i)).filter_map(|p| Some((p.observed.clone()?, p.kept.clone())));
                unmake_parts(context, address, thing, spec, &parts.collect::<Vec<_>>(), tasks);
            }
        }
    }
    tasks.turns.push((address.clone(), spec.name, (first..tasks.all.len()).collect()));
}

/// Whether a part refers to something that is deleted before its successor is made: then it must go and come back.
fn goes_between(context: &Context<'_>, part: &PartDecision) -> bool {
    let mut named = vec![];
    part.wanted.iter().flat_map(|r| r.values()).for_each(|v| v.resources(&mut named));
    named.iter().any(|a| context.decisions.replaced.contains(a) && !context.create_first.contains(a))
}

fn is_taken(kind: &'static str, spec: &PartSpec, observed: &Record, taken: &Taken) -> bool {
    spec.takes_over && taken.contains(&(kind, spec.key_of(observed)))
}

fn change_part(context: &Context<'_>, address: &Address, part: &PartDecision, tasks: &mut Tasks) {
    let (Some(change), Some(observed), Some(wanted)) = (part.spec.change, &part.observed, &part.wanted) else { return };
    let name = part.spec.name.to_owned();
    let old = part.kept.clone().unwrap_or_else(|| Part { name: name.clone(), record: context.standing.record_addresses(observed) });
    let what = What::ChangePart { address: address.clone(), old, new: Part { name, record: wanted.clone() } };
    let title = format!("update {address}: {}", (part.spec.show)(wanted));
    let task = context.add(tasks, what, title, change(address, observed, wanted), BTreeMap::new());
    tasks.change.insert((address.clone(), part.spec.key_of(observed)), task);
    if let Some(index) = part.index {
        tasks.part.insert((address.clone(), index), task);
    }
}

fn make_parts(context: &Context<'_>, decision: &Decision<'_>, spec: &PartSpec, parts: &[&PartDecision], tasks: &mut Tasks) {
    if parts.is_empty() {
        return;
    }
    let address = &decision.resource.address;
    let records: Vec<&Record> = parts.iter().filter_map(|p| p.wanted.as_ref()).collect();
    let with_owner = matches!(decision.action, Some(Action::Create | Action::Replace)) && decision.spec.made_with.contains(&spec.name);
    for Batch { of, calls } in (spec.create)(address, &records) {
        // The call that makes the owner makes these too: they are only noted.
        let calls = if with_owner { vec![] } else { calls };
        let records: Vec<&Record> = of.iter().filter_map(|i| records.get(*i).copied()).collect();
        let made = records.iter().map(|r| Part { name: spec.name.into(), record: (*r).clone() }).collect();
        let what = What::MakeParts { address: address.clone(), parts: made };
        let (tags, _) = context.tags(decision);
        let task = context.add(tasks, what, title("create", address, spec, &records), calls, tags);
        for index in of.iter().filter_map(|i| parts.get(*i)?.index) {
            tasks.part.insert((address.clone(), index), task);
        }
    }
}

fn unmake_parts(
    context: &Context<'_>,
    address: &Address,
    thing: &Thing<'_>,
    spec: &PartSpec,
    parts: &[(Record, Option<Part>)],
    tasks: &mut Tasks,
) {
    if parts.is_empty() {
        return;
    }
    let records: Vec<&Record> = parts.iter().map(|(record, _)| record).collect();
    for Batch { of, calls } in (spec.delete)(address, &records) {
        let chosen: Vec<&(Record, Option<Part>)> = of.iter().filter_map(|i| parts.get(*i)).collect();
        let unmade = |(record, kept): &&(Record, Option<Part>)| {
            kept.clone().unwrap_or_else(|| Part { name: spec.name.into(), record: context.standing.record_addresses(record) })
        };
        let what = What::UnmakeParts { address: address.clone(), id: thing.state.id.clone(), parts: chosen.iter().map(unmade).collect() };
        let shown: Vec<Record> = chosen.iter().map(|(record, _)| context.standing.record_addresses(record)).collect();
        let task = context.add(tasks, what, title("delete", address, spec, &shown.iter().collect::<Vec<_>>()), calls, BTreeMap::new());
        for (record, _) in chosen {
            tasks.unmake.insert((address.clone(), spec.key_of(record)), task);
        }
    }
}

fn title(verb: &str, address: &Address, spec: &PartSpec, records: &[&Record]) -> String {
    match records {
        [one] => format!("{verb} {address}: {}", (spec.show)(one)),
        several => format!("{verb} {address}: {} of `{}`", several.len(), spec.name),
    }
}

/// Unmakes a resource that stands: first those of its parts that would hold it or others, then itself.
fn remove(context: &Context<'_>, address: &Address, thing: &Thing<'_>, taken: &Taken, tasks: &mut Tasks) -> usize {
    for spec in thing.spec.parts {
        let named = |record: &Record| {
            let mut named = vec![];
            context.standing.record_addresses(record).values().for_each(|v| v.resources(&mut named));
            named
        };
        let going = |a: &Address| context.decisions.unwanted.contains(a) || context.decisions.replaced.contains(a);
        let goes_first = |record: &Record| match spec.removal {
            // What AWS gives stays as it stands, but for what would hold others that go.
            _ if thing.spec.stands_for.is_some() => named(record).iter().any(|a| a != address && going(a)),
            Removal::First => true,
            Removal::WithOwner | Removal::Stays => false,
            Removal::WithOwnerUnlessItRefers => named(record).iter().any(|a| a != address),
        };
        let kept = |record: &Record| {
            let key = spec.key_of(record);
            let same = |p: &&Part| p.name == spec.name && spec.key_of(&context.standing.record_ids(&p.record, &BTreeSet::new())) == key;
            thing.state.parts.iter().find(same).cloned()
        };
        let parts: Vec<(Record, Option<Part>)> = thing
            .observed
            .parts
            .iter()
            .filter(|(name, record)| *name == spec.name && goes_first(record) && !is_taken(thing.spec.taken_for(), spec, record, taken))
            .map(|(_, record)| (record.clone(), kept(record)))
            .collect();
        unmake_parts(context, address, thing, spec, &parts, tasks);
    }
    let mut record = thing.observed.record.clone();
    record.insert("id".into(), Value::text(&thing.state.id));
    let what = What::Delete { address: address.clone(), id: thing.state.id.clone() };
    let verb = if thing.spec.stands_for.is_some() { "let go of" } else { "delete" };
    let calls = lock::unlock(address, thing).into_iter().chain((thing.spec.delete)(address, &record)).collect();
    context.add(tasks, what, format!("{verb} {address}"), calls, BTreeMap::new())
}
