//! What is open in the editor, and the projects it belongs to. Layer 9.

use std::{
    cell::{OnceCell, RefCell},
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
    rc::Rc,
    sync::Arc,
};

use gen_lsp_types::{
    DidChangeTextDocumentParams, DidChangeWatchedFilesParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams,
    DidSaveTextDocumentParams, Location, LspNotificationMethod, PublishDiagnosticsParams, Range, TextDocumentContentChangeEvent,
    TextDocumentPositionParams, Uri,
};
use lsp_server::{Message, Notification};
use serde::de::DeserializeOwned;

use crate::{
    base::{
        address::Address,
        date::Day,
        diagnostic::Diagnostic,
        span::{FileId, Span},
    },
    lsp::{
        Door, Opened, Unsaved,
        names::{Index, Mention, Symbol, declared, mentions},
        place::{self, Encoding, Lines},
        told::Told,
    },
    mend::Remedy,
    net::Net,
    prove::{
        chart::Chart,
        pieces::{self, verdicts_in_pieces},
        reach::{Flow, exposure},
        verdict::Verdicts,
    },
    resources,
    syntax::ast::Item,
};

/// One conversation with an editor.
pub(super) struct Session<'d> {
    door: &'d dyn Door,
    pub(super) encoding: Encoding,
    folders: Vec<PathBuf>,
    /// The texts that are open.
    pub(super) unsaved: Arc<Unsaved>,
    documents: BTreeMap<PathBuf, Document>,
    /// By directory; `None`: to be read anew.
    projects: BTreeMap<PathBuf, Option<Project>>,
    /// What was proved of each.
    proofs: BTreeMap<PathBuf, Rc<RefCell<pieces::Memory>>>,
    /// A project whose text is not the newest any more: to take it apart takes a while, and nobody waits for that.
    old: Option<Project>,
    /// What the editor shows now.
    told: RefCell<Told>,
    /// Documents that were opened or changed since the editor was told anything.
    changed: BTreeSet<PathBuf>,
    /// Whether the editor shows a place when it is asked to.
    pub(super) shows_places: bool,
    /// Where the manual's pages lie, if the editor links to them.
    pub(super) manual: Option<PathBuf>,
    /// What is said besides the next answer.
    pub(super) aside: RefCell<Vec<Message>>,
}

struct Document {
    /// As the editor writes it.
    uri: Uri,
    version: i32,
    /// The directories of the projects that it belongs to.
    of: Vec<PathBuf>,
}

/// A project as it was read last.
pub(super) struct Project {
    pub(super) directory: PathBuf,
    pub(super) opened: Result<Opened, Vec<Diagnostic>>,
    today: Day,
    /// What was proved, of this text or of one before it.
    proofs: Rc<RefCell<pieces::Memory>>,
    verdicts: OnceCell<Verdicts>,
    all: OnceCell<Vec<Arc<Diagnostic>>>,
    /// The names in each of its sources, as far as anybody has asked; what is declared; and what that takes.
    mentions: OnceCell<Vec<OnceCell<Vec<Mention>>>>,
    declared: OnceCell<Vec<Mention>>,
    index: OnceCell<Index>,
    exposure: OnceCell<Vec<Flow>>,
    network: OnceCell<Net>,
    /// Pieces of it, as far as anybody has asked.
    around: RefCell<HashMap<usize, Rc<Around>>>,
    /// What makes refuted statements hold, by their places, as far as somebody asked.
    pub(super) remedies: RefCell<BTreeMap<Span, Vec<Remedy>>>,
    /// Where the lines of its sources start, as far as anybody has asked.
    lines: RefCell<HashMap<FileId, Rc<[usize]>>>,
}

/// A piece of the network.
pub(super) struct Around {
    /// Machines that are stopped as if they ran.
    pub(super) network: Net,
    /// What the internet reaches in it, as it is.
    pub(super) exposure: Vec<Flow>,
}

impl Around {
    fn of(mut network: Net) -> Self {
        let exposure = exposure(&Chart::new(&network));
        network.start_machines();
        Self { network, exposure }
    }
}

impl Project {
    fn new(directory: PathBuf, opened: Result<Opened, Vec<Diagnostic>>, today: Day, proofs: Rc<RefCell<pieces::Memory>>) -> Self {
        let (verdicts, all, mentions, exposure) = (OnceCell::new(), OnceCell::new(), OnceCell::new(), OnceCell::new());
        let (declared, index, network) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        let (around, remedies, lines) = (RefCell::default(), RefCell::default(), RefCell::default());
        Self { directory, opened, today, proofs, verdicts, all, mentions, declared, index, exposure, network, around, remedies, lines }
    }

    /// What is to be said of it, in the order of the commands: errors of its sources, or else what `secnet prove` says.
    pub(super) fn diagnostics(&self) -> &[Arc<Diagnostic>] {
        self.all.get_or_init(|| match &self.opened {
            Ok(opened) => {
                let proved = self.verdicts().map_or(&[][..], |v| &v.diagnostics);
                opened.analysis.diagnostics.iter().cloned().map(Arc::new).chain(proved.iter().cloned()).collect()
            }
            Err(wrong) => wrong.iter().cloned().map(Arc::new).collect(),
        })
    }

    /// What becomes of its policies; nothing can be said where there are errors.
    pub(super) fn verdicts(&self) -> Option<&Verdicts> {
        self.proves(&|| false);
        self.verdicts.get()
    }

    /// Goes on proving until `stop` says so; says whether nothing is left to be proved.
    fn proves(&self, stop: &(dyn Fn() -> bool + Sync)) -> bool {
        let Some(opened) = self.opened.as_ref().ok().filter(|o| !o.analysis.has_errors()) else { return true };
        if self.verdicts.get().is_some() {
            return true;
        }
        let model = &opened.analysis.model;
        let Some(all) = verdicts_in_pieces(model, &opened.existing, self.today, &mut self.proofs.borrow_mut(), stop) else { return false };
        self.verdicts.get_or_init(|| all);
        true
    }

    /// The same, of a project that nobody needs any more.
    pub(super) fn into_verdicts(self) -> Option<Verdicts> {
        self.verdicts.into_inner()
    }

    /// What `secnet exposure` says of it.
    pub(super) fn exposure(&self) -> &[Flow] {
        self.exposure.get_or_init(|| match &self.opened {
            Ok(opened) if !opened.analysis.has_errors() => {
                exposure(&Chart::new(&resources::network_as_read(&opened.analysis.model, &opened.existing)))
            }
            _ => vec![],
        })
    }

    /// All that has to do with these, which is less than the whole where they are in one piece; `None` where they are not, or
    /// where there are errors. What may come from other pieces comes by way of the internet, and is told as that.
    pub(super) fn around<'a>(&self, mut addresses: impl Iterator<Item = &'a Address>) -> Option<Rc<Around>> {
        self.verdicts()?;
        let proofs = self.proofs.borrow();
        let place = proofs.place(addresses.next()?)?;
        if !addresses.all(|other| proofs.place(other) == Some(place)) {
            return None;
        }
        let mut known = self.around.borrow_mut();
        if let Some(around) = known.get(&place) {
            return Some(around.clone());
        }
        let around = Rc::new(Around::of(proofs.network(place)?));
        known.insert(place, around.clone());
        Some(around)
    }

    /// Its network as the prover sees it, machines that are stopped as if they ran; nothing where there are errors.
    pub(super) fn network(&self) -> Option<&Net> {
        let opened = self.opened.as_ref().ok().filter(|o| !o.analysis.has_errors())?;
        Some(self.network.get_or_init(|| {
            let mut net = resources::network_as_read(&opened.analysis.model, &opened.existing);
            net.start_machines();
            net
        }))
    }

    /// Every name in its sources.
    pub(super) fn mentions(&self) -> impl Iterator<Item = &Mention> {
        (0..self.paths().len()).filter_map(|n| u16::try_from(n).ok()).flat_map(|n| self.mentions_of(FileId(n)))
    }

    /// Every name in one of its sources.
    pub(super) fn mentions_of(&self, file: FileId) -> &[Mention] {
        let files = self.mentions.get_or_init(|| self.paths().iter().map(|_| OnceCell::new()).collect());
        let index = || self.index.get_or_init(|| Index::of(self));
        files.get(usize::from(file.0)).map_or(&[], |found| found.get_or_init(|| mentions(self, index(), file)))
    }

    /// What its sources declare, but for the names of `for`s.
    pub(super) fn declared(&self) -> &[Mention] {
        self.declared.get_or_init(|| declared(self))
    }

    /// Where a name is declared first.
    pub(super) fn declaration(&self, symbol: &Symbol) -> Option<&Mention> {
        let all = if let Symbol::Bound(at) = symbol { self.mentions_of(at.file()) } else { self.declared() };
        all.iter().find(|m| m.declares && m.symbol == *symbol)
    }

    /// The name at a place, the smallest if several are there.
    pub(super) fn mention(&self, at: Span) -> Option<&Mention> {
        let there = |m: &&Mention| m.span.start() <= at.start() && at.start() <= m.span.end();
        self.mentions_of(at.file()).iter().filter(there).min_by_key(|m| m.span.len())
    }

    /// Where its sources lie.
    pub(super) fn paths(&self) -> &[PathBuf] {
        self.opened.as_ref().map_or(&[], |o| &o.paths)
    }

    /// Where one of them lies.
    pub(super) fn path(&self, file: FileId) -> Option<&Path> {
        self.paths().get(usize::from(file.0)).map(|p| &**p)
    }

    /// The source that lies there.
    pub(super) fn file(&self, path: &Path) -> Option<FileId> {
        self.paths().iter().position(|p| p == path).and_then(|n| u16::try_from(n).ok()).map(FileId)
    }

    fn has_project_block(&self) -> bool {
        let files = self.opened.as_ref().map_or(&[][..], |o| &o.analysis.files);
        let own = files.iter().zip(self.paths()).filter(|(_, path)| path.parent() == Some(&self.directory));
        own.flat_map(|(file, _)| &file.items).any(|item| matches!(item, Item::Project(_)))
    }
}

impl<'d> Session<'d> {
    /// With nothing open.
    pub(super) fn new(door: &'d dyn Door, encoding: Encoding, folders: Vec<PathBuf>) -> Self {
        let (documents, projects, told) = (BTreeMap::new(), BTreeMap::new(), RefCell::default());
        Self {
            door,
            encoding,
            folders,
            unsaved: Arc::default(),
            documents,
            projects,
            proofs: BTreeMap::new(),
            old: None,
            told,
            changed: BTreeSet::new(),
            shows_places: false,
            manual: None,
            aside: RefCell::default(),
        }
    }

    /// Takes note of what the editor says; what is not understood is left alone, as the protocol has it.
    pub(super) fn notified(&mut self, notification: Notification) {
        match LspNotificationMethod::from(&*notification.method) {
            LspNotificationMethod::TextDocumentDidOpen => read(notification).into_iter().for_each(|p| self.opened(p)),
            LspNotificationMethod::TextDocumentDidChange => read(notification).into_iter().for_each(|p| self.edited(p)),
            LspNotificationMethod::TextDocumentDidClose => read(notification).into_iter().for_each(|p| self.closed(&p)),
            LspNotificationMethod::TextDocumentDidSave => {
                let _: Option<DidSaveTextDocumentParams> = read(notification);
                self.outside_changed();
            }
            LspNotificationMethod::WorkspaceDidChangeWatchedFiles => {
                let _: Option<DidChangeWatchedFilesParams> = read(notification);
                self.outside_changed();
            }
            _ => {}
        }
    }

    fn opened(&mut self, params: DidOpenTextDocumentParams) {
        let document = params.text_document;
        let Some(path) = place::path_of(&document.uri) else { return };
        self.called(&path, &document.uri);
        self.documents.insert(path.clone(), Document { uri: document.uri, version: document.version, of: vec![] });
        self.take(path, document.text);
    }

    fn edited(&mut self, params: DidChangeTextDocumentParams) {
        let id = params.text_document;
        let Some(path) = place::path_of(&id.text_document_identifier.uri) else { return };
        let Some(document) = self.documents.get_mut(&path) else { return };
        document.version = id.version;
        let known = || self.unsaved.get(&path).map(|text| text.to_string()).unwrap_or_default();
        let mut text: Option<String> = None;
        for change in params.content_changes {
            match change {
                TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(whole) => text = Some(whole.text),
                TextDocumentContentChangeEvent::TextDocumentContentChangePartial(partial) => {
                    let text = text.get_or_insert_with(known);
                    let lines = Lines::new(text, self.encoding);
                    let (start, end) = (lines.byte(partial.range.start), lines.byte(partial.range.end));
                    text.replace_range(start..end.max(start), &partial.text);
                }
            }
        }
        let text = text.unwrap_or_else(known);
        self.take(path, text);
    }

    fn take(&mut self, path: PathBuf, text: String) {
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        Arc::make_mut(&mut self.unsaved).insert(path.clone(), text.into());
        self.stale(&path);
        self.changed.insert(path);
    }

    fn closed(&mut self, params: &DidCloseTextDocumentParams) {
        let Some(path) = place::path_of(&params.text_document.uri) else { return };
        Arc::make_mut(&mut self.unsaved).remove(&path);
        self.stale(&path);
        let called = self.uri(&path);
        self.documents.remove(&path);
        self.called(&path, &called);
        self.changed.remove(&path);
    }

    /// Takes note of a name by which the editor calls a file: messages of other files may call it by another.
    fn called(&mut self, path: &Path, uri: &Uri) {
        if self.uri(path) != *uri {
            self.told.get_mut().doubt();
        }
    }

    /// Something on disk is not as it was.
    fn outside_changed(&mut self) {
        self.door.forget();
        self.projects.values_mut().for_each(|p| *p = None);
        self.documents.values_mut().for_each(|d| d.of.clear());
    }

    /// Has those projects read anew that a text belongs to, or may belong to.
    fn stale(&mut self, path: &Path) {
        let is_source = path.extension().is_some_and(|e| e == "secnet");
        for (directory, project) in &mut self.projects {
            let concerned = |p: &Project| !is_source || p.file(path).is_some() || path.parent() == Some(directory) || p.opened.is_err();
            if project.as_ref().is_some_and(concerned) {
                self.old = project.take();
            }
        }
    }

    /// Reads what is not as it was.
    pub(super) fn refresh(&mut self) {
        let mut documents = std::mem::take(&mut self.documents);
        for (path, document) in documents.iter_mut().filter(|(p, _)| p.extension().is_some_and(|e| e == "secnet")) {
            let lost = document.of.iter().any(|d| self.project(d).file(path).is_none());
            if document.of.is_empty() || lost {
                document.of = self.homes(path);
            }
        }
        let wanted: BTreeSet<&PathBuf> = documents.values().flat_map(|d| &d.of).collect();
        self.projects.retain(|directory, _| wanted.contains(directory));
        self.proofs.retain(|directory, _| wanted.contains(directory));
        let stale: Vec<PathBuf> = self.projects.iter().filter(|(_, p)| p.is_none()).map(|(d, _)| d.clone()).collect();
        for directory in stale {
            self.project(&directory);
        }
        self.documents = documents;
    }

    /// The projects that a source belongs to: its own directory's, or else those that use it as a module's.
    fn homes(&mut self, path: &Path) -> Vec<PathBuf> {
        let Some(own) = path.parent().map(Path::to_path_buf) else { return vec![] };
        if self.project(&own).has_project_block() {
            return vec![own];
        }
        let near = own.ancestors().skip(1).take(3).map(Path::to_path_buf);
        let folders = self.folders.iter().filter(|folder| own.starts_with(folder));
        let candidates: BTreeSet<PathBuf> = folders.flat_map(|f| self.door.projects(f)).chain(near).filter(|d| *d != own).collect();
        let users: Vec<PathBuf> = candidates.into_iter().filter(|d| self.project(d).file(path).is_some()).collect();
        if users.is_empty() { vec![own] } else { users }
    }

    /// The project of a directory.
    fn project(&mut self, directory: &Path) -> &Project {
        let (door, unsaved) = (self.door, &self.unsaved);
        let proofs = self.proofs.entry(directory.to_path_buf()).or_default().clone();
        self.projects
            .entry(directory.to_path_buf())
            .or_default()
            .get_or_insert_with(|| Project::new(directory.to_path_buf(), door.open(directory, unsaved), door.today(), proofs))
    }

    /// A project as it would be with other texts in some of its files.
    pub(super) fn imagined(&self, project: &Project, texts: Unsaved) -> Project {
        let mut unsaved = Unsaved::clone(&self.unsaved);
        unsaved.extend(texts);
        let opened = self.door.open(&project.directory, &Arc::new(unsaved));
        // Its proofs are nobody's but its own: those of the text would be forgotten for them.
        Project::new(project.directory.clone(), opened, project.today, Rc::default())
    }

    /// What the editor must be told, now that nothing else is waiting; nothing where `busy` says that something waits before
    /// all is proved. What was proved until then is not lost, unless what waits is another text.
    pub(super) fn tell(&mut self, busy: &(dyn Fn() -> bool + Sync)) -> Vec<Notification> {
        self.refresh();
        if !self.projects.values().flatten().all(|project| project.proves(busy)) {
            return vec![];
        }
        let differs = self.told.borrow_mut().take(self, &self.changed);
        self.changed.clear();
        let published = differs.into_iter().map(|(path, diagnostics)| {
            let version = self.documents.get(&path).map(|d| d.version);
            let params = PublishDiagnosticsParams { uri: self.uri(&path), version, diagnostics };
            Notification::new(LspNotificationMethod::TextDocumentPublishDiagnostics.as_str().into(), params)
        });
        published.collect()
    }

    /// Does what can wait until nothing is asked.
    pub(super) fn rest(&mut self) {
        self.old = None;
    }

    /// A document that is open and belongs to the project of a directory.
    pub(super) fn open_in(&self, directory: &Path) -> Option<&Path> {
        self.documents.iter().find(|(_, d)| d.of.iter().any(|of| of == directory)).map(|(path, _)| &**path)
    }

    /// The projects that hold a source, and where a place in it is in each.
    pub(super) fn at(&self, document: &TextDocumentPositionParams) -> Vec<(&Project, Span)> {
        let Some(path) = place::path_of(&document.text_document.uri) else { return vec![] };
        let found = self.of(&path).into_iter().filter_map(|(project, file)| {
            let text = &project.opened.as_ref().ok()?.analysis.sources.get(file)?.text;
            let byte = Lines::new(text, self.encoding).byte(document.position);
            Some((project, Span::new(file, byte, byte)))
        });
        found.collect()
    }

    /// Every project that something open belongs to.
    pub(super) fn projects(&self) -> impl Iterator<Item = &Project> {
        self.projects.values().flatten()
    }

    /// The projects that hold a source, and as which.
    pub(super) fn of(&self, path: &Path) -> Vec<(&Project, FileId)> {
        self.projects.values().flatten().filter_map(|p| Some((p, p.file(path)?))).collect()
    }

    /// The text of a document that is open.
    pub(super) fn text(&self, uri: &Uri) -> Option<&str> {
        place::path_of(uri).and_then(|path| self.unsaved.get(&path)).map(|t| &**t)
    }

    /// What the state of a project knows; in a text so broken that nobody knows the project, nothing.
    ///
    /// # Errors
    /// There is a state, and it cannot be read.
    pub(super) fn applied(&self, project: &Project) -> Result<Vec<Address>, String> {
        let model = project.opened.as_ref().ok().map(|opened| &opened.analysis.model.project).filter(|p| !p.name.is_empty());
        model.map_or_else(|| Ok(vec![]), |model| self.door.applied(&project.directory, model))
    }

    /// Where a piece of a source stands, the file with it.
    pub(super) fn location(&self, project: &Project, span: Span) -> Option<Location> {
        Some(Location { uri: self.uri(project.path(span.file())?), range: self.range(project, span)? })
    }

    /// How the editor names a file.
    pub(super) fn uri(&self, path: &Path) -> Uri {
        self.documents.get(path).map_or_else(|| place::uri_of(path), |d| d.uri.clone())
    }

    /// Where a piece of a source stands.
    pub(super) fn range(&self, project: &Project, span: Span) -> Option<Range> {
        let file = project.opened.as_ref().ok()?.analysis.sources.get(span.file())?;
        let mut known = project.lines.borrow_mut();
        let starts = known.entry(span.file()).or_insert_with(|| Lines::starts(&file.text)).clone();
        Some(Lines::from(&file.text, starts, self.encoding).of(span))
    }
}

fn read<P: DeserializeOwned>(notification: Notification) -> Option<P> {
    serde_json::from_value(notification.params).ok()
}
