//! What EC2 does not let go of: who holds it is named, what goes by itself is waited for, and the next run goes on.

use std::time::Duration;

use secnet::{
    analysis::{Inputs, analyze},
    apply::{Options, Outcome, Progress, Stop, TaskError, execute, refresh},
    base::address::Address,
    call::Request,
    plan::{Input, Plan, plan},
    schema::model::Timeouts,
    sim::Requester,
    state::journal::Journal,
};
use serde_json::json;
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use crate::play::{Play, project};

const NETWORK: &str = "vpc main { cidr_block = 10.0.0.0/16 }\n\
    subnet app { vpc = vpc.main  cidr_block = 10.0.1.0/24 }\n\
    security_group app { vpc = vpc.main }\n";

fn lambda() -> Requester {
    let description = "AWS Lambda VPC ENI-orders-5f3c".to_owned();
    Requester { interface_type: "lambda".into(), description, id: "AROAEXAMPLE:orders".into() }
}

/// A network, and an interface that Lambda keeps in it for so many calls.
async fn held_for(calls: u64) -> (Play, String) {
    let play = Play::new();
    play.apply(&project(NETWORK)).await;
    let (subnet, group) = (play.id("subnet.app"), play.id("security_group.app"));
    let interface = play.sim.world(|world| world.plant_interface(&subnet, &[&group], lambda(), calls)).unwrap();
    (play, interface)
}

/// A plan that takes everything down, with time-outs that were written.
async fn takedown(play: &Play, delete: Option<u64>) -> Plan {
    let mut model = analyze(vec![("main.secnet".into(), project(""))], &Inputs::default()).model;
    let timeouts = Timeouts { delete, ..Timeouts::default() };
    for kind in ["vpc.main", "subnet.app", "security_group.app"] {
        model.timeouts.insert(Address::parse(kind).unwrap(), timeouts);
    }
    let state = play.state();
    let observation = refresh::refresh(&*play.driver, &model, &state).await.unwrap();
    plan(&Input { model: &model, state: &state, observation: &observation, sources: None }).unwrap()
}

/// Carries a plan out, and tells what was shown meanwhile.
async fn carry_out(play: &Play, plan: &Plan) -> (Outcome, Vec<Progress>) {
    let journal = Journal::create(&play.store, &play.lock).unwrap();
    let (progress, mut watcher) = mpsc::unbounded_channel();
    let (_stop, asked) = watch::channel(Stop::No);
    let outcome = execute(plan, play.state(), journal, play.driver.clone(), Options::default(), progress, asked).await.unwrap();
    outcome.save(&play.store, &play.lock).unwrap();
    let mut shown = vec![];
    while let Ok(one) = watcher.try_recv() {
        shown.push(one);
    }
    (outcome, shown)
}

fn errors(outcome: &Outcome) -> Vec<String> {
    outcome.failed.iter().map(|f| f.error.to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn what_another_service_keeps_is_waited_for_and_shown() {
    let (play, interface) = held_for(120).await;
    let started = Instant::now();
    let (outcome, shown) = carry_out(&play, &takedown(&play, None).await).await;
    assert!(outcome.is_success(), "{:?}", errors(&outcome));
    assert!(started.elapsed() > Duration::from_secs(120), "longer than what nobody is known to hold: {:?}", started.elapsed());
    let wanted = "still holds it: an interface of the Lambda function orders-5f3c";
    let told = |p: &Progress| matches!(p, Progress::Waiting { id, state, .. } if *id == interface && state == wanted);
    assert!(shown.iter().any(told), "{shown:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_time_out_names_the_holder_and_the_next_run_goes_on() {
    let (play, interface) = held_for(1_000_000).await;
    let started = Instant::now();
    let (outcome, _) = carry_out(&play, &takedown(&play, Some(900)).await).await;
    assert!(started.elapsed() >= Duration::from_secs(900) && started.elapsed() < Duration::from_secs(1000), "{:?}", started.elapsed());
    let told = errors(&outcome);
    assert_eq!(told.len(), 2, "{told:?}");
    for error in &told {
        let wanted = format!(
            "`{interface}`, an interface of the Lambda function orders-5f3c of AROAEXAMPLE:orders, not managed by this project (tried for 15 min)"
        );
        assert!(error.ends_with(&wanted), "{error}");
    }
    assert!(outcome.failed[0].error.help().unwrap().starts_with("delete the function"));
    assert!(matches!(outcome.failed[0].error, TaskError::Held(_)));
    // Lambda lets go; what is left goes.
    play.sim.world(|world| world.advance(1_000_000));
    let (outcome, _) = carry_out(&play, &takedown(&play, None).await).await;
    assert!(outcome.is_success(), "{:?}", errors(&outcome));
    assert!(play.state().resources.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_does_not_go_by_itself_is_not_waited_for_as_long() {
    let play = Play::new();
    play.apply(&project(NETWORK)).await;
    let call = |action: &str, params| play.sim.call(&Request::new(action, params)).unwrap();
    let (vpc, subnet, group) = (play.id("vpc.main"), play.id("subnet.app"), play.id("security_group.app"));
    let made = call("CreateNetworkInterface", json!({"SubnetId": subnet, "Description": "mine"}));
    let interface = made["NetworkInterface"]["NetworkInterfaceId"].as_str().unwrap().to_owned();
    let other = call("CreateSecurityGroup", json!({"GroupName": "other", "Description": "other", "VpcId": vpc}));
    let other = other["GroupId"].as_str().unwrap().to_owned();
    let pair = json!([{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": [{"GroupId": group}]}]);
    call("AuthorizeSecurityGroupIngress", json!({"GroupId": other, "IpPermissions": pair}));
    let started = Instant::now();
    let (outcome, _) = carry_out(&play, &takedown(&play, None).await).await;
    assert!(started.elapsed() < Duration::from_secs(200), "{:?}", started.elapsed());
    let told = errors(&outcome).join("\n");
    assert!(told.contains(&format!("`{group}` is held by `{other}`, a security group with rules that refer to it")), "{told}");
    let wanted = format!("`{subnet}` is held by `{interface}`, a network interface described as \"mine\" of 123456789012");
    assert!(told.contains(&wanted), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_wait_has_the_time_out_that_is_written() {
    let gateway = |timeouts: &str| {
        project(&format!(
            "vpc main {{ cidr_block = 10.0.0.0/16 }}\n\
             internet_gateway main {{ vpc = vpc.main }}\n\
             subnet public {{ vpc = vpc.main  cidr_block = 10.0.1.0/24 }}\n\
             route_table public {{ vpc = vpc.main  subnets = [subnet.public]  route anywhere via internet_gateway.main }}\n\
             elastic_ip nat {{ }}\n\
             nat_gateway main {{ subnet = subnet.public  elastic_ip = elastic_ip.nat  {timeouts} }}\n"
        ))
    };
    let play = Play::new();
    play.sim.world(|world| world.pace.nat_gateway_available = 1_000_000);
    let source = gateway("lifecycle { timeouts = { create = 90s } }");
    let started = Instant::now();
    let (outcome, _) = carry_out(&play, &play.plan(&source).await).await;
    assert!(started.elapsed() >= Duration::from_secs(90) && started.elapsed() < Duration::from_secs(110), "{:?}", started.elapsed());
    let [failure] = &outcome.failed[..] else { panic!("{:?}", errors(&outcome)) };
    let error = failure.error.to_string();
    assert!(error.starts_with("waited 9") && error.ends_with("to be available, and it is still pending"), "{error}");
    assert!(failure.error.help().unwrap().starts_with("applying again goes on from here"));
    play.sim.world(|world| world.advance(1_000_000));
    play.apply(&source).await;
}
