//! What resource types need to draw themselves into a network. Layer 1.
//!
//! Things go by their addresses in the sources; what AWS will choose stays open: an address is every one of its subnet.

use std::{collections::BTreeMap, net::IpAddr};

use crate::{
    base::{
        address::Address,
        cidr::Cidr,
        service::{Ports, Service},
        site::Site,
    },
    net::{Id, InterfaceAddress, Origin, Public, chosen},
    schema::{
        model::{Model, Part, Resource},
        value::{Record, Value},
    },
};

/// What EC2 has told of resources: attributes by address.
pub type Known = BTreeMap<Address, Record>;

/// What the project's own account is called among several, where the project does not give its number.
pub const OWN: &str = "own";

/// A project's model, and what is known of what stands of it.
#[derive(Debug, Clone)]
pub struct Desired<'m> {
    model: &'m Model,
    known: &'m Known,
    /// By the interface or instance that holds it: the first Elastic IP address that names it.
    elastic: BTreeMap<&'m Address, Vec<&'m Resource>>,
    /// By an interface of the project: the first instance that has it.
    standing: BTreeMap<&'m Address, &'m Resource>,
    /// By table: the gateway endpoints that it leads to.
    led_to: BTreeMap<&'m Address, Vec<&'m Resource>>,
    /// By VPC: the IPv6 network that it has, or that stands for the one that AWS will choose.
    ipv6: BTreeMap<&'m Address, Cidr>,
}

/// Where a resource comes from.
#[must_use]
pub fn origin(resource: &Resource) -> Origin {
    resource.span.map_or(Origin::Aws, Origin::Source)
}

/// Where a part of a resource comes from.
#[must_use]
pub fn of_part(resource: &Resource, part: &Part) -> Origin {
    match (part.span, resource.span) {
        // What comes from the sources knows its place.
        (None, Some(_)) if !resource.existing => Origin::Observed,
        (own, whole) => own.or(whole).map_or(Origin::Aws, Origin::Source),
    }
}

/// What a resource is called in the network.
#[must_use]
pub fn id(address: &Address) -> Id {
    Id::from(address.shared())
}

/// What the interface of something with one in each of several subnets is called.
#[must_use]
pub fn in_subnet(owner: &Id, subnet: &Id) -> Id {
    Id::from(&*format!("{owner} in {subnet}"))
}

/// Whatever a value refers to: a resource of the project, or an id.
#[must_use]
pub fn named(value: Option<&Value>) -> Option<Id> {
    match value? {
        Value::Resource(address) | Value::Attribute(address, _) => Some(id(address)),
        Value::Text(text) => Some(Id::from(text.clone())),
        _ => None,
    }
}

impl<'m> Desired<'m> {
    /// A model, and what EC2 has told of its resources.
    #[must_use]
    pub fn new(model: &'m Model, known: &'m Known) -> Self {
        let mut elastic: BTreeMap<&Address, Vec<&Resource>> = BTreeMap::new();
        let mut standing = BTreeMap::new();
        let mut led_to: BTreeMap<&Address, Vec<&Resource>> = BTreeMap::new();
        for endpoint in model.resources.of_kind("vpc_endpoint").filter(|r| !r.existing) {
            let tables = endpoint.parts.iter().filter_map(|p| p.record.get("route_table")?.as_resource());
            tables.for_each(|table| led_to.entry(table).or_default().push(endpoint));
        }
        for resource in model.resources.of_kind("elastic_ip").filter(|r| !r.existing) {
            let holders = ["instance", "network_interface"].into_iter().filter_map(|name| resource.reference(name));
            holders.for_each(|holder| elastic.entry(holder).or_default().push(resource));
        }
        for resource in model.resources.of_kind("instance").filter(|r| !r.existing) {
            let further = resource.record.get("network_interfaces").map_or(&[][..], Value::elements).iter().filter_map(Value::as_resource);
            for holder in resource.reference("network_interface").into_iter().chain(further) {
                standing.entry(holder).or_insert(resource);
            }
        }
        let ipv6 = ipv6_networks(model, known);
        Self { model, known, elastic, standing, led_to, ipv6 }
    }

    /// An attribute as written, or as EC2 has told it.
    #[must_use]
    pub fn value<'r>(&self, resource: &'r Resource, name: &str) -> Option<&'r Value>
    where
        'm: 'r,
    {
        let told = || self.known.get(&resource.address).and_then(|r| r.get(name));
        let written = resource.record.get(name).filter(|v| **v != Value::Null);
        written.filter(|v| !matches!(v, Value::Attribute(..) | Value::Subnet(..))).or_else(told).or(written)
    }

    /// A network.
    #[must_use]
    pub fn cidr(&self, resource: &Resource, name: &str) -> Option<Cidr> {
        self.network(self.value(resource, name)?)
    }

    /// A network, or the one that stands for it where AWS has yet to choose.
    #[must_use]
    pub fn network(&self, value: &Value) -> Option<Cidr> {
        if let Value::Cidr(cidr) = value {
            return Some(*cidr);
        }
        let known = value.rewrite(&|leaf| match leaf {
            Value::Attribute(vpc, name) if name == "ipv6_cidr_block" && self.ipv6.contains_key(vpc) => {
                self.ipv6_network(vpc).map(Value::Cidr)
            }
            Value::Attribute(address, name) => {
                let written = || self.model.resources.get(address).filter(|r| !r.existing).and_then(|r| r.record.get(name));
                let told = self.known.get(address).and_then(|r| r.get(name)).or_else(written);
                told.and_then(|value| self.network(value)).map(Value::Cidr)
            }
            _ => None,
        });
        if let Value::Cidr(cidr) = known { Some(cidr) } else { None }
    }

    /// The IPv6 network of a VPC.
    #[must_use]
    pub fn ipv6_network(&self, vpc: &Address) -> Option<Cidr> {
        self.ipv6.get(vpc).copied()
    }

    /// An address.
    #[must_use]
    pub fn ip(&self, resource: &Resource, name: &str) -> Option<IpAddr> {
        match self.value(resource, name)? {
            Value::Ip(ip) => Some(*ip),
            _ => None,
        }
    }

    /// Whether something is so.
    #[must_use]
    pub fn is(&self, resource: &Resource, name: &str, default: bool) -> bool {
        match self.value(resource, name) {
            Some(Value::Bool(b)) => *b,
            _ => default,
        }
    }

    /// What an attribute refers to.
    #[must_use]
    pub fn reference(&self, resource: &Resource, name: &str) -> Option<Id> {
        named(self.value(resource, name))
    }

    /// What an attribute's elements refer to.
    #[must_use]
    pub fn references(&self, resource: &Resource, name: &str) -> Vec<Id> {
        self.value(resource, name).map_or(&[][..], Value::elements).iter().filter_map(|v| named(Some(v))).collect()
    }

    /// The resources of a kind that the project manages.
    pub fn managed(&self, kind: &str) -> impl Iterator<Item = &'m Resource> + use<'m> {
        self.of_kind(kind).filter(|r| !r.existing)
    }

    /// The VPC of a subnet of the project.
    #[must_use]
    pub fn vpc_of(&self, subnet: &Id) -> Option<Id> {
        self.reference(self.resource(subnet)?, "vpc")
    }

    /// The gateway endpoints that a route table leads to.
    pub fn endpoints_of(&self, table: &Address) -> impl Iterator<Item = &'m Resource> + use<'_, 'm> {
        self.led_to.get(table).into_iter().flatten().copied()
    }

    /// What the prefix list of a service is called: that of an `existing` block with its name, or else the service itself.
    #[must_use]
    pub fn list_of(&self, service: &str) -> Id {
        let is_it = |r: &&Resource| r.existing && r.record.get("prefix_list_name").and_then(Value::as_text) == Some(service);
        self.of_kind("prefix_list").find(is_it).map_or_else(|| Id::from(service), |list| id(&list.address))
    }

    /// The resource that goes by this name.
    #[must_use]
    pub fn resource(&self, id: &Id) -> Option<&'m Resource> {
        self.model.resources.called(id.as_str())
    }

    /// All resources of a kind, those that exist and are not the project's among them.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = &'m Resource> + use<'m> {
        self.model.resources.of_kind(kind)
    }

    /// The region and the account of a site, as the prover tells them apart; empty where the project has one of each. What
    /// stands in the project's own account has a name of its own even where nobody has said its number.
    #[must_use]
    pub fn place(&self, site: Option<&Site>) -> (std::sync::Arc<str>, std::sync::Arc<str>) {
        let project = &self.model.project;
        match site {
            _ if project.accounts.is_empty() => ("".into(), "".into()),
            Some(site) => (site.region().into(), site.account().into()),
            None => (project.region.as_deref().unwrap_or_default().into(), project.account.as_deref().unwrap_or(OWN).into()),
        }
    }

    /// The region that something of the project stands in; empty where nothing says.
    #[must_use]
    pub fn region_of(&self, id: &Id) -> std::sync::Arc<str> {
        let site = self.resource(id).and_then(|r| r.site.as_ref());
        site.map(Site::region).or(self.model.project.region.as_deref()).unwrap_or_default().into()
    }

    /// The address that something has in a subnet, or all of which AWS will choose one: the subnet's, or any where even
    /// the subnet is not known.
    #[must_use]
    pub fn address_in(&self, resource: &Resource, subnet: &Id, public: Option<Public>) -> InterfaceAddress {
        self.address_of(resource, self.resource(subnet).and_then(|s| self.cidr(s, "cidr_block")), public)
    }

    fn address_of(&self, resource: &Resource, range: Option<Cidr>, public: Option<Public>) -> InterfaceAddress {
        // One that EC2 has told and that is none of the subnet's is an emulator's invention.
        let own = self.ip(resource, "private_ip_address").filter(|ip| range.is_none_or(|r| r.contains_ip(*ip))).map(Cidr::host_of);
        InterfaceAddress { private: own.or(range).unwrap_or(Cidr::ANYWHERE_V4), public }
    }

    /// All addresses that something has in a subnet, IPv4 first; one that AWS will choose is every one of its network.
    #[must_use]
    pub fn addresses_in(&self, resource: &Resource, subnet: &Id, public: Option<Public>) -> Vec<InterfaceAddress> {
        let placed = self.resource(subnet);
        let native = placed.is_some_and(|s| self.is(s, "ipv6_native", false));
        let range = placed.and_then(|s| self.cidr(s, "cidr_block"));
        let further = self.value(resource, "secondary_private_ip_addresses").map_or(&[][..], Value::elements).iter();
        // One that is not known yet is every one of the subnet.
        let further = further.map(|v| if let Value::Ip(ip) = v.inner() { Cidr::host_of(*ip) } else { range.unwrap_or(Cidr::ANYWHERE_V4) });
        let further = further.map(|private| InterfaceAddress { private, public: self.elastic_ip_at(&resource.address, private) });
        let four = (!native).then(|| self.address_of(resource, range, public)).into_iter().chain(further);
        let Some((placed, network)) = placed.and_then(|s| Some((s, self.cidr(s, "ipv6_cidr_block")?))) else {
            return four.collect();
        };
        let is_written = resource.record.get("ipv6_addresses").is_some_and(|v| *v != Value::Null);
        let own = self.value(resource, "ipv6_addresses").map_or(&[][..], Value::elements).iter();
        let own = own.map(|v| if let Value::Ip(ip) = v.inner() { Cidr::host_of(*ip) } else { network });
        // One that EC2 has told and that is none of the subnet's is of a network that goes.
        let mut six: Vec<Cidr> = own.filter(|own| is_written || network.contains(*own)).collect();
        let count = match resource.record.get("ipv6_address_count").map(Value::inner) {
            Some(Value::Int(n)) => usize::try_from(*n).ok(),
            _ => None,
        };
        match count {
            // The last ones go.
            Some(count) if count <= six.len() => six.truncate(count),
            Some(_) => six.push(network),
            None if six.is_empty() && !is_written && (native || self.is(placed, "assign_ipv6_address_on_creation", false)) => {
                six.push(network);
            }
            None => {}
        }
        four.chain(six.into_iter().map(|private| InterfaceAddress { private, public: None })).collect()
    }

    /// The public address that AWS gives, known or not yet.
    #[must_use]
    pub fn public_address(&self, resource: &Resource) -> Public {
        self.ip(resource, "public_ip_address").map_or(Public::Chosen, Public::Known)
    }

    /// The Elastic IP address for the first address of an interface or instance.
    #[must_use]
    pub fn elastic_ip_of(&self, holder: &Address) -> Option<Public> {
        let first = || self.model.resources.get(holder).and_then(|r| self.ip(r, "private_ip_address")).map(Cidr::host_of);
        let is_it = |elastic: &&&Resource| self.private_of(elastic).is_none_or(|private| first() == Some(private));
        self.elastic.get(holder)?.iter().find(is_it).map(|e| self.public_address(e))
    }

    /// The Elastic IP address that is written for this address of an interface or instance.
    #[must_use]
    pub fn elastic_ip_at(&self, holder: &Address, private: Cidr) -> Option<Public> {
        self.elastic.get(holder)?.iter().find(|e| self.private_of(e) == Some(private)).map(|e| self.public_address(e))
    }

    /// The private address that an Elastic IP address is for, where one is written.
    fn private_of(&self, elastic: &Resource) -> Option<Cidr> {
        match self.value(elastic, "private_ip_address")?.inner() {
            Value::Ip(ip) => Some(Cidr::host_of(*ip)),
            Value::Cidr(host) => Some(*host),
            _ => None,
        }
    }

    /// The instance that has an interface of the project, its first one or a further one.
    #[must_use]
    pub fn instance_on(&self, interface: &Address) -> Option<&'m Resource> {
        self.standing.get(interface).copied()
    }

    /// The interface on which an instance stands: one of the project, or the one that comes with it.
    #[must_use]
    pub fn interface_of(&self, instance: &Address) -> Id {
        let own = self.model.resources.get(instance).and_then(|r| r.reference("network_interface"));
        id(own.unwrap_or(instance))
    }
}

/// The IPv6 network of each VPC that has one: as EC2 has told, or one that stands for it.
fn ipv6_networks<'m>(model: &'m Model, known: &Known) -> BTreeMap<&'m Address, Cidr> {
    let wanted = |r: &&Resource| r.record.get("amazon_provided_ipv6_cidr_block") == Some(&Value::Bool(true));
    let vpcs = model.resources.of_kind("vpc").filter(|r| !r.existing).filter(wanted).map(|r| &r.address);
    let network = |(n, vpc): (usize, &'m Address)| match known.get(vpc).and_then(|r| r.get("ipv6_cidr_block")) {
        Some(Value::Cidr(told)) => Some((vpc, *told)),
        _ => Some((vpc, chosen::stand_in(n)?)),
    };
    vpcs.enumerate().filter_map(network).collect()
}

fn int(record: &Record, member: &str) -> Option<i64> {
    match record.get(member) {
        Some(Value::Int(n)) => Some(*n),
        _ => None,
    }
}

/// The service of a rule or entry as its part records it: a protocol by name or number, then ports or ICMP type and code.
#[must_use]
pub fn service(record: &Record) -> Option<Service> {
    let protocol = record.get("protocol")?.as_text()?;
    let ports = || -> Option<Vec<Ports>> {
        let (Some(from), Some(to)) = (int(record, "from_port"), int(record, "to_port")) else { return Some(vec![]) };
        Some(vec![Ports { from: u16::try_from(from).ok()?, to: u16::try_from(to).ok()? }])
    };
    let icmp = || {
        let byte = |names: [&str; 2]| names.iter().find_map(|n| int(record, n)).and_then(|n| u8::try_from(n).ok());
        (byte(["icmp_type", "from_port"]), byte(["icmp_code", "to_port"]))
    };
    Some(match protocol {
        "-1" => Service::All,
        "tcp" | "6" => Service::Tcp(ports()?),
        "udp" | "17" => Service::Udp(ports()?),
        "icmp" | "1" => Service::Icmp(icmp().0, icmp().1),
        "icmpv6" | "58" => Service::Icmpv6(icmp().0, icmp().1),
        number => Service::Protocol(number.parse().ok()?),
    })
}
