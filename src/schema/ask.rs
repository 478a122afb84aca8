//! What a project asks EC2 before it can be resolved. Layer 2: plain data.
//!
//! Which zones there are, or which subnets fit, decides how many resources there are: so it is asked first, and the
//! project is resolved again with the answers. The state remembers them.

use std::collections::BTreeMap;

use crate::{base::span::Span, schema::model::Resource};

/// What EC2 has answered, by the question's key.
pub type Answers = BTreeMap<String, Vec<String>>;

/// The key under which the region is told, where the project does not say it.
pub const REGION: &str = "region";
/// The key of the zones.
pub const ZONES: &str = "availability_zones()";

/// Something that only EC2 can say.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// What its answer goes by: `availability_zones()`, `existing subnet.each`.
    pub key: String,
    /// What is wanted.
    pub wanted: Wanted,
    /// Where.
    pub span: Span,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Wanted {
    /// Names of the region's zones.
    Zones,
    /// The region's name.
    Region,
    /// Ids of everything that fits; the record holds the filters, and the address has no key.
    Fitting(Box<Resource>),
}
