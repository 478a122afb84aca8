//! A file in its one form, for `secnet fmt`. Layer 1; changes nothing but blanks and newlines.
//!
//! Line breaks inside values are the author's; blanks, indentation and alignment are not. Attributes in a row have their `=`
//! in one column, and so have entries of a map; sentences in a row that go alike have their terms in columns.

use std::borrow::Cow;

use crate::{
    base::{
        diagnostic::{Diagnostic, Sink},
        span::FileId,
    },
    syntax::{
        layout::{Line, Table, print},
        parse::{
            self,
            outline::{Arm, Body, Comment, Node, Role, Shape, Statement, Token, outline},
        },
    },
};

/// Blanks that one level is indented by.
const STEP: usize = 2;

/// Lays a text out anew.
///
/// # Errors
/// The text has syntax errors; then they are given, and nothing is laid out.
pub fn format(file: FileId, text: &str) -> Result<String, Vec<Diagnostic>> {
    let mut sink = Sink::default();
    parse::parse(file, text, &mut sink);
    if sink.has_errors() {
        return Err(sink.all);
    }
    let mut text = Cow::Borrowed(text);
    while text.contains("\r\n") {
        text = Cow::Owned(text.replace("\r\n", "\n"));
    }
    let mut layout = Layout { lines: vec![], tables: 0 };
    layout.nodes(&outline(&text), 0);
    Ok(print(&layout.lines))
}

struct Layout {
    lines: Vec<Line>,
    /// How many maps and bodies were met; each is a table of its own.
    tables: usize,
}

impl Layout {
    /// Statements and comments, each from a new line on.
    fn nodes(&mut self, nodes: &[Node<'_>], indent: usize) {
        self.tables += 1;
        let table = self.tables;
        for (nth, node) in nodes.iter().enumerate() {
            match node {
                Node::Comment(comment) => self.comment(comment, indent, nth == 0),
                Node::Statement(statement) => {
                    let first = self.lines.len();
                    self.statement(statement, indent, table);
                    if let Some(line) = self.lines.get_mut(first) {
                        line.blank_before = nth > 0 && statement.newlines > 1;
                    }
                }
            }
        }
    }

    fn comment(&mut self, comment: &Comment<'_>, indent: usize, is_first: bool) {
        // Behind a statement or a `{`, if nothing else stands there.
        if comment.newlines == 0
            && let Some(line) = self.lines.last_mut()
            && line.comment.is_none()
        {
            line.comment = Some(comment.text.to_owned());
            return;
        }
        let mut line = Line::new(indent);
        line.comment = Some(comment.text.to_owned());
        line.blank_before = !is_first && comment.newlines > 1;
        self.lines.push(line);
    }

    fn statement(&mut self, statement: &Statement<'_>, indent: usize, table: usize) {
        if let Some(mut line) = in_line(statement) {
            line.indent = indent;
            line.table = line.table.map(|t| t.within(table));
            self.lines.push(line);
            return;
        }
        self.tokens(&statement.tokens, indent, Line::new(indent));
        let Some(body) = &statement.body else { return };
        self.body(body, indent);
        for Arm { tokens, body } in &statement.arms {
            let mut line = self.lines.pop().unwrap_or_else(|| Line::new(indent));
            if tokens.first().is_some_and(|t| t.role != Role::Comment) {
                line.push(" ");
            }
            self.tokens(tokens, indent, line);
            self.body(body, indent);
        }
    }

    /// What stands between braces, and these.
    fn body(&mut self, body: &Body<'_>, indent: usize) {
        if let Some(line) = self.lines.last_mut() {
            line.push(if body.nodes.is_empty() { " { }" } else { " {" });
        }
        if !body.nodes.is_empty() {
            self.nodes(&body.nodes, indent + STEP);
            let mut line = Line::new(indent);
            line.push("}");
            self.lines.push(line);
        }
    }

    /// Tokens that go over several lines, the first of which is begun.
    fn tokens(&mut self, tokens: &[Token<'_>], indent: usize, mut line: Line) {
        // For each bracket that is open: the indentation of its line, and the table that it is if it is a map.
        let mut open: Vec<(usize, Option<usize>)> = vec![];
        for (nth, token) in tokens.iter().enumerate() {
            let before = nth.checked_sub(1).and_then(|n| tokens.get(n));
            let closes = matches!(token.role, Role::Close | Role::CloseBrace);
            let opened = if closes { open.pop() } else { None };
            if before.is_some_and(|before| breaks(before, token)) {
                self.lines.push(std::mem::replace(&mut line, Line::new(indent)));
                // Comments between a `}` and its `else` leave that where the `}` is.
                let begins = tokens.iter().take(nth).all(|t| t.role == Role::Comment);
                line.indent = match opened {
                    Some((outer, _)) => outer,
                    None if begins => indent,
                    None => open.last().map_or(indent, |o| o.0) + STEP,
                };
                let after_opening = before.is_some_and(|b| matches!(b.role, Role::Open | Role::OpenAttached | Role::OpenBrace));
                line.blank_before = token.newlines > 1 && !after_opening && !closes;
                let map = open.last().and_then(|o| o.1);
                line.table = map.filter(|_| entry_is_one_line(tokens, nth)).map(|table| Table::assignment("").within(table));
            } else if token.role == Role::Equals && line.table.is_some() && line.cells() == 1 {
                line.next_cell();
            } else if token.role != Role::Comment && before.is_some_and(|before| spaced(before, token)) {
                line.push(gap(token));
            }
            match token.role {
                Role::Open | Role::OpenAttached => open.push((line.indent, None)),
                Role::OpenBrace => {
                    self.tables += 1;
                    open.push((line.indent, Some(self.tables)));
                }
                Role::Comment => {
                    line.comment = Some(token.text.to_owned());
                    continue;
                }
                _ => {}
            }
            line.push(token.text);
        }
        self.lines.push(line);
    }
}

/// A statement that stands in one line.
fn in_line(statement: &Statement<'_>) -> Option<Line> {
    let mut line = Line::new(0);
    line.table = match statement.shape {
        Shape::Attribute => Some(Table::assignment("")),
        Shape::Binding => Some(Table::assignment(statement.tokens.first().map_or("", |t| t.text))),
        Shape::Sentence => Some(Table::sentence(&statement.tokens)),
        Shape::Other => None,
    };
    for (nth, token) in statement.tokens.iter().enumerate() {
        let before = nth.checked_sub(1).and_then(|n| statement.tokens.get(n));
        if token.role == Role::Comment || token.text.contains('\n') || before.is_some_and(|before| breaks(before, token)) {
            return None;
        }
        let first_equals = token.role == Role::Equals && line.cells() == 1;
        if token.role == Role::Description && statement.body.is_none() {
            line.describe(token.text);
            continue;
        }
        match statement.shape {
            Shape::Attribute | Shape::Binding if first_equals => line.next_cell(),
            Shape::Sentence if token.begins_term && nth > 0 => line.next_cell(),
            _ if before.is_some_and(|before| spaced(before, token)) => line.push(gap(token)),
            _ => {}
        }
        line.push(token.text);
    }
    if let Some(body) = &statement.body {
        line.push(" ");
        line.push(&body_in_line(body)?);
    }
    for Arm { tokens, body } in &statement.arms {
        for (nth, token) in tokens.iter().enumerate() {
            let before = nth.checked_sub(1).and_then(|n| tokens.get(n));
            if token.role == Role::Comment || token.text.contains('\n') || before.is_some_and(|before| breaks(before, token)) {
                return None;
            }
            if before.is_none_or(|before| spaced(before, token)) {
                line.push(" ");
            }
            line.push(token.text);
        }
        line.push(" ");
        line.push(&body_in_line(body)?);
    }
    Some(line)
}

fn body_in_line(body: &Body<'_>) -> Option<String> {
    if body.nodes.is_empty() {
        return Some("{ }".to_owned());
    }
    if !body.in_line {
        return None;
    }
    let mut parts = vec![];
    for node in &body.nodes {
        match node {
            Node::Comment(_) => return None,
            Node::Statement(statement) => parts.push(in_line(statement)?.in_row()),
        }
    }
    Some(format!("{{ {} }}", parts.join("  ")))
}

/// Whether a line ends between two tokens. Where a value begins, it begins in the line of its `=`.
fn breaks(before: &Token<'_>, token: &Token<'_>) -> bool {
    if before.role == Role::Comment {
        return true;
    }
    token.newlines > 0 && token.role != Role::Equals && (before.role != Role::Equals || token.role == Role::Comment)
}

/// Whether the entry of a map that begins with a token ends in its line.
fn entry_is_one_line(tokens: &[Token<'_>], first: usize) -> bool {
    let mut depth = 0_usize;
    let mut has_equals = false;
    for (nth, token) in tokens.iter().enumerate().skip(first) {
        let before = nth.checked_sub(1).filter(|_| nth > first).and_then(|n| tokens.get(n));
        if before.is_some_and(|before| breaks(before, token)) {
            return has_equals && depth == 0;
        }
        match token.role {
            Role::Open | Role::OpenAttached | Role::OpenBrace => depth += 1,
            Role::Close | Role::CloseBrace if depth == 0 => return has_equals,
            Role::Close | Role::CloseBrace => depth -= 1,
            Role::Equals => has_equals = true,
            _ if token.text.contains('\n') => return false,
            _ => {}
        }
    }
    has_equals
}

/// Whether a blank stands between two tokens of a line.
fn spaced(before: &Token<'_>, token: &Token<'_>) -> bool {
    !matches!(
        (before.role, token.role),
        (_, Role::Comma | Role::Close | Role::Colon | Role::Tight | Role::OpenAttached)
            | (Role::Open | Role::OpenAttached | Role::Tight | Role::Unary, _)
            | (Role::OpenBrace, Role::CloseBrace)
    )
}

fn gap(token: &Token<'_>) -> &'static str {
    if token.role == Role::Description { "   " } else { " " }
}

#[cfg(test)]
mod tests;
