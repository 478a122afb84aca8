//! A state beside the sources: its file, its journal and its lock. Layer 4.
//!
//! Beside the state `<project>.json` lie `<project>.journal`, while an apply is under way, and `.<project>.lock`, whose
//! contents say who holds the lock. The lock itself is the operating system's and ends with its process.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{Loaded, age, format, now};
use crate::{
    base::{codes::state as codes, diagnostic::Diagnostic, disk},
    state::{State, journal},
};

/// Where the state of a project lies.
#[derive(Debug, Clone)]
pub struct Local {
    pub(super) directory: PathBuf,
    pub(super) project: String,
}

/// Who holds a lock.
#[derive(Debug, Serialize, Deserialize)]
struct Holder {
    pid: u32,
    since: u64,
    command: String,
}

/// How often a lock that is held is tried again, and how long after each other. A process that is just being started
/// holds, until it runs its own program, all that its parent held when it was started.
const TRIES: usize = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

fn patiently(take: impl Fn() -> Result<(), TryLockError>) -> Result<(), TryLockError> {
    for _ in 1..TRIES {
        match take() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN_TRIES),
            other => return other,
        }
    }
    take()
}

impl Local {
    /// `state/<project>.json`
    #[must_use]
    pub fn state_path(&self) -> PathBuf {
        self.directory.join(format!("{}.json", self.project))
    }

    /// `state/<project>.journal`
    #[must_use]
    pub fn journal_path(&self) -> PathBuf {
        self.directory.join(format!("{}.journal", self.project))
    }

    /// `state/.<project>.lock`
    #[must_use]
    pub fn lock_path(&self) -> PathBuf {
        self.directory.join(format!(".{}.lock", self.project))
    }

    /// Takes the lock, at once or not at all. Makes the directory, and finds out whether it can be written.
    ///
    /// # Errors
    /// Somebody else holds it (who, and since when), or the directory cannot be written.
    pub fn lock(&self, command: &str) -> Result<File, Diagnostic> {
        fs::create_dir_all(&self.directory).map_err(|e| codes::not_writable(&disk::shown(&self.directory), &disk::reason(&e)))?;
        let path = self.lock_path();
        let not_writable = |e: io::Error| codes::not_writable(&disk::shown(&path), &disk::reason(&e));
        let mut file = private(OpenOptions::new().read(true).write(true).create(true)).open(&path).map_err(not_writable)?;
        match patiently(|| file.try_lock()) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(codes::locked(&self.project, &holder(&mut file))),
            Err(TryLockError::Error(error)) => return Err(not_writable(error)),
        }
        let holder = Holder { pid: std::process::id(), since: now(), command: command.into() };
        let text = serde_json::to_string(&holder).unwrap_or_default();
        file.set_len(0).and_then(|()| file.write_all(text.as_bytes())).and_then(|()| file.sync_all()).map_err(not_writable)?;
        Ok(file)
    }

    /// The state, and what an interrupted apply has left. Changes nothing, so it needs no lock.
    ///
    /// # Errors
    /// The state file or the journal is not what secnet has written, or they do not belong together.
    pub fn load(&self) -> Result<Loaded, Diagnostic> {
        let (journal, state) = (disk::shown(&self.journal_path()), disk::shown(&self.state_path()));
        Loaded::joined(&self.project, self.read()?, journal::read(&self.journal_path())?, (&journal, &state))
    }

    /// The state file's contents; `None` where there is no file.
    ///
    /// # Errors
    /// The file is not what secnet has written, or not this project's.
    pub fn read(&self) -> Result<Option<State>, Diagnostic> {
        let path = self.state_path();
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(codes::not_readable(&disk::shown(&path), &disk::reason(&error))),
        };
        format::decode(&bytes, &disk::shown(&path), &self.project).map(Some)
    }

    /// Writes the successor of a state: the same with its serial one higher. Whole or not at all, and on disk when it returns.
    ///
    /// # Errors
    /// The file that is there is not the one that the state was read from, or it cannot be written.
    pub fn write(&self, mut state: State) -> Result<State, Diagnostic> {
        let path = self.state_path();
        let shown = disk::shown(&path);
        let current = self.read()?.map_or((state.lineage.clone(), 0), |s| (s.lineage, s.serial));
        if current != (state.lineage.clone(), state.serial) {
            return Err(codes::moved_on(&shown));
        }
        state.serial += 1;
        let not_writable = |e: io::Error| codes::not_writable(&shown, &disk::reason(&e));
        let bytes = format::encode(&state).map_err(|e| not_writable(e.into()))?;
        self.replace(&path, &bytes).map_err(not_writable)?;
        Ok(state)
    }

    pub(super) fn seed(&self, state: &State) -> Result<(), Diagnostic> {
        let path = self.state_path();
        let not_writable = |e: io::Error| codes::not_writable(&disk::shown(&path), &disk::reason(&e));
        let bytes = format::encode(state).map_err(|e| not_writable(e.into()))?;
        self.replace(&path, &bytes).map_err(not_writable)
    }

    /// Puts the state aside, under a name that is free, and gives that.
    ///
    /// # Errors
    /// It cannot be renamed.
    pub fn set_aside(&self) -> Result<PathBuf, Diagnostic> {
        let path = self.state_path();
        let not_writable = |e: io::Error| codes::not_writable(&disk::shown(&path), &disk::reason(&e));
        let kept = keep(&path).map_err(not_writable)?;
        fs::remove_file(&path).and_then(|()| sync_directory(&path)).map_err(not_writable)?;
        Ok(kept)
    }

    /// Writes the successor of a state, then ends the journal that led to it.
    ///
    /// A crash between the two leaves a journal of an older serial, which [`Local::load`] passes over.
    ///
    /// # Errors
    /// As [`Local::write`].
    pub fn finish(&self, state: State) -> Result<State, Diagnostic> {
        let state = self.write(state)?;
        let path = self.journal_path();
        journal::remove(&path).map_err(|e| codes::not_writable(&disk::shown(&path), &disk::reason(&e)))?;
        Ok(state)
    }

    /// Writes a state in the place of whatever is there, of which a copy is kept beside it; no journal leads anywhere then. Gives
    /// the state, and where the copies are.
    ///
    /// Its serial is higher than any that counting has led to: what was planned from the lost one does not pass for its own.
    ///
    /// # Errors
    /// Something cannot be written; what was there stays until all else is done.
    pub fn supersede(&self, mut state: State) -> Result<(State, Vec<PathBuf>), Diagnostic> {
        let mut kept = vec![];
        for path in [self.state_path(), self.journal_path()] {
            let not_writable = |e: io::Error| codes::not_writable(&disk::shown(&path), &disk::reason(&e));
            if path.try_exists().map_err(not_writable)? {
                kept.push(keep(&path).map_err(not_writable)?);
            }
        }
        state.serial = now();
        let path = self.state_path();
        let not_writable = |e: io::Error| codes::not_writable(&disk::shown(&path), &disk::reason(&e));
        let bytes = format::encode(&state).map_err(|e| not_writable(e.into()))?;
        self.replace(&path, &bytes).map_err(not_writable)?;
        journal::remove(&self.journal_path()).map_err(not_writable)?;
        Ok((state, kept))
    }

    /// The lineage that state or journal name, even if they cannot be used otherwise.
    #[must_use]
    pub fn lineage(&self) -> Option<String> {
        let named = |path: PathBuf| journal::lineage_in(&fs::read(path).ok()?);
        named(self.state_path()).or_else(|| named(self.journal_path()))
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let temporary = self.directory.join(format!(".{}.json.new", self.project));
        // One that a crash has left; whoever holds the lock is alone with it.
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let written = write_new(&temporary, bytes).and_then(|()| fs::rename(&temporary, path)).and_then(|()| sync_directory(path));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written?;
        if fs::read(path)? == bytes { Ok(()) } else { Err(io::Error::other("what was read back is not what was written")) }
    }
}

/// Makes a file that only its owner can read.
pub(in crate::state) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Waits until the names in a file's directory are on disk.
pub(in crate::state) fn sync_directory(path: &Path) -> io::Result<()> {
    match path.parent().filter(|_| cfg!(unix)) {
        Some(directory) => File::open(if directory.as_os_str().is_empty() { Path::new(".") } else { directory })?.sync_all(),
        None => Ok(()),
    }
}

/// Copies a file to the first name beside it that is free: `shop.json.kept-1`.
fn keep(path: &Path) -> io::Result<PathBuf> {
    let bytes = fs::read(path)?;
    let mut n = 0_u32;
    loop {
        n += 1;
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".kept-{n}"));
        match write_new(Path::new(&name), &bytes) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            Ok(()) => return sync_directory(path).map(|()| name.into()),
        }
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = private(OpenOptions::new().write(true).create_new(true)).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Who holds the lock, as far as the file tells.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.read_to_string(&mut text).is_ok().then(|| serde_json::from_str::<Holder>(&text).ok()).flatten();
    let Some(holder) = read else { return "a process that has not given its name yet".into() };
    let ago = age(now().saturating_sub(holder.since));
    format!("process {} (`{}`), since {ago}", holder.pid, holder.command)
}
