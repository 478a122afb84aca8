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
type Step<'m> = (&'m Resource, Vec<(&'m Address, Span)>, Option<Span>);

/// Reports every circle of references, with all its edges. No resource is in two messages.
pub(super) fn report(model: &Model, sink: &mut Sink) {
    if is_possible(model) {
        search(model, sink);
    }
}

/// Whether kinds need each other in a circle. Where none do, no resources can.
fn is_possible(model: &Model) -> bool {
    let mut edges: BTreeSet<(&str, &str)> = BTreeSet::new();
    for resource in model.resources.values() {
        edges.extend(needs(resource).into_iter().map(|(needed, _)| (resource.address.kind(), needed.kind())));
    }
    // What leads to nothing that needs more is in no circle.
    loop {
        let needing: BTreeSet<&str> = edges.iter().map(|(from, _)| *from).collect();
        let before = edges.len();
        edges.retain(|(_, to)| needing.contains(to));
        if edges.len() == before {
            return !edges.is_empty();
        }
    }
}

fn search(model: &Model, sink: &mut Sink) {
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
            let Some(next) = model.resources.get(next) else { continue };
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
fn needs(resource: &Resource) -> Vec<(&Address, Span)> {
    let spec = resources::spec(resource.address.kind());
    let mut found = vec![];
    for (name, value) in &resource.record {
        let before = found.len();
        // Where it stands is looked up only for what names something.
        value.each_resource(&mut |address| found.push((address, None)));
        if found.len() == before {
            continue;
        }
        // What becomes parts is made after the resource. Defaults and the project's tags have no place; what they name is no
        // edge of this resource's own.
        let parts = spec.and_then(|s| s.attr(name)).is_some_and(|a| a.change == Change::Parts);
        match resource.spans.get(name).filter(|_| !parts) {
            Some(at) => found.iter_mut().skip(before).for_each(|(_, place)| *place = Some(*at)),
            None => found.truncate(before),
        }
    }
    if !resource.after.is_empty()
        && let Some(at) = resource.spans.get("after")
    {
        found.extend(resource.after.iter().map(|address| (address, Some(*at))));
    }
    found.into_iter().rev().filter_map(|(address, at)| Some((address, at?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::span::FileId,
        schema::{model::Lifecycle, value::Value},
    };

    fn resource(n: u64, needs: &[Address]) -> (Address, Resource) {
        let kind = ["vpc", "subnet", "instance"][usize::try_from(n % 3).expect("small")];
        let address = Address::new(kind, &format!("r{}", n / 3));
        let span = Span::new(FileId(0), 0, 1);
        let (attribute, after) = needs.split_at(needs.len() / 2);
        let named = Value::List(attribute.iter().cloned().map(Value::Resource).collect());
        let resource = Resource {
            address: address.clone(),
            existing: false,
            record: [("some".to_owned(), named)].into(),
            sentences: vec![],
            parts: vec![],
            after: after.to_vec(),
            lifecycle: Lifecycle::default(),
            site: None,
            spans: [("some".to_owned(), span), ("after".to_owned(), span)].into(),
            span: None,
        };
        (address, resource)
    }

    #[test]
    fn no_circle_is_missed() {
        let mut random = 11_u64;
        let mut next = move |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        let mut circles = 0;
        for _ in 0..400 {
            let mut model = Model::default();
            for n in 0..12 {
                let needs: Vec<Address> = (0..next(3)).map(|_| resource(next(15), &[]).0).collect();
                model.resources.extend([resource(n, &needs)]);
            }
            let (mut quick, mut full) = (Sink::default(), Sink::default());
            report(&model, &mut quick);
            search(&model, &mut full);
            assert_eq!(format!("{:?}", quick.all), format!("{:?}", full.all));
            circles += usize::from(!full.all.is_empty());
        }
        assert!((20..380).contains(&circles), "{circles}");
    }
}
