//! Text to AST, through pest. Layer 1; judges no names, no networks and no services.
//!
//! A file always parses: what is broken becomes a message, and what stands around it is kept.

mod diagnose;
mod expected;
mod expression;
mod item;
pub(super) mod outline;
mod recover;
mod repeat;
mod scan;
mod text;

use std::borrow::Cow;

use pest::{Parser as _, error::InputLocation};

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

/// How often a text is cut smaller before it is given up, when pest runs out of stack nevertheless.
const ATTEMPTS_MAX: usize = 8;

/// Reads a file. What is wrong goes to `sink`, in the order of the text; the rest of the file is returned.
pub fn parse(file: FileId, text: &str, sink: &mut Sink) -> ast::File {
    let mut found = Sink::default();
    let tree = read(file, text, &mut found);
    found.all.sort_by_key(|d| d.labels.first().map(|l| l.span));
    sink.all.append(&mut found.all);
    tree
}

/// Whether the grammar takes a text, which it always does: what reading costs at the least, for whoever measures.
#[must_use]
pub fn recognize(text: &str) -> bool {
    Grammar::parse(Rule::file, text).is_ok()
}

fn read(file: FileId, text: &str, sink: &mut Sink) -> ast::File {
    let mut text = Cow::Borrowed(text);
    for deep in scan::too_deep(&text.clone()) {
        let at = Span::new(file, deep.open.at, deep.open.at + deep.open.len);
        sink.push(codes::too_deep(at, scan::NESTING_MAX));
        blank_out(&mut text, deep.item);
    }
    for _ in 0..ATTEMPTS_MAX {
        match Grammar::parse(Rule::file, &text) {
            Ok(pairs) => return Lower::new(file, &text, sink).file(pairs),
            Err(error) => {
                let (InputLocation::Pos(at) | InputLocation::Span((at, _))) = error.location;
                sink.push(codes::too_deep(Span::new(file, at, at + 1), scan::NESTING_MAX));
                let item = scan::item_around(&text, at);
                blank_out(&mut text, item);
            }
        }
    }
    ast::File::default()
}

/// Puts blanks over a part of a text, so that all positions stay.
fn blank_out(text: &mut Cow<'_, str>, range: std::ops::Range<usize>) {
    let (Some(before), Some(part), Some(after)) = (text.get(..range.start), text.get(range.clone()), text.get(range.end..)) else { return };
    let blanks: String = part.bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }).collect();
    *text = Cow::Owned([before, &blanks, after].concat());
}

#[cfg(test)]
mod tests;
