//! What `--json` prints of plans and applies. Layer 10: types of its own, so that nothing inside can change it by accident.
//!
//! Values are plain JSON: networks, addresses and services as one writes them, a resource as its address, what EC2 has yet to
//! decide as null beside `known_after_apply`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    apply::counts::Counts,
    base::address::Address,
    call::Json,
    plan::{
        Action, Change, PartChange, Plan,
        proof::{Flow, Proof, Verdict},
        scope::Partial,
    },
    prove::policy::Outcome,
    schema::value::Value,
};

/// A plan.
#[derive(Debug, Serialize)]
pub struct PlanJson {
    /// Its name, whatever the environment.
    project: String,
    region: String,
    account: Option<String>,
    /// Whether EC2 was read; else the plan takes the state's word.
    refreshed: bool,
    /// Whether there is nothing to do.
    empty: bool,
    create: usize,
    update: usize,
    replace: usize,
    delete: usize,
    forget: usize,
    tasks: usize,
    changes: Vec<ChangeJson>,
    moved: Vec<Move>,
    imported: Vec<Imported>,
    gone: Vec<String>,
    attached_by_aws: Vec<String>,
    notes: Vec<String>,
    /// What it is about, if that is not the whole project.
    partial: Option<PartialJson>,
}

#[derive(Debug, Serialize)]
struct PartialJson {
    target: Vec<String>,
    exclude: Vec<String>,
    replace: Vec<String>,
    /// What came along with the targets, or was left out with what is excluded.
    along: Vec<AlongJson>,
    /// What stays as it is.
    left: Vec<String>,
    /// Statements of policies that are about nothing that will stand.
    not_proved: Vec<String>,
}

#[derive(Debug, Serialize)]
struct AlongJson {
    address: String,
    because: String,
    changes: bool,
}

#[derive(Debug, Serialize)]
struct Imported {
    address: String,
    id: String,
}

#[derive(Debug, Serialize)]
struct Move {
    from: String,
    to: String,
}

#[derive(Debug, Serialize)]
struct ChangeJson {
    address: String,
    id: Option<String>,
    action: Action,
    reason: Option<String>,
    /// Where it stands, if that is not the project's own account and region.
    account: Option<String>,
    region: Option<String>,
    place: Option<String>,
    attributes: Vec<AttributeJson>,
    parts: Vec<PartJson>,
}

#[derive(Debug, Serialize)]
struct AttributeJson {
    name: String,
    old: Json,
    new: Json,
    /// Whether it is not shown; then what is not null is `"(sensitive)"`.
    sensitive: bool,
    known_after_apply: bool,
    replaces: bool,
    place: Option<String>,
}

#[derive(Debug, Serialize)]
struct PartJson {
    action: Action,
    old: Option<String>,
    new: Option<String>,
    foreign: bool,
    place: Option<String>,
}

/// What a change does to who may reach what.
#[derive(Debug, Serialize)]
pub struct ReachabilityJson {
    added: Vec<Flow>,
    removed: Vec<Flow>,
    unknown: Vec<Flow>,
}

impl From<&Proof> for ReachabilityJson {
    fn from(proof: &Proof) -> Self {
        Self { added: proof.added.clone(), removed: proof.removed.clone(), unknown: proof.unknown.clone() }
    }
}

/// What became of a statement of a policy.
#[derive(Debug, Serialize)]
pub struct PolicyJson {
    policy: String,
    statement: String,
    place: Option<String>,
    verdict: Outcome,
    packet: Option<String>,
    hops: Vec<String>,
    assumptions: Vec<String>,
    waived: Option<String>,
}

impl PolicyJson {
    /// Every statement.
    #[must_use]
    pub fn all(proof: &Proof) -> Vec<Self> {
        proof.policies.iter().map(Self::from).collect()
    }
}

/// A statement that is no longer demanded in full.
#[derive(Debug, Serialize)]
pub struct WeakenedJson {
    policy: String,
    statement: String,
}

impl WeakenedJson {
    /// Every one.
    #[must_use]
    pub fn all(plan: &Plan) -> Vec<Self> {
        plan.weakened.iter().map(|p| Self { policy: p.policy.clone(), statement: p.text.clone() }).collect()
    }
}

impl From<&Verdict> for PolicyJson {
    fn from(verdict: &Verdict) -> Self {
        let Verdict { policy, statement, place, outcome, packet, hops, assumptions, waived } = verdict.clone();
        // A proof alone rests on something.
        let assumptions = if outcome == Outcome::Proven { assumptions } else { vec![] };
        Self { policy, statement, place, verdict: outcome, packet, hops, assumptions, waived }
    }
}

/// How often EC2 was called.
#[derive(Debug, Serialize)]
pub struct Calls {
    total: u64,
    reads: u64,
    mutating: u64,
    by_action: BTreeMap<String, u64>,
}

impl From<Counts> for Calls {
    fn from(counts: Counts) -> Self {
        Self { total: counts.reads + counts.mutations, reads: counts.reads, mutating: counts.mutations, by_action: counts.by_action }
    }
}

impl From<&Plan> for PlanJson {
    fn from(plan: &Plan) -> Self {
        let counts = plan.counts();
        let count = |action| counts.get(&action).copied().unwrap_or_default();
        Self {
            project: plan.project.split('.').next().unwrap_or_default().to_owned(),
            region: plan.region.clone(),
            account: plan.account.clone(),
            refreshed: plan.recalled.is_none(),
            empty: plan.is_empty(),
            create: count(Action::Create),
            update: count(Action::Update),
            replace: count(Action::Replace),
            delete: count(Action::Delete),
            forget: count(Action::Forget),
            tasks: plan.tasks.len(),
            changes: plan.changes.iter().map(ChangeJson::from).collect(),
            moved: plan.moves.iter().map(|(from, to)| Move { from: from.to_string(), to: to.to_string() }).collect(),
            imported: plan.imports.iter().map(|i| Imported { address: i.address.to_string(), id: i.id.clone() }).collect(),
            gone: plan.gone.iter().map(ToString::to_string).collect(),
            attached_by_aws: plan.attached.clone(),
            notes: plan.notes.clone(),
            partial: plan.partial.as_ref().map(|partial| partial_of(plan, partial)),
        }
    }
}

fn partial_of(plan: &Plan, partial: &Partial) -> PartialJson {
    let along = |(address, because): (&Address, &String)| AlongJson {
        address: address.to_string(),
        because: because.clone(),
        changes: plan.changes.iter().any(|change| change.address == *address),
    };
    PartialJson {
        target: partial.scope.target.clone(),
        exclude: partial.scope.exclude.clone(),
        replace: partial.scope.replace.clone(),
        along: partial.along.iter().map(along).collect(),
        left: partial.left.iter().map(ToString::to_string).collect(),
        not_proved: partial.unasked.clone(),
    }
}

impl From<&Change> for ChangeJson {
    fn from(change: &Change) -> Self {
        let attributes = change.attributes.iter().map(|a| AttributeJson {
            name: a.name.clone(),
            old: plain(&a.old),
            new: plain(&a.new),
            sensitive: a.old.is_sealed() || a.new.is_sealed(),
            known_after_apply: a.known_after_apply,
            replaces: a.replaces,
            place: a.place.clone(),
        });
        let part = |p: &PartChange| PartJson {
            action: p.action,
            old: p.old.clone(),
            new: p.new.clone(),
            foreign: p.foreign,
            place: p.place.clone(),
        };
        Self {
            address: change.address.to_string(),
            id: change.id.clone(),
            action: change.action,
            reason: change.reason.clone(),
            account: change.site.as_ref().map(|site| site.account().to_owned()),
            region: change.site.as_ref().map(|site| site.region().to_owned()),
            place: change.place.clone(),
            attributes: attributes.collect(),
            parts: change.parts.iter().map(part).collect(),
        }
    }
}

/// A value as plain JSON.
#[must_use]
pub fn plain(value: &Value) -> Json {
    match value {
        Value::Null | Value::Error | Value::Attribute(..) | Value::Subnet(..) | Value::Concat(_) => Json::Null,
        Value::Bool(b) => (*b).into(),
        Value::Int(n) => (*n).into(),
        Value::Float(n) => (*n).into(),
        Value::Duration(seconds) => (*seconds).into(),
        Value::Text(text) => (**text).into(),
        Value::List(values) => values.iter().map(plain).collect(),
        Value::Map(map) => map.iter().map(|(k, v)| (k.clone(), plain(v))).collect(),
        other => other.to_string().into(),
    }
}

/// Outputs as plain JSON.
#[must_use]
pub fn outputs(outputs: &BTreeMap<String, Value>) -> BTreeMap<String, Json> {
    outputs.iter().map(|(name, value)| (name.clone(), plain(value))).collect()
}
