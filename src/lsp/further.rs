//! What an editor may ask besides the common things: which requests those are, and who answers each. Layer 9.

use gen_lsp_types::{
    CallHierarchyIncomingCallsRequest, CallHierarchyOutgoingCallsRequest, CallHierarchyPrepareRequest, CallHierarchyProvider,
    CodeLensOptions, CodeLensResolveRequest, DocumentLinkOptions, DocumentLinkRequest, DocumentRangeFormattingProvider,
    DocumentRangeFormattingRequest, ExecuteCommandOptions, ExecuteCommandParams, FoldingRangeProvider, FoldingRangeRequest, Full,
    InitializeParams, InlayHintProvider, InlayHintRequest, LspRequestMethod, SelectionRangeProvider, SelectionRangeRequest,
    SemanticTokensOptions, SemanticTokensOptionsRange, SemanticTokensRangeRequest, SemanticTokensRequest, ServerCapabilities,
    SignatureHelpOptions, SignatureHelpRequest, Uri, WorkspaceSymbolProvider, WorkspaceSymbolRequest,
};
use lsp_server::{ErrorCode, Request, Response};

use crate::{
    base::span::FileId,
    lsp::{
        calls, command, fold, format, hint, lens, link, on,
        place::{self, Lines},
        selection,
        session::{Project, Session},
        signature, symbol, token,
    },
    syntax::ast,
};

/// What is announced.
pub(super) fn capabilities() -> ServerCapabilities {
    let tokens = SemanticTokensOptions {
        legend: token::legend(),
        range: Some(SemanticTokensOptionsRange::Bool(true)),
        full: Some(Full::Bool(true)),
        ..SemanticTokensOptions::default()
    };
    let signature =
        SignatureHelpOptions { trigger_characters: Some(["(", ",", " "].map(str::to_owned).to_vec()), ..SignatureHelpOptions::default() };
    ServerCapabilities {
        code_lens_provider: Some(CodeLensOptions { resolve_provider: Some(true), ..CodeLensOptions::default() }),
        execute_command_provider: Some(ExecuteCommandOptions {
            commands: command::ALL.iter().map(ToString::to_string).collect(),
            ..ExecuteCommandOptions::default()
        }),
        signature_help_provider: Some(signature),
        workspace_symbol_provider: Some(WorkspaceSymbolProvider::Bool(true)),
        document_range_formatting_provider: Some(DocumentRangeFormattingProvider::Bool(true)),
        folding_range_provider: Some(FoldingRangeProvider::Bool(true)),
        selection_range_provider: Some(SelectionRangeProvider::Bool(true)),
        semantic_tokens_provider: Some(tokens.into()),
        inlay_hint_provider: Some(InlayHintProvider::Bool(true)),
        document_link_provider: Some(DocumentLinkOptions::default()),
        call_hierarchy_provider: Some(CallHierarchyProvider::Bool(true)),
        ..ServerCapabilities::default()
    }
}

/// Whether an editor shows a place when it is asked to.
pub(super) fn shows_places(params: &InitializeParams) -> bool {
    params.capabilities.window.as_ref().and_then(|w| w.show_document.as_ref()).is_some_and(|s| s.support)
}

/// A source that is looked at.
struct Seen<'s> {
    project: &'s Project,
    file: FileId,
    parsed: &'s ast::File,
    text: &'s str,
    lines: Lines<'s>,
}

fn seen<'s>(session: &'s Session<'_>, uri: &Uri) -> Option<Seen<'s>> {
    let (project, file) = session.of(&place::path_of(uri)?).into_iter().next()?;
    let analysis = &project.opened.as_ref().ok()?.analysis;
    let text = &*analysis.sources.get(file)?.text;
    Some(Seen { project, file, parsed: analysis.files.get(usize::from(file.0))?, text, lines: Lines::new(text, session.encoding) })
}

/// Answers.
pub(super) fn answer(session: &Session<'_>, request: Request) -> Response {
    match LspRequestMethod::from(&*request.method) {
        LspRequestMethod::CodeLensResolve => on::<CodeLensResolveRequest>(request, |lens| lens::resolved(session, lens)),
        LspRequestMethod::WorkspaceExecuteCommand => told(request, |params: ExecuteCommandParams| command::run(session, &params)),
        LspRequestMethod::TextDocumentSignatureHelp => on::<SignatureHelpRequest>(request, |p| {
            session.at(&p.text_document_position_params).into_iter().find_map(|(project, at)| signature::help(project, at))
        }),
        LspRequestMethod::WorkspaceSymbol => on::<WorkspaceSymbolRequest>(request, |p| Some(symbol::named(session, &p.query).into())),
        LspRequestMethod::TextDocumentRangeFormatting => on::<DocumentRangeFormattingRequest>(request, |p| {
            let text = session.text(&p.text_document.uri)?;
            Some(format::edits_within(text, &Lines::new(text, session.encoding), p.range))
        }),
        LspRequestMethod::TextDocumentFoldingRange => on::<FoldingRangeRequest>(request, |p| {
            let seen = seen(session, &p.text_document.uri)?;
            Some(fold::ranges(seen.parsed, seen.text, &seen.lines))
        }),
        LspRequestMethod::TextDocumentSelectionRange => on::<SelectionRangeRequest>(request, |p| {
            let seen = seen(session, &p.text_document.uri)?;
            let around = |position| selection::around(seen.parsed, seen.text, &seen.lines, seen.lines.byte(position));
            Some(p.positions.into_iter().map(around).collect())
        }),
        LspRequestMethod::TextDocumentSemanticTokensFull => on::<SemanticTokensRequest>(request, |p| {
            let seen = seen(session, &p.text_document.uri)?;
            Some(token::tokens(seen.project, seen.file, &seen.lines, None))
        }),
        LspRequestMethod::TextDocumentSemanticTokensRange => on::<SemanticTokensRangeRequest>(request, |p| {
            let seen = seen(session, &p.text_document.uri)?;
            Some(token::tokens(seen.project, seen.file, &seen.lines, Some(p.range)))
        }),
        LspRequestMethod::TextDocumentInlayHint => on::<InlayHintRequest>(request, |p| {
            let seen = seen(session, &p.text_document.uri)?;
            Some(hint::hints(seen.project, seen.file, &seen.lines, p.range))
        }),
        LspRequestMethod::TextDocumentDocumentLink => on::<DocumentLinkRequest>(request, |p| {
            let seen = seen(session, &p.text_document.uri)?;
            Some(link::links(seen.project, seen.file, &seen.lines))
        }),
        _ => hierarchy(session, request),
    }
}

/// Answers what concerns the ways of packets.
fn hierarchy(session: &Session<'_>, request: Request) -> Response {
    match LspRequestMethod::from(&*request.method) {
        LspRequestMethod::TextDocumentPrepareCallHierarchy => on::<CallHierarchyPrepareRequest>(request, |p| {
            let at = session.at(&p.text_document_position_params);
            at.into_iter().find_map(|(project, at)| calls::prepare(session, project, at)).map(|item| vec![item])
        }),
        LspRequestMethod::CallHierarchyOutgoingCalls => {
            on::<CallHierarchyOutgoingCallsRequest>(request, |p| Some(calls::outgoing(session, &p.item)))
        }
        LspRequestMethod::CallHierarchyIncomingCalls => {
            on::<CallHierarchyIncomingCallsRequest>(request, |p| Some(calls::incoming(session, &p.item)))
        }
        _ => {
            let text = format!("secnet does not answer `{}`", request.method);
            Response::new_err(request.id, ErrorCode::MethodNotFound as i32, text)
        }
    }
}

/// Answers a request that may have to be refused, which is no bug.
fn told<P: serde::de::DeserializeOwned, R: serde::Serialize>(request: Request, answer: impl FnOnce(P) -> Result<R, String>) -> Response {
    match serde_json::from_value(request.params).map_err(|e| e.to_string()).and_then(answer) {
        Ok(answer) => Response::new_ok(request.id, answer),
        Err(why) => Response::new_err(request.id, ErrorCode::RequestFailed as i32, why),
    }
}
