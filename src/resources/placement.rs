//! Where things lie: which VPC, which subnet, which addresses. Checks that several types share. Layer 3.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use crate::{
    base::{
        address::Address,
        cidr::{Cidr, Family},
        codes::{network, space},
        diagnostic::Sink,
        span::Span,
    },
    resources::part::protocol_name,
    schema::{
        attr::Words,
        model::{Model, Resource},
        same,
        value::{Record, Value},
    },
};

/// The attribute that says what becomes of the rules, routes and entries that others have added.
pub const FOREIGN_RULES: &str = "foreign_rules";

/// What becomes of what others have added.
#[derive(Debug, Clone, PartialEq)]
pub struct ForeignRules;

impl Words for ForeignRules {
    const ALL: &'static [&'static str] = &["revoke", "keep"];
}

/// The resources of a kind that the project manages, those among them that stand for one.
pub fn managed<'a>(model: &'a Model, kind: &str) -> impl Iterator<Item = &'a Resource> + use<'a> {
    model.resources.of_kinds(&|of| crate::resources::taken_for(of) == kind).filter(|r| !r.existing)
}

/// What the project has adopted of what AWS gives a VPC, in the place of this kind.
pub fn adopted<'a>(model: &'a Model, kind: &'a str, vpc: &Address) -> Option<&'a Resource> {
    managed(model, kind).find(|r| r.address.kind() != kind && r.reference("vpc") == Some(vpc))
}

/// The VPCs of which the project has adopted what AWS gives them in the place of this kind.
pub fn all_adopted<'a>(model: &'a Model, kind: &'a str) -> BTreeSet<&'a Address> {
    managed(model, kind).filter(|r| r.address.kind() != kind).filter_map(|r| r.reference("vpc")).collect()
}

/// The IPv4 networks of a VPC, the first one first, as far as they are written.
pub fn networks(vpc: &Resource) -> Vec<Cidr> {
    let written = ["cidr_block", "secondary_cidr_blocks"].iter().filter_map(|name| vpc.record.get(*name));
    written.flat_map(Value::elements).filter_map(|v| if let Value::Cidr(cidr) = v { Some(*cidr) } else { None }).collect()
}

/// Whether a VPC of the project has IPv6.
pub fn has_ipv6(vpc: &Resource) -> bool {
    vpc.record.get("amazon_provided_ipv6_cidr_block") == Some(&Value::Bool(true))
}

/// Whether a VPC has IPv6 or is about to lose it, as far as is known of it.
pub fn may_have_ipv6(vpc: &Record) -> bool {
    vpc.get("amazon_provided_ipv6_cidr_block") == Some(&Value::Bool(true)) || matches!(vpc.get("ipv6_cidr_block"), Some(Value::Cidr(_)))
}

/// What `anywhere` means in the rules, entries and routes of something: `::/0` too where its VPC has IPv6.
pub fn anywhere(this: &Resource, model: &Model) -> Vec<Cidr> {
    let ipv6 = vpc_around(model, this).and_then(|vpc| model.resources.get(vpc)).is_some_and(has_ipv6);
    if ipv6 { vec![Cidr::ANYWHERE_V4, Cidr::ANYWHERE_V6] } else { vec![Cidr::ANYWHERE_V4] }
}

/// Peers or destinations with `anywhere` written out.
pub fn written_out(values: &[Value], anywhere: &[Cidr]) -> Vec<Value> {
    values.iter().flat_map(|value| families_of(value, anywhere)).collect()
}

fn families_of(value: &Value, anywhere: &[Cidr]) -> Vec<Value> {
    match value {
        Value::Anywhere => anywhere.iter().copied().map(Value::Cidr).collect(),
        other => vec![other.clone()],
    }
}

/// What a rule or entry names for a protocol: `anywhere` has no addresses of a family that the protocol does not belong to.
pub fn peers_for(value: &Value, protocol: &str, anywhere: &[Cidr]) -> Vec<Value> {
    let foreign = match protocol_name(protocol) {
        "icmp" => Some(Family::V6),
        "icmpv6" => Some(Family::V4),
        _ => None,
    };
    let of_family: Vec<Cidr> = anywhere.iter().copied().filter(|c| Some(c.family()) != foreign).collect();
    families_of(value, if of_family.is_empty() { anywhere } else { &of_family })
}

/// The VPC that something lies in has IPv6, if the project manages it.
pub fn wants_ipv6(this: &Resource, model: &Model, at: Option<Span>, sink: &mut Sink) {
    let vpc = vpc_of(model, &this.address).and_then(|vpc| model.resources.get(vpc)).filter(|vpc| !vpc.existing && !has_ipv6(vpc));
    if let Some(vpc) = vpc {
        sink.push(space::without_ipv6(&this.address, &vpc.address, at, vpc.span));
    }
}

/// The VPC that a resource lies in, as far as the sources say: its own, or that of its subnet or interface.
pub fn vpc_of<'a>(model: &'a Model, address: &Address) -> Option<&'a Address> {
    vpc_around(model, model.resources.get(address)?)
}

/// The same of a resource of the model that is at hand.
fn vpc_around<'a>(model: &'a Model, resource: &'a Resource) -> Option<&'a Address> {
    if let Some(vpc) = resource.reference("vpc") {
        return Some(vpc);
    }
    let inside = resource.reference("subnet").or_else(|| resource.reference("network_interface"))?;
    // Interfaces and instances lie in subnets, subnets in VPCs: nothing lies in something of its own kind.
    if inside.kind() == resource.address.kind() { None } else { vpc_of(model, inside) }
}

/// The subnets that a route table or network ACL names.
pub fn subnets(holder: &Resource) -> impl Iterator<Item = &Address> {
    references(holder, "subnets")
}

/// The resources that an attribute of a list names.
pub fn references<'a>(holder: &'a Resource, attribute: &str) -> impl Iterator<Item = &'a Address> {
    holder.record.get(attribute).map_or(&[][..], Value::elements).iter().filter_map(Value::as_resource)
}

/// No subnet is named by two resources of this kind, route tables or network ACLs: EC2 lets one hold for a subnet.
pub fn one_holder_a_subnet(model: &Model, kind: &str, sink: &mut Sink) {
    one_holder(model, kind, "subnets", sink);
}

/// Nothing is named by this attribute of two resources of this kind: EC2 lets one hold for it.
pub fn one_holder(model: &Model, kind: &str, attribute: &str, sink: &mut Sink) {
    one_holder_for_each(model, kind, attribute, |_| None, sink);
}

/// The same where EC2 lets one hold for each side of what is named: `side` says for which.
pub fn one_holder_for_each(model: &Model, kind: &str, attribute: &str, side: fn(&Resource) -> Option<&Address>, sink: &mut Sink) {
    let mut holders: BTreeMap<(&Address, Option<&Address>), &Resource> = BTreeMap::new();
    for holder in managed(model, kind) {
        for subnet in references(holder, attribute) {
            match holders.get(&(subnet, side(holder))) {
                Some(first) if first.address != holder.address => sink.push(network::subnet_held_twice(
                    subnet,
                    (&holder.address, holder.span_of(attribute)),
                    (&first.address, first.span_of(attribute)),
                )),
                Some(_) => {}
                None => drop(holders.insert((subnet, side(holder)), holder)),
            }
        }
    }
}

/// The subnets that a route table or network ACL names lie in its VPC.
pub fn subnets_of_same_vpc(model: &Model, kind: &str, sink: &mut Sink) {
    for holder in managed(model, kind) {
        named_of_same_vpc(holder, "subnets", model, sink);
    }
}

/// What an attribute names lies in the VPC of the resource.
pub fn named_of_same_vpc(holder: &Resource, attribute: &str, model: &Model, sink: &mut Sink) {
    let mut named = references(holder, attribute).peekable();
    let Some(vpc) = named.peek().and_then(|_| vpc_around(model, holder)) else { return };
    named.for_each(|named| same_vpc((holder, vpc), named, model, holder.span_of(attribute), sink));
}

/// The groups that an interface or instance carries are of its VPC.
pub fn groups_of_same_vpc(holder: &Resource, model: &Model, sink: &mut Sink) {
    named_of_same_vpc(holder, "security_groups", model, sink);
}

/// The target of a route lies in the table's VPC; a gateway that is attached to none leads nowhere.
pub fn target_of_same_vpc(table: &Resource, target: &Address, model: &Model, at: Span, sink: &mut Sink) {
    let attached = |t: &&Resource| matches!(t.address.kind(), "internet_gateway" | "vpn_gateway") && !t.existing;
    let gateway = model.resources.get(target).filter(attached);
    match gateway {
        Some(gateway) if gateway.record.get("vpc").is_none_or(|vpc| *vpc == Value::Null) => {
            sink.push(network::gateway_without_vpc(target, at, gateway.span, table.reference("vpc")));
        }
        // A peering is there for both of its VPCs.
        _ if table.reference("vpc").is_some_and(|vpc| mirror_of(model, target) == Some(vpc)) => {}
        _ => {
            if let Some(vpc) = vpc_around(model, table) {
                same_vpc((table, vpc), target, model, Some(at), sink);
            }
        }
    }
}

/// The gateways that put their routes into a table are attached to its VPC.
pub fn propagating_of_same_vpc(model: &Model, kind: &str, sink: &mut Sink) {
    let attribute = "propagating_vpn_gateways";
    for table in managed(model, kind) {
        if let Some(at) = table.span_of(attribute).or(table.span) {
            references(table, attribute).for_each(|gateway| target_of_same_vpc(table, gateway, model, at, sink));
        }
    }
}

/// The VPC that the other half of something belongs to.
pub fn mirror_of<'a>(model: &'a Model, address: &Address) -> Option<&'a Address> {
    let resource = model.resources.get(address)?;
    resource.reference(crate::resources::spec(address.kind())?.mirrored?)
}

/// The peering of the project that joins two VPCs.
pub fn peering_of<'a>(model: &'a Model, a: &Address, b: &Address) -> Option<&'a Resource> {
    let mirrored = |kind: &str| crate::resources::spec(kind).and_then(|spec| spec.mirrored);
    let joins = |r: &&Resource| {
        let sides = [r.reference("vpc"), mirrored(r.address.kind()).and_then(|name| r.reference(name))];
        sides == [Some(a), Some(b)] || sides == [Some(b), Some(a)]
    };
    model.resources.of_kinds(&|kind| mirrored(kind).is_some()).filter(|r| !r.existing).find(joins)
}

fn same_vpc((ours, our_vpc): (&Resource, &Address), other: &Address, model: &Model, at: Option<Span>, sink: &mut Sink) {
    let Some(its_vpc) = vpc_of(model, other).filter(|its_vpc| *its_vpc != our_vpc) else { return };
    let same = same::alike(model);
    if same.get(our_vpc).unwrap_or(our_vpc) != same.get(its_vpc).unwrap_or(its_vpc) {
        sink.push(network::of_another_vpc((other, its_vpc), (&ours.address, our_vpc), at));
    }
}

/// The address that is written lies in the subnet that is written, and is not one of those that AWS keeps:
/// the first four and the last (VPC user guide, "Subnet CIDR blocks").
pub fn address_in_subnet(holder: &Resource, model: &Model, sink: &mut Sink) {
    let subnet = holder.reference("subnet").and_then(|s| model.resources.get(s)).filter(|s| !s.existing);
    let Some(subnet) = subnet else { return };
    let Some(Value::Cidr(range)) = subnet.record.get("cidr_block") else { return };
    for (name, ip) in own_addresses(holder) {
        let at = holder.span_of(name);
        let range_at = (&subnet.address, *range, subnet.span_of("cidr_block"));
        if !range.contains_ip(ip) {
            sink.push(network::address_outside_subnet(ip, at, range_at));
        } else if is_reserved(*range, ip) {
            sink.push(network::address_reserved(ip, at, range_at));
        }
    }
}

/// The IPv4 addresses that are written for something, and the attribute that each is written in.
fn own_addresses(holder: &Resource) -> impl Iterator<Item = (&'static str, IpAddr)> {
    let written = |name: &'static str| holder.record.get(name).into_iter().map(move |value| (name, value));
    let first = written("private_ip_address");
    let further = written("secondary_private_ip_addresses").flat_map(|(name, value)| value.elements().iter().map(move |v| (name, v)));
    first.chain(further).filter_map(|(name, value)| if let Value::Ip(ip) = value { Some((name, *ip)) } else { None })
}

fn is_reserved(range: Cidr, ip: IpAddr) -> bool {
    let n = Cidr::host_of(ip).first_number();
    n < range.first_number() + 4 || n == range.last_number()
}

/// With an empty list of groups EC2 takes the VPC's default group.
pub fn some_group(holder: &Resource, sink: &mut Sink) {
    if holder.record.get("security_groups").is_some_and(|groups| *groups != Value::Null && groups.elements().is_empty()) {
        sink.push(network::no_group(&holder.address, holder.span_of("security_groups")));
    }
}

/// EC2 takes IPv4 ranges from /16 to /28 for VPCs and subnets.
pub fn range_size(model: &Model, kind: &str, sink: &mut Sink) {
    for owner in managed(model, kind) {
        if let Some(Value::Cidr(range)) = owner.record.get("cidr_block")
            && (range.family() == Family::V6 || !(16..=28).contains(&range.prefix()))
        {
            sink.push(network::range_size(&owner.address, *range, owner.span_of("cidr_block")));
        }
    }
}

/// No two things have the same private address in the same subnet.
pub fn addresses_once(model: &Model, sink: &mut Sink) {
    let mut holders: BTreeMap<(&Address, IpAddr), (&Resource, Option<Span>)> = BTreeMap::new();
    for holder in model.resources.values().filter(|r| !r.existing) {
        let Some(subnet) = holder.reference("subnet") else { continue };
        for (name, ip) in own_addresses(holder) {
            match holders.get(&(subnet, ip)) {
                Some((first, at)) => sink.push(network::address_taken(ip, (&holder.address, holder.span_of(name)), (&first.address, *at))),
                None => drop(holders.insert((subnet, ip), (holder, holder.span_of(name)))),
            }
        }
    }
}
