//! What a caller must be allowed to do for a plan, and no more. Layer 6: pure; asks nobody.
//!
//! Calls come in, an IAM policy document comes out. How the calls are asked for is `apply::permit`'s.

pub mod document;
pub mod table;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::{address::Address, site::Site},
    call::{Arg, Call, Json, service},
    iam::{
        document::{Conditions, Need},
        table::{Object, PASSES, objects},
    },
    plan::Plan,
    registry::Removal,
    resources,
    schema::{
        model::{Bucket, Model},
        value::{Record, Value},
    },
    state::{State, event::What},
};

/// The key that says by which action something is made that is tagged at once.
const CREATE_ACTION: &str = "ec2:CreateAction";
/// The tag that tells what secnet has made, as a condition.
const LINEAGE: &str = "aws:ResourceTag/secnet:lineage";

/// Where all of it is: the project's own account and region, from which the others follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// `eu-central-1`
    pub region: String,
    /// The account; `None` where nobody has told: then any.
    pub account: Option<String>,
    /// The lineage of what the project has made; `None` before the first apply, which gives it.
    pub lineage: Option<String>,
}

impl Scope {
    /// Another account and region of the project.
    #[must_use]
    pub fn at(&self, site: Option<&Site>) -> Self {
        match site {
            Some(site) => Self { region: site.region().into(), account: Some(site.account().into()), lineage: self.lineage.clone() },
            None => self.clone(),
        }
    }

    /// `aws-cn` in China, `aws-us-gov` in AWS GovCloud.
    fn partition(&self) -> &'static str {
        match self.region.split('-').collect::<Vec<_>>().as_slice() {
            ["cn", ..] => "aws-cn",
            ["us", "gov", ..] => "aws-us-gov",
            _ => "aws",
        }
    }

    fn arn(&self, kind: &str, id: &str) -> String {
        // What anybody may have published belongs to no account.
        let account = if matches!(kind, "image" | "snapshot") { "" } else { self.account.as_deref().unwrap_or("*") };
        format!("arn:{}:ec2:{}:{account}:{kind}/{id}", self.partition(), self.region)
    }

    fn role(&self) -> String {
        format!("arn:{}:iam::{}:role/*", self.partition(), self.account.as_deref().unwrap_or("*"))
    }

    /// That a thing is the project's.
    fn own(&self) -> Conditions {
        let (operator, value) = self.lineage.as_deref().map_or(("StringLike", "?*"), |lineage| ("StringEquals", lineage));
        condition(operator, LINEAGE, value)
    }
}

fn condition(operator: &str, key: &str, value: &str) -> Conditions {
    Conditions::from([(operator.to_owned(), BTreeMap::from([(key.to_owned(), BTreeSet::from([value.to_owned()]))]))])
}

/// A call, and what it is for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The call.
    pub call: &'a Call,
    /// The kind of thing, as ARNs have it, that it unmakes and that carries the project's tag.
    pub unmakes: Option<&'static str>,
}

/// The calls of a plan, in its order.
#[must_use]
pub fn asked(plan: &Plan) -> Vec<Asked<'_>> {
    let imported: BTreeSet<&Address> = plan.imports.iter().map(|import| &import.address).collect();
    let of = |task: &crate::plan::Task| match &task.what {
        // What was there before carries the tag only after this very plan.
        What::Delete { address, .. } if !imported.contains(address) => resources::spec(address.kind()).and_then(|spec| spec.tag_type),
        _ => None,
    };
    plan.tasks.iter().flat_map(|task| task.calls.iter().map(move |call| Asked { call, unmakes: of(task) })).collect()
}

/// The calls that take down what a model describes and what does not stand yet, once it does.
#[must_use]
pub fn takedown(model: &Model, state: &State) -> Vec<(Call, Option<&'static str>)> {
    let mut calls = vec![];
    for resource in model.resources.values().filter(|r| !r.existing && !state.resources.contains_key(&r.address)) {
        let Some(spec) = resources::spec(resource.address.kind()) else { continue };
        let first = calls.len();
        for part in spec.parts {
            let refers = |record: &Record| {
                let mut named = vec![];
                record.values().for_each(|value| value.resources(&mut named));
                named.iter().any(|address| *address != resource.address)
            };
            let goes_first = |record: &&Record| match part.removal {
                Removal::First => true,
                Removal::WithOwner | Removal::Stays => false,
                Removal::WithOwnerUnlessItRefers => refers(record),
            };
            let records: Vec<_> = resource.parts.iter().filter(|p| p.name == part.name).map(|p| &p.record).filter(goes_first).collect();
            if records.is_empty() {
                continue;
            }
            calls.extend((part.delete)(&resource.address, &records).into_iter().flat_map(|batch| batch.calls).map(|call| (call, None)));
        }
        calls.extend((spec.delete)(&resource.address, &resource.record).into_iter().map(|call| (call, spec.tag_type)));
        for (call, _) in calls.iter_mut().skip(first) {
            let other = call.beside.take().and_then(|other| model.resources.get(&other));
            call.site = other.unwrap_or(resource).site.clone();
        }
    }
    for (call, _) in &mut calls {
        call.each_arg(&mut |arg| {
            if let Arg::Of(address, name) = arg
                && let Some(Value::Text(id)) = state.attribute(address, name)
            {
                *arg = Arg::text(&*id);
            }
        });
    }
    calls
}

/// What it takes to assume a role.
#[must_use]
pub fn of_role(role: &str) -> Need {
    Need { action: "sts:AssumeRole".into(), resources: BTreeSet::from([role.to_owned()]), conditions: Conditions::new() }
}

/// What a shared state takes of its bucket. Whoever may not list it is told of an object that is not there that it is forbidden.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>
#[must_use]
pub fn of_state(bucket: &Bucket, project: &str, scope: &Scope) -> Vec<Need> {
    let arn = |key: &str| BTreeSet::from([format!("arn:{}:s3:::{}{key}", scope.partition(), bucket.name)]);
    let need = |action: &str, resources| Need { action: format!("s3:{action}"), resources, conditions: Conditions::new() };
    let objects = ["GetObject", "PutObject", "DeleteObject"].map(|action| need(action, arn(&format!("/{}/{project}/*", bucket.key))));
    objects.into_iter().chain([need("ListBucket", arn(""))]).collect()
}

/// What a call needs in the account and region that it is sent to.
#[must_use]
pub fn of_call(Asked { call, unmakes }: Asked<'_>, scope: &Scope) -> Vec<Need> {
    let scope = &scope.at(call.site.as_ref());
    let mut needs = of_action(call, unmakes, scope);
    if !call.tagged.is_empty() {
        let resources = call.tagged.iter().map(|kind| scope.arn(kind, "*")).collect();
        let conditions = condition("StringEquals", CREATE_ACTION, &call.action);
        needs.push(Need { action: "ec2:CreateTags".into(), resources, conditions });
    }
    for (_, _, service) in PASSES.iter().filter(|(action, given, _)| *action == call.action && gives(call, given)) {
        let conditions = condition("StringEquals", "iam:PassedToService", service);
        needs.push(Need { action: "iam:PassRole".into(), resources: BTreeSet::from([scope.role()]), conditions });
    }
    needs.extend(call.settle.iter().map(|settle| of_read(&settle.action, scope)));
    needs
}

/// What an action that reads needs.
#[must_use]
pub fn of_read(action: &str, scope: &Scope) -> Need {
    let kinds: BTreeSet<String> = objects(action).iter().map(|object| scope.arn(object.kind, "*")).collect();
    let resources = if kinds.is_empty() { BTreeSet::from(["*".to_owned()]) } else { kinds };
    Need { action: format!("{}:{action}", service(action)), resources, conditions: Conditions::new() }
}

fn gives(call: &Call, parameter: &str) -> bool {
    call.params.get(parameter).is_some_and(|arg| *arg != Arg::Known(Json::Null))
}

/// What its own action needs: apart for what it unmakes, whose tag is looked at.
fn of_action(call: &Call, unmakes: Option<&'static str>, scope: &Scope) -> Vec<Need> {
    let action = format!("ec2:{}", call.action);
    let named = named(call);
    let mut plain = BTreeSet::new();
    let mut own = BTreeSet::new();
    for kind in kinds(call, &named) {
        let made = call.tagged.iter().any(|tagged| tagged == kind);
        let ids = named.get(kind).filter(|ids| !made && !ids.contains(&None));
        let arns: Vec<String> = match ids {
            Some(ids) => ids.iter().flatten().map(|id| scope.arn(kind, id)).collect(),
            None => vec![scope.arn(kind, "*")],
        };
        if unmakes == Some(kind) && unmakes_by_name(&call.action) { own.extend(arns) } else { plain.extend(arns) }
    }
    if plain.is_empty() && own.is_empty() {
        plain.insert("*".to_owned());
    }
    let need = |resources: BTreeSet<String>, conditions| Need { action: action.clone(), resources, conditions };
    let needs = [need(plain, Conditions::new()), need(own, scope.own())];
    needs.into_iter().filter(|need| !need.resources.is_empty()).collect()
}

/// Whether an action is one of those that look at the tags of what they unmake: see [`table`].
fn unmakes_by_name(action: &str) -> bool {
    action.starts_with("Delete") || matches!(action, "ReleaseAddress" | "TerminateInstances")
}

/// The kinds of things that a call is authorised on.
fn kinds(call: &Call, named: &BTreeMap<&'static str, BTreeSet<Option<String>>>) -> Vec<&'static str> {
    if matches!(&*call.action, "CreateTags" | "DeleteTags") {
        return named.keys().copied().collect();
    }
    let all = objects(&call.action);
    let ours = |kind: &str| resources::ALL.iter().any(|spec| spec.tag_type == Some(kind));
    let about = |o: &&Object| o.always || named.contains_key(o.kind) || call.tagged.iter().any(|t| t == o.kind);
    let found: Vec<&'static str> = all.iter().filter(about).map(|o| o.kind).collect();
    match found.is_empty() {
        // What it names is known by something else than its id.
        true => all.iter().map(|o| o.kind).filter(|kind| ours(kind)).collect(),
        false => found,
    }
}

/// Prefixes of ids whose things are no resources of secnet's, and parameters that name things otherwise than by their ids.
const PREFIXES: [(&str, &str); 5] =
    [("ami-", "image"), ("snap-", "snapshot"), ("vol-", "volume"), ("sgr-", "security-group-rule"), ("lt-", "launch-template")];
const BY_NAME: [(&str, &str); 1] = [("KeyName", "key-pair")];

/// The things that a call names, by kind; `None` for one whose id is not known yet.
fn named(call: &Call) -> BTreeMap<&'static str, BTreeSet<Option<String>>> {
    let mut found: BTreeMap<&'static str, BTreeSet<Option<String>>> = BTreeMap::new();
    for (name, kind) in BY_NAME {
        match call.params.get(name) {
            None | Some(Arg::Known(Json::Null)) => {}
            Some(Arg::Known(Json::String(id))) => drop(found.entry(kind).or_default().insert(Some(id.clone()))),
            Some(_) => drop(found.entry(kind).or_default().insert(None)),
        }
    }
    let mut call = call.clone();
    call.settle = None;
    call.each_arg(&mut |arg| match arg {
        Arg::Known(json) => texts(json, &mut |text| {
            if let Some(kind) = kind_of_id(text) {
                found.entry(kind).or_default().insert(Some(text.to_owned()));
            }
        }),
        Arg::Of(address, name) => {
            let of_attribute = name.strip_suffix("_id").and_then(kind_of_word);
            let of_address = resources::spec(address.kind()).and_then(|spec| spec.tag_type);
            for kind in [of_attribute, of_address].into_iter().flatten() {
                found.entry(kind).or_default().insert(None);
            }
        }
        _ => {}
    });
    found
}

/// The kind of thing that an attribute names: `root_volume` is a volume.
fn kind_of_word(word: &str) -> Option<&'static str> {
    let ours = resources::ALL.iter().filter(|spec| word.ends_with(spec.kind)).max_by_key(|spec| spec.kind.len());
    ours.and_then(|spec| spec.tag_type).or_else(|| word.ends_with("volume").then_some("volume"))
}

fn texts(json: &Json, visit: &mut dyn FnMut(&str)) {
    match json {
        Json::String(text) => visit(text),
        Json::Array(items) => items.iter().for_each(|item| texts(item, visit)),
        Json::Object(members) => members.values().for_each(|member| texts(member, visit)),
        _ => {}
    }
}

/// The kind of thing that an id names: eight or seventeen hexadecimal digits after its prefix.
fn kind_of_id(text: &str) -> Option<&'static str> {
    let is_digits = |rest: &str| matches!(rest.len(), 8 | 17) && rest.bytes().all(|b| b.is_ascii_hexdigit());
    let ours = resources::ALL.iter().filter_map(|spec| Some((spec.id_prefix, spec.tag_type?)));
    ours.chain(PREFIXES).find(|(prefix, _)| text.strip_prefix(prefix).is_some_and(is_digits)).map(|(_, kind)| kind)
}
