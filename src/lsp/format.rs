//! Formatting: what `secnet fmt` writes, of a whole file or of some lines. Layer 9.

use gen_lsp_types::{Range, TextEdit};

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

/// The edits that bring some lines of a text into its one form, and those that they hang together with.
///
/// Formatting changes nothing but blanks and newlines, so what stands before a line tells where that line is afterwards.
pub(super) fn edits_within(text: &str, lines: &Lines<'_>, range: Range) -> Vec<TextEdit> {
    let Ok(formatted) = format(FileId(0), text) else { return vec![] };
    let (old, new) = (begins(text), begins(&formatted));
    let (first, last) = (lines.byte(range.start), lines.byte(range.end));
    // A range that ends before the first character of a line does not mean that line.
    let empty = range.start == range.end;
    let last = if range.end.character == 0 && !empty { last.saturating_sub(1) } else { last };
    let with = |count: usize, all: &[(usize, usize)]| all.iter().find(|(_, c)| *c == count).map(|(at, _)| *at);
    let start = old.iter().rev().find(|(at, count)| *at <= first && with(*count, &new).is_some());
    let end = old.iter().find(|(at, count)| *at > last && with(*count, &new).is_some()).copied().unwrap_or((text.len(), usize::MAX));
    let Some((start, count)) = start.copied() else { return vec![] };
    let new_start = with(count, &new).unwrap_or_default();
    let new_end = with(end.1, &new).unwrap_or(formatted.len());
    let (was, is) = (text.get(start..end.0).unwrap_or_default(), formatted.get(new_start..new_end).unwrap_or_default());
    if was == is || new_end < new_start { vec![] } else { vec![TextEdit { range: lines.range(start, end.0), new_text: is.to_owned() }] }
}

/// Where lines begin that hold anything, and how much that is no blank stands before them.
fn begins(text: &str) -> Vec<(usize, usize)> {
    let (mut at, mut count) = (0, 0);
    let mut found = vec![];
    for line in text.split_inclusive('\n') {
        if !line.trim().is_empty() {
            found.push((at, count));
        }
        at += line.len();
        count += line.chars().filter(|c| !c.is_whitespace()).count();
    }
    found
}
