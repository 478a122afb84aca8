//! Transit gateways: routers between VPCs. Layer 8.
//!
//! docs.aws.amazon.com/vpc/latest/tgw/tgw-transit-gateways.html

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use crate::{
    call::{ApiError, Json},
    sim::{
        Actions,
        page::{Listing, describe},
        params::Params,
        refuse::{Outcome, bad, missing, refuse},
        tag::at_creation,
        transit_table,
        world::{ACCOUNT, Due, World, find, find_mut},
    },
};

pub(crate) const ACTIONS: Actions = &[
    ("CreateTransitGateway", create, "Description Options TagSpecifications"),
    ("ModifyTransitGateway", modify, "TransitGatewayId Description Options"),
    ("DeleteTransitGateway", delete, "TransitGatewayId"),
    ("DescribeTransitGateways", describe_gateways, "TransitGatewayIds Filters"),
];

/// Options that are `enable` or `disable`, and what they are where nobody says
/// (docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TransitGatewayRequestOptions.html).
const SWITCHES: [(&str, &str); 7] = [
    ("AutoAcceptSharedAttachments", "disable"),
    ("DefaultRouteTableAssociation", "enable"),
    ("DefaultRouteTablePropagation", "enable"),
    ("DnsSupport", "enable"),
    ("MulticastSupport", "disable"),
    ("SecurityGroupReferencingSupport", "disable"),
    ("VpnEcmpSupport", "enable"),
];

/// Switches that each name a table: the switch, and the member that tells the table.
const TABLES: [(&str, &str); 2] = [
    ("DefaultRouteTableAssociation", "AssociationDefaultRouteTableId"),
    ("DefaultRouteTablePropagation", "PropagationDefaultRouteTableId"),
];

/// The number that Amazon's side takes where nobody says.
const ASN: i64 = 64512;

/// A transit gateway.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TransitGateway {
    pub(crate) state: State,
    description: String,
    asn: i64,
    switches: BTreeMap<String, String>,
    /// By the member that tells it: the default tables.
    tables: BTreeMap<String, String>,
    created: u64,
    due: u64,
}

/// The state of a transit gateway, and of what belongs to one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum State {
    /// The other side of a peering has not heard of it yet.
    Initiating,
    PendingAcceptance,
    Pending,
    Available,
    Modifying,
    Deleting,
    Deleted,
    Rejected,
    Failed,
}

impl State {
    pub(crate) fn name(self) -> &'static str {
        match self {
            State::Initiating => "initiatingRequest",
            State::PendingAcceptance => "pendingAcceptance",
            State::Pending => "pending",
            State::Available => "available",
            State::Modifying => "modifying",
            State::Deleting => "deleting",
            State::Deleted => "deleted",
            State::Rejected => "rejected",
            State::Failed => "failed",
        }
    }

    /// What comes after it by itself.
    pub(crate) fn next(self) -> State {
        match self {
            State::Deleting | State::Deleted => State::Deleted,
            State::Pending | State::Available | State::Modifying => State::Available,
            // Waits for somebody, or is over.
            State::Initiating | State::PendingAcceptance | State::Rejected | State::Failed => self,
        }
    }

    pub(crate) fn is_gone(self) -> bool {
        matches!(self, State::Deleting | State::Deleted | State::Rejected | State::Failed)
    }
}

impl TransitGateway {
    /// The table that new attachments follow (`Association...`) or tell their networks (`Propagation...`), if there is one.
    pub(crate) fn default_table(&self, member: &str) -> Option<&String> {
        let (switch, _) = TABLES.iter().find(|(_, table)| *table == member)?;
        self.tables.get(member).filter(|_| self.switches.get(*switch).is_some_and(|s| s == "enable"))
    }
}

/// A gateway that takes changes.
pub(crate) fn ready<'a>(world: &'a World, id: &str) -> Result<&'a TransitGateway, ApiError> {
    let gateway = find(&world.transit_gateways, "tgw", id)?;
    match gateway.state {
        State::Available => Ok(gateway),
        State::Deleted => Err(refuse("InvalidTransitGatewayID.NotFound", format!("Transit Gateway {id} was deleted or does not exist."))),
        _ => Err(refuse("IncorrectState", format!("{id} is in invalid state"))),
    }
}

fn create(world: &mut World, p: Params<'_>) -> Outcome {
    let tags = at_creation(p, "transit-gateway", &["transit-gateway"])?;
    let options = p.sub("Options");
    if options.is_some_and(|o| o.has("TransitGatewayCidrBlocks")) {
        return Err(refuse("UnsupportedOperation", "The sandbox does not model the CIDR blocks of transit gateways."));
    }
    let asn = options.and_then(|o| o.int("AmazonSideAsn")).unwrap_or(ASN);
    check_asn(asn)?;
    let living = world.transit_gateways.values().filter(|g| !g.state.is_gone()).count();
    if living >= world.quotas.transit_gateways {
        return Err(refuse("TransitGatewayLimitExceeded", "The maximum number of transit gateways has been reached."));
    }
    let switch = |(name, default): &(&str, &str)| {
        let asked = options.and_then(|o| o.text(name)).unwrap_or(default);
        ((*name).to_owned(), asked.to_owned())
    };
    let switches: BTreeMap<String, String> = SWITCHES.iter().map(switch).collect();
    let id = world.id("tgw");
    let on = |switch: &str| switches.get(switch).is_some_and(|s| s == "enable");
    let mut tables = BTreeMap::new();
    if TABLES.iter().any(|(switch, _)| on(switch)) {
        let table = transit_table::add(world, &id, [on(TABLES[0].0), on(TABLES[1].0)]);
        tables.extend(TABLES.iter().filter(|(switch, _)| on(switch)).map(|(_, member)| ((*member).to_owned(), table.clone())));
    }
    let (created, due) = (world.now, world.now + world.pace.transit);
    let description = p.text("Description").unwrap_or_default().to_owned();
    let gateway = TransitGateway { state: State::Pending, description, asn, switches, tables, created, due };
    world.transit_gateways.insert(id.clone(), gateway);
    world.tag(&id, tags);
    world.schedule(world.pace.transit, Due::Transit(id.clone()));
    Ok(json!({"TransitGateway": show(world, &id)}))
}

/// Private numbers of 16 and of 32 bits.
pub(crate) fn check_asn(asn: i64) -> Result<(), ApiError> {
    match asn {
        64512..=65534 | 4_200_000_000..=4_294_967_294 => Ok(()),
        _ => Err(bad(format!("Invalid ASN: {asn}. It must be in the ranges 64512-65534 or 4200000000-4294967294"))),
    }
}

fn modify(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("TransitGatewayId")?;
    let mut gateway = ready(world, id)?.clone();
    let options = p.sub("Options");
    if let Some(asn) = options.and_then(|o| o.int("AmazonSideAsn")) {
        check_asn(asn)?;
        gateway.asn = asn;
    }
    for (name, _) in SWITCHES {
        if let Some(value) = options.and_then(|o| o.text(name)) {
            gateway.switches.insert(name.into(), value.into());
        }
    }
    for (switch, member) in TABLES {
        if let Some(table) = options.and_then(|o| o.text(member)) {
            let of = &find(&world.transit_tables, "tgw-rtb", table)?.gateway;
            if of != id {
                return Err(bad(format!("Route table {table} does not belong to {id}")));
            }
            gateway.tables.insert(member.into(), table.into());
        }
        let on = gateway.switches.get(switch).is_some_and(|s| s == "enable");
        if on && !gateway.tables.contains_key(member) {
            return Err(missing(member));
        }
    }
    if let Some(description) = p.text("Description") {
        gateway.description = description.into();
    }
    (gateway.state, gateway.due) = (State::Modifying, world.now + world.pace.transit);
    world.transit_gateways.insert(id.into(), gateway);
    world.schedule(world.pace.transit, Due::Transit(id.into()));
    Ok(json!({"TransitGateway": show(world, id)}))
}

fn delete(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("TransitGatewayId")?;
    ready(world, id)?;
    let living = |(_, a): &(&String, &crate::sim::transit_attachment::Attachment)| {
        a.gateway == id && (!a.state.is_gone() || a.state == State::Deleting)
    };
    let held: Vec<&str> = world.transit_attachments.iter().filter(living).map(|(id, _)| id.as_str()).collect();
    if !held.is_empty() {
        return Err(refuse("IncorrectState", format!("{id} has non-deleted VPC Attachments: {}.", held.join(", "))));
    }
    let due = world.now + world.pace.transit;
    let gateway = find_mut(&mut world.transit_gateways, "tgw", id)?;
    (gateway.state, gateway.due) = (State::Deleting, due);
    world.schedule(world.pace.transit, Due::Transit(id.into()));
    Ok(json!({"TransitGateway": show(world, id)}))
}

pub(crate) fn settle(world: &mut World, id: &str) {
    let now = world.now;
    let Some(gateway) = world.transit_gateways.get_mut(id).filter(|g| g.due <= now) else { return };
    gateway.state = gateway.state.next();
    if gateway.state == State::Deleted {
        let tables: Vec<String> = world.transit_tables.iter().filter(|(_, t)| t.gateway == id).map(|(id, _)| id.clone()).collect();
        for table in tables {
            world.transit_tables.remove(&table);
            world.tags.remove(&table);
        }
        world.schedule(world.pace.linger, Due::Vanish(id.into()));
    }
}

fn show(world: &World, id: &str) -> Option<Json> {
    let gateway = world.transit_gateways.get(id)?;
    let mut options: Map<String, Json> = gateway.switches.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    options.insert("AmazonSideAsn".into(), gateway.asn.into());
    for (_, member) in TABLES {
        options.extend(gateway.default_table(member).map(|table| (member.to_owned(), json!(table))));
    }
    Some(json!({
        "TransitGatewayId": id,
        "TransitGatewayArn": world.arn("transit-gateway", id),
        "State": gateway.state.name(),
        "OwnerId": ACCOUNT,
        "Description": gateway.description,
        "CreationTime": World::time(gateway.created),
        "Options": options,
        "Tags": world.shown_tags(id),
    }))
}

const LISTING: Listing = Listing {
    member: "TransitGateways",
    ids: "TransitGatewayIds",
    prefix: "tgw",
    filters: &[
        ("transit-gateway-id", "TransitGatewayId"),
        ("state", "State"),
        ("owner-id", "OwnerId"),
        ("options.amazon-side-asn", "Options.AmazonSideAsn"),
        ("options.association-default-route-table-id", "Options.AssociationDefaultRouteTableId"),
        ("options.auto-accept-shared-attachments", "Options.AutoAcceptSharedAttachments"),
        ("options.default-route-table-association", "Options.DefaultRouteTableAssociation"),
        ("options.default-route-table-propagation", "Options.DefaultRouteTablePropagation"),
        ("options.dns-support", "Options.DnsSupport"),
        ("options.propagation-default-route-table-id", "Options.PropagationDefaultRouteTableId"),
        ("options.vpn-ecmp-support", "Options.VpnEcmpSupport"),
    ],
    ids_or_pages: false,
};

fn describe_gateways(world: &mut World, p: Params<'_>) -> Outcome {
    describe(world, p, &LISTING, world.transit_gateways.keys(), |id| show(world, id))
}
