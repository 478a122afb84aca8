//! E01: syntax.

crate::codes! {}
