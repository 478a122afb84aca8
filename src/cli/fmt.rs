//! `secnet fmt`: sources in their one form. Layer 10.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use clap::Args;
use serde::Serialize;

use crate::{
    base::{codes::environment as codes, diagnostic::Diagnostic},
    cli::{
        Exit, Outcome, Stop,
        load::{self, Texts},
        printer::Printer,
    },
    syntax,
};

/// Write sources in their one form
#[derive(Debug, Args)]
pub struct Fmt {
    /// Write nothing; list the files that would change, and end with 1 if there are any
    #[arg(long)]
    check: bool,
    /// Write nothing; show what would change, line by line
    #[arg(long)]
    diff: bool,
    /// Format the sources of directories in these directories too: those of modules
    #[arg(long, short)]
    recursive: bool,
    /// Files, directories, or `-` for standard input; all sources of this directory if there are none
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Formatted {
    format: u32,
    /// The files that changed, or that would.
    changed: Vec<String>,
    /// With `--diff`: how, as unified diffs.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    diffs: BTreeMap<String, String>,
}

/// How a file would change: a unified diff, which `patch` takes.
fn difference(name: &str, text: &str, formatted: &str) -> String {
    let (from, to) = (format!("a/{name}"), format!("b/{name}"));
    similar::TextDiff::from_lines(text, formatted).unified_diff().header(&from, &to).to_string().trim_end().to_owned()
}

impl Fmt {
    /// Formats; a file with syntax errors stays as it is.
    ///
    /// # Errors
    /// A file cannot be read, understood or written.
    pub fn run(&self, printer: &Printer) -> Outcome {
        if self.files.iter().any(|f| f.as_os_str() == "-") {
            return self.standard_input(printer);
        }
        let mut texts = Texts::default();
        let mut wrong = vec![];
        let mut changed = vec![];
        for path in self.paths()? {
            let text = load::read(&path)?;
            let file = texts.sources.add(&load::shown(&path), &text);
            match syntax::format::format(file, &text) {
                Ok(formatted) if formatted != text => changed.push((path, text, formatted)),
                Ok(_) => {}
                Err(diagnostics) => wrong.extend(diagnostics),
            }
        }
        if !self.check && !self.diff {
            for (path, _, formatted) in &changed {
                write(path, formatted)?;
            }
        }
        if !wrong.is_empty() {
            return Err(Stop::new(wrong, texts));
        }
        let names: Vec<String> = changed.iter().map(|(path, ..)| load::shown(path)).collect();
        let said = changed.iter().zip(&names).filter(|_| self.diff);
        let diffs: BTreeMap<String, String> =
            said.map(|((_, text, formatted), name)| (name.clone(), difference(name, text, formatted))).collect();
        if printer.json {
            printer.document(&Formatted { format: 1, changed: names, diffs });
        } else {
            names.iter().for_each(|name| printer.result(diffs.get(name).unwrap_or(name)));
        }
        Ok(if self.check && !changed.is_empty() { Exit::Findings } else { Exit::Ok })
    }

    fn standard_input(&self, printer: &Printer) -> Outcome {
        let mut bytes = vec![];
        let failed = |e: std::io::Error| codes::unreadable("standard input", &load::reason(&e));
        std::io::stdin().lock().read_to_end(&mut bytes).map_err(failed)?;
        let text = load::decode("standard input", bytes)?;
        let mut texts = Texts::default();
        let file = texts.sources.add("standard input", &text);
        let formatted = syntax::format::format(file, &text).map_err(|diagnostics| Stop::new(diagnostics, texts))?;
        if self.diff && formatted != text {
            printer.result(&difference("standard input", &text, &formatted));
        }
        if self.check || self.diff {
            let formatted_already = formatted == text || !self.check;
            return Ok(if formatted_already { Exit::Ok } else { Exit::Findings });
        }
        printer.result(&formatted);
        Ok(Exit::Ok)
    }

    fn paths(&self) -> Result<Vec<PathBuf>, Stop> {
        let here = [PathBuf::from(".")];
        let named = if self.files.is_empty() { &here[..] } else { &self.files };
        let mut paths = vec![];
        for path in named {
            match path.is_dir() {
                true if self.recursive => paths.extend(below(path)?),
                true => paths.extend(load::paths(path)?),
                false => paths.push(path.clone()),
            }
        }
        Ok(paths)
    }
}

/// The sources of a directory and of all below it but hidden ones; a directory may have none.
fn below(top: &Path) -> Result<Vec<PathBuf>, Diagnostic> {
    let mut found = vec![];
    let mut open = vec![top.to_path_buf()];
    while let Some(directory) = open.pop() {
        let shown = load::shown(&directory);
        let failed = |e: std::io::Error| codes::unreadable(&shown, &load::reason(&e));
        for entry in fs::read_dir(&directory).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let hidden = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
            if path.is_dir() && !path.is_symlink() && !hidden {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "secnet") && !path.is_dir() {
                found.push(path);
            }
        }
    }
    found.sort();
    if found.is_empty() { Err(codes::no_sources(&load::shown(top))) } else { Ok(found) }
}

/// Replaces a file's contents; whoever reads it meanwhile sees the old or the new, never a half.
fn write(path: &Path, text: &str) -> Result<(), Diagnostic> {
    let failed = |e: std::io::Error| codes::unwritable(&load::shown(path), &load::reason(&e));
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".new");
    let beside = path.with_file_name(name);
    let permissions = fs::metadata(path).map_err(failed)?.permissions();
    fs::write(&beside, text)
        .and_then(|()| fs::set_permissions(&beside, permissions))
        .and_then(|()| fs::rename(&beside, path))
        .map_err(failed)
}
