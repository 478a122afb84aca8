//! Transit gateways out of EC2's answers. Layer 1.

use crate::net::{Attached, Attachment, Destination, Door, Id, Net, Origin, TransitGateway, TransitRoute, TransitTable};

use super::read::{Item, Snapshot};

pub(super) fn read(snapshot: &mut Snapshot<'_>, net: &mut Net) {
    let mut default_tables = vec![];
    for (id, item) in snapshot.identified("TransitGateways", "TransitGatewayId") {
        let available = item.text(&["State"]).is_none_or(|s| matches!(s, "available" | "modifying"));
        let group_references = item.text(&["Options", "SecurityGroupReferencingSupport"]) == Some("enable");
        if let Some(table) = item.text(&["Options", "AssociationDefaultRouteTableId"]) {
            default_tables.push((id.clone(), Id::from(table)));
        }
        net.transit_gateways.push(TransitGateway { id, available, group_references, origin: Origin::Observed });
    }
    attachments(snapshot, net, &default_tables);
    tables(snapshot, net);
    for (id, _) in snapshot.identified("TransitGatewayPolicyTables", "TransitGatewayPolicyTableId") {
        net.doors.push(Door { id, what: "a transit gateway policy table".into(), vpc: None, origin: Origin::Observed });
    }
}

fn attachments(snapshot: &mut Snapshot<'_>, net: &mut Net, default_tables: &[(Id, Id)]) {
    let details = snapshot.identified("TransitGatewayVpcAttachments", "TransitGatewayAttachmentId");
    let peerings = snapshot.identified("TransitGatewayPeeringAttachments", "TransitGatewayAttachmentId");
    let gone = |item: Item<'_>| matches!(item.text(&["State"]), Some("deleting" | "deleted" | "failed" | "rejected"));
    for (id, item) in snapshot.identified("TransitGatewayAttachments", "TransitGatewayAttachmentId") {
        if gone(item) {
            continue;
        }
        let gateway = snapshot.text(item, &id, "TransitGatewayId");
        let resource = Id::from(item.text(&["ResourceId"]).unwrap_or("?"));
        let to = match item.text(&["ResourceType"]).unwrap_or("?") {
            "vpc" => match details.iter().find(|(d, of)| *d == id && of.text(&["TransitGatewayId"]) == Some(gateway.as_str())) {
                Some((_, detail)) => vpc_side(*detail, resource),
                None => Attached::Unmodelled("a VPC attachment whose subnets are not known".into()),
            },
            "peering" if resource != gateway => Attached::Peering(resource),
            "vpn" | "direct-connect-gateway" | "connect" | "vpn-concentrator" => Attached::Outside(resource),
            other => Attached::Unmodelled(other.into()),
        };
        let table = item.at(&["Association"]).filter(|a| a.text(&["State"]).is_none_or(|s| s == "associated"));
        let table = table.and_then(|a| a.text(&["TransitGatewayRouteTableId"])).map(Id::from);
        let available = item.text(&["State"]).is_none_or(|s| matches!(s, "available" | "modifying"));
        net.attachments.push(Attachment { id, gateway, to, available, table, origin: Origin::Observed });
    }
    for (id, item) in details {
        let gateway = snapshot.text(item, &id, "TransitGatewayId");
        if !gone(item) && !net.attachments.iter().any(|a| a.id == id && a.gateway == gateway) {
            let to = vpc_side(item, Id::from(item.text(&["VpcId"]).unwrap_or("?")));
            let available = item.text(&["State"]).is_none_or(|s| matches!(s, "available" | "modifying"));
            let table = default_tables.iter().find(|(g, _)| *g == gateway).map(|(_, t)| t.clone());
            net.attachments.push(Attachment { id, gateway, to, available, table, origin: Origin::Observed });
        }
    }
    for (id, item) in peerings {
        let ends = ["RequesterTgwInfo", "AccepterTgwInfo"].map(|end| item.text(&[end, "TransitGatewayId"]).map(Id::from));
        let [Some(one), Some(other)] = ends else { continue };
        for (gateway, peer) in [(one.clone(), other.clone()), (other, one)] {
            let listed = net.attachments.iter().any(|a| a.id == id && a.gateway == gateway);
            if !listed && net.transit_gateways.iter().any(|g| g.id == gateway) {
                let available = item.text(&["State"]).is_none_or(|s| s == "available");
                let table = default_tables.iter().find(|(g, _)| *g == gateway).map(|(_, t)| t.clone());
                net.attachments.push(Attachment {
                    id: id.clone(),
                    gateway,
                    to: Attached::Peering(peer),
                    available,
                    table,
                    origin: Origin::Observed,
                });
            }
        }
    }
}

fn vpc_side(detail: Item<'_>, vpc: Id) -> Attached {
    let enabled = |option: &str| detail.text(&["Options", option]) == Some("enable");
    Attached::Vpc {
        vpc,
        subnets: detail.texts(&["SubnetIds"]).map(Id::from).collect(),
        ipv6: enabled("Ipv6Support"),
        appliance: enabled("ApplianceModeSupport"),
        group_references: enabled("SecurityGroupReferencingSupport"),
    }
}

fn tables(snapshot: &mut Snapshot<'_>, net: &mut Net) {
    for (id, item) in snapshot.identified("TransitGatewayRouteTables", "TransitGatewayRouteTableId") {
        let gateway = snapshot.text(item, &id, "TransitGatewayId");
        if matches!(item.text(&["State"]), Some("deleting" | "deleted")) {
            continue;
        }
        // Whoever read a table together with what belongs to it has put that into it.
        let propagations = item.texts(&["Propagations"]).map(Id::from).collect();
        let routes = item.list(&["Routes"]).filter_map(|r| route(snapshot, r, &id)).collect();
        let known = item.is(&["RoutesRead"]);
        net.transit_tables.push(TransitTable { id, gateway, propagations, routes, known, origin: Origin::Observed });
    }
    for (id, item) in snapshot.identified("TransitGatewayPropagations", "TransitGatewayRouteTableId") {
        let learnt = item
            .list(&["TransitGatewayRouteTablePropagations"])
            .filter(|p| p.text(&["State"]).is_none_or(|s| s == "enabled"))
            .filter_map(|p| p.text(&["TransitGatewayAttachmentId"]))
            .map(Id::from);
        if let Some(table) = net.transit_tables.iter_mut().find(|t| t.id == id) {
            table.propagations.extend(learnt);
        }
    }
    for list in ["TransitGatewayStaticRoutes", "TransitGatewayRoutes"] {
        for (id, item) in snapshot.identified(list, "TransitGatewayRouteTableId") {
            let mut routes = vec![];
            for item in item.list(&["Routes"]) {
                routes.extend(route(snapshot, item, &id));
            }
            if item.is(&["AdditionalRoutesAvailable"]) {
                snapshot.complain(format!("{id}.AdditionalRoutesAvailable"), "false: routes are missing");
            }
            if let Some(table) = net.transit_tables.iter_mut().find(|t| t.id == id) {
                table.routes.extend(routes);
                table.known = true;
            }
        }
    }
}

fn route(snapshot: &mut Snapshot<'_>, item: Item<'_>, table: &Id) -> Option<TransitRoute> {
    let destination = match (item.text(&["DestinationCidrBlock"]), item.text(&["PrefixListId"])) {
        (Some(network), _) => Destination::Network(snapshot.cidr(network, table)?),
        (None, Some(list)) => Destination::PrefixList(Id::from(list)),
        (None, None) => return None,
    };
    let blackhole = item.text(&["State"]) == Some("blackhole");
    let attachment = item.list(&["TransitGatewayAttachments"]).find_map(|a| a.text(&["TransitGatewayAttachmentId"]));
    Some(TransitRoute {
        destination,
        attachment: attachment.filter(|_| !blackhole).map(Id::from),
        fixed: item.text(&["Type"]) != Some("propagated"),
        origin: Origin::Observed,
    })
}
