//! Which environment of a project a command is for. Layer 10.

use std::{fs, path::Path};

use clap::Args;

use crate::{
    analysis::{Chosen, is_word},
    base::{codes::env as codes, diagnostic::Diagnostic},
    cli::load,
};

/// The end of the name of a file that has an environment's variables.
const VARIABLES: &str = "vars";

/// The option that says which environment.
#[derive(Debug, Clone, Default, Args)]
pub struct EnvArgs {
    /// Environment: its `env` block's account, region and state, and the variables in NAME.vars
    #[arg(long = "env", value_name = "NAME", env = "SECNET_ENV")]
    env: Option<String>,
}

impl EnvArgs {
    /// The environment's name, if one is given; nothing is as if none were.
    ///
    /// # Errors
    /// It can be the name of none.
    pub fn name(&self) -> Result<Option<String>, Diagnostic> {
        match self.env.as_deref() {
            None | Some("") => Ok(None),
            Some(name) if is_word(name) => Ok(Some(name.to_owned())),
            Some(name) => Err(codes::no_name(name)),
        }
    }
}

/// The variables file of an environment, if there is one: name and text.
///
/// # Errors
/// It cannot be read.
pub fn variables(directory: &Path, name: &str) -> Result<Option<(String, String)>, Diagnostic> {
    let path = directory.join(format!("{name}.{VARIABLES}"));
    if path.is_file() { Ok(Some((load::shown(&path), load::read(&path)?))) } else { Ok(None) }
}

/// An environment, and those that have variables files beside the sources.
#[must_use]
pub fn chosen(directory: &Path, name: &str) -> Chosen {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().map(|e| e.path());
    let files = entries.filter(|p| p.extension().is_some_and(|e| e == VARIABLES) && p.is_file());
    let mut files: Vec<String> = files.filter_map(|p| Some(p.file_stem()?.to_str()?.to_owned())).filter(|n| is_word(n)).collect();
    files.sort();
    Chosen { name: name.to_owned(), files }
}
