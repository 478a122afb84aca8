//! `secnet state mv|rm|push|pull|unlock`: the state changed by hand, without a call to EC2. Layer 10.

use std::{io::BufRead, path::PathBuf};

use clap::Args;
use serde::Serialize;

use super::StateArgs;
use crate::{
    base::{
        address::Address,
        codes::{environment, state as codes},
        diagnostic::Diagnostic,
    },
    cli::{Exit, Outcome, Stop, backend::LockArgs, load, printer::Printer, target::Place},
    resources,
    schema::model,
    state::{
        State as Known,
        event::Event,
        remote::lease,
        store::{Lock, Store, file_of, of_file},
    },
};

/// Of commands that change the state.
#[derive(Debug, Clone, Args)]
pub struct ChangeArgs {
    #[command(flatten)]
    pub of: StateArgs,
    #[command(flatten)]
    lock: LockArgs,
    /// Go ahead without asking
    #[arg(long)]
    pub yes: bool,
}

/// A state that is about to be changed.
pub struct Open {
    pub directory: PathBuf,
    pub project: model::Project,
    pub place: Place,
    pub store: Store,
    pub lock: Lock,
    pub state: Known,
}

impl ChangeArgs {
    /// Takes the lock and reads the state.
    ///
    /// # Errors
    /// Somebody else holds the lock, or the state is not usable, or something has to be found out first.
    pub fn open(&self, command: &str, printer: &Printer) -> Result<Open, Stop> {
        let (directory, project) = (self.of.directory.clone(), self.of.project()?);
        Ok(Open::at(directory, project, self.of.place(), (command, self.lock), printer)?)
    }

    /// The same of another project, in the same place.
    ///
    /// # Errors
    /// As [`ChangeArgs::open`].
    pub fn open_other(&self, directory: &std::path::Path, command: &str, printer: &Printer) -> Result<Open, Stop> {
        let project = self.of.project_in(directory)?;
        Ok(Open::at(directory.to_owned(), project, self.of.place(), (command, self.lock), printer)?)
    }

    /// How long it waits for a lock.
    #[must_use]
    pub fn patience(&self) -> std::time::Duration {
        self.lock.lock_timeout
    }

    /// Whether it may go ahead.
    ///
    /// # Errors
    /// Nobody can be asked, or nobody agrees.
    pub fn agree(&self, command: &str, question: &str, printer: &Printer) -> Result<(), Stop> {
        agree(self.yes, command, question, printer)
    }
}

/// Asks, unless it was agreed to beforehand.
///
/// # Errors
/// Nobody can be asked, or nobody agrees.
pub fn agree(yes: bool, command: &str, question: &str, printer: &Printer) -> Result<(), Stop> {
    if yes {
        return Ok(());
    }
    if !printer.can_ask() {
        return Err(environment::no_terminal(command).into());
    }
    printer.ask(&format!("{question} Type `yes` to agree: "));
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    if read.is_ok() && answer.trim() == "yes" { Ok(()) } else { Err(environment::not_agreed().into()) }
}

impl Open {
    fn at(
        directory: PathBuf,
        project: model::Project,
        place: Place,
        asked: (&str, LockArgs),
        printer: &Printer,
    ) -> Result<Self, Diagnostic> {
        let store = place.store(&directory, &project)?;
        let lock = place.lock(&store, &directory, &project, asked, *printer)?;
        let loaded = store.load()?;
        if !loaded.unfinished.is_empty() {
            return Err(codes::journal_unfinished(&load::shown(&store.journal_path())));
        }
        Ok(Self { directory, project, place, store, lock, state: loaded.state })
    }
}

#[derive(Serialize)]
struct Changed<'a> {
    format: u32,
    state: String,
    serial: u64,
    changed: &'a [String],
}

/// Says what was changed.
pub fn told(printer: &Printer, store: &Store, serial: u64, changed: &[String], words: &str) {
    if printer.json {
        printer.document(&Changed { format: 1, state: store.shown(), serial, changed });
    } else {
        printer.say(words);
    }
}

/// The address of something that is in the state.
///
/// # Errors
/// It is not.
pub fn found(state: &Known, text: &str) -> Result<Address, Diagnostic> {
    let found = Address::parse(text).filter(|address| state.resources.contains_key(address));
    found.ok_or_else(|| environment::not_in_state(text, state.resources.keys().map(Address::as_str)))
}

/// A new address for something.
///
/// # Errors
/// It is none, or is taken, or of another type.
pub fn free(state: &Known, old: &Address, text: &str) -> Result<Address, Diagnostic> {
    let refused = |why: &str| codes::cannot_move(old.as_str(), text, why);
    let new = Address::parse(text).ok_or_else(|| refused("that is no address"))?;
    if resources::spec(new.kind()).is_none() || new.kind() != old.kind() {
        return Err(refused(&format!("a {} stays one", old.kind())));
    }
    if state.resources.contains_key(&new) {
        return Err(refused("the state has that already"));
    }
    Ok(new)
}

/// Gives a resource another address.
pub fn rename(of: &ChangeArgs, old: &str, new: &str, printer: &Printer) -> Outcome {
    let Open { store, lock, mut state, .. } = of.open("state mv", printer)?;
    let old = found(&state, old)?;
    let new = free(&state, &old, new)?;
    state.fold(&Event::Moved { moves: vec![(old.clone(), new.clone())] });
    let state = store.write(&lock, state)?;
    let words = format!("`{old}` is `{new}` in the state now. Name it so in the sources, too.");
    told(printer, &store, state.serial, &[old.to_string(), new.to_string()], &words);
    Ok(Exit::Ok)
}

/// Forgets a resource.
pub fn remove(of: &ChangeArgs, address: &str, printer: &Printer) -> Outcome {
    let Open { store, lock, mut state, .. } = of.open("state rm", printer)?;
    let address = found(&state, address)?;
    let id = state.resources.get(&address).map_or_else(String::new, |r| r.id.clone());
    if !of.yes {
        printer.say(&format!("`{address}` ({id}) stays in EC2 as it is, with its tags, and the state forgets it."));
    }
    of.agree("state rm", "", printer)?;
    state.hand_over(std::slice::from_ref(&address));
    let state = store.write(&lock, state)?;
    let words = format!("The state has forgotten `{address}`; `{id}` stands as before.");
    told(printer, &store, state.serial, &[address.to_string()], &words);
    Ok(Exit::Ok)
}

/// Prints the state as a state file holds it.
pub fn pull(of: &StateArgs, version: Option<u64>, printer: &Printer) -> Outcome {
    let (project, place) = (of.project()?, of.place());
    let store = place.store(&of.directory, &project)?;
    let state = match (version, &store) {
        (None, _) => store.load()?.state,
        (Some(serial), Store::Remote(remote)) => remote.version(serial)?.ok_or_else(|| codes::no_version(&store.shown(), serial))?,
        (Some(serial), Store::Local(_)) => return Err(codes::no_version(&store.shown(), serial).into()),
    };
    printer.result(String::from_utf8_lossy(&file_of(&state)?).trim_end());
    Ok(Exit::Ok)
}

/// Puts a state in the place of the one that is there.
pub fn push(of: &ChangeArgs, file: &std::path::Path, older: bool, printer: &Printer) -> Outcome {
    let Open { store, lock, state: current, project, .. } = of.open("state push", printer)?;
    let shown = load::shown(file);
    let bytes = std::fs::read(file).map_err(|e| codes::not_readable(&shown, &load::reason(&e)))?;
    let mut state = of_file(&bytes, &shown, &project.key())?;
    if store.exists() {
        if state.lineage != current.lineage {
            return Err(codes::push_refused(&shown, "it is of another lineage: another project's, or from before it was rebuilt").into());
        }
        if state.serial < current.serial && !older {
            let why =
                format!("it has serial {}, and the state has serial {}: what was done since would be lost", state.serial, current.serial);
            return Err(codes::push_refused(&shown, &why).into());
        }
    }
    let (ours, theirs) = (current.resources.len(), state.resources.len());
    let question = format!("{} has {ours} resources, and {shown} has {theirs}.", store.shown());
    of.agree("state push", &question, printer)?;
    let serial = if store.exists() {
        state.serial = current.serial;
        store.write(&lock, state)?.serial
    } else {
        store.seed(&lock, &state)?;
        state.serial
    };
    let words = format!("The state in {} is that of {shown} now, with serial {serial}.", store.shown());
    told(printer, &store, serial, &[], &words);
    Ok(Exit::Ok)
}

#[derive(Serialize)]
struct Unlocked {
    format: u32,
    unlocked: String,
    holder: String,
}

/// Ends the lease of somebody who is gone.
pub fn unlock(of: &StateArgs, id: &str, yes: bool, printer: &Printer) -> Outcome {
    let project = of.project()?;
    let store = of.place().store(&of.directory, &project)?;
    let Store::Remote(remote) = &store else { return Err(codes::not_locked_by(&project.key(), id, None).into()) };
    let seen = lease::seen(remote)?;
    let Some(seen) = seen.filter(|seen| seen.id == id) else {
        let held = lease::seen(remote)?;
        return Err(codes::not_locked_by(&project.key(), id, held.as_ref().map(|s| (&*s.id, &*s.holder))).into());
    };
    let question = format!("The lock of {} is held by {}. If that lives on, it can write nothing more.", project.key(), seen.holder);
    agree(yes, "state unlock", &question, printer)?;
    lease::unlock(remote, id)?;
    if printer.json {
        printer.document(&Unlocked { format: 1, unlocked: seen.id, holder: seen.holder });
    } else {
        printer.say("Unlocked. The next run takes up what that one has left.");
    }
    Ok(Exit::Ok)
}
