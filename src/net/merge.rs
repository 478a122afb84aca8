//! What the project says, among what stands in the same VPCs: a peering, gateway or instance of somebody else counts. Layer 1.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::{cidr::Cidr, service::Service},
    net::{Attached, Destination, Entry, Id, Net, NetworkAcl, Origin, Owner, Peer, Route, RouteTable, Rule, SecurityGroup, Target},
};

mod transit;

/// Names of what EC2 knows by ids.
pub type Names = BTreeMap<Id, Id>;

/// The network as it will be: what stands without what the project manages, and what the project says of that.
///
/// `standing` goes by the project's names already; `managed` are the names that the project answers for, those of what it
/// is about to remove among them.
#[must_use]
pub fn merge(mut standing: Net, managed: &BTreeSet<Id>, mut desired: Net) -> Net {
    stays(&standing, managed, &mut desired);
    transit::stays(&standing, managed, &mut desired);
    standing.retain(|id| !managed.contains(id));
    // What comes later holds: the project's tables and ACLs take subnets over from those that stand.
    standing.append(desired);
    transit::leave(managed, &mut standing);
    complete(&mut standing);
    standing
}

/// Gives the project's things what others have added to them and an apply leaves alone: further networks of VPCs and
/// subnets, routes that AWS itself puts into a table, gateways that follow the main one, its place as the VPC's main table.
fn stays(standing: &Net, managed: &BTreeSet<Id>, desired: &mut Net) {
    fn further(held: &[Cidr], cidrs: &mut Vec<Cidr>) {
        cidrs.extend(held.iter().filter(|c| !cidrs.contains(c)).copied().collect::<Vec<_>>());
    }
    for vpc in &mut desired.vpcs {
        standing.vpcs.iter().filter(|v| v.id == vpc.id).for_each(|held| further(&held.cidrs, &mut vpc.cidrs));
    }
    for subnet in &mut desired.subnets {
        standing.subnets.iter().filter(|s| s.id == subnet.id).for_each(|held| further(&held.cidrs, &mut subnet.cidrs));
    }
    for table in &mut desired.route_tables {
        for held in standing.route_tables.iter().filter(|t| t.id == table.id) {
            // What a gateway has put there stays as long as it may put something there; then EC2 has told what that is.
            let goes_on = |r: &Route| r.propagated && matches!(&r.target, Target::VpnGateway(id) if table.propagating.contains(id));
            let by_aws =
                |r: &&Route| goes_on(r) || matches!((&r.destination, &r.target), (Destination::PrefixList(_), Target::Endpoint(_)));
            // What a VPN's static routes promise is there once a tunnel is up; until then it may come at any time.
            let (promised, own): (Vec<Route>, Vec<Route>) = table.routes.drain(..).partition(|r| r.propagated && !r.is_of_unknown());
            table.routes = own;
            let held_by_aws: Vec<Route> = held.routes.iter().filter(by_aws).cloned().collect();
            // A route that is to lead to an endpoint, and does already, is for the list that it is for.
            let drawn = |r: &Route| matches!((&r.destination, &r.target), (Destination::PrefixList(_), Target::Endpoint(_)));
            let (mut wanted, rest): (Vec<Route>, Vec<Route>) = table.routes.drain(..).partition(drawn);
            let goes = |r: &Route| {
                matches!(&r.target, Target::Endpoint(id) if managed.contains(id)) && !wanted.iter().any(|w| w.target == r.target)
            };
            let stays: Vec<Route> = held_by_aws.into_iter().filter(|r| !goes(r)).collect();
            wanted.retain(|w| !stays.iter().any(|s| s.target == w.target));
            table.routes = rest.into_iter().chain(wanted).chain(stays).collect();
            let all = table.routes.clone();
            let is_there = |promised: &Route| {
                all.iter().any(|r| r.destination == promised.destination && (!r.propagated || r.target == promised.target))
            };
            let kept = |gateway: &Target| promised.iter().filter(|p| p.target == *gateway).all(is_there);
            let told = |r: &Route| {
                let learns = matches!(&r.target, Target::VpnGateway(id) if held.propagating.contains(id));
                r.is_of_unknown() && learns && kept(&r.target)
            };
            table.routes.retain(|r| !told(r));
            // The VPC's own table says nothing of gateways; every other one has those that it names.
            if table.main {
                table.gateways.extend(held.gateways.iter().cloned());
            }
            table.main |= held.main;
        }
    }
}

/// Forgets what these gateways have put into tables by themselves: what they are told changes, and nobody knows what they
/// will put there.
pub fn unlearn(net: &mut Net, gateways: &BTreeSet<Id>) {
    for table in &mut net.route_tables {
        for gateway in table.propagating.iter().filter(|id| gateways.contains(*id)) {
            let target = Target::VpnGateway(gateway.clone());
            table.routes.retain(|r| !(r.propagated && r.target == target));
            table.routes.push(Route::of_unknown(gateway.clone(), table.origin));
        }
    }
    transit::unlearn(net, gateways);
}

/// Adds what AWS gives every VPC, where it is not there: a main route table, a default network ACL, a default group.
pub fn complete(net: &mut Net) {
    transit::join(net);
    let of = |vpc: &Id, what: &str| Id::from(&*format!("{vpc} ({what})"));
    for vpc in net.vpcs.iter().map(|v| v.id.clone()).collect::<Vec<_>>() {
        if !net.route_tables.iter().any(|t| t.vpc == vpc && t.main) {
            let id = of(&vpc, "main route table");
            let (subnets, gateways, propagating, routes) = (vec![], vec![], vec![], vec![]);
            let (vpc, main, origin) = (vpc.clone(), true, Origin::Aws);
            net.route_tables.push(RouteTable { id, vpc, main, subnets, gateways, propagating, routes, origin });
        }
        if !net.network_acls.iter().any(|a| a.vpc == vpc && a.default) {
            let everything = [Cidr::ANYWHERE_V4, Cidr::ANYWHERE_V6].map(|network| {
                let (number, allow, service) = (100, true, Service::All);
                Entry { number, allow, service, network, origin: Origin::Aws }
            });
            let (inbound, outbound) = (everything.to_vec(), everything.to_vec());
            let id = of(&vpc, "default network ACL");
            net.network_acls.push(NetworkAcl {
                id,
                vpc: vpc.clone(),
                default: true,
                subnets: vec![],
                inbound,
                outbound,
                origin: Origin::Aws,
            });
        }
        let default = of(&vpc, "default security group");
        if !net.security_groups.iter().any(|g| g.id == default || (g.vpc == vpc && g.default)) {
            let rule = |peer| Rule { service: Some(Service::All), peer, origin: Origin::Aws };
            let ingress = vec![rule(Peer::Group(default.clone()))];
            let egress = vec![rule(Peer::Network(Cidr::ANYWHERE_V4)), rule(Peer::Network(Cidr::ANYWHERE_V6))];
            net.security_groups.push(SecurityGroup { id: default, vpc, default: true, ingress, egress, origin: Origin::Aws });
        }
    }
}

impl Net {
    /// Calls everything that has a name by the project's one.
    pub fn rename(&mut self, names: &Names) {
        self.each_id(&mut |id| {
            if let Some(name) = names.get(id) {
                *id = name.clone();
            }
        });
    }

    /// Keeps the elements whose own name fits; what others say of the rest dangles.
    fn retain(&mut self, keep: impl Fn(&Id) -> bool) {
        macro_rules! retain {
            ($($list:ident),*) => { $(self.$list.retain(|x| keep(&x.id));)* };
        }
        retain!(vpcs, subnets, interfaces, route_tables, network_acls, security_groups, internet_gateways, egress_only_gateways);
        retain!(nat_gateways, peerings, transit_gateways, attachments, transit_tables, endpoints, prefix_lists, vpn_gateways, doors);
    }

    /// Adds the elements of another network behind those of this one.
    pub fn append(&mut self, mut other: Net) {
        macro_rules! append {
            ($($list:ident),*) => { $(self.$list.append(&mut other.$list);)* };
        }
        append!(vpcs, subnets, interfaces, route_tables, network_acls, security_groups, internet_gateways, egress_only_gateways);
        append!(nat_gateways, peerings, transit_gateways, attachments, transit_tables, endpoints, prefix_lists, vpn_gateways, doors);
        self.block_public_access.append(&mut other.block_public_access);
    }

    /// Visits every name, of the elements themselves and of what they refer to.
    pub fn each_id(&mut self, visit: &mut dyn FnMut(&mut Id)) {
        self.vpcs.iter_mut().for_each(|x| visit(&mut x.id));
        self.transit_gateways.iter_mut().for_each(|x| visit(&mut x.id));
        self.prefix_lists.iter_mut().for_each(|x| visit(&mut x.id));
        self.subnets.iter_mut().flat_map(|x| [&mut x.id, &mut x.vpc]).for_each(&mut *visit);
        self.endpoints.iter_mut().flat_map(|x| [&mut x.id, &mut x.vpc]).for_each(&mut *visit);
        self.internet_gateways.iter_mut().flat_map(|x| std::iter::once(&mut x.id).chain(&mut x.vpc)).for_each(&mut *visit);
        self.egress_only_gateways.iter_mut().flat_map(|x| std::iter::once(&mut x.id).chain(&mut x.vpc)).for_each(&mut *visit);
        self.nat_gateways.iter_mut().flat_map(|x| std::iter::once(&mut x.id).chain(&mut x.subnet)).for_each(&mut *visit);
        self.doors.iter_mut().flat_map(|x| std::iter::once(&mut x.id).chain(&mut x.vpc)).for_each(&mut *visit);
        for gateway in &mut self.vpn_gateways {
            std::iter::once(&mut gateway.id).chain(&mut gateway.vpc).chain(&mut gateway.connections).for_each(&mut *visit);
        }
        for peering in &mut self.peerings {
            visit(&mut peering.id);
            peering.sides.iter_mut().for_each(|side| visit(&mut side.vpc));
        }
        self.block_public_access.iter_mut().flat_map(|b| &mut b.exclusions).chain(&mut self.exclusions).for_each(|(id, _)| visit(id));
        self.each_id_of_interfaces(visit);
        self.each_id_of_filters(visit);
        self.each_id_of_transit(visit);
    }

    fn each_id_of_interfaces(&mut self, visit: &mut dyn FnMut(&mut Id)) {
        for interface in &mut self.interfaces {
            [&mut interface.id, &mut interface.subnet].into_iter().chain(&mut interface.groups).for_each(&mut *visit);
            match &mut interface.owner {
                Owner::Instance { id, .. } | Owner::NatGateway(id) | Owner::Endpoint(id) => visit(id),
                Owner::Unmodelled { of, .. } => of.iter_mut().for_each(&mut *visit),
                Owner::TransitGateway | Owner::Nobody | Owner::Other(_) => {}
            }
        }
    }

    fn each_id_of_filters(&mut self, visit: &mut dyn FnMut(&mut Id)) {
        for table in &mut self.route_tables {
            let others = table.subnets.iter_mut().chain(&mut table.gateways).chain(&mut table.propagating);
            [&mut table.id, &mut table.vpc].into_iter().chain(others).for_each(&mut *visit);
            table.routes.iter_mut().for_each(|route| each_id_of_route(route, visit));
        }
        for acl in &mut self.network_acls {
            [&mut acl.id, &mut acl.vpc].into_iter().chain(&mut acl.subnets).for_each(&mut *visit);
        }
        for group in &mut self.security_groups {
            [&mut group.id, &mut group.vpc].into_iter().for_each(&mut *visit);
            for rule in group.ingress.iter_mut().chain(&mut group.egress) {
                match &mut rule.peer {
                    Peer::Group(id) | Peer::Stale(id) | Peer::PrefixList(id) => visit(id),
                    Peer::Network(_) => {}
                }
            }
        }
    }

    fn each_id_of_transit(&mut self, visit: &mut dyn FnMut(&mut Id)) {
        for attachment in &mut self.attachments {
            [&mut attachment.id, &mut attachment.gateway].into_iter().chain(&mut attachment.table).for_each(&mut *visit);
            match &mut attachment.to {
                Attached::Vpc { vpc, subnets, .. } => std::iter::once(vpc).chain(subnets).for_each(&mut *visit),
                Attached::Peering(id) | Attached::Outside(id) => visit(id),
                Attached::Unmodelled(_) => {}
            }
        }
        for table in &mut self.transit_tables {
            [&mut table.id, &mut table.gateway].into_iter().chain(&mut table.propagations).for_each(&mut *visit);
            for route in &mut table.routes {
                route.attachment.iter_mut().for_each(&mut *visit);
                each_id_of_destination(&mut route.destination, visit);
            }
        }
    }
}

fn each_id_of_route(route: &mut Route, visit: &mut dyn FnMut(&mut Id)) {
    each_id_of_destination(&mut route.destination, visit);
    match &mut route.target {
        Target::InternetGateway(id)
        | Target::EgressOnlyGateway(id)
        | Target::NatGateway(id)
        | Target::Peering(id)
        | Target::TransitGateway(id)
        | Target::Endpoint(id)
        | Target::Interface(id)
        | Target::VpnGateway(id)
        | Target::Unmodelled(id) => visit(id),
        Target::Local => {}
    }
}

fn each_id_of_destination(destination: &mut Destination, visit: &mut dyn FnMut(&mut Id)) {
    if let Destination::PrefixList(id) = destination {
        visit(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(learns_from: &[&str], routes: Vec<Route>) -> Net {
        let (id, vpc, main, origin) = (Id::from("app"), Id::from("main"), false, Origin::Observed);
        let propagating = learns_from.iter().map(|gateway| Id::from(*gateway)).collect();
        let table = RouteTable { id, vpc, main, subnets: vec![], gateways: vec![], propagating, routes, origin };
        Net { route_tables: vec![table], ..Net::default() }
    }

    /// Of a table that learns from these and has learnt this from `office`: what there will be if it is to learn from others.
    fn merged(before: &[&str], learnt: &[&str], after: &[&str]) -> Vec<Route> {
        let standing = table(before, learnt.iter().map(learnt_from_office).collect());
        let wanted = after.iter().map(|gateway| Route::of_unknown(Id::from(*gateway), Origin::Aws)).collect();
        merge(standing, &[Id::from("app")].into(), table(after, wanted)).route_tables.remove(0).routes
    }

    fn learnt_from_office(cidr: &&str) -> Route {
        Route {
            destination: Destination::Network(cidr.parse().expect("a network")),
            target: Target::VpnGateway(Id::from("office")),
            blackhole: false,
            propagated: true,
            origin: Origin::Observed,
        }
    }

    /// Of a table that learns from `office`, which a VPN's static route promises this: what there will be.
    fn promised(learnt: &[&str], promised: &str) -> Vec<Route> {
        let standing = table(&["office"], learnt.iter().map(learnt_from_office).collect());
        let wanted = vec![Route::of_unknown(Id::from("office"), Origin::Aws), learnt_from_office(&promised)];
        merge(standing, &[Id::from("app")].into(), table(&["office"], wanted)).route_tables.remove(0).routes
    }

    #[test]
    fn what_a_static_route_promises_is_unknown_until_it_is_there() {
        let (lan, unknown) = ("192.168.0.0/16", Route::of_unknown(Id::from("office"), Origin::Aws));
        assert_eq!(promised(&[], lan), std::slice::from_ref(&unknown));
        assert_eq!(promised(&["10.9.0.0/16"], lan), [unknown, learnt_from_office(&"10.9.0.0/16")]);
        assert_eq!(promised(&[lan], lan), [learnt_from_office(&lan)]);
    }

    #[test]
    fn what_is_taught_anew_is_forgotten() {
        let mut net = table(&["office", "other"], vec![learnt_from_office(&"192.168.0.0/16")]);
        unlearn(&mut net, &[Id::from("other")].into());
        let unknown = |gateway: &str| Route::of_unknown(Id::from(gateway), Origin::Observed);
        assert_eq!(net.route_tables[0].routes, [learnt_from_office(&"192.168.0.0/16"), unknown("other")]);
        unlearn(&mut net, &[Id::from("office")].into());
        assert_eq!(net.route_tables[0].routes, [unknown("other"), unknown("office")]);
    }

    #[test]
    fn what_a_gateway_propagates_is_known_once_ec2_lists_it() {
        let unknown = |gateway: &str| Route::of_unknown(Id::from(gateway), Origin::Aws);
        let lan = "192.168.0.0/16";
        assert_eq!(merged(&[], &[], &["office"]), [unknown("office")]);
        assert_eq!(merged(&["office"], &[], &["office"]), []);
        assert_eq!(merged(&["office"], &[lan], &["office"]), [learnt_from_office(&lan)]);
        // It is to learn from another: what it has learnt goes, and what comes nobody knows.
        assert_eq!(merged(&["office"], &[lan], &["other"]), [unknown("other")]);
        assert_eq!(merged(&["office"], &[lan], &["office", "other"]), [unknown("other"), learnt_from_office(&lan)]);
        assert_eq!(merged(&["office"], &[lan], &[]), []);
    }
}
