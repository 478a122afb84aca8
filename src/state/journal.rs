//! What an apply is about to do and what came of it, on disk before the next step. Layer 4: knows no plan.
//!
//! One JSON [`Event`] a line, each on disk before the call that it announces is sent; lines of many go there together. The first says which state
//! the apply started from. A line that was cut short by a crash says nothing: the call that it announces was not sent.

pub(in crate::state) mod lines;

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::Path,
};

use lines::Lines;

use crate::{
    base::{codes::state as codes, diagnostic::Diagnostic, disk},
    state::{
        State,
        event::Event,
        remote::{
            lease::Guard,
            segments::{Durable, Writer},
        },
        store::{
            Lock, Store,
            local::{private, sync_directory},
        },
    },
};

/// What a journal is written to.
pub trait Medium: Write + fmt::Debug + Send {
    /// Returns when all that was written is safe.
    ///
    /// # Errors
    /// It is not.
    fn sync(&mut self) -> io::Result<()>;
}

impl Medium for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// The journal of an apply that is under way.
#[derive(Debug)]
pub struct Journal {
    to: To,
}

#[derive(Debug)]
enum To {
    /// A file beside the sources.
    Medium(Lines),
    /// Objects of a bucket.
    Segments(Writer),
}

impl Journal {
    /// Starts a journal. One that is done with, or that never got as far as its first line, is overwritten.
    ///
    /// # Errors
    /// An interrupted apply has left one that must be resolved first, or it cannot be written.
    pub fn create(store: &Store, lock: &Lock) -> Result<Journal, Diagnostic> {
        Self::create_through(store, lock, |file| Box::new(file))
    }

    /// The same through something that stands between it and its file: tests let disks fail.
    ///
    /// # Errors
    /// As [`Journal::create`].
    pub fn create_through(store: &Store, lock: &Lock, through: impl FnOnce(File) -> Box<dyn Medium>) -> Result<Journal, Diagnostic> {
        let path = store.journal_path();
        let shown = disk::shown(&path);
        if !store.load()?.unfinished.is_empty() {
            return Err(codes::journal_unfinished(&shown));
        }
        let not_writable = |e: io::Error| codes::not_writable(&shown, &disk::reason(&e));
        let to = match (store, lock) {
            (Store::Remote(remote), Lock::Lease(lease)) => To::Segments(Writer::start(remote, lease)?),
            (Store::Local(_), Lock::File(_)) => {
                remove(&path).map_err(not_writable)?;
                let file = private(OpenOptions::new().append(true).create_new(true)).open(&path).map_err(not_writable)?;
                sync_directory(&path).map_err(not_writable)?;
                To::Medium(Lines::new(through(file)))
            }
            _ => return Err(codes::not_writable(&shown, "the lock is that of another store")),
        };
        Ok(Journal { to })
    }

    /// What says whether this run may still act; `None` where a lock ends with its process alone.
    #[must_use]
    pub fn guard(&self) -> Option<Guard> {
        match &self.to {
            To::Medium(_) => None,
            To::Segments(writer) => Some(writer.guard()),
        }
    }

    /// Writes events down; they are safe once what it gives has been waited for, in the order in which they were given.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn submit(&mut self, events: &[Event]) -> io::Result<Durable> {
        match &self.to {
            To::Segments(writer) => writer.submit(&lines_of(events)?),
            To::Medium(lines) => lines.hand_in(&lines_of(events)?).map(Durable::Written),
        }
    }

    /// Writes events down; they are on disk when it returns.
    ///
    /// # Errors
    /// The disk is full or gone. Nothing more can be written to this journal then.
    pub fn append(&mut self, events: &[Event]) -> io::Result<()> {
        let events = lines_of(events)?;
        match &self.to {
            To::Medium(lines) => lines.hand_in(&events)?.write(),
            To::Segments(writer) => writer.append(&events),
        }
    }
}

fn lines_of(events: &[Event]) -> io::Result<Vec<u8>> {
    let mut lines = vec![];
    for event in events {
        serde_json::to_writer(&mut lines, event)?;
        lines.push(b'\n');
    }
    Ok(lines)
}

/// The lineage that a state or a journal names, even if it cannot be used otherwise.
pub(super) fn lineage_in(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let (_, rest) = text.split_once("\"lineage\":")?;
    let (lineage, _) = rest.trim_start().strip_prefix('"')?.split_once('"')?;
    Some(lineage.to_owned())
}

/// The events of a journal; none where there is no file, or nothing whole in it.
///
/// # Errors
/// A line before the last is no event, or the first does not say where the apply started.
pub fn read(path: &Path) -> Result<Vec<Event>, Diagnostic> {
    let shown = disk::shown(path);
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
        Err(error) => return Err(codes::not_readable(&shown, &disk::reason(&error))),
    };
    parse(&bytes, &shown)
}

/// The events in the lines of a journal; the last line may be cut short.
///
/// # Errors
/// A line before the last is no event, or the first does not say where the apply started.
pub(super) fn parse(bytes: &[u8], shown: &str) -> Result<Vec<Event>, Diagnostic> {
    let whole = bytes.iter().rposition(|b| *b == b'\n').and_then(|end| bytes.get(..end)).unwrap_or_default();
    if whole.is_empty() {
        return Ok(vec![]);
    }
    let mut events = vec![];
    for (index, line) in whole.split(|b| *b == b'\n').enumerate() {
        let event = serde_json::from_slice(line).map_err(|_| codes::journal_broken(shown, index + 1))?;
        if (index == 0) != matches!(event, Event::Begin { .. }) {
            return Err(codes::journal_broken(shown, index + 1));
        }
        events.push(event);
    }
    Ok(events)
}

/// Ends a journal, whose events are part of the state now.
///
/// # Errors
/// It cannot be removed.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Ok(()) => sync_directory(path),
        error => error,
    }
}

/// What a state becomes by the events of a journal.
#[must_use]
pub fn fold(mut state: State, events: &[Event]) -> State {
    events.iter().for_each(|event| state.fold(event));
    state
}
