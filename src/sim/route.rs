//! Routes: where a table sends what, and whether that is still there. Layer 8.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    base::cidr::{Cidr, Family},
    call::{ApiError, Json},
    sim::{
        Actions, done,
        params::{Params, cidr_of},
        refuse::{Outcome, bad, clash, missing, no_such, refuse},
        route_table::RouteTable,
        vpc_endpoint,
        vpc_peering::{self, Peering},
        world::{ACCOUNT, World, find, find_mut},
    },
};

const TARGETS: &str = "GatewayId NatGatewayId NetworkInterfaceId InstanceId TransitGatewayId VpcPeeringConnectionId \
                       VpcEndpointId EgressOnlyInternetGatewayId";

pub(crate) const ACTIONS: Actions = &[
    (
        "CreateRoute",
        create,
        "RouteTableId DestinationCidrBlock DestinationIpv6CidrBlock DestinationPrefixListId GatewayId NatGatewayId NetworkInterfaceId \
         InstanceId TransitGatewayId VpcPeeringConnectionId VpcEndpointId EgressOnlyInternetGatewayId",
    ),
    (
        "ReplaceRoute",
        replace,
        "RouteTableId DestinationCidrBlock DestinationIpv6CidrBlock DestinationPrefixListId GatewayId NatGatewayId NetworkInterfaceId \
         InstanceId TransitGatewayId VpcPeeringConnectionId VpcEndpointId EgressOnlyInternetGatewayId",
    ),
    ("DeleteRoute", delete, "RouteTableId DestinationCidrBlock DestinationIpv6CidrBlock DestinationPrefixListId"),
];

/// A route that was added to a table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Route {
    pub(crate) to: Destination,
    pub(crate) via: Target,
    pub(crate) origin: String,
}

/// Which addresses a route is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Destination {
    Network(Cidr),
    PrefixList(String),
}

impl Destination {
    /// The member that names it.
    fn member(&self) -> &'static str {
        match self {
            Destination::Network(cidr) if cidr.family() == Family::V4 => "DestinationCidrBlock",
            Destination::Network(_) => "DestinationIpv6CidrBlock",
            Destination::PrefixList(_) => "DestinationPrefixListId",
        }
    }

    /// Whether it is one of these networks.
    fn is_among(&self, networks: &[Cidr]) -> bool {
        matches!(self, Destination::Network(cidr) if networks.contains(cidr))
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Destination::Network(cidr) => cidr.fmt(f),
            Destination::PrefixList(id) => f.write_str(id),
        }
    }
}

/// What a route leads to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Target {
    Gateway(String),
    EgressOnlyGateway(String),
    NatGateway(String),
    Interface(String),
    TransitGateway(String),
    Peering(String),
    VpnGateway(String),
    /// An endpoint of a Gateway Load Balancer.
    Endpoint(String),
    /// An instance, by its only interface.
    Instance {
        instance: String,
        interface: String,
    },
}

fn destination(world: &World, p: Params<'_>) -> Result<Destination, ApiError> {
    match (p.text("DestinationCidrBlock"), p.text("DestinationIpv6CidrBlock"), p.text("DestinationPrefixListId")) {
        (Some(text), None, None) => Ok(Destination::Network(cidr_of(Family::V4, "destinationCidrBlock", text)?)),
        (None, Some(text), None) => Ok(Destination::Network(cidr_of(Family::V6, "destinationIpv6CidrBlock", text)?)),
        (None, None, Some(list)) => world.weight_of_list(list).map(|_| Destination::PrefixList(list.into())),
        (None, None, None) => Err(missing("destinationCidrBlock")),
        _ => Err(clash("Only one destination may be specified")),
    }
}

fn target(world: &World, p: Params<'_>, vpc: &str) -> Result<Target, ApiError> {
    let mut given = TARGETS.split_whitespace().filter_map(|name| Some((name, p.text(name)?)));
    let Some((name, id)) = given.next() else {
        return Err(missing("gatewayId, natGatewayId, networkInterfaceId or instanceId"));
    };
    if given.next().is_some() {
        return Err(clash("Exactly one target of a route may be specified"));
    }
    match name {
        "GatewayId" if id.starts_with("vgw-") => match find(&world.vpn_gateways, "vgw", id)?.is_attached_to(vpc) {
            true => Ok(Target::VpnGateway(id.into())),
            false => Err(bad(format!("route table and gateway {id} belong to different networks"))),
        },
        // The older form of the parameter; what a gateway endpoint leads to its own tables tell it.
        "GatewayId" if id.starts_with("vpce-") => endpoint_target(world, id, vpc),
        "GatewayId" => {
            let attached = find(&world.internet_gateways, "igw", id)?.vpc.as_deref();
            if attached != Some(vpc) {
                return Err(bad(format!("route table and gateway {id} belong to different networks")));
            }
            Ok(Target::Gateway(id.into()))
        }
        "NatGatewayId" => match world.nat_gateways.get(id) {
            Some(nat) if nat.vpc == vpc && !nat.is_gone() => Ok(Target::NatGateway(id.into())),
            Some(nat) if nat.vpc != vpc => Err(bad(format!("route table and NAT gateway {id} belong to different networks"))),
            _ => Err(refuse("InvalidNatGatewayID.NotFound", format!("The natGateway ID '{id}' does not exist"))),
        },
        "NetworkInterfaceId" => match find(&world.interfaces, "eni", id)? {
            interface if interface.vpc == vpc => Ok(Target::Interface(id.into())),
            _ => Err(bad(format!("route table and network interface {id} belong to different networks"))),
        },
        "InstanceId" => instance_target(world, id, vpc),
        "TransitGatewayId" => match world.attached(id, vpc) {
            true => Ok(Target::TransitGateway(id.into())),
            // EC2 says no more of a gateway that the VPC is not attached to.
            false => Err(no_such("tgw", id)),
        },
        "VpcPeeringConnectionId" => Ok(Target::Peering(vpc_peering::target(world, id, vpc)?.into())),
        "VpcEndpointId" => endpoint_target(world, id, vpc),
        _ => {
            if find(&world.egress_only_internet_gateways, "eigw", id)?.vpc != vpc {
                return Err(bad(format!("route table and egress-only internet gateway {id} belong to different networks")));
            }
            if p.has("DestinationCidrBlock") {
                return Err(bad(format!("The egress-only internet gateway {id} takes no IPv4 destination.")));
            }
            Ok(Target::EgressOnlyGateway(id.into()))
        }
    }
}

/// Only endpoints of Gateway Load Balancers are targets of routes that people write.
fn endpoint_target(world: &World, id: &str, vpc: &str) -> Result<Target, ApiError> {
    match find(&world.endpoints, "vpce", id)? {
        endpoint if !endpoint.is_target() => Err(no_such("vpce", id)),
        endpoint if endpoint.vpc != vpc => Err(bad(format!("route table and VPC endpoint {id} belong to different networks"))),
        _ => Ok(Target::Endpoint(id.into())),
    }
}

fn instance_target(world: &World, id: &str, vpc: &str) -> Result<Target, ApiError> {
    find(&world.instances, "i", id)?;
    let mut interfaces = world.interfaces_of(id);
    match (interfaces.next(), interfaces.next()) {
        (Some((eni, i)), None) if i.vpc == vpc => Ok(Target::Instance { instance: id.into(), interface: eni.clone() }),
        (Some(_), None) => Err(bad(format!("route table and instance {id} belong to different networks"))),
        (Some(_), Some(_)) => Err(refuse(
            "InvalidInstanceID",
            format!("There are multiple interfaces attached to instance '{id}'. Please specify an interface ID for the operation instead."),
        )),
        (None, _) => Err(refuse("IncorrectInstanceState", format!("The instance '{id}' is not in a state that has an interface"))),
    }
}

fn create(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("RouteTableId")?;
    let table = find(&world.route_tables, "rtb", id)?;
    let to = destination(world, p)?;
    let via = target(world, p, &table.vpc)?;
    let local = table.local(world);
    if to.is_among(&local) || table.routes.iter().any(|r| r.to == to) || endpoint_holds(world, id, &to) {
        return Err(refuse("RouteAlreadyExists", format!("The route identified by {to} already exists.")));
    }
    let within = |to: &Destination| matches!(to, Destination::Network(cidr) if local.iter().any(|l| l.contains(*cidr)));
    if within(&to) && matches!(via, Target::Gateway(_)) {
        return Err(bad(format!(
            "The destination CIDR block {to} is equal to or more specific than one of this VPC's CIDR blocks. This route can target only an interface or an instance."
        )));
    }
    if table.is_of_gateway() {
        fits_gateway(world, &table.vpc, &to, &via)?;
    }
    // IPv4 and IPv6 apart; a prefix list may hold either.
    let besides =
        |other: &&Route| [&other.to, &to].iter().any(|d| matches!(d, Destination::PrefixList(_))) || other.to.member() == to.member();
    if table.routes.iter().filter(besides).count() >= world.quotas.routes_per_table {
        return Err(refuse("RouteLimitExceeded", format!("The maximum number of routes of the route table '{id}' has been reached.")));
    }
    let route = Route { to, via, origin: "CreateRoute".into() };
    find_mut(&mut world.route_tables, "rtb", id)?.routes.push(route);
    done()
}

fn replace(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("RouteTableId")?;
    let to = destination(world, p)?;
    let table = find(&world.route_tables, "rtb", id)?;
    let via = target(world, p, &table.vpc)?;
    if table.is_of_gateway() {
        fits_gateway(world, &table.vpc, &to, &via)?;
    }
    let table = find_mut(&mut world.route_tables, "rtb", id)?;
    let Some(route) = table.routes.iter_mut().find(|r| r.to == to) else {
        return Err(bad(format!("There is no route defined for '{to}' in the route table. Use CreateRoute instead.")));
    };
    route.via = via;
    Ok(json!({}))
}

/// In a table that a gateway follows a route is for the whole range of a subnet, and leads to an interface (VPC user guide,
/// "Gateway route tables").
pub(crate) fn fits_gateway(world: &World, vpc: &str, to: &Destination, via: &Target) -> Result<(), ApiError> {
    let subnets: Vec<Cidr> =
        world.subnets.values().filter(|s| s.vpc == vpc).flat_map(|s| s.cidr.into_iter().chain(s.ipv6.as_ref().map(|b| b.cidr))).collect();
    if !to.is_among(&subnets) {
        return Err(bad(format!("The destination CIDR block {to} of a gateway route table is not that of a subnet of {vpc}.")));
    }
    match via {
        Target::Interface(_) | Target::Instance { .. } | Target::Endpoint(_) => Ok(()),
        _ => Err(bad(format!(
            "The route for {to} of a gateway route table can target only a network interface or a Gateway Load Balancer endpoint."
        ))),
    }
}

fn delete(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("RouteTableId")?;
    let table = find(&world.route_tables, "rtb", id)?;
    let to = destination(world, p)?;
    if to.is_among(&table.local(world)) {
        return Err(bad(format!("cannot remove local route {to} in route table {id}")));
    }
    if endpoint_holds(world, id, &to) {
        return Err(bad(format!("cannot remove VPC endpoint route {to} in route table {id}")));
    }
    let table = find_mut(&mut world.route_tables, "rtb", id)?;
    let Some(at) = table.routes.iter().position(|r| r.to == to) else {
        let family = match to.member() {
            "DestinationCidrBlock" => "destination-cidr-block",
            "DestinationIpv6CidrBlock" => "destination-ipv6-cidr-block",
            _ => "destination-prefix-list-id",
        };
        return Err(refuse("InvalidRoute.NotFound", format!("no route with {family} {to} in route table {id}")));
    };
    table.routes.remove(at);
    Ok(json!({}))
}

/// Whether a gateway endpoint has put such a route into a table.
fn endpoint_holds(world: &World, table: &str, to: &Destination) -> bool {
    vpc_endpoint::routes_in(world, table).any(|(list, _)| *to == Destination::PrefixList(list))
}

/// A route whose target is gone, or can't pass anything on, is a black hole
/// (docs.aws.amazon.com/vpc/latest/userguide/WorkWithRouteTables.html).
fn is_active(world: &World, vpc: &str, target: &Target) -> bool {
    let carries = |eni: &str| {
        let attached = world.interfaces.get(eni).and_then(|i| i.attachment.as_ref());
        attached.is_some_and(|a| world.instances.get(&a.instance).is_some_and(|i| i.state.is_up()))
    };
    match target {
        Target::Gateway(id) => world.internet_gateways.get(id).is_some_and(|g| g.vpc.as_deref() == Some(vpc)),
        Target::EgressOnlyGateway(id) => world.egress_only_internet_gateways.get(id).is_some_and(|g| g.vpc == vpc),
        Target::NatGateway(id) => world.nat_gateways.get(id).is_some_and(|n| n.is_up()),
        Target::TransitGateway(id) => world.attached(id, vpc),
        Target::VpnGateway(id) => world.vpn_gateways.get(id).is_some_and(|g| g.is_attached_to(vpc)),
        Target::Interface(id) => carries(id),
        Target::Peering(id) => world.peerings.get(id).is_some_and(Peering::is_active),
        Target::Endpoint(id) => world.endpoints.get(id).is_some_and(vpc_endpoint::Endpoint::is_target),
        Target::Instance { interface, .. } => carries(interface),
    }
}

/// All routes of a table as EC2 shows them, the local ones first.
pub(crate) fn show_all(world: &World, id: &str, table: &RouteTable) -> Vec<Json> {
    let local = table.local(world).into_iter().map(
        |cidr| json!({Destination::Network(cidr).member(): cidr, "GatewayId": "local", "State": "active", "Origin": "CreateRouteTable"}),
    );
    let added = table.routes.iter().map(|route| {
        let state = if is_active(world, &table.vpc, &route.via) { "active" } else { "blackhole" };
        let (name, to, origin) = (route.to.member(), route.to.to_string(), &route.origin);
        match &route.via {
            Target::Gateway(id) | Target::VpnGateway(id) | Target::Endpoint(id) => {
                json!({name: to, "GatewayId": id, "State": state, "Origin": origin})
            }
            Target::NatGateway(id) => json!({name: to, "NatGatewayId": id, "State": state, "Origin": origin}),
            Target::TransitGateway(id) => json!({name: to, "TransitGatewayId": id, "State": state, "Origin": origin}),
            Target::Peering(id) => json!({name: to, "VpcPeeringConnectionId": id, "State": state, "Origin": origin}),
            Target::EgressOnlyGateway(id) => json!({name: to, "EgressOnlyInternetGatewayId": id, "State": state, "Origin": origin}),
            Target::Interface(id) => match world.interfaces.get(id).and_then(|i| i.attachment.as_ref()) {
                Some(a) => json!({name: to, "NetworkInterfaceId": id, "InstanceId": a.instance, "InstanceOwnerId": ACCOUNT,
                    "State": state, "Origin": origin}),
                None => json!({name: to, "NetworkInterfaceId": id, "State": state, "Origin": origin}),
            },
            Target::Instance { instance, interface } => {
                json!({name: to, "InstanceId": instance, "InstanceOwnerId": ACCOUNT, "NetworkInterfaceId": interface,
                    "State": state, "Origin": origin})
            }
        }
    });
    let by_endpoint = vpc_endpoint::routes_in(world, id).map(
        |(list, endpoint)| json!({"DestinationPrefixListId": list, "GatewayId": endpoint, "State": "active", "Origin": "CreateRoute"}),
    );
    local.chain(added).chain(by_endpoint).collect()
}
