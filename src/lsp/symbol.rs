//! What is declared in a file, for its outline. Layer 9.

use gen_lsp_types::{DocumentSymbol, SymbolKind};

use crate::{
    lsp::place::Lines,
    syntax::ast::{Entry, File, Item, Name, Target},
};

/// The outline of a file.
pub(super) fn outline(file: &File, lines: &Lines<'_>) -> Vec<DocumentSymbol> {
    file.items.iter().map(|item| symbol(item, lines)).collect()
}

fn symbol(item: &Item, lines: &Lines<'_>) -> DocumentSymbol {
    let span = item.span();
    let of = |name: &Name| (name.text.to_string(), name.span);
    let target = |word: &str, target: &Target| (format!("{word} {}.{}", target.kind.text, target.name.text), target.span);
    let ((name, at), kind) = match item {
        Item::Project(p) => (of(&p.name), SymbolKind::Package),
        Item::Variable(v) => (of(&v.name), SymbolKind::Variable),
        Item::Let(l) => (of(&l.name), SymbolKind::Constant),
        Item::Output(o) => (of(&o.name), SymbolKind::Field),
        Item::Resource(b) | Item::Existing(b) => ((format!("{}.{}", b.kind.text, b.name.text), b.name.span), SymbolKind::Object),
        Item::Policy(p) => (of(&p.name), SymbolKind::Interface),
        Item::Module(m) => ((format!("module.{}", m.name.text), m.name.span), SymbolKind::Module),
        Item::Env(e) => (of(&e.name), SymbolKind::Namespace),
        Item::Neighbour(n) => (of(&n.name), SymbolKind::Package),
        Item::Test(t) => (of(&t.name), SymbolKind::Method),
        Item::Moved(m) => (target("moved", &m.from), SymbolKind::Event),
        Item::Forget(f) => (target("forget", &f.target), SymbolKind::Event),
        Item::Import(i) => (target("import", &i.to), SymbolKind::Event),
        Item::Waive(w) => ((format!("waive {}", w.policy.text), w.policy.span), SymbolKind::Event),
        Item::Extend(e) => (("extend".into(), e.target.span), SymbolKind::Object),
    };
    let children = match item {
        Item::Policy(p) => p.body.entries.iter().filter_map(|e| sentence(e, lines)).collect(),
        _ => vec![],
    };
    // Editors take a name that is not inside of its statement for an error.
    let at = if span.start() <= at.start() && at.end() <= span.end() { at } else { span };
    #[expect(deprecated, reason = "the field is there all the same")]
    DocumentSymbol {
        // An empty name is an error, too.
        name: if name.is_empty() { "?".into() } else { name },
        detail: None,
        kind,
        tags: None,
        deprecated: None,
        range: lines.of(span),
        selection_range: lines.of(at),
        children: Some(children),
    }
}

fn sentence(entry: &Entry, lines: &Lines<'_>) -> Option<DocumentSymbol> {
    let Entry::Sentence(sentence) = entry else { return None };
    let name = lines.text(sentence.span).split_whitespace().collect::<Vec<_>>().join(" ");
    let range = lines.of(sentence.span);
    #[expect(deprecated, reason = "the field is there all the same")]
    Some(DocumentSymbol {
        name,
        detail: None,
        kind: SymbolKind::Method,
        tags: None,
        deprecated: None,
        range,
        selection_range: range,
        children: None,
    })
}
