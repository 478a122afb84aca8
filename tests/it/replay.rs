//! What the prover shows people, replayed in the naive walker: its witnesses arrive, by the way it says; what it says
//! stops a packet stops it, in this order, and once all of that is mended it passes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use secnet::{
    base::{
        cidr::{Cidr, Family},
        service::{Ports, Service},
    },
    net::*,
    prove::{
        ask::{Question, Verdict, ask, cubes},
        chart::Chart,
        oracle::{End, Fate, Met, Packet, Where},
        packet::{Cube, Dim, Range, conversations, protocol},
        reason::Reason,
        walk::{Line, Place, Spot, Step, Walk},
    },
};

use crate::{
    prove::{choices, oracle, random_packet, range, single, start},
    random::{Dice, addresses, random_net, seed, service, tell},
};

/// A question costs what a dozen packets cost.
fn networks() -> u64 {
    crate::random::networks().div_ceil(4)
}

fn address(family: Family, n: u128) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::from_bits(u32::try_from(n).unwrap()).into(),
        Family::V6 => Ipv6Addr::from_bits(n).into(),
    }
}

/// The first packet of a conversation, and the ports that NAT gateways choose for it.
fn packet_of(family: Family, cube: &Cube) -> (Packet, [u16; 2]) {
    let at = |dim: Dim| cube.get(dim).lo;
    let port = |dim: Dim| u16::try_from(at(dim)).unwrap();
    let packet = Packet {
        source: address(family, at(Dim::Client)),
        destination: address(family, at(Dim::Server)),
        protocol: protocol::iana(at(Dim::Protocol)),
        first: port(Dim::ClientPort),
        second: port(Dim::ServerPort),
    };
    (packet, [Dim::FirstNat, Dim::SecondNat].map(|d| port(d).max(1024)))
}

/// A thing as the network's own lists call it.
fn id_of(net: &Net, spot: Spot) -> Id {
    match spot {
        Spot::Interface(i) => net.interfaces[i].id.clone(),
        Spot::Subnet(i) => net.subnets[i].id.clone(),
        Spot::Vpc(i) => net.vpcs[i].id.clone(),
        Spot::Table(i) => net.route_tables[i].id.clone(),
        Spot::Acl(i) => net.network_acls[i].id.clone(),
        Spot::Group(i) => net.security_groups[i].id.clone(),
        Spot::InternetGateway(i) => net.internet_gateways[i].id.clone(),
        Spot::EgressOnlyGateway(i) => net.egress_only_gateways[i].id.clone(),
        Spot::NatGateway(i) => net.nat_gateways[i].id.clone(),
        Spot::Peering(i) => net.peerings[i].id.clone(),
        Spot::TransitGateway(i) => net.transit_gateways[i].id.clone(),
        Spot::Attachment(i) => net.attachments[i].id.clone(),
        Spot::TransitTable(i) => net.transit_tables[i].id.clone(),
        Spot::Endpoint(i) => net.endpoints[i].id.clone(),
        Spot::VpnGateway(i) => net.vpn_gateways[i].id.clone(),
        Spot::Internet => Id::from("the internet"),
    }
}

/// What the prover says that a packet meets, in the walker's words.
fn met(net: &Net, steps: &[Step]) -> Vec<Met> {
    let mut found = vec![];
    for step in steps {
        found.push(match (step.spot, step.line) {
            (_, Some(Line::In(a, n))) => Met::Entry(net.network_acls[a].id.clone(), true, n),
            (_, Some(Line::Out(a, n))) => Met::Entry(net.network_acls[a].id.clone(), false, n),
            (_, Some(Line::Route(t, n))) => Met::Route(net.route_tables[t].id.clone(), n),
            (_, Some(Line::TransitRoute(t, n))) => Met::Route(net.transit_tables[t].id.clone(), n),
            (_, Some(Line::Ingress(g, n) | Line::Egress(g, n))) => Met::Rules(vec![(net.security_groups[g].id.clone(), n)]),
            (Spot::Vpc(_) | Spot::Table(_) | Spot::Acl(_) | Spot::Group(_) | Spot::Internet, None) => continue,
            (Spot::Attachment(_) | Spot::TransitTable(_), None) => continue,
            (spot, None) => Met::Thing(id_of(net, spot)),
        });
    }
    found.dedup();
    found
}

/// Whether the walker went the way that the prover says: where it finds several rules that admit, one of them is named.
fn same_way(net: &Net, said: &[Met], went: &[Met]) -> bool {
    let attachment = |m: &&Met| !matches!(m, Met::Thing(id) if net.attachments.iter().any(|a| a.id == *id));
    let mut went: Vec<&Met> = went.iter().filter(attachment).collect();
    went.dedup();
    went.len() == said.len()
        && went.iter().zip(said).all(|(went, said)| match (went, said) {
            (Met::Rules(all), Met::Rules(one)) => one.iter().all(|rule| all.contains(rule)),
            (went, said) => *went == said,
        })
}

/// A question about many packets at once.
pub fn wide(dice: &mut Dice, net: &Net) -> Option<(Question, End)> {
    let family = if dice.one_in(3) { Family::V6 } else { Family::V4 };
    let (from, end, source) = start(dice, net, family)?;
    let own = matches!(from, Place::Interface(_));
    let clients = if own || dice.one_in(2) { range(source) } else { Range::all(family) };
    let server = *dice.pick(&addresses(net, family));
    let servers = if dice.one_in(2) { Range::all(family) } else { range(server) };
    let wanted = if dice.one_in(2) { Service::All } else { service(dice) };
    let traffic = conversations(&wanted, Range::PORTS, family);
    Some((Question { from, family, cubes: cubes(&[clients], &[servers], &traffic), foreign: false, meant: vec![], via: None }, end))
}

fn place_of(net: &Net, place: Place) -> End {
    match place {
        Place::Interface(i) => End::Interface(net.interfaces[i].id.clone()),
        Place::Internet => End::Internet,
        Place::Behind(spot) => End::Behind(id_of(net, spot)),
        Place::Host(_) | Place::Anybody(_) => panic!("nobody asked for {place:?}"),
    }
}

#[test]
fn witnesses_of_what_works_arrive_in_the_naive_walker_by_the_same_way() {
    let (first, mut probes) = (seed() + 2_000_000, 0);
    for n in first..first + networks() {
        let mut dice = Dice(n);
        let net = random_net(&mut dice);
        let chart = Chart::new(&net);
        for _ in 0..10 {
            let Some((question, end)) = wide(&mut dice, &net) else { continue };
            let finding = ask(&chart, &question, |_| true);
            let Verdict::Works(_) = finding.verdict else { continue };
            let (packet, nat_ports) = packet_of(question.family, &finding.witness.unwrap());
            let said = met(&net, &finding.steps);
            let ways: Vec<_> = choices(&net).iter().map(|c| oracle(&net, nat_ports, *c).replay(&end, packet)).collect();
            for (fate, _) in &ways {
                assert_eq!(
                    *fate,
                    Fate::Arrives(place_of(&net, finding.place.unwrap())),
                    "seed {n}: {end:?} {packet:?} {nat_ports:?}\n{said:?}"
                );
            }
            assert!(ways.iter().any(|(_, went)| same_way(&net, &said, went)), "seed {n}: {end:?} {packet:?}\n{said:#?}\nwent {ways:#?}");
            probes += 1;
        }
    }
    tell(format!("{} networks from seed {first}: {probes} witnesses of conversations replayed; 0 differ", networks()));
}

#[test]
fn witnesses_of_what_is_delivered_arrive_in_the_naive_walker() {
    let (first, mut probes, mut refused) = (seed() + 3_000_000, 0, 0);
    for n in first..first + networks() {
        let mut dice = Dice(n);
        let net = random_net(&mut dice);
        let chart = Chart::new(&net);
        for _ in 0..6 {
            let Some((question, end)) = wide(&mut dice, &net) else { continue };
            let mut walk = Walk::new(&chart);
            walk.send(question.from, question.family, question.cubes.clone());
            for arrival in &walk.arrivals {
                for piece in arrival.stream.pieces.iter().filter(|p| p.doubt.is_none()) {
                    let (packet, nat_ports) = packet_of(question.family, &arrival.stream.sent(piece.cube).corner());
                    let fate = oracle(&net, nat_ports, [0, 0]).deliver(&end, packet);
                    assert_eq!(fate, Fate::Arrives(place_of(&net, arrival.place)), "seed {n}: {end:?} {packet:?} {nat_ports:?}");
                    probes += 1;
                }
            }
            // And the other way round: what the walker delivers, the prover does not call stopped.
            let Some(client) = question.cubes.first().map(|c| c.get(Dim::Client).lo) else { continue };
            let source = address(question.family, client);
            let packet = random_packet(&mut dice, &net, question.family, source);
            let alone = single(question.from, question.family, &packet);
            let mut walk = Walk::new(&chart);
            walk.send(alone.from, alone.family, alone.cubes);
            let some = !walk.arrivals.is_empty() || !walk.unknown.is_empty();
            let plain = oracle(&net, [1024, 1024], [0, 0]);
            if let Fate::Arrives(at) = plain.deliver(&end, packet) {
                assert!(some, "seed {n}: {end:?} {packet:?} is delivered to {at:?}");
                probes += 1;
            } else if !plain.chose.get() {
                let surely = walk.arrivals.iter().flat_map(|a| &a.stream.pieces).any(|p| p.doubt.is_none());
                assert!(!surely, "seed {n}: {end:?} {packet:?} is not delivered");
                refused += 1;
            }
        }
    }
    tell(format!("{} networks from seed {first}: {probes} packets delivered and {refused} not; 0 differ", networks()));
}

/// One mend: what the claimed blocker needs to let this packet pass, and nothing else.
#[derive(Debug, Clone, PartialEq)]
enum Mend {
    Rule(Id, bool, Packet),
    Entry(Id, bool, Packet),
    Machine(Id),
    Access,
}

fn service_of(packet: &Packet) -> Service {
    let port = || vec![Ports { from: packet.second, to: packet.second }];
    let byte = |n: u16| u8::try_from(n).ok();
    match packet.protocol {
        6 => Service::Tcp(port()),
        17 => Service::Udp(port()),
        1 => Service::Icmp(byte(packet.first), byte(packet.second)),
        58 => Service::Icmpv6(byte(packet.first), byte(packet.second)),
        n => Service::Protocol(n),
    }
}

impl Mend {
    fn of(net: &Net, at: &Where, reason: &Reason) -> Option<Mend> {
        Some(match at {
            Where::Groups { interface, inbound, packet } => Mend::Rule(interface.clone(), *inbound, *packet),
            Where::Acl { acl, inbound, packet } => Mend::Entry(acl.clone(), *inbound, *packet),
            Where::At(_) if *reason == Reason::PublicAccessBlocked => Mend::Access,
            Where::At(id) => {
                let machine = net.interfaces.iter().any(|i| i.id == *id);
                let stands = matches!(reason, Reason::NotAttached | Reason::BadState | Reason::EndpointBegins);
                if machine && stands { Mend::Machine(id.clone()) } else { return None }
            }
        })
    }

    fn apply(&self, net: &mut Net) {
        match self {
            Mend::Rule(interface, inbound, packet) => {
                let at = net.interfaces.iter_mut().find(|i| i.id == *interface).unwrap();
                let known = at.groups.iter().find(|g| net.security_groups.iter().any(|known| known.id == **g)).cloned();
                let id = known.unwrap();
                let group = net.security_groups.iter_mut().find(|g| g.id == id).unwrap();
                let other = if *inbound { packet.source } else { packet.destination };
                let peer = Peer::Network(Cidr::host_of(other));
                let rule = Rule { service: Some(service_of(packet)), peer, origin: Origin::Observed };
                if *inbound { &mut group.ingress } else { &mut group.egress }.push(rule);
            }
            Mend::Entry(acl, inbound, packet) => {
                let acl = net.network_acls.iter_mut().find(|a| a.id == *acl).unwrap();
                let network = Cidr::host_of(if *inbound { packet.source } else { packet.destination });
                let entry = Entry { number: 0, allow: true, service: service_of(packet), network, origin: Origin::Observed };
                if *inbound { &mut acl.inbound } else { &mut acl.outbound }.insert(0, entry);
            }
            Mend::Machine(interface) => {
                let at = net.interfaces.iter_mut().find(|i| i.id == *interface).unwrap();
                at.owner = Owner::Instance { id: Id::from("i-mended"), running: true };
            }
            Mend::Access => net.block_public_access.clear(),
        }
    }
}

fn same_place(net: &Net, step: &Step, reason: &Reason, at: &Where) -> bool {
    match at {
        Where::Groups { interface, inbound, .. } => {
            let at = net.interfaces.iter().find(|i| i.id == *interface).unwrap();
            let direction = match step.line {
                Some(Line::Ingress(..)) => *inbound,
                Some(Line::Egress(..)) => !inbound,
                _ => true,
            };
            direction
                && matches!(reason, Reason::NoRule | Reason::NoRules | Reason::IdentityLost)
                && match step.spot {
                    Spot::Group(g) => at.groups.contains(&net.security_groups[g].id),
                    Spot::Interface(i) => net.interfaces[i].id == *interface,
                    _ => false,
                }
        }
        Where::Acl { acl, inbound, .. } => {
            let direction = match step.line {
                Some(Line::In(..)) => *inbound,
                Some(Line::Out(..)) => !inbound,
                _ => true,
            };
            *reason == Reason::AclDenies && direction && matches!(step.spot, Spot::Acl(a) if net.network_acls[a].id == *acl)
        }
        // Where exactly a packet is given up that goes in circles means nothing.
        Where::At(_) if *reason == Reason::Loop => true,
        Where::At(id) if id.as_str() == "astray" => matches!(reason, Reason::AnswerAstray | Reason::AnswerTranslated),
        Where::At(id) => {
            let translator = |i: usize| net.interfaces[i].owner == Owner::NatGateway(id.clone());
            id_of(net, step.spot) == *id || matches!(step.spot, Spot::Interface(i) if translator(i))
        }
    }
}

/// How many claimed blockers were mended, and whether the packet passed in the end.
type Mended = (usize, bool);

/// Holds the claims against the walker, one after the other.
fn hold(
    net: &Net,
    end: &End,
    (packet, nat_ports): (Packet, [u16; 2]),
    by: [usize; 2],
    claims: &[(&Step, &Reason)],
) -> Result<Mended, String> {
    let mut mended = net.clone();
    let mut mends: Vec<Mend> = vec![];
    for (k, (step, reason)) in claims.iter().enumerate() {
        let fate = oracle(&mended, nat_ports, by).converse(end, packet);
        // One mend may cover what stops a packet at the same thing again: in circles, or the answer to itself.
        let same = |earlier: &(&Step, &Reason)| earlier.0.spot == step.spot && earlier.1 == *reason;
        let again = claims.iter().take(k).any(same) || (**reason == Reason::PublicAccessBlocked && mends.contains(&Mend::Access));
        if again && !matches!(&fate, Fate::Dies(at) if same_place(&mended, step, reason, at)) {
            continue;
        }
        if reason.is_unknown() {
            return if matches!(fate, Fate::Unknown(_)) {
                Ok((mends.len(), false))
            } else {
                Err(format!("{k} is {reason:?}, not {fate:?}"))
            };
        }
        let Fate::Dies(at) = &fate else { return Err(format!("claim {k} is {step:?}, but {fate:?}")) };
        if !same_place(net, step, reason, at) {
            return Err(format!("claim {k} is {step:?}, not {at:?}"));
        }
        let Some(mend) = Mend::of(&mended, at, reason) else { return Ok((mends.len(), false)) };
        mend.apply(&mut mended);
        mends.push(mend);
    }
    let fate = oracle(&mended, nat_ports, by).converse(end, packet);
    if let Fate::Dies(at) = fate {
        return Err(format!("all is mended, but {at:?}"));
    }
    for left in &mends {
        let mut most = net.clone();
        mends.iter().filter(|m| *m != left).for_each(|m| m.apply(&mut most));
        if let Fate::Arrives(_) = oracle(&most, nat_ports, by).converse(end, packet) {
            return Err(format!("it passes without {left:?}"));
        }
    }
    Ok((mends.len(), true))
}

#[test]
fn claimed_blockers_stop_a_packet_in_the_naive_walker_and_nothing_else_does() {
    let (first, mut packets, mut mended, mut passed) = (seed() + 4_000_000, 0, 0, 0);
    for n in first..first + networks() {
        let mut dice = Dice(n);
        let net = random_net(&mut dice);
        let chart = Chart::new(&net);
        for _ in 0..20 {
            let family = if dice.one_in(3) { Family::V6 } else { Family::V4 };
            let Some((place, end, source)) = start(&mut dice, &net, family) else { continue };
            let packet = random_packet(&mut dice, &net, family, source);
            let finding = ask(&chart, &single(place, family, &packet), |_| true);
            let Verdict::Stopped = finding.verdict else { continue };
            let claims: Vec<(&Step, &Reason)> = finding.blockers().collect();
            assert!(!claims.is_empty(), "seed {n}: {end:?} {packet:?} is stopped, but by what?");
            let (witness, nat_ports) = packet_of(family, &finding.witness.unwrap());
            let held: Vec<_> = choices(&net).iter().map(|by| hold(&net, &end, (witness, nat_ports), *by, &claims)).collect();
            let Some((mends, through)) = held.iter().filter_map(|h| h.as_ref().ok()).max() else {
                panic!("seed {n}: {end:?} {packet:?} {nat_ports:?}\n{claims:#?}\n{held:#?}")
            };
            packets += 1;
            mended += mends;
            passed += usize::from(*through);
        }
    }
    tell(format!(
        "{} networks from seed {first}: {packets} packets die where it is claimed; {mended} blockers mended one by one, after \
         which {passed} packets pass and none passes with one left; 0 differ",
        networks()
    ));
}
