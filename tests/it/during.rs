//! What passes while an apply is carried out: the order of the calls, and every state between two of them.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use secnet::{
    analysis::{Inputs, analyze},
    apply::refresh,
    base::address::Address,
    call::{Answer, Driver, Request, mutates},
    net::{Id, Net, snapshot},
    plan::Plan,
    prove::{
        chart::Chart,
        policy::{Outcome, judge},
        reach::beyond::beyond,
    },
    schema::model::Model,
    sim::Sim,
    state::{Resource as Held, State},
};

use crate::play::{Play, before, project, shown, titles};
use crate::random::{Dice, seed, seeds, setting, tell};

const MACHINES: &str = "vpc main { cidr_block = 10.0.0.0/16 }\n\
    internet_gateway main { vpc = vpc.main }\n\
    subnet a { vpc = vpc.main  cidr_block = 10.0.1.0/24 }\n\
    subnet b { vpc = vpc.main  cidr_block = 10.0.2.0/24 }\n\
    instance a { image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.a  security_groups = [security_group.a] }\n\
    instance b { image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.b  security_groups = [security_group.b] }\n";

fn groups(a: &str, b: &str, more: &str) -> String {
    project(&format!("{MACHINES}security_group a {{ vpc = vpc.main\n{a} }}\nsecurity_group b {{ vpc = vpc.main\n{b} }}\n{more}\n"))
}

fn waits(plan: &Plan, then: &str, first: &str) -> bool {
    before(plan, then).iter().any(|title| title == first)
}

const OLD: &str = "delete security_group.b: ingress tcp/22 from 10.0.1.0/25";
const NEW: &str = "create security_group.b: ingress tcp/22 from 10.0.1.0/24";

#[tokio::test(start_paused = true)]
async fn a_rule_goes_before_its_successor_comes_where_a_policy_forbids_and_after_where_it_requires() {
    let change = |policy: &str| {
        let to = |from: &str| groups("egress tcp/22 to 10.0.0.0/16", &format!("ingress tcp/22 from {from}"), policy);
        (to("10.0.1.0/25"), to("10.0.1.0/24"))
    };
    for (policy, first, then) in [
        ("", NEW, OLD),
        ("policy p during apply { forbid tcp/22 from internet to instance.b }", OLD, NEW),
        ("policy p { forbid tcp/22 from internet to instance.b }", NEW, OLD),
    ] {
        let play = Play::new();
        let (old, new) = change(policy);
        play.apply(&old).await;
        let plan = play.plan(&new).await;
        assert!(waits(&plan, then, first), "{policy}: {:#?}", plan.tasks);
        assert!(plan.proof.failing().next().is_none(), "{}", shown(&plan));
        play.apply(&new).await;
    }
    // Both ranges hold the machine: it is reached all the time if the new rule is there before the old one goes.
    let play = Play::new();
    let policy = "policy p during apply { require tcp/22 from instance.a to instance.b }";
    let (old, new) = (
        groups("egress tcp/22 to 10.0.0.0/16", "ingress tcp/22 from 10.0.1.0/25", policy),
        groups("egress tcp/22 to 10.0.0.0/16", "ingress tcp/22 from 10.0.1.0/24", policy),
    );
    play.apply(&old).await;
    let plan = play.plan(&new).await;
    assert!(waits(&plan, OLD, NEW), "{:#?}", titles(&plan));
    assert!(plan.proof.failing().next().is_none(), "{}", shown(&plan));
}

/// Before, `a` lets nothing out; after, `b` lets nothing in. In between, both rules could stand.
fn swap() -> (String, String) {
    (groups("", "ingress tcp/22 from 10.0.0.0/16", ""), groups("egress tcp/22 to 10.0.0.0/16", "", ""))
}

#[tokio::test(start_paused = true)]
async fn what_passes_neither_before_nor_after_does_not_pass_meanwhile() {
    let play = Play::new();
    let (old, new) = swap();
    play.apply(&old).await;
    let plan = play.plan(&new).await;
    let (gone, made) =
        ("delete security_group.b: ingress tcp/22 from 10.0.0.0/16", "create security_group.a: egress tcp/22 to 10.0.0.0/16");
    assert!(waits(&plan, made, gone), "{:#?}", plan.tasks);
    assert!(plan.notes.iter().any(|n| n.contains("taken away before")), "{:#?}", plan.notes);
    assert!(!warned(&plan), "{:#?}", plan.proof.diagnostics);
}

fn warned(plan: &Plan) -> bool {
    plan.proof.diagnostics.iter().any(|d| d.code.id == "W0751")
}

#[tokio::test(start_paused = true)]
async fn where_no_order_gives_what_policies_want_the_plan_says_so() {
    let rules = |port: u16| {
        let rule = |way: &str| format!("{way} tcp/{port} {} 10.0.0.0/16", if way == "egress" { "to" } else { "from" });
        (rule("egress"), rule("ingress"))
    };
    let ((egress, ingress), (other_egress, other_ingress)) = (rules(22), rules(23));
    let policy = "policy p during apply { forbid tcp/23 from instance.a to instance.b\n require tcp/22 from instance.a to instance.b }";
    // Both groups turn to other rules: the plan forbids one of them from the start, so only what stays passes.
    let play = Play::new();
    play.apply(&groups(&egress, &format!("{ingress}\n{other_ingress}"), policy)).await;
    let plan = play.plan(&groups(&format!("{egress}\n{other_egress}"), &ingress, policy)).await;
    assert!(plan.proof.failing().next().is_none() && !warned(&plan), "{}", shown(&plan));
    play.apply(&groups(&format!("{egress}\n{other_egress}"), &ingress, policy)).await;
    // What lets tcp/22 out changes, and so does what lets tcp/23 in: the one wants the new first, the other the old gone first.
    let narrow = |egress: &str, ingress: &str| groups(egress, ingress, policy);
    let play = Play::new();
    let old = narrow("egress tcp/22 to 10.0.2.0/24", "ingress tcp/22 from 10.0.0.0/16\ningress tcp/23 from 10.0.0.0/16");
    let new = narrow("egress tcp/22-23 to 10.0.0.0/16", "ingress tcp/22 from 10.0.1.0/24");
    play.apply(&old).await;
    let plan = play.plan(&new).await;
    assert_eq!(plan.proof.failing().count(), 1, "{}", shown(&plan));
    assert!(plan.proof.failing().all(|v| v.outcome == Outcome::Refuted));
    let told: Vec<_> = plan.proof.diagnostics.iter().filter(|d| d.code.id == "E0750").collect();
    assert_eq!(told.len(), 1, "{told:#?}");
}

/// A simulator that is looked at after every call that changes something, and that answers late, in any order.
struct Watched {
    sim: Arc<Sim>,
    model: Model,
    state: State,
    dice: Mutex<Dice>,
    seen: Mutex<Vec<(String, Net)>>,
}

impl Watched {
    async fn look(&self) -> Net {
        let observation = refresh::refresh(&*self.sim, &self.model, &self.state).await.unwrap();
        snapshot::of_json("what EC2 answered", observation.network.as_ref().unwrap()).unwrap()
    }
}

impl Driver for Watched {
    fn send<'a>(&'a self, request: &'a Request) -> Answer<'a> {
        Box::pin(async move {
            if !mutates(&request.action) {
                return self.sim.send(request).await;
            }
            let late = self.dice.lock().unwrap().below(1000);
            tokio::time::sleep(Duration::from_millis(late as u64)).await;
            let answer = self.sim.send(request).await;
            let net = self.look().await;
            self.seen.lock().unwrap().push((request.action.clone(), net));
            answer
        })
    }

    fn region(&self) -> &str {
        self.sim.region()
    }

    fn describe(&self) -> String {
        self.sim.describe()
    }
}

/// Rules for two groups, entries for an ACL and a table for each subnet.
pub fn draft(dice: &mut Dice) -> String {
    let mut group = |name: &str| {
        let mut rules: Vec<String> = vec![];
        for _ in 0..dice.below(4) {
            let (way, word) = *dice.pick(&[("ingress", "from"), ("egress", "to")]);
            let peers = ["10.0.1.0/24", "10.0.2.0/24", "10.0.0.0/16", "security_group.a", "security_group.b", "anywhere"];
            let rule = format!("{way} {} {word} {}", dice.pick(&["tcp/22", "tcp/80", "all"]), dice.pick(&peers));
            if !rules.contains(&rule) {
                rules.push(rule);
            }
        }
        format!("security_group {name} {{ vpc = vpc.main\n{} }}\n", rules.join("\n"))
    };
    let mut text = format!("{}{}", group("a"), group("b"));
    for name in ["a", "b"] {
        if dice.one_in(2) {
            let route = if dice.one_in(2) { "route anywhere via internet_gateway.main" } else { "" };
            text += &format!("route_table {name} {{ vpc = vpc.main  subnets = [subnet.{name}]\n{route} }}\n");
        }
        if dice.one_in(3) {
            let port = dice.pick(&["tcp/22", "tcp/80", "all"]);
            let deny = if dice.one_in(2) { format!("in 90 deny {port} from 10.0.0.0/16\n") } else { String::new() };
            text += &format!(
                "network_acl {name} {{ vpc = vpc.main  subnets = [subnet.{name}]\n{deny}in 100 allow all from anywhere\nout 100 allow all to anywhere }}\n"
            );
        }
        let ip = if dice.one_in(3) { format!("elastic_ip {name} {{ instance = instance.{name} }}\n") } else { String::new() };
        text += &ip;
    }
    let groups = |dice: &mut Dice| *dice.pick(&["security_group.a", "security_group.b", "security_group.a, security_group.b"]);
    for name in ["a", "b"] {
        let carried = groups(dice);
        text += &format!(
            "instance {name} {{ image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.{name}  security_groups = [{carried}] }}\n"
        );
    }
    let network = MACHINES.lines().filter(|l| !l.starts_with("instance")).collect::<Vec<_>>().join("\n");
    project(&format!("{network}\n{text}"))
}

/// Applies one draft and then another, looking at every state between.
async fn between(old: &str, new: &str, dice: Dice) -> (bool, usize) {
    let mut play = Play::new();
    play.apply(old).await;
    let plan = play.plan(new).await;
    let model = analyze(vec![("main.secnet".into(), new.into())], &Inputs::default()).model;
    let watched = Arc::new(Watched { sim: play.sim.clone(), model, state: play.state(), dice: Mutex::new(dice), seen: Mutex::default() });
    let start = watched.look().await;
    play.through(watched.clone());
    let outcome = play.carry_out(&plan).await;
    assert!(outcome.is_success(), "{:#?}", outcome.failed);
    let end = watched.look().await;
    let (start, end) = (Chart::new(&start), Chart::new(&end));
    let seen = watched.seen.lock().unwrap();
    if warned(&plan) && std::env::var("SHOW").is_ok() {
        tell(format!(
            "{:#?}\n{}\n{:#?}\n{:?}\n",
            titles(&plan),
            shown(&plan),
            plan.proof.diagnostics.iter().filter(|d| d.code.id == "W0751").map(|d| &d.message).collect::<Vec<_>>(),
            plan.notes
        ));
    }
    if !warned(&plan) {
        for (action, net) in seen.iter() {
            let more = beyond([&start, &end], &Chart::new(net));
            assert!(more.is_empty(), "after {action}: {more:#?}\nfrom:\n{old}\nto:\n{new}\n{:#?}", titles(&plan));
        }
    }
    (warned(&plan), seen.len())
}

/// Who is to reach what, and who is not, whatever the drafts are.
const SAID: &str = "policy open during apply { require tcp/22 from internet to instance.a
        require tcp/80 from instance.a to instance.b }
    policy closed during apply { forbid tcp/22 from internet to instance.b
        forbid tcp/80 from internet to instance.b
        forbid tcp/22 from instance.b to instance.a }";

/// What became of the statements in the network as EC2 has it.
fn judged(net: &Net, state: &State, model: &Model) -> Vec<(bool, Outcome)> {
    let mut net = net.clone();
    let name = |(address, held): (&Address, &Held)| (Id::from(&*held.id), Id::from(address.as_str()));
    net.rename(&state.resources.iter().map(name).collect());
    net.start_machines();
    let requires = model.policies.iter().flat_map(|p| &p.statements).map(|s| s.require);
    requires.zip(judge(&Chart::new(&net), model)).map(|(require, judged)| (require, judged.outcome)).collect()
}

/// Applies one draft and then another under policies, and judges every state between.
async fn between_policies(old: &str, new: &str, dice: Dice) -> [usize; 2] {
    let mut play = Play::new();
    play.apply(old).await;
    let new = format!("{new}\n{SAID}");
    let plan = play.plan(&new).await;
    let model = analyze(vec![("main.secnet".into(), new.clone())], &Inputs::default()).model;
    let watched = Arc::new(Watched { sim: play.sim.clone(), model, state: play.state(), dice: Mutex::new(dice), seen: Mutex::default() });
    let start = judged(&watched.look().await, &watched.state, &watched.model);
    play.through(watched.clone());
    let outcome = play.carry_out(&plan).await;
    assert!(outcome.is_success(), "{:#?}", outcome.failed);
    let end = judged(&watched.look().await, &watched.state, &watched.model);
    let told = |n: usize| plan.proof.policies[n].outcome == Outcome::Proven;
    let mut counted = [0, 0];
    for (n, ((require, before), (_, after))) in start.iter().zip(&end).enumerate() {
        if ![before, after].iter().all(|o| **o == Outcome::Proven) {
            continue;
        }
        counted[usize::from(told(n))] += 1;
        for (action, net) in watched.seen.lock().unwrap().iter().filter(|_| told(n)) {
            let outcome = judged(net, &watched.state, &watched.model)[n].1;
            let titles = titles(&plan);
            assert_eq!(outcome, Outcome::Proven, "{n} (require: {require}) after {action}, from:\n{old}\nto:\n{new}\n{titles:#?}");
        }
    }
    counted
}

#[tokio::test(start_paused = true)]
async fn what_policies_say_during_an_apply_holds_in_every_state_between_two_random_drafts() {
    let (mut count, first) = (0_usize, seed());
    let mut counted = [0, 0];
    for played in seeds("what_policies_say_during_an_apply_holds_in_every_state_between_two_random_drafts", setting("SECNET_DRAFTS", 30)) {
        let mut dice = Dice(played.number);
        count += 1;
        let (old, new) = (draft(&mut dice), draft(&mut dice));
        let more = between_policies(&old, &new, dice).await;
        counted = [counted[0] + more[0], counted[1] + more[1]];
    }
    tell(format!("{count} changes from seed {first}: {} statements held all the time, of {} no order was found", counted[1], counted[0]));
    assert!(counted[1] > counted[0], "{counted:?}");
}

#[tokio::test(start_paused = true)]
async fn no_state_between_two_random_drafts_lets_through_what_neither_does() {
    let (mut count, first) = (0_usize, seed());
    let (mut warned, mut states) = (0, 0);
    for played in seeds("no_state_between_two_random_drafts_lets_through_what_neither_does", setting("SECNET_DRAFTS", 30)) {
        let mut dice = Dice(played.number);
        count += 1;
        let (old, new) = (draft(&mut dice), draft(&mut dice));
        let (told, seen) = between(&old, &new, dice).await;
        warned += usize::from(told);
        states += seen;
    }
    tell(format!("{count} changes from seed {first}: {states} states between, {warned} changes warned of"));
    assert!(warned * 2 < count, "{warned} of {count} changes have no safe order");
}
