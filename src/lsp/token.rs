//! What each name is, for colours that no grammar could give: semantic tokens. Layer 9.
//!
//! Keywords, texts and comments are left to the editor's own grammar.

use std::{collections::BTreeSet, path::Path};

use gen_lsp_types::{Range, SemanticToken, SemanticTokens, SemanticTokensLegend};

use crate::{
    base::span::{FileId, Span},
    lsp::{
        names::{Mention, Symbol},
        place::Lines,
        session::Project,
        tree::{Node, nodes},
    },
    syntax::ast::ExprKind,
};

/// What there is, in the protocol's words; the order is that of the numbers in answers.
const TYPES: [&str; 10] =
    ["class", "variable", "parameter", "property", "keyword", "function", "namespace", "interface", "number", "enumMember"];

/// What a token may be besides, a bit each.
const MODIFIERS: [&str; 2] = ["declaration", "readonly"];

/// What the numbers stand for.
pub(super) fn legend() -> SemanticTokensLegend {
    let own = |all: &[&str]| all.iter().map(ToString::to_string).collect();
    SemanticTokensLegend { token_types: own(&TYPES), token_modifiers: own(&MODIFIERS) }
}

/// The tokens of a file, or of a part of it.
pub(super) fn tokens(project: &Project, file: FileId, lines: &Lines<'_>, within: Option<Range>) -> SemanticTokens {
    let mut found: Vec<(Span, &str, u32)> = vec![];
    let declared: BTreeSet<(&Path, &str)> = project.declared().iter().filter_map(local).collect();
    let own = project.mentions_of(file).iter();
    found.extend(own.filter_map(|m| Some((m.span, kind(&declared, m)?, u32::from(m.declares)))));
    let parsed = project.opened.as_ref().ok().and_then(|o| o.analysis.files.get(usize::from(file.0)));
    for node in parsed.map(|file| nodes(file)).unwrap_or_default() {
        if let Node::Expr(expr) = node {
            let kind = match expr.kind {
                ExprKind::Service(_) => "enumMember",
                ExprKind::Net(_) | ExprKind::Duration(_) => "number",
                _ => continue,
            };
            found.push((expr.span, kind, 0));
        }
    }
    found.sort_by_key(|(span, ..)| (span.start(), span.end()));
    // Tokens may not overlap: of two at one place the first stays.
    let mut end = 0;
    found.retain(|(span, ..)| {
        let apart = span.start() >= end && !span.is_empty();
        if apart {
            end = span.end();
        }
        apart
    });
    let mut last = (0, 0);
    let mut data = vec![];
    for (span, kind, modifiers) in found {
        let range = lines.of(span);
        let outside = within.is_some_and(|w| range.end < w.start || range.start > w.end);
        let Some(token_type) = TYPES.iter().position(|t| *t == kind).and_then(|n| u32::try_from(n).ok()) else { continue };
        // No token goes over a line.
        if outside || range.start.line != range.end.line {
            continue;
        }
        let (line, column) = (range.start.line, range.start.character);
        let delta_start = if line == last.0 { column - last.1 } else { column };
        let length = range.end.character - column;
        data.push(SemanticToken { delta_line: line - last.0, delta_start, length, token_type, token_modifiers_bitset: modifiers });
        last = (line, column);
    }
    SemanticTokens { result_id: None, data }
}

/// What a name is.
fn kind(declared: &BTreeSet<(&Path, &str)>, mention: &Mention) -> Option<&'static str> {
    Some(match &mention.symbol {
        Symbol::Kind(_) => "class",
        Symbol::Resource(..) | Symbol::Output(..) => "variable",
        // A word of a sentence is none of the project's names.
        Symbol::Local(..) if !local(mention).is_some_and(|name| declared.contains(&name)) => "keyword",
        Symbol::Local(..) => "variable",
        Symbol::Bound(_) => "parameter",
        Symbol::Attribute(..) => "property",
        Symbol::Sentence(..) => "keyword",
        Symbol::Function(_) => "function",
        Symbol::Module(..) | Symbol::Neighbour(..) => "namespace",
        Symbol::Policy(..) => "interface",
        Symbol::Network(_) => return None,
    })
}

/// The directory and the name of a variable or a `let`.
fn local(mention: &Mention) -> Option<(&Path, &str)> {
    if let Symbol::Local(directory, name) = &mention.symbol { Some((directory, name)) } else { None }
}
