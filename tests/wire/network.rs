//! VPCs, subnets, gateways and route tables.

use secnet::call::{Class, Driver};
use serde_json::json;

use super::ec2::{REGION, connect, moto, observe, refused, send, shown, shown_parts, subnet, tags, text, vpc};

#[tokio::test]
async fn the_caller_and_the_zones_are_known() {
    let ec2 = connect(moto()).await;
    assert_eq!((ec2.region(), &*ec2.describe()), (REGION, moto()));
    let caller = send(&ec2, "GetCallerIdentity", json!({})).await;
    assert_eq!(text(&caller, "/Account"), "123456789012");
    assert!(text(&caller, "/Arn").starts_with("arn:aws:"));
    let zones = send(&ec2, "DescribeAvailabilityZones", json!({"Filters": [{"Name": "zone-name", "Values": ["us-east-1a"]}]})).await;
    assert_eq!(text(&zones, "/AvailabilityZones/0/ZoneName"), "us-east-1a");
}

#[tokio::test]
async fn a_vpc_is_read_back_as_it_was_made() {
    let ec2 = connect(moto()).await;
    let id = vpc(&ec2).await;
    let hostnames = json!({"VpcId": id, "EnableDnsHostnames": {"Value": true}});
    send(&ec2, "ModifyVpcAttribute", hostnames).await;
    let attribute = send(&ec2, "DescribeVpcAttribute", json!({"VpcId": id, "Attribute": "enableDnsHostnames"})).await;
    assert_eq!(attribute["EnableDnsHostnames"], json!({"Value": true}));

    let observed = observe(&ec2, "vpc", &id).await.unwrap();
    let wanted = ["cidr_block = 10.0.0.0/16", "dhcp_options = \"default\"", "instance_tenancy = \"default\"", "is_default = false"];
    assert!(wanted.iter().all(|w| shown(&observed).contains(&(*w).to_owned())), "{:?}", shown(&observed));
    assert_eq!(observed.tags.into_iter().collect::<Vec<_>>(), [("Owner", "Ali"), ("secnet:id", "1")].map(|(k, v)| (k.into(), v.into())));

    send(&ec2, "DeleteVpc", json!({"VpcId": id})).await;
    assert_eq!(observe(&ec2, "vpc", &id).await, None);
    let error = refused(&ec2, "DeleteVpc", json!({"VpcId": id})).await;
    assert_eq!((error.class, &*error.code), (Class::NotFound, "InvalidVpcID.NotFound"));
    assert!(error.request_id.is_some());
}

#[tokio::test]
async fn tags_change_and_go() {
    let ec2 = connect(moto()).await;
    let id = vpc(&ec2).await;
    send(&ec2, "CreateTags", json!({"Resources": [id], "Tags": [{"Key": "Owner", "Value": "Bo"}, {"Key": "Empty", "Value": ""}]})).await;
    send(&ec2, "DeleteTags", json!({"Resources": [id], "Tags": [{"Key": "secnet:id"}]})).await;
    let tags = observe(&ec2, "vpc", &id).await.unwrap().tags;
    assert_eq!(tags.into_iter().collect::<Vec<_>>(), [("Empty", ""), ("Owner", "Bo")].map(|(k, v)| (k.into(), v.into())));
    let listed = send(&ec2, "DescribeTags", json!({"Filters": [{"Name": "resource-id", "Values": [id]}]})).await;
    assert_eq!(listed["Tags"].as_array().unwrap().len(), 2);
    assert_eq!(text(&listed, "/Tags/0/ResourceType"), "vpc");
}

#[tokio::test]
async fn a_subnet_is_read_back_as_it_was_made() {
    let ec2 = connect(moto()).await;
    let vpc = vpc(&ec2).await;
    let params = json!({"VpcId": vpc, "CidrBlock": "10.0.1.0/24", "AvailabilityZone": "us-east-1b", "TagSpecifications": tags("subnet")});
    let id = text(&send(&ec2, "CreateSubnet", params).await, "/Subnet/SubnetId");
    send(&ec2, "ModifySubnetAttribute", json!({"SubnetId": id, "MapPublicIpOnLaunch": {"Value": true}})).await;
    let observed = observe(&ec2, "subnet", &id).await.unwrap();
    let wanted = [
        "availability_zone = \"us-east-1b\"".to_owned(),
        "cidr_block = 10.0.1.0/24".to_owned(),
        format!("id = \"{id}\""),
        "map_public_ip_on_launch = true".to_owned(),
        format!("vpc = \"{vpc}\""),
    ];
    assert!(wanted.iter().all(|w| shown(&observed).contains(w)), "{:?}", shown(&observed));
    send(&ec2, "DeleteSubnet", json!({"SubnetId": id})).await;
    assert_eq!(refused(&ec2, "DeleteSubnet", json!({"SubnetId": id})).await.class, Class::NotFound);
}

#[tokio::test]
async fn a_gateway_is_attached_and_routed_to() {
    let ec2 = connect(moto()).await;
    let (vpc, made) = (vpc(&ec2).await, json!({"TagSpecifications": tags("internet-gateway")}));
    let gateway = text(&send(&ec2, "CreateInternetGateway", made).await, "/InternetGateway/InternetGatewayId");
    let both = json!({"InternetGatewayId": gateway, "VpcId": vpc});
    send(&ec2, "AttachInternetGateway", both.clone()).await;
    assert_eq!(refused(&ec2, "AttachInternetGateway", both.clone()).await.code, "Resource.AlreadyAssociated");
    let observed = observe(&ec2, "internet_gateway", &gateway).await.unwrap();
    assert_eq!(shown_parts("internet_gateway", &observed), [format!("attachment to {vpc}")]);

    let made = json!({"VpcId": vpc, "ClientToken": "token-1", "TagSpecifications": tags("route-table")});
    let table = text(&send(&ec2, "CreateRouteTable", made).await, "/RouteTable/RouteTableId");
    let route = json!({"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway});
    send(&ec2, "CreateRoute", route.clone()).await;
    let subnet = subnet(&ec2, &vpc).await;
    let association = text(&send(&ec2, "AssociateRouteTable", json!({"RouteTableId": table, "SubnetId": subnet})).await, "/AssociationId");
    let observed = observe(&ec2, "route_table", &table).await.unwrap();
    assert_eq!(shown_parts("route_table", &observed), [format!("route 0.0.0.0/0 via {gateway}"), format!("association with {subnet}")]);
    send(&ec2, "ReplaceRoute", route).await;

    send(&ec2, "DisassociateRouteTable", json!({"AssociationId": association})).await;
    send(&ec2, "DeleteRoute", json!({"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0"})).await;
    assert_eq!(observe(&ec2, "route_table", &table).await.unwrap().parts, vec![]);
    send(&ec2, "DeleteRouteTable", json!({"RouteTableId": table})).await;
    send(&ec2, "DetachInternetGateway", both).await;
    send(&ec2, "DeleteInternetGateway", json!({"InternetGatewayId": gateway})).await;
    assert_eq!(observe(&ec2, "internet_gateway", &gateway).await, None);
}

#[tokio::test]
async fn a_nat_gateway_takes_an_address_and_lists_it() {
    let ec2 = connect(moto()).await;
    let vpc = vpc(&ec2).await;
    let subnet = subnet(&ec2, &vpc).await;
    let made = json!({"Domain": "vpc", "TagSpecifications": tags("elastic-ip")});
    let address = text(&send(&ec2, "AllocateAddress", made).await, "/AllocationId");
    let made = json!({
        "SubnetId": subnet, "AllocationId": address, "ConnectivityType": "public", "ClientToken": "token-1",
        "TagSpecifications": tags("natgateway"),
    });
    let gateway = text(&send(&ec2, "CreateNatGateway", made).await, "/NatGateway/NatGatewayId");
    let observed = observe(&ec2, "nat_gateway", &gateway).await.unwrap();
    assert!(shown(&observed).contains(&format!("elastic_ip = \"{address}\"")), "{:?}", shown(&observed));
    assert!(shown(&observed).contains(&format!("subnet = \"{subnet}\"")), "{:?}", shown(&observed));
    send(&ec2, "DeleteNatGateway", json!({"NatGatewayId": gateway})).await;
    assert_eq!(observe(&ec2, "nat_gateway", &gateway).await, None);
    send(&ec2, "ReleaseAddress", json!({"AllocationId": address})).await;
    assert_eq!(refused(&ec2, "ReleaseAddress", json!({"AllocationId": address})).await.class, Class::NotFound);
}
