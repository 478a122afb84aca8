//! Flow logs: what passed a VPC, a subnet or an interface is written down somewhere. Layer 8.

use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use crate::{
    call::{ApiError, Json},
    sim::{
        Actions,
        page::{Listing, describe},
        params::Params,
        refuse::{Outcome, bad, missing, no_such, refuse},
        tag::at_creation,
        world::World,
    },
};

pub(crate) const ACTIONS: Actions = &[
    (
        "CreateFlowLogs",
        create,
        "ResourceIds ResourceType TrafficType LogDestinationType LogDestination LogGroupName DeliverLogsPermissionArn \
         MaxAggregationInterval LogFormat TagSpecifications",
    ),
    ("DeleteFlowLogs", delete, "FlowLogIds"),
    ("DescribeFlowLogs", describe_logs, "FlowLogIds Filter Filters"),
];

/// The fields that are written where nothing else is asked for.
const FORMAT: &str = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} \
                      ${bytes} ${start} ${end} ${action} ${log-status}";

/// A flow log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FlowLog {
    resource: String,
    traffic: String,
    to: String,
    destination: Option<String>,
    group: Option<String>,
    role: Option<String>,
    interval: i64,
    format: String,
    created: u64,
}

/// What is asked for, whatever it is on.
fn asked(world: &World, p: Params<'_>) -> Result<FlowLog, ApiError> {
    let owned = |name: &str| p.text(name).map(str::to_owned);
    let to = p.text("LogDestinationType").unwrap_or("cloud-watch-logs").to_owned();
    let (destination, group, role) = (owned("LogDestination"), owned("LogGroupName"), owned("DeliverLogsPermissionArn"));
    match &*to {
        "cloud-watch-logs" if group.is_none() && destination.is_none() => return Err(missing("logGroupName")),
        "cloud-watch-logs" if group.is_some() && destination.is_some() => {
            return Err(refuse("InvalidParameter", "Please only provide LogGroupName or only provide LogDestination."));
        }
        "cloud-watch-logs" if role.is_none() => {
            return Err(refuse("InvalidParameter", "DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs."));
        }
        "cloud-watch-logs" => {}
        _ if destination.is_none() => return Err(refuse("InvalidParameter", "LogDestination can't be empty.")),
        _ if group.is_some() => return Err(refuse("InvalidParameter", format!("LogGroupName is not applicable for {to} delivery."))),
        "s3" if role.is_some() => {
            return Err(refuse("InvalidParameter", "DeliverLogsPermissionArn is not applicable for s3 delivery."));
        }
        _ => {}
    }
    let interval = p.int("MaxAggregationInterval").unwrap_or(600);
    if !matches!(interval, 60 | 600) {
        return Err(refuse("InvalidParameter", "Invalid Flow Log Max Aggregation Interval: it is 60 or 600 seconds."));
    }
    let traffic = p.need("TrafficType")?.to_owned();
    let format = owned("LogFormat").unwrap_or_else(|| FORMAT.into());
    Ok(FlowLog { resource: String::new(), traffic, to, destination, group, role, interval, format, created: world.now })
}

fn create(world: &mut World, p: Params<'_>) -> Outcome {
    let prefix = match p.need("ResourceType")? {
        "VPC" => "vpc",
        "Subnet" => "subnet",
        "NetworkInterface" => "eni",
        other => return Err(refuse("UnsupportedOperation", format!("The sandbox has no flow logs of a {other}."))),
    };
    let log = asked(world, p)?;
    let tags = at_creation(p, "vpc-flow-log", &["vpc-flow-log"])?;
    let (mut made, mut unsuccessful) = (vec![], vec![]);
    for resource in p.texts("ResourceIds") {
        let log = FlowLog { resource: resource.into(), ..log.clone() };
        match check(world, prefix, &log) {
            Ok(()) => {
                let id = world.id("fl");
                world.flow_logs.insert(id.clone(), log);
                world.tag(&id, tags.clone());
                made.push(id);
            }
            Err(error) => {
                unsuccessful.push(json!({"ResourceId": resource, "Error": {"Code": error.code, "Message": error.message}}));
            }
        }
    }
    let mut answer = json!({"FlowLogIds": made, "Unsuccessful": unsuccessful});
    if let Some(map) = answer.as_object_mut() {
        map.extend(p.get("ClientToken").map(|token| ("ClientToken".to_owned(), token.clone())));
    }
    Ok(answer)
}

fn check(world: &World, prefix: &str, log: &FlowLog) -> Result<(), ApiError> {
    let id = &log.resource;
    let there = match prefix {
        "vpc" => world.vpcs.contains_key(id),
        "subnet" => world.subnets.contains_key(id),
        _ => world.interfaces.contains_key(id),
    };
    if !there {
        return Err(no_such(prefix, id));
    }
    let same = |other: &FlowLog| {
        (&other.resource, &other.to, &other.destination, &other.group) == (&log.resource, &log.to, &log.destination, &log.group)
    };
    match world.flow_logs.values().any(same) {
        true => {
            Err(refuse("FlowLogAlreadyExists", "Error. There is an existing Flow Log with the same configuration and log destination."))
        }
        false => Ok(()),
    }
}

fn delete(world: &mut World, p: Params<'_>) -> Outcome {
    let ids = p.texts("FlowLogIds");
    if ids.is_empty() {
        return Err(bad("The request must name a flow log"));
    }
    let mut unsuccessful = vec![];
    for id in ids {
        if world.flow_logs.remove(id).is_none() {
            let error = no_such("fl", id);
            unsuccessful.push(json!({"ResourceId": id, "Error": {"Code": error.code, "Message": error.message}}));
        }
        world.tags.remove(id);
    }
    Ok(json!({"Unsuccessful": unsuccessful}))
}

fn show(world: &World, id: &str) -> Option<Json> {
    let log = world.flow_logs.get(id)?;
    let mut shown = Map::new();
    let Json::Object(plain) = json!({
        "FlowLogId": id,
        "FlowLogStatus": "ACTIVE",
        "ResourceId": log.resource,
        "TrafficType": log.traffic,
        "LogDestinationType": log.to,
        "LogFormat": log.format,
        "MaxAggregationInterval": log.interval,
        "CreationTime": World::time(log.created),
        "DeliverLogsStatus": "SUCCESS",
        "Tags": world.shown_tags(id),
    }) else {
        return None;
    };
    shown.extend(plain);
    for (name, value) in [("LogDestination", &log.destination), ("LogGroupName", &log.group), ("DeliverLogsPermissionArn", &log.role)] {
        shown.extend(value.as_ref().map(|value| (name.to_owned(), json!(value))));
    }
    Some(shown.into())
}

const LISTING: Listing = Listing {
    member: "FlowLogs",
    ids: "FlowLogIds",
    prefix: "fl",
    filters: &[
        ("flow-log-id", "FlowLogId"),
        ("resource-id", "ResourceId"),
        ("traffic-type", "TrafficType"),
        ("log-destination-type", "LogDestinationType"),
        ("log-group-name", "LogGroupName"),
        ("deliver-log-status", "DeliverLogsStatus"),
    ],
    ids_or_pages: false,
};

fn describe_logs(world: &mut World, p: Params<'_>) -> Outcome {
    describe(world, p, &LISTING, world.flow_logs.keys(), |id| show(world, id))
}
