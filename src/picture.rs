//! Pictures of a project: nodes within frames, and edges. Layer 5; knows no plan and draws nothing that EC2 has told.
//!
//! [`dependency`] and [`topology`] say what is in a picture; [`dot`] and [`mermaid`] write it down for Graphviz and Mermaid.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::base::address::Address;

pub mod dependency;
pub mod dot;
pub mod mermaid;
pub mod topology;

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Picture {
    /// Its title.
    pub title: String,
    /// Frames, each after the one that it lies in.
    pub frames: Vec<Frame>,
    /// Nodes, in order of their ids.
    pub nodes: Vec<Node>,
    /// Edges between nodes; one may end at a frame.
    pub edges: Vec<Edge>,
}

/// A frame around nodes and other frames.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Frame {
    /// `vpc.main`; unlike that of any node.
    pub id: String,
    /// Lines of text.
    pub label: Vec<String>,
    /// What it stands for.
    pub look: FrameLook,
    /// The frame that it lies in.
    pub within: Option<String>,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    /// `instance.server`
    pub id: String,
    /// Lines of text.
    pub label: Vec<String>,
    /// What it stands for.
    pub look: NodeLook,
    /// The frame that it lies in.
    pub within: Option<String>,
}

/// From one thing to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// Id of a node.
    pub from: String,
    /// Id of a node or frame.
    pub to: String,
    /// Lines of text; may be none.
    pub label: Vec<String>,
    /// What it stands for.
    pub look: EdgeLook,
}

/// What a frame stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FrameLook {
    /// A module.
    Module,
    /// A VPC.
    Vpc,
    /// An availability zone of a VPC.
    Zone,
    /// A subnet.
    Subnet,
}

/// What a node stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeLook {
    /// A resource that the project manages.
    Managed,
    /// A resource that it only reads.
    Existing,
    /// A part of a resource.
    Part,
    /// Networks and addresses that are no resource.
    Outside,
}

/// What an edge stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EdgeLook {
    /// The first needs the second, which is made before it.
    Needs,
    /// Packets for what the label says go there.
    Route,
    /// What the label says may pass.
    Rule,
    /// The first holds for the second.
    Governs,
    /// The first names the second.
    Names,
}

impl Picture {
    /// What lies in each frame, and under `None` what lies in none.
    fn contents(&self) -> BTreeMap<Option<&str>, Contents<'_>> {
        let mut found: BTreeMap<Option<&str>, Contents<'_>> = BTreeMap::new();
        for frame in &self.frames {
            found.entry(frame.within.as_deref()).or_default().frames.push(frame);
        }
        for one in &self.nodes {
            found.entry(one.within.as_deref()).or_default().nodes.push(one);
        }
        found
    }
}

/// What lies in a frame.
#[derive(Default)]
struct Contents<'p> {
    frames: Vec<&'p Frame>,
    nodes: Vec<&'p Node>,
}

/// A frame for each module that one of these lies in, and for each module around those.
fn module_frames<'a>(addresses: impl Iterator<Item = &'a Address>) -> Vec<Frame> {
    let mut modules: BTreeSet<&str> = BTreeSet::new();
    for address in addresses {
        let mut module = address.module();
        while !module.is_empty() && modules.insert(module) {
            module = around(module);
        }
    }
    // A module's path begins with that of the one around it, so that one comes first.
    let frame = |module: &str| Frame {
        id: module.to_owned(),
        label: vec![module.get(around(module).len()..).unwrap_or(module).trim_start_matches('.').to_owned()],
        look: FrameLook::Module,
        within: within_module(around(module)),
    };
    modules.into_iter().map(frame).collect()
}

/// The frame of a module; none at the top.
fn within_module(module: &str) -> Option<String> {
    (!module.is_empty()).then(|| module.to_owned())
}

/// The module around a module: `module.edge` of `module.edge.module.inner`. A key may hold any text, dots too.
fn around(module: &str) -> &str {
    let ends = module.rmatch_indices(".module.").map(|(at, _)| at);
    let mut outer = ends.filter_map(|at| module.get(..at));
    outer.find(|path| Address::parse(&format!("{path}.a.b")).is_some_and(|a| a.module() == *path)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_lie_within_modules() {
        let addresses = [
            Address::parse("vpc.main").expect("an address"),
            Address::parse("module.edge[\"x.module.y\"].module.inner.vpc.main").expect("an address"),
        ];
        let frames = module_frames(addresses.iter());
        let shown: Vec<_> = frames.iter().map(|f| (f.label.concat(), f.within.clone().unwrap_or_default())).collect();
        let outer = "module.edge[\"x.module.y\"]".to_owned();
        assert_eq!(shown, [(outer.clone(), String::new()), ("module.inner".to_owned(), outer)]);
    }
}
