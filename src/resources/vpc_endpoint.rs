//! A VPC endpoint: the way to a service of AWS's that does not lead over the internet.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcEndpoint.html>,
//! <https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html>

use std::sync::Arc;

use crate::{
    base::{address::Address, codes::endpoint, diagnostic::Sink},
    call::{Arg, Call, Json, Settle},
    declared,
    net::{self, Net, Owner, desired::{self, Desired}},
    registry::{Batch, Listing, Observed, PartSpec, Removal, ResourceType, Update},
    resource,
    resources::{
        part::{arg, show_value},
        placement,
        read::{Reader, at, list, text},
        route_table::RouteTable,
        security_group::SecurityGroup,
        subnet::Subnet,
        vpc::Vpc,
    },
    schema::{
        attr::{Kind, Ref, Set, Val, Word, Words},
        model::{Model, Part, Resource},
        value::{Record, Value},
    },
};

resource! {
    /// A way from a VPC to a service of AWS's that needs neither an internet gateway nor a NAT gateway.
    ///
    /// A gateway endpoint, for S3 and DynamoDB, is a route in each of its tables: AWS puts it there by itself, for the
    /// service's prefix list, and takes it away again. An interface endpoint, for most services, is an interface in each of
    /// its subnets: it answers, lets in what its security groups let in, and costs money by the hour. An endpoint of a Gateway
    /// Load Balancer is an interface in one subnet to which routes lead (`route anywhere via vpc_endpoint.firewall`): it hands
    /// packets to appliances that secnet does not know, so nothing is proved of what takes its way by one.
    VpcEndpoint = "vpc_endpoint" {
        /// The VPC that it is for.
        vpc: Ref<Vpc>, Replace;
        /// The service, such as `"com.amazonaws.us-east-1.s3"`.
        service_name: Val<Arc<str>>, Replace;
        /// `"Gateway"` for routes, `"Interface"` for interfaces, `"GatewayLoadBalancer"` for the target of routes.
        vpc_endpoint_type: Val<Word<Types>> = Value::text("Gateway"), Replace;
        /// What may be done by way of it: an IAM policy in JSON, compared by what it means. Without one AWS lets everything pass.
        /// That of a Gateway Load Balancer takes none.
        policy_document: Option<Val<Arc<str>>>, InPlace;
        /// The tables that lead to a gateway endpoint.
        route_tables: Set<Ref<RouteTable>> = Value::List(vec![]), Parts;
        /// The subnets in which an interface endpoint has an interface, one a zone. One of a Gateway Load Balancer has exactly
        /// one, and is replaced where that is to be another.
        subnets: Set<Ref<Subnet>> = Value::List(vec![]), Parts;
        /// The groups that the interfaces carry; an interface endpoint needs one.
        security_groups: Set<Ref<SecurityGroup>> = Value::List(vec![]), Parts;
        /// Whether the service's usual name leads to an interface endpoint inside the VPC. It needs the VPC's
        /// `enable_dns_support` and `enable_dns_hostnames`. AWS says yes where nothing is written.
        private_dns_enabled: Option<Val<bool>>, InPlace;
        /// Which addresses the interfaces have: `"ipv4"`, `"dualstack"` or `"ipv6"`.
        ip_address_type: Option<Val<Word<AddressTypes>>>, InPlace;
        /// Its id.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

/// The types that secnet knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Types;

impl Words for Types {
    const ALL: &'static [&'static str] = &["Gateway", "Interface", "GatewayLoadBalancer"];
}

/// Which addresses its interfaces have.
#[derive(Debug, Clone, PartialEq)]
pub struct AddressTypes;

impl Words for AddressTypes {
    const ALL: &'static [&'static str] = &["ipv4", "dualstack", "ipv6"];
}

/// Interfaces come and go within minutes.
const TIMEOUT_S: u64 = 600;

/// What of it comes and goes by ModifyVpcEndpoint: part, attribute, parameter.
const JOINED: [(&str, &str, &str); 3] =
    [("route_table", "route_tables", "RouteTableIds"), ("subnet", "subnets", "SubnetIds"), ("security_group", "security_groups", "SecurityGroupIds")];

impl ResourceType for VpcEndpoint {
    declared!();

    const EXAMPLE: &'static str = r#"# Packages and backups reach S3 by the route that AWS puts into the table.
vpc_endpoint s3 {
  vpc             = vpc.main
  service_name    = "com.amazonaws.us-east-1.s3"
  route_tables    = [route_table.public]
  policy_document = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = "*", Action = "s3:GetObject", Resource = "*" }]
  })
}

vpc_endpoint logs {
  vpc                 = vpc.main
  service_name        = "com.amazonaws.us-east-1.logs"
  vpc_endpoint_type   = "Interface"
  subnets             = [subnet.private]
  security_groups     = [security_group.web]
  private_dns_enabled = false
}
"#;

    const ID_PREFIX: &'static str = "vpce-";
    const OPENS: &'static [&'static str] = &["", "subnet", "security_group"];
    const ONCE: &'static [(&'static str, &'static [&'static str])] = &[("", &["vpc", "service_name"])];
    const TAG_TYPE: Option<&'static str> = Some("vpc-endpoint");
    const CREATED_ID: &'static [&'static str] = &["VpcEndpoint", "VpcEndpointId"];
    const MADE_WITH: &'static [&'static str] = &["route_table", "subnet", "security_group"];
    const DOCUMENTS: &'static [&'static str] = &["policy_document"];
    const ONE_AT_A_TIME: bool = true;
    const LISTING: Listing =
        Listing::new("DescribeVpcEndpoints", &["VpcEndpoints"], "VpcEndpointId", "vpc-endpoint-id", Some(1000));
    const PARTS: &'static [PartSpec] = &[
        PartSpec {
            create: |at, parts| join(at, "AddRouteTableIds", "route_table", parts),
            delete: |at, parts| join(at, "RemoveRouteTableIds", "route_table", parts),
            show: |part| format!("route in {}", show_value(part.get("route_table"))),
            ..joined("route_table", &["route_table"], "Has AWS put a route to the service into a table.", true)
        },
        PartSpec {
            create: |at, parts| join(at, "AddSubnetIds", "subnet", parts),
            delete: |at, parts| join(at, "RemoveSubnetIds", "subnet", parts),
            show: |part| format!("interface in {}", show_value(part.get("subnet"))),
            ..joined("subnet", &["subnet"], "An interface in a subnet; a zone has one, so the old one goes before.", false)
        },
        PartSpec {
            create: |at, parts| join(at, "AddSecurityGroupIds", "security_group", parts),
            delete: |at, parts| join(at, "RemoveSecurityGroupIds", "security_group", parts),
            show: |part| format!("group {}", show_value(part.get("security_group"))),
            ..joined("security_group", &["security_group"], "A group that all its interfaces carry.", true)
        },
    ];
    const UPDATES: &'static [Update] = &[
        Update {
            attrs: &["policy_document"],
            after_create: |_| false,
            calls: |at, r| match r.get("policy_document") {
                None | Some(Value::Null) => vec![modify(at, [("ResetPolicy", Arg::Known(true.into()))])],
                Some(_) => vec![modify(at, [("PolicyDocument", arg(r, "policy_document"))])],
            },
        },
        Update {
            attrs: &["private_dns_enabled"],
            after_create: |_| false,
            calls: |at, r| vec![modify(at, [("PrivateDnsEnabled", arg(r, "private_dns_enabled"))])],
        },
        Update {
            attrs: &["ip_address_type"],
            after_create: |_| false,
            calls: |at, r| vec![modify(at, [("IpAddressType", arg(r, "ip_address_type"))])],
        },
    ];
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = aws::ACTIONS;

    fn check(model: &Model, sink: &mut Sink) {
        for this in placement::managed(model, Self::KIND) {
            let form = Form::of(this.record.get("vpc_endpoint_type"));
            for name in form.takes_no().iter().filter(|name| is_written(this, name)) {
                sink.push(endpoint::not_of_this_type(&this.address, name, form.words(), this.span_of(name)));
            }
            if form == Form::Interface && !is_written(this, "security_groups") {
                sink.push(endpoint::without_group(&this.address, this.span));
            }
            let subnets = this.record.get("subnets").map_or(0, |subnets| subnets.elements().len());
            if form == Form::Balancer && subnets != 1 {
                sink.push(endpoint::not_one_subnet(&this.address, subnets, this.spans.get("subnets").copied().or(this.span)));
            }
            if let Some(Value::Text(policy)) = this.record.get("policy_document")
                && serde_json::from_str::<Json>(policy).is_err()
            {
                sink.push(endpoint::policy_is_no_json(this.span_of("policy_document")));
            }
            check_names(this, model, sink);
            for (_, attribute, _) in JOINED {
                placement::named_of_same_vpc(this, attribute, model, sink);
            }
        }
    }

    fn desired_parts(&self, this: &Resource, _model: &Model, _sink: &mut Sink) -> Vec<Part> {
        let named = |name: &'static str, attribute: &str| {
            let span = this.span_of(attribute);
            let values = this.record.get(attribute).map_or(&[][..], Value::elements).to_vec();
            values.into_iter().map(move |value| Part { name, record: Record::from([(name.into(), value)]), span })
        };
        JOINED.iter().flat_map(|(name, attribute, _)| named(name, attribute)).collect()
    }

    fn attached(this: &Resource, _model: &Model) -> Vec<String> {
        let routes = this.record.get("route_tables").map_or(&[][..], Value::elements).iter().filter_map(Value::as_resource);
        let route = |table: &Address| format!("{table}: a route to the prefix list of the service of {}", this.address);
        let mut attached: Vec<String> = routes.map(route).collect();
        if Form::of(this.record.get("vpc_endpoint_type")) != Form::Balancer && !is_written(this, "policy_document") {
            attached.push(format!("{}: a policy that lets everything pass, since none is written", this.address));
        }
        attached
    }

    fn network(this: &Resource, desired: &Desired<'_>, net: &mut Net) {
        let Some(vpc) = desired.reference(this, "vpc") else { return };
        let (id, origin) = (desired::id(&this.address), desired::origin(this));
        let service: Arc<str> = desired.value(this, "service_name").and_then(Value::as_text).unwrap_or("?").into();
        let form = Form::of(desired.value(this, "vpc_endpoint_type"));
        let named = |name: &'static str| this.parts.iter().filter(move |p| p.name == name).filter_map(move |p| desired::named(p.record.get(name)));
        let groups: Vec<net::Id> = named("security_group").collect();
        let subnets: Vec<net::Id> = named("subnet").collect();
        let mut unread = false;
        let six = form != Form::Gateway && desired.value(this, "ip_address_type").and_then(Value::as_text).is_some_and(|t| t != "ipv4");
        for subnet in subnets {
            // Which IPv6 address it will have is not known: any of the subnet's.
            let placed = desired.resource(&subnet).filter(|s| six && form == Form::Balancer && !s.existing);
            let further = placed.and_then(|s| desired.cidr(s, "ipv6_cidr_block"));
            let further = further.map(|private| net::InterfaceAddress { private, public: None });
            unread |= six && placed.is_none();
            net.interfaces.push(net::Interface {
                id: desired::in_subnet(&id, &subnet),
                addresses: [desired.address_in(this, &subnet, None)].into_iter().chain(further).collect(),
                subnet,
                groups: groups.clone(),
                source_dest_check: true,
                owner: match form {
                    Form::Balancer => Owner::Unmodelled { what: "gateway load balancer endpoint".into(), of: Some(id.clone()) },
                    Form::Gateway | Form::Interface => Owner::Endpoint(id.clone()),
                },
                origin,
            });
        }
        if unread {
            net.unread(&vpc, "a VPC with an endpoint that has IPv6 addresses", origin);
        }
        let (gateway, modelled) = (form == Form::Gateway, form != Form::Balancer);
        net.endpoints.push(net::Endpoint { id, vpc, gateway, modelled, available: true, service, origin });
    }

    fn settled(record: &Record) -> &'static [&'static str] {
        if Form::of(record.get("vpc_endpoint_type")) == Form::Balancer { &["subnet"] } else { &[] }
    }

    fn create(&self, at: &Address) -> Vec<Call> {
        let ids = |args: Vec<Arg>| if args.is_empty() { Arg::Known(Json::Null) } else { Arg::List(args) };
        let or_null = |arg: Option<Arg>| arg.unwrap_or(Arg::Known(Json::Null));
        let params = [
            ("VpcId", self.vpc.arg()),
            ("ServiceName", self.service_name.arg()),
            ("VpcEndpointType", self.vpc_endpoint_type.arg()),
            ("PolicyDocument", or_null(self.policy_document.as_ref().map(Val::arg))),
            ("RouteTableIds", ids(self.route_tables.0.iter().map(Ref::arg).collect())),
            ("SubnetIds", ids(self.subnets.0.iter().map(Ref::arg).collect())),
            ("SecurityGroupIds", ids(self.security_groups.0.iter().map(Ref::arg).collect())),
            ("PrivateDnsEnabled", or_null(self.private_dns_enabled.as_ref().map(Val::arg))),
            ("IpAddressType", or_null(self.ip_address_type.as_ref().map(Val::arg))),
        ];
        vec![Call::new("CreateVpcEndpoint", params).tagged("vpc-endpoint").with_token().settle(available(at))]
    }

    fn delete(at: &Address, _record: &Record) -> Vec<Call> {
        let gone = settle(at, &["deleted", "Deleted", "gone"]);
        vec![Call::new("DeleteVpcEndpoints", [("VpcEndpointIds", Arg::List(vec![Arg::id(at)]))]).settle(gone)]
    }

    fn observe(item: &Json) -> Option<Observed> {
        let state = text(item, &["State"]).unwrap_or_default().to_ascii_lowercase();
        if matches!(&*state, "deleting" | "deleted" | "failed" | "rejected" | "expired") {
            return None;
        }
        let part = |name: &'static str, id: &str| (name, Record::from([(name.into(), Value::text(id))]));
        let ids = |name, member| list(item, &[member]).iter().filter_map(Json::as_str).map(move |id| part(name, id));
        let groups = list(item, &["Groups"]).iter().filter_map(|g| text(g, &["GroupId"])).map(|id| part("security_group", id));
        let parts = ids("route_table", "RouteTableIds").chain(ids("subnet", "SubnetIds")).chain(groups).collect();
        let form = text(item, &["VpcEndpointType"]).map_or(Form::Gateway, Form::named);
        let private_dns = at(item, &["PrivateDnsEnabled"]).and_then(Json::as_bool).filter(|_| form == Form::Interface);
        Reader::new(item)
            .text("vpc", &["VpcId"])
            .text("service_name", &["ServiceName"])
            .text("vpc_endpoint_type", &["VpcEndpointType"])
            .text("policy_document", &["PolicyDocument"])
            .value("private_dns_enabled", private_dns.map(Value::Bool))
            .value("ip_address_type", text(item, &["IpAddressType"]).filter(|_| form != Form::Gateway).map(Value::text))
            .done(&["VpcEndpointId"], parts)
    }
}

const fn joined(name: &'static str, key: &'static [&'static str], doc: &'static str, create_first: bool) -> PartSpec {
    PartSpec {
        name,
        doc,
        key,
        content: &[],
        create: |_, _| vec![],
        change: None,
        delete: |_, _| vec![],
        removal: Removal::WithOwner,
        create_first,
        essential: false,
        governs: None,
        takes_over: false,
        show: |_| String::new(),
    }
}

/// What an endpoint is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    /// A route in each of its tables.
    Gateway,
    /// An interface in each of its subnets.
    Interface,
    /// One interface, to which routes lead; what happens behind it is a Gateway Load Balancer's business.
    Balancer,
}

impl Form {
    fn of(written: Option<&Value>) -> Self {
        written.and_then(Value::as_text).map_or(Form::Gateway, Form::named)
    }

    fn named(word: &str) -> Self {
        match word {
            "Interface" => Form::Interface,
            "GatewayLoadBalancer" => Form::Balancer,
            _ => Form::Gateway,
        }
    }

    fn takes_no(self) -> &'static [&'static str] {
        match self {
            Form::Gateway => &["subnets", "security_groups", "private_dns_enabled", "ip_address_type"],
            Form::Interface => &["route_tables"],
            Form::Balancer => &["route_tables", "security_groups", "private_dns_enabled", "policy_document"],
        }
    }

    fn words(self) -> &'static str {
        match self {
            Form::Gateway => "a gateway endpoint",
            Form::Interface => "an interface endpoint",
            Form::Balancer => "an endpoint of a Gateway Load Balancer",
        }
    }
}

/// Whether routes that people write may lead to it; `None` where its type is not known.
pub(super) fn is_target(endpoint: &Resource) -> Option<bool> {
    let written = endpoint.record.get("vpc_endpoint_type");
    if endpoint.existing && written.is_none() { None } else { Some(Form::of(written) == Form::Balancer) }
}

fn is_written(this: &Resource, name: &str) -> bool {
    !matches!(this.record.get(name), None | Some(Value::Null)) && this.record.get(name) != Some(&Value::List(vec![]))
}

/// The service's usual name inside a VPC needs both DNS attributes of the VPC.
fn check_names(this: &Resource, model: &Model, sink: &mut Sink) {
    let wanted = this.record.get("private_dns_enabled") != Some(&Value::Bool(false));
    let vpc = this.reference("vpc").and_then(|vpc| model.resources.get(vpc)).filter(|vpc| !vpc.existing);
    let Some(vpc) = vpc.filter(|_| wanted && Form::of(this.record.get("vpc_endpoint_type")) == Form::Interface) else { return };
    for name in ["enable_dns_support", "enable_dns_hostnames"] {
        if vpc.record.get(name) == Some(&Value::Bool(false)) {
            let at = this.spans.get("private_dns_enabled").copied().or(this.span);
            sink.push(endpoint::names_need_dns(&this.address, at, (&vpc.address, vpc.span_of(name)), name));
        }
    }
}

fn settle(at: &Address, until: &[&str]) -> Settle {
    let id = Arg::id(at);
    Settle::new("DescribeVpcEndpoints", "vpc-endpoint-id", &["VpcEndpoints"], "VpcEndpointId", &["State"], until, id).within(TIMEOUT_S)
}

fn available(at: &Address) -> Settle {
    settle(at, &["available", "Available"]).or_fail(&["failed", "Failed", "rejected", "Rejected", "deleted", "Deleted"], &["FailureReason"])
}

fn modify(at: &Address, params: impl IntoIterator<Item = (&'static str, Arg)>) -> Call {
    Call::new("ModifyVpcEndpoint", [("VpcEndpointId", Arg::id(at))].into_iter().chain(params)).settle(available(at))
}

/// All of them by one call.
fn join(at: &Address, parameter: &'static str, member: &str, parts: &[&Record]) -> Vec<Batch> {
    let ids = Arg::List(parts.iter().map(|part| arg(part, member)).collect());
    vec![Batch { of: (0..parts.len()).collect(), calls: vec![modify(at, [(parameter, ids)])] }]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::sample::{complaints, list as values, network, reference, resource};

    #[test]
    fn what_ec2_lists_is_what_was_asked() {
        let item = |state| {
            json!({
                "VpcEndpointId": "vpce-1", "VpcEndpointType": "Interface", "VpcId": "vpc-1", "ServiceName": "com.amazonaws.us-east-1.ssm",
                "State": state, "PolicyDocument": "{}", "RouteTableIds": [], "SubnetIds": ["subnet-1"], "Groups": [{"GroupId": "sg-1"}],
                "PrivateDnsEnabled": true, "IpAddressType": "ipv4",
            })
        };
        let observed = VpcEndpoint::observe(&item("available")).expect("it stands");
        let part = |name: &'static str, id: &str| (name, Record::from([(name.into(), Value::text(id))]));
        assert_eq!(observed.parts, [part("subnet", "subnet-1"), part("security_group", "sg-1")]);
        assert_eq!(observed.record["private_dns_enabled"], Value::Bool(true));
        assert_eq!(VpcEndpoint::observe(&item("deleting")), None);
    }

    #[test]
    fn each_type_takes_its_own() {
        let endpoint = |more: &[(&str, Value)]| {
            let service = [("vpc", reference("vpc.main")), ("service_name", Value::text("com.amazonaws.us-east-1.s3"))];
            network([resource("vpc_endpoint.a", &[&service, more].concat())])
        };
        assert_eq!(complaints(&endpoint(&[])), [""; 0]);
        let subnets = ("subnets", values([reference("subnet.app")]));
        assert_eq!(complaints(&endpoint(std::slice::from_ref(&subnets))), ["E0341 a gateway endpoint takes no `subnets`"]);
        let interface = ("vpc_endpoint_type", Value::text("Interface"));
        let expected = ["E0341 `vpc_endpoint.a` has no security group", "E0341 the names of `vpc_endpoint.a` need DNS in its VPC"];
        assert_eq!(complaints(&endpoint(&[interface, subnets])), expected);
    }
}

#[cfg(feature = "aws")]
mod aws {
    use crate::{action, ec2::Action, shown, words};

    shown! {
        VpcEndpoint(
            creation_timestamp, dns_entries, failure_reason, groups, ip_address_type, network_interface_ids, owner_id, policy_document,
            private_dns_enabled, requester_managed, route_table_ids, service_name, state, subnet_ids, tags, vpc_endpoint_id,
            vpc_endpoint_type, vpc_id,
        );
        DnsEntry(dns_name, hosted_zone_id);
        SecurityGroupIdentifier(group_id, group_name);
        UnsuccessfulItem(error, resource_id);
        UnsuccessfulItemError(code, message);
    }

    words! { IpAddressType, State, VpcEndpointType }

    pub(super) const ACTIONS: &[Action] = &[
        action!(CreateVpcEndpoint: create_vpc_endpoint(
            set_client_token, set_ip_address_type, set_policy_document, set_private_dns_enabled, set_route_table_ids, set_security_group_ids,
            set_service_name, set_subnet_ids, set_tag_specifications, set_vpc_endpoint_type, set_vpc_id,
        ) -> (vpc_endpoint)),
        action!(ModifyVpcEndpoint: modify_vpc_endpoint(
            set_add_route_table_ids, set_add_security_group_ids, set_add_subnet_ids, set_ip_address_type, set_policy_document,
            set_private_dns_enabled, set_remove_route_table_ids, set_remove_security_group_ids, set_remove_subnet_ids, set_reset_policy,
            set_vpc_endpoint_id,
        ) -> (r#return)),
        action!(DeleteVpcEndpoints: delete_vpc_endpoints(set_vpc_endpoint_ids) -> (unsuccessful)),
        action!(DescribeVpcEndpoints: describe_vpc_endpoints(set_filters, set_max_results, set_next_token, set_vpc_endpoint_ids)
            -> (next_token, vpc_endpoints)),
    ];
}
