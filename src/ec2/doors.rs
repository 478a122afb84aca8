//! Ways into and out of a VPC that no resource type of secnet's manages yet: read alone. Layer 1.

use crate::{action, ec2::Action, shown, words};

shown! {
    CidrBlock(cidr_block);
    Ipv6CidrBlock(ipv6_cidr_block);
    VpnGateway(state, tags, vpc_attachments, vpn_gateway_id);
    VpcAttachment(state, vpc_id);
}

words! {
    VpnState,
}

/// The actions.
pub const ACTIONS: &[Action] = &[action!(DescribeVpnGateways: describe_vpn_gateways(set_filters) -> (vpn_gateways))];
