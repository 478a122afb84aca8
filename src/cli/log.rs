//! `secnet log`: what each run has done, call by call. Layer 10; calls nothing and changes nothing.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;

use crate::{
    base::{codes::scope as codes, date::Day},
    cli::{Exit, Outcome, printer::Printer, state::StateArgs},
    state::log::{self, Event, Line},
};

/// Show what past runs have done: each apply, destroy and recover; or the calls of one
#[derive(Debug, Args)]
pub struct Log {
    /// Whose
    #[command(flatten)]
    pub of: StateArgs,
    /// The calls of this run: a number of the list
    #[arg(value_name = "RUN")]
    run: Option<String>,
}

/// A run, in a line.
#[derive(Debug, Default, Serialize)]
struct Run {
    run: u64,
    at: String,
    command: String,
    by: String,
    target: String,
    region: String,
    /// `done`, `incomplete`, `stopped`, `interrupted`
    result: String,
    create: usize,
    update: usize,
    replace: usize,
    delete: usize,
    tasks: usize,
    done: usize,
    failed: usize,
    calls: usize,
    seconds: f64,
}

impl Log {
    /// Prints it. One argument that is a number and no directory is a run.
    ///
    /// # Errors
    /// The account cannot be read, or has no such run.
    pub fn run(mut self, printer: &Printer) -> Outcome {
        if self.run.is_none() && !self.of.directory.exists() {
            self.run = Some(self.of.directory.to_string_lossy().into_owned());
            self.of.directory = ".".into();
        }
        let store = self.of.store()?;
        let Some(wanted) = &self.run else {
            let mut runs: BTreeMap<u64, Vec<Line>> = BTreeMap::new();
            log::read(&store, None)?.into_iter().for_each(|line| runs.entry(line.run).or_default().push(line));
            let all: Vec<Run> = runs.values().map(|lines| summary(lines)).collect();
            match printer.json {
                true => printer.document(&all),
                false if all.is_empty() => printer.say("No run so far has left an account."),
                false => all.iter().for_each(|run| printer.result(&in_a_line(run))),
            }
            return Ok(Exit::Ok);
        };
        let lines = match wanted.parse().ok() {
            Some(run) => log::read(&store, Some(run))?,
            None => vec![],
        };
        if lines.is_empty() {
            return Err(codes::no_such_run(wanted, log::read(&store, None)?.last().map(|line| line.run)).into());
        }
        if printer.json {
            printer.document(&lines);
            return Ok(Exit::Ok);
        }
        printer.result(&in_a_line(&summary(&lines)));
        let titles: BTreeMap<usize, &str> = lines
            .iter()
            .filter_map(|line| match &line.event {
                Event::TaskStarted { task, title, .. } => Some((*task, title.as_str())),
                _ => None,
            })
            .collect();
        let began = lines.first().map_or(0, |line| line.at_us);
        for line in &lines {
            if let Some(text) = told(&line.event, &titles) {
                printer.result(&format!("  {:>9}  {text}", format!("+{}", seconds(line.at_us.saturating_sub(began)))));
            }
        }
        Ok(Exit::Ok)
    }
}

fn summary(lines: &[Line]) -> Run {
    let (first, last) = (lines.first(), lines.last());
    let mut run = Run { result: "interrupted".into(), ..Run::default() };
    if let (Some(first), Some(last)) = (first, last) {
        let took = last.at_us.saturating_sub(first.at_us);
        (run.run, run.at, run.seconds) = (first.run, clock(first.at_us), took as f64 / 1e6);
    }
    for line in lines {
        match &line.event {
            Event::RunStarted { command, by, target, region, .. } => {
                (run.command, run.by, run.target, run.region) = (command.clone(), by.clone(), target.clone(), region.clone());
            }
            Event::Plan { create, update, replace, delete, tasks, .. } => {
                (run.create, run.update, run.replace, run.delete, run.tasks) = (*create, *update, *replace, *delete, *tasks);
            }
            Event::TaskDone { .. } => run.done += 1,
            Event::TaskFailed { .. } => run.failed += 1,
            Event::Call { .. } => run.calls += 1,
            Event::RunEnded { result, .. } => run.result.clone_from(result),
            _ => {}
        }
    }
    run
}

/// `3  2026-11-28 20:11:02Z  apply  done  5 of 5 tasks (4 created, 1 changed)  12 calls  1.2s  by root in AWS, us-east-1`
fn in_a_line(run: &Run) -> String {
    let counts = [(run.create, "created"), (run.update, "changed"), (run.replace, "replaced"), (run.delete, "deleted")];
    let counts: Vec<String> = counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    let counts = if counts.is_empty() { String::new() } else { format!(" ({})", counts.join(", ")) };
    let by = if run.by.is_empty() { String::new() } else { format!(" by {}", run.by) };
    let Run { run: n, at, command, result, done, tasks, calls, seconds, target, region, .. } = run;
    format!("{n}  {at}  {command}  {result}: {done} of {tasks} tasks{counts}, {calls} calls, {seconds:.1}s{by} in {target}, {region}")
}

fn told(event: &Event, titles: &BTreeMap<usize, &str>) -> Option<String> {
    let title = |task: &usize| titles.get(task).copied().unwrap_or("?");
    Some(match event {
        Event::TaskStarted { title, .. } => title.clone(),
        Event::Call { task, action, site, us, request_id, error } => {
            let of = task.as_ref().map_or_else(|| "several".into(), |task| format!("`{}`", title(task)));
            let site = site.as_ref().map(|site| format!(" in {site}")).unwrap_or_default();
            let id = request_id.as_ref().map(|id| format!("  request {id}")).unwrap_or_default();
            let error = error.as_ref().map(|code| format!("  refused: {code}")).unwrap_or_default();
            format!("  {action}{site} for {of}  {}{id}{error}", seconds(*us))
        }
        Event::Retrying { action, reason, after_us, .. } => format!("  {action} again in {}: {reason}", seconds(*after_us)),
        Event::Paced { action, us, .. } => format!("  {action} has waited {} for its turn", seconds(*us)),
        Event::Waiting { id, state, us, .. } if !state.is_empty() => format!("  {id} {state} after {}", seconds(*us)),
        Event::TaskDone { task, us } => format!("{} ... done ({})", title(task), seconds(*us)),
        Event::TaskFailed { task, us, error } => format!("{} ... failed ({}): {error}", title(task), seconds(*us)),
        Event::RunEnded { result, .. } => result.clone(),
        _ => return None,
    })
}

/// `0.03s`
fn seconds(us: u64) -> String {
    format!("{:.2}s", us as f64 / 1e6)
}

/// `2026-11-28 20:11:02Z`
fn clock(us: u64) -> String {
    let seconds = us / 1_000_000;
    let (day, rest) = (Day::of(seconds), seconds % 86_400);
    format!("{day} {:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}
