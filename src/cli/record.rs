//! What happens during a run, written down as it does: in the account beside the state, as events, as a trace. Layer 10.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Write},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use clap::Args;
use tokio::time::Instant;

use crate::{
    apply::{Note, Progress},
    base::{codes::environment as codes, diagnostic::Diagnostic},
    cli::{load, trace_file},
    plan::{Action, Plan},
    state::{
        log::{Event, FORMAT, Line, Log, now_us},
        remote::lease,
        store::Store,
    },
};

/// Where else what happens is written to.
#[derive(Debug, Clone, Default, Args)]
pub struct RecordArgs {
    /// Write what happens as JSON lines while it happens; `-`: to standard output, and nothing else
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    events: Option<PathBuf>,
    /// Write a trace for Perfetto or chrome://tracing: tasks, their calls, what they wait for
    #[arg(long, value_name = "FILE")]
    trace_file: Option<PathBuf>,
}

impl RecordArgs {
    /// Whether somebody wants events.
    #[must_use]
    pub fn wants_events(&self) -> bool {
        self.events.is_some()
    }

    /// Whether standard output belongs to the events.
    #[must_use]
    pub fn on_stdout(&self) -> bool {
        self.events.as_ref().is_some_and(|path| path.as_os_str() == "-")
    }
}

/// One who writes down.
pub struct Recorder {
    run: u64,
    began: (Instant, u64),
    trace_file: Option<PathBuf>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    log: Option<Log>,
    events: Option<Box<dyn Write + Send>>,
    lines: Vec<Line>,
    broken: Option<String>,
    started: BTreeMap<usize, u64>,
    waits: BTreeMap<(usize, String), u64>,
    /// Title and address of each task.
    tasks: Vec<(String, String)>,
}

/// What a run is, before it begins.
pub struct Header<'a> {
    /// `apply`, `destroy`, `recover`
    pub command: &'a str,
    /// The project's name.
    pub project: &'a str,
    /// What stands for EC2.
    pub target: String,
    /// The region.
    pub region: &'a str,
    /// The environment.
    pub environment: Option<String>,
    /// The state's serial.
    pub serial: u64,
}

impl Recorder {
    /// Opens what is written to, and writes the first line. Without a store no account is kept. An account that cannot be written stops nobody.
    ///
    /// # Errors
    /// A file of `--events` cannot be written.
    pub fn begin(store: Option<&Store>, args: &RecordArgs, header: &Header<'_>) -> Result<Arc<Self>, Diagnostic> {
        let (log, broken) = match store.map(Log::open) {
            None => (None, None),
            Some(Ok(log)) => (Some(log), None),
            Some(Err(error)) => (None, Some(load::reason(&error))),
        };
        let events: Option<Box<dyn Write + Send>> = match &args.events {
            None => None,
            Some(_) if args.on_stdout() => Some(Box::new(io::stdout())),
            Some(path) => Some(Box::new(File::create(path).map_err(|e| codes::unwritable(&load::shown(path), &load::reason(&e)))?)),
        };
        let run = log.as_ref().map_or(1, Log::run);
        let inner = Mutex::new(Inner { log, events, broken, ..Inner::default() });
        let recorder = Self { run, began: (Instant::now(), now_us()), trace_file: args.trace_file.clone(), inner };
        recorder.write(Event::RunStarted {
            format: FORMAT,
            command: header.command.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            by: match store {
                Some(Store::Remote(_)) => lease::who(),
                _ => ["USER", "USERNAME"].iter().find_map(|name| std::env::var(name).ok()).unwrap_or_default(),
            },
            project: header.project.into(),
            target: header.target.clone(),
            region: header.region.into(),
            environment: header.environment.clone(),
            serial: header.serial,
        });
        Ok(Arc::new(recorder))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn us(&self, at: Instant) -> u64 {
        self.began.1 + micros(at.saturating_duration_since(self.began.0))
    }

    /// Writes an event down, now.
    pub fn write(&self, event: Event) {
        self.write_at(Instant::now(), event);
    }

    fn write_at(&self, at: Instant, event: Event) {
        let line = Line { run: self.run, at_us: self.us(at), event };
        let mut inner = self.inner();
        // Values are for who asks for events, and stay out of what is kept.
        let kept = !matches!(line.event, Event::Outputs { .. });
        if let Some(Err(error)) = inner.log.as_mut().filter(|_| kept).map(|log| log.write(&line)) {
            (inner.log, inner.broken) = (None, Some(load::reason(&error)));
        }
        if let Some(events) = &mut inner.events {
            let mut text = serde_json::to_vec(&line).unwrap_or_default();
            text.push(b'\n');
            // Whoever reads them may have gone.
            let _ = events.write_all(&text).and_then(|()| events.flush());
        }
        inner.lines.push(line);
    }

    /// What is about to be done.
    pub fn plan(&self, plan: &Plan) {
        self.inner().tasks = plan.tasks.iter().map(|t| (t.title.clone(), t.what.address().to_string())).collect();
        let counts = plan.counts();
        let count = |action| counts.get(&action).copied().unwrap_or_default();
        self.write(Event::Plan {
            create: count(Action::Create),
            update: count(Action::Update),
            replace: count(Action::Replace),
            delete: count(Action::Delete),
            forget: count(Action::Forget),
            tasks: plan.tasks.len(),
            partial: plan.partial.is_some(),
        });
    }

    /// A call has been answered.
    pub fn note(&self, note: Note) {
        let Note { task, action, site, began, took, request_id, error } = note;
        let (site, us) = (site.map(|site| site.to_string()), micros(took));
        self.write_at(began + took, Event::Call { task, action, site, us, request_id, error });
    }

    /// Something has become of a task.
    pub fn progress(&self, event: &Progress) {
        let now = self.us(Instant::now());
        let since = |task: usize| now.saturating_sub(self.inner().started.get(&task).copied().unwrap_or(now));
        let event = match event {
            Progress::Started { task } => {
                let mut inner = self.inner();
                inner.started.insert(*task, now);
                let (title, address) = inner.tasks.get(*task).cloned().unwrap_or_default();
                Event::TaskStarted { task: *task, title, address }
            }
            Progress::Waiting { task, id, state } => {
                let from = *self.inner().waits.entry((*task, id.clone())).or_insert(now);
                Event::Waiting { task: *task, id: id.clone(), state: state.clone(), us: now.saturating_sub(from) }
            }
            Progress::Retrying { task, action, reason, after } => {
                Event::Retrying { task: *task, action: action.clone(), reason: reason.clone(), after_us: micros(*after) }
            }
            Progress::Paced { task, action, waited } => Event::Paced { task: *task, action: action.clone(), us: micros(*waited) },
            Progress::Done { task } => Event::TaskDone { task: *task, us: since(*task) },
            Progress::Failed { task, error } => Event::TaskFailed { task: *task, us: since(*task), error: error.clone() },
            Progress::Counts { .. } => return,
        };
        self.write(event);
    }

    /// The run is over. Says what could not be written.
    ///
    /// # Errors
    /// The trace cannot be written.
    pub fn end(&self, end: Event) -> Result<Option<String>, Diagnostic> {
        let us = now_us().saturating_sub(self.began.1);
        let end = match end {
            Event::RunEnded { result, done, failed, not_started, serial, .. } => {
                Event::RunEnded { result, done, failed, not_started, serial, us }
            }
            other => other,
        };
        self.write(end);
        let mut inner = self.inner();
        if let Some(path) = &self.trace_file {
            let text = serde_json::to_vec(&trace_file::of(&inner.lines)).unwrap_or_default();
            std::fs::write(path, text).map_err(|e| codes::unwritable(&load::shown(path), &load::reason(&e)))?;
        }
        let ended = inner.log.take().map_or(Ok(()), Log::end);
        Ok(inner.broken.take().or_else(|| ended.err().map(|error| load::reason(&error))))
    }

    /// The number of the run.
    #[must_use]
    pub fn run(&self) -> u64 {
        self.run
    }

    /// What was written down so far.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        self.inner().lines.clone()
    }
}

fn micros(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
