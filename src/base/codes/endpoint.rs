//! E034 to E036: prefix lists, endpoints, flow logs and Block Public Access.

use std::fmt::Display;

use crate::base::{
    address::Address,
    cidr::{Cidr, Family},
    diagnostic::Diagnostic,
    span::Span,
};

crate::codes! {
    ENTRY = "E0340" "a prefix list cannot hold what is written"
"A prefix list holds networks of one address family, each once, and at most as many as `max_entries` says; EC2 takes from 1 to
1,000. What names the list counts as `max_entries` rules or routes, so more room than is needed is not free.

```secnet error E0340
prefix_list offices {
  max_entries = 1
  entry 203.0.113.0/28  \"Berlin\"
  entry 2001:db8::/48   \"Lyon\"       # of another family
}
```

Write a list for each family, each network once, and raise `max_entries` with the entries.";
    ENDPOINT = "E0341" "an endpoint cannot be as it is written"
"A gateway endpoint is a route in tables, an interface endpoint interfaces in subnets that carry groups: each takes its own
attributes, and AWS would put the VPC's default group on an interface endpoint that names none. The usual name of a service leads
to an interface endpoint only where the VPC answers DNS and gives names.

```secnet error E0341
vpc_endpoint s3 {
  vpc          = vpc.main
  service_name = \"com.amazonaws.us-east-1.s3\"
  subnets      = [subnet.private]       # a gateway endpoint stands in no subnet
}
```

Write `vpc_endpoint_type = \"Interface\"`, or the attributes of a gateway endpoint. A VPC has one EC2 Instance Connect endpoint, which serves all its subnets.";
    ROUTE_TARGET = "E0711" "a route that is written cannot lead to an endpoint in this way"
"Routes that people write lead to endpoints of Gateway Load Balancers alone, for networks. The routes of a gateway endpoint, each
for the prefix list of its service, AWS writes by itself into the tables that the endpoint names. A route for a prefix list
that led to a Gateway Load Balancer's endpoint could not be told from them.

```secnet error E0711
vpc_endpoint s3 {
  vpc          = vpc.main
  service_name = \"com.amazonaws.us-east-1.s3\"
}
route_table app {
  vpc = vpc.main
  route anywhere via vpc_endpoint.s3    # a gateway endpoint
}
```

Write `route_tables = [route_table.app]` in the gateway endpoint, or `vpc_endpoint_type = \"GatewayLoadBalancer\"` where it is one.";
    FLOW_LOG = "E0342" "a flow log cannot be as it is written"
"A flow log is on a VPC, a subnet or an interface, and writes to a log group (with a role that may), a bucket or a delivery stream.
It gathers packets for 60 or for 600 seconds.

```secnet error E0342
flow_log main {
  vpc            = vpc.main
  log_group_name = \"/vpc/main\"        # who may write there?
}
```

Write what it is on once, and where it writes to; `deliver_logs_permission_arn` is for CloudWatch Logs.";
    PUBLIC_ACCESS = "E0343" "Block Public Access cannot be as it is written"
"A region has one switch that keeps the internet out, so a second block would fight with the first. An exclusion lets one VPC or
one subnet off.

```secnet error E0343
block_public_access a { internet_gateway_block_mode = \"block-ingress\" }
block_public_access b { internet_gateway_block_mode = \"block-bidirectional\" }     # of the same region
```

Leave one switch, and write an exclusion for each VPC or subnet.";
}

/// [`ENTRY`]: a network of the other family.
#[must_use]
pub fn entry_of_other_family(network: Cidr, at: Span, list: (&Address, Option<Span>), family: Family) -> Diagnostic {
    let name = if family == Family::V4 { "IPv4" } else { "IPv6" };
    Diagnostic::error(&ENTRY, format!("`{network}` is no {name} network"))
        .at(at, "this entry")
        .at(list.1, format!("`{}` holds {name} networks", list.0))
        .help("make a second list with the other `address_family`")
}

/// [`ENTRY`]: a network with two descriptions.
#[must_use]
pub fn entry_twice(network: Cidr, second: Span, first: Option<Span>) -> Diagnostic {
    Diagnostic::error(&ENTRY, format!("`{network}` is in the list already, with another description"))
        .at(second, "the second one")
        .at(first, "the first one")
        .help("remove one of them")
}

/// [`ENTRY`]: EC2 takes no such size.
#[must_use]
pub fn room_out_of_range(max: i64, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&ENTRY, format!("a prefix list has room for 1 to 1000 entries, not for {max}"))
        .at(at, "the room that it is to have")
        .help("write how many entries the list will have at most")
}

/// [`ENTRY`]: more than there is room for.
#[must_use]
pub fn too_many_entries(list: &dyn Display, entries: usize, room: usize, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&ENTRY, format!("`{list}` has {entries} entries and room for {room}"))
        .at(at, "the room that it has")
        .help(format!("write `max_entries = {entries}` or more"))
}

/// [`ENDPOINT`]: an attribute of the other type.
#[must_use]
pub fn not_of_this_type(endpoint: &Address, name: &str, this: &str, at: Option<Span>) -> Diagnostic {
    let other = if name == "route_tables" { "\"Gateway\"" } else { "\"Interface\"" };
    Diagnostic::error(&ENDPOINT, format!("{this} takes no `{name}`"))
        .at(at, format!("`{endpoint}` is one"))
        .help(format!("remove it, or write `vpc_endpoint_type = {other}`"))
}

/// [`ENDPOINT`]: one of a Gateway Load Balancer stands in one subnet.
#[must_use]
pub fn not_one_subnet(endpoint: &Address, subnets: usize, at: Option<Span>) -> Diagnostic {
    let has = if subnets == 0 { "no subnet".to_owned() } else { format!("{subnets} subnets") };
    Diagnostic::error(&ENDPOINT, format!("`{endpoint}` has {has}"))
        .at(at, "an endpoint of a Gateway Load Balancer has exactly one")
        .help("write `subnets = [...]` with one subnet, and an endpoint for each further one")
}

/// [`ROUTE_TARGET`]: an endpoint that AWS alone leads to.
#[must_use]
pub fn no_target(target: &Address, at: Span, declared: Option<Span>) -> Diagnostic {
    Diagnostic::error(&ROUTE_TARGET, format!("no route that is written leads to `{target}`"))
        .at(at, "this target")
        .at(declared, "it is no endpoint of a Gateway Load Balancer")
        .help("write the table in `route_tables` of a gateway endpoint; an interface endpoint is reached by its address")
}

/// [`ROUTE_TARGET`]: a destination that only gateway endpoints have.
#[must_use]
pub fn no_list_to_target(target: &Address, list: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&ROUTE_TARGET, format!("no route for the list `{list}` leads to `{target}`"))
        .at(at, "EC2 shows it as it shows what AWS itself writes for a gateway endpoint")
        .help("write a route for each network of the list")
}

/// [`ENDPOINT`]: it would carry the VPC's default group.
#[must_use]
pub fn without_group(endpoint: &Address, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&ENDPOINT, format!("`{endpoint}` has no security group"))
        .at(at, "AWS would put the VPC's default group on it")
        .help("write `security_groups = [...]`")
}

/// [`ENDPOINT`]: a policy that is no JSON.
#[must_use]
pub fn policy_is_no_json(at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&ENDPOINT, "the policy is no JSON").at(at, "this text").help("write it with `jsonencode({ ... })`")
}

/// [`ENDPOINT`]: names need DNS.
#[must_use]
pub fn names_need_dns(endpoint: &Address, at: Option<Span>, vpc: (&Address, Option<Span>), name: &str) -> Diagnostic {
    Diagnostic::error(&ENDPOINT, format!("the names of `{endpoint}` need DNS in its VPC"))
        .at(at, "private DNS is on unless it is written off")
        .at(vpc.1, format!("`{}` has `{name} = false`", vpc.0))
        .help(format!("write `{name} = true` in `{}`, or `private_dns_enabled = false` here", vpc.0))
}

/// [`ENDPOINT`]: a second one in a VPC.
#[must_use]
pub fn second_connect_endpoint(vpc: &Address, second: (&Address, Option<Span>), first: (&Address, Option<Span>)) -> Diagnostic {
    Diagnostic::error(&ENDPOINT, format!("`{vpc}` has two EC2 Instance Connect endpoints"))
        .at(second.1, "the second one")
        .at(first.1, "the first one")
        .help(format!("remove `{}`: one reaches all subnets of its VPC", second.0))
}

/// [`FLOW_LOG`]: what it is on.
#[must_use]
pub fn flow_log_on(log: &Address, on: &[&str], at: Option<Span>) -> Diagnostic {
    let what = if on.is_empty() { "nothing" } else { "several things" };
    Diagnostic::error(&FLOW_LOG, format!("`{log}` is on {what}"))
        .at(at, if on.is_empty() { "this flow log" } else { "the second one" })
        .help("write one of `vpc`, `subnet` and `network_interface`")
}

/// [`FLOW_LOG`]: where it writes to.
#[must_use]
pub fn flow_log_to(log: &Address, wrong: &str, help: &str, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&FLOW_LOG, format!("`{log}` cannot write: {wrong}")).at(at, "this flow log").help(help)
}

/// [`FLOW_LOG`]: for how long it gathers.
#[must_use]
pub fn flow_log_interval(seconds: i64, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&FLOW_LOG, format!("a flow log gathers packets for 60 or 600 seconds, not for {seconds}"))
        .at(at, "this many")
        .help("write 60 or 600")
}

/// [`PUBLIC_ACCESS`]: two switches.
#[must_use]
pub fn second_switch(second: (&Address, Option<Span>), first: (&Address, Option<Span>)) -> Diagnostic {
    Diagnostic::error(&PUBLIC_ACCESS, format!("`{}` is a second switch of the region", second.0))
        .at(second.1, "the second one")
        .at(first.1, "the first one")
        .help("remove one of them")
}

/// [`PUBLIC_ACCESS`]: an exclusion of nothing or of two things.
#[must_use]
pub fn exclusion_of(exclusion: &Address, nothing: bool, at: Option<Span>) -> Diagnostic {
    let what = if nothing { "nothing" } else { "two things" };
    Diagnostic::error(&PUBLIC_ACCESS, format!("`{exclusion}` lets {what} off"))
        .at(at, "this exclusion")
        .help("write either `vpc` or `subnet`")
}
