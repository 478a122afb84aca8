//! What the types have in common that stand for what AWS gives every VPC. Layer 3.
//!
//! Such a thing is found by its VPC, gets the project's tags, and is let go of by taking them off again: EC2 neither makes
//! nor deletes one by itself.

use serde_json::json;

use crate::{
    base::address::Address,
    call::{Arg, Call, Json},
    registry::{Observed, PartSpec},
    resources::part::{filter, filter_text},
    schema::attr::Attr,
};

/// Looks one up: the list, and the filter that tells it from others of its VPC.
pub fn look_up(action: &str, vpc: Arg, by: (&str, &str)) -> Call {
    Call::new(action, [("Filters", Arg::List(vec![filter("vpc-id", vec![vpc]), filter_text(by.0, by.1)]))])
}

/// Lets go of one: it stays as it stands, without the project's own tags.
pub fn let_go(at: &Address) -> Vec<Call> {
    let keys = ["secnet:lineage", "secnet:address", "secnet:id"];
    let tags: Vec<Json> = keys.iter().map(|key| json!({"Key": key})).collect();
    vec![Call::new("DeleteTags", [("Resources", Arg::List(vec![Arg::id(at)])), ("Tags", Arg::Known(tags.into()))])]
}

/// What was observed of it, without what its type has no word for.
pub fn observed(mut observed: Observed, attrs: &[Attr], parts: &[PartSpec]) -> Observed {
    observed.record.retain(|name, _| attrs.iter().any(|a| a.name == name));
    observed.parts.retain(|(name, _)| parts.iter().any(|p| p.name == *name));
    observed
}
