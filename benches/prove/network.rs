//! Networks of any size, the same for the same seed.

use secnet::{
    base::{
        cidr::Cidr,
        service::{Ports, Service},
        span::{FileId, Span},
    },
    net::*,
    schema::{
        model::{Model, Policy, Statement},
        value::Value,
    },
};

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n.max(1) as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

const HERE: Origin = Origin::Observed;
const ZONES: [&str; 3] = ["a", "b", "c"];
/// Interfaces in a subnet, subnets in a VPC, interfaces that carry one group, ACLs of a VPC.
const IN_SUBNET: usize = 50;
const IN_VPC: usize = 200;
const IN_GROUP: usize = 25;
const ACLS: usize = 12;

#[derive(Clone, Copy, PartialEq)]
enum Tier {
    Web,
    App,
    Data,
}

/// A quarter of the subnets is public, half has applications, a quarter data.
fn tier(n: usize) -> Tier {
    match n % 4 {
        0 => Tier::Web,
        1 | 2 => Tier::App,
        _ => Tier::Data,
    }
}

fn id(text: impl AsRef<str>) -> Id {
    Id::from(text.as_ref())
}

fn cidr(text: impl AsRef<str>) -> Cidr {
    text.as_ref().parse().expect("a network")
}

fn tcp(from: u16, to: u16) -> Service {
    Service::Tcp(vec![Ports { from, to }])
}

/// A network with so many interfaces: VPCs of 200 subnets of 50 interfaces, a group for 25, twelve ACLs of 13 rules a VPC.
pub fn network(interfaces: usize, seed: u64) -> Net {
    let mut dice = Dice(seed);
    let mut net = Net::default();
    let subnets = interfaces.div_ceil(IN_SUBNET);
    for v in 0..subnets.div_ceil(IN_VPC) {
        let own = (subnets - v * IN_VPC).min(IN_VPC);
        vpc(&mut net, &mut dice, v, own);
    }
    for s in 0..subnets {
        for n in 0..IN_SUBNET.min(interfaces - s * IN_SUBNET) {
            interface(&mut net, (s / IN_VPC, s % IN_VPC), n);
        }
    }
    transit(&mut net);
    net
}

fn vpc(net: &mut Net, dice: &mut Dice, v: usize, subnets: usize) {
    let vpc = id(format!("vpc-{v}"));
    let cidrs = vec![cidr(format!("10.{v}.0.0/16"))];
    net.vpcs.push(Vpc { id: vpc.clone(), cidrs, region: "".into(), account: "".into(), origin: HERE });
    let gateway = id(format!("igw-{v}"));
    net.internet_gateways.push(InternetGateway { id: gateway.clone(), vpc: Some(vpc.clone()), origin: HERE });
    for s in 0..subnets {
        let zone = Some(ZONES[s / 4 % 3].into());
        net.subnets.push(Subnet { id: subnet(v, s), vpc: vpc.clone(), cidrs: vec![cidr(format!("10.{v}.{s}.0/24"))], zone, origin: HERE });
    }
    for (z, zone) in ZONES.iter().enumerate().filter(|(z, _)| z * 4 < subnets) {
        let (name, private) = (id(format!("nat-{v}{zone}")), format!("10.{v}.{}.250", z * 4));
        let public = Some(Public::Known(format!("203.0.{}.{}", 100 + v, 1 + z).parse().expect("an address")));
        net.interfaces.push(Interface {
            id: id(format!("eni-{name}")),
            subnet: subnet(v, z * 4),
            addresses: vec![InterfaceAddress { private: Cidr::host_of(private.parse().expect("an address")), public }],
            groups: vec![],
            source_dest_check: false,
            owner: Owner::NatGateway(name.clone()),
            origin: HERE,
        });
        let private = private.parse().ok();
        net.nat_gateways.push(NatGateway { id: name, subnet: Some(subnet(v, z * 4)), private, public, available: true, origin: HERE });
    }
    tables(net, v, subnets, &gateway);
    for a in 0..ACLS {
        acl(net, dice, v, a, subnets);
    }
    for g in 0..(subnets * IN_SUBNET).div_ceil(IN_GROUP) {
        group(net, dice, v, g);
    }
}

fn subnet(v: usize, s: usize) -> Id {
    id(format!("subnet-{v}-{s}"))
}

fn tables(net: &mut Net, v: usize, subnets: usize, gateway: &Id) {
    let vpc = id(format!("vpc-{v}"));
    let route = |to: &str, target: Target| Route {
        destination: Destination::Network(cidr(to)),
        target,
        blackhole: false,
        propagated: false,
        origin: HERE,
    };
    let mut table = |name: String, main: bool, subnets: Vec<Id>, out: Target| {
        let routes = vec![route("0.0.0.0/0", out), route("10.0.0.0/8", Target::TransitGateway(id("tgw")))];
        net.route_tables.push(RouteTable {
            id: id(name),
            vpc: vpc.clone(),
            main,
            subnets,
            gateways: vec![],
            propagating: vec![],
            routes,
            origin: HERE,
        });
    };
    let public = (0..subnets).filter(|s| tier(*s) == Tier::Web).map(|s| subnet(v, s)).collect();
    table(format!("rtb-{v}-public"), true, public, Target::InternetGateway(gateway.clone()));
    for (z, zone) in ZONES.iter().enumerate().filter(|(z, _)| z * 4 < subnets) {
        let own = (0..subnets).filter(|s| tier(*s) != Tier::Web && s / 4 % 3 == z).map(|s| subnet(v, s)).collect();
        table(format!("rtb-{v}-{zone}"), false, own, Target::NatGateway(id(format!("nat-{v}{zone}"))));
    }
}

/// The ACL of a subnet: four for each tier.
fn acl_of(s: usize) -> usize {
    match tier(s) {
        Tier::Web => s / 4 % 4,
        Tier::App => 4 + s / 4 % 4,
        Tier::Data => 8 + s / 4 % 4,
    }
}

/// Thirteen rules: some networks refused, the tier's services, answers, and the last that refuses everything.
fn acl(net: &mut Net, dice: &mut Dice, v: usize, a: usize, subnets: usize) {
    let entry = |number: usize, allow: bool, service: Service, network: Cidr| Entry {
        number: number as u16,
        allow,
        service,
        network,
        origin: HERE,
    };
    let anywhere = Cidr::ANYWHERE_V4;
    let mut inbound: Vec<Entry> =
        (0..5).map(|n| entry(10 + n, false, Service::All, cidr(format!("{}.{}.0.0/16", 11 + dice.below(150), dice.below(256))))).collect();
    inbound.push(entry(40, false, tcp(135, 139), anywhere));
    inbound.push(entry(41, false, tcp(445, 445), anywhere));
    inbound.push(entry(50, true, tcp(22, 22), cidr("198.51.100.0/24")));
    let within = cidr(format!("10.{v}.0.0/16"));
    match a / 4 {
        0 => inbound.extend([entry(60, true, tcp(80, 80), anywhere), entry(61, true, tcp(443, 443), anywhere)]),
        1 => inbound.extend([entry(60, true, tcp(8080, 8089), within), entry(61, true, tcp(22, 22), within)]),
        _ => inbound.extend([entry(60, true, tcp(5432, 5432), within), entry(61, true, tcp(3306, 3306), within)]),
    }
    inbound.push(entry(70, true, tcp(1024, 65535), anywhere));
    inbound.push(entry(71, true, Service::Udp(vec![Ports { from: 1024, to: 65535 }]), anywhere));
    inbound.push(entry(32767, false, Service::All, anywhere));
    let outbound =
        vec![entry(10, false, tcp(25, 25), anywhere), entry(20, true, Service::All, anywhere), entry(32767, false, Service::All, anywhere)];
    let subnets = (0..subnets).filter(|s| acl_of(*s) == a).map(|s| subnet(v, s)).collect();
    let vpc = id(format!("vpc-{v}"));
    net.network_acls.push(NetworkAcl { id: id(format!("acl-{v}-{a}")), vpc, default: false, subnets, inbound, outbound, origin: HERE });
}

fn group_name(v: usize, g: usize) -> Id {
    id(format!("sg-{v}-{g}"))
}

/// Groups come in fours, as subnets do: one for the web, two for applications, one for data.
fn group(net: &mut Net, dice: &mut Dice, v: usize, g: usize) {
    let rule = |service: Service, peer: Peer| Rule { service: Some(service), peer, origin: HERE };
    let of = |k: usize| Peer::Group(group_name(v, g / 4 * 4 + k));
    let anywhere = || Peer::Network(Cidr::ANYWHERE_V4);
    let ssh = rule(tcp(22, 22), Peer::Network(cidr("198.51.100.0/28")));
    let mut ingress = match tier(g) {
        Tier::Web => vec![rule(tcp(443, 443), anywhere()), rule(tcp(80, 80), anywhere()), ssh],
        Tier::App => vec![rule(tcp(8080, 8081), of(0)), rule(tcp(8082, 8082), of(1)), rule(tcp(22, 22), Peer::Group(group_name(v, 0)))],
        Tier::Data => vec![rule(tcp(5432, 5432), of(1)), rule(tcp(5432, 5432), of(2))],
    };
    if dice.one_in(10) {
        let from = cidr(format!("{}.{}.{}.0/24", 11 + dice.below(150), dice.below(256), dice.below(256)));
        ingress.push(rule(tcp(9000 + dice.below(99) as u16, 9100), Peer::Network(from)));
    }
    let egress = match tier(g) {
        Tier::Web => vec![rule(Service::All, anywhere())],
        Tier::App => vec![rule(tcp(443, 443), anywhere()), rule(tcp(5432, 5432), of(3)), rule(tcp(8082, 8082), of(1))],
        Tier::Data => vec![rule(tcp(443, 443), anywhere())],
    };
    net.security_groups.push(SecurityGroup {
        id: group_name(v, g),
        vpc: id(format!("vpc-{v}")),
        default: false,
        ingress,
        egress,
        origin: HERE,
    });
}

/// A subnet has interfaces of the groups of its tier: each group is in a subnet of every zone.
fn interface(net: &mut Net, (v, s): (usize, usize), n: usize) {
    let quad = s / 12 * 24 + n / 5 % 6 * 4;
    let groups = net.security_groups.iter().filter(|g| g.vpc.as_str() == format!("vpc-{v}")).count();
    let own = quad + s % 4;
    let own = if own < groups { own } else { s % 4 % groups.max(1) };
    let public = (tier(s) == Tier::Web && n / 5 % 6 != 5).then(|| {
        let number = net.interfaces.len() as u32;
        Public::Known(std::net::IpAddr::from(std::net::Ipv4Addr::from_bits((52 << 24) + number)))
    });
    let private = Cidr::host_of(std::net::Ipv4Addr::from_bits((10 << 24) + ((v as u32) << 16) + ((s as u32) << 8) + 4 + n as u32).into());
    net.interfaces.push(Interface {
        id: id(format!("eni-{v}-{s}-{n}")),
        subnet: subnet(v, s),
        addresses: vec![InterfaceAddress { private, public }],
        groups: vec![group_name(v, own)],
        source_dest_check: true,
        owner: Owner::Instance { id: id(format!("i-{v}-{s}-{n}")), running: true },
        origin: HERE,
    });
}

/// A transit gateway between all VPCs.
fn transit(net: &mut Net) {
    let gateway = id("tgw");
    net.transit_gateways.push(TransitGateway { id: gateway.clone(), available: true, group_references: false, origin: HERE });
    let mut propagations = vec![];
    for vpc in &net.vpcs {
        let own: Vec<&Subnet> = net.subnets.iter().filter(|s| s.vpc == vpc.id).collect();
        let subnets = ZONES.iter().filter_map(|z| own.iter().rev().find(|s| s.zone.as_deref() == Some(z)).map(|s| s.id.clone())).collect();
        let to = Attached::Vpc { vpc: vpc.id.clone(), subnets, ipv6: false, appliance: false, group_references: false };
        let attachment = id(format!("att-{}", vpc.id));
        propagations.push(attachment.clone());
        net.attachments.push(Attachment {
            id: attachment,
            gateway: gateway.clone(),
            to,
            available: true,
            table: Some(id("tgw-rtb")),
            origin: HERE,
        });
    }
    net.transit_tables.push(TransitTable { id: id("tgw-rtb"), gateway, propagations, routes: vec![], known: true, origin: HERE });
}

/// So many policies of one statement, about groups and machines of a network.
pub fn policies(net: &Net, count: usize) -> Model {
    let mut model = Model::default();
    let groups = net.security_groups.len();
    let span = Span::new(FileId(0), 0, 0);
    for n in 0..count {
        let group = |k: usize| Value::text(format!("sg-0-{}", (n / 5 * 4 + k) % groups));
        let networks = Value::Cidr(cidr("198.51.100.0/28"));
        let (require, service, from, to, except) = match n % 5 {
            0 => (false, Service::All, Value::Internet, group(3), vec![]),
            1 => (false, Service::All, Value::Internet, group(1), vec![]),
            2 => (true, tcp(8080, 8080), Value::text(format!("i-0-{}-{}", n / 30 * 12, n / 5 % 6 * 5)), group(1), vec![]),
            3 if n / 5 % 4 == 0 => (false, tcp(22, 22), Value::Internet, group(0), vec![]),
            3 => (false, tcp(22, 22), Value::Internet, group(0), vec![(vec![tcp(22, 22)], vec![networks])]),
            _ => (false, tcp(5432, 5432), group(0), group(3), vec![]),
        };
        let statement = Statement {
            require,
            services: vec![service],
            from: vec![from],
            to: vec![to],
            except,
            client_ports: None,
            turn: String::new(),
            span,
        };
        model.policies.push(Policy {
            name: format!("p{n}"),
            description: None,
            during_apply: false,
            imposed: false,
            waiver: None,
            statements: vec![statement],
            span,
        });
    }
    model
}
