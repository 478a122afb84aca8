//! Asking, carrying a plan out, and telling what came of it. Layer 10; shared by `apply` and `destroy`.

use std::{collections::BTreeMap, io::BufRead, sync::Arc};

use serde::Serialize;
use tokio::sync::mpsc;

use crate::{
    apply::{self, Options, Outcome, TaskError, counts::Counts},
    base::{
        address::Address,
        codes::{apply as apply_codes, environment as codes, plan as plan_codes},
        diagnostic::Diagnostic,
    },
    call::{Driver, Json, mutates},
    cli::{
        Exit, Stop, interrupt,
        json::{self, Calls, PlanJson, PolicyJson, ReachabilityJson, WeakenedJson},
        load::Texts,
        printer::Printer,
        progress,
        record::{Header, RecordArgs, Recorder},
        report::{self, Message},
        session::Session,
    },
    plan::{
        Action, Plan,
        render::{Style, render, render_drift},
    },
    prove::policy,
    schema::value::Value,
    state::{
        journal::Journal,
        log::{Event, Line},
        undo,
    },
};

/// How many rows the table at the end has at most.
const ROWS_MAX: usize = 20;

/// What `--json` prints of an apply or destroy.
#[derive(Serialize)]
struct Applied {
    format: u32,
    /// `done`, `nothing_to_do`, `incomplete` or `stopped`.
    result: &'static str,
    target: String,
    environment: Option<String>,
    plan: PlanJson,
    done: Vec<String>,
    failed: Vec<Failed>,
    not_started: Vec<NotStarted>,
    /// Tasks of which it is not known yet what they have done.
    open: Vec<String>,
    outputs: BTreeMap<String, Json>,
    reachability: ReachabilityJson,
    policies: Vec<PolicyJson>,
    policies_weakened: Vec<WeakenedJson>,
    calls: Calls,
    diagnostics: Vec<Message>,
}

#[derive(Serialize)]
struct Failed {
    task: String,
    error: String,
    action: Option<String>,
    code: Option<String>,
    message: Option<String>,
    request_id: Option<String>,
    help: Option<&'static str>,
}

#[derive(Serialize)]
struct NotStarted {
    task: String,
    because: Option<String>,
}

/// A plan that is about to be carried out.
pub struct Execution<'a> {
    /// `apply` or `destroy`
    pub command: &'static str,
    /// With what.
    pub session: &'a Session,
    /// What.
    pub plan: &'a Plan,
    /// What messages point into.
    pub texts: &'a Texts,
    /// Warnings of the sources.
    pub warnings: &'a [Diagnostic],
    /// Whether it goes ahead without being asked.
    pub yes: bool,
    /// Whether it goes ahead though policies are taken away or weakened.
    pub accept_policy_change: bool,
    /// How many tasks are at work at once.
    pub parallelism: u16,
    /// Whether it is what was changed without secnet, which the state takes in: EC2 stays as it is.
    pub drift: bool,
    /// Where else it is written down.
    pub record: &'a RecordArgs,
    /// Where it is shown.
    pub printer: Printer,
}

impl Execution<'_> {
    /// Shows the plan, asks, carries it out, tells what came of it.
    ///
    /// # Errors
    /// Nobody agreed, or the state cannot be written.
    pub async fn run(&self) -> Result<Exit, Stop> {
        let printer = &self.printer;
        printer.diagnostics(self.warnings, self.texts);
        let idle = self.plan.is_empty() && self.records_nothing();
        if !printer.json && idle && self.command == "destroy" {
            printer.say("Nothing to destroy: the state has no resources.");
        } else if !printer.json && self.drift {
            printer.say(&render_drift(self.plan, Style { colour: printer.colour() }));
        } else if !printer.json {
            printer.say(&render(self.plan, Style { colour: printer.colour() }));
        }
        self.allowed()?;
        if idle {
            if self.record.wants_events() {
                let recorder = self.recorder(false)?;
                recorder.plan(self.plan);
                recorder.end(ended("nothing_to_do", None, None))?;
            }
            if printer.json {
                self.document("nothing_to_do", None);
            } else {
                self.print_outputs(&self.session.state.outputs);
            }
            return Ok(Exit::Ok);
        }
        self.agree_to_weaker_policies()?;
        if !self.plan.is_empty() {
            self.agree()?;
        }
        let recorder = self.recorder(true)?;
        recorder.plan(self.plan);
        self.keep(&recorder)?;
        let outcome = self.carry_out(&recorder).await?;
        let saved = outcome.save(&self.session.store, &self.session.lock)?;
        let result = match (outcome.is_success(), outcome.stopped) {
            (true, _) => "done",
            (false, apply::Stop::No) => "incomplete",
            (false, _) => "stopped",
        };
        recorder.write(Event::Outputs { outputs: json::outputs(&outcome.outputs) });
        if let Some(why) = recorder.end(ended(result, Some(&outcome), saved.as_ref().map(|state| state.serial)))? {
            printer.whisper(&format!("The account of this run could not be kept: {why}"));
        }
        if printer.json {
            self.document(result, Some(&outcome));
        } else {
            self.table(&outcome, &recorder.lines());
            self.summarize(&outcome, saved.is_some());
        }
        let bug = outcome.failed.iter().any(|f| matches!(f.error, TaskError::Internal(_)));
        Ok(match outcome.is_success() {
            true => Exit::Ok,
            false if bug => Exit::Bug,
            false => Exit::Findings,
        })
    }

    /// Nothing is carried out of a plan that a policy stands against.
    fn allowed(&self) -> Result<(), Stop> {
        let failing: Vec<_> = self.plan.proof.failing().collect();
        if failing.is_empty() {
            let told: Vec<Diagnostic> = self.plan.warnings.iter().chain(&self.plan.proof.diagnostics).cloned().collect();
            self.printer.diagnostics(&told, self.texts);
            return Ok(());
        }
        let mut told = self.plan.proof.diagnostics.clone();
        told.extend(
            failing.iter().map(|v| plan_codes::policy_stands_against(&v.policy, &v.statement, v.outcome == policy::Outcome::Refuted)),
        );
        Err(Stop::new(told, self.texts.clone()).with_exit(Exit::Findings))
    }

    /// Whether the state would stay as it is: outputs and what was read may change without any call.
    fn records_nothing(&self) -> bool {
        let (plan, state) = (self.plan, &self.session.state);
        let same_outputs = plan.outputs == state.outputs || plan.outputs.is_empty() && state.outputs.is_empty();
        let same_answers = plan.answers == state.answers || plan.answers.is_empty();
        let same_promises = plan.promises == state.promises;
        plan.seen.is_empty() && plan.images.is_empty() && plan.existing == state.existing && same_outputs && same_promises && same_answers
    }

    /// Policies that say less want a consent of their own, which `--yes` does not give.
    fn agree_to_weaker_policies(&self) -> Result<(), Stop> {
        if self.plan.weakened.is_empty() || self.accept_policy_change {
            return Ok(());
        }
        let refused = || plan_codes::weaker_policies(self.plan.weakened.iter().map(|p| (&*p.policy, &*p.text)));
        if self.yes || !self.printer.can_ask() {
            return Err(Stop::from(refused()).with_exit(Exit::Findings));
        }
        self.printer.ask("\nThe policies will demand less than before. Type `weaken` to agree: ");
        let mut answer = String::new();
        let read = std::io::stdin().lock().read_line(&mut answer);
        if read.is_ok() && answer.trim() == "weaken" { Ok(()) } else { Err(Stop::from(refused()).with_exit(Exit::Findings)) }
    }

    fn agree(&self) -> Result<(), Stop> {
        if self.yes {
            return Ok(());
        }
        if !self.printer.can_ask() {
            return Err(codes::no_terminal(self.command).into());
        }
        let place = self.session.place_name();
        self.printer.ask(&match self.drift {
            true => format!("\nType `yes` to take this into the state of {place}: "),
            false => format!("\nType `yes` to {} this in {place}: ", self.command),
        });
        let mut answer = String::new();
        let read = std::io::stdin().lock().read_line(&mut answer);
        if read.is_ok() && answer.trim() == "yes" { Ok(()) } else { Err(codes::not_agreed().into()) }
    }

    /// What it starts from stays beside the state, for whoever wants to go back.
    fn keep(&self, recorder: &Recorder) -> Result<(), Diagnostic> {
        if self.plan.is_empty() || self.drift {
            return Ok(());
        }
        let imported = self.plan.imports.iter().map(|import| import.address.clone()).collect();
        let forgotten = self.plan.changes.iter().filter(|c| c.action == Action::Forget).map(|c| c.address.clone()).collect();
        let (run, command, before) = (recorder.run(), self.command.into(), self.session.state.clone());
        undo::keep(&self.session.store, &self.session.lock, &undo::Kept { run, command, before, imported, forgotten })
    }

    fn recorder(&self, kept: bool) -> Result<Arc<Recorder>, Diagnostic> {
        let session = self.session;
        let header = Header {
            command: self.command,
            project: &self.plan.project,
            target: session.describe(),
            region: session.driver.region(),
            environment: session.environment.clone(),
            serial: session.state.serial,
        };
        Recorder::begin(kept.then_some(&session.store), self.record, &header)
    }

    async fn carry_out(&self, recorder: &Arc<Recorder>) -> Result<Outcome, Diagnostic> {
        let session = self.session;
        let journal = Journal::create(&session.store, &session.lock)?;
        let (sender, receiver) = mpsc::unbounded_channel();
        let titles = self.plan.tasks.iter().map(|t| t.title.clone()).collect();
        let shown = tokio::spawn(progress::show(self.printer, titles, receiver, recorder.clone()));
        let watcher = recorder.clone();
        session.driver.watch(Arc::new(move |note| watcher.note(note)));
        let options = Options { parallelism: self.parallelism.into() };
        let stop = interrupt::listen(self.printer);
        let outcome = apply::execute(self.plan, session.state.clone(), journal, session.driver.clone(), options, sender, stop).await;
        // It ends with its sender; should it have panicked, the hook has said so.
        let _ = shown.await;
        outcome
    }

    fn title(&self, task: usize) -> String {
        self.plan.tasks.get(task).map_or_else(|| "?".into(), |t| t.title.clone())
    }

    /// What became of each resource: its id, how long it took, by how many calls; the longest first, and not too many.
    fn table(&self, outcome: &Outcome, lines: &[Line]) {
        let mut rows: BTreeMap<&Address, (u64, usize)> = BTreeMap::new();
        for line in lines {
            let (task, us, calls) = match &line.event {
                Event::TaskDone { task, us } | Event::TaskFailed { task, us, .. } => (task, *us, 0),
                Event::Call { task: Some(task), .. } => (task, 0, 1),
                _ => continue,
            };
            let Some(task) = self.plan.tasks.get(*task) else { continue };
            for address in task.what.addresses() {
                let row = rows.entry(address).or_default();
                *row = (row.0 + us, row.1 + calls);
            }
        }
        let change = |address: &Address| self.plan.changes.iter().find(|change| change.address == *address);
        let id = |address: &Address| {
            let now = outcome.state.resources.get(address).map(|resource| resource.id.clone());
            now.or_else(|| change(address)?.id.clone()).unwrap_or_default()
        };
        let row = |(address, (us, calls))| {
            let calls = if calls == 1 { "1 call".to_owned() } else { format!("{calls} calls") };
            Some((us, [Address::to_string(address), word(change(address)?.action).to_owned(), id(address), calls]))
        };
        let mut rows: Vec<(u64, [String; 4])> = rows.into_iter().filter_map(row).collect();
        rows.sort_by(|a, b| (b.0, &a.1).cmp(&(a.0, &b.1)));
        let width = |column: usize| rows.iter().take(ROWS_MAX).map(|(_, cells)| cells[column].chars().count()).max().unwrap_or_default();
        let (first, second) = (width(0), width(2));
        if !rows.is_empty() {
            self.printer.say("");
        }
        for (us, [address, action, id, calls]) in rows.iter().take(ROWS_MAX) {
            let took = *us as f64 / 1e6;
            self.printer.say(&format!("  {address:first$}  {action:8}  {id:second$}  {took:6.1}s  {calls}"));
        }
        if rows.len() > ROWS_MAX {
            self.printer.say(&format!("  and {} more; `secnet log` knows them all", rows.len() - ROWS_MAX));
        }
    }

    fn summarize(&self, outcome: &Outcome, saved: bool) {
        let say = |line: &str| self.printer.say(line);
        let (done, total) = (outcome.done.len(), self.plan.tasks.len());
        say("");
        if !outcome.failed.is_empty() {
            let failures = outcome.failed.iter();
            let failures: Vec<Diagnostic> =
                failures.map(|f| apply_codes::task_failed(&self.title(f.task), &f.error.to_string(), f.error.help())).collect();
            self.printer.diagnostics(&failures, self.texts);
        }
        if !outcome.not_started.is_empty() {
            say("Not started:");
        }
        for rest in &outcome.not_started {
            let why = rest.because.map_or_else(|| "it was asked to stop".into(), |failed| format!("it needs `{}`", self.title(failed)));
            say(&format!("  {}: {why}", self.title(rest.task)));
        }
        for task in &outcome.open {
            say(&format!("  {}: not known yet whether EC2 has done it; the next run finds out first", self.title(*task)));
        }
        let counts = self.session.driver.counts();
        let calls = &counts;
        let calls = format!("{} calls to EC2, {} of them changed something", calls.reads + calls.mutations, calls.mutations);
        if outcome.is_success() && total == 0 {
            say(&format!("Done: the state is brought up to date; {calls}."));
        } else if outcome.is_success() {
            say(&format!("Done: {done} of {total} tasks; {calls}."));
        } else {
            let (failed, rest) = (outcome.failed.len(), outcome.not_started.len());
            say(&format!("Incomplete: {done} of {total} tasks done, {failed} failed, {rest} not started; {calls}."));
            let kept = if saved { "The state is saved" } else { "The journal has everything" };
            say(&format!("{kept}. `secnet {}` goes on from here; `secnet apply --undo` plans the way back.", self.command));
        }
        if counts.mutations > 0 {
            say(&format!("Calls: {}.", by_action(&counts)));
        }
        if self.command == "apply" {
            self.print_outputs(&outcome.outputs);
        }
    }

    fn print_outputs(&self, outputs: &BTreeMap<String, Value>) {
        if self.command != "apply" || outputs.is_empty() {
            return;
        }
        self.printer.say("\nOutputs:");
        let width = outputs.keys().map(|k| k.chars().count()).max().unwrap_or_default();
        for (name, value) in outputs {
            let value = if value.is_known() { value.to_string() } else { "(not known yet)".into() };
            self.printer.say(&format!("  {name:width$} = {value}"));
        }
    }

    fn document(&self, result: &'static str, outcome: Option<&Outcome>) {
        if self.record.on_stdout() {
            return;
        }
        let titles = |tasks: &[usize]| tasks.iter().map(|t| self.title(*t)).collect::<Vec<_>>();
        let outputs = outcome.map_or(&self.session.state.outputs, |o| &o.outputs);
        self.printer.document(&Applied {
            format: 1,
            result,
            target: self.session.describe(),
            environment: self.session.environment.clone(),
            plan: PlanJson::from(self.plan),
            done: outcome.map(|o| titles(&o.done)).unwrap_or_default(),
            failed: outcome.map(|o| o.failed.iter().map(|f| self.failed(f)).collect()).unwrap_or_default(),
            not_started: outcome.map(|o| o.not_started.iter().map(|n| self.not_started(n)).collect()).unwrap_or_default(),
            open: outcome.map(|o| titles(&o.open)).unwrap_or_default(),
            outputs: json::outputs(outputs),
            reachability: ReachabilityJson::from(&self.plan.proof),
            policies: PolicyJson::all(&self.plan.proof),
            policies_weakened: WeakenedJson::all(self.plan),
            calls: self.session.driver.counts().into(),
            diagnostics: report::to_json(self.warnings, self.texts),
        });
    }

    fn failed(&self, failure: &apply::Failure) -> Failed {
        let (action, error) = match &failure.error {
            TaskError::Refused { action, error, .. } | TaskError::NoAnswer { action, error } => (Some(action.clone()), Some(error)),
            TaskError::Held(held) => (Some(held.action.clone()), Some(&held.error)),
            TaskError::Unread(read) => (Some(read.action.clone()), Some(&read.error)),
            TaskError::Argument { action, .. } | TaskError::NoId { action } => (Some(action.clone()), None),
            _ => (None, None),
        };
        Failed {
            task: self.title(failure.task),
            error: failure.error.to_string(),
            action,
            code: error.map(|e| e.code.clone()),
            message: error.map(|e| e.message.clone()),
            request_id: error.and_then(|e| e.request_id.clone()),
            help: failure.error.help(),
        }
    }

    fn not_started(&self, rest: &apply::NotStarted) -> NotStarted {
        NotStarted { task: self.title(rest.task), because: rest.because.map(|task| self.title(task)) }
    }
}

/// The last line of a run.
fn ended(result: &str, outcome: Option<&Outcome>, serial: Option<u64>) -> Event {
    let count = |of: &dyn Fn(&Outcome) -> usize| outcome.map_or(0, of);
    let (done, failed, not_started) = (count(&|o| o.done.len()), count(&|o| o.failed.len()), count(&|o| o.not_started.len()));
    Event::RunEnded { result: result.into(), done, failed, not_started, serial, us: 0 }
}

fn word(action: Action) -> &'static str {
    match action {
        Action::Create => "created",
        Action::Update => "changed",
        Action::Replace => "replaced",
        Action::Delete => "deleted",
        Action::Forget => "let go",
    }
}

/// `10 CreateSubnet, 1 CreateVpc, 12 that read`: what changes something one by one, the most frequent first.
fn by_action(counts: &Counts) -> String {
    let mut changing: Vec<(&String, &u64)> = counts.by_action.iter().filter(|(action, _)| mutates(action)).collect();
    changing.sort_by_key(|(action, times)| (std::cmp::Reverse(**times), action.as_str()));
    let changing = changing.into_iter().map(|(action, times)| format!("{times} {action}"));
    changing.chain((counts.reads > 0).then(|| format!("{} that read", counts.reads))).collect::<Vec<_>>().join(", ")
}
