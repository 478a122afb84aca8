//! Quick fixes: the edits that diagnostics offer, and those that make a refuted statement hold. Layer 9.
//!
//! The latter are tried before they are offered, when somebody asks for them, and not on keystrokes.

use std::collections::{BTreeMap, HashMap};

use gen_lsp_types::{CodeAction, CodeActionKind, CodeActionParams, CodeActionResponse, Range, TextEdit, Uri, WorkspaceEdit};

use crate::{
    base::{
        address::Address,
        codes::prove as codes,
        diagnostic::{Diagnostic, Fix},
        span::{FileId, Span},
    },
    lsp::{
        Unsaved, diagnostic, place,
        session::{Project, Session},
    },
    mend::{self, Remedy},
    syntax::ast::Item,
};

/// How many resources all tries for one statement may go through together: nobody waits long for a fix.
const WORK_MAX: usize = 50_000;

/// The fixes of what is wrong at a place.
pub(super) fn fixes(session: &Session<'_>, params: &CodeActionParams) -> Vec<CodeActionResponse> {
    let Some(path) = place::path_of(&params.text_document.uri) else { return vec![] };
    let mut found: Vec<CodeAction> = vec![];
    let mut add = |actions: Vec<CodeAction>| actions.into_iter().for_each(|a| found.extend((!found.contains(&a)).then_some(a)));
    for (project, file) in session.of(&path) {
        for wrong in project.diagnostics() {
            let Some(first) = wrong.labels.first().filter(|l| l.span.file() == file) else { continue };
            let Some(range) = session.range(project, first.span).filter(|r| touch(*r, params.range)) else { continue };
            if [&codes::FORBIDDEN, &codes::REQUIRED].contains(&wrong.code) {
                add(mended(session, project, wrong, (first.span, range)));
            } else if !wrong.fixes.is_empty() {
                add(action(session, project, wrong, range).into_iter().collect());
            }
        }
        add(moved(session, project, file, params.range));
    }
    found.into_iter().map(CodeActionResponse::CodeAction).collect()
}

/// All edits of a diagnostic together.
fn action(session: &Session<'_>, project: &Project, wrong: &Diagnostic, range: Range) -> Option<CodeAction> {
    let title = wrong.help.clone().unwrap_or_else(|| match wrong.fixes.first() {
        Some(fix) if !fix.replacement.is_empty() => format!("write `{}`", fix.replacement.trim()),
        _ => "take it out".into(),
    });
    quick(session, project, title, &wrong.fixes, Some((wrong, range)), true)
}

fn quick(
    session: &Session<'_>,
    project: &Project,
    title: String,
    fixes: &[Fix],
    wrong: Option<(&Diagnostic, Range)>,
    preferred: bool,
) -> Option<CodeAction> {
    let mut changes: HashMap<Uri, Vec<TextEdit>> = HashMap::new();
    for fix in fixes {
        let uri = session.uri(project.path(fix.span.file())?);
        changes.entry(uri).or_default().push(TextEdit { range: session.range(project, fix.span)?, new_text: fix.replacement.clone() });
    }
    Some(CodeAction {
        title,
        kind: Some(CodeActionKind::QuickFix),
        diagnostics: wrong.map(|(wrong, range)| vec![diagnostic::shown(session, project, wrong, range)]),
        is_preferred: Some(preferred),
        edit: Some(WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }),
        ..CodeAction::default()
    })
}

fn touch(a: Range, b: Range) -> bool {
    a.start <= b.end && b.start <= a.end
}

/// What makes a refuted statement hold; what that costs is in the title.
fn mended(session: &Session<'_>, project: &Project, wrong: &Diagnostic, (at, range): (Span, Range)) -> Vec<CodeAction> {
    let known = project.remedies.borrow().get(&at).cloned();
    let all = known.unwrap_or_else(|| {
        let found = remedies(session, project, at);
        project.remedies.borrow_mut().insert(at, found.clone());
        found
    });
    let one = |(n, remedy): (usize, &Remedy)| {
        let lost: Vec<String> = remedy.loses.iter().map(|p| format!("`{p}`")).collect();
        let title = if lost.is_empty() {
            remedy.title.clone()
        } else {
            format!("{}, after which {} {} no more", remedy.title, lost.join(", "), if lost.len() == 1 { "holds" } else { "hold" })
        };
        quick(session, project, title, &remedy.edits, Some((wrong, range)), n == 0 && lost.is_empty())
    };
    all.iter().enumerate().filter_map(one).collect()
}

fn remedies(session: &Session<'_>, project: &Project, at: Span) -> Vec<Remedy> {
    let (Ok(opened), Some(verdicts)) = (&project.opened, project.verdicts()) else { return vec![] };
    let attempt = |edits: &[Fix]| {
        let imagined = session.imagined(project, edited(project, edits)?);
        imagined.verdicts()?;
        imagined.into_verdicts()
    };
    let (sources, files) = (&opened.analysis.sources, &*opened.analysis.files);
    let tries = (WORK_MAX / opened.analysis.model.resources.len().max(1)).max(2);
    mend::remedies(&mend::Case { verdicts, sources, files, tries, attempt: &attempt }, at)
}

/// The texts of a project's files after edits; `None` where one is in no file that can be edited.
fn edited(project: &Project, edits: &[Fix]) -> Option<Unsaved> {
    let mut of_files: BTreeMap<FileId, Vec<&Fix>> = BTreeMap::new();
    edits.iter().for_each(|edit| of_files.entry(edit.span.file()).or_default().push(edit));
    let mut texts = Unsaved::new();
    for (file, mut edits) in of_files {
        let mut text = project.opened.as_ref().ok()?.analysis.sources.get(file)?.text.to_string();
        // Stable: what is put in at one place stays in its order.
        edits.sort_by_key(|e| e.span.start());
        for edit in edits.iter().rev() {
            text.get(edit.span.start()..edit.span.end())?;
            text.replace_range(edit.span.start()..edit.span.end(), &edit.replacement);
        }
        texts.insert(project.path(file)?.to_path_buf(), text.into());
    }
    Some(texts)
}

/// A `moved` for a block that is not applied, where one like it is applied and declared no more: else the next plan would unmake
/// that one and make this one anew.
fn moved(session: &Session<'_>, project: &Project, file: FileId, range: Range) -> Vec<CodeAction> {
    let Ok(opened) = &project.opened else { return vec![] };
    let model = &opened.analysis.model;
    let items = opened.analysis.files.get(usize::from(file.0)).map_or(&[][..], |f| &f.items);
    let at_cursor = |block: &&crate::syntax::ast::Block| {
        session.range(project, block.kind.span.to(block.name.span)).is_some_and(|head| touch(head, range))
    };
    let block = items.iter().find_map(|item| if let Item::Resource(block) = item { Some(block).filter(at_cursor) } else { None });
    // A module's resources are moved where the module is used.
    let own = project.path(file).and_then(|p| p.parent()) == Some(&*project.directory);
    let Some(block) = block.filter(|_| own && !opened.analysis.has_errors()) else { return vec![] };
    let Ok(applied) = session.applied(project) else { return vec![] };
    let named = |a: &&Address| a.module().is_empty() && a.kind() == &*block.kind.text;
    let here: Vec<&Address> = model.resources.keys().filter(named).filter(|a| a.name() == &*block.name.text).collect();
    if here.iter().any(|a| applied.contains(a)) {
        return vec![];
    }
    let was_moved = |a: &Address| model.moved.iter().any(|m| m.from == *a);
    let gone = applied.iter().filter(named).filter(|a| !model.resources.contains_key(a) && !was_moved(a));
    let mut names: Vec<&str> = gone.clone().map(Address::name).collect();
    names.dedup();
    let end = Span::new(file, block.span.end(), block.span.end());
    let one = |name: &str| {
        let pairs = gone.clone().filter(|a| a.name() == name).map(|from| (from, here.iter().find(|to| to.key() == from.key())));
        let pairs: Option<Vec<String>> = pairs.map(|(from, to)| Some(format!("moved {from} to {}", to?))).collect();
        let lines = pairs?.join("\n");
        let title = format!("write `{}`: it is what was applied, under a new name", lines.replace('\n', "`, `"));
        quick(session, project, title, &[Fix { span: end, replacement: format!("\n\n{lines}") }], None, names.len() == 1)
    };
    names.iter().filter_map(|name| one(name)).collect()
}
