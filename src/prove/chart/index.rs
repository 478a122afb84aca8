//! Which interfaces are where, so that nobody has to look through all of them. Layer 5.

use std::{collections::BTreeMap, sync::OnceLock};

use crate::{
    base::cidr::Family,
    net::Id,
    prove::{packet::Range, walk::Spot},
};

use super::{Both, Chart};

/// What is found out of a network when it is first asked for.
#[derive(Default)]
pub(super) struct Index {
    homes: OnceLock<Homes>,
    private: Both<OnceLock<Private>>,
    public: OnceLock<Vec<(u128, usize)>>,
    ways_in: OnceLock<Vec<Spot>>,
}

/// Interfaces by what they are in and what they carry, each list in order.
struct Homes {
    /// By number.
    subnets: Vec<Vec<usize>>,
    /// By number.
    groups: Vec<Vec<usize>>,
    /// Subnets and groups that the model lacks.
    absent: BTreeMap<Id, Vec<usize>>,
}

/// Private addresses of one family, each range once, lowest first.
struct Private {
    ranges: Vec<(Range, Vec<usize>)>,
    /// The highest address of each range and all before it.
    highest: Vec<u128>,
}

impl Homes {
    fn of(chart: &Chart<'_>) -> Self {
        let mut homes =
            Self { subnets: vec![vec![]; chart.subnets.len()], groups: vec![vec![]; chart.groups.len()], absent: BTreeMap::new() };
        for (i, (at, interface)) in chart.interfaces.iter().zip(&chart.net.interfaces).enumerate() {
            match homes.subnets.get_mut(at.subnet) {
                Some(of) => of.push(i),
                None => homes.absent.entry(interface.subnet.clone()).or_default().push(i),
            }
            for group in &at.groups {
                if let Some(of) = homes.groups.get_mut(*group) {
                    of.push(i);
                }
            }
            for id in interface.groups.iter().filter(|_| at.missing_group.is_some()).filter(|g| chart.group(g).is_none()) {
                homes.absent.entry(id.clone()).or_default().push(i);
            }
        }
        homes
    }
}

impl Private {
    fn of(chart: &Chart<'_>, family: Family) -> Self {
        let of = |(i, at): (usize, &super::InterfaceAt)| {
            at.addresses.iter().filter(|a| a.family == family).map(|a| (a.range, i)).collect::<Vec<_>>()
        };
        let mut all: Vec<(Range, usize)> = chart.interfaces.iter().enumerate().flat_map(of).collect();
        all.sort_unstable();
        let (mut ranges, mut highest): (Vec<(Range, Vec<usize>)>, Vec<u128>) = (vec![], vec![]);
        for (range, interface) in all {
            match ranges.last_mut() {
                Some((last, of)) if *last == range => of.push(interface),
                _ => {
                    ranges.push((range, vec![interface]));
                    highest.push(highest.last().map_or(range.hi, |h| range.hi.max(*h)));
                }
            }
        }
        Self { ranges, highest }
    }

    /// The interfaces with an address in a range.
    fn meeting(&self, whole: Range) -> impl Iterator<Item = usize> {
        let first = self.highest.partition_point(|h| *h < whole.lo);
        let near = self.ranges.get(first..).unwrap_or(&[]).iter().take_while(move |(r, _)| r.lo <= whole.hi);
        near.filter(move |(r, _)| r.meet(whole).is_some()).flat_map(|(_, of)| of).copied()
    }
}

impl Chart<'_> {
    /// The interfaces that are in a VPC or a subnet or carry a group, in order. What the model lacks is known by its id alone.
    #[must_use]
    pub fn interfaces_at(&self, id: &Id) -> Vec<usize> {
        let homes = self.index.homes.get_or_init(|| Homes::of(self));
        let (vpc, subnet, group) = (self.vpc(id), self.subnet(id), self.group(id));
        if (vpc, subnet, group) == (None, None, None) {
            return sorted(homes.absent.get(id).into_iter().flatten().copied().collect());
        }
        let in_vpc = vpc.and_then(|v| self.vpcs.get(v)).map_or(&[][..], |v| v.subnets.as_slice());
        let subnets = in_vpc.iter().copied().chain(subnet).filter_map(|s| homes.subnets.get(s));
        sorted(subnets.chain(group.and_then(|g| homes.groups.get(g))).flatten().copied().collect())
    }

    /// The interfaces with an address of a family, private or public, in a range, in order.
    #[must_use]
    pub fn interfaces_within(&self, family: Family, whole: Range) -> Vec<usize> {
        let mut found: Vec<usize> = self.index.private.of(family).get_or_init(|| Private::of(self, family)).meeting(whole).collect();
        if family == Family::V4 {
            let public = self.index.public.get_or_init(|| self.by_public());
            let first = public.partition_point(|(n, _)| *n < whole.lo);
            found.extend(public.get(first..).unwrap_or(&[]).iter().take_while(|(n, _)| *n <= whole.hi).map(|(_, i)| *i));
        }
        sorted(found)
    }

    /// Interfaces by their public addresses, which in what is read badly two may share.
    fn by_public(&self) -> Vec<(u128, usize)> {
        let of = self.interfaces.iter().enumerate().flat_map(|(i, at)| at.addresses.iter().filter_map(move |a| Some((a.public?, i))));
        sorted(of.collect())
    }

    /// The ways into the model from what it does not hold, worked out once.
    pub(in crate::prove) fn ways_in(&self, find: impl Fn() -> Vec<Spot>) -> &[Spot] {
        self.index.ways_in.get_or_init(find)
    }
}

fn sorted<T: Ord>(mut all: Vec<T>) -> Vec<T> {
    all.sort_unstable();
    all.dedup();
    all
}
