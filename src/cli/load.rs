//! A directory's sources. Layer 10; reads files and judges nothing in them.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs::{self, Metadata},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

pub use crate::base::disk::{reason, shown};
use crate::{
    analysis::Text,
    base::{
        codes::environment as codes,
        diagnostic::Diagnostic,
        source::Sources,
        span::{FileId, Span},
    },
    cli::library::tidy,
    lsp::Unsaved,
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

/// The same as an editor has it: a text that is not saved stands for the file, or is one more.
///
/// # Errors
/// As for [`directory`].
pub fn directory_as_edited(directory: &Path, unsaved: &Unsaved, remembered: &Remembered) -> Result<Vec<Text>, Vec<Diagnostic>> {
    let here = tidy(directory);
    let own: BTreeMap<String, &Arc<str>> = unsaved.iter().filter_map(|(path, text)| Some((source_in(path, &here)?, text))).collect();
    let paths = match paths(directory) {
        Err(diagnostic) if own.is_empty() => return Err(vec![diagnostic]),
        found => found.unwrap_or_default(),
    };
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let saved = paths.into_iter().map(|path| (name(&path), path)).filter(|(name, _)| !own.contains_key(name)).collect();
    let (read, mut wrong) = remembered.read(&here, saved);
    if own.is_empty() {
        return if wrong.is_empty() { Ok(read) } else { Err(wrong) };
    }
    let mut files: BTreeMap<String, Arc<str>> = own.iter().map(|(name, text)| (name.clone(), (*text).clone())).collect();
    files.extend(read);
    let too_large = files.iter().find(|(_, text)| text.len() > Span::BYTES_MAX);
    wrong.extend(too_large.map(|(name, text)| codes::too_large(name, text.len() as u64, Span::BYTES_MAX)));
    if files.len() > Span::FILES_MAX {
        wrong.push(codes::too_many(&shown(directory), files.len(), Span::FILES_MAX));
    }
    if wrong.is_empty() { Ok(files.into_iter().collect()) } else { Err(wrong) }
}

/// The name of a source, if it lies in this directory.
fn source_in(path: &Path, directory: &Path) -> Option<String> {
    let here = path.parent() == Some(directory) && path.extension().is_some_and(|e| e == "secnet");
    here.then(|| Some(path.file_name()?.to_string_lossy().into_owned())).flatten()
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
        // What the listing itself says costs no look at the file.
        let is_directory = || !entry.file_type().is_ok_and(|ty| ty.is_file()) && path.is_dir();
        if path.extension().is_some_and(|e| e == "secnet") && !is_directory() {
            found.push(path);
        }
    }
    // All have one parent, and whole paths are dear to compare.
    found.sort_by_cached_key(|path| path.file_name().map(OsStr::to_owned));
    if found.is_empty() {
        return Err(codes::no_sources(&shown));
    }
    if found.len() > Span::FILES_MAX {
        return Err(codes::too_many(&shown, found.len(), Span::FILES_MAX));
    }
    Ok(found)
}

/// What was read of sources, so that a file that is as it was is not read again.
#[derive(Debug, Default)]
pub struct Remembered(Mutex<BTreeMap<PathBuf, BTreeMap<OsString, Known>>>);

/// A text, and what told that it is the file's; `None` where the next look reads it again.
#[derive(Debug, Clone)]
struct Known {
    stamp: Option<Stamp>,
    text: Arc<str>,
}

impl Remembered {
    /// Has every file read again, whatever its directory says of it.
    pub fn doubt(&self) {
        self.all().values_mut().flat_map(BTreeMap::values_mut).for_each(|known| known.stamp = None);
    }

    /// The texts of files of a directory, by name and path, in their order; and what is wrong with the others.
    fn read(&self, directory: &Path, files: Vec<(String, PathBuf)>) -> (Vec<Text>, Vec<Diagnostic>) {
        let mut all = self.all();
        let mut before = all.remove(directory).unwrap_or_default();
        let (mut now, mut texts, mut wrong) = (BTreeMap::new(), vec![], vec![]);
        for (name, path) in files {
            let key = path.file_name().unwrap_or_default().to_owned();
            match Known::read(before.remove(&key), &path) {
                Ok(known) => {
                    texts.push((name, known.text.clone()));
                    now.insert(key, known);
                }
                Err(diagnostic) => wrong.push(diagnostic),
            }
        }
        all.insert(directory.to_path_buf(), now);
        (texts, wrong)
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<PathBuf, BTreeMap<OsString, Known>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn read(before: Option<Self>, path: &Path) -> Result<Self, Diagnostic> {
        let now = SystemTime::now();
        let stamp = fs::metadata(path).ok().map(|found| Stamp::of(&found));
        match before {
            Some(known) if known.stamp.is_some() && known.stamp == stamp => Ok(known),
            before => {
                let text = self::read(path)?;
                let known = before.filter(|known| *known.text == *text).map(|known| known.text);
                Ok(Self { stamp: stamp.filter(|s| s.is_before(now)), text: known.unwrap_or_else(|| text.into()) })
            }
        }
    }
}

/// What tells a file from what it was before.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    /// Which file it is, and when anything of it was changed last: a copy may keep the time of what it is a copy of.
    inner: (u64, i64, i64),
}

impl Stamp {
    /// In what steps the time of a change may be counted.
    const STEP: Duration = Duration::from_secs(2);

    fn of(found: &Metadata) -> Self {
        #[cfg(unix)]
        let inner = {
            use std::os::unix::fs::MetadataExt;
            (found.ino(), found.ctime(), found.ctime_nsec())
        };
        #[cfg(not(unix))]
        let inner = (0, 0, 0);
        Self { length: found.len(), modified: found.modified().ok(), inner }
    }

    /// Whether another change would show: what was changed just now may be changed again within the same step.
    fn is_before(&self, now: SystemTime) -> bool {
        let changed = u64::try_from(self.inner.1).ok().map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        let old = |time: SystemTime| now.duration_since(time).is_ok_and(|age| age > Self::STEP);
        self.modified.is_some_and(old) && changed.is_some_and(old)
    }
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

    #[test]
    fn a_file_is_known_again_and_what_was_written_in_between_is_seen() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let (path, remembered) = (folder.path().join("a.secnet"), Remembered::default());
        let look = || remembered.read(folder.path(), vec![("a.secnet".into(), path.clone())]).0.pop().map(|(_, text)| text);
        fs::write(&path, "vpc a {}")?;
        let first = look();
        assert_eq!(first.as_deref(), Some("vpc a {}"));
        assert!(first.zip(look()).is_some_and(|(one, other)| Arc::ptr_eq(&one, &other)), "what says the same is the same text");
        // As long as before, and within the same moment.
        fs::write(&path, "vpc b {}")?;
        assert_eq!(look().as_deref(), Some("vpc b {}"));
        fs::remove_file(&path)?;
        assert_eq!(look(), None);
        Ok(())
    }

    #[test]
    fn a_change_of_just_now_tells_nothing_of_the_next() -> std::io::Result<()> {
        let file = tempfile::NamedTempFile::new()?;
        let (stamp, now) = (Stamp::of(&fs::metadata(file.path())?), SystemTime::now());
        assert!(!stamp.is_before(now) && stamp.is_before(now + 2 * Stamp::STEP));
        assert!(!stamp.is_before(now - Stamp::STEP), "clocks may be wrong");
        Ok(())
    }
}
