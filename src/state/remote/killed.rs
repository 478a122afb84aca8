//! A shared state that is brought into another form, by one who is killed on the way or overtaken.

use std::collections::BTreeMap;

use super::{
    account::{self, Account},
    encryption::{Encrypted, Secret},
    folder::Folder,
    mortal::{Mortal, unlock},
    tests::{begin, code, intent, lease_of},
    *,
};
use crate::state::{
    event::Event,
    journal::Journal,
    store::{Lock, Store},
};

fn remote(objects: Encrypted) -> (Arc<Encrypted>, Remote) {
    let objects = Arc::new(objects);
    (objects.clone(), Remote::new(objects, "secnet", "shop"))
}

fn key() -> Option<Secret> {
    Secret::of_file(&[7; 32]).ok()
}

/// Everything that can be read of a state.
#[derive(Debug, PartialEq)]
struct Contents {
    loaded: (State, Vec<Event>),
    versions: BTreeMap<u64, State>,
    log: Vec<u8>,
    undo: Option<Vec<u8>>,
}

fn contents(remote: &Remote) -> Result<Contents, Diagnostic> {
    let Loaded { state, unfinished } = remote.load()?;
    let version = |(serial, _): &(u64, Listed)| Ok((*serial, remote.version(*serial)?.unwrap()));
    let versions = remote.versions()?.iter().map(version).collect::<Result<_, Diagnostic>>()?;
    Ok(Contents { loaded: (state, unfinished), versions, log: account::read(remote, None)?, undo: remote.undo()? })
}

/// A state in the clear with all that can be beside it; its lock was given back.
fn filled(folder: &Folder) -> Contents {
    let (_, remote) = remote(Encrypted::new(Arc::new(folder.clone()), None));
    let store = Store::Remote(remote.clone());
    let lock = store.lock("apply").unwrap();
    let mut state = store.load().unwrap().state;
    for _ in 0..3 {
        state = store.write(&lock, state).unwrap();
    }
    remote.set_aside(lease_of(&lock)).unwrap();
    remote.seed(lease_of(&lock), &state).unwrap();
    remote.keep_undo(lease_of(&lock), b"{}").unwrap();
    let mut account = Account::open(&remote).unwrap();
    account.write(b"a line\n".to_vec()).unwrap();
    account.end().unwrap();
    let mut journal = Journal::create(&store, &lock).unwrap();
    journal.append(&[begin(&state)]).unwrap();
    journal.append(&[intent("a")]).unwrap();
    drop((journal, lock));
    contents(&remote).unwrap()
}

fn migrate(objects: Arc<dyn Objects>) -> Result<usize, Diagnostic> {
    let (objects, remote) = remote(Encrypted::new(objects, key()).or(vec![]));
    let Lock::Lease(lease) = Store::Remote(remote.clone()).lock("state migrate")? else { panic!("it is a lease") };
    remote.bring_into_form(&lease, &objects)
}

/// How many objects are in the new form, and how many are not.
fn forms(folder: &Folder) -> [usize; 2] {
    let strict = Encrypted::new(Arc::new(folder.clone()), key());
    let listed = folder.list("secnet/shop").unwrap();
    let is_new = |listed: &&Listed| strict.in_form(&listed.key).unwrap();
    let new = listed.iter().filter(is_new).count();
    [new, listed.len() - new]
}

#[test]
fn whenever_it_is_killed_nothing_is_lost_and_the_next_brings_the_rest() {
    let (mut kills, mut halfway) = (0, 0);
    'all: for at in 1.. {
        for made in [false, true] {
            let directory = tempfile::tempdir().unwrap();
            let folder = Folder::new(directory.path());
            let before = filled(&folder);
            let mortal = Mortal::new(folder.clone(), at, made);
            let migrated = migrate(mortal.clone());
            if !mortal.is_dead() {
                break 'all;
            }
            kills += 1;
            // The last write gives the lock back, and nobody waits for that.
            let [new, old] = forms(&folder);
            assert!(migrated.is_err() || old <= 1, "killed at {at}: {migrated:?}, {old} in the clear");
            let (_, either) = remote(Encrypted::new(Arc::new(folder.clone()), key()).or(vec![]));
            assert_eq!(contents(&either).unwrap(), before, "killed at {at}");
            let (_, strict) = remote(Encrypted::new(Arc::new(folder.clone()), key()));
            if migrated.is_err() && new > 1 && old > 0 {
                halfway += 1;
                let told = contents(&strict).unwrap_err();
                assert_eq!(*told.code, codes::NOT_ENCRYPTED_SO, "killed at {at}");
                assert!(told.help.iter().any(|help| help.contains("secnet state migrate")), "{told:?}");
            }
            unlock(&either);
            migrate(Arc::new(folder.clone())).unwrap();
            assert_eq!(forms(&folder)[1], 0, "killed at {at}");
            assert_eq!(contents(&strict).unwrap(), before, "killed at {at}");
        }
    }
    assert!(kills >= 20 && halfway >= 12, "killed {kills} times, {halfway} of them halfway");
}

/// Objects of a holder that is overtaken before one of its writes.
struct Overtaken {
    inner: Folder,
    writes: std::sync::Mutex<usize>,
    at: usize,
}

impl fmt::Debug for Overtaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Overtaken")
    }
}

impl Overtaken {
    /// Another takes the lease over, brings the rest into the new form, and goes on.
    fn overtake(&self) {
        let objects: Arc<dyn Objects> = Arc::new(self.inner.clone());
        let (_, either) = remote(Encrypted::new(objects.clone(), key()).or(vec![]));
        unlock(&either);
        migrate(objects.clone()).unwrap();
        let (_, strict) = remote(Encrypted::new(objects, key()));
        let store = Store::Remote(strict);
        let lock = store.lock("apply").unwrap();
        store.finish(&lock, store.load().unwrap().state).unwrap();
    }
}

impl Objects for Overtaken {
    fn get(&self, key: &str) -> Result<Option<Object>, Trouble> {
        self.inner.get(key)
    }

    fn put(&self, key: &str, bytes: &[u8], when: When<'_>) -> Result<String, Refused> {
        let now = {
            let mut writes = self.writes.lock().unwrap();
            *writes += 1;
            *writes
        };
        if now == self.at {
            self.overtake();
        }
        self.inner.put(key, bytes, when)
    }

    fn delete(&self, key: &str) -> Result<(), String> {
        self.inner.delete(key)
    }

    fn list(&self, prefix: &str) -> Result<Vec<Listed>, String> {
        self.inner.list(prefix)
    }

    fn url(&self) -> String {
        self.inner.url()
    }
}

#[test]
fn one_that_is_overtaken_on_the_way_writes_over_nothing() {
    // The first write takes the lock; the last gives it back.
    for at in 2.. {
        let directory = tempfile::tempdir().unwrap();
        let folder = Folder::new(directory.path());
        let before = filled(&folder);
        let overtaken = Arc::new(Overtaken { inner: folder.clone(), writes: Default::default(), at });
        let migrated = migrate(overtaken.clone());
        if *overtaken.writes.lock().unwrap() < at {
            assert!(at > 10, "{at}");
            break;
        }
        assert!(migrated.is_ok() || code(migrated) == "E0421", "overtaken at {at}");
        let (_, strict) = remote(Encrypted::new(Arc::new(folder.clone()), key()));
        let after = contents(&strict).unwrap();
        assert_eq!((after.loaded.0.serial, after.loaded.1.len()), (before.loaded.0.serial + 1, 0), "overtaken at {at}");
        assert_eq!((after.log, after.undo), (before.log, before.undo), "overtaken at {at}");
        assert!(before.versions.iter().all(|(serial, state)| after.versions.get(serial) == Some(state)), "overtaken at {at}");
        assert_eq!(forms(&folder)[1], 0, "overtaken at {at}");
    }
}
