//! What all actions have in common: tags, pages, tokens, dry runs, faults; and security groups.

use super::*;

fn tcp(port: u32, sources: Json) -> Json {
    let mut permission = json!({"IpProtocol": "tcp", "FromPort": port, "ToPort": port});
    permission.as_object_mut().unwrap().extend(sources.as_object().unwrap().clone());
    json!([permission])
}

fn anywhere(port: u32) -> Json {
    tcp(port, json!({"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}))
}

#[test]
fn every_source_is_a_rule_with_an_id() {
    let ec2 = ec2();
    let vpc = ec2.vpc();
    let (web, db) = (ec2.group(&vpc, "web"), ec2.group(&vpc, "db"));
    let sources = json!({"IpRanges": [{"CidrIp": "192.0.2.9/24", "Description": "a"}, {"CidrIp": "198.51.100.0/24"}],
        "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32"}], "UserIdGroupPairs": [{"GroupId": db, "Description": "peer"}]});
    let tags = json!([{"ResourceType": "security-group-rule", "Tags": [{"Key": "k", "Value": "v"}]}]);
    let made =
        ec2.ok("AuthorizeSecurityGroupIngress", json!({"GroupId": web, "IpPermissions": tcp(443, sources), "TagSpecifications": tags}));
    assert_eq!(count(&made, "SecurityGroupRules"), 4);
    assert_eq!(text(&made, "SecurityGroupRules.0.CidrIpv4"), "192.0.2.0/24");
    let shown = ec2.ok("DescribeSecurityGroupRules", json!({"Filters": filter("tag:k", "v")}));
    assert_eq!(count(&shown, "SecurityGroupRules"), 4);
    let by_id = json!({"GroupId": web, "SecurityGroupRuleIds": [text(&made, "SecurityGroupRules.0.SecurityGroupRuleId")]});
    ec2.ok("RevokeSecurityGroupIngress", by_id.clone());
    ec2.refuses("InvalidSecurityGroupRuleId.NotFound", "RevokeSecurityGroupIngress", by_id);
    let by_permission = json!({"GroupId": web, "IpPermissions": tcp(443, json!({"Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32"}]}))});
    ec2.ok("RevokeSecurityGroupIngress", by_permission.clone());
    ec2.refuses("InvalidPermission.NotFound", "RevokeSecurityGroupIngress", by_permission);
    assert_eq!(count(&ec2.ok("DescribeSecurityGroups", json!({"GroupIds": [web]})), "SecurityGroups.0.IpPermissions.0.IpRanges"), 1);
}

#[test]
fn a_new_group_lets_everything_out_until_that_is_revoked() {
    let ec2 = ec2();
    let group = ec2.group(&ec2.vpc(), "web");
    let everything = json!([{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]);
    let egress = || ec2.ok("DescribeSecurityGroups", json!({"GroupIds": [group]}));
    assert_eq!(text(&egress(), "SecurityGroups.0.IpPermissionsEgress.0.IpRanges.0.CidrIp"), "0.0.0.0/0");
    ec2.refuses("InvalidPermission.Duplicate", "AuthorizeSecurityGroupEgress", json!({"GroupId": group, "IpPermissions": everything}));
    ec2.ok("RevokeSecurityGroupEgress", json!({"GroupId": group, "IpPermissions": everything}));
    assert_eq!(count(&egress(), "SecurityGroups.0.IpPermissionsEgress"), 0);
}

#[test]
fn rules_that_mean_nothing_are_refused() {
    let ec2 = ec2();
    let group = ec2.group(&ec2.vpc(), "web");
    let with = |permissions: Json| json!({"GroupId": group, "IpPermissions": permissions});
    let refuses = |code: &str, permissions: Json| ec2.refuses(code, "AuthorizeSecurityGroupIngress", with(permissions));
    refuses("InvalidParameterValue", anywhere(70_000));
    refuses("InvalidParameterValue", tcp(443, json!({"IpRanges": [{"CidrIp": "999.1.1.1/8"}]})));
    refuses("InvalidParameterValue", json!([{"IpProtocol": "tcp", "FromPort": 90, "ToPort": 80, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]));
    refuses("InvalidParameterValue", json!([{"IpProtocol": "tcp", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]));
    refuses("InvalidGroup.NotFound", tcp(443, json!({"UserIdGroupPairs": [{"GroupId": "sg-00000000000000000"}]})));
    refuses("MissingParameter", tcp(443, json!({})));
    ec2.ok(
        "AuthorizeSecurityGroupIngress",
        with(json!([{"IpProtocol": "6", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}])),
    );
    assert_eq!(ec2.get("SecurityGroups.0.IpPermissions.0.IpProtocol", "DescribeSecurityGroups", json!({"GroupIds": [group]})), "tcp");
}

#[test]
fn the_sixty_first_rule_is_over_the_quota() {
    let ec2 = ec2();
    let group = ec2.group(&ec2.vpc(), "web");
    let ranges: Vec<Json> = (0..60).map(|n| json!({"CidrIp": format!("10.0.{n}.0/24")})).collect();
    ec2.ok("AuthorizeSecurityGroupIngress", json!({"GroupId": group, "IpPermissions": tcp(443, json!({"IpRanges": ranges}))}));
    ec2.refuses(
        "RulesPerSecurityGroupLimitExceeded",
        "AuthorizeSecurityGroupIngress",
        json!({"GroupId": group, "IpPermissions": anywhere(80)}),
    );
    let v6 = tcp(443, json!({"Ipv6Ranges": [{"CidrIpv6": "::/0"}]}));
    ec2.ok("AuthorizeSecurityGroupIngress", json!({"GroupId": group, "IpPermissions": v6}));
}

#[test]
fn groups_that_others_refer_to_stay() {
    let ec2 = ec2();
    let vpc = ec2.vpc();
    let (web, db) = (ec2.group(&vpc, "web"), ec2.group(&vpc, "db"));
    let permissions = tcp(5432, json!({"UserIdGroupPairs": [{"GroupId": web}]}));
    ec2.ok("AuthorizeSecurityGroupIngress", json!({"GroupId": db, "IpPermissions": permissions}));
    ec2.refuses("DependencyViolation", "DeleteSecurityGroup", json!({"GroupId": web}));
    ec2.ok("DeleteSecurityGroup", json!({"GroupId": db}));
    ec2.ok("DeleteSecurityGroup", json!({"GroupId": web}));
    let default = ec2.get("SecurityGroups.0.GroupId", "DescribeSecurityGroups", json!({"Filters": filter("vpc-id", &vpc)}));
    ec2.refuses("CannotDelete", "DeleteSecurityGroup", json!({"GroupId": default}));
}

#[test]
fn group_names_are_plain_and_unique_in_their_vpc() {
    let ec2 = ec2();
    let (vpc, other) = (ec2.vpc(), ec2.vpc());
    ec2.group(&vpc, "web");
    ec2.group(&other, "web");
    let with = |name: &str, description: &str| json!({"GroupName": name, "Description": description, "VpcId": vpc});
    ec2.refuses("InvalidGroup.Duplicate", "CreateSecurityGroup", with("web", "d"));
    ec2.refuses("InvalidParameterValue", "CreateSecurityGroup", with("sg-web", "d"));
    ec2.refuses("InvalidParameterValue", "CreateSecurityGroup", with("db", "é"));
    ec2.refuses("MissingParameter", "CreateSecurityGroup", json!({"GroupName": "db", "VpcId": vpc}));
}

#[test]
fn a_rule_is_changed_in_place() {
    let ec2 = ec2();
    let group = ec2.group(&ec2.vpc(), "web");
    let made = ec2.ok("AuthorizeSecurityGroupIngress", json!({"GroupId": group, "IpPermissions": anywhere(443)}));
    let rule = text(&made, "SecurityGroupRules.0.SecurityGroupRuleId");
    let new = json!({"IpProtocol": "tcp", "FromPort": 8443, "ToPort": 8443, "CidrIpv4": "10.0.0.0/8", "Description": "new"});
    ec2.ok(
        "ModifySecurityGroupRules",
        json!({"GroupId": group, "SecurityGroupRules": [{"SecurityGroupRuleId": rule, "SecurityGroupRule": new}]}),
    );
    let shown = ec2.ok("DescribeSecurityGroupRules", json!({"SecurityGroupRuleIds": [rule]}));
    assert_eq!(
        (text(&shown, "SecurityGroupRules.0.FromPort"), text(&shown, "SecurityGroupRules.0.Description")),
        ("8443".into(), "new".into())
    );
    ec2.ok(
        "UpdateSecurityGroupRuleDescriptionsIngress",
        json!({"GroupId": group, "SecurityGroupRuleDescriptions": [{"SecurityGroupRuleId": rule, "Description": "newer"}]}),
    );
    assert_eq!(ec2.get("SecurityGroupRules.0.Description", "DescribeSecurityGroupRules", json!({"SecurityGroupRuleIds": [rule]})), "newer");
}

#[test]
fn ids_that_name_nothing_or_are_none_are_told_apart() {
    let ec2 = ec2();
    ec2.refuses("InvalidVpcID.NotFound", "DescribeVpcs", json!({"VpcIds": [ec2.vpc(), "vpc-00000000000000000"]}));
    ec2.refuses("InvalidVpcID.Malformed", "DescribeVpcs", json!({"VpcIds": ["nonsense"]}));
    ec2.refuses("InvalidNetworkAclID.NotFound", "DescribeNetworkAcls", json!({"NetworkAclIds": ["acl-00000000000000000"]}));
    ec2.refuses("InvalidAMIID.Malformed", "DescribeImages", json!({"ImageIds": ["ami-zzz"]}));
}

#[test]
fn filters_take_wildcards_and_unknown_ones_are_refused() {
    let ec2 = ec2();
    let tags = json!([{"ResourceType": "vpc", "Tags": [{"Key": "env", "Value": "production"}]}]);
    let vpc = ec2.get("Vpc.VpcId", "CreateVpc", json!({"CidrBlock": "10.0.0.0/16", "TagSpecifications": tags}));
    for value in ["production", "prod*", "*duct*", "productio?", "p*n"] {
        assert_eq!(ec2.get("Vpcs.0.VpcId", "DescribeVpcs", json!({"Filters": filter("tag:env", value)})), vpc, "{value}");
    }
    for value in ["prod", "?", "productio\\*"] {
        assert_eq!(count(&ec2.ok("DescribeVpcs", json!({"Filters": filter("tag:env", value)})), "Vpcs"), 0, "{value}");
    }
    ec2.refuses("InvalidParameterValue", "DescribeVpcs", json!({"Filters": filter("no-such-filter", "x")}));
}

#[test]
fn pages_are_as_long_as_asked_and_show_everything_once() {
    let ec2 = ec2();
    let vpc = ec2.vpc();
    (0..12).for_each(|n| drop(ec2.subnet(&vpc, &format!("10.0.{n}.0/24"))));
    let (mut seen, mut token) = (BTreeSet::new(), Json::Null);
    for expected in [5, 5, 5] {
        let page = ec2.ok("DescribeSubnets", json!({"MaxResults": 5, "NextToken": token}));
        assert_eq!(count(&page, "Subnets"), expected);
        seen.extend((0..5).map(|n| text(&page, &format!("Subnets.{n}.SubnetId"))));
        token = at(&page, "NextToken").clone();
    }
    assert_eq!((seen.len(), token), (15, Json::Null));
    ec2.refuses("InvalidParameterValue", "DescribeSubnets", json!({"MaxResults": 4}));
    ec2.refuses("InvalidParameterValue", "DescribeRouteTables", json!({"MaxResults": 101}));
    ec2.refuses("InvalidNextToken", "DescribeSubnets", json!({"NextToken": "bogus"}));
}

#[test]
fn tags_are_checked_wherever_they_are_given() {
    let ec2 = ec2();
    let specified = |of: &str, keys: &[&str]| {
        let tags: Vec<Json> = keys.iter().map(|key| json!({"Key": key, "Value": "v"})).collect();
        json!({"CidrBlock": "10.0.0.0/16", "TagSpecifications": [{"ResourceType": of, "Tags": tags}]})
    };
    ec2.refuses("InvalidParameterValue", "CreateVpc", specified("subnet", &["a"]));
    ec2.refuses("InvalidParameterValue", "CreateVpc", specified("vpc", &["a", "a"]));
    ec2.refuses("InvalidParameterValue", "CreateVpc", specified("vpc", &["aws:a"]));
    let vpc = ec2.vpc();
    let many: Vec<Json> = (0..51).map(|n| json!({"Key": n.to_string(), "Value": ""})).collect();
    ec2.refuses("TagLimitExceeded", "CreateTags", json!({"Resources": [vpc], "Tags": many}));
    ec2.refuses(
        "InvalidVpcID.NotFound",
        "CreateTags",
        json!({"Resources": [vpc, "vpc-00000000000000000"], "Tags": [{"Key": "a", "Value": ""}]}),
    );
    ec2.ok("CreateTags", json!({"Resources": [vpc], "Tags": [{"Key": "a", "Value": "1"}]}));
    ec2.ok("DeleteTags", json!({"Resources": [vpc], "Tags": [{"Key": "a", "Value": "2"}]}));
    assert_eq!(ec2.get("Tags.0.Value", "DescribeTags", json!({"Filters": filter("resource-id", &vpc)})), "1");
    ec2.ok("DeleteTags", json!({"Resources": [vpc], "Tags": [{"Key": "a"}]}));
    assert_eq!(count(&ec2.ok("DescribeTags", json!({})), "Tags"), 0);
}

#[test]
fn a_client_token_makes_one_thing_and_fits_one_request() {
    let ec2 = ec2();
    let (vpc, other) = (ec2.vpc(), ec2.vpc());
    let create = |vpc: &str| json!({"VpcId": vpc, "ClientToken": "t"});
    let table = ec2.get("RouteTable.RouteTableId", "CreateRouteTable", create(&vpc));
    assert_eq!(ec2.get("RouteTable.RouteTableId", "CreateRouteTable", create(&vpc)), table);
    ec2.refuses("IdempotentParameterMismatch", "CreateRouteTable", create(&other));
}

#[test]
fn a_dry_run_changes_nothing() {
    let ec2 = ec2();
    let vpc = ec2.vpc();
    ec2.refuses("DryRunOperation", "DeleteVpc", json!({"VpcId": vpc, "DryRun": true}));
    ec2.refuses("DryRunOperation", "DescribeVpcs", json!({"DryRun": true}));
}

#[test]
fn what_ec2_does_not_know_and_what_the_sandbox_lacks_are_refused() {
    let ec2 = ec2();
    ec2.refuses("InvalidAction", "CreateCastle", json!({}));
    ec2.refuses("UnknownParameter", "CreateVpc", json!({"CidrBlock": "10.0.0.0/16", "Colour": "red"}));
    ec2.refuses("InvalidParameterValue", "CreateVpc", json!({"CidrBlock": 10}));
    ec2.refuses("UnsupportedOperation", "CreateVpc", json!({"CidrBlock": "10.0.0.0/16", "Ipv4IpamPoolId": "ipam-pool-0"}));
}

#[test]
fn faults_strike_the_call_they_are_meant_for() {
    let ec2 = ec2();
    let code = |action: &str| {
        let params = if action == "CreateVpc" { json!({"CidrBlock": "10.0.0.0/16"}) } else { json!({}) };
        ec2.0.call(&Request::new(action, params)).err().map(|e| (e.class, e.code))
    };
    let vpcs = || count(&ec2.ok("DescribeVpcs", json!({})), "Vpcs");
    ec2.0.fault(Fault::nth("Create*", 2, FaultKind::Throttle));
    assert_eq!(code("CreateVpc"), None);
    assert_eq!(code("CreateVpc"), Some((Class::Throttled, "RequestLimitExceeded".into())));
    assert_eq!(vpcs(), 2);
    ec2.0.fault(Fault::next("CreateVpc", FaultKind::LostAnswer));
    assert_eq!(code("CreateVpc"), Some((Class::Ambiguous, String::new())));
    assert_eq!(vpcs(), 3);
    ec2.0.fault(Fault::next("CreateVpc", FaultKind::NoAnswer));
    assert_eq!(code("CreateVpc"), Some((Class::Ambiguous, String::new())));
    assert_eq!(vpcs(), 3);
    ec2.0.fault(Fault::next("DescribeVpcs", FaultKind::Code("InternalError".into())));
    assert_eq!(code("DescribeVpcs"), Some((Class::Ambiguous, "InternalError".into())));
    assert_eq!((ec2.0.calls("CreateVpc"), ec2.0.log().len()), (4, 8));
}

#[test]
fn a_new_id_may_not_be_visible_at_once() {
    let ec2 = ec2();
    ec2.0.fault(Fault::next("CreateVpc", FaultKind::NotYetVisible(2)));
    let vpc = ec2.vpc();
    ec2.refuses("InvalidVpcID.NotFound", "DescribeVpcs", json!({"VpcIds": [vpc]}));
    assert_eq!(count(&ec2.ok("DescribeVpcs", json!({"Filters": filter("vpc-id", &vpc)})), "Vpcs"), 0);
    assert_eq!(count(&ec2.ok("DescribeVpcs", json!({"VpcIds": [vpc]})), "Vpcs"), 1);
}

#[test]
fn the_world_outlives_its_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sandbox/world.json");
    let vpc = Ec2(Sim::load(&path, "eu-central-1").unwrap()).vpc();
    let again = Ec2(Sim::load(&path, "eu-central-1").unwrap());
    assert_eq!(again.get("Vpcs.0.VpcId", "DescribeVpcs", json!({"VpcIds": [vpc]})), vpc);
    let in_use = Sim::load(&path, "eu-central-1").map(drop).map_err(|error| error.kind());
    assert_eq!(in_use, Err(io::ErrorKind::ResourceBusy));
    drop(again);
    assert!(Sim::load(&path, "eu-west-1").is_err());
}

#[test]
fn a_killed_process_loses_nothing_that_it_answered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.json");
    let ec2 = Ec2(Sim::load(&path, "eu-central-1").unwrap());
    let subnet = ec2.subnet(&ec2.vpc(), "10.0.0.0/24");
    let id = ec2.run(&subnet);
    // A refusal draws numbers, too, and is not kept.
    ec2.refuses(
        "InvalidIPAddress.InUse",
        "CreateNetworkInterface",
        json!({"SubnetId": subnet, "PrivateIpAddress":
        ec2.get("Reservations.0.Instances.0.PrivateIpAddress", "DescribeInstances", json!({"InstanceIds": [id]}))}),
    );
    ec2.0.fault(Fault::next("CreateSecurityGroup", FaultKind::LostAnswer));
    drop(ec2.0.call(&Request::new("CreateSecurityGroup", json!({"GroupName": "web", "Description": "d"}))));
    ec2.ok("TerminateInstances", json!({"InstanceIds": [id]}));
    let calls = std::fs::read(path.with_extension("calls")).unwrap();
    let world = |sim: &Sim| sim.world(|w| serde_json::to_value(&*w).unwrap());
    let before = world(&ec2.0);
    drop(ec2);
    // As a kill leaves it: no picture was taken, and the last line is torn.
    std::fs::remove_file(&path).unwrap();
    std::fs::write(path.with_extension("calls"), [&calls[..], b"{\"now\":"].concat()).unwrap();
    assert_eq!(world(&Sim::load(&path, "eu-central-1").unwrap()), before);
}

#[test]
fn keys_are_read_and_their_fingerprints_are_those_of_ssh_keygen() {
    let ec2 = ec2();
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl someone@example";
    let material = base64::encode(key.as_bytes());
    let import = |name: &str, material: &str| json!({"KeyName": name, "PublicKeyMaterial": material});
    ec2.ok("ImportKeyPair", import("k", &material));
    ec2.refuses("InvalidKeyPair.Duplicate", "ImportKeyPair", import("k", &material));
    ec2.refuses("InvalidKey.Format", "ImportKeyPair", import("g", &base64::encode(b"garbage")));
    let shown = ec2.ok("DescribeKeyPairs", json!({"KeyNames": ["k"], "IncludePublicKey": true}));
    assert_eq!(text(&shown, "KeyPairs.0.KeyFingerprint"), "+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU=");
    assert_eq!(text(&shown, "KeyPairs.0.PublicKey"), key);
    ec2.ok("DeleteKeyPair", json!({"KeyName": "k"}));
    ec2.refuses("InvalidKeyPair.NotFound", "DescribeKeyPairs", json!({"KeyNames": ["k"]}));
    ec2.ok("DeleteKeyPair", json!({"KeyName": "k"}));
}

#[test]
fn a_search_for_routes_gives_a_thousand_at_once_unless_it_is_told_how_many() {
    let ec2 = ec2();
    let gateway = ec2.ok("CreateTransitGateway", json!({}))["TransitGateway"]["TransitGatewayId"].clone();
    ec2.ok("DescribeTransitGateways", json!({}));
    let made = ec2.ok("CreateTransitGatewayRouteTable", json!({"TransitGatewayId": gateway}));
    let table = made["TransitGatewayRouteTable"]["TransitGatewayRouteTableId"].clone();
    ec2.ok("DescribeTransitGatewayRouteTables", json!({}));
    for n in 0..1_003 {
        let network = format!("10.{}.{}.0/24", n / 250, n % 250);
        let dropped = json!({"TransitGatewayRouteTableId": table, "DestinationCidrBlock": network, "Blackhole": true});
        ec2.ok("CreateTransitGatewayRoute", dropped);
    }
    let of = json!({"TransitGatewayRouteTableId": table, "Filters": [{"Name": "state", "Values": ["active", "blackhole"]}]});
    let first = ec2.ok("SearchTransitGatewayRoutes", of.clone());
    assert_eq!((first["Routes"].as_array().unwrap().len(), &first["AdditionalRoutesAvailable"]), (1_000, &json!(true)));
    let mut further = of;
    further["NextToken"] = first["NextToken"].clone();
    let last = ec2.ok("SearchTransitGatewayRoutes", further);
    assert_eq!((last["Routes"].as_array().unwrap().len(), &last["AdditionalRoutesAvailable"]), (3, &json!(false)));
}
