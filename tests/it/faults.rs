//! Every call of an apply, of a change and of a destroy goes wrong, in turn, in every way: afterwards one run more brings
//! everything to where it should be, each thing once.
//!
//! `SECNET_FAULTS=all` plays every one, a number so many of each; else a few are drawn from the seed. And random projects are
//! applied, edited and destroyed while random calls go wrong, run after run: `SECNET_LIVES` says how many.

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
    apply::{Options, Reader, Stop, execute},
    call::{Answer, ApiError, Class, Driver, Json, Request, mutates},
    resources,
    sim::{Fault, FaultKind, Sim, World as Region},
    state::journal::{Journal, Medium},
};
use serde_json::json;
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use crate::{
    apply::{World, never, tear_last_line},
    during::draft,
    random::{Dice, seed, seeds, setting, tell},
};

/// The example, by the name that the store of a world knows.
fn example() -> String {
    include_str!("../../examples/three_tier/main.secnet").replace("project three_tier", "project small")
}

/// The same after a change of everything that can change in its own way: rules, a group and subnets that are replaced, with what
/// stands in them, an ACL, tags, and instances that are stopped for it.
fn edited() -> String {
    let edits = [
        ("ingress tcp/443  from anywhere", "ingress tcp/443  from anywhere\n  ingress tcp/80 from anywhere"),
        ("description = \"application\"", "description = \"the application\""),
        ("out 100 allow", "out 110 allow"),
        ("Project = \"three_tier\"", "Project = \"tiers\""),
        (
            "instance app for zone in zones { image = image  instance_type = \"t3.micro\"",
            "instance app for zone in zones { image = image  instance_type = \"t3.small\"",
        ),
        ("blocks[20 + i]", "blocks[30 + i]"),
    ];
    edits.into_iter().fold(example(), |text, (old, new)| {
        assert!(text.contains(old), "{old}");
        text.replace(old, new)
    })
}

const NOTHING: &str = "project small { region = \"us-east-1\" }";

/// What goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    /// The process is killed, and nothing of the call has reached EC2.
    KilledBefore,
    /// The same while the line of the journal was written that announces it.
    KilledInLine,
    /// EC2 has carried it out, and the process is killed before it hears of it.
    KilledAfter,
    /// Carried out, and no answer comes.
    AnswerLost,
    /// The same, and nothing can be read for three quarters of a minute.
    AnswerLostAndBlind,
    /// The same, and nothing can be read any more.
    AnswerLostAndBlindForGood,
    /// Nothing came of it, and nobody knows that.
    Error500,
    /// It is refused for its rate, and so are the thirty that follow.
    Throttled,
    /// What it made is not seen by the next calls.
    NotSeen,
    /// Carried out, and the answer says nothing.
    EmptyAnswer,
    /// From then on the credentials are no longer valid.
    Expired,
    /// Carried out, and nothing can be written to the journal any more.
    DiskFull,
}

const ALL: [Wrong; 12] = [
    Wrong::KilledBefore,
    Wrong::KilledInLine,
    Wrong::KilledAfter,
    Wrong::AnswerLost,
    Wrong::AnswerLostAndBlind,
    Wrong::AnswerLostAndBlindForGood,
    Wrong::Error500,
    Wrong::Throttled,
    Wrong::NotSeen,
    Wrong::EmptyAnswer,
    Wrong::Expired,
    Wrong::DiskFull,
];

impl Wrong {
    fn kills(self) -> bool {
        matches!(self, Wrong::KilledBefore | Wrong::KilledInLine | Wrong::KilledAfter)
    }
}

/// EC2 with one call that goes wrong.
struct Faulty {
    sim: Arc<Sim>,
    wrong: Wrong,
    at: usize,
    sent: AtomicUsize,
    dead: AtomicBool,
    full: Arc<AtomicBool>,
    blind: Mutex<Option<Instant>>,
}

impl Faulty {
    fn new(sim: Arc<Sim>, wrong: Wrong, at: usize) -> Arc<Self> {
        let (sent, dead, full, blind) = (AtomicUsize::new(0), AtomicBool::new(false), Arc::default(), Mutex::default());
        Arc::new(Self { sim, wrong, at, sent, dead, full, blind })
    }

    fn struck(&self) -> bool {
        self.sent.load(Ordering::SeqCst) >= self.at
    }

    fn blind_for(&self, time: Duration) {
        *self.blind.lock().unwrap() = Some(Instant::now() + time);
    }

    fn is_blind(&self) -> bool {
        self.blind.lock().unwrap().is_some_and(|until| Instant::now() < until)
    }

    /// The call that goes wrong; `None`: nobody will ever answer.
    fn strike(&self, request: &Request) -> Option<Result<Json, ApiError>> {
        let lost = || ApiError::without_answer(Class::Ambiguous, "the connection was reset");
        let done = self.wrong != Wrong::KilledBefore && self.wrong != Wrong::KilledInLine && self.wrong != Wrong::Error500;
        Some(match self.wrong {
            Wrong::Error500 => Err(ApiError::new("InternalError", "An internal error has occurred")),
            Wrong::NotSeen => {
                self.sim.fault(Fault::next(&request.action, FaultKind::NotYetVisible(12)));
                self.sim.call(request)
            }
            Wrong::Throttled => Err(ApiError::new("RequestLimitExceeded", "Request limit exceeded.")),
            Wrong::Expired => Err(ApiError::new("RequestExpired", "Request has expired.")),
            _ => {
                let answer = if done { self.sim.call(request) } else { Ok(Json::Null) };
                match self.wrong {
                    Wrong::AnswerLostAndBlind => self.blind_for(Duration::from_secs(45)),
                    Wrong::AnswerLostAndBlindForGood => self.blind_for(Duration::from_secs(1_000_000)),
                    Wrong::DiskFull => self.full.store(true, Ordering::SeqCst),
                    _ => {}
                }
                match self.wrong {
                    wrong if wrong.kills() => {
                        self.dead.store(true, Ordering::SeqCst);
                        return None;
                    }
                    Wrong::EmptyAnswer => answer.map(|_| json!({})),
                    Wrong::DiskFull => answer,
                    _ => Err(lost()),
                }
            }
        })
    }
}

impl Driver for Faulty {
    fn send<'a>(&'a self, request: &'a Request) -> Answer<'a> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if self.dead.load(Ordering::SeqCst) {
                return std::future::pending().await;
            }
            if !mutates(&request.action) {
                return match self.wrong {
                    Wrong::Expired if self.struck() => Err(ApiError::new("RequestExpired", "Request has expired.")),
                    _ if self.is_blind() => Err(ApiError::without_answer(Class::Ambiguous, "the connection was reset")),
                    _ => self.sim.call(request),
                };
            }
            let number = self.sent.fetch_add(1, Ordering::SeqCst) + 1;
            let lasts = match self.wrong {
                Wrong::Throttled => number < self.at + 30,
                Wrong::Expired => true,
                _ => false,
            };
            if number == self.at || (number > self.at && lasts) {
                match self.strike(request) {
                    Some(answer) => answer,
                    None => std::future::pending().await,
                }
            } else {
                self.sim.call(request)
            }
        })
    }

    fn region(&self) -> &str {
        self.sim.region()
    }

    fn describe(&self) -> String {
        "faulty".into()
    }
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

/// EC2 and a state as they were at some time.
#[derive(Clone)]
struct Start {
    region: Region,
    state: Option<Vec<u8>>,
}

impl Start {
    async fn after(text: Option<&str>) -> Self {
        let world = World::new();
        if let Some(text) = text {
            let applied = world.apply(text).await;
            assert!(applied.outcome.is_success(), "{:?}", applied.outcome.failed);
        }
        Self { region: world.sim.world(|region| region.clone()), state: fs::read(world.store.state_path()).ok() }
    }

    fn world(&self) -> World {
        let mut world = World::new();
        world.sim = Arc::new(Sim::with_world(self.region.clone()));
        if let Some(bytes) = &self.state {
            fs::create_dir_all(world.store.state_path().parent().unwrap()).unwrap();
            fs::write(world.store.state_path(), bytes).unwrap();
        }
        world
    }
}

/// One run in which something goes wrong, as the command makes it.
async fn struck(world: &World, text: &str, driver: &Arc<Faulty>) {
    let (model, state, plan) = world.plan(text).await;
    let store = world.store(&model);
    let lock = store.lock("test").unwrap();
    let full = driver.full.clone();
    let journal = Journal::create_through(&store, &lock, |file| Box::new(Disk { file, full })).unwrap();
    let (stop, stopped) = watch::channel(Stop::No);
    let kills = driver.wrong.kills();
    if kills {
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(100_000)).await;
            stop.send_replace(Stop::AtOnce);
        });
    }
    let stopped = if kills { stopped } else { never() };
    let outcome = execute(&plan, state, journal, driver.clone(), Options::default(), mpsc::unbounded_channel().0, stopped).await.unwrap();
    if !kills {
        outcome.save(&store, &lock).unwrap();
    } else if driver.wrong == Wrong::KilledInLine {
        tear_last_line(world);
    }
}

/// What carries the project's tag and still stands: EC2 goes on listing what was terminated or deleted for an hour.
async fn standing(world: &World) -> BTreeMap<String, Vec<String>> {
    let mut tagged = world.tagged();
    let kinds: BTreeSet<&str> = tagged.keys().map(|address| address.split('.').next().unwrap()).collect();
    let (reader, mut stands) = (Reader::new(&*world.sim), BTreeSet::new());
    for spec in kinds.into_iter().map(|kind| resources::spec(kind).unwrap()) {
        let items = reader.pages(spec.listing.action, spec.listing.items, &[], spec.listing.page).await.unwrap();
        stands.extend(items.iter().filter_map(|item| (spec.observe)(item)).map(|observed| observed.id));
    }
    tagged.values_mut().for_each(|ids| ids.retain(|id| stands.contains(id)));
    tagged
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
    async fn after(world: &World, text: &str, when: &str) -> Self {
        let mut ills = Ills::default();
        world.recover().await;
        let applied = world.apply(text).await;
        ills.failed.extend(applied.outcome.failed.iter().map(|f| format!("{when}: {}", f.error)));
        let (_, state, plan) = world.plan(text).await;
        ills.disagreeing.extend(plan.tasks.iter().map(|task| format!("{when}: {}", task.title)));
        ills.disagreeing.extend(state.deposed.iter().map(|d| format!("{when}: {} is deposed", d.resource.id)));
        let tagged = standing(world).await;
        ills.doubles.extend(tagged.iter().filter(|(_, ids)| ids.len() > 1).map(|(address, ids)| format!("{when}: {address} is {ids:?}")));
        let known: BTreeSet<&str> = state.resources.values().map(|r| &*r.id).collect();
        let stands: BTreeSet<&str> = tagged.values().flatten().map(|id| &**id).collect();
        ills.orphans.extend(stands.difference(&known).map(|id| format!("{when}: {id}")));
        ills.disagreeing.extend(known.difference(&stands).map(|id| format!("{when}: {id} is in the state alone")));
        ills
    }

    fn is_sound(&self) -> bool {
        [&self.failed, &self.orphans, &self.doubles, &self.disagreeing].iter().all(|ills| ills.is_empty())
    }

    fn add(&mut self, other: Ills) {
        self.failed.extend(other.failed);
        self.orphans.extend(other.orphans);
        self.doubles.extend(other.doubles);
        self.disagreeing.extend(other.disagreeing);
    }
}

/// Lets every call that leads from one text to another go wrong in every way, or some of them.
async fn matrix(name: &str, before: Option<&str>, text: &str, some: usize) {
    let start = Start::after(before).await;
    let changes = |calls: BTreeMap<String, u64>| calls.iter().filter(|(action, _)| mutates(action)).map(|(_, n)| n).sum::<u64>();
    let whole = start.world();
    let earlier = changes(whole.sim.all_calls());
    let applied = whole.apply(text).await;
    assert!(applied.outcome.is_success(), "{:?}", applied.outcome.failed);
    let calls = usize::try_from(changes(whole.sim.all_calls()) - earlier).unwrap();
    let mut cases: Vec<(usize, Wrong)> = (1..=calls).flat_map(|at| ALL.map(|wrong| (at, wrong))).collect();
    let all = cases.len();
    let asked = std::env::var("SECNET_FAULTS").unwrap_or_default();
    if asked != "all" {
        let mut dice = Dice(seed() + 7_000_000);
        let some = asked.parse().unwrap_or(some);
        // Each way a call can go wrong comes up, as often as the others.
        let mut drawn = vec![];
        for turn in 0..some {
            let of_kind: Vec<_> = cases.iter().copied().filter(|(_, wrong)| *wrong == ALL[turn % ALL.len()]).collect();
            drawn.extend((!of_kind.is_empty()).then(|| *dice.pick(&of_kind)));
            cases.retain(|case| drawn.last() != Some(case));
        }
        cases = drawn;
    }
    let mut ills = Ills::default();
    for (at, wrong) in &cases {
        let world = start.world();
        let driver = Faulty::new(world.sim.clone(), *wrong, *at);
        struck(&world, text, &driver).await;
        let when = format!("{name}, call {at} of {calls}, {wrong:?}");
        assert!(driver.struck(), "{when}: no such call");
        ills.add(Ills::after(&world, text, &when).await);
    }
    tell(format!(
        "{name}: {} of {all} faults in {calls} calls, from seed {}; failed {}, orphans {}, doubles {}, disagreeing {}",
        cases.len(),
        seed(),
        ills.failed.len(),
        ills.orphans.len(),
        ills.doubles.len(),
        ills.disagreeing.len()
    ));
    assert!(ills.is_sound(), "{ills:#?}");
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_with_a_call_of_an_apply_one_run_more_mends_it() {
    matrix("apply", None, &example(), 24).await;
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_with_a_call_of_a_change_one_run_more_mends_it() {
    matrix("change", Some(&example()), &edited(), 12).await;
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_with_a_call_of_a_destroy_one_run_more_mends_it() {
    matrix("destroy", Some(&example()), NOTHING, 24).await;
}

/// CreateVpc takes no client token: a second one would make a second VPC.
#[tokio::test(start_paused = true)]
async fn a_create_without_an_answer_is_not_sent_again_before_the_look_up_has_one() {
    let text = "project small {}\nvpc main { cidr_block = 10.0.0.0/16 }";
    for (wrong, found_at_once) in [(Wrong::AnswerLostAndBlind, true), (Wrong::AnswerLostAndBlindForGood, false)] {
        let world = World::new();
        let driver = Faulty::new(world.sim.clone(), wrong, 1);
        struck(&world, text, &driver).await;
        assert_eq!(world.sim.calls("CreateVpc"), 1, "{wrong:?}");
        assert_eq!(world.store.journal_path().exists(), !found_at_once, "{wrong:?}");
        let ills = Ills::after(&world, text, "then").await;
        assert_eq!(world.sim.calls("CreateVpc"), 1, "{wrong:?}: {ills:?}");
        world.check_converged(text, &format!("{wrong:?}")).await;
    }
}

/// A random project: groups, tables and ACLs of their own, and things that an edit replaces with what stands in them.
fn project(dice: &mut Dice) -> String {
    let mut text = draft(dice).replace("project secure_server", "project small");
    let edits = [
        ("cidr_block = 10.0.2.0/24", "cidr_block = 10.0.3.0/24"),
        ("security_group a {", "security_group a { description = \"one\" "),
        ("security_group b {", "security_group b { description = \"two\"  tags = { Team = \"two\" } "),
        (
            "instance a { image = ami(\"al2023\")  instance_type = \"t3.micro\"",
            "instance a { image = ami(\"al2023\")  instance_type = \"t3.small\"",
        ),
        ("elastic_ip a {", "elastic_ip a { tags = { Of = \"a\" } "),
        ("vpc main {", "vpc main { enable_dns_hostnames = true "),
    ];
    for (old, new) in edits {
        if dice.one_in(2) {
            text = text.replace(old, new);
        }
    }
    if dice.one_in(3) {
        text += "elastic_ip nat {}\nnat_gateway main { subnet = subnet.a  elastic_ip = elastic_ip.nat }\n";
    }
    if dice.one_in(4) {
        text += "prefix_list offices {\nmax_entries = 5\nentry 203.0.113.0/28\nentry 198.51.100.7/32\n}\n";
    }
    if dice.one_in(6) { NOTHING.into() } else { text }
}

/// One project's life: edits, up to three runs that go wrong for each, and one that mends all. Gives how many runs there were.
async fn life(seed: u64) -> (usize, Ills) {
    let mut dice = Dice(seed);
    let (world, mut ills, mut runs) = (World::new(), Ills::default(), 0);
    for edit in 0..1 + dice.below(4) {
        let text = project(&mut dice);
        for _ in 0..dice.below(4) {
            let wrong = *dice.pick(&ALL);
            struck(&world, &text, &Faulty::new(world.sim.clone(), wrong, 1 + dice.below(30))).await;
            world.recover().await;
            runs += 1;
        }
        ills.add(Ills::after(&world, &text, &format!("seed {seed}, edit {edit}")).await);
        runs += 1;
    }
    (runs, ills)
}

#[tokio::test(start_paused = true)]
async fn random_projects_survive_random_faults() {
    let (mut count, mut runs, mut ills, started) = (0, 0, Ills::default(), std::time::Instant::now());
    for played in seeds("random_projects_survive_random_faults", setting("SECNET_LIVES", 60)) {
        let (more, found) = life(played.number).await;
        if !found.is_sound() {
            tell(played.keep());
        }
        (count, runs) = (count + 1, runs + more);
        ills.add(found);
    }
    tell(format!(
        "{count} projects from seed {}, {runs} runs in {:.1} s: failed {}, orphans {}, doubles {}, disagreeing {}",
        seed(),
        started.elapsed().as_secs_f64(),
        ills.failed.len(),
        ills.orphans.len(),
        ills.doubles.len(),
        ills.disagreeing.len()
    ));
    assert!(ills.is_sound(), "{ills:#?}");
}
