//! A state that several machines share: objects in a bucket. Layer 4; knows nothing of S3 but what [`Objects`] says.
//!
//! Under `<key>/<project>/` lie `state.json`, `lock.json`, `journal/<number>` while an apply is under way,
//! `history/<serial>.json`, `log/` with the account of runs, and `undo.json`. Every write is conditional on what was read: two can never write over each other unseen.
//!
//! The lock is a lease that is renewed (see [`lease`]). Its epoch counts up with each holder, and the first line of the
//! state says which epoch has last laid its hand on it: whoever takes over a lease that has run out writes its epoch there
//! and closes the journal, before it does anything else. So a holder that slept meanwhile can write neither any more.

pub(super) mod account;
pub mod encryption;
pub mod folder;
pub mod lease;
pub mod segments;

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    base::{codes::state as codes, diagnostic::Diagnostic},
    state::{
        State, identity, journal,
        store::{Loaded, format, now},
    },
};
use encryption::Encrypted;
use lease::Lease;

/// Something that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its contents.
    pub bytes: Vec<u8>,
    /// What tells this version of it from others.
    pub etag: String,
}

/// On what condition something is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When<'a> {
    /// There is nothing of this name yet.
    Absent,
    /// What is there is still this version.
    Unchanged(&'a str),
    /// Whatever is there.
    Always,
}

/// Why something was not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// The condition does not hold.
    Conflict,
    /// It cannot be told whether it was written; why, in words.
    Failed(String),
}

/// Why something cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing came, in words.
    Unreachable(String),
    /// It is not encrypted as the project says.
    Locked {
        /// Its URL.
        object: String,
        /// In words.
        why: String,
    },
}

impl<S: Into<String>> From<S> for Trouble {
    fn from(why: S) -> Self {
        Self::Unreachable(why.into())
    }
}

/// The name of an object and when it was written, in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// When.
    pub at: u64,
    /// How many bytes it has.
    pub size: u64,
}

/// A place for objects. It may repeat a write whose answer was lost: see [`put`].
pub trait Objects: fmt::Debug + Send + Sync {
    /// An object; `None` where there is none of this key.
    ///
    /// # Errors
    /// It cannot be told.
    fn get(&self, key: &str) -> Result<Option<Object>, Trouble>;

    /// Writes an object, whole or not at all; gives its version.
    ///
    /// # Errors
    /// The condition does not hold, or it cannot be written.
    fn put(&self, key: &str, bytes: &[u8], when: When<'_>) -> Result<String, Refused>;

    /// Deletes an object, if it is there.
    ///
    /// # Errors
    /// It cannot be deleted; why, in words.
    fn delete(&self, key: &str) -> Result<(), String>;

    /// All objects whose key begins so and goes on with a `/`, in order of their keys.
    ///
    /// # Errors
    /// They cannot be listed; why, in words.
    fn list(&self, prefix: &str) -> Result<Vec<Listed>, String>;

    /// What it is called: `s3://bucket`.
    fn url(&self) -> String;
}

/// Writes an object that no other is equal to. A write that went through though its answer was lost is one that was made.
///
/// # Errors
/// As [`Objects::put`].
pub fn put(objects: &dyn Objects, key: &str, bytes: &[u8], when: When<'_>) -> Result<String, Refused> {
    let refused = match objects.put(key, bytes, when) {
        Ok(etag) => return Ok(etag),
        Err(refused) => refused,
    };
    match objects.get(key) {
        Ok(Some(found)) if found.bytes == bytes => Ok(found.etag),
        _ => Err(refused),
    }
}

/// The first line of a stored state: what is not the state's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    /// The format of the whole.
    secnet: u32,
    /// The highest epoch that has written here: an older one may write no more.
    fence: u64,
    /// The number of the first segment that is not part of this state.
    journal: u64,
    /// Random: no two writes are equal.
    write: String,
}

/// A state as it is stored.
struct Stored {
    head: Head,
    body: Vec<u8>,
    /// `None`: there is nothing yet.
    etag: Option<String>,
}

/// The format of what this version stores around a state.
const FORMAT: u32 = 1;

/// How often something is read again that changes meanwhile.
const READS_MAX: u32 = 5;

/// How long a lease holds if nothing else is said.
pub const LEASE: Duration = Duration::from_secs(60);

/// Where the state of a project lies that several machines share.
#[derive(Debug, Clone)]
pub struct Remote {
    objects: Arc<dyn Objects>,
    base: String,
    project: String,
    lease: Duration,
}

impl Remote {
    /// The state of a project, which goes by `key`, under a prefix of its keys.
    #[must_use]
    pub fn new(objects: Arc<dyn Objects>, prefix: &str, key: &str) -> Self {
        let prefix = prefix.trim_matches('/');
        let base = if prefix.is_empty() { key.to_owned() } else { format!("{prefix}/{key}") };
        Self { objects, base, project: key.to_owned(), lease: LEASE }
    }

    /// The same with leases of another length.
    #[must_use]
    pub fn with_lease(self, lease: Duration) -> Self {
        Self { lease, ..self }
    }

    /// The key of the state.
    #[must_use]
    pub fn state_key(&self) -> String {
        format!("{}/state.json", self.base)
    }

    /// The key of the lock.
    #[must_use]
    pub fn lock_key(&self) -> String {
        format!("{}/lock.json", self.base)
    }

    /// What the keys of the journal's segments begin with.
    #[must_use]
    pub fn journal_prefix(&self) -> String {
        format!("{}/journal", self.base)
    }

    /// What the keys of earlier states begin with.
    #[must_use]
    pub fn history_prefix(&self) -> String {
        format!("{}/history", self.base)
    }

    /// What people know a key by.
    #[must_use]
    pub fn url(&self, key: impl fmt::Display) -> String {
        format!("{}/{key}", self.objects.url())
    }

    /// What the keys of the account of runs begin with.
    #[must_use]
    pub fn log_prefix(&self) -> String {
        format!("{}/log", self.base)
    }

    /// The key of what the last apply started from.
    #[must_use]
    pub fn undo_key(&self) -> String {
        format!("{}/undo.json", self.base)
    }

    fn unreachable(&self, trouble: impl Into<Trouble>) -> Diagnostic {
        match trouble.into() {
            Trouble::Unreachable(why) => codes::remote_unreachable(&self.url(&self.base), &why),
            Trouble::Locked { object, why } => codes::not_encrypted_so(&object, &why),
        }
    }

    /// Takes the lock, at once or not at all.
    pub(super) fn lock(&self, command: &str) -> Result<Lease, Diagnostic> {
        lease::take(self, command)
    }

    /// What is stored, as it is.
    fn stored(&self) -> Result<Stored, Diagnostic> {
        let empty = Head { secnet: FORMAT, fence: 0, journal: 1, write: String::new() };
        let Some(object) = self.objects.get(&self.state_key()).map_err(|e| self.unreachable(e))? else {
            return Ok(Stored { head: empty, body: vec![], etag: None });
        };
        let shown = self.url(self.state_key());
        let line = object.bytes.iter().position(|b| *b == b'\n').ok_or_else(|| codes::truncated(&shown))?;
        let (head, body) = object.bytes.split_at(line);
        let head: Head = serde_json::from_slice(head).map_err(|e| codes::not_ours(&shown, &e.to_string()))?;
        if head.secnet > FORMAT {
            return Err(codes::newer(&shown, head.secnet.into(), FORMAT));
        }
        let body = body.get(1..).unwrap_or_default().to_vec();
        Ok(Stored { head, body, etag: Some(object.etag) })
    }

    fn decoded(&self, body: &[u8]) -> Result<Option<State>, Diagnostic> {
        if body.is_empty() {
            return Ok(None);
        }
        format::decode(body, &self.url(self.state_key()), &self.project).map(Some)
    }

    pub(super) fn read(&self) -> Result<Option<State>, Diagnostic> {
        self.decoded(&self.stored()?.body)
    }

    pub(super) fn exists(&self) -> bool {
        self.stored().map_or(true, |stored| !stored.body.is_empty())
    }

    pub(super) fn load(&self) -> Result<Loaded, Diagnostic> {
        let (stored, events) = self.whole()?;
        let names = (self.url(self.journal_prefix()), self.url(self.state_key()));
        Loaded::joined(&self.project, self.decoded(&stored.body)?, events, (&names.0, &names.1))
    }

    /// State and journal as they are at one moment. Who holds no lock may come in the middle of another's writes.
    fn whole(&self) -> Result<(Stored, Vec<super::event::Event>), Diagnostic> {
        let mut stored = self.stored()?;
        for _ in 0..READS_MAX {
            let events = segments::read(self, stored.head.journal);
            let again = self.stored()?;
            if again.etag == stored.etag {
                return Ok((stored, events?));
            }
            stored = again;
        }
        Err(codes::moved_on(&self.url(self.state_key())))
    }

    /// Writes the body of the state, on the condition that `stored` is still there.
    fn put(&self, lease: &Lease, stored: &Stored, journal: u64, body: &[u8]) -> Result<(), Diagnostic> {
        let shown = self.url(self.state_key());
        lease.check().map_err(|why| codes::lease_lost(&shown, &why))?;
        if stored.head.fence > lease.epoch() {
            return Err(codes::lease_lost(&shown, "another secnet has taken it over"));
        }
        let bytes = encoded(lease.epoch(), journal, body)?;
        let when = stored.etag.as_deref().map_or(When::Absent, When::Unchanged);
        match put(&*self.objects, &self.state_key(), &bytes, when) {
            Ok(_) => Ok(()),
            Err(Refused::Conflict) => Err(codes::lease_lost(&shown, "another secnet has written it meanwhile")),
            Err(Refused::Failed(why)) => Err(self.unreachable(why)),
        }
    }

    fn replace(&self, lease: &Lease, mut state: State, journal: impl FnOnce(u64) -> u64) -> Result<State, Diagnostic> {
        let stored = self.stored()?;
        let shown = self.url(self.state_key());
        let current = self.decoded(&stored.body)?.map_or((state.lineage.clone(), 0), |s| (s.lineage, s.serial));
        if current != (state.lineage.clone(), state.serial) {
            return Err(codes::moved_on(&shown));
        }
        if !stored.body.is_empty() {
            self.remember(state.serial, &stored.body)?;
        }
        state.serial += 1;
        let body = format::encode(&state).map_err(|e| codes::not_writable(&shown, &e.to_string()))?;
        self.put(lease, &stored, journal(stored.head.journal), &body)?;
        Ok(state)
    }

    /// Keeps a copy of a state that is about to be replaced.
    fn remember(&self, serial: u64, body: &[u8]) -> Result<String, Diagnostic> {
        let key = format!("{}/{serial:08}.json", self.history_prefix());
        match self.objects.put(&key, body, When::Always) {
            Ok(_) => Ok(key),
            Err(Refused::Conflict) => Err(self.unreachable("a write without condition was refused for its condition")),
            Err(Refused::Failed(why)) => Err(self.unreachable(why)),
        }
    }

    pub(super) fn seed(&self, lease: &Lease, state: &State) -> Result<(), Diagnostic> {
        let stored = self.stored()?;
        let body = format::encode(state).map_err(|e| codes::not_writable(&self.url(self.state_key()), &e.to_string()))?;
        self.put(lease, &stored, stored.head.journal, &body)
    }

    /// Puts the state aside: what stands in its place says that there is none.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn set_aside(&self, lease: &Lease) -> Result<PathBuf, Diagnostic> {
        let stored = self.stored()?;
        let key = format!("{}/kept/{}.json", self.base, now());
        if self.objects.put(&key, &stored.body, When::Always).is_err() {
            return Err(self.unreachable("the copy of the state cannot be written"));
        }
        self.put(lease, &stored, stored.head.journal, &[])?;
        Ok(self.url(key).into())
    }

    /// What the last apply started from; `None` where none has left it.
    pub(super) fn undo(&self) -> Result<Option<Vec<u8>>, Diagnostic> {
        Ok(self.objects.get(&self.undo_key()).map_err(|e| self.unreachable(e))?.map(|object| object.bytes))
    }

    /// Keeps what an apply starts from, in the place of what the one before has left.
    pub(super) fn keep_undo(&self, lease: &Lease, bytes: &[u8]) -> Result<(), Diagnostic> {
        let key = self.undo_key();
        let found = self.objects.get(&key).map_err(|e| self.unreachable(e))?;
        lease.check().map_err(|why| codes::lease_lost(&self.url(&key), &why))?;
        match put(&*self.objects, &key, bytes, found.as_ref().map_or(When::Absent, |found| When::Unchanged(&found.etag))) {
            Ok(_) => Ok(()),
            Err(Refused::Conflict) => Err(codes::lease_lost(&self.url(&key), "another secnet has written it meanwhile")),
            Err(Refused::Failed(why)) => Err(self.unreachable(why)),
        }
    }

    /// Brings everything but the lock into the form in which it would be written, the state last; gives how many objects that
    /// took. `objects`: those of this.
    ///
    /// # Errors
    /// Something cannot be read or written; what was done so far stands, and the rest can be done later.
    pub fn bring_into_form(&self, lease: &Lease, objects: &Encrypted) -> Result<usize, Diagnostic> {
        let others = [self.history_prefix(), self.log_prefix(), self.journal_prefix(), format!("{}/kept", self.base)];
        let mut keys = vec![];
        for prefix in others {
            keys.extend(self.objects.list(&prefix).map_err(|e| self.unreachable(e))?.into_iter().map(|listed| listed.key));
        }
        keys.extend([self.undo_key(), self.state_key()]);
        let mut brought = 0;
        for key in keys {
            if objects.in_form(&key).map_err(|e| self.unreachable(e))? {
                continue;
            }
            let Some(found) = objects.get(&key).map_err(|e| self.unreachable(e))? else { continue };
            lease.check().map_err(|why| codes::lease_lost(&self.url(&key), &why))?;
            match objects.put(&key, &found.bytes, When::Unchanged(&found.etag)) {
                Ok(_) => brought += 1,
                Err(Refused::Conflict) => return Err(codes::lease_lost(&self.url(&key), "another secnet has written it meanwhile")),
                Err(Refused::Failed(why)) => return Err(self.unreachable(why)),
            }
        }
        Ok(brought)
    }

    pub(super) fn write(&self, lease: &Lease, state: State) -> Result<State, Diagnostic> {
        self.replace(lease, state, |journal| journal)
    }

    pub(super) fn finish(&self, lease: &Lease, state: State) -> Result<State, Diagnostic> {
        let next = segments::next(self)?;
        let state = self.replace(lease, state, |journal| journal.max(next))?;
        segments::remove_before(self, next)?;
        Ok(state)
    }

    pub(super) fn supersede(&self, lease: &Lease, mut state: State) -> Result<(State, Vec<PathBuf>), Diagnostic> {
        let mut kept = vec![];
        if let Some(object) = self.objects.get(&self.state_key()).map_err(|e| self.unreachable(e))? {
            let key = format!("{}/kept/{}.json", self.base, now());
            match self.objects.put(&key, &object.bytes, When::Always) {
                Ok(_) => kept.push(PathBuf::from(self.url(key))),
                Err(_) => return Err(self.unreachable("the copy of the state cannot be written")),
            }
        }
        let next = segments::next(self)?;
        kept.extend(segments::keep(self)?.into_iter().map(|key| PathBuf::from(self.url(key))));
        state.serial = now();
        let body = format::encode(&state).map_err(|e| codes::not_writable(&self.url(self.state_key()), &e.to_string()))?;
        // What cannot be read has no fence to keep to: the lease alone says who may write.
        let stored = match self.stored() {
            Ok(stored) => stored,
            Err(_) => {
                let object = self.objects.get(&self.state_key()).map_err(|e| self.unreachable(e))?;
                let head = Head { secnet: FORMAT, fence: 0, journal: next, write: String::new() };
                Stored { head, body: vec![], etag: object.map(|o| o.etag) }
            }
        };
        self.put(lease, &stored, next, &body)?;
        segments::remove_before(self, next)?;
        Ok((state, kept))
    }

    pub(super) fn lineage(&self) -> Option<String> {
        let segments = self.objects.list(&self.journal_prefix()).ok()?;
        let keys = std::iter::once(self.state_key()).chain(segments.into_iter().map(|listed| listed.key));
        keys.filter_map(|key| self.objects.get(&key).ok().flatten()).find_map(|object| journal::lineage_in(&object.bytes))
    }

    /// The states that were replaced, oldest first.
    ///
    /// # Errors
    /// They cannot be listed.
    pub fn versions(&self) -> Result<Vec<(u64, Listed)>, Diagnostic> {
        let listed = self.objects.list(&self.history_prefix()).map_err(|e| self.unreachable(e))?;
        let number = |listed: Listed| Some((listed.key.rsplit('/').next()?.strip_suffix(".json")?.parse().ok()?, listed));
        Ok(listed.into_iter().filter_map(number).collect())
    }

    /// A state that was replaced; `None` where there is none of this serial.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn version(&self, serial: u64) -> Result<Option<State>, Diagnostic> {
        let key = format!("{}/{serial:08}.json", self.history_prefix());
        let object = self.objects.get(&key).map_err(|e| self.unreachable(e))?;
        object.map_or(Ok(None), |object| format::decode(&object.bytes, &self.url(&key), &self.project).map(Some))
    }
}

fn encoded(fence: u64, journal: u64, body: &[u8]) -> Result<Vec<u8>, Diagnostic> {
    let write = identity::random().map_err(|e| codes::no_randomness(&e.to_string()))?;
    let mut bytes = serde_json::to_vec(&Head { secnet: FORMAT, fence, journal, write }).unwrap_or_default();
    bytes.push(b'\n');
    bytes.extend_from_slice(body);
    Ok(bytes)
}

#[cfg(test)]
mod killed;
#[cfg(test)]
pub(crate) mod mortal;
#[cfg(test)]
mod tests;
