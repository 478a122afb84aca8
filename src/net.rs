//! The network as the prover sees it: plain data, one form whatever it was built from. Layer 1.
//!
//! Knows nothing of the language, of EC2's answers or of packets. Things refer to each other by [`Id`]; what a
//! reference names may be missing, and whoever follows it has to say what that means.

use std::{fmt, net::IpAddr, sync::Arc};

use crate::base::{cidr::Cidr, service::Service, span::Span};

pub mod alike;
pub mod chosen;
pub mod desired;
pub mod merge;
pub mod snapshot;

/// What a thing is called: an id of EC2's (`vpc-0abc`), or an address in the sources (`vpc.main`) where it has none yet.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(Arc<str>);

impl Id {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Id {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<Arc<str>> for Id {
    fn from(text: Arc<str>) -> Self {
        Self(text)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where an element comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Origin {
    /// Written in the sources, here.
    Source(Span),
    /// Read from EC2.
    Observed,
    /// AWS adds it by itself.
    #[default]
    Aws,
}

impl Origin {
    /// Where it stands in the sources, if it does.
    #[must_use]
    pub fn span(self) -> Option<Span> {
        match self {
            Origin::Source(span) => Some(span),
            Origin::Observed | Origin::Aws => None,
        }
    }
}

/// A whole network: any number of VPCs, Regions and accounts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Net {
    /// Virtual private clouds.
    pub vpcs: Vec<Vpc>,
    /// Their subnets.
    pub subnets: Vec<Subnet>,
    /// What has addresses in them.
    pub interfaces: Vec<Interface>,
    /// Route tables.
    pub route_tables: Vec<RouteTable>,
    /// Network ACLs.
    pub network_acls: Vec<NetworkAcl>,
    /// Security groups.
    pub security_groups: Vec<SecurityGroup>,
    /// Ways to the internet, both families.
    pub internet_gateways: Vec<InternetGateway>,
    /// Ways out to the internet for IPv6.
    pub egress_only_gateways: Vec<EgressOnlyGateway>,
    /// Address translators.
    pub nat_gateways: Vec<NatGateway>,
    /// Links between two VPCs.
    pub peerings: Vec<Peering>,
    /// Routers between VPCs.
    pub transit_gateways: Vec<TransitGateway>,
    /// What is attached to transit gateways.
    pub attachments: Vec<Attachment>,
    /// Tables of transit gateways.
    pub transit_tables: Vec<TransitTable>,
    /// Endpoints of services.
    pub endpoints: Vec<Endpoint>,
    /// Named lists of networks.
    pub prefix_lists: Vec<PrefixList>,
    /// VPCs' sides of VPNs and Direct Connect.
    pub vpn_gateways: Vec<VpnGateway>,
    /// Accounts' switches that keep the internet out.
    pub block_public_access: Vec<BlockPublicAccess>,
    /// What somebody lets off those switches, as EC2 lists it.
    pub exclusions: Vec<(Id, Exclusion)>,
    /// What was seen and is not modelled.
    pub doors: Vec<Door>,
}

/// Addresses of a subnet that EC2 reserves and gives to nobody, by their numbers in it:
/// <https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html>.
const RESERVED: [u128; 3] = [3, 2, 1];

impl Net {
    /// An address that stands for one that EC2 will choose in a subnet: one that no other interface has or can be given.
    /// Which it is makes no difference to who may pass.
    #[must_use]
    pub fn stand_in(&self, subnet: &Id, range: Cidr) -> IpAddr {
        let taken = |ip: &IpAddr| {
            let own = self.interfaces.iter().filter(|i| i.subnet == *subnet).flat_map(|i| &i.addresses);
            own.filter(|a| a.private == Cidr::host_of(*ip)).count() > 0
        };
        RESERVED.iter().filter_map(|n| range.host(*n)).find(|ip| !taken(ip)).unwrap_or_else(|| range.network())
    }

    /// Has every machine run, since a stopped one may be started at any time; tells whether one was stopped.
    pub fn start_machines(&mut self) -> bool {
        let mut stopped = false;
        for interface in &mut self.interfaces {
            if let Owner::Instance { running, .. } = &mut interface.owner {
                stopped |= !*running;
                *running = true;
            }
        }
        stopped
    }

    /// Notes that a VPC holds something of which not enough is known: no statement about it can be proved.
    pub fn unread(&mut self, vpc: &Id, what: &str, origin: Origin) {
        if !self.doors.iter().any(|d| d.id == *vpc && *d.what == *what) {
            self.doors.push(Door { id: vpc.clone(), what: what.into(), vpc: Some(vpc.clone()), origin });
        }
    }
}

/// A virtual private cloud.
#[derive(Debug, Clone, PartialEq)]
pub struct Vpc {
    /// Its id.
    pub id: Id,
    /// All its networks, both families.
    pub cidrs: Vec<Cidr>,
    /// Where it stands; empty where there is only one Region.
    pub region: Arc<str>,
    /// Whose it is; empty where there is only one account.
    pub account: Arc<str>,
    /// Where it comes from.
    pub origin: Origin,
}

/// A part of a VPC in one Availability Zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Subnet {
    /// Its id.
    pub id: Id,
    /// Its VPC.
    pub vpc: Id,
    /// Its networks, one of each family at most.
    pub cidrs: Vec<Cidr>,
    /// Its Availability Zone; `None` is not known.
    pub zone: Option<Arc<str>>,
    /// Where it comes from.
    pub origin: Origin,
}

/// What has addresses in a subnet.
#[derive(Debug, Clone, PartialEq)]
pub struct Interface {
    /// Its id.
    pub id: Id,
    /// Its subnet.
    pub subnet: Id,
    /// Its addresses; prefixes that were delegated to it are ranges.
    pub addresses: Vec<InterfaceAddress>,
    /// Groups it carries.
    pub groups: Vec<Id>,
    /// Whether it drops what is not from or to itself.
    pub source_dest_check: bool,
    /// Whose it is.
    pub owner: Owner,
    /// Where it comes from.
    pub origin: Origin,
}

/// An address of an interface.
#[derive(Debug, Clone, PartialEq)]
pub struct InterfaceAddress {
    /// The address, as a network of one; a longer network is a delegated prefix, or every address that AWS may choose.
    pub private: Cidr,
    /// The public IPv4 address that an internet gateway puts in its place.
    pub public: Option<Public>,
}

/// A public IPv4 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Public {
    /// This one.
    Known(IpAddr),
    /// AWS will choose one.
    Chosen,
}

/// Whose interface it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Owner {
    /// A machine; only a running one answers.
    Instance {
        /// Its id.
        id: Id,
        /// Whether it runs.
        running: bool,
    },
    /// A NAT gateway.
    NatGateway(Id),
    /// An interface endpoint: it answers and never begins.
    Endpoint(Id),
    /// An attachment of a transit gateway.
    TransitGateway,
    /// A Gateway Load Balancer's endpoint, or another appliance that secnet does not model.
    Unmodelled {
        /// What it is.
        what: Arc<str>,
        /// What it belongs to, where that has a name of its own.
        of: Option<Id>,
    },
    /// Nobody: it hangs in the air.
    Nobody,
    /// A managed service such as a database; says what it is.
    Other(Arc<str>),
}

/// A route table.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteTable {
    /// Its id.
    pub id: Id,
    /// Its VPC.
    pub vpc: Id,
    /// Whether subnets without a table of their own follow it.
    pub main: bool,
    /// Subnets that follow it.
    pub subnets: Vec<Id>,
    /// Gateways whose inbound packets follow it.
    pub gateways: Vec<Id>,
    /// VPN gateways that put routes into it by themselves.
    pub propagating: Vec<Id>,
    /// In any order.
    pub routes: Vec<Route>,
    /// Where it comes from.
    pub origin: Origin,
}

/// A route.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// For which addresses.
    pub destination: Destination,
    /// Where they go.
    pub target: Target,
    /// Whether EC2 says that the target is gone: packets die.
    pub blackhole: bool,
    /// Whether a VPN gateway put it there.
    pub propagated: bool,
    /// Where it comes from.
    pub origin: Origin,
}

impl Route {
    /// What a VPN gateway puts into a table where nobody knows yet for which networks: whatever leaves the VPC may take it.
    /// It has the form of a route for a list that nobody has read.
    #[must_use]
    pub fn of_unknown(gateway: Id, origin: Origin) -> Self {
        let destination = Destination::PrefixList(Id::from(&*format!("what {gateway} propagates")));
        Self { destination, target: Target::VpnGateway(gateway), blackhole: false, propagated: true, origin }
    }

    /// Whether it is such a one.
    #[must_use]
    pub fn is_of_unknown(&self) -> bool {
        self.propagated && matches!(self.destination, Destination::PrefixList(_))
    }
}

/// Which addresses a route is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Destination {
    /// A network.
    Network(Cidr),
    /// All networks of a list.
    PrefixList(Id),
}

/// Where a route leads.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// Into the VPC itself.
    Local,
    /// An internet gateway.
    InternetGateway(Id),
    /// An egress-only internet gateway.
    EgressOnlyGateway(Id),
    /// A NAT gateway.
    NatGateway(Id),
    /// A peering.
    Peering(Id),
    /// A transit gateway.
    TransitGateway(Id),
    /// A gateway endpoint, or an endpoint of a Gateway Load Balancer.
    Endpoint(Id),
    /// An interface.
    Interface(Id),
    /// A VPN gateway.
    VpnGateway(Id),
    /// Something that secnet does not model.
    Unmodelled(Id),
}

impl Target {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Target::Local => "local",
            Target::InternetGateway(id)
            | Target::EgressOnlyGateway(id)
            | Target::NatGateway(id)
            | Target::Peering(id)
            | Target::TransitGateway(id)
            | Target::Endpoint(id)
            | Target::Interface(id)
            | Target::VpnGateway(id)
            | Target::Unmodelled(id) => id.as_str(),
        }
    }
}

/// A network ACL.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkAcl {
    /// Its id.
    pub id: Id,
    /// Its VPC.
    pub vpc: Id,
    /// Whether subnets without an ACL of their own are under it.
    pub default: bool,
    /// Subnets under it.
    pub subnets: Vec<Id>,
    /// For what enters, by number.
    pub inbound: Vec<Entry>,
    /// For what leaves, by number.
    pub outbound: Vec<Entry>,
    /// Where it comes from.
    pub origin: Origin,
}

/// An entry of a network ACL; the first that fits decides.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its place.
    pub number: u16,
    /// Allow, or else deny.
    pub allow: bool,
    /// For which packets, apart from addresses.
    pub service: Service,
    /// The other side's addresses.
    pub network: Cidr,
    /// Where it comes from.
    pub origin: Origin,
}

/// A security group.
#[derive(Debug, Clone, PartialEq)]
pub struct SecurityGroup {
    /// Its id.
    pub id: Id,
    /// Its VPC.
    pub vpc: Id,
    /// Whether AWS made it with its VPC and puts into it what names no group.
    pub default: bool,
    /// What may come in.
    pub ingress: Vec<Rule>,
    /// What may go out.
    pub egress: Vec<Rule>,
    /// Where it comes from.
    pub origin: Origin,
}

/// A rule of a security group.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// What passes, apart from addresses; `None` is a rule that EC2 keeps and that matches nothing.
    pub service: Option<Service>,
    /// The other side.
    pub peer: Peer,
    /// Where it comes from.
    pub origin: Origin,
}

/// The other side of a rule.
#[derive(Debug, Clone, PartialEq)]
pub enum Peer {
    /// Addresses.
    Network(Cidr),
    /// Private addresses of the interfaces that carry a group.
    Group(Id),
    /// The group is gone, or the peering that led to it: matches nothing.
    Stale(Id),
    /// All networks of a list.
    PrefixList(Id),
}

/// An internet gateway.
#[derive(Debug, Clone, PartialEq)]
pub struct InternetGateway {
    /// Its id.
    pub id: Id,
    /// The VPC it is attached to.
    pub vpc: Option<Id>,
    /// Where it comes from.
    pub origin: Origin,
}

/// An egress-only internet gateway.
#[derive(Debug, Clone, PartialEq)]
pub struct EgressOnlyGateway {
    /// Its id.
    pub id: Id,
    /// The VPC it is attached to.
    pub vpc: Option<Id>,
    /// Where it comes from.
    pub origin: Origin,
}

/// A NAT gateway.
#[derive(Debug, Clone, PartialEq)]
pub struct NatGateway {
    /// Its id.
    pub id: Id,
    /// Its subnet; `None` for a regional one, which is not modelled.
    pub subnet: Option<Id>,
    /// Its private address.
    pub private: Option<IpAddr>,
    /// Its public address; `None` for a private gateway.
    pub public: Option<Public>,
    /// Whether it works.
    pub available: bool,
    /// Where it comes from.
    pub origin: Origin,
}

/// A peering of two VPCs.
#[derive(Debug, Clone, PartialEq)]
pub struct Peering {
    /// Its id.
    pub id: Id,
    /// Whether both sides agreed and it stands.
    pub active: bool,
    /// Requester and accepter.
    pub sides: [PeeringSide; 2],
    /// Where it comes from.
    pub origin: Origin,
}

/// One side of a peering.
#[derive(Debug, Clone, PartialEq)]
pub struct PeeringSide {
    /// Its VPC.
    pub vpc: Id,
    /// Its networks, as the peering tells them.
    pub cidrs: Vec<Cidr>,
    /// Its Region.
    pub region: Arc<str>,
}

/// A transit gateway.
#[derive(Debug, Clone, PartialEq)]
pub struct TransitGateway {
    /// Its id.
    pub id: Id,
    /// Whether it works.
    pub available: bool,
    /// Whether rules may name groups across it.
    pub group_references: bool,
    /// Where it comes from.
    pub origin: Origin,
}

/// What is attached to a transit gateway.
#[derive(Debug, Clone, PartialEq)]
pub struct Attachment {
    /// Its id; the two sides of a peering share one.
    pub id: Id,
    /// The transit gateway.
    pub gateway: Id,
    /// What hangs there.
    pub to: Attached,
    /// Whether it works.
    pub available: bool,
    /// The table that its packets follow.
    pub table: Option<Id>,
    /// Where it comes from.
    pub origin: Origin,
}

impl Attachment {
    /// Whether it is this one, of this gateway.
    #[must_use]
    pub fn is(&self, id: &Id, gateway: &Id) -> bool {
        self.id == *id && self.gateway == *gateway
    }
}

/// What hangs on an attachment.
#[derive(Debug, Clone, PartialEq)]
pub enum Attached {
    /// A VPC.
    Vpc {
        /// Which.
        vpc: Id,
        /// Subnets with an interface of the gateway, one a zone at most.
        subnets: Vec<Id>,
        /// Whether it carries IPv6.
        ipv6: bool,
        /// Whether flows stay in one zone.
        appliance: bool,
        /// Whether rules may name groups across it.
        group_references: bool,
    },
    /// Another transit gateway.
    Peering(Id),
    /// A VPN, Direct Connect or Connect: what lies behind it is outside.
    Outside(Id),
    /// Something that secnet does not model.
    Unmodelled(Arc<str>),
}

/// A route table of a transit gateway.
#[derive(Debug, Clone, PartialEq)]
pub struct TransitTable {
    /// Its id.
    pub id: Id,
    /// The transit gateway.
    pub gateway: Id,
    /// Attachments whose networks it learns.
    pub propagations: Vec<Id>,
    /// Routes as listed; those that propagation makes of VPCs' networks may be missing.
    pub routes: Vec<TransitRoute>,
    /// Whether its static routes were read.
    pub known: bool,
    /// Where it comes from.
    pub origin: Origin,
}

/// A route of a transit gateway.
#[derive(Debug, Clone, PartialEq)]
pub struct TransitRoute {
    /// For which addresses.
    pub destination: Destination,
    /// Where they go; none is a black hole.
    pub attachment: Option<Id>,
    /// Written by somebody, or else learnt.
    pub fixed: bool,
    /// Where it comes from.
    pub origin: Origin,
}

impl TransitRoute {
    /// What a table learns from an attachment behind which nobody has looked: it may be for any network, so that nothing about
    /// the table is known.
    #[must_use]
    pub fn of_unknown(attachment: Id, origin: Origin) -> Self {
        let destination = Destination::PrefixList(Id::from(&*format!("what {attachment} propagates")));
        Self { destination, attachment: Some(attachment), fixed: false, origin }
    }

    /// Whether it is such a one.
    #[must_use]
    pub fn is_of_unknown(&self) -> bool {
        !self.fixed && matches!(self.destination, Destination::PrefixList(_))
    }
}

/// An endpoint of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// Its id.
    pub id: Id,
    /// Its VPC.
    pub vpc: Id,
    /// Whether it is one that route tables lead to; else it has interfaces.
    pub gateway: bool,
    /// Whether secnet knows what it does with packets: one of a Gateway Load Balancer hands them to an appliance.
    pub modelled: bool,
    /// Whether it works.
    pub available: bool,
    /// `com.amazonaws.us-east-1.s3`
    pub service: Arc<str>,
    /// Where it comes from.
    pub origin: Origin,
}

/// A named list of networks.
#[derive(Debug, Clone, PartialEq)]
pub struct PrefixList {
    /// Its id.
    pub id: Id,
    /// What it holds; `None` is not known.
    pub entries: Option<Vec<Cidr>>,
    /// Where it comes from.
    pub origin: Origin,
}

/// A VPC's side of a VPN or of Direct Connect.
#[derive(Debug, Clone, PartialEq)]
pub struct VpnGateway {
    /// Its id.
    pub id: Id,
    /// The VPC it is attached to.
    pub vpc: Option<Id>,
    /// VPNs that end at it.
    pub connections: Vec<Id>,
    /// Where it comes from.
    pub origin: Origin,
}

/// How far an account keeps the internet out of one Region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// In and out.
    Bidirectional,
    /// In, and out except by NAT and egress-only gateways.
    Ingress,
}

/// What is let off a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exclusion {
    /// In and out.
    Bidirectional,
    /// Out.
    Egress,
}

/// VPC Block Public Access of an account in a Region.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockPublicAccess {
    /// Where; empty is everywhere in the model.
    pub region: Arc<str>,
    /// Whose; empty is everybody's.
    pub account: Arc<str>,
    /// How far.
    pub block: Block,
    /// VPCs and subnets that are let off.
    pub exclusions: Vec<(Id, Exclusion)>,
}

/// Something that lets packets in or through by ways that secnet does not model.
#[derive(Debug, Clone, PartialEq)]
pub struct Door {
    /// Its id.
    pub id: Id,
    /// What it is: `an internet-facing load balancer`.
    pub what: Arc<str>,
    /// The VPC it opens; `None` may be any.
    pub vpc: Option<Id>,
    /// Where it comes from.
    pub origin: Origin,
}
