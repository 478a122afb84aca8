//! In which body a place is, and what is written there: from the AST, or where the text is too broken for it, from its braces.
//! Layer 9.

use std::collections::BTreeSet;

use crate::{
    base::span::Span,
    lsp::{
        session::Project,
        tree::{Node, nodes},
    },
    resources,
    syntax::ast::{Body, Entry, ExprKind, Item},
};

/// A body around a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Around {
    /// The word that says what it is the body of: a kind of resources, `policy`, `lifecycle`.
    pub(super) kind: String,
    /// The first words of what is written in it.
    pub(super) written: BTreeSet<String>,
}

/// The innermost body around a place.
pub(super) fn around(project: &Project, at: Span) -> Option<Around> {
    let analysis = &project.opened.as_ref().ok()?.analysis;
    let text = &analysis.sources.get(at.file())?.text;
    let file = analysis.files.get(usize::from(at.file().0));
    file.and_then(|file| parsed(&nodes(file), at.start())).or_else(|| by_braces(text.get(..at.start())?))
}

/// From what was parsed.
fn parsed(nodes: &[Node<'_>], at: usize) -> Option<Around> {
    let inside = |body: &Body| body.span.start() < at && at < body.span.end();
    let mut found: Option<Around> = None;
    for (n, node) in nodes.iter().enumerate() {
        let Node::Body(body) = node else { continue };
        if !inside(body) {
            continue;
        }
        let owner = nodes.get(..n)?.iter().rev().find_map(|before| match before {
            Node::Item(item) => Some(word(item)),
            Node::Entry(Entry::Block(block)) if block.body.span == body.span => Some(block.name.text.to_string()),
            // What is repeated or left out is of the body around it.
            Node::Entry(Entry::For(block)) if block.body.span == body.span => Some(String::new()),
            Node::Entry(Entry::If(block)) if block.span.start() <= body.span.start() && body.span.end() <= block.span.end() => {
                Some(String::new())
            }
            _ => None,
        })?;
        let kind = if owner.is_empty() { found.map(|f| f.kind).unwrap_or_default() } else { owner };
        let written = body.entries.iter().filter(|e| !touches(e, at)).map(|e| e.head().0.to_owned()).collect();
        found = Some(Around { kind, written });
    }
    found
}

/// Whether an entry's first word is being written at a place.
fn touches(entry: &Entry, at: usize) -> bool {
    let (_, head) = entry.head();
    head.start() <= at && at <= head.end()
}

fn word(item: &Item) -> String {
    match item {
        Item::Resource(b) | Item::Existing(b) => b.kind.text.to_string(),
        // What it extends is of this kind.
        Item::Extend(e) => match &e.target.kind {
            ExprKind::Field(base, _) => match &base.kind {
                ExprKind::Name(kind) if resources::spec(kind).is_some() => kind.to_string(),
                _ => "extend".into(),
            },
            _ => "extend".into(),
        },
        Item::Project(_) | Item::Neighbour(_) => "project".into(),
        Item::Variable(_) => "variable".into(),
        Item::Let(_) => "let".into(),
        Item::Output(_) => "output".into(),
        Item::Moved(_) => "moved".into(),
        Item::Policy(_) => "policy".into(),
        Item::Waive(_) => "waive".into(),
        Item::Module(_) => "module".into(),
        Item::Import(_) => "import".into(),
        Item::Forget(_) => "forget".into(),
        Item::Test(_) => "test".into(),
        Item::Env(_) => "env".into(),
    }
}

/// From the braces that are open.
fn by_braces(before: &str) -> Option<Around> {
    let line = before.rsplit('\n').next().unwrap_or_default();
    let before = before.strip_suffix(line).unwrap_or(before);
    let mut open: Vec<Around> = vec![];
    for line in before.lines() {
        let code = line.split('#').next().unwrap_or_default();
        let mut words = code.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|w| !w.is_empty());
        let first = words.next().unwrap_or_default();
        let first = if matches!(first, "existing" | "extend") { words.next().unwrap_or_default() } else { first };
        if let Some(around) = open.last_mut() {
            around.written.insert(first.to_owned());
        }
        for c in code.chars() {
            match c {
                '{' => open.push(Around { kind: first.to_owned(), written: BTreeSet::new() }),
                '}' => drop(open.pop()),
                _ => {}
            }
        }
    }
    open.pop()
}
