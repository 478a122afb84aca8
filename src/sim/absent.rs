//! What stands around a network in EC2 and cannot be made in the sandbox: lists that are empty. Layer 8.

use serde_json::json;

use crate::sim::Actions;

pub(crate) const ACTIONS: Actions = &[("DescribeVpnGateways", |_, _| Ok(json!({"VpnGateways": []})), "VpnGatewayIds Filters")];
