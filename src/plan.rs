//! What would change and in which order: a pure function of model, state and what was observed. Layer 6.

pub mod observation;
pub mod render;

mod alike;
mod decide;
mod deep;
mod describe;
mod drift;
mod guard;
pub mod laws;
pub mod lifecycle;
mod lock;
mod offer;
mod once;
mod order;
pub mod proof;
mod quota;
pub mod rebuilt;
mod room;
mod safe;
pub mod scope;
pub mod sealing;
mod standing;
mod tasks;
pub mod undo;

pub use decide::own_tags;
pub use drift::drift;
pub use scope::Scope;

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize};

use crate::{
    base::{
        address::Address,
        codes::plan as codes,
        diagnostic::{Diagnostic, Sink},
        site::Site,
        source::Sources,
    },
    call::Call,
    graph::Graph,
    plan::{lifecycle::Opening, observation::Observation, scope::Bounds, standing::Standing},
    registry::quota::Quota,
    resources,
    schema::{
        ask::Answers,
        model::{Model, Resource},
        same,
        value::{Record, Value},
    },
    state::{Existing, Image, Part, Promise, State, event::What, seal::Secrets},
};

/// Everything an apply needs to know; nothing of it is worked out again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The project's name; in an environment with the word of its state file after a dot.
    pub project: String,
    /// The region it is for.
    pub region: String,
    /// The AWS account it is for, where the driver told.
    pub account: Option<String>,
    /// Lineage and serial of the state that it was made from.
    pub base: (String, u64),
    /// For people: one entry a resource.
    pub changes: Vec<Change>,
    /// What an apply does.
    pub tasks: Vec<Task>,
    /// Renames; they change no resource but its tag.
    pub moves: Vec<(Address, Address)>,
    /// What stood already, and is managed from now on.
    pub imports: Vec<lifecycle::Import>,
    /// What may neither be deleted nor replaced from now on, and what may be again.
    pub protect: BTreeMap<Address, bool>,
    /// Statements that have nothing left to do, what nobody could read, what is left to others: sentences for people.
    pub notes: Vec<String>,
    /// What was deleted without secnet: it is forgotten, and made again where it is still wanted.
    pub gone: Vec<Address>,
    /// Where EC2 holds something else than the state says, of what secnet made.
    pub seen: Vec<Seen>,
    /// Images to pin.
    pub images: BTreeMap<String, Image>,
    /// What existing resources were.
    pub existing: BTreeMap<Address, Existing>,
    /// What EC2 has answered before the project could be resolved.
    #[serde(default, skip_serializing_if = "Answers::is_empty")]
    pub answers: Answers,
    /// Results; what EC2 has yet to decide is an attribute in them.
    pub outputs: BTreeMap<String, Value>,
    /// What AWS attaches by itself to what is made: sentences for people.
    pub attached: Vec<String>,
    /// What it means for who may reach what.
    pub proof: proof::Proof,
    /// What the policies demand from now on.
    pub promises: Vec<Promise>,
    /// What they demanded, and no longer do in full.
    pub weakened: Vec<Promise>,
    /// What EC2 may refuse though nothing is wrong with the sources. Not kept in plan files.
    #[serde(skip)]
    pub warnings: Vec<Diagnostic>,
    /// A new key for hashes of what is sensitive, which the state had none for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealing_key: Option<String>,
    /// What the hashes in the plan stand for. Not kept in plan files: see [`sealing::unseal`].
    #[serde(skip)]
    pub secrets: Secrets,
    /// What it is about, if that is not the whole project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<scope::Partial>,
    /// When it was made (in seconds since 1970), if nothing was read for it and the state was taken at its word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recalled: Option<u64>,
}

/// Something that EC2 holds otherwise than the state says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// The resource.
    pub address: Address,
    /// Attributes that differ.
    pub record: Record,
    /// Its parts as EC2 has them, as far as they are the project's.
    pub parts: Vec<Part>,
}

/// What happens to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is made.
    Create,
    /// It is changed in place, or its parts are.
    Update,
    /// It is made anew and the old one goes.
    Replace,
    /// It goes.
    Delete,
    /// It is managed no more, and stays.
    Forget,
}

/// What happens to a resource, for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Which.
    pub address: Address,
    /// EC2's id, where it has one.
    pub id: Option<String>,
    /// What.
    pub action: Action,
    /// Its attributes that change; of one that is made or goes, all.
    pub attributes: Vec<AttributeChange>,
    /// Its parts that change; of one that is made or goes, all.
    pub parts: Vec<PartChange>,
    /// Why it is replaced, why it is made again, or why it goes.
    pub reason: Option<String>,
    /// The account and region it stands in; `None`: the project's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<Site>,
    /// Where it stands: `main.secnet:12`.
    pub place: Option<String>,
}

/// An attribute that changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttributeChange {
    /// Which.
    pub name: String,
    /// What it is; null where there is none.
    pub old: Value,
    /// What it will be; an attribute, reference or image that is not known yet is shown as such.
    pub new: Value,
    /// Whether EC2 will decide it.
    pub known_after_apply: bool,
    /// Whether it is why the resource is replaced.
    pub replaces: bool,
    /// Where it stands: `main.secnet:14`.
    pub place: Option<String>,
}

/// A part that changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartChange {
    /// Made, changed or unmade.
    pub action: Action,
    /// As it is written: `ingress tcp/22 from 203.0.113.0/28`.
    pub old: Option<String>,
    /// As it will be.
    pub new: Option<String>,
    /// Whether somebody else put it there.
    pub foreign: bool,
    /// Where it stands: `main.secnet:40`.
    pub place: Option<String>,
}

/// A node of the plan: calls that are made one after the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// What it is for.
    pub what: What,
    /// What people see while it runs: `create vpc.main`.
    pub title: String,
    /// In order. `Arg::Of` is left only where the value is not known before apply.
    pub calls: Vec<Call>,
    /// Tags for what it makes, without `secnet:id`, which the executor adds.
    pub tags: BTreeMap<String, String>,
    /// Tasks that must be done before.
    pub needs: Vec<usize>,
    /// Index of the change that it belongs to.
    pub change: usize,
    /// For how long it may wait for what it is about, in seconds.
    pub timeout_s: u64,
}

impl Plan {
    /// Whether an apply would change nothing, neither in EC2 nor in the state.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty() && self.changes.is_empty() && self.moves.is_empty() && self.gone.is_empty() && self.imports.is_empty()
    }

    /// How many resources are made, changed, replaced and deleted.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<Action, usize> {
        self.changes.iter().fold(BTreeMap::new(), |mut counts, change| {
            *counts.entry(change.action).or_default() += 1;
            counts
        })
    }
}

/// What a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// What is wanted.
    pub model: &'a Model,
    /// What secnet has made.
    pub state: &'a State,
    /// What EC2 holds.
    pub observation: &'a Observation,
    /// Where the model comes from, for the places in the plan.
    pub sources: Option<&'a Sources>,
}

/// The model under one name for each existing resource that several blocks find.
#[must_use]
pub fn joined<'m>(model: &'m Model, observation: &Observation) -> Cow<'m, Model> {
    let found = |address: &Address| match observation.existing.get(address).map(Vec::as_slice) {
        Some([one]) => Some(one.id.as_str()),
        _ => None,
    };
    let same = same::by_id(model, found);
    if same.is_empty() { Cow::Borrowed(model) } else { Cow::Owned(same::joined(model, &same)) }
}

/// The images that were looked up for the first time.
fn images(input: &Input<'_>) -> BTreeMap<String, Image> {
    let new = input.observation.images.iter().filter(|(key, _)| !input.state.images.contains_key(*key));
    new.map(|(key, image)| (key.clone(), image.clone())).collect()
}

/// The outputs, with all that is known put in; those that are sensitive only are there.
fn outputs(model: &Model, standing: &Standing<'_>, decisions: &decide::Decisions<'_>) -> BTreeMap<String, Value> {
    let value =
        |o: &crate::schema::model::Output| if o.sensitive { hidden() } else { standing.substitute(&o.value, &decisions.replaced, None) };
    model.outputs.iter().map(|(name, output)| (name.clone(), value(output))).collect()
}

/// Makes the plan.
///
/// # Errors
/// What is wanted cannot be planned: an existing resource is not found, a value is not known, no order exists.
pub fn plan(input: &Input<'_>) -> Result<Plan, Vec<Diagnostic>> {
    let joined = joined(input.model, input.observation);
    within(&Input { model: &joined, ..*input }, Bounds::default())
}

/// Makes a plan of a part of the project, or one that replaces what has not changed.
///
/// # Errors
/// As [`plan()`]; or an address names nothing.
pub fn plan_of(input: &Input<'_>, scope: &Scope) -> Result<Plan, Vec<Diagnostic>> {
    if scope.is_whole() {
        return plan(input);
    }
    let joined = joined(input.model, input.observation);
    let input = &Input { model: &joined, ..*input };
    let scope::Cut { model, bounds, partial } = scope::cut(input, scope)?;
    let mut plan = within(&Input { model: &model, ..*input }, bounds)?;
    if let Some(partial) = partial {
        scope::close(&mut plan, input, partial);
    }
    Ok(plan)
}

/// Of which of EC2's quotas it matters to a plan what the account has, by account and Region. Where there is no plan, none: whoever
/// makes it is told why.
#[must_use]
pub fn quotas_in_question(input: &Input<'_>) -> BTreeMap<Option<Site>, Vec<&'static Quota>> {
    let joined = joined(input.model, input.observation);
    let input = &Input { model: &joined, ..*input };
    let Input { model, observation, .. } = *input;
    let mut sink = Sink::default();
    let opening = lifecycle::open(input, &mut sink);
    let standing = Standing::new(model, &opening.state, observation, &mut sink);
    let graph = Graph::build(model.resources.values().filter(|r| !r.existing));
    let decisions = decide::decide(model, &opening.state, &standing, &graph.resources_in_order(), &mut sink);
    if sink.has_errors() {
        return BTreeMap::new();
    }
    let changes = describe::changes(&decisions, &standing, None);
    quota::in_question(&quota::Looked { model, standing: &standing, decisions: &decisions, changes: &changes, observation })
}

/// What is known before anything is made: what is too much, and what a zone does not offer.
fn beforehand(looked: &quota::Looked<'_>) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let mut warnings = quota::check(looked)?;
    warnings.extend(offer::check(looked)?);
    Ok(warnings)
}

/// What AWS attaches by itself to what is made.
fn attached(model: &Model, in_order: &[&Resource], decisions: &decide::Decisions<'_>) -> Vec<String> {
    let made = |r: &&&Resource| matches!(decisions.wanted.get(&r.address).and_then(|d| d.action), Some(Action::Create | Action::Replace));
    let mut of_kind: BTreeMap<&str, Vec<(usize, &Resource)>> = BTreeMap::new();
    for (at, resource) in in_order.iter().filter(made).enumerate() {
        of_kind.entry(resource.address.kind()).or_default().push((at, resource));
    }
    let mut told: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (kind, made) in of_kind {
        let (places, all): (Vec<usize>, Vec<&Resource>) = made.into_iter().unzip();
        let words = resources::spec(kind).map_or_else(Vec::new, |spec| (spec.attached_to)(&all, model));
        told.extend(places.into_iter().zip(words));
    }
    told.into_values().flatten().collect()
}

/// Stops where something is wrong; warnings alone go no further.
fn sound(sink: &mut Sink) -> Result<(), Vec<Diagnostic>> {
    if sink.has_errors() { Err(std::mem::take(&mut sink.all)) } else { Ok(()) }
}

fn within(input: &Input<'_>, bounds: Bounds) -> Result<Plan, Vec<Diagnostic>> {
    let Input { model, observation, sources, .. } = *input;
    let mut sink = Sink::default();
    let Opening { state, moves, mut imports, forgotten, vanished, mut notes } = lifecycle::open(input, &mut sink);
    let mut standing = Standing::new(model, &state, observation, &mut sink);
    standing.bound(bounds);
    let graph = Graph::build(model.resources.values().filter(|r| !r.existing));
    let in_order = graph.resources_in_order();
    let decisions = decide::decide(model, &state, &standing, &in_order, &mut sink);
    sound(&mut sink)?;
    let taken = once::taken(&decisions, &standing);
    let create_first = order::create_first(&decisions, &in_order, &taken);
    lifecycle::nowhere(&decisions, &create_first, &mut sink);
    sound(&mut sink)?;
    let mut changes = describe::changes(&decisions, &standing, sources);
    let warnings = beforehand(&quota::Looked { model, standing: &standing, decisions: &decisions, changes: &changes, observation })?;
    let context = tasks::Context {
        model,
        standing: &standing,
        decisions: &decisions,
        create_first: &create_first,
        state: &state,
        changes: &changes.iter().enumerate().map(|(i, change)| (change.address.clone(), i)).collect(),
        lists: &room::Lists::new(model, &standing),
        limits: &observation.limits,
    };
    let unordered = tasks::build(&context);
    let given = order::Given { wanted: &graph, standing: &standing, decisions: &decisions, create_first: &create_first, taken: &taken };
    let ordered = |first| order::order(unordered.clone(), &given, first);
    let safe::Arranged { mut tasks, against, diagnostics, notes: order_notes } = safe::arrange(input, &standing, &decisions, &ordered)?;
    lifecycle::forget(&forgotten, &mut changes, &mut tasks);
    let mut seen = seen(&standing, &decisions);
    lifecycle::adopt(&mut imports, &mut seen);
    notes.extend(describe::left_to_others(&decisions, &standing).into_iter().chain(order_notes));
    notes.extend(once::notes(&taken, &decisions).into_iter().chain(deep::notes(&decisions, &standing, observation.deep)));
    let mut proof = proof::prove(input, &standing, &decisions)?;
    proof.during(against, diagnostics);
    let promises = guard::promises(model, sources);
    sealed(
        Plan {
            project: model.project.key(),
            region: observation.region.clone(),
            account: observation.account.clone(),
            base: (input.state.lineage.clone(), input.state.serial),
            changes,
            tasks,
            moves,
            imports,
            protect: lifecycle::protect(&decisions, &standing),
            notes,
            gone: standing.gone.iter().chain(&vanished).cloned().collect(),
            seen,
            images: images(input),
            existing: existing(&standing, input),
            outputs: outputs(model, &standing, &decisions),
            answers: model.answers.clone(),
            attached: attached(model, &in_order, &decisions),
            proof,
            // Where nothing is left, there is nothing to guard.
            weakened: if decisions.wanted.is_empty() { vec![] } else { guard::weakened(&state.promises, &promises) },
            promises,
            warnings,
            sealing_key: observation.sealing_key.clone(),
            secrets: Secrets::default(),
            partial: None,
            recalled: observation.recalled.then_some(observation.at),
        },
        &standing,
    )
}

/// A plan with what is sensitive in it sealed, if it breaks no law.
fn sealed(mut plan: Plan, standing: &Standing<'_>) -> Result<Plan, Vec<Diagnostic>> {
    match sealing::seal(&mut plan, standing.sealing_key.as_deref()).and_then(|()| laws::check(&plan)) {
        Ok(()) => Ok(plan),
        Err(laws::Broken(law)) => Err(vec![codes::law_broken(&law)]),
    }
}

/// How many resources a plan makes, changes, replaces and deletes where nothing stands. Neither images nor existing resources are
/// looked for: whether they are found says nothing of that.
///
/// # Errors
/// What is wanted cannot be planned.
pub fn counts_from_nothing(model: &Model) -> Result<BTreeMap<Action, usize>, Vec<Diagnostic>> {
    let (state, observation) = (State::empty(&model.project.name, String::new()), Observation::default());
    let mut sink = Sink::default();
    let standing = Standing::new(model, &state, &observation, &mut sink);
    let graph = Graph::build(model.resources.values().filter(|r| !r.existing));
    let decisions = decide::decide(model, &state, &standing, &graph.resources_in_order(), &mut sink);
    let reads = model.resources.values().any(|r| r.existing);
    let looked_for =
        |d: &Diagnostic| [&codes::EXISTING_NOT_ONE, &codes::IMAGE_NOT_FOUND].contains(&d.code) || reads && *d.code == codes::NOT_KNOWN;
    sink.all.retain(|d| !looked_for(d));
    if sink.has_errors() {
        return Err(sink.all);
    }
    Ok(decisions.wanted.values().filter_map(|d| d.action).fold(BTreeMap::new(), |mut counts, action| {
        *counts.entry(action).or_default() += 1;
        counts
    }))
}

/// The renames that still have something to rename.
fn moves(model: &Model, state: &State) -> Vec<(Address, Address)> {
    let open = |m: &&crate::schema::model::Moved| state.resources.contains_key(&m.from) && !state.resources.contains_key(&m.to);
    model.moved.iter().filter(open).map(|m| (m.from.clone(), m.to.clone())).collect()
}

/// What the state must learn of the resources that stay: attributes that EC2 holds otherwise, and the parts that are the project's.
fn seen(standing: &Standing<'_>, decisions: &decide::Decisions<'_>) -> Vec<Seen> {
    let mut found = vec![];
    for (address, decision) in &decisions.wanted {
        let stays = !decisions.replaced.contains(*address) && !standing.bounds.left.contains(*address);
        let Some(thing) = standing.things.get(*address).filter(|_| stays) else { continue };
        let computed = |(name, value): &(&String, &Value)| {
            let told = thing.spec.attr(name).is_some_and(|a| a.change == crate::schema::attr::Change::Computed);
            told && *name != "id" && thing.state.record.get(*name) != Some(value)
        };
        let mut record: Record = thing.observed.record.iter().filter(computed).map(|(n, v)| (n.clone(), v.clone())).collect();
        // What has become sensitive, or no longer is, is kept as it should be though nothing changes in EC2.
        let settled = |name: &str| match name {
            "tags" => decision.tags.is_none(),
            name => decision.attributes.iter().all(|a| a.0 != name),
        };
        let kept_otherwise =
            |(name, value): &(&String, &Value)| settled(name) && sealing::is_kept_otherwise(thing.state.record.get(*name), value);
        record.extend(decision.record.iter().filter(kept_otherwise).map(|(n, v)| (n.clone(), v.clone())));
        record.extend(deep::seen(decision, thing, standing));
        // What others have made as it is wanted now is no longer as it was kept.
        let caught_up = |(name, _): &(&String, &Value)| {
            settled(name) && thing.spec.attr(name).is_some_and(|attr| drift::has_drifted(thing, attr, standing))
        };
        record.extend(decision.record.iter().filter(caught_up).map(|(n, v)| (n.clone(), v.clone())));
        let own = |p: &decide::PartDecision| {
            let adopted = p.wanted.clone().filter(|_| p.same).map(|record| Part { name: p.spec.name.into(), record });
            p.observed.as_ref().and(p.kept.clone().or(adopted))
        };
        let parts: Vec<Part> = decision.parts.iter().filter_map(own).collect();
        let mut before = thing.state.parts.clone();
        before.retain(|p| !parts.contains(p));
        if !record.is_empty() || !before.is_empty() || parts.len() != thing.state.parts.len() {
            found.push(Seen { address: (*address).clone(), record, parts });
        }
    }
    found
}

/// What is kept of a sensitive output: that there is one.
fn hidden() -> Value {
    Value::Sealed(String::new())
}

fn existing(standing: &Standing<'_>, input: &Input<'_>) -> BTreeMap<Address, Existing> {
    let before = |address: &Address| input.state.existing.get(address).filter(|_| input.observation.recalled);
    let kept = |(address, observed): (&Address, &&crate::registry::Observed)| {
        if let Some(before) = before(address) {
            return (address.clone(), before.clone());
        }
        let part = |(name, record): &(&'static str, Record)| Part { name: (*name).into(), record: record.clone() };
        let (id, mut record, parts) = (observed.id.clone(), observed.record.clone(), observed.parts.iter().map(part).collect());
        if !observed.tags.is_empty() {
            record.insert("tags".into(), Value::Map(observed.tags.iter().map(|(key, value)| (key.clone(), Value::text(value))).collect()));
        }
        (address.clone(), Existing { id, record, parts: Some(parts), read_at: input.observation.at })
    };
    standing.existing.iter().chain(&standing.other_names).map(kept).collect()
}
