//! A network ACL, its entries and associations.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkAclEntry.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReplaceNetworkAclAssociation.html>,
//! <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html>

use std::sync::Arc;

use crate::{
    base::{
        address::Address,
        cidr::{Cidr, Family},
        codes::network,
        diagnostic::Sink,
    },
    call::{Arg, Call, Json},
    declared,
    net::{self, Net, desired::{self, Desired}},
    registry::{Batch, Listing, Observed, PartSpec, Removal, ResourceType, SentenceSpec, Slot, quota::{Per, Quota}},
    resource,
    resources::{
        part::{arg, as_service, each, filter, filter_text, int, protocol_number, show_traffic, show_value, traffic},
        placement::{self, ForeignRules},
        read::{Reader, at, list, text},
        subnet::Subnet,
        vpc::Vpc,
    },
    schema::{
        attr::{Kind, Ref, Set, Val, Word},
        model::{Model, Part, Resource, Sentence},
        value::{Record, Value},
    },
};

resource! {
    /// A stateless filter around the subnets that it names: what enters and what leaves is judged packet by packet.
    ///
    /// Entries are tried in the order of their numbers, the first that fits decides, and what fits none is refused.
    /// Being stateless it judges answers too: let them pass by their ports. It owns its whole set of entries but for
    /// the last, AWS's own, which refuses the rest.
    NetworkAcl = "network_acl" {
        /// The VPC whose subnets it may guard.
        vpc: Ref<Vpc>, Replace;
        /// The subnets that it guards; a subnet has one ACL. Those that nobody names have the VPC's default ACL, and get
        /// it back when they are no longer named.
        subnets: Set<Ref<Subnet>> = Value::List(vec![]), Parts;
        /// What becomes of the entries that others have added: `revoke` shows them in the plan and removes them, `keep` leaves
        /// them, says so, and proves with them. Where nobody has read which there are, nothing is proved of the VPC.
        foreign_rules: Val<Word<ForeignRules>> = Value::text("revoke"), Ours;
        /// Its id.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

/// The last number that an entry may have; 32767 is AWS's own (32768 for IPv6).
const LAST_NUMBER: i64 = 32766;

const ACTION_WORDS: &[&str] = &["allow", "deny"];

/// Of every ACL, those that AWS gives among them.
pub(super) const ENTRIES: [Quota; 2] = [Quota::new("Rules per network ACL", "L-2AEEBF1A", 20, Per::Part("in")).up_to(40),Quota::new("Rules per network ACL", "L-2AEEBF1A", 20, Per::Part("out")).up_to(40)];

impl ResourceType for NetworkAcl {
    declared!();

    const EXAMPLE: &'static str = r#"# Stateless: the answers to what leaves over TCP must be let in by their ports.
network_acl private {
  vpc     = vpc.main
  subnets = [subnet.private]
  in  100 allow tcp/5432       from subnet.public.cidr_block
  in  200 allow tcp/1024-65535 from anywhere
  out 100 allow tcp            to   anywhere
}
"#;

    const ID_PREFIX: &'static str = "acl-";
    const TAG_TYPE: Option<&'static str> = Some("network-acl");
    const QUOTAS: &'static [Quota] = &[Quota::new("Network ACLs per VPC", "L-B4A6D682", 200, Per::Attribute(&["vpc"])).besides(1), ENTRIES[0], ENTRIES[1]];
    const CREATED_ID: &'static [&'static str] = &["NetworkAcl", "NetworkAclId"];
    const FILTERS: &'static [(&'static str, &'static str)] = &[("vpc", "vpc-id")];
    const LISTING: Listing = Listing::new("DescribeNetworkAcls", &["NetworkAcls"], "NetworkAclId", "network-acl-id", Some(1000));
    const SENTENCES: &'static [SentenceSpec] = &[
        SentenceSpec {
            head: "in",
            slots: &[
                Slot::Number("number"),
                Slot::Choice("action", ACTION_WORDS),
                Slot::Services("service"),
                Slot::Word("from"),
                Slot::Peers("peers", &[]),
            ],
            doc: "Lets packets into the subnet, or not. Several peers or ranges of ports take the numbers that follow, in the order written.",
            example: "in 100 allow tcp/22 from 203.0.113.0/28",
        },
        SentenceSpec {
            head: "out",
            slots: &[
                Slot::Number("number"),
                Slot::Choice("action", ACTION_WORDS),
                Slot::Services("service"),
                Slot::Word("to"),
                Slot::Peers("peers", &[]),
            ],
            doc: "Lets packets out of the subnet, or not. Several peers or ranges of ports take the numbers that follow, in the order written.",
            example: "out 100 allow tcp/1024-65535 to anywhere",
        },
    ];
    const PARTS: &'static [PartSpec] = &[
        PartSpec {
            create: |at, entries| each(entries, |entry| create_entry("CreateNetworkAclEntry", at, false, entry)),
            change: Some(|at, _, new| vec![create_or_replace("ReplaceNetworkAclEntry", at, false, new)]),
            delete: |at, entries| each(entries, |entry| delete_entry(at, false, entry)),
            show: |entry| show("in", "from", entry),
            ..entry_part("in", "An entry for what enters the subnets; EC2 changes it in one call.")
        },
        PartSpec {
            create: |at, entries| each(entries, |entry| create_entry("CreateNetworkAclEntry", at, true, entry)),
            change: Some(|at, _, new| vec![create_or_replace("ReplaceNetworkAclEntry", at, true, new)]),
            delete: |at, entries| each(entries, |entry| delete_entry(at, true, entry)),
            show: |entry| show("out", "to", entry),
            ..entry_part("out", "An entry for what leaves the subnets; EC2 changes it in one call.")
        },
        PartSpec {
            name: "association",
            doc: "Puts a subnet under the ACL in place of the one it has, in one step; unmade, the subnet goes back to the VPC's default ACL.",
            key: &["subnet"],
            content: &[],
            create: associate,
            change: None,
            delete: disassociate,
            removal: Removal::First,
            create_first: false,
            essential: false,
            governs: Some("subnet"),
            // Unmaking the old one first would let everything pass for a moment, by the default ACL.
            takes_over: true,
            show: |part| format!("association with {}", show_value(part.get("subnet"))),
        },
    ];
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = aws::ACTIONS;

    fn check(model: &Model, sink: &mut Sink) {
        placement::one_holder_a_subnet(model, Self::KIND, sink);
        placement::subnets_of_same_vpc(model, Self::KIND, sink);
    }

    fn desired_parts(&self, this: &Resource, model: &Model, sink: &mut Sink) -> Vec<Part> {
        let mut parts = entries_of(this, model, sink);
        parts.extend(self.subnets.0.iter().map(|subnet| Part {
            name: "association",
            record: Record::from([("subnet".into(), subnet.value.clone()), ("vpc".into(), self.vpc.value.clone())]),
            span: this.span_of("subnets"),
        }));
        parts
    }

    fn network(this: &Resource, desired: &Desired<'_>, net: &mut Net) {
        draw(this, desired, false, net);
    }

    fn create(&self, _at: &Address) -> Vec<Call> {
        vec![Call::new("CreateNetworkAcl", [("VpcId", self.vpc.arg())]).tagged("network-acl").with_token()]
    }

    fn delete(at: &Address, _record: &Record) -> Vec<Call> {
        vec![Call::new("DeleteNetworkAcl", [("NetworkAclId", Arg::id(at))])]
    }

    fn observe(item: &Json) -> Option<Observed> {
        let vpc = text(item, &["VpcId"]).map_or(Value::Null, Value::text);
        let entries = list(item, &["Entries"]).iter().filter_map(observed_entry);
        let associations = list(item, &["Associations"]).iter().filter_map(|a| observed_association(a, &vpc));
        Reader::new(item)
            .text("vpc", &["VpcId"])
            .done(&["NetworkAclId"], entries.chain(associations.map(|part| ("association", part))).collect())
    }
}

/// An ACL as the prover sees it; `default` is the one that AWS gives with a VPC.
pub(super) fn draw(this: &Resource, desired: &Desired<'_>, default: bool, net: &mut Net) {
        let Some(vpc) = desired.reference(this, "vpc") else { return };
        let mut entries = |name: &str| {
            let mut entries = vec![];
            for part in this.parts.iter().filter(|p| p.name == name) {
                match drawn_entry(this, part) {
                    Some(entry) => entries.push(entry),
                    None => net.unread(&vpc, "a VPC with an ACL entry whose network is not known", desired::of_part(this, part)),
                }
            }
            entries.sort_by_key(|e| e.number);
            entries
        };
        let (inbound, outbound) = (entries("in"), entries("out"));
        let associated = this.parts.iter().filter(|p| p.name == "association");
        net.network_acls.push(net::NetworkAcl {
            id: desired::id(&this.address),
            vpc,
            default,
            subnets: associated.filter_map(|p| desired::named(p.record.get("subnet"))).collect(),
            inbound,
            outbound,
            origin: desired::origin(this),
        });
}

/// The entries that sentences say.
pub(super) fn entries_of(this: &Resource, model: &Model, sink: &mut Sink) -> Vec<Part> {
    let anywhere = placement::anywhere(this, model);
    let mut parts = numbered(this, "in", &anywhere, sink);
    parts.extend(numbered(this, "out", &anywhere, sink));
    parts
}

/// Takes an entry away by its number.
pub(super) fn remove(at: &Address, egress: bool, number: i64) -> Call {
    delete_entry(at, egress, &Record::from([("number".into(), Value::Int(number))]))
}

const fn entry_part(name: &'static str, doc: &'static str) -> PartSpec {
    PartSpec {
        name,
        doc,
        key: &["number"],
        content: &["action", "protocol", "from_port", "to_port", "icmp_type", "icmp_code", "cidr"],
        create: |_, _| vec![],
        change: None,
        delete: |_, _| vec![],
        removal: Removal::WithOwner,
        create_first: false,
        essential: false,
        governs: None,
        takes_over: false,
        show: |_| String::new(),
    }
}

/// The entries of a direction: a sentence numbered N takes N, N+1, ... as many as it needs.
fn numbered(this: &Resource, head: &'static str, anywhere: &[Cidr], sink: &mut Sink) -> Vec<Part> {
    let number = |sentence: &Sentence| match sentence.get("number") {
        Value::Int(n) => Some(*n),
        _ => None,
    };
    let mut sentences: Vec<(i64, &Sentence)> =
        this.sentences.iter().filter(|s| s.head == head).filter_map(|s| Some((number(s)?, s))).collect();
    sentences.sort_by_key(|(n, sentence)| (*n, sentence.span));
    let mut parts = vec![];
    let mut free: i64 = 1;
    let mut before: Option<(i64, &Sentence)> = None;
    for (first, sentence) in sentences {
        let records = entries(sentence, anywhere);
        let last = first + i64::try_from(records.len()).unwrap_or(i64::MAX - first) - 1;
        match before {
            _ if first < 1 || last > LAST_NUMBER => sink.push(network::number_out_of_range(first, last, sentence.span_of("number"))),
            Some((n, other)) if first < free => {
                let (at, other_at) = ((first, sentence.span_of("number")), (n, free - 1, other.span_of("number")));
                sink.push(network::number_taken(at, other_at));
            }
            _ => {}
        }
        for (record, n) in records.into_iter().zip(first..) {
            let mut record = record;
            record.insert("number".into(), Value::Int(n));
            parts.push(Part { name: head, record, span: Some(sentence.span) });
        }
        if last + 1 > free {
            (free, before) = (last + 1, Some((first, sentence)));
        }
    }
    parts
}

/// An entry, as the prover sees it; `None` if it is not known in full.
fn drawn_entry(this: &Resource, part: &Part) -> Option<net::Entry> {
    let record = &part.record;
    let Some(Value::Cidr(network)) = record.get("cidr") else { return None };
    Some(net::Entry {
        number: u16::try_from(int(record, "number")?).ok()?,
        allow: record.get("action").and_then(Value::as_text) == Some("allow"),
        service: desired::service(record)?,
        network: *network,
        origin: desired::of_part(this, part),
    })
}

/// What a sentence says, one record an entry: peer by peer as written, for each its services as written. What `anywhere` is
/// besides `0.0.0.0/0` comes last, so that the others keep their numbers when a VPC gets IPv6.
fn entries(sentence: &Sentence, anywhere: &[Cidr]) -> Vec<Record> {
    let mut records = vec![];
    let peers = sentence.get("peers").elements();
    let (first, others) = anywhere.split_at(anywhere.len().min(1));
    let again = peers.iter().filter(|p| **p == Value::Anywhere && !others.is_empty());
    for (peer, family) in peers.iter().map(|p| (p, first)).chain(again.map(|p| (p, others))) {
        for (protocol, range) in sentence.get("service").elements().iter().filter_map(as_service).flat_map(traffic) {
            // A protocol of the other family alone has its entry there.
            if *peer == Value::Anywhere && !others.is_empty() && !placement::peers_for(peer, &protocol, anywhere).iter().any(|c| of(c, family)) {
                continue;
            }
            let Some(cidr) = placement::written_out(std::slice::from_ref(peer), family).into_iter().next() else { continue };
            let mut record = Record::from([
                ("action".into(), sentence.get("action").clone()),
                ("protocol".into(), Value::text(protocol_number(&protocol))),
                ("cidr".into(), cidr.clone()),
            ]);
            if let Some((from, to)) = range {
                let names = if matches!(&*protocol, "icmp" | "icmpv6") { ["icmp_type", "icmp_code"] } else { ["from_port", "to_port"] };
                record.extend(names.map(String::from).into_iter().zip([Value::Int(from), Value::Int(to)]));
            }
            if !records.contains(&record) {
                records.push(record);
            }
        }
    }
    records
}

fn of(network: &Value, family: &[Cidr]) -> bool {
    matches!(network, Value::Cidr(cidr) if family.contains(cidr))
}

fn create_entry(action: &str, at: &Address, egress: bool, entry: &Record) -> Call {
    create_or_replace(action, at, egress, entry).satisfied_by(&["NetworkAclEntryAlreadyExists"])
}

fn create_or_replace(action: &str, at: &Address, egress: bool, entry: &Record) -> Call {
    let pair = |names: [&str; 2], members: [&str; 2]| match members.map(|m| int(entry, m)) {
        [Some(a), Some(b)] => Arg::map(names.into_iter().zip([a, b].map(|n| Arg::Known(n.into())))),
        _ => Arg::Known(Json::Null),
    };
    let network = match entry.get("cidr") {
        Some(Value::Cidr(cidr)) if cidr.family() == Family::V6 => "Ipv6CidrBlock",
        _ => "CidrBlock",
    };
    Call::new(
        action,
        [
            ("NetworkAclId", Arg::id(at)),
            ("RuleNumber", arg(entry, "number")),
            ("Egress", Arg::Known(egress.into())),
            ("RuleAction", arg(entry, "action")),
            ("Protocol", arg(entry, "protocol")),
            ("PortRange", pair(["From", "To"], ["from_port", "to_port"])),
            ("IcmpTypeCode", pair(["Type", "Code"], ["icmp_type", "icmp_code"])),
            (network, arg(entry, "cidr")),
        ],
    )
}

fn delete_entry(at: &Address, egress: bool, entry: &Record) -> Call {
    let params = [("NetworkAclId", Arg::id(at)), ("RuleNumber", arg(entry, "number")), ("Egress", Arg::Known(egress.into()))];
    Call::new("DeleteNetworkAclEntry", params).satisfied_by(&["InvalidNetworkAclEntry.NotFound"])
}

fn describe(filters: Vec<Arg>) -> Call {
    Call::new("DescribeNetworkAcls", [("Filters", Arg::List(filters))])
}

fn replace(association: Arg, acl: Arg) -> Call {
    Call::new("ReplaceNetworkAclAssociation", [("AssociationId", association), ("NetworkAclId", acl)])
}

/// Every subnet always has an ACL, so its association is looked up among those of the VPC, for all of them at once, and replaced.
fn associate(at: &Address, parts: &[&Record]) -> Vec<Batch> {
    let Some(first) = parts.first() else { return vec![] };
    let lookup = describe(vec![filter("vpc-id", vec![arg(first, "vpc")])]);
    let moves = parts.iter().map(|part| {
        let lists = ["NetworkAcls", "Associations"];
        replace(Arg::find(0, &lists, "SubnetId", arg(part, "subnet"), "NetworkAclAssociationId"), Arg::id(at))
    });
    vec![Batch { of: (0..parts.len()).collect(), calls: std::iter::once(lookup).chain(moves).collect() }]
}

/// Back to the VPC's default ACL. An association that was replaced since, or went with its subnet, is not touched.
fn disassociate(at: &Address, parts: &[&Record]) -> Vec<Batch> {
    let Some(first) = parts.first() else { return vec![] };
    let default = describe(vec![filter("vpc-id", vec![arg(first, "vpc")]), filter_text("default", "true")]);
    let default_id = Arg::Answer(0, ["NetworkAcls", "0", "NetworkAclId"].map(String::from).to_vec());
    let ours = parts
        .iter()
        .any(|part| !part.contains_key("association_id"))
        .then(|| describe(vec![filter("association.network-acl-id", vec![Arg::id(at)])]));
    let moves = parts.iter().map(|part| {
        let found = Arg::find(1, &["NetworkAcls", "Associations"], "SubnetId", arg(part, "subnet"), "NetworkAclAssociationId");
        let association = part.get("association_id").map_or(found, Arg::from_value);
        replace(association, default_id.clone()).satisfied_by(&["InvalidAssociationID.NotFound"])
    });
    vec![Batch { of: (0..parts.len()).collect(), calls: [default].into_iter().chain(ours).chain(moves).collect() }]
}

fn show(head: &str, word: &str, entry: &Record) -> String {
    let plain = |member: &str| show_value(entry.get(member));
    let range = int(entry, "from_port").zip(int(entry, "to_port")).or(int(entry, "icmp_type").zip(int(entry, "icmp_code")));
    let service = show_traffic(&plain("protocol"), range);
    format!("{head} {} {} {service} {word} {}", plain("number"), plain("action"), plain("cidr"))
}

/// An entry as EC2 lists it, but for its own last one.
fn observed_entry(entry: &Json) -> Option<(&'static str, Record)> {
    let number = at(entry, &["RuleNumber"]).and_then(Json::as_i64).filter(|n| *n <= LAST_NUMBER)?;
    let head = if at(entry, &["Egress"]).and_then(Json::as_bool)? { "out" } else { "in" };
    let cidr: Cidr = text(entry, &["CidrBlock"]).or(text(entry, &["Ipv6CidrBlock"]))?.parse().ok()?;
    let protocol = text(entry, &["Protocol"])?;
    let mut record = Record::from([
        ("number".into(), Value::Int(number)),
        ("action".into(), Value::text(text(entry, &["RuleAction"])?)),
        ("protocol".into(), Value::text(protocol)),
        ("cidr".into(), Value::Cidr(cidr)),
    ]);
    let members: [(&str, [&str; 2]); 2] = match protocol {
        "6" | "17" => [("from_port", ["PortRange", "From"]), ("to_port", ["PortRange", "To"])],
        "1" | "58" => [("icmp_type", ["IcmpTypeCode", "Type"]), ("icmp_code", ["IcmpTypeCode", "Code"])],
        _ => return Some((head, record)),
    };
    record.extend(members.iter().filter_map(|(name, path)| Some(((*name).into(), Value::Int(at(entry, path)?.as_i64()?)))));
    Some((head, record))
}

fn observed_association(association: &Json, vpc: &Value) -> Option<Record> {
    let subnet = text(association, &["SubnetId"])?;
    let id = text(association, &["NetworkAclAssociationId"])?;
    Some(Record::from([("subnet".into(), Value::text(subnet)), ("association_id".into(), Value::text(id)), ("vpc".into(), vpc.clone())]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::sample::{complaints, judged, list, net, network, reference, resource, services, shown};

    fn acl() -> Resource {
        resource("network_acl.app", &[("vpc", reference("vpc.main")), ("subnets", list([reference("subnet.app")]))])
    }

    fn entry(acl: Resource, head: &'static str, number: i64, service: &[&str], peers: &[Value]) -> Resource {
        let peers = list(peers.iter().cloned());
        acl.says(
            head,
            &[("number", Value::Int(number)), ("action", Value::text("allow")), ("service", services(service)), ("peers", peers)],
        )
    }

    #[test]
    fn a_sentence_takes_as_many_numbers_as_it_needs() {
        let peers = [net("10.0.0.0/8"), net("2001:db8::/32")];
        let acl = entry(entry(acl(), "in", 100, &["tcp/80,443", "icmp/3/4"], &peers), "out", 100, &["all"], &[Value::Anywhere]);
        let expected = [
            "in 100 allow tcp/80 from 10.0.0.0/8",
            "in 101 allow tcp/443 from 10.0.0.0/8",
            "in 102 allow icmp/3/4 from 10.0.0.0/8",
            "in 103 allow tcp/80 from 2001:db8::/32",
            "in 104 allow tcp/443 from 2001:db8::/32",
            "in 105 allow icmp/3/4 from 2001:db8::/32",
            "out 100 allow all to 0.0.0.0/0",
            "association with subnet.app",
        ];
        let model = network([acl]);
        assert_eq!(shown(&model, "network_acl.app"), expected);
        assert_eq!(complaints(&model), [""; 0]);
    }

    #[test]
    fn running_into_a_number_that_is_taken_is_a_mistake() {
        let ten = |acl, n| entry(acl, "in", n, &["tcp/80,443"], &[Value::Anywhere]);
        assert_eq!(complaints(&network([ten(ten(acl(), 102), 100)])), [""; 0]);
        assert_eq!(complaints(&network([ten(ten(acl(), 101), 100)])), ["E0308 entry number 101 is taken"]);
        assert_eq!(complaints(&network([ten(ten(acl(), 100), 100)])), ["E0308 entry number 100 is taken"]);
        assert_eq!(complaints(&network([ten(acl(), 0)])), ["E0308 an entry cannot have number 0"]);
        assert_eq!(complaints(&network([ten(acl(), 32766)])), ["E0308 the entries 32766 to 32767 run out of numbers"]);
    }

    #[test]
    fn what_ec2_lists_is_what_was_asked() {
        let services = ["tcp/22", "icmp/3/4", "all", "protocol/50"];
        let (parts, _) = judged(&network([entry(acl(), "in", 100, &services, &[net("10.0.0.0/8")])]), "network_acl.app");
        let item = json!({
            "NetworkAclId": "acl-1", "VpcId": "vpc-1", "IsDefault": false,
            "Entries": [
                {"RuleNumber": 100, "Egress": false, "RuleAction": "allow", "Protocol": "6", "CidrBlock": "10.0.0.0/8", "PortRange": {"From": 22, "To": 22}},
                {"RuleNumber": 101, "Egress": false, "RuleAction": "allow", "Protocol": "1", "CidrBlock": "10.0.0.0/8", "IcmpTypeCode": {"Type": 3, "Code": 4}},
                {"RuleNumber": 102, "Egress": false, "RuleAction": "allow", "Protocol": "-1", "CidrBlock": "10.0.0.0/8"},
                {"RuleNumber": 103, "Egress": false, "RuleAction": "allow", "Protocol": "50", "CidrBlock": "10.0.0.0/8"},
                {"RuleNumber": 32767, "Egress": false, "RuleAction": "deny", "Protocol": "-1", "CidrBlock": "0.0.0.0/0"},
                {"RuleNumber": 32768, "Egress": true, "RuleAction": "deny", "Protocol": "-1", "Ipv6CidrBlock": "::/0"},
            ],
            "Associations": [{"NetworkAclAssociationId": "aclassoc-1", "NetworkAclId": "acl-1", "SubnetId": "subnet-1"}],
        });
        let observed = NetworkAcl::observe(&item).expect("it stands").parts;
        let entries = |parts: Vec<(&str, Record)>| parts.into_iter().filter(|p| p.0 == "in").map(|p| p.1).collect::<Vec<_>>();
        assert_eq!(entries(observed.clone()), entries(parts.into_iter().map(|p| (p.name, p.record)).collect()));
        assert_eq!(observed.len(), 5);
        assert_eq!(observed[4].1["association_id"], Value::text("aclassoc-1"));
    }

    #[test]
    fn entries_are_sent_as_ec2_takes_them() {
        let (parts, _) = judged(&network([entry(acl(), "in", 7, &["tcp", "icmpv6"], &[net("2001:db8::/32")])]), "network_acl.app");
        let at = Address::new("network_acl", "app");
        let call = |i: usize| (NetworkAcl::PARTS[0].create)(&at, &[&parts[i].record]).remove(0).calls.remove(0);
        let number = |n: i64| Arg::Known(n.into());
        assert_eq!(call(0).params["Protocol"], Arg::text("6"));
        assert_eq!(call(0).params["PortRange"], Arg::map([("From", number(0)), ("To", number(65535))]));
        assert_eq!(call(0).params["Ipv6CidrBlock"], Arg::text("2001:db8::/32"));
        assert_eq!(call(1).params["IcmpTypeCode"], Arg::map([("Type", number(-1)), ("Code", number(-1))]));
        assert_eq!((&call(1).params["RuleNumber"], &call(1).params["PortRange"]), (&number(8), &Arg::Known(Json::Null)));
    }

    #[test]
    fn subnets_move_in_one_call_each_and_go_back_to_the_default() {
        let at = Address::new("network_acl", "app");
        let subnet = |name: &str| Record::from([("subnet".to_owned(), reference(name)), ("vpc".to_owned(), reference("vpc.main"))]);
        let (a, b) = (subnet("subnet.a"), subnet("subnet.b"));
        let calls = |batches: Vec<Batch>| batches.into_iter().flat_map(|b| b.calls).map(|c| c.action).collect::<Vec<_>>();
        let expected = ["DescribeNetworkAcls", "ReplaceNetworkAclAssociation", "ReplaceNetworkAclAssociation"];
        assert_eq!(calls(associate(&at, &[&a, &b])), expected);
        let mut observed = subnet("subnet.a");
        observed.insert("association_id".into(), Value::text("aclassoc-1"));
        let back = disassociate(&at, &[&observed]);
        assert_eq!(back[0].calls[1].params["AssociationId"], Arg::text("aclassoc-1"));
        assert_eq!(calls(back), ["DescribeNetworkAcls", "ReplaceNetworkAclAssociation"]);
    }
}

#[cfg(feature = "aws")]
mod aws {
    use crate::{action, ec2::Action, shown, taken, words};

    taken! {
        IcmpTypeCode(set_code, set_type);
        PortRange(set_from, set_to);
    }

    shown! {
        NetworkAcl(associations, entries, is_default, network_acl_id, owner_id, tags, vpc_id);
        NetworkAclAssociation(network_acl_association_id, network_acl_id, subnet_id);
        NetworkAclEntry(cidr_block, egress, icmp_type_code, ipv6_cidr_block, port_range, protocol, rule_action, rule_number);
        IcmpTypeCode(code, r#type);
        PortRange(from, to);
    }

    words! { RuleAction }

    pub(super) const ACTIONS: &[Action] = &[
        action!(CreateNetworkAcl: create_network_acl(set_client_token, set_tag_specifications, set_vpc_id) -> (network_acl)),
        action!(DeleteNetworkAcl: delete_network_acl(set_network_acl_id) -> ()),
        action!(DescribeNetworkAcls: describe_network_acls(set_filters, set_max_results, set_network_acl_ids, set_next_token)
            -> (network_acls, next_token)),
        action!(CreateNetworkAclEntry: create_network_acl_entry(
            set_cidr_block, set_egress, set_icmp_type_code, set_ipv6_cidr_block, set_network_acl_id, set_port_range, set_protocol,
            set_rule_action, set_rule_number,
        ) -> ()),
        action!(ReplaceNetworkAclEntry: replace_network_acl_entry(
            set_cidr_block, set_egress, set_icmp_type_code, set_ipv6_cidr_block, set_network_acl_id, set_port_range, set_protocol,
            set_rule_action, set_rule_number,
        ) -> ()),
        action!(DeleteNetworkAclEntry: delete_network_acl_entry(set_egress, set_network_acl_id, set_rule_number) -> ()),
        action!(ReplaceNetworkAclAssociation: replace_network_acl_association(set_association_id, set_network_acl_id)
            -> (new_association_id)),
    ];
}
