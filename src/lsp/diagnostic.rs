//! Diagnostics as editors take them. Layer 9: a view, which judges nothing.

use std::path::Path;

use gen_lsp_types::{
    Code as ShownCode, CodeDescription, Diagnostic as Shown, DiagnosticRelatedInformation, DiagnosticSeverity, Location, Range, Uri,
};

use crate::{
    base::{
        diagnostic::{Code, Diagnostic, Severity},
        span::Span,
    },
    lsp::{
        place,
        session::{Project, Session},
    },
    manual::site,
    syntax::ast::Item,
};

/// The file that a diagnostic is shown in; the project's directory where there is none.
pub(super) fn path<'p>(project: &'p Project, diagnostic: &Diagnostic) -> &'p Path {
    let file = place(project, diagnostic).and_then(|at| project.path(at.file()));
    file.or_else(|| project.paths().first().map(|p| &**p)).unwrap_or(&project.directory)
}

/// A diagnostic where it stands.
pub(super) fn placed(session: &Session<'_>, project: &Project, diagnostic: &Diagnostic) -> Shown {
    let range = place(project, diagnostic).and_then(|at| session.range(project, at)).unwrap_or_default();
    shown(session, project, diagnostic, range)
}

fn place(project: &Project, diagnostic: &Diagnostic) -> Option<Span> {
    diagnostic.labels.first().map(|l| l.span).or_else(|| nowhere(project))
}

/// Where what has no place is shown: at the project's name.
fn nowhere(project: &Project) -> Option<Span> {
    let items = project.opened.as_ref().ok()?.analysis.files.iter().flat_map(|f| &f.items);
    items.filter_map(|item| if let Item::Project(p) = item { Some(p.name.span) } else { None }).next()
}

/// The page that explains a code.
fn explained(pages: &Path, code: &Code) -> Uri {
    let Uri(page) = place::uri_of(pages);
    Uri(format!("{page}/{}", site::of_code(code)))
}

/// In the editor's words.
pub(super) fn shown(session: &Session<'_>, project: &Project, diagnostic: &Diagnostic, range: Range) -> Shown {
    let mut message = diagnostic.message.clone();
    let said = diagnostic.labels.first().map(|l| &*l.text).filter(|t| !t.is_empty());
    said.into_iter().for_each(|said| message.push_str(&format!("\n{said}")));
    diagnostic.help.iter().for_each(|help| message.push_str(&format!("\nhelp: {help}")));
    message.push_str(&format!("\n`secnet explain {}` says more", diagnostic.code.id));
    let others = diagnostic.labels.iter().skip(1).filter_map(|label| {
        let uri = session.uri(project.path(label.span.file())?);
        let location = Location { uri, range: session.range(project, label.span)? };
        let message = if label.text.is_empty() { "see also".into() } else { label.text.clone() };
        Some(DiagnosticRelatedInformation { location, message })
    });
    let others: Vec<_> = others.collect();
    Shown {
        range,
        severity: Some(match diagnostic.severity {
            Severity::Error => DiagnosticSeverity::Error,
            Severity::Warning => DiagnosticSeverity::Warning,
        }),
        code: Some(ShownCode::String(diagnostic.code.id.into())),
        code_description: session.manual.as_ref().map(|pages| CodeDescription { href: explained(pages, diagnostic.code) }),
        source: Some("secnet".into()),
        message: message.into(),
        tags: None,
        related_information: (!others.is_empty()).then_some(others),
        data: None,
    }
}
