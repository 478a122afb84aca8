//! Snapshots of volumes: made, listed and deleted; those of images, which anybody may use. Layer 8.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSnapshot.html>: one is complete at once here, which takes EC2 minutes.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    call::{ApiError, Json},
    sim::{
        Actions, image,
        page::{Listing, page, select},
        params::Params,
        refuse::{Outcome, bad, refuse},
        tag::at_creation,
        world::{ACCOUNT, World, find},
    },
};

pub(crate) const ACTIONS: Actions = &[
    ("CreateSnapshot", create, "VolumeId Description TagSpecifications"),
    ("DeleteSnapshot", delete, "SnapshotId"),
    ("DescribeSnapshots", describe, "SnapshotIds OwnerIds Filters"),
];

/// A snapshot of the account's own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    volume: String,
    size: i64,
    encrypted: bool,
    description: String,
    started: u64,
}

/// What a volume is made from.
pub(crate) struct Origin {
    pub(crate) id: String,
    pub(crate) size: i64,
    pub(crate) encrypted: bool,
}

/// A snapshot that a volume can be made from.
pub(crate) fn find_usable(world: &World, id: &str) -> Result<Origin, ApiError> {
    if !id.starts_with("snap-") {
        return Err(bad(format!("Value ({id}) for parameter snapshotId is invalid. Expected: 'snap-...'.")));
    }
    let own = world.snapshots.get(id).map(|s| Origin { id: id.into(), size: s.size, encrypted: s.encrypted });
    let public = || image::snapshot_size(id).map(|size| Origin { id: id.into(), size, encrypted: false });
    own.or_else(public).ok_or_else(|| unknown(id))
}

fn unknown(id: &str) -> ApiError {
    refuse("InvalidSnapshot.NotFound", format!("The snapshot '{id}' does not exist."))
}

fn create(world: &mut World, p: Params<'_>) -> Outcome {
    let volume = p.need("VolumeId")?;
    let disk = &find(&world.volumes, "vol", volume)?.disk;
    let tags = at_creation(p, "snapshot", &["snapshot"])?;
    let description = p.text("Description").unwrap_or_default().to_owned();
    if description.chars().count() > 255 {
        return Err(bad("Character sets beyond ASCII and descriptions of more than 255 characters are not supported."));
    }
    let made = Snapshot { volume: volume.into(), size: disk.size, encrypted: disk.encrypted, description, started: world.now };
    let id = world.id("snap");
    world.snapshots.insert(id.clone(), made);
    world.tag(&id, tags);
    show(world, &id).ok_or_else(|| unknown(&id))
}

fn delete(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("SnapshotId")?;
    // What is made from one holds nothing of it.
    world.snapshots.remove(id).ok_or_else(|| unknown(id))?;
    world.tags.remove(id);
    Ok(json!({}))
}

fn show(world: &World, id: &str) -> Option<Json> {
    let snapshot = world.snapshots.get(id)?;
    Some(json!({
        "SnapshotId": id, "VolumeId": snapshot.volume, "VolumeSize": snapshot.size, "Encrypted": snapshot.encrypted, "OwnerId": ACCOUNT,
        "Description": snapshot.description, "StartTime": World::time(snapshot.started), "State": "completed", "Progress": "100%",
        "StorageTier": "standard", "Tags": world.shown_tags(id),
    }))
}

const LISTING: Listing = Listing {
    member: "Snapshots",
    ids: "SnapshotIds",
    prefix: "snap",
    filters: &[
        ("snapshot-id", "SnapshotId"),
        ("volume-id", "VolumeId"),
        ("volume-size", "VolumeSize"),
        ("encrypted", "Encrypted"),
        ("owner-id", "OwnerId"),
        ("description", "Description"),
        ("status", "State"),
        ("storage-tier", "StorageTier"),
    ],
    ids_or_pages: true,
};

/// Those of the account; the many that others have published are not modelled.
fn describe(world: &mut World, p: Params<'_>) -> Outcome {
    if let Some(id) = p.texts("SnapshotIds").into_iter().find(|id| !world.snapshots.contains_key(*id)) {
        return Err(unknown(id));
    }
    let owners = p.texts("OwnerIds");
    let own = owners.is_empty() || owners.iter().any(|owner| matches!(*owner, "self" | ACCOUNT));
    let found = if own { select(world, p, &LISTING, world.snapshots.keys(), |id| show(world, id))? } else { vec![] };
    page(p, LISTING.member, found)
}
