//! The ways from one thing to another. Layer 5.

use std::{fmt, sync::Arc};

use crate::{
    base::{cidr::Family, service::Service},
    net::Attached,
    prove::{
        ask::cubes,
        chart::{Both, Chart},
        packet::{Cube, Dim, Range, conversations, without_ranges},
        policy::{CLIENT_PORTS, side},
        walk::{Loss, Place, Spot, Trail, Walk},
    },
};

use super::set::{Flows, flows};

/// Where flows begin or end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    /// The internet.
    Internet,
    /// What lies behind a gateway.
    Behind(String),
    /// Machines, or other interfaces, that fare alike.
    Named(Vec<Arc<str>>),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Internet => f.write_str("the internet"),
            End::Behind(name) => write!(f, "what lies behind `{name}`"),
            // No name belongs to two kinds: the first tells them apart.
            End::Named(names) => f.write_str(names.first().map_or("nothing", |n| n)),
        }
    }
}

/// Flows with one way.
#[derive(Debug, Clone)]
pub(super) struct Way {
    pub flows: Flows,
    pub trail: Trail,
    /// Why it is not sure.
    pub doubt: Option<String>,
    /// Whether answers come back.
    pub answered: bool,
}

/// Both families.
pub(super) const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// The public addresses that are none of the model's own, in order.
pub(super) fn internet(chart: &Chart<'_>) -> Both<Vec<Range>> {
    Both::make(|family| match family {
        Family::V4 => {
            let mut found = vec![];
            for range in side::internet(family) {
                let mut lo = range.lo;
                for (own, _) in chart.publics.range(range.lo..=range.hi) {
                    found.extend((lo < *own).then(|| Range::new(lo, own - 1)));
                    lo = own + 1;
                }
                found.extend((lo <= range.hi).then(|| Range::new(lo, range.hi)));
            }
            found
        }
        Family::V6 => {
            let own: Vec<Range> = chart.vpcs.iter().flat_map(|v| v.ranges.of(family).iter().copied()).collect();
            without_ranges(&side::internet(family), &own)
        }
    })
}

/// Where packets go that leave the model, and where they come from.
pub(super) fn gateways(chart: &Chart<'_>) -> Vec<Spot> {
    let net = chart.net;
    let vpn = (0..net.vpn_gateways.len()).map(Spot::VpnGateway);
    let attachments = net.attachments.iter().enumerate().filter(|(_, a)| matches!(a.to, Attached::Outside(_)));
    let unseen = net.peerings.iter().enumerate().filter(|(_, p)| p.sides.iter().any(|s| chart.vpc(&s.vpc).is_none()));
    vpn.chain(attachments.map(|(i, _)| Spot::Attachment(i))).chain(unseen.map(|(i, _)| Spot::Peering(i))).collect()
}

/// The place of an end that is outside, if the chart has it.
pub(super) fn place(chart: &Chart<'_>, end: &End) -> Option<Place> {
    match end {
        End::Internet => Some(Place::Internet),
        End::Behind(name) => gateways(chart).into_iter().find(|s| chart.name(*s) == *name).map(Place::Behind),
        End::Named(_) => None,
    }
}

fn private(chart: &Chart<'_>, interface: usize, family: Family) -> Vec<Range> {
    let addresses = chart.interfaces.get(interface).map_or(&[][..], |i| i.addresses.as_slice());
    addresses.iter().filter(|a| a.family == family).map(|a| a.range).collect()
}

fn clients(chart: &Chart<'_>, from: Place, family: Family) -> Vec<Range> {
    match from {
        Place::Interface(i) => private(chart, i, family),
        Place::Internet if family == Family::V4 => vec![Range::all(family)],
        Place::Internet => side::internet(family),
        _ => vec![Range::all(family)],
    }
}

/// The ways from a place to an interface, to any of its addresses.
pub(super) fn to_interface(chart: &Chart<'_>, from: Place, to: usize, family: Family) -> Vec<Way> {
    let mut servers = if from == Place::Internet && family == Family::V4 { vec![] } else { private(chart, to, family) };
    let addresses = chart.interfaces.get(to).map_or(&[][..], |i| i.addresses.as_slice());
    servers.extend(addresses.iter().filter(|_| family == Family::V4).filter_map(|a| a.public).map(Range::one));
    let mut found = vec![];
    if servers.is_empty() || from == Place::Interface(to) {
        return found;
    }
    let clients = clients(chart, from, family);
    for server in servers.into_iter().filter(|_| !clients.is_empty()) {
        let walk = Walk { foreign: from == Place::Internet, ..Walk::new(chart) };
        follow(chart, walk, (from, family), &clients, server, |place, way| {
            if place.is_none_or(|p| p == Place::Interface(to)) {
                found.push(way);
            }
        });
    }
    found
}

/// The ways from a place out of the model.
pub(super) fn outward(chart: &Chart<'_>, from: Place, family: Family) -> Vec<(End, Way)> {
    let clients = clients(chart, from, family);
    let mut found = vec![];
    if clients.is_empty() {
        return found;
    }
    let walk = Walk { foreign: true, outward: true, ..Walk::new(chart) };
    let public = side::internet(family);
    let mut own = public.clone();
    own.extend(chart.vpcs.iter().flat_map(|v| v.ranges.of(family).iter().copied()));
    let elsewhere = without_ranges(&[Range::all(family)], &own);
    let gateways = gateways(chart);
    let narrow = |way: &Way, ranges: &[Range]| -> Vec<Way> {
        let [number, second, first, client, server] = way.flows.0;
        let part =
            |r: &Range| Some(Way { flows: crate::prove::packet::Cuboid([number, second, first, client, r.meet(server)?]), ..way.clone() });
        ranges.iter().filter_map(part).collect()
    };
    follow(chart, walk, (from, family), &clients, Range::all(family), |place, way| match place {
        Some(Place::Internet) => found.extend(narrow(&way, &public).into_iter().map(|w| (End::Internet, w))),
        Some(Place::Behind(spot)) => found.push((End::Behind(chart.name(spot)), way)),
        Some(_) => {}
        // What nobody can tell the end of may end wherever the address is that it was sent to.
        None => {
            found.extend(narrow(&way, &public).into_iter().map(|w| (End::Internet, w)));
            for spot in &gateways {
                found.extend(narrow(&way, &elsewhere).into_iter().map(|w| (End::Behind(chart.name(*spot)), w)));
            }
        }
    });
    let itself = if let Place::Behind(spot) = from { Some(End::Behind(chart.name(spot))) } else { None };
    found.retain(|(end, _)| Some(end) != itself.as_ref());
    found
}

/// Sends everything from a place to a range, and the answers back. What is lost for reasons that nobody knows has no
/// place where it arrives.
fn follow(
    chart: &Chart<'_>,
    mut forth: Walk<'_, '_>,
    (from, family): (Place, Family),
    clients: &[Range],
    server: Range,
    mut found: impl FnMut(Option<Place>, Way),
) {
    let ports = if matches!(from, Place::Interface(_)) { CLIENT_PORTS } else { Range::PORTS };
    forth.send(from, family, cubes(clients, &[server], &conversations(&Service::All, ports, family)));
    let said = |place: Option<Place>| !matches!(place, Some(Place::Interface(_)));
    let way = |cube: Cube, to: Option<Place>, trail: &Trail, doubt: Option<String>, answered: bool| Way {
        flows: flows(&cube, said(Some(from)), said(to)),
        trail: trail.clone(),
        doubt,
        answered,
    };
    for arrival in &forth.arrivals {
        let to = Some(arrival.place);
        for piece in &arrival.stream.pieces {
            let doubt = piece.doubt.as_ref().map(crate::prove::reason::Reason::words);
            found(to, way(arrival.stream.sent(piece.cube), to, &piece.trail, doubt, false));
        }
        let mut back = Walk { foreign: forth.foreign, ..Walk::new(chart) };
        back.answer(arrival);
        for answer in &back.arrivals {
            for piece in &answer.stream.pieces {
                let doubt = piece.doubt.as_ref().map(crate::prove::reason::Reason::words);
                found(to, way(answer.stream.sent(piece.cube), to, &piece.trail, doubt, true));
            }
        }
        for loss in &back.unknown {
            found(to, way(loss.sent(), to, &loss.piece.trail, Some(why(chart, loss)), false));
        }
    }
    let single = server.lo == server.hi;
    for loss in &forth.unknown {
        let cube = loss.sent();
        // To one address only, whoever has it is told apart by its name.
        let cube = if single || !forth.outward { cube.put(Dim::Server, Range::one(0)) } else { cube };
        found(None, way(cube, None, &loss.piece.trail, Some(why(chart, loss)), false));
    }
}

/// Why nobody can tell.
fn why(chart: &Chart<'_>, loss: &Loss) -> String {
    let at = loss.piece.trail.steps().last().map_or(String::new(), |s| format!("`{}` ", chart.name(s.spot)));
    format!("{at}{}", loss.reason.words())
}
