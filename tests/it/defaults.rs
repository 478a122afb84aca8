//! Who owns what AWS gives by itself and what others have added, on the simulator.

use secnet::{
    analysis::{Inputs, analyze},
    call::{Request, mutates},
    plan::Plan,
    prove::{
        chart::Chart,
        policy::{Outcome, judge},
    },
    resources::network,
};
use serde_json::{Value as Json, json};

use crate::{
    apply::{World, killed, tear_last_line},
    play::{Play, project, shown},
};

fn send(play: &Play, action: &str, params: Json) -> Json {
    play.sim.call(&Request::new(action, params)).unwrap_or_else(|e| panic!("{action}: {e}"))
}

fn outcomes(plan: &Plan) -> Vec<Outcome> {
    plan.proof.policies.iter().map(|v| v.outcome).collect()
}

/// A database that nobody reaches from the internet; `{keep}` stands in its group, table and ACL.
fn database(keep: &str) -> String {
    let text = r#"
vpc main { cidr_block = 10.0.0.0/16 }
internet_gateway main { vpc = vpc.main }
subnet db { vpc = vpc.main  cidr_block = 10.0.1.0/24  map_public_ip_on_launch = true }
route_table db {
  vpc = vpc.main
  subnets = [subnet.db]
  {keep}
  route anywhere via internet_gateway.main
}
network_acl db {
  vpc = vpc.main
  subnets = [subnet.db]
  {keep}
  in  100 allow all from anywhere
  out 100 allow all to anywhere
}
security_group db { vpc = vpc.main  {keep}  ingress tcp/5432 from 10.0.0.0/16 }
instance db { image = ami("al2023")  instance_type = "t3.micro"  subnet = subnet.db  security_groups = [security_group.db] }
policy closed { forbid all from internet to instance.db }
"#;
    project(&text.replace("{keep}", keep))
}

#[tokio::test(start_paused = true)]
async fn rules_of_others_that_are_kept_are_proved_with() {
    let play = Play::new();
    let source = database("foreign_rules = \"keep\"");
    assert_eq!(outcomes(&play.apply(&source).await), [Outcome::Proven], "nobody can have added anything to what is not there yet");
    let group = play.id("security_group.db");
    let rule = json!([{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]);
    send(&play, "AuthorizeSecurityGroupIngress", json!({"GroupId": group, "IpPermissions": rule}));
    let plan = play.plan(&source).await;
    assert_eq!(plan.notes, ["security_group.db keeps what somebody else has put there: `ingress tcp/22 from 0.0.0.0/0`"]);
    assert_eq!((shown(&plan).as_str(), outcomes(&plan)), ("", vec![Outcome::Refuted]));
    // Without the word it goes, and the policy holds.
    let plan = play.plan(&database("")).await;
    assert_eq!(shown(&plan), "~ security_group.db\n    - ingress tcp/22 from 0.0.0.0/0 (foreign)");
    assert_eq!(outcomes(&plan), [Outcome::Proven]);
}

#[tokio::test(start_paused = true)]
async fn rules_of_others_that_nobody_has_read_are_never_taken_for_none() {
    let proved = |source: &str| {
        let model = analyze(vec![("main.secnet".into(), source.into())], &Inputs::default()).model;
        let net = network(&model);
        judge(&Chart::new(&net), &model).iter().map(|j| j.outcome).collect::<Vec<_>>()
    };
    assert_eq!(proved(&database("")), [Outcome::Proven]);
    assert_eq!(proved(&database("foreign_rules = \"keep\"")), [Outcome::Unknown]);
}

/// Everything that AWS gives, adopted with a VPC that is made.
const ADOPTED: &str = r#"
project small {}
vpc main {
  cidr_block = 10.0.0.0/16
  default_security_group { ingress tcp/443 from security_group.web }
  default_network_acl {
    in  100 allow tcp/443 from anywhere
    out 100 allow all to anywhere
  }
  default_route_table { route anywhere via internet_gateway.main }
}
internet_gateway main { vpc = vpc.main }
security_group web { vpc = vpc.main  description = "web"  egress tcp/443 to vpc.main.default_security_group }
subnet a { vpc = vpc.main  cidr_block = 10.0.1.0/24 }
"#;

#[tokio::test(start_paused = true)]
async fn an_adoption_that_is_killed_goes_on_where_it_was() {
    let whole = World::new();
    whole.apply(ADOPTED).await;
    let calls = whole.sim.all_calls().iter().filter(|(action, _)| mutates(action)).map(|(_, n)| *n as usize).sum::<usize>();
    assert!(calls >= 15, "{calls}");
    for at in 1..=calls {
        for carried_out in [true, false] {
            let when = format!("killed at call {at}, carried out: {carried_out}");
            let world = World::new();
            let applied = killed(&world, ADOPTED, (at, carried_out)).await;
            assert!(!applied.outcome.open.is_empty(), "{when}");
            if !carried_out {
                tear_last_line(&world);
            }
            world.recover().await;
            let applied = world.apply(ADOPTED).await;
            assert!(applied.outcome.is_success(), "{when}: {:?}", applied.outcome.failed);
            world.check_converged(ADOPTED, &when).await;
            killed(&world, "project small {}", (1 + at % 9, carried_out)).await;
            world.recover().await;
            world.check_destroyed(&when).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_placed_in_a_subnet_waits_for_the_main_table_and_the_default_acl() {
    let play = Play::new();
    let machine = "instance a { image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.a  security_groups = [vpc.main.default_security_group] }";
    let plan = play.apply(&ADOPTED.replace("project small {}", &format!("{}{machine}", project("")))).await;
    let before = crate::play::before(&plan, "create instance.a");
    for first in ["create default_route_table.main: route 0.0.0.0/0 via internet_gateway.main", "adopt default_network_acl.main"] {
        assert!(before.iter().any(|title| title == first), "{first} in {before:#?}");
    }
    assert!(before.iter().any(|title| title.starts_with("create default_network_acl.main: in 100")), "{before:#?}");
    assert!(before.iter().any(|title| title.starts_with("create default_security_group.main: ingress")), "{before:#?}");
}

/// The region's default VPC, as it is and with what AWS gave it hardened.
fn default_vpc(id: &str, adopted: &str) -> String {
    project(&format!(
        "vpc default {{\n  cidr_block = 172.31.0.0/16\n  enable_dns_hostnames = true\n{adopted}}}\nimport vpc.default from \"{id}\"\n\
         policy closed {{ forbid all from internet to vpc.default }}"
    ))
}

const HARDENED: &str = "  default_security_group { }
  default_network_acl {
    in  100 allow all from 172.31.0.0/16
    out 100 allow all to   172.31.0.0/16
  }
  default_route_table { }
";

#[tokio::test(start_paused = true)]
async fn a_default_vpc_is_adopted_hardened_and_proved() {
    let play = Play::new();
    let found = send(&play, "DescribeVpcs", json!({"Filters": [{"Name": "is-default", "Values": ["true"]}]}));
    let id = found["Vpcs"][0]["VpcId"].as_str().unwrap();
    let plan = play.plan(&default_vpc(id, "")).await;
    assert_eq!(outcomes(&plan), [Outcome::Refuted], "a default VPC is open to the internet");
    let source = default_vpc(id, HARDENED);
    let plan = play.apply(&source).await;
    let text = shown(&plan);
    // Exactly what the adoption takes away.
    let gone: Vec<&str> = text.lines().map(str::trim).filter(|line| line.starts_with("- ")).collect();
    let gateway =
        send(&play, "DescribeInternetGateways", json!({}))["InternetGateways"][0]["InternetGatewayId"].as_str().unwrap().to_owned();
    let expected = [
        format!("- route 0.0.0.0/0 via {gateway} (foreign)"),
        "- ingress all from default_security_group.default (foreign)".into(),
        "- egress all to 0.0.0.0/0 (foreign)".into(),
    ];
    assert_eq!(gone.iter().collect::<std::collections::BTreeSet<_>>().len(), expected.len(), "{text}");
    assert!(expected.iter().all(|line| gone.contains(&line.as_str())), "{text}");
    assert_eq!(outcomes(&plan), [Outcome::Proven], "{:#?}", plan.proof.policies);
    assert_eq!(text.matches("allow all from 0.0.0.0/0 -> in 100 allow all from 172.31.0.0/16").count(), 1, "{text}");
    // Let go of, it stays closed, and EC2 is told nothing but about tags.
    let plan = play.apply(&default_vpc(id, "")).await;
    assert!(shown(&plan).lines().all(|line| line.starts_with("< default_")), "{}", shown(&plan));
    assert!(plan.tasks.iter().flat_map(|t| &t.calls).all(|call| call.action == "DeleteTags"), "{:#?}", plan.tasks);
    assert_eq!(outcomes(&plan), [Outcome::Proven]);
}

#[tokio::test(start_paused = true)]
async fn what_aws_gives_moves_with_its_vpc_and_comes_with_each_of_many() {
    let play = Play::new();
    let source = |name: &str| {
        let vpc = format!(
            "vpc {name} for k, net in {{ a = 10.1.0.0/16, b = 10.2.0.0/16 }} {{ cidr_block = net\n default_security_group {{ }} }}"
        );
        project(&format!("{vpc}\noutput groups = vpc.{name}[*].default_security_group"))
    };
    play.apply(&source("old")).await;
    let group = play.id("default_security_group.old[\"b\"]");
    let moved = ["a", "b"].map(|k| format!("\nmoved vpc.old[{k:?}] to vpc.new[{k:?}]")).concat();
    let plan = play.apply(&(source("new") + &moved)).await;
    let tags_alone = |line: &str| line.starts_with("~ ") || line.trim().starts_with("tags.secnet:address");
    assert!(shown(&plan).lines().all(tags_alone), "{}", shown(&plan));
    assert_eq!(play.id("default_security_group.new[\"b\"]"), group);
    play.apply(&project("")).await;
    assert!(play.state().resources.is_empty());
}

#[tokio::test(start_paused = true)]
async fn rules_change_in_turns_where_the_quota_has_no_room_for_old_and_new() {
    let play = Play::new();
    let group = |second: u8| {
        let nets: Vec<String> = (0..60).map(|n| format!("10.{second}.{n}.0/24")).collect();
        project(&format!(
            "vpc main {{ cidr_block = 10.0.0.0/16 }}\nsecurity_group web {{ vpc = vpc.main  ingress tcp/443 from [{}] }}",
            nets.join(", ")
        ))
    };
    play.apply(&group(1)).await;
    let plan = play.apply(&group(2)).await;
    let actions: Vec<&str> = plan.tasks.iter().flat_map(|t| &t.calls).map(|call| &*call.action).collect();
    assert_eq!(actions[..2], ["RevokeSecurityGroupIngress", "AuthorizeSecurityGroupIngress"], "{actions:?}");
    // One rule for another: that one goes, this one comes, and the rest stays.
    let one = group(2).replace("10.2.7.0/24", "10.3.7.0/24");
    let plan = play.apply(&one).await;
    assert_eq!(plan.tasks.len(), 2, "{:#?}", crate::play::titles(&plan));
    assert_eq!(crate::play::titles(&plan)[0], "delete security_group.web: ingress tcp/443 from 10.2.7.0/24");
    // With room for both, the new one comes first.
    let fewer = one.replace("10.3.7.0/24, ", "");
    play.apply(&fewer).await;
    let plan = play.apply(&fewer.replace("10.2.8.0/24", "10.3.8.0/24")).await;
    assert_eq!(crate::play::titles(&plan)[0], "create security_group.web: ingress tcp/443 from 10.3.8.0/24");
}
