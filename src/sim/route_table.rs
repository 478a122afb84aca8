//! Route tables and what they are associated with. Layer 8.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    base::cidr::Cidr,
    call::{ApiError, Json},
    sim::{
        Actions,
        page::{Listing, describe},
        params::Params,
        refuse::{Outcome, bad, clash, in_use, missing, no_such, refuse},
        route::{self, Route, Target},
        tag::at_creation,
        world::{ACCOUNT, World, find, find_mut},
    },
};

pub(crate) const ACTIONS: Actions = &[
    ("CreateRouteTable", create, "VpcId TagSpecifications"),
    ("DeleteRouteTable", delete, "RouteTableId"),
    ("DescribeRouteTables", describe_tables, "RouteTableIds Filters"),
    ("AssociateRouteTable", associate, "RouteTableId SubnetId GatewayId"),
    ("DisassociateRouteTable", disassociate, "AssociationId"),
    ("ReplaceRouteTableAssociation", replace, "AssociationId RouteTableId"),
];

/// A route table. The local routes are not listed: they are the networks of its VPC.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RouteTable {
    pub(crate) vpc: String,
    pub(crate) routes: Vec<Route>,
    pub(crate) associations: Vec<Association>,
    /// VPN gateways that put their routes into it.
    #[serde(default)]
    pub(crate) propagating: Vec<String>,
}

/// What a table routes for: a subnet, a gateway, or (as main table) all subnets without another.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Association {
    id: String,
    pub(crate) subnet: Option<String>,
    gateway: Option<String>,
}

impl Association {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    fn is_main(&self) -> bool {
        self.subnet.is_none() && self.gateway.is_none()
    }
}

impl RouteTable {
    pub(crate) fn is_main(&self) -> bool {
        self.associations.iter().any(Association::is_main)
    }

    /// Whether what a gateway lets in follows it.
    pub(crate) fn is_of_gateway(&self) -> bool {
        self.associations.iter().any(|a| a.gateway.is_some())
    }

    /// Whether a route leads to this endpoint.
    pub(crate) fn leads_to_endpoint(&self, endpoint: &str) -> bool {
        self.routes.iter().any(|route| matches!(&route.via, Target::Endpoint(id) if id == endpoint))
    }

    /// The networks that it routes locally.
    pub(crate) fn local(&self, world: &World) -> Vec<Cidr> {
        world.vpcs.get(&self.vpc).map(|v| v.cidrs.iter().map(|b| b.cidr).collect()).unwrap_or_default()
    }
}

pub(crate) fn add_main(world: &mut World, vpc: &str) {
    let (id, association) = (world.id("rtb"), world.id("rtbassoc"));
    let main = Association { id: association, subnet: None, gateway: None };
    world.route_tables.insert(id, RouteTable { vpc: vpc.into(), routes: vec![], associations: vec![main], propagating: vec![] });
}

fn create(world: &mut World, p: Params<'_>) -> Outcome {
    let vpc = p.need("VpcId")?;
    find(&world.vpcs, "vpc", vpc)?;
    let tags = at_creation(p, "route-table", &["route-table"])?;
    if world.route_tables.values().filter(|t| t.vpc == vpc).count() >= world.quotas.route_tables_per_vpc {
        return Err(refuse("RouteTableLimitExceeded", "The maximum number of route tables has been reached."));
    }
    let id = world.id("rtb");
    world.route_tables.insert(id.clone(), RouteTable { vpc: vpc.into(), routes: vec![], associations: vec![], propagating: vec![] });
    world.tag(&id, tags);
    let mut answer = json!({"RouteTable": show(world, &id)});
    if let (Some(token), Some(map)) = (p.get("ClientToken"), answer.as_object_mut()) {
        map.insert("ClientToken".into(), token.clone());
    }
    Ok(answer)
}

fn delete(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("RouteTableId")?;
    if !find(&world.route_tables, "rtb", id)?.associations.is_empty() {
        return Err(in_use("routeTable", id));
    }
    world.route_tables.remove(id);
    world.tags.remove(id);
    world.endpoints.values_mut().for_each(|endpoint| endpoint.tables.retain(|table| table != id));
    Ok(json!({}))
}

fn associate(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("RouteTableId")?;
    let table = find(&world.route_tables, "rtb", id)?;
    let (subnet, gateway) = (p.text("SubnetId"), p.text("GatewayId"));
    let of = match (subnet, gateway) {
        (Some(subnet), None) => Some(&find(&world.subnets, "subnet", subnet)?.vpc),
        (None, Some(gateway)) if gateway.starts_with("vgw-") => {
            find(&world.vpn_gateways, "vgw", gateway)?.is_attached_to(&table.vpc).then_some(&table.vpc)
        }
        (None, Some(gateway)) => find(&world.internet_gateways, "igw", gateway)?.vpc.as_ref(),
        (None, None) => return Err(missing("subnetId")),
        (Some(_), Some(_)) => return Err(clash("Only one of subnetId and gatewayId may be specified")),
    };
    let target = subnet.or(gateway).unwrap_or_default();
    if of != Some(&table.vpc) {
        return Err(bad(format!("route table {id} and network {target} belong to different networks")));
    }
    let same = |a: &Association| a.subnet.as_deref() == subnet && a.gateway.as_deref() == gateway;
    let known = world.route_tables.iter().find_map(|(table, t)| Some((table, t.associations.iter().find(|a| same(a))?)));
    if let Some((other, association)) = known {
        if other != id {
            let message = format!("the specified association for route table {id} conflicts with an existing association");
            return Err(refuse("Resource.AlreadyAssociated", message));
        }
        return Ok(json!({"AssociationId": association.id, "AssociationState": {"State": "associated"}}));
    }
    if gateway.is_some() {
        fits_gateway(world, table)?;
    }
    let association = world.id("rtbassoc");
    let new = Association { id: association.clone(), subnet: subnet.map(str::to_owned), gateway: gateway.map(str::to_owned) };
    find_mut(&mut world.route_tables, "rtb", id)?.associations.push(new);
    Ok(json!({"AssociationId": association, "AssociationState": {"State": "associated"}}))
}

/// A gateway follows no table that has routes which its own may not have (VPC user guide, "Gateway route tables").
fn fits_gateway(world: &World, table: &RouteTable) -> Result<(), ApiError> {
    if !table.propagating.is_empty() {
        return Err(bad("A route table with route propagation can not be associated with a gateway."));
    }
    table.routes.iter().try_for_each(|r| route::fits_gateway(world, &table.vpc, &r.to, &r.via))
}

/// The table that has an association.
fn holder(world: &World, association: &str) -> Result<(String, Association), ApiError> {
    let found =
        world.route_tables.iter().find_map(|(id, t)| Some((id.clone(), t.associations.iter().find(|a| a.id == association)?.clone())));
    found.ok_or_else(|| no_such("rtbassoc", association))
}

fn disassociate(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("AssociationId")?;
    let (table, association) = holder(world, id)?;
    if association.is_main() {
        return Err(bad(format!("cannot disassociate the main route table association {id}")));
    }
    find_mut(&mut world.route_tables, "rtb", &table)?.associations.retain(|a| a.id != id);
    Ok(json!({}))
}

fn replace(world: &mut World, p: Params<'_>) -> Outcome {
    let (id, to) = (p.need("AssociationId")?, p.need("RouteTableId")?);
    let (from, association) = holder(world, id)?;
    let vpc = &find(&world.route_tables, "rtb", to)?.vpc;
    if *vpc != find(&world.route_tables, "rtb", &from)?.vpc {
        return Err(bad(format!("route table {to} and association {id} belong to different networks")));
    }
    if association.gateway.is_some() {
        fits_gateway(world, find(&world.route_tables, "rtb", to)?)?;
    }
    let new = world.id("rtbassoc");
    find_mut(&mut world.route_tables, "rtb", &from)?.associations.retain(|a| a.id != id);
    find_mut(&mut world.route_tables, "rtb", to)?.associations.push(Association { id: new.clone(), ..association });
    Ok(json!({"NewAssociationId": new, "AssociationState": {"State": "associated"}}))
}

fn show(world: &World, id: &str) -> Option<Json> {
    let table = world.route_tables.get(id)?;
    let associations: Vec<Json> = table
        .associations
        .iter()
        .map(|a| {
            let mut shown = json!({"RouteTableAssociationId": a.id, "RouteTableId": id, "Main": a.is_main(),
                "AssociationState": {"State": "associated"}});
            if let Some(map) = shown.as_object_mut() {
                map.extend(a.subnet.iter().map(|s| ("SubnetId".to_owned(), json!(s))));
                map.extend(a.gateway.iter().map(|g| ("GatewayId".to_owned(), json!(g))));
            }
            shown
        })
        .collect();
    Some(json!({
        "RouteTableId": id,
        "VpcId": table.vpc,
        "OwnerId": ACCOUNT,
        "Associations": associations,
        "PropagatingVgws": table.propagating.iter().map(|gateway| json!({"GatewayId": gateway})).collect::<Vec<_>>(),
        "Routes": route::show_all(world, id, table),
        "Tags": world.shown_tags(id),
    }))
}

const LISTING: Listing = Listing {
    member: "RouteTables",
    ids: "RouteTableIds",
    prefix: "rtb",
    filters: &[
        ("route-table-id", "RouteTableId"),
        ("vpc-id", "VpcId"),
        ("owner-id", "OwnerId"),
        ("association.gateway-id", "Associations.GatewayId"),
        ("association.main", "Associations.Main"),
        ("association.route-table-association-id", "Associations.RouteTableAssociationId"),
        ("association.route-table-id", "Associations.RouteTableId"),
        ("association.subnet-id", "Associations.SubnetId"),
        ("route.destination-cidr-block", "Routes.DestinationCidrBlock"),
        ("route.destination-ipv6-cidr-block", "Routes.DestinationIpv6CidrBlock"),
        ("route.destination-prefix-list-id", "Routes.DestinationPrefixListId"),
        ("route.egress-only-internet-gateway-id", "Routes.EgressOnlyInternetGatewayId"),
        ("route.gateway-id", "Routes.GatewayId"),
        ("route.instance-id", "Routes.InstanceId"),
        ("route.nat-gateway-id", "Routes.NatGatewayId"),
        ("route.network-interface-id", "Routes.NetworkInterfaceId"),
        ("route.origin", "Routes.Origin"),
        ("route.state", "Routes.State"),
        ("route.transit-gateway-id", "Routes.TransitGatewayId"),
        ("route.vpc-peering-connection-id", "Routes.VpcPeeringConnectionId"),
    ],
    ids_or_pages: false,
};

fn describe_tables(world: &mut World, p: Params<'_>) -> Outcome {
    describe(world, p, &LISTING, world.route_tables.keys(), |id| show(world, id))
}
