//! One packet at peerings and transit gateways. Layer 5.

use std::net::IpAddr;

use crate::{
    base::cidr::Cidr,
    net::{Attached, Attachment, Destination, Id, Subnet, TransitTable},
};

use super::{End, Fate, Met, Oracle, Way, covers, dies, too_far};

/// Where a transit gateway's route leads: its place in the table's list, and the attachment unless it is a black hole.
type Best = (Option<usize>, Option<Id>);

impl Oracle<'_> {
    pub(super) fn peering(&self, id: &Id, subnet: &Subnet, mut way: Way, end: &mut Way) -> Fate {
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
        way.meets(id);
        way.known &= mine.region == theirs.region;
        self.enter_vpc(&theirs.vpc, None, way, end)
    }

    pub(super) fn transit(&self, id: &Id, subnet: &Subnet, mut way: Way, end: &mut Way) -> Fate {
        let Some(gateway) = self.net.transit_gateways.iter().find(|g| g.id == *id) else { return Fate::Unknown(id.to_string()) };
        // Across a transit gateway rules may name groups for what comes in, never for what goes out.
        if !self.may_leave(&way) {
            return self.not_let_out(&way);
        }
        if !gateway.available {
            return dies(id);
        }
        let here = |a: &&Attachment| a.gateway == *id && matches!(&a.to, Attached::Vpc { vpc, .. } if *vpc == subnet.vpc);
        let Some(attachment) = self.net.attachments.iter().find(here) else { return Fate::Unknown("no attachment".into()) };
        let Attached::Vpc { subnets, ipv6, group_references, .. } = &attachment.to else { return dies(id) };
        if !attachment.available || (way.packet.destination.is_ipv6() && !ipv6) {
            return dies(&attachment.id);
        }
        let doors: Vec<&Subnet> = subnets.iter().filter_map(|s| self.subnet(s)).collect();
        let Some(door) = doors.iter().find(|d| d.zone.is_some() && d.zone == subnet.zone) else {
            let all_known = subnet.zone.is_some() && doors.len() == subnets.len() && doors.iter().all(|d| d.zone.is_some());
            return if all_known { dies(&subnet.id) } else { Fate::Unknown("a zone".into()) };
        };
        if let Err(fate) = self.acl(door, &mut way, true) {
            return fate;
        }
        way.known &= gateway.group_references && *group_references;
        self.in_transit(attachment, subnet.zone.as_deref(), way, end)
    }

    pub(super) fn in_transit(&self, from: &Attachment, zone: Option<&str>, mut way: Way, end: &mut Way) -> Fate {
        way.hops += 1;
        if way.hops > 24 {
            return too_far();
        }
        // What comes back as it was comes back for ever.
        let here = (from.id.clone(), from.gateway.clone(), zone.map(String::from), way.look());
        if way.seen.contains(&here) {
            return dies(&from.gateway);
        }
        way.seen.push(here);
        match self.net.transit_gateways.iter().find(|g| g.id == from.gateway) {
            None => return Fate::Unknown(from.gateway.to_string()),
            Some(gateway) if !gateway.available => return dies(&from.gateway),
            Some(_) => {}
        }
        way.meets(&from.gateway);
        let Some(table) = &from.table else { return dies(&from.id) };
        let Some(table) = self.net.transit_tables.iter().find(|t| t.id == *table) else { return Fate::Unknown("no table".into()) };
        let listed = |d: &Destination| matches!(d, Destination::PrefixList(id) if self.list(id).is_none());
        let unseen = |id: &Id| !self.net.attachments.iter().any(|a| a.id == *id && a.gateway == table.gateway);
        if !table.known || table.routes.iter().any(|r| listed(&r.destination)) || table.propagations.iter().any(unseen) {
            return Fate::Unknown("routes".into());
        }
        let (place, id) = match self.best_transit(table, way.packet.destination) {
            Some((place, Some(id))) => (place, id),
            Some((_, None)) => return dies(&table.id),
            None => {
                let own = |a: &&Attachment| a.gateway == table.gateway && !matches!(a.to, Attached::Vpc { .. });
                let learns = |id: &Id| self.net.attachments.iter().filter(own).any(|a| a.id == *id);
                let learns = table.propagations.iter().any(learns);
                return if learns { Fate::Unknown("learnt routes".into()) } else { dies(&table.id) };
            }
        };
        way.trail.extend(place.map(|place| Met::Route(table.id.clone(), place)));
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
                let far = |a: &&Attachment| a.id == to.id && a.gateway == *other && *other != to.gateway;
                if !self.net.transit_gateways.iter().any(|g| g.id == *other) {
                    return Fate::Unknown(other.to_string());
                }
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

    fn best_transit(&self, table: &TransitTable, to: IpAddr) -> Option<Best> {
        let mut best: Option<((u8, u8), Best)> = None;
        let mut offer = |rank: (u8, u8), found: Best| {
            if best.as_ref().is_none_or(|(held, _)| rank > *held) {
                best = Some((rank, found));
            }
        };
        for (place, route) in table.routes.iter().enumerate() {
            let (cidrs, fixed): (Vec<Cidr>, u8) = match &route.destination {
                Destination::Network(cidr) => (vec![*cidr], 9),
                Destination::PrefixList(id) => (self.list(id).map_or(vec![], <[Cidr]>::to_vec), 8),
            };
            for cidr in cidrs.into_iter().filter(|c| c.contains_ip(to)) {
                offer((cidr.prefix(), if route.fixed { fixed } else { 5 }), (Some(place), route.attachment.clone()));
            }
        }
        for id in &table.propagations {
            let attachment = self.net.attachments.iter().find(|a| a.id == *id && a.gateway == table.gateway && a.available);
            let Some(Attached::Vpc { vpc, .. }) = attachment.map(|a| &a.to) else { continue };
            for cidr in self.vpc_cidrs(vpc).iter().filter(|c| c.contains_ip(to)) {
                offer((cidr.prefix(), 6), (None, Some(id.clone())));
            }
        }
        best.map(|(_, found)| found)
    }

    fn out_of_transit(&self, vpc: &Id, subnets: &[Id], zone: Option<&str>, mut way: Way, end: &mut Way) -> Fate {
        if !self.net.vpcs.iter().any(|v| v.id == *vpc) {
            return Fate::Unknown(vpc.to_string());
        }
        let all: Vec<&Subnet> = subnets.iter().filter_map(|s| self.subnet(s)).collect();
        if all.len() < subnets.len() {
            return Fate::Unknown(vpc.to_string());
        }
        let near: Vec<&Subnet> = all.iter().copied().filter(|s| zone.is_some() && s.zone.as_deref() == zone).collect();
        let doors = if near.is_empty() { all } else { near };
        let Some(choice) = self.choice(&mut way, doors.len()) else { return too_far() };
        match doors.get(choice) {
            Some(door) => self.by_door(door, way, end),
            None => Fate::Unknown(vpc.to_string()),
        }
    }

    fn by_door(&self, door: &Subnet, mut way: Way, end: &mut Way) -> Fate {
        if covers(&door.cidrs, way.packet.destination) {
            way.meets(&door.id);
            return self.in_subnet(door, way, end);
        }
        if let Err(fate) = self.acl(door, &mut way, false) {
            return fate;
        }
        self.route(door, way, end)
    }
}
