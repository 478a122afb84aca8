//! Commands that lenses carry: the witness of a policy that is not proven. Layer 9.

use gen_lsp_types::{
    ExecuteCommandParams, LspNotificationMethod, LspRequestMethod, MessageType, ShowDocumentParams, ShowMessageParams, Uri,
};
use lsp_server::{Message, Notification, Request};

use crate::{
    base::span::Span,
    lsp::{
        place,
        session::{Project, Session},
    },
    prove::policy::{Judged, Outcome},
};

/// Shows a packet that goes against a statement, its way, and the line that lets it pass or stops it. Arguments: the file's URI, and
/// the bytes between which the statement stands.
pub(super) const WITNESS: &str = "secnet.witness";

/// Every command.
pub(super) const ALL: [&str; 1] = [WITNESS];

/// Carries a command out.
///
/// # Errors
/// It is none of ours, or what it is about is there no more.
pub(super) fn run(session: &Session<'_>, params: &ExecuteCommandParams) -> Result<(), String> {
    if params.command != WITNESS {
        return Err(format!("there is no command `{}`", params.command));
    }
    let arguments = params.arguments.as_deref().unwrap_or_default();
    let number = |n: usize| arguments.get(n).and_then(|v| v.as_u64()).and_then(|n| usize::try_from(n).ok());
    let uri = arguments.first().and_then(|v| v.as_str()).map(|uri| Uri(uri.to_owned()));
    let (Some(uri), Some(start), Some(end)) = (uri, number(1), number(2)) else {
        return Err(format!("`{WITNESS}` takes the URI of a file and two places in it"));
    };
    let path = place::path_of(&uri).unwrap_or_default();
    let there = |(project, file)| {
        let at = Span::new(file, start, end.max(start));
        Some((project, worst(project, at)?))
    };
    let Some((project, judged)) = session.of(&path).into_iter().find_map(there) else {
        return Err("this statement is there no more, or is proven by now".into());
    };
    show(session, project, judged);
    Ok(())
}

/// The first turn of a statement that is not proven.
fn worst(project: &Project, at: Span) -> Option<&Judged> {
    project.verdicts()?.judged.iter().find(|j| j.span == at && j.outcome != Outcome::Proven)
}

fn show(session: &Session<'_>, project: &Project, judged: &Judged) {
    let mut said = session.aside.borrow_mut();
    let params = ShowMessageParams { kind: MessageType::Info, message: in_words(judged) };
    said.push(Notification::new(LspNotificationMethod::WindowShowMessage.as_str().into(), params).into());
    // Of a `forbid` the line that lets the packet pass, of a `require` the one that stops it.
    let stops = judged.diagnostics.iter().find_map(|d| d.labels.get(1)).map(|label| label.span);
    let place = judged.lets.first().copied().or(stops).or_else(|| judged.places.iter().rev().find_map(|place| *place));
    let Some(place) = place.and_then(|span| session.location(project, span)).filter(|_| session.shows_places) else { return };
    let params = ShowDocumentParams { uri: place.uri, external: Some(false), take_focus: Some(true), selection: Some(place.range) };
    // Nobody waits for the answer.
    let id = "secnet-show".to_owned().into();
    said.push(Message::Request(Request::new(id, LspRequestMethod::WindowShowDocument.as_str().into(), params)));
}

/// The packet and its way, a line each.
fn in_words(judged: &Judged) -> String {
    let turn = if judged.turn.is_empty() { String::new() } else { format!(" ({})", judged.turn) };
    let mut text = format!("policy `{}`{turn}: {}", judged.policy, word(judged.outcome));
    judged.reason.iter().for_each(|reason| text.push_str(&format!(": {reason}")));
    judged.packet.iter().for_each(|packet| text.push_str(&format!("\n{packet}")));
    judged.hops.iter().for_each(|hop| text.push_str(&format!("\n  {hop}")));
    judged.mend.iter().for_each(|mend| text.push_str(&format!("\nto mend it: {mend}")));
    text
}

/// A verdict in a word.
pub(super) fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Proven => "proven",
        Outcome::Refuted => "refuted",
        Outcome::Unknown => "unknown",
    }
}
