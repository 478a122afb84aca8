//! Transit gateways in a proof: what others attach there counts as far as the gateway's tables let it, by the program itself.

use secnet::call::Request;
use serde_json::{Value, json};

use crate::cli::Project;

/// A VPC on a gateway, and a policy that lets one network not in.
fn project(default: &str) -> Project {
    let text = "
project p { region = \"us-east-1\" }
vpc main { cidr_block = 10.0.0.0/16 }
subnet app { vpc = vpc.main  cidr_block = 10.0.1.0/24  availability_zone = \"us-east-1a\" }
transit_gateway hub { default_route_table_association = \"SWITCH\"  default_route_table_propagation = \"SWITCH\" }
transit_gateway_vpc_attachment main { transit_gateway = transit_gateway.hub  vpc = vpc.main  subnets = [subnet.app] }
route_table app { vpc = vpc.main  subnets = [subnet.app]  route 10.0.0.0/8 via transit_gateway.hub }
policy alone { forbid all from 10.9.0.0/16 to subnet.app }
";
    Project::of(&text.replace("SWITCH", default))
}

/// Somebody else attaches a VPC of theirs to the project's gateway.
fn intrude(project: &Project) {
    let id_of = |address: &str| project.run(&format!("state show {address} --sandbox --json")).json()["id"].as_str().unwrap().to_owned();
    let gateway = id_of("transit_gateway.hub");
    let sandbox = project.sandbox();
    let call = |action: &str, params: Value| sandbox.call(&Request::new(action, params)).unwrap_or_else(|e| panic!("{action}: {e}"));
    let id = |answer: &Value, path: &str| answer.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("{answer}")).to_owned();
    let vpc = id(&call("CreateVpc", json!({"CidrBlock": "10.9.0.0/16"})), "/Vpc/VpcId");
    let subnet = id(&call("CreateSubnet", json!({"VpcId": vpc, "CidrBlock": "10.9.1.0/24"})), "/Subnet/SubnetId");
    call("CreateTransitGatewayVpcAttachment", json!({"TransitGatewayId": gateway, "VpcId": vpc, "SubnetIds": [subnet]}));
    sandbox.world(|world| world.advance(5));
}

#[test]
fn what_others_attach_gets_in_where_everything_is_joined_to_everything() {
    let project = project("enable");
    let planned = project.run("plan --sandbox").exits(0).says("1 of 1 statements proven");
    planned.says("a default route table that every attachment follows and tells its networks: all of them reach each other");
    project.run("apply --sandbox --yes").exits(0);
    project.run("plan --sandbox").exits(0).says("Nothing to do").says("1 of 1 statements proven");
    intrude(&project);
    project.run("plan --sandbox").exits(1).says("REFUTED  alone: forbid all from 10.9.0.0/16 to subnet.app");
}

#[test]
fn what_others_attach_reaches_nothing_where_nobody_says_so() {
    let project = project("disable");
    project.run("apply --sandbox --yes").exits(0).says("1 of 1 statements proven");
    intrude(&project);
    project.run("plan --sandbox").exits(0).says("Nothing to do").says("1 of 1 statements proven");
}
