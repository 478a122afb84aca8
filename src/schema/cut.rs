//! A model cut into pieces that have nothing to do with each other. Layer 1; pure.
//!
//! What names another thing is in one piece with it, whichever way round. So whatever looks at a resource and follows what it names,
//! or what names it, finds the same in its piece as in the whole.

use std::{collections::HashMap, sync::Arc};

use crate::{
    base::address::Address,
    schema::{
        model::{Model, Resource},
        resources::{Quick, Resources},
        value::Value,
    },
};

/// Kinds of which one may be named from anywhere without joining those who name it: they name nothing and carry nothing.
const LEAVES: [&str; 2] = ["key_pair", "prefix_list"];

/// The kinds that hold for a whole account or region: they are seen from every piece.
const EVERYWHERE: [&str; 1] = ["block_public_access"];

/// A piece of a model.
#[derive(Debug, Clone, Default)]
pub struct Piece {
    /// What is in this piece alone, in the order of their addresses.
    pub own: Vec<Arc<Resource>>,
    /// What it sees besides, in no order.
    pub seen: Vec<Arc<Resource>>,
}

impl PartialEq for Piece {
    /// Most of what is compared is the same thing, not only an equal one.
    fn eq(&self, other: &Self) -> bool {
        let same =
            |a: &[Arc<Resource>], b: &[Arc<Resource>]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| Arc::ptr_eq(a, b) || a == b);
        same(&self.own, &other.own) && same(&self.seen, &other.seen)
    }
}

impl Piece {
    /// Its resources as a model's.
    #[must_use]
    pub fn resources(&self) -> Resources {
        self.own.iter().chain(&self.seen).map(|r| (r.address.clone(), r.clone())).collect()
    }
}

/// A model in pieces.
#[derive(Debug, Default)]
pub struct Cut {
    /// By the first address in each.
    pub pieces: Vec<Piece>,
    /// In which piece each of the links is; `None` for one that names nothing that is in a piece alone.
    pub homes: Vec<Option<usize>>,
}

impl Cut {
    /// The whole as one piece.
    #[must_use]
    pub fn whole(model: &Model, links: usize) -> Self {
        Self { pieces: vec![Piece { own: model.resources.shared().cloned().collect(), seen: vec![] }], homes: vec![Some(0); links] }
    }
}

/// Cuts a model. What is in one of `links` has to be in one piece, whatever the resources themselves say.
#[must_use]
pub fn cut(model: &Model, links: &[Vec<&Address>]) -> Cut {
    let all: Vec<&Arc<Resource>> = model.resources.shared().collect();
    let number: HashMap<&Address, usize, Quick> = all.iter().enumerate().map(|(i, r)| (&r.address, i)).collect();
    let alone: Vec<bool> = all.iter().map(|r| is_alone(r)).collect();
    let mut sets = Sets((0..all.len()).collect());
    let mut leaves: Vec<(usize, usize)> = vec![];
    for (i, resource) in all.iter().enumerate() {
        each_named(resource, &mut |address| match number.get(address) {
            Some(other) if alone.get(*other) == Some(&true) => leaves.push((i, *other)),
            Some(other) => sets.join(i, *other),
            None => {}
        });
    }
    for together in links {
        let mut numbers = together.iter().filter_map(|address| number.get(address)).filter(|n| alone.get(**n) != Some(&true));
        if let Some(first) = numbers.next() {
            numbers.for_each(|other| sets.join(*first, *other));
        }
    }
    let mut cut = Cut::default();
    let mut places: HashMap<usize, usize> = HashMap::new();
    for (i, resource) in all.iter().enumerate() {
        let place = *places.entry(sets.root(i)).or_insert(cut.pieces.len());
        if place == cut.pieces.len() {
            cut.pieces.push(Piece::default());
        }
        cut.pieces.get_mut(place).into_iter().for_each(|piece| piece.own.push((*resource).clone()));
    }
    let home = |link: &Vec<&Address>, sets: &mut Sets| {
        let mut numbers = link.iter().filter_map(|address| number.get(address)).filter(|n| alone.get(**n) != Some(&true));
        numbers.next().and_then(|first| places.get(&sets.root(*first)).copied())
    };
    cut.homes = links.iter().map(|link| home(link, &mut sets)).collect();
    leaves.sort_unstable_by_key(|(who, leaf)| (places.get(&sets.root(*who)).copied(), *leaf));
    leaves.dedup_by_key(|(who, leaf)| (sets.root(*who), *leaf));
    for (who, leaf) in leaves {
        let piece = places.get(&sets.root(who)).and_then(|place| cut.pieces.get_mut(*place));
        piece.into_iter().zip(all.get(leaf)).for_each(|(piece, leaf)| piece.seen.push((*leaf).clone()));
    }
    for wide in all.iter().filter(|r| EVERYWHERE.contains(&r.address.kind())) {
        let home = number.get(&wide.address).and_then(|n| places.get(&sets.root(*n)).copied());
        let others = cut.pieces.iter_mut().enumerate().filter(|(i, _)| Some(*i) != home);
        others.for_each(|(_, piece)| piece.seen.push((*wide).clone()));
    }
    cut
}

/// Whether a resource is, or may be, seen from pieces that it is not in.
#[must_use]
pub fn is_seen_everywhere(address: &Address) -> bool {
    LEAVES.contains(&address.kind()) || EVERYWHERE.contains(&address.kind())
}

/// Whether those who name it have nothing to do with each other for that.
fn is_alone(resource: &Resource) -> bool {
    let mut named = false;
    if LEAVES.contains(&resource.address.kind()) {
        each_named(resource, &mut |_| named = true);
        return !named;
    }
    false
}

/// Calls for everything that a resource names.
fn each_named(resource: &Resource, each: &mut dyn FnMut(&Address)) {
    let slots = resource.sentences.iter().flat_map(|s| s.slots.values()).map(|(value, _)| value);
    let parts = resource.parts.iter().flat_map(|part| part.record.values());
    resource.record.values().chain(slots).chain(parts).for_each(|value: &Value| value.each_resource(each));
    resource.after.iter().for_each(each);
}

/// Which are together; each leads to another of its set, the last to itself.
struct Sets(Vec<usize>);

impl Sets {
    fn root(&mut self, mut of: usize) -> usize {
        while let Some(next) = self.0.get(of).copied().filter(|next| *next != of) {
            // Halves the way for whoever comes next.
            let beyond = self.0.get(next).copied().unwrap_or(next);
            if let Some(slot) = self.0.get_mut(of) {
                *slot = beyond;
            }
            of = beyond;
        }
        of
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        if let Some(slot) = self.0.get_mut(a.max(b)) {
            *slot = a.min(b);
        }
    }
}
