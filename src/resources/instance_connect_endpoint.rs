//! An EC2 Instance Connect endpoint.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateInstanceConnectEndpoint.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/eice-security-groups.html>

use std::sync::Arc;

use crate::{
    base::{address::Address, codes::endpoint, diagnostic::Sink},
    call::{Arg, Call, Json, Settle},
    declared,
    net::{self, Net, Owner, desired::{self, Desired}},
    registry::{Listing, Observed, ResourceType, Update},
    resource,
    resources::{
        part::arg,
        placement,
        read::{Reader, list, text},
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
    /// Lets people whom IAM lets through connect to private instances, without a public address and without a bastion.
    ///
    /// Who may open a connection to it is IAM's to say, whatever its groups let in; where it then gets to, its groups'
    /// `egress` and the instances' own groups say. A VPC has one.
    InstanceConnectEndpoint = "instance_connect_endpoint" {
        /// The subnet in which it stands; it reaches instances in all subnets of the VPC.
        subnet: Ref<Subnet>, Replace;
        /// The groups that it carries; their `egress` says where it gets to.
        security_groups: Set<Ref<SecurityGroup>>, InPlace;
        /// Whether instances see the address that somebody comes from, and not the endpoint's. Then rules for addresses let
        /// people in whom only IAM holds back, so secnet proves nothing about the VPC.
        preserve_client_ip: Val<bool> = Value::Bool(false), InPlace;
        /// Its id.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

/// Creation takes minutes.
const TIMEOUT_S: u64 = 600;

/// What it is in a network.
const OWNER: &str = "EC2 Instance Connect endpoint";

impl ResourceType for InstanceConnectEndpoint {
    declared!();

    const EXAMPLE: &'static str = r#"security_group connect {
  vpc         = vpc.main
  description = "From the endpoint to the servers, and nowhere else"
  egress tcp/22 to security_group.db
}

instance_connect_endpoint main {
  subnet          = subnet.private
  security_groups = [security_group.connect]
}
"#;

    const ID_PREFIX: &'static str = "eice-";
    const OPENS: &'static [&'static str] = &[""];
    const ONCE: &'static [(&'static str, &'static [&'static str])] = &[("", &["subnet"])];
    const TAG_TYPE: Option<&'static str> = Some("instance-connect-endpoint");
    const PLACED_IN: &'static [&'static str] = &["subnet"];
    const CREATED_ID: &'static [&'static str] = &["InstanceConnectEndpoint", "InstanceConnectEndpointId"];
    const LISTING: Listing = Listing::new(
        "DescribeInstanceConnectEndpoints",
        &["InstanceConnectEndpoints"],
        "InstanceConnectEndpointId",
        "instance-connect-endpoint-id",
        Some(50),
    );
    const ONE_AT_A_TIME: bool = true;
    const UPDATES: &'static [Update] = &[
        Update {
            attrs: &["security_groups"],
            after_create: |_| false,
            calls: |at, r| vec![modify(at, "SecurityGroupIds", arg(r, "security_groups"))],
        },
        Update {
            attrs: &["preserve_client_ip"],
            after_create: |_| false,
            calls: |at, r| vec![modify(at, "PreserveClientIp", arg(r, "preserve_client_ip"))],
        },
    ];
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = aws::ACTIONS;

    fn check(model: &Model, sink: &mut Sink) {
        let mut held: Vec<(&Address, &Resource)> = vec![];
        for this in placement::managed(model, Self::KIND) {
            placement::groups_of_same_vpc(this, model, sink);
            placement::some_group(this, sink);
            let Some(vpc) = placement::vpc_of(model, &this.address) else { continue };
            match held.iter().find(|(held, _)| *held == vpc) {
                Some((_, first)) => sink.push(endpoint::second_connect_endpoint(vpc, (&this.address, this.span), (&first.address, first.span))),
                None => held.push((vpc, this)),
            }
        }
    }

    fn network(this: &Resource, desired: &Desired<'_>, net: &mut Net) {
        let Some(subnet) = desired.reference(this, "subnet") else { return };
        let (id, origin) = (desired::id(&this.address), desired::origin(this));
        if desired.is(this, "preserve_client_ip", false)
            && let Some(vpc) = net.subnets.iter().find(|s| s.id == subnet).map(|s| s.vpc.clone()).or_else(|| desired.vpc_of(&subnet))
        {
            net.unread(&vpc, "a VPC with an EC2 Instance Connect endpoint that keeps the addresses of its clients", origin);
        }
        net.interfaces.push(net::Interface {
            id: desired::in_subnet(&id, &subnet),
            addresses: vec![desired.address_in(this, &subnet, None)],
            subnet,
            groups: desired.references(this, "security_groups"),
            source_dest_check: true,
            owner: Owner::Other(OWNER.into()),
            origin,
        });
    }

    fn create(&self, at: &Address) -> Vec<Call> {
        let params = [
            ("SubnetId", self.subnet.arg()),
            ("SecurityGroupIds", Arg::List(self.security_groups.0.iter().map(Ref::arg).collect())),
            ("PreserveClientIp", self.preserve_client_ip.arg()),
        ];
        let made = settle(at, &["create-complete"]);
        vec![Call::new("CreateInstanceConnectEndpoint", params).tagged("instance-connect-endpoint").with_token().settle(made)]
    }

    fn delete(at: &Address, _record: &Record) -> Vec<Call> {
        let gone = settle(at, &["delete-complete", "gone"]);
        vec![Call::new("DeleteInstanceConnectEndpoint", [("InstanceConnectEndpointId", Arg::id(at))]).settle(gone)]
    }

    fn observe(item: &Json) -> Option<Observed> {
        if matches!(text(item, &["State"]), Some("delete-in-progress" | "delete-complete" | "create-failed")) {
            return None;
        }
        let groups = list(item, &["SecurityGroupIds"]).iter().filter_map(Json::as_str).map(Value::text).collect();
        Reader::new(item)
            .text("subnet", &["SubnetId"])
            .value("security_groups", Some(Value::List(groups)))
            .bool("preserve_client_ip", &["PreserveClientIp"])
            .done(&["InstanceConnectEndpointId"], vec![])
    }
}

fn settle(at: &Address, until: &[&str]) -> Settle {
    let (listing, id) = (&InstanceConnectEndpoint::LISTING, Arg::id(at));
    Settle::new(listing.action, listing.filter, listing.items, listing.id, &["State"], until, id)
        .or_fail(&["create-failed", "update-failed", "delete-failed"], &["StateMessage"])
        .within(TIMEOUT_S)
}

fn modify(at: &Address, parameter: &'static str, value: Arg) -> Call {
    let params = [("InstanceConnectEndpointId", Arg::id(at)), (parameter, value)];
    Call::new("ModifyInstanceConnectEndpoint", params).settle(settle(at, &["update-complete"]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::sample::{complaints, list as values, network, reference, resource};

    #[test]
    fn what_ec2_lists_is_what_was_asked() {
        let item = |state| {
            json!({"InstanceConnectEndpointId": "eice-1", "SubnetId": "subnet-1", "SecurityGroupIds": ["sg-1"], "PreserveClientIp": true,
                "State": state})
        };
        let record = InstanceConnectEndpoint::observe(&item("create-complete")).expect("it stands").record;
        assert_eq!((&record["subnet"], &record["security_groups"]), (&Value::text("subnet-1"), &values([Value::text("sg-1")])));
        assert_eq!(record["preserve_client_ip"], Value::Bool(true));
        assert_eq!(InstanceConnectEndpoint::observe(&item("delete-in-progress")), None);
    }

    #[test]
    fn a_vpc_has_one() {
        let endpoint = |name| {
            let group = ("security_groups", values([reference("security_group.a")]));
            resource(name, &[("subnet", reference("subnet.app")), group])
        };
        let group = resource("security_group.a", &[("vpc", reference("vpc.main"))]);
        let two = network([endpoint("instance_connect_endpoint.a"), endpoint("instance_connect_endpoint.b"), group]);
        assert_eq!(complaints(&two), ["E0341 `vpc.main` has two EC2 Instance Connect endpoints"]);
    }
}

#[cfg(feature = "aws")]
mod aws {
    use crate::{action, ec2::Action, shown, words};

    shown! {
        Ec2InstanceConnectEndpoint(
            availability_zone, created_at, dns_name, instance_connect_endpoint_arn, instance_connect_endpoint_id, network_interface_ids,
            owner_id, preserve_client_ip, security_group_ids, state, state_message, subnet_id, tags, vpc_id,
        );
    }

    words! { Ec2InstanceConnectEndpointState }

    pub(super) const ACTIONS: &[Action] = &[
        action!(CreateInstanceConnectEndpoint: create_instance_connect_endpoint(
            set_client_token, set_preserve_client_ip, set_security_group_ids, set_subnet_id, set_tag_specifications,
        ) -> (instance_connect_endpoint)),
        action!(ModifyInstanceConnectEndpoint: modify_instance_connect_endpoint(
            set_instance_connect_endpoint_id, set_preserve_client_ip, set_security_group_ids,
        ) -> (r#return)),
        action!(DeleteInstanceConnectEndpoint: delete_instance_connect_endpoint(set_instance_connect_endpoint_id)
            -> (instance_connect_endpoint)),
        action!(DescribeInstanceConnectEndpoints: describe_instance_connect_endpoints(
            set_filters, set_instance_connect_endpoint_ids, set_max_results, set_next_token,
        ) -> (instance_connect_endpoints, next_token)),
    ];
}
