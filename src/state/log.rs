//! The account of what happened: JSON lines in a file beside the state, or in objects beside a shared one. Layer 5.
//!
//! A line is written when a thing happens, so that a run that is killed has told how far it came. No value of an attribute is
//! in it, so nothing sensitive is. Where the file has grown past [`LIMIT`] at the start of a run, it becomes
//! `NAME.log.1.jsonl`, and what had that name goes: two files are kept, of some 8 MiB together.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

use crate::{
    base::{codes::environment as codes, diagnostic::Diagnostic, disk},
    call::Json,
    state::{
        remote::account::{self, Account},
        store::Store,
    },
};

/// How long a file may be, in bytes, and still take another run.
pub const LIMIT: u64 = 4 << 20;

/// The form of the lines that this version writes.
pub const FORMAT: u32 = 1;

/// A line of the account, and of `--events`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Which run, counted from 1.
    pub run: u64,
    /// When, in microseconds since 1970.
    pub at_us: u64,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

/// What happens during a run. A task is its number in the plan, from 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The first line of a run.
    RunStarted {
        /// [`FORMAT`]
        format: u32,
        /// `apply`, `destroy`, `recover`
        command: String,
        /// That of secnet.
        version: String,
        /// The user, as the operating system calls them.
        by: String,
        /// The project's name.
        project: String,
        /// `AWS`, `sandbox`, an URL.
        target: String,
        /// The region.
        region: String,
        /// The environment.
        environment: Option<String>,
        /// The state's serial before.
        serial: u64,
    },
    /// What is about to be done.
    Plan {
        /// Resources to make.
        create: usize,
        /// Resources to change.
        update: usize,
        /// Resources to make anew.
        replace: usize,
        /// Resources that go.
        delete: usize,
        /// Resources that are let go of.
        forget: usize,
        /// Nodes of the plan.
        tasks: usize,
        /// Whether it is about a part of the project.
        partial: bool,
    },
    /// A task has started.
    TaskStarted {
        /// Which.
        task: usize,
        /// `create vpc.main`
        title: String,
        /// `vpc.main`
        address: String,
    },
    /// A call has been answered; the line's time is that of the answer.
    Call {
        /// The task that made it; none where several wait together.
        task: Option<usize>,
        /// `CreateVpc`
        action: String,
        /// The account and region, where they are not the project's own.
        site: Option<String>,
        /// How long it took.
        us: u64,
        /// AWS's id of the request.
        request_id: Option<String>,
        /// EC2's code where it refused, `no answer` where none came.
        error: Option<String>,
    },
    /// A task waits for EC2.
    Waiting {
        /// Which.
        task: usize,
        /// EC2's id.
        id: String,
        /// As EC2 calls it.
        state: String,
        /// Since the task began to wait for this.
        us: u64,
    },
    /// A call will be sent again.
    Retrying {
        /// Of which task.
        task: usize,
        /// `CreateVpc`
        action: String,
        /// Why.
        reason: String,
        /// After how long.
        after_us: u64,
    },
    /// A call has waited for its turn, since EC2 had refused others of its kind for their rate.
    Paced {
        /// Of which task.
        task: usize,
        /// `CreateVpc`
        action: String,
        /// How long.
        us: u64,
    },
    /// A task is done.
    TaskDone {
        /// Which.
        task: usize,
        /// How long it took.
        us: u64,
    },
    /// A task has failed.
    TaskFailed {
        /// Which.
        task: usize,
        /// How long it took.
        us: u64,
        /// Why.
        error: String,
    },
    /// The project's outputs, without those that are sensitive; in `--events` alone.
    Outputs {
        /// By name.
        outputs: BTreeMap<String, Json>,
    },
    /// The last line of a run that was not killed.
    RunEnded {
        /// `done`, `incomplete`, `stopped`
        result: String,
        /// Tasks.
        done: usize,
        /// Tasks.
        failed: usize,
        /// Tasks.
        not_started: usize,
        /// The state's serial after; none where the journal has stayed.
        serial: Option<u64>,
        /// How long it took.
        us: u64,
    },
}

/// An account that is being written.
#[derive(Debug)]
pub struct Log(Kept);

#[derive(Debug)]
enum Kept {
    File { file: File, run: u64 },
    Objects(Account),
}

fn older(path: &Path) -> PathBuf {
    path.with_extension("").with_extension("log.1.jsonl")
}

/// Microseconds since 1970.
#[must_use]
pub fn now_us() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| u64::try_from(d.as_micros()).unwrap_or(u64::MAX))
}

impl Log {
    /// Opens the account of a store for another run.
    ///
    /// # Errors
    /// The file or the bucket cannot be written.
    pub fn open(store: &Store) -> io::Result<Self> {
        if let Store::Remote(remote) = store {
            return Account::open(remote).map(Kept::Objects).map(Self);
        }
        let path = store.log_path();
        let run = read_files(&path)?.last().map_or(1, |line| line.run + 1);
        if fs::metadata(&path).is_ok_and(|file| file.len() > LIMIT) {
            fs::rename(&path, older(&path))?;
        }
        let torn = fs::read(&path).is_ok_and(|text| text.last().is_some_and(|byte| *byte != b'\n'));
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path)?;
        if torn {
            file.write_all(b"\n")?;
        }
        Ok(Self(Kept::File { file, run }))
    }

    /// The number of the run.
    #[must_use]
    pub fn run(&self) -> u64 {
        match &self.0 {
            Kept::File { run, .. } => *run,
            Kept::Objects(account) => account.run(),
        }
    }

    /// Writes a line: to a file at once, to a bucket within some two seconds.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&mut self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        match &mut self.0 {
            Kept::File { file, .. } => file.write_all(&text),
            Kept::Objects(account) => account.write(text),
        }
    }

    /// Waits until all that was written is kept.
    ///
    /// # Errors
    /// It could not be.
    pub fn end(self) -> io::Result<()> {
        match self.0 {
            Kept::File { .. } => Ok(()),
            Kept::Objects(mut account) => account.end(),
        }
    }
}

/// What the account of a store holds of one run or of all, the oldest first. A line that is torn or of a later version is left out.
///
/// # Errors
/// A file or object is there and cannot be read.
pub fn read(store: &Store, wanted: Option<u64>) -> Result<Vec<Line>, Diagnostic> {
    let mut lines = match store {
        Store::Remote(remote) => {
            account::read(remote, wanted)?.split(|byte| *byte == b'\n').filter_map(|l| serde_json::from_slice(l).ok()).collect()
        }
        Store::Local(_) => {
            let path = store.log_path();
            read_files(&path).map_err(|e| codes::unreadable(&disk::shown(&path), &disk::reason(&e)))?
        }
    };
    lines.retain(|line: &Line| wanted.is_none_or(|run| line.run == run));
    Ok(lines)
}

fn read_files(path: &Path) -> io::Result<Vec<Line>> {
    let mut lines = vec![];
    for path in [older(path), path.to_owned()] {
        match fs::read_to_string(&path) {
            Ok(text) => lines.extend(text.lines().filter_map(|line| serde_json::from_str(line).ok())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file_of(log: &mut Log) -> &mut File {
        match &mut log.0 {
            Kept::File { file, .. } => file,
            Kept::Objects(_) => panic!("it is in a bucket"),
        }
    }

    #[test]
    fn a_torn_line_is_left_out_and_a_long_file_makes_room_for_a_new_one() {
        let folder = tempfile::tempdir().expect("a directory");
        let store = Store::new(folder.path(), "p.prod");
        let done = |run| Line { run, at_us: 7, event: Event::TaskDone { task: 0, us: 3 } };
        let mut log = Log::open(&store).expect("opened");
        assert_eq!((log.run(), store.log_path().file_name().and_then(|n| n.to_str())), (1, Some("p.prod.log.jsonl")));
        log.write(&done(1)).expect("written");
        file_of(&mut log).write_all(b"{\"run\":1,\"at_us\"").expect("written");
        let mut log = Log::open(&store).expect("opened");
        log.write(&done(log.run())).expect("written");
        assert_eq!(read(&store, None).expect("read"), [done(1), done(2)]);
        let long = usize::try_from(LIMIT).unwrap_or(0) + 1;
        file_of(&mut log).write_all(&vec![b'x'; long]).expect("written");
        let mut log = Log::open(&store).expect("opened");
        log.write(&done(log.run())).expect("written");
        assert!(fs::metadata(store.log_path()).expect("there").len() < 100);
        assert_eq!(read(&store, None).expect("read"), [done(1), done(2), done(3)]);
    }
}
