//! `secnet state mv ADDRESS --to DIR`: a resource from one project to another. Layer 10.
//!
//! The journal of the giving project says first what is handed over, and to whom; then the other's state is written, which is the
//! moment when it changes hands; then the giver's own. A run that finds such a journal asks the other's state what has come of it:
//! that keeps a receipt until the giver has finished, for what came may have gone on since, or be unmade.

use std::path::{Path, PathBuf};

use super::change::{ChangeArgs, Open, found, free, told};
use crate::{
    base::{address::Address, codes::state as codes, diagnostic::Diagnostic},
    cli::{Exit, Outcome, backend, printer::Printer},
    schema::value::Value,
    state::{
        Resource, State,
        event::{Event, Handed},
        identity::random,
        journal::Journal,
        store::{Lock, Store, now},
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

    let receipt = random().map_err(|e| codes::no_randomness(&e.to_string()))?;
    let handed = Handed { above: above(&other), key: other.project.key(), backend: other.place.backend(&other.project), receipt };
    let giver = Side { store: &from.store, lock: &from.lock, state: from.state };
    let taker = Side { store: &other.store, lock: &other.lock, state: other.state };
    let ours = hand_over(giver, taker, (&old, &new), handed)?;
    let words = format!("`{old}` ({id}) is `{new}` of `{}` now. Move its block there, too.", other.project.key());
    told(printer, &from.store, ours.serial, &[old.to_string(), new.to_string()], &words);
    Ok(Exit::Ok)
}

/// One of the two projects.
struct Side<'a> {
    store: &'a Store,
    lock: &'a Lock,
    state: State,
}

/// Says in the giver's journal what goes, writes the taker's state, then the giver's, and takes the receipt back. Gives the giver's.
fn hand_over(from: Side<'_>, to: Side<'_>, (old, new): (&Address, &Address), handed: Handed) -> Result<State, Diagnostic> {
    let (mut ours, mut theirs) = (from.state, to.state);
    let mut journal = Journal::create(from.store, from.lock)?;
    let State { lineage, serial, account, region, .. } = ours.clone();
    let begin = Event::Begin { lineage, serial, account, region: region.unwrap_or_default(), at: now() };
    let id = ours.resources.get(old).map_or_else(String::new, |r| r.id.clone());
    let receipt = handed.receipt.clone();
    let note = Event::HandedOver { addresses: vec![old.clone()], id, to: handed };
    let failed = |e: std::io::Error| codes::not_writable(&from.store.shown(), &e.to_string());
    journal.append(&[begin, note]).map_err(failed)?;

    for (_, resource) in ours.hand_over(std::slice::from_ref(old)) {
        theirs.resources.insert(new.clone(), resource);
    }
    theirs.account = theirs.account.or_else(|| ours.account.clone());
    theirs.region = theirs.region.or_else(|| ours.region.clone());
    theirs.sealing_key = theirs.sealing_key.or_else(|| ours.sealing_key.clone());
    theirs.received.insert(receipt.clone());
    let mut theirs = to.store.write(to.lock, theirs)?;
    // From here on it is the other's, however this ends.
    drop(journal);
    let ours = from.store.finish(from.lock, ours)?;
    theirs.received.remove(&receipt);
    to.store.write(to.lock, theirs)?;
    Ok(ours)
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
    resolve_with(state, unfinished, &|to| backend::store_of(&to.backend, &PathBuf::from(&to.above), &to.key))
}

/// How to come to the store of the other.
type Way<'a> = &'a dyn Fn(&Handed) -> Result<Store, Diagnostic>;

fn resolve_with(state: &mut State, unfinished: &[Event], way: Way<'_>) -> Result<Vec<String>, Diagnostic> {
    let mut told = vec![];
    for event in unfinished {
        let Event::HandedOver { addresses, id, to } = event else { continue };
        let theirs = way(to)?.read()?.is_some_and(|other| other.received.contains(&to.receipt));
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        schema::{model::Backend, value::Record},
        state::remote::{
            Objects, Remote,
            folder::Folder,
            mortal::{Mortal, unlock},
        },
    };

    fn address(name: &str) -> Address {
        Address::new("subnet", name)
    }

    fn handed() -> Handed {
        Handed { above: String::new(), key: "q".into(), backend: Backend::default(), receipt: "r".into() }
    }

    fn remotes(objects: &Arc<dyn Objects>) -> [Remote; 2] {
        ["p", "q"].map(|name| Remote::new(objects.clone(), "secnet", name))
    }

    fn subnet(id: &str) -> Resource {
        Resource {
            id: id.into(),
            secnet_id: String::new(),
            record: Record::new(),
            parts: vec![],
            after: vec![],
            protect: false,
            site: None,
        }
    }

    fn filled(folder: &Arc<dyn Objects>) {
        for (store, ids) in remotes(folder).map(Store::Remote).iter().zip([["subnet-1", "subnet-2"], ["subnet-3", "subnet-4"]]) {
            let lock = store.lock("apply").unwrap();
            let mut state = store.load().unwrap().state;
            for (name, id) in ["a", "b"].into_iter().zip(ids) {
                state.resources.insert(address(name), subnet(id));
            }
            store.write(&lock, state).unwrap();
        }
    }

    fn moved(objects: &Arc<dyn Objects>) -> Result<State, Diagnostic> {
        let [p, q] = remotes(objects).map(Store::Remote);
        let (ours, theirs) = (p.lock("state mv")?, q.lock("state mv")?);
        let from = Side { store: &p, lock: &ours, state: p.load()?.state };
        let to = Side { store: &q, lock: &theirs, state: q.load()?.state };
        hand_over(from, to, (&address("a"), &address("c")), handed())
    }

    /// Where each id stands.
    fn ids(objects: &Arc<dyn Objects>) -> Vec<(String, String)> {
        let all = remotes(objects).map(|remote| Store::Remote(remote).load().unwrap().state);
        let of = |state: &State| state.resources.iter().map(|(a, r)| (r.id.clone(), format!("{}:{a}", state.project))).collect::<Vec<_>>();
        let mut all: Vec<_> = all.iter().flat_map(of).collect();
        all.sort();
        all
    }

    #[test]
    fn what_the_other_has_let_go_of_since_does_not_come_back() {
        let mut interrupted = 0;
        'all: for at in 1.. {
            for made in [false, true] {
                let directory = tempfile::tempdir().unwrap();
                let folder = Folder::new(directory.path());
                let living: Arc<dyn Objects> = Arc::new(folder.clone());
                filled(&living);
                let mortal = Mortal::new(folder, at, made);
                let objects: Arc<dyn Objects> = mortal.clone();
                let done = moved(&objects);
                if !mortal.is_dead() {
                    done.unwrap();
                    let theirs = Store::Remote(remotes(&living)[1].clone()).load().unwrap().state;
                    assert!(theirs.received.is_empty(), "the giver knows: {:?}", theirs.received);
                    break 'all;
                }
                remotes(&living).iter().for_each(unlock);
                let [p, q] = remotes(&living).map(Store::Remote);
                let theirs = q.lock("apply").unwrap();
                let mut other = q.load().unwrap().state;
                let came = other.resources.remove(&address("c")).is_some();
                // The other goes on, twice.
                other = q.write(&theirs, other).unwrap();
                q.write(&theirs, other).unwrap();
                let loaded = p.load().unwrap();
                let mut state = loaded.state;
                if !loaded.unfinished.is_empty() {
                    resolve_with(&mut state, &loaded.unfinished, &|_| Ok(q.clone())).unwrap();
                    interrupted += usize::from(came);
                }
                assert_eq!(state.resources.contains_key(&address("a")), !came, "killed at {at}, made {made}");
            }
        }
        assert!(interrupted >= 2, "{interrupted}");
    }

    #[test]
    fn whenever_it_is_killed_each_resource_is_in_one_state_once_the_next_run_has_looked() {
        let (mut kills, mut mended, mut gone) = (0, [0, 0], 0);
        'all: for at in 1.. {
            for made in [false, true] {
                let directory = tempfile::tempdir().unwrap();
                let folder = Folder::new(directory.path());
                let living: Arc<dyn Objects> = Arc::new(folder.clone());
                filled(&living);
                let mortal = Mortal::new(folder, at, made);
                let objects: Arc<dyn Objects> = mortal.clone();
                let done = moved(&objects);
                if !mortal.is_dead() {
                    assert!(done.is_ok());
                    break 'all;
                }
                kills += 1;
                remotes(&living).iter().for_each(unlock);
                let [p, q] = remotes(&living).map(Store::Remote);
                assert!(q.load().unwrap().unfinished.is_empty(), "whoever takes can go on at once: {at}");
                let lock = p.lock("plan").unwrap();
                let loaded = p.load().unwrap();
                let mut state = loaded.state;
                if !loaded.unfinished.is_empty() {
                    let told = resolve_with(&mut state, &loaded.unfinished, &|_| Ok(q.clone())).unwrap();
                    let went = q.read().unwrap().unwrap().resources.contains_key(&address("c"));
                    let words = if went { "`subnet.a` (subnet-1) went to project `q`" } else { "`subnet.a` (subnet-1) stayed here" };
                    assert_eq!(told, [words], "{at}");
                    mended[usize::from(went)] += 1;
                    p.finish(&lock, state).unwrap();
                }
                let first = ("subnet-1".to_owned(), "p:subnet.a".to_owned());
                let rest = [("subnet-2", "p:subnet.b"), ("subnet-3", "q:subnet.a"), ("subnet-4", "q:subnet.b")];
                let rest = rest.map(|(id, place)| (id.to_owned(), place.to_owned()));
                let found = ids(&living);
                assert_eq!(found[1..], rest, "killed at {at}");
                assert!(found[0] == first || found[0].1 == "q:subnet.c", "killed at {at}: {found:?}");
                assert!(done.is_err() || found[0] != first, "killed at {at}: what was said to be done is");
                gone += usize::from(found[0] != first);
                // Where it has stayed, it can be moved again.
                drop(lock);
                if found[0] == first {
                    moved(&living).unwrap();
                    assert_eq!(ids(&living)[0].1, "q:subnet.c");
                }
            }
        }
        assert!(kills >= 16 && mended.iter().all(|n| *n >= 2) && gone >= 4 && gone < kills, "{kills} {mended:?} {gone}");
    }
}
