//! Whether a `require` holds between one source and one goal. Layer 5.

use crate::prove::{
    ask::cubes,
    packet::{Cube, Dim, NAT_PORTS, Range, without_boxes},
    reason::Reason,
    walk::{Arrival, Line, Loss, Place, Spot, Step, Walk},
};

use super::{
    BOXES_MAX, CLIENT_PORTS, Case, Failure, Found, OWN_CLIENT_PORTS,
    mend::{self, Wanted},
    side::{Goal, Hit, Source},
    without_own,
};

/// How conversations by one way fare.
struct Fared {
    asked: Vec<Cube>,
    /// Those that work.
    good: Vec<Cube>,
    /// Those that may work for all that is known.
    maybe: Vec<Cube>,
    /// Why that is not known.
    doubt: Option<(String, Vec<Step>)>,
}

impl Case<'_, '_> {
    /// The client ports that the statement is about.
    pub(super) fn client_ports(&self, source: &Source) -> Range {
        let own = matches!(source.place, Place::Interface(_));
        let default = if own { OWN_CLIENT_PORTS } else { CLIENT_PORTS };
        self.statement.client_ports.map_or(default, |(from, to)| Range::new(from.into(), to.into()))
    }

    /// `None` where the two sides have no family in common, or are one and the same interface.
    pub(super) fn require(&self, source: &Source, goal: &Goal) -> Option<Found> {
        let ports = self.client_ports(source);
        let traffic = self.traffic(&self.statement.services, ports, source.family);
        let ways = goal.ways_from(self.chart, source, true);
        // A service may be none of this family's: ICMP for IPv6 in IPv4.
        if traffic.is_empty() {
            return None;
        }
        // The internet and networks are wanted whole; of a thing's addresses, one must do.
        let whole = matches!(goal, Goal::Internet | Goal::Addresses(_));
        let one_by_one = |(place, servers): (Place, Vec<Range>)| -> Vec<(Place, Vec<Range>)> {
            if whole { vec![(place, servers)] } else { servers.into_iter().map(|s| (place, vec![s])).collect() }
        };
        let ways: Vec<(Place, Vec<Range>)> = ways.into_iter().flat_map(one_by_one).collect();
        let too_complex = || {
            self.note.iter().for_each(|note| note.lose());
            Some(Found::Unknown { reason: Reason::TooComplex.words(), steps: vec![] })
        };
        let (mut lacking, mut surely): (Option<Vec<Cube>>, Option<Vec<Cube>>) = (None, None);
        let (mut works, mut doubt, mut stopped, mut anything) = (vec![], None, vec![], false);
        for (place, servers) in &ways {
            let fared = self.fare(source, goal, *place, cubes(&source.clients, servers, &traffic));
            let Some(left) = without_boxes(fared.asked.clone(), &fared.good, BOXES_MAX) else { return too_complex() };
            let Some(sure) = without_boxes(left.clone(), &fared.maybe, BOXES_MAX) else { return too_complex() };
            anything |= !fared.asked.is_empty();
            stopped.extend(sure.first().or(left.first()).map(|c| (*place, c.corner())));
            let reduce = |cubes: Vec<Cube>| if whole { cubes } else { cubes.into_iter().map(flat).collect() };
            lacking = Some(both(lacking, reduce(left)));
            surely = Some(both(surely, reduce(sure)));
            works.extend(fared.good);
            doubt = doubt.or(fared.doubt);
            if lacking.as_ref().is_some_and(|l| l.len() > BOXES_MAX) {
                return too_complex();
            }
        }
        let lacking = lacking.filter(|_| anything)?;
        if lacking.is_empty() {
            return Some(self.unread(source, goal).unwrap_or(Found::Holds));
        }
        if surely.is_none_or(|s| s.is_empty()) {
            let (reason, steps) = doubt.unwrap_or_else(|| (Reason::TooComplex.words(), vec![]));
            return Some(Found::Unknown { reason, steps });
        }
        let failure = Failure { ports, cubes: lacking, works, ..Failure::between(self.chart, source, goal) };
        Some(Found::Fails(Box::new(self.explained(source, goal, failure, stopped))))
    }

    /// The lines that some of what is required passes, there and back.
    pub(super) fn lines_of(&self, source: &Source, goal: &Goal) -> Vec<Line> {
        let traffic = self.traffic(&self.statement.services, self.client_ports(source), source.family);
        let mut lines = vec![];
        for (place, servers) in goal.ways_from(self.chart, source, true) {
            let asked = without_own(self.chart, source, goal, cubes(&source.clients, &servers, &traffic));
            let (mut forth, mut back) = (self.errand(goal), self.errand(goal));
            forth.send(place, source.family, asked);
            forth.arrivals.iter().for_each(|arrival| back.answer(arrival));
            lines.extend(lines_back(&back));
        }
        lines
    }

    /// A walk of what goes to a goal.
    fn errand(&self, goal: &Goal) -> Walk<'_, '_> {
        Walk { foreign: goal.foreign(), meant: goal.meant(), ..Walk::new(self.chart) }
    }

    /// Sends conversations and their answers.
    fn fare(&self, source: &Source, goal: &Goal, place: Place, cubes: Vec<Cube>) -> Fared {
        let asked = without_own(self.chart, source, goal, cubes);
        let (mut forth, mut back) = (self.errand(goal), self.errand(goal));
        forth.send(place, source.family, asked.clone());
        let mut fared = Fared { asked, good: vec![], maybe: vec![], doubt: None };
        let note = self.note.filter(|note| note.wants());
        let mut aside = self.errand(goal);
        for arrival in &forth.arrivals {
            let empty = || Arrival { place: arrival.place, stream: arrival.stream.clone_head() };
            let (mut there, mut elsewhere) = (empty(), empty());
            for piece in &arrival.stream.pieces {
                let sent = arrival.stream.sent(piece.cube);
                let hit = goal.hit(&arrival.place, source.family, &sent);
                if hit != Hit::Yes && note.is_some() {
                    elsewhere.stream.pieces.push(piece.clone());
                }
                match hit {
                    Hit::Yes => there.stream.pieces.push(piece.clone()),
                    Hit::No => {}
                    Hit::Adrift => {
                        let Place::Behind(spot) = arrival.place else { continue };
                        fared.maybe.push(sent);
                        fared.doubt.get_or_insert_with(|| (self.adrift(spot), piece.trail.steps()));
                    }
                }
            }
            if !there.stream.pieces.is_empty() {
                back.answer(&there);
            }
            if !elsewhere.stream.pieces.is_empty() {
                aside.answer(&elsewhere);
            }
        }
        if let Some(note) = note {
            note.add(lines_back(&back).chain(lines_back(&aside)), forth.most + back.most + aside.most);
        }
        for arrival in &back.arrivals {
            for piece in &arrival.stream.pieces {
                let sent = arrival.stream.sent(piece.cube);
                match &piece.doubt {
                    None => fared.good.push(sent),
                    Some(reason) => {
                        fared.maybe.push(sent);
                        fared.doubt.get_or_insert_with(|| (reason.words(), piece.trail.steps()));
                    }
                }
            }
        }
        for loss in forth.unknown.iter().chain(&back.unknown) {
            fared.maybe.push(loss.sent());
            fared.doubt.get_or_insert_with(|| self.unknown_at(loss));
        }
        fared
    }

    fn unknown_at(&self, loss: &Loss) -> (String, Vec<Step>) {
        let steps = loss.piece.trail.steps();
        let at = steps.last().map_or(String::new(), |s| format!("`{}` ", self.chart.name(s.spot)));
        (format!("{at}{}", loss.reason.words()), steps)
    }

    /// What is said of packets that leave the model with a public destination by a way of which nobody knows the end.
    pub(super) fn adrift(&self, spot: Spot) -> String {
        format!("it leaves by `{}` with a public destination, and what lies behind that is not known", self.chart.name(spot))
    }

    /// An existing VPC of which not everything was read may hold what stops a flow.
    fn unread(&self, source: &Source, goal: &Goal) -> Option<Found> {
        let mut vpcs = goal.vpcs(self.chart);
        if let Place::Interface(i) = source.place {
            vpcs.push(self.chart.vpc_of_interface(i));
        }
        let ids: Vec<_> = vpcs.iter().filter_map(|v| self.chart.net.vpcs.get(*v)).map(|v| &v.id).collect();
        let door = self.chart.net.doors.iter().find(|d| d.vpc.as_ref().is_some_and(|v| ids.contains(&v) && d.id == *v))?;
        Some(Found::Unknown { reason: format!("`{}` is {}", door.id, door.what), steps: vec![] })
    }

    /// The way with the fewest obstacles, all of them, and what would mend them.
    fn explained(&self, source: &Source, goal: &Goal, failure: Failure, stopped: Vec<(Place, Cube)>) -> Failure {
        let wanted = Wanted {
            model: self.model,
            source,
            goal,
            ports: failure.ports,
            services: mend::services(&self.statement.services, &failure.cubes, source.family),
        };
        let mends = stopped.into_iter().map(|(place, witness)| wanted.mend(self.chart, place, witness));
        let Some(best) = mends.min_by_key(|m| (!m.complete, m.obstacles.len())) else { return failure };
        Failure { witness: best.witness, steps: best.steps.clone(), mend: Some(best), ..failure }
    }
}

/// The lines, there and back, of the answers that have come home.
fn lines_back(back: &Walk<'_, '_>) -> impl Iterator<Item = Line> {
    back.arrivals.iter().flat_map(|a| &a.stream.pieces).flat_map(|p| p.trail.lines()).map(|(line, _)| line)
}

/// What lacks by one way lacks only if it lacks by every other, too.
fn both(before: Option<Vec<Cube>>, now: Vec<Cube>) -> Vec<Cube> {
    match before {
        None => now,
        Some(before) => before.iter().flat_map(|b| now.iter().filter_map(|n| b.meet(n))).collect(),
    }
}

/// A conversation without the address it goes to and the ports that NAT gateways choose.
fn flat(cube: Cube) -> Cube {
    cube.put(Dim::Server, Range::one(0)).put(Dim::FirstNat, NAT_PORTS).put(Dim::SecondNat, NAT_PORTS)
}
