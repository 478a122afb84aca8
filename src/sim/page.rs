//! Describing: ids, filters and pages, the same for all Describe actions. Layer 8.

use serde_json::json;

use crate::{
    call::{ApiError, Json},
    sim::{
        filter::{Filters, Matcher},
        params::Params,
        refuse::{Outcome, clash, no_such, refuse},
        world::World,
    },
};

/// How a Describe action is asked and answers.
pub(crate) struct Listing {
    /// `Vpcs`
    pub(crate) member: &'static str,
    /// The parameter that takes ids: `VpcIds`.
    pub(crate) ids: &'static str,
    /// The ids' prefix: `vpc`.
    pub(crate) prefix: &'static str,
    pub(crate) filters: Filters,
    /// Whether `MaxResults` is refused beside ids.
    pub(crate) ids_or_pages: bool,
}

/// Describes all that is asked for. `keys` are in ascending order.
pub(crate) fn describe<'a>(
    world: &World,
    p: Params<'_>,
    listing: &Listing,
    keys: impl Iterator<Item = &'a String>,
    show: impl Fn(&str) -> Option<Json>,
) -> Outcome {
    page(p, listing.member, select(world, p, listing, keys, show)?)
}

/// What is asked for, by its key: by ids, which must all be there, and by filters.
pub(crate) fn select<'a>(
    world: &World,
    p: Params<'_>,
    listing: &Listing,
    keys: impl Iterator<Item = &'a String>,
    show: impl Fn(&str) -> Option<Json>,
) -> Result<Vec<(String, Json)>, ApiError> {
    let matcher = Matcher::new(p, listing.filters)?;
    let seen = |id: &str| !world.hidden.contains_key(id);
    let mut items: Vec<(String, Json)> = vec![];
    if p.has(listing.ids) && !p.list(listing.ids).is_empty() {
        if listing.ids_or_pages && p.has("MaxResults") {
            return Err(clash(format!("The parameter {} cannot be used with the parameter maxResults", listing.ids)));
        }
        let mut ids = p.texts(listing.ids);
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            let item = Some(id).filter(|id| seen(id)).and_then(&show).ok_or_else(|| no_such(listing.prefix, id))?;
            items.push((id.into(), item));
        }
    } else {
        let named = matcher.named(listing.prefix);
        // Images go by their places in a table, not by ids.
        let other = |key: &str| !key.starts_with(listing.prefix);
        let keys = keys.filter(|key| named.as_ref().is_none_or(|named| named.contains(key.as_str()) || other(key)));
        items.extend(keys.filter(|key| seen(key)).filter_map(|key| Some((key.clone(), show(key)?))));
    }
    items.retain(|(_, item)| matcher.passes(item));
    Ok(items)
}

/// One page of what was found. The token names the last item of the page before it, so that no item is shown twice
/// when others come or go between two pages.
pub(crate) fn page(p: Params<'_>, member: &str, items: Vec<(String, Json)>) -> Outcome {
    page_of(p, member, items, usize::MAX)
}

/// The same where an action gives so many at once unless it is told how many.
pub(crate) fn page_of(p: Params<'_>, member: &str, mut items: Vec<(String, Json)>, usual: usize) -> Outcome {
    if let Some(token) = p.text("NextToken").filter(|t| !t.is_empty()) {
        let last = read_token(member, token).ok_or_else(|| refuse("InvalidNextToken", format!("The token '{token}' is invalid")))?;
        let from = items.partition_point(|(key, _)| *key <= last);
        items.drain(..from);
    }
    let max = p.int("MaxResults").and_then(|n| usize::try_from(n).ok()).unwrap_or(usual);
    let more = items.len() > max;
    items.truncate(max);
    let token = items.last().filter(|_| more).map(|(key, _)| write_token(member, key));
    let shown: Vec<Json> = items.into_iter().map(|(_, item)| item).collect();
    let mut answer = json!({ member: shown });
    if let (Some(token), Some(map)) = (token, answer.as_object_mut()) {
        map.insert("NextToken".into(), token.into());
    }
    Ok(answer)
}

fn write_token(member: &str, last: &str) -> String {
    format!("{member}\n{last}").bytes().map(|b| format!("{b:02x}")).collect()
}

fn read_token(member: &str, token: &str) -> Option<String> {
    let byte = |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let bytes: Option<Vec<u8>> = token.as_bytes().chunks(2).map(byte).collect();
    let text = String::from_utf8(bytes?).ok()?;
    text.strip_prefix(member)?.strip_prefix('\n').map(str::to_owned)
}
