//! What the two sides of a statement mean in a network. Layer 5.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::cidr::{Cidr, Family},
    net::{Attached, Id, Owner, Route, Target},
    prove::{
        chart::Chart,
        packet::{Cube, Dim, Range, without_ranges},
        walk::{Place, Spot},
    },
    schema::{model::Model, value::Value},
};

/// Where conversations begin, in one family.
#[derive(Debug, Clone)]
pub(in crate::prove) struct Source {
    /// In words.
    pub name: String,
    pub place: Place,
    pub family: Family,
    pub clients: Vec<Range>,
    /// Whether it is the internet, which has none of the model's own addresses.
    pub internet: bool,
}

/// What conversations go to.
#[derive(Debug, Clone)]
pub(in crate::prove) enum Goal {
    /// One of these interfaces: those of one thing.
    Interfaces(Vec<usize>),
    /// An interface at one of its addresses, public or private.
    Exact(usize, Range),
    /// Whoever is or could be in this subnet.
    Anybody(usize),
    /// The internet.
    Internet,
    /// Whoever has these addresses.
    Addresses(Cidr),
}

/// What a side of a statement means.
#[derive(Debug, Clone)]
pub(in crate::prove) enum Side<T> {
    /// These; none makes a statement vacuous.
    Known(Vec<T>),
    /// Nobody can tell yet: why.
    Obscure(String),
}

/// IPv4 networks that are not public: this network, private, shared, loopback, link-local, multicast and reserved
/// (IANA, "IPv4 Special-Purpose Address Registry").
const NOT_PUBLIC: [&str; 9] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/4",
    "240.0.0.0/4",
];

/// Every public address of a family.
pub(in crate::prove) fn internet(family: Family) -> Vec<Range> {
    let range = |text: &&str| text.parse::<Cidr>().ok().map(Range::of);
    match family {
        Family::V4 => without_ranges(&[Range::all(family)], &NOT_PUBLIC.iter().filter_map(range).collect::<Vec<_>>()),
        Family::V6 => range(&"2000::/3").into_iter().collect(),
    }
}

/// The public ones among addresses.
pub(in crate::prove) fn public_of(family: Family, ranges: &[Range]) -> Vec<Range> {
    internet(family).iter().flat_map(|i| ranges.iter().filter_map(|r| r.meet(*i))).collect()
}

pub(in crate::prove) const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// What a value names: an address of the project, or an id of EC2's.
fn id_of(value: &Value) -> Option<Id> {
    match value {
        Value::Resource(address) => Some(Id::from(address.as_str())),
        Value::Text(id) => Some(Id::from(&**id)),
        _ => None,
    }
}

/// The interfaces that a thing means: its own, those that carry it, or those in it.
pub(in crate::prove) fn interfaces_of(chart: &Chart<'_>, model: &Model, value: &Value) -> Vec<usize> {
    let Some(id) = id_of(value) else { return vec![] };
    if let Value::Resource(address) = value
        && address.kind() == "elastic_ip"
    {
        return holder_of(chart, model, address);
    }
    if let Some(owned) = chart.owned.get(&id) {
        return owned.clone();
    }
    match chart.interface(&id) {
        Some(itself) => vec![itself],
        None => chart.interfaces_at(&id),
    }
}

/// The interface that has an elastic address: that of whatever it names, or of the NAT gateway that names it.
fn holder_of(chart: &Chart<'_>, model: &Model, address: &crate::base::address::Address) -> Vec<usize> {
    let named = model.resources.get(address).and_then(|r| r.reference("instance").or(r.reference("network_interface")));
    let gateway = || model.resources.values().find(|r| r.reference("elastic_ip") == Some(address)).map(|r| &r.address);
    named.or_else(gateway).map_or_else(Vec::new, |h| interfaces_of(chart, model, &Value::Resource(h.clone())))
}

fn subnets_of(chart: &Chart<'_>, value: &Value) -> Vec<usize> {
    let Some(id) = id_of(value) else { return vec![] };
    match (chart.subnet(&id), chart.vpc(&id).and_then(|v| chart.vpcs.get(v))) {
        (Some(subnet), _) => vec![subnet],
        (None, Some(vpc)) => vpc.subnets.clone(),
        (None, None) => vec![],
    }
}

/// Why a value's meaning cannot be told: EC2 has yet to decide it, or what exists was not read.
fn obscure(chart: &Chart<'_>, model: &Model, value: &Value, interfaces: &[usize], subnets: &[usize]) -> Option<String> {
    if !matches!(value, Value::Resource(_) | Value::Text(_)) {
        return Some(format!("`{value}` is known after apply only"));
    }
    let bare = interfaces.iter().find(|i| chart.interfaces.get(**i).is_none_or(|at| at.addresses.is_empty()));
    if let Some(i) = bare {
        return Some(format!("the addresses of `{}` are not known", chart.name(Spot::Interface(*i))));
    }
    let bare = |s: &&usize| chart.subnets.get(**s).is_none_or(|at| FAMILIES.iter().all(|f| at.ranges.of(*f).is_empty()));
    if let Some(s) = subnets.iter().find(bare) {
        return Some(format!("the addresses of `{}` are not known", chart.name(Spot::Subnet(*s))));
    }
    let resource = value.as_resource().and_then(|a| model.resources.get(a))?;
    let placed = |kind: &str| match kind {
        "instance" | "network_interface" | "nat_gateway" => !interfaces.is_empty(),
        "subnet" | "vpc" => !subnets.is_empty() || chart.vpc(&Id::from(resource.address.as_str())).is_some(),
        _ => true,
    };
    if resource.existing {
        let id = Id::from(resource.address.as_str());
        let seen = !interfaces.is_empty() || chart.subnet(&id).is_some() || chart.vpc(&id).is_some() || chart.group(&id).is_some();
        let whole = seen && !chart.net.doors.iter().any(|d| d.id == id);
        return (!whole).then(|| format!("`{}` exists already, and what it holds was not read", resource.address));
    }
    (!placed(resource.address.kind())).then(|| format!("the place of `{}` in the network is not known", resource.address))
}

/// An interface as a source; those of gateways begin nothing of their own.
fn at_interface(chart: &Chart<'_>, interface: usize) -> Vec<Source> {
    let silent = matches!(chart.net.interfaces.get(interface).map(|i| &i.owner), Some(Owner::NatGateway(_) | Owner::TransitGateway));
    let Some(at) = chart.interfaces.get(interface).filter(|_| !silent) else { return vec![] };
    let of = |family| -> Vec<Range> { at.addresses.iter().filter(|a| a.family == family).map(|a| a.range).collect() };
    let source = |family| Source {
        name: format!("`{}`", chart.name(Spot::Interface(interface))),
        place: Place::Interface(interface),
        family,
        clients: of(family),
        internet: false,
    };
    FAMILIES.into_iter().map(source).filter(|s| !s.clients.is_empty()).collect()
}

/// What a value on the `from` side means, one family at a time. In a `forbid` a subnet is whoever could be there.
pub(in crate::prove) fn sources(chart: &Chart<'_>, model: &Model, value: &Value, require: bool) -> Side<Source> {
    match value {
        Value::Internet => Side::Known(
            FAMILIES
                .map(|family| Source {
                    name: "the internet".into(),
                    place: Place::Internet,
                    family,
                    clients: internet(family),
                    internet: true,
                })
                .into(),
        ),
        Value::Any => {
            let mut all: Vec<Source> = (0..chart.interfaces.len()).flat_map(|i| at_interface(chart, i)).collect();
            if let Side::Known(internet) = sources(chart, model, &Value::Internet, require) {
                all.splice(0..0, internet);
            }
            for family in FAMILIES {
                all.extend(behind(chart, &[Range::all(family)], family));
            }
            Side::Known(all)
        }
        Value::Cidr(cidr) => Side::Known(from_network(chart, *cidr)),
        other => {
            let interfaces = interfaces_of(chart, model, other);
            let subnets = if require { vec![] } else { subnets_of(chart, other) };
            if let Some(why) = obscure(chart, model, other, &interfaces, &subnets) {
                return Side::Obscure(why);
            }
            let mut all: Vec<Source> = interfaces.into_iter().flat_map(|i| at_interface(chart, i)).collect();
            for subnet in subnets {
                for family in FAMILIES {
                    let clients = chart.subnets.get(subnet).map_or_else(Vec::new, |s| s.ranges.of(family).clone());
                    let name = format!("whatever is or could be in `{}`", chart.name(Spot::Subnet(subnet)));
                    all.push(Source { name, place: Place::Anybody(subnet), family, clients, internet: false });
                }
            }
            all.retain(|s| !s.clients.is_empty());
            Side::Known(all)
        }
    }
}

/// What a thing outside the model is called.
fn outside_name(chart: &Chart<'_>, spot: Spot) -> String {
    match spot {
        Spot::Vpc(vpc) => {
            let names = unseen_targets(chart, vpc);
            format!("what lies behind {}", names.iter().take(3).map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", "))
        }
        _ => format!("what lies behind `{}`", chart.name(spot)),
    }
}

/// Whether the model lacks a route's target, or secnet does not model it.
fn is_unseen(chart: &Chart<'_>, route: &Route) -> bool {
    match &route.target {
        Target::Peering(id) => chart.peering(id).is_none(),
        Target::TransitGateway(id) => chart.transit_gateway(id).is_none(),
        Target::VpnGateway(id) => chart.vpn_gateway(id).is_none(),
        Target::Unmodelled(_) => true,
        _ => false,
    }
}

/// Targets of a VPC's routes that the model lacks, or that secnet does not model: whatever is there may send, too.
fn unseen_targets(chart: &Chart<'_>, vpc: usize) -> Vec<String> {
    let id = chart.net.vpcs.get(vpc).map(|v| &v.id);
    let tables = chart.net.route_tables.iter().filter(|t| Some(&t.vpc) == id);
    let mut names: Vec<String> = vec![];
    for route in tables.flat_map(|t| &t.routes).filter(|r| is_unseen(chart, r)) {
        if !names.iter().any(|n| n == route.target.name()) {
            names.push(route.target.name().to_owned());
        }
    }
    names
}

/// The ways into the model from what it does not hold, apart from the internet: VPNs, peerings with VPCs that are not in
/// it, attachments of transit gateways that lead out of it, targets of routes that it lacks.
pub(in crate::prove) fn ways_in<'c>(chart: &'c Chart<'_>) -> &'c [Spot] {
    chart.ways_in(|| {
        let net = chart.net;
        let leads_out = |a: &crate::net::Attachment| match &a.to {
            Attached::Vpc { vpc, .. } => chart.vpc(vpc).is_none(),
            Attached::Peering(gateway) => chart.transit_gateway(gateway).is_none(),
            Attached::Outside(_) | Attached::Unmodelled(_) => true,
        };
        let half_seen = |p: &crate::net::Peering| p.sides.iter().filter(|s| chart.vpc(&s.vpc).is_some()).count() == 1;
        let lacking = net.route_tables.iter().filter(|t| t.routes.iter().any(|r| is_unseen(chart, r)));
        let lacking: BTreeSet<&Id> = lacking.map(|t| &t.vpc).collect();
        let vpn = (0..net.vpn_gateways.len()).map(Spot::VpnGateway);
        let peerings = net.peerings.iter().enumerate().filter(|(_, p)| half_seen(p)).map(|(i, _)| Spot::Peering(i));
        let attachments = net.attachments.iter().enumerate().filter(|(_, a)| leads_out(a)).map(|(i, _)| Spot::Attachment(i));
        let unseen = net.vpcs.iter().enumerate().filter(|(_, v)| lacking.contains(&v.id)).map(|(i, _)| Spot::Vpc(i));
        vpn.chain(peerings).chain(attachments).chain(unseen).collect()
    })
}

/// Whatever stands outside the model and not on the internet, with these addresses.
fn behind(chart: &Chart<'_>, clients: &[Range], family: Family) -> Vec<Source> {
    let reach = |spot: Spot| -> Vec<Range> {
        let Spot::Peering(p) = spot else {
            let home = match spot {
                Spot::VpnGateway(g) => chart.net.vpn_gateways.get(g).and_then(|g| g.vpc.as_ref()).and_then(|id| chart.vpc(id)),
                Spot::Vpc(vpc) => Some(vpc),
                _ => None,
            };
            // A gateway takes no packets that claim to come from its own VPC.
            let spoofed = home.and_then(|v| chart.vpcs.get(v)).map_or(&[][..], |v| v.ranges.of(family).as_slice());
            return without_ranges(clients, spoofed);
        };
        let sides = chart.net.peerings.get(p).map_or(&[][..], |p| p.sides.as_slice());
        let theirs = sides.iter().filter(|s| chart.vpc(&s.vpc).is_none()).flat_map(|s| &s.cidrs);
        let theirs = theirs.filter(|c| c.family() == family).map(|c| Range::of(*c));
        theirs.flat_map(|range| clients.iter().filter_map(move |c| c.meet(range))).collect()
    };
    let source =
        |spot: Spot| Source { name: outside_name(chart, spot), place: Place::Behind(spot), family, clients: reach(spot), internet: false };
    ways_in(chart).iter().copied().map(source).filter(|s| !s.clients.is_empty()).collect()
}

/// A network: the interfaces in it, the internet for what of it is public, ways in from outside for what is not.
fn from_network(chart: &Chart<'_>, cidr: Cidr) -> Vec<Source> {
    let (family, whole) = (cidr.family(), Range::of(cidr));
    let mut found = vec![];
    for interface in chart.interfaces_within(family, whole) {
        let at = chart.interfaces.get(interface).map_or(&[][..], |i| i.addresses.as_slice());
        let own = |a: &&crate::prove::chart::AddressAt| a.public.is_some_and(|p| whole.has(p)) && family == Family::V4;
        let public: Vec<Range> = at.iter().filter(own).map(|a| a.range).collect();
        if public.is_empty() && !at.iter().any(|a| a.family == family && a.range.meet(whole).is_some()) {
            continue;
        }
        for mut source in at_interface(chart, interface).into_iter().filter(|s| s.family == family) {
            source.clients = source.clients.iter().filter_map(|r| r.meet(whole)).chain(public.iter().copied()).collect();
            if !source.clients.is_empty() {
                found.push(source);
            }
        }
    }
    let own: Vec<Range> = chart.vpcs.iter().flat_map(|v| v.ranges.of(family).iter().copied()).collect();
    let rest = without_ranges(&[whole], &own);
    let public = public_of(family, &rest);
    // Another site may use addresses that a VPC of the model has, too.
    let private = without_ranges(&[whole], &public_of(family, &[whole]));
    let name = format!("`{cidr}`");
    if !public.is_empty() {
        found.push(Source { name: name.clone(), place: Place::Internet, family, clients: public, internet: true });
    }
    let mut far = behind(chart, &private, family);
    let private = without_ranges(&private, &own);
    if far.is_empty() && !private.is_empty() {
        far.push(Source { name: name.clone(), place: Place::Internet, family, clients: private, internet: false });
    }
    far.iter_mut().for_each(|s| s.name.clone_from(&name));
    found.extend(far);
    found
}

/// What a value on the `to` side means, every thing by itself.
pub(in crate::prove) fn goals(chart: &Chart<'_>, model: &Model, value: &Value, require: bool) -> Side<Goal> {
    match value {
        Value::Internet => Side::Known(vec![Goal::Internet]),
        Value::Any => Side::Known(vec![Goal::Addresses(Cidr::ANYWHERE_V4), Goal::Addresses(Cidr::ANYWHERE_V6)]),
        Value::Cidr(cidr) if require => Side::Known(to_network(chart, *cidr)),
        Value::Cidr(cidr) => Side::Known(vec![Goal::Addresses(*cidr)]),
        other => {
            let interfaces = interfaces_of(chart, model, other);
            let subnets = if require { vec![] } else { subnets_of(chart, other) };
            if let Some(why) = obscure(chart, model, other, &interfaces, &subnets) {
                return Side::Obscure(why);
            }
            let mut goals = things(chart, interfaces);
            goals.extend(subnets.into_iter().map(Goal::Anybody));
            Side::Known(goals)
        }
    }
}

/// What a `require` wants of a network: the things in it, and every address of it that lies outside the model's VPCs.
fn to_network(chart: &Chart<'_>, cidr: Cidr) -> Vec<Goal> {
    let (family, whole) = (cidr.family(), Range::of(cidr));
    let own: Vec<Range> = chart.vpcs.iter().flat_map(|v| v.ranges.of(family).iter().copied()).collect();
    let mut goals = vec![];
    for i in chart.interfaces_within(family, whole) {
        for address in chart.interfaces.get(i).map_or(&[][..], |at| at.addresses.as_slice()) {
            let private = address.range.meet(whole).filter(|_| address.family == family);
            let public = address.public.filter(|p| family == Family::V4 && whole.has(*p)).map(Range::one);
            goals.extend(private.into_iter().chain(public).map(|range| Goal::Exact(i, range)));
        }
    }
    let taken = taken_of(chart, family, whole);
    if !without_ranges(&without_ranges(&[whole], &own), &taken).is_empty() {
        goals.push(Goal::Addresses(cidr));
    }
    goals
}

/// The public addresses of the model's own in a range.
fn taken_of(chart: &Chart<'_>, family: Family, whole: Range) -> Vec<Range> {
    let own = chart.publics.range(whole.lo..=whole.hi).filter(|_| family == Family::V4);
    own.map(|(n, _)| Range::one(*n)).collect()
}

/// Interfaces by the thing that they belong to.
fn things(chart: &Chart<'_>, interfaces: Vec<usize>) -> Vec<Goal> {
    let (mut things, mut numbers): (Vec<Vec<usize>>, BTreeMap<String, usize>) = (vec![], BTreeMap::new());
    for interface in interfaces {
        let number = *numbers.entry(chart.name(Spot::Interface(interface))).or_insert(things.len());
        match things.get_mut(number) {
            Some(of) => of.push(interface),
            None => things.push(vec![interface]),
        }
    }
    things.into_iter().map(Goal::Interfaces).collect()
}

/// What an arrival means for a goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::prove) enum Hit {
    /// It is there.
    Yes,
    /// It is somewhere else.
    No,
    /// It left the model with a public destination by a way of which nobody knows the far end.
    Adrift,
}

impl Goal {
    /// In words.
    pub fn name(&self, chart: &Chart<'_>) -> String {
        match self {
            Goal::Internet => "the internet".into(),
            Goal::Addresses(cidr) => format!("`{cidr}`"),
            Goal::Exact(i, _) => format!("`{}`", chart.name(Spot::Interface(*i))),
            Goal::Interfaces(of) => of.first().map_or_else(|| "nothing".into(), |i| format!("`{}`", chart.name(Spot::Interface(*i)))),
            Goal::Anybody(subnet) => format!("whatever is or could be in `{}`", chart.name(Spot::Subnet(*subnet))),
        }
    }

    /// One place of it.
    pub fn place(&self) -> Place {
        match self {
            Goal::Interfaces(of) => of.first().map_or(Place::Internet, |i| Place::Interface(*i)),
            Goal::Exact(i, _) => Place::Interface(*i),
            Goal::Anybody(subnet) => Place::Anybody(*subnet),
            Goal::Internet | Goal::Addresses(_) => Place::Internet,
        }
    }

    /// Whether public destinations are understood to be none of the model's own.
    pub fn foreign(&self) -> bool {
        matches!(self, Goal::Internet)
    }

    /// The interfaces that a `require` means by it.
    pub fn meant(&self) -> Vec<usize> {
        match self {
            Goal::Interfaces(of) => of.clone(),
            Goal::Exact(i, _) => vec![*i],
            Goal::Anybody(_) | Goal::Internet | Goal::Addresses(_) => vec![],
        }
    }

    /// Whether packets that end at a place have arrived.
    pub fn hit(&self, place: &Place, family: Family, sent: &Cube) -> Hit {
        let public = || !public_of(family, &[sent.get(Dim::Server)]).is_empty();
        match (self, place) {
            (Goal::Interfaces(of), Place::Interface(i)) if of.contains(i) => Hit::Yes,
            (Goal::Exact(one, _), Place::Interface(i)) if one == i => Hit::Yes,
            (Goal::Anybody(subnet), Place::Anybody(s)) if s == subnet => Hit::Yes,
            (Goal::Internet | Goal::Addresses(_), Place::Internet | Place::Behind(Spot::Endpoint(_))) => Hit::Yes,
            (Goal::Internet | Goal::Addresses(_), Place::Behind(_)) if public() => Hit::Adrift,
            (Goal::Addresses(_), _) => Hit::Yes,
            _ => Hit::No,
        }
    }

    /// The subnets in which every address counts.
    pub fn anybody(&self) -> Vec<usize> {
        match self {
            Goal::Anybody(subnet) => vec![*subnet],
            _ => vec![],
        }
    }

    /// The VPCs it lies in.
    pub fn vpcs(&self, chart: &Chart<'_>) -> Vec<usize> {
        match self {
            Goal::Interfaces(of) => of.iter().map(|i| chart.vpc_of_interface(*i)).collect(),
            Goal::Exact(i, _) => vec![chart.vpc_of_interface(*i)],
            Goal::Anybody(subnet) => vec![chart.vpc_of(*subnet)],
            Goal::Internet => vec![],
            Goal::Addresses(cidr) => {
                let meets = |v: &crate::net::Vpc| v.cidrs.iter().any(|c| c.overlaps(*cidr));
                chart.net.vpcs.iter().enumerate().filter(|(_, v)| meets(v)).map(|(i, _)| i).collect()
            }
        }
    }

    /// From where packets of a source set out for it, and to which addresses. In a `require` each is an alternative for a
    /// thing; the internet and networks are wanted as a whole.
    pub fn ways_from(&self, chart: &Chart<'_>, source: &Source, require: bool) -> Vec<(Place, Vec<Range>)> {
        let family = source.family;
        let from_outside = source.place == Place::Internet;
        let servers: Vec<Range> = match self {
            Goal::Internet => internet(family),
            Goal::Addresses(cidr) if cidr.family() != family => vec![],
            Goal::Addresses(cidr) if require => {
                let own: Vec<Range> = chart.vpcs.iter().flat_map(|v| v.ranges.of(family).iter().copied()).collect();
                let whole = Range::of(*cidr);
                without_ranges(&without_ranges(&[whole], &own), &taken_of(chart, family, whole))
            }
            Goal::Exact(i, range) => {
                let own =
                    |i: &crate::prove::chart::InterfaceAt| i.addresses.iter().any(|a| a.family == family && a.range.meet(*range).is_some());
                let has = chart.interfaces.get(*i).is_some_and(own) || (family == Family::V4 && chart.publics.contains_key(&range.lo));
                if has && source.place != Place::Interface(*i) { vec![*range] } else { vec![] }
            }
            Goal::Addresses(cidr) => {
                let whole = Range::of(*cidr);
                // A public address may stand for a private one in the network.
                let near = chart.interfaces_within(family, whole);
                let addresses = near.iter().filter_map(|i| chart.interfaces.get(*i)).flat_map(|i| &i.addresses);
                let addresses = addresses.filter(|a| a.family == family);
                let through = addresses.filter(|a| a.range.meet(whole).is_some()).filter_map(|a| a.public);
                std::iter::once(whole).chain(through.filter(|p| !whole.has(*p)).map(Range::one)).collect()
            }
            Goal::Interfaces(of) => {
                let addresses = of.iter().filter(|i| source.place != Place::Interface(**i)).filter_map(|i| chart.interfaces.get(*i));
                let addresses = addresses.flat_map(|i| &i.addresses).filter(|a| a.family == family);
                let mut servers = vec![];
                for address in addresses {
                    // A private address is none from the internet; without a public one that is what stops a packet.
                    if !from_outside || family == Family::V6 || address.public.is_none() {
                        servers.push(address.range);
                    }
                    servers.extend(address.public.map(Range::one));
                }
                servers
            }
            Goal::Anybody(subnet) => {
                let Some(at) = chart.subnets.get(*subnet) else { return vec![] };
                let ranges = at.ranges.of(family).clone();
                let gateway = chart.vpcs.get(at.vpc).and_then(|v| v.gateway).map(Spot::InternetGateway);
                let public =
                    if family == Family::V4 && !ranges.is_empty() { gateway.filter(|_| leads_to_internet(chart, *subnet)) } else { None };
                // Whoever is there could have a public address if the subnet's table leads to the internet gateway.
                let by_public = public.filter(|_| from_outside).map(|spot| (Place::Behind(spot), ranges.clone()));
                let private = (!ranges.is_empty()).then_some((source.place, ranges));
                return private.into_iter().chain(by_public).collect();
            }
        };
        if servers.is_empty() { vec![] } else { vec![(source.place, servers)] }
    }
}

/// Whether a subnet's table leads some address to an internet gateway, for all that is known.
pub(in crate::prove) fn leads_to_internet(chart: &Chart<'_>, subnet: usize) -> bool {
    let Some(at) = chart.subnets.get(subnet) else { return false };
    let Some((number, table)) = at.table.and_then(|t| Some((t, chart.tables.get(t)?))) else { return true };
    let to_gateway = |n: &usize| {
        let route = chart.net.route_tables.get(number).and_then(|t| t.routes.get(*n));
        route.is_some_and(|r| matches!(&r.target, Target::InternetGateway(_)) && !r.blackhole)
    };
    let listed = || {
        let routes = chart.net.route_tables.get(number).map_or(&[][..], |t| t.routes.as_slice());
        routes.iter().any(|r| {
            matches!(r.destination, crate::net::Destination::PrefixList(_))
                && matches!(r.target, Target::InternetGateway(_))
                && !r.blackhole
        })
    };
    let chosen = |choice: &crate::prove::chart::Choice| match choice {
        crate::prove::chart::Choice::Local => false,
        crate::prove::chart::Choice::Route(n) => to_gateway(n),
        crate::prove::chart::Choice::Unclear(_) => listed(),
    };
    table.ranges.of(Family::V4).iter().any(|(_, choice)| chosen(choice)) || table.unknown.iter().any(to_gateway)
}
