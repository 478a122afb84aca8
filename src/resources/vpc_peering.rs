//! A peering of two VPCs: request, acceptance and options, in one account and region or across two.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcPeeringConnection.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AcceptVpcPeeringConnection.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcPeeringConnectionOptions.html>,
//! <https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html>

use std::sync::Arc;

use crate::{
    base::{address::Address, cidr::Cidr, codes::site as codes, diagnostic::Sink},
    call::{Arg, Call, Json, Settle},
    declared,
    net::{self, Id, Net, desired::{self, Desired}},
    registry::{Listing, Observed, PartSpec, Removal, ResourceType, quota::{Per, Quota}},
    resource,
    resources::{
        part::{each_of, show_value},
        placement,
        read::{Reader, at, list, text},
        vpc::Vpc,
    },
    schema::{
        attr::{Kind, Ref, Set, Val},
        model::{Model, Part, Resource},
        value::{Record, Value},
    },
};

resource! {
    /// Lets two VPCs reach each other by their private addresses.
    ///
    /// It is the whole of a peering: the request of one VPC, the acceptance by the other, and what each side allows. The two
    /// may be of different accounts and Regions; their networks must not overlap. Packets pass only where tables of both sides
    /// have a route `via` it, and only from one VPC's addresses to the other's: neither side's gateways serve the other.
    ///
    /// A peer outside the project is named by its id. Such a peering is requested and left pending: whoever owns the other VPC
    /// accepts it.
    VpcPeering = "vpc_peering" {
        /// The VPC that asks.
        vpc: Ref<Vpc>, Replace;
        /// The VPC that accepts, if it is one of the project.
        peer_vpc: Option<Ref<Vpc>>, Replace;
        /// The id of the VPC that is asked, if it is none of the project's.
        peer_vpc_id: Option<Val<Arc<str>>>, Replace;
        /// The account of `peer_vpc_id`; the same account where it is not written.
        peer_owner_id: Option<Val<Arc<str>>>, Replace;
        /// The Region of `peer_vpc_id`; the same Region where it is not written.
        peer_region: Option<Val<Arc<str>>>, Replace;
        /// Whether the peer's machines get private addresses for DNS names of this VPC's machines.
        requester_dns_resolution: Val<bool> = Value::Bool(false), Parts;
        /// Whether this VPC's machines get private addresses for DNS names of the peer's machines.
        accepter_dns_resolution: Val<bool> = Value::Bool(false), Parts;
        /// The networks of a peer outside the project, which EC2 tells once it has accepted.
        peer_cidr_blocks: Option<Set<Val<Cidr>>>, Computed;
        /// Its id.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

impl ResourceType for VpcPeering {
    declared!();

    const EXAMPLE: &'static str = r#"vpc other {
  cidr_block = 10.1.0.0/16
}

vpc_peering other {
  vpc      = vpc.main
  peer_vpc = vpc.other
}

# Each side needs a way to the other.
route_table main {
  vpc     = vpc.main
  subnets = [subnet.private]
  route vpc.other.cidr_block via vpc_peering.other
}

route_table other {
  vpc = vpc.other
  route vpc.main.cidr_block via vpc_peering.other
}
"#;

    const ID_PREFIX: &'static str = "pcx-";
    const OPENS: &'static [&'static str] = &["", "acceptance"];
    const ONCE: &'static [(&'static str, &'static [&'static str])] = &[("", &["vpc", "peer_vpc"]), ("", &["vpc", "peer_vpc_id"])];
    const TAG_TYPE: Option<&'static str> = Some("vpc-peering-connection");
    const MIRRORED: Option<&'static str> = Some("peer_vpc");
    const QUOTAS: &'static [Quota] = &[Quota::new("Active VPC peering connections per VPC", "L-7E9ECCDB", 50, Per::Attribute(&["vpc", "peer_vpc"])).up_to(125)];
    const CREATED_ID: &'static [&'static str] = &["VpcPeeringConnection", "VpcPeeringConnectionId"];
    const LISTING: Listing = Listing::new(
        "DescribeVpcPeeringConnections",
        &["VpcPeeringConnections"],
        "VpcPeeringConnectionId",
        "vpc-peering-connection-id",
        Some(1000),
    );
    const PARTS: &'static [PartSpec] = &[PartSpec {
        name: "acceptance",
        doc: "The other VPC's consent, and what each side allows; only then do packets pass.",
        key: &["peer"],
        content: &["requester_dns_resolution", "accepter_dns_resolution"],
        create: |at, parts| each_of(parts, |part| accept(at, part)),
        change: Some(options),
        delete: |_, _| vec![],
        removal: Removal::Stays,
        create_first: false,
        essential: true,
        governs: None,
        takes_over: false,
        show: shown,
    }];
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = aws::ACTIONS;

    fn check(model: &Model, sink: &mut Sink) {
        for peering in placement::managed(model, Self::KIND) {
            check_peer(peering, sink);
            check_ranges(peering, model, sink);
        }
    }

    fn desired_parts(&self, this: &Resource, _model: &Model, _sink: &mut Sink) -> Vec<Part> {
        let part = |peer: &Ref<Vpc>| {
            let allowed = OPTIONS.map(|name| (name.to_owned(), this.record.get(name).cloned().unwrap_or(Value::Bool(false))));
            // In a list: nothing that stands in the peer has to wait for this.
            let peer = ("peer".to_owned(), Value::List(vec![peer.value.clone()]));
            Part { name: "acceptance", record: Record::from_iter(allowed.into_iter().chain([peer])), span: this.span_of("peer_vpc") }
        };
        self.peer_vpc.iter().map(part).collect()
    }

    fn attached(this: &Resource, _model: &Model) -> Vec<String> {
        let peer = this.record.get("peer_vpc_id").and_then(Value::as_text);
        let words = peer.map(|peer| {
            let owner = this.record.get("peer_owner_id").and_then(Value::as_text).map_or("the same account".into(), |o| format!("account {o}"));
            format!("{}: nothing passes until the owner of `{peer}` in {owner} accepts the request, which expires after seven days", this.address)
        });
        words.into_iter().collect()
    }

    fn network(this: &Resource, desired: &Desired<'_>, net: &mut Net) {
        let Some(vpc) = desired.reference(this, "vpc") else { return };
        let side = |vpc: Id, cidrs: Vec<Cidr>| net::PeeringSide { region: desired.region_of(&vpc), vpc, cidrs };
        let ranges = |vpc: &Id| desired.resource(vpc).and_then(|v| desired.cidr(v, "cidr_block")).into_iter().collect();
        let ours = side(vpc.clone(), ranges(&vpc));
        let (theirs, active) = match (desired.reference(this, "peer_vpc"), desired.reference(this, "peer_vpc_id")) {
            (Some(peer), _) => (side(peer.clone(), ranges(&peer)), true),
            (None, Some(peer)) => {
                let told = desired.value(this, "peer_cidr_blocks").map_or(&[][..], Value::elements);
                let cidrs: Vec<Cidr> = told.iter().filter_map(|v| if let Value::Cidr(cidr) = v { Some(*cidr) } else { None }).collect();
                if cidrs.is_empty() {
                    // The other side may accept at any time.
                    net.unread(&vpc, "a VPC with a peering whose other side is not known", desired::origin(this));
                }
                let (known, far) = (!cidrs.is_empty(), this.record.get("peer_region").and_then(Value::as_text));
                let mut theirs = side(peer, cidrs);
                theirs.region = far.map_or_else(|| ours.region.clone(), Into::into);
                (theirs, known)
            }
            (None, None) => return,
        };
        net.peerings.push(net::Peering { id: desired::id(&this.address), active, sides: [ours, theirs], origin: desired::origin(this) });
    }

    fn create(&self, address: &Address) -> Vec<Call> {
        let null = || Arg::Known(Json::Null);
        let written = |value: &Option<Val<Arc<str>>>| value.as_ref().map_or_else(null, Val::arg);
        let peer = self.peer_vpc.as_ref().map_or_else(|| written(&self.peer_vpc_id), Ref::arg);
        let site = |written: Arg, part: fn(Address) -> Arg| match self.peer_vpc.as_ref().and_then(|p| p.address.clone()) {
            Some(peer) => part(peer),
            None => written,
        };
        let params = [
            ("VpcId", self.vpc.arg()),
            ("PeerVpcId", peer),
            ("PeerOwnerId", site(written(&self.peer_owner_id), Arg::AccountOf)),
            ("PeerRegion", site(written(&self.peer_region), Arg::RegionOf)),
        ];
        let settled = settle(address, &["pending-acceptance", "active"]).or_fail(&["failed", "rejected", "expired", "deleted"], REASON);
        vec![Call::new("CreateVpcPeeringConnection", params).tagged("vpc-peering-connection").settle(settled)]
    }

    fn delete(address: &Address, _record: &Record) -> Vec<Call> {
        let gone = settle(address, &["deleted", "rejected", "expired", "failed", "gone"]);
        vec![Call::new("DeleteVpcPeeringConnection", [(ID, Arg::id(address))]).settle(gone)]
    }

    fn observe(item: &Json) -> Option<Observed> {
        let status = text(item, &["Status", "Code"]).unwrap_or("active");
        if matches!(status, "failed" | "rejected" | "expired" | "deleting" | "deleted") {
            return None;
        }
        let allowed = |side: &str| at(item, &[side, "PeeringOptions", "AllowDnsResolutionFromRemoteVpc"]).and_then(Json::as_bool);
        let told = |name: &str, side: &str| (name.to_owned(), Value::Bool(allowed(side).unwrap_or(false)));
        let accepter = text(item, &["AccepterVpcInfo", "VpcId"]).map(Value::text);
        let mut parts = vec![];
        if let (Some(peer), "active") = (&accepter, status) {
            let peer = ("peer".to_owned(), Value::List(vec![peer.clone()]));
            let [requester, other] = OPTIONS;
            parts.push(("acceptance", Record::from([peer, told(requester, "RequesterVpcInfo"), told(other, "AccepterVpcInfo")])));
        }
        let networks = list(item, &["AccepterVpcInfo", "CidrBlockSet"]).iter().filter_map(|block| text(block, &["CidrBlock"]));
        let networks: Vec<Value> = networks.filter_map(|t| t.parse().ok()).map(Value::Cidr).collect();
        Reader::new(item)
            .text("vpc", &["RequesterVpcInfo", "VpcId"])
            .value("peer_vpc", accepter)
            .text("peer_vpc_id", &["AccepterVpcInfo", "VpcId"])
            .text("peer_owner_id", &["AccepterVpcInfo", "OwnerId"])
            .text("peer_region", &["AccepterVpcInfo", "Region"])
            .value("peer_cidr_blocks", (!networks.is_empty() && status == "active").then_some(Value::List(networks)))
            .done(&[ID], parts)
    }
}

/// The parameter and member that holds its id.
const ID: &str = "VpcPeeringConnectionId";

/// Where EC2 says why a peering has failed.
const REASON: &[&str] = &["Status", "Message"];

/// What the sides allow: the requester's option, the accepter's.
const OPTIONS: [&str; 2] = ["requester_dns_resolution", "accepter_dns_resolution"];

fn settle(address: &Address, until: &[&str]) -> Settle {
    let id = Arg::id(address);
    Settle::new("DescribeVpcPeeringConnections", "vpc-peering-connection-id", &["VpcPeeringConnections"], ID, &["Status", "Code"], until, id)
}

/// The VPC that accepts, as a part records it.
fn peer(part: &Record) -> Option<&Address> {
    part.get("peer").and_then(|peers| peers.elements().first()).and_then(Value::as_resource)
}

/// The other side accepts; once both see it, each side gets its options.
fn accept(address: &Address, part: &Record) -> Vec<Call> {
    let active = || settle(address, &["active"]).or_fail(&["failed", "rejected", "expired", "deleting", "deleted"], REASON);
    let params = || [(ID, Arg::id(address))];
    let mut calls = vec![
        Call::new("AcceptVpcPeeringConnection", params()).beside(peer(part)).satisfied_by(&["InvalidStateTransition"]).settle(active()),
        Call::new("DescribeVpcPeeringConnections", [("VpcPeeringConnectionIds", Arg::List(vec![Arg::id(address)]))]).settle(active()),
    ];
    let none = OPTIONS.map(|name| (name.to_owned(), Value::Bool(false)));
    calls.extend(options(address, &Record::from(none), part));
    calls
}

/// The calls for the options that differ: each side sets its own.
fn options(address: &Address, old: &Record, new: &Record) -> Vec<Call> {
    let [requester, accepter] = OPTIONS;
    let sides = [(requester, "RequesterPeeringConnectionOptions", None), (accepter, "AccepterPeeringConnectionOptions", peer(new))];
    let differs = sides.into_iter().filter(|(name, ..)| old.get(*name) != new.get(*name));
    let call = |(name, parameter, side): (&str, &str, Option<&Address>)| {
        let allowed = Arg::map([("AllowDnsResolutionFromRemoteVpc", Arg::from(new.get(name).unwrap_or(&Value::Bool(false))))]);
        Call::new("ModifyVpcPeeringConnectionOptions", [(ID, Arg::id(address)), (parameter, allowed)]).beside(side)
    };
    differs.map(call).collect()
}

fn shown(part: &Record) -> String {
    let peer = show_value(part.get("peer").and_then(|p| p.elements().first()));
    let allowed = |name: &str| part.get(name) == Some(&Value::Bool(true));
    let [requester, accepter] = OPTIONS.map(allowed);
    let dns = match (requester, accepter) {
        (true, true) => ", DNS both ways",
        (true, false) => ", DNS of the requester",
        (false, true) => ", DNS of the accepter",
        (false, false) => "",
    };
    format!("acceptance by {peer}{dns}")
}

/// One peer is named, in one way; options are set only where both sides are the project's.
fn check_peer(peering: &Resource, sink: &mut Sink) {
    let has = |name: &str| peering.record.get(name).is_some_and(|v| *v != Value::Null);
    match (has("peer_vpc"), has("peer_vpc_id")) {
        (false, false) => sink.push(codes::peer_missing(&peering.address, peering.span)),
        (true, true) => sink.push(codes::peer_twice("peer_vpc_id", peering.span_of("peer_vpc_id"), peering.span_of("peer_vpc"))),
        (true, false) => {
            for name in ["peer_owner_id", "peer_region"].into_iter().filter(|name| has(name)) {
                sink.push(codes::peer_twice(name, peering.span_of(name), peering.span_of("peer_vpc")));
            }
        }
        (false, true) => {
            let wanted = |name: &&&str| peering.record.get(**name) == Some(&Value::Bool(true));
            for name in OPTIONS.iter().filter(wanted) {
                sink.push(codes::option_of_pending(name, peering.span_of(name)));
            }
        }
    }
    if peering.reference("vpc").is_some() && peering.reference("vpc") == peering.reference("peer_vpc") {
        sink.push(codes::peer_of_itself(&peering.address, peering.span_of("peer_vpc")));
    }
}

/// EC2 lets a request for VPCs whose networks overlap fail, some time after it has taken it.
fn check_ranges(peering: &Resource, model: &Model, sink: &mut Sink) {
    let side = |name: &str| peering.reference(name).and_then(|vpc| model.resources.get(vpc)).filter(|vpc| !vpc.existing);
    let (Some(ours), Some(theirs)) = (side("vpc"), side("peer_vpc")) else { return };
    let (Some(Value::Cidr(a)), Some(Value::Cidr(b))) = (ours.record.get("cidr_block"), theirs.record.get("cidr_block")) else { return };
    if ours.address != theirs.address && a.overlaps(*b) {
        let place = |vpc: &Resource| vpc.span_of("cidr_block");
        sink.push(codes::peers_overlap(peering.span_of("peer_vpc"), (&ours.address, *a, place(ours)), (&theirs.address, *b, place(theirs))));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::sample::{complaints, net, network, reference, resource, shown};

    fn other(range: &str) -> Resource {
        resource("vpc.other", &[("cidr_block", net(range))])
    }

    fn peering(more: &[(&str, Value)]) -> Resource {
        resource("vpc_peering.p", &[&[("vpc", reference("vpc.main"))], more].concat())
    }

    #[test]
    fn a_peer_of_the_project_accepts() {
        let both = peering(&[("peer_vpc", reference("vpc.other")), ("accepter_dns_resolution", Value::Bool(true))]);
        let model = network([other("10.1.0.0/16"), both]);
        assert_eq!(complaints(&model), [""; 0]);
        assert_eq!(shown(&model, "vpc_peering.p"), ["acceptance by vpc.other, DNS of the accepter"]);
        let (parts, _) = crate::resources::sample::judged(&model, "vpc_peering.p");
        let calls = accept(&Address::new("vpc_peering", "p"), &parts[0].record);
        let sent: Vec<(&str, Option<&str>)> = calls.iter().map(|c| (&*c.action, c.beside.as_ref().map(Address::as_str))).collect();
        let expected = [
            ("AcceptVpcPeeringConnection", Some("vpc.other")),
            ("DescribeVpcPeeringConnections", None),
            ("ModifyVpcPeeringConnectionOptions", Some("vpc.other")),
        ];
        assert_eq!(sent, expected);
    }

    #[test]
    fn a_peer_of_somebody_else_is_left_pending() {
        let outside = peering(&[("peer_vpc_id", Value::text("vpc-1"))]);
        assert_eq!(shown(&network([outside]), "vpc_peering.p"), [""; 0]);
        let wanting = peering(&[("peer_vpc_id", Value::text("vpc-1")), ("requester_dns_resolution", Value::Bool(true))]);
        assert_eq!(complaints(&network([wanting])), ["E0374 `requester_dns_resolution` cannot be set before the peering is accepted"]);
    }

    #[test]
    fn one_peer_whose_networks_are_others() {
        assert_eq!(complaints(&network([peering(&[])])), ["E0372 `vpc_peering.p` names no peer"]);
        let twice = peering(&[("peer_vpc", reference("vpc.other")), ("peer_region", Value::text("eu-west-1"))]);
        assert_eq!(complaints(&network([other("10.1.0.0/16"), twice])), ["E0373 `peer_region` says again what `peer_vpc` says"]);
        let inside = peering(&[("peer_vpc", reference("vpc.other"))]);
        let expected = ["E0371 the networks of `vpc.main` and `vpc.other` overlap"];
        assert_eq!(complaints(&network([other("10.0.128.0/17"), inside])), expected);
        let own = peering(&[("peer_vpc", reference("vpc.main"))]);
        assert_eq!(complaints(&network([own])), ["E0375 `vpc_peering.p` joins a VPC with itself"]);
    }

    #[test]
    fn what_is_accepted_has_its_part() {
        let item = |status: &str| {
            json!({
                "VpcPeeringConnectionId": "pcx-1", "Status": {"Code": status},
                "RequesterVpcInfo": {"VpcId": "vpc-1", "OwnerId": "1", "Region": "us-east-1", "CidrBlock": "10.0.0.0/16"},
                "AccepterVpcInfo": {
                    "VpcId": "vpc-2", "OwnerId": "2", "Region": "eu-west-1", "CidrBlockSet": [{"CidrBlock": "10.1.0.0/16"}],
                    "PeeringOptions": {"AllowDnsResolutionFromRemoteVpc": true},
                },
            })
        };
        let active = VpcPeering::observe(&item("active")).expect("it stands");
        assert_eq!(super::shown(&active.parts[0].1), "acceptance by vpc-2, DNS of the accepter");
        assert_eq!(active.record["peer_region"], Value::text("eu-west-1"));
        let pending = VpcPeering::observe(&item("pending-acceptance")).expect("it stands");
        assert_eq!((pending.parts.len(), pending.record.get("peer_cidr_blocks")), (0, None));
        assert_eq!(VpcPeering::observe(&item("failed")), None);
    }
}

#[cfg(feature = "aws")]
mod aws {
    use crate::{action, ec2::Action, shown, taken, words};

    taken! {
        PeeringConnectionOptionsRequest(set_allow_dns_resolution_from_remote_vpc);
    }

    shown! {
        CidrBlock(cidr_block);
        Ipv6CidrBlock(ipv6_cidr_block);
        VpcPeeringConnection(accepter_vpc_info, expiration_time, requester_vpc_info, status, tags, vpc_peering_connection_id);
        VpcPeeringConnectionVpcInfo(cidr_block, cidr_block_set, ipv6_cidr_block_set, owner_id, peering_options, region, vpc_id);
        VpcPeeringConnectionOptionsDescription(allow_dns_resolution_from_remote_vpc);
        VpcPeeringConnectionStateReason(code, message);
        PeeringConnectionOptions(allow_dns_resolution_from_remote_vpc);
    }

    words! { VpcPeeringConnectionStateReasonCode }

    pub(super) const ACTIONS: &[Action] = &[
        action!(CreateVpcPeeringConnection: create_vpc_peering_connection(
            set_peer_owner_id, set_peer_region, set_peer_vpc_id, set_tag_specifications, set_vpc_id,
        ) -> (vpc_peering_connection)),
        action!(AcceptVpcPeeringConnection: accept_vpc_peering_connection(set_vpc_peering_connection_id) -> (vpc_peering_connection)),
        action!(DeleteVpcPeeringConnection: delete_vpc_peering_connection(set_vpc_peering_connection_id) -> (r#return)),
        action!(ModifyVpcPeeringConnectionOptions: modify_vpc_peering_connection_options(
            set_accepter_peering_connection_options, set_requester_peering_connection_options, set_vpc_peering_connection_id,
        ) -> (accepter_peering_connection_options, requester_peering_connection_options)),
        action!(DescribeVpcPeeringConnections: describe_vpc_peering_connections(
            set_filters, set_max_results, set_next_token, set_vpc_peering_connection_ids,
        ) -> (next_token, vpc_peering_connections)),
    ];
}
