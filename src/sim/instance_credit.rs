//! CPU credits of burstable instances. Layer 8.
//!
//! What a family has by itself: docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-performance-instances-unlimited-mode.html.

use serde_json::json;

use crate::{
    call::{ApiError, Json},
    sim::{
        Actions,
        instance::Instance,
        instance_type,
        page::{Listing, page, select},
        params::Params,
        refuse::{Outcome, bad, clash, missing, refuse},
        world::{World, find, find_mut},
    },
};

pub(crate) const ACTIONS: Actions = &[
    ("DescribeInstanceCreditSpecifications", describe, "InstanceIds Filters"),
    ("ModifyInstanceCreditSpecification", modify, "InstanceCreditSpecifications"),
];

/// What a launch asks for.
pub(crate) fn asked(p: Params<'_>, kind: &str) -> Result<Option<String>, ApiError> {
    let Some(wanted) = p.sub("CreditSpecification") else { return Ok(None) };
    let credits = checked(wanted.need("CpuCredits")?)?;
    match is_burstable(kind) {
        true => Ok(Some(credits)),
        false => Err(clash(format!("The instance type {kind} does not support CPU credits; omit the parameter CreditSpecification."))),
    }
}

fn checked(credits: &str) -> Result<String, ApiError> {
    match credits {
        "standard" | "unlimited" => Ok(credits.into()),
        other => Err(bad(format!("Invalid value '{other}' for CpuCredits. Valid values are standard and unlimited."))),
    }
}

fn is_burstable(kind: &str) -> bool {
    instance_type::find(kind).is_some_and(|model| model.burstable)
}

/// What it may spend.
fn of(instance: &Instance) -> &str {
    let by_itself = if instance.kind.starts_with("t2.") { "standard" } else { "unlimited" };
    instance.credits.as_deref().unwrap_or(by_itself)
}

fn burstable<'a>(world: &'a World, id: &str) -> Result<&'a Instance, ApiError> {
    let instance = find(&world.instances, "i", id)?;
    match is_burstable(&instance.kind) && !instance.state.is_over() {
        true => Ok(instance),
        false => Err(refuse("InvalidInstanceID", format!("The instance '{id}' is not a burstable performance instance."))),
    }
}

const LISTING: Listing = Listing {
    member: "InstanceCreditSpecifications",
    ids: "InstanceIds",
    prefix: "i",
    filters: &[("instance-id", "InstanceId")],
    ids_or_pages: true,
};

/// Those that are named; of all, those that may spend without limit.
fn describe(world: &mut World, p: Params<'_>) -> Outcome {
    let named = p.texts("InstanceIds");
    for id in &named {
        burstable(world, id)?;
    }
    let wanted = |instance: &Instance| {
        let told = !named.is_empty() || of(instance) == "unlimited";
        told && is_burstable(&instance.kind) && !instance.state.is_over()
    };
    let show = |id: &str| {
        let instance = world.instances.get(id).filter(|instance| wanted(instance))?;
        Some(json!({"InstanceId": id, "CpuCredits": of(instance)}))
    };
    page(p, LISTING.member, select(world, p, &LISTING, world.instances.keys(), show)?)
}

/// Each is judged by itself.
fn modify(world: &mut World, p: Params<'_>) -> Outcome {
    let (mut done, mut failed): (Vec<Json>, Vec<Json>) = (vec![], vec![]);
    if p.subs("InstanceCreditSpecifications").next().is_none() {
        return Err(missing("instanceCreditSpecification"));
    }
    for wanted in p.subs("InstanceCreditSpecifications") {
        let id = wanted.need("InstanceId")?;
        let credits = checked(wanted.need("CpuCredits")?)?;
        let judged = find(&world.instances, "i", id).map(|instance| is_burstable(&instance.kind));
        let why = match judged {
            Err(error) => Some(("InvalidInstanceID.NotFound", error.message)),
            Ok(false) => {
                Some(("InstanceCreditSpecification.NotSupported", format!("The instance '{id}' is not a burstable performance instance.")))
            }
            Ok(true) => None,
        };
        match why {
            None => {
                find_mut(&mut world.instances, "i", id)?.credits = Some(credits);
                done.push(json!({"InstanceId": id}));
            }
            Some((code, message)) => failed.push(json!({"InstanceId": id, "Error": {"Code": code, "Message": message}})),
        }
    }
    Ok(json!({"SuccessfulInstanceCreditSpecifications": done, "UnsuccessfulInstanceCreditSpecifications": failed}))
}
