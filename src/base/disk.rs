//! Files of a project, for whoever may not open any itself. Layer 0.

use std::{
    fmt, io,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

/// Reads files below a project's directory. What was read is the same however often it is asked for.
///
/// Paths have forward slashes, begin at the project's directory, and are as [`joined`] gives them. `within` is the directory,
/// from there too, that a path must not leave, not even by a symbolic link: empty for the project's own.
/// An error is a message for the user, such as "there is no file `a.txt`".
pub trait Disk: fmt::Debug + Send + Sync {
    /// The bytes of a file.
    ///
    /// # Errors
    /// There is no such file, or it cannot be read, or is too large.
    fn read(&self, within: &str, path: &str) -> Result<Arc<[u8]>, String>;

    /// Whether there is such a file.
    ///
    /// # Errors
    /// It cannot be told.
    fn is_file(&self, within: &str, path: &str) -> Result<bool, String>;

    /// The paths of the files below a directory that match a pattern, from that directory and sorted. `pattern` is what the
    /// user wrote, and `matches` its meaning. What git and secnet keep for themselves is left out.
    ///
    /// # Errors
    /// There is no such directory, or it cannot be read.
    fn list(&self, within: &str, directory: &str, pattern: &str, matches: &dyn Fn(&str) -> bool) -> Result<Vec<String>, String>;
}

/// A path as messages show it: with forward slashes and without `./`.
#[must_use]
pub fn shown(path: &Path) -> String {
    let text = path.to_string_lossy().replace('\\', "/");
    text.strip_prefix("./").map(str::to_owned).filter(|t| !t.is_empty()).unwrap_or(text)
}

/// A path, empty for the project's own directory, without `.`, and without `..` but at its start.
#[must_use]
pub fn tidy(path: &Path) -> PathBuf {
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

/// Why an operation failed, in the system's words.
#[must_use]
pub fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it does not exist".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::NotADirectory => "it is not a directory".into(),
        io::ErrorKind::AlreadyExists => "there is a file of this name".into(),
        io::ErrorKind::AddrInUse => "it is in use".into(),
        io::ErrorKind::IsADirectory => "it is a directory".into(),
        io::ErrorKind::StorageFull => "no space is left".into(),
        _ => error.to_string(),
    }
}

/// A path that is written in a module, from the project's directory; the module lies in `directory`.
///
/// # Errors
/// It leaves both the project's directory and the module's, or begins elsewhere.
pub fn joined(directory: &str, path: &str) -> Result<String, String> {
    if path.starts_with(['/', '\\', '~']) || path.get(1..2) == Some(":") {
        let why = "is not below the project: copy the file there, or pass its text as a variable";
        return Err(format!("`{path}` {why}"));
    }
    let mut parts: Vec<&str> = vec![];
    let slashed = path.replace('\\', "/");
    for part in directory.split('/').chain(slashed.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    let own = directory.starts_with("..") && (joined == directory || joined.starts_with(&format!("{directory}/")));
    if parts.first() == Some(&"..") && !own {
        return Err(format!("`{path}` is outside of the project's directory: copy the file there, or pass its text as a variable"));
    }
    Ok(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_in_the_project_or_in_its_module() {
        let ok = |directory, path| joined(directory, path).ok();
        assert_eq!(ok("", "./a/../b.txt").as_deref(), Some("b.txt"));
        assert_eq!(ok("modules/edge", "../b.txt").as_deref(), Some("modules/b.txt"));
        assert_eq!(ok("../edge", "keys/b.txt").as_deref(), Some("../edge/keys/b.txt"));
        assert_eq!(ok("", "").as_deref(), Some(""));
        for (directory, path) in [
            ("", "../b"),
            ("a", "../../b"),
            ("../edge", "../b"),
            ("../edge", "../edgeless/b"),
            ("", "/b"),
            ("", "~/b"),
            ("", "C:/b"),
            ("", "a\\..\\..\\b"),
        ] {
            assert_eq!(ok(directory, path), None, "{directory} {path}");
        }
    }
}
