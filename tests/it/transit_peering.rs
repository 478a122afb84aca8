//! Peerings of transit gateways of two Regions: one plan, one apply, and a proof over both sides.

use std::sync::Arc;

use secnet::{
    apply::Drivers,
    base::{address::Address, site::Site},
    call::{Driver, Request},
    plan::{Plan, proof::Verdict},
    prove::policy::Outcome,
    sim::Sim,
};
use serde_json::{Value, json};

use crate::play::{Play, project, shown};

const FAR: &str = "222222222222";

/// The simulator in two accounts and two regions.
fn two() -> (Play, Sim) {
    let sim = Sim::new("us-east-1");
    let far = sim.beside(FAR, "eu-west-1").unwrap();
    let mut play = Play::on(sim);
    let way: Arc<dyn Driver> = Arc::new(far.beside(FAR, "eu-west-1").unwrap());
    play.through(Arc::new(Drivers::new(play.sim.clone(), [(Site::new(FAR, "eu-west-1"), way)].into())));
    (play, far)
}

/// A VPC on a gateway in each of two Regions, and ways from each to the other.
const BOTH: &str = "
account far { id = \"222222222222\"  region = \"eu-west-1\"  role = \"arn:aws:iam::222222222222:role/secnet\" }

vpc near { cidr_block = 10.0.0.0/16 }
subnet near { vpc = vpc.near  cidr_block = 10.0.1.0/24  availability_zone = \"us-east-1a\" }
transit_gateway near { }
transit_gateway_vpc_attachment near { transit_gateway = transit_gateway.near  vpc = vpc.near  subnets = [subnet.near] }
route_table near { vpc = vpc.near  subnets = [subnet.near]  route 10.1.0.0/16 via transit_gateway.near }
transit_gateway_route_table near {
  transit_gateway      = transit_gateway.near
  associations         = [transit_gateway_vpc_attachment.near]
  peering_associations = [transit_gateway_peering_attachment.both]
  propagations         = [transit_gateway_vpc_attachment.near]
  route 10.1.0.0/16 via transit_gateway_peering_attachment.both
}

vpc far { account = account.far  cidr_block = 10.1.0.0/16 }
subnet far { vpc = vpc.far  cidr_block = 10.1.1.0/24  availability_zone = \"eu-west-1a\" }
transit_gateway far { account = account.far }
transit_gateway_vpc_attachment far { transit_gateway = transit_gateway.far  vpc = vpc.far  subnets = [subnet.far] }
route_table far { vpc = vpc.far  subnets = [subnet.far]  route 10.0.0.0/16 via transit_gateway.far }
transit_gateway_route_table far {
  transit_gateway      = transit_gateway.far
  associations         = [transit_gateway_vpc_attachment.far]
  peering_associations = [transit_gateway_peering_attachment.both]
  propagations         = [transit_gateway_vpc_attachment.far]
  route 10.0.0.0/16 via transit_gateway_peering_attachment.both
}

transit_gateway_peering_attachment both { transit_gateway = transit_gateway.near  peer_transit_gateway = transit_gateway.far }

security_group app { vpc = vpc.near  description = \"app\"  egress tcp/5432 to 10.1.0.0/16 }
instance app { image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.near  security_groups = [security_group.app] }
security_group db { vpc = vpc.far  description = \"db\"  ingress tcp/5432 from 10.0.0.0/16 }
instance db { image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.far  security_groups = [security_group.db] }
";

fn both(policy: &str) -> String {
    project(&format!("{BOTH}policy across {{\n{policy}\n}}\n"))
}

const REQUIRED: &str = "require tcp/5432 from instance.app to instance.db";
const FORBIDDEN: &str = "forbid tcp/5432 from instance.app to instance.db";

fn verdict(plan: &Plan) -> &Verdict {
    &plan.proof.policies[0]
}

fn verdicts(plan: &Plan) -> Vec<Outcome> {
    plan.proof.policies.iter().map(|v| v.outcome).collect()
}

fn listed(sim: &Sim, action: &str) -> Value {
    sim.call(&Request::new(action, json!({}))).unwrap()
}

/// The one peering of a world.
fn peering(sim: &Sim) -> Value {
    listed(sim, "DescribeTransitGatewayPeeringAttachments")["TransitGatewayPeeringAttachments"][0].clone()
}

#[tokio::test(start_paused = true)]
async fn one_apply_makes_both_sides_and_packets_pass() {
    let (play, far) = two();
    let plan = play.apply(&both(REQUIRED)).await;
    assert_eq!(verdict(&plan).outcome, Outcome::Proven);
    let (ours, theirs) = (peering(&play.sim), peering(&far));
    assert_eq!((&ours["State"], &theirs["State"]), (&json!("available"), &json!("available")));
    assert_eq!(ours["TransitGatewayAttachmentId"], theirs["TransitGatewayAttachmentId"]);
    assert_eq!((&ours["AccepterTgwInfo"]["OwnerId"], &ours["AccepterTgwInfo"]["Region"]), (&json!(FAR), &json!("eu-west-1")));
    let again = play.plan(&both(REQUIRED)).await;
    assert_eq!((shown(&again).as_str(), verdict(&again).outcome), ("", Outcome::Proven));
    let flows = [&again.proof.added, &again.proof.removed, &again.proof.unknown];
    assert!(flows.iter().all(|f| f.is_empty()), "what stands is what is drawn: {flows:#?}");
    let gone = project(BOTH.lines().find(|l| l.starts_with("account")).unwrap());
    let plan = play.plan(&gone).await;
    assert!(play.carry_out(&plan).await.is_success());
    assert_eq!(play.state().resources.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_goes_through_names_the_lines_of_both_sides() {
    let (play, _) = two();
    for stands in [false, true] {
        let plan = play.plan(&both(FORBIDDEN)).await;
        assert_eq!(verdict(&plan).outcome, Outcome::Refuted, "{stands}");
        let hops = verdict(&plan).hops.join("\n");
        for line in [
            "route 10.1.0.0/16 via transit_gateway.near",
            "route 10.1.0.0/16 via transit_gateway_peering_attachment.both",
            "transit_gateway.near",
            "transit_gateway.far",
            "ingress tcp/5432 from 10.0.0.0/16",
        ] {
            assert!(hops.contains(line), "{line} is not in\n{hops}");
        }
        play.apply(&both(REQUIRED)).await;
    }
}

/// Each side's route, association and propagation is needed, for the way there or for the way back.
#[tokio::test(start_paused = true)]
async fn without_one_line_of_either_side_nothing_comes_back() {
    let (play, _) = two();
    play.apply(&both(REQUIRED)).await;
    let there = [
        ("near", "  route 10.1.0.0/16 via transit_gateway_peering_attachment.both\n"),
        ("near", "  associations         = [transit_gateway_vpc_attachment.near]\n"),
        ("far", "  propagations         = [transit_gateway_vpc_attachment.far]\n"),
        ("far", "  peering_associations = [transit_gateway_peering_attachment.both]\n"),
    ];
    let back = [
        ("far", "  route 10.0.0.0/16 via transit_gateway_peering_attachment.both\n"),
        ("far", "  associations         = [transit_gateway_vpc_attachment.far]\n"),
        ("near", "  propagations         = [transit_gateway_vpc_attachment.near]\n"),
        ("near", "  peering_associations = [transit_gateway_peering_attachment.both]\n"),
    ];
    for (lines, forbidden) in [(there, Outcome::Proven), (back, Outcome::Refuted)] {
        for (table, line) in lines {
            let at = BOTH.find(&format!("transit_gateway_route_table {table}")).unwrap();
            let at = at + BOTH[at..].find(line).unwrap();
            let text = format!("{}{}", &BOTH[..at], &BOTH[at + line.len()..]);
            let plan = play.plan(&project(&format!("{text}policy across {{\n{FORBIDDEN}\n{REQUIRED}\n}}\n"))).await;
            assert_eq!(verdicts(&plan), [forbidden, Outcome::Refuted], "without {line}");
        }
    }
}

/// What others attach to the far gateway reaches the near VPC by the far table that they follow.
#[tokio::test(start_paused = true)]
async fn what_others_attach_to_the_far_gateway_counts_on_this_side() {
    let (play, far) = two();
    // No VPC of the project stands over there: its gateway alone.
    let text = both("forbid all from 10.9.0.0/16 to subnet.near");
    let cut = |from: &str, to: &str, text: &str| {
        let (a, b) = (text.find(from).unwrap(), text.find(to).unwrap());
        format!("{}{}", &text[..a], &text[b..])
    };
    let text = cut("vpc far {", "transit_gateway far {", &text);
    let text = cut("transit_gateway_vpc_attachment far {", "transit_gateway_route_table far {", &text);
    let text = cut("security_group app {", "policy across", &text);
    let text = text.replace("  associations         = [transit_gateway_vpc_attachment.far]\n", "");
    let text = text.replace("  propagations         = [transit_gateway_vpc_attachment.far]\n", "");
    let text = text.replace("route 10.1.0.0/16 via", "route 10.0.0.0/8 via");
    let plan = play.apply(&text).await;
    assert_eq!(verdict(&plan).outcome, Outcome::Proven);
    assert_eq!(verdict(&play.plan(&text).await).outcome, Outcome::Proven);
    let call = |action: &str, params: Value| far.call(&Request::new(action, params)).unwrap_or_else(|e| panic!("{action}: {e}"));
    let id = |answer: &Value, path: &str| answer.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("{answer}")).to_owned();
    let vpc = id(&call("CreateVpc", json!({"CidrBlock": "10.9.0.0/16"})), "/Vpc/VpcId");
    let subnet = id(&call("CreateSubnet", json!({"VpcId": vpc, "CidrBlock": "10.9.1.0/24"})), "/Subnet/SubnetId");
    let gateway = play.id("transit_gateway.far");
    let attach = json!({"TransitGatewayId": gateway, "VpcId": vpc, "SubnetIds": [subnet]});
    let attachment = id(&call("CreateTransitGatewayVpcAttachment", attach), "/TransitGatewayVpcAttachment/TransitGatewayAttachmentId");
    let table = call("CreateTransitGatewayRouteTable", json!({"TransitGatewayId": gateway}));
    let table = id(&table, "/TransitGatewayRouteTable/TransitGatewayRouteTableId");
    far.world(|world| world.advance(5));
    let peering = play.id("transit_gateway_peering_attachment.both");
    let route = json!({"TransitGatewayRouteTableId": table, "DestinationCidrBlock": "10.0.0.0/16", "TransitGatewayAttachmentId": peering});
    call("CreateTransitGatewayRoute", route);
    assert_eq!(verdict(&play.plan(&text).await).outcome, Outcome::Proven, "it follows no table");
    call("AssociateTransitGatewayRouteTable", json!({"TransitGatewayRouteTableId": table, "TransitGatewayAttachmentId": attachment}));
    far.world(|world| world.advance(5));
    let plan = play.plan(&text).await;
    assert_eq!((shown(&plan).as_str(), verdict(&plan).outcome), ("", Outcome::Refuted));
}

/// Who accepts a peering, and what comes from there, nobody knows.
#[tokio::test(start_paused = true)]
async fn a_peer_of_somebody_else_is_a_way_in_that_nobody_has_looked_behind() {
    let (play, far) = two();
    let made = far.call(&Request::new("CreateTransitGateway", json!({}))).unwrap();
    far.world(|world| world.advance(60));
    let gateway = made["TransitGateway"]["TransitGatewayId"].as_str().unwrap();
    let peer = format!("peer_transit_gateway_id = \"{gateway}\"  peer_account_id = \"{FAR}\"  peer_region = \"eu-west-1\"");
    let whole = |statement: &str| {
        let near = BOTH.split("vpc far {").next().unwrap().split("vpc near").nth(1).unwrap();
        let own = format!("transit_gateway_peering_attachment both {{ transit_gateway = transit_gateway.near  {peer} }}");
        project(&format!("vpc near{near}\n{own}\npolicy across {{\n{statement}\n}}\n"))
    };
    // EC2 takes routes to it, and associations, once it is accepted.
    let text = |statement: &str| {
        let lines = [
            "  route 10.1.0.0/16 via transit_gateway_peering_attachment.both\n",
            "  peering_associations = [transit_gateway_peering_attachment.both]\n",
        ];
        lines.iter().fold(whole(statement), |text, line| text.replace(line, ""))
    };
    let statement = "forbid all from 10.1.0.0/16 to subnet.near";
    assert_eq!(verdict(&play.plan(&whole(statement)).await).outcome, Outcome::Refuted);
    play.apply(&text("forbid all from internet to subnet.near")).await;
    assert_eq!(peering(&play.sim)["State"], "pendingAcceptance");
    let id = play.id("transit_gateway_peering_attachment.both");
    far.call(&Request::new("AcceptTransitGatewayPeeringAttachment", json!({"TransitGatewayAttachmentId": id}))).unwrap();
    far.world(|world| world.advance(60));
    play.sim.world(|world| world.advance(60));
    // It follows no table yet.
    let plan = play.plan(&text(statement)).await;
    assert_eq!((shown(&plan).as_str(), verdict(&plan).outcome), ("", Outcome::Proven));
    play.apply(&whole("forbid all from internet to subnet.near")).await;
    let plan = play.plan(&whole(statement)).await;
    assert_eq!((shown(&plan).as_str(), verdict(&plan).outcome), ("", Outcome::Refuted));
}

#[tokio::test(start_paused = true)]
async fn a_drift_on_the_other_side_is_seen() {
    let (play, far) = two();
    play.apply(&both(REQUIRED)).await;
    let (table, peering) = (play.id("transit_gateway_route_table.far"), play.id("transit_gateway_peering_attachment.both"));
    let params = json!({"TransitGatewayRouteTableId": table, "TransitGatewayAttachmentId": peering});
    far.call(&Request::new("DisassociateTransitGatewayRouteTable", params)).unwrap();
    far.world(|world| world.advance(60));
    let plan = play.plan(&both(REQUIRED)).await;
    let wanted = "~ transit_gateway_route_table.far\n    + association with transit_gateway_peering_attachment.both";
    assert_eq!(shown(&plan), wanted);
    play.apply(&both(REQUIRED)).await;
    // Somebody deletes it over there: it is made again.
    far.call(&Request::new("DeleteTransitGatewayPeeringAttachment", json!({"TransitGatewayAttachmentId": peering}))).unwrap();
    far.world(|world| world.advance(60));
    play.sim.world(|world| world.advance(60));
    let plan = play.apply(&both(REQUIRED)).await;
    assert!(shown(&plan).contains("+ transit_gateway_peering_attachment.both"), "{}", shown(&plan));
    assert!(play.state().resources.contains_key(&Address::new("transit_gateway_peering_attachment", "both")));
}
