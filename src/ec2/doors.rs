//! Ways into and out of a VPC that no resource type of secnet's manages yet: read alone. Layer 1.

use crate::{action, ec2::Action, shown, words};

shown! {
    VpcPeeringConnection(accepter_vpc_info, requester_vpc_info, status, tags, vpc_peering_connection_id);
    VpcPeeringConnectionVpcInfo(cidr_block, cidr_block_set, ipv6_cidr_block_set, owner_id, region, vpc_id);
    VpcPeeringConnectionStateReason(code, message);
    CidrBlock(cidr_block);
    Ipv6CidrBlock(ipv6_cidr_block);
    VpnGateway(state, tags, vpc_attachments, vpn_gateway_id);
    VpcAttachment(state, vpc_id);
    EgressOnlyInternetGateway(attachments, egress_only_internet_gateway_id);
}

words! {
    VpcPeeringConnectionStateReasonCode, VpnState,
}

/// The actions.
pub const ACTIONS: &[Action] = &[
    action!(DescribeVpcPeeringConnections: describe_vpc_peering_connections(set_filters, set_max_results, set_next_token)
        -> (next_token, vpc_peering_connections)),
    action!(DescribeVpnGateways: describe_vpn_gateways(set_filters) -> (vpn_gateways)),
    action!(DescribeEgressOnlyInternetGateways: describe_egress_only_internet_gateways(set_filters, set_max_results, set_next_token)
        -> (egress_only_internet_gateways, next_token)),
];
