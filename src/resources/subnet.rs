//! A subnet: CreateSubnet and what belongs to it.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSubnet.html>

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    base::{address::Address, cidr::Cidr, codes::network, diagnostic::Sink},
    call::{Arg, Call, Json, Settle},
    declared,
    net::{self, Net, desired::{self, Desired}},
    registry::{Listing, Observed, Patience, ResourceType, Update},
    resource,
    resources::{placement, read::Reader, vpc::Vpc},
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

    const EXAMPLE: &'static str = r#"# The second of the VPC's 256 ranges of 256 addresses: 10.0.1.0/24.
subnet public {
  vpc                     = vpc.main
  cidr_block              = subnets(vpc.main.cidr_block, 8)[1]
  availability_zone       = "us-east-1a"
  map_public_ip_on_launch = true
}
"#;

    const ID_PREFIX: &'static str = "subnet-";
    const PATIENCE: Patience = Patience::HELD;
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
        placement::range_size(model, Self::KIND, sink);
        check_ranges(model, sink);
        placement::addresses_once(model, sink);
    }

    fn attached(this: &Resource, model: &Model) -> Vec<String> {
        let named_by = |kind| placement::managed(model, kind).any(|holder| placement::subnets(holder).any(|s| *s == this.address));
        let vpc = this.reference("vpc").map_or_else(|| "its VPC".to_owned(), Address::to_string);
        // What the project has adopted stands in its own sources.
        let adopted = |kind| this.reference("vpc").is_some_and(|vpc| placement::adopted(model, kind, vpc).is_some());
        let table = (!named_by("route_table") && !adopted("route_table")).then(|| format!("{}: the main route table of {vpc}, since no route table names it", this.address));
        let acl = (!named_by("network_acl") && !adopted("network_acl"))
            .then(|| format!("{}: the default network ACL of {vpc}, which lets everything pass, since no ACL names it", this.address));
        table.into_iter().chain(acl).collect()
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
        let cidrs = desired.cidr(this, "cidr_block").into_iter().collect();
        net.subnets.push(net::Subnet { id: own, vpc, cidrs, zone, origin: desired::origin(this) });
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
        let model = model(network([table]).resources.into_values());
        let told = Subnet::attached(&model.resources[&Address::new("subnet", "app")], &model);
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
