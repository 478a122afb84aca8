//! Quotas at plan time: what would stand, counted on the simulator, whose own refusals agree.

use secnet::{call::Request, sim::Sim};
use serde_json::json;

use crate::play::{Play, project};

/// What a plan warns of, each with its number and where.
async fn warned(play: &Play, body: &str) -> Vec<String> {
    let plan = play.plan(&project(body)).await;
    plan.warnings.iter().map(|warning| warning.message.split(", and").next().unwrap_or_default().to_owned()).collect()
}

const BASE: &str =
    "vpc main { cidr_block = 10.0.0.0/16 }\nsubnet main { vpc = vpc.main  cidr_block = 10.0.0.0/24  availability_zone = \"us-east-1a\" }\n";

#[tokio::test(start_paused = true)]
async fn what_a_new_account_may_hold_is_counted() {
    let play = Play::new();
    let cases = [
        ("vpc v for n in range(4) { cidr_block = 10.0.0.0/16 }", ""),
        ("vpc v for n in range(5) { cidr_block = 10.0.0.0/16 }", "6 would stand in us-east-1"),
        (
            "vpc v for n in range(5) { cidr_block = 10.0.0.0/16 }
\
             internet_gateway g for k, v in vpc.v { vpc = v }",
            "6 would stand in us-east-1; 6 would stand in us-east-1",
        ),
        ("elastic_ip e for n in range(5) { }", ""),
        ("elastic_ip e for n in range(6) { }", "6 would stand in us-east-1, and \"EC2-VPC Elastic IPs\" of this account is 5"),
        ("subnet s for n in range(199) { vpc = vpc.main  cidr_block = subnets(10.0.0.0/16, 8)[n + 1] }", ""),
        ("subnet s for n in range(200) { vpc = vpc.main  cidr_block = subnets(10.0.0.0/16, 8)[n + 1] }", "201 would stand in `vpc.main`"),
        ("route_table t for n in range(199) { vpc = vpc.main }", ""),
        ("route_table t for n in range(200) { vpc = vpc.main }", "201 would stand in `vpc.main`"),
        ("network_acl a for n in range(200) { vpc = vpc.main }", "201 would stand in `vpc.main`"),
        (
            "network_acl a { vpc = vpc.main  for n in range(21) { out (n + 1) allow all to subnets(10.0.0.0/8, 8)[n] } }",
            "21 would stand in `network_acl.a` (out)",
        ),
        (
            "security_group g { vpc = vpc.main  for n in range(61) { egress all to subnets(10.0.0.0/8, 8)[n] } }",
            "61 would stand in `security_group.g` (egress)",
        ),
        (
            "security_group g { vpc = vpc.main  for n in range(60) { egress all to subnets(10.0.0.0/8, 8)[n] }\n  egress all to 2001:db8::/32 }",
            "",
        ),
        (
            "prefix_list l { prefix_list_name = \"l\"  max_entries = 61 }\n\
             security_group g { vpc = vpc.main  ingress tcp/22 from prefix_list.l }",
            "61 would stand in `security_group.g` (ingress)",
        ),
        ("nat_gateway n for n in range(6) { subnet = subnet.main  connectivity_type = \"private\" }", "6 would stand in us-east-1a"),
        (
            "security_group g for n in range(6) { vpc = vpc.main }\n\
             network_interface i { subnet = subnet.main  security_groups = [for k, g in security_group.g: g] }",
            "6 would stand of `network_interface.i`, and \"Security groups per network interface\" of this account is 5",
        ),
        (
            "vpc peer { cidr_block = 10.1.0.0/16 }\n\
             vpc_peering p for n in range(51) { vpc = vpc.main  peer_vpc_id = \"vpc-0123456789abcdef0\" }",
            "51 would stand in `vpc.main`",
        ),
    ];
    let mut wrong = vec![];
    for (body, wanted) in cases {
        let body = if body.starts_with("vpc v") { body.to_owned() } else { format!("{BASE}{body}") };
        let said = match play.try_plan(&project(&body)).await {
            Ok(_) => warned(&play, &body).await.join("; "),
            Err(errors) => errors.join("; "),
        };
        if said != wanted {
            wrong.push(format!("{body}\n  says {said:?} and not {wanted:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn what_others_have_made_counts_and_what_goes_makes_room() {
    let play = Play::new();
    let allocate = || drop(play.sim.call(&Request::new("AllocateAddress", json!({"Domain": "vpc"}))).unwrap());
    (0..4).for_each(|_| allocate());
    assert_eq!(warned(&play, "elastic_ip a { }").await, [""; 0]);
    let refused = ["6 would stand in us-east-1, and \"EC2-VPC Elastic IPs\" of this account is 5"];
    assert_eq!(play.try_plan(&project("elastic_ip a { }\nelastic_ip b { }")).await.err().unwrap(), refused);
    // The simulator refuses the same.
    let plan = play.plan(&project("elastic_ip a { }")).await;
    assert!(play.carry_out(&plan).await.is_success());
    play.sim.call(&Request::new("AllocateAddress", json!({"Domain": "vpc"}))).unwrap_err();
    // One comes, one goes.
    assert_eq!(warned(&play, "elastic_ip c { }").await, [""; 0]);
    // Nothing to do is nothing to warn of, and costs no read of the Region.
    let before = Sim::all_calls(&play.sim);
    let made = play.state().resources.keys().next().unwrap().to_string();
    assert_eq!(warned(&play, &format!("{} {{ }}", made.replace('.', " "))).await, [""; 0]);
    let reads = Sim::all_calls(&play.sim)["DescribeAddresses"] - before["DescribeAddresses"];
    assert_eq!(reads, 1);
    // More stands than a new account may hold: the quota was raised.
    play.sim.world(|world| world.quotas.set("addresses", 20).unwrap());
    (0..3).for_each(|_| allocate());
    assert_eq!(warned(&play, "elastic_ip a { }\nelastic_ip b { }\nelastic_ip c { }").await, [""; 0]);
}
