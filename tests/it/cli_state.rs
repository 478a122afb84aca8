//! A state in a bucket, as a user sees it: the program itself is run on the sandbox, and a directory stands in for S3.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use secnet::state::{
    remote::{Remote, folder::Folder},
    store::Store,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cli::Run;

const SHARED: &str = "project p { region = \"us-east-1\"  state { bucket = \"acme-state\" } }\n";

/// A directory with projects, and a bucket that they share.
struct Shared(TempDir);

impl Shared {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn project(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("main.secnet"), text).unwrap();
        path
    }

    fn start(&self, project: &Path, line: &str) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_secnet"));
        let url = format!("file://{}", self.0.path().join("buckets").display());
        command.args(line.split(' ')).current_dir(project).env("SECNET_SANDBOX", "1").env("SECNET_STATE_ENDPOINT_URL", url);
        command.env("SECNET_STATE_KEY_FILE", self.0.path().join("key"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn run(&self, project: &Path, line: &str) -> Run {
        ended(self.start(project, line))
    }

    /// The state of the project `p`, as another machine has it.
    fn store(&self, project: &str) -> Store {
        let bucket = Folder::new(self.0.path().join("buckets/acme-state"));
        Store::Remote(Remote::new(Arc::new(bucket), "secnet/sandbox", project))
    }

    fn ids(&self, project: &Path) -> Value {
        self.run(project, "state list --json").exits(0).json()
    }
}

fn ended(child: Child) -> Run {
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Run { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

#[test]
fn two_runs_share_a_state_one_after_the_other() {
    let shared = Shared::new();
    let project = shared.project("p", &format!("{SHARED}vpc main {{ cidr_block = 10.0.0.0/16 }}\noutput id = vpc.main.id\n"));
    shared.run(&project, "apply --yes").exits(0).says("Done: 1 of 1 tasks");
    assert!(!project.join(".secnet/sandbox/state").exists(), "it is in the bucket");
    shared.run(&project, "plan --detailed-exitcode").exits(0);
    // A second checkout of the same project, on another machine.
    let held = shared.store("p").lock("apply").unwrap();
    shared.run(&project, "apply --yes").exits(3).says("E0420").says("another secnet is at work on project `p`");
    shared.run(&project, "plan --lock-timeout 1s").exits(3).says("Waiting: another secnet is at work");
    let waiting = shared.start(&project, "plan --lock-timeout 60s");
    std::thread::sleep(Duration::from_millis(700));
    drop(held);
    ended(waiting).exits(0).says("Nothing to do");
    // Whoever only reads needs no lock.
    let held = shared.store("p").lock("apply").unwrap();
    shared.run(&project, "output id").exits(0).says("vpc-");
    drop(held);
    let other = shared.project("q", "project q { region = \"us-east-1\" }\nproject network \"../p\"\noutput seen = project.network.id\n");
    shared.run(&other, "apply --yes").exits(0).says("seen = \"vpc-");
}

#[test]
fn a_resource_goes_to_another_project_or_stays_but_is_never_in_both() {
    let shared = Shared::new();
    let subnet = "subnet a { vpc = vpc.main  cidr_block = 10.0.1.0/24  availability_zone = \"us-east-1a\" }\n";
    let from = shared.project("p", &format!("{SHARED}vpc main {{ cidr_block = 10.0.0.0/16 }}\n{subnet}"));
    let to = shared
        .project("q", "project q { region = \"us-east-1\"  state { bucket = \"acme-state\" } }\nvpc other { cidr_block = 10.9.0.0/16 }\n");
    shared.run(&from, "apply --yes").exits(0);
    shared.run(&to, "apply --yes").exits(0);
    let store = shared.store("p");
    let before = store.load().unwrap().state;
    shared.run(&from, "state mv subnet.a --to ../q").exits(2).says("E0630");
    shared.run(&from, "state mv vpc.main vpc.other --to ../q --yes").exits(3).says("E0425").says("the state has that already");
    shared.run(&from, "state mv subnet.a subnet.b --to ../q --yes").exits(0).says("is `subnet.b` of `q` now");
    let [ours, theirs] = ["p", "q"].map(|name| shared.store(name).load().unwrap().state);
    let moved = theirs.resources.iter().find(|(address, _)| address.as_str() == "subnet.b").unwrap().1;
    let old = before.resources.iter().find(|(address, _)| address.as_str() == "subnet.a").unwrap().1;
    assert_eq!((&moved.id, ours.resources.len(), theirs.resources.len()), (&old.id, 1, 2));
    let vpc = &ours.resources.values().next().unwrap().id;
    assert_eq!(moved.record["vpc"].as_text(), Some(vpc.as_str()), "what it refers to is another project's now");

    // As if the run had been killed between the two writes: the giver's state and journal are as they were then.
    let journal = |lineage: &str, serial: u64| {
        let to = json!({"above": to, "key": "q", "receipt": "5ec", "backend": {"bucket": {"name": "acme-state", "key": "secnet/sandbox"}}});
        let begin = json!({"begin": {"lineage": lineage, "serial": serial, "account": null, "region": "us-east-1", "at": 0}});
        let handed = json!({"handed_over": {"addresses": ["subnet.a"], "id": old.id, "to": to}});
        [begin, handed].map(|event| serde_json::from_value(event).unwrap())
    };
    for (theirs_is_written, then_let_go) in [(true, false), (true, true), (false, false)] {
        let lock = store.lock("test").unwrap();
        let (state, _) = store.supersede(&lock, before.clone()).unwrap();
        let events = journal(&state.lineage, state.serial);
        secnet::state::journal::Journal::create(&store, &lock).unwrap().append(&events).unwrap();
        drop(lock);
        let other = shared.store("q");
        let mut state = other.load().unwrap().state;
        state.received = if theirs_is_written { ["5ec".to_owned()].into() } else { Default::default() };
        other.write(&other.lock("test").unwrap(), state).unwrap();
        if then_let_go {
            shared.run(&to, "state rm subnet.b --yes").exits(0);
        }
        let words = if theirs_is_written { "went to project `q`" } else { "stayed here" };
        shared.run(&from, "plan").says(words);
        let standing = [shared.ids(&from), shared.ids(&to)].map(|all| all.to_string().matches(&old.id).count());
        let there = usize::from(!then_let_go);
        assert_eq!(standing, if theirs_is_written { [0, there] } else { [1, 0] });
    }
}

/// What another machine has: the same sources and, since the sandbox is kept beside them, the same EC2.
fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() { copied(&entry.path(), &to) } else { fs::copy(entry.path(), to).map(drop).unwrap() }
    }
}

const KEY: &str = "key_pair k { key_name = \"k\"  public_key = \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGpYbN0a0hNNOTjOOm5KkH5ClqVXAmPcYH5fS0hNKHqF x\" }\n";

#[test]
fn what_one_machine_has_run_another_sees_and_undoes() {
    let shared = Shared::new();
    let vpc = |name: &str| format!("vpc {name} {{ cidr_block = 10.0.0.0/16 }}\n");
    let one = shared.project("one", &format!("{SHARED}{}{KEY}", vpc("main")));
    shared.run(&one, "log").exits(0).says("No run so far has left an account.");
    shared.run(&one, "apply --yes").exits(0);
    // A key of the name stands that the state does not know: EC2 refuses the second.
    shared.run(&one, "state rm key_pair.k --yes").exits(0);
    fs::write(one.join("main.secnet"), format!("{SHARED}{}{}{KEY}", vpc("main"), vpc("late"))).unwrap();
    shared
        .run(&one, "apply --yes")
        .exits(1)
        .says("Incomplete: 1 of 2 tasks done, 1 failed")
        .says("`secnet apply --undo` plans the way back");

    let two = shared.0.path().join("two");
    copied(&one, &two);
    let log = shared.run(&two, "log").exits(0);
    let lines: Vec<&str> = log.out.lines().collect();
    assert_eq!(lines.len(), 2, "{log:?}");
    assert!(lines[0].starts_with("1  20") && lines[0].contains("  apply  done: 2 of 2 tasks (2 created), "), "{log:?}");
    assert!(lines[1].starts_with("2  20") && lines[1].contains("  apply  incomplete: 1 of 2 tasks") && lines[1].contains('@'), "{log:?}");
    let second = shared.run(&two, "log 2").exits(0).says("create key_pair.k ... failed").says("refused: InvalidKeyPair.Duplicate");
    assert!(!second.out.contains("`create vpc.main`"), "{second:?}");
    shared.run(&two, "log 3").exits(2).says("E0763");

    let undo = shared.run(&two, "plan --undo --json").exits(0).json();
    assert_eq!((undo["plan"]["delete"].as_u64(), undo["plan"]["create"].as_u64()), (Some(1), Some(0)), "{undo:#}");
    shared.run(&two, "apply --undo --yes").exits(0).says("UNDO: back to what stood before the last apply").says("delete vpc.late");
    let ids = shared.ids(&two);
    assert_eq!((ids.as_array().unwrap().len(), &ids[0]["address"]), (1, &json!("vpc.main")));
    let log = shared.run(&one, "log --json").exits(0).json();
    assert_eq!((log[2]["run"].as_u64(), log[2]["result"].as_str(), log[2]["delete"].as_u64()), (Some(3), Some("done"), Some(1)));
    // That was an apply, too, and can be undone from here.
    copied(&two, &one);
    shared.run(&one, "apply --undo --yes").exits(0).says("create vpc.late");
}

#[test]
fn what_was_left_in_the_old_form_is_told_and_mended() {
    let shared = Shared::new();
    let text = |block: &str, vpc: &str| {
        let project = "project p { region = \"us-east-1\"  state { bucket = \"acme-state\"";
        format!("{project}  {block} }} }}\nvpc {vpc} {{ cidr_block = 10.0.0.0/16 }}\n")
    };
    let p = shared.project("p", &text("", "one"));
    fs::write(shared.0.path().join("key"), [7; 32]).unwrap();
    shared.run(&p, "apply --yes").exits(0);
    fs::write(p.join("main.secnet"), text("", "two")).unwrap();
    shared.run(&p, "apply --yes").exits(0);
    let under = |name: &str| shared.0.path().join("buckets/acme-state/secnet/sandbox/p").join(name);
    let left = ["history/00000001.json", "log/00000001.0000", "undo.json"].map(|name| (name, fs::read(under(name)).unwrap()));

    fs::write(p.join("main.secnet"), text("encryption = \"key_file\"", "two")).unwrap();
    shared.run(&p, "plan").exits(3).says("E0430").says("`secnet state migrate`");
    shared.run(&p, "state migrate --yes").exits(0).says("are encrypted now");
    for (name, _) in &left {
        assert!(fs::read(under(name)).unwrap().starts_with(b"{\"secnet-encrypted\""), "{name}");
    }
    // As if somebody who had not heard of it had written them since.
    left.iter().for_each(|(name, bytes)| fs::write(under(name), bytes).unwrap());
    shared.run(&p, "plan --detailed-exitcode").exits(0);
    for (line, name) in ["state pull --version 1", "log", "apply --undo --yes"].iter().zip(left.iter().map(|(name, _)| name)) {
        shared.run(&p, line).exits(3).says("E0430").says(name).says("`secnet state migrate`");
    }
    // The state itself is in the new form, so that nothing is asked.
    shared.run(&p, "state migrate").exits(0).says("3 objects in").says("are encrypted now");
    shared.run(&p, "state pull --version 1").exits(0).says("vpc.one");
    shared.run(&p, "log").exits(0).says("2  20");
    shared.run(&p, "apply --undo --yes").exits(0).says("vpc.one");
    shared.run(&p, "state migrate").exits(0).says("already, encrypted");
}
