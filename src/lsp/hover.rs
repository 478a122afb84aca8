//! What is told of the name under the cursor: the manual's words, the value it has, and of a network what is left of it. Layer 9.

use std::{fmt::Write as _, path::Path, sync::Arc};

use crate::{
    base::{
        cidr::{Cidr, Family},
        span::Span,
    },
    lsp::{
        names::{Mention, Symbol},
        session::Project,
    },
    manual::resource as manual,
    resolve,
    schema::{
        model::{Model, Resource},
        value::Value,
    },
    syntax::ast::Item,
};

/// How many resources of one block are shown.
const SHOWN_MAX: usize = 5;
/// How many networks that are left are shown.
const LEFT_MAX: usize = 6;

/// Markdown about a name; `None` where there is nothing to say.
pub(super) fn about(project: &Project, mention: &Mention) -> Option<String> {
    let opened = project.opened.as_ref().ok()?;
    let model = &opened.analysis.model;
    match &mention.symbol {
        Symbol::Kind(kind) => manual::about(kind),
        Symbol::Attribute(kind, name) => {
            let mut text = manual::about_attribute(kind, name).unwrap_or_default();
            text.push_str(&values(project, mention.span, name));
            (!text.is_empty()).then_some(text)
        }
        Symbol::Sentence(kind, head) => manual::about_sentence(kind, head),
        Symbol::Function(name) => {
            let function = resolve::functions().find(|f| f.name == &**name)?;
            Some(format!("```secnet\n{}\n```\n\n{}", function.usage, function.doc))
        }
        Symbol::Network(text) => network(model, text.parse().ok()?),
        Symbol::Resource(directory, kind, name) => resource(project, directory, kind, name),
        Symbol::Local(..) | Symbol::Output(..) | Symbol::Module(..) | Symbol::Policy(..) | Symbol::Neighbour(..) => {
            declared(project, mention)
        }
        Symbol::Bound(_) => None,
    }
}

/// The statement that declares a name, and what it is worth where that is known.
fn declared(project: &Project, mention: &Mention) -> Option<String> {
    let opened = project.opened.as_ref().ok()?;
    let at = project.declaration(&mention.symbol)?.span;
    let items = opened.analysis.files.get(usize::from(at.file().0)).map_or(&[][..], |f| &f.items);
    let item = items.iter().find(|i| i.span().start() <= at.start() && at.end() <= i.span().end())?;
    let file = opened.analysis.sources.get(at.file())?;
    // What is sensitive in it stands as asterisks.
    let text = file.shown().get(item.span().start()..item.span().end())?;
    let head = text.split_once("{\n").filter(|_| !matches!(item, Item::Let(_))).map_or(text, |(head, _)| head.trim_end());
    let mut told = format!("```secnet\n{}\n```\n", head.lines().take(12).collect::<Vec<_>>().join("\n"));
    let description = match item {
        Item::Variable(v) => v.description.as_ref(),
        Item::Output(o) => o.description.as_ref(),
        Item::Policy(p) => p.description.as_ref(),
        _ => None,
    };
    description.iter().for_each(|d| told.push_str(&format!("\n{}\n", d.text)));
    if let Item::Let(binding) = item
        && let Some(value) = opened.analysis.named.get(&binding.name.span)
    {
        let _ = write!(told, "\n`{value}`\n");
        if let Value::Cidr(cidr) = value {
            network(&opened.analysis.model, *cidr).iter().for_each(|about| told.push_str(&format!("\n{about}\n")));
        }
    }
    if let (Symbol::Output(directory, name), true) = (&mention.symbol, opened.analysis.own > 0)
        && **directory == *project.directory
        && let Some(output) = opened.analysis.model.outputs.get(&**name).filter(|o| !o.sensitive)
    {
        let _ = write!(told, "\n`{}`\n", output.value);
    }
    Some(told)
}

/// The resources that come of a block.
fn of_block<'m>(model: &'m Model, span: Option<Span>, kind: &'m str, name: &'m str) -> impl Iterator<Item = &'m Resource> {
    let all = model.resources.values().filter(move |r| r.address.kind() == kind && r.address.name() == name);
    all.filter(move |r| span.is_none_or(|span| r.span.is_some_and(|own| own.file() == span.file() && own.end() == span.end())))
}

fn resource(project: &Project, directory: &Arc<Path>, kind: &Arc<str>, name: &Arc<str>) -> Option<String> {
    let opened = project.opened.as_ref().ok()?;
    let symbol = Symbol::Resource(directory.clone(), kind.clone(), name.clone());
    let at = project.declaration(&symbol)?.span;
    let mut told = format!("```secnet\n{kind} {name}\n```\n");
    let items = opened.analysis.files.get(usize::from(at.file().0)).map_or(&[][..], |f| &f.items);
    for item in items {
        if let Item::Resource(block) | Item::Existing(block) = item
            && block.name.span == at
        {
            block.doc.iter().for_each(|doc| told.push_str(&format!("\n{}\n", doc.trim())));
        }
    }
    for resource in of_block(&opened.analysis.model, Some(at), kind, name).take(SHOWN_MAX) {
        let _ = write!(told, "\n`{}`\n", resource.address);
        for attr in resource.spans.keys() {
            let value = resource.record.get(attr).filter(|v| !matches!(v, Value::Error));
            value.iter().for_each(|value| told.push_str(&format!("- `{attr}`: `{value}`\n")));
        }
    }
    Some(told)
}

/// What an attribute is worth where it is written.
fn values(project: &Project, name: Span, attr: &str) -> String {
    let Ok(opened) = &project.opened else { return String::new() };
    let model = &opened.analysis.model;
    let after = |span: Span| span.file() == name.file() && span.start() > name.end();
    let near = |r: &&Resource| r.spans.get(attr).is_some_and(|span| after(*span) && between(project, name, *span));
    let mut told = String::new();
    for resource in model.resources.values().filter(near).take(SHOWN_MAX) {
        let Some(value) = resource.record.get(attr).filter(|v| !matches!(v, Value::Error)) else { continue };
        let _ = write!(told, "\n`{}`: `{value}`\n", resource.address);
        if let Value::Cidr(cidr) = value {
            network(model, *cidr).iter().for_each(|about| told.push_str(&format!("\n{about}\n")));
        }
    }
    told
}

/// Whether nothing but `=` and blanks stand between a name and its value.
fn between(project: &Project, name: Span, value: Span) -> bool {
    let text = project.opened.as_ref().ok().and_then(|o| o.analysis.sources.get(name.file())).map_or("", |f| &f.text);
    text.get(name.end()..value.start()).is_some_and(|between| between.trim() == "=")
}

/// A network's range, and what the project's subnets leave of it.
fn network(model: &Model, cidr: Cidr) -> Option<String> {
    let last = cidr.host(cidr.last_number() - cidr.first_number())?;
    let many = cidr.last_number().checked_sub(cidr.first_number())?.checked_add(1);
    let mut told = format!("`{cidr}`: {} to {last}", cidr.network());
    if let Some(many) = many.filter(|_| cidr.family() == Family::V4) {
        let _ = write!(told, ", {many} address{}", if many == 1 { "" } else { "es" });
    }
    let mut used: Vec<Cidr> = vec![];
    for subnet in model.resources.values().filter(|r| r.address.kind() == "subnet" && !r.existing) {
        for attr in ["cidr_block", "ipv6_cidr_block"] {
            if let Some(Value::Cidr(own)) = subnet.record.get(attr) {
                used.push(*own);
            }
        }
    }
    if used.contains(&cidr) {
        let hosts = many.filter(|_| cidr.family() == Family::V4).and_then(|n| n.checked_sub(5));
        hosts.iter().for_each(|hosts| told.push_str(&format!("; a subnet of this range has {hosts} for hosts: AWS keeps 5")));
        return Some(told);
    }
    used.retain(|own| cidr.contains(*own));
    if used.is_empty() {
        return Some(told);
    }
    let mut left = vec![];
    free(cidr, &used, &mut left);
    let shown: Vec<String> = left.iter().take(LEFT_MAX).map(|c| format!("`{c}`")).collect();
    let more = left.len().saturating_sub(LEFT_MAX);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let what = if shown.is_empty() { "nothing".to_owned() } else { format!("{}{more}", shown.join(", ")) };
    let _ = write!(told, "\n\nIts subnets leave {what}");
    Some(told)
}

/// The networks in one that nothing is in, largest possible each, in order.
pub(super) fn free(cidr: Cidr, used: &[Cidr], left: &mut Vec<Cidr>) {
    if used.iter().any(|u| u.contains(cidr)) {
        return;
    }
    if !used.iter().any(|u| cidr.contains(*u)) {
        left.push(cidr);
        return;
    }
    [cidr.subnet(1, 0), cidr.subnet(1, 1)].into_iter().flatten().for_each(|half| free(half, used, left));
}
