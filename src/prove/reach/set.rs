//! Sets of conversations in one form for each set, and that form in words. Layer 5.

use std::collections::BTreeMap;

use crate::{
    base::cidr::Family,
    prove::{
        packet::{Cube, Cuboid, Dim, ICMP_ASKING, Range, protocol, show_address, without_ranges},
        policy::CLIENT_PORTS,
    },
};

/// Conversations between two named ends: protocol, the server's port or the ICMP code, the client's port or the ICMP
/// type, then the addresses of ends that have no name of their own.
pub type Flows = Cuboid<5>;

/// What stands for an address that goes without saying.
const UNSAID: Range = Range { lo: 0, hi: 0 };

/// A cube as flows; an end that has a name goes without its address.
///
/// Where a protocol has codes or no ports at all, the last value stands for all beyond it, so that the whole of any
/// protocol looks the same. So does the first port from which a client with a name begins, for all below it.
#[must_use]
pub fn flows(cube: &Cube, client: bool, server: bool) -> Flows {
    let number = cube.get(Dim::Protocol);
    let (first, last) = match number.lo {
        protocol::TCP | protocol::UDP => (if client { 0 } else { CLIENT_PORTS.lo }, 65535),
        protocol::ICMP | protocol::ICMPV6 => (0, 255),
        _ => (0, 0),
    };
    let up = |range: Range| if range.hi == last { Range::new(range.lo, 65535) } else { range };
    let down = |range: Range| if range.lo == first { Range::new(0, range.hi) } else { range };
    let end = |said: bool, dim: Dim| if said { cube.get(dim) } else { UNSAID };
    let (first, second) = (down(up(cube.get(Dim::ClientPort))), up(cube.get(Dim::ServerPort)));
    Cuboid([number, second, first, end(client, Dim::Client), end(server, Dim::Server)])
}

/// A set in a form that is the same for the same set: ranges along one dimension, in order, none of which could be joined
/// with the next, each with the set of what it goes with along the others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Set(Vec<(Range, Set)>);

impl Set {
    /// The union of boxes.
    #[must_use]
    pub fn of<const N: usize>(boxes: &[Cuboid<N>]) -> Self {
        let all: Vec<&[Range]> = boxes.iter().map(|b| b.0.as_slice()).collect();
        Self::union(&all)
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each box is what is left of one along the dimensions from here on.
    fn union(boxes: &[&[Range]]) -> Self {
        let heads: Vec<(Range, &[Range])> = boxes.iter().filter_map(|b| b.split_first().map(|(head, rest)| (*head, rest))).collect();
        let mut cuts: Vec<u128> = heads.iter().flat_map(|(r, _)| [Some(r.lo), r.hi.checked_add(1)]).flatten().collect();
        cuts.sort_unstable();
        cuts.dedup();
        let mut known: BTreeMap<Vec<&[Range]>, Set> = BTreeMap::new();
        let mut found: Vec<(Range, Set)> = vec![];
        for (i, lo) in cuts.iter().enumerate() {
            let range = Range::new(*lo, cuts.get(i + 1).map_or(u128::MAX, |next| next - 1));
            let mut rests: Vec<&[Range]> = heads.iter().filter(|(head, _)| head.holds(range)).map(|(_, rest)| *rest).collect();
            if rests.is_empty() {
                continue;
            }
            rests.sort_unstable();
            rests.dedup();
            let set = known.entry(rests).or_insert_with_key(|rests| Self::union(rests)).clone();
            match found.last_mut() {
                Some((before, same)) if before.hi.checked_add(1) == Some(range.lo) && *same == set => before.hi = range.hi,
                _ => found.push((range, set)),
            }
        }
        Set(found)
    }

    /// The set as products, a list of ranges along each dimension.
    fn products(&self) -> Vec<Vec<Vec<Range>>> {
        let mut groups: Vec<(&Set, Vec<Range>)> = vec![];
        for (range, set) in &self.0 {
            match groups.iter_mut().find(|(s, _)| *s == set) {
                Some((_, ranges)) => ranges.push(*range),
                None => groups.push((set, vec![*range])),
            }
        }
        let mut found = vec![];
        for (set, ranges) in groups {
            if set.0.is_empty() {
                found.push(vec![ranges]);
                continue;
            }
            for rest in set.products() {
                let mut whole = vec![ranges.clone()];
                whole.extend(rest);
                found.push(whole);
            }
        }
        found
    }

    /// The set as services, each with the clients and servers that it goes between.
    #[must_use]
    pub fn services(&self, family: Family) -> Vec<Service> {
        let mut found = vec![];
        for product in self.products() {
            let [numbers, seconds, firsts, clients, servers] = product.as_slice() else { continue };
            for (name, boxes) in named(family, numbers, seconds, firsts) {
                found.push(Service { name, boxes, clients: clients.clone(), servers: servers.clone() });
            }
        }
        found
    }
}

/// Some flows, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// `tcp/22`.
    pub name: String,
    /// Protocol, second and first of [`Flows`].
    pub boxes: Vec<Cuboid<3>>,
    /// Who begins.
    pub clients: Vec<Range>,
    /// Who answers.
    pub servers: Vec<Range>,
}

impl Service {
    /// Whether some of it lies in a box.
    #[must_use]
    pub fn meets(&self, flows: &Flows) -> bool {
        let [number, second, first, client, server] = flows.0;
        self.boxes.iter().any(|b| b.meet(&Cuboid([number, second, first])).is_some())
            && self.clients.iter().any(|c| c.meet(client).is_some())
            && self.servers.iter().any(|s| s.meet(server).is_some())
    }
}

/// A product of protocols, ports and client ports as services.
fn named(family: Family, numbers: &[Range], seconds: &[Range], firsts: &[Range]) -> Vec<(String, Vec<Cuboid<3>>)> {
    let foreign = if family == Family::V4 { protocol::ICMPV6 } else { protocol::ICMP };
    let whole = |ranges: &[Range]| ranges == [Range::PORTS];
    let covers = |n: u128| numbers.iter().any(|r| r.has(n));
    let boxes =
        |number: Range| -> Vec<Cuboid<3>> { seconds.iter().flat_map(|s| firsts.iter().map(move |f| Cuboid([number, *s, *f]))).collect() };
    if whole(seconds) && whole(firsts) && (0..=255).all(|n| n == foreign || covers(n)) {
        return vec![("all".into(), numbers.iter().flat_map(|n| boxes(*n)).collect())];
    }
    let mut found = vec![];
    for (number, name) in [(protocol::TCP, "tcp"), (protocol::UDP, "udp")] {
        if !covers(number) {
            continue;
        }
        let clients = if firsts.iter().any(|f| f.holds(CLIENT_PORTS)) {
            String::new()
        } else {
            format!(" from client ports {}", shown(firsts, 65535))
        };
        for second in seconds {
            let ports = if *second == Range::PORTS { String::new() } else { format!("/{}", shown(&[*second], 65535)) };
            let boxes = firsts.iter().map(|f| Cuboid([Range::one(number), *second, *f])).collect();
            found.push((format!("{name}{ports}{clients}"), boxes));
        }
    }
    for (number, name) in [(protocol::ICMP, "icmp"), (protocol::ICMPV6, "icmpv6")] {
        if !covers(number) {
            continue;
        }
        let kinds = match firsts {
            [all] if *all == Range::PORTS => String::new(),
            some if some == silent(number) => " that asks for no answer".into(),
            some => format!("/{}", shown(some, 255)),
        };
        let codes = if whole(seconds) { String::new() } else { format!(" code {}", shown(seconds, 255)) };
        found.push((format!("{name}{kinds}{codes}"), boxes(Range::one(number))));
    }
    for number in numbers.iter().filter_map(|n| n.meet(protocol::OTHERS)) {
        let name = match number {
            protocol::OTHERS => "other protocols".to_owned(),
            one if one.lo == one.hi => format!("protocol/{}", protocol::iana(one.lo)),
            some => {
                let mut all: Vec<u8> = (some.lo..=some.hi).map(protocol::iana).collect();
                all.sort_unstable();
                format!("protocols {}", all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
            }
        };
        found.push((name, boxes(number)));
    }
    found
}

/// The ICMP types that nobody answers.
fn silent(number: u128) -> Vec<Range> {
    let asking: Vec<Range> = ICMP_ASKING.iter().filter(|(n, _)| *n == number).map(|(_, kind)| Range::one(*kind)).collect();
    without_ranges(&[Range::PORTS], &asking)
}

/// Numbers up to `last`, which stands for all beyond it.
fn shown(ranges: &[Range], last: u128) -> String {
    let one = |r: &Range| if r.lo == r.hi.min(last) { r.lo.to_string() } else { format!("{}-{}", r.lo, r.hi.min(last)) };
    ranges.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The fewest networks that hold `ranges` and nothing else of `whole`, or the whole but for some where those are fewer;
/// both are in order.
#[must_use]
pub fn networks(family: Family, ranges: &[Range], whole: &[Range]) -> Vec<String> {
    let bits = u32::from(family.bits());
    let all = Range::all(family);
    let anywhere = format!("{}/0", show_address(family, 0));
    let list = |ranges: &[Range]| {
        let mut found = vec![];
        cover((all, 0), bits, ranges, whole, &mut |range, prefix| found.push(format!("{}/{prefix}", show_address(family, range.lo))));
        found
    };
    if met(all, whole).eq(ranges.iter().copied()) {
        return vec![anywhere];
    }
    let listed = list(ranges);
    if listed.len() < 3 {
        return listed;
    }
    let other = list(&between(ranges, whole));
    if other.len() < listed.len() { vec![format!("{anywhere} except {}", other.join(", "))] } else { listed }
}

/// What of `whole` lies between ranges; both are in order.
fn between(ranges: &[Range], whole: &[Range]) -> Vec<Range> {
    let mut left = vec![];
    for range in whole {
        let mut lo = Some(range.lo);
        for cut in met(*range, ranges) {
            left.extend(lo.filter(|lo| *lo < cut.lo).map(|lo| Range::new(lo, cut.lo - 1)));
            lo = cut.hi.checked_add(1);
        }
        left.extend(lo.filter(|lo| *lo <= range.hi).map(|lo| Range::new(lo, range.hi)));
    }
    left
}

/// The parts of ranges in order that lie in one.
pub(super) fn met(range: Range, ranges: &[Range]) -> impl Iterator<Item = Range> {
    let first = ranges.partition_point(|r| r.hi < range.lo);
    ranges.get(first..).unwrap_or(&[]).iter().map_while(move |r| r.meet(range))
}

fn cover((block, prefix): (Range, u32), bits: u32, ranges: &[Range], whole: &[Range], emit: &mut impl FnMut(Range, u32)) {
    let Some(first) = met(block, ranges).next() else { return };
    let (halves, fits) = (halves(block), met(block, ranges).eq(met(block, whole)));
    let lone = halves.iter().find(|half| half.holds(first) && met(block, whole).all(|r| half.holds(r)));
    match (fits, lone) {
        // A block of which only one half counts is no wider than that half.
        (true, None) => emit(block, prefix),
        _ if prefix >= bits => emit(block, prefix),
        _ => halves.into_iter().for_each(|half| cover((half, prefix + 1), bits, ranges, whole, emit)),
    }
}

fn halves(block: Range) -> [Range; 2] {
    let middle = block.lo + (block.hi - block.lo) / 2;
    [Range::new(block.lo, middle), Range::new((middle + 1).min(block.hi), block.hi)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::cidr::Cidr;

    fn ranges(text: &[&str]) -> Vec<Range> {
        text.iter().map(|t| Range::of(t.parse::<Cidr>().expect("a network"))).collect()
    }

    #[test]
    fn a_set_has_one_form_however_it_was_put_together() {
        let cell = |a: u128, b: u128, c: u128, d: u128| Cuboid([Range::new(a, b), Range::new(c, d)]);
        let one = Set::of(&[cell(0, 9, 0, 9)]);
        assert_eq!(one, Set::of(&[cell(0, 4, 0, 9), cell(5, 9, 0, 4), cell(3, 9, 5, 9), cell(5, 9, 2, 7)]));
        assert_ne!(one, Set::of(&[cell(0, 4, 0, 9), cell(5, 9, 0, 4), cell(6, 9, 5, 9)]));
    }

    #[test]
    fn networks_are_as_few_as_can_be() {
        let whole = ranges(&["1.0.0.0/8", "2.0.0.0/7", "11.0.0.0/8"]);
        let shown = |text: &[&str]| networks(Family::V4, &ranges(text), &whole);
        assert_eq!(shown(&["1.0.0.0/8", "2.0.0.0/7", "11.0.0.0/8"]), ["0.0.0.0/0"]);
        assert_eq!(shown(&["11.0.0.0/8"]), ["11.0.0.0/8"]);
        assert_eq!(shown(&["2.0.0.0/9", "2.128.0.0/10"]), ["2.0.0.0/9", "2.128.0.0/10"]);
        assert_eq!(shown(&["2.1.2.3/32"]), ["2.1.2.3/32"]);
        assert_eq!(shown(&["1.0.0.0/8", "2.0.0.0/8", "3.0.0.0/9", "3.128.0.0/10", "11.0.0.0/8"]), ["0.0.0.0/0 except 3.192.0.0/10"]);
    }
}
