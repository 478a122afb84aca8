//! What was read from EC2 before planning. Layer 6: plain data; `apply::refresh` fills it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::{address::Address, site::Site},
    call::Json,
    registry::Observed,
    state::Image,
};

/// What was read.
#[derive(Debug, Clone, Default)]
pub struct Observation {
    /// The AWS account, where the driver told.
    pub account: Option<String>,
    /// The region.
    pub region: String,
    /// What stands of the state's resources (deposed ones too) and of whatever else carries the project's lineage:
    /// by kind, then by id. An id of the state that is missing here is gone.
    pub resources: BTreeMap<&'static str, BTreeMap<String, Observed>>,
    /// Existing resources: every one that fits the filters.
    pub existing: BTreeMap<Address, Vec<Observed>>,
    /// Images that were looked up, by the call as written; one that the state has pinned is not looked up again.
    pub images: BTreeMap<String, Image>,
    /// Everything that stands in the VPCs that the project has to do with, whoever put it there: EC2's lists, as
    /// [`crate::net::snapshot`] reads them. `None` where there is no such VPC yet.
    pub network: Option<Json>,
    /// How many stand in each account and Region of what has a quota there, whoever made them: site and kind. Only of kinds of which
    /// one is to be made.
    pub totals: BTreeMap<(Option<Site>, &'static str), usize>,
    /// Where the instance types that are asked for can be had, by account and Region. Only where something is to be made with one, or
    /// changed to one.
    pub offered: BTreeMap<Option<Site>, Offered>,
    /// What the account may hold, by account and Region, where more would stand than a new one may hold.
    pub limits: BTreeMap<Option<Site>, Limits>,
    /// A new key for hashes of sensitive values (see [`crate::state::seal`]), where something is sensitive and the state has none.
    pub sealing_key: Option<String>,
    /// When, in seconds since 1970.
    pub at: u64,
    /// Whether nothing was read: all of this is what the state says.
    pub recalled: bool,
    /// Whether what EC2 tells of one resource at a time only was read, too.
    pub deep: bool,
}

/// What EC2 offers of the instance types that are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offered {
    /// The zones of each; where there are none, the names that it may have been meant to be.
    Told {
        /// By type.
        zones: BTreeMap<String, BTreeSet<String>>,
        /// Every type of the Region; read only where one of those that are asked for is in no zone.
        known: BTreeSet<String>,
    },
    /// EC2 has not let us look: why.
    Untold(String),
}

/// What AWS tells of what an account may hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// By the code of the quota.
    pub told: BTreeMap<String, usize>,
    /// Why something that was asked for is not among it.
    pub untold: Option<String>,
}

/// Under which name an image is pinned: the call as written, and the architecture it was looked up for.
#[must_use]
pub fn image_key(name: &str, architecture: Option<&str>) -> String {
    format!("ami({name:?})/{}", architecture.unwrap_or("x86_64"))
}

/// The same of another account and region: each has images of its own.
#[must_use]
pub fn image_key_at(site: Option<&Site>, key: &str) -> String {
    site.map_or_else(|| key.to_owned(), |site| format!("{site} {key}"))
}
