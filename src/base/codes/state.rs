//! E04: state and journal.

crate::codes! {}
