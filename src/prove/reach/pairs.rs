//! What passes between every two interfaces. Layer 5.
//!
//! Interfaces that fare alike form a class, and pairs of classes whose subnets, addresses and applicable rules are alike
//! are asked once: one walk speaks for all of them.

use std::collections::{BTreeSet, HashMap};

use crate::{
    base::cidr::Family,
    net::Target,
    prove::{
        chart::{Chart, PeerAt},
        packet::{Header, Range},
        walk::Place,
    },
};

use super::{
    class::{Classes, Detail, Numbers, address_key, owner_key},
    doubted_or_sure,
    set::Set,
    surely,
    ways::{FAMILIES, to_interface},
};

/// What passes between two interfaces: surely and possibly, of each family.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// What surely works.
    pub sure: [Set; 2],
    /// What works for all that is known.
    pub possible: [Set; 2],
}

/// Links by number; the same link has one number, in whatever network.
#[derive(Default)]
pub struct Links {
    numbers: Numbers<Link>,
    all: Vec<Link>,
}

impl Links {
    fn number(&mut self, link: Link) -> u32 {
        let number = self.numbers.of(link.clone());
        if self.all.len() < self.numbers.count() {
            self.all.push(link);
        }
        number
    }

    /// The number of a link, unless nothing passes by it.
    pub fn some(&self, number: u32) -> Option<u32> {
        let empty = |link: &Link| link.possible.iter().all(Set::is_empty);
        self.get(number).filter(|link| !empty(link)).map(|_| number)
    }

    /// The link of a number.
    #[must_use]
    pub fn get(&self, number: u32) -> Option<&Link> {
        self.all.get(number as usize)
    }
}

/// What one rule admits, told apart from others: which way, how its peer is known, its box.
type RuleKey = (u8, Header, Option<String>);

/// The rules of a list of groups.
struct Rules {
    /// Those for addresses, in and out.
    fixed: [u32; 2],
    /// Those for groups, in and out: the peer and the rule.
    named: [Vec<(usize, u32)>; 2],
}

/// The rules of one group in one direction: those for addresses, those for groups with their peers.
type OneWay = (Vec<u32>, Vec<(usize, u32)>);

/// What makes two pairs alike: the two nets, whether they share a subnet, the rules that apply.
type Alike = (u32, u32, bool, u32, u32);

/// How a class fares by itself: its net, and its groups' rules for addresses, in and out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Plain(u32, [u32; 2]);

/// Who stands close to whom.
#[derive(Default)]
struct Near {
    /// The classes in each subnet.
    in_subnet: HashMap<usize, Vec<usize>>,
    /// The classes with each list of groups.
    of_list: HashMap<usize, Vec<usize>>,
    /// The lists that hold each group.
    holding: HashMap<usize, Vec<usize>>,
    /// The lists with a rule that admits what comes from each group.
    admitting: HashMap<usize, Vec<usize>>,
}

/// The links between all classes of a chart.
pub struct Pairs<'c, 'n> {
    chart: &'c Chart<'n>,
    /// Interfaces of one class share a subnet and fare alike.
    pub classes: Classes,
    /// What makes each class fare as it does, apart from its groups.
    nets: Vec<u32>,
    /// The list of groups of each class.
    lists: Vec<usize>,
    groups: Vec<Vec<usize>>,
    rules: Vec<Rules>,
    applicable: Numbers<(u32, Vec<u32>)>,
    near: Near,
    known: HashMap<Alike, u32>,
    /// What applies to each list, for a list of which a whole row is asked.
    row: Option<(usize, Vec<(u32, u32)>)>,
}

impl<'c, 'n> Pairs<'c, 'n> {
    /// Of a chart.
    #[must_use]
    pub fn new(chart: &'c Chart<'n>) -> Self {
        let classes = Classes::of(chart, Detail::Subnets);
        let forwards = forwards(chart);
        let mut numbers = Numbers::default();
        let mut list_numbers: Numbers<Vec<usize>> = Numbers::default();
        let (mut nets, mut lists, mut groups) = (vec![], vec![], vec![]);
        for members in &classes.members {
            let Some((at, interface, i)) =
                members.first().and_then(|i| Some((chart.interfaces.get(*i)?, chart.net.interfaces.get(*i)?, *i)))
            else {
                continue;
            };
            let mut own = at.groups.clone();
            own.sort_unstable();
            own.dedup();
            let list = list_numbers.of(own.clone()) as usize;
            if list == groups.len() {
                groups.push(own);
            }
            let addresses: Vec<_> = at.addresses.iter().map(|a| address_key(&classes.cells, a)).collect();
            let kind = classes.subnets.get(at.subnet).copied().unwrap_or(u32::MAX);
            let apart = classes.apart.contains(&i).then_some(i);
            let bare = (interface.groups.is_empty(), at.missing_group.clone(), forwards.then_some(list));
            nets.push(numbers.of((kind, apart, owner_key(&interface.owner), addresses, bare)));
            lists.push(list);
        }
        let rules = rules(chart, &groups);
        let (near, applicable) = (Near::default(), Numbers::default());
        let mut pairs = Pairs { chart, classes, nets, lists, groups, rules, applicable, near, known: HashMap::new(), row: None };
        pairs.near = pairs.near();
        pairs
    }

    fn near(&self) -> Near {
        let mut near = Near::default();
        for (class, list) in self.lists.iter().enumerate() {
            near.of_list.entry(*list).or_default().push(class);
            if let Some(subnet) = self.subnet(class) {
                near.in_subnet.entry(subnet).or_default().push(class);
            }
        }
        for (list, (groups, rules)) in self.groups.iter().zip(&self.rules).enumerate() {
            let [ingress, _] = &rules.named;
            groups.iter().for_each(|group| near.holding.entry(*group).or_default().push(list));
            let admitted: BTreeSet<usize> = ingress.iter().map(|(group, _)| *group).collect();
            admitted.into_iter().for_each(|group| near.admitting.entry(group).or_default().push(list));
        }
        near
    }

    /// How a class fares by itself; what passes to or from one that is not [close](Self::close) depends on nothing else.
    #[must_use]
    pub fn plain(&self, class: usize) -> Option<Plain> {
        let rules = self.rules.get(*self.lists.get(class)?)?;
        Some(Plain(*self.nets.get(class)?, rules.fixed))
    }

    /// The classes to which packets of one may pass otherwise than by how each fares by itself: those in its subnet, and those
    /// of which a rule says something that is not about addresses. A class may come twice.
    pub fn close(&self, from: usize) -> impl Iterator<Item = usize> {
        let near = &self.near;
        let list = self.lists.get(from);
        let own = list.and_then(|list| self.groups.get(*list)).into_iter().flatten();
        let admitting = own.filter_map(|group| near.admitting.get(group)).flatten();
        let egress = list.and_then(|list| self.rules.get(*list)).and_then(|rules| rules.named.get(1)).into_iter().flatten();
        let holding = egress.filter_map(|(group, _)| near.holding.get(group)).flatten();
        let lists = admitting.chain(holding).filter_map(|list| near.of_list.get(list)).flatten();
        let subnet = self.subnet(from);
        subnet.and_then(|subnet| near.in_subnet.get(&subnet)).into_iter().flatten().chain(lists).copied()
    }

    fn subnet(&self, class: usize) -> Option<usize> {
        self.classes.speaker(class).and_then(|i| self.chart.interfaces.get(i)).map(|i| i.subnet)
    }

    /// The links from a class to every class, by number; to its own class: between two of its interfaces.
    pub fn row(&mut self, from: usize, links: &mut Links) -> Vec<u32> {
        if let Some(list) = self.lists.get(from).copied() {
            let row = (0..self.groups.len()).map(|peer| (self.one_way(list, peer, 1), self.one_way(peer, list, 0))).collect();
            self.row = Some((list, row));
        }
        (0..self.classes.members.len()).map(|to| self.link(from, to, links)).collect()
    }

    /// How many pairs were asked about, one for all that are alike.
    #[must_use]
    pub fn walks(&self) -> usize {
        self.known.len()
    }

    /// The link from one class to another.
    pub fn link(&mut self, from: usize, to: usize, links: &mut Links) -> u32 {
        let (Some(a), Some(b)) = (self.nets.get(from).copied(), self.nets.get(to).copied()) else { return u32::MAX };
        let near = self.subnet(from) == self.subnet(to);
        let (out, into) = self.apply(from, to);
        if let Some(link) = self.known.get(&(a, b, near, out, into)) {
            return *link;
        }
        let speaker = self.classes.speaker(from);
        // Where a class has one interface only, there is no pair.
        let other = self.classes.members.get(to).and_then(|m| m.iter().find(|i| Some(**i) != speaker)).copied();
        let (Some(speaker), Some(other)) = (speaker, other) else { return u32::MAX };
        let link = links.number(between(self.chart, speaker, other));
        self.known.insert((a, b, near, out, into), link);
        link
    }

    /// Numbers for the rules that apply between two classes, out and in.
    fn apply(&mut self, from: usize, to: usize) -> (u32, u32) {
        let (Some(a), Some(b)) = (self.lists.get(from).copied(), self.lists.get(to).copied()) else { return (u32::MAX, u32::MAX) };
        let known = self.row.as_ref().filter(|(of, _)| *of == a).and_then(|(_, row)| row.get(b)).copied();
        known.unwrap_or_else(|| (self.one_way(a, b, 1), self.one_way(b, a, 0)))
    }

    /// The rules of one list that apply to members of another, in or out.
    fn one_way(&mut self, of: usize, peer: usize, way: usize) -> u32 {
        let none: &[usize] = &[];
        let peers = self.groups.get(peer).map_or(none, Vec::as_slice);
        let Some(rules) = self.rules.get(of) else { return u32::MAX };
        let (Some(fixed), Some(named)) = (rules.fixed.get(way), rules.named.get(way)) else { return u32::MAX };
        let mut apply: Vec<u32> = named.iter().filter(|(g, _)| peers.contains(g)).map(|(_, rule)| *rule).collect();
        apply.sort_unstable();
        apply.dedup();
        self.applicable.of((*fixed, apply))
    }
}

/// What passes between two interfaces.
#[must_use]
pub fn between(chart: &Chart<'_>, from: usize, to: usize) -> Link {
    let ways = FAMILIES.map(|family| to_interface(chart, Place::Interface(from), to, family));
    Link { sure: ways.each_ref().map(|w| Set::of(&surely(w))), possible: ways.each_ref().map(|w| Set::of(&doubted_or_sure(w))) }
}

/// Whether some machine forwards what others send, past its own groups.
fn forwards(chart: &Chart<'_>) -> bool {
    let routes = chart.net.route_tables.iter().flat_map(|t| &t.routes);
    let targets: BTreeSet<_> = routes.filter_map(|r| if let Target::Interface(id) = &r.target { Some(id) } else { None }).collect();
    chart.net.interfaces.iter().any(|i| !i.source_dest_check && targets.contains(&i.id))
}

/// The rules of lists of groups: those for addresses that nobody in the model has are left out.
fn rules(chart: &Chart<'_>, lists: &[Vec<usize>]) -> Vec<Rules> {
    let own = Own::of(chart);
    let mut keys: Numbers<RuleKey> = Numbers::default();
    let mut fixed: Numbers<Vec<u32>> = Numbers::default();
    let mut of_group: Vec<[OneWay; 2]> = vec![];
    for group in &chart.groups {
        let mut both = [OneWay::default(), OneWay::default()];
        for ((fixed, named), (way, rules)) in both.iter_mut().zip([(0, &group.ingress), (1, &group.egress)]) {
            for family in FAMILIES {
                for rule in rules.of(family) {
                    let [source, destination, ..] = rule.header.0;
                    let other = if way == 0 { source } else { destination };
                    let mut key = |peer: Option<String>| keys.of((family_number(family), rule.header, peer));
                    match &rule.peer {
                        PeerAt::Group(peer) => named.push((*peer, key(Some("group".into())))),
                        PeerAt::Addresses if own.meets(family, other) => fixed.push(key(None)),
                        PeerAt::Addresses => {}
                        unknown => fixed.push(key(Some(format!("{unknown:?}")))),
                    }
                }
            }
        }
        of_group.push(both);
    }
    let list = |groups: &Vec<usize>| {
        let mut both = [OneWay::default(), OneWay::default()];
        for of in groups.iter().filter_map(|g| of_group.get(*g)) {
            for ((fixed, named), (f, n)) in both.iter_mut().zip(of) {
                fixed.extend_from_slice(f);
                named.extend_from_slice(n);
            }
        }
        let named = both.each_ref().map(|(_, named)| named.clone());
        let fixed = both.map(|(mut rules, _)| {
            rules.sort_unstable();
            rules.dedup();
            fixed.of(rules)
        });
        Rules { fixed, named }
    };
    lists.iter().map(list).collect()
}

fn family_number(family: Family) -> u8 {
    if family == Family::V4 { 4 } else { 6 }
}

/// Every address of the model's own, private and public.
struct Own {
    single: BTreeSet<(u8, u128)>,
    spread: Vec<(u8, Range)>,
}

impl Own {
    fn of(chart: &Chart<'_>) -> Self {
        let mut own = Own { single: chart.publics.keys().map(|n| (4, *n)).collect(), spread: vec![] };
        for address in chart.interfaces.iter().flat_map(|i| &i.addresses) {
            let family = family_number(address.family);
            if address.range.lo == address.range.hi {
                own.single.insert((family, address.range.lo));
            } else {
                own.spread.push((family, address.range));
            }
        }
        own.spread.sort_unstable();
        own.spread.dedup();
        own
    }

    fn meets(&self, family: Family, range: Range) -> bool {
        let number = family_number(family);
        let spread = |(f, r): &(u8, Range)| *f == number && r.meet(range).is_some();
        self.single.range((number, range.lo)..=(number, range.hi)).next().is_some() || self.spread.iter().any(spread)
    }
}
