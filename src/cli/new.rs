//! `secnet new`: a project to start from. Layer 10.

use std::{fs, path::PathBuf};

use clap::Args;

use crate::{
    base::codes::environment as codes,
    cli::{Exit, Outcome, Stop, load, printer::Printer},
};

const MAIN: &str = include_str!("new/main.secnet");
const GITIGNORE: &str = include_str!("new/gitignore");

/// Start a project: a server that only its maintainers can reach
#[derive(Debug, Args)]
pub struct New {
    /// Its name, and that of the directory to make
    name: PathBuf,
}

impl New {
    /// Writes the files and says what to do next.
    ///
    /// # Errors
    /// The name is no name, something of that name is there, or it cannot be written.
    pub fn run(&self, printer: &Printer) -> Outcome {
        let shown = load::shown(&self.name);
        let name = self.name.file_name().map(|n| n.to_string_lossy().replace('-', "_")).unwrap_or_default();
        if !is_name(&name) {
            return Err(codes::bad_name(&shown).into());
        }
        if self.name.exists() {
            return Err(codes::exists(&shown).into());
        }
        fs::create_dir_all(&self.name).map_err(|e| codes::unwritable(&shown, &load::reason(&e)))?;
        for (file, text) in [("main.secnet", MAIN), (".gitignore", GITIGNORE)] {
            let path = self.name.join(file);
            let failed = |e: std::io::Error| Stop::from(codes::unwritable(&load::shown(&path), &load::reason(&e)));
            fs::write(&path, text.replace("PROJECT", &name)).map_err(failed)?;
        }
        printer.say(&format!(
            "{shown}/main.secnet and {shown}/.gitignore are written.\n\n\
             Next:\n  cd {shown}\n  secnet check\n  secnet plan --sandbox\n  secnet apply --sandbox"
        ));
        Ok(Exit::Ok)
    }
}

fn is_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|c| c.is_ascii_alphabetic()) && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}
