//! What is declared in a file, for its outline; and in all of them, for whoever looks for a name. Layer 9.

use gen_lsp_types::{BaseSymbolInformation, DocumentSymbol, Location, SymbolKind, WorkspaceSymbol};

use crate::{
    lsp::{place::Lines, session::Session},
    syntax::ast::{Entry, File, Item, Name, Target},
};

/// The outline of a file.
pub(super) fn outline(file: &File, lines: &Lines<'_>) -> Vec<DocumentSymbol> {
    file.items.iter().map(|item| symbol(item, lines)).collect()
}

/// How many names an answer holds.
const FOUND_MAX: usize = 1_000;

/// What is declared in the projects that are open and in their modules, whose name has these letters in this order.
pub(super) fn named(session: &Session<'_>, query: &str) -> Vec<WorkspaceSymbol> {
    let mut found: Vec<WorkspaceSymbol> = vec![];
    for project in session.projects() {
        let Ok(opened) = &project.opened else { continue };
        for ((file, path), (_, source)) in opened.analysis.files.iter().zip(&opened.paths).zip(opened.analysis.sources.iter()) {
            let lines = Lines::new(&source.text, session.encoding);
            for one in outline(file, &lines).into_iter().filter(|s| has_letters(&s.name, query)) {
                if found.len() >= FOUND_MAX {
                    return found;
                }
                let location = Location { uri: session.uri(path), range: one.selection_range };
                let name = BaseSymbolInformation { name: one.name, kind: one.kind, tags: None, container_name: None };
                let symbol = WorkspaceSymbol { location: location.into(), data: None, base_symbol_information: name };
                // Two projects may hold one file.
                found.extend((!found.contains(&symbol)).then_some(symbol));
            }
        }
    }
    found
}

fn has_letters(name: &str, query: &str) -> bool {
    let mut letters = name.chars().flat_map(char::to_lowercase);
    query.chars().flat_map(char::to_lowercase).all(|wanted| letters.any(|c| c == wanted))
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
