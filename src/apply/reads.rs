//! What reading a project asks of EC2, known before anything is read. Layer 7: pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::{
    apply::{
        find, image, limits, offers,
        refresh::{beyond_the_internet, says},
        sites, survey,
    },
    base::site::Site,
    call::{Call, Json, Request},
    resources,
    schema::{ask::Wanted, model::Model},
    state::State,
};

/// Every read that a refresh of this project may make, before it stands and after, and that its calls wait with: one
/// request for each action. Who is asking (`GetCallerIdentity`) needs no permission.
///
/// With `deep`, what is read by a call for each resource, too. What nobody can know beforehand is left out: a route that somebody else leads to an endpoint, say.
#[must_use]
pub fn of<'a>(model: &Model, state: &State, deep: bool, calls: impl IntoIterator<Item = &'a Call>) -> Vec<Request> {
    let mut found: BTreeMap<String, Json> = BTreeMap::new();
    let mut add = |action: &str| {
        found.entry(action.to_owned()).or_insert_with(|| json!({}));
    };
    let known = model.resources.keys().chain(state.resources.keys()).chain(state.deposed.iter().map(|d| &d.address));
    let kinds: BTreeSet<&str> = known.map(|address| address.kind()).collect();
    let specs: Vec<_> = kinds.iter().filter_map(|kind| resources::spec(kind)).collect();
    if !specs.is_empty() {
        let wide = model.policies.iter().flat_map(|p| &p.statements).any(beyond_the_internet);
        let prefixes: Vec<&str> = specs.iter().map(|spec| spec.id_prefix).collect();
        survey::actions(wide, &prefixes).into_iter().for_each(&mut add);
    }
    if image::any(model) {
        add("DescribeImages");
    }
    if offers::any(model) {
        add(offers::ACTION);
    }
    if model.questions.iter().any(|question| question.wanted == Wanted::Zones) {
        add("DescribeAvailabilityZones");
    }
    for spec in &specs {
        add(spec.listing.action);
    }
    for call in calls {
        if !call.mutates() {
            add(&call.action);
        }
        call.settle.iter().for_each(|settle| add(&settle.action));
        let listings = specs.iter().filter_map(|spec| find::listing(spec, call.tagged.first().map(String::as_str)));
        listings.for_each(|listing| add(listing.action));
    }
    for spec in specs {
        for request in (spec.listing.more)(&[stand_in(spec.id_prefix)]) {
            found.insert(request.action, request.params);
        }
        for aside in spec.aside.iter().filter(|aside| says(model, state, spec.kind, aside.attr)) {
            found.insert(aside.action.to_owned(), json!({}));
        }
        for one in spec.deep.iter().filter(|_| deep) {
            let request = (one.read)(&stand_in(spec.id_prefix));
            found.insert(request.action, request.params);
        }
    }
    found.extend(limits::requests(model).into_iter().map(|(action, params)| (action.to_owned(), params)));
    found.into_iter().map(|(action, params)| Request { action, params }).collect()
}

/// The same for each account and region that the project has to do with, its own first.
#[must_use]
pub fn by_site<'a>(
    model: &Model,
    state: &State,
    deep: bool,
    calls: impl IntoIterator<Item = &'a Call>,
) -> Vec<(Option<Site>, Vec<Request>)> {
    let calls: Vec<&Call> = calls.into_iter().collect();
    let all = std::iter::once(None).chain(sites::all(model, state).into_iter().map(Some));
    all.map(|site| {
        let (model, state) = sites::part(model, state, site.as_ref());
        let requests = of(&model, &state, deep, calls.iter().copied().filter(|call| call.site == site));
        (site, requests)
    })
    .collect()
}

/// An id that is well formed and that nothing has.
#[must_use]
pub fn stand_in(prefix: &str) -> String {
    format!("{prefix}{:017}", 0)
}
