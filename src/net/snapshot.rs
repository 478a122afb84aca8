//! The network out of EC2's own answers. Layer 1.
//!
//! One JSON object whose members are the lists that describe actions answer with (`Vpcs`, `Subnets`, ...), as the AWS
//! command line prints them; `null` and absent are the same. `_Region` and `_Account` on an item tell Regions and
//! accounts apart. What is absent is unknown where it could matter, never taken for empty.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value as Json;

use crate::{
    base::{
        cidr::Cidr,
        codes::prove,
        diagnostic::Diagnostic,
        service::{Ports, Service},
    },
    net::{
        Destination, Entry, Id, Interface, InterfaceAddress, Net, NetworkAcl, Origin, Owner, Peer, PrefixList, Public, Route, RouteTable,
        Rule, SecurityGroup, Subnet, Target, Vpc,
    },
};

mod gateway;
mod read;
mod transit;

use read::{Item, Snapshot};

/// Lists of which at least one must be there: a JSON file without any of them is something else.
const LISTS: [&str; 4] = ["Vpcs", "Subnets", "SecurityGroups", "NetworkInterfaces"];

/// Reads a snapshot; `file` is its name in messages.
///
/// # Errors
/// The text is cut off, or has another shape than EC2's answers: everything that was found wrong.
pub fn read(file: &str, text: &str) -> Result<Net, Vec<Diagnostic>> {
    let whole: Json = serde_json::from_str(text).map_err(|e| vec![prove::snapshot_not_read(file, not_json(&e))])?;
    of_json(file, &whole)
}

/// Why a text is no JSON.
pub(crate) fn not_json(error: &serde_json::Error) -> String {
    if error.is_eof() { "it ends in the middle".into() } else { format!("line {} is not JSON", error.line()) }
}

/// Reads a snapshot that is JSON already; `file` is its name in messages.
///
/// # Errors
/// It has another shape than EC2's answers: everything that was found wrong.
pub fn of_json(file: &str, whole: &Json) -> Result<Net, Vec<Diagnostic>> {
    if !whole.is_object() {
        return Err(vec![prove::snapshot_not_read(file, "it holds something else")]);
    }
    let mut snapshot = Snapshot::new(file, whole);
    if LISTS.iter().all(|list| !snapshot.has(list)) {
        return Err(vec![prove::snapshot_shape(file, LISTS.join("`, `"), "there")]);
    }
    if snapshot.member("NextToken").is_some() {
        snapshot.complain("NextToken".into(), "null: pages are missing");
    }
    let mut net = Net::default();
    vpcs(&mut snapshot, &mut net);
    interfaces(&mut snapshot, &mut net);
    route_tables(&mut snapshot, &mut net);
    network_acls(&mut snapshot, &mut net);
    security_groups(&mut snapshot, &mut net);
    prefix_lists(&mut snapshot, &mut net);
    gateway::read(&mut snapshot, &mut net);
    transit::read(&mut snapshot, &mut net);
    if snapshot.sink.all.is_empty() { Ok(net) } else { Err(snapshot.sink.all) }
}

fn text_of(item: Item<'_>, member: &str) -> Arc<str> {
    item.text(&[member]).unwrap_or("").into()
}

fn vpcs(snapshot: &mut Snapshot<'_>, net: &mut Net) {
    for (id, item) in snapshot.identified("Vpcs", "VpcId") {
        let mut cidrs = associated(snapshot, item, &id);
        if cidrs.is_empty() {
            cidrs.extend(item.text(&["CidrBlock"]).and_then(|text| snapshot.cidr(text, &id)));
        }
        let account = item.text(&["_Account"]).or(item.text(&["OwnerId"])).unwrap_or("").into();
        net.vpcs.push(Vpc { id, cidrs, region: text_of(item, "_Region"), account, origin: Origin::Observed });
    }
    for (id, item) in snapshot.identified("Subnets", "SubnetId") {
        let mut cidrs = associated(snapshot, item, &id);
        cidrs.extend(item.text(&["CidrBlock"]).and_then(|text| snapshot.cidr(text, &id)));
        let vpc = snapshot.text(item, &id, "VpcId");
        let zone = item.text(&["AvailabilityZone"]).or(item.text(&["AvailabilityZoneId"])).map(Into::into);
        net.subnets.push(Subnet { id, vpc, cidrs, zone, origin: Origin::Observed });
    }
}

/// Networks that are associated with a VPC or subnet; those on their way in or out don't count.
fn associated(snapshot: &mut Snapshot<'_>, item: Item<'_>, of: &Id) -> Vec<Cidr> {
    let mut cidrs = vec![];
    for (set, network, state) in
        [("CidrBlockAssociationSet", "CidrBlock", "CidrBlockState"), ("Ipv6CidrBlockAssociationSet", "Ipv6CidrBlock", "Ipv6CidrBlockState")]
    {
        for association in item.list(&[set]) {
            let stands = association.text(&[state, "State"]).is_none_or(|s| s == "associated");
            if let Some(text) = association.text(&[network]).filter(|_| stands) {
                cidrs.extend(snapshot.cidr(text, of));
            }
        }
    }
    cidrs
}

/// Public addresses by interface and private address, as `Addresses` tells them.
type Elastic<'a> = BTreeMap<(&'a str, &'a str), &'a str>;

/// What other lists say of interfaces.
struct Owners<'a> {
    nat: BTreeMap<&'a str, Id>,
    endpoint: BTreeMap<&'a str, Id>,
    state: BTreeMap<&'a str, &'a str>,
    elastic: Elastic<'a>,
}

fn interfaces(snapshot: &mut Snapshot<'_>, net: &mut Net) {
    let mut owners = Owners { nat: BTreeMap::new(), endpoint: BTreeMap::new(), state: BTreeMap::new(), elastic: BTreeMap::new() };
    for (id, item) in snapshot.identified("NatGateways", "NatGatewayId") {
        let of = item.list(&["NatGatewayAddresses"]).filter_map(|a| a.text(&["NetworkInterfaceId"]));
        owners.nat.extend(of.map(|eni| (eni, id.clone())));
    }
    for (id, item) in snapshot.identified("VpcEndpoints", "VpcEndpointId") {
        owners.endpoint.extend(item.texts(&["NetworkInterfaceIds"]).map(|eni| (eni, id.clone())));
    }
    for item in snapshot.list("Addresses") {
        if let (Some(eni), Some(private), Some(public)) =
            (item.text(&["NetworkInterfaceId"]), item.text(&["PrivateIpAddress"]), item.text(&["PublicIp"]))
        {
            owners.elastic.insert((eni, private), public);
        }
    }
    let mut within_instances = vec![];
    for reservation in snapshot.list("Reservations") {
        for instance in reservation.list(&["Instances"]) {
            let Some(id) = instance.text(&["InstanceId"]) else {
                snapshot.complain("Reservations[].Instances[].InstanceId".into(), "there");
                continue;
            };
            owners.state.insert(id, instance.text(&["State", "Name"]).unwrap_or("running"));
            within_instances.extend(instance.list(&["NetworkInterfaces"]).map(|eni| (eni, id)));
            // Where the interface does not tell its public address, its machine may.
            let primary = instance.list(&["NetworkInterfaces"]).find(|i| i.int(&["Attachment", "DeviceIndex"]).is_none_or(|n| n == 0));
            let eni = primary.and_then(|i| i.text(&["NetworkInterfaceId"]));
            let addresses = (instance.text(&["PrivateIpAddress"]), instance.text(&["PublicIpAddress"]));
            if let (Some(eni), (Some(private), Some(public))) = (eni, addresses) {
                owners.elastic.entry((eni, private)).or_insert(public);
            }
        }
    }
    for (id, item) in snapshot.identified("NetworkInterfaces", "NetworkInterfaceId") {
        let owner = owner(item, &id, &owners);
        let interface = interface(snapshot, item, id, owner, &owners.elastic);
        net.interfaces.extend(interface);
    }
    for (item, instance) in within_instances {
        let listed = |id: &str| net.interfaces.iter().any(|i| i.id.as_str() == id);
        if let Some(id) = item.text(&["NetworkInterfaceId"]).filter(|id| !listed(id)) {
            let owner = machine(instance, &owners);
            let interface = interface(snapshot, item, Id::from(id), owner, &owners.elastic);
            net.interfaces.extend(interface);
        }
    }
}

fn machine(instance: &str, owners: &Owners<'_>) -> Owner {
    let running = owners.state.get(instance).is_none_or(|state| *state == "running");
    Owner::Instance { id: Id::from(instance), running }
}

fn owner(item: Item<'_>, id: &Id, owners: &Owners<'_>) -> Owner {
    let kind = item.text(&["InterfaceType"]).unwrap_or("interface");
    let description = item.text(&["Description"]).unwrap_or("");
    if let Some(nat) = owners.nat.get(id.as_str()) {
        return Owner::NatGateway(nat.clone());
    }
    if let Some(endpoint) = owners.endpoint.get(id.as_str()).filter(|_| kind != "gateway_load_balancer_endpoint") {
        return Owner::Endpoint(endpoint.clone());
    }
    if let Some(instance) = item.text(&["Attachment", "InstanceId"]) {
        let attached = item.text(&["Attachment", "Status"]).is_none_or(|s| s == "attached");
        return if attached { machine(instance, owners) } else { Owner::Nobody };
    }
    let unattached = item.at(&["Attachment"]).is_none() && matches!(item.text(&["Status"]), Some("available"));
    match kind {
        "nat_gateway" => Owner::NatGateway(Id::from(description.rsplit(' ').next().unwrap_or("?"))),
        "transit_gateway" => Owner::TransitGateway,
        "vpc_endpoint" => Owner::Endpoint(Id::from(description.rsplit(' ').next().unwrap_or("?"))),
        "gateway_load_balancer_endpoint" | "gateway_load_balancer" | "network_load_balancer" => {
            Owner::Unmodelled { what: kind.replace('_', " ").into(), of: owners.endpoint.get(id.as_str()).cloned() }
        }
        _ if unattached => Owner::Nobody,
        "interface" => Owner::Other(if description.is_empty() { "managed by AWS".into() } else { description.into() }),
        _ => Owner::Other(kind.replace('_', " ").into()),
    }
}

fn interface<'a>(snapshot: &mut Snapshot<'a>, item: Item<'a>, id: Id, owner: Owner, elastic: &Elastic<'_>) -> Option<Interface> {
    let subnet = Id::from(item.text(&["SubnetId"])?);
    let mut addresses = vec![];
    let whole = [item];
    let listed: Vec<Item<'_>> = item.list(&["PrivateIpAddresses"]).collect();
    for address in if listed.is_empty() { &whole[..] } else { &listed } {
        let Some(private_text) = address.text(&["PrivateIpAddress"]) else { continue };
        let Some(private) = snapshot.ip(private_text, &id) else { continue };
        let text = address.text(&["Association", "PublicIp"]).or(elastic.get(&(id.as_str(), private_text)).copied());
        let public = text.and_then(|t| snapshot.ip(t, &id)).map(Public::Known);
        addresses.push(InterfaceAddress { private: Cidr::host_of(private), public });
    }
    for address in item.list(&["Ipv6Addresses"]).filter_map(|a| a.text(&["Ipv6Address"])) {
        addresses.extend(snapshot.ip(address, &id).map(|ip| InterfaceAddress { private: Cidr::host_of(ip), public: None }));
    }
    for (list, member) in [("Ipv4Prefixes", "Ipv4Prefix"), ("Ipv6Prefixes", "Ipv6Prefix")] {
        for prefix in item.list(&[list]).filter_map(|p| p.text(&[member])) {
            addresses.extend(snapshot.cidr(prefix, &id).map(|private| InterfaceAddress { private, public: None }));
        }
    }
    let groups = item.list(&["Groups"]).filter_map(|g| g.text(&["GroupId"])).map(Id::from).collect();
    let source_dest_check = !item.at(&["SourceDestCheck"]).is_some_and(|v| v.0 == &Json::Bool(false));
    Some(Interface { id, subnet, addresses, groups, source_dest_check, owner, origin: Origin::Observed })
}

fn route_tables(snapshot: &mut Snapshot<'_>, net: &mut Net) {
    for (id, item) in snapshot.identified("RouteTables", "RouteTableId") {
        let vpc = snapshot.text(item, &id, "VpcId");
        let mut table = RouteTable {
            id,
            vpc,
            main: false,
            subnets: vec![],
            gateways: vec![],
            propagating: vec![],
            routes: vec![],
            origin: Origin::Observed,
        };
        for association in item.list(&["Associations"]) {
            if association.text(&["AssociationState", "State"]).is_some_and(|s| !matches!(s, "associated" | "associating")) {
                continue;
            }
            table.main |= association.is(&["Main"]);
            table.subnets.extend(association.text(&["SubnetId"]).map(Id::from));
            table.gateways.extend(association.text(&["GatewayId"]).map(Id::from));
        }
        table.propagating = item.list(&["PropagatingVgws"]).filter_map(|gateway| gateway.text(&["GatewayId"])).map(Id::from).collect();
        for entry in item.list(&["Routes"]) {
            table.routes.extend(route(snapshot, entry, &table.id));
        }
        net.route_tables.push(table);
    }
}

fn route(snapshot: &mut Snapshot<'_>, item: Item<'_>, table: &Id) -> Option<Route> {
    let network = item.text(&["DestinationCidrBlock"]).or(item.text(&["DestinationIpv6CidrBlock"]));
    let destination = match (network, item.text(&["DestinationPrefixListId"])) {
        (Some(network), _) => Destination::Network(snapshot.cidr(network, table)?),
        (None, Some(list)) => Destination::PrefixList(Id::from(list)),
        (None, None) => {
            snapshot.complain(format!("{table}.Routes[].DestinationCidrBlock"), "there");
            return None;
        }
    };
    let target = |member: &str| item.text(&[member]).map(Id::from);
    let target = if let Some(id) = target("NatGatewayId") {
        Target::NatGateway(id)
    } else if let Some(id) = target("TransitGatewayId") {
        Target::TransitGateway(id)
    } else if let Some(id) = target("VpcPeeringConnectionId") {
        Target::Peering(id)
    } else if let Some(id) = target("EgressOnlyInternetGatewayId") {
        Target::EgressOnlyGateway(id)
    } else if let Some(id) = target("NetworkInterfaceId") {
        Target::Interface(id)
    } else if let Some(id) = target("GatewayId") {
        match id.as_str().split('-').next().unwrap_or("") {
            "local" => Target::Local,
            "igw" => Target::InternetGateway(id),
            "vgw" => Target::VpnGateway(id),
            "vpce" => Target::Endpoint(id),
            _ => Target::Unmodelled(id),
        }
    } else {
        let other = ["InstanceId", "CarrierGatewayId", "LocalGatewayId", "CoreNetworkArn", "OdbNetworkArn"];
        Target::Unmodelled(other.iter().find_map(|m| target(m)).unwrap_or_else(|| Id::from("?")))
    };
    let blackhole = item.text(&["State"]) == Some("blackhole");
    let propagated = item.text(&["Origin"]) == Some("EnableVgwRoutePropagation");
    Some(Route { destination, target, blackhole, propagated, origin: Origin::Observed })
}

fn network_acls(snapshot: &mut Snapshot<'_>, net: &mut Net) {
    for (id, item) in snapshot.identified("NetworkAcls", "NetworkAclId") {
        let vpc = snapshot.text(item, &id, "VpcId");
        let subnets = item.list(&["Associations"]).filter_map(|a| a.text(&["SubnetId"])).map(Id::from).collect();
        let (mut inbound, mut outbound) = (vec![], vec![]);
        for item in item.list(&["Entries"]) {
            if let Some(entry) = entry(snapshot, item, &id) {
                if item.is(&["Egress"]) { outbound.push(entry) } else { inbound.push(entry) }
            }
        }
        inbound.sort_by_key(|e: &Entry| e.number);
        outbound.sort_by_key(|e: &Entry| e.number);
        net.network_acls.push(NetworkAcl {
            id,
            vpc,
            default: item.is(&["IsDefault"]),
            subnets,
            inbound,
            outbound,
            origin: Origin::Observed,
        });
    }
}

fn entry(snapshot: &mut Snapshot<'_>, item: Item<'_>, acl: &Id) -> Option<Entry> {
    let number = item.int(&["RuleNumber"]).and_then(|n| u16::try_from(n).ok());
    let network = item.text(&["CidrBlock"]).or(item.text(&["Ipv6CidrBlock"]));
    let (Some(number), Some(network)) = (number, network) else {
        snapshot.complain(format!("{acl}.Entries[].RuleNumber or CidrBlock"), "there");
        return None;
    };
    let network = snapshot.cidr(network, acl)?;
    let range = (item.int(&["PortRange", "From"]), item.int(&["PortRange", "To"]));
    let icmp = (item.int(&["IcmpTypeCode", "Type"]), item.int(&["IcmpTypeCode", "Code"]));
    let protocol = item.text(&["Protocol"]).unwrap_or("?");
    let Some(service) = service(protocol, range, icmp).flatten() else {
        snapshot.complain(format!("{acl}.Entries[].Protocol: {protocol}"), "a protocol with ports that exist");
        return None;
    };
    Some(Entry { number, allow: item.text(&["RuleAction"]) == Some("allow"), service, network, origin: Origin::Observed })
}

/// The service that protocol, ports, and ICMP type and code name. The outer `None` is no protocol, the inner a
/// combination that matches nothing: every ICMP type but one code of it.
fn service(protocol: &str, ports: (Option<i64>, Option<i64>), icmp: (Option<i64>, Option<i64>)) -> Option<Option<Service>> {
    let port_range = || {
        let from = ports.0.filter(|p| *p >= 0).unwrap_or(0);
        let to = ports.1.filter(|p| *p >= 0).unwrap_or(65535);
        match (u16::try_from(from), u16::try_from(to)) {
            (Ok(0), Ok(u16::MAX)) => Some(vec![]),
            (Ok(from), Ok(to)) if from <= to => Some(vec![Ports { from, to }]),
            _ => None,
        }
    };
    let kind_and_code = || {
        let part = |n: Option<i64>| n.filter(|n| *n >= 0).map(u8::try_from).transpose().ok();
        let (kind, code) = (part(icmp.0)?, part(icmp.1)?);
        if kind.is_none() && code.is_some() { None } else { Some((kind, code)) }
    };
    Some(match protocol {
        "-1" | "all" => Some(Service::All),
        "6" | "tcp" => port_range().map(Service::Tcp),
        "17" | "udp" => port_range().map(Service::Udp),
        "1" | "icmp" => kind_and_code().map(|(kind, code)| Service::Icmp(kind, code)),
        "58" | "icmpv6" => kind_and_code().map(|(kind, code)| Service::Icmpv6(kind, code)),
        number => Some(Service::Protocol(number.parse().ok()?)),
    })
}

fn security_groups(snapshot: &mut Snapshot<'_>, net: &mut Net) {
    for (id, item) in snapshot.identified("SecurityGroups", "GroupId") {
        let ingress = rules(snapshot, item, "IpPermissions", &id);
        let egress = rules(snapshot, item, "IpPermissionsEgress", &id);
        let vpc = item.text(&["VpcId"]).unwrap_or("?").into();
        net.security_groups.push(SecurityGroup {
            id,
            vpc,
            default: item.text(&["GroupName"]) == Some("default"),
            ingress,
            egress,
            origin: Origin::Observed,
        });
    }
}

fn rules(snapshot: &mut Snapshot<'_>, group: Item<'_>, member: &str, id: &Id) -> Vec<Rule> {
    let mut rules = vec![];
    for permission in group.list(&[member]) {
        let range = (permission.int(&["FromPort"]), permission.int(&["ToPort"]));
        let protocol = permission.text(&["IpProtocol"]).unwrap_or("?");
        let Some(service) = service(protocol, range, range) else {
            snapshot.complain(format!("{id}.{member}[].IpProtocol: {protocol}"), "a protocol");
            continue;
        };
        let mut peers = vec![];
        for (list, network) in [("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6")] {
            for text in permission.list(&[list]).filter_map(|r| r.text(&[network])) {
                peers.extend(snapshot.cidr(text, id).map(Peer::Network));
            }
        }
        peers.extend(permission.list(&["PrefixListIds"]).filter_map(|l| l.text(&["PrefixListId"])).map(|l| Peer::PrefixList(l.into())));
        for pair in permission.list(&["UserIdGroupPairs"]) {
            let Some(peer) = pair.text(&["GroupId"]) else { continue };
            let stale = pair.text(&["PeeringStatus"]).is_some_and(|s| s != "active");
            peers.push(if stale { Peer::Stale(peer.into()) } else { Peer::Group(peer.into()) });
        }
        rules.extend(peers.into_iter().map(|peer| Rule { service: service.clone(), peer, origin: Origin::Observed }));
    }
    rules
}

fn prefix_lists(snapshot: &mut Snapshot<'_>, net: &mut Net) {
    let mut lists: BTreeMap<Id, Option<Vec<Cidr>>> = BTreeMap::new();
    for name in ["ManagedPrefixLists", "PrefixLists"] {
        for (id, item) in snapshot.identified(name, "PrefixListId") {
            let texts: Vec<&str> = item.texts(&["Cidrs"]).chain(item.list(&["Entries"]).filter_map(|e| e.text(&["Cidr"]))).collect();
            let told = item.at(&["Cidrs"]).is_some() || item.at(&["Entries"]).is_some();
            let entries = told.then(|| texts.into_iter().filter_map(|t| snapshot.cidr(t, &id)).collect());
            let known = lists.entry(id).or_default();
            *known = known.take().or(entries);
        }
    }
    net.prefix_lists.extend(lists.into_iter().map(|(id, entries)| PrefixList { id, entries, origin: Origin::Observed }));
}
