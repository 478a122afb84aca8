//! Cases of the specs that have a script: the program itself is run, in a directory of its own, on the sandbox or on nothing.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

/// What a case does in its directory.
pub(crate) enum Step {
    /// Path and text of a file.
    Write(String, String),
    /// A script for `sh -e`.
    Run(String),
}

/// What the scripts have written to their error output, and how the last one ended where that was not with 0.
pub(crate) fn said(steps: &[Step], alone: bool) -> String {
    let folder = tempfile::tempdir().unwrap();
    let has_project =
        |step: &Step| matches!(step, Step::Write(path, text) if !path.contains('/') && text.lines().any(|l| l.starts_with("project")));
    if !alone && !steps.iter().any(has_project) {
        fs::write(folder.path().join("project.secnet"), "project test { region = \"us-east-1\" }\n").unwrap();
    }
    let mut said = String::new();
    for step in steps {
        match step {
            Step::Write(path, text) => {
                let path = folder.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Step::Run(script) => said.push_str(&run(folder.path(), script)),
        }
    }
    if said.is_empty() { "ok\n".into() } else { said }
}

fn run(directory: &Path, script: &str) -> String {
    let mut command = Command::new("sh");
    for (key, _) in std::env::vars_os() {
        let name = key.to_string_lossy();
        if name.starts_with("SECNET_") || name.starts_with("AWS_") {
            command.env_remove(&key);
        }
    }
    let here = Path::new(env!("CARGO_BIN_EXE_secnet")).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::env::join_paths(std::iter::once(here.to_owned()).chain(std::env::split_paths(&path))).unwrap();
    let output = command.args(["-ec", script]).current_dir(directory).env("PATH", paths).stdin(Stdio::null()).output().unwrap();
    let mut said = without_ids(&String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        let code = output.status.code().map_or("by a signal".to_owned(), |code| format!("with {code}"));
        said.push_str(&format!("it ends {code}\n"));
    }
    said
}

/// The digits of ids, which are different each time, are zeros.
fn without_ids(text: &str) -> String {
    let digits = |word: &str| word.len() >= 8 && word.chars().all(|c| c.is_ascii_hexdigit()) && word.chars().any(|c| c.is_ascii_digit());
    let word = |word: &str| if digits(word) { "0".repeat(word.len()) } else { word.to_owned() };
    let mut said = String::new();
    let mut rest = text;
    while let Some(end) = rest.find(|c: char| !c.is_ascii_alphanumeric()) {
        let (first, after) = rest.split_at(end);
        let mut after = after.chars();
        said.push_str(&word(first));
        said.extend(after.next());
        rest = after.as_str();
    }
    said + &word(rest)
}
