//! What is done with a model once every value in it is worked out: sites, circles, parts, and what is wrong with it. Layer 4; pure.
//!
//! All of it follows what resources name, so that of a project that was seen before only those pieces are looked at that are not as
//! they were.

use std::{collections::HashMap, sync::Arc};

use crate::{
    base::{
        address::Address,
        diagnostic::{Diagnostic, Sink},
    },
    resolve::{account, cycle},
    resources,
    schema::{
        cut::{Piece, cut, is_seen_everywhere},
        model::{Model, Project, Resource},
        value::Value,
    },
};

/// A piece of a model, and what became of it.
#[derive(Debug)]
struct Settled {
    /// As its values were worked out.
    piece: Piece,
    project: Project,
    /// Its own resources as they are then, in the same order.
    resources: Vec<Arc<Resource>>,
    wrong: Vec<Diagnostic>,
}

/// The pieces of the model that was settled last.
#[derive(Debug, Default)]
pub(super) struct Pieces(Vec<Settled>);

impl Pieces {
    /// As [`settle`], where nothing is done again for pieces that are as they were.
    pub(super) fn settle(&mut self, model: &mut Model, sink: &mut Sink) {
        // Two that exist may be one and the same.
        let existing = model.resources.values().filter(|r| r.existing && !is_seen_everywhere(&r.address)).map(|r| &r.address).collect();
        let pieces = cut(model, &[existing]).pieces;
        let first = |piece: &Piece| piece.own.first().map(|r| r.address.clone());
        let mut last: HashMap<Address, Settled> = self.0.drain(..).filter_map(|one| Some((first(&one.piece)?, one))).collect();
        for piece in pieces {
            let same = |one: &Settled| one.piece == piece && one.project == model.project;
            let known = first(&piece).and_then(|address| last.remove(&address)).filter(same);
            let one = known.unwrap_or_else(|| Settled::of(piece, &model.project));
            sink.all.extend(one.wrong.iter().cloned());
            for (before, after) in one.piece.own.iter().zip(&one.resources).filter(|(before, after)| !Arc::ptr_eq(before, after)) {
                model.resources.insert(before.address.clone(), after.clone());
            }
            self.0.push(one);
        }
    }
}

impl Settled {
    fn of(piece: Piece, project: &Project) -> Self {
        let mut model = Model { project: project.clone(), resources: piece.resources(), ..Model::default() };
        let mut sink = Sink::default();
        settle(&mut model, &mut sink);
        let after: HashMap<&Address, &Arc<Resource>> = model.resources.shared().map(|r| (&r.address, r)).collect();
        let resources = piece.own.iter().map(|r| after.get(&r.address).map_or_else(|| r.clone(), |r| (*r).clone())).collect();
        Self { piece, project: project.clone(), resources, wrong: sink.all }
    }
}

/// Gives every resource its site and its parts, and reports what is wrong.
pub(super) fn settle(model: &mut Model, sink: &mut Sink) {
    account::settle(model, sink);
    cycle::report(model, sink);
    with_parts(model, sink);
    for spec in resources::ALL {
        (spec.check)(model, sink);
    }
}

/// Hands down what a resource takes over from another one: see [`crate::registry::Inherits`].
pub(super) fn inherit(model: &mut Model) {
    let mut taken = vec![];
    for heir in model.resources.values().filter(|r| !r.existing) {
        let Some(inherits) = resources::spec(heir.address.kind()).and_then(|spec| spec.inherits) else { continue };
        let from = heir.reference(inherits.by).and_then(|by| model.resources.get(by)).filter(|from| !from.existing);
        let Some(from) = from else { continue };
        let (word, without) = inherits.instead;
        let has = |of: &Resource, name: &str| of.spans.contains_key(name);
        let comes = |name: &&&str| !(has(heir, name) || has(heir, word) && without.contains(name));
        for name in inherits.attrs.iter().filter(comes) {
            let value = from.record.get(*name).filter(|value| **value != Value::Null);
            taken.extend(value.map(|value| (heir.address.clone(), *name, value.clone(), from.spans.get(*name).copied())));
        }
        let (told, any) = inherits.says;
        taken.push((heir.address.clone(), told, Value::Bool(any.iter().any(|name| has(from, name))), None));
    }
    for (heir, name, value, span) in taken {
        if let Some(heir) = model.resources.get_mut(&heir) {
            heir.record.insert(name.into(), value);
            heir.spans.extend(span.map(|span| (name.to_owned(), span)));
        }
    }
}

/// Adds the parts of every managed resource, for which the model must hold them all. One that gets nothing stays shared.
fn with_parts(model: &mut Model, sink: &mut Sink) {
    let managed = |r: &Resource| resources::spec(r.address.kind()).filter(|_| !r.existing);
    let parts: Vec<_> = model.resources.values().map(|r| managed(r).map(|spec| (spec.desired_parts)(r, model, sink))).collect();
    for (resource, parts) in model.resources.shared_mut().zip(parts) {
        if let Some(parts) = parts.filter(|parts| !(parts.is_empty() && resource.parts.is_empty())) {
            Arc::make_mut(resource).parts = parts;
        }
    }
    let after: Vec<_> = model.resources.values().map(|r| managed(r).map_or_else(Vec::new, |spec| (spec.after)(r, model))).collect();
    for (resource, others) in model.resources.shared_mut().zip(after).filter(|(_, others)| !others.is_empty()) {
        Arc::make_mut(resource).after.extend(others);
    }
}
