//! A model cut into pieces that have nothing to do with each other. Layer 1; pure.
//!
//! What names another thing is in one piece with it, whichever way round. So whatever looks at a resource and follows what it names,
//! or what names it, finds the same in its piece as in the whole.
//!
//! [`Division`] goes from one model to the next: only those pieces are cut anew that something changed in, or that is named by what
//! changed. What comes of it is what [`whole`] says, which a test holds against it.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, OnceLock},
};

use crate::{
    base::address::Address,
    schema::{
        model::Resource,
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
    /// What it sees besides: leaves by their addresses, then what holds everywhere.
    pub seen: Vec<Arc<Resource>>,
    /// The VPCs in it.
    pub vpcs: Vec<Arc<Resource>>,
    /// What in it is there already.
    pub existing: Vec<Arc<Resource>>,
    /// Whether something in it says one thing twice, once somebody has looked.
    pub(super) doubled: OnceLock<bool>,
    /// What is named in it and is nowhere.
    missing: Vec<Address>,
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
        self.all().map(|r| (r.address.clone(), r.clone())).collect()
    }

    /// What is in it and what it sees.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.own.iter().chain(&self.seen)
    }

    /// The same with other resources in their places, of which the first is still the first.
    #[must_use]
    pub fn with(&self, own: Vec<Arc<Resource>>, seen: Vec<Arc<Resource>>) -> Self {
        Self::new(own, seen, self.missing.clone())
    }

    fn new(own: Vec<Arc<Resource>>, seen: Vec<Arc<Resource>>, missing: Vec<Address>) -> Self {
        let vpcs = own.iter().filter(|r| r.address.kind() == "vpc").cloned().collect();
        let existing = own.iter().filter(|r| r.existing).cloned().collect();
        Self { own, seen, vpcs, existing, doubled: OnceLock::new(), missing }
    }

    fn first(&self) -> Option<&Address> {
        self.own.first().map(|r| &r.address)
    }
}

/// What tells a piece from all that were ever cut of one [`Division`].
pub type Number = u64;

/// In which piece each resource is.
pub type Homes = HashMap<Address, Number, Quick>;

/// All pieces of a model.
#[derive(Debug, Clone, Default)]
pub struct Pieces {
    /// By the first address in each.
    pub all: Vec<(Number, Arc<Piece>)>,
    /// In which of them each resource is.
    pub homes: Arc<Homes>,
}

/// Cuts a model.
#[must_use]
pub fn whole(resources: &Resources) -> Pieces {
    let mut division = Division::default();
    division.follow(resources);
    division.pieces
}

/// A resource of the model that was cut last.
#[derive(Debug)]
pub struct Member {
    /// As it is in the model.
    resource: Arc<Resource>,
    home: Number,
    /// What became of it, for whoever makes something else of it; forgotten when its piece is cut anew.
    pub became: Option<Arc<Resource>>,
}

/// A piece that was not there before.
#[derive(Debug)]
pub struct Fresh {
    /// Its number.
    pub number: Number,
    /// The piece.
    pub piece: Arc<Piece>,
    /// Where its own resources are among all of the model.
    pub places: Vec<usize>,
}

/// The pieces of a model, kept up with it.
#[derive(Debug, Default)]
pub struct Division {
    /// Every resource, in the order of their addresses.
    pub members: Vec<Member>,
    /// The pieces.
    pub pieces: Pieces,
    /// What is seen where it is named.
    leaves: HashMap<Address, Arc<Resource>, Quick>,
    /// What is seen from everywhere.
    wide: Vec<Arc<Resource>>,
    last: Number,
}

/// What is not as it was.
#[derive(Default)]
struct Changes {
    /// Where those are that are new or say something else.
    places: Vec<usize>,
    /// Those that are new.
    added: BTreeSet<Address>,
    /// Those that are gone, and the pieces that they were in.
    removed: Vec<(Address, Number)>,
    /// Whether one of them is of more than its piece.
    concerns_all: bool,
}

/// A piece in the making.
#[derive(Default)]
struct Draft {
    own: Vec<Arc<Resource>>,
    places: Vec<usize>,
    leaves: Vec<Arc<Resource>>,
    missing: Vec<Address>,
}

impl Draft {
    /// The piece, and where its own resources are.
    fn done(mut self, wide: &[Arc<Resource>]) -> (Piece, Vec<usize>) {
        self.leaves.sort_unstable_by(|a, b| a.address.cmp(&b.address));
        self.leaves.dedup_by(|a, b| Arc::ptr_eq(a, b));
        self.missing.sort_unstable();
        self.missing.dedup();
        let is_own = |wide: &Resource| self.own.binary_search_by(|r| r.address.cmp(&wide.address)).is_ok();
        self.leaves.extend(wide.iter().filter(|wide| !is_own(wide)).cloned());
        (Piece::new(self.own, self.leaves, self.missing), self.places)
    }
}

impl Division {
    /// Goes on to another model. Gives the pieces that are not as they were; those that are keep their numbers.
    pub fn follow(&mut self, resources: &Resources) -> Vec<Fresh> {
        let is_first = self.members.is_empty();
        let changes = self.walk(resources);
        if changes.places.is_empty() && changes.removed.is_empty() {
            return vec![];
        }
        let homes = Arc::make_mut(&mut self.pieces.homes);
        for (address, _) in &changes.removed {
            homes.remove(address);
        }
        if is_first || changes.concerns_all || changes.places.len() + changes.removed.len() > self.members.len() / 4 {
            return self.all_anew();
        }
        let touched = self.touched(&changes);
        let new = |member: &Member| member.home == 0 || touched.contains(&member.home);
        let places: Vec<usize> = self.members.iter().enumerate().filter(|(_, m)| new(m)).map(|(place, _)| place).collect();
        self.pieces.all.retain(|(number, _)| !touched.contains(number));
        let pieces = self.cut(&places);
        self.put_in(pieces)
    }

    /// What became of a resource, if that is another thing.
    #[must_use]
    pub fn became(&self, address: &Address) -> Option<&Arc<Resource>> {
        let place = self.members.binary_search_by(|m| m.resource.address.cmp(address)).ok()?;
        self.members.get(place)?.became.as_ref()
    }

    /// Takes note of what the model holds. What is the same is found without a look at it.
    fn walk(&mut self, resources: &Resources) -> Changes {
        let mut changes = Changes::default();
        let mut members = Vec::with_capacity(resources.len());
        let mut before = std::mem::take(&mut self.members).into_iter().peekable();
        let gone = |member: Member, changes: &mut Changes| {
            changes.concerns_all |= is_of_more(&member.resource);
            changes.removed.push((member.resource.address.clone(), member.home));
        };
        for resource in resources.shared() {
            let same = |m: &Member| Arc::ptr_eq(&m.resource, resource);
            while let Some(member) = before.next_if(|m| !same(m) && m.resource.address < resource.address) {
                gone(member, &mut changes);
            }
            let known = before.next_if(|m| same(m) || m.resource.address == resource.address);
            let resource = resource.clone();
            match known {
                Some(m) if Arc::ptr_eq(&m.resource, &resource) || m.resource == resource => members.push(Member { resource, ..m }),
                known => {
                    changes.concerns_all |= is_of_more(&resource) || known.as_ref().is_some_and(|m| is_of_more(&m.resource));
                    changes.places.push(members.len());
                    if known.is_none() {
                        changes.added.insert(resource.address.clone());
                    }
                    members.push(Member { resource, home: known.map_or(0, |m| m.home), became: None });
                }
            }
        }
        before.for_each(|member| gone(member, &mut changes));
        self.members = members;
        changes
    }

    /// The pieces that something is changed in, or taken out of, or that has to do with what is changed or new.
    fn touched(&self, changes: &Changes) -> HashSet<Number> {
        let mut touched: HashSet<Number> = changes.removed.iter().map(|(_, home)| *home).collect();
        for member in changes.places.iter().filter_map(|place| self.members.get(*place)) {
            touched.insert(member.home);
            each_named(&member.resource, &mut |address| {
                touched.extend(self.pieces.homes.get(address).filter(|_| !self.leaves.contains_key(address)));
            });
        }
        if !changes.added.is_empty() {
            let misses = |piece: &Piece| piece.missing.iter().any(|address| changes.added.contains(address));
            touched.extend(self.pieces.all.iter().filter(|(_, piece)| misses(piece)).map(|(number, _)| *number));
        }
        touched
    }

    /// Cuts everything; a piece that comes out as it was stays the same.
    fn all_anew(&mut self) -> Vec<Fresh> {
        let alone = |m: &&Member| is_alone(&m.resource);
        self.leaves = self.members.iter().filter(alone).map(|m| (m.resource.address.clone(), m.resource.clone())).collect();
        let wide = |m: &&Member| EVERYWHERE.contains(&m.resource.address.kind());
        self.wide = self.members.iter().filter(wide).map(|m| m.resource.clone()).collect();
        let pieces = self.cut(&(0..self.members.len()).collect::<Vec<_>>());
        let before = std::mem::take(&mut self.pieces.all);
        let before: HashMap<Address, (Number, Arc<Piece>)> =
            before.into_iter().filter_map(|(number, piece)| Some((piece.first()?.clone(), (number, piece)))).collect();
        let known = |piece: &Piece| piece.first().and_then(|first| before.get(first)).filter(|(_, known)| **known == *piece);
        let mut anew = vec![];
        for (piece, places) in pieces {
            match known(&piece) {
                Some(one) => self.pieces.all.push(one.clone()),
                None => anew.push((piece, places)),
            }
        }
        self.put_in(anew)
    }

    /// Cuts those at these places, which have nothing to do with the others. Each piece comes with its places.
    fn cut(&self, places: &[usize]) -> Vec<(Piece, Vec<usize>)> {
        let all: Vec<&Arc<Resource>> = places.iter().filter_map(|place| self.members.get(*place)).map(|m| &m.resource).collect();
        let number: HashMap<&Address, usize, Quick> = all.iter().enumerate().map(|(i, r)| (&r.address, i)).collect();
        let mut sets = Sets::new(all.len());
        let mut leaves: Vec<(usize, &Arc<Resource>)> = vec![];
        let mut missing: Vec<(usize, Address)> = vec![];
        for (i, resource) in all.iter().enumerate() {
            each_named(resource, &mut |address| match (self.leaves.get(address), number.get(address)) {
                (Some(leaf), _) => leaves.push((i, leaf)),
                (None, Some(other)) => sets.join(i, *other),
                (None, None) => missing.push((i, address.clone())),
            });
        }
        // Two that exist may be one and the same.
        let mut existing = all.iter().enumerate().filter(|(_, r)| exists(r)).map(|(i, _)| i);
        if let Some(first) = existing.next() {
            existing.for_each(|other| sets.join(first, other));
        }
        let mut drafts: Vec<Draft> = vec![];
        let mut order: HashMap<usize, usize> = HashMap::new();
        for ((i, resource), place) in all.iter().enumerate().zip(places) {
            let at = *order.entry(sets.root(i)).or_insert(drafts.len());
            if at == drafts.len() {
                drafts.push(Draft::default());
            }
            if let Some(draft) = drafts.get_mut(at) {
                draft.own.push((*resource).clone());
                draft.places.push(*place);
            }
        }
        let mut home = |i: usize| order.get(&sets.root(i)).copied().unwrap_or_default();
        for (i, leaf) in leaves {
            drafts.get_mut(home(i)).into_iter().for_each(|draft| draft.leaves.push(leaf.clone()));
        }
        for (i, address) in missing {
            drafts.get_mut(home(i)).into_iter().for_each(|draft| draft.missing.push(address.clone()));
        }
        drafts.into_iter().map(|draft| draft.done(&self.wide)).collect()
    }

    /// Gives pieces their numbers, and puts them where they belong.
    fn put_in(&mut self, pieces: Vec<(Piece, Vec<usize>)>) -> Vec<Fresh> {
        let homes = Arc::make_mut(&mut self.pieces.homes);
        let mut fresh = vec![];
        for (piece, places) in pieces {
            self.last += 1;
            for place in &places {
                if let Some(member) = self.members.get_mut(*place) {
                    (member.home, member.became) = (self.last, None);
                    homes.insert(member.resource.address.clone(), self.last);
                }
            }
            let piece = Arc::new(piece);
            self.pieces.all.push((self.last, piece.clone()));
            fresh.push(Fresh { number: self.last, piece, places });
        }
        self.pieces.all.sort_by(|(_, a), (_, b)| a.first().cmp(&b.first()));
        fresh
    }
}

/// Whether a resource is, or may be, seen from pieces that it is not in.
#[must_use]
pub fn is_seen_everywhere(address: &Address) -> bool {
    LEAVES.contains(&address.kind()) || EVERYWHERE.contains(&address.kind())
}

/// Whether what becomes of it may change pieces that it is not in.
fn is_of_more(resource: &Resource) -> bool {
    resource.existing || is_seen_everywhere(&resource.address)
}

/// Whether it may be the same as another one that exists.
fn exists(resource: &Resource) -> bool {
    resource.existing && !is_seen_everywhere(&resource.address)
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
#[derive(Debug)]
pub struct Sets(Vec<usize>);

impl Sets {
    /// So many, each by itself.
    #[must_use]
    pub fn new(number: usize) -> Self {
        Self((0..number).collect())
    }

    /// The one that stands for all that are together with this one: the first of them.
    pub fn root(&mut self, mut of: usize) -> usize {
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

    /// Puts what is together with each of them together.
    pub fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        if let Some(slot) = self.0.get_mut(a.max(b)) {
            *slot = a.min(b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::model::Lifecycle;

    const KINDS: [&str; 6] = ["vpc", "subnet", "instance", "security_group", "prefix_list", "block_public_access"];

    struct Dice(u64);

    impl Dice {
        fn below(&mut self, below: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(self.0 >> 33).expect("it fits") % below
        }

        fn address(&mut self) -> Address {
            // Those that are wide or seen where they are named are few, as they are in projects.
            let kind = if self.below(40) == 0 { 4 + self.below(2) } else { self.below(4) };
            Address::new(KINDS[kind], &format!("r{}", self.below(if kind < 4 { 30 } else { 2 })))
        }

        fn resource(&mut self) -> Resource {
            let address = self.address();
            let names = if is_seen_everywhere(&address) { self.below(8) / 7 } else { self.below(3) };
            let mut named: Vec<Address> = (0..names).map(|_| self.address()).collect();
            if !is_seen_everywhere(&address) && self.below(6) == 0 {
                named.push(Address::new("prefix_list", "r0"));
            }
            let number = Value::Int(i64::try_from(self.below(3)).expect("small"));
            let named = Value::List(named.into_iter().map(Value::Resource).collect());
            Resource {
                address,
                existing: self.below(60) == 0,
                record: [("named".to_owned(), named), ("number".to_owned(), number)].into(),
                sentences: vec![],
                parts: vec![],
                after: vec![],
                lifecycle: Lifecycle::default(),
                site: None,
                spans: [].into(),
                span: None,
            }
        }
    }

    fn said(pieces: &Pieces) -> Vec<(Vec<&Address>, Vec<&Address>, &[Address])> {
        fn addresses(all: &[Arc<Resource>]) -> Vec<&Address> {
            all.iter().map(|r| &r.address).collect()
        }
        pieces.all.iter().map(|(_, p)| (addresses(&p.own), addresses(&p.seen), &*p.missing)).collect()
    }

    /// What is kept up with a model is what a look at all of it gives.
    fn holds(division: &Division, resources: &Resources, before: &Pieces, fresh: &[Fresh]) {
        let all = whole(resources);
        assert_eq!(said(&division.pieces), said(&all));
        for ((number, one), (_, other)) in division.pieces.all.iter().zip(&all.all) {
            assert_eq!(one, other, "it holds what the model holds");
            assert_eq!((&one.existing, &one.vpcs), (&other.existing, &other.vpcs));
            assert!(one.own.iter().all(|r| division.pieces.homes.get(&r.address) == Some(number)));
            let known = before.all.iter().find(|(n, _)| n == number);
            assert_ne!(known.is_some_and(|(_, known)| Arc::ptr_eq(known, one)), fresh.iter().any(|f| f.number == *number));
        }
        assert_eq!(division.pieces.homes.len(), resources.len());
        assert!(division.members.iter().map(|m| &m.resource).eq(resources.shared()));
        assert!(division.members.iter().all(|m| division.pieces.homes.get(&m.resource.address) == Some(&m.home)));
        for one in fresh {
            let own: Vec<_> = one.places.iter().map(|place| &division.members[*place].resource).collect();
            assert!(own.into_iter().eq(&one.piece.own));
        }
    }

    #[test]
    fn what_is_kept_up_with_a_model_is_what_is_cut_of_it() {
        let (mut kept, mut cut, mut several) = (0, 0, 0);
        for seed in 0..150 {
            let mut dice = Dice(seed);
            let mut resources: Resources = (0..60).map(|_| dice.resource()).map(|r| (r.address.clone(), r)).collect();
            let mut division = Division::default();
            for step in 0..40 {
                let before = division.pieces.clone();
                let fresh = division.follow(&resources);
                holds(&division, &resources, &before, &fresh);
                if step > 0 {
                    (kept, cut) = (kept + division.pieces.all.len() - fresh.len(), cut + fresh.len());
                    several += usize::from(fresh.len() > 1);
                }
                for _ in 0..dice.below(4) {
                    let some = dice.resource();
                    match dice.below(5) {
                        0 => drop(resources.remove(&some.address)),
                        1 => {
                            // The same, worked out anew.
                            let again = resources.get(&some.address).cloned();
                            resources.extend(again.map(|r| (r.address.clone(), r)));
                        }
                        _ => drop(resources.insert(some.address.clone(), some)),
                    }
                }
            }
        }
        assert!(kept > cut && several > 100, "{kept} kept, {cut} cut, {several}");
    }
}
