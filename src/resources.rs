//! One file per resource type. Adding one: write the file, add its word here. Layer 3.

use std::{collections::BTreeMap, sync::LazyLock};

use crate::{
    base::{address::Address, cidr::Cidr},
    net::{
        Net,
        desired::{self, Desired, Known},
        merge,
    },
    registry::{Observed, Spec},
    schema::{
        model::{Model, Part, Resource, Statement},
        value::{Record, Value},
    },
};

mod attachment;
mod further;
mod given;
mod part;
mod placement;
mod read;
pub use read::tags;
#[cfg(test)]
mod sample;

crate::resources! {
    vpc: Vpc,
    dhcp_options: DhcpOptions,
    internet_gateway: InternetGateway,
    egress_only_internet_gateway: EgressOnlyInternetGateway,
    subnet: Subnet,
    route_table: RouteTable,
    network_acl: NetworkAcl,
    security_group: SecurityGroup,
    default_route_table: DefaultRouteTable,
    default_network_acl: DefaultNetworkAcl,
    default_security_group: DefaultSecurityGroup,
    key_pair: KeyPair,
    elastic_ip: ElasticIp,
    nat_gateway: NatGateway,
    network_interface: NetworkInterface,
    instance: Instance,
    volume: Volume,
    launch_template: LaunchTemplate,
    prefix_list: PrefixList,
    transit_gateway: TransitGateway,
    transit_gateway_vpc_attachment: TransitGatewayVpcAttachment,
    transit_gateway_peering_attachment: TransitGatewayPeeringAttachment,
    transit_gateway_route_table: TransitGatewayRouteTable,
    vpc_endpoint: VpcEndpoint,
    instance_connect_endpoint: InstanceConnectEndpoint,
    flow_log: FlowLog,
    block_public_access: BlockPublicAccess,
    block_public_access_exclusion: BlockPublicAccessExclusion,
    vpc_peering: VpcPeering,
    vpn_gateway: VpnGateway,
    customer_gateway: CustomerGateway,
    vpn_connection: VpnConnection,
}

/// The network that a model describes, from its sources alone: what AWS gives by itself is in it, existing VPCs are doors
/// that nobody has looked behind.
#[must_use]
pub fn network(model: &Model) -> Net {
    network_as_read(model, &Read::new())
}

/// What was last read of existing resources, by address; references are addresses as far as they have some.
pub type Read = BTreeMap<Address, Observed>;

/// The same, with what was last read of existing resources. One that nobody has read is not known, and never empty.
#[must_use]
pub fn network_as_read(model: &Model, read: &Read) -> Net {
    let mut net = drawn(model, &known_of(read), read);
    merge::complete(&mut net);
    net
}

/// The same where none of what the project manages stands yet, so that nobody has added anything to it.
#[must_use]
pub fn network_of_nothing(model: &Model, read: &Read) -> Net {
    let mut net = draw(model, &known_of(read), Some(read));
    merge::complete(&mut net);
    net
}

/// What a piece of a model describes, where the statements about all of it name these networks.
#[must_use]
pub fn network_of_piece(piece: &Model, read: &Read, networks: &[Cidr]) -> Net {
    let mut net = drawn(piece, &known_of(read), read);
    net.doubt_choices(networks);
    merge::complete(&mut net);
    net
}

/// Whether a VPC of the project has IPv6.
#[must_use]
pub fn has_ipv6(vpc: &Resource) -> bool {
    placement::may_have_ipv6(&vpc.record)
}

fn known_of(read: &Read) -> Known {
    read.iter().map(|(address, observed)| (address.clone(), observed.record.clone())).collect()
}

/// Whether a resource leaves the rules, routes or entries that others have added to it where they are.
#[must_use]
pub fn keeps_foreign(resource: &Resource) -> bool {
    resource.record.get(placement::FOREIGN_RULES).and_then(Value::as_text) == Some("keep")
}

/// What a model's managed resources are in the network, with what EC2 has told of them.
#[must_use]
pub fn managed_network(model: &Model, known: &Known) -> Net {
    draw(model, known, None)
}

/// All that a model describes, with what EC2 has told of it and what was last read of existing resources. What AWS gives by
/// itself is not in it.
#[must_use]
pub fn drawn(model: &Model, known: &Known, read: &Read) -> Net {
    let mut net = draw(model, known, Some(read));
    let mut desired = None;
    for resource in model.resources.values().filter(|r| !r.existing && keeps_foreign(r)) {
        if let Some(vpc) = desired.get_or_insert_with(|| Desired::new(model, known)).reference(resource, "vpc") {
            net.unread(
                &vpc,
                "a VPC with rules that others have added, which are kept and which nobody has read",
                desired::origin(resource),
            );
        }
    }
    net
}

fn draw(model: &Model, known: &Known, existing: Option<&Read>) -> Net {
    let desired = Desired::new(model, known);
    let mut net = Net::default();
    for resource in model.resources.values() {
        match (spec(resource.address.kind()), existing) {
            (Some(spec), _) if !resource.existing => (spec.network)(resource, &desired, &mut net),
            (Some(spec), Some(read)) => match read.get(&resource.address) {
                Some(observed) => (spec.network)(&as_read(resource, observed), &desired, &mut net),
                // What is written in such a block are filters: only of these two they are enough to say what it is in.
                None if matches!(spec.kind, "vpc" | "subnet") => (spec.network)(resource, &desired, &mut net),
                None => {}
            },
            _ => {}
        }
    }
    if !model.project.accounts.is_empty() {
        for vpc in &mut net.vpcs {
            (vpc.region, vpc.account) = desired.place(desired.resource(&vpc.id).and_then(|r| r.site.as_ref()));
        }
    }
    let unread = |r: &&Resource| r.existing && existing.is_some_and(|read| !read.contains_key(&r.address));
    for resource in model
        .resources
        .values()
        .filter(unread)
        .filter(|r| !matches!(r.address.kind(), "vpc" | "subnet" | "key_pair" | "volume" | "launch_template"))
    {
        // It may lie in any VPC where its filters do not say in which.
        let inside = placement::vpc_of(model, &resource.address).map(desired::id);
        let vpcs: Vec<_> = net.vpcs.iter().map(|vpc| vpc.id.clone()).filter(|vpc| inside.as_ref().is_none_or(|i| i == vpc)).collect();
        for vpc in vpcs {
            net.unread(&vpc, "a VPC with something that exists and that nobody has read yet", desired::origin(resource));
        }
    }
    let named = model.policies.iter().flat_map(|policy| &policy.statements).flat_map(Statement::networks);
    net.doubt_choices(&named.collect::<Vec<_>>());
    net
}

/// An existing resource as it was read.
fn as_read(resource: &Resource, observed: &Observed) -> Resource {
    let part = |(name, record): &(&'static str, Record)| Part { name, record: record.clone(), span: None };
    Resource { record: observed.record.clone(), parts: observed.parts.iter().map(part).collect(), ..resource.clone() }
}

/// The kind that something of a kind is taken for: its own, or that which it stands for.
#[must_use]
pub fn taken_for(kind: &str) -> &str {
    spec(kind).map_or(kind, |s| s.taken_for())
}

/// The types of what AWS gives every VPC.
pub fn given() -> impl Iterator<Item = &'static Spec> {
    ALL.iter().copied().filter(|s| s.stands_for.is_some())
}

/// The type of this word.
#[must_use]
pub fn spec(kind: &str) -> Option<&'static Spec> {
    // By the lengths of their words: few are of one length.
    static OF_LENGTH: LazyLock<Vec<Vec<(&str, &Spec)>>> = LazyLock::new(|| {
        let longest = ALL.iter().map(|s| s.kind.len()).max().unwrap_or_default();
        let of = |length| ALL.iter().filter(move |s| s.kind.len() == length).map(|s| (s.kind, *s)).collect();
        (0..=longest).map(of).collect()
    });
    OF_LENGTH.get(kind.len())?.iter().find(|(word, _)| *word == kind).map(|(_, spec)| *spec)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Arc};

    use crate::{
        analysis,
        call::{Arg, Call},
        manual::example,
        registry::{Removal, Slot},
        resources::sample,
        schema::{
            attr::{Change, Type},
            value::Value,
        },
    };

    use super::*;

    /// Some value of a type.
    fn value(ty: &Type) -> Value {
        match ty {
            Type::Bool => Value::Bool(true),
            Type::Int => Value::Int(8),
            Type::Cidr => sample::net("10.0.1.0/24"),
            Type::Ip => sample::net("10.0.1.10"),
            Type::Ref(kind) => sample::reference(&format!("{kind}.other")),
            Type::Set(of) | Type::List(of) => sample::list([value(of)]),
            Type::OneOf(words) => Value::text(words.first().copied().unwrap_or_default()),
            _ => Value::text("sample"),
        }
    }

    /// A record with every attribute that can be written.
    fn full(spec: &Spec) -> Record {
        spec.attrs.iter().filter(|a| a.change != Change::Computed).map(|a| (a.name.to_owned(), value(&a.ty))).collect()
    }

    /// A record with those alone that must be.
    fn least(spec: &Spec) -> Record {
        let given = spec.attrs.iter().filter_map(|a| Some((a.name.to_owned(), a.default.clone().or(a.required.then(|| value(&a.ty)))?)));
        given.collect()
    }

    fn this(spec: &Spec) -> Address {
        Address::new(spec.kind, "this")
    }

    #[test]
    fn everything_is_documented() {
        for spec in ALL {
            let mut words = vec![(spec.kind.to_owned(), spec.doc)];
            words.extend(spec.attrs.iter().map(|a| (format!("{}.{}", spec.kind, a.name), a.doc)));
            words.extend(spec.sentences.iter().map(|s| (format!("{} {}", spec.kind, s.head), s.doc)));
            words.extend(spec.parts.iter().map(|p| (format!("{} {}", spec.kind, p.name), p.doc)));
            for (what, doc) in words {
                assert!(doc.trim().len() > 5 && doc.trim_end().ends_with('.'), "{what} has no words: {doc:?}");
            }
            for sentence in spec.sentences {
                assert!(sentence.example.starts_with(&format!("{} ", sentence.head)), "{}: {}", spec.kind, sentence.example);
            }
        }
    }

    #[test]
    fn every_example_resolves_and_shows_its_type() {
        for spec in ALL {
            let whole = example::complete(spec.example);
            let analysis = analysis::analyze(vec![("main.secnet".into(), whole)], &analysis::Inputs::default());
            let said: Vec<_> = analysis.diagnostics.iter().map(|d| format!("{} {}", d.code.id, d.message)).collect();
            let others: Vec<_> = said.iter().filter(|d| !d.starts_with("W020")).collect();
            assert!(others.is_empty(), "{}: {others:?}", spec.kind);
            let header = format!("{} ", spec.kind);
            assert!(spec.example.lines().any(|l| l.trim_start().starts_with(&header)), "the example of {} shows none", spec.kind);
        }
    }

    #[test]
    fn each_in_place_attribute_is_claimed_by_one_update() {
        for spec in ALL {
            let shifts = || spec.shifts.iter().map(|s| &s.attr);
            let claims = |name: &str| spec.updates.iter().flat_map(|u| u.attrs).chain(shifts()).filter(|a| **a == name).count();
            for attr in spec.attrs.iter() {
                let wanted = usize::from(attr.change == Change::InPlace);
                assert_eq!(claims(attr.name), wanted, "{}.{} is {:?}", spec.kind, attr.name, attr.change);
            }
            for claimed in spec.updates.iter().flat_map(|u| u.attrs).chain(shifts()) {
                assert!(spec.attr(claimed).is_some(), "{} has no `{claimed}`", spec.kind);
            }
            if spec.attrs.iter().any(|a| a.change == Change::Parts) {
                assert!(!spec.parts.is_empty(), "{} has no parts", spec.kind);
            }
        }
    }

    #[test]
    fn what_is_locked_or_changed_in_a_still_one_has_a_turn_of_its_own() {
        for spec in ALL {
            let own = |name: &str| spec.updates.iter().any(|update| update.attrs == [name]);
            for name in spec.locks.iter().map(|lock| lock.attr).chain(spec.still.iter().flat_map(|still| still.attrs.iter().copied())) {
                assert!(own(name) && spec.one_at_a_time, "{}.{name} has no turn of its own", spec.kind);
            }
            for deep in spec.deep {
                assert!(spec.untold.contains(&deep.attr), "{}.{} is told by the listing", spec.kind, deep.attr);
                assert!(!crate::call::mutates((deep.read)("id-1").action.as_str()), "{}.{}", spec.kind, deep.attr);
            }
        }
    }

    #[test]
    fn references_name_kinds_that_exist() {
        fn kinds(ty: &Type, found: &mut Vec<Arc<str>>) {
            match ty {
                Type::Ref(kind) => found.push(kind.clone()),
                Type::Set(of) | Type::List(of) | Type::Map(of) => kinds(of, found),
                _ => {}
            }
        }
        for named in ALL {
            let mut found = vec![];
            named.attrs.iter().for_each(|a| kinds(&a.ty, &mut found));
            for slot in named.sentences.iter().flat_map(|s| s.slots) {
                if let Slot::Peers(_, of) | Slot::Target(_, of) = slot {
                    found.extend(of.iter().map(|kind| Arc::from(*kind)));
                }
            }
            for kind in found {
                assert!(spec(&kind).is_some(), "{} names the unknown kind {kind}", named.kind);
            }
            for attr in named.placed_in {
                assert!(named.attr(attr).is_some_and(|a| a.ty == Type::Ref("subnet".into())), "{}.{attr}", named.kind);
            }
        }
    }

    #[test]
    fn what_opens_is_the_resource_or_one_of_its_parts() {
        for spec in ALL {
            for name in spec.opens {
                assert!(name.is_empty() || spec.part(name).is_some(), "{} has no part `{name}`", spec.kind);
            }
            assert!(!spec.unseen || spec.opens.is_empty(), "{} opens something and is never met", spec.kind);
        }
    }

    #[test]
    fn what_bars_and_is_barred_are_parts() {
        for spec in ALL {
            for name in spec.bars.iter().flat_map(|(bar, barred)| std::iter::once(bar).chain(*barred)) {
                assert!(spec.part(name).is_some(), "{} has no part `{name}`", spec.kind);
            }
            assert!(spec.bars.iter().all(|(bar, barred)| !barred.contains(bar)), "{} bars itself", spec.kind);
        }
    }

    #[test]
    fn ids_tell_their_type() {
        for a in ALL {
            for b in ALL.iter().filter(|b| b.taken_for() != a.taken_for() && !b.id_prefix.is_empty()) {
                // What follows the prefix holds no dash: `tgw-rtb-0` is no `tgw-`.
                let rest = a.id_prefix.strip_prefix(b.id_prefix);
                // To EC2 all attachments of transit gateways are of one kind, which has tags of one kind; listings tell them apart.
                if a.tag_type == b.tag_type && a.tag_type == Some("transit-gateway-attachment") {
                    continue;
                }
                assert!(rest.is_none_or(|rest| rest.ends_with('-')), "{} and {}", a.kind, b.kind);
            }
        }
    }

    #[test]
    fn what_aws_gives_is_called_after_what_it_stands_for() {
        for given in given() {
            let base = given.stands_for.and_then(super::spec).expect("it stands for a kind");
            // References are told apart by this word alone where Specs are not at hand.
            assert_eq!(given.kind, format!("default_{}", base.kind));
            assert_eq!((given.listing.action, given.tag_type), (base.listing.action, base.tag_type), "{}", given.kind);
            assert!(given.parts.iter().all(|p| base.part(p.name).is_some()) && !given.parts.is_empty(), "{}", given.kind);
            assert!(given.attr("vpc").is_some_and(|a| a.required && a.change == Change::Replace), "{}", given.kind);
        }
    }

    #[test]
    fn parts_have_keys_that_are_no_content() {
        for spec in ALL {
            let names: BTreeSet<&str> = spec.parts.iter().map(|p| p.name).collect();
            assert_eq!(names.len(), spec.parts.len(), "{} has two parts of one name", spec.kind);
            for part in spec.parts {
                assert!(part.key.iter().all(|k| !part.content.contains(k)), "{} {}", spec.kind, part.name);
                assert!(part.governs.is_none_or(|member| part.key.contains(&member)), "{} {}", spec.kind, part.name);
                assert_eq!(part.content.is_empty(), part.change.is_none(), "{} {}: content is what can change", spec.kind, part.name);
            }
        }
    }

    #[test]
    fn every_type_is_made_tagged_and_unmade_by_id() {
        for spec in ALL {
            for record in [least(spec), full(spec)] {
                let calls = (spec.create)(&this(spec), &record).expect("the record fits");
                let first = calls.first().expect("a call");
                // What AWS gives is looked up; the planner tags it.
                let made = spec.stands_for.is_none();
                assert_eq!(first.mutates(), made, "{}: the first call tells the id", spec.kind);
                assert_eq!(first.tagged.first().map(String::as_str), spec.tag_type.filter(|_| made), "{}", spec.kind);
                let delete = (spec.delete)(&this(spec), &record);
                let named =
                    |call: &Call| call.params.values().chain(call.settle.iter().map(|s| &s.id)).any(|arg| names_id(arg, &this(spec)));
                assert!(delete.iter().any(named), "{}", spec.kind);
                for settle in calls.iter().chain(&delete).filter_map(|call| call.settle.as_ref()) {
                    assert_eq!((&*settle.action, &*settle.filter), (spec.listing.action, spec.listing.filter), "{}", spec.kind);
                    assert_eq!((&*settle.id_member, settle.items.len()), (spec.listing.id, spec.listing.items.len()), "{}", spec.kind);
                }
            }
        }
    }

    fn names_id(arg: &Arg, address: &Address) -> bool {
        match arg {
            Arg::List(args) => args.iter().any(|arg| names_id(arg, address)),
            other => *other == Arg::id(address),
        }
    }

    #[test]
    fn updates_send_what_they_claim() {
        for spec in ALL {
            for update in spec.updates {
                let before = (update.calls)(&this(spec), &full(spec));
                for attr in update.attrs {
                    let mut changed = full(spec);
                    let ty = spec.attr(attr).map(|a| a.ty.clone()).expect("claimed attributes exist");
                    changed.insert((*attr).into(), another(&ty));
                    let after: Vec<Call> = (update.calls)(&this(spec), &changed);
                    assert_ne!(before, after, "{}.{attr} changes nothing", spec.kind);
                }
            }
        }
    }

    /// Another value than [`value`] gives.
    fn another(ty: &Type) -> Value {
        match ty {
            Type::Bool => Value::Bool(false),
            Type::Int => Value::Int(9),
            Type::Set(_) => sample::list([]),
            Type::OneOf(words) => Value::text(words.last().copied().unwrap_or_default()),
            _ => Value::text("another"),
        }
    }

    #[test]
    fn what_goes_with_its_owner_is_not_essential_to_others() {
        for part in ALL.iter().flat_map(|s| s.parts).filter(|p| p.essential || p.governs.is_some()) {
            assert!(matches!(part.removal, Removal::First | Removal::Stays), "{}", part.name);
        }
    }
}
