//! Looking up what an account may hold. Layer 7.
//!
//! AWS is asked only where more would stand than every new account may hold, so that most plans pay nothing for it. EC2 tells a few of its
//! quotas itself, Service Quotas those of a service in pages.
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAccountAttributes.html>,
//! <https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListServiceQuotas.html>

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::json;

use crate::{
    apply::read::{ReadError, Reader, elements},
    base::site::Site,
    call::{ApiError, Class, Driver, Json, Request, beside},
    plan::{
        self, Input,
        observation::{Limits, Observation},
    },
    registry::quota::{Per, Quota},
    resources,
    schema::{
        model::{Model, Resource},
        value::{Record, Value},
    },
    state::State,
};

/// What EC2 tells itself.
const ATTRIBUTES: &str = "DescribeAccountAttributes";
/// What the other service tells.
const QUOTAS: &str = "ListServiceQuotas";
/// As many as it gives on a page.
const PAGE: u16 = 100;

/// Adds what accounts may hold to what was read, where that matters.
pub(super) async fn look_up(driver: &dyn Driver, model: &Model, state: &State, read: &mut Observation) -> Result<(), ReadError> {
    if !may_matter(model, state, read) {
        return Ok(());
    }
    let in_question = plan::quotas_in_question(&Input { model, state, observation: read, sources: None });
    for (site, quotas) in in_question {
        let other = other(driver, site.as_ref())?;
        let limits = ask(&Reader::new(other.as_deref().unwrap_or(driver)), &quotas).await?;
        read.limits.insert(site, limits);
    }
    Ok(())
}

fn other(driver: &dyn Driver, site: Option<&Site>) -> Result<Option<Arc<dyn Driver>>, ReadError> {
    let failed = |error| ReadError { action: QUOTAS.into(), error };
    site.map(|site| beside(driver, site)).transpose().map_err(failed)
}

/// What may be asked for a project whose sources these are, whatever else stands: action and parameters.
pub(super) fn requests(model: &Model) -> Vec<(&'static str, Json)> {
    let near = |quota: &&Quota, count: usize| count >= quota.value;
    let quotas = quotas(model).filter(|(kind, quota)| near(quota, most(model, kind, quota)));
    let asked: BTreeSet<&str> = quotas.map(|(_, quota)| if quota.told.is_some() { ATTRIBUTES } else { QUOTAS }).collect();
    let params = |action: &str| if action == QUOTAS { json!({"ServiceCode": "vpc"}) } else { json!({}) };
    [ATTRIBUTES, QUOTAS].into_iter().filter(|action| asked.contains(action)).map(|action| (action, params(action))).collect()
}

/// The quotas of the kinds that a project manages.
fn quotas(model: &Model) -> impl Iterator<Item = (&'static str, &'static Quota)> {
    let kinds: BTreeSet<&str> = model.resources.values().filter(|r| !r.existing).map(|r| r.address.kind()).collect();
    let specs: Vec<_> = kinds.into_iter().filter_map(resources::spec).collect();
    specs.into_iter().flat_map(|spec| spec.quotas.iter().map(|quota| (spec.kind, quota)))
}

/// The most that a project's own can count for.
fn most(model: &Model, kind: &str, quota: &Quota) -> usize {
    let managed = || model.resources.values().filter(|r| !r.existing && r.address.kind() == kind);
    match quota.per {
        Per::Region | Per::RegionAsKnown | Per::Attribute(_) | Per::Zone(_) => managed().count(),
        Per::Part(part) => managed().map(|r| r.parts.iter().filter(|p| p.name == part).count()).max().unwrap_or(0),
        Per::PartByFamily(part, attribute) => {
            let weight = |record: &Record| {
                let named = record.get(attribute).and_then(Value::as_resource);
                let many = named.is_some_and(|named| resources::spec(named.kind()).is_some_and(|spec| spec.counts_as.is_some()));
                // How many entries there is room for is not known of those that are only read.
                if many { quota.value } else { 1 }
            };
            let of = |r: &Resource| r.parts.iter().filter(|p| p.name == part).map(|p| weight(&p.record)).sum();
            managed().map(of).max().unwrap_or(0)
        }
        Per::Named(attribute) => managed().filter_map(|r| Some(r.record.get(attribute)?.elements().len())).max().unwrap_or(0),
    }
}

/// Whether anything may come to more than a new account may hold. It is cheap, and may say so where nothing does.
fn may_matter(model: &Model, state: &State, read: &Observation) -> bool {
    let grows =
        |kind: &str| model.resources.values().any(|r| !r.existing && r.address.kind() == kind && !state.resources.contains_key(&r.address));
    quotas(model).any(|(kind, quota)| {
        let by_itself = most(model, kind, quota);
        match quota.per {
            Per::Part(_) | Per::PartByFamily(..) | Per::Named(_) => by_itself + quota.given > quota.value,
            _ => {
                let total = read.totals.iter().filter(|((_, of), _)| *of == kind).map(|(_, total)| *total).sum::<usize>();
                let list = resources::spec(kind).and_then(|spec| spec.listing.items.first());
                let listed = list.and_then(|list| read.network.as_ref()?.get(list)?.as_array()).map_or(0, Vec::len);
                grows(kind) && by_itself + total.max(listed) + quota.given > quota.value
            }
        }
    })
}

/// What an account has of some quotas.
async fn ask(reader: &Reader<'_>, quotas: &[&'static Quota]) -> Result<Limits, ReadError> {
    let mut limits = Limits::default();
    let by_attribute: BTreeMap<&str, &str> = quotas.iter().filter_map(|quota| Some((quota.told?, quota.code))).collect();
    if !by_attribute.is_empty() {
        // Names of attributes are left out: EC2's model knows two of them, and its answer more.
        match reader.all(ATTRIBUTES, &["AccountAttributes"], json!({}), None).await {
            Ok(answer) => limits.told.extend(answer.iter().filter_map(|attribute| of_attribute(attribute, &by_attribute))),
            Err(ReadError { error, .. }) if error.class == Class::Denied => limits.untold = Some(error.to_string()),
            Err(error) => return Err(error),
        }
    }
    let left: Vec<&&Quota> = quotas.iter().filter(|quota| !limits.told.contains_key(quota.code)).collect();
    for service in left.iter().map(|quota| quota.service).collect::<BTreeSet<_>>() {
        match of_service(reader, service).await {
            Ok(told) => limits.told.extend(told),
            // One can do without, so whatever is wrong stops nothing.
            Err(error) => limits.untold = Some(error.to_string()),
        }
    }
    if left.iter().all(|quota| limits.told.contains_key(quota.code)) {
        limits.untold = None;
    }
    Ok(limits)
}

fn of_attribute(attribute: &Json, wanted: &BTreeMap<&str, &str>) -> Option<(String, usize)> {
    let code = wanted.get(attribute.get("AttributeName")?.as_str()?)?;
    let value = elements(attribute, &["AttributeValues", "AttributeValue"]).first()?.as_str()?.parse().ok()?;
    Some(((*code).to_owned(), value))
}

/// What Service Quotas tells, page by page. A quota that it has no value of is not listed.
async fn of_service(reader: &Reader<'_>, service: &str) -> Result<Vec<(String, usize)>, ApiError> {
    let mut params = json!({"ServiceCode": service, "MaxResults": PAGE});
    let mut found = vec![];
    loop {
        let answer = reader.once(&Request::new(QUOTAS, params.clone())).await?;
        found.extend(elements(&answer, &["Quotas"]).into_iter().filter_map(|quota| {
            let value = quota.get("Value")?.as_f64().filter(|value| (0.0..=1e9).contains(value))?;
            Some((quota.get("QuotaCode")?.as_str()?.to_owned(), value as usize))
        }));
        match answer.get("NextToken").and_then(Json::as_str).filter(|token| !token.is_empty()) {
            Some(token) => params["NextToken"] = token.into(),
            None => return Ok(found),
        }
    }
}
