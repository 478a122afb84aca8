//! What statements mean, sentence by sentence, in small networks that can be judged by eye.

use std::net::IpAddr;

use secnet::{
    base::{
        cidr::Cidr,
        service::{Ports, Service},
        span::{FileId, Span},
    },
    net::*,
    prove::{
        chart::Chart,
        policy::{self, Judged, Outcome, judge},
    },
    schema::{
        model::{Model, Policy, Statement},
        value::Value,
    },
};

fn id(text: &str) -> Id {
    Id::from(text)
}

fn cidr(text: &str) -> Cidr {
    text.parse().unwrap_or_else(|_| panic!("{text}"))
}

const HERE: Origin = Origin::Observed;

fn tcp(port: u16) -> Service {
    Service::Tcp(vec![Ports { from: port, to: port }])
}

/// A VPC `10.N.0.0/16` with one subnet `10.N.1.0/24`, a main table and an ACL that lets everything pass.
fn vpc(net: &mut Net, n: u8) {
    let name = id(&format!("vpc-{n}"));
    let mut cidrs = vec![cidr(&format!("10.{n}.0.0/16"))];
    cidrs.push(cidr(&format!("2001:db8:{n}::/48")));
    net.vpcs.push(Vpc { id: name.clone(), cidrs, region: "".into(), account: "".into(), origin: HERE });
    net.subnets.push(Subnet {
        id: id(&format!("subnet-{n}")),
        vpc: name.clone(),
        cidrs: vec![cidr(&format!("10.{n}.1.0/24"))],
        zone: Some("a".into()),
        origin: HERE,
    });
    let all = |network: &str| Entry { number: 100, allow: true, service: Service::All, network: cidr(network), origin: HERE };
    let entries = vec![all("0.0.0.0/0"), all("::/0")];
    let (inbound, outbound) = (entries.clone(), entries);
    net.network_acls.push(NetworkAcl {
        id: id(&format!("acl-{n}")),
        vpc: name.clone(),
        default: true,
        subnets: vec![],
        inbound,
        outbound,
        origin: HERE,
    });
    net.route_tables.push(RouteTable {
        id: id(&format!("rtb-{n}")),
        vpc: name,
        main: true,
        subnets: vec![],
        gateways: vec![],
        propagating: vec![],
        routes: vec![],
        origin: HERE,
    });
}

fn route(net: &mut Net, n: usize, to: &str, target: Target) {
    let destination = Destination::Network(cidr(to));
    net.route_tables[n].routes.push(Route { destination, target, blackhole: false, propagated: false, origin: HERE });
}

fn group(net: &mut Net, name: &str, vpc: &str, ingress: &[(Service, &str)]) {
    let peer = |text: &str| if text.starts_with("sg-") { Peer::Group(id(text)) } else { Peer::Network(cidr(text)) };
    let rule = |(service, from): &(Service, &str)| Rule { service: Some(service.clone()), peer: peer(from), origin: HERE };
    let everything = ["0.0.0.0/0", "::/0"].map(|to| Rule { service: Some(Service::All), peer: peer(to), origin: HERE });
    let (ingress, egress) = (ingress.iter().map(rule).collect(), everything.into());
    net.security_groups.push(SecurityGroup { id: id(name), vpc: id(vpc), default: false, ingress, egress, origin: HERE });
}

fn machine(net: &mut Net, name: &str, addresses: &[&str], public: Option<&str>, groups: &[&str]) {
    let public = public.map(|p| Public::Known(p.parse().unwrap()));
    let vpc_number = addresses[0].split('.').nth(1).unwrap().to_owned();
    let address = |text: &&str| {
        let ip: IpAddr = text.parse().unwrap();
        InterfaceAddress { private: Cidr::host_of(ip), public: public.filter(|_| ip.is_ipv4()) }
    };
    net.interfaces.push(Interface {
        id: id(&format!("eni-{name}")),
        subnet: id(&format!("subnet-{vpc_number}")),
        addresses: addresses.iter().map(address).collect(),
        groups: groups.iter().map(|g| id(g)).collect(),
        source_dest_check: true,
        owner: Owner::Instance { id: id(name), running: true },
        origin: HERE,
    });
}

fn internet_gateway(net: &mut Net, n: usize) {
    net.internet_gateways.push(InternetGateway { id: id(&format!("igw-{n}")), vpc: Some(id(&format!("vpc-{n}"))), origin: HERE });
}

fn peer(net: &mut Net, one: u8, other: &str, cidrs: &[&str]) {
    let name = format!("pcx-{one}");
    let mine = PeeringSide { vpc: id(&format!("vpc-{one}")), cidrs: vec![cidr(&format!("10.{one}.0.0/16"))], region: "".into() };
    let theirs = PeeringSide { vpc: id(other), cidrs: cidrs.iter().map(|c| cidr(c)).collect(), region: "".into() };
    net.peerings.push(Peering { id: id(&name), active: true, sides: [mine, theirs], origin: HERE });
}

fn value(text: &str) -> Value {
    match text {
        "internet" => Value::Internet,
        "any" => Value::Any,
        text if text.contains('/') => Value::Cidr(cidr(text)),
        text => Value::text(text),
    }
}

fn statement(require: bool, service: Service, from: &str, to: &str) -> Statement {
    Statement {
        require,
        services: vec![service],
        from: vec![value(from)],
        to: vec![value(to)],
        except: vec![],
        client_ports: None,
        turn: String::new(),
        span: Span::new(FileId(0), 0, 0),
    }
}

fn judged(net: &Net, statements: Vec<Statement>) -> Vec<Judged> {
    let span = Span::new(FileId(0), 0, 0);
    let policy = Policy { name: "p".into(), description: None, during_apply: false, imposed: false, waiver: None, statements, span };
    judge(&Chart::new(net), &Model { policies: vec![policy], ..Model::default() })
}

#[track_caller]
fn is(net: &Net, one: Statement, wanted: Outcome) -> Judged {
    let judged = judged(net, vec![one]).remove(0);
    assert_eq!(judged.outcome, wanted, "{judged:#?}");
    judged
}

#[track_caller]
fn forbid(net: &Net, service: Service, from: &str, to: &str, wanted: Outcome) -> Judged {
    is(net, statement(false, service, from, to), wanted)
}

#[track_caller]
fn require(net: &Net, service: Service, from: &str, to: &str, wanted: Outcome) -> Judged {
    is(net, statement(true, service, from, to), wanted)
}

use Outcome::{Proven, Refuted, Unknown};

/// One VPC on the internet: `i-web` with a public address, `i-db` without, both in `subnet-0`.
fn plain() -> Net {
    let mut net = Net::default();
    vpc(&mut net, 0);
    internet_gateway(&mut net, 0);
    route(&mut net, 0, "0.0.0.0/0", Target::InternetGateway(id("igw-0")));
    group(&mut net, "sg-web", "vpc-0", &[(tcp(443), "0.0.0.0/0")]);
    group(&mut net, "sg-db", "vpc-0", &[(tcp(5432), "10.0.0.0/8")]);
    machine(&mut net, "i-web", &["10.0.1.4"], Some("198.51.100.4"), &["sg-web"]);
    machine(&mut net, "i-db", &["10.0.1.5"], None, &["sg-db"]);
    net
}

#[test]
fn any_holds_what_lies_behind_a_vpn() {
    let mut net = plain();
    machine(&mut net, "i-lone", &["10.0.1.6"], None, &["sg-lone"]);
    group(&mut net, "sg-lone", "vpc-0", &[(tcp(22), "172.16.0.0/12")]);
    forbid(&net, tcp(22), "any", "i-lone", Proven);
    net.vpn_gateways.push(VpnGateway { id: id("vgw-0"), vpc: Some(id("vpc-0")), connections: vec![], origin: HERE });
    let found = forbid(&net, tcp(22), "any", "i-lone", Refuted);
    assert!(found.packet.as_deref().is_some_and(|p| p.starts_with("tcp 172.16.0.0:0 to 10.0.1.6:22")), "{:?}", found.packet);
    forbid(&net, tcp(22), "172.16.9.0/24", "i-lone", Refuted);
    forbid(&net, tcp(22), "192.168.0.0/16", "i-lone", Proven);
}

#[test]
fn any_holds_what_lies_behind_a_peering_with_a_vpc_that_is_not_in_the_model() {
    let mut net = plain();
    peer(&mut net, 0, "vpc-elsewhere", &["10.9.0.0/16"]);
    let found = forbid(&net, tcp(5432), "10.9.0.0/16", "i-db", Refuted);
    assert!(found.packet.is_some_and(|p| p.starts_with("tcp 10.9.0.0:0 to 10.0.1.5:5432")));
    forbid(&net, tcp(5432), "192.168.0.0/16", "i-db", Proven);
    net.interfaces.retain(|i| i.id == id("eni-i-db"));
    let found = forbid(&net, tcp(5432), "any", "i-db", Refuted);
    assert_eq!(found.flows[0].from, "what lies behind `pcx-0`");
    net.peerings[0].active = false;
    forbid(&net, tcp(5432), "any", "i-db", Proven);
}

#[test]
fn a_group_of_a_vpc_that_is_not_in_the_model_may_be_carried_by_whatever_lies_behind_the_peering() {
    let mut net = plain();
    group(&mut net, "sg-far", "vpc-0", &[(tcp(6379), "sg-of-the-peer")]);
    machine(&mut net, "i-cache", &["10.0.1.7"], None, &["sg-far"]);
    forbid(&net, tcp(6379), "any", "i-cache", Proven);
    peer(&mut net, 0, "vpc-elsewhere", &["10.9.0.0/16"]);
    let found = forbid(&net, tcp(6379), "any", "i-cache", Unknown);
    assert!(found.reason.is_some_and(|r| r.contains("sg-of-the-peer")));
    route(&mut net, 0, "10.9.0.0/16", Target::Peering(id("pcx-0")));
    require(&net, tcp(6379), "10.9.0.0/16", "i-cache", Unknown);
    forbid(&net, tcp(6379), "i-web", "i-cache", Proven);
}

#[test]
fn any_holds_what_comes_over_a_transit_gateway_from_outside_the_model() {
    let mut net = plain();
    let table = Some(id("tgw-rtb"));
    net.transit_gateways.push(TransitGateway { id: id("tgw-1"), available: true, group_references: false, origin: HERE });
    let attach = |name: &str, to: Attached| Attachment {
        id: id(name),
        gateway: id("tgw-1"),
        to,
        available: true,
        table: table.clone(),
        origin: HERE,
    };
    let to_vpc = |vpc: &str, subnet: &str| Attached::Vpc {
        vpc: id(vpc),
        subnets: vec![id(subnet)],
        ipv6: false,
        appliance: false,
        group_references: false,
    };
    net.attachments.push(attach("att-0", to_vpc("vpc-0", "subnet-0")));
    net.transit_tables.push(TransitTable {
        id: id("tgw-rtb"),
        gateway: id("tgw-1"),
        propagations: vec![id("att-0")],
        routes: vec![],
        known: true,
        origin: HERE,
    });
    net.interfaces.retain(|i| i.id == id("eni-i-db"));
    forbid(&net, tcp(5432), "any", "i-db", Proven);
    for (name, far) in [
        ("att-vpn", Attached::Outside(id("vpn-1"))),
        ("att-far", to_vpc("vpc-elsewhere", "subnet-elsewhere")),
        ("att-tgw", Attached::Peering(id("tgw-elsewhere"))),
        ("att-odd", Attached::Unmodelled("a network function".into())),
    ] {
        let mut more = net.clone();
        more.attachments.push(attach(name, far));
        let found = forbid(&more, tcp(5432), "any", "i-db", Refuted);
        assert!(found.flows[0].from.contains(name), "{:?}", found.flows);
    }
}

#[test]
fn any_holds_what_may_come_by_targets_that_the_model_lacks() {
    let mut net = plain();
    net.interfaces.retain(|i| i.id == id("eni-i-db"));
    forbid(&net, tcp(5432), "any", "i-db", Proven);
    for target in [Target::Unmodelled(id("lgw-1")), Target::TransitGateway(id("tgw-unseen")), Target::Peering(id("pcx-unseen"))] {
        let mut more = net.clone();
        route(&mut more, 0, "192.168.0.0/16", target);
        let found = forbid(&more, tcp(5432), "any", "i-db", Unknown);
        assert!(found.reason.is_some(), "{found:#?}");
    }
}

#[test]
fn a_load_balancer_may_send_whatever_its_groups_let_out() {
    let mut net = plain();
    machine(&mut net, "i-x", &["10.0.1.8"], None, &["sg-web"]);
    net.interfaces.last_mut().unwrap().owner = Owner::Unmodelled { what: "network load balancer".into(), of: None };
    forbid(&net, tcp(5432), "eni-i-x", "i-db", Unknown);
    forbid(&net, tcp(22), "eni-i-x", "i-db", Proven);
    net.doors.push(Door { id: id("lb-1"), what: "a load balancer".into(), vpc: Some(id("vpc-0")), origin: HERE });
    let found = forbid(&net, tcp(22), "internet", "i-db", Unknown);
    assert!(found.reason.is_some_and(|r| r.contains("`lb-1` is a load balancer")));
}

#[test]
fn the_internet_is_reached_through_a_gateway_endpoint_too() {
    let mut net = plain();
    net.route_tables[0].routes.clear();
    net.prefix_lists.push(PrefixList { id: id("pl-s3"), entries: Some(vec![cidr("52.216.0.0/15")]), origin: HERE });
    net.endpoints.push(Endpoint {
        id: id("vpce-1"),
        vpc: id("vpc-0"),
        gateway: true,
        modelled: true,
        available: true,
        service: "s3".into(),
        origin: HERE,
    });
    forbid(&net, tcp(443), "i-db", "internet", Proven);
    let destination = Destination::PrefixList(id("pl-s3"));
    let target = Target::Endpoint(id("vpce-1"));
    net.route_tables[0].routes.push(Route { destination, target, blackhole: false, propagated: false, origin: HERE });
    let found = forbid(&net, tcp(443), "i-db", "internet", Refuted);
    assert!(found.packet.is_some_and(|p| p.contains("to 52.216.0.0:443")));
    forbid(&net, Service::Udp(vec![]), "i-db", "internet", Proven);
    forbid(&net, tcp(443), "i-db", "52.216.0.0/16", Refuted);
    forbid(&net, tcp(443), "i-db", "8.8.8.8/32", Proven);
    // All of the internet is wanted, not the part that the endpoint leads to.
    require(&net, tcp(443), "i-db", "internet", Refuted);
    require(&net, tcp(443), "i-db", "52.216.0.0/16", Proven);
}

#[test]
fn what_leaves_for_a_public_address_by_a_vpn_is_out_of_sight() {
    let mut net = plain();
    net.vpn_gateways.push(VpnGateway { id: id("vgw-0"), vpc: Some(id("vpc-0")), connections: vec![], origin: HERE });
    net.route_tables[0].routes.clear();
    route(&mut net, 0, "0.0.0.0/0", Target::VpnGateway(id("vgw-0")));
    let found = forbid(&net, tcp(25), "i-db", "internet", Unknown);
    assert!(found.reason.is_some_and(|r| r.contains("`vgw-0`")));
    forbid(&net, tcp(25), "i-db", "8.8.8.8/32", Unknown);
    forbid(&net, tcp(25), "i-db", "172.16.0.0/12", Refuted);
    require(&net, tcp(25), "i-db", "internet", Unknown);
    require(&net, tcp(25), "i-db", "172.16.0.0/12", Proven);
}

#[test]
fn half_of_the_internet_is_not_the_internet() {
    let mut net = plain();
    net.route_tables[0].routes.clear();
    route(&mut net, 0, "128.0.0.0/1", Target::InternetGateway(id("igw-0")));
    require(&net, tcp(443), "i-web", "internet", Refuted);
    forbid(&net, tcp(443), "i-web", "internet", Refuted);
    require(&net, tcp(443), "i-web", "203.0.113.0/24", Proven);
    require(&net, tcp(443), "i-web", "8.8.8.0/24", Refuted);
}

#[test]
fn a_forbid_to_a_network_holds_for_private_and_public_addresses_of_interfaces() {
    let mut net = plain();
    // From the internet, 10.0.1.4 is reached by its public address.
    forbid(&net, tcp(443), "internet", "10.0.1.0/24", Refuted);
    forbid(&net, tcp(443), "internet", "198.51.100.0/24", Refuted);
    forbid(&net, tcp(443), "internet", "10.0.1.5/32", Proven);
    forbid(&net, tcp(5432), "i-web", "10.0.1.0/24", Refuted);
    forbid(&net, tcp(22), "i-web", "10.0.1.0/24", Proven);
    // Going out to the own public address and back in again.
    net.security_groups[0].ingress.push(Rule { service: Some(tcp(80)), peer: Peer::Network(cidr("198.51.100.0/24")), origin: HERE });
    machine(&mut net, "i-two", &["10.0.1.9"], Some("198.51.100.9"), &["sg-web"]);
    let found = forbid(&net, tcp(80), "i-two", "i-web", Refuted);
    assert!(found.packet.is_some_and(|p| p.contains("to 198.51.100.4:80")));
}

#[test]
fn whoever_could_be_in_a_subnet_has_any_address_group_and_public_address() {
    let mut net = plain();
    // The groups let nothing in on 22; somebody else could be there with one that does.
    forbid(&net, tcp(22), "internet", "subnet-0", Refuted);
    forbid(&net, tcp(22), "internet", "i-web", Proven);
    net.network_acls[0].inbound.insert(0, Entry { number: 10, allow: false, service: tcp(22), network: cidr("0.0.0.0/0"), origin: HERE });
    forbid(&net, tcp(22), "internet", "subnet-0", Proven);
    net.network_acls[0].inbound.remove(0);
    net.route_tables[0].routes.clear();
    forbid(&net, tcp(22), "internet", "subnet-0", Proven);
    // Whoever is there with a public address is reached, whatever the table says.
    let found = forbid(&net, tcp(443), "internet", "subnet-0", Refuted);
    assert!(found.packet.is_some_and(|p| p.ends_with("to 198.51.100.4:443")));
    // Inside, ACLs are all there is.
    forbid(&net, tcp(22), "i-web", "subnet-0", Refuted);
    // As a source: any group that could be attached there.
    net.security_groups[1].ingress = vec![Rule { service: Some(tcp(1)), peer: Peer::Group(id("sg-idle")), origin: HERE }];
    group(&mut net, "sg-idle", "vpc-0", &[]);
    forbid(&net, tcp(1), "i-web", "i-db", Proven);
    forbid(&net, tcp(1), "subnet-0", "i-db", Refuted);
}

#[test]
fn ipv6_makes_a_subnet_reachable_by_itself() {
    let mut net = plain();
    net.route_tables[0].routes.clear();
    forbid(&net, tcp(22), "internet", "subnet-0", Proven);
    net.subnets[0].cidrs.push(cidr("2001:db8:0:1::/64"));
    let found = forbid(&net, tcp(22), "internet", "subnet-0", Refuted);
    assert!(found.packet.is_some_and(|p| p.starts_with("tcp [2000::]:0 to [2001:db8:0:1::]:22")));
    net.internet_gateways.clear();
    forbid(&net, tcp(22), "internet", "subnet-0", Proven);
}

#[test]
fn each_family_that_both_sides_have_is_judged() {
    let mut net = plain();
    net.subnets[0].cidrs.push(cidr("2001:db8:0:1::/64"));
    route(&mut net, 0, "::/0", Target::InternetGateway(id("igw-0")));
    group(&mut net, "sg-six", "vpc-0", &[(tcp(22), "::/0")]);
    machine(&mut net, "i-six", &["10.0.1.10", "2001:db8:0:1::a"], Some("198.51.100.10"), &["sg-six"]);
    let found = forbid(&net, tcp(22), "internet", "i-six", Refuted);
    assert!(found.packet.is_some_and(|p| p.contains("[2001:db8:0:1::a]:22")));
    let found = require(&net, tcp(22), "internet", "i-six", Refuted);
    assert!(found.packet.is_some_and(|p| p.contains("198.51.100.10:22")));
    // What has only the other family cannot be reached, and is not passed over.
    net.interfaces.last_mut().unwrap().addresses.remove(0);
    require(&net, tcp(22), "internet", "i-six", Proven);
    require(&net, tcp(22), "203.0.113.0/24", "i-six", Unknown);
    net.interfaces[0].groups = vec![id("sg-six")];
    net.security_groups[2].ingress.push(Rule { service: Some(tcp(22)), peer: Peer::Network(cidr("0.0.0.0/0")), origin: HERE });
    require(&net, tcp(22), "203.0.113.0/24", "i-web", Proven);
    require(&net, tcp(22), "203.0.113.0/24", "sg-six", Refuted);
}

#[test]
fn of_several_interfaces_of_a_machine_one_must_do_and_of_a_group_every_member() {
    let mut net = plain();
    require(&net, tcp(443), "internet", "i-web", Proven);
    machine(&mut net, "i-web", &["10.0.1.20"], None, &["sg-db"]);
    net.interfaces.last_mut().unwrap().id = id("eni-second");
    require(&net, tcp(443), "internet", "i-web", Proven);
    require(&net, tcp(443), "internet", "sg-web", Proven);
    machine(&mut net, "i-more", &["10.0.1.21"], None, &["sg-web"]);
    let found = require(&net, tcp(443), "internet", "sg-web", Refuted);
    assert_eq!(found.flows.len(), 1);
    assert_eq!(found.flows[0].to, "i-more");
}

#[test]
fn a_require_holds_for_every_client_port_and_says_for_which_it_does() {
    let mut net = plain();
    net.network_acls[0].outbound = vec![Entry {
        number: 100,
        allow: true,
        service: Service::Tcp(vec![Ports { from: 1025, to: 5000 }]),
        network: cidr("0.0.0.0/0"),
        origin: HERE,
    }];
    let found = require(&net, tcp(443), "internet", "i-web", Refuted);
    let help = found.diagnostics[0].help.clone().unwrap_or_default();
    assert!(help.contains("it works for client ports 1025-5000 only"), "{help}");
    let narrow = Statement { client_ports: Some((1025, 5000)), ..statement(true, tcp(443), "internet", "i-web") };
    is(&net, narrow, Proven);
    let wide = Statement { client_ports: Some((1024, 5000)), ..statement(true, tcp(443), "internet", "i-web") };
    is(&net, wide, Refuted);
}

#[test]
fn a_require_holds_for_every_port_of_the_service_and_every_address_of_the_source() {
    let mut net = plain();
    require(&net, Service::Tcp(vec![Ports { from: 443, to: 444 }]), "internet", "i-web", Refuted);
    net.security_groups[0].ingress = vec![Rule { service: Some(tcp(22)), peer: Peer::Network(cidr("203.0.113.0/25")), origin: HERE }];
    require(&net, tcp(22), "203.0.113.0/25", "i-web", Proven);
    require(&net, tcp(22), "203.0.113.0/24", "i-web", Refuted);
}

#[test]
fn a_forbid_does_not_care_about_answers_or_client_ports() {
    let mut net = plain();
    net.network_acls[0].outbound.clear();
    let found = forbid(&net, tcp(443), "internet", "i-web", Refuted);
    assert!(found.diagnostics[0].help.as_ref().is_some_and(|h| h.contains("its answer does not get back")));
    require(&net, tcp(443), "internet", "i-web", Refuted);
}

#[test]
fn refuted_stands_above_unknown() {
    let mut net = plain();
    group(&mut net, "sg-list", "vpc-0", &[]);
    net.prefix_lists.push(PrefixList { id: id("pl-1"), entries: None, origin: HERE });
    let rule = |port: u16| Rule { service: Some(tcp(port)), peer: Peer::PrefixList(id("pl-1")), origin: HERE };
    net.security_groups[2].ingress = vec![rule(22)];
    machine(&mut net, "i-list", &["10.0.1.30"], Some("198.51.100.30"), &["sg-list"]);
    let found = require(&net, tcp(22), "internet", "i-list", Unknown);
    assert!(found.reason.is_some_and(|r| r.contains("pl-1")));
    require(&net, Service::Tcp(vec![Ports { from: 22, to: 23 }]), "internet", "i-list", Refuted);
    forbid(&net, tcp(22), "internet", "i-list", Unknown);
    net.security_groups[2].ingress.push(Rule { service: Some(tcp(22)), peer: Peer::Network(cidr("203.0.113.0/24")), origin: HERE });
    forbid(&net, tcp(22), "internet", "i-list", Refuted);
}

#[test]
fn statements_about_nobody_are_errors() {
    let mut net = plain();
    group(&mut net, "sg-idle", "vpc-0", &[]);
    vpc(&mut net, 7);
    for one in [
        statement(false, tcp(22), "internet", "sg-idle"),
        statement(false, tcp(22), "sg-idle", "i-web"),
        statement(true, tcp(22), "internet", "subnet-7"),
        statement(true, tcp(22), "subnet-7", "i-web"),
        Statement { to: vec![value("i-web"), value("sg-idle")], ..statement(false, tcp(22), "internet", "i-web") },
        statement(true, tcp(22), "internet", "10.7.1.0/24"),
        statement(false, tcp(22), "2001:db8:9::/48", "i-web"),
    ] {
        let found = is(&net, one, Unknown);
        assert_eq!(found.diagnostics[0].code.id, "E0814", "{found:#?}");
    }
    // Whoever could be there is somebody.
    forbid(&net, tcp(22), "internet", "subnet-7", Proven);
}

#[test]
fn exceptions_take_out_what_they_name_and_nothing_more() {
    let net = plain();
    let except = |services: Vec<Service>, from: &[&str]| Statement {
        except: vec![(services, from.iter().map(|f| value(f)).collect())],
        ..statement(false, Service::All, "internet", "i-web")
    };
    is(&net, except(vec![tcp(443)], &[]), Proven);
    is(&net, except(vec![tcp(443)], &["internet"]), Proven);
    is(&net, except(vec![tcp(443)], &["203.0.113.0/24"]), Refuted);
    is(&net, except(vec![tcp(443)], &["0.0.0.0/1", "128.0.0.0/1", "::/0"]), Proven);
    let found = is(&net, except(vec![tcp(80)], &[]), Refuted);
    assert!(found.diagnostics.iter().all(|d| d.code.id != "W0815"));
    let useless = Statement { except: vec![(vec![tcp(80)], vec![])], ..statement(false, tcp(443), "203.0.113.0/24", "i-db") };
    let found = is(&net, useless, Proven);
    assert_eq!(found.diagnostics[0].code.id, "W0815");
    let elsewhere =
        Statement { except: vec![(vec![tcp(443)], vec![value("192.0.2.0/24")])], ..statement(false, tcp(443), "203.0.113.0/24", "i-db") };
    assert_eq!(is(&net, elsewhere, Proven).diagnostics[0].code.id, "W0815");
}

#[test]
fn an_exception_for_a_group_holds_for_those_who_carry_it() {
    let mut net = plain();
    net.security_groups[1].ingress = vec![Rule { service: Some(tcp(5432)), peer: Peer::Group(id("sg-web")), origin: HERE }];
    let except = |service: Service, group: &str| Statement {
        except: vec![(vec![service], vec![value(group)])],
        ..statement(false, Service::All, "vpc-0", "i-db")
    };
    forbid(&net, Service::All, "vpc-0", "i-db", Refuted);
    is(&net, except(tcp(5432), "sg-web"), Proven);
    is(&net, except(tcp(5432), "sg-db"), Refuted);
    is(&net, except(tcp(22), "sg-web"), Refuted);
    // An address that members of the group have is not enough: others could have it.
    net.security_groups[1].ingress.push(Rule { service: Some(tcp(5432)), peer: Peer::Network(cidr("10.0.0.0/8")), origin: HERE });
    is(&net, except(tcp(5432), "sg-web"), Refuted);
}

#[test]
fn a_machine_that_forwards_makes_a_forbid_unknown_once_it_can_be_reached() {
    let mut net = plain();
    machine(&mut net, "i-nat", &["10.0.1.40"], Some("198.51.100.40"), &["sg-nat"]);
    net.interfaces.last_mut().unwrap().source_dest_check = false;
    group(&mut net, "sg-nat", "vpc-0", &[]);
    forbid(&net, tcp(5432), "internet", "i-db", Proven);
    net.security_groups[2].ingress = vec![Rule { service: Some(tcp(80)), peer: Peer::Network(cidr("0.0.0.0/0")), origin: HERE }];
    let found = forbid(&net, tcp(5432), "internet", "i-db", Unknown);
    assert!(found.reason.is_some_and(|r| r.contains("`i-nat` can be reached")));
    forbid(&net, tcp(22), "internet", "i-db", Proven);
}

#[test]
fn two_vpcs_without_a_peering_meet_on_the_internet() {
    let mut net = plain();
    vpc(&mut net, 1);
    internet_gateway(&mut net, 1);
    forbid(&net, tcp(22), "i-web", "subnet-1", Proven);
    route(&mut net, 1, "0.0.0.0/0", Target::InternetGateway(id("igw-1")));
    forbid(&net, tcp(22), "i-web", "subnet-1", Refuted);
    forbid(&net, tcp(22), "i-db", "subnet-1", Proven);
    // Whoever could be in a public subnet has a public address there, too.
    group(&mut net, "sg-far", "vpc-1", &[(tcp(443), "0.0.0.0/0")]);
    machine(&mut net, "i-far", &["10.1.1.4"], Some("203.0.113.4"), &["sg-far"]);
    forbid(&net, tcp(443), "subnet-0", "i-far", Refuted);
    forbid(&net, tcp(80), "subnet-0", "i-far", Proven);
}

#[test]
fn a_policy_that_requires_what_another_forbids_is_told_with_both() {
    let net = plain();
    let pair = |forbid: Statement| judged(&net, vec![statement(true, tcp(443), "internet", "i-web"), forbid]);
    let told = |judged: &[Judged]| judged[0].diagnostics.iter().filter(|d| d.code.id == "E0816").map(|d| d.labels.len()).sum::<usize>();
    assert_eq!(told(&pair(statement(false, Service::All, "internet", "i-web"))), 2);
    assert_eq!(told(&pair(statement(false, tcp(443), "any", "subnet-0"))), 2);
    assert_eq!(told(&pair(statement(false, tcp(22), "internet", "i-web"))), 0);
    assert_eq!(told(&pair(statement(false, Service::All, "internet", "i-db"))), 0);
    let excused = Statement { except: vec![(vec![tcp(443)], vec![])], ..statement(false, Service::All, "internet", "i-web") };
    assert_eq!(told(&pair(excused)), 0);
}

#[test]
fn assumptions_stand_beside_a_proof_that_rests_on_them() {
    let mut net = plain();
    let about = |found: &Judged| found.assumptions.clone();
    assert_eq!(about(&forbid(&net, tcp(22), "internet", "i-db", Proven)), [policy::DOORS]);
    assert_eq!(about(&forbid(&net, tcp(22), "i-web", "i-db", Proven)), [""; 0]);
    assert_eq!(about(&require(&net, tcp(443), "internet", "i-web", Proven)), [policy::ACCOUNT]);
    assert_eq!(about(&require(&net, tcp(25), "i-web", "internet", Proven)), [policy::ACCOUNT, policy::MAIL]);
    net.vpn_gateways.push(VpnGateway { id: id("vgw-0"), vpc: Some(id("vpc-0")), connections: vec![], origin: HERE });
    assert_eq!(about(&forbid(&net, tcp(22), "internet", "i-db", Proven)), [policy::DOORS, policy::FAR_ENDS]);
    let block = BlockPublicAccess {
        region: "".into(),
        account: "".into(),
        block: Block::Ingress,
        exclusions: vec![(id("vpc-0"), Exclusion::Bidirectional)],
    };
    net.block_public_access.push(block);
    assert_eq!(about(&require(&net, tcp(443), "internet", "i-web", Proven)), [""; 0]);
}

#[test]
fn a_service_of_the_other_family_is_vacuous() {
    let net = plain();
    for require in [true, false] {
        let found = is(&net, statement(require, Service::Icmpv6(None, None), "internet", "i-web"), Unknown);
        assert_eq!(found.diagnostics[0].code.id, "E0814");
    }
    forbid(&net, Service::Icmp(None, None), "internet", "i-web", Proven);
}

#[test]
fn what_may_be_started_or_attached_is_an_assumption() {
    let mut net = plain();
    net.interfaces[0].owner = Owner::Instance { id: id("i-web"), running: false };
    assert_eq!(forbid(&net, tcp(443), "internet", "i-web", Proven).assumptions, [policy::DOORS, policy::IDLE]);
    require(&net, tcp(443), "internet", "i-web", Refuted);
}

#[test]
fn what_is_known_after_apply_only_is_unknown() {
    let net = plain();
    let address = secnet::base::address::Address::parse("instance.web").expect("an address");
    let late = Value::Attribute(address, "public_ip_address".into());
    let from = Statement { from: vec![late.clone()], ..statement(false, tcp(22), "internet", "i-db") };
    let found = is(&net, from, Unknown);
    assert!(found.reason.is_some_and(|r| r.contains("known after apply")));
    let except = Statement { except: vec![(vec![tcp(443)], vec![late])], ..statement(false, tcp(443), "internet", "i-web") };
    is(&net, except, Unknown);
    let mut bare = plain();
    bare.interfaces[1].addresses.clear();
    let found = forbid(&bare, tcp(22), "internet", "i-db", Unknown);
    assert!(found.reason.is_some_and(|r| r.contains("the addresses of `i-db` are not known")));
}

/// `i-next`, somewhere in `subnet-0`: AWS has yet to choose its address.
fn next(net: &mut Net, group: &str) {
    machine(net, "i-next", &["10.0.1.0"], None, &[group]);
    net.interfaces.last_mut().unwrap().addresses[0].private = cidr("10.0.1.0/24");
}

#[test]
fn the_address_that_aws_has_yet_to_choose_is_none_that_another_machine_has() {
    let mut net = plain();
    group(&mut net, "sg-next", "vpc-0", &[(tcp(22), "10.0.1.4/32")]);
    next(&mut net, "sg-next");
    require(&net, tcp(22), "i-web", "i-next", Proven);
    // What is required of it is its own to let in.
    require(&net, tcp(5432), "i-web", "i-next", Refuted);
    require(&net, tcp(5432), "i-web", "i-db", Proven);
    require(&net, tcp(22), "i-web", "i-db", Refuted);
    forbid(&net, tcp(22), "i-web", "i-next", Refuted);
    forbid(&net, tcp(5432), "i-web", "i-next", Proven);
    // Whatever it gets must be let out to.
    net.security_groups[0].egress[0].peer = Peer::Network(cidr("10.0.1.0/26"));
    require(&net, tcp(22), "i-web", "i-next", Refuted);
    require(&net, tcp(5432), "i-web", "i-db", Proven);
}

#[test]
fn what_a_transit_gateway_has_in_the_subnet_does_not_stand_in_the_way_of_what_is_to_come() {
    let mut net = plain();
    vpc(&mut net, 1);
    let table = Some(id("tgw-rtb"));
    net.transit_gateways.push(TransitGateway { id: id("tgw-1"), available: true, group_references: false, origin: HERE });
    for n in 0..2_usize {
        let to = Attached::Vpc {
            vpc: id(&format!("vpc-{n}")),
            subnets: vec![id(&format!("subnet-{n}"))],
            ipv6: false,
            appliance: false,
            group_references: false,
        };
        let (name, gateway, table) = (id(&format!("att-{n}")), id("tgw-1"), table.clone());
        net.attachments.push(Attachment { id: name, gateway, to, available: true, table, origin: HERE });
        route(&mut net, n, "10.0.0.0/8", Target::TransitGateway(id("tgw-1")));
    }
    let propagations = vec![id("att-0"), id("att-1")];
    net.transit_tables.push(TransitTable {
        id: id("tgw-rtb"),
        gateway: id("tgw-1"),
        propagations,
        routes: vec![],
        known: true,
        origin: HERE,
    });
    machine(&mut net, "the-gateways", &["10.0.1.9"], None, &[]);
    net.interfaces.last_mut().unwrap().owner = Owner::TransitGateway;
    group(&mut net, "sg-far", "vpc-1", &[]);
    machine(&mut net, "i-far", &["10.1.1.4"], None, &["sg-far"]);
    group(&mut net, "sg-next", "vpc-0", &[(tcp(22), "10.1.1.4/32")]);
    next(&mut net, "sg-next");
    require(&net, tcp(22), "i-far", "i-next", Proven);
}
