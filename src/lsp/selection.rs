//! Selections that grow: from a name over its value, sentence and body to the statement and the file. Layer 9.

use gen_lsp_types::SelectionRange;

use crate::{
    base::span::Span,
    lsp::{place::Lines, tree::nodes},
    syntax::ast::File,
};

/// What lies around a byte of a text, the smallest piece first.
pub(super) fn around(file: &File, text: &str, lines: &Lines<'_>, byte: usize) -> SelectionRange {
    let mut spans: Vec<(usize, usize)> =
        nodes(file).into_iter().map(|n| ends(n.span())).filter(|(s, e)| *s <= byte && byte <= *e).collect();
    spans.sort_by_key(|(start, end)| std::cmp::Reverse(end - start));
    spans.dedup();
    let mut chain = SelectionRange { range: lines.range(0, text.len()), parent: None };
    let mut outer = (0, text.len());
    for (start, end) in spans {
        // Two that only touch at the cursor are not one within the other.
        if outer.0 <= start && end <= outer.1 && (start, end) != outer {
            chain = SelectionRange { range: lines.range(start, end), parent: Some(Box::new(chain)) };
            outer = (start, end);
        }
    }
    chain
}

fn ends(span: Span) -> (usize, usize) {
    (span.start(), span.end())
}
