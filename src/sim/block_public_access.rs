//! VPC Block Public Access: a region's switch that keeps the internet out, and what is let off it. Layer 8.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    call::Json,
    sim::{
        Actions,
        page::{Listing, describe},
        params::Params,
        refuse::{Outcome, clash, missing, no_such, refuse},
        tag::at_creation,
        world::{ACCOUNT, Due, World, find, find_mut},
    },
};

pub(crate) const ACTIONS: Actions = &[
    ("DescribeVpcBlockPublicAccessOptions", |world, _| Ok(json!({"VpcBlockPublicAccessOptions": show_options(world)})), ""),
    ("ModifyVpcBlockPublicAccessOptions", modify_options, "InternetGatewayBlockMode"),
    ("CreateVpcBlockPublicAccessExclusion", create, "VpcId SubnetId InternetGatewayExclusionMode TagSpecifications"),
    ("ModifyVpcBlockPublicAccessExclusion", modify, "ExclusionId InternetGatewayExclusionMode"),
    ("DeleteVpcBlockPublicAccessExclusion", delete, "ExclusionId"),
    ("DescribeVpcBlockPublicAccessExclusions", describe_exclusions, "ExclusionIds Filters"),
];

/// How many exclusions a region has
/// (docs.aws.amazon.com/vpc/latest/userguide/security-vpc-bpa-basics.html).
const EXCLUSIONS_MAX: usize = 50;

/// The switch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PublicAccess {
    mode: String,
    state: String,
    changed: u64,
}

impl Default for PublicAccess {
    fn default() -> Self {
        Self { mode: "off".into(), state: "default-state".into(), changed: 0 }
    }
}

/// A VPC or subnet that is let off.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Exclusion {
    /// `vpc/vpc-...`
    target: (String, String),
    mode: String,
    state: String,
    created: u64,
}

impl Exclusion {
    fn is_gone(&self) -> bool {
        self.state.starts_with("delete")
    }
}

fn show_options(world: &World) -> Json {
    let options = &world.public_access;
    json!({
        "AwsAccountId": ACCOUNT,
        "AwsRegion": world.region,
        "State": options.state,
        "InternetGatewayBlockMode": options.mode,
        "LastUpdateTimestamp": World::time(options.changed),
        "ManagedBy": "account",
        "ExclusionsAllowed": "allowed",
    })
}

fn modify_options(world: &mut World, p: Params<'_>) -> Outcome {
    let mode = p.need("InternetGatewayBlockMode")?;
    let (mode, state, changed) = (mode.to_owned(), "update-in-progress".to_owned(), world.now);
    world.public_access = PublicAccess { mode, state, changed };
    world.schedule(world.pace.public_access_complete, Due::PublicAccess);
    Ok(json!({"VpcBlockPublicAccessOptions": show_options(world)}))
}

pub(crate) fn settle_options(world: &mut World) {
    world.public_access.state = "update-complete".into();
}

fn create(world: &mut World, p: Params<'_>) -> Outcome {
    let target = match (p.text("VpcId"), p.text("SubnetId")) {
        (Some(id), None) => find(&world.vpcs, "vpc", id).map(|_| ("vpc".to_owned(), id.to_owned()))?,
        (None, Some(id)) => find(&world.subnets, "subnet", id).map(|_| ("subnet".to_owned(), id.to_owned()))?,
        (None, None) => return Err(missing("vpcId or subnetId")),
        (Some(_), Some(_)) => return Err(clash("Only one of vpcId and subnetId may be specified")),
    };
    let tags = at_creation(p, "vpc-block-public-access-exclusion", &["vpc-block-public-access-exclusion"])?;
    let standing = || world.exclusions.values().filter(|e| !e.is_gone());
    if standing().any(|e| e.target == target) {
        return Err(refuse("VpcBlockPublicAccessExclusionAlreadyExists", format!("An exclusion of {} exists already.", target.1)));
    }
    if standing().count() >= EXCLUSIONS_MAX {
        return Err(refuse("VpcBlockPublicAccessExclusionLimitExceeded", "The maximum number of exclusions has been reached."));
    }
    let id = world.id("vpcbpa-exclude");
    let (mode, state, created) = (p.need("InternetGatewayExclusionMode")?.to_owned(), "create-in-progress".to_owned(), world.now);
    world.exclusions.insert(id.clone(), Exclusion { target, mode, state, created });
    world.tag(&id, tags);
    changing(world, &id)
}

fn changing(world: &mut World, id: &str) -> Outcome {
    world.schedule(world.pace.public_access_complete, Due::Exclusion(id.into()));
    Ok(json!({"VpcBlockPublicAccessExclusion": show(world, id)}))
}

pub(crate) fn settle(world: &mut World, id: &str) {
    let Some(exclusion) = world.exclusions.get_mut(id).filter(|e| e.state.ends_with("-in-progress")) else { return };
    exclusion.state = exclusion.state.replace("in-progress", "complete");
    if exclusion.is_gone() {
        world.schedule(world.pace.linger, Due::Vanish(id.into()));
    }
}

fn modify(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("ExclusionId")?;
    let mode = p.need("InternetGatewayExclusionMode")?;
    let exclusion = find_mut(&mut world.exclusions, "vpcbpa-exclude", id)?;
    if exclusion.is_gone() {
        return Err(no_such("vpcbpa-exclude", id));
    }
    (exclusion.mode, exclusion.state) = (mode.into(), "update-in-progress".into());
    changing(world, id)
}

fn delete(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("ExclusionId")?;
    let exclusion = find_mut(&mut world.exclusions, "vpcbpa-exclude", id)?;
    if exclusion.is_gone() {
        return Err(no_such("vpcbpa-exclude", id));
    }
    exclusion.state = "delete-in-progress".into();
    changing(world, id)
}

fn show(world: &World, id: &str) -> Option<Json> {
    let exclusion = world.exclusions.get(id)?;
    Some(json!({
        "ExclusionId": id,
        "InternetGatewayExclusionMode": exclusion.mode,
        "ResourceArn": world.arn(&exclusion.target.0, &exclusion.target.1),
        "State": exclusion.state,
        "CreationTimestamp": World::time(exclusion.created),
        "Tags": world.shown_tags(id),
    }))
}

const LISTING: Listing = Listing {
    member: "VpcBlockPublicAccessExclusions",
    ids: "ExclusionIds",
    prefix: "vpcbpa-exclude",
    filters: &[("resource-arn", "ResourceArn"), ("internet-gateway-exclusion-mode", "InternetGatewayExclusionMode"), ("state", "State")],
    ids_or_pages: false,
};

fn describe_exclusions(world: &mut World, p: Params<'_>) -> Outcome {
    describe(world, p, &LISTING, world.exclusions.keys(), |id| show(world, id))
}
