//! Finding what a call made whose answer was lost. Layer 7.
//!
//! Every create that takes tags carries its operation's random id in the tag `secnet:id`, so there is at most one to find.

use std::time::Duration;

use crate::{
    apply::read::{ReadError, Reader},
    call::{Driver, Json},
    registry::{Listing, Observed, Spec},
    resources,
    schema::{attr::Change, value::Record},
};

/// The tag that tells what an operation made.
pub const TAG: &str = "secnet:id";

/// When to look, after the one before: a list of EC2's may lack for a moment what was just made.
const LOOKS: [Duration; 3] = [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(3)];

/// What an operation made, if it made something: so many things, or fewer if EC2 does not list more.
///
/// # Errors
/// EC2 could not be read.
pub async fn made(driver: &dyn Driver, listing: &Listing, operation: &str, many: usize) -> Result<Vec<Json>, ReadError> {
    let reader = Reader::new(driver);
    let (tag, values) = (format!("tag:{TAG}"), [operation.to_owned()]);
    let mut found = vec![];
    for pause in LOOKS {
        tokio::time::sleep(pause).await;
        found = reader.pages(listing.action, listing.items, &[(&tag, &values)], listing.page).await?;
        // Whoever overlooks a filter answers with what others have made.
        found.retain(|item| carries(item, operation));
        if found.len() >= many {
            break;
        }
    }
    Ok(found)
}

/// Whether something carries an operation's tag.
fn carries(item: &Json, operation: &str) -> bool {
    resources::tags(item).get(TAG).is_some_and(|value| value == operation)
}

/// Of several things that one call made, the one that it counts as `place`; of one thing, that one.
pub fn placed<'a>(spec: &Spec, items: &'a [Json], place: usize, many: usize) -> Option<&'a Json> {
    let Some(alike) = spec.alike.filter(|_| many > 1) else { return items.first() };
    items.iter().find(|item| item.get(alike.index).and_then(Json::as_u64) == u64::try_from(place).ok())
}

/// Whether something of this id still stands.
///
/// # Errors
/// EC2 could not be read.
pub async fn stands(driver: &dyn Driver, spec: &Spec, id: &str) -> Result<bool, ReadError> {
    let (listing, ids) = (&spec.listing, [id.to_owned()]);
    let found = Reader::new(driver).by_ids(listing, &ids).await?;
    Ok(found.iter().any(|item| (spec.observe)(item).is_some_and(|observed| observed.id == id)))
}

/// How what a call makes is listed, where it is tagged: the resource itself, or rules of a security group.
pub fn listing(spec: &'static Spec, tagged: Option<&str>) -> Option<&'static Listing> {
    static RULES: Listing =
        Listing::new("DescribeSecurityGroupRules", &["SecurityGroupRules"], "SecurityGroupRuleId", "security-group-rule-id", Some(1000));
    match tagged {
        Some("security-group-rule") => Some(&RULES),
        Some(tagged) if spec.tag_type == Some(tagged) => Some(&spec.listing),
        _ => None,
    }
}

/// What EC2 tells that the wanted record does not say: attributes that EC2 decides, and those left to it.
pub fn learned(spec: &Spec, wanted: &Record, observed: Observed) -> Record {
    let computed = |name: &str| spec.attr(name).is_some_and(|attr| attr.change == Change::Computed);
    observed.record.into_iter().filter(|(name, _)| computed(name) || (!wanted.contains_key(name) && spec.attr(name).is_some())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_others_have_made_is_not_taken_for_an_operations() {
        let tagged = |member: &str, value: &str| json!({member: [{"Key": "Name", "Value": "op-1"}, {"Key": TAG, "Value": value}]});
        assert!(carries(&tagged("Tags", "op-1"), "op-1") && carries(&tagged("TagSet", "op-1"), "op-1"));
        assert!(!carries(&tagged("Tags", "op-2"), "op-1") && !carries(&json!({}), "op-1"));
    }
}
