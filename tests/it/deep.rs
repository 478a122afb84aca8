//! `--deep`: what EC2 tells of one instance at a time only, and what becomes of it.

use secnet::{
    base::address::Address,
    call::{Driver, Request},
    plan::Action,
    schema::value::Value,
};
use serde_json::json;

use crate::{
    cli::Project,
    play::{Play, project, shown},
};

fn machine(more: &str) -> String {
    project(&format!(
        "vpc main {{ cidr_block = 10.0.0.0/16 }}
         subnet a {{ vpc = vpc.main  cidr_block = 10.0.1.0/24 }}
         security_group g {{ vpc = vpc.main }}
         {}",
        alone("i", more)
    ))
}

fn alone(name: &str, more: &str) -> String {
    format!(
        "instance {name} {{ image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.a
           security_groups = [security_group.g]  {more} }}"
    )
}

/// Changes something of the instance by another's hand.
fn by_another(play: &Play, attribute: &str, value: &serde_json::Value) {
    let id = play.id("instance.i");
    let send = |action: &str, params| play.sim.call(&Request::new(action, params)).unwrap();
    let stops = attribute == "UserData";
    if stops {
        send("StopInstances", json!({"InstanceIds": [id]}));
        settle(play);
    }
    send("ModifyInstanceAttribute", json!({"InstanceId": id, attribute: {"Value": value}}));
    if stops {
        send("StartInstances", json!({"InstanceIds": [id]}));
        settle(play);
    }
}

/// Asks until it does what it was told.
fn settle(play: &Play) {
    (0..20).for_each(|_| drop(play.sim.call(&Request::new("DescribeInstances", json!({}))).unwrap()));
}

fn asked(play: &Play) -> usize {
    play.sim.log().iter().filter(|request| request.action == "DescribeInstanceAttribute").count()
}

#[tokio::test(start_paused = true)]
async fn what_another_has_changed_is_seen_with_it_alone_and_changed_back() {
    let cases = [
        ("user_data = \"one\"", "UserData", json!("dHdv"), "user_data: \"two\" -> \"one\""),
        ("user_data = \"one\"", "UserData", json!(""), "user_data: null -> \"one\""),
        ("disable_api_termination = true", "DisableApiTermination", json!(false), "disable_api_termination: false -> true"),
        ("disable_api_stop = false", "DisableApiStop", json!(true), "disable_api_stop: true -> false"),
        (
            "instance_initiated_shutdown_behavior = \"stop\"",
            "InstanceInitiatedShutdownBehavior",
            json!("terminate"),
            "instance_initiated_shutdown_behavior: \"terminate\" -> \"stop\"",
        ),
    ];
    for (written, attribute, value, change) in cases {
        let play = Play::new();
        let source = machine(written);
        play.apply(&source).await;
        assert!(play.plan_deep(&source).await.unwrap().is_empty(), "{written}: nobody has changed anything");
        by_another(&play, attribute, &value);
        let before = asked(&play);
        let plan = play.plan(&source).await;
        assert!(plan.is_empty(), "{}", shown(&plan));
        let name = written.split(' ').next().unwrap();
        let note = format!("`{name}` of instance.i is as the state has it: reading that takes a call for each, which `--deep` makes");
        assert!(plan.notes.contains(&note), "{:?}", plan.notes);
        assert_eq!(asked(&play), before, "a plan reads nothing one by one unless it is asked to");
        let plan = play.plan_deep(&source).await.unwrap();
        assert_eq!(shown(&plan), format!("~ instance.i\n    {change}"));
        assert!(!plan.notes.iter().any(|note| note.contains("--deep")), "{:?}", plan.notes);
        assert!(play.carry_out(&plan).await.is_success());
        let again = play.plan_deep(&source).await.unwrap();
        assert!(again.is_empty() && play.plan(&source).await.is_empty(), "{}", shown(&again));
    }
}

#[tokio::test(start_paused = true)]
async fn one_attribute_is_one_call_and_what_nobody_writes_is_not_asked_for() {
    let play = Play::new();
    play.apply(&machine("")).await;
    play.plan_deep(&machine("")).await.unwrap();
    assert_eq!(asked(&play), 2, "the locks alone");
    assert_eq!(play.plan(&machine("")).await.notes, [""; 0], "and nothing is said");
    play.plan_deep(&machine("user_data = \"one\"")).await.unwrap();
    assert_eq!(asked(&play), 5);
    play.plan_deep(&project("vpc main { cidr_block = 10.0.0.0/16 }")).await.unwrap();
    assert_eq!(asked(&play), 7, "what is to go is looked at, too");
}

#[tokio::test(start_paused = true)]
async fn what_both_have_changed_alike_is_learnt_by_the_state() {
    let play = Play::new();
    play.apply(&machine("user_data = \"one\"")).await;
    by_another(&play, "UserData", &json!("dHdv"));
    let new = machine("user_data = \"two\"");
    assert_eq!(play.plan(&new).await.counts()[&Action::Update], 1, "nobody has told");
    let plan = play.plan_deep(&new).await.unwrap();
    assert!(plan.is_empty(), "{}", shown(&plan));
    assert!(play.carry_out(&plan).await.is_success());
    assert!(play.plan(&new).await.is_empty());
    // Gone on both sides.
    by_another(&play, "UserData", &json!(""));
    let plan = play.plan_deep(&machine("")).await.unwrap();
    assert!(plan.is_empty(), "{}", shown(&plan));
    assert!(play.carry_out(&plan).await.is_success());
    assert!(play.plan(&machine("")).await.is_empty() && play.plan(&machine("")).await.notes.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_out_of_the_text_is_taken_back_either_way() {
    for deep in [false, true] {
        let play = Play::new();
        play.apply(&machine("disable_api_stop = true")).await;
        let plan = if deep { play.plan_deep(&machine("")).await.unwrap() } else { play.plan(&machine("")).await };
        assert_eq!(shown(&plan), "~ instance.i\n    disable_api_stop: true -> null");
        assert!(play.carry_out(&plan).await.is_success());
        assert!(play.plan_deep(&machine("")).await.unwrap().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_somebody_else_has_put_on_holds() {
    let play = Play::new();
    play.apply(&machine("")).await;
    by_another(&play, "DisableApiTermination", &json!(true));
    // It is theirs: it stays, and is said.
    let plan = play.plan_deep(&machine("")).await.unwrap();
    assert!(plan.is_empty(), "{}", shown(&plan));
    assert_eq!(plan.notes, ["somebody else has turned `disable_api_termination` of instance.i on: EC2 refuses to delete it"]);
    let gone = machine("").split("instance i").next().unwrap().to_owned();
    let refused = play.plan_deep(&gone).await.unwrap_err();
    assert_eq!(refused, ["`disable_api_termination` of `instance.i` is on, and it would be deleted"]);
    let other = machine("tenancy = \"dedicated\"");
    let refused = play.plan_deep(&other).await.unwrap_err();
    assert_eq!(refused, ["`disable_api_termination` of `instance.i` is on, and a change of `tenancy` would replace it"]);
    // Without it the apply finds out.
    let outcome = play.carry_out(&play.plan(&gone).await).await;
    assert!(format!("{:?}", outcome.failed).contains("OperationNotPermitted"), "{:?}", outcome.failed);
    // Written, it is the project's.
    let plan = play.plan_deep(&machine("tenancy = \"dedicated\"  disable_api_termination = false")).await.unwrap();
    assert!(play.carry_out(&plan).await.is_success());
}

#[tokio::test(start_paused = true)]
async fn what_is_imported_is_known_and_not_taken_as_written() {
    let play = Play::new();
    play.apply(&machine("user_data = \"one\"")).await;
    by_another(&play, "DisableApiStop", &json!(true));
    let id = play.id("instance.i");
    let rest = machine("").split("instance i").next().unwrap().to_owned();
    play.apply(&format!("{rest}\nforget instance.i")).await;
    let import = |more: &str| format!("{rest}\n{}\nimport instance.n from \"{id}\"", alone("n", more));
    let plan = play.plan_deep(&import("user_data = \"two\"")).await.unwrap_err();
    assert_eq!(plan, ["`disable_api_stop` of `instance.n` is on, and a change of `user_data` would stop it"]);
    let wanted = import("user_data = \"one\"");
    let plan = play.plan_deep(&wanted).await.unwrap();
    assert!(plan.changes.iter().flat_map(|c| &c.attributes).all(|a| a.name.starts_with("tags.secnet:")), "{}", shown(&plan));
    assert!(plan.notes.iter().any(|n| n.starts_with("somebody else has turned `disable_api_stop` of instance.n on")), "{:?}", plan.notes);
    assert!(!plan.notes.iter().any(|n| n.contains("does not tell `user_data`")), "{:?}", plan.notes);
    assert!(play.carry_out(&plan).await.is_success());
    let kept = &play.state().resources[&Address::parse("instance.n").unwrap()].record;
    assert_eq!((kept.get("user_data"), kept.get("disable_api_stop")), (Some(&Value::text("one")), None));
    // A plan that does not read it takes nothing back that nobody wrote.
    assert!(play.plan(&wanted).await.is_empty() && play.plan_deep(&wanted).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_sensitive_is_compared_and_never_shown() {
    let play = Play::new();
    let source = |data: &str| machine(&format!("user_data = sensitive(\"{data} in ${{vpc.main.id}}\")"));
    play.apply(&source("hunter2")).await;
    let plan = play.plan_deep(&source("hunter2")).await.unwrap();
    assert!(plan.is_empty(), "{}", shown(&plan));
    by_another(&play, "UserData", &json!("c2VjcmV0LXR3bw=="));
    let plan = play.plan_deep(&source("hunter2")).await.unwrap();
    assert_eq!(shown(&plan), "~ instance.i\n    user_data: (sensitive) -> (sensitive)");
    let text = format!("{} {plan:?}", serde_json::to_string(&plan).unwrap());
    assert!(!text.contains("secret-two") && !text.contains("hunter2"), "{text}");
    assert!(play.carry_out(&plan).await.is_success());
    assert!(play.plan_deep(&source("hunter2")).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_program_says_how_far_it_is_and_takes_drift_into_the_state() {
    let project = Project::of(
        "project p { }
vpc main { cidr_block = 10.0.0.0/16 }
subnet a { vpc = vpc.main  cidr_block = 10.0.1.0/24 }
security_group g { vpc = vpc.main }
instance i {
  image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.a  security_groups = [security_group.g]
  disable_api_termination = true
}
",
    );
    project.run("apply --sandbox --yes").exits(0);
    let plan = project.run("plan --sandbox --detailed-exitcode").exits(0);
    plan.says("Note: `disable_api_termination` of instance.i is as the state has it");
    let ids = project.ids();
    let id = ids.as_array().unwrap().iter().find(|r| r["address"] == "instance.i").unwrap()["id"].clone();
    let off = json!({"InstanceId": id, "DisableApiTermination": {"Value": false}});
    project.sandbox().send(&Request::new("ModifyInstanceAttribute", off)).await.unwrap();
    project.run("plan --sandbox --refresh-only --detailed-exitcode").exits(0).says("No drift");
    let plan = project.run("plan --sandbox --deep --detailed-exitcode").exits(2);
    plan.says("Reading what has no list, by 2 calls ...").says("false -> true");
    project.run("plan --sandbox --refresh-only --deep --detailed-exitcode").exits(2).says("disable_api_termination: true -> false");
    let json = project.run("plan --sandbox --deep --json").exits(0).json();
    assert_eq!(json["calls"]["by_action"]["DescribeInstanceAttribute"], 2);
    let policy = project.run("iam-policy --sandbox --for plan --deep").exits(0);
    policy.says("ec2:DescribeInstanceAttribute");
    assert!(!project.run("iam-policy --sandbox --for plan").exits(0).out.contains("DescribeInstanceAttribute"));
    project.run("plan --sandbox --deep --refresh=false").exits(2).says("cannot be used with");
    project.run("apply --sandbox --refresh-only --deep --yes").exits(0);
    project.run("plan --sandbox --refresh-only --deep --detailed-exitcode").exits(0).says("No drift");
    project.run("plan --sandbox --detailed-exitcode").exits(2).says("false -> true");
    project.run("apply --sandbox --deep --yes").exits(0);
    project.run("destroy --sandbox --deep --yes").exits(1).says("`disable_api_termination` of `instance.i` is on");
}
