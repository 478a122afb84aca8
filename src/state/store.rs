//! Where a state is kept, and its lock. Layer 4: the only place that writes state; knows nothing of EC2.
//!
//! A state is kept beside the sources ([`local`]) or as objects that several machines share ([`crate::state::remote`]).

use std::{
    fs::File,
    path::PathBuf,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use sha2::{Digest, Sha256};

use crate::{
    base::{
        codes::{site as site_codes, state as codes},
        diagnostic::Diagnostic,
        site::Site,
    },
    schema::model::Project,
    state::{
        FORMAT, State,
        event::Event,
        identity,
        remote::{Remote, lease::Lease},
    },
};

pub(super) mod format;
pub mod local;

use local::Local;

/// Where the state of a project is kept.
#[derive(Debug, Clone)]
pub enum Store {
    /// In files beside the sources.
    Local(Local),
    /// In objects that several machines share.
    Remote(Remote),
}

/// The right to change a project's state; ends when it is dropped, and with the process.
#[derive(Debug)]
pub enum Lock {
    /// A lock of the operating system's.
    File(File),
    /// A lease, which is renewed as long as this is here.
    Lease(Lease),
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
    /// A state and a journal, if they belong together; `names`: what journal and state are called.
    pub(super) fn joined(project: &str, stored: Option<State>, unfinished: Vec<Event>, names: (&str, &str)) -> Result<Self, Diagnostic> {
        let Some(Event::Begin { lineage, serial, .. }) = unfinished.first() else {
            let state = stored.map_or_else(|| fresh(project), Ok)?;
            return Ok(Loaded { state, unfinished: vec![] });
        };
        let foreign = |why: &str| Err(codes::journal_of_another_state(names.0, names.1, why));
        match stored {
            None if *serial == 0 => Ok(Loaded::interrupted(State::empty(project, lineage.clone()), unfinished)),
            None => foreign("there is none"),
            Some(state) if state.lineage != *lineage => foreign("their lineages differ"),
            Some(state) if state.serial < *serial => foreign("it is older than the one that the apply started from"),
            // Written, but the process ended before it could remove the journal.
            Some(state) if state.serial > *serial => Ok(Loaded { state, unfinished: vec![] }),
            Some(state) => Ok(Loaded::interrupted(state, unfinished)),
        }
    }

    fn interrupted(mut state: State, unfinished: Vec<Event>) -> Self {
        unfinished.iter().take(1).for_each(|begin| state.fold(begin));
        Self { state, unfinished }
    }
}

/// How long after each other a lock is tried that somebody else holds, by those who wait for it.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

impl Store {
    /// The store of a project in a directory, which need not be there yet. Touches no file.
    pub fn new(directory: impl Into<PathBuf>, project: &str) -> Self {
        Self::Local(Local { directory: directory.into(), project: project.into() })
    }

    /// `state/<project>.json`, or the URL of the object.
    #[must_use]
    pub fn state_path(&self) -> PathBuf {
        match self {
            Self::Local(local) => local.state_path(),
            Self::Remote(remote) => remote.url(remote.state_key()).into(),
        }
    }

    /// `state/<project>.journal`, or the URL under which its segments are.
    #[must_use]
    pub fn journal_path(&self) -> PathBuf {
        match self {
            Self::Local(local) => local.journal_path(),
            Self::Remote(remote) => remote.url(remote.journal_prefix()).into(),
        }
    }

    /// `state/.<project>.lock`, or the URL of the lock.
    #[must_use]
    pub fn lock_path(&self) -> PathBuf {
        match self {
            Self::Local(local) => local.lock_path(),
            Self::Remote(remote) => remote.url(remote.lock_key()).into(),
        }
    }

    /// `state/<project>.log.jsonl`, or the URL under which the account of its runs is.
    #[must_use]
    pub fn log_path(&self) -> PathBuf {
        match self {
            Self::Local(local) => local.state_path().with_extension("log.jsonl"),
            Self::Remote(remote) => remote.url(remote.log_prefix()).into(),
        }
    }

    /// `state/<project>.undo.json`, or the URL of what the last apply started from.
    #[must_use]
    pub fn undo_path(&self) -> PathBuf {
        match self {
            Self::Local(local) => local.state_path().with_extension("undo.json"),
            Self::Remote(remote) => remote.url(remote.undo_key()).into(),
        }
    }

    /// Takes the lock, at once or not at all. Makes the directory, and finds out whether it can be written.
    ///
    /// # Errors
    /// Somebody else holds it (who, and since when), or there is no way to it.
    pub fn lock(&self, command: &str) -> Result<Lock, Diagnostic> {
        match self {
            Self::Local(local) => local.lock(command).map(Lock::File),
            Self::Remote(remote) => remote.lock(command).map(Lock::Lease),
        }
    }

    /// The same, and waits for so long while somebody else holds it; `told` hears once who that is.
    ///
    /// # Errors
    /// As [`Store::lock`].
    pub fn lock_within(&self, command: &str, patience: Duration, told: &dyn Fn(&Diagnostic)) -> Result<Lock, Diagnostic> {
        let end = Instant::now() + patience;
        let mut waited = false;
        loop {
            let held = match self.lock(command) {
                Err(held) if *held.code == codes::STATE_LOCKED || *held.code == codes::LEASE_HELD => held,
                other => return other,
            };
            if Instant::now() >= end {
                return Err(held);
            }
            if !std::mem::replace(&mut waited, true) {
                told(&held);
            }
            std::thread::sleep(BETWEEN_LOOKS.min(end.saturating_duration_since(Instant::now())));
        }
    }

    /// The state, and what an interrupted apply has left. Changes nothing, so it needs no lock.
    ///
    /// # Errors
    /// State or journal are not what secnet has written, or they do not belong together.
    pub fn load(&self) -> Result<Loaded, Diagnostic> {
        match self {
            Self::Local(local) => local.load(),
            Self::Remote(remote) => remote.load(),
        }
    }

    /// The state as it is stored; `None` where there is none.
    ///
    /// # Errors
    /// It is not what secnet has written, or not this project's.
    pub fn read(&self) -> Result<Option<State>, Diagnostic> {
        match self {
            Self::Local(local) => local.read(),
            Self::Remote(remote) => remote.read(),
        }
    }

    /// Writes the successor of a state: the same with its serial one higher. Whole or not at all, and safe when it returns.
    ///
    /// # Errors
    /// What is there is not what the state was read from, the right to write is gone, or it cannot be written.
    pub fn write(&self, lock: &Lock, state: State) -> Result<State, Diagnostic> {
        match (self, lock) {
            (Self::Remote(remote), Lock::Lease(lease)) => remote.write(lease, state),
            (Self::Local(local), Lock::File(_)) => local.write(state),
            _ => Err(other_lock(&self.shown())),
        }
    }

    /// Writes a state as it is where there is none yet: one that comes from another store.
    ///
    /// # Errors
    /// There is one, or a journal, or it cannot be written.
    pub fn seed(&self, lock: &Lock, state: &State) -> Result<(), Diagnostic> {
        let loaded = self.load()?;
        if self.exists() || !loaded.unfinished.is_empty() {
            return Err(codes::moved_on(&self.shown()));
        }
        match (self, lock) {
            (Self::Remote(remote), Lock::Lease(lease)) => remote.seed(lease, state),
            (Self::Local(local), Lock::File(_)) => local.seed(state),
            _ => Err(other_lock(&self.shown())),
        }
    }

    /// Writes the successor of a state, then ends the journal that led to it.
    ///
    /// A crash between the two leaves a journal of an older serial, which [`Store::load`] passes over.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn finish(&self, lock: &Lock, state: State) -> Result<State, Diagnostic> {
        match (self, lock) {
            (Self::Remote(remote), Lock::Lease(lease)) => remote.finish(lease, state),
            (Self::Local(local), Lock::File(_)) => local.finish(state),
            _ => Err(other_lock(&self.shown())),
        }
    }

    /// Writes a state in the place of whatever is there, of which a copy is kept beside it; no journal leads anywhere then. Gives
    /// the state, and where the copies are.
    ///
    /// Its serial is higher than any that counting has led to: what was planned from the lost one does not pass for its own.
    ///
    /// # Errors
    /// Something cannot be written; what was there stays until all else is done.
    pub fn supersede(&self, lock: &Lock, state: State) -> Result<(State, Vec<PathBuf>), Diagnostic> {
        match (self, lock) {
            (Self::Remote(remote), Lock::Lease(lease)) => remote.supersede(lease, state),
            (Self::Local(local), Lock::File(_)) => local.supersede(state),
            _ => Err(other_lock(&self.shown())),
        }
    }

    /// The lineage that state or journal name, even if they cannot be used otherwise.
    #[must_use]
    pub fn lineage(&self) -> Option<String> {
        match self {
            Self::Local(local) => local.lineage(),
            Self::Remote(remote) => remote.lineage(),
        }
    }

    /// Whether there is a state, usable or not.
    #[must_use]
    pub fn exists(&self) -> bool {
        match self {
            Self::Local(local) => local.state_path().exists(),
            Self::Remote(remote) => remote.exists(),
        }
    }

    /// What people know it by: a path, or a URL.
    #[must_use]
    pub fn shown(&self) -> String {
        crate::base::disk::shown(&self.state_path())
    }
}

/// The contents of a state file.
///
/// # Errors
/// It cannot be written down.
pub fn file_of(state: &State) -> Result<Vec<u8>, Diagnostic> {
    format::encode(state).map_err(|e| codes::not_writable("the state", &e.to_string()))
}

/// Reads the contents of a state file; `path` is what messages call it.
///
/// # Errors
/// It is not what secnet has written, or another project's.
pub fn of_file(bytes: &[u8], path: &str, project: &str) -> Result<State, Diagnostic> {
    format::decode(bytes, path, project)
}

fn other_lock(state: &str) -> Diagnostic {
    codes::not_writable(state, "the lock is that of another store")
}

/// The state of a project that has made nothing.
fn fresh(project: &str) -> Result<State, Diagnostic> {
    let lineage = identity::random().map_err(|e| codes::no_randomness(&e.to_string()))?;
    Ok(State::empty(project, lineage))
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

/// Seconds since 1970.
#[must_use]
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
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
