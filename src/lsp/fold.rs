//! What can be folded: bodies, lists and maps of several lines, and comments. Layer 9.

use gen_lsp_types::{FoldingRange, FoldingRangeKind};

use crate::{
    lsp::{
        place::Lines,
        tree::{Node, nodes},
    },
    syntax::ast::{ExprKind, File},
};

/// What can be folded in a file.
pub(super) fn ranges(file: &File, text: &str, lines: &Lines<'_>) -> Vec<FoldingRange> {
    let foldable = |node: &Node<'_>| match node {
        Node::Body(_) => true,
        Node::Expr(expr) => matches!(expr.kind, ExprKind::List(_) | ExprKind::Map(_) | ExprKind::Text(_)),
        Node::Item(_) | Node::Entry(_) | Node::Name(_) => false,
    };
    let bodies = nodes(file).into_iter().filter(foldable).filter_map(|node| {
        let range = lines.of(node.span());
        // The line with the closing bracket stays.
        fold(range.start.line, range.end.line.checked_sub(1)?, None)
    });
    let mut found: Vec<FoldingRange> = bodies.chain(comments(text)).collect();
    found.sort_by_key(|f| (f.start_line, std::cmp::Reverse(f.end_line)));
    found.dedup_by_key(|f| f.start_line);
    found
}

fn fold(start_line: u32, end_line: u32, kind: Option<FoldingRangeKind>) -> Option<FoldingRange> {
    (start_line < end_line).then_some(FoldingRange {
        start_line,
        start_character: None,
        end_line,
        end_character: None,
        kind,
        collapsed_text: None,
    })
}

/// Comments of several lines.
fn comments(text: &str) -> Vec<FoldingRange> {
    let mut found = vec![];
    let mut begun = None;
    for (n, line) in text.lines().chain([""]).enumerate() {
        let n = u32::try_from(n).unwrap_or(u32::MAX);
        let is_comment = line.trim_start().starts_with('#') || line.trim_start().starts_with("//");
        match (is_comment, begun) {
            (true, None) => begun = Some(n),
            (false, Some(start)) => {
                found.extend(fold(start, n - 1, Some(FoldingRangeKind::Comment)));
                begun = None;
            }
            _ => {}
        }
    }
    found
}
