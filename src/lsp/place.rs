//! Places as editors count them: lines from 0, columns in bytes or in UTF-16; and files as URIs. Layer 9.

use std::{
    path::{Path, PathBuf},
    rc::Rc,
};

use gen_lsp_types::{Position, Range, Uri};

use crate::base::span::Span;

/// In what columns are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Bytes.
    Utf8,
    /// What every editor can.
    Utf16,
}

/// The lines of a text.
#[derive(Debug)]
pub(super) struct Lines<'t> {
    text: &'t str,
    starts: Rc<[usize]>,
    encoding: Encoding,
}

impl<'t> Lines<'t> {
    /// Lines end with a newline, a carriage return, or both.
    pub(super) fn new(text: &'t str, encoding: Encoding) -> Self {
        Self::from(text, Self::starts(text), encoding)
    }

    /// With the starts of its lines, as [`Lines::starts`] gives them.
    pub(super) fn from(text: &'t str, starts: Rc<[usize]>, encoding: Encoding) -> Self {
        Self { text, starts, encoding }
    }

    /// Where the lines of a text start.
    pub(super) fn starts(text: &str) -> Rc<[usize]> {
        let bytes = text.as_bytes();
        let ends = |(i, b): &(usize, &u8)| **b == b'\n' || **b == b'\r' && bytes.get(i + 1) != Some(&b'\n');
        std::iter::once(0).chain(bytes.iter().enumerate().filter(ends).map(|(i, _)| i + 1)).collect()
    }

    /// Where a byte stands.
    pub(super) fn position(&self, byte: usize) -> Position {
        let byte = byte.min(self.text.len());
        let line = self.starts.partition_point(|start| *start <= byte).saturating_sub(1);
        let start = self.starts.get(line).copied().unwrap_or_default();
        // In the middle of a character there is nothing to point at.
        let end = (start..=byte).rev().find(|i| self.text.is_char_boundary(*i)).unwrap_or(start);
        let before = self.text.get(start..end).unwrap_or_default();
        let column = match self.encoding {
            Encoding::Utf8 => before.len(),
            Encoding::Utf16 => before.encode_utf16().count(),
        };
        Position { line: small(line), character: small(column) }
    }

    /// The byte at a place; the nearest before it where there is none.
    pub(super) fn byte(&self, position: Position) -> usize {
        let line = position.line as usize;
        let Some(start) = self.starts.get(line).copied() else { return self.text.len() };
        let end = self.starts.get(line + 1).copied().unwrap_or(self.text.len());
        let content = self.text.get(start..end).unwrap_or_default().trim_end_matches(['\n', '\r']);
        let mut left = position.character as usize;
        for (at, c) in content.char_indices() {
            let width = match self.encoding {
                Encoding::Utf8 => c.len_utf8(),
                Encoding::Utf16 => c.len_utf16(),
            };
            if left < width {
                return start + at;
            }
            left -= width;
        }
        start + content.len()
    }

    /// Where bytes stand.
    pub(super) fn range(&self, start: usize, end: usize) -> Range {
        Range { start: self.position(start), end: self.position(end) }
    }

    /// Where a piece of this text stands.
    pub(super) fn of(&self, span: Span) -> Range {
        self.range(span.start(), span.end())
    }

    /// A piece of it.
    pub(super) fn text(&self, span: Span) -> &'t str {
        self.text.get(span.start()..span.end()).unwrap_or_default()
    }
}

fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// The path of a file; `None` for what is none.
pub(super) fn path_of(uri: &Uri) -> Option<PathBuf> {
    let rest = uri.0.strip_prefix("file://")?;
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    let decoded = String::from_utf8(decoded(path)).ok()?;
    // `/c:/project` is a path on Windows only without its first slash.
    let drive = |d: &str| d.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) && d.as_bytes().get(1) == Some(&b':');
    let path = decoded.strip_prefix('/').filter(|d| cfg!(windows) && drive(d)).unwrap_or(&decoded);
    path.starts_with('/').then(|| PathBuf::from(path)).or_else(|| cfg!(windows).then(|| PathBuf::from(path)))
}

/// The URI of a file.
pub(super) fn uri_of(path: &Path) -> Uri {
    let shown = path.to_string_lossy().replace('\\', "/");
    let slash = if shown.starts_with('/') { "" } else { "/" };
    let mut uri = format!("file://{slash}");
    for byte in shown.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => uri.push(char::from(byte)),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    Uri(uri)
}

fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = vec![];
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend(before.bytes());
        match after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(b'%');
                rest = after;
            }
        }
    }
    bytes.extend(rest.bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_leads_back_to_its_byte() {
        let text = "a\u{e4}\u{1f512}b\r\nc\rd\n\u{20ac}";
        for encoding in [Encoding::Utf8, Encoding::Utf16] {
            let lines = Lines::new(text, encoding);
            for (byte, c) in text.char_indices().filter(|(_, c)| !matches!(c, '\n' | '\r')) {
                assert_eq!(lines.byte(lines.position(byte)), byte, "{c} {encoding:?}");
            }
            assert_eq!(lines.byte(Position { line: 0, character: 99 }), 8, "not into the next line");
            assert_eq!(lines.byte(Position { line: 9, character: 0 }), text.len());
        }
        let column = |encoding| Lines::new(text, encoding).position(7).character;
        assert_eq!((column(Encoding::Utf8), column(Encoding::Utf16)), (7, 4));
    }

    #[test]
    fn a_path_comes_back_from_its_uri() {
        let path = Path::new("/a b/\u{e4}%/main.secnet");
        assert_eq!(uri_of(path).0, "file:///a%20b/%C3%A4%25/main.secnet");
        assert_eq!(path_of(&uri_of(path)).as_deref(), Some(path));
        assert_eq!(path_of(&Uri("untitled:Untitled-1".into())), None);
    }
}
