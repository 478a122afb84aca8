//! Interfaces that fare alike, so that one of them speaks for all. Layer 5.
//!
//! Filters and tables know addresses by the networks that they name. Two addresses that lie in the same of all these
//! networks fare alike wherever they go, if their subnets and groups are alike, too.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::cidr::Family,
    net::{Attached, Id, Owner, Target},
    prove::{
        chart::{Both, Chart, PeerAt, RuleAt},
        packet::{Header, Range},
        walk::{NEVER_FORWARDED, NOT_ROUTED},
    },
};

use super::ways::FAMILIES;

/// Which of a chart's networks an address lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cell {
    /// In these and no others.
    In(u32),
    /// A range that is cut by some network's edge is like none but itself.
    Cut(Range),
}

/// Address space cut at the edges of all networks that a chart names; parts that lie in the same networks have one number.
pub struct Cells(Both<Vec<(u128, u32)>>);

impl Cells {
    fn new(chart: &Chart<'_>) -> Self {
        Cells(Both::make(|family| cut(&edges(chart, family))))
    }

    /// Where a range lies.
    pub fn of(&self, family: Family, range: Range) -> Cell {
        let parts = self.0.of(family);
        let first = parts.partition_point(|(lo, _)| *lo <= range.lo).saturating_sub(1);
        let mut within = parts.get(first..).unwrap_or(&[]).iter().take_while(|(lo, _)| *lo <= range.hi).map(|(_, id)| *id);
        match within.next() {
            Some(id) if within.all(|other| other == id) => Cell::In(id),
            _ => Cell::Cut(range),
        }
    }
}

/// Every network that decides anything, apart from subnets' own.
fn edges(chart: &Chart<'_>, family: Family) -> Vec<Range> {
    let net = chart.net;
    let mut all: Vec<Range> = vec![];
    let entries = net.network_acls.iter().flat_map(|a| a.inbound.iter().chain(&a.outbound));
    all.extend(entries.filter(|e| e.network.family() == family).map(|e| Range::of(e.network)));
    for group in &chart.groups {
        let rules = group.ingress.of(family).iter().chain(group.egress.of(family));
        all.extend(rules.flat_map(|r| r.header.0.into_iter().take(2)));
    }
    all.extend(chart.tables.iter().flat_map(|t| t.ranges.of(family).iter().map(|(r, _)| *r)));
    all.extend(chart.transit_tables.iter().flat_map(|t| t.of(family).iter().map(|(r, _)| *r)));
    all.extend(chart.vpcs.iter().flat_map(|v| v.ranges.of(family).iter().copied()));
    let sides = net.peerings.iter().flat_map(|p| &p.sides).flat_map(|s| &s.cidrs);
    all.extend(sides.filter(|c| c.family() == family).map(|c| Range::of(*c)));
    all.extend(NEVER_FORWARDED.iter().chain(&NOT_ROUTED).filter(|(f, _)| *f == family).map(|(_, r)| *r));
    all.extend(shared(chart, family));
    all.sort_unstable();
    all.dedup();
    all
}

/// Addresses that mean another interface elsewhere: those that several VPCs have, and those of interfaces that routes
/// lead to.
fn shared(chart: &Chart<'_>, family: Family) -> Vec<Range> {
    let net = chart.net;
    let targets: BTreeSet<&Id> = net.route_tables.iter().flat_map(|t| &t.routes).filter_map(|r| target(&r.target)).collect();
    let mut seen: BTreeMap<Range, usize> = BTreeMap::new();
    for (at, interface) in chart.interfaces.iter().zip(&net.interfaces) {
        let weight = if targets.contains(&interface.id) { 2 } else { 1 };
        for address in at.addresses.iter().filter(|a| a.family == family) {
            *seen.entry(address.range).or_default() += weight;
        }
    }
    // A range of which AWS will choose is shared in one subnet as well, and all in it fare alike.
    seen.into_iter().filter(|(range, count)| *count > 1 && range.lo == range.hi).map(|(range, _)| range).collect()
}

/// Cuts address space at the edges of ranges: where each part begins, and a number for the ranges that it lies in.
fn cut(ranges: &[Range]) -> Vec<(u128, u32)> {
    let mut at: BTreeMap<u128, (Vec<u32>, Vec<u32>)> = BTreeMap::from([(0, (vec![], vec![]))]);
    for (i, range) in (0u32..).zip(ranges) {
        at.entry(range.lo).or_default().0.push(i);
        if let Some(after) = range.hi.checked_add(1) {
            at.entry(after).or_default().1.push(i);
        }
    }
    let mut open: BTreeSet<u32> = BTreeSet::new();
    let mut numbers: Numbers<Vec<u32>> = Numbers::default();
    let mut parts = vec![];
    for (lo, (begin, end)) in at {
        end.iter().for_each(|i| {
            open.remove(i);
        });
        open.extend(begin);
        parts.push((lo, numbers.of(open.iter().copied().collect())));
    }
    parts
}

/// A number for each key, in the order in which they come.
pub struct Numbers<K>(BTreeMap<K, u32>);

impl<K: Ord> Default for Numbers<K> {
    fn default() -> Self {
        Numbers(BTreeMap::new())
    }
}

impl<K: Ord> Numbers<K> {
    /// That of a key.
    pub fn of(&mut self, key: K) -> u32 {
        let next = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        *self.0.entry(key).or_insert(next)
    }

    /// How many keys there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

/// What makes an address fare as it does: family, where it lies, and where its public one lies.
pub type AddressKey = (Family, Cell, Option<Cell>);

/// A number for the kind of owner, and which it is where that counts.
pub type OwnerKey<'n> = (u8, Option<&'n str>);

/// What of an owner decides whether it answers.
pub fn owner_key(owner: &Owner) -> OwnerKey<'_> {
    match owner {
        Owner::Instance { running: true, .. } | Owner::Other(_) => (0, None),
        Owner::Instance { running: false, .. } => (1, None),
        Owner::NatGateway(id) => (2, Some(id.as_str())),
        Owner::Endpoint(_) => (3, None),
        Owner::TransitGateway => (4, None),
        Owner::Unmodelled { what, .. } => (5, Some(what)),
        Owner::Nobody => (6, None),
    }
}

/// What tells classes apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Subnets count even where they are alike.
    Subnets,
    /// Groups count even where their rules are alike.
    Groups,
    /// Nothing but how packets from and to the outside fare.
    Outside,
}

/// Interfaces by what makes them fare as they do.
pub struct Classes {
    /// The cells of all addresses.
    pub cells: Cells,
    /// The kind of each subnet: those of one kind differ in their own addresses only.
    pub subnets: Vec<u32>,
    /// The interfaces to which routes lead; each is like none but itself.
    pub apart: BTreeSet<usize>,
    /// The class of each interface.
    pub of: Vec<usize>,
    /// The interfaces of each class.
    pub members: Vec<Vec<usize>>,
}

impl Classes {
    /// Those of a chart.
    #[must_use]
    pub fn of(chart: &Chart<'_>, detail: Detail) -> Self {
        let cells = Cells::new(chart);
        let subnets = subnet_kinds(chart);
        let alike = if detail == Detail::Outside { alike_groups(chart) } else { vec![] };
        let targets: BTreeSet<&Id> = chart.net.route_tables.iter().flat_map(|t| &t.routes).filter_map(|r| target(&r.target)).collect();
        let (mut numbers, mut apart) = (Numbers::default(), BTreeSet::new());
        let (mut of, mut members): (Vec<usize>, Vec<Vec<usize>>) = (vec![], vec![]);
        for (i, (at, interface)) in chart.interfaces.iter().zip(&chart.net.interfaces).enumerate() {
            let mut groups: Vec<usize> = at.groups.iter().map(|g| alike.get(*g).copied().unwrap_or(*g)).collect();
            groups.sort_unstable();
            groups.dedup();
            let addresses: Vec<AddressKey> = at.addresses.iter().map(|a| address_key(&cells, a)).collect();
            let kind = subnets.get(at.subnet).copied().unwrap_or(u32::MAX);
            let own = targets.contains(&interface.id).then_some(i);
            apart.extend(own);
            let near = (detail == Detail::Subnets).then_some(at.subnet);
            let own = (own, interface.source_dest_check);
            let key = (near, kind, own, groups, &at.missing_group, owner_key(&interface.owner), addresses);
            let class = numbers.of(key) as usize;
            if class == members.len() {
                members.push(vec![]);
            }
            of.push(class);
            if let Some(class) = members.get_mut(class) {
                class.push(i);
            }
        }
        Classes { cells, subnets, apart, of, members }
    }

    /// One interface that speaks for a class.
    pub fn speaker(&self, class: usize) -> Option<usize> {
        self.members.get(class).and_then(|m| m.first()).copied()
    }
}

/// A number for each group, the same for groups whose rules are the same.
fn alike_groups(chart: &Chart<'_>) -> Vec<usize> {
    let mut numbers = Numbers::default();
    let key = |rules: &Both<Vec<RuleAt>>| -> Vec<(Header, Option<String>)> {
        let all = FAMILIES.iter().flat_map(|f| rules.of(*f));
        let peer = |rule: &RuleAt| (!matches!(rule.peer, PeerAt::Addresses)).then(|| format!("{:?}", rule.peer));
        let mut all: Vec<_> = all.map(|rule| (rule.header, peer(rule))).collect();
        all.sort_unstable();
        all
    };
    chart.groups.iter().map(|g| numbers.of((key(&g.ingress), key(&g.egress))) as usize).collect()
}

/// What makes an address of an interface fare as it does.
pub fn address_key(cells: &Cells, at: &crate::prove::chart::AddressAt) -> AddressKey {
    (at.family, cells.of(at.family, at.range), at.public.map(|n| cells.of(Family::V4, Range::one(n))))
}

fn target(target: &Target) -> Option<&Id> {
    match target {
        Target::Interface(id) => Some(id),
        _ => None,
    }
}

/// Numbers subnets so that those of one number differ in their own addresses only.
fn subnet_kinds(chart: &Chart<'_>) -> Vec<u32> {
    let net = chart.net;
    let mut apart: BTreeSet<&Id> = net.nat_gateways.iter().filter_map(|n| n.subnet.as_ref()).collect();
    for attachment in &net.attachments {
        if let Attached::Vpc { subnets, .. } = &attachment.to {
            apart.extend(subnets);
        }
    }
    apart.extend(net.block_public_access.iter().flat_map(|b| b.exclusions.iter().map(|(id, _)| id)));
    let mut numbers = Numbers::default();
    let key = |(i, (at, subnet)): (usize, (&crate::prove::chart::SubnetAt, &crate::net::Subnet))| {
        (at.vpc, at.table, at.acl, subnet.zone.clone(), apart.contains(&subnet.id).then_some(i))
    };
    chart.subnets.iter().zip(&net.subnets).enumerate().map(|s| numbers.of(key(s))).collect()
}
