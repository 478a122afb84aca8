//! Policies, judged over a whole network. Layer 5.
//!
//! A `require` holds if for every source, client port and thing there is an address of the thing by which it works; a
//! `forbid` holds if no packet that opens a flow is delivered. What cannot be told is unknown, and unknown is no proof.

use serde::{Deserialize, Serialize};

use crate::{
    base::{
        cidr::{Cidr, Family},
        diagnostic::{Diagnostic, Severity},
        service::Service,
        span::Span,
    },
    net::{Owner, Public, chosen},
    prove::{
        chart::Chart,
        packet::{Cube, Dim, Range, Traffic, conversations, without_ranges},
        walk::{Arrival, Line, Piece, Place, Spot, Step},
    },
    schema::{
        model::{Model, Policy, Statement},
        value::Value,
    },
};

mod conflict;
mod forbid;
pub(in crate::prove) mod mend;
mod need;
mod require;
pub(in crate::prove) mod side;
pub(in crate::prove) mod words;

use need::Note;
pub use need::{Needs, needed_lines};
use side::{Goal, Side, Source, goals, sources};

/// How many boxes a difference may take.
const BOXES_MAX: usize = 200_000;
/// How many flows of a refuted statement are told apart.
const FLOWS_MAX: usize = 50;

/// Client ports from anywhere, where a statement says nothing else.
pub(in crate::prove) const CLIENT_PORTS: Range = Range { lo: 1024, hi: 65535 };
/// Client ports of the project's own machines, where a statement says nothing else.
const OWN_CLIENT_PORTS: Range = Range { lo: 32768, hi: 65535 };

/// Whether a statement holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It holds, on the assumptions that are printed with it.
    Proven,
    /// Nobody can tell, which is no proof.
    Unknown,
    /// It does not hold.
    Refuted,
}

/// What became of one statement.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The policy's name.
    pub policy: String,
    /// The statement's place.
    pub span: Span,
    /// Which turn of a `for` it is, if it is of one.
    pub turn: String,
    /// Whether it holds.
    pub outcome: Outcome,
    /// Why nobody can tell, or what is wrong, in one clause.
    pub reason: Option<String>,
    /// A packet that shows it, in words.
    pub packet: Option<String>,
    /// The packet's way, step by step, in words.
    pub hops: Vec<String>,
    /// Where the line or the thing of each of these steps stands in the sources.
    pub places: Vec<Option<Span>>,
    /// The lines of the sources that let a packet pass that a `forbid` should have stopped, filters before routes.
    pub lets: Vec<Span>,
    /// Every flow that a `forbid` should have stopped, or that a `require` lacks.
    pub flows: Vec<Offence>,
    /// What would mend a `require`, a clause each.
    pub mend: Vec<String>,
    /// What a proof rests on besides the model.
    pub assumptions: Vec<&'static str>,
    /// Until when and why the project is let off, if it is: `until 2027-01-31: migration`.
    pub waived: Option<String>,
    /// What people are told.
    pub diagnostics: Vec<Diagnostic>,
}

/// Flows that go against a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offence {
    /// Who begins.
    pub from: String,
    /// Who answers.
    pub to: String,
    /// `tcp/22`, `tcp/80-443`, `all`.
    pub services: Vec<String>,
}

/// What no model of VPCs can show, and a proof about the internet rests on.
pub const DOORS: &str = "nothing outside the VPC's own network lets packets in: Global Accelerator, CloudFront VPC origins, load balancers, \
                         API Gateway and VPC Lattice links, Client VPN, Session Manager, EC2 Instance Connect";
/// What lies at the far end of a VPN, and a proof about the internet rests on.
pub const FAR_ENDS: &str = "what lies behind VPNs, peerings and transit gateways hands on no packets of the internet";
/// What an account may have set without a model's knowing.
pub const ACCOUNT: &str = "VPC Block Public Access is off in the account";
/// EC2's own filter on mail.
pub const MAIL: &str = "EC2 lets TCP port 25 out, which it does on request only";
/// What AWS will choose.
pub const CHOICE: &str =
    "the public addresses that AWS will choose lie in no network that a rule or a policy names, other than all of IPv4";
/// What AWS will choose of IPv6.
pub const CHOICE_V6: &str = "the IPv6 networks that AWS will choose for VPCs lie in none that a rule or a policy names";
/// What may be started or attached at any time.
pub const IDLE: &str = "machines that do not run stay stopped, and interfaces that are attached to nothing stay so";

/// What a proof rests on where a machine was stopped: see [`crate::net::Net::start_machines`].
pub const STARTED: &str = "machines that are stopped now are running";

/// What a proof rests on that was made without reading EC2.
pub const RECALLED: &str = "EC2 holds what the state says and nothing else: nothing was read";

/// Judges every statement of every policy.
#[must_use]
pub fn judge(chart: &Chart<'_>, model: &Model) -> Vec<Judged> {
    let judged = statements(model).map(|(policy, statement)| judge_one(chart, model, policy, statement)).collect();
    with_conflicts(chart, model, judged)
}

fn statements(model: &Model) -> impl Iterator<Item = (&Policy, &Statement)> + Clone {
    model.policies.iter().flat_map(|p| p.statements.iter().map(move |s| (p, s)))
}

/// Judges the statements that are not judged yet, in order, until `stop` says so; one at least. Whether all are judged now.
/// What is learned of the lines that they need is for [`needed_lines`] of the same chart.
#[must_use]
pub fn judge_on(chart: &Chart<'_>, model: &Model, judged: &mut Vec<Judged>, needs: &mut Needs, stop: &dyn Fn() -> bool) -> bool {
    let left = statements(model).skip(judged.len());
    for (n, (policy, statement)) in left.enumerate() {
        if n > 0 && stop() {
            return false;
        }
        let note = Note::default();
        let one = judge_case(&Case { note: statement.require.then_some(&note), ..Case::new(chart, model, statement) }, policy);
        needs.learn(judged.len(), note);
        judged.push(one);
    }
    true
}

/// Adds what no network could keep: see [`conflict`].
#[must_use]
pub fn with_conflicts(chart: &Chart<'_>, model: &Model, mut judged: Vec<Judged>) -> Vec<Judged> {
    let statements = statements(model);
    let sided = |wanted: bool| {
        let some = statements.clone().enumerate().filter(move |(_, (_, s))| s.require == wanted);
        some.filter_map(|(n, (policy, statement))| Some((n, conflict::Sided::of(chart, model, policy, statement)?)))
    };
    let forbids: Vec<_> = sided(false).map(|(_, forbid)| forbid).collect();
    if forbids.is_empty() {
        return judged;
    }
    let index = conflict::Index::of(&forbids);
    for (n, require) in sided(true) {
        let met = index.met_by(chart, &require).into_iter().filter_map(|f| forbids.get(f));
        let found: Vec<Diagnostic> = met.filter_map(|f| conflict::between(chart, model, &require, f)).collect();
        if let Some(one) = judged.get_mut(n) {
            one.diagnostics.extend(found);
        }
    }
    judged
}

/// Whether others than the internet can send into a network.
pub(in crate::prove) fn has_ways_in(chart: &Chart<'_>) -> bool {
    !side::ways_in(chart).is_empty()
}

/// What is said of one `require` and one `forbid` if no network could keep both.
#[must_use]
pub fn conflict(chart: &Chart<'_>, model: &Model, require: (&Policy, &Statement), forbid: (&Policy, &Statement)) -> Option<Diagnostic> {
    let sided = |(policy, statement)| conflict::Sided::of(chart, model, policy, statement);
    conflict::between(chart, model, &sided(require)?, &sided(forbid)?)
}

/// Whether all addresses of a network are the internet's.
#[must_use]
pub fn is_public(cidr: Cidr) -> bool {
    side::internet(cidr.family()).iter().any(|range| range.holds(Range::of(cidr)))
}

/// What is left of a service of ports without others; `None` where that is no list of services.
#[must_use]
pub fn less(service: &Service, cut: &[Service]) -> Option<Vec<Service>> {
    let (Service::Tcp(_) | Service::Udp(_)) = service else { return None };
    mend::less(service, cut)
}

/// What one check of a statement found.
enum Found {
    Holds,
    Unknown { reason: String, steps: Vec<Step> },
    Fails(Box<Failure>),
}

/// Why a statement does not hold.
pub(in crate::prove) struct Failure {
    pub from: String,
    pub to: String,
    pub source: Place,
    pub goal: Place,
    pub family: Family,
    /// The client ports that were asked about.
    pub ports: Range,
    pub witness: Option<Cube>,
    /// Where the witness arrived.
    pub at: Option<(Arrival, Piece)>,
    pub steps: Vec<Step>,
    /// Whether the witness's answer comes back.
    pub returns: Option<bool>,
    /// The conversations that a `forbid` should have stopped, or those that a `require` lacks.
    pub cubes: Vec<Cube>,
    /// The part of a `require` that works.
    pub works: Vec<Cube>,
    /// Every line that lets some of it pass.
    pub lines: Vec<Line>,
    /// What would mend a `require`.
    pub mend: Option<mend::Mend>,
}

impl Failure {
    pub fn between(chart: &Chart<'_>, source: &Source, goal: &Goal) -> Self {
        Self {
            from: source.name.clone(),
            to: goal.name(chart),
            source: source.place,
            goal: goal.place(),
            family: source.family,
            ports: Range::PORTS,
            witness: None,
            at: None,
            steps: vec![],
            returns: None,
            cubes: vec![],
            works: vec![],
            lines: vec![],
            mend: None,
        }
    }
}

impl Judged {
    /// Takes in what one check found; the worst decides, and the first of the worst is told.
    fn take(&mut self, case: &Case<'_, '_>, policy: &Policy, found: &Found) {
        let (outcome, steps) = match found {
            Found::Holds => return,
            Found::Unknown { steps, .. } => (Outcome::Unknown, steps),
            Found::Fails(failure) => {
                if self.flows.len() < FLOWS_MAX {
                    self.flows.push(words::offence(failure));
                }
                (Outcome::Refuted, &failure.steps)
            }
        };
        if outcome <= self.outcome {
            return;
        }
        self.outcome = outcome;
        (self.hops, self.places) = words::way(case.chart, steps).into_iter().unzip();
        self.lets = match found {
            Found::Fails(failure) if !case.statement.require => words::letting(case.chart, failure),
            _ => vec![],
        };
        (self.packet, self.reason, self.mend) = match found {
            Found::Fails(failure) => (
                failure.witness.map(|w| words::packet(case.chart, failure, &w)),
                None,
                failure.mend.as_ref().map_or_else(Vec::new, |m| m.words.clone()),
            ),
            Found::Unknown { reason, .. } => (None, Some(reason.clone()), vec![]),
            Found::Holds => (None, None, vec![]),
        };
        self.diagnostics.retain(|d| d.severity == Severity::Warning);
        self.diagnostics.push(words::complain(case, policy, found));
    }
}

/// A statement about those of its sides who are there; `None` where a side means nobody.
#[must_use]
pub fn about_those_there(chart: &Chart<'_>, model: &Model, statement: &Statement) -> Option<Statement> {
    let require = statement.require;
    let mut there = statement.clone();
    there.from.retain(|v| !matches!(sources(chart, model, v, require), Side::Known(some) if some.is_empty()));
    there.to.retain(|v| !matches!(goals(chart, model, v, require), Side::Known(some) if some.is_empty()));
    (!there.from.is_empty() && !there.to.is_empty()).then_some(there)
}

/// Judges one statement.
#[must_use]
pub fn judge_one(chart: &Chart<'_>, model: &Model, policy: &Policy, statement: &Statement) -> Judged {
    judge_case(&Case::new(chart, model, statement), policy)
}

fn judge_case(case: &Case<'_, '_>, policy: &Policy) -> Judged {
    let statement = case.statement;
    let mut judged = Judged {
        policy: policy.name.clone(),
        span: statement.span,
        turn: statement.turn.clone(),
        outcome: Outcome::Proven,
        reason: None,
        packet: None,
        hops: vec![],
        places: vec![],
        lets: vec![],
        flows: vec![],
        mend: vec![],
        assumptions: vec![],
        waived: None,
        diagnostics: vec![],
    };
    let (from, to) = match case.sides() {
        Ok(sides) => sides,
        Err(Wrong::Nobody(who)) => {
            judged.outcome = Outcome::Unknown;
            judged.reason = Some(format!("{who} means nobody"));
            judged.diagnostics.push(words::vacuous(policy, statement, &who));
            return judged;
        }
        Err(Wrong::Obscure(reason)) => {
            judged.take(case, policy, &Found::Unknown { reason, steps: vec![] });
            return judged;
        }
    };
    if !statement.require && case.has_useless_exception(&from) {
        judged.diagnostics.push(words::useless(policy, statement));
    }
    let mut checks = 0;
    for found in case.checks(&from, &to) {
        checks += 1;
        judged.take(case, policy, &found);
    }
    if checks == 0 {
        judged.outcome = Outcome::Unknown;
        judged.reason = Some("the two sides have no address family in common".into());
        judged.diagnostics.push(words::no_family(policy, statement));
    }
    judged.assumptions = case.assumptions(&from, &to);
    words::whole_set(&mut judged);
    judged
}

/// Why a statement cannot be judged.
enum Wrong {
    /// A side, or a part of it, means nobody.
    Nobody(String),
    /// Nobody can tell yet whom it means.
    Obscure(String),
}

/// A statement and what it is about.
struct Case<'c, 'n> {
    chart: &'c Chart<'n>,
    model: &'c Model,
    statement: &'c Statement,
    /// Where to note the lines that a `require` needs, if anybody wants to know.
    note: Option<&'c Note>,
}

impl<'c, 'n> Case<'c, 'n> {
    fn new(chart: &'c Chart<'n>, model: &'c Model, statement: &'c Statement) -> Self {
        Self { chart, model, statement, note: None }
    }

    /// Both sides, every thing by itself.
    fn sides(&self) -> Result<(Vec<Source>, Vec<Goal>), Wrong> {
        let require = self.statement.require;
        fn gather<T>(values: &[Value], meaning: impl Fn(&Value) -> Side<T>) -> Result<Vec<T>, Wrong> {
            let mut all = vec![];
            for value in values {
                match meaning(value) {
                    Side::Known(some) if some.is_empty() => return Err(Wrong::Nobody(format!("`{value}`"))),
                    Side::Known(some) => all.extend(some),
                    Side::Obscure(why) => return Err(Wrong::Obscure(why)),
                }
            }
            Ok(all)
        }
        let from = gather(&self.statement.from, |v| sources(self.chart, self.model, v, require))?;
        let to = gather(&self.statement.to, |v| goals(self.chart, self.model, v, require))?;
        match self.obscure_exception() {
            Some(why) => Err(Wrong::Obscure(why)),
            None => Ok((from, to)),
        }
    }

    /// Judges every pair of a source and a goal, one family at a time. In a `require`, a pair without a family in common is
    /// a thing that cannot be reached, unless there is nothing else.
    fn checks(&self, from: &[Source], to: &[Goal]) -> Vec<Found> {
        let (mut found, mut strangers) = (vec![], vec![]);
        self.note.iter().for_each(|note| note.begin(from.len() * to.len()));
        for goal in to {
            let mut met: Vec<Place> = vec![];
            for source in from {
                let one = if self.statement.require { self.require(source, goal) } else { self.forbid(source, goal) };
                self.note.iter().for_each(|note| note.next(|| !goal.ways_from(self.chart, source, true).is_empty()));
                if let Some(one) = one {
                    met.push(source.place);
                    found.push(one);
                }
            }
            let itself = |s: &Source| matches!((goal, s.place), (Goal::Interfaces(of), Place::Interface(i)) if of.contains(&i));
            let apart = |s: &&Source| self.statement.require && !met.contains(&s.place) && !itself(s) && s.place != goal.place();
            strangers.extend(from.iter().find(apart).map(|source| Failure::between(self.chart, source, goal)));
        }
        if !found.is_empty() {
            found.extend(strangers.into_iter().map(|failure| Found::Fails(Box::new(failure))));
        }
        found
    }

    fn traffic(&self, services: &[Service], ports: Range, family: Family) -> Vec<Traffic> {
        services.iter().flat_map(|s| conversations(s, ports, family)).collect()
    }

    /// What a proof of the statement rests on besides the model.
    fn assumptions(&self, from: &[Source], to: &[Goal]) -> Vec<&'static str> {
        let net = self.chart.net;
        let from_internet = from.iter().any(|s| s.place == Place::Internet);
        let to_internet = to.iter().any(|g| matches!(g, Goal::Internet | Goal::Addresses(_)));
        let chosen = |i: usize| {
            let at = net.interfaces.get(i).map_or(&[][..], |i| i.addresses.as_slice());
            at.iter().any(|a| a.public == Some(Public::Chosen))
        };
        let by_choice = |s: &Source| match s.place {
            Place::Interface(i) => chosen(i),
            Place::Anybody(subnet) => side::leads_to_internet(self.chart, subnet),
            _ => false,
        };
        let to_public = |g: &Goal| match g {
            Goal::Interfaces(of) => {
                of.iter().any(|i| self.chart.interfaces.get(*i).is_some_and(|i| i.addresses.iter().any(|a| a.public.is_some())))
            }
            _ => false,
        };
        let idle =
            |i: usize| matches!(net.interfaces.get(i).map(|i| &i.owner), Some(Owner::Nobody | Owner::Instance { running: false, .. }));
        let asleep = |g: &Goal| match g {
            Goal::Interfaces(of) => of.iter().any(|i| idle(*i)),
            Goal::Exact(i, _) => idle(*i),
            Goal::Anybody(_) | Goal::Internet => false,
            Goal::Addresses(_) => (0..net.interfaces.len()).any(idle),
        };
        let named = |v: &Value| matches!(v, Value::Cidr(cidr) if !side::public_of(cidr.family(), &[Range::of(*cidr)]).is_empty());
        let mail = |s: &Service| match s {
            Service::Tcp(ports) => ports.is_empty() || ports.iter().any(|p| p.from <= 25 && 25 <= p.to),
            Service::All => true,
            _ => false,
        };
        let mut found = vec![];
        if self.statement.require {
            if (from_internet || to_internet) && net.block_public_access.is_empty() {
                found.push(ACCOUNT);
            }
            if to_internet && self.statement.services.iter().any(mail) {
                found.push(MAIL);
            }
        } else if from_internet || from.iter().any(|s| matches!(s.place, Place::Behind(_))) {
            found.push(DOORS);
            if from.iter().any(|s| s.internet) && !side::ways_in(self.chart).is_empty() {
                found.push(FAR_ENDS);
            }
        }
        let sleeper = |s: &Source| matches!(s.place, Place::Interface(i) if idle(i));
        if !self.statement.require && (from.iter().any(sleeper) || to.iter().any(asleep)) {
            found.push(IDLE);
        }
        let by_name = self.statement.from.iter().chain(&self.statement.to).any(named) && (0..net.interfaces.len()).any(chosen);
        if by_name || from.iter().any(by_choice) && to.iter().any(|g| to_public(g) || matches!(g, Goal::Anybody(_))) {
            found.push(CHOICE);
        }
        let open = net.vpcs.iter().flat_map(|vpc| &vpc.cidrs).any(|network| chosen::is_stand_in(*network));
        let apart = |network: Cidr| chosen::meets(network) > chosen::Meets::Always;
        if open && self.statement.networks().chain(net.named_networks()).any(apart) {
            found.push(CHOICE_V6);
        }
        found
    }
}

/// Conversations without those in which the internet's side is one of the model's own public addresses.
pub(in crate::prove) fn without_own(chart: &Chart<'_>, source: &Source, goal: &Goal, cubes: Vec<Cube>) -> Vec<Cube> {
    let dim = match (source.internet, goal) {
        (true, _) => Dim::Client,
        (false, Goal::Internet) => Dim::Server,
        _ => return cubes,
    };
    if source.family == Family::V6 {
        let own: Vec<Range> = chart.vpcs.iter().flat_map(|v| v.ranges.of(Family::V6).iter().copied()).collect();
        return cut(cubes, dim, &own);
    }
    let inside = |cube: &Cube| -> Vec<Range> {
        let range = cube.get(dim);
        chart.publics.range(range.lo..=range.hi).map(|(n, _)| Range::one(*n)).collect()
    };
    cubes.into_iter().flat_map(|cube| cut(vec![cube], dim, &inside(&cube))).collect()
}

fn cut(cubes: Vec<Cube>, dim: Dim, ranges: &[Range]) -> Vec<Cube> {
    if ranges.is_empty() {
        return cubes;
    }
    cubes.into_iter().flat_map(|cube| without_ranges(&[cube.get(dim)], ranges).into_iter().map(move |r| cube.put(dim, r))).collect()
}

/// The internet gateway of a subnet's VPC.
fn gateway_of(chart: &Chart<'_>, subnet: usize) -> Option<Spot> {
    chart.vpcs.get(chart.vpc_of(subnet)).and_then(|v| v.gateway).map(Spot::InternetGateway)
}
