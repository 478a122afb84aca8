//! What groups and network ACLs say of one packet. Layer 5.

use std::net::IpAddr;

use crate::{
    base::service::Service,
    net::{Entry, Interface, Owner, Peer, Rule, Subnet},
};

use super::{End, Fate, Met, Oracle, Packet, Way, Where, covers};

/// Whether a service has a packet, by its protocol and the last two fields.
fn serves(service: &Service, packet: &Packet) -> bool {
    let any = |wanted: Option<u8>, has: u16| wanted.is_none_or(|w| u16::from(w) == has);
    match (service, packet.protocol) {
        (Service::All, _) => true,
        (Service::Tcp(ports), 6) | (Service::Udp(ports), 17) => {
            ports.is_empty() || ports.iter().any(|p| p.from <= packet.second && packet.second <= p.to)
        }
        (Service::Icmp(kind, code), 1) | (Service::Icmpv6(kind, code), 58) => any(*kind, packet.first) && any(*code, packet.second),
        (Service::Protocol(n), protocol) => *n == protocol,
        _ => false,
    }
}

/// What one rule says: `None` is that nobody can tell.
type Says = Option<bool>;

impl Oracle<'_> {
    /// Whether the groups of an interface admit a packet.
    pub(super) fn groups(&self, interface: &Interface, way: &mut Way, inbound: bool) -> Result<(), Fate> {
        if interface.groups.is_empty() && matches!(interface.owner, Owner::NatGateway(_) | Owner::TransitGateway | Owner::Unmodelled { .. })
        {
            return Ok(());
        }
        let (mut admit, mut unknown) = (vec![], None);
        for id in &interface.groups {
            let Some(group) = self.net.security_groups.iter().find(|g| g.id == *id) else {
                unknown = Some(id.to_string());
                continue;
            };
            for (place, rule) in (if inbound { &group.ingress } else { &group.egress }).iter().enumerate() {
                match self.rule(rule, way, inbound) {
                    Some(true) => admit.push((id.clone(), place)),
                    Some(false) => {}
                    None => unknown = Some("a rule's peer".into()),
                }
            }
        }
        if !admit.is_empty() {
            way.trail.push(Met::Rules(admit));
            return Ok(());
        }
        match unknown {
            Some(unknown) => {
                way.doubt.get_or_insert(unknown);
                Ok(())
            }
            None => Err(Fate::Dies(Where::Groups { interface: interface.id.clone(), inbound, packet: way.packet })),
        }
    }

    fn rule(&self, rule: &Rule, way: &Way, inbound: bool) -> Says {
        let Some(service) = &rule.service else { return Some(false) };
        if !serves(service, &way.packet) {
            return Some(false);
        }
        let other = if inbound { way.packet.source } else { way.packet.destination };
        match &rule.peer {
            Peer::Network(cidr) => Some(cidr.contains_ip(other)),
            Peer::Stale(_) => Some(false),
            Peer::PrefixList(id) => self.list(id).map(|cidrs| covers(cidrs, other)),
            Peer::Group(group) => {
                let absent = !self.net.security_groups.iter().any(|g| g.id == *group);
                let carries = |i: &Interface| i.groups.contains(group);
                let member = |i: &Interface| carries(i) && i.addresses.iter().any(|a| a.private.contains_ip(other));
                let found = if inbound {
                    let sender = way.speaker.as_ref().and_then(|s| self.interface(s));
                    let behind = absent && matches!(way.client, End::Behind(_)) && way.speaker.is_none();
                    behind || (sender.is_some_and(carries) && (absent || way.known))
                } else {
                    // Who gets it is known on arrival alone: see `at_interface`.
                    self.net.interfaces.iter().any(member) || (absent && !self.in_model(other))
                };
                if found && absent { None } else { Some(found) }
            }
        }
    }

    /// Whether an address lies in a VPC of the model.
    fn in_model(&self, ip: IpAddr) -> bool {
        self.net.vpcs.iter().any(|v| covers(&v.cidrs, ip))
    }

    /// Whether what the sender's groups let out may go to this very interface, or for all that is known.
    pub(super) fn let_out_to(&self, way: &Way, target: Option<&Interface>) -> bool {
        let client = match &way.client {
            End::Interface(id) => self.interface(id),
            _ => None,
        };
        let without = |i: &Interface| i.groups.is_empty() && matches!(i.owner, Owner::NatGateway(_) | Owner::Unmodelled { .. });
        let Some(client) = client.filter(|c| !without(c)) else { return true };
        let known = |id: &crate::net::Id| self.net.security_groups.iter().any(|g| g.id == *id);
        if !client.groups.iter().all(known) {
            return true;
        }
        let rules = self.net.security_groups.iter().filter(|g| client.groups.contains(&g.id)).flat_map(|g| &g.egress);
        rules.filter(|r| r.service.as_ref().is_some_and(|s| serves(s, &way.packet))).any(|rule| match &rule.peer {
            Peer::Group(group) if known(group) => way.known && target.is_some_and(|t| t.groups.contains(group)),
            _ => self.rule(rule, way, false) != Some(false),
        })
    }

    /// Whether the sender's groups let it out to whoever is there, for nobody's group is seen from here on.
    pub(super) fn may_leave(&self, way: &Way) -> bool {
        way.answer || !way.sessions.is_empty() || self.let_out_to(&Way { known: false, ..way.clone() }, None)
    }

    /// Where a packet dies that was let out for others.
    pub(super) fn not_let_out(&self, way: &Way) -> Fate {
        match &way.client {
            End::Interface(id) => Fate::Dies(Where::Groups { interface: id.clone(), inbound: false, packet: way.packet }),
            End::Internet => Fate::Unknown("nobody's groups".into()),
            End::Behind(id) => Fate::Unknown(id.to_string()),
        }
    }

    /// Whether the network ACL of a subnet lets a packet pass.
    pub(super) fn acl(&self, subnet: &Subnet, way: &mut Way, inbound: bool) -> Result<(), Fate> {
        let acls = &self.net.network_acls;
        let acl = acls.iter().find(|a| a.subnets.contains(&subnet.id)).or_else(|| acls.iter().find(|a| a.default && a.vpc == subnet.vpc));
        let Some(acl) = acl else {
            way.doubt.get_or_insert("no ACL".into());
            return Ok(());
        };
        let mut entries: Vec<(usize, &Entry)> = (if inbound { &acl.inbound } else { &acl.outbound }).iter().enumerate().collect();
        entries.sort_by_key(|(_, e)| e.number);
        let packet = way.packet;
        let other = if inbound { packet.source } else { packet.destination };
        match entries.into_iter().find(|(_, e)| e.network.contains_ip(other) && serves(&e.service, &packet)) {
            Some((place, entry)) if entry.allow => {
                way.trail.push(Met::Entry(acl.id.clone(), inbound, place));
                Ok(())
            }
            _ => Err(Fate::Dies(Where::Acl { acl: acl.id.clone(), inbound, packet })),
        }
    }
}
