//! Objects whose user is killed at one of its writes: for tests.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use super::{Listed, Object, Objects, Refused, Remote, Trouble, When, folder::Folder, lease};

/// Objects in a directory, until one who uses them is killed.
#[derive(Debug)]
pub struct Mortal {
    inner: Folder,
    writes: AtomicUsize,
    killed_at: usize,
    /// Whether the write at which it is killed is made.
    made: bool,
    dead: AtomicBool,
}

impl Mortal {
    /// Whoever uses them is killed at this write, counted from 1; `made`: after it.
    pub fn new(inner: Folder, killed_at: usize, made: bool) -> Arc<Self> {
        Arc::new(Self { inner, writes: AtomicUsize::new(0), killed_at, made, dead: AtomicBool::new(false) })
    }

    /// Whether it has come to that.
    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    fn write<T>(&self, write: impl FnOnce() -> T) -> Option<T> {
        if self.is_dead() {
            return None;
        }
        if self.writes.fetch_add(1, Ordering::SeqCst) + 1 < self.killed_at {
            return Some(write());
        }
        self.dead.store(true, Ordering::SeqCst);
        if self.made {
            write();
        }
        None
    }
}

impl Objects for Mortal {
    fn get(&self, key: &str) -> Result<Option<Object>, Trouble> {
        if self.is_dead() { Err("killed".into()) } else { self.inner.get(key) }
    }

    fn put(&self, key: &str, bytes: &[u8], when: When<'_>) -> Result<String, Refused> {
        self.write(|| self.inner.put(key, bytes, when)).unwrap_or_else(|| Err(Refused::Failed("killed".into())))
    }

    fn delete(&self, key: &str) -> Result<(), String> {
        self.write(|| self.inner.delete(key)).unwrap_or_else(|| Err("killed".into()))
    }

    fn list(&self, prefix: &str) -> Result<Vec<Listed>, String> {
        if self.is_dead() { Err("killed".into()) } else { self.inner.list(prefix) }
    }

    fn url(&self) -> String {
        self.inner.url()
    }
}

/// Ends the lease of one who was killed, if it had come so far.
pub fn unlock(remote: &Remote) {
    if let Some(seen) = lease::seen(remote).unwrap() {
        lease::unlock(remote, &seen.id).unwrap();
    }
}
