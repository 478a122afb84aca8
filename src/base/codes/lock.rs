//! E02: modules from git, and the lock file that pins what they hold.

use crate::base::{diagnostic::Diagnostic, span::Span};

crate::codes! {
    SOURCE = "E0280" "a git source has another form"
"A module from git is named by its repository, a directory in it, and the one commit that is meant, in all its 40 digits:

```secnet error E0262
module edge \"git+https://example.com/network.git//modules/edge?commit=1f0c5f3d6a9d4f1c8a7be2c3d4e5f60718293a4b\" { }
```

`git+ssh://` and `git+file://` work too. A branch or a tag is no pin: whoever may write to the repository could move it, and with
it your network. `git ls-remote URL main` says which commit a branch is at now.";
    CHANGED = "E0281" "a module is not what was locked"
"What lies under `.secnet/modules/` differs from what `secnet lock` has fetched and written down in `secnet.lock`. Somebody or something
has changed it since: by mistake, in order to try something, or in order to open your network.

Find out who did. `secnet lock` fetches the sources anew, and refuses them too if they are not those that were locked.";
    COMMIT_CHANGED = "E0282" "a commit holds something else than when it was locked"
"The repository gives other files for this commit than it gave when `secnet.lock` was written. Git commits do not change, so either
`secnet.lock` was edited, or what answers is not the repository that you know.

secnet never takes the new files silently. Find out which of the two it is. If the new files are the right ones, take the entry out of
`secnet.lock` by hand and run `secnet lock` again, in a change that somebody reviews.";
    NO_GIT = "E0283" "git is not there"
"`secnet lock` fetches modules with the program `git`, so that its credentials, proxies and keys are those that you have set up already.
It could not be started.

Install git, and look whether `git --version` works in this terminal.";
    UNREACHABLE = "E0284" "a repository cannot be fetched"
"Git was asked for the repository and has failed; the message holds its words. The repository may not exist, the network may be down, or
git may lack the right to read it: secnet lets it ask for no password.

Try `git ls-remote URL` in a terminal. When that works without questions, `secnet lock` does.";
    NO_COMMIT = "E0285" "a repository has no such commit"
"The repository was reached, and has no commit of this name: a digit may be wrong, or it was never pushed there, or its branch was
rewritten.

`git ls-remote URL main` says which commit the branch `main` is at.";
    NO_DIRECTORY = "E0286" "a repository has no module there"
"The text between `//` and `?` names the directory of the module in the repository; without it, the module is the repository's top. It must
be there at this commit, with at least one file that ends in `.secnet`.";
    OUTSIDE = "E0287" "a module leads out of its repository"
"A module from git may use other directories of its own repository, by `./` and `../`. Where that would lead out of the repository it would
reach into the files of whoever uses the module, which nobody has checked.

Name the other module by a source of its own.";
    LOCK_FILE = "E0288" "the lock file cannot be used"
"`secnet.lock` is written by `secnet lock` and belongs into version control: it holds the checksums of the modules from git. This one cannot
be read: it may hold the marks of a merge, or a later version of secnet has written it.

Restore it from version control. Where two branches have both locked something, take either side and run `secnet lock`.";
    NOT_UP_TO_DATE = "E0289" "the lock file does not fit the sources"
"`secnet lock --check` writes nothing and fails where `secnet lock` would change `secnet.lock`: a module was added, taken away, or moved to
another commit, and the lock file was not brought along.

Run `secnet lock` and commit `secnet.lock` together with the sources.";
}

/// [`SOURCE`]
#[must_use]
pub fn source(why: &str, at: Span, help: &str) -> Diagnostic {
    Diagnostic::error(&SOURCE, why).at(at, "").help(help)
}

/// [`CHANGED`]: which files, or why it cannot be told.
#[must_use]
pub fn changed(module: &str, what: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&CHANGED, format!("the module \"{module}\" is not what was locked: {what}; somebody may have tampered with it"))
        .at(at, "its checksum differs from that in `secnet.lock`")
        .help("find out who changed it; `secnet lock` fetches it anew and checks it again")
}

/// [`COMMIT_CHANGED`]: which files.
#[must_use]
pub fn commit_changed(module: &str, commit: &str, what: &str, at: Span) -> Diagnostic {
    let message = format!("\"{module}\" holds something else at {commit} than when it was locked: {what}");
    Diagnostic::error(&COMMIT_CHANGED, message)
        .at(at, "the commit is the same, its checksum is not")
        .help("find out whether `secnet.lock` was edited or the repository is another one; nothing was written")
}

/// [`NO_GIT`]
#[must_use]
pub fn no_git(reason: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&NO_GIT, format!("`git` cannot be started: {reason}")).at(at, "").help("install git; `git --version` must work")
}

/// [`UNREACHABLE`]: git's words.
#[must_use]
pub fn unreachable(url: &str, said: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&UNREACHABLE, format!("`{url}` cannot be fetched: {said}"))
        .at(at, "")
        .help(format!("try `git ls-remote {url}`: it must work without asking anything"))
}

/// [`NO_COMMIT`]
#[must_use]
pub fn no_commit(url: &str, commit: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&NO_COMMIT, format!("`{url}` has no commit {commit}"))
        .at(at, "")
        .help(format!("`git ls-remote {url}` lists the commits that its branches and tags are at"))
}

/// [`NO_DIRECTORY`]
#[must_use]
pub fn no_directory(url: &str, why: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&NO_DIRECTORY, format!("`{url}` has no module there: {why}"))
        .at(at, "")
        .help("write the directory of the module between `//` and `?commit=`")
}

/// [`OUTSIDE`]
#[must_use]
pub fn outside(source: &str, url: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&OUTSIDE, format!("\"{source}\" leads out of the repository `{url}`"))
        .at(at, "")
        .help("name the other module by a source of its own, beginning with `git+`")
}

/// [`LOCK_FILE`]
#[must_use]
pub fn lock_file(path: &str, why: &str) -> Diagnostic {
    Diagnostic::error(&LOCK_FILE, format!("`{path}` cannot be used: {why}")).help("restore it from version control, then run `secnet lock`")
}

/// [`NOT_UP_TO_DATE`]: what `secnet lock` would change.
#[must_use]
pub fn not_up_to_date(path: &str, what: &str) -> Diagnostic {
    Diagnostic::error(&NOT_UP_TO_DATE, format!("`{path}` does not fit the sources: {what}")).help("run `secnet lock` and commit the file")
}
