//! Two holders, one that sleeps, answers that are lost, journals that are cut: all with objects in a directory.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Instant,
};

use super::{folder::Folder, lease, *};
use crate::{
    base::address::Address,
    state::{
        event::{Event, What},
        journal::Journal,
        store::{Lock, Store},
    },
};

/// A bucket whose answers may be lost, and that counts writes.
#[derive(Debug)]
struct Odd {
    inner: Folder,
    loses: AtomicBool,
    unreachable: AtomicBool,
    slow: Duration,
    puts: AtomicUsize,
}

impl Objects for Odd {
    fn get(&self, key: &str) -> Result<Option<Object>, Trouble> {
        self.inner.get(key)
    }

    fn put(&self, key: &str, bytes: &[u8], when: When<'_>) -> Result<String, Refused> {
        if self.unreachable.load(Ordering::SeqCst) {
            return Err(Refused::Failed("no route".into()));
        }
        std::thread::sleep(self.slow);
        self.puts.fetch_add(1, Ordering::SeqCst);
        let written = self.inner.put(key, bytes, when)?;
        // As a client says that repeats a write whose answer it did not see.
        if self.loses.load(Ordering::SeqCst) { Err(Refused::Conflict) } else { Ok(written) }
    }

    fn delete(&self, key: &str) -> Result<(), String> {
        self.inner.delete(key)
    }

    fn list(&self, prefix: &str) -> Result<Vec<Listed>, String> {
        self.inner.list(prefix)
    }

    fn url(&self) -> String {
        "s3://acme-state".into()
    }
}

fn odd(directory: &Path) -> Arc<Odd> {
    let (loses, unreachable) = (AtomicBool::new(false), AtomicBool::new(false));
    Arc::new(Odd { inner: Folder::new(directory), loses, unreachable, slow: Duration::ZERO, puts: AtomicUsize::new(0) })
}

fn at(directory: &Path) -> Remote {
    Remote::new(Arc::new(Folder::new(directory)), "secnet", "shop").with_lease(Duration::from_millis(400))
}

/// How long until a lease may be taken over that nobody renews.
const OVER: Duration = Duration::from_millis(700);

pub(super) fn lease_of(lock: &Lock) -> &lease::Lease {
    match lock {
        Lock::Lease(lease) => lease,
        Lock::File(_) => panic!("this lock is a file"),
    }
}

fn abandon(lock: Lock) {
    match lock {
        Lock::Lease(lease) => lease.abandon(),
        Lock::File(_) => panic!("this lock is a file"),
    }
}

pub(super) fn code<T>(result: Result<T, Diagnostic>) -> &'static str {
    result.map(drop).map_err(|d| d.code.id).err().unwrap_or("ok")
}

pub(super) fn begin(state: &State) -> Event {
    let (lineage, serial) = (state.lineage.clone(), state.serial);
    Event::Begin { lineage, serial, account: None, region: "us-east-1".into(), at: 0 }
}

pub(super) fn intent(operation: &str) -> Event {
    let address = Address::new("vpc", "main");
    let what = Some(What::Delete { address, id: "vpc-1".into() });
    Event::Intent { task: 0, call: 0, action: "DeleteVpc".into(), operation: operation.into(), what, site: None }
}

#[test]
fn a_state_is_read_as_it_was_written_and_the_one_before_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let remote = at(directory.path());
    let store = Store::Remote(remote.clone());
    assert!(!store.exists() && store.read().unwrap().is_none());
    let lock = store.lock("apply").unwrap();
    let first = store.write(&lock, store.load().unwrap().state).unwrap();
    let second = store.write(&lock, first.clone()).unwrap();
    assert_eq!((first.serial, second.serial), (1, 2));
    assert_eq!((store.read().unwrap().unwrap(), store.lineage()), (second, Some(first.lineage.clone())));
    assert_eq!(remote.versions().unwrap().into_iter().map(|(serial, _)| serial).collect::<Vec<_>>(), [1]);
    assert_eq!(remote.version(1).unwrap(), Some(first.clone()));
    assert_eq!(remote.version(7).unwrap(), None);
    assert_eq!(code(store.write(&lock, first)), "E0409", "it was written from an older one");
}

#[test]
fn one_of_two_holds_the_lock_and_the_other_is_told_who() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::Remote(at(directory.path()));
    let lock = store.lock("apply").unwrap();
    // Longer than a lease: it is renewed.
    std::thread::sleep(OVER);
    let refused = store.lock("plan").unwrap_err();
    assert_eq!(*refused.code, codes::LEASE_HELD);
    let id = lease_of(&lock).id();
    assert!(refused.message.contains(&format!("process {} (`apply`)", std::process::id())), "{}", refused.message);
    assert!(refused.help.iter().any(|help| help.contains(&id)), "{:?}", refused.help);
    lease_of(&lock).check().unwrap();
    drop(lock);
    drop(store.lock("plan").unwrap());
}

#[test]
fn of_many_at_once_one_wins() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::Remote(at(directory.path()).with_lease(LEASE));
    let all: Vec<_> = std::thread::scope(|scope| {
        let takes: Vec<_> = (0..16).map(|_| scope.spawn(|| store.lock("apply"))).collect();
        takes.into_iter().map(|take| take.join().unwrap()).collect()
    });
    assert_eq!(all.iter().filter(|taken| taken.is_ok()).count(), 1);
    assert!(all.iter().flat_map(|taken| taken.as_ref().err()).all(|refused| *refused.code == codes::LEASE_HELD));
}

#[test]
fn whoever_waits_gets_it_once_the_other_is_done() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::Remote(at(directory.path()));
    let lock = store.lock("apply").unwrap();
    let told = std::sync::Mutex::new(vec![]);
    let note = |held: &Diagnostic| told.lock().unwrap().push(held.message.clone());
    let begun = Instant::now();
    assert_eq!(code(store.lock_within("plan", Duration::from_millis(300), &note)), "E0420");
    assert!(begun.elapsed() >= Duration::from_millis(300) && told.lock().unwrap().len() == 1);
    let waiting = store.clone();
    let waiter = std::thread::spawn(move || waiting.lock_within("plan", Duration::from_secs(20), &|_| {}).is_ok());
    std::thread::sleep(Duration::from_millis(200));
    drop(lock);
    assert!(waiter.join().unwrap());
}

#[test]
fn a_holder_that_slept_past_its_lease_can_write_neither_state_nor_journal() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::Remote(at(directory.path()));
    let lock = store.lock("apply").unwrap();
    let state = store.write(&lock, store.load().unwrap().state).unwrap();
    let mut journal = Journal::create(&store, &lock).unwrap();
    journal.append(&[begin(&state), intent("a")]).unwrap();
    // Its clock stands still: it believes that it holds the lease. Nothing but the conditions of the writes stops it.
    lease_of(&lock).sleep();
    assert_eq!(code(store.lock("apply")), "E0420", "it is too early");
    std::thread::sleep(OVER);
    let second = store.lock("apply").unwrap();
    lease_of(&lock).check().unwrap();
    assert!(journal.append(&[intent("b")]).unwrap_err().to_string().contains("another secnet has taken over"));
    assert_eq!(code(store.write(&lock, state.clone())), "E0421");
    assert_eq!(code(store.finish(&lock, state.clone())), "E0421");
    // What it had written is what the next one finds, and resolves.
    let found = store.load().unwrap();
    assert_eq!(found.unfinished, [begin(&state), intent("a")]);
    let done = store.finish(&second, found.state).unwrap();
    assert_eq!((done.serial, store.load().unwrap().unfinished.len()), (2, 0));
    // Nor can it once the second is done, and its segments are gone.
    drop(second);
    let mut late = Journal::create(&store, &lock).unwrap();
    drop(journal);
    let third = store.lock("apply").unwrap();
    assert_eq!(code(store.write(&lock, done.clone())), "E0421");
    assert_eq!(store.write(&third, done).unwrap().serial, 3);
    drop(late.append(&[]));
}

#[test]
fn a_lease_that_ran_out_never_holds_again() {
    let directory = tempfile::tempdir().unwrap();
    let objects = odd(directory.path());
    let store = Store::Remote(Remote::new(objects.clone(), "secnet", "shop").with_lease(Duration::from_millis(400)));
    let lock = store.lock("apply").unwrap();
    objects.unreachable.store(true, Ordering::SeqCst);
    std::thread::sleep(Duration::from_millis(500));
    assert!(lease_of(&lock).check().is_err());
    objects.unreachable.store(false, Ordering::SeqCst);
    std::thread::sleep(Duration::from_millis(300));
    assert!(lease_of(&lock).check().is_err());
    let state = store.load().unwrap().state;
    assert_eq!(code(store.write(&lock, state)), "E0421");
    assert!(Journal::create(&store, &lock).unwrap().append(&[]).unwrap_err().to_string().contains("run out"));
}

#[test]
fn a_run_that_was_killed_between_segment_and_call_leaves_its_intent() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::Remote(at(directory.path()));
    let lock = store.lock("apply").unwrap();
    let state = store.load().unwrap().state;
    let mut journal = Journal::create(&store, &lock).unwrap();
    journal.append(&[begin(&state)]).unwrap();
    journal.append(&[intent("a")]).unwrap();
    drop(journal);
    abandon(lock);
    let next = Store::Remote(at(directory.path()));
    std::thread::sleep(OVER);
    let lock = next.lock("apply").unwrap();
    let found = next.load().unwrap();
    assert_eq!((found.unfinished.len(), &found.state.lineage), (2, &state.lineage));
    assert_eq!(code(Journal::create(&next, &lock)), "E0414");
    next.finish(&lock, found.state).unwrap();
    let mut journal = Journal::create(&next, &lock).unwrap();
    journal.append(&[begin(&next.load().unwrap().state)]).unwrap();
    assert_eq!(next.load().unwrap().unfinished.len(), 1);
}

#[test]
fn a_lock_that_was_ended_by_hand_is_taken_over_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let remote = at(directory.path()).with_lease(LEASE);
    let store = Store::Remote(remote.clone());
    let lock = store.lock("apply").unwrap();
    let state = store.write(&lock, store.load().unwrap().state).unwrap();
    assert_eq!(code(lease::unlock(&remote, "another")), "E0423");
    let id = lease::seen(&remote).unwrap().unwrap().id;
    lease::unlock(&remote, &id).unwrap();
    let second = store.lock("plan").unwrap();
    assert_eq!(code(store.write(&lock, state.clone())), "E0421");
    assert_eq!(store.write(&second, state).unwrap().serial, 2);
    drop(second);
    assert_eq!((lease::seen(&remote).unwrap(), code(lease::unlock(&remote, &id))), (None, "E0423"));
    // Somebody may delete the lock itself.
    let third = store.lock("plan").unwrap();
    std::fs::remove_file(directory.path().join(remote.lock_key())).unwrap();
    let fourth = store.lock("apply").unwrap();
    let state = store.load().unwrap().state;
    assert_eq!(code(store.write(&third, state.clone())), "E0421");
    assert_eq!(store.write(&fourth, state).unwrap().serial, 3);
}

#[test]
fn answers_that_are_lost_change_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let objects = odd(directory.path());
    objects.loses.store(true, Ordering::SeqCst);
    let store = Store::Remote(Remote::new(objects, "secnet", "shop").with_lease(Duration::from_millis(400)));
    let lock = store.lock("apply").unwrap();
    let state = store.write(&lock, store.load().unwrap().state).unwrap();
    let mut journal = Journal::create(&store, &lock).unwrap();
    journal.append(&[begin(&state)]).unwrap();
    std::thread::sleep(OVER);
    lease_of(&lock).check().unwrap();
    journal.append(&[intent("a")]).unwrap();
    assert_eq!(store.load().unwrap().unfinished.len(), 2);
}

#[test]
fn segments_that_are_cut_or_missing_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let remote = at(directory.path());
    let store = Store::Remote(remote.clone());
    let lock = store.lock("apply").unwrap();
    let mut journal = Journal::create(&store, &lock).unwrap();
    journal.append(&[begin(&store.load().unwrap().state)]).unwrap();
    journal.append(&[intent("a")]).unwrap();
    journal.append(&[intent("b")]).unwrap();
    let second = directory.path().join(remote.journal_prefix()).join("0000000002");
    let whole = std::fs::read(&second).unwrap();
    for cut in [1, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&second, &whole[..cut]).unwrap();
        assert_eq!(code(store.load()), "E0424", "cut to {cut}");
    }
    std::fs::remove_file(&second).unwrap();
    assert_eq!(code(store.load()), "E0424");
    std::fs::write(&second, &whole).unwrap();
    assert_eq!(store.load().unwrap().unfinished.len(), 3);
    // A rebuilt state goes in its place, and what was there is kept.
    std::fs::write(&second, "?").unwrap();
    let (state, kept) = store.supersede(&lock, State::empty("shop", "l".into())).unwrap();
    assert_eq!((kept.len(), store.load().unwrap().state, store.load().unwrap().unfinished), (3, state, vec![]));
}

#[test]
fn many_share_a_write() {
    let directory = tempfile::tempdir().unwrap();
    let objects = Arc::new(Odd { slow: Duration::from_millis(20), ..Arc::into_inner(odd(directory.path())).unwrap() });
    let store = Store::Remote(Remote::new(objects.clone(), "secnet", "shop"));
    let lock = store.lock("apply").unwrap();
    let mut journal = Journal::create(&store, &lock).unwrap();
    journal.append(&[begin(&store.load().unwrap().state)]).unwrap();
    let before = objects.puts.load(Ordering::SeqCst);
    let all: Vec<_> = (0..100).map(|i| journal.submit(&[intent(&i.to_string())]).unwrap()).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        for durable in all {
            durable.wait().await.unwrap();
        }
    });
    let writes = objects.puts.load(Ordering::SeqCst) - before;
    assert!(writes <= 3, "{writes} writes");
    let order: Vec<String> = store
        .load()
        .unwrap()
        .unfinished
        .into_iter()
        .filter_map(|event| match event {
            Event::Intent { operation, .. } => Some(operation),
            _ => None,
        })
        .collect();
    assert_eq!(order, (0..100).map(|i| i.to_string()).collect::<Vec<_>>());
}
