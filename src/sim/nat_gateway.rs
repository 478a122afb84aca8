//! NAT gateways: slow to come, slow to go. Layer 8.

use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use crate::{
    call::{ApiError, Json},
    sim::{
        Actions, address,
        page::{Listing, describe},
        params::{self, Params},
        refuse::{Outcome, bad, clash, missing, no_such, refuse},
        tag::at_creation,
        world::{Due, World, find, find_mut},
    },
};

pub(crate) const ACTIONS: Actions = &[
    ("CreateNatGateway", create, "SubnetId AllocationId ConnectivityType PrivateIpAddress TagSpecifications"),
    ("DeleteNatGateway", delete, "NatGatewayId"),
    ("DescribeNatGateways", describe_gateways, "NatGatewayIds Filter Filters"),
];

/// A NAT gateway.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct NatGateway {
    pub(crate) vpc: String,
    subnet: String,
    state: State,
    public: bool,
    created: u64,
    deleted: Option<u64>,
    /// When its state changes; an earlier change that was planned is void.
    due: u64,
    failure: Option<(String, String)>,
    /// Its interface and its addresses, as they were when it was made.
    interface: String,
    address: Map<String, Json>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum State {
    Pending,
    Failed,
    Available,
    Deleting,
    Deleted,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::Failed => "failed",
            State::Available => "available",
            State::Deleting => "deleting",
            State::Deleted => "deleted",
        }
    }
}

impl NatGateway {
    /// Passes packets on, or soon will.
    pub(crate) fn is_up(&self) -> bool {
        matches!(self.state, State::Pending | State::Available)
    }

    /// Can't be named by a new route any more.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self.state, State::Failed | State::Deleted | State::Deleting)
    }
}

fn create(world: &mut World, p: Params<'_>) -> Outcome {
    let subnet_id = p.need("SubnetId")?;
    let subnet = find(&world.subnets, "subnet", subnet_id)?;
    let (vpc, zone) = (subnet.vpc.clone(), subnet.zone.clone());
    let public = p.text("ConnectivityType") != Some("private");
    let allocation = p.text("AllocationId");
    match (public, allocation) {
        (true, None) => return Err(missing("allocationId")),
        (false, Some(_)) => return Err(clash("A private NAT gateway takes no allocationId")),
        (true, Some(id)) => check_address(world, id)?,
        (false, None) => {}
    }
    let tags = at_creation(p, "natgateway", &["natgateway"])?;
    let in_zone = |n: &&NatGateway| !n.is_gone() && world.subnets.get(&n.subnet).is_some_and(|s| s.zone == zone);
    if world.nat_gateways.values().filter(in_zone).count() >= world.quotas.nat_gateways_per_zone {
        return Err(refuse("NatGatewayLimitExceeded", "The maximum number of NAT gateways has been reached."));
    }
    let asked = p.text("PrivateIpAddress").map(|text| params::address("privateIpAddress", text)).transpose()?;
    let ip = world.take_address(subnet_id, asked)?.ok_or_else(|| bad(format!("The subnet '{subnet_id}' has no IPv4 address")))?;
    let id = world.id("nat");
    let interface = world.add_interface(subnet_id, Some(ip), vec![], &format!("Interface for NAT Gateway {id}"))?;
    find_mut(&mut world.interfaces, "eni", &interface)?.nat_gateway = Some(id.clone());
    let failure = (public && world.gateway_of(&vpc).is_none())
        .then(|| ("Gateway.NotAttached".to_owned(), format!("Network {vpc} has no Internet gateway attached")));
    let mut address = Map::new();
    address.insert("NetworkInterfaceId".into(), json!(interface));
    address.insert("PrivateIp".into(), json!(ip));
    address.insert("IsPrimary".into(), true.into());
    if let Some(allocation) = allocation {
        let association = address::map(world, allocation, &interface, None)?;
        address.insert("AllocationId".into(), json!(allocation));
        address.insert("AssociationId".into(), json!(association));
        address.insert("PublicIp".into(), json!(find(&world.addresses, "eipalloc", allocation)?.ip));
    }
    let due = world.now + world.pace.nat_gateway_available;
    let subnet = subnet_id.to_owned();
    let (state, created) = (State::Pending, world.now);
    let gateway = NatGateway { vpc, subnet, state, public, created, deleted: None, due, failure, interface, address };
    world.nat_gateways.insert(id.clone(), gateway);
    world.tag(&id, tags);
    world.schedule(world.pace.nat_gateway_available, Due::NatGateway(id.clone()));
    let mut answer = json!({"NatGateway": show(world, &id)});
    if let Some(map) = answer.as_object_mut() {
        map.extend(p.get("ClientToken").map(|token| ("ClientToken".to_owned(), token.clone())));
    }
    Ok(answer)
}

fn check_address(world: &World, id: &str) -> Result<(), ApiError> {
    match &find(&world.addresses, "eipalloc", id)?.association {
        None => Ok(()),
        Some(held) => Err(refuse("Resource.AlreadyAssociated", format!("Elastic IP address [{id}] is already associated: {}", held.id))),
    }
}

pub(crate) fn settle(world: &mut World, id: &str) {
    let now = world.now;
    let Some(gateway) = world.nat_gateways.get_mut(id).filter(|g| g.due <= now) else { return };
    gateway.state = match gateway.state {
        State::Pending if gateway.failure.is_some() => State::Failed,
        State::Pending => State::Available,
        State::Deleting => State::Deleted,
        State::Failed | State::Available | State::Deleted => return,
    };
    if gateway.is_gone() {
        gateway.deleted = Some(now);
        let interface = gateway.interface.clone();
        world.remove_interface(&interface);
        world.schedule(world.pace.linger, Due::Vanish(id.into()));
    }
}

fn delete(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("NatGatewayId")?;
    let due = world.now + world.pace.nat_gateway_deleted;
    let gateway = find_mut(&mut world.nat_gateways, "nat", id)?;
    match gateway.state {
        State::Deleted => return Err(no_such("nat", id)),
        State::Failed | State::Deleting => {}
        State::Pending | State::Available => {
            (gateway.state, gateway.due) = (State::Deleting, due);
            world.schedule(world.pace.nat_gateway_deleted, Due::NatGateway(id.into()));
        }
    }
    Ok(json!({"NatGatewayId": id}))
}

fn show(world: &World, id: &str) -> Option<Json> {
    let gateway = world.nat_gateways.get(id)?;
    let mut address = gateway.address.clone();
    let status = match gateway.state {
        State::Pending => "associating",
        State::Failed => "failed",
        State::Available => "succeeded",
        State::Deleting | State::Deleted => "disassociating",
    };
    address.insert("Status".into(), status.into());
    let mut shown = json!({
        "NatGatewayId": id,
        "VpcId": gateway.vpc,
        "SubnetId": gateway.subnet,
        "State": gateway.state.name(),
        "ConnectivityType": if gateway.public { "public" } else { "private" },
        "CreateTime": World::time(gateway.created),
        "NatGatewayAddresses": [address],
        "Tags": world.shown_tags(id),
    });
    let map = shown.as_object_mut()?;
    if let Some(at) = gateway.deleted {
        map.insert("DeleteTime".into(), World::time(at).into());
    }
    if let (State::Failed | State::Deleted, Some((code, message))) = (gateway.state, &gateway.failure) {
        map.insert("FailureCode".into(), json!(code));
        map.insert("FailureMessage".into(), json!(message));
    }
    Some(shown)
}

const LISTING: Listing = Listing {
    member: "NatGateways",
    ids: "NatGatewayIds",
    prefix: "nat",
    filters: &[
        ("nat-gateway-id", "NatGatewayId"),
        ("state", "State"),
        ("subnet-id", "SubnetId"),
        ("vpc-id", "VpcId"),
        ("connectivity-type", "ConnectivityType"),
    ],
    ids_or_pages: false,
};

fn describe_gateways(world: &mut World, p: Params<'_>) -> Outcome {
    describe(world, p, &LISTING, world.nat_gateways.keys(), |id| show(world, id))
}
