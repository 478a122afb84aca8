//! Subnets. Layer 8.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    base::cidr::{Cidr, Family},
    call::{ApiError, Json},
    sim::{
        Actions, instance_type, network_acl,
        page::{Listing, describe},
        params::{Params, cidr_of},
        refuse::{Outcome, bad, clash, in_use, missing, no_such, refuse},
        tag::at_creation,
        world::{ACCOUNT, World, find, find_mut},
    },
};

pub(crate) const ACTIONS: Actions = &[
    ("CreateSubnet", create, "VpcId CidrBlock AvailabilityZone AvailabilityZoneId Ipv6CidrBlock Ipv6Native TagSpecifications"),
    ("DeleteSubnet", delete, "SubnetId"),
    ("DescribeSubnets", describe_subnets, "SubnetIds Filters"),
    (
        "ModifySubnetAttribute",
        modify,
        "SubnetId MapPublicIpOnLaunch AssignIpv6AddressOnCreation EnableDns64 PrivateDnsHostnameTypeOnLaunch \
         EnableResourceNameDnsARecordOnLaunch EnableResourceNameDnsAAAARecordOnLaunch",
    ),
    ("AssociateSubnetCidrBlock", associate_cidr, "SubnetId Ipv6CidrBlock"),
    ("DisassociateSubnetCidrBlock", disassociate_cidr, "AssociationId"),
];

/// EC2 keeps the first four addresses and the last of each subnet for itself.
const RESERVED: u128 = 5;

/// A subnet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Subnet {
    pub(crate) vpc: String,
    /// None in a subnet of IPv6 alone.
    pub(crate) cidr: Option<Cidr>,
    pub(crate) zone: String,
    pub(crate) ipv6: Option<Block>,
    pub(crate) default_for_zone: bool,
    pub(crate) map_public_ip: bool,
    pub(crate) assign_ipv6: bool,
    dns64: bool,
    hostname_type: String,
    dns_a_record: bool,
    dns_aaaa_record: bool,
}

/// An IPv6 network of a subnet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Block {
    pub(crate) cidr: Cidr,
    pub(crate) association: String,
}

impl Subnet {
    fn new(vpc: &str, cidr: Option<Cidr>, zone: &str) -> Self {
        Self {
            vpc: vpc.into(),
            cidr,
            zone: zone.into(),
            ipv6: None,
            default_for_zone: false,
            map_public_ip: false,
            assign_ipv6: cidr.is_none(),
            dns64: false,
            hostname_type: if cidr.is_some() { "ip-name" } else { "resource-name" }.into(),
            dns_a_record: false,
            dns_aaaa_record: false,
        }
    }
}

pub(crate) fn add_default(world: &mut World, vpc: &str, zone: &str, cidr: Cidr) {
    let id = world.id("subnet");
    let subnet = Subnet { default_for_zone: true, map_public_ip: true, ..Subnet::new(vpc, Some(cidr), zone) };
    world.subnets.insert(id.clone(), subnet);
    network_acl::associate_default(world, vpc, &id);
}

fn create(world: &mut World, p: Params<'_>) -> Outcome {
    let vpc_id = p.need("VpcId")?;
    let vpc = find(&world.vpcs, "vpc", vpc_id)?;
    let native = p.flag("Ipv6Native") == Some(true);
    let text = match (p.text("CidrBlock"), native) {
        (None, false) => return Err(missing("cidrBlock")),
        (Some(_), true) => return Err(clash("An IPv4 CIDR block may not be specified for an IPv6 native subnet")),
        (None, true) if !p.has("Ipv6CidrBlock") => return Err(missing("ipv6CidrBlock")),
        (text, _) => text,
    };
    let cidr = text.map(|text| cidr_of(Family::V4, "cidrBlock", text)).transpose()?;
    let tags = at_creation(p, "subnet", &["subnet"])?;
    let zone = zone(world, p)?;
    if let Some(cidr) = cidr {
        if !(16..=28).contains(&cidr.prefix()) || !vpc.associated(Family::V4).any(|c| c.contains(cidr)) {
            return Err(refuse("InvalidSubnet.Range", format!("The CIDR '{cidr}' is invalid.")));
        }
        if world.subnets.values().any(|s| s.vpc == vpc_id && s.cidr.is_some_and(|c| c.overlaps(cidr))) {
            return Err(refuse("InvalidSubnet.Conflict", format!("The CIDR '{cidr}' conflicts with another subnet")));
        }
    }
    if world.subnets.values().filter(|s| s.vpc == vpc_id).count() >= world.quotas.subnets_per_vpc {
        return Err(refuse("SubnetLimitExceeded", "The maximum number of subnets has been reached."));
    }
    let ipv6 = p.text("Ipv6CidrBlock").map(|text| ipv6_cidr(world, vpc_id, text)).transpose()?;
    let id = world.id("subnet");
    world.subnets.insert(id.clone(), Subnet::new(vpc_id, cidr, &zone));
    if let Some(cidr) = ipv6 {
        add_ipv6(world, &id, cidr)?;
    }
    network_acl::associate_default(world, vpc_id, &id);
    world.tag(&id, tags);
    Ok(json!({"Subnet": show(world, &id)}))
}

/// The zone that is asked for by name or id, or the one with the fewest subnets of all that have the types of today.
fn zone(world: &World, p: Params<'_>) -> Result<String, ApiError> {
    let zones = world.zones();
    let (parameter, asked) = match (p.text("AvailabilityZone"), p.text("AvailabilityZoneId")) {
        (Some(_), Some(_)) => return Err(clash("Only one of availabilityZone and availabilityZoneId may be specified")),
        (Some(name), None) => ("availabilityZone", name),
        (None, Some(id)) => ("availabilityZoneId", id),
        (None, None) => {
            let fewest = zones
                .iter()
                .filter(|z| instance_type::is_of_today(world, z))
                .min_by_key(|z| world.subnets.values().filter(|s| s.zone == **z).count());
            return Ok(fewest.cloned().unwrap_or_default());
        }
    };
    zones.iter().find(|z| *z == asked || world.zone_id(z) == asked).cloned().ok_or_else(|| {
        bad(format!(
            "Value ({asked}) for parameter {parameter} is invalid. Subnets can currently only be created in the following availability zones: {}.",
            zones.join(", ")
        ))
    })
}

fn ipv6_cidr(world: &World, vpc: &str, text: &str) -> Result<Cidr, ApiError> {
    let cidr = cidr_of(Family::V6, "ipv6CidrBlock", text)?;
    let inside = find(&world.vpcs, "vpc", vpc)?.associated(Family::V6).any(|c| c.contains(cidr));
    if !inside || !(44..=64).contains(&cidr.prefix()) || cidr.prefix() % 4 != 0 {
        return Err(refuse("InvalidSubnet.Range", format!("The CIDR '{text}' is invalid.")));
    }
    let taken = world.subnets.values().any(|s| s.vpc == vpc && s.ipv6.as_ref().is_some_and(|b| b.cidr.overlaps(cidr)));
    match taken {
        true => Err(refuse("InvalidSubnet.Conflict", format!("The CIDR '{cidr}' conflicts with another subnet"))),
        false => Ok(cidr),
    }
}

fn add_ipv6(world: &mut World, id: &str, cidr: Cidr) -> Result<Block, ApiError> {
    let block = Block { cidr, association: world.id("subnet-cidr-assoc") };
    find_mut(&mut world.subnets, "subnet", id)?.ipv6 = Some(block.clone());
    Ok(block)
}

fn delete(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("SubnetId")?;
    find(&world.subnets, "subnet", id)?;
    if world.interfaces_in(id).next().is_some() {
        return Err(in_use("subnet", id));
    }
    world.subnets.remove(id);
    world.tags.remove(id);
    world.reservations.retain(|_, r| r.subnet != id);
    for table in world.route_tables.values_mut() {
        table.associations.retain(|a| a.subnet.as_deref() != Some(id));
    }
    for acl in world.network_acls.values_mut() {
        acl.associations.retain(|_, subnet| subnet != id);
    }
    Ok(json!({}))
}

impl World {
    /// The addresses of a subnet that are taken.
    fn taken(&self, subnet: &str) -> std::collections::BTreeSet<IpAddr> {
        self.interfaces_in(subnet).flat_map(|i| i.addresses.iter().chain(&i.ipv6).copied()).collect()
    }

    /// An IPv6 address of a subnet: the one asked for, or any that is free.
    pub(crate) fn take_ipv6(&mut self, subnet_id: &str, asked: Option<IpAddr>) -> Result<IpAddr, ApiError> {
        let Some(network) = find(&self.subnets, "subnet", subnet_id)?.ipv6.as_ref().map(|b| b.cidr) else {
            return Err(bad(format!("The subnet '{subnet_id}' has no IPv6 CIDR block")));
        };
        let taken = self.taken(subnet_id);
        let reserved = |ip: IpAddr| {
            Cidr::host_of(ip).first_number() < network.first_number() + 4 || Cidr::host_of(ip).first_number() == network.last_number()
        };
        if let Some(ip) = asked {
            return match ip {
                _ if !network.contains_ip(ip) || reserved(ip) => Err(bad(format!("{ip} is not a valid IPv6 address of the subnet"))),
                _ if taken.contains(&ip) => Err(refuse("InvalidIPAddress.InUse", format!("Address {ip} is in use."))),
                _ => Ok(ip),
            };
        }
        loop {
            let found = network.host(u128::from(self.draw())).filter(|ip| !reserved(*ip) && !taken.contains(ip));
            if let Some(ip) = found {
                return Ok(ip);
            }
        }
    }

    /// An IPv4 address of a subnet: the one asked for, or any that is free; none in a subnet of IPv6 alone.
    pub(crate) fn take_address(&mut self, subnet_id: &str, asked: Option<IpAddr>) -> Result<Option<IpAddr>, ApiError> {
        let Some(cidr) = find(&self.subnets, "subnet", subnet_id)?.cidr else {
            return match asked {
                Some(ip) => Err(bad(format!("{ip} is not an address of the IPv6 native subnet '{subnet_id}'"))),
                None => Ok(None),
            };
        };
        let taken = self.taken(subnet_id);
        let last = cidr.last_number();
        let usable = |ip: IpAddr| {
            let number = Cidr::host_of(ip).first_number();
            number >= cidr.first_number() + 4 && number < last
        };
        if let Some(ip) = asked {
            return match ip {
                _ if !cidr.contains_ip(ip) => Err(bad("Address does not fall within the subnet's address range")),
                _ if !usable(ip) => Err(bad("Address is in subnet's reserved address range")),
                _ if taken.contains(&ip) => Err(refuse("InvalidIPAddress.InUse", format!("Address {ip} is in use."))),
                _ => Ok(Some(ip)),
            };
        }
        let size = last - cidr.first_number() + 1 - RESERVED;
        let start = u128::from(self.draw()) % size;
        // AWS chooses none of a reservation.
        let reserved: Vec<Cidr> = self.reservations.values().filter(|r| r.subnet == subnet_id).map(|r| r.cidr).collect();
        let free = |ip: &IpAddr| !taken.contains(ip) && !reserved.iter().any(|range| range.contains_ip(*ip));
        let mut free = (0..size).filter_map(|n| cidr.host(4 + (start + n) % size)).filter(free);
        free.next().map(Some).ok_or_else(|| {
            refuse(
                "InsufficientFreeAddressesInSubnet",
                format!("There are not enough free addresses in subnet '{subnet_id}' to satisfy the requested number of instances."),
            )
        })
    }
}

pub(crate) fn show(world: &World, id: &str) -> Option<Json> {
    let subnet = world.subnets.get(id)?;
    // A /64 has more than EC2 counts: it says zero.
    let size = subnet.cidr.map_or(0, |cidr| cidr.last_number() - cidr.first_number() + 1);
    let taken = world.taken(id).iter().filter(|ip| ip.is_ipv4()).count() as u128;
    let ipv6 = subnet.ipv6.iter().map(|b| {
        json!({"AssociationId": b.association, "Ipv6CidrBlock": b.cidr, "Ipv6CidrBlockState": {"State": "associated"},
            "Ipv6AddressAttribute": "public", "IpSource": "amazon"})
    });
    Some(json!({
        "SubnetId": id,
        "SubnetArn": world.arn("subnet", id),
        "VpcId": subnet.vpc,
        "OwnerId": ACCOUNT,
        "State": "available",
        "CidrBlock": subnet.cidr,
        "Ipv6CidrBlockAssociationSet": ipv6.collect::<Vec<_>>(),
        "AvailableIpAddressCount": u64::try_from(size.saturating_sub(RESERVED + taken)).unwrap_or(u64::MAX),
        "AvailabilityZone": subnet.zone,
        "AvailabilityZoneId": world.zone_id(&subnet.zone),
        "DefaultForAz": subnet.default_for_zone,
        "MapPublicIpOnLaunch": subnet.map_public_ip,
        "MapCustomerOwnedIpOnLaunch": false,
        "AssignIpv6AddressOnCreation": subnet.assign_ipv6,
        "EnableDns64": subnet.dns64,
        "Ipv6Native": subnet.cidr.is_none(),
        "PrivateDnsNameOptionsOnLaunch": {
            "HostnameType": subnet.hostname_type,
            "EnableResourceNameDnsARecord": subnet.dns_a_record,
            "EnableResourceNameDnsAAAARecord": subnet.dns_aaaa_record,
        },
        "Tags": world.shown_tags(id),
    }))
}

const LISTING: Listing = Listing {
    member: "Subnets",
    ids: "SubnetIds",
    prefix: "subnet",
    filters: &[
        ("subnet-id", "SubnetId"),
        ("subnet-arn", "SubnetArn"),
        ("vpc-id", "VpcId"),
        ("owner-id", "OwnerId"),
        ("state", "State"),
        ("cidr-block", "CidrBlock"),
        ("cidr", "CidrBlock"),
        ("cidrBlock", "CidrBlock"),
        ("ipv6-cidr-block-association.ipv6-cidr-block", "Ipv6CidrBlockAssociationSet.Ipv6CidrBlock"),
        ("ipv6-cidr-block-association.association-id", "Ipv6CidrBlockAssociationSet.AssociationId"),
        ("ipv6-cidr-block-association.state", "Ipv6CidrBlockAssociationSet.Ipv6CidrBlockState.State"),
        ("available-ip-address-count", "AvailableIpAddressCount"),
        ("availability-zone", "AvailabilityZone"),
        ("availabilityZone", "AvailabilityZone"),
        ("availability-zone-id", "AvailabilityZoneId"),
        ("availabilityZoneId", "AvailabilityZoneId"),
        ("default-for-az", "DefaultForAz"),
        ("defaultForAz", "DefaultForAz"),
        ("map-public-ip-on-launch", "MapPublicIpOnLaunch"),
        ("enable-dns64", "EnableDns64"),
        ("ipv6-native", "Ipv6Native"),
        ("private-dns-name-options-on-launch.hostname-type", "PrivateDnsNameOptionsOnLaunch.HostnameType"),
    ],
    ids_or_pages: false,
};

fn describe_subnets(world: &mut World, p: Params<'_>) -> Outcome {
    describe(world, p, &LISTING, world.subnets.keys(), |id| show(world, id))
}

fn modify(world: &mut World, p: Params<'_>) -> Outcome {
    let subnet = find_mut(&mut world.subnets, "subnet", p.need("SubnetId")?)?;
    let mut names = p.names().filter(|n| !matches!(*n, "SubnetId" | "DryRun"));
    let Some(name) = names.next() else { return Err(missing("MapPublicIpOnLaunch")) };
    if names.next().is_some() {
        return Err(clash("Only one attribute of a subnet can be modified by one request"));
    }
    if name == "PrivateDnsHostnameTypeOnLaunch" {
        if !matches!(p.need(name)?, "ip-name" | "resource-name") || subnet.cidr.is_none() && p.need(name)? == "ip-name" {
            return Err(bad(format!("Value ({}) for parameter privateDnsHostnameTypeOnLaunch is invalid.", p.need(name)?)));
        }
        subnet.hostname_type = p.need(name)?.into();
        return Ok(json!({}));
    }
    let value = p.value(name).and_then(Json::as_bool).ok_or_else(|| missing(&format!("{name}.Value")))?;
    match name {
        "MapPublicIpOnLaunch" => subnet.map_public_ip = value,
        "AssignIpv6AddressOnCreation" if value && subnet.ipv6.is_none() => {
            return Err(bad("Invalid value for AssignIpv6AddressOnCreation: the subnet has no IPv6 CIDR block"));
        }
        "AssignIpv6AddressOnCreation" => subnet.assign_ipv6 = value,
        "EnableDns64" => subnet.dns64 = value,
        "EnableResourceNameDnsARecordOnLaunch" => subnet.dns_a_record = value,
        _ => subnet.dns_aaaa_record = value,
    }
    Ok(json!({}))
}

fn associate_cidr(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("SubnetId")?;
    let subnet = find(&world.subnets, "subnet", id)?;
    if subnet.ipv6.is_some() {
        return Err(refuse("SubnetCidrBlockAlreadyAssociated", format!("The subnet '{id}' has an IPv6 CIDR block already.")));
    }
    let cidr = ipv6_cidr(world, &subnet.vpc, p.need("Ipv6CidrBlock")?)?;
    let block = add_ipv6(world, id, cidr)?;
    Ok(json!({"SubnetId": id, "Ipv6CidrBlockAssociation": {"AssociationId": block.association, "Ipv6CidrBlock": cidr,
        "Ipv6CidrBlockState": {"State": "associating"}}}))
}

fn disassociate_cidr(world: &mut World, p: Params<'_>) -> Outcome {
    let association = p.need("AssociationId")?;
    let of = |s: &Subnet| s.ipv6.as_ref().is_some_and(|b| b.association == association);
    let Some((id, subnet)) = world.subnets.iter_mut().find(|(_, s)| of(s)) else {
        return Err(no_such("subnet-cidr-assoc", association));
    };
    // What has an address of it holds it (API reference, DisassociateSubnetCidrBlock).
    if world.interfaces.values().any(|i| i.subnet == *id && !i.ipv6.is_empty()) {
        return Err(in_use("subnet CIDR block association", association));
    }
    if subnet.cidr.is_none() {
        return Err(refuse("OperationNotPermitted", "The only CIDR block of an IPv6 native subnet may not be disassociated."));
    }
    let cidr = subnet.ipv6.take().map(|b| b.cidr);
    subnet.assign_ipv6 = false;
    Ok(json!({"SubnetId": id, "Ipv6CidrBlockAssociation": {"AssociationId": association, "Ipv6CidrBlock": cidr,
        "Ipv6CidrBlockState": {"State": "disassociating"}}}))
}
