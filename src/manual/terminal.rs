//! Markdown as lines for a terminal: wrapped, headings bold, code indented.

use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd};

/// How it may look.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Whether escape codes are welcome.
    pub colour: bool,
    /// Columns.
    pub width: usize,
}

/// Lines longer than this are hard to read, however wide the window.
const WIDTH_MAX: usize = 96;

const BOLD: &str = "\u{1b}[1m";
const CODE: &str = "\u{1b}[36m";
const PLAIN: &str = "\u{1b}[0m";

/// Sets a text for a terminal.
#[must_use]
pub fn set(markdown: &str, look: Look) -> String {
    let look = Look { width: look.width.min(WIDTH_MAX), ..look };
    let mut setter =
        Setter { look, out: String::new(), words: vec![], glued: false, style: vec![], lists: vec![], item: None, code: false };
    Parser::new(markdown).for_each(|event| setter.event(event));
    setter.flush();
    setter.out
}

/// A word with its escape codes, and how wide it is without them.
struct Word {
    text: String,
    width: usize,
}

struct Setter {
    look: Look,
    out: String,
    /// The paragraph so far.
    words: Vec<Word>,
    /// Whether what comes next belongs to the last word: `` `a`, ``.
    glued: bool,
    style: Vec<&'static str>,
    /// For each open list the number of its next item, if it counts.
    lists: Vec<Option<u64>>,
    /// What stands before the first line of an item.
    item: Option<String>,
    code: bool,
}

impl Setter {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.code => {
                for line in text.lines() {
                    let indent = self.indent() + 4;
                    let line = if line.is_empty() { String::new() } else { format!("{:indent$}{}", "", self.styled(line, CODE)) };
                    self.out.push_str(&format!("{line}\n"));
                }
            }
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text(&text),
            // A name or a line of code is not broken; without colour its backticks tell it from the text.
            Event::Code(text) if self.look.colour => self.word(&text, Some(CODE)),
            Event::Code(text) => self.word(&format!("`{text}`"), None),
            Event::SoftBreak | Event::HardBreak => self.glued = false,
            _ => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.gap();
                self.style.push(BOLD);
                if !self.look.colour {
                    self.word(
                        if *level == HeadingLevel::H1 {
                            "#"
                        } else if *level == HeadingLevel::H2 {
                            "##"
                        } else {
                            "###"
                        },
                        None,
                    );
                    self.glued = false;
                }
            }
            Tag::Paragraph if self.item.is_none() => self.gap(),
            Tag::List(first) => {
                self.flush();
                if self.lists.is_empty() {
                    self.gap();
                }
                self.lists.push(*first);
            }
            Tag::Item => {
                self.flush();
                let mark = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}. ", *number - 1)
                    }
                    _ => "- ".to_owned(),
                };
                self.item = Some(mark);
            }
            Tag::CodeBlock(_) => {
                self.flush();
                self.gap();
                self.code = true;
            }
            Tag::Strong => self.style.push(BOLD),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                self.flush();
                self.style.pop();
            }
            TagEnd::Paragraph | TagEnd::Item => self.flush(),
            TagEnd::List(_) => {
                self.flush();
                self.lists.pop();
            }
            TagEnd::CodeBlock => self.code = false,
            TagEnd::Strong => {
                self.style.pop();
            }
            _ => {}
        }
    }

    /// An empty line, unless there is one or nothing before it.
    fn gap(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    fn indent(&self) -> usize {
        self.lists.len().saturating_sub(1) * 2 + if self.lists.is_empty() { 0 } else { 2 }
    }

    fn text(&mut self, text: &str) {
        let style = self.style.last().copied();
        if text.starts_with(char::is_whitespace) {
            self.glued = false;
        }
        for (i, word) in text.split_whitespace().enumerate() {
            self.glued &= i == 0;
            self.word(word, style);
        }
        self.glued = !text.ends_with(char::is_whitespace);
    }

    fn word(&mut self, text: &str, style: Option<&'static str>) {
        let shown = style.map_or_else(|| text.to_owned(), |style| self.styled(text, style));
        let width = text.chars().count();
        match self.words.last_mut() {
            Some(last) if self.glued => {
                last.text.push_str(&shown);
                last.width += width;
            }
            _ => self.words.push(Word { text: shown, width }),
        }
        self.glued = true;
    }

    fn styled(&self, text: &str, style: &str) -> String {
        if self.look.colour { format!("{style}{text}{PLAIN}") } else { text.to_owned() }
    }

    /// Writes the paragraph, each line as long as it may be.
    fn flush(&mut self) {
        self.glued = false;
        if self.words.is_empty() {
            return;
        }
        let indent = self.indent();
        let mark = self.item.take();
        let outer = mark.as_ref().map_or(indent, |_| indent.saturating_sub(2));
        let mut line = format!("{:outer$}{}", "", mark.clone().unwrap_or_default());
        let mut at = outer + mark.map_or(0, |m| m.chars().count());
        let mut first = true;
        for word in std::mem::take(&mut self.words) {
            if !first && at + 1 + word.width > self.look.width {
                self.out.push_str(&format!("{line}\n"));
                line = " ".repeat(indent);
                at = indent;
                first = true;
            }
            if !first {
                line.push(' ');
                at += 1;
            }
            line.push_str(&word.text);
            at += word.width;
            first = false;
        }
        self.out.push_str(&format!("{line}\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "## A heading\n\nA **bold** paragraph with `code`, which is wrapped.\n\n- one item that is long\n- two\n  1. deep\n\n```\n# kept   as it is, however long it may be\n```\n\nEnd.\n";

    #[test]
    fn a_text_is_wrapped_and_code_is_not() {
        let set = set(TEXT, Look { colour: false, width: 20 });
        let wanted = "## A heading\n\nA bold paragraph\nwith `code`, which\nis wrapped.\n\n- one item that is\n  long\n- two\n  1. deep\n\n    # kept   as it is, however long it may be\n\nEnd.\n";
        assert_eq!(set, wanted);
    }

    #[test]
    fn colours_take_no_width() {
        let bare = |text: &str| text.replace(BOLD, "").replace(CODE, "").replace(PLAIN, "");
        let coloured = set(TEXT, Look { colour: true, width: 20 });
        assert!(coloured.contains("\u{1b}[1mheading\u{1b}[0m") && coloured.contains("\u{1b}[36mcode\u{1b}[0m,"), "{coloured:?}");
        assert!(bare(&coloured).lines().all(|l| l.chars().count() <= 20 || l.starts_with("    #")), "{coloured}");
    }
}
