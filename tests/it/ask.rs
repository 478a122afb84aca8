//! What a project asks EC2 before it can be resolved, through the program itself, in the sandbox.

use std::fs;

use super::cli::Project;

const MANY: &str = "project p { }
vpc main { cidr_block = 10.0.0.0/16 }
subnet app for i, zone in availability_zones() {
  vpc = vpc.main
  cidr_block = subnets(10.0.0.0/16, 8)[i]
  availability_zone = zone
}
existing vpc default { is_default = true }
existing subnet each for {} { vpc = vpc.default }
existing subnet none for {} { vpc = vpc.default  availability_zone = \"mars\" }
output numbers = [length(subnet.app), length(subnet.each), length(subnet.none)]
";

/// The project's state among its sources, as if it had been applied to AWS.
fn as_applied(project: &Project) {
    let state = project.path().join("state");
    fs::create_dir_all(&state).unwrap();
    fs::copy(project.path().join(".secnet/sandbox/state/p.json"), state.join("p.json")).unwrap();
}

#[test]
fn zones_and_what_fits_are_asked_for_and_remembered() {
    let project = Project::of(MANY);
    project.run("check").exits(1).says("what `availability_zones()` gives is not known");
    project.run("apply --sandbox --yes").exits(0).says("numbers = [6, 6, 0]").says("6 CreateSubnet");
    project.run("plan --sandbox --detailed-exitcode").exits(0).says("Nothing to do");
    project.run("plan --sandbox --detailed-exitcode --refresh=false").exits(0).says("Nothing to do");
    as_applied(&project);
    project.run("check").exits(0).says("14 resources");
    project.run("prove").exits(0).says("`availability_zones()` gives what the last apply was told");
    project.run("destroy --sandbox --yes").exits(0);
}

#[test]
fn a_plan_file_is_applied_with_the_answers_that_it_was_made_with() {
    let project = Project::of(MANY);
    project.run("plan --sandbox --out p.plan").exits(0);
    let file = project.path().join("p.plan");
    project.run(&format!("apply {} --yes", file.display())).exits(0).says("numbers = [6, 6, 0]");
}

#[test]
fn a_test_needs_no_answer_where_it_gives_the_value_itself() {
    let project = Project::of(
        "project p { }
variable zones: list(string) = availability_zones()
vpc main { cidr_block = 10.0.0.0/16 }
subnet app for i, zone in zones {
  vpc = vpc.main
  cidr_block = subnets(10.0.0.0/16, 8)[i]
  availability_zone = zone
}
test \"two\" { with zones = [\"us-east-1a\", \"us-east-1b\"]  plan creates 3 }
test \"any\" { plan creates 3 }
",
    );
    project.run("test").exits(1).says("test two ... ok").says("what `availability_zones()` gives is not known");
}

#[test]
fn all_that_fit_are_proved_with() {
    let project = Project::of(
        "project p { }
existing vpc default { is_default = true }
existing subnet each for {} { vpc = vpc.default }
policy closed { forbid tcp/22 from internet to subnet.each }
",
    );
    // The default VPC leads to its internet gateway, and lets in whatever a group lets in.
    let plan = project.run("plan --sandbox").exits(1);
    plan.says("forbid tcp/22 from internet to subnet.each").says("subnet.each[\"subnet-");
    project.edit("subnet.each }", "[for s in subnet.each : s if false] }");
    project.run("plan --sandbox").exits(1).says("E0");
}

#[test]
fn what_the_project_manages_is_not_among_what_exists() {
    let project = Project::of(
        "project p { }
vpc main { cidr_block = 10.0.0.0/16 }
subnet app { vpc = vpc.main  cidr_block = 10.0.1.0/24 }
existing subnet each for {} { vpc = vpc.main }
output count = length(subnet.each)
",
    );
    project.run("apply --sandbox --yes").exits(0).says("count = 0");
    project.run("apply --sandbox --yes").exits(0).says("count = 0");
    // Managed no more, it is somebody else's.
    project.edit("subnet app { vpc = vpc.main  cidr_block = 10.0.1.0/24 }", "forget subnet.app");
    project.run("apply --sandbox --yes").exits(0);
    project.run("apply --sandbox --yes").exits(0).says("count = 1");
}

/// What is managed and read was proved under one of its names, so that a policy about the other always held.
#[test]
fn what_is_managed_has_one_name() {
    let managed = "project p { }
vpc main { cidr_block = 10.0.0.0/16 }
internet_gateway main { vpc = vpc.main }
subnet app { vpc = vpc.main  cidr_block = 10.0.1.0/24 }
";
    let project = Project::of(managed);
    project.run("apply --sandbox --yes").exits(0);
    let more = "internet_gateway main { vpc = vpc.main }
existing subnet same { vpc = vpc.main  cidr_block = 10.0.1.0/24 }
route_table open { vpc = vpc.main  subnets = [subnet.app]  route anywhere via internet_gateway.main }
policy closed { forbid tcp/22 from internet to [subnet.same, subnet.app] }
";
    project.edit("internet_gateway main { vpc = vpc.main }\n", more);
    project.run("plan --sandbox").exits(1).says("`existing subnet.same` finds what is `subnet.app` already");
    project.run("plan --sandbox --refresh-only").exits(1).says("E0703");
    project.run("prove --sandbox").exits(1).says("E0703");
    project.edit("existing subnet same { vpc = vpc.main  cidr_block = 10.0.1.0/24 }\n", "");
    project.edit("[subnet.same, subnet.app]", "subnet.app");
    project.run("plan --sandbox").exits(1).says("REFUTED");
}

/// Two of them by the same filters, one by another, and a subnet by two; a machine in it that the internet reaches.
const READ_TWICE: &str = "project p { }
existing vpc default { is_default = true }
existing vpc again { is_default = true }
existing vpc third { cidr_block = 172.31.0.0/16 }
existing subnet first { vpc = vpc.default  availability_zone = \"us-east-1a\" }
existing subnet same { vpc = vpc.third  availability_zone = \"us-east-1a\" }
security_group web {
  vpc = vpc.again
  ingress tcp/22 from anywhere
}
instance web { image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.first  security_groups = [security_group.web] }
output ids = [vpc.default.id, vpc.again.id, vpc.third.id]
";

/// Two modules may each read one VPC: whichever name a policy takes, it speaks of the same machines.
#[test]
fn what_is_read_may_have_two_names() {
    let policies = "policy one { forbid tcp/22 from internet to subnet.first }
policy two { forbid tcp/22 from internet to subnet.same }
policy three { forbid tcp/22 from internet to vpc.third }
policy four { forbid tcp/22 from internet to [vpc.again, vpc.default] }
policy five { require tcp/22 from internet to security_group.web }
";
    let project = Project::of(READ_TWICE);
    project.run("apply --sandbox --yes").exits(0);
    project.run("plan --sandbox --detailed-exitcode").exits(0).says("Nothing to do");
    project.run("plan --sandbox --refresh=false --detailed-exitcode").exits(0).says("Nothing to do");
    project.run("plan --sandbox --refresh-only --detailed-exitcode").exits(0);
    project.edit("output ids = [vpc.default.id, vpc.again.id, vpc.third.id]\n", policies);
    let (read, unread) = (["refuted", "refuted", "refuted", "refuted", "proven"], ["unknown"; 5]);
    for (command, expected) in [
        ("plan --sandbox --json", read),
        ("prove --sandbox --json", read),
        ("plan --sandbox --refresh=false --json", unread),
        ("prove --json", unread),
    ] {
        let found = project.run(command).json();
        let verdicts: Vec<&str> = found["policies"].as_array().unwrap().iter().map(|p| p["verdict"].as_str().unwrap()).collect();
        assert_eq!(verdicts, expected, "{command}");
    }
    // The picture reads nothing: those that ask for the same are one.
    let picture = project.run("graph --json").exits(0).json();
    let drawn: Vec<&str> =
        picture["nodes"].as_array().unwrap().iter().filter_map(|n| n["id"].as_str()).filter(|id| id.starts_with("vpc.")).collect();
    assert_eq!(drawn, ["vpc.again", "vpc.third"]);
    // One of the names goes: what stands stays as it is.
    project.edit(policies, "");
    project.edit("existing vpc again { is_default = true }\n", "");
    project.edit("vpc.again", "vpc.default");
    project.run("plan --sandbox --detailed-exitcode").exits(0).says("Nothing to do");
}

#[test]
fn one_listing_tells_of_all_that_fit() {
    let project = Project::of(MANY);
    project.run("apply --sandbox --yes").exits(0);
    let calls = project.run("plan --sandbox --json").exits(0).json();
    // For each of two blocks, for all of the first one's by their ids, and among what stands.
    assert_eq!(calls["calls"]["by_action"]["DescribeSubnets"], 4, "{}", calls["calls"]);
    assert_eq!(calls["calls"]["by_action"]["DescribeAvailabilityZones"], 1);
}

#[test]
fn a_list_that_aws_keeps_is_unknown_until_it_was_read() {
    let text = "project p { }
vpc main { cidr_block = 10.0.0.0/16 }
internet_gateway main { vpc = vpc.main }
subnet app { vpc = vpc.main  cidr_block = 10.0.1.0/24  map_public_ip_on_launch = true }
route_table app {
  vpc = vpc.main
  subnets = [subnet.app]
  route anywhere via internet_gateway.main
}
security_group web {
  vpc = vpc.main
  egress tcp/443 to prefix_list_named(\"s3\")
}
instance web {
  image = ami(\"al2023\")
  instance_type = \"t3.micro\"
  subnet = subnet.app
  security_groups = [security_group.web]
}
policy out {
  require tcp/443 from instance.web to 52.216.0.0/15
  forbid tcp/443 from instance.web to 8.8.8.0/24
}
";
    let project = Project::of(text);
    let unread = project.run("prove").exits(1);
    unread.says("UNKNOWN  require").says("UNKNOWN  forbid");
    project.run("apply --sandbox --yes").exits(0).says("2 of 2 statements proven");
    as_applied(&project);
    project.run("prove").exits(0).says("2 of 2 statements proven");
    project.edit("8.8.8.0/24", "3.5.0.0/24");
    project.run("plan --sandbox").exits(1).says("REFUTED");
    project.edit("prefix_list_named(\"s3\")", "prefix_list_named(\"nobody's\")");
    project.run("plan --sandbox").exits(1).says("E0701");
}
