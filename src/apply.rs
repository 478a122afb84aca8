//! Reading EC2 and carrying out plans. Layer 7: knows `Driver`, not what stands behind it; prints nothing.
//!
//! `refresh` reads what is there, `execute` carries a plan out, `recover` takes up what an interrupted apply has left.
//! Retries, waiting and pace live here and nowhere else.

mod argument;
pub mod ask;
mod drivers;
mod execute;
mod find;
pub mod holder;
mod image;
mod limits;
mod note;
mod offers;
mod pace;
mod patience;
mod read;
mod schedule;
mod send;
mod sites;
mod task;
mod wait;

pub mod counts;
pub mod deep;
pub mod permit;
pub mod reads;
pub mod rebuild;
pub mod recall;
pub mod recover;
pub mod refresh;
pub mod survey;

use std::{collections::BTreeMap, fmt, time::Duration};

use crate::{
    base::diagnostic::Diagnostic,
    call::{ApiError, Class},
    schema::value::Value,
    state::{
        State,
        store::{Lock, Store},
    },
};

use holder::Holder;

pub use argument::ArgumentError;
pub use drivers::Drivers;
pub use execute::{check_base, execute};
pub use image::families;
pub use note::{Note, Watcher};
pub use read::{ReadError, Reader};

/// How a plan is carried out.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How many tasks are at work at once, at least one; those that only wait do not count.
    pub parallelism: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { parallelism: 10 }
    }
}

/// Whether whoever started an apply wants it to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Stop {
    /// Goes on.
    #[default]
    No,
    /// Starts nothing new, and finishes what is under way.
    Gently,
    /// Waits for nothing. The journal keeps what is not known.
    AtOnce,
}

/// What happens during an apply, for those who watch. A task is an index into the plan's.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// A task has started.
    Started {
        /// Which.
        task: usize,
    },
    /// A task waits for EC2.
    Waiting {
        /// Which.
        task: usize,
        /// EC2's id of what it waits for.
        id: String,
        /// The state that it is in, as EC2 calls it; empty before it was asked.
        state: String,
    },
    /// A call is sent again after a while.
    Retrying {
        /// Of which task.
        task: usize,
        /// `CreateVpc`
        action: String,
        /// Why, in words.
        reason: String,
        /// After how long.
        after: Duration,
    },
    /// A call has waited for its turn.
    Paced {
        /// Of which task.
        task: usize,
        /// `CreateVpc`
        action: String,
        /// How long.
        waited: Duration,
    },
    /// A task is done.
    Done {
        /// Which.
        task: usize,
    },
    /// A task has failed.
    Failed {
        /// Which.
        task: usize,
        /// In words.
        error: String,
    },
    /// How far it is.
    Counts {
        /// Tasks that are done.
        done: usize,
        /// Tasks that have failed.
        failed: usize,
        /// Tasks that are under way.
        running: usize,
        /// All tasks.
        total: usize,
    },
}

/// What came of an apply.
#[derive(Debug)]
pub struct Outcome {
    /// The state that the journal leads to.
    pub state: State,
    /// Tasks that are done, in the order of the plan.
    pub done: Vec<usize>,
    /// Tasks that have failed, in the order of the plan.
    pub failed: Vec<Failure>,
    /// Tasks that were not started, in the order of the plan.
    pub not_started: Vec<NotStarted>,
    /// Tasks of which it is not known what they have done: an apply that was stopped at once, answers that never came.
    pub open: Vec<usize>,
    /// Whether it was asked to stop.
    pub stopped: Stop,
    /// The plan's outputs, as far as they are known.
    pub outputs: BTreeMap<String, Value>,
}

impl Outcome {
    /// Whether everything that was planned is done.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.failed.is_empty() && self.not_started.is_empty() && self.open.is_empty()
    }

    /// Makes the state permanent. While something is open, the journal stays instead, and the next run resolves it.
    ///
    /// Gives the state as it is in the file now; `None` where the journal has stayed.
    ///
    /// # Errors
    /// The state cannot be written. The journal still has everything.
    pub fn save(&self, store: &Store, lock: &Lock) -> Result<Option<State>, Diagnostic> {
        if self.open.is_empty() { store.finish(lock, self.state.clone()).map(Some) } else { Ok(None) }
    }
}

/// A task that has failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// Index into the plan's tasks.
    pub task: usize,
    /// Why.
    pub error: TaskError,
}

/// A task that was not started.
#[derive(Debug, Clone, PartialEq)]
pub struct NotStarted {
    /// Index into the plan's tasks.
    pub task: usize,
    /// The failed task that it needs, directly or not; `None`: the apply was asked to stop.
    pub because: Option<usize>,
}

/// A refusal to let go of something.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// `DeleteSubnet`
    pub action: String,
    /// EC2's id of what should go.
    pub id: String,
    /// Its words.
    pub error: ApiError,
    /// For how long it was tried again.
    pub tried_for: Duration,
    /// Who holds it.
    pub holders: Vec<Holder>,
}

/// Why a task has failed.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskError {
    /// EC2 refuses a call, or cannot be reached.
    Refused {
        /// `CreateVpc`
        action: String,
        /// Its words.
        error: ApiError,
        /// For how long it was tried again.
        tried_for: Duration,
    },
    /// EC2 does not let go of something, because others hold it.
    Held(Box<Held>),
    /// The call may have been carried out or not, and there is no way to tell now. The journal keeps it.
    NoAnswer {
        /// `CreateVpc`
        action: String,
        /// What came instead of an answer.
        error: ApiError,
    },
    /// A call needs something that EC2 has not told.
    Argument {
        /// `CreateSubnet`
        action: String,
        /// What is missing.
        error: ArgumentError,
    },
    /// What was made has come into a state that it does not get out of.
    Settled {
        /// EC2's id.
        id: String,
        /// As EC2 calls it.
        state: String,
        /// EC2's reason; empty where it gives none.
        reason: String,
    },
    /// It takes longer than it may.
    TimedOut {
        /// EC2's id.
        id: String,
        /// As it should be: `running`, `available`.
        until: String,
        /// The state that it is still in.
        state: String,
        /// For how long it was waited.
        waited: Duration,
        /// The time-out of `lifecycle` that this is: `create`, `update`, `delete`.
        operation: &'static str,
    },
    /// EC2 could not be asked whether something is ready.
    Unread(ReadError),
    /// The answer to a create has no id in it. The journal keeps it.
    NoId {
        /// `CreateVpc`
        action: String,
    },
    /// What it names changes each time it is sent without an answer.
    Overtaken {
        /// `ReplaceNetworkAclAssociation`
        action: String,
    },
    /// The journal cannot be written, so nothing more is sent.
    Journal(String),
    /// A mistake of secnet's own.
    Internal(String),
}

impl TaskError {
    /// Whether it is not known what the task has done.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self, TaskError::NoAnswer { .. } | TaskError::NoId { .. } | TaskError::Internal(_))
    }

    /// What to do about it, where there is something.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        match self {
            TaskError::Refused { error, .. } => match error.class {
                Class::InUse => Some("look in EC2 for what still uses it, such as a network interface that somebody else has put there"),
                Class::Denied => Some("use credentials that are allowed to do this"),
                Class::Quota => Some("raise the quota in AWS Service Quotas, or remove what is not needed"),
                Class::Throttled => Some("apply again later, or with a lower `--parallelism`"),
                Class::Unreachable => Some("check the endpoint and the network"),
                Class::NotFound => Some("plan again: something that this needs is gone"),
                _ => None,
            },
            TaskError::NoAnswer { .. } | TaskError::NoId { .. } => {
                Some("apply again: the journal knows the call, and what it has made is looked up first")
            }
            TaskError::Held(held) => held.holders.first().map(|holder| holder.advice),
            TaskError::TimedOut { operation, .. } => Some(match *operation {
                "create" => "applying again goes on from here; to wait longer, write `lifecycle { timeouts = { create = 30m } }`",
                "delete" => "applying again goes on from here; to wait longer, write `lifecycle { timeouts = { delete = 45m } }`",
                _ => "applying again goes on from here; to wait longer, write `lifecycle { timeouts = { update = 30m } }`",
            }),
            TaskError::Unread(_) => Some("apply again: what was made is in the state"),
            TaskError::Journal(_) => Some("mend that, then apply again: the next run finds out what was done"),
            TaskError::Overtaken { .. } => Some("apply again: what is there is read first"),
            TaskError::Argument { .. } | TaskError::Settled { .. } | TaskError::Internal(_) => None,
        }
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TaskError::Refused { action, error, tried_for } => {
                write!(f, "{action} was refused: {error}")?;
                if tried_for.as_secs() > 0 { write!(f, " (tried for {} s)", tried_for.as_secs()) } else { Ok(()) }
            }
            TaskError::Held(held) => {
                let Held { action, id, error, tried_for, holders } = &**held;
                write!(f, "{action} was refused: {error}: `{id}` is held by {}", holder::listed(holders))?;
                if tried_for.as_secs() > 0 { write!(f, " (tried for {})", span(*tried_for)) } else { Ok(()) }
            }
            TaskError::NoAnswer { action, error } => write!(f, "{action} was sent, and no answer came: {error}"),
            TaskError::Argument { action, error } => write!(f, "{action} needs {error}"),
            TaskError::Settled { id, state, reason } if reason.is_empty() => write!(f, "`{id}` is {state}"),
            TaskError::Settled { id, state, reason } => write!(f, "`{id}` is {state}: {reason}"),
            TaskError::TimedOut { id, until, state, waited, .. } => {
                let state = if state.is_empty() { "in a state that EC2 has not told" } else { state };
                write!(f, "waited {} for `{id}` to be {until}, and it is still {state}", span(*waited))
            }
            TaskError::Unread(error) => write!(f, "{error}"),
            TaskError::NoId { action } => write!(f, "the answer to {action} has no id in it"),
            TaskError::Overtaken { action } => write!(f, "{action} was sent several times without an answer, and what it names is gone"),
            TaskError::Journal(error) => write!(f, "cannot write the journal: {error}"),
            TaskError::Internal(what) => write!(f, "a mistake of secnet's own: {what}"),
        }
    }
}

/// `45 min`, `90 s`
fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds if seconds >= 600 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}
