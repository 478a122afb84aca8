//! EC2 Instance Connect endpoints: the way to a private instance for whom IAM lets through. Layer 8.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    call::Json,
    sim::{
        Actions,
        page::{Listing, describe},
        params::Params,
        refuse::{Outcome, missing, no_such, refuse},
        tag::at_creation,
        world::{ACCOUNT, Due, World, find, find_mut},
    },
};

pub(crate) const ACTIONS: Actions = &[
    ("CreateInstanceConnectEndpoint", create, "SubnetId SecurityGroupIds PreserveClientIp TagSpecifications"),
    ("ModifyInstanceConnectEndpoint", modify, "InstanceConnectEndpointId SecurityGroupIds PreserveClientIp"),
    ("DeleteInstanceConnectEndpoint", delete, "InstanceConnectEndpointId"),
    ("DescribeInstanceConnectEndpoints", describe_endpoints, "InstanceConnectEndpointIds Filters"),
];

/// An endpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ConnectEndpoint {
    pub(crate) vpc: String,
    subnet: String,
    interface: String,
    groups: Vec<String>,
    preserve_client_ip: bool,
    state: String,
    created: u64,
}

impl ConnectEndpoint {
    fn is_up(&self) -> bool {
        !self.state.starts_with("delete")
    }
}

fn create(world: &mut World, p: Params<'_>) -> Outcome {
    let subnet = p.need("SubnetId")?;
    let vpc = find(&world.subnets, "subnet", subnet)?.vpc.clone();
    let groups = world.groups_for(&vpc, &p.texts("SecurityGroupIds"), "InvalidParameter")?;
    let tags = at_creation(p, "instance-connect-endpoint", &["instance-connect-endpoint"])?;
    // One in each VPC (docs.aws.amazon.com/AWSEC2/latest/UserGuide/eice-quotas.html).
    if world.connect_endpoints.values().any(|e| e.vpc == vpc && e.is_up()) {
        let message = format!("The maximum number of EC2 Instance Connect Endpoints in the VPC {vpc} has been reached.");
        return Err(refuse("InstanceConnectEndpointLimitExceeded", message));
    }
    let ip = world.take_address(subnet, None)?;
    let id = world.id("eice");
    let interface = world.add_interface(subnet, ip, groups.clone(), &format!("EC2 Instance Connect Endpoint Interface {id}"))?;
    find_mut(&mut world.interfaces, "eni", &interface)?.kept_as = Some("ec2_instance_connect_endpoint".into());
    let (subnet, created) = (subnet.to_owned(), world.now);
    let preserve_client_ip = p.flag("PreserveClientIp").unwrap_or(false);
    let state = "create-in-progress".to_owned();
    let endpoint = ConnectEndpoint { vpc, subnet, interface, groups, preserve_client_ip, state, created };
    world.connect_endpoints.insert(id.clone(), endpoint);
    world.tag(&id, tags);
    world.schedule(world.pace.endpoint_available, Due::ConnectEndpoint(id.clone()));
    let mut answer = json!({"InstanceConnectEndpoint": show(world, &id)});
    if let Some(map) = answer.as_object_mut() {
        map.extend(p.get("ClientToken").map(|token| ("ClientToken".to_owned(), token.clone())));
    }
    Ok(answer)
}

pub(crate) fn settle(world: &mut World, id: &str) {
    let Some(endpoint) = world.connect_endpoints.get_mut(id).filter(|e| e.state.ends_with("-in-progress")) else { return };
    endpoint.state = endpoint.state.replace("in-progress", "complete");
    if endpoint.state == "delete-complete" {
        let interface = endpoint.interface.clone();
        world.remove_interface(&interface);
        world.schedule(world.pace.linger, Due::Vanish(id.into()));
    }
}

fn modify(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("InstanceConnectEndpointId")?;
    let endpoint = find(&world.connect_endpoints, "eice", id)?;
    if endpoint.state.ends_with("-in-progress") {
        return Err(refuse("IncorrectState", format!("The endpoint {id} is in the state {}.", endpoint.state)));
    }
    if !endpoint.is_up() {
        return Err(no_such("eice", id));
    }
    if !p.has("SecurityGroupIds") && !p.has("PreserveClientIp") {
        return Err(missing("securityGroupIds or preserveClientIp"));
    }
    let groups = match p.texts("SecurityGroupIds") {
        asked if asked.is_empty() => endpoint.groups.clone(),
        asked => world.groups_for(&endpoint.vpc, &asked, "InvalidParameter")?,
    };
    let endpoint = find_mut(&mut world.connect_endpoints, "eice", id)?;
    endpoint.preserve_client_ip = p.flag("PreserveClientIp").unwrap_or(endpoint.preserve_client_ip);
    endpoint.groups.clone_from(&groups);
    endpoint.state = "update-in-progress".into();
    let interface = endpoint.interface.clone();
    find_mut(&mut world.interfaces, "eni", &interface)?.groups = groups;
    world.schedule(world.pace.endpoint_available, Due::ConnectEndpoint(id.into()));
    Ok(json!({"Return": true}))
}

fn delete(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("InstanceConnectEndpointId")?;
    let endpoint = find_mut(&mut world.connect_endpoints, "eice", id)?;
    if endpoint.state == "delete-complete" {
        return Err(no_such("eice", id));
    }
    if endpoint.is_up() {
        endpoint.state = "delete-in-progress".into();
        world.schedule(world.pace.endpoint_deleted, Due::ConnectEndpoint(id.into()));
    }
    Ok(json!({"InstanceConnectEndpoint": show(world, id)}))
}

fn show(world: &World, id: &str) -> Option<Json> {
    let endpoint = world.connect_endpoints.get(id)?;
    let zone = world.subnets.get(&endpoint.subnet).map(|s| s.zone.clone()).unwrap_or_default();
    Some(json!({
        "InstanceConnectEndpointId": id,
        "InstanceConnectEndpointArn": world.arn("instance-connect-endpoint", id),
        "OwnerId": ACCOUNT,
        "State": endpoint.state,
        "StateMessage": "",
        "DnsName": format!("{id}.{}.ec2-instance-connect-endpoint.{}.amazonaws.com", "0a1b2c3d", world.region),
        "NetworkInterfaceIds": [endpoint.interface],
        "VpcId": endpoint.vpc,
        "SubnetId": endpoint.subnet,
        "AvailabilityZone": zone,
        "CreatedAt": World::time(endpoint.created),
        "PreserveClientIp": endpoint.preserve_client_ip,
        "SecurityGroupIds": endpoint.groups,
        "Tags": world.shown_tags(id),
    }))
}

const LISTING: Listing = Listing {
    member: "InstanceConnectEndpoints",
    ids: "InstanceConnectEndpointIds",
    prefix: "eice",
    filters: &[
        ("instance-connect-endpoint-id", "InstanceConnectEndpointId"),
        ("state", "State"),
        ("subnet-id", "SubnetId"),
        ("vpc-id", "VpcId"),
    ],
    ids_or_pages: false,
};

fn describe_endpoints(world: &mut World, p: Params<'_>) -> Outcome {
    describe(world, p, &LISTING, world.connect_endpoints.keys(), |id| show(world, id))
}
