//! Egress-only internet gateways. Layer 8.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    call::Json,
    sim::{
        Actions,
        page::{Listing, describe},
        params::Params,
        refuse::{Outcome, refuse},
        tag::at_creation,
        world::{World, find},
    },
};

pub(crate) const ACTIONS: Actions = &[
    ("CreateEgressOnlyInternetGateway", create, "VpcId TagSpecifications"),
    ("DeleteEgressOnlyInternetGateway", delete, "EgressOnlyInternetGatewayId"),
    ("DescribeEgressOnlyInternetGateways", describe_gateways, "EgressOnlyInternetGatewayIds Filters"),
];

/// An egress-only internet gateway.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct EgressOnlyInternetGateway {
    pub(crate) vpc: String,
}

fn create(world: &mut World, p: Params<'_>) -> Outcome {
    let vpc = p.need("VpcId")?;
    find(&world.vpcs, "vpc", vpc)?;
    let tags = at_creation(p, "egress-only-internet-gateway", &["egress-only-internet-gateway"])?;
    if world.egress_only_internet_gateways.len() >= world.quotas.egress_only_internet_gateways {
        let message = "The maximum number of egress-only internet gateways has been reached.";
        return Err(refuse("EgressOnlyInternetGatewayLimitExceeded", message));
    }
    let id = world.id("eigw");
    world.egress_only_internet_gateways.insert(id.clone(), EgressOnlyInternetGateway { vpc: vpc.into() });
    world.tag(&id, tags);
    let mut answer = json!({"EgressOnlyInternetGateway": show(world, &id)});
    if let Some(map) = answer.as_object_mut() {
        map.extend(p.get("ClientToken").map(|token| ("ClientToken".to_owned(), token.clone())));
    }
    Ok(answer)
}

/// Routes that led there are black holes from then on.
fn delete(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("EgressOnlyInternetGatewayId")?;
    find(&world.egress_only_internet_gateways, "eigw", id)?;
    world.egress_only_internet_gateways.remove(id);
    world.tags.remove(id);
    Ok(json!({"ReturnCode": true}))
}

fn show(world: &World, id: &str) -> Option<Json> {
    let gateway = world.egress_only_internet_gateways.get(id)?;
    Some(json!({
        "EgressOnlyInternetGatewayId": id,
        "Attachments": [{"State": "attached", "VpcId": gateway.vpc}],
        "Tags": world.shown_tags(id),
    }))
}

const LISTING: Listing = Listing {
    member: "EgressOnlyInternetGateways",
    ids: "EgressOnlyInternetGatewayIds",
    prefix: "eigw",
    filters: &[],
    ids_or_pages: false,
};

fn describe_gateways(world: &mut World, p: Params<'_>) -> Outcome {
    describe(world, p, &LISTING, world.egress_only_internet_gateways.keys(), |id| show(world, id))
}
