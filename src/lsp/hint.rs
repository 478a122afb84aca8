//! What the editor writes between the lines: what AWS attaches by itself, how many hosts a subnet has room for, what a `let` is worth.
//! Layer 9.

use gen_lsp_types::{InlayHint, InlayHintKind, Label, Position, Range, Tooltip};

use crate::{
    base::{
        cidr::Family,
        span::{FileId, Span},
    },
    lsp::{place::Lines, session::Project},
    resources,
    schema::value::Value,
    syntax::ast::{ExprKind, Item},
};

/// How long a hint may be; more is told when one points at it.
const LENGTH_MAX: usize = 60;
/// Addresses that AWS keeps of every subnet: <https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html>.
const KEPT: u128 = 5;

/// The hints in a part of a file.
pub(super) fn hints(project: &Project, file: FileId, lines: &Lines<'_>, within: Range) -> Vec<InlayHint> {
    let Ok(opened) = &project.opened else { return vec![] };
    let analysis = &opened.analysis;
    let items = analysis.files.get(usize::from(file.0)).map_or(&[][..], |f| &f.items);
    let mut found: Vec<(Position, String, Option<String>)> = vec![];
    for item in items {
        let range = lines.of(item.span());
        if range.end < within.start || range.start > within.end {
            continue;
        }
        match item {
            Item::Let(binding) if !is_literal(&binding.value.kind) => {
                if let Some(value) = analysis.named.get(&binding.name.span) {
                    let text = value.to_string();
                    found.push((lines.of(binding.value.span).end, format!("= {text}"), Some(text)));
                }
            }
            Item::Resource(block) => found.extend(attached(project, block.name.span, lines)),
            _ => {}
        }
    }
    for resource in analysis.model.resources.values().filter(|r| !r.existing) {
        let Some(span) = resource.spans.get("cidr_block").filter(|s| s.file() == file && resource.address.kind() == "subnet") else {
            continue;
        };
        found.extend(hosts(resource.record.get("cidr_block")).map(|text| (lines.of(*span).end, text, None)));
    }
    found.sort();
    found.dedup();
    found.retain(|(at, ..)| within.start <= *at && *at <= within.end);
    found.into_iter().map(|(at, text, more)| hint(at, &text, more)).collect()
}

fn hint(position: Position, text: &str, more: Option<String>) -> InlayHint {
    let short: String = text.chars().take(LENGTH_MAX).collect();
    let cut = short.len() < text.len();
    let label = if cut { format!("{short}...") } else { short };
    InlayHint {
        position,
        label: Label::String(label),
        kind: Some(InlayHintKind::Type),
        text_edits: None,
        tooltip: more.filter(|more| cut || more.contains('\n')).map(Tooltip::String),
        padding_left: Some(true),
        padding_right: None,
        data: None,
    }
}

/// Whether a value says by itself what it is worth.
fn is_literal(kind: &ExprKind) -> bool {
    match kind {
        ExprKind::List(all) => all.iter().all(|e| is_literal(&e.kind)),
        ExprKind::Map(all) => all.iter().all(|(_, e)| is_literal(&e.kind)),
        ExprKind::Text(pieces) => pieces.iter().all(|p| matches!(p, crate::syntax::ast::Piece::Plain(_))),
        ExprKind::Null
        | ExprKind::Bool(_)
        | ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Net(_)
        | ExprKind::Service(_)
        | ExprKind::Duration(_)
        | ExprKind::Error => true,
        _ => false,
    }
}

/// How many hosts a subnet has room for.
fn hosts(range: Option<&Value>) -> Option<String> {
    let Some(Value::Cidr(cidr)) = range else { return None };
    let many = cidr.last_number().checked_sub(cidr.first_number())?.checked_add(1)?.checked_sub(KEPT)?;
    (cidr.family() == Family::V4).then(|| format!("{many} host{}", if many == 1 { "" } else { "s" }))
}

/// What AWS attaches by itself to the resources of a block.
fn attached(project: &Project, name: Span, lines: &Lines<'_>) -> Option<(Position, String, Option<String>)> {
    let model = &project.opened.as_ref().ok()?.analysis.model;
    let mut sentences: Vec<String> = vec![];
    let of_block = |span: Span| span.file() == name.file() && span.end() == name.end();
    for resource in model.resources.values().filter(|r| !r.existing && r.span.is_some_and(of_block)) {
        let Some(spec) = resources::spec(resource.address.kind()) else { continue };
        for sentence in (spec.attached)(resource, model) {
            // Whose it is, the line says.
            let own = sentence.strip_prefix(&format!("{}: ", resource.address)).map(str::to_owned);
            let text = own.unwrap_or(sentence);
            sentences.extend((!sentences.contains(&text)).then_some(text));
        }
    }
    let first = sentences.first()?;
    let more = if sentences.len() > 1 { format!(" and {} more", sentences.len() - 1) } else { String::new() };
    let short: String = first.chars().take(LENGTH_MAX - 20).collect();
    let cut = if short.len() < first.len() { "..." } else { "" };
    Some((lines.of(name).end, format!("AWS adds {short}{cut}{more}"), Some(format!("AWS adds by itself:\n{}", sentences.join("\n")))))
}
