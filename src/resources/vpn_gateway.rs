//! A virtual private gateway, and its attachment to a VPC.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpnGateway.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AttachVpnGateway.html>

use std::sync::Arc;

use crate::{
    base::{address::Address, diagnostic::Sink},
    call::{Arg, Call, Json, Settle},
    declared,
    net::{self, Net, desired::{self, Desired}},
    registry::{Listing, Observed, PartSpec, Removal, ResourceType},
    resource,
    resources::{
        part::{arg, each, show_value},
        read::{Reader, list, text},
        vpc::Vpc,
    },
    schema::{
        attr::{Ref, Val},
        model::{Model, Part, Resource},
        value::{Record, Value},
    },
};

resource! {
    /// A VPC's end of VPNs and of Direct Connect.
    ///
    /// What comes by it reaches every address of the VPC that groups and network ACLs let it; what leaves for the other
    /// side takes a route that leads to it. What lies behind it nobody knows here: a policy counts it among the sources
    /// of `any`. A VPC has at most one.
    VpnGateway = "vpn_gateway" {
        /// The VPC it is attached to. Changing it detaches the gateway and attaches it to the other VPC.
        vpc: Option<Ref<Vpc>>, Parts;
        /// The number of Amazon's side in BGP: 64512 to 65534 or 4200000000 to 4294967294; 64512 where it is not written.
        amazon_side_asn: Option<Val<i64>>, Replace;
        /// Its id.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

/// An attachment comes and goes in minutes.
const TIMEOUT_S: u64 = 900;

impl ResourceType for VpnGateway {
    declared!();

    const EXAMPLE: &'static str = r#"vpn_gateway office {
  vpc = vpc.main
}

# What leaves for the office.
route_table private {
  vpc     = vpc.main
  subnets = [subnet.private]
  route 192.168.0.0/16 via vpn_gateway.office
}
"#;

    const ID_PREFIX: &'static str = "vgw-";
    const OPENS: &'static [&'static str] = &["", "attachment"];
    const ONCE: &'static [(&'static str, &'static [&'static str])] = &[("attachment", &["vpc"])];
    const TAG_TYPE: Option<&'static str> = Some("vpn-gateway");
    const CREATED_ID: &'static [&'static str] = &["VpnGateway", "VpnGatewayId"];
    const LISTING: Listing = Listing::new("DescribeVpnGateways", &["VpnGateways"], "VpnGatewayId", "vpn-gateway-id", None);
    const PARTS: &'static [PartSpec] = &[PartSpec {
        name: "attachment",
        doc: "Joins the gateway to its VPC; only then can a route lead to it.",
        // It has one at most: it leaves its VPC before it joins another.
        key: &[],
        content: &["vpc"],
        create: |at, parts| each(parts, |part| attach(at, part)),
        change: Some(|at, old, new| vec![detach(at, old), attach(at, new)]),
        delete: |at, parts| each(parts, |part| detach(at, part)),
        removal: Removal::First,
        create_first: false,
        essential: true,
        governs: None,
        takes_over: false,
        show: |part| format!("attachment to {}", show_value(part.get("vpc"))),
    }];
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = aws::ACTIONS;

    fn desired_parts(&self, this: &Resource, _model: &Model, _sink: &mut Sink) -> Vec<Part> {
        let vpc = self.vpc.as_ref().map(|vpc| Record::from([("vpc".into(), vpc.value.clone())]));
        vpc.into_iter().map(|record| Part { name: "attachment", record, span: this.span_of("vpc") }).collect()
    }

    fn network(this: &Resource, desired: &Desired<'_>, net: &mut Net) {
        let (id, vpc, origin) = (desired::id(&this.address), desired.reference(this, "vpc"), desired::origin(this));
        net.vpn_gateways.push(net::VpnGateway { id, vpc, connections: vec![], origin });
    }

    fn create(&self, _at: &Address) -> Vec<Call> {
        let asn = self.amazon_side_asn.as_ref().map_or(Arg::Known(Json::Null), Val::arg);
        vec![Call::new("CreateVpnGateway", [("Type", Arg::text("ipsec.1")), ("AmazonSideAsn", asn)]).tagged("vpn-gateway")]
    }

    fn delete(at: &Address, _record: &Record) -> Vec<Call> {
        vec![Call::new("DeleteVpnGateway", [("VpnGatewayId", Arg::id(at))])]
    }

    fn observe(item: &Json) -> Option<Observed> {
        if matches!(text(item, &["State"]), Some("deleting" | "deleted")) {
            return None;
        }
        let attached: Vec<Value> = list(item, &["VpcAttachments"])
            .iter()
            .filter(|a| !matches!(text(a, &["State"]), Some("detached" | "detaching")))
            .filter_map(|a| text(a, &["VpcId"]).map(Value::text))
            .collect();
        let parts = attached.iter().map(|vpc| ("attachment", Record::from([("vpc".into(), vpc.clone())]))).collect();
        let reader = Reader::new(item).int("amazon_side_asn", &["AmazonSideAsn"]);
        reader.value("vpc", attached.into_iter().next()).done(&["VpnGatewayId"], parts)
    }
}

fn attach(at: &Address, part: &Record) -> Call {
    Call::new("AttachVpnGateway", parameters(at, part)).settle(attachment(at, &["attached"]))
}

fn detach(at: &Address, part: &Record) -> Call {
    // Of a gateway that is attached to nothing any more EC2 tells no state of an attachment.
    let settled = attachment(at, &["", "detached", "gone"]);
    Call::new("DetachVpnGateway", parameters(at, part)).satisfied_by(&["InvalidVpnGatewayAttachment.NotFound"]).settle(settled)
}

fn parameters(at: &Address, part: &Record) -> [(&'static str, Arg); 2] {
    [("VpnGatewayId", Arg::id(at)), ("VpcId", arg(part, "vpc"))]
}

fn attachment(at: &Address, until: &[&str]) -> Settle {
    let (action, filter, items) = ("DescribeVpnGateways", "vpn-gateway-id", ["VpnGateways"]);
    Settle::new(action, filter, &items, "VpnGatewayId", &["VpcAttachments", "State"], until, Arg::id(at)).within(TIMEOUT_S)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::{
        self,
        sample::{network, reference, resource, shown},
    };

    #[test]
    fn what_ec2_lists_is_what_was_asked() {
        let item = |state, attachment| {
            json!({
                "VpnGatewayId": "vgw-1", "State": state, "AmazonSideAsn": 64600, "VpcAttachments": [{"State": attachment, "VpcId": "vpc-1"}],
            })
        };
        let observed = VpnGateway::observe(&item("available", "attached")).expect("it stands");
        assert_eq!(observed.parts, [("attachment", Record::from([("vpc".into(), Value::text("vpc-1"))]))]);
        assert_eq!(observed.record["amazon_side_asn"], Value::Int(64600));
        assert_eq!(VpnGateway::observe(&item("available", "detached")).expect("it stands").parts, []);
        assert_eq!(VpnGateway::observe(&item("deleted", "detached")), None);
    }

    #[test]
    fn it_is_a_door_of_its_vpc() {
        let gateway = resource("vpn_gateway.office", &[("vpc", reference("vpc.main"))]);
        let model = network([gateway]);
        assert_eq!(shown(&model, "vpn_gateway.office"), ["attachment to vpc.main"]);
        assert_eq!(resources::network(&model).vpn_gateways[0].vpc, Some(net::Id::from("vpc.main")));
    }
}

#[cfg(feature = "aws")]
mod aws {
    use crate::{action, ec2::Action, shown, words};

    shown! {
        VpnGateway(amazon_side_asn, availability_zone, state, tags, r#type, vpc_attachments, vpn_gateway_id);
        VpcAttachment(state, vpc_id);
    }

    words! { GatewayType, VpnState }

    pub(super) const ACTIONS: &[Action] = &[
        action!(CreateVpnGateway: create_vpn_gateway(set_amazon_side_asn, set_tag_specifications, set_type) -> (vpn_gateway)),
        action!(DeleteVpnGateway: delete_vpn_gateway(set_vpn_gateway_id) -> ()),
        action!(AttachVpnGateway: attach_vpn_gateway(set_vpc_id, set_vpn_gateway_id) -> (vpc_attachment)),
        action!(DetachVpnGateway: detach_vpn_gateway(set_vpc_id, set_vpn_gateway_id) -> ()),
        action!(DescribeVpnGateways: describe_vpn_gateways(set_filters, set_vpn_gateway_ids) -> (vpn_gateways)),
    ];
}
