//! The account of the runs on a state that several machines share. Layer 4; what the lines say is [`crate::state::log`]'s.
//!
//! `log/<run>.<part>` is a part of a run's lines. The number of a run is had by writing its first part where none is. A part
//! is written again as it grows, every [`BETWEEN`], until it has [`PART`] bytes: so a run that is killed has told all but its
//! last moments, and a long one is a few objects. The oldest runs go where there are more than are kept.

use std::{
    collections::BTreeMap,
    io,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::{Listed, Objects, Refused, Remote, Trouble, When};
use crate::base::diagnostic::Diagnostic;

/// How long lines wait for others to be written with them.
const BETWEEN: Duration = Duration::from_secs(2);
/// How long a part grows, in bytes.
const PART: usize = 256 << 10;
/// How many runs are kept.
const RUNS_KEPT: usize = 200;
/// How many bytes of runs are kept; the last run is, however long.
const BYTES_KEPT: u64 = 16 << 20;
/// How many objects are read at once.
const HANDS: usize = 8;

/// The parts of each run that is there.
type Runs = BTreeMap<u64, Vec<Listed>>;

fn key(remote: &Remote, run: u64, part: usize) -> String {
    format!("{}/{run:08}.{part:04}", remote.log_prefix())
}

fn runs(remote: &Remote) -> Result<Runs, String> {
    let mut runs = Runs::new();
    for listed in remote.objects.list(&remote.log_prefix())? {
        let name = listed.key.rsplit('/').next().unwrap_or_default();
        if let Some(run) = name.split_once('.').and_then(|(run, _)| run.parse().ok()) {
            runs.entry(run).or_default().push(listed);
        }
    }
    Ok(runs)
}

/// The keys of the oldest runs that are more than is kept.
fn surplus(runs: &Runs, (count, bytes): (usize, u64)) -> Vec<String> {
    let (mut kept, mut held, mut full) = (0, 0, false);
    let mut keys = vec![];
    for parts in runs.values().rev() {
        held += parts.iter().map(|part| part.size).sum::<u64>();
        full = full || kept > 0 && (kept == count || held > bytes);
        kept += 1;
        if full {
            keys.extend(parts.iter().map(|part| part.key.clone()));
        }
    }
    keys
}

/// The lines of one run or of all that are kept, the oldest first.
pub(in crate::state) fn read(remote: &Remote, wanted: Option<u64>) -> Result<Vec<u8>, Diagnostic> {
    let runs = runs(remote).map_err(|why| remote.unreachable(why))?;
    let runs = runs.into_iter().filter(|(run, _)| wanted.is_none_or(|wanted| *run == wanted));
    let mut keys: Vec<String> = runs.flat_map(|(_, parts)| parts).map(|part| part.key).collect();
    keys.sort_unstable();
    let objects = &*remote.objects;
    let share = keys.len().div_ceil(HANDS).max(1);
    let read = |keys: &[String]| keys.iter().map(|key| objects.get(key)).collect::<Result<Vec<_>, Trouble>>();
    let parts = std::thread::scope(|scope| {
        let hands: Vec<_> = keys.chunks(share).map(|keys| scope.spawn(move || read(keys))).collect();
        let gone = || Err(Trouble::from("a thread has ended before its time"));
        hands.into_iter().map(|hand| hand.join().unwrap_or_else(|_| gone())).collect::<Result<Vec<_>, Trouble>>()
    });
    let parts = parts.map_err(|trouble| remote.unreachable(trouble))?;
    // One that is gone was removed as too old since it was listed.
    Ok(parts.into_iter().flatten().flatten().flat_map(|object| object.bytes).collect())
}

/// The account of a run that is under way.
#[derive(Debug)]
pub(in crate::state) struct Account {
    run: u64,
    lines: Option<Sender<Vec<u8>>>,
    hand: Option<JoinHandle<Result<(), String>>>,
}

impl Account {
    /// Takes the next number.
    pub(in crate::state) fn open(remote: &Remote) -> io::Result<Self> {
        let mut run = runs(remote).map_err(io::Error::other)?.keys().next_back().map_or(1, |last| last + 1);
        loop {
            match remote.objects.put(&key(remote, run, 0), b"", When::Absent) {
                Ok(_) => break,
                // Another's, or one's own, the answer to which was lost: then it stays without a line.
                Err(Refused::Conflict) => run += 1,
                Err(Refused::Failed(why)) => return Err(io::Error::other(why)),
            }
        }
        let (sender, receiver) = channel();
        let remote = remote.clone();
        let hand = std::thread::Builder::new().name("account".into()).spawn(move || keep(&remote, run, &receiver))?;
        Ok(Self { run, lines: Some(sender), hand: Some(hand) })
    }

    pub(in crate::state) fn run(&self) -> u64 {
        self.run
    }

    /// Hands a line over.
    pub(in crate::state) fn write(&self, line: Vec<u8>) -> io::Result<()> {
        let sent = self.lines.as_ref().map(|lines| lines.send(line));
        if matches!(sent, Some(Ok(()))) { Ok(()) } else { Err(io::Error::other("nobody writes it any more")) }
    }

    /// Waits until all is written.
    pub(in crate::state) fn end(&mut self) -> io::Result<()> {
        self.lines = None;
        let ended = self.hand.take().map_or(Ok(Ok(())), JoinHandle::join);
        ended.unwrap_or_else(|_| Err("a thread has ended before its time".into())).map_err(io::Error::other)
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        // Whoever wants to know asks for the end.
        let _ = self.end();
    }
}

/// Writes what comes until nobody is left who could write, then removes what is too old.
fn keep(remote: &Remote, run: u64, lines: &Receiver<Vec<u8>>) -> Result<(), String> {
    let (mut number, mut part, mut ended) = (0, vec![], false);
    let mut written = Ok(());
    let mut unwritten = false;
    while !ended || unwritten {
        if !unwritten {
            let Ok(line) = lines.recv() else { break };
            part.extend(line);
        }
        part.extend(lines.try_iter().flatten());
        let until = Instant::now() + BETWEEN;
        written = written_down(&*remote.objects, &key(remote, run, number), &part);
        if ended {
            break;
        }
        if written.is_ok() && part.len() >= PART {
            (number, part) = (number + 1, vec![]);
        }
        let before = part.len();
        ended = gather(lines, until, &mut part);
        // What could not be written is tried again.
        unwritten = written.is_err() || part.len() > before;
    }
    written?;
    surplus(&runs(remote)?, (RUNS_KEPT, BYTES_KEPT)).iter().try_for_each(|key| remote.objects.delete(key))
}

/// Takes lines in until then, or until there is a part's worth; says whether the last has come.
fn gather(lines: &Receiver<Vec<u8>>, until: Instant, part: &mut Vec<u8>) -> bool {
    loop {
        match lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(line) => part.extend(line),
            Err(RecvTimeoutError::Timeout) => return false,
            Err(RecvTimeoutError::Disconnected) => return true,
        }
    }
}

fn written_down(objects: &dyn Objects, key: &str, bytes: &[u8]) -> Result<(), String> {
    match objects.put(key, bytes, When::Always) {
        Ok(_) => Ok(()),
        Err(Refused::Failed(why)) => Err(why),
        Err(Refused::Conflict) => Err("a write without condition was refused for its condition".into()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{
        super::{
            encryption::{Encrypted, Secret},
            folder::Folder,
        },
        *,
    };

    fn text(remote: &Remote, run: Option<u64>) -> String {
        String::from_utf8(read(remote, run).unwrap()).unwrap()
    }

    #[test]
    fn each_run_has_a_number_of_its_own_and_long_ones_are_in_parts() {
        let directory = tempfile::tempdir().unwrap();
        let secret = || Some(Secret::of_file(&[7; 32]).unwrap());
        let at = |secret| Remote::new(Arc::new(Encrypted::new(Arc::new(Folder::new(directory.path())), secret)), "", "shop");
        let remote = at(secret());
        let (mut one, mut two) = (Account::open(&remote).unwrap(), Account::open(&remote).unwrap());
        assert_eq!((one.run(), two.run()), (1, 2), "though neither has written a line");
        one.write(b"a line\n".to_vec()).unwrap();
        let begun = Instant::now();
        while text(&remote, Some(1)).is_empty() {
            assert!(begun.elapsed() < Duration::from_secs(20), "the first line does not wait for others");
            std::thread::sleep(Duration::from_millis(5));
        }
        let long = vec![b'x'; PART];
        two.write([&*long, b"\n"].concat()).unwrap();
        // Past the first write, which is not waited for.
        while text(&remote, Some(2)).is_empty() {
            std::thread::sleep(Duration::from_millis(5));
        }
        two.write(b"the end\n".to_vec()).unwrap();
        one.write(b"another\n".to_vec()).unwrap();
        one.end().unwrap();
        two.end().unwrap();
        assert_eq!(text(&remote, Some(1)), "a line\nanother\n");
        assert!(text(&remote, Some(2)).ends_with("xx\nthe end\n") && text(&remote, None).starts_with("a line\nanother\nxx"));
        assert_eq!(runs(&remote).unwrap().values().map(Vec::len).collect::<Vec<_>>(), [1, 2]);
        let raw = std::fs::read(directory.path().join("shop/log/00000001.0000")).unwrap();
        assert!(!String::from_utf8_lossy(&raw).contains("line"), "it is encrypted as the state is");
        assert_eq!(*read(&at(None), None).unwrap_err().code, crate::base::codes::state::NOT_ENCRYPTED_SO);
    }

    #[test]
    fn the_oldest_runs_go_and_the_last_stays_however_long() {
        let listed = |key: &str, size| Listed { key: key.into(), at: 0, size };
        let runs = Runs::from([
            (1, vec![listed("1.0", 10), listed("1.1", 10)]),
            (2, vec![listed("2.0", 30)]),
            (3, vec![listed("3.0", 50), listed("3.1", 50)]),
        ]);
        assert!(surplus(&runs, (3, 150)).is_empty());
        assert_eq!(surplus(&runs, (2, 150)), ["1.0", "1.1"]);
        assert_eq!(surplus(&runs, (3, 149)), ["1.0", "1.1"]);
        assert_eq!(surplus(&runs, (3, 1)), ["2.0", "1.0", "1.1"]);
    }
}
