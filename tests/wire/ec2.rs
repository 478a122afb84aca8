//! The server, and short ways to ask it.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use secnet::{
    call::{ApiError, Class, Driver, Json, Request},
    live::{ConnectOptions, Live},
    registry::Observed,
    resources,
};
use serde_json::json;

pub const REGION: &str = "us-east-1";

/// moto's endpoint. The server ends when our end of its standard input closes, which the end of this process does.
pub fn moto() -> &'static str {
    static SERVER: OnceLock<(Child, String)> = OnceLock::new();
    let (_, url) = SERVER.get_or_init(|| {
        let serve = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/moto/serve");
        let mut server =
            Command::new(serve).arg("--until-stdin-ends").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("moto starts");
        let mut url = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut url).unwrap();
        assert!(url.starts_with("http://127.0.0.1:"), "moto did not start: see above for why");
        (server, url.trim().to_owned())
    });
    url
}

/// An endpoint, as somebody.
pub async fn connect(endpoint: &str) -> Live {
    Live::connect(options(endpoint)).await.unwrap()
}

pub fn options(endpoint: &str) -> ConnectOptions {
    let keys = Some(("AKIAIOSFODNN7EXAMPLE".into(), "secret".into()));
    ConnectOptions { region: Some(REGION.into()), endpoint_url: Some(endpoint.into()), keys, ..ConnectOptions::default() }
}

/// The answer to an action.
pub async fn send(ec2: &Live, action: &str, params: Json) -> Json {
    ec2.send(&Request::new(action, params)).await.unwrap_or_else(|error| panic!("{action}: {error}"))
}

/// The refusal of an action.
pub async fn refused(ec2: &Live, action: &str, params: Json) -> ApiError {
    match ec2.send(&Request::new(action, params)).await {
        Ok(answer) => panic!("{action} was not refused: {answer}"),
        Err(error) => error,
    }
}

/// A member of an answer that is a text: `/Vpc/VpcId`.
pub fn text(answer: &Json, pointer: &str) -> String {
    answer.pointer(pointer).and_then(Json::as_str).unwrap_or_else(|| panic!("no text at {pointer} of {answer}")).to_owned()
}

/// `TagSpecifications` with the tags that every managed thing carries.
pub fn tags(resource_type: &str) -> Json {
    json!([{"ResourceType": resource_type, "Tags": [{"Key": "secnet:id", "Value": "1"}, {"Key": "Owner", "Value": "Ali"}]}])
}

/// A new VPC, tagged.
pub async fn vpc(ec2: &Live) -> String {
    let answer = send(ec2, "CreateVpc", json!({"CidrBlock": "10.0.0.0/16", "TagSpecifications": tags("vpc")})).await;
    text(&answer, "/Vpc/VpcId")
}

/// A new subnet of a VPC, tagged.
pub async fn subnet(ec2: &Live, vpc: &str) -> String {
    let params = json!({"VpcId": vpc, "CidrBlock": "10.0.1.0/24", "TagSpecifications": tags("subnet")});
    text(&send(ec2, "CreateSubnet", params).await, "/Subnet/SubnetId")
}

/// What a type makes of its listing's one item with this id; `None` if it is not listed or counts as gone.
pub async fn observe(ec2: &Live, kind: &str, id: &str) -> Option<Observed> {
    let spec = resources::spec(kind).unwrap();
    // moto has no filter `network-acl-id`, and refuses ids that are not there.
    let params = match kind {
        "network_acl" => json!({"NetworkAclIds": [id]}),
        _ => json!({"Filters": [{"Name": spec.listing.filter, "Values": [id]}]}),
    };
    let answer = match ec2.send(&Request::new(spec.listing.action, params)).await {
        Err(error) if error.class == Class::NotFound => return None,
        answer => answer.unwrap_or_else(|error| panic!("{}: {error}", spec.listing.action)),
    };
    let mut items = vec![&answer];
    for key in spec.listing.items {
        items = items.into_iter().filter_map(|at| at.get(key)).flat_map(|at| at.as_array().unwrap()).collect();
    }
    assert!(items.len() <= 1, "{items:?}");
    items.first().and_then(|item| (spec.observe)(item))
}

/// The attributes of an observed thing, as one writes them.
pub fn shown(observed: &Observed) -> Vec<String> {
    observed.record.iter().map(|(name, value)| format!("{name} = {value}")).collect()
}

/// The parts of an observed thing, as one writes them.
pub fn shown_parts(kind: &str, observed: &Observed) -> Vec<String> {
    let spec = resources::spec(kind).unwrap();
    observed.parts.iter().map(|(name, record)| (spec.part(name).unwrap().show)(record)).collect()
}
