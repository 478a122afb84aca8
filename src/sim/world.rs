//! All that is in one region, its clock and its limits. Layer 8.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    call::{ApiError, Json},
    sim::{
        address::Address,
        block_public_access::{Exclusion, PublicAccess},
        dhcp_options::DhcpOptions,
        egress_only_internet_gateway::EgressOnlyInternetGateway,
        flow_log::FlowLog,
        instance::Instance,
        instance_connect_endpoint::ConnectEndpoint,
        internet_gateway::InternetGateway,
        key_pair::KeyPair,
        launch_template::LaunchTemplate,
        nat_gateway::NatGateway,
        network_acl::NetworkAcl,
        network_interface::Interface,
        placement_group::PlacementGroup,
        prefix_list::PrefixList,
        refuse::{no_such, prefix_of},
        route_table::RouteTable,
        security_group::Group,
        snapshot::Snapshot,
        subnet::Subnet,
        subnet_reservation::Reservation,
        transit_attachment,
        transit_gateway::TransitGateway,
        transit_table,
        volume::Volume,
        vpc::Vpc,
        vpc_endpoint::Endpoint,
        vpc_peering::Peering,
        vpn_connection, vpn_gateway,
    },
};

/// The account that everything belongs to where nothing says another.
pub const ACCOUNT: &str = "123456789012";

fn own_account() -> String {
    ACCOUNT.into()
}

/// How many calls after its request a client token is still known.
const TOKEN_LIFE: u64 = 10_000;

/// How many of a thing there may be.
///
/// Defaults: docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Quotas {
    pub vpcs: usize,
    pub subnets_per_vpc: usize,
    pub cidrs_per_vpc: usize,
    pub internet_gateways: usize,
    pub egress_only_internet_gateways: usize,
    pub route_tables_per_vpc: usize,
    pub routes_per_table: usize,
    pub network_acls_per_vpc: usize,
    pub entries_per_network_acl_and_direction: usize,
    pub security_groups: usize,
    pub rules_per_security_group_and_direction: usize,
    pub security_groups_per_interface: usize,
    pub addresses: usize,
    pub nat_gateways_per_zone: usize,
    pub interfaces: usize,
    pub prefix_lists: usize,
    #[serde(default = "endpoints")]
    pub endpoints: usize,
    #[serde(default = "transit_gateways")]
    pub transit_gateways: usize,
    #[serde(default = "transit_tables_per_gateway")]
    pub transit_tables_per_gateway: usize,
}

// Gateway endpoints of a region, interface endpoints of a VPC: docs.aws.amazon.com/vpc/latest/privatelink/vpc-limits-endpoints.html.
fn endpoints() -> usize {
    50
}

// Defaults: docs.aws.amazon.com/vpc/latest/tgw/transit-gateway-quotas.html.
fn transit_gateways() -> usize {
    5
}

fn transit_tables_per_gateway() -> usize {
    20
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            vpcs: 5,
            subnets_per_vpc: 200,
            cidrs_per_vpc: 5,
            internet_gateways: 5,
            egress_only_internet_gateways: 5,
            route_tables_per_vpc: 200,
            routes_per_table: 500,
            network_acls_per_vpc: 200,
            entries_per_network_acl_and_direction: 20,
            security_groups: 2500,
            rules_per_security_group_and_direction: 60,
            security_groups_per_interface: 5,
            addresses: 5,
            nat_gateways_per_zone: 5,
            interfaces: 5000,
            prefix_lists: 100,
            transit_gateways: transit_gateways(),
            transit_tables_per_gateway: transit_tables_per_gateway(),
            endpoints: endpoints(),
        }
    }
}

impl Quotas {
    /// Raises or lowers one, by its name.
    ///
    /// # Errors
    /// There is none of this name; those that there are.
    pub fn set(&mut self, name: &str, value: usize) -> Result<(), Vec<String>> {
        let Ok(serde_json::Value::Object(mut all)) = serde_json::to_value(&*self) else { return Err(vec![]) };
        if !all.contains_key(name) {
            return Err(all.keys().cloned().collect());
        }
        all.insert(name.to_owned(), value.into());
        *self = serde_json::from_value(all.into()).map_err(|_| vec![])?;
        Ok(())
    }
}

/// How many calls a change of state takes: the clock ticks once a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Pace {
    pub vpc_available: u64,
    pub interface_available: u64,
    pub nat_gateway_available: u64,
    pub nat_gateway_deleted: u64,
    pub instance_running: u64,
    pub instance_stopped: u64,
    pub instance_terminated: u64,
    pub prefix_list_complete: u64,
    /// Any change of a transit gateway and of what belongs to it.
    #[serde(default = "transit")]
    pub transit: u64,
    #[serde(default = "endpoint")]
    pub endpoint_available: u64,
    #[serde(default = "endpoint")]
    pub endpoint_deleted: u64,
    #[serde(default = "endpoint")]
    pub public_access_complete: u64,
    /// Creation, attachment, detachment and deletion of a volume; a change of its size takes two of it.
    #[serde(default = "volume")]
    pub volume: u64,
    /// How long a change of a volume's size or performance counts against those that it may go through in a day.
    #[serde(default = "day")]
    pub volume_day: u64,
    /// How long what is deleted is still described; about an hour in EC2.
    pub linger: u64,
}

fn transit() -> u64 {
    1
}

fn volume() -> u64 {
    1
}

/// In seconds, as the clock counts.
fn day() -> u64 {
    86_400
}

/// Endpoints and Block Public Access.
fn endpoint() -> u64 {
    3
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            vpc_available: 1,
            interface_available: 1,
            nat_gateway_available: 4,
            nat_gateway_deleted: 3,
            instance_running: 3,
            instance_stopped: 2,
            instance_terminated: 3,
            prefix_list_complete: 2,
            transit: transit(),
            endpoint_available: endpoint(),
            endpoint_deleted: endpoint(),
            public_access_complete: endpoint(),
            volume: volume(),
            volume_day: day(),
            linger: 100,
        }
    }
}

/// A change of state that is due at some tick.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Due {
    Vpc(String),
    Interface(String),
    NatGateway(String),
    Instance(String),
    PrefixList(String),
    /// A transit gateway, or what belongs to one; the attachment of a VPN gateway.
    Transit(String),
    Endpoint(String),
    ConnectEndpoint(String),
    PublicAccess,
    Exclusion(String),
    /// A service takes away an interface that it kept.
    Released(String),
    Peering(String),
    Volume(String),
    VolumeModification(String),
    /// A deleted NAT gateway or a terminated instance is no longer described.
    Vanish(String),
}

/// An answered request with a client token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Token {
    pub(crate) asked: Json,
    pub(crate) answered: Json,
    pub(crate) at: u64,
}

/// Everything in one region.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct World {
    /// `eu-central-1`
    pub region: String,
    /// Whose it is to the outside. Inside, every world calls its own account [`ACCOUNT`]: see [`World::exchanged`].
    #[serde(default = "own_account")]
    pub account: String,
    /// How many of a thing there may be.
    pub quotas: Quotas,
    /// How many calls a change of state takes.
    pub pace: Pace,
    /// Calls that this process made so far, by action.
    #[serde(skip)]
    pub calls: BTreeMap<String, u64>,
    pub(crate) now: u64,
    pub(crate) counter: u64,
    pub(crate) agenda: BTreeMap<u64, Vec<Due>>,
    pub(crate) tokens: BTreeMap<String, Token>,
    /// The tokens by the tick at which they are forgotten; found again when a world is read.
    #[serde(skip)]
    forgotten: BTreeMap<u64, Vec<String>>,
    /// Ids that calls do not see before a tick.
    pub(crate) hidden: BTreeMap<String, u64>,
    pub(crate) tags: BTreeMap<String, BTreeMap<String, String>>,
    pub(crate) vpcs: BTreeMap<String, Vpc>,
    pub(crate) subnets: BTreeMap<String, Subnet>,
    pub(crate) internet_gateways: BTreeMap<String, InternetGateway>,
    #[serde(default)]
    pub(crate) egress_only_internet_gateways: BTreeMap<String, EgressOnlyInternetGateway>,
    #[serde(default)]
    pub(crate) dhcp_options: BTreeMap<String, DhcpOptions>,
    pub(crate) route_tables: BTreeMap<String, RouteTable>,
    pub(crate) network_acls: BTreeMap<String, NetworkAcl>,
    pub(crate) groups: BTreeMap<String, Group>,
    pub(crate) addresses: BTreeMap<String, Address>,
    pub(crate) nat_gateways: BTreeMap<String, NatGateway>,
    pub(crate) interfaces: BTreeMap<String, Interface>,
    /// The ids of the interfaces in each subnet.
    #[serde(skip)]
    pub(crate) in_subnet: BTreeMap<String, BTreeSet<String>>,
    pub(crate) instances: BTreeMap<String, Instance>,
    pub(crate) volumes: BTreeMap<String, Volume>,
    #[serde(default)]
    pub(crate) snapshots: BTreeMap<String, Snapshot>,
    /// Whether every new volume is encrypted, asked or not.
    #[serde(default)]
    pub(crate) encrypts: bool,
    pub(crate) key_pairs: BTreeMap<String, KeyPair>,
    #[serde(default)]
    pub(crate) placement_groups: BTreeMap<String, PlacementGroup>,
    /// Ranges of subnets, by the id of their reservation.
    #[serde(default)]
    pub(crate) reservations: BTreeMap<String, Reservation>,
    #[serde(default)]
    pub(crate) launch_templates: BTreeMap<String, LaunchTemplate>,
    pub(crate) prefix_lists: BTreeMap<String, PrefixList>,
    #[serde(default)]
    pub(crate) transit_gateways: BTreeMap<String, TransitGateway>,
    #[serde(default)]
    pub(crate) transit_attachments: BTreeMap<String, transit_attachment::Attachment>,
    #[serde(default)]
    pub(crate) transit_tables: BTreeMap<String, transit_table::Table>,
    #[serde(default)]
    pub(crate) endpoints: BTreeMap<String, Endpoint>,
    #[serde(default)]
    pub(crate) connect_endpoints: BTreeMap<String, ConnectEndpoint>,
    #[serde(default)]
    pub(crate) flow_logs: BTreeMap<String, FlowLog>,
    #[serde(default)]
    pub(crate) public_access: PublicAccess,
    #[serde(default)]
    pub(crate) exclusions: BTreeMap<String, Exclusion>,
    #[serde(default)]
    pub(crate) peerings: BTreeMap<String, Peering>,
    /// Peerings of which another world has to be told.
    #[serde(skip)]
    pub(crate) outbox: Vec<String>,
    /// Groups of other accounts' VPCs that are peered with one of this world: their VPC and account.
    #[serde(default)]
    pub(crate) peer_groups: BTreeMap<String, (String, String)>,
    pub(crate) vpn_gateways: BTreeMap<String, vpn_gateway::VpnGateway>,
    #[serde(default)]
    pub(crate) customer_gateways: BTreeMap<String, vpn_gateway::CustomerGateway>,
    #[serde(default)]
    pub(crate) vpn_connections: BTreeMap<String, vpn_connection::Connection>,
}

impl World {
    /// A region as a new account finds it: with its default VPC.
    #[must_use]
    pub fn new(region: &str) -> Self {
        let mut world = Self::empty(region);
        crate::sim::vpc::add_default(&mut world);
        world
    }

    /// The same as another account finds it.
    #[must_use]
    pub fn of(account: &str, region: &str) -> Self {
        let mut world = Self::empty(region);
        world.account = account.into();
        // Ids are drawn from the counter: no two accounts or regions have one in common.
        let mixed = format!("{account}/{region}").bytes().fold(0_u64, |hash, b| (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        world.counter = mixed << 24;
        crate::sim::vpc::add_default(&mut world);
        world
    }

    /// A text with the world's account in the place of [`ACCOUNT`], and the other way about: what goes in or out. Done twice,
    /// it changes nothing.
    pub(crate) fn exchanged(&self, text: &str) -> String {
        if self.account == ACCOUNT {
            return text.into();
        }
        let mut parts = text.split(ACCOUNT).map(|part| part.replace(&self.account, ACCOUNT));
        let first = parts.next().unwrap_or_default();
        parts.fold(first, |all, part| all + &self.account + &part)
    }

    fn empty(region: &str) -> Self {
        Self {
            region: region.into(),
            account: own_account(),
            quotas: Quotas::default(),
            pace: Pace::default(),
            calls: BTreeMap::new(),
            now: 0,
            counter: 0,
            agenda: BTreeMap::new(),
            tokens: BTreeMap::new(),
            forgotten: BTreeMap::new(),
            hidden: BTreeMap::new(),
            tags: BTreeMap::new(),
            vpcs: BTreeMap::new(),
            subnets: BTreeMap::new(),
            internet_gateways: BTreeMap::new(),
            egress_only_internet_gateways: BTreeMap::new(),
            dhcp_options: BTreeMap::new(),
            route_tables: BTreeMap::new(),
            network_acls: BTreeMap::new(),
            groups: BTreeMap::new(),
            addresses: BTreeMap::new(),
            nat_gateways: BTreeMap::new(),
            interfaces: BTreeMap::new(),
            in_subnet: BTreeMap::new(),
            instances: BTreeMap::new(),
            volumes: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            encrypts: false,
            key_pairs: BTreeMap::new(),
            placement_groups: BTreeMap::new(),
            reservations: BTreeMap::new(),
            launch_templates: BTreeMap::new(),
            prefix_lists: BTreeMap::new(),
            transit_gateways: BTreeMap::new(),
            transit_attachments: BTreeMap::new(),
            transit_tables: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            connect_endpoints: BTreeMap::new(),
            flow_logs: BTreeMap::new(),
            public_access: PublicAccess::default(),
            exclusions: BTreeMap::new(),
            peerings: BTreeMap::new(),
            outbox: vec![],
            peer_groups: BTreeMap::new(),
            vpn_gateways: BTreeMap::new(),
            customer_gateways: BTreeMap::new(),
            vpn_connections: BTreeMap::new(),
        }
    }

    /// A number that looks random and depends only on how many were drawn before.
    pub(crate) fn draw(&mut self) -> u64 {
        self.counter += 1;
        // SplitMix64, the finaliser of Java's SplittableRandom: a bijection, so that no id comes twice.
        let mut z = self.counter.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A new id: `vpc-0` and sixteen hexadecimal digits.
    pub(crate) fn id(&mut self, prefix: &str) -> String {
        format!("{prefix}-0{:016x}", self.draw())
    }

    /// The clock moves on by `ticks`, and what is due happens, each thing at its own tick.
    pub fn advance(&mut self, ticks: u64) {
        let until = self.now + ticks;
        while let Some(entry) = self.agenda.first_entry().filter(|e| *e.key() <= until) {
            self.now = self.now.max(*entry.key());
            for due in entry.remove() {
                self.carry_out(due);
            }
        }
        self.now = until;
        self.hidden.retain(|_, hidden| *hidden > until);
        if self.forgotten.is_empty() {
            for (key, token) in &self.tokens {
                self.forgotten.entry(token.at + TOKEN_LIFE).or_default().push(key.clone());
            }
        }
        while let Some(entry) = self.forgotten.first_entry().filter(|e| *e.key() <= until) {
            entry.remove().iter().for_each(|key| drop(self.tokens.remove(key)));
        }
    }

    /// Keeps an answer for whoever asks the same with the same token.
    pub(crate) fn remember(&mut self, key: String, token: Token) {
        self.forgotten.entry(token.at + TOKEN_LIFE).or_default().push(key.clone());
        self.tokens.insert(key, token);
    }

    fn carry_out(&mut self, due: Due) {
        match due {
            Due::Vpc(id) => crate::sim::vpc::settle(self, &id),
            Due::Interface(id) => crate::sim::network_interface::settle(self, &id),
            Due::NatGateway(id) => crate::sim::nat_gateway::settle(self, &id),
            Due::Instance(id) => crate::sim::instance::settle(self, &id),
            Due::PrefixList(id) => crate::sim::prefix_list::settle(self, &id),
            Due::Transit(id) => match prefix_of(&id) {
                "tgw" => crate::sim::transit_gateway::settle(self, &id),
                "vgw" => crate::sim::vpn_gateway::settle(self, &id),
                "vpn" => crate::sim::vpn_connection::settle(self, &id),
                "tgw-attach" => crate::sim::transit_attachment::settle(self, &id),
                _ => crate::sim::transit_table::settle(self, &id),
            },
            Due::Endpoint(id) => crate::sim::vpc_endpoint::settle(self, &id),
            Due::ConnectEndpoint(id) => crate::sim::instance_connect_endpoint::settle(self, &id),
            Due::PublicAccess => crate::sim::block_public_access::settle_options(self),
            Due::Exclusion(id) => crate::sim::block_public_access::settle(self, &id),
            Due::Released(id) => self.remove_interface(&id),
            Due::Peering(id) => crate::sim::vpc_peering::settle(self, &id),
            Due::Volume(id) => crate::sim::volume_change::settle(self, &id),
            Due::VolumeModification(id) => crate::sim::volume_change::settle_modification(self, &id),
            Due::Vanish(id) => {
                self.peerings.remove(&id);
                self.transit_gateways.remove(&id);
                self.transit_attachments.remove(&id);
                self.transit_tables.remove(&id);
                self.vpn_gateways.remove(&id);
                self.customer_gateways.remove(&id);
                self.vpn_connections.remove(&id);
                self.nat_gateways.remove(&id);
                self.instances.remove(&id);
                self.endpoints.remove(&id);
                self.connect_endpoints.remove(&id);
                self.exclusions.remove(&id);
                self.tags.remove(&id);
            }
        }
    }

    pub(crate) fn schedule(&mut self, after: u64, due: Due) {
        self.agenda.entry(self.now + after.max(1)).or_default().push(due);
    }

    /// VPCs of whatever account that are peered with one of this world.
    pub(crate) fn peered_vpcs(&self) -> Vec<String> {
        let active = self.peerings.values().filter(|p| p.is_active());
        active.flat_map(|p| [p.requester.vpc.clone(), p.accepter.vpc.clone()]).collect()
    }

    /// The zones of the region.
    pub(crate) fn zones(&self) -> Vec<String> {
        let letters = if self.region == "us-east-1" { "abcdef" } else { "abc" };
        letters.chars().map(|c| format!("{}{c}", self.region)).collect()
    }

    /// `euc1-az1` of `eu-central-1a`.
    pub(crate) fn zone_id(&self, zone: &str) -> String {
        let parts: Vec<&str> = self.region.split('-').collect();
        let short = match parts.as_slice() {
            [area, side, number] => {
                let side = match *side {
                    "northeast" => "ne",
                    "northwest" => "nw",
                    "southeast" => "se",
                    "southwest" => "sw",
                    side => side.get(..1).unwrap_or_default(),
                };
                format!("{area}{side}{number}")
            }
            _ => self.region.clone(),
        };
        let letter = zone.bytes().last().map_or(0, |b| b.saturating_sub(b'a'));
        format!("{short}-az{}", letter + 1)
    }

    /// `arn:aws:ec2:eu-central-1:123456789012:subnet/subnet-...`
    pub(crate) fn arn(&self, kind: &str, id: &str) -> String {
        format!("arn:aws:ec2:{}:{ACCOUNT}:{kind}/{id}", self.region)
    }

    /// The time of a tick, one second each: ISO 8601.
    pub(crate) fn time(tick: u64) -> String {
        // 2026-01-01 was day 20,454 of Unix time; the date is found by Howard Hinnant's `civil_from_days`.
        let (day, second) = (20_454 + tick / 86_400 + 719_468, tick % 86_400);
        let (era, of_era) = (day / 146_097, day % 146_097);
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let shifted = (5 * of_year + 2) / 153;
        let date = of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = year + era * 400 + u64::from(month <= 2);
        format!("{year:04}-{month:02}-{date:02}T{:02}:{:02}:{:02}.000Z", second / 3_600, second / 60 % 60, second % 60)
    }

    pub(crate) fn default_vpc(&self) -> Option<&String> {
        self.vpcs.iter().find(|(_, v)| v.is_default).map(|(id, _)| id)
    }
}

/// What an id names.
pub(crate) fn find<'a, T>(of: &'a BTreeMap<String, T>, prefix: &str, id: &str) -> Result<&'a T, ApiError> {
    of.get(id).ok_or_else(|| no_such(prefix, id))
}

/// What an id names, to change it.
pub(crate) fn find_mut<'a, T>(of: &'a mut BTreeMap<String, T>, prefix: &str, id: &str) -> Result<&'a mut T, ApiError> {
    of.get_mut(id).ok_or_else(|| no_such(prefix, id))
}

#[cfg(test)]
impl World {
    /// The world without what a refused call may change: numbers drawn.
    pub(crate) fn uncounted(mut self) -> String {
        self.counter = 0;
        serde_json::to_string(&self).unwrap_or_default()
    }
}
