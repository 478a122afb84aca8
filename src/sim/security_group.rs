//! Security groups: made, described, deleted. Layer 8.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use crate::{
    base::cidr::Cidr,
    call::{ApiError, Json},
    sim::{
        Actions,
        page::{Listing, describe, page},
        params::Params,
        refuse::{Outcome, bad, missing, refuse},
        security_group_rule::{Rule, Source},
        tag::at_creation,
        world::{ACCOUNT, World, find},
    },
};

pub(crate) const ACTIONS: Actions = &[
    ("CreateSecurityGroup", create, "GroupName Description VpcId TagSpecifications"),
    ("DeleteSecurityGroup", delete, "GroupId"),
    ("DescribeSecurityGroups", describe_groups, "GroupIds GroupNames Filters"),
    ("DescribeSecurityGroupReferences", describe_references, "GroupId"),
    ("GetSecurityGroupsForVpc", groups_for_vpc, "VpcId Filters"),
];

const TEXT_MAX: usize = 255;

/// A security group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) vpc: String,
    pub(crate) name: String,
    description: String,
    pub(crate) rules: BTreeMap<String, Rule>,
}

impl Group {
    pub(crate) fn refers_to(&self, group: &str) -> bool {
        self.rules.values().any(|r| matches!(&r.source, Source::Group(g) if g == group))
    }
}

/// The group of a VPC that nobody makes: it lets its members talk to each other.
pub(crate) fn add_default(world: &mut World, vpc: &str) {
    let id = add(world, vpc, "default", "default VPC security group");
    let rule = world.id("sgr");
    if let Some(group) = world.groups.get_mut(&id) {
        group.rules.insert(rule, Rule::all(false, Source::Group(id)));
    }
}

/// A group as EC2 makes it: everything may leave.
fn add(world: &mut World, vpc: &str, name: &str, description: &str) -> String {
    let (id, rule) = (world.id("sg"), world.id("sgr"));
    let mut rules = BTreeMap::from([(rule, Rule::all(true, Source::Network(Cidr::ANYWHERE_V4)))]);
    if world.vpcs.get(vpc).is_some_and(|v| v.has_ipv6()) {
        rules.insert(world.id("sgr"), Rule::all(true, Source::Network(Cidr::ANYWHERE_V6)));
    }
    world.groups.insert(id.clone(), Group { vpc: vpc.into(), name: name.into(), description: description.into(), rules });
    id
}

/// Letters, digits, spaces and `._-:/()#,@[]+=&;{}!$*` (API reference, CreateSecurityGroup).
pub(crate) fn check_text(parameter: &str, text: &str) -> Result<(), ApiError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(c);
    if text.chars().all(allowed) && text.chars().count() <= TEXT_MAX {
        return Ok(());
    }
    Err(bad(format!(
        "Value ({text}) for parameter {parameter} is invalid. Character sets beyond ASCII are not supported, and at most {TEXT_MAX} characters."
    )))
}

fn create(world: &mut World, p: Params<'_>) -> Outcome {
    let (name, description) = (p.need("GroupName")?, p.need("Description")?);
    let vpc = match p.text("VpcId") {
        Some(vpc) => vpc.to_owned(),
        None => world.default_vpc().cloned().ok_or_else(|| refuse("VPCIdNotSpecified", "No default VPC for this user"))?,
    };
    find(&world.vpcs, "vpc", &vpc)?;
    check_text("GroupName", name)?;
    check_text("GroupDescription", description)?;
    if name.starts_with("sg-") {
        return Err(bad(format!("Value ({name}) for parameter groupName is invalid. Group names may not be in the format sg-*.")));
    }
    if name == "default" {
        return Err(refuse("InvalidGroup.Reserved", "The name 'default' is reserved for the default security group."));
    }
    let tags = at_creation(p, "security-group", &["security-group"])?;
    if world.groups.values().any(|g| g.vpc == vpc && g.name == name) {
        return Err(refuse("InvalidGroup.Duplicate", format!("The security group '{name}' already exists for VPC '{vpc}'")));
    }
    if world.groups.len() >= world.quotas.security_groups {
        return Err(refuse("SecurityGroupLimitExceeded", "The maximum number of security groups has been reached."));
    }
    let id = add(world, &vpc, name, description);
    world.tag(&id, tags);
    Ok(json!({"GroupId": id, "SecurityGroupArn": world.arn("security-group", &id), "Tags": world.shown_tags(&id)}))
}

fn delete(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("GroupId")?;
    let group = find(&world.groups, "sg", id)?;
    if group.name == "default" {
        let message = format!("the specified group: \"{id}\" name: \"default\" cannot be deleted by a user");
        return Err(refuse("CannotDelete", message));
    }
    let used = world.interfaces.values().any(|i| i.groups.iter().any(|g| g == id));
    let referred = world.groups.iter().any(|(other, g)| other != id && g.refers_to(id));
    if used || referred {
        return Err(refuse("DependencyViolation", format!("resource {id} has a dependent object")));
    }
    if let Some(group) = world.groups.remove(id) {
        group.rules.keys().for_each(|rule| drop(world.tags.remove(rule)));
    }
    world.tags.remove(id);
    Ok(json!({"Return": true, "GroupId": id}))
}

/// The rules of one direction, those of one protocol and port range together.
fn permissions(world: &World, of: &str, egress: bool) -> Vec<Json> {
    let Some(group) = world.groups.get(of) else { return vec![] };
    let mut by_ports: BTreeMap<(&str, i64, i64), Vec<&Rule>> = BTreeMap::new();
    for rule in group.rules.values().filter(|r| r.egress == egress) {
        by_ports.entry((&rule.protocol, rule.from, rule.to)).or_default().push(rule);
    }
    by_ports
        .into_iter()
        .map(|((protocol, from, to), rules)| {
            let (mut v4, mut v6, mut groups, mut lists) = (vec![], vec![], vec![], vec![]);
            for rule in rules {
                let mut shown = Map::new();
                if let Some(text) = &rule.description {
                    shown.insert("Description".into(), json!(text));
                }
                match &rule.source {
                    Source::Network(cidr) if cidr.network().is_ipv4() => {
                        shown.insert("CidrIp".into(), json!(cidr));
                        v4.push(shown);
                    }
                    Source::Network(cidr) => {
                        shown.insert("CidrIpv6".into(), json!(cidr));
                        v6.push(shown);
                    }
                    Source::Group(id) => {
                        if let Json::Object(named) = world.shown_group(of, id) {
                            shown.extend(named);
                        }
                        groups.push(shown);
                    }
                    Source::PrefixList(id) => {
                        shown.insert("PrefixListId".into(), json!(id));
                        lists.push(shown);
                    }
                }
            }
            let mut shown =
                json!({"IpProtocol": protocol, "IpRanges": v4, "Ipv6Ranges": v6, "UserIdGroupPairs": groups, "PrefixListIds": lists});
            if let (true, Some(map)) = (matches!(protocol, "tcp" | "udp" | "icmp" | "icmpv6"), shown.as_object_mut()) {
                map.insert("FromPort".into(), from.into());
                map.insert("ToPort".into(), to.into());
            }
            shown
        })
        .collect()
}

pub(crate) fn show(world: &World, id: &str) -> Option<Json> {
    let group = world.groups.get(id)?;
    Some(json!({
        "GroupId": id,
        "GroupName": group.name,
        "Description": group.description,
        "VpcId": group.vpc,
        "OwnerId": ACCOUNT,
        "SecurityGroupArn": world.arn("security-group", id),
        "IpPermissions": permissions(world, id, false),
        "IpPermissionsEgress": permissions(world, id, true),
        "Tags": world.shown_tags(id),
    }))
}

const LISTING: Listing = Listing {
    member: "SecurityGroups",
    ids: "GroupIds",
    prefix: "sg",
    filters: &[
        ("group-id", "GroupId"),
        ("group-name", "GroupName"),
        ("description", "Description"),
        ("vpc-id", "VpcId"),
        ("owner-id", "OwnerId"),
        ("ip-permission.cidr", "IpPermissions.IpRanges.CidrIp"),
        ("ip-permission.from-port", "IpPermissions.FromPort"),
        ("ip-permission.group-id", "IpPermissions.UserIdGroupPairs.GroupId"),
        ("ip-permission.ipv6-cidr", "IpPermissions.Ipv6Ranges.CidrIpv6"),
        ("ip-permission.prefix-list-id", "IpPermissions.PrefixListIds.PrefixListId"),
        ("ip-permission.protocol", "IpPermissions.IpProtocol"),
        ("ip-permission.to-port", "IpPermissions.ToPort"),
        ("ip-permission.user-id", "IpPermissions.UserIdGroupPairs.UserId"),
        ("egress.ip-permission.cidr", "IpPermissionsEgress.IpRanges.CidrIp"),
        ("egress.ip-permission.from-port", "IpPermissionsEgress.FromPort"),
        ("egress.ip-permission.group-id", "IpPermissionsEgress.UserIdGroupPairs.GroupId"),
        ("egress.ip-permission.ipv6-cidr", "IpPermissionsEgress.Ipv6Ranges.CidrIpv6"),
        ("egress.ip-permission.prefix-list-id", "IpPermissionsEgress.PrefixListIds.PrefixListId"),
        ("egress.ip-permission.protocol", "IpPermissionsEgress.IpProtocol"),
        ("egress.ip-permission.to-port", "IpPermissionsEgress.ToPort"),
        ("egress.ip-permission.user-id", "IpPermissionsEgress.UserIdGroupPairs.UserId"),
    ],
    ids_or_pages: false,
};

fn describe_groups(world: &mut World, p: Params<'_>) -> Outcome {
    let names = p.texts("GroupNames");
    if names.is_empty() {
        return describe(world, p, &LISTING, world.groups.keys(), |id| show(world, id));
    }
    // Names find groups of the default VPC only.
    let vpc = world.default_vpc().cloned().unwrap_or_default();
    let mut found = vec![];
    for name in names {
        let group = world.groups.iter().find(|(_, g)| g.vpc == vpc && g.name == name);
        let (id, _) = group
            .ok_or_else(|| refuse("InvalidGroup.NotFound", format!("The security group '{name}' does not exist in default VPC '{vpc}'")))?;
        found.push((id.clone(), show(world, id).ok_or_else(|| missing("GroupId"))?));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    page(p, "SecurityGroups", found)
}

fn describe_references(world: &mut World, p: Params<'_>) -> Outcome {
    for id in p.texts("GroupId") {
        find(&world.groups, "sg", id)?;
    }
    // References from a peered VPC, and the sandbox peers none.
    Ok(json!({"SecurityGroupReferenceSet": []}))
}

const FOR_VPC: Listing = Listing {
    member: "SecurityGroupForVpcs",
    ids: "",
    prefix: "sg",
    filters: &[
        ("group-id", "GroupId"),
        ("group-name", "GroupName"),
        ("description", "Description"),
        ("owner-id", "OwnerId"),
        ("primary-vpc-id", "PrimaryVpcId"),
    ],
    ids_or_pages: false,
};

fn groups_for_vpc(world: &mut World, p: Params<'_>) -> Outcome {
    let vpc = p.need("VpcId")?;
    find(&world.vpcs, "vpc", vpc)?;
    let show = |id: &str| {
        let group = world.groups.get(id).filter(|g| g.vpc == vpc)?;
        Some(json!({"GroupId": id, "GroupName": group.name, "Description": group.description, "OwnerId": ACCOUNT,
            "PrimaryVpcId": group.vpc, "Tags": world.shown_tags(id)}))
    };
    describe(world, p, &FOR_VPC, world.groups.keys(), show)
}
