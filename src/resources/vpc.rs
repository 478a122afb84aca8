//! A VPC: CreateVpc and what belongs to it.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpc.html>

use std::collections::BTreeMap;

use serde_json::json;

use crate::{
    base::{address::Address, cidr::Cidr, diagnostic::Sink},
    call::{Arg, Call, Json, Request, Settle},
    declared,
    net::{self, Net, desired::{self, Desired}},
    registry::{Listing, Observed, Patience, ResourceType, Update},
    resource,
    resources::{
        placement,
        read::{Reader, at, text},
    },
    schema::{
        attr::{Kind, Val},
        model::{Model, Resource},
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
        /// Whether EC2's resolver answers inside the VPC.
        enable_dns_support: Val<bool> = Value::Bool(true), InPlace;
        /// Whether instances with public addresses get public host names.
        enable_dns_hostnames: Val<bool> = Value::Bool(false), InPlace;
        /// Whether it is the region's default VPC.
        is_default: Option<Val<bool>>, Computed;
        /// Its id.
        id: Option<Val<std::sync::Arc<str>>>, Computed;
    }
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
    const PATIENCE: Patience = Patience::HELD;
    const TAG_TYPE: Option<&'static str> = Some("vpc");
    const CREATED_ID: &'static [&'static str] = &["Vpc", "VpcId"];
    // DescribeVpcAttribute has no bulk form: two calls for each VPC that is managed.
    const LISTING: Listing =
        Listing { more: attribute_reads, merge: merge_attribute, ..Listing::new("DescribeVpcs", &["Vpcs"], "VpcId", "vpc-id", Some(1000)) };
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
    ];
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = aws::ACTIONS;

    fn check(model: &Model, sink: &mut Sink) {
        placement::range_size(model, Self::KIND, sink);
    }

    fn attached(this: &Resource, model: &Model) -> Vec<String> {
        let given = [
            ("route_table", "a main route table"),
            ("network_acl", "a default network ACL that lets everything pass"),
            ("security_group", "a default security group whose members reach each other"),
        ];
        let left: Vec<&str> =
            given.iter().filter(|(kind, _)| placement::adopted(model, kind, &this.address).is_none()).map(|(_, words)| *words).collect();
        match left.as_slice() {
            [] => vec![],
            [one] => vec![format!("{}: {one}", this.address)],
            [a, b] => vec![format!("{}: {a}, and {b}", this.address)],
            [first @ .., last] => vec![format!("{}: {}, and {last}", this.address, first.join(", "))],
        }
    }

    fn network(this: &Resource, desired: &Desired<'_>, net: &mut Net) {
        let id = desired::id(&this.address);
        let cidrs = desired.cidr(this, "cidr_block").into_iter().collect();
        net.vpcs.push(net::Vpc { id: id.clone(), cidrs, region: "".into(), account: "".into(), origin: desired::origin(this) });
        if this.existing {
            net.unread(&id, "a VPC of which only what the project names is known", desired::origin(this));
        }
    }

    fn create(&self, at: &Address) -> Vec<Call> {
        vec![Call::new("CreateVpc", [("CidrBlock", self.cidr_block.arg())]).tagged("vpc").settle(available(at))]
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
            .done(&["VpcId"], vec![])
    }
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
        action!(ModifyVpcAttribute: modify_vpc_attribute(set_enable_dns_hostnames, set_enable_dns_support, set_vpc_id) -> ()),
    ];
}
