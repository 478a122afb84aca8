//! What the two sides of a statement mean in a network. Layer 5.

use crate::{
    base::cidr::{Cidr, Family},
    net::{Attached, Id, Owner},
    prove::{
        chart::Chart,
        packet::{Range, without_ranges},
        walk::{Place, Spot},
    },
    schema::{model::Model, value::Value},
};

use super::{gateway_of, leads_to_internet};

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
    /// Whoever is or could be in these subnets.
    Anybody(Vec<usize>),
    /// The internet.
    Internet,
    /// Whoever has these addresses.
    Addresses(Cidr),
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

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// What a value names: an address of the project, or an id of EC2's.
fn id_of(value: &Value) -> Option<Id> {
    match value {
        Value::Resource(address) => Some(Id::from(address.as_str())),
        Value::Text(id) => Some(Id::from(&**id)),
        _ => None,
    }
}

/// The interfaces that a thing means: its own, those that carry it, or those in it.
fn interfaces_of(chart: &Chart<'_>, model: &Model, value: &Value) -> Vec<usize> {
    let Some(id) = id_of(value) else { return vec![] };
    if let Value::Resource(address) = value
        && address.kind() == "elastic_ip"
    {
        let resource = model.resources.get(address);
        let holder = resource.and_then(|r| r.reference("instance").or(r.reference("network_interface")));
        return holder.map_or_else(Vec::new, |h| interfaces_of(chart, model, &Value::Resource(h.clone())));
    }
    let vpc = chart.vpc(&id);
    let means = |i: &usize| {
        chart.net.interfaces.get(*i).is_some_and(|at| {
            let owned = matches!(&at.owner, Owner::Instance { id: of, .. } | Owner::NatGateway(of) | Owner::Endpoint(of) if *of == id);
            owned || at.id == id || at.subnet == id || at.groups.contains(&id) || (vpc.is_some() && vpc == Some(chart.vpc_of_interface(*i)))
        })
    };
    (0..chart.interfaces.len()).filter(means).collect()
}

fn subnets_of(chart: &Chart<'_>, value: &Value) -> Vec<usize> {
    let Some(id) = id_of(value) else { return vec![] };
    match (chart.subnet(&id), chart.vpc(&id).and_then(|v| chart.vpcs.get(v))) {
        (Some(subnet), _) => vec![subnet],
        (None, Some(vpc)) => vpc.subnets.clone(),
        (None, None) => vec![],
    }
}

fn at_interface(chart: &Chart<'_>, interface: usize) -> Vec<Source> {
    let Some(at) = chart.interfaces.get(interface) else { return vec![] };
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

/// What a value on the `from` side means, one family at a time.
pub(in crate::prove) fn sources(chart: &Chart<'_>, model: &Model, value: &Value) -> Vec<Source> {
    match value {
        Value::Internet => FAMILIES
            .map(|family| Source { name: "the internet".into(), place: Place::Internet, family, clients: internet(family), internet: true })
            .into(),
        Value::Any => {
            let mut all = sources(chart, model, &Value::Internet);
            all.extend((0..chart.interfaces.len()).flat_map(|i| at_interface(chart, i)));
            all.extend(behind(chart, &[Range::all(Family::V4)], Family::V4));
            all
        }
        Value::Cidr(cidr) => from_network(chart, *cidr),
        other => {
            let mut all: Vec<Source> = interfaces_of(chart, model, other).into_iter().flat_map(|i| at_interface(chart, i)).collect();
            for subnet in subnets_of(chart, other) {
                for family in FAMILIES {
                    let clients = chart.subnets.get(subnet).map_or_else(Vec::new, |s| s.ranges.of(family).clone());
                    let name = format!("`{}`", chart.name(Spot::Subnet(subnet)));
                    all.push(Source { name, place: Place::Anybody(subnet), family, clients, internet: false });
                }
            }
            all.retain(|s| !s.clients.is_empty());
            all
        }
    }
}

/// Whatever stands behind VPNs, with these addresses.
fn behind(chart: &Chart<'_>, clients: &[Range], family: Family) -> Vec<Source> {
    let vpn = (0..chart.net.vpn_gateways.len()).map(Spot::VpnGateway);
    let outside = |(i, a): (usize, &crate::net::Attachment)| matches!(a.to, Attached::Outside(_)).then_some(Spot::Attachment(i));
    let spots = vpn.chain(chart.net.attachments.iter().enumerate().filter_map(outside));
    spots
        .map(|spot| Source {
            name: format!("what lies behind `{}`", chart.name(spot)),
            place: Place::Behind(spot),
            family,
            clients: clients.to_vec(),
            internet: false,
        })
        .collect()
}

/// A network: the interfaces in it, the internet for what of it is public, VPNs for what is not.
fn from_network(chart: &Chart<'_>, cidr: Cidr) -> Vec<Source> {
    let (family, whole) = (cidr.family(), Range::of(cidr));
    let mut found = vec![];
    for interface in 0..chart.interfaces.len() {
        for mut source in at_interface(chart, interface).into_iter().filter(|s| s.family == family) {
            source.clients = source.clients.iter().filter_map(|r| r.meet(whole)).collect();
            if !source.clients.is_empty() {
                found.push(source);
            }
        }
    }
    let own: Vec<Range> = chart.vpcs.iter().flat_map(|v| v.ranges.of(family).iter().copied()).collect();
    let rest = without_ranges(&[whole], &own);
    let public: Vec<Range> = internet(family).iter().flat_map(|i| rest.iter().filter_map(|r| r.meet(*i))).collect();
    let private = without_ranges(&rest, &public);
    let name = format!("`{cidr}`");
    if !public.is_empty() {
        found.push(Source { name: name.clone(), place: Place::Internet, family, clients: public, internet: false });
    }
    if !private.is_empty() {
        let mut far = behind(chart, &private, family);
        if far.is_empty() {
            far.push(Source { name: name.clone(), place: Place::Internet, family, clients: private, internet: false });
        }
        far.iter_mut().for_each(|s| s.name.clone_from(&name));
        found.extend(far);
    }
    found
}

impl Source {
    /// Which clients of another source this one means, too.
    pub fn clients_at(&self, other: &Source) -> Vec<Range> {
        let same = self.family == other.family
            && match (self.place, other.place) {
                (Place::Interface(a), Place::Interface(b)) => a == b,
                (Place::Anybody(a), Place::Anybody(b)) => a == b,
                (Place::Internet, Place::Internet) => true,
                (a, b) => a == b,
            };
        if same { self.clients.clone() } else { vec![] }
    }
}

/// What a value on the `to` side means, every thing by itself.
pub(in crate::prove) fn goals(chart: &Chart<'_>, model: &Model, value: &Value, require: bool) -> Vec<Goal> {
    match value {
        Value::Internet => vec![Goal::Internet],
        Value::Cidr(cidr) => vec![Goal::Addresses(*cidr)],
        other if !require && !subnets_of(chart, other).is_empty() => {
            let mut goals = things(chart, interfaces_of(chart, model, other));
            goals.push(Goal::Anybody(subnets_of(chart, other)));
            goals
        }
        other => things(chart, interfaces_of(chart, model, other)),
    }
}

/// Interfaces by the thing that they belong to.
fn things(chart: &Chart<'_>, interfaces: Vec<usize>) -> Vec<Goal> {
    let mut things: Vec<(String, Vec<usize>)> = vec![];
    for interface in interfaces {
        let name = chart.name(Spot::Interface(interface));
        match things.iter_mut().find(|(n, _)| *n == name) {
            Some((_, of)) => of.push(interface),
            None => things.push((name, vec![interface])),
        }
    }
    things.into_iter().map(|(_, of)| Goal::Interfaces(of)).collect()
}

impl Goal {
    /// In words.
    pub fn name(&self, chart: &Chart<'_>) -> String {
        match self {
            Goal::Internet => "the internet".into(),
            Goal::Addresses(cidr) => format!("`{cidr}`"),
            Goal::Interfaces(of) => of.first().map_or_else(|| "nothing".into(), |i| format!("`{}`", chart.name(Spot::Interface(*i)))),
            Goal::Anybody(subnets) => {
                let names: Vec<String> = subnets.iter().take(3).map(|s| format!("`{}`", chart.name(Spot::Subnet(*s)))).collect();
                format!("whatever is or could be in {}", names.join(", "))
            }
        }
    }

    /// One place of it.
    pub fn place(&self) -> Place {
        match self {
            Goal::Interfaces(of) => of.first().map_or(Place::Internet, |i| Place::Interface(*i)),
            Goal::Anybody(of) => of.first().map_or(Place::Internet, |s| Place::Anybody(*s)),
            Goal::Internet | Goal::Addresses(_) => Place::Internet,
        }
    }

    /// Whether packets that arrive there have arrived.
    pub fn is_at(&self, place: &Place) -> bool {
        match (self, place) {
            (Goal::Interfaces(of), Place::Interface(i)) => of.contains(i),
            (Goal::Anybody(of), Place::Anybody(s)) => of.contains(s),
            (Goal::Internet, Place::Internet) | (Goal::Addresses(_), _) => true,
            _ => false,
        }
    }

    /// The subnets in which every address counts.
    pub fn anybody(&self) -> &[usize] {
        match self {
            Goal::Anybody(subnets) => subnets,
            _ => &[],
        }
    }

    /// The VPCs it lies in.
    pub fn vpcs(&self, chart: &Chart<'_>) -> Vec<usize> {
        match self {
            Goal::Interfaces(of) => of.iter().map(|i| chart.vpc_of_interface(*i)).collect(),
            Goal::Anybody(of) => of.iter().map(|s| chart.vpc_of(*s)).collect(),
            Goal::Internet | Goal::Addresses(_) => vec![],
        }
    }

    /// From where packets of a source set out for it, and to which addresses.
    pub fn ways_from(&self, chart: &Chart<'_>, source: &Source) -> Vec<(Place, Vec<Range>)> {
        let family = source.family;
        let from_outside = source.place == Place::Internet;
        let servers: Vec<Range> = match self {
            Goal::Internet => internet(family),
            Goal::Addresses(cidr) => (cidr.family() == family).then(|| Range::of(*cidr)).into_iter().collect(),
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
            Goal::Anybody(subnets) if from_outside && family == Family::V4 => {
                return subnets.iter().filter_map(|s| self.by_public_address(chart, *s)).collect();
            }
            Goal::Anybody(subnets) => {
                subnets.iter().filter_map(|s| chart.subnets.get(*s)).flat_map(|s| s.ranges.of(family).iter().copied()).collect()
            }
        };
        if servers.is_empty() { vec![] } else { vec![(source.place, servers)] }
    }

    /// Whoever is in a subnet could have a public address if the subnet's table leads to the internet gateway; else
    /// packets for it set out in vain, to an address that nobody has.
    fn by_public_address(&self, chart: &Chart<'_>, subnet: usize) -> Option<(Place, Vec<Range>)> {
        let ranges = chart.subnets.get(subnet)?.ranges.of(Family::V4).clone();
        match gateway_of(chart, subnet).filter(|_| leads_to_internet(chart, subnet)) {
            Some(spot) => Some((Place::Behind(spot), ranges)),
            None => Some((Place::Internet, ranges)),
        }
    }
}
