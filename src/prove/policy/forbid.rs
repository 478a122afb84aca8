//! Whether a `forbid` holds between one source and one goal. Layer 5.

use crate::{
    base::{cidr::Family, service::Service},
    prove::{
        ask::cubes,
        packet::{Cube, Cuboid, Dim, NAT_PORTS, Range, Traffic, without_boxes},
        reason::Reason,
        walk::{Arrival, Line, Loss, Piece, Place, Spot, Step, Walk},
    },
    schema::value::Value,
};

use super::{
    BOXES_MAX, Case, Failure, Found, gateway_of,
    side::{Goal, Hit, Side, Source, leads_to_internet, public_of, sources},
    without_own,
};

/// One set of conversations to send, and what of it the exceptions take out.
struct Errand {
    traffic: Vec<Traffic>,
    excepted: Vec<Cube>,
    /// Groups that nobody who could be in the source's subnet carries.
    barred: Vec<usize>,
}

/// What walks for one pair have found.
#[derive(Default)]
struct Findings {
    failure: Option<Failure>,
    unknown: Option<Found>,
}

impl Findings {
    fn unknown(&mut self, reason: String, steps: Vec<Step>) {
        self.unknown.get_or_insert(Found::Unknown { reason, steps });
    }
}

impl Case<'_, '_> {
    /// `None` where the two sides have no family in common, or are one and the same interface.
    pub(super) fn forbid(&self, source: &Source, goal: &Goal) -> Option<Found> {
        let ways = goal.ways_from(self.chart, source, false);
        // A service may be none of this family's: ICMP for IPv6 in IPv4.
        if ways.is_empty() || self.traffic(&self.statement.services, Range::PORTS, source.family).is_empty() {
            return None;
        }
        let mut findings = Findings::default();
        for errand in self.errands(source) {
            for (place, servers) in &ways {
                self.send(source, goal, &errand, (*place, servers), &mut findings);
            }
            if let Goal::Anybody(subnet) = goal {
                self.over_the_internet(source, goal, &errand, *subnet, &mut findings);
            }
        }
        if let Some(failure) = findings.failure {
            return Some(Found::Fails(Box::new(self.with_answer(source, goal, failure))));
        }
        let door = || goal.vpcs(self.chart).iter().find_map(|vpc| self.door(*vpc));
        Some(findings.unknown.or_else(door).or_else(|| self.forwarded(source, goal)).unwrap_or(Found::Holds))
    }

    /// What is sent: everything, less the exceptions; and for whoever could be in a subnet, once more without the groups
    /// whose members an exception lets pass.
    fn errands(&self, source: &Source) -> Vec<Errand> {
        let all = self.traffic(&self.statement.services, Range::PORTS, source.family);
        let mut errands = vec![Errand { traffic: all.clone(), excepted: self.exceptions_of(source), barred: vec![] }];
        let Place::Anybody(subnet) = source.place else { return errands };
        let by_group: Vec<(Vec<Traffic>, Vec<usize>)> = self.excepted_groups(source.family, subnet);
        for (i, (traffic, _)) in by_group.iter().enumerate() {
            let whole: Vec<Cuboid<3>> = traffic.iter().map(|t| Cuboid(*t)).collect();
            let covers = |other: &[Traffic]| {
                let boxes: Vec<Cuboid<3>> = other.iter().map(|t| Cuboid(*t)).collect();
                without_boxes(whole.clone(), &boxes, BOXES_MAX).is_some_and(|left| left.is_empty())
            };
            let barred = by_group.iter().filter(|(other, _)| covers(other)).flat_map(|(_, groups)| groups.iter().copied()).collect();
            let met = all.iter().flat_map(|a| whole.iter().filter_map(|w| Cuboid(*a).meet(w))).map(|b| b.0).collect();
            // The exceptions that name no group hold here too; those that do are honoured by the bar.
            errands.push(Errand { traffic: met, excepted: self.exceptions_of(source), barred });
            if let Some(first) = errands.first_mut() {
                let everybody = [Range::all(source.family)];
                first.excepted.extend(by_group.get(i).map_or_else(Vec::new, |(t, _)| cubes(&everybody, &everybody, t)));
            }
        }
        errands
    }

    fn walk(&self, goal: &Goal, errand: &Errand) -> Walk<'_, '_> {
        Walk { anybody: goal.anybody(), barred: errand.barred.clone(), foreign: goal.foreign(), ..Walk::new(self.chart) }
    }

    fn send(&self, source: &Source, goal: &Goal, errand: &Errand, (place, servers): (Place, &[Range]), findings: &mut Findings) {
        let by_gateway = matches!(place, Place::Behind(Spot::InternetGateway(_)));
        let clients = if by_gateway { public_of(source.family, &source.clients) } else { source.clients.clone() };
        let mut walk = self.walk(goal, errand);
        walk.send(place, source.family, cubes(&clients, servers, &errand.traffic));
        for arrival in &walk.arrivals {
            // What an interface sends to itself never leaves it.
            if matches!(arrival.place, Place::Interface(_)) && arrival.place == source.place {
                continue;
            }
            for piece in &arrival.stream.pieces {
                let sent = arrival.stream.sent(piece.cube);
                let hit = goal.hit(&arrival.place, source.family, &sent);
                if hit != Hit::No {
                    self.delivered(source, goal, errand, (arrival, piece, sent, hit), findings);
                }
            }
        }
        for loss in &walk.unknown {
            self.lost_from_sight(source, goal, errand, loss, findings);
        }
    }

    fn delivered(
        &self,
        source: &Source,
        goal: &Goal,
        errand: &Errand,
        (arrival, piece, sent, hit): (&Arrival, &Piece, Cube, Hit),
        findings: &mut Findings,
    ) {
        let left = without_boxes(vec![sent], &errand.excepted, BOXES_MAX).map(|l| without_own(self.chart, source, goal, l));
        let Some(left) = left else { return findings.unknown(Reason::TooComplex.words(), vec![]) };
        let Some(first) = left.first() else { return };
        let steps = piece.trail.steps();
        if hit == Hit::Adrift {
            let Place::Behind(spot) = arrival.place else { return };
            return findings.unknown(self.adrift(spot), steps);
        }
        if let Some(doubt) = &piece.doubt {
            return findings.unknown(doubt.words(), steps);
        }
        let lines: Vec<Line> = steps.iter().filter_map(|s| s.line).collect();
        match &mut findings.failure {
            Some(failure) => {
                failure.cubes.extend(left);
                failure.lines.extend(lines);
            }
            None => {
                findings.failure = Some(Failure {
                    goal: arrival.place,
                    witness: Some(first.corner()),
                    at: Some((arrival.clone(), piece.clone())),
                    steps,
                    cubes: left,
                    lines,
                    ..Failure::between(self.chart, source, goal)
                });
            }
        }
    }

    fn lost_from_sight(&self, source: &Source, goal: &Goal, errand: &Errand, loss: &Loss, findings: &mut Findings) {
        let left = without_boxes(vec![loss.sent()], &errand.excepted, BOXES_MAX).map(|l| without_own(self.chart, source, goal, l));
        if left.is_none_or(|l| !l.is_empty()) {
            let at = loss.piece.trail.steps();
            let place = at.last().map_or(String::new(), |s| format!("`{}` ", self.chart.name(s.spot)));
            findings.unknown(format!("{place}{}", loss.reason.words()), at);
        }
    }

    /// Whoever could be in a subnet whose table leads to the internet could have a public address: what gets out on the
    /// internet gets there, too.
    fn over_the_internet(&self, source: &Source, goal: &Goal, errand: &Errand, subnet: usize, findings: &mut Findings) {
        let gateway = gateway_of(self.chart, subnet).filter(|_| leads_to_internet(self.chart, subnet));
        let Some(gateway) = gateway.filter(|_| source.family == Family::V4 && source.place != Place::Internet) else { return };
        let mut out = Walk { foreign: true, ..Walk::new(self.chart) };
        out.barred.clone_from(&errand.barred);
        out.send(source.place, source.family, cubes(&source.clients, &super::side::internet(source.family), &errand.traffic));
        let ranges = self.chart.subnets.get(subnet).map_or_else(Vec::new, |s| s.ranges.of(Family::V4).clone());
        for arrival in out.arrivals.iter().filter(|a| a.place == Place::Internet) {
            for piece in &arrival.stream.pieces {
                let left = without_boxes(vec![arrival.stream.sent(piece.cube)], &errand.excepted, BOXES_MAX);
                let Some(left) = left else { return findings.unknown(Reason::TooComplex.words(), vec![]) };
                for cube in left {
                    let clients = [cube.field(arrival.stream.view.source)];
                    let traffic = [[cube.get(Dim::Protocol), cube.field(arrival.stream.view.first), cube.get(Dim::ServerPort)]];
                    let mut into = self.walk(goal, errand);
                    into.send(Place::Behind(gateway), Family::V4, cubes(&clients, &ranges, &traffic));
                    let there = into.arrivals.iter().filter(|a| goal.hit(&a.place, Family::V4, &cube) == Hit::Yes);
                    for (end, last) in there.flat_map(|a| a.stream.pieces.iter().map(move |p| (a, p))) {
                        let whole = Piece {
                            cube: cube.put(Dim::ServerPort, last.cube.get(Dim::ServerPort)),
                            trail: last.trail.steps().into_iter().fold(piece.trail.clone(), |t, s| t.then(s)),
                            doubt: piece.doubt.clone().or(last.doubt.clone()),
                            ..piece.clone()
                        };
                        let bare = Errand { traffic: vec![], excepted: vec![], barred: vec![] };
                        let seen = whole.cube.put(Dim::Server, last.cube.get(Dim::Server));
                        self.delivered(source, goal, &bare, (end, &whole, seen, Hit::Yes), findings);
                    }
                }
            }
        }
    }

    /// Something that is seen, opens a VPC and is not modelled.
    fn door(&self, vpc: usize) -> Option<Found> {
        let id = self.chart.net.vpcs.get(vpc).map(|v| &v.id);
        let door = self.chart.net.doors.iter().find(|d| d.vpc.is_none() || d.vpc.as_ref() == id)?;
        Some(Found::Unknown { reason: format!("`{}` is {}, which secnet does not model", door.id, door.what), steps: vec![] })
    }

    /// A machine without a source/destination check forwards what its own software says: if the source gets there and it
    /// gets to the goal, nobody can tell.
    fn forwarded(&self, source: &Source, goal: &Goal) -> Option<Found> {
        let chart = self.chart;
        let mut idle: Vec<usize> = chart.forwarders.iter().copied().filter(|i| source.place != Place::Interface(*i)).collect();
        let mut senders = vec![source.clone()];
        while let Some(sender) = senders.pop() {
            let mut next = vec![];
            for forwarder in &idle {
                let goal_itself = matches!(goal, Goal::Interfaces(of) if of.contains(forwarder));
                if !goal_itself && self.gets_to(&sender, &Goal::Interfaces(vec![*forwarder]), &[Service::All]) {
                    next.push(*forwarder);
                }
            }
            for forwarder in next {
                idle.retain(|i| *i != forwarder);
                let clients = vec![Range::all(source.family)];
                let name = chart.name(Spot::Interface(forwarder));
                let on = Source { name: name.clone(), place: Place::Interface(forwarder), family: source.family, clients, internet: false };
                if self.gets_to(&on, goal, &self.statement.services) {
                    let reason = format!("`{name}` can be reached and {}", Reason::Forwarder.words());
                    return Some(Found::Unknown { reason, steps: vec![] });
                }
                senders.push(on);
            }
        }
        None
    }

    /// Whether anything of these services may get from a source to a goal, answered or not.
    fn gets_to(&self, source: &Source, goal: &Goal, services: &[Service]) -> bool {
        let traffic = self.traffic(services, Range::PORTS, source.family);
        goal.ways_from(self.chart, source, false).into_iter().any(|(place, servers)| {
            let mut walk = Walk { anybody: goal.anybody(), foreign: goal.foreign(), ..Walk::new(self.chart) };
            walk.send(place, source.family, cubes(&source.clients, &servers, &traffic));
            let there = |a: &Arrival| a.stream.pieces.iter().any(|p| goal.hit(&a.place, source.family, &a.stream.sent(p.cube)) != Hit::No);
            walk.arrivals.iter().any(there) || !walk.unknown.is_empty()
        })
    }

    /// The conversations that `except` lets pass from a source, to whatever address. Groups that whoever could be in a
    /// subnet might carry are left to [`Case::errands`].
    pub(super) fn exceptions_of(&self, source: &Source) -> Vec<Cube> {
        let mut found = vec![];
        let everywhere = Range::all(source.family);
        for (services, from) in &self.statement.except {
            let traffic = self.traffic(services, Range::PORTS, source.family);
            let clients: Vec<Range> = if from.is_empty() {
                vec![everywhere]
            } else {
                from.iter().flat_map(|value| self.excepted_clients(source, value)).collect()
            };
            found.extend(cubes(&clients, &[everywhere], &traffic));
        }
        found
    }

    /// Which clients of a source an exception's side means.
    fn excepted_clients(&self, source: &Source, value: &Value) -> Vec<Range> {
        let everywhere = Range::all(source.family);
        match value {
            Value::Any => vec![everywhere],
            Value::Internet => (source.place == Place::Internet).then_some(everywhere).into_iter().collect(),
            Value::Cidr(cidr) => {
                // An interface is also known by its public address.
                let whole = Range::of(*cidr);
                let public = |a: &&crate::prove::chart::AddressAt| a.public.is_some_and(|p| whole.has(p)) && cidr.family() == Family::V4;
                let addresses = match source.place {
                    Place::Interface(i) => self.chart.interfaces.get(i).map_or(&[][..], |i| i.addresses.as_slice()),
                    _ => &[],
                };
                let by_public = addresses.iter().filter(public).map(|a| a.range);
                (cidr.family() == source.family).then_some(whole).into_iter().chain(by_public).collect()
            }
            other => {
                let Side::Known(meant) = sources(self.chart, self.model, other, false) else { return vec![] };
                let meant = meant.into_iter().filter(|s| s.family == source.family);
                meant.filter(|s| s.place == source.place || self.lives_in(s, source)).flat_map(|s| s.clients).collect()
            }
        }
    }

    /// Whether one source is an interface with known addresses in the subnet that another is.
    fn lives_in(&self, one: &Source, subnet: &Source) -> bool {
        let (Place::Interface(i), Place::Anybody(s)) = (one.place, subnet.place) else { return false };
        self.chart.interfaces.get(i).is_some_and(|at| at.subnet == s) && one.clients.iter().all(|r| r.lo == r.hi)
    }

    /// Exceptions that name groups which whoever is in a subnet could carry.
    fn excepted_groups(&self, family: Family, subnet: usize) -> Vec<(Vec<Traffic>, Vec<usize>)> {
        let vpc = self.chart.net.vpcs.get(self.chart.vpc_of(subnet)).map(|v| &v.id);
        let group = |value: &Value| {
            let id = match value {
                Value::Resource(address) => crate::net::Id::from(address.as_str()),
                Value::Text(id) => crate::net::Id::from(&**id),
                _ => return None,
            };
            self.chart.group(&id).filter(|g| self.chart.net.security_groups.get(*g).map(|g| &g.vpc) == vpc)
        };
        let mut found = vec![];
        for (services, from) in &self.statement.except {
            let groups: Vec<usize> = from.iter().filter_map(group).collect();
            if !groups.is_empty() {
                found.push((self.traffic(services, Range::PORTS, family), groups));
            }
        }
        found
    }

    /// Whether an exception takes nothing out.
    pub(super) fn has_useless_exception(&self, all: &[Source]) -> bool {
        self.statement.except.iter().any(|one| {
            let lone = crate::schema::model::Statement { except: vec![one.clone()], ..self.statement.clone() };
            let case = Case { statement: &lone, ..*self };
            !all.iter().any(|source| {
                let mut cut = case.exceptions_of(source);
                if let Place::Anybody(subnet) = source.place {
                    let everybody = [Range::all(source.family)];
                    cut.extend(case.excepted_groups(source.family, subnet).iter().flat_map(|(t, _)| cubes(&everybody, &everybody, t)));
                }
                let whole = self.traffic(&self.statement.services, Range::PORTS, source.family);
                let whole = cubes(&source.clients, &[Range::all(source.family)], &whole);
                let whole = without_own(self.chart, source, &Goal::Anybody(0), whole);
                whole.iter().any(|w| cut.iter().any(|c| w.put(Dim::FirstNat, NAT_PORTS).meet(c).is_some()))
            })
        })
    }

    /// Why an exception cannot be told.
    pub(super) fn obscure_exception(&self) -> Option<String> {
        self.statement.except.iter().flat_map(|(_, from)| from).find_map(|v| match sources(self.chart, self.model, v, false) {
            Side::Obscure(why) => Some(why),
            Side::Known(_) => None,
        })
    }

    /// Follows the answer to the witness back.
    fn with_answer(&self, source: &Source, goal: &Goal, mut failure: Failure) -> Failure {
        let Some((arrival, piece)) = failure.at.take() else { return failure };
        let mut one = arrival.clone();
        let corner = failure.witness.and_then(|w| piece.cube.meet(&w.put(Dim::Server, piece.cube.get(Dim::Server))));
        one.stream.pieces = vec![Piece { cube: corner.unwrap_or(piece.cube).corner(), ..piece }];
        if matches!(failure.goal, Place::Anybody(_)) || matches!(source.place, Place::Anybody(_)) {
            return failure;
        }
        let mut back = Walk { foreign: goal.foreign(), ..Walk::new(self.chart) };
        back.answer(&one);
        let way = back.arrivals.first().and_then(|a| a.stream.pieces.first()).map(|p| p.trail.steps());
        let lost = || back.losses.iter().chain(&back.unknown).map(|l| l.piece.trail.steps()).max_by_key(Vec::len);
        failure.returns = Some(way.is_some());
        if let Some(steps) = way.or_else(lost) {
            failure.steps = steps;
        }
        failure
    }
}
