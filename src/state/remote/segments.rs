//! The journal of a state that several machines share: numbered segments, each written once. Layer 4.
//!
//! A segment holds the lines of all who were waiting when it was written, and each of them goes on when it is safe: many
//! tasks share one write. Numbers have no gaps, and no number is written twice: so whoever takes over closes the journal by
//! writing the next number itself, and the next write of the one before is refused.

use std::{
    fmt, io,
    sync::{Arc, Condvar, Mutex, PoisonError, mpsc},
    thread::JoinHandle,
};

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::{
    Listed, Objects, Refused, Remote, When,
    lease::{Guard, Lease},
    put,
};
use crate::{
    base::{codes::state as codes, diagnostic::Diagnostic},
    state::{
        event::Event,
        identity,
        journal::{self, lines::Handed},
    },
};

/// The first line of a segment.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    /// The format of the segment.
    secnet: u32,
    /// Whose it is: the id of a lock.
    id: String,
    /// Random: no two segments are equal.
    write: String,
    /// Whether it only keeps its number from others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    closed: bool,
}

/// The format of segments that this version writes.
const FORMAT: u32 = 1;

/// A segment that only keeps its number has no more bytes than this.
const CLOSED_MAX: u64 = 256;

fn key(remote: &Remote, number: u64) -> String {
    format!("{}/{number:010}", remote.journal_prefix())
}

/// The segments that are there, in order of their numbers.
fn numbers(remote: &Remote) -> Result<Vec<(u64, String)>, Diagnostic> {
    Ok(sized(remote)?.into_iter().map(|(number, listed)| (number, listed.key)).collect())
}

fn sized(remote: &Remote) -> Result<Vec<(u64, Listed)>, Diagnostic> {
    let listed = remote.objects.list(&remote.journal_prefix()).map_err(|e| remote.unreachable(e))?;
    let number = |listed: Listed| Some((listed.key.rsplit('/').next()?.parse().ok()?, listed));
    let mut numbers: Vec<(u64, Listed)> = listed.into_iter().filter_map(number).collect();
    numbers.sort_unstable_by_key(|(number, _)| *number);
    Ok(numbers)
}

/// The events from this segment on.
pub(super) fn read(remote: &Remote, from: u64) -> Result<Vec<Event>, Diagnostic> {
    let mut lines = vec![];
    let shown = remote.url(remote.journal_prefix());
    for (expected, (number, key)) in (from..).zip(numbers(remote)?.into_iter().filter(|(number, _)| *number >= from)) {
        let found = remote.objects.get(&key).map_err(|e| remote.unreachable(e))?;
        let Some(object) = found.filter(|_| number == expected) else {
            return Err(codes::segment_missing(&shown, expected));
        };
        let broken = |why: &str| codes::segment_broken(&remote.url(&key), why);
        let line = object.bytes.iter().position(|b| *b == b'\n').ok_or_else(|| broken("it has no first line"))?;
        let (head, rest) = object.bytes.split_at(line + 1);
        let head: Head = serde_json::from_slice(head).map_err(|e| broken(&e.to_string()))?;
        if head.secnet > FORMAT {
            return Err(codes::newer(&remote.url(&key), head.secnet.into(), FORMAT));
        }
        if rest.last().is_some_and(|last| *last != b'\n') {
            // An object is stored whole or not at all.
            return Err(broken("its last line is cut short"));
        }
        lines.extend_from_slice(rest);
    }
    journal::parse(&lines, &shown)
}

/// The number of the next segment.
pub(super) fn next(remote: &Remote) -> Result<u64, Diagnostic> {
    let first = remote.stored().map_or(1, |stored| stored.head.journal);
    Ok(numbers(remote)?.last().map_or(first, |(number, _)| first.max(number + 1)))
}

/// Removes the segments that are part of the state now. What was closed stays until the next time, so that nobody who slept
/// meanwhile finds the number free.
pub(super) fn remove_before(remote: &Remote, next: u64) -> Result<(), Diagnostic> {
    let mut closed = vec![];
    for (_, Listed { key, size, .. }) in sized(remote)?.into_iter().filter(|(number, _)| *number < next) {
        if size <= CLOSED_MAX {
            let object = remote.objects.get(&key).map_err(|e| remote.unreachable(e))?;
            let head = object.and_then(|o| serde_json::from_slice::<Head>(o.bytes.split(|b| *b == b'\n').next()?).ok());
            if head.is_some_and(|head| head.closed) {
                closed.push(key);
                continue;
            }
        }
        remote.objects.delete(&key).map_err(|e| remote.unreachable(e))?;
    }
    // The last two holders who were overtaken: the rest has had its time.
    closed.iter().rev().skip(2).try_for_each(|key| remote.objects.delete(key).map_err(|e| remote.unreachable(e)))
}

/// Copies the segments aside.
pub(super) fn keep(remote: &Remote) -> Result<Vec<String>, Diagnostic> {
    let mut kept = vec![];
    for (number, key) in numbers(remote)? {
        let Some(object) = remote.objects.get(&key).map_err(|e| remote.unreachable(e))? else { continue };
        let copy = format!("{}/kept/{}.journal.{number:010}", remote.base, super::now());
        match remote.objects.put(&copy, &object.bytes, When::Always) {
            Ok(_) => kept.push(copy),
            Err(_) => return Err(remote.unreachable("the copy of the journal cannot be written")),
        }
    }
    Ok(kept)
}

/// Closes the journal to whoever writes it: the next number is taken.
pub(super) fn close(remote: &Remote, id: String) -> Result<(), Diagnostic> {
    loop {
        let write = identity::random().map_err(|e| codes::no_randomness(&e.to_string()))?;
        let head = Head { secnet: FORMAT, id: id.clone(), write, closed: true };
        let mut bytes = serde_json::to_vec(&head).unwrap_or_default();
        bytes.push(b'\n');
        match put(&*remote.objects, &key(remote, next(remote)?), &bytes, When::Absent) {
            Ok(_) => return Ok(()),
            // It has written one more; that has an end, since its lease has run out.
            Err(Refused::Conflict) => {}
            Err(Refused::Failed(why)) => return Err(remote.unreachable(why)),
        }
    }
}

/// Told when its lines are safe, or will never be.
type Told = Box<dyn FnOnce(Result<(), String>) + Send>;

#[derive(Default)]
struct Queue {
    lines: Vec<u8>,
    told: Vec<Told>,
    ended: bool,
    broken: Option<String>,
}

struct Shared {
    objects: Arc<dyn Objects>,
    guard: Guard,
    id: String,
    prefix: String,
    queue: Mutex<Queue>,
    woken: Condvar,
}

/// Writes segments, one after the other.
pub struct Writer {
    shared: Arc<Shared>,
    hand: Option<JoinHandle<()>>,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Writer({})", self.shared.prefix)
    }
}

/// Lines that are on their way.
#[derive(Debug)]
pub enum Durable {
    /// To a file, by whoever waits first.
    Written(Handed),
    /// To a bucket, by the journal's own hand.
    Told(oneshot::Receiver<Result<(), String>>),
}

impl Durable {
    /// Waits until they are safe.
    ///
    /// # Errors
    /// They never will be; why, in words.
    pub async fn wait(self) -> Result<(), String> {
        match self {
            Durable::Written(handed) => handed.wait().await,
            Durable::Told(told) => told.await.unwrap_or_else(|_| Err("the journal has ended".into())),
        }
    }
}

impl Writer {
    /// Starts a journal with the next number.
    ///
    /// # Errors
    /// There is no way to it.
    pub(in crate::state) fn start(remote: &Remote, lease: &Lease) -> Result<Self, Diagnostic> {
        let first = next(remote)?;
        let shared = Arc::new(Shared {
            objects: remote.objects.clone(),
            guard: lease.guard(),
            id: lease.id(),
            prefix: remote.journal_prefix(),
            queue: Mutex::default(),
            woken: Condvar::new(),
        });
        let writing = shared.clone();
        let hand = std::thread::Builder::new().name("journal".into()).spawn(move || writing.write(first));
        let hand = hand.map_err(|e| remote.unreachable(e.to_string()))?;
        Ok(Self { shared, hand: Some(hand) })
    }

    /// Whether the lease holds under which this is written.
    #[must_use]
    pub fn guard(&self) -> Guard {
        self.shared.guard.clone()
    }

    fn hand_over(&self, lines: &[u8], told: Told) -> io::Result<()> {
        let mut queue = self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(why) = &queue.broken {
            return Err(io::Error::other(why.clone()));
        }
        queue.lines.extend_from_slice(lines);
        queue.told.push(told);
        self.shared.woken.notify_all();
        Ok(())
    }

    /// Hands lines over to be written with the next segment.
    ///
    /// # Errors
    /// An earlier write has failed.
    pub fn submit(&self, lines: &[u8]) -> io::Result<Durable> {
        let (tell, told) = oneshot::channel();
        // Whoever waits no more does not want to know.
        self.hand_over(lines, Box::new(move |result| drop(tell.send(result))))?;
        Ok(Durable::Told(told))
    }

    /// The same, and waits until they are safe.
    ///
    /// # Errors
    /// They never will be.
    pub fn append(&self, lines: &[u8]) -> io::Result<()> {
        let (tell, told) = mpsc::channel();
        self.hand_over(lines, Box::new(move |result| drop(tell.send(result))))?;
        told.recv().unwrap_or_else(|_| Err("the journal has ended".into())).map_err(io::Error::other)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        self.shared.woken.notify_all();
        if let Some(hand) = self.hand.take() {
            // Whoever waits for lines has been told, however it ended.
            let _ = hand.join();
        }
    }
}

impl Shared {
    fn write(&self, first: u64) {
        for number in first.. {
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue = self.woken.wait_while(queue, |q| q.told.is_empty() && !q.ended).unwrap_or_else(PoisonError::into_inner);
            if queue.told.is_empty() {
                return;
            }
            let (lines, told) = (std::mem::take(&mut queue.lines), std::mem::take(&mut queue.told));
            drop(queue);
            let result = self.segment(number, &lines);
            if let Err(why) = &result {
                let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
                queue.broken = Some(why.clone());
                let rest = std::mem::take(&mut queue.told);
                drop(queue);
                told.into_iter().chain(rest).for_each(|tell| tell(Err(why.clone())));
                return;
            }
            told.into_iter().for_each(|tell| tell(Ok(())));
        }
    }

    /// Writes a segment. The lease must hold before and after: a call goes out on the strength of it.
    fn segment(&self, number: u64, lines: &[u8]) -> Result<(), String> {
        self.guard.check()?;
        let write = identity::random().map_err(|e| e.to_string())?;
        let head = Head { secnet: FORMAT, id: self.id.clone(), write, closed: false };
        let mut bytes = serde_json::to_vec(&head).map_err(|e| e.to_string())?;
        bytes.push(b'\n');
        bytes.extend_from_slice(lines);
        match put(&*self.objects, &format!("{}/{number:010}", self.prefix), &bytes, When::Absent) {
            Ok(_) => self.guard.check(),
            Err(Refused::Conflict) => Err("another secnet has taken over".into()),
            Err(Refused::Failed(why)) => Err(why),
        }
    }
}
