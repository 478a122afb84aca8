//! Network interfaces: an address in a subnet, and what holds it. Layer 8.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use crate::{
    call::{ApiError, Json},
    sim::{
        Actions, instance_type,
        page::{Listing, describe},
        params::{Params, address, address_v6},
        refuse::{Outcome, bad, clash, missing, no_such, refuse},
        tag::{Tags, at_creation},
        world::{ACCOUNT, Due, World, find, find_mut},
    },
};

pub(crate) const ACTIONS: Actions = &[
    ("CreateNetworkInterface", create, "SubnetId Groups PrivateIpAddress Ipv6AddressCount Ipv6Addresses Description TagSpecifications"),
    ("DeleteNetworkInterface", delete, "NetworkInterfaceId"),
    ("DescribeNetworkInterfaces", describe_interfaces, "NetworkInterfaceIds Filters"),
    ("ModifyNetworkInterfaceAttribute", modify, "NetworkInterfaceId Groups Description SourceDestCheck Attachment"),
    ("AttachNetworkInterface", attach, "NetworkInterfaceId InstanceId DeviceIndex"),
    ("DetachNetworkInterface", detach, "AttachmentId Force"),
    ("AssignIpv6Addresses", assign_ipv6, "NetworkInterfaceId Ipv6AddressCount Ipv6Addresses"),
    ("UnassignIpv6Addresses", unassign_ipv6, "NetworkInterfaceId Ipv6Addresses"),
    ("UnassignPrivateIpAddresses", unassign, "NetworkInterfaceId PrivateIpAddresses"),
    ("AssignPrivateIpAddresses", assign, "NetworkInterfaceId PrivateIpAddresses SecondaryPrivateIpAddressCount AllowReassignment"),
];

/// A network interface.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Interface {
    pub(crate) vpc: String,
    pub(crate) subnet: String,
    pub(crate) zone: String,
    pub(crate) description: String,
    /// The primary one first.
    pub(crate) addresses: Vec<IpAddr>,
    #[serde(default)]
    pub(crate) ipv6: Vec<IpAddr>,
    mac: String,
    pub(crate) groups: Vec<String>,
    pub(crate) source_dest_check: bool,
    settled: bool,
    pub(crate) attachment: Option<Attachment>,
    /// The NAT gateway that it belongs to.
    pub(crate) nat_gateway: Option<String>,
    /// `InterfaceType` of one that another service of AWS's keeps: `transit_gateway`.
    #[serde(default)]
    pub(crate) kept_as: Option<String>,
    /// A public address that comes and goes with the instance.
    pub(crate) public: Option<IpAddr>,
    /// Whether its instance gets a public address at each start.
    pub(crate) wants_public: bool,
    /// The service that keeps it.
    #[serde(default)]
    requester: Option<String>,
}

/// A service that has put an interface into somebody's subnet, and takes it away by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Requester {
    /// `lambda`, `network_load_balancer`, `interface`.
    pub interface_type: String,
    /// `AWS Lambda VPC ENI-orders-5f3c`
    pub description: String,
    /// Who asked: `amazon-elb`, the id of a role.
    pub id: String,
}

impl World {
    /// A service puts an interface into a subnet, and takes it away after so many calls.
    ///
    /// # Errors
    /// There is no such subnet.
    pub fn plant_interface(&mut self, subnet: &str, groups: &[&str], requester: Requester, calls: u64) -> Result<String, ApiError> {
        let asked = json!({"SubnetId": subnet, "Description": requester.description, "Groups": groups});
        let made = create(self, Params::new(&asked))?;
        let id = made.pointer("/NetworkInterface/NetworkInterfaceId").and_then(Json::as_str).unwrap_or_default().to_owned();
        let interface = find_mut(&mut self.interfaces, "eni", &id)?;
        (interface.kept_as, interface.requester) = (Some(requester.interface_type), Some(requester.id));
        self.schedule(calls, Due::Released(id.clone()));
        Ok(id)
    }
}

/// What an interface is attached to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Attachment {
    pub(crate) id: String,
    pub(crate) instance: String,
    pub(crate) index: i64,
    pub(crate) delete_on_termination: bool,
    at: u64,
}

/// A public address of an interface.
pub(crate) struct Public<'a> {
    pub(crate) ip: IpAddr,
    /// Allocation and association of an elastic address.
    pub(crate) elastic: Option<(&'a str, &'a str)>,
}

impl World {
    /// The interfaces in a subnet.
    pub(crate) fn interfaces_in(&self, subnet: &str) -> impl Iterator<Item = &Interface> {
        self.in_subnet.get(subnet).into_iter().flatten().filter_map(|id| self.interfaces.get(id))
    }

    /// Finds again which interfaces each subnet has, for a world that was stored.
    pub(crate) fn sort_interfaces(&mut self) {
        self.in_subnet.clear();
        for (id, interface) in &self.interfaces {
            self.in_subnet.entry(interface.subnet.clone()).or_default().insert(id.clone());
        }
    }

    /// The interfaces of an instance, by device index.
    pub(crate) fn interfaces_of(&self, instance: &str) -> impl Iterator<Item = (&String, &Interface)> {
        let ids = self.instances.get(instance).map_or(&[][..], |i| &i.interfaces);
        ids.iter().filter_map(|id| self.interfaces.get_key_value(id))
    }

    /// The public address that an interface's primary address is mapped to, or a secondary one.
    pub(crate) fn public_address(&self, interface: &str, secondary: Option<IpAddr>) -> Option<Public<'_>> {
        let elastic = self.addresses.iter().find_map(|(allocation, a)| {
            let association = a.association.as_ref().filter(|x| x.interface == interface && x.secondary == secondary)?;
            Some(Public { ip: a.ip, elastic: Some((allocation, &association.id)) })
        });
        let own = || secondary.is_none().then(|| self.interfaces.get(interface)?.public).flatten();
        elastic.or_else(|| Some(Public { ip: own()?, elastic: None }))
    }

    /// Whether the internet could reach any address of an interface.
    pub(crate) fn has_public(&self, interface: &str) -> bool {
        let mapped = self.addresses.values().filter_map(|a| a.association.as_ref()).any(|a| a.interface == interface);
        mapped || self.interfaces.get(interface).is_some_and(|i| i.public.is_some())
    }

    /// An address that nobody has; from 198.18.0.0/15, which is never routed (RFC 2544).
    pub(crate) fn new_public_ip(&mut self) -> IpAddr {
        loop {
            let n = self.draw();
            let ip = IpAddr::from([198, 18 + (n >> 16 & 1) as u8, (n >> 8) as u8, n as u8]);
            let taken = self.addresses.values().any(|a| a.ip == ip) || self.interfaces.values().any(|i| i.public == Some(ip));
            if !taken {
                return ip;
            }
        }
    }

    /// `ip-10-0-0-5.eu-central-1.compute.internal`
    pub(crate) fn private_name(&self, ip: IpAddr) -> String {
        let domain = if self.region == "us-east-1" { "ec2.internal".into() } else { format!("{}.compute.internal", self.region) };
        format!("ip-{}.{domain}", ip.to_string().replace('.', "-"))
    }

    /// `ec2-198-18-0-5.eu-central-1.compute.amazonaws.com`, if the VPC gives names.
    pub(crate) fn public_name(&self, vpc: &str, ip: IpAddr) -> String {
        let domain = if self.region == "us-east-1" { "compute-1".into() } else { format!("{}.compute", self.region) };
        let named = self.vpcs.get(vpc).is_some_and(|v| v.dns_hostnames);
        if named { format!("ec2-{}.{domain}.amazonaws.com", ip.to_string().replace('.', "-")) } else { String::new() }
    }

    /// Groups for an interface in a subnet: those asked for, or the VPC's default group.
    pub(crate) fn groups_for(&self, vpc: &str, asked: &[&str], other_vpc: &str) -> Result<Vec<String>, ApiError> {
        if asked.is_empty() {
            return Ok(self
                .groups
                .iter()
                .find(|(_, g)| g.vpc == vpc && g.name == "default")
                .map(|(id, _)| id.clone())
                .into_iter()
                .collect());
        }
        if asked.len() > self.quotas.security_groups_per_interface {
            return Err(refuse(
                "SecurityGroupsPerInterfaceLimitExceeded",
                "The maximum number of security groups per interface has been reached.",
            ));
        }
        for id in asked {
            if find(&self.groups, "sg", id)?.vpc != vpc {
                return Err(refuse(other_vpc, format!("Security group {id} and the subnet belong to different networks.")));
            }
        }
        Ok(asked.iter().map(|id| (*id).to_owned()).collect())
    }

    /// A new interface in a subnet that has been checked.
    pub(crate) fn add_interface(
        &mut self,
        subnet: &str,
        ip: Option<IpAddr>,
        groups: Vec<String>,
        description: &str,
    ) -> Result<String, ApiError> {
        let (vpc, zone, six) =
            find(&self.subnets, "subnet", subnet).map(|s| (s.vpc.clone(), s.zone.clone(), s.assign_ipv6 && s.ipv6.is_some()))?;
        if self.interfaces.len() >= self.quotas.interfaces {
            return Err(refuse("NetworkInterfaceLimitExceeded", "The maximum number of network interfaces has been reached."));
        }
        let ipv6 = if six { vec![self.take_ipv6(subnet, None)?] } else { vec![] };
        let id = self.id("eni");
        let n = self.draw().to_be_bytes();
        let [a, b, c, d, e, ..] = n;
        let interface = Interface {
            vpc,
            subnet: subnet.into(),
            zone,
            description: description.into(),
            addresses: ip.into_iter().collect(),
            ipv6,
            // A locally administered address, as EC2's are.
            mac: format!("06:{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}"),
            groups,
            source_dest_check: true,
            settled: false,
            attachment: None,
            nat_gateway: None,
            kept_as: None,
            requester: None,
            public: None,
            wants_public: false,
        };
        self.in_subnet.entry(interface.subnet.clone()).or_default().insert(id.clone());
        self.interfaces.insert(id.clone(), interface);
        self.schedule(self.pace.interface_available, Due::Interface(id.clone()));
        Ok(id)
    }

    /// Attaches an interface to an instance.
    pub(crate) fn attach_interface(
        &mut self,
        id: &str,
        instance: &str,
        index: i64,
        delete_on_termination: bool,
    ) -> Result<String, ApiError> {
        let attachment = self.id("eni-attach");
        let at = self.now;
        let attached = Attachment { id: attachment.clone(), instance: instance.into(), index, delete_on_termination, at };
        find_mut(&mut self.interfaces, "eni", id)?.attachment = Some(attached);
        let mut all: Vec<(i64, String)> = vec![(index, id.into())];
        all.extend(self.interfaces_of(instance).filter_map(|(id, i)| Some((i.attachment.as_ref()?.index, id.clone()))));
        all.sort();
        all.dedup();
        find_mut(&mut self.instances, "i", instance)?.interfaces = all.into_iter().map(|(_, id)| id).collect();
        Ok(attachment)
    }

    /// Takes an interface away, and the elastic address from it.
    pub(crate) fn remove_interface(&mut self, id: &str) {
        if let Some(gone) = self.interfaces.remove(id)
            && let Some(ids) = self.in_subnet.get_mut(&gone.subnet)
        {
            ids.remove(id);
        }
        self.tags.remove(id);
        for address in self.addresses.values_mut() {
            address.association.take_if(|a| a.interface == id);
        }
    }
}

pub(crate) fn settle(world: &mut World, id: &str) {
    if let Some(interface) = world.interfaces.get_mut(id) {
        interface.settled = true;
    }
}

fn create(world: &mut World, p: Params<'_>) -> Outcome {
    let subnet = p.need("SubnetId")?;
    let vpc = find(&world.subnets, "subnet", subnet)?.vpc.clone();
    let groups = world.groups_for(&vpc, &p.texts("Groups"), "InvalidGroup.NotFound")?;
    let tags: Tags = at_creation(p, "network-interface", &["network-interface"])?;
    let asked = p.text("PrivateIpAddress").map(|text| address("privateIpAddress", text)).transpose()?;
    let ip = world.take_address(subnet, asked)?;
    let id = world.add_interface(subnet, ip, groups, p.text("Description").unwrap_or_default())?;
    if p.has("Ipv6AddressCount") || p.has("Ipv6Addresses") {
        find_mut(&mut world.interfaces, "eni", &id)?.ipv6.clear();
        if let Err(error) = add_ipv6(world, &id, p) {
            world.remove_interface(&id);
            return Err(error);
        }
    }
    world.tag(&id, tags);
    let mut answer = json!({"NetworkInterface": show(world, &id)});
    if let Some(map) = answer.as_object_mut() {
        map.extend(p.get("ClientToken").map(|token| ("ClientToken".to_owned(), token.clone())));
    }
    Ok(answer)
}

fn delete(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("NetworkInterfaceId")?;
    let interface = find(&world.interfaces, "eni", id)?;
    if interface.attachment.is_some() || interface.is_kept() {
        return Err(refuse("InvalidNetworkInterface.InUse", format!("Network interface '{id}' is currently in use.")));
    }
    world.remove_interface(id);
    Ok(json!({}))
}

fn modify(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("NetworkInterfaceId")?;
    let interface = find(&world.interfaces, "eni", id)?;
    let mut given = ["Groups", "Description", "SourceDestCheck", "Attachment"].into_iter().filter(|n| p.has(n));
    let Some(name) = given.next() else { return Err(missing("description, groupId, sourceDestCheck or attachment")) };
    if given.next().is_some() {
        return Err(clash("Only one attribute of a network interface can be modified by one request"));
    }
    if interface.is_kept() {
        return Err(refuse("OperationNotPermitted", format!("You are not allowed to manage '{id}'.")));
    }
    let groups = world.groups_for(&interface.vpc, &p.texts("Groups"), "InvalidGroup.NotFound")?;
    let interface = find_mut(&mut world.interfaces, "eni", id)?;
    match name {
        "Groups" => interface.groups = groups,
        "Description" => interface.description = p.value(name).and_then(Json::as_str).unwrap_or_default().into(),
        "SourceDestCheck" => {
            interface.source_dest_check = p.value(name).and_then(Json::as_bool).ok_or_else(|| missing("sourceDestCheck.value"))?;
        }
        _ => {
            let change = p.sub("Attachment").unwrap_or(p);
            let attachment = change.need("AttachmentId")?;
            let held = interface.attachment.as_mut().filter(|a| a.id == attachment).ok_or_else(|| no_such("eni-attach", attachment))?;
            held.delete_on_termination = change.flag("DeleteOnTermination").unwrap_or(held.delete_on_termination);
        }
    }
    Ok(json!({}))
}

fn attach(world: &mut World, p: Params<'_>) -> Outcome {
    let (id, instance_id) = (p.need("NetworkInterfaceId")?, p.need("InstanceId")?);
    let index = p.int("DeviceIndex").ok_or_else(|| missing("deviceIndex"))?;
    let interface = find(&world.interfaces, "eni", id)?;
    let instance = find(&world.instances, "i", instance_id)?;
    if interface.attachment.is_some() || interface.is_kept() {
        return Err(refuse("InvalidNetworkInterface.InUse", format!("Interface: [{id}] in use.")));
    }
    if !instance.state.is_usable() {
        return Err(refuse("IncorrectInstanceState", format!("Instance '{instance_id}' is not 'running' or 'stopped'.")));
    }
    if instance.zone != interface.zone {
        return Err(bad(format!(
            "You may not attach a network interface to an instance if they are not in the same availability zone: {id}"
        )));
    }
    if world.interfaces_of(instance_id).any(|(_, i)| i.attachment.as_ref().is_some_and(|a| a.index == index)) {
        return Err(bad(format!("Instance '{instance_id}' already has an interface attached at device index '{index}'.")));
    }
    if instance.interfaces.len() >= instance_type::room(&instance.kind).0 {
        let message = format!("Interface count {} exceeds the limit for {}", instance.interfaces.len() + 1, instance.kind);
        return Err(refuse("AttachmentLimitExceeded", message));
    }
    let attachment = world.attach_interface(id, instance_id, index, false)?;
    Ok(json!({"AttachmentId": attachment, "NetworkCardIndex": 0}))
}

fn detach(world: &mut World, p: Params<'_>) -> Outcome {
    let attachment = p.need("AttachmentId")?;
    let of = |i: &Interface| i.attachment.as_ref().is_some_and(|a| a.id == attachment);
    let found = world.interfaces.iter().find(|(_, i)| of(i)).and_then(|(id, i)| Some((id.clone(), i.attachment.clone()?)));
    let Some((id, attached)) = found else { return Err(no_such("eni-attach", attachment)) };
    if attached.index == 0 {
        let message = "The network interface at device index 0 and networkCard index 0 cannot be detached.";
        return Err(refuse("OperationNotPermitted", message));
    }
    find_mut(&mut world.interfaces, "eni", &id)?.attachment = None;
    find_mut(&mut world.instances, "i", &attached.instance)?.interfaces.retain(|i| *i != id);
    Ok(json!({}))
}

fn assign(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("NetworkInterfaceId")?;
    let subnet = find(&world.interfaces, "eni", id)?.subnet.clone();
    let mut asked = vec![];
    for text in p.texts("PrivateIpAddresses") {
        asked.push(Some(address("privateIpAddress", text)?));
    }
    asked.extend((0..p.int("SecondaryPrivateIpAddressCount").unwrap_or_default()).map(|_| None));
    if asked.is_empty() {
        return Err(missing("privateIpAddress or secondaryPrivateIpAddressCount"));
    }
    let before = find(&world.interfaces, "eni", id)?.addresses.clone();
    check_room(world, id, before.len() + asked.len())?;
    let mut assigned = vec![];
    for ip in asked {
        match world.take_address(&subnet, ip) {
            Ok(ip) => find_mut(&mut world.interfaces, "eni", id)?.addresses.extend(ip),
            Err(error) => {
                find_mut(&mut world.interfaces, "eni", id)?.addresses = before;
                return Err(error);
            }
        }
        assigned.extend(find(&world.interfaces, "eni", id)?.addresses.last().map(|ip| json!({"PrivateIpAddress": ip})));
    }
    Ok(json!({"NetworkInterfaceId": id, "AssignedPrivateIpAddresses": assigned}))
}

/// What is attached takes as many addresses of a family as its instance's type allows.
fn check_room(world: &World, id: &str, wanted: usize) -> Result<(), ApiError> {
    let instance = find(&world.interfaces, "eni", id)?.attachment.as_ref().and_then(|a| world.instances.get(&a.instance));
    match instance.is_some_and(|i| wanted > instance_type::room(&i.kind).1) {
        true => Err(refuse("PrivateIpAddressLimitExceeded", format!("Number of private addresses will exceed limit for interface {id}."))),
        false => Ok(()),
    }
}

fn unassign(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("NetworkInterfaceId")?;
    let named = p.texts("PrivateIpAddresses").into_iter().map(|text| address("privateIpAddress", text)).collect::<Result<Vec<_>, _>>()?;
    let interface = find_mut(&mut world.interfaces, "eni", id)?;
    if named.is_empty() {
        return Err(missing("privateIpAddress"));
    }
    if let Some(ip) = named.iter().find(|ip| interface.addresses.first() == Some(*ip)) {
        return Err(bad(format!("The primary address {ip} of interface {id} cannot be unassigned")));
    }
    if named.iter().any(|ip| !interface.addresses.contains(ip)) {
        return Err(bad(format!("Some of the specified addresses are not assigned to interface {id}")));
    }
    interface.addresses.retain(|ip| !named.contains(ip));
    // The elastic address of one that goes is with nobody.
    for address in world.addresses.values_mut() {
        address.association.take_if(|a| a.interface == id && a.secondary.is_some_and(|ip| named.contains(&ip)));
    }
    Ok(json!({}))
}

/// Gives an interface the addresses that a request asks for, by number or by name: those that it got.
pub(crate) fn add_ipv6(world: &mut World, id: &str, p: Params<'_>) -> Result<Vec<IpAddr>, ApiError> {
    let subnet = find(&world.interfaces, "eni", id)?.subnet.clone();
    let named = p.subs("Ipv6Addresses").filter_map(|a| a.text("Ipv6Address")).chain(p.texts("Ipv6Addresses"));
    let mut asked = named.map(|text| address_v6("ipv6Address", text).map(Some)).collect::<Result<Vec<_>, _>>()?;
    if let Some(count) = p.int("Ipv6AddressCount") {
        if !asked.is_empty() {
            return Err(clash("ipv6AddressCount and ipv6Addresses may not be specified on the same request"));
        }
        asked.extend((0..count).map(|_| None));
    }
    check_room(world, id, find(&world.interfaces, "eni", id)?.ipv6.len() + asked.len())?;
    let mut given = vec![];
    for ip in asked {
        let ip = world.take_ipv6(&subnet, ip)?;
        find_mut(&mut world.interfaces, "eni", id)?.ipv6.push(ip);
        given.push(ip);
    }
    Ok(given)
}

fn assign_ipv6(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("NetworkInterfaceId")?;
    let before = find(&world.interfaces, "eni", id)?.ipv6.clone();
    if !p.has("Ipv6AddressCount") && !p.has("Ipv6Addresses") {
        return Err(missing("ipv6Addresses or ipv6AddressCount"));
    }
    match add_ipv6(world, id, p) {
        Ok(given) => Ok(json!({"NetworkInterfaceId": id, "AssignedIpv6Addresses": given})),
        Err(error) => {
            find_mut(&mut world.interfaces, "eni", id)?.ipv6 = before;
            Err(error)
        }
    }
}

fn unassign_ipv6(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("NetworkInterfaceId")?;
    let named = p.texts("Ipv6Addresses").into_iter().map(|text| address_v6("ipv6Address", text)).collect::<Result<Vec<_>, _>>()?;
    let interface = find_mut(&mut world.interfaces, "eni", id)?;
    if named.is_empty() {
        return Err(missing("ipv6Addresses"));
    }
    if let Some(ip) = named.iter().find(|ip| !interface.ipv6.contains(ip)) {
        return Err(bad(format!("Some of the addresses are not assigned to interface {id}: {ip}")));
    }
    interface.ipv6.retain(|ip| !named.contains(ip));
    Ok(json!({"NetworkInterfaceId": id, "UnassignedIpv6Addresses": named}))
}

/// `Association` of an interface or an instance's interface.
pub(crate) fn show_public(world: &World, id: &str, secondary: Option<IpAddr>, brief: bool) -> Option<Json> {
    let interface = world.interfaces.get(id)?;
    let public = world.public_address(id, secondary)?;
    let owner = if public.elastic.is_some() { ACCOUNT } else { "amazon" };
    let mut shown = json!({"IpOwnerId": owner, "PublicIp": public.ip, "PublicDnsName": world.public_name(&interface.vpc, public.ip)});
    if let (false, Some((allocation, association)), Some(map)) = (brief, public.elastic, shown.as_object_mut()) {
        map.insert("AllocationId".into(), json!(allocation));
        map.insert("AssociationId".into(), json!(association));
    }
    Some(shown)
}

/// `Groups` of an interface or an instance.
pub(crate) fn show_groups(world: &World, groups: &[String]) -> Json {
    groups.iter().map(|id| json!({"GroupId": id, "GroupName": world.groups.get(id).map(|g| &g.name)})).collect()
}

/// `PrivateIpAddresses` of an interface.
pub(crate) fn show_addresses(world: &World, id: &str, brief: bool) -> Json {
    let Some(interface) = world.interfaces.get(id) else { return json!([]) };
    let each = interface.addresses.iter().enumerate().map(|(n, ip)| {
        let mut shown = json!({"Primary": n == 0, "PrivateIpAddress": ip, "PrivateDnsName": world.private_name(*ip)});
        let secondary = (n > 0).then_some(*ip);
        if let (Some(public), Some(map)) = (show_public(world, id, secondary, brief), shown.as_object_mut()) {
            map.insert("Association".into(), public);
        }
        shown
    });
    each.collect()
}

pub(crate) fn show(world: &World, id: &str) -> Option<Json> {
    let interface = world.interfaces.get(id)?;
    let status = match (&interface.attachment, interface.is_kept(), interface.settled) {
        (Some(_), ..) | (_, true, _) => "in-use",
        (None, false, true) => "available",
        (None, false, false) => "pending",
    };
    let mut shown = Map::new();
    let primary = interface.addresses.first();
    let Json::Object(plain) = json!({
        "NetworkInterfaceId": id,
        "VpcId": interface.vpc,
        "SubnetId": interface.subnet,
        "AvailabilityZone": interface.zone,
        "Description": interface.description,
        "Groups": show_groups(world, &interface.groups),
        "InterfaceType": interface.kept_as.as_deref().unwrap_or(if interface.nat_gateway.is_some() { "nat_gateway" } else { "interface" }),
        "Ipv6Addresses": interface.ipv6.iter().map(|ip| json!({"Ipv6Address": ip, "IsPrimaryIpv6": false})).collect::<Vec<_>>(),
        "MacAddress": interface.mac,
        "OwnerId": ACCOUNT,
        "PrivateIpAddress": primary,
        "PrivateDnsName": primary.map(|ip| world.private_name(*ip)),
        "PrivateIpAddresses": show_addresses(world, id, false),
        "RequesterManaged": interface.is_kept(),
        "SourceDestCheck": interface.source_dest_check,
        "Status": status,
        "TagSet": world.shown_tags(id),
    }) else {
        return None;
    };
    shown.extend(plain);
    shown.extend(show_public(world, id, None, false).map(|public| ("Association".to_owned(), public)));
    shown.extend(interface.requester.iter().map(|id| ("RequesterId".to_owned(), json!(id))));
    shown.extend(interface.attachment.as_ref().map(|a| ("Attachment".to_owned(), show_attachment(a))));
    Some(shown.into())
}

fn show_attachment(a: &Attachment) -> Json {
    json!({"AttachmentId": a.id, "InstanceId": a.instance, "InstanceOwnerId": ACCOUNT, "DeviceIndex": a.index, "NetworkCardIndex": 0,
        "DeleteOnTermination": a.delete_on_termination, "AttachTime": World::time(a.at), "Status": "attached"})
}

impl Attachment {
    /// As an instance shows it.
    pub(crate) fn show_brief(&self) -> Json {
        json!({"AttachmentId": self.id, "DeviceIndex": self.index, "NetworkCardIndex": 0,
            "DeleteOnTermination": self.delete_on_termination, "AttachTime": World::time(self.at), "Status": "attached"})
    }
}

impl Interface {
    /// Whether a service of AWS's keeps it.
    fn is_kept(&self) -> bool {
        self.nat_gateway.is_some() || self.kept_as.is_some()
    }

    pub(crate) fn mac(&self) -> &str {
        &self.mac
    }
}

const LISTING: Listing = Listing {
    member: "NetworkInterfaces",
    ids: "NetworkInterfaceIds",
    prefix: "eni",
    filters: &[
        ("network-interface-id", "NetworkInterfaceId"),
        ("vpc-id", "VpcId"),
        ("subnet-id", "SubnetId"),
        ("availability-zone", "AvailabilityZone"),
        ("description", "Description"),
        ("group-id", "Groups.GroupId"),
        ("group-name", "Groups.GroupName"),
        ("interface-type", "InterfaceType"),
        ("ipv6-addresses.ipv6-address", "Ipv6Addresses.Ipv6Address"),
        ("mac-address", "MacAddress"),
        ("owner-id", "OwnerId"),
        ("private-ip-address", "PrivateIpAddress"),
        ("private-dns-name", "PrivateDnsName"),
        ("addresses.private-ip-address", "PrivateIpAddresses.PrivateIpAddress"),
        ("addresses.primary", "PrivateIpAddresses.Primary"),
        ("addresses.association.public-ip", "PrivateIpAddresses.Association.PublicIp"),
        ("association.allocation-id", "Association.AllocationId"),
        ("association.association-id", "Association.AssociationId"),
        ("association.public-ip", "Association.PublicIp"),
        ("association.ip-owner-id", "Association.IpOwnerId"),
        ("attachment.attachment-id", "Attachment.AttachmentId"),
        ("attachment.delete-on-termination", "Attachment.DeleteOnTermination"),
        ("attachment.device-index", "Attachment.DeviceIndex"),
        ("attachment.instance-id", "Attachment.InstanceId"),
        ("attachment.instance-owner-id", "Attachment.InstanceOwnerId"),
        ("attachment.status", "Attachment.Status"),
        ("requester-managed", "RequesterManaged"),
        ("source-dest-check", "SourceDestCheck"),
        ("status", "Status"),
    ],
    ids_or_pages: true,
};

fn describe_interfaces(world: &mut World, p: Params<'_>) -> Outcome {
    describe(world, p, &LISTING, world.interfaces.keys(), |id| show(world, id))
}
