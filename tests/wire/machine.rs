//! Key pairs, interfaces, addresses and instances.

use secnet::{
    base::base64,
    call::{Class, Json},
};
use serde_json::json;

use super::ec2::{connect, moto, observe, refused, send, shown, shown_parts, subnet, tags, text, vpc};

const PUBLIC_KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJEQ7X/ZzCGJVbHBtKEAbOrhUjhhSJ0eRwaVsXbkFcb ali@example.com";

async fn group(ec2: &secnet::live::Live, vpc: &str) -> String {
    let made = json!({"GroupName": "app", "Description": "app", "VpcId": vpc, "TagSpecifications": tags("security-group")});
    text(&send(ec2, "CreateSecurityGroup", made).await, "/GroupId")
}

#[tokio::test]
async fn a_key_is_imported_as_it_was_written() {
    let ec2 = connect(moto()).await;
    let made = json!({
        "KeyName": "wire", "PublicKeyMaterial": base64::encode(PUBLIC_KEY.as_bytes()), "TagSpecifications": tags("key-pair"),
    });
    let id = text(&send(&ec2, "ImportKeyPair", made).await, "/KeyPairId");
    let listed = send(&ec2, "DescribeKeyPairs", json!({"KeyPairIds": [id], "IncludePublicKey": true})).await;
    assert!(text(&listed, "/KeyPairs/0/PublicKey").contains("AAAAC3NzaC1lZDI1NTE5AAAAIGJEQ7X"), "{listed}");
    assert_eq!(shown(&observe(&ec2, "key_pair", &id).await.unwrap()), [format!("id = \"{id}\""), "key_name = \"wire\"".to_owned()]);
    // moto goes by the name alone.
    send(&ec2, "DeleteKeyPair", json!({"KeyPairId": id, "KeyName": "wire"})).await;
    assert_eq!(observe(&ec2, "key_pair", &id).await, None);
}

#[tokio::test]
async fn an_interface_carries_groups_and_an_address() {
    let ec2 = connect(moto()).await;
    let vpc = vpc(&ec2).await;
    let (subnet, group) = (subnet(&ec2, &vpc).await, group(&ec2, &vpc).await);
    let made = json!({
        "SubnetId": subnet, "Groups": [group], "PrivateIpAddress": "10.0.1.77", "Description": "of the router", "ClientToken": "token-1",
        "TagSpecifications": tags("network-interface"),
    });
    let interface = text(&send(&ec2, "CreateNetworkInterface", made).await, "/NetworkInterface/NetworkInterfaceId");
    let change = json!({"NetworkInterfaceId": interface, "SourceDestCheck": {"Value": false}});
    send(&ec2, "ModifyNetworkInterfaceAttribute", change).await;
    let observed = observe(&ec2, "network_interface", &interface).await.unwrap();
    let lines = shown(&observed);
    for line in [
        "description = \"of the router\"".to_owned(),
        "private_ip_address = 10.0.1.77".to_owned(),
        format!("security_groups = [\"{group}\"]"),
        "source_dest_check = false".to_owned(),
        format!("subnet = \"{subnet}\""),
    ] {
        assert!(lines.contains(&line), "{line} is not in {lines:?}");
    }
    assert_eq!(observed.tags.get("Owner").map(String::as_str), Some("Ali"));

    let address = text(&send(&ec2, "AllocateAddress", json!({"Domain": "vpc"})).await, "/AllocationId");
    let associate = json!({"AllocationId": address, "NetworkInterfaceId": interface, "AllowReassociation": true});
    let association = text(&send(&ec2, "AssociateAddress", associate).await, "/AssociationId");
    let observed = observe(&ec2, "elastic_ip", &address).await.unwrap();
    assert_eq!(shown_parts("elastic_ip", &observed), [format!("association with {interface}")]);
    send(&ec2, "DisassociateAddress", json!({"AssociationId": association})).await;
    assert_eq!(observe(&ec2, "elastic_ip", &address).await.unwrap().parts, vec![]);
    send(&ec2, "ReleaseAddress", json!({"AllocationId": address})).await;
    send(&ec2, "DeleteNetworkInterface", json!({"NetworkInterfaceId": interface})).await;
    assert_eq!(refused(&ec2, "DeleteNetworkInterface", json!({"NetworkInterfaceId": interface})).await.class, Class::NotFound);
}

#[tokio::test]
async fn an_instance_starts_with_tokens_and_an_encrypted_volume() {
    let ec2 = connect(moto()).await;
    let vpc = vpc(&ec2).await;
    let (subnet, group) = (subnet(&ec2, &vpc).await, group(&ec2, &vpc).await);
    let images =
        send(&ec2, "DescribeImages", json!({"Owners": ["amazon"], "Filters": [{"Name": "architecture", "Values": ["x86_64"]}]})).await;
    let image = images["Images"].as_array().unwrap().iter().find(|image| image["RootDeviceName"] == "/dev/xvda").unwrap();
    let interface = json!({
        "DeviceIndex": 0, "SubnetId": subnet, "Groups": [group], "AssociatePublicIpAddress": true, "DeleteOnTermination": true,
    });
    let volume = json!({"DeleteOnTermination": true, "Encrypted": true, "VolumeSize": 9, "VolumeType": "gp3"});
    let made = json!({
        "ImageId": image["ImageId"], "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1, "ClientToken": "token-1",
        "UserData": base64::encode(b"#!/bin/sh\n"), "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": volume}],
        "NetworkInterfaces": [interface], "TagSpecifications": tags("instance"),
        "MetadataOptions": {"HttpEndpoint": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 1},
    });
    let answer = send(&ec2, "RunInstances", made).await;
    let id = text(&answer, "/Instances/0/InstanceId");
    let lines = shown(&observe(&ec2, "instance", &id).await.unwrap());
    for line in [
        format!("image = {}", image["ImageId"]),
        "instance_type = \"t3.micro\"".to_owned(),
        "http_tokens = \"required\"".to_owned(),
        "http_put_response_hop_limit = 1".to_owned(),
        "state = \"running\"".to_owned(),
        format!("security_groups = [\"{group}\"]"),
        format!("subnet = \"{subnet}\""),
    ] {
        assert!(lines.contains(&line), "{line} is not in {lines:?}");
    }

    let ids = json!({"InstanceIds": [id]});
    send(&ec2, "StopInstances", ids.clone()).await;
    send(&ec2, "ModifyInstanceAttribute", json!({"InstanceId": id, "InstanceType": {"Value": "t3.small"}})).await;
    let started = send(&ec2, "StartInstances", ids.clone()).await;
    assert_eq!(text(&started, "/StartingInstances/0/PreviousState/Name"), "stopped");
    send(&ec2, "ModifyInstanceAttribute", json!({"InstanceId": id, "SourceDestCheck": {"Value": false}})).await;
    send(&ec2, "ModifyInstanceMetadataOptions", json!({"InstanceId": id, "HttpTokens": "optional"})).await;
    let lines = shown(&observe(&ec2, "instance", &id).await.unwrap());
    for line in ["instance_type = \"t3.small\"", "source_dest_check = false", "http_tokens = \"optional\""] {
        assert!(lines.contains(&line.to_owned()), "{line} is not in {lines:?}");
    }

    let gone = send(&ec2, "TerminateInstances", ids).await;
    assert_eq!(gone.pointer("/TerminatingInstances/0/InstanceId"), Some(&Json::from(&*id)));
    assert_eq!(observe(&ec2, "instance", &id).await, None);
}

#[tokio::test]
async fn a_long_listing_comes_in_pages() {
    let ec2 = connect(moto()).await;
    let subnet = subnet(&ec2, &vpc(&ec2).await).await;
    let images = send(&ec2, "DescribeImages", json!({"Owners": ["amazon"]})).await;
    for _ in 0..2 {
        let made = json!({"ImageId": images["Images"][0]["ImageId"], "MinCount": 1, "MaxCount": 1, "SubnetId": subnet});
        send(&ec2, "RunInstances", made).await;
    }
    // EC2's pages hold five at least; moto makes them as short as one likes.
    let mut page = json!({"Filters": [{"Name": "subnet-id", "Values": [subnet]}], "MaxResults": 1});
    let first = send(&ec2, "DescribeInstances", page.clone()).await;
    page["NextToken"] = first["NextToken"].clone();
    let second = send(&ec2, "DescribeInstances", page).await;
    assert_ne!(text(&first, "/Reservations/0/ReservationId"), text(&second, "/Reservations/0/ReservationId"));
    assert_eq!(second.get("NextToken"), None);
}
