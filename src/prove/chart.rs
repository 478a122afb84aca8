//! A network compiled for walking: references are numbers, filters are boxes, tables are ranges. Layer 5.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    base::cidr::{Cidr, Family},
    net::{Attached, Destination, Entry, Id, Net, Owner, Peer, Public, Rule},
    prove::{
        packet::{Cuboid, Header, Range, traffic, without_boxes},
        reason::Reason,
    },
};

mod index;
mod table;

pub use table::{Choice, Table, TransitChoice};

/// How many boxes one network ACL may take in one direction.
const ACL_BOXES_MAX: usize = 50_000;

/// One value for each address family.
#[derive(Debug, Clone, Default)]
pub struct Both<T>([T; 2]);

impl<T> Both<T> {
    /// Makes both.
    pub fn make(make: impl Fn(Family) -> T) -> Self {
        Self([make(Family::V4), make(Family::V6)])
    }

    /// That of a family.
    pub fn of(&self, family: Family) -> &T {
        let [v4, v6] = &self.0;
        if family == Family::V4 { v4 } else { v6 }
    }

    /// That of a family.
    pub fn of_mut(&mut self, family: Family) -> &mut T {
        let [v4, v6] = &mut self.0;
        if family == Family::V4 { v4 } else { v6 }
    }
}

/// A network compiled for walking. Its parts have the numbers of the network's own lists.
pub struct Chart<'n> {
    /// The network.
    pub net: &'n Net,
    /// As in the network.
    pub vpcs: Vec<VpcAt>,
    /// As in the network.
    pub subnets: Vec<SubnetAt>,
    /// As in the network.
    pub interfaces: Vec<InterfaceAt>,
    /// As in the network.
    pub tables: Vec<Table>,
    /// As in the network.
    pub acls: Vec<AclAt>,
    /// As in the network.
    pub groups: Vec<GroupAt>,
    /// As in the network.
    pub transit_tables: Vec<Both<Vec<(Range, TransitChoice)>>>,
    /// Whose a public IPv4 address is: interface, and which of its addresses.
    pub publics: BTreeMap<u128, (usize, usize)>,
    /// Route tables of gateways, by the gateway's id.
    pub edge_tables: BTreeMap<Id, usize>,
    /// The interfaces of each owner, by its id.
    pub owned: BTreeMap<Id, Vec<usize>>,
    /// The interfaces whose machines may forward what others send.
    pub forwarders: Vec<usize>,
    numbers: Numbers,
    index: index::Index,
}

/// Numbers by id.
#[derive(Default)]
struct Numbers {
    vpcs: BTreeMap<Id, usize>,
    subnets: BTreeMap<Id, usize>,
    interfaces: BTreeMap<Id, usize>,
    groups: BTreeMap<Id, usize>,
    internet_gateways: BTreeMap<Id, usize>,
    egress_only_gateways: BTreeMap<Id, usize>,
    nat_gateways: BTreeMap<Id, usize>,
    peerings: BTreeMap<Id, usize>,
    transit_gateways: BTreeMap<Id, usize>,
    transit_tables: BTreeMap<Id, usize>,
    endpoints: BTreeMap<Id, usize>,
    vpn_gateways: BTreeMap<Id, usize>,
    prefix_lists: BTreeMap<Id, usize>,
}

/// A VPC.
#[derive(Debug)]
pub struct VpcAt {
    /// Its networks.
    pub ranges: Both<Vec<Range>>,
    /// Its subnets.
    pub subnets: Vec<usize>,
    /// Its internet gateway.
    pub gateway: Option<usize>,
    /// What of it is not known, so that nobody can tell what passes in it.
    pub fog: Option<Arc<str>>,
}

/// A subnet.
#[derive(Debug)]
pub struct SubnetAt {
    /// Its VPC.
    pub vpc: usize,
    /// Its networks.
    pub ranges: Both<Vec<Range>>,
    /// The table it follows.
    pub table: Option<usize>,
    /// The ACL it is under.
    pub acl: Option<usize>,
    /// Single addresses in it, sorted: address, interface, which of its addresses.
    pub addresses: Both<Vec<(u128, usize, usize)>>,
    /// Ranges of addresses in it: range, interface, which of its addresses.
    pub spreads: Both<Vec<(Range, usize, usize)>>,
}

/// An interface.
#[derive(Debug)]
pub struct InterfaceAt {
    /// Its subnet.
    pub subnet: usize,
    /// Its addresses.
    pub addresses: Vec<AddressAt>,
    /// The groups it carries.
    pub groups: Vec<usize>,
    /// A group it carries that is not in the model.
    pub missing_group: Option<Id>,
}

/// An address of an interface.
#[derive(Debug, Clone, Copy)]
pub struct AddressAt {
    /// Its family.
    pub family: Family,
    /// Which it is, or could be.
    pub range: Range,
    /// The public IPv4 address that goes with it.
    pub public: Option<u128>,
}

/// A network ACL: what it lets pass, as disjoint boxes, each with the number of its entry in the list.
#[derive(Debug, Default)]
pub struct AclAt {
    /// Into its subnets.
    pub inbound: Both<Vec<(Header, usize)>>,
    /// Out of its subnets.
    pub outbound: Both<Vec<(Header, usize)>>,
    /// Whether it took too many boxes.
    pub too_complex: bool,
}

/// A security group.
#[derive(Debug, Default)]
pub struct GroupAt {
    /// What may come in.
    pub ingress: Both<Vec<RuleAt>>,
    /// What may go out.
    pub egress: Both<Vec<RuleAt>>,
    /// Addresses of the interfaces that carry it, sorted.
    pub members: Both<Vec<Range>>,
}

/// A rule of a group, for one family.
#[derive(Debug)]
pub struct RuleAt {
    /// What passes; the other side's addresses are all, unless the peer is [`PeerAt::Addresses`].
    pub header: Header,
    /// The other side.
    pub peer: PeerAt,
    /// Its number in the group's list.
    pub rule: usize,
}

/// The other side of a rule.
#[derive(Debug, Clone)]
pub enum PeerAt {
    /// Addresses, which the header says.
    Addresses,
    /// Interfaces that carry this group.
    Group(usize),
    /// Interfaces that carry a group that is not in the model: somewhere outside it, as far as is known.
    Absent(Id),
    /// Nobody can tell.
    Unknown(Reason),
}

/// The first address that stands for "a public address that AWS will choose"; no packet on the internet has it.
pub const CHOSEN: u128 = 0xf000_0000;

impl<'n> Chart<'n> {
    /// Compiles a network.
    #[must_use]
    pub fn new(net: &'n Net) -> Self {
        let numbers = Numbers::of(net);
        let mut chart = Chart {
            net,
            vpcs: vec![],
            subnets: vec![],
            interfaces: vec![],
            tables: vec![],
            acls: vec![],
            groups: vec![],
            transit_tables: vec![],
            publics: BTreeMap::new(),
            edge_tables: BTreeMap::new(),
            owned: BTreeMap::new(),
            forwarders: vec![],
            numbers,
            index: index::Index::default(),
        };
        chart.place_vpcs();
        chart.place_interfaces();
        chart.compile_tables();
        chart.acls = net.network_acls.iter().map(AclAt::new).collect();
        chart.compile_groups();
        chart
    }

    fn place_vpcs(&mut self) {
        let net = self.net;
        let ranges = |cidrs: &[Cidr]| Both::make(|f| cidrs.iter().filter(|c| c.family() == f).map(|c| Range::of(*c)).collect::<Vec<_>>());
        for vpc in &net.vpcs {
            let gateway = net.internet_gateways.iter().position(|g| g.vpc.as_ref() == Some(&vpc.id));
            let fog = net.doors.iter().find(|d| d.id == vpc.id).map(|d| d.what.clone());
            self.vpcs.push(VpcAt { ranges: ranges(&vpc.cidrs), subnets: vec![], gateway, fog });
        }
        let mut held: BTreeMap<&Id, usize> = BTreeMap::new();
        let mut guarded: BTreeMap<&Id, usize> = BTreeMap::new();
        let (mut main, mut default): (BTreeMap<&Id, usize>, BTreeMap<&Id, usize>) = (BTreeMap::new(), BTreeMap::new());
        for (i, table) in net.route_tables.iter().enumerate() {
            held.extend(table.subnets.iter().map(|s| (s, i)));
            if table.main {
                main.insert(&table.vpc, i);
            }
            self.edge_tables.extend(table.gateways.iter().map(|g| (g.clone(), i)));
        }
        for (i, acl) in net.network_acls.iter().enumerate() {
            guarded.extend(acl.subnets.iter().map(|s| (s, i)));
            if acl.default {
                default.insert(&acl.vpc, i);
            }
        }
        // A subnet whose VPC is not in the model goes under a number that no VPC has.
        let nowhere = net.vpcs.len();
        for (i, subnet) in net.subnets.iter().enumerate() {
            let vpc = self.numbers.vpcs.get(&subnet.vpc).copied().unwrap_or(nowhere);
            if let Some(at) = self.vpcs.get_mut(vpc) {
                at.subnets.push(i);
            }
            self.subnets.push(SubnetAt {
                vpc,
                ranges: ranges(&subnet.cidrs),
                table: held.get(&subnet.id).or(main.get(&subnet.vpc)).copied(),
                acl: guarded.get(&subnet.id).or(default.get(&subnet.vpc)).copied(),
                addresses: Both::default(),
                spreads: Both::default(),
            });
        }
    }

    fn place_interfaces(&mut self) {
        let nowhere = self.net.subnets.len();
        let mut chosen = CHOSEN;
        for (i, interface) in self.net.interfaces.iter().enumerate() {
            let subnet = self.numbers.subnets.get(&interface.subnet).copied().unwrap_or(nowhere);
            let mut addresses = vec![];
            for (k, address) in interface.addresses.iter().enumerate() {
                let (family, range) = (address.private.family(), Range::of(address.private));
                let public = address.public.map(|public| match public {
                    Public::Known(ip) => Cidr::host_of(ip).first_number(),
                    Public::Chosen => {
                        chosen += 1;
                        chosen
                    }
                });
                addresses.push(AddressAt { family, range, public });
                self.publics.extend(public.map(|public| (public, (i, k))));
                if let Some(at) = self.subnets.get_mut(subnet) {
                    if range.lo == range.hi {
                        at.addresses.of_mut(family).push((range.lo, i, k));
                    } else {
                        at.spreads.of_mut(family).push((range, i, k));
                    }
                }
            }
            if let Owner::Instance { id, .. } | Owner::NatGateway(id) | Owner::Endpoint(id) | Owner::Unmodelled { of: Some(id), .. } =
                &interface.owner
            {
                self.owned.entry(id.clone()).or_default().push(i);
            }
            let works = matches!(interface.owner, Owner::Instance { running: true, .. } | Owner::Other(_));
            self.forwarders.extend((works && !interface.source_dest_check).then_some(i));
            let groups = interface.groups.iter().filter_map(|g| self.numbers.groups.get(g).copied()).collect();
            let missing_group = interface.groups.iter().find(|g| !self.numbers.groups.contains_key(g)).cloned();
            self.interfaces.push(InterfaceAt { subnet, addresses, groups, missing_group });
        }
        for subnet in &mut self.subnets {
            subnet.addresses.of_mut(Family::V4).sort_unstable();
            subnet.addresses.of_mut(Family::V6).sort_unstable();
        }
    }

    fn compile_groups(&mut self) {
        let mut groups: Vec<GroupAt> = self
            .net
            .security_groups
            .iter()
            .map(|group| GroupAt {
                ingress: Both::make(|f| self.rules(&group.ingress, f, true)),
                egress: Both::make(|f| self.rules(&group.egress, f, false)),
                members: Both::default(),
            })
            .collect();
        for interface in &self.interfaces {
            for group in &interface.groups {
                let Some(at) = groups.get_mut(*group) else { continue };
                for address in &interface.addresses {
                    at.members.of_mut(address.family).push(address.range);
                }
            }
        }
        for group in &mut groups {
            for family in [Family::V4, Family::V6] {
                group.members.of_mut(family).sort_unstable();
                group.members.of_mut(family).dedup();
            }
        }
        self.groups = groups;
    }

    fn rules(&self, rules: &[Rule], family: Family, inbound: bool) -> Vec<RuleAt> {
        let mut found = vec![];
        for (number, rule) in rules.iter().enumerate() {
            let Some(service) = &rule.service else { continue };
            let (peers, peer): (Vec<Range>, Option<PeerAt>) = match &rule.peer {
                Peer::Network(cidr) => ((cidr.family() == family).then(|| Range::of(*cidr)).into_iter().collect(), None),
                Peer::Group(id) => match self.numbers.groups.get(id) {
                    Some(group) => (vec![Range::all(family)], Some(PeerAt::Group(*group))),
                    None => (vec![Range::all(family)], Some(PeerAt::Absent(id.clone()))),
                },
                Peer::Stale(_) => (vec![], None),
                Peer::PrefixList(id) => match self.list(id) {
                    Some(cidrs) => (cidrs.iter().filter(|c| c.family() == family).map(|c| Range::of(*c)).collect(), None),
                    None => (vec![Range::all(family)], Some(PeerAt::Unknown(Reason::UnknownList(id.as_str().into())))),
                },
            };
            for range in peers {
                for [number_range, first, second] in traffic(service) {
                    let (source, destination) = if inbound { (range, Range::all(family)) } else { (Range::all(family), range) };
                    let header = Cuboid([source, destination, number_range, first, second]);
                    found.push(RuleAt { header, peer: peer.clone().unwrap_or(PeerAt::Addresses), rule: number });
                }
            }
        }
        found
    }

    /// What a prefix list holds, if that is known.
    #[must_use]
    pub fn list(&self, id: &Id) -> Option<&'n [Cidr]> {
        self.numbers.prefix_lists.get(id).and_then(|i| self.net.prefix_lists.get(*i)).and_then(|list| list.entries.as_deref())
    }

    /// The VPC of a subnet.
    #[must_use]
    pub fn vpc_of(&self, subnet: usize) -> usize {
        self.subnets.get(subnet).map_or(usize::MAX, |s| s.vpc)
    }

    /// The VPC of an interface.
    #[must_use]
    pub fn vpc_of_interface(&self, interface: usize) -> usize {
        self.interfaces.get(interface).map_or(usize::MAX, |i| self.vpc_of(i.subnet))
    }

    /// Whether an address of a family lies in a VPC.
    #[must_use]
    pub fn in_vpc(&self, vpc: usize, family: Family, n: u128) -> bool {
        self.vpcs.get(vpc).is_some_and(|v| v.ranges.of(family).iter().any(|r| r.has(n)))
    }

    /// Whether an interface carries a group.
    #[must_use]
    pub fn carries(&self, interface: usize, group: usize) -> bool {
        self.interfaces.get(interface).is_some_and(|i| i.groups.contains(&group))
    }

    /// Whether groups filter at an interface: those of gateways have none.
    #[must_use]
    pub fn is_filtered(&self, interface: usize) -> bool {
        let without = matches!(
            self.net.interfaces.get(interface).map(|i| &i.owner),
            Some(Owner::NatGateway(_) | Owner::TransitGateway | Owner::Unmodelled { .. })
        );
        let groups = self.net.interfaces.get(interface).is_some_and(|i| !i.groups.is_empty());
        groups || !without
    }
}

macro_rules! lookups {
    ($($(#[doc = $doc:literal])* $name:ident: $list:ident;)*) => {
        impl Chart<'_> {
            $($(#[doc = $doc])* #[must_use] pub fn $name(&self, id: &Id) -> Option<usize> { self.numbers.$list.get(id).copied() })*
        }

        impl Numbers {
            fn of(net: &Net) -> Self {
                Self {
                    $($list: net.$list.iter().enumerate().map(|(i, x)| (x.id.clone(), i)).collect(),)*
                    groups: net.security_groups.iter().enumerate().map(|(i, x)| (x.id.clone(), i)).collect(),
                }
            }
        }
    };
}

lookups! {
    /// The number of a VPC.
    vpc: vpcs;
    /// The number of a subnet.
    subnet: subnets;
    /// The number of an interface.
    interface: interfaces;
    /// The number of an internet gateway.
    internet_gateway: internet_gateways;
    /// The number of an egress-only gateway.
    egress_only_gateway: egress_only_gateways;
    /// The number of a NAT gateway.
    nat_gateway: nat_gateways;
    /// The number of a peering.
    peering: peerings;
    /// The number of a transit gateway.
    transit_gateway: transit_gateways;
    /// The number of a table of a transit gateway.
    transit_table: transit_tables;
    /// The number of an endpoint.
    endpoint: endpoints;
    /// The number of a VPN gateway.
    vpn_gateway: vpn_gateways;
    /// The number of a prefix list.
    prefix_list: prefix_lists;
}

impl Chart<'_> {
    /// The number of a security group.
    #[must_use]
    pub fn group(&self, id: &Id) -> Option<usize> {
        self.numbers.groups.get(id).copied()
    }
}

impl AclAt {
    fn new(acl: &crate::net::NetworkAcl) -> Self {
        let mut at = Self::default();
        for family in [Family::V4, Family::V6] {
            let inbound = allowed(&acl.inbound, family, true);
            let outbound = allowed(&acl.outbound, family, false);
            at.too_complex |= inbound.is_none() || outbound.is_none();
            *at.inbound.of_mut(family) = inbound.unwrap_or_default();
            *at.outbound.of_mut(family) = outbound.unwrap_or_default();
        }
        at
    }
}

/// The packets of one family that an entry is about.
#[must_use]
pub fn entry_headers(entry: &Entry, family: Family, inbound: bool) -> Vec<Header> {
    if entry.network.family() != family {
        return vec![];
    }
    let peer = Range::of(entry.network);
    let (source, destination) = if inbound { (peer, Range::all(family)) } else { (Range::all(family), peer) };
    traffic(&entry.service).into_iter().map(|[p, a, b]| Cuboid([source, destination, p, a, b])).collect()
}

/// What ordered entries let pass: each entry's packets without those that an earlier one has decided.
fn allowed(entries: &[Entry], family: Family, inbound: bool) -> Option<Vec<(Header, usize)>> {
    let mut decided: Vec<Header> = vec![];
    let mut found = vec![];
    for (number, entry) in entries.iter().enumerate().filter(|(_, e)| e.network.family() == family) {
        let own = entry_headers(entry, family, inbound);
        if entry.allow {
            let left = without_boxes(own.clone(), &decided, ACL_BOXES_MAX)?;
            found.extend(left.into_iter().map(|header| (header, number)));
        }
        decided.extend(own);
        if found.len() > ACL_BOXES_MAX {
            return None;
        }
    }
    Some(found)
}

impl Chart<'_> {
    fn compile_tables(&mut self) {
        self.tables = self.net.route_tables.iter().map(|t| Table::new(self, t)).collect();
        self.transit_tables = self.net.transit_tables.iter().map(|t| table::transit(self, t)).collect();
    }

    /// The attachment of a VPC to a transit gateway.
    #[must_use]
    pub fn attachment_of(&self, gateway: usize, vpc: usize) -> Option<usize> {
        let (gateway, vpc) = (&self.net.transit_gateways.get(gateway)?.id, &self.net.vpcs.get(vpc)?.id);
        let fits = |to: &Attached| matches!(to, Attached::Vpc { vpc: v, .. } if v == vpc);
        let all = || self.net.attachments.iter().enumerate().filter(|(_, a)| a.gateway == *gateway && fits(&a.to));
        all().find(|(_, a)| a.available).or_else(|| all().next()).map(|(i, _)| i)
    }

    /// The networks of a destination; `None` is not known.
    pub(super) fn networks(&self, destination: &Destination) -> Option<Vec<Cidr>> {
        match destination {
            Destination::Network(cidr) => Some(vec![*cidr]),
            Destination::PrefixList(id) => self.list(id).map(<[Cidr]>::to_vec),
        }
    }
}
