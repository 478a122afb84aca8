//! What kinds of things an action of EC2's is authorised on. Layer 6.
//!
//! Source: the Service Authorization Reference, "Actions, resources, and condition keys for Amazon EC2"
//! (<https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html>), as of its state in
//! early 2026; which actions take `DryRun` is in EC2's own service model. All of what unmakes a thing (`Delete*`,
//! `ReleaseAddress`, `TerminateInstances`) looks at that thing's tags (`aws:ResourceTag`) by the same source.

use crate::call::service;

/// Kinds, and the actions that are authorised on them. One with a `*` always; the others where a request is about such a thing.
///
/// So is what the id of an association hides that it joins: an interface's address, a subnet's table.
///
/// Of `CreateTags` and `DeleteTags` every kind that can be tagged may be the object. What is not here is authorised on
/// everything at once: all but a few of the actions that read.
const TABLE: &[(&str, &str)] = &[
    ("", "DisableEbsEncryptionByDefault EnableEbsEncryptionByDefault ModifyVpcBlockPublicAccessOptions"),
    ("customer-gateway*", "CreateCustomerGateway DeleteCustomerGateway"),
    ("customer-gateway* vpn-connection* transit-gateway transit-gateway-attachment vpn-gateway", "CreateVpnConnection"),
    ("dhcp-options*", "CreateDhcpOptions DeleteDhcpOptions"),
    ("dhcp-options* vpc*", "AssociateDhcpOptions"),
    ("egress-only-internet-gateway*", "DeleteEgressOnlyInternetGateway"),
    ("egress-only-internet-gateway* vpc*", "CreateEgressOnlyInternetGateway"),
    ("elastic-ip", "ReleaseAddress"),
    ("elastic-ip instance network-interface", "AssociateAddress"),
    ("elastic-ip* network-interface*", "DisassociateAddress"),
    ("elastic-ip*", "AllocateAddress"),
    ("elastic-ip* natgateway*", "AssociateNatGatewayAddress"),
    ("elastic-ip* natgateway* network-interface", "DisassociateNatGatewayAddress"),
    ("image* instance* network-interface* security-group* subnet* key-pair launch-template snapshot volume", "RunInstances"),
    (
        "instance*",
        "AssociateIamInstanceProfile DescribeInstanceAttribute DisassociateIamInstanceProfile GetConsoleOutput ModifyInstanceCreditSpecification \
         ModifyInstanceMetadataOptions ModifyInstancePlacement MonitorInstances RebootInstances ReplaceIamInstanceProfileAssociation \
         ResetInstanceAttribute StartInstances StopInstances TerminateInstances UnmonitorInstances",
    ),
    ("instance* network-interface*", "AttachNetworkInterface DetachNetworkInterface"),
    ("instance* security-group volume", "ModifyInstanceAttribute"),
    ("instance* volume*", "AttachVolume"),
    ("instance-connect-endpoint*", "DeleteInstanceConnectEndpoint"),
    ("instance-connect-endpoint* security-group", "ModifyInstanceConnectEndpoint"),
    ("instance-connect-endpoint* subnet* security-group", "CreateInstanceConnectEndpoint"),
    ("internet-gateway route-table* subnet vpn-gateway", "DisassociateRouteTable"),
    ("internet-gateway*", "CreateInternetGateway DeleteInternetGateway"),
    ("internet-gateway* vpc*", "AttachInternetGateway DetachInternetGateway"),
    ("key-pair", "DeleteKeyPair"),
    ("key-pair*", "CreateKeyPair ImportKeyPair"),
    (
        "launch-template*",
        "CreateLaunchTemplate CreateLaunchTemplateVersion DeleteLaunchTemplate DeleteLaunchTemplateVersions \
         ModifyLaunchTemplate",
    ),
    ("natgateway*", "AssignPrivateNatGatewayAddress DeleteNatGateway UnassignPrivateNatGatewayAddress"),
    ("natgateway* elastic-ip subnet vpc", "CreateNatGateway"),
    ("network-acl*", "CreateNetworkAclEntry DeleteNetworkAcl DeleteNetworkAclEntry ReplaceNetworkAclEntry"),
    ("network-acl* subnet*", "ReplaceNetworkAclAssociation"),
    ("network-acl* vpc*", "CreateNetworkAcl"),
    (
        "network-interface*",
        "AssignIpv6Addresses AssignPrivateIpAddresses DeleteNetworkInterface ResetNetworkInterfaceAttribute \
         UnassignIpv6Addresses UnassignPrivateIpAddresses",
    ),
    ("network-interface* instance security-group subnet", "ModifyNetworkInterfaceAttribute"),
    ("network-interface* subnet* security-group", "CreateNetworkInterface"),
    ("placement-group*", "CreatePlacementGroup DeletePlacementGroup"),
    (
        "prefix-list*",
        "CreateManagedPrefixList DeleteManagedPrefixList GetManagedPrefixListAssociations GetManagedPrefixListEntries \
         ModifyManagedPrefixList RestoreManagedPrefixListVersion",
    ),
    ("prefix-list* transit-gateway-route-table*", "DeleteTransitGatewayPrefixListReference"),
    (
        "prefix-list* transit-gateway-route-table* transit-gateway-attachment",
        "CreateTransitGatewayPrefixListReference ModifyTransitGatewayPrefixListReference",
    ),
    ("route-table*", "CreateRoute DeleteRoute DeleteRouteTable ReplaceRoute"),
    ("route-table* internet-gateway subnet vpn-gateway", "AssociateRouteTable ReplaceRouteTableAssociation"),
    ("route-table* vpc*", "CreateRouteTable"),
    ("route-table* vpn-gateway*", "DisableVgwRoutePropagation EnableVgwRoutePropagation"),
    (
        "security-group*",
        "DeleteSecurityGroup DescribeSecurityGroupReferences RevokeSecurityGroupEgress RevokeSecurityGroupIngress \
         UpdateSecurityGroupRuleDescriptionsEgress UpdateSecurityGroupRuleDescriptionsIngress",
    ),
    ("security-group* security-group-rule", "AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress"),
    ("security-group* security-group-rule* prefix-list", "ModifySecurityGroupRules"),
    ("security-group* vpc", "CreateSecurityGroup DisassociateSecurityGroupVpc"),
    ("security-group* vpc*", "AssociateSecurityGroupVpc"),
    (
        "subnet*",
        "AssociateSubnetCidrBlock CreateSubnetCidrReservation DeleteSubnet DeleteSubnetCidrReservation DisassociateSubnetCidrBlock \
         ModifySubnetAttribute",
    ),
    ("snapshot*", "DeleteSnapshot"),
    ("snapshot* volume*", "CreateSnapshot"),
    ("subnet* transit-gateway* transit-gateway-attachment* vpc*", "CreateTransitGatewayVpcAttachment"),
    ("subnet* vpc*", "CreateSubnet"),
    ("transit-gateway*", "CreateTransitGateway DeleteTransitGateway"),
    ("transit-gateway* transit-gateway-attachment*", "CreateTransitGatewayPeeringAttachment"),
    ("transit-gateway* transit-gateway-route-table", "ModifyTransitGateway"),
    ("transit-gateway* transit-gateway-route-table*", "CreateTransitGatewayRouteTable"),
    (
        "transit-gateway-attachment*",
        "AcceptTransitGatewayPeeringAttachment AcceptTransitGatewayVpcAttachment DeleteTransitGatewayPeeringAttachment \
         DeleteTransitGatewayVpcAttachment RejectTransitGatewayPeeringAttachment RejectTransitGatewayVpcAttachment",
    ),
    ("transit-gateway-attachment* subnet", "ModifyTransitGatewayVpcAttachment"),
    ("transit-gateway-attachment* transit-gateway-route-table*", "AssociateTransitGatewayRouteTable DisassociateTransitGatewayRouteTable"),
    ("transit-gateway-route-table*", "DeleteTransitGatewayRoute DeleteTransitGatewayRouteTable SearchTransitGatewayRoutes"),
    (
        "transit-gateway-route-table* transit-gateway-attachment",
        "CreateTransitGatewayRoute DisableTransitGatewayRouteTablePropagation EnableTransitGatewayRouteTablePropagation \
         ReplaceTransitGatewayRoute",
    ),
    ("volume*", "DeleteVolume ModifyVolume"),
    ("volume* instance", "DetachVolume"),
    ("volume* snapshot", "CreateVolume"),
    ("vpc", "DisassociateVpcCidrBlock"),
    ("vpc*", "AssociateVpcCidrBlock CreateVpc DeleteVpc DescribeVpcAttribute GetSecurityGroupsForVpc ModifyVpcAttribute ModifyVpcTenancy"),
    ("vpc* vpc-endpoint* route-table security-group subnet", "CreateVpcEndpoint"),
    ("vpc* vpc-peering-connection*", "AcceptVpcPeeringConnection CreateVpcPeeringConnection"),
    ("vpc* vpn-gateway*", "AttachVpnGateway DetachVpnGateway"),
    ("vpc-block-public-access-exclusion*", "DeleteVpcBlockPublicAccessExclusion ModifyVpcBlockPublicAccessExclusion"),
    ("vpc-block-public-access-exclusion* subnet vpc", "CreateVpcBlockPublicAccessExclusion"),
    ("vpc-endpoint*", "DeleteVpcEndpoints"),
    ("vpc-endpoint* route-table security-group subnet", "ModifyVpcEndpoint"),
    ("vpc-flow-log*", "DeleteFlowLogs"),
    ("vpc-flow-log* natgateway network-interface subnet transit-gateway transit-gateway-attachment vpc", "CreateFlowLogs"),
    ("vpc-peering-connection*", "DeleteVpcPeeringConnection ModifyVpcPeeringConnectionOptions RejectVpcPeeringConnection"),
    (
        "vpn-connection*",
        "CreateVpnConnectionRoute DeleteVpnConnection DeleteVpnConnectionRoute ModifyVpnConnection ModifyVpnConnectionOptions \
         ModifyVpnTunnelOptions",
    ),
    ("vpn-gateway*", "CreateVpnGateway DeleteVpnGateway"),
];

/// Actions that change something and take no `DryRun`.
const NO_DRY_RUN: [&str; 16] = [
    "AssignIpv6Addresses",
    "AssignPrivateIpAddresses",
    "AssociateIamInstanceProfile",
    "AssociateSubnetCidrBlock",
    "AssociateVpcCidrBlock",
    "CreateVpnConnectionRoute",
    "DeleteVpnConnectionRoute",
    "DisassociateIamInstanceProfile",
    "DisassociateSubnetCidrBlock",
    "DisassociateVpcCidrBlock",
    "ModifyInstancePlacement",
    "ModifySubnetAttribute",
    "ModifyVpcAttribute",
    "ReplaceIamInstanceProfileAssociation",
    "UnassignIpv6Addresses",
    "UnassignPrivateIpAddresses",
];

/// A kind of thing that an action is authorised on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Object {
    /// As its ARN has it, and its tags' `ResourceType`: `natgateway`.
    pub kind: &'static str,
    /// Whether it is in every request.
    pub always: bool,
}

/// What an action is authorised on; nothing where it is on everything at once.
#[must_use]
pub fn objects(action: &str) -> Vec<Object> {
    let row = TABLE.iter().find(|(_, actions)| actions.split(' ').any(|a| a == action));
    let object = |word: &'static str| Object { kind: word.trim_end_matches('*'), always: word.ends_with('*') };
    row.map(|(kinds, _)| kinds.split(' ').filter(|k| !k.is_empty()).map(object).collect()).unwrap_or_default()
}

/// Whether the table knows an action.
#[must_use]
pub fn knows(action: &str) -> bool {
    matches!(action, "CreateTags" | "DeleteTags") || TABLE.iter().any(|(_, actions)| actions.split(' ').any(|a| a == action))
}

/// Whether an action can be asked for its permission and nothing else.
#[must_use]
pub fn takes_dry_run(action: &str) -> bool {
    service(action) == "ec2" && !NO_DRY_RUN.contains(&action)
}

/// What else a caller needs who gives a role to a service: action, parameter that gives it, the service.
pub const PASSES: [(&str, &str, &str); 4] = [
    ("RunInstances", "IamInstanceProfile", "ec2.amazonaws.com"),
    ("AssociateIamInstanceProfile", "IamInstanceProfile", "ec2.amazonaws.com"),
    ("ReplaceIamInstanceProfileAssociation", "IamInstanceProfile", "ec2.amazonaws.com"),
    ("CreateFlowLogs", "DeliverLogsPermissionArn", "vpc-flow-logs.amazonaws.com"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn an_action_stands_once() {
        let mut seen = BTreeSet::new();
        let twice: Vec<&str> = TABLE.iter().flat_map(|(_, actions)| actions.split(' ')).filter(|a| !seen.insert(*a)).collect();
        assert_eq!(twice, [""; 0]);
        assert!(NO_DRY_RUN.iter().all(|action| knows(action)));
    }

    #[test]
    fn kinds_are_told() {
        let attach = objects("AttachInternetGateway");
        let both = ["internet-gateway", "vpc"].map(|kind| Object { kind, always: true });
        assert_eq!(attach, both);
        assert_eq!(objects("DescribeVpcs"), []);
    }
}
