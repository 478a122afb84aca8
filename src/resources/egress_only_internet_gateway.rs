//! An egress-only internet gateway.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateEgressOnlyInternetGateway.html>,
//! <https://docs.aws.amazon.com/vpc/latest/userguide/egress-only-internet-gateway.html>

use std::sync::Arc;

use crate::{
    base::{address::Address, diagnostic::Sink},
    call::{Arg, Call, Json},
    declared,
    net::{self, Net, desired::{self, Desired}},
    registry::{Listing, Observed, ResourceType, quota::{Per, Quota}},
    resource,
    resources::{
        placement,
        read::{Reader, list, text},
        vpc::Vpc,
    },
    schema::{
        attr::{Kind, Ref, Val},
        model::{Model, Resource},
        value::{Record, Value},
    },
};

resource! {
    /// The way out to the internet for IPv6, and for answers back in.
    ///
    /// IPv6 addresses are public, so an internet gateway lets others in as well as out. This one lets nobody in who was not
    /// asked. It costs nothing, and needs no address of its own.
    EgressOnlyInternetGateway = "egress_only_internet_gateway" {
        /// The VPC whose packets it lets out; one with `amazon_provided_ipv6_cidr_block`.
        vpc: Ref<Vpc>, Replace;
        /// Its id.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

impl ResourceType for EgressOnlyInternetGateway {
    declared!();

    const EXAMPLE: &'static str = r#"vpc six {
  cidr_block                      = 10.6.0.0/16
  amazon_provided_ipv6_cidr_block = true
}

egress_only_internet_gateway out {
  vpc = vpc.six
}

# `anywhere` is `::/0` here: nothing else can leave by this gateway.
route_table out {
  vpc = vpc.six
  route anywhere via egress_only_internet_gateway.out
}
"#;

    const ID_PREFIX: &'static str = "eigw-";
    const OPENS: &'static [&'static str] = &[""];
    const TAG_TYPE: Option<&'static str> = Some("egress-only-internet-gateway");
    const QUOTAS: &'static [Quota] = &[Quota::new("Egress-only internet gateways per Region", "L-45FE3B85", 5, Per::Region).raised_with("L-F678F1CE")];
    const CREATED_ID: &'static [&'static str] = &["EgressOnlyInternetGateway", "EgressOnlyInternetGatewayId"];
    // Filters by tags are all that EC2 takes here.
    const LISTING: Listing =
        Listing::new("DescribeEgressOnlyInternetGateways", &["EgressOnlyInternetGateways"], "EgressOnlyInternetGatewayId", "", Some(255));
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = aws::ACTIONS;

    fn check(model: &Model, sink: &mut Sink) {
        for gateway in placement::managed(model, Self::KIND) {
            placement::wants_ipv6(gateway, model, gateway.span_of("vpc"), sink);
        }
    }

    fn network(this: &Resource, desired: &Desired<'_>, net: &mut Net) {
        let vpc = desired.reference(this, "vpc");
        net.egress_only_gateways.push(net::EgressOnlyGateway { id: desired::id(&this.address), vpc, origin: desired::origin(this) });
    }

    fn create(&self, _at: &Address) -> Vec<Call> {
        let call = Call::new("CreateEgressOnlyInternetGateway", [("VpcId", self.vpc.arg())]);
        vec![call.tagged("egress-only-internet-gateway").with_token()]
    }

    fn delete(at: &Address, _record: &Record) -> Vec<Call> {
        vec![Call::new("DeleteEgressOnlyInternetGateway", [("EgressOnlyInternetGatewayId", Arg::id(at))])]
    }

    fn observe(item: &Json) -> Option<Observed> {
        let attached = list(item, &["Attachments"]).iter().find(|a| text(a, &["State"]) != Some("detached"));
        let vpc = attached.and_then(|a| text(a, &["VpcId"])).map(Value::text);
        Reader::new(item).value("vpc", vpc).done(&["EgressOnlyInternetGatewayId"], vec![])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::sample::{complaints, model, net, reference, resource};

    #[test]
    fn what_ec2_lists_is_what_was_asked() {
        let item = json!({
            "EgressOnlyInternetGatewayId": "eigw-1", "Attachments": [{"State": "attached", "VpcId": "vpc-1"}],
            "Tags": [{"Key": "Name", "Value": "out"}],
        });
        let observed = EgressOnlyInternetGateway::observe(&item).expect("it stands");
        assert_eq!((&observed.record["vpc"], &*observed.tags["Name"]), (&Value::text("vpc-1"), "out"));
    }

    #[test]
    fn its_vpc_has_ipv6() {
        let with = |ipv6| {
            let vpc = [("cidr_block", net("10.0.0.0/16")), ("amazon_provided_ipv6_cidr_block", Value::Bool(ipv6))];
            let gateway = resource("egress_only_internet_gateway.out", &[("vpc", reference("vpc.main"))]);
            complaints(&model([resource("vpc.main", &vpc), gateway]))
        };
        assert_eq!(with(true), [""; 0]);
        assert_eq!(with(false), ["E0351 `vpc.main` has no IPv6, of which `egress_only_internet_gateway.out` could have a part"]);
    }
}

#[cfg(feature = "aws")]
mod aws {
    use crate::{action, ec2::Action, shown};

    shown! {
        EgressOnlyInternetGateway(attachments, egress_only_internet_gateway_id, tags);
    }

    pub(super) const ACTIONS: &[Action] = &[
        action!(CreateEgressOnlyInternetGateway: create_egress_only_internet_gateway(set_client_token, set_tag_specifications, set_vpc_id)
            -> (client_token, egress_only_internet_gateway)),
        action!(DeleteEgressOnlyInternetGateway: delete_egress_only_internet_gateway(set_egress_only_internet_gateway_id) -> ()),
        action!(DescribeEgressOnlyInternetGateways: describe_egress_only_internet_gateways(
            set_egress_only_internet_gateway_ids, set_filters, set_max_results, set_next_token,
        ) -> (egress_only_internet_gateways, next_token)),
    ];
}
