//! What is made before what: resources and their parts, with the edges of [`Graph`].

use std::collections::BTreeSet;

use crate::{
    graph::{self, Graph},
    picture::{self, Edge, EdgeLook, Node, NodeLook, Picture, within_module},
    resources,
    schema::model::Model,
};

/// The picture of what must stand before what. An edge leads to what is needed; those that follow from others are left out.
#[must_use]
pub fn picture(model: &Model) -> Picture {
    let graph = Graph::build(model.resources.values());
    let nodes = nodes(model, &graph);
    let id = |node: usize| nodes.get(node).map(|b| b.id.clone()).unwrap_or_default();
    let needs = reduced(&graph.needs);
    let edges = needs.iter().map(|(from, to)| Edge { from: id(*from), to: id(*to), label: vec![], look: EdgeLook::Needs });
    let title = model.project.name.clone();
    let mut picture =
        Picture { title, frames: picture::module_frames(model.resources.keys()), edges: edges.collect(), nodes: nodes.clone() };
    picture.nodes.sort_by(|a, b| a.id.cmp(&b.id));
    picture.edges.sort_by(|a, b| (&a.from, &a.to).cmp(&(&b.from, &b.to)));
    picture
}

/// A node for each node, in their order.
fn nodes(model: &Model, graph: &Graph<'_>) -> Vec<Node> {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut found = vec![];
    for node in &graph.nodes {
        let resource = model.resources.get(node.address);
        let part = node.part.and_then(|i| resource?.parts.get(i));
        let within = within_module(node.address.module());
        let Some(part) = part else {
            let look = if resource.is_some_and(|r| r.existing) { NodeLook::Existing } else { NodeLook::Managed };
            found.push(Node { id: node.address.to_string(), label: vec![node.address.to_string()], look, within });
            continue;
        };
        let spec = resources::spec(node.address.kind()).and_then(|s| s.part(part.name));
        let shown = spec.map_or_else(|| part.name.to_owned(), |s| (s.show)(&part.record));
        let ids = (1..).map(|n| if n == 1 { format!("{}: {shown}", node.address) } else { format!("{}: {shown} ({n})", node.address) });
        let id = ids.into_iter().find(|id| taken.insert(id.clone())).unwrap_or_default();
        found.push(Node { id, label: vec![node.address.to_string(), shown], look: NodeLook::Part, within });
    }
    found
}

/// The edges of a graph without those that follow from others: from one node to another that it needs.
///
/// Reachability is kept for 64 nodes at a time, so that memory grows with the number of nodes and not with its square.
fn reduced(needs: &[Vec<usize>]) -> Vec<(usize, usize)> {
    let order = graph::order(needs).unwrap_or_else(|rest| rest);
    let of = |node: usize| needs.get(node).map(Vec::as_slice).unwrap_or_default();
    let mut kept = vec![];
    for first in (0..needs.len()).step_by(64) {
        let bit = |node: usize| node.checked_sub(first).filter(|n| *n < 64).map_or(0, |n| 1_u64 << n);
        // By node: which of the 64 it needs, by way of others or at once.
        let mut reached = vec![0_u64; needs.len()];
        let at = |reached: &[u64], node: usize| reached.get(node).copied().unwrap_or_default();
        for node in &order {
            let all = of(*node).iter().fold(0, |all, need| all | bit(*need) | at(&reached, *need));
            if let Some(slot) = reached.get_mut(*node) {
                *slot = all;
            }
        }
        for node in 0..needs.len() {
            let by_others = of(node).iter().fold(0, |all, need| all | at(&reached, *need));
            kept.extend(of(node).iter().filter(|need| bit(**need) & !by_others != 0).map(|need| (node, *need)));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::reduced;

    #[test]
    fn an_arrow_that_follows_from_others_is_left_out() {
        // 0 <- 1 <- 2, and 2 needs 0 by way of 1; 70 needs all, 2 at once and the rest by way of it.
        let mut needs = vec![vec![], vec![0], vec![0, 1]];
        needs.resize(71, vec![]);
        needs[70] = vec![0, 1, 2, 69];
        assert_eq!(reduced(&needs), [(1, 0), (2, 1), (70, 2), (70, 69)]);
    }
}
