//! Networks and snapshots that are not as they should be: nothing panics, nothing takes for ever, and what the model
//! lacks never turns an answer round.

use std::time::{Duration, Instant};

use secnet::{
    base::{
        cidr::{Cidr, Family},
        service::Service,
    },
    net::*,
    prove::{
        ask::{Verdict, ask, cubes},
        chart::Chart,
        packet::{Range, conversations},
        walk::{Place, Walk},
    },
};
use serde_json::{Value as Json, json};

use crate::{
    prove::{random_packet, single, start},
    random::{Dice, cidr, gap, id, networks, random_net, seed, tell, whole_net},
    replay::wide,
};

/// How long any one network may take, on a slow and busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Works(_) => "works",
        Verdict::Stopped => "stopped",
        Verdict::Unknown(_) => "unknown",
    }
}

fn wild(dice: &mut Dice) -> Cidr {
    let all =
        ["0.0.0.0/0", "::/0", "10.0.0.0/8", "10.0.0.0/16", "10.0.1.4/32", "255.255.255.255/32", "::/128", "2001:db8::/32", "0.0.0.0/32"];
    cidr(dice.pick(&all))
}

fn some_id(dice: &mut Dice, net: &Net) -> Id {
    let mut all: Vec<Id> = vec![id("nobody"), id("")];
    all.extend(net.vpcs.iter().map(|v| v.id.clone()));
    all.extend(net.subnets.iter().map(|s| s.id.clone()));
    all.extend(net.interfaces.iter().map(|i| i.id.clone()));
    all.extend(net.transit_gateways.iter().map(|t| t.id.clone()));
    all.extend(net.attachments.iter().map(|t| t.id.clone()));
    all.extend(net.transit_tables.iter().map(|t| t.id.clone()));
    dice.pick(&all).clone()
}

fn target(dice: &mut Dice, net: &Net) -> Target {
    let to = some_id(dice, net);
    match dice.below(9) {
        0 => Target::Local,
        1 => Target::InternetGateway(id("igw-0")),
        2 => Target::EgressOnlyGateway(id("eigw-0")),
        3 => Target::NatGateway(net.nat_gateways.first().map_or(to, |n| n.id.clone())),
        4 => Target::Peering(id("pcx-01")),
        5 => Target::TransitGateway(id("tgw-0")),
        6 => Target::Interface(to),
        7 => Target::VpnGateway(id("vgw-0")),
        _ => Target::Unmodelled(to),
    }
}

/// Breaks one thing of a network.
fn mangle(dice: &mut Dice, net: &mut Net) {
    let (any, cidr, other) = (some_id(dice, net), wild(dice), target(dice, net));
    macro_rules! one {
        ($list:ident) => {{
            let n = dice.below(net.$list.len());
            let Some(item) = net.$list.get_mut(n) else { return };
            item
        }};
    }
    match dice.below(22) {
        0 => one!(vpcs).cidrs.push(cidr),
        1 => one!(vpcs).cidrs.clear(),
        2 => one!(subnets).cidrs.push(cidr),
        3 => one!(subnets).cidrs.clear(),
        4 => one!(subnets).vpc = any,
        5 => one!(interfaces).subnet = any,
        6 => one!(interfaces).groups.push(any),
        7 => one!(interfaces).addresses.push(InterfaceAddress { private: cidr, public: Some(Public::Chosen) }),
        8 => one!(interfaces).addresses.clear(),
        9 => one!(interfaces).owner = Owner::NatGateway(any),
        10 => one!(route_tables).routes.push(Route {
            destination: Destination::Network(cidr),
            target: other,
            blackhole: false,
            propagated: false,
            origin: Origin::Observed,
        }),
        11 => one!(route_tables).gateways.push(any),
        12 => one!(route_tables).vpc = any,
        13 => one!(network_acls).inbound.clear(),
        14 => one!(network_acls).vpc = any,
        15 => one!(peerings).sides[0].vpc = any,
        16 => one!(attachments).to = Attached::Peering(any),
        17 => one!(attachments).table = Some(any),
        18 => one!(transit_tables).routes.push(TransitRoute {
            destination: Destination::Network(cidr),
            attachment: Some(any),
            fixed: true,
            origin: Origin::Observed,
        }),
        19 => one!(prefix_lists).entries = Some(vec![cidr; 3]),
        20 => {
            let twin = one!(interfaces).clone();
            net.interfaces.push(twin);
        }
        _ => {
            gap(dice, net);
        }
    }
}

/// Asks this and that of a network, whatever it is.
fn question(dice: &mut Dice, net: &Net) -> usize {
    let chart = Chart::new(net);
    let mut asked = 0;
    for _ in 0..4 {
        if net.interfaces.is_empty() {
            break;
        }
        if let Some((question, _)) = wide(dice, net) {
            let finding = ask(&chart, &question, |_| true);
            assert!(!matches!(finding.verdict, Verdict::Stopped) || finding.blockers().count() > 0 || question.cubes.is_empty());
            let mut walk = Walk { anybody: (0..net.subnets.len()).collect(), ..Walk::new(&chart) };
            walk.send(question.from, question.family, question.cubes);
            asked += 1;
        }
    }
    for subnet in 0..net.subnets.len().min(2) {
        let family = if dice.one_in(2) { Family::V4 } else { Family::V6 };
        let clients = chart.subnets[subnet].ranges.of(family).clone();
        let traffic = conversations(&Service::All, Range::PORTS, family);
        let mut walk = Walk::new(&chart);
        walk.send(Place::Anybody(subnet), family, cubes(&clients, &[Range::all(family)], &traffic));
        asked += 1;
    }
    asked
}

#[test]
fn broken_networks_neither_panic_nor_take_for_ever() {
    let (first, mut asked, mut longest) = (seed() + 8_000_000, 0, Duration::ZERO);
    let count = networks().div_ceil(10);
    for n in first..first + count {
        let mut dice = Dice(n);
        let mut net = random_net(&mut dice);
        for _ in 0..1 + dice.below(12) {
            mangle(&mut dice, &mut net);
        }
        let begun = Instant::now();
        asked += question(&mut dice, &net);
        longest = longest.max(begun.elapsed());
        assert!(begun.elapsed() < PATIENCE, "seed {n} takes {:?}", begun.elapsed());
    }
    tell(format!("{count} broken networks from seed {first}: {asked} questions, no panic, the longest network {longest:?}"));
}

#[test]
fn what_the_model_lacks_never_turns_an_answer_round() {
    let (first, mut packets, mut unknown) = (seed() + 9_000_000, 0, 0);
    for n in first..first + networks() {
        let mut dice = Dice(n);
        let net = whole_net(&mut dice);
        let mut less = net.clone();
        if !gap(&mut dice, &mut less) {
            continue;
        }
        let (whole, lacking) = (Chart::new(&net), Chart::new(&less));
        for _ in 0..20 {
            let family = if dice.one_in(3) { Family::V6 } else { Family::V4 };
            let Some((place, end, source)) = start(&mut dice, &less, family) else { continue };
            // Numbers of attachments and gateways differ between the two.
            if matches!(place, Place::Behind(_)) {
                continue;
            }
            let packet = random_packet(&mut dice, &net, family, source);
            // A list's networks are no part of a VPC: EC2 takes routes that are more specific than local for whole subnets only.
            if less.prefix_lists != net.prefix_lists && net.vpcs.iter().any(|v| v.cidrs.iter().any(|c| c.contains_ip(packet.destination))) {
                continue;
            }
            let of = |chart: &Chart<'_>| word(&ask(chart, &single(place, family, &packet), |_| true).verdict);
            let (was, is) = (of(&whole), of(&lacking));
            assert!(is == was || is == "unknown" || was == "unknown", "seed {n}: {end:?} {packet:?} {was} becomes {is}");
            packets += 1;
            unknown += usize::from(is != was);
        }
    }
    tell(format!("{} networks from seed {first} with a gap: {packets} packets, {unknown} become unknown, none turns round", networks()));
}

/// A snapshot with something of each kind.
fn snapshot_json() -> Json {
    let entry =
        |egress: bool| json!({"RuleNumber": 100, "Egress": egress, "Protocol": "-1", "RuleAction": "allow", "CidrBlock": "0.0.0.0/0"});
    let subnet = |n: u8| {
        json!({"SubnetId": format!("subnet-{n}"), "VpcId": "vpc-1", "CidrBlock": format!("10.0.{n}.0/24"),
        "AvailabilityZone": "a", "Ipv6CidrBlockAssociationSet": [{"Ipv6CidrBlock": format!("2001:db8:0:{n}::/64"),
        "Ipv6CidrBlockState": {"State": "associated"}}]})
    };
    let machine = |n: u8| {
        json!({"NetworkInterfaceId": format!("eni-{n}"), "SubnetId": format!("subnet-{n}"), "VpcId": "vpc-1",
        "InterfaceType": "interface", "SourceDestCheck": true, "Status": "in-use", "Groups": [{"GroupId": "sg-1"}],
        "Attachment": {"InstanceId": format!("i-{n}"), "Status": "attached"},
        "PrivateIpAddresses": [{"PrivateIpAddress": format!("10.0.{n}.5"), "Primary": true,
            "Association": {"PublicIp": format!("198.51.100.{n}")}}],
        "Ipv6Addresses": [{"Ipv6Address": format!("2001:db8:0:{n}::5")}], "Ipv4Prefixes": [{"Ipv4Prefix": format!("10.0.{n}.16/28")}]})
    };
    let state = |n: u8| json!({"Instances": [{"InstanceId": format!("i-{n}"), "State": {"Name": "running"}}]});
    json!({
        "Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16", "OwnerId": "1", "Ipv6CidrBlockAssociationSet": [
            {"Ipv6CidrBlock": "2001:db8::/48", "Ipv6CidrBlockState": {"State": "associated"}}]},
            {"VpcId": "vpc-2", "CidrBlock": "10.1.0.0/16"}],
        "Subnets": [subnet(1), subnet(2)],
        "NetworkInterfaces": [machine(1), machine(2)],
        "Reservations": [state(1), state(2)],
        "RouteTables": [{"RouteTableId": "rtb-1", "VpcId": "vpc-1", "Associations": [{"Main": true}, {"SubnetId": "subnet-1"}], "Routes": [
            {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"},
            {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "State": "active"},
            {"DestinationIpv6CidrBlock": "::/0", "EgressOnlyInternetGatewayId": "eigw-1", "State": "active"},
            {"DestinationCidrBlock": "10.1.0.0/16", "VpcPeeringConnectionId": "pcx-1", "State": "active"},
            {"DestinationCidrBlock": "10.2.0.0/16", "TransitGatewayId": "tgw-1", "State": "active"},
            {"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-1", "State": "active"},
            {"DestinationCidrBlock": "172.16.0.0/12", "GatewayId": "vgw-1", "State": "active", "Origin": "EnableVgwRoutePropagation"},
            {"DestinationCidrBlock": "192.168.0.0/16", "NatGatewayId": "nat-1", "State": "blackhole"}]}],
        "NetworkAcls": [{"NetworkAclId": "acl-1", "VpcId": "vpc-1", "IsDefault": true, "Associations": [{"SubnetId": "subnet-1"}],
            "Entries": [entry(false), entry(true), {"RuleNumber": 90, "Egress": false, "Protocol": "6", "RuleAction": "deny",
                "CidrBlock": "0.0.0.0/0", "PortRange": {"From": 23, "To": 25}}]}],
        "SecurityGroups": [{"GroupId": "sg-1", "VpcId": "vpc-1", "IpPermissions": [
            {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
             "PrefixListIds": [{"PrefixListId": "pl-1"}], "UserIdGroupPairs": [{"GroupId": "sg-1"}]},
            {"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}],
            "IpPermissionsEgress": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]}],
        "InternetGateways": [{"InternetGatewayId": "igw-1", "Attachments": [{"VpcId": "vpc-1", "State": "available"}]}],
        "EgressOnlyInternetGateways": [{"EgressOnlyInternetGatewayId": "eigw-1", "Attachments": [{"VpcId": "vpc-1", "State": "attached"}]}],
        "NatGateways": [{"NatGatewayId": "nat-1", "SubnetId": "subnet-1", "State": "available", "NatGatewayAddresses": [
            {"PrivateIp": "10.0.1.9", "PublicIp": "198.51.100.9", "NetworkInterfaceId": "eni-9"}]}],
        "VpcPeeringConnections": [{"VpcPeeringConnectionId": "pcx-1", "Status": {"Code": "active"},
            "RequesterVpcInfo": {"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16", "Region": "r"},
            "AccepterVpcInfo": {"VpcId": "vpc-2", "CidrBlock": "10.1.0.0/16", "Region": "r"}}],
        "TransitGateways": [{"TransitGatewayId": "tgw-1", "State": "available", "Options": {"AssociationDefaultRouteTableId": "trt-1"}}],
        "TransitGatewayVpcAttachments": [{"TransitGatewayAttachmentId": "att-1", "TransitGatewayId": "tgw-1", "VpcId": "vpc-1",
            "SubnetIds": ["subnet-1"], "State": "available", "Options": {"Ipv6Support": "enable"}}],
        "TransitGatewayRouteTables": [{"TransitGatewayRouteTableId": "trt-1", "TransitGatewayId": "tgw-1"}],
        "TransitGatewayRoutes": [{"TransitGatewayRouteTableId": "trt-1", "Routes": [{"DestinationCidrBlock": "10.2.0.0/16", "Type": "static",
            "State": "active", "TransitGatewayAttachments": [{"TransitGatewayAttachmentId": "att-1"}]}]}],
        "VpcEndpoints": [{"VpcEndpointId": "vpce-1", "VpcId": "vpc-1", "VpcEndpointType": "Gateway", "State": "available", "ServiceName": "s3"}],
        "PrefixLists": [{"PrefixListId": "pl-1", "Cidrs": ["52.216.0.0/15"]}],
        "VpnGateways": [{"VpnGatewayId": "vgw-1", "VpcAttachments": [{"VpcId": "vpc-1", "State": "attached"}]}],
        "VpcBlockPublicAccessOptions": {"InternetGatewayBlockMode": "off"}
    })
}

/// All places in a JSON value.
fn places(value: &Json, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Json::Object(members) => members.iter().for_each(|(key, inner)| places(inner, &format!("{at}/{key}"), found)),
        Json::Array(items) => items.iter().enumerate().for_each(|(i, inner)| places(inner, &format!("{at}/{i}"), found)),
        _ => {}
    }
}

fn mutated(dice: &mut Dice, whole: &Json) -> Json {
    let mut value = whole.clone();
    for _ in 0..1 + dice.below(4) {
        let mut all = vec![];
        places(&value, "", &mut all);
        let (to, from) = (dice.pick(&all).clone(), dice.pick(&all).clone());
        let copy = value.pointer(&from).cloned().unwrap_or(Json::Null);
        let odd = [
            Json::Null,
            json!(""),
            json!(-1),
            json!(70_000),
            json!(1e300),
            json!([]),
            json!({}),
            json!([null]),
            json!("0.0.0.0/0"),
            json!("::/0"),
            json!("10.0.0.0/99"),
            json!("10.0.1.5"),
            json!("vpc-1"),
            json!("\u{0}é"),
            json!(true),
            copy.clone(),
            copy,
        ];
        if let Some(slot) = value.pointer_mut(&to) {
            *slot = dice.pick(&odd).clone();
        }
    }
    value
}

#[test]
fn mutated_snapshots_are_read_or_refused_and_never_panic() {
    let whole = snapshot_json();
    let net = snapshot::read("whole.json", &whole.to_string()).unwrap_or_else(|wrong| panic!("{wrong:#?}"));
    assert_eq!((net.vpcs.len(), net.interfaces.len(), net.route_tables[0].routes.len()), (2, 3, 8));
    let (first, mut read, mut refused, mut longest) = (seed() + 10_000_000, 0, 0, Duration::ZERO);
    for n in first..first + networks() {
        let mut dice = Dice(n);
        let mut text = mutated(&mut dice, &whole).to_string();
        if dice.one_in(10) {
            let cut = (0..=dice.below(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap();
            text.truncate(cut);
            assert!(snapshot::read("cut.json", &text).is_err(), "seed {n}: {text}");
        }
        let begun = Instant::now();
        match snapshot::read("mutated.json", &text) {
            Ok(net) => {
                question(&mut dice, &net);
                read += 1;
            }
            Err(complaints) => {
                assert!(!complaints.is_empty(), "seed {n}");
                refused += 1;
            }
        }
        longest = longest.max(begun.elapsed());
        assert!(begun.elapsed() < PATIENCE, "seed {n} takes {:?}", begun.elapsed());
    }
    tell(format!("{} mutated snapshots from seed {first}: {read} read, {refused} refused, no panic, the longest {longest:?}", networks()));
}
