//! Peerings of transit gateways of two Regions. Layer 8.
//!
//! Each side has the attachment, by the same id, in its own world. What one side does is handed to the other by [`deliver`].
//! States: docs.aws.amazon.com/vpc/latest/tgw/tgw-peering.html and
//! docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TransitGatewayPeeringAttachment.html. A peering of two gateways of one
//! Region is not modelled, and refused.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    call::{ApiError, Json},
    sim::{
        Actions,
        page::{Listing, describe},
        params::Params,
        refuse::{Outcome, bad, no_such, refuse},
        tag::at_creation,
        transit_attachment::Attachment,
        transit_gateway::{self, State},
        world::{ACCOUNT, Due, World, find, find_mut},
    },
};

pub(crate) const ACTIONS: Actions = &[
    ("CreateTransitGatewayPeeringAttachment", create, "TransitGatewayId PeerTransitGatewayId PeerAccountId PeerRegion TagSpecifications"),
    ("AcceptTransitGatewayPeeringAttachment", accept, "TransitGatewayAttachmentId"),
    ("RejectTransitGatewayPeeringAttachment", reject, "TransitGatewayAttachmentId"),
    ("DeleteTransitGatewayPeeringAttachment", delete, "TransitGatewayAttachmentId"),
    ("DescribeTransitGatewayPeeringAttachments", describe_peerings, "TransitGatewayAttachmentIds Filters"),
];

/// What an attachment has for kind.
pub(crate) const KIND: &str = "peering";

/// The two sides of a peering.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sides {
    requester: Side,
    accepter: Side,
}

/// One side. Accounts go by the names that hold in the world: its own is [`ACCOUNT`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Side {
    gateway: String,
    account: String,
    region: String,
}

impl Side {
    fn is_here(&self, world: &World) -> bool {
        self.account == ACCOUNT && self.region == world.region
    }

    fn show(&self) -> Json {
        json!({"TransitGatewayId": self.gateway, "OwnerId": self.account, "Region": self.region})
    }
}

impl Sides {
    fn joins(&self, a: &str, b: &str) -> bool {
        let ends = (self.requester.gateway.as_str(), self.accepter.gateway.as_str());
        ends == (a, b) || ends == (b, a)
    }

    /// Whose the gateway on the other side is.
    pub(crate) fn peer_account(&self, own: &str) -> &str {
        if self.requester.gateway == own { &self.accepter.account } else { &self.requester.account }
    }
}

fn create(world: &mut World, p: Params<'_>) -> Outcome {
    let (gateway, peer) = (p.need("TransitGatewayId")?, p.need("PeerTransitGatewayId")?);
    let (account, region) = (p.need("PeerAccountId")?, p.need("PeerRegion")?);
    transit_gateway::ready(world, gateway)?;
    if !crate::sim::region::exists(region) {
        return Err(bad(format!("Value ({region}) for parameter peerRegion is invalid.")));
    }
    if gateway == peer {
        return Err(bad("A transit gateway cannot be peered with itself"));
    }
    if region == world.region {
        return Err(refuse("UnsupportedOperation", "The sandbox does not model peerings of transit gateways within one Region."));
    }
    let joined = |a: &Attachment| !a.state.is_gone() && a.peering.as_ref().is_some_and(|sides| sides.joins(gateway, peer));
    if world.transit_attachments.values().any(joined) {
        let message = format!("{gateway} has non-deleted Transit Gateway Peering Attachments with same peer {peer}.");
        return Err(refuse("DuplicateTransitGatewayAttachment", message));
    }
    let tags = at_creation(p, "transit-gateway-attachment", &["transit-gateway-attachment"])?;
    let side =
        |gateway: &str, account: &str, region: &str| Side { gateway: gateway.into(), account: account.into(), region: region.into() };
    let sides = Sides { requester: side(gateway, ACCOUNT, &world.region), accepter: side(peer, account, region) };
    let id = world.id("tgw-attach");
    let attachment = Attachment::new(gateway, KIND, peer, State::Initiating, world.now).between(sides);
    world.transit_attachments.insert(id.clone(), attachment);
    world.tag(&id, tags);
    let answer = json!({"TransitGatewayPeeringAttachment": show(world, &id)});
    world.outbox.push(id);
    Ok(answer)
}

/// The other side's account and region.
pub(crate) fn other_world(world: &World, id: &str) -> Option<(String, String)> {
    let sides = world.transit_attachments.get(id)?.peering.as_ref()?;
    let other = [&sides.requester, &sides.accepter].into_iter().find(|side| !side.is_here(world))?;
    Some((world.exchanged(&other.account), other.region.clone()))
}

/// Tells the other side's world what this one has done to a peering.
pub(crate) fn deliver(from: &mut World, to: &mut World, id: &str) {
    let Some((state, sides)) = from.transit_attachments.get(id).and_then(|a| Some((a.state, a.peering.clone()?))) else { return };
    if state != State::Initiating {
        enter(to, id, state);
        return;
    }
    if !to.transit_gateways.get(&sides.accepter.gateway).is_some_and(|g| g.state == State::Available) {
        enter(from, id, State::Failed);
        return;
    }
    enter(from, id, State::PendingAcceptance);
    let mut theirs = sides;
    for side in [&mut theirs.requester, &mut theirs.accepter] {
        // What the sender calls by its own names is told by everybody's, and understood by the receiver's.
        side.account = to.exchanged(&from.exchanged(&side.account));
    }
    let new = Attachment::new(&theirs.accepter.gateway, KIND, &theirs.requester.gateway, State::PendingAcceptance, to.now);
    to.transit_attachments.insert(id.into(), new.between(theirs));
}

/// Has one side's attachment be in a state, with what comes of that.
fn enter(world: &mut World, id: &str, state: State) {
    if state == State::Deleting {
        world.detach_from_transit(id);
        return;
    }
    let due = world.now + world.pace.transit;
    let Some(attachment) = world.transit_attachments.get_mut(id) else { return };
    (attachment.state, attachment.due) = (state, due);
    let gateway = attachment.gateway.clone();
    match state {
        State::Pending => {
            world.follow_default(&gateway, id);
            world.schedule(world.pace.transit, Due::Transit(id.into()));
        }
        State::Rejected | State::Failed => world.schedule(world.pace.linger, Due::Vanish(id.into())),
        _ => {}
    }
}

/// A peering, by the request's parameter.
fn named<'w, 'p>(world: &'w World, p: Params<'p>) -> Result<(&'p str, &'w Attachment, &'w Sides), ApiError> {
    let id = p.need("TransitGatewayAttachmentId")?;
    let attachment = find(&world.transit_attachments, "tgw-attach", id)?;
    attachment.peering.as_ref().map(|sides| (id, attachment, sides)).ok_or_else(|| no_such("tgw-attach", id))
}

/// Accepting and rejecting are for the accepter, in the accepter's Region, of a request that waits for it.
fn answer(world: &mut World, p: Params<'_>, state: State) -> Outcome {
    let (id, attachment, sides) = named(world, p)?;
    if !sides.accepter.is_here(world) {
        let message = format!("{id} must be answered by the owner of {} in {}", sides.accepter.gateway, sides.accepter.region);
        return Err(refuse("InvalidParameterValue", message));
    }
    if attachment.state != State::PendingAcceptance {
        return Err(refuse("IncorrectState", format!("{id} is in invalid state")));
    }
    told(world, id, state)
}

/// Both sides hear of it.
fn told(world: &mut World, id: &str, state: State) -> Outcome {
    find_mut(&mut world.transit_attachments, "tgw-attach", id)?;
    enter(world, id, state);
    world.outbox.push(id.into());
    Ok(json!({"TransitGatewayPeeringAttachment": show(world, id)}))
}

fn accept(world: &mut World, p: Params<'_>) -> Outcome {
    answer(world, p, State::Pending)
}

fn reject(world: &mut World, p: Params<'_>) -> Outcome {
    answer(world, p, State::Rejected)
}

/// Either side deletes it. What follows a table leaves it, and routes over it become black holes, as with every attachment.
fn delete(world: &mut World, p: Params<'_>) -> Outcome {
    let (id, attachment, _) = named(world, p)?;
    match attachment.state {
        State::Available | State::PendingAcceptance => told(world, id, State::Deleting),
        _ => Err(refuse("IncorrectState", format!("{id} is in invalid state"))),
    }
}

fn show(world: &World, id: &str) -> Option<Json> {
    let attachment = world.transit_attachments.get(id)?;
    let sides = attachment.peering.as_ref()?;
    Some(json!({
        "TransitGatewayAttachmentId": id,
        "RequesterTgwInfo": sides.requester.show(),
        "AccepterTgwInfo": sides.accepter.show(),
        "Status": {"Code": attachment.state.name()},
        "State": attachment.state.name(),
        "CreationTime": World::time(attachment.created),
        "Tags": world.shown_tags(id),
    }))
}

// Filters by the local side and by the remote one are not modelled: a request with one is refused.
const LISTING: Listing = Listing {
    member: "TransitGatewayPeeringAttachments",
    ids: "TransitGatewayAttachmentIds",
    prefix: "tgw-attach",
    filters: &[("transit-gateway-attachment-id", "TransitGatewayAttachmentId"), ("state", "State")],
    ids_or_pages: false,
};

fn describe_peerings(world: &mut World, p: Params<'_>) -> Outcome {
    describe(world, p, &LISTING, world.transit_attachments.keys(), |id| show(world, id))
}
