//! The algebra of boxes against binary decision diagrams, which hold the same sets of packets by other means: bit by bit.

use biodivine_lib_bdd::{Bdd, BddVariable, BddVariableSet};
use secnet::{
    base::{cidr::Family, service::Service},
    net::{Entry, Net},
    prove::{
        chart::Chart,
        packet::{Cuboid, Header, Range, protocol, without_boxes},
    },
};

use crate::random::{Dice, networks, random_net, seed, service, tell};

/// Headers as decision diagrams.
struct Headers {
    set: BddVariableSet,
    /// The bits of each dimension, highest first.
    bits: [Vec<BddVariable>; 5],
}

impl Headers {
    fn new(family: Family) -> Self {
        let address = u16::from(family.bits());
        let sizes = [address, address, 8, 16, 16];
        let set = BddVariableSet::new_anonymous(sizes.iter().sum());
        let mut all = set.variables().into_iter();
        let bits = sizes.map(|n| all.by_ref().take(n.into()).collect());
        Self { set, bits }
    }

    /// Headers in which one dimension lies in a range.
    fn within(&self, dimension: usize, range: Range) -> Bdd {
        let (mut above, mut below) = (self.set.mk_true(), self.set.mk_true());
        for (i, variable) in self.bits[dimension].iter().rev().enumerate() {
            let (one, zero) = (self.set.mk_var(*variable), self.set.mk_not_var(*variable));
            above = if range.lo >> i & 1 == 1 { one.and(&above) } else { one.or(&above) };
            below = if range.hi >> i & 1 == 1 { zero.or(&below) } else { zero.and(&below) };
        }
        above.and(&below)
    }

    fn of(&self, header: &Header) -> Bdd {
        header.0.iter().enumerate().fold(self.set.mk_true(), |all, (i, range)| all.and(&self.within(i, *range)))
    }

    fn union<'h>(&self, headers: impl IntoIterator<Item = &'h Header>) -> Bdd {
        headers.into_iter().fold(self.set.mk_false(), |all, h| all.or(&self.of(h)))
    }

    /// The packets that an entry is about, from what it says and not from the prover's boxes.
    fn entry(&self, entry: &Entry, inbound: bool) -> Bdd {
        let there = self.within(usize::from(!inbound), Range::of(entry.network));
        let number = |n: u8| self.within(2, Range::one(protocol::of(n)));
        let byte = |dimension: usize, n: Option<u8>| match n {
            Some(n) => self.within(dimension, Range::one(n.into())),
            None => self.within(dimension, Range::BYTE),
        };
        let what = match &entry.service {
            Service::All => self.set.mk_true(),
            Service::Tcp(ports) | Service::Udp(ports) => {
                let every = if ports.is_empty() { self.set.mk_true() } else { self.set.mk_false() };
                let to = ports.iter().fold(every, |all, p| all.or(&self.within(4, Range::new(p.from.into(), p.to.into()))));
                number(if matches!(entry.service, Service::Tcp(_)) { 6 } else { 17 }).and(&to)
            }
            Service::Icmp(kind, code) => number(1).and(&byte(3, *kind)).and(&byte(4, *code)),
            Service::Icmpv6(kind, code) => number(58).and(&byte(3, *kind)).and(&byte(4, *code)),
            Service::Protocol(n) => number(*n),
        };
        there.and(&what)
    }
}

fn same(one: &Bdd, other: &Bdd) -> bool {
    one.xor(other).is_false()
}

fn disjoint(boxes: &[Header]) -> bool {
    boxes.iter().enumerate().all(|(i, one)| boxes[..i].iter().all(|other| one.meet(other).is_none()))
}

fn random_range(dice: &mut Dice, top: u128) -> Range {
    let near = [0, 1, 21, 22, 80, 1023, 1024, 65534, 65535, top / 3, top / 2, top - 1, top].map(|n| n.min(top));
    let (a, b) = (*dice.pick(&near), *dice.pick(&near));
    if dice.one_in(3) { Range::new(0, top) } else { Range::new(a.min(b), a.max(b)) }
}

fn random_header(dice: &mut Dice, family: Family) -> Header {
    let address = Range::all(family).hi;
    Cuboid([address, address, 255, 65535, 65535].map(|top| random_range(dice, top)))
}

#[test]
fn boxes_cut_and_meet_as_decision_diagrams_do() {
    let first = seed() + 6_000_000;
    let cases = networks().div_ceil(4).min(1000);
    let mut boxes = 0;
    for n in first..first + cases {
        let mut dice = Dice(n);
        let family = if dice.one_in(8) { Family::V6 } else { Family::V4 };
        let headers = Headers::new(family);
        let from = random_header(&mut dice, family);
        let cuts: Vec<Header> = (0..dice.below(5)).map(|_| random_header(&mut dice, family)).collect();
        let left = without_boxes(vec![from], &cuts, 100_000).unwrap();
        assert!(same(&headers.union(&left), &headers.of(&from).and_not(&headers.union(&cuts))), "seed {n}: {from:?} without {cuts:?}");
        assert!(disjoint(&left), "seed {n}: {left:?}");
        for cut in &cuts {
            let met = from.meet(cut);
            assert!(same(&headers.union(&met), &headers.of(&from).and(&headers.of(cut))), "seed {n}: {from:?} and {cut:?}");
            assert_eq!(from.holds(cut), headers.of(cut).and_not(&headers.of(&from)).is_false(), "seed {n}: {from:?} holds {cut:?}");
        }
        boxes += left.len();
    }
    tell(format!("{cases} sets of boxes from seed {first}, {boxes} boxes left: the same as decision diagrams"));
}

/// An ACL with up to a dozen entries.
fn random_acls(dice: &mut Dice) -> Net {
    let mut net = random_net(dice);
    for acl in &mut net.network_acls {
        for entries in [&mut acl.inbound, &mut acl.outbound] {
            for entry in entries.clone() {
                entries.push(Entry { number: entry.number.saturating_add(1), allow: !entry.allow, service: service(dice), ..entry });
            }
            entries.sort_by_key(|e| e.number);
        }
    }
    net
}

#[test]
fn acls_let_pass_what_decision_diagrams_of_their_entries_do() {
    let first = seed() + 7_000_000;
    let cases = networks().div_ceil(20).min(200);
    let mut acls = 0;
    for n in first..first + cases {
        let net = random_acls(&mut Dice(n));
        let chart = Chart::new(&net);
        for (acl, at) in net.network_acls.iter().zip(&chart.acls) {
            for family in [Family::V4, Family::V6] {
                let headers = Headers::new(family);
                for (inbound, entries, boxes) in
                    [(true, &acl.inbound, at.inbound.of(family)), (false, &acl.outbound, at.outbound.of(family))]
                {
                    let (mut allowed, mut decided) = (headers.set.mk_false(), headers.set.mk_false());
                    for entry in entries.iter().filter(|e| e.network.family() == family) {
                        let own = headers.entry(entry, inbound);
                        if entry.allow {
                            allowed = allowed.or(&own.and_not(&decided));
                        }
                        decided = decided.or(&own);
                    }
                    let boxes: Vec<Header> = boxes.iter().map(|(header, _)| *header).collect();
                    assert!(same(&headers.union(&boxes), &allowed), "seed {n}: {} {inbound} {family:?}", acl.id);
                    assert!(disjoint(&boxes), "seed {n}: {} {inbound} {family:?}", acl.id);
                    acls += 1;
                }
            }
        }
    }
    tell(format!("{cases} networks from seed {first}, {acls} directions of ACLs: the same as decision diagrams"));
}
