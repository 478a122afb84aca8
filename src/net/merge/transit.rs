//! What the project says of transit gateways, among what stands. Layer 1.
//!
//! A table of a gateway that AWS has made, or somebody else, goes on holding what it holds; an attachment of the project's
//! may come into it or leave it by what EC2 does by itself. An attachment is told by its id and its gateway: the two sides
//! of a peering share one id.

use std::collections::BTreeSet;

use crate::net::{Attached, Attachment, Id, Net, TransitRoute, TransitTable};

/// Whether a network has this attachment of this gateway.
fn has(net: &Net, id: &Id, gateway: &Id) -> bool {
    net.attachments.iter().any(|a| a.is(id, gateway))
}

/// Gives the project's attachments and tables what an apply leaves alone: tables of others that attachments follow, and
/// routes that tables have learnt from what lies outside.
pub(super) fn stays(standing: &Net, managed: &BTreeSet<Id>, desired: &mut Net) {
    far_sides(standing, managed, desired);
    for attachment in &mut desired.attachments {
        let ours = attachment.table.as_ref().is_some_and(|table| managed.contains(table));
        if let Some(held) = standing.attachments.iter().find(|a| a.is(&attachment.id, &attachment.gateway)).filter(|_| !ours) {
            // By default an attachment follows a table from the day it is made, and never again. What follows a table of
            // the project's and is not named there leaves it.
            attachment.table = held.table.clone().filter(|table| !managed.contains(table));
        }
    }
    for table in &mut desired.transit_tables {
        if !managed.contains(&table.id) {
            table.propagations.retain(|id| !has(standing, id, &table.gateway));
            let TransitTable { propagations, routes, .. } = table;
            routes.retain(|r| !r.is_of_unknown() || r.attachment.as_ref().is_some_and(|id| propagations.contains(id)));
        }
        let gateway = table.gateway.clone();
        let outside = |id: &Id| standing.attachments.iter().any(|a| a.is(id, &gateway) && !matches!(a.to, Attached::Vpc { .. }));
        for held in standing.transit_tables.iter().filter(|t| t.id == table.id) {
            let learnt = held.routes.iter().filter(|r| !r.fixed && r.attachment.as_ref().is_some_and(outside));
            // What it learns from an attachment that it has learnt from before was read.
            let told = |r: &TransitRoute| {
                held.known && r.is_of_unknown() && r.attachment.as_ref().is_some_and(|id| held.propagations.contains(id))
            };
            table.routes.retain(|r| !told(r));
            table.routes.extend(learnt.cloned());
        }
    }
}

/// The other side of a peering that the project asks for and somebody else accepts: what was read of it stays.
fn far_sides(standing: &Net, managed: &BTreeSet<Id>, desired: &mut Net) {
    let stays = |held: &&Attachment| match &held.to {
        Attached::Peering(ours) if managed.contains(&held.id) && !has(desired, &held.id, &held.gateway) => {
            let leads_here = |a: &Attachment| a.is(&held.id, ours) && a.to == Attached::Peering(held.gateway.clone());
            desired.attachments.iter().any(leads_here)
        }
        _ => false,
    };
    let far: Vec<Attachment> = standing.attachments.iter().filter(stays).cloned().collect();
    desired.attachments.extend(far);
}

/// Takes attachments that are gone out of the tables: their networks are forgotten, and routes to them lead nowhere.
pub(super) fn leave(managed: &BTreeSet<Id>, net: &mut Net) {
    let here: BTreeSet<(Id, Id)> = net.attachments.iter().map(|a| (a.id.clone(), a.gateway.clone())).collect();
    for table in &mut net.transit_tables {
        let gateway = table.gateway.clone();
        let gone = |id: &Id| managed.contains(id) && !here.contains(&(id.clone(), gateway.clone()));
        table.propagations.retain(|id| !gone(id));
        // What was learnt from it is forgotten, and what is written for it leads nowhere.
        table.routes.retain(|r| r.fixed || !r.attachment.as_ref().is_some_and(&gone));
        for route in &mut table.routes {
            route.attachment.take_if(|id| gone(id));
        }
    }
    let tables: BTreeSet<Id> = net.transit_tables.iter().map(|t| t.id.clone()).collect();
    for attachment in &mut net.attachments {
        attachment.table.take_if(|id| managed.contains(id) && !tables.contains(id));
    }
}

/// Forgets what tables of these gateways have learnt from VPNs.
pub(super) fn unlearn(net: &mut Net, gateways: &BTreeSet<Id>) {
    for table in net.transit_tables.iter_mut().filter(|t| gateways.contains(&t.gateway)) {
        let outside = |id: &Id| net.attachments.iter().any(|a| a.is(id, &table.gateway) && !matches!(a.to, Attached::Vpc { .. }));
        for attachment in table.propagations.iter().filter(|id| outside(id)) {
            table.routes.retain(|r| r.fixed || r.attachment.as_ref() != Some(attachment));
            table.routes.push(TransitRoute::of_unknown(attachment.clone(), table.origin));
        }
    }
}

/// Makes one of several tables of one name: a default table, and what each attachment adds to it.
pub(super) fn join(net: &mut Net) {
    let mut joined: Vec<TransitTable> = vec![];
    for table in std::mem::take(&mut net.transit_tables) {
        match joined.iter_mut().find(|t| t.id == table.id) {
            Some(held) => {
                held.propagations.extend(table.propagations.into_iter().filter(|id| !held.propagations.contains(id)).collect::<Vec<_>>());
                held.routes.extend(table.routes);
                held.known |= table.known;
            }
            None => joined.push(table),
        }
    }
    net.transit_tables = joined;
}

#[cfg(test)]
mod tests {
    use super::super::merge;
    use super::*;
    use crate::{
        base::cidr::Cidr,
        net::{Attachment, Destination, Origin, TransitRoute},
    };

    fn id(text: &str) -> Id {
        Id::from(text)
    }

    fn attachment(name: &str, table: Option<&str>) -> Attachment {
        let to = Attached::Outside(id("vpn"));
        Attachment { id: id(name), gateway: id("hub"), to, available: true, table: table.map(Id::from), origin: Origin::Observed }
    }

    fn table(name: &str, propagations: &[&str], route: Option<&str>) -> TransitTable {
        let to = |attachment: &str| TransitRoute {
            destination: Destination::Network(Cidr::ANYWHERE_V4),
            attachment: Some(id(attachment)),
            fixed: false,
            origin: Origin::Observed,
        };
        let (propagations, routes) = (propagations.iter().map(|p| id(p)).collect(), route.map(to).into_iter().collect());
        TransitTable { id: id(name), gateway: id("hub"), propagations, routes, known: true, origin: Origin::Observed }
    }

    fn net(attachments: Vec<Attachment>, transit_tables: Vec<TransitTable>) -> Net {
        Net { attachments, transit_tables, ..Net::default() }
    }

    #[test]
    fn what_others_hold_stays_and_what_goes_leaves_it() {
        let standing = net(vec![attachment("ours", Some("theirs")), attachment("old", None)], vec![table("theirs", &["old"], Some("old"))]);
        let managed = ["ours", "old"].map(id).into();
        let merged = merge(standing, &managed, net(vec![attachment("ours", None)], vec![]));
        assert_eq!(merged.attachments[0].table, Some(id("theirs")));
        let theirs = &merged.transit_tables[0];
        assert_eq!((&theirs.propagations[..], &theirs.routes[..]), (&[][..], &[][..]));
    }

    /// A side of the peering `both`: of which gateway, to which, and the table that it follows there.
    fn side(gateway: &str, peer: &str, table: Option<&str>) -> Attachment {
        Attachment { gateway: id(gateway), to: Attached::Peering(id(peer)), ..attachment("both", table) }
    }

    fn tables_of(net: &Net) -> Vec<(&str, Option<&str>)> {
        net.attachments.iter().map(|a| (a.gateway.as_str(), a.table.as_ref().map(Id::as_str))).collect()
    }

    /// Both sides have one id, and each a table of its own: neither is taken for the other.
    #[test]
    fn the_sides_of_a_peering_are_told_apart() {
        let far_table = |name: &str| TransitTable { gateway: id("far"), ..table(name, &[], Some("both")) };
        let standing = || {
            net(
                vec![side("hub", "far", Some("theirs")), side("far", "hub", Some("other"))],
                vec![table("theirs", &[], None), far_table("other")],
            )
        };
        let drawn = net(vec![side("far", "hub", None), side("hub", "far", None)], vec![]);
        let both = merge(standing(), &[id("both")].into(), drawn);
        assert_eq!(tables_of(&both), [("far", Some("other")), ("hub", Some("theirs"))]);
        assert_eq!(both.transit_tables[1].routes[0].attachment, Some(id("both")));
        // Somebody else has the far gateway, and only what was read tells of its side.
        let ours = net(vec![side("hub", "far", Some("ours"))], vec![table("ours", &[], None)]);
        let half = merge(standing(), &["both", "ours"].map(id).into(), ours);
        assert_eq!(tables_of(&half), [("hub", Some("ours")), ("far", Some("other"))]);
        assert_eq!(half.transit_tables.iter().find(|t| t.id == id("other")).map(|t| t.routes.len()), Some(1));
        // One that goes is gone on both sides, and one that leads elsewhere now on the side that it has left.
        let gone = merge(standing(), &[id("both")].into(), net(vec![], vec![]));
        assert_eq!((gone.attachments.len(), gone.transit_tables[1].routes.len()), (0, 0));
        let moved = merge(standing(), &[id("both")].into(), net(vec![side("hub", "third", None), side("third", "hub", None)], vec![]));
        assert_eq!(tables_of(&moved), [("hub", Some("theirs")), ("third", None)]);
        assert_eq!(moved.transit_tables[1].routes.len(), 0);
    }

    #[test]
    fn a_written_route_to_what_goes_is_a_black_hole() {
        let mut theirs = table("theirs", &[], Some("old"));
        theirs.routes[0].fixed = true;
        let merged = merge(net(vec![attachment("old", None)], vec![theirs]), &[id("old")].into(), net(vec![], vec![]));
        assert_eq!(merged.transit_tables[0].routes.iter().map(|r| r.attachment.clone()).collect::<Vec<_>>(), [None]);
    }

    #[test]
    fn what_a_vpn_teaches_is_known_once_it_was_read() {
        let managed = || ["ours", "vpn"].map(id).into();
        let wanted = || {
            let mut table = table("ours", &["vpn"], None);
            table.routes.push(TransitRoute::of_unknown(id("vpn"), Origin::Aws));
            net(vec![attachment("vpn", Some("ours"))], vec![table])
        };
        let fresh = merge(net(vec![], vec![table("ours", &[], None)]), &managed(), wanted());
        assert!(fresh.transit_tables[0].routes[0].is_of_unknown());
        let mut known = merge(net(vec![attachment("vpn", None)], vec![table("ours", &["vpn"], Some("vpn"))]), &managed(), wanted());
        assert_eq!(known.transit_tables[0].routes, table("ours", &[], Some("vpn")).routes);
        super::super::unlearn(&mut known, &[id("hub")].into());
        assert_eq!(known.transit_tables[0].routes, [TransitRoute::of_unknown(id("vpn"), Origin::Observed)]);
    }

    #[test]
    fn what_comes_by_default_comes_once() {
        let standing = || net(vec![attachment("old", None)], vec![table("default", &[], None)]);
        let managed: BTreeSet<Id> = ["old", "new"].map(id).into();
        let both = net(
            vec![attachment("old", Some("default")), attachment("new", Some("default"))],
            vec![table("default", &["old"], None), table("default", &["new"], None)],
        );
        let merged = merge(standing(), &managed, both);
        assert_eq!(merged.attachments.iter().map(|a| a.table.is_some()).collect::<Vec<_>>(), [false, true]);
        assert_eq!((merged.transit_tables.len(), &merged.transit_tables[0].propagations[..]), (1, &[id("new")][..]));
    }

    #[test]
    fn a_table_keeps_what_it_has_learnt_from_outside() {
        let standing = net(vec![attachment("vpn", None)], vec![table("ours", &["vpn"], Some("vpn"))]);
        let merged = merge(standing, &[id("ours")].into(), net(vec![], vec![table("ours", &["vpn"], None)]));
        assert_eq!(merged.transit_tables[0].routes.len(), 1);
    }
}
