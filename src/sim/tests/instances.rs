//! Instances, their interfaces, addresses and disks.

use super::*;

#[test]
fn an_instance_is_pending_runs_stops_and_goes() {
    let ec2 = ec2();
    let subnet = ec2.subnet(&ec2.vpc(), "10.0.0.0/24");
    let id = ec2.run(&subnet);
    assert_eq!(ec2.instance_state(&id), "pending");
    ec2.refuses("IncorrectInstanceState", "StopInstances", json!({"InstanceIds": [id]}));
    assert_eq!(ec2.instance_state(&id), "running");
    ec2.refuses("IncorrectInstanceState", "ModifyInstanceAttribute", json!({"InstanceId": id, "InstanceType": {"Value": "t3.small"}}));
    ec2.ok("StopInstances", json!({"InstanceIds": [id]}));
    ec2.refuses("IncorrectInstanceState", "RebootInstances", json!({"InstanceIds": [id]}));
    ec2.ok("ModifyInstanceAttribute", json!({"InstanceId": id, "InstanceType": {"Value": "t3.small"}}));
    ec2.ok("StartInstances", json!({"InstanceIds": [id]}));
    assert_eq!(ec2.instance_state(&id), "pending");
    ec2.ok("TerminateInstances", json!({"InstanceIds": [id]}));
    assert_eq!(ec2.instance_state(&id), "shutting-down");
    ec2.refuses("DependencyViolation", "DeleteSubnet", json!({"SubnetId": subnet}));
    assert_eq!(ec2.instance_state(&id), "terminated");
    ec2.refuses("IncorrectInstanceState", "StartInstances", json!({"InstanceIds": [id]}));
    ec2.ok("TerminateInstances", json!({"InstanceIds": [id]}));
    ec2.ok("RebootInstances", json!({"InstanceIds": [id]}));
    ec2.ok("DeleteSubnet", json!({"SubnetId": subnet}));
    ec2.wait(200);
    ec2.refuses("InvalidInstanceID.NotFound", "DescribeInstances", json!({"InstanceIds": [id]}));
}

#[test]
fn a_launch_is_refused_for_what_does_not_exist_or_fit() {
    let ec2 = ec2();
    let vpc = ec2.vpc();
    let subnet = ec2.subnet(&vpc, "10.0.0.0/28");
    let refuses = |code: &str, more: Json| ec2.refuses(code, "RunInstances", ec2.launch(&subnet, more));
    refuses("InvalidAMIID.NotFound", json!({"ImageId": "ami-00000000000000000"}));
    refuses("InvalidParameterValue", json!({"InstanceType": "zz9.mega"}));
    refuses("InvalidParameterValue", json!({"InstanceType": "t4g.micro"}));
    refuses("InvalidKeyPair.NotFound", json!({"KeyName": "nope"}));
    refuses("InvalidSubnetID.NotFound", json!({"SubnetId": "subnet-00000000000000000"}));
    refuses("InvalidGroup.NotFound", json!({"SecurityGroupIds": ["sg-00000000000000000"]}));
    refuses("InvalidParameter", json!({"SecurityGroupIds": [ec2.group(&ec2.vpc(), "elsewhere")]}));
    refuses("InvalidUserData.Malformed", json!({"UserData": "#!/bin/sh"}));
    refuses("InvalidParameterValue", json!({"PrivateIpAddress": "10.9.0.9"}));
    refuses("InvalidParameterCombination", json!({"PrivateIpAddress": "10.0.0.9", "MaxCount": 2}));
    refuses("InvalidParameterCombination", json!({"NetworkInterfaces": [{"DeviceIndex": 0, "SubnetId": subnet}]}));
    refuses("InsufficientFreeAddressesInSubnet", json!({"MaxCount": 12}));
    refuses("InvalidBlockDeviceMapping", json!({"BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 4}}]}));
}

#[test]
fn a_launch_says_everything_back() {
    let ec2 = ec2();
    let vpc = ec2.vpc();
    let (subnet, group) = (ec2.subnet(&vpc, "10.0.0.0/24"), ec2.group(&vpc, "web"));
    let tags = |of: &str| json!({"ResourceType": of, "Tags": [{"Key": "Name", "Value": of}]});
    let more = json!({
        "SecurityGroupIds": [group],
        "PrivateIpAddress": "10.0.0.9",
        "UserData": base64::encode(b"#!/bin/sh"),
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        "TagSpecifications": [tags("instance"), tags("volume"), tags("network-interface")],
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 20, "Encrypted": true}}],
        "IamInstanceProfile": {"Name": "web"},
        "DisableApiTermination": true,
    });
    let made = ec2.ok("RunInstances", ec2.launch(&subnet, more));
    let instance = at(&made, "Instances.0");
    let id = text(instance, "InstanceId");
    assert_eq!(text(instance, "PrivateIpAddress"), "10.0.0.9");
    assert_eq!(text(instance, "MetadataOptions.HttpTokens"), "required");
    assert_eq!(text(instance, "SecurityGroups.0.GroupId"), group);
    assert_eq!(text(instance, "IamInstanceProfile.Arn"), "arn:aws:iam::123456789012:instance-profile/web");
    let volume = ec2.ok("DescribeVolumes", json!({"Filters": filter("attachment.instance-id", &id)}));
    assert_eq!((text(&volume, "Volumes.0.Size"), text(&volume, "Volumes.0.Encrypted")), ("20".into(), "true".into()));
    assert_eq!(text(&volume, "Volumes.0.Tags.0.Value"), "volume");
    let eni = ec2.ok("DescribeNetworkInterfaces", json!({"Filters": filter("attachment.instance-id", &id)}));
    assert_eq!(text(&eni, "NetworkInterfaces.0.TagSet.0.Value"), "network-interface");
    let data = ec2.get("UserData.Value", "DescribeInstanceAttribute", json!({"InstanceId": id, "Attribute": "userData"}));
    assert_eq!(base64::decode(&data).as_deref(), Some(&b"#!/bin/sh"[..]));
    ec2.refuses("OperationNotPermitted", "TerminateInstances", json!({"InstanceIds": [id]}));
    ec2.refuses("DependencyViolation", "DeleteSecurityGroup", json!({"GroupId": group}));
}

#[test]
fn instances_of_one_launch_have_one_reservation_and_an_index_each() {
    let ec2 = ec2();
    let subnet = ec2.subnet(&ec2.vpc(), "10.0.0.0/24");
    let made = ec2.ok("RunInstances", ec2.launch(&subnet, json!({"MinCount": 3, "MaxCount": 3})));
    let indexes: Vec<String> = (0..3).map(|n| text(&made, &format!("Instances.{n}.AmiLaunchIndex"))).collect();
    assert_eq!(indexes, ["0", "1", "2"]);
    assert_eq!(count(&ec2.ok("DescribeInstances", json!({})), "Reservations"), 1);
    let one = ec2.ok("DescribeInstances", json!({"Filters": filter("launch-index", "1")}));
    assert_eq!(count(&one, "Reservations.0.Instances"), 1);
}

#[test]
fn a_public_address_comes_with_the_subnet_and_holds_the_gateway() {
    let ec2 = ec2();
    let vpc = ec2.vpc();
    let (subnet, gateway) = (ec2.subnet(&vpc, "10.0.0.0/24"), ec2.gateway(&vpc));
    ec2.ok("ModifySubnetAttribute", json!({"SubnetId": subnet, "MapPublicIpOnLaunch": {"Value": true}}));
    let id = ec2.run(&subnet);
    let public = || text(&ec2.ok("DescribeInstances", json!({"InstanceIds": [id]})), "Reservations.0.Instances.0.PublicIpAddress");
    assert_ne!(public(), "null");
    let detach = json!({"InternetGatewayId": gateway, "VpcId": vpc});
    ec2.refuses("DependencyViolation", "DetachInternetGateway", detach.clone());
    ec2.ok("StopInstances", json!({"InstanceIds": [id]}));
    assert_eq!(public(), "null");
    ec2.ok("DetachInternetGateway", detach);
    let hidden =
        json!({"SubnetId": null, "NetworkInterfaces": [{"DeviceIndex": 0, "SubnetId": subnet, "AssociatePublicIpAddress": false}]});
    let made = ec2.ok("RunInstances", ec2.launch(&subnet, hidden));
    assert_eq!(text(&made, "Instances.0.PublicIpAddress"), "null");
}

#[test]
fn an_elastic_address_is_mapped_to_one_thing() {
    let ec2 = ec2();
    let vpc = ec2.vpc();
    let subnet = ec2.subnet(&vpc, "10.0.0.0/24");
    let id = ec2.run(&subnet);
    let address = ec2.get("AllocationId", "AllocateAddress", json!({"Domain": "vpc"}));
    let to = || json!({"AllocationId": address, "InstanceId": id});
    ec2.refuses("InvalidInstanceID", "AssociateAddress", to());
    ec2.wait(3);
    ec2.refuses("Gateway.NotAttached", "AssociateAddress", to());
    ec2.gateway(&vpc);
    let association = ec2.get("AssociationId", "AssociateAddress", to());
    let interface = ec2.get("NetworkInterface.NetworkInterfaceId", "CreateNetworkInterface", json!({"SubnetId": subnet}));
    ec2.refuses("Resource.AlreadyAssociated", "AssociateAddress", json!({"AllocationId": address, "NetworkInterfaceId": interface}));
    ec2.refuses("InvalidIPAddress.InUse", "ReleaseAddress", json!({"AllocationId": address}));
    ec2.ok("DisassociateAddress", json!({"AssociationId": association}));
    ec2.refuses("InvalidAssociationID.NotFound", "DisassociateAddress", json!({"AssociationId": association}));
    ec2.ok("ReleaseAddress", json!({"AllocationId": address}));
}

#[test]
fn an_interface_has_its_own_address_and_groups_of_its_vpc() {
    let ec2 = ec2();
    let vpc = ec2.vpc();
    let subnet = ec2.subnet(&vpc, "10.0.0.0/24");
    let at = |ip: &str| json!({"SubnetId": subnet, "PrivateIpAddress": ip});
    let eni = ec2.get("NetworkInterface.NetworkInterfaceId", "CreateNetworkInterface", at("10.0.0.50"));
    ec2.refuses("InvalidIPAddress.InUse", "CreateNetworkInterface", at("10.0.0.50"));
    ec2.refuses("InvalidParameterValue", "CreateNetworkInterface", at("10.9.0.50"));
    ec2.refuses("InvalidParameterValue", "CreateNetworkInterface", at("10.0.0.1"));
    let elsewhere = ec2.group(&ec2.vpc(), "elsewhere");
    ec2.refuses("InvalidGroup.NotFound", "CreateNetworkInterface", json!({"SubnetId": subnet, "Groups": [elsewhere]}));
    let id = ec2.run(&subnet);
    ec2.wait(3);
    let attached =
        ec2.get("AttachmentId", "AttachNetworkInterface", json!({"NetworkInterfaceId": eni, "InstanceId": id, "DeviceIndex": 1}));
    ec2.refuses("InvalidNetworkInterface.InUse", "DeleteNetworkInterface", json!({"NetworkInterfaceId": eni}));
    ec2.ok("DetachNetworkInterface", json!({"AttachmentId": attached}));
    ec2.ok("DeleteNetworkInterface", json!({"NetworkInterfaceId": eni}));
}

#[test]
fn an_instance_that_forwards_packets_is_a_target_while_it_runs() {
    let ec2 = ec2();
    let vpc = ec2.vpc();
    let (subnet, table) = (ec2.subnet(&vpc, "10.0.0.0/24"), ec2.table(&vpc));
    let id = ec2.run(&subnet);
    ec2.ok("ModifyInstanceAttribute", json!({"InstanceId": id, "SourceDestCheck": {"Value": false}}));
    ec2.ok("CreateRoute", json!({"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "InstanceId": id}));
    assert_eq!(ec2.route_state(&table, "0.0.0.0/0"), "active");
    ec2.ok("TerminateInstances", json!({"InstanceIds": [id]}));
    assert_eq!(ec2.route_state(&table, "0.0.0.0/0"), "blackhole");
}

#[test]
fn the_newest_image_of_each_family_is_found_by_name() {
    let ec2 = ec2();
    for (owner, name) in [
        ("amazon", "al2023-ami-2023.*-x86_64"),
        ("amazon", "al2023-ami-2023.*-arm64"),
        ("amazon", "amzn2-ami-hvm-*-x86_64-gp2"),
        ("099720109477", "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-*"),
        ("136693071363", "debian-12-arm64-*"),
    ] {
        let found = ec2.ok("DescribeImages", json!({"Owners": [owner], "Filters": filter("name", name)}));
        assert!(count(&found, "Images") > 0, "{name}");
    }
}
