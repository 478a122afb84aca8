//! The rules of security groups, one by one. Layer 8.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    base::cidr::{Cidr, Family},
    call::{ApiError, Json},
    sim::{
        Actions,
        page::{Listing, describe},
        params::{Params, cidr_of},
        refuse::{Outcome, bad, clash, missing, no_such, refuse},
        security_group::check_text,
        tag::at_creation,
        world::{ACCOUNT, World, find, find_mut},
    },
};

/// The older parameters, for one rule.
macro_rules! known {
    ($($more:literal),*) => {
        concat!("GroupId IpPermissions IpProtocol FromPort ToPort CidrIp SourceSecurityGroupName SourceSecurityGroupOwnerId", $(" ", $more),*)
    };
}

const DESCRIPTIONS: &str = "GroupId GroupName IpPermissions SecurityGroupRuleDescriptions";

pub(crate) const ACTIONS: Actions = &[
    ("AuthorizeSecurityGroupIngress", |world, p| authorize(world, p, false), known!("GroupName", "TagSpecifications")),
    ("AuthorizeSecurityGroupEgress", |world, p| authorize(world, p, true), known!("TagSpecifications")),
    ("RevokeSecurityGroupIngress", |world, p| revoke(world, p, false), known!("GroupName", "SecurityGroupRuleIds")),
    ("RevokeSecurityGroupEgress", |world, p| revoke(world, p, true), known!("SecurityGroupRuleIds")),
    ("UpdateSecurityGroupRuleDescriptionsIngress", |world, p| update(world, p, false), DESCRIPTIONS),
    ("UpdateSecurityGroupRuleDescriptionsEgress", |world, p| update(world, p, true), DESCRIPTIONS),
    ("ModifySecurityGroupRules", modify, "GroupId SecurityGroupRules"),
    ("DescribeSecurityGroupRules", describe_rules, "SecurityGroupRuleIds Filters"),
];

/// A rule. Two rules of a group differ in more than their description.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Rule {
    pub(crate) egress: bool,
    /// `tcp`, `udp`, `icmp`, `icmpv6`, `-1` for all, or another's number.
    pub(crate) protocol: String,
    /// The first port, or the ICMP type; -1 is all.
    pub(crate) from: i64,
    /// The last port, or the ICMP code; -1 is all.
    pub(crate) to: i64,
    pub(crate) source: Source,
    pub(crate) description: Option<String>,
}

/// Where packets come from, or go to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Source {
    Network(Cidr),
    Group(String),
    PrefixList(String),
}

impl Rule {
    /// All protocols.
    pub(crate) fn all(egress: bool, source: Source) -> Self {
        Self { egress, protocol: "-1".into(), from: -1, to: -1, source, description: None }
    }

    fn same(&self, other: &Rule) -> bool {
        (self.egress, &self.protocol, self.from, self.to, &self.source)
            == (other.egress, &other.protocol, other.from, other.to, &other.source)
    }

    /// As EC2 calls it in its refusals.
    fn words(&self) -> String {
        let peer = match &self.source {
            Source::Network(cidr) => cidr.to_string(),
            Source::Group(id) | Source::PrefixList(id) => id.clone(),
        };
        match &*self.protocol {
            "-1" => format!("peer: {peer}, ALL, ALLOW"),
            name => format!("peer: {peer}, {}, from port: {}, to port: {}, ALLOW", name.to_uppercase(), self.from, self.to),
        }
    }
}

/// The group that a request names by its id, or by its name in the default VPC.
fn group_id(world: &World, p: Params<'_>) -> Result<String, ApiError> {
    if let Some(id) = p.text("GroupId") {
        find(&world.groups, "sg", id)?;
        return Ok(id.into());
    }
    let name = p.text("GroupName").ok_or_else(|| missing("groupName or groupId"))?;
    let vpc = world.default_vpc();
    let found = world.groups.iter().find(|(_, g)| Some(&g.vpc) == vpc && g.name == name);
    found.map(|(id, _)| id.clone()).ok_or_else(|| refuse("InvalidGroup.NotFound", format!("The security group '{name}' does not exist")))
}

fn protocol(text: &str) -> Result<String, ApiError> {
    let lower = text.to_ascii_lowercase();
    Ok(match lower.as_str() {
        "tcp" | "udp" | "icmp" | "icmpv6" => lower,
        "6" => "tcp".into(),
        "17" => "udp".into(),
        "1" => "icmp".into(),
        "58" => "icmpv6".into(),
        "-1" | "all" => "-1".into(),
        number => match number.parse::<u8>() {
            Ok(number) => number.to_string(),
            Err(_) => return Err(bad(format!("Invalid value '{text}' for IP protocol. Unknown protocol."))),
        },
    })
}

fn ports(protocol: &str, from: Option<i64>, to: Option<i64>) -> Result<(i64, i64), ApiError> {
    match protocol {
        "tcp" | "udp" => {
            let (Some(from), Some(to)) = (from, to) else {
                return Err(bad("Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange."));
            };
            if let Some(port) = [from, to].into_iter().find(|p| !(0..=65_535).contains(p)) {
                return Err(bad(format!("Invalid value '{port}' for portRange. Must be between 0 and 65535")));
            }
            if from > to {
                return Err(bad(format!("Invalid TCP/UDP port range ({from}:{to})")));
            }
            Ok((from, to))
        }
        "icmp" | "icmpv6" => {
            let (from, to) = (from.unwrap_or(-1), to.unwrap_or(-1));
            if !(-1..=255).contains(&from) || !(-1..=255).contains(&to) || (from == -1 && to != -1) {
                return Err(bad(format!("ICMP code ({to}) or type ({from}) out of range")));
            }
            Ok((from, to))
        }
        _ => Ok((-1, -1)),
    }
}

fn description(p: Params<'_>) -> Result<Option<String>, ApiError> {
    let text = p.text("Description").filter(|text| !text.is_empty());
    text.map_or(Ok(()), |text| check_text("Description", text))?;
    Ok(text.map(str::to_owned))
}

/// The group that a rule of `group` refers to: one that exists, in the same VPC or in one that is peered with it. A rule that is there
/// may name one of a VPC that was.
///
/// <https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-security-groups.html>, "Identify your stale security group rules"
fn referred(world: &World, group: &str, pair: Params<'_>) -> Result<Source, ApiError> {
    let own = find(&world.groups, "sg", group)?;
    let vpc = &own.vpc;
    let id = match (pair.text("GroupId"), pair.text("GroupName")) {
        (Some(id), _) => id.to_owned(),
        (None, Some(name)) => {
            let found = world.groups.iter().find(|(_, g)| g.vpc == *vpc && g.name == name).map(|(id, _)| id.clone());
            found.ok_or_else(|| refuse("InvalidGroup.NotFound", format!("The security group '{name}' does not exist")))?
        }
        (None, None) => return Err(missing("groupId")),
    };
    let theirs = match world.peer_groups.get(&id) {
        Some((vpc, _)) => vpc,
        None => &find(&world.groups, "sg", &id)?.vpc,
    };
    let source = Source::Group(id);
    let stale = || own.rules.values().any(|rule| rule.source == source);
    if theirs != vpc && world.peering_of(theirs, vpc).is_none() && !stale() {
        return Err(refuse("InvalidGroup.NotFound", "You have specified two resources that belong to different networks."));
    }
    Ok(source)
}

/// A prefix list that exists.
fn listed(world: &World, id: &str) -> Result<Source, ApiError> {
    world.weight_of_list(id).map(|_| Source::PrefixList(id.into()))
}

/// The rules that a request's permissions mean: one for each source.
fn rules(world: &World, group: &str, p: Params<'_>, egress: bool) -> Result<Vec<Rule>, ApiError> {
    let mut rules = vec![];
    for permission in p.subs("IpPermissions") {
        let protocol = protocol(permission.need("IpProtocol")?)?;
        let (from, to) = ports(&protocol, permission.int("FromPort"), permission.int("ToPort"))?;
        let before = rules.len();
        let mut push = |source, of: Params<'_>| -> Result<(), ApiError> {
            rules.push(Rule { egress, protocol: protocol.clone(), from, to, source, description: description(of)? });
            Ok(())
        };
        for range in permission.subs("IpRanges") {
            push(Source::Network(cidr_of(Family::V4, "cidrIp", range.need("CidrIp")?)?), range)?;
        }
        for range in permission.subs("Ipv6Ranges") {
            push(Source::Network(cidr_of(Family::V6, "cidrIpv6", range.need("CidrIpv6")?)?), range)?;
        }
        for pair in permission.subs("UserIdGroupPairs") {
            push(referred(world, group, pair)?, pair)?;
        }
        for list in permission.subs("PrefixListIds") {
            push(listed(world, list.need("PrefixListId")?)?, list)?;
        }
        if rules.len() == before {
            return Err(missing("ipRanges, ipv6Ranges, groups or prefixListIds"));
        }
    }
    if let Some(text) = p.text("IpProtocol") {
        let protocol = protocol(text)?;
        let (from, to) = ports(&protocol, p.int("FromPort"), p.int("ToPort"))?;
        let source = match p.text("CidrIp") {
            Some(cidr) => Source::Network(cidr_of(Family::V4, "cidrIp", cidr)?),
            None => {
                let name = json!({"GroupName": p.need("SourceSecurityGroupName")?});
                referred(world, group, Params::new(&name))?
            }
        };
        rules.push(Rule { egress, protocol, from, to, source, description: None });
    }
    Ok(rules)
}

fn authorize(world: &mut World, p: Params<'_>, egress: bool) -> Outcome {
    let id = group_id(world, p)?;
    let new = rules(world, &id, p, egress)?;
    if new.is_empty() {
        return Err(missing("ipPermissions"));
    }
    let tags = at_creation(p, "security-group-rule", &["security-group-rule"])?;
    let group = find(&world.groups, "sg", &id)?;
    for (n, rule) in new.iter().enumerate() {
        if new.iter().take(n).any(|other| rule.same(other)) {
            return Err(bad("The same permission must not appear multiple times"));
        }
        if group.rules.values().any(|other| rule.same(other)) {
            let message = format!("the specified rule \"{}\" already exists", rule.words());
            return Err(refuse("InvalidPermission.Duplicate", message));
        }
    }
    check_quota(world, &id, &new, egress)?;
    let mut shown = vec![];
    for rule in new {
        let rule_id = world.id("sgr");
        find_mut(&mut world.groups, "sg", &id)?.rules.insert(rule_id.clone(), rule);
        world.tag(&rule_id, tags.clone());
        shown.extend(show(world, &id, &rule_id));
    }
    Ok(json!({"Return": true, "SecurityGroupRules": shown}))
}

/// The quota holds for IPv4 and IPv6 apart; a group counts for both, a prefix list as many times as it has room for entries.
fn check_quota(world: &World, id: &str, new: &[Rule], egress: bool) -> Result<(), ApiError> {
    let group = find(&world.groups, "sg", id)?;
    let over = [Family::V4, Family::V6].into_iter().any(|family| {
        let weight = |r: &Rule| match &r.source {
            _ if r.egress != egress => 0,
            Source::Network(cidr) => usize::from(cidr.family() == family),
            Source::Group(_) => 1,
            Source::PrefixList(id) => world.weight_of_list(id).map_or(0, |(weight, of)| if of == family { weight } else { 0 }),
        };
        let more: usize = new.iter().map(weight).sum();
        more > 0 && more + group.rules.values().map(weight).sum::<usize>() > world.quotas.rules_per_security_group_and_direction
    });
    match over {
        true => Err(refuse("RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached.")),
        false => Ok(()),
    }
}

fn revoke(world: &mut World, p: Params<'_>, egress: bool) -> Outcome {
    let id = group_id(world, p)?;
    let mut gone: Vec<String> = vec![];
    let mut unknown = vec![];
    let group = find(&world.groups, "sg", &id)?;
    for rule in p.texts("SecurityGroupRuleIds") {
        group.rules.get(rule).filter(|r| r.egress == egress).ok_or_else(|| no_such("sgr", rule))?;
        gone.push(rule.into());
    }
    let asked = rules(world, &id, p, egress)?;
    if gone.is_empty() && asked.is_empty() {
        return Err(missing("ipPermissions or securityGroupRuleIds"));
    }
    let in_default_vpc = world.default_vpc() == Some(&group.vpc);
    for rule in asked {
        match group.rules.iter().find(|(_, r)| r.same(&rule)) {
            Some((found, _)) => gone.push(found.clone()),
            // For a default VPC, what does not exist is named in the answer; for others it is an error.
            None if in_default_vpc => unknown.push(as_permission(&rule)),
            None => {
                return Err(refuse("InvalidPermission.NotFound", "The specified rule does not exist in this security group."));
            }
        }
    }
    let mut revoked = vec![];
    for rule in gone {
        let Some(mut shown) = show(world, &id, &rule) else { continue };
        if let Some(map) = shown.as_object_mut() {
            ["Tags", "GroupOwnerId", "SecurityGroupRuleArn"].iter().for_each(|name| drop(map.remove(*name)));
            if let Some(of) = map.remove("ReferencedGroupInfo").and_then(|r| r.get("GroupId").cloned()) {
                map.insert("ReferencedGroupId".into(), of);
            }
        }
        revoked.push(shown);
        find_mut(&mut world.groups, "sg", &id)?.rules.remove(&rule);
        world.tags.remove(&rule);
    }
    Ok(json!({"Return": true, "RevokedSecurityGroupRules": revoked, "UnknownIpPermissions": unknown}))
}

fn as_permission(rule: &Rule) -> Json {
    let mut shown = json!({"IpProtocol": rule.protocol, "FromPort": rule.from, "ToPort": rule.to});
    let (name, source) = match &rule.source {
        Source::Network(cidr) if cidr.family() == Family::V4 => ("IpRanges", json!([{"CidrIp": cidr}])),
        Source::Network(cidr) => ("Ipv6Ranges", json!([{"CidrIpv6": cidr}])),
        Source::Group(id) => ("UserIdGroupPairs", json!([{"GroupId": id}])),
        Source::PrefixList(id) => ("PrefixListIds", json!([{"PrefixListId": id}])),
    };
    if let Some(map) = shown.as_object_mut() {
        map.insert(name.into(), source);
    }
    shown
}

fn update(world: &mut World, p: Params<'_>, egress: bool) -> Outcome {
    let id = group_id(world, p)?;
    let mut changes = vec![];
    for rule in rules(world, &id, p, egress)? {
        let found = find(&world.groups, "sg", &id)?.rules.iter().find(|(_, r)| r.same(&rule)).map(|(id, _)| id.clone());
        let found =
            found.ok_or_else(|| refuse("InvalidPermission.NotFound", "The specified rule does not exist in this security group."))?;
        changes.push((found, rule.description));
    }
    for change in p.subs("SecurityGroupRuleDescriptions") {
        changes.push((change.need("SecurityGroupRuleId")?.into(), description(change)?));
    }
    if changes.is_empty() {
        return Err(missing("ipPermissions or securityGroupRuleDescriptions"));
    }
    let group = find_mut(&mut world.groups, "sg", &id)?;
    if let Some((rule, _)) = changes.iter().find(|(rule, _)| group.rules.get(rule).is_none_or(|r| r.egress != egress)) {
        return Err(no_such("sgr", rule));
    }
    for (rule, text) in changes {
        group.rules.get_mut(&rule).into_iter().for_each(|r| r.description.clone_from(&text));
    }
    Ok(json!({"Return": true}))
}

fn modify(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("GroupId")?;
    let mut changes = vec![];
    for change in p.subs("SecurityGroupRules") {
        let rule = change.need("SecurityGroupRuleId")?;
        let old = find(&world.groups, "sg", id)?.rules.get(rule).ok_or_else(|| no_such("sgr", rule))?;
        let new = change.sub("SecurityGroupRule").ok_or_else(|| missing("securityGroupRule"))?;
        let protocol = protocol(new.need("IpProtocol")?)?;
        let (from, to) = ports(&protocol, new.int("FromPort"), new.int("ToPort"))?;
        let source = match (new.text("CidrIpv4"), new.text("CidrIpv6"), new.text("ReferencedGroupId"), new.text("PrefixListId")) {
            (Some(text), None, None, None) => Source::Network(cidr_of(Family::V4, "cidrIpv4", text)?),
            (None, Some(text), None, None) => Source::Network(cidr_of(Family::V6, "cidrIpv6", text)?),
            (None, None, Some(group), None) => referred(world, id, Params::new(&json!({"GroupId": group})))?,
            (None, None, None, Some(list)) => listed(world, list)?,
            (None, None, None, None) => return Err(missing("cidrIpv4, cidrIpv6, prefixListId or referencedGroupId")),
            _ => return Err(clash("Only one source of a rule may be specified")),
        };
        changes.push((rule.to_owned(), Rule { egress: old.egress, protocol, from, to, source, description: description(new)? }));
    }
    if changes.is_empty() {
        return Err(missing("securityGroupRule"));
    }
    let mut rules = find(&world.groups, "sg", id)?.rules.clone();
    rules.extend(changes.iter().cloned());
    for (id, rule) in &changes {
        if rules.iter().any(|(other, r)| other != id && r.same(rule)) {
            let message = format!("the specified rule \"{}\" already exists", rule.words());
            return Err(refuse("InvalidPermission.Duplicate", message));
        }
    }
    find_mut(&mut world.groups, "sg", id)?.rules = rules;
    Ok(json!({"Return": true}))
}

fn show(world: &World, group: &str, id: &str) -> Option<Json> {
    let rule = world.groups.get(group)?.rules.get(id)?;
    let mut shown = json!({
        "SecurityGroupRuleId": id,
        "SecurityGroupRuleArn": world.arn("security-group-rule", id),
        "GroupId": group,
        "GroupOwnerId": ACCOUNT,
        "IsEgress": rule.egress,
        "IpProtocol": rule.protocol,
        "FromPort": rule.from,
        "ToPort": rule.to,
        "Tags": world.shown_tags(id),
    });
    let map = shown.as_object_mut()?;
    let (name, source) = match &rule.source {
        Source::Network(cidr) if cidr.family() == Family::V4 => ("CidrIpv4", json!(cidr)),
        Source::Network(cidr) => ("CidrIpv6", json!(cidr)),
        Source::Group(id) => ("ReferencedGroupInfo", world.shown_group(group, id)),
        Source::PrefixList(id) => ("PrefixListId", json!(id)),
    };
    map.insert(name.into(), source);
    if let Some(text) = &rule.description {
        map.insert("Description".into(), json!(text));
    }
    Some(shown)
}

const LISTING: Listing = Listing {
    member: "SecurityGroupRules",
    ids: "SecurityGroupRuleIds",
    prefix: "sgr",
    filters: &[("group-id", "GroupId"), ("security-group-rule-id", "SecurityGroupRuleId")],
    ids_or_pages: false,
};

fn describe_rules(world: &mut World, p: Params<'_>) -> Outcome {
    let holder: std::collections::BTreeMap<String, &String> =
        world.groups.iter().flat_map(|(id, g)| g.rules.keys().map(move |rule| (rule.clone(), id))).collect();
    describe(world, p, &LISTING, holder.keys(), |rule| show(world, holder.get(rule)?, rule))
}

impl World {
    /// A group as a rule of another shows it; one of a peered VPC with its peering.
    pub(crate) fn shown_group(&self, of: &str, id: &str) -> Json {
        let foreign = self.peer_groups.get(id);
        let vpc = foreign.map(|(vpc, _)| vpc).or_else(|| self.groups.get(id).map(|g| &g.vpc));
        let mut shown = json!({"GroupId": id, "UserId": foreign.map_or(ACCOUNT, |(_, account)| account)});
        let own = self.groups.get(of).map(|g| &g.vpc);
        if let (Some(vpc), Some(own)) = (vpc, own)
            && vpc != own
        {
            let peering = self.peering_of(vpc, own);
            shown["VpcId"] = json!(vpc);
            shown["PeeringStatus"] = json!(if peering.is_some() { "active" } else { "deleted" });
            if let Some(peering) = peering {
                shown["VpcPeeringConnectionId"] = json!(peering);
            }
        }
        shown
    }
}
