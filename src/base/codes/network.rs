//! E03: the network as a whole.

crate::codes! {}
