//! E02: other projects, whose outputs are read.

use crate::base::{codes::name::did_you_mean, diagnostic::Diagnostic, span::Span};

crate::codes! {
    UNKNOWN = "E0295" "there is no such other project"
"`project.NAME.OUTPUT` is an output of the project that a statement brings in:

```secnet error E0296
project app { }
project network \"../network\"
output shared = project.network.vpc_id
```

A module reads no other project: give it the value as a variable.";
    UNREADABLE = "E0296" "another project cannot be read"
"The text is the directory of the other project, seen from this one's. It must hold the sources of a project, for its name is that of its
state file; what else is wrong in them does not matter here.";
    NEVER_APPLIED = "E0297" "another project was never applied"
"The outputs of a project are those of its last apply, which its state keeps. This one has no state: neither it nor this environment of it
was ever applied, or its state is not on this machine.

Apply it first. The sandbox keeps states of its own: with `--sandbox`, the other project must have been applied with `--sandbox`.";
    NO_OUTPUT = "E0298" "another project has no such output"
"Others see of a project what it declares as `output`, as its last apply left it. An output that was written since, or whose value was
not known then, comes with the next apply.";
    SENSITIVE = "E0299" "an output of another project is secret"
"The output says `sensitive = true`. Such a value is kept in no state that others read, so it cannot be had from there.

Give the value to this project as a variable of its own that is `sensitive`.";
}

/// [`UNKNOWN`]
#[must_use]
pub fn unknown(name: &str, at: Span, meant: Option<&str>, in_module: bool) -> Diagnostic {
    let diagnostic = Diagnostic::error(&UNKNOWN, format!("there is no other project `{name}`")).at(at, "");
    match meant {
        _ if in_module => diagnostic.help("a module reads no other project: take the value as a variable"),
        Some(_) => did_you_mean(diagnostic, at, meant),
        None => diagnostic.help(format!("bring it in: `project {name} \"../{name}\"`")),
    }
}

/// [`UNKNOWN`], for the word `project` where a value was meant.
#[must_use]
pub fn alone(at: Span) -> Diagnostic {
    Diagnostic::error(&UNKNOWN, "`project` alone is no value").at(at, "").help("name an output of another project: `project.NAME.OUTPUT`")
}

/// [`UNKNOWN`], for the statement in a module.
#[must_use]
pub fn in_module(at: Span) -> Diagnostic {
    Diagnostic::error(&UNKNOWN, "a module reads no other project")
        .at(at, "")
        .help("take the value as a variable, and read it in the project that uses the module")
}

/// [`UNREADABLE`]
#[must_use]
pub fn unreadable(path: &str, why: &str, at: Span, help: &str) -> Diagnostic {
    Diagnostic::error(&UNREADABLE, format!("the project \"{path}\" cannot be read: {why}")).at(at, "").help(help)
}

/// [`NEVER_APPLIED`]: which state was looked for.
#[must_use]
pub fn never_applied(project: &str, state: &str, at: Span, help: &str) -> Diagnostic {
    Diagnostic::error(&NEVER_APPLIED, format!("`{project}` was never applied: there is no `{state}`")).at(at, "").help(help)
}

/// [`NO_OUTPUT`]
#[must_use]
pub fn no_output(name: &str, project: &str, at: Span, meant: Option<&str>, all: &[&str]) -> Diagnostic {
    let message = format!("the last apply of `{project}` gave no output `{name}`");
    let diagnostic = Diagnostic::error(&NO_OUTPUT, message).at(at, "");
    match (meant, all) {
        (Some(_), _) => did_you_mean(diagnostic, at, meant),
        (None, []) => diagnostic.help("it gave none at all: declare one there, and apply it again"),
        (None, all) => diagnostic.help(format!("its outputs are {}", super::name::listed(all))),
    }
}

/// [`SENSITIVE`]
#[must_use]
pub fn sensitive(name: &str, project: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&SENSITIVE, format!("the output `{name}` of `{project}` is sensitive, and not given to others"))
        .at(at, "")
        .help("take the value as a variable of this project")
}
