//! Peerings of transit gateways, between two worlds.

use super::*;

const OTHER: &str = "222222222222";

fn call(sim: &Sim, action: &str, params: Json) -> Result<Json, ApiError> {
    sim.call(&Request::new(action, params))
}

fn code(sim: &Sim, action: &str, params: Json) -> String {
    call(sim, action, params).map_or_else(|error| error.code, |_| "done".into())
}

fn gateway(sim: &Sim) -> String {
    let made = call(sim, "CreateTransitGateway", json!({})).unwrap();
    call(sim, "DescribeTransitGateways", json!({})).unwrap();
    made["TransitGateway"]["TransitGatewayId"].as_str().unwrap().to_owned()
}

fn state(sim: &Sim, id: &str) -> String {
    let listed = call(sim, "DescribeTransitGatewayPeeringAttachments", json!({"TransitGatewayAttachmentIds": [id]})).unwrap();
    listed["TransitGatewayPeeringAttachments"][0]["State"].as_str().unwrap().to_owned()
}

/// The attachment's one table, as the world lists it.
fn table(sim: &Sim, id: &str) -> Json {
    let listed = call(sim, "DescribeTransitGatewayAttachments", json!({"TransitGatewayAttachmentIds": [id]})).unwrap();
    listed["TransitGatewayAttachments"][0]["Association"]["TransitGatewayRouteTableId"].clone()
}

fn request(ours: &Sim, a: &str, b: &str) -> String {
    let params = json!({"TransitGatewayId": a, "PeerTransitGatewayId": b, "PeerAccountId": OTHER, "PeerRegion": "eu-west-1"});
    let made = call(ours, "CreateTransitGatewayPeeringAttachment", params).unwrap();
    assert_eq!(made["TransitGatewayPeeringAttachment"]["State"], "initiatingRequest");
    made["TransitGatewayPeeringAttachment"]["TransitGatewayAttachmentId"].as_str().unwrap().to_owned()
}

#[test]
fn each_side_does_what_is_its_own() {
    let ours = Sim::new("us-east-1");
    let theirs = ours.beside(OTHER, "eu-west-1").unwrap();
    let (a, b) = (gateway(&ours), gateway(&theirs));
    let id = request(&ours, &a, &b);
    let named = json!({"TransitGatewayAttachmentId": id});
    assert_eq!([state(&ours, &id), state(&theirs, &id)], ["pendingAcceptance", "pendingAcceptance"]);
    assert_eq!(code(&ours, "AcceptTransitGatewayPeeringAttachment", named.clone()), "InvalidParameterValue");
    let again = json!({"TransitGatewayId": a, "PeerTransitGatewayId": b, "PeerAccountId": OTHER, "PeerRegion": "eu-west-1"});
    assert_eq!(code(&ours, "CreateTransitGatewayPeeringAttachment", again), "DuplicateTransitGatewayAttachment");
    call(&theirs, "AcceptTransitGatewayPeeringAttachment", named.clone()).unwrap();
    assert_eq!([state(&ours, &id), state(&theirs, &id)], ["available", "available"]);
    assert_eq!(code(&theirs, "AcceptTransitGatewayPeeringAttachment", named.clone()), "IncorrectState");
    for sim in [&ours, &theirs] {
        let of = |more: Json| {
            let mut params = json!({"TransitGatewayRouteTableId": table(sim, &id), "TransitGatewayAttachmentId": id});
            params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            params
        };
        assert!(table(sim, &id).is_string(), "it follows the default table");
        assert_eq!(code(sim, "EnableTransitGatewayRouteTablePropagation", of(json!({}))), "InvalidParameterValue");
        assert_eq!(code(sim, "CreateTransitGatewayRoute", of(json!({"DestinationCidrBlock": "10.1.0.0/16"}))), "done");
    }
    // An attachment holds its gateway; the owner of either side deletes it.
    assert_eq!(code(&theirs, "DeleteTransitGateway", json!({"TransitGatewayId": b})), "IncorrectState");
    call(&theirs, "DeleteTransitGatewayPeeringAttachment", named).unwrap();
    assert_eq!([state(&ours, &id), state(&theirs, &id)], ["deleted", "deleted"]);
    assert!(table(&ours, &id).is_null());
    assert_eq!(code(&ours, "DeleteTransitGateway", json!({"TransitGatewayId": a})), "done");
}

#[test]
fn a_request_is_rejected_or_finds_nobody() {
    let ours = Sim::new("us-east-1");
    let theirs = ours.beside(OTHER, "eu-west-1").unwrap();
    let (a, b) = (gateway(&ours), gateway(&theirs));
    let id = request(&ours, &a, &b);
    call(&theirs, "RejectTransitGatewayPeeringAttachment", json!({"TransitGatewayAttachmentId": id})).unwrap();
    assert_eq!([state(&ours, &id), state(&theirs, &id)], ["rejected", "rejected"]);
    let lost = request(&ours, &a, "tgw-0123456789abcdef0");
    assert_eq!(state(&ours, &lost), "failed");
    let near = json!({"TransitGatewayId": a, "PeerTransitGatewayId": b, "PeerAccountId": OTHER, "PeerRegion": "us-east-1"});
    assert_eq!(code(&ours, "CreateTransitGatewayPeeringAttachment", near), "UnsupportedOperation");
}
