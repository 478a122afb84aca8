//! VPCs and what is in them.

use super::*;

#[test]
fn a_region_begins_with_a_default_vpc() {
    let ec2 = ec2();
    let vpc = ec2.get("Vpcs.0.VpcId", "DescribeVpcs", json!({"Filters": filter("is-default", "true")}));
    let of_vpc = json!({"Filters": filter("vpc-id", &vpc)});
    assert_eq!(count(&ec2.ok("DescribeSubnets", of_vpc.clone()), "Subnets"), 3);
    assert_eq!(count(&ec2.ok("DescribeSecurityGroups", of_vpc.clone()), "SecurityGroups"), 1);
    let acls = ec2.ok("DescribeNetworkAcls", of_vpc.clone());
    let numbers: BTreeSet<String> = (0..4).map(|n| text(&acls, &format!("NetworkAcls.0.Entries.{n}.RuleNumber"))).collect();
    assert_eq!(numbers, BTreeSet::from(["100".into(), "32767".into()]));
    let gateway =
        ec2.get("InternetGateways.0.InternetGatewayId", "DescribeInternetGateways", json!({"Filters": filter("attachment.vpc-id", &vpc)}));
    let tables = ec2.ok("DescribeRouteTables", of_vpc);
    assert_eq!(text(&tables, "RouteTables.0.Associations.0.Main"), "true");
    assert_eq!(text(&tables, "RouteTables.0.Routes.0.GatewayId"), "local");
    assert_eq!(text(&tables, "RouteTables.0.Routes.1.GatewayId"), gateway);
}

#[test]
fn a_vpc_is_pending_and_then_available() {
    let ec2 = ec2();
    let made = ec2.ok("CreateVpc", json!({"CidrBlock": "10.1.0.77/16"}));
    assert_eq!((text(&made, "Vpc.State"), text(&made, "Vpc.CidrBlock")), ("pending".into(), "10.1.0.0/16".into()));
    let id = text(&made, "Vpc.VpcId");
    assert_eq!(ec2.get("Vpcs.0.State", "DescribeVpcs", json!({"VpcIds": [id]})), "available");
}

#[test]
fn networks_that_no_vpc_can_have_are_refused() {
    let ec2 = ec2();
    ec2.refuses("InvalidVpc.Range", "CreateVpc", json!({"CidrBlock": "10.0.0.0/8"}));
    ec2.refuses("InvalidVpc.Range", "CreateVpc", json!({"CidrBlock": "10.0.0.0/29"}));
    ec2.refuses("InvalidParameterValue", "CreateVpc", json!({"CidrBlock": "10.0.0/16x"}));
    ec2.refuses("MissingParameter", "CreateVpc", json!({}));
}

#[test]
fn the_sixth_vpc_is_over_the_quota() {
    let ec2 = ec2();
    (0..4).for_each(|_| drop(ec2.vpc()));
    ec2.refuses("VpcLimitExceeded", "CreateVpc", json!({"CidrBlock": "10.0.0.0/16"}));
}

#[test]
fn subnets_lie_in_their_vpc_and_apart() {
    let ec2 = ec2();
    let vpc = ec2.vpc();
    let subnet = ec2.subnet(&vpc, "10.0.1.0/24");
    assert_eq!(ec2.get("Subnets.0.AvailableIpAddressCount", "DescribeSubnets", json!({"SubnetIds": [subnet]})), "251");
    let with = |cidr: &str| json!({"VpcId": vpc, "CidrBlock": cidr});
    ec2.refuses("InvalidSubnet.Conflict", "CreateSubnet", with("10.0.1.128/25"));
    ec2.refuses("InvalidSubnet.Range", "CreateSubnet", with("10.1.0.0/24"));
    ec2.refuses("InvalidSubnet.Range", "CreateSubnet", with("10.0.2.0/29"));
    ec2.refuses(
        "InvalidParameterValue",
        "CreateSubnet",
        json!({"VpcId": vpc, "CidrBlock": "10.0.2.0/24", "AvailabilityZone": "eu-central-1z"}),
    );
    ec2.refuses("InvalidVpcID.NotFound", "CreateSubnet", json!({"VpcId": "vpc-00000000000000000", "CidrBlock": "10.0.2.0/24"}));
}

#[test]
fn attributes_are_changed_one_at_a_time() {
    let ec2 = ec2();
    let vpc = ec2.vpc();
    ec2.ok("ModifyVpcAttribute", json!({"VpcId": vpc, "EnableDnsHostnames": {"Value": true}}));
    let asked = json!({"VpcId": vpc, "Attribute": "enableDnsHostnames"});
    assert_eq!(ec2.get("EnableDnsHostnames.Value", "DescribeVpcAttribute", asked), "true");
    let both = json!({"VpcId": vpc, "EnableDnsHostnames": {"Value": true}, "EnableDnsSupport": {"Value": true}});
    ec2.refuses("InvalidParameterCombination", "ModifyVpcAttribute", both);
    let subnet = ec2.subnet(&vpc, "10.0.1.0/24");
    ec2.ok("ModifySubnetAttribute", json!({"SubnetId": subnet, "MapPublicIpOnLaunch": {"Value": true}}));
    assert_eq!(ec2.get("Subnets.0.MapPublicIpOnLaunch", "DescribeSubnets", json!({"SubnetIds": [subnet]})), "true");
}

#[test]
fn a_vpc_goes_only_when_it_is_empty_and_takes_its_own_things_along() {
    let ec2 = ec2();
    let vpc = ec2.vpc();
    let delete = || json!({"VpcId": vpc});
    let refused = |undo: &str, params: Json| {
        ec2.refuses("DependencyViolation", "DeleteVpc", delete());
        ec2.ok(undo, params);
    };
    refused("DeleteSubnet", json!({"SubnetId": ec2.subnet(&vpc, "10.0.0.0/24")}));
    refused("DeleteSecurityGroup", json!({"GroupId": ec2.group(&vpc, "web")}));
    refused("DeleteRouteTable", json!({"RouteTableId": ec2.table(&vpc)}));
    refused("DetachInternetGateway", json!({"InternetGatewayId": ec2.gateway(&vpc), "VpcId": vpc}));
    let acl = ec2.get("NetworkAcl.NetworkAclId", "CreateNetworkAcl", json!({"VpcId": vpc}));
    refused("DeleteNetworkAcl", json!({"NetworkAclId": acl}));
    ec2.ok("DeleteVpc", delete());
    ec2.refuses("InvalidVpcID.NotFound", "DeleteVpc", delete());
    for (action, member) in
        [("DescribeRouteTables", "RouteTables"), ("DescribeNetworkAcls", "NetworkAcls"), ("DescribeSecurityGroups", "SecurityGroups")]
    {
        assert_eq!(count(&ec2.ok(action, json!({"Filters": filter("vpc-id", &vpc)})), member), 0, "{action}");
    }
}

#[test]
fn a_vpc_has_one_internet_gateway_and_a_gateway_one_vpc() {
    let ec2 = ec2();
    let (vpc, other) = (ec2.vpc(), ec2.vpc());
    let gateway = ec2.gateway(&vpc);
    ec2.refuses("Resource.AlreadyAssociated", "AttachInternetGateway", json!({"InternetGatewayId": gateway, "VpcId": other}));
    let second = ec2.get("InternetGateway.InternetGatewayId", "CreateInternetGateway", json!({}));
    ec2.refuses("InvalidParameterValue", "AttachInternetGateway", json!({"InternetGatewayId": second, "VpcId": vpc}));
    ec2.refuses("Gateway.NotAttached", "DetachInternetGateway", json!({"InternetGatewayId": second, "VpcId": vpc}));
    ec2.refuses("DependencyViolation", "DeleteInternetGateway", json!({"InternetGatewayId": gateway}));
}

#[test]
fn a_route_needs_a_target_that_is_there_and_goes_black_when_it_goes() {
    let ec2 = ec2();
    let vpc = ec2.vpc();
    let (table, gateway) = (ec2.table(&vpc), ec2.gateway(&vpc));
    let to = |cidr: &str, via: &str| json!({"RouteTableId": table, "DestinationCidrBlock": cidr, "GatewayId": via});
    ec2.ok("CreateRoute", to("192.0.2.77/24", &gateway));
    assert_eq!(ec2.route_state(&table, "192.0.2.0/24"), "active");
    ec2.refuses("RouteAlreadyExists", "CreateRoute", to("192.0.2.0/24", &gateway));
    ec2.refuses("RouteAlreadyExists", "CreateRoute", to("10.0.0.0/16", &gateway));
    ec2.refuses("InvalidParameterValue", "CreateRoute", to("10.0.1.0/24", &gateway));
    ec2.refuses("InvalidInternetGatewayID.NotFound", "CreateRoute", to("0.0.0.0/0", "igw-00000000000000000"));
    ec2.refuses("MissingParameter", "CreateRoute", json!({"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0"}));
    ec2.refuses("InvalidParameterValue", "ReplaceRoute", to("0.0.0.0/0", &gateway));
    ec2.refuses("InvalidRoute.NotFound", "DeleteRoute", json!({"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0"}));
    ec2.refuses("InvalidParameterValue", "DeleteRoute", json!({"RouteTableId": table, "DestinationCidrBlock": "10.0.0.0/16"}));
    ec2.ok("DetachInternetGateway", json!({"InternetGatewayId": gateway, "VpcId": vpc}));
    assert_eq!(ec2.route_state(&table, "192.0.2.0/24"), "blackhole");
}

#[test]
fn a_subnet_has_one_route_table() {
    let ec2 = ec2();
    let vpc = ec2.vpc();
    let (subnet, table, other) = (ec2.subnet(&vpc, "10.0.0.0/24"), ec2.table(&vpc), ec2.table(&vpc));
    let with = |table: &str| json!({"RouteTableId": table, "SubnetId": subnet});
    let association = ec2.get("AssociationId", "AssociateRouteTable", with(&table));
    assert_eq!(ec2.get("AssociationId", "AssociateRouteTable", with(&table)), association);
    ec2.refuses("Resource.AlreadyAssociated", "AssociateRouteTable", with(&other));
    ec2.refuses("DependencyViolation", "DeleteRouteTable", json!({"RouteTableId": table}));
    let moved = ec2.get("NewAssociationId", "ReplaceRouteTableAssociation", json!({"AssociationId": association, "RouteTableId": other}));
    ec2.refuses("InvalidAssociationID.NotFound", "DisassociateRouteTable", json!({"AssociationId": association}));
    ec2.ok("DeleteRouteTable", json!({"RouteTableId": table}));
    ec2.ok("DisassociateRouteTable", json!({"AssociationId": moved}));
    ec2.ok("DeleteRouteTable", json!({"RouteTableId": other}));
}

#[test]
fn the_main_table_stays_until_another_takes_its_place() {
    let ec2 = ec2();
    let (vpc, is_main) = (ec2.vpc(), |vpc: &str| {
        json!({"Filters": [
        {"Name": "vpc-id", "Values": [vpc]}, {"Name": "association.main", "Values": ["true"]}]})
    });
    let main = ec2.ok("DescribeRouteTables", is_main(&vpc));
    let (id, association) =
        (text(&main, "RouteTables.0.RouteTableId"), text(&main, "RouteTables.0.Associations.0.RouteTableAssociationId"));
    ec2.refuses("DependencyViolation", "DeleteRouteTable", json!({"RouteTableId": id}));
    ec2.refuses("InvalidParameterValue", "DisassociateRouteTable", json!({"AssociationId": association}));
    let other = ec2.table(&vpc);
    ec2.ok("ReplaceRouteTableAssociation", json!({"AssociationId": association, "RouteTableId": other}));
    assert_eq!(ec2.get("RouteTables.0.RouteTableId", "DescribeRouteTables", is_main(&vpc)), other);
    ec2.ok("DeleteRouteTable", json!({"RouteTableId": id}));
}

#[test]
fn acl_entries_have_numbers_of_their_own_and_networks_without_host_bits() {
    let ec2 = ec2();
    let acl = ec2.get("NetworkAcl.NetworkAclId", "CreateNetworkAcl", json!({"VpcId": ec2.vpc()}));
    let entry = |number: u32, more: Json| {
        let mut entry = json!({"NetworkAclId": acl, "RuleNumber": number, "Protocol": "6", "RuleAction": "allow", "Egress": false,
            "CidrBlock": "100.68.0.18/18", "PortRange": {"From": 443, "To": 443}});
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        entry
    };
    ec2.ok("CreateNetworkAclEntry", entry(100, json!({})));
    ec2.refuses("NetworkAclEntryAlreadyExists", "CreateNetworkAclEntry", entry(100, json!({})));
    ec2.refuses("InvalidParameterValue", "CreateNetworkAclEntry", entry(32_767, json!({})));
    ec2.refuses("MissingParameter", "CreateNetworkAclEntry", entry(110, json!({"PortRange": null})));
    ec2.refuses("MissingParameter", "CreateNetworkAclEntry", entry(110, json!({"Protocol": "icmp"})));
    ec2.refuses("InvalidNetworkAclEntry.NotFound", "ReplaceNetworkAclEntry", entry(110, json!({})));
    ec2.ok("ReplaceNetworkAclEntry", entry(100, json!({"PortRange": {"From": 80, "To": 80}})));
    let shown = ec2.ok("DescribeNetworkAcls", json!({"NetworkAclIds": [acl]}));
    let first = (0..3).map(|n| at(&shown, &format!("NetworkAcls.0.Entries.{n}"))).find(|e| text(e, "RuleNumber") == "100").unwrap();
    assert_eq!((text(first, "CidrBlock"), text(first, "PortRange.From")), ("100.68.0.0/18".into(), "80".into()));
    ec2.ok("DeleteNetworkAclEntry", json!({"NetworkAclId": acl, "RuleNumber": 100, "Egress": false}));
    ec2.refuses(
        "InvalidNetworkAclEntry.NotFound",
        "DeleteNetworkAclEntry",
        json!({"NetworkAclId": acl, "RuleNumber": 100, "Egress": false}),
    );
}

#[test]
fn a_subnet_moves_between_acls_and_holds_the_one_it_is_in() {
    let ec2 = ec2();
    let vpc = ec2.vpc();
    let subnet = ec2.subnet(&vpc, "10.0.0.0/24");
    let acl = ec2.get("NetworkAcl.NetworkAclId", "CreateNetworkAcl", json!({"VpcId": vpc}));
    let default = ec2.ok("DescribeNetworkAcls", json!({"Filters": filter("association.subnet-id", &subnet)}));
    ec2.refuses("InvalidParameterValue", "DeleteNetworkAcl", json!({"NetworkAclId": text(&default, "NetworkAcls.0.NetworkAclId")}));
    let association = text(&default, "NetworkAcls.0.Associations.0.NetworkAclAssociationId");
    ec2.ok("ReplaceNetworkAclAssociation", json!({"AssociationId": association, "NetworkAclId": acl}));
    ec2.refuses("DependencyViolation", "DeleteNetworkAcl", json!({"NetworkAclId": acl}));
    ec2.ok("DeleteSubnet", json!({"SubnetId": subnet}));
    ec2.ok("DeleteNetworkAcl", json!({"NetworkAclId": acl}));
}

#[test]
fn a_nat_gateway_takes_its_time_and_its_address() {
    let ec2 = ec2();
    let vpc = ec2.vpc();
    let (subnet, gateway, table) = (ec2.subnet(&vpc, "10.0.0.0/24"), ec2.gateway(&vpc), ec2.table(&vpc));
    let address = ec2.get("AllocationId", "AllocateAddress", json!({"Domain": "vpc"}));
    ec2.refuses("MissingParameter", "CreateNatGateway", json!({"SubnetId": subnet}));
    let made = ec2.ok("CreateNatGateway", json!({"SubnetId": subnet, "AllocationId": address}));
    let (nat, state) = (text(&made, "NatGateway.NatGatewayId"), || {
        ec2.get("NatGateways.0.State", "DescribeNatGateways", json!({"NatGatewayIds": [text(&made, "NatGateway.NatGatewayId")]}))
    });
    assert_eq!(state(), "pending");
    ec2.wait(4);
    assert_eq!(state(), "available");
    ec2.ok("CreateRoute", json!({"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": nat}));
    ec2.refuses("InvalidIPAddress.InUse", "ReleaseAddress", json!({"AllocationId": address}));
    ec2.refuses("DependencyViolation", "DetachInternetGateway", json!({"InternetGatewayId": gateway, "VpcId": vpc}));
    ec2.ok("DeleteNatGateway", json!({"NatGatewayId": nat}));
    assert_eq!(ec2.route_state(&table, "0.0.0.0/0"), "blackhole");
    ec2.refuses("DependencyViolation", "DeleteSubnet", json!({"SubnetId": subnet}));
    assert_eq!(state(), "deleted");
    ec2.ok("ReleaseAddress", json!({"AllocationId": address}));
    ec2.ok("DeleteSubnet", json!({"SubnetId": subnet}));
    ec2.wait(200);
    ec2.refuses("NatGatewayNotFound", "DescribeNatGateways", json!({"NatGatewayIds": [nat]}));
}

#[test]
fn a_nat_gateway_without_internet_gateway_fails_and_says_why() {
    let ec2 = ec2();
    let subnet = ec2.subnet(&ec2.vpc(), "10.0.0.0/24");
    let address = ec2.get("AllocationId", "AllocateAddress", json!({}));
    ec2.ok("CreateNatGateway", json!({"SubnetId": subnet, "AllocationId": address}));
    ec2.wait(4);
    let shown = ec2.ok("DescribeNatGateways", json!({}));
    assert_eq!(
        (text(&shown, "NatGateways.0.State"), text(&shown, "NatGateways.0.FailureCode")),
        ("failed".into(), "Gateway.NotAttached".into())
    );
}
