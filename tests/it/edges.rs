//! Route tables that a gateway follows: what is proved when they come and go, and in which order they do.

use secnet::{call::Request, prove::policy::Outcome};
use serde_json::json;

use crate::play::{Play, before, project, shown};

const FOLLOWS: &str = "internet_gateway = internet_gateway.main";

/// A web server; an appliance whose group lets nothing in stands before its subnet while the gateway follows the table.
fn web(follows: &str, ingress: &str, policy: &str) -> String {
    project(&format!(
        "vpc main {{ cidr_block = 10.0.0.0/16 }}
         internet_gateway main {{ vpc = vpc.main }}
         subnet web {{ vpc = vpc.main  cidr_block = 10.0.1.0/24  map_public_ip_on_launch = true }}
         subnet wall {{ vpc = vpc.main  cidr_block = 10.0.2.0/24 }}
         route_table out {{ vpc = vpc.main  subnets = [subnet.web, subnet.wall]  route anywhere via internet_gateway.main }}
         security_group web {{ vpc = vpc.main
           {ingress}
         }}
         security_group wall {{ vpc = vpc.main }}
         network_interface wall {{ subnet = subnet.wall  security_groups = [security_group.wall]  source_dest_check = false }}
         instance wall {{ image = ami(\"al2023\")  instance_type = \"t3.micro\"  network_interface = network_interface.wall }}
         instance web {{ image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.web  security_groups = [security_group.web] }}
         route_table inward {{ vpc = vpc.main  {follows}
           route 10.0.1.0/24 via network_interface.wall
         }}
         {policy}"
    ))
}

#[tokio::test(start_paused = true)]
async fn a_table_that_a_gateway_is_about_to_leave_protects_nothing() {
    let policy = "policy closed { forbid tcp/443 from internet to instance.web }";
    let web = |follows: &str| web(follows, "ingress tcp/443 from anywhere", policy);
    let play = Play::new();
    play.apply(&web(FOLLOWS)).await;
    let outcome = async |source: &str| play.plan(source).await.proof.policies[0].outcome;
    assert_eq!(outcome(&web(FOLLOWS)).await, Outcome::Proven);
    let plan = play.plan(&web("")).await;
    assert_eq!(shown(&plan), "~ route_table.inward\n    - association with internet_gateway.main");
    assert_eq!(plan.proof.policies[0].outcome, Outcome::Refuted, "{:?}", plan.proof.diagnostics);
}

#[tokio::test(start_paused = true)]
async fn what_the_table_kept_out_is_closed_before_the_gateway_leaves_it() {
    let play = Play::new();
    let (open, closed) = ("ingress tcp/443 from anywhere", "ingress tcp/443 from 10.0.0.0/16");
    let policy = "policy closed during apply { forbid tcp/443 from internet to instance.web }";
    play.apply(&web(FOLLOWS, open, policy)).await;
    let plan = play.plan(&web("", closed, policy)).await;
    assert_eq!(plan.proof.failing().count(), 0, "{:?}", plan.proof.diagnostics);
    let leaves = "delete route_table.inward: association with internet_gateway.main";
    let waits = before(&plan, leaves);
    assert!(waits.iter().any(|title| title == "delete security_group.web: ingress tcp/443 from 0.0.0.0/0"), "{waits:?}");
    let outcome = play.carry_out(&plan).await;
    assert!(outcome.is_success(), "{:?}", outcome.failed);
    // And the other way round: the gateway follows the table before the group lets more in.
    let plan = play.plan(&web(FOLLOWS, open, policy)).await;
    let waits = before(&plan, "create security_group.web: ingress tcp/443 from 0.0.0.0/0");
    assert!(waits.iter().any(|title| title == "create route_table.inward: association with internet_gateway.main"), "{waits:?}");
}

const SERVICE: &str = "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0";

/// A web server, before which an endpoint of a Gateway Load Balancer stands where the gateway and its subnet follow these tables.
fn behind_balancer(endpoint: &str, inward: &str, out: &str) -> String {
    project(&format!(
        "vpc main {{ cidr_block = 10.0.0.0/16 }}
         internet_gateway main {{ vpc = vpc.main }}
         subnet web {{ vpc = vpc.main  cidr_block = 10.0.1.0/24  map_public_ip_on_launch = true }}
         subnet wall {{ vpc = vpc.main  cidr_block = 10.0.2.0/24 }}
         security_group web {{ vpc = vpc.main
           ingress tcp/443 from anywhere
           egress tcp/443 to anywhere
         }}
         instance web {{ image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.web  security_groups = [security_group.web] }}
         {endpoint}
         route_table inward {{ vpc = vpc.main  internet_gateway = internet_gateway.main
           {inward}
         }}
         route_table out {{ vpc = vpc.main  subnets = [subnet.web]
           {out}
         }}
         policy open {{ require tcp/443 from internet to instance.web }}
         policy closed {{ forbid tcp/443 from internet to instance.web }}
         policy kept {{ forbid tcp/443 from instance.web to internet }}
         policy shut {{ forbid tcp/22 from internet to subnet.wall }}"
    ))
}

const INWARD: &str = "route 10.0.1.0/24 via vpc_endpoint.wall";
const OUT: &str = "route anywhere via vpc_endpoint.wall";

#[tokio::test(start_paused = true)]
async fn what_takes_its_way_by_a_gateway_load_balancer_is_never_proved() {
    let unknown = [Outcome::Unknown, Outcome::Unknown, Outcome::Unknown, Outcome::Proven];
    let outcomes = |plan: &secnet::plan::Plan| plan.proof.policies.iter().map(|p| p.outcome).collect::<Vec<_>>();
    let ours = format!(
        "vpc_endpoint wall {{ vpc = vpc.main  service_name = {SERVICE:?}  vpc_endpoint_type = \"GatewayLoadBalancer\"  subnets = [subnet.wall] }}"
    );
    let play = Play::new();
    let (bare, whole) = (behind_balancer("", "", "route anywhere via internet_gateway.main"), behind_balancer(&ours, INWARD, OUT));
    // Before it stands and after.
    assert_eq!(outcomes(&play.plan(&whole).await), unknown);
    play.apply(&bare).await;
    let expected = [Outcome::Proven, Outcome::Refuted, Outcome::Refuted, Outcome::Proven];
    assert_eq!(outcomes(&play.plan(&bare).await), expected);
    assert_eq!(outcomes(&play.plan(&behind_balancer(&ours, INWARD, "route anywhere via internet_gateway.main")).await)[..2], unknown[..2]);
    // What goes in is seen to arrive; what comes back is not.
    let out = [Outcome::Unknown, Outcome::Refuted, Outcome::Unknown];
    assert_eq!(outcomes(&play.plan(&behind_balancer(&ours, "", OUT)).await)[..3], out);
    // Somebody else's, which the project only reads, or does not speak of.
    let (vpc, subnet) = (play.id("vpc.main"), play.id("subnet.wall"));
    let params = json!({"VpcId": vpc, "ServiceName": SERVICE, "VpcEndpointType": "GatewayLoadBalancer", "SubnetIds": [subnet]});
    let made = play.sim.call(&Request::new("CreateVpcEndpoint", params)).unwrap();
    let endpoint = made["VpcEndpoint"]["VpcEndpointId"].as_str().unwrap().to_owned();
    let reads = behind_balancer(&format!("existing vpc_endpoint wall {{ id = {endpoint:?} }}"), INWARD, OUT);
    assert_eq!(outcomes(&play.plan(&reads).await), unknown);
    let keeps = behind_balancer("", "", "foreign_rules = \"keep\"");
    play.apply(&keeps).await;
    let params = json!({"RouteTableId": play.id("route_table.out"), "DestinationCidrBlock": "0.0.0.0/0", "VpcEndpointId": endpoint});
    play.sim.call(&Request::new("CreateRoute", params)).unwrap();
    assert_eq!(outcomes(&play.plan(&keeps).await)[..3], out);
}
