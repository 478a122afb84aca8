//! A VPC: CreateVpc and what belongs to it.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpc.html>

use std::collections::BTreeMap;

use serde_json::json;

use crate::{
    base::{
        address::Address,
        cidr::{Cidr, Family},
        codes::{network as network_codes, space},
        diagnostic::Sink,
    },
    call::{Arg, Call, Json, Request, Settle},
    declared,
    net::{self, Net, desired::{self, Desired}},
    registry::{Batch, Listing, Observed, PartSpec, Patience, Removal, ResourceType, Update, quota::{Per, Quota}},
    resource,
    resources::{
        dhcp_options::DhcpOptions,
        part::{arg, show_value},
        placement,
        read::{Reader, at, list, text},
    },
    schema::{
        attr::{Kind, Ref, Set, Val, Word, Words},
        model::{Model, Part, Resource},
        value::{Record, Value},
    },
};

resource! {
    /// An isolated network with an address range of its own.
    ///
    /// EC2 gives every VPC a main route table, a default network ACL that lets everything pass and a default
    /// security group; the plan names them, and nothing that secnet makes is placed in them.
    Vpc = "vpc" {
        /// Its IPv4 range, /16 to /28. Changing it makes a new VPC.
        cidr_block: Val<Cidr>, Replace;
        /// Further IPv4 networks, /16 to /28, in which its subnets may lie as well. They come before the first subnet in
        /// them and go after the last.
        secondary_cidr_blocks: Set<Val<Cidr>> = Value::List(vec![]), Parts;
        /// Whether it has an IPv6 network too, a /56 that AWS chooses: `ipv6_cidr_block`. It comes and goes while the VPC
        /// stands. Where it is there, `anywhere` in rules, entries and routes is `::/0` as well.
        amazon_provided_ipv6_cidr_block: Val<bool> = Value::Bool(false), Parts;
        /// On whose hardware its instances run: `"dedicated"` is on none that others use, and costs more. Changing it makes
        /// a new VPC.
        instance_tenancy: Val<Word<Tenancy>> = Value::text("default"), Replace;
        /// Whether EC2's resolver answers inside the VPC.
        enable_dns_support: Val<bool> = Value::Bool(true), InPlace;
        /// Whether instances with public addresses get public host names.
        enable_dns_hostnames: Val<bool> = Value::Bool(false), InPlace;
        /// Whether CloudWatch counts how many of its addresses are used. Not read back: that would take a call for each VPC.
        enable_network_address_usage_metrics: Val<bool> = Value::Bool(false), InPlace;
        /// What its machines are told by DHCP; where it is not written, that Amazon's own resolver answers.
        dhcp_options: Option<Ref<DhcpOptions>>, InPlace;
        /// The IPv6 network that AWS has chosen. `subnets(vpc.main.ipv6_cidr_block, 8)[1]` may be written before it is
        /// known.
        ipv6_cidr_block: Option<Val<Cidr>>, Computed;
        /// Whether it is the region's default VPC.
        is_default: Option<Val<bool>>, Computed;
        /// Its id.
        id: Option<Val<std::sync::Arc<str>>>, Computed;
    }
}

/// On whose hardware instances run.
#[derive(Debug, Clone, PartialEq)]
pub struct Tenancy;

impl Words for Tenancy {
    const ALL: &'static [&'static str] = &["default", "dedicated"];
}

const ATTRIBUTES: [(&str, &str); 2] = [("enableDnsSupport", "EnableDnsSupport"), ("enableDnsHostnames", "EnableDnsHostnames")];

impl ResourceType for Vpc {
    declared!();

    const EXAMPLE: &'static str = r#"# A network of 65,536 addresses, in which instances with public addresses get public host names.
vpc main {
  cidr_block           = 10.0.0.0/16
  enable_dns_hostnames = true
  tags                 = { Name = "main" }
}
"#;

    const ID_PREFIX: &'static str = "vpc-";
    const OPENS: &'static [&'static str] = &[""];
    const PATIENCE: Patience = Patience::HELD;
    const TAG_TYPE: Option<&'static str> = Some("vpc");
    const UNTOLD: &'static [&'static str] = &["enable_network_address_usage_metrics"];
    const QUOTAS: &'static [Quota] = &[Quota::new("VPCs per Region", "L-F678F1CE", 5, Per::Region),Quota::new("IPv4 CIDR blocks per VPC", "L-83CA0A9D", 5, Per::Part("secondary_network")).up_to(50).besides(1)];
    const CREATED_ID: &'static [&'static str] = &["Vpc", "VpcId"];
    // DescribeVpcAttribute has no bulk form: two calls for each VPC that is managed.
    const LISTING: Listing =
        Listing { more: attribute_reads, merge: merge_attribute, ..Listing::new("DescribeVpcs", &["Vpcs"], "VpcId", "vpc-id", Some(1000)) };
    // No hostnames without support.
    const ONE_AT_A_TIME: bool = true;
    const UPDATES: &'static [Update] = &[
        Update {
            attrs: &["enable_dns_support"],
            after_create: |r| r.get("enable_dns_support") == Some(&Value::Bool(false)),
            calls: |at, r| vec![modify(at, "EnableDnsSupport", r.get("enable_dns_support"))],
        },
        Update {
            attrs: &["enable_dns_hostnames"],
            after_create: |r| r.get("enable_dns_hostnames") == Some(&Value::Bool(true)),
            calls: |at, r| vec![modify(at, "EnableDnsHostnames", r.get("enable_dns_hostnames"))],
        },
        Update {
            attrs: &["enable_network_address_usage_metrics"],
            after_create: |r| r.get("enable_network_address_usage_metrics") == Some(&Value::Bool(true)),
            calls: |at, r| vec![modify(at, "EnableNetworkAddressUsageMetrics", r.get("enable_network_address_usage_metrics"))],
        },
        Update {
            attrs: &["dhcp_options"],
            after_create: |r| r.get("dhcp_options").is_some_and(|v| *v != Value::Null),
            calls: |at, r| {
                let options = r.get("dhcp_options").filter(|v| **v != Value::Null).map_or(Arg::text("default"), Arg::from_value);
                vec![Call::new("AssociateDhcpOptions", [("VpcId", Arg::id(at)), ("DhcpOptionsId", options)])]
            },
        },
    ];
    const PARTS: &'static [PartSpec] = &[
        PartSpec {
            name: "secondary_network",
            doc: "A further IPv4 network, joined to the VPC by an association of its own.",
            key: &["network"],
            create: |at, parts| network_batches(parts, |part| associate(at, &V4, "CidrBlock", arg(part, "network"))),
            delete: |at, parts| network_batches(parts, |part| disassociate(at, &V4, part)),
            show: |part| format!("network {}", show_value(part.get("network"))),
            ..NETWORK
        },
        PartSpec {
            name: "ipv6_network",
            doc: "The IPv6 network that AWS chooses out of its own.",
            key: &[],
            create: |at, parts| network_batches(parts, |_| associate(at, &V6, "AmazonProvidedIpv6CidrBlock", Arg::Known(true.into()))),
            delete: |at, parts| network_batches(parts, |part| disassociate(at, &V6, part)),
            show: |_| "IPv6 network that AWS provides".into(),
            ..NETWORK
        },
    ];
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = aws::ACTIONS;

    fn check(model: &Model, sink: &mut Sink) {
        placement::range_size(model, Self::KIND, sink);
        placement::managed(model, Self::KIND).for_each(|vpc| check_secondary(vpc, sink));
    }

    fn desired_parts(&self, this: &Resource, _model: &Model, _sink: &mut Sink) -> Vec<Part> {
        let secondary = self.secondary_cidr_blocks.0.iter().map(|network| Part {
            name: "secondary_network",
            record: Record::from([("network".into(), network.value.clone())]),
            span: this.span_of("secondary_cidr_blocks"),
        });
        let ipv6 = (self.amazon_provided_ipv6_cidr_block.known == Some(true)).then(|| Part {
            name: "ipv6_network",
            record: Record::new(),
            span: this.span_of("amazon_provided_ipv6_cidr_block"),
        });
        secondary.chain(ipv6).collect()
    }

    fn attached(this: &Resource, model: &Model) -> Vec<String> {
        Self::attached_to(&[this], model).into_iter().flatten().collect()
    }

    fn attached_to(all: &[&Resource], model: &Model) -> Vec<Vec<String>> {
        let given = [
            ("route_table", "a main route table"),
            ("network_acl", "a default network ACL that lets everything pass"),
            ("security_group", "a default security group whose members reach each other"),
        ];
        let given = given.map(|(kind, words)| (placement::all_adopted(model, kind), words));
        let of = |this: &&Resource| {
            let left: Vec<&str> = given.iter().filter(|(adopted, _)| !adopted.contains(&this.address)).map(|(_, words)| *words).collect();
            match left.as_slice() {
                [] => vec![],
                [one] => vec![format!("{}: {one}", this.address)],
                [a, b] => vec![format!("{}: {a}, and {b}", this.address)],
                [first @ .., last] => vec![format!("{}: {}, and {last}", this.address, first.join(", "))],
            }
        };
        all.iter().map(of).collect()
    }

    fn network(this: &Resource, desired: &Desired<'_>, net: &mut Net) {
        let id = desired::id(&this.address);
        let further = this.parts.iter().filter(|p| p.name == "secondary_network").filter_map(|p| desired.network(p.record.get("network")?));
        let cidrs = desired.cidr(this, "cidr_block").into_iter().chain(further).chain(desired.ipv6_network(&this.address)).collect();
        net.vpcs.push(net::Vpc { id: id.clone(), cidrs, region: "".into(), account: "".into(), origin: desired::origin(this) });
        if this.existing {
            net.unread(&id, "a VPC of which only what the project names is known", desired::origin(this));
        }
    }

    fn create(&self, at: &Address) -> Vec<Call> {
        let params = [("CidrBlock", self.cidr_block.arg()), ("InstanceTenancy", self.instance_tenancy.arg())];
        vec![Call::new("CreateVpc", params).tagged("vpc").settle(available(at))]
    }

    fn delete(at: &Address, _record: &Record) -> Vec<Call> {
        vec![Call::new("DeleteVpc", [("VpcId", Arg::id(at))])]
    }

    fn observe(item: &Json) -> Option<Observed> {
        Reader::new(item)
            .cidr("cidr_block", &["CidrBlock"])
            .bool("is_default", &["IsDefault"])
            .bool("enable_dns_support", &["EnableDnsSupport", "Value"])
            .bool("enable_dns_hostnames", &["EnableDnsHostnames", "Value"])
            .text("instance_tenancy", &["InstanceTenancy"])
            .text("dhcp_options", &["DhcpOptionsId"])
            .value("ipv6_cidr_block", Some(ipv6_network(item)))
            .done(&["VpcId"], observed_networks(item))
    }
}

/// What the parts of a VPC that are networks have in common.
const NETWORK: PartSpec = PartSpec {
    name: "",
    doc: "",
    key: &[],
    content: &[],
    create: |_, _| vec![],
    change: None,
    delete: |_, _| vec![],
    removal: Removal::First,
    create_first: false,
    essential: true,
    governs: None,
    takes_over: false,
    show: |_| String::new(),
};

/// How EC2 lists the networks of a family: list of associations, member with the network, with its state, filter by association.
struct Networks {
    list: &'static str,
    network: &'static str,
    state: &'static str,
    filter: &'static str,
    answer: &'static str,
}

const V4: Networks = Networks {
    list: "CidrBlockAssociationSet",
    network: "CidrBlock",
    state: "CidrBlockState",
    filter: "cidr-block-association.association-id",
    answer: "CidrBlockAssociation",
};

const V6: Networks = Networks {
    list: "Ipv6CidrBlockAssociationSet",
    network: "Ipv6CidrBlock",
    state: "Ipv6CidrBlockState",
    filter: "ipv6-cidr-block-association.association-id",
    answer: "Ipv6CidrBlockAssociation",
};

/// One network, one task: each is of use as soon as it is there.
fn network_batches(parts: &[&Record], calls: impl Fn(&Record) -> Vec<Call>) -> Vec<Batch> {
    parts.iter().enumerate().map(|(i, part)| Batch { of: vec![i], calls: calls(part) }).collect()
}

/// Joins a network, waits until it is of use, and learns what it is.
fn associate(at: &Address, family: &Networks, parameter: &str, value: Arg) -> Vec<Call> {
    let association = Arg::Answer(0, vec![family.answer.into(), "AssociationId".into()]);
    let (items, state) = (["Vpcs", family.list], [family.state, "State"]);
    let settle = Settle::new("DescribeVpcs", family.filter, &items, "AssociationId", &state, &["associated"], association);
    let told = Call::new("DescribeVpcs", [("VpcIds", Arg::List(vec![Arg::id(at)]))]).settle(available(at));
    vec![Call::new("AssociateVpcCidrBlock", [("VpcId", Arg::id(at)), (parameter, value)]).settle(settle.or_fail(&["failed"], &[])), told]
}

/// By the association's id, which was observed with it; else it is looked up first.
fn disassociate(at: &Address, family: &Networks, part: &Record) -> Vec<Call> {
    let call = |id| Call::new("DisassociateVpcCidrBlock", [("AssociationId", id)]).satisfied_by(&["InvalidVpcCidrBlockAssociationID.NotFound"]);
    if part.contains_key("association_id") {
        return vec![call(arg(part, "association_id"))];
    }
    let id = Arg::find(0, &["Vpcs", family.list], family.network, arg(part, "network"), "AssociationId");
    vec![Call::new("DescribeVpcs", [("VpcIds", Arg::List(vec![Arg::id(at)]))]), call(id)]
}

/// The networks of a family that are there or on their way: network and association.
fn networks<'a>(item: &'a Json, family: &Networks) -> Vec<(Cidr, &'a Json)> {
    let there = |a: &&Json| matches!(text(a, &[family.state, "State"]), None | Some("associated" | "associating"));
    list(item, &[family.list]).iter().filter(there).filter_map(|a| Some((text(a, &[family.network])?.parse().ok()?, a))).collect()
}

/// The network of AWS's own: one that somebody brought along is not the project's.
fn amazons(item: &Json) -> Option<(Cidr, &Json)> {
    networks(item, &V6).into_iter().find(|(_, a)| text(a, &["Ipv6Pool"]).is_none_or(|pool| pool == "Amazon"))
}

fn ipv6_network(item: &Json) -> Value {
    amazons(item).map_or(Value::Null, |(network, _)| Value::Cidr(network))
}

fn observed_networks(item: &Json) -> Vec<(&'static str, Record)> {
    let id = |a: &Json| text(a, &["AssociationId"]).map(|id| ("association_id".to_owned(), Value::text(id)));
    let first = text(item, &["CidrBlock"]).and_then(|t| t.parse().ok());
    let secondary = networks(item, &V4).into_iter().filter(|(network, _)| Some(*network) != first).map(|(network, a)| {
        ("secondary_network", Record::from_iter([("network".to_owned(), Value::Cidr(network))].into_iter().chain(id(a))))
    });
    secondary.chain(amazons(item).map(|(_, a)| ("ipv6_network", Record::from_iter(id(a))))).collect()
}

/// What EC2 lets join a network: <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html#add-cidr-block-restrictions>.
fn check_secondary(vpc: &Resource, sink: &mut Sink) {
    let Some(Value::Cidr(first)) = vpc.record.get("cidr_block") else { return };
    let at = vpc.span_of("secondary_cidr_blocks");
    let secondary: Vec<Cidr> = placement::networks(vpc).into_iter().skip(1).collect();
    for (i, network) in secondary.iter().enumerate() {
        let before = secondary.iter().take(i).find(|other| other.overlaps(*network));
        if network.family() == Family::V6 || !(16..=28).contains(&network.prefix()) {
            sink.push(network_codes::range_size(&vpc.address, *network, at));
        } else if first.overlaps(*network) {
            sink.push(space::networks_overlap(&vpc.address, *network, at, *first, vpc.span_of("cidr_block")));
        } else if let Some(before) = before {
            sink.push(space::networks_overlap(&vpc.address, *network, at, *before, None));
        } else if block_of(*network).is_some_and(|block| block_of(*first) != Some(block)) {
            sink.push(space::networks_apart(&vpc.address, *network, at, *first, vpc.span_of("cidr_block")));
        }
    }
    if secondary.len() >= NETWORKS_MAX {
        sink.push(space::too_many_networks(&vpc.address, secondary.len() + 1, NETWORKS_MAX, at));
    }
}

/// How many IPv4 networks a VPC can have at most; five where nobody has asked AWS for more.
const NETWORKS_MAX: usize = 50;

/// The private block that a network is part of: networks of two of them do not go together in a VPC.
fn block_of(network: Cidr) -> Option<usize> {
    const BLOCKS: [&str; 4] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "198.19.0.0/16"];
    BLOCKS.iter().position(|block| block.parse().is_ok_and(|block: Cidr| block.overlaps(network)))
}

fn modify(at: &Address, attribute: &str, value: Option<&Value>) -> Call {
    let value = Arg::map([("Value", value.map_or(Arg::Known(Json::Null), Arg::from_value))]);
    Call::new("ModifyVpcAttribute", [("VpcId", Arg::id(at)), (attribute, value)])
}

fn available(at: &Address) -> Settle {
    Settle::new("DescribeVpcs", "vpc-id", &["Vpcs"], "VpcId", &["State"], &["available"], Arg::id(at))
}

fn attribute_reads(ids: &[String]) -> Vec<Request> {
    let read = |id| ATTRIBUTES.map(|(name, _)| Request::new("DescribeVpcAttribute", json!({"VpcId": id, "Attribute": name})));
    ids.iter().flat_map(read).collect()
}

fn merge_attribute(items: &mut BTreeMap<String, Json>, request: &Request, answer: &Json) {
    let wanted = text(&request.params, &["Attribute"]);
    let item = text(&request.params, &["VpcId"]).and_then(|id| items.get_mut(id));
    let member = ATTRIBUTES.iter().find(|(name, _)| Some(*name) == wanted).map(|(_, member)| *member);
    if let (Some(item), Some(member)) = (item, member)
        && let Some(value) = at(answer, &[member])
    {
        item[member] = value.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::sample::net;

    #[test]
    fn what_ec2_lists_is_what_was_asked() {
        let item = json!({"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16", "IsDefault": false, "State": "available"});
        let mut items = BTreeMap::from([("vpc-1".to_owned(), item)]);
        for read in attribute_reads(&["vpc-1".into()]) {
            let on = json!({"VpcId": "vpc-1", "EnableDnsSupport": {"Value": true}});
            let off = json!({"VpcId": "vpc-1", "EnableDnsHostnames": {"Value": false}});
            let answer = if text(&read.params, &["Attribute"]) == Some("enableDnsSupport") { on } else { off };
            merge_attribute(&mut items, &read, &answer);
        }
        let record = Vpc::observe(&items["vpc-1"]).expect("it stands").record;
        assert_eq!(record["cidr_block"], net("10.0.0.0/16"));
        assert_eq!((&record["enable_dns_support"], &record["enable_dns_hostnames"]), (&Value::Bool(true), &Value::Bool(false)));
    }
}

#[cfg(feature = "aws")]
mod aws {
    use crate::{action, ec2::Action, shown, words};

    shown! {
        Vpc(
            cidr_block, cidr_block_association_set, dhcp_options_id, instance_tenancy, ipv6_cidr_block_association_set, is_default, owner_id,
            state, tags, vpc_id,
        );
        VpcCidrBlockAssociation(association_id, cidr_block, cidr_block_state);
        VpcIpv6CidrBlockAssociation(association_id, ipv6_cidr_block, ipv6_cidr_block_state, ipv6_pool, network_border_group);
        VpcCidrBlockState(state, status_message);
    }

    words! { Tenancy, VpcAttributeName, VpcCidrBlockStateCode, VpcState }

    pub(super) const ACTIONS: &[Action] = &[
        action!(CreateVpc: create_vpc(set_amazon_provided_ipv6_cidr_block, set_cidr_block, set_instance_tenancy, set_tag_specifications)
            -> (vpc)),
        action!(DeleteVpc: delete_vpc(set_vpc_id) -> ()),
        action!(DescribeVpcs: describe_vpcs(set_filters, set_max_results, set_next_token, set_vpc_ids) -> (next_token, vpcs)),
        action!(DescribeVpcAttribute: describe_vpc_attribute(set_attribute, set_vpc_id)
            -> (enable_dns_hostnames, enable_dns_support, vpc_id)),
        action!(ModifyVpcAttribute: modify_vpc_attribute(
            set_enable_dns_hostnames, set_enable_dns_support, set_enable_network_address_usage_metrics, set_vpc_id,
        ) -> ()),
        action!(AssociateVpcCidrBlock: associate_vpc_cidr_block(set_amazon_provided_ipv6_cidr_block, set_cidr_block, set_vpc_id)
            -> (cidr_block_association, ipv6_cidr_block_association, vpc_id)),
        action!(DisassociateVpcCidrBlock: disassociate_vpc_cidr_block(set_association_id)
            -> (cidr_block_association, ipv6_cidr_block_association, vpc_id)),
        action!(AssociateDhcpOptions: associate_dhcp_options(set_dhcp_options_id, set_vpc_id) -> ()),
    ];
}
