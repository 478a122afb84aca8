//! Prefix lists: named lists of networks, with versions. Those that AWS keeps are there from the beginning. Layer 8.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use crate::{
    base::cidr::{Cidr, Family},
    call::{ApiError, Json},
    sim::{
        Actions,
        page::{Listing, describe, page},
        params::{Params, cidr},
        refuse::{Outcome, bad, in_use, missing, no_such, refuse},
        route::Destination,
        security_group::check_text,
        security_group_rule::Source,
        tag::at_creation,
        world::{ACCOUNT, Due, World, find, find_mut},
    },
};

pub(crate) const ACTIONS: Actions = &[
    ("CreateManagedPrefixList", create, "PrefixListName AddressFamily MaxEntries Entries TagSpecifications"),
    ("ModifyManagedPrefixList", modify, "PrefixListId CurrentVersion PrefixListName AddEntries RemoveEntries MaxEntries"),
    ("RestoreManagedPrefixListVersion", restore, "PrefixListId PreviousVersion CurrentVersion"),
    ("DeleteManagedPrefixList", delete, "PrefixListId"),
    ("DescribeManagedPrefixLists", describe_lists, "PrefixListIds Filters"),
    ("GetManagedPrefixListEntries", entries, "PrefixListId TargetVersion"),
    ("GetManagedPrefixListAssociations", associations, "PrefixListId"),
];

/// How many entries a list may have room for
/// (docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-prefix-lists).
const ENTRIES_MAX: i64 = 1_000;
/// How many entries one request adds or removes (API reference, ModifyManagedPrefixList).
const CHANGES_MAX: usize = 100;

/// Entries: networks and what they are for.
type Entries = BTreeMap<Cidr, Option<String>>;

/// A list that somebody has made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PrefixList {
    name: String,
    family: Family,
    pub(crate) max_entries: i64,
    /// Each version's entries, the first one's first.
    versions: Vec<Vec<(Cidr, Option<String>)>>,
    state: String,
}

impl PrefixList {
    fn current(&self) -> Entries {
        self.versions.last().into_iter().flatten().cloned().collect()
    }

    pub(crate) fn family(&self) -> Family {
        self.family
    }
}

/// The lists that AWS keeps in a region: service, and some of its networks as published in ip-ranges.json.
const BY_AWS: [(&str, &[&str]); 3] = [
    ("s3", &["3.5.0.0/19", "16.182.0.0/16", "52.216.0.0/15", "54.231.0.0/16"]),
    ("dynamodb", &["3.218.180.0/22", "52.94.0.0/22", "52.119.224.0/20"]),
    ("ec2-instance-connect", &["18.206.107.24/29"]),
];

/// A list that AWS keeps.
struct ByAws {
    id: String,
    name: String,
    entries: &'static [&'static str],
}

fn by_aws(region: &str) -> impl Iterator<Item = ByAws> {
    BY_AWS.iter().enumerate().map(move |(n, (service, entries))| ByAws {
        id: format!("pl-0{:016x}", 0x63a5_400a_u64 + n as u64),
        name: format!("com.amazonaws.{region}.{service}"),
        entries,
    })
}

impl World {
    /// The id of the list that AWS keeps for a service: `s3`.
    pub(crate) fn list_of_service(&self, service: &str) -> Option<String> {
        let name = format!("com.amazonaws.{}.{service}", self.region);
        by_aws(&self.region).find(|list| list.name == name).map(|list| list.id)
    }

    /// How many rules or routes a list counts as, and its family; what does not exist is refused.
    pub(crate) fn weight_of_list(&self, id: &str) -> Result<(usize, Family), ApiError> {
        if let Some(list) = by_aws(&self.region).find(|list| list.id == id) {
            return Ok((list.entries.len(), Family::V4));
        }
        let list = find(&self.prefix_lists, "pl", id)?;
        Ok((usize::try_from(list.max_entries).unwrap_or_default(), list.family()))
    }

    /// What names a list: route tables and groups.
    fn holders_of_list(&self, id: &str) -> Vec<String> {
        let names = |to: &Destination| matches!(to, Destination::PrefixList(list) if list == id);
        let tables = self.route_tables.iter().filter(|(_, t)| t.routes.iter().any(|r| names(&r.to)));
        let of = |source: &Source| matches!(source, Source::PrefixList(list) if list == id);
        let groups = self.groups.iter().filter(|(_, g)| g.rules.values().any(|r| of(&r.source)));
        tables.map(|(id, _)| id.clone()).chain(groups.map(|(id, _)| id.clone())).collect()
    }
}

fn family(p: Params<'_>) -> Result<Family, ApiError> {
    match p.need("AddressFamily")? {
        "IPv4" => Ok(Family::V4),
        "IPv6" => Ok(Family::V6),
        other => Err(bad(format!("Value ({other}) for parameter addressFamily is invalid. Valid values are IPv4, IPv6"))),
    }
}

/// The entries that a request names, each once.
fn given(p: Params<'_>, member: &str, family: Family) -> Result<Vec<(Cidr, Option<String>)>, ApiError> {
    let mut found: Vec<(Cidr, Option<String>)> = vec![];
    for entry in p.subs(member) {
        let network = cidr("cidr", entry.need("Cidr")?)?;
        if network.family() != family {
            return Err(bad(format!("The CIDR {network} is not of the address family of the prefix list.")));
        }
        if found.iter().any(|(other, _)| *other == network) {
            return Err(refuse("InvalidRequest", format!("The request contains a duplicate CIDR: {network}")));
        }
        let text = entry.text("Description").filter(|text| !text.is_empty());
        text.map_or(Ok(()), |text| check_text("Description", text))?;
        found.push((network, text.map(str::to_owned)));
    }
    match found.len() > CHANGES_MAX {
        true => Err(refuse("InvalidRequest", format!("At most {CHANGES_MAX} entries can be named by one request."))),
        false => Ok(found),
    }
}

fn room(wanted: i64) -> Result<i64, ApiError> {
    match (1..=ENTRIES_MAX).contains(&wanted) {
        true => Ok(wanted),
        false => Err(bad(format!("Value ({wanted}) for parameter maxEntries is invalid. It must be between 1 and {ENTRIES_MAX}."))),
    }
}

fn too_many(max: i64) -> ApiError {
    refuse("PrefixListMaxEntriesExceeded", format!("The maximum number of entries of the prefix list ({max}) would be exceeded."))
}

fn create(world: &mut World, p: Params<'_>) -> Outcome {
    let (name, family) = (p.need("PrefixListName")?, family(p)?);
    if name.starts_with("com.amazonaws") {
        return Err(bad("The name of a prefix list cannot begin with com.amazonaws"));
    }
    let max_entries = room(p.int("MaxEntries").ok_or_else(|| missing("maxEntries"))?)?;
    let entries = given(p, "Entries", family)?;
    if entries.len() as i64 > max_entries {
        return Err(too_many(max_entries));
    }
    let tags = at_creation(p, "prefix-list", &["prefix-list"])?;
    if world.prefix_lists.len() >= world.quotas.prefix_lists {
        return Err(refuse("PrefixListLimitExceeded", "The maximum number of prefix lists has been reached."));
    }
    let id = world.id("pl");
    let list = PrefixList { name: name.into(), family, max_entries, versions: vec![entries], state: "create-in-progress".into() };
    world.prefix_lists.insert(id.clone(), list);
    world.tag(&id, tags);
    world.schedule(world.pace.prefix_list_complete, Due::PrefixList(id.clone()));
    Ok(json!({"PrefixList": show(world, &id)}))
}

pub(crate) fn settle(world: &mut World, id: &str) {
    let Some(list) = world.prefix_lists.get_mut(id) else { return };
    list.state = list.state.replace("in-progress", "complete");
    if list.state == "delete-complete" {
        world.prefix_lists.remove(id);
        world.tags.remove(id);
    }
}

/// A list that can be changed now, in the version that whoever asks has seen.
fn changeable<'w>(world: &'w mut World, id: &str, seen: Option<i64>) -> Result<&'w mut PrefixList, ApiError> {
    if by_aws(&world.region).any(|list| list.id == id) {
        return Err(refuse("UnauthorizedOperation", format!("The prefix list '{id}' belongs to AWS.")));
    }
    let list = find_mut(&mut world.prefix_lists, "pl", id)?;
    if list.state.ends_with("in-progress") {
        return Err(refuse("IncorrectState", format!("The prefix list '{id}' is in the state {}.", list.state)));
    }
    if seen.is_some_and(|seen| usize::try_from(seen) != Ok(list.versions.len())) {
        return Err(refuse(
            "PrefixListVersionMismatch",
            format!("The current version of the prefix list '{id}' is {}.", list.versions.len()),
        ));
    }
    Ok(list)
}

fn modify(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("PrefixListId")?;
    let entries = !p.list("AddEntries").is_empty() || !p.list("RemoveEntries").is_empty();
    if entries && p.has("MaxEntries") {
        return Err(refuse("InvalidRequest", "The entries of a prefix list and its size cannot be modified by one request."));
    }
    if !entries && !p.has("MaxEntries") && !p.has("PrefixListName") {
        return Err(missing("addEntries, removeEntries, maxEntries or prefixListName"));
    }
    if entries && !p.has("CurrentVersion") {
        return Err(missing("currentVersion"));
    }
    let list = changeable(world, id, p.int("CurrentVersion"))?;
    let mut current = list.current();
    let (add, remove) = (given(p, "AddEntries", list.family)?, given(p, "RemoveEntries", list.family)?);
    for (network, _) in remove {
        if current.remove(&network).is_none() {
            return Err(refuse("InvalidRequest", format!("The prefix list '{id}' has no entry {network}.")));
        }
    }
    for (network, description) in add {
        if current.insert(network, description).is_some() {
            return Err(refuse("InvalidRequest", format!("The prefix list '{id}' has an entry {network} already.")));
        }
    }
    let max = p.int("MaxEntries").map_or(Ok(list.max_entries), room)?;
    if current.len() as i64 > max {
        return Err(too_many(max));
    }
    list.max_entries = max;
    if let Some(name) = p.text("PrefixListName") {
        list.name = name.into();
    }
    if entries {
        list.versions.push(current.into_iter().collect());
    }
    changing(world, id, "modify-in-progress")
}

fn restore(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("PrefixListId")?;
    let list = changeable(world, id, p.int("CurrentVersion"))?;
    let previous = p.int("PreviousVersion").and_then(|n| usize::try_from(n).ok()?.checked_sub(1));
    let Some(entries) = previous.and_then(|n| list.versions.get(n)).cloned() else {
        return Err(refuse("InvalidPrefixListVersion", format!("The prefix list '{id}' has no such version.")));
    };
    list.versions.push(entries);
    changing(world, id, "restore-in-progress")
}

fn changing(world: &mut World, id: &str, state: &str) -> Outcome {
    find_mut(&mut world.prefix_lists, "pl", id)?.state = state.into();
    world.schedule(world.pace.prefix_list_complete, Due::PrefixList(id.into()));
    Ok(json!({"PrefixList": show(world, id)}))
}

fn delete(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("PrefixListId")?;
    changeable(world, id, None)?;
    if !world.holders_of_list(id).is_empty() {
        return Err(in_use("prefixList", id));
    }
    changing(world, id, "delete-in-progress")
}

fn show(world: &World, id: &str) -> Option<Json> {
    if let Some(list) = by_aws(&world.region).find(|list| list.id == id) {
        return Some(json!({
            "PrefixListId": list.id,
            "PrefixListName": list.name,
            "AddressFamily": "IPv4",
            "State": "create-complete",
            "PrefixListArn": format!("arn:aws:ec2:{}:aws:prefix-list/{}", world.region, list.id),
            "OwnerId": "AWS",
            "Tags": [],
        }));
    }
    let list = world.prefix_lists.get(id)?;
    Some(json!({
        "PrefixListId": id,
        "PrefixListName": list.name,
        "AddressFamily": if list.family == Family::V4 { "IPv4" } else { "IPv6" },
        "State": list.state,
        "PrefixListArn": world.arn("prefix-list", id),
        "MaxEntries": list.max_entries,
        "Version": list.versions.len(),
        "OwnerId": ACCOUNT,
        "Tags": world.shown_tags(id),
    }))
}

const LISTING: Listing = Listing {
    member: "PrefixLists",
    ids: "PrefixListIds",
    prefix: "pl",
    filters: &[("prefix-list-id", "PrefixListId"), ("prefix-list-name", "PrefixListName"), ("owner-id", "OwnerId")],
    ids_or_pages: false,
};

fn describe_lists(world: &mut World, p: Params<'_>) -> Outcome {
    let mut ids: Vec<String> = by_aws(&world.region).map(|list| list.id).chain(world.prefix_lists.keys().cloned()).collect();
    ids.sort_unstable();
    describe(world, p, &LISTING, ids.iter(), |id| show(world, id))
}

fn entries(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("PrefixListId")?;
    let entry = |cidr: String, description: Option<&String>| {
        let mut shown = Map::from_iter([("Cidr".to_owned(), json!(cidr))]);
        shown.extend(description.map(|text| ("Description".to_owned(), json!(text))));
        (cidr, Json::from(shown))
    };
    let mut found: Vec<(String, Json)> = match by_aws(&world.region).find(|list| list.id == id) {
        Some(list) => list.entries.iter().map(|cidr| entry((*cidr).to_owned(), None)).collect(),
        None => {
            let list = find(&world.prefix_lists, "pl", id)?;
            let version = p.int("TargetVersion").map_or(Ok(list.versions.len()), usize::try_from).ok().and_then(|n| n.checked_sub(1));
            let Some(entries) = version.and_then(|n| list.versions.get(n)) else {
                return Err(refuse("InvalidPrefixListVersion", format!("The prefix list '{id}' has no such version.")));
            };
            entries.iter().map(|(cidr, description)| entry(cidr.to_string(), description.as_ref())).collect()
        }
    };
    found.sort_by(|a, b| a.0.cmp(&b.0));
    page(p, "Entries", found)
}

fn associations(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("PrefixListId")?;
    if show(world, id).is_none() {
        return Err(no_such("pl", id));
    }
    let shown = |holder: String| (holder.clone(), json!({"ResourceId": holder, "ResourceOwner": ACCOUNT}));
    let mut found: Vec<(String, Json)> = world.holders_of_list(id).into_iter().map(shown).collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    page(p, "PrefixListAssociations", found)
}
