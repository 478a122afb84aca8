//! What a network lets through that neither of two others does. Layer 5.

use std::collections::BTreeSet;

use crate::{
    base::cidr::Family,
    net::alike::alike,
    prove::{chart::Chart, walk::Place},
};

use super::{
    Flow, by_end, doubted_or_sure,
    far::Far,
    in_order,
    kinds::{Kind, kinds},
    numbers,
    pairs::{Links, Pairs},
    tell::Teller,
    ways::{self, End, FAMILIES, Way},
    without,
};

/// Flows that may work in a network and in neither of two others whose things go by the same names.
#[must_use]
pub fn beyond(others: [&Chart<'_>; 2], chart: &Chart<'_>) -> Vec<Flow> {
    if others.iter().any(|other| alike(other.net, chart.net)) {
        return vec![];
    }
    let [first, second] = others;
    let mut look = Look { charts: [first, second, chart], teller: Teller::new(chart), found: vec![] };
    let mut pairs = look.charts.map(Pairs::new);
    let all = {
        let classes: Vec<_> = look.charts.iter().zip(&pairs).map(|(chart, pairs)| (*chart, &pairs.classes)).collect();
        kinds(&classes)
    };
    look.outside(&all);
    let (mut links, mut far) = (Links::default(), Far::new(&all, &pairs));
    for (number, from) in all.iter().enumerate() {
        let close = far.close(number, &pairs);
        let differing = far.differing(number, &close, |from, to| {
            let [a, b, is] = numbers(&mut pairs, &mut links, (from, to));
            is != a && is != b
        });
        differing.into_iter().for_each(|to| look.between(from, to));
    }
    in_order(look.found)
}

struct Look<'c, 'n> {
    charts: [&'c Chart<'n>; 3],
    teller: Teller<'c, 'n>,
    found: Vec<Flow>,
}

impl Look<'_, '_> {
    fn ends(&mut self, from: &End, to: &End, family: Family, [a, b, is]: [&[Way]; 3]) {
        let known: Vec<_> = [a, b].into_iter().flat_map(doubted_or_sure).collect();
        let more = without(&doubted_or_sure(is), &known);
        self.found.extend(self.teller.pair((from, to, family), is, more));
    }

    fn between(&mut self, from: &Kind, to: &Kind) {
        let same = std::ptr::eq(from, to);
        let interfaces = |of: &[Vec<usize>], at: usize| of.get(at).cloned().unwrap_or_default();
        let charts = self.charts;
        let ways = |at: usize, family: Family| -> Vec<Way> {
            let others = interfaces(if same { &to.second } else { &to.first }, at);
            let pairs = interfaces(&from.first, at).into_iter().flat_map(|a| others.iter().map(move |b| (a, *b)));
            pairs.flat_map(|(a, b)| ways::to_interface(charts[at], Place::Interface(a), b, family)).collect()
        };
        for family in FAMILIES {
            let [a, b, is] = [0, 1, 2].map(|at| ways(at, family));
            self.ends(&End::Named(from.names.clone()), &End::Named(to.names.clone()), family, [&a, &b, &is]);
        }
    }

    fn outside(&mut self, kinds: &[Kind]) {
        let gateways = self.charts.iter().flat_map(|chart| ways::gateways(chart).into_iter().map(|spot| End::Behind(chart.name(spot))));
        let outsides: BTreeSet<End> = std::iter::once(End::Internet).chain(gateways).collect();
        let none: &[Way] = &[];
        for family in FAMILIES {
            for kind in kinds {
                let name = End::Named(kind.names.clone());
                let interfaces = |at: usize| kind.first.get(at).map_or(&[][..], Vec::as_slice);
                let out = [0, 1, 2].map(|at| {
                    let chart = self.charts[at];
                    by_end(interfaces(at).iter().flat_map(|i| ways::outward(chart, Place::Interface(*i), family)))
                });
                for end in &outsides {
                    self.ends(&name, end, family, out.each_ref().map(|ways| ways.get(end).map_or(none, Vec::as_slice)));
                    let into = [0, 1, 2].map(|at| -> Vec<Way> {
                        let chart = self.charts[at];
                        let Some(place) = ways::place(chart, end) else { return vec![] };
                        interfaces(at).iter().flat_map(|i| ways::to_interface(chart, place, *i, family)).collect()
                    });
                    self.ends(end, &name, family, into.each_ref().map(Vec::as_slice));
                }
            }
            for from in &outsides {
                let through = self.charts.map(|chart| {
                    let place = ways::place(chart, from);
                    by_end(place.map(|place| ways::outward(chart, place, family)).unwrap_or_default())
                });
                for to in &outsides {
                    self.ends(from, to, family, through.each_ref().map(|ways| ways.get(to).map_or(none, Vec::as_slice)));
                }
            }
        }
    }
}
