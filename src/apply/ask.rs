//! What a project asks EC2 before it can be resolved: zones, and what fits `existing ... for {}`. Layer 7: changes nothing.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAvailabilityZones.html>

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::{
    apply::{
        read::{ReadError, Reader},
        refresh,
    },
    base::{address::Address, site::Site},
    call::{Driver, Json, beside},
    schema::{
        ask::{Answers, Question, Wanted},
        model::{Model, Resource},
    },
    state::State,
};

/// The answers to some of a project's questions. The model need not be whole: it says what filters refer to.
///
/// # Errors
/// EC2 could not be read.
pub async fn ask(driver: &dyn Driver, model: &Model, state: &State, questions: &[&Question]) -> Result<Answers, ReadError> {
    let mut answers = Answers::new();
    let mut open: BTreeMap<Option<Site>, Vec<(&Question, &Resource)>> = BTreeMap::new();
    for question in questions {
        match &question.wanted {
            Wanted::Zones => drop(answers.insert(question.key.clone(), zones(&Reader::new(driver)).await?)),
            Wanted::Region => drop(answers.insert(question.key.clone(), vec![driver.region().to_owned()])),
            Wanted::Fitting(one) => open.entry(one.site.clone()).or_default().push((question, one)),
        }
    }
    let imported = model.imports.iter().map(|import| &*import.id);
    let kept = state.resources.values().chain(state.deposed.iter().map(|d| &d.resource)).map(|resource| &*resource.id);
    let managed: BTreeSet<&str> = kept.chain(imported).collect();
    for (site, asked) in open {
        let query = query(model, &asked);
        let found = match &site {
            Some(site) => {
                let driver = beside(driver, site).map_err(|error| ReadError { action: "DescribeVpcs".into(), error })?;
                refresh::existing(&Reader::new(&*driver), &query, state).await?
            }
            None => refresh::existing(&Reader::new(driver), &query, state).await?,
        };
        for (question, one) in asked {
            let ids = found.get(&one.address).into_iter().flatten().map(|found| found.observed.id.clone());
            // As an existing thing it would be proved with as it stands, not as the project is about to have it.
            let ids = ids.filter(|id| !managed.contains(id.as_str()));
            answers.insert(question.key.clone(), ids.collect::<BTreeSet<_>>().into_iter().collect());
        }
    }
    Ok(answers)
}

/// What is asked for, and the existing resources that its filters name.
fn query(model: &Model, asked: &[(&Question, &Resource)]) -> Model {
    let mut query = Model { project: model.project.clone(), ..Model::default() };
    let mut open: Vec<&Resource> = asked.iter().map(|(_, one)| *one).collect();
    while let Some(resource) = open.pop() {
        if query.resources.insert(resource.address.clone(), resource.clone()).is_none() {
            let mut named: Vec<Address> = vec![];
            resource.record.values().for_each(|value| value.resources(&mut named));
            open.extend(named.iter().filter_map(|address| model.resources.get(address)).filter(|r| r.existing));
        }
    }
    query
}

/// Zones that are open to the account, without local zones and the like.
async fn zones(reader: &Reader<'_>) -> Result<Vec<String>, ReadError> {
    let params = json!({"Filters": [{"Name": "state", "Values": ["available"]}, {"Name": "zone-type", "Values": ["availability-zone"]}]});
    let found = reader.all("DescribeAvailabilityZones", &["AvailabilityZones"], params, None).await?;
    Ok(open(&found))
}

/// The names of zones that one can put subnets into, in order.
fn open(zones: &[Json]) -> Vec<String> {
    let is = |zone: &Json, member: &str, wanted: &str| zone.get(member).and_then(Json::as_str).is_none_or(|told| told == wanted);
    let open = zones.iter().filter(|zone| {
        let closed = zone.get("OptInStatus").and_then(Json::as_str) == Some("not-opted-in");
        is(zone, "ZoneType", "availability-zone") && is(zone, "State", "available") && !closed
    });
    let names: BTreeSet<String> = open.filter_map(|zone| zone.get("ZoneName")?.as_str().map(str::to_owned)).collect();
    names.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_that_are_closed_or_elsewhere_are_left_out() {
        let zone = |name: &str, kind: &str, state: &str, opted: &str| json!({"ZoneName": name, "ZoneType": kind, "State": state, "OptInStatus": opted});
        let all = [
            zone("us-east-1b", "availability-zone", "available", "opt-in-not-required"),
            zone("us-east-1a", "availability-zone", "available", "opted-in"),
            zone("us-east-1c", "availability-zone", "constrained", "opt-in-not-required"),
            zone("us-east-1d", "availability-zone", "available", "not-opted-in"),
            zone("us-east-1-bos-1a", "local-zone", "available", "opted-in"),
            zone("us-east-1-wl1-bos-wlz-1", "wavelength-zone", "available", "opted-in"),
        ];
        assert_eq!(open(&all), ["us-east-1a", "us-east-1b"]);
    }
}
