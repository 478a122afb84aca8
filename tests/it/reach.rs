//! What becomes reachable, what stops being so, and what the internet reaches: sources in, flows out.

use std::collections::{BTreeMap, BTreeSet};

use secnet::{
    analysis::{Inputs, analyze},
    base::{
        cidr::{Cidr, Family},
        service::Service,
    },
    net::{Interface, Net, Owner, Public},
    prove::{
        ask::{Question, Verdict, ask, cubes},
        chart::Chart,
        packet::{Range, conversations},
        reach::{
            Delta, Flow, delta, exposure,
            pairs::{Links, Pairs, between},
            set::{Set, flows},
        },
        walk::{Place, Spot},
    },
};

use crate::random::{Dice, id, networks, random_net, seed, tell};

const TOUR: &str = include_str!("../../examples/secure_server/main.secnet");

#[track_caller]
fn net(text: &str) -> Net {
    let analysis = analyze(vec![("main.secnet".into(), text.into())], &Inputs::default());
    assert!(!analysis.has_errors(), "{:#?}", analysis.diagnostics);
    secnet::resources::network(&analysis.model)
}

#[track_caller]
fn change(before: &str, after: &str) -> Delta {
    let before = if before.is_empty() { Net::default() } else { net(before) };
    let after = if after.is_empty() { Net::default() } else { net(after) };
    delta(&Chart::new(&before), &Chart::new(&after))
}

/// `203.0.113.0/28 of the internet -> instance.server: tcp/22`
fn short(flow: &Flow) -> String {
    let outside = |networks: &[String], name: &str| {
        if networks.is_empty() { name.to_owned() } else { format!("{} of {name}", networks.join(", ")) }
    };
    let (from, to) = (outside(&flow.sources, &flow.from), outside(&flow.destinations, &flow.to));
    let doubt = flow.doubt.as_ref().map_or(String::new(), |d| format!(" ? {d}"));
    let one_way = if flow.answered || flow.doubt.is_some() { "" } else { " one way" };
    format!("{from} -> {to}: {}{one_way}{doubt}", flow.service)
}

fn shorts(flows: &[Flow]) -> Vec<String> {
    flows.iter().map(short).collect()
}

fn lines(flow: &Flow) -> Vec<String> {
    flow.lines.iter().map(|l| format!("{}{}: {}", if l.answer { "back " } else { "" }, l.of, l.text)).collect()
}

#[test]
fn the_tour_makes_reachable_what_it_says() {
    let delta = change("", TOUR);
    assert_eq!(
        shorts(&delta.added),
        [
            "203.0.113.0/28 of the internet -> instance.server: tcp/22",
            "instance.server -> 0.0.0.0/0 of the internet: tcp",
            "instance.server -> 0.0.0.0/0 of the internet: icmp that asks for no answer",
        ]
    );
    assert!(delta.removed.is_empty() && delta.unknown.is_empty(), "{delta:#?}");
    assert_eq!(
        lines(&delta.added[0]),
        [
            "network_acl.public: in 100 allow tcp/22 from 203.0.113.0/28",
            "security_group.ssh: ingress tcp/22 from 203.0.113.0/28",
            "back network_acl.public: out 100 allow all to 0.0.0.0/0",
            "back route_table.public: route 0.0.0.0/0 via internet_gateway.main",
        ]
    );
    let back = change(TOUR, "");
    assert_eq!((shorts(&back.removed), back.added.len(), back.unknown.len()), (shorts(&delta.added), 0, 0));
    assert_eq!(change(TOUR, TOUR).added, []);
}

#[test]
fn a_port_opened_to_the_world_is_added_with_both_lines() {
    let rule = "ingress tcp/5432 from anywhere";
    let entry = "in  150 allow tcp/5432 from anywhere";
    let open = TOUR
        .replace("  egress  all    to   anywhere\n", &format!("  egress  all    to   anywhere\n  {rule}\n"))
        .replace("  in  200 allow tcp/1024-65535", &format!("  {entry}\n  in  200 allow tcp/1024-65535"));
    let delta = change(TOUR, &open);
    assert_eq!(shorts(&delta.added), ["0.0.0.0/0 of the internet -> instance.server: tcp/5432"]);
    assert!(delta.removed.is_empty() && delta.unknown.is_empty(), "{delta:#?}");
    let lines = lines(&delta.added[0]);
    assert_eq!(
        lines[..2],
        ["network_acl.public: in 150 allow tcp/5432 from 0.0.0.0/0", "security_group.ssh: ingress tcp/5432 from 0.0.0.0/0"]
    );
}

#[test]
fn the_internet_reaches_the_tour_by_ssh_only() {
    let net = net(TOUR);
    assert_eq!(shorts(&exposure(&Chart::new(&net))), ["203.0.113.0/28 of the internet -> instance.server: tcp/22"]);
}

/// Two public machines of one group and a private one, which only they may ask.
const THREE: &str = r#"
project three { region = "us-east-1" }
vpc main { cidr_block = 10.0.0.0/16 }
internet_gateway main { vpc = vpc.main }
subnet public  { vpc = vpc.main  cidr_block = 10.0.1.0/24  map_public_ip_on_launch = true }
subnet private { vpc = vpc.main  cidr_block = 10.0.2.0/24 }
route_table public { vpc = vpc.main  subnets = [subnet.public]  route anywhere via internet_gateway.main }
security_group web {
  vpc = vpc.main
  ingress tcp/443 from anywhere
  egress tcp/5432 to security_group.db
}
security_group db {
  vpc = vpc.main
  ingress tcp/5432 from security_group.web
}
instance one { image = "ami-1"  instance_type = "t3.micro"  subnet = subnet.public   security_groups = [security_group.web] }
instance two { image = "ami-1"  instance_type = "t3.micro"  subnet = subnet.public   security_groups = [security_group.web] }
instance db  { image = "ami-1"  instance_type = "t3.micro"  subnet = subnet.private  security_groups = [security_group.db] }
"#;

#[test]
fn machines_that_fare_alike_are_told_together_and_named_each() {
    let delta = change("", THREE);
    assert_eq!(
        shorts(&delta.added),
        ["0.0.0.0/0 of the internet -> instance.one and instance.two: tcp/443", "instance.one and instance.two -> instance.db: tcp/5432"]
    );
    let names: Vec<&str> = delta.added[1].all_from.iter().map(|n| &**n).collect();
    assert_eq!((names, delta.added[1].all_to.len()), (vec!["instance.one", "instance.two"], 1));
    // The default network ACL stands between the two subnets, out and in, there and back.
    assert_eq!(
        lines(&delta.added[1]),
        [
            "security_group.web: egress tcp/5432 to security_group.db",
            "vpc.main (default network ACL): out 100 allow all to 0.0.0.0/0",
            "vpc.main (default network ACL): in 100 allow all from 0.0.0.0/0",
            "security_group.db: ingress tcp/5432 from security_group.web",
            "back vpc.main (default network ACL): out 100 allow all to 0.0.0.0/0",
            "back vpc.main (default network ACL): in 100 allow all from 0.0.0.0/0",
        ]
    );
}

#[test]
fn what_a_rule_let_through_stops_with_it() {
    let delta = change(THREE, &THREE.replace("ingress tcp/5432 from security_group.web", "ingress tcp/5433 from security_group.web"));
    assert_eq!(shorts(&delta.removed), ["instance.one and instance.two -> instance.db: tcp/5432"]);
    assert!(delta.added.is_empty() && delta.unknown.is_empty(), "{delta:#?}");
    let narrow = change(THREE, &THREE.replace("ingress tcp/443 from anywhere", "ingress tcp/443 from 198.51.100.0/24"));
    let [gone] = &narrow.removed[..] else { panic!("{narrow:#?}") };
    assert_eq!(gone.sources, ["0.0.0.0/0 except 198.51.100.0/24"]);
    assert!(narrow.added.is_empty());
}

#[test]
fn packets_that_arrive_and_are_not_answered_are_told_as_such() {
    let net = net(&TOUR.replace("  route anywhere via internet_gateway.main\n", "  route 198.51.100.0/24 via internet_gateway.main\n"));
    assert_eq!(shorts(&exposure(&Chart::new(&net))), ["203.0.113.0/28 of the internet -> instance.server: tcp/22 one way"]);
}

#[test]
fn a_way_that_nobody_can_tell_is_unknown_and_not_gone() {
    let appliance = THREE
        .replace("  route anywhere via internet_gateway.main", "  route anywhere via instance.db")
        .replace("security_groups = [security_group.db] }", "security_groups = [security_group.db]  source_dest_check = false }")
        .replace("  ingress tcp/5432 from security_group.web", "  ingress all from anywhere");
    let delta = change(THREE, &appliance);
    let doubted: Vec<&Flow> = delta.unknown.iter().filter(|f| f.from == "the internet").collect();
    assert!(doubted.iter().any(|f| f.service == "tcp/443" && f.doubt.is_some()), "{delta:#?}");
    assert!(!delta.removed.iter().any(|f| f.from == "the internet"), "{delta:#?}");
}

#[test]
fn the_worst_comes_first() {
    let open = THREE.replace(
        "ingress tcp/443 from anywhere",
        "ingress tcp/443 from anywhere\n  ingress tcp/22 from anywhere\n  ingress tcp/3389 from 198.51.100.0/24\n  ingress udp/53 from 198.51.100.0/24",
    );
    let net = net(&open);
    let flows = exposure(&Chart::new(&net));
    let told: Vec<(&str, Vec<&str>)> = flows.iter().map(|f| (f.service.as_str(), f.administrative.clone())).collect();
    assert_eq!(told, [("tcp/22", vec!["SSH"]), ("tcp/443", vec![]), ("tcp/3389", vec!["RDP"]), ("udp/53", vec![])]);
}

/// A random network in which interfaces have twins: alike but for their addresses.
fn with_twins(dice: &mut Dice) -> Net {
    let mut net = random_net(dice);
    let twins: Vec<Interface> = net.interfaces.iter().filter(|i| !matches!(i.owner, Owner::NatGateway(_))).cloned().collect();
    for mut twin in twins {
        let name = format!("{}-twin", twin.id);
        twin.id = id(&name);
        if let Owner::Instance { id: of, .. } = &mut twin.owner {
            *of = id(format!("{of}-twin"));
        }
        for address in &mut twin.addresses {
            let number = address.private.first_number() + 50;
            let moved = |n: u128| std::net::Ipv4Addr::from_bits(n as u32).into();
            let six = || std::net::Ipv6Addr::from_bits(number).into();
            address.private = Cidr::host_of(if address.private.family() == Family::V4 { moved(number) } else { six() });
            if let Some(Public::Known(ip)) = address.public {
                address.public = Some(Public::Known(moved(Cidr::host_of(ip).first_number() + 100)));
            }
        }
        net.interfaces.push(twin);
    }
    net
}

/// What `ask` says of a pair, every address by itself.
fn asked(chart: &Chart<'_>, from: usize, to: usize, family: Family) -> Set {
    let (mine, theirs) = (&chart.interfaces[from].addresses, &chart.interfaces[to].addresses);
    let clients: Vec<Range> = mine.iter().filter(|a| a.family == family).map(|a| a.range).collect();
    let mut servers: Vec<Range> = theirs.iter().filter(|a| a.family == family).map(|a| a.range).collect();
    servers.extend(theirs.iter().filter(|_| family == Family::V4).filter_map(|a| a.public).map(Range::one));
    let traffic = conversations(&Service::All, Range::new(1024, 65535), family);
    let mut works = vec![];
    for server in servers {
        for client in &clients {
            let question = Question {
                from: Place::Interface(from),
                family,
                cubes: cubes(&[*client], &[server], &traffic),
                foreign: false,
                meant: vec![],
                via: None,
            };
            if let Verdict::Works(cubes) = ask(chart, &question, |p| *p == Place::Interface(to)).verdict {
                works.extend(cubes.iter().map(|c| flows(c, false, false)));
            }
        }
    }
    Set::of(&works)
}

#[test]
fn classes_say_of_every_pair_what_asking_says() {
    let (first, runs) = (seed() + 2_000_000, networks().div_ceil(100).max(20));
    let (mut pairs_seen, mut asked_once, mut linked, mut doubted, mut apart) = (0, 0, 0, 0, 0);
    for n in 0..runs {
        let net = with_twins(&mut Dice(first + n));
        let chart = Chart::new(&net);
        let (mut pairs, mut links) = (Pairs::new(&chart), Links::default());
        let mut far = BTreeMap::new();
        let carries = |i: usize| !matches!(net.interfaces[i].owner, Owner::NatGateway(_));
        for from in (0..net.interfaces.len()).filter(|i| carries(*i)) {
            let row = pairs.row(pairs.classes.of[from], &mut links);
            for to in (0..net.interfaces.len()).filter(|i| carries(*i) && *i != from) {
                let link = links.get(row[pairs.classes.of[to]]).expect("a link");
                let direct = between(&chart, from, to);
                let names = || format!("seed {}: {} to {}", first + n, net.interfaces[from].id, net.interfaces[to].id);
                assert_eq!(*link, direct, "{}", names());
                for (family, sure) in [Family::V4, Family::V6].into_iter().zip(&link.sure) {
                    assert_eq!(*sure, asked(&chart, from, to, family), "{} {family:?}", names());
                }
                let [a, b] = [from, to].map(|i| pairs.classes.of[i]);
                if !pairs.close(a).any(|near| near == b) {
                    let (alike, one) = ((pairs.plain(a), pairs.plain(b)), row[b]);
                    assert_eq!(*far.entry(alike).or_insert(one), one, "{}: one pair speaks for all that are not close", names());
                    apart += 1;
                }
                pairs_seen += 1;
                linked += usize::from(link.sure.iter().any(|s| !s.is_empty()));
                doubted += usize::from(link.possible != link.sure);
            }
        }
        asked_once += pairs.walks();
    }
    assert!(linked > 0 && doubted > 0 && asked_once < pairs_seen && apart > 100, "{apart}");
    tell(format!(
        "{runs} networks from seed {first}: {pairs_seen} pairs by {asked_once} walks, {linked} linked, {doubted} in doubt; 0 differ"
    ));
}

/// The same network after somebody's change: a group's rule gone, a route gone, or a machine in other groups.
fn changed(net: &Net, dice: &mut Dice) -> Net {
    let mut net = net.clone();
    for _ in 0..=dice.below(2) {
        let n = dice.below(64);
        let groups: Vec<_> = net.security_groups.iter().map(|g| g.id.clone()).collect();
        match dice.below(4) {
            0 => drop(net.security_groups.iter_mut().filter(|g| !g.ingress.is_empty()).nth(n % 3).map(|g| g.ingress.remove(0))),
            1 => drop(net.security_groups.iter_mut().filter(|g| !g.egress.is_empty()).nth(n % 3).map(|g| g.egress.pop())),
            2 => drop(net.route_tables.iter_mut().filter(|t| !t.routes.is_empty()).nth(n % 3).map(|t| t.routes.pop())),
            _ => {
                let count = net.interfaces.len().max(1);
                let group = groups.get(n % groups.len().max(1)).cloned();
                net.interfaces.get_mut(n % count).into_iter().for_each(|i| i.groups = group.iter().cloned().collect());
            }
        }
    }
    net
}

/// Between whom something else passes in two networks, by name and one pair of interfaces at a time: what a comparison must
/// tell, and what it may. That something is only less possible than it was, it need not.
fn one_by_one(before: &Chart<'_>, after: &Chart<'_>) -> [BTreeSet<(String, String)>; 2] {
    let (mut must, mut may) = (BTreeSet::new(), BTreeSet::new());
    let interfaces = before.net.interfaces.iter().enumerate();
    let own: Vec<usize> = interfaces.filter(|(_, i)| !matches!(i.owner, Owner::NatGateway(_))).map(|(i, _)| i).collect();
    for from in &own {
        for to in own.iter().filter(|to| *to != from) {
            let [was, is] = [before, after].map(|chart| between(chart, *from, *to));
            let [a, b] = [from, to].map(|i| before.name(Spot::Interface(*i)));
            if was == is || a == b {
                continue;
            }
            let newly = was.possible.iter().zip(&is.possible).any(|(was, is)| was.is_empty() && !is.is_empty());
            // What has several interfaces may reach by one of them what it reached by another.
            let one_each = [&a, &b].iter().all(|name| own.iter().filter(|i| before.name(Spot::Interface(**i)) == **name).count() == 1);
            if one_each && (was.sure != is.sure || newly) {
                must.insert((a.clone(), b.clone()));
            }
            may.insert((a, b));
        }
    }
    [must, may]
}

#[test]
fn a_change_is_told_of_every_pair_that_it_touches_and_of_no_other() {
    let (first, runs) = (seed() + 3_000_000, networks().div_ceil(40).max(60));
    let (mut seen, mut told_of) = (0, 0);
    for n in 0..runs {
        let mut dice = Dice(first + n);
        let before = with_twins(&mut dice);
        let after = changed(&before, &mut dice);
        let (old, new) = (Chart::new(&before), Chart::new(&after));
        let delta = delta(&old, &new);
        let flows = [delta.added, delta.removed, delta.unknown].concat();
        let told: BTreeSet<(String, String)> = flows
            .iter()
            .flat_map(|f| f.all_from.iter().flat_map(|a| f.all_to.iter().map(|b| (a.to_string(), b.to_string()))))
            .filter(|(a, b)| a != b)
            .collect();
        let [must, may] = one_by_one(&old, &new);
        assert!(
            must.is_subset(&told) && told.is_subset(&may),
            "seed {}: must be told: {:?}; may not be told: {:?}",
            first + n,
            must.difference(&told).collect::<Vec<_>>(),
            told.difference(&may).collect::<Vec<_>>()
        );
        seen += told.len();
        told_of += usize::from(!must.is_empty());
    }
    assert!(told_of > 3, "{told_of} of {runs} changes touched a pair");
    tell(format!("{runs} changes from seed {first}: {told_of} touched {seen} pairs; 0 differ"));
}
