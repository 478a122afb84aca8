//! What the messages mean: a page for each area, from their codes.

use std::fmt::Write as _;

use crate::{
    base::{codes, diagnostic::Code},
    manual::{Group, Page},
};

/// The areas: how their codes begin, and what they are about.
const AREAS: &[(&str, &str)] = &[
    ("E01", "Syntax"),
    ("E02", "Names, types and values"),
    ("E03", "The network as a whole"),
    ("E04", "State and journal"),
    ("E05", "Apply"),
    ("E06", "The environment"),
    ("E07", "Plans"),
    ("E08", "Proofs"),
    ("E09", "Policies that are waived or imposed"),
];

/// A page for each area; warnings stand with the errors of theirs.
pub(super) fn pages() -> Vec<Page> {
    AREAS.iter().map(|(area, title)| page(area, title)).collect()
}

/// The page of a code: warnings stand with the errors of theirs.
pub(super) fn area(code: &Code) -> String {
    format!("E{}", code.id.get(1..3).unwrap_or_default())
}

fn page(area: &str, title: &str) -> Page {
    let number = area.trim_start_matches('E');
    let all: Vec<_> = codes::all().filter(|c| c.id.get(1..3) == Some(number)).collect();
    let mut text = String::new();
    for code in &all {
        let _ = write!(text, "## {}: {}\n\n{}\n\n", code.id, code.title, code.explanation.trim());
    }
    let ends = [all.first(), all.last()].map(|c| c.map_or(area, |c| c.id));
    let summary = format!("what {} to {} mean, and the way out of each", ends[0], ends[1]);
    Page { id: area.to_owned(), title: format!("{area}: {}", title.to_lowercase()), summary, group: Group::Messages, text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manual::site;

    #[test]
    fn every_code_has_a_page() {
        let pages = pages();
        for code in codes::all() {
            let found = crate::manual::find(&pages, code.id);
            assert!(found.is_some_and(|t| t.markdown().contains(code.explanation.trim())), "{}: add its area to AREAS", code.id);
            assert_eq!(Some(site::of_code(code)), site::link(&pages, code.id));
        }
    }
}
