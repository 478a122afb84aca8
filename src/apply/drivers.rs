//! A way to each account and region of a project. Layer 7.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    base::site::Site,
    call::{Answer, Driver, Request},
};

/// The driver of the project's own account and region, and those of the others.
pub struct Drivers {
    own: Arc<dyn Driver>,
    others: BTreeMap<Site, Arc<dyn Driver>>,
}

impl Drivers {
    /// These.
    #[must_use]
    pub fn new(own: Arc<dyn Driver>, others: BTreeMap<Site, Arc<dyn Driver>>) -> Self {
        Self { own, others }
    }
}

impl Driver for Drivers {
    fn send<'a>(&'a self, request: &'a Request) -> Answer<'a> {
        self.own.send(request)
    }

    fn region(&self) -> &str {
        self.own.region()
    }

    fn describe(&self) -> String {
        self.own.describe()
    }

    fn beside(&self, site: &Site) -> Option<Arc<dyn Driver>> {
        self.others.get(site).cloned()
    }
}
