//! Peerings, within one world and between two.

use super::*;

const OTHER: &str = "222222222222";

fn call(sim: &Sim, action: &str, params: Json) -> Result<Json, ApiError> {
    sim.call(&Request::new(action, params))
}

fn code(sim: &Sim, action: &str, params: Json) -> String {
    call(sim, action, params).map_or_else(|error| error.code, |_| "done".into())
}

fn vpc(sim: &Sim, cidr: &str) -> String {
    call(sim, "CreateVpc", json!({"CidrBlock": cidr})).unwrap()["Vpc"]["VpcId"].as_str().unwrap().to_owned()
}

fn status(sim: &Sim, id: &str) -> String {
    let listed = call(sim, "DescribeVpcPeeringConnections", json!({"VpcPeeringConnectionIds": [id]})).unwrap();
    listed["VpcPeeringConnections"][0]["Status"]["Code"].as_str().unwrap().to_owned()
}

fn request(sim: &Sim, params: Json) -> String {
    let made = call(sim, "CreateVpcPeeringConnection", params).unwrap();
    assert_eq!(made["VpcPeeringConnection"]["Status"]["Code"], "initiating-request");
    made["VpcPeeringConnection"]["VpcPeeringConnectionId"].as_str().unwrap().to_owned()
}

#[test]
fn each_side_does_what_is_its_own() {
    let ours = Sim::new("us-east-1");
    let theirs = ours.beside(OTHER, "eu-west-1").unwrap();
    let (a, b) = (vpc(&ours, "10.0.0.0/16"), vpc(&theirs, "10.1.0.0/16"));
    assert_ne!(a, b, "no two worlds have an id in common");
    let id = request(&ours, json!({"VpcId": a, "PeerVpcId": b, "PeerOwnerId": OTHER, "PeerRegion": "eu-west-1"}));
    let named = json!({"VpcPeeringConnectionId": id});
    assert_eq!([status(&ours, &id), status(&theirs, &id)], ["pending-acceptance", "pending-acceptance"]);
    assert_eq!(code(&ours, "AcceptVpcPeeringConnection", named.clone()), "OperationNotPermitted");
    assert_eq!(code(&theirs, "DeleteVpcPeeringConnection", named.clone()), "InvalidStateTransition");
    let option = |side: &str| json!({"VpcPeeringConnectionId": id, (side): {"AllowDnsResolutionFromRemoteVpc": true}});
    let (requester, accepter) = ("RequesterPeeringConnectionOptions", "AccepterPeeringConnectionOptions");
    assert_eq!(code(&ours, "ModifyVpcPeeringConnectionOptions", option(requester)), "OperationNotPermitted");
    call(&theirs, "AcceptVpcPeeringConnection", named.clone()).unwrap();
    assert_eq!([status(&ours, &id), status(&theirs, &id)], ["active", "active"]);
    assert_eq!(code(&theirs, "AcceptVpcPeeringConnection", named.clone()), "InvalidStateTransition");
    assert_eq!(code(&ours, "ModifyVpcPeeringConnectionOptions", option(accepter)), "OperationNotPermitted");
    assert_eq!(code(&ours, "ModifyVpcPeeringConnectionOptions", option(requester)), "done");
    assert_eq!(code(&theirs, "ModifyVpcPeeringConnectionOptions", option(accepter)), "done");
    assert_eq!(code(&theirs, "DeleteVpc", json!({"VpcId": b})), "DependencyViolation");
    let again = json!({"VpcId": a, "PeerVpcId": b, "PeerOwnerId": OTHER, "PeerRegion": "eu-west-1"});
    assert_eq!(code(&ours, "CreateVpcPeeringConnection", again), "VpcPeeringConnectionAlreadyExists");
    // What the accepter lists is told with its own names for accounts.
    let listed = call(&theirs, "DescribeVpcPeeringConnections", json!({})).unwrap();
    let sides = ["RequesterVpcInfo", "AccepterVpcInfo"].map(|side| listed["VpcPeeringConnections"][0][side]["OwnerId"].clone());
    assert_eq!(sides, [json!(ACCOUNT), json!(OTHER)]);
    call(&theirs, "DeleteVpcPeeringConnection", named).unwrap();
    assert_eq!([status(&ours, &id), status(&theirs, &id)], ["deleted", "deleted"]);
    assert_eq!(code(&theirs, "DeleteVpc", json!({"VpcId": b})), "done");
}

#[test]
fn a_request_that_reaches_nobody_fails() {
    let ours = Sim::new("us-east-1");
    let theirs = ours.beside(OTHER, "us-east-1").unwrap();
    let (a, b) = (vpc(&ours, "10.0.0.0/16"), vpc(&theirs, "10.0.128.0/17"));
    let overlapping = request(&ours, json!({"VpcId": a, "PeerVpcId": b, "PeerOwnerId": OTHER}));
    assert_eq!(status(&ours, &overlapping), "failed");
    let nobody = request(&ours, json!({"VpcId": a, "PeerVpcId": "vpc-0123456789abcdef0", "PeerOwnerId": OTHER}));
    assert_eq!(status(&ours, &nobody), "failed");
    assert_eq!(
        code(&theirs, "DescribeVpcPeeringConnections", json!({"VpcPeeringConnectionIds": [nobody]})),
        "InvalidVpcPeeringConnectionID.NotFound"
    );
    assert_eq!(
        code(&ours, "CreateVpcPeeringConnection", json!({"VpcId": a, "PeerVpcId": "vpc-0123456789abcdef0"})),
        "InvalidVpcID.NotFound"
    );
}

#[test]
fn a_route_over_a_peering_is_a_black_hole_unless_it_is_active() {
    let sim = Sim::new("us-east-1");
    let (a, b) = (vpc(&sim, "10.0.0.0/16"), vpc(&sim, "10.1.0.0/16"));
    let id = request(&sim, json!({"VpcId": a, "PeerVpcId": b}));
    let table = call(&sim, "CreateRouteTable", json!({"VpcId": a})).unwrap()["RouteTable"]["RouteTableId"].clone();
    let route = json!({"RouteTableId": table, "DestinationCidrBlock": "10.1.0.0/16", "VpcPeeringConnectionId": id});
    call(&sim, "CreateRoute", route).unwrap();
    let state = || {
        let listed = call(&sim, "DescribeRouteTables", json!({"RouteTableIds": [table]})).unwrap();
        listed["RouteTables"][0]["Routes"][1]["State"].as_str().unwrap().to_owned()
    };
    let named = json!({"VpcPeeringConnectionId": id});
    let before = state();
    call(&sim, "AcceptVpcPeeringConnection", named.clone()).unwrap();
    let accepted = state();
    call(&sim, "DeleteVpcPeeringConnection", named).unwrap();
    assert_eq!([before, accepted, state()], ["blackhole", "active", "blackhole"]);
}

#[test]
fn worlds_that_lie_side_by_side_are_kept_in_files_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.json");
    let id = {
        let ours = Sim::load(&path, "us-east-1").unwrap();
        let theirs = ours.beside(OTHER, "eu-west-1").unwrap();
        let (a, b) = (vpc(&ours, "10.0.0.0/16"), vpc(&theirs, "10.1.0.0/16"));
        request(&ours, json!({"VpcId": a, "PeerVpcId": b, "PeerOwnerId": OTHER, "PeerRegion": "eu-west-1"}))
    };
    let ours = Sim::load(&path, "us-east-1").unwrap();
    let theirs = ours.beside(OTHER, "eu-west-1").unwrap();
    assert_eq!([status(&ours, &id), status(&theirs, &id)], ["pending-acceptance", "pending-acceptance"]);
    assert!(folder.path().join("world.222222222222.eu-west-1.json").exists());
}
