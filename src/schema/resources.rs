//! The resources of a model, shared between the models that hold the same ones. Layer 1.
//!
//! Reads like a map from address to resource. A copy of a model copies no resource; what is changed in one model is taken out of
//! what it shares first, so that no other sees it.
//!
//! Who asks for those of a kind gets an index, which lasts until something changes; while it is there, it finds addresses too.

use std::{
    collections::{BTreeMap, HashMap, btree_map},
    fmt,
    iter::Map,
    sync::{Arc, OnceLock},
};

use crate::{
    base::address::Address,
    schema::{
        cut::{self, Pieces},
        model::Resource,
    },
};

/// Resources by their addresses.
#[derive(Clone, Default)]
pub struct Resources {
    all: BTreeMap<Address, Arc<Resource>>,
    /// Forgotten before anything changes: it would hold on to what was.
    index: OnceLock<Arc<Index>>,
    /// Forgotten like it.
    pieces: OnceLock<Arc<Pieces>>,
}

/// What finds resources quickly.
#[derive(Default)]
struct Index {
    /// Those of each kind in the order of their addresses, each with its place among all.
    kinds: BTreeMap<Box<str>, Vec<(usize, Arc<Resource>)>>,
    addresses: HashMap<Address, Arc<Resource>, Quick>,
    /// Which of them are bound to be the same, once somebody has worked it out.
    same: OnceLock<BTreeMap<Address, Address>>,
}

/// Makes hashes of addresses, quickly: they have long beginnings in common, in which a tree looks at every step.
pub type Quick = rustc_hash::FxBuildHasher;

/// All of them with their addresses, in order.
pub type Iter<'r> = Map<btree_map::Iter<'r, Address, Arc<Resource>>, fn((&'r Address, &'r Arc<Resource>)) -> (&'r Address, &'r Resource)>;

impl Resources {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The resource of an address.
    #[must_use]
    pub fn get(&self, address: &Address) -> Option<&Resource> {
        self.called(address.as_str())
    }

    /// The resource whose address reads so.
    #[must_use]
    pub fn called(&self, address: &str) -> Option<&Resource> {
        match self.index.get() {
            Some(index) => index.addresses.get(address),
            None => self.all.get(address),
        }
        .map(|r| &**r)
    }

    /// The resource of an address, to be changed.
    pub fn get_mut(&mut self, address: &Address) -> Option<&mut Resource> {
        self.changing().get_mut(address).map(Arc::make_mut)
    }

    /// Whether there is one of this address.
    #[must_use]
    pub fn contains_key(&self, address: &Address) -> bool {
        self.get(address).is_some()
    }

    /// Their addresses, in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &Address> + Clone {
        self.all.keys()
    }

    /// All of them, in the order of their addresses.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Resource> + Clone {
        self.all.values().map(|r| &**r)
    }

    /// Those of the kinds that are wanted, in the order of their addresses.
    pub fn of_kinds<'r>(&'r self, wanted: &dyn Fn(&str) -> bool) -> impl Iterator<Item = &'r Resource> + use<'r> {
        let index = self.index();
        let mut found: Vec<&[(usize, Arc<Resource>)]> =
            index.kinds.iter().filter(|(kind, _)| wanted(kind)).map(|(_, of_kind)| &**of_kind).collect();
        let one = if found.len() == 1 { found.pop() } else { None };
        let mut several: Vec<_> = found.into_iter().flatten().collect();
        several.sort_unstable_by_key(|(place, _)| *place);
        one.unwrap_or_default().iter().chain(several).map(|(_, r)| &**r)
    }

    /// Those of a kind, in the order of their addresses.
    pub fn of_kind<'r>(&'r self, kind: &str) -> impl Iterator<Item = &'r Resource> + use<'r> {
        self.of_kinds(&|k| k == kind)
    }

    /// All of them, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Resource> {
        self.shared_mut().map(Arc::make_mut)
    }

    /// All of them with their addresses, in order.
    pub fn iter(&self) -> Iter<'_> {
        self.into_iter()
    }

    /// All of them as they are shared, in the order of their addresses.
    pub fn shared(&self) -> impl ExactSizeIterator<Item = &Arc<Resource>> {
        self.all.values()
    }

    /// The same, for who changes some of them and leaves the others shared.
    pub fn shared_mut(&mut self) -> impl ExactSizeIterator<Item = &mut Arc<Resource>> {
        self.changing().values_mut()
    }

    /// Puts one in; gives what was there.
    pub fn insert(&mut self, address: Address, resource: impl Into<Arc<Resource>>) -> Option<Arc<Resource>> {
        self.changing().insert(address, resource.into())
    }

    /// Takes one out.
    pub fn remove(&mut self, address: &Address) -> Option<Resource> {
        self.changing().remove(address).map(Arc::unwrap_or_clone)
    }

    /// Takes one out, and leaves it shared.
    pub fn release(&mut self, address: &Address) -> Option<Arc<Resource>> {
        self.changing().remove(address)
    }

    /// Leaves only those of which `keep` says so.
    pub fn retain(&mut self, mut keep: impl FnMut(&Address, &Resource) -> bool) {
        self.changing().retain(|address, resource| keep(address, resource));
    }

    /// Which of them are the same, as `work_out` says the first time.
    pub(super) fn same(&self, work_out: impl FnOnce() -> BTreeMap<Address, Address>) -> &BTreeMap<Address, Address> {
        self.index().same.get_or_init(work_out)
    }

    /// The pieces that they fall into.
    #[must_use]
    pub fn pieces(&self) -> &Pieces {
        self.pieces.get_or_init(|| Arc::new(cut::whole(self)))
    }

    /// The same, if somebody has cut them and nothing has changed since.
    pub(super) fn known_pieces(&self) -> Option<&Pieces> {
        self.pieces.get().map(|pieces| &**pieces)
    }

    /// Takes note of the pieces that they fall into, for who has cut them already; until something changes.
    pub fn fall_into(&mut self, pieces: Pieces) {
        self.pieces = OnceLock::from(Arc::new(pieces));
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| Arc::new(Index::of(&self.all)))
    }

    fn changing(&mut self) -> &mut BTreeMap<Address, Arc<Resource>> {
        self.index.take();
        self.pieces.take();
        &mut self.all
    }
}

impl Index {
    fn of(all: &BTreeMap<Address, Arc<Resource>>) -> Self {
        let mut index = Self::default();
        index.addresses.reserve(all.len());
        for (place, (address, resource)) in all.iter().enumerate() {
            let kind = resource.address.kind();
            match index.kinds.get_mut(kind) {
                Some(of_kind) => of_kind.push((place, resource.clone())),
                None => drop(index.kinds.insert(kind.into(), vec![(place, resource.clone())])),
            }
            index.addresses.insert(address.clone(), resource.clone());
        }
        index
    }
}

/// Two hold the same, whether they have an index or not.
impl PartialEq for Resources {
    fn eq(&self, other: &Self) -> bool {
        self.all == other.all
    }
}

impl fmt::Debug for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Resources").field(&self.all).finish()
    }
}

impl<'r> IntoIterator for &'r Resources {
    type Item = (&'r Address, &'r Resource);
    type IntoIter = Iter<'r>;

    fn into_iter(self) -> Iter<'r> {
        self.all.iter().map(|(address, resource)| (address, &**resource))
    }
}

impl IntoIterator for Resources {
    type Item = (Address, Resource);
    type IntoIter = Map<btree_map::IntoIter<Address, Arc<Resource>>, fn((Address, Arc<Resource>)) -> (Address, Resource)>;

    fn into_iter(mut self) -> Self::IntoIter {
        std::mem::take(self.changing()).into_iter().map(|(address, resource)| (address, Arc::unwrap_or_clone(resource)))
    }
}

impl<R: Into<Arc<Resource>>> FromIterator<(Address, R)> for Resources {
    fn from_iter<I: IntoIterator<Item = (Address, R)>>(all: I) -> Self {
        Self { all: all.into_iter().map(|(address, resource)| (address, resource.into())).collect(), ..Self::default() }
    }
}

impl<R: Into<Arc<Resource>>> Extend<(Address, R)> for Resources {
    fn extend<I: IntoIterator<Item = (Address, R)>>(&mut self, all: I) {
        self.changing().extend(all.into_iter().map(|(address, resource)| (address, resource.into())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::model::Lifecycle;

    const KINDS: [&str; 4] = ["vpc", "subnet", "route_table", "default_route_table"];

    fn resource(n: u64) -> Resource {
        let kind = usize::try_from(n % 4).ok().and_then(|n| KINDS.get(n)).expect("a kind");
        let module = ["", "module.a", "module.b[\"x\"]"][usize::try_from(n / 4 % 3).expect("small")];
        Resource {
            address: Address::within(module, kind, &format!("r{}", n / 12 % 9), None),
            existing: n.is_multiple_of(5),
            record: BTreeMap::new(),
            sentences: vec![],
            parts: vec![],
            after: vec![],
            lifecycle: Lifecycle::default(),
            site: None,
            spans: BTreeMap::new(),
            span: None,
        }
    }

    /// The index finds what a look at every one finds, in the same order.
    fn holds(resources: &Resources) {
        let wanted: [&dyn Fn(&str) -> bool; 4] = [&|k| k == "subnet", &|k| k.ends_with("route_table"), &|_| true, &|_| false];
        for wanted in wanted {
            let scanned: Vec<&Resource> = resources.values().filter(|r| wanted(r.address.kind())).collect();
            assert_eq!(resources.of_kinds(wanted).collect::<Vec<_>>(), scanned);
        }
        for n in 0..108 {
            let address = resource(n).address;
            assert_eq!(resources.get(&address), resources.all.get(&address).map(|r| &**r), "{address}");
        }
    }

    #[test]
    fn the_index_finds_what_a_scan_finds() {
        let mut random = 7_u64;
        let mut next = move || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            random >> 33
        };
        let (mut resources, mut others) = (Resources::default(), vec![]);
        for _ in 0..600 {
            let some = resource(next() % 108);
            match next() % 8 {
                0..=3 => drop(resources.insert(some.address.clone(), some)),
                4 => drop(resources.remove(&some.address)),
                5 => resources.get_mut(&some.address).into_iter().for_each(|r| r.existing = !r.existing),
                6 => resources.extend([(some.address.clone(), some)]),
                _ => resources.retain(|address, _| *address != some.address),
            }
            if next().is_multiple_of(3) {
                holds(&resources);
            }
            if next().is_multiple_of(40) {
                others.push((resources.clone(), resources.values().cloned().collect::<Vec<_>>()));
            }
        }
        // What became of the others changed none of these.
        for (copy, was) in others {
            holds(&copy);
            assert!(copy.values().eq(was.iter()));
        }
    }

    #[test]
    fn an_index_keeps_nobody_from_changing_a_resource_in_place() {
        let mut resources: Resources = (0..9).map(resource).map(|r| (r.address.clone(), r)).collect();
        let before: Vec<_> = resources.shared().map(Arc::as_ptr).collect();
        assert!(resources.of_kind("vpc").next().is_some());
        resources.values_mut().for_each(|r| r.existing = true);
        assert_eq!(resources.shared().map(Arc::as_ptr).collect::<Vec<_>>(), before);
    }
}
