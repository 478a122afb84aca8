//! What is done with a model once every value in it is worked out: sites, circles, parts, and what is wrong with it. Layer 4; pure.
//!
//! All of it follows what resources name, so that of a project that was seen before only those pieces are looked at that are not as
//! they were.

use std::{collections::HashMap, sync::Arc};

use crate::{
    base::{
        address::Address,
        diagnostic::{Diagnostic, Sink},
        threads,
    },
    resolve::{account, cycle},
    resources,
    schema::{
        cut::{self, Division, Fresh, Number, Piece},
        model::{Model, Project, Resource},
        value::Value,
    },
};

/// How many resources are worth another thread.
const WORTH_A_THREAD: usize = 500;

/// What became of a piece of a model.
#[derive(Debug)]
struct Settled {
    piece: Arc<Piece>,
    wrong: Vec<Diagnostic>,
}

/// The pieces of the model that was settled last.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// As their values were worked out.
    division: Division,
    settled: HashMap<Number, Settled>,
    project: Project,
}

impl Pieces {
    /// As [`settle`], where nothing is done again for pieces that are as they were.
    pub(super) fn settle(&mut self, model: &mut Model, sink: &mut Sink) {
        // Where its block stands makes no difference to what stands in it.
        let project = Project { span: None, ..model.project.clone() };
        if self.project != project {
            *self = Self { project, ..Self::default() };
        }
        let fresh = self.division.follow(&model.resources);
        let resources: usize = fresh.iter().map(|one| one.piece.own.len()).sum();
        let became = threads::each(&fresh, resources / WORTH_A_THREAD, |one| settle_piece(&one.piece, &self.project));
        for (one, (own, _)) in fresh.iter().zip(&became) {
            let changed = one.places.iter().zip(&one.piece.own).zip(own).filter(|((_, before), after)| !Arc::ptr_eq(before, after));
            for ((place, _), after) in changed {
                self.division.members.get_mut(*place).into_iter().for_each(|member| member.became = Some(after.clone()));
            }
        }
        for (Fresh { number, piece, .. }, (own, wrong)) in fresh.into_iter().zip(became) {
            let seen = piece.seen.iter().map(|leaf| self.division.became(&leaf.address).unwrap_or(leaf).clone()).collect();
            self.settled.insert(number, Settled { piece: Arc::new(piece.with(own, seen)), wrong });
        }
        let mut last = std::mem::take(&mut self.settled);
        let mut all = vec![];
        for (number, _) in &self.division.pieces.all {
            let Some(one) = last.remove(number) else { continue };
            sink.all.extend(one.wrong.iter().cloned());
            all.push((*number, one.piece.clone()));
            self.settled.insert(*number, one);
        }
        for (resource, member) in model.resources.shared_mut().zip(&self.division.members) {
            member.became.iter().for_each(|became| *resource = became.clone());
        }
        model.resources.fall_into(cut::Pieces { all, homes: self.division.pieces.homes.clone() });
    }
}

/// What becomes of a piece: its own resources, in the same order, and what is wrong with them.
fn settle_piece(piece: &Piece, project: &Project) -> (Vec<Arc<Resource>>, Vec<Diagnostic>) {
    let mut model = Model { project: project.clone(), resources: piece.resources(), ..Model::default() };
    let mut sink = Sink::default();
    settle(&mut model, &mut sink);
    let after: HashMap<&Address, &Arc<Resource>> = model.resources.shared().map(|r| (&r.address, r)).collect();
    (piece.own.iter().map(|r| after.get(&r.address).map_or(r, |r| *r).clone()).collect(), sink.all)
}

/// Gives every resource what it inherits, its site and its parts, and reports what is wrong.
pub(super) fn settle(model: &mut Model, sink: &mut Sink) {
    inherit(model);
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
