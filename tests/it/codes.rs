//! Messages that no case of the specs can bring about, to the letter; and that every message is met at all.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    net::TcpListener,
    path::Path,
    sync::Arc,
};

use secnet::{
    analysis::{Inputs, Library, Opened, Published, analyze},
    apply::{ReadError, refresh},
    base::{
        address::Address,
        codes,
        diagnostic::{Code, Diagnostic},
        source::Sources,
        span::Span,
    },
    call::{Answer, ApiError, Class, Driver, Request},
    cli::outside,
    plan::{Input, plan},
    state::{
        State,
        event::Event,
        journal::Journal,
        remote::{Remote, folder::Folder, lease},
        store::Store,
    },
};

use crate::{
    cli::{Project, secnet},
    play::{Play, project},
    spec::{Shelf, markdown, message, rendered, said_to},
};

/// What nothing can bring about in a test, and why.
const OUT_OF_REACH: &[(&str, &str)] = &[
    ("E0415", "the operating system always has randomness to give"),
    ("E0704", "a graph of resources has no circle once E0210 is passed; this is the planner's own guard against itself"),
    ("E0708", "a plan that breaks a law is a bug of secnet's"),
];

/// A code is met where a message with it is written down whole: under `tests/spec`, or here and in the neighbours.
#[test]
fn every_code_is_met() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let (mut met, mut helped) = (BTreeSet::new(), BTreeSet::new());
    for path in markdown(&root.join("spec"))? {
        let text = fs::read_to_string(path)?;
        for block in text.split("\n```text\n").skip(1).filter_map(|rest| rest.split("```").next()) {
            take(block, &mut met, &mut helped);
        }
    }
    for entry in fs::read_dir(root.join("it"))? {
        take(&fs::read_to_string(entry?.path())?, &mut met, &mut helped);
    }
    let listed: BTreeSet<&str> = OUT_OF_REACH.iter().map(|(code, _)| *code).collect();
    let all: Vec<&Code> = codes::all().collect();
    let told = |wrong: &dyn Fn(&&&Code) -> bool| all.iter().filter(wrong).map(|c| format!("{} {}", c.id, c.title)).collect::<Vec<_>>();
    assert_eq!(told(&|c| !met.contains(c.id) && !listed.contains(c.id)), [""; 0], "no spec brings these about");
    assert_eq!(told(&|c| met.contains(c.id) && !helped.contains(c.id)), [""; 0], "these are never shown with their help");
    assert_eq!(told(&|c| met.contains(c.id) && listed.contains(c.id)), [""; 0], "these can be brought about");
    assert!(listed.iter().all(|id| all.iter().any(|c| c.id == *id)), "there are codes listed that do not exist");
    Ok(())
}

/// The codes of the messages in a text, and those of them that come with help or with an edit. A message begins with
/// `error E0101: ...`, or as the program shows it: the code in a line of its own.
fn take(text: &str, met: &mut BTreeSet<String>, helped: &mut BTreeSet<String>) {
    let mut now: Option<&str> = None;
    for line in text.lines().map(str::trim_start) {
        let words = line.strip_prefix("error ").or_else(|| line.strip_prefix("warning ")).and_then(|rest| rest.split_once(": "));
        let begun = words.map_or(line, |(code, _)| code);
        let is_code = begun.len() == 5 && begun.starts_with(['E', 'W']) && begun.bytes().skip(1).all(|b| b.is_ascii_digit());
        if is_code {
            now = Some(begun);
            met.insert(begun.to_owned());
        } else if let (Some(code), true) = (now, line.starts_with("help: ") || line.starts_with("fix: ")) {
            helped.insert(code.to_owned());
        }
    }
}

/// Holds a message against what it should be, letter by letter.
#[track_caller]
fn says(found: &Diagnostic, wanted: &str) {
    assert_eq!(message(found, &Sources::default()), wanted.trim_start());
}

/// What it would be anywhere: without the directory of the test.
fn anywhere(found: Diagnostic, directory: &Path) -> Diagnostic {
    let without = |text: String| text.replace(&directory.display().to_string(), "DIR");
    Diagnostic { message: without(found.message), help: found.help.map(without), ..found }
}

#[test]
fn a_state_in_other_hands() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "demo");
    let lock = store.lock("secnet apply --yes").unwrap();
    let mut locked = store.lock("secnet destroy").unwrap_err();
    locked.message = locked.message.replace(&format!("process {} ", std::process::id()), "process 7 ");
    locked.message = locked.message.split(", since ").next().unwrap().to_owned() + ", since then";
    says(
        &locked,
        "
error E0406: another secnet is at work on project `demo`: process 7 (`secnet apply --yes`), since then
  help: wait until it is done, or stop it
",
    );
    let state = State::empty("demo", "lineage".into());
    let first = store.write(&lock, state).unwrap();
    store.write(&lock, first.clone()).unwrap();
    let moved = store.write(&lock, first.clone()).unwrap_err();
    says(
        &anywhere(moved, directory.path()),
        "
error E0409: the state file `DIR/demo.json` has changed since it was read
  help: put the file back that was there before, and run the command again
",
    );
    let state = store.load().unwrap().state;
    let begin = Event::Begin { lineage: state.lineage, serial: state.serial, account: None, region: "us-east-1".into(), at: 0 };
    Journal::create(&store, &lock).unwrap().append(&[begin]).unwrap();
    let unfinished = Journal::create(&store, &lock).map(drop).unwrap_err();
    says(
        &anywhere(unfinished, directory.path()),
        "
error E0414: an interrupted apply has left the journal `DIR/demo.journal`
  help: run `secnet apply`, which resolves it first
",
    );
}

#[test]
fn a_shared_state_in_other_hands() {
    let directory = tempfile::tempdir().unwrap();
    let remote = Remote::new(Arc::new(Folder::new(directory.path())), "secnet", "demo");
    let store = Store::Remote(remote.clone());
    let lock = store.lock("apply").unwrap();
    let id = lease::seen(&remote).unwrap().unwrap().id;
    let plain = |mut found: Diagnostic| {
        found = anywhere(found, directory.path());
        found.help = found.help.map(|help| help.replace(&id, "ID"));
        if let (Some((before, _)), Some((holder, _))) = (found.message.split_once(", process "), found.message.split_once(", since ")) {
            let who = before.rsplit(": ").next().unwrap_or_default();
            found.message = holder.replace(who, "ali@build").replace(&format!("process {} ", std::process::id()), "process 7 ");
        }
        found
    };
    says(
        &plain(store.lock("plan").unwrap_err()),
        "
error E0420: another secnet is at work on project `demo`: ali@build, process 7 (`apply`)
  help: wait for it with `--lock-timeout 5m`; if it is certain to be gone, `secnet state unlock ID`
",
    );
    let mut other = plain(lease::unlock(&remote, "another").unwrap_err());
    other.help = other.help.map(|help| help.split(", of ").next().unwrap().to_owned());
    says(
        &other,
        "
error E0423: project `demo` is not locked by `another`
  help: its lock is `ID`
",
    );
    lease::unlock(&remote, &id).unwrap();
    let next = store.lock("apply").unwrap();
    let state = store.load().unwrap().state;
    let lost = store.write(&lock, state.clone()).unwrap_err();
    let why = lost.message.split(": ").last().unwrap().to_owned();
    assert!(["another secnet has taken it over", "another secnet has written it meanwhile"].contains(&&*why) || why.contains("unlock"));
    says(
        &anywhere(Diagnostic { message: lost.message.replace(&why, "WHY"), ..lost }, directory.path()),
        "
error E0421: `file://DIR/secnet/demo/state.json` was not written: WHY
  help: run the command again: it takes up the journal, and finds out what this run has done
",
    );
    let begin = Event::Begin { lineage: state.lineage, serial: 0, account: None, region: "us-east-1".into(), at: 0 };
    Journal::create(&store, &next).unwrap().append(&[begin]).unwrap();
    let segments = directory.path().join("secnet/demo/journal");
    let last = fs::read_dir(&segments).unwrap().map(|e| e.unwrap().path()).max().unwrap();
    fs::write(&last, "{}\n").unwrap();
    says(
        &anywhere(store.load().unwrap_err(), directory.path()),
        "
error E0424: the segment `file://DIR/secnet/demo/journal/0000000002` of the journal is damaged: missing field `secnet` at line 1 column 2
  help: put a good version of it back, or run `secnet recover`
",
    );
}

#[tokio::test]
async fn a_state_with_a_kind_of_a_later_version() {
    let play = Play::new();
    let source = project("vpc main { cidr_block = 10.0.0.0/16 }\n");
    play.apply(&source).await;
    let mut state = play.state();
    let main = state.resources[&Address::new("vpc", "main")].clone();
    state.resources.insert(Address::new("transit_router", "core"), main);
    let analysis = analyze(vec![("main.secnet".into(), source)], &Inputs::default());
    let observation = refresh::refresh(&*play.driver, &analysis.model, &state).await.unwrap();
    let input = Input { model: &analysis.model, state: &state, observation: &observation, sources: Some(&analysis.sources) };
    let found = plan(&input).unwrap_err();
    says(
        &found[0],
        "
error E0702: the state holds `transit_router.core`, of a kind that this version does not know
  help: use the version of secnet that wrote the state
",
    );
    assert_eq!(found.len(), 1);
}

#[test]
fn a_port_that_is_taken() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let directory = Project::of("project p { }\n");
    let run = secnet(&directory.path(), &["sandbox", "serve", "--port", &port]).exits(3);
    assert_eq!(
        run.err.replace(&format!(":{port}:"), ":PORT:"),
        "\
E0638

  × the sandbox cannot listen on 127.0.0.1:PORT: it is in use
  help: choose another port with `--port`

1 error; `secnet explain E0638` says more
"
    );
}

/// EC2 of this region, that answers nothing.
struct Nowhere(&'static str);

impl Driver for Nowhere {
    fn send<'a>(&'a self, _: &'a Request) -> Answer<'a> {
        Box::pin(std::future::ready(Err(ApiError::without_answer(Class::Unreachable, "nobody"))))
    }

    fn region(&self) -> &str {
        self.0
    }

    fn describe(&self) -> String {
        "AWS".into()
    }
}

#[test]
fn each_way_in_which_ec2_fails() {
    let failed = |region, error| outside::read_failed(&ReadError { action: "DescribeVpcs".into(), error }, &Nowhere(region));
    let without = |region, class| failed(region, ApiError::without_answer(class, "the reason"));
    let refused = |code: &str| failed("us-east-1", ApiError::new(code, "the reason"));
    says(
        &without("us-east-1", Class::Denied),
        "
error E0610: the reason
  help: give `--profile` if they are in another profile; `--sandbox` needs none
",
    );
    says(
        &without("us-esat-1", Class::Unreachable),
        "
error E0612: there is no region `us-esat-1`
  help: did you mean `us-east-1`?
",
    );
    says(
        &without("us-east-1", Class::Unreachable),
        "
error E0613: the reason
  help: look at `--endpoint-url`, `AWS_ENDPOINT_URL`, the network and the proxy
",
    );
    says(
        &without("us-east-1", Class::Ambiguous),
        "
error E0614: no answer to `DescribeVpcs`: the reason
  help: look whether this is an endpoint of EC2, and run the command again
",
    );
    says(
        &refused("UnauthorizedOperation"),
        "
error E0616: no right to call `DescribeVpcs`: UnauthorizedOperation: the reason
  help: allow `ec2:DescribeVpcs` to the identity that `aws sts get-caller-identity` shows, or use another `--profile`
",
    );
    says(
        &refused("InvalidParameterValue"),
        "
error E0618: EC2 refuses `DescribeVpcs`: InvalidParameterValue: the reason
  help: nothing has been changed; run the command again
",
    );
    assert_eq!(refused("InternalError").code.id, "E0614");
}

/// Modules that use one another, `n` deep.
fn chain(n: usize) -> String {
    let module = |i: usize| (format!("m{i}/main.secnet"), format!("module next \"../m{}\" {{ }}\n", i + 1));
    let mut files: Vec<(String, String)> = (0..n).map(module).collect();
    files.push((format!("m{n}/main.secnet"), "output end = 1\n".into()));
    let library: Option<std::sync::Arc<dyn Library>> = Some(std::sync::Arc::new(Indexed::of(files)));
    let main = "project test { }\nmodule first \"./m0\" { }\n";
    rendered(&analyze(vec![("main.secnet".into(), main.into())], &Inputs { library, ..Inputs::default() }))
}

/// A shelf for many modules: looks only at the files of the directory.
#[derive(Debug)]
struct Indexed(BTreeMap<String, Shelf>);

impl Indexed {
    fn of(files: Vec<(String, String)>) -> Self {
        let shelf = |file: (String, String)| Shelf { modules: vec![file], ..Shelf::default() };
        Self(files.into_iter().map(|f| (f.0.split('/').next().unwrap_or_default().to_owned(), shelf(f))).collect())
    }
}

impl Library for Indexed {
    fn open(&self, from: &str, source: &str, at: Span) -> Result<Opened, Diagnostic> {
        let name = source.rsplit('/').next().unwrap_or_default();
        self.0.get(name).cloned().unwrap_or_default().open(from, source, at)
    }

    fn outputs(&self, path: &str, at: Span) -> Result<BTreeMap<String, Published>, Diagnostic> {
        Shelf::default().outputs(path, at)
    }
}

#[test]
fn nesting_of_any_kind_ends_with_a_message() {
    let deep = |open: &str, close: &str| said_to(&format!("output a = {}1{}\n", open.repeat(10_000), close.repeat(10_000)));
    assert_eq!(
        deep("[", "]"),
        "error E0104: this is nested more than 100 deep\n  1:112 [[] one too many\n  help: give a part of it a name of its own with `let`\n"
    );
    assert_eq!(
        deep("(", ")"),
        "error E0104: this is nested more than 100 deep\n  1:112 [(] one too many\n  help: give a part of it a name of its own with `let`\n"
    );
    assert_eq!(
        said_to(&format!("vpc main {{ {}{} }}\n", "tags { ".repeat(10_000), "}".repeat(10_000))),
        "error E0104: this is nested more than 100 deep\n  1:710 [{] one too many\n  help: give a part of it a name of its own with `let`\n"
    );
    let fors = "for a in [1] { ".repeat(10_000);
    assert_eq!(
        said_to(&format!("policy p {{ {fors}{} }}\n", "}".repeat(10_000))),
        "error E0104: this is nested more than 100 deep\n  1:1506 [[] one too many\n  help: give a part of it a name of its own with `let`\n"
    );
    let sum = said_to(&format!("output a = 1{}\n", " + 1".repeat(10_000)));
    assert!(sum.starts_with("error E0104: this expression is more than 256 nodes deep\n  1:12 [1 + 1 + "), "{sum:.200}");
    assert!(sum.contains("help: give a part of it a name of its own with `let`\n"), "{sum:.200}");
}

#[test]
fn modules_of_any_depth_end_with_a_message() {
    assert_eq!(chain(31), "ok\n");
    assert_eq!(
        chain(2_000),
        "\
error E0262: the module \"../m32\" cannot be read: it lies more than 32 modules deep
  m31/main.secnet:1:13 [\"../m32\"]
  help: use it in a module that is nearer to the project
"
    );
}

/// What a name stands for is seen only when it is worked out, so that each of these asks for the one after it.
#[test]
fn values_that_lean_on_each_other_through_what_they_name_end_with_a_message() {
    let hidden = |i| format!("let v{i} = vpc.v{i}\nvpc v{} {{ cidr_block = v{i}.cidr_block }}\n", i + 1);
    let hidden: String = (0..40).rev().map(hidden).collect();
    assert_eq!(
        said_to(&format!("{hidden}vpc v0 {{ cidr_block = 10.0.0.0/16 }}\noutput last = vpc.v40.cidr_block\n")),
        "\
error E0250: values lean on each other too deeply here
  70:23 [v5.cidr_block]
  help: write the value nearer to its source
last = (error)
"
    );
}
