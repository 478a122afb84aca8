//! Asking for permission through the SDK: nothing is done, and what is denied is told. On the sandbox, which evaluates policies.

use std::sync::Arc;

use secnet::{
    call::{Class, Json},
    live::Live,
    sim::{Policy, Sim, handle},
};
use serde_json::json;

use super::ec2::{REGION, refused, send};

/// The SDK's way into a sandbox whose caller may do this.
fn sandbox(allowed: &Json) -> (Arc<Sim>, Live) {
    let sim = Arc::new(Sim::new(REGION));
    let statements = json!({"Statement": [{"Effect": "Allow", "Action": allowed, "Resource": "*"}]});
    sim.obey(Policy::parse(&statements.to_string()).unwrap());
    let behind = sim.clone();
    let live = Live::over(Arc::new(move |body: &str, target: Option<&str>| handle(&behind, body, target)), REGION).unwrap();
    (sim, live)
}

#[tokio::test]
async fn what_is_asked_is_not_done() {
    let (sim, ec2) = sandbox(&json!(["ec2:CreateVpc", "ec2:DescribeVpcs"]));
    let vpc = json!({"CidrBlock": "10.0.0.0/16", "DryRun": true});
    let error = refused(&ec2, "CreateVpc", vpc).await;
    assert_eq!(error.code, "DryRunOperation");
    let error = refused(&ec2, "DescribeVpcs", json!({"DryRun": true})).await;
    assert_eq!(error.code, "DryRunOperation");
    assert_eq!(send(&ec2, "DescribeVpcs", json!({})).await["Vpcs"].as_array().map(Vec::len), Some(1), "the default one alone");
    let asked: Vec<bool> = sim.log().iter().map(|request| request.params.get("DryRun") == Some(&json!(true))).collect();
    assert_eq!(asked, [true, true, false]);
}

#[tokio::test]
async fn what_is_denied_is_told() {
    let (_, ec2) = sandbox(&json!(["ec2:CreateVpc"]));
    let tags = json!([{"ResourceType": "vpc", "Tags": [{"Key": "a", "Value": "b"}]}]);
    let vpc = json!({"CidrBlock": "10.0.0.0/16", "TagSpecifications": tags, "DryRun": true});
    let error = refused(&ec2, "CreateVpc", vpc).await;
    assert_eq!((error.class, &*error.code), (Class::Denied, "UnauthorizedOperation"));
    assert!(error.message.contains("is not authorized to perform: ec2:CreateTags"), "{error}");
}
