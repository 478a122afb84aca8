//! The functions of the language, on one page.

use crate::manual::Page;

/// The page.
pub(super) fn pages() -> Vec<Page> {
    vec![]
}
