//! The naive walker against the Linux kernel: random networks built from network namespaces and nftables, real packets.
//!
//! Needs no root where user namespaces are allowed; everything is in namespaces that end with the process, and no packet
//! leaves them. Skipped, loudly, on a machine that cannot; with `SECNET_KERNEL=required` that is a failure.

use std::{
    collections::BTreeMap,
    io::Write,
    net::IpAddr,
    path::Path,
    process::{Command, Stdio},
};

use secnet::{
    base::{cidr::Family, service::Service},
    net::*,
    prove::oracle::{End, Fate, Packet},
};

use crate::{
    kernel_build::{Built, INTERNET, build},
    prove::{choices, oracle},
    random::{Dice, PORTS, addresses, cidr, ip, random_net, seed, setting, tell},
};

/// Ports of clients and of servers: no port is in both, or one packet might look like the answer to another.
const PORTS_OF: [[u16; 5]; 2] = [[1023, 5000, 32768, 60999, 65535], [22, 53, 80, 443, 1024]];
/// How many packets are sent through one network.
const PROBES: usize = 700;

/// What of a random network the kernel can play: IPv4, gateways of the VPC itself, NAT gateways and peerings.
fn playable(dice: &mut Dice) -> Net {
    loop {
        let mut net = random_net(dice);
        let twins = net.vpcs.iter().enumerate().any(|(i, v)| net.vpcs[..i].iter().any(|w| w.cidrs[0] == v.cidrs[0]));
        let all_known = net.prefix_lists.iter().all(|l| l.entries.is_some());
        let groups = net.interfaces.iter().flat_map(|i| &i.groups).all(|g| net.security_groups.iter().any(|known| known.id == *g));
        if twins || !all_known || !groups {
            continue;
        }
        net.block_public_access.clear();
        net.route_tables.retain(|t| t.gateways.is_empty());
        for table in &mut net.route_tables {
            let known = |t: &Target| match t {
                Target::Local => true,
                Target::InternetGateway(id) => net.internet_gateways.iter().any(|g| g.id == *id),
                Target::NatGateway(id) => net.nat_gateways.iter().any(|g| g.id == *id),
                Target::Peering(id) => net.peerings.iter().any(|p| p.id == *id),
                _ => false,
            };
            table.routes.retain(|r| known(&r.target) && !r.propagated);
        }
        for interface in &mut net.interfaces {
            interface.addresses.retain(|a| a.private.family() == Family::V4);
            match &interface.owner {
                Owner::NatGateway(_) => interface.addresses.truncate(1),
                _ => interface.owner = Owner::Instance { id: interface.id.clone(), running: true },
            }
        }
        for peering in &mut net.peerings {
            let region = peering.sides[0].region.clone();
            peering.sides[1].region = region;
        }
        soften(dice, &mut net);
        return net;
    }
}

/// Opens half of what is closed, so that more than a few packets get through.
fn soften(dice: &mut Dice, net: &mut Net) {
    let all = || cidr("0.0.0.0/0");
    for acl in &mut net.network_acls {
        for entries in [&mut acl.inbound, &mut acl.outbound] {
            if dice.one_in(2) {
                let last = entries.len().saturating_sub(2);
                entries
                    .insert(last, Entry { number: 30_000, allow: true, service: Service::All, network: all(), origin: Origin::Observed });
            }
        }
    }
    for group in &mut net.security_groups {
        if dice.one_in(2) {
            group.ingress.push(Rule { service: Some(Service::All), peer: Peer::Network(all()), origin: Origin::Observed });
        }
    }
}

/// A packet to send: from where in the network, and in which namespace that is.
struct Probe {
    end: End,
    namespace: String,
    packet: Packet,
}

fn probes(dice: &mut Dice, net: &Net) -> Vec<Probe> {
    let mut targets = addresses(net, Family::V4);
    let elsewhere = |ip: &IpAddr| ip.is_ipv4() && ["169.254.169.254", "203.0.113.99"].iter().all(|no| ip.to_string() != *no);
    targets.retain(elsewhere);
    targets.extend(INTERNET.iter().map(ip));
    let machines: Vec<(usize, &Interface)> =
        net.interfaces.iter().enumerate().filter(|(_, i)| !matches!(i.owner, Owner::NatGateway(_))).collect();
    let mut seen = std::collections::BTreeSet::new();
    let mut found = vec![];
    for _ in 0..PROBES {
        let (end, namespace, source) = if dice.one_in(4) {
            (End::Internet, "i0".to_owned(), ip(dice.pick(&INTERNET)))
        } else {
            let (number, machine) = *dice.pick(&machines);
            let Some(address) = machine.addresses.get(dice.below(machine.addresses.len())) else { continue };
            (End::Interface(machine.id.clone()), format!("h{number}"), address.private.network())
        };
        let destination = *dice.pick(&targets);
        let own = machines
            .iter()
            .any(|(_, m)| End::Interface(m.id.clone()) == end && m.addresses.iter().any(|a| a.private.contains_ip(destination)));
        let there = INTERNET.iter().any(|i| ip(i) == destination) && end == End::Internet;
        let (protocol, first, second) = match dice.below(6) {
            0 => (1, 8, 0),
            1..=2 => (17, *dice.pick(&PORTS_OF[0]), *dice.pick(&PORTS_OF[1])),
            _ => (6, *dice.pick(&PORTS_OF[0]), *dice.pick(&PORTS_OF[1])),
        };
        if !own && !there && seen.insert((source, destination, protocol, first, second)) {
            found.push(Probe { end, namespace, packet: Packet { source, destination, protocol, first, second } });
        }
    }
    found
}

/// What the walker says: who gets it, and whether it is answered. `None` where that hangs on what a NAT gateway chooses,
/// or nobody can tell.
fn walker(net: &Net, probe: &Probe) -> Option<(Option<End>, bool)> {
    let mut said = vec![];
    for port in PORTS.iter().flat_map(|p| [p.saturating_sub(1), *p, p.saturating_add(1)]).filter(|p| *p >= 1024) {
        for by in choices(net) {
            let walker = oracle(net, [port, port], by);
            let (there, back) = (walker.deliver(&probe.end, probe.packet), walker.converse(&probe.end, probe.packet));
            let got = match there {
                Fate::Arrives(end) => Some(end),
                Fate::Dies(_) => None,
                Fate::Unknown(_) => return None,
            };
            said.push((got, matches!(back, Fate::Arrives(_))));
            if !walker.chose.get() {
                return said.pop();
            }
        }
    }
    let first = said.first().cloned();
    first.filter(|f| said.iter().all(|s| s == f))
}

/// What the kernel did with each probe: namespaces that got it, and whether it was answered.
fn kernel(built: &Built, probes: &[Probe]) -> Result<Vec<(Vec<String>, bool)>, String> {
    let place = tempfile::tempdir().map_err(|e| e.to_string())?;
    let write = |name: &str, text: &str| std::fs::write(place.path().join(name), text).map_err(|e| e.to_string());
    for (name, text) in &built.files {
        write(name, text)?;
    }
    let lines: Vec<String> = probes
        .iter()
        .enumerate()
        .map(|(n, p)| {
            let Packet { source, destination, protocol, first, second } = p.packet;
            format!("{} {} {protocol} {source} {destination} {first} {second}\n", n + 1, p.namespace)
        })
        .collect();
    write("probes", &lines.concat())?;
    let output = run(place.path(), &format!("{}python3 {} <probes\n", built.script, prober().display()))?;
    let mut found: BTreeMap<usize, (Vec<String>, bool)> = BTreeMap::new();
    for line in output.lines() {
        let [number, places, answered] = line.split(' ').collect::<Vec<_>>()[..] else { return Err(format!("the prober said: {line}")) };
        let places = places.split(',').filter(|p| *p != "-").map(str::to_owned).collect();
        found.insert(number.parse().map_err(|_| line.to_owned())?, (places, answered == "1"));
    }
    (1..=probes.len()).map(|n| found.remove(&n).ok_or(format!("nothing of probe {n}"))).collect()
}

fn prober() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/kernel_probe.py")
}

/// Runs a script in namespaces of its own.
fn run(place: &Path, script: &str) -> Result<String, String> {
    let mut child = Command::new("unshare")
        .args(["--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child", "bash", "-eu"])
        .current_dir(place)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| format!("unshare: {e}"))?;
    child.stdin.take().unwrap().write_all(script.as_bytes()).map_err(|e| e.to_string())?;
    let output = child.wait_with_output().map_err(|e| e.to_string())?;
    if !output.status.success() {
        return Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Why this machine cannot play networks, if it cannot.
fn unable() -> Option<String> {
    let script = "export PATH=$PATH:/usr/sbin:/sbin\nmount -t tmpfs none /run\nmkdir /run/netns\nip netns add x\nip netns exec x nft list ruleset\n\
                  python3 -c 'import ctypes'\n";
    run(&std::env::temp_dir(), script).err()
}

/// The same network with all ACLs open: what a walker would see that did not know them.
fn without_acls(net: &Net) -> Net {
    let mut net = net.clone();
    let open = Entry { number: 1, allow: true, service: Service::All, network: cidr("0.0.0.0/0"), origin: Origin::Observed };
    for acl in &mut net.network_acls {
        acl.inbound.insert(0, open.clone());
        acl.outbound.insert(0, open.clone());
    }
    net
}

#[test]
fn packets_fare_in_the_kernel_as_in_the_naive_walker() {
    let required = std::env::var("SECNET_KERNEL").is_ok_and(|v| v == "required");
    if let Some(why) = unable() {
        assert!(!required, "this machine cannot play networks in its kernel (unshare, ip, nft and python3 are needed): {why}");
        tell(format!("SKIPPED: the walker against the kernel, for this machine cannot (unshare, ip, nft, python3): {why}"));
        return;
    }
    let networks = setting("SECNET_KERNEL_NETWORKS", if required { 24 } else { 3 });
    let first = seed() + 5_000_000;
    let (mut sent, mut delivered, mut answered, mut open, mut blind) = (0, 0, 0, 0, 0);
    for n in first..first + networks {
        let mut dice = Dice(n);
        let net = playable(&mut dice);
        let probes = probes(&mut dice, &net);
        let results = kernel(&build(&net), &probes).unwrap_or_else(|why| panic!("seed {n}: {why}"));
        let (mut differ, without) = (vec![], without_acls(&net));
        for (probe, (places, back)) in probes.iter().zip(&results) {
            let Some((got, works)) = walker(&net, probe) else {
                open += 1;
                continue;
            };
            let place = got.as_ref().map(|end| match end {
                End::Interface(id) => format!("h{}", net.interfaces.iter().position(|i| i.id == *id).unwrap()),
                _ => "i0".to_owned(),
            });
            sent += 1;
            blind += usize::from(walker(&without, probe).is_none_or(|(_, w)| w != *back));
            delivered += usize::from(place.is_some());
            answered += usize::from(works);
            if place.iter().ne(places) || works != *back {
                differ.push(format!("{} {:?}: walker {got:?} {works}, kernel {places:?} {back}", probe.namespace, probe.packet));
            }
        }
        assert!(differ.is_empty(), "seed {n}: {} of {} differ:\n{}", differ.len(), probes.len(), differ.join("\n"));
    }
    assert!(
        delivered > 0 && answered > 0 && answered < sent,
        "{sent} packets, {delivered} delivered, {answered} answered: nothing is shown"
    );
    tell(format!(
        "{networks} networks from seed {first} in the Linux kernel: {sent} packets, {delivered} delivered, {answered} answered, \
         {open} more hang on what a NAT gateway chooses; 0 differ from the naive walker, {blind} from one that knew no ACLs"
    ));
}
