//! `secnet state`: what the project has made, as the state knows it. Layer 10; calls nothing.

mod change;
mod migrate;
pub mod transfer;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand, builder::FalseyValueParser};
use serde::Serialize;

use crate::{
    base::{address::Address, codes::environment as codes},
    call::Json,
    cli::{Exit, Outcome, Stop, env::EnvArgs, json, printer::Printer, project, target::Place},
    resources,
    schema::{model, value::Record},
    state::{
        Part, State as Known,
        store::{Store, age, now},
    },
};

/// Look at the state, or change it without touching EC2
#[derive(Debug, Args)]
pub struct State {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List what the project has made
    List {
        /// List the earlier states instead that a shared state keeps
        #[arg(long)]
        versions: bool,
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
    /// Print the state as a state file holds it
    Pull {
        /// An earlier one, by its serial; `state list --versions` lists them
        #[arg(long, value_name = "SERIAL")]
        version: Option<u64>,
        #[command(flatten)]
        of: StateArgs,
    },
    /// Put a state file in the place of the state
    Push {
        /// What `state pull` has printed
        file: PathBuf,
        /// Even if the state has been written since
        #[arg(long)]
        older: bool,
        #[command(flatten)]
        of: ChangeArgs,
    },
    /// Give a resource another address, or to another project
    Mv {
        /// The resource: vpc.main
        old: String,
        /// Its new address; with --to the same if left out
        #[arg(required_unless_present = "to")]
        new: Option<String>,
        /// Directory of the project that gets it
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
        #[command(flatten)]
        of: ChangeArgs,
    },
    /// Forget a resource, which stands on in EC2
    Rm {
        /// The resource: vpc.main
        address: String,
        #[command(flatten)]
        of: ChangeArgs,
    },
    /// End the lock of a run that is gone
    Unlock {
        /// What the lock goes by
        id: String,
        #[command(flatten)]
        of: StateArgs,
        /// Go ahead without asking
        #[arg(long)]
        yes: bool,
    },
    /// Take the state to where the project says that it is kept
    Migrate {
        #[command(flatten)]
        of: ChangeArgs,
    },
}

use change::ChangeArgs;

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
    fn project(&self) -> Result<model::Project, Stop> {
        self.project_in(&self.directory)
    }

    fn project_in(&self, directory: &Path) -> Result<model::Project, Stop> {
        project::identify(directory, &self.env)
    }

    fn place(&self) -> Place {
        Place { sandbox: self.sandbox, ..Place::default() }
    }

    /// Where the state lies.
    ///
    /// # Errors
    /// The project has no name, or its backend cannot be had.
    pub fn store(&self) -> Result<Store, Stop> {
        Ok(self.place().store(&self.directory, &self.project()?)?)
    }

    /// The state as its file has it, with what an interrupted run has done since.
    ///
    /// # Errors
    /// The project has no name, or the state is not usable.
    pub fn load(&self) -> Result<Known, Stop> {
        let loaded = self.store()?.load()?;
        Ok(crate::state::journal::fold(loaded.state, &loaded.unfinished))
    }
}

impl State {
    /// Whether it prints JSON.
    #[must_use]
    pub fn json(&self) -> bool {
        match &self.command {
            Command::List { of, .. } | Command::Show { of, .. } | Command::Pull { of, .. } | Command::Unlock { of, .. } => of.json,
            Command::Push { of, .. } | Command::Mv { of, .. } | Command::Rm { of, .. } | Command::Migrate { of } => of.of.json,
        }
    }

    /// Prints it.
    ///
    /// # Errors
    /// The state is not usable, or has no such resource.
    pub fn run(self, printer: &Printer) -> Outcome {
        match self.command {
            Command::List { of, versions: false } => list(&of.load()?, printer),
            Command::List { of, versions: true } => versions(&of, printer)?,
            Command::Show { address, of } => show(&of.load()?, &address, printer)?,
            Command::Pull { version, of } => return change::pull(&of, version, printer),
            Command::Push { file, older, of } => return change::push(&of, &file, older, printer),
            Command::Mv { old, new, to: Some(to), of } => return transfer::run(&of, &old, new.as_deref(), &to, printer),
            Command::Mv { old, new, to: None, of } => return change::rename(&of, &old, new.as_deref().unwrap_or(&old), printer),
            Command::Rm { address, of } => return change::remove(&of, &address, printer),
            Command::Unlock { id, of, yes } => return change::unlock(&of, &id, yes, printer),
            Command::Migrate { of } => return migrate::run(&of, printer),
        }
        Ok(Exit::Ok)
    }
}

#[derive(Serialize)]
struct Version {
    serial: u64,
    /// When it was replaced, in seconds since 1970.
    replaced_at: u64,
    bytes: u64,
}

fn versions(of: &StateArgs, printer: &Printer) -> Result<(), Stop> {
    let listed = match of.place().store(&of.directory, &of.project()?)? {
        Store::Remote(remote) => remote.versions()?,
        Store::Local(_) => vec![],
    };
    let all: Vec<Version> = listed.into_iter().map(|(serial, l)| Version { serial, replaced_at: l.at, bytes: l.size }).collect();
    if printer.json {
        printer.document(&all);
        return Ok(());
    }
    for Version { serial, replaced_at, bytes } in all {
        let ago = age(now().saturating_sub(replaced_at));
        printer.result(&format!("{serial:>6}  replaced {ago} ago, {bytes} bytes"));
    }
    Ok(())
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
