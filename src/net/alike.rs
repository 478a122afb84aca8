//! Whether two networks differ in anything that a packet could meet. Layer 1.

use crate::net::{Net, Origin};

/// Whether they are the same but for where their lines come from, and for the order of rules, which has no meaning.
///
/// May say no of two that do not differ, never yes of two that do.
#[must_use]
pub fn alike(a: &Net, b: &Net) -> bool {
    a.interfaces.len() == b.interfaces.len() && a.security_groups.len() == b.security_groups.len() && plain(a) == plain(b)
}

/// A network whose lines come from nowhere, with rules in one order.
fn plain(net: &Net) -> Net {
    let mut net = net.clone();
    macro_rules! forget {
        ($($list:ident),*) => { $(net.$list.iter_mut().for_each(|x| x.origin = Origin::Aws);)* };
    }
    forget!(vpcs, subnets, interfaces, route_tables, network_acls, security_groups, internet_gateways, egress_only_gateways);
    forget!(nat_gateways, peerings, transit_gateways, attachments, transit_tables, endpoints, prefix_lists, vpn_gateways, doors);
    net.route_tables.iter_mut().flat_map(|t| &mut t.routes).for_each(|r| r.origin = Origin::Aws);
    net.transit_tables.iter_mut().flat_map(|t| &mut t.routes).for_each(|r| r.origin = Origin::Aws);
    net.network_acls.iter_mut().flat_map(|a| a.inbound.iter_mut().chain(&mut a.outbound)).for_each(|e| e.origin = Origin::Aws);
    for rules in net.security_groups.iter_mut().flat_map(|g| [&mut g.ingress, &mut g.egress]) {
        rules.iter_mut().for_each(|r| r.origin = Origin::Aws);
        rules.sort_by_cached_key(|r| format!("{r:?}"));
    }
    net
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::{cidr::Cidr, service::Service},
        net::{Id, Peer, Rule, SecurityGroup},
    };

    fn net(rules: &[(Peer, Origin)]) -> Net {
        let rule = |(peer, origin): &(Peer, Origin)| Rule { service: Some(Service::All), peer: peer.clone(), origin: *origin };
        let (ingress, vpc) = (rules.iter().map(rule).collect(), Id::from("vpc"));
        let group = SecurityGroup { id: Id::from("g"), vpc, default: false, ingress, egress: vec![], origin: Origin::Aws };
        Net { security_groups: vec![group], ..Net::default() }
    }

    #[test]
    fn order_and_origin_of_rules_are_nothing_and_what_they_say_is_all() {
        let (a, b) = (Peer::Network(Cidr::ANYWHERE_V4), Peer::Network(Cidr::ANYWHERE_V6));
        let both = net(&[(a.clone(), Origin::Aws), (b.clone(), Origin::Observed)]);
        assert!(alike(&both, &net(&[(b.clone(), Origin::Aws), (a.clone(), Origin::Aws)])));
        assert!(!alike(&both, &net(&[(b.clone(), Origin::Aws), (b, Origin::Aws)])));
        assert!(!alike(&both, &net(&[(a, Origin::Aws)])));
    }
}
