//! Elastic addresses. Layer 8.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    call::Json,
    sim::{
        Actions,
        page::{Listing, select},
        params::{Params, address},
        refuse::{Outcome, bad, clash, missing, no_such, refuse},
        tag::at_creation,
        world::{ACCOUNT, World, find, find_mut},
    },
};

pub(crate) const ACTIONS: Actions = &[
    ("AllocateAddress", allocate, "Domain TagSpecifications"),
    ("ReleaseAddress", release, "AllocationId"),
    ("DescribeAddresses", describe_addresses, "AllocationIds PublicIps Filters"),
    ("AssociateAddress", associate, "AllocationId InstanceId NetworkInterfaceId AllowReassociation PrivateIpAddress"),
    ("DisassociateAddress", disassociate, "AssociationId"),
];

/// An elastic address.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Address {
    pub(crate) ip: IpAddr,
    pub(crate) association: Option<Association>,
}

/// What an address is mapped to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Association {
    pub(crate) id: String,
    pub(crate) interface: String,
    /// The secondary address that it is for; none is the primary one.
    #[serde(default)]
    pub(crate) secondary: Option<IpAddr>,
}

fn allocate(world: &mut World, p: Params<'_>) -> Outcome {
    if p.text("Domain").is_some_and(|d| d != "vpc") {
        return Err(refuse("UnsupportedOperation", "Only addresses for use in a VPC can be allocated."));
    }
    let tags = at_creation(p, "elastic-ip", &["elastic-ip"])?;
    if world.addresses.len() >= world.quotas.addresses {
        return Err(refuse("AddressLimitExceeded", "The maximum number of addresses has been reached."));
    }
    let (id, ip) = (world.id("eipalloc"), world.new_public_ip());
    world.addresses.insert(id.clone(), Address { ip, association: None });
    world.tag(&id, tags);
    Ok(json!({"AllocationId": id, "PublicIp": ip, "Domain": "vpc", "PublicIpv4Pool": "amazon", "NetworkBorderGroup": world.region}))
}

fn release(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("AllocationId")?;
    let address = find(&world.addresses, "eipalloc", id)?;
    if address.association.is_some() {
        return Err(refuse("InvalidIPAddress.InUse", format!("Address {} is in use.", address.ip)));
    }
    world.addresses.remove(id);
    world.tags.remove(id);
    Ok(json!({}))
}

fn associate(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("AllocationId")?;
    let held = find(&world.addresses, "eipalloc", id)?.association.clone();
    let interface = match (p.text("InstanceId"), p.text("NetworkInterfaceId")) {
        (Some(_), Some(_)) => return Err(clash("You may specify either an instance ID or a network interface ID, but not both")),
        (None, None) => return Err(missing("instanceId or networkInterfaceId")),
        (None, Some(interface)) => find(&world.interfaces, "eni", interface).map(|_| interface.to_owned())?,
        (Some(instance), None) => {
            let state = find(&world.instances, "i", instance)?.state;
            if !state.is_usable() {
                let message = format!("The {} instance '{instance}' is not in a valid state for this operation.", state.name());
                return Err(refuse("InvalidInstanceID", message));
            }
            let mut interfaces = world.interfaces_of(instance);
            match (interfaces.next(), interfaces.next()) {
                (Some((only, _)), None) => only.clone(),
                _ => {
                    let message = format!(
                        "There are multiple interfaces attached to instance '{instance}'. Please specify an interface ID for the operation instead."
                    );
                    return Err(refuse("InvalidInstanceID", message));
                }
            }
        }
    };
    let vpc = &find(&world.interfaces, "eni", &interface)?.vpc;
    if world.gateway_of(vpc).is_none() {
        return Err(refuse("Gateway.NotAttached", format!("Network {vpc} is not attached to any internet gateway")));
    }
    let secondary = secondary(world, p, &interface)?;
    let reassociate = p.flag("AllowReassociation").unwrap_or(false);
    if let Some(held) = held.filter(|h| h.interface != interface || h.secondary != secondary) {
        let of_nat = world.interfaces.get(&held.interface).is_some_and(|i| i.nat_gateway.is_some());
        if !reassociate || of_nat {
            let message = format!("resource {id} is already associated with associate-id {}", held.id);
            return Err(refuse("Resource.AlreadyAssociated", message));
        }
    }
    let other = world.public_address(&interface, secondary).and_then(|p| p.elastic).filter(|(allocation, _)| *allocation != id);
    if let (Some((_, association)), false) = (other, reassociate) {
        let message = format!("resource {interface} is already associated with associate-id {association}");
        return Err(refuse("Resource.AlreadyAssociated", message));
    }
    Ok(json!({"AssociationId": map(world, id, &interface, secondary)?}))
}

/// The secondary address that is asked for.
fn secondary(world: &World, p: Params<'_>, interface: &str) -> Result<Option<IpAddr>, crate::call::ApiError> {
    let Some(text) = p.text("PrivateIpAddress") else { return Ok(None) };
    let ip = address("privateIpAddress", text)?;
    match find(&world.interfaces, "eni", interface)?.addresses.iter().position(|own| *own == ip) {
        Some(0) => Ok(None),
        Some(_) => Ok(Some(ip)),
        None => Err(bad(format!("The private address {ip} is not assigned to the network interface '{interface}'."))),
    }
}

/// Maps an address to an address of an interface, and takes from that what it had before.
pub(crate) fn map(
    world: &mut World,
    allocation: &str,
    interface: &str,
    secondary: Option<IpAddr>,
) -> Result<String, crate::call::ApiError> {
    let id = world.id("eipassoc");
    for address in world.addresses.values_mut() {
        address.association.take_if(|a| a.interface == interface && a.secondary == secondary);
    }
    if secondary.is_none() {
        find_mut(&mut world.interfaces, "eni", interface)?.public = None;
    }
    let association = Association { id: id.clone(), interface: interface.into(), secondary };
    find_mut(&mut world.addresses, "eipalloc", allocation)?.association = Some(association);
    Ok(id)
}

fn disassociate(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("AssociationId")?;
    let held = world.addresses.values_mut().find(|a| a.association.as_ref().is_some_and(|x| x.id == id));
    let Some(address) = held else { return Err(no_such("eipassoc", id)) };
    let of_nat = |interface: &str| world.interfaces.get(interface).is_some_and(|i| i.nat_gateway.is_some());
    if address.association.as_ref().is_some_and(|a| of_nat(&a.interface)) {
        return Err(refuse("AuthFailure", "You do not have permission to access the specified resource."));
    }
    address.association = None;
    Ok(json!({}))
}

fn show(world: &World, id: &str) -> Option<Json> {
    let address = world.addresses.get(id)?;
    let mut shown = json!({
        "AllocationId": id,
        "PublicIp": address.ip,
        "Domain": "vpc",
        "PublicIpv4Pool": "amazon",
        "NetworkBorderGroup": world.region,
        "Tags": world.shown_tags(id),
    });
    let map = shown.as_object_mut()?;
    if let Some(association) = &address.association {
        let interface = world.interfaces.get(&association.interface)?;
        map.insert("AssociationId".into(), json!(association.id));
        map.insert("NetworkInterfaceId".into(), json!(association.interface));
        map.insert("NetworkInterfaceOwnerId".into(), json!(ACCOUNT));
        map.insert("PrivateIpAddress".into(), json!(association.secondary.or(interface.addresses.first().copied())));
        if let Some(attachment) = &interface.attachment {
            map.insert("InstanceId".into(), json!(attachment.instance));
        }
    }
    Some(shown)
}

const LISTING: Listing = Listing {
    member: "Addresses",
    ids: "AllocationIds",
    prefix: "eipalloc",
    filters: &[
        ("allocation-id", "AllocationId"),
        ("association-id", "AssociationId"),
        ("domain", "Domain"),
        ("instance-id", "InstanceId"),
        ("network-border-group", "NetworkBorderGroup"),
        ("network-interface-id", "NetworkInterfaceId"),
        ("network-interface-owner-id", "NetworkInterfaceOwnerId"),
        ("private-ip-address", "PrivateIpAddress"),
        ("public-ip", "PublicIp"),
    ],
    ids_or_pages: false,
};

fn describe_addresses(world: &mut World, p: Params<'_>) -> Outcome {
    let mut found = select(world, p, &LISTING, world.addresses.keys(), |id| show(world, id))?;
    let ips = p.texts("PublicIps");
    let known = |ip: &str| world.addresses.values().any(|a| a.ip.to_string() == ip);
    if let Some(ip) = ips.iter().find(|ip| !known(ip)) {
        return Err(refuse("InvalidAddress.NotFound", format!("Address '{ip}' not found.")));
    }
    found.retain(|(_, a)| ips.is_empty() || a.get("PublicIp").and_then(Json::as_str).is_some_and(|ip| ips.contains(&ip)));
    let shown: Vec<Json> = found.into_iter().map(|(_, address)| address).collect();
    Ok(json!({"Addresses": shown}))
}
