//! Lines in tables: what stands in one column is padded to the same width. Layer 1; knows no syntax.

use crate::syntax::parse::outline::{Role, Token};

/// Blanks before a text that describes its line.
const DESCRIPTION_GAP: usize = 3;
/// Blanks before a comment behind a line.
const COMMENT_GAP: usize = 2;

/// A line to be.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) indent: usize,
    /// Columns; the last is never padded.
    columns: Vec<String>,
    description: Option<String>,
    pub(super) comment: Option<String>,
    pub(super) blank_before: bool,
    /// The neighbours that it lines up with.
    pub(super) table: Option<Table>,
}

/// What a line has in common with the neighbours that it lines up with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    /// The body or map.
    of: usize,
    /// The first word of the lines, where it has to be the same.
    word: String,
    /// For sentences, where the joints are.
    joints: Option<Vec<bool>>,
}

impl Table {
    /// Lines with a `=`.
    pub(super) fn assignment(word: &str) -> Self {
        Self { of: 0, word: word.to_owned(), joints: None }
    }

    /// Lines with terms.
    pub(super) fn sentence(tokens: &[Token<'_>]) -> Self {
        let terms = tokens.iter().filter(|t| t.begins_term && t.role != Role::Description);
        Self { of: 0, word: String::new(), joints: Some(terms.map(|t| t.role == Role::Joint).collect()) }
    }

    /// The same in a certain body or map.
    pub(super) fn within(self, of: usize) -> Self {
        Self { of, ..self }
    }

    /// Whether a line of `other` may follow: the shorter of two sentences begins as the longer one does.
    fn goes_with(&self, other: &Table) -> bool {
        let alike = match (&self.joints, &other.joints) {
            (Some(a), Some(b)) => a.iter().zip(b).all(|(a, b)| a == b),
            (None, None) => true,
            _ => false,
        };
        alike && self.of == other.of && self.word == other.word
    }

    fn len(&self) -> usize {
        self.joints.as_ref().map_or(0, Vec::len)
    }
}

impl Line {
    pub(super) fn new(indent: usize) -> Self {
        Self { indent, columns: vec![], description: None, comment: None, blank_before: false, table: None }
    }

    /// Adds to the last column.
    pub(super) fn push(&mut self, text: &str) {
        match self.columns.last_mut() {
            Some(column) => column.push_str(text),
            None => self.columns.push(text.to_owned()),
        }
    }

    /// Begins another column.
    pub(super) fn next_cell(&mut self) {
        self.columns.push(String::new());
    }

    pub(super) fn cells(&self) -> usize {
        self.columns.len()
    }

    /// Adds the text that describes the line.
    pub(super) fn describe(&mut self, text: &str) {
        self.description = Some(text.to_owned());
    }

    /// The line by itself, with nothing padded.
    pub(super) fn in_row(&self) -> String {
        let mut row = self.columns.join(" ");
        if let Some(description) = &self.description {
            row.push_str(&" ".repeat(DESCRIPTION_GAP));
            row.push_str(description);
        }
        row
    }
}

/// The text of all lines.
pub(super) fn print(lines: &[Line]) -> String {
    let mut rows: Vec<String> = vec![];
    let mut first = 0;
    while first < lines.len() {
        let len = table_len(lines.get(first..).unwrap_or(&[]));
        rows.extend(table(lines.get(first..first + len).unwrap_or(&[])));
        first += len;
    }
    with_comments(lines, &rows)
}

/// How many lines from the first one on make up a table.
fn table_len(lines: &[Line]) -> usize {
    let Some(mut longest) = lines.first().and_then(|l| l.table.as_ref()) else { return 1 };
    let mut len = 1;
    for line in lines.iter().skip(1) {
        let Some(table) = line.table.as_ref().filter(|t| !line.blank_before && longest.goes_with(t)) else { break };
        if table.len() > longest.len() {
            longest = table;
        }
        len += 1;
    }
    len
}

/// The rows of a table, without comments.
fn table(lines: &[Line]) -> Vec<String> {
    let mut widths: Vec<usize> = vec![];
    for line in lines {
        for (nth, column) in line.columns.iter().take(line.columns.len().saturating_sub(1)).enumerate() {
            if nth == widths.len() {
                widths.push(0);
            }
            if let Some(known) = widths.get_mut(nth) {
                *known = width(column).max(*known);
            }
        }
    }
    let mut rows: Vec<String> = vec![];
    for line in lines {
        let mut row = " ".repeat(line.indent);
        for (nth, column) in line.columns.iter().enumerate() {
            row.push_str(column);
            if nth + 1 < line.columns.len() {
                row.push_str(&" ".repeat(widths.get(nth).map_or(0, |w| w - width(column)) + 1));
            }
        }
        rows.push(row);
    }
    let described = lines.iter().zip(&rows).filter(|(line, _)| line.description.is_some());
    let place = described.map(|(_, row)| width(row)).max().unwrap_or(0) + DESCRIPTION_GAP;
    for (line, row) in lines.iter().zip(&mut rows) {
        if let Some(description) = &line.description {
            row.push_str(&" ".repeat(place - width(row)));
            row.push_str(description);
        }
    }
    rows
}

/// Puts comments behind the rows, in one column where they follow each other, and blank lines between them.
fn with_comments(lines: &[Line], rows: &[String]) -> String {
    let has_comment = |nth: usize| lines.get(nth).is_some_and(|l| l.comment.is_some() && !l.columns.is_empty());
    let goes_on = |nth: usize| {
        let before = nth.checked_sub(1).filter(|n| has_comment(*n)).and_then(|n| lines.get(n));
        has_comment(nth) && before.zip(lines.get(nth)).is_some_and(|(before, line)| before.indent == line.indent && !line.blank_before)
    };
    let mut text = String::new();
    let mut place = 0;
    for (nth, (line, row)) in lines.iter().zip(rows).enumerate() {
        if line.blank_before && !text.is_empty() {
            text.push('\n');
        }
        text.push_str(row);
        if let Some(comment) = &line.comment {
            if has_comment(nth) {
                if !goes_on(nth) {
                    let run = std::iter::once(nth).chain((nth + 1..).take_while(|n| goes_on(*n)));
                    place = run.filter_map(|n| rows.get(n)).map(|r| last_width(r)).max().unwrap_or(0) + COMMENT_GAP;
                }
                text.push_str(&" ".repeat(place.saturating_sub(last_width(row))));
            }
            text.push_str(comment);
        }
        text.push('\n');
    }
    text
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// Width of the last line of a row that holds a text of several lines.
fn last_width(row: &str) -> usize {
    width(row.rsplit('\n').next().unwrap_or(row))
}
