//! The lock of a state that several machines share: a lease. Layer 4.
//!
//! It is an object that names its holder and says until when it holds. Taking it is a conditional write, and so is each
//! renewal. One that has run out may be taken over by anybody; to clocks that differ a part of the lease is left. The holder
//! goes by its own clock and by what it last wrote, so that it stops before anybody can have taken over.

use std::{
    fmt,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

use super::{Objects, Refused, Remote, When, encoded, put, segments};
use crate::{
    base::{codes::state as codes, diagnostic::Diagnostic},
    state::{
        identity,
        store::{age, now},
    },
};

/// How often a lease is renewed while it holds.
const RENEWALS: u32 = 4;

/// How often it is tried to lay the hand on a state that another still writes to.
const TAKEOVERS_MAX: u32 = 10;

/// What the lock object holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Body {
    /// The format of the object.
    secnet: u32,
    /// Counts the holders.
    epoch: u64,
    /// Random; what the lock goes by.
    id: String,
    /// `None`: it is free.
    holder: Option<Holder>,
    /// In milliseconds since 1970.
    expires: u64,
    /// Counts the renewals.
    beat: u64,
}

/// Who holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Holder {
    who: String,
    pid: u32,
    command: String,
    since: u64,
}

/// A lock as others see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// What it goes by.
    pub id: String,
    /// Who holds it, in words.
    pub holder: String,
    /// Whether it has run out.
    pub expired: bool,
}

/// A lease that is held. It is given back when this is dropped.
pub struct Lease {
    shared: Arc<Shared>,
    heart: Option<JoinHandle<()>>,
}

/// Whether a lease still holds, for those who are about to act on it.
#[derive(Clone)]
pub struct Guard(Arc<Shared>);

struct Shared {
    objects: Arc<dyn Objects>,
    key: String,
    length: Duration,
    held: Mutex<Held>,
    ended: (Mutex<bool>, Condvar),
}

struct Held {
    body: Body,
    etag: String,
    /// Until when it holds, by the two clocks of this machine: one goes on while it sleeps, one cannot be set.
    until: (Instant, SystemTime),
    lost: Option<String>,
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lease({})", self.shared.key)
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Guard({})", self.0.key)
    }
}

fn millis() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}

fn of(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Body {
    /// Whether others may take it over, on the clock of this machine.
    fn is_over(&self, length: Duration) -> bool {
        self.expires == 0 || millis() > self.expires.saturating_add(of(length / 2))
    }

    fn seen(&self, length: Duration) -> Option<Seen> {
        let Holder { who, pid, command, since } = self.holder.as_ref()?;
        let since = age(now().saturating_sub(*since));
        let holder = format!("{who}, process {pid} (`{command}`), since {since}");
        Some(Seen { id: self.id.clone(), holder, expired: self.is_over(length) })
    }
}

/// Takes the lock of a state, at once or not at all.
///
/// # Errors
/// Somebody else holds it, or there is no way to it.
pub(super) fn take(remote: &Remote, command: &str) -> Result<Lease, Diagnostic> {
    let key = remote.lock_key();
    let found = look(remote)?;
    let stored = remote.stored()?;
    // Where there is a state and no lock, somebody has deleted it, and another may have held it, whose epoch nobody knows any
    // more: the time is higher than any that counting leads to.
    let (epoch, over) = match &found {
        Some((body, _)) if body.holder.is_some() && !body.is_over(remote.lease) => return Err(held(remote, body)),
        Some((body, _)) => (body.epoch, body.holder.is_some()),
        None => (if stored.etag.is_some() { millis() } else { 0 }, stored.etag.is_some()),
    };
    let id = identity::random().map_err(|e| codes::no_randomness(&e.to_string()))?;
    let holder = Holder { who: who(), pid: std::process::id(), command: command.into(), since: now() };
    let until = ends(remote.lease);
    let (epoch, expires) = (epoch.max(stored.head.fence) + 1, millis().saturating_add(of(remote.lease)));
    let body = Body { secnet: 1, epoch, id, holder: Some(holder), expires, beat: 0 };
    let bytes = serde_json::to_vec(&body).unwrap_or_default();
    let when = found.as_ref().map_or(When::Absent, |(_, etag)| When::Unchanged(etag));
    let etag = match put(&*remote.objects, &key, &bytes, when) {
        Ok(etag) => etag,
        Err(Refused::Failed(why)) => return Err(remote.unreachable(why)),
        Err(Refused::Conflict) => {
            let other = look(remote)?.map_or(body, |(other, _)| other);
            return Err(held(remote, &other));
        }
    };
    let held = Held { body, etag, until, lost: None };
    let shared = Arc::new(Shared {
        objects: remote.objects.clone(),
        key,
        length: remote.lease,
        held: Mutex::new(held),
        ended: (Mutex::new(false), Condvar::new()),
    });
    let beating = shared.clone();
    let heart = std::thread::Builder::new().name("lease".into()).spawn(move || beating.beat());
    let heart = heart.map_err(|e| remote.unreachable(e.to_string()))?;
    let lease = Lease { shared, heart: Some(heart) };
    if over {
        take_over(remote, &lease)?;
    }
    Ok(lease)
}

/// Sees to it that whoever held the lease before can write no more: neither the state nor a journal.
fn take_over(remote: &Remote, lease: &Lease) -> Result<(), Diagnostic> {
    for _ in 0..TAKEOVERS_MAX {
        let stored = remote.stored()?;
        if stored.head.fence > lease.epoch() {
            return Err(codes::lease_lost(&remote.url(remote.state_key()), "another secnet has taken it over"));
        }
        let bytes = encoded(lease.epoch(), stored.head.journal, &stored.body)?;
        let when = stored.etag.as_deref().map_or(When::Absent, When::Unchanged);
        match put(&*remote.objects, &remote.state_key(), &bytes, when) {
            Ok(_) => return segments::close(remote, lease.id()),
            Err(Refused::Conflict) => {}
            Err(Refused::Failed(why)) => return Err(remote.unreachable(why)),
        }
    }
    Err(codes::moved_on(&remote.url(remote.state_key())))
}

fn look(remote: &Remote) -> Result<Option<(Body, String)>, Diagnostic> {
    let key = remote.lock_key();
    let Some(object) = remote.objects.get(&key).map_err(|e| remote.unreachable(e))? else { return Ok(None) };
    let body: Body = serde_json::from_slice(&object.bytes).map_err(|e| codes::not_ours(&remote.url(&key), &e.to_string()))?;
    if body.secnet > 1 {
        return Err(codes::newer(&remote.url(&key), body.secnet.into(), 1));
    }
    Ok(Some((body, object.etag)))
}

fn held(remote: &Remote, body: &Body) -> Diagnostic {
    let seen = body.seen(remote.lease);
    let (holder, id) = seen.map_or_else(|| ("somebody who has let go just now".into(), String::new()), |seen| (seen.holder, seen.id));
    codes::lease_held(&remote.project, &holder, &id)
}

/// Who holds the lock of a state; `None` where it is free.
///
/// # Errors
/// There is no way to it.
pub fn seen(remote: &Remote) -> Result<Option<Seen>, Diagnostic> {
    Ok(look(remote)?.and_then(|(body, _)| body.seen(remote.lease)))
}

/// Ends somebody else's lease, if it is still this one. Whoever takes it next closes what that one may have left open.
///
/// # Errors
/// It is another one by now, or there is none, or no way to it.
pub fn unlock(remote: &Remote, id: &str) -> Result<(), Diagnostic> {
    let found = look(remote)?;
    let other = |body: Option<&Body>| {
        let held = body.and_then(|body| body.seen(remote.lease)).map(|seen| (seen.id, seen.holder));
        codes::not_locked_by(&remote.project, id, held.as_ref().map(|(id, holder)| (&**id, &**holder)))
    };
    let Some((body, etag)) = found else { return Err(other(None)) };
    if body.id != id || body.holder.is_none() {
        return Err(other(Some(&body)));
    }
    let ended = Body { expires: 0, beat: body.beat + 1, ..body };
    let bytes = serde_json::to_vec(&ended).unwrap_or_default();
    match put(&*remote.objects, &remote.lock_key(), &bytes, When::Unchanged(&etag)) {
        Ok(_) => Ok(()),
        Err(Refused::Conflict) => Err(codes::lease_held(&remote.project, "its holder, who has just renewed it", id)),
        Err(Refused::Failed(why)) => Err(remote.unreachable(why)),
    }
}

fn ends(length: Duration) -> (Instant, SystemTime) {
    (Instant::now() + length, SystemTime::now() + length)
}

/// The user and the machine, as far as the system tells.
#[must_use]
pub fn who() -> String {
    let named = |names: [&str; 2]| names.into_iter().find_map(|name| std::env::var(name).ok()).filter(|value| !value.is_empty());
    let user = named(["USER", "USERNAME"]).unwrap_or_else(|| "somebody".into());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|name| name.trim().to_owned());
    let host = host.or_else(|| named(["HOSTNAME", "COMPUTERNAME"])).unwrap_or_else(|| "a machine".into());
    format!("{user}@{host}")
}

impl Shared {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it still holds; else why not. Once it does not, it never does again, even if nobody else came: what was in
    /// doubt when it ran out stays in the journal for the next run.
    fn check(&self) -> Result<(), String> {
        let mut held = self.held();
        if held.lost.is_none() && (Instant::now() > held.until.0 || SystemTime::now() > held.until.1) {
            held.lost = Some("its lease has run out".into());
        }
        held.lost.clone().map_or(Ok(()), Err)
    }

    /// Renews the lease until it is given back or lost.
    fn beat(&self) {
        let (ended, woken) = &self.ended;
        let mut guard = ended.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            guard = woken.wait_timeout_while(guard, self.length / RENEWALS, |ended| !*ended).unwrap_or_else(PoisonError::into_inner).0;
            if *guard {
                return;
            }
            drop(guard);
            if !self.renew() {
                return;
            }
            guard = ended.lock().unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether there is anything left to renew.
    fn renew(&self) -> bool {
        let (body, etag) = {
            let held = self.held();
            if held.lost.is_some() {
                return false;
            }
            (Body { beat: held.body.beat + 1, expires: millis().saturating_add(of(self.length)), ..held.body.clone() }, held.etag.clone())
        };
        let until = ends(self.length);
        let bytes = serde_json::to_vec(&body).unwrap_or_default();
        match put(&*self.objects, &self.key, &bytes, When::Unchanged(&etag)) {
            Ok(etag) => {
                let mut held = self.held();
                (held.body, held.etag, held.until) = (body, etag, until);
                true
            }
            Err(Refused::Conflict) => {
                self.held().lost = Some("another secnet has taken its lease over, or `secnet state unlock` has ended it".into());
                false
            }
            // It holds on as long as the last renewal said.
            Err(Refused::Failed(_)) => true,
        }
    }
}

impl Lease {
    /// Which holder of the lock this is.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.shared.held().body.epoch
    }

    /// What the lock goes by.
    #[must_use]
    pub fn id(&self) -> String {
        self.shared.held().body.id.clone()
    }

    /// Whether it still holds; else why not.
    ///
    /// # Errors
    /// It was lost, or has run out.
    pub fn check(&self) -> Result<(), String> {
        self.shared.check()
    }

    /// For those who are about to act on it.
    #[must_use]
    pub fn guard(&self) -> Guard {
        Guard(self.shared.clone())
    }

    fn stop(&mut self) {
        *self.shared.ended.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.ended.1.notify_all();
        if let Some(heart) = self.heart.take() {
            // It has nothing to say, however it ended.
            let _ = heart.join();
        }
    }

    /// Neither renews it nor sees that time goes by, as a machine that was put to sleep just before it looked at its clock.
    #[cfg(test)]
    pub(super) fn sleep(&self) {
        *self.shared.ended.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.ended.1.notify_all();
        let ever = Duration::from_secs(3600);
        self.shared.held().until = ends(ever);
    }

    /// Leaves the lease as a process does that is killed: nobody renews it, and it is not given back.
    #[cfg(test)]
    pub(super) fn abandon(mut self) {
        self.stop();
        self.shared.held().lost = Some("abandoned".into());
    }
}

impl Guard {
    /// Whether it still holds; else why not.
    ///
    /// # Errors
    /// It was lost, or has run out.
    pub fn check(&self) -> Result<(), String> {
        self.0.check()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.stop();
        let held = self.shared.held();
        if held.lost.is_some() {
            return;
        }
        let free = Body { holder: None, beat: held.body.beat + 1, ..held.body.clone() };
        let bytes = serde_json::to_vec(&free).unwrap_or_default();
        // If it cannot be given back now, it runs out by itself.
        let _ = self.shared.objects.put(&self.shared.key, &bytes, When::Unchanged(&held.etag));
    }
}
