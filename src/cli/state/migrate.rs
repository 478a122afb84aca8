//! `secnet state migrate`: the state from where it was kept to where the project says. Layer 10.

use crate::{
    base::{codes::state as codes, diagnostic::Diagnostic},
    cli::{
        Exit, Outcome, Stop, backend,
        printer::Printer,
        state::change::{ChangeArgs, agree, told},
    },
    schema::model::Bucket,
    state::store::{Lock, Store},
};

/// Copies the state, verifies the copy, sets the old one aside.
pub fn run(of: &ChangeArgs, printer: &Printer) -> Outcome {
    let (directory, project) = (&of.of.directory, of.of.project()?);
    if of.of.sandbox {
        // That of the sandbox is nowhere else than it was.
        let (place, store) = (of.of.place(), of.of.store()?);
        if let Some(bucket) = &place.backend(&project).bucket {
            return in_place(of, bucket, &store, printer);
        }
        return Ok(stays(&store, printer)?);
    }
    let known = backend::known(directory, &project)?.filter(|known| !backend::same(known, &project.backend));
    let new = backend::store_of(&project.backend, directory, &project.key())?;
    let Some(known) = known else {
        if let Some(bucket) = &project.backend.bucket {
            return in_place(of, bucket, &new, printer);
        }
        return Ok(stays(&new, printer)?);
    };
    let old = backend::store_of(&known, directory, &project.key())?;
    let lock = |store: &Store| store.lock_within("state migrate", of.patience(), &|held| printer.whisper(&held.message));
    let (old_lock, new_lock) = (lock(&old)?, lock(&new)?);
    let loaded = old.load()?;
    if !loaded.unfinished.is_empty() {
        let unfinished = codes::journal_unfinished(&crate::cli::load::shown(&old.journal_path()));
        return Err(unfinished.help("change the `state` block back, run `secnet apply`, which resolves it, and then migrate").into());
    }
    let state = loaded.state;
    let there = new.read()?;
    let copied = there.as_ref().is_some_and(|there| there.lineage == state.lineage && there.serial >= state.serial);
    if let Some(there) = there.as_ref().filter(|_| old.exists() && !copied) {
        let why = match there.lineage == state.lineage {
            true => "an older state of this project",
            false => "the state of another lineage",
        };
        return Err(codes::migration_refused(&new.shown(), why).into());
    }
    let mut kept = vec![];
    if old.exists() {
        consent(of, &old, &new, state.resources.len(), copied, printer)?;
        if !copied {
            new.seed(&new_lock, &state)?;
            if new.read()?.as_ref() != Some(&state) {
                return Err(codes::migration_refused(&new.shown(), "something else than what was written, when it was read back").into());
            }
        }
        kept.push(set_aside(&old, &old_lock)?);
    }
    backend::remember(directory, &project)?;
    let aside = kept.first().map_or_else(String::new, |kept| format!(" What was in {} is kept as {kept}.", old.shown()));
    told(printer, &new, state.serial, &kept, &format!("The state is in {} now.{aside}", new.shown()));
    Ok(Exit::Ok)
}

fn stays(store: &Store, printer: &Printer) -> Result<Exit, Diagnostic> {
    told(printer, store, store.load()?.state.serial, &[], &format!("The state is in {} already.", store.shown()));
    Ok(Exit::Ok)
}

/// Encrypts what is in the clear, or the other way round, where it is.
fn in_place(of: &ChangeArgs, bucket: &Bucket, store: &Store, printer: &Printer) -> Outcome {
    let (directory, project) = (&of.of.directory, of.of.project()?);
    let (objects, remote) = backend::in_any_form(bucket, &project.key())?;
    let in_place = Store::Remote(remote.clone());
    let serial = in_place.load()?.state.serial;
    let wanted = if bucket.encryption.is_some() { "encrypted" } else { "in the clear" };
    // What an interrupted run has left is done without asking again.
    if !objects.in_form(&remote.state_key()).is_ok_and(|is| is) {
        agree(of.yes, "state migrate", &format!("The state in {} is to be {wanted}, with its history.", store.shown()), printer)?;
    }
    let Lock::Lease(lease) = in_place.lock_within("state migrate", of.patience(), &|held| printer.whisper(&held.message))? else {
        return Err(codes::not_writable(&store.shown(), "the lock is that of another store").into());
    };
    let brought = remote.bring_into_form(&lease, &objects)?;
    drop(lease);
    store.load()?;
    if !of.of.sandbox {
        backend::remember(directory, &project)?;
    }
    let words = match brought {
        0 => format!("The state is in {} already, {wanted}.", store.shown()),
        1 => format!("1 object in {} is {wanted} now.", store.shown()),
        _ => format!("{brought} objects in {} are {wanted} now.", store.shown()),
    };
    told(printer, store, serial, &[], &words);
    Ok(Exit::Ok)
}

fn consent(of: &ChangeArgs, old: &Store, new: &Store, resources: usize, copied: bool, printer: &Printer) -> Result<(), Stop> {
    let question = match copied {
        true => format!("The state of this project is in {} already. The one in {} is set aside.", new.shown(), old.shown()),
        false => format!("The state with {resources} resources goes from {} to {}.", old.shown(), new.shown()),
    };
    agree(of.yes, "state migrate", &question, printer)
}

fn set_aside(store: &Store, lock: &Lock) -> Result<String, Diagnostic> {
    let kept = match (store, lock) {
        (Store::Remote(remote), Lock::Lease(lease)) => remote.set_aside(lease)?,
        (Store::Local(local), _) => local.set_aside()?,
        (Store::Remote(_), Lock::File(_)) => return Err(codes::not_writable(&store.shown(), "the lock is that of another store")),
    };
    Ok(crate::cli::load::shown(&kept))
}
