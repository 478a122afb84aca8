//! Route tables cut into ranges that do not overlap, the longest prefix and the higher priority resolved. Layer 5.

use std::collections::BTreeMap;

use crate::{
    base::cidr::Family,
    net::{Attached, Destination, Id, RouteTable, TransitTable},
    prove::packet::Range,
};

use super::{Both, Chart};

/// Where a table sends a range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Into the VPC, by the route that every table has even where it is not listed.
    Local,
    /// By this route of the table.
    Route(usize),
    /// By one of several routes whose prefix lists overlap; the first of them.
    Unclear(usize),
}

/// Where a transit gateway's table sends a range of addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransitChoice {
    /// To this attachment; none is a black hole.
    pub attachment: Option<Id>,
    /// The route in the table's list; none was learnt from a VPC's networks.
    pub route: Option<usize>,
}

/// A route table.
#[derive(Debug, Default)]
pub struct Table {
    /// Ranges in order; what none holds has no route.
    pub ranges: Both<Vec<(Range, Choice)>>,
    /// Routes to prefix lists whose entries are not known.
    pub unknown: Vec<usize>,
}

/// A candidate: prefix, rank (a higher one wins among equal prefixes), range, what.
type Candidate<T> = (u8, u8, Range, T);

/// Lays more specific ranges over less specific ones.
fn overlay<T: Clone + PartialEq>(mut candidates: Vec<Candidate<T>>, tie: impl Fn(&T, &T) -> T) -> Vec<(Range, T)> {
    candidates.sort_by_key(|(prefix, rank, range, _)| (*prefix, *rank, range.lo));
    let mut laid: BTreeMap<u128, (u128, u8, u8, T)> = BTreeMap::new();
    for (prefix, rank, range, what) in candidates {
        // Networks nest or are apart: at most one laid range sticks out over this one.
        let before = laid.range(..range.lo).next_back().map(|(lo, held)| (*lo, held.clone()));
        if let Some((lo, (hi, p, r, held))) = before.filter(|(_, (hi, ..))| *hi >= range.lo) {
            laid.insert(lo, (range.lo - 1, p, r, held.clone()));
            if hi > range.hi {
                laid.insert(range.hi + 1, (hi, p, r, held));
            }
        }
        let covered: Vec<u128> = laid.range(range.lo..=range.hi).map(|(lo, _)| *lo).collect();
        let mut what = what;
        for lo in covered {
            if let Some((hi, p, r, held)) = laid.remove(&lo) {
                if (p, r) == (prefix, rank) && held != what {
                    what = tie(&held, &what);
                }
                if hi > range.hi {
                    laid.insert(range.hi + 1, (hi, p, r, held));
                }
            }
        }
        laid.insert(range.lo, (range.hi, prefix, rank, what));
    }
    laid.into_iter().map(|(lo, (hi, _, _, what))| (Range::new(lo, hi), what)).collect()
}

impl Table {
    /// <https://docs.aws.amazon.com/vpc/latest/userguide/route-tables-priority.html>
    pub(super) fn new(chart: &Chart<'_>, table: &RouteTable) -> Self {
        let vpc = chart.vpc(&table.vpc);
        let locals = |family| vpc.and_then(|v| chart.vpcs.get(v)).map_or(&[][..], |v| v.ranges.of(family).as_slice());
        let mut unknown = vec![];
        for (i, route) in table.routes.iter().enumerate() {
            if chart.networks(&route.destination).is_none() {
                unknown.push(i);
            }
        }
        let ranges = Both::make(|family| {
            let mut candidates: Vec<Candidate<Choice>> = vec![];
            let bits = |range: &Range| {
                let free = (range.hi - range.lo).checked_add(1).map_or(128, u128::ilog2);
                u8::try_from(u32::from(family.bits()) - free.min(u32::from(family.bits()))).unwrap_or(0)
            };
            candidates.extend(locals(family).iter().map(|range| (bits(range), 1, *range, Choice::Local)));
            for (i, route) in table.routes.iter().enumerate() {
                let listed = matches!(route.destination, Destination::PrefixList(_));
                for cidr in chart.networks(&route.destination).unwrap_or_default().into_iter().filter(|c| c.family() == family) {
                    let range = Range::of(cidr);
                    let within = locals(family).iter().any(|l| l.holds(range));
                    if route.propagated && within {
                        continue;
                    }
                    // A listed local route is that very route; anything else for the VPC's own network replaces it.
                    let rank = if route.propagated {
                        2
                    } else if listed {
                        3
                    } else {
                        4
                    };
                    candidates.push((cidr.prefix(), rank, range, Choice::Route(i)));
                }
            }
            overlay(candidates, |held, new| match (held, new) {
                (Choice::Route(i) | Choice::Unclear(i), Choice::Route(j)) => {
                    let target = |n: &usize| table.routes.get(*n).map(|r| (&r.target, r.blackhole));
                    if target(i) == target(j) { *held } else { Choice::Unclear(*i) }
                }
                (_, new) => *new,
            })
        });
        Self { ranges, unknown }
    }

    /// The ranges that meet one.
    pub fn meeting(&self, family: Family, range: Range) -> impl Iterator<Item = &(Range, Choice)> {
        let ranges = self.ranges.of(family);
        let first = ranges.partition_point(|(r, _)| r.hi < range.lo);
        ranges.get(first..).unwrap_or(&[]).iter().take_while(move |(r, _)| r.lo <= range.hi)
    }
}

/// <https://docs.aws.amazon.com/vpc/latest/tgw/how-transit-gateways-work.html#tgw-route-evaluation-overview>
pub(super) fn transit(chart: &Chart<'_>, table: &TransitTable) -> Both<Vec<(Range, TransitChoice)>> {
    let attachment = |id: &Id| chart.net.attachments.iter().find(|a| a.id == *id && a.gateway == table.gateway);
    let rank = |id: &Id| match attachment(id).map(|a| &a.to) {
        Some(Attached::Vpc { .. }) => 3,
        Some(Attached::Outside(_)) => 2,
        _ => 1,
    };
    Both::make(|family| {
        let mut candidates: Vec<Candidate<TransitChoice>> = vec![];
        for (i, route) in table.routes.iter().enumerate() {
            let listed = matches!(route.destination, Destination::PrefixList(_));
            let rank = match (&route.attachment, route.fixed) {
                (_, true) | (None, _) => {
                    if listed {
                        4
                    } else {
                        5
                    }
                }
                (Some(id), false) => rank(id),
            };
            for cidr in chart.networks(&route.destination).unwrap_or_default().into_iter().filter(|c| c.family() == family) {
                let choice = TransitChoice { attachment: route.attachment.clone(), route: Some(i) };
                candidates.push((cidr.prefix(), rank, Range::of(cidr), choice));
            }
        }
        for id in &table.propagations {
            let Some(Attached::Vpc { vpc, .. }) = attachment(id).filter(|a| a.available).map(|a| &a.to) else { continue };
            let cidrs = chart.net.vpcs.iter().find(|v| v.id == *vpc).map_or(&[][..], |v| v.cidrs.as_slice());
            for cidr in cidrs.iter().filter(|c| c.family() == family) {
                let choice = TransitChoice { attachment: Some(id.clone()), route: None };
                candidates.push((cidr.prefix(), rank(id), Range::of(*cidr), choice));
            }
        }
        overlay(candidates, |held, _| held.clone())
    })
}
