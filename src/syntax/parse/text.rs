//! Strings and heredocs: escapes, indentation, and what is computed in them. Layer 1.

use std::sync::Arc;

use pest::iterators::Pair;

use super::{grammar::Rule, item::Lower};
use crate::{
    base::codes::syntax as codes,
    syntax::ast::{Expr, ExprKind, Name, Piece},
};

/// The pieces of a text while they are put together.
pub(super) struct Pieces {
    pieces: Vec<Piece>,
    plain: String,
    /// Blanks that `<<~` takes off the start of each line.
    indent: usize,
    at_line_start: bool,
}

impl Pieces {
    /// For a `string` or `heredoc` pair.
    pub(super) fn new(pair: &Pair<'_, Rule>) -> Self {
        let indent = if pair.as_rule() == Rule::heredoc { common_indent(pair) } else { 0 };
        Self { pieces: vec![], plain: String::new(), indent, at_line_start: true }
    }

    /// Adds a value between texts.
    pub(super) fn push(&mut self, piece: Piece) {
        self.flush();
        self.pieces.push(piece);
        self.at_line_start = false;
    }

    /// Everything, neighbouring texts joined; nothing at all is one empty text.
    pub(super) fn finish(mut self, shared: impl Fn(&str) -> Arc<str>) -> Vec<Piece> {
        if !self.plain.is_empty() || self.pieces.is_empty() {
            self.pieces.push(Piece::Plain(shared(&self.plain)));
        }
        self.pieces.shrink_to_fit();
        self.pieces
    }

    fn flush(&mut self) {
        if !self.plain.is_empty() {
            self.pieces.push(Piece::Plain(self.plain.as_str().into()));
            self.plain.clear();
        }
    }
}

impl Lower<'_> {
    /// Adds a piece of a text that is not computed.
    pub(super) fn plain_piece(&mut self, part: &Pair<'_, Rule>, pieces: &mut Pieces) {
        let text = part.as_str();
        match part.as_rule() {
            Rule::text => pieces.plain.push_str(text),
            Rule::escape => match escape(text) {
                Some(c) => pieces.plain.push_str(&c),
                None => self.sink.push(codes::bad_escape(self.span(part), text)),
            },
            Rule::heredoc_escape => pieces.plain.push_str("${"),
            Rule::heredoc_text => {
                let mut text = text;
                if pieces.at_line_start {
                    let blanks = text.bytes().take_while(|b| matches!(b, b' ' | b'\t')).count();
                    text = text.get(blanks.min(pieces.indent)..).unwrap_or(text);
                }
                pieces.plain.push_str(text);
            }
            Rule::heredoc_newline => {
                pieces.plain.truncate(pieces.plain.trim_end_matches('\r').len());
                pieces.plain.push('\n');
                pieces.at_line_start = true;
                return;
            }
            _ => return,
        }
        pieces.at_line_start = false;
    }

    /// A string that may hold no values, as a name.
    pub(super) fn plain(&mut self, pair: Pair<'_, Rule>) -> Name {
        let Expr { kind, span } = self.string(pair);
        match kind {
            ExprKind::Text(pieces) => {
                if let [Piece::Plain(text)] = pieces.as_slice() {
                    return Name { text: text.clone(), span };
                }
                self.sink.push(codes::computed_text(span));
            }
            _ => self.sink.push(codes::computed_text(span)),
        }
        Name { text: "".into(), span }
    }
}

fn escape(text: &str) -> Option<String> {
    Some(match text {
        "$${" => "${".to_owned(),
        "\\n" => "\n".to_owned(),
        "\\t" => "\t".to_owned(),
        "\\r" => "\r".to_owned(),
        "\\\"" => "\"".to_owned(),
        "\\\\" => "\\".to_owned(),
        _ => {
            let digits = text.strip_prefix("\\u{")?.strip_suffix('}')?;
            char::from_u32(u32::from_str_radix(digits, 16).ok()?)?.to_string()
        }
    })
}

/// The blanks that all lines of a `<<~` heredoc begin with; lines of blanks alone don't count. None for `<<`.
fn common_indent(heredoc: &Pair<'_, Rule>) -> usize {
    let mut indent = usize::MAX;
    let mut strips = false;
    let mut at_line_start = true;
    for part in heredoc.clone().into_inner() {
        match part.as_rule() {
            Rule::heredoc_open => strips = part.as_str() == "<<~",
            Rule::heredoc_newline => at_line_start = true,
            Rule::heredoc_text if at_line_start => {
                let blanks = part.as_str().bytes().take_while(|b| matches!(b, b' ' | b'\t')).count();
                // Blanks before a `${` are an indentation, too; before the line's end they are not.
                let rest = part.as_str().get(blanks..).unwrap_or("").trim_end_matches('\r');
                let ends_line = heredoc.as_str().as_bytes().get(part.as_span().end() - heredoc.as_span().start()) == Some(&b'\n');
                if !(rest.is_empty() && ends_line) {
                    indent = indent.min(blanks);
                }
                at_line_start = false;
            }
            Rule::interpolation | Rule::heredoc_escape if at_line_start => {
                indent = 0;
                at_line_start = false;
            }
            _ => {}
        }
    }
    if strips && indent != usize::MAX { indent } else { 0 }
}
