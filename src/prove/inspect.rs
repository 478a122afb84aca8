//! Everything that is attached to a thing, layer by layer, and who reaches whom through it. Layer 5.

use serde::Serialize;

use crate::{
    base::cidr::Family,
    net::{Net, Origin, Owner, Public, Target},
    prove::{
        chart::Chart,
        packet::show_address,
        policy::{side::interfaces_of, words},
        reach,
        walk::{Line, Spot},
    },
    schema::{model::Model, value::Value},
};

/// An interface, with all that decides what reaches it.
#[derive(Debug, Clone, Serialize)]
pub struct Inspected {
    /// The thing it belongs to.
    pub name: String,
    /// From the outside in: VPC, gateway, route table, network ACL, subnet, groups, addresses.
    pub layers: Vec<Layer>,
    /// What reaches it.
    pub reached_by: Vec<Way>,
    /// What it reaches.
    pub reaches: Vec<Way>,
}

/// Something attached to it.
#[derive(Debug, Clone, Serialize)]
pub struct Layer {
    /// `vpc`, `internet gateway`, `route table`, `network ACL`, `subnet`, `security group`, `interface`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Whether AWS has attached it by itself.
    pub by_aws: bool,
    /// What it says, a line each.
    pub lines: Vec<Said>,
}

/// A line of a layer.
#[derive(Debug, Clone, Serialize)]
pub struct Said {
    /// The line.
    pub text: String,
    /// Whether AWS has put it there by itself.
    pub by_aws: bool,
}

/// Flows to or from it.
#[derive(Debug, Clone, Serialize)]
pub struct Way {
    /// The other end.
    pub other: String,
    /// `tcp/22`, `all`.
    pub service: String,
    /// The networks that it comes from or goes to, where the other end is outside.
    pub networks: Vec<String>,
    /// Whether answers come back.
    pub answered: bool,
    /// Why it is only possible.
    pub doubt: Option<String>,
}

/// Looks at every interface that a thing means; none if it means nothing here.
#[must_use]
pub fn inspect(chart: &Chart<'_>, model: &Model, value: &Value) -> Vec<Inspected> {
    let interfaces = interfaces_of(chart, model, value);
    if interfaces.is_empty() {
        return vec![];
    }
    let nothing = Net::default();
    let delta = reach::delta(&Chart::new(&nothing), chart);
    let flows: Vec<reach::Flow> = delta.added.into_iter().chain(delta.unknown).collect();
    interfaces.into_iter().map(|i| one(chart, i, &flows)).collect()
}

fn one(chart: &Chart<'_>, interface: usize, flows: &[reach::Flow]) -> Inspected {
    let name = chart.name(Spot::Interface(interface));
    let way = |flow: &reach::Flow, other: &str, networks: &[String]| Way {
        other: other.to_owned(),
        service: flow.service.clone(),
        networks: networks.to_vec(),
        answered: flow.answered,
        doubt: flow.doubt.clone(),
    };
    let plain = |text: &str| text.trim_matches('`').to_owned();
    let to = flows.iter().filter(|f| plain(&f.to) == name).map(|f| way(f, &f.from, &f.sources));
    let from = flows.iter().filter(|f| plain(&f.from) == name).map(|f| way(f, &f.to, &f.destinations));
    Inspected { layers: layers(chart, interface), reached_by: to.collect(), reaches: from.collect(), name }
}

fn layers(chart: &Chart<'_>, interface: usize) -> Vec<Layer> {
    let net = chart.net;
    let (Some(at), Some(thing)) = (chart.interfaces.get(interface), net.interfaces.get(interface)) else { return vec![] };
    let mut found = vec![];
    let vpc = chart.vpc_of(at.subnet);
    if let Some(of) = net.vpcs.get(vpc) {
        let cidrs = of.cidrs.iter().map(|c| said(c, of.origin)).collect();
        found.push(layer("vpc", of.id.as_str(), of.origin, cidrs));
    }
    if let Some(gateway) = chart.vpcs.get(vpc).and_then(|v| v.gateway).and_then(|g| net.internet_gateways.get(g)) {
        found.push(layer("internet gateway", gateway.id.as_str(), gateway.origin, vec![]));
    }
    let Some(subnet) = chart.subnets.get(at.subnet) else { return found };
    if let Some((t, table)) = subnet.table.and_then(|t| Some((t, net.route_tables.get(t)?))) {
        let local = net.vpcs.get(vpc).map_or(&[][..], |v| v.cidrs.as_slice());
        let listed = |c: &&crate::base::cidr::Cidr| {
            !table.routes.iter().any(|r| r.target == Target::Local && r.destination == crate::net::Destination::Network(**c))
        };
        let mut lines: Vec<Said> =
            local.iter().filter(listed).map(|c| Said { text: format!("route {c} via local"), by_aws: true }).collect();
        lines.extend((0..table.routes.len()).map(|r| line(chart, Line::Route(t, r))));
        found.push(layer("route table", table.id.as_str(), table.origin, lines));
    }
    if let Some((a, acl)) = subnet.acl.and_then(|a| Some((a, net.network_acls.get(a)?))) {
        let inbound = (0..acl.inbound.len()).map(|e| line(chart, Line::In(a, e)));
        let outbound = (0..acl.outbound.len()).map(|e| line(chart, Line::Out(a, e)));
        found.push(layer("network ACL", acl.id.as_str(), acl.origin, inbound.chain(outbound).collect()));
    }
    if let Some(of) = net.subnets.get(at.subnet) {
        let zone = of.zone.iter().map(|z| Said { text: z.to_string(), by_aws: false });
        found.push(layer("subnet", of.id.as_str(), of.origin, of.cidrs.iter().map(|c| said(c, of.origin)).chain(zone).collect()));
    }
    for (g, group) in at.groups.iter().filter_map(|g| Some((*g, net.security_groups.get(*g)?))) {
        let ingress = (0..group.ingress.len()).map(|r| line(chart, Line::Ingress(g, r)));
        let egress = (0..group.egress.len()).map(|r| line(chart, Line::Egress(g, r)));
        found.push(layer("security group", group.id.as_str(), group.origin, ingress.chain(egress).collect()));
    }
    let mut lines: Vec<Said> = thing.addresses.iter().map(address).collect();
    if !thing.source_dest_check {
        lines.push(Said { text: "forwards: the source/destination check is off".into(), by_aws: false });
    }
    if matches!(thing.owner, Owner::Instance { running: false, .. }) {
        lines.push(Said { text: "does not run".into(), by_aws: false });
    }
    found.push(layer("interface", thing.id.as_str(), thing.origin, lines));
    found
}

fn layer(kind: &'static str, name: &str, origin: Origin, lines: Vec<Said>) -> Layer {
    Layer { kind, name: name.to_owned(), by_aws: origin == Origin::Aws, lines }
}

fn said(what: &impl ToString, origin: Origin) -> Said {
    Said { text: what.to_string(), by_aws: origin == Origin::Aws }
}

fn line(chart: &Chart<'_>, line: Line) -> Said {
    Said { text: words::line_words(chart, line), by_aws: words::origin(chart, line) == Some(Origin::Aws) }
}

fn address(address: &crate::net::InterfaceAddress) -> Said {
    let bits = address.private.family().bits();
    let own = if address.private.prefix() == bits {
        show_address(address.private.family(), address.private.first_number())
    } else {
        format!("one of {}, which AWS will choose", address.private)
    };
    let public = match address.public {
        Some(Public::Known(ip)) => format!(", public {ip}"),
        Some(Public::Chosen) => ", public, which AWS will choose".into(),
        None if address.private.family() == Family::V6 => String::new(),
        None => ", not public".into(),
    };
    Said { text: format!("{own}{public}"), by_aws: false }
}
