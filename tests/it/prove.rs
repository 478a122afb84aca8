//! The prover against a naive walker that follows one packet: random networks, both families, every difference a bug.

use std::{cell::Cell, net::IpAddr};

use secnet::{
    base::{
        cidr::{Cidr, Family},
        service::Service,
    },
    net::*,
    prove::{
        ask::{Question, Verdict, ask, cubes},
        chart::Chart,
        oracle::{End, Fate, Oracle, Packet},
        packet::{Cube, Dim, Range, conversations, protocol},
        walk::{Place, Spot},
    },
};

use crate::random::{Dice, PORTS, addresses, networks, random_net, seed, seeds, service, tell};

pub fn start(dice: &mut Dice, net: &Net, family: Family) -> Option<(Place, End, IpAddr)> {
    match dice.below(6) {
        0 => Some((Place::Internet, End::Internet, *dice.pick(&addresses(net, family)))),
        1 => {
            let source = *dice.pick(&addresses(net, family));
            let gateway = dice.below(net.vpn_gateways.len());
            if let (true, Some(a)) = (dice.one_in(2), net.attachments.iter().position(|a| matches!(a.to, Attached::Outside(_)))) {
                return Some((Place::Behind(Spot::Attachment(a)), End::Behind(net.attachments[a].id.clone()), source));
            }
            net.vpn_gateways.get(gateway)?;
            Some((Place::Behind(Spot::VpnGateway(gateway)), End::Behind(net.vpn_gateways[gateway].id.clone()), source))
        }
        _ => {
            let i = dice.below(net.interfaces.len());
            let interface = &net.interfaces[i];
            if matches!(interface.owner, Owner::NatGateway(_)) {
                return None;
            }
            let own: Vec<IpAddr> =
                interface.addresses.iter().map(|a| a.private.network()).filter(|a| a.is_ipv4() == (family == Family::V4)).collect();
            if own.is_empty() { None } else { Some((Place::Interface(i), End::Interface(interface.id.clone()), *dice.pick(&own))) }
        }
    }
}

fn number(ip: IpAddr) -> u128 {
    Cidr::host_of(ip).first_number()
}

pub fn range(ip: IpAddr) -> Range {
    Range::one(number(ip))
}

/// What the walker says of one packet: whichever port a NAT gateway on the way would choose, but only what holds
/// whatever else AWS may choose.
fn naive(net: &Net, from: &End, packet: Packet) -> &'static str {
    let plain = oracle(net, [1024, 1024], [0, 0]);
    let fate = word(&plain.converse(from, packet));
    if !plain.chose.get() {
        return fate;
    }
    let mut fates: Vec<&str> = choices(net).iter().map(|c| naive_by(net, from, packet, *c)).collect();
    fates.dedup();
    if fates.len() == 1 { fates[0] } else { "unknown" }
}

/// Whether AWS has anything to choose on a packet's way.
fn chooses(net: &Net, from: &End, packet: Packet) -> bool {
    let plain = oracle(net, [1024, 1024], [0, 0]);
    let _fate = plain.converse(from, packet);
    plain.chose.get()
}

pub fn oracle(net: &Net, nat_ports: [u16; 2], choices: [usize; 2]) -> Oracle<'_> {
    Oracle { net, nat_ports, choices, turns: 0, chose: Cell::new(false) }
}

fn word(fate: &Fate) -> &'static str {
    match fate {
        Fate::Arrives(_) => "works",
        Fate::Unknown(_) => "unknown",
        Fate::Dies(_) => "stopped",
    }
}

/// What AWS may choose, there and back.
pub fn choices(net: &Net) -> Vec<[usize; 2]> {
    let doors = net.attachments.iter().map(|a| if let Attached::Vpc { subnets, .. } = &a.to { subnets.len() } else { 1 });
    let addresses = net.interfaces.iter().filter(|i| matches!(i.owner, Owner::NatGateway(_))).map(|i| i.addresses.len());
    let unknown =
        |d: &Destination| matches!(d, Destination::PrefixList(id) if !net.prefix_lists.iter().any(|l| l.id == *id && l.entries.is_some()));
    let lists = net.route_tables.iter().map(|t| 1 + t.routes.iter().filter(|r| unknown(&r.destination)).count());
    let most = doors.chain(addresses).chain(lists).max().unwrap_or(1);
    (0..most).flat_map(|there| (0..most).map(move |back| [there, back])).collect()
}

fn naive_by(net: &Net, from: &End, packet: Packet, choices: [usize; 2]) -> &'static str {
    let mut unknown = false;
    let mut ports: Vec<u16> = PORTS.iter().flat_map(|p| [p.saturating_sub(1), *p, p.saturating_add(1)]).filter(|p| *p >= 1024).collect();
    ports.dedup();
    for port in ports {
        match word(&oracle(net, [port, port], choices).converse(from, packet)) {
            "works" => return "works",
            fate => unknown |= fate == "unknown",
        }
    }
    if unknown { "unknown" } else { "stopped" }
}

fn exact(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Works(_) => "works",
        Verdict::Stopped => "stopped",
        Verdict::Unknown(_) => "unknown",
    }
}

fn traffic_of(packet: &Packet) -> [Range; 3] {
    let plain = !matches!(packet.protocol, 1 | 6 | 17 | 58);
    let field = |n: u16| Range::one(if plain { 0 } else { n.into() });
    [Range::one(protocol::of(packet.protocol)), field(packet.first), field(packet.second)]
}

/// A question about one packet.
pub fn single(from: Place, family: Family, packet: &Packet) -> Question {
    let cubes = cubes(&[range(packet.source)], &[range(packet.destination)], &[traffic_of(packet)]);
    Question { from, family, cubes, foreign: false, meant: vec![], via: None }
}

pub fn random_packet(dice: &mut Dice, net: &Net, family: Family, source: IpAddr) -> Packet {
    let destination = *dice.pick(&addresses(net, family));
    let v6 = family == Family::V6;
    let (protocol, first, second) = match dice.below(10) {
        0..=5 => (6, *dice.pick(&PORTS), *dice.pick(&PORTS)),
        6..=7 => (17, *dice.pick(&PORTS), *dice.pick(&PORTS)),
        8 => (if v6 { 58 } else { 1 }, *dice.pick(if v6 { &[128, 129, 1] } else { &[8, 0, 3] }), 0),
        _ => (*dice.pick(&[50, 47, 89]), 0, 0),
    };
    Packet { source, destination, protocol, first, second }
}

#[test]
fn single_packets_fare_as_in_the_naive_walker() {
    let (first, mut probes, mut counts) = (seed(), 0, [0usize; 3]);
    for played in seeds("single_packets_fare_as_in_the_naive_walker", networks()) {
        let mut dice = Dice(played.number);
        let net = random_net(&mut dice);
        let chart = Chart::new(&net);
        for _ in 0..60 {
            let family = if dice.one_in(3) { Family::V6 } else { Family::V4 };
            let Some((place, end, source)) = start(&mut dice, &net, family) else { continue };
            let packet = random_packet(&mut dice, &net, family, source);
            let finding = ask(&chart, &single(place, family, &packet), |_| true);
            let (mine, theirs) = (exact(&finding.verdict), naive(&net, &end, packet));
            let oracle = oracle(&net, [32768, 32768], [0, 0]);
            let way: Vec<String> = finding.steps.iter().map(|s| format!("{}{:?}{:?}", chart.name(s.spot), s.line, s.stop)).collect();
            assert_eq!(
                mine,
                theirs,
                "seed {}: {end:?} {packet:?}\nnaive: {:?}\nexact: {way:#?}\n{:?}",
                played.number,
                oracle.converse(&end, packet),
                finding.verdict
            );
            probes += 1;
            counts[["works", "stopped", "unknown"].iter().position(|w| *w == mine).unwrap()] += 1;
        }
    }
    tell(format!("{} networks from seed {first}: {probes} packets, {counts:?} work, stop, unknown; 0 differ", networks()));
}

/// In networks with peerings of transit gateways, all of whose VPCs lead to one: there are loops among them, sides that do not
/// work, and gateways that are missing.
#[test]
fn packets_across_peered_gateways_fare_as_in_the_naive_walker() {
    let (first, mut probes, mut across, mut counts, mut nets) = (seed() + 3_000_000, 0, 0, [0usize; 3], 0);
    let (mut loops, mut apart) = (0, 0);
    for n in 0.. {
        if nets == networks() {
            break;
        }
        let mut dice = Dice(first + n);
        let mut net = random_net(&mut dice);
        if !net.attachments.iter().any(|a| matches!(a.to, Attached::Peering(_))) {
            continue;
        }
        nets += 1;
        // What is open everywhere else gets as far as the gateways.
        let gateways: Vec<Id> = net.attachments.iter().map(|a| a.gateway.clone()).collect();
        for table in &mut net.route_tables {
            for to in ["10.0.0.0/8", "2001:db8::/32"] {
                let (destination, target) =
                    (Destination::Network(to.parse().unwrap()), Target::TransitGateway(dice.pick(&gateways).clone()));
                table.routes.retain(|r| r.destination != destination);
                table.routes.push(Route { destination, target, blackhole: false, propagated: false, origin: Origin::Observed });
            }
        }
        for table in &mut net.transit_tables {
            let peerings = net.attachments.iter().filter(|a| a.gateway == table.gateway && matches!(a.to, Attached::Peering(_)));
            let peerings: Vec<Id> = peerings.map(|a| a.id.clone()).collect();
            for to in ["10.0.0.0/8", "2001:db8::/32"].into_iter().filter(|_| !peerings.is_empty()) {
                let (destination, attachment) = (Destination::Network(to.parse().unwrap()), Some(dice.pick(&peerings).clone()));
                table.routes.push(TransitRoute { destination, attachment, fixed: true, origin: Origin::Observed });
            }
        }
        let chart = Chart::new(&net);
        for _ in 0..30 {
            let family = if dice.one_in(3) { Family::V6 } else { Family::V4 };
            let Some((place, end, source)) = start(&mut dice, &net, family) else { continue };
            let packet = random_packet(&mut dice, &net, family, source);
            let finding = ask(&chart, &single(place, family, &packet), |_| true);
            let (mine, theirs) = (exact(&finding.verdict), naive(&net, &end, packet));
            // The naive walker has AWS choose alike wherever it may; the prover has it choose at each place.
            if (mine, theirs) == ("unknown", "stopped") && chooses(&net, &end, packet) {
                apart += 1;
                continue;
            }
            assert_eq!(mine, theirs, "seed {}: {end:?} {packet:?}: {:?}", first + n, finding.verdict);
            let spots = finding.steps.iter().filter(|s| matches!(s.spot, Spot::TransitGateway(_))).count();
            loops += usize::from(spots > 8);
            across += usize::from(spots > 1);
            probes += 1;
            counts[["works", "stopped", "unknown"].iter().position(|w| *w == mine).unwrap()] += 1;
        }
    }
    assert!(apart * 1000 <= probes, "{apart} of {probes} packets have ways on which AWS would choose in several places");
    assert!(across * 50 > probes, "{across} of {probes} packets meet two gateways");
    tell(format!(
        "{nets} peered networks from seed {first}: {probes} packets, {across} by two gateways or more, {loops} in loops, {counts:?} work, stop, unknown; {apart} by choices in several places, 0 differ"
    ));
}

#[test]
fn sets_of_packets_hold_exactly_those_that_fare_well_in_the_naive_walker() {
    let (first, mut probes, mut sets) = (seed() + 1_000_000, 0, 0);
    for n in 0..networks() {
        let mut dice = Dice(first + n);
        let net = random_net(&mut dice);
        let chart = Chart::new(&net);
        for _ in 0..8 {
            let family = if dice.one_in(3) { Family::V6 } else { Family::V4 };
            let Some((place, end, source)) = start(&mut dice, &net, family) else { continue };
            let wide = |dice: &mut Dice, ip: IpAddr| if dice.one_in(2) { Range::all(family) } else { range(ip) };
            let clients = if matches!(place, Place::Interface(_)) { range(source) } else { wide(&mut dice, source) };
            let servers = *dice.pick(&addresses(&net, family));
            let servers = wide(&mut dice, servers);
            let wanted = if dice.one_in(2) { Service::All } else { service(&mut dice) };
            let traffic = conversations(&wanted, Range::PORTS, family);
            if traffic.is_empty() {
                continue;
            }
            let asked = cubes(&[clients], &[servers], &traffic);
            let works =
                match ask(&chart, &Question { from: place, family, cubes: asked.clone(), foreign: false, meant: vec![], via: None }, |_| {
                    true
                })
                .verdict
                {
                    Verdict::Works(cubes) => cubes,
                    _ => vec![],
                };
            sets += 1;
            for _ in 0..12 {
                let source = if matches!(place, Place::Interface(_)) { source } else { *dice.pick(&addresses(&net, family)) };
                let packet = random_packet(&mut dice, &net, family, source);
                let has = |cubes: &[Cube]| cubes.iter().any(|c| holds(c, &packet));
                if !has(&asked) {
                    continue;
                }
                let theirs = naive(&net, &end, packet);
                assert_eq!(
                    has(&works),
                    theirs == "works",
                    "seed {}: {end:?} {packet:?} of {wanted:?} {clients:?} to {servers:?}: {theirs}; the packet alone: {:?}",
                    first + n,
                    ask(&chart, &single(place, family, &packet), |_| true)
                );
                probes += 1;
            }
        }
    }
    tell(format!("{} networks from seed {first}: {sets} sets, {probes} packets; 0 differ", networks()));
}

fn holds(cube: &Cube, packet: &Packet) -> bool {
    let [number_range, first, second] = traffic_of(packet);
    cube.get(Dim::Client).holds(range(packet.source))
        && cube.get(Dim::Server).holds(range(packet.destination))
        && cube.get(Dim::Protocol).holds(number_range)
        && cube.get(Dim::ClientPort).holds(first)
        && cube.get(Dim::ServerPort).holds(second)
}
