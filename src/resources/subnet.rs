//! A subnet: CreateSubnet and what belongs to it.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSubnet.html>

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    base::{address::Address, cidr::Cidr, codes::network, diagnostic::Sink},
    call::{Arg, Call, Json, Settle},
    declared,
    registry::{Listing, Observed, ResourceType, Update},
    resource,
    resources::{read::Reader, vpc::Vpc},
    schema::{
        attr::{Kind, Ref, Val},
        model::{Model, Resource},
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
        /// Its IPv4 range, inside that of the VPC.
        cidr_block: Val<Cidr>, Replace;
        /// Its zone, such as `us-east-1a`; EC2 picks one where it is not written.
        availability_zone: Option<Val<Arc<str>>>, Replace;
        /// Whether instances placed in it get a public address.
        map_public_ip_on_launch: Val<bool> = Value::Bool(false), InPlace;
        /// Its id.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

impl ResourceType for Subnet {
    declared!();

    const ID_PREFIX: &'static str = "subnet-";
    const TAG_TYPE: Option<&'static str> = Some("subnet");
    const CREATED_ID: &'static [&'static str] = &["Subnet", "SubnetId"];
    const LISTING: Listing = Listing::new("DescribeSubnets", &["Subnets"], "SubnetId", "subnet-id", Some(1000));
    const UPDATES: &'static [Update] = &[Update {
        attrs: &["map_public_ip_on_launch"],
        after_create: |r| r.get("map_public_ip_on_launch") == Some(&Value::Bool(true)),
        calls: |at, r| {
            let value = Arg::map([("Value", r.get("map_public_ip_on_launch").unwrap_or(&Value::Bool(false)).into())]);
            vec![Call::new("ModifySubnetAttribute", [("SubnetId", Arg::id(at)), ("MapPublicIpOnLaunch", value)])]
        },
    }];
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = aws::ACTIONS;

    fn check(model: &Model, sink: &mut Sink) {
        check_ranges(model, sink);
    }

    fn attached(this: &Resource, model: &Model) -> Vec<String> {
        let named_by = |kind: &str| {
            let names = |r: &&Resource| r.parts.iter().any(|p| p.record.get("subnet").and_then(Value::as_resource) == Some(&this.address));
            model.resources.values().filter(|r| r.address.kind() == kind).any(|r| names(&r))
        };
        let vpc = this.reference("vpc").map_or_else(|| "its VPC".to_owned(), Address::to_string);
        let table = (!named_by("route_table")).then(|| format!("{}: the main route table of {vpc}, since no route table names it", this.address));
        let acl = (!named_by("network_acl"))
            .then(|| format!("{}: the default network ACL of {vpc}, which lets everything pass, since no ACL names it", this.address));
        table.into_iter().chain(acl).collect()
    }

    fn create(&self, at: &Address) -> Vec<Call> {
        let zone = self.availability_zone.as_ref().map_or(Arg::Known(Json::Null), Val::arg);
        let params = [("VpcId", self.vpc.arg()), ("CidrBlock", self.cidr_block.arg()), ("AvailabilityZone", zone)];
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
            .done(&["SubnetId"], vec![])
    }
}

fn available(at: &Address) -> Settle {
    Settle::new("DescribeSubnets", "subnet-id", &["Subnets"], "SubnetId", &["State"], &["available"], Arg::id(at))
}

/// Every subnet lies in its VPC, and no two of a VPC overlap. What an existing VPC holds is not known here.
fn check_ranges(model: &Model, sink: &mut Sink) {
    let mut by_vpc: BTreeMap<&Address, Vec<(Cidr, &Resource)>> = BTreeMap::new();
    for subnet in model.resources.values().filter(|r| r.address.kind() == Subnet::KIND && !r.existing) {
        let (Some(vpc), Some(Value::Cidr(range))) = (subnet.reference("vpc"), subnet.record.get("cidr_block")) else { continue };
        by_vpc.entry(vpc).or_default().push((*range, subnet));
    }
    for (vpc, mut subnets) in by_vpc {
        let vpc = model.resources.get(vpc).filter(|v| !v.existing);
        if let Some(vpc) = vpc
            && let Some(Value::Cidr(whole)) = vpc.record.get("cidr_block")
        {
            for (range, subnet) in subnets.iter().filter(|(range, _)| !whole.contains(*range)) {
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

#[cfg(feature = "aws")]
mod aws {
    use crate::{action, ec2::Action, shown, words};

    shown! {
        Subnet(
            assign_ipv6_address_on_creation, availability_zone, availability_zone_id, available_ip_address_count, cidr_block, default_for_az,
            ipv6_cidr_block_association_set, ipv6_native, map_public_ip_on_launch, owner_id, state, subnet_arn, subnet_id, tags, vpc_id,
        );
        SubnetIpv6CidrBlockAssociation(association_id, ipv6_cidr_block, ipv6_cidr_block_state);
        SubnetCidrBlockState(state, status_message);
    }

    words! { SubnetCidrBlockStateCode, SubnetState }

    pub(super) const ACTIONS: &[Action] = &[
        action!(CreateSubnet: create_subnet(
            set_availability_zone, set_availability_zone_id, set_cidr_block, set_ipv6_cidr_block, set_tag_specifications, set_vpc_id,
        ) -> (subnet)),
        action!(DeleteSubnet: delete_subnet(set_subnet_id) -> ()),
        action!(DescribeSubnets: describe_subnets(set_filters, set_max_results, set_next_token, set_subnet_ids) -> (next_token, subnets)),
        action!(ModifySubnetAttribute: modify_subnet_attribute(set_assign_ipv6_address_on_creation, set_map_public_ip_on_launch, set_subnet_id)
            -> ()),
    ];
}
