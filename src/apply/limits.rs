//! Looking up what an account may hold. Layer 7.
//!
//! EC2 is asked only where more is wanted than every new account may hold, so that most plans pay nothing for it. It tells a few of its
//! quotas: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAccountAttributes.html>

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::{
    apply::read::{ReadError, Reader, elements},
    base::site::Site,
    call::{Class, Json},
    plan::observation::Limits,
    registry::{
        Spec,
        quota::{Per, Quota},
    },
    resources,
    schema::{model::Model, value::Value},
    state::State,
};

/// How many stand in each account and Region.
type Totals = BTreeMap<(Option<Site>, &'static str), usize>;

/// What the account may hold, where that matters.
pub(super) async fn look_up(reader: &Reader<'_>, model: &Model, state: &State, totals: &Totals) -> Result<Option<Limits>, ReadError> {
    let kinds: BTreeSet<&str> = model.resources.values().filter(|r| !r.existing).map(|r| r.address.kind()).collect();
    let specs = kinds.into_iter().filter_map(resources::spec);
    let quotas = specs.flat_map(|spec| spec.quotas.iter().map(move |quota| (spec, quota))).filter(|(_, quota)| quota.told.is_some());
    if !quotas.into_iter().any(|(spec, quota)| is_more(model, state, totals, spec, quota)) {
        return Ok(None);
    }
    // Names of attributes are left out: EC2's model knows two of them, and its answer more.
    let answer = match reader.all("DescribeAccountAttributes", &["AccountAttributes"], json!({}), None).await {
        Ok(answer) => answer,
        Err(ReadError { error, .. }) if error.class == Class::Denied => return Ok(Some(Limits::Untold(error.to_string()))),
        Err(error) => return Err(error),
    };
    let told = answer.iter().filter_map(|attribute| {
        let value = elements(attribute, &["AttributeValues", "AttributeValue"]).first()?.as_str()?.parse().ok()?;
        Some((attribute.get("AttributeName").and_then(Json::as_str)?.to_owned(), value))
    });
    Ok(Some(Limits::Told(told.collect())))
}

/// Whether more is wanted than a new account may hold.
fn is_more(model: &Model, state: &State, totals: &Totals, spec: &'static Spec, quota: &Quota) -> bool {
    let managed = || model.resources.values().filter(|r| !r.existing && r.address.kind() == spec.kind);
    match quota.per {
        Per::Region => {
            let comes = managed().filter(|r| !state.resources.contains_key(&r.address)).count();
            totals.get(&(None, spec.kind)).is_some_and(|stand| stand + comes > quota.value)
        }
        Per::Named(attribute) => managed().any(|r| r.record.get(attribute).map_or(&[][..], Value::elements).len() > quota.value),
        _ => false,
    }
}
