//! `secnet lsp`: the server that editors start. Layer 10; the editor's way to what is on disk.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use clap::Args;

use crate::{
    analysis::{self, Library, Opened as Module, Published},
    base::{
        address::Address,
        codes::{environment as codes, plan as plan_codes},
        date::Day,
        diagnostic::Diagnostic,
        source::SourceFile,
        span::{FileId, Span},
    },
    cli::{
        Exit, Outcome, Stop, asked,
        disk::ProjectDisk,
        env::EnvArgs,
        library::{Disk, tidy},
        load::{self, Remembered, Texts},
        neighbour::{Others, OthersArgs},
        network::{fitting, join},
        pages,
        project::{Given, ProjectArgs},
        target::Place,
        variables::VariableArgs,
    },
    lsp::{self, Door, Opened, Unsaved},
    resources::Read,
    schema::{
        ask::Answers,
        model::{self, Model},
    },
    state::store,
};

/// Serve an editor over standard input and output, by the Language Server Protocol
///
/// Nobody runs this by hand: an editor starts it, and shows what `secnet check` and `secnet prove` say while one types.
#[derive(Debug, Args)]
pub struct Lsp {
    #[command(flatten)]
    variables: VariableArgs,
    #[command(flatten)]
    env: EnvArgs,
    /// Add the policies of a directory, which a project can neither remove nor waive; may be repeated
    #[arg(long = "policy-dir", value_name = "DIR", env = "SECNET_POLICY_DIR")]
    policy_directories: Vec<PathBuf>,
    #[command(flatten)]
    others: OthersArgs,
    /// What editors say to every server; there is no other way
    #[arg(long, hide = true)]
    stdio: bool,
}

impl Lsp {
    /// Serves until the editor is done.
    ///
    /// # Errors
    /// The editor breaks off.
    pub(super) fn run(self) -> Outcome {
        let args = ProjectArgs::of(PathBuf::new(), self.variables, self.env, self.policy_directories);
        let manual = pages::directory(|name| std::env::var_os(name).map(PathBuf::from));
        let files = Files::new(args, self.others.sandbox);
        let files = manual.into_iter().fold(files, Files::with_manual);
        lsp::on_stdio(&files).map_err(|e| Stop::from(codes::editor_gone(&e.to_string())))?;
        Ok(Exit::Ok)
    }
}

/// What is on disk, for an editor.
#[derive(Debug)]
pub struct Files {
    args: ProjectArgs,
    sandbox: bool,
    memory: Arc<Memory>,
    /// Where the manual's pages are kept.
    manual: Option<PathBuf>,
}

/// What was read of states: they may be far away, and are not read on every keystroke.
#[derive(Debug, Default)]
struct Memory {
    answers: Mutex<BTreeMap<(PathBuf, String), Answers>>,
    existing: Mutex<BTreeMap<(PathBuf, String), Read>>,
    outputs: Mutex<BTreeMap<(PathBuf, String), BTreeMap<String, Published>>>,
    /// What was read of sources.
    texts: Arc<Remembered>,
    /// What was parsed of each project.
    trees: Mutex<BTreeMap<PathBuf, Arc<analysis::Memory>>>,
}

fn all<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for Files {
    /// With no values for variables but those of the environment.
    fn default() -> Self {
        Self::new(ProjectArgs::of(PathBuf::new(), VariableArgs::default(), EnvArgs::default(), vec![]), false)
    }
}

impl Files {
    fn new(args: ProjectArgs, sandbox: bool) -> Self {
        Self { args, sandbox, memory: Arc::default(), manual: None }
    }

    /// The same, with the manual's pages in a directory, where they are written if they are not there.
    #[must_use]
    pub fn with_manual(self, directory: PathBuf) -> Self {
        Self { manual: Some(directory), ..self }
    }

    fn existing(&self, directory: &Path, model: &Model) -> Read {
        if !model.resources.values().any(|r| r.existing) {
            return Read::new();
        }
        let key = (directory.to_path_buf(), model.project.key());
        let last = || {
            let place = Place { sandbox: self.sandbox, ..Place::default() };
            let loaded = place.store(directory, &model.project).and_then(|store| store.load());
            loaded.map_or_else(|_| Read::new(), |loaded| loaded.state.last_read())
        };
        let read = all(&self.memory.existing).entry(key).or_insert_with(last).clone();
        fitting(read, model)
    }
}

impl Door for Files {
    fn open(&self, directory: &Path, unsaved: &Arc<Unsaved>) -> Result<Opened, Vec<Diagnostic>> {
        let args = self.args.clone().at(directory);
        let given = Given::to(&args).map_err(|stop| stop.diagnostics)?;
        let files = load::directory_as_edited(directory, unsaved, &self.memory.texts)?;
        let others = Others { sandbox: self.sandbox, env: args.env().map_err(|stop| stop.diagnostics)? };
        let disk = Arc::new(ProjectDisk::as_edited(directory, unsaved.clone()));
        let library = Disk::new(directory, others).edited(unsaved.clone(), self.memory.texts.clone());
        let library = Shelf { directory: directory.to_path_buf(), disk: library, memory: self.memory.clone() };
        let mut inputs = given.inputs(directory, self.sandbox, disk, Answers::new());
        inputs.library = Some(Arc::new(library));
        inputs.memory = Some(all(&self.memory.trees).entry(directory.to_path_buf()).or_default().clone());
        let mut analysis = analysis::analyze_shared(&files, &inputs);
        // As a command does, which asks first and then looks again.
        analysis.diagnostics.retain(|d| d.code != &plan_codes::NOT_ASKED);
        if !analysis.has_errors() && !analysis.model.questions.is_empty() {
            let project = &analysis.model.project;
            let key = (directory.to_path_buf(), project.key());
            let remembered = || asked::remembered(directory, self.sandbox, project);
            inputs.answers = all(&self.memory.answers).entry(key).or_insert_with(remembered).clone();
            analysis = analysis::analyze_shared(&files, &inputs);
        }
        let mut existing = Read::new();
        if !analysis.has_errors() {
            existing = self.existing(directory, &analysis.model);
            join(&mut analysis.model, &mut existing);
        }
        let texts = Texts { prefix: load::prefix(directory), own: analysis.own, sources: analysis.sources.clone() };
        let path = |shown: &Path| tidy(&std::path::absolute(shown).unwrap_or_else(|_| shown.to_path_buf()));
        let here = path(directory);
        let lies = |(id, file): (FileId, &SourceFile)| match file.name.contains('/') || usize::from(id.0) >= analysis.own {
            true => texts.path(id).map(|shown| path(Path::new(&shown))),
            // Of most of them only the name is to be put in its place.
            false => Some(here.join(&*file.name)),
        };
        let paths = analysis.sources.iter().filter_map(lies).collect();
        Ok(Opened { analysis, paths, existing })
    }

    fn applied(&self, directory: &Path, project: &model::Project) -> Result<Vec<Address>, String> {
        let place = Place { sandbox: self.sandbox, ..Place::default() };
        let loaded = place.store(directory, project).and_then(|store| store.load()).map_err(|wrong| wrong.message)?;
        Ok(loaded.state.resources.into_keys().collect())
    }

    fn forget(&self) {
        all(&self.memory.answers).clear();
        all(&self.memory.existing).clear();
        all(&self.memory.outputs).clear();
        self.memory.texts.doubt();
    }

    fn projects(&self, below: &Path) -> Vec<PathBuf> {
        directories(below).into_iter().filter(|d| load::directory(d).is_ok_and(|files| analysis::identity(&files).is_some())).collect()
    }

    fn today(&self) -> Day {
        Day::of(store::now())
    }

    fn manual(&self) -> Option<PathBuf> {
        // Without them there are no links, and `secnet explain` says the same.
        self.manual.clone().filter(|directory| pages::provide(directory).is_ok())
    }
}

/// How many directories are looked at for projects: a workspace is no whole disk.
const DIRECTORIES_MAX: usize = 2_000;

/// Directories below one, and itself, but hidden ones and what is behind links.
fn directories(top: &Path) -> Vec<PathBuf> {
    let mut found = vec![top.to_path_buf()];
    let mut at = 0;
    while let Some(directory) = found.get(at).filter(|_| found.len() < DIRECTORIES_MAX).cloned() {
        at += 1;
        // What cannot be read holds no project of ours.
        for path in fs::read_dir(directory).into_iter().flatten().flatten().map(|e| e.path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let other = name.starts_with('.') || matches!(&*name, "target" | "node_modules");
            if !other && path.is_dir() && !path.is_symlink() {
                found.push(path.clone());
            }
        }
    }
    found
}

/// The modules of a project, and what others have given, as far as that was not read before.
#[derive(Debug)]
struct Shelf {
    directory: PathBuf,
    disk: Disk,
    memory: Arc<Memory>,
}

impl Library for Shelf {
    fn open(&self, from: &str, source: &str, at: Span) -> Result<Module, Diagnostic> {
        self.disk.open(from, source, at)
    }

    fn outputs(&self, path: &str, at: Span) -> Result<BTreeMap<String, Published>, Diagnostic> {
        let key = (self.directory.clone(), path.to_owned());
        if let Some(known) = all(&self.memory.outputs).get(&key) {
            return Ok(known.clone());
        }
        let read = self.disk.outputs(path, at)?;
        all(&self.memory.outputs).insert(key, read.clone());
        Ok(read)
    }
}
