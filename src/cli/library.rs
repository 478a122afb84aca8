//! Where modules are found: directories beside the project, and what `secnet lock` has fetched. Layer 10.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

pub(super) use crate::base::disk::tidy;
use crate::{
    analysis::{Library, Opened, Published, Text, shared},
    base::{
        codes::{lock as lock_codes, module as codes},
        diagnostic::Diagnostic,
        span::Span,
    },
    cli::{
        git::Source,
        load::{self, Remembered},
        lockfile::{self, LockFile},
        neighbour::{self, Others},
    },
    lsp::Unsaved,
};

/// Where the sources of modules from git lie, in the project's directory.
const MODULES: &str = ".secnet/modules";

/// Where a project keeps the modules that it has from git.
#[must_use]
pub fn modules(project: &Path) -> PathBuf {
    project.join(MODULES)
}

/// Sees to it that a module from git lies where it should, and is what it should be.
pub trait Keeper: fmt::Debug + Send + Sync {
    /// Does so for a source, which is written at `at`.
    ///
    /// # Errors
    /// It is not there, or something else than what is wanted.
    fn ready(&self, source: &Source, at: Span) -> Result<(), Diagnostic>;
}

/// What is on disk, seen from a project's directory.
#[derive(Debug)]
pub struct Disk {
    project: PathBuf,
    /// How other projects are seen; `None` where nobody looks at them.
    others: Option<Others>,
    keeper: Arc<dyn Keeper>,
    /// What was opened from git, by the name of its directory under [`MODULES`].
    opened: Mutex<BTreeMap<String, Source>>,
    unsaved: Arc<Unsaved>,
    remembered: Arc<Remembered>,
}

impl Disk {
    /// For the project of this directory: modules from git are as `secnet lock` has fetched them.
    pub fn new(project: &Path, others: Others) -> Self {
        let keeper = Arc::new(Locked { project: project.to_path_buf(), file: OnceLock::new() });
        Self { others: Some(others), ..Self::with(project, keeper) }
    }

    /// With another keeper of the modules from git.
    pub fn with(project: &Path, keeper: Arc<dyn Keeper>) -> Self {
        let (project, opened) = (project.to_path_buf(), Mutex::default());
        Self { project, others: None, keeper, opened, unsaved: Arc::default(), remembered: Arc::default() }
    }

    /// The same as an editor has it, for a server that remembers what it has read. What `secnet lock` has fetched is as it was fetched.
    #[must_use]
    pub fn edited(self, unsaved: Arc<Unsaved>, remembered: Arc<Remembered>) -> Self {
        Self { unsaved, remembered, ..self }
    }

    /// The source that a directory was opened as, if it is from git.
    fn source_of(&self, directory: &str) -> Option<Source> {
        let (checkout, inside) = directory.strip_prefix(MODULES)?.strip_prefix('/').map(|d| d.split_once('/').unwrap_or((d, "")))?;
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.get(checkout).map(|source| Source { directory: inside.to_owned(), ..source.clone() })
    }

    fn open_git(&self, source: &Source, at: Span) -> Result<Opened, Diagnostic> {
        self.keeper.ready(source, at)?;
        let checkout = source.checkout();
        let slash = if source.directory.is_empty() { "" } else { "/" };
        let directory = format!("{MODULES}/{checkout}{slash}{}", source.directory);
        let files = load::directory(&self.project.join(&directory)).map_err(|wrong| {
            let why = match load::paths(&self.project.join(&directory)) {
                Err(_) if source.directory.is_empty() => "no file ends in `.secnet` at its top".into(),
                Err(_) => format!("no file in `{}` ends in `.secnet`", source.directory),
                Ok(_) => first_of(&wrong),
            };
            lock_codes::no_directory(&source.url, &why, at)
        })?;
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).insert(checkout, source.clone());
        Ok(opened(directory, shared(files)))
    }
}

impl Library for Disk {
    fn open(&self, from: &str, source: &str, at: Span) -> Result<Opened, Diagnostic> {
        if let Some(parsed) = Source::parse(source, at) {
            return self.open_git(&parsed?, at);
        }
        if !(source.starts_with("./") || source.starts_with("../") || matches!(source, "." | "..")) {
            let help = if source.contains("://") || source.contains(".git") || source.contains("github.com") {
                "a git source is written \"git+https://HOST/PATH.git//DIRECTORY?commit=COMMIT\"".into()
            } else {
                format!("a directory begins with `./` or `../`: \"./{source}\"")
            };
            return Err(codes::unreadable(source, "it says neither a directory nor a git source", at, &help));
        }
        if let Some(module) = self.source_of(from) {
            let inside = module.join(source).ok_or_else(|| lock_codes::outside(source, &module.url, at))?;
            return self.open_git(&inside, at);
        }
        let directory = tidy(&Path::new(from).join(source));
        if directory.starts_with(MODULES) {
            let help = "name it by its source, beginning with `git+`, so that its checksum is looked at";
            return Err(codes::unreadable(source, "what `secnet lock` has fetched is no directory of the project", at, help));
        }
        let files = load::directory_as_edited(&self.project.join(&directory), &self.unsaved, &self.remembered).map_err(|wrong| {
            let help = "correct the path, which is seen from the directory of this file";
            codes::unreadable(source, &first_of(&wrong), at, help)
        })?;
        Ok(opened(load::shown(&directory), files))
    }

    fn outputs(&self, path: &str, at: Span) -> Result<BTreeMap<String, Published>, Diagnostic> {
        self.others.as_ref().map_or_else(|| Ok(BTreeMap::new()), |others| neighbour::outputs(&self.project, path, others, at))
    }
}

/// What is wrong first, as a clause.
pub(super) fn first_of(wrong: &[Diagnostic]) -> String {
    wrong.first().map_or_else(|| "it cannot be read".into(), |d| d.message.clone())
}

fn opened(directory: String, files: Vec<Text>) -> Opened {
    let files = files.into_iter().map(|(name, text)| (format!("{directory}/{name}"), text)).collect();
    Opened { directory, files }
}

/// The keeper of every command but `secnet lock`: fetches nothing, and takes nothing that is not as it was locked.
#[derive(Debug)]
struct Locked {
    project: PathBuf,
    file: OnceLock<Result<Option<LockFile>, Diagnostic>>,
}

impl Keeper for Locked {
    fn ready(&self, source: &Source, at: Span) -> Result<(), Diagnostic> {
        const FETCH: &str = "run `secnet lock`, which fetches it";
        let name = &*source.to_string();
        let file = match self.file.get_or_init(|| LockFile::read(&self.project)) {
            Ok(Some(file)) => file,
            Ok(None) => return Err(codes::unreadable(name, "there is no `secnet.lock` that says what it holds", at, FETCH)),
            Err(diagnostic) => return Err(diagnostic.clone().at(at, "needed for this")),
        };
        let Some(entry) = file.find(source) else {
            return Err(codes::unreadable(name, &format!("`secnet.lock` does not have it at {}", source.short()), at, FETCH));
        };
        let directory = modules(&self.project).join(source.checkout()).join(&source.directory);
        if !directory.is_dir() {
            return Err(codes::unreadable(name, "it is not fetched yet", at, FETCH));
        }
        let differs = match lockfile::sum(&directory) {
            Ok(sum) => entry.differs(&sum),
            Err(why) => Some(why),
        };
        differs.map_or(Ok(()), |what| Err(lock_codes::changed(name, &what, at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_no_way_back_in_it() {
        for (path, tidied) in [("./a", "a"), ("a/../b", "b"), ("../a/./b", "../a/b"), ("a/..", ""), ("../../a", "../../a")] {
            assert_eq!(tidy(Path::new(path)), Path::new(tidied), "{path}");
        }
    }
}
