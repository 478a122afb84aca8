//! Internet gateways. Layer 8.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    base::cidr::Cidr,
    call::Json,
    sim::{
        Actions,
        page::{Listing, describe},
        params::Params,
        refuse::{Outcome, bad, in_use, refuse},
        route::{Destination, Route, Target},
        tag::at_creation,
        world::{ACCOUNT, World, find, find_mut},
    },
};

pub(crate) const ACTIONS: Actions = &[
    ("CreateInternetGateway", create, "TagSpecifications"),
    ("AttachInternetGateway", attach, "InternetGatewayId VpcId"),
    ("DetachInternetGateway", detach, "InternetGatewayId VpcId"),
    ("DeleteInternetGateway", delete, "InternetGatewayId"),
    ("DescribeInternetGateways", describe_gateways, "InternetGatewayIds Filters"),
];

/// An internet gateway.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct InternetGateway {
    pub(crate) vpc: Option<String>,
}

impl World {
    /// The internet gateway of a VPC.
    pub(crate) fn gateway_of(&self, vpc: &str) -> Option<&String> {
        self.internet_gateways.iter().find(|(_, g)| g.vpc.as_deref() == Some(vpc)).map(|(id, _)| id)
    }
}

/// The default VPC's gateway, and the route to it.
pub(crate) fn add_default(world: &mut World, vpc: &str) {
    let id = world.id("igw");
    world.internet_gateways.insert(id.clone(), InternetGateway { vpc: Some(vpc.into()) });
    if let Some(table) = world.route_tables.values_mut().find(|t| t.vpc == vpc && t.is_main()) {
        table.routes.push(Route { to: Destination::Network(Cidr::ANYWHERE_V4), via: Target::Gateway(id), origin: "CreateRoute".into() });
    }
}

fn create(world: &mut World, p: Params<'_>) -> Outcome {
    let tags = at_creation(p, "internet-gateway", &["internet-gateway"])?;
    if world.internet_gateways.len() >= world.quotas.internet_gateways {
        return Err(refuse("InternetGatewayLimitExceeded", "The maximum number of internet gateways has been reached."));
    }
    let id = world.id("igw");
    world.internet_gateways.insert(id.clone(), InternetGateway::default());
    world.tag(&id, tags);
    Ok(json!({"InternetGateway": show(world, &id)}))
}

fn attach(world: &mut World, p: Params<'_>) -> Outcome {
    let (id, vpc) = (p.need("InternetGatewayId")?, p.need("VpcId")?);
    let gateway = find(&world.internet_gateways, "igw", id)?;
    find(&world.vpcs, "vpc", vpc)?;
    if let Some(other) = &gateway.vpc {
        return Err(refuse("Resource.AlreadyAssociated", format!("resource {id} is already attached to network {other}")));
    }
    if world.gateway_of(vpc).is_some() {
        return Err(bad(format!("Network {vpc} already has an internet gateway attached")));
    }
    find_mut(&mut world.internet_gateways, "igw", id)?.vpc = Some(vpc.into());
    Ok(json!({}))
}

fn detach(world: &mut World, p: Params<'_>) -> Outcome {
    let (id, vpc) = (p.need("InternetGatewayId")?, p.need("VpcId")?);
    let gateway = find(&world.internet_gateways, "igw", id)?;
    find(&world.vpcs, "vpc", vpc)?;
    if gateway.vpc.as_deref() != Some(vpc) {
        return Err(refuse("Gateway.NotAttached", format!("resource {id} is not attached to network {vpc}")));
    }
    if world.interfaces.iter().any(|(eni, i)| i.vpc == vpc && world.has_public(eni)) {
        let message = format!(
            "Network {vpc} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway."
        );
        return Err(refuse("DependencyViolation", message));
    }
    find_mut(&mut world.internet_gateways, "igw", id)?.vpc = None;
    Ok(json!({}))
}

fn delete(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("InternetGatewayId")?;
    if find(&world.internet_gateways, "igw", id)?.vpc.is_some() {
        return Err(in_use("internetGateway", id));
    }
    world.internet_gateways.remove(id);
    world.tags.remove(id);
    Ok(json!({}))
}

fn show(world: &World, id: &str) -> Option<Json> {
    let gateway = world.internet_gateways.get(id)?;
    let attachments: Vec<Json> = gateway.vpc.iter().map(|vpc| json!({"VpcId": vpc, "State": "available"})).collect();
    Some(json!({"InternetGatewayId": id, "OwnerId": ACCOUNT, "Attachments": attachments, "Tags": world.shown_tags(id)}))
}

const LISTING: Listing = Listing {
    member: "InternetGateways",
    ids: "InternetGatewayIds",
    prefix: "igw",
    filters: &[
        ("internet-gateway-id", "InternetGatewayId"),
        ("attachment.vpc-id", "Attachments.VpcId"),
        ("attachment.state", "Attachments.State"),
        ("owner-id", "OwnerId"),
    ],
    ids_or_pages: false,
};

fn describe_gateways(world: &mut World, p: Params<'_>) -> Outcome {
    describe(world, p, &LISTING, world.internet_gateways.keys(), |id| show(world, id))
}
