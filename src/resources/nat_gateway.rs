//! A NAT gateway: CreateNatGateway and what belongs to it.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNatGateway.html>,
//! <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-nat-gateway.html>

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use crate::{
    base::{address::Address, cidr::Cidr, codes::network, diagnostic::Sink},
    call::{Arg, Call, Json, Settle},
    declared,
    net::{self, Net, desired::{self, Desired}},
    registry::{Listing, Observed, ResourceType, quota::{Per, Quota}},
    resource,
    resources::{
        elastic_ip::ElasticIp,
        placement,
        read::{Reader, text},
        subnet::Subnet,
    },
    schema::{
        attr::{Kind, Ref, Val, Word, Words},
        model::{Model, Resource, Sentence},
        value::{Record, Value},
    },
};

resource! {
    /// Lets what has no public address open connections to the outside, and nothing in.
    ///
    /// A public one stands in a subnet whose route table leads to an internet gateway, and the subnets that use it have
    /// a route to it. It carries TCP, UDP and ICMP, and no security group holds for it; its subnet's network ACL does.
    /// It costs money by the hour. Nothing about it can be changed in place.
    NatGateway = "nat_gateway" {
        /// The subnet in which it stands: not the one that it serves.
        subnet: Ref<Subnet>, Replace;
        /// Its public address; a public gateway needs one, a private one takes none.
        elastic_ip: Option<Ref<ElasticIp>>, Replace;
        /// `"public"` for the internet, `"private"` for other networks alone.
        connectivity_type: Val<Word<Connectivity>> = Value::text("public"), Replace;
        /// Its address in the subnet; EC2 picks one where it is not written.
        private_ip_address: Option<Val<IpAddr>>, Replace;
        /// The address that the outside sees.
        public_ip_address: Option<Val<IpAddr>>, Computed;
        /// The id of its interface.
        network_interface_id: Option<Val<Arc<str>>>, Computed;
        /// Its id.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

/// Whom a NAT gateway connects to.
#[derive(Debug, Clone, PartialEq)]
pub struct Connectivity;

impl Words for Connectivity {
    const ALL: &'static [&'static str] = &["public", "private"];
}

/// Creation and deletion take minutes.
const TIMEOUT_S: u64 = 600;

impl ResourceType for NatGateway {
    declared!();

    const EXAMPLE: &'static str = r#"elastic_ip nat {
}

# It stands where route_table.public leads to the internet.
nat_gateway main {
  subnet     = subnet.public
  elastic_ip = elastic_ip.nat
}
"#;

    const ID_PREFIX: &'static str = "nat-";
    const OPENS: &'static [&'static str] = &[""];
    const ONCE: &'static [(&'static str, &'static [&'static str])] = &[("", &["subnet", "private_ip_address"]), ("", &["elastic_ip"])];
    const TAG_TYPE: Option<&'static str> = Some("natgateway");
    const PLACED_IN: &'static [&'static str] = &["subnet"];
    const QUOTAS: &'static [Quota] = &[Quota::new("NAT gateways per Availability Zone", "L-FE5A380F", 5, Per::Zone("subnet"))];
    const CREATED_ID: &'static [&'static str] = &["NatGateway", "NatGatewayId"];
    const FILTERS: &'static [(&'static str, &'static str)] = &[("subnet", "subnet-id")];
    const LISTING: Listing = Listing::new("DescribeNatGateways", &["NatGateways"], "NatGatewayId", "nat-gateway-id", Some(1000));
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = aws::ACTIONS;

    fn check(model: &Model, sink: &mut Sink) {
        let mut tables: BTreeMap<&Address, &Resource> = BTreeMap::new();
        for table in placement::managed(model, "route_table") {
            for subnet in placement::subnets(table) {
                tables.entry(subnet).or_insert(table);
            }
        }
        for gateway in placement::managed(model, Self::KIND) {
            placement::address_in_subnet(gateway, model, sink);
            let public = gateway.record.get("connectivity_type").and_then(Value::as_text) != Some("private");
            let has_address = gateway.record.get("elastic_ip").is_some_and(|v| *v != Value::Null);
            match (public, has_address) {
                (true, false) => sink.push(network::nat_without_address(&gateway.address, gateway.span)),
                (true, true) => check_way_out(gateway, model, &tables, sink),
                (false, true) => {
                    sink.push(network::private_nat_with_address(gateway.span_of("elastic_ip"), gateway.span_of("connectivity_type")));
                }
                _ => {}
            }
        }
    }

    fn network(this: &Resource, desired: &Desired<'_>, net: &mut Net) {
        let Some(subnet) = desired.reference(this, "subnet") else { return };
        let (id, origin) = (desired::id(&this.address), desired::origin(this));
        let public = desired.value(this, "elastic_ip").map(|_| desired.public_address(this));
        let range = desired.address_in(this, &subnet, public).private;
        let open = range.prefix() < range.family().bits();
        let private = if open { net.stand_in(&subnet, range) } else { range.network() };
        net.interfaces.push(net::Interface {
            id: id.clone(),
            subnet: subnet.clone(),
            addresses: vec![net::InterfaceAddress { private: Cidr::host_of(private), public }],
            groups: vec![],
            source_dest_check: false,
            owner: net::Owner::NatGateway(id.clone()),
            origin,
        });
        net.nat_gateways.push(net::NatGateway { id, subnet: Some(subnet), private: Some(private), public, available: true, origin });
    }

    fn create(&self, at: &Address) -> Vec<Call> {
        let null = || Arg::Known(Json::Null);
        let params = [
            ("SubnetId", self.subnet.arg()),
            ("ConnectivityType", self.connectivity_type.arg()),
            ("AllocationId", self.elastic_ip.as_ref().map_or_else(null, Ref::arg)),
            ("PrivateIpAddress", self.private_ip_address.as_ref().map_or_else(null, Val::arg)),
        ];
        let settled = settle(at, &["available"]).or_fail(&["failed", "deleting", "deleted"], &["FailureMessage"]);
        vec![Call::new("CreateNatGateway", params).tagged("natgateway").with_token().settle(settled)]
    }

    fn delete(at: &Address, _record: &Record) -> Vec<Call> {
        vec![Call::new("DeleteNatGateway", [("NatGatewayId", Arg::id(at))]).settle(settle(at, &["deleted", "gone"]))]
    }

    fn observe(item: &Json) -> Option<Observed> {
        // EC2 lists a gateway that failed or was deleted for about an hour more.
        if matches!(text(item, &["State"]), Some("deleted" | "deleting" | "failed")) {
            return None;
        }
        let address = |member| format!("/NatGatewayAddresses/0/{member}");
        let found = |member| item.pointer(&address(member)).and_then(Json::as_str);
        let ip = |member| found(member).and_then(|ip| ip.parse().ok()).map(Value::Ip);
        Reader::new(item)
            .text("subnet", &["SubnetId"])
            .text("connectivity_type", &["ConnectivityType"])
            .value("elastic_ip", found("AllocationId").map(Value::text))
            .value("private_ip_address", ip("PrivateIp"))
            .value("public_ip_address", ip("PublicIp"))
            .value("network_interface_id", found("NetworkInterfaceId").map(Value::text))
            .done(&["NatGatewayId"], vec![])
    }
}

/// The table of the gateway's own subnet leads to an internet gateway. What an existing subnet follows is not known here.
fn check_way_out(gateway: &Resource, model: &Model, tables: &BTreeMap<&Address, &Resource>, sink: &mut Sink) {
    let subnet = gateway.reference("subnet").filter(|s| model.resources.get(s).is_some_and(|s| !s.existing));
    let Some(subnet) = subnet else { return };
    let table = tables.get(subnet).copied();
    let main = || placement::adopted(model, "route_table", placement::vpc_of(model, subnet)?);
    let table = table.or_else(main);
    let to_gateway = |s: &Sentence| s.get("target").as_resource().is_some_and(|t| t.kind() == "internet_gateway");
    if !table.is_some_and(|table| table.sentences.iter().any(to_gateway)) {
        let table = table.map(|t| (&t.address, t.span));
        sink.push(network::nat_without_way_out(&gateway.address, subnet, gateway.span_of("subnet"), table));
    }
}

fn settle(at: &Address, until: &[&str]) -> Settle {
    Settle::new("DescribeNatGateways", "nat-gateway-id", &["NatGateways"], "NatGatewayId", &["State"], until, Arg::id(at)).within(TIMEOUT_S)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::sample::{complaints, net, network, reference, resource};

    #[test]
    fn what_ec2_lists_is_what_was_asked() {
        let item = |state| {
            json!({
                "NatGatewayId": "nat-1", "SubnetId": "subnet-1", "VpcId": "vpc-1", "State": state, "ConnectivityType": "public",
                "NatGatewayAddresses": [{
                    "AllocationId": "eipalloc-1", "NetworkInterfaceId": "eni-1", "PrivateIp": "10.0.1.9", "PublicIp": "198.51.100.7",
                }],
            })
        };
        let record = NatGateway::observe(&item("available")).expect("it stands").record;
        assert_eq!((&record["elastic_ip"], &record["private_ip_address"]), (&Value::text("eipalloc-1"), &net("10.0.1.9")));
        assert_eq!((&record["subnet"], &record["public_ip_address"]), (&Value::text("subnet-1"), &net("198.51.100.7")));
        assert_eq!(NatGateway::observe(&item("deleted")), None);
    }

    #[test]
    fn its_address_fits_its_connectivity() {
        let gateway = |more: &[(&str, Value)]| {
            let subnet = [("subnet", reference("subnet.app"))];
            network([resource("nat_gateway.main", &[&subnet, more].concat())])
        };
        assert_eq!(complaints(&gateway(&[])), ["E0311 `nat_gateway.main` has no `elastic_ip`"]);
        assert_eq!(complaints(&gateway(&[("connectivity_type", Value::text("private"))])), [""; 0]);
        let address = ("elastic_ip", reference("elastic_ip.nat"));
        let warned = ["W0302 `nat_gateway.main` stands in a subnet without a way to the internet"];
        assert_eq!(complaints(&gateway(std::slice::from_ref(&address))), warned);
        let expected = ["E0311 a private NAT gateway takes no `elastic_ip`"];
        assert_eq!(complaints(&gateway(&[address, ("connectivity_type", Value::text("private"))])), expected);
    }
}

#[cfg(feature = "aws")]
mod aws {
    use crate::{action, ec2::Action, shown, words};

    shown! {
        NatGateway(
            availability_mode, connectivity_type, create_time, delete_time, failure_code, failure_message, nat_gateway_addresses, nat_gateway_id, state,
            subnet_id, tags, vpc_id,
        );
        NatGatewayAddress(
            allocation_id, association_id, failure_message, is_primary, network_interface_id, private_ip, public_ip, status,
        );
    }

    words! { AvailabilityMode, ConnectivityType, NatGatewayAddressStatus, NatGatewayState }

    pub(super) const ACTIONS: &[Action] = &[
        action!(CreateNatGateway: create_nat_gateway(
            set_allocation_id, set_client_token, set_connectivity_type, set_private_ip_address, set_subnet_id, set_tag_specifications,
        ) -> (nat_gateway)),
        action!(DeleteNatGateway: delete_nat_gateway(set_nat_gateway_id) -> (nat_gateway_id)),
        // The one listing whose parameter the API calls `Filter`; AWS's own tools say `Filters`.
        action!(DescribeNatGateways: describe_nat_gateways(set_filter as Filters, set_max_results, set_nat_gateway_ids, set_next_token)
            -> (nat_gateways, next_token)),
    ];
}
