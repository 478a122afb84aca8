//! `secnet check`: what is wrong with the sources. Layer 10; calls nothing.

use clap::Args;
use serde::Serialize;

use crate::cli::{
    Exit, Outcome,
    format::{Format, FormatArgs},
    neighbour::OthersArgs,
    printer::Printer,
    project::{Project, ProjectArgs},
    report::{self, Message},
};

/// Look for mistakes in a project, without credentials and without a network
#[derive(Debug, Args)]
pub struct Check {
    /// The project
    #[command(flatten)]
    pub project: ProjectArgs,
    #[command(flatten)]
    pub format: FormatArgs,
    #[command(flatten)]
    others: OthersArgs,
}

#[derive(Serialize)]
struct Checked {
    format: u32,
    project: String,
    environment: Option<String>,
    resources: usize,
    outputs: usize,
    policies: usize,
    diagnostics: Vec<Message>,
}

impl Check {
    /// Prints what is wrong, or what there is.
    ///
    /// # Errors
    /// The sources have errors.
    pub fn run(&self, printer: &Printer) -> Outcome {
        let project = Project::open(&self.project, self.others.sandbox)?;
        let model = &project.model;
        if printer.format == Format::Json {
            printer.document(&Checked {
                format: 1,
                project: model.project.name.clone(),
                environment: model.project.environment.clone(),
                resources: model.resources.len(),
                outputs: model.outputs.len(),
                policies: model.policies.len(),
                diagnostics: report::to_json(&project.warnings, &project.texts),
            });
            return Ok(Exit::Ok);
        }
        printer.findings(&project.warnings, &project.texts);
        let count = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
        let resources = count(model.resources.len(), "resource");
        printer.say(&format!("{}: {resources}, {}; no errors", model.project.name, count(model.outputs.len(), "output")));
        if !model.policies.is_empty() {
            printer.say("The policies are read and type-checked; `secnet prove` proves them.");
        }
        Ok(Exit::Ok)
    }
}
