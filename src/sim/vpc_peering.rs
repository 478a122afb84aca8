//! Peerings of VPCs, of one account and region or of two. Layer 8.
//!
//! Each side has the peering in its own world. What one side does is handed to the other by [`deliver`]; a peering within
//! one world is there once. States: docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html#vpc-peering-lifecycle.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    base::cidr::{Cidr, Family},
    call::{ApiError, Json},
    sim::{
        Actions, done,
        page::{Listing, describe},
        params::Params,
        refuse::{Outcome, bad, missing, no_such, refuse},
        tag::at_creation,
        world::{ACCOUNT, Due, World, find, find_mut},
    },
};

pub(crate) const ACTIONS: Actions = &[
    ("CreateVpcPeeringConnection", create, "VpcId PeerVpcId PeerOwnerId PeerRegion TagSpecifications"),
    ("AcceptVpcPeeringConnection", accept, "VpcPeeringConnectionId"),
    ("RejectVpcPeeringConnection", reject, "VpcPeeringConnectionId"),
    ("DeleteVpcPeeringConnection", delete, "VpcPeeringConnectionId"),
    (
        "ModifyVpcPeeringConnectionOptions",
        modify,
        "VpcPeeringConnectionId RequesterPeeringConnectionOptions AccepterPeeringConnectionOptions",
    ),
    ("DescribeVpcPeeringConnections", describe_peerings, "VpcPeeringConnectionIds Filters"),
];

/// A request that nobody accepts expires after a week.
const WEEK: u64 = 7 * 86_400;

/// Why a peering failed, in EC2's words.
const FAILED: &str = "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range";

/// A peering.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Peering {
    pub(crate) requester: Side,
    pub(crate) accepter: Side,
    status: Status,
    created: u64,
    due: u64,
}

/// One side of a peering. Accounts go by the names that hold in the world: its own is [`ACCOUNT`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Side {
    pub(crate) vpc: String,
    pub(crate) account: String,
    pub(crate) region: String,
    cidrs: Vec<Cidr>,
    dns: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Status {
    Initiating,
    Pending,
    Provisioning,
    Active,
    Rejected,
    Failed,
    Deleting,
    Deleted,
}

impl Status {
    fn code(self) -> &'static str {
        match self {
            Status::Initiating => "initiating-request",
            Status::Pending => "pending-acceptance",
            Status::Provisioning => "provisioning",
            Status::Active => "active",
            Status::Rejected => "rejected",
            Status::Failed => "failed",
            Status::Deleting => "deleting",
            Status::Deleted => "deleted",
        }
    }
}

impl Peering {
    pub(crate) fn is_active(&self) -> bool {
        self.status == Status::Active
    }

    /// Can't be named by a new route any more.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self.status, Status::Rejected | Status::Failed | Status::Deleting | Status::Deleted)
    }

    /// Whether it joins these VPCs.
    pub(crate) fn joins(&self, a: &str, b: &str) -> bool {
        (self.requester.vpc == a && self.accepter.vpc == b) || (self.requester.vpc == b && self.accepter.vpc == a)
    }

    pub(crate) fn has(&self, vpc: &str) -> bool {
        self.requester.vpc == vpc || self.accepter.vpc == vpc
    }

    fn sides(&self) -> [&Side; 2] {
        [&self.requester, &self.accepter]
    }
}

impl Side {
    /// Whether it is in this very world.
    fn is_here(&self, world: &World) -> bool {
        self.account == ACCOUNT && self.region == world.region
    }

    /// The account and region that hold it, if that is another world.
    fn elsewhere(&self, world: &World) -> Option<(String, String)> {
        (!self.is_here(world)).then(|| (world.exchanged(&self.account), self.region.clone()))
    }
}

impl World {
    /// An active peering between two VPCs.
    pub(crate) fn peering_of(&self, a: &str, b: &str) -> Option<&String> {
        self.peerings.iter().find(|(_, p)| p.is_active() && p.joins(a, b)).map(|(id, _)| id)
    }
}

fn cidrs(world: &World, vpc: &str) -> Vec<Cidr> {
    world.vpcs.get(vpc).map(|v| v.cidrs.iter().map(|b| b.cidr).collect()).unwrap_or_default()
}

fn create(world: &mut World, p: Params<'_>) -> Outcome {
    let vpc = p.need("VpcId")?;
    find(&world.vpcs, "vpc", vpc)?;
    let peer = p.text("PeerVpcId").ok_or_else(|| missing("peerVpcId"))?;
    let account = p.text("PeerOwnerId").unwrap_or(ACCOUNT);
    let region = p.text("PeerRegion").unwrap_or(&world.region);
    if !crate::sim::region::exists(region) {
        return Err(bad(format!("Value ({region}) for parameter peerRegion is invalid.")));
    }
    let side = |vpc: &str, account: &str, region: &str| Side {
        vpc: vpc.into(),
        account: account.into(),
        region: region.into(),
        cidrs: cidrs(world, vpc),
        dns: false,
    };
    let (requester, accepter) = (side(vpc, ACCOUNT, &world.region), side(peer, account, region));
    if accepter.is_here(world) {
        find(&world.vpcs, "vpc", peer)?;
    }
    if vpc == peer {
        return Err(bad("A VPC cannot be peered with itself"));
    }
    if let Some((id, _)) = world.peerings.iter().find(|(_, other)| !other.is_gone() && other.joins(vpc, peer)) {
        return Err(refuse("VpcPeeringConnectionAlreadyExists", format!("The VPC peering connection already exists: {id}")));
    }
    let tags = at_creation(p, "vpc-peering-connection", &["vpc-peering-connection"])?;
    if world.peerings.values().filter(|other| !other.is_gone() && other.has(vpc)).count() >= PEERINGS_MAX {
        return Err(refuse("VpcPeeringConnectionLimitExceeded", "The maximum number of VPC peering connections has been reached."));
    }
    let id = world.id("pcx");
    let here = accepter.elsewhere(world).is_none();
    let peering = Peering { requester, accepter, status: Status::Initiating, created: world.now, due: 0 };
    world.peerings.insert(id.clone(), peering);
    world.tag(&id, tags);
    let answer = json!({"VpcPeeringConnection": show(world, &id)});
    if here {
        let other = cidrs(world, peer);
        requested(world, &id, Some(other));
    } else {
        world.outbox.push(id);
    }
    Ok(answer)
}

/// Active peerings a VPC may have: docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-peering.
const PEERINGS_MAX: usize = 50;

/// The request has arrived at a VPC with these networks, or at none.
fn requested(world: &mut World, id: &str, accepter: Option<Vec<Cidr>>) {
    let failed = {
        let Some(peering) = world.peerings.get_mut(id) else { return };
        let overlap = |cidr: &Cidr| peering.requester.cidrs.iter().any(|ours| ours.family() == Family::V4 && ours.overlaps(*cidr));
        let fits = accepter.as_ref().is_some_and(|cidrs| !cidrs.iter().any(overlap));
        peering.status = if fits { Status::Pending } else { Status::Failed };
        if let Some(cidrs) = accepter {
            peering.accepter.cidrs = cidrs;
        }
        !fits
    };
    if failed {
        world.schedule(world.pace.linger, Due::Vanish(id.into()));
    }
}

/// Tells the other side's world what this one has done to a peering.
pub(crate) fn deliver(from: &mut World, to: &mut World, id: &str) {
    let Some(peering) = from.peerings.get(id) else { return };
    let mut theirs = peering.clone();
    for side in [&mut theirs.requester, &mut theirs.accepter] {
        // What the sender calls by its own names is told by everybody's, and understood by the receiver's.
        side.account = to.exchanged(&from.exchanged(&side.account));
    }
    if theirs.status == Status::Initiating {
        let vpc = theirs.accepter.vpc.clone();
        let found = to.vpcs.contains_key(&vpc).then(|| cidrs(to, &vpc));
        requested(from, id, found);
        let Some(now) = from.peerings.get(id).filter(|p| p.status == Status::Pending) else { return };
        (theirs.status, theirs.accepter.cidrs) = (now.status, now.accepter.cidrs.clone());
        theirs.created = to.now;
    }
    let due = to.pace.vpc_available;
    theirs.due = to.now + due;
    to.peerings.insert(id.into(), theirs);
    to.schedule(due, Due::Peering(id.into()));
}

/// The peering, and the world beside this one that it reaches into.
fn named(world: &World, p: Params<'_>) -> Result<(String, Peering), ApiError> {
    let id = p.need("VpcPeeringConnectionId")?;
    Ok((id.to_owned(), find(&world.peerings, "pcx", id)?.clone()))
}

/// The other side's account and region, of a peering that reaches into another world.
pub(crate) fn other_world(world: &World, id: &str) -> Option<(String, String)> {
    world.peerings.get(id)?.sides().into_iter().find_map(|side| side.elsewhere(world))
}

fn transition(id: &str, from: Status, to: &str) -> ApiError {
    refuse("InvalidStateTransition", format!("Invalid state transition for {id}, attempted to transition from {} to {to}", from.code()))
}

fn enter(world: &mut World, id: &str, status: Status) -> Result<(), ApiError> {
    let due = world.now + world.pace.vpc_available;
    let peering = find_mut(&mut world.peerings, "pcx", id)?;
    (peering.status, peering.due) = (status, due);
    world.schedule(world.pace.vpc_available, Due::Peering(id.into()));
    if other_world(world, id).is_some() {
        world.outbox.push(id.into());
    }
    Ok(())
}

/// Accepting and rejecting are for the accepter, in the accepter's region.
fn answered(world: &World, id: &str, peering: &Peering, verb: &str) -> Result<(), ApiError> {
    if peering.accepter.account != ACCOUNT {
        return Err(refuse("OperationNotPermitted", format!("User {ACCOUNT} cannot {verb} peering {id}")));
    }
    if peering.accepter.region != world.region {
        let message = format!(
            "Incorrect region ({}) specified for this request. VPC Peering Connection {id} must be {verb}ed in region {}",
            world.region, peering.accepter.region
        );
        return Err(refuse("OperationNotPermitted", message));
    }
    Ok(())
}

fn accept(world: &mut World, p: Params<'_>) -> Outcome {
    let (id, peering) = named(world, p)?;
    answered(world, &id, &peering, "accept")?;
    if peering.status != Status::Pending {
        return Err(transition(&id, peering.status, "provisioning"));
    }
    enter(world, &id, Status::Provisioning)?;
    Ok(json!({"VpcPeeringConnection": show(world, &id)}))
}

fn reject(world: &mut World, p: Params<'_>) -> Outcome {
    let (id, peering) = named(world, p)?;
    answered(world, &id, &peering, "reject")?;
    if peering.status != Status::Pending {
        return Err(transition(&id, peering.status, "rejected"));
    }
    enter(world, &id, Status::Rejected)?;
    done()
}

fn delete(world: &mut World, p: Params<'_>) -> Outcome {
    let (id, peering) = named(world, p)?;
    let own = peering.requester.is_here(world);
    match peering.status {
        Status::Active | Status::Provisioning => {}
        Status::Pending | Status::Initiating if own => {}
        Status::Deleting | Status::Deleted => return done(),
        status => return Err(transition(&id, status, "deleted")),
    }
    enter(world, &id, Status::Deleting)?;
    done()
}

pub(crate) fn settle(world: &mut World, id: &str) {
    let now = world.now;
    let Some(peering) = world.peerings.get_mut(id).filter(|p| p.due <= now) else { return };
    peering.status = match peering.status {
        Status::Provisioning => Status::Active,
        Status::Deleting => Status::Deleted,
        Status::Rejected => Status::Rejected,
        _ => return,
    };
    if peering.is_gone() {
        world.schedule(world.pace.linger, Due::Vanish(id.into()));
    }
}

fn modify(world: &mut World, p: Params<'_>) -> Outcome {
    let (id, peering) = named(world, p)?;
    if !peering.is_active() {
        let message = format!("Peering {id} is not active. Peering options can be added only to active peerings.");
        return Err(refuse("OperationNotPermitted", message));
    }
    let asked = |name: &str| p.sub(name).map(|options| options.flag("AllowDnsResolutionFromRemoteVpc"));
    let (requester, accepter) = (asked("RequesterPeeringConnectionOptions"), asked("AccepterPeeringConnectionOptions"));
    if requester.is_none() && accepter.is_none() {
        return Err(missing("accepterPeeringConnectionOptions or requesterPeeringConnectionOptions"));
    }
    for (given, side) in [(requester, &peering.requester), (accepter, &peering.accepter)] {
        if given.is_some() && !side.is_here(world) {
            let message = format!("User {ACCOUNT} cannot modify options of the other side of peering {id} in region {}", world.region);
            return Err(refuse("OperationNotPermitted", message));
        }
    }
    let peering = find_mut(&mut world.peerings, "pcx", &id)?;
    let mut answer = json!({});
    let sides = [("Requester", requester, &mut peering.requester), ("Accepter", accepter, &mut peering.accepter)];
    for (name, given, side) in sides {
        let Some(dns) = given else { continue };
        side.dns = dns.unwrap_or(side.dns);
        answer[format!("{name}PeeringConnectionOptions")] = json!({"AllowDnsResolutionFromRemoteVpc": side.dns});
    }
    if other_world(world, &id).is_some() {
        world.outbox.push(id);
    }
    Ok(answer)
}

fn show_side(side: &Side, told: bool) -> Json {
    let mut shown = json!({"VpcId": side.vpc, "OwnerId": side.account, "Region": side.region});
    if told {
        let of = |family: Family| side.cidrs.iter().copied().filter(move |c| c.family() == family);
        shown["CidrBlock"] = json!(of(Family::V4).next());
        shown["CidrBlockSet"] = of(Family::V4).map(|cidr| json!({"CidrBlock": cidr})).collect();
        shown["Ipv6CidrBlockSet"] = of(Family::V6).map(|cidr| json!({"Ipv6CidrBlock": cidr})).collect();
        shown["PeeringOptions"] = json!({"AllowDnsResolutionFromRemoteVpc": side.dns});
    }
    shown
}

fn show(world: &World, id: &str) -> Option<Json> {
    let peering = world.peerings.get(id)?;
    let message = match peering.status {
        Status::Initiating => format!("Initiating Request to {}", peering.accepter.account),
        Status::Pending => format!("Pending Acceptance by {}", peering.accepter.account),
        Status::Provisioning => "Provisioning".into(),
        Status::Active => "Active".into(),
        Status::Rejected => format!("Rejected by {}", peering.accepter.account),
        Status::Failed => FAILED.into(),
        Status::Deleting => "Deleting".into(),
        Status::Deleted => format!("Deleted by {}", peering.requester.account),
    };
    // Before it is accepted nobody is told the accepter's networks.
    let accepted = matches!(peering.status, Status::Provisioning | Status::Active);
    let mut shown = json!({
        "VpcPeeringConnectionId": id,
        "RequesterVpcInfo": show_side(&peering.requester, true),
        "AccepterVpcInfo": show_side(&peering.accepter, accepted || peering.accepter.is_here(world)),
        "Status": {"Code": peering.status.code(), "Message": message},
        "Tags": world.shown_tags(id),
    });
    if matches!(peering.status, Status::Initiating | Status::Pending) {
        shown["ExpirationTime"] = World::time(peering.created + WEEK).into();
    }
    Some(shown)
}

/// A peering that a route may lead to.
pub(crate) fn target<'a>(world: &World, id: &'a str, vpc: &str) -> Result<&'a str, ApiError> {
    let peering = find(&world.peerings, "pcx", id)?;
    if peering.is_gone() {
        return Err(no_such("pcx", id));
    }
    if !peering.sides().into_iter().any(|side| side.vpc == vpc && side.is_here(world)) {
        return Err(bad(format!("route table and VPC peering connection {id} belong to different networks")));
    }
    Ok(id)
}

const LISTING: Listing = Listing {
    member: "VpcPeeringConnections",
    ids: "VpcPeeringConnectionIds",
    prefix: "pcx",
    filters: &[
        ("vpc-peering-connection-id", "VpcPeeringConnectionId"),
        ("status-code", "Status.Code"),
        ("status-message", "Status.Message"),
        ("expiration-time", "ExpirationTime"),
        ("requester-vpc-info.cidr-block", "RequesterVpcInfo.CidrBlock"),
        ("requester-vpc-info.owner-id", "RequesterVpcInfo.OwnerId"),
        ("requester-vpc-info.vpc-id", "RequesterVpcInfo.VpcId"),
        ("accepter-vpc-info.cidr-block", "AccepterVpcInfo.CidrBlock"),
        ("accepter-vpc-info.owner-id", "AccepterVpcInfo.OwnerId"),
        ("accepter-vpc-info.vpc-id", "AccepterVpcInfo.VpcId"),
    ],
    ids_or_pages: false,
};

fn describe_peerings(world: &mut World, p: Params<'_>) -> Outcome {
    describe(world, p, &LISTING, world.peerings.keys(), |id| show(world, id))
}
