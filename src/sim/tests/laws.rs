//! What holds after any calls whatever.

use proptest::prelude::*;

use super::*;

/// What must be true of a world at all times.
fn broken_laws(w: &World) -> Vec<String> {
    let mut broken = vec![];
    let mut law = |holds: bool, what: String| {
        if !holds {
            broken.push(what);
        }
    };
    for id in w.vpcs.keys() {
        law(w.route_tables.values().filter(|t| t.vpc == *id && t.is_main()).count() == 1, format!("{id} has one main table"));
        law(w.network_acls.values().filter(|a| a.vpc == *id && a.is_default).count() == 1, format!("{id} has one default ACL"));
        law(w.groups.values().filter(|g| g.vpc == *id && g.name == "default").count() == 1, format!("{id} has one default group"));
        law(w.internet_gateways.values().filter(|g| g.vpc.as_ref() == Some(id)).count() <= 1, format!("{id} has one gateway at most"));
    }
    for (id, subnet) in &w.subnets {
        let acls = w.network_acls.values().flat_map(|a| a.associations.values()).filter(|s| *s == id).count();
        let tables = w.route_tables.values().flat_map(|t| &t.associations).filter(|a| a.subnet.as_ref() == Some(id)).count();
        law(w.vpcs.contains_key(&subnet.vpc), format!("{id} is in a VPC"));
        law(acls == 1 && tables <= 1, format!("{id} has one ACL and one table at most"));
        let apart = w
            .subnets
            .iter()
            .all(|(other, s)| other == id || s.vpc != subnet.vpc || !s.cidr.zip(subnet.cidr).is_some_and(|(a, b)| a.overlaps(b)));
        law(apart, format!("{id} overlaps no other"));
    }
    let mut addresses = BTreeSet::new();
    for (id, eni) in &w.interfaces {
        law(
            w.subnets.get(&eni.subnet).is_some_and(|s| eni.addresses.iter().all(|ip| s.cidr.is_some_and(|cidr| cidr.contains_ip(*ip)))),
            format!("{id} is in its subnet"),
        );
        law(eni.groups.iter().all(|g| w.groups.get(g).is_some_and(|g| g.vpc == eni.vpc)), format!("{id}'s groups are of its VPC"));
        law(eni.addresses.iter().all(|ip| addresses.insert((&eni.subnet, *ip))), format!("{id} has addresses of its own"));
        let held = eni.attachment.as_ref().is_none_or(|a| w.instances.get(&a.instance).is_some_and(|i| i.interfaces.contains(id)));
        law(held, format!("{id} and its instance know each other"));
    }
    for (id, address) in &w.addresses {
        law(
            address.association.as_ref().is_none_or(|a| w.interfaces.contains_key(&a.interface)),
            format!("{id} is mapped to what is there"),
        );
    }
    for (id, group) in &w.groups {
        let there = group.rules.values().all(|r| match &r.source {
            security_group_rule::Source::Group(other) => w.groups.contains_key(other),
            security_group_rule::Source::Network(_) => true,
            security_group_rule::Source::PrefixList(list) => w.weight_of_list(list).is_ok(),
        });
        law(there, format!("{id} refers to groups that are there"));
    }
    for (id, instance) in &w.instances {
        law(instance.volumes.iter().all(|v| w.volumes.contains_key(v)), format!("{id}'s volumes are there"));
        law(
            instance.interfaces.is_empty() == (instance.state == instance::State::Terminated),
            format!("{id} has an interface while it lives"),
        );
    }
    broken
}

/// The `n`th of what is there; something that is not, if nothing is.
fn pick(of: impl Iterator<Item = String>, n: usize, none: &str) -> String {
    let all: Vec<String> = of.collect();
    let index = n % all.len().max(1);
    all.get(index).cloned().unwrap_or_else(|| format!("{none}-00000000000000000"))
}

/// One of many requests about what is there, often one that EC2 refuses.
fn request(w: &World, what: usize, a: usize, b: usize) -> Request {
    let vpc = pick(w.vpcs.keys().cloned(), a, "vpc");
    let subnet = pick(w.subnets.keys().cloned(), b, "subnet");
    let group = pick(w.groups.keys().cloned(), a, "sg");
    let other = pick(w.groups.keys().cloned(), b, "sg");
    let table = pick(w.route_tables.keys().cloned(), a, "rtb");
    let gateway = pick(w.internet_gateways.keys().cloned(), b, "igw");
    let nat = pick(w.nat_gateways.keys().cloned(), b, "nat");
    let eni = pick(w.interfaces.keys().cloned(), b, "eni");
    let instance = pick(w.instances.keys().cloned(), a, "i");
    let address = pick(w.addresses.keys().cloned(), a, "eipalloc");
    let acl = pick(w.network_acls.keys().cloned(), a, "acl");
    let of_acl = pick(w.network_acls.values().flat_map(|a| a.associations.keys().cloned()), b, "aclassoc");
    let image = image::any_x86_64();
    let cidr = format!("10.{}.{}.0/{}", a % 2, b % 4 * 16, 20 + a % 8);
    let (action, params) = match what % 32 {
        0 => ("CreateVpc", json!({"CidrBlock": format!("10.{}.0.0/16", a % 2)})),
        1 => ("DeleteVpc", json!({"VpcId": vpc})),
        2 | 3 => ("CreateSubnet", json!({"VpcId": vpc, "CidrBlock": cidr})),
        4 => ("DeleteSubnet", json!({"SubnetId": subnet})),
        5 => ("CreateInternetGateway", json!({})),
        6 => ("AttachInternetGateway", json!({"InternetGatewayId": gateway, "VpcId": vpc})),
        7 => ("DetachInternetGateway", json!({"InternetGatewayId": gateway, "VpcId": vpc})),
        8 => ("DeleteInternetGateway", json!({"InternetGatewayId": gateway})),
        9 => ("CreateRouteTable", json!({"VpcId": vpc})),
        10 => ("DeleteRouteTable", json!({"RouteTableId": table})),
        11 => ("AssociateRouteTable", json!({"RouteTableId": table, "SubnetId": subnet})),
        12 => ("CreateRoute", json!({"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway})),
        13 => ("CreateRoute", json!({"RouteTableId": table, "DestinationCidrBlock": "192.0.2.0/24", "NatGatewayId": nat})),
        14 => ("CreateSecurityGroup", json!({"GroupName": format!("g{b}"), "Description": "d", "VpcId": vpc})),
        15 => ("DeleteSecurityGroup", json!({"GroupId": group})),
        16 => {
            let permission = json!({"IpProtocol": "tcp", "FromPort": 1, "ToPort": b, "UserIdGroupPairs": [{"GroupId": other}]});
            ("AuthorizeSecurityGroupIngress", json!({"GroupId": group, "IpPermissions": [permission]}))
        }
        17 => ("AllocateAddress", json!({})),
        18 => ("ReleaseAddress", json!({"AllocationId": address})),
        19 => ("AssociateAddress", json!({"AllocationId": address, "NetworkInterfaceId": eni, "AllowReassociation": b.is_multiple_of(2)})),
        20 => ("CreateNatGateway", json!({"SubnetId": subnet, "AllocationId": address})),
        21 => ("DeleteNatGateway", json!({"NatGatewayId": nat})),
        22 => ("CreateNetworkInterface", json!({"SubnetId": subnet, "Groups": [group]})),
        23 => ("DeleteNetworkInterface", json!({"NetworkInterfaceId": eni})),
        24 | 25 => {
            let params = json!({"ImageId": image, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1 + a % 2, "SubnetId": subnet});
            ("RunInstances", params)
        }
        26 => ("TerminateInstances", json!({"InstanceIds": [instance]})),
        27 => ("StopInstances", json!({"InstanceIds": [instance]})),
        28 => ("StartInstances", json!({"InstanceIds": [instance]})),
        29 => ("AttachNetworkInterface", json!({"NetworkInterfaceId": eni, "InstanceId": instance, "DeviceIndex": b % 3})),
        30 => ("ReplaceNetworkAclAssociation", json!({"AssociationId": of_acl, "NetworkAclId": acl})),
        _ => ("CreateNetworkAcl", json!({"VpcId": vpc})),
    };
    Request::new(action, params)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn no_calls_break_a_law_and_refusals_change_nothing(calls in prop::collection::vec((0..32_usize, 0..8_usize, 0..8_usize), 1..80)) {
        let ec2 = ec2();
        ec2.0.world(|w| w.pace.linger = 5);
        for (what, a, b) in calls {
            let request = ec2.0.world(|w| request(w, what, a, b));
            let before = ec2.0.world(|w| {
                let mut w = w.clone();
                w.advance(1);
                w.uncounted()
            });
            let answer = ec2.0.call(&request);
            let after = ec2.0.world(|w| w.clone());
            prop_assert_eq!(broken_laws(&after), Vec::<String>::new(), "after {:?}", request);
            match answer {
                Ok(answer) => prop_assert_eq!(shapes::strangers(&request.action, &answer), Vec::<String>::new()),
                Err(error) => {
                    prop_assert!(!error.code.is_empty());
                    prop_assert_eq!(before, after.uncounted(), "refused, and changed something: {:?}", request);
                }
            }
        }
        for action in ["DescribeVpcs", "DescribeSubnets", "DescribeRouteTables", "DescribeInstances", "DescribeNatGateways", "DescribeAddresses",
            "DescribeNetworkInterfaces", "DescribeSecurityGroups", "DescribeSecurityGroupRules", "DescribeVolumes", "DescribeNetworkAcls"] {
            ec2.ok(action, json!({}));
        }
    }
}

#[test]
fn every_action_and_parameter_that_the_model_claims_is_ec2s() {
    let served: BTreeSet<&str> = AREAS.iter().copied().flatten().map(|(name, ..)| *name).collect();
    let known: BTreeSet<&str> = shapes::actions().collect();
    assert_eq!(served, known);
    for (name, _, parameters) in AREAS.iter().copied().flatten() {
        let shapes::Action(_, request, _) = shapes::action(name).unwrap();
        for parameter in parameters.split_whitespace() {
            let there = shapes::members(request).iter().any(|m| m.name == parameter || (m.name == "Filter" && parameter == "Filters"));
            assert!(there, "{name} takes no {parameter}");
        }
    }
}
