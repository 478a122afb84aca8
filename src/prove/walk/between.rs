//! Peerings and transit gateways. Layer 5.

use crate::{
    base::cidr::Family,
    net::{Attached, Id},
    prove::{chart::TransitChoice, packet::Range, reason::Reason},
};

use super::{Arrival, Line, Piece, Place, ROUTERS_MAX, Spot, Stream, Walk};

impl Walk<'_, '_> {
    pub(super) fn out_by_peering(&mut self, vpc: usize, peering: usize, mut stream: Stream) {
        let chart = self.chart;
        let Some(at) = chart.net.peerings.get(peering) else { return };
        let spot = Spot::Peering(peering);
        Self::step(&mut stream, Spot::Vpc(vpc), None, None);
        if !at.active {
            return self.stop(stream, spot, Reason::PeeringInactive);
        }
        let own = chart.net.vpcs.get(vpc).map(|v| &v.id);
        let [one, two] = &at.sides;
        let (mine, theirs) = match own {
            Some(id) if *id == one.vpc => (one, two),
            Some(id) if *id == two.vpc => (two, one),
            _ => return self.stop(stream, spot, Reason::GatewayElsewhere),
        };
        let family = stream.family;
        let from: Vec<Range> = chart.vpcs.get(vpc).map_or_else(Vec::new, |v| v.ranges.of(family).clone());
        let peer = chart.vpc(&theirs.vpc);
        let to: Vec<Range> = match peer.and_then(|p| chart.vpcs.get(p)) {
            Some(at) => at.ranges.of(family).clone(),
            None => theirs.cidrs.iter().filter(|c| c.family() == family).map(|c| Range::of(*c)).collect(),
        };
        let mut carried = stream.clone_head();
        let (source_field, destination_field) = (stream.view.source, stream.view.destination);
        for source in &from {
            let mut sent = Self::split(&mut stream, source_field, *source);
            for destination in &to {
                carried.pieces.extend(Self::split(&mut sent, destination_field, *destination).pieces);
            }
            self.stop(sent, spot, Reason::PeeringAddresses);
        }
        self.stop(stream, spot, Reason::PeeringAddresses);
        if carried.pieces.is_empty() {
            return;
        }
        Self::step(&mut carried, spot, None, None);
        if mine.region != theirs.region {
            carried.identity = None;
        }
        match peer {
            Some(peer) => self.enter_vpc(peer, carried, None),
            None => self.stop(carried, spot, Reason::Missing(format!("VPC `{}`", theirs.vpc).into())),
        }
    }

    /// Packets of a VPC that is not in the model, over its peering with one that is.
    pub(super) fn enter_by_peering(&mut self, peering: usize, mut stream: Stream) {
        let chart = self.chart;
        let Some(at) = chart.net.peerings.get(peering) else { return };
        let spot = Spot::Peering(peering);
        if !at.active {
            return self.stop(stream, spot, Reason::PeeringInactive);
        }
        let [one, two] = &at.sides;
        let (mine, theirs) = if chart.vpc(&one.vpc).is_some() { (one, two) } else { (two, one) };
        let (Some(vpc), None) = (chart.vpc(&mine.vpc), chart.vpc(&theirs.vpc)) else {
            return self.stop(stream, spot, Reason::NoPossibleDestination);
        };
        let (source, to, family) = (stream.view.source, stream.view.destination, stream.family);
        let mut carried = stream.clone_head();
        for from in theirs.cidrs.iter().filter(|c| c.family() == family).map(|c| Range::of(*c)) {
            let mut sent = Self::split(&mut stream, source, from);
            for range in chart.vpcs.get(vpc).map_or(&[][..], |v| v.ranges.of(family).as_slice()) {
                carried.pieces.extend(Self::split(&mut sent, to, *range).pieces);
            }
            self.stop(sent, spot, Reason::PeeringAddresses);
        }
        self.stop(stream, spot, Reason::PeeringAddresses);
        self.enter_vpc(vpc, carried, None);
    }

    pub(super) fn out_by_transit_gateway(&mut self, subnet: usize, gateway: usize, mut stream: Stream) {
        let chart = self.chart;
        let vpc = chart.vpc_of(subnet);
        let spot = Spot::TransitGateway(gateway);
        let Some(at) = chart.net.transit_gateways.get(gateway) else { return };
        // Across a transit gateway rules may name groups for what comes in, never for what goes out.
        stream = self.settle_pending(stream, None);
        if !at.available {
            return self.stop(stream, spot, Reason::BadState);
        }
        let Some((number, attachment)) = chart.attachment_of(gateway, vpc).and_then(|a| Some((a, chart.net.attachments.get(a)?))) else {
            return self.stop(stream, spot, Reason::TransitNoAttachment);
        };
        if !attachment.available {
            return self.stop(stream, Spot::Attachment(number), Reason::NotAttached);
        }
        let Attached::Vpc { subnets, ipv6, group_references, .. } = &attachment.to else { return };
        if stream.family == Family::V6 && !ipv6 {
            return self.stop(stream, Spot::Attachment(number), Reason::Family);
        }
        let zone = |s: usize| chart.net.subnets.get(s).and_then(|s| s.zone.clone());
        let home = zone(subnet);
        let Some(door) = subnets.iter().filter_map(|id| chart.subnet(id)).find(|s| zone(*s) == home && home.is_some()) else {
            let unknown = home.is_none() || subnets.iter().any(|id| chart.subnet(id).is_none_or(|s| zone(s).is_none()));
            let reason = if unknown { Reason::Missing("an Availability Zone".into()) } else { Reason::TransitZone };
            return self.stop(stream, Spot::Subnet(subnet), reason);
        };
        // Between an instance's subnet and the attachment's, the latter's inbound entries count; in one and the same, both do.
        stream = self.through_acl(door, stream, true);
        Self::step(&mut stream, Spot::Vpc(vpc), None, None);
        if !(at.group_references && *group_references) {
            stream.identity = None;
        }
        self.at_transit_gateway(gateway, number, home.as_deref(), stream);
    }

    /// Packets from outside the model at an attachment.
    pub(super) fn enter_from_attachment(&mut self, attachment: usize, stream: Stream) {
        let chart = self.chart;
        let gateway = chart.net.attachments.get(attachment).and_then(|a| chart.transit_gateway(&a.gateway));
        if chart.net.attachments.get(attachment).is_some_and(|a| !a.available) {
            return self.stop(stream, Spot::Attachment(attachment), Reason::NotAttached);
        }
        match gateway {
            Some(gateway) => self.at_transit_gateway(gateway, attachment, None, stream),
            None => self.stop(stream, Spot::Attachment(attachment), Reason::Missing("a transit gateway".into())),
        }
    }

    /// Packets that come into a transit gateway by an attachment.
    fn at_transit_gateway(&mut self, gateway: usize, attachment: usize, zone: Option<&str>, mut stream: Stream) {
        let chart = self.chart;
        if stream.pieces.is_empty() {
            return;
        }
        stream.routers += 1;
        let spot = Spot::TransitGateway(gateway);
        if stream.routers > ROUTERS_MAX {
            return self.stop(stream, spot, Reason::TooComplex);
        }
        stream = self.once(attachment, zone, stream, spot);
        if stream.pieces.is_empty() {
            return;
        }
        if chart.net.transit_gateways.get(gateway).is_some_and(|g| !g.available) {
            return self.stop(stream, spot, Reason::BadState);
        }
        Self::step(&mut stream, spot, None, None);
        let Some(table_id) = chart.net.attachments.get(attachment).and_then(|a| a.table.as_ref()) else {
            return self.stop(stream, Spot::Attachment(attachment), Reason::TransitNoTable);
        };
        let Some(number) = chart.transit_table(table_id) else {
            return self.stop(stream, spot, Reason::Missing(format!("transit gateway route table `{table_id}`").into()));
        };
        let (Some(table), Some(ranges)) = (chart.net.transit_tables.get(number), chart.transit_tables.get(number)) else { return };
        // Whatever is not known may be more specific than what is.
        let unseen = |id: &Id| !chart.net.attachments.iter().any(|a| a.is(id, &table.gateway));
        let listed = table.routes.iter().all(|r| chart.networks(&r.destination).is_some());
        if !(table.known && listed) || table.propagations.iter().any(unseen) {
            return self.stop(stream, Spot::TransitTable(number), Reason::UnknownTransitRoutes);
        }
        let to = stream.view.destination;
        let Some(hull) = stream.hull(to) else { return };
        for (range, choice) in ranges.of(stream.family).iter().filter(|(r, _)| r.meet(hull).is_some()) {
            let there = Self::split(&mut stream, to, *range);
            if !there.pieces.is_empty() {
                self.by_transit_route(gateway, number, choice, zone, there);
            }
        }
        let outside = |id: &Id| chart.net.attachments.iter().any(|a| a.is(id, &table.gateway) && !matches!(a.to, Attached::Vpc { .. }));
        let learns = table.propagations.iter().any(outside);
        let reason = if learns { Reason::UnknownTransitRoutes } else { Reason::TransitNoRoute };
        self.stop(stream, Spot::TransitTable(number), reason);
    }

    fn by_transit_route(&mut self, gateway: usize, table: usize, choice: &TransitChoice, zone: Option<&str>, mut stream: Stream) {
        let chart = self.chart;
        let spot = Spot::TransitTable(table);
        let line = choice.route.map(|route| Line::TransitRoute(table, route));
        let Some(id) = &choice.attachment else { return self.stop(stream, spot, Reason::TransitBlackhole) };
        Self::step(&mut stream, spot, line, None);
        let gateway_id = chart.net.transit_gateways.get(gateway).map(|g| &g.id);
        let found = chart.net.attachments.iter().enumerate().find(|(_, a)| a.id == *id && Some(&a.gateway) == gateway_id);
        let Some((number, attachment)) = found else {
            return self.stop(stream, spot, Reason::Missing(format!("attachment `{id}`").into()));
        };
        if !attachment.available {
            return self.stop(stream, Spot::Attachment(number), Reason::NotAttached);
        }
        match &attachment.to {
            Attached::Vpc { vpc, subnets, ipv6, appliance, group_references } => {
                if stream.family == Family::V6 && !ipv6 {
                    return self.stop(stream, Spot::Attachment(number), Reason::Family);
                }
                if !group_references {
                    stream.identity = None;
                }
                Self::step(&mut stream, Spot::Attachment(number), None, None);
                match chart.vpc(vpc) {
                    Some(vpc) => self.enter_from_transit_gateway(vpc, subnets, zone.filter(|_| !appliance), stream),
                    None => self.stop(stream, spot, Reason::Missing(format!("VPC `{vpc}`").into())),
                }
            }
            Attached::Peering(other) => {
                stream.identity = None;
                let far = chart.net.attachments.iter().enumerate().find(|(i, a)| a.id == *id && a.gateway == *other && *i != number);
                match (chart.transit_gateway(other), far) {
                    (Some(far_gateway), Some((far, at))) if at.available => self.at_transit_gateway(far_gateway, far, None, stream),
                    (Some(_), Some((far, _))) => self.stop(stream, Spot::Attachment(far), Reason::NotAttached),
                    _ => self.stop(stream, Spot::Attachment(number), Reason::Missing(format!("transit gateway `{other}`").into())),
                }
            }
            Attached::Outside(_) => {
                stream.identity = None;
                self.outside(Place::Behind(Spot::Attachment(number)), Spot::Attachment(number), stream);
            }
            Attached::Unmodelled(what) => self.stop(stream, Spot::Attachment(number), Reason::Unmodelled(what.clone())),
        }
    }

    /// Packets that a transit gateway hands to a VPC, by the table and the ACL of one of its subnets there.
    fn enter_from_transit_gateway(&mut self, vpc: usize, subnets: &[Id], zone: Option<&str>, stream: Stream) {
        let chart = self.chart;
        let zone_of = |s: usize| chart.net.subnets.get(s).and_then(|s| s.zone.as_deref());
        let all: Vec<usize> = subnets.iter().filter_map(|id| chart.subnet(id)).collect();
        let near: Vec<usize> = all.iter().copied().filter(|s| zone.is_some() && zone_of(*s) == zone).collect();
        let doors = if near.is_empty() { all } else { near };
        if doors.is_empty() || subnets.iter().any(|id| chart.subnet(id).is_none()) {
            return self.stop(stream, Spot::Vpc(vpc), Reason::Missing("the subnets of an attachment".into()));
        }
        let Some(stream) = self.among(doors.len(), stream, Spot::Vpc(vpc)) else { return };
        let several = doors.len() > 1;
        let mut ways = vec![];
        for door in doors {
            let mut way = self.like();
            way.through_door(door, stream.clone());
            ways.push(way);
        }
        self.arrivals.extend(arrive_by_all(&ways));
        for way in ways {
            for mut arrival in way.arrivals.into_iter().filter(|_| several) {
                arrival.stream.doubt(&Reason::AwsChooses);
                self.arrivals.push(arrival);
            }
            self.most = self.most.max(way.most);
            self.losses.extend(way.losses);
            self.unknown.extend(way.unknown);
        }
    }

    /// Packets from a transit gateway's interface in a subnet: to that very subnet no ACL applies, to others both do.
    fn through_door(&mut self, door: usize, mut stream: Stream) {
        let Some(at) = self.chart.subnets.get(door) else { return };
        let to = stream.view.destination;
        for range in at.ranges.of(stream.family) {
            let mut near = Self::split(&mut stream, to, *range);
            if !near.pieces.is_empty() {
                Self::step(&mut near, Spot::Vpc(at.vpc), None, None);
                Self::step(&mut near, Spot::Subnet(door), None, None);
                self.enter_subnet(door, near, false);
            }
        }
        let stream = self.through_acl(door, stream, false);
        self.route(door, stream);
    }
}

/// What arrives at one place in one form, whichever of several ways AWS chooses.
fn arrive_by_all(ways: &[Walk<'_, '_>]) -> Vec<Arrival> {
    let Some((first, others)) = ways.split_first() else { return vec![] };
    let mut sure: Vec<Arrival> = first.arrivals.clone();
    for other in others {
        for arrival in &mut sure {
            let (here, mine) = (arrival.place, &arrival.stream);
            // What a NAT gateway has yet to undo decides over the answer.
            let as_mine = |s: &Stream| s.view == mine.view && s.asked == mine.asked && s.sessions == mine.sessions;
            let same = |a: &&Arrival| a.place == here && as_mine(&a.stream);
            let theirs: Vec<&Piece> =
                other.arrivals.iter().filter(same).flat_map(|a| &a.stream.pieces).filter(|p| p.doubt.is_none()).collect();
            let mine = std::mem::take(&mut arrival.stream.pieces);
            for piece in mine {
                let both = theirs.iter().filter_map(|p| piece.cube.meet(&p.cube));
                arrival.stream.pieces.extend(both.map(|cube| Piece { cube, ..piece.clone() }));
            }
        }
    }
    sure.retain(|a| !a.stream.pieces.is_empty());
    sure
}
