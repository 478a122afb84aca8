//! The manual as a static site: one HTML file a page, a stylesheet, no script; links are relative, so that files suffice.

use std::{collections::BTreeMap, fmt::Write as _};

use pulldown_cmark::{CowStr, Event, Parser, Tag, TagEnd, html};

use crate::{
    base::diagnostic::Code,
    manual::{Group, Page, find, message},
};

const STYLE: &str = include_str!("site/style.css");

/// What an editor shows, as `tests/editor/browser` has seen it.
const EDITOR: &[u8] = include_bytes!("site/editor.png");

/// Every file of the site: its name and what is in it.
#[must_use]
pub fn files(pages: &[Page]) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::from([
        ("style.css".to_owned(), STYLE.into()),
        ("editor.png".to_owned(), EDITOR.into()),
        ("index.html".to_owned(), index(pages).into()),
    ]);
    files.extend(pages.iter().map(|p| (format!("{}.html", p.id), document(&p.title, &body(p, pages), Some(&p.id), pages).into())));
    files
}

/// Where a topic stands in the site: `subnet.html#cidr_block`. `None` if there is no such topic.
#[must_use]
pub fn link(pages: &[Page], topic: &str) -> Option<String> {
    let found = find(pages, topic)?;
    let anchor = found.section.map(|s| format!("#{}", s.id)).unwrap_or_default();
    Some(format!("{}.html{anchor}", found.page.id))
}

/// Where a message's code is explained in the site: `E02.html#E0203`. Quicker than [`link`], which looks for any topic.
#[must_use]
pub fn of_code(code: &Code) -> String {
    format!("{}.html#{}", message::area(code), code.id)
}

/// Whether a link leads out of the manual.
#[must_use]
pub fn is_outside(destination: &str) -> bool {
    destination.contains("://")
}

fn index(pages: &[Page]) -> String {
    let mut main = String::from(
        "<h1>secnet</h1>\n<p>Infrastructure as code for secure networks on AWS. <code>secnet docs TOPIC</code> shows the same in the terminal.</p>\n",
    );
    main.push_str(
        "<p><a href=\"editors.html\"><img src=\"editor.png\" alt=\"An editor: a policy is refuted while one types, over it the packet that \
         gets through, and the menu of what mends it\"></a></p>\n",
    );
    for group in Group::ALL {
        let _ = writeln!(main, "<h2>{}</h2>\n<dl>", group.title());
        for page in pages.iter().filter(|p| p.group == group) {
            let summary = inline(&page.summary, pages);
            let _ = writeln!(main, "<dt><a href=\"{}.html\">{}</a></dt>\n<dd>{summary}</dd>", page.id, escaped(&page.title));
        }
        main.push_str("</dl>\n");
    }
    document("Manual", &main, None, pages)
}

fn document(title: &str, main: &str, current: Option<&str>, pages: &[Page]) -> String {
    let title = escaped(title);
    let mut nav = String::new();
    for group in Group::ALL {
        let _ = writeln!(nav, "<h2>{}</h2>\n<ul>", group.title());
        for page in pages.iter().filter(|p| p.group == group) {
            let here = if current == Some(&page.id) { " aria-current=\"page\"" } else { "" };
            let _ = writeln!(nav, "<li><a href=\"{}.html\"{here}>{}</a></li>", page.id, escaped(&page.title));
        }
        nav.push_str("</ul>\n");
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title} - secnet</title>\n<link rel=\"stylesheet\" href=\"style.css\">\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#main\">To the text</a>\n<header><a href=\"index.html\">secnet</a> <a class=\"to-pages\" href=\"#pages\">Pages</a></header>\n\
         <main id=\"main\">\n{main}</main>\n<nav id=\"pages\" aria-label=\"Pages\">\n{nav}</nav>\n</body>\n</html>\n"
    )
}

/// The page as HTML: headings get their section's id, and links to topics lead to their files.
fn body(page: &Page, pages: &[Page]) -> String {
    let mut ids = page.sections().into_iter().map(|s| CowStr::from(s.id));
    let events = Parser::new(&page.text).map(|event| match event {
        Event::Start(Tag::Heading { level, classes, attrs, .. }) => Event::Start(Tag::Heading { level, id: ids.next(), classes, attrs }),
        other => with_links(other, pages),
    });
    let mut out = format!("<h1>{}</h1>\n", escaped(&page.title));
    html::push_html(&mut out, events);
    out
}

fn with_links<'t>(event: Event<'t>, pages: &[Page]) -> Event<'t> {
    match event {
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            let to = if is_outside(&dest_url) { None } else { link(pages, &dest_url) };
            Event::Start(Tag::Link { link_type, dest_url: to.map_or(dest_url, CowStr::from), title, id })
        }
        // Nothing in the manual is HTML; what looks like it is meant as text.
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        other => other,
    }
}

/// A line of Markdown without the paragraph around it.
fn inline(text: &str, pages: &[Page]) -> String {
    let mut out = String::new();
    let events = Parser::new(text).filter(|e| !matches!(e, Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph)));
    html::push_html(&mut out, events.map(|e| with_links(e, pages)));
    out.trim().to_owned()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
