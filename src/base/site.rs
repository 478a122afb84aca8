//! An account and a region of it. Layer 0.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An account and a region beside those of the project itself: `222222222222/eu-west-1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Site(String);

impl Site {
    /// An account's region.
    #[must_use]
    pub fn new(account: &str, region: &str) -> Self {
        Self(format!("{account}/{region}"))
    }

    /// Twelve digits.
    #[must_use]
    pub fn account(&self) -> &str {
        self.0.split_once('/').map_or("", |(account, _)| account)
    }

    /// `eu-west-1`
    #[must_use]
    pub fn region(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, region)| region)
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
