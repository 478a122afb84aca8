//! A picture in Graphviz's language: <https://graphviz.org/doc/info/lang.html>.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::picture::{Contents, Edge, EdgeLook, Frame, FrameLook, Node, NodeLook, Picture};

/// Writes a picture as a directed graph with nested clusters.
#[must_use]
pub fn write(picture: &Picture) -> String {
    let mut out = format!("digraph {} {{\n", quoted(&picture.title));
    let ranks = if picture.edges.iter().any(|a| a.look == EdgeLook::Needs) { "RL" } else { "LR" };
    let _ = writeln!(out, "  graph [compound=true, rankdir={ranks}, fontname=\"sans-serif\"]");
    out.push_str("  node [shape=box, fontname=\"sans-serif\", fontsize=11]\n");
    out.push_str("  edge [fontname=\"sans-serif\", fontsize=10]\n");
    let contents = picture.contents();
    inside(None, &contents, 1, &mut out);
    let parents: BTreeMap<&str, Option<&str>> = picture
        .frames
        .iter()
        .map(|f| (f.id.as_str(), f.within.as_deref()))
        .chain(picture.nodes.iter().map(|b| (b.id.as_str(), b.within.as_deref())))
        .collect();
    let is_frame = |id: &str| picture.frames.iter().any(|f| f.id == id);
    for edge in &picture.edges {
        // Graphviz warns of an edge that ends at a cluster in which it begins.
        let into = is_frame(&edge.to) && !lies_in(&edge.from, &edge.to, &parents);
        edge_line(edge, into, &mut out);
    }
    out.push_str("}\n");
    out
}

fn lies_in(id: &str, frame: &str, parents: &BTreeMap<&str, Option<&str>>) -> bool {
    let mut at = parents.get(id).copied().flatten();
    while let Some(parent) = at {
        if parent == frame {
            return true;
        }
        at = parents.get(parent).copied().flatten();
    }
    false
}

fn inside(frame: Option<&Frame>, all: &BTreeMap<Option<&str>, Contents<'_>>, depth: usize, out: &mut String) {
    let pad = "  ".repeat(depth);
    let Some(contents) = all.get(&frame.map(|f| f.id.as_str())) else { return };
    for frame in &contents.frames {
        let _ = writeln!(out, "{pad}subgraph {} {{", quoted(&cluster(&frame.id)));
        let _ = writeln!(out, "{pad}  label={}; {}", label(&frame.label), frame_look(frame.look));
        // An edge to a cluster needs something in it to end at.
        let _ = writeln!(out, "{pad}  {} [shape=point, style=invis]", quoted(&frame.id));
        inside(Some(frame), all, depth + 1, out);
        let _ = writeln!(out, "{pad}}}");
    }
    for Node { id, label: lines, look, .. } in &contents.nodes {
        let _ = writeln!(out, "{pad}{} [label={}{}]", quoted(id), label(lines), node_look(*look));
    }
}

fn edge_line(edge: &Edge, into: bool, out: &mut String) {
    let mut attributes = vec![];
    if !edge.label.is_empty() {
        attributes.push(format!("label={}", label(&edge.label)));
    }
    if into {
        attributes.push(format!("lhead={}", quoted(&cluster(&edge.to))));
    }
    match edge.look {
        EdgeLook::Needs | EdgeLook::Rule => {}
        EdgeLook::Route => attributes.push("penwidth=2".into()),
        EdgeLook::Governs => attributes.push("style=dashed, arrowhead=none".into()),
        EdgeLook::Names => attributes.push("style=dotted, arrowhead=open".into()),
    }
    let attributes = if attributes.is_empty() { String::new() } else { format!(" [{}]", attributes.join(", ")) };
    let _ = writeln!(out, "  {} -> {}{attributes}", quoted(&edge.from), quoted(&edge.to));
}

fn frame_look(look: FrameLook) -> &'static str {
    match look {
        FrameLook::Module => "style=\"rounded,dashed\"; color=\"#6b7280\"",
        FrameLook::Vpc => "style=rounded; color=\"#7c3aed\"; penwidth=2",
        FrameLook::Zone => "style=dashed; color=\"#2563eb\"",
        FrameLook::Subnet => "style=\"rounded,filled\"; color=\"#15803d\"; fillcolor=\"#f0fdf4\"",
    }
}

fn node_look(look: NodeLook) -> &'static str {
    match look {
        NodeLook::Managed => "",
        NodeLook::Existing => ", style=dashed",
        NodeLook::Part => ", style=rounded",
        NodeLook::Outside => ", shape=ellipse",
    }
}

/// Graphviz takes a subgraph for a cluster by how its name begins.
fn cluster(id: &str) -> String {
    format!("cluster {id}")
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// Lines under each other.
fn label(lines: &[String]) -> String {
    format!("\"{}\"", lines.iter().map(|l| escaped(l)).collect::<Vec<_>>().join("\\n"))
}

/// Between double quotes a backslash begins an escape; a line that ends there would go on.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::{label, quoted};

    #[test]
    fn a_text_cannot_leave_its_quotes() {
        assert_eq!(quoted("a\\N \"b\"\n\"c"), r#""a\\N \"b\" \"c""#);
        assert_eq!(label(&["subnet.a[\"x\"]".into(), "two".into()]), r#""subnet.a[\"x\"]\ntwo""#);
    }
}
