//! Route tables of transit gateways: which attachments follow one, from which it learns, and its routes. Layer 8.
//!
//! docs.aws.amazon.com/vpc/latest/tgw/tgw-route-tables.html

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    base::cidr::Cidr,
    call::{ApiError, Json},
    sim::{
        Actions,
        filter::{Filters, Matcher},
        page::{Listing, describe, page, page_of},
        params::{Params, cidr},
        refuse::{Outcome, bad, clash, missing, refuse},
        tag::at_creation,
        transit_attachment,
        transit_gateway::{self, State},
        transit_peering,
        world::{Due, World, find, find_mut},
    },
};

pub(crate) const ACTIONS: Actions = &[
    ("CreateTransitGatewayRouteTable", create, "TransitGatewayId TagSpecifications"),
    ("DeleteTransitGatewayRouteTable", delete, "TransitGatewayRouteTableId"),
    ("DescribeTransitGatewayRouteTables", describe_tables, "TransitGatewayRouteTableIds Filters"),
    ("AssociateTransitGatewayRouteTable", associate, "TransitGatewayRouteTableId TransitGatewayAttachmentId"),
    ("DisassociateTransitGatewayRouteTable", disassociate, "TransitGatewayRouteTableId TransitGatewayAttachmentId"),
    ("GetTransitGatewayRouteTableAssociations", get_associations, "TransitGatewayRouteTableId Filters"),
    ("EnableTransitGatewayRouteTablePropagation", learn, "TransitGatewayRouteTableId TransitGatewayAttachmentId"),
    ("DisableTransitGatewayRouteTablePropagation", unlearn, "TransitGatewayRouteTableId TransitGatewayAttachmentId"),
    ("GetTransitGatewayRouteTablePropagations", get_propagations, "TransitGatewayRouteTableId Filters"),
    ("CreateTransitGatewayRoute", create_route, "TransitGatewayRouteTableId DestinationCidrBlock TransitGatewayAttachmentId Blackhole"),
    ("ReplaceTransitGatewayRoute", replace_route, "TransitGatewayRouteTableId DestinationCidrBlock TransitGatewayAttachmentId Blackhole"),
    ("DeleteTransitGatewayRoute", delete_route, "TransitGatewayRouteTableId DestinationCidrBlock"),
    ("SearchTransitGatewayRoutes", search, "TransitGatewayRouteTableId Filters"),
];

/// How many static routes a table has at most
/// (docs.aws.amazon.com/vpc/latest/tgw/transit-gateway-quotas.html: 10,000 for all tables of a gateway together).
const ROUTES_MAX: usize = 10_000;
/// How many routes a search gives unless it is told how many.
const ROUTES_AT_ONCE: usize = 1_000;

/// A route table of a transit gateway.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Table {
    pub(crate) gateway: String,
    state: State,
    /// Whether new attachments follow it, and tell it their networks.
    default: [bool; 2],
    /// Attachments that follow it, and whether they do already.
    pub(crate) associations: BTreeMap<String, bool>,
    pub(crate) propagations: BTreeSet<String>,
    /// Static routes: where to, and the attachment; none is a black hole.
    routes: Vec<(Cidr, Option<String>)>,
    created: u64,
    due: u64,
}

/// A new table of a gateway.
pub(crate) fn add(world: &mut World, gateway: &str, default: [bool; 2]) -> String {
    let id = world.id("tgw-rtb");
    let (created, due) = (world.now, world.now + world.pace.transit);
    let table = Table {
        gateway: gateway.into(),
        state: State::Pending,
        default,
        associations: BTreeMap::new(),
        propagations: BTreeSet::new(),
        routes: vec![],
        created,
        due,
    };
    world.transit_tables.insert(id.clone(), table);
    world.schedule(world.pace.transit, Due::Transit(id.clone()));
    id
}

fn create(world: &mut World, p: Params<'_>) -> Outcome {
    let gateway = p.need("TransitGatewayId")?;
    transit_gateway::ready(world, gateway)?;
    let tags = at_creation(p, "transit-gateway-route-table", &["transit-gateway-route-table"])?;
    if world.transit_tables.values().filter(|t| t.gateway == gateway).count() >= world.quotas.transit_tables_per_gateway {
        return Err(refuse(
            "TransitGatewayRouteTableLimitExceeded",
            "The maximum number of route tables of the transit gateway has been reached.",
        ));
    }
    let id = add(world, gateway, [false; 2]);
    world.tag(&id, tags);
    Ok(json!({"TransitGatewayRouteTable": show(world, &id)}))
}

/// A table that takes changes.
fn ready<'w, 'p>(world: &'w World, p: Params<'p>) -> Result<(&'p str, &'w Table), ApiError> {
    let id = p.need("TransitGatewayRouteTableId")?;
    let table = find(&world.transit_tables, "tgw-rtb", id)?;
    match table.state {
        State::Available => Ok((id, table)),
        _ => Err(refuse("IncorrectState", format!("{id} is in invalid state"))),
    }
}

/// A table and an attachment of the same gateway that take changes.
fn ready_both<'w, 'p>(world: &'w World, p: Params<'p>) -> Result<(&'p str, &'w Table, &'p str), ApiError> {
    let (id, table) = ready(world, p)?;
    let attachment = p.need("TransitGatewayAttachmentId")?;
    match transit_attachment::ready(world, attachment)?.gateway == table.gateway {
        true => Ok((id, table, attachment)),
        false => Err(bad(format!("{id} and {attachment} belong to different transit gateways"))),
    }
}

fn delete(world: &mut World, p: Params<'_>) -> Outcome {
    let (id, table) = ready(world, p)?;
    if !table.associations.is_empty() {
        return Err(refuse("IncorrectState", format!("{id} has non-deleted associations")));
    }
    if table.default.contains(&true) {
        return Err(refuse("IncorrectState", format!("{id} is a default route table of its transit gateway")));
    }
    let due = world.now + world.pace.transit;
    let table = find_mut(&mut world.transit_tables, "tgw-rtb", id)?;
    (table.state, table.due) = (State::Deleting, due);
    (table.propagations, table.routes) = (BTreeSet::new(), vec![]);
    world.schedule(world.pace.transit, Due::Transit(id.into()));
    Ok(json!({"TransitGatewayRouteTable": show(world, id)}))
}

pub(crate) fn settle(world: &mut World, id: &str) {
    let now = world.now;
    let Some(table) = world.transit_tables.get_mut(id) else { return };
    table.associations.values_mut().for_each(|settled| *settled = true);
    if table.due > now {
        return;
    }
    table.state = table.state.next();
    if table.state == State::Deleted {
        world.schedule(world.pace.linger, Due::Vanish(id.into()));
    }
}

fn show_association(world: &World, attachment: &str, state: &str) -> Option<Json> {
    let of = world.transit_attachments.get(attachment)?;
    Some(json!({"TransitGatewayAttachmentId": attachment, "ResourceId": of.resource, "ResourceType": of.kind, "State": state}))
}

fn with_table(shown: Option<Json>, table: &str) -> Json {
    let mut shown = shown.unwrap_or_default();
    if let Some(map) = shown.as_object_mut() {
        map.insert("TransitGatewayRouteTableId".into(), table.into());
    }
    shown
}

fn associate(world: &mut World, p: Params<'_>) -> Outcome {
    let (id, _, attachment) = ready_both(world, p)?;
    if let Some((held, _)) = world.transit_tables.iter().find(|(_, t)| t.associations.contains_key(attachment)) {
        let message = format!("Transit Gateway Attachment {attachment} is already associated to a route table: {held}.");
        return Err(refuse("Resource.AlreadyAssociated", message));
    }
    find_mut(&mut world.transit_tables, "tgw-rtb", id)?.associations.insert(attachment.into(), false);
    world.schedule(world.pace.transit, Due::Transit(id.into()));
    Ok(json!({"Association": with_table(show_association(world, attachment, "associating"), id)}))
}

fn disassociate(world: &mut World, p: Params<'_>) -> Outcome {
    let (id, table, attachment) = ready_both(world, p)?;
    match table.associations.get(attachment) {
        None => return Err(refuse("InvalidAssociation.NotFound", format!("Cannot find association between {id} and {attachment}."))),
        Some(false) => return Err(refuse("IncorrectState", format!("The association of {attachment} is in invalid state"))),
        Some(true) => {}
    }
    find_mut(&mut world.transit_tables, "tgw-rtb", id)?.associations.remove(attachment);
    Ok(json!({"Association": with_table(show_association(world, attachment, "disassociating"), id)}))
}

const OF_TABLE: Filters =
    &[("resource-id", "ResourceId"), ("resource-type", "ResourceType"), ("transit-gateway-attachment-id", "TransitGatewayAttachmentId")];

fn get_associations(world: &mut World, p: Params<'_>) -> Outcome {
    let table = find(&world.transit_tables, "tgw-rtb", p.need("TransitGatewayRouteTableId")?)?;
    let state = |settled: bool| if settled { "associated" } else { "associating" };
    let all = table.associations.iter().filter_map(|(a, settled)| Some((a.clone(), show_association(world, a, state(*settled))?)));
    let matcher = Matcher::new(p, OF_TABLE)?;
    page(p, "Associations", all.filter(|(_, item)| matcher.passes(item)).collect())
}

fn learn(world: &mut World, p: Params<'_>) -> Outcome {
    let (id, table, attachment) = ready_both(world, p)?;
    if find(&world.transit_attachments, "tgw-attach", attachment)?.kind == transit_peering::KIND {
        // docs.aws.amazon.com/vpc/latest/tgw/tgw-peering.html: routes over a peering are static.
        return Err(bad(format!("{attachment} is a peering attachment, which propagates no routes")));
    }
    if table.propagations.contains(attachment) {
        let message = format!("Propagation for {attachment} already exists in {id}");
        return Err(refuse("TransitGatewayRouteTablePropagation.Duplicate", message));
    }
    find_mut(&mut world.transit_tables, "tgw-rtb", id)?.propagations.insert(attachment.into());
    Ok(json!({"Propagation": with_table(show_association(world, attachment, "enabled"), id)}))
}

fn unlearn(world: &mut World, p: Params<'_>) -> Outcome {
    let (id, _, attachment) = ready_both(world, p)?;
    if !find_mut(&mut world.transit_tables, "tgw-rtb", id)?.propagations.remove(attachment) {
        let message = format!("Propagation for {attachment} does not exist in {id}");
        return Err(refuse("TransitGatewayRouteTablePropagation.NotFound", message));
    }
    Ok(json!({"Propagation": with_table(show_association(world, attachment, "disabled"), id)}))
}

fn get_propagations(world: &mut World, p: Params<'_>) -> Outcome {
    let table = find(&world.transit_tables, "tgw-rtb", p.need("TransitGatewayRouteTableId")?)?;
    let all = table.propagations.iter().filter_map(|a| Some((a.clone(), show_association(world, a, "enabled")?)));
    let matcher = Matcher::new(p, OF_TABLE)?;
    page(p, "TransitGatewayRouteTablePropagations", all.filter(|(_, item)| matcher.passes(item)).collect())
}

/// Where a request has a route lead: an attachment, or nowhere.
fn target(world: &World, p: Params<'_>) -> Result<Option<String>, ApiError> {
    match (p.flag("Blackhole"), p.has("TransitGatewayAttachmentId")) {
        (Some(true), false) => ready(world, p).map(|_| None),
        (Some(true), true) => Err(clash("A black-hole route takes no transitGatewayAttachmentId")),
        (_, false) => Err(missing("transitGatewayAttachmentId")),
        (_, true) => ready_both(world, p).map(|(_, _, attachment)| Some(attachment.to_owned())),
    }
}

fn create_route(world: &mut World, p: Params<'_>) -> Outcome {
    let to = cidr("destinationCidrBlock", p.need("DestinationCidrBlock")?)?;
    let via = target(world, p)?;
    let (id, table) = ready(world, p)?;
    if table.routes.iter().any(|(held, _)| *held == to) {
        return Err(refuse("RouteAlreadyExists", format!("Route {to} already exists in Transit Gateway Route Table {id}.")));
    }
    if table.routes.len() >= ROUTES_MAX {
        return Err(refuse("RouteLimitExceeded", "The maximum number of routes has been reached."));
    }
    find_mut(&mut world.transit_tables, "tgw-rtb", id)?.routes.push((to, via.clone()));
    Ok(json!({"Route": show_route(world, to, via.as_deref(), "static")}))
}

fn replace_route(world: &mut World, p: Params<'_>) -> Outcome {
    let to = cidr("destinationCidrBlock", p.need("DestinationCidrBlock")?)?;
    let via = target(world, p)?;
    let (id, _) = ready(world, p)?;
    let table = find_mut(&mut world.transit_tables, "tgw-rtb", id)?;
    let Some((_, held)) = table.routes.iter_mut().find(|(held, _)| *held == to) else { return Err(no_route(id, to)) };
    held.clone_from(&via);
    Ok(json!({"Route": show_route(world, to, via.as_deref(), "static")}))
}

fn no_route(id: &str, to: Cidr) -> ApiError {
    refuse("InvalidRoute.NotFound", format!("Route {to} does not exist in Transit Gateway Route Table {id}."))
}

fn delete_route(world: &mut World, p: Params<'_>) -> Outcome {
    let to = cidr("destinationCidrBlock", p.need("DestinationCidrBlock")?)?;
    let (id, _) = ready(world, p)?;
    let table = find_mut(&mut world.transit_tables, "tgw-rtb", id)?;
    let at = table.routes.iter().position(|(held, _)| *held == to).ok_or_else(|| no_route(id, to))?;
    let (_, via) = table.routes.remove(at);
    Ok(json!({"Route": show_route(world, to, via.as_deref(), "static")}))
}

/// A route; one whose attachment is gone is a black hole.
fn show_route(world: &World, to: Cidr, via: Option<&str>, kind: &str) -> Json {
    let attachment = via.and_then(|id| Some((id, world.transit_attachments.get(id).filter(|a| !a.state.is_gone())?)));
    let state = if attachment.is_some() { "active" } else { "blackhole" };
    let attachments =
        attachment.into_iter().map(|(id, a)| json!({"TransitGatewayAttachmentId": id, "ResourceId": a.resource, "ResourceType": a.kind}));
    json!({"DestinationCidrBlock": to, "Type": kind, "State": state, "TransitGatewayAttachments": attachments.collect::<Vec<_>>()})
}

const ROUTES: Filters = &[
    ("attachment.transit-gateway-attachment-id", "TransitGatewayAttachments.TransitGatewayAttachmentId"),
    ("attachment.resource-id", "TransitGatewayAttachments.ResourceId"),
    ("attachment.resource-type", "TransitGatewayAttachments.ResourceType"),
    ("route-search.exact-match", "DestinationCidrBlock"),
    ("state", "State"),
    ("type", "Type"),
];

fn search(world: &mut World, p: Params<'_>) -> Outcome {
    let table = find(&world.transit_tables, "tgw-rtb", p.need("TransitGatewayRouteTableId")?)?;
    let fixed = table.routes.iter().map(|(to, via)| show_route(world, *to, via.as_deref(), "static"));
    let is_fixed = |to: &Cidr| table.routes.iter().any(|(held, _)| held == to);
    let learnt = table.propagations.iter().filter_map(|id| Some((id, world.transit_attachments.get(id).filter(|a| a.is_up())?)));
    let learnt = learnt.flat_map(|(id, a)| a.networks(world).into_iter().map(move |to| (to, id)));
    let learnt = learnt.filter(|(to, _)| !is_fixed(to)).map(|(to, id)| show_route(world, to, Some(id), "propagated"));
    let matcher = Matcher::new(p, ROUTES)?;
    let mut found: Vec<(String, Json)> = fixed
        .chain(learnt)
        .filter(|item| matcher.passes(item))
        .map(|item| (item.get("DestinationCidrBlock").and_then(Json::as_str).unwrap_or_default().to_owned(), item))
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let mut answer = page_of(p, "Routes", found, ROUTES_AT_ONCE)?;
    if let Some(map) = answer.as_object_mut() {
        map.insert("AdditionalRoutesAvailable".into(), map.contains_key("NextToken").into());
    }
    Ok(answer)
}

fn show(world: &World, id: &str) -> Option<Json> {
    let table = world.transit_tables.get(id)?;
    Some(json!({
        "TransitGatewayRouteTableId": id,
        "TransitGatewayId": table.gateway,
        "State": table.state.name(),
        "DefaultAssociationRouteTable": table.default[0],
        "DefaultPropagationRouteTable": table.default[1],
        "CreationTime": World::time(table.created),
        "Tags": world.shown_tags(id),
    }))
}

const LISTING: Listing = Listing {
    member: "TransitGatewayRouteTables",
    ids: "TransitGatewayRouteTableIds",
    prefix: "tgw-rtb",
    filters: &[
        ("transit-gateway-route-table-id", "TransitGatewayRouteTableId"),
        ("transit-gateway-id", "TransitGatewayId"),
        ("state", "State"),
        ("default-association-route-table", "DefaultAssociationRouteTable"),
        ("default-propagation-route-table", "DefaultPropagationRouteTable"),
    ],
    ids_or_pages: false,
};

fn describe_tables(world: &mut World, p: Params<'_>) -> Outcome {
    describe(world, p, &LISTING, world.transit_tables.keys(), |id| show(world, id))
}
