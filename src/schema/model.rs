//! A project after resolution. Layer 1: plain data, built by `resolve`.
