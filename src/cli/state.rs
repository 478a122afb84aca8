//! `secnet state`: what the project has made, as the state knows it. Layer 10; calls nothing and changes nothing.

use std::{collections::BTreeMap, path::PathBuf};

use clap::{Args, Subcommand, builder::FalseyValueParser};
use serde::Serialize;

use crate::{
    base::{address::Address, codes::environment as codes},
    call::Json,
    cli::{Exit, Outcome, Stop, env::EnvArgs, json, printer::Printer, project, target::Place},
    resources,
    schema::value::Record,
    state::{Part, State as Known, store::Store},
};

/// Look at the state
#[derive(Debug, Args)]
pub struct State {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List what the project has made
    List {
        #[command(flatten)]
        of: StateArgs,
    },
    /// Show what is known of a resource
    Show {
        /// The resource: vpc.main
        address: String,
        #[command(flatten)]
        of: StateArgs,
    },
}

/// Which state.
#[derive(Debug, Clone, Args)]
pub struct StateArgs {
    /// Directory of the project
    #[arg(value_name = "DIR", default_value = ".")]
    pub directory: PathBuf,
    #[command(flatten)]
    env: EnvArgs,
    /// The state of the sandbox
    #[arg(long, env = "SECNET_SANDBOX", value_parser = FalseyValueParser::new())]
    pub sandbox: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Listed {
    address: String,
    id: String,
}

#[derive(Serialize)]
struct Shown {
    address: String,
    id: String,
    /// Whether it may neither be deleted nor replaced.
    protect: bool,
    attributes: BTreeMap<String, Json>,
    parts: Vec<ShownPart>,
}

#[derive(Serialize)]
struct ShownPart {
    kind: String,
    text: String,
    attributes: BTreeMap<String, Json>,
}

impl StateArgs {
    /// Where the state lies.
    ///
    /// # Errors
    /// The project has no name.
    pub fn store(&self) -> Result<Store, Stop> {
        let project = project::identify(&self.directory, &self.env)?;
        Ok(Place { sandbox: self.sandbox, ..Place::default() }.store(&self.directory, &project))
    }

    /// The state as its file has it, with what an interrupted run has done since.
    ///
    /// # Errors
    /// The project has no name, or the state is not usable.
    pub fn load(&self) -> Result<Known, Stop> {
        let project = project::identify(&self.directory, &self.env)?;
        let place = Place { sandbox: self.sandbox, ..Place::default() };
        let loaded = place.store(&self.directory, &project).load()?;
        Ok(crate::state::journal::fold(loaded.state, &loaded.unfinished))
    }
}

impl State {
    /// Whether it prints JSON.
    #[must_use]
    pub fn json(&self) -> bool {
        match &self.command {
            Command::List { of } | Command::Show { of, .. } => of.json,
        }
    }

    /// Prints it.
    ///
    /// # Errors
    /// The state is not usable, or has no such resource.
    pub fn run(self, printer: &Printer) -> Outcome {
        match self.command {
            Command::List { of } => list(&of.load()?, printer),
            Command::Show { address, of } => show(&of.load()?, &address, printer)?,
        }
        Ok(Exit::Ok)
    }
}

fn list(state: &Known, printer: &Printer) {
    let standing = state.resources.iter().map(|(address, r)| (address.to_string(), r));
    let deposed = state.deposed.iter().map(|d| (format!("{} (replaced)", d.address), &d.resource));
    let all: Vec<Listed> = standing.chain(deposed).map(|(address, r)| Listed { address, id: r.id.clone() }).collect();
    if printer.json {
        return printer.document(&all);
    }
    let width = all.iter().map(|l| l.address.chars().count()).max().unwrap_or_default();
    all.iter().for_each(|l| printer.result(&format!("{:width$}  {}", l.address, l.id)));
}

fn show(state: &Known, address: &str, printer: &Printer) -> Result<(), Stop> {
    let found = Address::parse(address).and_then(|a| state.resources.get(&a).map(|r| (a, r)));
    let missing = || codes::not_in_state(address, state.resources.keys().map(Address::as_str));
    let (address, resource) = found.ok_or_else(missing)?;
    let part = |p: &Part| {
        let spec = resources::spec(address.kind()).and_then(|s| s.part(&p.name));
        ShownPart { kind: p.name.clone(), text: spec.map(|s| (s.show)(&p.record)).unwrap_or_default(), attributes: plain(&p.record) }
    };
    let parts: Vec<ShownPart> = resource.parts.iter().map(part).collect();
    if printer.json {
        let attributes = plain(&resource.record);
        let (address, id, protect) = (address.to_string(), resource.id.clone(), resource.protect);
        printer.document(&Shown { address, id, protect, attributes, parts });
        return Ok(());
    }
    let protected = if resource.protect { ", protected" } else { "" };
    printer.result(&format!("{address} ({}){protected}", resource.id));
    let width = resource.record.keys().map(|k| k.chars().count() + 1).max().unwrap_or_default();
    for (name, value) in &resource.record {
        printer.result(&format!("    {:width$} {value}", format!("{name}:")));
    }
    parts.iter().filter(|p| !p.text.is_empty()).for_each(|p| printer.result(&format!("    {}", p.text)));
    Ok(())
}

fn plain(record: &Record) -> BTreeMap<String, Json> {
    record.iter().map(|(name, value)| (name.clone(), json::plain(value))).collect()
}
