//! A route table of a transit gateway: its routes, what follows it, and what it learns from.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTransitGatewayRouteTable.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SearchTransitGatewayRoutes.html>,
//! <https://docs.aws.amazon.com/vpc/latest/tgw/tgw-route-tables.html>

use std::{collections::BTreeMap, sync::Arc};

use serde_json::json;

use crate::{
    base::{address::Address, cidr::Cidr, codes::network, diagnostic::Sink},
    call::{Arg, Call, Json, Request, Settle},
    declared,
    net::{self, Destination, Net, desired::{self, Desired}},
    registry::{Listing, Observed, PartSpec, Removal, ResourceType, SentenceSpec, Slot},
    resource,
    resources::{
        part::{arg, each, each_of, filter, filter_text, show_value},
        placement,
        read::{Reader, list, text},
        transit_gateway::{TIMEOUT_S, TransitGateway},
        transit_gateway_peering_attachment::TransitGatewayPeeringAttachment,
        transit_gateway_vpc_attachment::TransitGatewayVpcAttachment,
        vpn_connection::VpnConnection,
    },
    schema::{
        attr::{Kind, Ref, Set, Val},
        model::{Model, Part, Resource},
        value::{Record, Value},
    },
};

resource! {
    /// Says for the attachments that follow it where a transit gateway sends their packets.
    ///
    /// An attachment follows one table. A table leads to the networks of the VPCs that tell it theirs (`propagations`)
    /// and to what its own routes say; of several the one with the longest prefix holds, and at the same length the
    /// table's own. It owns its whole set of routes, associations and propagations; routes that it learns are nobody's.
    TransitGatewayRouteTable = "transit_gateway_route_table" {
        /// The gateway.
        transit_gateway: Ref<TransitGateway>, Replace;
        /// The attachments that follow it.
        associations: Set<Ref<TransitGatewayVpcAttachment>> = Value::List(vec![]), Parts;
        /// The attachments whose networks it leads to.
        propagations: Set<Ref<TransitGatewayVpcAttachment>> = Value::List(vec![]), Parts;
        /// The peerings that follow it: where packets go that come from the other gateway. A peering follows one table on each side.
        peering_associations: Set<Ref<TransitGatewayPeeringAttachment>> = Value::List(vec![]), Parts;
        /// The VPN connections that follow it.
        vpn_associations: Set<Ref<VpnConnection>> = Value::List(vec![]), Parts;
        /// The VPN connections whose networks it leads to, as BGP tells them. Which they are EC2 tells once the connection has
        /// been there: until then nothing is proved of what follows the table.
        vpn_propagations: Set<Ref<VpnConnection>> = Value::List(vec![]), Parts;
        /// Its id.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

impl ResourceType for TransitGatewayRouteTable {
    declared!();

    const EXAMPLE: &'static str = r#"transit_gateway hub {
}

transit_gateway_vpc_attachment main {
  transit_gateway = transit_gateway.hub
  vpc             = vpc.main
  subnets         = [subnet.private]
}

# What comes from other attachments reaches the VPC; the VPC itself reaches nothing.
transit_gateway_route_table inwards {
  transit_gateway = transit_gateway.hub
  propagations    = [transit_gateway_vpc_attachment.main]
  route     10.9.0.0/16 via transit_gateway_vpc_attachment.main
  blackhole 10.9.1.0/24
}
"#;

    const ID_PREFIX: &'static str = "tgw-rtb-";
    const TAG_TYPE: Option<&'static str> = Some("transit-gateway-route-table");
    const CREATED_ID: &'static [&'static str] = &["TransitGatewayRouteTable", "TransitGatewayRouteTableId"];
    // EC2 has no bulk form of the routes and propagations of tables: two calls a table. Associations are read for all at once.
    const LISTING: Listing = Listing {
        more,
        merge,
        ..Listing::new(DESCRIBE, &["TransitGatewayRouteTables"], ID, "transit-gateway-route-table-id", Some(PAGE))
    };
    const SENTENCES: &'static [SentenceSpec] = &[
        SentenceSpec {
            head: "route",
            slots: &[
                Slot::Peers("destinations", &[]),
                Slot::Word("via"),
                Slot::Target("target", &["transit_gateway_vpc_attachment", "transit_gateway_peering_attachment", "vpn_connection"]),
            ],
            doc: "Sends packets for these networks to an attachment.",
            example: "route 10.1.0.0/16 via transit_gateway_vpc_attachment.main",
        },
        SentenceSpec {
            head: "blackhole",
            slots: &[Slot::Peers("destinations", &[])],
            doc: "Drops packets for these networks, whatever shorter prefixes say.",
            example: "blackhole 10.9.0.0/16",
        },
    ];
    const PARTS: &'static [PartSpec] = &[
        PartSpec {
            name: "route",
            doc: "Where packets for a network go, or that they are dropped; EC2 changes it in one call.",
            key: &["destination"],
            content: &["target"],
            create: |at, routes| each_of(routes, |route| to_target("CreateTransitGatewayRoute", at, route)),
            change: Some(|at, _, new| to_target("ReplaceTransitGatewayRoute", at, new)),
            delete: |at, routes| each(routes, |route| unroute(at, route)),
            removal: Removal::WithOwner,
            create_first: false,
            essential: false,
            governs: None,
            takes_over: false,
            show: show_route,
        },
        PartSpec {
            name: "propagation",
            doc: "Has the table lead to the networks of an attachment's VPC, or to those that a VPN tells.",
            key: &["attachment"],
            content: &[],
            create: |at, parts| {
                each_of(parts, |part| with_attachment("EnableTransitGatewayRouteTablePropagation", at, part, |call| call.satisfied_by(&LEARNS)))
            },
            change: None,
            delete: |at, parts| {
                each_of(parts, |part| with_attachment("DisableTransitGatewayRouteTablePropagation", at, part, |call| call.satisfied_by(&LEARNS_NOT)))
            },
            removal: Removal::WithOwner,
            create_first: false,
            essential: false,
            governs: None,
            takes_over: false,
            show: |part| format!("propagation from {}", show_value(part.get("attachment"))),
        },
        PartSpec {
            name: "association",
            doc: "Makes an attachment follow the table. While another table holds the attachment EC2 refuses it, so that one lets go before.",
            key: &["attachment"],
            content: &[],
            create: |at, parts| each_of(parts, |part| associate(at, part)),
            change: None,
            delete: |at, parts| each_of(parts, |part| disassociate(at, part)),
            removal: Removal::First,
            create_first: false,
            essential: false,
            governs: Some("attachment"),
            takes_over: false,
            show: |part| format!("association with {}", show_value(part.get("attachment"))),
        },
    ];
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = aws::ACTIONS;

    fn check(model: &Model, sink: &mut Sink) {
        placement::one_holder(model, Self::KIND, "associations", sink);
        placement::one_holder(model, Self::KIND, "vpn_associations", sink);
        // A peering follows a table on each side.
        placement::one_holder_for_each(model, Self::KIND, "peering_associations", |table| table.reference("transit_gateway"), sink);
        for table in placement::managed(model, Self::KIND) {
            let Some(own) = table.reference("transit_gateway") else { continue };
            let named = ["associations", "propagations", "peering_associations", "vpn_associations", "vpn_propagations"].map(|name| placement::references(table, name).map(move |a| (a, table.span_of(name))));
            let targets = table.sentences.iter().filter_map(|s| Some((s.get("target").as_resource()?, Some(s.span_of("target")))));
            for (attachment, at) in named.into_iter().flatten().chain(targets) {
                let other = model.resources.get(attachment).and_then(|a| a.reference("transit_gateway"));
                let far = placement::mirror_of(model, attachment) == Some(own);
                if let Some(other) = other.filter(|other| *other != own && !far) {
                    sink.push(network::of_another_vpc((attachment, other), (&table.address, own), at));
                }
            }
        }
    }

    fn desired_parts(&self, this: &Resource, _model: &Model, sink: &mut Sink) -> Vec<Part> {
        let mut parts = routes(this, sink);
        let of = |vpcs: &Set<Ref<TransitGatewayVpcAttachment>>| vpcs.0.iter().map(|a| a.value.clone()).collect::<Vec<_>>();
        let of_peerings = |peerings: &Set<Ref<TransitGatewayPeeringAttachment>>| peerings.0.iter().map(|p| p.value.clone()).collect::<Vec<_>>();
        let of_vpns = |vpns: &Set<Ref<VpnConnection>>| vpns.0.iter().map(|v| v.value.clone()).collect::<Vec<_>>();
        for (name, attribute, attachments) in [
            ("propagation", "propagations", of(&self.propagations)),
            ("propagation", "vpn_propagations", of_vpns(&self.vpn_propagations)),
            ("association", "associations", of(&self.associations)),
            ("association", "peering_associations", of_peerings(&self.peering_associations)),
            ("association", "vpn_associations", of_vpns(&self.vpn_associations)),
        ] {
            let span = this.span_of(attribute);
            parts.extend(attachments.into_iter().map(|attachment| Part { name, record: Record::from([("attachment".into(), attachment)]), span }));
        }
        parts
    }

    fn network(this: &Resource, desired: &Desired<'_>, net: &mut Net) {
        let Some(gateway) = desired.reference(this, "transit_gateway") else { return };
        let mut table = net::TransitTable {
            id: desired::id(&this.address),
            gateway,
            propagations: vec![],
            routes: vec![],
            known: true,
            origin: desired::origin(this),
        };
        for part in &this.parts {
            match part.name {
                "propagation" => {
                    let attachment = desired::named(part.record.get("attachment"));
                    let unknown = attachment.clone().filter(|_| is_vpn(part.record.get("attachment")));
                    table.routes.extend(unknown.map(|vpn| net::TransitRoute::of_unknown(vpn, desired::of_part(this, part))));
                    table.propagations.extend(attachment);
                }
                "route" => match part.record.get("destination") {
                    Some(Value::Cidr(cidr)) => table.routes.push(net::TransitRoute {
                        destination: Destination::Network(*cidr),
                        attachment: desired::named(part.record.get("target")),
                        fixed: true,
                        origin: desired::of_part(this, part),
                    }),
                    _ => table.known = false,
                },
                _ => {}
            }
        }
        net.transit_tables.push(table);
    }

    fn create(&self, at: &Address) -> Vec<Call> {
        let params = [("TransitGatewayId", self.transit_gateway.arg())];
        let settled = settle(at, &["available"]).or_fail(&["deleting", "deleted"], &[]);
        vec![Call::new("CreateTransitGatewayRouteTable", params).tagged("transit-gateway-route-table").settle(settled)]
    }

    fn delete(at: &Address, _record: &Record) -> Vec<Call> {
        vec![Call::new("DeleteTransitGatewayRouteTable", [(ID, Arg::id(at))]).settle(settle(at, &["deleted", "gone"]))]
    }

    fn observe(item: &Json) -> Option<Observed> {
        if matches!(text(item, &["State"]), Some("deleting" | "deleted")) {
            return None;
        }
        let routes = list(item, &["Routes"]).iter().filter_map(observed_route).map(|route| ("route", route));
        let of = |name: &'static str, member: &str| {
            let ids: Vec<&str> = list(item, &[member]).iter().filter_map(Json::as_str).collect();
            // A VPN connection goes by its own id.
            let named = |id| text(item, &[VPNS, id]).unwrap_or(id);
            ids.into_iter().map(move |id| (name, Record::from([("attachment".into(), Value::text(named(id)))])))
        };
        let parts = routes.chain(of("propagation", "Propagations")).chain(of("association", "Associations")).collect();
        Reader::new(item).text("transit_gateway", &["TransitGatewayId"]).done(&[ID], parts)
    }
}

const DESCRIBE: &str = "DescribeTransitGatewayRouteTables";
const ID: &str = "TransitGatewayRouteTableId";
const PAGE: u16 = 1000;

/// The member of an item that has the VPN connections among its attachments, by the attachment's id.
const VPNS: &str = "_Vpns";

/// How many values a filter takes.
const FILTER_VALUES_MAX: usize = 200;

const LEARNS: [&str; 1] = ["TransitGatewayRouteTablePropagation.Duplicate"];
const LEARNS_NOT: [&str; 1] = ["TransitGatewayRouteTablePropagation.NotFound"];

/// One route a destination. The same destination twice with the same target is one route with two origins.
fn routes(this: &Resource, sink: &mut Sink) -> Vec<Part> {
    let mut parts: Vec<Part> = vec![];
    for sentence in &this.sentences {
        // A black hole has no target.
        let target = sentence.get("target").as_resource().map_or(Value::Null, |target| Value::Resource(target.clone()));
        for destination in sentence.get("destinations").elements() {
            let destination = if *destination == Value::Anywhere { Value::Cidr(Cidr::ANYWHERE_V4) } else { destination.clone() };
            let record = Record::from([("destination".into(), destination.clone()), ("target".into(), target.clone())]);
            match parts.iter().find(|p| p.record.get("destination") == Some(&destination)) {
                None => parts.push(Part { name: "route", record, span: Some(sentence.span) }),
                Some(same) if same.record == record => {}
                Some(other) => sink.push(network::two_routes(&destination, sentence.span, other.span)),
            }
        }
    }
    parts
}

fn show_route(route: &Record) -> String {
    let to = show_value(route.get("destination"));
    match route.get("target") {
        None | Some(Value::Null) => format!("blackhole {to}"),
        target => format!("route {to} via {}", show_value(target)),
    }
}

/// Whether a part is about a VPN connection, which stands for its attachment.
fn is_vpn(attachment: Option<&Value>) -> bool {
    match attachment {
        Some(Value::Resource(address)) => address.kind() == VpnConnection::KIND,
        Some(Value::Text(id)) => id.starts_with(VpnConnection::ID_PREFIX),
        _ => false,
    }
}

/// The call that looks for an attachment, where one is needed, and the attachment's id.
fn attached(part: &Record, member: &str) -> (Option<Call>, Arg) {
    if !is_vpn(part.get(member)) {
        return (None, arg(part, member));
    }
    let filters = vec![filter("resource-id", vec![arg(part, member)]), filter_text("state", "available")];
    let look = Call::new("DescribeTransitGatewayAttachments", [("Filters", Arg::List(filters))]);
    (Some(look), Arg::find(0, &["TransitGatewayAttachments"], "ResourceId", arg(part, member), "TransitGatewayAttachmentId"))
}

fn to_target(action: &str, at: &Address, route: &Record) -> Vec<Call> {
    let (look, attachment) = attached(route, "target");
    let dropped = matches!(route.get("target"), None | Some(Value::Null));
    let params = [
        (ID, Arg::id(at)),
        ("DestinationCidrBlock", arg(route, "destination")),
        ("TransitGatewayAttachmentId", attachment),
        ("Blackhole", Arg::Known(if dropped { true.into() } else { Json::Null })),
    ];
    look.into_iter().chain([Call::new(action, params)]).collect()
}

fn unroute(at: &Address, route: &Record) -> Call {
    // Somebody else's route for a whole list; the project cannot write one.
    if let Some(Value::Text(_)) = route.get("destination") {
        let params = [(ID, Arg::id(at)), ("PrefixListId", arg(route, "destination"))];
        return Call::new("DeleteTransitGatewayPrefixListReference", params);
    }
    let params = [(ID, Arg::id(at)), ("DestinationCidrBlock", arg(route, "destination"))];
    Call::new("DeleteTransitGatewayRoute", params).satisfied_by(&["InvalidRoute.NotFound"])
}

fn with_attachment(action: &str, at: &Address, part: &Record, how: impl Fn(Call) -> Call) -> Vec<Call> {
    let (look, attachment) = attached(part, "attachment");
    let call = how(Call::new(action, [(ID, Arg::id(at)), ("TransitGatewayAttachmentId", attachment)]));
    look.into_iter().chain([call]).collect()
}

fn associate(at: &Address, part: &Record) -> Vec<Call> {
    with_attachment("AssociateTransitGatewayRouteTable", at, part, |call| call.settle(followed(part, &["associated"])))
}

fn disassociate(at: &Address, part: &Record) -> Vec<Call> {
    // Of an attachment that follows no table any more EC2 tells no state.
    with_attachment("DisassociateTransitGatewayRouteTable", at, part, |call| {
        call.settle(followed(part, &["", "disassociated", "gone"])).satisfied_by(&["InvalidAssociation.NotFound"])
    })
}

fn followed(part: &Record, until: &[&str]) -> Settle {
    let (action, items, state) = ("DescribeTransitGatewayAttachments", ["TransitGatewayAttachments"], ["Association", "State"]);
    let (filter, id) = match is_vpn(part.get("attachment")) {
        true => ("resource-id", "ResourceId"),
        false => ("transit-gateway-attachment-id", "TransitGatewayAttachmentId"),
    };
    Settle::new(action, filter, &items, id, &state, until, arg(part, "attachment")).within(TIMEOUT_S)
}

fn settle(at: &Address, until: &[&str]) -> Settle {
    let (filter, items) = ("transit-gateway-route-table-id", ["TransitGatewayRouteTables"]);
    Settle::new(DESCRIBE, filter, &items, ID, &["State"], until, Arg::id(at)).within(TIMEOUT_S)
}

/// What follows the tables, for all at once; of each, from whom it learns, and its routes.
fn more(ids: &[String]) -> Vec<Request> {
    let following = ids.chunks(FILTER_VALUES_MAX).map(|ids| {
        let filters = json!([{"Name": "association.transit-gateway-route-table-id", "Values": ids}]);
        Request::new("DescribeTransitGatewayAttachments", json!({"Filters": filters, "MaxResults": PAGE}))
    });
    let of_each = ids.iter().flat_map(|id| {
        // A search needs a filter; a route is in one of these states. It gives a thousand at a time if it is not told how many.
        let filters = json!([{"Name": "state", "Values": ["active", "blackhole"]}]);
        [
            Request::new("GetTransitGatewayRouteTablePropagations", json!({ID: id, "MaxResults": PAGE})),
            Request::new("SearchTransitGatewayRoutes", json!({ID: id, "Filters": filters})),
        ]
    });
    following.chain(of_each).collect()
}

fn merge(items: &mut BTreeMap<String, Json>, request: &Request, answer: &Json) {
    let of = text(&request.params, &[ID]).unwrap_or_default();
    let member = "TransitGatewayAttachmentId";
    let all = list(answer, &["TransitGatewayAttachments"]).iter().chain(list(answer, &["TransitGatewayRouteTablePropagations"]));
    for vpn in all.filter(|a| text(a, &["ResourceType"]) == Some("vpn")) {
        if let (Some(id), Some(resource)) = (text(vpn, &[member]), text(vpn, &["ResourceId"])) {
            items.values_mut().for_each(|item| item[VPNS][id] = resource.into());
        }
    }
    let mut add = |table: &str, member: &str, value: Json| {
        if let Some(item) = items.get_mut(table) {
            match item.get_mut(member).and_then(Json::as_array_mut) {
                Some(held) => held.push(value),
                None => item[member] = json!([value]),
            }
        }
    };
    for attachment in list(answer, &["TransitGatewayAttachments"]) {
        let gone = matches!(text(attachment, &["State"]), Some("deleting" | "deleted" | "failed" | "rejected"));
        let follows = matches!(text(attachment, &["Association", "State"]), Some("associated" | "associating"));
        if let (false, true, Some(table)) = (gone, follows, text(attachment, &["Association", ID])) {
            add(table, "Associations", attachment[member].clone());
        }
    }
    for learnt in list(answer, &["TransitGatewayRouteTablePropagations"]) {
        if matches!(text(learnt, &["State"]), Some("enabled" | "enabling")) {
            add(of, "Propagations", learnt[member].clone());
        }
    }
    for route in list(answer, &["Routes"]) {
        add(of, "Routes", route.clone());
    }
    if request.action == "SearchTransitGatewayRoutes"
        && let Some(item) = items.get_mut(of)
    {
        // What comes on further pages is read, too; without a token for them it is not known.
        let lost = answer.get("AdditionalRoutesAvailable") == Some(&Json::Bool(true)) && text(answer, &["NextToken"]).is_none_or(str::is_empty);
        item["RoutesRead"] = (!lost).into();
    }
}

/// A route that somebody wrote: not one that the table has learnt.
fn observed_route(route: &Json) -> Option<Record> {
    if text(route, &["Type"]) != Some("static") {
        return None;
    }
    let destination = match text(route, &["DestinationCidrBlock"]) {
        Some(network) => Value::Cidr(network.parse().ok()?),
        None => Value::text(text(route, &["PrefixListId"])?),
    };
    let named = |attachment| match text(attachment, &["ResourceType"]) {
        Some("vpn") => text(attachment, &["ResourceId"]),
        _ => text(attachment, &["TransitGatewayAttachmentId"]),
    };
    let target = list(route, &["TransitGatewayAttachments"]).iter().find_map(named);
    Some(Record::from([("destination".into(), destination), ("target".into(), target.map_or(Value::Null, Value::text))]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::{
        self,
        sample::{complaints, judged, list as values, model, net as cidr, reference, resource, shown},
    };

    fn table(more: &[(&str, Value)]) -> Resource {
        resource("transit_gateway_route_table.a", &[&[("transit_gateway", reference("transit_gateway.hub"))], more].concat())
    }

    fn attachment(name: &str, gateway: &str) -> Resource {
        resource(name, &[("transit_gateway", reference(gateway)), ("vpc", reference("vpc.main")), ("subnets", values([]))])
    }

    #[test]
    fn sentences_and_attachments_make_its_parts() {
        let of = || values([reference("transit_gateway_vpc_attachment.a")]);
        let table = table(&[("associations", of()), ("propagations", of())])
            .says("route", &[("destinations", values([Value::Anywhere])), ("target", reference("transit_gateway_vpc_attachment.a"))])
            .says("blackhole", &[("destinations", values([cidr("10.9.0.0/16")]))]);
        let all = model([table.clone()]);
        let expected = [
            "route 0.0.0.0/0 via transit_gateway_vpc_attachment.a",
            "blackhole 10.9.0.0/16",
            "propagation from transit_gateway_vpc_attachment.a",
            "association with transit_gateway_vpc_attachment.a",
        ];
        assert_eq!(shown(&all, "transit_gateway_route_table.a"), expected);
        let (parts, _) = judged(&all, "transit_gateway_route_table.a");
        let call = |i: usize| (TransitGatewayRouteTable::PARTS[0].create)(&table.address, &[&parts[i].record]).remove(0).calls.remove(0);
        assert_eq!(call(1).params["Blackhole"], Arg::Known(true.into()));
        assert_eq!((&call(0).params["Blackhole"], &call(1).params["TransitGatewayAttachmentId"]), (&Arg::Known(Json::Null), &Arg::Known(Json::Null)));
        let net = resources::network(&model([Resource { parts, ..table }, attachment("transit_gateway_vpc_attachment.a", "transit_gateway.hub")]));
        assert_eq!(net.attachments[0].table, Some(net::Id::from("transit_gateway_route_table.a")));
        assert_eq!(net.transit_tables[0].routes.iter().map(|r| r.attachment.is_some()).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn an_attachment_follows_one_table_of_its_own_gateway() {
        let of = |name| ("associations", values([reference(name)]));
        let other = || resource("transit_gateway_route_table.b", &[("transit_gateway", reference("transit_gateway.hub")), of("transit_gateway_vpc_attachment.a")]);
        let first = || table(&[of("transit_gateway_vpc_attachment.a")]);
        let own = attachment("transit_gateway_vpc_attachment.a", "transit_gateway.hub");
        let expected = ["E0306 `transit_gateway_vpc_attachment.a` belongs to both `transit_gateway_route_table.a` and `transit_gateway_route_table.b`"];
        assert_eq!(complaints(&model([first(), other(), own])), expected);
        let strange = attachment("transit_gateway_vpc_attachment.a", "transit_gateway.far");
        let expected = ["E0307 `transit_gateway_vpc_attachment.a` lies in `transit_gateway.far`, not in `transit_gateway.hub`"];
        assert_eq!(complaints(&model([first(), strange])), expected);
    }

    #[test]
    fn routes_that_no_further_page_brings_are_not_known() {
        let read = |answer: Json| {
            let mut items = BTreeMap::from([("tgw-rtb-1".to_owned(), json!({ID: "tgw-rtb-1"}))]);
            merge(&mut items, &more(&["tgw-rtb-1".into()])[2], &answer);
            items["tgw-rtb-1"]["RoutesRead"] == true
        };
        assert!(read(json!({"Routes": [], "AdditionalRoutesAvailable": false})));
        assert!(read(json!({"Routes": [], "AdditionalRoutesAvailable": true, "NextToken": "next"})));
        assert!(!read(json!({"Routes": [], "AdditionalRoutesAvailable": true})));
    }

    #[test]
    fn what_is_read_in_three_ways_is_one_table() {
        let mut items = BTreeMap::from([("tgw-rtb-1".to_owned(), json!({ID: "tgw-rtb-1", "TransitGatewayId": "tgw-1", "State": "available"}))]);
        let asked = more(&["tgw-rtb-1".into()]);
        let attached = |id: &str, state: &str| {
            json!({"TransitGatewayAttachmentId": id, "State": "available", "Association": {ID: "tgw-rtb-1", "State": state}})
        };
        let to = |network: &str, kind: &str, via: Json| json!({"DestinationCidrBlock": network, "Type": kind, "TransitGatewayAttachments": via});
        let via = json!([{"TransitGatewayAttachmentId": "tgw-attach-1"}]);
        let answers = [
            json!({"TransitGatewayAttachments": [attached("tgw-attach-1", "associated"), attached("tgw-attach-2", "disassociating")]}),
            json!({"TransitGatewayRouteTablePropagations": [{"TransitGatewayAttachmentId": "tgw-attach-3", "State": "enabled"}]}),
            json!({"Routes": [to("0.0.0.0/0", "static", via.clone()), to("10.1.0.0/16", "propagated", via), to("10.9.0.0/16", "static", json!([]))]}),
        ];
        asked.iter().zip(&answers).for_each(|(request, answer)| merge(&mut items, request, answer));
        let parts = TransitGatewayRouteTable::observe(&items["tgw-rtb-1"]).expect("it stands").parts;
        let show = |(name, record): &(&str, Record)| (TransitGatewayRouteTable::PARTS.iter().find(|p| p.name == *name).expect("a part").show)(record);
        let expected =
            ["route 0.0.0.0/0 via tgw-attach-1", "blackhole 10.9.0.0/16", "propagation from tgw-attach-3", "association with tgw-attach-1"];
        assert_eq!(parts.iter().map(show).collect::<Vec<_>>(), expected);
    }
}

#[cfg(feature = "aws")]
mod aws {
    use crate::{action, ec2::Action, shown, words};

    shown! {
        TransitGatewayRouteTable(
            creation_time, default_association_route_table, default_propagation_route_table, state, tags, transit_gateway_id,
            transit_gateway_route_table_id,
        );
        TransitGatewayRoute(destination_cidr_block, prefix_list_id, state, transit_gateway_attachments, r#type);
        TransitGatewayRouteAttachment(resource_id, resource_type, transit_gateway_attachment_id);
        TransitGatewayAssociation(resource_id, resource_type, state, transit_gateway_attachment_id, transit_gateway_route_table_id);
        TransitGatewayPropagation(resource_id, resource_type, state, transit_gateway_attachment_id, transit_gateway_route_table_id);
        TransitGatewayRouteTablePropagation(resource_id, resource_type, state, transit_gateway_attachment_id);
    }

    words! { TransitGatewayPropagationState, TransitGatewayRouteState, TransitGatewayRouteTableState, TransitGatewayRouteType }

    pub(super) const ACTIONS: &[Action] = &[
        action!(CreateTransitGatewayRouteTable: create_transit_gateway_route_table(set_tag_specifications, set_transit_gateway_id)
            -> (transit_gateway_route_table)),
        action!(DeleteTransitGatewayRouteTable: delete_transit_gateway_route_table(set_transit_gateway_route_table_id)
            -> (transit_gateway_route_table)),
        action!(DescribeTransitGatewayRouteTables: describe_transit_gateway_route_tables(
            set_filters, set_max_results, set_next_token, set_transit_gateway_route_table_ids,
        ) -> (next_token, transit_gateway_route_tables)),
        action!(AssociateTransitGatewayRouteTable: associate_transit_gateway_route_table(
            set_transit_gateway_attachment_id, set_transit_gateway_route_table_id,
        ) -> (association)),
        action!(DisassociateTransitGatewayRouteTable: disassociate_transit_gateway_route_table(
            set_transit_gateway_attachment_id, set_transit_gateway_route_table_id,
        ) -> (association)),
        action!(EnableTransitGatewayRouteTablePropagation: enable_transit_gateway_route_table_propagation(
            set_transit_gateway_attachment_id, set_transit_gateway_route_table_id,
        ) -> (propagation)),
        action!(DisableTransitGatewayRouteTablePropagation: disable_transit_gateway_route_table_propagation(
            set_transit_gateway_attachment_id, set_transit_gateway_route_table_id,
        ) -> (propagation)),
        action!(GetTransitGatewayRouteTablePropagations: get_transit_gateway_route_table_propagations(
            set_max_results, set_next_token, set_transit_gateway_route_table_id,
        ) -> (next_token, transit_gateway_route_table_propagations)),
        action!(CreateTransitGatewayRoute: create_transit_gateway_route(
            set_blackhole, set_destination_cidr_block, set_transit_gateway_attachment_id, set_transit_gateway_route_table_id,
        ) -> (route)),
        action!(ReplaceTransitGatewayRoute: replace_transit_gateway_route(
            set_blackhole, set_destination_cidr_block, set_transit_gateway_attachment_id, set_transit_gateway_route_table_id,
        ) -> (route)),
        action!(DeleteTransitGatewayRoute: delete_transit_gateway_route(
            set_destination_cidr_block, set_transit_gateway_route_table_id,
        ) -> (route)),
        action!(DeleteTransitGatewayPrefixListReference: delete_transit_gateway_prefix_list_reference(
            set_prefix_list_id, set_transit_gateway_route_table_id,
        ) -> ()),
        action!(SearchTransitGatewayRoutes: search_transit_gateway_routes(
            set_filters, set_next_token, set_transit_gateway_route_table_id,
        ) -> (additional_routes_available, next_token, routes)),
    ];
}
