//! Flows in words, and those that are alike as one. Layer 5.

use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

use crate::{
    base::cidr::Family,
    prove::{
        chart::{Both, Chart},
        packet::Range,
        policy::words,
        reason::Reason,
        walk::Line,
    },
};

use super::{
    Flow, LineAt, danger,
    set::{self, Flows, Service, Set, networks},
    ways::{self, End, Way},
};

/// Says ways in words.
pub(super) struct Teller<'c, 'n> {
    pub chart: &'c Chart<'n>,
    /// What is outside, to tell networks by.
    internet: Both<Vec<Range>>,
    /// What was told before.
    told: RefCell<BTreeMap<Vec<Range>, Option<Vec<String>>>>,
    services: RefCell<BTreeMap<Vec<Flows>, Vec<Service>>>,
}

impl<'c, 'n> Teller<'c, 'n> {
    pub fn new(chart: &'c Chart<'n>) -> Self {
        Self { chart, internet: ways::internet(chart), told: RefCell::default(), services: RefCell::default() }
    }

    /// The flows of one pair of ends.
    pub fn pair(&self, (from, to, family): (&End, &End, Family), ways: &[Way], boxes: Option<Vec<Flows>>) -> Vec<Flow> {
        let flow = |service: String, sources: Vec<String>, destinations: Vec<String>, lines: Vec<LineAt>| Flow {
            from: from.to_string(),
            to: to.to_string(),
            all_from: names(from),
            all_to: names(to),
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
        if boxes.is_empty() {
            return found;
        }
        let services = self.services.borrow_mut().entry(boxes).or_insert_with_key(|boxes| Set::of(boxes).services(family)).clone();
        for service in services {
            let sources = self.networks(from, family, &service.clients);
            let destinations = self.networks(to, family, &service.servers);
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
                let tell = |ranges: &Vec<Range>| {
                    let whole = self.internet.of(family);
                    let part: Vec<Range> = ranges.iter().flat_map(|r| set::met(*r, whole)).collect();
                    (!part.is_empty()).then(|| networks(family, &part, whole))
                };
                self.told.borrow_mut().entry(ranges.to_vec()).or_insert_with_key(tell).clone()
            }
        }
    }

    /// The lines on the ways of some flows, in the order in which a packet meets them.
    fn lines(&self, ways: &[Way], service: &Service) -> Vec<LineAt> {
        let chart = self.chart;
        let mut seen: Vec<(Line, bool)> = vec![];
        let mut found: Vec<LineAt> = vec![];
        for way in ways.iter().filter(|w| service.meets(&w.flows)) {
            for (line, answer) in way.trail.lines() {
                if seen.contains(&(line, answer)) {
                    continue;
                }
                seen.push((line, answer));
                let Some(origin) = words::origin(chart, line) else { continue };
                found.push(LineAt { text: words::line_words(chart, line), of: chart.name(line.owner()), origin, answer });
            }
        }
        found.sort_by_key(|l| l.answer);
        found
    }
}

impl Flow {
    /// With the reason why it is only possible.
    pub(super) fn doubted(self, ways: &[Way]) -> Self {
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

/// The names of an end that has some.
fn names(end: &End) -> Vec<Arc<str>> {
    if let End::Named(names) = end { names.clone() } else { vec![] }
}

/// Flows that differ in one end or in family only, as one: `instance.web and 48 more`.
pub(super) fn together(flows: Vec<Flow>) -> Vec<Flow> {
    let mut whole: Vec<Flow> = vec![];
    let mut known: BTreeMap<_, usize> = BTreeMap::new();
    for flow in flows {
        let key = (flow.from.clone(), flow.to.clone(), flow.service.clone(), flow.doubt.clone(), flow.answered);
        match known.get(&key).and_then(|i| whole.get_mut(*i)) {
            Some(one) => {
                one.sources.extend(flow.sources);
                one.destinations.extend(flow.destinations);
                one.lines.extend(flow.lines.into_iter().filter(|l| !one.lines.contains(l)).collect::<Vec<_>>());
                one.lines.sort_by_key(|l| l.answer);
            }
            None => {
                known.insert(key, whole.len());
                whole.push(flow);
            }
        }
    }
    let by_to = alike(whole, |f| (f.from.clone(), f.all_from.clone()), |f| &mut f.to, |f| &mut f.all_to);
    alike(by_to, |f| (f.to.clone(), f.all_to.clone()), |f| &mut f.from, |f| &mut f.all_from)
}

/// Makes one flow of those that differ in the names at one end only. The words for an end are not all of its names.
fn alike(
    flows: Vec<Flow>,
    other: impl Fn(&Flow) -> (String, Vec<Arc<str>>),
    end: impl Fn(&mut Flow) -> &mut String,
    names: impl Fn(&mut Flow) -> &mut Vec<Arc<str>>,
) -> Vec<Flow> {
    let mut groups: Vec<Flow> = vec![];
    let mut known: BTreeMap<_, usize> = BTreeMap::new();
    for mut flow in flows {
        let own = std::mem::take(names(&mut flow));
        // An end without names is outside, and like none but itself.
        let key = (other(&flow), flow.key(), own.is_empty().then(|| end(&mut flow).clone()));
        match known.get(&key).and_then(|i| groups.get_mut(*i)) {
            Some(one) => names(one).extend(own),
            None => {
                known.insert(key, groups.len());
                *names(&mut flow) = own;
                groups.push(flow);
            }
        }
    }
    for flow in &mut groups {
        let told = match names(flow).as_slice() {
            [] => continue,
            [one] => one.to_string(),
            [one, two] => format!("{one} and {two}"),
            [one, rest @ ..] => format!("{one} and {} more", rest.len()),
        };
        *end(flow) = told;
    }
    groups
}
