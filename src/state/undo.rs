//! What the last apply started from: the state before, in a file or object beside the state. Layer 5.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
};

use serde::{Deserialize, Serialize};

use crate::{
    base::{
        address::Address,
        codes::{environment as codes, state as state_codes},
        diagnostic::Diagnostic,
        disk::{reason, shown},
    },
    state::{
        State,
        store::{Lock, Store},
    },
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

/// Writes it, whole or not at all.
///
/// # Errors
/// It cannot be written, or the right to write is gone.
pub fn keep(store: &Store, lock: &Lock, kept: &Kept) -> Result<(), Diagnostic> {
    let failed = |e: io::Error| codes::unwritable(&shown(&store.undo_path()), &reason(&e));
    let text = serde_json::to_vec(kept).map_err(|e| failed(e.into()))?;
    match (store, lock) {
        (Store::Remote(remote), Lock::Lease(lease)) => remote.keep_undo(lease, &text),
        (Store::Local(_), Lock::File(_)) => keep_file(store, &text).map_err(failed),
        _ => Err(state_codes::not_writable(&store.shown(), "the lock is that of another store")),
    }
}

fn keep_file(store: &Store, text: &[u8]) -> io::Result<()> {
    let (path, beside) = (store.undo_path(), store.state_path().with_extension("undo.json.new"));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&beside).and_then(|mut file| file.write_all(text))?;
    fs::rename(beside, path)
}

/// Reads it; `None` where no apply has left any.
///
/// # Errors
/// It cannot be read, or is not what this version writes.
pub fn read(store: &Store) -> Result<Option<Kept>, Diagnostic> {
    let failed = |e: io::Error| codes::unreadable(&shown(&store.undo_path()), &reason(&e));
    let text = match store {
        Store::Remote(remote) => remote.undo()?,
        Store::Local(_) => match fs::read(store.undo_path()) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        },
    };
    text.map(|text| serde_json::from_slice(&text)).transpose().map_err(|e| failed(e.into()))
}
