//! What must stand before what. Layer 5: nodes are resources and their parts; knows no plan.
//!
//! Edges come from references and from what EC2 is known to need: whatever is placed in a subnet waits for the subnet's
//! table, routes, ACL and gateway. Two groups that name each other are no cycle, since their rules are nodes of their own.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::address::Address,
    registry::{PartSpec, Spec},
    resources,
    schema::{attr::Change, model::Resource, value::Value},
};

/// Index of a node.
pub type NodeId = usize;

/// A resource, or one of its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node<'a> {
    /// The resource.
    pub address: &'a Address,
    /// Which of its parts, as an index into [`Resource::parts`]; `None` for the resource itself.
    pub part: Option<usize>,
}

/// The graph of a set of resources.
#[derive(Debug, Default)]
pub struct Graph<'a> {
    /// Resources in order of their addresses, each followed by its parts.
    pub nodes: Vec<Node<'a>>,
    /// What each node needs.
    pub needs: Vec<Vec<NodeId>>,
    things: BTreeMap<&'a Address, (NodeId, &'a Resource)>,
    /// By hub and VPC: what joins the one to the other.
    joints: BTreeMap<(&'a Address, &'a Address), Vec<NodeId>>,
    /// How many edges lead to each node.
    needed: Vec<usize>,
}

impl<'a> Graph<'a> {
    /// The graph of these resources; a reference to one that is not among them gives no edge.
    #[must_use]
    pub fn build(resources: impl IntoIterator<Item = &'a Resource>) -> Self {
        let mut graph = Self::default();
        for resource in resources {
            let id = graph.nodes.len();
            graph.things.insert(&resource.address, (id, resource));
            graph.nodes.push(Node { address: &resource.address, part: None });
            graph.nodes.extend((0..resource.parts.len()).map(|part| Node { address: &resource.address, part: Some(part) }));
        }
        graph.needs = vec![vec![]; graph.nodes.len()];
        graph.needed = vec![0; graph.nodes.len()];
        let things: Vec<(NodeId, &Resource)> = graph.things.values().copied().collect();
        for (id, resource) in &things {
            let joins = resources::spec(resource.address.kind()).and_then(|spec| spec.joins);
            if let Some((hub, vpc)) = joins.and_then(|(hub, vpc)| Some((resource.reference(hub)?, resource.reference(vpc)?))) {
                graph.joints.entry((hub, vpc)).or_default().push(*id);
            }
        }
        for (id, resource) in &things {
            graph.references(*id, resource);
        }
        for (id, resource) in &things {
            graph.governing_last(*id, resource);
        }
        let governors = graph.governors();
        for (id, resource) in &things {
            graph.placement(*id, resource, &governors);
        }
        graph.needs.iter_mut().for_each(|needs| {
            needs.sort_unstable();
            needs.dedup();
        });
        graph
    }

    /// The node of a resource.
    #[must_use]
    pub fn thing(&self, address: &Address) -> Option<NodeId> {
        self.things.get(address).map(|(id, _)| *id)
    }

    /// What each resource needs, it or one of its parts.
    #[must_use]
    pub fn needs_by_address(&self) -> BTreeMap<Address, BTreeSet<Address>> {
        let mut found: BTreeMap<Address, BTreeSet<Address>> = BTreeMap::new();
        for (node, needs) in self.nodes.iter().zip(&self.needs) {
            let others = needs.iter().map(|n| self.nodes[*n].address).filter(|a| *a != node.address);
            found.entry(node.address.clone()).or_default().extend(others.cloned());
        }
        found
    }

    /// The resources, each after all that its attributes refer to.
    ///
    /// Resources on a cycle, which the resolver has reported, are left out.
    #[must_use]
    pub fn resources_in_order(&self) -> Vec<&'a Resource> {
        let mut needs: BTreeMap<&Address, Vec<&Address>> = BTreeMap::new();
        for (id, resource) in self.things.values() {
            let others = self.needs[*id].iter().filter_map(|n| self.nodes.get(*n)).filter(|n| n.address != &resource.address);
            needs.entry(&resource.address).or_default().extend(others.filter(|n| n.part.is_none()).map(|n| n.address));
        }
        let index: BTreeMap<&Address, usize> = needs.keys().enumerate().map(|(i, a)| (*a, i)).collect();
        let edges: Vec<Vec<usize>> = needs.values().map(|n| n.iter().filter_map(|a| index.get(a).copied()).collect()).collect();
        let order = order(&edges).unwrap_or_else(|rest| rest);
        let addresses: Vec<&Address> = needs.keys().copied().collect();
        order.into_iter().filter_map(|i| addresses.get(i)).filter_map(|a| self.things.get(*a)).map(|(_, r)| *r).collect()
    }

    /// Edges from references: of a resource to what its attributes name, of a part to its owner and what it names.
    fn references(&mut self, id: NodeId, resource: &'a Resource) {
        let Some(spec) = resources::spec(resource.address.kind()) else { return };
        let mut named = resource.after.clone();
        for (name, value) in &resource.record {
            if spec.attr(name).is_none_or(|a| a.change != Change::Parts) {
                value.resources(&mut named);
            }
        }
        self.need_all(id, &resource.address, &named);
        for (i, part) in resource.parts.iter().enumerate() {
            let part_id = id + 1 + i;
            self.need(part_id, id);
            let mut named = vec![];
            part.record.values().for_each(|value| value.resources(&mut named));
            self.need_all(part_id, &resource.address, &named);
            if let Some(vpc) = resource.reference("vpc").filter(|_| !self.joints.is_empty()) {
                let joints: Vec<NodeId> = named.iter().filter_map(|hub| self.joints.get(&(hub, vpc))).flatten().copied().collect();
                joints.into_iter().for_each(|joint| self.need(part_id, joint));
            }
            if spec.made_with.contains(&part.name) {
                self.need_all(id, &resource.address, &named);
            }
        }
    }

    fn need_all(&mut self, id: NodeId, owner: &Address, named: &[Address]) {
        for address in named.iter().filter(|a| *a != owner) {
            let Some((thing, other)) = self.things.get(address).copied() else { continue };
            self.need(id, thing);
            for (part, spec) in parts_of(other) {
                if spec.essential {
                    self.need(id, thing + 1 + part);
                }
            }
        }
    }

    /// What puts an owner in force for a subnet comes after the owner's other parts: no half-written table or ACL is ever in force.
    fn governing_last(&mut self, id: NodeId, resource: &'a Resource) {
        let (governing, others): (Vec<_>, Vec<_>) = parts_of(resource).partition(|(_, spec)| spec.governs.is_some());
        for (part, _) in governing {
            for (other, _) in &others {
                self.need(id + 1 + part, id + 1 + other);
            }
        }
    }

    /// By subnet: every part that must stand before anything is placed in it.
    fn governors(&self) -> BTreeMap<&'a Address, Vec<NodeId>> {
        let mut found: BTreeMap<&Address, Vec<NodeId>> = BTreeMap::new();
        let mut attachments: BTreeMap<&Address, Vec<NodeId>> = BTreeMap::new();
        for (id, resource) in self.things.values() {
            for (part, spec) in parts_of(resource) {
                let record = &resource.parts[part].record;
                if let Some(subnet) = spec.governs.and_then(|member| record.get(member)).and_then(Value::as_resource) {
                    found.entry(subnet).or_default().extend((0..resource.parts.len()).map(|p| id + 1 + p));
                }
                if spec.essential {
                    for to in record.values().filter_map(Value::as_resource) {
                        attachments.entry(to).or_default().push(id + 1 + part);
                    }
                }
            }
        }
        self.main_governors(&mut found);
        for (address, (_, resource)) in &self.things {
            if let Some(gateways) = resource.reference("vpc").and_then(|vpc| attachments.get(vpc)) {
                found.entry(address).or_default().extend(gateways);
            }
        }
        found
    }

    /// What AWS gives a VPC governs the subnets that nothing of its kind names.
    fn main_governors(&self, found: &mut BTreeMap<&'a Address, Vec<NodeId>>) {
        let governing = |r: &Resource| {
            resources::spec(resources::taken_for(r.address.kind())).is_some_and(|s| s.parts.iter().any(|p| p.governs.is_some()))
        };
        let given = |r: &Resource| resources::spec(r.address.kind()).is_some_and(|s| s.stands_for.is_some());
        for (id, resource) in self.things.values().filter(|(_, r)| given(r) && governing(r)) {
            let kind = resources::taken_for(resource.address.kind());
            let holders = self.things.values().filter(|(_, r)| resources::taken_for(r.address.kind()) == kind);
            let named: std::collections::BTreeSet<&Address> = holders
                .flat_map(|(_, holder)| parts_of(holder).filter_map(|(i, s)| holder.parts[i].record.get(s.governs?)?.as_resource()))
                .collect();
            for (address, (_, subnet)) in self.things.iter().filter(|(a, _)| a.kind() == "subnet" && !named.contains(*a)) {
                if subnet.reference("vpc").is_some() && subnet.reference("vpc") == resource.reference("vpc") {
                    found.entry(address).or_default().extend((0..=resource.parts.len()).map(|p| id + p));
                }
            }
        }
    }

    /// What is placed in a subnet waits for what governs the subnet, and for all parts of what it refers to (its groups' rules).
    fn placement(&mut self, id: NodeId, resource: &'a Resource, governors: &BTreeMap<&'a Address, Vec<NodeId>>) {
        let Some(spec) = resources::spec(resource.address.kind()).filter(|s| !s.placed_in.is_empty()) else { return };
        let subnets = spec.placed_in.iter().filter_map(|attr| resource.reference(attr));
        let mut wanted: Vec<NodeId> = subnets.filter_map(|s| governors.get(s)).flatten().copied().collect();
        let mut named = vec![];
        resource.record.values().for_each(|value| value.resources(&mut named));
        for (thing, other) in named.iter().filter_map(|a| self.things.get(a)) {
            wanted.extend((0..other.parts.len()).map(|part| thing + 1 + part));
        }
        wanted.sort_unstable();
        wanted.dedup();
        for part in wanted {
            // A route to an appliance in the very subnet that it governs waits for the appliance, not the other way round.
            if !self.is_needed(id, resource.parts.len()) || !self.reaches(part, id) {
                self.need(id, part);
            }
        }
    }

    fn need(&mut self, id: NodeId, other: NodeId) {
        self.needs[id].push(other);
        self.needed[other] += 1;
    }

    /// Whether anything but its own parts needs a resource or one of them: if not, there is no way to it to look for.
    fn is_needed(&self, id: NodeId, parts: usize) -> bool {
        self.needed[id] > parts || (1..=parts).any(|part| self.needed[id + part] > 0)
    }

    fn reaches(&self, from: NodeId, to: NodeId) -> bool {
        let mut seen = std::collections::BTreeSet::from([from]);
        let mut stack = vec![from];
        while let Some(node) = stack.pop() {
            if node == to {
                return true;
            }
            stack.extend(self.needs[node].iter().filter(|n| seen.insert(**n)));
        }
        false
    }
}

/// The parts of a resource with their specs.
fn parts_of(resource: &Resource) -> impl Iterator<Item = (usize, &'static PartSpec)> {
    let spec: Option<&'static Spec> = resources::spec(resource.address.kind());
    resource.parts.iter().enumerate().filter_map(move |(i, part)| Some((i, spec?.part(part.name)?)))
}

/// Puts `0..edges.len()` in an order in which each comes after all that it needs; among the free ones the lowest first.
///
/// # Errors
/// There is a cycle: holds those that could be ordered.
pub fn order(edges: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    let mut missing: Vec<usize> = edges.iter().map(Vec::len).collect();
    let mut dependents: Vec<Vec<usize>> = vec![vec![]; edges.len()];
    for (node, needs) in edges.iter().enumerate() {
        for need in needs {
            dependents[*need].push(node);
        }
    }
    let mut free: std::collections::BinaryHeap<std::cmp::Reverse<usize>> =
        missing.iter().enumerate().filter(|(_, m)| **m == 0).map(|(i, _)| std::cmp::Reverse(i)).collect();
    let mut ordered = Vec::with_capacity(edges.len());
    while let Some(std::cmp::Reverse(node)) = free.pop() {
        ordered.push(node);
        for dependent in &dependents[node] {
            missing[*dependent] -= 1;
            if missing[*dependent] == 0 {
                free.push(std::cmp::Reverse(*dependent));
            }
        }
    }
    if ordered.len() == edges.len() { Ok(ordered) } else { Err(ordered) }
}
