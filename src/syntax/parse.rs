//! Text to AST, through pest. Layer 1; judges no names, no networks and no services.
//!
//! A file always parses: what is broken becomes a message, and what stands around it is kept.

mod expression;
mod item;
mod text;

use pest::Parser as _;

use crate::{
    base::{
        codes::syntax as codes,
        diagnostic::Sink,
        span::{FileId, Span},
    },
    syntax::ast,
};

use grammar::{Grammar, Rule};
use item::Lower;

mod grammar {
    //! What pest makes of the grammar file.

    #[derive(pest_derive::Parser)]
    #[grammar = "grammar/secnet.pest"]
    pub(super) struct Grammar;
}

/// Reads a file. What is wrong goes to `sink`; the rest of the file is returned.
pub fn parse(file: FileId, text: &str, sink: &mut Sink) -> ast::File {
    match Grammar::parse(Rule::file, text) {
        Ok(pairs) => Lower::new(file, sink).file(pairs),
        Err(_) => {
            sink.push(codes::unexpected(Span::new(file, 0, 0), "statements", "brackets inside brackets too deep"));
            ast::File::default()
        }
    }
}

#[cfg(test)]
mod tests;
