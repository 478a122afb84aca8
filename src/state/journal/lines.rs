//! The journal of a state beside the sources: lines of many tasks go to the disk together. Layer 4.
//!
//! Whoever waits for lines writes all that were handed in until then, and its own with them; the others find theirs written.
//! So a slow disk costs a round of calls one write, and not each call one. No thread and no clock has a part in it.

use std::{
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::Medium;

#[derive(Default)]
struct Queue {
    lines: Vec<u8>,
    /// How many times lines were handed in.
    handed: u64,
    /// How many of these are safe.
    safe: u64,
    /// After a failed write nobody knows where the last line ends.
    broken: Option<String>,
}

struct Shared {
    queue: Mutex<Queue>,
    medium: Mutex<Box<dyn Medium>>,
    /// Whose turn it is to write; the others wait for it without keeping a thread.
    turn: tokio::sync::Mutex<()>,
}

/// Lines, and what they are written to.
pub(super) struct Lines(Arc<Shared>);

/// Lines that were handed in.
pub struct Handed {
    shared: Arc<Shared>,
    number: u64,
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lines")
    }
}

impl fmt::Debug for Handed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handed({})", self.number)
    }
}

impl Lines {
    pub(super) fn new(medium: Box<dyn Medium>) -> Self {
        Self(Arc::new(Shared { queue: Mutex::default(), medium: Mutex::new(medium), turn: tokio::sync::Mutex::default() }))
    }

    /// Takes lines in; they are written when they are waited for, or others are, in the order in which they came.
    pub(super) fn hand_in(&self, lines: &[u8]) -> io::Result<Handed> {
        let mut queue = self.0.queue();
        if queue.broken.is_some() {
            return Err(io::Error::other("an earlier write to the journal has failed"));
        }
        queue.lines.extend_from_slice(lines);
        queue.handed += 1;
        Ok(Handed { shared: self.0.clone(), number: queue.handed })
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        // Nobody waits for what is left: where it cannot be written, the call stays open, and the next run looks.
        let number = self.0.queue().handed;
        let _ = self.0.write(number);
    }
}

impl Handed {
    /// Waits until they are safe.
    ///
    /// # Errors
    /// They never will be; why, in words.
    pub async fn wait(self) -> Result<(), String> {
        // Whoever is ready to hand lines in does so before.
        tokio::task::yield_now().await;
        let _turn = self.shared.turn.lock().await;
        self.shared.write(self.number).map_err(|error| error.to_string())
    }

    /// The same at once.
    pub(super) fn write(self) -> io::Result<()> {
        self.shared.write(self.number)
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes all that was handed in, unless these lines are safe.
    fn write(&self, number: u64) -> io::Result<()> {
        let mut medium = self.medium.lock().unwrap_or_else(PoisonError::into_inner);
        let (lines, handed) = {
            let mut queue = self.queue();
            if queue.safe >= number {
                return Ok(());
            }
            if let Some(why) = &queue.broken {
                return Err(io::Error::other(why.clone()));
            }
            (std::mem::take(&mut queue.lines), queue.handed)
        };
        let written = medium.write_all(&lines).and_then(|()| medium.sync());
        let mut queue = self.queue();
        match &written {
            Ok(()) => queue.safe = handed,
            Err(error) => queue.broken = Some(error.to_string()),
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    /// A disk that counts how often it is waited for, and has no more room than this.
    #[derive(Debug, Clone, Default)]
    struct Disk {
        held: Arc<Mutex<Vec<u8>>>,
        syncs: Arc<AtomicUsize>,
        room: usize,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut held = self.held.lock().unwrap();
            if held.len() + bytes.len() > self.room {
                return Err(io::Error::from(io::ErrorKind::StorageFull));
            }
            held.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Medium for Disk {
        fn sync(&mut self) -> io::Result<()> {
            self.syncs.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    }

    #[tokio::test]
    async fn lines_of_many_are_written_once_in_their_order() {
        let disk = Disk { room: 1_000, ..Disk::default() };
        let lines = Arc::new(Lines::new(Box::new(disk.clone())));
        let tasks: Vec<_> = (0..100)
            .map(|n| {
                let lines = lines.clone();
                tokio::spawn(async move { lines.hand_in(format!("{n}\n").as_bytes()).unwrap().wait().await.unwrap() })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let all: String = (0..100).map(|n| format!("{n}\n")).collect();
        assert_eq!(String::from_utf8(disk.held.lock().unwrap().clone()).unwrap(), all);
        assert!(disk.syncs.load(Ordering::SeqCst) < 5, "{}", disk.syncs.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn what_does_not_fit_is_said_to_all_who_wait_for_it_and_nothing_follows() {
        let disk = Disk { room: 3, ..Disk::default() };
        let lines = Lines::new(Box::new(disk.clone()));
        lines.hand_in(b"a\n").unwrap().wait().await.unwrap();
        let (one, two) = (lines.hand_in(b"b\n").unwrap(), lines.hand_in(b"c\n").unwrap());
        let first = one.wait().await.unwrap_err();
        assert_eq!(two.wait().await.unwrap_err(), first);
        assert!(lines.hand_in(b"d\n").is_err());
        drop(lines);
        assert_eq!(*disk.held.lock().unwrap(), b"a\n");
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_written_in_the_end() {
        let disk = Disk { room: 9, ..Disk::default() };
        let lines = Lines::new(Box::new(disk.clone()));
        drop(lines.hand_in(b"a\n").unwrap());
        assert_eq!(disk.syncs.load(Ordering::SeqCst), 0);
        drop(lines);
        assert_eq!(*disk.held.lock().unwrap(), b"a\n");
    }
}
