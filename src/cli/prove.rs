//! `secnet prove`: whether the project's policies hold. Layer 10; offline, without credentials.

use std::sync::Arc;

use clap::Args;
use serde::Serialize;

use crate::{
    base::{date::Day, diagnostic::Diagnostic},
    cli::{
        Exit, Outcome,
        format::{Format, FormatArgs},
        load::Texts,
        network::{Network, NetworkArgs},
        printer::Printer,
        report::{self, Message},
    },
    prove::{
        policy::{self, Judged, Offence},
        verdict::{Verdicts, verdicts},
    },
    schema::model,
    state::store,
};

/// Prove or refute the policies of a project, without credentials and without a network
///
/// Ends with 0 if every statement is proven, else with 1.
#[derive(Debug, Args)]
pub struct Prove {
    #[command(flatten)]
    pub network: NetworkArgs,
    #[command(flatten)]
    pub format: FormatArgs,
}

#[derive(Serialize)]
struct Proved {
    format: u32,
    project: String,
    proven: usize,
    policies: Vec<Statement>,
    diagnostics: Vec<Message>,
}

#[derive(Serialize)]
struct Statement {
    policy: String,
    statement: String,
    place: String,
    verdict: &'static str,
    waived: Option<String>,
    reason: Option<String>,
    packet: Option<String>,
    hops: Vec<String>,
    flows: Vec<Flow>,
    mend: Vec<String>,
    assumptions: Vec<&'static str>,
}

#[derive(Serialize)]
struct Flow {
    from: String,
    to: String,
    services: Vec<String>,
}

impl From<&Offence> for Flow {
    fn from(offence: &Offence) -> Self {
        Self { from: offence.from.clone(), to: offence.to.clone(), services: offence.services.clone() }
    }
}

impl Prove {
    /// Judges every statement and prints what it found.
    ///
    /// # Errors
    /// The sources have errors, or a statement is not proven.
    pub fn run(&self, printer: &Printer) -> Outcome {
        let Network { mut net, model, texts, warnings } = self.network.open(printer)?;
        let Verdicts { judged, diagnostics } = verdicts(&mut net, &model, Day::of(store::now()));
        let proven = judged.iter().filter(|j| j.outcome == policy::Outcome::Proven).count();
        let statements: Vec<Statement> = judged.iter().map(|j| statement(j, &texts)).collect();
        let diagnostics: Vec<Diagnostic> = warnings.into_iter().chain(diagnostics.into_iter().map(Arc::unwrap_or_clone)).collect();
        let waived = judged.iter().filter(|j| j.waived.is_some()).count();
        let exit = if proven + waived == judged.len() { Exit::Ok } else { Exit::Findings };
        if printer.format == Format::Json {
            let (project, diagnostics) = (model.project.name.clone(), report::to_json(&diagnostics, &texts));
            printer.document(&Proved { format: 1, project, proven, policies: statements, diagnostics });
        } else {
            if printer.format == Format::Text {
                show(printer, &statements);
            }
            printer.say(&match statements.len() {
                0 => "There are no policies to prove.".to_owned(),
                n if waived == 0 => format!("{proven} of {n} statements proven"),
                n => format!("{proven} of {n} statements proven, {waived} waived"),
            });
            printer.findings(&diagnostics, &texts);
        }
        Ok(exit)
    }
}

/// What became of one statement, as one wrote it.
fn statement(judged: &Judged, texts: &Texts) -> Statement {
    let proven = judged.outcome == policy::Outcome::Proven;
    Statement {
        policy: judged.policy.clone(),
        statement: model::in_words(&texts.sources, judged.span, &judged.turn),
        place: texts.sources.place(judged.span),
        waived: judged.waived.clone(),
        verdict: match judged.outcome {
            policy::Outcome::Proven => "proven",
            policy::Outcome::Refuted => "refuted",
            policy::Outcome::Unknown => "unknown",
        },
        reason: judged.reason.clone(),
        packet: judged.packet.clone(),
        hops: judged.hops.clone(),
        flows: judged.flows.iter().map(Flow::from).collect(),
        mend: judged.mend.clone(),
        assumptions: if proven { judged.assumptions.clone() } else { vec![] },
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
        let mark = match (one.verdict, &one.waived) {
            ("proven", _) => "proven ".to_owned(),
            (_, Some(_)) => "waived ".to_owned(),
            (verdict, None) => verdict.to_uppercase(),
        };
        printer.say(&format!("  {mark}  {}", one.statement));
        if let Some(waived) = &one.waived {
            printer.say(&format!("           {}, and waived {waived}", one.verdict));
        }
        if let Some(reason) = &one.reason {
            printer.say(&format!("           {reason}"));
        }
        for flow in one.flows.iter().take(10) {
            let verb = if one.statement.starts_with("require") { "does not reach" } else { "reaches" };
            let with = if flow.services.is_empty() { String::new() } else { format!(" with {}", flow.services.join(", ")) };
            printer.say(&format!("           {} {verb} {}{with}", flow.from, flow.to));
        }
        if let Some(packet) = &one.packet {
            printer.say(&format!("           for example {packet}"));
        }
        one.hops.iter().for_each(|hop| printer.say(&format!("             {hop}")));
        one.mend.iter().for_each(|edit| printer.say(&format!("           to let it pass: {edit}")));
        assumptions.extend(&one.assumptions);
    }
    let mut told: Vec<&str> = vec![];
    for assumption in assumptions {
        if !told.contains(&assumption) {
            told.push(assumption);
            printer.say(&format!("assuming that {assumption}"));
        }
    }
}
