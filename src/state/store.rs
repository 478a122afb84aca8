//! The state file and its lock. Layer 4: the only place that writes state; knows nothing of EC2.
//!
//! Beside the state `<project>.json` lie `<project>.journal`, while an apply is under way, and `.<project>.lock`, whose
//! contents say who holds the lock. The lock itself is the operating system's and ends with its process.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    base::{
        codes::{site as site_codes, state as codes},
        diagnostic::Diagnostic,
        disk,
        site::Site,
    },
    schema::model::Project,
    state::{FORMAT, State, event::Event, identity, journal},
};

mod format;

/// Where the state of a project lies.
#[derive(Debug, Clone)]
pub struct Store {
    directory: PathBuf,
    project: String,
}

/// The right to change a project's state; ends when it is dropped, and with the process.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// What a store held.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// As the file says, or the empty state of a project that has made nothing. Account and region are those of an
    /// interrupted apply, so that it is not resolved in another place.
    pub state: State,
    /// What an interrupted apply has done since: empty, or starting with [`Event::Begin`].
    pub unfinished: Vec<Event>,
}

impl Loaded {
    fn interrupted(mut state: State, unfinished: Vec<Event>) -> Self {
        unfinished.iter().take(1).for_each(|begin| state.fold(begin));
        Self { state, unfinished }
    }
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

impl Store {
    /// The store of a project in a directory, which need not be there yet. Touches no file.
    pub fn new(directory: impl Into<PathBuf>, project: &str) -> Self {
        Self { directory: directory.into(), project: project.into() }
    }

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
    pub fn lock(&self, command: &str) -> Result<Lock, Diagnostic> {
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
        Ok(Lock { _file: file })
    }

    /// The state, and what an interrupted apply has left. Changes nothing, so it needs no lock.
    ///
    /// # Errors
    /// The state file or the journal is not what secnet has written, or they do not belong together.
    pub fn load(&self) -> Result<Loaded, Diagnostic> {
        let stored = self.read()?;
        let unfinished = journal::read(&self.journal_path())?;
        let Some(Event::Begin { lineage, serial, .. }) = unfinished.first() else {
            let state = stored.map_or_else(|| self.fresh(), Ok)?;
            return Ok(Loaded { state, unfinished: vec![] });
        };
        let foreign = |why: &str| {
            let (journal, state) = (disk::shown(&self.journal_path()), disk::shown(&self.state_path()));
            Err(codes::journal_of_another_state(&journal, &state, why))
        };
        match stored {
            None if *serial == 0 => Ok(Loaded::interrupted(State::empty(&self.project, lineage.clone()), unfinished)),
            None => foreign("there is none"),
            Some(state) if state.lineage != *lineage => foreign("their lineages differ"),
            Some(state) if state.serial < *serial => foreign("it is older than the one that the apply started from"),
            // Written, but the process ended before it could remove the journal.
            Some(state) if state.serial > *serial => Ok(Loaded { state, unfinished: vec![] }),
            Some(state) => Ok(Loaded::interrupted(state, unfinished)),
        }
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
    pub fn write(&self, _lock: &Lock, mut state: State) -> Result<State, Diagnostic> {
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

    /// Writes the successor of a state, then ends the journal that led to it.
    ///
    /// A crash between the two leaves a journal of an older serial, which [`Store::load`] passes over.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn finish(&self, lock: &Lock, state: State) -> Result<State, Diagnostic> {
        let state = self.write(lock, state)?;
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
    pub fn supersede(&self, _lock: &Lock, mut state: State) -> Result<(State, Vec<PathBuf>), Diagnostic> {
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
        let member = "\"lineage\":";
        let named = |path: PathBuf| {
            let bytes = fs::read(path).ok()?;
            let text = String::from_utf8_lossy(&bytes);
            let (_, rest) = text.split_once(member)?;
            let (lineage, _) = rest.trim_start().strip_prefix('"')?.split_once('"')?;
            Some(lineage.to_owned())
        };
        named(self.state_path()).or_else(|| named(self.journal_path()))
    }

    /// The state of a project that has made nothing.
    fn fresh(&self) -> Result<State, Diagnostic> {
        let lineage = identity::random().map_err(|e| codes::no_randomness(&e.to_string()))?;
        Ok(State::empty(&self.project, lineage))
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

/// Whether the credentials and the region are those that the state belongs to; asked before any other call.
///
/// # Errors
/// They are not.
pub fn check_place(state: &State, account: Option<&str>, region: &str) -> Result<(), Diagnostic> {
    if let (Some(wanted), Some(actual)) = (&state.account, account)
        && wanted != actual
    {
        return Err(codes::wrong_account("the state", wanted, actual));
    }
    match &state.region {
        Some(wanted) if wanted != region => Err(codes::wrong_region(wanted, region)),
        _ => Ok(()),
    }
}

/// Whether everything stands in an account and region that the project still has; asked before any call.
///
/// # Errors
/// An `account` block is gone, or leads elsewhere.
pub fn check_sites(state: &State, project: &Project) -> Result<(), Diagnostic> {
    let all = state.resources.iter().chain(state.deposed.iter().map(|d| (&d.address, &d.resource)));
    let lost = |site: &Site| !project.accounts.iter().any(|account| account.site == *site);
    let mut stray = all.filter_map(|(address, r)| Some((r.site.as_ref().filter(|site| lost(site))?, address)));
    let Some((site, address)) = stray.next() else { return Ok(()) };
    Err(site_codes::site_unknown(site, address, stray.filter(|(other, _)| *other == site).count()))
}

/// Makes a file that only its owner can read.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Waits until the names in a file's directory are on disk.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    match path.parent().filter(|_| cfg!(unix)) {
        Some(directory) => File::open(if directory.as_os_str().is_empty() { Path::new(".") } else { directory })?.sync_all(),
        None => Ok(()),
    }
}

/// Seconds since 1970.
#[must_use]
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
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

/// A time in words: `45 seconds`, `90 minutes`, `30 hours`, `12 days`.
#[must_use]
pub fn age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} seconds"),
        120..7200 => format!("{} minutes", seconds / 60),
        7200..172_800 => format!("{} hours", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn checksum(body: &[u8]) -> String {
    identity::hex(&Sha256::digest(body))
}
