//! The region, its zones, and the account. Layer 8.

use serde_json::json;

use crate::{
    call::Json,
    sim::{
        Actions,
        filter::{Filters, Matcher},
        params::Params,
        refuse::{Outcome, bad, refuse},
        world::{ACCOUNT, World},
    },
};

pub(crate) const ACTIONS: Actions = &[
    ("DescribeAvailabilityZones", describe_zones, "ZoneNames ZoneIds AllAvailabilityZones Filters"),
    ("DescribeRegions", describe_regions, "RegionNames AllRegions Filters"),
    ("DescribeAccountAttributes", describe_account, "AttributeNames"),
    ("GetCallerIdentity", identity, ""),
    ("AssumeRole", assume_role, "RoleArn RoleSessionName ExternalId DurationSeconds"),
];

/// Whether there is a region of this name.
pub(crate) fn exists(region: &str) -> bool {
    REGIONS.contains(&region)
}

/// The regions that are enabled in every account.
pub const REGIONS: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

const ZONES: Filters = &[
    ("group-name", "GroupName"),
    ("opt-in-status", "OptInStatus"),
    ("region-name", "RegionName"),
    ("state", "State"),
    ("zone-id", "ZoneId"),
    ("zone-name", "ZoneName"),
    ("zone-type", "ZoneType"),
];

fn describe_zones(world: &mut World, p: Params<'_>) -> Outcome {
    let matcher = Matcher::new(p, ZONES)?;
    let zones = world.zones();
    let (names, ids) = (p.texts("ZoneNames"), p.texts("ZoneIds"));
    if let Some(name) = names.iter().find(|name| !zones.iter().any(|z| z == *name)) {
        return Err(bad(format!("Invalid availability zone: [{name}]")));
    }
    let shown = zones.iter().map(|zone| {
        json!({"ZoneName": zone, "ZoneId": world.zone_id(zone), "ZoneType": "availability-zone", "State": "available",
            "RegionName": world.region, "GroupName": world.region, "NetworkBorderGroup": world.region,
            "OptInStatus": "opt-in-not-required", "Messages": []})
    });
    let asked = |zone: &Json| {
        let is =
            |member: &str, list: &[&str]| list.is_empty() || zone.get(member).and_then(Json::as_str).is_some_and(|v| list.contains(&v));
        is("ZoneName", &names) && is("ZoneId", &ids) && matcher.passes(zone)
    };
    Ok(json!({"AvailabilityZones": shown.filter(asked).collect::<Vec<_>>()}))
}

const REGION: Filters = &[("endpoint", "Endpoint"), ("opt-in-status", "OptInStatus"), ("region-name", "RegionName")];

fn describe_regions(_: &mut World, p: Params<'_>) -> Outcome {
    let matcher = Matcher::new(p, REGION)?;
    let names = p.texts("RegionNames");
    if let Some(name) = names.iter().find(|name| !REGIONS.contains(name)) {
        return Err(bad(format!("Invalid region provided: [{name}]")));
    }
    let shown = REGIONS
        .iter()
        .filter(|name| names.is_empty() || names.contains(name))
        .map(|name| json!({"RegionName": name, "Endpoint": format!("ec2.{name}.amazonaws.com"), "OptInStatus": "opt-in-not-required"}));
    Ok(json!({"Regions": shown.filter(|region| matcher.passes(region)).collect::<Vec<_>>()}))
}

fn describe_account(world: &mut World, p: Params<'_>) -> Outcome {
    let attributes = [
        ("supported-platforms", "VPC".to_owned()),
        ("default-vpc", world.default_vpc().cloned().unwrap_or_else(|| "none".into())),
        ("max-instances", "20".into()),
        ("max-elastic-ips", world.quotas.addresses.to_string()),
        ("vpc-max-elastic-ips", world.quotas.addresses.to_string()),
        ("vpc-max-security-groups-per-interface", world.quotas.security_groups_per_interface.to_string()),
    ];
    let asked = p.texts("AttributeNames");
    if let Some(name) = asked.iter().find(|name| !attributes.iter().any(|(known, _)| known == *name)) {
        return Err(refuse("InvalidParameterValue", format!("Value ({name}) for parameter attributeName is invalid.")));
    }
    let shown = attributes.iter().filter(|(name, _)| asked.is_empty() || asked.contains(name));
    let shown = shown.map(|(name, value)| json!({"AttributeName": name, "AttributeValues": [{"AttributeValue": value}]}));
    Ok(json!({"AccountAttributes": shown.collect::<Vec<_>>()}))
}

fn identity(_: &mut World, _: Params<'_>) -> Outcome {
    Ok(json!({"Account": ACCOUNT, "Arn": format!("arn:aws:iam::{ACCOUNT}:user/sandbox"), "UserId": "AIDASANDBOXSANDBOX000"}))
}

/// Credentials of another account: the access key id tells which, and nothing else is checked.
fn assume_role(_: &mut World, p: Params<'_>) -> Outcome {
    let (arn, session) = (p.need("RoleArn")?, p.need("RoleSessionName")?);
    let account = arn.strip_prefix("arn:aws:iam::").and_then(|rest| rest.split_once(":role/")).filter(|(_, role)| !role.is_empty());
    let Some((account, role)) = account.filter(|(account, _)| is_account(account)) else {
        return Err(refuse("ValidationError", format!("{arn} is invalid")));
    };
    Ok(json!({
        "Credentials": {
            "AccessKeyId": format!("{ROLE_KEY}{account}"), "SecretAccessKey": "sandbox", "SessionToken": "sandbox",
            "Expiration": "2099-01-01T00:00:00.000Z",
        },
        "AssumedRoleUser": {
            "AssumedRoleId": format!("AROASANDBOXSANDBOX000:{session}"),
            "Arn": format!("arn:aws:sts::{account}:assumed-role/{role}/{session}"),
        },
    }))
}

/// How the access key ids of roles begin; twelve digits follow.
const ROLE_KEY: &str = "ASIA";

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// The account that an access key id is for: a role's, or the sandbox's own.
pub(crate) fn account_of(key: &str) -> Option<&str> {
    key.strip_prefix(ROLE_KEY).filter(|account| is_account(account))
}
