//! `Filters` of the Describe actions. Layer 8.
//!
//! A filter is a name and a path into what is described, so that none can see what its answer does not show.

use std::collections::BTreeSet;

use crate::{
    call::{ApiError, Json},
    sim::{
        params::Params,
        refuse::{bad, refuse},
    },
};

/// Names of filters, and the paths of the members they look at: `A.B`, lists flattened, alternatives with `|`.
pub(crate) type Filters = &'static [(&'static str, &'static str)];

/// EC2's limit on values (EC2 API reference, "Filter": 200 for each request).
const VALUES_MAX: usize = 200;

/// The filters of one request.
pub(crate) struct Matcher<'a> {
    filters: Vec<(Look<'a>, Vec<&'a str>)>,
}

enum Look<'a> {
    Path(&'static str),
    Tag(&'a str),
    TagKey,
    TagValue,
}

impl<'a> Matcher<'a> {
    /// Reads `Filters` (or `Filter`, as DescribeNatGateways calls it).
    pub(crate) fn new(p: Params<'a>, known: Filters) -> Result<Self, ApiError> {
        let mut filters = vec![];
        for filter in p.subs("Filters").chain(p.subs("Filter")) {
            let name = filter.need("Name")?;
            let values = filter.texts("Values");
            if values.is_empty() {
                return Err(bad(format!("The filter '{name}' has no values")));
            }
            if values.len() > VALUES_MAX {
                return Err(refuse("FilterLimitExceeded", format!("The maximum number of filter values is {VALUES_MAX}")));
            }
            let look = match known.iter().find(|(known, _)| *known == name) {
                Some((_, path)) => Look::Path(path),
                None => match name {
                    "tag-key" => Look::TagKey,
                    "tag-value" => Look::TagValue,
                    _ => Look::Tag(name.strip_prefix("tag:").ok_or_else(|| bad(format!("The filter '{name}' is invalid")))?),
                },
            };
            filters.push((look, values));
        }
        Ok(Self { filters })
    }

    /// The ids that a filter asks for by name, where one does: of what is listed, nothing else can pass. What an item is
    /// called stands at its top, and ids of other kinds begin otherwise.
    pub(crate) fn named(&self, prefix: &str) -> Option<BTreeSet<&'a str>> {
        let own = |id: &&str| !id.contains(['*', '?', '\\']) && id.rsplit_once('-').is_some_and(|(before, _)| before == prefix);
        let by_id = |(look, ids): &&(Look<'a>, Vec<&'a str>)| {
            matches!(look, Look::Path(path) if !path.contains(['.', '|'])) && ids.iter().all(&own)
        };
        self.filters.iter().find(by_id).map(|(_, ids)| ids.iter().copied().collect())
    }

    /// Whether all filters let something pass: for each, one of its values.
    pub(crate) fn passes(&self, item: &Json) -> bool {
        self.filters.iter().all(|(look, patterns)| {
            let found = match look {
                Look::Path(path) => path.split('|').flat_map(|path| values_at(item, path)).collect(),
                Look::Tag(key) => tags(item).filter(|(k, _)| k == key).map(|(_, v)| v.to_owned()).collect(),
                Look::TagKey => tags(item).map(|(k, _)| k.to_owned()).collect(),
                Look::TagValue => tags(item).map(|(_, v)| v.to_owned()).collect::<BTreeSet<_>>(),
            };
            found.iter().any(|value| patterns.iter().any(|pattern| matches(pattern, value)))
        })
    }
}

fn tags(item: &Json) -> impl Iterator<Item = (&str, &str)> {
    let list = item.get("Tags").or_else(|| item.get("TagSet")).and_then(Json::as_array);
    // What DescribeTags shows is a tag itself.
    list.into_iter().flatten().chain([item]).filter_map(|tag| tag.get("Key")?.as_str().zip(tag.get("Value")?.as_str()))
}

fn values_at(item: &Json, path: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    walk(item, path, &mut found);
    found
}

fn walk(value: &Json, path: &str, found: &mut BTreeSet<String>) {
    match (value, path.split_once('.')) {
        (Json::Array(items), _) => items.iter().for_each(|item| walk(item, path, found)),
        (Json::Object(map), Some((head, rest))) => map.get(head).into_iter().for_each(|value| walk(value, rest, found)),
        (Json::Object(map), None) if !path.is_empty() => map.get(path).into_iter().for_each(|value| walk(value, "", found)),
        (Json::String(text), _) => found.extend([text.clone()]),
        (Json::Bool(_) | Json::Number(_), _) => found.extend([value.to_string()]),
        (Json::Object(_) | Json::Null, _) => {}
    }
}

/// Whether a pattern with `*` and `?` matches; a backslash takes the next character as it is.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    fn go(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['*', rest @ ..], _) => (0..=text.len()).any(|n| text.get(n..).is_some_and(|t| go(rest, t))),
            (['?', rest @ ..], [_, text @ ..]) => go(rest, text),
            (['\\', c, rest @ ..], [t, text @ ..]) | ([c, rest @ ..], [t, text @ ..]) => c == t && go(rest, text),
            _ => false,
        }
    }
    if !pattern.contains(['*', '?', '\\']) {
        return pattern == text;
    }
    go(&pattern.chars().collect::<Vec<_>>(), &text.chars().collect::<Vec<_>>())
}
