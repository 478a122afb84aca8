//! What stands around a network in EC2 and cannot be made in the sandbox: lists that are empty. Layer 8.

use serde_json::json;

use crate::sim::{Actions, params::Params, refuse::Outcome, world::World};

pub(crate) const ACTIONS: Actions = &[
    ("DescribeVpcPeeringConnections", |_, _| Ok(json!({"VpcPeeringConnections": []})), "VpcPeeringConnectionIds Filters"),
    ("DescribeVpcEndpoints", |_, _| Ok(json!({"VpcEndpoints": []})), "VpcEndpointIds Filters"),
    ("DescribeEgressOnlyInternetGateways", |_, _| Ok(json!({"EgressOnlyInternetGateways": []})), "EgressOnlyInternetGatewayIds Filters"),
    ("DescribeVpcBlockPublicAccessOptions", public_access, ""),
    ("DescribeVpcBlockPublicAccessExclusions", |_, _| Ok(json!({"VpcBlockPublicAccessExclusions": []})), "ExclusionIds Filters"),
];

/// As in an account that has never switched it on.
fn public_access(world: &mut World, _: Params<'_>) -> Outcome {
    Ok(json!({"VpcBlockPublicAccessOptions": {
        "AwsRegion": world.region, "State": "default-state", "InternetGatewayBlockMode": "off",
    }}))
}
