//! The files that functions read. Layer 10.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

use sha2::{Digest, Sha256};

use crate::{
    base::{disk::Disk, span::Span},
    cli::{library::tidy, load::reason},
    lsp::Unsaved,
};

/// How many files a directory may hold for `fileset`, those below it counted in.
const FILES_MAX: usize = 100_000;

/// Directories that are not the project's own: git's, and those of states.
const NOT_LISTED: [&str; 2] = [".git", ".secnet"];

/// A project's directory. Each file is read once, and what was read is remembered: a plan rests on it.
pub struct ProjectDisk {
    directory: PathBuf,
    read: Mutex<BTreeMap<String, Read>>,
    unsaved: Arc<Unsaved>,
}

/// What was found at a path; `None` where there is no file.
#[derive(Clone)]
enum Read {
    File(Option<Arc<[u8]>>),
    List(Vec<String>),
}

impl ProjectDisk {
    /// A project's directory.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        Self::as_edited(directory, Arc::default())
    }

    /// The same as an editor has it.
    #[must_use]
    pub fn as_edited(directory: &Path, unsaved: Arc<Unsaved>) -> Self {
        Self { directory: directory.to_path_buf(), read: Mutex::default(), unsaved }
    }

    /// What was read until now: each path with the SHA-256 of what was found there.
    #[must_use]
    pub fn seen(&self) -> Vec<(String, String)> {
        let hash = |read: &Read| match read {
            Read::File(None) => "none".to_owned(),
            Read::File(Some(bytes)) => hex(Sha256::digest(bytes).as_slice()),
            Read::List(paths) => hex(Sha256::digest(paths.join("\0")).as_slice()),
        };
        self.all().iter().map(|(path, read)| (path.clone(), hash(read))).collect()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Read>> {
        self.read.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Where a path leads, links followed; `None` if there is nothing.
    fn find(&self, within: &str, path: &str) -> Result<Option<PathBuf>, String> {
        let full = self.directory.join(path);
        let found = match full.canonicalize() {
            Ok(found) => found,
            Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => return Ok(None),
            Err(e) => return Err(format!("`{path}` cannot be read: {}", reason(&e))),
        };
        let within = self.directory.join(within).canonicalize().map_err(|e| format!("`{within}` cannot be read: {}", reason(&e)))?;
        if !found.starts_with(within) {
            return Err(format!("`{path}` leads out of the project's directory by a symbolic link"));
        }
        Ok(Some(found))
    }

    /// The bytes of a file, or that there is none.
    fn file(&self, within: &str, path: &str) -> Result<Option<Arc<[u8]>>, String> {
        if let Some(Read::File(read)) = self.all().get(path) {
            return Ok(read.clone());
        }
        let found = self.find(within, path)?.filter(|found| found.is_file());
        let edited = found.as_ref().and_then(|_| self.unsaved.get(&tidy(&self.directory.join(path))));
        let bytes = match found {
            None => None,
            Some(_) if edited.is_some() => edited.map(|text| Arc::from(text.as_bytes())),
            Some(found) => {
                let why = |e: std::io::Error| format!("`{path}` cannot be read: {}", reason(&e));
                let size = fs::metadata(&found).map_err(why)?.len();
                if size > Span::BYTES_MAX as u64 {
                    return Err(format!("`{path}` is too large: {size} bytes"));
                }
                Some(Arc::from(fs::read(&found).map_err(why)?))
            }
        };
        self.all().insert(path.to_owned(), Read::File(bytes.clone()));
        Ok(bytes)
    }
}

impl Disk for ProjectDisk {
    fn read(&self, within: &str, path: &str) -> Result<Arc<[u8]>, String> {
        self.file(within, path)?.ok_or_else(|| format!("there is no file `{path}`"))
    }

    fn is_file(&self, within: &str, path: &str) -> Result<bool, String> {
        self.file(within, path).map(|file| file.is_some())
    }

    fn list(&self, within: &str, directory: &str, pattern: &str, matches: &dyn Fn(&str) -> bool) -> Result<Vec<String>, String> {
        // A list is no file, and the name says so: no path has two slashes.
        let name = format!("{directory}//{pattern}");
        if let Some(Read::List(paths)) = self.all().get(&name) {
            return Ok(paths.clone());
        }
        let top = self.find(within, directory)?.filter(|found| found.is_dir());
        let top = top.ok_or_else(|| format!("there is no directory `{directory}`"))?;
        let paths = below(&top).map_err(|e| format!("`{directory}` cannot be read: {}", reason(&e)))?;
        let mut paths = paths.ok_or_else(|| format!("there are more than {FILES_MAX} files in `{directory}`"))?;
        // What does not match is not remembered: it may change, and the plan stays as it is.
        paths.retain(|path| matches(path));
        self.all().insert(name, Read::List(paths.clone()));
        Ok(paths)
    }
}

/// The files below a directory, sorted; `None` if there are too many. Links to directories are not followed: they may go round.
fn below(top: &Path) -> std::io::Result<Option<Vec<String>>> {
    let mut paths = vec![];
    let mut open = vec![top.to_path_buf()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() && !path.is_symlink() {
                if !path.file_name().is_some_and(|name| NOT_LISTED.iter().any(|n| name == *n)) {
                    open.push(path);
                }
            } else if path.is_file()
                && let Ok(relative) = path.strip_prefix(top)
            {
                paths.push(relative.to_string_lossy().replace('\\', "/"));
            }
            if paths.len() > FILES_MAX {
                return Ok(None);
            }
        }
    }
    paths.sort();
    Ok(Some(paths))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

impl fmt::Debug for ProjectDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProjectDisk").field("directory", &self.directory).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_remembered_and_a_link_leads_nowhere_else() -> std::io::Result<()> {
        let outside = tempfile::tempdir()?;
        fs::write(outside.path().join("secret"), "x")?;
        let project = tempfile::tempdir()?;
        fs::create_dir(project.path().join("keys"))?;
        fs::write(project.path().join("keys/a.pub"), "ssh")?;
        let disk = ProjectDisk::new(project.path());
        assert_eq!(Disk::read(&disk, "", "keys/a.pub").as_deref(), Ok(b"ssh".as_slice()));
        assert_eq!(disk.is_file("", "keys/b.pub"), Ok(false));
        assert_eq!(disk.is_file("", "keys"), Ok(false));
        assert_eq!(disk.list("", "", "*", &|path| path.ends_with(".pub")), Ok(vec!["keys/a.pub".to_owned()]));
        let first = ProjectDisk::seen(&disk);
        assert_eq!(first.iter().map(|r| &*r.0).collect::<Vec<_>>(), ["//*", "keys", "keys/a.pub", "keys/b.pub"]);
        // What it read stays, whatever happens on the disk; a new one sees what is there now.
        fs::write(project.path().join("keys/a.pub"), "other")?;
        assert_eq!(Disk::read(&disk, "", "keys/a.pub").as_deref(), Ok(b"ssh".as_slice()));
        let later = ProjectDisk::new(project.path());
        assert_eq!(Disk::read(&later, "", "keys/a.pub").as_deref(), Ok(b"other".as_slice()));
        assert_ne!(ProjectDisk::seen(&later), first[2..3]);
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(outside.path().join("secret"), project.path().join("link"))?;
            assert_eq!(
                Disk::read(&later, "", "link").err().as_deref(),
                Some("`link` leads out of the project's directory by a symbolic link")
            );
        }
        Ok(())
    }
}
