//! Resources that wait for each other. Layer 4; pure.
//!
//! Parts are no edges: a rule is made after both groups that it names.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::{
        address::Address,
        codes::name::{self as codes, Edge},
        diagnostic::Sink,
        span::Span,
    },
    resources,
    schema::{
        attr::Change,
        model::{Model, Resource},
    },
};

/// A resource under way: what it still needs and where it says so, and where the resource before names it.
type Step<'m> = (&'m Resource, Vec<(Address, Span)>, Option<Span>);

/// Reports every circle of references, with all its edges. No resource is in two messages.
pub(super) fn report(model: &Model, sink: &mut Sink) {
    let mut done: BTreeSet<&Address> = BTreeSet::new();
    let mut reported: BTreeSet<&Address> = BTreeSet::new();
    for start in model.resources.values() {
        if done.contains(&start.address) {
            continue;
        }
        let mut path: Vec<Step<'_>> = vec![(start, needs(start), None)];
        let mut position: BTreeMap<&Address, usize> = BTreeMap::from([(&start.address, 0)]);
        while let Some((resource, needed, _)) = path.last_mut() {
            let resource: &Resource = resource;
            let Some((next, at)) = needed.pop() else {
                done.insert(&resource.address);
                position.remove(&resource.address);
                path.pop();
                continue;
            };
            let Some(next) = model.resources.get(&next) else { continue };
            if let Some(start) = position.get(&next.address) {
                let around: Vec<_> = path.iter().skip(*start).map(|(r, _, at)| (&r.address, *at)).collect();
                if around.iter().all(|(address, _)| !reported.contains(*address)) {
                    sink.push(codes::cycle_of_resources(&edges(&around, at)));
                    reported.extend(around.iter().map(|(address, _)| *address));
                }
            } else if !done.contains(&next.address) {
                position.insert(&next.address, path.len());
                path.push((next, needs(next), Some(at)));
            }
        }
    }
}

fn edges(around: &[(&Address, Option<Span>)], back: Span) -> Vec<Edge> {
    let first = around.first().map(|(address, _)| *address);
    let next = |i: usize| around.get(i + 1).map_or((first, Some(back)), |(address, at)| (Some(*address), *at));
    let edge = |(i, (from, _)): (usize, &(&Address, Option<Span>))| {
        let (to, at) = next(i);
        (from.to_string(), to.map_or_else(String::new, Address::to_string), at.unwrap_or(back))
    };
    around.iter().enumerate().map(edge).collect()
}

/// What must be made before a resource, and where it says so; last first.
fn needs(resource: &Resource) -> Vec<(Address, Span)> {
    let spec = resources::spec(resource.address.kind());
    let mut found = vec![];
    for (name, value) in &resource.record {
        // What becomes parts is made after the resource.
        if spec.and_then(|s| s.attr(name)).is_some_and(|a| a.change == Change::Parts) {
            continue;
        }
        // Defaults and the project's tags have no place; what they name is no edge of this resource's own.
        let Some(at) = resource.spans.get(name) else { continue };
        let mut named = vec![];
        value.resources(&mut named);
        found.extend(named.into_iter().map(|address| (address, *at)));
    }
    if let Some(at) = resource.spans.get("after") {
        found.extend(resource.after.iter().map(|address| (address.clone(), *at)));
    }
    found.reverse();
    found
}
