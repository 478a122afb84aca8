//! The manual's pages on this machine, so that an editor can link to them. Layer 10.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{cli::docs, manual::site};

/// Where the pages of this version lie; `None` if nothing says where the user's programs keep what can be made again
/// (<https://specifications.freedesktop.org/basedir-spec/latest/>).
pub(super) fn directory(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    // The specification tells programs to pass over paths that are relative.
    let absolute = |name: &str| variable(name).filter(|path| path.is_absolute());
    let home = || Some(absolute("HOME")?.join(".cache"));
    let cache = absolute("XDG_CACHE_HOME").or_else(|| absolute("LOCALAPPDATA")).or_else(home)?;
    Some(cache.join("secnet").join(concat!("manual-", env!("CARGO_PKG_VERSION"))))
}

/// Writes the pages there, unless they are there already.
///
/// # Errors
/// The directory cannot be made, or not be written into.
pub(super) fn provide(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    // Under a name of its own until it is whole: several editors may start at once.
    let part = directory.with_extension(format!("part{}", std::process::id()));
    fs::create_dir_all(&part)?;
    let written = site::files(&docs::pages()).iter().try_for_each(|(name, text)| fs::write(part.join(name), text));
    let moved = written.and_then(|()| fs::rename(&part, directory));
    if moved.is_err() {
        fs::remove_dir_all(&part)?;
    }
    // Another was quicker.
    if directory.is_dir() { Ok(()) } else { moved }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{directory, provide};

    #[test]
    fn the_pages_lie_where_the_users_programs_keep_what_can_be_made_again() {
        let under = |cache: &str| Some(PathBuf::from(cache).join("secnet").join(format!("manual-{}", env!("CARGO_PKG_VERSION"))));
        let given =
            |all: &'static [(&str, &str)]| directory(|name| all.iter().find(|(n, _)| *n == name).map(|(_, value)| PathBuf::from(value)));
        assert_eq!(given(&[("HOME", "/users/ana")]), under("/users/ana/.cache"));
        assert_eq!(given(&[("HOME", "/users/ana"), ("XDG_CACHE_HOME", "/tmp/ana")]), under("/tmp/ana"));
        assert_eq!(given(&[("HOME", "/users/ana"), ("XDG_CACHE_HOME", "here")]), under("/users/ana/.cache"));
        assert_eq!(given(&[]), None);
    }

    #[test]
    fn they_are_written_once_and_whole() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let pages = folder.path().join("secnet").join("manual-1.2.3");
        provide(&pages)?;
        assert!(std::fs::read_to_string(pages.join("E02.html"))?.contains("id=\"E0203\""));
        std::fs::write(pages.join("index.html"), "mine")?;
        provide(&pages)?;
        assert_eq!(std::fs::read_to_string(pages.join("index.html"))?, "mine");
        // Nothing is left of what was written in between.
        assert_eq!(std::fs::read_dir(folder.path().join("secnet"))?.count(), 1);
        // A file stands in the way.
        assert!(provide(&pages.join("index.html").join("deep")).is_err());
        Ok(())
    }
}
