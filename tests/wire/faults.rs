//! Every request of an apply goes wrong on the wire, in turn, in every way, below the SDK: afterwards one run more brings everything
//! to where it should be, each thing once.
//!
//! The SDK's own retries, timeouts and parsers take part; its clock is tokio's, which is paused, so that nobody waits. A run that
//! is killed ends with its runtime, and with everything that was under way in it. `SECNET_FAULTS=all` plays every fault of the
//! larger projects, too; else a few are drawn.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Write},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use secnet::{
    analysis::{Inputs, analyze},
    apply::{Options, Outcome, Reader, Stop, execute, recover::recover, refresh::refresh},
    call::{Driver, Request, mutates},
    ec2::connection::{Reply, SlowDoor},
    live::Live,
    plan::{Input, Plan, plan},
    resources,
    sim::{Fault, FaultKind, Sim, World as Region, handle},
    state::{
        State,
        journal::{Journal, Medium},
        store::Store,
    },
};
use serde_json::json;
use tokio::{
    runtime::{Builder, Runtime},
    sync::{Notify, mpsc, watch},
};

const REGION: &str = "us-east-1";
const XML: &str = "text/xml;charset=UTF-8";
const PAGE: &str = "<!doctype html><html><head><title>Sign in</title></head></html>";
const NOTHING: &str = "project small { region = \"us-east-1\" }";

fn example(name: &str, text: &str) -> String {
    text.replace(&format!("project {name}"), "project small")
}

fn server() -> String {
    example("secure_server", include_str!("../../examples/secure_server/main.secnet"))
}

fn tiers() -> String {
    example("three_tier", include_str!("../../examples/three_tier/main.secnet"))
}

/// The server's network after edits: rules, an ACL's entry, tags, and an instance that is stopped for it.
fn edited() -> String {
    let edits = [
        ("ingress tcp/22 from maintainers", "ingress tcp/22 from maintainers\n  ingress tcp/443 from maintainers"),
        ("in  100 allow", "in  110 allow"),
        ("Owner = \"Ali\"", "Owner = \"Zoe\""),
        ("\"SSH for maintainers\"", "\"SSH\""),
        ("t3.micro", "t3.small"),
    ];
    edits.into_iter().fold(server(), |text, (old, new)| {
        assert!(text.contains(old), "{old}");
        text.replace(old, new)
    })
}

/// What goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    /// The process is killed, and nothing of it has reached EC2.
    KilledBefore,
    /// The same while the line of the journal was written that announces it.
    TornLine,
    /// EC2 has carried it out, and the process is killed before the answer.
    KilledAfter,
    /// EC2 answers 500, and has not carried it out.
    Error500,
    /// EC2 answers 500, and has carried it out.
    Done500,
    /// A load balancer's 503 without a word, not carried out.
    Error503,
    /// The connection is reset before EC2 has it.
    ResetBefore,
    /// The connection is reset when EC2 has carried it out.
    ResetAfter,
    /// No answer ever comes, and EC2 never had it.
    HangBefore,
    /// No answer ever comes, and EC2 has carried it out.
    HangAfter,
    /// It and the thirty requests that follow, of whatever kind, are refused for their rate.
    Storm,
    /// What it made is not found for a while.
    NotFound,
    /// Carried out; the answer is a login page.
    Page,
    /// Carried out; the answer is empty.
    Empty,
    /// Carried out; the answer breaks off in the middle.
    CutOff,
    /// Carried out; the answer is to something else.
    OtherAnswer,
    /// From then on the credentials are no longer valid.
    Expired,
    /// Carried out, and nothing can be written to the journal any more.
    DiskFull,
}

const ALL: [Wrong; 18] = [
    Wrong::KilledBefore,
    Wrong::TornLine,
    Wrong::KilledAfter,
    Wrong::Error500,
    Wrong::Done500,
    Wrong::Error503,
    Wrong::ResetBefore,
    Wrong::ResetAfter,
    Wrong::HangBefore,
    Wrong::HangAfter,
    Wrong::Storm,
    Wrong::NotFound,
    Wrong::Page,
    Wrong::Empty,
    Wrong::CutOff,
    Wrong::OtherAnswer,
    Wrong::Expired,
    Wrong::DiskFull,
];

/// What can go wrong with a request that changes nothing: whether EC2 has carried it out makes no difference.
const READING: [Wrong; 10] = [
    Wrong::KilledBefore,
    Wrong::Error500,
    Wrong::Error503,
    Wrong::ResetBefore,
    Wrong::HangBefore,
    Wrong::Storm,
    Wrong::Page,
    Wrong::Empty,
    Wrong::CutOff,
    Wrong::OtherAnswer,
];

/// How a run ends.
enum End {
    Killed,
    /// Nothing was planned, or what an earlier run left was not resolved: EC2 could not be read.
    Unread(String),
    Done(Outcome),
}

impl Wrong {
    fn is_carried_out(self) -> bool {
        use Wrong::{CutOff, DiskFull, Done500, Empty, HangAfter, KilledAfter, NotFound, OtherAnswer, Page, ResetAfter};
        matches!(self, KilledAfter | Done500 | ResetAfter | HangAfter | NotFound | Page | Empty | CutOff | OtherAnswer | DiskFull)
    }

    fn kills(self) -> bool {
        matches!(self, Wrong::KilledBefore | Wrong::TornLine | Wrong::KilledAfter)
    }
}

/// The wire to the simulator, and what goes wrong on it.
struct Wire {
    sim: Arc<Sim>,
    wrong: Option<Wrong>,
    /// The request at which it does, counted from 1.
    at: usize,
    /// For each request, whether it changes something.
    heard: Mutex<Vec<bool>>,
    /// How many more requests are refused for their rate.
    storm: AtomicUsize,
    expired: AtomicBool,
    full: Arc<AtomicBool>,
    killed: Notify,
}

fn refusal(status: u16, code: &str) -> Reply {
    let body =
        format!("<Response><Errors><Error><Code>{code}</Code><Message>No.</Message></Error></Errors><RequestID>1</RequestID></Response>");
    (status, body, XML)
}

async fn forever() -> Reply {
    std::future::pending().await
}

impl Wire {
    fn new(sim: Arc<Sim>, wrong: Option<Wrong>, at: usize) -> Arc<Self> {
        let (heard, storm) = (Mutex::default(), AtomicUsize::new(0));
        let (expired, full, killed) = (AtomicBool::new(false), Arc::default(), Notify::new());
        Arc::new(Self { sim, wrong, at, heard, storm, expired, full, killed })
    }

    /// The SDK at this end of it.
    fn driver(self: &Arc<Self>) -> Arc<dyn Driver> {
        let wire = self.clone();
        let door: SlowDoor = Arc::new(move |form, target| {
            let wire = wire.clone();
            Box::pin(async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                wire.answer(&form, target.as_deref()).await
            })
        });
        Arc::new(Live::over_slow(door, REGION).unwrap())
    }

    async fn answer(&self, form: &str, target: Option<&str>) -> Reply {
        let carry_out = || handle(&self.sim, form, target);
        let changes = action(form).is_some_and(|action| mutates(action) && !form.contains("DryRun=true"));
        let number = {
            let mut heard = self.heard.lock().unwrap();
            heard.push(changes);
            heard.len()
        };
        if self.expired.load(Ordering::SeqCst) {
            return refusal(400, "RequestExpired");
        }
        if self.storm.load(Ordering::SeqCst) > 0 {
            self.storm.fetch_sub(1, Ordering::SeqCst);
            return refusal(503, "RequestLimitExceeded");
        }
        match self.wrong.filter(|_| number == self.at) {
            Some(wrong) => self.strike(wrong, form, carry_out).await,
            None => carry_out(),
        }
    }

    /// The request that goes wrong.
    async fn strike(&self, wrong: Wrong, form: &str, carry_out: impl Fn() -> Reply) -> Reply {
        let lost = || (0, String::new(), XML);
        if wrong == Wrong::NotFound {
            self.sim.fault(Fault::next(action(form).unwrap(), FaultKind::NotYetVisible(12)));
        }
        let (status, body, kind) = if wrong.is_carried_out() { carry_out() } else { lost() };
        match wrong {
            Wrong::KilledBefore | Wrong::TornLine | Wrong::KilledAfter => {
                self.killed.notify_one();
                forever().await
            }
            Wrong::HangBefore | Wrong::HangAfter => forever().await,
            Wrong::ResetBefore | Wrong::ResetAfter => lost(),
            Wrong::Error500 | Wrong::Done500 => refusal(500, "InternalError"),
            Wrong::Error503 => (503, String::new(), XML),
            Wrong::Storm => {
                self.storm.store(30, Ordering::SeqCst);
                refusal(503, "RequestLimitExceeded")
            }
            Wrong::Expired => {
                self.expired.store(true, Ordering::SeqCst);
                refusal(400, "RequestExpired")
            }
            Wrong::DiskFull => {
                self.full.store(true, Ordering::SeqCst);
                (status, body, kind)
            }
            Wrong::NotFound => (status, body, kind),
            Wrong::Page => (200, PAGE.into(), "text/html"),
            Wrong::Empty => (200, String::new(), XML),
            Wrong::CutOff => (status, body[..body.len() / 2].into(), kind),
            Wrong::OtherAnswer => {
                let other = if action(form) == Some("DescribeVpcs") { "DescribeSubnets" } else { "DescribeVpcs" };
                handle(&self.sim, &format!("Action={other}&Version=2016-11-15"), None)
            }
        }
    }
}

fn action(form: &str) -> Option<&str> {
    form.split('&').find_map(|pair| pair.strip_prefix("Action="))
}

/// A disk that is full from some moment on: half of what is written then fits.
#[derive(Debug)]
struct Disk {
    file: File,
    full: Arc<AtomicBool>,
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.full.load(Ordering::SeqCst) {
            return self.file.write(bytes);
        }
        self.file.write_all(&bytes[..bytes.len() / 2])?;
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Medium for Disk {
    fn sync(&mut self) -> io::Result<()> {
        // The machine that the test runs on stays up.
        Ok(())
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

/// A project's directory, and the EC2 that it stands in.
struct World {
    sim: Arc<Sim>,
    store: Store,
    _directory: tempfile::TempDir,
}

/// EC2 and a state as they were at some time.
struct Start {
    region: Region,
    state: Option<Vec<u8>>,
}

impl Start {
    fn after(text: Option<&str>) -> Self {
        let world = World::on(Sim::new(REGION));
        if let Some(text) = text {
            assert_eq!(world.healthy(text).1, Vec::<String>::new());
        }
        Self { region: world.sim.world(|region| region.clone()), state: fs::read(world.store.state_path()).ok() }
    }

    fn world(&self) -> World {
        let world = World::on(Sim::with_world(self.region.clone()));
        if let Some(bytes) = &self.state {
            fs::create_dir_all(world.store.state_path().parent().unwrap()).unwrap();
            fs::write(world.store.state_path(), bytes).unwrap();
        }
        world
    }
}

impl World {
    fn on(sim: Sim) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::new(directory.path().join("state"), "small");
        Self { sim: Arc::new(sim), store, _directory: directory }
    }

    async fn plan(&self, text: &str, driver: &dyn Driver) -> Result<(State, Plan), String> {
        let analysis = analyze(vec![("main.secnet".into(), text.into())], &Inputs::default());
        assert!(!analysis.has_errors(), "{:?}", analysis.diagnostics);
        let (model, state) = (&analysis.model, self.store.load().unwrap().state);
        let observation = refresh(driver, model, &state).await.map_err(|error| format!("{error:?}"))?;
        let input = Input { model, state: &state, observation: &observation, sources: None };
        let plan = plan(&input).map_err(|all| format!("{:?}", all.iter().map(|d| &d.message).collect::<Vec<_>>()))?;
        Ok((state, plan))
    }

    /// One run in a process of its own, as the command makes it.
    fn run(&self, text: &str, wire: &Arc<Wire>) -> End {
        let runtime = runtime();
        let end = runtime.block_on(async {
            tokio::select! {
                end = self.process(text, wire) => end.unwrap_or_else(End::Unread),
                () = wire.killed.notified() => End::Killed,
            }
        });
        drop(runtime);
        if wire.wrong == Some(Wrong::TornLine) {
            let bytes = fs::read(self.store.journal_path()).unwrap();
            fs::write(self.store.journal_path(), &bytes[..bytes.len() - 7]).unwrap();
        }
        end
    }

    async fn process(&self, text: &str, wire: &Arc<Wire>) -> Result<End, String> {
        let lock = self.store.lock("test").unwrap();
        let driver = wire.driver();
        let loaded = self.store.load().unwrap();
        if !loaded.unfinished.is_empty() {
            let found = recover(&*driver, loaded.state, &loaded.unfinished).await.map_err(|error| format!("{error:?}"))?;
            self.store.finish(&lock, found.0).unwrap();
        }
        let (state, plan) = self.plan(text, &*driver).await?;
        let full = wire.full.clone();
        let journal = Journal::create_through(&self.store, &lock, |file| Box::new(Disk { file, full })).unwrap();
        let (_go_on, stop) = watch::channel(Stop::No);
        let outcome = execute(&plan, state, journal, driver, Options::default(), mpsc::unbounded_channel().0, stop).await.unwrap();
        outcome.save(&self.store, &lock).unwrap();
        Ok(End::Done(outcome))
    }

    /// A run in which nothing goes wrong: its requests, and what of it failed.
    fn healthy(&self, text: &str) -> (Vec<bool>, Vec<String>) {
        let wire = Wire::new(self.sim.clone(), None, 0);
        let failed = match self.run(text, &wire) {
            End::Killed => vec!["killed".into()],
            End::Unread(why) => vec![why],
            End::Done(outcome) => outcome.failed.iter().map(|f| f.error.to_string()).collect(),
        };
        let heard = wire.heard.lock().unwrap().clone();
        (heard, failed)
    }

    /// What carries the project's tag and still stands: EC2 goes on listing what was terminated or deleted for an hour.
    async fn standing(&self) -> BTreeMap<String, Vec<String>> {
        let filters = json!([{"Name": "key", "Values": ["secnet:address"]}]);
        let answer = self.sim.call(&Request::new("DescribeTags", json!({"Filters": filters}))).unwrap();
        let mut tagged: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for tag in answer["Tags"].as_array().unwrap() {
            tagged.entry(tag["Value"].as_str().unwrap().into()).or_default().push(tag["ResourceId"].as_str().unwrap().into());
        }
        let kinds: BTreeSet<&str> = tagged.keys().map(|address| address.split('.').next().unwrap()).collect();
        let (reader, mut stands) = (Reader::new(&*self.sim), BTreeSet::new());
        for spec in kinds.into_iter().map(|kind| resources::spec(kind).unwrap()) {
            let items = reader.pages(spec.listing.action, spec.listing.items, &[], spec.listing.page).await.unwrap();
            stands.extend(items.iter().filter_map(|item| (spec.observe)(item)).map(|observed| observed.id));
        }
        tagged.values_mut().for_each(|ids| ids.retain(|id| stands.contains(id)));
        tagged
    }
}

/// What is not as it should be after one run more: none of it where all is well.
#[derive(Debug, Default)]
struct Ills {
    failed: Vec<String>,
    orphans: Vec<String>,
    doubles: Vec<String>,
    disagreeing: Vec<String>,
}

impl Ills {
    /// Runs once more over a wire on which all is well, and looks.
    fn find(&mut self, world: &World, text: &str, when: &str) {
        self.failed.extend(world.healthy(text).1.iter().map(|why| format!("{when}: {why}")));
        let (state, left, standing) = runtime().block_on(async {
            let (state, plan) = world.plan(text, &*world.sim).await.unwrap();
            (state, plan.tasks, world.standing().await)
        });
        self.disagreeing.extend(left.iter().map(|task| format!("{when}: {}", task.title)));
        self.disagreeing.extend(state.deposed.iter().map(|d| format!("{when}: {} is deposed", d.resource.id)));
        self.doubles.extend(standing.iter().filter(|(_, ids)| ids.len() > 1).map(|(address, ids)| format!("{when}: {address} is {ids:?}")));
        let known: BTreeSet<&str> = state.resources.values().map(|r| &*r.id).collect();
        let stands: BTreeSet<&str> = standing.values().flatten().map(|id| &**id).collect();
        self.orphans.extend(stands.difference(&known).map(|id| format!("{when}: {id}")));
        self.disagreeing.extend(known.difference(&stands).map(|id| format!("{when}: {id} is in the state alone")));
    }

    fn count(&self) -> usize {
        self.failed.len() + self.orphans.len() + self.doubles.len() + self.disagreeing.len()
    }
}

/// Lets every request on the way from one text to another go wrong in every way, or one in so many.
fn matrix(name: &str, before: Option<&str>, text: &str, one_in: usize) {
    let started = std::time::Instant::now();
    let start = Start::after(before);
    let (heard, failed) = start.world().healthy(text);
    assert_eq!(failed, Vec::<String>::new());
    let one_in = if std::env::var("SECNET_FAULTS").is_ok_and(|all| all == "all") { 1 } else { one_in };
    let mut ills = Ills::default();
    let (mut all, mut played, mut got_over) = (0, 0, 0);
    for (at, changes) in (1..).zip(&heard) {
        for wrong in if *changes { &ALL[..] } else { &READING } {
            all += 1;
            // Each request, and each way in which one goes wrong, comes up as often as the others.
            if (all + at) % one_in != 0 {
                continue;
            }
            let when = format!("{name}, request {at} of {}, {wrong:?}", heard.len());
            let world = start.world();
            let wire = Wire::new(world.sim.clone(), Some(*wrong), at);
            let end = world.run(text, &wire);
            assert_eq!(matches!(end, End::Killed), wrong.kills(), "{when}");
            assert!(wire.heard.lock().unwrap().len() >= at, "{when}: no such request");
            got_over += usize::from(matches!(end, End::Done(outcome) if outcome.is_success()));
            ills.find(&world, text, &when);
            played += 1;
        }
    }
    let changes = heard.iter().filter(|changes| **changes).count();
    let counts = format!(
        "{name}: {played} of {all} faults in {} requests, {changes} of them changes, below the SDK, in {:.0} s: {got_over} runs got over it by \
         themselves; after one more failed {}, orphans {}, doubles {}, disagreeing {}",
        heard.len(),
        started.elapsed().as_secs_f64(),
        ills.failed.len(),
        ills.orphans.len(),
        ills.doubles.len(),
        ills.disagreeing.len()
    );
    io::stderr().lock().write_all(format!("{counts}\n").as_bytes()).unwrap();
    assert_eq!(ills.count(), 0, "{ills:#?}");
}

#[test]
fn whatever_goes_wrong_on_the_wire_of_an_apply_one_run_more_mends_it() {
    matrix("apply", None, &server(), 1);
}

#[test]
fn whatever_goes_wrong_on_the_wire_of_a_change_one_run_more_mends_it() {
    matrix("change", Some(&server()), &edited(), 7);
}

#[test]
fn whatever_goes_wrong_on_the_wire_of_a_destroy_one_run_more_mends_it() {
    matrix("destroy", Some(&server()), NOTHING, 7);
}

#[test]
fn whatever_goes_wrong_on_the_wire_of_three_tiers_one_run_more_mends_it() {
    matrix("three tiers", None, &tiers(), 29);
}
