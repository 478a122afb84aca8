//! `secnet test`: whether the tests of a project pass. Layer 10; calls nothing, and needs neither credentials nor a network.

use std::{
    fs, panic,
    path::PathBuf,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use serde::Serialize;

use crate::{
    analysis::{Parsed, Test as Case},
    base::{
        codes::environment as codes,
        date::Day,
        diagnostic::{Diagnostic, Severity},
    },
    cli::{
        Exit, Outcome, Stop,
        format::{Format, FormatArgs},
        junit,
        load::{self, Texts},
        neighbour::OthersArgs,
        printer::Printer,
        project::{self, ProjectArgs},
        report::{self, Message},
    },
    state::store,
    test,
};

/// What resolution may take, which recurses.
const STACK: usize = 16 << 20;

/// Run the tests of a project and of the modules that it uses, without credentials and without a network
///
/// Ends with 0 if all of them pass, else with 1.
#[derive(Debug, Args)]
pub struct Test {
    #[command(flatten)]
    pub project: ProjectArgs,
    #[command(flatten)]
    pub format: FormatArgs,
    #[command(flatten)]
    others: OthersArgs,
    /// Run only tests with this text in their names
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Write the results as JUnit XML, too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// How many tests run at once; else one for each core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    jobs: Option<u16>,
    /// Name the tests, and run none
    #[arg(long, conflicts_with = "junit")]
    list: bool,
}

/// What became of a test.
pub(super) struct Done {
    pub case: Case,
    /// `main.secnet:12`
    pub place: String,
    /// Why it fails, if it does.
    pub failures: Vec<Diagnostic>,
    pub took: Duration,
}

/// Which test, why it fails, and how long it took.
type Found = (usize, Vec<Diagnostic>, Duration);

#[derive(Serialize)]
struct Tested {
    format: u32,
    tests: Vec<One>,
    passed: usize,
    failed: usize,
    /// How many the filter leaves out.
    filtered: usize,
    seconds: f64,
}

#[derive(Serialize)]
struct One {
    name: String,
    module: Option<String>,
    place: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    passed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    diagnostics: Vec<Message>,
}

impl Test {
    /// Runs them and prints what became of each.
    ///
    /// # Errors
    /// The sources cannot be read, or the results cannot be written.
    pub fn run(&self, printer: &Printer) -> Outcome {
        let start = Instant::now();
        let (parsed, texts) = project::parse(&self.project, self.others.sandbox)?;
        if parsed.diagnostics.iter().any(|d| d.severity == Severity::Error) {
            return Err(Stop::new(parsed.diagnostics, texts));
        }
        let all = parsed.tests();
        let wanted = |case: &&Case| self.filter.as_ref().is_none_or(|f| case.to_string().contains(&**f));
        let cases: Vec<Case> = all.iter().filter(wanted).cloned().collect();
        let filtered = all.len() - cases.len();
        if self.list {
            Self::show_list(printer, &cases, &texts, filtered);
            return Ok(Exit::Ok);
        }
        let done = self.run_all(&parsed, &cases, printer, &texts);
        let took = start.elapsed();
        let failed = done.iter().filter(|d| !d.failures.is_empty()).count();
        if let Some(file) = &self.junit {
            let written = fs::write(file, junit::document(&done, took, &texts));
            written.map_err(|e| Stop::from(codes::unwritable(&load::shown(file), &load::reason(&e))))?;
        }
        if printer.format == Format::Json {
            let tests = done.iter().map(|d| One::done(d, &texts)).collect();
            let (passed, seconds) = (done.len() - failed, took.as_secs_f64());
            printer.document(&Tested { format: 1, tests, passed, failed, filtered, seconds });
        } else {
            if printer.format == Format::Text {
                show_failures(printer, &done, &texts);
            } else {
                let failures: Vec<Diagnostic> = done.iter().flat_map(|d| &d.failures).cloned().collect();
                printer.findings(&failures, &texts);
            }
            printer.say(&summary(done.len(), failed, filtered, took));
        }
        Ok(if failed == 0 { Exit::Ok } else { Exit::Findings })
    }

    /// Runs tests on several threads, and names each in order as soon as it is done.
    fn run_all(&self, parsed: &Parsed, cases: &[Case], printer: &Printer, texts: &Texts) -> Vec<Done> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let jobs = self.jobs.map_or(cores, usize::from).min(cases.len());
        let today = Day::of(store::now());
        let next = AtomicUsize::new(0);
        let work = |sender: &mpsc::Sender<Found>| {
            while let (i, Some(case)) = next_case(&next, cases) {
                let start = Instant::now();
                let failures = test::run(parsed, case, today);
                // Whoever listens is there until all are done.
                let _ = sender.send((i, failures, start.elapsed()));
            }
        };
        let mut found: Vec<Option<Done>> = cases.iter().map(|_| None).collect();
        let mut shown = 0;
        thread::scope(|scope| {
            let (sender, receiver) = mpsc::channel();
            let start = |sender: mpsc::Sender<Found>| {
                let work = &work;
                thread::Builder::new().stack_size(STACK).spawn_scoped(scope, move || work(&sender))
            };
            let workers: Vec<_> = (0..jobs).filter_map(|_| start(sender.clone()).ok()).collect();
            if workers.is_empty() {
                work(&sender);
            }
            // Without a sender of its own, this ends when the last worker does, however it does.
            drop(sender);
            for (i, failures, took) in receiver {
                if let (Some(slot), Some(case)) = (found.get_mut(i), cases.get(i)) {
                    *slot = Some(Done { case: case.clone(), place: texts.sources.place(case.span), failures, took });
                }
                while let Some(Some(done)) = found.get(shown) {
                    if !printer.json {
                        printer.say(&format!("test {} ... {}", done.case, if done.failures.is_empty() { "ok" } else { "FAILED" }));
                    }
                    shown += 1;
                }
            }
            if let Some(panicked) = workers.into_iter().find_map(|w| w.join().err()) {
                panic::resume_unwind(panicked);
            }
        });
        found.into_iter().flatten().collect()
    }

    fn show_list(printer: &Printer, cases: &[Case], texts: &Texts, filtered: usize) {
        if printer.format != Format::Json {
            cases.iter().for_each(|c| printer.result(&c.to_string()));
            return;
        }
        let tests = cases.iter().map(|case| One::of(case, texts.sources.place(case.span))).collect();
        printer.document(&Tested { format: 1, tests, passed: 0, failed: 0, filtered, seconds: 0.0 });
    }
}

impl One {
    fn of(case: &Case, place: String) -> Self {
        let module = Some(case.directory.clone()).filter(|d| !d.is_empty());
        Self { name: case.name.clone(), module, place, passed: None, seconds: None, diagnostics: vec![] }
    }

    fn done(done: &Done, texts: &Texts) -> Self {
        let diagnostics = report::to_json(&done.failures, texts);
        let (passed, seconds) = (Some(done.failures.is_empty()), Some(done.took.as_secs_f64()));
        Self { passed, seconds, diagnostics, ..Self::of(&done.case, done.place.clone()) }
    }
}

/// The next test that nobody has taken yet.
fn next_case<'c>(next: &AtomicUsize, cases: &'c [Case]) -> (usize, Option<&'c Case>) {
    let i = next.fetch_add(1, Ordering::Relaxed);
    (i, cases.get(i))
}

/// Why tests fail, each with its messages.
fn show_failures(printer: &Printer, done: &[Done], texts: &Texts) {
    for one in done.iter().filter(|d| !d.failures.is_empty()) {
        printer.say(&format!("\n---- {} ({})\n", one.case, one.place));
        printer.say(&report::to_text(&one.failures, texts, printer.look()));
    }
}

/// `12 tests: 11 passed, 1 failed (0.03 s)`
fn summary(all: usize, failed: usize, filtered: usize, took: Duration) -> String {
    let left_out = if filtered == 0 { String::new() } else { format!(", {filtered} left out by the filter") };
    if all == 0 {
        return format!("There are no tests to run{left_out}.");
    }
    let tests = if all == 1 { "1 test".to_owned() } else { format!("{all} tests") };
    format!("{tests}: {} passed, {failed} failed{left_out} ({:.2} s)", all - failed, took.as_secs_f64())
}
