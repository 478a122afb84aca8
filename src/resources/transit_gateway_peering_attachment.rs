//! A peering of two transit gateways of two Regions: request and acceptance as one thing.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTransitGatewayPeeringAttachment.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AcceptTransitGatewayPeeringAttachment.html>,
//! <https://docs.aws.amazon.com/vpc/latest/tgw/tgw-peering.html>

use std::sync::Arc;

use crate::{
    base::{address::Address, codes::vpn as codes, diagnostic::Sink, site::Site},
    call::{Arg, Call, Json, Settle},
    declared,
    net::{self, Attached, Net, desired::{self, Desired}},
    registry::{Listing, Observed, PartSpec, Removal, ResourceType},
    resource,
    resources::{
        part::{each_of, filter, show_value},
        placement,
        read::{Reader, text},
        transit_gateway::{Default, TIMEOUT_S, TransitGateway},
        transit_gateway_vpc_attachment::followed,
    },
    schema::{
        attr::{Kind, Ref, Val},
        model::{Model, Part, Resource},
        value::{Record, Value},
    },
};

resource! {
    /// Joins two transit gateways of two Regions, of one account or of two.
    ///
    /// It is the whole of a peering: the request of one gateway, and the acceptance by the other. Each side has the attachment
    /// by the same id. Nothing is learnt over it: packets go where a `transit_gateway_route_table` has a `route` via it, and
    /// what comes by it goes on as the table says that names it among its `peering_associations`, one on each side. It costs
    /// money by the hour.
    ///
    /// A peer outside the project is named by its id. Such a peering is requested and left pending: whoever owns the other
    /// gateway accepts it. Only then EC2 takes routes and associations for it; what comes from there is not known, so that no
    /// packet from there is taken for absent.
    TransitGatewayPeeringAttachment = "transit_gateway_peering_attachment" {
        /// The gateway that asks.
        transit_gateway: Ref<TransitGateway>, Replace;
        /// The gateway that accepts, if it is one of the project.
        peer_transit_gateway: Option<Ref<TransitGateway>>, Replace;
        /// The id of the gateway that is asked, if it is none of the project's.
        peer_transit_gateway_id: Option<Val<Arc<str>>>, Replace;
        /// The account of `peer_transit_gateway_id`.
        peer_account_id: Option<Val<Arc<str>>>, Replace;
        /// The Region of `peer_transit_gateway_id`.
        peer_region: Option<Val<Arc<str>>>, Replace;
        /// Its id.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

impl ResourceType for TransitGatewayPeeringAttachment {
    declared!();

    const EXAMPLE: &'static str = r#"account frankfurt { id = "123456789012"  region = "eu-central-1" }

transit_gateway hub {
}

transit_gateway frankfurt {
  account = account.frankfurt
}

transit_gateway_peering_attachment frankfurt {
  transit_gateway      = transit_gateway.hub
  peer_transit_gateway = transit_gateway.frankfurt
}

# What lies over there, for the attachments that follow this table. The other side has a table of its own.
transit_gateway_route_table outwards {
  transit_gateway = transit_gateway.hub
  route 10.64.0.0/16 via transit_gateway_peering_attachment.frankfurt
}
"#;

    const ID_PREFIX: &'static str = "tgw-attach-";
    const TAKEN_FOR: &'static [(&'static str, &'static str)] = &[(
        "transit_gateway_vpc_attachment",
        "a peering tells no table its networks: write `route NETWORK via THIS` for each, and the table that it follows in `peering_associations`",
    )];
    const OPENS: &'static [&'static str] = &["", "acceptance"];
    const ONCE: &'static [(&'static str, &'static [&'static str])] = &[("", &["transit_gateway", "peer_transit_gateway"]), ("", &["transit_gateway", "peer_transit_gateway_id"])];
    const TAG_TYPE: Option<&'static str> = Some("transit-gateway-attachment");
    const MIRRORED: Option<&'static str> = Some("peer_transit_gateway");
    const CREATED_ID: &'static [&'static str] = &["TransitGatewayPeeringAttachment", ID];
    const LISTING: Listing = Listing::new(DESCRIBE, &[ITEMS], ID, FILTER, Some(1000));
    const PARTS: &'static [PartSpec] = &[PartSpec {
        name: "acceptance",
        doc: "The other gateway's consent; only then do packets pass.",
        key: &["peer"],
        content: &[],
        create: |at, parts| each_of(parts, |part| accept(at, part)),
        change: None,
        delete: |_, _| vec![],
        removal: Removal::Stays,
        create_first: false,
        essential: true,
        governs: None,
        takes_over: false,
        show: |part| format!("acceptance by {}", show_value(part.get("peer").and_then(|p| p.elements().first()))),
    }];
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = aws::ACTIONS;

    fn check(model: &Model, sink: &mut Sink) {
        for peering in placement::managed(model, Self::KIND) {
            check_peer(peering, sink);
            check_regions(peering, model, sink);
        }
    }

    fn desired_parts(&self, this: &Resource, _model: &Model, _sink: &mut Sink) -> Vec<Part> {
        let part = |peer: &Ref<TransitGateway>| {
            // In a list: nothing that stands with the peer has to wait for this.
            let peer = ("peer".to_owned(), Value::List(vec![peer.value.clone()]));
            Part { name: "acceptance", record: Record::from([peer]), span: this.span_of("peer_transit_gateway") }
        };
        self.peer_transit_gateway.iter().map(part).collect()
    }

    fn network(this: &Resource, desired: &Desired<'_>, net: &mut Net) {
        let Some(ours) = desired.reference(this, "transit_gateway") else { return };
        let Some(theirs) = ["peer_transit_gateway", "peer_transit_gateway_id"].iter().find_map(|name| desired.reference(this, name)) else {
            return;
        };
        // Somebody else may accept at any time.
        let by_others = this.reference("peer_transit_gateway").is_none();
        let available = by_others || this.parts.iter().any(|part| part.name == "acceptance");
        // Both sides have one id. A gateway that is not in the network is one behind which nobody has looked.
        for (gateway, peer) in [(&ours, &theirs), (&theirs, &ours)] {
            let Some(own) = desired.resource(gateway) else { continue };
            let by_default = || Default::Association.table(own, desired).map(|(table, _)| table);
            net.attachments.push(net::Attachment {
                id: desired::id(&this.address),
                gateway: gateway.clone(),
                to: Attached::Peering(peer.clone()),
                available,
                table: followed(this, gateway, desired).or_else(by_default),
                origin: desired::origin(this),
            });
        }
    }

    fn create(&self, at: &Address) -> Vec<Call> {
        let written = |value: &Option<Val<Arc<str>>>| value.as_ref().map_or(Arg::Known(Json::Null), Val::arg);
        let peer = self.peer_transit_gateway.as_ref().map_or_else(|| written(&self.peer_transit_gateway_id), Ref::arg);
        let site = |written: Arg, of: fn(Address) -> Arg| match self.peer_transit_gateway.as_ref().and_then(|p| p.address.clone()) {
            Some(peer) => of(peer),
            None => written,
        };
        let params = [
            ("TransitGatewayId", self.transit_gateway.arg()),
            ("PeerTransitGatewayId", peer),
            ("PeerAccountId", site(written(&self.peer_account_id), Arg::OwnerOf)),
            ("PeerRegion", site(written(&self.peer_region), Arg::RegionOf)),
        ];
        let settled = settle(at, &["pendingAcceptance", "available"]).or_fail(FAILED, REASON);
        vec![Call::new("CreateTransitGatewayPeeringAttachment", params).tagged("transit-gateway-attachment").settle(settled)]
    }

    fn delete(at: &Address, _record: &Record) -> Vec<Call> {
        let gone = settle(at, &["deleted", "rejected", "failed", "gone"]);
        vec![Call::new("DeleteTransitGatewayPeeringAttachment", [(ID, Arg::id(at))]).settle(gone)]
    }

    fn observe(item: &Json) -> Option<Observed> {
        let state = text(item, &["State"]);
        if state.is_some_and(|state| FAILED.contains(&state)) {
            return None;
        }
        let accepter = text(item, &["AccepterTgwInfo", "TransitGatewayId"]).map(Value::text);
        let accepted = accepter.clone().filter(|_| matches!(state, Some("available" | "pending" | "modifying")));
        let parts = accepted.map(|peer| ("acceptance", Record::from([("peer".to_owned(), Value::List(vec![peer]))])));
        Reader::new(item)
            .text("transit_gateway", &["RequesterTgwInfo", "TransitGatewayId"])
            .value("peer_transit_gateway", accepter)
            .text("peer_transit_gateway_id", &["AccepterTgwInfo", "TransitGatewayId"])
            .text("peer_account_id", &["AccepterTgwInfo", "OwnerId"])
            .text("peer_region", &["AccepterTgwInfo", "Region"])
            .done(&[ID], parts.into_iter().collect())
    }
}

const DESCRIBE: &str = "DescribeTransitGatewayPeeringAttachments";
const ITEMS: &str = "TransitGatewayPeeringAttachments";
const FILTER: &str = "transit-gateway-attachment-id";

/// The parameter and member that holds its id.
const ID: &str = "TransitGatewayAttachmentId";

/// Where EC2 says why a peering has failed.
const REASON: &[&str] = &["Status", "Message"];

/// States of a peering that is none any more.
const FAILED: &[&str] = &["deleting", "deleted", "failing", "failed", "rejecting", "rejected", "rollingBack"];

fn settle(at: &Address, until: &[&str]) -> Settle {
    Settle::new(DESCRIBE, FILTER, &[ITEMS], ID, &["State"], until, Arg::id(at)).within(TIMEOUT_S)
}

/// The other side accepts, as soon as it sees the request; then both see that it did.
fn accept(at: &Address, part: &Record) -> Vec<Call> {
    let peer = part.get("peer").and_then(|peers| peers.elements().first()).and_then(Value::as_resource);
    let look = || Call::new(DESCRIBE, [("Filters", Arg::List(vec![filter(FILTER, vec![Arg::id(at)])]))]);
    let until = |states: &[&str]| settle(at, states).or_fail(FAILED, REASON);
    let accept = Call::new("AcceptTransitGatewayPeeringAttachment", [(ID, Arg::id(at))]).satisfied_by(&["IncorrectState"]);
    vec![
        look().beside(peer).settle(until(&["pendingAcceptance", "pending", "available"])),
        accept.beside(peer).settle(until(&["available"])),
        look().settle(until(&["available"])),
    ]
}

/// One peer is named, in one way; one outside the project with its account and Region.
fn check_peer(peering: &Resource, sink: &mut Sink) {
    let has = |name: &str| peering.record.get(name).is_some_and(|v| *v != Value::Null);
    let whose = ["peer_account_id", "peer_region"];
    match (has("peer_transit_gateway"), has("peer_transit_gateway_id")) {
        (false, false) => {
            let help = "write `peer_transit_gateway = transit_gateway.NAME`, or `peer_transit_gateway_id` for one outside the project";
            sink.push(codes::transit_peer(format!("`{}` names no peer", peering.address), peering.span, help));
        }
        (true, id) => {
            for name in id.then_some("peer_transit_gateway_id").into_iter().chain(whose).filter(|name| has(name)) {
                let message = format!("`{name}` says again what `peer_transit_gateway` says");
                sink.push(codes::transit_peer(message, peering.span_of(name), &format!("remove `{name}`")));
            }
        }
        (false, true) => {
            for name in whose.into_iter().filter(|name| !has(name)) {
                let message = format!("`{}` names a peer outside the project without `{name}`", peering.address);
                let help = format!("write `{name}`, which EC2 wants to know");
                sink.push(codes::transit_peer(message, peering.span_of("peer_transit_gateway_id"), &help));
            }
        }
    }
}

/// The two stand in two Regions.
fn check_regions(peering: &Resource, model: &Model, sink: &mut Sink) {
    let region_of = |address: &Address| {
        let site = model.resources.get(address).and_then(|r| r.site.as_ref()).map(Site::region);
        site.or(model.project.region.as_deref())
    };
    let Some(ours) = peering.reference("transit_gateway") else { return };
    let peer = peering.reference("peer_transit_gateway");
    if peer == Some(ours) {
        let message = format!("`{}` joins a transit gateway with itself", peering.address);
        sink.push(codes::transit_peers(message, peering.span_of("peer_transit_gateway"), "name another gateway"));
        return;
    }
    let (theirs, name) = match peer {
        Some(peer) => (region_of(peer), "peer_transit_gateway"),
        None => (peering.record.get("peer_region").and_then(Value::as_text), "peer_region"),
    };
    // Where no Region is written, two that the project makes are of the same one.
    if region_of(ours) == theirs && (theirs.is_some() || peer.is_some()) {
        let message = format!("`{}` joins two transit gateways of one Region", peering.address);
        let help = "name a gateway of another Region, or attach the VPCs to one gateway";
        sink.push(codes::transit_peers(message, peering.span_of(name), help));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::sample::{complaints, model, reference, resource, shown};

    fn peering(more: &[(&str, Value)]) -> Resource {
        let own = [("transit_gateway", reference("transit_gateway.hub"))];
        resource("transit_gateway_peering_attachment.p", &[&own, more].concat())
    }

    fn project(peering: Resource) -> Model {
        let far = Resource { site: Some(Site::new("222222222222", "eu-west-1")), ..resource("transit_gateway.far", &[]) };
        model([resource("transit_gateway.hub", &[]), resource("transit_gateway.near", &[]), far, peering])
    }

    #[test]
    fn a_peer_of_the_project_accepts_once_it_sees_the_request() {
        let both = project(peering(&[("peer_transit_gateway", reference("transit_gateway.far"))]));
        assert_eq!(complaints(&both), [""; 0]);
        assert_eq!(shown(&both, "transit_gateway_peering_attachment.p"), ["acceptance by transit_gateway.far"]);
        let (parts, _) = crate::resources::sample::judged(&both, "transit_gateway_peering_attachment.p");
        let calls = accept(&Address::new("transit_gateway_peering_attachment", "p"), &parts[0].record);
        let sent: Vec<(&str, Option<&str>)> = calls.iter().map(|c| (&*c.action, c.beside.as_ref().map(Address::as_str))).collect();
        let far = Some("transit_gateway.far");
        assert_eq!(sent, [(DESCRIBE, far), ("AcceptTransitGatewayPeeringAttachment", far), (DESCRIBE, None)]);
    }

    #[test]
    fn one_peer_of_another_region_that_is_named_in_full() {
        let says = |more: &[(&str, Value)]| complaints(&project(peering(more)));
        assert_eq!(says(&[]), ["E0356 `transit_gateway_peering_attachment.p` names no peer"]);
        let far = || ("peer_transit_gateway", reference("transit_gateway.far"));
        let twice = says(&[far(), ("peer_region", Value::text("eu-west-1"))]);
        assert_eq!(twice, ["E0356 `peer_region` says again what `peer_transit_gateway` says"]);
        let half = says(&[("peer_transit_gateway_id", Value::text("tgw-1")), ("peer_account_id", Value::text("1"))]);
        assert_eq!(half, ["E0356 `transit_gateway_peering_attachment.p` names a peer outside the project without `peer_region`"]);
        let near = says(&[("peer_transit_gateway", reference("transit_gateway.near"))]);
        assert_eq!(near, ["E0357 `transit_gateway_peering_attachment.p` joins two transit gateways of one Region"]);
        let own = says(&[("peer_transit_gateway", reference("transit_gateway.hub"))]);
        assert_eq!(own, ["E0357 `transit_gateway_peering_attachment.p` joins a transit gateway with itself"]);
    }

    #[test]
    fn each_side_has_it_by_one_id() {
        let outside = [("peer_transit_gateway_id", Value::text("tgw-1")), ("peer_account_id", Value::text("1"))];
        let drawn = |more: &[(&str, Value)]| {
            let net = crate::resources::network(&project(peering(more)));
            net.attachments.into_iter().map(|a| (a.gateway.to_string(), a.to, a.available)).collect::<Vec<_>>()
        };
        let to = |name: &str| Attached::Peering(net::Id::from(name));
        let far = [("peer_transit_gateway", reference("transit_gateway.far"))];
        // Not accepted yet: its parts have not been worked out here.
        let both = [("transit_gateway.hub".into(), to("transit_gateway.far"), false), ("transit_gateway.far".into(), to("transit_gateway.hub"), false)];
        assert_eq!(drawn(&far), both);
        assert_eq!(drawn(&outside), [("transit_gateway.hub".to_owned(), to("tgw-1"), true)]);
    }

    #[test]
    fn what_is_accepted_has_its_part() {
        let item = |state: &str| {
            json!({
                "TransitGatewayAttachmentId": "tgw-attach-1", "State": state,
                "RequesterTgwInfo": {"TransitGatewayId": "tgw-1", "OwnerId": "1", "Region": "us-east-1"},
                "AccepterTgwInfo": {"TransitGatewayId": "tgw-2", "OwnerId": "2", "Region": "eu-west-1"},
            })
        };
        let observe = |state: &str| TransitGatewayPeeringAttachment::observe(&item(state));
        let available = observe("available").expect("it stands");
        assert_eq!(available.parts.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["acceptance"]);
        assert_eq!(available.record["peer_region"], Value::text("eu-west-1"));
        assert_eq!(observe("pendingAcceptance").expect("it stands").parts.len(), 0);
        assert_eq!(observe("failed"), None);
    }
}

#[cfg(feature = "aws")]
mod aws {
    use crate::{action, ec2::Action, shown};

    shown! {
        TransitGatewayPeeringAttachment(
            accepter_tgw_info, accepter_transit_gateway_attachment_id, creation_time, requester_tgw_info, state, status, tags,
            transit_gateway_attachment_id,
        );
        PeeringTgwInfo(core_network_id, owner_id, region, transit_gateway_id);
        PeeringAttachmentStatus(code, message);
    }

    pub(super) const ACTIONS: &[Action] = &[
        action!(CreateTransitGatewayPeeringAttachment: create_transit_gateway_peering_attachment(
            set_peer_account_id, set_peer_region, set_peer_transit_gateway_id, set_tag_specifications, set_transit_gateway_id,
        ) -> (transit_gateway_peering_attachment)),
        action!(AcceptTransitGatewayPeeringAttachment: accept_transit_gateway_peering_attachment(set_transit_gateway_attachment_id)
            -> (transit_gateway_peering_attachment)),
        action!(DeleteTransitGatewayPeeringAttachment: delete_transit_gateway_peering_attachment(set_transit_gateway_attachment_id)
            -> (transit_gateway_peering_attachment)),
        action!(DescribeTransitGatewayPeeringAttachments: describe_transit_gateway_peering_attachments(
            set_filters, set_max_results, set_next_token, set_transit_gateway_attachment_ids,
        ) -> (next_token, transit_gateway_peering_attachments)),
    ];
}
