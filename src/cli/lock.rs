//! `secnet lock`: fetches the modules that come from git, and writes down what they hold. Layer 10; the only command that fetches any.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use clap::Args;
use serde::Serialize;

use crate::{
    analysis::{Inputs, Parsed, shared},
    base::{
        codes::lock as codes,
        diagnostic::{Diagnostic, Severity},
        span::Span,
    },
    cli::{
        Exit, Outcome, Stop,
        git::{self, Source},
        library::{Disk, Keeper, modules},
        load::{self, Texts},
        lockfile::{self, Entry, LockFile},
        printer::Printer,
    },
};

/// Fetch the modules that come from git, and write their checksums to secnet.lock
#[derive(Debug, Args)]
pub struct Lock {
    /// Directory of the project
    #[arg(value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    /// Fetch what is missing, but fail where secnet.lock would change
    #[arg(long)]
    check: bool,
    /// Print one JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Report {
    format: u32,
    file: String,
    written: bool,
    modules: Vec<Module>,
    dropped: Vec<Dropped>,
}

#[derive(Serialize)]
struct Module {
    source: String,
    commit: String,
    checksum: String,
    /// `kept` or `added`.
    status: &'static str,
}

#[derive(Serialize)]
struct Dropped {
    source: String,
    commit: String,
}

/// The keeper of `secnet lock`: fetches what is not there, and holds it against what was locked.
#[derive(Debug)]
struct Fetching {
    project: PathBuf,
    known: Option<LockFile>,
    printer: Printer,
    done: Mutex<Done>,
}

#[derive(Debug, Default)]
struct Done {
    used: BTreeMap<Source, Entry>,
    fetched: BTreeSet<String>,
}

impl Fetching {
    fn fetch(&self, source: &Source, done: &mut Done, at: Span) -> Result<(), Diagnostic> {
        if done.fetched.insert(source.checkout()) {
            self.printer.whisper(&format!("Fetching {} at {} ...", source.url, source.short()));
            git::fetch(source, &modules(&self.project)).map_err(|failure| failure.told(source, at))?;
        }
        Ok(())
    }
}

impl Keeper for Fetching {
    fn ready(&self, source: &Source, at: Span) -> Result<(), Diagnostic> {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        if done.used.contains_key(source) {
            return Ok(());
        }
        let directory = modules(&self.project).join(source.checkout()).join(&source.directory);
        let known = self.known.as_ref().and_then(|file| file.find(source));
        let as_locked = |entry: &Entry| lockfile::sum(&directory).is_ok_and(|sum| entry.differs(&sum).is_none());
        // What lies there and was never locked may be anything.
        if !known.is_some_and(as_locked) {
            self.fetch(source, &mut done, at)?;
        }
        if !directory.is_dir() {
            let why = format!("there is no directory `{}` at {}", source.directory, source.short());
            return Err(codes::no_directory(&source.url, &why, at));
        }
        let sum = lockfile::sum(&directory).map_err(|why| codes::no_directory(&source.url, &why, at))?;
        if let Some(what) = known.and_then(|entry| entry.differs(&sum)) {
            return Err(codes::commit_changed(&source.to_string(), source.short(), &what, at));
        }
        done.used.insert(source.clone(), Entry::new(source, sum));
        Ok(())
    }
}

impl Lock {
    /// Fetches, and writes the lock file where it has changed.
    ///
    /// # Errors
    /// The sources cannot be read, something cannot be fetched or is not what was locked, or with `--check` the file would change.
    pub fn run(&self, printer: &Printer) -> Outcome {
        let project = &*self.directory;
        let files = shared(load::directory(project)?);
        let known = LockFile::read(project)?;
        let keeper = Arc::new(Fetching { project: project.to_path_buf(), known: known.clone(), printer: *printer, done: Mutex::default() });
        let library = Arc::new(Disk::with(project, keeper.clone()));
        let read = Parsed::read(&files, &Inputs { library: Some(library), ..Inputs::default() });
        let texts = Texts { sources: read.sources, prefix: load::prefix(project), own: read.own };
        // What cannot be read may name modules, which must not be dropped.
        if read.diagnostics.iter().any(|d| d.severity == Severity::Error) {
            return Err(Stop::new(read.diagnostics, texts));
        }
        let used = std::mem::take(&mut keeper.done.lock().unwrap_or_else(PoisonError::into_inner).used);
        let checkouts: BTreeSet<String> = used.keys().map(Source::checkout).collect();
        let file = LockFile::of(used.into_values().collect());
        let before = known.as_ref().map(|k| &*k.modules).unwrap_or_default();
        let changed = *before != *file.modules || known.is_none() && !file.modules.is_empty();
        let report = self.report(before, &file, changed && !self.check);
        if changed && self.check {
            return Err(codes::not_up_to_date(&report.file, &report.changes()).into());
        }
        if changed {
            file.write(project)?;
            sweep(&modules(project), &checkouts);
        }
        if printer.json {
            printer.document(&report);
        } else {
            printer.say(&report.text());
        }
        Ok(Exit::Ok)
    }

    fn report(&self, before: &[Entry], file: &LockFile, written: bool) -> Report {
        let same = |a: &Entry, b: &Entry| a.source == b.source && a.commit == b.commit;
        let module = |entry: &Entry| Module {
            source: entry.source.clone(),
            commit: entry.commit.clone(),
            checksum: entry.checksum.clone(),
            status: if before.iter().any(|b| same(b, entry)) { "kept" } else { "added" },
        };
        let gone = before.iter().filter(|b| !file.modules.iter().any(|m| same(b, m)));
        Report {
            format: 1,
            file: load::shown(&LockFile::path(&self.directory)),
            written,
            modules: file.modules.iter().map(module).collect(),
            dropped: gone.map(|b| Dropped { source: b.source.clone(), commit: b.commit.clone() }).collect(),
        }
    }
}

impl Report {
    /// What is other than before, in words.
    fn changes(&self) -> String {
        let short = |commit: &str| commit.get(..7).unwrap_or(commit).to_owned();
        let added = self.modules.iter().filter(|m| m.status == "added");
        let added = added.map(|m| format!("\"{}\" at {} is not in it", m.source, short(&m.commit)));
        let dropped = self.dropped.iter().map(|d| format!("\"{}\" at {} is not used any more", d.source, short(&d.commit)));
        let all: Vec<String> = added.chain(dropped).collect();
        if all.is_empty() { "its entries are written in another way".into() } else { all.join(", ") }
    }

    fn text(&self) -> String {
        if self.modules.is_empty() && self.dropped.is_empty() {
            return "The project uses no modules from git.".into();
        }
        let line = |sign: &str, source: &str, commit: &str| format!("  {sign} {source} at {}\n", commit.get(..7).unwrap_or(commit));
        let modules = self.modules.iter().map(|m| line(if m.status == "added" { "+" } else { " " }, &m.source, &m.commit));
        let dropped = self.dropped.iter().map(|d| line("-", &d.source, &d.commit));
        let lines: String = modules.chain(dropped).collect();
        let end = if self.written { "is written; commit it with the sources" } else { "is up to date" };
        format!("{lines}`{}` {end}.", self.file)
    }
}

/// Removes what nothing uses any more. It can be fetched again, so what cannot be removed stays.
fn sweep(modules: &Path, used: &BTreeSet<String>) {
    for entry in fs::read_dir(modules).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if !name.to_str().is_some_and(|n| used.contains(n)) && entry.file_type().is_ok_and(|t| t.is_dir()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
