//! Where AWS chooses a way again and again: how much work a walk does stays bounded, and its answer right.

use secnet::{
    base::{cidr::Family, service::Service},
    net::*,
    prove::{
        ask::{Finding, Question, Verdict, ask, cubes},
        chart::Chart,
        oracle::{End, Fate, Oracle, Packet},
        packet::{Range, protocol},
        reason::Reason,
        walk::{Place, Walk},
    },
};

use crate::{
    prove::{oracle, random_packet, range, single, start},
    random::{Dice, cidr, id, ip, networks, random_net, seed, tell},
};

const HERE: Origin = Origin::Observed;

/// VPCs in a row, each with an attachment of so many doors, and a table of the gateway for each attachment. The last has a
/// machine at 10.N.1.9, the first one at 10.0.1.9.
fn row(vpcs: usize, doors: usize) -> Net {
    let mut net = Net::default();
    net.transit_gateways.push(TransitGateway { id: id("tgw"), available: true, group_references: true, origin: HERE });
    let open = || vec![Entry { number: 100, allow: true, service: Service::All, network: cidr("0.0.0.0/0"), origin: HERE }];
    let rule = || vec![Rule { service: Some(Service::All), peer: Peer::Network(cidr("0.0.0.0/0")), origin: HERE }];
    for v in 0..vpcs {
        let vpc = id(format!("vpc-{v}"));
        let cidrs = vec![cidr(format!("10.{v}.0.0/16"))];
        net.vpcs.push(Vpc { id: vpc.clone(), cidrs, region: "".into(), account: "".into(), origin: HERE });
        let subnets: Vec<Id> = (1..=doors).map(|s| id(format!("subnet-{v}-{s}"))).collect();
        for (s, subnet) in subnets.iter().enumerate() {
            let cidrs = vec![cidr(format!("10.{v}.{}.0/24", s + 1))];
            let zone = Some(format!("zone-{s}").as_str().into());
            net.subnets.push(Subnet { id: subnet.clone(), vpc: vpc.clone(), cidrs, zone, origin: HERE });
            let routes = vec![via("10.0.0.0/8", Target::TransitGateway(id("tgw")))];
            let (vpc, subnets) = (vpc.clone(), vec![subnet.clone()]);
            let (gateways, propagating) = (vec![], vec![]);
            net.route_tables.push(RouteTable {
                id: id(format!("rtb-{v}-{}", s + 1)),
                vpc,
                main: false,
                subnets,
                gateways,
                propagating,
                routes,
                origin: HERE,
            });
        }
        let (inbound, outbound, all) = (open(), open(), subnets.clone());
        net.network_acls.push(NetworkAcl {
            id: id(format!("acl-{v}")),
            vpc: vpc.clone(),
            default: true,
            subnets: all,
            inbound,
            outbound,
            origin: HERE,
        });
        let (ingress, egress) = (rule(), rule());
        net.security_groups.push(SecurityGroup {
            id: id(format!("sg-{v}")),
            vpc: vpc.clone(),
            default: true,
            ingress,
            egress,
            origin: HERE,
        });
        net.interfaces.push(Interface {
            id: id(format!("eni-{v}")),
            subnet: subnets[0].clone(),
            addresses: vec![InterfaceAddress { private: cidr(format!("10.{v}.1.9/32")), public: None }],
            groups: vec![id(format!("sg-{v}"))],
            source_dest_check: true,
            owner: Owner::Other("a machine".into()),
            origin: HERE,
        });
        let to = Attached::Vpc { vpc, subnets, ipv6: false, appliance: true, group_references: true };
        let (gateway, table) = (id("tgw"), Some(id(format!("table-{v}"))));
        net.attachments.push(Attachment { id: id(format!("att-{v}")), gateway, to, available: true, table, origin: HERE });
        let (id, gateway) = (id(format!("table-{v}")), id("tgw"));
        net.transit_tables.push(TransitTable { id, gateway, propagations: vec![], routes: vec![], known: true, origin: HERE });
    }
    net
}

fn via(to: &str, target: Target) -> Route {
    Route { destination: Destination::Network(cidr(to)), target, blackhole: false, propagated: false, origin: HERE }
}

/// What comes in by one attachment leaves by another.
fn join(net: &mut Net, from: usize, to: usize, destination: &str) {
    let (destination, attachment) = (Destination::Network(cidr(destination)), Some(id(format!("att-{to}"))));
    net.transit_tables[from].routes.push(TransitRoute { destination, attachment, fixed: true, origin: HERE });
}

/// One conversation from the first VPC's machine, the pieces that its way there comes to, and what the naive walker says
/// with AWS choosing in each of several ways.
fn probe(net: &Net, to: &str) -> (Finding, usize, Vec<Fate>) {
    let chart = Chart::new(net);
    let traffic = [[Range::one(protocol::of(6)), Range::one(40_000), Range::one(443)]];
    let asked = cubes(&[range(ip("10.0.1.9"))], &[range(ip(to))], &traffic);
    let from = Place::Interface(0);
    let question = Question { from, family: Family::V4, cubes: asked.clone(), foreign: false, meant: vec![], via: None };
    let mut walk = Walk::new(&chart);
    walk.send(from, Family::V4, asked);
    let pieces = walk.arrivals.iter().map(|a| a.stream.pieces.len()).sum::<usize>() + walk.losses.len() + walk.unknown.len();
    let packet = Packet { source: ip("10.0.1.9"), destination: ip(to), protocol: 6, first: 40_000, second: 443 };
    let naive = |choices| oracle(net, [1024, 1024], choices).converse(&End::Interface(id("eni-0")), packet);
    (ask(&chart, &question, |_| true), pieces, [[0, 0], [1, 0], [0, 1], [2, 2]].map(naive).to_vec())
}

fn stops(fates: &[Fate]) -> bool {
    fates.iter().all(|f| matches!(f, Fate::Dies(_)))
}

#[test]
fn what_goes_round_by_many_doors_is_followed_once_round() {
    let mut net = row(3, 2);
    join(&mut net, 0, 1, "10.0.0.0/8");
    join(&mut net, 1, 1, "10.0.0.0/8");
    let (finding, pieces, naive) = probe(&net, "10.2.1.9");
    assert!(matches!(finding.verdict, Verdict::Stopped), "{:?}", finding.verdict);
    assert!(finding.steps.iter().any(|s| s.stop == Some(Reason::Loop)), "{:?}", finding.steps);
    assert!(stops(&naive), "{naive:?}");
    assert!(pieces <= 8, "{pieces} pieces");
}

#[test]
fn a_door_out_of_a_round_is_a_way_that_aws_may_choose() {
    let mut net = row(3, 2);
    join(&mut net, 0, 1, "10.0.0.0/8");
    join(&mut net, 1, 1, "10.0.0.0/8");
    let side = |v: usize| PeeringSide { vpc: id(format!("vpc-{v}")), cidrs: vec![], region: "".into() };
    net.peerings.push(Peering { id: id("pcx"), active: true, sides: [side(1), side(2)], origin: HERE });
    let table = net.route_tables.iter_mut().find(|t| t.id == id("rtb-1-2")).unwrap();
    table.routes.push(via("10.2.0.0/16", Target::Peering(id("pcx"))));
    // The peering carries what comes from VPC 1 itself only, so nothing gets out there.
    let (finding, pieces, naive) = probe(&net, "10.2.1.9");
    assert!(matches!(finding.verdict, Verdict::Stopped), "{:?}", finding.verdict);
    assert!(stops(&naive), "{naive:?}");
    assert!(pieces <= 8, "{pieces} pieces");
    // A door from which another gateway leads on, and back: right if AWS takes it at some turn, wrong if it never does.
    let (gateway, table) = (id("tgw-2"), Some(id("table-out")));
    net.transit_gateways.push(TransitGateway { id: gateway.clone(), available: true, group_references: true, origin: HERE });
    for v in [1, 2, 0] {
        let subnets = net.subnets.iter().filter(|s| s.vpc == id(format!("vpc-{v}"))).map(|s| s.id.clone()).collect();
        let to = Attached::Vpc { vpc: id(format!("vpc-{v}")), subnets, ipv6: false, appliance: true, group_references: true };
        let (id, gateway, table) = (id(format!("out-{v}")), gateway.clone(), table.clone());
        net.attachments.push(Attachment { id, gateway, to, available: true, table, origin: HERE });
    }
    let routes = [("10.2.0.0/16", "out-2"), ("10.0.0.0/16", "out-0")].map(|(to, by)| TransitRoute {
        destination: Destination::Network(cidr(to)),
        attachment: Some(id(by)),
        fixed: true,
        origin: HERE,
    });
    let (id_out, propagations) = (id("table-out"), vec![]);
    net.transit_tables.push(TransitTable { id: id_out, gateway, propagations, routes: routes.to_vec(), known: true, origin: HERE });
    for table in &mut net.route_tables {
        if table.vpc == id("vpc-2") || table.id == id("rtb-1-2") {
            table.routes.clear();
            table.routes.push(via("10.0.0.0/8", Target::TransitGateway(id("tgw-2"))));
        }
    }
    let (finding, pieces, naive) = probe(&net, "10.2.1.9");
    assert!(matches!(finding.verdict, Verdict::Unknown(_)), "{:?}", finding.verdict);
    assert!(matches!(naive[0], Fate::Dies(_)) && matches!(naive[1], Fate::Arrives(_)), "{naive:?}");
    assert!(pieces <= 12, "{pieces} pieces");
}

#[test]
fn a_row_of_choices_is_followed_as_far_as_it_can_be_and_then_unknown() {
    for (vpcs, doors, known) in [(3, 3, true), (4, 3, true), (6, 2, true), (12, 2, false), (10, 3, false), (12, 6, false)] {
        let mut net = row(vpcs, doors);
        for v in 0..vpcs {
            let last = format!("10.{}.0.0/16", vpcs - 1);
            if v + 1 < vpcs {
                join(&mut net, v, v + 1, &last);
            }
            join(&mut net, v, 0, "10.0.0.0/16");
        }
        let (finding, pieces, naive) = probe(&net, &format!("10.{}.1.9", vpcs - 1));
        let works = matches!(finding.verdict, Verdict::Works(_));
        assert_eq!(works, known, "{vpcs} VPCs with {doors} doors: {:?}", finding.verdict);
        assert!(works || matches!(finding.verdict, Verdict::Unknown(_)), "{:?}", finding.verdict);
        let fares = |f: &Fate| if known { matches!(f, Fate::Arrives(_)) } else { matches!(f, Fate::Unknown(_)) };
        assert!(naive.iter().all(fares), "{vpcs} VPCs with {doors} doors: {naive:?}");
        assert!(pieces <= 4_000, "{pieces} pieces");
    }
}

/// A random network in which transit gateways enter VPCs by any of their subnets, and all lead to transit gateways, some of them
/// astray.
fn many_doors(dice: &mut Dice) -> Option<Net> {
    let mut net = random_net(dice);
    let gateways: Vec<Id> = net.transit_gateways.iter().map(|g| g.id.clone()).collect();
    if gateways.is_empty() {
        return None;
    }
    for attachment in &mut net.attachments {
        if let Attached::Vpc { vpc, subnets, appliance, .. } = &mut attachment.to {
            *subnets = net.subnets.iter().filter(|s| s.vpc == *vpc).map(|s| s.id.clone()).collect();
            *appliance |= dice.one_in(2);
        }
    }
    // Where nothing else stops a packet, AWS's choice decides more often.
    if dice.one_in(2) {
        for acl in &mut net.network_acls {
            let all = |to| Entry { number: 1, allow: true, service: Service::All, network: cidr(to), origin: HERE };
            acl.inbound = vec![all("0.0.0.0/0"), all("::/0")];
            acl.outbound.clone_from(&acl.inbound);
        }
        for group in &mut net.security_groups {
            let all = |to| Rule { service: Some(Service::All), peer: Peer::Network(cidr(to)), origin: HERE };
            group.ingress = vec![all("0.0.0.0/0"), all("::/0")];
            group.egress.clone_from(&group.ingress);
        }
    }
    // A subnet has a table of its own more often than not, so that doors differ; ports that a NAT gateway draws are another matter.
    for table in &mut net.route_tables {
        table.routes.retain(|r| !matches!(r.target, Target::NatGateway(_)));
        for to in ["10.0.0.0/8", "2001:db8::/32"] {
            if dice.one_in(4) {
                continue;
            }
            table.routes.retain(|r| r.destination != Destination::Network(cidr(to)));
            table.routes.push(via(to, Target::TransitGateway(dice.pick(&gateways).clone())));
        }
    }
    for table in &mut net.transit_tables {
        let here = net.attachments.iter().filter(|a| a.gateway == table.gateway && matches!(a.to, Attached::Vpc { .. }));
        let here: Vec<&Id> = here.map(|a| &a.id).collect();
        for (v, right) in here.iter().enumerate() {
            let to = if dice.one_in(3) { dice.pick(&here) } else { right };
            for network in [format!("10.{v}.0.0/16"), format!("2001:db8:{v}::/48")] {
                let (destination, attachment) = (Destination::Network(cidr(network)), Some((*to).clone()));
                table.routes.retain(|r| r.destination != destination);
                table.routes.push(TransitRoute { destination, attachment, fixed: true, origin: HERE });
            }
        }
    }
    Some(net)
}

/// What the prover is sure of holds whatever AWS chooses at each place and each time, and what it rules out never happens.
#[test]
fn whatever_aws_chooses_at_each_place_the_verdict_holds() {
    let (first, mut counts, mut differ, mut most) = (seed() + 9_000_000, [0usize; 3], 0, 0);
    for n in 0..5 * networks() {
        let mut dice = Dice(first + n);
        let Some(net) = many_doors(&mut dice) else { continue };
        let chart = Chart::new(&net);
        for _ in 0..20 {
            let family = if dice.one_in(3) { Family::V6 } else { Family::V4 };
            let Some((place, end, source)) = start(&mut dice, &net, family) else { continue };
            let packet = random_packet(&mut dice, &net, family, source);
            let asked = single(place, family, &packet);
            let mut walk = Walk::new(&chart);
            walk.send(place, family, asked.cubes.clone());
            most = most.max(walk.arrivals.len() + walk.losses.len() + walk.unknown.len());
            let verdict = ask(&chart, &asked, |_| true).verdict;
            let fates: Vec<Fate> = (0..12)
                .map(|turn| {
                    let turns = if turn < 3 { 0 } else { dice.next() };
                    Oracle { turns, ..oracle(&net, [1024, 1024], [turn, dice.below(3)]) }.converse(&end, packet)
                })
                .collect();
            let arrive = fates.iter().filter(|f| matches!(f, Fate::Arrives(_))).count();
            let die = fates.iter().filter(|f| matches!(f, Fate::Dies(_))).count();
            let (sound, kind) = match verdict {
                Verdict::Works(_) => (arrive == fates.len(), 0),
                Verdict::Stopped => (die == fates.len(), 1),
                Verdict::Unknown(_) => (true, 2),
            };
            assert!(sound, "seed {}: {end:?} {packet:?}: {verdict:?}, but {fates:?}", first + n);
            differ += usize::from(arrive > 0 && die > 0);
            counts[kind] += 1;
        }
    }
    assert!(counts[0] > 0 && differ > 2, "{counts:?}, {differ}");
    assert!(most <= 2_000, "{most}");
    tell(format!(
        "{} networks from seed {first}: {counts:?} work, stop, unknown; {differ} as AWS chooses; at most {most} ends of a packet; 0 wrong",
        5 * networks()
    ));
}
