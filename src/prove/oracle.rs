//! The same answers by other means: one packet, followed naively through the network as it is described. Layer 5.
//!
//! A second implementation for the tests, slow and plain on purpose: no sets, no compiled tables, nothing shared with
//! [`walk`](crate::prove::walk) but the words. Where the two disagree, one of them is wrong.

use std::{cell::Cell, net::IpAddr};

use crate::{
    base::cidr::Cidr,
    net::{Destination, Id, Interface, Net, Owner, RouteTable, Subnet, Target},
};

mod between;
mod filter;
mod gateway;

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

/// Where a packet dies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Where {
    /// At the groups of an interface.
    Groups {
        /// The interface.
        interface: Id,
        /// Whether it was to come in.
        inbound: bool,
        /// As it looks there.
        packet: Packet,
    },
    /// At a network ACL.
    Acl {
        /// The ACL.
        acl: Id,
        /// Whether it was to enter the subnet.
        inbound: bool,
        /// As it looks there.
        packet: Packet,
    },
    /// At anything else.
    At(Id),
}

/// What a packet meets on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Met {
    /// An interface, a subnet or a gateway.
    Thing(Id),
    /// The entry of a network ACL that lets it pass: ACL, whether it enters, place in the list.
    Entry(Id, bool, usize),
    /// The route that sends it on: table, place in the list.
    Route(Id, usize),
    /// All rules of groups that let it pass: group, place in the list.
    Rules(Vec<(Id, usize)>),
}

/// What becomes of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It arrives; for a conversation, its answer too.
    Arrives(End),
    /// It dies: where.
    Dies(Where),
    /// Nobody can tell: why.
    Unknown(String),
}

/// All of a packet that decides where it goes next.
type Look = (Packet, bool, Option<Id>, Vec<(Id, IpAddr, u16)>, Option<Id>, bool);

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
    /// Among how many ways AWS may have chosen so far, there and back.
    ways: usize,
    /// Where transit gateways have taken it in, and how it looked.
    seen: Vec<(Id, Id, Option<String>, Look)>,
    egress_only: Option<Id>,
    /// Whether an internet gateway has put a private destination in the place of a public one.
    rewritten: bool,
    /// Why nobody can tell whether it got this far.
    doubt: Option<String>,
    trail: Vec<Met>,
}

/// Where a table sends a packet: the route's place in the list, its target, and whether it is a black hole.
type Leads<'n> = (Option<usize>, &'n Target, bool);

/// The oracle: a network, and what AWS chooses in it.
#[derive(Debug)]
pub struct Oracle<'n> {
    /// The network.
    pub net: &'n Net,
    /// The ports of its NAT gateways, in the order in which a packet meets them.
    pub nat_ports: [u16; 2],
    /// Which one AWS takes where several are open to it, there and back: subnets by which a transit gateway enters a VPC,
    /// addresses of a NAT gateway, routes whose prefix lists are not known.
    pub choices: [usize; 2],
    /// How much further along its list it goes at each router: two bits for each. 0: it takes the same everywhere.
    pub turns: u64,
    /// Whether any of these mattered so far.
    pub chose: Cell<bool>,
}

fn dies(place: &Id) -> Fate {
    Fate::Dies(Where::At(place.clone()))
}

fn too_far() -> Fate {
    Fate::Unknown("too far to follow".into())
}

fn internet() -> Id {
    Id::from("the internet")
}

fn covers(cidrs: &[Cidr], ip: IpAddr) -> bool {
    cidrs.iter().any(|c| c.contains_ip(ip))
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

impl Way {
    fn look(&self) -> Look {
        (self.packet, self.known, self.speaker.clone(), self.sessions.clone(), self.egress_only.clone(), self.rewritten)
    }

    fn meets(&mut self, thing: &Id) {
        let met = Met::Thing(thing.clone());
        if self.trail.last() != Some(&met) {
            self.trail.push(met);
        }
    }
}

impl<'n> Oracle<'n> {
    /// Whether a conversation that begins with this packet works.
    #[must_use]
    pub fn converse(&self, from: &End, packet: Packet) -> Fate {
        self.replay(from, packet).0
    }

    /// Whether one packet gets there, answered or not.
    #[must_use]
    pub fn deliver(&self, from: &End, packet: Packet) -> Fate {
        let (fate, way) = self.send(from, packet);
        surely(fate, way.as_ref())
    }

    /// A conversation, and what its packets meet: forth, then back.
    #[must_use]
    pub fn replay(&self, from: &End, packet: Packet) -> (Fate, Vec<Met>) {
        let (fate, arrived) = self.send(from, packet);
        let (Fate::Arrives(at), Some(way)) = (&fate, arrived) else { return (fate, vec![]) };
        let Some(answer) = answer_to(&way.packet) else {
            let trail = way.trail.clone();
            return (surely(fate, Some(&way)), trail);
        };
        let speaker = match at {
            End::Interface(id) => Some(id.clone()),
            _ => None,
        };
        let back = Way { packet: answer, answer: true, speaker, hops: 0, seen: vec![], known: true, ..way };
        let mut end = back.clone();
        match self.begin(at, back, &mut end) {
            Fate::Arrives(home) if home == *from && end.packet.source == packet.destination => {
                let trail = end.trail.clone();
                (surely(fate, Some(&end)), trail)
            }
            Fate::Arrives(_) => (dies(&Id::from("astray")), vec![]),
            other => (other, vec![]),
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
            ways: 1,
            seen: vec![],
            egress_only: None,
            rewritten: false,
            doubt: None,
            trail: vec![],
        };
        let mut end = way.clone();
        let fate = self.begin(from, way, &mut end);
        let arrived = matches!(fate, Fate::Arrives(_));
        (fate, arrived.then_some(end))
    }

    fn begin(&self, from: &End, way: Way, end: &mut Way) -> Fate {
        match from {
            End::Interface(id) => match self.interface(id) {
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

    fn interface(&self, id: &Id) -> Option<&'n Interface> {
        self.net.interfaces.iter().find(|i| i.id == *id)
    }

    fn vpc_cidrs(&self, vpc: &Id) -> &'n [Cidr] {
        self.net.vpcs.iter().find(|v| v.id == *vpc).map_or(&[], |v| &v.cidrs)
    }

    /// Which of several AWS takes; after too many choices nobody asks any more.
    fn choice(&self, way: &mut Way, of: usize) -> Option<usize> {
        if of > 1 {
            self.chose.set(true);
        }
        way.ways = way.ways.saturating_mul(of.max(1));
        let [there, back] = self.choices;
        let turn = usize::from(self.turns.rotate_right(2 * way.hops) as u8 & 3);
        (way.ways <= 1024).then_some((turn + if way.answer { back } else { there }) % of.max(1))
    }

    fn leave(&self, interface: &Interface, mut way: Way, end: &mut Way) -> Fate {
        if !way.answer {
            way.meets(&interface.id);
            match &interface.owner {
                Owner::Nobody | Owner::Endpoint(_) | Owner::Instance { running: false, .. } => return dies(&interface.id),
                // What it sends, and whether it does, is not known.
                Owner::Unmodelled { what, .. } => way.doubt = Some(what.to_string()),
                _ => {}
            }
            if let Err(fate) = self.groups(interface, &mut way, false) {
                return fate;
            }
        }
        match self.subnet(&interface.subnet) {
            Some(subnet) => self.out_of_subnet(subnet, way, end),
            None => Fate::Unknown("no subnet".into()),
        }
    }

    fn out_of_subnet(&self, subnet: &Subnet, mut way: Way, end: &mut Way) -> Fate {
        way.meets(&subnet.id);
        let to = way.packet.destination;
        if covers(&subnet.cidrs, to) {
            return self.in_subnet(subnet, way, end);
        }
        let never = match to {
            IpAddr::V4(v4) => v4.octets()[0] == 169 && v4.octets()[1] == 254 && v4.octets()[2] & 0xfc == 168,
            IpAddr::V6(v6) => v6.segments()[0] == 0xfd00 && v6.segments()[1] == 0xec2,
        };
        if never {
            return dies(self.table(subnet).map_or(&subnet.id, |t| &t.id));
        }
        if let Err(fate) = self.acl(subnet, &mut way, false) {
            return fate;
        }
        self.route(subnet, way, end)
    }

    fn in_subnet(&self, subnet: &Subnet, way: Way, end: &mut Way) -> Fate {
        let to = way.packet.destination;
        let has = |i: &&Interface| i.subnet == subnet.id && i.addresses.iter().any(|a| a.private.contains_ip(to));
        match self.net.interfaces.iter().find(has) {
            Some(interface) => self.at_interface(interface, way, end),
            None => dies(&subnet.id),
        }
    }

    fn enter_subnet(&self, subnet: &Subnet, mut way: Way, end: &mut Way) -> Fate {
        way.meets(&subnet.id);
        if let Err(fate) = self.acl(subnet, &mut way, true) {
            return fate;
        }
        self.in_subnet(subnet, way, end)
    }

    fn at_interface(&self, interface: &Interface, mut way: Way, end: &mut Way) -> Fate {
        way.meets(&interface.id);
        match &interface.owner {
            Owner::NatGateway(id) => return self.back_through_nat(id, interface, way, end),
            Owner::Unmodelled { what, .. } => return Fate::Unknown(what.to_string()),
            Owner::TransitGateway | Owner::Nobody | Owner::Instance { running: false, .. } => return dies(&interface.id),
            Owner::Instance { .. } | Owner::Endpoint(_) | Owner::Other(_) => {}
        }
        // What a machine sends to itself stays in it; by its public address it comes back from the internet like anything else.
        let stays = way.speaker.as_ref() == Some(&interface.id) && way.known;
        if !way.answer && !stays {
            if way.sessions.is_empty() && !way.rewritten && !self.let_out_to(&way, Some(interface)) {
                return self.not_let_out(&way);
            }
            if let Err(fate) = self.groups(interface, &mut way, true) {
                return fate;
            }
        }
        *end = way;
        Fate::Arrives(End::Interface(interface.id.clone()))
    }

    fn table(&self, subnet: &Subnet) -> Option<&'n RouteTable> {
        let tables = &self.net.route_tables;
        tables.iter().rfind(|t| t.subnets.contains(&subnet.id)).or_else(|| tables.iter().find(|t| t.main && t.vpc == subnet.vpc))
    }

    /// The route of a table for an address: longest prefix, then what somebody wrote before lists before what was learnt.
    /// `None` for the place in the list is the local route that every table has.
    fn best_route(&self, table: &'n RouteTable, to: IpAddr) -> Result<Option<Leads<'n>>, Fate> {
        let mut best: Option<((u8, u8), Leads<'n>)> = None;
        let mut clash = false;
        let own = self.vpc_cidrs(&table.vpc);
        for cidr in own.iter().filter(|c| c.contains_ip(to)) {
            best = Some(((cidr.prefix(), 0), (None, &Target::Local, false)));
        }
        for (place, route) in table.routes.iter().enumerate() {
            let (cidrs, listed): (Vec<Cidr>, bool) = match &route.destination {
                Destination::Network(cidr) => (vec![*cidr], false),
                Destination::PrefixList(id) => (self.list(id).map_or(vec![], <[Cidr]>::to_vec), true),
            };
            for cidr in cidrs.into_iter().filter(|c| c.contains_ip(to)) {
                if route.propagated && own.iter().any(|own| own.contains(cidr)) {
                    continue;
                }
                let rank = (cidr.prefix(), if route.propagated { 1 } else { 3 - u8::from(listed) });
                match &best {
                    Some((held, (_, target, hole))) if *held == rank => clash |= **target != route.target || *hole != route.blackhole,
                    Some((held, ..)) if *held > rank => {}
                    _ => {
                        best = Some((rank, (Some(place), &route.target, route.blackhole)));
                        clash = false;
                    }
                }
            }
        }
        if clash {
            return Err(Fate::Unknown("overlapping prefix lists".into()));
        }
        Ok(best.map(|(_, leads)| leads))
    }

    /// What a prefix list holds, if that is known.
    fn list(&self, id: &Id) -> Option<&'n [Cidr]> {
        self.net.prefix_lists.iter().find(|l| l.id == *id).and_then(|l| l.entries.as_deref())
    }

    fn route(&self, subnet: &Subnet, mut way: Way, end: &mut Way) -> Fate {
        way.hops += 1;
        let Some(table) = self.table(subnet) else { return Fate::Unknown("no table".into()) };
        if !self.net.vpcs.iter().any(|v| v.id == subnet.vpc) {
            return Fate::Unknown(subnet.vpc.to_string());
        }
        if way.hops > 24 {
            return too_far();
        }
        let to = way.packet.destination;
        let unknown = |d: &Destination| matches!(d, Destination::PrefixList(id) if self.list(id).is_none());
        let unclear: Vec<usize> =
            (0..table.routes.len()).filter(|i| table.routes.get(*i).is_some_and(|r| unknown(&r.destination))).collect();
        let mut taken = None;
        if !unclear.is_empty() && !covers(self.vpc_cidrs(&table.vpc), to) {
            way.doubt.get_or_insert("a prefix list".into());
            let Some(choice) = self.choice(&mut way, unclear.len() + 1) else { return too_far() };
            taken = unclear.get(choice).copied();
        }
        let found = match taken.and_then(|i| Some((Some(i), table.routes.get(i)?))) {
            Some((place, route)) => Ok(Some((place, &route.target, route.blackhole))),
            None => self.best_route(table, to),
        };
        let (place, target, hole) = match found {
            Ok(Some(found)) => found,
            Ok(None) => return dies(&table.id),
            Err(fate) => return fate,
        };
        if hole {
            return dies(&table.id);
        }
        way.trail.extend(place.map(|place| Met::Route(table.id.clone(), place)));
        self.follow(target, subnet, way, end)
    }

    fn follow(&self, target: &Target, subnet: &Subnet, mut way: Way, end: &mut Way) -> Fate {
        match target {
            Target::Local => self.enter_vpc(&subnet.vpc, Some(subnet), way, end),
            Target::InternetGateway(id) => self.internet_gateway(id, subnet, way, end),
            Target::EgressOnlyGateway(id) => self.egress_only(id, subnet, way, end),
            Target::NatGateway(id) => self.nat(id, subnet, way, end),
            Target::Peering(id) => self.peering(id, subnet, way, end),
            Target::TransitGateway(id) => self.transit(id, subnet, way, end),
            Target::Endpoint(id) => self.endpoint(id, way, end),
            Target::Interface(id) => self.forwarder(id, way, end),
            Target::VpnGateway(id) => match self.net.vpn_gateways.iter().find(|g| g.id == *id) {
                None => Fate::Unknown(id.to_string()),
                Some(g) if g.vpc.as_ref() != Some(&subnet.vpc) => dies(id),
                Some(_) if way.packet.destination.is_ipv6() => Fate::Unknown("IPv6 by Direct Connect".into()),
                Some(_) => {
                    way.meets(id);
                    self.outside(End::Behind(id.clone()), way, end)
                }
            },
            Target::Unmodelled(id) => Fate::Unknown(id.to_string()),
        }
    }

    fn enter_vpc(&self, vpc: &Id, from: Option<&Subnet>, way: Way, end: &mut Way) -> Fate {
        let to = way.packet.destination;
        match self.net.subnets.iter().find(|s| s.vpc == *vpc && covers(&s.cidrs, to)) {
            Some(subnet) if from.is_some_and(|f| f.id == subnet.id) => self.in_subnet(subnet, way, end),
            Some(subnet) => self.enter_subnet(subnet, way, end),
            None if self.net.vpcs.iter().any(|v| v.id == *vpc) => dies(vpc),
            None => Fate::Unknown(vpc.to_string()),
        }
    }

    fn outside(&self, place: End, mut way: Way, end: &mut Way) -> Fate {
        if !way.answer && way.sessions.is_empty() {
            way.known = false;
            if !self.let_out_to(&way, None) {
                return self.not_let_out(&way);
            }
        }
        if way.answer && way.client != place {
            return dies(&Id::from("astray"));
        }
        *end = way;
        Fate::Arrives(place)
    }
}

/// What a fate is worth if nobody can tell whether the packet got that far.
fn surely(fate: Fate, way: Option<&Way>) -> Fate {
    match (&fate, way.and_then(|w| w.doubt.clone())) {
        (Fate::Arrives(_), Some(doubt)) => Fate::Unknown(doubt),
        _ => fate,
    }
}
