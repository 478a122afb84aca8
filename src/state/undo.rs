//! What the last apply started from: the state before, in a file beside the state. Layer 5.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use crate::{
    base::address::Address,
    state::{State, store::Store},
};

/// What the last apply started from. What is sensitive in it is a hash, as in the state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// The number of the run, as `secnet log` has it.
    pub run: u64,
    /// `apply` or `destroy`
    pub command: String,
    /// The state before.
    pub before: State,
    /// What the run has taken under management: to go back is to let go of it.
    pub imported: Vec<Address>,
    /// What the run has let go of: to go back is to take it in again.
    pub forgotten: Vec<Address>,
}

/// `state/<project>.undo.json`
#[must_use]
pub fn path(store: &Store) -> PathBuf {
    store.state_path().with_extension("undo.json")
}

/// Writes it, whole or not at all.
///
/// # Errors
/// It cannot be written.
pub fn keep(store: &Store, kept: &Kept) -> io::Result<()> {
    let (path, beside) = (path(store), store.state_path().with_extension("undo.json.new"));
    let text = serde_json::to_vec(kept)?;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&beside).and_then(|mut file| file.write_all(&text))?;
    fs::rename(beside, path)
}

/// Reads it; `None` where no apply has left any.
///
/// # Errors
/// It cannot be read, or is not what this version writes.
pub fn read(store: &Store) -> io::Result<Option<Kept>> {
    match fs::read(path(store)) {
        Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
