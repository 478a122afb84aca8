//! A transit gateway: a router between VPCs.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTransitGateway.html>,
//! <https://docs.aws.amazon.com/vpc/latest/tgw/tgw-transit-gateways.html>

use std::sync::Arc;

use crate::{
    base::address::Address,
    call::{Arg, Call, Json, Settle},
    declared,
    net::{self, Id, Net, desired::{self, Desired}},
    registry::{Listing, Observed, ResourceType, Update},
    resource,
    resources::{part::arg, read::{Reader, text}},
    schema::{
        attr::{Val, Word, Words},
        model::{Model, Resource},
        value::{Record, Value},
    },
};

resource! {
    /// A router in the middle of a region, to which VPCs and VPNs are attached.
    ///
    /// What is attached to it follows one of its route tables, and reaches what that table leads to. AWS makes a default
    /// table that every attachment follows and tells its networks, so that all of them reach each other. Here there is
    /// none unless it is asked for: an attachment reaches nothing until a `transit_gateway_route_table` names it.
    TransitGateway = "transit_gateway" {
        /// What it is for.
        description: Val<Arc<str>> = Value::text(""), InPlace;
        /// The number of Amazon's side in BGP: 64512 to 65534 or 4200000000 to 4294967294; 64512 where it is not written.
        /// EC2 refuses to change it while something that speaks BGP is attached.
        amazon_side_asn: Option<Val<i64>>, InPlace;
        /// Whether attachments follow the default route table unless they follow another. EC2 turns it off in place; on
        /// again only where there was a default table before.
        default_route_table_association: Val<Word<Switch>> = Value::text("disable"), InPlace;
        /// Whether attachments tell the default route table their networks. EC2 turns it off in place; on again only
        /// where there was a default table before.
        default_route_table_propagation: Val<Word<Switch>> = Value::text("disable"), InPlace;
        /// Whether attachments from other accounts, with which it is shared, are accepted unseen.
        auto_accept_shared_attachments: Val<Word<Switch>> = Value::text("disable"), InPlace;
        /// Whether public names of a VPC's machines become their private addresses in the other VPCs.
        dns_support: Val<Word<Switch>> = Value::text("enable"), InPlace;
        /// Whether several VPN tunnels to one network share its load.
        vpn_ecmp_support: Val<Word<Switch>> = Value::text("enable"), InPlace;
        /// Whether ingress rules may name security groups of the other VPCs; their attachments must allow it, too.
        security_group_referencing_support: Val<Word<Switch>> = Value::text("disable"), InPlace;
        /// The id of the table that attachments follow by default.
        association_default_route_table_id: Option<Val<Arc<str>>>, Computed;
        /// The id of the table that learns the networks of attachments by default.
        propagation_default_route_table_id: Option<Val<Arc<str>>>, Computed;
        /// Its id.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

/// What is on or off, in EC2's words.
#[derive(Debug, Clone, PartialEq)]
pub struct Switch;

impl Words for Switch {
    const ALL: &'static [&'static str] = &["enable", "disable"];
}

/// Attributes that are members of `Options`, and the members.
const OPTIONS: [(&str, &str); 7] = [
    ("amazon_side_asn", "AmazonSideAsn"),
    ("default_route_table_association", "DefaultRouteTableAssociation"),
    ("default_route_table_propagation", "DefaultRouteTablePropagation"),
    ("auto_accept_shared_attachments", "AutoAcceptSharedAttachments"),
    ("dns_support", "DnsSupport"),
    ("vpn_ecmp_support", "VpnEcmpSupport"),
    ("security_group_referencing_support", "SecurityGroupReferencingSupport"),
];

/// Creation and deletion take minutes.
pub(super) const TIMEOUT_S: u64 = 900;

impl ResourceType for TransitGateway {
    declared!();

    const EXAMPLE: &'static str = r#"transit_gateway hub {
  description = "between all VPCs of the region"
}
"#;

    const ID_PREFIX: &'static str = "tgw-";
    const OPENS: &'static [&'static str] = &[""];
    const TAG_TYPE: Option<&'static str> = Some("transit-gateway");
    const CREATED_ID: &'static [&'static str] = &["TransitGateway", "TransitGatewayId"];
    const LISTING: Listing =
        Listing::new("DescribeTransitGateways", &["TransitGateways"], "TransitGatewayId", "transit-gateway-id", Some(1000));
    const UPDATES: &'static [Update] = &[Update {
        attrs: &[
            "description",
            "amazon_side_asn",
            "default_route_table_association",
            "default_route_table_propagation",
            "auto_accept_shared_attachments",
            "dns_support",
            "vpn_ecmp_support",
            "security_group_referencing_support",
        ],
        after_create: |_| false,
        calls: |at, record| {
            let params = [("TransitGatewayId", Arg::id(at)), ("Description", arg(record, "description")), ("Options", options(record))];
            vec![Call::new("ModifyTransitGateway", params).settle(available(at))]
        },
    }];
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = aws::ACTIONS;

    fn attached(this: &Resource, _model: &Model) -> Vec<String> {
        let on = |name: &str| is_on(this.record.get(name));
        match (on("default_route_table_association"), on("default_route_table_propagation")) {
            (true, true) => vec!["a default route table that every attachment follows and tells its networks: all of them reach each other".into()],
            (true, false) => vec!["a default route table that every attachment follows unless it follows another".into()],
            (false, true) => vec!["a default route table that every attachment tells its networks".into()],
            (false, false) => vec![],
        }
    }

    fn network(this: &Resource, desired: &Desired<'_>, net: &mut Net) {
        if this.existing {
            // What else is attached to it, and what its tables say, nobody has read: it is no gateway to prove anything with.
            return;
        }
        let (id, origin) = (desired::id(&this.address), desired::origin(this));
        let group_references = is_on(desired.value(this, "security_group_referencing_support"));
        net.transit_gateways.push(net::TransitGateway { id: id.clone(), available: true, group_references, origin });
        for side in Default::ALL {
            // One that stands already is read with what stands.
            if let Some((table, false)) = side.table(this, desired) {
                let (propagations, routes) = (vec![], vec![]);
                net.transit_tables.push(net::TransitTable { id: table, gateway: id.clone(), propagations, routes, known: true, origin: net::Origin::Aws });
            }
        }
    }

    fn create(&self, at: &Address) -> Vec<Call> {
        let options = [
            ("AmazonSideAsn", self.amazon_side_asn.as_ref().map_or(Arg::Known(Json::Null), Val::arg)),
            ("DefaultRouteTableAssociation", self.default_route_table_association.arg()),
            ("DefaultRouteTablePropagation", self.default_route_table_propagation.arg()),
            ("AutoAcceptSharedAttachments", self.auto_accept_shared_attachments.arg()),
            ("DnsSupport", self.dns_support.arg()),
            ("VpnEcmpSupport", self.vpn_ecmp_support.arg()),
            ("SecurityGroupReferencingSupport", self.security_group_referencing_support.arg()),
        ];
        let params = [("Description", self.description.arg()), ("Options", Arg::map(options))];
        vec![Call::new("CreateTransitGateway", params).tagged("transit-gateway").settle(available(at))]
    }

    fn delete(at: &Address, _record: &Record) -> Vec<Call> {
        vec![Call::new("DeleteTransitGateway", [("TransitGatewayId", Arg::id(at))]).settle(settle(at, &["deleted", "gone"]))]
    }

    fn observe(item: &Json) -> Option<Observed> {
        if matches!(text(item, &["State"]), Some("deleting" | "deleted")) {
            return None;
        }
        let described = Value::text(text(item, &["Description"]).unwrap_or_default());
        let reader = Reader::new(item).value("description", Some(described)).int("amazon_side_asn", &["Options", "AmazonSideAsn"]);
        let switches = OPTIONS.iter().filter(|(name, _)| *name != "amazon_side_asn");
        switches
            .fold(reader, |reader, (name, member)| reader.text(name, &["Options", member]))
            .text("association_default_route_table_id", &["Options", "AssociationDefaultRouteTableId"])
            .text("propagation_default_route_table_id", &["Options", "PropagationDefaultRouteTableId"])
            .done(&["TransitGatewayId"], vec![])
    }
}

/// What a default route table is for.
#[derive(Clone, Copy)]
pub(super) enum Default {
    /// Attachments follow it.
    Association,
    /// It learns the networks of attachments.
    Propagation,
}

impl Default {
    const ALL: [Default; 2] = [Default::Association, Default::Propagation];

    /// The table of a gateway, if it has one, and whether it stands already.
    pub(super) fn table(self, gateway: &Resource, desired: &Desired<'_>) -> Option<(Id, bool)> {
        let (switch, id) = match self {
            Default::Association => ("default_route_table_association", "association_default_route_table_id"),
            Default::Propagation => ("default_route_table_propagation", "propagation_default_route_table_id"),
        };
        if !is_on(desired.value(gateway, switch)) {
            return None;
        }
        Some(match desired.value(gateway, id).and_then(Value::as_text) {
            Some(id) => (Id::from(id), true),
            None => (Id::from(&*format!("{} (default route table)", gateway.address)), false),
        })
    }
}

/// Whether a switch is on.
pub(super) fn is_on(value: Option<&Value>) -> bool {
    value.and_then(Value::as_text) == Some("enable")
}

fn options(record: &Record) -> Arg {
    Arg::map(OPTIONS.map(|(name, member)| (member, arg(record, name))))
}

fn available(at: &Address) -> Settle {
    settle(at, &["available"]).or_fail(&["deleting", "deleted"], &[])
}

fn settle(at: &Address, until: &[&str]) -> Settle {
    let action = "DescribeTransitGateways";
    Settle::new(action, "transit-gateway-id", &["TransitGateways"], "TransitGatewayId", &["State"], until, Arg::id(at)).within(TIMEOUT_S)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::{self, sample::{model, reference, resource}};

    #[test]
    fn what_ec2_lists_is_what_was_asked() {
        let item = |state| {
            json!({
                "TransitGatewayId": "tgw-1", "State": state, "Description": "hub", "Tags": [{"Key": "Name", "Value": "hub"}],
                "Options": {
                    "AmazonSideAsn": 64512, "DefaultRouteTableAssociation": "enable", "AssociationDefaultRouteTableId": "tgw-rtb-1",
                    "DefaultRouteTablePropagation": "disable", "VpnEcmpSupport": "enable",
                },
            })
        };
        let observed = TransitGateway::observe(&item("modifying")).expect("it stands");
        assert_eq!((&observed.record["amazon_side_asn"], &observed.record["description"]), (&Value::Int(64512), &Value::text("hub")));
        assert_eq!(observed.record["default_route_table_propagation"], Value::text("disable"));
        assert_eq!(observed.record["association_default_route_table_id"], Value::text("tgw-rtb-1"));
        assert_eq!(TransitGateway::observe(&item("deleting")), None);
    }

    #[test]
    fn what_joins_everything_to_everything_is_said_and_drawn() {
        let hub = |more: &[(&str, Value)]| resource("transit_gateway.hub", more);
        assert_eq!(TransitGateway::attached(&hub(&[]), &Model::default()), [""; 0]);
        let on = [("default_route_table_association", Value::text("enable")), ("default_route_table_propagation", Value::text("enable"))];
        assert!(TransitGateway::attached(&hub(&on), &Model::default())[0].contains("all of them reach each other"));
        let attachment = || resource("transit_gateway_vpc_attachment.a", &[("transit_gateway", reference("transit_gateway.hub")), ("vpc", reference("vpc.a"))]);
        let net = resources::network(&model([hub(&on), attachment()]));
        let table = Id::from("transit_gateway.hub (default route table)");
        assert_eq!(net.attachments[0].table, Some(table.clone()));
        let [drawn] = &net.transit_tables[..] else { panic!("one table: {:?}", net.transit_tables) };
        assert_eq!((&drawn.id, &drawn.propagations[..], drawn.known), (&table, &[Id::from("transit_gateway_vpc_attachment.a")][..], true));
        let none = resources::network(&model([hub(&[]), attachment()]));
        assert_eq!((&none.attachments[0].table, none.transit_tables.len()), (&None, 0));
    }
}

#[cfg(feature = "aws")]
mod aws {
    use crate::{action, ec2::Action, shown, taken, words};

    taken! {
        TransitGatewayRequestOptions(
            set_amazon_side_asn, set_auto_accept_shared_attachments, set_default_route_table_association,
            set_default_route_table_propagation, set_dns_support, set_security_group_referencing_support, set_vpn_ecmp_support,
        );
        ModifyTransitGatewayOptions(
            set_amazon_side_asn, set_auto_accept_shared_attachments, set_default_route_table_association,
            set_default_route_table_propagation, set_dns_support, set_security_group_referencing_support, set_vpn_ecmp_support,
        );
    }

    shown! {
        TransitGateway(creation_time, description, options, owner_id, state, tags, transit_gateway_arn, transit_gateway_id);
        TransitGatewayOptions(
            amazon_side_asn, association_default_route_table_id, auto_accept_shared_attachments, default_route_table_association,
            default_route_table_propagation, dns_support, multicast_support, propagation_default_route_table_id,
            security_group_referencing_support, transit_gateway_cidr_blocks, vpn_ecmp_support,
        );
    }

    words! {
        AutoAcceptSharedAttachmentsValue, DefaultRouteTableAssociationValue, DefaultRouteTablePropagationValue, DnsSupportValue,
        MulticastSupportValue, SecurityGroupReferencingSupportValue, TransitGatewayState, VpnEcmpSupportValue,
    }

    pub(super) const ACTIONS: &[Action] = &[
        action!(CreateTransitGateway: create_transit_gateway(set_description, set_options, set_tag_specifications) -> (transit_gateway)),
        action!(ModifyTransitGateway: modify_transit_gateway(set_description, set_options, set_transit_gateway_id) -> (transit_gateway)),
        action!(DeleteTransitGateway: delete_transit_gateway(set_transit_gateway_id) -> (transit_gateway)),
        action!(DescribeTransitGateways: describe_transit_gateways(
            set_filters, set_max_results, set_next_token, set_transit_gateway_ids,
        ) -> (next_token, transit_gateways)),
    ];
}
