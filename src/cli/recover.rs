//! `secnet recover`: a state that is lost or broken, out of what stands. Layer 10; changes nothing in EC2.

use std::io::BufRead;

use clap::Args;
use serde::Serialize;

use crate::{
    apply::{
        counts::Counted,
        rebuild::{self, Lineages, Rebuilt, Tagged},
        refresh,
    },
    base::{
        address::Address,
        codes::{environment as environment_codes, state as codes},
        diagnostic::Diagnostic,
    },
    call::Driver,
    cli::{
        Exit, Outcome, Stop,
        backend::LockArgs,
        json::Calls,
        load::{self, Texts},
        outside::{check_accounts, read_failed},
        printer::Printer,
        project::{Project, ProjectArgs},
        record::{Header, RecordArgs, Recorder},
        report::{self, Message},
        runtime,
        target::Place,
    },
    schema::model::{self, Model},
    state::{State, log::Event, store::Store},
};

/// Rebuild a state that is lost or broken, from the tags of what stands
#[derive(Debug, Args)]
pub struct Recover {
    /// The project
    #[command(flatten)]
    pub project: ProjectArgs,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    lock: LockArgs,
    /// Which lineage it is, where several have things of this project's names
    #[arg(long, value_name = "LINEAGE")]
    lineage: Option<String>,
    /// Rebuild a state that can be read, too
    #[arg(long)]
    replace: bool,
    /// Go ahead without asking
    #[arg(long)]
    yes: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Recovered {
    format: u32,
    target: String,
    environment: Option<String>,
    lineage: String,
    found: Vec<Thing>,
    /// They carry an address that another thing has too: the next apply deletes them.
    replaced: Vec<Thing>,
    /// The project has it, and nothing that stands carries its name: the next apply makes it.
    missing: Vec<String>,
    /// What EC2 does not tell, in words.
    untold: Vec<String>,
    /// Copies of what was there before.
    kept: Vec<String>,
    /// How many resources the next plan changes; `null` where it cannot be made.
    changes: Option<usize>,
    calls: Calls,
    diagnostics: Vec<Message>,
}

#[derive(Serialize)]
struct Thing {
    address: String,
    id: String,
}

impl Recover {
    /// Recovers.
    ///
    /// # Errors
    /// The project has errors, EC2 cannot be read, nothing was found, nobody agreed, or the state is not broken.
    pub fn run(self, printer: &Printer) -> Outcome {
        runtime()?.block_on(async {
            let project = Project::open_to_ask(&self.project, self.place.sandbox)?;
            let (directory, name) = (project.directory.clone(), project.model.project.clone());
            if let Some(line) = self.place.first_line(&directory, &name) {
                printer.say(&line);
            }
            let driver = self.place.open(&directory, &name).await?;
            let store = self.place.store(&directory, &name)?;
            let lock = self.place.lock(&store, &directory, &name, ("recover", self.lock), *printer)?;
            self.look_at(&store, printer)?;
            own_account(&driver, &name).await?;
            if !printer.json {
                printer.whisper(&format!("Looking for what carries tags of secnet in {} ...", driver.region()));
            }
            let lineages = rebuild::search(&*driver, &name).await.map_err(|e| read_failed(&e, &*driver))?;
            let (lineage, found) = self.chosen(&store, &project.model, lineages, driver.region())?;
            let outline = rebuild::outline(&project.model, &lineage, &found);
            let project = project.answered(&*driver, &outline, true).await?;
            let rebuilt = match rebuild::rebuild(&*driver, &project.model, outline, Some(&project.texts.sources)).await {
                Ok(rebuilt) => rebuilt,
                Err(error) => return Err(project.stop(vec![read_failed(&error, &*driver)])),
            };
            let missing = missing(&project.model, &rebuilt.state);
            self.show(&project.texts, &rebuilt, &missing, printer);
            self.agree(&store, printer)?;
            let header = Header {
                command: "recover",
                project: &rebuilt.state.project,
                target: driver.describe(),
                region: driver.region(),
                environment: name.environment.clone(),
                serial: rebuilt.state.serial,
            };
            let recorder = Recorder::begin(Some(&store), &RecordArgs::default(), &header)?;
            let (state, kept) = store.supersede(&lock, rebuilt.state)?;
            let (result, serial) = ("done".into(), Some(state.serial));
            recorder.end(Event::RunEnded { result, done: 0, failed: 0, not_started: 0, serial, us: 0 })?;
            let kept: Vec<String> = kept.iter().map(|path| load::shown(path)).collect();
            let changes = rebuilt.plan.as_ref().ok().map(|plan| plan.changes.len());
            if printer.json {
                printer.document(&Recovered {
                    format: 1,
                    target: driver.describe(),
                    environment: name.environment,
                    lineage,
                    found: state.resources.iter().map(|(address, r)| thing(address, &r.id)).collect(),
                    replaced: state.deposed.iter().map(|d| thing(&d.address, &d.resource.id)).collect(),
                    missing: missing.iter().map(ToString::to_string).collect(),
                    untold: rebuilt.untold,
                    kept,
                    changes,
                    calls: driver.counts().into(),
                    diagnostics: report::to_json(&rebuilt.plan.err().unwrap_or_default(), &project.texts),
                });
                return Ok(Exit::Ok);
            }
            kept.iter().for_each(|path| printer.say(&format!("What was there is kept as {path}.")));
            let done = format!("The state is in {}", store.shown());
            match changes {
                Some(0) => printer.say(&format!("{done}; a plan has nothing to do.")),
                Some(n) => printer.say(&format!("{done}; `secnet plan` shows {n} changes.")),
                None => printer.say(&format!("{done}; a plan cannot be made yet.")),
            }
            Ok(Exit::Ok)
        })
    }

    /// A state that is not broken stays, unless it is told otherwise.
    fn look_at(&self, store: &Store, printer: &Printer) -> Result<(), Diagnostic> {
        let broken = [
            &codes::STATE_TRUNCATED,
            &codes::STATE_NOT_OURS,
            &codes::STATE_CHANGED_BY_HAND,
            &codes::JOURNAL_BROKEN,
            &codes::JOURNAL_OF_ANOTHER_STATE,
        ];
        match store.load() {
            Ok(loaded) => {
                let path = if store.read()?.is_some() { Some(store.state_path()) } else { None };
                // An apply that was interrupted before there was a state leaves all of it in its journal.
                let path = path.or_else(|| (!loaded.unfinished.is_empty()).then(|| store.journal_path()));
                path.filter(|_| !self.replace).map_or(Ok(()), |path| Err(codes::healthy(&load::shown(&path))))
            }
            Err(diagnostic) if broken.into_iter().any(|code| code == diagnostic.code) => {
                printer.whisper(&format!("Broken: {}.", diagnostic.message));
                Ok(())
            }
            Err(diagnostic) => Err(diagnostic),
        }
    }

    /// The lineage that is meant, and what carries it.
    fn chosen(&self, store: &Store, model: &Model, mut found: Lineages, region: &str) -> Result<(String, Vec<Tagged>), Diagnostic> {
        if let Some(lineage) = &self.lineage {
            let things = found.remove(lineage).ok_or_else(|| codes::nothing_to_recover(region, Some(lineage)))?;
            return Ok((lineage.clone(), things));
        }
        // Even a broken file may still tell.
        if let Some((lineage, things)) = store.lineage().and_then(|lineage| found.remove_entry(&lineage)) {
            return Ok((lineage, things));
        }
        found.retain(|_, things| things.iter().any(|t| model.resources.get(&t.address).is_some_and(|r| !r.existing)));
        if found.len() > 1 {
            let first = |things: &[Tagged]| things.first().map_or_else(String::new, |t| format!("{} as `{}`", t.id, t.address));
            let all: Vec<_> = found.iter().map(|(lineage, things)| (&**lineage, first(things), things.len())).collect();
            return Err(codes::several_lineages(&all));
        }
        found.into_iter().next().ok_or_else(|| codes::nothing_to_recover(region, None))
    }

    fn show(&self, texts: &Texts, rebuilt: &Rebuilt, missing: &[Address], printer: &Printer) {
        if printer.json {
            return;
        }
        let state = &rebuilt.state;
        let width = state.resources.keys().map(|a| a.as_str().chars().count()).max().unwrap_or_default();
        printer.say(&format!("\nFound of lineage {}:", state.lineage));
        for (address, resource) in &state.resources {
            printer.say(&format!("  {:width$}  {}", address.as_str(), resource.id));
        }
        for deposed in &state.deposed {
            let id = &deposed.resource.id;
            printer.say(&format!("{id} carries the name {}, too: the next apply deletes it.", deposed.address));
        }
        for address in missing {
            printer.say(&format!("{address} is not there: the next apply makes it."));
        }
        rebuilt.untold.iter().for_each(|line| printer.say(&format!("{line}.")));
        if !state.promises.is_empty() {
            printer.say("What the policies demanded before is not known: what they demand now counts as agreed.");
        }
        if let Err(diagnostics) = &rebuilt.plan {
            printer.diagnostics(diagnostics, texts);
        }
    }

    fn agree(&self, store: &Store, printer: &Printer) -> Result<(), Stop> {
        if self.yes {
            return Ok(());
        }
        if !printer.can_ask() {
            return Err(environment_codes::no_terminal("recover").into());
        }
        printer.ask(&format!("\nType `yes` to write this to {}: ", store.shown()));
        let mut answer = String::new();
        let read = std::io::stdin().lock().read_line(&mut answer);
        if read.is_ok() && answer.trim() == "yes" { Ok(()) } else { Err(environment_codes::not_agreed().into()) }
    }
}

fn thing(address: &Address, id: &str) -> Thing {
    Thing { address: address.to_string(), id: id.to_owned() }
}

/// What the project has and nothing that stands carries the name of.
fn missing(model: &Model, state: &State) -> Vec<Address> {
    model.resources.values().filter(|r| !r.existing && !state.resources.contains_key(&r.address)).map(|r| r.address.clone()).collect()
}

/// The credentials are for the project's account.
async fn own_account(driver: &Counted, project: &model::Project) -> Result<(), Diagnostic> {
    let account = refresh::who(driver).await.map_err(|e| read_failed(&e, driver))?;
    if let (Some(wanted), Some(actual)) = (&project.account, &account)
        && wanted != actual
    {
        return Err(codes::wrong_account("the project", wanted, actual));
    }
    check_accounts(driver, project, account.as_deref()).await
}
