//! A subnet: CreateSubnet and what belongs to it.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSubnet.html>

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::json;

use crate::{
    base::{
        address::Address,
        cidr::{Cidr, Family},
        codes::{network, space},
        diagnostic::Sink,
    },
    call::{Arg, Call, Json, Settle},
    declared,
    net::{self, Net, desired::{self, Desired}},
    registry::{Batch, Listing, Observed, PartSpec, Patience, Removal, ResourceType, Update, quota::{Per, Quota}},
    resource,
    resources::{
        part::{arg, show_value},
        placement,
        read::{Reader, at, list, text},
        vpc::Vpc,
    },
    schema::{
        attr::{Kind, Ref, Val, Word, Words},
        model::{Model, Part, Resource},
        value::{Record, Value},
    },
};

resource! {
    /// A range of a VPC's addresses in one availability zone.
    ///
    /// Until a route table and a network ACL name it, the VPC's main table and default ACL hold for it.
    Subnet = "subnet" {
        /// The VPC it lies in.
        vpc: Ref<Vpc>, Replace;
        /// Its IPv4 range, inside one of the VPC's networks. It has one unless it is `ipv6_native`.
        cidr_block: Option<Val<Cidr>>, Replace;
        /// Its IPv6 network, a /64 of the VPC's: `subnets(vpc.main.ipv6_cidr_block, 8)[1]`. It comes and goes while the
        /// subnet stands, as long as nothing in it has an IPv6 address.
        ipv6_cidr_block: Option<Val<Cidr>>, Parts;
        /// Whether it has IPv6 alone, and no `cidr_block`. Instances in it are of a type on Nitro.
        ipv6_native: Val<bool> = Value::Bool(false), Replace;
        /// Its zone, such as `us-east-1a`; EC2 picks one where it is not written.
        availability_zone: Option<Val<Arc<str>>>, Replace;
        /// Whether instances placed in it get a public address.
        map_public_ip_on_launch: Val<bool> = Value::Bool(false), InPlace;
        /// Whether instances and interfaces placed in it get an IPv6 address. In an `ipv6_native` subnet they always do.
        assign_ipv6_address_on_creation: Val<bool> = Value::Bool(false), Parts;
        /// Whether the resolver answers with an address of 64:ff9b::/96 where a name has IPv4 addresses alone. A NAT gateway
        /// carries such packets, where a route leads them there.
        enable_dns64: Val<bool> = Value::Bool(false), InPlace;
        /// After what instances in it are named: their IPv4 address, or their id. EC2 says `"ip-name"` where it is not
        /// written, and `"resource-name"` in an `ipv6_native` subnet.
        private_dns_hostname_type_on_launch: Option<Val<Word<HostName>>>, InPlace;
        /// Whether the resolver gives an instance's IPv4 address for the name made of its id.
        enable_resource_name_dns_a_record_on_launch: Val<bool> = Value::Bool(false), InPlace;
        /// Whether the resolver gives an instance's IPv6 address for the name made of its id.
        enable_resource_name_dns_aaaa_record_on_launch: Val<bool> = Value::Bool(false), InPlace;
        /// Its id.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

/// After what instances are named.
#[derive(Debug, Clone, PartialEq)]
pub struct HostName;

impl Words for HostName {
    const ALL: &'static [&'static str] = &["ip-name", "resource-name"];
}

impl ResourceType for Subnet {
    declared!();

    const EXAMPLE: &'static str = r#"# The second of the VPC's 256 ranges of 256 addresses: 10.0.1.0/24.
subnet public {
  vpc                     = vpc.main
  cidr_block              = subnets(vpc.main.cidr_block, 8)[1]
  availability_zone       = "us-east-1a"
  map_public_ip_on_launch = true
}
"#;

    const ID_PREFIX: &'static str = "subnet-";
    const OPENS: &'static [&'static str] = &[""];
    const PATIENCE: Patience = Patience::HELD;
    const ONCE: &'static [(&'static str, &'static [&'static str])] = &[("", &["vpc", "cidr_block"]), ("", &["vpc", "ipv6_cidr_block"])];
    const TAG_TYPE: Option<&'static str> = Some("subnet");
    const QUOTAS: &'static [Quota] = &[Quota::new("Subnets per VPC", "L-407747CB", 200, Per::Attribute(&["vpc"]))];
    const CREATED_ID: &'static [&'static str] = &["Subnet", "SubnetId"];
    const FILTERS: &'static [(&'static str, &'static str)] = &[("vpc", "vpc-id")];
    const LISTING: Listing = Listing::new("DescribeSubnets", &["Subnets"], "SubnetId", "subnet-id", Some(1000));
    const UPDATES: &'static [Update] = &[
        Update {
            attrs: &["map_public_ip_on_launch"],
            after_create: |r| is(r, "map_public_ip_on_launch"),
            calls: |at, r| vec![modify(at, "MapPublicIpOnLaunch", value_of(r, "map_public_ip_on_launch"))],
        },
        Update {
            attrs: &["enable_dns64"],
            after_create: |r| is(r, "enable_dns64"),
            calls: |at, r| vec![modify(at, "EnableDns64", value_of(r, "enable_dns64"))],
        },
        Update {
            attrs: &["private_dns_hostname_type_on_launch"],
            after_create: |r| r.get("private_dns_hostname_type_on_launch").is_some_and(|v| *v != Value::Null),
            calls: |at, r| vec![modify(at, "PrivateDnsHostnameTypeOnLaunch", arg(r, "private_dns_hostname_type_on_launch"))],
        },
        Update {
            attrs: &["enable_resource_name_dns_a_record_on_launch"],
            after_create: |r| is(r, "enable_resource_name_dns_a_record_on_launch"),
            calls: |at, r| {
                let value = value_of(r, "enable_resource_name_dns_a_record_on_launch");
                vec![modify(at, "EnableResourceNameDnsARecordOnLaunch", value)]
            },
        },
        Update {
            attrs: &["enable_resource_name_dns_aaaa_record_on_launch"],
            after_create: |r| is(r, "enable_resource_name_dns_aaaa_record_on_launch"),
            calls: |at, r| {
                let value = value_of(r, "enable_resource_name_dns_aaaa_record_on_launch");
                vec![modify(at, "EnableResourceNameDnsAAAARecordOnLaunch", value)]
            },
        },
    ];
    const PARTS: &'static [PartSpec] = &[PartSpec {
        name: "ipv6_network",
        doc: "Its IPv6 network, and whether what is placed in it gets an address of it.",
        key: &[],
        content: &["network", "assign"],
        create: |at, parts| parts.iter().enumerate().map(|(i, part)| Batch { of: vec![i], calls: join(at, part) }).collect(),
        change: Some(rejoin),
        delete: |at, parts| parts.iter().enumerate().map(|(i, part)| Batch { of: vec![i], calls: part_with(at, part) }).collect(),
        removal: Removal::WithOwner,
        create_first: false,
        essential: false,
        governs: None,
        takes_over: false,
        show: |part| {
            let assigned = if is(part, "assign") { ", with addresses for all that is placed in it" } else { "" };
            format!("IPv6 network {}{assigned}", show_value(part.get("network")))
        },
    }];
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = aws::ACTIONS;

    fn check(model: &Model, sink: &mut Sink) {
        placement::range_size(model, Self::KIND, sink);
        check_ranges(model, sink);
        placement::addresses_once(model, sink);
        check_ipv6(model, sink);
    }

    fn has_parts(this: &Resource) -> bool {
        this.record.get("ipv6_cidr_block").is_some_and(|network| *network != Value::Null)
    }

    fn desired_parts(&self, this: &Resource, _model: &Model, _sink: &mut Sink) -> Vec<Part> {
        let native = self.ipv6_native.known == Some(true);
        let assign = native || self.assign_ipv6_address_on_creation.known == Some(true);
        let record = |network: &Val<Cidr>| {
            let told = [("network", network.value.clone()), ("assign", Value::Bool(assign)), ("vpc", self.vpc.value.clone())];
            let native = native.then_some(("native", Value::Bool(true)));
            told.into_iter().chain(native).map(|(name, value)| (name.to_owned(), value)).collect()
        };
        let span = this.span_of("ipv6_cidr_block");
        self.ipv6_cidr_block.iter().map(|network| Part { name: "ipv6_network", record: record(network), span }).collect()
    }

    fn attached(this: &Resource, model: &Model) -> Vec<String> {
        Self::attached_to(&[this], model).into_iter().flatten().collect()
    }

    fn attached_to(all: &[&Resource], model: &Model) -> Vec<Vec<String>> {
        let [tables, acls] = ["route_table", "network_acl"].map(|kind| {
            let named: BTreeSet<&Address> = placement::managed(model, kind).flat_map(placement::subnets).collect();
            (named, placement::all_adopted(model, kind))
        });
        let of = |this: &&Resource| {
            let of_vpc = this.reference("vpc");
            let vpc = of_vpc.map_or_else(|| "its VPC".to_owned(), Address::to_string);
            // What the project has adopted stands in its own sources.
            let left = |(named, adopted): &(BTreeSet<&Address>, BTreeSet<&Address>)| {
                !named.contains(&this.address) && !of_vpc.is_some_and(|vpc| adopted.contains(vpc))
            };
            let table = left(&tables).then(|| format!("{}: the main route table of {vpc}, since no route table names it", this.address));
            let acl = left(&acls)
                .then(|| format!("{}: the default network ACL of {vpc}, which lets everything pass, since no ACL names it", this.address));
            table.into_iter().chain(acl).collect()
        };
        all.iter().map(of).collect()
    }

    fn network(this: &Resource, desired: &Desired<'_>, net: &mut Net) {
        let own = desired::id(&this.address);
        let vpc = desired.reference(this, "vpc").unwrap_or_else(|| {
            let unknown = net::Id::from(&*format!("the VPC of {own}"));
            let origin = desired::origin(this);
            net.vpcs.push(net::Vpc { id: unknown.clone(), cidrs: vec![], region: "".into(), account: "".into(), origin });
            net.unread(&unknown, "a VPC of which nothing is known", origin);
            unknown
        });
        let zone = desired.value(this, "availability_zone").and_then(Value::as_text).map(Into::into);
        let cidrs = ["cidr_block", "ipv6_cidr_block"].iter().filter_map(|name| desired.cidr(this, name)).collect();
        net.subnets.push(net::Subnet { id: own, vpc, cidrs, zone, origin: desired::origin(this) });
    }

    fn create(&self, at: &Address) -> Vec<Call> {
        let zone = self.availability_zone.as_ref().map_or(Arg::Known(Json::Null), Val::arg);
        let null = || Arg::Known(Json::Null);
        let native = self.ipv6_native.known == Some(true);
        // A subnet is never without a network: one of IPv6 alone is made with it, others get it in a step of its own.
        let ipv6 = self.ipv6_cidr_block.as_ref().filter(|_| native).map_or_else(null, Val::arg);
        let params = [
            ("VpcId", self.vpc.arg()),
            ("CidrBlock", self.cidr_block.as_ref().map_or_else(null, Val::arg)),
            ("Ipv6CidrBlock", ipv6),
            ("Ipv6Native", if native { Arg::Known(true.into()) } else { null() }),
            ("AvailabilityZone", zone),
        ];
        vec![Call::new("CreateSubnet", params).tagged("subnet").settle(available(at))]
    }

    fn delete(at: &Address, _record: &Record) -> Vec<Call> {
        vec![Call::new("DeleteSubnet", [("SubnetId", Arg::id(at))])]
    }

    fn observe(item: &Json) -> Option<Observed> {
        Reader::new(item)
            .text("vpc", &["VpcId"])
            .cidr("cidr_block", &["CidrBlock"])
            .text("availability_zone", &["AvailabilityZone"])
            .bool("map_public_ip_on_launch", &["MapPublicIpOnLaunch"])
            .bool("ipv6_native", &["Ipv6Native"])
            .bool("enable_dns64", &["EnableDns64"])
            .text("private_dns_hostname_type_on_launch", &["PrivateDnsNameOptionsOnLaunch", "HostnameType"])
            .bool("enable_resource_name_dns_a_record_on_launch", &["PrivateDnsNameOptionsOnLaunch", "EnableResourceNameDnsARecord"])
            .bool("enable_resource_name_dns_aaaa_record_on_launch", &["PrivateDnsNameOptionsOnLaunch", "EnableResourceNameDnsAAAARecord"])
            .value("assign_ipv6_address_on_creation", at(item, &["AssignIpv6AddressOnCreation"]).and_then(Json::as_bool).map(Value::Bool))
            .value("ipv6_cidr_block", Some(observed_network(item).map_or(Value::Null, |(network, _)| Value::Cidr(network))))
            .done(&["SubnetId"], observed_part(item).into_iter().map(|part| ("ipv6_network", part)).collect())
    }
}

fn is(record: &Record, name: &str) -> bool {
    record.get(name) == Some(&Value::Bool(true))
}

fn value_of(record: &Record, name: &str) -> Arg {
    Arg::map([("Value", record.get(name).unwrap_or(&Value::Bool(false)).into())])
}

/// EC2 takes one attribute a call.
fn modify(at: &Address, attribute: &str, value: Arg) -> Call {
    Call::new("ModifySubnetAttribute", [("SubnetId", Arg::id(at)), (attribute, value)])
}

/// Gives the subnet its IPv6 network, and waits until it is of use.
fn join(at: &Address, part: &Record) -> Vec<Call> {
    let described = || Call::new("DescribeSubnets", [("SubnetIds", Arg::List(vec![Arg::id(at)]))]).settle(available(at));
    // It came with the subnet: all that is left to do is to read what it is.
    if is(part, "native") {
        return vec![described()];
    }
    let association = Arg::Answer(0, vec!["Ipv6CidrBlockAssociation".into(), "AssociationId".into()]);
    let (items, state) = (["Subnets", "Ipv6CidrBlockAssociationSet"], ["Ipv6CidrBlockState", "State"]);
    let filter = "ipv6-cidr-block-association.association-id";
    let settle = Settle::new("DescribeSubnets", filter, &items, "AssociationId", &state, &["associated"], association);
    let params = [("SubnetId", Arg::id(at)), ("Ipv6CidrBlock", arg(part, "network"))];
    let mut calls = vec![Call::new("AssociateSubnetCidrBlock", params).settle(settle.or_fail(&["failed"], &[]))];
    if is(part, "assign") {
        calls.push(modify(at, "AssignIpv6AddressOnCreation", value_of(part, "assign")));
    }
    calls.push(described());
    calls
}

/// Another network takes the place of the old one; with the old one goes the setting.
fn rejoin(at: &Address, old: &Record, new: &Record) -> Vec<Call> {
    if old.get("network") == new.get("network") {
        return vec![modify(at, "AssignIpv6AddressOnCreation", value_of(new, "assign"))];
    }
    let mut calls = part_with(at, old);
    let before = calls.len();
    for mut call in join(at, new) {
        if let Some(settle) = call.settle.as_mut().filter(|s| s.id != Arg::id(at)) {
            settle.id = Arg::Answer(before, vec!["Ipv6CidrBlockAssociation".into(), "AssociationId".into()]);
        }
        calls.push(call);
    }
    calls
}

/// By the association's id, which was observed with it; else it is looked up first. What would still be assigned stops it.
fn part_with(at: &Address, part: &Record) -> Vec<Call> {
    let gone = ["InvalidSubnetCidrBlockAssociationID.NotFound"];
    let call = |id| Call::new("DisassociateSubnetCidrBlock", [("AssociationId", id)]).satisfied_by(&gone);
    let found = || Arg::find(0, &["Subnets", "Ipv6CidrBlockAssociationSet"], "Ipv6CidrBlock", arg(part, "network"), "AssociationId");
    let mut calls = vec![];
    if !part.contains_key("association_id") {
        calls.push(Call::new("DescribeSubnets", [("SubnetIds", Arg::List(vec![Arg::id(at)]))]));
    }
    if is(part, "assign") {
        calls.push(modify(at, "AssignIpv6AddressOnCreation", Arg::Known(json!({"Value": false}))));
    }
    calls.push(call(if part.contains_key("association_id") { arg(part, "association_id") } else { found() }));
    calls
}

/// The network that is there or on its way, and its association.
fn observed_network(item: &Json) -> Option<(Cidr, &Json)> {
    let there = |a: &&Json| matches!(text(a, &["Ipv6CidrBlockState", "State"]), None | Some("associated" | "associating"));
    let found = list(item, &["Ipv6CidrBlockAssociationSet"]).iter().find(there)?;
    Some((text(found, &["Ipv6CidrBlock"])?.parse().ok()?, found))
}

fn observed_part(item: &Json) -> Option<Record> {
    let (network, association) = observed_network(item)?;
    let assign = at(item, &["AssignIpv6AddressOnCreation"]).and_then(Json::as_bool).unwrap_or_default();
    let native = at(item, &["Ipv6Native"]).and_then(Json::as_bool).filter(|native| *native);
    let told = [
        ("network", Some(Value::Cidr(network))),
        ("assign", Some(Value::Bool(assign))),
        ("vpc", text(item, &["VpcId"]).map(Value::text)),
        ("association_id", text(association, &["AssociationId"]).map(Value::text)),
        ("native", native.map(Value::Bool)),
    ];
    Some(told.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

fn available(at: &Address) -> Settle {
    Settle::new("DescribeSubnets", "subnet-id", &["Subnets"], "SubnetId", &["State"], &["available"], Arg::id(at))
}

/// Every subnet lies in its VPC, and no two of a VPC overlap. What an existing VPC holds is not known here.
fn check_ranges(model: &Model, sink: &mut Sink) {
    let mut by_vpc: BTreeMap<&Address, Vec<(Cidr, &Resource)>> = BTreeMap::new();
    for subnet in model.resources.of_kind(Subnet::KIND).filter(|r| !r.existing) {
        let (Some(vpc), Some(Value::Cidr(range))) = (subnet.reference("vpc"), subnet.record.get("cidr_block")) else { continue };
        by_vpc.entry(vpc).or_default().push((*range, subnet));
    }
    for (vpc, mut subnets) in by_vpc {
        let vpc = model.resources.get(vpc).filter(|v| !v.existing);
        if let Some(vpc) = vpc
            && let wholes = placement::networks(vpc)
            && let Some(whole) = wholes.first()
        {
            for (range, subnet) in subnets.iter().filter(|(range, _)| !wholes.iter().any(|whole| whole.contains(*range))) {
                let (at, vpc_at) = (subnet.span_of("cidr_block"), vpc.span_of("cidr_block"));
                sink.push(network::subnet_outside_vpc((&subnet.address, *range, at), (&vpc.address, *whole, vpc_at)));
            }
        }
        subnets.sort_by_key(|(range, subnet)| (*range, subnet.span));
        // Networks nest or are apart, so whatever overlaps an earlier one lies in the widest so far.
        let mut widest: Option<(Cidr, &Resource)> = None;
        for (range, subnet) in subnets {
            match widest {
                Some((before, other)) if before.overlaps(range) => {
                    let (at, other_at) = (subnet.span_of("cidr_block"), other.span_of("cidr_block"));
                    sink.push(network::subnets_overlap((&subnet.address, range, at), (&other.address, before, other_at)));
                }
                _ => widest = Some((range, subnet)),
            }
        }
    }
}

/// What is written of IPv6 goes together, as far as it can be told before AWS has chosen.
fn check_ipv6(model: &Model, sink: &mut Sink) {
    let mut taken: BTreeMap<String, &Resource> = BTreeMap::new();
    for subnet in placement::managed(model, Subnet::KIND) {
        check_native(subnet, sink);
        let at = subnet.span_of("ipv6_cidr_block");
        let Some(network) = subnet.record.get("ipv6_cidr_block").filter(|v| **v != Value::Null) else { continue };
        placement::wants_ipv6(subnet, model, at, sink);
        match bits_of(network, model) {
            Some(64) | None => {}
            Some(bits) => sink.push(space::not_64(&subnet.address, &network.to_string(), bits, at)),
        }
        match taken.get(&network.to_string()) {
            Some(first) => {
                let other = (&first.address, first.span_of("ipv6_cidr_block"));
                sink.push(space::same_ipv6((&subnet.address, at), other, &network.to_string()));
            }
            None => drop(taken.insert(network.to_string(), subnet)),
        }
    }
}

/// IPv6 alone, or IPv4 with or without it.
fn check_native(subnet: &Resource, sink: &mut Sink) {
    let written = |name: &str| subnet.record.get(name).is_some_and(|v| !matches!(v, Value::Null | Value::Bool(false)));
    let mut complain = |message: &str, name: &str, help: &str| {
        let at = subnet.span_of(name).or(subnet.span);
        sink.push(space::ipv6_native(&subnet.address, message, at, help));
    };
    match (is(&subnet.record, "ipv6_native"), written("cidr_block"), written("ipv6_cidr_block")) {
        (true, true, _) => complain("has IPv6 alone, and an IPv4 range", "cidr_block", "remove `cidr_block`, or `ipv6_native`"),
        (true, false, false) => {
            complain("has IPv6 alone, and no network of it", "ipv6_native", "write `ipv6_cidr_block = subnets(vpc.main.ipv6_cidr_block, 8)[1]`");
        }
        (false, false, _) => complain("has no IPv4 range", "cidr_block", "write `cidr_block`, or `ipv6_native = true` with an `ipv6_cidr_block`"),
        (false, true, false) if written("assign_ipv6_address_on_creation") => {
            let help = "write `ipv6_cidr_block`, or leave `assign_ipv6_address_on_creation` out";
            complain("has no IPv6 addresses to give", "assign_ipv6_address_on_creation", help);
        }
        _ => {}
    }
    if is(&subnet.record, "ipv6_native") && written("map_public_ip_on_launch") {
        complain("has no IPv4 address that could be public", "map_public_ip_on_launch", "remove `map_public_ip_on_launch`");
    }
}

/// How many bits the prefix of a network has; what AWS chooses for a VPC is a /56.
fn bits_of(network: &Value, model: &Model) -> Option<u8> {
    match network {
        Value::Cidr(cidr) => Some(if cidr.family() == Family::V6 { cidr.prefix() } else { 0 }),
        Value::Attribute(vpc, name) if name == "ipv6_cidr_block" && vpc.kind() == "vpc" => Some(56),
        Value::Attribute(subnet, name) if name == "ipv6_cidr_block" => bits_of(model.resources.get(subnet)?.record.get(name)?, model),
        Value::Subnet(of, bits, _) => bits_of(of, model).map(|of| of.saturating_add(*bits)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::sample::{complaints, list, model, net, network, reference, resource};

    #[test]
    fn what_ec2_lists_is_what_was_asked() {
        let item = json!({
            "SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24", "AvailabilityZone": "us-east-1a",
            "MapPublicIpOnLaunch": true, "State": "available",
        });
        let record = Subnet::observe(&item).expect("it stands").record;
        assert_eq!(record["cidr_block"], net("10.0.1.0/24"));
        assert_eq!((&record["vpc"], &record["map_public_ip_on_launch"]), (&Value::text("vpc-1"), &Value::Bool(true)));
    }

    #[test]
    fn ranges_lie_in_their_vpc_and_apart() {
        let subnet = |name, range| resource(name, &[("vpc", reference("vpc.main")), ("cidr_block", net(range))]);
        let wrong = network([subnet("subnet.inside_app", "10.0.1.128/25"), subnet("subnet.outside", "10.1.0.0/24")]);
        let expected = ["E0301 subnet `outside` lies outside the range of `vpc.main`", "E0302 subnets `inside_app` and `app` overlap"];
        assert_eq!(complaints(&wrong), expected);
    }

    #[test]
    fn ranges_have_a_size_that_ec2_takes() {
        let vpc = |range| model([resource("vpc.main", &[("cidr_block", net(range))])]);
        assert_eq!(complaints(&vpc("10.0.0.0/8")), ["E0314 EC2 takes no vpc with the range `10.0.0.0/8`"]);
        assert_eq!(complaints(&vpc("2001:db8::/56")), ["E0314 EC2 takes no vpc with the range `2001:db8::/56`"]);
        let small = network([resource("subnet.small", &[("vpc", reference("vpc.main")), ("cidr_block", net("10.0.2.0/29"))])]);
        assert_eq!(complaints(&small), ["E0314 EC2 takes no subnet with the range `10.0.2.0/29`"]);
    }

    #[test]
    fn an_address_is_given_once() {
        let interface = |name, ip| {
            let groups = ("security_groups", list([reference("security_group.a")]));
            resource(name, &[("subnet", reference("subnet.app")), groups, ("private_ip_address", net(ip))])
        };
        let two = |ip| network([interface("network_interface.a", "10.0.1.10"), interface("network_interface.b", ip)]);
        assert_eq!(complaints(&two("10.0.1.11")), [""; 0]);
        let expected = ["E0315 `network_interface.a` and `network_interface.b` have the same address `10.0.1.10`"];
        assert_eq!(complaints(&two("10.0.1.10")), expected);
    }

    #[test]
    fn the_defaults_that_hold_for_it_are_told() {
        let table = resource("route_table.app", &[("vpc", reference("vpc.main")), ("subnets", list([reference("subnet.app")]))]);
        let model = model(network([table]).resources.values().cloned());
        let told = Subnet::attached(model.resources.get(&Address::new("subnet", "app")).expect("it is there"), &model);
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("subnet.app: the default network ACL of vpc.main"), "{told:?}");
    }
}

#[cfg(feature = "aws")]
mod aws {
    use crate::{action, ec2::Action, shown, words};

    shown! {
        Subnet(
            assign_ipv6_address_on_creation, availability_zone, availability_zone_id, available_ip_address_count, cidr_block, default_for_az,
            enable_dns64, ipv6_cidr_block_association_set, ipv6_native, map_public_ip_on_launch, owner_id, private_dns_name_options_on_launch,
            state, subnet_arn, subnet_id, tags, vpc_id,
        );
        PrivateDnsNameOptionsOnLaunch(enable_resource_name_dns_aaaa_record, enable_resource_name_dns_a_record, hostname_type);
        SubnetIpv6CidrBlockAssociation(association_id, ipv6_cidr_block, ipv6_cidr_block_state);
        SubnetCidrBlockState(state, status_message);
    }

    words! { HostnameType, SubnetCidrBlockStateCode, SubnetState }

    pub(super) const ACTIONS: &[Action] = &[
        action!(CreateSubnet: create_subnet(
            set_availability_zone, set_availability_zone_id, set_cidr_block, set_ipv6_cidr_block, set_ipv6_native, set_tag_specifications,
            set_vpc_id,
        ) -> (subnet)),
        action!(DeleteSubnet: delete_subnet(set_subnet_id) -> ()),
        action!(DescribeSubnets: describe_subnets(set_filters, set_max_results, set_next_token, set_subnet_ids) -> (next_token, subnets)),
        action!(ModifySubnetAttribute: modify_subnet_attribute(
            set_assign_ipv6_address_on_creation, set_enable_dns64, set_enable_resource_name_dns_aaaa_record_on_launch,
            set_enable_resource_name_dns_a_record_on_launch, set_map_public_ip_on_launch, set_private_dns_hostname_type_on_launch, set_subnet_id,
        ) -> ()),
        action!(AssociateSubnetCidrBlock: associate_subnet_cidr_block(set_ipv6_cidr_block, set_subnet_id)
            -> (ipv6_cidr_block_association, subnet_id)),
        action!(DisassociateSubnetCidrBlock: disassociate_subnet_cidr_block(set_association_id)
            -> (ipv6_cidr_block_association, subnet_id)),
    ];
}
