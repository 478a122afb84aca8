//! EC2's refusals: codes and words as the API reference and the service have them. Layer 8.

use crate::call::{ApiError, Json};

/// What a handler answers.
pub(crate) type Outcome = Result<Json, ApiError>;

/// A refusal.
pub(crate) fn refuse(code: &str, message: impl Into<String>) -> ApiError {
    ApiError::new(code, message)
}

/// `InvalidParameterValue`.
pub(crate) fn bad(message: impl Into<String>) -> ApiError {
    refuse("InvalidParameterValue", message)
}

/// `InvalidParameterCombination`.
pub(crate) fn clash(message: impl Into<String>) -> ApiError {
    refuse("InvalidParameterCombination", message)
}

/// `InvalidParameterValue` of one parameter, in EC2's words.
pub(crate) fn invalid(parameter: &str, value: &Json, why: &str) -> ApiError {
    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    bad(format!("Value ({value}) for parameter {parameter} is invalid. {why}").trim_end())
}

/// `MissingParameter`.
pub(crate) fn missing(parameter: &str) -> ApiError {
    refuse("MissingParameter", format!("The request must contain the parameter {parameter}"))
}

/// `DependencyViolation` of something that cannot go yet.
pub(crate) fn in_use(noun: &str, id: &str) -> ApiError {
    refuse("DependencyViolation", format!("The {noun} '{id}' has dependencies and cannot be deleted."))
}

/// A kind of id: its prefix, and what EC2 says of an id that is malformed or names nothing.
struct IdKind(&'static str, &'static str, &'static str, &'static str);

/// From "Error codes for the Amazon EC2 API"; an attachment's and an association's come last, since their prefixes begin as others do.
const KINDS: &[IdKind] = &[
    IdKind("vpc", "InvalidVpcID.Malformed", "InvalidVpcID.NotFound", "vpc ID"),
    IdKind("subnet", "InvalidSubnetID.Malformed", "InvalidSubnetID.NotFound", "subnet ID"),
    IdKind("igw", "InvalidInternetGatewayId.Malformed", "InvalidInternetGatewayID.NotFound", "internetGateway ID"),
    IdKind("rtb", "InvalidRouteTableId.Malformed", "InvalidRouteTableID.NotFound", "routeTable ID"),
    IdKind("acl", "InvalidNetworkAclId.Malformed", "InvalidNetworkAclID.NotFound", "networkAcl ID"),
    IdKind("sg", "InvalidGroupId.Malformed", "InvalidGroup.NotFound", "security group"),
    IdKind("sgr", "InvalidSecurityGroupRuleId.Malformed", "InvalidSecurityGroupRuleId.NotFound", "security group rule ID"),
    IdKind("eipalloc", "InvalidAllocationID.Malformed", "InvalidAllocationID.NotFound", "allocation ID"),
    IdKind("nat", "NatGatewayMalformed", "NatGatewayNotFound", "NatGateway"),
    IdKind("eni", "InvalidNetworkInterfaceId.Malformed", "InvalidNetworkInterfaceID.NotFound", "networkInterface ID"),
    IdKind("i", "InvalidInstanceID.Malformed", "InvalidInstanceID.NotFound", "instance ID"),
    IdKind("ami", "InvalidAMIID.Malformed", "InvalidAMIID.NotFound", "image id"),
    IdKind("snap", "InvalidSnapshotID.Malformed", "InvalidSnapshot.NotFound", "snapshot"),
    IdKind("vol", "InvalidVolumeID.Malformed", "InvalidVolume.NotFound", "volume"),
    IdKind("key", "InvalidKeyPair.Malformed", "InvalidKeyPair.NotFound", "key pair"),
    IdKind("pg", "InvalidPlacementGroupId.Malformed", "InvalidPlacementGroup.Unknown", "placement group"),
    IdKind("scr", "InvalidSubnetCidrReservationID.Malformed", "InvalidSubnetCidrReservationID.NotFound", "subnet CIDR reservation ID"),
    IdKind("lt", "InvalidLaunchTemplateId.Malformed", "InvalidLaunchTemplateId.NotFound", "launch template ID"),
    IdKind("tgw", "InvalidTransitGatewayID.Malformed", "InvalidTransitGatewayID.NotFound", "transitGateway ID"),
    IdKind(
        "tgw-attach",
        "InvalidTransitGatewayAttachmentID.Malformed",
        "InvalidTransitGatewayAttachmentID.NotFound",
        "transitGatewayAttachment ID",
    ),
    IdKind("tgw-rtb", "InvalidRouteTableID.Malformed", "InvalidRouteTableID.NotFound", "transitGatewayRouteTable ID"),
    IdKind("pcx", "InvalidVpcPeeringConnectionId.Malformed", "InvalidVpcPeeringConnectionID.NotFound", "vpcPeeringConnection ID"),
    IdKind("vpce", "InvalidVpcEndpointId.Malformed", "InvalidVpcEndpointId.NotFound", "Vpc Endpoint Id"),
    IdKind("dopt", "InvalidDhcpOptionsId.Malformed", "InvalidDhcpOptionID.NotFound", "dhcpOption ID"),
    IdKind("eigw", "InvalidGatewayID.Malformed", "InvalidGatewayID.NotFound", "eigw ID"),
    IdKind("vgw", "InvalidVpnGatewayID.Malformed", "InvalidVpnGatewayID.NotFound", "vpnGateway ID"),
    IdKind("vpn", "InvalidVpnConnectionID.Malformed", "InvalidVpnConnectionID.NotFound", "vpnConnection ID"),
    IdKind("cgw", "InvalidCustomerGatewayId.Malformed", "InvalidCustomerGatewayID.NotFound", "customerGateway ID"),
    IdKind("pl", "InvalidPrefixListId.Malformed", "InvalidPrefixListID.NotFound", "prefix list ID"),
    IdKind(
        "eice",
        "InvalidInstanceConnectEndpointId.Malformed",
        "InvalidInstanceConnectEndpointId.NotFound",
        "instance connect endpoint ID",
    ),
    IdKind("fl", "InvalidFlowLogId.Malformed", "InvalidFlowLogId.NotFound", "flow log ID"),
    IdKind(
        "vpcbpa-exclude",
        "InvalidVpcBlockPublicAccessExclusionId.Malformed",
        "InvalidVpcBlockPublicAccessExclusionId.NotFound",
        "VPC Block Public Access exclusion ID",
    ),
    IdKind("eni-attach", "InvalidAttachmentID.Malformed", "InvalidAttachmentID.NotFound", "attachment ID"),
    IdKind("eipassoc", "InvalidAssociationID.Malformed", "InvalidAssociationID.NotFound", "association ID"),
    IdKind("rtbassoc", "InvalidAssociationID.Malformed", "InvalidAssociationID.NotFound", "association ID"),
    IdKind("aclassoc", "InvalidAssociationID.Malformed", "InvalidAssociationID.NotFound", "association ID"),
    IdKind(
        "vpc-cidr-assoc",
        "InvalidAssociationID.Malformed",
        "InvalidVpcCidrBlockAssociationID.NotFound",
        "vpc CIDR block association ID",
    ),
    IdKind(
        "subnet-cidr-assoc",
        "InvalidAssociationID.Malformed",
        "InvalidSubnetCidrBlockAssociationID.NotFound",
        "subnet CIDR block association ID",
    ),
];

/// `vpc` of `vpc-0123456789abcdef0`.
pub(crate) fn prefix_of(id: &str) -> &str {
    id.rsplit_once('-').map_or("", |(prefix, _)| prefix)
}

/// Whether an id looks like one: eight or seventeen hexadecimal digits after the prefix.
pub(crate) fn well_formed(prefix: &str, id: &str) -> bool {
    let digits = id.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-'));
    digits.is_some_and(|d| matches!(d.len(), 8 | 17) && d.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
}

/// Says that an id names nothing, or is none at all.
pub(crate) fn no_such(prefix: &str, id: &str) -> ApiError {
    let Some(IdKind(_, malformed, not_found, noun)) = KINDS.iter().find(|k| k.0 == prefix) else {
        return refuse("InvalidID", format!("The ID '{id}' is not valid"));
    };
    match prefix {
        _ if !well_formed(prefix, id) => refuse(malformed, format!("Invalid id: \"{id}\" (expecting \"{prefix}-...\")")),
        "ami" => refuse(not_found, format!("The image id '[{id}]' does not exist")),
        "nat" => refuse(not_found, format!("The Nat Gateway {id} was not found")),
        _ => refuse(not_found, format!("The {noun} '{id}' does not exist")),
    }
}

/// Says that an id of any kind names nothing.
pub(crate) fn unknown(id: &str) -> ApiError {
    no_such(prefix_of(id), id)
}
