//! Text to AST. Layer 1: knows the grammar and nothing of what names mean.
//!
//! `parse` is the only file that names pest's `Rule`.

pub mod ast;
