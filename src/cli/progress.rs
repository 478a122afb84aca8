//! What happens during an apply, while it happens. Layer 10: drawn on a terminal, a line a task elsewhere.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::{
    apply::Progress,
    cli::{printer::Printer, record::Recorder},
};

/// How often a spinner turns.
const TICK: Duration = Duration::from_millis(120);

/// After how long a line says again what is waited for.
const AGAIN: Duration = Duration::from_secs(30);

/// Shows what comes, until the sender is gone.
pub async fn show(printer: Printer, titles: Vec<String>, mut events: UnboundedReceiver<Progress>, recorder: Arc<Recorder>) {
    let mut board = Board::new(printer, titles);
    while let Some(event) = events.recv().await {
        recorder.progress(&event);
        board.take(event);
    }
    board.end();
}

/// A task that is under way.
struct Running {
    since: Instant,
    /// EC2's id of what it waits for.
    id: Option<String>,
    /// Since when it waits in this state, and when a line has said so last.
    waits: Option<(Instant, Instant)>,
    bar: Option<ProgressBar>,
}

struct Board {
    printer: Printer,
    titles: Vec<String>,
    running: BTreeMap<usize, Running>,
    /// On a terminal: the bars, and the one that counts.
    drawn: Option<(MultiProgress, ProgressBar)>,
}

impl Board {
    fn new(printer: Printer, titles: Vec<String>) -> Self {
        let drawn = printer.can_draw().then(|| {
            let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stdout());
            let total = bars.add(ProgressBar::new(titles.len() as u64).with_style(style("{bar:30} {pos} of {len}")));
            (bars, total)
        });
        Self { printer, titles, running: BTreeMap::new(), drawn }
    }

    fn title(&self, task: usize) -> &str {
        self.titles.get(task).map_or("?", |t| t)
    }

    fn take(&mut self, event: Progress) {
        match event {
            Progress::Started { task } => self.started(task),
            Progress::Waiting { task, id, state } => self.waiting(task, id, &state),
            Progress::Retrying { task, action, reason, after } => {
                let line = format!("{} ... {action} again in {}: {reason}", self.title(task), seconds(after));
                self.line(&line);
            }
            // The next line of the task says how long it took.
            Progress::Paced { .. } => {}
            Progress::Done { task } => self.finished(task, None),
            Progress::Failed { task, error } => self.finished(task, Some(&error)),
            Progress::Counts { done, failed, .. } => {
                if let Some((_, total)) = &self.drawn {
                    total.set_position((done + failed) as u64);
                }
            }
        }
    }

    fn started(&mut self, task: usize) {
        let bar = self.drawn.as_ref().map(|(bars, total)| {
            let bar = bars.insert_before(total, ProgressBar::new_spinner().with_style(style("{spinner} {msg} ({elapsed})")));
            bar.set_message(self.title(task).to_owned());
            bar.enable_steady_tick(TICK);
            bar
        });
        self.running.insert(task, Running { since: Instant::now(), id: None, waits: None, bar });
    }

    fn waiting(&mut self, task: usize, id: String, state: &str) {
        let message = format!("{} ... {id} {state}", self.title(task)).trim_end().to_owned();
        let Some(running) = self.running.get_mut(&task) else { return };
        running.id = Some(id);
        // In lines, the first that knows the state is enough for a while. The first of all comes before EC2 was asked.
        let now = Instant::now();
        let (since, told) = running.waits.unwrap_or((now, now));
        let due = !state.is_empty() && (running.waits.is_none() || now.duration_since(told) >= AGAIN);
        if due {
            running.waits = Some((since, now));
        }
        let waited = now.duration_since(since);
        let message = if waited.as_secs() > 0 { format!("{message}, waited for {}", seconds(waited)) } else { message };
        match &running.bar {
            Some(bar) => bar.set_message(message),
            None if due => self.line(&message),
            None => {}
        }
    }

    fn finished(&mut self, task: usize, error: Option<&str>) {
        let Some(running) = self.running.remove(&task) else { return };
        if let Some(bar) = running.bar {
            bar.finish_and_clear();
        }
        let took = seconds(running.since.elapsed());
        let line = match (error, running.id) {
            (Some(error), _) => format!("{} ... failed ({took}): {error}", self.title(task)),
            (None, Some(id)) => format!("{} ... done ({id}, {took})", self.title(task)),
            (None, None) => format!("{} ... done ({took})", self.title(task)),
        };
        self.line(&line);
    }

    fn line(&self, line: &str) {
        match &self.drawn {
            // It goes to a terminal; if that is gone, nobody reads it.
            Some((bars, _)) => drop(bars.println(line)),
            None => self.printer.say(line),
        }
    }

    fn end(self) {
        if let Some((bars, total)) = self.drawn {
            total.finish_and_clear();
            let _ = bars.clear();
        }
    }
}

/// The template is ours and right; the default stands in for it all the same.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// `1.2s`
fn seconds(time: Duration) -> String {
    format!("{:.1}s", time.as_secs_f64())
}
