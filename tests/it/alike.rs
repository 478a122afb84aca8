//! Many at once: how many calls a large network takes, how long EC2's limits hold it up, and that no crash in the middle of
//! a call that makes several loses or doubles one of them.

use std::{fmt::Write, sync::Arc, time::Duration};

use secnet::{
    apply::{
        Options,
        counts::{Counted, Counts},
        refresh::refresh,
    },
    base::address::Address,
    call::{Answer, Driver, Request, mutates},
    sim::{Fault, FaultKind, Sim},
};
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use crate::apply::{World, killed, never, tear_last_line};

/// One VPC, and so many subnets, groups, rules and instances, each thing in its place in turn.
fn network(subnets: usize, groups: usize, rules: usize, instances: usize) -> String {
    let mut text = "project small {}\nvpc main { cidr_block = 10.0.0.0/16 }\n".to_owned();
    for n in 0..subnets {
        let _ = writeln!(text, "subnet s{n} {{ vpc = vpc.main  cidr_block = 10.0.{}.{}/25 }}", n / 2, n % 2 * 128);
    }
    for n in 0..groups {
        let _ = writeln!(text, "security_group g{n} {{\n  vpc = vpc.main\n  description = \"group {n}\"");
        for rule in n * rules / groups..(n + 1) * rules / groups {
            let _ = match rule % 2 {
                0 => writeln!(text, "  ingress tcp/{} from 10.{}.0.0/16", 10_000 + rule, rule % 200),
                _ => writeln!(text, "  ingress tcp/{} from security_group.g{}", 10_000 + rule, (n + 1) % groups),
            };
        }
        text.push_str("}\n");
    }
    for n in 0..instances {
        let (subnet, group) = (n % subnets, n % groups);
        let _ = writeln!(
            text,
            "instance i{n} {{\n  image = ami(\"al2023\")\n  instance_type = \"t3.micro\"\n  subnet = subnet.s{subnet}\n  \
             security_groups = [security_group.g{group}]\n  tags = {{ Name = \"i{n}\" }}\n}}"
        );
    }
    text
}

/// What it takes to make a network, and to read it again.
async fn counted(text: &str) -> (Counts, Counts) {
    let world = World::new();
    let driver = Arc::new(Counted::new(world.sim.clone()));
    let applied = world.run(text, driver.clone(), Options::default(), never()).await;
    assert!(applied.outcome.is_success(), "{:?}", applied.outcome.failed);
    applied.outcome.save(&world.store, &world.store.lock("test").unwrap()).unwrap();
    let made = driver.counts();
    let (model, state, plan) = world.plan(text).await;
    assert!(plan.is_empty());
    let driver = Counted::new(world.sim.clone());
    refresh(&driver, &model, &state).await.unwrap();
    (made, driver.counts())
}

#[tokio::test(start_paused = true)]
async fn a_network_of_a_thousand_takes_few_calls() {
    let (made, read) = counted(&network(20, 100, 500, 379)).await;
    let tags = made.by_action["CreateTags"];
    assert!(made.mutations - tags <= 450 && made.mutations <= 830, "{made:#?}");
    assert_eq!((made.by_action["RunInstances"], made.by_action["AuthorizeSecurityGroupIngress"]), (100, 100), "{made:#?}");
    assert!(read.mutations == 0 && read.reads <= 15, "{read:#?}");
}

#[tokio::test(start_paused = true)]
async fn ten_times_the_network_is_read_with_few_calls_more() {
    let (_, read) = counted(&network(200, 1_000, 5_000, 3_790)).await;
    assert!(read.mutations == 0 && read.reads <= 25, "{read:#?}");
}

/// Sends a call so many times, each as soon as EC2 takes it.
async fn send(sim: &Sim, action: &str, params: Json, times: usize) {
    let request = Request::new(action, params);
    for _ in 0..times {
        while let Err(error) = sim.call(&request) {
            match error.code.as_str() {
                "RequestLimitExceeded" => tokio::time::sleep(Duration::from_millis(20)).await,
                "DryRunOperation" => break,
                _ => panic!("{error}"),
            }
        }
    }
}

/// What EC2's limits cost whoever makes each thing by a call of its own, groups before what names them.
async fn one_by_one() -> Duration {
    let sim = Sim::new("us-east-1");
    sim.throttle();
    let started = Instant::now();
    let group = json!({"DryRun": true, "GroupName": "g", "Description": "g"});
    send(&sim, "CreateSecurityGroup", group, 100).await;
    let launch = json!({"DryRun": true, "MinCount": 1, "MaxCount": 1});
    let rules = send(&sim, "AuthorizeSecurityGroupIngress", json!({"DryRun": true}), 500);
    tokio::join!(rules, send(&sim, "RunInstances", launch, 379));
    started.elapsed()
}

#[tokio::test(start_paused = true)]
async fn the_limits_of_ec2_hold_a_network_of_a_thousand_up_for_a_minute_at_most() {
    let text = network(20, 100, 500, 379);
    let mut times = vec![];
    for throttled in [false, true] {
        let world = World::new();
        if throttled {
            world.sim.throttle();
        }
        let started = Instant::now();
        let applied = world.run(&text, world.sim.clone(), Options::default(), never()).await;
        assert!(applied.outcome.is_success(), "{:?}", applied.outcome.failed);
        times.push(started.elapsed());
    }
    let lost = times[1].saturating_sub(times[0]);
    crate::random::tell(format!(
        "without limits {:?}, with them {:?}; one call for each thing: {:?}",
        times[0],
        times[1],
        one_by_one().await
    ));
    assert!(lost <= Duration::from_secs(60), "{times:?}");
    let each = one_by_one().await;
    assert!(each >= Duration::from_secs(190) && each <= Duration::from_secs(205), "{each:?}");
}

/// EC2 at a distance: every call takes a while.
struct Far(Arc<Sim>, Duration);

impl Driver for Far {
    fn send<'a>(&'a self, request: &'a Request) -> Answer<'a> {
        Box::pin(async move {
            tokio::time::sleep(self.1).await;
            self.0.send(request).await
        })
    }

    fn region(&self) -> &str {
        self.0.region()
    }

    fn describe(&self) -> String {
        self.0.describe()
    }
}

/// How long an apply takes when a call takes 300 ms, and the calls of it.
async fn from_afar(text: &str, throttled: bool, options: Options) -> (Duration, Counts) {
    let world = World::new();
    if throttled {
        world.sim.throttle();
    }
    let driver = Arc::new(Counted::new(Arc::new(Far(world.sim.clone(), Duration::from_millis(300)))));
    let started = Instant::now();
    let applied = world.run(text, driver.clone(), options, never()).await;
    assert!(applied.outcome.is_success(), "{:?}", applied.outcome.failed);
    (started.elapsed(), driver.counts())
}

/// No apply of these calls is faster: the slowest bucket, as EC2 documents it, with nothing else in the way.
fn slowest_bucket(calls: &Counts) -> (String, Duration) {
    let size = |action: &str| match action {
        "RunInstances" => (5.0, 2.0),
        "CreateTags" => (100.0, 10.0),
        "ModifyNetworkInterfaceAttribute" => (100.0, 5.0),
        action if mutates(action) => (50.0, 5.0),
        _ => (100.0, 20.0),
    };
    let time = |(action, count): (&String, &u64)| {
        let (most, refill) = size(action);
        (action.clone(), Duration::from_secs_f64((*count as f64 - most).max(0.0) / refill))
    };
    calls.by_action.iter().map(time).max_by_key(|(_, time)| *time).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_network_of_a_thousand_is_made_in_little_more_than_its_limits_and_its_longest_way_demand() {
    let text = network(20, 100, 500, 379);
    // With as many hands as there are tasks and no limits, what is left is the longest way.
    let (way, _) = from_afar(&text, false, Options { parallelism: 2_000 }).await;
    let (_, without) = from_afar(&text, false, Options::default()).await;
    let (took, with) = from_afar(&text, true, Options::default()).await;
    let (action, bucket) = slowest_bucket(&without);
    let bound = way.max(bucket);
    let ratio = took.as_secs_f64() / bound.as_secs_f64();
    crate::random::tell(format!(
        "300 ms a call: {took:?}, {ratio:.2} times the lower bound; longest way {way:?}, bucket of {action} {bucket:?}; {} calls, {} without limits",
        with.reads + with.mutations,
        without.reads + without.mutations,
    ));
    assert!(ratio <= 1.1, "{took:?}, at least {bound:?}");
}

/// Three machines that differ in their tags alone, one of another size, and one with an address of its own.
const MACHINES: &str = r#"
project small {}
vpc main { cidr_block = 10.0.0.0/16 }
subnet a { vpc = vpc.main  cidr_block = 10.0.1.0/24 }
security_group web { vpc = vpc.main  description = "web" }
instance one   { image = ami("al2023")  instance_type = "t3.micro"  subnet = subnet.a  security_groups = [security_group.web]  source_dest_check = false  tags = { Name = "one", for = "all" } }
instance two   { image = ami("al2023")  instance_type = "t3.micro"  subnet = subnet.a  security_groups = [security_group.web]  source_dest_check = false  tags = { Name = "two", for = "all" } }
instance three { image = ami("al2023")  instance_type = "t3.micro"  subnet = subnet.a  security_groups = [security_group.web]  source_dest_check = false  tags = { Name = "three", for = "all" } }
instance large { image = ami("al2023")  instance_type = "t3.large"  subnet = subnet.a  security_groups = [security_group.web]  source_dest_check = false }
instance fixed { image = ami("al2023")  instance_type = "t3.micro"  subnet = subnet.a  security_groups = [security_group.web]  source_dest_check = false  private_ip_address = 10.0.1.9 }
"#;

/// The tags of everything that carries this address.
fn tags_of(world: &World, address: &str) -> Vec<(String, Json)> {
    let filters = json!([{"Name": "key", "Values": ["secnet:address"]}, {"Name": "value", "Values": [address]}]);
    let found = world.sim.call(&Request::new("DescribeTags", json!({"Filters": filters}))).unwrap();
    let ids = found["Tags"].as_array().unwrap().iter().map(|tag| tag["ResourceId"].as_str().unwrap().to_owned());
    ids.map(|id| {
        let filters = json!([{"Name": "resource-id", "Values": [id]}]);
        (id, world.sim.call(&Request::new("DescribeTags", json!({"Filters": filters}))).unwrap()["Tags"].clone())
    })
    .collect()
}

#[tokio::test(start_paused = true)]
async fn what_differs_in_tags_alone_is_made_by_one_call_and_each_has_its_own() {
    let world = World::new();
    let applied = world.apply(MACHINES).await;
    assert!(applied.outcome.is_success(), "{:?}", applied.outcome.failed);
    assert_eq!(world.sim.calls("RunInstances"), 3);
    let titles: Vec<&str> = applied.plan.tasks.iter().map(|t| t.title.as_str()).filter(|t| t.contains("instance")).collect();
    assert_eq!(titles, ["create instance.fixed", "create instance.large", "create instance.one and 2 like it"]);
    for name in ["one", "two", "three"] {
        let tagged = tags_of(&world, &format!("instance.{name}"));
        let mut kinds: Vec<&str> = tagged.iter().map(|(id, _)| id.split('-').next().unwrap()).collect();
        kinds.sort_unstable();
        assert_eq!(kinds, ["eni", "i", "vol"], "{tagged:#?}");
        for (id, tags) in &tagged {
            let value = |key: &str| tags.as_array().unwrap().iter().find(|tag| tag["Key"] == key).map(|tag| tag["Value"].clone());
            assert_eq!((value("Name"), value("for")), (Some(json!(name)), Some(json!("all"))), "{id}");
        }
    }
    let state = &applied.outcome.state.resources;
    let operation = |name: &str| state[&Address::parse(&format!("instance.{name}")).unwrap()].secnet_id.clone();
    assert!(operation("one") == operation("two") && operation("one") != operation("large"));
    world.check_converged(MACHINES, "after apply").await;
    // One of them that goes alone comes back alone.
    let id = state[&Address::parse("instance.two").unwrap()].id.clone();
    world.sim.call(&Request::new("TerminateInstances", json!({"InstanceIds": [id]}))).unwrap();
    let applied = world.apply(MACHINES).await;
    assert_eq!(applied.plan.tasks.iter().map(|t| &*t.title).collect::<Vec<_>>(), ["create instance.two"]);
    assert!(applied.outcome.is_success(), "{:?}", applied.outcome.failed);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_a_call_that_makes_several_doubles_none() {
    for action in ["RunInstances", "CreateTags", "ModifyInstanceAttribute"] {
        for nth in 1..=3 {
            for kind in [FaultKind::LostAnswer, FaultKind::NoAnswer, FaultKind::NotYetVisible(4)] {
                let world = World::new();
                world.sim.fault(Fault::nth(action, nth, kind.clone()));
                let when = format!("{kind:?} of the {nth}. {action}");
                let applied = world.apply(MACHINES).await;
                assert!(applied.outcome.is_success(), "{when}: {:?}", applied.outcome.failed);
                world.check_converged(MACHINES, &when).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_in_a_call_that_makes_several_loses_none_and_doubles_none() {
    let whole = World::new();
    whole.apply(MACHINES).await;
    let calls = whole.sim.all_calls().iter().filter(|(action, _)| mutates(action)).map(|(_, n)| *n as usize).sum::<usize>();
    for at in 1..=calls {
        for carried_out in [true, false] {
            let when = format!("killed at call {at}, carried out: {carried_out}");
            let world = World::new();
            killed(&world, MACHINES, (at, carried_out)).await;
            if !carried_out {
                tear_last_line(&world);
            }
            world.recover().await;
            let applied = world.apply(MACHINES).await;
            assert!(applied.outcome.is_success(), "{when}: {:?}", applied.outcome.failed);
            world.check_converged(MACHINES, &when).await;
        }
    }
}

/// Between the lines that say what one call has made the journal may end, too.
#[tokio::test(start_paused = true)]
async fn a_journal_that_names_some_of_several_is_completed_from_ec2() {
    let world = World::new();
    killed(&world, MACHINES, (1_000, false)).await;
    let path = world.store.journal_path();
    let lines: Vec<String> = std::fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect();
    let second = lines.iter().position(|line| line.contains("created") && line.contains("instance.three")).unwrap();
    std::fs::write(&path, lines[..=second - 1].join("\n") + "\n").unwrap();
    world.recover().await;
    world.apply(MACHINES).await;
    world.check_converged(MACHINES, "after a torn journal").await;
    assert_eq!(world.sim.calls("RunInstances"), 3);
}
