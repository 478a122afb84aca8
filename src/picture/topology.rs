//! The network as one would draw it: VPCs, their zones, their subnets, what stands in them, and what may pass.

use std::collections::BTreeMap;

use crate::{
    base::address::Address,
    picture::{self, Edge, EdgeLook, Frame, FrameLook, Node, NodeLook, Picture, within_module},
    registry::{Slot, Spec},
    resources,
    schema::{
        model::{Model, Resource, Sentence},
        value::Value,
    },
};

/// Attributes worth a line in a node, where they are written.
const FACTS: &[&str] = &["cidr_block", "ipv6_cidr_block", "private_ip_address", "instance_type"];

/// From, to and look: edges between the same two are one, with all their labels.
type Edges = BTreeMap<(String, String, EdgeLook), Vec<String>>;

/// The picture of the network.
#[must_use]
pub fn picture(model: &Model) -> Picture {
    let mut frames = picture::module_frames(model.resources.keys());
    frames.extend(model.resources.values().filter(|r| r.address.kind() == "vpc").map(vpc));
    let subnets = || model.resources.values().filter(|r| r.address.kind() == "subnet");
    let mut zones: Vec<Frame> = subnets().filter_map(zone).collect();
    zones.sort_by(|a, b| a.id.cmp(&b.id));
    zones.dedup();
    frames.extend(zones);
    frames.extend(subnets().map(subnet));
    let mut nodes: BTreeMap<String, Node> = BTreeMap::new();
    let mut edges = Edges::new();
    for resource in model.resources.values().filter(|r| !is_frame(&r.address)) {
        nodes.insert(resource.address.to_string(), inhabitant(resource, model));
        names(resource, &mut edges);
        governs(resource, &mut edges);
        for (slots, sentence) in resource.sentences.iter().filter_map(|s| Some((slots(resource, s)?, s))) {
            passes(resource, slots, sentence, &mut nodes, &mut edges);
        }
    }
    let edge = |((from, to, look), label)| Edge { from, to, label, look };
    Picture {
        title: model.project.name.clone(),
        frames,
        nodes: nodes.into_values().collect(),
        edges: edges.into_iter().map(edge).collect(),
    }
}

fn is_frame(address: &Address) -> bool {
    matches!(address.kind(), "vpc" | "subnet")
}

fn vpc(resource: &Resource) -> Frame {
    let within = within_module(resource.address.module());
    Frame { id: resource.address.to_string(), label: lines(resource), look: FrameLook::Vpc, within }
}

fn subnet(resource: &Resource) -> Frame {
    let within = zone(resource).map(|z| z.id).or_else(|| resource.reference("vpc").map(Address::to_string));
    let within = within.or_else(|| within_module(resource.address.module()));
    Frame { id: resource.address.to_string(), label: lines(resource), look: FrameLook::Subnet, within }
}

/// The zone that a subnet lies in, where both it and the VPC are written.
fn zone(subnet: &Resource) -> Option<Frame> {
    let (vpc, zone) = (subnet.reference("vpc")?, subnet.record.get("availability_zone")?.as_text()?);
    Some(Frame { id: format!("{vpc} {zone}"), label: vec![zone.to_owned()], look: FrameLook::Zone, within: Some(vpc.to_string()) })
}

/// What is said of a resource: its address, and the facts that are written.
fn lines(resource: &Resource) -> Vec<String> {
    let existing = if resource.existing { "existing " } else { "" };
    let facts = FACTS.iter().filter_map(|name| resource.record.get(*name)).filter(|v| v.is_known() && **v != Value::Null);
    let fact = |v: &Value| v.as_text().map_or_else(|| v.to_string(), str::to_owned);
    std::iter::once(format!("{existing}{}", resource.address)).chain(facts.map(fact)).collect()
}

/// A resource in the subnet or VPC where it stands.
fn inhabitant(resource: &Resource, model: &Model) -> Node {
    let mut label = lines(resource);
    let spec = resources::spec(resource.address.kind());
    // What is no edge is a line: an ACL's entries, which name networks only.
    let plain =
        |head: &str| spec.is_some_and(|s| s.sentences.iter().any(|s| s.head == head && target(s.slots).is_none() && !is_rule(s.slots)));
    for part in resource.parts.iter().filter(|p| plain(p.name)) {
        label.extend(spec.and_then(|s| s.part(part.name)).map(|s| (s.show)(&part.record)));
    }
    let look = if resource.existing { NodeLook::Existing } else { NodeLook::Managed };
    let within = subnet_of(resource, spec, model).or_else(|| resource.reference("vpc")).map(Address::to_string);
    let within = within.or_else(|| within_module(resource.address.module()));
    Node { id: resource.address.to_string(), label, look, within }
}

/// The subnet in which a resource is placed; an instance may be so by way of its interface.
fn subnet_of<'m>(resource: &'m Resource, spec: Option<&Spec>, model: &'m Model) -> Option<&'m Address> {
    let placed_in = spec?.placed_in;
    let at_once = placed_in.iter().find_map(|attribute| resource.reference(attribute));
    let others = resource.record.values().filter_map(Value::as_resource).filter_map(|a| model.resources.get(a));
    let by_way = || others.filter(|r| !is_frame(&r.address)).find_map(|r| placed_in.iter().find_map(|a| r.reference(a)));
    if placed_in.is_empty() { None } else { at_once.or_else(by_way) }
}

/// Edges to the resources that attributes name, but for those it lies in.
fn names(resource: &Resource, edges: &mut Edges) {
    let mut named = vec![];
    resource.record.iter().filter(|(name, _)| *name != "tags").for_each(|(_, value)| value.resources(&mut named));
    for other in named.iter().filter(|a| !is_frame(a) && **a != resource.address) {
        edges.entry((resource.address.to_string(), other.to_string(), EdgeLook::Names)).or_default();
    }
}

/// Edges from tables and ACLs to their subnets.
fn governs(resource: &Resource, edges: &mut Edges) {
    let spec = resources::spec(resource.address.kind());
    for part in &resource.parts {
        let member = spec.and_then(|s| s.part(part.name)).and_then(|p| p.governs);
        if let Some(subnet) = member.and_then(|m| part.record.get(m)).and_then(Value::as_resource) {
            edges.entry((resource.address.to_string(), subnet.to_string(), EdgeLook::Governs)).or_default();
        }
    }
}

fn slots(resource: &Resource, sentence: &Sentence) -> Option<&'static [Slot]> {
    let specs = resources::spec(resource.address.kind())?.sentences;
    specs.iter().find(|s| s.head == sentence.head).map(|s| s.slots)
}

fn target(slots: &[Slot]) -> Option<&'static str> {
    slots.iter().find_map(|s| if let Slot::Target(name, _) = s { Some(*name) } else { None })
}

/// Whether resources may be among the peers: a group's rule, not an ACL's entry.
fn is_rule(slots: &[Slot]) -> bool {
    slots.iter().any(|s| matches!(s, Slot::Peers(_, kinds) if !kinds.is_empty()))
}

/// The edges of a route or rule. Networks that a rule names become nodes of their own.
fn passes(resource: &Resource, slots: &[Slot], sentence: &Sentence, nodes: &mut BTreeMap<String, Node>, edges: &mut Edges) {
    let own = resource.address.to_string();
    let mut peers = slots.iter().filter_map(|s| if let Slot::Peers(name, _) = s { Some(sentence.get(name).elements()) } else { None });
    let peers = peers.next().unwrap_or_default();
    let text = |values: &[Value]| values.iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
    if let Some(target) = target(slots) {
        let to = sentence.get(target).as_resource().map_or_else(|| sentence.get(target).to_string(), Address::to_string);
        edges.entry((own, to, EdgeLook::Route)).or_default().push(text(peers));
        return;
    }
    if !is_rule(slots) {
        return;
    }
    let inwards = slots.contains(&Slot::Word("from"));
    let services = slots.iter().filter_map(|s| if let Slot::Services(name) = s { Some(text(sentence.get(name).elements())) } else { None });
    let service = services.collect::<Vec<_>>().join(", ");
    for peer in peers {
        let mut other = peer.to_string();
        if peer.as_resource().is_none() {
            // Apart for each VPC's rules nothing would be gained: the same network is the same node.
            other = format!("network {other}");
            let outside = Node { id: other.clone(), label: vec![peer.to_string()], look: NodeLook::Outside, within: None };
            nodes.entry(other.clone()).or_insert(outside);
        }
        let (from, to) = if inwards { (other, own.clone()) } else { (own.clone(), other) };
        edges.entry((from, to, EdgeLook::Rule)).or_default().push(service.clone());
    }
}
