//! A route table, its routes and associations.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRouteTable.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html>,
//! <https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html>

use std::sync::Arc;

use crate::{
    base::{
        address::Address,
        cidr::{Cidr, Family},
        codes::{endpoint as endpoint_codes, network, space},
        diagnostic::Sink,
        span::Span,
    },
    call::{Arg, Call, Json},
    declared,
    net::{self, Destination, Net, Target, desired::{self, Desired}},
    registry::{Batch, Listing, Observed, PartSpec, Removal, ResourceType, SentenceSpec, Slot, quota::{Per, Quota}},
    resource,
    resources::{
        internet_gateway::InternetGateway,
        part::{arg, each, filter, show_value},
        placement::{self, ForeignRules},
        read::{Reader, list, text},
        subnet::Subnet,
        vpc::Vpc,
        vpc_endpoint,
        vpn_gateway::VpnGateway,
    },
    schema::{
        attr::{Kind, Ref, Set, Val, Word},
        model::{Model, Part, Resource},
        value::{Record, Value},
    },
};

resource! {
    /// Says for the subnets that it names which way packets leave them.
    ///
    /// It owns its whole set of routes and associations, and says which virtual private gateways may add routes. What AWS
    /// itself puts there is never touched: the `local` routes, the routes of those gateways, routes of gateway endpoints.
    /// A subnet that no table names follows the VPC's main table, which secnet leaves alone.
    RouteTable = "route_table" {
        /// The VPC whose subnets it may be used for.
        vpc: Ref<Vpc>, Replace;
        /// The subnets that follow it; a subnet follows one table only.
        subnets: Set<Ref<Subnet>> = Value::List(vec![]), Parts;
        /// The internet gateway whose packets into the VPC follow it: to the subnets' own machines, or by an appliance where a route
        /// for the whole range of a subnet leads to its interface or instance, or to a Gateway Load Balancer's endpoint. EC2 takes no other routes in such a table. A gateway
        /// follows one table only; without one its packets go straight to where they are for.
        internet_gateway: Option<Ref<InternetGateway>>, Parts;
        /// The virtual private gateway whose packets into the VPC follow it, under the same terms.
        vpn_gateway: Option<Ref<VpnGateway>>, Parts;
        /// Virtual private gateways of the VPC that put routes for what lies behind them into the table by themselves. Which
        /// they will be EC2 tells only once they are there: until then nothing is proved of what leaves the VPC by this table.
        /// A route that is written holds before one for the same network that comes by itself.
        propagating_vpn_gateways: Set<Ref<VpnGateway>> = Value::List(vec![]), Parts;
        /// What becomes of the routes that others have added: `revoke` shows them in the plan and removes them, `keep` leaves
        /// them, says so, and proves with them. Where nobody has read which there are, nothing is proved of the VPC.
        foreign_rules: Val<Word<ForeignRules>> = Value::text("revoke"), Ours;
        /// Its id.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

/// What a route may lead to, and the parameter of CreateRoute that takes its id.
const TARGETS: [(&str, &str); 9] = [
    ("internet_gateway", "GatewayId"),
    ("egress_only_internet_gateway", "EgressOnlyInternetGatewayId"),
    ("nat_gateway", "NatGatewayId"),
    ("network_interface", "NetworkInterfaceId"),
    ("instance", "NetworkInterfaceId"),
    ("transit_gateway", "TransitGatewayId"),
    ("vpc_peering", "VpcPeeringConnectionId"),
    ("vpn_gateway", "GatewayId"),
    ("vpc_endpoint", "VpcEndpointId"),
];

/// Of every table, those that AWS gives among them.
pub(super) const ROUTES: Quota = Quota::new("Routes per route table", "L-93826ACB", 500, Per::PartByFamily("route", "destination")).up_to(1000).besides(1);

/// What makes a gateway follow it.
const OF_EDGE: [&str; 2] = ["internet_gateway", "vpn_gateway"];

impl ResourceType for RouteTable {
    declared!();

    const EXAMPLE: &'static str = r#"# What leaves the private subnet for the internet goes by way of a NAT gateway.
route_table private {
  vpc     = vpc.main
  subnets = [subnet.private]
  route anywhere via nat_gateway.main
}
"#;

    const ID_PREFIX: &'static str = "rtb-";
    const TAG_TYPE: Option<&'static str> = Some("route-table");
    const QUOTAS: &'static [Quota] = &[Quota::new("Route tables per VPC", "L-589F43AA", 200, Per::Attribute(&["vpc"])).besides(1), ROUTES];
    const CREATED_ID: &'static [&'static str] = &["RouteTable", "RouteTableId"];
    // The one listing whose pages hold at most 100.
    const FILTERS: &'static [(&'static str, &'static str)] = &[("vpc", "vpc-id")];
    const LISTING: Listing = Listing::new("DescribeRouteTables", &["RouteTables"], "RouteTableId", "route-table-id", Some(100));
    const SENTENCES: &'static [SentenceSpec] = &[SentenceSpec {
        head: "route",
        slots: &[
            Slot::Peers("destinations", &["prefix_list"]),
            Slot::Word("via"),
            Slot::Target("target", &["internet_gateway", "egress_only_internet_gateway", "nat_gateway", "network_interface", "instance", "transit_gateway", "vpc_peering", "vpn_gateway", "vpc_endpoint"]),
        ],
        doc: "Sends packets for these networks to a target. Of several routes that fit, the one with the longest prefix holds.",
        example: "route anywhere via internet_gateway.main",
    }];
    const PARTS: &'static [PartSpec] = &[
        PartSpec {
            name: "route",
            doc: "Where packets for a network go; EC2 changes the target in one call.",
            key: &["destination"],
            content: &["target"],
            create: |at, routes| each(routes, |route| to_target("CreateRoute", at, route)),
            change: Some(|at, _, new| vec![to_target("ReplaceRoute", at, new)]),
            delete: |at, routes| each(routes, |route| unroute(at, route)),
            removal: Removal::WithOwner,
            create_first: false,
            essential: false,
            governs: None,
            takes_over: false,
            show: |route| format!("route {} via {}", show_value(route.get("destination")), show_value(route.get("target"))),
        },
        PartSpec {
            name: "association",
            doc: "Makes a subnet follow the table. While another table holds the subnet EC2 refuses it, so that one lets go before.",
            key: &["subnet"],
            content: &[],
            create: |at, parts| each(parts, |part| associate(at, part)),
            change: None,
            delete: |at, parts| parts.iter().enumerate().map(|(i, part)| Batch { of: vec![i], calls: disassociate(at, part) }).collect(),
            removal: Removal::First,
            create_first: false,
            essential: false,
            governs: Some("subnet"),
            takes_over: false,
            show: |part| format!("association with {}", show_value(part.get("subnet"))),
        },
        PartSpec {
            name: "edge",
            doc: "Makes what a gateway lets into the VPC follow the table. While another table holds the gateway EC2 refuses it, so that one lets go before.",
            key: &["gateway"],
            content: &[],
            create: |at, parts| each(parts, |part| associate(at, part)),
            change: None,
            delete: |at, parts| parts.iter().enumerate().map(|(i, part)| Batch { of: vec![i], calls: disassociate(at, part) }).collect(),
            removal: Removal::First,
            create_first: false,
            essential: false,
            governs: Some("gateway"),
            takes_over: false,
            show: |part| format!("association with {}", show_value(part.get("gateway"))),
        },
        PartSpec {
            name: "propagation",
            doc: "Lets a virtual private gateway put its routes into the table.",
            key: &["gateway"],
            content: &[],
            create: |at, parts| each(parts, |part| propagate("EnableVgwRoutePropagation", at, part)),
            change: None,
            delete: |at, parts| each(parts, |part| propagate("DisableVgwRoutePropagation", at, part)),
            removal: Removal::WithOwner,
            create_first: false,
            essential: false,
            governs: None,
            takes_over: false,
            show: |part| format!("propagation from {}", show_value(part.get("gateway"))),
        },
    ];
    // A gateway follows no table with a route that leads elsewhere, or with one that came by itself.
    const BARS: &'static [(&'static str, &'static [&'static str])] = &[("edge", &["route", "propagation"])];
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = aws::ACTIONS;

    fn check(model: &Model, sink: &mut Sink) {
        placement::one_holder_a_subnet(model, Self::KIND, sink);
        placement::subnets_of_same_vpc(model, Self::KIND, sink);
        placement::propagating_of_same_vpc(model, Self::KIND, sink);
        for attribute in OF_EDGE {
            placement::one_holder(model, Self::KIND, attribute, sink);
        }
        placement::managed(model, Self::KIND).for_each(|table| check_edge(table, model, sink));
    }

    fn desired_parts(&self, this: &Resource, model: &Model, sink: &mut Sink) -> Vec<Part> {
        let mut parts = routes(this, model, sink);
        parts.extend(self.subnets.0.iter().map(|subnet| association(this, &subnet.value)));
        let gateways = self.internet_gateway.iter().map(|g| ("internet_gateway", &g.value));
        let gateways = gateways.chain(self.vpn_gateway.iter().map(|g| ("vpn_gateway", &g.value)));
        parts.extend(gateways.map(|(attribute, gateway)| edge(this, attribute, gateway)));
        parts.extend(self.propagating_vpn_gateways.0.iter().map(|gateway| propagation(this, &gateway.value)));
        parts
    }

    /// EC2 takes a gateway's table only if its routes lead to whole subnets that are there.
    fn after(this: &Resource, model: &Model) -> Vec<Address> {
        let edge = ["internet_gateway", "vpn_gateway"].iter().any(|name| this.reference(name).is_some());
        let routed: Vec<&Value> = this.parts.iter().filter(|_| edge).filter_map(|part| part.record.get("destination")).collect();
        if routed.is_empty() {
            return vec![];
        }
        let subnet = |r: &&Resource| {
            let ranges = ["cidr_block", "ipv6_cidr_block"].iter().filter_map(|name| r.record.get(*name));
            r.reference("vpc") == this.reference("vpc") && ranges.into_iter().any(|range| routed.contains(&range))
        };
        model.resources.of_kind(Subnet::KIND).filter(subnet).map(|r| r.address.clone()).collect()
    }

    fn network(this: &Resource, desired: &Desired<'_>, net: &mut Net) {
        draw(this, desired, false, net);
    }

    fn create(&self, _at: &Address) -> Vec<Call> {
        vec![Call::new("CreateRouteTable", [("VpcId", self.vpc.arg())]).tagged("route-table").with_token()]
    }

    fn delete(at: &Address, _record: &Record) -> Vec<Call> {
        vec![Call::new("DeleteRouteTable", [("RouteTableId", Arg::id(at))])]
    }

    fn observe(item: &Json) -> Option<Observed> {
        let routes = list(item, &["Routes"]).iter().filter_map(observed_route).map(|route| ("route", route));
        let associations = list(item, &["Associations"]).iter().filter_map(observed_association);
        let gateways = list(item, &["PropagatingVgws"]).iter().filter_map(|gateway| text(gateway, &["GatewayId"]));
        let propagations = gateways.map(|id| ("propagation", Record::from([("gateway".into(), Value::text(id))])));
        let parts = routes.chain(associations).chain(propagations).collect();
        Reader::new(item).text("vpc", &["VpcId"]).done(&["RouteTableId"], parts)
    }
}

/// A table as the prover sees it; `main` is the one that AWS gives with a VPC.
pub(super) fn draw(this: &Resource, desired: &Desired<'_>, main: bool, net: &mut Net) {
        let Some(vpc) = desired.reference(this, "vpc") else { return };
        let mut routes = vec![];
        for part in this.parts.iter().filter(|p| p.name == "route") {
            match drawn_route(this, part, desired) {
                Some(route) => routes.push(route),
                None => net.unread(&vpc, "a VPC with a route whose destination is not known", desired::of_part(this, part)),
            }
        }
        for endpoint in desired.endpoints_of(&this.address) {
            let service = desired.value(endpoint, "service_name").and_then(Value::as_text).unwrap_or("?");
            let (destination, target) = (Destination::PrefixList(desired.list_of(service)), Target::Endpoint(desired::id(&endpoint.address)));
            routes.push(net::Route { destination, target, blackhole: false, propagated: false, origin: desired::origin(endpoint) });
        }
        for part in this.parts.iter().filter(|p| p.name == "propagation") {
            routes.extend(drawn_propagation(this, part));
            routes.extend(promised(this, part, desired));
        }
        let subnets = this.parts.iter().filter(|p| p.name == "association").filter_map(|p| desired::named(p.record.get("subnet")));
        net.route_tables.push(net::RouteTable {
            id: desired::id(&this.address),
            vpc,
            main,
            subnets: subnets.collect(),
            gateways: this.parts.iter().filter(|p| p.name == "edge").filter_map(|p| desired::named(p.record.get("gateway"))).collect(),
            propagating: this.parts.iter().filter(|p| p.name == "propagation").filter_map(|p| desired::named(p.record.get("gateway"))).collect(),
            routes,
            origin: desired::origin(this),
        });
}

/// That a subnet follows a table.
pub(super) fn association(this: &Resource, subnet: &Value) -> Part {
    Part { name: "association", record: Record::from([("subnet".into(), subnet.clone())]), span: this.span_of("subnets") }
}

/// That what a gateway lets in follows a table.
fn edge(this: &Resource, attribute: &str, gateway: &Value) -> Part {
    Part { name: "edge", record: Record::from([("gateway".into(), gateway.clone())]), span: this.span_of(attribute) }
}

/// That a gateway puts its routes into a table.
pub(super) fn propagation(this: &Resource, gateway: &Value) -> Part {
    let record = Record::from([("gateway".into(), gateway.clone())]);
    Part { name: "propagation", record, span: this.span_of("propagating_vpn_gateways") }
}

/// What a gateway will put into a table, as the prover sees it: routes for networks that nobody knows yet.
fn drawn_propagation(this: &Resource, part: &Part) -> Option<net::Route> {
    let gateway = desired::named(part.record.get("gateway"))?;
    Some(net::Route::of_unknown(gateway, desired::of_part(this, part)))
}

/// What static routes of VPNs make a gateway put into a table while a tunnel is up.
fn promised(this: &Resource, part: &Part, desired: &Desired<'_>) -> Vec<net::Route> {
    let Some(gateway) = desired::named(part.record.get("gateway")) else { return vec![] };
    let at_gateway = desired.of_kind("vpn_connection").filter(|vpn| desired.reference(vpn, "vpn_gateway").as_ref() == Some(&gateway));
    let networks = at_gateway.flat_map(|vpn| vpn.parts.iter().filter_map(|p| p.record.get("destination")));
    let to = |network: &Value| match network {
        Value::Cidr(cidr) => Some(net::Route {
            destination: Destination::Network(*cidr),
            target: Target::VpnGateway(gateway.clone()),
            blackhole: false,
            propagated: true,
            origin: desired::of_part(this, part),
        }),
        _ => None,
    };
    networks.filter_map(to).collect()
}

/// A route, as the prover sees it; `None` if its destination is not known.
fn drawn_route(this: &Resource, part: &Part, desired: &Desired<'_>) -> Option<net::Route> {
    let destination = match part.record.get("destination")? {
        Value::Cidr(cidr) => Destination::Network(*cidr),
        list @ (Value::Resource(_) | Value::Text(_)) => Destination::PrefixList(desired::named(Some(list))?),
        _ => return None,
    };
    let target = part.record.get("target");
    let to = desired::named(target)?;
    let target = match target {
        Some(Value::Resource(address) | Value::Attribute(address, _)) => match address.kind() {
            "internet_gateway" => Target::InternetGateway(to),
            "egress_only_internet_gateway" => Target::EgressOnlyGateway(to),
            "nat_gateway" => Target::NatGateway(to),
            "network_interface" => Target::Interface(to),
            "transit_gateway" => Target::TransitGateway(to),
            "vpc_peering" => Target::Peering(to),
            "vpn_gateway" => Target::VpnGateway(to),
            "vpc_endpoint" => Target::Endpoint(to),
            "instance" => Target::Interface(desired.interface_of(address)),
            _ => Target::Unmodelled(to),
        },
        // What others have written leads to things by their ids.
        _ => target_of_id(to),
    };
    let blackhole = part.record.get("blackhole") == Some(&Value::Bool(true));
    Some(net::Route { destination, target, blackhole, propagated: false, origin: desired::of_part(this, part) })
}

/// What an id stands for as a target.
fn target_of_id(id: net::Id) -> Target {
    match id.as_str().split_once('-').map(|(kind, _)| kind) {
        Some("igw") => Target::InternetGateway(id),
        Some("eigw") => Target::EgressOnlyGateway(id),
        Some("nat") => Target::NatGateway(id),
        Some("pcx") => Target::Peering(id),
        Some("tgw") => Target::TransitGateway(id),
        Some("vpce") => Target::Endpoint(id),
        Some("eni") => Target::Interface(id),
        Some("vgw") => Target::VpnGateway(id),
        _ => Target::Unmodelled(id),
    }
}

/// One route a destination. The same destination twice with the same target is one route with two origins.
pub(super) fn routes(this: &Resource, model: &Model, sink: &mut Sink) -> Vec<Part> {
    let mut parts: Vec<Part> = vec![];
    for sentence in &this.sentences {
        let Some(target) = sentence.get("target").as_resource() else { continue };
        placement::target_of_same_vpc(this, target, model, sentence.span_of("target"), sink);
        let carried = |cidr: &Cidr| carries(target.kind(), cidr.family());
        let anywhere: Vec<Cidr> = placement::anywhere(this, model).into_iter().filter(carried).collect();
        let written = sentence.get("destinations").elements();
        check_endpoint(target, written, model, (sentence.span_of("target"), sentence.span_of("destinations")), sink);
        if target.kind() == "egress_only_internet_gateway" && (anywhere.is_empty() && written.contains(&Value::Anywhere) || written.iter().any(is_v4)) {
            let named = written.iter().find(|v| **v == Value::Anywhere || is_v4(v)).map(Value::to_string).unwrap_or_default();
            sink.push(space::route_family(target, &named, sentence.span_of("destinations")));
        }
        for destination in placement::written_out(written, &anywhere) {
            check_local(this, &destination, target, model, sentence.span_of("destinations"), sink);
            let record = Record::from([("destination".into(), destination.clone()), ("target".into(), target_value(target))]);
            let part = Part { name: "route", record, span: Some(sentence.span) };
            match parts.iter().find(|p| p.record.get("destination") == part.record.get("destination")) {
                None => parts.push(part),
                Some(same) if same.record == part.record => {}
                Some(other) => sink.push(network::two_routes(&destination, sentence.span, other.span)),
            }
        }
    }
    parts
}

/// Of endpoints those of Gateway Load Balancers are targets, and not for lists.
fn check_endpoint(target: &Address, destinations: &[Value], model: &Model, at: (Span, Span), sink: &mut Sink) {
    let Some(endpoint) = model.resources.get(target).filter(|r| r.address.kind() == "vpc_endpoint") else { return };
    if vpc_endpoint::is_target(endpoint) == Some(false) {
        sink.push(endpoint_codes::no_target(target, at.0, endpoint.span));
    } else if let Some(list) = destinations.iter().find_map(Value::as_resource) {
        sink.push(endpoint_codes::no_list_to_target(target, list.as_str(), at.1));
    }
}

/// Whether a target passes packets of a family on. A NAT gateway takes IPv6 only where it is to become IPv4, which `anywhere`
/// does not say.
fn carries(target: &str, family: Family) -> bool {
    match target {
        "egress_only_internet_gateway" => family == Family::V6,
        "nat_gateway" => family == Family::V4,
        _ => true,
    }
}

fn is_v4(destination: &Value) -> bool {
    matches!(destination, Value::Cidr(cidr) if cidr.family() == Family::V4)
}

/// Addresses of the VPC itself follow its local route, but for whole subnets that an appliance stands before.
fn check_local(this: &Resource, destination: &Value, target: &Address, model: &Model, at: Span, sink: &mut Sink) {
    let vpc = this.reference("vpc").and_then(|vpc| model.resources.get(vpc)).filter(|vpc| !vpc.existing);
    let (Value::Cidr(destination), Some(vpc)) = (destination, vpc) else { return };
    let networks = placement::networks(vpc);
    let Some(whole) = networks.iter().find(|whole| whole.contains(*destination)) else { return };
    let range = Some(&Value::Cidr(*destination));
    let subnet = || placement::managed(model, "subnet").any(|s| s.reference("vpc") == Some(&vpc.address) && s.record.get("cidr_block") == range);
    if target.kind() == "internet_gateway" || destination == whole || !subnet() {
        sink.push(network::local_route(*destination, at, (&vpc.address, *whole, vpc.span_of("cidr_block"))));
    }
}

/// A gateway of the table's VPC follows it, and it holds nothing but routes for whole subnets to appliances.
fn check_edge(table: &Resource, model: &Model, sink: &mut Sink) {
    let named = |attribute: &&str| table.reference(attribute).is_some();
    let Some(attribute) = OF_EDGE.into_iter().find(named) else { return };
    for name in OF_EDGE {
        if let (Some(gateway), Some(at)) = (table.reference(name), table.span_of(name).or(table.span)) {
            placement::target_of_same_vpc(table, gateway, model, at, sink);
        }
    }
    let follows = table.span_of(attribute);
    if let Some(at) = table.span_of("propagating_vpn_gateways").filter(|_| table.parts.iter().any(|p| p.name == "propagation")) {
        sink.push(network::edge_route(&table.address, "routes that come by themselves", at, follows));
    }
    for sentence in &table.sentences {
        let to_appliance = sentence.get("target").as_resource().is_some_and(|t| matches!(t.kind(), "network_interface" | "instance" | "vpc_endpoint"));
        if !to_appliance {
            let what = sentence.get("target").to_string();
            sink.push(network::edge_route(&table.address, &format!("a route to `{what}`"), sentence.span_of("target"), follows));
        }
        for destination in sentence.get("destinations").elements().iter().filter(|d| !may_be_subnet(table, d, model)) {
            let what = format!("a route for `{destination}`");
            sink.push(network::edge_route(&table.address, &what, sentence.span_of("destinations"), follows));
        }
    }
}

/// Whether a destination is the whole range of a subnet, as far as the project tells.
fn may_be_subnet(table: &Resource, destination: &Value, model: &Model) -> bool {
    let vpc = table.reference("vpc").and_then(|vpc| model.resources.get(vpc));
    match destination {
        // Whether one of the project's ends there is looked at for every table.
        Value::Cidr(cidr) => vpc.is_none_or(|vpc| vpc.existing || placement::networks(vpc).iter().any(|whole| whole.contains(*cidr))),
        Value::Attribute(..) | Value::Subnet(..) => true,
        _ => false,
    }
}

/// A route via an instance goes to its primary interface, and that is what EC2 lists.
fn target_value(target: &Address) -> Value {
    match target.kind() {
        "instance" => Value::Attribute(target.clone(), "network_interface_id".into()),
        _ => Value::Resource(target.clone()),
    }
}

fn to_target(action: &str, at: &Address, route: &Record) -> Call {
    let target = route.get("target").unwrap_or(&Value::Null);
    let parameter = match target {
        Value::Resource(address) | Value::Attribute(address, _) => TARGETS.iter().find(|(kind, _)| *kind == address.kind()).map(|(_, p)| *p),
        Value::Text(id) => OBSERVED_TARGETS.iter().find(|(_, _, prefix)| id.starts_with(prefix)).map(|(_, parameter, _)| *parameter),
        _ => None,
    };
    let [table, destination] = which(at, route);
    Call::new(action, [table, destination, (parameter.unwrap_or("GatewayId"), target.into())])
}

fn unroute(at: &Address, route: &Record) -> Call {
    Call::new("DeleteRoute", which(at, route)).satisfied_by(&["InvalidRoute.NotFound"])
}

fn which(at: &Address, route: &Record) -> [(&'static str, Arg); 2] {
    let parameter = match route.get("destination") {
        Some(Value::Cidr(cidr)) if cidr.family() == Family::V6 => "DestinationIpv6CidrBlock",
        Some(Value::Text(_) | Value::Resource(_)) => "DestinationPrefixListId",
        _ => "DestinationCidrBlock",
    };
    [("RouteTableId", Arg::id(at)), (parameter, arg(route, "destination"))]
}

fn associate(at: &Address, part: &Record) -> Call {
    let (parameter, member) = associated(part);
    Call::new("AssociateRouteTable", [("RouteTableId", Arg::id(at)), (parameter, arg(part, member))])
}

/// What an association is with: EC2's parameter, and the member of its record.
fn associated(part: &Record) -> (&'static str, &'static str) {
    if part.contains_key("gateway") { ("GatewayId", "gateway") } else { ("SubnetId", "subnet") }
}

fn propagate(action: &str, at: &Address, part: &Record) -> Call {
    Call::new(action, [("RouteTableId", Arg::id(at)), ("GatewayId", arg(part, "gateway"))])
}

/// By the association's id, which was observed with it; else it is looked up first.
fn disassociate(at: &Address, part: &Record) -> Vec<Call> {
    let gone = ["InvalidAssociationID.NotFound"];
    let call = |id| Call::new("DisassociateRouteTable", [("AssociationId", id)]).satisfied_by(&gone);
    if part.contains_key("association_id") {
        return vec![call(arg(part, "association_id"))];
    }
    let (parameter, member) = associated(part);
    let id = Arg::find(0, &["RouteTables", "Associations"], parameter, arg(part, member), "RouteTableAssociationId");
    let filters = Arg::List(vec![filter("route-table-id", vec![Arg::id(at)])]);
    vec![Call::new("DescribeRouteTables", [("Filters", filters)]), call(id)]
}

/// Where a listed route may lead: member, parameter of CreateRoute, prefix of its ids. A route to an instance names its
/// interface too, which is looked at first.
const OBSERVED_TARGETS: [(&str, &str, &str); 11] = [
    ("NetworkInterfaceId", "NetworkInterfaceId", "eni-"),
    ("InstanceId", "InstanceId", "i-"),
    ("NatGatewayId", "NatGatewayId", "nat-"),
    ("EgressOnlyInternetGatewayId", "EgressOnlyInternetGatewayId", "eigw-"),
    ("TransitGatewayId", "TransitGatewayId", "tgw-"),
    ("VpcPeeringConnectionId", "VpcPeeringConnectionId", "pcx-"),
    ("LocalGatewayId", "LocalGatewayId", "lgw-"),
    ("CarrierGatewayId", "CarrierGatewayId", "cagw-"),
    ("CoreNetworkArn", "CoreNetworkArn", "arn:"),
    // What leads to an endpoint EC2 tells as it tells what leads to a gateway.
    ("GatewayId", "VpcEndpointId", "vpce-"),
    ("GatewayId", "GatewayId", ""),
];

/// A route that somebody wrote: not one of those that AWS puts there by itself.
fn observed_route(route: &Json) -> Option<Record> {
    let prefix_list = text(route, &["DestinationPrefixListId"]);
    let endpoint = prefix_list.is_some() && text(route, &["GatewayId"]).is_some_and(|id| id.starts_with("vpce-"));
    let origin = text(route, &["Origin"]);
    let local = text(route, &["GatewayId"]) == Some("local");
    if local || endpoint || matches!(origin, Some("CreateRouteTable" | "EnableVgwRoutePropagation")) {
        return None;
    }
    let network = text(route, &["DestinationCidrBlock"]).or(text(route, &["DestinationIpv6CidrBlock"]));
    let destination = match network {
        Some(network) => Value::Cidr(network.parse().ok()?),
        None => Value::text(prefix_list?),
    };
    let target = OBSERVED_TARGETS.iter().find_map(|(member, _, _)| text(route, &[member]))?;
    let mut record = Record::from([("destination".into(), destination), ("target".into(), Value::text(target))]);
    // No content: it tells that the route goes before the instance.
    record.extend((text(route, &["State"]) == Some("blackhole")).then(|| ("blackhole".into(), Value::Bool(true))));
    record.extend(text(route, &["InstanceId"]).map(|instance| ("instance".into(), Value::text(instance))));
    Some(record)
}

/// An association with a subnet or a gateway: not that of the main table.
fn observed_association(association: &Json) -> Option<(&'static str, Record)> {
    if matches!(text(association, &["AssociationState", "State"]), Some("disassociated" | "failed")) {
        return None;
    }
    let subnet = text(association, &["SubnetId"]).map(|id| ("association", "subnet", id));
    let (part, member, of) = subnet.or_else(|| Some(("edge", "gateway", text(association, &["GatewayId"])?)))?;
    let id = text(association, &["RouteTableAssociationId"])?;
    Some((part, Record::from([(member.into(), Value::text(of)), ("association_id".into(), Value::text(id))])))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::sample::{complaints, judged, list, net, network, reference, resource, shown};

    fn table() -> Resource {
        resource("route_table.app", &[("vpc", reference("vpc.main")), ("subnets", list([reference("subnet.app")]))])
    }

    fn gateway() -> Resource {
        resource("internet_gateway.main", &[("vpc", reference("vpc.main"))])
    }

    fn via(table: Resource, destinations: &[Value], target: &str) -> Resource {
        table.says("route", &[("destinations", list(destinations.iter().cloned())), ("target", reference(target))])
    }

    #[test]
    fn a_sentence_makes_a_route_for_each_network() {
        let nat = resource("instance.nat", &[("subnet", reference("subnet.app"))]);
        let table = via(via(table(), &[Value::Anywhere], "internet_gateway.main"), &[net("192.168.0.0/16")], "instance.nat");
        let (parts, _) = judged(&network([gateway(), nat, table.clone()]), "route_table.app");
        let call = |i: usize| (RouteTable::PARTS[0].create)(&table.address, &[&parts[i].record]).remove(0).calls.remove(0);
        assert_eq!(call(0).params["GatewayId"], Arg::id(&Address::new("internet_gateway", "main")));
        assert_eq!(call(0).params["DestinationCidrBlock"], Arg::text("0.0.0.0/0"));
        assert_eq!(call(1).params["NetworkInterfaceId"], Arg::Of(Address::new("instance", "nat"), "network_interface_id".into()));
        let expected = ["route 0.0.0.0/0 via internet_gateway.main", "route 192.168.0.0/16 via instance.nat", "association with subnet.app"];
        assert_eq!(shown(&network([gateway(), table]), "route_table.app"), expected);
    }

    #[test]
    fn routes_that_aws_puts_there_are_not_listed() {
        let item = json!({
            "RouteTableId": "rtb-1", "VpcId": "vpc-1",
            "Routes": [
                {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "Origin": "CreateRouteTable", "State": "active"},
                {"DestinationCidrBlock": "172.16.0.0/12", "GatewayId": "vgw-1", "Origin": "EnableVgwRoutePropagation"},
                {"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-1", "Origin": "CreateRoute"},
                {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "Origin": "CreateRoute"},
                {"DestinationIpv6CidrBlock": "::/0", "InstanceId": "i-1", "NetworkInterfaceId": "eni-1", "Origin": "CreateRoute"},
            ],
            "PropagatingVgws": [{"GatewayId": "vgw-1"}],
            "Associations": [
                {"Main": true, "RouteTableAssociationId": "rtbassoc-0"},
                {"Main": false, "RouteTableAssociationId": "rtbassoc-1", "SubnetId": "subnet-1", "AssociationState": {"State": "associated"}},
                {"Main": false, "RouteTableAssociationId": "rtbassoc-2", "SubnetId": "subnet-2", "AssociationState": {"State": "disassociated"}},
            ],
        });
        let parts = RouteTable::observe(&item).expect("it stands").parts;
        let show = |(name, record): &(&str, Record)| (RouteTable::PARTS.iter().find(|p| p.name == *name).expect("a part").show)(record);
        let expected = ["route 0.0.0.0/0 via igw-1", "route ::/0 via eni-1", "association with subnet-1", "propagation from vgw-1"];
        assert_eq!(parts.iter().map(show).collect::<Vec<_>>(), expected);
        let gone = (RouteTable::PARTS[1].delete)(&Address::new("route_table", "app"), &[&parts[2].1]);
        assert_eq!(gone[0].calls[0].params["AssociationId"], Arg::text("rtbassoc-1"));
    }

    #[test]
    fn a_destination_has_one_target() {
        let nat = resource("nat_gateway.main", &[("subnet", reference("subnet.app")), ("connectivity_type", Value::text("private"))]);
        let once = via(table(), &[Value::Anywhere, net("0.0.0.0/0")], "internet_gateway.main");
        assert_eq!(complaints(&network([gateway(), nat.clone(), once.clone()])), [""; 0]);
        let twice = via(once, &[net("0.0.0.0/0")], "nat_gateway.main");
        assert_eq!(complaints(&network([gateway(), nat, twice])), ["E0305 two routes lead to `0.0.0.0/0`"]);
    }

    #[test]
    fn addresses_of_the_vpc_follow_its_local_route() {
        let router = resource("network_interface.a", &[("subnet", reference("subnet.app")), ("security_groups", list([reference("security_group.a")]))]);
        let model = |to: &str| network([gateway(), router.clone(), via(table(), &[net(to)], "network_interface.a")]);
        assert_eq!(complaints(&model("10.0.1.0/24")), [""; 0]);
        assert_eq!(complaints(&model("10.0.0.0/16")), ["E0317 `10.0.0.0/16` lies in `vpc.main` itself"]);
        assert_eq!(complaints(&model("10.0.7.0/24")), ["E0317 `10.0.7.0/24` lies in `vpc.main` itself"]);
    }

    #[test]
    fn a_subnet_follows_one_table_of_its_own_vpc() {
        let other = resource("route_table.other", &[("vpc", reference("vpc.main")), ("subnets", list([reference("subnet.app")]))]);
        let expected = ["E0306 `subnet.app` belongs to both `route_table.app` and `route_table.other`"];
        assert_eq!(complaints(&network([table(), other])), expected);
        let back = resource("vpc.back", &[("cidr_block", net("10.1.0.0/16"))]);
        let stray = resource("route_table.back", &[("vpc", reference("vpc.back")), ("subnets", list([reference("subnet.app")]))]);
        assert_eq!(complaints(&network([back, stray])), ["E0307 `subnet.app` lies in `vpc.main`, not in `vpc.back`"]);
    }

    #[test]
    fn what_a_gateway_will_propagate_is_not_known() {
        let learns = |gateway: Resource| {
            let record = [("vpc", reference("vpc.main")), ("propagating_vpn_gateways", list([reference("vpn_gateway.office")]))];
            network([gateway, resource("route_table.app", &record)])
        };
        let model = learns(resource("vpn_gateway.office", &[("vpc", reference("vpc.main"))]));
        assert_eq!(complaints(&model), [""; 0]);
        assert_eq!(shown(&model, "route_table.app"), ["propagation from vpn_gateway.office"]);
        let mut whole = model;
        let (parts, _) = judged(&whole, "route_table.app");
        whole.resources.get_mut(&Address::new("route_table", "app")).expect("it is there").parts = parts;
        let drawn = crate::resources::network(&whole);
        let table = drawn.route_tables.iter().find(|t| t.id.as_str() == "route_table.app").expect("it is drawn");
        let Destination::PrefixList(list) = &table.routes[0].destination else { panic!("{:?}", table.routes) };
        assert!(table.routes[0].propagated && drawn.prefix_lists.iter().all(|l| l.id != *list), "{:?}", table.routes);
        let loose = learns(resource("vpn_gateway.office", &[]));
        assert_eq!(complaints(&loose), ["E0313 `vpn_gateway.office` is attached to no VPC"]);
        let back = resource("vpc.back", &[("cidr_block", net("10.1.0.0/16"))]);
        let astray = learns(resource("vpn_gateway.office", &[("vpc", reference("vpc.back"))]));
        let both = network(astray.resources.values().cloned().chain([back]));
        assert_eq!(complaints(&both), ["E0307 `vpn_gateway.office` lies in `vpc.back`, not in `vpc.main`"]);
    }

    #[test]
    fn a_route_leads_to_something_of_its_vpc() {
        let route = || via(table(), &[Value::Anywhere], "internet_gateway.main");
        let loose = resource("internet_gateway.main", &[]);
        assert_eq!(complaints(&network([loose, route()])), ["E0313 `internet_gateway.main` is attached to no VPC"]);
        let back = resource("vpc.back", &[("cidr_block", net("10.1.0.0/16"))]);
        let gateway = resource("internet_gateway.main", &[("vpc", reference("vpc.back"))]);
        let expected = ["E0307 `internet_gateway.main` lies in `vpc.back`, not in `vpc.main`"];
        assert_eq!(complaints(&network([back, gateway, route()])), expected);
    }
}

#[cfg(feature = "aws")]
mod aws {
    use crate::{action, ec2::Action, shown, words};

    shown! {
        RouteTable(associations, owner_id, propagating_vgws, route_table_id, routes, tags, vpc_id);
        Route(
            carrier_gateway_id, core_network_arn, destination_cidr_block, destination_ipv6_cidr_block, destination_prefix_list_id,
            egress_only_internet_gateway_id, gateway_id, instance_id, instance_owner_id, local_gateway_id, nat_gateway_id, network_interface_id,
            origin, state, transit_gateway_id, vpc_peering_connection_id,
        );
        RouteTableAssociation(association_state, gateway_id, main, route_table_association_id, route_table_id, subnet_id);
        RouteTableAssociationState(state, status_message);
        PropagatingVgw(gateway_id);
    }

    words! { RouteOrigin, RouteState, RouteTableAssociationStateCode }

    pub(super) const ACTIONS: &[Action] = &[
        action!(CreateRouteTable: create_route_table(set_client_token, set_tag_specifications, set_vpc_id) -> (route_table)),
        action!(DeleteRouteTable: delete_route_table(set_route_table_id) -> ()),
        action!(DescribeRouteTables: describe_route_tables(set_filters, set_max_results, set_next_token, set_route_table_ids)
            -> (next_token, route_tables)),
        action!(CreateRoute: create_route(
            set_carrier_gateway_id, set_core_network_arn, set_destination_cidr_block, set_destination_ipv6_cidr_block,
            set_destination_prefix_list_id, set_egress_only_internet_gateway_id, set_gateway_id, set_instance_id, set_local_gateway_id,
            set_nat_gateway_id, set_network_interface_id, set_route_table_id, set_transit_gateway_id, set_vpc_endpoint_id,
            set_vpc_peering_connection_id,
        ) -> (r#return)),
        action!(ReplaceRoute: replace_route(
            set_carrier_gateway_id, set_core_network_arn, set_destination_cidr_block, set_destination_ipv6_cidr_block,
            set_destination_prefix_list_id, set_egress_only_internet_gateway_id, set_gateway_id, set_instance_id, set_local_gateway_id,
            set_nat_gateway_id, set_network_interface_id, set_route_table_id, set_transit_gateway_id, set_vpc_endpoint_id,
            set_vpc_peering_connection_id,
        ) -> ()),
        action!(DeleteRoute: delete_route(
            set_destination_cidr_block, set_destination_ipv6_cidr_block, set_destination_prefix_list_id, set_route_table_id,
        ) -> ()),
        action!(AssociateRouteTable: associate_route_table(set_gateway_id, set_route_table_id, set_subnet_id) -> (association_id, association_state)),
        action!(DisassociateRouteTable: disassociate_route_table(set_association_id) -> ()),
        action!(EnableVgwRoutePropagation: enable_vgw_route_propagation(set_gateway_id, set_route_table_id) -> ()),
        action!(DisableVgwRoutePropagation: disable_vgw_route_propagation(set_gateway_id, set_route_table_id) -> ()),
        action!(ReplaceRouteTableAssociation: replace_route_table_association(set_association_id, set_route_table_id)
            -> (association_state, new_association_id)),
    ];
}
