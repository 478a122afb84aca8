//! Random statements about random networks, each verdict held against the naive walker, packet by packet.

use std::{cell::Cell, net::IpAddr};

use secnet::{
    base::{cidr::Family, service::Service, span::Span},
    net::*,
    prove::{
        chart::Chart,
        oracle::{End, Fate, Oracle, Packet},
        policy::{Judged, Outcome, judge},
    },
    schema::{
        model::{Model, Policy, Statement},
        value::Value,
    },
};

use super::prove::choices;
use super::random::{Dice, addresses, cidr, id, ip, networks, random_net, seed, service, tell};

const PORTS: [u16; 9] = [0, 22, 53, 443, 1023, 1024, 32768, 60999, 65535];

/// A side as the language means it, spelled out: ends, each with addresses.
#[derive(Debug, Clone)]
struct Party {
    value: Value,
    ends: Vec<(End, Vec<IpAddr>)>,
}

fn own_addresses(interface: &Interface) -> Vec<IpAddr> {
    interface.addresses.iter().map(|a| a.private.network()).collect()
}

fn publics(net: &Net) -> Vec<IpAddr> {
    let all = net.interfaces.iter().flat_map(|i| &i.addresses);
    let public = |a: &InterfaceAddress| match a.public {
        Some(Public::Known(ip)) => Some(ip),
        _ => None,
    };
    let six = |a: &InterfaceAddress| Some(a.private.network()).filter(IpAddr::is_ipv6);
    all.flat_map(|a| [public(a), six(a)]).flatten().collect()
}

fn on_the_internet(net: &Net) -> Vec<IpAddr> {
    let own = publics(net);
    let all = ["8.8.8.8", "203.0.113.9", "203.0.113.99", "198.51.100.250", "52.216.1.1", "2600::1", "2001:db8:9::1"];
    all.iter().map(ip).filter(|a| !own.contains(a)).collect()
}

/// Written down anew, not taken from what is tested.
fn public(a: IpAddr) -> bool {
    match a {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            let special = v4.is_private() || v4.is_loopback() || v4.is_link_local() || (first == 100 && second & 0xc0 == 64);
            !special && first != 0 && first < 224
        }
        IpAddr::V6(v6) => v6.segments()[0] & 0xe000 == 0x2000,
    }
}

fn members(net: &Net, of: impl Fn(&Interface) -> bool) -> Vec<(End, Vec<IpAddr>)> {
    net.interfaces.iter().filter(|i| of(i)).map(|i| (End::Interface(i.id.clone()), own_addresses(i))).collect()
}

fn outside(net: &Net) -> Vec<(End, Vec<IpAddr>)> {
    let all: Vec<IpAddr> = [Family::V4, Family::V6].into_iter().flat_map(|f| addresses(net, f)).collect();
    let vpn = net.vpn_gateways.iter().map(|g| g.id.clone());
    let far = net.attachments.iter().filter(|a| matches!(a.to, Attached::Outside(_))).map(|a| a.id.clone());
    // A VPN gateway takes no packets that claim to come from its own VPC.
    let own = |g: &Id| {
        let of = net.vpn_gateways.iter().find(|x| x.id == *g).and_then(|x| x.vpc.clone());
        net.vpcs.iter().filter(|v| Some(&v.id) == of.as_ref()).flat_map(|v| v.cidrs.clone()).collect::<Vec<_>>()
    };
    let sent = |g: &Id| all.iter().copied().filter(|a| !own(g).iter().any(|c| c.contains_ip(*a))).collect();
    vpn.chain(far).map(|g| (End::Behind(g.clone()), sent(&g))).collect()
}

fn instance(i: &Interface) -> Option<&Id> {
    match &i.owner {
        Owner::Instance { id, .. } => Some(id),
        _ => None,
    }
}

fn party(dice: &mut Dice, net: &Net, source: bool) -> Party {
    // NAT gateways begin nothing of their own.
    let members =
        |net: &Net, of: &dyn Fn(&Interface) -> bool| members(net, |i| of(i) && !(source && matches!(i.owner, Owner::NatGateway(_))));
    let text = |id: &Id| Value::text(id.as_str());
    match dice.below(9) {
        0 | 1 => Party { value: Value::Internet, ends: vec![(End::Internet, on_the_internet(net))] },
        2 if source => {
            let mut ends = members(net, &|_| true);
            ends.push((End::Internet, on_the_internet(net)));
            ends.extend(outside(net));
            Party { value: Value::Any, ends }
        }
        3 => {
            let network =
                cidr(dice.pick(&["10.0.1.0/24", "10.1.0.0/16", "203.0.113.0/24", "198.51.100.0/24", "172.16.0.0/12", "10.0.0.0/8"]));
            let mut ends = members(net, &|_| true);
            ends.push((End::Internet, on_the_internet(net)));
            ends.extend(outside(net));
            for (end, all) in &mut ends {
                let public = |a: &IpAddr| {
                    let of = net.interfaces.iter().filter(|i| *end == End::Interface(i.id.clone())).flat_map(|i| &i.addresses);
                    let mine = of.filter(|x| x.private.network() == *a);
                    mine.filter_map(|x| x.public).any(|p| matches!(p, Public::Known(ip) if network.contains_ip(ip)))
                };
                all.retain(|a| network.contains_ip(*a) || public(a));
            }
            // Public addresses are on the internet, private ones behind gateways.
            let far = |a: &IpAddr| a.is_ipv4() && !on_the_internet(net).contains(a) && !publics(net).contains(a);
            ends.iter_mut().filter(|(end, _)| matches!(end, End::Behind(_))).for_each(|(_, all)| all.retain(far));
            ends.retain(|(_, all)| !all.is_empty());
            Party { value: Value::Cidr(network), ends }
        }
        4 => {
            let subnet = dice.pick(&net.subnets).id.clone();
            Party { value: text(&subnet), ends: members(net, &|i| i.subnet == subnet) }
        }
        5 => {
            let group = dice.pick(&net.security_groups).id.clone();
            Party { value: text(&group), ends: members(net, &|i| i.groups.contains(&group)) }
        }
        _ => {
            let all: Vec<&Id> = net.interfaces.iter().filter_map(instance).collect();
            let one = if all.is_empty() { id("i-none") } else { (*dice.pick(&all)).clone() };
            Party { value: text(&one), ends: members(net, &|i| instance(i) == Some(&one)) }
        }
    }
}

fn serves(service: &Service, packet: &Packet) -> bool {
    let in_ports = |ports: &[secnet::base::service::Ports], p: u16| ports.is_empty() || ports.iter().any(|r| r.from <= p && p <= r.to);
    let byte = |wanted: &Option<u8>, has: u16| wanted.is_none_or(|w| u16::from(w) == has);
    match (service, packet.protocol) {
        (Service::All, _) => true,
        (Service::Tcp(ports), 6) | (Service::Udp(ports), 17) => in_ports(ports, packet.second),
        (Service::Icmp(kind, code), 1) | (Service::Icmpv6(kind, code), 58) => byte(kind, packet.first) && byte(code, packet.second),
        (Service::Protocol(n), p) => *n == p,
        _ => false,
    }
}

fn packets(dice: &mut Dice, service: &Service, source: IpAddr, destination: IpAddr, clients: &[u16]) -> Vec<Packet> {
    let mut all = vec![];
    for second in PORTS {
        for protocol in [6, 17] {
            all.push(Packet { source, destination, protocol, first: *dice.pick(clients), second });
        }
    }
    let (icmp, kinds): (u8, [u16; 3]) = if source.is_ipv4() { (1, [8, 0, 3]) } else { (58, [128, 129, 1]) };
    all.extend(kinds.map(|first| Packet { source, destination, protocol: icmp, first, second: 0 }));
    all.extend([50, 47].map(|protocol| Packet { source, destination, protocol, first: 0, second: 0 }));
    all.retain(|p| serves(service, p));
    all
}

fn statement(require: bool, service: &Service, from: &Party, to: &Party, except: Vec<(Vec<Service>, Vec<Value>)>) -> Statement {
    Statement {
        require,
        services: vec![service.clone()],
        from: vec![from.value.clone()],
        to: vec![to.value.clone()],
        except,
        client_ports: None,
        turn: String::new(),
        span: Span::new(secnet::base::span::FileId(0), 0, 0),
    }
}

fn verdict(chart: &Chart<'_>, statement: Statement) -> Judged {
    let span = statement.span;
    let policy = Policy {
        name: "p".into(),
        description: None,
        during_apply: false,
        imposed: false,
        waiver: None,
        statements: vec![statement],
        span,
    };
    judge(chart, &Model { policies: vec![policy], ..Model::default() }).remove(0)
}

/// Where packets for a party go: the addresses of its ends, private and public.
fn destinations(net: &Net, to: &Party) -> Vec<IpAddr> {
    let mut all: Vec<IpAddr> = match &to.value {
        Value::Cidr(cidr) => {
            let families = [Family::V4, Family::V6];
            families.into_iter().flat_map(|f| addresses(net, f)).filter(|a| cidr.contains_ip(*a)).collect()
        }
        _ => to.ends.iter().flat_map(|(_, a)| a.clone()).collect(),
    };
    for (end, _) in &to.ends {
        let of = net.interfaces.iter().filter(|i| *end == End::Interface(i.id.clone())).flat_map(|i| &i.addresses);
        all.extend(of.filter_map(|a| match a.public {
            Some(Public::Known(ip)) => Some(ip),
            _ => None,
        }));
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// Whether a delivered packet is one that a `forbid` to this party speaks of.
fn counts(net: &Net, from: &End, to: &Party, packet: &Packet, at: &End) -> bool {
    match (&to.value, at) {
        (_, at @ End::Interface(_)) if at == from => false,
        (Value::Internet, End::Internet | End::Behind(_)) => public(packet.destination) && !publics(net).contains(&packet.destination),
        (Value::Cidr(cidr), End::Interface(id)) => {
            let mine = net.interfaces.iter().filter(|i| i.id == *id).flat_map(own_addresses).any(|a| cidr.contains_ip(a));
            cidr.contains_ip(packet.destination) || (mine && publics(net).contains(&packet.destination))
        }
        (Value::Cidr(cidr), _) => cidr.contains_ip(packet.destination),
        (_, at) => to.ends.iter().any(|(end, _)| end == at),
    }
}

fn excepted(packet: &Packet, end: &End, except: &[(Vec<Service>, Vec<Value>)]) -> bool {
    except.iter().any(|(services, from)| {
        let client = |value: &Value| match value {
            Value::Cidr(cidr) => cidr.contains_ip(packet.source),
            Value::Internet => *end == End::Internet,
            _ => false,
        };
        services.iter().any(|s| serves(s, packet)) && (from.is_empty() || from.iter().any(client))
    })
}

/// The packet of a message: `tcp 10.0.0.4:1024 to 10.0.1.4:22`.
fn parse(text: &str) -> Packet {
    let ip = |t: &str| t.trim_matches(['[', ']']).parse::<IpAddr>().unwrap_or_else(|_| panic!("{text}"));
    let with_port = |t: &str| {
        let (a, p) = t.rsplit_once(':').unwrap_or_else(|| panic!("{text}"));
        (ip(a), p.parse::<u16>().unwrap_or_else(|_| panic!("{text}")))
    };
    let words: Vec<&str> = text.split(' ').collect();
    match words.as_slice() {
        [name @ ("tcp" | "udp"), from, "to", to] => {
            let ((source, first), (destination, second)) = (with_port(from), with_port(to));
            Packet { source, destination, protocol: if *name == "tcp" { 6 } else { 17 }, first, second }
        }
        ["icmp", "type", kind, "code", code, "from", from, "to", to] => {
            let (source, destination) = (ip(from), ip(to));
            let protocol = if source.is_ipv4() { 1 } else { 58 };
            Packet { source, destination, protocol, first: kind.parse().unwrap(), second: code.parse().unwrap() }
        }
        ["protocol", n, "from", from, "to", to] => {
            Packet { source: ip(from), destination: ip(to), protocol: n.parse().unwrap(), first: 0, second: 0 }
        }
        _ => panic!("{text}"),
    }
}

/// What an interface belongs to.
fn thing<'n>(net: &'n Net, end: &End) -> Option<&'n Id> {
    let End::Interface(id) = end else { return None };
    match &net.interfaces.iter().find(|i| i.id == *id)?.owner {
        Owner::Instance { id, .. } | Owner::NatGateway(id) | Owner::Endpoint(id) => Some(id),
        _ => None,
    }
}

/// Every choice that AWS has: ports of NAT gateways, ways into VPCs.
fn worlds(net: &Net) -> Vec<Oracle<'_>> {
    let ports: &[u16] = if net.nat_gateways.is_empty() { &[1024] } else { &[1024, 5000, 32768, 60999, 65535] };
    let choices = choices(net);
    let world = |port: u16, choices: [usize; 2]| Oracle { net, nat_ports: [port, port], choices, turns: 0, chose: Cell::new(false) };
    ports.iter().flat_map(|p| choices.iter().map(|c| world(*p, *c))).collect()
}

fn random_exceptions(dice: &mut Dice) -> Vec<(Vec<Service>, Vec<Value>)> {
    if !dice.one_in(2) {
        return vec![];
    }
    let from = match dice.below(3) {
        0 => vec![],
        1 => vec![Value::Internet],
        _ => vec![Value::Cidr(cidr(dice.pick(&["203.0.113.0/24", "8.8.8.8/32", "10.0.0.0/16"])))],
    };
    vec![(vec![service(dice)], from)]
}

#[test]
fn a_proven_forbid_lets_nothing_through_in_the_naive_walker_and_a_refuted_one_shows_a_packet_that_gets_through() {
    let (first, mut told, mut probes, mut witnesses) = (seed() + 2_000_000, [0usize; 3], 0usize, 0usize);
    for n in 0..networks().div_ceil(8) {
        let mut dice = Dice(first + n);
        let net = random_net(&mut dice);
        let chart = Chart::new(&net);
        let worlds = worlds(&net);
        for _ in 0..6 {
            let (from, to, wanted) = (party(&mut dice, &net, true), party(&mut dice, &net, false), service(&mut dice));
            let except = random_exceptions(&mut dice);
            let judged = verdict(&chart, statement(false, &wanted, &from, &to, except.clone()));
            told[judged.outcome as usize] += 1;
            let about = || format!("seed {}: forbid {wanted:?} from {} to {} except {except:?}", first + n, from.value, to.value);
            if judged.outcome == Outcome::Proven {
                let targets = destinations(&net, &to);
                for (end, sources) in &from.ends {
                    for source in sources.iter().take(4) {
                        for target in targets.iter().filter(|t| t.is_ipv4() == source.is_ipv4()) {
                            for packet in packets(&mut dice, &wanted, *source, *target, &PORTS) {
                                if excepted(&packet, end, &except) {
                                    continue;
                                }
                                probes += 1;
                                for world in worlds.iter().take(2) {
                                    let fate = world.deliver(end, packet);
                                    let through = matches!(&fate, Fate::Arrives(at) if counts(&net, end, &to, &packet, at));
                                    assert!(!through, "{}: {end:?} {packet:?} {fate:?}", about());
                                }
                            }
                        }
                    }
                }
            }
            let flow = judged.flows.first().filter(|f| judged.outcome == Outcome::Refuted && !f.from.starts_with("whatever"));
            if let (Some(flow), Some(text), false) = (flow, &judged.packet, judged.flows.iter().any(|f| f.to.starts_with("whatever"))) {
                let packet = parse(text);
                let name = |i: &Interface| instance(i).map_or_else(|| i.id.to_string(), ToString::to_string);
                let ends = from.ends.iter().filter(|(end, _)| match end {
                    End::Interface(id) => net.interfaces.iter().any(|i| i.id == *id && (name(i) == flow.from || flow.from.contains('/'))),
                    End::Internet => flow.from == "the internet" || flow.from.contains('/'),
                    End::Behind(id) => flow.from.contains(id.as_str()),
                });
                let through = |end: &End| {
                    worlds.iter().any(|w| matches!(w.deliver(end, packet), Fate::Arrives(at) if counts(&net, end, &to, &packet, &at)))
                };
                let mut ends: Vec<&End> = ends.map(|(end, _)| end).collect();
                let others: Vec<(End, Vec<IpAddr>)> = if flow.from.contains('/') { outside(&net) } else { vec![] };
                ends.extend(others.iter().map(|(end, _)| end));
                witnesses += 1;
                assert!(serves(&wanted, &packet), "{}: {text}", about());
                assert!(ends.iter().any(|e| through(e)), "{}: {text} from {ends:?}: {:#?}", about(), judged.hops);
            }
        }
    }
    tell(format!(
        "{} networks from seed {first}: {told:?} forbids proven, unknown, refuted; {probes} packets stopped, {witnesses} witnesses get through",
        networks().div_ceil(8)
    ));
    assert!(told[0] > 0 && told[2] > 0, "{told:?}");
}

#[test]
fn a_proven_require_works_for_every_packet_of_the_naive_walker_and_a_refuted_one_shows_a_packet_that_does_not() {
    let (first, mut told, mut probes, mut witnesses) = (seed() + 3_000_000, [0usize; 3], 0usize, 0usize);
    // One in a hundred is proven.
    let count = networks().div_ceil(8).max(100);
    for n in 0..count {
        let mut dice = Dice(first + n);
        let net = random_net(&mut dice);
        let chart = Chart::new(&net);
        let worlds = worlds(&net);
        for _ in 0..8 {
            let (from, to, wanted) = (party(&mut dice, &net, true), party(&mut dice, &net, false), service(&mut dice));
            if matches!(to.value, Value::Cidr(_)) || matches!(from.value, Value::Any) {
                continue;
            }
            let judged = verdict(&chart, statement(true, &wanted, &from, &to, vec![]));
            told[judged.outcome as usize] += 1;
            let about = || format!("seed {}: require {wanted:?} from {} to {}", first + n, from.value, to.value);
            let works = |end: &End, packet: Packet, at: &End| {
                worlds.iter().all(|w| {
                    matches!(w.converse(end, packet), Fate::Arrives(there)
                    if there == *at || (*at == End::Internet && matches!(&there, End::Behind(id) if id.as_str().starts_with("vpce"))))
                })
            };
            if judged.outcome == Outcome::Proven {
                for (end, sources) in &from.ends {
                    let clients: &[u16] =
                        if matches!(end, End::Interface(_)) { &[32768, 60999, 65535] } else { &[1024, 5000, 32768, 65535] };
                    for source in sources {
                        for (at, private) in to.ends.iter().filter(|(at, _)| at != end) {
                            // Of a thing with several interfaces, one must do.
                            let one = thing(&net, at);
                            let all = to.ends.iter().filter(|(other, _)| other == at || thing(&net, other) == one && one.is_some());
                            let lone = Party { value: Value::text("x"), ends: all.cloned().collect() };
                            let targets: Vec<IpAddr> =
                                destinations(&net, &lone).into_iter().filter(|t| t.is_ipv4() == source.is_ipv4()).collect();
                            let Some(any) = targets.first().filter(|_| !private.is_empty()) else { continue };
                            for packet in packets(&mut dice, &wanted, *source, *any, clients) {
                                probes += 1;
                                let to = |t: &IpAddr| lone.ends.iter().any(|(at, _)| works(end, Packet { destination: *t, ..packet }, at));
                                let good = if *at == End::Internet { targets.iter().all(to) } else { targets.iter().any(to) };
                                assert!(good, "{}: {end:?} {packet:?} to {targets:?}", about());
                            }
                        }
                    }
                }
            }
            if let (Outcome::Refuted, Some(text)) = (judged.outcome, &judged.packet) {
                let packet = parse(text);
                witnesses += 1;
                assert!(serves(&wanted, &packet), "{}: {text}", about());
                let far = if matches!(from.value, Value::Cidr(_)) { outside(&net) } else { vec![] };
                let ends = from.ends.iter().filter(|(end, own)| !matches!(end, End::Interface(_)) || own.contains(&packet.source));
                let all = ends.chain(&far).flat_map(|(end, _)| to.ends.iter().map(move |(at, _)| (end, at)));
                assert!(all.clone().any(|(end, at)| !works(end, packet, at)), "{}: {text}: {:#?}", about(), judged.hops);
            }
        }
    }
    tell(format!(
        "{count} networks from seed {first}: {told:?} requires proven, unknown, refuted; {probes} packets work, {witnesses} witnesses do not"
    ));
    assert!(told[0] > 0 && told[2] > 0, "{told:?}");
}
