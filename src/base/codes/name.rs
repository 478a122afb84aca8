//! E02: names and types.

crate::codes! {}
