//! Resources that one call makes: those that are new and differ in nothing but their tags. Layer 6.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::address::Address,
    plan::{
        Action,
        decide::{Decision, Decisions},
    },
    registry::Alike,
    schema::value::Value,
};

/// The first of each group, with the whole group, and those that are made with another.
#[derive(Debug, Default)]
pub struct Groups<'a> {
    /// By its first.
    pub groups: BTreeMap<&'a Address, Vec<&'a Decision<'a>>>,
    /// Made by the call of their group's first.
    pub others: BTreeSet<&'a Address>,
}

/// Puts what one call can make together, as many as it may make at once.
///
/// What is replaced is left by itself: it may have to wait for something that others of its group are needed for.
pub fn groups<'a>(decisions: &'a Decisions<'a>) -> Groups<'a> {
    let mut found: BTreeMap<String, Vec<Vec<&'a Decision<'a>>>> = BTreeMap::new();
    for decision in decisions.wanted.values() {
        let Some(alike) = decision.spec.alike.filter(|alike| decision.action == Some(Action::Create) && may_share(decision, alike)) else {
            continue;
        };
        // The text finds those that may be alike quickly; it hides what is sensitive, so the records decide.
        let of_kind = found.entry(format!("{:?}", key(decision).collect::<Vec<_>>())).or_default();
        match of_kind.iter_mut().find(|group| group.len() < alike.most && group.first().is_some_and(|first| same(first, decision))) {
            Some(group) => group.push(decision),
            None => of_kind.push(vec![decision]),
        }
    }
    let mut all = Groups::default();
    for group in found.into_values().flatten().filter(|group| group.len() > 1) {
        all.others.extend(group.iter().skip(1).map(|decision| &decision.resource.address));
        if let Some(first) = group.first() {
            all.groups.insert(&first.resource.address, group);
        }
    }
    all
}

fn may_share(decision: &Decision<'_>, alike: &Alike) -> bool {
    let written = |name: &&str| decision.record.get(*name).is_some_and(|value| *value != Value::Null);
    !alike.alone.iter().any(written)
}

/// What it is but for its tags.
fn key<'a>(decision: &'a Decision<'a>) -> impl Iterator<Item = (&'a str, &'a Value)> {
    decision.record.iter().filter(|(name, value)| *name != "tags" && **value != Value::Null).map(|(name, value)| (name.as_str(), value))
}

fn same(a: &Decision<'_>, b: &Decision<'_>) -> bool {
    a.spec.kind == b.spec.kind && a.resource.site == b.resource.site && a.resource.after == b.resource.after && key(a).eq(key(b))
}
