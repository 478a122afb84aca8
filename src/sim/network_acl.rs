//! Network ACLs, their entries and associations. Layer 8.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use crate::{
    base::cidr::{Cidr, Family},
    call::{ApiError, Json},
    sim::{
        Actions,
        page::{Listing, describe},
        params::{Params, cidr_of},
        refuse::{Outcome, bad, clash, in_use, missing, no_such, refuse},
        tag::at_creation,
        world::{ACCOUNT, World, find, find_mut},
    },
};

pub(crate) const ACTIONS: Actions = &[
    ("CreateNetworkAcl", create, "VpcId TagSpecifications"),
    ("DeleteNetworkAcl", delete, "NetworkAclId"),
    ("DescribeNetworkAcls", describe_acls, "NetworkAclIds Filters"),
    (
        "CreateNetworkAclEntry",
        create_entry,
        "NetworkAclId RuleNumber Egress Protocol RuleAction CidrBlock Ipv6CidrBlock IcmpTypeCode PortRange",
    ),
    (
        "ReplaceNetworkAclEntry",
        replace_entry,
        "NetworkAclId RuleNumber Egress Protocol RuleAction CidrBlock Ipv6CidrBlock IcmpTypeCode PortRange",
    ),
    ("DeleteNetworkAclEntry", delete_entry, "NetworkAclId RuleNumber Egress"),
    ("ReplaceNetworkAclAssociation", replace_association, "AssociationId NetworkAclId"),
];

/// The highest number that a request may give an entry; those that deny the rest come after it.
const NUMBER_MAX: i64 = 32_766;

/// A network ACL.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct NetworkAcl {
    pub(crate) vpc: String,
    pub(crate) is_default: bool,
    entries: Vec<Entry>,
    /// Ids of associations, and their subnets.
    pub(crate) associations: BTreeMap<String, String>,
}

/// An entry.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    egress: bool,
    number: i64,
    /// `6`; `-1` is all.
    protocol: String,
    allows: bool,
    cidr: Cidr,
    ports: Option<(i64, i64)>,
    icmp: Option<(i64, i64)>,
}

impl NetworkAcl {
    fn new(vpc: &str, is_default: bool, ipv6: bool) -> Self {
        let mut acl = Self { vpc: vpc.into(), is_default, entries: vec![], associations: BTreeMap::new() };
        acl.add_fixed(Cidr::ANYWHERE_V4, 0);
        if ipv6 {
            acl.add_fixed(Cidr::ANYWHERE_V6, 1);
        }
        acl
    }

    /// What denies the rest, and in a default ACL what lets everything pass before it.
    fn add_fixed(&mut self, cidr: Cidr, after: i64) {
        let entry = |egress, number, allows| Entry { egress, number, protocol: "-1".into(), allows, cidr, ports: None, icmp: None };
        for egress in [true, false] {
            if self.is_default && !self.entries.iter().any(|e| e.egress == egress && e.number == 100 + after) {
                self.entries.push(entry(egress, 100 + after, true));
            }
            self.entries.push(entry(egress, NUMBER_MAX + 1 + after, false));
        }
        self.sort();
    }

    fn sort(&mut self) {
        self.entries.sort_by_key(|e| (!e.egress, e.number));
    }
}

pub(crate) fn add_default(world: &mut World, vpc: &str) {
    let id = world.id("acl");
    world.network_acls.insert(id, NetworkAcl::new(vpc, true, false));
}

/// A VPC that gets an IPv6 network gets entries for it in all its ACLs.
pub(crate) fn add_ipv6_entries(world: &mut World, vpc: &str) {
    for acl in world.network_acls.values_mut().filter(|a| a.vpc == vpc) {
        if !acl.entries.iter().any(|e| e.number == NUMBER_MAX + 2) {
            acl.add_fixed(Cidr::ANYWHERE_V6, 1);
        }
    }
}

/// A new subnet is associated with its VPC's default ACL.
pub(crate) fn associate_default(world: &mut World, vpc: &str, subnet: &str) {
    let id = world.id("aclassoc");
    if let Some(acl) = world.network_acls.values_mut().find(|a| a.vpc == vpc && a.is_default) {
        acl.associations.insert(id, subnet.into());
    }
}

fn create(world: &mut World, p: Params<'_>) -> Outcome {
    let vpc = p.need("VpcId")?;
    let ipv6 = find(&world.vpcs, "vpc", vpc)?.has_ipv6();
    let tags = at_creation(p, "network-acl", &["network-acl"])?;
    if world.network_acls.values().filter(|a| a.vpc == vpc).count() >= world.quotas.network_acls_per_vpc {
        return Err(refuse("NetworkAclLimitExceeded", "The maximum number of network ACLs has been reached."));
    }
    let id = world.id("acl");
    world.network_acls.insert(id.clone(), NetworkAcl::new(vpc, false, ipv6));
    world.tag(&id, tags);
    let mut answer = json!({"NetworkAcl": show(world, &id)});
    if let (Some(token), Some(map)) = (p.get("ClientToken"), answer.as_object_mut()) {
        map.insert("ClientToken".into(), token.clone());
    }
    Ok(answer)
}

fn delete(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("NetworkAclId")?;
    let acl = find(&world.network_acls, "acl", id)?;
    if acl.is_default {
        return Err(bad(format!("cannot delete default network ACL {id}")));
    }
    if !acl.associations.is_empty() {
        return Err(in_use("networkAcl", id));
    }
    world.network_acls.remove(id);
    world.tags.remove(id);
    Ok(json!({}))
}

fn entry(p: Params<'_>) -> Result<Entry, ApiError> {
    let number = number(p)?;
    let cidr = match (p.text("CidrBlock"), p.text("Ipv6CidrBlock")) {
        (Some(text), None) => cidr_of(Family::V4, "cidrBlock", text)?,
        (None, Some(text)) => cidr_of(Family::V6, "ipv6CidrBlock", text)?,
        (None, None) => return Err(missing("cidrBlock")),
        (Some(_), Some(_)) => return Err(clash("Only one of cidrBlock and ipv6CidrBlock may be specified")),
    };
    let protocol = protocol(p.need("Protocol")?)?;
    let ports = matches!(&*protocol, "6" | "17").then(|| ports(p)).transpose()?;
    let icmp = (protocol == "1" || protocol == "58").then(|| icmp(p)).transpose()?;
    let allows = p.need("RuleAction")? == "allow";
    Ok(Entry { egress: egress(p)?, number, protocol, allows, cidr, ports, icmp })
}

fn number(p: Params<'_>) -> Result<i64, ApiError> {
    let number = p.int("RuleNumber").ok_or_else(|| missing("ruleNumber"))?;
    match (1..=NUMBER_MAX).contains(&number) {
        true => Ok(number),
        false => Err(bad(format!("Invalid value '{number}' for ruleNumber. Must be between 1 and {NUMBER_MAX}"))),
    }
}

fn egress(p: Params<'_>) -> Result<bool, ApiError> {
    p.flag("Egress").ok_or_else(|| missing("egress"))
}

/// Shown as its number, however it was asked for.
fn protocol(text: &str) -> Result<String, ApiError> {
    let number = match text.to_ascii_lowercase().as_str() {
        "tcp" => 6,
        "udp" => 17,
        "icmp" => 1,
        "icmpv6" => 58,
        "all" => -1,
        other => other
            .parse()
            .ok()
            .filter(|n| (-1..=255).contains(n))
            .ok_or_else(|| bad(format!("Invalid value '{text}' for IP protocol. Unknown protocol.")))?,
    };
    Ok(number.to_string())
}

fn ports(p: Params<'_>) -> Result<(i64, i64), ApiError> {
    let range = p.sub("PortRange").ok_or_else(|| missing("portRange"))?;
    let part = |name: &str| range.int(name).ok_or_else(|| missing(&format!("portRange.{}", name.to_lowercase())));
    let (from, to) = (part("From")?, part("To")?);
    match 0 <= from && from <= to && to <= 65_535 {
        true => Ok((from, to)),
        false => Err(bad(format!("Invalid value '{from}-{to}' for portRange."))),
    }
}

fn icmp(p: Params<'_>) -> Result<(i64, i64), ApiError> {
    let given = p.sub("IcmpTypeCode").ok_or_else(|| missing("icmpTypeCode"))?;
    let part = |name: &str| given.int(name).ok_or_else(|| missing(&format!("icmpTypeCode.{}", name.to_lowercase())));
    let (of, code) = (part("Type")?, part("Code")?);
    match (-1..=255).contains(&of) && (-1..=255).contains(&code) {
        true => Ok((of, code)),
        false => Err(bad(format!("Invalid value '{of}/{code}' for icmpTypeCode."))),
    }
}

fn create_entry(world: &mut World, p: Params<'_>) -> Outcome {
    let entry = entry(p)?;
    let max = world.quotas.entries_per_network_acl_and_direction;
    let acl = find_mut(&mut world.network_acls, "acl", p.need("NetworkAclId")?)?;
    if acl.entries.iter().any(|e| (e.egress, e.number) == (entry.egress, entry.number)) {
        let message = format!("The network acl entry identified by {} already exists.", entry.number);
        return Err(refuse("NetworkAclEntryAlreadyExists", message));
    }
    let own = |e: &&Entry| e.egress == entry.egress && e.number <= NUMBER_MAX;
    if acl.entries.iter().filter(own).count() >= max {
        return Err(refuse("NetworkAclEntryLimitExceeded", "The maximum number of network ACL entries has been reached."));
    }
    acl.entries.push(entry);
    acl.sort();
    Ok(json!({}))
}

fn replace_entry(world: &mut World, p: Params<'_>) -> Outcome {
    let entry = entry(p)?;
    let acl = find_mut(&mut world.network_acls, "acl", p.need("NetworkAclId")?)?;
    let place = acl.entries.iter_mut().find(|e| (e.egress, e.number) == (entry.egress, entry.number));
    let (egress, number) = (entry.egress, entry.number);
    *place.ok_or_else(|| no_entry(egress, number))? = entry;
    Ok(json!({}))
}

fn delete_entry(world: &mut World, p: Params<'_>) -> Outcome {
    let (egress, number) = (egress(p)?, number(p)?);
    let acl = find_mut(&mut world.network_acls, "acl", p.need("NetworkAclId")?)?;
    let at = acl.entries.iter().position(|e| (e.egress, e.number) == (egress, number)).ok_or_else(|| no_entry(egress, number))?;
    acl.entries.remove(at);
    Ok(json!({}))
}

fn no_entry(egress: bool, number: i64) -> ApiError {
    let direction = if egress { "egress" } else { "ingress" };
    refuse("InvalidNetworkAclEntry.NotFound", format!("The {direction} network acl entry '{number}' does not exist"))
}

fn replace_association(world: &mut World, p: Params<'_>) -> Outcome {
    let (association, to) = (p.need("AssociationId")?, p.need("NetworkAclId")?);
    let vpc = find(&world.network_acls, "acl", to)?.vpc.clone();
    let from = world.network_acls.values_mut().find(|a| a.associations.contains_key(association));
    let Some(from) = from else { return Err(no_such("aclassoc", association)) };
    if from.vpc != vpc {
        return Err(bad(format!("network ACL {to} and association {association} belong to different networks")));
    }
    let subnet = from.associations.remove(association).unwrap_or_default();
    let new = world.id("aclassoc");
    find_mut(&mut world.network_acls, "acl", to)?.associations.insert(new.clone(), subnet);
    Ok(json!({"NewAssociationId": new}))
}

fn show_entry(entry: &Entry) -> Json {
    let mut shown = Map::new();
    let cidr = if entry.cidr.family() == Family::V4 { "CidrBlock" } else { "Ipv6CidrBlock" };
    shown.insert(cidr.into(), json!(entry.cidr));
    shown.insert("Egress".into(), entry.egress.into());
    shown.insert("RuleNumber".into(), entry.number.into());
    shown.insert("Protocol".into(), entry.protocol.clone().into());
    shown.insert("RuleAction".into(), if entry.allows { "allow" } else { "deny" }.into());
    if let Some((from, to)) = entry.ports {
        shown.insert("PortRange".into(), json!({"From": from, "To": to}));
    }
    if let Some((of, code)) = entry.icmp {
        shown.insert("IcmpTypeCode".into(), json!({"Type": of, "Code": code}));
    }
    shown.into()
}

fn show(world: &World, id: &str) -> Option<Json> {
    let acl = world.network_acls.get(id)?;
    let associations = acl
        .associations
        .iter()
        .map(|(association, subnet)| json!({"NetworkAclAssociationId": association, "NetworkAclId": id, "SubnetId": subnet}));
    Some(json!({
        "NetworkAclId": id,
        "VpcId": acl.vpc,
        "OwnerId": ACCOUNT,
        "IsDefault": acl.is_default,
        "Associations": associations.collect::<Vec<_>>(),
        "Entries": acl.entries.iter().map(show_entry).collect::<Vec<_>>(),
        "Tags": world.shown_tags(id),
    }))
}

const LISTING: Listing = Listing {
    member: "NetworkAcls",
    ids: "NetworkAclIds",
    prefix: "acl",
    filters: &[
        ("network-acl-id", "NetworkAclId"),
        ("vpc-id", "VpcId"),
        ("owner-id", "OwnerId"),
        ("default", "IsDefault"),
        ("association.association-id", "Associations.NetworkAclAssociationId"),
        ("association.network-acl-id", "Associations.NetworkAclId"),
        ("association.subnet-id", "Associations.SubnetId"),
        ("entry.cidr", "Entries.CidrBlock"),
        ("entry.ipv6-cidr", "Entries.Ipv6CidrBlock"),
        ("entry.egress", "Entries.Egress"),
        ("entry.icmp.code", "Entries.IcmpTypeCode.Code"),
        ("entry.icmp.type", "Entries.IcmpTypeCode.Type"),
        ("entry.port-range.from", "Entries.PortRange.From"),
        ("entry.port-range.to", "Entries.PortRange.To"),
        ("entry.protocol", "Entries.Protocol"),
        ("entry.rule-action", "Entries.RuleAction"),
        ("entry.rule-number", "Entries.RuleNumber"),
    ],
    ids_or_pages: false,
};

fn describe_acls(world: &mut World, p: Params<'_>) -> Outcome {
    describe(world, p, &LISTING, world.network_acls.keys(), |id| show(world, id))
}
