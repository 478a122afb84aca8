//! `secnet explain`: the long explanation of a message. Layer 10.

use clap::Args;
use serde::Serialize;

use crate::{
    base::codes::{self, environment},
    cli::{Exit, Outcome, printer::Printer},
    manual::terminal,
};

/// Explain a message by its code; without a code, list them all
#[derive(Debug, Args)]
pub struct Explain {
    /// The code that a message shows: E0301
    code: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Explanation {
    code: &'static str,
    title: &'static str,
    explanation: &'static str,
}

impl Explain {
    /// Prints it.
    ///
    /// # Errors
    /// There is no such code.
    pub fn run(&self, printer: &Printer) -> Outcome {
        let all = || codes::all().map(|c| Explanation { code: c.id, title: c.title, explanation: c.explanation });
        let Some(wanted) = &self.code else {
            if printer.json {
                printer.document(&all().collect::<Vec<_>>());
            } else {
                all().for_each(|c| printer.result(&format!("{}  {}", c.code, c.title)));
            }
            return Ok(Exit::Ok);
        };
        let found = all().find(|c| c.code.eq_ignore_ascii_case(wanted));
        let explanation = found.ok_or_else(|| environment::unknown_code(wanted, codes::all().map(|c| c.id)))?;
        if printer.json {
            printer.document(&explanation);
        } else {
            let text = format!("# {}: {}\n\n{}", explanation.code, explanation.title, explanation.explanation);
            printer.result(&terminal::set(&text, printer.prose()));
        }
        Ok(Exit::Ok)
    }
}
