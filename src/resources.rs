//! One file per resource type. Adding one: write the file, add its word here. Layer 3.

use crate::registry::Spec;

mod read;

crate::resources! { vpc: Vpc, subnet: Subnet, security_group: SecurityGroup }

/// The type of this word.
#[must_use]
pub fn spec(kind: &str) -> Option<&'static Spec> {
    ALL.iter().copied().find(|s| s.kind == kind)
}
