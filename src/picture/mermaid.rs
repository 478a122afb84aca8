//! A picture in Mermaid's language, which Markdown viewers draw: <https://mermaid.js.org/syntax/flowchart.html>.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::picture::{Contents, EdgeLook, Frame, Node, NodeLook, Picture};

/// Writes a picture as a flowchart with nested subgraphs.
#[must_use]
pub fn write(picture: &Picture) -> String {
    let ranks = if picture.edges.iter().any(|a| a.look == EdgeLook::Needs) { "RL" } else { "LR" };
    let mut out = format!("---\ntitle: {}\n---\nflowchart {ranks}\n", escaped(&picture.title));
    let contents = picture.contents();
    inside(None, &contents, 1, &mut out);
    for edge in &picture.edges {
        let line = match edge.look {
            EdgeLook::Needs | EdgeLook::Rule => "-->",
            EdgeLook::Route => "==>",
            EdgeLook::Governs => "-.-",
            EdgeLook::Names => "-.->",
        };
        let label = if edge.label.is_empty() { String::new() } else { format!("|{}|", label(&edge.label)) };
        let _ = writeln!(out, "  {} {line}{label} {}", id(&edge.from), id(&edge.to));
    }
    out.push_str("  classDef existing stroke-dasharray: 5 5\n");
    out
}

fn inside(frame: Option<&Frame>, all: &BTreeMap<Option<&str>, Contents<'_>>, depth: usize, out: &mut String) {
    let pad = "  ".repeat(depth);
    let Some(contents) = all.get(&frame.map(|f| f.id.as_str())) else { return };
    for frame in &contents.frames {
        let _ = writeln!(out, "{pad}subgraph {}[{}]", id(&frame.id), label(&frame.label));
        inside(Some(frame), all, depth + 1, out);
        let _ = writeln!(out, "{pad}end");
    }
    for Node { id: name, label: lines, look, .. } in &contents.nodes {
        let (open, close) = match look {
            NodeLook::Managed | NodeLook::Existing => ("[", "]"),
            NodeLook::Part => ("(", ")"),
            NodeLook::Outside => ("([", "])"),
        };
        let class = if *look == NodeLook::Existing { ":::existing" } else { "" };
        let _ = writeln!(out, "{pad}{}{open}{}{close}{class}", id(name), label(lines));
    }
}

/// An id of letters, digits and `_` alone, which no other text gives; none is a word of Mermaid's, such as `end`.
fn id(text: &str) -> String {
    let mut out = String::from("n_");
    for c in text.chars() {
        match c {
            c if c.is_ascii_alphanumeric() => out.push(c),
            '_' => out.push_str("__"),
            '.' => out.push_str("_d"),
            other => {
                let _ = write!(out, "_x{:x}_", u32::from(other));
            }
        }
    }
    out
}

/// Lines under each other, in quotes.
fn label(lines: &[String]) -> String {
    format!("\"{}\"", lines.iter().map(|l| escaped(l)).collect::<Vec<_>>().join("<br/>"))
}

/// Mermaid takes characters by number; a backtick would make the text Markdown.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' | '#' | '<' | '>' | '&' | '`' | ';' | '\\' => {
                let _ = write!(out, "#{};", u32::from(c));
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{id, label};

    #[test]
    fn a_text_cannot_leave_its_quotes() {
        assert_eq!(label(&["a[\"x\"] <b>".into(), "`two`;\n".into()]), "\"a[#34;x#34;] #60;b#62;<br/>#96;two#96;#59; \"");
    }

    #[test]
    fn different_texts_have_different_ids() {
        let all = ["a.b", "a_b", "a_db", "a__b", "a[b]", "a_x5b_b", "end", "a-b", "\u{e9}"].map(id);
        let distinct: std::collections::BTreeSet<&String> = all.iter().collect();
        assert_eq!(distinct.len(), all.len(), "{all:?}");
        assert!(all.iter().all(|i| i.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')), "{all:?}");
    }
}
