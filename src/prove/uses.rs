//! Who uses a rule of a security group: what gets through if no other rule of its direction were there. Layer 5.

use std::collections::BTreeSet;

use crate::{
    base::span::Span,
    net::{Id, Interface, Net, Origin, Owner, Peer, Rule},
    prove::{
        chart::Chart,
        reach::{Flow, delta},
    },
};

/// How many interfaces may have to do with one rule: each is held against each, and nobody waits for more while he types.
const INTERFACES_MAX: usize = 100;

/// What gets through by a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uses {
    /// Whether it lets in, or else out.
    pub inbound: bool,
    /// Which flows; `None`: too many have to do with it.
    pub flows: Option<Vec<Flow>>,
}

/// What gets through by the rule at a place in the sources; `None` where none stands there.
///
/// A flow that two rules let through is one of each.
#[must_use]
pub fn uses(net: &Net, rule: Span) -> Option<Uses> {
    let here = |r: &Rule| r.origin == Origin::Source(rule);
    let inbound = net.security_groups.iter().any(|g| g.ingress.iter().any(here));
    if !inbound && !net.security_groups.iter().any(|g| g.egress.iter().any(here)) {
        return None;
    }
    let mut lone = net.clone();
    for group in &mut lone.security_groups {
        let side = if inbound { &mut group.ingress } else { &mut group.egress };
        side.retain(here);
    }
    let carried: BTreeSet<Id> = lone.security_groups.iter().filter(|g| !side(g, inbound).is_empty()).map(|g| g.id.clone()).collect();
    let peers: Vec<Peer> = lone.security_groups.iter().flat_map(|g| side(g, inbound)).map(|r| r.peer.clone()).collect();
    lone.interfaces.retain(|i| !is_machine(i) || i.groups.iter().any(|g| carried.contains(g)) || peers.iter().any(|p| may_be(i, p)));
    if lone.interfaces.len() > INTERFACES_MAX {
        return Some(Uses { inbound, flows: None });
    }
    let nothing = Net::default();
    let found = delta(&Chart::new(&nothing), &Chart::new(&lone));
    let mut flows: Vec<Flow> = found.added.into_iter().chain(found.unknown).collect();
    // What carries no group of the project's is filtered by none.
    flows.retain(|flow| flow.lines.iter().any(|line| line.origin == Origin::Source(rule)));
    Some(Uses { inbound, flows: Some(flows) })
}

fn side(group: &crate::net::SecurityGroup, inbound: bool) -> &[Rule] {
    if inbound { &group.ingress } else { &group.egress }
}

/// Whether it begins and ends flows by itself: gateways only hand on.
fn is_machine(interface: &Interface) -> bool {
    matches!(interface.owner, Owner::Instance { .. } | Owner::Other(_) | Owner::Nobody | Owner::Endpoint(_))
}

fn may_be(interface: &Interface, peer: &Peer) -> bool {
    match peer {
        Peer::Network(cidr) => {
            interface.addresses.iter().any(|a| cidr.contains(a.private) || a.private.contains(*cidr) || a.public.is_some())
        }
        Peer::Group(id) | Peer::Stale(id) => interface.groups.contains(id),
        Peer::PrefixList(_) => true,
    }
}
