//! The texts of a project and the lines in them. Layer 0; reads no files itself.

use std::sync::Arc;

use super::span::{FileId, Span};

/// One file: the name shown to people, its text, and where its lines start.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// As shown in messages, with forward slashes.
    pub name: Arc<str>,
    /// The whole text.
    pub text: Arc<str>,
    /// The text where sensitive values stand as asterisks; `None` where there are none.
    masked: Option<Arc<str>>,
    line_starts: Arc<[u32]>,
}

/// A place as people and editors count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// All the files of a project; a [`FileId`] is an index into them.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

impl Sources {
    /// Adds a file and says under which id. The caller keeps to the limits of [`Span`].
    pub fn add(&mut self, name: &str, text: &str) -> FileId {
        self.add_shared(name, text.into())
    }

    /// The same of a text that others hold, too.
    pub fn add_shared(&mut self, name: &str, text: Arc<str>) -> FileId {
        let mut line_starts = vec![0];
        line_starts.extend(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i as u32 + 1));
        self.files.push(SourceFile { name: name.into(), text, masked: None, line_starts: line_starts.into() });
        FileId((self.files.len() - 1) as u16)
    }

    /// The id that the next file gets.
    #[must_use]
    pub fn next(&self) -> FileId {
        FileId(self.files.len() as u16)
    }

    /// Adds a file that was made before.
    pub fn take(&mut self, file: SourceFile) {
        self.files.push(file);
    }

    /// Has what stands at these places shown as asterisks, byte for byte, so that every span stays where it is.
    pub fn mask(&mut self, spans: impl IntoIterator<Item = Span>) {
        for span in spans {
            let Some(file) = self.files.get_mut(usize::from(span.file().0)) else { continue };
            let shown = file.masked.as_ref().unwrap_or(&file.text);
            let (Some(before), Some(hidden), Some(after)) =
                (shown.get(..span.start()), shown.get(span.start()..span.end()), shown.get(span.end()..))
            else {
                continue;
            };
            let hide = |c: char| if matches!(c, '\n' | '\r') { c.to_string() } else { "*".repeat(c.len_utf8()) };
            file.masked = Some(format!("{before}{}{after}", hidden.chars().map(hide).collect::<String>()).into());
        }
    }

    /// The file with this id, if there is one.
    #[must_use]
    pub fn get(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(usize::from(id.0))
    }

    /// Every file with its id, in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files.iter().enumerate().map(|(i, f)| (FileId(i as u16), f))
    }

    /// The text under a span; empty where the span does not fit the file.
    #[must_use]
    pub fn text(&self, span: Span) -> &str {
        self.get(span.file()).and_then(|f| f.text.get(span.start()..span.end())).unwrap_or("")
    }

    /// The text under a span, blanks and line breaks as single blanks: a statement as one would say it.
    #[must_use]
    pub fn one_line(&self, span: Span) -> String {
        self.text(span).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Line and column of a span's first character.
    #[must_use]
    pub fn position(&self, span: Span) -> Position {
        self.get(span.file()).map_or(Position { line: 1, column: 1 }, |f| f.position(span.start()))
    }

    /// `main.secnet:12`, for messages that name a place in passing.
    #[must_use]
    pub fn place(&self, span: Span) -> String {
        let name = self.get(span.file()).map_or("?", |f| &f.name);
        format!("{name}:{}", self.position(span).line)
    }
}

impl SourceFile {
    /// The text as people may see it.
    #[must_use]
    pub fn shown(&self) -> &str {
        self.masked.as_ref().unwrap_or(&self.text)
    }

    /// Line and column of a byte.
    #[must_use]
    pub fn position(&self, byte: usize) -> Position {
        let line = self.line_starts.partition_point(|start| *start as usize <= byte).max(1);
        let start = self.line_starts.get(line - 1).map_or(0, |s| *s as usize);
        let column = self.text.get(start..byte.min(self.text.len())).map_or(0, |t| t.chars().count());
        Position { line, column: column + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_masked_is_as_long_as_before() {
        let mut sources = Sources::default();
        let file = sources.add("a.secnet", "a = \"gehe\u{ef}m\nes\" b = 1");
        let span = |text: &str| {
            let all = &*sources.files[0].text;
            Span::new(file, all.find(text).unwrap_or_default(), all.find(text).unwrap_or_default() + text.len())
        };
        let (text, beyond) = (span("gehe\u{ef}m\nes"), Span::new(file, 10, 4_000));
        sources.mask([text, beyond]);
        let masked = sources.get(file).map(SourceFile::shown);
        assert_eq!(masked, Some("a = \"*******\n**\" b = 1"));
        assert_eq!(masked.map(str::len), Some(sources.files[0].text.len()));
        assert_eq!(sources.text(text), "gehe\u{ef}m\nes", "what is worked with stays");
    }
}
