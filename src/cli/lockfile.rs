//! `secnet.lock`: which modules from git a project uses, and the checksums of what they hold. Layer 10.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    base::{
        codes::{environment, lock as codes},
        diagnostic::Diagnostic,
    },
    cli::{git::Source, load},
};

/// The format that this version writes and reads.
const FORMAT: u32 = 1;
const NAME: &str = "secnet.lock";
/// How many files a module may have, below its directory too.
const FILES_MAX: usize = 2000;
/// How much they may hold together, in bytes.
const BYTES_MAX: u64 = 256 << 20;
/// How many of them a message names.
const NAMED_MAX: usize = 5;

/// What a module's directory holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    /// SHA-256 over the names and contents of all its files, those below it too.
    checksum: String,
    /// The beginning of the SHA-256 of each file, by its path from there: to tell which differ.
    files: BTreeMap<String, String>,
}

/// A module from git.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Repository and directory: `git+https://example.com/network.git//modules/edge`.
    pub source: String,
    /// All its digits.
    pub commit: String,
    /// `sha256:` and 64 digits.
    pub checksum: String,
    /// See [`Sum`].
    files: BTreeMap<String, String>,
}

/// The lock file of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockFile {
    format: u32,
    /// By source, then commit.
    pub modules: Vec<Entry>,
}

impl Entry {
    /// What a source holds.
    #[must_use]
    pub fn new(source: &Source, sum: Sum) -> Self {
        Self { source: source.to_string(), commit: source.commit.clone(), checksum: sum.checksum, files: sum.files }
    }

    /// How what is there differs from what was locked, in words; `None` if it does not.
    #[must_use]
    pub fn differs(&self, sum: &Sum) -> Option<String> {
        if self.checksum == sum.checksum {
            return None;
        }
        let mut told = vec![];
        for (name, hash) in &sum.files {
            match self.files.get(name) {
                None => told.push(format!("`{name}` was added")),
                Some(known) if known != hash => told.push(format!("`{name}` was changed")),
                Some(_) => {}
            }
        }
        told.extend(self.files.keys().filter(|name| !sum.files.contains_key(*name)).map(|name| format!("`{name}` is gone")));
        let more = told.len().saturating_sub(NAMED_MAX);
        told.truncate(NAMED_MAX);
        if more > 0 {
            told.push(format!("and {more} more"));
        }
        Some(if told.is_empty() { "the checksum in the lock file is not that of its files".into() } else { told.join(", ") })
    }
}

impl LockFile {
    /// Where the lock file of a project lies.
    #[must_use]
    pub fn path(project: &Path) -> PathBuf {
        project.join(NAME)
    }

    /// One with these entries.
    #[must_use]
    pub fn of(mut modules: Vec<Entry>) -> Self {
        modules.sort_by(|a, b| (&a.source, &a.commit).cmp(&(&b.source, &b.commit)));
        Self { format: FORMAT, modules }
    }

    /// Reads that of a project; `None` if there is none.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub fn read(project: &Path) -> Result<Option<Self>, Diagnostic> {
        let path = Self::path(project);
        let shown = load::shown(&path);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(codes::lock_file(&shown, &load::reason(&e))),
        };
        match serde_json::from_slice::<LockFile>(&bytes) {
            Ok(file) if file.format == FORMAT => Ok(Some(file)),
            Ok(_) => Err(codes::lock_file(&shown, "another version of secnet has written it")),
            Err(e) => Err(codes::lock_file(&shown, &format!("line {} is not what `secnet lock` writes", e.line()))),
        }
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, project: &Path) -> Result<(), Diagnostic> {
        let path = Self::path(project);
        let failed = |e: io::Error| environment::unwritable(&load::shown(&path), &load::reason(&e));
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|e| failed(e.into()))?;
        bytes.push(b'\n');
        let beside = project.join(format!(".{NAME}.{}", std::process::id()));
        let written = File::create(&beside)
            .and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&beside, &path));
        if written.is_err() {
            let _ = fs::remove_file(&beside);
        }
        written.map_err(failed)
    }

    /// What is known of a source.
    #[must_use]
    pub fn find(&self, source: &Source) -> Option<&Entry> {
        let name = source.to_string();
        self.modules.iter().find(|m| m.source == name && m.commit == source.commit)
    }
}

/// The checksum of a directory: names and contents of its files and of those below it, in order, each with its length.
///
/// # Errors
/// Why it has none, as a clause.
pub fn sum(directory: &Path) -> Result<Sum, String> {
    let mut names = vec![];
    below(directory, "", &mut names)?;
    names.sort();
    let mut whole = Sha256::new();
    whole.update((names.len() as u64).to_le_bytes());
    let mut files = BTreeMap::new();
    let mut total = 0;
    for name in names {
        let path = directory.join(&name);
        let unreadable = |e: io::Error| format!("`{name}` cannot be read: {}", load::reason(&e));
        total += fs::metadata(&path).map_err(unreadable)?.len();
        if total > BYTES_MAX {
            return Err(format!("its files hold more than {} MiB", BYTES_MAX >> 20));
        }
        let bytes = fs::read(&path).map_err(unreadable)?;
        for part in [name.as_bytes(), &bytes] {
            whole.update((part.len() as u64).to_le_bytes());
            whole.update(part);
        }
        let hash: String = Sha256::digest(&bytes).iter().take(8).map(|b| format!("{b:02x}")).collect();
        files.insert(name, hash);
    }
    let checksum = whole.finalize().iter().map(|b| format!("{b:02x}")).collect::<String>();
    Ok(Sum { checksum: format!("sha256:{checksum}"), files })
}

fn below(directory: &Path, prefix: &str, names: &mut Vec<String>) -> Result<(), String> {
    let unreadable = |e: io::Error| format!("`{}` cannot be read: {}", if prefix.is_empty() { "." } else { prefix }, load::reason(&e));
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type().map_err(unreadable)?;
        if kind.is_dir() {
            below(&entry.path(), &format!("{name}/"), names)?;
        } else if kind.is_file() {
            names.push(name);
        } else {
            return Err(format!("`{name}` is no plain file"));
        }
        if names.len() > FILES_MAX {
            return Err(format!("it has more than {FILES_MAX} files"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_tells_which_file_differs() {
        let folder = tempfile::tempdir().expect("a directory");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("written");
        fs::create_dir(folder.path().join("files")).expect("made");
        write("main.secnet", "vpc");
        write("files/init.sh", "x");
        let source = Source { url: "file:///x".into(), directory: String::new(), commit: "c".into() };
        let entry = Entry::new(&source, sum(folder.path()).expect("a checksum"));
        let differs = || entry.differs(&sum(folder.path()).expect("a checksum"));
        assert_eq!(differs(), None);
        write("files/init.sh", "y");
        write("more.secnet", "");
        assert_eq!(differs().as_deref(), Some("`files/init.sh` was changed, `more.secnet` was added"));
        fs::remove_file(folder.path().join("main.secnet")).expect("removed");
        fs::remove_file(folder.path().join("more.secnet")).expect("removed");
        write("files/init.sh", "x");
        assert_eq!(differs().as_deref(), Some("`main.secnet` is gone"));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_no_source() {
        let folder = tempfile::tempdir().expect("a directory");
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("a.secnet")).expect("made");
        assert_eq!(sum(folder.path()), Err("`a.secnet` is no plain file".into()));
    }
}
