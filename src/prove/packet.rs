//! Sets of packets and of conversations as boxes. Layer 5; knows no network.
//!
//! A [`Header`] box is what a filter sees of a packet; a [`Cube`] is a set of conversations: who begins, to whom, with
//! which ports. A [`View`] says how the headers of a conversation's packets look at one place on their way, after
//! whatever gateways have rewritten; through it a filter on headers narrows the conversation itself, exactly, whether
//! the packet goes forth or comes back.

use crate::base::{
    cidr::{Cidr, Family},
    service::{Ports, Service},
};

/// A range of numbers, both ends in it; `lo <= hi`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Range {
    /// The lowest.
    pub lo: u128,
    /// The highest.
    pub hi: u128,
}

impl Range {
    /// Every port; also what stands for "no ports" with protocols that have none.
    pub const PORTS: Range = Range { lo: 0, hi: 65535 };
    /// Every ICMP type, or code.
    pub const BYTE: Range = Range { lo: 0, hi: 255 };

    /// One number.
    #[must_use]
    pub const fn one(n: u128) -> Self {
        Self { lo: n, hi: n }
    }

    /// Both ends in it.
    #[must_use]
    pub const fn new(lo: u128, hi: u128) -> Self {
        Self { lo, hi }
    }

    /// All addresses of a network.
    #[must_use]
    pub fn of(cidr: Cidr) -> Self {
        Self { lo: cidr.first_number(), hi: cidr.last_number() }
    }

    /// Every address of a family.
    #[must_use]
    pub fn all(family: Family) -> Self {
        match family {
            Family::V4 => Self::of(Cidr::ANYWHERE_V4),
            Family::V6 => Self::of(Cidr::ANYWHERE_V6),
        }
    }

    /// What both hold.
    #[must_use]
    pub fn meet(self, other: Range) -> Option<Range> {
        let (lo, hi) = (self.lo.max(other.lo), self.hi.min(other.hi));
        (lo <= hi).then_some(Range { lo, hi })
    }

    /// What lies below and above `other`.
    #[must_use]
    pub fn without(self, other: Range) -> [Option<Range>; 2] {
        if self.meet(other).is_none() {
            return [Some(self), None];
        }
        let below = (self.lo < other.lo).then(|| Range::new(self.lo, other.lo - 1));
        let above = (self.hi > other.hi).then(|| Range::new(other.hi + 1, self.hi));
        [below, above]
    }

    /// Whether all of `other` lies in this.
    #[must_use]
    pub fn holds(self, other: Range) -> bool {
        self.lo <= other.lo && other.hi <= self.hi
    }

    /// Whether the number lies in this.
    #[must_use]
    pub fn has(self, n: u128) -> bool {
        self.lo <= n && n <= self.hi
    }
}

/// Cuts ranges out of ranges.
#[must_use]
pub fn without_ranges(from: &[Range], cut: &[Range]) -> Vec<Range> {
    let mut left = from.to_vec();
    for c in cut {
        left = left.into_iter().flat_map(|r| r.without(*c)).flatten().collect();
    }
    left
}

/// A box of `N` dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cuboid<const N: usize>(pub [Range; N]);

impl<const N: usize> Cuboid<N> {
    /// What both hold.
    #[must_use]
    pub fn meet(&self, other: &Self) -> Option<Self> {
        let mut met = *self;
        for (range, other) in met.0.iter_mut().zip(other.0) {
            *range = range.meet(other)?;
        }
        Some(met)
    }

    /// Whether all of `other` lies in this.
    #[must_use]
    pub fn holds(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).all(|(mine, theirs)| mine.holds(theirs))
    }

    /// This without `other`, as disjoint boxes.
    pub fn without(&self, other: &Self, out: &mut Vec<Self>) {
        let Some(core) = self.meet(other) else {
            out.push(*self);
            return;
        };
        let mut rest = *self;
        for (i, middle) in core.0.iter().enumerate() {
            for side in rest.0.get(i).copied().into_iter().flat_map(|r| r.without(*middle)).flatten() {
                let mut piece = rest;
                if let Some(range) = piece.0.get_mut(i) {
                    *range = side;
                }
                out.push(piece);
            }
            if let Some(range) = rest.0.get_mut(i) {
                *range = *middle;
            }
        }
    }
}

/// Cuts boxes out of boxes; `None` if that takes more than `cap` boxes.
#[must_use]
pub fn without_boxes<'a, const N: usize>(
    from: Vec<Cuboid<N>>,
    cut: impl IntoIterator<Item = &'a Cuboid<N>>,
    cap: usize,
) -> Option<Vec<Cuboid<N>>> {
    let mut left = from;
    for c in cut {
        let mut next = Vec::with_capacity(left.len());
        for piece in &left {
            piece.without(c, &mut next);
        }
        left = next;
        if left.len() > cap {
            return None;
        }
        if left.is_empty() {
            break;
        }
    }
    Some(left)
}

/// A set of packets as a filter sees them: source, destination, protocol, then source port or ICMP type, then
/// destination port or ICMP code.
pub type Header = Cuboid<5>;

/// A set of conversations, along the dimensions of [`Dim`].
pub type Cube = Cuboid<7>;

/// What tells conversations apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dim {
    /// The address of whoever begins, as it knows itself.
    Client,
    /// Its port, or the ICMP type of what it sends.
    ClientPort,
    /// The address of whoever answers, as it knows itself once the packet has arrived.
    Server,
    /// Its port, or the ICMP code.
    ServerPort,
    /// The protocol, as [`protocol`] numbers it.
    Protocol,
    /// The port that the first NAT gateway on the way chose.
    FirstNat,
    /// The port that the second one chose.
    SecondNat,
}

impl Cube {
    /// The range along one dimension.
    #[must_use]
    pub fn get(&self, dim: Dim) -> Range {
        self.0.get(dim as usize).copied().unwrap_or(Range::one(0))
    }

    /// This with another range along one dimension.
    #[must_use]
    pub fn put(mut self, dim: Dim, range: Range) -> Self {
        if let Some(slot) = self.0.get_mut(dim as usize) {
            *slot = range;
        }
        self
    }

    /// The part in which one dimension lies in a range.
    #[must_use]
    pub fn within(self, dim: Dim, range: Range) -> Option<Self> {
        Some(self.put(dim, self.get(dim).meet(range)?))
    }

    /// Its lowest conversation.
    #[must_use]
    pub fn corner(&self) -> Cube {
        Cuboid(self.0.map(|r| Range::one(r.lo)))
    }
}

/// Ports that a NAT gateway may choose.
pub const NAT_PORTS: Range = Range { lo: 1024, hi: 65535 };

/// Protocols by secnet's own numbers: TCP, UDP, ICMP and ICMPv6 first, so that all others lie in one range.
pub mod protocol {
    use super::Range;

    /// TCP.
    pub const TCP: u128 = 0;
    /// UDP.
    pub const UDP: u128 = 1;
    /// ICMP.
    pub const ICMP: u128 = 2;
    /// ICMPv6.
    pub const ICMPV6: u128 = 3;
    /// All others.
    pub const OTHERS: Range = Range { lo: 4, hi: 255 };
    /// Every one.
    pub const ALL: Range = Range { lo: 0, hi: 255 };

    const NAMED: [u8; 4] = [6, 17, 1, 58];

    /// From the number that IANA gave it.
    #[must_use]
    pub fn of(iana: u8) -> u128 {
        match NAMED.iter().position(|n| *n == iana) {
            Some(i) => i as u128,
            None => u128::from(iana) + 4 - NAMED.iter().filter(|n| **n < iana).count() as u128,
        }
    }

    /// The number that IANA gave it.
    #[must_use]
    pub fn iana(number: u128) -> u8 {
        (0..=255u8).find(|n| of(*n) == number).unwrap_or(255)
    }
}

/// A service apart from addresses: protocol, source port or ICMP type, destination port or ICMP code.
pub type Traffic = [Range; 3];

/// The traffic of a service, as a filter reads it: `all` is one box.
#[must_use]
pub fn traffic(service: &Service) -> Vec<Traffic> {
    let ports = |number: u128, ports: &[Ports]| {
        let ports = if ports.is_empty() { &[Ports::ALL] } else { ports };
        ports.iter().map(|p| [Range::one(number), Range::PORTS, Range::new(p.from.into(), p.to.into())]).collect()
    };
    let icmp = |number: u128, kind: Option<u8>, code: Option<u8>| {
        let byte = |n: Option<u8>| n.map_or(Range::BYTE, |n| Range::one(n.into()));
        vec![[Range::one(number), byte(kind), byte(code)]]
    };
    match service {
        Service::All => vec![[protocol::ALL, Range::PORTS, Range::PORTS]],
        Service::Tcp(list) => ports(protocol::TCP, list),
        Service::Udp(list) => ports(protocol::UDP, list),
        Service::Icmp(kind, code) => icmp(protocol::ICMP, *kind, *code),
        Service::Icmpv6(kind, code) => icmp(protocol::ICMPV6, *kind, *code),
        Service::Protocol(n) => vec![[Range::one(protocol::of(*n)), Range::PORTS, Range::PORTS]],
    }
}

/// The traffic of a service as packets exist: protocols with ports, ICMP and the rest apart; of the two ICMPs only the
/// one that the family has; one value where a protocol has no ports.
#[must_use]
pub fn conversations(service: &Service, client_ports: Range, family: Family) -> Vec<Traffic> {
    let foreign = if family == Family::V4 { protocol::ICMPV6 } else { protocol::ICMP };
    let classes = [
        [Range::one(protocol::TCP), client_ports, Range::PORTS],
        [Range::one(protocol::UDP), client_ports, Range::PORTS],
        [Range::one(protocol::ICMP), Range::BYTE, Range::BYTE],
        [Range::one(protocol::ICMPV6), Range::BYTE, Range::BYTE],
        [protocol::OTHERS, Range::one(0), Range::one(0)],
    ];
    let all = traffic(service);
    let mut found = vec![];
    for class in classes.into_iter().filter(|[number, ..]| *number != Range::one(foreign)) {
        found.extend(all.iter().filter_map(|t| Cuboid(*t).meet(&Cuboid(class))).map(|b| b.0));
    }
    found
}

/// Where a field of a header comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// It is the conversation's own.
    Is(Dim),
    /// A gateway, or the protocol, has put this there.
    Fixed(u128),
}

/// How the headers of a conversation's packets look at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Source address.
    pub source: Field,
    /// Destination address.
    pub destination: Field,
    /// Source port or ICMP type.
    pub first: Field,
    /// Destination port or ICMP code.
    pub second: Field,
}

impl View {
    /// As the client sends them.
    pub const SENT: View = View {
        source: Field::Is(Dim::Client),
        destination: Field::Is(Dim::Server),
        first: Field::Is(Dim::ClientPort),
        second: Field::Is(Dim::ServerPort),
    };

    /// The answer to packets that look like this, with ports.
    #[must_use]
    pub fn answered(self) -> View {
        View { source: self.destination, destination: self.source, first: self.second, second: self.first }
    }

    /// The answer to an ICMP message, which has this type.
    #[must_use]
    pub fn answered_by(self, kind: u128) -> View {
        View { source: self.destination, destination: self.source, first: Field::Fixed(kind), second: Field::Fixed(0) }
    }
}

/// The type of the ICMP message that answers one, where one does (IANA, "ICMP Parameters" and "ICMPv6 Parameters").
#[must_use]
pub fn icmp_answer(number: u128, kind: u128) -> Option<u128> {
    match (number, kind) {
        (protocol::ICMP, 8) => Some(0),
        (protocol::ICMP, 13 | 15 | 17) => Some(kind + 1),
        (protocol::ICMPV6, 128) => Some(129),
        _ => None,
    }
}

/// The ICMP types that are answered.
pub const ICMP_ASKING: [(u128, u128); 5] =
    [(protocol::ICMP, 8), (protocol::ICMP, 13), (protocol::ICMP, 15), (protocol::ICMP, 17), (protocol::ICMPV6, 128)];

impl Cube {
    /// What a field of the headers holds.
    #[must_use]
    pub fn field(&self, field: Field) -> Range {
        match field {
            Field::Is(dim) => self.get(dim),
            Field::Fixed(n) => Range::one(n),
        }
    }

    /// The part whose headers have a field in a range.
    #[must_use]
    pub fn where_field(self, field: Field, range: Range) -> Option<Self> {
        match field {
            Field::Is(dim) => self.within(dim, range),
            Field::Fixed(n) => range.has(n).then_some(self),
        }
    }

    /// The part whose headers lie in a box.
    #[must_use]
    pub fn where_header(&self, view: &View, header: &Header) -> Option<Self> {
        let [source, destination, number, first, second] = header.0;
        self.within(Dim::Protocol, number)?
            .where_field(view.source, source)?
            .where_field(view.destination, destination)?
            .where_field(view.first, first)?
            .where_field(view.second, second)
    }

    /// The parts whose headers have a field outside a range.
    pub fn where_not(&self, field: Field, range: Range) -> impl Iterator<Item = Cube> {
        let parts = match field {
            Field::Is(dim) => self.get(dim).without(range).map(|part| part.map(|r| self.put(dim, r))),
            Field::Fixed(n) => [(!range.has(n)).then_some(*self), None],
        };
        parts.into_iter().flatten()
    }

    /// Its headers as they look at a place.
    #[must_use]
    pub fn header(&self, view: &View) -> Header {
        let [source, destination, first, second] = [view.source, view.destination, view.first, view.second].map(|f| self.field(f));
        Cuboid([source, destination, self.get(Dim::Protocol), first, second])
    }
}

/// An address as people write it.
#[must_use]
pub fn show_address(family: Family, n: u128) -> String {
    match family {
        Family::V4 => std::net::Ipv4Addr::from_bits(u32::try_from(n).unwrap_or(u32::MAX)).to_string(),
        Family::V6 => std::net::Ipv6Addr::from_bits(n).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn boxes() -> impl Strategy<Value = Vec<Cuboid<3>>> {
        let range = (0u128..8, 0u128..8).prop_map(|(a, b)| Range::new(a.min(b), a.max(b)));
        prop::collection::vec([range.clone(), range.clone(), range].prop_map(Cuboid), 0..6)
    }

    fn has(boxes: &[Cuboid<3>], point: [u128; 3]) -> usize {
        boxes.iter().filter(|b| b.0.iter().zip(point).all(|(r, p)| r.has(p))).count()
    }

    proptest! {
        #[test]
        fn cutting_leaves_each_point_outside_once_and_none_inside(first in boxes(), cut in boxes()) {
            let one: Vec<Cuboid<3>> = first.into_iter().take(1).collect();
            let left = without_boxes(one.clone(), &cut, 10_000).expect("small");
            for (x, y, z) in (0..8).flat_map(|x| (0..8).flat_map(move |y| (0..8).map(move |z| (x, y, z)))) {
                let wanted = has(&one, [x, y, z]) == 1 && has(&cut, [x, y, z]) == 0;
                prop_assert_eq!(has(&left, [x, y, z]), usize::from(wanted));
            }
        }
    }

    #[test]
    fn protocols_keep_their_numbers() {
        let mut seen: Vec<u128> = (0..=255u8).map(protocol::of).collect();
        assert!((0..=255u8).all(|n| protocol::iana(protocol::of(n)) == n));
        seen.sort_unstable();
        assert_eq!(seen, (0..256).collect::<Vec<u128>>());
    }
}
