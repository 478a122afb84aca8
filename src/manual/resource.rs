//! A page for each resource type, from its Spec alone.

use std::fmt::Write as _;

use crate::{
    analysis::{self, Inputs},
    manual::{Group, Page, example, summary},
    registry::{SentenceSpec, Slot, Spec},
    resources,
    schema::{
        attr::{Attr, Change, Type},
        value::Value,
    },
};

/// A page for each type, in the order of [`resources::ALL`].
pub(super) fn pages() -> Vec<Page> {
    resources::ALL.iter().map(|spec| page(spec)).collect()
}

fn page(spec: &Spec) -> Page {
    let mut text = format!("{}\n\n## Example\n\n```secnet\n{}```\n", prose(spec.doc), spec.example);
    attributes(spec, &mut text);
    sentences(spec, &mut text);
    parts(spec, &mut text);
    attached(spec, &mut text);
    text.push_str("\n## In EC2\n\n");
    match spec.id_prefix {
        "" => text.push_str("EC2 has no id for it: that of its region stands for it. "),
        prefix => drop(write!(text, "Its ids begin with `{prefix}`. ")),
    }
    text.push_str(if spec.create_first {
        "When it must be replaced, its successor is made first.\n"
    } else {
        "When it must be replaced, it is deleted first.\n"
    });
    Page { id: spec.kind.to_owned(), title: spec.kind.to_owned(), summary: summary(spec.doc), group: Group::Resources, text }
}

/// Doc comments keep the space after `///`, which would make code of some lines.
fn prose(doc: &str) -> String {
    doc.lines().map(str::trim).collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// Whether an attribute is never written: of what AWS gives, its place says in which VPC.
fn is_told(spec: &Spec, attr: &Attr) -> bool {
    spec.stands_for.is_some() && attr.name == "vpc"
}

fn attributes(spec: &Spec, text: &mut String) {
    text.push_str("\n## Attributes\n");
    for attr in spec.attrs.iter().filter(|a| a.change != Change::Computed && !is_told(spec, a)) {
        let _ = write!(text, "\n### `{}`\n\n{}.\n\n{}\n", attr.name, terms(attr, spec), prose(attr.doc));
    }
    if spec.tag_type.is_some() {
        text.push_str("\n### `tags`\n\n`map(string)`; optional; changed in place.\n\nIts tags, besides those of the project.\n");
    }
    text.push_str("\nEvery resource also takes [`after`](resources.what-is-made-before-what) and a [`lifecycle`](changes.what-may-happen-to-a-resource) \
         block.\n");
    let computed: Vec<&Attr> = spec.attrs.iter().filter(|a| a.change == Change::Computed || is_told(spec, a)).collect();
    if !computed.is_empty() {
        text.push_str("\n## What EC2 decides\n\nThese can be read, and are known once it stands.\n");
        for attr in computed {
            let _ = write!(text, "\n### `{}`\n\n{}.\n\n{}\n", attr.name, takes(&attr.ty), prose(attr.doc));
        }
    }
}

/// What an attribute takes, whether it must be, and what a change of it costs.
fn terms(attr: &Attr, spec: &Spec) -> String {
    let need = match &attr.default {
        Some(Value::List(none)) if none.is_empty() => "optional".to_owned(),
        Some(default) => format!("optional, `{default}` if left out"),
        None if attr.required => "required".to_owned(),
        None => "optional".to_owned(),
    };
    let cost = match attr.change {
        Change::InPlace => "changed in place".to_owned(),
        Change::Parts => "changed in place, piece by piece".to_owned(),
        Change::Replace => format!("a change replaces the {}", spec.kind),
        Change::Ours => "for secnet alone, EC2 is not told".to_owned(),
        Change::Computed => return format!("{}; known once it stands", takes(&attr.ty)),
    };
    format!("{}; {need}; {cost}", takes(&attr.ty))
}

/// What an editor tells of a type.
#[must_use]
pub fn about(kind: &str) -> Option<String> {
    resources::spec(kind).map(|spec| unlinked(&format!("**{kind}**\n\n{}", prose(spec.doc))))
}

/// What an editor tells of an attribute of a type.
#[must_use]
pub fn about_attribute(kind: &str, name: &str) -> Option<String> {
    let spec = resources::spec(kind)?;
    if name == "tags" && spec.tag_type.is_some() {
        return Some("`map(string)`; optional; changed in place.\n\nIts tags, besides those of the project.\n".into());
    }
    let attr = spec.attrs.iter().find(|a| a.name == name)?;
    Some(unlinked(&format!("**{kind}.{name}**: {}.\n\n{}\n", terms(attr, spec), prose(attr.doc))))
}

/// What an editor tells of a sentence in a type.
#[must_use]
pub fn about_sentence(kind: &str, head: &str) -> Option<String> {
    let sentence = resources::spec(kind)?.sentences.iter().find(|s| s.head == head)?;
    let shape = shape(sentence);
    Some(unlinked(&format!("`{shape}`\n\n{}\n\n```secnet\n{}\n```\n", prose(sentence.doc), sentence.example)))
}

/// A text whose links are words: they lead to pages that an editor does not have.
fn unlinked(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("](") {
        let Some(((start, word), (_, end))) = before.rsplit_once('[').zip(after.split_once(')')) else { break };
        plain.push_str(start);
        plain.push_str(word);
        rest = end;
    }
    plain + rest
}

/// A type, with links to the resource types in it.
fn takes(ty: &Type) -> String {
    match ty {
        Type::Ref(kind) => format!("[`{kind}`]({kind})"),
        Type::Set(of) | Type::List(of) => format!("a list of {}", takes(of)),
        Type::OneOf(words) => words.iter().map(|w| format!("`{w:?}`")).collect::<Vec<_>>().join(" or "),
        other => format!("`{other}`"),
    }
}

fn sentences(spec: &Spec, text: &mut String) {
    if spec.sentences.is_empty() {
        return;
    }
    text.push_str("\n## Sentences\n");
    for sentence in spec.sentences {
        let doc = prose(sentence.doc);
        let _ = write!(text, "\n### `{}`\n\n{doc}\n\n", shape(sentence));
        let _ = write!(text, "```secnet in {}\n{}\n```\n", spec.kind, sentence.example);
        for slot in sentence.slots {
            let _ = text.write_str(&explained(slot));
        }
    }
}

/// `in NUMBER allow|deny SERVICE from PEERS`
fn shape(sentence: &SentenceSpec) -> String {
    let mut words = vec![sentence.head.to_owned()];
    words.extend(sentence.slots.iter().map(|slot| match slot {
        Slot::Word(word) => (*word).to_owned(),
        Slot::Choice(_, of) => of.join("|"),
        Slot::Text(name) => format!("[\"{}\"]", name.to_uppercase()),
        Slot::Number(name) | Slot::Services(name) | Slot::Peers(name, _) | Slot::Target(name, _) => name.to_uppercase(),
    }));
    words.join(" ")
}

/// What a place in a sentence takes, as an item of a list; nothing where the shape says it.
fn explained(slot: &Slot) -> String {
    let kinds = |of: &[&str]| of.iter().map(|k| format!("[`{k}`]({k})")).collect::<Vec<_>>();
    match slot {
        Slot::Word(_) | Slot::Choice(..) => String::new(),
        Slot::Number(name) => format!("\n- `{}`: a whole number", name.to_uppercase()),
        Slot::Services(name) => format!("\n- `{}`: a [service](values.services) or a list of them", name.to_uppercase()),
        Slot::Peers(name, of) => {
            let mut all = vec!["`anywhere`".to_owned(), "a network".to_owned(), "an address".to_owned()];
            all.extend(kinds(of));
            format!("\n- `{}`: {}, or a list of them", name.to_uppercase(), all.join(", "))
        }
        Slot::Target(name, of) => format!("\n- `{}`: one of {}", name.to_uppercase(), kinds(of).join(", ")),
        Slot::Text(name) => format!("\n- `{}`: a text, which may be left out", name.to_uppercase()),
    }
}

fn parts(spec: &Spec, text: &mut String) {
    if spec.parts.is_empty() {
        return;
    }
    text.push_str("\n\n## Parts\n\nEC2 makes and unmakes these by themselves; a plan shows each on a line of its own.\n");
    for part in spec.parts {
        let _ = write!(text, "\n- `{}`: {}", part.name, prose(part.doc).replace('\n', " "));
    }
    text.push('\n');
}

/// What AWS would attach to those of the example.
fn attached(spec: &Spec, text: &mut String) {
    let whole = example::complete(spec.example);
    let analysis = analysis::analyze(vec![("main.secnet".into(), whole)], &Inputs::default());
    let own = analysis.model.resources.values().filter(|r| r.address.kind() == spec.kind);
    let all: Vec<String> = own.flat_map(|r| (spec.attached)(r, &analysis.model)).collect();
    if all.is_empty() {
        return;
    }
    text.push_str("\n## What AWS attaches by itself\n\nOf the example a plan would say:\n");
    for sentence in all {
        let _ = write!(text, "\n- {sentence}");
    }
    text.push('\n');
}
