//! Where a name is declared, and where it is used. Layer 9.

use gen_lsp_types::{Location, TextDocumentPositionParams};

use crate::lsp::session::Session;

/// Where the name at a place is declared.
pub(super) fn declared(session: &Session<'_>, at: &TextDocumentPositionParams) -> Vec<Location> {
    found(session, at, |declares| declares)
}

/// Where the name at a place is used, in every project that is open, and perhaps where it is declared.
pub(super) fn all(session: &Session<'_>, at: &TextDocumentPositionParams, declarations: bool) -> Vec<Location> {
    found(session, at, |declares| declarations || !declares)
}

fn found(session: &Session<'_>, at: &TextDocumentPositionParams, wanted: impl Fn(bool) -> bool) -> Vec<Location> {
    let mut found = vec![];
    for (project, at) in session.at(at) {
        let Some(mention) = project.mention(at) else { continue };
        let same = project.mentions().filter(|m| m.symbol == mention.symbol && wanted(m.declares));
        for location in same.filter_map(|m| session.location(project, m.span)) {
            if !found.contains(&location) {
                found.push(location);
            }
        }
    }
    found
}
