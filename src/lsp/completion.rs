//! What could be written at the cursor: types, attributes that are not written yet, words of EC2's, and resources that fit. Layer 9.
//!
//! The text is read as it is, half a statement and all: what stands before the cursor on its line says what is wanted.

mod value;

use std::collections::BTreeSet;

use gen_lsp_types::{CompletionItem, CompletionItemKind, Documentation, MarkupContent, MarkupKind};

use crate::{
    base::span::Span,
    lsp::{
        context,
        names::Symbol,
        session::{Project, Session},
    },
    manual::resource as manual,
    registry::{Slot, Spec},
    resolve, resources,
    schema::attr::{Change, Type},
};

/// What every resource takes besides its attributes.
const OF_ALL: &[&str] = &["after", "tags", "lifecycle"];

/// What may be written at a place.
pub(super) fn at(session: &Session<'_>, project: &Project, at: Span) -> Vec<CompletionItem> {
    let Ok(opened) = &project.opened else { return vec![] };
    let Some(text) = opened.analysis.sources.get(at.file()).map(|f| &*f.text) else { return vec![] };
    let before = text.get(..at.start()).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    let around = context::around(project, at);
    if in_words(line) {
        return around.map_or_else(Vec::new, |around| value::within_quotes(session, project, at, (&around, line)));
    }
    let typed = line.rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().unwrap_or_default();
    let lead = line.strip_suffix(typed).unwrap_or(line);
    let spec = around.as_ref().and_then(|around| resources::spec(&around.kind));
    let values = around.as_ref().map_or_else(Vec::new, |around| value::of(session, project, at, (around, line)));
    if let (Some(path), true) = (lead.strip_suffix('.'), values.is_empty()) {
        return after_dot(project, at, path);
    }
    // What is on the line of an opening brace stands in its body.
    let own = lead.rsplit('{').next().unwrap_or(lead);
    match (around, own.trim().is_empty()) {
        (None, true) => statements(),
        (None, false) => names(project, at, None),
        (Some(around), true) => spec.map_or_else(Vec::new, |spec| attributes(spec, &around.written)),
        (Some(_), false) => {
            let wanted = spec.and_then(|spec| wanted(spec, own));
            values.into_iter().chain(names(project, at, wanted.as_ref())).collect()
        }
    }
}

/// Whether a line ends within a comment or a text.
fn in_words(line: &str) -> bool {
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if quoted => drop(chars.next()),
            '"' => quoted = !quoted,
            '#' if !quoted => return true,
            '/' if !quoted && chars.peek() == Some(&'/') => return true,
            _ => {}
        }
    }
    quoted
}

pub(super) fn item(label: &str, kind: CompletionItemKind, detail: Option<String>, doc: Option<String>) -> CompletionItem {
    let documentation = doc.map(|value| Documentation::MarkupContent(MarkupContent { kind: MarkupKind::Markdown, value }));
    CompletionItem { label: label.into(), kind: Some(kind), detail, documentation, ..CompletionItem::default() }
}

/// What begins a statement.
fn statements() -> Vec<CompletionItem> {
    let kinds = resources::ALL.iter().filter(|s| s.stands_for.is_none());
    let kinds = kinds.map(|spec| item(spec.kind, CompletionItemKind::Class, None, manual::about(spec.kind)));
    kinds.chain(resolve::STATEMENTS.iter().map(|word| item(word, CompletionItemKind::Keyword, None, None))).collect()
}

/// What a body of this type may have besides what it has.
fn attributes(spec: &Spec, written: &BTreeSet<String>) -> Vec<CompletionItem> {
    let free = spec.attrs.iter().filter(|a| a.change != Change::Computed && !written.contains(a.name));
    let mut found: Vec<CompletionItem> = free
        .map(|attr| CompletionItem {
            insert_text: Some(format!("{} = ", attr.name)),
            // What must be written comes first.
            sort_text: Some(format!("{}{}", if attr.required { 0 } else { 1 }, attr.name)),
            ..item(attr.name, CompletionItemKind::Field, Some(attr.ty.to_string()), manual::about_attribute(spec.kind, attr.name))
        })
        .collect();
    found.extend(spec.sentences.iter().map(|s| item(s.head, CompletionItemKind::Keyword, None, manual::about_sentence(spec.kind, s.head))));
    let given = resources::ALL.iter().filter(|s| spec.kind == "vpc" && s.stands_for.is_some());
    found.extend(given.map(|s| item(s.kind, CompletionItemKind::Class, None, manual::about(s.kind))));
    found.extend(OF_ALL.iter().filter(|w| !written.contains(**w)).map(|word| item(word, CompletionItemKind::Field, None, None)));
    found
}

/// What fits where a value is written.
enum Wanted {
    Type(Type),
    /// Resources of these kinds.
    Kinds(Vec<&'static str>),
}

fn wanted(spec: &Spec, lead: &str) -> Option<Wanted> {
    let lead = lead.trim_start();
    let first = lead.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().unwrap_or_default();
    if lead.get(first.len()..).is_some_and(|rest| rest.trim_start().starts_with('=')) {
        return spec.attrs.iter().find(|a| a.name == first).map(|a| Wanted::Type(a.ty.clone()));
    }
    let sentence = spec.sentences.iter().find(|s| s.head == first)?;
    let kinds = sentence.slots.iter().flat_map(|slot| match slot {
        Slot::Peers(_, kinds) | Slot::Target(_, kinds) => kinds.to_vec(),
        Slot::Word(_) | Slot::Choice(..) | Slot::Number(_) | Slot::Services(_) | Slot::Text(_) => vec![],
    });
    Some(Wanted::Kinds(kinds.collect()))
}

/// Names that may stand for a value.
fn names(project: &Project, at: Span, wanted: Option<&Wanted>) -> Vec<CompletionItem> {
    let mut words: Vec<CompletionItem> = vec![];
    let mut kinds: Option<Vec<String>> = None;
    match wanted {
        Some(Wanted::Type(ty)) => {
            let mut ty = ty;
            while let Type::List(of) | Type::Set(of) = ty {
                ty = of;
            }
            match ty {
                Type::OneOf(of) => return of.iter().map(|w| item(&format!("{w:?}"), CompletionItemKind::EnumMember, None, None)).collect(),
                Type::Bool => words.extend(["true", "false"].map(|w| item(w, CompletionItemKind::Keyword, None, None))),
                Type::Ref(kind) => kinds = Some(vec![kind.to_string()]),
                _ => {}
            }
        }
        Some(Wanted::Kinds(of)) => kinds = Some(of.iter().map(|k| (*k).to_owned()).collect()),
        None => {}
    }
    let here = project.path(at.file()).and_then(|p| p.parent());
    for mention in project.declared() {
        match &mention.symbol {
            Symbol::Resource(directory, kind, name)
                if here == Some(&**directory) && kinds.as_ref().is_none_or(|kinds| kinds.iter().any(|k| **k == **kind)) =>
            {
                words.push(item(&format!("{kind}.{name}"), CompletionItemKind::Reference, None, None));
            }
            Symbol::Local(directory, name) if here == Some(&**directory) => {
                words.push(item(name, CompletionItemKind::Variable, None, None))
            }
            Symbol::Module(directory, name) if here == Some(&**directory) => {
                words.push(item(&format!("module.{name}"), CompletionItemKind::Module, None, None));
            }
            _ => {}
        }
    }
    if kinds.is_none() {
        let all = resolve::functions().map(|f| item(f.name, CompletionItemKind::Function, Some(f.usage.into()), Some(f.doc.into())));
        words.extend(all);
    }
    words
}

/// What follows `vpc.`, `vpc.main.` or `module.edge.`.
fn after_dot(project: &Project, at: Span, path: &str) -> Vec<CompletionItem> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let path = path.rsplit(|c: char| !(word(c) || c == '.')).next().unwrap_or_default();
    let steps: Vec<&str> = path.split('.').collect();
    let here = project.path(at.file()).and_then(|p| p.parent());
    let declared = || project.declared().iter().map(|m| &m.symbol);
    match steps[..] {
        ["module"] => declared()
            .filter_map(|s| match s {
                Symbol::Module(directory, name) if here == Some(&**directory) => Some(item(name, CompletionItemKind::Module, None, None)),
                _ => None,
            })
            .collect(),
        [kind] => declared()
            .filter_map(|s| match s {
                Symbol::Resource(directory, of, name) if here == Some(&**directory) && &**of == kind => {
                    Some(item(name, CompletionItemKind::Reference, None, None))
                }
                _ => None,
            })
            .collect(),
        [kind, _] => {
            let attrs = resources::spec(kind).map(|s| s.attrs.iter()).into_iter().flatten();
            let attrs =
                attrs.map(|a| item(a.name, CompletionItemKind::Field, Some(a.ty.to_string()), manual::about_attribute(kind, a.name)));
            let own = resources::spec(kind).map(|_| item("id", CompletionItemKind::Field, Some("string".into()), None));
            own.into_iter().chain(attrs).collect()
        }
        _ => vec![],
    }
}
