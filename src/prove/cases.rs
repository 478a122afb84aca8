//! Expectations about a network, as a file lists them, held against what the walk finds. Layer 5.
//!
//! A file has a list `expectations`; each asks whether one conversation works (`reachable`, `unreachable`), whether a
//! group's own rules admit a packet (`allow`, `deny`), or which way a subnet's table sends one (`route`).

use std::net::IpAddr;

use serde::Serialize;
use serde_json::Value as Json;

use crate::{
    base::{
        cidr::{Cidr, Family},
        codes::prove,
        diagnostic::Diagnostic,
    },
    net::{Id, Net, Owner},
    prove::{
        ask::{Question, Verdict, ask, cubes, rewritten},
        chart::{Chart, Choice, PeerAt},
        packet::{Cuboid, Range, Traffic, protocol, without_ranges},
        policy::CLIENT_PORTS,
        reason::Reason,
        walk::{NEVER_FORWARDED, Place, Spot},
    },
};

/// What was found for one expectation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaseResult {
    /// As in the file.
    pub id: String,
    /// `reachable`, `unreachable`, `allow`, `deny`, `route` or `unknown`.
    pub verdict: &'static str,
    /// What AWS's Reachability Analyzer calls what stops it first, where it has a name.
    pub code: Option<&'static str>,
    /// In words.
    pub reason: String,
    /// Every code of what stops it, in order.
    pub codes: Vec<&'static str>,
    /// Where it stops first.
    pub at: Option<String>,
    /// What it passes, in order, there.
    pub path: Vec<String>,
    /// And back.
    pub reply_path: Vec<String>,
    /// What the table's route leads to.
    pub target: Option<String>,
    /// What differs from the expectation; empty if it holds.
    pub differs: Vec<String>,
}

/// Holds every expectation of a file against a network; `file` is its name in messages.
///
/// # Errors
/// The file is no list of expectations.
pub fn run(net: &Net, file: &str, text: &str) -> Result<Vec<CaseResult>, Diagnostic> {
    let whole: Json = serde_json::from_str(text).map_err(|e| prove::cases_shape(file, crate::net::snapshot::not_json(&e), None))?;
    let list = whole.get("expectations").or(Some(&whole)).and_then(Json::as_array);
    let list = list.ok_or_else(|| prove::cases_shape(file, "there is no list `expectations`", None))?;
    let chart = Chart::new(net);
    list.iter()
        .enumerate()
        .map(|(i, case)| {
            let id = case.get("id").and_then(Json::as_str).map_or_else(|| format!("#{i}"), str::to_owned);
            if !case.is_object() || case.get("from").is_none() || case.get("to").is_none() {
                return Err(prove::cases_shape(file, format!("`{id}` has no `from` and `to`"), None));
            }
            // What cannot be understood or found in the network is not guessed at.
            let mut result = judge(&chart, case).unwrap_or_else(|why| result("unknown", why.into()));
            result.id = id;
            result.differs = differences(case, &result);
            Ok(result)
        })
        .collect()
}

/// What is wrong with an expectation.
type Wrong = &'static str;

fn judge(chart: &Chart<'_>, case: &Json) -> Result<CaseResult, Wrong> {
    let (from, to) = (case.get("from").ok_or("there is no `from`")?, case.get("to").ok_or("there is no `to`")?);
    if let Some(service) = unmodelled(case) {
        return Ok(result("unknown", format!("it needs `{service}`, which secnet does not model")));
    }
    if to.get("sg").is_some() {
        return by_group(chart, case, from, to);
    }
    if to.get("acl").is_some() {
        return by_acl(chart, case, from, to);
    }
    if text(case, "expect") == Some("route") {
        return by_route(chart, from, to);
    }
    by_walk(chart, case, from, to)
}

/// Services that a case may need and that secnet does not model.
const UNMODELLED: [&str; 16] = [
    "nlb",
    "alb",
    "elb",
    "clb",
    "gwlb",
    "load-balancer",
    "lattice",
    "firewall",
    "client-vpn",
    "global-accelerator",
    "cloudfront",
    "policy-table",
    "regional-nat",
    "nat64",
    "cloud-wan",
    "local-gateway",
];

/// What a case needs and secnet does not model, if it says so.
fn unmodelled(case: &Json) -> Option<&str> {
    let requires = case.get("requires")?;
    let one = requires.as_str();
    let mut words = one.into_iter().chain(requires.as_array().map_or(&[][..], Vec::as_slice).iter().filter_map(Json::as_str));
    words.find(|word| {
        let word = word.to_ascii_lowercase().replace(['_', ' '], "-");
        UNMODELLED.iter().any(|u| word == *u || (u.len() > 4 && word.contains(u)))
    })
}

fn text<'j>(json: &'j Json, member: &str) -> Option<&'j str> {
    json.get(member).and_then(Json::as_str)
}

fn address(json: &Json, member: &str) -> Option<IpAddr> {
    text(json, member).and_then(|t| t.split('/').next()?.parse().ok())
}

fn result(verdict: &'static str, reason: String) -> CaseResult {
    CaseResult {
        id: String::new(),
        verdict,
        code: None,
        reason,
        codes: vec![],
        at: None,
        path: vec![],
        reply_path: vec![],
        target: None,
        differs: vec![],
    }
}

fn number_of(ip: IpAddr) -> Range {
    Range::of(Cidr::host_of(ip))
}

fn family_of(ip: IpAddr) -> Family {
    if ip.is_ipv4() { Family::V4 } else { Family::V6 }
}

/// Ports as a number, a text, `{"not": [...]}` or `{"from": .., "to": ..}`; what is absent is `default`.
fn ports(case: &Json, member: &str, default: Range) -> Result<Vec<Range>, Wrong> {
    let port = |json: &Json| json.as_u64().or_else(|| json.as_str()?.parse().ok()).filter(|n| *n <= 65535).map(u128::from);
    let wrong = "a port is no number from 0 to 65535";
    match case.get(member) {
        None | Some(Json::Null) => Ok(vec![default]),
        Some(Json::Object(object)) if object.contains_key("not") => {
            let not = object.get("not").map_or(vec![], |n| n.as_array().cloned().unwrap_or_else(|| vec![n.clone()]));
            let cut = not.iter().map(|n| port(n).map(Range::one).ok_or(wrong)).collect::<Result<Vec<_>, _>>()?;
            Ok(without_ranges(&[Range::PORTS], &cut))
        }
        Some(Json::Object(object)) => {
            let end = |name: &str| object.get(name).and_then(port).ok_or(wrong);
            let (from, to) = (end("from")?, end("to")?);
            if from <= to { Ok(vec![Range::new(from, to)]) } else { Err(wrong) }
        }
        Some(Json::Array(list)) => list.iter().map(|n| port(n).map(Range::one).ok_or(wrong)).collect(),
        Some(Json::String(range)) if range.contains('-') => {
            let (from, to) = range.split_once('-').ok_or(wrong)?;
            let end = |text: &str| text.trim().parse::<u16>().map(u128::from).map_err(|_| wrong);
            let (from, to) = (end(from)?, end(to)?);
            if from <= to { Ok(vec![Range::new(from, to)]) } else { Err(wrong) }
        }
        Some(Json::String(any)) if any == "any" => Ok(vec![Range::PORTS]),
        Some(other) => Ok(vec![Range::one(port(other).ok_or(wrong)?)]),
    }
}

fn traffic(case: &Json, family: Family) -> Result<Vec<Traffic>, Wrong> {
    let byte = |member: &str| {
        let n = case.get("icmp").and_then(|i| i.get(member)).and_then(Json::as_i64);
        n.map(|n| u8::try_from(n).map_or(Range::BYTE, |n| Range::one(n.into())))
    };
    let echo = if family == Family::V4 { 8 } else { 128 };
    let icmp = |number: u128| vec![[Range::one(number), byte("type").unwrap_or(Range::one(echo)), byte("code").unwrap_or(Range::one(0))]];
    let with_ports = |number: u128| -> Result<Vec<Traffic>, Wrong> {
        let (clients, servers) = (ports(case, "sport", CLIENT_PORTS)?, ports(case, "dport", Range::PORTS)?);
        Ok(clients.iter().flat_map(|c| servers.iter().map(|s| [Range::one(number), *c, *s])).collect())
    };
    let iana = |n: u8| match n {
        6 | 17 => with_ports(protocol::of(n)),
        1 | 58 => Ok(icmp(protocol::of(n))),
        n => Ok(vec![[Range::one(protocol::of(n)), Range::one(0), Range::one(0)]]),
    };
    match case.get("proto") {
        Some(Json::Number(n)) => iana(n.as_u64().and_then(|n| u8::try_from(n).ok()).ok_or("`proto` is no protocol")?),
        Some(Json::String(name)) => match name.as_str() {
            "tcp" => with_ports(protocol::TCP),
            "udp" => with_ports(protocol::UDP),
            "icmp" if family == Family::V6 => Ok(icmp(protocol::ICMPV6)),
            "icmp" => Ok(icmp(protocol::ICMP)),
            "icmpv6" => Ok(icmp(protocol::ICMPV6)),
            "any" | "all" | "-1" => {
                let mut all = with_ports(protocol::TCP)?;
                all.extend(with_ports(protocol::UDP)?);
                all.extend(icmp(if family == Family::V4 { protocol::ICMP } else { protocol::ICMPV6 }));
                all.push([protocol::OTHERS, Range::one(0), Range::one(0)]);
                Ok(all)
            }
            number => iana(number.parse().map_err(|_| "`proto` is no protocol")?),
        },
        _ => Err("`proto` is no protocol"),
    }
}

/// Whether a group's own rules admit a packet.
fn by_group(chart: &Chart<'_>, case: &Json, from: &Json, to: &Json) -> Result<CaseResult, Wrong> {
    let id = Id::from(text(to, "sg").unwrap_or(""));
    let group = chart.group(&id).and_then(|g| chart.groups.get(g)).ok_or("`sg` names a group that the network does not have")?;
    let inbound = text(to, "direction") != Some("egress");
    let peer = address(from, "ip").or(address(from, "internet")).or(address(from, "src_ip")).ok_or("`from` has no address")?;
    let family = family_of(peer);
    let rules = if inbound { group.ingress.of(family) } else { group.egress.of(family) };
    let everywhere = Range::all(family);
    let ends = if inbound { [number_of(peer), everywhere] } else { [everywhere, number_of(peer)] };
    let mut unknown = None;
    for [number, first, second] in traffic(case, family)? {
        let packet = Cuboid([ends[0], ends[1], number, first, second]);
        for rule in rules.iter().filter(|r| r.header.meet(&packet).is_some()) {
            let member =
                |group: &usize| chart.groups.get(*group).is_some_and(|g| g.members.of(family).iter().any(|m| m.holds(number_of(peer))));
            match &rule.peer {
                PeerAt::Addresses => return Ok(result("allow", format!("rule {} of `{id}` admits it", rule.rule + 1))),
                PeerAt::Group(group) if member(group) => return Ok(result("allow", format!("rule {} of `{id}` admits it", rule.rule + 1))),
                PeerAt::Group(_) | PeerAt::Absent(_) => {}
                PeerAt::Unknown(reason) => unknown = Some(reason.clone()),
            }
        }
    }
    if let Some(reason) = unknown {
        return Ok(result("unknown", format!("`{id}` {}", reason.words())));
    }
    let reason = if rules.is_empty() { Reason::NoRules } else { Reason::NoRule };
    let mut found = result("deny", format!("`{id}` {}", reason.words()));
    found.code = reason.aws_code();
    found.codes = found.code.into_iter().collect();
    found.at = Some(id.to_string());
    Ok(found)
}

/// Whether a network ACL's own entries admit a packet.
fn by_acl(chart: &Chart<'_>, case: &Json, from: &Json, to: &Json) -> Result<CaseResult, Wrong> {
    let id = text(to, "acl").unwrap_or("");
    let acl = chart.net.network_acls.iter().position(|a| a.id.as_str() == id).and_then(|a| chart.acls.get(a));
    let acl = acl.ok_or("`acl` names a network ACL that the network does not have")?;
    let inbound = text(to, "direction") != Some("egress");
    let peer = address(from, "ip").or(address(from, "internet")).or(address(from, "src_ip")).ok_or("`from` has no address")?;
    let family = family_of(peer);
    let everywhere = Range::all(family);
    let ends = if inbound { [number_of(peer), everywhere] } else { [everywhere, number_of(peer)] };
    let boxes = if inbound { acl.inbound.of(family) } else { acl.outbound.of(family) };
    if acl.too_complex {
        return Ok(result("unknown", format!("`{id}` {}", Reason::TooComplex.words())));
    }
    for [number, first, second] in traffic(case, family)? {
        let packet = Cuboid([ends[0], ends[1], number, first, second]);
        if let Some((_, entry)) = boxes.iter().find(|(header, _)| header.meet(&packet).is_some()) {
            return Ok(result("allow", format!("entry {} of `{id}` admits it", entry + 1)));
        }
    }
    let mut found = result("deny", format!("`{id}` {}", Reason::AclDenies.words()));
    found.code = Reason::AclDenies.aws_code();
    found.codes = found.code.into_iter().collect();
    found.at = Some(id.to_owned());
    Ok(found)
}

/// Which way a subnet's table sends a packet.
fn by_route(chart: &Chart<'_>, from: &Json, to: &Json) -> Result<CaseResult, Wrong> {
    // Any address outside all special ranges stands for "whatever has no route of its own".
    let elsewhere = to.get("any_address").map(|_| IpAddr::from([8, 8, 8, 8]));
    let ip = address(to, "ip").or(elsewhere).ok_or("`to` has no address")?;
    let (family, number) = (family_of(ip), number_of(ip));
    let place = place(chart, from)?.0;
    let subnet = match place {
        Place::Interface(i) => chart.interfaces.get(i).map(|i| i.subnet),
        Place::Host(s) | Place::Anybody(s) => Some(s),
        Place::Internet | Place::Behind(_) => None,
    };
    let table = subnet.and_then(|s| chart.subnets.get(s)).and_then(|s| s.table);
    let Some((table_at, table, listed)) = table.and_then(|t| Some((t, chart.tables.get(t)?, chart.net.route_tables.get(t)?))) else {
        return Ok(result("unknown", "the route table of the subnet is not in the network".into()));
    };
    let name = chart.name(Spot::Table(table_at));
    let to_target = |target: &str, why: String, reason: Option<Reason>| {
        let mut found = result("route", why);
        found.code = reason.and_then(|r| r.aws_code());
        found.codes = found.code.into_iter().collect();
        found.target = (!target.is_empty()).then(|| target.to_owned());
        found
    };
    if NEVER_FORWARDED.iter().any(|(f, range)| *f == family && range.holds(number)) {
        return Ok(to_target("link-local", format!("`{name}` never forwards such addresses"), Some(Reason::LinkLocal)));
    }
    let choice = table.meeting(family, number).next().map(|(_, choice)| *choice);
    if choice != Some(Choice::Local) && !table.unknown.is_empty() {
        return Ok(result("unknown", format!("`{name}` has a route for a prefix list whose entries are not known")));
    }
    Ok(match choice {
        None => to_target("", format!("`{name}` has no route to the destination"), Some(Reason::NoRoute)),
        Some(Choice::Local) => to_target("local", format!("`{name}` sends it into the VPC"), None),
        Some(Choice::Unclear(_)) => result("unknown", format!("`{name}` {}", Reason::OverlappingLists.words())),
        Some(Choice::Route(n)) => match listed.routes.get(n) {
            Some(route) if route.blackhole => {
                to_target("blackhole", format!("`{name}` {}", Reason::Blackhole.words()), Some(Reason::Blackhole))
            }
            Some(route) => to_target(route.target.name(), format!("`{name}` sends it to `{}`", route.target.name()), None),
            None => result("unknown", format!("`{name}` lacks a route")),
        },
    })
}

/// Where a case's packets begin, and which source address it names.
fn place(chart: &Chart<'_>, from: &Json) -> Result<(Place, Option<IpAddr>), Wrong> {
    let source = address(from, "src_ip");
    if let Some(ip) = address(from, "internet") {
        return Ok((Place::Internet, Some(ip)));
    }
    if from.get("internet").is_some() {
        return Ok((Place::Internet, source));
    }
    if let Some(id) = text(from, "instance") {
        let owned = |i: &&usize| matches!(chart.net.interfaces.get(**i).map(|i| &i.owner), Some(Owner::Instance { id: own, .. }) if own.as_str() == id);
        let numbers: Vec<usize> = (0..chart.net.interfaces.len()).collect();
        let mut own = numbers.iter().filter(owned);
        let fitting = own.clone().find(|i| source.is_some_and(|ip| has_address(chart, **i, ip)));
        return fitting
            .or_else(|| own.next())
            .map(|i| (Place::Interface(*i), source))
            .ok_or("`from` names an instance that the network does not have");
    }
    if let Some(id) = text(from, "eni") {
        let interface = chart.interface(&Id::from(id)).ok_or("`from` names an interface that the network does not have")?;
        return Ok((Place::Interface(interface), source));
    }
    if let Some(id) = text(from, "subnet") {
        let subnet = chart.subnet(&Id::from(id)).ok_or("`from` names a subnet that the network does not have")?;
        return Ok((Place::Host(subnet), source));
    }
    if let Some(id) = text(from, "gateway") {
        return gateway(chart, id).map(|place| (place, source)).ok_or("`from` names a gateway that the network does not have");
    }
    let ip = address(from, "ip").or(source).ok_or("`from` names no place")?;
    if let Some(owner) = (0..chart.interfaces.len()).find(|i| has_address(chart, *i, ip)) {
        return Ok((Place::Interface(owner), Some(ip)));
    }
    let (family, number) = (family_of(ip), number_of(ip));
    let holds = |s: &usize| chart.subnets.get(*s).is_some_and(|s| s.ranges.of(family).iter().any(|r| r.holds(number)));
    if let Some(subnet) = (0..chart.subnets.len()).find(holds) {
        return Ok((Place::Host(subnet), Some(ip)));
    }
    let public = crate::prove::policy::is_public(Cidr::host_of(ip));
    if public { Ok((Place::Internet, Some(ip))) } else { Err("`from` has a private address that nothing in the network has") }
}

fn has_address(chart: &Chart<'_>, interface: usize, ip: IpAddr) -> bool {
    let addresses = chart.interfaces.get(interface).map_or(&[][..], |i| i.addresses.as_slice());
    addresses.iter().any(|a| a.family == family_of(ip) && a.range.holds(number_of(ip)))
}

fn gateway(chart: &Chart<'_>, id: &str) -> Option<Place> {
    let net = chart.net;
    let key = Id::from(id);
    if let Some(gateway) = chart.internet_gateway(&key) {
        let _ = net.internet_gateways.get(gateway)?;
        return Some(Place::Internet);
    }
    if let Some(gateway) = chart.vpn_gateway(&key) {
        return Some(Place::Behind(Spot::VpnGateway(gateway)));
    }
    if chart.egress_only_gateway(&key).is_some() {
        return Some(Place::Internet);
    }
    if let Some(gateway) = net.vpn_gateways.iter().position(|g| g.connections.contains(&key)) {
        return Some(Place::Behind(Spot::VpnGateway(gateway)));
    }
    if let Some(endpoint) = chart.endpoint(&key) {
        return Some(Place::Behind(Spot::Endpoint(endpoint)));
    }
    let behind = |a: &crate::net::Attachment| matches!(&a.to, crate::net::Attached::Outside(of) if *of == key) || a.id == key;
    let outside = |a: &crate::net::Attachment| a.gateway == key && matches!(a.to, crate::net::Attached::Outside(_));
    if let Some(peering) = chart.peering(&key) {
        return Some(Place::Behind(Spot::Peering(peering)));
    }
    let attachment = net.attachments.iter().position(behind).or_else(|| net.attachments.iter().position(outside));
    attachment.map(|a| Place::Behind(Spot::Attachment(a)))
}

/// Addresses, and the interfaces among which one must take the packets; none is whoever does.
type Destinations = (Vec<(Family, Range)>, Option<Vec<usize>>);

/// Where a case's packets go: addresses, and the interfaces among which one must take them.
fn destination(chart: &Chart<'_>, to: &Json, from_internet: bool) -> Result<Destinations, Wrong> {
    if let Some(ip) = address(to, "ip").or(address(to, "internet")) {
        return Ok((vec![(family_of(ip), number_of(ip))], None));
    }
    if to.as_str() == Some("internet") || to.get("internet").is_some() {
        let all = [Family::V4, Family::V6].into_iter();
        let public = all.flat_map(|f| crate::prove::policy::side::internet(f).into_iter().map(move |r| (f, r)));
        return Ok((public.collect(), None));
    }
    let fits = |i: &usize| match (text(to, "instance"), text(to, "eni"), text(to, "subnet"), chart.net.interfaces.get(*i)) {
        (Some(id), _, _, Some(at)) => matches!(&at.owner, Owner::Instance { id: own, .. } if own.as_str() == id),
        (None, Some(id), _, Some(at)) => at.id.as_str() == id,
        (None, None, Some(id), Some(at)) => at.subnet.as_str() == id,
        _ => false,
    };
    let targets: Vec<usize> = (0..chart.net.interfaces.len()).filter(fits).collect();
    if !targets.is_empty() {
        let mut ranges = vec![];
        for address in targets.iter().filter_map(|i| chart.interfaces.get(*i)).flat_map(|i| &i.addresses) {
            ranges.extend(address.public.filter(|_| from_internet).map(|public| (Family::V4, Range::one(public))));
            ranges.push((address.family, address.range));
        }
        return Ok((ranges, Some(targets)));
    }
    if let Some(any) = to.get("any_address").or(to.as_str().map(|_| to)) {
        let network: Option<Cidr> = any.as_str().and_then(|t| t.parse().ok());
        let everywhere = || [Family::V4, Family::V6].map(|f| (f, Range::all(f))).to_vec();
        return Ok((network.map_or_else(everywhere, |c| vec![(c.family(), Range::of(c))]), None));
    }
    Err("`to` names nothing in the network")
}

fn by_walk(chart: &Chart<'_>, case: &Json, from: &Json, to: &Json) -> Result<CaseResult, Wrong> {
    let (start, source) = place(chart, from)?;
    let (destinations, targets) = destination(chart, to, start == Place::Internet)?;
    let mut best: Option<(u8, CaseResult)> = None;
    for (family, range) in destinations {
        let clients: Vec<Range> = match (source, start) {
            (Some(ip), _) if family_of(ip) == family => vec![number_of(ip)],
            (Some(_), _) => continue,
            (None, Place::Interface(i)) => chart
                .interfaces
                .get(i)
                .map_or_else(Vec::new, |i| i.addresses.iter().filter(|a| a.family == family).map(|a| a.range).collect()),
            (None, Place::Host(s) | Place::Anybody(s)) => chart.subnets.get(s).map_or_else(Vec::new, |s| s.ranges.of(family).clone()),
            (None, _) => vec![Range::all(family)],
        };
        let conversations = cubes(&clients, &[range], &traffic(case, family)?);
        let target = text(case, "target").or(text(case, "via"));
        let via = target.and_then(|t| chart.spot(t));
        let there = |place: &Place| targets.as_ref().is_none_or(|t| matches!(place, Place::Interface(i) if t.contains(i)));
        let finding = ask(chart, &Question { from: start, family, cubes: conversations, foreign: false, meant: vec![], via }, there);
        let found = describe(chart, &finding, family, target);
        let rank = match found.verdict {
            "reachable" => 2,
            "unknown" => 1,
            _ => 0,
        };
        if best.as_ref().is_none_or(|(r, _)| rank > *r) {
            best = Some((rank, found));
        }
    }
    Ok(best.map_or_else(|| stopped_before("the two ends have no address family in common"), |(_, found)| found))
}

fn stopped_before(why: &str) -> CaseResult {
    result("unreachable", why.into())
}

fn describe(chart: &Chart<'_>, finding: &crate::prove::ask::Finding, family: Family, target: Option<&str>) -> CaseResult {
    let path = |answer: bool| chart.path(finding.steps.iter().filter(|s| s.answer == answer));
    let mut found = match &finding.verdict {
        Verdict::Works(cubes) => {
            let passes = target.is_none_or(|t| path(false).iter().any(|name| name == t));
            let way = path(false).join(", ");
            let mut found = result(if passes { "reachable" } else { "unreachable" }, format!("by {way}{}", part_of(cubes)));
            found.target = target.filter(|_| passes).map(str::to_owned);
            found
        }
        Verdict::Stopped => {
            let words: Vec<String> = finding.blockers().map(|(step, reason)| sentence(chart, step.spot, reason, step.answer)).collect();
            result("unreachable", if words.is_empty() { "nothing can be sent".into() } else { words.join("; ") })
        }
        Verdict::Unknown(reason) => {
            let last = finding.steps.last();
            result("unknown", last.map_or_else(|| reason.words(), |s| sentence(chart, s.spot, reason, s.answer)))
        }
    };
    found.codes = finding.blockers().filter_map(|(_, reason)| reason.aws_code()).collect();
    found.code = finding.blockers().next().and_then(|(_, reason)| reason.aws_code());
    found.at = finding.blockers().next().map(|(step, _)| chart.name(step.spot));
    found.path = path(false);
    found.reply_path = path(true);
    let first = |source: bool| -> Vec<String> {
        let sent =
            finding.witness.map(|w| w.get(if source { crate::prove::packet::Dim::Client } else { crate::prove::packet::Dim::Server }).lo);
        sent.into_iter().chain(rewritten(&finding.steps, source)).map(|n| crate::prove::packet::show_address(family, n)).collect()
    };
    for (name, source) in [("source", true), ("destination", false)] {
        let chain = first(source);
        if chain.len() > 1 {
            found.reason.push_str(&format!("; {name} {}", chain.join(" -> ")));
        }
    }
    found
}

fn part_of(cubes: &[crate::prove::packet::Cube]) -> String {
    let mut ranges: Vec<Range> = cubes.iter().map(|c| c.get(crate::prove::packet::Dim::ClientPort)).collect();
    ranges.sort_unstable();
    ranges.dedup();
    let whole = ranges.iter().any(|r| r.holds(CLIENT_PORTS) || r.lo == r.hi);
    let named: Vec<String> = ranges.iter().take(4).map(|r| format!("{}-{}", r.lo, r.hi)).collect();
    if whole || named.is_empty() { String::new() } else { format!("; client ports {} only", named.join(", ")) }
}

fn sentence(chart: &Chart<'_>, spot: Spot, reason: &Reason, answer: bool) -> String {
    let what = if answer { " (the answer)" } else { "" };
    format!("`{}` {}{what}", chart.name(spot), reason.words())
}

/// What differs between an expectation and what was found.
fn differences(case: &Json, found: &CaseResult) -> Vec<String> {
    let mut differs = vec![];
    let expected = text(case, "expect").unwrap_or("?");
    if found.verdict != expected {
        differs.push(format!("{} instead of {expected}", found.verdict));
        return differs;
    }
    if let Some(code) = text(case, "code")
        && found.code != Some(code)
    {
        differs.push(format!("code {:?} instead of {code}", found.code));
    }
    if let Some(at) = text(case, "at")
        && found.at.as_deref() != Some(at)
    {
        differs.push(format!("at {:?} instead of {at}", found.at));
    }
    if expected == "route" && text(case, "target") != found.target.as_deref() {
        differs.push(format!("target {:?} instead of {:?}", found.target, text(case, "target")));
    }
    for (member, path) in [("path", &found.path), ("reply_path", &found.reply_path)] {
        let wanted: Vec<&str> = case.get(member).and_then(Json::as_array).map_or(vec![], |a| a.iter().filter_map(Json::as_str).collect());
        let mut left = path.iter();
        if !wanted.iter().all(|name| left.any(|p| p == name)) {
            differs.push(format!("{member} {path:?} instead of {wanted:?}"));
        }
    }
    for (member, name) in [("src", "source"), ("dst", "destination")] {
        let chain = case.get("nat").and_then(|n| n.get(member)).and_then(Json::as_array);
        let chain: Vec<&str> = chain.map_or(vec![], |a| a.iter().filter_map(Json::as_str).collect());
        if !chain.is_empty() && !found.reason.contains(&format!("{name} {}", chain.join(" -> "))) {
            differs.push(format!("`{}` instead of {name} {chain:?}", found.reason));
        }
    }
    differs
}
