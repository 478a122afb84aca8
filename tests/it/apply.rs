//! From a plan to EC2 and back: what is done, in which order, and what no fault or crash may do to it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use secnet::{
    analysis::{Inputs, analyze},
    apply::{
        Options, Outcome, Progress, Stop, TaskError,
        counts::{Counted, Counts},
        execute,
        recover::{Found, recover},
        refresh::{refresh, strays},
    },
    base::address::Address,
    call::{Answer, Class, Driver, Json, Request, mutates},
    plan::{Input, Plan, plan},
    schema::{model::Model, value::Value},
    sim::{Fault, FaultKind, Sim},
    state::{
        State,
        journal::{self, Journal},
        store::Store,
    },
};
use serde_json::json;
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

const TOUR: &str = include_str!("../../examples/secure_server/main.secnet");

/// A network of two subnets and a group; nothing that takes EC2 long.
const SMALL: &str = r#"
project small {}
vpc main { cidr_block = 10.0.0.0/16 }
subnet a { vpc = vpc.main  cidr_block = 10.0.1.0/24 }
subnet b { vpc = vpc.main  cidr_block = 10.0.2.0/24 }
security_group web { vpc = vpc.main  description = "web"  ingress tcp/443 from 203.0.113.0/28 }
output vpc = vpc.main.id
"#;

/// The same project with nothing in it.
const NOTHING: &str = "project small {}";

pub fn model(text: &str) -> Model {
    let analysis = analyze(vec![("main.secnet".into(), text.into())], &Inputs::default());
    let wrong: Vec<_> = analysis.diagnostics.iter().map(|d| &d.message).collect();
    assert!(!analysis.has_errors(), "{wrong:?}");
    analysis.model
}

/// A project's directory, and the EC2 that it stands in.
pub struct World {
    pub sim: Arc<Sim>,
    pub store: Store,
    _directory: tempfile::TempDir,
}

/// What an apply was, seen from outside.
pub struct Applied {
    pub outcome: Outcome,
    pub plan: Plan,
    pub progress: Vec<Progress>,
}

impl World {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::new(directory.path().join("state"), "small");
        Self { sim: Arc::new(Sim::new("us-east-1")), store, _directory: directory }
    }

    /// The store of a project of this model.
    pub fn store(&self, model: &Model) -> Store {
        Store::new(self.store.state_path().parent().unwrap(), &model.project.name)
    }

    pub async fn plan(&self, text: &str) -> (Model, State, Plan) {
        let model = model(text);
        let state = self.store(&model).load().unwrap().state;
        let observation = refresh(&*self.sim, &model, &state).await.unwrap();
        let input = Input { model: &model, state: &state, observation: &observation, sources: None };
        let plan = plan(&input).unwrap_or_else(|all| panic!("{:?}", all.iter().map(|d| &d.message).collect::<Vec<_>>()));
        (model, state, plan)
    }

    /// Plans and applies through a driver, as the command does, but for saving.
    pub async fn run(&self, text: &str, driver: Arc<dyn Driver>, options: Options, stop: watch::Receiver<Stop>) -> Applied {
        self.recover().await;
        let (model, state, plan) = self.plan(text).await;
        let store = self.store(&model);
        let lock = store.lock("test").unwrap();
        let journal = Journal::create(&store, &lock).unwrap();
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let outcome = execute(&plan, state.clone(), journal, driver, options, sender, stop).await.unwrap();
        let mut progress = vec![];
        while let Ok(one) = receiver.try_recv() {
            progress.push(one);
        }
        let events = journal::read(&store.journal_path()).unwrap();
        let base = State { lineage: plan.base.0.clone(), ..state };
        assert_eq!(journal::fold(base, &events), outcome.state, "the journal leads to the state");
        Applied { outcome, plan, progress }
    }

    /// Resolves what an interrupted apply of the small project has left.
    pub async fn recover(&self) -> Vec<Found> {
        let loaded = self.store.load().unwrap();
        if loaded.unfinished.is_empty() {
            return vec![];
        }
        let (state, found) = recover(&*self.sim, loaded.state, &loaded.unfinished).await.unwrap();
        self.store.finish(&self.store.lock("test").unwrap(), state).unwrap();
        found
    }

    pub async fn apply(&self, text: &str) -> Applied {
        let applied = self.run(text, self.sim.clone(), Options::default(), never()).await;
        let store = self.store(&model(text));
        applied.outcome.save(&store, &store.lock("test").unwrap()).unwrap();
        applied
    }

    /// Everything that carries the project's tag in EC2, by the address in its tags.
    pub fn tagged(&self) -> BTreeMap<String, Vec<String>> {
        let filters = json!([{"Name": "key", "Values": ["secnet:address"]}]);
        let answer = self.sim.call(&Request::new("DescribeTags", json!({"Filters": filters}))).unwrap();
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for tag in answer["Tags"].as_array().unwrap() {
            let (address, id) = (tag["Value"].as_str().unwrap(), tag["ResourceId"].as_str().unwrap());
            found.entry(address.into()).or_default().push(id.into());
        }
        // Rules, volumes and interfaces carry their owner's address too.
        found.values_mut().for_each(|ids| ids.retain(|id| !["sgr-", "vol-", "eni-"].iter().any(|prefix| id.starts_with(prefix))));
        found
    }

    /// That EC2 holds exactly what the state says, each thing once, and that nothing is left to do.
    pub async fn check_converged(&self, text: &str, when: &str) {
        let (_, state, plan) = self.plan(text).await;
        assert!(plan.is_empty(), "{when}: {:?}", plan.tasks.iter().map(|t| &t.title).collect::<Vec<_>>());
        let known: BTreeMap<String, Vec<String>> = state.resources.iter().map(|(a, r)| (a.to_string(), vec![r.id.clone()])).collect();
        assert_eq!(self.tagged(), known, "{when}");
        assert_eq!(state.deposed, [], "{when}");
    }

    /// That destroying leaves only what EC2 had at first.
    pub async fn check_destroyed(&self, when: &str) {
        let applied = self.apply(NOTHING).await;
        assert!(applied.outcome.is_success(), "{when}: {:?}", applied.outcome.failed);
        assert_eq!(self.tagged(), BTreeMap::new(), "{when}");
        assert_eq!(applied.outcome.state.resources, BTreeMap::new(), "{when}");
    }
}

pub fn never() -> watch::Receiver<Stop> {
    watch::channel(Stop::No).1
}

fn vpc() -> Address {
    Address::new("vpc", "main")
}

/// A driver that takes a tenth of a second for each call, and may hang for ever.
struct Slow {
    sim: Arc<Sim>,
    now: AtomicUsize,
    most: AtomicUsize,
    /// From which mutating call on nothing is answered, and whether that first one is carried out.
    hang: Option<(usize, bool)>,
    mutations: AtomicUsize,
    log: Mutex<Vec<String>>,
}

impl Slow {
    fn new(world: &World, hang: Option<(usize, bool)>) -> Arc<Self> {
        let (now, most, mutations) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { sim: world.sim.clone(), now, most, hang, mutations, log: Mutex::default() })
    }
}

impl Driver for Slow {
    fn send<'a>(&'a self, request: &'a Request) -> Answer<'a> {
        Box::pin(async move {
            if !mutates(&request.action) {
                return self.sim.call(request);
            }
            let number = self.mutations.fetch_add(1, Ordering::SeqCst) + 1;
            if let Some((from, carried_out)) = self.hang
                && number >= from
            {
                if number == from && carried_out {
                    drop(self.sim.call(request));
                }
                return std::future::pending().await;
            }
            self.log.lock().unwrap().push(request.action.clone());
            let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(100)).await;
            self.now.fetch_sub(1, Ordering::SeqCst);
            self.sim.call(request)
        })
    }

    fn region(&self) -> &str {
        self.sim.region()
    }

    fn describe(&self) -> String {
        "slow".into()
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_applied_needs_nothing_more_and_goes_without_a_trace() {
    let world = World::new();
    let applied = world.apply(SMALL).await;
    assert!(applied.outcome.is_success(), "{:?}", applied.outcome.failed);
    let id = world.store.read().unwrap().unwrap().resources[&vpc()].id.clone();
    assert_eq!(applied.outcome.outputs, BTreeMap::from([("vpc".into(), Value::text(id))]));
    world.check_converged(SMALL, "after apply").await;
    world.check_destroyed("after destroy").await;
    assert!(!world.store.journal_path().exists());
}

#[tokio::test(start_paused = true)]
async fn the_tour_takes_few_calls() {
    let world = World::new();
    let (model, store) = (model(TOUR), world.store(&model(TOUR)));
    let count = async |text: &str| -> (Counts, Outcome) {
        let counted = Arc::new(Counted::new(world.sim.clone()));
        let state = store.load().unwrap().state;
        let lock = store.lock("test").unwrap();
        let parsed = self::model(text);
        let observation = refresh(&*counted, &parsed, &state).await.unwrap();
        let plan = plan(&Input { model: &parsed, state: &state, observation: &observation, sources: None }).unwrap();
        let journal = Journal::create(&store, &lock).unwrap();
        let outcome =
            execute(&plan, state, journal, counted.clone(), Options::default(), mpsc::unbounded_channel().0, never()).await.unwrap();
        assert!(outcome.is_success(), "{:?}", outcome.failed);
        outcome.save(&store, &lock).unwrap();
        (counted.counts(), outcome)
    };
    let (first, outcome) = count(TOUR).await;
    assert!(first.mutations <= 18 && first.mutations + first.reads <= 30, "{first:#?}");
    assert_eq!(outcome.state.resources.len(), model.resources.len());
    assert!(outcome.outputs.contains_key("address"), "the instance's public address is known: {:?}", outcome.outputs);
    let (second, _) = count(TOUR).await;
    assert!(second.mutations == 0 && second.reads <= 12, "{second:#?}");
    let nothing = format!("project {} {{}}", model.project.name);
    let (_, outcome) = count(&nothing).await;
    assert_eq!(outcome.state.resources.len(), 0);
    assert_eq!(world.tagged().into_keys().collect::<Vec<_>>(), ["instance.server"], "a terminated instance is listed for a while");
    let vpcs = world.sim.call(&Request::new("DescribeVpcs", json!({}))).unwrap();
    assert_eq!(vpcs["Vpcs"].as_array().unwrap().len(), 1, "the default VPC");
}

#[tokio::test(start_paused = true)]
async fn no_more_runs_at_once_than_was_asked_for() {
    let subnets: String = (0..20).map(|i| format!("subnet s{i} {{ vpc = vpc.main  cidr_block = 10.0.{i}.0/24 }}\n")).collect();
    let text = format!("project small {{}}\nvpc main {{ cidr_block = 10.0.0.0/16 }}\n{subnets}");
    for parallelism in [1, 3, 10] {
        let world = World::new();
        let slow = Slow::new(&world, None);
        let applied = world.run(&text, slow.clone(), Options { parallelism }, never()).await;
        assert!(applied.outcome.is_success());
        assert_eq!(slow.most.load(Ordering::SeqCst), parallelism);
    }
}

#[tokio::test(start_paused = true)]
async fn two_runs_of_a_plan_send_the_same_calls_in_the_same_order() {
    let mut logs = BTreeSet::new();
    for _ in 0..3 {
        let world = World::new();
        let slow = Slow::new(&world, None);
        world.run(SMALL, slow.clone(), Options::default(), never()).await;
        logs.insert(slow.log.lock().unwrap().clone());
    }
    assert_eq!(logs.len(), 1, "{logs:#?}");
    assert_eq!(logs.first().unwrap().first().unwrap(), "CreateVpc");
}

#[tokio::test(start_paused = true)]
async fn a_failure_stops_what_needs_it_and_nothing_else() {
    let world = World::new();
    world.sim.fault(Fault::next("CreateSecurityGroup", FaultKind::Code("UnauthorizedOperation".into())));
    let Applied { outcome, plan, progress } = world.apply(SMALL).await;
    let titles = |tasks: &[usize]| tasks.iter().map(|t| plan.tasks[*t].title.clone()).collect::<Vec<_>>();
    let failed: Vec<usize> = outcome.failed.iter().map(|f| f.task).collect();
    let not_started: Vec<usize> = outcome.not_started.iter().map(|n| n.task).collect();
    assert_eq!(titles(&failed), ["create security_group.web"]);
    assert_eq!(not_started.len(), 1, "its rule");
    assert_eq!(outcome.not_started[0].because, Some(failed[0]));
    assert_eq!(outcome.done.len() + 2, plan.tasks.len());
    assert!(outcome.open.is_empty());
    let TaskError::Refused { action, error, .. } = &outcome.failed[0].error else { panic!("{:?}", outcome.failed[0].error) };
    assert_eq!((action.as_str(), error.class), ("CreateSecurityGroup", Class::Denied));
    assert!(progress.contains(&Progress::Counts { done: plan.tasks.len() - 2, failed: 1, running: 0, total: plan.tasks.len() }));
    assert_eq!(world.store.read().unwrap().unwrap().resources.len(), 3);
    assert!(world.apply(SMALL).await.outcome.is_success());
    world.check_converged(SMALL, "after the second apply").await;
}

/// Every action that changes something when the text is applied.
async fn actions(text: &str) -> BTreeSet<String> {
    let world = World::new();
    world.apply(text).await;
    world.sim.all_calls().into_keys().filter(|action| mutates(action)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_makes_nothing_twice() {
    for action in actions(SMALL).await {
        for kind in [FaultKind::LostAnswer, FaultKind::NoAnswer] {
            let world = World::new();
            world.sim.fault(Fault::next(&action, kind.clone()));
            let when = format!("{kind:?} of {action}");
            let applied = world.apply(SMALL).await;
            assert!(applied.outcome.is_success(), "{when}: {:?}", applied.outcome.failed);
            world.check_converged(SMALL, &when).await;
            world.check_destroyed(&when).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_a_delete_is_no_failure() {
    for action in ["DeleteVpc", "DeleteSubnet", "DeleteSecurityGroup"] {
        let world = World::new();
        world.apply(SMALL).await;
        world.sim.fault(Fault::next(action, FaultKind::LostAnswer));
        world.check_destroyed(action).await;
    }
}

#[tokio::test(start_paused = true)]
async fn throttling_is_waited_out() {
    let world = World::new();
    for action in ["CreateVpc", "CreateSubnet", "DescribeVpcs", "CreateSecurityGroup"] {
        for nth in 1..=4 {
            world.sim.fault(Fault::nth(action, nth, FaultKind::Throttle));
        }
    }
    let started = Instant::now();
    let applied = world.apply(SMALL).await;
    assert!(applied.outcome.is_success(), "{:?}", applied.outcome.failed);
    let retries = applied.progress.iter().filter(|p| matches!(p, Progress::Retrying { .. })).count();
    assert!(retries >= 10, "whoever watches is told: {retries}");
    assert!(started.elapsed() > Duration::from_secs(3) && started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    world.check_converged(SMALL, "after throttles").await;
}

#[tokio::test(start_paused = true)]
async fn endless_throttling_ends_in_a_failure() {
    let world = World::new();
    for nth in 1..=200 {
        world.sim.fault(Fault::nth("CreateVpc", nth, FaultKind::Throttle));
    }
    let outcome = world.apply(SMALL).await.outcome;
    let TaskError::Refused { error, tried_for, .. } = &outcome.failed[0].error else { panic!("{:?}", outcome.failed) };
    assert_eq!(error.class, Class::Throttled);
    assert!(*tried_for >= Duration::from_secs(300) && *tried_for < Duration::from_secs(330), "{tried_for:?}");
    assert_eq!(outcome.done, [] as [usize; 0], "nothing stands without the VPC");
}

#[tokio::test(start_paused = true)]
async fn what_ec2_does_not_see_yet_is_tried_again() {
    for action in ["CreateVpc", "CreateSecurityGroup"] {
        let world = World::new();
        world.sim.fault(Fault::next(action, FaultKind::NotYetVisible(6)));
        let applied = world.apply(SMALL).await;
        assert!(applied.outcome.is_success(), "{action}: {:?}", applied.outcome.failed);
        world.check_converged(SMALL, action).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_held_for_a_moment_goes_and_what_stays_held_is_named() {
    let world = World::new();
    world.apply(SMALL).await;
    for nth in 1..=3 {
        world.sim.fault(Fault::nth("DeleteVpc", nth, FaultKind::Code("DependencyViolation".into())));
    }
    world.check_destroyed("after three refusals").await;

    world.apply(SMALL).await;
    let id = world.store.read().unwrap().unwrap().resources[&vpc()].id.clone();
    world.sim.call(&Request::new("CreateSubnet", json!({"VpcId": id, "CidrBlock": "10.0.99.0/24"}))).unwrap();
    let outcome = world.apply(NOTHING).await.outcome;
    let [failure] = outcome.failed.as_slice() else { panic!("{:?}", outcome.failed) };
    assert!(failure.error.to_string().starts_with("DeleteVpc was refused: DependencyViolation"), "{}", failure.error);
    assert!(failure.error.to_string().contains(", a subnet in it, not managed by this project"), "{}", failure.error);
    assert_eq!(failure.error.help(), Some("delete it, then apply again"));
    assert_eq!(world.store.read().unwrap().unwrap().resources.keys().collect::<Vec<_>>(), [&vpc()]);
}

/// Applies through a driver that hangs at some point, and is killed there: nothing is saved but what the journal has.
pub async fn killed(world: &World, text: &str, hang: (usize, bool)) -> Applied {
    let (stop, stopped) = watch::channel(Stop::No);
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(3600)).await;
        stop.send_replace(Stop::AtOnce);
    });
    world.run(text, Slow::new(world, Some(hang)), Options::default(), stopped).await
}

#[tokio::test(start_paused = true)]
async fn whenever_it_is_killed_nothing_is_lost_and_nothing_is_doubled() {
    let whole = World::new();
    whole.apply(SMALL).await;
    let calls = whole.sim.all_calls().iter().filter(|(action, _)| mutates(action)).map(|(_, n)| *n as usize).sum::<usize>();
    assert!(calls >= 6);
    for at in 1..=calls {
        for carried_out in [true, false] {
            let when = format!("killed at call {at}, carried out: {carried_out}");
            let world = World::new();
            let applied = killed(&world, SMALL, (at, carried_out)).await;
            assert!(!applied.outcome.open.is_empty(), "{when}");
            assert_eq!(applied.outcome.save(&world.store, &world.store.lock("test").unwrap()), Ok(None), "{when}");
            if !carried_out {
                tear_last_line(&world);
            }
            world.recover().await;
            let applied = world.apply(SMALL).await;
            assert!(applied.outcome.is_success(), "{when}: {:?}", applied.outcome.failed);
            world.check_converged(SMALL, &when).await;
            world.check_destroyed(&when).await;
        }
    }
}

/// As a power failure leaves the journal while a line is written.
pub fn tear_last_line(world: &World) {
    let bytes = std::fs::read(world.store.journal_path()).unwrap();
    std::fs::write(world.store.journal_path(), &bytes[..bytes.len() - 7]).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_destroy_that_is_killed_goes_on_where_it_was() {
    for at in 1..=4 {
        for carried_out in [true, false] {
            let world = World::new();
            world.apply(SMALL).await;
            killed(&world, NOTHING, (at, carried_out)).await;
            world.recover().await;
            world.check_destroyed(&format!("killed at call {at}, carried out: {carried_out}")).await;
        }
    }
}

/// The same network after a change that replaces a group (its successor comes first) and a subnet (the old one goes first).
fn changed() -> String {
    SMALL.replace("\"web\"", "\"the web\"").replace("10.0.2.0", "10.0.3.0")
}

#[tokio::test(start_paused = true)]
async fn a_replacement_that_is_killed_leaves_no_old_thing_and_no_second_new_one() {
    let whole = World::new();
    whole.apply(SMALL).await;
    let before: u64 = whole.sim.all_calls().iter().filter(|(action, _)| mutates(action)).map(|(_, n)| n).sum();
    whole.apply(&changed()).await;
    let calls = whole.sim.all_calls().iter().filter(|(action, _)| mutates(action)).map(|(_, n)| n).sum::<u64>() - before;
    assert!(calls >= 5, "two creates, two deletes and the rules: {calls}");
    for at in 1..=calls {
        for carried_out in [true, false] {
            let when = format!("killed at call {at}, carried out: {carried_out}");
            let world = World::new();
            world.apply(SMALL).await;
            killed(&world, &changed(), (at as usize, carried_out)).await;
            world.recover().await;
            let applied = world.apply(&changed()).await;
            assert!(applied.outcome.is_success(), "{when}: {:?}", applied.outcome.failed);
            world.check_converged(&changed(), &when).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_answer_of_the_tour_may_be_lost() {
    for kind in [FaultKind::LostAnswer, FaultKind::NoAnswer, FaultKind::Throttle, FaultKind::NotYetVisible(5)] {
        let world = World::new();
        for action in actions(TOUR).await {
            world.sim.fault(Fault::next(&action, kind.clone()));
        }
        let applied = world.apply(TOUR).await;
        assert!(applied.outcome.is_success(), "{kind:?}: {:?}", applied.outcome.failed);
        world.check_converged(TOUR, &format!("{kind:?}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn recovery_tells_what_it_found() {
    let id = |found: &[Found]| match found {
        [Found::Made { address, id }] => (address.to_string(), id.starts_with("vpc-")),
        other => panic!("{other:?}"),
    };
    let world = World::new();
    killed(&world, SMALL, (1, true)).await;
    assert_eq!(id(&world.recover().await), ("vpc.main".into(), true));
    let world = World::new();
    killed(&world, SMALL, (1, false)).await;
    assert_eq!(world.recover().await, [Found::NotMade { address: vpc() }]);
    let world = World::new();
    world.apply(SMALL).await;
    killed(&world, NOTHING, (4, true)).await;
    assert_eq!(world.recover().await, [Found::Unmade { address: vpc() }]);
    let world = World::new();
    world.apply(SMALL).await;
    killed(&world, NOTHING, (4, false)).await;
    assert_eq!(world.recover().await, [Found::ToBeRead { address: vpc(), action: "DeleteVpc".into() }]);
}

#[tokio::test(start_paused = true)]
async fn asked_to_stop_it_finishes_what_is_under_way() {
    let world = World::new();
    let (stop, stopped) = watch::channel(Stop::No);
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        stop.send_replace(Stop::Gently);
    });
    let Applied { outcome, plan, .. } = world.run(SMALL, Slow::new(&world, None), Options::default(), stopped).await;
    assert_eq!((outcome.done.as_slice(), outcome.stopped), (&[0][..], Stop::Gently));
    assert!(outcome.failed.is_empty() && outcome.open.is_empty());
    assert_eq!(outcome.not_started.len(), plan.tasks.len() - 1);
    assert!(outcome.not_started.iter().all(|n| n.because.is_none()));
    let saved = outcome.save(&world.store, &world.store.lock("test").unwrap()).unwrap().unwrap();
    assert_eq!(saved.resources.keys().collect::<Vec<_>>(), [&vpc()]);
    assert!(world.apply(SMALL).await.outcome.is_success());
    world.check_converged(SMALL, "after going on").await;
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_twice_stops_at_once() {
    let world = World::new();
    let (stop, stopped) = watch::channel(Stop::No);
    tokio::spawn(async move {
        for asked in [Stop::Gently, Stop::AtOnce] {
            tokio::time::sleep(Duration::from_millis(40)).await;
            stop.send_replace(asked);
        }
    });
    let started = Instant::now();
    let outcome = world.run(SMALL, Slow::new(&world, None), Options::default(), stopped).await.outcome;
    assert!(started.elapsed() < Duration::from_millis(90), "{:?}", started.elapsed());
    assert_eq!((outcome.stopped, outcome.open.as_slice()), (Stop::AtOnce, &[0][..]));
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_carried_out_once() {
    let world = World::new();
    let (_, state, plan) = world.plan(SMALL).await;
    world.apply(SMALL).await;
    let state_now = world.store.load().unwrap().state;
    let lock = world.store.lock("test").unwrap();
    let journal = Journal::create(&world.store, &lock).unwrap();
    let error = execute(&plan, state_now, journal, world.sim.clone(), Options::default(), mpsc::unbounded_channel().0, never()).await;
    assert_eq!(error.unwrap_err().code.id, "E0502");
    assert_eq!(plan.base, (state.lineage, 0));
}

#[tokio::test(start_paused = true)]
async fn a_tag_that_was_removed_does_not_read_as_gone() {
    let world = World::new();
    world.apply(SMALL).await;
    let state = world.store.read().unwrap().unwrap();
    let id = &state.resources[&vpc()].id;
    world.sim.call(&Request::new("DeleteTags", json!({"Resources": [id], "Tags": [{"Key": "secnet:lineage"}]}))).unwrap();
    let observation = refresh(&*world.sim, &model(SMALL), &state).await.unwrap();
    assert!(observation.resources["vpc"].contains_key(id));
    assert_eq!(strays(&observation, &state), 0);
    let without = State {
        resources: state.resources.iter().filter(|(a, _)| a.name() != "b").map(|(a, r)| (a.clone(), r.clone())).collect(),
        ..state
    };
    let observation = refresh(&*world.sim, &model(SMALL), &without).await.unwrap();
    assert_eq!(strays(&observation, &without), 1, "a subnet that the state has lost");
}

#[tokio::test(start_paused = true)]
async fn what_was_deleted_by_hand_is_made_again() {
    let world = World::new();
    world.apply(SMALL).await;
    let state = world.store.read().unwrap().unwrap();
    let id = &state.resources[&Address::new("subnet", "b")].id;
    world.sim.call(&Request::new("DeleteSubnet", json!({"SubnetId": id}))).unwrap();
    let applied = world.apply(SMALL).await;
    assert_eq!(applied.plan.tasks.iter().map(|t| t.title.as_str()).collect::<Vec<_>>(), ["create subnet.b"]);
    assert!(applied.outcome.is_success());
    world.check_converged(SMALL, "after the repair").await;
}

#[tokio::test(start_paused = true)]
async fn a_project_that_has_made_nothing_lists_nothing_but_what_has_a_quota() {
    let world = World::new();
    let counted = Counted::new(world.sim.clone());
    refresh(&counted, &model(SMALL), &State::empty("small", "l".into())).await.unwrap();
    // How many VPCs there are already in the Region, since it is to make one.
    let asked = ["DescribeVpcs", "GetCallerIdentity"].map(|action| (action.to_owned(), 1));
    assert_eq!(counted.counts().by_action, BTreeMap::from(asked));
}

#[tokio::test(start_paused = true)]
async fn existing_resources_are_found_by_what_is_written() {
    let world = World::new();
    let text = r#"
project small {}
existing vpc default { is_default = true }
existing subnet first { vpc = vpc.default  availability_zone = "us-east-1a" }
existing subnet none { vpc = vpc.default  tags = { Name = "nobody" } }
output subnet = subnet.first.cidr_block
output name = subnet.none.id
"#;
    let observation = refresh(&*world.sim, &model(text), &State::empty("small", "l".into())).await.unwrap();
    let found = |kind: &str, name: &str| observation.existing[&Address::new(kind, name)].clone();
    let [vpc] = found("vpc", "default").try_into().unwrap();
    let [subnet] = found("subnet", "first").try_into().unwrap();
    assert_eq!(subnet.record["vpc"], Value::text(&vpc.id));
    assert_eq!(vpc.record["enable_dns_support"], Value::Bool(true), "what the listing leaves out is read too");
    assert_eq!(found("subnet", "none"), []);
}

#[tokio::test(start_paused = true)]
async fn the_newest_image_is_looked_up_once_for_each_architecture() {
    let world = World::new();
    let instance = |name: &str, image: &str, kind: &str| {
        format!(
            "instance {name} {{ image = {image}  instance_type = \"{kind}\"  subnet = subnet.a  security_groups = [security_group.web] }}\n"
        )
    };
    let text = [
        SMALL.to_owned(),
        instance("one", "ami(\"al2023\")", "t3.micro"),
        instance("two", "ami(\"al2023\")", "t3.small"),
        instance("arm", "ami(\"al2023\")", "t4g.micro"),
        instance("debian", "ami(\"debian-12\")", "t3.micro"),
    ]
    .concat();
    let counted = Counted::new(world.sim.clone());
    let mut state = State::empty("small", "l".into());
    let observation = refresh(&counted, &model(&text), &state).await.unwrap();
    let found: Vec<_> =
        observation.images.iter().map(|(key, image)| (key.as_str(), image.architecture.as_str(), image.name.as_str())).collect();
    let [(key, "arm64", arm), ("ami(\"al2023\")/x86_64", "x86_64", x86), ("ami(\"debian-12\")/x86_64", "x86_64", debian)] = found[..]
    else {
        panic!("{found:?}")
    };
    assert_eq!(key, "ami(\"al2023\")/arm64");
    assert!(arm.starts_with("al2023-ami-2023.") && arm.ends_with("20260105.0-kernel-6.1-arm64"), "the newest: {arm}");
    assert!(x86.ends_with("x86_64") && debian.starts_with("debian-12-amd64-20251112"), "{x86} {debian}");
    assert_eq!(counted.counts().by_action["DescribeImages"], 3);

    let id = observation.images["ami(\"al2023\")/x86_64"].id.clone();
    state.images = observation.images;
    let by_id = [SMALL.to_owned(), instance("one", &format!("\"{id}\""), "t3.micro")].concat();
    assert_eq!(refresh(&*world.sim, &model(&by_id), &state).await.unwrap().images, BTreeMap::new(), "it is pinned");
    state.images.clear();
    let observation = refresh(&*world.sim, &model(&by_id), &state).await.unwrap();
    assert_eq!(observation.images[&id].root_device_name, "/dev/xvda");
}

/// An answer's `NextToken` is followed to the end.
#[tokio::test(start_paused = true)]
async fn long_lists_are_read_page_by_page() {
    struct Pages(Arc<Sim>);
    impl Driver for Pages {
        fn send<'a>(&'a self, request: &'a Request) -> Answer<'a> {
            let mut request = request.clone();
            if request.params.get("MaxResults").is_some() {
                request.params["MaxResults"] = Json::from(5);
            }
            Box::pin(async move { self.0.call(&request) })
        }
        fn region(&self) -> &str {
            self.0.region()
        }
        fn describe(&self) -> String {
            "pages".into()
        }
    }
    let subnets: String = (0..23).map(|i| format!("subnet s{i} {{ vpc = vpc.main  cidr_block = 10.0.{i}.0/24 }}\n")).collect();
    let text = format!("project small {{}}\nvpc main {{ cidr_block = 10.0.0.0/16 }}\n{subnets}");
    let world = World::new();
    world.apply(&text).await;
    let state = world.store.read().unwrap().unwrap();
    let observation = refresh(&Pages(world.sim.clone()), &model(&text), &state).await.unwrap();
    assert_eq!(observation.resources["subnet"].len(), 23);
}
