//! Taking things under management, letting go of them, and what may neither be deleted nor replaced. Layer 6.
//!
//! What a statement has already done is told and done no second time: it may stay in the sources as long as one likes.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use serde::{Deserialize, Serialize};

use crate::{
    base::{
        address::Address,
        codes::{name as name_codes, plan as codes},
        diagnostic::{Diagnostic, Sink},
        site::Site,
    },
    call::{Arg, Call},
    plan::{
        Action, Change, Input, Seen, Task,
        decide::{Decision, Decisions, OWN_TAGS, PartDecision},
        deep::is_deep,
        observation::Observation,
        sealing,
        standing::Standing,
    },
    registry::{Observed, Spec},
    resources,
    schema::{
        attr::{Attr, Change as Cost, Type},
        model::{self, Model, Resource},
        value::{Record, Value},
    },
    state::{
        self, Part, State,
        event::{Event, What},
        identity,
    },
};

/// Something in EC2 that is managed from now on, as [`Event::Imported`] records it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Import {
    /// What it is called.
    pub address: Address,
    /// EC2's id.
    pub id: String,
    /// The tag `secnet:id` that it gets.
    pub secnet_id: String,
    /// Its attributes as they were read; those that EC2 never tells, as they are written.
    pub record: Record,
    /// Those of its parts that are wanted as they are.
    pub parts: Vec<Part>,
    /// Whether it may neither be deleted nor replaced.
    pub protect: bool,
    /// The account and region; `None`: the project's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<Site>,
}

impl Import {
    /// As the journal has it.
    #[must_use]
    pub fn event(&self) -> Event {
        let Import { address, id, secnet_id, record, parts, protect, site } = self.clone();
        Event::Imported { address, id, secnet_id, record, parts, protect, site }
    }
}

/// The state as a plan starts from it, and how it came to be.
#[derive(Debug)]
pub struct Opening<'a> {
    /// Renames done, imported things taken in, forgotten ones left out.
    pub state: Cow<'a, State>,
    /// Renames.
    pub moves: Vec<(Address, Address)>,
    /// What is taken under management.
    pub imports: Vec<Import>,
    /// What is let go of, and stands.
    pub forgotten: Vec<(Address, state::Resource)>,
    /// What is let go of, and does not stand any more.
    pub vanished: Vec<Address>,
    /// Statements that have nothing to do, in words.
    pub notes: Vec<String>,
}

/// Carries out what the sources say about the state itself: first renames, then what is forgotten, then what is imported.
pub fn open<'a>(input: &Input<'a>, sink: &mut Sink) -> Opening<'a> {
    let Input { model, observation, sources, .. } = *input;
    let place = |span| sources.map_or_else(String::new, |s| format!(" ({})", s.place(span)));
    let moves = super::moves(model, input.state);
    let mut state = Cow::Borrowed(input.state);
    if !moves.is_empty() {
        state.to_mut().fold(&Event::Moved { moves: moves.clone() });
    }
    let mut opening = Opening { state, moves, imports: vec![], forgotten: vec![], vanished: vec![], notes: vec![] };
    for forgotten in &model.forgotten {
        // The resolver has said what is wrong with a statement about something that is still in the sources.
        if model.resources.get(&forgotten.address).is_some_and(|r| !r.existing) {
            continue;
        }
        match opening.state.to_mut().resources.remove(&forgotten.address) {
            Some(resource) if listed(observation, &forgotten.address, &resource.id).is_some() => {
                opening.forgotten.push((forgotten.address.clone(), resource));
            }
            Some(_) => opening.vanished.push(forgotten.address.clone()),
            None => {
                let at = place(forgotten.span);
                opening.notes.push(format!("`forget {}` has nothing left to do and can be removed{at}", forgotten.address));
            }
        }
    }
    let names = names(model, &opening.state, observation);
    for import in &model.imports {
        let Some(resource) = model.resources.get(&import.to).filter(|r| !r.existing) else { continue };
        if opening.state.resources.get(&import.to).is_some_and(|r| r.id == import.id) {
            let at = place(import.span);
            opening.notes.push(format!("`import {}` has nothing left to do and can be removed{at}", import.to));
            continue;
        }
        match taken_in(import, resource, &opening.state, observation, &names) {
            Ok((taken, untold)) => {
                opening.state.to_mut().fold(&taken.event());
                opening.imports.push(taken);
                opening.notes.extend(untold);
            }
            Err(diagnostic) => sink.push(diagnostic),
        }
    }
    adopt_given(input, &mut opening, sink);
    opening
}

/// Takes in what AWS has given the VPCs that stand, where the project adopts it: as an import is taken in.
fn adopt_given(input: &Input<'_>, opening: &mut Opening<'_>, sink: &mut Sink) {
    let Input { model, observation, .. } = *input;
    let given =
        model.resources.values().filter(|r| !r.existing && resources::spec(r.address.kind()).is_some_and(|s| s.stands_for.is_some()));
    for resource in given {
        let Some(vpc) = resource.reference("vpc").and_then(|vpc| opening.state.resources.get(vpc)) else { continue };
        let all = observation.resources.get(resource.address.kind());
        let of_vpc = |o: &&Observed| o.record.get("vpc").and_then(Value::as_text) == Some(&vpc.id);
        let found = all.and_then(|all| all.values().find(of_vpc));
        let held = opening.state.resources.get(&resource.address);
        // One that is no longer what AWS gives, because somebody has made another the main table, leaves its place to that.
        if held.is_some_and(|held| observation.recalled || found.is_some_and(|found| found.id == held.id)) {
            continue;
        }
        let span = resource.span.or(model.project.span);
        let (Some(found), Some(span)) = (found, span) else {
            if observation.recalled {
                let help = "plan with reading what is there, so that the plan can say what the adoption takes away";
                sink.push(codes::not_adopted_unread(&resource.address, resource.span, help));
            }
            continue;
        };
        let import = model::Import { to: resource.address.clone(), id: found.id.clone(), span };
        let names = names(model, &opening.state, observation);
        match taken_in(&import, resource, &opening.state, observation, &names) {
            Ok((taken, untold)) => {
                opening.state.to_mut().fold(&taken.event());
                opening.imports.push(taken);
                opening.notes.extend(untold);
            }
            Err(diagnostic) => sink.push(diagnostic),
        }
    }
}

fn listed<'a>(observation: &'a Observation, address: &Address, id: &str) -> Option<&'a Observed> {
    observation.resources.get(address.kind())?.get(id)
}

/// What the project calls what stands, by id.
#[must_use]
pub fn names(model: &Model, state: &State, observation: &Observation) -> BTreeMap<String, Address> {
    let known = state.resources.iter().map(|(address, r)| (r.id.clone(), address.clone()));
    let imported = model.imports.iter().map(|i| (i.id.clone(), i.to.clone()));
    let existing = observation.existing.iter().filter_map(|(address, found)| match found.as_slice() {
        [one] => Some((one.id.clone(), address.clone())),
        _ => None,
    });
    existing.chain(imported).chain(known).collect()
}

/// An import that can be done, and what people should know of it.
fn taken_in(
    import: &model::Import,
    resource: &Resource,
    state: &State,
    observation: &Observation,
    names: &BTreeMap<String, Address>,
) -> Result<(Import, Option<String>), Diagnostic> {
    let (address, id) = (&import.to, &import.id);
    let refuse = |why: &str, help: &str| Err(codes::not_imported(address, id, why, help, import.span));
    // One that somebody else has deleted leaves its place to what is imported.
    if let Some(held) = state.resources.get(address).filter(|held| listed(observation, address, &held.id).is_some()) {
        let help = format!("remove the statement, or `forget` what `{address}` is now and apply first");
        return refuse(&format!("`{address}` is `{}` already", held.id), &help);
    }
    if let Some((other, _)) = state.resources.iter().find(|(_, r)| r.id == *id) {
        return refuse(&format!("it is managed as `{other}` already"), &format!("write `moved {other} to {address}` instead"));
    }
    if state.deposed.iter().any(|d| d.resource.id == *id) {
        return refuse("it was replaced, and the next apply deletes it", "apply without the statement first");
    }
    let Some(observed) = listed(observation, address, id) else {
        let why = format!("{} has no such {}", observation.region, address.kind());
        return refuse(&why, "check the id, the region and the account");
    };
    if observed.tags.get("secnet:lineage").is_some_and(|lineage| *lineage != state.lineage) {
        let theirs = observed.tags.get("secnet:address").map_or_else(String::new, |a| format!(", as `{a}`"));
        return refuse(&format!("another project of secnet manages it{theirs}"), "`forget` it there and apply, then import it here");
    }
    let Some(spec) = resources::spec(address.kind()) else { return refuse("its kind is unknown", "use a newer version of secnet") };
    let (record, untold) = as_kept(resource, (spec, observed), state, observation, names);
    let untold = untold_of(address, &untold);
    let secnet_id = identity::of_import(&state.lineage, id);
    let (address, protect) = (address.clone(), resource.lifecycle.protect);
    let site = resource.site.clone();
    Ok((Import { address, id: id.clone(), secnet_id, record, parts: vec![], protect, site }, untold))
}

/// What people should know of attributes that nobody could read.
#[must_use]
pub fn untold_of(address: &Address, untold: &[&str]) -> Option<String> {
    (!untold.is_empty())
        .then(|| format!("EC2 does not tell {} of {address}: what is written is taken for what it is", name_codes::listed(untold)))
}

/// What a thing is, as the state keeps it where the sources have it: with hashes of what is sensitive. And the attributes that
/// nobody could read.
#[must_use]
pub fn as_kept(
    resource: &Resource,
    (spec, observed): (&'static Spec, &Observed),
    state: &State,
    observation: &Observation,
    names: &BTreeMap<String, Address>,
) -> (Record, Vec<&'static str>) {
    let (mut record, untold) = record(resource, spec, observed, names);
    let key = state.sealing_key.as_deref().or(observation.sealing_key.as_deref());
    for (name, value) in &mut record {
        if let Some(wanted) = resource.record.get(name).filter(|w| w.is_sensitive()) {
            *value = sealing::kept_as(key, value.clone(), wanted);
        }
    }
    let mut images = state.images.values().chain(observation.images.values());
    let image = record.get("image").and_then(Value::as_text).and_then(|id| images.find(|image| image.id == id));
    if let Some(size) = image.and_then(|image| image.root_volume_size) {
        record.entry("root_volume_size".into()).or_insert(Value::Int(size));
    }
    (record, untold)
}

/// What a thing is, as the state keeps it: references are addresses. And the attributes that nobody could read.
fn record(resource: &Resource, spec: &'static Spec, observed: &Observed, names: &BTreeMap<String, Address>) -> (Record, Vec<&'static str>) {
    let named = |leaf: &Value| leaf.as_text().and_then(|id| names.get(id)).map(|address| Value::Resource(address.clone()));
    // What nobody writes would be taken back by a plan that does not read it.
    let kept = |name: &str| !is_deep(spec, name) || resource.record.get(name).is_some_and(|v| *v != Value::Null);
    let mut record: Record = observed
        .record
        .iter()
        .filter(|(name, _)| kept(name))
        .map(|(name, value)| (name.clone(), if name == "id" { value.clone() } else { value.rewrite(&named) }))
        .collect();
    let theirs = |key: &&String| !key.starts_with("aws:") && !key.starts_with("secnet:");
    let tags: BTreeMap<String, Value> =
        observed.tags.iter().filter(|(key, _)| theirs(key)).map(|(key, value)| (key.clone(), Value::text(value))).collect();
    if !tags.is_empty() {
        record.insert("tags".into(), Value::Map(tags));
    }
    let mut untold = vec![];
    // Of what has a default EC2 always holds a value: where it tells none, what it holds is not known.
    let always = |a: &&Attr| a.default.is_some() && matches!(a.change, Cost::InPlace | Cost::Replace);
    for attr in spec.attrs.iter().filter(|a| always(a) || spec.untold.contains(&a.name)) {
        if let Some(written) = resource.record.get(attr.name).filter(|v| **v != Value::Null && !record.contains_key(attr.name)) {
            record.insert(attr.name.into(), written.clone());
            untold.push(attr.name);
        }
    }
    (record, untold)
}

/// Gives what was imported the parts that turned out to be wanted as they are.
pub fn adopt(imports: &mut [Import], seen: &mut Vec<Seen>) {
    for import in imports {
        if let Some(at) = seen.iter().position(|s| s.address == import.address) {
            let Seen { record, parts, .. } = seen.remove(at);
            import.record.extend(record);
            import.parts = parts;
        }
    }
}

/// Lets go of what is forgotten: the change that people see, and the task that takes the project's own tags off.
///
/// The state lets go of it when the tags are off, so that an apply that is interrupted before does it again.
pub fn forget(forgotten: &[(Address, state::Resource)], changes: &mut Vec<Change>, tasks: &mut Vec<Task>) {
    for (address, resource) in forgotten {
        let id = &resource.id;
        // The interface that comes with an instance was tagged with it; one that it stands on is a resource of its own.
        let interface = resource.record.get("network_interface_id").and_then(Value::as_text);
        let interface = interface.filter(|_| address.kind() == "instance" && !resource.record.contains_key("network_interface"));
        let ids = std::iter::once(&**id).chain(interface).map(Arg::text).collect();
        let keys = OWN_TAGS.iter().map(|key| Arg::map([("Key", Arg::text(*key))])).collect();
        let mut call = Call::new("DeleteTags", [("Resources", Arg::List(ids)), ("Tags", Arg::List(keys))]);
        call.site.clone_from(&resource.site);
        let what = What::Forget { address: address.clone(), id: id.clone() };
        let (title, change) = (format!("forget {address}"), changes.len());
        tasks.push(Task { what, title, calls: vec![call], tags: BTreeMap::new(), needs: vec![], change, timeout_s: 0 });
        changes.push(Change {
            site: resource.site.clone(),
            address: address.clone(),
            id: Some(id.clone()),
            action: Action::Forget,
            attributes: vec![],
            parts: vec![],
            reason: Some("it stays in EC2, without the project's own tags".into()),
            place: None,
        });
    }
}

/// Reports what is protected and would be deleted or replaced: of what is in the sources they decide, of the rest the state.
pub fn guard(decisions: &Decisions<'_>, standing: &Standing<'_>, sink: &mut Sink) {
    for decision in decisions.wanted.values().filter(|d| d.action == Some(Action::Replace) && d.resource.lifecycle.protect) {
        let resource = decision.resource;
        let by: Vec<_> = decision.attributes.iter().filter(|a| a.3).map(|a| (a.0, resource.span_of(a.0))).collect();
        sink.push(codes::protected_from_replacement(&resource.address, &by, resource.lifecycle.span));
    }
    for address in decisions.unwanted.iter().filter(|a| standing.things.get(*a).is_some_and(|t| t.state.protect)) {
        sink.push(codes::protected_from_deletion(address));
    }
}

/// Whether a resource is protected as it stands and as it will be; `None` where it does not stand, or is made anew.
#[must_use]
pub fn protection(decision: &Decision<'_>, standing: &Standing<'_>) -> (Option<bool>, bool) {
    let afresh = decision.action == Some(Action::Create);
    (standing.things.get(&decision.resource.address).filter(|_| !afresh).map(|t| t.state.protect), decision.resource.lifecycle.protect)
}

/// What the state must learn about what stays: whether it is protected from now on.
#[must_use]
pub fn protect(decisions: &Decisions<'_>, standing: &Standing<'_>) -> BTreeMap<Address, bool> {
    let stays = decisions.wanted.values().filter(|d| !matches!(d.action, Some(Action::Create | Action::Replace)));
    let changes = stays.filter_map(|d| match protection(d, standing) {
        (Some(before), now) if before != now => Some((d.resource.address.clone(), now)),
        _ => None,
    });
    changes.collect()
}

/// Reports a successor that is asked to be made first inside something whose own comes last.
pub fn nowhere(decisions: &Decisions<'_>, create_first: &BTreeSet<Address>, sink: &mut Sink) {
    let asked = decisions.wanted.values().filter(|d| d.action == Some(Action::Replace) && d.resource.lifecycle.create_first == Some(true));
    for decision in asked.filter(|d| !create_first.contains(&d.resource.address)) {
        let mut named = vec![];
        decision.resource.record.values().for_each(|v| v.resources(&mut named));
        if let Some(inside) = named.iter().find(|a| decisions.replaced.contains(*a) && !create_first.contains(*a)) {
            sink.push(codes::nowhere_to_create_first(&decision.resource.address, inside, decision.resource.lifecycle.span));
        }
    }
}

/// The project as it will be, where resources leave attributes as EC2 has them, or what others have put into them: these
/// count as EC2 has them.
///
/// `None` where nothing is left so, and the project is what its sources say.
#[must_use]
pub fn effective(model: &Model, decisions: &Decisions<'_>, standing: &Standing<'_>) -> Option<Model> {
    let ignoring: Vec<&Decision<'_>> = decisions
        .wanted
        .values()
        .filter(|d| !d.resource.lifecycle.ignore.is_empty() || d.parts.iter().any(PartDecision::is_left))
        .filter(|d| !matches!(d.action, Some(Action::Create | Action::Replace)))
        .collect();
    if ignoring.is_empty() {
        return None;
    }
    let mut model = model.clone();
    for decision in ignoring {
        let address = &decision.resource.address;
        let (Some(resource), Some(stands)) = (model.resources.get_mut(address), standing.things.get(address)) else { continue };
        for name in &resource.lifecycle.ignore {
            match decision.record.get(name) {
                Some(value) => drop(resource.record.insert(name.clone(), standing.addresses(value))),
                None => drop(resource.record.remove(name)),
            }
        }
        let left = |name: &str| decision.spec.part(name).is_some_and(|p| super::decide::is_ignored(decision.resource, decision.spec, p));
        resource.parts.retain(|p| !left(p.name));
        let held = stands.observed.parts.iter().filter(|(name, _)| left(name));
        let held: Vec<model::Part> =
            held.map(|(name, record)| model::Part { name, record: standing.record_addresses(record), span: None }).collect();
        if decision.spec.parts.iter().any(|p| left(p.name)) {
            // Who asks for the attribute that the parts come from gets what they say.
            for attr in decision.spec.attrs.iter().filter(|a| a.change == Cost::Parts) {
                let mut told = held.iter().filter_map(|p| p.record.get(attr.name.strip_suffix('s').unwrap_or(attr.name)).cloned());
                let many = matches!(attr.ty, Type::Set(_) | Type::List(_));
                let value = if many { Value::List(told.collect()) } else { told.next_back().unwrap_or(Value::Null) };
                resource.record.insert(attr.name.into(), value);
            }
        }
        resource.parts.extend(held);
        let foreign = decision.parts.iter().filter(|p| p.is_left()).filter_map(|p| Some((p.spec.name, p.observed.as_ref()?)));
        resource.parts.extend(foreign.map(|(name, record)| model::Part { name, record: standing.record_addresses(record), span: None }));
    }
    Some(model)
}
