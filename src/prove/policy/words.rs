//! What people are told of a statement: the packet, its way, the lines that let it pass or stop it. Layer 5.

use crate::{
    base::{
        cidr::Family,
        codes::prove as codes,
        diagnostic::{Diagnostic, Severity},
        span::Span,
    },
    net::{Destination, Origin, Peer},
    prove::{
        chart::Chart,
        packet::{Cube, Dim, Range, protocol, show_address},
        reach::set,
        walk::{Line, Place, Rewrite, Spot, Step},
    },
    schema::model::{Policy, Statement},
};

use super::{Case, Failure, Found, Judged, Offence};

fn ports(range: Range) -> String {
    if range.lo == range.hi { range.lo.to_string() } else { format!("{}-{}", range.lo, range.hi) }
}

/// The services of many, each once.
fn services(family: Family, cubes: &[Cube]) -> String {
    let mut all = all_services(family, cubes);
    let more = all.len().saturating_sub(4);
    all.truncate(4);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{more}", all.join(", "))
}

/// The services of conversations, whatever the client's ports.
fn all_services(family: Family, cubes: &[Cube]) -> Vec<String> {
    let any_port = |c: &Cube| if c.get(Dim::Protocol).hi <= protocol::UDP { c.put(Dim::ClientPort, Range::PORTS) } else { *c };
    let flows: Vec<_> = cubes.iter().map(|c| set::flows(&any_port(c), false, false)).collect();
    let mut all: Vec<String> = set::Set::of(&flows).services(family).into_iter().map(|s| s.name).collect();
    all.dedup();
    all
}

/// What goes against a statement between two ends.
pub(super) fn offence(failure: &Failure) -> Offence {
    let quoted = |name: &str| name.strip_prefix('`').and_then(|n| n.strip_suffix('`')).filter(|n| !n.contains('`')).map(str::to_owned);
    let plain = |name: &str| quoted(name).unwrap_or_else(|| name.to_owned());
    Offence { from: plain(&failure.from), to: plain(&failure.to), services: all_services(failure.family, &failure.cubes) }
}

/// Says how much more there is than what is told.
pub(super) fn whole_set(judged: &mut Judged) {
    let others = judged.flows.len().saturating_sub(1);
    let Some(error) = judged.diagnostics.iter_mut().find(|d| d.severity == Severity::Error).filter(|_| others > 0) else { return };
    let shown: Vec<String> =
        judged.flows.iter().skip(1).take(3).map(|f| format!("{} to {} with {}", f.from, f.to, f.services.join(", "))).collect();
    let more = if others > shown.len() { format!(", and {} more", others - shown.len()) } else { String::new() };
    let help = error.help.take().unwrap_or_default();
    error.help = Some(format!("{help}; the same goes for {}{more}", shown.join("; ")));
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
pub(super) fn is_chosen(n: u128) -> bool {
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
            route.map_or(String::new(), |r| format!("route {} via {}", destination(&r.destination), r.target.name()))
        }
        Line::TransitRoute(t, r) => {
            let route = net.transit_tables.get(t).and_then(|t| t.routes.get(r));
            route.map_or(String::new(), |r| {
                let to = r.attachment.as_ref().map_or_else(|| "nowhere".to_owned(), ToString::to_string);
                format!("route {} via {to}", destination(&r.destination))
            })
        }
    }
}

fn destination(destination: &Destination) -> String {
    match destination {
        Destination::Network(cidr) => cidr.to_string(),
        Destination::PrefixList(id) => id.to_string(),
    }
}

/// The way of a packet, a line each, with where that stands in the sources.
pub(in crate::prove) fn way(chart: &Chart<'_>, steps: &[Step]) -> Vec<(String, Option<Span>)> {
    let mut found: Vec<(String, Option<Span>)> = vec![];
    let mut answering = false;
    for (i, step) in steps.iter().enumerate() {
        if step.answer && !answering {
            answering = true;
            found.push(("and back:".into(), None));
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
            if let (crate::prove::reason::Reason::NoRule, Spot::Group(group)) = (reason, step.spot) {
                let inbound = steps.iter().take(i).any(|s| matches!(s.spot, Spot::Subnet(_) | Spot::InternetGateway(_)));
                text.push_str(&format!("; {}", admitted(chart, group, inbound)));
            }
        }
        if found.last().is_none_or(|(last, _)| *last != text) {
            let line = step.line.and_then(|l| origin(chart, l)).and_then(Origin::span);
            found.push((text, line.or_else(|| place(chart, step.spot))));
        }
    }
    found
}

/// The lines that a flow goes by which a `forbid` should have stopped, filters before routes.
pub(super) fn letting(chart: &Chart<'_>, failure: &Failure) -> Vec<Span> {
    let forth = failure.steps.iter().filter(|s| !s.answer).filter_map(|s| s.line);
    let mut found = lines(chart, forth.chain(failure.lines.iter().copied()));
    found.sort_by_key(|(_, line)| matches!(line, Line::Route(..) | Line::TransitRoute(..)));
    found.into_iter().map(|(span, _)| span).collect()
}

/// What a group lets in or out: `it lets in: all from security_group.default`.
fn admitted(chart: &Chart<'_>, group: usize, inbound: bool) -> String {
    const SHOWN: usize = 4;
    let count = chart.net.security_groups.get(group).map_or(0, |g| if inbound { g.ingress.len() } else { g.egress.len() });
    let line = |n: usize| line_words(chart, if inbound { Line::Ingress(group, n) } else { Line::Egress(group, n) });
    let rule = |n: usize| line(n).split_once(' ').map_or_else(String::new, |(_, rest)| rest.to_owned());
    let shown: Vec<String> = (0..count.min(SHOWN)).map(rule).collect();
    let more = if count > SHOWN { format!(" and {} more", count - SHOWN) } else { String::new() };
    format!("it lets {} {}{more}", if inbound { "in" } else { "out" }, shown.join(", "))
}

/// An address that a gateway writes; those that AWS will choose have no number yet.
fn address(range: Range) -> String {
    let shown = |n: u128| if is_chosen(n) { "a public address".to_owned() } else { show_address(Family::V4, n) };
    if range.lo == range.hi { shown(range.lo) } else { format!("one of {}-{}", shown(range.lo), shown(range.hi)) }
}

/// The spans of the lines on a way, each once, in the order in which a packet meets them.
fn lines(chart: &Chart<'_>, all: impl IntoIterator<Item = Line>) -> Vec<(Span, Line)> {
    let mut found: Vec<(Span, Line)> = vec![];
    for line in all {
        if let Some(span) = origin(chart, line).and_then(Origin::span)
            && !found.iter().any(|(s, _)| *s == span)
        {
            found.push((span, line));
        }
    }
    found
}

/// Where a thing stands in the sources.
pub(super) fn place(chart: &Chart<'_>, spot: Spot) -> Option<Span> {
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
    let which = services(failure.family, &failure.cubes);
    let mut diagnostic = codes::forbidden(&policy.name, &failure.from, &failure.to, &which, case.statement.span);
    for (span, line) in
        lines(case.chart, failure.steps.iter().filter(|s| !s.answer).filter_map(|s| s.line).chain(failure.lines.iter().copied()))
    {
        let text = match line {
            Line::Route(..) | Line::TransitRoute(..) => "leads it there",
            _ => "lets it pass",
        };
        diagnostic = diagnostic.at(span, text);
    }
    let packet = failure.witness.map_or(String::new(), |w| packet(case.chart, failure, &w));
    let way = case.chart.path(failure.steps.iter().filter(|s| !s.answer)).join(", ");
    let back = match failure.returns {
        Some(true) => "; its answer gets back",
        Some(false) => "; its answer does not get back",
        None => "",
    };
    diagnostic
        .help(format!("take away or narrow one of the lines that let it pass; for example this gets through: {packet}, by {way}{back}"))
}

fn refuted_require(case: &Case<'_, '_>, policy: &Policy, failure: &Failure) -> Diagnostic {
    let which = services(failure.family, &failure.cubes);
    if failure.cubes.is_empty() {
        return codes::required(&policy.name, &failure.from, &failure.to, "anything", case.statement.span)
            .help("the two have no address family in common: give one of them an address of the other's family");
    }
    let mut diagnostic = codes::required(&policy.name, &failure.from, &failure.to, &which, case.statement.span);
    let mut help = vec![];
    if let Some(mend) = &failure.mend {
        for obstacle in &mend.obstacles {
            let answer = if obstacle.answer { ", on the way back" } else { "" };
            let code = obstacle.reason.aws_code().map_or(String::new(), |c| format!(" [{c}]"));
            let words = format!("{}{answer}{code}", obstacle.reason.words());
            match obstacle.span {
                Some(span) => diagnostic = diagnostic.at(span, words),
                None => help.push(format!("`{}` {words}", obstacle.at)),
            }
        }
        help.extend(mend.words.iter().cloned());
        for edit in &mend.edits {
            diagnostic = diagnostic.fix(edit.span, edit.text.clone());
        }
    }
    if let Some(part) = partly(failure) {
        help.push(part);
    }
    help.dedup();
    if help.is_empty() { diagnostic } else { diagnostic.help(help.join("; ")) }
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

/// A statement, a side of which means nobody.
pub(super) fn vacuous(policy: &Policy, statement: &Statement, who: &str) -> Diagnostic {
    codes::nothing_to_judge(&policy.name, &format!("{who} has no address here"), statement.span)
}

/// A statement whose sides have no family in common.
pub(super) fn no_family(policy: &Policy, statement: &Statement) -> Diagnostic {
    codes::nothing_to_judge(&policy.name, "the two sides have no address family in common", statement.span)
}

/// A statement with an exception that takes nothing out.
pub(super) fn useless(policy: &Policy, statement: &Statement) -> Diagnostic {
    codes::useless_exception(&policy.name, statement.span)
}
