//! Formatting: what `secnet fmt` writes. Layer 9.

use gen_lsp_types::TextEdit;

use crate::{base::span::FileId, lsp::place::Lines, syntax::format::format};

/// The edits that bring a text into its one form; none where it has syntax errors, which are told anyway.
///
/// Only the lines that differ are replaced, so that the cursor stays where it is.
pub(super) fn edits(text: &str, lines: &Lines<'_>) -> Vec<TextEdit> {
    let Ok(formatted) = format(FileId(0), text) else { return vec![] };
    if formatted == text {
        return vec![];
    }
    let pieces = |text: &str| text.split_inclusive('\n').map(str::len).collect::<Vec<usize>>();
    let (old, new) = (pieces(text), pieces(&formatted));
    let (olds, news): (Vec<&str>, Vec<&str>) = (text.split_inclusive('\n').collect(), formatted.split_inclusive('\n').collect());
    let before = olds.iter().zip(&news).take_while(|(a, b)| a == b).count();
    let rest = old.len().min(new.len()) - before;
    let after = olds.iter().rev().zip(news.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let sum = |all: &[usize], n: usize| all.iter().take(n).sum::<usize>();
    let (start, end) = (sum(&old, before), sum(&old, old.len() - after));
    let new_text = formatted.get(sum(&new, before)..sum(&new, new.len() - after)).unwrap_or_default().to_owned();
    vec![TextEdit { range: lines.range(start, end), new_text }]
}
