//! The editor's server: what `check` and `prove` know, on every keystroke. Layer 9, over analysis and prove.
//!
//! One file a feature; each is a function of what was read. Files come through the [`Door`], so that what is said here is what the
//! commands say. One loop: requests and changes are taken in their order, and what was said of an older text never comes after
//! what is said of a newer one.

mod diagnostic;
mod place;
mod session;

use std::{
    collections::BTreeMap,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

use gen_lsp_types::{
    InitializeParams, InitializeResult, LspRequestMethod, PositionEncodingKind, Save, ServerCapabilities, ServerInfo, TextDocumentSync,
    TextDocumentSyncKind, TextDocumentSyncOptions, WorkspaceFolders,
};
use lsp_server::{Connection, ErrorCode, Message, ProtocolError, Request, Response};

use crate::{
    analysis::Analysis,
    base::{date::Day, diagnostic::Diagnostic},
    resources::Read,
};

use place::Encoding;
use session::Session;

/// Texts that an editor has open, saved or not, by their tidy absolute paths.
pub type Unsaved = BTreeMap<PathBuf, String>;

/// The way to what is on disk. Whoever starts the server has one.
pub trait Door {
    /// The project, or the module, of a directory, with what is open in the editor in the place of what is on disk.
    ///
    /// # Errors
    /// It cannot be read at all.
    fn open(&self, directory: &Path, unsaved: &Arc<Unsaved>) -> Result<Opened, Vec<Diagnostic>>;

    /// Forgets what it remembers of anything but the sources, such as states: something was saved, or has changed.
    fn forget(&self);

    /// The directories of projects at or below a directory.
    fn projects(&self, below: &Path) -> Vec<PathBuf>;

    /// Waivers end on a day.
    fn today(&self) -> Day;
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
    loop {
        let message = match connection.receiver.try_recv() {
            Ok(message) => message,
            Err(_) => {
                // Nothing is waiting: this is the newest text.
                let told = catch_unwind(AssertUnwindSafe(|| session.tell())).unwrap_or_default();
                told.into_iter().for_each(|one| send(connection, one.into()));
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

fn info() -> ServerInfo {
    ServerInfo { name: "secnet".into(), version: Some(env!("CARGO_PKG_VERSION").into()) }
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
        ..ServerCapabilities::default()
    }
}

fn answer(session: &mut Session<'_>, request: Request) -> Response {
    session.refresh();
    match LspRequestMethod::from(&*request.method) {
        _ => {
            let text = format!("secnet does not answer `{}`", request.method);
            Response::new_err(request.id, ErrorCode::MethodNotFound as i32, text)
        }
    }
}
