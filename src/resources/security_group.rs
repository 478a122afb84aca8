//! A security group and its rules.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html>

use std::{collections::BTreeMap, sync::Arc};

use serde_json::json;

use crate::{
    base::{
        address::Address,
        cidr::Family,
        codes::network,
        diagnostic::Sink,
        span::Span,
    },
    call::{Arg, Call, Json},
    declared,
    net::{self, Net, desired::{self, Desired}},
    registry::{Batch, Listing, Observed, Others, PartSpec, Removal, Patience, ResourceType, SentenceSpec, Slot, quota::{Per, Quota}},
    resource,
    resources::{
        part::{arg, as_service, int, protocol_name, show_traffic, show_value, traffic},
        placement::{self, ForeignRules},
        read::{Reader, at, list, text},
        vpc::Vpc,
    },
    schema::{
        attr::{Kind, Ref, Val, Word},
        model::{Model, Part, Resource},
        value::{Record, Value},
    },
};

resource! {
    /// A stateful filter that interfaces carry: only what a rule admits passes, and its answers.
    ///
    /// It owns its whole set of rules. AWS's rule that lets everything out is revoked as soon as the group is made:
    /// without an `egress` sentence nothing gets out.
    SecurityGroup = "security_group" {
        /// The VPC whose interfaces may carry it.
        vpc: Ref<Vpc>, Replace;
        /// What it is for, as the console shows it. EC2 cannot change it.
        description: Val<Arc<str>> = Value::text("Managed by secnet"), Replace;
        /// Its name in EC2, unique in the VPC; made from the resource's name where it is not written.
        group_name: Option<Val<Arc<str>>>, Replace;
        /// What becomes of the rules that others have added: `revoke` shows them in the plan and revokes them, `keep` leaves
        /// them, says so, and proves with them. Where nobody has read which there are, nothing is proved of the VPC.
        foreign_rules: Val<Word<ForeignRules>> = Value::text("revoke"), Ours;
        /// Its id.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

const PEERS: &[&str] = &["security_group", "prefix_list"];

/// Of every group, those that AWS gives among them.
pub(super) const RULES: [Quota; 2] = [Quota::new("Inbound or outbound rules per security group", "L-0EA8095F", 60, Per::PartByFamily("ingress", "peer")),Quota::new("Inbound or outbound rules per security group", "L-0EA8095F", 60, Per::PartByFamily("egress", "peer"))];

impl ResourceType for SecurityGroup {
    declared!();

    const EXAMPLE: &'static str = r#"security_group web {
  vpc         = vpc.main
  description = "The web, for everybody"
  ingress tcp/443 from anywhere
  egress  tcp/5432 to  security_group.db   "the database, and nothing else"
}

security_group db {
  vpc         = vpc.main
  description = "The database, for the web servers"
  ingress tcp/5432 from security_group.web
}
"#;

    const ID_PREFIX: &'static str = "sg-";
    const OPENS: &'static [&'static str] = &["", "ingress", "egress"];
    const PATIENCE: Patience = Patience::HELD;
    const ONCE: &'static [(&'static str, &'static [&'static str])] = &[("", &["vpc", "group_name"])];
    const TAG_TYPE: Option<&'static str> = Some("security-group");
    const CREATE_FIRST: bool = true;
    const ROOM: Option<usize> = Some(60);
    const QUOTAS: &'static [Quota] = &[Quota::new("VPC security groups per Region", "L-E79EC296", 2500, Per::RegionAsKnown), RULES[0], RULES[1]];
    const CREATED_ID: &'static [&'static str] = &["GroupId"];
    const FILTERS: &'static [(&'static str, &'static str)] = &[("vpc", "vpc-id")];
    const LISTING: Listing = Listing::new("DescribeSecurityGroups", &["SecurityGroups"], "GroupId", "group-id", Some(1000));
    const SENTENCES: &'static [SentenceSpec] = &[
        SentenceSpec {
            head: "ingress",
            slots: &[Slot::Services("service"), Slot::Word("from"), Slot::Peers("peers", PEERS), Slot::Text("description")],
            doc: "Lets a service in from peers: networks, addresses, groups, prefix lists, `anywhere`.",
            example: "ingress tcp/22 from 203.0.113.0/28  \"maintainers\"",
        },
        SentenceSpec {
            head: "egress",
            slots: &[Slot::Services("service"), Slot::Word("to"), Slot::Peers("peers", PEERS), Slot::Text("description")],
            doc: "Lets a service out to peers: networks, addresses, groups, prefix lists, `anywhere`.",
            example: "egress tcp/443 to anywhere",
        },
    ];
    const PARTS: &'static [PartSpec] = &[
        PartSpec {
            create: |at, rules| authorize("AuthorizeSecurityGroupIngress", at, rules),
            change: Some(|at, _, new| vec![describe("UpdateSecurityGroupRuleDescriptionsIngress", at, new)]),
            delete: |at, rules| revoke("RevokeSecurityGroupIngress", at, rules),
            show: |rule| show("ingress", "from", rule),
            ..rule_part("ingress", "A rule that lets a service in.")
        },
        PartSpec {
            create: |at, rules| authorize("AuthorizeSecurityGroupEgress", at, rules),
            change: Some(|at, _, new| vec![describe("UpdateSecurityGroupRuleDescriptionsEgress", at, new)]),
            delete: |at, rules| revoke("RevokeSecurityGroupEgress", at, rules),
            show: |rule| show("egress", "to", rule),
            ..rule_part("egress", "A rule that lets a service out.")
        },
    ];
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = aws::ACTIONS;

    fn check(model: &Model, sink: &mut Sink) {
        for group in placement::managed(model, Self::KIND) {
            for (name, what) in [("description", "description"), ("group_name", "name")] {
                check_text(what, group.record.get(name).unwrap_or(&Value::Null), group.span_of(name), sink);
            }
            for sentence in &group.sentences {
                check_text("description", sentence.get("description"), Some(sentence.span_of("description")), sink);
            }
        }
    }

    fn desired_parts(&self, this: &Resource, model: &Model, sink: &mut Sink) -> Vec<Part> {
        rules(this, model, sink)
    }

    fn attached(this: &Resource, _model: &Model) -> Vec<String> {
        vec![format!("{}: a rule that lets everything out, which is revoked at once", this.address)]
    }

    fn network(this: &Resource, desired: &Desired<'_>, net: &mut Net) {
        draw(this, desired, false, net);
    }

    fn create(&self, at: &Address) -> Vec<Call> {
        let generated = Arg::Concat(vec![Arg::text(format!("{}-", at.name())), Arg::OperationId(8)]);
        let name = self.group_name.as_ref().map_or(generated, Val::arg);
        let params = [("GroupName", name), ("Description", self.description.arg()), ("VpcId", self.vpc.arg())];
        vec![Call::new("CreateSecurityGroup", params).tagged("security-group"), revoke_everything(at)]
    }

    fn bared(at: &Address, record: &Record, others: Others<'_>) -> Vec<Call> {
        revoke_everything_ipv6(at, record, others)
    }

    fn delete(at: &Address, _record: &Record) -> Vec<Call> {
        vec![Call::new("DeleteSecurityGroup", [("GroupId", Arg::id(at))])]
    }

    fn observe(item: &Json) -> Option<Observed> {
        let parts = [("ingress", "IpPermissions"), ("egress", "IpPermissionsEgress")]
            .into_iter()
            .flat_map(|(name, member)| {
                let rules = list(item, &[member]).iter().flat_map(|permission| observed_rules(permission, text(item, &["OwnerId"])));
                rules.map(move |rule| (name, rule))
            })
            .collect();
        Reader::new(item).text("vpc", &["VpcId"]).text("description", &["Description"]).text("group_name", &["GroupName"]).done(&["GroupId"], parts)
    }
}

/// Takes AWS's own rule away, which lets everything out.
pub(super) fn revoke_everything(at: &Address) -> Call {
    let everything = json!([{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]);
    Call::new("RevokeSecurityGroupEgress", [("GroupId", Arg::id(at)), ("IpPermissions", Arg::Known(everything))])
        .satisfied_by(&["InvalidPermission.NotFound"])
}

/// The same over IPv6, in a VPC that has it.
pub(super) fn revoke_everything_ipv6(at: &Address, record: &Record, others: Others<'_>) -> Vec<Call> {
    let vpc = record.get("vpc").and_then(Value::as_resource).and_then(others);
    if !vpc.is_some_and(placement::may_have_ipv6) {
        return vec![];
    }
    let everything = json!([{"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}]);
    let call = Call::new("RevokeSecurityGroupEgress", [("GroupId", Arg::id(at)), ("IpPermissions", Arg::Known(everything))]);
    vec![call.satisfied_by(&["InvalidPermission.NotFound"])]
}

/// The rules that sentences say.
pub(super) fn rules(this: &Resource, model: &Model, sink: &mut Sink) -> Vec<Part> {
        let mut parts: Vec<Part> = vec![];
        let anywhere = placement::anywhere(this, model);
        for sentence in &this.sentences {
            for (protocol, ports) in sentence.get("service").elements().iter().filter_map(as_service).flat_map(traffic) {
                let written = sentence.get("peers").elements().iter();
                for peer in written.flat_map(|peer| placement::peers_for(peer, &protocol, &anywhere)) {
                    let mut record = rule(&protocol, ports, &peer, sentence.get("description"));
                    if let Some(group) = peer.as_resource() {
                        record.extend(across(this, group, model, sentence.span_of("peers"), sink));
                    }
                    let part = Part { name: sentence.head, record, span: Some(sentence.span) };
                    match parts.iter().find(|p| p.name == part.name && same_rule(&p.record, &part.record)) {
                        None => parts.push(part),
                        Some(first) if first.record.get("description") != part.record.get("description") => {
                            let word = if part.name == "ingress" { "from" } else { "to" };
                            let rule = show(part.name, word, &part.record);
                            sink.push(network::two_descriptions(&rule, sentence.span_of("description"), first.span));
                        }
                        Some(_) => {}
                    }
                }
            }
        }
        parts
}

/// A group as the prover sees it; `default` is the one that AWS gives with a VPC.
pub(super) fn draw(this: &Resource, desired: &Desired<'_>, default: bool, net: &mut Net) {
        let Some(vpc) = desired.reference(this, "vpc") else { return };
        let mut rules = |name: &str| {
            let mut rules = vec![];
            for part in this.parts.iter().filter(|p| p.name == name) {
                match drawn_rule(this, part) {
                    Some(rule) => rules.push(rule),
                    None => net.unread(&vpc, "a VPC with a group's rule whose peer is not known", desired::of_part(this, part)),
                }
            }
            rules
        };
        let (ingress, egress) = (rules("ingress"), rules("egress"));
        net.security_groups.push(net::SecurityGroup {
            id: desired::id(&this.address),
            vpc,
            default,
            ingress, egress, origin: desired::origin(this) });
}

const fn rule_part(name: &'static str, doc: &'static str) -> PartSpec {
    PartSpec {
        name,
        doc,
        key: &["protocol", "from_port", "to_port", "peer"],
        content: &["description"],
        create: |_, _| vec![],
        change: None,
        delete: |_, _| vec![],
        removal: Removal::WithOwnerUnlessItRefers,
        create_first: true,
        essential: false,
        governs: None,
        takes_over: false,
        show: |_| String::new(),
    }
}

/// What EC2 takes as a name or description (API reference, CreateSecurityGroup and IpRange).
pub(super) fn check_text(what: &str, value: &Value, at: Option<Span>, sink: &mut Sink) {
    let Some(text) = value.as_text() else { return };
    let taken = |c: &char| c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(*c);
    if let Some(wrong) = text.chars().find(|c| !taken(c)) {
        let help = "write it with letters without accents, digits, spaces and ._-:/()#,@[]+=&;{}!$* only";
        sink.push(network::text_not_taken(what, &format!("`{}` is not taken", wrong.escape_debug()), at, help));
    } else if text.chars().count() > 255 {
        sink.push(network::text_not_taken(what, "too long", at, "write at most 255 characters"));
    } else if what == "name" && text.starts_with("sg-") {
        sink.push(network::text_not_taken(what, "begins with `sg-`", at, "begin it with something else: ids of groups begin so"));
    }
}

fn rule(protocol: &str, ports: Option<(i64, i64)>, peer: &Value, description: &Value) -> Record {
    let mut record = Record::from([("protocol".into(), Value::text(protocol)), ("peer".into(), peer.clone())]);
    if let Some((from, to)) = ports {
        record.extend([("from_port".into(), Value::Int(from)), ("to_port".into(), Value::Int(to))]);
    }
    if description.as_text().is_some_and(|d| !d.is_empty()) {
        record.insert("description".into(), description.clone());
    }
    record
}

/// A rule, as the prover sees it; `None` if it is not known in full.
fn drawn_rule(this: &Resource, part: &Part) -> Option<net::Rule> {
    let peer = match part.record.get("peer")? {
        Value::Cidr(cidr) => net::Peer::Network(*cidr),
        Value::Resource(group) if crate::resources::taken_for(group.kind()) == SecurityGroup::KIND => net::Peer::Group(desired::id(group)),
        // What others have written names things by their ids.
        Value::Text(id) if id.starts_with(SecurityGroup::ID_PREFIX) => net::Peer::Group(id.as_ref().into()),
        Value::Text(id) if id.starts_with("pl-") => net::Peer::PrefixList(id.as_ref().into()),
        Value::Resource(list) if list.kind() == "prefix_list" => net::Peer::PrefixList(desired::id(list)),
        _ => return None,
    };
    Some(net::Rule { service: Some(desired::service(&part.record)?), peer, origin: desired::of_part(this, part) })
}

fn same_rule(a: &Record, b: &Record) -> bool {
    ["protocol", "from_port", "to_port", "peer"].iter().all(|member| a.get(*member) == b.get(*member))
}

/// What a rule that names a group of another VPC needs besides: the peering that joins the two, and whose the group is.
/// EC2 takes such a rule where both are in one Region.
fn across(this: &Resource, group: &Address, model: &Model, at: Span, sink: &mut Sink) -> Record {
    let named = model.resources.get(group).filter(|g| !g.existing);
    let (Some(ours), Some((theirs, named))) = (this.reference("vpc"), named.and_then(|g| Some((g.reference("vpc")?, g)))) else {
        return Record::new();
    };
    if ours == theirs {
        return Record::new();
    }
    let Some(peering) = placement::peering_of(model, ours, theirs) else {
        sink.push(network::group_of_another_vpc(at, group, theirs, ours));
        return Record::new();
    };
    // In a list: it is waited for, and no part of what tells one rule from another.
    let mut record = Record::from([("peering".into(), Value::List(vec![Value::Resource(peering.address.clone())]))]);
    if named.site != this.site {
        record.insert("foreign".into(), Value::Bool(true));
    }
    record
}

/// A rule as EC2's `IpPermission`.
fn permission(rule: &Record) -> Arg {
    let value = |name: &str| arg(rule, name);
    let (member, name) = match rule.get("peer") {
        Some(Value::Cidr(cidr)) if cidr.family() == Family::V6 => ("Ipv6Ranges", "CidrIpv6"),
        Some(Value::Cidr(_)) => ("IpRanges", "CidrIp"),
        Some(Value::Resource(list)) if list.kind() == "prefix_list" => ("PrefixListIds", "PrefixListId"),
        Some(Value::Text(id)) if id.starts_with("pl-") => ("PrefixListIds", "PrefixListId"),
        _ => ("UserIdGroupPairs", "GroupId"),
    };
    // Of a group of another account EC2 wants to be told whose it is.
    let owner = match (rule.get("foreign"), rule.get("peer")) {
        (Some(Value::Bool(true)), Some(Value::Resource(group))) => Arg::AccountOf(group.clone()),
        (Some(owner @ Value::Text(_)), _) => owner.into(),
        _ => Arg::Known(Json::Null),
    };
    let mut peer = BTreeMap::from([(name.to_owned(), value("peer")), ("Description".to_owned(), value("description"))]);
    if owner != Arg::Known(Json::Null) {
        peer.insert("UserId".into(), owner);
    }
    let peer = Arg::Map(peer);
    Arg::map([
        ("IpProtocol", value("protocol")),
        ("FromPort", value("from_port")),
        ("ToPort", value("to_port")),
        (member, Arg::List(vec![peer])),
    ])
}

fn call(action: &str, at: &Address, rules: &[&Record]) -> Call {
    let permissions = Arg::List(rules.iter().map(|rule| permission(rule)).collect());
    Call::new(action, [("GroupId", Arg::id(at)), ("IpPermissions", permissions)])
}

fn authorize(action: &str, at: &Address, rules: &[&Record]) -> Vec<Batch> {
    let call = call(action, at, rules).tagged("security-group-rule");
    // One that is there already refuses the whole call, so for several it does not mean that all are there.
    let call = if rules.len() == 1 { call.satisfied_by(&["InvalidPermission.Duplicate"]) } else { call };
    vec![Batch { of: (0..rules.len()).collect(), calls: vec![call] }]
}

fn revoke(action: &str, at: &Address, rules: &[&Record]) -> Vec<Batch> {
    let call = call(action, at, rules).satisfied_by(&["InvalidPermission.NotFound"]);
    vec![Batch { of: (0..rules.len()).collect(), calls: vec![call] }]
}

fn describe(action: &str, group: &Address, rule: &Record) -> Call {
    call(action, group, &[rule])
}

fn show(head: &str, word: &str, rule: &Record) -> String {
    let protocol = rule.get("protocol").and_then(Value::as_text).unwrap_or("?");
    let service = show_traffic(protocol, int(rule, "from_port").zip(int(rule, "to_port")));
    let peer = show_value(rule.get("peer"));
    format!("{head} {service} {word} {peer}")
}

/// An `IpPermission` as EC2 lists it: one rule a peer.
fn observed_rules(permission: &Json, owner: Option<&str>) -> Vec<Record> {
    let protocol = protocol_name(text(permission, &["IpProtocol"]).unwrap_or("-1"));
    let port = |name| at(permission, &[name]).and_then(Json::as_i64);
    let ports = if matches!(protocol, "tcp" | "udp" | "icmp" | "icmpv6") { port("FromPort").zip(port("ToPort")) } else { None };
    let network = |item: &Json, member| text(item, &[member]).and_then(|t| t.parse().ok()).map(Value::Cidr);
    let groups = |item: &Json, member| text(item, &[member]).map(Value::text);
    type Peer<'a> = &'a dyn Fn(&Json, &'static str) -> Option<Value>;
    let kinds: [(&str, &'static str, Peer<'_>); 4] = [
        ("IpRanges", "CidrIp", &network),
        ("Ipv6Ranges", "CidrIpv6", &network),
        ("UserIdGroupPairs", "GroupId", &groups),
        ("PrefixListIds", "PrefixListId", &groups),
    ];
    kinds
        .into_iter()
        .flat_map(|(list_name, member, peer)| {
            list(permission, &[list_name]).iter().filter_map(move |item| {
                let description = text(item, &["Description"]).map_or(Value::Null, Value::text);
                let mut rule = rule(protocol, ports, &peer(item, member)?, &description);
                let foreign = text(item, &["UserId"]).filter(|user| owner.is_some_and(|owner| owner != *user));
                rule.extend(foreign.map(|user| ("foreign".to_owned(), Value::text(user))));
                Some(rule)
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::sample::{complaints, judged, list as values, net, network, reference, resource, services, shown};

    fn group() -> Resource {
        resource("security_group.web", &[("vpc", reference("vpc.main"))])
    }

    fn rule(group: Resource, head: &'static str, service: &[&str], peers: &[Value], description: &str) -> Resource {
        let peers = values(peers.iter().cloned());
        group.says(head, &[("service", services(service)), ("peers", peers), ("description", Value::text(description))])
    }

    #[test]
    fn what_ec2_lists_is_what_was_asked() {
        let peers = [net("10.0.0.0/8"), net("2001:db8::/32")];
        let wanted = rule(rule(group(), "ingress", &["tcp/22", "icmp/8"], &peers, "ops"), "egress", &["all"], &[Value::Anywhere], "");
        let item = json!({
            "GroupId": "sg-1", "GroupName": "web", "Description": "Managed by secnet", "VpcId": "vpc-1",
            "IpPermissions": [
                {
                    "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "UserIdGroupPairs": [], "PrefixListIds": [],
                    "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "ops"}],
                    "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32", "Description": "ops"}],
                },
                {
                    "IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "ops"}],
                    "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32", "Description": "ops"}],
                },
            ],
            "IpPermissionsEgress": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
        });
        let sorted = |parts: Vec<(&'static str, Record)>| {
            let mut texts: Vec<String> = parts.iter().map(|(name, record)| format!("{name} {record:?}")).collect();
            texts.sort();
            texts
        };
        let (parts, _) = judged(&network([wanted]), "security_group.web");
        let observed = SecurityGroup::observe(&item).expect("it stands");
        assert_eq!(sorted(observed.parts), sorted(parts.into_iter().map(|p| (p.name, p.record)).collect()));
    }

    #[test]
    fn the_same_rule_twice_is_one_with_a_warning_if_the_words_differ() {
        let once = rule(rule(group(), "ingress", &["tcp/443"], &[net("10.0.0.0/8")], "a"), "ingress", &["tcp/443"], &[net("10.0.0.0/8")], "a");
        assert_eq!(shown(&network([once.clone()]), "security_group.web"), ["ingress tcp/443 from 10.0.0.0/8"]);
        assert_eq!(complaints(&network([once.clone()])), [""; 0]);
        let other = rule(once, "ingress", &["tcp/443"], &[net("10.0.0.0/8")], "b");
        assert_eq!(complaints(&network([other])), ["W0301 `ingress tcp/443 from 10.0.0.0/8` has two descriptions"]);
    }

    #[test]
    fn texts_are_those_that_ec2_takes() {
        let described = |name, text: &str| resource("security_group.web", &[("vpc", reference("vpc.main")), (name, Value::text(text))]);
        assert_eq!(complaints(&network([described("description", "all (of [us]) & more; #1")])), [""; 0]);
        assert_eq!(complaints(&network([described("description", "für alle")])), ["E0316 EC2 does not take this description"]);
        assert_eq!(complaints(&network([described("group_name", "sg-web")])), ["E0316 EC2 does not take this name"]);
        let long = rule(group(), "ingress", &["tcp/22"], &[net("10.0.0.0/8")], &"a".repeat(256));
        assert_eq!(complaints(&network([long])), ["E0316 EC2 does not take this description"]);
    }

    #[test]
    fn groups_are_named_by_id_once_they_stand() {
        let wanted = rule(group(), "ingress", &["tcp/5432"], &[reference("security_group.app"), Value::text("sg-9")], "");
        let (parts, _) = judged(&network([wanted]), "security_group.web");
        let pair = |id: Arg| Arg::List(vec![Arg::map([("GroupId", id), ("Description", Arg::Known(Json::Null))])]);
        for (part, id) in parts.iter().zip([Arg::id(&Address::new("security_group", "app")), Arg::text("sg-9")]) {
            let Arg::Map(permission) = permission(&part.record) else { panic!("a map") };
            assert_eq!(permission["UserIdGroupPairs"], pair(id));
        }
    }
}

#[cfg(feature = "aws")]
mod aws {
    use crate::{action, ec2::Action, shown, taken};

    taken! {
        IpPermission(set_from_port, set_ip_protocol, set_ip_ranges, set_ipv6_ranges, set_prefix_list_ids, set_to_port, set_user_id_group_pairs);
        IpRange(set_cidr_ip, set_description);
        Ipv6Range(set_cidr_ipv6, set_description);
        PrefixListId(set_description, set_prefix_list_id);
        UserIdGroupPair(set_description, set_group_id, set_user_id, set_vpc_peering_connection_id);
    }

    shown! {
        SecurityGroup(
            description, group_id, group_name, ip_permissions, ip_permissions_egress, owner_id, security_group_arn, tags, vpc_id,
        );
        IpPermission(from_port, ip_protocol, ip_ranges, ipv6_ranges, prefix_list_ids, to_port, user_id_group_pairs);
        IpRange(cidr_ip, description);
        Ipv6Range(cidr_ipv6, description);
        PrefixListId(description, prefix_list_id);
        UserIdGroupPair(description, group_id, peering_status, user_id, vpc_id, vpc_peering_connection_id);
        SecurityGroupRule(
            cidr_ipv4, cidr_ipv6, description, from_port, group_id, group_owner_id, ip_protocol, is_egress, prefix_list_id,
            referenced_group_info, security_group_rule_id, tags, to_port,
        );
        ReferencedSecurityGroup(group_id, peering_status, user_id, vpc_id, vpc_peering_connection_id);
    }

    pub(super) const ACTIONS: &[Action] = &[
        action!(CreateSecurityGroup: create_security_group(set_description, set_group_name, set_tag_specifications, set_vpc_id)
            -> (group_id, security_group_arn, tags)),
        action!(DeleteSecurityGroup: delete_security_group(set_group_id) -> ()),
        action!(DescribeSecurityGroups: describe_security_groups(set_filters, set_group_ids, set_max_results, set_next_token)
            -> (next_token, security_groups)),
        action!(DescribeSecurityGroupRules: describe_security_group_rules(
            set_filters, set_max_results, set_next_token, set_security_group_rule_ids,
        ) -> (next_token, security_group_rules)),
        action!(AuthorizeSecurityGroupIngress: authorize_security_group_ingress(set_group_id, set_ip_permissions, set_tag_specifications)
            -> (security_group_rules)),
        action!(AuthorizeSecurityGroupEgress: authorize_security_group_egress(set_group_id, set_ip_permissions, set_tag_specifications)
            -> (security_group_rules)),
        action!(RevokeSecurityGroupIngress: revoke_security_group_ingress(set_group_id, set_ip_permissions, set_security_group_rule_ids)
            -> (unknown_ip_permissions)),
        action!(RevokeSecurityGroupEgress: revoke_security_group_egress(set_group_id, set_ip_permissions, set_security_group_rule_ids)
            -> (unknown_ip_permissions)),
        action!(UpdateSecurityGroupRuleDescriptionsIngress: update_security_group_rule_descriptions_ingress(set_group_id, set_ip_permissions)
            -> ()),
        action!(UpdateSecurityGroupRuleDescriptionsEgress: update_security_group_rule_descriptions_egress(set_group_id, set_ip_permissions)
            -> ()),
    ];
}
