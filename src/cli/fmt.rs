//! `secnet fmt`: sources in their one form. Layer 10.

use std::{
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
                Ok(formatted) if formatted != text => changed.push((path, formatted)),
                Ok(_) => {}
                Err(diagnostics) => wrong.extend(diagnostics),
            }
        }
        if !self.check {
            for (path, text) in &changed {
                write(path, text)?;
            }
        }
        if !wrong.is_empty() {
            return Err(Stop::new(wrong, texts));
        }
        let changed: Vec<String> = changed.iter().map(|(path, _)| load::shown(path)).collect();
        if printer.json {
            printer.document(&Formatted { format: 1, changed: changed.clone() });
        } else {
            changed.iter().for_each(|name| printer.result(name));
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
        if self.check {
            return Ok(if formatted == text { Exit::Ok } else { Exit::Findings });
        }
        printer.result(&formatted);
        Ok(Exit::Ok)
    }

    fn paths(&self) -> Result<Vec<PathBuf>, Stop> {
        let here = [PathBuf::from(".")];
        let named = if self.files.is_empty() { &here[..] } else { &self.files };
        let mut paths = vec![];
        for path in named {
            if path.is_dir() { paths.extend(load::paths(path)?) } else { paths.push(path.clone()) }
        }
        Ok(paths)
    }
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
