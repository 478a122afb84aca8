//! Policies, judged over a whole network. Layer 5.
//!
//! A `require` holds if for every source, client port and thing there is an address of the thing by which it works; a
//! `forbid` holds if no packet that opens a flow is delivered. What cannot be told is unknown, and unknown is no proof.

use serde::{Deserialize, Serialize};

use crate::{
    base::{
        cidr::{Cidr, Family},
        diagnostic::Diagnostic,
        service::Service,
        span::Span,
    },
    net::Target,
    prove::{
        ask::{Finding, Question, Verdict, ask, cubes},
        chart::{Chart, Choice},
        packet::{Cube, Dim, NAT_PORTS, Range, Traffic, conversations, without_boxes, without_ranges},
        reason::Reason,
        walk::{Place, Spot, Step, Walk},
    },
    schema::{
        model::{Model, Policy, Statement},
        value::Value,
    },
};

pub(in crate::prove) mod side;
pub(in crate::prove) mod words;

use side::{Goal, Source, goals, sources};

/// How many boxes a difference may take.
const BOXES_MAX: usize = 200_000;

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
    /// Whether it holds.
    pub outcome: Outcome,
    /// A packet that shows it, in words.
    pub packet: Option<String>,
    /// The packet's way, step by step, in words.
    pub hops: Vec<String>,
    /// What a proof rests on besides the model.
    pub assumptions: Vec<&'static str>,
    /// What people are told.
    pub diagnostics: Vec<Diagnostic>,
}

/// What no model of VPCs can show, and a proof about the internet rests on.
pub const DOORS: &str = "nothing outside the VPC's own network lets packets in: Global Accelerator, CloudFront VPC origins, load balancers, \
                         API Gateway and VPC Lattice links, Client VPN, Session Manager, EC2 Instance Connect";
/// What an account may have set without a model's knowing.
pub const ACCOUNT: &str = "VPC Block Public Access is off in the account";
/// EC2's own filter on mail.
pub const MAIL: &str = "EC2 lets TCP port 25 out, which it does on request only";

/// Judges every statement of every policy.
#[must_use]
pub fn judge(chart: &Chart<'_>, model: &Model) -> Vec<Judged> {
    let statements = model.policies.iter().flat_map(|p| p.statements.iter().map(move |s| (p, s)));
    statements.map(|(policy, statement)| judge_statement(chart, model, policy, statement)).collect()
}

/// Whether all addresses of a network are the internet's.
#[must_use]
pub fn is_public(cidr: Cidr) -> bool {
    side::internet(cidr.family()).iter().any(|range| range.holds(Range::of(cidr)))
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
    pub steps: Vec<Step>,
    /// The conversations that a `forbid` should have stopped, or those that a `require` lacks.
    pub cubes: Vec<Cube>,
    /// The part of a `require` that works.
    pub works: Vec<Cube>,
}

fn judge_statement(chart: &Chart<'_>, model: &Model, policy: &Policy, statement: &Statement) -> Judged {
    let mut judged = Judged {
        policy: policy.name.clone(),
        span: statement.span,
        outcome: Outcome::Proven,
        packet: None,
        hops: vec![],
        assumptions: assumptions(statement),
        diagnostics: vec![],
    };
    let case = Case { chart, model, statement };
    if let Some(warning) = case.useless_exceptions(policy) {
        judged.diagnostics.push(warning);
    }
    let mut checks = 0;
    for found in case.checks(&mut checks) {
        let (outcome, steps) = match &found {
            Found::Holds => continue,
            Found::Unknown { steps, .. } => (Outcome::Unknown, steps),
            Found::Fails(failure) => (Outcome::Refuted, &failure.steps),
        };
        if outcome > judged.outcome {
            judged.outcome = outcome;
            judged.hops = words::hops(chart, steps);
            judged.packet = match &found {
                Found::Fails(failure) => failure.witness.map(|w| words::packet(chart, failure, &w)),
                _ => None,
            };
            judged.diagnostics.retain(|d| d.severity == crate::base::diagnostic::Severity::Warning);
            judged.diagnostics.push(words::complain(&case, policy, &found));
        }
    }
    if checks == 0 {
        judged.outcome = Outcome::Unknown;
        judged.diagnostics.push(words::vacuous(policy, statement));
    }
    judged
}

fn assumptions(statement: &Statement) -> Vec<&'static str> {
    let outside = |values: &[Value]| values.iter().any(|v| matches!(v, Value::Internet | Value::Any));
    let mail = |s: &Service| match s {
        Service::Tcp(ports) => ports.iter().any(|p| p.from <= 25 && 25 <= p.to),
        _ => false,
    };
    let mut found = vec![];
    if statement.require {
        if outside(&statement.from) || outside(&statement.to) {
            found.push(ACCOUNT);
        }
        if statement.services.iter().any(mail) {
            found.push(MAIL);
        }
    } else if outside(&statement.from) {
        found.push(DOORS);
    }
    found
}

/// A statement and what it is about.
struct Case<'c, 'n> {
    chart: &'c Chart<'n>,
    model: &'c Model,
    statement: &'c Statement,
}

impl Case<'_, '_> {
    /// Judges every pair of a source and a goal, one family at a time; counts the pairs.
    fn checks(&self, count: &mut usize) -> Vec<Found> {
        let mut found = vec![];
        for from in &self.statement.from {
            for source in sources(self.chart, self.model, from) {
                for to in &self.statement.to {
                    for goal in goals(self.chart, self.model, to, self.statement.require) {
                        let check = if self.statement.require { self.require(&source, &goal) } else { self.forbid(&source, &goal) };
                        if let Some(one) = check {
                            *count += 1;
                            found.push(one);
                        }
                    }
                }
            }
        }
        found
    }

    fn traffic(&self, services: &[Service], ports: Range, family: Family) -> Vec<Traffic> {
        services.iter().flat_map(|s| conversations(s, ports, family)).collect()
    }

    /// `None` where the two sides have no family in common, or are one and the same interface.
    fn forbid(&self, source: &Source, goal: &Goal) -> Option<Found> {
        let traffic = self.traffic(&self.statement.services, Range::PORTS, source.family);
        let mut known = None;
        let mut judged_any = false;
        for (place, servers) in goal.ways_from(self.chart, source) {
            judged_any = true;
            let mut walk = Walk { anybody: goal.anybody().to_vec(), foreign: matches!(goal, Goal::Internet), ..Walk::new(self.chart) };
            walk.send(place, source.family, cubes(&source.clients, &servers, &traffic));
            let itself = |place: &Place| matches!(place, Place::Interface(_)) && *place == source.place;
            for arrival in walk.arrivals.iter().filter(|a| goal.is_at(&a.place) && !itself(&a.place)) {
                for piece in &arrival.stream.pieces {
                    let left = self.without_exceptions(source, arrival.stream.sent(piece.cube));
                    let left = left.map(|l| without_own(self.chart, source, goal, l));
                    let (Some(left), steps) = (left, piece.trail.steps()) else {
                        return Some(Found::Unknown { reason: Reason::TooComplex.words(), steps: vec![] });
                    };
                    match (left.first(), &piece.doubt) {
                        (None, _) => {}
                        (Some(_), Some(reason)) => known = known.or(Some(Found::Unknown { reason: reason.words(), steps })),
                        (Some(first), None) => {
                            return Some(Found::Fails(Box::new(Failure {
                                from: source.name.clone(),
                                to: goal.name(self.chart),
                                source: source.place,
                                goal: arrival.place,
                                family: source.family,
                                ports: Range::PORTS,
                                witness: Some(first.corner()),
                                steps,
                                cubes: left,
                                works: vec![],
                            })));
                        }
                    }
                }
            }
            for loss in &walk.unknown {
                let left = self.without_exceptions(source, loss.sent());
                if left.is_none_or(|l| !l.is_empty()) {
                    let at = loss.piece.trail.steps();
                    let where_to = at.last().map_or(String::new(), |s| format!("`{}` ", self.chart.name(s.spot)));
                    known = known.or(Some(Found::Unknown { reason: format!("{where_to}{}", loss.reason.words()), steps: at }));
                }
            }
        }
        if !judged_any {
            return None;
        }
        let door = goal.vpcs(self.chart).iter().find_map(|vpc| self.door(*vpc));
        Some(known.or(door).unwrap_or(Found::Holds))
    }

    /// Something that is seen, opens a VPC and is not modelled.
    fn door(&self, vpc: usize) -> Option<Found> {
        let id = self.chart.net.vpcs.get(vpc).map(|v| &v.id);
        let door = self.chart.net.doors.iter().find(|d| d.vpc.is_none() || d.vpc.as_ref() == id)?;
        Some(Found::Unknown { reason: format!("`{}` is {}, which secnet does not model", door.id, door.what), steps: vec![] })
    }

    /// What is left of a conversation once the exceptions are taken out; `None` is too complex.
    fn without_exceptions(&self, source: &Source, cube: Cube) -> Option<Vec<Cube>> {
        without_boxes(vec![cube], &self.exceptions(source), BOXES_MAX)
    }

    /// The conversations that `except` lets pass from a source, to whatever address.
    fn exceptions(&self, source: &Source) -> Vec<Cube> {
        let mut found = vec![];
        for (services, from) in &self.statement.except {
            let traffic = self.traffic(services, Range::PORTS, source.family);
            let clients: Vec<Range> = if from.is_empty() {
                vec![Range::all(source.family)]
            } else {
                from.iter().flat_map(|v| sources(self.chart, self.model, v)).flat_map(|s| s.clients_at(source)).collect()
            };
            found.extend(cubes(&clients, &[Range::all(source.family)], &traffic));
        }
        found
    }

    /// A warning where an exception takes nothing out.
    fn useless_exceptions(&self, policy: &Policy) -> Option<Diagnostic> {
        for (services, from) in &self.statement.except {
            let mut meets = false;
            for source in self.statement.from.iter().flat_map(|v| sources(self.chart, self.model, v)) {
                let lone = Statement { except: vec![(services.clone(), from.clone())], ..self.statement.clone() };
                let cut = Case { statement: &lone, ..*self }.exceptions(&source);
                let whole = self.traffic(&self.statement.services, Range::PORTS, source.family);
                let whole = cubes(&source.clients, &[Range::all(source.family)], &whole);
                meets |= whole.iter().any(|w| cut.iter().any(|c| w.meet(c).is_some()));
            }
            if !meets {
                return Some(words::useless(policy, self.statement));
            }
        }
        None
    }

    /// `None` where the two sides have no family in common.
    fn require(&self, source: &Source, goal: &Goal) -> Option<Found> {
        let own = matches!(source.place, Place::Interface(_));
        let default = if own { OWN_CLIENT_PORTS } else { CLIENT_PORTS };
        let ports = self.statement.client_ports.map_or(default, |(from, to)| Range::new(from.into(), to.into()));
        let traffic = self.traffic(&self.statement.services, ports, source.family);
        let mut lacking: Option<Vec<Cube>> = None;
        let mut works = vec![];
        let mut first_left = None;
        let mut unknown = None;
        for (place, servers) in goal.ways_from(self.chart, source) {
            for server in servers {
                let asked = cubes(&source.clients, &[server], &traffic);
                let question = Question {
                    from: place,
                    family: source.family,
                    cubes: asked.clone(),
                    foreign: matches!(goal, Goal::Internet),
                    via: None,
                };
                let finding = ask(self.chart, &question, |p| goal.is_at(p));
                let good = match finding.verdict {
                    Verdict::Works(cubes) => cubes,
                    Verdict::Unknown(reason) => {
                        let at = finding.steps.last().map_or(String::new(), |s| format!("`{}` ", self.chart.name(s.spot)));
                        unknown = unknown.or(Some(Found::Unknown { reason: format!("{at}{}", reason.words()), steps: finding.steps }));
                        vec![]
                    }
                    Verdict::Stopped => vec![],
                };
                let left = without_boxes(asked, &good, BOXES_MAX).map(|l| without_own(self.chart, source, goal, l));
                let Some(left) = left else { return Some(Found::Unknown { reason: Reason::TooComplex.words(), steps: vec![] }) };
                works.extend(good);
                first_left = first_left.or(left.first().map(|c| (place, c.corner())));
                // What lacks by this address lacks only if it lacks by every other, too.
                let flat: Vec<Cube> = left.iter().map(|c| flat(*c)).collect();
                lacking = Some(match lacking {
                    None => flat,
                    Some(before) => before.iter().flat_map(|b| flat.iter().filter_map(|f| b.meet(f))).collect(),
                });
            }
        }
        let lacking = lacking?;
        if lacking.is_empty() {
            let door = goal.vpcs(self.chart).iter().find_map(|vpc| self.unread(*vpc));
            return Some(door.unwrap_or(Found::Holds));
        }
        if let Some(unknown) = unknown {
            return Some(unknown);
        }
        let finding = first_left.map(|(place, witness)| self.why(place, source.family, goal, witness));
        Some(Found::Fails(Box::new(Failure {
            from: source.name.clone(),
            to: goal.name(self.chart),
            source: source.place,
            goal: goal.place(),
            family: source.family,
            ports,
            witness: finding.as_ref().and_then(|f| f.witness).or(first_left.map(|(_, w)| w)),
            steps: finding.map_or_else(Vec::new, |f| f.steps),
            cubes: lacking,
            works,
        })))
    }

    /// An existing VPC of which not everything was read may hold what stops a flow.
    fn unread(&self, vpc: usize) -> Option<Found> {
        let id = self.chart.net.vpcs.get(vpc).map(|v| &v.id)?;
        let door = self.chart.net.doors.iter().find(|d| d.vpc.as_ref() == Some(id) && d.id == *id)?;
        Some(Found::Unknown { reason: format!("`{}` is {}", door.id, door.what), steps: vec![] })
    }

    fn why(&self, place: Place, family: Family, goal: &Goal, witness: Cube) -> Finding {
        let question = Question { from: place, family, cubes: vec![witness], foreign: matches!(goal, Goal::Internet), via: None };
        ask(self.chart, &question, |p| goal.is_at(p))
    }
}

/// A conversation without the address it goes to and the ports that NAT gateways choose.
fn flat(cube: Cube) -> Cube {
    cube.put(Dim::Server, Range::one(0)).put(Dim::FirstNat, NAT_PORTS).put(Dim::SecondNat, NAT_PORTS)
}

/// Conversations without those in which the internet's side is one of the model's own public addresses.
fn without_own(chart: &Chart<'_>, source: &Source, goal: &Goal, cubes: Vec<Cube>) -> Vec<Cube> {
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

/// Whether a subnet's table leads some address to an internet gateway that is attached.
fn leads_to_internet(chart: &Chart<'_>, subnet: usize) -> bool {
    let Some(at) = chart.subnets.get(subnet) else { return false };
    let Some((number, table)) = at.table.and_then(|t| Some((t, chart.tables.get(t)?))) else { return true };
    table.ranges.of(Family::V4).iter().any(|(_, choice)| match choice {
        Choice::Local => false,
        Choice::Route(n) | Choice::Unclear(n) => {
            let route = chart.net.route_tables.get(number).and_then(|t| t.routes.get(*n));
            route.is_some_and(|r| matches!(&r.target, Target::InternetGateway(_)) && !r.blackhole)
        }
    })
}

/// The internet gateway of a subnet's VPC.
fn gateway_of(chart: &Chart<'_>, subnet: usize) -> Option<Spot> {
    chart.vpcs.get(chart.vpc_of(subnet)).and_then(|v| v.gateway).map(Spot::InternetGateway)
}
