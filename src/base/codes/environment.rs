//! E06: the environment.

crate::codes! {}
