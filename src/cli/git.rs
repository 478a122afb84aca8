//! Git sources of modules: what names one, and fetching it with the program `git`. Layer 10; the only place that runs a program.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use sha2::{Digest, Sha256};

use crate::{
    base::{codes::lock as codes, diagnostic::Diagnostic, span::Span},
    cli::load,
};

/// Before the address of a repository.
const GIT: &str = "git+";
const SCHEMES: [&str; 3] = ["https://", "ssh://", "file://"];
/// How many hexadecimal digits a commit has.
const COMMIT_DIGITS: usize = 40;

/// One directory of one commit of a repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// `https://example.com/network.git`
    pub url: String,
    /// From the repository's top, without slashes around it; empty for the top itself.
    pub directory: String,
    /// All 40 digits, in small letters.
    pub commit: String,
}

impl fmt::Display for Source {
    /// As it is written, without the commit.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slashes = if self.directory.is_empty() { "" } else { "//" };
        write!(f, "{GIT}{}{slashes}{}", self.url, self.directory)
    }
}

impl Source {
    /// Reads a source that begins with `git+`; `None` for another.
    ///
    /// # Errors
    /// It has another form, or does not say a commit in full.
    pub fn parse(text: &str, at: Span) -> Option<Result<Self, Diagnostic>> {
        text.strip_prefix(GIT).map(|rest| Self::parse_rest(rest, at))
    }

    fn parse_rest(text: &str, at: Span) -> Result<Self, Diagnostic> {
        let wrong = |why: &str, help: &str| Err(codes::source(why, at, help));
        let Some(scheme) = SCHEMES.into_iter().find(|s| text.starts_with(s)) else {
            return wrong(
                "a git source begins with `git+https://`, `git+ssh://` or `git+file://`",
                "write the address of the repository in full",
            );
        };
        let (place, query) = text.split_once('?').map_or((text, None), |(place, query)| (place, Some(query)));
        let rest = place.strip_prefix(scheme).unwrap_or_default();
        let (path, directory) = rest.split_once("//").unwrap_or((rest, ""));
        let path = path.trim_end_matches('/');
        let url = format!("{scheme}{path}");
        let host = path.split('/').next().unwrap_or_default();
        if path.is_empty() || path.chars().any(|c| c.is_whitespace() || c.is_control()) || host.starts_with('-') {
            return wrong("the source names no repository", "write it as \"git+https://HOST/PATH.git//DIRECTORY?commit=COMMIT\"");
        }
        if host.rsplit_once('@').is_some_and(|(user, _)| user.contains(':')) {
            return wrong(
                "the source holds a password",
                "take it out, and let git find it: a credential helper, or a key over `git+ssh://`",
            );
        }
        let Some(inside) = within("", directory) else {
            return wrong(
                "the directory leads out of the repository",
                "write the directory as seen from the repository's top, without `..`",
            );
        };
        let how = format!("`git ls-remote {url} {}` says which commit that is now; write it as `?commit=` and its 40 digits", {
            let named = query.and_then(|q| q.split_once('=')).map(|(_, name)| name).filter(|n| !n.is_empty());
            named.unwrap_or("HEAD")
        });
        let commit = match query.map(|q| q.split_once('=').unwrap_or((q, ""))) {
            Some(("commit", commit)) => commit,
            Some((word @ ("ref" | "branch" | "tag"), name)) => {
                let why = format!("`{word}={name}` is no pin: what it names can be moved, and the network with it");
                return wrong(&why, &how);
            }
            Some((word, _)) => return wrong(&format!("a git source has no `{word}`"), "write `?commit=` and its 40 digits"),
            None => return wrong("the source says no commit", &how),
        };
        let hexadecimal = commit.bytes().all(|b| b.is_ascii_hexdigit());
        match (commit.len(), hexadecimal) {
            (COMMIT_DIGITS, true) => Ok(Self { url, directory: inside, commit: commit.to_ascii_lowercase() }),
            (4..COMMIT_DIGITS, true) => {
                let why = format!("`{commit}` is a part of a commit: another with the same beginning can be made");
                wrong(&why, &format!("write all 40 digits: `git rev-parse {commit}` in a clone says them"))
            }
            _ => wrong(&format!("`{commit}` is no commit"), &how),
        }
    }

    /// The directory that a relative source of a file in this one names; `None` if it leads out of the repository.
    #[must_use]
    pub fn join(&self, relative: &str) -> Option<Self> {
        Some(Self { directory: within(&self.directory, relative)?, ..self.clone() })
    }

    /// The first digits of the commit, for people.
    #[must_use]
    pub fn short(&self) -> &str {
        self.commit.get(..7).unwrap_or(&self.commit)
    }

    /// The name of the directory that the commit lies in: readable, and another for every repository and commit.
    #[must_use]
    pub fn checkout(&self) -> String {
        let last = self.url.rsplit('/').next().unwrap_or_default().trim_end_matches(".git");
        let name: String =
            last.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' }).take(40).collect();
        let hash = Sha256::digest(format!("{}\0{}", self.url, self.commit));
        let hash: String = hash.iter().take(8).map(|b| format!("{b:02x}")).collect();
        format!("{name}@{}-{hash}", self.short())
    }
}

/// A path from the top, `relative` as seen from `directory`; `None` if it leads out.
fn within(directory: &str, relative: &str) -> Option<String> {
    let mut steps: Vec<&str> = directory.split('/').filter(|s| !s.is_empty()).collect();
    for step in relative.split('/').filter(|s| !s.is_empty() && *s != ".") {
        match step {
            ".." => drop(steps.pop()?),
            // The name of git's own directory, of a drive, and of what other systems take for a separator.
            step if step.eq_ignore_ascii_case(".git") || step.contains(['\\', ':', '\0']) => return None,
            step => steps.push(step),
        }
    }
    Some(steps.join("/"))
}

/// Why a commit is not there.
#[derive(Debug)]
pub enum Failure {
    /// The program cannot be started.
    NoGit(io::Error),
    /// Git's words.
    Unreachable(String),
    /// The repository has no such commit.
    NoCommit,
    /// What was fetched cannot be put in its place.
    Unwritable(PathBuf, io::Error),
}

impl Failure {
    /// As a message about a source.
    #[must_use]
    pub fn told(&self, source: &Source, at: Span) -> Diagnostic {
        match self {
            Failure::NoGit(error) => codes::no_git(&load::reason(error), at),
            Failure::Unreachable(said) => codes::unreachable(&source.url, said, at),
            Failure::NoCommit => codes::no_commit(&source.url, &source.commit, at),
            Failure::Unwritable(path, error) => {
                crate::base::codes::environment::unwritable(&load::shown(path), &load::reason(error)).at(at, "to fetch this")
            }
        }
    }
}

/// Fetches a commit into a directory of its name under `modules`, whole or not at all; what lies there already is replaced.
///
/// # Errors
/// Git is not there, cannot reach the repository, or finds no such commit.
pub fn fetch(source: &Source, modules: &Path) -> Result<(), Failure> {
    let unwritable = |path: &Path| {
        let path = path.to_path_buf();
        move |e| Failure::Unwritable(path, e)
    };
    fs::create_dir_all(modules).map_err(unwritable(modules))?;
    let target = modules.join(source.checkout());
    let fresh = modules.join(format!(".{}.{}", source.checkout(), std::process::id()));
    let clear = |path: &Path| match fs::remove_dir_all(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Failure::Unwritable(path.to_path_buf(), e)),
        _ => Ok(()),
    };
    clear(&fresh)?;
    let done = check_out(source, &fresh)
        .and_then(|()| clear(&fresh.join(".git")))
        .and_then(|()| clear(&target))
        .and_then(|()| fs::rename(&fresh, &target).map_err(unwritable(&target)));
    if done.is_err() {
        let _ = fs::remove_dir_all(&fresh);
    }
    done
}

fn check_out(source: &Source, directory: &Path) -> Result<(), Failure> {
    let git = |arguments: &[&str]| run(directory, arguments);
    let (url, commit) = (&*source.url, &*source.commit);
    fs::create_dir(directory).map_err(|e| Failure::Unwritable(directory.to_path_buf(), e))?;
    // Without the user's template: it may bring hooks along.
    git(&["init", "--quiet", "--template="])?.map_err(Failure::Unreachable)?;
    if git(&["fetch", "--quiet", "--no-tags", "--depth", "1", "--", url, commit])?.is_err() {
        // Some servers give out no single commit, and then the branches and tags may lead to it.
        let all = ["fetch", "--quiet", "--no-tags", "--", url, "+refs/heads/*:refs/remotes/all/*", "+refs/tags/*:refs/tags/*"];
        git(&all)?.map_err(Failure::Unreachable)?;
    }
    // A tag has a name of 40 digits too.
    if git(&["cat-file", "-t", commit])?.map(|kind| kind.trim() != "commit").unwrap_or(true) {
        return Err(Failure::NoCommit);
    }
    git(&["checkout", "--quiet", "--force", "--detach", commit, "--"])?.map_err(Failure::Unreachable)?;
    Ok(())
}

/// Runs git in a directory: what it prints, or what it complains of.
fn run(directory: &Path, arguments: &[&str]) -> Result<Result<String, String>, Failure> {
    let mut command = Command::new("git");
    // No hook of anybody's runs, no symbolic link leads out, and the bytes are the same everywhere.
    for setting in
        ["core.hooksPath=/dev/null", "core.symlinks=false", "core.autocrlf=false", "core.fsmonitor=false", "advice.detachedHead=false"]
    {
        command.args(["-c", setting]);
    }
    // Where nothing comes any more, it ends.
    command.args(["-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=60"]);
    // Those that a hook of git's sets would lead it into another repository.
    for name in [
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_NAMESPACE",
        "GIT_PREFIX",
    ] {
        command.env_remove(name);
    }
    command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_ALLOW_PROTOCOL", "https:ssh:file").env("LC_ALL", "C");
    let output = command.args(arguments).current_dir(directory).stdin(Stdio::null()).output().map_err(Failure::NoGit)?;
    if output.status.success() {
        return Ok(Ok(String::from_utf8_lossy(&output.stdout).into_owned()));
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines = || said.lines().map(str::trim).filter(|l| !l.is_empty());
    let telling = lines().find_map(|l| l.strip_prefix("fatal: ").or_else(|| l.strip_prefix("error: "))).or_else(|| lines().next());
    Ok(Err(telling.unwrap_or("git says nothing").to_owned()))
}

#[cfg(test)]
mod tests {
    use crate::base::span::{FileId, Span};

    use super::*;

    const COMMIT: &str = "1f0c5f3d6a9d4f1c8a7be2c3d4e5f60718293a4b";

    fn parse(text: &str) -> Result<Source, String> {
        Source::parse(text, Span::new(FileId(0), 0, 0)).expect("a git source").map_err(|d| d.message)
    }

    #[test]
    fn a_source_has_a_repository_a_directory_and_a_commit() {
        let source = parse(&format!("git+https://h.example/a/net.git//mod/edge?commit={COMMIT}")).expect("well formed");
        assert_eq!((&*source.url, &*source.directory, &*source.commit), ("https://h.example/a/net.git", "mod/edge", COMMIT));
        assert_eq!(source.to_string(), "git+https://h.example/a/net.git//mod/edge");
        assert!(source.checkout().starts_with("net@1f0c5f3-"), "{}", source.checkout());
        let top = parse(&format!("git+file:///srv/net.git?commit={}", COMMIT.to_uppercase())).expect("well formed");
        assert_eq!((&*top.url, &*top.directory, &*top.commit), ("file:///srv/net.git", "", COMMIT));
        assert!(parse(&format!("git+ssh://git@h.example/net.git?commit={COMMIT}")).is_ok());
    }

    #[test]
    fn what_is_not_pinned_is_refused_and_told_how_to_pin() {
        for (text, says) in [
            ("git+https://h.example/net.git", "the source says no commit"),
            ("git+https://h.example/net.git?branch=main", "`branch=main` is no pin"),
            ("git+https://h.example/net.git?tag=v1", "`tag=v1` is no pin"),
            ("git+https://h.example/net.git?commit=1f0c5f3", "`1f0c5f3` is a part of a commit"),
            ("git+https://h.example/net.git?commit=main", "`main` is no commit"),
            ("git+https://h.example/net.git?depth=1", "a git source has no `depth`"),
            ("git+http://h.example/net.git", "a git source begins with"),
            ("git+ext::sh -c x", "a git source begins with"),
            ("git+https://", "the source names no repository"),
            ("git+ssh://-oProxyCommand=x/y?commit=1", "the source names no repository"),
            ("git+https://me:secret@h.example/net.git", "the source holds a password"),
            ("git+https://h.example/net.git//../x?commit=1", "the directory leads out of the repository"),
            ("git+https://h.example/net.git//.git/x?commit=1", "the directory leads out of the repository"),
        ] {
            let message = parse(text).expect_err(text);
            assert!(message.starts_with(says), "{text}: {message}");
        }
    }

    #[test]
    fn a_relative_source_stays_in_its_repository() {
        let source = parse(&format!("git+https://h.example/net.git//mod/edge?commit={COMMIT}")).expect("well formed");
        assert_eq!(source.join("../core").map(|s| s.directory).as_deref(), Some("mod/core"));
        assert_eq!(source.join("../..").map(|s| s.directory).as_deref(), Some(""));
        assert_eq!(source.join("../../../x"), None);
    }
}
