//! One question: does a conversation work, which part of it, by which way, and what stops the rest? Layer 5.

use std::cmp::Reverse;

use crate::{
    base::cidr::Family,
    net::Owner,
    prove::{
        chart::Chart,
        packet::{Cube, NAT_PORTS, Range, Traffic},
        reason::Reason,
        walk::{Arrival, Loss, Place, Rewrite, Spot, Step, Trail, Walk},
    },
};

/// What was found.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// It works, for these conversations as the client begins them.
    Works(Vec<Cube>),
    /// It does not work.
    Stopped,
    /// It may work, for all that is known.
    Unknown(Reason),
}

/// The answer to a question.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Whether it works.
    pub verdict: Verdict,
    /// One conversation as the client begins it: one that works, or else the one that gets furthest.
    pub witness: Option<Cube>,
    /// Its way there and, if it arrives, back; what stops it stands at the steps where it does.
    pub steps: Vec<Step>,
    /// Where it arrives, if it does.
    pub place: Option<Place>,
}

impl Finding {
    /// What stops the conversation, in the order in which it meets it.
    pub fn blockers(&self) -> impl Iterator<Item = (&Step, &Reason)> {
        self.steps.iter().filter_map(|s| s.stop.as_ref().map(|reason| (s, reason)))
    }
}

/// Conversations between addresses.
#[must_use]
pub fn cubes(from: &[Range], to: &[Range], traffic: &[Traffic]) -> Vec<Cube> {
    let mut cubes = vec![];
    for client in from {
        for server in to {
            for [number, first, second] in traffic {
                let cube = crate::prove::packet::Cuboid([*client, *first, *server, *second, *number, NAT_PORTS, NAT_PORTS]);
                cubes.push(cube);
            }
        }
    }
    cubes
}

/// A question: whether these conversations work.
#[derive(Debug, Clone)]
pub struct Question {
    /// Where they begin.
    pub from: Place,
    /// IPv4 or IPv6.
    pub family: Family,
    /// Which.
    pub cubes: Vec<Cube>,
    /// Whether public destinations are understood to be none of the model's own.
    pub foreign: bool,
    /// Interfaces that they are meant for, if they are known.
    pub meant: Vec<usize>,
    /// Something that they must pass on the way there.
    pub via: Option<Spot>,
}

/// Sends conversations and their answers; those that arrive where `there` says count.
#[must_use]
pub fn ask(chart: &Chart<'_>, question: &Question, there: impl Fn(&Place) -> bool) -> Finding {
    let begin = || Walk { foreign: question.foreign, meant: question.meant.clone(), ..Walk::new(chart) };
    let mut forth = begin();
    forth.send(question.from, question.family, question.cubes.clone());
    let mut back = begin();
    let arrivals: Vec<&Arrival> = forth.arrivals.iter().filter(|a| there(&a.place)).collect();
    for arrival in &arrivals {
        back.answer(arrival);
    }
    let mut works = vec![];
    let mut best: Option<(&Arrival, usize)> = None;
    let mut doubt = None;
    for arrival in &back.arrivals {
        for (i, piece) in arrival.stream.pieces.iter().enumerate() {
            if question.via.is_some_and(|via| !piece.trail.steps().iter().any(|s| s.spot == via && !s.answer)) {
                continue;
            }
            match &piece.doubt {
                None => {
                    works.push(arrival.stream.sent(piece.cube));
                    best = best.or(Some((arrival, i)));
                }
                Some(reason) => doubt = doubt.or(Some(reason.clone())),
            }
        }
    }
    if let Some((arrival, i)) = best {
        let piece = arrival.stream.pieces.get(i);
        return Finding {
            witness: piece.map(|p| arrival.stream.sent(p.cube).corner()),
            steps: piece.map_or_else(Vec::new, |p| p.trail.steps()),
            place: Some(arrival.stream.speaker),
            verdict: Verdict::Works(works),
        };
    }
    let lost_unknown = back.unknown.iter().chain(&forth.unknown).max_by_key(|l| l.piece.trail.len());
    if let Some(reason) = doubt.or(lost_unknown.map(|l| l.reason.clone())) {
        let steps = lost_unknown.map_or_else(Vec::new, |l| l.piece.trail.steps());
        return Finding { verdict: Verdict::Unknown(reason), witness: lost_unknown.map(|l| l.sent().corner()), steps, place: None };
    }
    let furthest = back.losses.iter().chain(&forth.losses).max_by_key(|l| l.piece.trail.len());
    furthest.map_or(Finding { verdict: Verdict::Stopped, witness: None, steps: vec![], place: None }, |loss| explain(chart, question, loss))
}

/// Sends the conversation of a loss once more, past everything that denies it, to see all that does.
fn explain(chart: &Chart<'_>, question: &Question, loss: &Loss) -> Finding {
    let single = loss.sent().corner();
    let begin = || Walk { explain: true, foreign: question.foreign, meant: question.meant.clone(), ..Walk::new(chart) };
    let mut forth = begin();
    forth.send(question.from, question.family, vec![single]);
    let mut back = begin();
    for arrival in &forth.arrivals {
        back.answer(arrival);
    }
    // Of several ways, the one with the fewest obstacles is the one to mend.
    let stops = |t: &Trail| t.steps().iter().filter(|s| s.stop.is_some()).count();
    let arrived = |walk: &Walk<'_, '_>| {
        let trails = walk.arrivals.iter().flat_map(|a| a.stream.pieces.iter().map(|p| p.trail.clone()));
        trails.min_by_key(stops)
    };
    let lost = |walk: &Walk<'_, '_>| {
        let trails = walk.losses.iter().chain(&walk.unknown).map(|l| l.piece.trail.clone());
        trails.max_by_key(|t| (t.len() - stops(t), Reverse(stops(t))))
    };
    let trail = arrived(&back).or_else(|| lost(&back)).or_else(|| arrived(&forth)).or_else(|| lost(&forth));
    let steps = trail.filter(|t| t.steps().iter().any(|s| s.stop.is_some())).unwrap_or_else(|| loss.piece.trail.clone()).steps();
    Finding { verdict: Verdict::Stopped, witness: Some(single), steps, place: None }
}

impl Chart<'_> {
    /// What a thing is called; an interface of a machine by the machine's id.
    #[must_use]
    pub fn name(&self, spot: Spot) -> String {
        let net = self.net;
        let id = match spot {
            Spot::Interface(i) => net.interfaces.get(i).map(|x| match &x.owner {
                Owner::Instance { id, .. } | Owner::NatGateway(id) | Owner::Endpoint(id) | Owner::Unmodelled { of: Some(id), .. } => id,
                _ => &x.id,
            }),
            Spot::Subnet(i) => net.subnets.get(i).map(|x| &x.id),
            Spot::Vpc(i) => net.vpcs.get(i).map(|x| &x.id),
            Spot::Table(i) => net.route_tables.get(i).map(|x| &x.id),
            Spot::Acl(i) => net.network_acls.get(i).map(|x| &x.id),
            Spot::Group(i) => net.security_groups.get(i).map(|x| &x.id),
            Spot::InternetGateway(i) => net.internet_gateways.get(i).map(|x| &x.id),
            Spot::EgressOnlyGateway(i) => net.egress_only_gateways.get(i).map(|x| &x.id),
            Spot::NatGateway(i) => net.nat_gateways.get(i).map(|x| &x.id),
            Spot::Peering(i) => net.peerings.get(i).map(|x| &x.id),
            Spot::TransitGateway(i) => net.transit_gateways.get(i).map(|x| &x.id),
            Spot::Attachment(i) => net.attachments.get(i).map(|x| &x.id),
            Spot::TransitTable(i) => net.transit_tables.get(i).map(|x| &x.id),
            Spot::Endpoint(i) => net.endpoints.get(i).map(|x| &x.id),
            Spot::VpnGateway(i) => net.vpn_gateways.get(i).map(|x| &x.id),
            Spot::Internet => None,
        };
        id.map_or_else(|| "the internet".into(), ToString::to_string)
    }

    /// The thing of this name.
    #[must_use]
    pub fn spot(&self, name: &str) -> Option<Spot> {
        let net = self.net;
        let count = |n: usize, spot: fn(usize) -> Spot| (0..n).map(spot);
        let all = count(net.interfaces.len(), Spot::Interface)
            .chain(count(net.subnets.len(), Spot::Subnet))
            .chain(count(net.vpcs.len(), Spot::Vpc))
            .chain(count(net.internet_gateways.len(), Spot::InternetGateway))
            .chain(count(net.egress_only_gateways.len(), Spot::EgressOnlyGateway))
            .chain(count(net.nat_gateways.len(), Spot::NatGateway))
            .chain(count(net.peerings.len(), Spot::Peering))
            .chain(count(net.transit_gateways.len(), Spot::TransitGateway))
            .chain(count(net.attachments.len(), Spot::Attachment))
            .chain(count(net.endpoints.len(), Spot::Endpoint))
            .chain(count(net.vpn_gateways.len(), Spot::VpnGateway));
        let mut named = all.filter(|spot| self.name(*spot) == name);
        named.next()
    }

    /// The things a packet passes, in order, without the filters and tables that they look into.
    #[must_use]
    pub fn path<'s>(&self, steps: impl IntoIterator<Item = &'s Step>) -> Vec<String> {
        let mut path: Vec<String> = vec![];
        for step in steps {
            let inner = matches!(
                step.spot,
                Spot::Table(_) | Spot::Acl(_) | Spot::Group(_) | Spot::Attachment(_) | Spot::TransitTable(_) | Spot::Internet
            );
            let name = self.name(step.spot);
            if !inner && path.last() != Some(&name) {
                path.push(name);
            }
        }
        path
    }
}

/// The source addresses that gateways give the packet, or its destinations, in order.
#[must_use]
pub fn rewritten(steps: &[Step], source: bool) -> Vec<u128> {
    let forth = steps.iter().filter(|s| !s.answer).filter_map(|s| s.rewrite);
    forth
        .filter_map(|rewrite| match rewrite {
            Rewrite::Source(range) if source => Some(range.lo),
            Rewrite::Destination(range) if !source => Some(range.lo),
            _ => None,
        })
        .collect()
}
