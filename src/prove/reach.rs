//! All that reaches what in a network, and how that differs between two networks. Layer 5.
//!
//! A flow is there if a new connection works: its packets arrive and the answers come back, as [`ask`](crate::prove::ask)
//! judges. Ends are things with names: the internet, machines and other interfaces, what lies behind a gateway.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    base::cidr::Family,
    net::{Origin, alike::alike},
    prove::{
        chart::Chart,
        packet::without_boxes,
        policy::words,
        walk::{Line, Place},
    },
};

pub mod beyond;
pub mod class;
pub mod danger;
mod far;
mod kinds;
pub mod pairs;
pub mod set;
mod tell;
mod ways;

use class::{Classes, Detail};
use danger::Danger;
use far::Far;
use kinds::{Kind, kinds};
use pairs::{Links, Pairs};
use set::{Flows, Set};
use tell::{Teller, together};
use ways::{End, FAMILIES, Way};

/// How many boxes a difference may take.
const BOXES_MAX: usize = 50_000;

/// A set of flows between two named things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Who begins: `the internet`, `instance.server`, ``what lies behind `vgw-1` ``.
    pub from: String,
    /// Who answers.
    pub to: String,
    /// All of those who begin, where they have names.
    pub all_from: Vec<Arc<str>>,
    /// All of those who answer, where they have names.
    pub all_to: Vec<Arc<str>>,
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
        let anywhere = self.sources.iter().any(|s| s.starts_with("0.0.0.0/0") || s.starts_with("::/0"));
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
    if alike(before.net, after.net) {
        return Delta::default();
    }
    let mut compare = Compare { earlier: Teller::new(before), later: Teller::new(after), delta: Delta::default() };
    let mut pairs = [Pairs::new(before), Pairs::new(after)];
    let kinds = kinds(&[(before, &pairs[0].classes), (after, &pairs[1].classes)]);
    compare.outside(&kinds);
    let (mut links, mut far) = (Links::default(), Far::new(&kinds, &pairs));
    for (number, from) in kinds.iter().enumerate() {
        let close = far.close(number, &pairs);
        let differing = far.differing(number, &close, |from, to| {
            let [was, is] = numbers(&mut pairs, &mut links, (from, to));
            was != is
        });
        differing.into_iter().for_each(|to| compare.between(from, to));
    }
    let Delta { added, removed, unknown } = compare.delta;
    Delta { added: in_order(added), removed: in_order(removed), unknown: in_order(unknown) }
}

/// Flows that are alike as one, those from outside first.
fn in_order(flows: Vec<Flow>) -> Vec<Flow> {
    let mut flows = together(flows);
    flows.sort_by_key(|f| !f.all_from.is_empty());
    flows
}

/// The links between the interfaces of two kinds, in each network.
fn numbers<const N: usize>(pairs: &mut [Pairs<'_, '_>; N], links: &mut Links, ends: (&Kind, &Kind)) -> [Vec<u32>; N] {
    let mut at = 0;
    pairs.each_mut().map(|pairs| {
        at += 1;
        number(pairs, links, ends, at - 1)
    })
}

/// The links between the interfaces of two kinds in one of the networks.
fn number(pairs: &mut Pairs<'_, '_>, links: &mut Links, (from, to): (&Kind, &Kind), at: usize) -> Vec<u32> {
    let classes = |kind: &Kind| kind.classes.get(at).cloned().unwrap_or_default();
    let mut all = vec![];
    for a in classes(from) {
        for b in classes(to) {
            // No link is as good as no interface.
            let link = pairs.link(a, b, links);
            all.extend(links.some(link));
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// Two networks that are compared.
struct Compare<'c, 'n> {
    earlier: Teller<'c, 'n>,
    later: Teller<'c, 'n>,
    delta: Delta,
}

impl Compare<'_, '_> {
    /// Compares the ways between two ends.
    fn ends(&mut self, from: &End, to: &End, family: Family, was: &[Way], is: &[Way]) {
        let key = (from, to, family);
        let (sure_before, sure) = (surely(was), surely(is));
        let (doubted_before, doubted) = (boxes(was, |w| w.doubt.is_some()), boxes(is, |w| w.doubt.is_some()));
        self.delta.added.extend(self.later.pair(key, is, without(&sure, &sure_before)));
        // What was sure and may still be is neither here nor gone.
        self.delta.removed.extend(self.earlier.pair(key, was, without(&sure_before, &doubted_or_sure(is))));
        let known: Vec<Flows> = without(&doubted_before, &sure_before).unwrap_or_default();
        let only_possible = without(&doubted, &sure).and_then(|p| without(&p, &known));
        self.delta.unknown.extend(self.later.pair(key, is, only_possible).into_iter().map(|f| f.doubted(is)));
    }

    /// Compares what passes between named things.
    fn between(&mut self, from: &Kind, to: &Kind) {
        let same = std::ptr::eq(from, to);
        let ways = |chart: &Chart<'_>, at: usize, family: Family| -> Vec<Way> {
            let interfaces = |of: &[Vec<usize>]| of.get(at).cloned().unwrap_or_default();
            let others = interfaces(if same { &to.second } else { &to.first });
            let all = interfaces(&from.first);
            all.iter().flat_map(|a| others.iter().flat_map(|b| ways::to_interface(chart, Place::Interface(*a), *b, family))).collect()
        };
        for family in FAMILIES {
            let (was, is) = (ways(self.earlier.chart, 0, family), ways(self.later.chart, 1, family));
            self.ends(&End::Named(from.names.clone()), &End::Named(to.names.clone()), family, &was, &is);
        }
    }

    /// Compares what passes between named things and the outside, and from one outside to another.
    fn outside(&mut self, kinds: &[Kind]) {
        let charts = [self.earlier.chart, self.later.chart];
        let mut outsides: Vec<End> = vec![End::Internet];
        outsides.extend(charts.iter().flat_map(|c| ways::gateways(c).into_iter().map(|s| End::Behind(c.name(s)))));
        outsides.sort();
        outsides.dedup();
        for family in FAMILIES {
            for kind in kinds {
                let name = End::Named(kind.names.clone());
                let [was, is] = [0, 1].map(|at| out_of(charts, at, kind.first.get(at).map_or(&[][..], Vec::as_slice), family));
                for end in &outsides {
                    self.ends(&name, end, family, was.get(end).map_or(&[], Vec::as_slice), is.get(end).map_or(&[], Vec::as_slice));
                    let [was, is] = [0, 1].map(|at| into(charts, at, end, kind.first.get(at).map_or(&[][..], Vec::as_slice), family));
                    self.ends(end, &name, family, &was, &is);
                }
            }
            for from in &outsides {
                let [was, is] = [0, 1].map(|at| through(charts, at, from, family));
                for to in &outsides {
                    self.ends(from, to, family, was.get(to).map_or(&[], Vec::as_slice), is.get(to).map_or(&[], Vec::as_slice));
                }
            }
        }
    }
}

/// Ways by the end that they lead to.
type ByEnd = BTreeMap<End, Vec<Way>>;

fn by_end(ways: impl IntoIterator<Item = (End, Way)>) -> ByEnd {
    let mut found = ByEnd::new();
    for (end, way) in ways {
        found.entry(end).or_default().push(way);
    }
    found
}

/// The ways of interfaces out of a network.
fn out_of(charts: [&Chart<'_>; 2], at: usize, interfaces: &[usize], family: Family) -> ByEnd {
    let Some(chart) = charts.get(at) else { return ByEnd::new() };
    by_end(interfaces.iter().flat_map(|i| ways::outward(chart, Place::Interface(*i), family)))
}

/// The ways from outside to interfaces of a network.
fn into(charts: [&Chart<'_>; 2], at: usize, from: &End, interfaces: &[usize], family: Family) -> Vec<Way> {
    let Some((chart, place)) = charts.get(at).and_then(|c| Some((c, ways::place(c, from)?))) else { return vec![] };
    interfaces.iter().flat_map(|i| ways::to_interface(chart, place, *i, family)).collect()
}

/// The ways from outside through a network and out again.
fn through(charts: [&Chart<'_>; 2], at: usize, from: &End, family: Family) -> ByEnd {
    let found = charts.get(at).and_then(|chart| Some(ways::outward(chart, ways::place(chart, from)?, family)));
    by_end(found.unwrap_or_default())
}

/// What the internet reaches of each class of interfaces, and so of each interface: exactly, and no more than that.
#[must_use]
pub fn from_internet(chart: &Chart<'_>, classes: &Classes) -> Vec<Set> {
    let mut known: BTreeMap<Vec<Flows>, Set> = BTreeMap::new();
    let mut of = |ways: &[Way]| known.entry(surely(ways)).or_insert_with_key(|boxes| Set::of(boxes)).clone();
    let speakers = (0..classes.members.len()).filter_map(|class| classes.speaker(class));
    speakers.flat_map(|i| FAMILIES.map(|family| of(&ways::to_interface(chart, Place::Internet, i, family)))).collect()
}

/// Everything that the internet can open a flow to, whether or not answers come back; the worst first.
#[must_use]
pub fn exposure(chart: &Chart<'_>) -> Vec<Flow> {
    let (classes, teller) = (Classes::of(chart, Detail::Groups), Teller::new(chart));
    let mut found = vec![];
    for kind in kinds(&[(chart, &classes)]) {
        let interfaces = kind.first.first().cloned().unwrap_or_default();
        for family in FAMILIES {
            let ways = into([chart, chart], 0, &End::Internet, &interfaces, family);
            if ways.is_empty() {
                continue;
            }
            let to = End::Named(kind.names.clone());
            let key = (&End::Internet, &to, family);
            let sure = surely(&ways);
            let doubted = boxes(&ways, |w| w.doubt.is_some());
            let delivered = boxes(&ways, |w| w.doubt.is_none() && !w.answered);
            found.extend(teller.pair(key, &ways, Some(sure.clone())));
            found.extend(teller.pair(key, &ways, without(&doubted, &sure)).into_iter().map(|f| f.doubted(&ways)));
            let one_way = teller.pair(key, &ways, without(&delivered, &doubted_or_sure(&ways)));
            found.extend(one_way.into_iter().map(|f| Flow { answered: false, ..f }));
        }
    }
    let mut found = together(found);
    found.sort_by(|a, b| (a.danger(), &a.service, &a.to).cmp(&(b.danger(), &b.service, &b.to)));
    found
}

/// What surely works.
fn surely(ways: &[Way]) -> Vec<Flows> {
    boxes(ways, |w| w.doubt.is_none() && w.answered)
}

/// What works for all that is known.
fn doubted_or_sure(ways: &[Way]) -> Vec<Flows> {
    boxes(ways, |w| w.doubt.is_some() || w.answered)
}

fn boxes(ways: &[Way], which: impl Fn(&Way) -> bool) -> Vec<Flows> {
    ways.iter().filter(|w| which(w)).map(|w| w.flows).collect()
}

/// What is in one set and not in another; `None` is too complex.
fn without(from: &[Flows], cut: &[Flows]) -> Option<Vec<Flows>> {
    without_boxes(from.to_vec(), cut, BOXES_MAX)
}
