//! What must change: each resource as wanted against what stands. Layer 6; knows no calls and no order.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::{
        address::Address,
        codes::{plan as codes, quota, site as site_codes},
        diagnostic::Sink,
        site::Site,
        span::Span,
    },
    plan::{
        Action,
        deep::is_deep,
        lifecycle, lock, once, order,
        standing::{Standing, Thing},
    },
    registry::{PartSpec, Removal, Spec},
    resources,
    schema::{
        attr::{Attr, Change, Type},
        model::{self, Model, Resource},
        value::{Record, Value},
    },
    state::{self, State},
};

/// What happens to one resource that is wanted.
#[derive(Debug)]
pub struct Decision<'a> {
    /// As wanted.
    pub resource: &'a Resource,
    /// Its type.
    pub spec: &'static Spec,
    /// Its record with all that is known put in.
    pub record: Record,
    /// What happens to it; `None`: nothing, apart perhaps from tags and parts.
    pub action: Option<Action>,
    /// Its attributes that change: name, old, new, whether it is why it is replaced.
    pub attributes: Vec<(&'static str, Value, Value, bool)>,
    /// Its tags as they should be, where they are not: those to set, those to remove.
    pub tags: Option<(BTreeMap<String, Value>, Vec<String>)>,
    /// Its parts.
    pub parts: Vec<PartDecision>,
    /// Why it is made, where that is not plain.
    pub reason: Option<String>,
}

/// What happens to one part.
#[derive(Debug)]
pub struct PartDecision {
    /// Its kind.
    pub spec: &'static PartSpec,
    /// Index among the wanted resource's parts; `None` for one that goes.
    pub index: Option<usize>,
    /// As EC2 has it, with ids; `None` for one that is made.
    pub observed: Option<Record>,
    /// As the state has it; `None` for one that is made, or that somebody else put there.
    pub kept: Option<state::Part>,
    /// As wanted, with references; `None` for one that goes.
    pub wanted: Option<Record>,
    /// Whether it stays as it is; without being wanted, it is somebody else's that is left where it is.
    pub same: bool,
    /// Where it stands in the sources.
    pub span: Option<Span>,
}

impl PartDecision {
    /// Whether somebody else has put it there, and it is left there.
    #[must_use]
    pub fn is_left(&self) -> bool {
        self.same && self.wanted.is_none()
    }
}

/// Everything that was decided.
#[derive(Debug, Default)]
pub struct Decisions<'a> {
    /// By address, wanted resources.
    pub wanted: BTreeMap<&'a Address, Decision<'a>>,
    /// Resources that stand and are no longer wanted.
    pub unwanted: Vec<Address>,
    /// Resources that are replaced.
    pub replaced: BTreeSet<Address>,
}

impl Decisions<'_> {
    /// Whether something that is no longer wanted stays in EC2: what AWS gives, as long as its VPC stays.
    #[must_use]
    pub fn stays_behind(&self, thing: &Thing<'_>) -> bool {
        let vpc = thing.state.record.get("vpc").and_then(Value::as_resource);
        thing.spec.stands_for.is_some() && vpc.is_some_and(|vpc| !self.unwanted.contains(vpc) && !self.replaced.contains(vpc))
    }
}

/// The keys of the tags that secnet itself puts on everything.
pub const OWN_TAGS: [&str; 3] = ["secnet:lineage", "secnet:address", "secnet:id"];

/// Tags that secnet itself puts on everything, but for the one that tells the operation.
#[must_use]
pub fn own_tags(state: &State, address: &Address) -> BTreeMap<String, String> {
    BTreeMap::from([("secnet:lineage".into(), state.lineage.clone()), ("secnet:address".into(), address.to_string())])
}

/// Decides for every resource, in the order given: each after those that it refers to.
#[must_use]
pub fn decide<'a>(model: &'a Model, state: &State, standing: &Standing<'_>, in_order: &[&'a Resource], sink: &mut Sink) -> Decisions<'a> {
    let mut decisions = Decisions::default();
    for resource in in_order.iter().filter(|r| !r.existing) {
        let Some(spec) = resources::spec(resource.address.kind()) else { continue };
        if standing.bounds.left.contains(&resource.address) {
            decisions.wanted.insert(&resource.address, left(resource, spec, standing));
            continue;
        }
        stays_where_it_is(resource, standing, sink);
        let mut decision = thing(resource, spec, standing, &decisions.replaced, sink);
        without_ignored(&mut decision.record, &model.project.ignore_tags);
        if standing.bounds.replace.contains(&resource.address) && matches!(decision.action, None | Some(Action::Update)) {
            decision.action = Some(Action::Replace);
            decision.reason = Some("`--replace` asks for it".into());
        }
        image_has_room(&decision, standing, sink);
        if let Some(name) = settled(&decision, standing, &decisions.replaced) {
            decision.action = Some(Action::Replace);
            decision.reason = Some(format!("EC2 changes no {name} of one of its type"));
        }
        decision.tags = tags(&decision, state, standing, &model.project.ignore_tags);
        if decision.action == Some(Action::Replace) {
            decisions.replaced.insert(resource.address.clone());
        }
        decisions.wanted.insert(&resource.address, decision);
    }
    // Parts come after all resources: whether what they name is replaced must be decided first.
    let replaced = decisions.replaced.clone();
    for decision in decisions.wanted.values_mut().filter(|d| !standing.bounds.left.contains(&d.resource.address)) {
        decision.parts = parts(decision, standing, &replaced, sink);
    }
    for address in standing.things.keys() {
        match model.resources.get(address) {
            Some(resource) if resource.existing => sink.push(codes::managed_as_existing(address, resource.span)),
            Some(_) => {}
            None => decisions.unwanted.push(address.clone()),
        }
    }
    lifecycle::guard(&decisions, standing, sink);
    lock::guard(&decisions, standing, sink);
    lock::shrunk(&decisions, sink);
    once::beside(&decisions, standing, &order::wants_create_first, sink);
    decisions
}

/// What is left as it is: all of it stays, whoever has put it there.
fn left<'a>(resource: &'a Resource, spec: &'static Spec, standing: &Standing<'_>) -> Decision<'a> {
    let observed = standing.things.get(&resource.address).map_or(&[][..], |thing| &thing.observed.parts);
    let part = |(index, (part, observed)): (usize, (&model::Part, &(&'static str, Record)))| {
        let (wanted, observed) = (Some(part.record.clone()), Some(observed.1.clone()));
        Some(PartDecision { spec: spec.part(part.name)?, index: Some(index), observed, kept: None, wanted, same: true, span: None })
    };
    let parts = resource.parts.iter().zip(observed).enumerate().filter_map(part).collect();
    Decision { resource, spec, record: resource.record.clone(), action: None, attributes: vec![], tags: None, parts, reason: None }
}

/// What is made from an image is at least as large as that.
fn image_has_room(decision: &Decision<'_>, standing: &Standing<'_>, sink: &mut Sink) {
    let resource = decision.resource;
    // Of one that stands and stays it is told that it does not shrink.
    if decision.spec.grows.contains(&"root_volume_size") && !matches!(decision.action, Some(Action::Create | Action::Replace)) {
        return;
    }
    let id = decision.record.get("image").map(Value::inner).and_then(Value::as_text);
    let image = standing.images.values().find(|image| id == Some(&image.id));
    let (Some(least), Some(Value::Int(size))) =
        (image.and_then(|image| image.root_volume_size), decision.record.get("root_volume_size").map(Value::inner))
    else {
        return;
    };
    if *size < least {
        let at = resource.spans.get("root_volume_size").copied().or(resource.span);
        sink.push(quota::smaller_than_image(&resource.address, *size, least, at));
    }
}

/// The part that would change of something that stands, though EC2 changes none of its kind there.
fn settled(decision: &Decision<'_>, standing: &Standing<'_>, replaced: &BTreeSet<Address>) -> Option<&'static str> {
    let names = (decision.spec.settled)(&decision.record);
    if names.is_empty() || !matches!(decision.action, None | Some(Action::Update)) {
        return None;
    }
    // What is wrong with them is told when all parts are decided.
    let parts = parts(decision, standing, replaced, &mut Sink::default());
    parts.iter().find(|part| !part.same && names.contains(&part.spec.name)).map(|part| part.spec.name)
}

/// Nothing moves to another account or region.
fn stays_where_it_is(resource: &Resource, standing: &Standing<'_>, sink: &mut Sink) {
    let Some(stands) = standing.things.get(&resource.address).map(|thing| &thing.state.site) else { return };
    if *stands != resource.site {
        let words = |site: &Option<Site>| match site {
            Some(site) => site.to_string(),
            None => format!("{}/{}", standing.account.unwrap_or("?"), standing.region),
        };
        let at = resource.span_of("account");
        sink.push(site_codes::site_changed(&resource.address, &words(stands), &words(&resource.site), at));
    }
}

/// Whether what is not written is EC2's choice: EC2 tells it, or nobody does. What EC2 does not tell was written before, and
/// is taken back; so is a reference that was written, unless another attribute `names` by its id what EC2 tells.
fn is_left_to_ec2(spec: &Spec, attr: &Attr, kept: Option<&Value>, observed: Option<&Value>, names: impl Fn(&Value) -> bool) -> bool {
    let exact = spec.exact && attr.change == Change::InPlace;
    let chosen = |told: &Value| match is_deep(spec, attr.name) {
        true => kept == Some(&Value::Null),
        false => !was_written(spec, attr, kept) || names(told),
    };
    let chosen = !exact && (kept.is_none() || observed.is_some_and(chosen));
    chosen || kept.is_none() && observed.is_none()
}

fn thing<'a>(
    resource: &'a Resource,
    spec: &'static Spec,
    standing: &Standing<'_>,
    replaced: &BTreeSet<Address>,
    sink: &mut Sink,
) -> Decision<'a> {
    let mut record = known(resource, spec, standing, replaced, sink);
    let mut decision =
        Decision { resource, spec, record: Record::new(), action: None, attributes: vec![], tags: None, parts: vec![], reason: None };
    let Some(stands) = standing.things.get(&resource.address) else {
        decision.action = Some(Action::Create);
        decision.reason = standing.gone.binary_search(&resource.address).is_ok().then(|| "it is gone: somebody else deleted it".to_owned());
        decision.attributes = record.iter().filter_map(|(n, v)| Some((spec.attr(n)?.name, Value::Null, v.clone(), false))).collect();
        decision.record = record;
        return decision;
    };
    let mut left: Vec<(&str, Option<Value>)> = vec![];
    keep_volume(resource, &stands.state.record, &mut record);
    for attr in spec.attrs.iter().filter(|a| matches!(a.change, Change::InPlace | Change::Replace)) {
        let observed = stands.observed.record.get(attr.name);
        let kept = stands.state.record.get(attr.name);
        let wanted = record.get(attr.name).cloned().unwrap_or(Value::Null);
        let names = |told: &Value| record.values().any(|value| value == told);
        if wanted == Value::Null && is_left_to_ec2(spec, attr, kept, observed, names) {
            continue;
        }
        let none = BTreeSet::new();
        let current = observed.cloned().or_else(|| kept.map(|v| standing.ids(&standing.substitute(v, &none, None), &none)));
        let sealed = kept.is_some_and(Value::is_sealed);
        let hidden = |value: Value| {
            let hide = value != Value::Null && (sealed || wanted.is_sensitive());
            value.sensitive_if(hide)
        };
        if ignores(resource, attr.name) {
            left.push((attr.name, current.map(hidden)));
            continue;
        }
        let current = current.unwrap_or(Value::Null);
        let unchanged = same(spec, attr, &standing.ids(&wanted.bare(), replaced), &current)
            || sealed && standing.is_kept_as(&current, &wanted, resource.record.get(attr.name), replaced);
        if !unchanged {
            let replaces = attr.change == Change::Replace;
            let old = hidden(shown(attr, &current, standing));
            decision.attributes.push((attr.name, old, wanted, replaces));
        }
    }
    if decision.attributes.iter().any(|(_, _, _, replaces)| *replaces) {
        decision.action = Some(Action::Replace);
    } else if !decision.attributes.is_empty() {
        decision.action = Some(Action::Update);
    }
    // What EC2 has decided stays in the record, for whoever refers to it.
    if decision.action != Some(Action::Replace) {
        for (name, value) in &stands.state.record {
            if spec.attr(name).is_some_and(|a| a.change == Change::Computed) {
                record.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        // A call may send several attributes: what is ignored goes out as it is.
        for (name, current) in left {
            match current {
                Some(value) => drop(record.insert(name.into(), standing.addresses(&value))),
                None => drop(record.remove(name)),
            }
        }
    }
    decision.record = record;
    decision
}

/// Whether a reference was written, which can be taken back: what was learnt of EC2 is kept as an id. What only hands other
/// attributes down is no matter by itself.
fn was_written(spec: &Spec, attr: &Attr, kept: Option<&Value>) -> bool {
    let hands_down = spec.inherits.is_some_and(|inherits| inherits.by == attr.name);
    !hands_down && matches!((attr.change, &attr.ty, kept), (Change::InPlace | Change::Replace, Type::Ref(_), Some(Value::Resource(_))))
}

/// What comes with an image that is left as it is does not follow the one that is written.
fn keep_volume(resource: &Resource, kept: &Record, record: &mut Record) {
    for name in
        ["root_device_name", "root_volume_size"].into_iter().filter(|n| ignores(resource, "image") && !resource.record.contains_key(*n))
    {
        match kept.get(name) {
            Some(kept) => drop(record.insert(name.into(), kept.clone())),
            None => drop(record.remove(name)),
        }
    }
}

/// The record with what is known put in: attributes of what stands, images by id.
fn known(resource: &Resource, spec: &Spec, standing: &Standing<'_>, replaced: &BTreeSet<Address>, sink: &mut Sink) -> Record {
    let instance_type = resource.record.get("instance_type").map(Value::inner).and_then(Value::as_text);
    let architecture = instance_type.map(resources::instance::architecture);
    let mut record = Record::new();
    for (name, value) in &resource.record {
        let value = standing.substitute_at(value, replaced, architecture, resource.site.as_ref());
        if spec.attr(name).is_some_and(|a| a.ty == Type::Image) {
            match value.as_text().and_then(|id| standing.images.values().find(|image| image.id == id)) {
                Some(image) => root_volume(spec, image, &mut record),
                // By id or by family: what was looked up and not found does not exist, unless its name is yet to be known.
                None if matches!(value, Value::Text(_) | Value::Image(..)) => {
                    sink.push(codes::image_not_found(
                        &value.to_string(),
                        resource.site.as_ref().map_or(standing.region, Site::region),
                        resource.span_of(name),
                    ));
                }
                None => {}
            }
        }
        if value != Value::Null || !record.contains_key(name) {
            record.insert(name.clone(), value);
        }
    }
    record
}

/// What an image tells of the volume that an instance boots from.
fn root_volume(spec: &Spec, image: &state::Image, record: &mut Record) {
    if spec.attr("root_device_name").is_some() {
        record.insert("root_device_name".into(), Value::text(&image.root_device_name));
    }
    // Written out: EC2 would take the image's size by itself, and others who speak its protocol want to be told.
    if let Some(size) = image.root_volume_size.filter(|_| spec.attr("root_volume_size").is_some()) {
        record.entry("root_volume_size".into()).or_insert(Value::Int(size));
    }
}

/// Whether a resource leaves an attribute as EC2 has it.
fn ignores(resource: &Resource, name: &str) -> bool {
    resource.lifecycle.ignore.iter().any(|ignored| ignored == name)
}

/// Whether a resource leaves parts of a kind as EC2 has them: those that come from an attribute that it ignores, as a
/// table's associations come from `subnets`. Parts that sentences make are never ignored.
pub fn is_ignored(resource: &Resource, spec: &Spec, part: &PartSpec) -> bool {
    spec.attrs.iter().any(|a| a.change == Change::Parts && ignores(resource, a.name)) && !is_said(spec, part)
}

/// Whether sentences make parts of a kind: rules, routes, entries.
fn is_said(spec: &Spec, part: &PartSpec) -> bool {
    spec.sentences.iter().any(|s| s.head == part.name)
}

/// Takes the tags out that others own.
fn without_ignored(record: &mut Record, ignored: &[String]) {
    if let Some(Value::Map(tags)) = record.get_mut("tags").filter(|_| !ignored.is_empty()) {
        tags.retain(|key, _| !is_anothers(key, ignored));
    }
}

/// Whether a tag is AWS's own, or one that the project leaves to others.
pub(super) fn is_anothers(key: &str, ignored: &[String]) -> bool {
    key.starts_with("aws:")
        || ignored.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => key.starts_with(start),
            None => key == pattern,
        })
}

/// An observed value as people see it: the ids that a reference attribute holds become references.
pub(super) fn shown(attr: &Attr, value: &Value, standing: &Standing<'_>) -> Value {
    match &attr.ty {
        Type::Ref(_) => standing.addresses(value),
        Type::Set(of) | Type::List(of) if matches!(**of, Type::Ref(_)) => standing.addresses(value),
        _ => value.clone(),
    }
}

/// Whether two values of an attribute mean the same to EC2.
pub(super) fn same(spec: &Spec, attr: &Attr, a: &Value, b: &Value) -> bool {
    let sorted = |value: &Value| {
        let mut texts: Vec<String> = value.elements().iter().map(Value::to_string).collect();
        texts.sort();
        texts.dedup();
        texts
    };
    match attr.ty {
        _ if spec.documents.contains(&attr.name) && same_document(a, b) => true,
        Type::Set(_) => sorted(a) == sorted(b),
        Type::List(_) => a.elements() == b.elements(),
        _ => a == b,
    }
}

/// Whether two texts are the same document in JSON.
fn same_document(a: &Value, b: &Value) -> bool {
    let read = |value: &Value| serde_json::from_str::<serde_json::Value>(value.as_text()?).ok();
    read(a).is_some_and(|a| read(b) == Some(a))
}

/// The tags that are not as they should be. Those that others own, or that the resource leaves alone, are as they should be.
fn tags(
    decision: &Decision<'_>,
    state: &State,
    standing: &Standing<'_>,
    ignored: &[String],
) -> Option<(BTreeMap<String, Value>, Vec<String>)> {
    let stands = standing.things.get(&decision.resource.address).filter(|_| decision.action != Some(Action::Replace))?;
    decision.spec.tag_type?;
    let mut wanted: BTreeMap<String, Value> =
        own_tags(state, &decision.resource.address).into_iter().map(|(k, v)| (k, Value::text(v))).collect();
    if !stands.state.secnet_id.is_empty() {
        wanted.insert("secnet:id".into(), Value::text(&stands.state.secnet_id));
    }
    let left_alone = ignores(decision.resource, "tags");
    if let Some(Value::Map(own)) = decision.record.get("tags").filter(|_| !left_alone) {
        wanted.extend(own.clone());
    }
    let has = &stands.observed.tags;
    let goes = |key: &&String| !left_alone && !is_anothers(key, ignored) && !wanted.contains_key(*key);
    let remove: Vec<String> = has.keys().filter(goes).cloned().collect();
    // Of a sensitive tag the state has but a hash.
    let kept = |key: &str| match stands.state.record.get("tags") {
        Some(Value::Map(kept)) if standing.recalled => kept.get(key).filter(|kept| kept.is_sealed()),
        _ => None,
    };
    let written = |key: &str| match decision.resource.record.get("tags") {
        Some(Value::Map(written)) => written.get(key),
        _ => None,
    };
    wanted.retain(|key, value| match kept(key) {
        Some(kept) => !standing.is_kept_as(&standing.substitute(kept, &BTreeSet::new(), None), value, written(key), &BTreeSet::new()),
        None => has.get(key).map(Value::text).as_ref() != Some(&value.bare()),
    });
    (!wanted.is_empty() || !remove.is_empty()).then_some((wanted, remove))
}

fn parts(decision: &Decision<'_>, standing: &Standing<'_>, replaced: &BTreeSet<Address>, sink: &mut Sink) -> Vec<PartDecision> {
    let afresh = matches!(decision.action, Some(Action::Create | Action::Replace));
    let stands = standing.things.get(&decision.resource.address).filter(|_| !afresh);
    let mut observed: BTreeMap<String, (&'static PartSpec, &Record)> = BTreeMap::new();
    // What is ignored is neither compared nor made, unless all is made.
    let left = |spec: &PartSpec| !afresh && is_ignored(decision.resource, decision.spec, spec);
    for (name, record) in stands.iter().flat_map(|s| &s.observed.parts) {
        if let Some(spec) = decision.spec.part(name).filter(|s| !left(s)) {
            observed.insert(spec.key_of(record), (spec, record));
        }
    }
    let mut kept: BTreeMap<String, state::Part> = BTreeMap::new();
    for part in stands.iter().flat_map(|s| &s.state.parts) {
        if let Some(spec) = decision.spec.part(&part.name) {
            // Nothing counts as replaced here: a kept part is known by the ids that it was made with.
            kept.insert(spec.key_of(&standing.record_ids(&part.record, &BTreeSet::new())), part.clone());
        }
    }
    let mut decided = vec![];
    for (index, part) in decision.resource.parts.iter().enumerate() {
        let Some(spec) = decision.spec.part(part.name).filter(|s| !left(s)) else { continue };
        let wanted: Record = part.record.iter().map(|(n, v)| (n.clone(), standing.substitute(v, replaced, None).as_network())).collect();
        if let Some(unknown) = spec
            .key
            .iter()
            .chain(&["cidr"])
            .filter_map(|k| wanted.get(*k))
            .find(|v| matches!(v, Value::Attribute(..) | Value::Subnet(..) | Value::Concat(_)))
        {
            sink.push(codes::not_known(&decision.resource.address, part.name, &unknown.to_string(), part.span));
        }
        let ids = standing.record_ids(&wanted, replaced);
        let key = spec.key_of(&ids);
        let found = observed.remove(&key).map(|(_, record)| record);
        let content = |record: &Record| spec.content.iter().map(|c| record.get(*c).cloned().unwrap_or(Value::Null)).collect::<Vec<_>>();
        let same = found.is_some_and(|record| content(record) == content(&ids));
        decided.push(PartDecision {
            spec,
            index: Some(index),
            observed: found.cloned(),
            kept: kept.remove(&key),
            wanted: Some(wanted),
            same,
            span: part.span,
        });
    }
    for (key, (spec, record)) in observed.into_iter().filter(|(_, (spec, _))| spec.removal != Removal::Stays) {
        let kept = kept.remove(&key);
        let same = kept.is_none() && resources::keeps_foreign(decision.resource) && is_said(decision.spec, spec);
        decided.push(PartDecision { spec, index: None, observed: Some(record.clone()), kept, wanted: None, same, span: None });
    }
    decided
}
