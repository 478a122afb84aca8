//! Ranges of a subnet that AWS does not choose addresses from by itself. Layer 8.
//!
//! docs.aws.amazon.com/vpc/latest/userguide/subnet-cidr-reservation.html

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    base::cidr::{Cidr, Family},
    call::Json,
    sim::{
        Actions,
        page::{Listing, select},
        params::{Params, cidr},
        refuse::{Outcome, bad, no_such, refuse},
        tag::at_creation,
        world::{ACCOUNT, World, find},
    },
};

pub(crate) const ACTIONS: Actions = &[
    ("CreateSubnetCidrReservation", create, "SubnetId Cidr ReservationType Description TagSpecifications"),
    ("DeleteSubnetCidrReservation", delete, "SubnetCidrReservationId"),
    ("GetSubnetCidrReservations", get, "SubnetId Filters"),
];

/// A reservation: for addresses that are asked for (`explicit`), or for delegated prefixes (`prefix`).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Reservation {
    pub(crate) subnet: String,
    pub(crate) cidr: Cidr,
    kind: String,
    description: Option<String>,
}

fn create(world: &mut World, p: Params<'_>) -> Outcome {
    let (subnet_id, text) = (p.need("SubnetId")?, p.need("Cidr")?);
    let subnet = find(&world.subnets, "subnet", subnet_id)?;
    let range = cidr("cidr", text)?;
    let whole = match range.family() {
        Family::V4 => subnet.cidr,
        Family::V6 => subnet.ipv6.as_ref().map(|block| block.cidr),
    };
    if !whole.is_some_and(|whole| whole.contains(range)) {
        return Err(bad(format!("The CIDR '{text}' is not within the CIDR of subnet '{subnet_id}'.")));
    }
    if world.reservations.values().any(|r| r.subnet == subnet_id && r.cidr.overlaps(range)) {
        return Err(refuse("InvalidCidr.InUse", format!("The CIDR '{text}' overlaps with another reservation of subnet '{subnet_id}'.")));
    }
    let tags = at_creation(p, "subnet-cidr-reservation", &["subnet-cidr-reservation"])?;
    let reservation = Reservation {
        subnet: subnet_id.into(),
        cidr: range,
        kind: p.need("ReservationType")?.into(),
        description: p.text("Description").map(str::to_owned),
    };
    let id = world.id("scr");
    world.reservations.insert(id.clone(), reservation);
    world.tag(&id, tags);
    Ok(json!({"SubnetCidrReservation": show(world, &id)}))
}

fn delete(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("SubnetCidrReservationId")?;
    let shown = show(world, id).ok_or_else(|| no_such("scr", id))?;
    world.reservations.remove(id);
    world.tags.remove(id);
    Ok(json!({"DeletedSubnetCidrReservation": shown}))
}

fn show(world: &World, id: &str) -> Option<Json> {
    let reservation = world.reservations.get(id)?;
    let mut shown = json!({
        "SubnetCidrReservationId": id,
        "SubnetId": reservation.subnet,
        "Cidr": reservation.cidr.to_string(),
        "ReservationType": reservation.kind,
        "OwnerId": ACCOUNT,
        "Tags": world.shown_tags(id),
    });
    shown.as_object_mut()?.extend(reservation.description.iter().map(|text| ("Description".to_owned(), json!(text))));
    Some(shown)
}

const LISTING: Listing = Listing {
    member: "",
    ids: "",
    prefix: "scr",
    filters: &[("reservationType", "ReservationType"), ("subnet-id", "SubnetId")],
    ids_or_pages: false,
};

fn get(world: &mut World, p: Params<'_>) -> Outcome {
    let subnet = p.need("SubnetId")?;
    find(&world.subnets, "subnet", subnet)?;
    let found = select(world, p, &LISTING, world.reservations.keys(), |id| show(world, id))?;
    let of = |family: Family| -> Vec<Json> {
        let fits = |id: &String| world.reservations.get(id).is_some_and(|r| r.subnet == subnet && r.cidr.family() == family);
        found.iter().filter(|(id, _)| fits(id)).map(|(_, shown)| shown.clone()).collect()
    };
    Ok(json!({"SubnetIpv4CidrReservations": of(Family::V4), "SubnetIpv6CidrReservations": of(Family::V6)}))
}
