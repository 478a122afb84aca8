//! Security groups with their rules, network ACLs with their entries.

use secnet::call::{Class, Json};
use serde_json::json;

use super::ec2::{connect, moto, observe, refused, send, shown_parts, subnet, tags, text, vpc};

#[tokio::test]
async fn a_group_is_read_back_rule_by_rule() {
    let ec2 = connect(moto()).await;
    let vpc = vpc(&ec2).await;
    let made = json!({"GroupName": "ssh", "Description": "SSH for maintainers", "VpcId": vpc, "TagSpecifications": tags("security-group")});
    let group = text(&send(&ec2, "CreateSecurityGroup", made.clone()).await, "/GroupId");
    let error = refused(&ec2, "CreateSecurityGroup", made).await;
    assert_eq!((error.class, &*error.code), (Class::Duplicate, "InvalidGroup.Duplicate"));

    let everything = json!([{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]);
    send(&ec2, "RevokeSecurityGroupEgress", json!({"GroupId": group, "IpPermissions": everything})).await;
    assert_eq!(observe(&ec2, "security_group", &group).await.unwrap().parts, vec![]);

    let ssh = |description: &str| json!({"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "203.0.113.0/28", "Description": description}]});
    let own = json!({"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]});
    let six = json!({"IpProtocol": "icmpv6", "FromPort": -1, "ToPort": -1, "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32"}]});
    let rules = |rules: &[&Json]| json!({"GroupId": group, "IpPermissions": rules});
    let mut ingress = rules(&[&ssh("maintainers"), &own, &six]);
    ingress["TagSpecifications"] = tags("security-group-rule");
    // moto answers with the rules of the last permission alone.
    let answer = send(&ec2, "AuthorizeSecurityGroupIngress", ingress).await;
    assert!(text(&answer, "/SecurityGroupRules/0/SecurityGroupRuleId").starts_with("sgr-"));
    send(&ec2, "AuthorizeSecurityGroupEgress", rules(&[&json!({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]})])).await;
    let error = refused(&ec2, "AuthorizeSecurityGroupIngress", rules(&[&ssh("again")])).await;
    assert_eq!((error.class, &*error.code), (Class::Duplicate, "InvalidPermission.Duplicate"));

    send(&ec2, "UpdateSecurityGroupRuleDescriptionsIngress", rules(&[&ssh("admins")])).await;
    let observed = observe(&ec2, "security_group", &group).await.unwrap();
    let mut shown = shown_parts("security_group", &observed);
    shown.sort();
    let own_rule = format!("ingress all from {group}");
    assert_eq!(shown, ["egress all to 0.0.0.0/0", &*own_rule, "ingress icmpv6 from 2001:db8::/32", "ingress tcp/22 from 203.0.113.0/28"]);
    let described = observed.parts.iter().filter_map(|(_, rule)| rule.get("description")).map(ToString::to_string);
    assert_eq!(described.collect::<Vec<_>>(), ["\"admins\""]);
    let filter = json!({"Filters": [{"Name": "group-id", "Values": [group]}]});
    assert_eq!(send(&ec2, "DescribeSecurityGroupRules", filter).await["SecurityGroupRules"].as_array().unwrap().len(), 4);

    send(&ec2, "RevokeSecurityGroupIngress", rules(&[&ssh("")])).await;
    let error = refused(&ec2, "RevokeSecurityGroupIngress", rules(&[&ssh("")])).await;
    assert_eq!((error.class, &*error.code), (Class::NotFound, "InvalidPermission.NotFound"));
    send(&ec2, "RevokeSecurityGroupIngress", rules(&[&own])).await;
    send(&ec2, "DeleteSecurityGroup", json!({"GroupId": group})).await;
    assert_eq!(observe(&ec2, "security_group", &group).await, None);
}

#[tokio::test]
async fn an_acl_is_read_back_entry_by_entry() {
    let ec2 = connect(moto()).await;
    let vpc = vpc(&ec2).await;
    let subnet = subnet(&ec2, &vpc).await;
    let made = json!({"VpcId": vpc, "ClientToken": "token-1", "TagSpecifications": tags("network-acl")});
    let acl = text(&send(&ec2, "CreateNetworkAcl", made).await, "/NetworkAcl/NetworkAclId");
    let ssh = |number: u16, cidr: &str| {
        json!({"NetworkAclId": acl, "RuleNumber": number, "Egress": false, "RuleAction": "allow", "Protocol": "6",
            "PortRange": {"From": 22, "To": 22}, "CidrBlock": cidr})
    };
    // moto does not look at `IcmpTypeCode`, nor at IPv6.
    let out = json!({"NetworkAclId": acl, "RuleNumber": 100, "Egress": true, "RuleAction": "deny", "Protocol": "-1",
        "CidrBlock": "0.0.0.0/0"});
    send(&ec2, "CreateNetworkAclEntry", ssh(100, "203.0.113.0/28")).await;
    send(&ec2, "CreateNetworkAclEntry", out).await;
    let error = refused(&ec2, "CreateNetworkAclEntry", ssh(100, "203.0.113.0/28")).await;
    assert_eq!((error.class, &*error.code), (Class::Duplicate, "NetworkAclEntryAlreadyExists"));
    send(&ec2, "ReplaceNetworkAclEntry", ssh(100, "198.51.100.0/24")).await;

    let lookup = json!({"Filters": [{"Name": "association.subnet-id", "Values": [subnet]}]});
    let before = send(&ec2, "DescribeNetworkAcls", lookup).await;
    let associations = before.pointer("/NetworkAcls/0/Associations").and_then(Json::as_array).unwrap();
    let ours = associations.iter().find(|a| a["SubnetId"] == json!(subnet)).unwrap();
    let swap = json!({"AssociationId": ours["NetworkAclAssociationId"], "NetworkAclId": acl});
    let swapped = text(&send(&ec2, "ReplaceNetworkAclAssociation", swap).await, "/NewAssociationId");
    assert!(swapped.starts_with("aclassoc-"));

    let observed = observe(&ec2, "network_acl", &acl).await.unwrap();
    let mut shown = shown_parts("network_acl", &observed);
    shown.sort();
    let association = format!("association with {subnet}");
    assert_eq!(shown, [&*association, "in 100 allow tcp/22 from 198.51.100.0/24", "out 100 deny all to 0.0.0.0/0"]);

    let default = text(&before, "/NetworkAcls/0/NetworkAclId");
    send(&ec2, "ReplaceNetworkAclAssociation", json!({"AssociationId": swapped, "NetworkAclId": default})).await;
    send(&ec2, "DeleteNetworkAclEntry", json!({"NetworkAclId": acl, "RuleNumber": 100, "Egress": true})).await;
    send(&ec2, "DeleteNetworkAcl", json!({"NetworkAclId": acl})).await;
    assert_eq!(observe(&ec2, "network_acl", &acl).await, None);
}
