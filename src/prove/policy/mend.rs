//! What would let a conversation through: every obstacle on its way, and the smallest edits that take them away, tried
//! on a copy of the network until it works. Layer 5.

use crate::{
    base::{
        cidr::{Cidr, Family},
        service::{Ports, Service},
        span::Span,
    },
    net::{Destination, Entry, Net, Origin, Owner, Peer, Public, Route, Rule, Target},
    prove::{
        ask::{Question, Verdict, ask},
        chart::Chart,
        packet::{Cube, Cuboid, Dim, NAT_PORTS, Range, conversations, protocol, traffic, without_boxes},
        reason::Reason,
        walk::{Line, Place, Rewrite, Spot, Step},
    },
    schema::model::Model,
};

use super::{
    side::{Goal, Hit, Source},
    words,
};

/// How often a network is mended before one gives up.
const ROUNDS_MAX: usize = 8;
/// How many boxes a service may take.
const BOXES_MAX: usize = 1000;

/// What should get through.
pub(in crate::prove) struct Wanted<'w> {
    pub model: &'w Model,
    pub source: &'w Source,
    pub goal: &'w Goal,
    pub ports: Range,
    pub services: Vec<Service>,
}

/// Something in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::prove) struct Obstacle {
    /// What stops it, by name.
    pub at: String,
    pub reason: Reason,
    /// Whether it stops the answer.
    pub answer: bool,
    /// The line or thing in the sources.
    pub span: Option<Span>,
}

/// An edit of the sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::prove) struct Edit {
    /// What is replaced; empty for an insertion.
    pub span: Span,
    pub text: String,
}

/// Every obstacle, and what takes it away.
#[derive(Debug, Clone, Default)]
pub(in crate::prove) struct Mend {
    pub witness: Option<Cube>,
    /// The way as the network is now, with its obstacles.
    pub steps: Vec<Step>,
    pub obstacles: Vec<Obstacle>,
    /// What to do, a clause each.
    pub words: Vec<String>,
    pub edits: Vec<Edit>,
    /// Whether it works after all of it.
    pub complete: bool,
}

/// A change of a network.
enum Change {
    Rule { group: usize, inbound: bool, rule: Vec<Rule> },
    Entry { acl: usize, inbound: bool, entries: Vec<Entry> },
    Route { table: usize, route: Route },
    Public { interface: usize },
}

/// The header of a packet at a step, as far as rules need it.
struct Header {
    source: Side,
    destination: Side,
    /// The client's ports as the packet has them there.
    ports: Range,
}

/// An address of a header: the conversation's own, or what a gateway put there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Server,
    Is(Range),
}

/// The statement's services, or the parts of them that lack.
pub(in crate::prove) fn services(all: &[Service], lacking: &[Cube], family: Family) -> Vec<Service> {
    let boxes: Vec<Cuboid<2>> = lacking.iter().map(|c| Cuboid([c.get(Dim::Protocol), second(c)])).collect();
    let mut found = vec![];
    for service in all {
        let own = conversations(service, Range::PORTS, family);
        let own: Vec<Cuboid<2>> = own.iter().map(|[p, _, s]| Cuboid([*p, *s])).collect();
        let works = without_boxes(own.clone(), &boxes, BOXES_MAX);
        if works.as_ref().is_none_or(Vec::is_empty) {
            found.push(service.clone());
            continue;
        }
        let met = own.iter().flat_map(|o| boxes.iter().filter_map(|b| o.meet(b)));
        for part in met.filter_map(|b| part(&b)) {
            if !found.contains(&part) {
                found.push(part);
            }
        }
    }
    found
}

/// What is left of a service without others, a service for each range of ports.
pub(super) fn less(service: &Service, cut: &[Service]) -> Option<Vec<Service>> {
    let boxes = |s: &Service| -> Vec<Cuboid<2>> { traffic(s).iter().map(|[p, _, ports]| Cuboid([*p, *ports])).collect() };
    let cut: Vec<Cuboid<2>> = cut.iter().flat_map(boxes).collect();
    without_boxes(boxes(service), &cut, BOXES_MAX)?.iter().map(part).collect()
}

fn second(cube: &Cube) -> Range {
    cube.get(Dim::ServerPort)
}

fn part(part: &Cuboid<2>) -> Option<Service> {
    let [number, second] = part.0;
    let ports = || Some(vec![Ports { from: u16::try_from(second.lo).ok()?, to: u16::try_from(second.hi).ok()? }]);
    let ports = || if second == Range::PORTS { Some(vec![]) } else { ports() };
    match number.lo {
        protocol::TCP => ports().map(Service::Tcp),
        protocol::UDP => ports().map(Service::Udp),
        protocol::ICMP => Some(Service::Icmp(None, None)),
        protocol::ICMPV6 => Some(Service::Icmpv6(None, None)),
        n if number.lo == number.hi => Some(Service::Protocol(protocol::iana(n))),
        _ => Some(Service::All),
    }
}

impl Wanted<'_> {
    /// Mends a copy of the network until the witness gets through, or nothing more can be done.
    pub fn mend(&self, chart: &Chart<'_>, place: Place, witness: Cube) -> Mend {
        let mut net = chart.net.clone();
        let mut mend = Mend::default();
        let mut witness = witness;
        for _ in 0..ROUNDS_MAX {
            let mut changes = vec![];
            {
                let now = Chart::new(&net);
                let (family, foreign, meant) = (self.source.family, self.goal.foreign(), self.goal.meant());
                let question = Question { from: place, family, cubes: vec![witness], foreign, meant, via: None };
                let finding = ask(&now, &question, |p| self.goal.hit(p, self.source.family, &witness) == Hit::Yes);
                if mend.steps.is_empty() {
                    mend.steps.clone_from(&finding.steps);
                    mend.witness = Some(witness);
                }
                if !matches!(finding.verdict, Verdict::Stopped) {
                    mend.complete = matches!(finding.verdict, Verdict::Works(_));
                    break;
                }
                for (i, step) in finding.steps.iter().enumerate() {
                    let Some(reason) = &step.stop else { continue };
                    mend.note(&now, step, reason);
                    if let Some((change, words, edit)) = self.repair(&now, &finding.steps, (i, step, reason), &witness) {
                        mend.words.push(words);
                        mend.edits.extend(edit);
                        changes.push(change);
                    } else if let Some(advice) = advice(&now, step, reason) {
                        mend.words.push(advice);
                    }
                }
            }
            if changes.is_empty() {
                break;
            }
            for change in changes {
                if let Change::Public { interface } = &change {
                    change.apply(&mut net);
                    let now = Chart::new(&net);
                    let public = now.interfaces.get(*interface).and_then(|i| i.addresses.iter().find_map(|a| a.public));
                    if let (Some(public), false) = (public, self.source.place == Place::Interface(*interface)) {
                        witness = witness.put(Dim::Server, Range::one(public));
                    }
                } else {
                    change.apply(&mut net);
                }
            }
        }
        mend.words.dedup();
        mend
    }

    /// The change that takes one obstacle away, in words, and as an edit where it stands in the sources.
    fn repair(
        &self,
        chart: &Chart<'_>,
        steps: &[Step],
        (i, step, reason): (usize, &Step, &Reason),
        witness: &Cube,
    ) -> Option<(Change, String, Option<Edit>)> {
        let before = steps.get(..i)?;
        let header = header(before, step.answer, self.ports);
        match (reason, step.spot) {
            (Reason::NoRule | Reason::NoRules, Spot::Group(_) | Spot::Interface(_)) if !step.answer => {
                let interface = before.iter().rev().find_map(|s| match s.spot {
                    Spot::Interface(i) => Some(i),
                    _ => None,
                });
                let interface = interface.or(match step.spot {
                    Spot::Interface(i) => Some(i),
                    _ => None,
                })?;
                let inbound = arrives(before);
                self.rule(chart, interface, inbound, &header, witness)
            }
            (Reason::AclDenies, Spot::Acl(acl)) => self.entry(chart, (acl, before, step), &header, witness),
            (Reason::NoRoute, Spot::Table(table)) => self.route(chart, (table, before, step.answer), &header, witness),
            (Reason::NoPublicAddress, _) | (Reason::PrivateDestination, Spot::Internet) => self.public(chart, step, reason),
            _ => None,
        }
    }

    /// The addresses of one side of a header, as networks.
    fn networks(&self, side: Side, witness: &Cube) -> Vec<Cidr> {
        let ranges = match side {
            Side::Client if self.source.internet && self.source.name == "the internet" => vec![Range::all(self.source.family)],
            Side::Client => self.source.clients.clone(),
            Side::Server if matches!(self.goal, Goal::Internet) => vec![Range::all(self.source.family)],
            Side::Server => match self.goal {
                Goal::Addresses(cidr) => vec![Range::of(*cidr)],
                _ => vec![witness.get(Dim::Server)],
            },
            Side::Is(range) => vec![range],
        };
        ranges.into_iter().flat_map(|r| as_cidrs(self.source.family, r)).collect()
    }

    fn rule(
        &self,
        chart: &Chart<'_>,
        interface: usize,
        inbound: bool,
        header: &Header,
        witness: &Cube,
    ) -> Option<(Change, String, Option<Edit>)> {
        let groups = &chart.interfaces.get(interface)?.groups;
        let origin = |g: &&usize| chart.net.security_groups.get(**g).is_some_and(|g| matches!(g.origin, Origin::Source(_)));
        let group = *groups.iter().find(origin).or(groups.first())?;
        let side = if inbound { header.source } else { header.destination };
        let home = &chart.net.security_groups.get(group)?.vpc;
        let other = match (side, self.goal) {
            (Side::Client, _) => Some(self.source.place),
            (Side::Server, Goal::Interfaces(_) | Goal::Exact(..)) => Some(self.goal.place()),
            _ => None,
        };
        // A group of the other side's stands for it wherever its address may move to.
        let named = match other {
            Some(Place::Interface(i)) => chart.interfaces.get(i).and_then(|i| {
                let near = |g: &&usize| chart.net.security_groups.get(**g).is_some_and(|g| g.vpc == *home);
                i.groups.iter().filter(near).find(origin).or(i.groups.iter().find(near)).copied()
            }),
            _ => None,
        };
        let public = other.is_some_and(|p| p != self.source.place) && chart.publics.contains_key(&witness.get(Dim::Server).lo);
        let (peers, text) = match named.filter(|_| !public).and_then(|g| chart.net.security_groups.get(g)) {
            Some(g) => (vec![Peer::Group(g.id.clone())], g.id.to_string()),
            None => {
                let chosen = words::is_chosen(witness.get(Dim::Server).lo) && !inbound && side == Side::Server;
                let cidrs = if chosen { vec![Cidr::ANYWHERE_V4] } else { written(self.networks(side, witness))? };
                let text = peers_text(&cidrs);
                (cidrs.into_iter().map(Peer::Network).collect(), text)
            }
        };
        let (head, join) = if inbound { ("ingress", "from") } else { ("egress", "to") };
        let line = format!("{head} {} {join} {text}", services_text(&self.services));
        let origin = Origin::Aws;
        let rule = |peer: &Peer| {
            let peer = peer.clone();
            self.services.iter().map(move |s| Rule { service: Some(s.clone()), peer: peer.clone(), origin })
        };
        let change = Change::Rule { group, inbound, rule: peers.iter().flat_map(rule).collect() };
        let name = chart.name(Spot::Group(group));
        Some((change, format!("add `{line}` to `{name}`"), self.line_in(&name, head, &line)))
    }

    fn entry(
        &self,
        chart: &Chart<'_>,
        (acl, before, step): (usize, &[Step], &Step),
        header: &Header,
        witness: &Cube,
    ) -> Option<(Change, String, Option<Edit>)> {
        let at = chart.net.network_acls.get(acl)?;
        // An ACL is asked where packets enter a subnet, right after the subnet was named, or where they leave one.
        let inbound = match step.line {
            Some(Line::In(..)) => true,
            Some(Line::Out(..)) => false,
            _ => enters(chart, before),
        };
        let entries = if inbound { &at.inbound } else { &at.outbound };
        let denies = step.line.and_then(|line| match line {
            Line::In(_, e) | Line::Out(_, e) => entries.get(e).map(|e| e.number),
            _ => None,
        });
        let taken = |n: &u16| entries.iter().any(|e| e.number == *n);
        let last = entries.iter().map(|e| e.number).filter(|n| *n < 32767).max().unwrap_or(0);
        let number = match denies.filter(|d| *d < 32767) {
            Some(deny) => (1..deny).rev().find(|n| n % 10 == 0 && !taken(n)).or((1..deny).rev().find(|n| !taken(n)))?,
            None => (last / 10 + 1).checked_mul(10).filter(|n| *n < 32767).or((1..32767).find(|n| !taken(n)))?,
        };
        let services: Vec<Service> = if step.answer { self.answers(header.ports) } else { self.services.clone() };
        let side = if inbound { header.source } else { header.destination };
        let cidrs = match side {
            Side::Server | Side::Is(_) if words::is_chosen(witness.get(Dim::Server).lo) && side == Side::Server => vec![Cidr::ANYWHERE_V4],
            _ => written(self.networks(side, witness))?,
        };
        let (head, join) = if inbound { ("in", "from") } else { ("out", "to") };
        let name = chart.name(Spot::Acl(acl));
        let mut made = vec![];
        let mut lines = vec![];
        let mut next = number;
        for service in &services {
            for cidr in &cidrs {
                while made.iter().any(|e: &Entry| e.number == next) || (next != number && taken(&next)) {
                    next = if denies.is_some() { next.checked_sub(1)? } else { next.checked_add(1)? };
                }
                let network = if *cidr == Cidr::ANYWHERE_V4 { "anywhere".to_owned() } else { cidr.to_string() };
                lines.push(format!("{head} {next} allow {service} {join} {network}"));
                made.push(Entry { number: next, allow: true, service: service.clone(), network: *cidr, origin: Origin::Aws });
            }
        }
        let words = format!("add `{}` to `{name}`", lines.join("`, `"));
        let edit = self.line_in(&name, head, &lines.join("\n  "));
        Some((Change::Entry { acl, inbound, entries: made }, words, edit))
    }

    /// Services whose packets are the answers.
    fn answers(&self, ports: Range) -> Vec<Service> {
        let range = || match (u16::try_from(ports.lo), u16::try_from(ports.hi)) {
            (Ok(from), Ok(to)) => vec![Ports { from, to }],
            _ => vec![],
        };
        let mut found = vec![];
        for service in &self.services {
            let answer = match service {
                Service::Tcp(_) => Service::Tcp(range()),
                Service::Udp(_) => Service::Udp(range()),
                Service::Icmp(..) => Service::Icmp(None, None),
                Service::Icmpv6(..) => Service::Icmpv6(None, None),
                other => other.clone(),
            };
            if !found.contains(&answer) {
                found.push(answer);
            }
        }
        found
    }

    fn route(
        &self,
        chart: &Chart<'_>,
        (table, before, answer): (usize, &[Step], bool),
        header: &Header,
        witness: &Cube,
    ) -> Option<(Change, String, Option<Edit>)> {
        let vpc = chart.vpc(&chart.net.route_tables.get(table)?.vpc)?;
        let subnet = before.iter().rev().find_map(|s| match s.spot {
            Spot::Subnet(s) => Some(s),
            _ => None,
        })?;
        let side = header.destination;
        let to = self.networks(side, witness).into_iter().next()?;
        let abroad = to.prefix() == 0 || !super::side::public_of(to.family(), &[Range::of(to)]).is_empty();
        let id = chart.net.vpcs.get(vpc).map(|v| v.id.clone())?;
        let (destination, target, words) = if abroad {
            let everywhere = if to.family() == Family::V4 { Cidr::ANYWHERE_V4 } else { Cidr::ANYWHERE_V6 };
            let gateway = chart.vpcs.get(vpc).and_then(|v| v.gateway).and_then(|g| chart.net.internet_gateways.get(g));
            let nat = chart.net.nat_gateways.iter().find(|n| {
                let home = n.subnet.as_ref().and_then(|s| chart.subnet(s));
                n.available && n.public.is_some() && home.is_some_and(|s| chart.vpc_of(s) == vpc && s != subnet)
            });
            let has_public = match self.source.place {
                Place::Interface(i) => chart.interfaces.get(i).is_some_and(|i| i.addresses.iter().any(|a| a.public.is_some())),
                _ => true,
            };
            match (gateway, nat) {
                (_, Some(nat)) if !answer && !has_public && to.family() == Family::V4 => {
                    (everywhere, Target::NatGateway(nat.id.clone()), nat.id.to_string())
                }
                (Some(gateway), _) => (everywhere, Target::InternetGateway(gateway.id.clone()), gateway.id.to_string()),
                _ => return None,
            }
        } else {
            let fits = |p: &&crate::net::Peering| {
                let theirs = p.sides.iter().find(|s| s.vpc != id);
                p.active && p.sides.iter().any(|s| s.vpc == id) && theirs.is_some_and(|t| t.cidrs.iter().any(|c| c.contains(to)))
            };
            let peering = chart.net.peerings.iter().find(fits)?;
            let network = peering.sides.iter().filter(|s| s.vpc != id).flat_map(|s| &s.cidrs).find(|c| c.contains(to))?;
            (*network, Target::Peering(peering.id.clone()), peering.id.to_string())
        };
        let shown = if destination.prefix() == 0 { "anywhere".to_owned() } else { destination.to_string() };
        let line = format!("route {shown} via {words}");
        let name = chart.name(Spot::Table(table));
        let route =
            Route { destination: Destination::Network(destination), target, blackhole: false, propagated: false, origin: Origin::Aws };
        let edit = self.line_in(&name, "route", &line).or_else(|| self.new_table(chart, subnet, &line));
        Some((Change::Route { table, route }, format!("add `{line}` to `{name}`"), edit))
    }

    fn public(&self, chart: &Chart<'_>, step: &Step, reason: &Reason) -> Option<(Change, String, Option<Edit>)> {
        let place = match (reason, step.answer) {
            (Reason::NoPublicAddress, false) => self.source.place,
            _ => self.goal.place(),
        };
        let Place::Interface(interface) = place else { return None };
        let at = chart.net.interfaces.get(interface)?;
        let Owner::Instance { id, .. } = &at.owner else { return None };
        let line = "associate_public_ip_address = true";
        let resource = self.model.resources.values().find(|r| r.address.as_str() == id.as_str());
        let edit = resource.and_then(|r| match r.spans.get("associate_public_ip_address") {
            Some(span) => Some(Edit { span: *span, text: "true".into() }),
            None => attribute(r, line),
        });
        Some((Change::Public { interface }, format!("give `{id}` a public address: `{line}`"), edit))
    }

    /// A line to put into the block of a resource: before the first of its sentences, or after its last attribute.
    fn line_in(&self, name: &str, head: &str, line: &str) -> Option<Edit> {
        let resource = self.model.resources.values().find(|r| r.address.as_str() == name && !r.existing)?;
        let like = resource.sentences.iter().filter(|s| s.head == head).map(|s| s.span);
        let first = like.min_by_key(|s| s.start()).or(resource.sentences.iter().map(|s| s.span).min_by_key(|s| s.start()));
        match first {
            Some(first) => Some(Edit { span: Span::new(first.file(), first.start(), first.start()), text: format!("{line}\n  ") }),
            None => attribute(resource, line),
        }
    }

    /// A table of its own for a subnet that follows the VPC's main one, which AWS makes.
    fn new_table(&self, chart: &Chart<'_>, subnet: usize, line: &str) -> Option<Edit> {
        let name = chart.name(Spot::Subnet(subnet));
        let resource = self.model.resources.values().find(|r| r.address.as_str() == name && !r.existing)?;
        let at = resource.span?;
        let vpc = chart.net.subnets.get(subnet).map(|s| s.vpc.clone())?;
        let short = name.split('.').nth(1).filter(|n| n.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))?;
        let taken = |n: &str| self.model.resources.values().any(|r| r.address.as_str() == format!("route_table.{n}"));
        let own = if taken(short) { format!("{short}_2") } else { short.to_owned() };
        let text = format!("route_table {own} {{\n  vpc     = {vpc}\n  subnets = [{name}]\n  {line}\n}}\n\n");
        Some(Edit { span: Span::new(at.file(), at.start(), at.start()), text })
    }
}

/// A line after the last attribute of a resource.
fn attribute(resource: &crate::schema::model::Resource, line: &str) -> Option<Edit> {
    let last = resource.spans.values().max_by_key(|s| s.end())?;
    Some(Edit { span: Span::new(last.file(), last.end(), last.end()), text: format!("\n  {line}") })
}

impl Mend {
    fn note(&mut self, chart: &Chart<'_>, step: &Step, reason: &Reason) {
        let line = step.line.and_then(|l| words::origin(chart, l)).and_then(Origin::span);
        let span = line.or_else(|| words::place(chart, step.spot));
        let obstacle = Obstacle { at: chart.name(step.spot), reason: reason.clone(), answer: step.answer, span };
        if !self.obstacles.contains(&obstacle) {
            self.obstacles.push(obstacle);
        }
    }
}

impl Change {
    fn apply(&self, net: &mut Net) {
        match self {
            Change::Rule { group, inbound, rule } => {
                if let Some(group) = net.security_groups.get_mut(*group) {
                    if *inbound { &mut group.ingress } else { &mut group.egress }.extend(rule.iter().cloned());
                }
            }
            Change::Entry { acl, inbound, entries } => {
                if let Some(acl) = net.network_acls.get_mut(*acl) {
                    let list = if *inbound { &mut acl.inbound } else { &mut acl.outbound };
                    list.extend(entries.iter().cloned());
                    list.sort_by_key(|e| e.number);
                }
            }
            Change::Route { table, route } => {
                if let Some(table) = net.route_tables.get_mut(*table) {
                    table.routes.push(route.clone());
                }
            }
            Change::Public { interface } => {
                let addresses = net.interfaces.get_mut(*interface).map(|i| &mut i.addresses);
                let first = addresses.and_then(|a| a.iter_mut().find(|a| a.private.family() == Family::V4));
                if let Some(first) = first {
                    first.public.get_or_insert(Public::Chosen);
                }
            }
        }
    }
}

/// Whether a packet that has met these things is on its way in, no more on its way out.
fn arrives(before: &[Step]) -> bool {
    before.iter().any(|s| !matches!(s.spot, Spot::Interface(_) | Spot::Group(_)))
}

/// The header of a packet after some steps.
fn header(before: &[Step], answer: bool, ports: Range) -> Header {
    let mut at = Header { source: Side::Client, destination: Side::Server, ports };
    let mut answering = false;
    for step in before {
        if step.answer && !answering {
            answering = true;
            at = Header { source: at.destination, destination: at.source, ports: at.ports };
        }
        match (step.rewrite, step.spot) {
            (Some(Rewrite::Source(range)), spot) => {
                at.source = Side::Is(range);
                if matches!(spot, Spot::NatGateway(_)) && !step.answer {
                    at.ports = NAT_PORTS;
                }
            }
            (Some(Rewrite::Destination(_)), Spot::NatGateway(_)) if step.answer => {
                at.destination = Side::Client;
                at.ports = ports;
            }
            (Some(Rewrite::Destination(range)), _) => at.destination = Side::Is(range),
            (None, _) => {}
        }
    }
    if answer && !answering {
        at = Header { source: at.destination, destination: at.source, ports: at.ports };
    }
    at
}

/// Whether the ACL that is asked after these steps is asked about packets that enter its subnet.
fn enters(chart: &Chart<'_>, before: &[Step]) -> bool {
    let at = |n: usize| before.len().checked_sub(n).and_then(|i| before.get(i)).map(|s| s.spot);
    match (at(1), at(2)) {
        (Some(Spot::Subnet(_)), Some(Spot::Interface(_) | Spot::Group(_) | Spot::NatGateway(_)) | None) => false,
        (Some(Spot::Subnet(s)), Some(Spot::Vpc(v))) => chart.vpc_of(s) == v,
        // A NAT gateway's own subnet is entered from the router.
        _ => true,
    }
}

/// What can be said where no line would do.
fn advice(chart: &Chart<'_>, step: &Step, reason: &Reason) -> Option<String> {
    let name = chart.name(step.spot);
    Some(match reason {
        Reason::NoRoute => format!("lead `{name}` to the destination: there is no gateway to it yet"),
        Reason::BadState => format!("start `{name}`"),
        Reason::Blackhole => format!("give the route of `{name}` a target that stands"),
        Reason::PeeringInactive => format!("accept the peering `{name}`"),
        Reason::SourceDestCheck => format!("set `source_dest_check = false` on `{name}`"),
        Reason::PublicAccessBlocked => "exclude the subnet from VPC Block Public Access".into(),
        Reason::TransitZone => "attach a subnet of this Availability Zone to the transit gateway".into(),
        _ => return None,
    })
}

/// The fewest networks that make up a range.
pub(in crate::prove) fn as_cidrs(family: Family, range: Range) -> Vec<Cidr> {
    crate::prove::reach::set::networks(family, &[range], &[Range::all(family)]).iter().filter_map(|t| t.parse().ok()).collect()
}

fn list(texts: Vec<String>) -> String {
    match texts.as_slice() {
        [one] => one.clone(),
        many => format!("[{}]", many.join(", ")),
    }
}

fn services_text(services: &[Service]) -> String {
    list(services.iter().map(ToString::to_string).collect())
}

/// Networks that one can write down; `None` if one of them is an address that AWS is still to choose.
fn written(cidrs: Vec<Cidr>) -> Option<Vec<Cidr>> {
    let chosen = |c: &Cidr| c.family() == Family::V4 && words::is_chosen(Range::of(*c).lo);
    if cidrs.iter().any(chosen) { None } else { Some(cidrs) }
}

fn peers_text(cidrs: &[Cidr]) -> String {
    let mut texts: Vec<String> = cidrs.iter().map(|c| if c.prefix() == 0 { "anywhere".to_owned() } else { c.to_string() }).collect();
    texts.dedup();
    list(texts)
}
