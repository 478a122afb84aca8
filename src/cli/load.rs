//! A directory's sources. Layer 10; reads files and judges nothing in them.

use std::{
    fs,
    path::{Path, PathBuf},
};

pub use crate::base::disk::{reason, shown};
use crate::base::{
    codes::environment as codes,
    diagnostic::Diagnostic,
    source::Sources,
    span::{FileId, Span},
};

/// The texts that messages point into, and the directory that a project's files are in as the user named it.
///
/// Sources go by their names in the project, so that a plan is the same wherever it is made; only messages show whole paths.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    /// The project's files, and whatever else was read.
    pub sources: Sources,
    /// `examples/secure_server/`, or empty.
    pub prefix: String,
    /// How many of the sources are the project's; the first so many.
    pub own: usize,
}

impl Texts {
    /// The path of a file from here.
    #[must_use]
    pub fn path(&self, file: FileId) -> Option<String> {
        let prefix = if usize::from(file.0) < self.own { &*self.prefix } else { "" };
        self.sources.get(file).map(|f| format!("{prefix}{}", f.name))
    }
}

/// What stands before the name of a project's file in messages.
#[must_use]
pub fn prefix(directory: &Path) -> String {
    if directory == Path::new(".") { String::new() } else { format!("{}/", shown(directory).trim_end_matches('/')) }
}

/// Reads every `*.secnet` of a directory, in order of their names: name and text of each.
///
/// # Errors
/// There are none, or some are unreadable, too large or not UTF-8; then all such are reported.
pub fn directory(directory: &Path) -> Result<Vec<(String, String)>, Vec<Diagnostic>> {
    let mut files = vec![];
    let mut wrong = vec![];
    for path in paths(directory).map_err(|d| vec![d])? {
        match read(&path) {
            Ok(text) => files.push((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), text)),
            Err(diagnostic) => wrong.push(diagnostic),
        }
    }
    if wrong.is_empty() { Ok(files) } else { Err(wrong) }
}

/// The paths of every `*.secnet` of a directory, sorted.
///
/// # Errors
/// The directory cannot be read, or has none or too many.
pub fn paths(directory: &Path) -> Result<Vec<PathBuf>, Diagnostic> {
    let shown = shown(directory);
    let entries = fs::read_dir(directory).map_err(|e| codes::unreadable(&shown, &reason(&e)))?;
    let mut found = vec![];
    for entry in entries {
        let entry = entry.map_err(|e| codes::unreadable(&shown, &reason(&e)))?;
        let path = entry.path();
        if path.extension().is_some_and(|e| e == "secnet") && !path.is_dir() {
            found.push(path);
        }
    }
    found.sort();
    if found.is_empty() {
        return Err(codes::no_sources(&shown));
    }
    if found.len() > Span::FILES_MAX {
        return Err(codes::too_many(&shown, found.len(), Span::FILES_MAX));
    }
    Ok(found)
}

/// Reads one file.
///
/// # Errors
/// It is unreadable, too large, or not UTF-8.
pub fn read(path: &Path) -> Result<String, Diagnostic> {
    let name = shown(path);
    let size = fs::metadata(path).map_err(|e| codes::unreadable(&name, &reason(&e)))?.len();
    if size > Span::BYTES_MAX as u64 {
        return Err(codes::too_large(&name, size, Span::BYTES_MAX));
    }
    let bytes = fs::read(path).map_err(|e| codes::unreadable(&name, &reason(&e)))?;
    decode(&name, bytes)
}

/// Bytes as text, without the byte-order mark that some editors write.
///
/// # Errors
/// They are not UTF-8, or too many.
pub fn decode(name: &str, bytes: Vec<u8>) -> Result<String, Diagnostic> {
    if bytes.len() > Span::BYTES_MAX {
        return Err(codes::too_large(name, bytes.len() as u64, Span::BYTES_MAX));
    }
    let text = String::from_utf8(bytes).map_err(|e| {
        let offset = e.utf8_error().valid_up_to();
        let (good, rest) = e.as_bytes().split_at(offset);
        let line = good.iter().filter(|b| **b == b'\n').count() + 1;
        codes::not_utf8(name, rest.first().copied().unwrap_or_default(), offset, line)
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bad_byte_is_named_with_its_line() {
        let message = decode("a.secnet", b"vpc main {\n# caf\xe9\n}".to_vec()).err().map(|d| d.message);
        assert_eq!(message.as_deref(), Some("`a.secnet` is not UTF-8: byte 0xe9 at offset 16, in line 2"));
    }

    #[test]
    fn a_byte_order_mark_is_no_text() {
        assert_eq!(decode("a.secnet", b"\xef\xbb\xbfvpc".to_vec()).as_deref(), Ok("vpc"));
    }
}
