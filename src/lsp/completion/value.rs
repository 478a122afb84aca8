//! Values that could be written: networks that are free, types of instances, zones and regions. Layer 9.

use gen_lsp_types::{CompletionItem, CompletionItemKind, TextEdit};

use crate::{
    base::{
        cidr::{Cidr, Family},
        span::Span,
    },
    lsp::{
        context::Around,
        hover::free,
        session::{Project, Session},
        tree::{Node, nodes},
    },
    resources,
    schema::{model::Model, value::Value},
    sim,
    syntax::ast::{Body, Entry, ExprKind},
};

use super::item;

/// How many networks are offered.
const NETWORKS_MAX: usize = 8;
/// The length of a prefix that most subnets have.
const USUAL: u8 = 24;

/// Values for the attribute that is being written, in quotes where they need them.
pub(super) fn of(session: &Session<'_>, project: &Project, at: Span, (around, line): (&Around, &str)) -> Vec<CompletionItem> {
    let Some((name, written)) = attribute(line) else { return vec![] };
    let start = Span::new(at.file(), at.start() - written.len(), at.start());
    let mut found: Vec<CompletionItem> = words(project, around, name)
        .into_iter()
        .map(|(word, detail)| edit(session, project, start, &format!("{word:?}"), detail))
        .collect();
    if name == "cidr_block" && resources::spec(&around.kind).is_some_and(|spec| spec.attr(name).is_some()) {
        found.extend(networks(project, at, &around.kind).into_iter().map(|(network, detail)| {
            let item = edit(session, project, start, &network.to_string(), Some(detail));
            // In the order of their addresses, before any name.
            CompletionItem { sort_text: Some(format!("0{:039}", network.first_number())), ..item }
        }));
    }
    found
}

/// The same within quotes that are open.
pub(super) fn within_quotes(session: &Session<'_>, project: &Project, at: Span, (around, line): (&Around, &str)) -> Vec<CompletionItem> {
    let Some((name, written)) = attribute(line) else { return vec![] };
    let Some((_, typed)) = written.rsplit_once('"') else { return vec![] };
    let start = Span::new(at.file(), at.start() - typed.len(), at.start());
    words(project, around, name).into_iter().map(|(word, detail)| edit(session, project, start, &word, detail)).collect()
}

/// The attribute on a line, and what is written of its value so far.
fn attribute(line: &str) -> Option<(&str, &str)> {
    let (head, value) = line.rsplit_once('=')?;
    let name = head.trim_end().rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next()?;
    Some((name, value.trim_start())).filter(|(name, _)| !name.is_empty())
}

fn edit(session: &Session<'_>, project: &Project, over: Span, text: &str, detail: Option<String>) -> CompletionItem {
    let edit = session.range(project, over).map(|range| TextEdit { range, new_text: text.to_owned() }.into());
    CompletionItem { text_edit: edit, filter_text: Some(text.to_owned()), ..item(text, CompletionItemKind::Value, detail, None) }
}

/// Texts that an attribute takes, of which there are many more than a type could list.
fn words(project: &Project, around: &Around, name: &str) -> Vec<(String, Option<String>)> {
    let plain = |word: &str| (word.to_owned(), None);
    match name {
        "instance_type" => sim::usual_instance_types().map(|(name, detail)| (name.to_owned(), Some(detail))).collect(),
        "region" if matches!(&*around.kind, "project" | "env" | "account") => sim::REGIONS.iter().map(|r| plain(r)).collect(),
        "availability_zone" => {
            let region = project.opened.as_ref().ok().and_then(|o| o.analysis.model.project.region.clone());
            region.iter().flat_map(|region| ["a", "b", "c"].map(|zone| plain(&format!("{region}{zone}")))).collect()
        }
        _ => vec![],
    }
}

/// Networks that are free: for a subnet in its VPC, for a VPC beside the others.
fn networks(project: &Project, at: Span, kind: &str) -> Vec<(Cidr, String)> {
    let Ok(opened) = &project.opened else { return vec![] };
    let model = &opened.analysis.model;
    let file = opened.analysis.files.get(usize::from(at.file().0));
    let all = file.map(|file| nodes(file)).unwrap_or_default();
    let inside = |body: &&Body| body.span.start() < at.start() && at.start() <= body.span.end();
    let mut bodies = all.iter().filter_map(|node| if let Node::Body(body) = node { Some(*body) } else { None });
    let body = bodies.rfind(inside);
    // What stands here itself is in nobody's way.
    let own = |span: Option<&Span>| span.is_some_and(|s| s.file() == at.file() && s.start() <= at.start() && at.start() <= s.end() + 1);
    let used = |of: &str| -> Vec<Cidr> {
        let others = model.resources.values().filter(|r| r.address.kind() == of && !own(r.spans.get("cidr_block")));
        others.filter_map(|r| if let Some(Value::Cidr(cidr)) = r.record.get("cidr_block") { Some(*cidr) } else { None }).collect()
    };
    match kind {
        "subnet" => {
            let Some((name, range)) = vpc_of(model, body) else { return vec![] };
            let used: Vec<Cidr> = used("subnet").into_iter().filter(|c| range.contains(*c)).collect();
            let usual = used.first().map_or(USUAL, |first| first.prefix()).clamp(range.prefix().max(16), 28);
            parts(range, &used, usual).into_iter().map(|cidr| (cidr, format!("free in {name}"))).collect()
        }
        "vpc" => {
            let used = used("vpc");
            let ten: Option<Cidr> = "10.0.0.0/8".parse().ok();
            let free = ten.map(|ten| parts(ten, &used, 16)).unwrap_or_default();
            free.into_iter().map(|cidr| (cidr, "in no other VPC of the project".to_owned())).collect()
        }
        _ => vec![],
    }
}

/// The first few networks of a length in a range that nothing is in.
fn parts(range: Cidr, used: &[Cidr], prefix: u8) -> Vec<Cidr> {
    let mut left = vec![];
    if range.family() == Family::V4 {
        free(range, used, &mut left);
    }
    let cut = |block: Cidr| {
        let bits = prefix.checked_sub(block.prefix());
        (0..NETWORKS_MAX as u64).map_while(move |n| bits.and_then(|bits| block.subnet(bits, n.into())))
    };
    left.into_iter().flat_map(cut).take(NETWORKS_MAX).collect()
}

/// The VPC that a body names, or the only one that there is.
fn vpc_of(model: &Model, body: Option<&Body>) -> Option<(String, Cidr)> {
    let named = body.and_then(|body| {
        body.entries.iter().find_map(|entry| match entry {
            Entry::Attribute(a) if &*a.name.text == "vpc" => match &a.value.kind {
                ExprKind::Field(_, name) => Some(name.text.clone()),
                _ => None,
            },
            _ => None,
        })
    });
    let mut all = model.resources.values().filter(|r| r.address.kind() == "vpc");
    let mut fitting = all.clone().filter(|r| named.as_ref().is_some_and(|name| r.address.name() == &**name));
    let vpc = fitting.next().or_else(|| all.next().filter(|_| all.next().is_none()))?;
    let Some(Value::Cidr(range)) = vpc.record.get("cidr_block") else { return None };
    Some((vpc.address.to_string(), *range))
}
