//! The network out of a project's model: as it would be if the sources held. Layer 1.
//!
//! Things go by their addresses in the sources; what AWS will choose stays open: an address is every one of its subnet.

use std::{collections::BTreeMap, net::IpAddr};

use crate::{
    base::{
        address::Address,
        cidr::{Cidr, Family},
        service::{Ports, Service},
    },
    net::{
        Destination, Door, Entry, Id, Interface, InterfaceAddress, InternetGateway, NatGateway, Net, NetworkAcl, Origin, Owner, Peer,
        Public, Route, RouteTable, Rule, SecurityGroup, Subnet, Target, Vpc,
    },
    schema::{
        model::{Model, Part, Resource},
        value::{Record, Value},
    },
};

/// What EC2 has told of resources: attributes by address.
pub type Known = BTreeMap<Address, Record>;

/// Builds the network that a model describes. Of existing resources it holds what `known` says of them.
#[must_use]
pub fn build(model: &Model, known: &Known) -> Net {
    let desired = Desired { model, known };
    let mut net = Net::default();
    for resource in model.resources.values() {
        desired.add(resource, &mut net);
    }
    desired.hand_out_elastic_addresses(&mut net);
    net
}

struct Desired<'m> {
    model: &'m Model,
    known: &'m Known,
}

fn origin(resource: &Resource) -> Origin {
    resource.span.map_or(Origin::Aws, Origin::Source)
}

fn of_part(resource: &Resource, part: &Part) -> Origin {
    part.span.or(resource.span).map_or(Origin::Aws, Origin::Source)
}

fn id(address: &Address) -> Id {
    Id::from(address.as_str())
}

/// Whatever a value refers to: a resource of the project, or an id.
fn named(value: Option<&Value>) -> Option<Id> {
    match value? {
        Value::Resource(address) | Value::Attribute(address, _) => Some(id(address)),
        Value::Text(text) => Some(Id::from(&**text)),
        _ => None,
    }
}

fn int(record: &Record, member: &str) -> Option<i64> {
    match record.get(member) {
        Some(Value::Int(n)) => Some(*n),
        _ => None,
    }
}

impl<'m> Desired<'m> {
    /// An attribute as written, or as EC2 has told it.
    fn value<'r>(&self, resource: &'r Resource, name: &str) -> Option<&'r Value>
    where
        'm: 'r,
    {
        let told = || self.known.get(&resource.address).and_then(|r| r.get(name));
        let written = resource.record.get(name).filter(|v| !resource.existing && **v != Value::Null);
        written.filter(|v| !matches!(v, Value::Attribute(..))).or_else(told).or(written)
    }

    fn cidr(&self, resource: &Resource, name: &str) -> Option<Cidr> {
        match self.value(resource, name)? {
            Value::Cidr(cidr) => Some(*cidr),
            _ => None,
        }
    }

    fn ip(&self, resource: &Resource, name: &str) -> Option<IpAddr> {
        match self.value(resource, name)? {
            Value::Ip(ip) => Some(*ip),
            _ => None,
        }
    }

    fn is(&self, resource: &Resource, name: &str, default: bool) -> bool {
        match self.value(resource, name) {
            Some(Value::Bool(b)) => *b,
            _ => default,
        }
    }

    fn reference(&self, resource: &Resource, name: &str) -> Option<Id> {
        named(self.value(resource, name))
    }

    fn references(&self, resource: &Resource, name: &str) -> Vec<Id> {
        self.value(resource, name).map_or(&[][..], Value::elements).iter().filter_map(|v| named(Some(v))).collect()
    }

    fn add(&self, resource: &Resource, net: &mut Net) {
        match resource.address.kind() {
            "vpc" => self.vpc(resource, net),
            "subnet" => self.subnet(resource, net),
            "internet_gateway" => {
                let vpc = resource.parts.iter().find(|p| p.name == "attachment").and_then(|p| named(p.record.get("vpc")));
                let vpc = vpc.or_else(|| self.reference(resource, "vpc"));
                net.internet_gateways.push(InternetGateway { id: id(&resource.address), vpc, origin: origin(resource) });
            }
            "route_table" => self.route_table(resource, net),
            "network_acl" => self.network_acl(resource, net),
            "security_group" => self.security_group(resource, net),
            "network_interface" => self.interface(resource, net),
            "instance" => self.instance(resource, net),
            "nat_gateway" => self.nat_gateway(resource, net),
            _ => {}
        }
    }

    fn vpc(&self, resource: &Resource, net: &mut Net) {
        let Some(cidr) = self.cidr(resource, "cidr_block") else { return };
        let vpc = id(&resource.address);
        net.vpcs.push(Vpc { id: vpc.clone(), cidrs: vec![cidr], region: "".into(), account: "".into(), origin: origin(resource) });
        if resource.existing {
            let what = "an existing VPC, of which only what the project names is known".into();
            net.doors.push(Door { id: vpc.clone(), what, vpc: Some(vpc), origin: origin(resource) });
            return;
        }
        net.route_tables.push(RouteTable {
            id: Id::from(&*format!("{vpc} (main route table)")),
            vpc: vpc.clone(),
            main: true,
            subnets: vec![],
            gateways: vec![],
            routes: vec![],
            origin: Origin::Aws,
        });
        let everything = [Cidr::ANYWHERE_V4, Cidr::ANYWHERE_V6].map(|network| Entry {
            number: 100,
            allow: true,
            service: Service::All,
            network,
            origin: Origin::Aws,
        });
        net.network_acls.push(NetworkAcl {
            id: Id::from(&*format!("{vpc} (default network ACL)")),
            vpc,
            default: true,
            subnets: vec![],
            inbound: everything.clone().into(),
            outbound: everything.into(),
            origin: Origin::Aws,
        });
    }

    fn subnet(&self, resource: &Resource, net: &mut Net) {
        let (Some(vpc), Some(cidr)) = (self.reference(resource, "vpc"), self.cidr(resource, "cidr_block")) else { return };
        let zone = self.value(resource, "availability_zone").and_then(Value::as_text).map(Into::into);
        net.subnets.push(Subnet { id: id(&resource.address), vpc, cidrs: vec![cidr], zone, origin: origin(resource) });
    }

    fn route_table(&self, resource: &Resource, net: &mut Net) {
        let Some(vpc) = self.reference(resource, "vpc") else { return };
        let part = |name: &'static str| resource.parts.iter().filter(move |p| p.name == name);
        let routes = part("route").filter_map(|part| {
            let destination = match part.record.get("destination")? {
                Value::Cidr(cidr) => Destination::Network(*cidr),
                other => Destination::PrefixList(named(Some(other))?),
            };
            let target = part.record.get("target");
            let to = named(target)?;
            let target = match target {
                Some(Value::Resource(address) | Value::Attribute(address, _)) => match address.kind() {
                    "internet_gateway" => Target::InternetGateway(to),
                    "nat_gateway" => Target::NatGateway(to),
                    "network_interface" => Target::Interface(to),
                    "instance" => Target::Interface(self.interface_of(address)),
                    _ => Target::Unmodelled(to),
                },
                _ => Target::Unmodelled(to),
            };
            Some(Route { destination, target, blackhole: false, propagated: false, origin: of_part(resource, part) })
        });
        let subnets = part("association").filter_map(|p| named(p.record.get("subnet")));
        net.route_tables.push(RouteTable {
            id: id(&resource.address),
            vpc,
            main: false,
            subnets: subnets.collect(),
            gateways: vec![],
            routes: routes.collect(),
            origin: origin(resource),
        });
    }

    fn network_acl(&self, resource: &Resource, net: &mut Net) {
        let Some(vpc) = self.reference(resource, "vpc") else { return };
        let entries = |name: &'static str| {
            let mut entries: Vec<Entry> = resource.parts.iter().filter(|p| p.name == name).filter_map(|p| entry(resource, p)).collect();
            entries.sort_by_key(|e| e.number);
            entries
        };
        let associated = resource.parts.iter().filter(|p| p.name == "association");
        net.network_acls.push(NetworkAcl {
            id: id(&resource.address),
            vpc,
            default: false,
            subnets: associated.filter_map(|p| named(p.record.get("subnet"))).collect(),
            inbound: entries("in"),
            outbound: entries("out"),
            origin: origin(resource),
        });
    }

    fn security_group(&self, resource: &Resource, net: &mut Net) {
        let Some(vpc) = self.reference(resource, "vpc") else { return };
        let rules = |name: &'static str| {
            let parts = resource.parts.iter().filter(move |p| p.name == name);
            parts
                .filter_map(|part| {
                    let peer = match part.record.get("peer")? {
                        Value::Cidr(cidr) => Peer::Network(*cidr),
                        other => Peer::Group(named(Some(other))?),
                    };
                    Some(Rule { service: Some(service(&part.record)?), peer, origin: of_part(resource, part) })
                })
                .collect()
        };
        let (ingress, egress) = (rules("ingress"), rules("egress"));
        net.security_groups.push(SecurityGroup { id: id(&resource.address), vpc, ingress, egress, origin: origin(resource) });
    }

    /// The range of a subnet, from which AWS chooses addresses.
    fn range_of(&self, subnet: &Id) -> Option<Cidr> {
        let resource = self.model.resources.values().find(|r| r.address.as_str() == subnet.as_str())?;
        self.cidr(resource, "cidr_block")
    }

    fn address(&self, resource: &Resource, subnet: &Id, public: bool) -> Option<InterfaceAddress> {
        let own = self.ip(resource, "private_ip_address").map(Cidr::host_of);
        let private = own.or_else(|| self.range_of(subnet))?;
        let told = self.ip(resource, "public_ip_address").map(Public::Known);
        Some(InterfaceAddress { private, public: public.then(|| told.unwrap_or(Public::Chosen)) })
    }

    fn interface(&self, resource: &Resource, net: &mut Net) {
        let Some(subnet) = self.reference(resource, "subnet") else { return };
        let holder = self
            .model
            .resources
            .values()
            .find(|r| r.reference("network_interface") == Some(&resource.address) && r.address.kind() == "instance");
        let owner = holder.map_or(Owner::Nobody, |h| Owner::Instance { id: id(&h.address), running: true });
        net.interfaces.push(Interface {
            id: id(&resource.address),
            addresses: self.address(resource, &subnet, false).into_iter().collect(),
            subnet,
            groups: self.references(resource, "security_groups"),
            source_dest_check: self.is(resource, "source_dest_check", true),
            owner,
            origin: origin(resource),
        });
    }

    /// The interface on which an instance stands: one of the project, or the one that comes with it.
    fn interface_of(&self, instance: &Address) -> Id {
        let own = self.model.resources.get(instance).and_then(|r| r.reference("network_interface"));
        id(own.unwrap_or(instance))
    }

    fn instance(&self, resource: &Resource, net: &mut Net) {
        let (Some(subnet), None) = (self.reference(resource, "subnet"), resource.reference("network_interface")) else { return };
        let maps = |name: &Id| {
            let subnet = self.model.resources.values().find(|r| r.address.as_str() == name.as_str());
            subnet.is_some_and(|s| self.is(s, "map_public_ip_on_launch", false))
        };
        let public = match self.value(resource, "associate_public_ip_address") {
            Some(Value::Bool(wanted)) => *wanted,
            _ => maps(&subnet),
        };
        net.interfaces.push(Interface {
            id: id(&resource.address),
            addresses: self.address(resource, &subnet, public).into_iter().collect(),
            subnet,
            groups: self.references(resource, "security_groups"),
            source_dest_check: self.is(resource, "source_dest_check", true),
            owner: Owner::Instance { id: id(&resource.address), running: true },
            origin: origin(resource),
        });
    }

    fn nat_gateway(&self, resource: &Resource, net: &mut Net) {
        let Some(subnet) = self.reference(resource, "subnet") else { return };
        // EC2 reserves the first four addresses of a subnet; which of the others it gives makes no difference to who may pass.
        let private = self.ip(resource, "private_ip_address").or_else(|| self.range_of(&subnet)?.host(4));
        let public =
            self.value(resource, "elastic_ip").map(|_| self.ip(resource, "public_ip_address").map_or(Public::Chosen, Public::Known));
        let address = private.map(|ip| InterfaceAddress { private: Cidr::host_of(ip), public });
        net.interfaces.push(Interface {
            id: id(&resource.address),
            subnet: subnet.clone(),
            addresses: address.into_iter().collect(),
            groups: vec![],
            source_dest_check: false,
            owner: Owner::NatGateway(id(&resource.address)),
            origin: origin(resource),
        });
        let subnet = Some(subnet);
        net.nat_gateways.push(NatGateway { id: id(&resource.address), subnet, private, public, available: true, origin: origin(resource) });
    }

    fn hand_out_elastic_addresses(&self, net: &mut Net) {
        for resource in self.model.resources.values().filter(|r| r.address.kind() == "elastic_ip") {
            let holder = match (resource.reference("instance"), resource.reference("network_interface")) {
                (Some(instance), _) => self.interface_of(instance),
                (None, Some(interface)) => id(interface),
                (None, None) => continue,
            };
            let public = self.ip(resource, "public_ip_address").map_or(Public::Chosen, Public::Known);
            let interface = net.interfaces.iter_mut().find(|i| i.id == holder);
            if let Some(address) = interface.and_then(|i| i.addresses.iter_mut().find(|a| a.private.family() == Family::V4)) {
                address.public = Some(public);
            }
        }
    }
}

fn entry(resource: &Resource, part: &Part) -> Option<Entry> {
    let record = &part.record;
    let Some(Value::Cidr(network)) = record.get("cidr") else { return None };
    Some(Entry {
        number: u16::try_from(int(record, "number")?).ok()?,
        allow: record.get("action").and_then(Value::as_text) == Some("allow"),
        service: service(record)?,
        network: *network,
        origin: of_part(resource, part),
    })
}

/// The service of a rule or entry as its part records it: a protocol by name or number, then ports or ICMP type and code.
fn service(record: &Record) -> Option<Service> {
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
