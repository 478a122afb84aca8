//! Text to AST. Layer 1: knows the grammar and nothing of what names mean.
//!
//! Only `parse` and the files under it name pest's `Rule`.

pub mod ast;
pub mod format;
mod layout;
pub mod parse;
pub mod words;
