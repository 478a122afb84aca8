//! `secnet state mv ADDRESS --to DIR`: a resource from one project to another. Layer 10.
//!
//! The journal of the giving project says first what is handed over, and to whom; then the other's state is written, which is the
//! moment when it changes hands; then the giver's own. A run that finds such a journal asks the other's state what has come of it.

use std::path::{Path, PathBuf};

use super::change::{ChangeArgs, Open, found, free, told};
use crate::{
    base::{address::Address, codes::state as codes, diagnostic::Diagnostic},
    cli::{Exit, Outcome, backend, printer::Printer},
    schema::value::Value,
    state::{
        Resource, State,
        event::{Event, Handed},
        journal::Journal,
        store::now,
    },
};

/// Moves a resource to the project in another directory.
pub fn run(of: &ChangeArgs, old: &str, new: Option<&str>, to: &Path, printer: &Printer) -> Outcome {
    let from = of.open("state mv", printer)?;
    let other = of.open_other(to, "state mv", printer)?;
    if from.store.state_path() == other.store.state_path() {
        return Err(codes::cannot_move(old, new.unwrap_or(old), "it is the same project").into());
    }
    let old = found(&from.state, old)?;
    let new = free(&other.state, &old, new.unwrap_or(old.as_str()))?;
    fits(&from, &other, &old)?;
    let id = from.state.resources.get(&old).map_or_else(String::new, |r| r.id.clone());
    let question = format!("`{old}` ({id}) goes from `{}` to `{}`, as `{new}`.", from.project.key(), other.project.key());
    of.agree("state mv", &question, printer)?;

    let mut journal = Journal::create(&from.store, &from.lock)?;
    let State { lineage, serial, account, region, .. } = from.state.clone();
    let begin = Event::Begin { lineage, serial, account, region: region.unwrap_or_default(), at: now() };
    let handed = Handed { above: above(&other), key: other.project.key(), backend: other.place.backend(&other.project) };
    let note = Event::HandedOver { addresses: vec![old.clone()], id: id.clone(), to: handed };
    let failed = |e: std::io::Error| codes::not_writable(&from.store.shown(), &e.to_string());
    journal.append(&[begin, note]).map_err(failed)?;

    let (mut ours, mut theirs) = (from.state, other.state);
    for (_, resource) in ours.hand_over(std::slice::from_ref(&old)) {
        theirs.resources.insert(new.clone(), resource);
    }
    theirs.account = theirs.account.or_else(|| ours.account.clone());
    theirs.region = theirs.region.or_else(|| ours.region.clone());
    theirs.sealing_key = theirs.sealing_key.or_else(|| ours.sealing_key.clone());
    other.store.write(&other.lock, theirs)?;
    // From here on it is the other's, however this ends.
    drop(journal);
    let ours = from.store.finish(&from.lock, ours)?;
    let words = format!("`{old}` ({id}) is `{new}` of `{}` now. Move its block there, too.", other.project.key());
    told(printer, &from.store, ours.serial, &[old.to_string(), new.to_string()], &words);
    Ok(Exit::Ok)
}

/// Where the other project's state lies if it is beside its sources: from anywhere.
fn above(other: &Open) -> String {
    let above = other.place.above(&other.directory);
    std::path::absolute(&above).unwrap_or(above).to_string_lossy().into_owned()
}

/// Whether the other project can have it.
fn fits(from: &Open, other: &Open, old: &Address) -> Result<(), Diagnostic> {
    let refused = |why: &str| Err(codes::cannot_move(old.as_str(), &format!("project {}", other.project.key()), why));
    let (ours, theirs) = (&from.state, &other.state);
    let differ = |one: &Option<String>, two: &Option<String>| matches!((one, two), (Some(one), Some(two)) if one != two);
    if differ(&ours.account, &theirs.account) || differ(&ours.region, &theirs.region) {
        return refused("that project stands in another account or region");
    }
    let Some(resource) = ours.resources.get(old) else { return Ok(()) };
    if resource.site.is_some() {
        return refused("it stands in another account or region than its project");
    }
    if differ(&ours.sealing_key, &theirs.sealing_key) && is_sealed(resource) {
        return refused("it has sensitive values, and that project has another key for their hashes");
    }
    Ok(())
}

fn is_sealed(resource: &Resource) -> bool {
    let records = std::iter::once(&resource.record).chain(resource.parts.iter().map(|p| &p.record));
    records.flat_map(|record| record.values()).any(Value::is_sealed)
}

/// What came of a hand-over that was interrupted, in words: the state has or has not what it was about.
///
/// # Errors
/// The other's state cannot be read.
pub fn resolve(state: &mut State, unfinished: &[Event]) -> Result<Vec<String>, Diagnostic> {
    let mut told = vec![];
    for event in unfinished {
        let Event::HandedOver { addresses, id, to } = event else { continue };
        let other = backend::store_of(&to.backend, &PathBuf::from(&to.above), &to.key)?;
        let theirs = other.read()?.is_some_and(|other| other.resources.values().any(|r| r.id == *id));
        if theirs {
            state.hand_over(addresses);
        }
        told.extend(addresses.iter().map(|address| match theirs {
            true => format!("`{address}` ({id}) went to project `{}`", to.key),
            false => format!("`{address}` ({id}) stayed here"),
        }));
    }
    Ok(told)
}
