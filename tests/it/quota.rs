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
        ("elastic_ip e for n in range(6) { }", "6 would stand in us-east-1"),
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
            "6 would stand of `network_interface.i`",
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
            // The simulator tells that nothing was raised.
            Err(errors) => errors.iter().map(|error| error.split(", and").next().unwrap_or_default()).collect::<Vec<_>>().join("; "),
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

/// How often Service Quotas was asked so far.
fn asked(play: &Play) -> u64 {
    play.sim.calls("ListServiceQuotas")
}

#[tokio::test(start_paused = true)]
async fn what_the_account_was_given_is_what_counts() {
    let play = Play::new();
    let set = |name: &str, value: usize| play.sim.world(|world| world.quotas.set(name, value).unwrap());
    let vpcs = "vpc v for n in range(8) { cidr_block = 10.0.0.0/16 }";
    let over = "9 would stand in us-east-1, and \"VPCs per Region\" of this account is 5";
    assert_eq!(play.try_plan(&project(vpcs)).await.err().unwrap(), [over]);
    set("vpcs", 9);
    assert_eq!(warned(&play, vpcs).await, [""; 0]);
    // Both are counted, and one is raised by raising the other.
    let gateways = format!("{vpcs}\ninternet_gateway g for k, v in vpc.v {{ vpc = v }}");
    assert_eq!(warned(&play, &gateways).await, [""; 0]);
    // Each kind of thing that a quota counts.
    let group = format!("{BASE}security_group g {{ vpc = vpc.main  for n in range(70) {{ egress all to subnets(10.0.0.0/8, 8)[n] }} }}");
    assert!(play.try_plan(&project(&group)).await.err().unwrap()[0].ends_with("of this account is 60"));
    set("rules_per_security_group_and_direction", 70);
    assert_eq!(warned(&play, &group).await, [""; 0]);
    let acl = |n: u8| {
        format!("{BASE}network_acl a {{ vpc = vpc.main  for n in range({n}) {{ out (n + 1) allow all to subnets(10.0.0.0/8, 8)[n] }} }}")
    };
    set("entries_per_network_acl_and_direction", 30);
    assert_eq!(warned(&play, &acl(30)).await, [""; 0]);
    assert!(play.try_plan(&project(&acl(31))).await.err().unwrap()[0].ends_with("\"Rules per network ACL\" of this account is 30"));
    // What no account may have is not asked about.
    let before = asked(&play);
    assert!(play.try_plan(&project(&acl(41))).await.err().unwrap()[0].ends_with("can be raised to 40 at most"));
    assert_eq!(asked(&play), before);
    let gateways = format!("{BASE}nat_gateway n for n in range(6) {{ subnet = subnet.main  connectivity_type = \"private\" }}");
    assert!(play.try_plan(&project(&gateways)).await.err().unwrap()[0].starts_with("6 would stand in us-east-1a"));
    set("nat_gateways_per_zone", 6);
    assert_eq!(warned(&play, &gateways).await, [""; 0]);
    // A quota can be lower than a new account's, too; that is seen where AWS is asked anyway.
    set("vpcs", 7);
    assert!(play.try_plan(&project(vpcs)).await.err().unwrap()[0].ends_with("\"VPCs per Region\" of this account is 7"));
}

#[tokio::test(start_paused = true)]
async fn aws_is_asked_only_where_it_matters() {
    let play = Play::new();
    let text = format!("{BASE}security_group g {{ vpc = vpc.main  for n in range(60) {{ egress all to subnets(10.0.0.0/8, 8)[n] }} }}");
    let plan = play.plan(&project(&text)).await;
    assert!(play.carry_out(&plan).await.is_success());
    play.plan(&project(&text)).await;
    assert_eq!(asked(&play), 0, "all of it is below");
    play.sim.world(|world| world.quotas.set("rules_per_security_group_and_direction", 200).unwrap());
    let more = text.replace("range(60)", "range(90)");
    let plan = play.plan(&project(&more)).await;
    assert_eq!((plan.warnings.len(), asked(&play)), (0, 1), "one page tells of them all");
    assert!(play.carry_out(&plan).await.is_success());
    play.plan(&project(&more)).await;
    play.plan(&project(&more.replace("range(90)", "range(80)"))).await;
    assert_eq!(asked(&play), 1, "what stands is nothing to ask about, nor is less");
}

#[tokio::test(start_paused = true)]
async fn where_aws_does_not_tell_the_documented_values_hold_and_that_is_said_once() {
    let play = Play::new();
    let allowed = r#"{"Statement": [{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}]}"#;
    play.sim.obey(secnet::sim::Policy::parse(allowed).unwrap());
    let text = format!(
        "{BASE}vpc v for n in range(5) {{ cidr_block = 10.0.0.0/16 }}\n\
         security_group g {{ vpc = vpc.main  for n in range(61) {{ egress all to subnets(10.0.0.0/8, 8)[n] }} }}"
    );
    let plan = play.plan(&project(&text)).await;
    let codes: Vec<&str> = plan.warnings.iter().map(|warning| warning.code.id).collect();
    assert_eq!(codes, ["W0740", "W0740", "W0748"]);
    let told = &plan.warnings[2].message;
    assert!(told.contains("is not authorized to perform: servicequotas:ListServiceQuotas"), "{told}");
    // EC2 itself tells of some: there, the other is not missed.
    let addresses = play.try_plan(&project("elastic_ip e for n in range(6) { }")).await.err().unwrap();
    assert_eq!(addresses, ["6 would stand in us-east-1, and \"EC2-VPC Elastic IPs\" of this account is 5"]);
}

#[tokio::test(start_paused = true)]
async fn what_ec2_does_not_tell_of_itself_the_other_service_tells() {
    let play = Play::new();
    let allowed = r#"{"Statement": [{"Effect": "Allow", "Action": ["ec2:DescribeAddresses", "servicequotas:*"], "Resource": "*"}]}"#;
    play.sim.obey(secnet::sim::Policy::parse(allowed).unwrap());
    let addresses = "elastic_ip e for n in range(6) { }";
    let refused = play.try_plan(&project(addresses)).await.err().unwrap();
    assert_eq!(refused, ["6 would stand in us-east-1, and \"EC2-VPC Elastic IPs\" of this account is 5"]);
    play.sim.world(|world| world.quotas.set("addresses", 6).unwrap());
    assert_eq!(warned(&play, addresses).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn routes_of_each_family_count_by_themselves() {
    let play = Play::new();
    let table = |v4: u16, v6: u16| {
        format!(
            "{BASE}internet_gateway main {{ vpc = vpc.main }}\nroute_table t {{ vpc = vpc.main\n\
             for n in range({v4}) {{ route subnets(11.0.0.0/8, 16)[n] via internet_gateway.main }}\n\
             for n in range({v6}) {{ route subnets(2001:db8::/32, 16)[n] via internet_gateway.main }} }}"
        )
    };
    assert_eq!(warned(&play, &table(400, 400)).await, [""; 0]);
    assert!(play.try_plan(&project(&table(500, 0))).await.err().unwrap()[0].starts_with("501 would stand in `route_table.t` (route)"));
}

#[tokio::test(start_paused = true)]
async fn rules_come_and_go_in_turns_within_what_the_account_was_given() {
    let text = |net: &str, n: u8| {
        project(&format!("{BASE}security_group g {{ vpc = vpc.main  for n in range({n}) {{ egress all to subnets({net}, 8)[n] }} }}"))
    };
    for (quota, in_turns) in [(100, true), (200, false)] {
        let play = Play::new();
        play.sim.world(|world| world.quotas.set("rules_per_security_group_and_direction", quota).unwrap());
        play.apply(&text("10.0.0.0/8", 90)).await;
        let before = play.sim.log().len();
        // Above what a new account has, and within what this one was given; the old and the new together may be more.
        play.apply(&text("11.0.0.0/8", 95)).await;
        let log = play.sim.log();
        let of = |action: &str| log[before..].iter().enumerate().filter(|(_, r)| r.action == action).map(|(i, _)| i).collect::<Vec<_>>();
        let (come, go) = (of("AuthorizeSecurityGroupEgress"), of("RevokeSecurityGroupEgress"));
        assert_eq!(come.len() > 1 && go[0] < come[come.len() - 1], in_turns, "{quota}: {come:?} {go:?}");
    }
}
