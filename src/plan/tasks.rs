//! Decisions turned into tasks: which calls make, change and unmake what. Layer 6; `order` says when.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::address::Address,
    call::{Arg, Call},
    plan::{
        Action, Task,
        decide::{Decision, Decisions, PartDecision, own_tags},
        standing::{Standing, Thing},
    },
    registry::{Batch, PartSpec, Removal},
    schema::value::{Record, Value},
    state::{Part, State, event::What},
};

/// Tasks, and which of them stands for what.
#[derive(Debug, Default)]
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
    /// The task that changes a part that stands, by owner and key.
    pub change: BTreeMap<(Address, String), usize>,
}

/// What the tasks are made from.
pub struct Context<'a> {
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
}

/// Makes the tasks.
#[must_use]
pub fn build(context: &Context<'_>) -> Tasks {
    let mut tasks = Tasks::default();
    let taken = taken_over(context);
    for decision in context.decisions.wanted.values() {
        wanted_thing(context, decision, &mut tasks);
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
        for call in &mut calls {
            call.each_arg(&mut |arg| {
                if let Arg::Of(of, name) = arg {
                    let own_id = going.as_ref().filter(|_| *of == address && name == "id").map(Value::text);
                    if let Some(value) = own_id.or_else(|| self.standing.attribute(of, name, replaced)) {
                        let wanted = self.decisions.wanted.get(&*of).and_then(|d| d.record.get(name));
                        *arg = Arg::from_value(&value.sensitive_if(wanted.is_some_and(Value::is_sensitive)));
                    }
                }
            });
        }
        let change = self.changes.get(&address).copied().unwrap_or_default();
        tasks.all.push(Task { what, title, calls, tags, needs: vec![], change });
        tasks.all.len() - 1
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
            Some((d.spec.kind, p.spec.key_of(&ids)))
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
            for update in decision.spec.updates.iter().filter(|u| (u.after_create)(&decision.record)) {
                calls.extend((update.calls)(address, &decision.record));
            }
            if !later.is_empty() {
                calls.push(create_tags(address, &later));
            }
            let (record, after) = (decision.record.clone(), decision.resource.after.clone());
            let what = What::Create { address: address.clone(), record, after, protect: decision.resource.lifecycle.protect };
            made.push(context.add(tasks, what, format!("create {address}"), calls, tags));
        }
        Some(Action::Update) => {
            let changed: BTreeSet<&str> = decision.attributes.iter().map(|a| a.0).collect();
            for update in decision.spec.updates {
                let names: Vec<&str> = update.attrs.iter().copied().filter(|a| changed.contains(a)).collect();
                if names.is_empty() {
                    continue;
                }
                let value = |name: &&str| ((*name).to_owned(), decision.record.get(*name).cloned().unwrap_or(Value::Null));
                let what = What::Update { address: address.clone(), record: names.iter().map(value).collect() };
                let title = format!("update {address}: {}", names.join(", "));
                made.push(context.add(tasks, what, title, (update.calls)(address, &decision.record), BTreeMap::new()));
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
        let record = Record::from([("tags".into(), decision.record.get("tags").cloned().unwrap_or(Value::Null))]);
        let what = What::Update { address: address.clone(), record };
        context.add(tasks, what, format!("update {address}: tags"), calls, BTreeMap::new());
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
        make_parts(context, decision, spec, &make, tasks);
        let unmake: Vec<&PartDecision> = of_kind().filter(|p| p.wanted.is_none()).chain(split.iter().copied()).collect();
        if let Some(thing) = context.standing.things.get(address) {
            let parts: Vec<(Record, Option<Part>)> = unmake
                .iter()
                .filter_map(|p| Some((p.observed.clone()?, p.kept.clone())))
                .filter(|(r, _)| !is_taken(decision.spec.kind, spec, r, taken))
                .collect();
            unmake_parts(context, address, thing, spec, &parts, tasks);
        }
    }
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
    for Batch { of, calls } in (spec.create)(address, &records) {
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
        let goes_first = |record: &Record| match spec.removal {
            Removal::First => true,
            Removal::WithOwner => false,
            Removal::WithOwnerUnlessItRefers => {
                let mut named = vec![];
                context.standing.record_addresses(record).values().for_each(|v| v.resources(&mut named));
                named.iter().any(|a| a != address)
            }
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
            .filter(|(name, record)| *name == spec.name && goes_first(record) && !is_taken(thing.spec.kind, spec, record, taken))
            .map(|(_, record)| (record.clone(), kept(record)))
            .collect();
        unmake_parts(context, address, thing, spec, &parts, tasks);
    }
    let mut record = thing.observed.record.clone();
    record.insert("id".into(), Value::text(&thing.state.id));
    let what = What::Delete { address: address.clone(), id: thing.state.id.clone() };
    context.add(tasks, what, format!("delete {address}"), (thing.spec.delete)(address, &record), BTreeMap::new())
}
