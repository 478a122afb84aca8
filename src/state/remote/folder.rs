//! Objects in a directory: what stands in for a bucket where there is none, on one machine or on a disk that several share.
//! Layer 4.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use sha2::{Digest, Sha256};

use super::{Listed, Object, Objects, Refused, Trouble, When};
use crate::{
    base::disk,
    state::{
        identity,
        store::local::{private, sync_directory},
    },
};

/// A directory whose files are objects. A version goes by what it holds, as with S3.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// The objects in a directory, which need not be there yet.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self(directory.into())
    }

    fn path(&self, key: &str) -> PathBuf {
        self.0.join(key)
    }

    /// Alone with the directory until this is dropped.
    fn alone(&self) -> io::Result<File> {
        fs::create_dir_all(&self.0)?;
        let file = private(OpenOptions::new().write(true).create(true)).open(self.0.join(".lock"))?;
        file.lock()?;
        Ok(file)
    }

    fn read(&self, key: &str) -> io::Result<Option<Object>> {
        match fs::read(self.path(key)) {
            Ok(bytes) => Ok(Some(Object { etag: identity::hex(&Sha256::digest(&bytes)), bytes })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&self, key: &str, bytes: &[u8]) -> io::Result<String> {
        let (path, new) = (self.path(key), self.path(&format!("{key}.new")));
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        let mut file = private(OpenOptions::new().write(true).create(true).truncate(true)).open(&new)?;
        io::Write::write_all(&mut file, bytes)?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        sync_directory(&path)?;
        Ok(identity::hex(&Sha256::digest(bytes)))
    }
}

impl Objects for Folder {
    fn get(&self, key: &str) -> Result<Option<Object>, Trouble> {
        self.read(key).map_err(|e| disk::reason(&e).into())
    }

    fn put(&self, key: &str, bytes: &[u8], when: When<'_>) -> Result<String, Refused> {
        let failed = |e: io::Error| Refused::Failed(disk::reason(&e));
        let _alone = self.alone().map_err(failed)?;
        let found = self.read(key).map_err(failed)?;
        let holds = match when {
            When::Absent => found.is_none(),
            When::Unchanged(etag) => found.is_some_and(|found| found.etag == etag),
            When::Always => true,
        };
        if holds { self.write(key, bytes).map_err(failed) } else { Err(Refused::Conflict) }
    }

    fn delete(&self, key: &str) -> Result<(), String> {
        match fs::remove_file(self.path(key)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(disk::reason(&error)),
            _ => Ok(()),
        }
    }

    fn list(&self, prefix: &str) -> Result<Vec<Listed>, String> {
        let mut found = vec![];
        list(&self.path(prefix), prefix, &mut found).map_err(|e| disk::reason(&e))?;
        found.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(found)
    }

    fn url(&self) -> String {
        format!("file://{}", disk::shown(&self.0))
    }
}

fn list(directory: &Path, prefix: &str, found: &mut Vec<Listed>) -> io::Result<()> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let key = format!("{prefix}/{}", entry.file_name().to_string_lossy());
        let about = match entry.metadata() {
            // Removed since it was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            about => about?,
        };
        if about.is_dir() {
            list(&entry.path(), &key, found)?;
        } else if !key.ends_with(".new") {
            let at = about.modified()?.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
            found.push(Listed { key, at, size: about.len() });
        }
    }
    Ok(())
}
