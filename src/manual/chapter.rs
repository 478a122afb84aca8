//! The chapters that people write, in Markdown files beside this one.

use crate::manual::{Group, Page, summary};

/// A chapter: its id, and its text, of which the first line is the heading and the second paragraph the summary.
macro_rules! chapters {
    ($($id:literal),* $(,)?) => { &[$(($id, include_str!(concat!("chapters/", $id, ".md")))),*] };
}

/// Every chapter, in the order in which one reads them. A new one is a file and its name here.
const ALL: &[(&str, &str)] = chapters![
    "start",
    "values",
    "resources",
    "rules",
    "policies",
    "many",
    "projects",
    "modules",
    "changes",
    "state",
    "pictures",
    "three_tiers",
    "editors",
    "machines"
];

/// A page for each.
pub(super) fn pages() -> Vec<Page> {
    ALL.iter().map(|(id, text)| page(id, text)).collect()
}

fn page(id: &str, text: &str) -> Page {
    let (heading, rest) = text.split_once('\n').unwrap_or((text, ""));
    let rest = rest.trim_start();
    Page {
        id: id.to_owned(),
        title: heading.trim_start_matches('#').trim().to_owned(),
        summary: summary(rest),
        group: Group::Guide,
        text: rest.to_owned(),
    }
}
