//! Looking up where instance types can be had, before anything is made with one. Layer 7.
//!
//! One listing for each account and Region, of the types that are asked for alone; one more, for what may have been meant, where a type
//! is offered nowhere. <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypeOfferings.html>

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::{
    apply::read::{FILTER_VALUES_MAX, ReadError, Reader},
    call::{Class, Json},
    plan::observation::Offered,
    resources,
    schema::{
        model::{Model, Resource},
        value::{Record, Value},
    },
    state::State,
};

/// What is asked.
pub(super) const ACTION: &str = "DescribeInstanceTypeOfferings";
/// As many as EC2 gives on a page.
const PAGE: u16 = 1000;

/// Where the types can be had that something is made with or changed to; `None` where there is nothing to ask.
pub(super) async fn look_up(reader: &Reader<'_>, model: &Model, state: &State) -> Result<Option<Offered>, ReadError> {
    let wanted = wanted(model, state);
    if wanted.is_empty() {
        return Ok(None);
    }
    match ask(reader, &wanted).await {
        Ok(told) => Ok(Some(told)),
        Err(ReadError { error, .. }) if error.class == Class::Denied => Ok(Some(Offered::Untold(error.to_string()))),
        Err(error) => Err(error),
    }
}

/// Whether a model may have anything to ask.
pub(super) fn any(model: &Model) -> bool {
    model.resources.values().filter(|r| !r.existing).any(|r| type_of(r, &r.record).is_some())
}

async fn ask(reader: &Reader<'_>, wanted: &BTreeSet<String>) -> Result<Offered, ReadError> {
    let mut zones: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let wanted: Vec<&String> = wanted.iter().collect();
    for some in wanted.chunks(FILTER_VALUES_MAX) {
        let params = json!({"LocationType": "availability-zone", "Filters": [{"Name": "instance-type", "Values": some}]});
        for offer in reader.all(ACTION, &["InstanceTypeOfferings"], params, Some(PAGE)).await? {
            if let (Some(name), Some(zone)) = (text(&offer, "InstanceType"), text(&offer, "Location")) {
                zones.entry(name).or_default().insert(zone);
            }
        }
    }
    let mut known = BTreeSet::new();
    if wanted.iter().any(|name| !zones.contains_key(*name)) {
        let all = reader.all(ACTION, &["InstanceTypeOfferings"], json!({"LocationType": "region"}), Some(PAGE)).await?;
        known.extend(all.iter().filter_map(|offer| text(offer, "InstanceType")));
    }
    Ok(Offered::Told { zones, known })
}

fn text(item: &Json, name: &str) -> Option<String> {
    item.get(name)?.as_str().map(str::to_owned)
}

/// The types of what does not stand yet, or stands with another type or elsewhere.
fn wanted(model: &Model, state: &State) -> BTreeSet<String> {
    let written = |name: &str| model.resources.values().find(|r| r.address.as_str() == name).map(|r| &r.record);
    let stood = |name: &str| state.resources.iter().find(|(address, _)| address.as_str() == name).map(|(_, r)| &r.record);
    let changes = |r: &&Resource| {
        let Some(stands) = state.resources.get(&r.address) else { return true };
        let zone =
            |place: Option<&Record>| place.and_then(|record| record.get("availability_zone")).and_then(Value::as_text).map(str::to_owned);
        let place = |record: &Record| {
            let names = resources::spec(r.address.kind()).map_or(&[][..], |spec| spec.placed_in);
            names.iter().find_map(|name| record.get(*name)).and_then(Value::as_resource).map(|address| address.as_str().to_owned())
        };
        let (new, old) = (place(&r.record), place(&stands.record));
        let moves = |new: &str| zone(written(new)).is_some_and(|zone_wanted| zone(stood(new)) != Some(zone_wanted));
        type_of(r, &r.record) != type_of(r, &stands.record) || new != old || new.as_deref().is_some_and(moves)
    };
    let all = model.resources.values().filter(|r| !r.existing).filter(changes);
    all.filter_map(|r| type_of(r, &r.record)).map(str::to_owned).collect()
}

/// The instance type that a record of this resource names.
fn type_of<'r>(resource: &Resource, record: &'r Record) -> Option<&'r str> {
    let attribute = resources::spec(resource.address.kind())?.runs_on?;
    record.get(attribute).map(Value::inner).and_then(Value::as_text)
}
