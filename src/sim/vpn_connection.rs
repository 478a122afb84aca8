//! Site-to-Site VPN connections: two tunnels from a customer gateway to a gateway of AWS. Layer 8.
//!
//! docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpnConnection.html,
//! docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VpnTunnelOptionsSpecification.html

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use crate::{
    base::cidr::Cidr,
    call::{ApiError, Json},
    sim::{
        Actions, done,
        page::{Listing, describe},
        params::{Params, cidr},
        refuse::{Outcome, bad, clash, invalid, missing, refuse},
        tag::at_creation,
        transit_gateway::{self, State},
        world::{Due, World, find, find_mut},
    },
};

pub(crate) const ACTIONS: Actions = &[
    ("CreateVpnConnection", create, "CustomerGatewayId Type VpnGatewayId TransitGatewayId Options TagSpecifications"),
    ("DeleteVpnConnection", delete, "VpnConnectionId"),
    ("ModifyVpnConnection", modify, "VpnConnectionId VpnGatewayId TransitGatewayId CustomerGatewayId"),
    (
        "ModifyVpnConnectionOptions",
        modify_options,
        "VpnConnectionId LocalIpv4NetworkCidr RemoteIpv4NetworkCidr LocalIpv6NetworkCidr RemoteIpv6NetworkCidr",
    ),
    ("ModifyVpnTunnelOptions", modify_tunnel, "VpnConnectionId VpnTunnelOutsideIpAddress TunnelOptions"),
    ("CreateVpnConnectionRoute", create_route, "VpnConnectionId DestinationCidrBlock"),
    ("DeleteVpnConnectionRoute", delete_route, "VpnConnectionId DestinationCidrBlock"),
    ("DescribeVpnConnections", describe_connections, "VpnConnectionIds Filters"),
];

/// How many there may be in a region, and at a virtual private gateway (docs.aws.amazon.com/vpn/latest/s2svpn/vpn-limits.html).
const CONNECTIONS_MAX: usize = 50;
const AT_GATEWAY_MAX: usize = 10;
/// Static routes of a connection.
const ROUTES_MAX: usize = 100;

/// What is inside and outside of the tunnels, as far as IPsec is to tell.
const NETWORKS: [&str; 4] = ["LocalIpv4NetworkCidr", "RemoteIpv4NetworkCidr", "LocalIpv6NetworkCidr", "RemoteIpv6NetworkCidr"];

/// Numbers among a tunnel's options, and their ranges.
const NUMBERS: [(&str, i64, i64); 6] = [
    ("Phase1LifetimeSeconds", 900, 28_800),
    ("Phase2LifetimeSeconds", 900, 3_600),
    ("RekeyMarginTimeSeconds", 60, 1_800),
    ("RekeyFuzzPercentage", 0, 100),
    ("ReplayWindowSize", 64, 2_048),
    ("DPDTimeoutSeconds", 30, i64::MAX),
];

/// Words among a tunnel's options.
const WORDS: [(&str, &[&str]); 2] = [("DPDTimeoutAction", &["clear", "none", "restart"]), ("StartupAction", &["add", "start"])];

const ENCRYPTION: &[&str] = &["AES128", "AES256", "AES128-GCM-16", "AES256-GCM-16"];
const INTEGRITY: &[&str] = &["SHA1", "SHA2-256", "SHA2-384", "SHA2-512"];

/// Lists of words among a tunnel's options.
const LISTS: [(&str, &[&str]); 5] = [
    ("Phase1EncryptionAlgorithms", ENCRYPTION),
    ("Phase2EncryptionAlgorithms", ENCRYPTION),
    ("Phase1IntegrityAlgorithms", INTEGRITY),
    ("Phase2IntegrityAlgorithms", INTEGRITY),
    ("IKEVersions", &["ikev1", "ikev2"]),
];

/// Lists of numbers among a tunnel's options.
const GROUPS: [(&str, &[i64]); 2] = [
    ("Phase1DHGroupNumbers", &[2, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24]),
    ("Phase2DHGroupNumbers", &[2, 5, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24]),
];

/// Networks that no tunnel has inside.
const RESERVED: [&str; 7] =
    ["169.254.0.0/30", "169.254.1.0/30", "169.254.2.0/30", "169.254.3.0/30", "169.254.4.0/30", "169.254.5.0/30", "169.254.169.252/30"];

/// A connection.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Connection {
    pub(crate) state: State,
    pub(crate) customer: String,
    /// The virtual private gateway or transit gateway.
    pub(crate) gateway: String,
    static_routes: bool,
    accelerated: bool,
    inside: String,
    networks: BTreeMap<String, String>,
    tunnels: Vec<Tunnel>,
    routes: Vec<Cidr>,
    due: u64,
}

/// One of its two tunnels.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Tunnel {
    outside: String,
    inside: String,
    key: String,
    /// As they were asked for; what was not is not shown.
    options: Map<String, Json>,
}

impl Connection {
    fn by_transit(&self) -> bool {
        self.gateway.starts_with("tgw-")
    }
}

/// A connection that takes changes.
fn ready<'a>(world: &'a World, id: &str) -> Result<&'a Connection, ApiError> {
    let connection = find(&world.vpn_connections, "vpn", id)?;
    match connection.state {
        State::Available => Ok(connection),
        _ => Err(refuse("IncorrectState", format!("The vpnConnection '{id}' is in an incorrect state: {}", connection.state.name()))),
    }
}

/// The gateway that a request names.
fn end<'p>(world: &World, p: Params<'p>) -> Result<Option<&'p str>, ApiError> {
    match (p.text("VpnGatewayId"), p.text("TransitGatewayId")) {
        (Some(_), Some(_)) => Err(clash("The parameters vpnGatewayId and transitGatewayId cannot be used together")),
        (Some(id), None) => world.vpn_gateway_stands(id).map(|()| Some(id)),
        (None, Some(id)) => transit_gateway::ready(world, id).map(|_| Some(id)),
        (None, None) => Ok(None),
    }
}

fn create(world: &mut World, p: Params<'_>) -> Outcome {
    if p.need("Type")? != "ipsec.1" {
        return Err(bad("Value for parameter type is invalid. The only supported value is ipsec.1"));
    }
    let tags = at_creation(p, "vpn-connection", &["vpn-connection"])?;
    let customer = p.need("CustomerGatewayId")?;
    world.customer_gateway_stands(customer)?;
    let gateway = end(world, p)?.ok_or_else(|| missing("vpnGatewayId or transitGatewayId"))?;
    let living = || world.vpn_connections.values().filter(|c| !c.state.is_gone());
    if living().count() >= CONNECTIONS_MAX || living().filter(|c| c.gateway == gateway).count() >= AT_GATEWAY_MAX {
        return Err(refuse("VpnConnectionLimitExceeded", "The maximum number of VPN connections has been reached."));
    }
    let nothing = json!({});
    let options = p.sub("Options").unwrap_or_else(|| Params::new(&nothing));
    let by_transit = gateway.starts_with("tgw-");
    let (accelerated, inside) = (options.flag("EnableAcceleration") == Some(true), options.text("TunnelInsideIpVersion").unwrap_or("ipv4"));
    if !by_transit && (accelerated || inside == "ipv6") {
        return Err(clash("EnableAcceleration and IPv6 inside of tunnels are only supported on a transit gateway"));
    }
    let asked: Vec<Params<'_>> = options.subs("TunnelOptions").collect();
    if asked.len() > 2 {
        return Err(bad("A VPN connection has two tunnels"));
    }
    let networks = networks(options)?;
    let mut tunnels = vec![];
    for i in 0..2 {
        let asked = asked.get(i).copied().unwrap_or_else(|| Params::new(&nothing));
        let tunnel = world.tunnel(asked)?;
        if tunnels.iter().any(|other: &Tunnel| other.inside == tunnel.inside) {
            return Err(bad(format!("The tunnel inside CIDR {} is used twice", tunnel.inside)));
        }
        tunnels.push(tunnel);
    }
    let id = world.id("vpn");
    let connection = Connection {
        state: State::Pending,
        customer: customer.into(),
        gateway: gateway.into(),
        static_routes: options.flag("StaticRoutesOnly") == Some(true),
        accelerated,
        inside: inside.into(),
        networks,
        tunnels,
        routes: vec![],
        due: world.now + world.pace.transit,
    };
    world.vpn_connections.insert(id.clone(), connection);
    world.schedule(world.pace.transit, Due::Transit(id.clone()));
    if by_transit {
        world.attach_to_transit(gateway, "vpn", &id, BTreeMap::new());
    }
    world.tag(&id, tags);
    Ok(json!({"VpnConnection": show(world, &id)}))
}

/// The networks that a request names.
fn networks(p: Params<'_>) -> Result<BTreeMap<String, String>, ApiError> {
    let named = NETWORKS.into_iter().filter_map(|name| Some((name, p.text(name)?)));
    named.map(|(name, text)| Ok((name.to_owned(), cidr(name, text)?.to_string()))).collect()
}

impl World {
    /// A tunnel as asked for; what was not asked for is chosen.
    fn tunnel(&mut self, p: Params<'_>) -> Result<Tunnel, ApiError> {
        let (drawn, key) = (self.draw(), format!("k{:016x}{:016x}", self.draw(), self.draw()));
        let [a, b, c, ..] = drawn.to_be_bytes();
        // Not one of those that are reserved: they lie below 169.254.6.0, and in 169.254.169.0.
        let inside = format!("169.254.{}.{}/30", 6 + a % 128, b & 0xfc);
        let mut tunnel = Tunnel { outside: format!("203.0.{}.{}", 64 + b % 32, c), inside, key, options: Map::new() };
        tunnel.take(p)?;
        Ok(tunnel)
    }

    fn customer_gateway_stands(&self, id: &str) -> Result<(), ApiError> {
        match find(&self.customer_gateways, "cgw", id)?.is_gone() {
            false => Ok(()),
            true => Err(refuse("InvalidCustomerGatewayID.NotFound", format!("The customerGateway ID '{id}' does not exist"))),
        }
    }

    fn vpn_gateway_stands(&self, id: &str) -> Result<(), ApiError> {
        match find(&self.vpn_gateways, "vgw", id)?.is_gone() {
            false => Ok(()),
            true => Err(refuse("InvalidVpnGatewayID.NotFound", format!("The vpnGateway ID '{id}' does not exist"))),
        }
    }

    /// A connection that ends at a gateway, of AWS's side or the customer's.
    pub(crate) fn vpn_connection_at(&self, gateway: &str) -> Option<&String> {
        let ends = |c: &Connection| c.state != State::Deleted && (c.gateway == gateway || c.customer == gateway);
        self.vpn_connections.iter().find(|(_, c)| ends(c)).map(|(id, _)| id)
    }

    /// What a connection is attached to its transit gateway with.
    fn vpn_attachment(&self, id: &str) -> Option<String> {
        self.transit_attachments.iter().find(|(_, a)| a.resource == id && !a.state.is_gone()).map(|(attachment, _)| attachment.clone())
    }
}

impl Tunnel {
    /// Takes the options of a request.
    fn take(&mut self, p: Params<'_>) -> Result<(), ApiError> {
        for (name, low, high) in NUMBERS {
            if let Some(number) = p.int(name) {
                if !(low..=high).contains(&number) {
                    return Err(invalid(name, &number.into(), "It is out of range."));
                }
                self.options.insert(name.into(), number.into());
            }
        }
        for (name, words) in WORDS {
            if let Some(word) = p.text(name) {
                if !words.contains(&word) {
                    return Err(invalid(name, &word.into(), "It is none of the words."));
                }
                self.options.insert(name.into(), word.into());
            }
        }
        for (name, words) in LISTS {
            let values: Vec<&str> = p.subs(name).filter_map(|v| v.text("Value")).collect();
            if let Some(word) = values.iter().find(|word| !words.contains(word)) {
                return Err(invalid(name, &(*word).into(), "It is none of the words."));
            }
            self.list(name, values.into_iter().map(Json::from).collect());
        }
        for (name, numbers) in GROUPS {
            let values: Vec<i64> = p.subs(name).filter_map(|v| v.int("Value")).collect();
            if let Some(number) = values.iter().find(|number| !numbers.contains(number)) {
                return Err(invalid(name, &(*number).into(), "There is no such group."));
            }
            self.list(name, values.into_iter().map(Json::from).collect());
        }
        let lifetime = |name: &str, default: i64| self.options.get(name).and_then(Json::as_i64).unwrap_or(default);
        if lifetime("Phase2LifetimeSeconds", 3_600) > lifetime("Phase1LifetimeSeconds", 28_800) {
            return Err(bad("Phase2LifetimeSeconds must be less than Phase1LifetimeSeconds"));
        }
        if let Some(inside) = p.text("TunnelInsideCidr") {
            self.inside = check_inside(inside)?;
        }
        if let Some(key) = p.text("PreSharedKey") {
            let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_');
            if !(8..=64).contains(&key.len()) || key.starts_with('0') || !key.chars().all(allowed) {
                return Err(bad(
                    "The value of PreSharedKey is invalid: 8 to 64 letters, digits, dots and underscores, of which the first is no 0",
                ));
            }
            self.key = key.into();
        }
        Ok(())
    }

    fn list(&mut self, name: &str, values: Vec<Json>) {
        if !values.is_empty() {
            self.options.insert(name.into(), values.into_iter().map(|value| json!({"Value": value})).collect());
        }
    }

    /// What is told of it. Two members have other names than the parameters.
    fn show(&self) -> Json {
        let renamed = |name: &str| match name {
            "DPDTimeoutSeconds" => "DpdTimeoutSeconds".to_owned(),
            "DPDTimeoutAction" => "DpdTimeoutAction".to_owned(),
            "IKEVersions" => "IkeVersions".to_owned(),
            name => name.to_owned(),
        };
        let mut shown: Map<String, Json> = self.options.iter().map(|(name, value)| (renamed(name), value.clone())).collect();
        shown.insert("OutsideIpAddress".into(), json!(self.outside));
        shown.insert("TunnelInsideCidr".into(), json!(self.inside));
        shown.insert("PreSharedKey".into(), json!(self.key));
        Json::Object(shown)
    }
}

fn check_inside(text: &str) -> Result<String, ApiError> {
    let (inside, whole) = (cidr("TunnelInsideCidr", text)?, cidr("TunnelInsideCidr", "169.254.0.0/16")?);
    if inside.prefix() != 30 || !whole.contains(inside) || RESERVED.contains(&&*inside.to_string()) {
        return Err(bad(format!("Value ({text}) for parameter TunnelInsideCidr is invalid. It is no free /30 of 169.254.0.0/16.")));
    }
    Ok(inside.to_string())
}

fn delete(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("VpnConnectionId")?;
    let due = world.now + world.pace.transit;
    let connection = find_mut(&mut world.vpn_connections, "vpn", id)?;
    if !connection.state.is_gone() {
        (connection.state, connection.due) = (State::Deleting, due);
        connection.routes.clear();
        world.schedule(world.pace.transit, Due::Transit(id.into()));
        if let Some(attachment) = world.vpn_attachment(id) {
            world.detach_from_transit(&attachment);
        }
    }
    done()
}

pub(crate) fn settle(world: &mut World, id: &str) {
    let now = world.now;
    let Some(connection) = world.vpn_connections.get_mut(id).filter(|c| c.due <= now) else { return };
    connection.state = connection.state.next();
    if connection.state == State::Deleted {
        world.schedule(world.pace.linger, Due::Vanish(id.into()));
    }
}

/// It takes changes again after a while.
fn busy(world: &mut World, id: &str) -> Result<(), ApiError> {
    let due = world.now + world.pace.transit;
    let connection = find_mut(&mut world.vpn_connections, "vpn", id)?;
    (connection.state, connection.due) = (State::Pending, due);
    world.schedule(world.pace.transit, Due::Transit(id.into()));
    Ok(())
}

fn modify(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("VpnConnectionId")?;
    let connection = ready(world, id)?.clone();
    let (gateway, customer) = (end(world, p)?, p.text("CustomerGatewayId"));
    customer.map(|customer| world.customer_gateway_stands(customer)).transpose()?;
    if gateway.is_none() && customer.is_none() {
        return Err(missing("vpnGatewayId, transitGatewayId or customerGatewayId"));
    }
    if let Some(gateway) = gateway {
        if gateway == connection.gateway {
            return Err(bad(format!("The vpnConnection '{id}' ends at {gateway} already")));
        }
        if gateway.starts_with("tgw-") && !connection.routes.is_empty() {
            return Err(refuse(
                "IncorrectState",
                format!("The static routes of '{id}' must be deleted before it ends at a transit gateway"),
            ));
        }
        if gateway.starts_with("vgw-") && (connection.accelerated || connection.inside == "ipv6") {
            return Err(clash("Acceleration and IPv6 inside of tunnels are only supported on a transit gateway"));
        }
        if let Some(attachment) = world.vpn_attachment(id) {
            world.detach_from_transit(&attachment);
        }
        if gateway.starts_with("tgw-") {
            world.attach_to_transit(gateway, "vpn", id, BTreeMap::new());
        }
    }
    let changed = find_mut(&mut world.vpn_connections, "vpn", id)?;
    changed.gateway = gateway.unwrap_or(&connection.gateway).to_owned();
    changed.customer = customer.unwrap_or(&connection.customer).to_owned();
    busy(world, id)?;
    Ok(json!({"VpnConnection": show(world, id)}))
}

fn modify_options(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("VpnConnectionId")?;
    ready(world, id)?;
    let networks = networks(p)?;
    if networks.is_empty() {
        return Err(missing("localIpv4NetworkCidr"));
    }
    find_mut(&mut world.vpn_connections, "vpn", id)?.networks.extend(networks);
    busy(world, id)?;
    Ok(json!({"VpnConnection": show(world, id)}))
}

fn modify_tunnel(world: &mut World, p: Params<'_>) -> Outcome {
    let (id, outside) = (p.need("VpnConnectionId")?, p.need("VpnTunnelOutsideIpAddress")?);
    let mut connection = ready(world, id)?.clone();
    let options = p.sub("TunnelOptions").ok_or_else(|| missing("tunnelOptions"))?;
    if options.names().next().is_none() {
        return Err(missing("tunnelOptions"));
    }
    let tunnel = connection.tunnels.iter_mut().find(|tunnel| tunnel.outside == outside);
    let tunnel = tunnel.ok_or_else(|| bad(format!("The vpnConnection '{id}' has no tunnel with the outside IP address {outside}")))?;
    tunnel.take(options)?;
    let inside: BTreeSet<&String> = connection.tunnels.iter().map(|tunnel| &tunnel.inside).collect();
    if inside.len() < connection.tunnels.len() {
        return Err(bad("The tunnels of a VPN connection have different networks inside"));
    }
    world.vpn_connections.insert(id.into(), connection);
    busy(world, id)?;
    Ok(json!({"VpnConnection": show(world, id)}))
}

/// A connection that has static routes, and the one that a request is about.
fn route<'p>(world: &World, p: Params<'p>) -> Result<(&'p str, Cidr), ApiError> {
    let id = p.need("VpnConnectionId")?;
    let to = cidr("destinationCidrBlock", p.need("DestinationCidrBlock")?)?;
    let connection = find(&world.vpn_connections, "vpn", id)?;
    if connection.state.is_gone() {
        return Err(refuse("InvalidVpnConnectionID.NotFound", format!("The vpnConnection ID '{id}' does not exist")));
    }
    match connection.static_routes && !connection.by_transit() {
        true => Ok((id, to)),
        false => Err(refuse("IncorrectState", format!("The vpnConnection '{id}' takes no static routes"))),
    }
}

fn create_route(world: &mut World, p: Params<'_>) -> Outcome {
    let (id, to) = route(world, p)?;
    let connection = find_mut(&mut world.vpn_connections, "vpn", id)?;
    if connection.routes.len() >= ROUTES_MAX {
        return Err(refuse("RouteLimitExceeded", "The maximum number of routes has been reached."));
    }
    if !connection.routes.contains(&to) {
        connection.routes.push(to);
    }
    Ok(json!({}))
}

fn delete_route(world: &mut World, p: Params<'_>) -> Outcome {
    let (id, to) = route(world, p)?;
    let connection = find_mut(&mut world.vpn_connections, "vpn", id)?;
    let before = connection.routes.len();
    connection.routes.retain(|held| *held != to);
    match connection.routes.len() < before {
        true => Ok(json!({})),
        false => Err(refuse("InvalidRoute.NotFound", format!("The vpnConnection '{id}' has no route for {to}"))),
    }
}

fn show(world: &World, id: &str) -> Option<Json> {
    let connection = world.vpn_connections.get(id)?;
    let tunnels: Vec<Json> = connection.tunnels.iter().map(Tunnel::show).collect();
    let mut options = json!({
        "EnableAcceleration": connection.accelerated,
        "StaticRoutesOnly": connection.static_routes,
        "TunnelInsideIpVersion": connection.inside,
        "OutsideIpAddressType": "PublicIpv4",
        "LocalIpv4NetworkCidr": "0.0.0.0/0",
        "RemoteIpv4NetworkCidr": "0.0.0.0/0",
        "TunnelOptions": tunnels,
    });
    for (name, network) in &connection.networks {
        options[name] = json!(network);
    }
    let keys = connection.tunnels.iter().map(|t| format!("<ipsec_tunnel><pre_shared_key>{}</pre_shared_key></ipsec_tunnel>", t.key));
    let telemetry = connection.tunnels.iter().map(|t| json!({"OutsideIpAddress": t.outside, "Status": "DOWN", "AcceptedRouteCount": 0}));
    let routes = connection.routes.iter().map(|to| json!({"DestinationCidrBlock": to, "Source": "Static", "State": "available"}));
    let mut shown = json!({
        "VpnConnectionId": id,
        "State": connection.state.name(),
        "Type": "ipsec.1",
        "Category": "VPN",
        "CustomerGatewayId": connection.customer,
        "Options": options,
        "Routes": routes.collect::<Vec<_>>(),
        "VgwTelemetry": telemetry.collect::<Vec<_>>(),
        "Tags": world.shown_tags(id),
    });
    shown[if connection.by_transit() { "TransitGatewayId" } else { "VpnGatewayId" }] = json!(connection.gateway);
    if !connection.state.is_gone() {
        shown["CustomerGatewayConfiguration"] = json!(format!("<vpn_connection id=\"{id}\">{}</vpn_connection>", keys.collect::<String>()));
    }
    Some(shown)
}

const LISTING: Listing = Listing {
    member: "VpnConnections",
    ids: "VpnConnectionIds",
    prefix: "vpn",
    filters: &[
        ("vpn-connection-id", "VpnConnectionId"),
        ("customer-gateway-id", "CustomerGatewayId"),
        ("vpn-gateway-id", "VpnGatewayId"),
        ("transit-gateway-id", "TransitGatewayId"),
        ("option.static-routes-only", "Options.StaticRoutesOnly"),
        ("route.destination-cidr-block", "Routes.DestinationCidrBlock"),
        ("state", "State"),
        ("type", "Type"),
    ],
    ids_or_pages: false,
};

fn describe_connections(world: &mut World, p: Params<'_>) -> Outcome {
    describe(world, p, &LISTING, world.vpn_connections.keys(), |id| show(world, id))
}
