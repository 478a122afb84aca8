//! Gateways, peerings, endpoints, and what is seen but not modelled, out of EC2's answers. Layer 1.

use std::net::IpAddr;

use serde_json::Value as Json;

use crate::{
    base::cidr::Cidr,
    net::{
        Block, BlockPublicAccess, Door, EgressOnlyGateway, Endpoint, Exclusion, Id, Interface, InterfaceAddress, InternetGateway,
        NatGateway, Net, Origin, Owner, Peering, PeeringSide, Public, VpnGateway,
    },
};

use super::read::{Item, Snapshot};

/// Lists of things that let packets in by ways that secnet does not model: list, member with the id, what they are.
const DOORS: [(&str, &str, &str); 8] = [
    ("LoadBalancers", "LoadBalancerArn", "a load balancer"),
    ("LoadBalancerDescriptions", "LoadBalancerName", "a load balancer"),
    ("Accelerators", "AcceleratorArn", "a Global Accelerator"),
    ("ClientVpnEndpoints", "ClientVpnEndpointId", "a Client VPN endpoint"),
    ("InstanceConnectEndpoints", "InstanceConnectEndpointId", "an EC2 Instance Connect endpoint"),
    ("Firewalls", "FirewallName", "a network firewall"),
    ("TrafficMirrorSessions", "TrafficMirrorSessionId", "a traffic mirror"),
    ("VpcOrigins", "Id", "a CloudFront VPC origin"),
];

pub(super) fn read(snapshot: &mut Snapshot<'_>, net: &mut Net) {
    for (id, item) in snapshot.identified("InternetGateways", "InternetGatewayId") {
        let vpc = attached_vpc(item, "Attachments");
        net.internet_gateways.push(InternetGateway { id, vpc, origin: Origin::Observed });
    }
    for (id, item) in snapshot.identified("EgressOnlyInternetGateways", "EgressOnlyInternetGatewayId") {
        let vpc = attached_vpc(item, "Attachments");
        net.egress_only_gateways.push(EgressOnlyGateway { id, vpc, origin: Origin::Observed });
    }
    for (id, item) in snapshot.identified("VpnGateways", "VpnGatewayId") {
        let vpc = attached_vpc(item, "VpcAttachments");
        net.vpn_gateways.push(VpnGateway { id, vpc, connections: vec![], origin: Origin::Observed });
    }
    for (id, item) in snapshot.identified("VpnConnections", "VpnConnectionId") {
        let gateway = item.text(&["VpnGatewayId"]);
        if let Some(gateway) = net.vpn_gateways.iter_mut().find(|g| Some(g.id.as_str()) == gateway) {
            gateway.connections.push(id);
            gateway.connections.extend(item.text(&["CustomerGatewayId"]).map(Id::from));
        }
    }
    nat_gateways(snapshot, net);
    peerings(snapshot, net);
    for (id, item) in snapshot.identified("VpcEndpoints", "VpcEndpointId") {
        let vpc = snapshot.text(item, &id, "VpcId");
        let kind = item.text(&["VpcEndpointType"]).unwrap_or("Gateway");
        let available = item.text(&["State"]).is_none_or(|s| s.eq_ignore_ascii_case("available"));
        net.endpoints.push(Endpoint {
            id,
            vpc,
            gateway: kind == "Gateway",
            modelled: matches!(kind, "Gateway" | "Interface"),
            available,
            service: super::text_of(item, "ServiceName"),
            origin: Origin::Observed,
        });
    }
    block_public_access(snapshot, net);
    doors(snapshot, net);
}

fn attached_vpc(item: Item<'_>, list: &str) -> Option<Id> {
    let attached = item.list(&[list]).find(|a| a.text(&["State"]).is_none_or(|s| matches!(s, "available" | "attached")));
    attached.and_then(|a| a.text(&["VpcId"])).map(Id::from)
}

fn nat_gateways(snapshot: &mut Snapshot<'_>, net: &mut Net) {
    for (id, item) in snapshot.identified("NatGateways", "NatGatewayId") {
        let regional = item.text(&["AvailabilityMode"]) == Some("regional");
        let subnet = item.text(&["SubnetId"]).filter(|_| !regional).map(Id::from);
        let addresses = || item.list(&["NatGatewayAddresses"]);
        let address = addresses().find(|a| a.is(&["IsPrimary"])).or_else(|| addresses().next());
        let told = address.and_then(|a| a.text(&["PrivateIp"])).and_then(|t| snapshot.ip(t, &id));
        let private = told.map(|ip| in_subnet(ip, subnet.as_ref(), net));
        let public = address.and_then(|a| a.text(&["PublicIp"])).and_then(|t| snapshot.ip(t, &id)).map(Public::Known);
        let available = item.text(&["State"]).is_none_or(|s| s == "available");
        // The gateway's own interface is not always listed; packets to its addresses must meet it all the same.
        let listed = net.interfaces.iter().any(|i| i.owner == Owner::NatGateway(id.clone()));
        if let (Some(subnet), Some(ip), false, true) = (&subnet, private, listed, available) {
            let eni = address.and_then(|a| a.text(&["NetworkInterfaceId"])).map_or_else(|| id.clone(), Id::from);
            net.interfaces.push(Interface {
                id: eni,
                subnet: subnet.clone(),
                addresses: vec![InterfaceAddress { private: Cidr::host_of(ip), public }],
                groups: vec![],
                source_dest_check: false,
                owner: Owner::NatGateway(id.clone()),
                origin: Origin::Observed,
            });
        }
        net.nat_gateways.push(NatGateway { id, subnet, private, public, available, origin: Origin::Observed });
    }
}

/// The address of a NAT gateway, which lies in its subnet. Emulators of EC2 invent others: then one of the subnet's stands for it.
fn in_subnet(ip: IpAddr, subnet: Option<&Id>, net: &mut Net) -> IpAddr {
    let subnet = net.subnets.iter().find(|s| Some(&s.id) == subnet);
    let Some(range) = subnet.and_then(|s| s.cidrs.iter().find(|c| c.contains_ip(ip) || !c.network().is_ipv6())) else { return ip };
    if range.contains_ip(ip) {
        return ip;
    }
    let (id, range) = (subnet.map(|s| s.id.clone()), *range);
    let other = id.as_ref().map_or(ip, |id| net.stand_in(id, range));
    for address in net.interfaces.iter_mut().filter(|i| Some(&i.subnet) == id.as_ref()).flat_map(|i| &mut i.addresses) {
        if address.private == Cidr::host_of(ip) {
            address.private = Cidr::host_of(other);
        }
    }
    other
}

fn peerings(snapshot: &mut Snapshot<'_>, net: &mut Net) {
    for (id, item) in snapshot.identified("VpcPeeringConnections", "VpcPeeringConnectionId") {
        let sides = [side(snapshot, item, "RequesterVpcInfo", &id), side(snapshot, item, "AccepterVpcInfo", &id)];
        let active = item.text(&["Status", "Code"]) == Some("active");
        // Two accounts or Regions list the same peering.
        match net.peerings.iter_mut().find(|p| p.id == id) {
            Some(peering) => peering.active |= active,
            None => net.peerings.push(Peering { id, active, sides, origin: Origin::Observed }),
        }
    }
}

fn side(snapshot: &mut Snapshot<'_>, item: Item<'_>, member: &str, id: &Id) -> PeeringSide {
    let vpc = Id::from(item.text(&[member, "VpcId"]).unwrap_or("?"));
    let lists = [("CidrBlockSet", "CidrBlock"), ("Ipv6CidrBlockSet", "Ipv6CidrBlock")];
    let mut texts: Vec<&str> = lists
        .iter()
        .flat_map(|(list, network)| item.list(&[member, list]).filter_map(|b| b.text(&[network])).collect::<Vec<_>>())
        .collect();
    texts.extend(item.text(&[member, "CidrBlock"]).filter(|t| !texts.contains(t)));
    let cidrs = texts.into_iter().filter_map(|t| snapshot.cidr(t, id)).collect();
    PeeringSide { vpc, cidrs, region: item.text(&[member, "Region"]).unwrap_or("").into() }
}

fn block_public_access(snapshot: &mut Snapshot<'_>, net: &mut Net) {
    let exclusions: Vec<(Id, Exclusion)> = snapshot
        .list("VpcBlockPublicAccessExclusions")
        .into_iter()
        .filter(|item| item.text(&["State"]).is_none_or(|s| s.ends_with("-complete") && s != "delete-complete"))
        .filter_map(|item| {
            let arn = item.text(&["ResourceArn"])?;
            let id = Id::from(arn.rsplit('/').next().unwrap_or(arn));
            let egress = item.text(&["InternetGatewayExclusionMode"]) == Some("allow-egress");
            Some((id, if egress { Exclusion::Egress } else { Exclusion::Bidirectional }))
        })
        .collect();
    net.exclusions.clone_from(&exclusions);
    let Some(options) = snapshot.member("VpcBlockPublicAccessOptions") else { return };
    let one = [options];
    let many: Vec<Item<'_>> = options.0.as_array().map_or_else(Vec::new, |items: &Vec<Json>| items.iter().map(Item).collect());
    for item in if many.is_empty() { &one[..] } else { &many } {
        let block = match item.text(&["InternetGatewayBlockMode"]) {
            Some("block-bidirectional") => Block::Bidirectional,
            Some("block-ingress") => Block::Ingress,
            _ => continue,
        };
        let region = super::text_of(*item, "_Region");
        let account = super::text_of(*item, "_Account");
        net.block_public_access.push(BlockPublicAccess { region, account, block, exclusions: exclusions.clone() });
    }
}

fn doors(snapshot: &mut Snapshot<'_>, net: &mut Net) {
    // What an endpoint that shows its own address may begin, its interface and its groups say.
    let of_endpoint = |item: &Item<'_>| item.at(&["PreserveClientIp"]).is_some_and(|v| v.0 == &Json::Bool(false));
    let endpoints = snapshot.list("InstanceConnectEndpoints");
    let modelled: Vec<Id> =
        endpoints.into_iter().filter(of_endpoint).flat_map(|item| item.texts(&["NetworkInterfaceIds"])).map(Id::from).collect();
    for (list, member, what) in DOORS {
        for item in snapshot.list(list) {
            if item.text(&["Scheme"]) == Some("internal") || (list == "InstanceConnectEndpoints" && of_endpoint(&item)) {
                continue;
            }
            let id = item.text(&[member]).map_or_else(|| Id::from(list), Id::from);
            let vpc = item.text(&["VpcId"]).or(item.text(&["VPCId"])).map(Id::from);
            net.doors.push(Door { id, what: what.into(), vpc, origin: Origin::Observed });
        }
    }
    // What whoever took the snapshot could not read.
    for item in snapshot.list("_Unread") {
        let id = Id::from(item.text(&["Id"]).unwrap_or("_Unread"));
        let what = item.text(&["What"]).unwrap_or("something that was not read").into();
        net.doors.push(Door { id, what, vpc: item.text(&["VpcId"]).map(Id::from), origin: Origin::Observed });
    }
    let vpc_of = |subnet: &Id| net.subnets.iter().find(|s| s.id == *subnet).map(|s| s.vpc.clone());
    for interface in net.interfaces.iter().filter(|i| !modelled.contains(&i.id)) {
        let what = match &interface.owner {
            Owner::Other(what) if what.contains("global accelerator") => "a Global Accelerator",
            Owner::Other(what) if what.contains("instance connect endpoint") => "an EC2 Instance Connect endpoint",
            Owner::Other(what) if what.starts_with("ELB ") => "a load balancer",
            Owner::Unmodelled { .. } => "a load balancer",
            _ => continue,
        };
        let public = interface.addresses.iter().any(|a| a.public.is_some());
        if public || what != "a load balancer" {
            let door = Door { id: interface.id.clone(), what: what.into(), vpc: vpc_of(&interface.subnet), origin: Origin::Observed };
            net.doors.push(door);
        }
    }
}
