//! The changes of one instance go one after another, and what locks it is off in between only where the sources say so.

use secnet::call::Request;
use serde_json::json;

use crate::play::{Play, project};

fn machine(more: &str) -> String {
    project(&format!(
        "vpc main {{ cidr_block = 10.0.0.0/16 }}
         subnet a {{ vpc = vpc.main  cidr_block = 10.0.1.0/24 }}
         security_group g {{ vpc = vpc.main }}
         instance i {{ image = ami(\"al2023\")  subnet = subnet.a  security_groups = [security_group.g]  {more} }}"
    ))
}

#[tokio::test(start_paused = true)]
async fn all_that_needs_it_stopped_goes_between_one_stop_and_one_start() {
    let play = Play::new();
    play.apply(&machine("instance_type = \"t3.micro\"  user_data = \"one\"  disable_api_stop = true")).await;
    let before = play.sim.log().len();
    let other = "instance_type = \"t3.small\"  user_data = \"two\"  monitoring = true  disable_api_termination = true";
    play.apply(&machine(other)).await;
    let log = play.sim.log();
    let told = |request: &Request| {
        let what = request.params.as_object().unwrap().keys().find(|name| !name.starts_with("Instance") || *name == "InstanceType");
        format!("{} {}", request.action, what.map_or("", String::as_str)).trim().to_owned()
    };
    let changes: Vec<String> = log[before..].iter().filter(|r| secnet::call::mutates(&r.action)).map(told).collect();
    assert_eq!(
        changes,
        [
            "ModifyInstanceAttribute DisableApiStop",
            "StopInstances",
            "ModifyInstanceAttribute InstanceType",
            "ModifyInstanceAttribute UserData",
            "StartInstances",
            "MonitorInstances",
            "ModifyInstanceAttribute DisableApiTermination",
        ]
    );
    let ask = json!({"InstanceId": play.id("instance.i"), "Attribute": "userData"});
    assert_eq!(play.sim.call(&Request::new("DescribeInstanceAttribute", ask)).unwrap()["UserData"]["Value"], "dHdv");
}
