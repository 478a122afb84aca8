//! Which actions were sent, and how often. Layer 7.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::{
    apply::note::{self, Watched, Watcher},
    base::site::Site,
    call::{Answer, Driver, Request, mutates},
};

/// Calls by action. One that was sent again counts again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// `DescribeVpcs`: 2
    pub by_action: BTreeMap<String, u64>,
    /// Those that read.
    pub reads: u64,
    /// Those that change something.
    pub mutations: u64,
    /// Which actions went to which account and region beside the project's own, and to that.
    #[serde(skip)]
    pub by_site: BTreeMap<Option<Site>, BTreeSet<String>>,
}

/// A driver that counts what goes through it.
pub struct Counted {
    inner: Arc<dyn Driver>,
    site: Option<Site>,
    counts: Arc<Mutex<Counts>>,
    watched: Watched,
}

impl Counted {
    /// Counts what goes to a driver from now on.
    #[must_use]
    pub fn new(inner: Arc<dyn Driver>) -> Self {
        Self { inner, site: None, counts: Arc::default(), watched: Watched::default() }
    }

    /// Tells somebody of every call from now on; the first who asks for it.
    pub fn watch(&self, watcher: Watcher) {
        self.watched.by(watcher);
    }

    /// What was sent so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Driver for Counted {
    fn send<'a>(&'a self, request: &'a Request) -> Answer<'a> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.by_action.entry(request.action.clone()).or_default() += 1;
        counts.by_site.entry(self.site.clone()).or_default().insert(request.action.clone());
        if mutates(&request.action) {
            counts.mutations += 1;
        } else {
            counts.reads += 1;
        }
        drop(counts);
        Box::pin(async move {
            let began = Instant::now();
            let mut answer = self.inner.send(request).await;
            let id = note::request_id(&mut answer);
            self.watched.tell(&request.action, self.site.as_ref(), began, &answer, id);
            answer
        })
    }

    fn region(&self) -> &str {
        self.inner.region()
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn beside(&self, site: &Site) -> Option<Arc<dyn Driver>> {
        Some(Arc::new(Self {
            inner: self.inner.beside(site)?,
            site: Some(site.clone()),
            counts: self.counts.clone(),
            watched: self.watched.clone(),
        }))
    }
}
