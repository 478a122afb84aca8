//! Quick fixes: the edits that diagnostics offer. Layer 9.

use std::collections::HashMap;

use gen_lsp_types::{CodeAction, CodeActionKind, CodeActionParams, CodeActionResponse, Range, TextEdit, Uri, WorkspaceEdit};

use crate::{
    base::diagnostic::Diagnostic,
    lsp::{
        diagnostic,
        place::{self},
        session::{Project, Session},
    },
};

/// The fixes of what is wrong at a place.
pub(super) fn fixes(session: &Session<'_>, params: &CodeActionParams) -> Vec<CodeActionResponse> {
    let Some(path) = place::path_of(&params.text_document.uri) else { return vec![] };
    let mut found: Vec<CodeAction> = vec![];
    for (project, file) in session.of(&path) {
        for wrong in project.diagnostics().iter().filter(|d| !d.fixes.is_empty()) {
            let Some(first) = wrong.labels.first().filter(|l| l.span.file() == file) else { continue };
            let Some(range) = session.range(project, first.span).filter(|r| touch(*r, params.range)) else { continue };
            let action = action(session, project, wrong, range);
            found.extend(action.filter(|a| !found.contains(a)));
        }
    }
    found.into_iter().map(CodeActionResponse::CodeAction).collect()
}

/// All edits of a diagnostic together.
fn action(session: &Session<'_>, project: &Project, wrong: &Diagnostic, range: Range) -> Option<CodeAction> {
    let mut changes: HashMap<Uri, Vec<TextEdit>> = HashMap::new();
    for fix in &wrong.fixes {
        let uri = session.uri(project.path(fix.span.file())?);
        changes.entry(uri).or_default().push(TextEdit { range: session.range(project, fix.span)?, new_text: fix.replacement.clone() });
    }
    let title = wrong.help.clone().unwrap_or_else(|| match wrong.fixes.first() {
        Some(fix) if !fix.replacement.is_empty() => format!("write `{}`", fix.replacement.trim()),
        _ => "take it out".into(),
    });
    Some(CodeAction {
        title,
        kind: Some(CodeActionKind::QuickFix),
        diagnostics: Some(vec![diagnostic::shown(session, project, wrong, range)]),
        is_preferred: Some(true),
        edit: Some(WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }),
        ..CodeAction::default()
    })
}

fn touch(a: Range, b: Range) -> bool {
    a.start <= b.end && b.start <= a.end
}
