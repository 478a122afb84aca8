//! Placement groups: which hardware instances share, or do not. Layer 8.
//!
//! docs.aws.amazon.com/AWSEC2/latest/UserGuide/placement-groups.html

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    call::Json,
    sim::{
        Actions,
        page::{Listing, select},
        params::Params,
        refuse::{Outcome, bad, clash, refuse},
        tag::at_creation,
        world::World,
    },
};

pub(crate) const ACTIONS: Actions = &[
    ("CreatePlacementGroup", create, "GroupName Strategy PartitionCount SpreadLevel TagSpecifications"),
    ("DeletePlacementGroup", delete, "GroupName"),
    ("DescribePlacementGroups", describe_groups, "GroupNames GroupIds Filters"),
];

/// How many there may be in a region, and partitions in one.
const GROUPS_MAX: usize = 500;
const PARTITIONS_MAX: i64 = 7;

/// A placement group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PlacementGroup {
    pub(crate) name: String,
    strategy: String,
    partitions: Option<i64>,
    spread: Option<String>,
}

fn create(world: &mut World, p: Params<'_>) -> Outcome {
    let (name, strategy) = (p.need("GroupName")?, p.text("Strategy").unwrap_or("cluster"));
    if name.len() > 255 || !name.is_ascii() {
        return Err(bad(format!("Value ({name}) for parameter groupName is invalid.")));
    }
    if p.has("PartitionCount") && strategy != "partition" {
        return Err(clash("The parameter PartitionCount is for the strategy 'partition' only"));
    }
    if p.has("SpreadLevel") && strategy != "spread" {
        return Err(clash("The parameter SpreadLevel is for the strategy 'spread' only"));
    }
    if strategy == "precision-time" {
        return Err(refuse("UnsupportedOperation", "The sandbox does not model the strategy precision-time."));
    }
    let partitions = (strategy == "partition").then(|| p.int("PartitionCount").unwrap_or(2));
    if partitions.is_some_and(|n| !(1..=PARTITIONS_MAX).contains(&n)) {
        return Err(bad(format!("A placement group has 1 to {PARTITIONS_MAX} partitions.")));
    }
    let tags = at_creation(p, "placement-group", &["placement-group"])?;
    if world.placement_groups.values().any(|g| g.name == name) {
        return Err(refuse("InvalidPlacementGroup.Duplicate", format!("The placement group '{name}' already exists.")));
    }
    if world.placement_groups.len() >= GROUPS_MAX {
        return Err(refuse("PlacementGroupLimitExceeded", "You have reached the limit of placement groups in this region."));
    }
    let spread = (strategy == "spread").then(|| p.text("SpreadLevel").unwrap_or("rack").to_owned());
    let id = world.id("pg");
    world.placement_groups.insert(id.clone(), PlacementGroup { name: name.into(), strategy: strategy.into(), partitions, spread });
    world.tag(&id, tags);
    Ok(json!({"PlacementGroup": show(world, &id)}))
}

fn delete(world: &mut World, p: Params<'_>) -> Outcome {
    let name = p.need("GroupName")?;
    let Some(id) = world.placement_groups.iter().find(|(_, g)| g.name == name).map(|(id, _)| id.clone()) else {
        return Err(unknown(name));
    };
    if world.instances.values().any(|i| i.placement_group.as_deref() == Some(name) && !i.state.is_over()) {
        return Err(refuse("InvalidPlacementGroup.InUse", format!("The placement group '{name}' is in use and may not be deleted.")));
    }
    world.placement_groups.remove(&id);
    world.tags.remove(&id);
    Ok(json!({}))
}

pub(crate) fn unknown(name: &str) -> crate::call::ApiError {
    refuse("InvalidPlacementGroup.Unknown", format!("The Placement Group '{name}' is unknown."))
}

fn show(world: &World, id: &str) -> Option<Json> {
    let group = world.placement_groups.get(id)?;
    let mut shown = json!({
        "GroupId": id,
        "GroupName": group.name,
        "GroupArn": world.arn("placement-group", &group.name),
        "State": "available",
        "Strategy": group.strategy,
        "Tags": world.shown_tags(id),
    });
    let map = shown.as_object_mut()?;
    map.extend(group.partitions.map(|n| ("PartitionCount".to_owned(), json!(n))));
    map.extend(group.spread.iter().map(|level| ("SpreadLevel".to_owned(), json!(level))));
    Some(shown)
}

const LISTING: Listing = Listing {
    member: "PlacementGroups",
    ids: "GroupIds",
    prefix: "pg",
    filters: &[
        ("group-name", "GroupName"),
        ("group-arn", "GroupArn"),
        ("spread-level", "SpreadLevel"),
        ("state", "State"),
        ("strategy", "Strategy"),
    ],
    ids_or_pages: false,
};

/// It has no pages.
fn describe_groups(world: &mut World, p: Params<'_>) -> Outcome {
    let names = p.texts("GroupNames");
    if let Some(name) = names.iter().find(|name| !world.placement_groups.values().any(|g| g.name == **name)) {
        return Err(unknown(name));
    }
    let found = select(world, p, &LISTING, world.placement_groups.keys(), |id| show(world, id))?;
    let wanted = |id: &String| names.is_empty() || world.placement_groups.get(id).is_some_and(|g| names.contains(&&*g.name));
    Ok(json!({"PlacementGroups": found.into_iter().filter(|(id, _)| wanted(id)).map(|(_, shown)| shown).collect::<Vec<_>>()}))
}
