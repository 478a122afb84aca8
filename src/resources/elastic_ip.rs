//! An Elastic IP address and what it is associated with.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AllocateAddress.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateAddress.html>

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use serde_json::json;

use crate::{
    base::{address::Address, cidr::Cidr, codes::network, diagnostic::Sink, span::Span},
    call::{Arg, Call, Json, Request},
    declared,
    registry::{Batch, Listing, Observed, PartSpec, Removal, ResourceType, quota::{Per, Quota}},
    resource,
    resources::{
        further::SECONDARY,
        instance::Instance,
        network_interface::NetworkInterface,
        part::{arg, each, show_value},
        placement,
        read::{Reader, list, text},
    },
    schema::{
        attr::{Kind, Ref, Val},
        model::{Model, Part, Resource},
        value::{Record, Value},
    },
};

resource! {
    /// A public IPv4 address that stays the same whatever it is associated with.
    ///
    /// It is associated with an instance or interface here, or named by a NAT gateway. EC2 associates it only once an
    /// internet gateway is attached to the VPC.
    ElasticIp = "elastic_ip" {
        /// The instance whose primary interface gets it. Changing it moves the address in one call.
        instance: Option<Ref<Instance>>, Parts;
        /// The interface that gets it. Changing it moves the address in one call.
        network_interface: Option<Ref<NetworkInterface>>, Parts;
        /// Which private address of the instance's or the interface's it is for: one of its `secondary_private_ip_addresses`. Where
        /// nothing is written that is the primary one. Changing it moves the address in one call.
        private_ip_address: Option<Val<IpAddr>>, Parts;
        /// The address.
        public_ip_address: Option<Val<IpAddr>>, Computed;
        /// The id of its allocation.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

impl ResourceType for ElasticIp {
    declared!();

    const EXAMPLE: &'static str = r#"# The address stays when the instance is replaced.
elastic_ip server {
  instance = instance.server
}

output address = elastic_ip.server.public_ip_address
"#;

    const ID_PREFIX: &'static str = "eipalloc-";
    const OPENS: &'static [&'static str] = &["", "association"];
    const TAG_TYPE: Option<&'static str> = Some("elastic-ip");
    const QUOTAS: &'static [Quota] = &[Quota { service: "ec2", ..Quota::new("EC2-VPC Elastic IPs", "L-0263D0A3", 5, Per::Region).told("vpc-max-elastic-ips") }];
    const CREATED_ID: &'static [&'static str] = &["AllocationId"];
    const LISTING: Listing = Listing {
        more: nat_gateways,
        merge: merge_nat_gateways,
        ..Listing::new("DescribeAddresses", &["Addresses"], "AllocationId", "allocation-id", None)
    };
    const PARTS: &'static [PartSpec] = &[PartSpec {
        name: "association",
        doc: "Gives the address to an interface. An address has one at most, and EC2 moves it in one call.",
        key: &[],
        content: &["network_interface", "private_ip_address"],
        create: |at, parts| each(parts, |part| associate(at, part)),
        change: Some(|at, _, new| vec![associate(at, new)]),
        delete: |at, parts| parts.iter().enumerate().map(|(i, part)| Batch { of: vec![i], calls: disassociate(at, part) }).collect(),
        removal: Removal::First,
        create_first: false,
        essential: false,
        governs: None,
        takes_over: false,
        show: |part| {
            // Which one EC2 has is told where it is written: of the others it says no more than that it is there.
            let written = part.get("private_ip_address").filter(|_| part.contains_key("written")).and_then(host);
            let at = written.map_or_else(String::new, |ip| format!(" at {ip}"));
            format!("association with {}{at}", show_value(part.get("network_interface")))
        },
    }];
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = aws::ACTIONS;

    fn check(model: &Model, sink: &mut Sink) {
        let mut holders: BTreeMap<(&Address, Option<IpAddr>), &Resource> = BTreeMap::new();
        let mut nat_gateways: BTreeMap<&Address, Vec<&Resource>> = BTreeMap::new();
        for gateway in placement::managed(model, "nat_gateway") {
            gateway.reference("elastic_ip").into_iter().for_each(|address| nat_gateways.entry(address).or_default().push(gateway));
        }
        for address in placement::managed(model, Self::KIND) {
            let places = ["instance", "network_interface"].map(|name| Some((address.reference(name)?, address.span_of(name))));
            if let [Some((_, instance)), Some((_, interface))] = places {
                sink.push(network::address_twice(&address.address, instance, interface));
            }
            let private = address.record.get("private_ip_address").filter(|v| **v != Value::Null);
            if let Some(private) = private {
                check_private(address, private, model, sink);
            }
            for (holder, at) in places.into_iter().flatten() {
                let first = || model.resources.get(holder).and_then(|h| h.record.get("private_ip_address")).and_then(host);
                let private = private.and_then(host).filter(|private| first() != Some(*private));
                match holders.insert((holder, private), address) {
                    Some(first) if first.address != address.address => {
                        sink.push(network::two_addresses(holder, (&address.address, at), (&first.address, first.span)));
                    }
                    _ => {}
                }
            }
            let held = nat_gateways.get(&address.address).into_iter().flatten();
            let held = held.map(|nat| (&nat.address, nat.span_of("elastic_ip")));
            let here = places.into_iter().flatten().map(|(_, at)| (&address.address, at));
            let uses: Vec<(&Address, Option<Span>)> = here.take(1).chain(held).collect();
            if let [first, others @ ..] = &uses[..] {
                others.iter().for_each(|other| sink.push(network::address_used_twice(&address.address, other.1, *first)));
            }
        }
    }

    fn desired_parts(&self, this: &Resource, _model: &Model, _sink: &mut Sink) -> Vec<Part> {
        // EC2 lists an instance and its interface alike, whichever was written: the interface tells them apart.
        let interface = match (&self.network_interface, &self.instance) {
            (Some(interface), _) => (interface.value.clone(), "network_interface"),
            (None, Some(Ref { address: Some(address), .. })) => {
                (Value::Attribute(address.clone(), "network_interface_id".into()), "instance")
            }
            _ => return vec![],
        };
        let mut record = Record::from([("network_interface".into(), interface.0)]);
        // Without one it is the primary address, which EC2 lists as it lists any other.
        let holder = self.network_interface.as_ref().and_then(|i| i.address.as_ref()).or(self.instance.as_ref().and_then(|i| i.address.as_ref()));
        let private = match (this.record.get("private_ip_address").filter(|v| **v != Value::Null), holder) {
            (Some(written), _) => {
                record.insert("written".into(), Value::Bool(true));
                Some(written.clone())
            }
            (None, Some(holder)) => Some(Value::Attribute(holder.clone(), "private_ip_address".into())),
            (None, None) => None,
        };
        record.extend(private.map(|private| ("private_ip_address".to_owned(), private)));
        vec![Part { name: "association", record, span: this.span_of(interface.1) }]
    }

    fn create(&self, _at: &Address) -> Vec<Call> {
        vec![Call::new("AllocateAddress", [("Domain", Arg::text("vpc"))]).tagged("elastic-ip")]
    }

    fn created(answer: &Json) -> Option<(String, Record)> {
        let address = text(answer, &["PublicIp"]).and_then(|ip| ip.parse().ok()).map(Value::Ip);
        let record = address.map(|ip| ("public_ip_address".to_owned(), ip)).into_iter().collect();
        Some((text(answer, Self::CREATED_ID)?.to_owned(), record))
    }

    fn delete(at: &Address, _record: &Record) -> Vec<Call> {
        vec![Call::new("ReleaseAddress", [("AllocationId", Arg::id(at))])]
    }

    fn observe(item: &Json) -> Option<Observed> {
        let parts = observed_association(item).map(|part| ("association", part)).into_iter().collect();
        Reader::new(item).ip("public_ip_address", &["PublicIp"]).done(&["AllocationId"], parts)
    }
}

/// EC2 takes the primary address where none is named.
fn associate(at: &Address, part: &Record) -> Call {
    let written = part.get("private_ip_address").filter(|_| part.contains_key("written")).and_then(host);
    let params = [
        ("AllocationId", Arg::id(at)),
        ("NetworkInterfaceId", arg(part, "network_interface")),
        ("PrivateIpAddress", written.map_or(Arg::Known(Json::Null), |ip| Arg::text(ip.to_string()))),
        ("AllowReassociation", Arg::Known(true.into())),
    ];
    Call::new("AssociateAddress", params)
}

/// An address of a part, where one stands for the network of it alone.
fn host(value: &Value) -> Option<IpAddr> {
    match value.inner() {
        Value::Ip(ip) => Some(*ip),
        Value::Cidr(cidr) => Some(cidr.network()),
        _ => None,
    }
}

/// It is written, and one that its holder is to have.
fn check_private(address: &Resource, private: &Value, model: &Model, sink: &mut Sink) {
    let at = address.span_of("private_ip_address");
    let Some(holder) = ["instance", "network_interface"].iter().find_map(|name| address.reference(name)) else {
        return sink.push(network::private_of_nobody(&address.address, at));
    };
    let Some(ip) = host(private) else { return sink.push(network::private_not_written(&address.address, at)) };
    let Some(resource) = model.resources.get(holder).filter(|r| !r.existing) else { return };
    // An instance on an interface of the project has the addresses of that.
    let card = resource.reference("network_interface").and_then(|card| model.resources.get(card));
    let holds = |holder: &Resource| {
        let further = holder.record.get(SECONDARY).map_or(&[][..], Value::elements).iter();
        further.chain(holder.record.get("private_ip_address")).any(|value| host(value) == Some(ip))
    };
    if card.is_none_or(|card| !card.existing) && !card.is_some_and(holds) && !holds(resource) {
        sink.push(network::private_of_another(&address.address, ip, at, (holder, resource.span)));
    }
}

/// Where nobody has read the association's id, it is looked for first.
fn disassociate(at: &Address, part: &Record) -> Vec<Call> {
    let call = |id| Call::new("DisassociateAddress", [("AssociationId", id)]).satisfied_by(&["InvalidAssociationID.NotFound"]);
    if part.contains_key("association_id") {
        return vec![call(arg(part, "association_id"))];
    }
    let id = Arg::find(0, &["Addresses"], "AllocationId", Arg::id(at), "AssociationId");
    vec![Call::new("DescribeAddresses", [("AllocationIds", Arg::List(vec![Arg::id(at)]))]), call(id)]
}

/// DescribeAddresses does not say that a NAT gateway holds an address, so the gateways are read too: one call for all.
fn nat_gateways(ids: &[String]) -> Vec<Request> {
    let living = json!([{"Name": "state", "Values": ["pending", "available", "deleting"]}]);
    if ids.is_empty() { vec![] } else { vec![Request::new("DescribeNatGateways", json!({"Filters": living}))] }
}

fn merge_nat_gateways(items: &mut BTreeMap<String, Json>, _request: &Request, answer: &Json) {
    for gateway in list(answer, &["NatGateways"]) {
        for address in list(gateway, &["NatGatewayAddresses"]) {
            if let Some(item) = text(address, &["AllocationId"]).and_then(|id| items.get_mut(id)) {
                item["NatGatewayId"] = gateway["NatGatewayId"].clone();
            }
        }
    }
}

/// The association, unless a NAT gateway or a service of AWS's (a load balancer, say) made it: that one is theirs to end.
fn observed_association(item: &Json) -> Option<Record> {
    if text(item, &["NatGatewayId"]).or(text(item, &["ServiceManaged"])).is_some() {
        return None;
    }
    let (id, interface) = (text(item, &["AssociationId"])?, text(item, &["NetworkInterfaceId"])?);
    let mut record = Record::from([("network_interface".into(), Value::text(interface)), ("association_id".into(), Value::text(id))]);
    let private = text(item, &["PrivateIpAddress"]).and_then(|ip| ip.parse().ok()).map(|ip| Value::Cidr(Cidr::host_of(ip)));
    record.extend(private.map(|private| ("private_ip_address".to_owned(), private)));
    // No content: it tells that the association goes before the instance.
    record.extend(text(item, &["InstanceId"]).map(|instance| ("instance".into(), Value::text(instance))));
    Some(record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::sample::{complaints, judged, network, reference, resource, shown};

    #[test]
    fn an_address_goes_to_one_interface() {
        let of_instance = resource("elastic_ip.web", &[("instance", reference("instance.web"))]);
        assert_eq!(shown(&network([of_instance.clone()]), "elastic_ip.web"), ["association with instance.web"]);
        let (parts, _) = judged(&network([of_instance]), "elastic_ip.web");
        let call = (ElasticIp::PARTS[0].create)(&Address::new("elastic_ip", "web"), &[&parts[0].record]).remove(0).calls.remove(0);
        assert_eq!(call.params["NetworkInterfaceId"], Arg::Of(Address::new("instance", "web"), "network_interface_id".into()));
        let both =
            resource("elastic_ip.web", &[("instance", reference("instance.web")), ("network_interface", reference("network_interface.a"))]);
        assert_eq!(complaints(&network([both])), ["E0312 `elastic_ip.web` is to be in two places"]);
    }

    #[test]
    fn an_interface_has_one_address_and_an_address_one_holder() {
        let address = |name| resource(name, &[("instance", reference("instance.web"))]);
        let two = network([address("elastic_ip.a"), address("elastic_ip.b")]);
        assert_eq!(complaints(&two), ["E0312 `instance.web` is to have two elastic IPs"]);
        let gateway = |name| resource(name, &[("subnet", reference("subnet.app")), ("elastic_ip", reference("elastic_ip.a"))]);
        let wrong: Vec<_> = complaints(&network([address("elastic_ip.a"), gateway("nat_gateway.a"), gateway("nat_gateway.b")]));
        assert_eq!(wrong.iter().filter(|w| *w == "E0312 `elastic_ip.a` is to be in two places").count(), 2);
    }

    #[test]
    fn what_ec2_lists_is_what_was_asked() {
        let item = json!({
            "AllocationId": "eipalloc-1", "PublicIp": "198.51.100.7", "AssociationId": "eipassoc-1", "InstanceId": "i-1",
            "NetworkInterfaceId": "eni-1", "NetworkInterfaceOwnerId": "1", "PrivateIpAddress": "10.0.1.5", "Domain": "vpc",
        });
        let observed = ElasticIp::observe(&item).expect("it stands");
        assert_eq!(observed.parts[0].1["network_interface"], Value::text("eni-1"));
        let answer = json!({"AllocationId": "eipalloc-1", "PublicIp": "198.51.100.7", "Domain": "vpc"});
        let (id, record) = ElasticIp::created(&answer).expect("it is made");
        assert_eq!((id, &record["public_ip_address"]), (observed.id, &observed.record["public_ip_address"]));
    }

    #[test]
    fn an_address_that_a_nat_gateway_holds_is_not_taken_from_it() {
        let item = json!({"AllocationId": "eipalloc-1", "AssociationId": "eipassoc-1", "NetworkInterfaceId": "eni-1"});
        let mut items = BTreeMap::from([("eipalloc-1".to_owned(), item)]);
        let read = &nat_gateways(&["eipalloc-1".into()])[0];
        let gateways = json!({"NatGateways": [{"NatGatewayId": "nat-1", "NatGatewayAddresses": [{"AllocationId": "eipalloc-1"}]}]});
        merge_nat_gateways(&mut items, read, &gateways);
        assert_eq!(ElasticIp::observe(&items["eipalloc-1"]).expect("it stands").parts, []);
    }
}

#[cfg(feature = "aws")]
mod aws {
    use crate::{action, ec2::Action, shown, words};

    shown! {
        Address(
            allocation_id, association_id, domain, instance_id, network_border_group, network_interface_id, network_interface_owner_id,
            private_ip_address, public_ip, public_ipv4_pool, service_managed, tags,
        );
    }

    words! { DomainType, ServiceManaged }

    pub(super) const ACTIONS: &[Action] = &[
        action!(AllocateAddress: allocate_address(set_domain, set_tag_specifications)
            -> (allocation_id, domain, network_border_group, public_ip, public_ipv4_pool)),
        action!(ReleaseAddress: release_address(set_allocation_id) -> ()),
        action!(DescribeAddresses: describe_addresses(set_allocation_ids, set_filters, set_public_ips) -> (addresses)),
        action!(AssociateAddress: associate_address(
            set_allocation_id, set_allow_reassociation, set_instance_id, set_network_interface_id, set_private_ip_address,
        ) -> (association_id)),
        action!(DisassociateAddress: disassociate_address(set_association_id) -> ()),
    ];
}
