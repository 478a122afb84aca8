//! Plans that read nothing: `--refresh=false`, by the program itself.

use std::fs;

use crate::cli::Project;

/// A server that is applied in the sandbox, whose EC2 is then no more to be found.
fn applied_and_out_of_reach() -> Project {
    let project = Project::server();
    project.run("apply --sandbox --yes").exits(0);
    fs::remove_file(project.path().join(".secnet/sandbox/world.json")).unwrap();
    project
}

#[test]
fn nothing_is_asked_and_everybody_is_told() {
    let project = applied_and_out_of_reach();
    let plan = project.run("plan --sandbox --refresh=false --detailed-exitcode").exits(0);
    let plan = plan.says("Nothing to do: the state holds what the project says.").says("Nothing was read from EC2");
    plan.says("assuming that EC2 holds what the state says and nothing else: nothing was read");
    assert!(!project.path().join(".secnet/sandbox/world.json").exists(), "the sandbox was opened");
    let json = project.run("plan --sandbox --refresh=false --json").exits(0).json();
    assert_eq!((&json["plan"]["refreshed"], &json["plan"]["empty"]), (&false.into(), &true.into()));
    assert_eq!((&json["calls"]["reads"], &json["calls"]["by_action"]), (&0.into(), &serde_json::json!({})));
    assert_eq!(json["policies"][0]["verdict"], "proven");
    let assumed = json["policies"][0]["assumptions"].as_array().unwrap();
    assert!(assumed.iter().any(|a| a.as_str().unwrap().contains("nothing was read")), "{assumed:?}");
}

#[test]
fn what_would_open_is_refuted_without_reading_too() {
    let project = applied_and_out_of_reach();
    project.edit("ingress tcp/22 from maintainers", "ingress tcp/22 from anywhere");
    project.edit("allow tcp/22         from maintainers", "allow tcp/22         from anywhere");
    project.run("plan --sandbox --refresh=false").exits(1).says("REFUTED").says("Becomes reachable:");
    // A machine keeps the address that it was launched with, whatever its subnet is told.
    project.edit("map_public_ip_on_launch = true", "map_public_ip_on_launch = false");
    project.run("plan --sandbox --refresh=false").exits(1).says("REFUTED");
}

#[test]
fn what_was_never_read_stops_it() {
    let project = applied_and_out_of_reach();
    project.edit("ami(\"al2023\")", "ami(\"debian-12\")");
    let run = project.run("plan --sandbox --refresh=false").exits(1);
    let message = "
E0723
  × `ami(\"debian-12\") for x86_64` was never looked up, and this plan reads nothing
  help: run it without `--refresh=false`; an apply keeps what it has read";
    message.lines().for_each(|line| assert!(run.err.contains(line.trim()), "{line}\n{}", run.err));
    let existing = Project::of("project p { region = \"us-east-1\" }\nexisting vpc shared { id = \"vpc-1\" }\n");
    existing.run("plan --refresh=false").exits(1).says("`existing vpc.shared` was never read");
    let bare = Project::of("project p {}\nvpc main { cidr_block = 10.0.0.0/16 }\n");
    let run = bare.run("plan --refresh=false").exits(3);
    let message = "
E0611
  × no region is given
  help: write `region = \"us-east-1\"` in the `project` block, or give `--region` or `AWS_REGION`";
    message.lines().for_each(|line| assert!(run.err.contains(line.trim()), "{line}\n{}", run.err));
    bare.run("plan --refresh=false --region us-east-1").exits(0).says("1 to create");
}

#[test]
fn what_others_did_shows_when_it_is_read_and_only_then() {
    let project = Project::server();
    project.run("apply --sandbox --yes").exits(0);
    project.edit("description = \"SSH for maintainers\"\n", "description = \"SSH for maintainers\"\n  tags = { Team = \"net\" }\n");
    project.run("apply --sandbox --yes --refresh=false").exits(0).says("Nothing was read from EC2").says("Done: 1 of 1 tasks");
    project.run("plan --sandbox --detailed-exitcode").exits(0).says("Nothing to do: EC2 holds what the project says.");
}
