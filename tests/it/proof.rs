//! What a plan proves, what an apply refuses, and who may change what guards them: the program itself, on the sandbox.

use std::fs;

use secnet::call::Request;
use serde_json::{Value, json};

use crate::cli::{Project, secnet};

const OPEN: (&str, &str) = ("  ingress tcp/22 from maintainers", "  ingress tcp/5432 from anywhere\n  ingress tcp/22 from maintainers");

#[test]
fn a_hole_is_shown_with_its_lines_and_not_applied() {
    let project = Project::server();
    let planned = project.run("plan --sandbox").exits(0).says("Policies: 3 of 3 statements proven.");
    assert!(planned.out.contains("+ tcp/22 from the internet (203.0.113.0/28) to instance.server"), "{}", planned.out);
    project.edit(OPEN.0, OPEN.1);
    project
        .run("plan --sandbox")
        .exits(1)
        .says("+ tcp/5432 from the internet to instance.server")
        .says("network_acl.public: in 200 allow tcp/1024-65535 from 0.0.0.0/0")
        .says("security_group.ssh: ingress tcp/5432 from 0.0.0.0/0")
        .says("REFUTED  private_server: forbid all from internet to instance.server");
    project.run("apply --sandbox --yes").exits(1).says("E0811").says("nothing was applied");
    assert_eq!(project.ids(), json!([]), "nothing was touched");
    project.run("prove").exits(1).says("tcp/5432");
}

#[test]
fn a_plan_file_with_a_hole_is_not_applied_either() {
    let project = Project::server();
    project.edit(OPEN.0, OPEN.1);
    project.run("plan --sandbox --out hole.plan").exits(1);
    project.run("apply hole.plan --yes").exits(1).says("is refuted by this plan");
    assert_eq!(project.ids(), json!([]));
}

#[test]
fn a_plan_says_in_json_what_becomes_reachable_and_what_is_proven() {
    let project = Project::server();
    project.run("apply --sandbox --yes").exits(0);
    let idle = project.run("plan --sandbox --json").exits(0).json();
    assert_eq!(idle["reachability"], json!({"added": [], "removed": [], "unknown": []}));
    project.edit(OPEN.0, OPEN.1);
    let planned = project.run("plan --sandbox --json").exits(1).json();
    let added = planned["reachability"]["added"].as_array().unwrap();
    assert_eq!(added.len(), 1, "{added:#?}");
    assert_eq!(
        (&added[0]["from"], &added[0]["to"], &added[0]["service"]),
        (&json!("the internet"), &json!("instance.server"), &json!("tcp/5432"))
    );
    let changed: Vec<&Value> = added[0]["lines"].as_array().unwrap().iter().filter(|l| l["changed"] == true).map(|l| &l["text"]).collect();
    assert_eq!(changed, ["ingress tcp/5432 from 0.0.0.0/0"]);
    let verdicts: Vec<&Value> = planned["policies"].as_array().unwrap().iter().map(|p| &p["verdict"]).collect();
    assert_eq!(verdicts, ["proven", "proven", "refuted"]);
    project.edit(OPEN.1, OPEN.0);
    project.edit("ingress tcp/22 from maintainers", "ingress tcp/22 from 203.0.113.0/29");
    let planned = project.run("plan --sandbox --json").exits(1).json();
    let removed = planned["reachability"]["removed"].as_array().unwrap();
    assert_eq!((removed.len(), &removed[0]["sources"]), (1, &json!(["203.0.113.8/29"])), "{removed:#?}");
}

const PRIVATE: &str = r#"
project p { region = "us-east-1" }
vpc main { cidr_block = 10.0.0.0/16 }
subnet private { vpc = vpc.main  cidr_block = 10.0.1.0/24 }
policy private { forbid all from internet to subnet.private }
"#;

#[test]
fn what_somebody_else_puts_there_counts() {
    let project = Project::of(PRIVATE);
    project.run("apply --sandbox --yes").exits(0).says("1 of 1 statements proven");
    let sandbox = project.sandbox();
    let call = |action: &str, params: Value| sandbox.call(&Request::new(action, params)).unwrap_or_else(|e| panic!("{action}: {e}"));
    let id = |answer: &Value, path: &str| answer.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("{answer}")).to_owned();
    let vpc = project.run("state show vpc.main --sandbox --json").json()["id"].as_str().unwrap().to_owned();
    let gateway = id(&call("CreateInternetGateway", json!({})), "/InternetGateway/InternetGatewayId");
    call("AttachInternetGateway", json!({"InternetGatewayId": gateway, "VpcId": vpc}));
    let filters = json!([{"Name": "vpc-id", "Values": [vpc]}, {"Name": "association.main", "Values": ["true"]}]);
    let table = id(&call("DescribeRouteTables", json!({"Filters": filters})), "/RouteTables/0/RouteTableId");
    let route = json!({"RouteTableId": table, "GatewayId": gateway, "DestinationCidrBlock": "0.0.0.0/0"});
    call("CreateRoute", route);
    drop(sandbox);
    project.run("prove").exits(0);
    project.run("prove --sandbox").exits(1).says("REFUTED  forbid all from internet to subnet.private");
    project.run("plan --sandbox").exits(1).says("REFUTED  private: forbid all from internet to subnet.private").says("Nothing to do");
}

#[test]
fn what_a_vpn_gateway_may_propagate_proves_nothing_of_what_leaves_the_vpc() {
    let project = Project::server();
    project.edit("network_acl public", "vpn_gateway office { vpc = vpc.main }\n\nnetwork_acl public");
    project.run("prove").exits(0);
    project.edit("  route anywhere", "  propagating_vpn_gateways = [vpn_gateway.office]\n  route anywhere");
    let proved = project.run("prove").exits(1).says("may learn a route for it from `vpn_gateway.office`");
    let proved = proved.says("  UNKNOWN  require tcp/22 from maintainers to instance.server");
    let proved = proved.says("  UNKNOWN  require tcp/443 from instance.server to internet");
    proved.says("  proven   forbid all from internet to instance.server");
    project.run("apply --sandbox --yes").exits(1).says("E0709").says("nothing was applied");
}

#[test]
fn a_policy_that_says_less_wants_its_own_consent() {
    let project = Project::server();
    project.run("apply --sandbox --yes").exits(0);
    project.edit("forbid  all     from internet", "forbid  tcp     from internet");
    let planned = project.run("plan --sandbox").exits(0);
    let first = planned.out.lines().nth(1).unwrap_or_default();
    assert!(first.starts_with("This change takes away or weakens"), "{}", planned.out);
    project.run("apply --sandbox --yes").exits(1).says("E0710").says("forbid all from internet to instance.server");
    project.run("apply --sandbox --yes --accept-policy-change").exits(0);
    let after = project.run("plan --sandbox --json").exits(0).json();
    assert_eq!(after["policies_weakened"], json!([]), "what was agreed to is not asked again");
    project.edit("  require tcp/22  from maintainers     to instance.server\n", "");
    let weakened = project.run("plan --sandbox --json").json()["policies_weakened"].clone();
    assert_eq!(weakened[0]["statement"], "require tcp/22 from maintainers to instance.server");
    project.run("destroy --sandbox --yes").exits(0);
}

#[test]
fn a_waiver_lets_off_until_its_day_is_over() {
    let project = Project::server();
    project.edit(OPEN.0, OPEN.1);
    let path = project.path().join("waiver.secnet");
    fs::write(&path, "waive private_server until 2999-12-31 \"migration\"\n").unwrap();
    project.run("plan --sandbox").exits(0).says("waived until 2999-12-31: migration").says("2 of 3 statements proven, 1 waived");
    project.run("apply --sandbox --yes").exits(0);
    fs::write(&path, "waive private_server until 2020-01-31 \"migration\"\n").unwrap();
    project.run("plan --sandbox").exits(1).says("its last day was 2020-01-31");
    for (text, code) in [
        ("waive private_server until 2999-02-30 \"x\"", "E0902"),
        ("waive private_server until 2999-12-31", "E0903"),
        ("waive privat_server until 2999-12-31 \"x\"", "E0901"),
        ("waive private_server until soon \"x\"", "E0101"),
    ] {
        fs::write(&path, format!("{text}\n")).unwrap();
        project.run("check").exits(1).says(code);
    }
}

#[test]
fn imposed_policies_hold_whatever_the_project_says() {
    let project = Project::server();
    let guards = project.path().join("../guards");
    fs::create_dir(&guards).unwrap();
    fs::write(guards.join("company.secnet"), "policy no_ssh {\n  forbid tcp/22 from internet to instance.server\n}\n").unwrap();
    project.run("plan --sandbox --policy-dir ../guards").exits(1).says("REFUTED  no_ssh").says("../guards/company.secnet:2");
    let run = |line: &str| secnet(&project.path(), &line.split(' ').collect::<Vec<_>>());
    fs::write(project.path().join("waiver.secnet"), "waive no_ssh until 2999-12-31 \"please\"\n").unwrap();
    run("check --policy-dir ../guards").exits(1).says("E0904");
    fs::remove_file(project.path().join("waiver.secnet")).unwrap();
    fs::write(guards.join("company.secnet"), "vpc hidden { cidr_block = 10.9.0.0/16 }\n").unwrap();
    run("check --policy-dir ../guards").exits(1).says("E0906");
}

#[test]
fn a_plan_made_without_an_imposed_policy_is_not_applied_where_it_is_imposed() {
    let project = Project::server();
    let guards = project.path().join("../guards");
    fs::create_dir(&guards).unwrap();
    fs::write(guards.join("company.secnet"), "policy no_ssh {\n  forbid tcp/22 from internet to instance.server\n}\n").unwrap();
    project.run("plan --sandbox --out free.plan").exits(0);
    project.run("apply free.plan --yes --policy-dir ../guards").exits(1).says("E0502").says("it was made without the policies of");
    assert_eq!(project.ids(), json!([]));
}

#[test]
fn a_stopped_machine_is_no_proof_for_prove_either() {
    let project = Project::of(WEB);
    project.run("apply --sandbox --yes").exits(0);
    let id = project.run("state show instance.web --sandbox --json").json()["id"].as_str().unwrap().to_owned();
    let sandbox = project.sandbox();
    sandbox.call(&Request::new("StopInstances", json!({"InstanceIds": [id]}))).unwrap();
    sandbox.world(|world| world.advance(600));
    drop(sandbox);
    project.edit("instance web", "policy private { forbid tcp/80 from internet to instance.web }\ninstance web");
    project.run("prove --sandbox").exits(1).says("REFUTED  forbid tcp/80 from internet to instance.web");
}

const DEFAULT: &str = r#"
project p { region = "us-east-1" }
existing vpc default { is_default = true }
existing subnet first { vpc = vpc.default  availability_zone = "us-east-1a" }
existing security_group default { vpc = vpc.default  group_name = "default" }
instance server {
  image           = ami("al2023")
  instance_type   = "t3.micro"
  subnet          = subnet.first
  security_groups = [security_group.default]
}
"#;

#[test]
fn why_nobody_gets_into_the_default_vpc() {
    let project = Project::of(DEFAULT);
    let me = "trace me instance.server tcp/22 --me 203.0.113.9";
    project.run(me).exits(1).says("only what the project names is known");
    let live = format!("{me} --sandbox");
    project
        .run(&live)
        .exits(1)
        .says("ENI_SG_RULES_MISMATCH")
        .says("all from security_group.default")
        .says("ingress tcp/22 from 203.0.113.9/32");
    project.run("apply --sandbox --yes").exits(0);
    project.run(&format!("{live} --standing")).exits(1);
    let with_group = "security_groups = [security_group.default, security_group.ssh]";
    project.edit("security_groups = [security_group.default]", with_group);
    project.edit("instance server", "security_group ssh { vpc = vpc.default  ingress tcp/22 from 203.0.113.9 }\ninstance server");
    project.run(&live).exits(0);
    project.run(&format!("{live} --standing")).exits(1);
    project.run("apply --sandbox --yes").exits(0);
    project.run(&format!("{live} --standing")).exits(0);
}

const WEB: &str = r#"
project p { region = "us-east-1" }
vpc main { cidr_block = 10.0.0.0/16 }
internet_gateway main { vpc = vpc.main }
subnet public {
  vpc = vpc.main  cidr_block = 10.0.1.0/24
  map_public_ip_on_launch = true
}
route_table public {
  vpc = vpc.main  subnets = [subnet.public]
  route anywhere via internet_gateway.main
}
security_group web {
  vpc = vpc.main
  ingress tcp/80 from anywhere
}
instance web { image = "ami-0064c0ddefa5bd7c6"  instance_type = "t3.micro"  subnet = subnet.public  security_groups = [security_group.web] }
"#;

#[test]
fn a_machine_keeps_the_public_address_that_it_was_launched_with() {
    let project = Project::of(WEB);
    project.run("apply --sandbox --yes").exits(0);
    project.edit("map_public_ip_on_launch = true", "map_public_ip_on_launch = false");
    project.edit("instance web", "policy private { forbid tcp/80 from internet to instance.web }\ninstance web");
    project.run("prove").exits(0).says("1 of 1");
    let planned = project.run("plan --sandbox --json").exits(1).json();
    assert_eq!(planned["policies"][0]["verdict"], "refuted", "it has its address still: {planned:#}");
    assert_eq!(planned["reachability"]["removed"], json!([]));
}

#[test]
fn a_machine_that_is_stopped_counts_as_running() {
    let project = Project::of(WEB);
    project.edit("instance web", "policy open { require tcp/80 from internet to instance.web }\ninstance web");
    project.run("apply --sandbox --yes").exits(0);
    let id = project.run("state show instance.web --sandbox --json").json()["id"].as_str().unwrap().to_owned();
    let sandbox = project.sandbox();
    sandbox.call(&Request::new("StopInstances", json!({"InstanceIds": [id]}))).unwrap();
    sandbox.world(|world| world.advance(600));
    drop(sandbox);
    project.run("plan --sandbox").exits(0).says("proven   open").says("assuming that machines that are stopped now are running");
    project.edit("require tcp/80", "forbid tcp/80");
    project.run("plan --sandbox").exits(1).says("REFUTED  open");
}
