//! `secnet graph`: a project as a picture, for Graphviz or Mermaid. Layer 10; calls nothing.

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::{
    cli::{
        Exit, Outcome,
        neighbour::OthersArgs,
        printer::Printer,
        project::{Project, ProjectArgs},
    },
    picture::{Picture, dependency, dot, mermaid, topology},
    schema::same,
};

/// Draw a project: what is made before what, or the network itself
///
/// For a picture: `secnet graph --kind topology | dot -Tsvg > network.svg`
#[derive(Debug, Args)]
pub struct Graph {
    /// The project
    #[command(flatten)]
    pub project: ProjectArgs,
    #[command(flatten)]
    others: OthersArgs,
    /// What the picture is of
    #[arg(long, value_enum, default_value_t = Kind::Dependencies)]
    kind: Kind,
    /// The language it is written in
    #[arg(long, value_enum, default_value_t = Format::Dot, conflicts_with = "json")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// Resources and their parts; an arrow leads to what must stand before
    Dependencies,
    /// VPCs, zones, subnets, what stands in them, routes and rules
    Topology,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Graphviz: `dot -Tsvg`
    Dot,
    /// Mermaid, which Markdown viewers draw
    Mermaid,
}

#[derive(Serialize)]
struct Document {
    format: u32,
    kind: Kind,
    #[serde(flatten)]
    picture: Picture,
}

impl Graph {
    /// Prints it.
    ///
    /// # Errors
    /// The sources have errors.
    pub fn run(&self, printer: &Printer) -> Outcome {
        let project = Project::open(&self.project, self.others.sandbox)?;
        printer.diagnostics(&project.warnings, &project.texts);
        // It reads nothing: what asks for the same is the same.
        let model = same::joined(&project.model, &same::by_filters(&project.model));
        let picture = match self.kind {
            Kind::Dependencies => dependency::picture(&model),
            Kind::Topology => topology::picture(&model),
        };
        match self.format {
            _ if printer.json => printer.document(&Document { format: 1, kind: self.kind, picture }),
            Format::Dot => printer.result(&dot::write(&picture)),
            Format::Mermaid => printer.result(&mermaid::write(&picture)),
        }
        Ok(Exit::Ok)
    }
}
