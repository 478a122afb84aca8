//! Endpoints of AWS's services: routes in tables, or interfaces in subnets. Layer 8.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    call::{ApiError, Json},
    sim::{
        Actions,
        network_interface::show_groups,
        page::{Listing, describe, page},
        params::Params,
        refuse::{Outcome, bad, clash, missing, no_such, refuse},
        tag::at_creation,
        world::{ACCOUNT, Due, World, find, find_mut},
    },
};

pub(crate) const ACTIONS: Actions = &[
    (
        "CreateVpcEndpoint",
        create,
        "VpcId ServiceName VpcEndpointType PolicyDocument RouteTableIds SubnetIds SecurityGroupIds IpAddressType PrivateDnsEnabled TagSpecifications",
    ),
    (
        "ModifyVpcEndpoint",
        modify,
        "VpcEndpointId ResetPolicy PolicyDocument AddRouteTableIds RemoveRouteTableIds AddSubnetIds RemoveSubnetIds AddSecurityGroupIds \
         RemoveSecurityGroupIds IpAddressType PrivateDnsEnabled",
    ),
    ("DeleteVpcEndpoints", delete, "VpcEndpointIds"),
    ("DescribeVpcEndpoints", describe_endpoints, "VpcEndpointIds Filters"),
    ("DescribeVpcEndpointServices", describe_services, "ServiceNames Filters"),
];

/// Services with gateway endpoints.
const BY_ROUTE: [&str; 2] = ["dynamodb", "s3"];
/// Some of the services with interface endpoints
/// (docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html).
const BY_INTERFACE: [&str; 24] = [
    "autoscaling",
    "cloudformation",
    "dynamodb",
    "ec2",
    "ec2messages",
    "ecr.api",
    "ecr.dkr",
    "ecs",
    "elasticloadbalancing",
    "events",
    "execute-api",
    "kinesis-firehose",
    "kms",
    "lambda",
    "logs",
    "monitoring",
    "rds",
    "s3",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "ssmmessages",
    "sts",
];

/// What AWS lets everybody do by an endpoint whose policy nobody wrote.
const EVERYTHING: &str = r#"{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;

/// An endpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Endpoint {
    pub(crate) vpc: String,
    service: String,
    kind: Kind,
    state: State,
    policy: String,
    pub(crate) tables: Vec<String>,
    /// Its interface in each subnet.
    interfaces: BTreeMap<String, String>,
    groups: Vec<String>,
    private_dns: bool,
    address_type: String,
    created: u64,
}

/// What an endpoint is: routes, interfaces, or one interface that hands what is routed to it to appliances.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Kind {
    Gateway,
    Interface,
    Balancer,
}

impl Kind {
    const ALL: [Kind; 3] = [Kind::Gateway, Kind::Interface, Kind::Balancer];

    fn name(self) -> &'static str {
        match self {
            Kind::Gateway => "Gateway",
            Kind::Interface => "Interface",
            Kind::Balancer => "GatewayLoadBalancer",
        }
    }

    /// Whether there is such a service. Those behind Gateway Load Balancers are other people's, who call them by an id.
    fn offers(self, service: &str, region: &str) -> bool {
        match self {
            Kind::Gateway => short(service, region).is_some_and(|short| BY_ROUTE.contains(&short)),
            Kind::Interface => short(service, region).is_some_and(|short| BY_INTERFACE.contains(&short)),
            Kind::Balancer => {
                let id = service.strip_prefix("com.amazonaws.vpce.").and_then(|rest| rest.strip_prefix(region)?.strip_prefix(".vpce-svc-"));
                id.is_some_and(|id| !id.is_empty() && id.chars().all(|c| c.is_ascii_hexdigit()))
            }
        }
    }

    /// Parameters of CreateVpcEndpoint that are for the others.
    fn takes_no(self) -> &'static [&'static str] {
        match self {
            Kind::Gateway => &["SubnetIds", "SecurityGroupIds"],
            Kind::Interface => &["RouteTableIds"],
            Kind::Balancer => &["RouteTableIds", "SecurityGroupIds", "PolicyDocument"],
        }
    }

    /// Parameters of ModifyVpcEndpoint that are for the others.
    fn changes_no(self) -> &'static [&'static str] {
        match self {
            Kind::Gateway => {
                &["AddSubnetIds", "RemoveSubnetIds", "AddSecurityGroupIds", "RemoveSecurityGroupIds", "IpAddressType", "PrivateDnsEnabled"]
            }
            Kind::Interface => &["AddRouteTableIds", "RemoveRouteTableIds"],
            Kind::Balancer => &[
                "AddRouteTableIds",
                "RemoveRouteTableIds",
                "AddSubnetIds",
                "RemoveSubnetIds",
                "AddSecurityGroupIds",
                "RemoveSecurityGroupIds",
                "PolicyDocument",
                "ResetPolicy",
                "PrivateDnsEnabled",
            ],
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum State {
    Pending,
    Available,
    Deleting,
    Deleted,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::Available => "available",
            State::Deleting => "deleting",
            State::Deleted => "deleted",
        }
    }
}

impl Endpoint {
    fn is_up(&self) -> bool {
        matches!(self.state, State::Pending | State::Available)
    }

    /// Whether it holds its VPC.
    pub(crate) fn is_there(&self) -> bool {
        self.state != State::Deleted
    }

    /// Whether routes may lead to it.
    pub(crate) fn is_target(&self) -> bool {
        self.kind == Kind::Balancer && self.is_up()
    }

    /// `s3` of `com.amazonaws.eu-central-1.s3`
    fn short(&self, region: &str) -> &str {
        short(&self.service, region).unwrap_or_default()
    }
}

fn short<'a>(service: &'a str, region: &str) -> Option<&'a str> {
    service.strip_prefix("com.amazonaws.")?.strip_prefix(region)?.strip_prefix('.')
}

/// The routes that gateway endpoints put into a table: prefix list and endpoint.
pub(crate) fn routes_in<'w>(world: &'w World, table: &'w str) -> impl Iterator<Item = (String, &'w String)> {
    let leads = move |endpoint: &Endpoint| endpoint.is_up() && endpoint.tables.iter().any(|t| t == table);
    world.endpoints.iter().filter(move |(_, e)| leads(e)).filter_map(|(id, e)| Some((world.list_of_service(e.short(&world.region))?, id)))
}

fn create(world: &mut World, p: Params<'_>) -> Outcome {
    let (vpc, service) = (p.need("VpcId")?, p.need("ServiceName")?);
    find(&world.vpcs, "vpc", vpc)?;
    let asked = p.text("VpcEndpointType").unwrap_or("Gateway");
    let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.name() == asked) else {
        return Err(refuse("UnsupportedOperation", format!("The sandbox has no endpoints of the type {asked}.")));
    };
    if !kind.offers(service, &world.region) {
        return Err(refuse("InvalidServiceName", format!("The Vpc Endpoint Service '{service}' does not exist")));
    }
    if let Some(name) = kind.takes_no().iter().find(|name| !p.list(name).is_empty() || p.text(name).is_some()) {
        return Err(refuse("InvalidParameter", format!("{name} is not supported for this type of endpoint.")));
    }
    let policy = p.text("PolicyDocument").map_or(Ok(EVERYTHING.to_owned()), document)?;
    let private_dns = kind == Kind::Interface && p.flag("PrivateDnsEnabled").unwrap_or(true);
    if kind != Kind::Interface && p.flag("PrivateDnsEnabled") == Some(true) {
        return Err(refuse("InvalidParameter", "Private DNS cannot be set for this type of endpoint."));
    }
    check_private_dns(world, vpc, service, private_dns)?;
    let tags = at_creation(p, "vpc-endpoint", &["vpc-endpoint"])?;
    let tables = owned(p.texts("RouteTableIds"));
    check_tables(world, vpc, service, &tables)?;
    let asked = p.texts("SecurityGroupIds");
    let groups = if kind == Kind::Interface { world.groups_for(vpc, &asked, "InvalidParameter")? } else { vec![] };
    let subnets = owned(p.texts("SubnetIds"));
    if kind == Kind::Balancer && subnets.len() != 1 {
        return Err(refuse("InvalidParameter", "An endpoint of the type GatewayLoadBalancer has exactly one subnet."));
    }
    check_subnets(world, vpc, &[], &subnets)?;
    if world.endpoints.values().filter(|e| e.is_up() && e.kind == kind).count() >= world.quotas.endpoints {
        return Err(refuse("VpcEndpointLimitExceeded", "The maximum number of VPC endpoints has been reached."));
    }
    let id = world.id("vpce");
    let state = if kind == Kind::Gateway { State::Available } else { State::Pending };
    let address_type = p.text("IpAddressType").unwrap_or("ipv4").to_owned();
    let (vpc, service, created) = (vpc.to_owned(), service.to_owned(), world.now);
    let interfaces = BTreeMap::new();
    let endpoint = Endpoint { vpc, service, kind, state, policy, tables, interfaces, groups, private_dns, address_type, created };
    world.endpoints.insert(id.clone(), endpoint);
    world.tag(&id, tags);
    add_interfaces(world, &id, &subnets)?;
    world.schedule(world.pace.endpoint_available, Due::Endpoint(id.clone()));
    let mut answer = json!({"VpcEndpoint": show(world, &id)});
    if let Some(map) = answer.as_object_mut() {
        map.extend(p.get("ClientToken").map(|token| ("ClientToken".to_owned(), token.clone())));
    }
    Ok(answer)
}

fn owned(texts: Vec<&str>) -> Vec<String> {
    texts.into_iter().map(str::to_owned).collect()
}

fn document(text: &str) -> Result<String, ApiError> {
    match serde_json::from_str::<Json>(text) {
        Ok(Json::Object(map)) if map.contains_key("Statement") => Ok(text.to_owned()),
        _ => Err(refuse("InvalidPolicyDocument", "The policy document is not valid JSON, or has no Statement.")),
    }
}

/// Names of its own need the VPC's two DNS attributes, and one endpoint of a service in a VPC has them.
fn check_private_dns(world: &World, vpc: &str, service: &str, wanted: bool) -> Result<(), ApiError> {
    let (support, names) = world.vpcs.get(vpc).map_or((false, false), |v| (v.dns_support, v.dns_hostnames));
    if wanted && !(support && names) {
        let message =
            format!("Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for {vpc}");
        return Err(refuse("InvalidParameter", message));
    }
    if wanted && world.endpoints.values().any(|e| e.is_up() && e.vpc == vpc && e.service == service && e.private_dns) {
        let message =
            format!("private-dns-enabled cannot be set because there is already a conflicting DNS domain for {service} in the VPC {vpc}");
        return Err(refuse("InvalidParameter", message));
    }
    Ok(())
}

/// Tables of the VPC that have no route to this service yet.
fn check_tables(world: &World, vpc: &str, service: &str, tables: &[String]) -> Result<(), ApiError> {
    for table in tables {
        if find(&world.route_tables, "rtb", table)?.vpc != vpc {
            return Err(bad(format!("The route table {table} does not belong to the VPC {vpc}")));
        }
        let list = short(service, &world.region).and_then(|service| world.list_of_service(service)).unwrap_or_default();
        if routes_in(world, table).any(|(other, _)| other == list) {
            let message = format!("route table {table} already has a route with destination-prefix-list-id {list}");
            return Err(refuse("RouteAlreadyExists", message));
        }
    }
    Ok(())
}

/// Subnets of the VPC, one a zone.
fn check_subnets(world: &World, vpc: &str, held: &[&String], subnets: &[String]) -> Result<(), ApiError> {
    let mut zones: Vec<&str> = held.iter().filter_map(|id| world.subnets.get(*id)).map(|s| s.zone.as_str()).collect();
    for id in subnets {
        let subnet = find(&world.subnets, "subnet", id)?;
        if subnet.vpc != vpc {
            return Err(refuse("InvalidParameter", format!("The subnet {id} does not belong to the VPC {vpc}")));
        }
        if zones.contains(&subnet.zone.as_str()) {
            return Err(refuse("DuplicateSubnetsInSameZone", "Found another VPC endpoint subnet in the availability zone of this one."));
        }
        zones.push(&subnet.zone);
    }
    Ok(())
}

fn add_interfaces(world: &mut World, id: &str, subnets: &[String]) -> Result<(), ApiError> {
    let Endpoint { groups, kind, .. } = find(&world.endpoints, "vpce", id)?.clone();
    let kept_as = if kind == Kind::Balancer { "gateway_load_balancer_endpoint" } else { "vpc_endpoint" };
    for subnet in subnets {
        let ip = world.take_address(subnet, None)?;
        let interface = world.add_interface(subnet, ip, groups.clone(), &format!("VPC Endpoint Interface {id}"))?;
        find_mut(&mut world.interfaces, "eni", &interface)?.kept_as = Some(kept_as.into());
        find_mut(&mut world.endpoints, "vpce", id)?.interfaces.insert(subnet.clone(), interface);
    }
    Ok(())
}

pub(crate) fn settle(world: &mut World, id: &str) {
    let Some(endpoint) = world.endpoints.get_mut(id) else { return };
    match endpoint.state {
        State::Pending => endpoint.state = State::Available,
        State::Deleting => {
            endpoint.state = State::Deleted;
            endpoint.tables.clear();
            let gone: Vec<String> = std::mem::take(&mut endpoint.interfaces).into_values().collect();
            gone.iter().for_each(|interface| world.remove_interface(interface));
            world.schedule(world.pace.linger, Due::Vanish(id.into()));
        }
        State::Available | State::Deleted => {}
    }
}

fn modify(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("VpcEndpointId")?;
    let endpoint = find(&world.endpoints, "vpce", id)?.clone();
    if !endpoint.is_up() {
        return Err(no_such("vpce", id));
    }
    if let Some(name) = endpoint.kind.changes_no().iter().find(|name| p.has(name)) {
        return Err(refuse("InvalidParameter", format!("{name} is not supported for this type of endpoint.")));
    }
    if p.flag("ResetPolicy") == Some(true) && p.has("PolicyDocument") {
        return Err(clash("The parameters resetPolicy and policyDocument cannot be used together"));
    }
    let mut new = endpoint.clone();
    if let Some(text) = p.text("PolicyDocument") {
        new.policy = document(text)?;
    } else if p.flag("ResetPolicy") == Some(true) {
        new.policy = EVERYTHING.into();
    }
    if let Some(wanted) = p.flag("PrivateDnsEnabled") {
        check_private_dns(world, &endpoint.vpc, &endpoint.service, wanted && !endpoint.private_dns)?;
        new.private_dns = wanted;
    }
    if let Some(kind) = p.text("IpAddressType") {
        new.address_type = kind.into();
    }
    let tables = owned(p.texts("AddRouteTableIds"));
    new.tables = without(&endpoint.tables, &p.texts("RemoveRouteTableIds"), "route table")?;
    check_tables(world, &endpoint.vpc, &endpoint.service, &tables)?;
    new.tables.extend(tables);
    let mut groups = without(&endpoint.groups, &p.texts("RemoveSecurityGroupIds"), "security group")?;
    groups.extend(owned(p.texts("AddSecurityGroupIds")).into_iter().filter(|group| !endpoint.groups.contains(group)));
    if groups != endpoint.groups {
        if groups.is_empty() {
            return Err(refuse("InvalidParameter", "An interface endpoint has at least one security group."));
        }
        let asked: Vec<&str> = groups.iter().map(String::as_str).collect();
        new.groups = world.groups_for(&endpoint.vpc, &asked, "InvalidParameter")?;
    }
    let (add, remove) = (owned(p.texts("AddSubnetIds")), p.texts("RemoveSubnetIds"));
    let held: Vec<String> = endpoint.interfaces.keys().cloned().collect();
    let kept = without(&held, &remove, "subnet")?;
    check_subnets(world, &endpoint.vpc, &kept.iter().collect::<Vec<_>>(), &add)?;
    let gone: Vec<String> = new.interfaces.extract_if(.., |subnet, _| !kept.contains(subnet)).map(|(_, eni)| eni).collect();
    gone.iter().for_each(|interface| world.remove_interface(interface));
    for interface in new.interfaces.values() {
        find_mut(&mut world.interfaces, "eni", interface)?.groups.clone_from(&new.groups);
    }
    if endpoint.kind == Kind::Interface && (!add.is_empty() || !remove.is_empty()) {
        new.state = State::Pending;
        world.schedule(world.pace.endpoint_available, Due::Endpoint(id.into()));
    }
    world.endpoints.insert(id.into(), new);
    add_interfaces(world, id, &add)?;
    Ok(json!({"Return": true}))
}

fn without(held: &[String], remove: &[&str], what: &str) -> Result<Vec<String>, ApiError> {
    match remove.iter().find(|id| !held.iter().any(|h| h == *id)) {
        Some(id) => Err(refuse("InvalidParameter", format!("The {what} {id} is not associated with this endpoint."))),
        None => Ok(held.iter().filter(|id| !remove.contains(&id.as_str())).cloned().collect()),
    }
}

fn delete(world: &mut World, p: Params<'_>) -> Outcome {
    let ids = p.texts("VpcEndpointIds");
    if ids.is_empty() {
        return Err(missing("vpcEndpointId"));
    }
    let mut unsuccessful = vec![];
    for id in ids {
        let Some(endpoint) = world.endpoints.get_mut(id).filter(|e| e.is_there()) else {
            let error = no_such("vpce", id);
            unsuccessful.push(json!({"ResourceId": id, "Error": {"Code": error.code, "Message": error.message}}));
            continue;
        };
        if endpoint.is_target() && world.route_tables.values().any(|table| table.leads_to_endpoint(id)) {
            let message = "Endpoint must be removed from route table before deletion";
            unsuccessful.push(json!({"ResourceId": id, "Error": {"Code": "InvalidParameter", "Message": message}}));
            continue;
        }
        if endpoint.is_up() {
            endpoint.state = State::Deleting;
            world.schedule(world.pace.endpoint_deleted, Due::Endpoint(id.into()));
        }
    }
    Ok(json!({"Unsuccessful": unsuccessful}))
}

fn show(world: &World, id: &str) -> Option<Json> {
    let endpoint = world.endpoints.get(id)?;
    let short = endpoint.short(&world.region);
    let names = match endpoint.kind {
        Kind::Gateway | Kind::Balancer => vec![],
        Kind::Interface => {
            vec![json!({"DnsName": format!("{id}.{short}.{}.vpce.amazonaws.com", world.region), "HostedZoneId": "Z7HUB22UULQXV"})]
        }
    };
    let mut shown = json!({
        "VpcEndpointId": id,
        "VpcEndpointType": endpoint.kind.name(),
        "VpcId": endpoint.vpc,
        "ServiceName": endpoint.service,
        "State": endpoint.state.name(),
        "PolicyDocument": endpoint.policy,
        "RouteTableIds": endpoint.tables,
        "SubnetIds": endpoint.interfaces.keys().collect::<Vec<_>>(),
        "Groups": show_groups(world, &endpoint.groups),
        "NetworkInterfaceIds": endpoint.interfaces.values().collect::<Vec<_>>(),
        "PrivateDnsEnabled": endpoint.private_dns,
        "RequesterManaged": false,
        "DnsEntries": names,
        "CreationTimestamp": World::time(endpoint.created),
        "OwnerId": ACCOUNT,
        "Tags": world.shown_tags(id),
    });
    if let (true, Some(map)) = (endpoint.kind != Kind::Gateway, shown.as_object_mut()) {
        map.insert("IpAddressType".into(), json!(endpoint.address_type));
    }
    if let (Kind::Balancer, Some(map)) = (endpoint.kind, shown.as_object_mut()) {
        map.remove("PolicyDocument");
    }
    Some(shown)
}

const LISTING: Listing = Listing {
    member: "VpcEndpoints",
    ids: "VpcEndpointIds",
    prefix: "vpce",
    filters: &[
        ("vpc-endpoint-id", "VpcEndpointId"),
        ("vpc-endpoint-state", "State"),
        ("vpc-endpoint-type", "VpcEndpointType"),
        ("vpc-id", "VpcId"),
        ("service-name", "ServiceName"),
        ("ip-address-type", "IpAddressType"),
    ],
    ids_or_pages: false,
};

fn describe_endpoints(world: &mut World, p: Params<'_>) -> Outcome {
    describe(world, p, &LISTING, world.endpoints.keys(), |id| show(world, id))
}

const SERVICES: Listing = Listing {
    member: "ServiceDetails",
    ids: "ServiceNames",
    prefix: "",
    filters: &[("service-name", "ServiceName"), ("service-type", "ServiceType.ServiceType"), ("owner", "Owner")],
    ids_or_pages: false,
};

fn describe_services(world: &mut World, p: Params<'_>) -> Outcome {
    let name = |short: &str| format!("com.amazonaws.{}.{short}", world.region);
    let names: Vec<String> = BY_INTERFACE.iter().map(|short| name(short)).collect();
    let show = |service: &str| {
        let short = short(service, &world.region).filter(|short| BY_INTERFACE.contains(short))?;
        let kinds = [("Gateway", &BY_ROUTE[..]), ("Interface", &BY_INTERFACE[..])];
        let kinds = kinds.iter().filter(|(_, of)| of.contains(&short)).map(|(kind, _)| json!({"ServiceType": kind}));
        Some(json!({
            "ServiceName": service,
            "ServiceType": kinds.collect::<Vec<_>>(),
            "AvailabilityZones": world.zones(),
            "Owner": "amazon",
            "BaseEndpointDnsNames": [format!("{short}.{}.vpce.amazonaws.com", world.region)],
            "PrivateDnsName": format!("{short}.{}.amazonaws.com", world.region),
            "VpcEndpointPolicySupported": true,
            "AcceptanceRequired": false,
            "ManagesVpcEndpoints": false,
            "Tags": [],
        }))
    };
    let found = crate::sim::page::select(world, p, &SERVICES, names.iter(), show)
        .map_err(|error| if error.code == "InvalidID" { refuse("InvalidServiceName", error.message) } else { error })?;
    let mut answer = page(p, SERVICES.member, found)?;
    let names: Vec<Json> = answer["ServiceDetails"].as_array().into_iter().flatten().map(|s| s["ServiceName"].clone()).collect();
    if let Some(map) = answer.as_object_mut() {
        map.insert("ServiceNames".into(), names.into());
    }
    Ok(answer)
}
