//! One packet at internet gateways, NAT gateways, endpoints and machines that forward. Layer 5.

use std::net::IpAddr;

use crate::net::{Attached, Block, BlockPublicAccess, Exclusion, Id, Interface, NatGateway, Owner, Public, Subnet, Target};

use super::{End, Fate, Met, Oracle, Way, covers, dies, internet, too_far};

/// Addresses that nobody has on the internet: RFC 1918, RFC 6598, RFC 4193.
fn private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.is_private() || (v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64),
        IpAddr::V6(v6) => v6.octets()[0] & 0xfe == 0xfc,
    }
}

impl Oracle<'_> {
    fn closed(&self, subnet: &Subnet, inbound: bool, by_nat: bool) -> bool {
        let Some(vpc) = self.net.vpcs.iter().find(|v| v.id == subnet.vpc) else { return false };
        let fits = |mine: &str, theirs: &str| mine.is_empty() || theirs.is_empty() || mine == theirs;
        let applies = |b: &&BlockPublicAccess| fits(&b.region, &vpc.region) && fits(&b.account, &vpc.account);
        let Some(block) = self.net.block_public_access.iter().find(applies) else { return false };
        let mut off = block.exclusions.iter().filter(|(id, _)| *id == subnet.id || *id == subnet.vpc).map(|(_, e)| *e);
        match off.next() {
            Some(Exclusion::Bidirectional) => false,
            Some(Exclusion::Egress) => inbound,
            None => block.block == Block::Bidirectional || !by_nat,
        }
    }

    pub(super) fn internet_gateway(&self, id: &Id, subnet: &Subnet, mut way: Way, end: &mut Way) -> Fate {
        let Some(gateway) = self.net.internet_gateways.iter().find(|g| g.id == *id) else { return Fate::Unknown(id.to_string()) };
        if gateway.vpc.as_ref() != Some(&subnet.vpc) {
            return dies(id);
        }
        let speaker = way.speaker.as_ref().and_then(|s| self.interface(s));
        let by_nat = speaker.is_some_and(|s| matches!(s.owner, Owner::NatGateway(_)));
        if !way.answer && self.closed(subnet, false, by_nat) {
            return dies(id);
        }
        if way.packet.source.is_ipv4() {
            let own = speaker.filter(|s| self.subnet(&s.subnet).is_some_and(|home| home.vpc == subnet.vpc));
            let address = own.and_then(|s| s.addresses.iter().find(|a| a.private.contains_ip(way.packet.source)));
            let Some(Public::Known(public)) = address.and_then(|a| a.public) else { return dies(id) };
            way.packet.source = public;
        } else if !covers(self.vpc_cidrs(&subnet.vpc), way.packet.source) {
            return dies(id);
        }
        way.meets(id);
        self.onto_internet(id, &subnet.vpc, way, end)
    }

    fn onto_internet(&self, gateway: &Id, vpc: &Id, mut way: Way, end: &mut Way) -> Fate {
        way.hops += 1;
        if way.hops > 24 {
            return too_far();
        }
        if !self.may_leave(&way) {
            return self.not_let_out(&way);
        }
        way.known = false;
        if private(way.packet.destination) || private(way.packet.source) {
            return dies(gateway);
        }
        if way.packet.destination.is_ipv6() && covers(self.vpc_cidrs(vpc), way.packet.destination) {
            return dies(gateway);
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
        let interface = self.net.interfaces.iter().find(has)?;
        Some(self.subnet(&interface.subnet).map_or_else(|| interface.subnet.clone(), |s| s.vpc.clone()))
    }

    pub(super) fn arrive_from_internet(&self, way: Way, end: &mut Way) -> Fate {
        if private(way.packet.destination) { dies(&internet()) } else { self.enter_from_internet(way, end) }
    }

    fn enter_from_internet(&self, mut way: Way, end: &mut Way) -> Fate {
        // The answer to what left by an egress-only gateway comes back by it.
        if let (true, Some(id)) = (way.answer, way.egress_only.clone()) {
            let vpc = self.net.egress_only_gateways.iter().find(|g| g.id == id).and_then(|g| g.vpc.clone());
            if let Some(vpc) = vpc.filter(|vpc| covers(self.vpc_cidrs(vpc), way.packet.destination)) {
                way.meets(&id);
                return self.enter_vpc(&vpc, None, way, end);
            }
        }
        let Some(vpc) = self.owner_of(way.packet.destination) else { return dies(&internet()) };
        let Some(gateway) = self.net.internet_gateways.iter().find(|g| g.vpc.as_ref() == Some(&vpc)) else {
            let routes = self.net.route_tables.iter().filter(|t| t.vpc == vpc).flat_map(|t| &t.routes);
            let unseen = |t: &Target| matches!(t, Target::InternetGateway(id) if !self.net.internet_gateways.iter().any(|g| g.id == *id));
            let absent = !self.net.vpcs.iter().any(|v| v.id == vpc) || routes.into_iter().any(|r| unseen(&r.target));
            return if absent { Fate::Unknown("its internet gateway".into()) } else { dies(&vpc) };
        };
        way.known = false;
        if private(way.packet.source) {
            return dies(&gateway.id);
        }
        if way.packet.destination.is_ipv4() {
            let public = Some(Public::Known(way.packet.destination));
            let address = self.net.interfaces.iter().flat_map(|i| &i.addresses).find(|a| a.public == public);
            let Some(address) = address else { return dies(&internet()) };
            way.packet.destination = address.private.network();
            way.rewritten = true;
        }
        way.meets(&gateway.id);
        let to = way.packet.destination;
        let subnet = self.net.subnets.iter().find(|s| s.vpc == vpc && covers(&s.cidrs, to));
        if !way.answer && subnet.is_some_and(|s| self.closed(s, true, false)) {
            return dies(&gateway.id);
        }
        self.inward(&gateway.id, &vpc, way, end)
    }

    /// Into a VPC by a gateway that may have a route table of its own.
    fn inward(&self, gateway: &Id, vpc: &Id, mut way: Way, end: &mut Way) -> Fate {
        let Some(table) = self.net.route_tables.iter().rfind(|t| t.gateways.contains(gateway)) else {
            return self.enter_vpc(vpc, None, way, end);
        };
        match self.best_route(table, way.packet.destination) {
            Err(fate) => fate,
            Ok(None | Some((.., true))) => dies(&table.id),
            Ok(Some((_, Target::Local, _))) => self.enter_vpc(vpc, None, way, end),
            Ok(Some((place, Target::Interface(id), _))) => {
                way.trail.extend(place.map(|place| Met::Route(table.id.clone(), place)));
                self.forwarder(id, way, end)
            }
            Ok(Some((_, other, _))) => Fate::Unknown(other.name().into()),
        }
    }

    pub(super) fn egress_only(&self, id: &Id, subnet: &Subnet, mut way: Way, end: &mut Way) -> Fate {
        let Some(gateway) = self.net.egress_only_gateways.iter().find(|g| g.id == *id) else { return Fate::Unknown(id.to_string()) };
        if gateway.vpc.as_ref() != Some(&subnet.vpc) || way.packet.destination.is_ipv4() || way.answer || self.closed(subnet, false, true) {
            return dies(id);
        }
        if !covers(self.vpc_cidrs(&subnet.vpc), way.packet.source) {
            return dies(id);
        }
        way.egress_only = Some(id.clone());
        way.meets(id);
        self.onto_internet(id, &subnet.vpc, way, end)
    }

    pub(super) fn nat(&self, id: &Id, subnet: &Subnet, mut way: Way, end: &mut Way) -> Fate {
        let Some(nat) = self.net.nat_gateways.iter().find(|g| g.id == *id) else { return Fate::Unknown(id.to_string()) };
        if !nat.available {
            return dies(id);
        }
        let Some(home) = nat.subnet.as_ref().and_then(|s| self.subnet(s)) else { return Fate::Unknown("a regional gateway".into()) };
        if home.vpc != subnet.vpc {
            return dies(id);
        }
        if home.id != subnet.id
            && let Err(fate) = self.acl(home, &mut way, true)
        {
            return fate;
        }
        if way.packet.destination.is_ipv6() {
            let nat64 = matches!(way.packet.destination, IpAddr::V6(v6) if v6.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0]);
            return if nat64 { Fate::Unknown("NAT64".into()) } else { dies(id) };
        }
        if way.answer || !matches!(way.packet.protocol, 1 | 6 | 17) {
            return dies(id);
        }
        let Some((own, address)) = self.nat_address(nat, &mut way) else { return Fate::Unknown("no address".into()) };
        if way.sessions.iter().any(|(gateway, ..)| gateway == id) {
            return dies(id);
        }
        if way.sessions.len() > 1 {
            return Fate::Unknown("more than two translations".into());
        }
        if !self.may_leave(&way) {
            return self.not_let_out(&way);
        }
        way.sessions.push((id.clone(), way.packet.source, way.packet.first));
        way.packet.source = address;
        if way.packet.protocol != 1 {
            self.chose.set(true);
            way.packet.first = self.nat_ports.get(way.sessions.len() - 1).copied().unwrap_or(1024);
        }
        way.speaker = Some(own);
        way.known = false;
        way.meets(id);
        self.out_of_subnet(home, way, end)
    }

    /// The interface of a NAT gateway, and the address that it gives a packet: of several, nobody knows which.
    fn nat_address(&self, nat: &NatGateway, way: &mut Way) -> Option<(Id, IpAddr)> {
        let own = self.net.interfaces.iter().find(|i| i.owner == Owner::NatGateway(nat.id.clone()))?;
        let all: Vec<IpAddr> = own.addresses.iter().map(|a| a.private.network()).filter(IpAddr::is_ipv4).collect();
        if all.len() > 1 {
            way.doubt.get_or_insert("one of several addresses".into());
        }
        Some((own.id.clone(), *all.get(self.choice(way, all.len())?)?))
    }

    pub(super) fn back_through_nat(&self, id: &Id, interface: &Interface, mut way: Way, end: &mut Way) -> Fate {
        let session = way.sessions.last().cloned().filter(|(gateway, ..)| way.answer && gateway == id);
        let (Some((_, source, port)), Some(home)) = (session, self.subnet(&interface.subnet)) else { return dies(id) };
        way.sessions.pop();
        way.packet.destination = source;
        if way.packet.protocol != 1 {
            way.packet.second = port;
        }
        way.meets(id);
        self.out_of_subnet(home, way, end)
    }

    pub(super) fn endpoint(&self, id: &Id, mut way: Way, end: &mut Way) -> Fate {
        let Some(endpoint) = self.net.endpoints.iter().find(|e| e.id == *id) else { return Fate::Unknown(id.to_string()) };
        if endpoint.modelled && !endpoint.available {
            return dies(id);
        }
        if !endpoint.gateway {
            return Fate::Unknown(id.to_string());
        }
        way.meets(id);
        let echo = way.packet.protocol == 1 && way.packet.first == if way.answer { 0 } else { 8 };
        if way.packet.protocol == 6 || echo { self.outside(End::Behind(id.clone()), way, end) } else { dies(id) }
    }

    pub(super) fn forwarder(&self, id: &Id, mut way: Way, end: &mut Way) -> Fate {
        let Some(interface) = self.interface(id) else { return Fate::Unknown(id.to_string()) };
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
            && let Err(fate) = self.groups(interface, &mut way, true)
        {
            return fate;
        }
        Fate::Unknown(id.to_string())
    }

    pub(super) fn arrive_from_behind(&self, id: &Id, mut way: Way, end: &mut Way) -> Fate {
        way.meets(id);
        if let Some(gateway) = self.net.vpn_gateways.iter().find(|g| g.id == *id) {
            return match &gateway.vpc {
                Some(_) if way.packet.destination.is_ipv6() => Fate::Unknown("IPv6 by Direct Connect".into()),
                Some(vpc) if covers(self.vpc_cidrs(vpc), way.packet.destination) => self.inward(id, vpc, way, end),
                _ => dies(id),
            };
        }
        if let Some(endpoint) = self.net.endpoints.iter().find(|e| e.id == *id) {
            return if way.answer { self.enter_vpc(&endpoint.vpc, None, way, end) } else { dies(id) };
        }
        match self.net.attachments.iter().find(|a| a.id == *id && matches!(a.to, Attached::Outside(_))) {
            Some(attachment) if !attachment.available => dies(id),
            Some(attachment) => self.in_transit(attachment, None, way, end),
            None => dies(id),
        }
    }
}
