//! What an editor may ask besides the common things: which requests those are, and who answers each. Layer 9.

use gen_lsp_types::{
    CodeLensOptions, CodeLensResolveRequest, ExecuteCommandOptions, ExecuteCommandParams, InitializeParams, LspRequestMethod,
    ServerCapabilities,
};
use lsp_server::{ErrorCode, Request, Response};

use crate::lsp::{command, lens, on, session::Session};

/// What is announced.
pub(super) fn capabilities() -> ServerCapabilities {
    ServerCapabilities {
        code_lens_provider: Some(CodeLensOptions { resolve_provider: Some(true), ..CodeLensOptions::default() }),
        execute_command_provider: Some(ExecuteCommandOptions {
            commands: command::ALL.iter().map(ToString::to_string).collect(),
            ..ExecuteCommandOptions::default()
        }),
        ..ServerCapabilities::default()
    }
}

/// Whether an editor shows a place when it is asked to.
pub(super) fn shows_places(params: &InitializeParams) -> bool {
    params.capabilities.window.as_ref().and_then(|w| w.show_document.as_ref()).is_some_and(|s| s.support)
}

/// Answers.
pub(super) fn answer(session: &Session<'_>, request: Request) -> Response {
    match LspRequestMethod::from(&*request.method) {
        LspRequestMethod::CodeLensResolve => on::<CodeLensResolveRequest>(request, |lens| lens::resolved(session, lens)),
        LspRequestMethod::WorkspaceExecuteCommand => told(request, |params: ExecuteCommandParams| command::run(session, &params)),
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
