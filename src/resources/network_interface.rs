//! A network interface: CreateNetworkInterface and what belongs to it.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkInterface.html>

use std::{net::IpAddr, sync::Arc};

use crate::{
    base::{address::Address, diagnostic::Sink},
    call::{Arg, Call, Json, Settle},
    declared,
    net::{self, Net, desired::{self, Desired}},
    registry::{Listing, Observed, ResourceType, Shift, Update, quota::{self, Per, Quota}},
    resource,
    resources::{
        further,
        part::arg,
        placement,
        read::{Reader, text},
        security_group::SecurityGroup,
        subnet::Subnet,
    },
    schema::{
        attr::{Kind, Ref, Set, Val},
        model::{Model, Resource},
        value::{Record, Value},
    },
};

resource! {
    /// A network card of its own, with its address and groups, that can outlive the instance it is plugged into.
    ///
    /// An instance takes it as its primary interface by `network_interface`.
    NetworkInterface = "network_interface" {
        /// The subnet in which it stands.
        subnet: Ref<Subnet>, Replace;
        /// The groups whose rules hold for it. EC2 would give it the VPC's default group if none were named, so they
        /// must be.
        security_groups: Set<Ref<SecurityGroup>>, InPlace;
        /// Its primary address; EC2 picks a free one of the subnet where it is not written.
        private_ip_address: Option<Val<IpAddr>>, Replace;
        /// Its further IPv4 addresses in the subnet. Where nothing is written those that EC2 holds are left alone; `[]` takes
        /// them off. How many an interface may have depends on the type of its instance.
        secondary_private_ip_addresses: Option<Set<Val<IpAddr>>>, InPlace;
        /// Its IPv6 addresses; where nothing is written those that EC2 holds are left alone, `[]` takes them off.
        ipv6_addresses: Option<Set<Val<IpAddr>>>, InPlace;
        /// How many IPv6 addresses of the subnet EC2 chooses for it, in place of `ipv6_addresses`. Where neither is written, one
        /// if the subnet says `assign_ipv6_address_on_creation`.
        ipv6_address_count: Option<Val<i64>>, InPlace;
        /// Whether it drops packets that are neither from nor for its own addresses. A router or NAT instance needs
        /// `false`.
        source_dest_check: Val<bool> = Value::Bool(true), InPlace;
        /// What it is for, as the console shows it.
        description: Val<Arc<str>> = Value::text("Managed by secnet"), InPlace;
        /// Its hardware address.
        mac_address: Option<Val<Arc<str>>>, Computed;
        /// Its public address, where it has one.
        public_ip_address: Option<Val<IpAddr>>, Computed;
        /// Its zone.
        availability_zone: Option<Val<Arc<str>>>, Computed;
        /// Its id.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

impl ResourceType for NetworkInterface {
    declared!();

    const EXAMPLE: &'static str = r#"# Keeps its address whatever instance it is plugged into.
network_interface db {
  subnet             = subnet.private
  private_ip_address = host(subnet.private.cidr_block, 10)
  security_groups    = [security_group.db]
}

instance db {
  image             = ami("al2023")
  instance_type     = "t3.micro"
  network_interface = network_interface.db
}
"#;

    const ID_PREFIX: &'static str = "eni-";
    const OPENS: &'static [&'static str] = &[""];
    const ONCE: &'static [(&'static str, &'static [&'static str])] = &[("", &["subnet", "private_ip_address"])];
    const TAG_TYPE: Option<&'static str> = Some("network-interface");
    const PLACED_IN: &'static [&'static str] = &["subnet"];
    const QUOTAS: &'static [Quota] = &[
        quota::GROUPS_OF_INTERFACE,
        // It holds in each zone by itself.
        Quota::new("Network interfaces per Region", "L-DF5E4CA3", 5000, Per::RegionAsKnown).loosely(),
    ];
    const CREATED_ID: &'static [&'static str] = &["NetworkInterface", "NetworkInterfaceId"];
    const FILTERS: &'static [(&'static str, &'static str)] = &[("subnet", "subnet-id")];
    const LISTING: Listing =
        Listing::new("DescribeNetworkInterfaces", &["NetworkInterfaces"], "NetworkInterfaceId", "network-interface-id", Some(1000));
    const UPDATES: &'static [Update] = &[
        Update { attrs: &["security_groups"], after_create: |_| false, calls: |at, r| modify(at, "Groups", arg(r, "security_groups")) },
        Update {
            attrs: &["source_dest_check"],
            after_create: |r| r.get("source_dest_check") == Some(&Value::Bool(false)),
            calls: |at, r| modify(at, "SourceDestCheck", Arg::map([("Value", arg(r, "source_dest_check"))])),
        },
        Update {
            attrs: &["description"],
            after_create: |_| false,
            calls: |at, r| modify(at, "Description", Arg::map([("Value", arg(r, "description"))])),
        },
    ];
    const SHIFTS: &'static [Shift] = &[
        Shift {
            attr: further::SECONDARY,
            after_create: |r| further::some(r, further::SECONDARY),
            calls: |at, old, new| further::shift_secondary(&Arg::id(at), old, new),
        },
        Shift { attr: further::IPV6, after_create: |_| false, calls: |at, old, new| further::shift_ipv6(&Arg::id(at), old, new) },
        Shift { attr: further::IPV6_COUNT, after_create: |_| false, calls: |at, old, new| further::shift_count(&Arg::id(at), old, new) },
    ];
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = aws::ACTIONS;

    fn check(model: &Model, sink: &mut Sink) {
        for interface in placement::managed(model, Self::KIND) {
            placement::groups_of_same_vpc(interface, model, sink);
            placement::some_group(interface, sink);
            placement::address_in_subnet(interface, model, sink);
            further::check(interface, sink);
        }
    }

    fn network(this: &Resource, desired: &Desired<'_>, net: &mut Net) {
        let Some(subnet) = desired.reference(this, "subnet") else { return };
        let holder = desired.instance_on(&this.address);
        let owner = holder.map_or(net::Owner::Nobody, |h| net::Owner::Instance { id: desired::id(&h.address), running: true });
        net.interfaces.push(net::Interface {
            id: desired::id(&this.address),
            addresses: desired.addresses_in(this, &subnet, desired.elastic_ip_of(&this.address)),
            subnet,
            groups: desired.references(this, "security_groups"),
            source_dest_check: desired.is(this, "source_dest_check", true),
            owner,
            origin: desired::origin(this),
        });
    }

    fn create(&self, at: &Address) -> Vec<Call> {
        let params = [
            ("SubnetId", self.subnet.arg()),
            ("Groups", Arg::List(self.security_groups.0.iter().map(Ref::arg).collect())),
            ("PrivateIpAddress", self.private_ip_address.as_ref().map_or(Arg::Known(Json::Null), Val::arg)),
            ("Description", self.description.arg()),
        ];
        let six = self.ipv6_addresses.as_ref().map(|six| six.0.iter().map(|ip| ip.value.clone()).collect::<Vec<_>>());
        let params = params.into_iter().chain(further::ipv6_params(six.as_deref(), self.ipv6_address_count.as_ref().map(Val::arg)));
        vec![Call::new("CreateNetworkInterface", params).tagged("network-interface").with_token().settle(ready(at))]
    }

    fn created(answer: &Json) -> Option<(String, Record)> {
        let observed = Self::observe(answer.get("NetworkInterface")?)?;
        let known = ["private_ip_address", "mac_address"];
        Some((observed.id, observed.record.into_iter().filter(|(name, _)| known.contains(&&**name)).collect()))
    }

    fn delete(at: &Address, _record: &Record) -> Vec<Call> {
        vec![Call::new("DeleteNetworkInterface", [("NetworkInterfaceId", Arg::id(at))])]
    }

    fn observe(item: &Json) -> Option<Observed> {
        let [secondary, six, count] = further::observed(item);
        Reader::new(item)
            .value(secondary.0, Some(secondary.1))
            .value(six.0, Some(six.1))
            .value(count.0, Some(count.1))
            .text("subnet", &["SubnetId"])
            .texts("security_groups", &["Groups"], "GroupId")
            .ip("private_ip_address", &["PrivateIpAddress"])
            .bool("source_dest_check", &["SourceDestCheck"])
            .value("description", Some(Value::text(text(item, &["Description"]).unwrap_or_default())))
            .text("mac_address", &["MacAddress"])
            .ip("public_ip_address", &["Association", "PublicIp"])
            .text("availability_zone", &["AvailabilityZone"])
            .done(&["NetworkInterfaceId"], vec![])
    }
}

/// EC2 takes one attribute a call.
fn modify(at: &Address, attribute: &str, value: Arg) -> Vec<Call> {
    vec![Call::new("ModifyNetworkInterfaceAttribute", [("NetworkInterfaceId", Arg::id(at)), (attribute, value)])]
}

fn ready(at: &Address) -> Settle {
    let (action, items) = ("DescribeNetworkInterfaces", ["NetworkInterfaces"]);
    Settle::new(action, "network-interface-id", &items, "NetworkInterfaceId", &["Status"], &["available", "in-use"], Arg::id(at))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::sample::{complaints, list, net, network, reference, resource};

    #[test]
    fn what_ec2_lists_is_what_was_asked() {
        let item = json!({
            "NetworkInterfaceId": "eni-1", "SubnetId": "subnet-1", "VpcId": "vpc-1", "PrivateIpAddress": "10.0.1.9", "Status": "available",
            "Groups": [{"GroupId": "sg-2", "GroupName": "b"}, {"GroupId": "sg-1", "GroupName": "a"}], "SourceDestCheck": false,
            "Description": "router", "MacAddress": "0a:00:00:00:00:01", "TagSet": [{"Key": "Name", "Value": "router"}],
        });
        let observed = NetworkInterface::observe(&item).expect("it stands");
        let record = &observed.record;
        assert_eq!(record["security_groups"], list([Value::text("sg-1"), Value::text("sg-2")]));
        assert_eq!((&record["source_dest_check"], &record["description"]), (&Value::Bool(false), &Value::text("router")));
        assert_eq!((&record["private_ip_address"], &*observed.tags["Name"]), (&net("10.0.1.9"), "router"));
        let (_, made) = NetworkInterface::created(&json!({"NetworkInterface": item})).expect("it is made");
        assert_eq!(made.keys().collect::<Vec<_>>(), ["mac_address", "private_ip_address"]);
    }

    #[test]
    fn its_address_and_groups_are_those_of_its_subnet() {
        let interface = |ip, groups| {
            let attributes = [("subnet", reference("subnet.app")), ("security_groups", groups), ("private_ip_address", net(ip))];
            let back = resource("vpc.back", &[("cidr_block", net("10.1.0.0/16"))]);
            let group = |name, vpc| resource(name, &[("vpc", reference(vpc))]);
            let groups = [group("security_group.app", "vpc.main"), group("security_group.back", "vpc.back")];
            network([back, resource("network_interface.a", &attributes)].into_iter().chain(groups))
        };
        let group = |name| list([reference(name)]);
        assert_eq!(complaints(&interface("10.0.1.10", group("security_group.app"))), [""; 0]);
        let outside = ["E0310 `10.0.2.5` lies outside the range of `subnet.app`"];
        assert_eq!(complaints(&interface("10.0.2.5", group("security_group.app"))), outside);
        let kept = ["E0310 AWS keeps `10.0.1.255` of `subnet.app` for itself"];
        assert_eq!(complaints(&interface("10.0.1.255", group("security_group.app"))), kept);
        let stray = ["E0307 `security_group.back` lies in `vpc.back`, not in `vpc.main`"];
        assert_eq!(complaints(&interface("10.0.1.10", group("security_group.back"))), stray);
        assert_eq!(complaints(&interface("10.0.1.10", list([]))), ["E0309 `network_interface.a` carries no security group"]);
    }
}

#[cfg(feature = "aws")]
mod aws {
    use crate::{action, ec2::Action, shown, taken, words};

    taken! {
        InstanceIpv6Address(set_ipv6_address);
    }

    shown! {
        AssignedPrivateIpAddress(private_ip_address);
        NetworkInterface(
            association, attachment, availability_zone, description, groups, interface_type, ipv4_prefixes, ipv6_addresses, ipv6_prefixes, mac_address, network_interface_id,
            owner_id, private_dns_name, private_ip_address, private_ip_addresses, requester_id, requester_managed, source_dest_check, status,
            subnet_id, tag_set, vpc_id,
        );
        NetworkInterfaceAssociation(allocation_id, association_id, ip_owner_id, public_dns_name, public_ip);
        NetworkInterfaceAttachment(
            attach_time, attachment_id, delete_on_termination, device_index, instance_id, instance_owner_id, network_card_index, status,
        );
        Ipv4PrefixSpecification(ipv4_prefix);
        Ipv6PrefixSpecification(ipv6_prefix);
        NetworkInterfaceIpv6Address(ipv6_address, is_primary_ipv6);
        NetworkInterfacePrivateIpAddress(association, primary, private_dns_name, private_ip_address);
        GroupIdentifier(group_id, group_name);
    }

    words! { AttachmentStatus, NetworkInterfaceStatus, NetworkInterfaceType }

    pub(super) const ACTIONS: &[Action] = &[
        action!(CreateNetworkInterface: create_network_interface(
            set_client_token, set_description, set_groups, set_ipv6_address_count, set_ipv6_addresses, set_private_ip_address, set_subnet_id,
            set_tag_specifications,
        ) -> (network_interface)),
        action!(AssignPrivateIpAddresses: assign_private_ip_addresses(set_network_interface_id, set_private_ip_addresses)
            -> (assigned_private_ip_addresses, network_interface_id)),
        action!(UnassignPrivateIpAddresses: unassign_private_ip_addresses(set_network_interface_id, set_private_ip_addresses) -> ()),
        action!(AssignIpv6Addresses: assign_ipv6_addresses(set_ipv6_address_count, set_ipv6_addresses, set_network_interface_id)
            -> (assigned_ipv6_addresses, network_interface_id)),
        action!(UnassignIpv6Addresses: unassign_ipv6_addresses(set_ipv6_addresses, set_network_interface_id)
            -> (network_interface_id, unassigned_ipv6_addresses)),
        action!(DeleteNetworkInterface: delete_network_interface(set_network_interface_id) -> ()),
        action!(DescribeNetworkInterfaces: describe_network_interfaces(
            set_filters, set_max_results, set_network_interface_ids, set_next_token,
        ) -> (network_interfaces, next_token)),
        action!(ModifyNetworkInterfaceAttribute: modify_network_interface_attribute(
            set_description, set_groups, set_network_interface_id, set_source_dest_check,
        ) -> ()),
    ];
}
