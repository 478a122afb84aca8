//! Sends sets of packets through a network, and their answers back. Layer 5.
//!
//! A [`Stream`] is a set of packets at one place, as [`Piece`]s that remember their way. Filters narrow its pieces,
//! routes and gateways split it and send it on, until each part arrives or is lost. When a walk explains, its packets are
//! single ones and a filter that denies them is written down and passed all the same, so that the way shows every
//! blocker and not the first alone.

use std::rc::Rc;

use crate::{
    base::cidr::Family,
    net::Owner,
    prove::{
        chart::{Chart, entry_headers},
        packet::{Cube, Dim, Field, Header, ICMP_ASKING, Range, View, icmp_answer, protocol},
        reason::Reason,
    },
};

mod between;
mod gateway;
mod group;
mod rounds;

/// How many routers a packet is followed through; AWS has no network that needs as many.
const ROUTERS_MAX: u8 = 24;
/// How many pieces a stream may have.
pub(in crate::prove) const PIECES_MAX: usize = 20_000;
/// How many losses are kept for explanation.
const LOSSES_MAX: usize = 2_000;

/// Something that a packet meets. The numbers are those of the network's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spot {
    /// An interface.
    Interface(usize),
    /// A subnet.
    Subnet(usize),
    /// A VPC.
    Vpc(usize),
    /// A route table.
    Table(usize),
    /// A network ACL.
    Acl(usize),
    /// A security group.
    Group(usize),
    /// An internet gateway.
    InternetGateway(usize),
    /// An egress-only internet gateway.
    EgressOnlyGateway(usize),
    /// A NAT gateway.
    NatGateway(usize),
    /// A peering.
    Peering(usize),
    /// A transit gateway.
    TransitGateway(usize),
    /// An attachment to a transit gateway.
    Attachment(usize),
    /// A table of a transit gateway.
    TransitTable(usize),
    /// An endpoint.
    Endpoint(usize),
    /// A VPN gateway.
    VpnGateway(usize),
    /// The internet.
    Internet,
}

/// The line of the configuration that decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Line {
    /// A rule of a group for what comes in: group, number in its list.
    Ingress(usize, usize),
    /// A rule of a group for what goes out.
    Egress(usize, usize),
    /// An entry of an ACL for what enters.
    In(usize, usize),
    /// An entry of an ACL for what leaves.
    Out(usize, usize),
    /// A route.
    Route(usize, usize),
    /// A route of a transit gateway.
    TransitRoute(usize, usize),
}

impl Line {
    /// What it belongs to.
    #[must_use]
    pub fn owner(self) -> Spot {
        match self {
            Line::Ingress(group, _) | Line::Egress(group, _) => Spot::Group(group),
            Line::In(acl, _) | Line::Out(acl, _) => Spot::Acl(acl),
            Line::Route(table, _) => Spot::Table(table),
            Line::TransitRoute(table, _) => Spot::TransitTable(table),
        }
    }
}

/// What a gateway writes into the headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rewrite {
    /// Another source address.
    Source(Range),
    /// Another destination address.
    Destination(Range),
}

/// One step of a packet's way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it meets.
    pub spot: Spot,
    /// The line that lets it pass, sends it on, or denies it.
    pub line: Option<Line>,
    /// What is written into its headers.
    pub rewrite: Option<Rewrite>,
    /// Why it stops here. In a walk that explains, it goes on all the same where it can.
    pub stop: Option<Reason>,
    /// Whether this is on the answer's way.
    pub answer: bool,
}

/// The way of a packet so far, latest step first; ways share their beginnings.
#[derive(Debug, Clone, Default)]
pub struct Trail(Option<Rc<(Step, Trail, usize)>>);

impl Trail {
    /// How many steps.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |node| node.2)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// One more step.
    #[must_use]
    pub fn then(&self, step: Step) -> Trail {
        Trail(Some(Rc::new((step, self.clone(), self.len() + 1))))
    }

    /// The lines on it, in order, each with whether it is on the answer's way.
    #[must_use]
    pub fn lines(&self) -> Vec<(Line, bool)> {
        let mut lines = vec![];
        let mut at = &self.0;
        while let Some(node) = at {
            lines.extend(node.0.line.map(|line| (line, node.0.answer)));
            at = &node.1.0;
        }
        lines.reverse();
        lines
    }

    /// In the order in which they were made.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = vec![];
        let mut at = &self.0;
        while let Some(node) = at {
            steps.push(node.0.clone());
            at = &node.1.0;
        }
        steps.reverse();
        steps
    }
}

/// Packets with one way behind them.
#[derive(Debug, Clone)]
pub struct Piece {
    /// Which conversations.
    pub cube: Cube,
    /// Their way.
    pub trail: Trail,
    /// Why it is not sure that they got here.
    pub doubt: Option<Reason>,
    /// The group that the destination must carry, because a rule for what goes out said so: the group with the rule, the
    /// group it names.
    pub(in crate::prove) pending: Option<(usize, usize)>,
}

/// Where a conversation begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// An interface.
    Interface(usize),
    /// An address in a subnet, whoever has it.
    Host(usize),
    /// Any interface that is or could be in a subnet, with any group.
    Anybody(usize),
    /// The internet.
    Internet,
    /// Behind a gateway: a service, another network, another site.
    Behind(Spot),
}

/// A translation at a NAT gateway, to be undone on the way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Session {
    gateway: usize,
    source: Field,
    port: Option<Field>,
}

/// Packets at one place.
#[derive(Debug, Clone)]
pub struct Stream {
    /// IPv4 or IPv6.
    pub family: Family,
    /// How their headers look.
    pub view: View,
    /// Which.
    pub pieces: Vec<Piece>,
    /// Whether they are answers.
    pub answer: bool,
    /// Who began the conversation.
    client: Place,
    /// The destination as the client wrote it.
    asked: Field,
    /// Who sends them, with the source address as it is now.
    pub speaker: Place,
    /// The VPC in which groups still know the sender by its address.
    identity: Option<usize>,
    sessions: Vec<Session>,
    routers: u8,
    /// Among how many ways AWS may have chosen so far.
    ways: usize,
    past: rounds::Past,
    /// The way out that the first packet took, for answers that come back by it.
    exit: Option<Spot>,
}

/// Packets that arrived.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Where.
    pub place: Place,
    /// Which.
    pub stream: Stream,
}

/// Packets that got no further.
#[derive(Debug, Clone)]
pub struct Loss {
    /// Which, and their way; the last step says why.
    pub piece: Piece,
    /// The destination as the client wrote it.
    pub asked: Field,
    /// Why.
    pub reason: Reason,
}

/// A walk through a network.
pub struct Walk<'c, 'n> {
    /// The network.
    pub chart: &'c Chart<'n>,
    /// Whether denials are written down and passed: for single packets only.
    pub explain: bool,
    /// Subnets in which every address has an interface that takes everything.
    pub anybody: Vec<usize>,
    /// Groups that nobody who could be in a subnet carries.
    pub barred: Vec<usize>,
    /// Whether public destinations are understood to be none of the model's own, however wide the sets are.
    pub foreign: bool,
    /// Interfaces that everything is meant for: the address that AWS has yet to choose for one is none that another has.
    pub meant: Vec<usize>,
    /// Whether only what leaves the model counts: what begins a conversation with an address in a VPC is not followed.
    pub outward: bool,
    /// What arrived.
    pub arrivals: Vec<Arrival>,
    /// What did not, the most telling first lost.
    pub losses: Vec<Loss>,
    /// What may arrive for all that is known.
    pub unknown: Vec<Loss>,
    /// The most pieces of a stream that came out of a filter.
    pub most: usize,
}

impl<'c, 'n> Walk<'c, 'n> {
    /// A walk that has not begun.
    #[must_use]
    pub fn new(chart: &'c Chart<'n>) -> Self {
        let (anybody, barred, meant, arrivals, losses, unknown) = (vec![], vec![], vec![], vec![], vec![], vec![]);
        Self { chart, explain: false, anybody, barred, foreign: false, meant, outward: false, arrivals, losses, unknown, most: 0 }
    }

    /// Another of the same kind that has not begun.
    fn like(&self) -> Self {
        let (anybody, barred, meant) = (self.anybody.clone(), self.barred.clone(), self.meant.clone());
        Self { explain: self.explain, anybody, barred, foreign: self.foreign, meant, outward: self.outward, ..Self::new(self.chart) }
    }

    /// Sends conversations from a place. From an interface the cubes' clients are its addresses.
    pub fn send(&mut self, from: Place, family: Family, cubes: Vec<Cube>) {
        let pieces = cubes.into_iter().map(|cube| Piece { cube, trail: Trail::default(), doubt: None, pending: None }).collect();
        let identity = match from {
            Place::Interface(i) => Some(self.chart.vpc_of_interface(i)),
            Place::Host(s) | Place::Anybody(s) => Some(self.chart.vpc_of(s)),
            Place::Internet | Place::Behind(_) => None,
        };
        let stream = Stream {
            family,
            view: View::SENT,
            pieces,
            answer: false,
            client: from,
            asked: Field::Is(Dim::Server),
            speaker: from,
            identity,
            sessions: vec![],
            routers: 0,
            ways: 1,
            past: rounds::Past::default(),
            exit: None,
        };
        self.begin(from, stream);
    }

    /// Sends the answers of packets that arrived. What needs no answer arrives at once.
    pub fn answer(&mut self, arrival: &Arrival) {
        let forth = &arrival.stream;
        let head = Stream { answer: true, routers: 0, past: rounds::Past::default(), speaker: arrival.place, ..forth.clone_head() };
        let class = |numbers: Range, kinds: Range| -> Vec<Piece> {
            let cube = |p: &Piece| p.cube.within(Dim::Protocol, numbers)?.where_field(forth.view.first, kinds);
            forth.pieces.iter().filter_map(|p| Some(Piece { cube: cube(p)?, ..p.clone() })).collect()
        };
        for numbers in [Range::new(protocol::TCP, protocol::UDP), protocol::OTHERS] {
            let pieces = class(numbers, Range::new(0, u128::MAX));
            self.begin(arrival.place, Stream { pieces, view: forth.view.answered(), ..head.clone_head() });
        }
        let pings = Range::new(protocol::ICMP, protocol::ICMPV6);
        if forth.pieces.iter().all(|p| p.cube.within(Dim::Protocol, pings).is_none()) {
            return;
        }
        let mut last = forth.view.answered();
        for (number, kind) in ICMP_ASKING {
            let Some(answer) = icmp_answer(number, kind) else { continue };
            last = forth.view.answered_by(answer);
            self.begin(arrival.place, Stream { pieces: class(Range::one(number), Range::one(kind)), view: last, ..head.clone_head() });
        }
        let mut silent = Stream { view: last, ..head };
        for number in [protocol::ICMP, protocol::ICMPV6] {
            let mut unasked = vec![Range::BYTE];
            for (_, kind) in ICMP_ASKING.iter().filter(|(n, _)| *n == number) {
                unasked = crate::prove::packet::without_ranges(&unasked, &[Range::one(*kind)]);
            }
            for kinds in unasked {
                silent.pieces.extend(class(Range::one(number), kinds));
            }
        }
        if !silent.pieces.is_empty() {
            self.arrivals.push(Arrival { place: forth.client, stream: silent });
        }
    }

    fn begin(&mut self, from: Place, mut stream: Stream) {
        if stream.pieces.is_empty() {
            return;
        }
        match from {
            Place::Interface(i) => self.leave(i, stream),
            Place::Host(s) | Place::Anybody(s) => self.out_of_subnet(s, stream),
            Place::Internet => self.enter_from_internet(stream),
            Place::Behind(spot) => {
                stream.identity = None;
                self.enter_from_behind(spot, stream);
            }
        }
    }

    fn step(stream: &mut Stream, spot: Spot, line: Option<Line>, rewrite: Option<Rewrite>) {
        let answer = stream.answer;
        for piece in &mut stream.pieces {
            piece.trail = piece.trail.then(Step { spot, line, rewrite, stop: None, answer });
        }
    }

    /// Ends a stream.
    fn stop(&mut self, stream: Stream, spot: Spot, reason: Reason) {
        for piece in stream.pieces {
            self.lose(piece, (stream.asked, stream.answer), (spot, None), reason.clone());
        }
    }

    fn lose(&mut self, mut piece: Piece, (asked, answer): (Field, bool), (spot, line): (Spot, Option<Line>), reason: Reason) {
        piece.trail = piece.trail.then(Step { spot, line, rewrite: None, stop: Some(reason.clone()), answer });
        let loss = Loss { piece, asked, reason };
        if loss.reason.is_unknown() {
            self.unknown.push(loss);
        } else if self.losses.len() < LOSSES_MAX {
            self.losses.push(loss);
        }
    }

    /// Goes on with a stream though something is in its way, if this walk explains; else ends it.
    fn obstacle(&mut self, mut stream: Stream, spot: Spot, reason: Reason) -> Option<Stream> {
        if !self.explain {
            self.stop(stream, spot, reason);
            return None;
        }
        let answer = stream.answer;
        for piece in &mut stream.pieces {
            piece.trail = piece.trail.then(Step { spot, line: None, rewrite: None, stop: Some(reason.clone()), answer });
        }
        Some(stream)
    }

    /// Takes the part of a stream whose header has a field in a range out of it.
    fn split(stream: &mut Stream, field: Field, range: Range) -> Stream {
        let mut inside = stream.clone_head();
        if stream.pieces.iter().all(|p| p.cube.field(field).meet(range).is_none()) {
            return inside;
        }
        let mut outside = vec![];
        for piece in std::mem::take(&mut stream.pieces) {
            outside.extend(piece.cube.where_not(field, range).map(|cube| Piece { cube, ..piece.clone() }));
            if let Some(cube) = piece.cube.where_field(field, range) {
                inside.pieces.push(Piece { cube, ..piece });
            }
        }
        stream.pieces = outside;
        inside
    }

    /// The part of a stream whose header has a field in a range.
    fn part(stream: &Stream, field: Field, range: Range) -> Stream {
        let part = |p: &Piece| p.cube.where_field(field, range).map(|cube| Piece { cube, ..p.clone() });
        Stream { pieces: stream.pieces.iter().filter_map(part).collect(), ..stream.clone_head() }
    }

    /// Lets pass what a filter admits. `admit` adds cubes, each with the line that admits it, a doubt and a pending group;
    /// `denier` names the line that denies a packet, where there is one.
    fn filter(
        &mut self,
        mut stream: Stream,
        (spot, denied): (Spot, Reason),
        admit: impl Fn(&Piece, &View, &mut Vec<Admitted>),
        denier: impl Fn(&Cube, &View) -> Option<Line>,
    ) -> Stream {
        let mut passed: Vec<Piece> = vec![];
        let mut found: Vec<Admitted> = vec![];
        for piece in std::mem::take(&mut stream.pieces) {
            found.clear();
            admit(&piece, &stream.view, &mut found);
            if found.is_empty() && !self.explain {
                let line = denier(&piece.cube.corner(), &stream.view);
                self.lose(piece, (stream.asked, stream.answer), (spot, line), denied.clone());
                continue;
            }
            let before = passed.len();
            for one in found.drain(..) {
                let holds = |p: &Piece| p.doubt == piece.doubt && p.pending == piece.pending && p.cube.holds(&one.cube);
                let known = passed.get(before..).is_some_and(|earlier| earlier.iter().any(holds));
                if known {
                    continue;
                }
                let step = Step { spot: one.at.unwrap_or(spot), line: one.line, rewrite: None, stop: None, answer: stream.answer };
                passed.push(Piece {
                    cube: one.cube,
                    trail: piece.trail.then(step),
                    doubt: piece.doubt.clone().or(one.doubt),
                    pending: piece.pending.or(one.pending),
                });
            }
            if passed.len() == before {
                let line = denier(&piece.cube.corner(), &stream.view);
                let step = Step { spot, line, rewrite: None, stop: Some(denied.clone()), answer: stream.answer };
                passed.push(Piece { trail: piece.trail.then(step), ..piece });
            }
        }
        stream.pieces = passed;
        self.most = self.most.max(stream.pieces.len());
        if stream.pieces.len() > PIECES_MAX {
            let rest = Stream { pieces: std::mem::take(&mut stream.pieces), ..stream.clone_head() };
            self.stop(rest, spot, Reason::TooComplex);
        }
        stream
    }

    fn arrived(&mut self, place: Place, spot: Spot, mut stream: Stream) {
        if stream.answer {
            stream = self.fits_question(spot, stream);
        }
        if !stream.pieces.is_empty() {
            self.arrivals.push(Arrival { place, stream });
        }
    }

    /// The part of an answer that comes from the address that was asked.
    fn fits_question(&mut self, spot: Spot, mut stream: Stream) -> Stream {
        let (from, asked) = (stream.view.source, stream.asked);
        if from == asked {
            return stream;
        }
        let mut fitting = vec![];
        for piece in std::mem::take(&mut stream.pieces) {
            let part = match (from, asked) {
                (Field::Fixed(n), field) | (field, Field::Fixed(n)) => piece.cube.where_field(field, Range::one(n)),
                _ => None,
            };
            match part {
                Some(cube) => fitting.push(Piece { cube, ..piece }),
                None => self.lose(piece, (stream.asked, true), (spot, None), Reason::AnswerAstray),
            }
        }
        stream.pieces = fitting;
        stream
    }
}

/// What a filter lets pass of a piece.
struct Admitted {
    cube: Cube,
    line: Option<Line>,
    at: Option<Spot>,
    doubt: Option<Reason>,
    pending: Option<(usize, usize)>,
}

impl Loss {
    /// Its conversations as the client begins them.
    #[must_use]
    pub fn sent(&self) -> Cube {
        as_sent(self.piece.cube, self.asked)
    }
}

/// A conversation as the client begins it: to the address that it asks for.
fn as_sent(cube: Cube, asked: Field) -> Cube {
    match asked {
        Field::Fixed(n) => cube.put(Dim::Server, Range::one(n)),
        Field::Is(_) => cube,
    }
}

impl Stream {
    /// A cube of it as the client begins it.
    #[must_use]
    pub fn sent(&self, cube: Cube) -> Cube {
        as_sent(cube, self.asked)
    }

    /// All but the pieces.
    pub(in crate::prove) fn clone_head(&self) -> Stream {
        Stream {
            family: self.family,
            view: self.view,
            pieces: vec![],
            answer: self.answer,
            client: self.client,
            asked: self.asked,
            speaker: self.speaker,
            identity: self.identity,
            sessions: self.sessions.clone(),
            routers: self.routers,
            ways: self.ways,
            past: self.past.clone(),
            exit: self.exit,
        }
    }

    /// The lowest and highest that a field of the headers holds.
    fn hull(&self, field: Field) -> Option<Range> {
        let ranges = || self.pieces.iter().map(|p| p.cube.field(field));
        Some(Range::new(ranges().map(|r| r.lo).min()?, ranges().map(|r| r.hi).max()?))
    }
}

/// Networks that an internet gateway or a NAT gateway treats in a way of its own.
pub const NOT_ROUTED: [(Family, Range); 5] = [
    (Family::V4, gateway::PRIVATE[0]),
    (Family::V4, gateway::PRIVATE[1]),
    (Family::V4, gateway::PRIVATE[2]),
    (Family::V4, gateway::SHARED),
    (Family::V6, gateway::NAT64),
];

/// Addresses that a VPC's router never forwards.
///
/// <https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html#RouteTables>
pub const NEVER_FORWARDED: [(Family, Range); 2] = [
    // 169.254.168.0/22
    (Family::V4, Range { lo: 0xa9fe_a800, hi: 0xa9fe_abff }),
    // fd00:ec2::/32
    (Family::V6, Range { lo: 0xfd00_0ec2 << 96, hi: (0xfd00_0ec2 << 96) | (u128::MAX >> 32) }),
];

impl Walk<'_, '_> {
    /// Packets that an interface sends.
    fn leave(&mut self, interface: usize, mut stream: Stream) {
        let Some(at) = self.chart.interfaces.get(interface) else { return };
        let spot = Spot::Interface(interface);
        if !stream.answer {
            Self::step(&mut stream, spot, None, None);
            let owner = self.chart.net.interfaces.get(interface).map(|i| &i.owner);
            let wrong = match owner {
                Some(Owner::Nobody) => Some(Reason::NotAttached),
                Some(Owner::Instance { running: false, .. }) => Some(Reason::BadState),
                Some(Owner::Endpoint(_)) => Some(Reason::EndpointBegins),
                Some(Owner::Unmodelled { what, .. }) => {
                    // What it sends, and whether it does, is not known; its groups and the rest of the way are.
                    stream.doubt(&Reason::Unmodelled(what.clone()));
                    None
                }
                _ => None,
            };
            if let Some(reason) = wrong {
                let Some(on) = self.obstacle(stream, spot, reason) else { return };
                stream = on;
            }
            stream = self.through_groups(interface, stream, false);
        }
        let subnet = at.subnet;
        self.out_of_subnet(subnet, stream);
    }

    /// Packets that stand in a subnet and are on their way somewhere.
    fn out_of_subnet(&mut self, subnet: usize, stream: Stream) {
        let Some(at) = self.chart.subnets.get(subnet) else {
            return self.stop(stream, Spot::Subnet(subnet), Reason::Missing("a subnet".into()));
        };
        let (family, to) = (stream.family, stream.view.destination);
        let Some(mut stream) = self.out_of_fog(at.vpc, stream) else { return };
        Self::step(&mut stream, Spot::Subnet(subnet), None, None);
        for range in at.ranges.of(family) {
            let near = Self::split(&mut stream, to, *range);
            self.enter_subnet(subnet, near, false);
        }
        for (_, range) in NEVER_FORWARDED.iter().filter(|(f, _)| *f == family) {
            let never = Self::split(&mut stream, to, *range);
            self.stop(never, at.table.map_or(Spot::Subnet(subnet), Spot::Table), Reason::LinkLocal);
        }
        stream = self.through_acl(subnet, stream, false);
        self.route(subnet, stream);
    }

    /// Ends a stream in a VPC of which not everything is known.
    fn out_of_fog(&mut self, vpc: usize, stream: Stream) -> Option<Stream> {
        match self.chart.vpcs.get(vpc).and_then(|v| v.fog.clone()) {
            Some(what) => {
                self.stop(stream, Spot::Vpc(vpc), Reason::Fog(what));
                None
            }
            None => Some(stream),
        }
    }

    /// What a subnet's ACL lets pass.
    fn through_acl(&mut self, subnet: usize, mut stream: Stream, inbound: bool) -> Stream {
        let chart = self.chart;
        let Some((number, acl)) = chart.subnets.get(subnet).and_then(|s| s.acl).and_then(|a| Some((a, chart.acls.get(a)?))) else {
            stream.doubt(&Reason::Missing("the network ACL of a subnet".into()));
            return stream;
        };
        let spot = Spot::Acl(number);
        if acl.too_complex && !stream.pieces.is_empty() {
            self.stop(stream.clone(), spot, Reason::TooComplex);
            return stream.clone_head();
        }
        let boxes: &[(Header, usize)] = if inbound { acl.inbound.of(stream.family) } else { acl.outbound.of(stream.family) };
        let admit = |piece: &Piece, view: &View, found: &mut Vec<Admitted>| {
            for (header, entry) in boxes {
                if let Some(cube) = piece.cube.where_header(view, header) {
                    let line = Some(if inbound { Line::In(number, *entry) } else { Line::Out(number, *entry) });
                    found.push(Admitted { cube, line, at: None, doubt: None, pending: None });
                }
            }
        };
        let family = stream.family;
        let denier = |cube: &Cube, view: &View| {
            let entries = chart.net.network_acls.get(number).map_or(&[][..], |a| if inbound { &a.inbound } else { &a.outbound });
            let first = entries.iter().position(|e| entry_headers(e, family, inbound).iter().any(|h| cube.where_header(view, h).is_some()));
            first.map(|entry| if inbound { Line::In(number, entry) } else { Line::Out(number, entry) })
        };
        self.filter(stream, (spot, Reason::AclDenies), admit, denier)
    }

    /// Packets for addresses of a VPC, at its router. `from` is the subnet they come out of.
    fn enter_vpc(&mut self, vpc: usize, stream: Stream, from: Option<usize>) {
        let Some(at) = self.chart.vpcs.get(vpc) else {
            return self.stop(stream, Spot::Vpc(vpc), Reason::Missing("a VPC".into()));
        };
        if stream.pieces.is_empty() || (self.outward && !stream.answer) {
            return;
        }
        let Some(mut stream) = self.out_of_fog(vpc, stream) else { return };
        Self::step(&mut stream, Spot::Vpc(vpc), None, None);
        let (family, to) = (stream.family, stream.view.destination);
        let Some(hull) = stream.hull(to) else { return };
        for subnet in &at.subnets {
            let ranges = self.chart.subnets.get(*subnet).map_or(&[][..], |s| s.ranges.of(family).as_slice());
            for range in ranges.iter().filter(|r| r.meet(hull).is_some()) {
                let there = Self::split(&mut stream, to, *range);
                self.enter_subnet(*subnet, there, from != Some(*subnet));
            }
        }
        self.stop(stream, Spot::Vpc(vpc), Reason::NoSubnet);
    }

    /// Packets for addresses of a subnet, at its edge or in it.
    fn enter_subnet(&mut self, subnet: usize, mut stream: Stream, guarded: bool) {
        let Some(at) = self.chart.subnets.get(subnet) else { return };
        if stream.pieces.is_empty() || (self.outward && !stream.answer) {
            return;
        }
        if guarded {
            Self::step(&mut stream, Spot::Subnet(subnet), None, None);
            stream = self.through_acl(subnet, stream, true);
        }
        if self.anybody.contains(&subnet) && !stream.answer {
            // Whoever is there could carry the group that a rule for what goes out asks for.
            let known = stream.identity.is_some();
            stream.pieces.iter_mut().filter(|_| known).for_each(|p| p.pending = None);
            let stream = self.settle_pending(stream, None);
            return self.arrived(Place::Anybody(subnet), Spot::Subnet(subnet), stream);
        }
        let (family, to) = (stream.family, stream.view.destination);
        if let (true, Place::Host(home) | Place::Anybody(home)) = (stream.answer && to == Field::Is(Dim::Client), stream.client)
            && home == subnet
        {
            return self.arrived(stream.client, Spot::Subnet(subnet), stream);
        }
        // The answer goes to the interface that asked, whichever of its possible addresses it has.
        if let (true, Place::Interface(i)) = (stream.answer && to == Field::Is(Dim::Client), stream.client)
            && self.chart.interfaces.get(i).is_some_and(|at| at.subnet == subnet)
        {
            return self.at_interface(i, stream);
        }
        let (meant, others): (Vec<_>, Vec<_>) = at.spreads.of(family).iter().partition(|(_, interface, _)| self.meant.contains(interface));
        let mut taken = self.at_spreads(&stream, &meant);
        let addresses = at.addresses.of(family);
        let Some(hull) = stream.hull(to) else { return };
        let first = addresses.partition_point(|(n, ..)| *n < hull.lo);
        for (n, interface, _) in addresses.get(first..).unwrap_or(&[]).iter().take_while(|(n, ..)| *n <= hull.hi) {
            let here = Self::split(&mut stream, to, Range::one(*n));
            self.at_interface(*interface, here);
        }
        taken.extend(self.at_spreads(&stream, &others));
        for range in taken {
            let _ = Self::split(&mut stream, to, range);
        }
        self.stop(stream, Spot::Subnet(subnet), Reason::NoInterface);
    }

    /// Packets at interfaces that have an address in a range each. Several may have ranges in common: each takes its
    /// packets, whoever it will be in the end. Gives the ranges that took any.
    fn at_spreads(&mut self, stream: &Stream, spreads: &[&(Range, usize, usize)]) -> Vec<Range> {
        let mut taken = vec![];
        for (range, interface, _) in spreads {
            let here = Self::part(stream, stream.view.destination, *range);
            if !here.pieces.is_empty() {
                taken.push(*range);
                self.at_interface(*interface, here);
            }
        }
        taken
    }

    /// Packets at an interface that has their destination.
    fn at_interface(&mut self, interface: usize, mut stream: Stream) {
        let chart = self.chart;
        let (Some(at), false) = (chart.net.interfaces.get(interface), stream.pieces.is_empty()) else { return };
        let spot = Spot::Interface(interface);
        Self::step(&mut stream, spot, None, None);
        let wrong = match &at.owner {
            Owner::NatGateway(id) => return self.at_nat_gateway(chart.nat_gateway(id), interface, stream),
            Owner::Unmodelled { what, .. } => return self.stop(stream, spot, Reason::Unmodelled(what.clone())),
            Owner::TransitGateway => return self.stop(stream, spot, Reason::NoPossibleDestination),
            // Whoever gets an answer has sent something.
            Owner::Nobody | Owner::Instance { .. } if stream.answer => None,
            Owner::Nobody => Some(Reason::NotAttached),
            Owner::Instance { running: false, .. } => Some(Reason::BadState),
            Owner::Instance { .. } | Owner::Endpoint(_) | Owner::Other(_) => None,
        };
        if let Some(reason) = wrong {
            let Some(on) = self.obstacle(stream, spot, reason) else { return };
            stream = on;
        }
        if stream.answer {
            if stream.client == Place::Interface(interface) {
                return self.arrived(stream.client, spot, stream);
            }
            return self.stop(stream, spot, Reason::AnswerAstray);
        }
        // What a machine sends to itself stays in it; by its public address it comes back from the internet like anything else.
        if stream.speaker != Place::Interface(interface) || stream.identity.is_none() {
            stream = self.settle_pending(stream, Some(interface));
            stream = self.through_groups(interface, stream, true);
        }
        self.arrived(Place::Interface(interface), spot, stream);
    }
}
