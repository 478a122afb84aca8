//! Ways into and out of a VPC that no resource type of secnet's manages yet: read alone. Layer 1.

use crate::{action, ec2::Action, shown, words};

shown! {
    VpcPeeringConnection(accepter_vpc_info, requester_vpc_info, status, tags, vpc_peering_connection_id);
    VpcPeeringConnectionVpcInfo(cidr_block, cidr_block_set, ipv6_cidr_block_set, owner_id, region, vpc_id);
    VpcPeeringConnectionStateReason(code, message);
    CidrBlock(cidr_block);
    Ipv6CidrBlock(ipv6_cidr_block);
    VpcEndpoint(network_interface_ids, route_table_ids, service_name, state, vpc_endpoint_id, vpc_endpoint_type, vpc_id);
    EgressOnlyInternetGateway(attachments, egress_only_internet_gateway_id);
    VpcBlockPublicAccessOptions(aws_account_id, aws_region, internet_gateway_block_mode, state);
    VpcBlockPublicAccessExclusion(exclusion_id, internet_gateway_exclusion_mode, resource_arn, state);
}

words! {
    VpcPeeringConnectionStateReasonCode, State, VpcEndpointType, InternetGatewayBlockMode, VpcBlockPublicAccessState,
    InternetGatewayExclusionMode, VpcBlockPublicAccessExclusionState,
}

/// The actions.
pub const ACTIONS: &[Action] = &[
    action!(DescribeVpcPeeringConnections: describe_vpc_peering_connections(set_filters, set_max_results, set_next_token)
        -> (next_token, vpc_peering_connections)),
    action!(DescribeVpcEndpoints: describe_vpc_endpoints(set_filters, set_max_results, set_next_token) -> (next_token, vpc_endpoints)),
    action!(DescribeEgressOnlyInternetGateways: describe_egress_only_internet_gateways(set_filters, set_max_results, set_next_token)
        -> (egress_only_internet_gateways, next_token)),
    action!(DescribeVpcBlockPublicAccessOptions: describe_vpc_block_public_access_options() -> (vpc_block_public_access_options)),
    action!(DescribeVpcBlockPublicAccessExclusions: describe_vpc_block_public_access_exclusions(set_filters, set_max_results, set_next_token)
        -> (next_token, vpc_block_public_access_exclusions)),
];
