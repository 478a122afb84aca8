//! Random networks with everything that secnet models, for the tests: one seed, one network.

use std::{fmt::Display, io::Write, net::IpAddr};

use secnet::{
    base::{
        cidr::{Cidr, Family},
        service::{Ports, Service},
    },
    net::*,
};

/// A generator that anybody can write down: SplitMix64.
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// Prints counts whether a test fails or not: the harness keeps to itself what tests that pass print by macros.
pub fn tell(counts: impl Display) {
    std::io::stderr().lock().write_all(format!("{counts}\n").as_bytes()).unwrap();
}

/// A number that the environment may set.
pub fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |n| n.parse().unwrap_or_else(|_| panic!("{name}={n} is no number")))
}

/// How many networks a test is to take.
pub fn networks() -> u64 {
    setting("SECNET_NETWORKS", 200)
}

/// The seed of the first.
pub fn seed() -> u64 {
    setting("SECNET_SEED", 20_260_301)
}

/// The seeds that a test plays: first those that it has failed with at some time, which `seeds.txt` keeps, then so many
/// more from the one that is set.
pub fn seeds(test: &'static str, count: u64) -> impl Iterator<Item = Seed> {
    kept(test).into_iter().chain((0..count).map(|n| seed() + n)).map(move |number| Seed { test, number })
}

fn kept(test: &str) -> Vec<u64> {
    let lines = include_str!("seeds.txt").lines().map(|line| line.split('#').next().unwrap().trim());
    let pairs = lines.filter(|line| !line.is_empty()).map(|line| {
        let (name, number) = line.split_once(' ').unwrap_or_else(|| panic!("seeds.txt: `{line}`"));
        (name, number.trim().parse().unwrap_or_else(|_| panic!("seeds.txt: `{line}`")))
    });
    pairs.filter(|(name, _)| *name == test).map(|(_, number)| number).collect()
}

/// A seed that is played now: a test that panics with it says how to keep it.
pub struct Seed {
    test: &'static str,
    pub number: u64,
}

impl Seed {
    /// What makes a spec of it.
    pub fn keep(&self) -> String {
        format!("it fails with seed {}: the line `{} {0}` in tests/it/seeds.txt plays it first from now on", self.number, self.test)
    }
}

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tell(self.keep());
        }
    }
}

#[test]
fn a_kept_seed_is_played_first_and_one_that_fails_is_told() {
    let all: Vec<u64> = seeds("a_test", 2).map(|s| s.number).collect();
    assert_eq!(all, [7, 11, seed(), seed() + 1]);
    assert_eq!(seeds("another", 1).map(|s| s.number).collect::<Vec<_>>(), [seed()]);
    let keep = Seed { test: "a_test", number: 7 }.keep();
    assert_eq!(keep, "it fails with seed 7: the line `a_test 7` in tests/it/seeds.txt plays it first from now on");
}

pub fn id(text: impl AsRef<str>) -> Id {
    Id::from(text.as_ref())
}

pub fn cidr(text: impl AsRef<str>) -> Cidr {
    text.as_ref().parse().unwrap_or_else(|_| panic!("{}", text.as_ref()))
}

pub fn ip(text: impl AsRef<str>) -> IpAddr {
    text.as_ref().parse().unwrap()
}

pub const PORTS: [u16; 10] = [22, 53, 80, 443, 1023, 1024, 5000, 32768, 60999, 65535];
pub const HERE: Origin = Origin::Observed;

pub fn service(dice: &mut Dice) -> Service {
    let ports = |dice: &mut Dice| {
        let (a, b) = (*dice.pick(&PORTS), *dice.pick(&PORTS));
        if dice.one_in(3) { vec![] } else { vec![Ports { from: a.min(b), to: a.max(b) }] }
    };
    match dice.below(9) {
        0..=1 => Service::All,
        2..=4 => Service::Tcp(ports(dice)),
        5..=6 => Service::Udp(ports(dice)),
        7 if dice.one_in(2) => Service::Icmp((!dice.one_in(2)).then_some(*dice.pick(&[0, 8, 3])), None),
        7 => Service::Icmpv6((!dice.one_in(2)).then_some(*dice.pick(&[128, 129])), None),
        _ => Service::Protocol(*dice.pick(&[50, 47])),
    }
}

fn network(dice: &mut Dice, v6: bool) -> Cidr {
    let v4 = [
        "0.0.0.0/0",
        "0.0.0.0/0",
        "0.0.0.0/0",
        "10.0.0.0/8",
        "10.0.0.0/16",
        "10.1.0.0/16",
        "10.0.1.0/24",
        "10.0.2.0/24",
        "10.1.1.0/24",
        "10.0.1.4/32",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "203.0.113.8/29",
        "8.8.8.8/32",
        "172.16.0.0/12",
    ];
    let six = ["::/0", "::/0", "::/0", "2001:db8::/32", "2001:db8:0:1::/64", "2001:db8:1::/48", "2001:db8:9::/48", "2001:db8:0:1::4/128"];
    cidr(if v6 { dice.pick(&six) } else { dice.pick(&v4) })
}

/// A network of one to three VPCs with everything that secnet models, wired at random.
pub fn random_net(dice: &mut Dice) -> Net {
    let mut net = whole_net(dice);
    if dice.one_in(6) {
        gap(dice, &mut net);
    }
    net
}

/// A network in which nothing is named that is not there.
pub fn whole_net(dice: &mut Dice) -> Net {
    let mut net = Net::default();
    let vpcs = 1 + dice.below(3);
    let same = dice.one_in(6);
    for v in 0..vpcs {
        let cidrs =
            vec![cidr(if same && v == 2 { "10.1.0.0/16".into() } else { format!("10.{v}.0.0/16") }), cidr(format!("2001:db8:{v}::/48"))];
        net.vpcs.push(Vpc { id: id(format!("vpc-{v}")), cidrs, region: "".into(), account: "".into(), origin: HERE });
        gateways(dice, &mut net, v);
        for s in 1..=1 + dice.below(3) {
            let base = if same && v == 2 { 1 } else { v };
            let cidrs = vec![cidr(format!("10.{base}.{s}.0/24")), cidr(format!("2001:db8:{v}:{s}::/64"))];
            let zone = Some(dice.pick(&["a", "b"]).to_string().as_str().into());
            net.subnets.push(Subnet { id: id(format!("subnet-{v}{s}")), vpc: id(format!("vpc-{v}")), cidrs, zone, origin: HERE });
        }
        acls(dice, &mut net, v);
    }
    lists(dice, &mut net);
    groups(dice, &mut net, vpcs);
    interfaces(dice, &mut net);
    peerings(dice, &mut net, vpcs);
    transit_gateways(dice, &mut net, vpcs);
    for v in 0..vpcs {
        tables(dice, &mut net, v);
        if dice.one_in(8) {
            edge_table(dice, &mut net, v);
        }
    }
    if dice.one_in(12) {
        let block = *dice.pick(&[Block::Bidirectional, Block::Ingress]);
        let exclusions =
            if dice.one_in(2) { vec![(id("subnet-01"), *dice.pick(&[Exclusion::Bidirectional, Exclusion::Egress]))] } else { vec![] };
        net.block_public_access.push(BlockPublicAccess { region: "".into(), account: "".into(), block, exclusions });
    }
    net
}

fn remove<T>(dice: &mut Dice, from: &mut Vec<T>) -> bool {
    let any = !from.is_empty();
    if any {
        from.remove(dice.below(from.len()));
    }
    any
}

/// Takes something out of a network's lists that others still name, or what is known of it; false if it has no such thing.
pub fn gap(dice: &mut Dice, net: &mut Net) -> bool {
    match dice.below(13) {
        0 | 1 => remove(dice, &mut net.security_groups),
        2 => remove(dice, &mut net.internet_gateways),
        3 => remove(dice, &mut net.nat_gateways),
        4 => remove(dice, &mut net.peerings),
        5 => remove(dice, &mut net.transit_gateways),
        6 => remove(dice, &mut net.attachments),
        7 => remove(dice, &mut net.transit_tables),
        8 => remove(dice, &mut net.endpoints),
        9 => remove(dice, &mut net.egress_only_gateways),
        10 => {
            let n = dice.below(net.prefix_lists.len());
            net.prefix_lists[n].entries = None;
            true
        }
        11 => {
            let n = dice.below(net.subnets.len());
            net.subnets[n].zone = None;
            true
        }
        _ => {
            let n = dice.below(net.transit_tables.len());
            net.transit_tables[n].known = false;
            true
        }
    }
}

fn gateways(dice: &mut Dice, net: &mut Net, v: usize) {
    let vpc = (!dice.one_in(8)).then(|| id(format!("vpc-{v}")));
    net.internet_gateways.push(InternetGateway { id: id(format!("igw-{v}")), vpc: vpc.clone(), origin: HERE });
    net.egress_only_gateways.push(EgressOnlyGateway { id: id(format!("eigw-{v}")), vpc: vpc.clone(), origin: HERE });
    net.vpn_gateways.push(VpnGateway { id: id(format!("vgw-{v}")), vpc, connections: vec![], origin: HERE });
    let balancer = dice.one_in(6);
    net.endpoints.push(Endpoint {
        id: id(format!("vpce-{v}")),
        vpc: id(format!("vpc-{v}")),
        gateway: !balancer,
        modelled: !balancer,
        available: !dice.one_in(8),
        service: "s3".into(),
        origin: HERE,
    });
}

fn acls(dice: &mut Dice, net: &mut Net, v: usize) {
    let vpc = id(format!("vpc-{v}"));
    let entries = |dice: &mut Dice, open: bool| {
        let mut entries = vec![];
        for n in 0..dice.below(5) {
            let v6 = dice.one_in(3);
            entries.push(Entry {
                number: 10 + n as u16,
                allow: !dice.one_in(3),
                service: service(dice),
                network: network(dice, v6),
                origin: HERE,
            });
        }
        for (k, all) in ["0.0.0.0/0", "::/0"].into_iter().enumerate() {
            if open {
                entries.push(Entry { number: 100 + k as u16, allow: true, service: Service::All, network: cidr(all), origin: HERE });
            }
            entries.push(Entry { number: 32767, allow: false, service: Service::All, network: cidr(all), origin: HERE });
        }
        entries
    };
    let mut subnets: Vec<Id> = net.subnets.iter().filter(|s| s.vpc == vpc).map(|s| s.id.clone()).collect();
    let own: Vec<Id> = subnets.extract_if(.., |_| dice.one_in(2)).collect();
    for (name, subnets, default) in [("a", own, false), ("d", subnets, true)] {
        let (open, open_out) = (!dice.one_in(3), !dice.one_in(4));
        let (inbound, outbound) = (entries(dice, open), entries(dice, open_out));
        net.network_acls.push(NetworkAcl {
            id: id(format!("acl-{v}{name}")),
            vpc: vpc.clone(),
            default,
            subnets,
            inbound,
            outbound,
            origin: HERE,
        });
    }
}

fn lists(dice: &mut Dice, net: &mut Net) {
    for n in 0..2 {
        let entries = (0..1 + dice.below(3))
            .map(|_| *dice.pick(&[cidr("52.216.0.0/15"), cidr("8.8.8.0/24"), cidr("203.0.113.0/24"), cidr("10.1.0.0/17")]));
        net.prefix_lists.push(PrefixList { id: id(format!("pl-{n}")), entries: Some(entries.collect()), origin: HERE });
    }
}

fn groups(dice: &mut Dice, net: &mut Net, vpcs: usize) {
    let all: Vec<(usize, usize)> = (0..vpcs).flat_map(|v| (0..2).map(move |g| (v, g))).collect();
    for (v, g) in &all {
        let rules = |dice: &mut Dice| {
            let mut rules = vec![];
            for _ in 0..dice.below(4) {
                let peer = match dice.below(8) {
                    0..=1 => {
                        let (w, h) = dice.pick(&all);
                        Peer::Group(id(format!("sg-{w}{h}")))
                    }
                    2 => Peer::PrefixList(id("pl-0")),
                    3 if dice.one_in(3) => Peer::Stale(id("sg-gone")),
                    _ => {
                        let v6 = dice.one_in(3);
                        Peer::Network(network(dice, v6))
                    }
                };
                rules.push(Rule { service: (!dice.one_in(20)).then(|| service(dice)), peer, origin: HERE });
            }
            rules
        };
        let (ingress, egress) = (rules(dice), rules(dice));
        let everything =
            ["0.0.0.0/0", "::/0"].map(|all| Rule { service: Some(Service::All), peer: Peer::Network(cidr(all)), origin: HERE });
        let egress = if dice.one_in(3) { egress } else { everything.into() };
        net.security_groups.push(SecurityGroup {
            default: false,
            id: id(format!("sg-{v}{g}")),
            vpc: id(format!("vpc-{v}")),
            ingress,
            egress,
            origin: HERE,
        });
    }
}

fn interfaces(dice: &mut Dice, net: &mut Net) {
    let mut public_number = 0;
    for subnet in net.subnets.clone() {
        let v = subnet.vpc.as_str().rsplit('-').next().unwrap().to_owned();
        for n in 0..1 + dice.below(3) {
            let mut addresses = vec![];
            for k in 0..1 + usize::from(dice.one_in(5)) {
                let private = Cidr::host_of(subnet.cidrs[0].host(4 + (n * 2 + k) as u128).unwrap());
                public_number += 1;
                let public = (!dice.one_in(2)).then(|| Public::Known(ip(format!("198.51.100.{public_number}"))));
                addresses.push(InterfaceAddress { private, public });
            }
            if !dice.one_in(3) {
                addresses.push(InterfaceAddress { private: Cidr::host_of(subnet.cidrs[1].host(4 + n as u128).unwrap()), public: None });
            }
            let name = format!("{}-{n}", subnet.id.as_str().trim_start_matches("subnet-"));
            let owner = match dice.below(14) {
                0 => Owner::Instance { id: id(format!("i-{name}")), running: false },
                1 => Owner::Nobody,
                2 => Owner::Endpoint(id("vpce-x")),
                3 => Owner::Other("a database".into()),
                4 if dice.one_in(3) => Owner::Unmodelled { what: "a load balancer".into(), of: None },
                _ => Owner::Instance { id: id(format!("i-{name}")), running: true },
            };
            let mut groups = vec![id(format!("sg-{v}{}", dice.below(2)))];
            if dice.one_in(4) {
                groups.push(id(format!("sg-{v}0")));
            }
            let eni = Interface {
                id: id(format!("eni-{name}")),
                subnet: subnet.id.clone(),
                addresses,
                groups,
                source_dest_check: !dice.one_in(8),
                owner,
                origin: HERE,
            };
            net.interfaces.push(eni);
        }
        if dice.one_in(2) {
            nat_gateway(dice, net, &subnet, &mut public_number);
        }
    }
}

fn nat_gateway(dice: &mut Dice, net: &mut Net, subnet: &Subnet, public_number: &mut u32) {
    *public_number += 1;
    let (private, name) = (subnet.cidrs[0].host(100).unwrap(), id(format!("nat-{}", subnet.id)));
    let public = (!dice.one_in(5)).then(|| Public::Known(ip(format!("198.51.100.{public_number}"))));
    let mut addresses = vec![InterfaceAddress { private: Cidr::host_of(private), public }];
    if dice.one_in(8) {
        *public_number += 1;
        let second = (!dice.one_in(3)).then(|| Public::Known(ip(format!("198.51.100.{public_number}"))));
        addresses.push(InterfaceAddress { private: Cidr::host_of(subnet.cidrs[0].host(101).unwrap()), public: second });
    }
    net.interfaces.push(Interface {
        id: id(format!("eni-{name}")),
        subnet: subnet.id.clone(),
        addresses,
        groups: vec![],
        source_dest_check: false,
        owner: Owner::NatGateway(name.clone()),
        origin: HERE,
    });
    let available = !dice.one_in(10);
    net.nat_gateways.push(NatGateway {
        id: name,
        subnet: Some(subnet.id.clone()),
        private: Some(private),
        public,
        available,
        origin: HERE,
    });
}

fn peerings(dice: &mut Dice, net: &mut Net, vpcs: usize) {
    for (a, b) in [(0, 1), (0, 2), (1, 2)].into_iter().filter(|(_, b)| *b < vpcs) {
        let far = dice.one_in(5);
        let side =
            |v: usize, region: &str| PeeringSide { vpc: id(format!("vpc-{v}")), cidrs: net.vpcs[v].cidrs.clone(), region: region.into() };
        let sides = [side(a, "r1"), side(b, if far { "r2" } else { "r1" })];
        net.peerings.push(Peering { id: id(format!("pcx-{a}{b}")), active: !dice.one_in(6), sides, origin: HERE });
    }
}

fn transit_gateways(dice: &mut Dice, net: &mut Net, vpcs: usize) {
    let gateways = 1 + dice.below(3);
    for g in 0..gateways {
        let gateway = id(format!("tgw-{g}"));
        net.transit_gateways.push(TransitGateway {
            id: gateway.clone(),
            available: !dice.one_in(12),
            group_references: dice.one_in(2),
            origin: HERE,
        });
        for t in 0..2 {
            net.transit_tables.push(TransitTable {
                id: id(format!("tgw-rtb-{g}{t}")),
                gateway: gateway.clone(),
                propagations: vec![],
                routes: vec![],
                known: true,
                origin: HERE,
            });
        }
        let ids = attachments(dice, net, (g, gateways), vpcs);
        for t in net.transit_tables.iter_mut().rev().take(2) {
            t.propagations = ids.iter().filter(|a| !a.as_str().starts_with("att-peer") && !dice.one_in(3)).cloned().collect();
            for to in ["10.0.0.0/16", "10.1.1.0/24", "10.2.0.0/16", "2001:db8:1::/48", "0.0.0.0/0", "::/0"] {
                if dice.one_in(3) {
                    let attachment = (!dice.one_in(5)).then(|| dice.pick(&ids).clone());
                    t.routes.push(TransitRoute { destination: Destination::Network(cidr(to)), attachment, fixed: true, origin: HERE });
                }
            }
            if dice.one_in(6) {
                let attachment = Some(dice.pick(&ids).clone());
                t.routes.push(TransitRoute { destination: Destination::PrefixList(id("pl-1")), attachment, fixed: true, origin: HERE });
            }
        }
    }
}

fn attachments(dice: &mut Dice, net: &mut Net, (g, gateways): (usize, usize), vpcs: usize) -> Vec<Id> {
    let gateway = id(format!("tgw-{g}"));
    let mut ids = vec![];
    let table = |dice: &mut Dice| (!dice.one_in(8)).then(|| id(format!("tgw-rtb-{g}{}", usize::from(dice.one_in(4)))));
    for v in 0..vpcs {
        let own: Vec<Id> = net.subnets.iter().filter(|s| s.vpc == net.vpcs[v].id).map(|s| s.id.clone()).collect();
        let mut subnets = vec![dice.pick(&own).clone()];
        if dice.one_in(3) {
            subnets.push(own[0].clone());
            subnets.dedup();
        }
        let to = Attached::Vpc {
            vpc: net.vpcs[v].id.clone(),
            subnets,
            ipv6: !dice.one_in(3),
            appliance: dice.one_in(6),
            group_references: dice.one_in(2),
        };
        ids.push(id(format!("att-{g}{v}")));
        net.attachments.push(Attachment {
            id: ids[v].clone(),
            gateway: gateway.clone(),
            to,
            available: !dice.one_in(10),
            table: table(dice),
            origin: HERE,
        });
    }
    for other in (0..gateways).filter(|other| *other != g) {
        // Both sides have it by one id.
        let peering = id(format!("att-peer-{}{}", g.min(other), g.max(other)));
        ids.push(peering.clone());
        net.attachments.push(Attachment {
            id: peering,
            gateway: gateway.clone(),
            to: Attached::Peering(id(format!("tgw-{other}"))),
            available: !dice.one_in(12),
            table: table(dice),
            origin: HERE,
        });
    }
    if dice.one_in(2) {
        ids.push(id(format!("att-vpn{g}")));
        let to = Attached::Outside(id(format!("vpn-{g}")));
        net.attachments.push(Attachment { id: id(format!("att-vpn{g}")), gateway, to, available: true, table: table(dice), origin: HERE });
    }
    ids
}

fn tables(dice: &mut Dice, net: &mut Net, v: usize) {
    let vpc = id(format!("vpc-{v}"));
    let mut subnets: Vec<Id> = net.subnets.iter().filter(|s| s.vpc == vpc).map(|s| s.id.clone()).collect();
    let own: Vec<Id> = subnets.extract_if(.., |_| dice.one_in(2)).collect();
    for (name, subnets, main) in [("m", subnets, true), ("s", own, false)] {
        let mut routes = vec![];
        default_routes(dice, net, v, &mut routes);
        between_routes(dice, net, v, &mut routes);
        other_routes(dice, net, v, &mut routes);
        net.route_tables.push(RouteTable {
            id: id(format!("rtb-{v}{name}")),
            vpc: vpc.clone(),
            main,
            subnets,
            gateways: vec![],
            propagating: vec![],
            routes,
            origin: HERE,
        });
    }
}

/// Sometimes a gateway has a table of its own, by which what comes in may be handed to a machine.
fn edge_table(dice: &mut Dice, net: &mut Net, v: usize) {
    let (vpc, gateway) = (id(format!("vpc-{v}")), if dice.one_in(3) { "vgw" } else { "igw" });
    let subnets: Vec<&Subnet> = net.subnets.iter().filter(|s| s.vpc == vpc).collect();
    let machines: Vec<&Interface> = net.interfaces.iter().filter(|i| in_vpc(net, v, &i.subnet)).collect();
    let subnet = *dice.pick(&subnets);
    let to = *dice.pick(&subnet.cidrs);
    let mut routes = vec![];
    let machine = Target::Interface(dice.pick(&machines).id.clone());
    let target = if dice.one_in(3) { Target::Local } else { machine };
    add(dice, &mut routes, Destination::Network(to), target);
    net.route_tables.push(RouteTable {
        id: id(format!("rtb-{v}e")),
        vpc,
        main: false,
        subnets: vec![],
        gateways: vec![id(format!("{gateway}-{v}"))],
        propagating: vec![],
        routes,
        origin: HERE,
    });
}

/// Adds a route, unless there is one for this destination.
fn add(dice: &mut Dice, routes: &mut Vec<Route>, destination: Destination, target: Target) {
    if !routes.iter().any(|r| r.destination == destination) {
        routes.push(Route { destination, target, blackhole: dice.one_in(14), propagated: false, origin: HERE });
    }
}

fn in_vpc(net: &Net, v: usize, subnet: &Id) -> bool {
    net.subnets.iter().any(|s| s.id == *subnet && s.vpc == id(format!("vpc-{v}")))
}

fn default_routes(dice: &mut Dice, net: &Net, v: usize, routes: &mut Vec<Route>) {
    let nats: Vec<&NatGateway> = net.nat_gateways.iter().filter(|n| n.subnet.as_ref().is_some_and(|s| in_vpc(net, v, s))).collect();
    let gateway = Target::InternetGateway(id(format!("igw-{v}")));
    let out = match dice.below(6) {
        0..=2 => gateway.clone(),
        3 | 4 if !nats.is_empty() => Target::NatGateway(dice.pick(&nats).id.clone()),
        5 => Target::TransitGateway(id("tgw-0")),
        _ => gateway.clone(),
    };
    add(dice, routes, Destination::Network(Cidr::ANYWHERE_V4), out);
    let out = match dice.below(4) {
        0 | 1 => gateway,
        2 => Target::EgressOnlyGateway(id(format!("eigw-{v}"))),
        _ => Target::TransitGateway(id("tgw-0")),
    };
    add(dice, routes, Destination::Network(Cidr::ANYWHERE_V6), out);
}

fn between_routes(dice: &mut Dice, net: &Net, v: usize, routes: &mut Vec<Route>) {
    let vpc = id(format!("vpc-{v}"));
    let peerings: Vec<&Peering> = net.peerings.iter().filter(|p| p.sides.iter().any(|s| s.vpc == vpc)).collect();
    for w in (0..3).filter(|w| *w != v) {
        for to in [format!("10.{w}.0.0/16"), format!("2001:db8:{w}::/48")] {
            let peering = peerings.iter().find(|p| p.id.as_str().contains(&w.to_string()));
            match (dice.below(3), peering) {
                (0, Some(peering)) => add(dice, routes, Destination::Network(cidr(to)), Target::Peering(peering.id.clone())),
                (1, _) => {
                    let gateway = dice.pick(&net.transit_gateways).id.clone();
                    add(dice, routes, Destination::Network(cidr(to)), Target::TransitGateway(gateway));
                }
                _ => {}
            }
        }
    }
}

fn other_routes(dice: &mut Dice, net: &Net, v: usize, routes: &mut Vec<Route>) {
    let enis: Vec<&Interface> = net.interfaces.iter().filter(|i| in_vpc(net, v, &i.subnet)).collect();
    let vpn = Target::VpnGateway(id(format!("vgw-{v}")));
    if dice.one_in(3) {
        add(dice, routes, Destination::PrefixList(id("pl-0")), Target::Endpoint(id(format!("vpce-{v}"))));
    }
    if dice.one_in(6) {
        add(dice, routes, Destination::PrefixList(id("pl-1")), vpn.clone());
    }
    if dice.one_in(5) {
        let to = if dice.one_in(2) { cidr("172.16.0.0/12") } else { cidr("203.0.113.0/24") };
        add(dice, routes, Destination::Network(to), vpn.clone());
    }
    if dice.one_in(6) {
        let machine = dice.pick(&enis).id.clone();
        add(dice, routes, Destination::Network(cidr("203.0.113.8/29")), Target::Interface(machine));
    }
    if dice.one_in(8) {
        // More specific than local: a whole subnet by way of something.
        let subnets: Vec<Cidr> = net.subnets.iter().filter(|s| s.vpc == id(format!("vpc-{v}"))).flat_map(|s| s.cidrs.clone()).collect();
        let nats: Vec<&NatGateway> = net.nat_gateways.iter().filter(|n| n.subnet.as_ref().is_some_and(|s| in_vpc(net, v, s))).collect();
        let target = if nats.is_empty() || dice.one_in(2) {
            Target::Interface(dice.pick(&enis).id.clone())
        } else {
            Target::NatGateway(dice.pick(&nats).id.clone())
        };
        let to = *dice.pick(&subnets);
        add(dice, routes, Destination::Network(to), target);
    }
    if dice.one_in(8) {
        let to = cidr(dice.pick(&["203.0.113.0/24", "10.0.1.0/24", "172.16.0.0/16"]));
        routes.push(Route { destination: Destination::Network(to), target: vpn, blackhole: false, propagated: true, origin: HERE });
    }
}

/// Addresses worth asking about.
pub fn addresses(net: &Net, family: Family) -> Vec<IpAddr> {
    let mut all: Vec<IpAddr> = net.interfaces.iter().flat_map(|i| &i.addresses).map(|a| a.private.network()).collect();
    all.extend(net.interfaces.iter().flat_map(|i| &i.addresses).filter_map(|a| match a.public {
        Some(Public::Known(ip)) => Some(ip),
        _ => None,
    }));
    let others = [
        "8.8.8.8",
        "203.0.113.9",
        "203.0.113.99",
        "52.216.1.1",
        "10.0.1.200",
        "10.0.99.1",
        "172.16.0.9",
        "100.64.0.1",
        "169.254.169.254",
        "2001:db8:9::1",
        "2001:db8:0:1::99",
        "2600::1",
    ];
    all.extend(others.iter().map(ip));
    all.retain(|a| a.is_ipv4() == (family == Family::V4));
    all.sort_unstable();
    all.dedup();
    all
}
