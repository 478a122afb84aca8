//! Where modules are found: directories beside the project. Layer 10.

use std::path::{Component, Path, PathBuf};

use crate::{
    analysis::{Closed, Library, Opened},
    cli::load,
};

/// What is on disk, seen from a project's directory.
#[derive(Debug)]
pub struct Disk {
    project: PathBuf,
}

impl Disk {
    /// For the project of this directory.
    pub fn new(project: &Path) -> Self {
        Self { project: project.to_path_buf() }
    }
}

impl Library for Disk {
    fn open(&self, from: &str, source: &str) -> Result<Opened, Closed> {
        if !(source.starts_with("./") || source.starts_with("../") || matches!(source, "." | "..")) {
            return Err(Closed {
                why: "it says neither a directory nor a git source".into(),
                help: format!("a directory begins with `./` or `../`: \"./{source}\""),
            });
        }
        let directory = tidy(&Path::new(from).join(source));
        let path = self.project.join(&directory);
        let files = load::directory(&path).map_err(|wrong| Closed {
            why: wrong.first().map_or_else(|| "it cannot be read".into(), |d| d.message.clone()),
            help: "correct the path, which is seen from the directory of this file".into(),
        })?;
        let shown = load::shown(&directory);
        let files = files.into_iter().map(|(name, text)| (format!("{shown}/{name}"), text)).collect();
        Ok(Opened { directory: shown, files })
    }
}

/// A path, empty for the project's own directory, without `.`, and without `..` but at its start.
fn tidy(path: &Path) -> PathBuf {
    let mut found = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(found.components().next_back(), Some(Component::Normal(_))) => {
                found.pop();
            }
            part => found.push(part),
        }
    }
    found
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
