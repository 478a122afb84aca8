//! Further addresses of interfaces: those that are written, and those that EC2 chooses.

use secnet::{base::cidr::Cidr, call::Request, prove::policy::Outcome};
use serde_json::json;

use crate::play::{Play, project};

const AROUND: &str = "vpc main { cidr_block = 10.0.0.0/16  amazon_provided_ipv6_cidr_block = true }
    subnet a { vpc = vpc.main  cidr_block = 10.0.1.0/24  ipv6_cidr_block = subnets(vpc.main.ipv6_cidr_block, 8)[1]  assign_ipv6_address_on_creation = true }
    security_group g { vpc = vpc.main }";

#[tokio::test(start_paused = true)]
async fn written_ipv6_addresses_take_the_place_of_the_one_that_a_subnet_gives() {
    for (kind, rest) in [("instance", "image = ami(\"al2023\")  instance_type = \"t3.small\" "), ("network_interface", "")] {
        let play = Play::new();
        play.apply(&project(AROUND)).await;
        let subnets = play.sim.call(&Request::new("DescribeSubnets", json!({"SubnetIds": [play.id("subnet.a")]}))).unwrap();
        let network: Cidr =
            subnets.pointer("/Subnets/0/Ipv6CidrBlockAssociationSet/0/Ipv6CidrBlock").unwrap().as_str().unwrap().parse().unwrap();
        let ip = |n: u128| network.host(n).unwrap();
        let with = |six: &str| {
            project(&format!(
                "{AROUND}\n{kind} x {{ {rest} subnet = subnet.a  security_groups = [security_group.g]  ipv6_addresses = [{six}] }}"
            ))
        };
        let mut before = play.sim.log().len();
        let mut calls = async |six: String| {
            play.apply(&with(&six)).await;
            assert!(play.plan(&with(&six)).await.is_empty(), "{kind}: {six}");
            let log = play.sim.log();
            let made: Vec<String> = log[before..].iter().map(|r| r.action.clone()).filter(|a| a.contains("Ipv6Addresses")).collect();
            before = log.len();
            made
        };
        assert_eq!(calls(format!("{}, {}", ip(20), ip(21))).await, [""; 0], "the call that makes it says them");
        assert_eq!(calls(format!("{}, {}", ip(22), ip(21))).await, ["UnassignIpv6Addresses", "AssignIpv6Addresses"]);
        assert_eq!(calls(ip(21).to_string()).await, ["UnassignIpv6Addresses"]);
    }
}

#[tokio::test(start_paused = true)]
async fn every_further_address_of_an_interface_counts_in_a_proof() {
    let play = Play::new();
    let with = |secondary: &str| {
        project(&format!(
            "vpc main {{ cidr_block = 10.0.0.0/16 }}
             subnet a {{ vpc = vpc.main  cidr_block = 10.0.1.0/24 }}
             security_group client {{ vpc = vpc.main  egress tcp/80 to security_group.server }}
             security_group server {{ vpc = vpc.main  ingress tcp/80 from 10.0.1.64/26 }}
             instance client {{ image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.a  security_groups = [security_group.client]  private_ip_address = 10.0.1.10  {secondary} }}
             instance server {{ image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.a  security_groups = [security_group.server]  private_ip_address = 10.0.1.20 }}
             policy p \"x\" {{ forbid tcp/80 from instance.client to instance.server }}"
        ))
    };
    let outcome = async |source: String| play.plan(&source).await.proof.policies[0].outcome;
    assert_eq!(outcome(with("")).await, Outcome::Proven);
    assert_eq!(outcome(with("secondary_private_ip_addresses = [10.0.1.70]")).await, Outcome::Refuted, "the rule takes a further address");
}

#[tokio::test(start_paused = true)]
async fn a_further_interface_is_the_instances_in_a_proof() {
    let play = Play::new();
    let with = |more: &str| {
        project(&format!(
            "vpc main {{ cidr_block = 10.0.0.0/16 }}
             subnet a {{ vpc = vpc.main  cidr_block = 10.0.1.0/24 }}
             security_group shut {{ vpc = vpc.main }}
             security_group client {{ vpc = vpc.main  egress tcp/80 to 10.0.1.0/24 }}
             security_group server {{ vpc = vpc.main  ingress tcp/80 from 10.0.1.0/24 }}
             network_interface card {{ subnet = subnet.a  security_groups = [security_group.server] }}
             instance client {{ image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.a  security_groups = [security_group.client] }}
             instance server {{ image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.a  security_groups = [security_group.shut]  {more} }}
             policy p \"x\" {{ forbid tcp/80 from instance.client to instance.server }}"
        ))
    };
    let outcome = async |source: String| play.plan(&source).await.proof.policies[0].outcome;
    assert_eq!(outcome(with("")).await, Outcome::Proven);
    assert_eq!(outcome(with("network_interfaces = [network_interface.card]")).await, Outcome::Refuted);
}

#[tokio::test(start_paused = true)]
async fn the_internet_meets_the_private_address_that_an_elastic_ip_is_for() {
    let play = Play::new();
    let with = |secondary: &str, elastic: &str| {
        project(&format!(
            "vpc main {{ cidr_block = 10.0.0.0/16 }}
             internet_gateway main {{ vpc = vpc.main }}
             subnet a {{ vpc = vpc.main  cidr_block = 10.0.1.0/24 }}
             route_table a {{ vpc = vpc.main  subnets = [subnet.a]  route anywhere via internet_gateway.main }}
             security_group server {{ vpc = vpc.main  ingress tcp/443 from anywhere }}
             network_interface card {{ subnet = subnet.a  security_groups = [security_group.server]  private_ip_address = 10.0.1.20  {secondary} }}
             instance server {{ image = ami(\"al2023\")  instance_type = \"t3.small\"  network_interface = network_interface.card }}
             {elastic}
             policy p \"x\" {{ forbid tcp/443 from internet to instance.server }}"
        ))
    };
    let two = "secondary_private_ip_addresses = [10.0.1.30, 10.0.1.31]";
    let at = |ip: &str| format!("elastic_ip web {{ network_interface = network_interface.card  private_ip_address = {ip} }}");
    let ways = async |source: String| {
        let verdict = play.plan(&source).await.proof.policies.remove(0);
        (verdict.outcome, format!("{:?} {:?}", verdict.packet, verdict.hops))
    };
    let (outcome, way) = ways(with(two, &at("10.0.1.31"))).await;
    assert!(outcome == Outcome::Refuted && way.contains("10.0.1.31"), "of what is to be made: {way}");
    // The addresses come to an interface that stands, in the same plan.
    play.apply(&with("", "elastic_ip web { }")).await;
    let (outcome, way) = ways(with(two, &at("10.0.1.31"))).await;
    assert!(outcome == Outcome::Refuted && way.contains("10.0.1.31"), "of what comes to it: {way}");
    assert_eq!(ways(with(two, "elastic_ip web { }")).await.0, Outcome::Proven);
    let carry = async |source: String| {
        let plan = play.plan(&source).await;
        let outcome = play.carry_out(&plan).await;
        assert!(outcome.is_success(), "{:?}", outcome.failed);
    };
    carry(with(two, "")).await;
    carry(with(two, &at("10.0.1.30"))).await;
    let (_, way) = ways(with(two, &at("10.0.1.30"))).await;
    assert!(way.contains("10.0.1.30"), "{way}");
    let (_, way) = ways(with(two, "elastic_ip web { network_interface = network_interface.card }")).await;
    assert!(way.contains("10.0.1.20"), "{way}");
}

#[tokio::test(start_paused = true)]
async fn an_elastic_ip_opens_what_the_project_only_reads() {
    const NETWORK: &str = "vpc main { cidr_block = 10.0.0.0/16 }
        internet_gateway main { vpc = vpc.main }
        subnet a { vpc = vpc.main  cidr_block = 10.0.1.0/24  availability_zone = \"us-east-1a\" }
        route_table a { vpc = vpc.main  subnets = [subnet.a]  route anywhere via internet_gateway.main }
        security_group a { vpc = vpc.main  ingress all from anywhere
        egress all to anywhere }";
    for (kind, rest) in [("instance", "image = ami(\"al2023\")  instance_type = \"t3.micro\" "), ("network_interface", "")] {
        let play = Play::new();
        let made = format!("{kind} x {{ {rest} subnet = subnet.a  security_groups = [security_group.a]  tags = {{ Name = \"old\" }} }}");
        // An interface by itself answers nobody.
        let (on_it, also) = match kind {
            "instance" => ("", ""),
            _ => (
                "instance m { image = ami(\"al2023\")  instance_type = \"t3.micro\"  network_interface = network_interface.x }",
                "forget instance.m",
            ),
        };
        play.apply(&project(&format!("{NETWORK}\n{made}\n{on_it}"))).await;
        let lent = |elastic: &str| {
            project(&format!(
                "{NETWORK}\nforget {kind}.x\n{also}\nexisting {kind} old {{ tags = {{ Name = \"old\" }} }}\n{elastic}
                 policy closed \"x\" {{ forbid all from internet to {kind}.old }}"
            ))
        };
        let outcome = async |source: &str| play.plan(source).await.proof.policies[0].outcome;
        let (with, without) = (lent(&format!("elastic_ip e {{ {kind} = {kind}.old }}")), lent("elastic_ip e { }"));
        assert_eq!(outcome(&without).await, Outcome::Proven, "{kind}");
        assert_eq!(outcome(&with).await, Outcome::Refuted, "{kind}");
        play.apply(&with).await;
        assert!(play.plan(&with).await.is_empty(), "{kind}");
        assert_eq!(outcome(&with).await, Outcome::Refuted, "{kind}");
        assert_eq!(outcome(&without).await, Outcome::Proven, "{kind}: it goes");
    }
}

#[tokio::test(start_paused = true)]
async fn an_elastic_ip_that_the_project_lets_go_of_stays_where_it_is() {
    const NETWORK: &str = "vpc main { cidr_block = 10.0.0.0/16 }
        internet_gateway main { vpc = vpc.main }
        subnet a { vpc = vpc.main  cidr_block = 10.0.1.0/24 }
        route_table a { vpc = vpc.main  subnets = [subnet.a]  route anywhere via internet_gateway.main }
        security_group a { vpc = vpc.main  ingress all from anywhere
        egress all to anywhere }
        instance x { image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.a  security_groups = [security_group.a] }
        policy closed \"x\" { forbid all from internet to instance.x }";
    let play = Play::new();
    let plan = play.plan(&project(&format!("{NETWORK}\nelastic_ip e {{ instance = instance.x }}"))).await;
    play.carry_out(&plan).await;
    let outcome = async |rest: &str| play.plan(&project(&format!("{NETWORK}\n{rest}"))).await.proof.policies[0].outcome;
    assert_eq!(outcome("").await, Outcome::Proven, "it goes");
    assert_eq!(outcome("forget elastic_ip.e").await, Outcome::Refuted, "it stays");
}
