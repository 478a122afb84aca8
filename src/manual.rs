//! The manual: what `secnet docs` shows and the site holds. Layer 6; made of the Specs, the messages and written chapters.
//!
//! Everything is a [`Page`] of Markdown first; [`site`] turns pages into HTML, [`terminal`] into lines. A link in a page
//! names a topic, as one would ask for it: `[subnets](subnet)`, `[entries](network_acl.in)`.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Parser, Tag, TagEnd};

pub mod chapter;
pub mod example;
pub mod function;
pub mod message;
pub mod resource;
pub mod site;
pub mod terminal;

/// Where a page stands in the list of pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Written by people.
    Guide,
    /// One for each type, from its Spec.
    Resources,
    /// What can be called, and with what.
    Reference,
    /// Diagnostic codes, by area.
    Messages,
}

impl Group {
    /// Every group, in order.
    pub const ALL: [Group; 4] = [Group::Guide, Group::Resources, Group::Reference, Group::Messages];

    /// What it is called.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Group::Guide => "The language",
            Group::Resources => "Resource types",
            Group::Reference => "Functions and commands",
            Group::Messages => "Messages",
        }
    }
}

/// A page of the manual.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// What one asks for, and the name of its file: `subnet`, `policies`, `E03`.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// One line.
    pub summary: String,
    /// Where it stands.
    pub group: Group,
    /// Markdown, without the heading; its own headings are of the second level and below.
    pub text: String,
}

/// A piece of a page: what stands under one heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// What one asks for, after the page and a dot; unique in the page.
    pub id: String,
    /// The heading, as plain text.
    pub title: String,
    /// Where it stands in the page's text, heading and all that is under it.
    pub range: Range<usize>,
    level: HeadingLevel,
}

/// What somebody asked for.
#[derive(Debug, Clone)]
pub struct Topic<'m> {
    /// The page that holds it.
    pub page: &'m Page,
    /// The piece of it that was meant, where not the whole.
    pub section: Option<Section>,
}

impl Topic<'_> {
    /// Its Markdown, with its heading.
    #[must_use]
    pub fn markdown(&self) -> String {
        match &self.section {
            Some(section) => self.page.text.get(section.range.clone()).unwrap_or_default().to_owned(),
            None => format!("# {}\n\n{}", self.page.title, self.page.text),
        }
    }

    /// What it is called.
    #[must_use]
    pub fn title(&self) -> &str {
        self.section.as_ref().map_or(&self.page.title, |s| &s.title)
    }
}

impl Page {
    /// The pieces of the page, in order; one of a lower level lies in the one before.
    #[must_use]
    pub fn sections(&self) -> Vec<Section> {
        let mut found: Vec<Section> = vec![];
        let mut open = None;
        for (event, range) in Parser::new(&self.text).into_offset_iter() {
            match event {
                Event::Start(Tag::Heading { level, .. }) => open = Some((level, range.start, String::new())),
                Event::End(TagEnd::Heading(_)) => {
                    let Some((level, start, title)) = open.take() else { continue };
                    for section in found.iter_mut().filter(|s| s.range.end == self.text.len() && s.level >= level) {
                        section.range.end = start;
                    }
                    let id = self.unique(&title, &found);
                    found.push(Section { id, title, range: start..self.text.len(), level });
                }
                Event::Text(text) | Event::Code(text) => open.iter_mut().for_each(|(_, _, title)| title.push_str(&text)),
                _ => {}
            }
        }
        found
    }

    /// The id of a heading: its first word where it is reference, so that `in` means the sentence; all of it in a guide.
    fn unique(&self, title: &str, taken: &[Section]) -> String {
        let kept = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let words = title.split(|c| !kept(c)).filter(|w| !w.is_empty());
        let plain = if self.group == Group::Guide {
            words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
        } else {
            words.take(1).collect()
        };
        let all = std::iter::once(plain.clone()).chain((2..).map(|n| format!("{plain}-{n}")));
        all.into_iter().find(|id| taken.iter().all(|s| s.id != *id)).unwrap_or_default()
    }
}

/// The whole manual but for the pages that only the command line knows.
#[must_use]
pub fn pages() -> Vec<Page> {
    let mut pages = chapter::pages();
    pages.extend(resource::pages());
    pages.extend(function::pages());
    pages.extend(message::pages());
    pages
}

/// Puts pages of all sources in the order of the manual.
#[must_use]
pub fn sorted(mut pages: Vec<Page>) -> Vec<Page> {
    pages.sort_by_key(|p| p.group);
    pages
}

/// What a word means: a page, `page.section`, or a section of a page that holds nothing but names, such as `E0301`.
#[must_use]
pub fn find<'m>(pages: &'m [Page], wanted: &str) -> Option<Topic<'m>> {
    if let Some(page) = pages.iter().find(|p| p.id.eq_ignore_ascii_case(wanted)) {
        return Some(Topic { page, section: None });
    }
    let section = |page: &'m Page, name: &str| {
        let found = page.sections().into_iter().find(|s| s.id.eq_ignore_ascii_case(name))?;
        Some(Topic { page, section: Some(found) })
    };
    if let Some((page, name)) = wanted.split_once('.') {
        return section(pages.iter().find(|p| p.id.eq_ignore_ascii_case(page))?, name);
    }
    pages.iter().filter(|p| matches!(p.group, Group::Reference | Group::Messages)).find_map(|p| section(p, wanted))
}

/// Everything that [`find`] finds.
#[must_use]
pub fn topics(pages: &[Page]) -> Vec<String> {
    let mut found: Vec<String> = pages.iter().map(|p| p.id.clone()).collect();
    for page in pages {
        let alone = matches!(page.group, Group::Reference | Group::Messages);
        found.extend(page.sections().into_iter().map(|s| if alone { s.id } else { format!("{}.{}", page.id, s.id) }));
    }
    found
}

/// The first sentence of a text, without its full stop.
fn summary(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words.split_once(". ").map_or(words.as_str(), |(first, _)| first).trim_end_matches('.').to_owned()
}

/// What stands for the fence of a block that has none.
pub const INDENTED: &str = "(indented)";

/// The code blocks of a text: what the line of the fence says, and the code.
#[must_use]
pub fn code_blocks(text: &str) -> Vec<(String, String)> {
    let mut found = vec![];
    let mut open = None;
    for event in Parser::new(text) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => open = Some((info.to_string(), String::new())),
            Event::Start(Tag::CodeBlock(CodeBlockKind::Indented)) => open = Some((INDENTED.to_owned(), String::new())),
            Event::Text(text) => open.iter_mut().for_each(|(_, code)| code.push_str(&text)),
            Event::End(TagEnd::CodeBlock) => found.extend(open.take()),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(group: Group, text: &str) -> Page {
        Page { id: "p".into(), title: "P".into(), summary: String::new(), group, text: text.into() }
    }

    #[test]
    fn a_section_ends_where_the_next_of_its_level_begins() {
        let text = "## One\na\n### Deep\nb\n```\n# no heading\n```\n## Two\nc\n";
        let page = page(Group::Guide, text);
        let shown: Vec<_> = page.sections().into_iter().map(|s| (s.id, &text[s.range])).collect();
        let one = "## One\na\n### Deep\nb\n```\n# no heading\n```\n";
        assert_eq!(shown, [("one".to_owned(), one), ("deep".into(), &one[9..]), ("two".into(), "## Two\nc\n")]);
    }

    #[test]
    fn a_heading_that_is_there_twice_has_two_ids() {
        let ids = |group| page(group, "## `in` NUMBER\n## `in`\n").sections().into_iter().map(|s| s.id).collect::<Vec<_>>();
        assert_eq!(ids(Group::Resources), ["in", "in-2"]);
        assert_eq!(ids(Group::Guide), ["in-number", "in"]);
    }
}
