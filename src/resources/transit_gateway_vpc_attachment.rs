//! The attachment of a VPC to a transit gateway.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTransitGatewayVpcAttachment.html>,
//! <https://docs.aws.amazon.com/vpc/latest/tgw/tgw-vpc-attachments.html>

use std::sync::Arc;

use crate::{
    base::{address::Address, diagnostic::Sink},
    call::{Arg, Call, Json, Settle},
    declared,
    net::{self, Attached, Id, Net, Origin, TransitTable, desired::{self, Desired}},
    registry::{Listing, Observed, ResourceType, Update},
    resource,
    resources::{
        part::arg,
        placement,
        read::{Reader, list, text},
        subnet::Subnet,
        transit_gateway::{Default, Switch, TIMEOUT_S, TransitGateway, is_on},
        vpc::Vpc,
    },
    schema::{
        attr::{Kind, Ref, Set, Val, Word},
        model::{Model, Resource},
        value::{Record, Value},
    },
};

resource! {
    /// Joins a VPC to a transit gateway, which gets an interface in one subnet of each Availability Zone.
    ///
    /// Packets leave a subnet for the gateway where its route table leads there, and only from zones in which the
    /// attachment has a subnet. Where the gateway sends them on to says the route table of the gateway that names the
    /// attachment among its `associations`. It costs money by the hour.
    TransitGatewayVpcAttachment = "transit_gateway_vpc_attachment" {
        /// The gateway.
        transit_gateway: Ref<TransitGateway>, Replace;
        /// The VPC. A VPC is attached to a gateway once.
        vpc: Ref<Vpc>, Replace;
        /// The subnets with an interface of the gateway, one in each zone; at least one.
        subnets: Set<Ref<Subnet>>, InPlace;
        /// Whether public names of machines in other VPCs become private addresses in this one.
        dns_support: Val<Word<Switch>> = Value::text("enable"), InPlace;
        /// Whether it carries IPv6.
        ipv6_support: Val<Word<Switch>> = Value::text("disable"), InPlace;
        /// Whether both directions of a flow stay in one zone, as a firewall that stands in this VPC needs it.
        appliance_mode_support: Val<Word<Switch>> = Value::text("disable"), InPlace;
        /// Whether ingress rules may name security groups of the other VPCs; the gateway must allow it, too.
        security_group_referencing_support: Val<Word<Switch>> = Value::text("enable"), InPlace;
        /// Its id.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

/// Attributes that are members of `Options`, and the members.
const OPTIONS: [(&str, &str); 4] = [
    ("dns_support", "DnsSupport"),
    ("ipv6_support", "Ipv6Support"),
    ("appliance_mode_support", "ApplianceModeSupport"),
    ("security_group_referencing_support", "SecurityGroupReferencingSupport"),
];

const DESCRIBE: &str = "DescribeTransitGatewayVpcAttachments";

impl ResourceType for TransitGatewayVpcAttachment {
    declared!();

    const EXAMPLE: &'static str = r#"transit_gateway hub {
}

transit_gateway_vpc_attachment main {
  transit_gateway = transit_gateway.hub
  vpc             = vpc.main
  subnets         = [subnet.private]
}

# What leaves the subnet for the other VPCs.
route_table private {
  vpc     = vpc.main
  subnets = [subnet.private]
  route 10.0.0.0/8 via transit_gateway.hub
}
"#;

    const ID_PREFIX: &'static str = "tgw-attach-";
    const ONCE: &'static [(&'static str, &'static [&'static str])] = &[("", &["transit_gateway", "vpc"])];
    const TAG_TYPE: Option<&'static str> = Some("transit-gateway-attachment");
    const JOINS: Option<(&'static str, &'static str)> = Some(("transit_gateway", "vpc"));
    // One is replaced for another gateway or another VPC alone, and that one stands beside it.
    const CREATE_FIRST: bool = true;
    const CREATED_ID: &'static [&'static str] = &["TransitGatewayVpcAttachment", "TransitGatewayAttachmentId"];
    const LISTING: Listing = Listing::new(
        DESCRIBE,
        &["TransitGatewayVpcAttachments"],
        "TransitGatewayAttachmentId",
        "transit-gateway-attachment-id",
        Some(1000),
    );
    const UPDATES: &'static [Update] = &[Update {
        // One call takes all of them, and EC2 refuses a second one until the first has taken effect.
        attrs: &["subnets", "dns_support", "ipv6_support", "appliance_mode_support", "security_group_referencing_support"],
        after_create: |_| false,
        calls: modify,
    }];
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = aws::ACTIONS;

    fn check(model: &Model, sink: &mut Sink) {
        placement::subnets_of_same_vpc(model, Self::KIND, sink);
    }

    fn network(this: &Resource, desired: &Desired<'_>, net: &mut Net) {
        let (Some(gateway), Some(vpc)) = (desired.reference(this, "transit_gateway"), desired.reference(this, "vpc")) else { return };
        let (id, origin) = (desired::id(&this.address), desired::origin(this));
        let on = |name: &str| is_on(desired.value(this, name));
        let by_default = |side: Default| desired.resource(&gateway).and_then(|g| side.table(g, desired));
        if let Some((table, stands)) = by_default(Default::Propagation) {
            let (gateway, propagations) = (gateway.clone(), vec![id.clone()]);
            // What else is in a table that stands is not the project's to say.
            net.transit_tables.push(TransitTable { id: table, gateway, propagations, routes: vec![], known: !stands, origin: Origin::Aws });
        }
        let table = followed(this, &gateway, desired).or_else(|| by_default(Default::Association).map(|(table, _)| table));
        let to = Attached::Vpc {
            vpc,
            subnets: desired.references(this, "subnets"),
            ipv6: on("ipv6_support"),
            appliance: on("appliance_mode_support"),
            group_references: on("security_group_referencing_support"),
        };
        net.attachments.push(net::Attachment { id, gateway, to, available: true, table, origin });
    }

    fn create(&self, at: &Address) -> Vec<Call> {
        let options = [
            ("DnsSupport", self.dns_support.arg()),
            ("Ipv6Support", self.ipv6_support.arg()),
            ("ApplianceModeSupport", self.appliance_mode_support.arg()),
            ("SecurityGroupReferencingSupport", self.security_group_referencing_support.arg()),
        ];
        let params = [
            ("TransitGatewayId", self.transit_gateway.arg()),
            ("VpcId", self.vpc.arg()),
            ("SubnetIds", Arg::List(self.subnets.0.iter().map(Ref::arg).collect())),
            ("Options", Arg::map(options)),
        ];
        vec![Call::new("CreateTransitGatewayVpcAttachment", params).tagged("transit-gateway-attachment").settle(available(at))]
    }

    fn delete(at: &Address, _record: &Record) -> Vec<Call> {
        let gone = settle(at, &["deleted", "gone"]);
        vec![Call::new("DeleteTransitGatewayVpcAttachment", [("TransitGatewayAttachmentId", Arg::id(at))]).settle(gone)]
    }

    fn observe(item: &Json) -> Option<Observed> {
        if matches!(text(item, &["State"]), Some("deleting" | "deleted" | "failed" | "failing" | "rejected" | "rejecting")) {
            return None;
        }
        let mut subnets: Vec<&str> = list(item, &["SubnetIds"]).iter().filter_map(Json::as_str).collect();
        subnets.sort_unstable();
        let reader = Reader::new(item)
            .text("transit_gateway", &["TransitGatewayId"])
            .text("vpc", &["VpcId"])
            .value("subnets", Some(Value::List(subnets.into_iter().map(Value::text).collect())));
        let read = OPTIONS.iter().fold(reader, |reader, (name, member)| reader.text(name, &["Options", member]));
        read.done(&["TransitGatewayAttachmentId"], vec![])
    }
}

/// The table of this gateway, one of the project, that an attachment follows there.
pub(super) fn followed(this: &Resource, gateway: &Id, desired: &Desired<'_>) -> Option<Id> {
    let named = Value::Resource(this.address.clone());
    let follows = |table: &&Resource| table.parts.iter().any(|p| p.name == "association" && p.record.get("attachment") == Some(&named));
    let here = |table: &&Resource| desired.reference(table, "transit_gateway").as_ref() == Some(gateway);
    desired.of_kind("transit_gateway_route_table").filter(here).find(follows).map(|table| desired::id(&table.address))
}

/// Which subnets it has now is asked first: EC2 takes those that come and those that go.
fn modify(at: &Address, record: &Record) -> Vec<Call> {
    let has = || Box::new(Arg::Answer(0, ["TransitGatewayVpcAttachments", "0", "SubnetIds"].map(str::to_owned).to_vec()));
    let wanted = || Box::new(arg(record, "subnets"));
    let params = [
        ("TransitGatewayAttachmentId", Arg::id(at)),
        ("AddSubnetIds", Arg::Except(wanted(), has())),
        ("RemoveSubnetIds", Arg::Except(has(), wanted())),
        ("Options", Arg::map(OPTIONS.map(|(name, member)| (member, arg(record, name))))),
    ];
    let look = Call::new(DESCRIBE, [("TransitGatewayAttachmentIds", Arg::List(vec![Arg::id(at)]))]);
    vec![look, Call::new("ModifyTransitGatewayVpcAttachment", params).settle(available(at))]
}

fn available(at: &Address) -> Settle {
    settle(at, &["available"]).or_fail(&["deleting", "deleted", "failing", "failed", "rejecting", "rejected"], &[])
}

fn settle(at: &Address, until: &[&str]) -> Settle {
    let (filter, items, id) = ("transit-gateway-attachment-id", &["TransitGatewayVpcAttachments"], "TransitGatewayAttachmentId");
    Settle::new(DESCRIBE, filter, items, id, &["State"], until, Arg::id(at)).within(TIMEOUT_S)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::sample::{complaints, list as values, net as cidr, network, reference, resource};

    #[test]
    fn what_ec2_lists_is_what_was_asked() {
        let item = |state| {
            json!({
                "TransitGatewayAttachmentId": "tgw-attach-1", "TransitGatewayId": "tgw-1", "VpcId": "vpc-1", "State": state,
                "SubnetIds": ["subnet-2", "subnet-1"], "Options": {"Ipv6Support": "disable", "ApplianceModeSupport": "enable"},
            })
        };
        let record = TransitGatewayVpcAttachment::observe(&item("available")).expect("it stands").record;
        assert_eq!(record["subnets"], values([Value::text("subnet-1"), Value::text("subnet-2")]));
        assert_eq!((&record["appliance_mode_support"], &record["vpc"]), (&Value::text("enable"), &Value::text("vpc-1")));
        assert_eq!(TransitGatewayVpcAttachment::observe(&item("deleted")), None);
    }

    #[test]
    fn its_subnets_lie_in_its_vpc() {
        let back = resource("vpc.back", &[("cidr_block", cidr("10.1.0.0/16"))]);
        let stray = [
            ("transit_gateway", reference("transit_gateway.hub")),
            ("vpc", reference("vpc.back")),
            ("subnets", values([reference("subnet.app")])),
        ];
        let model = network([back, resource("transit_gateway_vpc_attachment.a", &stray)]);
        assert_eq!(complaints(&model), ["E0307 `subnet.app` lies in `vpc.main`, not in `vpc.back`"]);
    }
}

#[cfg(feature = "aws")]
mod aws {
    use crate::{action, ec2::Action, shown, taken, words};

    taken! {
        CreateTransitGatewayVpcAttachmentRequestOptions(
            set_appliance_mode_support, set_dns_support, set_ipv6_support, set_security_group_referencing_support,
        );
        ModifyTransitGatewayVpcAttachmentRequestOptions(
            set_appliance_mode_support, set_dns_support, set_ipv6_support, set_security_group_referencing_support,
        );
    }

    shown! {
        TransitGatewayVpcAttachment(
            creation_time, options, state, subnet_ids, tags, transit_gateway_attachment_id, transit_gateway_id, vpc_id, vpc_owner_id,
        );
        TransitGatewayVpcAttachmentOptions(appliance_mode_support, dns_support, ipv6_support, security_group_referencing_support);
        TransitGatewayAttachment(
            association, creation_time, resource_id, resource_owner_id, resource_type, state, tags, transit_gateway_attachment_id,
            transit_gateway_id, transit_gateway_owner_id,
        );
        TransitGatewayAttachmentAssociation(state, transit_gateway_route_table_id);
    }

    words! {
        ApplianceModeSupportValue, Ipv6SupportValue, TransitGatewayAssociationState, TransitGatewayAttachmentResourceType,
        TransitGatewayAttachmentState,
    }

    pub(super) const ACTIONS: &[Action] = &[
        action!(CreateTransitGatewayVpcAttachment: create_transit_gateway_vpc_attachment(
            set_options, set_subnet_ids, set_tag_specifications, set_transit_gateway_id, set_vpc_id,
        ) -> (transit_gateway_vpc_attachment)),
        action!(ModifyTransitGatewayVpcAttachment: modify_transit_gateway_vpc_attachment(
            set_add_subnet_ids, set_options, set_remove_subnet_ids, set_transit_gateway_attachment_id,
        ) -> (transit_gateway_vpc_attachment)),
        action!(DeleteTransitGatewayVpcAttachment: delete_transit_gateway_vpc_attachment(set_transit_gateway_attachment_id)
            -> (transit_gateway_vpc_attachment)),
        action!(DescribeTransitGatewayVpcAttachments: describe_transit_gateway_vpc_attachments(
            set_filters, set_max_results, set_next_token, set_transit_gateway_attachment_ids,
        ) -> (next_token, transit_gateway_vpc_attachments)),
        action!(DescribeTransitGatewayAttachments: describe_transit_gateway_attachments(
            set_filters, set_max_results, set_next_token, set_transit_gateway_attachment_ids,
        ) -> (next_token, transit_gateway_attachments)),
    ];
}
