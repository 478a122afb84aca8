//! Renaming what has a name, in every source of the open projects. Layer 9.
//!
//! A resource that is applied goes on under its new name: a `moved` line is written where its project has a state that knows it.

use std::{collections::HashMap, sync::Arc};

use gen_lsp_types::{RenameParams, TextEdit, Uri, WorkspaceEdit};

use crate::{
    analysis::is_word,
    base::{
        address::Address,
        span::{FileId, Span},
    },
    lsp::{
        names::{Mention, Symbol},
        session::{Project, Session},
    },
    resources,
    syntax::ast::Item,
};

/// Words that a sentence may have where a name could stand: to rename one of these would change sentences.
const WORDS: &[&str] = &[
    "from", "to", "via", "except", "client", "during", "allow", "deny", "anywhere", "internet", "any", "all", "tcp", "udp", "icmp",
    "icmpv6",
];

/// The name at a place, if it can have another one.
pub(super) fn renamed(project: &Project, at: Span) -> Option<&Mention> {
    let mention = project.mention(at)?;
    let can = match &mention.symbol {
        Symbol::Local(_, name) => !WORDS.contains(&&**name),
        Symbol::Resource(..) | Symbol::Output(..) | Symbol::Module(..) | Symbol::Policy(..) | Symbol::Bound(_) => true,
        Symbol::Neighbour(..)
        | Symbol::Kind(_)
        | Symbol::Attribute(..)
        | Symbol::Sentence(..)
        | Symbol::Function(_)
        | Symbol::Network(_) => false,
    };
    // What is declared nowhere is a mistake, and no name.
    (can && project.declaration(&mention.symbol).is_some()).then_some(mention)
}

/// The edits.
///
/// # Errors
/// Why there are none, for people.
pub(super) fn edits(session: &Session<'_>, params: &RenameParams) -> Result<WorkspaceEdit, String> {
    let new = &*params.new_name;
    let fits = is_word(new) && new.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && !WORDS.contains(&new);
    if !fits {
        return Err(format!("`{new}` can be the name of nothing"));
    }
    let mut changes: HashMap<Uri, Vec<TextEdit>> = HashMap::new();
    for (project, at) in session.at(&params.text_document_position_params) {
        let Some(mention) = renamed(project, at) else { continue };
        if taken(project, &mention.symbol, new) {
            return Err(format!("there is a `{new}` already"));
        }
        for one in project.mentions().filter(|m| m.symbol == mention.symbol && !was_moved(project, m)) {
            add(session, project, one.span, new.to_owned(), &mut changes);
        }
        moved(session, project, &mention.symbol, new, &mut changes)?;
    }
    if changes.is_empty() {
        Err("this has no name that could be another".into())
    } else {
        Ok(WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() })
    }
}

fn add(session: &Session<'_>, project: &Project, span: Span, new_text: String, changes: &mut HashMap<Uri, Vec<TextEdit>>) {
    let Some((path, range)) = project.path(span.file()).zip(session.range(project, span)) else { return };
    let edits = changes.entry(session.uri(path)).or_default();
    let edit = TextEdit { range, new_text };
    // Two projects may hold one file.
    if !edits.contains(&edit) {
        edits.push(edit);
    }
}

/// Whether something of the same sort has this name.
fn taken(project: &Project, symbol: &Symbol, new: &str) -> bool {
    let new: Arc<str> = new.into();
    let wanted = match symbol {
        Symbol::Resource(directory, kind, _) => Symbol::Resource(directory.clone(), kind.clone(), new),
        Symbol::Local(directory, _) => Symbol::Local(directory.clone(), new),
        Symbol::Output(directory, _) => Symbol::Output(directory.clone(), new),
        Symbol::Module(directory, _) => Symbol::Module(directory.clone(), new),
        Symbol::Policy(directory, _) => Symbol::Policy(directory.clone(), new),
        other => other.clone(),
    };
    wanted != *symbol && project.declaration(&wanted).is_some()
}

/// Whether a name stands left of the `to` of a `moved`: what a thing was called once is not what it is called now.
fn was_moved(project: &Project, mention: &Mention) -> bool {
    let items = project.opened.as_ref().ok().and_then(|o| o.analysis.files.get(usize::from(mention.span.file().0)));
    let inside = |outer: Span| outer.start() <= mention.span.start() && mention.span.end() <= outer.end();
    items.is_some_and(|file| file.items.iter().any(|item| matches!(item, Item::Moved(m) if inside(m.from.span))))
}

/// Writes `moved` lines for what the state knows under the old name. Without them the next plan would make all of it anew, so
/// nothing is renamed where nobody can tell.
fn moved(
    session: &Session<'_>,
    project: &Project,
    symbol: &Symbol,
    new: &str,
    changes: &mut HashMap<Uri, Vec<TextEdit>>,
) -> Result<(), String> {
    let Symbol::Resource(directory, kind, name) = symbol else { return Ok(()) };
    let Ok(opened) = &project.opened else { return Ok(()) };
    // In a module a line would have to stand in every project that uses it.
    if **directory != *project.directory || resources::spec(kind).is_none() {
        return Ok(());
    }
    let applied = session.applied(project).map_err(|why| format!("whether it is applied, and needs `moved`, cannot be told: {why}"))?;
    let known = applied.into_iter().filter(|a| a.module().is_empty() && a.kind() == &**kind && a.name() == &**name);
    let known: Vec<Address> = known.collect();
    let Some(declared) = project.declaration(symbol) else { return Ok(()) };
    let items = opened.analysis.files.get(usize::from(declared.span.file().0)).map_or(&[][..], |f| &f.items);
    let holds = |item: &&Item| item.span().start() <= declared.span.start() && declared.span.end() <= item.span().end();
    let Some(Item::Resource(block)) = items.iter().find(holds) else { return Ok(()) };
    let file: FileId = declared.span.file();
    let end = Span::new(file, block.span.end(), block.span.end());
    let to = |from: &Address| Address::within("", kind, new, from.key().as_ref());
    let lines: String = known.iter().map(|from| format!("\nmoved {from} to {}", to(from))).collect();
    if !lines.is_empty() {
        add(session, project, end, format!("\n{lines}"), changes);
    }
    Ok(())
}
