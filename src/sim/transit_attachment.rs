//! What is attached to transit gateways: VPCs, by an interface in one subnet a zone, VPNs, and other gateways. Layer 8.
//!
//! docs.aws.amazon.com/vpc/latest/tgw/tgw-vpc-attachments.html

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    base::cidr::Cidr,
    call::{ApiError, Json},
    sim::{
        Actions,
        page::{Listing, describe},
        params::Params,
        refuse::{Outcome, bad, no_such, refuse},
        tag::at_creation,
        transit_gateway::{self, State},
        transit_peering::Sides,
        world::{ACCOUNT, Due, World, find, find_mut},
    },
};

pub(crate) const ACTIONS: Actions = &[
    ("CreateTransitGatewayVpcAttachment", create, "TransitGatewayId VpcId SubnetIds Options TagSpecifications"),
    ("ModifyTransitGatewayVpcAttachment", modify, "TransitGatewayAttachmentId AddSubnetIds RemoveSubnetIds Options"),
    ("DeleteTransitGatewayVpcAttachment", delete, "TransitGatewayAttachmentId"),
    ("DescribeTransitGatewayVpcAttachments", describe_of_vpcs, "TransitGatewayAttachmentIds Filters"),
    ("DescribeTransitGatewayAttachments", describe_all, "TransitGatewayAttachmentIds Filters"),
];

/// Options that are `enable` or `disable`, and what they are where nobody says
/// (docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTransitGatewayVpcAttachmentRequestOptions.html).
const SWITCHES: [(&str, &str); 4] = [
    ("ApplianceModeSupport", "disable"),
    ("DnsSupport", "enable"),
    ("Ipv6Support", "disable"),
    ("SecurityGroupReferencingSupport", "enable"),
];

/// An attachment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Attachment {
    pub(crate) gateway: String,
    /// `vpc`, `vpn`, `peering`
    pub(crate) kind: String,
    /// The id of what is attached.
    pub(crate) resource: String,
    pub(crate) state: State,
    /// By subnet: the gateway's interface there.
    interfaces: BTreeMap<String, String>,
    switches: BTreeMap<String, String>,
    /// Of a peering.
    #[serde(default)]
    pub(crate) peering: Option<Sides>,
    pub(crate) created: u64,
    pub(crate) due: u64,
}

impl Attachment {
    pub(crate) fn new(gateway: &str, kind: &str, resource: &str, state: State, now: u64) -> Self {
        Attachment {
            gateway: gateway.into(),
            kind: kind.into(),
            resource: resource.into(),
            state,
            interfaces: BTreeMap::new(),
            switches: BTreeMap::new(),
            peering: None,
            created: now,
            due: 0,
        }
    }

    /// The same, as a peering of two gateways.
    pub(crate) fn between(self, sides: Sides) -> Self {
        Attachment { peering: Some(sides), ..self }
    }

    /// Whether packets pass.
    pub(crate) fn is_up(&self) -> bool {
        matches!(self.state, State::Available | State::Modifying)
    }

    /// The networks that it tells the tables which learn from it.
    pub(crate) fn networks(&self, world: &World) -> Vec<Cidr> {
        world.vpcs.get(&self.resource).map(|v| v.cidrs.iter().map(|c| c.cidr).collect()).unwrap_or_default()
    }
}

impl World {
    /// Whether a VPC is attached to a transit gateway.
    pub(crate) fn attached(&self, gateway: &str, vpc: &str) -> bool {
        self.transit_attachments.values().any(|a| a.gateway == gateway && a.resource == vpc && a.is_up())
    }

    /// Attaches something to a gateway, whose default tables it follows and tells its networks.
    pub(crate) fn attach_to_transit(&mut self, gateway: &str, kind: &str, resource: &str, switches: BTreeMap<String, String>) -> String {
        let id = self.id("tgw-attach");
        let due = self.now + self.pace.transit;
        let new = Attachment::new(gateway, kind, resource, State::Pending, self.now);
        self.transit_attachments.insert(id.clone(), Attachment { switches, due, ..new });
        self.schedule(self.pace.transit, Due::Transit(id.clone()));
        self.follow_default(gateway, &id);
        let learns = self.transit_gateways.get(gateway).and_then(|g| g.default_table("PropagationDefaultRouteTableId")).cloned();
        if let Some(table) = learns.and_then(|table| self.transit_tables.get_mut(&table)) {
            table.propagations.insert(id.clone());
        }
        id
    }

    /// Has a new attachment follow the default table of its gateway, if there is one.
    pub(crate) fn follow_default(&mut self, gateway: &str, id: &str) {
        let table = self.transit_gateways.get(gateway).and_then(|g| g.default_table("AssociationDefaultRouteTableId")).cloned();
        if let Some(table) = table.and_then(|table| self.transit_tables.get_mut(&table)) {
            table.associations.insert(id.into(), false);
        }
    }

    /// Has an attachment go, and what tables say of it.
    pub(crate) fn detach_from_transit(&mut self, id: &str) {
        let due = self.now + self.pace.transit;
        let Some(attachment) = self.transit_attachments.get_mut(id) else { return };
        (attachment.state, attachment.due) = (State::Deleting, due);
        let interfaces = std::mem::take(&mut attachment.interfaces);
        interfaces.values().for_each(|eni| self.remove_interface(eni));
        for table in self.transit_tables.values_mut() {
            table.associations.remove(id);
            table.propagations.remove(id);
        }
        self.schedule(self.pace.transit, Due::Transit(id.into()));
    }
}

fn create(world: &mut World, p: Params<'_>) -> Outcome {
    let (gateway, vpc) = (p.need("TransitGatewayId")?, p.need("VpcId")?);
    transit_gateway::ready(world, gateway)?;
    find(&world.vpcs, "vpc", vpc)?;
    let tags = at_creation(p, "transit-gateway-attachment", &["transit-gateway-attachment"])?;
    let subnets = p.texts("SubnetIds");
    check_subnets(world, vpc, &subnets)?;
    let twice = |a: &Attachment| a.gateway == gateway && a.resource == vpc && !a.state.is_gone();
    if world.transit_attachments.values().any(twice) {
        return Err(refuse(
            "DuplicateTransitGatewayAttachment",
            format!("{gateway} has non-deleted Transit Gateway Attachments with same VPC ID."),
        ));
    }
    let options = p.sub("Options");
    let switch = |(name, default): &(&str, &str)| {
        let asked = options.and_then(|o| o.text(name)).unwrap_or(default);
        ((*name).to_owned(), asked.to_owned())
    };
    let switches: BTreeMap<String, String> = SWITCHES.iter().map(switch).collect();
    let before = world.clone();
    let id = world.attach_to_transit(gateway, "vpc", vpc, switches);
    if let Err(error) = subnets.iter().try_for_each(|subnet| add_subnet(world, &id, subnet)) {
        *world = before;
        return Err(error);
    }
    world.tag(&id, tags);
    Ok(json!({"TransitGatewayVpcAttachment": show_of_vpc(world, &id)}))
}

/// Subnets of the VPC, one a zone.
fn check_subnets(world: &World, vpc: &str, subnets: &[&str]) -> Result<(), ApiError> {
    let mut zones = BTreeSet::new();
    for id in subnets {
        let subnet = find(&world.subnets, "subnet", id)?;
        if subnet.vpc != vpc {
            return Err(bad(format!("Subnet {id} does not belong to {vpc}")));
        }
        if !zones.insert(&subnet.zone) {
            return Err(refuse("DuplicateSubnetsInSameZone", format!("Duplicate Subnets for same AZ: {}", subnets.join(", "))));
        }
    }
    match subnets.is_empty() {
        true => Err(refuse("InsufficientSubnets", "At least one subnet is required.")),
        false => Ok(()),
    }
}

fn add_subnet(world: &mut World, id: &str, subnet: &str) -> Result<(), ApiError> {
    let ip = world.take_address(subnet, None)?;
    let interface = world.add_interface(subnet, ip, vec![], &format!("Network Interface for Transit Gateway Attachment {id}"))?;
    find_mut(&mut world.interfaces, "eni", &interface)?.kept_as = Some("transit_gateway".into());
    find_mut(&mut world.transit_attachments, "tgw-attach", id)?.interfaces.insert(subnet.into(), interface);
    Ok(())
}

/// An attachment of a VPC that takes changes.
fn ready_of_vpc<'a>(world: &'a World, id: &str) -> Result<&'a Attachment, ApiError> {
    let attachment = ready(world, id)?;
    if attachment.kind == "vpc" { Ok(attachment) } else { Err(no_such("tgw-attach", id)) }
}

/// An attachment that takes changes.
pub(crate) fn ready<'a>(world: &'a World, id: &str) -> Result<&'a Attachment, ApiError> {
    let attachment = find(&world.transit_attachments, "tgw-attach", id)?;
    match attachment.state {
        State::Available => Ok(attachment),
        _ => Err(refuse("IncorrectState", format!("{id} is in invalid state"))),
    }
}

fn modify(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("TransitGatewayAttachmentId")?;
    let attachment = ready_of_vpc(world, id)?;
    let (add, remove) = (p.texts("AddSubnetIds"), p.texts("RemoveSubnetIds"));
    if let Some(subnet) = add.iter().find(|subnet| attachment.interfaces.contains_key(**subnet)) {
        return Err(refuse("DuplicateSubnetsInSameZone", format!("Duplicate Subnets for same AZ: {subnet}")));
    }
    if let Some(subnet) = remove.iter().find(|subnet| !attachment.interfaces.contains_key(**subnet)) {
        return Err(bad(format!("{id} has no subnet {subnet}")));
    }
    let stay = attachment.interfaces.keys().map(String::as_str).filter(|subnet| !remove.contains(subnet));
    check_subnets(world, &attachment.resource, &stay.chain(add.iter().copied()).collect::<Vec<_>>())?;
    let before = world.clone();
    for subnet in remove {
        if let Some(interface) = find_mut(&mut world.transit_attachments, "tgw-attach", id)?.interfaces.remove(subnet) {
            world.remove_interface(&interface);
        }
    }
    if let Err(error) = add.iter().try_for_each(|subnet| add_subnet(world, id, subnet)) {
        *world = before;
        return Err(error);
    }
    let due = world.now + world.pace.transit;
    let attachment = find_mut(&mut world.transit_attachments, "tgw-attach", id)?;
    for (name, _) in SWITCHES {
        if let Some(value) = p.sub("Options").and_then(|o| o.text(name)) {
            attachment.switches.insert(name.into(), value.into());
        }
    }
    (attachment.state, attachment.due) = (State::Modifying, due);
    world.schedule(world.pace.transit, Due::Transit(id.into()));
    Ok(json!({"TransitGatewayVpcAttachment": show_of_vpc(world, id)}))
}

fn delete(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("TransitGatewayAttachmentId")?;
    ready_of_vpc(world, id)?;
    world.detach_from_transit(id);
    Ok(json!({"TransitGatewayVpcAttachment": show_of_vpc(world, id)}))
}

pub(crate) fn settle(world: &mut World, id: &str) {
    let now = world.now;
    let Some(attachment) = world.transit_attachments.get_mut(id).filter(|a| a.due <= now) else { return };
    attachment.state = attachment.state.next();
    match attachment.state {
        State::Deleted => world.schedule(world.pace.linger, Due::Vanish(id.into())),
        // An association by default comes with the attachment.
        _ => world.transit_tables.values_mut().filter_map(|t| t.associations.get_mut(id)).for_each(|settled| *settled = true),
    }
}

fn show_of_vpc(world: &World, id: &str) -> Option<Json> {
    let attachment = world.transit_attachments.get(id).filter(|a| a.kind == "vpc")?;
    Some(json!({
        "TransitGatewayAttachmentId": id,
        "TransitGatewayId": attachment.gateway,
        "VpcId": attachment.resource,
        "VpcOwnerId": ACCOUNT,
        "State": attachment.state.name(),
        "SubnetIds": attachment.interfaces.keys().collect::<Vec<_>>(),
        "CreationTime": World::time(attachment.created),
        "Options": attachment.switches,
        "Tags": world.shown_tags(id),
    }))
}

fn show(world: &World, id: &str) -> Option<Json> {
    let attachment = world.transit_attachments.get(id)?;
    let owner = attachment.peering.as_ref().map_or(ACCOUNT, |sides| sides.peer_account(&attachment.gateway));
    let mut shown = json!({
        "TransitGatewayAttachmentId": id,
        "TransitGatewayId": attachment.gateway,
        "TransitGatewayOwnerId": ACCOUNT,
        "ResourceOwnerId": owner,
        "ResourceType": attachment.kind,
        "ResourceId": attachment.resource,
        "State": attachment.state.name(),
        "CreationTime": World::time(attachment.created),
        "Tags": world.shown_tags(id),
    });
    let table = world.transit_tables.iter().find_map(|(table, t)| Some((table, *t.associations.get(id)?)));
    if let (Some((table, settled)), Some(map)) = (table, shown.as_object_mut()) {
        let state = if settled { "associated" } else { "associating" };
        map.insert("Association".into(), json!({"TransitGatewayRouteTableId": table, "State": state}));
    }
    Some(shown)
}

const OF_VPCS: Listing = Listing {
    member: "TransitGatewayVpcAttachments",
    ids: "TransitGatewayAttachmentIds",
    prefix: "tgw-attach",
    filters: &[
        ("transit-gateway-attachment-id", "TransitGatewayAttachmentId"),
        ("transit-gateway-id", "TransitGatewayId"),
        ("vpc-id", "VpcId"),
        ("state", "State"),
    ],
    ids_or_pages: false,
};

fn describe_of_vpcs(world: &mut World, p: Params<'_>) -> Outcome {
    describe(world, p, &OF_VPCS, world.transit_attachments.keys(), |id| show_of_vpc(world, id))
}

const ALL: Listing = Listing {
    member: "TransitGatewayAttachments",
    ids: "TransitGatewayAttachmentIds",
    prefix: "tgw-attach",
    filters: &[
        ("transit-gateway-attachment-id", "TransitGatewayAttachmentId"),
        ("transit-gateway-id", "TransitGatewayId"),
        ("transit-gateway-owner-id", "TransitGatewayOwnerId"),
        ("resource-id", "ResourceId"),
        ("resource-owner-id", "ResourceOwnerId"),
        ("resource-type", "ResourceType"),
        ("association.state", "Association.State"),
        ("association.transit-gateway-route-table-id", "Association.TransitGatewayRouteTableId"),
        ("state", "State"),
    ],
    ids_or_pages: false,
};

fn describe_all(world: &mut World, p: Params<'_>) -> Outcome {
    describe(world, p, &ALL, world.transit_attachments.keys(), |id| show(world, id))
}
