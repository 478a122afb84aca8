//! The editor's server: what `check` and `prove` know, on every keystroke. Layer 9, over analysis and prove.
//!
//! One file a feature; each is a function of what was read. Files come through the [`Door`], so that what is said here is what the
//! commands say. One loop: requests and changes are taken in their order, and what was said of an older text never comes after
//! what is said of a newer one. Proving gives way to whatever waits, a statement at a time: a newer text throws away what was proved of
//! an older one, and a question is answered before proving goes on.
//!
//! What clients need besides the protocol's common parts: a lens over a policy that is not proven carries the server's command
//! `secnet.witness`, which clients send back (`workspace/executeCommand`); the server then shows the packet with its way
//! (`window/showMessage`) and, where `window.showDocument` is supported, the line that lets it pass or stops it.

mod action;
mod calls;
mod command;
mod completion;
mod context;
mod diagnostic;
mod fold;
mod format;
mod further;
mod hint;
mod hover;
mod lens;
mod link;
mod names;
mod place;
mod reference;
mod rename;
mod selection;
mod session;
mod signature;
mod symbol;
mod token;
mod told;
mod tree;

use std::{
    collections::BTreeMap,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

use gen_lsp_types::{
    CodeActionProvider, CodeActionRequest, CodeLensRequest, CompletionOptions, CompletionRequest, CompletionResponse, Contents, Definition,
    DefinitionProvider, DefinitionRequest, DocumentFormattingProvider, DocumentFormattingRequest, DocumentSymbolProvider,
    DocumentSymbolRequest, DocumentSymbolResponse, Hover, HoverProvider, HoverRequest, InitializeParams, InitializeResult,
    LspNotificationMethod, LspRequestMethod, MarkupContent, MarkupKind, MessageType, PositionEncodingKind, PrepareRenameRequest,
    PrepareRenameResult, ReferencesProvider, ReferencesRequest, RenameOptions, RenameProvider, Save, ServerCapabilities, ServerInfo,
    ShowMessageParams, TextDocumentPositionParams, TextDocumentSync, TextDocumentSyncKind, TextDocumentSyncOptions, Uri, WorkspaceFolders,
};
use lsp_server::{Connection, ErrorCode, Message, Notification, ProtocolError, Request, Response};

use crate::{
    analysis::Analysis,
    base::{address::Address, date::Day, diagnostic::Diagnostic},
    resources::Read,
    schema::model,
};

use place::{Encoding, Lines};
use session::Session;

/// Texts that an editor has open, saved or not, by their tidy absolute paths.
pub type Unsaved = BTreeMap<PathBuf, Arc<str>>;

/// The way to what is on disk. Whoever starts the server has one.
pub trait Door {
    /// The project, or the module, of a directory, with what is open in the editor in the place of what is on disk.
    ///
    /// # Errors
    /// It cannot be read at all.
    fn open(&self, directory: &Path, unsaved: &Arc<Unsaved>) -> Result<Opened, Vec<Diagnostic>>;

    /// What the state of a project knows; nothing where it was never applied.
    ///
    /// # Errors
    /// There is a state, and it cannot be read: why, for people.
    fn applied(&self, directory: &Path, project: &model::Project) -> Result<Vec<Address>, String>;

    /// Forgets what it remembers of anything but the sources, such as states: something was saved, or has changed.
    fn forget(&self);

    /// The directories of projects at or below a directory.
    fn projects(&self, below: &Path) -> Vec<PathBuf>;

    /// Waivers end on a day.
    fn today(&self) -> Day;

    /// The directory that the manual's pages lie in on this machine, for links to them; `None` where there is none.
    fn manual(&self) -> Option<PathBuf>;
}

/// What was read of a project.
#[derive(Debug)]
pub struct Opened {
    /// What comes of its sources.
    pub analysis: Analysis,
    /// Where each of the sources lies, in their order.
    pub paths: Vec<PathBuf>,
    /// What was last read of existing resources.
    pub existing: Read,
}

/// Serves an editor over standard input and output, until it says that it is done.
///
/// # Errors
/// The editor breaks off, or breaks the protocol.
pub fn on_stdio(door: &dyn Door) -> io::Result<()> {
    let (connection, threads) = Connection::stdio();
    serve(&connection, door).map_err(io::Error::other)?;
    // The threads end when nobody can send any more.
    drop(connection);
    threads.join()
}

/// Serves an editor.
///
/// # Errors
/// The editor breaks off, or breaks the protocol.
pub fn serve(connection: &Connection, door: &dyn Door) -> Result<(), ProtocolError> {
    let (id, params) = connection.initialize_start()?;
    // Whatever an editor says of itself beyond the protocol is no reason not to serve it.
    let params: InitializeParams = serde_json::from_value(params).unwrap_or_default();
    let encoding = encoding(&params);
    let result = InitializeResult { capabilities: capabilities(encoding), server_info: Some(info()) };
    connection.initialize_finish(id, serde_json::to_value(result).unwrap_or_default())?;
    let mut session = Session::new(door, encoding, folders(&params));
    session.shows_places = further::shows_places(&params);
    session.manual = door.manual().filter(|_| links_codes(&params));
    loop {
        let message = match connection.receiver.try_recv() {
            Ok(message) => message,
            Err(_) => {
                // Nothing is waiting: this is the newest text.
                let told =
                    catch_unwind(AssertUnwindSafe(|| session.tell(&|| !connection.receiver.is_empty()))).unwrap_or_else(|_| vec![stale()]);
                told.into_iter().for_each(|one| send(connection, one.into()));
                if connection.receiver.is_empty() {
                    session.rest();
                }
                match connection.receiver.recv() {
                    Ok(message) => message,
                    Err(_) => return Ok(()),
                }
            }
        };
        match message {
            Message::Request(request) => {
                if connection.handle_shutdown(&request)? {
                    return Ok(());
                }
                let id = request.id.clone();
                // A bug in one answer must not take the others down.
                let answer = catch_unwind(AssertUnwindSafe(|| answer(&mut session, request)));
                let failed = |_| Response::new_err(id, ErrorCode::InternalError as i32, "secnet has met a bug of its own".into());
                send(connection, answer.unwrap_or_else(failed).into());
                session.aside.take().into_iter().for_each(|message| send(connection, message));
            }
            Message::Notification(notification) => session.notified(notification),
            Message::Response(_) => {}
        }
    }
}

/// An editor that does not listen any more ends the loop by itself.
fn send(connection: &Connection, message: Message) {
    let _ = connection.sender.send(message);
}

/// What is said where a text could not be judged: what is shown of it would look as if it held.
fn stale() -> Notification {
    let message =
        "secnet has met a bug of its own: what it shows may be of an older text. `secnet check` and `secnet prove` say how it is.";
    let params = ShowMessageParams { kind: MessageType::Error, message: message.into() };
    Notification::new(LspNotificationMethod::WindowShowMessage.as_str().into(), params)
}

fn info() -> ServerInfo {
    ServerInfo { name: "secnet".into(), version: Some(env!("CARGO_PKG_VERSION").into()) }
}

/// Whether the editor shows where a message's code is explained.
fn links_codes(params: &InitializeParams) -> bool {
    let published = params.capabilities.text_document.as_ref().and_then(|t| t.publish_diagnostics.as_ref());
    published.and_then(|p| p.diagnostics_capabilities.code_description_support).unwrap_or_default()
}

/// Bytes if the editor can count them, else what all can.
fn encoding(params: &InitializeParams) -> Encoding {
    let offered = params.capabilities.general.as_ref().and_then(|g| g.position_encodings.as_ref());
    let bytes = offered.is_some_and(|all| all.contains(&PositionEncodingKind::UTF8));
    if bytes { Encoding::Utf8 } else { Encoding::Utf16 }
}

/// Where the editor works.
fn folders(params: &InitializeParams) -> Vec<PathBuf> {
    let named = match &params.workspace_folders_initialize_params.workspace_folders {
        Some(WorkspaceFolders::WorkspaceFolderList(folders)) => folders.iter().filter_map(|f| place::path_of(&f.uri)).collect(),
        Some(WorkspaceFolders::Null) | None => vec![],
    };
    #[expect(deprecated, reason = "editors that know no folders say it so")]
    let root = params.root_uri.as_ref().and_then(place::path_of);
    if named.is_empty() { root.into_iter().collect() } else { named }
}

fn capabilities(encoding: Encoding) -> ServerCapabilities {
    let sync = TextDocumentSyncOptions {
        open_close: Some(true),
        change: Some(TextDocumentSyncKind::Full),
        save: Some(Save::Bool(true)),
        ..TextDocumentSyncOptions::default()
    };
    ServerCapabilities {
        position_encoding: Some(match encoding {
            Encoding::Utf8 => PositionEncodingKind::UTF8,
            Encoding::Utf16 => PositionEncodingKind::UTF16,
        }),
        text_document_sync: Some(TextDocumentSync::Options(sync)),
        document_formatting_provider: Some(DocumentFormattingProvider::Bool(true)),
        document_symbol_provider: Some(DocumentSymbolProvider::Bool(true)),
        definition_provider: Some(DefinitionProvider::Bool(true)),
        references_provider: Some(ReferencesProvider::Bool(true)),
        hover_provider: Some(HoverProvider::Bool(true)),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(vec![".".into(), "\"".into()]),
            ..CompletionOptions::default()
        }),
        rename_provider: Some(RenameProvider::RenameOptions(RenameOptions { prepare_provider: Some(true), ..RenameOptions::default() })),
        code_action_provider: Some(CodeActionProvider::Bool(true)),
        ..further::capabilities()
    }
}

fn answer(session: &mut Session<'_>, request: Request) -> Response {
    session.refresh();
    let session = &*session;
    match LspRequestMethod::from(&*request.method) {
        LspRequestMethod::TextDocumentFormatting => on::<DocumentFormattingRequest>(request, |p| {
            let text = session.text(&p.text_document.uri)?;
            Some(format::edits(text, &Lines::new(text, session.encoding)))
        }),
        LspRequestMethod::TextDocumentDocumentSymbol => on::<DocumentSymbolRequest>(request, |p| outline(session, &p.text_document.uri)),
        LspRequestMethod::TextDocumentDefinition => on::<DefinitionRequest>(request, |p| {
            Some(Definition::LocationList(reference::declared(session, &p.text_document_position_params)).into())
        }),
        LspRequestMethod::TextDocumentReferences => on::<ReferencesRequest>(request, |p| {
            Some(reference::all(session, &p.text_document_position_params, p.context.include_declaration))
        }),
        LspRequestMethod::TextDocumentHover => on::<HoverRequest>(request, |p| hovered(session, &p.text_document_position_params)),
        LspRequestMethod::TextDocumentCompletion => on::<CompletionRequest>(request, |p| {
            let found =
                session.at(&p.text_document_position_params).into_iter().map(|(project, at)| completion::at(session, project, at)).next();
            Some(CompletionResponse::CompletionItemList(found.unwrap_or_default()))
        }),
        LspRequestMethod::TextDocumentPrepareRename => on::<PrepareRenameRequest>(request, |p| {
            let at = session.at(&p.text_document_position_params);
            let found = at.into_iter().find_map(|(project, at)| session.range(project, rename::renamed(project, at)?.span));
            found.map(PrepareRenameResult::Range)
        }),
        LspRequestMethod::TextDocumentRename => renaming(session, request),
        LspRequestMethod::TextDocumentCodeAction => on::<CodeActionRequest>(request, |p| Some(action::fixes(session, &p))),
        LspRequestMethod::TextDocumentCodeLens => on::<CodeLensRequest>(request, |p| {
            let path = place::path_of(&p.text_document.uri)?;
            Some(session.of(&path).first().map_or_else(Vec::new, |(project, file)| lens::lenses(session, project, *file)))
        }),
        _ => further::answer(session, request),
    }
}

/// Answers a request whose parameters are as the protocol has them.
fn on<R: gen_lsp_types::Request>(request: Request, answer: impl FnOnce(R::Params) -> R::Result) -> Response {
    match serde_json::from_value(request.params) {
        Ok(params) => Response::new_ok(request.id, answer(params)),
        Err(error) => Response::new_err(request.id, ErrorCode::InvalidParams as i32, error.to_string()),
    }
}

/// What cannot be renamed is told why, which is no bug.
fn renaming(session: &Session<'_>, request: Request) -> Response {
    match serde_json::from_value(request.params).map_err(|e| e.to_string()).and_then(|p| rename::edits(session, &p)) {
        Ok(edits) => Response::new_ok(request.id, edits),
        Err(why) => Response::new_err(request.id, ErrorCode::RequestFailed as i32, why),
    }
}

fn outline(session: &Session<'_>, uri: &Uri) -> Option<DocumentSymbolResponse> {
    let path = place::path_of(uri)?;
    let (project, file) = session.of(&path).into_iter().next()?;
    let analysis = &project.opened.as_ref().ok()?.analysis;
    let (parsed, source) = (analysis.files.get(usize::from(file.0))?, analysis.sources.get(file)?);
    Some(DocumentSymbolResponse::DocumentSymbolList(symbol::outline(parsed, &Lines::new(&source.text, session.encoding))))
}

fn hovered(session: &Session<'_>, at: &TextDocumentPositionParams) -> Option<Hover> {
    session.at(at).into_iter().find_map(|(project, at)| {
        let mention = project.mention(at)?;
        let contents = MarkupContent { kind: MarkupKind::Markdown, value: hover::about(project, mention)? };
        Some(Hover { contents: Contents::MarkupContent(contents), range: session.range(project, mention.span) })
    })
}
