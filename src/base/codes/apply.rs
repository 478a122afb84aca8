//! E05: planning and applying.

crate::codes! {}
