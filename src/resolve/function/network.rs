//! Functions over networks and addresses, IPv4 and IPv6 alike. Layer 4.

use super::{
    Answer, Argument, ELEMENTS_MAX, Entry, MANY, Refusal,
    argument::{address, bits, list, network, no_element, pending, too_long, value, whole},
    pure, refuse,
};
use crate::{
    base::{
        cidr::{Cidr, Family},
        codes::value as codes,
        diagnostic::Sink,
        span::Span,
    },
    resolve::convert::{attribute_type, is_broken},
    schema::{
        attr::Type,
        value::{Value, subnet},
    },
};

pub(super) const TABLE: &[Entry] = &[
    pure("cidr", "cidr(10.0.0.1, 24)", (2, 2), "The network of an address with a prefix of so many bits.", |a| {
        let (ip, bits) = (address(a, 0)?, bits(a, 1)?);
        let too_long = |_| Refusal::Wrong(1, format!("`{ip}` has fewer than {bits} bits"));
        Cidr::containing(ip, bits).map(Value::Cidr).map_err(too_long)
    }),
    pure(
        "cidrcontains",
        "cidrcontains(10.0.0.0/16, 10.0.1.5)",
        (2, 2),
        "Whether a network holds an address or network, as `contains`.",
        contains,
    ),
    pure("cidrhost", "cidrhost(10.0.1.0/24, 10)", (2, 2), "An address of a network by its number, as `host`.", host),
    pure("cidrnetmask", "cidrnetmask(172.16.0.0/12)", (1, 1), "The mask of an IPv4 network, as `netmask`.", netmask),
    pure(
        "cidrsubnet",
        "cidrsubnet(10.0.0.0/16, 8, 3)",
        (3, 3),
        "One of the networks with so many more bits of prefix, by its number: `subnets(network, new_bits)[n]`.",
        nth,
    ),
    pure(
        "cidrsubnets",
        "cidrsubnets(10.0.0.0/16, 4, 4, 8)",
        (2, MANY),
        "Networks one after the other, each with so many more bits of prefix.",
        consecutive,
    ),
    pure(
        "exclude",
        "exclude(10.0.0.0/16, [10.0.0.0/18, 10.0.128.0/24])",
        (2, 2),
        "What of a network is left without others, as the fewest networks.",
        |a| {
            let whole = network(a, 0)?;
            let mut left = vec![];
            for (first, last) in gaps(whole, &networks(a, 1)?) {
                left.extend(blocks(whole.family(), first, last));
            }
            bounded(left, 1)
        },
    ),
    pure("family", "family(2001:db8::/32)", (1, 1), "\"ipv4\" or \"ipv6\", of a network or an address.", |a| {
        let family = network_or_address(a, 0)?.family();
        Ok(Value::text(if family == Family::V4 { "ipv4" } else { "ipv6" }))
    }),
    pure(
        "first_free",
        "first_free(10.0.0.0/16, [10.0.0.0/24, 10.0.1.0/24], 24)",
        (3, 3),
        "The first network in another that has a prefix of so many bits and overlaps none of those that are taken.",
        first_free,
    ),
    pure("host", "host(10.0.1.0/24, 10)", (2, 2), "An address of a network by its number; -1 is the last.", host),
    // The evaluator answers this: it knows what is declared.
    pure(
        "interfaces",
        "interfaces([])",
        (1, 1),
        "The instances and interfaces that the project puts into a subnet, or into several.",
        |_| Ok(Value::List(vec![])),
    ),
    pure(
        "merge_cidrs",
        "merge_cidrs([10.0.0.0/24, 10.0.1.0/24, 10.0.0.7])",
        (1, 1),
        "The same addresses as the fewest networks, in order.",
        |a| {
            let mut merged = vec![];
            for (family, first, last) in ranges(&networks(a, 0)?) {
                merged.extend(blocks(family, first, last));
            }
            bounded(merged, 0)
        },
    ),
    pure("netmask", "netmask(172.16.0.0/12)", (1, 1), "The mask of an IPv4 network: `255.240.0.0`.", netmask),
    pure("network_address", "network_address(10.0.1.0/24)", (1, 1), "The first address of a network.", |a| {
        Ok(Value::Ip(network(a, 0)?.network()))
    }),
    pure("overlaps", "overlaps(10.0.0.0/16, 10.0.1.0/24)", (2, 2), "Whether two networks share an address.", |a| {
        Ok(Value::Bool(network(a, 0)?.overlaps(network(a, 1)?)))
    }),
    pure("prefix_length", "prefix_length(10.0.1.0/24)", (1, 1), "How many bits the prefix of a network has.", |a| {
        Ok(Value::Int(network(a, 0)?.prefix().into()))
    }),
    pure("subnets", "subnets(10.0.0.0/16, 8)", (2, 2), "All networks of a network that have so many more bits of prefix.", subnets),
    pure(
        "usable_hosts",
        "usable_hosts(10.0.1.0/24)",
        (1, 1),
        "How many addresses of a subnet AWS leaves to use: it keeps the first four and the last for itself (https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html).",
        |a| {
            const KEPT: u128 = 5;
            let network = network(a, 0)?;
            let usable = (network.last_number() - network.first_number()).saturating_sub(KEPT - 1);
            let usable =
                i64::try_from(usable).map_err(|_| Refusal::Wrong(0, format!("`{network}` has more addresses than 64 bits can count")))?;
            Ok(Value::Int(usable))
        },
    ),
];

/// How many networks `subnets` gives at most, as a number of bits: a list of 65,536.
const SUBNET_BITS_MAX: u8 = 16;

/// `subnets(network, bits)[n]`, without making the others.
pub(in crate::resolve) fn nth_subnet(arguments: &[Argument], n: (&Value, Span), at: Span, sink: &mut Sink) -> Value {
    let usage = "subnets(10.0.0.0/16, 8)[1]";
    if arguments.len() != 2 {
        sink.push(codes::arguments(format!("`subnets` takes 2 arguments, not {}", arguments.len()), at, usage));
        return Value::Error;
    }
    if is_broken(n.0) || arguments.iter().any(|(value, _)| is_broken(value)) {
        return Value::Error;
    }
    let with_index: Vec<Argument> = arguments.iter().cloned().chain([(n.0.clone(), n.1)]).collect();
    nth(&with_index).unwrap_or_else(|refusal| refuse(refusal, "subnets", usage, &with_index, sink))
}

/// A network that EC2 will choose, of which parts can be named all the same.
fn chosen(a: &[Argument], i: usize) -> Option<&Value> {
    match a.get(i).map(|(value, _)| value) {
        Some(value @ Value::Subnet(..)) => Some(value),
        Some(value @ Value::Attribute(address, name)) => (attribute_type(address, name) == Some(Type::Cidr)).then_some(value),
        _ => None,
    }
}

fn nth(a: &[Argument]) -> Answer {
    if let Some(later) = chosen(a, 0) {
        let (bits, n) = (bits(a, 1)?, whole(a, 2)?);
        let found = u64::try_from(n).ok().filter(|n| u128::from(*n) < 1u128 << bits.min(127));
        let found = found.map(|n| subnet(later.clone(), bits, n));
        return found
            .ok_or_else(|| Refusal::Wrong(2, format!("`{later}` has only {} subnets with {bits} more bits", 1u128 << bits.min(127))));
    }
    let (all, bits, n) = (network(a, 0)?, bits(a, 1)?, whole(a, 2)?);
    let found = u128::try_from(n).ok().and_then(|n| all.subnet(bits, n));
    found.map(Value::Cidr).ok_or_else(|| match all.subnet(bits, 0) {
        None => no_bits_left(all, bits),
        Some(_) => Refusal::Wrong(2, format!("`{all}` has only {} subnets with {bits} more bits", 1u128 << bits.min(127))),
    })
}

fn no_bits_left(network: Cidr, bits: u8) -> Refusal {
    Refusal::Wrong(1, format!("`{network}` has no {bits} bits left for subnets"))
}

fn subnets(a: &[Argument]) -> Answer {
    if let Some(later) = chosen(a, 0) {
        let new_bits = bits(a, 1)?;
        let all = |bits| Value::List((0..1u64 << bits).map(|n| subnet(later.clone(), new_bits, n)).collect());
        return (new_bits <= SUBNET_BITS_MAX).then(|| all(new_bits)).ok_or_else(|| too_many(new_bits));
    }
    let (whole, new_bits) = (network(a, 0)?, bits(a, 1)?);
    if whole.subnet(new_bits, 0).is_none() {
        return Err(no_bits_left(whole, new_bits));
    }
    if new_bits > SUBNET_BITS_MAX {
        return Err(too_many(new_bits));
    }
    Ok(Value::List((0..1u128 << new_bits).filter_map(|n| whole.subnet(new_bits, n)).map(Value::Cidr).collect()))
}

fn too_many(new_bits: u8) -> Refusal {
    Refusal::Wrong(1, format!("a list of all subnets with {new_bits} more bits would be too long; take one of them: `subnets(...)[n]`"))
}

fn consecutive(a: &[Argument]) -> Answer {
    let all = network(a, 0)?;
    let mut next = Some(all.first_number());
    let mut made = vec![];
    for i in 1..a.len() {
        let new_bits = bits(a, i)?;
        let prefix =
            all.prefix().checked_add(new_bits).filter(|p| *p <= all.family().bits()).ok_or_else(|| match no_bits_left(all, new_bits) {
                Refusal::Wrong(_, message) => Refusal::Wrong(i, message),
                other => other,
            })?;
        let found = next.and_then(|next| aligned(all.family(), next, prefix)).filter(|block| block.last_number() <= all.last_number());
        let block = found.ok_or_else(|| Refusal::Wrong(i, format!("`{all}` has no room left for a `/{prefix}`")))?;
        next = block.last_number().checked_add(1);
        made.push(Value::Cidr(block));
    }
    Ok(Value::List(made))
}

fn host(a: &[Argument]) -> Answer {
    let (network, n) = (network(a, 0)?, whole(a, 1)?);
    let counted = match u128::try_from(n) {
        Ok(n) => Some(n),
        // -1 is the last address, -2 the one before it.
        Err(_) => (network.last_number() - network.first_number()).checked_sub(u128::from(n.unsigned_abs()) - 1),
    };
    let found = counted.and_then(|n| network.host(n));
    found.map(Value::Ip).ok_or_else(|| Refusal::Wrong(1, format!("`{network}` has no address {n}")))
}

fn netmask(a: &[Argument]) -> Answer {
    let network = network(a, 0)?;
    if network.family() == Family::V6 {
        return Err(Refusal::Wrong(0, format!("`{network}` is IPv6, where a mask is written as the length of the prefix")));
    }
    let mask = u32::MAX.checked_shl(32 - u32::from(network.prefix())).unwrap_or(0);
    Ok(Cidr::ANYWHERE_V4.host(mask.into()).map_or(Value::Error, Value::Ip))
}

/// Whether the other lies in a network.
pub(super) fn contains(a: &[Argument]) -> Answer {
    let all = network(a, 0)?;
    Ok(Value::Bool(all.contains(network_or_address(a, 1)?)))
}

/// A network; an address is the network of itself alone.
fn network_or_address(a: &[Argument], i: usize) -> Result<Cidr, Refusal> {
    match value(a, i)? {
        Value::Ip(_) => address(a, i).map(Cidr::host_of),
        Value::Text(text) if !text.contains('/') => {
            address(a, i).map(Cidr::host_of).map_err(|_| Refusal::Wanted(i, "a network or an address"))
        }
        Value::Text(_) | Value::Cidr(_) => network(a, i),
        _ => Err(Refusal::Wanted(i, "a network or an address")),
    }
}

// ---- ranges ----

/// The networks and addresses of a list, or one of them alone.
fn networks(a: &[Argument], i: usize) -> Result<Vec<Cidr>, Refusal> {
    if !matches!(value(a, i)?, Value::List(_)) {
        let wanted = |refusal| if matches!(refusal, Refusal::Wanted(..)) { Refusal::Wanted(i, "a list of networks") } else { refusal };
        return network_or_address(a, i).map(|one| vec![one]).map_err(wanted);
    }
    list(a, i)?.iter().map(|v| element(v).ok_or_else(|| no_element(i, v, "a network"))).collect()
}

fn element(value: &Value) -> Option<Cidr> {
    match value {
        Value::Cidr(cidr) => Some(*cidr),
        Value::Ip(ip) => Some(Cidr::host_of(*ip)),
        Value::Text(text) => text.parse().ok().or_else(|| text.parse().ok().map(Cidr::host_of)),
        other => pending(other).and(None),
    }
}

/// The addresses of networks as first and last number, by family and in order; none touches the next.
fn ranges(networks: &[Cidr]) -> Vec<(Family, u128, u128)> {
    let mut sorted = networks.to_vec();
    sorted.sort_by_key(|n| (n.family(), n.first_number()));
    let mut merged: Vec<(Family, u128, u128)> = vec![];
    for network in sorted {
        let (family, first, last) = (network.family(), network.first_number(), network.last_number());
        match merged.last_mut().filter(|range| range.0 == family && first <= range.2.saturating_add(1)) {
            Some(range) => range.2 = range.2.max(last),
            None => merged.push((family, first, last)),
        }
    }
    merged
}

/// What of a network is not taken, as first and last number, in order.
fn gaps(whole: Cidr, taken: &[Cidr]) -> Vec<(u128, u128)> {
    let mut gaps = vec![];
    let mut next = Some(whole.first_number());
    let inside: Vec<Cidr> = taken.iter().copied().filter(|t| t.overlaps(whole)).collect();
    for (_, first, last) in ranges(&inside) {
        if let Some(start) = next.filter(|start| *start < first) {
            gaps.push((start, first - 1));
        }
        next = next.and_then(|start| Some(start.max(last.checked_add(1)?)));
    }
    gaps.extend(next.filter(|start| *start <= whole.last_number()).map(|start| (start, whole.last_number())));
    gaps
}

/// The fewest networks that make up a range.
fn blocks(family: Family, mut first: u128, last: u128) -> Vec<Cidr> {
    let length = u32::from(family.bits());
    let mut found = vec![];
    while first <= last {
        // As large as the first address is aligned to, and as the range is long.
        let fits = (last - first).checked_add(1).map_or(128, u128::ilog2);
        let free = first.trailing_zeros().min(length).min(fits);
        let Some(block) = u8::try_from(length - free).ok().and_then(|prefix| aligned(family, first, prefix)) else { break };
        found.push(block);
        let Some(next) = block.last_number().checked_add(1) else { break };
        first = next;
    }
    found
}

/// The first network with a prefix of so many bits that begins at a number or after it.
fn aligned(family: Family, from: u128, prefix: u8) -> Option<Cidr> {
    let all = if family == Family::V4 { Cidr::ANYWHERE_V4 } else { Cidr::ANYWHERE_V6 };
    let block = Cidr::containing(all.host(from)?, prefix).ok()?;
    if block.first_number() == from {
        return Some(block);
    }
    let next = block.last_number().checked_add(1)?;
    Cidr::containing(all.host(next)?, prefix).ok()
}

fn bounded(networks: Vec<Cidr>, i: usize) -> Answer {
    if networks.len() > ELEMENTS_MAX { Err(too_long(i)) } else { Ok(Value::List(networks.into_iter().map(Value::Cidr).collect())) }
}

fn first_free(a: &[Argument]) -> Answer {
    let (whole, taken, prefix) = (network(a, 0)?, networks(a, 1)?, bits(a, 2)?);
    if prefix < whole.prefix() || prefix > whole.family().bits() {
        let message = format!("a network in `{whole}` has a prefix from /{} to /{}, not /{prefix}", whole.prefix(), whole.family().bits());
        return Err(Refusal::Wrong(2, message));
    }
    let found = gaps(whole, &taken)
        .into_iter()
        .find_map(|(first, last)| aligned(whole.family(), first, prefix).filter(|block| block.last_number() <= last));
    found.map(Value::Cidr).ok_or_else(|| Refusal::Wrong(1, format!("no `/{prefix}` is free in `{whole}`")))
}
