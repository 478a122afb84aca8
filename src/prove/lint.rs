//! What is no mistake by the rules and most likely one by intent: lines that do nothing, doors left open. Layer 5.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::{
        cidr::{Cidr, Family},
        codes::prove as codes,
        diagnostic::Diagnostic,
        span::Span,
    },
    net::{Destination, Entry, Id, Origin, Owner, Peer, Public, Rule, Target},
    prove::{
        chart::{Chart, Choice, PeerAt, RuleAt, entry_headers},
        packet::{Cuboid, Header, Range, protocol, traffic, without_boxes},
        policy::{self, Needs, side::FAMILIES},
        reach::danger::ADMINISTRATIVE,
        walk::{Line, Place, Spot, Walk},
    },
    schema::model::Model,
};

/// How many boxes a difference may take.
const BOXES_MAX: usize = 20_000;
/// Ports that clients have.
const CLIENTS: Range = Range { lo: 1024, hi: 65535 };

/// A line of the configuration with the name of what it belongs to; one line of the sources may stand for several.
struct Found {
    lines: Vec<Line>,
    owner: String,
    span: Option<Span>,
}

/// Everything worth a warning, each line once.
#[must_use]
pub fn lints(chart: &Chart<'_>, model: &Model) -> Vec<Diagnostic> {
    lints_after(chart, model, &Needs::default())
}

/// The same after judging on the same chart, with what was learned then.
#[must_use]
pub fn lints_after(chart: &Chart<'_>, model: &Model, learned: &Needs) -> Vec<Diagnostic> {
    let mut found = vec![];
    dead_entries(chart, &mut found);
    dead_routes(chart, &mut found);
    let rules = rules(chart);
    covered_rules(chart, &rules, &mut found);
    idle_groups(chart, &mut found);
    answers_denied(chart, &rules, &mut found);
    one_way_addresses(chart, &mut found);
    open_private_subnets(chart, &mut found);
    unneeded_rules(chart, (model, learned), &rules, &mut found);
    open_administration(chart, &rules, &mut found);
    default_groups(chart, &mut found);
    found
}

/// Lines that people wrote or made, those that stand for one line of the sources together.
fn together(chart: &Chart<'_>, lines: impl Iterator<Item = Line>) -> Vec<Found> {
    let mut found: Vec<Found> = vec![];
    let mut places: BTreeMap<Span, usize> = BTreeMap::new();
    for line in lines {
        let span = match policy::words::origin(chart, line) {
            None | Some(Origin::Aws) => continue,
            Some(Origin::Source(span)) => Some(span),
            Some(Origin::Observed) => None,
        };
        match span.and_then(|s| found.get_mut(*places.get(&s)?)) {
            Some(same) => same.lines.push(line),
            None => {
                places.extend(span.map(|s| (s, found.len())));
                found.push(Found { lines: vec![line], owner: chart.name(line.owner()), span });
            }
        }
    }
    found
}

fn words(chart: &Chart<'_>, found: &Found) -> String {
    found.lines.first().map_or_else(String::new, |l| policy::words::line_words(chart, *l))
}

fn dead_entries(chart: &Chart<'_>, found: &mut Vec<Diagnostic>) {
    for (a, acl) in chart.net.network_acls.iter().enumerate() {
        for inbound in [true, false] {
            let entries: &[Entry] = if inbound { &acl.inbound } else { &acl.outbound };
            let line = |e: usize| if inbound { Line::In(a, e) } else { Line::Out(a, e) };
            let dead = |line: &Line| {
                let (Line::In(_, e) | Line::Out(_, e)) = *line else { return false };
                let (Some(entry), Some(before)) = (entries.get(e), entries.get(..e)) else { return false };
                let family = entry.network.family();
                let earlier: Vec<Header> = before.iter().flat_map(|b| entry_headers(b, family, inbound)).collect();
                without_boxes(entry_headers(entry, family, inbound), &earlier, BOXES_MAX).is_some_and(|left| left.is_empty())
            };
            // The last entry, which denies the rest, is everybody's.
            let own = (0..entries.len()).filter(|e| entries.get(*e).is_some_and(|e| e.number < 32767)).map(line);
            for one in together(chart, own).iter().filter(|f| f.lines.iter().all(dead)) {
                found.push(codes::dead_entry(&one.owner, &words(chart, one), one.span));
            }
        }
    }
}

fn dead_routes(chart: &Chart<'_>, found: &mut Vec<Diagnostic>) {
    for (t, table) in chart.net.route_tables.iter().enumerate() {
        let Some(at) = chart.tables.get(t) else { continue };
        let overlapping = FAMILIES.iter().any(|f| at.ranges.of(*f).iter().any(|(_, c)| matches!(c, Choice::Unclear(_))));
        let chosen = |n: usize| FAMILIES.iter().any(|f| at.ranges.of(*f).iter().any(|(_, c)| *c == Choice::Route(n)));
        let dead = |line: &Line| {
            let Line::Route(_, n) = *line else { return false };
            let Some(route) = table.routes.get(n).filter(|_| !at.unknown.contains(&n) && !chosen(n)) else { return false };
            let listed = matches!(route.destination, Destination::PrefixList(_));
            !(route.propagated || route.target == Target::Local || (listed && overlapping))
        };
        let own = (0..table.routes.len()).map(|n| Line::Route(t, n));
        for one in together(chart, own).iter().filter(|f| f.lines.iter().all(dead)) {
            found.push(codes::dead_route(&one.owner, &words(chart, one), one.span));
        }
    }
}

/// The rules of all groups, those that stand for one line of the sources together.
fn rules(chart: &Chart<'_>) -> Vec<Found> {
    let groups = chart.net.security_groups.iter().enumerate().filter(|(_, g)| !g.default);
    let lines = groups.flat_map(|(g, group)| {
        let ingress = (0..group.ingress.len()).map(move |r| Line::Ingress(g, r));
        ingress.chain((0..group.egress.len()).map(move |r| Line::Egress(g, r)))
    });
    together(chart, lines)
}

fn rule<'n>(chart: &Chart<'n>, line: Line) -> Option<&'n Rule> {
    match line {
        Line::Ingress(g, r) => chart.net.security_groups.get(g)?.ingress.get(r),
        Line::Egress(g, r) => chart.net.security_groups.get(g)?.egress.get(r),
        _ => None,
    }
}

/// What a rule compiles to, in both families; a group's rules stand in the order of their numbers.
fn compiled<'c>(chart: &'c Chart<'_>, line: Line) -> Vec<&'c RuleAt> {
    let (group, number, inbound) = match line {
        Line::Ingress(g, r) => (g, r, true),
        Line::Egress(g, r) => (g, r, false),
        _ => return vec![],
    };
    let Some(at) = chart.groups.get(group) else { return vec![] };
    let side = if inbound { &at.ingress } else { &at.egress };
    let own = |family: &Family| {
        let all = side.of(*family);
        let first = all.partition_point(|r| r.rule < number);
        all.get(first..).unwrap_or(&[]).iter().take_while(|r| r.rule == number)
    };
    FAMILIES.iter().flat_map(own).collect()
}

/// A rule among those of its group: its number, and what it compiles to.
type Sibling<'f> = (usize, &'f Found, &'f [&'f RuleAt]);

fn covered_rules(chart: &Chart<'_>, all: &[Found], found: &mut Vec<Diagnostic>) {
    let same = |a: &PeerAt, b: &PeerAt| match (a, b) {
        (PeerAt::Addresses, PeerAt::Addresses) => true,
        (PeerAt::Group(a), PeerAt::Group(b)) => a == b,
        (PeerAt::Absent(a), PeerAt::Absent(b)) => a == b,
        _ => false,
    };
    let parts: Vec<Vec<&RuleAt>> = all.iter().map(|f| f.lines.iter().flat_map(|l| compiled(chart, *l)).collect()).collect();
    let mut of_owner: BTreeMap<&str, Vec<Sibling<'_>>> = BTreeMap::new();
    for (i, (one, parts)) in all.iter().zip(&parts).enumerate() {
        of_owner.entry(&one.owner).or_default().push((i, one, parts));
    }
    for (i, (one, parts)) in all.iter().zip(&parts).enumerate() {
        let Some(first) = one.lines.first() else { continue };
        let covers = |(j, other, theirs): &&Sibling<'_>| {
            if *j == i {
                return false;
            }
            let direction = other.lines.first().is_some_and(|l| std::mem::discriminant(l) == std::mem::discriminant(first));
            let whole =
                !parts.is_empty() && parts.iter().all(|p| theirs.iter().any(|t| same(&t.peer, &p.peer) && t.header.holds(&p.header)));
            // Of two that are alike, the later one is too much.
            let alike = || theirs.iter().all(|t| parts.iter().any(|p| same(&t.peer, &p.peer) && p.header.holds(&t.header)));
            direction && whole && (*j < i || !alike())
        };
        if let Some((_, other, _)) = of_owner.get(&*one.owner).and_then(|siblings| siblings.iter().find(covers)) {
            found.push(codes::covered_rule(&one.owner, &words(chart, one), one.span, &words(chart, other), other.span));
        }
    }
}

fn idle_groups(chart: &Chart<'_>, found: &mut Vec<Diagnostic>) {
    if chart.interfaces.is_empty() {
        return;
    }
    let carried: BTreeSet<usize> = chart.interfaces.iter().flat_map(|i| &i.groups).copied().collect();
    for (g, group) in chart.net.security_groups.iter().enumerate() {
        if let (Origin::Source(span), false, false) = (group.origin, carried.contains(&g), group.default) {
            found.push(codes::idle_group(group.id.as_str(), span));
        }
    }
}

/// Rules whose packets may come and go, but whose answers an ACL stops everywhere.
fn answers_denied(chart: &Chart<'_>, rules: &[Found], found: &mut Vec<Diagnostic>) {
    // By group: the subnets of those that carry it.
    let mut homes: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for interface in &chart.interfaces {
        for group in &interface.groups {
            homes.entry(*group).or_default().push(interface.subnet);
        }
    }
    for subnets in homes.values_mut() {
        // The ACL that is told is that of the last one's.
        let last = subnets.last().copied();
        subnets.sort_unstable();
        subnets.dedup();
        subnets.extend(last);
    }
    for one in rules {
        let mut acl = None;
        let killed = |line: &Line| {
            let Some(rule) = rule(chart, *line) else { return false };
            let (Line::Ingress(group, _) | Line::Egress(group, _)) = *line else { return false };
            let (Some(service), Peer::Network(peer)) = (&rule.service, &rule.peer) else { return false };
            let inbound = matches!(line, Line::Ingress(..));
            let homes = homes.get(&group).map_or(&[][..], Vec::as_slice);
            !homes.is_empty()
                && homes.iter().all(|s| match stopped_answers(chart, *s, inbound, &traffic(service), *peer) {
                    Some(by) => {
                        acl = Some(by);
                        true
                    }
                    None => false,
                })
        };
        if one.lines.iter().all(killed)
            && let Some(acl) = acl
        {
            found.push(codes::answers_denied(&one.owner, &words(chart, one), one.span, &chart.name(Spot::Acl(acl))));
        }
    }
}

/// The ACL of a subnet, if it lets none of a rule's answers pass.
fn stopped_answers(chart: &Chart<'_>, subnet: usize, inbound: bool, services: &[[Range; 3]], peer: Cidr) -> Option<usize> {
    let at = chart.subnets.get(subnet)?;
    let (family, peer) = (peer.family(), Range::of(peer));
    // Within the subnet no ACL is asked; what no port tells from its answer is not judged here.
    if at.ranges.of(family).is_empty() || at.ranges.of(family).iter().any(|r| r.holds(peer)) {
        return None;
    }
    let number = at.acl?;
    let acl = chart.acls.get(number)?;
    let boxes = if inbound { acl.outbound.of(family) } else { acl.inbound.of(family) };
    let ends = if inbound { [Range::all(family), peer] } else { [peer, Range::all(family)] };
    let with_ports = services.iter().all(|[p, ..]| p.hi <= protocol::UDP);
    let passes = services.iter().any(|[p, _, ports]| {
        let answer: Header = Cuboid([ends[0], ends[1], *p, *ports, CLIENTS]);
        boxes.iter().any(|(header, _)| header.meet(&answer).is_some())
    });
    (with_ports && !passes).then_some(number)
}

fn one_way_addresses(chart: &Chart<'_>, found: &mut Vec<Diagnostic>) {
    for (i, interface) in chart.net.interfaces.iter().enumerate() {
        let public = interface.addresses.iter().any(|a| matches!(a.public, Some(Public::Known(_) | Public::Chosen)));
        let machine = matches!(interface.owner, Owner::Instance { .. } | Owner::Other(_));
        let Some(at) = chart.interfaces.get(i).filter(|_| public && machine) else { continue };
        let known = chart.subnets.get(at.subnet).is_some_and(|s| s.table.is_some());
        if known && !policy::side::leads_to_internet(chart, at.subnet) {
            let subnet = chart.name(Spot::Subnet(at.subnet));
            found.push(codes::one_way_address(&chart.name(Spot::Interface(i)), &subnet, interface.origin.span()));
        }
    }
}

/// Subnets that are called private and that the internet gets into.
fn open_private_subnets(chart: &Chart<'_>, found: &mut Vec<Diagnostic>) {
    for (s, subnet) in chart.net.subnets.iter().enumerate() {
        let name = subnet.id.as_str().to_ascii_lowercase();
        let private = ["private", "internal", "isolated"].iter().any(|w| name.contains(w));
        let gateway = chart.vpcs.get(chart.vpc_of(s)).and_then(|v| v.gateway);
        let Some(gateway) = gateway.filter(|_| private && policy::side::leads_to_internet(chart, s)) else { continue };
        let ranges = chart.subnets.get(s).map_or_else(Vec::new, |s| s.ranges.of(Family::V4).clone());
        let all = crate::prove::packet::conversations(&crate::base::service::Service::All, Range::PORTS, Family::V4);
        let mut walk = Walk { anybody: vec![s], ..Walk::new(chart) };
        let public = policy::side::internet(Family::V4);
        walk.send(Place::Behind(Spot::InternetGateway(gateway)), Family::V4, crate::prove::ask::cubes(&public, &ranges, &all));
        if walk.arrivals.iter().any(|a| a.place == Place::Anybody(s)) {
            let table = chart.subnets.get(s).and_then(|s| s.table).map_or_else(String::new, |t| chart.name(Spot::Table(t)));
            found.push(codes::open_private_subnet(subnet.id.as_str(), &table, subnet.origin.span()));
        }
    }
}

/// Rules that nothing that a policy requires goes through.
fn unneeded_rules(chart: &Chart<'_>, (model, learned): (&Model, &Needs), rules: &[Found], found: &mut Vec<Diagnostic>) {
    if !model.policies.iter().flat_map(|p| &p.statements).any(|s| s.require) {
        return;
    }
    let Some(needed) = policy::needed_lines(chart, model, learned) else { return };
    for one in rules.iter().filter(|f| f.span.is_some() && !f.lines.iter().any(|l| needed.contains(l))) {
        found.push(codes::unneeded_rule(&one.owner, &words(chart, one), one.span));
    }
}

fn open_administration(chart: &Chart<'_>, rules: &[Found], found: &mut Vec<Diagnostic>) {
    for one in rules {
        let mut names: Vec<&str> = vec![];
        for rule in one.lines.iter().filter(|l| matches!(l, Line::Ingress(..))).filter_map(|l| rule(chart, *l)) {
            let everywhere = matches!(&rule.peer, Peer::Network(cidr) if cidr.prefix() == 0);
            let boxes = rule.service.as_ref().filter(|_| everywhere).map_or_else(Vec::new, traffic);
            for (port, name) in ADMINISTRATIVE {
                let has = boxes.iter().any(|[p, _, ports]| p.has(protocol::TCP) && ports.has(port.into()));
                if has && !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        if !names.is_empty() {
            found.push(codes::open_administration(&one.owner, &words(chart, one), &names, one.span));
        }
    }
}

fn default_groups(chart: &Chart<'_>, found: &mut Vec<Diagnostic>) {
    let default = |id: &Id| chart.group(id).and_then(|g| chart.net.security_groups.get(g)).is_some_and(|g| g.default);
    for (i, interface) in chart.net.interfaces.iter().enumerate() {
        let machine = matches!(interface.owner, Owner::Instance { .. });
        if let Some(group) = interface.groups.iter().find(|g| machine && default(g)) {
            found.push(codes::in_default_group(&chart.name(Spot::Interface(i)), group.as_str(), interface.origin.span()));
        }
    }
}
