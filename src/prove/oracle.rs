//! The same answers by other means: one packet, followed naively through the network as it is described. Layer 5.
//!
//! A second implementation for the tests, slow and plain on purpose: no sets, no compiled tables, nothing shared with
//! [`walk`](crate::prove::walk) but the words. Where the two disagree, one of them is wrong.

use std::net::IpAddr;

use crate::{
    base::{cidr::Cidr, service::Service},
    net::{
        Attached, Attachment, Block, Destination, Entry, Exclusion, Id, Interface, NatGateway, Net, Owner, Peer, Public, RouteTable, Rule,
        Subnet, Target, TransitTable,
    },
};

/// One packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// As IANA numbers them.
    pub protocol: u8,
    /// Source port, or ICMP type.
    pub first: u16,
    /// Destination port, or ICMP code.
    pub second: u16,
}

/// Where a packet begins or ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// An interface.
    Interface(Id),
    /// The internet.
    Internet,
    /// Behind a gateway.
    Behind(Id),
}

/// What becomes of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It arrives; for a conversation, its answer too.
    Arrives(End),
    /// It dies: where.
    Dies(String),
    /// Nobody can tell: why.
    Unknown(String),
}

/// A packet on its way.
#[derive(Debug, Clone)]
struct Way {
    packet: Packet,
    answer: bool,
    client: End,
    /// The interface that sends it with an address of its own.
    speaker: Option<Id>,
    /// Whether groups still know the sender.
    known: bool,
    /// NAT gateway, source and source port before it.
    sessions: Vec<(Id, IpAddr, u16)>,
    hops: u32,
    egress_only: Option<Id>,
    /// Whether an internet gateway has put a private destination in the place of a public one.
    rewritten: bool,
}

/// The oracle: a network, and what AWS chooses in it.
#[derive(Debug)]
pub struct Oracle<'n> {
    /// The network.
    pub net: &'n Net,
    /// The ports of its NAT gateways, in the order in which a packet meets them.
    pub nat_ports: [u16; 2],
    /// By which of its subnets a transit gateway enters a VPC where several are open to it: there, and back.
    pub doors: [usize; 2],
}

fn dies<T: ToString>(place: T) -> Fate {
    Fate::Dies(place.to_string())
}

fn covers(cidrs: &[Cidr], ip: IpAddr) -> bool {
    cidrs.iter().any(|c| c.contains_ip(ip))
}

/// Whether a service has a packet, by its protocol and the last two fields.
fn serves(service: &Service, packet: &Packet) -> bool {
    let any = |wanted: Option<u8>, has: u16| wanted.is_none_or(|w| u16::from(w) == has);
    match (service, packet.protocol) {
        (Service::All, _) => true,
        (Service::Tcp(ports), 6) | (Service::Udp(ports), 17) => {
            ports.is_empty() || ports.iter().any(|p| p.from <= packet.second && packet.second <= p.to)
        }
        (Service::Icmp(kind, code), 1) | (Service::Icmpv6(kind, code), 58) => any(*kind, packet.first) && any(*code, packet.second),
        (Service::Protocol(n), protocol) => *n == protocol,
        _ => false,
    }
}

/// The packet that answers one, if anything does.
fn answer_to(packet: &Packet) -> Option<Packet> {
    let (first, second) = match (packet.protocol, packet.first) {
        (1, 8) => (0, 0),
        (58, 128) => (129, 0),
        (1, kind @ (13 | 15 | 17)) => (kind + 1, 0),
        (1 | 58, _) => return None,
        _ => (packet.second, packet.first),
    };
    Some(Packet { source: packet.destination, destination: packet.source, protocol: packet.protocol, first, second })
}

fn private(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V4(v4) if v4.is_private() || (v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64))
}

impl<'n> Oracle<'n> {
    /// Whether a conversation that begins with this packet works.
    #[must_use]
    pub fn converse(&self, from: &End, packet: Packet) -> Fate {
        let sender = |i: &&Interface| matches!(from, End::Interface(id) if i.id == *id);
        let fate = self.converse_surely(from, packet);
        match (&fate, self.net.interfaces.iter().find(sender).map(|i| &i.owner)) {
            // What it sends, and whether it does, is not known.
            (Fate::Arrives(_), Some(Owner::Unmodelled(what))) => Fate::Unknown(what.to_string()),
            _ => fate,
        }
    }

    fn converse_surely(&self, from: &End, packet: Packet) -> Fate {
        let (fate, arrived) = self.send(from, packet);
        let (Fate::Arrives(at), Some(way)) = (&fate, arrived) else { return fate };
        let Some(answer) = answer_to(&way.packet) else { return fate };
        let speaker = match at {
            End::Interface(id) => Some(id.clone()),
            _ => None,
        };
        let back = Way { packet: answer, answer: true, speaker, hops: 0, known: true, ..way };
        let mut end = back.clone();
        match self.begin(at, back, &mut end) {
            Fate::Arrives(home) if home == *from && end.packet.source == packet.destination => fate,
            Fate::Arrives(_) => dies("the answer goes astray"),
            other => other,
        }
    }

    /// Sends one packet; tells also how it looks where it arrives.
    fn send(&self, from: &End, packet: Packet) -> (Fate, Option<Way>) {
        let speaker = match from {
            End::Interface(id) => Some(id.clone()),
            _ => None,
        };
        let known = speaker.is_some();
        let way = Way {
            packet,
            answer: false,
            client: from.clone(),
            speaker,
            known,
            sessions: vec![],
            hops: 0,
            egress_only: None,
            rewritten: false,
        };
        let mut end = way.clone();
        let fate = self.begin(from, way, &mut end);
        let arrived = matches!(fate, Fate::Arrives(_));
        (fate, arrived.then_some(end))
    }

    fn begin(&self, from: &End, way: Way, end: &mut Way) -> Fate {
        match from {
            End::Interface(id) => match self.net.interfaces.iter().find(|i| i.id == *id) {
                Some(interface) => self.leave(interface, way, end),
                None => dies(id),
            },
            End::Internet => self.arrive_from_internet(way, end),
            End::Behind(id) => self.arrive_from_behind(id, way, end),
        }
    }

    fn subnet(&self, id: &Id) -> Option<&'n Subnet> {
        self.net.subnets.iter().find(|s| s.id == *id)
    }

    fn vpc_cidrs(&self, vpc: &Id) -> &'n [Cidr] {
        self.net.vpcs.iter().find(|v| v.id == *vpc).map_or(&[], |v| &v.cidrs)
    }

    fn leave(&self, interface: &Interface, way: Way, end: &mut Way) -> Fate {
        if !way.answer {
            match &interface.owner {
                Owner::Nobody | Owner::Endpoint(_) | Owner::Instance { running: false, .. } => return dies(&interface.id),
                _ => {}
            }
            if let Err(fate) = self.groups(interface, &way, false) {
                return fate;
            }
        }
        match self.subnet(&interface.subnet) {
            Some(subnet) => self.out_of_subnet(subnet, way, end),
            None => dies("no subnet"),
        }
    }

    /// Whether the groups of an interface admit a packet.
    fn groups(&self, interface: &Interface, way: &Way, inbound: bool) -> Result<(), Fate> {
        if interface.groups.is_empty() && matches!(interface.owner, Owner::NatGateway(_) | Owner::TransitGateway | Owner::Unmodelled(_)) {
            return Ok(());
        }
        let mut unknown = None;
        for id in &interface.groups {
            let Some(group) = self.net.security_groups.iter().find(|g| g.id == *id) else {
                unknown = Some(Fate::Unknown(id.to_string()));
                continue;
            };
            for rule in if inbound { &group.ingress } else { &group.egress } {
                match self.rule(rule, way, inbound) {
                    Some(true) => return Ok(()),
                    Some(false) => {}
                    None => unknown = Some(Fate::Unknown("a prefix list".into())),
                }
            }
        }
        Err(unknown.unwrap_or_else(|| dies(format!("groups of {}", interface.id))))
    }

    fn rule(&self, rule: &Rule, way: &Way, inbound: bool) -> Option<bool> {
        let Some(service) = &rule.service else { return Some(false) };
        if !serves(service, &way.packet) {
            return Some(false);
        }
        let other = if inbound { way.packet.source } else { way.packet.destination };
        match &rule.peer {
            Peer::Network(cidr) => Some(cidr.contains_ip(other)),
            Peer::Stale(_) => Some(false),
            Peer::PrefixList(id) => {
                let list = self.net.prefix_lists.iter().find(|l| l.id == *id).and_then(|l| l.entries.as_ref());
                list.map(|cidrs| covers(cidrs, other))
            }
            Peer::Group(group) if inbound => {
                let sender = way.speaker.as_ref().and_then(|s| self.net.interfaces.iter().find(|i| i.id == *s));
                Some(way.known && sender.is_some_and(|s| s.groups.contains(group)))
            }
            // Who gets it is known on arrival alone: see `at_interface`.
            Peer::Group(group) => {
                let member = |i: &&Interface| i.groups.contains(group) && i.addresses.iter().any(|a| a.private.contains_ip(other));
                Some(self.net.interfaces.iter().any(|i| member(&i)))
            }
        }
    }

    /// Whether what the sender's groups let out may go to this very interface.
    fn let_out_to(&self, way: &Way, target: Option<&Interface>) -> bool {
        let client = match &way.client {
            End::Interface(id) => self.net.interfaces.iter().find(|i| i.id == *id),
            _ => None,
        };
        let Some(client) = client.filter(|c| !(c.groups.is_empty() && matches!(c.owner, Owner::NatGateway(_)))) else { return true };
        let as_sent = Packet { destination: way.packet.destination, ..way.packet };
        let rules = self.net.security_groups.iter().filter(|g| client.groups.contains(&g.id)).flat_map(|g| &g.egress);
        rules.filter(|r| r.service.as_ref().is_some_and(|s| serves(s, &as_sent))).any(|rule| match &rule.peer {
            Peer::Group(group) => way.known && target.is_some_and(|t| t.groups.contains(group)),
            Peer::Network(_) | Peer::PrefixList(_) => self.rule(rule, way, false) == Some(true),
            Peer::Stale(_) => false,
        })
    }

    fn acl(&self, subnet: &Subnet, packet: &Packet, inbound: bool) -> bool {
        let acls = &self.net.network_acls;
        let acl = acls.iter().find(|a| a.subnets.contains(&subnet.id)).or_else(|| acls.iter().find(|a| a.default && a.vpc == subnet.vpc));
        let Some(acl) = acl else { return true };
        let mut entries: Vec<&Entry> = if inbound { acl.inbound.iter().collect() } else { acl.outbound.iter().collect() };
        entries.sort_by_key(|e| e.number);
        let other = if inbound { packet.source } else { packet.destination };
        entries.into_iter().find(|e| e.network.contains_ip(other) && serves(&e.service, packet)).is_some_and(|e| e.allow)
    }

    fn out_of_subnet(&self, subnet: &Subnet, way: Way, end: &mut Way) -> Fate {
        let to = way.packet.destination;
        if covers(&subnet.cidrs, to) {
            return self.in_subnet(subnet, way, end);
        }
        let never = match to {
            IpAddr::V4(v4) => v4.octets()[0] == 169 && v4.octets()[1] == 254 && v4.octets()[2] & 0xfc == 168,
            IpAddr::V6(v6) => v6.segments()[0] == 0xfd00 && v6.segments()[1] == 0xec2,
        };
        if never {
            return dies("link-local");
        }
        if !self.acl(subnet, &way.packet, false) {
            return dies(format!("ACL out of {}", subnet.id));
        }
        self.route(subnet, way, end)
    }

    fn in_subnet(&self, subnet: &Subnet, way: Way, end: &mut Way) -> Fate {
        let to = way.packet.destination;
        let has = |i: &&Interface| i.subnet == subnet.id && i.addresses.iter().any(|a| a.private.contains_ip(to));
        match self.net.interfaces.iter().find(has) {
            Some(interface) => self.at_interface(interface, way, end),
            None => dies(format!("no interface in {}", subnet.id)),
        }
    }

    fn enter_subnet(&self, subnet: &Subnet, way: Way, end: &mut Way) -> Fate {
        if !self.acl(subnet, &way.packet, true) {
            return dies(format!("ACL into {}", subnet.id));
        }
        self.in_subnet(subnet, way, end)
    }

    fn at_interface(&self, interface: &Interface, way: Way, end: &mut Way) -> Fate {
        match &interface.owner {
            Owner::NatGateway(id) => return self.back_through_nat(id, interface, way, end),
            Owner::Unmodelled(what) => return Fate::Unknown(what.to_string()),
            Owner::TransitGateway | Owner::Nobody | Owner::Instance { running: false, .. } => return dies(&interface.id),
            Owner::Instance { .. } | Owner::Endpoint(_) | Owner::Other(_) => {}
        }
        if !way.answer && way.speaker.as_ref() != Some(&interface.id) {
            if way.sessions.is_empty() && !way.rewritten && !self.let_out_to(&way, Some(interface)) && !self.client_unknown(&way) {
                return dies("groups of the sender");
            }
            if let Err(fate) = self.groups(interface, &way, true) {
                return fate;
            }
        }
        *end = way;
        Fate::Arrives(End::Interface(interface.id.clone()))
    }

    fn client_unknown(&self, way: &Way) -> bool {
        let End::Interface(id) = &way.client else { return true };
        let groups = self.net.interfaces.iter().find(|i| i.id == *id).map_or(&[][..], |i| &i.groups);
        groups.iter().any(|g| !self.net.security_groups.iter().any(|known| known.id == *g))
    }

    /// The route of a table for an address: longest prefix, then what somebody wrote before lists before what was learnt.
    fn best_route(&self, table: &'n RouteTable, vpc: &Id, to: IpAddr) -> Result<Option<(&'n Target, bool)>, Fate> {
        let mut best: Option<((u8, u8), &'n Target, bool)> = None;
        let mut clash = false;
        for cidr in self.vpc_cidrs(vpc).iter().filter(|c| c.contains_ip(to)) {
            best = Some(((cidr.prefix(), 0), &Target::Local, false));
        }
        for route in &table.routes {
            let (cidrs, listed): (Vec<Cidr>, bool) = match &route.destination {
                Destination::Network(cidr) => (vec![*cidr], false),
                Destination::PrefixList(id) => match self.net.prefix_lists.iter().find(|l| l.id == *id).and_then(|l| l.entries.clone()) {
                    Some(cidrs) => (cidrs, true),
                    None if covers(self.vpc_cidrs(vpc), to) => continue,
                    None => return Err(Fate::Unknown(id.to_string())),
                },
            };
            for cidr in cidrs.into_iter().filter(|c| c.contains_ip(to)) {
                if route.propagated && self.vpc_cidrs(vpc).iter().any(|own| own.contains(cidr)) {
                    continue;
                }
                let rank = (
                    cidr.prefix(),
                    if route.propagated {
                        1
                    } else if listed {
                        2
                    } else {
                        3
                    },
                );
                match &best {
                    Some((held, target, hole)) if *held == rank => clash |= **target != route.target || *hole != route.blackhole,
                    Some((held, ..)) if *held > rank => {}
                    _ => {
                        best = Some((rank, &route.target, route.blackhole));
                        clash = false;
                    }
                }
            }
        }
        if clash { Err(Fate::Unknown("overlapping prefix lists".into())) } else { Ok(best.map(|(_, target, hole)| (target, hole))) }
    }

    fn route(&self, subnet: &Subnet, mut way: Way, end: &mut Way) -> Fate {
        way.hops += 1;
        if way.hops > 24 {
            return dies("a loop");
        }
        let tables = &self.net.route_tables;
        let table =
            tables.iter().find(|t| t.subnets.contains(&subnet.id)).or_else(|| tables.iter().find(|t| t.main && t.vpc == subnet.vpc));
        let Some(table) = table else { return Fate::Unknown("no table".into()) };
        let (target, hole) = match self.best_route(table, &subnet.vpc, way.packet.destination) {
            Ok(Some(found)) => found,
            Ok(None) => return dies(format!("no route in {}", table.id)),
            Err(fate) => return fate,
        };
        if hole {
            return dies(format!("black hole in {}", table.id));
        }
        match target {
            Target::Local => self.enter_vpc(&subnet.vpc, Some(subnet), way, end),
            Target::InternetGateway(id) => self.internet_gateway(id, subnet, way, end),
            Target::EgressOnlyGateway(id) => self.egress_only(id, subnet, way, end),
            Target::NatGateway(id) => self.nat(id, subnet, way, end),
            Target::Peering(id) => self.peering(id, subnet, way, end),
            Target::TransitGateway(id) => self.transit(id, subnet, way, end),
            Target::Endpoint(id) => self.endpoint(id, &way, end),
            Target::Interface(id) => self.forwarder(id, way, end),
            Target::VpnGateway(id) => match self.net.vpn_gateways.iter().find(|g| g.id == *id) {
                None => Fate::Unknown(id.to_string()),
                Some(g) if g.vpc.as_ref() != Some(&subnet.vpc) || way.packet.destination.is_ipv6() => dies(id),
                Some(_) => self.outside(End::Behind(id.clone()), way, end),
            },
            Target::Unmodelled(id) => Fate::Unknown(id.to_string()),
        }
    }

    fn enter_vpc(&self, vpc: &Id, from: Option<&Subnet>, way: Way, end: &mut Way) -> Fate {
        let to = way.packet.destination;
        match self.net.subnets.iter().find(|s| s.vpc == *vpc && covers(&s.cidrs, to)) {
            Some(subnet) if from.is_some_and(|f| f.id == subnet.id) => self.in_subnet(subnet, way, end),
            Some(subnet) => self.enter_subnet(subnet, way, end),
            None => dies(format!("no subnet in {vpc}")),
        }
    }

    fn outside(&self, place: End, mut way: Way, end: &mut Way) -> Fate {
        if !way.answer && way.sessions.is_empty() {
            way.known = false;
            if !self.let_out_to(&way, None) && !self.client_unknown(&way) {
                return dies("groups of the sender");
            }
        }
        if way.answer && way.client != place {
            return dies("the answer goes astray");
        }
        *end = way;
        Fate::Arrives(place)
    }

    fn closed(&self, subnet: &Subnet, inbound: bool, by_nat: bool) -> bool {
        let Some(block) = self.net.block_public_access.first() else { return false };
        let mut off = block.exclusions.iter().filter(|(id, _)| *id == subnet.id || *id == subnet.vpc).map(|(_, e)| *e);
        match off.next() {
            Some(Exclusion::Bidirectional) => false,
            Some(Exclusion::Egress) => inbound,
            None => block.block == Block::Bidirectional || !by_nat,
        }
    }

    fn internet_gateway(&self, id: &Id, subnet: &Subnet, mut way: Way, end: &mut Way) -> Fate {
        let Some(gateway) = self.net.internet_gateways.iter().find(|g| g.id == *id) else { return Fate::Unknown(id.to_string()) };
        if gateway.vpc.as_ref() != Some(&subnet.vpc) {
            return dies(id);
        }
        let speaker = way.speaker.as_ref().and_then(|s| self.net.interfaces.iter().find(|i| i.id == *s));
        let by_nat = speaker.is_some_and(|s| matches!(s.owner, Owner::NatGateway(_)));
        if !way.answer && self.closed(subnet, false, by_nat) {
            return dies("blocked public access");
        }
        if way.packet.source.is_ipv4() {
            let own = speaker.filter(|s| self.subnet(&s.subnet).is_some_and(|home| home.vpc == subnet.vpc));
            let address = own.and_then(|s| s.addresses.iter().find(|a| a.private.contains_ip(way.packet.source)));
            let Some(Public::Known(public)) = address.and_then(|a| a.public) else { return dies("no public address") };
            way.packet.source = public;
        }
        self.onto_internet(&subnet.vpc, way, end)
    }

    fn onto_internet(&self, vpc: &Id, mut way: Way, end: &mut Way) -> Fate {
        way.hops += 1;
        if !way.answer
            && way.sessions.is_empty()
            && !self.let_out_to(&Way { known: false, ..way.clone() }, None)
            && !self.client_unknown(&way)
        {
            return dies("groups of the sender");
        }
        way.known = false;
        if private(way.packet.destination) {
            return dies("a private destination");
        }
        if way.packet.destination.is_ipv6() && covers(self.vpc_cidrs(vpc), way.packet.destination) {
            return dies("its own VPC");
        }
        if self.owner_of(way.packet.destination).is_some() {
            return self.enter_from_internet(way, end);
        }
        self.outside(End::Internet, way, end)
    }

    /// The VPC that a public address belongs to.
    fn owner_of(&self, ip: IpAddr) -> Option<Id> {
        if ip.is_ipv6() {
            return self.net.vpcs.iter().find(|v| covers(&v.cidrs, ip)).map(|v| v.id.clone());
        }
        let has = |i: &&Interface| i.addresses.iter().any(|a| a.public == Some(Public::Known(ip)));
        self.net.interfaces.iter().find(has).and_then(|i| self.subnet(&i.subnet)).map(|s| s.vpc.clone())
    }

    fn arrive_from_internet(&self, way: Way, end: &mut Way) -> Fate {
        if let (true, Some(id)) = (way.answer, way.egress_only.clone()) {
            let vpc = self.net.egress_only_gateways.iter().find(|g| g.id == id).and_then(|g| g.vpc.clone());
            return vpc.map_or_else(|| dies(&id), |vpc| self.enter_vpc(&vpc, None, way, end));
        }
        if private(way.packet.destination) { dies("a private destination") } else { self.enter_from_internet(way, end) }
    }

    fn enter_from_internet(&self, mut way: Way, end: &mut Way) -> Fate {
        let Some(vpc) = self.owner_of(way.packet.destination) else { return dies("no such public address") };
        if !self.net.internet_gateways.iter().any(|g| g.vpc.as_ref() == Some(&vpc)) {
            return dies("no internet gateway");
        }
        way.known = false;
        if private(way.packet.source) {
            return dies("a private source");
        }
        if way.packet.destination.is_ipv4() {
            let address =
                self.net.interfaces.iter().flat_map(|i| &i.addresses).find(|a| a.public == Some(Public::Known(way.packet.destination)));
            let Some(address) = address else { return dies("no such public address") };
            way.packet.destination = address.private.network();
            way.rewritten = true;
        }
        let to = way.packet.destination;
        let subnet = self.net.subnets.iter().find(|s| s.vpc == vpc && covers(&s.cidrs, to));
        if !way.answer && subnet.is_some_and(|s| self.closed(s, true, false)) {
            return dies("blocked public access");
        }
        self.enter_vpc(&vpc, None, way, end)
    }

    fn egress_only(&self, id: &Id, subnet: &Subnet, mut way: Way, end: &mut Way) -> Fate {
        let Some(gateway) = self.net.egress_only_gateways.iter().find(|g| g.id == *id) else { return Fate::Unknown(id.to_string()) };
        if gateway.vpc.as_ref() != Some(&subnet.vpc) || way.packet.destination.is_ipv4() || way.answer || self.closed(subnet, false, true) {
            return dies(id);
        }
        way.egress_only = Some(id.clone());
        self.onto_internet(&subnet.vpc, way, end)
    }

    fn nat(&self, id: &Id, subnet: &Subnet, mut way: Way, end: &mut Way) -> Fate {
        let Some(nat) = self.net.nat_gateways.iter().find(|g| g.id == *id) else { return Fate::Unknown(id.to_string()) };
        if !nat.available {
            return dies(id);
        }
        let Some(home) = nat.subnet.as_ref().and_then(|s| self.subnet(s)) else { return Fate::Unknown("a regional gateway".into()) };
        if home.vpc != subnet.vpc {
            return dies(id);
        }
        if home.id != subnet.id && !self.acl(home, &way.packet, true) {
            return dies(format!("ACL into {}", home.id));
        }
        if way.packet.destination.is_ipv6() {
            let nat64 = matches!(way.packet.destination, IpAddr::V6(v6) if v6.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0]);
            return if nat64 { Fate::Unknown("NAT64".into()) } else { dies(id) };
        }
        if way.answer || !matches!(way.packet.protocol, 1 | 6 | 17) {
            return dies(id);
        }
        let Some((own, address)) = self.nat_address(nat) else { return Fate::Unknown("no address".into()) };
        if !self.may_leave(&way) {
            return dies("groups of the sender");
        }
        if way.sessions.iter().any(|(gateway, ..)| gateway == id) {
            return dies("a loop");
        }
        if way.sessions.len() > 1 {
            return Fate::Unknown("more than two translations".into());
        }
        way.sessions.push((id.clone(), way.packet.source, way.packet.first));
        way.packet.source = address;
        if way.packet.protocol != 1 {
            way.packet.first = self.nat_ports.get(way.sessions.len() - 1).copied().unwrap_or(1024);
        }
        way.speaker = Some(own);
        way.known = false;
        self.out_of_subnet(home, way, end)
    }

    /// Whether the sender's groups let it out to whoever is there, for nobody's group is seen through a translation.
    fn may_leave(&self, way: &Way) -> bool {
        !way.sessions.is_empty() || way.answer || self.let_out_to(&Way { known: false, ..way.clone() }, None) || self.client_unknown(way)
    }

    fn nat_address(&self, nat: &NatGateway) -> Option<(Id, IpAddr)> {
        let own = self.net.interfaces.iter().find(|i| i.owner == Owner::NatGateway(nat.id.clone()))?;
        Some((own.id.clone(), own.addresses.first()?.private.network()))
    }

    fn back_through_nat(&self, id: &Id, interface: &Interface, mut way: Way, end: &mut Way) -> Fate {
        let session = way.sessions.last().cloned().filter(|(gateway, ..)| way.answer && gateway == id);
        let (Some((_, source, port)), Some(home)) = (session, self.subnet(&interface.subnet)) else { return dies(id) };
        way.sessions.pop();
        way.packet.destination = source;
        if way.packet.protocol != 1 {
            way.packet.second = port;
        }
        self.out_of_subnet(home, way, end)
    }

    fn peering(&self, id: &Id, subnet: &Subnet, mut way: Way, end: &mut Way) -> Fate {
        let Some(peering) = self.net.peerings.iter().find(|p| p.id == *id) else { return Fate::Unknown(id.to_string()) };
        let Some(mine) = peering.sides.iter().position(|s| s.vpc == subnet.vpc).filter(|_| peering.active) else { return dies(id) };
        let (mine, theirs) = (&peering.sides[mine], &peering.sides[1 - mine]);
        let there = self.net.vpcs.iter().find(|v| v.id == theirs.vpc);
        let inside = covers(there.map_or(&theirs.cidrs, |v| &v.cidrs), way.packet.destination);
        if !inside || !covers(self.vpc_cidrs(&subnet.vpc), way.packet.source) {
            return dies(id);
        }
        if there.is_none() {
            return Fate::Unknown(theirs.vpc.to_string());
        }
        way.known &= mine.region == theirs.region;
        self.enter_vpc(&theirs.vpc, None, way, end)
    }

    fn endpoint(&self, id: &Id, way: &Way, end: &mut Way) -> Fate {
        let Some(endpoint) = self.net.endpoints.iter().find(|e| e.id == *id) else { return Fate::Unknown(id.to_string()) };
        if !endpoint.available {
            return dies(id);
        }
        if !endpoint.gateway {
            return Fate::Unknown(id.to_string());
        }
        let echo = way.packet.protocol == 1 && way.packet.first == if way.answer { 0 } else { 8 };
        if way.packet.protocol == 6 || echo { self.outside(End::Behind(id.clone()), way.clone(), end) } else { dies(id) }
    }

    fn forwarder(&self, id: &Id, way: Way, end: &mut Way) -> Fate {
        let Some(interface) = self.net.interfaces.iter().find(|i| i.id == *id) else { return Fate::Unknown(id.to_string()) };
        match &interface.owner {
            Owner::Nobody | Owner::Instance { running: false, .. } => return dies(id),
            Owner::NatGateway(_) => return Fate::Unknown(id.to_string()),
            _ => {}
        }
        if interface.addresses.iter().any(|a| a.private.contains_ip(way.packet.destination)) {
            return self.at_interface(interface, way, end);
        }
        if interface.source_dest_check {
            return dies(id);
        }
        if !way.answer
            && let Err(fate) = self.groups(interface, &way, true)
        {
            return fate;
        }
        Fate::Unknown(id.to_string())
    }

    fn arrive_from_behind(&self, id: &Id, way: Way, end: &mut Way) -> Fate {
        if let Some(gateway) = self.net.vpn_gateways.iter().find(|g| g.id == *id) {
            return match &gateway.vpc {
                Some(vpc) if way.packet.destination.is_ipv4() => self.enter_vpc(vpc, None, way, end),
                _ => dies(id),
            };
        }
        if let Some(endpoint) = self.net.endpoints.iter().find(|e| e.id == *id) {
            return if way.answer { self.enter_vpc(&endpoint.vpc, None, way, end) } else { dies(id) };
        }
        match self.net.attachments.iter().find(|a| a.id == *id && matches!(a.to, Attached::Outside(_))) {
            Some(attachment) => self.in_transit(attachment, None, way, end),
            None => dies(id),
        }
    }

    fn transit(&self, id: &Id, subnet: &Subnet, mut way: Way, end: &mut Way) -> Fate {
        let Some(gateway) = self.net.transit_gateways.iter().find(|g| g.id == *id) else { return Fate::Unknown(id.to_string()) };
        if !self.may_leave(&way) {
            return dies("groups of the sender");
        }
        let here = |a: &&Attachment| a.gateway == *id && matches!(&a.to, Attached::Vpc { vpc, .. } if *vpc == subnet.vpc);
        let Some(attachment) = self.net.attachments.iter().find(here).filter(|a| a.available && gateway.available) else { return dies(id) };
        let Attached::Vpc { subnets, ipv6, group_references, .. } = &attachment.to else { return dies(id) };
        if way.packet.destination.is_ipv6() && !ipv6 {
            return dies(id);
        }
        let doors = subnets.iter().filter_map(|s| self.subnet(s));
        let Some(door) = doors.into_iter().find(|d| d.zone.is_some() && d.zone == subnet.zone) else { return dies("the zone") };
        if !self.acl(door, &way.packet, true) {
            return dies(format!("ACL into {}", door.id));
        }
        way.known &= gateway.group_references && *group_references;
        self.in_transit(attachment, subnet.zone.as_deref(), way, end)
    }

    fn in_transit(&self, from: &Attachment, zone: Option<&str>, mut way: Way, end: &mut Way) -> Fate {
        way.hops += 1;
        if way.hops > 24 {
            return dies("a loop");
        }
        let Some(table) = &from.table else { return dies("no table") };
        let Some(table) = self.net.transit_tables.iter().find(|t| t.id == *table) else { return Fate::Unknown("no table".into()) };
        if !table.known {
            return Fate::Unknown("routes".into());
        }
        let id = match self.best_transit(table, way.packet.destination) {
            Some(Some(id)) => id,
            Some(None) => return dies("a black hole"),
            None => {
                let learns = |id: &Id| self.net.attachments.iter().any(|a| a.id == *id && !matches!(a.to, Attached::Vpc { .. }));
                let learns = table.propagations.iter().any(learns);
                return if learns { Fate::Unknown("learnt routes".into()) } else { dies(&table.id) };
            }
        };
        let Some(to) = self.net.attachments.iter().find(|a| a.id == id && a.gateway == from.gateway) else {
            return Fate::Unknown(id.to_string());
        };
        if !to.available {
            return dies(&to.id);
        }
        match &to.to {
            Attached::Vpc { vpc, subnets, ipv6, appliance, group_references } => {
                if way.packet.destination.is_ipv6() && !ipv6 {
                    return dies(&to.id);
                }
                way.known &= *group_references;
                self.out_of_transit(vpc, subnets, zone.filter(|_| !appliance), way, end)
            }
            Attached::Peering(other) => {
                way.known = false;
                let far = |a: &&Attachment| a.id == to.id && a.gateway == *other;
                match self.net.attachments.iter().find(far) {
                    Some(far) if far.available => self.in_transit(far, None, way, end),
                    Some(far) => dies(&far.id),
                    None => Fate::Unknown(other.to_string()),
                }
            }
            Attached::Outside(_) => self.outside(End::Behind(to.id.clone()), way, end),
            Attached::Unmodelled(what) => Fate::Unknown(what.to_string()),
        }
    }

    fn best_transit(&self, table: &TransitTable, to: IpAddr) -> Option<Option<Id>> {
        let mut best: Option<((u8, u8), Option<Id>)> = None;
        let mut offer = |rank: (u8, u8), id: Option<Id>| {
            if best.as_ref().is_none_or(|(held, _)| rank > *held) {
                best = Some((rank, id));
            }
        };
        for route in &table.routes {
            if let Destination::Network(cidr) = route.destination
                && cidr.contains_ip(to)
            {
                offer((cidr.prefix(), if route.fixed { 9 } else { 5 }), route.attachment.clone());
            }
        }
        for id in &table.propagations {
            let attachment = self.net.attachments.iter().find(|a| a.id == *id && a.gateway == table.gateway && a.available);
            let Some(Attached::Vpc { vpc, .. }) = attachment.map(|a| &a.to) else { continue };
            for cidr in self.vpc_cidrs(vpc).iter().filter(|c| c.contains_ip(to)) {
                offer((cidr.prefix(), 6), Some(id.clone()));
            }
        }
        best.map(|(_, id)| id)
    }

    fn out_of_transit(&self, vpc: &Id, subnets: &[Id], zone: Option<&str>, way: Way, end: &mut Way) -> Fate {
        let all: Vec<&Subnet> = subnets.iter().filter_map(|s| self.subnet(s)).collect();
        let near: Vec<&Subnet> = all.iter().copied().filter(|s| zone.is_some() && s.zone.as_deref() == zone).collect();
        let doors = if near.is_empty() { all } else { near };
        let [there, back] = self.doors;
        let choice = if way.answer { back } else { there };
        match doors.get(choice % doors.len().max(1)) {
            Some(door) => self.by_door(door, way, end),
            None => Fate::Unknown(vpc.to_string()),
        }
    }

    fn by_door(&self, door: &Subnet, way: Way, end: &mut Way) -> Fate {
        if covers(&door.cidrs, way.packet.destination) {
            return self.in_subnet(door, way, end);
        }
        if !self.acl(door, &way.packet, false) {
            return dies(format!("ACL out of {}", door.id));
        }
        self.route(door, way, end)
    }
}
