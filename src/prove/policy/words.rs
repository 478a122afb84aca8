//! What people are told of a statement: the packet, its way, the lines that let it pass or stop it. Layer 5.

use crate::{
    base::{cidr::Family, codes::prove as codes, diagnostic::Diagnostic, span::Span},
    net::{Origin, Peer},
    prove::{
        chart::Chart,
        packet::{Cube, Dim, Range, protocol, show_address},
        reason::Reason,
        walk::{Line, Place, Rewrite, Spot, Step},
    },
    schema::model::{Policy, Statement},
};

use super::{Case, Failure, Found};

fn ports(range: Range) -> String {
    if range.lo == range.hi { range.lo.to_string() } else { format!("{}-{}", range.lo, range.hi) }
}

/// The service of conversations: `tcp/22`.
pub(in crate::prove) fn service(cube: &Cube) -> String {
    let (number, first, second) = (cube.get(Dim::Protocol), cube.get(Dim::ClientPort), cube.get(Dim::ServerPort));
    let with_ports = |name: &str| if second == Range::PORTS { name.to_owned() } else { format!("{name}/{}", ports(second)) };
    let with_type = |name: &str| if first == Range::BYTE { name.to_owned() } else { format!("{name}/{}", ports(first)) };
    match number.lo {
        protocol::TCP => with_ports("tcp"),
        protocol::UDP => with_ports("udp"),
        protocol::ICMP => with_type("icmp"),
        protocol::ICMPV6 => with_type("icmpv6"),
        n if number.lo == number.hi => format!("protocol/{}", protocol::iana(n)),
        _ => "other protocols".into(),
    }
}

/// The services of many, each once.
fn services(cubes: &[Cube]) -> String {
    let mut all: Vec<String> = cubes.iter().map(service).collect();
    all.sort();
    all.dedup();
    let more = all.len().saturating_sub(4);
    all.truncate(4);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{more}", all.join(", "))
}

/// One packet: `tcp 203.0.113.1:1024 to 10.0.1.4:22`. An address that AWS has yet to choose goes by its owner's name.
pub(in crate::prove) fn packet(chart: &Chart<'_>, failure: &Failure, cube: &Cube) -> String {
    let family = failure.family;
    let end = |place: Place, dim: Dim, port: Option<Dim>| {
        let n = cube.get(dim).lo;
        let port = port.map(|p| format!(":{}", cube.get(p).lo)).unwrap_or_default();
        match open_address(chart, place, family, n) {
            Some(name) => format!("{name}{port}"),
            None if family == Family::V6 && !port.is_empty() => format!("[{}]{port}", show_address(family, n)),
            None => format!("{}{port}", show_address(family, n)),
        }
    };
    let ends = |ports: bool| {
        let client = end(failure.source, Dim::Client, ports.then_some(Dim::ClientPort));
        format!("{client} to {}", end(failure.goal, Dim::Server, ports.then_some(Dim::ServerPort)))
    };
    match cube.get(Dim::Protocol).lo {
        protocol::TCP => format!("tcp {}", ends(true)),
        protocol::UDP => format!("udp {}", ends(true)),
        protocol::ICMP | protocol::ICMPV6 => {
            format!("icmp type {} code {} from {}", cube.get(Dim::ClientPort).lo, cube.get(Dim::ServerPort).lo, ends(false))
        }
        n => format!("protocol {} from {}", protocol::iana(n), ends(false)),
    }
}

/// The name to use for an address that AWS has yet to choose.
fn open_address(chart: &Chart<'_>, place: Place, family: Family, n: u128) -> Option<String> {
    let Place::Interface(i) = place else { return None };
    let name = chart.name(Spot::Interface(i));
    let addresses = chart.interfaces.get(i).map_or(&[][..], |i| i.addresses.as_slice());
    if addresses.iter().any(|a| a.public == Some(n) && is_chosen(n)) {
        return Some(format!("{name}'s public address"));
    }
    addresses.iter().any(|a| a.family == family && a.range.has(n) && a.range.lo != a.range.hi).then_some(name)
}

/// Whether an IPv4 address stands for one that AWS will choose: none of that range is in use anywhere (RFC 1112, class E).
fn is_chosen(n: u128) -> bool {
    n >> 28 == 0xf
}

/// Where a line stands.
pub(in crate::prove) fn origin(chart: &Chart<'_>, line: Line) -> Option<Origin> {
    let net = chart.net;
    match line {
        Line::Ingress(g, r) => net.security_groups.get(g).and_then(|g| g.ingress.get(r)).map(|r| r.origin),
        Line::Egress(g, r) => net.security_groups.get(g).and_then(|g| g.egress.get(r)).map(|r| r.origin),
        Line::In(a, e) => net.network_acls.get(a).and_then(|a| a.inbound.get(e)).map(|e| e.origin),
        Line::Out(a, e) => net.network_acls.get(a).and_then(|a| a.outbound.get(e)).map(|e| e.origin),
        Line::Route(t, r) => net.route_tables.get(t).and_then(|t| t.routes.get(r)).map(|r| r.origin),
        Line::TransitRoute(t, r) => net.transit_tables.get(t).and_then(|t| t.routes.get(r)).map(|r| r.origin),
    }
}

/// What a line says.
pub(in crate::prove) fn line_words(chart: &Chart<'_>, line: Line) -> String {
    let net = chart.net;
    let peer = |peer: &Peer| match peer {
        Peer::Network(cidr) => cidr.to_string(),
        Peer::Group(id) | Peer::Stale(id) | Peer::PrefixList(id) => id.to_string(),
    };
    let rule = |word: &str, join: &str, rule: Option<&crate::net::Rule>| {
        rule.map_or(String::new(), |r| {
            format!("{word} {} {join} {}", r.service.as_ref().map_or_else(|| "nothing".into(), ToString::to_string), peer(&r.peer))
        })
    };
    let entry = |word: &str, join: &str, entry: Option<&crate::net::Entry>| {
        entry.map_or(String::new(), |e| {
            format!("{word} {} {} {} {join} {}", e.number, if e.allow { "allow" } else { "deny" }, e.service, e.network)
        })
    };
    match line {
        Line::Ingress(g, r) => rule("ingress", "from", net.security_groups.get(g).and_then(|g| g.ingress.get(r))),
        Line::Egress(g, r) => rule("egress", "to", net.security_groups.get(g).and_then(|g| g.egress.get(r))),
        Line::In(a, e) => entry("in", "from", net.network_acls.get(a).and_then(|a| a.inbound.get(e))),
        Line::Out(a, e) => entry("out", "to", net.network_acls.get(a).and_then(|a| a.outbound.get(e))),
        Line::Route(t, r) => {
            let route = net.route_tables.get(t).and_then(|t| t.routes.get(r));
            route.map_or(String::new(), |r| format!("route via {}", r.target.name()))
        }
        Line::TransitRoute(..) => "route of a transit gateway".into(),
    }
}

/// The way of a packet, a line each.
pub(in crate::prove) fn hops(chart: &Chart<'_>, steps: &[Step]) -> Vec<String> {
    let mut found: Vec<String> = vec![];
    let mut answering = false;
    for step in steps {
        if step.answer && !answering {
            answering = true;
            found.push("and back:".into());
        }
        let mut text = chart.name(step.spot);
        if let Some(line) = step.line {
            text.push_str(&format!(": {}", line_words(chart, line)));
        }
        match step.rewrite {
            Some(Rewrite::Source(range)) => text.push_str(&format!(" (source becomes {})", address(range))),
            Some(Rewrite::Destination(range)) => text.push_str(&format!(" (destination becomes {})", address(range))),
            None => {}
        }
        if let Some(reason) = &step.stop {
            let code = reason.aws_code().map_or(String::new(), |c| format!(" [{c}]"));
            text.push_str(&format!(": {}{code}", reason.words()));
        }
        if found.last() != Some(&text) {
            found.push(text);
        }
    }
    found
}

/// An address that a gateway writes; those that AWS will choose have no number yet.
fn address(range: Range) -> String {
    let shown = |n: u128| if is_chosen(n) { "a public address".to_owned() } else { show_address(Family::V4, n) };
    if range.lo == range.hi { shown(range.lo) } else { format!("one of {}-{}", shown(range.lo), shown(range.hi)) }
}

/// The spans of the lines on a way, each once, in the order in which a packet meets them.
fn lines(chart: &Chart<'_>, steps: &[Step]) -> Vec<(Span, Line)> {
    let mut found: Vec<(Span, Line)> = vec![];
    for line in steps.iter().filter_map(|s| s.line) {
        if let Some(span) = origin(chart, line).and_then(Origin::span)
            && !found.iter().any(|(s, _)| *s == span)
        {
            found.push((span, line));
        }
    }
    found
}

/// Where a thing stands in the sources.
fn place(chart: &Chart<'_>, spot: Spot) -> Option<Span> {
    let net = chart.net;
    let origin = match spot {
        Spot::Interface(i) => net.interfaces.get(i).map(|x| x.origin),
        Spot::Subnet(i) => net.subnets.get(i).map(|x| x.origin),
        Spot::Vpc(i) => net.vpcs.get(i).map(|x| x.origin),
        Spot::Table(i) => net.route_tables.get(i).map(|x| x.origin),
        Spot::Acl(i) => net.network_acls.get(i).map(|x| x.origin),
        Spot::Group(i) => net.security_groups.get(i).map(|x| x.origin),
        Spot::InternetGateway(i) => net.internet_gateways.get(i).map(|x| x.origin),
        Spot::NatGateway(i) => net.nat_gateways.get(i).map(|x| x.origin),
        _ => None,
    };
    origin.and_then(Origin::span)
}

/// What is wrong with a statement.
pub(super) fn complain(case: &Case<'_, '_>, policy: &Policy, found: &Found) -> Diagnostic {
    match found {
        Found::Holds | Found::Unknown { .. } => {
            let reason = if let Found::Unknown { reason, .. } = found { reason.as_str() } else { "" };
            codes::not_known(&policy.name, reason, case.statement.span)
        }
        Found::Fails(failure) if case.statement.require => refuted_require(case, policy, failure),
        Found::Fails(failure) => refuted_forbid(case, policy, failure),
    }
}

fn refuted_forbid(case: &Case<'_, '_>, policy: &Policy, failure: &Failure) -> Diagnostic {
    let which = services(&failure.cubes);
    let mut diagnostic = codes::forbidden(&policy.name, &failure.from, &failure.to, &which, case.statement.span);
    for (span, line) in lines(case.chart, &failure.steps) {
        let text = match line {
            Line::Route(..) | Line::TransitRoute(..) => "leads it there",
            _ => "lets it pass",
        };
        diagnostic = diagnostic.at(span, text);
    }
    let packet = failure.witness.map_or(String::new(), |w| packet(case.chart, failure, &w));
    let way = case.chart.path(&failure.steps).join(", ");
    diagnostic.help(format!("take away or narrow one of the lines that let it pass; for example this gets through: {packet}, by {way}"))
}

fn refuted_require(case: &Case<'_, '_>, policy: &Policy, failure: &Failure) -> Diagnostic {
    let which = services(&failure.cubes);
    let mut diagnostic = codes::required(&policy.name, &failure.from, &failure.to, &which, case.statement.span);
    let mut help = vec![];
    for step in failure.steps.iter().filter(|s| s.stop.is_some()) {
        let Some(reason) = &step.stop else { continue };
        let answer = if step.answer { ", on the way back" } else { "" };
        let span = step.line.and_then(|l| origin(case.chart, l)).and_then(Origin::span).or_else(|| place(case.chart, step.spot));
        diagnostic = diagnostic.at(span, format!("{}{answer}", reason.words()));
        help.extend(mend(case.chart, step, reason, failure));
        if span.is_none() {
            help.push(format!("`{}` {}{answer}", case.chart.name(step.spot), reason.words()));
        }
    }
    if let Some(part) = partly(failure) {
        help.push(part);
    }
    help.dedup();
    if help.is_empty() { diagnostic } else { diagnostic.help(help.join("; ")) }
}

/// The smallest edit that mends what stops a packet.
pub(in crate::prove) fn mend(chart: &Chart<'_>, step: &Step, reason: &Reason, failure: &Failure) -> Option<String> {
    let witness = failure.witness?;
    let name = chart.name(step.spot);
    let what = service(&witness);
    let outside = ["the internet", "what lies"].iter().any(|w| failure.from.starts_with(w));
    let peer = |place: Place, named: &str, dim: Dim| match place {
        Place::Interface(i) => {
            let group = chart.interfaces.get(i).and_then(|i| i.groups.first()).map(|g| chart.name(Spot::Group(*g)));
            group.unwrap_or_else(|| named.trim_matches('`').to_owned())
        }
        _ if outside || named == "the internet" => "anywhere".to_owned(),
        _ if named.contains('/') => named.trim_matches('`').to_owned(),
        _ => show_address(failure.family, witness.get(dim).lo),
    };
    Some(match (reason, step.spot) {
        (Reason::NoRule | Reason::NoRules, Spot::Group(_)) => {
            // The sender's groups are asked before the packet has met a subnet or gateway, the receiver's after.
            let at = failure.steps.iter().position(|s| s == step).unwrap_or(0);
            let arriving = failure.steps.iter().take(at).any(|s| matches!(s.spot, Spot::Subnet(_) | Spot::InternetGateway(_)));
            if arriving {
                format!("add `ingress {what} from {}` to `{name}`", peer(failure.source, &failure.from, Dim::Client))
            } else {
                format!("add `egress {what} to {}` to `{name}`", peer(failure.goal, &failure.to, Dim::Server))
            }
        }
        (Reason::AclDenies, _) if step.answer => {
            let port = witness.get(Dim::ClientPort).lo;
            format!("let `{name}` pass the answers, {} to the client's port {port}", what.split('/').next().unwrap_or("tcp"))
        }
        (Reason::AclDenies, _) => format!("let `{name}` pass {what}"),
        (Reason::NoRoute, _) => format!("add a route for the destination to `{name}`"),
        (Reason::NoPublicAddress | Reason::PrivateDestination, _) => "give it a public address".into(),
        _ => return None,
    })
}

/// The part of a `require` that works, if some client ports do.
fn partly(failure: &Failure) -> Option<String> {
    let mut ranges: Vec<Range> = failure.works.iter().map(|c| c.get(Dim::ClientPort)).collect();
    if ranges.iter().any(|r| r.holds(failure.ports)) {
        return None;
    }
    ranges.sort_unstable();
    ranges.dedup();
    let shown: Vec<String> = ranges.iter().take(4).map(|r| ports(*r)).collect();
    (!shown.is_empty()).then(|| format!("it works for client ports {} only", shown.join(", ")))
}

pub(super) fn vacuous(policy: &Policy, statement: &Statement) -> Diagnostic {
    codes::nothing_to_judge(&policy.name, statement.span)
}

pub(super) fn useless(policy: &Policy, statement: &Statement) -> Diagnostic {
    codes::useless_exception(&policy.name, statement.span)
}
