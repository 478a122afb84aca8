//! Every way from one named thing to another. Layer 5.

use std::{collections::BTreeMap, fmt};

use crate::{
    base::{cidr::Family, service::Service},
    net::{Attached, Owner},
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
///
/// Machines of the model begin from client ports that systems choose by themselves; strangers from any.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    /// The internet.
    Internet,
    /// What lies behind a gateway.
    Behind(String),
    /// A machine, or another interface.
    Named(String),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Internet => f.write_str("the internet"),
            End::Behind(name) => write!(f, "what lies behind `{name}`"),
            End::Named(name) => f.write_str(name),
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

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// All ways of a network, by their ends and family.
pub(super) struct Ways {
    pub by_ends: BTreeMap<(End, End, Family), Vec<Way>>,
}

/// The public addresses that are none of the model's own, in order.
pub(super) fn internet(chart: &Chart<'_>) -> Both<Vec<Range>> {
    Both::make(|family| {
        let own: Vec<Range> = match family {
            Family::V4 => chart.publics.keys().map(|n| Range::one(*n)).collect(),
            Family::V6 => chart.vpcs.iter().flat_map(|v| v.ranges.of(family).iter().copied()).collect(),
        };
        without_ranges(&side::internet(family), &own)
    })
}

impl Ways {
    /// All ways.
    pub fn of(chart: &Chart<'_>) -> Self {
        let mut ways = Self::from_internet(chart);
        for spot in gateways(chart) {
            for family in FAMILIES {
                ways.collect(chart, Place::Behind(spot), family, &[Range::all(family)]);
            }
        }
        for (i, at) in chart.interfaces.iter().enumerate() {
            let owner = chart.net.interfaces.get(i).map(|i| &i.owner);
            if matches!(owner, Some(Owner::NatGateway(_) | Owner::TransitGateway)) {
                continue;
            }
            for family in FAMILIES {
                let own: Vec<Range> = at.addresses.iter().filter(|a| a.family == family).map(|a| a.range).collect();
                ways.collect(chart, Place::Interface(i), family, &own);
            }
        }
        ways
    }

    /// Those that begin on the internet.
    pub fn from_internet(chart: &Chart<'_>) -> Self {
        let mut ways = Ways { by_ends: BTreeMap::new() };
        for family in FAMILIES {
            ways.collect(chart, Place::Internet, family, &side::internet(family));
        }
        ways
    }

    fn collect(&mut self, chart: &Chart<'_>, from: Place, family: Family, clients: &[Range]) {
        let ports = if matches!(from, Place::Interface(_)) { CLIENT_PORTS } else { Range::PORTS };
        let traffic = conversations(&Service::All, ports, family);
        let mut forth = Walk::new(chart);
        forth.send(from, family, cubes(clients, &[Range::all(family)], &traffic));
        let Some(client) = end(chart, from) else { return };
        for arrival in &forth.arrivals {
            let Some(server) = end(chart, arrival.place).filter(|server| *server != client) else { continue };
            let mut add = |cube: Cube, trail: &Trail, doubt: Option<String>, answered: bool| {
                let way =
                    |cube: Cube| Way { flows: between(&cube, &client, &server), trail: trail.clone(), doubt: doubt.clone(), answered };
                let all = self.by_ends.entry((client.clone(), server.clone(), family)).or_default();
                if server == End::Internet {
                    all.extend(side::internet(family).into_iter().filter_map(|range| cube.within(Dim::Server, range)).map(way));
                } else {
                    all.push(way(cube));
                }
            };
            let words = |reason: &crate::prove::reason::Reason| reason.words();
            for piece in &arrival.stream.pieces {
                add(arrival.stream.sent(piece.cube), &piece.trail, piece.doubt.as_ref().map(words), false);
            }
            let mut back = Walk::new(chart);
            back.answer(arrival);
            for answer in &back.arrivals {
                for piece in &answer.stream.pieces {
                    add(answer.stream.sent(piece.cube), &piece.trail, piece.doubt.as_ref().map(words), true);
                }
            }
            for loss in &back.unknown {
                add(loss.sent(), &loss.piece.trail, Some(why(chart, loss)), false);
            }
        }
        for loss in &forth.unknown {
            self.lost(chart, &client, family, loss);
        }
    }

    /// What nobody can tell the end of may end wherever the address is that it was sent to.
    fn lost(&mut self, chart: &Chart<'_>, client: &End, family: Family, loss: &Loss) {
        let (cube, doubt) = (loss.sent(), why(chart, loss));
        let asked = cube.get(Dim::Server);
        let mut add = |server: End, cube: Cube| {
            let way = Way {
                flows: between(&cube, client, &server),
                trail: loss.piece.trail.clone(),
                doubt: Some(doubt.clone()),
                answered: false,
            };
            if server != *client {
                self.by_ends.entry((client.clone(), server, family)).or_default().push(way);
            }
        };
        for (i, at) in chart.interfaces.iter().enumerate() {
            let here = |a: &crate::prove::chart::AddressAt| {
                (a.family == family && a.range.meet(asked).is_some()) || a.public.is_some_and(|n| family == Family::V4 && asked.has(n))
            };
            if at.addresses.iter().any(here) {
                add(End::Named(chart.name(Spot::Interface(i))), cube);
            }
        }
        let public = side::internet(family);
        for range in &public {
            if let Some(cube) = cube.within(Dim::Server, *range) {
                add(End::Internet, cube);
            }
        }
        let own = chart.vpcs.iter().flat_map(|v| v.ranges.of(family).iter().copied());
        let elsewhere = without_ranges(&[asked], &public.into_iter().chain(own).collect::<Vec<_>>());
        for spot in gateways(chart) {
            for range in &elsewhere {
                add(End::Behind(chart.name(spot)), cube.put(Dim::Server, *range));
            }
        }
    }
}

/// Where packets go that leave the model.
fn gateways(chart: &Chart<'_>) -> impl Iterator<Item = Spot> {
    let vpn = (0..chart.net.vpn_gateways.len()).map(Spot::VpnGateway);
    let outside = |(i, a): (usize, &crate::net::Attachment)| matches!(a.to, Attached::Outside(_)).then_some(Spot::Attachment(i));
    vpn.chain(chart.net.attachments.iter().enumerate().filter_map(outside))
}

fn end(chart: &Chart<'_>, place: Place) -> Option<End> {
    match place {
        Place::Internet => Some(End::Internet),
        Place::Behind(spot) => Some(End::Behind(chart.name(spot))),
        Place::Interface(i) => Some(End::Named(chart.name(Spot::Interface(i)))),
        Place::Host(_) | Place::Anybody(_) => None,
    }
}

fn between(cube: &Cube, client: &End, server: &End) -> Flows {
    let said = |end: &End| !matches!(end, End::Named(_));
    flows(cube, said(client), said(server))
}

/// Why nobody can tell.
fn why(chart: &Chart<'_>, loss: &Loss) -> String {
    let at = loss.piece.trail.steps().last().map_or(String::new(), |s| format!("`{}` ", chart.name(s.spot)));
    format!("{at}{}", loss.reason.words())
}
