//! What stands around a network in EC2 and cannot be made in the sandbox: lists that are empty. Layer 8.

use serde_json::json;

use crate::sim::{
    Actions,
    params::Params,
    refuse::{Outcome, refuse},
    world::World,
};

pub(crate) const ACTIONS: Actions = &[
    ("DescribeVpcPeeringConnections", |_, _| Ok(json!({"VpcPeeringConnections": []})), "VpcPeeringConnectionIds Filters"),
    ("DescribeVpnGateways", |_, _| Ok(json!({"VpnGateways": []})), "VpnGatewayIds Filters"),
    ("DescribeTransitGatewayAttachments", |_, _| Ok(json!({"TransitGatewayAttachments": []})), "TransitGatewayAttachmentIds Filters"),
    ("DescribeVpcEndpoints", |_, _| Ok(json!({"VpcEndpoints": []})), "VpcEndpointIds Filters"),
    ("DescribeVpcBlockPublicAccessOptions", public_access, ""),
    ("DescribeVpcBlockPublicAccessExclusions", |_, _| Ok(json!({"VpcBlockPublicAccessExclusions": []})), "ExclusionIds Filters"),
    ("GetManagedPrefixListEntries", prefix_list, "PrefixListId TargetVersion"),
];

/// As in an account that has never switched it on.
fn public_access(world: &mut World, _: Params<'_>) -> Outcome {
    Ok(json!({"VpcBlockPublicAccessOptions": {
        "AwsRegion": world.region, "State": "default-state", "InternetGatewayBlockMode": "off",
    }}))
}

fn prefix_list(_: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("PrefixListId")?;
    Err(refuse("InvalidPrefixListID.NotFound", format!("The prefix list ID '{id}' does not exist")))
}
