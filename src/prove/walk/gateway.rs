//! The route that a subnet's packets take, and the gateways to which routes lead. Layer 5.

use crate::{
    base::cidr::Family,
    net::{Block, Destination, Exclusion, Owner, Route, Target},
    prove::{
        chart::{CHOSEN, Choice},
        packet::{Dim, Field, NAT_PORTS, Range, icmp_answer, protocol},
        reason::Reason,
    },
};

use super::{Line, Piece, Place, ROUTERS_MAX, Rewrite, Session, Spot, Stream, Walk};

/// RFC 1918.
pub const PRIVATE: [Range; 3] =
    [Range { lo: 0x0a00_0000, hi: 0x0aff_ffff }, Range { lo: 0xac10_0000, hi: 0xac1f_ffff }, Range { lo: 0xc0a8_0000, hi: 0xc0a8_ffff }];
/// RFC 6598.
pub const SHARED: Range = Range { lo: 0x6440_0000, hi: 0x647f_ffff };
/// RFC 4193: local to sites, whatever VPC they are in.
const LOCAL: Range = Range { lo: 0xfc << 120, hi: (0xfd << 120) | (u128::MAX >> 8) };
/// IPv4 addresses written as IPv6, for NAT64: `64:ff9b::/96`.
pub(super) const NAT64: Range = Range { lo: 0x0064_ff9b << 96, hi: (0x0064_ff9b << 96) | 0xffff_ffff };

impl Walk<'_, '_> {
    /// Packets at the router, out of a subnet that lets them out.
    pub(super) fn route(&mut self, subnet: usize, mut stream: Stream) {
        if stream.pieces.is_empty() {
            return;
        }
        let chart = self.chart;
        let table = chart.subnets.get(subnet).and_then(|s| s.table);
        let Some((number, table)) = table.and_then(|t| Some((t, chart.tables.get(t)?))) else {
            return self.stop(stream, Spot::Subnet(subnet), Reason::Missing("the route table of a subnet".into()));
        };
        if chart.vpcs.get(chart.vpc_of(subnet)).is_none() {
            return self.stop(stream, Spot::Table(number), Reason::Missing("a VPC".into()));
        }
        stream.routers += 1;
        if stream.routers > ROUTERS_MAX {
            return self.stop(stream, Spot::Table(number), Reason::TooComplex);
        }
        let (family, to) = (stream.family, stream.view.destination);
        if !table.unknown.is_empty() {
            self.by_unknown_lists(subnet, number, &mut stream);
        }
        let Some(hull) = stream.hull(to) else { return };
        for (range, choice) in table.meeting(family, hull) {
            let there = Self::split(&mut stream, to, *range);
            if !there.pieces.is_empty() {
                self.follow(subnet, number, *choice, there);
            }
        }
        self.stop(stream, Spot::Table(number), Reason::NoRoute);
    }

    /// Packets outside the VPC may go by a route whose prefix list is not known, or not.
    fn by_unknown_lists(&mut self, subnet: usize, number: usize, stream: &mut Stream) {
        let chart = self.chart;
        let (family, to) = (stream.family, stream.view.destination);
        let mut local = stream.clone_head();
        for range in chart.vpcs.get(chart.vpc_of(subnet)).map_or(&[][..], |v| v.ranges.of(family).as_slice()) {
            local.pieces.extend(Self::split(stream, to, *range).pieces);
        }
        let unknown = chart.tables.get(number).map_or(0, |t| t.unknown.len());
        let outside = Stream { pieces: std::mem::take(&mut stream.pieces), ..stream.clone_head() };
        *stream = self.among(unknown + 1, outside, Spot::Table(number)).unwrap_or_else(|| stream.clone_head());
        for route in chart.tables.get(number).map_or(&[][..], |t| t.unknown.as_slice()) {
            let doubt = match chart.net.route_tables.get(number).and_then(|t| t.routes.get(*route)) {
                Some(Route { target: Target::VpnGateway(id), propagated: true, .. }) => Reason::UnknownRoutes(id.as_str().into()),
                Some(Route { destination: Destination::PrefixList(id), .. }) => Reason::UnknownList(id.as_str().into()),
                _ => Reason::UnknownList("?".into()),
            };
            for piece in &mut stream.pieces {
                piece.doubt.get_or_insert(doubt.clone());
            }
            if !stream.pieces.is_empty() {
                self.follow(subnet, number, Choice::Route(*route), stream.clone());
            }
        }
        stream.pieces.append(&mut local.pieces);
    }

    fn follow(&mut self, subnet: usize, table: usize, choice: Choice, mut stream: Stream) {
        let chart = self.chart;
        let vpc = chart.vpc_of(subnet);
        let number = match choice {
            Choice::Local => {
                Self::step(&mut stream, Spot::Table(table), None, None);
                return self.enter_vpc(vpc, stream, Some(subnet));
            }
            Choice::Route(number) => number,
            Choice::Unclear(_) => return self.stop(stream, Spot::Table(table), Reason::OverlappingLists),
        };
        let Some(route) = chart.net.route_tables.get(table).and_then(|t| t.routes.get(number)) else { return };
        if route.blackhole {
            return self.stop(stream, Spot::Table(table), Reason::Blackhole);
        }
        Self::step(&mut stream, Spot::Table(table), Some(Line::Route(table, number)), None);
        let missing = |what: &str| Reason::Missing(format!("{what} `{}`", route.target.name()).into());
        let here = Spot::Table(table);
        match &route.target {
            Target::Local => self.enter_vpc(vpc, stream, Some(subnet)),
            Target::InternetGateway(id) => match chart.internet_gateway(id) {
                Some(gateway) => self.out_by_internet_gateway(subnet, gateway, stream),
                None => self.stop(stream, here, missing("internet gateway")),
            },
            Target::EgressOnlyGateway(id) => match chart.egress_only_gateway(id) {
                Some(gateway) => self.out_by_egress_only_gateway(subnet, gateway, stream),
                None => self.stop(stream, here, missing("egress-only internet gateway")),
            },
            Target::NatGateway(id) => match chart.nat_gateway(id) {
                Some(gateway) => self.out_by_nat_gateway(subnet, gateway, stream),
                None => self.stop(stream, here, missing("NAT gateway")),
            },
            Target::Peering(id) => match chart.peering(id) {
                Some(peering) => self.out_by_peering(vpc, peering, stream),
                None => self.stop(stream, here, missing("peering")),
            },
            Target::TransitGateway(id) => match chart.transit_gateway(id) {
                Some(gateway) => self.out_by_transit_gateway(subnet, gateway, stream),
                None => self.stop(stream, here, missing("transit gateway")),
            },
            Target::Endpoint(id) => match chart.endpoint(id) {
                Some(endpoint) => self.out_by_endpoint(vpc, endpoint, stream),
                None => self.stop(stream, here, missing("endpoint")),
            },
            Target::Interface(id) => match chart.interface(id) {
                Some(interface) => self.out_by_interface(vpc, interface, stream),
                None => self.stop(stream, here, missing("interface")),
            },
            Target::VpnGateway(id) => match chart.vpn_gateway(id) {
                Some(gateway) => self.out_by_vpn_gateway(vpc, gateway, stream),
                None => self.stop(stream, here, missing("VPN gateway")),
            },
            Target::Unmodelled(id) => self.stop(stream, here, Reason::Unmodelled(format!("`{id}`").into())),
        }
    }

    /// How far Block Public Access closes a subnet, exclusions considered; `answer` was let through as the first packet was.
    fn closed(&self, subnet: usize, inbound: bool, by_nat: bool) -> bool {
        let net = self.chart.net;
        let (Some(subnet), Some(vpc)) = (net.subnets.get(subnet), net.vpcs.get(self.chart.vpc_of(subnet))) else { return false };
        let fits = |mine: &str, theirs: &str| mine.is_empty() || theirs.is_empty() || mine == theirs;
        let applies = |b: &&crate::net::BlockPublicAccess| fits(&b.region, &vpc.region) && fits(&b.account, &vpc.account);
        let Some(block) = net.block_public_access.iter().find(applies) else { return false };
        let excluded = block.exclusions.iter().find(|(id, _)| *id == subnet.id || *id == vpc.id).map(|(_, e)| *e);
        match (excluded, block.block) {
            (Some(Exclusion::Bidirectional), _) => false,
            (Some(Exclusion::Egress), _) => inbound,
            (None, Block::Bidirectional) => true,
            (None, Block::Ingress) => !by_nat,
        }
    }

    fn out_by_internet_gateway(&mut self, subnet: usize, gateway: usize, mut stream: Stream) {
        let chart = self.chart;
        let vpc = chart.vpc_of(subnet);
        let spot = Spot::InternetGateway(gateway);
        Self::step(&mut stream, Spot::Vpc(vpc), None, None);
        let attached = chart.net.internet_gateways.get(gateway).and_then(|g| g.vpc.as_ref());
        if attached.and_then(|id| chart.vpc(id)) != Some(vpc) {
            return self.stop(stream, spot, Reason::GatewayElsewhere);
        }
        let by_nat = matches!(stream.speaker, Place::Interface(i) if self.is_nat(i));
        if !stream.answer && self.closed(subnet, false, by_nat) {
            let Some(on) = self.obstacle(stream, spot, Reason::PublicAccessBlocked) else { return };
            stream = on;
        }
        if stream.family == Family::V6 {
            stream = self.only_own(vpc, stream, spot);
            Self::step(&mut stream, spot, None, None);
            stream.identity = None;
            return self.onto_internet(spot, vpc, stream);
        }
        if let Place::Anybody(_) = stream.speaker {
            // It could have a public address; which one, AWS chooses.
            Self::step(&mut stream, spot, None, Some(Rewrite::Source(Range::one(CHOSEN))));
            stream.view.source = Field::Fixed(CHOSEN);
            stream.identity = None;
            return self.onto_internet(spot, vpc, stream);
        }
        let owners: Vec<usize> = match stream.speaker {
            Place::Interface(i) if chart.vpc_of_interface(i) == vpc => vec![i],
            Place::Host(_) => self.interfaces_in(subnet, &stream),
            _ => vec![],
        };
        let from = stream.view.source;
        for interface in owners {
            for address in chart.interfaces.get(interface).map_or(&[][..], |i| i.addresses.as_slice()) {
                let (Family::V4, Some(public)) = (address.family, address.public) else { continue };
                let mut out = Self::split(&mut stream, from, address.range);
                if out.pieces.is_empty() {
                    continue;
                }
                out.view.source = Field::Fixed(public);
                Self::step(&mut out, spot, None, Some(Rewrite::Source(Range::one(public))));
                out.identity = None;
                self.onto_internet(spot, vpc, out);
            }
        }
        self.stop(stream, spot, Reason::NoPublicAddress);
    }

    /// Drops what has a source address that is not the VPC's: IPv6 is not translated, and gateways reject what is spoofed.
    fn only_own(&mut self, vpc: usize, mut stream: Stream, spot: Spot) -> Stream {
        let chart = self.chart;
        let from = stream.view.source;
        let mut own = stream.clone_head();
        for range in chart.vpcs.get(vpc).map_or(&[][..], |v| v.ranges.of(stream.family).as_slice()) {
            own.pieces.extend(Self::split(&mut stream, from, *range).pieces);
        }
        self.stop(stream, spot, Reason::Spoofed);
        own
    }

    fn is_nat(&self, interface: usize) -> bool {
        matches!(self.chart.net.interfaces.get(interface).map(|i| &i.owner), Some(Owner::NatGateway(_)))
    }

    /// The interfaces of a subnet's VPC whose addresses a stream has for sources.
    fn interfaces_in(&self, subnet: usize, stream: &Stream) -> Vec<usize> {
        let vpc = self.chart.vpc_of(subnet);
        let subnets = self.chart.vpcs.get(vpc).map_or(&[][..], |v| v.subnets.as_slice());
        let Some(hull) = stream.hull(stream.view.source) else { return vec![] };
        let listed = subnets.iter().filter_map(|s| self.chart.subnets.get(*s)).flat_map(|s| s.addresses.of(stream.family));
        listed.filter(|(n, ..)| hull.has(*n)).map(|(_, i, _)| *i).collect()
    }

    /// Packets that leave a VPC for the internet: out there, or into another VPC from there.
    fn onto_internet(&mut self, spot: Spot, vpc: usize, mut stream: Stream) {
        let chart = self.chart;
        let (family, to) = (stream.family, stream.view.destination);
        stream.routers += 1;
        if stream.routers > ROUTERS_MAX {
            return self.stop(stream, spot, Reason::TooComplex);
        }
        stream = self.settle_pending(stream, None);
        stream = self.without_local(stream, to, spot, false);
        let from = stream.view.source;
        stream = self.without_local(stream, from, spot, true);
        if family == Family::V4 {
            let Some(hull) = stream.hull(to) else { return };
            if hull.lo == hull.hi {
                if let Some((interface, _)) = chart.publics.get(&hull.lo) {
                    let owner = chart.vpc_of_interface(*interface);
                    return self.enter_by_internet_gateway(owner, stream);
                }
            } else if !self.foreign {
                let known: Vec<(u128, usize)> =
                    chart.publics.range(hull.lo..=hull.hi).map(|(public, (owner, _))| (*public, *owner)).collect();
                for (public, interface) in known {
                    let into = Self::split(&mut stream, to, Range::one(public));
                    if !into.pieces.is_empty() {
                        self.enter_by_internet_gateway(chart.vpc_of_interface(interface), into);
                    }
                }
            }
        } else {
            for (other, at) in chart.vpcs.iter().enumerate() {
                for range in at.ranges.of(family) {
                    let into = Self::split(&mut stream, to, *range);
                    if other == vpc {
                        self.stop(into, spot, Reason::DestinationInVpc);
                    } else if !into.pieces.is_empty() {
                        self.enter_by_internet_gateway(other, into);
                    }
                }
            }
        }
        stream.exit = if stream.answer { stream.exit } else { Some(spot) };
        self.outside(Place::Internet, spot, stream);
    }

    /// Packets that are outside everything secnet models.
    pub(super) fn outside(&mut self, place: Place, spot: Spot, stream: Stream) {
        let mut stream = self.settle_pending(stream, None);
        if stream.pieces.is_empty() {
            return;
        }
        if place == Place::Internet {
            Self::step(&mut stream, Spot::Internet, None, None);
        }
        if stream.answer && (stream.client != place || stream.view.destination != Field::Is(Dim::Client)) {
            return self.stop(stream, spot, Reason::AnswerAstray);
        }
        self.arrived(place, spot, stream);
    }

    /// Packets from the internet, to whichever VPC has their destination.
    pub(super) fn enter_from_internet(&mut self, mut stream: Stream) {
        let chart = self.chart;
        let (family, to) = (stream.family, stream.view.destination);
        Self::step(&mut stream, Spot::Internet, None, None);
        if let (true, Some(Spot::EgressOnlyGateway(gateway))) = (stream.answer, stream.exit) {
            let id = chart.net.egress_only_gateways.get(gateway).and_then(|g| g.vpc.as_ref());
            let Some(vpc) = id.and_then(|id| chart.vpc(id)) else { return };
            Self::step(&mut stream, Spot::EgressOnlyGateway(gateway), None, None);
            return self.enter_vpc(vpc, stream, None);
        }
        stream = self.without_local(stream, to, Spot::Internet, false);
        if family == Family::V6 {
            for (vpc, at) in chart.vpcs.iter().enumerate() {
                for range in at.ranges.of(family) {
                    let into = Self::split(&mut stream, to, *range);
                    self.enter_by_internet_gateway(vpc, into);
                }
            }
            return self.stop(stream, Spot::Internet, Reason::NoPossibleDestination);
        }
        let Some(hull) = stream.hull(to) else { return };
        let known: Vec<(u128, usize)> =
            chart.publics.range(hull.lo..=hull.hi).map(|(public, (interface, _))| (*public, *interface)).collect();
        for (public, interface) in known {
            let into = Self::split(&mut stream, to, Range::one(public));
            self.enter_by_internet_gateway(chart.vpc_of_interface(interface), into);
        }
        self.stop(stream, Spot::Internet, Reason::NoSuchPublicAddress);
    }

    /// Packets from the internet at a VPC's gateway.
    fn enter_by_internet_gateway(&mut self, vpc: usize, stream: Stream) {
        let chart = self.chart;
        if stream.pieces.is_empty() {
            return;
        }
        let Some(mut stream) = self.out_of_fog(vpc, stream) else { return };
        if let (true, Some(Spot::EgressOnlyGateway(gateway))) = (stream.answer, stream.exit)
            && chart.net.egress_only_gateways.get(gateway).and_then(|g| g.vpc.as_ref()).and_then(|id| chart.vpc(id)) == Some(vpc)
        {
            Self::step(&mut stream, Spot::EgressOnlyGateway(gateway), None, None);
            return self.enter_vpc(vpc, stream, None);
        }
        let Some(gateway) = chart.vpcs.get(vpc).and_then(|v| v.gateway) else {
            let reason = self.unseen_gateway(vpc).unwrap_or(Reason::NoPossibleDestination);
            return self.stop(stream, Spot::Vpc(vpc), reason);
        };
        let spot = Spot::InternetGateway(gateway);
        stream.identity = None;
        let from = stream.view.source;
        stream = self.without_local(stream, from, spot, true);
        if stream.family == Family::V6 {
            Self::step(&mut stream, spot, None, None);
            return self.inward(spot, vpc, stream);
        }
        let to = stream.view.destination;
        let Some(hull) = stream.hull(to) else { return };
        for (public, (interface, address)) in chart.publics.range(hull.lo..=hull.hi) {
            if chart.vpc_of_interface(*interface) != vpc {
                continue;
            }
            let mut into = Self::split(&mut stream, to, Range::one(*public));
            let private = chart.interfaces.get(*interface).and_then(|i| i.addresses.get(*address)).map(|a| a.range);
            let (Some(private), false) = (private, into.pieces.is_empty()) else { continue };
            self.undo_public(&mut into, *interface, *public, private);
            Self::step(&mut into, spot, None, Some(Rewrite::Destination(private)));
            self.inward(spot, vpc, into);
        }
        self.stop(stream, spot, Reason::NoSuchPublicAddress);
    }

    /// What a VPC without an internet gateway lacks in the model, if its tables name one.
    fn unseen_gateway(&self, vpc: usize) -> Option<Reason> {
        let net = self.chart.net;
        let Some(at) = net.vpcs.get(vpc) else { return Some(Reason::Missing("a VPC".into())) };
        let routes = net.route_tables.iter().filter(|t| t.vpc == at.id).flat_map(|t| &t.routes);
        let named = |target: &Target| match target {
            Target::InternetGateway(id) if self.chart.internet_gateway(id).is_none() => Some(id.clone()),
            _ => None,
        };
        routes.into_iter().find_map(|r| named(&r.target)).map(|id| Reason::Missing(format!("internet gateway `{id}`").into()))
    }

    /// Drops what has an address that nobody has on the internet.
    fn without_local(&mut self, mut stream: Stream, field: Field, spot: Spot, source: bool) -> Stream {
        let (private, shared) =
            if source { (Reason::PrivateSource, Reason::SharedSource) } else { (Reason::PrivateDestination, Reason::SharedDestination) };
        let ranges: &[Range] = if stream.family == Family::V4 { &[PRIVATE[0], PRIVATE[1], PRIVATE[2], SHARED] } else { &[LOCAL] };
        for range in ranges {
            if stream.pieces.iter().any(|p| p.cube.field(field).meet(*range).is_some()) {
                let refused = Self::split(&mut stream, field, *range);
                self.stop(refused, spot, if *range == SHARED { shared.clone() } else { private.clone() });
            }
        }
        stream
    }

    /// Puts the private address in the place of the public one.
    fn undo_public(&self, stream: &mut Stream, interface: usize, public: u128, private: Range) {
        if !stream.answer {
            stream.asked = Field::Fixed(public);
            stream.view.destination = Field::Is(Dim::Server);
            for piece in &mut stream.pieces {
                piece.cube = piece.cube.put(Dim::Server, private);
            }
        } else if stream.client == Place::Interface(interface) && stream.sessions.is_empty() {
            stream.view.destination = Field::Is(Dim::Client);
            let part = |p: Piece| Some(Piece { cube: p.cube.within(Dim::Client, private)?, ..p });
            stream.pieces = std::mem::take(&mut stream.pieces).into_iter().filter_map(part).collect();
        } else {
            stream.view.destination = Field::Fixed(private.lo);
        }
    }

    /// Packets that a gateway lets into its VPC, by its own route table where it has one.
    pub(super) fn inward(&mut self, spot: Spot, vpc: usize, mut stream: Stream) {
        let chart = self.chart;
        let id = match spot {
            Spot::InternetGateway(g) => chart.net.internet_gateways.get(g).map(|g| &g.id),
            Spot::VpnGateway(g) => chart.net.vpn_gateways.get(g).map(|g| &g.id),
            _ => None,
        };
        if let Spot::InternetGateway(_) = spot {
            stream = self.open_to_internet(spot, vpc, stream);
        }
        let edge = id.and_then(|id| chart.edge_tables.get(id)).copied();
        let Some((number, table)) = edge.and_then(|t| Some((t, chart.tables.get(t)?))) else {
            return self.enter_vpc(vpc, stream, None);
        };
        let to = stream.view.destination;
        let Some(hull) = stream.hull(to) else { return };
        for (range, choice) in table.meeting(stream.family, hull) {
            let mut there = Self::split(&mut stream, to, *range);
            let routes = chart.net.route_tables.get(number).map_or(&[][..], |t| t.routes.as_slice());
            let target = match choice {
                Choice::Local => None,
                Choice::Unclear(_) => {
                    self.stop(there, Spot::Table(number), Reason::OverlappingLists);
                    continue;
                }
                Choice::Route(n) => routes.get(*n).map(|r| (n, &r.target)),
            };
            if let (Choice::Route(n), false) = (choice, there.pieces.is_empty())
                && routes.get(*n).is_some_and(|r| r.blackhole)
            {
                self.stop(there, Spot::Table(number), Reason::Blackhole);
                continue;
            }
            match target {
                None | Some((_, Target::Local)) => self.enter_vpc(vpc, there, None),
                Some((n, target)) => {
                    Self::step(&mut there, Spot::Table(number), Some(Line::Route(number, *n)), None);
                    match target {
                        Target::Interface(id) => match chart.interface(id) {
                            Some(interface) => self.out_by_interface(vpc, interface, there),
                            None => self.stop(there, Spot::Table(number), Reason::Missing(format!("interface `{id}`").into())),
                        },
                        other => self.stop(there, Spot::Table(number), Reason::Unmodelled(format!("`{}`", other.name()).into())),
                    }
                }
            }
        }
        self.stop(stream, Spot::Table(number), Reason::NoRoute);
    }

    /// The part that Block Public Access lets into a VPC.
    fn open_to_internet(&mut self, spot: Spot, vpc: usize, mut stream: Stream) -> Stream {
        let chart = self.chart;
        if stream.answer || chart.net.block_public_access.is_empty() {
            return stream;
        }
        let to = stream.view.destination;
        let mut open = stream.clone_head();
        for subnet in chart.vpcs.get(vpc).map_or(&[][..], |v| v.subnets.as_slice()) {
            for range in chart.subnets.get(*subnet).map_or(&[][..], |s| s.ranges.of(stream.family).as_slice()) {
                let there = Self::split(&mut stream, to, *range);
                let let_in =
                    if self.closed(*subnet, true, false) { self.obstacle(there, spot, Reason::PublicAccessBlocked) } else { Some(there) };
                open.pieces.extend(let_in.map_or(vec![], |s| s.pieces));
            }
        }
        open.pieces.append(&mut stream.pieces);
        open
    }

    fn out_by_egress_only_gateway(&mut self, subnet: usize, gateway: usize, mut stream: Stream) {
        let chart = self.chart;
        let vpc = chart.vpc_of(subnet);
        let spot = Spot::EgressOnlyGateway(gateway);
        Self::step(&mut stream, Spot::Vpc(vpc), None, None);
        let attached = chart.net.egress_only_gateways.get(gateway).and_then(|g| g.vpc.as_ref());
        if attached.and_then(|id| chart.vpc(id)) != Some(vpc) {
            return self.stop(stream, spot, Reason::GatewayElsewhere);
        }
        if stream.family == Family::V4 {
            return self.stop(stream, spot, Reason::Family);
        }
        stream.exit = if stream.answer { stream.exit } else { Some(spot) };
        if stream.answer {
            return self.stop(stream, spot, Reason::Unsolicited);
        }
        if self.closed(subnet, false, true) {
            let Some(on) = self.obstacle(stream, spot, Reason::PublicAccessBlocked) else { return };
            stream = on;
        }
        stream = self.only_own(vpc, stream, spot);
        Self::step(&mut stream, spot, None, None);
        stream.identity = None;
        self.onto_internet(spot, vpc, stream);
    }

    fn out_by_nat_gateway(&mut self, subnet: usize, gateway: usize, mut stream: Stream) {
        let chart = self.chart;
        let Some(at) = chart.net.nat_gateways.get(gateway) else { return };
        let spot = Spot::NatGateway(gateway);
        let vpc = chart.vpc_of(subnet);
        Self::step(&mut stream, Spot::Vpc(vpc), None, None);
        if !at.available {
            return self.stop(stream, spot, Reason::BadState);
        }
        let Some(home) = at.subnet.as_ref().and_then(|id| chart.subnet(id)) else {
            return self.stop(stream, spot, Reason::Unmodelled("a regional NAT gateway".into()));
        };
        if chart.vpc_of(home) != vpc {
            return self.stop(stream, spot, Reason::GatewayElsewhere);
        }
        if home != subnet {
            stream = self.through_acl(home, stream, true);
        }
        if stream.family == Family::V6 {
            let to = stream.view.destination;
            let translated = Self::split(&mut stream, to, NAT64);
            self.stop(translated, spot, Reason::Unmodelled("NAT64".into()));
            return self.stop(stream, spot, Reason::Family);
        }
        if stream.answer {
            return self.stop(stream, spot, Reason::AnswerTranslated);
        }
        let own = chart.net.interfaces.iter().position(|i| i.owner == Owner::NatGateway(at.id.clone()));
        let addresses: Vec<u128> = own
            .and_then(|i| chart.interfaces.get(i))
            .map_or_else(Vec::new, |i| i.addresses.iter().filter(|a| a.family == Family::V4).map(|a| a.range.lo).collect());
        let (Some(own), false) = (own, addresses.is_empty()) else {
            return self.stop(stream, spot, Reason::Missing("a NAT gateway's address".into()));
        };
        if addresses.len() > 1 {
            stream.doubt(&Reason::AwsChooses);
            let Some(on) = self.among(addresses.len(), stream, spot) else { return };
            stream = on;
        }
        for (numbers, with_port) in [(Range::new(protocol::TCP, protocol::UDP), true), (Range::one(protocol::ICMP), false)] {
            let mut carried = stream.clone_head();
            let part = |p: &Piece| Some(Piece { cube: p.cube.within(Dim::Protocol, numbers)?, ..p.clone() });
            carried.pieces = stream.pieces.iter().filter_map(part).collect();
            for private in &addresses {
                self.translate(gateway, (own, *private), with_port, carried.clone(), home);
            }
        }
        stream.pieces.retain(|p| p.cube.get(Dim::Protocol).lo > protocol::ICMP);
        self.stop(stream, spot, Reason::Protocol);
    }

    fn translate(&mut self, gateway: usize, (own, private): (usize, u128), with_port: bool, mut stream: Stream, home: usize) {
        if stream.pieces.is_empty() {
            return;
        }
        let spot = Spot::NatGateway(gateway);
        let port = if stream.sessions.is_empty() { Dim::FirstNat } else { Dim::SecondNat };
        if stream.sessions.iter().any(|s| s.gateway == gateway) {
            return self.stop(stream, spot, Reason::Loop);
        }
        if stream.sessions.len() > 1 {
            return self.stop(stream, spot, Reason::TooComplex);
        }
        stream.sessions.push(Session { gateway, source: stream.view.source, port: with_port.then_some(stream.view.first) });
        stream.view.source = Field::Fixed(private);
        if with_port {
            stream.view.first = Field::Is(port);
            let chosen = |p: Piece| Some(Piece { cube: p.cube.within(port, NAT_PORTS)?, ..p });
            stream.pieces = std::mem::take(&mut stream.pieces).into_iter().filter_map(chosen).collect();
        }
        stream.speaker = Place::Interface(own);
        stream.identity = None;
        stream = self.settle_pending(stream, None);
        Self::step(&mut stream, spot, None, Some(Rewrite::Source(Range::one(private))));
        self.out_of_subnet(home, stream);
    }

    /// Packets for a NAT gateway's own address: answers to what it sent are translated back, all else dies.
    pub(super) fn at_nat_gateway(&mut self, gateway: Option<usize>, interface: usize, mut stream: Stream) {
        let home = self.chart.interfaces.get(interface).map(|i| i.subnet);
        let (Some(gateway), Some(home)) = (gateway, home) else {
            return self.stop(stream, Spot::Interface(interface), Reason::Unsolicited);
        };
        let spot = Spot::NatGateway(gateway);
        let session = stream.sessions.last().copied().filter(|s| stream.answer && s.gateway == gateway);
        let Some(session) = session else { return self.stop(stream, spot, Reason::Unsolicited) };
        stream = self.fits_question(spot, stream);
        stream.sessions.pop();
        stream.view.destination = session.source;
        if let Some(port) = session.port {
            stream.view.second = port;
        }
        // What was asked is answered by now: from here on the answer has the source that the client knows.
        stream.view.source = stream.asked;
        let client = stream.pieces.first().map_or(Range::one(0), |p| p.cube.field(session.source));
        Self::step(&mut stream, spot, None, Some(Rewrite::Destination(client)));
        self.out_of_subnet(home, stream);
    }

    fn out_by_endpoint(&mut self, vpc: usize, endpoint: usize, mut stream: Stream) {
        let Some(at) = self.chart.net.endpoints.get(endpoint) else { return };
        let spot = Spot::Endpoint(endpoint);
        Self::step(&mut stream, Spot::Vpc(vpc), None, None);
        // One that waits for the owner of its service works as soon as that one says yes.
        if !at.modelled {
            return self.stop(stream, spot, Reason::Unmodelled("an appliance behind a Gateway Load Balancer".into()));
        }
        if !at.available {
            return self.stop(stream, spot, Reason::BadState);
        }
        if !at.gateway {
            return self.stop(stream, spot, Reason::Unmodelled("an interface endpoint as a route's target".into()));
        }
        let echo = |answer: bool| if answer { icmp_answer(protocol::ICMP, 8).unwrap_or(0) } else { 8 };
        let kind = Range::one(echo(stream.answer));
        let mut carried = stream.clone_head();
        let mut refused = vec![];
        for piece in std::mem::take(&mut stream.pieces) {
            let tcp = piece.cube.within(Dim::Protocol, Range::one(protocol::TCP));
            let ping = piece.cube.within(Dim::Protocol, Range::one(protocol::ICMP)).and_then(|c| c.where_field(stream.view.first, kind));
            if tcp.is_none() && ping.is_none() {
                refused.push(piece.clone());
            }
            carried.pieces.extend([tcp, ping].into_iter().flatten().map(|cube| Piece { cube, ..piece.clone() }));
        }
        stream.pieces = refused;
        if let Some(on) = self.obstacle(stream, spot, Reason::EndpointProtocol).filter(|s| !s.pieces.is_empty()) {
            carried.pieces.extend(on.pieces);
        }
        Self::step(&mut carried, spot, None, None);
        carried.identity = None;
        self.outside(Place::Behind(spot), spot, carried);
    }

    fn out_by_vpn_gateway(&mut self, vpc: usize, gateway: usize, mut stream: Stream) {
        let chart = self.chart;
        let spot = Spot::VpnGateway(gateway);
        Self::step(&mut stream, Spot::Vpc(vpc), None, None);
        let attached = chart.net.vpn_gateways.get(gateway).and_then(|g| g.vpc.as_ref());
        if attached.and_then(|id| chart.vpc(id)) != Some(vpc) {
            return self.stop(stream, spot, Reason::GatewayElsewhere);
        }
        if stream.family == Family::V6 {
            return self.stop(stream, spot, Reason::Unmodelled("IPv6 by Direct Connect".into()));
        }
        Self::step(&mut stream, spot, None, None);
        stream.identity = None;
        self.outside(Place::Behind(spot), spot, stream);
    }

    /// Packets that a route hands to an interface, to be forwarded by whatever runs there.
    fn out_by_interface(&mut self, vpc: usize, interface: usize, mut stream: Stream) {
        let chart = self.chart;
        let Some(at) = chart.net.interfaces.get(interface) else { return };
        let spot = Spot::Interface(interface);
        if stream.pieces.is_empty() {
            return;
        }
        Self::step(&mut stream, Spot::Vpc(vpc), None, None);
        let wrong = match &at.owner {
            Owner::Nobody => Some(Reason::NotAttached),
            Owner::Instance { running: false, .. } => Some(Reason::BadState),
            Owner::NatGateway(_) => return self.stop(stream, spot, Reason::Unmodelled("a NAT gateway's interface".into())),
            _ => None,
        };
        if let Some(reason) = wrong {
            let Some(on) = self.obstacle(stream, spot, reason) else { return };
            stream = on;
        }
        let to = stream.view.destination;
        for address in chart.interfaces.get(interface).map_or(&[][..], |i| i.addresses.as_slice()) {
            if address.family == stream.family {
                let own = Self::split(&mut stream, to, address.range);
                self.at_interface(interface, own);
            }
        }
        if at.source_dest_check {
            return self.stop(stream, spot, Reason::SourceDestCheck);
        }
        if !stream.answer {
            stream = self.through_groups(interface, stream, true);
        }
        self.stop(stream, spot, Reason::Forwarder);
    }

    /// Packets that come in from behind a gateway.
    pub(super) fn enter_from_behind(&mut self, spot: Spot, mut stream: Stream) {
        let net = self.chart.net;
        Self::step(&mut stream, spot, None, None);
        let vpc = match spot {
            Spot::VpnGateway(g) => net.vpn_gateways.get(g).and_then(|g| g.vpc.as_ref()),
            Spot::InternetGateway(g) => net.internet_gateways.get(g).and_then(|g| g.vpc.as_ref()),
            Spot::Endpoint(e) => net.endpoints.get(e).map(|e| &e.vpc),
            Spot::Attachment(a) => return self.enter_from_attachment(a, stream),
            Spot::Peering(p) => return self.enter_by_peering(p, stream),
            Spot::Vpc(vpc) => {
                stream.doubt(&Reason::Missing("what its tables name".into()));
                return self.enter_vpc(vpc, stream, None);
            }
            _ => None,
        };
        let Some(vpc) = vpc.and_then(|id| self.chart.vpc(id)) else {
            return self.stop(stream, spot, Reason::NoPossibleDestination);
        };
        match spot {
            Spot::Endpoint(_) if !stream.answer => self.stop(stream, spot, Reason::EndpointBegins),
            Spot::VpnGateway(_) if stream.family == Family::V6 => {
                self.stop(stream, spot, Reason::Unmodelled("IPv6 by Direct Connect".into()));
            }
            Spot::VpnGateway(_) => {
                let to = stream.view.destination;
                for range in self.chart.vpcs.get(vpc).map_or(&[][..], |v| v.ranges.of(stream.family).as_slice()) {
                    let inside = Self::split(&mut stream, to, *range);
                    self.inward(spot, vpc, inside);
                }
                self.stop(stream, spot, Reason::NotInVpc);
            }
            _ => self.inward(spot, vpc, stream),
        }
    }
}

impl Stream {
    /// Marks every piece.
    pub(super) fn doubt(&mut self, reason: &Reason) {
        for piece in &mut self.pieces {
            piece.doubt.get_or_insert(reason.clone());
        }
    }
}
