//! The resources of a model, shared between the models that hold the same ones. Layer 1.
//!
//! Reads like a map from address to resource. A copy of a model copies no resource; what is changed in one model is taken out of
//! what it shares first, so that no other sees it.

use std::{
    collections::{BTreeMap, btree_map},
    iter::Map,
    sync::Arc,
};

use crate::{base::address::Address, schema::model::Resource};

/// Resources by their addresses.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Resources(BTreeMap<Address, Arc<Resource>>);

/// All of them with their addresses, in order.
pub type Iter<'r> = Map<btree_map::Iter<'r, Address, Arc<Resource>>, fn((&'r Address, &'r Arc<Resource>)) -> (&'r Address, &'r Resource)>;

impl Resources {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The resource of an address.
    #[must_use]
    pub fn get(&self, address: &Address) -> Option<&Resource> {
        self.0.get(address).map(|r| &**r)
    }

    /// The resource of an address, to be changed.
    pub fn get_mut(&mut self, address: &Address) -> Option<&mut Resource> {
        self.0.get_mut(address).map(Arc::make_mut)
    }

    /// Whether there is one of this address.
    #[must_use]
    pub fn contains_key(&self, address: &Address) -> bool {
        self.0.contains_key(address)
    }

    /// Their addresses, in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &Address> + Clone {
        self.0.keys()
    }

    /// All of them, in the order of their addresses.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Resource> + Clone {
        self.0.values().map(|r| &**r)
    }

    /// All of them, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Resource> {
        self.0.values_mut().map(Arc::make_mut)
    }

    /// All of them with their addresses, in order.
    pub fn iter(&self) -> Iter<'_> {
        self.into_iter()
    }

    /// All of them as they are shared, in the order of their addresses.
    pub fn shared(&self) -> impl ExactSizeIterator<Item = &Arc<Resource>> {
        self.0.values()
    }

    /// Puts one in; gives what was there.
    pub fn insert(&mut self, address: Address, resource: impl Into<Arc<Resource>>) -> Option<Arc<Resource>> {
        self.0.insert(address, resource.into())
    }

    /// Takes one out.
    pub fn remove(&mut self, address: &Address) -> Option<Resource> {
        self.0.remove(address).map(Arc::unwrap_or_clone)
    }

    /// Leaves only those of which `keep` says so.
    pub fn retain(&mut self, mut keep: impl FnMut(&Address, &Resource) -> bool) {
        self.0.retain(|address, resource| keep(address, resource));
    }
}

impl<'r> IntoIterator for &'r Resources {
    type Item = (&'r Address, &'r Resource);
    type IntoIter = Iter<'r>;

    fn into_iter(self) -> Iter<'r> {
        self.0.iter().map(|(address, resource)| (address, &**resource))
    }
}

impl IntoIterator for Resources {
    type Item = (Address, Resource);
    type IntoIter = Map<btree_map::IntoIter<Address, Arc<Resource>>, fn((Address, Arc<Resource>)) -> (Address, Resource)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter().map(|(address, resource)| (address, Arc::unwrap_or_clone(resource)))
    }
}

impl<R: Into<Arc<Resource>>> FromIterator<(Address, R)> for Resources {
    fn from_iter<I: IntoIterator<Item = (Address, R)>>(all: I) -> Self {
        Self(all.into_iter().map(|(address, resource)| (address, resource.into())).collect())
    }
}

impl<R: Into<Arc<Resource>>> Extend<(Address, R)> for Resources {
    fn extend<I: IntoIterator<Item = (Address, R)>>(&mut self, all: I) {
        self.0.extend(all.into_iter().map(|(address, resource)| (address, resource.into())));
    }
}
