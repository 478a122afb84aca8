//! The command line. Layer 10: one file a command; they print, ask and decide how the process ends.

mod apply;
mod asked;
mod backend;
mod check;
mod completion;
mod console;
mod destroy;
mod disk;
mod docs;
mod env;
mod execution;
mod explain;
mod exposure;
mod fmt;
mod format;
mod git;
mod graph;
mod iam_policy;
mod inspect;
mod interrupt;
mod json;
mod junit;
mod library;
mod load;
mod lock;
mod lockfile;
mod log;
pub mod lsp;
mod neighbour;
mod network;
mod new;
mod output;
pub mod outside;
mod pages;
mod permission;
mod plan;
mod planfile;
mod printer;
mod progress;
mod project;
mod prove;
mod record;
mod recover;
mod report;
mod sandbox;
mod sarif;
mod scope;
mod session;
mod state;
mod target;
mod test;
mod trace;
mod trace_file;
mod variables;

use std::{ffi::OsString, panic::AssertUnwindSafe, process::ExitCode};

use clap::{Parser, Subcommand};
use tokio::runtime::Runtime;

use crate::{
    base::{
        codes::{environment as codes, permission as permission_codes, scope as scope_codes},
        diagnostic::{Code, Diagnostic, Severity},
    },
    cli::{format::Format, load::Texts, printer::Printer},
};

/// Infrastructure as code for secure networks on AWS
#[derive(Debug, Parser)]
#[command(name = "secnet", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 done; 1 errors in the project, or not all was done; 2 wrong usage, or changes with \
                        --detailed-exitcode; 3 files, state, credentials, endpoints; 4 a bug in secnet.")]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    New(new::New),
    Check(check::Check),
    Fmt(fmt::Fmt),
    Lock(lock::Lock),
    Plan(plan::Plan),
    IamPolicy(iam_policy::IamPolicy),
    Apply(apply::Apply),
    Destroy(destroy::Destroy),
    State(state::State),
    Recover(recover::Recover),
    Output(output::Output),
    Log(log::Log),
    Prove(prove::Prove),
    Test(test::Test),
    Console(console::Console),
    Trace(trace::TraceArgs),
    Inspect(inspect::Inspect),
    Exposure(exposure::Exposure),
    Graph(graph::Graph),
    Explain(explain::Explain),
    Docs(docs::Docs),
    Lsp(lsp::Lsp),
    Sandbox(sandbox::Sandbox),
    Completion(completion::Completion),
}

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    /// All went well.
    Ok,
    /// The project has errors, or not all was done.
    Findings,
    /// It was asked wrongly.
    Usage,
    /// `plan --detailed-exitcode`: there are changes.
    Changes,
    /// Files, credentials, endpoints.
    Environment,
    /// A bug of secnet's.
    Bug,
}

impl From<Exit> for u8 {
    fn from(exit: Exit) -> u8 {
        match exit {
            Exit::Ok => 0,
            Exit::Findings => 1,
            Exit::Usage | Exit::Changes => 2,
            Exit::Environment => 3,
            Exit::Bug => 4,
        }
    }
}

/// What every command gives back.
type Outcome = Result<Exit, Stop>;

/// Why a command stops, and the texts that its messages point into.
#[derive(Debug)]
struct Stop {
    diagnostics: Vec<Diagnostic>,
    texts: Texts,
    /// In place of the exit that the messages have by themselves.
    exit: Option<Exit>,
}

impl From<Diagnostic> for Stop {
    fn from(diagnostic: Diagnostic) -> Self {
        Stop::from(vec![diagnostic])
    }
}

impl From<Vec<Diagnostic>> for Stop {
    fn from(diagnostics: Vec<Diagnostic>) -> Self {
        Stop::new(diagnostics, Texts::default())
    }
}

impl Stop {
    fn new(diagnostics: Vec<Diagnostic>, texts: Texts) -> Self {
        Stop { diagnostics, texts, exit: None }
    }

    fn with_exit(self, exit: Exit) -> Self {
        Stop { exit: Some(exit), ..self }
    }

    fn exit(&self) -> Exit {
        const USAGE: &[&Code] = &[
            &codes::NO_TERMINAL,
            &permission_codes::NO_SUCH_ACCOUNT,
            &codes::UNKNOWN_CODE,
            &codes::UNKNOWN_TOPIC,
            &codes::EXISTS,
            &codes::BAD_NAME,
            &codes::NOT_IN_STATE,
            &codes::NO_OUTPUT,
            &scope_codes::NO_SUCH_RUN,
            &codes::OTHER_REGION,
            &codes::WITHHELD,
            &codes::NOT_KEPT,
        ];
        let by_code = match self.diagnostics.iter().find(|d| d.severity == Severity::Error).map(|d| d.code) {
            Some(code) if USAGE.contains(&code) => Exit::Usage,
            Some(code) if *code == codes::NOT_AGREED => Exit::Findings,
            // The state file, its journal and its lock; files, credentials, endpoints.
            Some(code) if code.id.starts_with("E04") || code.id.starts_with("E06") => Exit::Environment,
            _ => Exit::Findings,
        };
        self.exit.unwrap_or(by_code)
    }
}

/// Runs a command line, its first word being the program's name, and gives the exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let command = match CommandLine::try_parse_from(arguments) {
        Ok(line) => line.command,
        Err(error) => {
            // `--help` and `--version` come this way too; they are no mistakes.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { u8::from(Exit::Usage) } else { 0 });
        }
    };
    let printer = Printer::new(command.format());
    std::panic::set_hook(Box::new(move |panic| printer.whisper(&bug(&panic.to_string()))));
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| command.run(&printer)));
    let exit = match outcome {
        Ok(Ok(exit)) => exit,
        Ok(Err(stop)) => {
            printer.stopped(&stop.diagnostics, &stop.texts);
            stop.exit()
        }
        Err(_) => Exit::Bug,
    };
    ExitCode::from(u8::from(exit))
}

/// What people are told when secnet itself has gone wrong.
fn bug(what: &str) -> String {
    format!(
        "secnet {} has met a bug of its own:\n  {}\n\
         Please report it with these lines and with what you ran, as CONTRIBUTING.md says.\n\
         The state is safe: every call is in the journal before it is made, and the next run goes on from there.",
        env!("CARGO_PKG_VERSION"),
        what.replace('\n', "\n  "),
    )
}

/// What carries out everything that waits.
fn runtime() -> Result<Runtime, Stop> {
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    built.map_err(|e| Stop::from(codes::unreadable("the operating system's event queue", &load::reason(&e))))
}

impl Command {
    fn format(&self) -> Format {
        match self {
            Command::Check(check) => check.format.with(check.project.json),
            Command::Prove(prove) => prove.format.with(prove.network.project.json),
            Command::Test(test) => test.format.with(test.project.json),
            other if other.json() => Format::Json,
            _ => Format::Text,
        }
    }

    fn json(&self) -> bool {
        match self {
            Command::Check(_) | Command::Prove(_) | Command::Test(_) => false,
            Command::New(_) | Command::Completion(_) | Command::Sandbox(_) | Command::Lsp(_) => false,
            Command::Fmt(fmt) => fmt.json,
            Command::Lock(lock) => lock.json,
            Command::Plan(plan) => plan.project.json,
            Command::IamPolicy(policy) => policy.project.json,
            Command::Apply(apply) => apply.project.json || apply.record.on_stdout(),
            Command::Destroy(destroy) => destroy.project.json || destroy.record.on_stdout(),
            Command::State(state) => state.json(),
            Command::Recover(recover) => recover.project.json,
            Command::Output(output) => output.of.json,
            Command::Log(log) => log.of.json,
            Command::Console(console) => console.project.json,
            Command::Trace(trace) => trace.network.project.json,
            Command::Inspect(inspect) => inspect.network.project.json,
            Command::Exposure(exposure) => exposure.network.project.json,
            Command::Graph(graph) => graph.project.json,
            Command::Explain(explain) => explain.json,
            Command::Docs(docs) => docs.json,
        }
    }

    fn run(self, printer: &Printer) -> Outcome {
        match self {
            Command::New(new) => new.run(printer),
            Command::Check(check) => check.run(printer),
            Command::Fmt(fmt) => fmt.run(printer),
            Command::Lock(lock) => lock.run(printer),
            Command::Plan(plan) => plan.run(printer),
            Command::IamPolicy(policy) => policy.run(printer),
            Command::Apply(apply) => apply.run(printer),
            Command::Destroy(destroy) => destroy.run(printer),
            Command::State(state) => state.run(printer),
            Command::Recover(recover) => recover.run(printer),
            Command::Output(output) => output.run(printer),
            Command::Log(log) => log.run(printer),
            Command::Prove(prove) => prove.run(printer),
            Command::Test(test) => test.run(printer),
            Command::Console(console) => console.run(printer),
            Command::Trace(trace) => trace.run(printer),
            Command::Inspect(inspect) => inspect.run(printer),
            Command::Exposure(exposure) => exposure.run(printer),
            Command::Graph(graph) => graph.run(printer),
            Command::Explain(explain) => explain.run(printer),
            Command::Docs(docs) => docs.run(printer),
            Command::Lsp(lsp) => lsp.run(),
            Command::Sandbox(sandbox) => sandbox.run(printer),
            Command::Completion(completion) => completion.run(printer),
        }
    }
}
