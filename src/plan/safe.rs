//! An order in which nothing passes meanwhile that passes neither before nor after, proved for every state between. Layer 6.
//!
//! Tasks run in parallel, so the states between are the down-sets of their order. Most tasks only ever let more through
//! (a rule that is made), or less (a rule that is unmade): whatever part of them is done, no more passes than with all of
//! the one and none of the other, and no less than the other way round. What may do either (a route, an entry of an ACL)
//! goes one at a time, and the states before and after each are looked at.

use std::collections::BTreeSet;

use crate::{
    base::{address::Address, codes::plan as codes, diagnostic::Diagnostic, span::Span},
    net::{Id, Net, alike::alike},
    plan::{
        Input, Task,
        decide::Decisions,
        order::{self, First},
        proof::between::Between,
        standing::Standing,
    },
    prove::{
        chart::Chart,
        policy::{self, Judged, Outcome},
        reach::{self, beyond::beyond},
    },
    resources,
    schema::{
        model::{Model, Policy, Statement},
        value::Value,
    },
    state::event::What,
};

mod cuts;

use cuts::{Cuts, State};

/// How many tasks that may do either are proved one at a time.
const TURNS_MAX: usize = 64;

/// What a task may do to what passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    None,
    /// More passes, or as much.
    Opens,
    /// Less passes, or as much.
    Closes,
    /// Either.
    Turns,
}

impl Effect {
    /// That of a task.
    #[must_use]
    pub fn of(what: &What) -> Self {
        let Some(spec) = resources::spec(what.address().kind()) else { return Effect::Turns };
        let opens = |part: &str| spec.opens.contains(&part);
        match what {
            _ if spec.unseen => Effect::None,
            What::Forget { .. } => Effect::None,
            What::Update { record, .. } if record.keys().all(|name| name == "tags") => Effect::None,
            What::Create { .. } | What::CreateAlike { .. } if opens("") => Effect::Opens,
            What::Delete { .. } if opens("") => Effect::Closes,
            What::MakeParts { parts, .. } if parts.iter().all(|p| opens(&p.name)) => Effect::Opens,
            What::UnmakeParts { parts, .. } if parts.iter().all(|p| opens(&p.name)) => Effect::Closes,
            _ => Effect::Turns,
        }
    }
}

/// Tasks in an order, and what is to be said of it.
#[derive(Debug, Default)]
pub struct Arranged {
    /// In order.
    pub tasks: Vec<Task>,
    /// The statements that do not hold at every step: which of all, and what people are told.
    pub against: Vec<Against>,
    /// What people are told besides.
    pub diagnostics: Vec<Diagnostic>,
    /// Why the order is what it is, where that is not plain.
    pub notes: Vec<String>,
}

/// A statement that is to hold during the apply and does not, or of which nobody can tell.
#[derive(Debug, Clone, PartialEq)]
pub struct Against {
    /// Which of all statements of all policies, in their order.
    pub statement: usize,
    /// What was found.
    pub outcome: Outcome,
    /// What people are told.
    pub diagnostic: Diagnostic,
}

/// Puts tasks in the first order that is safe; `ordered` gives them in one.
///
/// # Errors
/// They wait for each other; EC2's answers cannot be read.
pub fn arrange(
    input: &Input<'_>,
    standing: &Standing<'_>,
    decisions: &Decisions<'_>,
    ordered: &dyn Fn(First) -> Result<Vec<Task>, Diagnostic>,
) -> Result<Arranged, Vec<Diagnostic>> {
    let tasks = ordered(First::Usual).map_err(|d| vec![d])?;
    let effects: BTreeSet<u8> = tasks.iter().map(|t| Effect::of(&t.what) as u8).collect();
    let has = |effect: Effect| effects.contains(&(effect as u8));
    let during = During::of(input.model);
    if !(has(Effect::Turns) || has(Effect::Opens) && has(Effect::Closes)) {
        return Ok(Arranged { tasks, ..Arranged::default() });
    }
    let mut best: Option<(First, Try)> = None;
    for (first, late_first) in during.preferred() {
        let tasks = if first == First::Usual { Ok(tasks.clone()) } else { ordered(first) };
        let Ok(tasks) = tasks else { continue };
        let Some(tried) = attempt(input, standing, decisions, tasks, (first, late_first), &during)? else { continue };
        if tried.is_safe() {
            return Ok(tried.arranged(first, &during));
        }
        if best.as_ref().is_none_or(|(_, b)| tried.rank() < b.rank()) {
            best = Some((first, tried));
        }
    }
    match best {
        Some((first, tried)) => Ok(tried.arranged(first, &during)),
        None => Ok(Arranged { tasks, ..Arranged::default() }),
    }
}

/// A statement, its policy, and which of all it is.
type Numbered<'a> = (usize, &'a Policy, &'a Statement);

/// The statements that are to hold during an apply.
struct During<'a> {
    model: &'a Model,
    statements: Vec<Numbered<'a>>,
}

impl<'a> During<'a> {
    fn of(model: &'a Model) -> Self {
        let all = model.policies.iter().flat_map(|p| p.statements.iter().map(move |s| (p, s))).enumerate();
        Self { model, statements: all.filter(|(_, (p, _))| p.during_apply).map(|(n, (p, s))| (n, p, s)).collect() }
    }

    /// Orders, the one to be tried first first: a policy that only forbids wants the old to go before the new comes.
    /// With each, whether what goes one at a time goes in the other order.
    fn preferred(&self) -> impl Iterator<Item = (First, bool)> {
        let any = |require: bool| self.statements.iter().any(|(_, _, s)| s.require == require);
        let orders = match (any(true), any(false)) {
            (true, _) => [First::Made, First::Usual, First::Unmade],
            (false, true) => [First::Unmade, First::Usual, First::Made],
            (false, false) => [First::Usual, First::Unmade, First::Made],
        };
        [false, true].into_iter().flat_map(move |late_first| orders.map(|first| (first, late_first)))
    }

    /// Nobody can tell of any.
    fn unknown(&self, why: impl Fn(&str, Span) -> Diagnostic) -> Vec<Against> {
        let one = |(statement, policy, s): &Numbered<'_>| Against {
            statement: *statement,
            outcome: Outcome::Unknown,
            diagnostic: why(&policy.name, s.span),
        };
        self.statements.iter().map(one).collect()
    }

    /// What became of the statements of one kind in a network in which some things are missing; there is nothing to judge
    /// where a side is about nobody.
    fn judge(&self, chart: &Chart<'_>, require: bool, missing: &BTreeSet<Address>) -> Vec<(Numbered<'a>, Option<Judged>)> {
        let there = |values: &[Value]| -> Vec<Value> {
            values.iter().filter(|v| v.as_resource().is_none_or(|a| !missing.contains(a))).cloned().collect()
        };
        let one = |numbered: &Numbered<'a>| {
            let (_, policy, statement) = *numbered;
            let (from, to) = (there(&statement.from), there(&statement.to));
            let there = policy::about_those_there(chart, self.model, &Statement { from, to, ..statement.clone() });
            (*numbered, there.map(|statement| policy::judge_one(chart, self.model, policy, &statement)))
        };
        self.statements.iter().filter(|(_, _, s)| s.require == require).map(one).collect()
    }
}

/// One order, judged.
struct Try {
    tasks: Vec<Task>,
    against: Vec<Against>,
    /// How many tasks may do either, where these are too many to be looked at.
    unproved: Option<usize>,
    /// What passes for a while that passes neither before nor after.
    meanwhile: Vec<reach::Flow>,
}

impl Try {
    fn is_safe(&self) -> bool {
        self.against.is_empty() && self.meanwhile.is_empty()
    }

    fn note(&mut self, against: Against) {
        if !self.against.iter().any(|a| a.statement == against.statement) {
            self.against.push(against);
        }
    }

    fn rank(&self) -> (usize, usize) {
        (self.against.len(), self.meanwhile.len())
    }

    fn arranged(self, first: First, during: &During<'_>) -> Arranged {
        let policy = during.statements.first().map(|(_, p, _)| format!("policy `{}` is to hold during the apply", p.name));
        let because = policy.unwrap_or_else(|| "together they would let more through than either".into());
        let note = match first {
            First::Usual => None,
            First::Made => Some(format!("what lets packets through is made before anything else is taken away: {because}")),
            First::Unmade => Some(format!("what lets packets through is taken away before anything else is made: {because}")),
        };
        let diagnostics = if self.meanwhile.is_empty() {
            vec![]
        } else {
            vec![codes::open_meanwhile(&self.meanwhile.iter().map(|f| (&*f.from, &*f.to, &*f.service)).collect::<Vec<_>>())]
        };
        let unproved = self.unproved.map(|turns| {
            format!("{turns} routes, entries and attributes change while machines are there, too many to prove what passes in between")
        });
        let note = unproved.or(note);
        Arranged { tasks: self.tasks, against: self.against, diagnostics, notes: note.into_iter().collect() }
    }
}

/// Gives tasks one order and judges it. `None`: there is no such order.
fn attempt(
    input: &Input<'_>,
    standing: &Standing<'_>,
    decisions: &Decisions<'_>,
    tasks: Vec<Task>,
    (first, late_first): (First, bool),
    during: &During<'_>,
) -> Result<Option<Try>, Vec<Diagnostic>> {
    let Some(between) = Between::new(input, standing, decisions, &tasks)? else { return Ok(None) };
    let (nothing, all) = (vec![false; tasks.len()], vec![true; tasks.len()]);
    let (mut start, mut end) = (between.network(&nothing), between.network(&all));
    start.start_machines();
    end.start_machines();
    let effects: Vec<Effect> = tasks.iter().map(|t| Effect::of(&t.what)).collect();
    let subnets = start.subnets.iter().chain(&end.subnets).map(|s| &s.id).collect();
    let scopes = Scopes { tasks: &tasks, standing, model: input.model, start: &start, end: &end, subnets };
    let mut cuts = Cuts::new(&tasks, effects);
    let turns = scopes.live(&mut cuts, &between);
    if turns.len() > TURNS_MAX {
        let against = during.unknown(|policy, span| codes::too_many_between(policy, span, turns.len()));
        let unproved = Some(turns.len());
        drop(between);
        return Ok(Some(Try { tasks, against, unproved, meanwhile: vec![] }));
    }
    if late_first && turns.len() < 2 {
        return Ok(None);
    }
    cuts.one_at_a_time(&turns, late_first);
    if first != First::Usual && !cuts.barrier(first == First::Made) {
        return Ok(None);
    }
    let (before, after) = (Chart::new(&start), Chart::new(&end));
    let missing = between.missing(&nothing);
    let known = Known {
        forbids: during.judge(&before, false, &missing).into_iter().map(|(_, judged)| judged).collect(),
        requires: during.judge(&before, true, &missing).into_iter().map(|(_, judged)| judged).collect(),
        charts: [&before, &after],
    };
    let mut tried = Try { tasks: vec![], against: vec![], unproved: None, meanwhile: vec![] };
    for state in cuts.states() {
        known.look(during, &between, &cuts, &state, &mut tried);
    }
    let needs = cuts.needs;
    drop(between);
    let Ok(tasks) = order::sorted(tasks, &needs) else { return Ok(None) };
    tried.tasks = tasks;
    Ok(Some(tried))
}

/// What is known of the states at either end.
struct Known<'a> {
    forbids: Vec<Option<Judged>>,
    requires: Vec<Option<Judged>>,
    charts: [&'a Chart<'a>; 2],
}

impl Known<'_> {
    /// Looks at all that may hold between two cuts.
    fn look(&self, during: &During<'_>, between: &Between<'_>, cuts: &Cuts, state: &State, tried: &mut Try) {
        let most = cuts.done(state, Effect::Opens);
        let mut net = between.network(&most);
        net.start_machines();
        let chart = Chart::new(&net);
        let more = beyond(self.charts, &chart);
        let forbids = during.judge(&chart, false, &between.missing(&most));
        for (before, ((statement, policy, said), judged)) in self.forbids.iter().zip(forbids) {
            let Some(judged) = judged.filter(|j| j.outcome != Outcome::Proven) else { continue };
            // What goes against it from the start is not this apply's doing, as long as nothing is added to it.
            let from_the_start = before.as_ref().is_some_and(|b| b.outcome != Outcome::Proven);
            if !(from_the_start && more.is_empty()) {
                let diagnostic = codes::forbid_between(&policy.name, said.span, judged.packet.as_deref().or(judged.reason.as_deref()));
                tried.note(Against { statement, outcome: judged.outcome, diagnostic });
            }
        }
        for flow in more {
            if !tried.meanwhile.iter().any(|f| (&f.from, &f.to, &f.service) == (&flow.from, &flow.to, &flow.service)) {
                tried.meanwhile.push(flow);
            }
        }
        if self.requires.iter().flatten().all(|r| r.outcome != Outcome::Proven) {
            return;
        }
        let least = cuts.done(state, Effect::Closes);
        let mut net = between.network(&least);
        net.start_machines();
        let requires = during.judge(&Chart::new(&net), true, &between.missing(&least));
        for (before, ((statement, policy, said), judged)) in self.requires.iter().zip(requires) {
            let held = before.as_ref().is_some_and(|b| b.outcome == Outcome::Proven);
            let (outcome, packet) = judged.map_or((Outcome::Refuted, None), |j| (j.outcome, j.packet));
            if held && outcome != Outcome::Proven {
                let diagnostic = codes::require_between(&policy.name, said.span, packet.as_deref());
                tried.note(Against { statement, outcome, diagnostic });
            }
        }
    }
}

/// What tasks that may do either are about.
struct Scopes<'a> {
    tasks: &'a [Task],
    standing: &'a Standing<'a>,
    model: &'a Model,
    start: &'a Net,
    end: &'a Net,
    /// Those that stand, and those that will.
    subnets: BTreeSet<&'a Id>,
}

/// The subnets in which a task can make a difference to what is placed there.
enum Scope {
    Subnets(BTreeSet<Id>),
    Everywhere,
}

impl Scopes<'_> {
    /// The tasks that may do either while something is there that it matters to. What is placed later waits for the rest.
    fn live(&self, cuts: &mut Cuts, between: &Between<'_>) -> Vec<usize> {
        let held: BTreeSet<&Id> = self.start.interfaces.iter().map(|i| &i.subnet).collect();
        let placed: Vec<(usize, BTreeSet<Id>)> = (0..self.tasks.len()).filter_map(|t| Some((t, self.placed(t)?))).collect();
        let mut live = vec![];
        for task in (0..self.tasks.len()).filter(|t| cuts.effects[*t] == Effect::Turns).collect::<Vec<_>>() {
            let scope = self.scope(self.tasks[task].what.address());
            let within = |subnet: &Id| match &scope {
                Scope::Everywhere => true,
                Scope::Subnets(of) => of.contains(subnet),
            };
            let late: Vec<usize> = placed.iter().filter(|(_, subnets)| subnets.iter().any(within)).map(|(t, _)| *t).collect();
            if held.iter().any(|subnet| within(subnet)) || !cuts.all_after(task, &late) {
                live.push(task);
            } else {
                cuts.effects[task] = Effect::None;
            }
        }
        let idle = self.idle(&live, cuts, between);
        live.retain(|task| !idle.contains(task));
        idle.iter().for_each(|task| cuts.effects[*task] = Effect::None);
        live
    }

    /// Those that make no difference to the network at all. What waits for a task is not done there: what is deleted has no
    /// parts, and none of them would make a difference.
    fn idle(&self, live: &[usize], cuts: &Cuts, between: &Between<'_>) -> BTreeSet<usize> {
        let differs = |tasks: &[usize]| {
            let late = cuts.after(tasks);
            let without: Vec<bool> = late.iter().map(|late| !late).collect();
            let mut with = without.clone();
            tasks.iter().for_each(|task| with[*task] = true);
            !alike(&between.network(&with), &between.network(&without))
        };
        if live.len() > TURNS_MAX {
            // Updates of different resources do not undo one another.
            let updates: BTreeSet<_> = live.iter().map(|t| &self.tasks[*t].what).filter_map(updated).collect();
            return if updates.len() == live.len() && !differs(live) { live.iter().copied().collect() } else { BTreeSet::new() };
        }
        let idle: Vec<usize> = live.iter().copied().filter(|task| !differs(&[*task])).collect();
        if idle.is_empty() || differs(&idle) { BTreeSet::new() } else { idle.into_iter().collect() }
    }

    /// The subnets in which a task puts something.
    fn placed(&self, task: usize) -> Option<BTreeSet<Id>> {
        let mut subnets = BTreeSet::new();
        for made in self.tasks[task].what.made() {
            let spec = resources::spec(made.address.kind())?;
            let mut named = vec![];
            spec.placed_in.iter().filter_map(|name| made.record.get(*name)).for_each(|v| v.resources(&mut named));
            subnets.extend(named.iter().map(|a| Id::from(a.as_str())));
        }
        (!subnets.is_empty()).then_some(subnets)
    }

    fn scope(&self, address: &Address) -> Scope {
        let Some(spec) = resources::spec(address.kind()) else { return Scope::Everywhere };
        let stands = self.standing.things.get(address).map(|thing| thing.as_resource(address, self.standing));
        let all: Vec<_> = self.model.resources.get(address).into_iter().chain(&stands).collect();
        let governs = spec.stands_for.is_none() && spec.parts.iter().any(|p| p.governs.is_some());
        let (mut found, mut elsewhere) = (BTreeSet::new(), !governs);
        let parts = all.iter().flat_map(|r| &r.parts).filter_map(|p| Some((p, spec.part(p.name)?.governs?)));
        for (part, governed) in parts {
            let mut named = vec![];
            part.record.values().for_each(|value| value.resources(&mut named));
            // What the project does not know, such as somebody else's gateway, may let anything in.
            elsewhere |= part.record.get(governed).is_some_and(|value| value.as_resource().is_none());
            let (known, other): (Vec<Id>, Vec<Id>) = named.iter().map(|a| Id::from(a.as_str())).partition(|id| self.subnets.contains(id));
            elsewhere |= !other.is_empty();
            found.extend(known);
        }
        if !elsewhere {
            return Scope::Subnets(found);
        }
        let vpcs: BTreeSet<Id> = all.iter().filter_map(|r| r.reference("vpc")).map(|a| Id::from(a.as_str())).collect();
        if vpcs.is_empty() {
            return Scope::Everywhere;
        }
        let within = self.start.subnets.iter().chain(&self.end.subnets).filter(|s| vpcs.contains(&s.vpc));
        Scope::Subnets(within.map(|s| s.id.clone()).collect())
    }
}

/// What is changed in place.
fn updated(what: &What) -> Option<&Address> {
    if let What::Update { address, .. } = what { Some(address) } else { None }
}
