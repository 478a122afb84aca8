//! What is open at a place of a text: brackets, texts, heredocs. Layer 1.
//!
//! Knows tokens that open and close, and nothing else of the grammar; it never fails, whatever the text is.

use pest::Parser as _;

use super::grammar::{Grammar, Rule};

/// How deep brackets, braces, parentheses, `${` and `if` may stand inside each other.
///
/// A debug build takes up to 7 KiB of stack for each, and a thread may have no more than 2 MiB.
pub(super) const NESTING_MAX: usize = 100;

/// What has been opened and not yet closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) what: What,
    /// Its first byte.
    pub(super) at: usize,
    /// Length of what opens it, a heredoc's word included.
    pub(super) len: usize,
}

/// Kinds of things that are opened and closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// `(`
    Paren,
    /// `[`
    Bracket,
    /// `{`
    Brace,
    /// `${`
    Value,
    /// `"`
    Quote,
    /// `<<END`
    Heredoc,
    /// `if`, until its `then`
    If,
    /// The same from there on, until its `else`
    Then,
}

impl Open {
    fn is_if(&self) -> bool {
        matches!(self.what, What::If | What::Then)
    }
}

impl What {
    /// What opens it.
    pub(super) fn opening(self) -> &'static str {
        match self {
            What::Paren => "(",
            What::Bracket => "[",
            What::Brace => "{",
            What::Value => "${",
            What::Quote => "\"",
            What::Heredoc => "<<",
            What::If | What::Then => "if",
        }
    }

    /// What closes it.
    pub(super) fn closing(self) -> &'static str {
        match self {
            What::Paren => ")",
            What::Bracket => "]",
            What::Brace | What::Value => "}",
            What::Quote => "\"",
            What::Heredoc => "its word",
            What::If | What::Then => "else",
        }
    }
}

/// A walk over a text, token by token.
pub(super) struct Scan<'t> {
    text: &'t str,
    pub(super) at: usize,
    pub(super) open: Vec<Open>,
    /// Pairs of braces that were closed: where each opens and closes.
    pub(super) closed: Vec<(usize, usize)>,
    /// The last token of code that was passed: its start and its end.
    pub(super) last: (usize, usize),
}

impl<'t> Scan<'t> {
    /// Starts at a byte at which nothing is open.
    pub(super) fn new(text: &'t str, at: usize) -> Self {
        Self { text, at, open: vec![], closed: vec![], last: (at, at) }
    }

    /// Walks to `end`, or to the end of the text.
    pub(super) fn to(mut self, end: usize) -> Self {
        while self.at < end && self.step() {}
        self
    }

    /// What is open, but for the `if`s of values.
    pub(super) fn innermost(&self) -> Option<Open> {
        self.open.iter().rev().find(|o| !o.is_if()).copied()
    }

    /// Whether the next byte is read as code, not as text.
    pub(super) fn in_code(&self) -> bool {
        !self.open.last().is_some_and(|o| matches!(o.what, What::Quote | What::Heredoc))
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// Takes one token; false at the end.
    pub(super) fn step(&mut self) -> bool {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return false };
        match self.open.last().copied() {
            Some(Open { what: What::Quote, .. }) => self.step_in_text(first, true),
            Some(Open { what: What::Heredoc, at, len }) => {
                let at_line_start = self.at > 0 && self.text.as_bytes().get(self.at - 1) == Some(&b'\n');
                if at_line_start && closes_heredoc(rest, self.text.get(at..at + len).unwrap_or("")) {
                    self.open.pop();
                    let word = rest.trim_start_matches([' ', '\t']);
                    self.at += rest.len() - word.trim_start_matches(is_word).len();
                } else {
                    self.step_in_text(first, false);
                }
            }
            _ => self.step_in_code(first),
        }
        true
    }

    fn step_in_text(&mut self, first: char, quoted: bool) {
        let rest = self.rest();
        if first != '\n' {
            self.last.1 = self.at + first.len_utf8();
        }
        match first {
            '"' | '\n' if quoted => {
                self.open.pop();
                self.at += 1;
            }
            '\\' if quoted => self.at += 1 + rest.chars().nth(1).filter(|c| *c != '\n').map_or(0, char::len_utf8),
            _ if rest.starts_with("$${") => self.at += 3,
            _ if rest.starts_with("${") => self.push(What::Value, 2),
            _ => self.at += first.len_utf8(),
        }
    }

    fn step_in_code(&mut self, first: char) {
        let rest = self.rest();
        let start = self.at;
        self.step_token(first, rest);
        let is_comment = first == '#' || rest.starts_with("//");
        if !is_comment && !first.is_whitespace() {
            self.last = (start, self.at);
        }
    }

    fn step_token(&mut self, first: char, rest: &str) {
        match first {
            '"' => self.push(What::Quote, 1),
            '(' => self.push(What::Paren, 1),
            '[' => self.push(What::Bracket, 1),
            '{' => {
                // Behind a whole condition it opens what depends on it: this `if` has no `else` to wait for.
                if self.open.last().is_some_and(|o| o.what == What::If) && self.ends_value() {
                    self.open.pop();
                }
                self.push(What::Brace, 1);
            }
            ')' | ']' => {
                self.pop_ifs();
                if self.open.last().is_some_and(|o| matches!(o.what, What::Paren | What::Bracket)) {
                    self.open.pop();
                }
                self.at += 1;
            }
            '}' => {
                if let Some(nth) = self.open.iter().rposition(|o| matches!(o.what, What::Brace | What::Value)) {
                    self.closed.extend(self.open.get(nth).map(|o| (o.at, self.at)));
                    self.open.truncate(nth);
                }
                self.at += 1;
            }
            '\n' if !self.open.is_empty() && starts_item(rest) => {
                self.open.clear();
                self.at += 1;
            }
            // Recovery skips no further, either: what is unclosed here doesn't nest what follows.
            '\n' if self.innermost().is_some_and(|o| o.what != What::Brace) && starts_statement(rest) => {
                self.pop_to_brace();
                self.at += 1;
            }
            '#' => self.at += rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("//") => self.at += rest.find('\n').unwrap_or(rest.len()),
            '=' | '<' | '>' | '!' if rest.as_bytes().get(1) == Some(&b'=') => self.at += 2,
            '&' | '|' | '?' if rest.chars().nth(1) == Some(first) => self.at += 2,
            '<' if heredoc_opening(rest) > 0 => self.push(What::Heredoc, heredoc_opening(rest)),
            c if is_word(c) => {
                let len = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                match rest.get(..len) {
                    Some("if") => self.push(What::If, len),
                    Some("else") => {
                        if self.open.last().is_some_and(Open::is_if) {
                            self.open.pop();
                        }
                        self.at += len;
                    }
                    Some("then") => {
                        if let Some(open) = self.open.last_mut().filter(|o| o.what == What::If) {
                            open.what = What::Then;
                        }
                        self.at += len;
                    }
                    _ => self.at += len,
                }
            }
            _ => self.at += first.len_utf8(),
        }
    }

    fn push(&mut self, what: What, len: usize) {
        self.open.push(Open { what, at: self.at, len });
        self.at += len;
    }

    fn pop_to_brace(&mut self) {
        while self.open.last().is_some_and(|o| o.what != What::Brace) {
            self.open.pop();
        }
    }

    fn pop_ifs(&mut self) {
        while self.open.last().is_some_and(Open::is_if) {
            self.open.pop();
        }
    }

    /// Whether a value may end with the last token.
    fn ends_value(&self) -> bool {
        let last = self.text.get(self.last.0..self.last.1).unwrap_or("");
        last != "if" && last.ends_with(|c| is_word(c) || matches!(c, ')' | ']' | '}' | '"'))
    }
}

/// Whether a character may stand in a word.
pub(super) fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Whether a newline and what follows it begin an item in column 0.
pub(super) fn starts_item(rest: &str) -> bool {
    rest.get(1..).is_some_and(|r| r.starts_with(is_word)) && matches(Rule::at_top, rest)
}

/// Whether a newline and what follows it begin a statement, as far as a line can tell.
pub(super) fn starts_statement(rest: &str) -> bool {
    matches(Rule::at_statement, rest)
}

/// One line is enough for both rules, and pest's error would look at more.
fn matches(rule: Rule, rest: &str) -> bool {
    let line_end = rest.get(1..).and_then(|r| r.find('\n')).map_or(rest.len(), |n| n + 1);
    let line = rest.get(..line_end).unwrap_or("");
    line.get(1..).is_some_and(|l| l.trim_start_matches([' ', '\t']).starts_with(is_word)) && Grammar::parse(rule, line).is_ok()
}

/// Bytes of `<<~END` at the start of `rest`, if it opens a heredoc.
fn heredoc_opening(rest: &str) -> usize {
    let Some(word) = rest.strip_prefix("<<").map(|r| r.strip_prefix('~').unwrap_or(r)) else { return 0 };
    let len = word.find(|c| !is_word(c)).unwrap_or(word.len());
    let line = word.get(len..).unwrap_or("").trim_start_matches([' ', '\t', '\r']);
    if len > 0 && !word.starts_with(|c: char| c.is_ascii_digit()) && line.starts_with('\n') { rest.len() - word.len() + len } else { 0 }
}

fn closes_heredoc(rest: &str, opening: &str) -> bool {
    let word = opening.trim_start_matches(['<', '~']);
    rest.trim_start_matches([' ', '\t']).strip_prefix(word).is_some_and(|after| {
        let after = after.trim_start_matches([' ', '\t', '\r']);
        after.is_empty() || after.starts_with(['\n', ',', ')', ']', '}'])
    })
}

/// Where a text is nested too deep: the item it is in, as a range of bytes, and the first thing too many.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooDeep {
    pub(super) item: std::ops::Range<usize>,
    pub(super) open: Open,
}

/// Every item that is nested too deep.
pub(super) fn too_deep(text: &str) -> Vec<TooDeep> {
    let mut found = vec![];
    let mut scan = Scan::new(text, 0);
    let mut item = 0;
    loop {
        let line_starts = scan.at == 0 || text.as_bytes().get(scan.at - 1) == Some(&b'\n');
        if scan.open.is_empty() && line_starts && scan.rest().starts_with(is_word) {
            item = scan.at;
        }
        if let Some(open) = scan.open.get(NESTING_MAX).copied() {
            let end = next_item(text, open.at);
            found.push(TooDeep { item: item..end, open });
            scan = Scan::new(text, end);
            item = end;
        }
        if !scan.step() {
            return found;
        }
    }
}

/// The item that a byte lies in, as far as lines can tell.
pub(super) fn item_around(text: &str, at: usize) -> std::ops::Range<usize> {
    let mut starts = text.get(..at).unwrap_or("").rmatch_indices('\n').map(|(n, _)| n);
    let start = starts.find(|n| starts_item(text.get(*n..).unwrap_or(""))).map_or(0, |n| n + 1);
    start..next_item(text, at)
}

/// Where the first item after a byte begins.
fn next_item(text: &str, at: usize) -> usize {
    let mut lines = text.get(at..).unwrap_or("").match_indices('\n').map(|(n, _)| at + n);
    lines.find(|n| starts_item(text.get(*n..).unwrap_or(""))).map_or(text.len(), |n| n + 1)
}
