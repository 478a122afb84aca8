//! `secnet prove`: whether the project's policies hold. Layer 10; offline, without credentials.

use clap::Args;
use serde::Serialize;

use crate::{
    base::diagnostic::Diagnostic,
    cli::{
        Exit, Outcome, Stop,
        network::{Network, NetworkArgs},
        printer::Printer,
        report::{self, Message},
    },
    prove::{
        chart::Chart,
        policy::{self, Judged},
    },
};

/// Prove or refute the policies of a project, without credentials and without a network
///
/// Ends with 0 if every statement is proven, else with 1.
#[derive(Debug, Args)]
pub struct Prove {
    #[command(flatten)]
    pub network: NetworkArgs,
}

#[derive(Serialize)]
struct Proved {
    format: u32,
    project: String,
    proven: usize,
    statements: Vec<Statement>,
    diagnostics: Vec<Message>,
}

#[derive(Serialize)]
struct Statement {
    policy: String,
    statement: String,
    outcome: &'static str,
    packet: Option<String>,
    hops: Vec<String>,
    assumptions: Vec<&'static str>,
}

impl Prove {
    /// Judges every statement and prints what it found.
    ///
    /// # Errors
    /// The sources have errors, or a statement is not proven.
    pub fn run(&self, printer: &Printer) -> Outcome {
        let project = self.network.open(printer)?;
        let judged = policy::judge(&Chart::new(&project.net), &project.model);
        let proven = judged.iter().filter(|j| j.outcome == policy::Outcome::Proven).count();
        let statements: Vec<Statement> = judged.iter().map(|j| statement(j, &project)).collect();
        let diagnostics: Vec<Diagnostic> =
            project.warnings.iter().cloned().chain(judged.iter().flat_map(|j| j.diagnostics.clone())).collect();
        let done = proven == judged.len();
        if printer.json {
            printer.document(&Proved {
                format: 1,
                project: project.model.project.name.clone(),
                proven,
                statements,
                diagnostics: report::to_json(&diagnostics, &project.texts),
            });
            return Ok(if done { Exit::Ok } else { Exit::Findings });
        }
        show(printer, &statements);
        printer.say(&format!("{proven} of {} statements proven", statements.len()));
        if done {
            printer.diagnostics(&diagnostics, &project.texts);
            return Ok(Exit::Ok);
        }
        Err(Stop::new(diagnostics, project.texts).with_exit(Exit::Findings))
    }
}

/// What became of one statement, as one wrote it.
fn statement(judged: &Judged, project: &Network) -> Statement {
    let written = project.texts.sources.text(judged.span).split_whitespace().collect::<Vec<_>>().join(" ");
    Statement {
        policy: judged.policy.clone(),
        statement: written,
        outcome: match judged.outcome {
            policy::Outcome::Proven => "proven",
            policy::Outcome::Refuted => "refuted",
            policy::Outcome::Unknown => "unknown",
        },
        packet: judged.packet.clone(),
        hops: judged.hops.clone(),
        assumptions: if judged.outcome == policy::Outcome::Proven { judged.assumptions.clone() } else { vec![] },
    }
}

fn show(printer: &Printer, statements: &[Statement]) {
    let mut assumptions: Vec<&str> = vec![];
    let mut before = "";
    for one in statements {
        if one.policy != before {
            printer.say(&format!("policy {}", one.policy));
            before = &one.policy;
        }
        printer.say(&format!("  {:<8} {}", one.outcome, one.statement));
        if let Some(packet) = &one.packet {
            printer.say(&format!("           {packet}"));
        }
        for hop in &one.hops {
            printer.say(&format!("             {hop}"));
        }
        for assumption in &one.assumptions {
            if !assumptions.contains(assumption) {
                assumptions.push(assumption);
            }
        }
    }
    for assumption in assumptions {
        printer.say(&format!("assuming that {assumption}"));
    }
}
