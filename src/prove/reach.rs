//! All that reaches what in a network, and how that differs between two networks. Layer 5.
//!
//! A flow is there if a new connection works: its packets arrive and the answers come back, as [`ask`](crate::prove::ask)
//! judges. Ends are things with names: the internet, machines and other interfaces, what lies behind a gateway.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::cidr::Family,
    net::Origin,
    prove::{
        chart::{Both, Chart},
        packet::{Range, without_boxes},
        policy::words,
        reason::Reason,
        walk::Line,
    },
};

pub mod danger;
pub mod set;
mod ways;

use danger::Danger;
use set::{Flows, Service, Set, networks};
use ways::{End, Way, Ways};

/// How many boxes a difference may take.
const BOXES_MAX: usize = 50_000;

/// A set of flows between two named things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Who begins: `the internet`, `instance.server`, ``what lies behind `vgw-1` ``.
    pub from: String,
    /// Who answers.
    pub to: String,
    /// `tcp/22`, `tcp/80-443`, `all`.
    pub service: String,
    /// The networks that it comes from, if it comes from outside.
    pub sources: Vec<String>,
    /// The networks that it goes to, if it goes outside.
    pub destinations: Vec<String>,
    /// The lines that let it through, in the order in which a packet meets them.
    pub lines: Vec<LineAt>,
    /// Why it is only possible and not sure.
    pub doubt: Option<String>,
    /// Whether answers come back; else packets arrive and nothing more.
    pub answered: bool,
    /// The administrative ports that it holds, by the names of what listens there.
    pub administrative: Vec<&'static str>,
}

impl Flow {
    /// How bad it is, if it comes from outside.
    #[must_use]
    pub fn danger(&self) -> Danger {
        let anywhere = self.sources.iter().any(|s| s.ends_with("/0"));
        match (self.answered || self.doubt.is_some(), anywhere, self.administrative.is_empty()) {
            (false, ..) => Danger::OneWay,
            (true, true, false) => Danger::Open,
            (true, true, true) => Danger::Public,
            (true, false, false) => Danger::Guarded,
            (true, false, true) => Danger::Limited,
        }
    }
}

/// A line of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineAt {
    /// What it says.
    pub text: String,
    /// What it belongs to.
    pub of: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Whether it lets answers back, not packets forth.
    pub answer: bool,
}

/// What a change does.
#[derive(Debug, Clone, Default)]
pub struct Delta {
    /// What becomes reachable, by lines of the later network.
    pub added: Vec<Flow>,
    /// What stops being reachable, by lines of the earlier network.
    pub removed: Vec<Flow>,
    /// What may become reachable, or may stop being so, for all that is known.
    pub unknown: Vec<Flow>,
}

/// Every line of a network: what it belongs to, and what it says.
#[must_use]
pub fn all_lines(chart: &Chart<'_>) -> Vec<(String, String)> {
    let net = chart.net;
    let mut all: Vec<Line> = vec![];
    for (i, group) in net.security_groups.iter().enumerate() {
        all.extend((0..group.ingress.len()).map(|n| Line::Ingress(i, n)));
        all.extend((0..group.egress.len()).map(|n| Line::Egress(i, n)));
    }
    for (i, acl) in net.network_acls.iter().enumerate() {
        all.extend((0..acl.inbound.len()).map(|n| Line::In(i, n)));
        all.extend((0..acl.outbound.len()).map(|n| Line::Out(i, n)));
    }
    for (i, table) in net.route_tables.iter().enumerate() {
        all.extend((0..table.routes.len()).map(|n| Line::Route(i, n)));
    }
    all.into_iter().map(|line| (chart.name(line.owner()), words::line_words(chart, line))).collect()
}

/// What becomes reachable and what stops being so, between two charts whose things go by the same names.
#[must_use]
pub fn delta(before: &Chart<'_>, after: &Chart<'_>) -> Delta {
    let (old, new) = (Ways::of(before), Ways::of(after));
    let keys: BTreeSet<&(End, End, Family)> = old.by_ends.keys().chain(new.by_ends.keys()).collect();
    let (earlier, later) = (Teller::new(before), Teller::new(after));
    let mut delta = Delta::default();
    let none: &[Way] = &[];
    for key in keys {
        let (was, is) = (old.by_ends.get(key).map_or(none, Vec::as_slice), new.by_ends.get(key).map_or(none, Vec::as_slice));
        let (sure_before, sure) = (surely(was), surely(is));
        let doubted_before = boxes(was, |w| w.doubt.is_some());
        let doubted = boxes(is, |w| w.doubt.is_some());
        delta.added.extend(later.pair(key, is, without(&sure, &sure_before)));
        // What was sure and may still be is neither here nor gone.
        let possible: Vec<Flows> = sure.iter().chain(&doubted).copied().collect();
        delta.removed.extend(earlier.pair(key, was, without(&sure_before, &possible)));
        let known: Vec<Flows> = without(&doubted_before, &sure_before).unwrap_or_default();
        let only_possible = without(&doubted, &sure).and_then(|p| without(&p, &known));
        delta.unknown.extend(later.pair(key, is, only_possible).into_iter().map(|f| f.doubted(is)));
    }
    for list in [&mut delta.added, &mut delta.removed, &mut delta.unknown] {
        *list = together(std::mem::take(list));
    }
    delta
}

/// Everything that the internet can open a flow to, whether or not answers come back; the worst first.
#[must_use]
pub fn exposure(chart: &Chart<'_>) -> Vec<Flow> {
    let (ways, teller) = (Ways::from_internet(chart), Teller::new(chart));
    let mut found = vec![];
    for (key, ways) in &ways.by_ends {
        let sure = surely(ways);
        let doubted = boxes(ways, |w| w.doubt.is_some());
        let delivered = boxes(ways, |w| w.doubt.is_none() && !w.answered);
        let possible: Vec<Flows> = sure.iter().chain(&doubted).copied().collect();
        found.extend(teller.pair(key, ways, Some(sure.clone())));
        found.extend(teller.pair(key, ways, without(&doubted, &sure)).into_iter().map(|f| f.doubted(ways)));
        let one_way = teller.pair(key, ways, without(&delivered, &possible));
        found.extend(one_way.into_iter().map(|f| Flow { answered: false, ..f }));
    }
    let mut found = together(found);
    found.sort_by(|a, b| (a.danger(), &a.service, &a.to).cmp(&(b.danger(), &b.service, &b.to)));
    found
}

/// What surely works.
fn surely(ways: &[Way]) -> Vec<Flows> {
    boxes(ways, |w| w.doubt.is_none() && w.answered)
}

fn boxes(ways: &[Way], which: impl Fn(&Way) -> bool) -> Vec<Flows> {
    ways.iter().filter(|w| which(w)).map(|w| w.flows).collect()
}

/// What is in one set and not in another; `None` is too complex.
fn without(from: &[Flows], cut: &[Flows]) -> Option<Vec<Flows>> {
    without_boxes(from.to_vec(), cut, BOXES_MAX)
}

/// Says ways in words.
struct Teller<'c, 'n> {
    chart: &'c Chart<'n>,
    /// What is outside, to tell networks by.
    internet: Both<Vec<Range>>,
}

impl<'c, 'n> Teller<'c, 'n> {
    fn new(chart: &'c Chart<'n>) -> Self {
        Self { chart, internet: ways::internet(chart) }
    }

    /// The flows of one pair of ends.
    fn pair(&self, (from, to, family): &(End, End, Family), ways: &[Way], boxes: Option<Vec<Flows>>) -> Vec<Flow> {
        let flow = |service: String, sources: Vec<String>, destinations: Vec<String>, lines: Vec<LineAt>| Flow {
            from: from.to_string(),
            to: to.to_string(),
            service,
            sources,
            destinations,
            lines,
            doubt: None,
            answered: true,
            administrative: vec![],
        };
        let Some(boxes) = boxes else {
            return vec![Flow { doubt: Some(Reason::TooComplex.words()), ..flow("all".into(), vec![], vec![], vec![]) }];
        };
        let mut found = vec![];
        for service in Set::of(&boxes).services(*family) {
            let sources = self.networks(from, *family, &service.clients);
            let destinations = self.networks(to, *family, &service.servers);
            // What comes from the model's own public addresses only is not from the internet.
            if let (Some(sources), Some(destinations)) = (sources, destinations) {
                let lines = self.lines(ways, &service);
                let administrative = danger::administrative(&service);
                found.push(Flow { administrative, ..flow(service.name, sources, destinations, lines) });
            }
        }
        found
    }

    /// The networks of an end that is outside; `None` if nothing of it is.
    fn networks(&self, end: &End, family: Family, ranges: &[Range]) -> Option<Vec<String>> {
        match end {
            End::Named(_) => Some(vec![]),
            End::Behind(_) => Some(networks(family, ranges, &[Range::all(family)])),
            End::Internet => {
                let whole = self.internet.of(family);
                let part: Vec<Range> = ranges.iter().flat_map(|r| set::met(*r, whole)).collect();
                (!part.is_empty()).then(|| networks(family, &part, whole))
            }
        }
    }

    /// The lines on the ways of some flows, in the order in which a packet meets them.
    fn lines(&self, ways: &[Way], service: &Service) -> Vec<LineAt> {
        let chart = self.chart;
        let mut seen: Vec<(Line, bool)> = vec![];
        let mut found: Vec<LineAt> = vec![];
        for way in ways.iter().filter(|w| service.meets(&w.flows)) {
            for step in way.trail.steps() {
                let Some(line) = step.line.filter(|l| !seen.contains(&(*l, step.answer))) else { continue };
                seen.push((line, step.answer));
                let Some(origin) = words::origin(chart, line) else { continue };
                found.push(LineAt { text: words::line_words(chart, line), of: chart.name(line.owner()), origin, answer: step.answer });
            }
        }
        found.sort_by_key(|l| l.answer);
        found
    }
}

impl Flow {
    /// With the reason why it is only possible.
    fn doubted(self, ways: &[Way]) -> Self {
        let reason = ways.iter().find_map(|w| w.doubt.clone());
        Flow { doubt: self.doubt.or(reason), ..self }
    }

    /// What makes it another flow, apart from its ends.
    fn key(&self) -> impl Ord + use<> {
        let lines: Vec<(String, String, bool)> = self.lines.iter().map(|l| (l.of.clone(), l.text.clone(), l.answer)).collect();
        let networks = (self.sources.clone(), self.destinations.clone());
        (self.service.clone(), networks, lines, self.doubt.clone(), self.answered)
    }
}

/// Flows that differ in one end or in family only, as one: `instance.web and 48 more`.
fn together(flows: Vec<Flow>) -> Vec<Flow> {
    let mut whole: Vec<Flow> = vec![];
    let mut known: BTreeMap<_, usize> = BTreeMap::new();
    for flow in flows {
        let key = (flow.from.clone(), flow.to.clone(), flow.service.clone(), flow.doubt.clone(), flow.answered);
        match known.get(&key).and_then(|i| whole.get_mut(*i)) {
            Some(one) => {
                one.sources.extend(flow.sources);
                one.destinations.extend(flow.destinations);
                one.lines.extend(flow.lines.into_iter().filter(|l| !one.lines.contains(l)).collect::<Vec<_>>());
            }
            None => {
                known.insert(key, whole.len());
                whole.push(flow);
            }
        }
    }
    let by_to = alike(whole, |f| f.from.clone(), |f| &mut f.to);
    alike(by_to, |f| f.to.clone(), |f| &mut f.from)
}

/// Makes one flow of those that differ in the names at one end only.
fn alike(flows: Vec<Flow>, other: impl Fn(&Flow) -> String, name: impl Fn(&mut Flow) -> &mut String) -> Vec<Flow> {
    let mut groups: Vec<(Flow, Vec<String>)> = vec![];
    let mut known: BTreeMap<_, usize> = BTreeMap::new();
    for mut flow in flows {
        let key = (other(&flow), flow.key());
        let own = std::mem::take(name(&mut flow));
        match known.get(&key).and_then(|i| groups.get_mut(*i)) {
            Some((_, names)) => names.push(own),
            None => {
                known.insert(key, groups.len());
                groups.push((flow, vec![own]));
            }
        }
    }
    let told = |(mut flow, names): (Flow, Vec<String>)| {
        *name(&mut flow) = match names.as_slice() {
            [] => String::new(),
            [one] => one.clone(),
            [one, two] => format!("{one} and {two}"),
            [one, rest @ ..] => format!("{one} and {} more", rest.len()),
        };
        flow
    };
    groups.into_iter().map(told).collect()
}
