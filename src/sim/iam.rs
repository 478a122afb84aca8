//! The caller's policy: an evaluator of IAM's, and what each request is authorised on. Layer 8.
//!
//! It knows nothing of how secnet works out what it needs: the objects of a request are read out of its parameters.
//! Statements have Effect, Action, Resource and Condition with StringEquals and StringLike; what else IAM has is refused.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>,
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html>

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    call::{ApiError, Json, mutates},
    sim::{
        params::Params,
        refuse::{prefix_of, refuse, well_formed},
        shapes,
        subnet::Subnet,
        tag::type_of,
        world::{ACCOUNT, World},
    },
};

/// Whoever calls, as `GetCallerIdentity` tells.
const CALLER: &str = "arn:aws:iam::123456789012:user/sandbox";

/// What a caller may do.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Policy {
    statements: Vec<Statement>,
}

#[derive(Debug, Clone, PartialEq)]
struct Statement {
    allows: bool,
    actions: Vec<String>,
    resources: Vec<String>,
    /// Whether patterns count, the key, values that each suffice.
    conditions: Vec<(bool, String, Vec<String>)>,
}

impl Policy {
    /// A policy document as IAM takes it.
    ///
    /// # Errors
    /// It is none, or has something that the sandbox does not model; what, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let document: Json = serde_json::from_str(text).map_err(|e| e.to_string())?;
        let statements = match document.get("Statement") {
            Some(Json::Array(all)) => all.iter().map(statement).collect::<Result<_, _>>()?,
            Some(one @ Json::Object(_)) => vec![statement(one)?],
            _ => return Err("it has no `Statement`".into()),
        };
        Ok(Self { statements })
    }

    /// Whether all of the objects may be acted on. A `Deny` wins over whatever allows.
    fn allows(&self, action: &str, object: &Object, context: &Context) -> bool {
        let fits = |s: &&Statement| {
            let named = s.actions.iter().any(|pattern| like(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase()));
            let about = s.resources.iter().any(|pattern| like(pattern, &object.arn));
            named && about && s.conditions.iter().all(|(patterns, key, values)| holds(*patterns, values, value(key, object, context)))
        };
        let mut fitting = self.statements.iter().filter(fits).peekable();
        fitting.peek().is_some() && fitting.all(|s| s.allows)
    }
}

fn statement(json: &Json) -> Result<Statement, String> {
    let known = ["Sid", "Effect", "Action", "Resource", "Condition"];
    if let Some(other) = json.as_object().into_iter().flatten().map(|(name, _)| name).find(|name| !known.contains(&name.as_str())) {
        return Err(format!("the sandbox does not model `{other}` in a statement"));
    }
    let texts = |of: Option<&Json>| match of {
        Some(Json::String(one)) => Ok(vec![one.clone()]),
        Some(Json::Array(all)) => Ok(all.iter().filter_map(Json::as_str).map(str::to_owned).collect()),
        _ => Err("a statement lacks `Action` or `Resource`".to_owned()),
    };
    let allows = match json.get("Effect").and_then(Json::as_str) {
        Some("Allow") => true,
        Some("Deny") => false,
        _ => return Err("a statement's `Effect` is neither `Allow` nor `Deny`".into()),
    };
    let mut conditions = vec![];
    for (operator, keys) in json.get("Condition").and_then(Json::as_object).into_iter().flatten() {
        let patterns = match operator.as_str() {
            "StringEquals" => false,
            "StringLike" => true,
            other => return Err(format!("the sandbox does not model the condition `{other}`")),
        };
        for (key, values) in keys.as_object().into_iter().flatten() {
            conditions.push((patterns, key.clone(), texts(Some(values))?));
        }
    }
    Ok(Statement { allows, actions: texts(json.get("Action"))?, resources: texts(json.get("Resource"))?, conditions })
}

/// Something that a request acts on.
#[derive(Debug)]
struct Object {
    arn: String,
    tags: BTreeMap<String, String>,
}

/// What is known of a request besides its object.
#[derive(Debug, Default)]
struct Context {
    create_action: Option<String>,
    passed_to: Option<&'static str>,
}

fn value<'a>(key: &str, object: &'a Object, context: &'a Context) -> Option<&'a str> {
    if let Some(tag) = key.strip_prefix("aws:ResourceTag/").or_else(|| key.strip_prefix("ec2:ResourceTag/")) {
        return object.tags.get(tag).map(String::as_str);
    }
    match key {
        "ec2:CreateAction" => context.create_action.as_deref(),
        "iam:PassedToService" => context.passed_to,
        _ => None,
    }
}

/// A key that a request does not have never holds.
fn holds(patterns: bool, wanted: &[String], is: Option<&str>) -> bool {
    is.is_some_and(|is| wanted.iter().any(|w| if patterns { like(w, is) } else { w == is }))
}

/// Whether a text fits a pattern with `*` and `?`; what is compared here is ASCII.
fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Behind the last `*`, and how much of the text it takes up to there.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match (pattern.get(p), star) {
            (Some(b'*'), _) => {
                p += 1;
                star = Some((p, t));
            }
            (Some(c), _) if *c == b'?' || text.get(t) == Some(c) => {
                p += 1;
                t += 1;
            }
            (_, Some((behind, taken))) => {
                (p, t) = (behind, taken + 1);
                star = Some((behind, taken + 1));
            }
            (_, None) => return false,
        }
    }
    pattern.iter().skip(p).all(|c| *c == b'*')
}

/// What a request makes: action, kinds.
const MAKES: &[(&str, &str)] = &[
    ("AllocateAddress", "elastic-ip"),
    ("CreateDhcpOptions", "dhcp-options"),
    ("CreateEgressOnlyInternetGateway", "egress-only-internet-gateway"),
    ("CreateFlowLogs", "vpc-flow-log"),
    ("CreateInstanceConnectEndpoint", "instance-connect-endpoint"),
    ("CreateInternetGateway", "internet-gateway"),
    ("CreateLaunchTemplate", "launch-template"),
    ("CreateManagedPrefixList", "prefix-list"),
    ("CreateNatGateway", "natgateway"),
    ("CreateNetworkAcl", "network-acl"),
    ("CreateNetworkInterface", "network-interface"),
    ("CreatePlacementGroup", "placement-group"),
    ("CreateRouteTable", "route-table"),
    ("CreateSecurityGroup", "security-group"),
    ("CreateSubnet", "subnet"),
    ("CreateTransitGateway", "transit-gateway"),
    ("CreateTransitGatewayPeeringAttachment", "transit-gateway-attachment"),
    ("CreateTransitGatewayRouteTable", "transit-gateway-route-table"),
    ("CreateTransitGatewayVpcAttachment", "transit-gateway-attachment"),
    ("CreateVolume", "volume"),
    ("CreateVpc", "vpc"),
    ("CreateVpcEndpoint", "vpc-endpoint"),
    ("CreateVpcPeeringConnection", "vpc-peering-connection"),
    ("CreateVpnGateway", "vpn-gateway"),
    ("RunInstances", "instance volume network-interface"),
];

/// Actions that are authorised on one of the things they name alone: the parameter that names it.
const ON_ONE: &[(&str, &str)] = &[
    ("AuthorizeSecurityGroupEgress", "GroupId"),
    ("AuthorizeSecurityGroupIngress", "GroupId"),
    ("CreateRoute", "RouteTableId"),
    ("DeleteRoute", "RouteTableId"),
    ("ReplaceRoute", "RouteTableId"),
    ("RevokeSecurityGroupEgress", "GroupId"),
    ("RevokeSecurityGroupIngress", "GroupId"),
];

/// The few actions that read and are authorised on what they name.
const READS_ON: &[&str] = &[
    "DescribeInstanceAttribute",
    "DescribeSecurityGroupReferences",
    "DescribeVpcAttribute",
    "GetConsoleOutput",
    "GetManagedPrefixListAssociations",
    "GetManagedPrefixListEntries",
    "GetSecurityGroupsForVpc",
    "SearchTransitGatewayRoutes",
];

/// Refuses a role that the caller may not assume, as STS does.
pub(crate) fn assume(policy: &Policy, world: &World, role: &str) -> Result<(), ApiError> {
    let object = Object { arn: role.to_owned(), tags: BTreeMap::new() };
    match policy.allows("sts:AssumeRole", &object, &Context::default()) {
        true => Ok(()),
        false => Err(refuse(
            "AccessDenied",
            format!("User: {} is not authorized to perform: sts:AssumeRole on resource: {role}", world.exchanged(CALLER)),
        )),
    }
}

/// Refuses what the caller may not do.
pub(crate) fn check(policy: &Policy, world: &World, action: &str, params: &Json) -> Result<(), ApiError> {
    if action == "GetCallerIdentity" {
        return Ok(());
    }
    let plain = Context::default();
    for object in objects(world, action, params) {
        let service = shapes::action(action).map_or("ec2", |shape| &shape.0);
        demand(policy, world, &format!("{service}:{action}"), &object, &plain)?;
    }
    let p = Params::new(params);
    if action != "CreateTags" {
        let context = Context { create_action: Some(action.to_owned()), ..Context::default() };
        for kind in p.subs("TagSpecifications").filter_map(|s| s.text("ResourceType")) {
            demand(policy, world, "ec2:CreateTags", &made(world, kind), &context)?;
        }
    }
    if let (true, Some(profile)) = (mutates(action), p.sub("IamInstanceProfile")) {
        let name = profile.text("Name").or_else(|| profile.text("Arn").and_then(|arn| arn.rsplit('/').next())).unwrap_or_default();
        // The sandbox knows no profiles: the role in one is taken to be called as the profile is.
        let role = Object { arn: world.exchanged(&format!("arn:aws:iam::{ACCOUNT}:role/{name}")), tags: BTreeMap::new() };
        demand(policy, world, "iam:PassRole", &role, &Context { passed_to: Some("ec2.amazonaws.com"), ..Context::default() })?;
    }
    Ok(())
}

fn demand(policy: &Policy, world: &World, action: &str, object: &Object, context: &Context) -> Result<(), ApiError> {
    match policy.allows(action, object, context) {
        true => Ok(()),
        false if action.starts_with("servicequotas:") => Err(refuse(
            "AccessDeniedException",
            format!(
                "User: {} is not authorized to perform: {action} because no identity-based policy allows the {action} action",
                world.exchanged(CALLER)
            ),
        )),
        false => Err(refuse(
            "UnauthorizedOperation",
            format!(
                "You are not authorized to perform this operation. User: {} is not authorized to perform: {action} on resource: {} \
                 because no identity-based policy allows the {action} action.",
                world.exchanged(CALLER),
                object.arn
            ),
        )),
    }
}

fn arn(world: &World, kind: &str, id: &str) -> String {
    match kind {
        "image" | "snapshot" => format!("arn:aws:ec2:{}::{kind}/{id}", world.region),
        _ => world.exchanged(&world.arn(kind, id)),
    }
}

/// What is about to be made has neither id nor tags.
fn made(world: &World, kind: &str) -> Object {
    Object { arn: arn(world, kind, "*"), tags: BTreeMap::new() }
}

fn standing(world: &World, id: &str) -> Option<Object> {
    let kind = if prefix_of(id) == "ami" { "image" } else { type_of(id) };
    let object = || Object { arn: arn(world, kind, id), tags: world.tags.get(id).cloned().unwrap_or_default() };
    (!kind.is_empty()).then(object)
}

/// What a request is authorised on.
fn objects(world: &World, action: &str, params: &Json) -> Vec<Object> {
    let everything = || vec![Object { arn: "*".into(), tags: BTreeMap::new() }];
    if !mutates(action) && !READS_ON.contains(&action) {
        return everything();
    }
    let one = ON_ONE.iter().find(|(a, _)| *a == action).map(|(_, parameter)| *parameter);
    let mut ids = BTreeSet::new();
    for (name, value) in params.as_object().into_iter().flatten() {
        let counts =
            one.is_none_or(|one| one == name) && !matches!(name.as_str(), "Filters" | "TagSpecifications" | "ClientToken" | "UserData");
        if counts {
            collect(value, &mut ids);
        }
    }
    let mut found: Vec<Object> = ids.iter().flat_map(|id| joined(world, id)).collect();
    found.extend(key_pair(world, action, Params::new(params)));
    let kinds = MAKES.iter().filter(|(a, _)| *a == action).flat_map(|(_, kinds)| kinds.split(' '));
    // An instance with an interface of its own makes none.
    let own = |kind: &&str| !(*kind == "network-interface" && ids.iter().any(|id| prefix_of(id) == "eni") && action == "RunInstances");
    found.extend(kinds.filter(own).map(|kind| made(world, kind)));
    if found.is_empty() { everything() } else { found }
}

fn collect(value: &Json, ids: &mut BTreeSet<String>) {
    match value {
        Json::String(text) if well_formed(prefix_of(text), text) => drop(ids.insert(text.clone())),
        Json::Array(items) => items.iter().for_each(|item| collect(item, ids)),
        Json::Object(members) => members.values().for_each(|member| collect(member, ids)),
        _ => {}
    }
}

/// A key pair goes by its name.
fn key_pair(world: &World, action: &str, p: Params<'_>) -> Option<Object> {
    let name = p.text("KeyName")?;
    let tags = || world.key_pairs.iter().find(|(_, key)| key.name == name).and_then(|(id, _)| world.tags.get(id).cloned());
    let makes = matches!(action, "ImportKeyPair" | "CreateKeyPair");
    Some(Object { arn: arn(world, "key-pair", name), tags: if makes { BTreeMap::new() } else { tags().unwrap_or_default() } })
}

/// What an id stands for: an association for what it joins, anything else for itself.
fn joined(world: &World, id: &str) -> Vec<Object> {
    let ends: Option<Vec<String>> = match prefix_of(id) {
        "rtbassoc" => world.route_tables.iter().find_map(|(table, t)| {
            let association = t.associations.iter().find(|a| a.id() == id)?;
            Some(std::iter::once(table.clone()).chain(association.subnet.clone()).collect())
        }),
        "aclassoc" => world.network_acls.values().find_map(|acl| acl.associations.get(id)).map(|subnet| vec![subnet.clone()]),
        "eipassoc" => world.addresses.iter().find_map(|(address, a)| {
            let association = a.association.as_ref().filter(|association| association.id == id)?;
            Some(vec![address.clone(), association.interface.clone()])
        }),
        "eni-attach" => world.interfaces.iter().find_map(|(interface, i)| {
            let attachment = i.attachment.as_ref().filter(|attachment| attachment.id == id)?;
            Some(vec![interface.clone(), attachment.instance.clone()])
        }),
        "vpc-cidr-assoc" => {
            world.vpcs.iter().find(|(_, vpc)| vpc.cidrs.iter().any(|b| b.association == id)).map(|(vpc, _)| vec![vpc.clone()])
        }
        "subnet-cidr-assoc" => {
            let holds = |subnet: &Subnet| subnet.ipv6.as_ref().is_some_and(|b| b.association == id);
            world.subnets.iter().find(|(_, subnet)| holds(subnet)).map(|(subnet, _)| vec![subnet.clone()])
        }
        "key" => {
            return world
                .key_pairs
                .get(id)
                .map(|key| vec![Object { arn: arn(world, "key-pair", &key.name), tags: world.tags.get(id).cloned().unwrap_or_default() }])
                .unwrap_or_else(|| vec![made(world, "key-pair")]);
        }
        // A name may look like an id.
        _ => return standing(world, id).into_iter().collect(),
    };
    let unknown = |kinds: &[&str]| kinds.iter().map(|kind| made(world, kind)).collect();
    match (ends, prefix_of(id)) {
        (Some(ends), _) => ends.iter().filter_map(|id| standing(world, id)).collect(),
        (None, "rtbassoc") => unknown(&["route-table", "subnet"]),
        (None, "aclassoc") => unknown(&["subnet"]),
        (None, "eipassoc") => unknown(&["elastic-ip"]),
        (None, "vpc-cidr-assoc") => unknown(&["vpc"]),
        (None, "subnet-cidr-assoc") => unknown(&["subnet"]),
        (None, _) => unknown(&["network-interface", "instance"]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn patterns_fit() {
        assert!(like("arn:*:vpc/*", "arn:aws:ec2:r:1:vpc/vpc-1") && like("a?c", "abc") && like("*", ""));
        assert!(!like("a?c", "ac") && !like("arn:*:vpc/*", "arn:aws:ec2:r:1:subnet/s") && !like("a", "ab"));
    }

    #[test]
    fn what_is_needed_is_known_of_every_action_that_changes_something() {
        let actions = crate::sim::AREAS.iter().copied().flatten().map(|(name, ..)| *name).filter(|name| mutates(name));
        let unknown: Vec<&str> = actions.filter(|name| !crate::iam::table::knows(name)).collect();
        assert_eq!(unknown, [""; 0], "these are missing in `iam::table`");
    }

    /// What EC2 says to `DeleteVpc` of a VPC with a tag, under a policy.
    fn deleting(statements: &Json) -> Result<(), ApiError> {
        let mut world = World::new("us-east-1");
        let id = world.vpcs.keys().next().cloned().unwrap_or_default();
        world.tags.insert(id.clone(), BTreeMap::from([("team".into(), "net".into())]));
        let policy = Policy::parse(&json!({"Version": "2012-10-17", "Statement": statements}).to_string()).expect("a policy");
        check(&policy, &world, "DeleteVpc", &json!({"VpcId": id}))
    }

    #[test]
    fn what_is_not_allowed_is_denied_and_a_deny_wins() {
        let allow = json!({"Effect": "Allow", "Action": "ec2:DeleteVpc", "Resource": "arn:aws:ec2:us-east-1:123456789012:vpc/*"});
        let tagged = |operator: &str, team: &str| {
            let mut statement = allow.clone();
            statement["Condition"] = json!({operator: {"aws:ResourceTag/team": team}});
            statement
        };
        assert_eq!(deleting(&allow), Ok(()));
        assert_eq!(deleting(&tagged("StringEquals", "net")), Ok(()));
        assert_eq!(deleting(&tagged("StringLike", "n*")), Ok(()));
        let denied = deleting(&tagged("StringEquals", "web")).expect_err("another team's");
        assert_eq!(denied.code, "UnauthorizedOperation");
        let deny = json!({"Effect": "Deny", "Action": ["ec2:Delete*"], "Resource": "*"});
        assert!(deleting(&json!([allow, deny])).is_err());
        assert!(deleting(&json!([])).is_err());
    }

    #[test]
    fn what_is_not_modelled_is_refused() {
        let parse = |statement: Json| Policy::parse(&json!({"Statement": [statement]}).to_string());
        assert!(parse(json!({"Effect": "Allow", "NotAction": "*", "Resource": "*"})).is_err());
        let condition = json!({"Bool": {"aws:SecureTransport": "true"}});
        assert!(parse(json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition})).is_err());
    }
}
