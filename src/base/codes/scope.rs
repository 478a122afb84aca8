//! E07: plans of a part of a project.

use crate::base::{address::Address, diagnostic::Diagnostic};

crate::codes! {
    UNKNOWN_ADDRESS = "E0760" "an option names a resource that is nowhere"
"`--target`, `--exclude` and `--replace` take the address of a resource of the project or of the state, with its key or without (then all of a
`for` are meant), or a module: `--target 'subnet.private[\"a\"]'`, `--target subnet.private`, `--target module.edge`. What stands in neither
is a mistake rather than nothing to do.

`secnet plan` names every resource by its address, and so does `secnet state list`.";
    ONLY_READ = "E0761" "an option names what is only read"
"An `existing` block reads what somebody else has made. A plan does nothing to it, so there is nothing to target, leave out or replace.";
    NOT_TO_REPLACE = "E0762" "what is to be replaced cannot be"
"`--replace` makes anew what stands and is wanted. What does not stand yet is made anyhow; what is not in the sources any more goes
anyhow; and what a plan leaves out is not replaced by it.";
    NOTHING_TO_UNDO = "E0764" "there is nothing to undo"
"`secnet apply --undo` leads back to what stood before the last apply that was carried out, from what that apply has left beside the state.
Where none has left anything, or all is as it was, there is no way to go.";
    CANNOT_UNDO = "E0765" "something cannot be put back"
"The way back is planned from the state before the last apply. Two things it cannot tell: a sensitive value, of which a state holds but a
hash, and an `existing` block that the project has no more. A plan that leaves such a thing out would lead somewhere else, so there
is none.

Put the sources back to what they were (`git revert`), and apply them.";
    NO_SUCH_RUN = "E0763" "no run has this number"
"`secnet log` lists the runs that have left an account, each with its number; `secnet log 7` shows the calls of the seventh. The account
keeps the last runs, some 8 MiB of them: older ones are gone.";
}

/// [`UNKNOWN_ADDRESS`]
#[must_use]
pub fn unknown_address(text: &str, option: &str, meant: Option<&str>) -> Diagnostic {
    let told = Diagnostic::error(&UNKNOWN_ADDRESS, format!("`{option} {text}` names no resource of the project or its state"));
    match meant {
        Some(meant) => told.help(format!("did you mean `{meant}`?")),
        None => told.help("write an address such as `subnet.private[\"a\"]`, one without its key, or a module such as `module.edge`"),
    }
}

/// [`ONLY_READ`]
#[must_use]
pub fn only_read(text: &str, option: &str) -> Diagnostic {
    Diagnostic::error(&ONLY_READ, format!("`{option} {text}` names what the project only reads"))
        .help("an `existing` block is never changed; leave the option out")
}

/// [`NOTHING_TO_UNDO`]
#[must_use]
pub fn nothing_to_undo(why: &str) -> Diagnostic {
    Diagnostic::error(&NOTHING_TO_UNDO, format!("there is nothing to undo: {why}")).help("`secnet log` shows what the last runs have done")
}

/// [`CANNOT_UNDO`]
#[must_use]
pub fn cannot_undo(address: &Address, why: &str, help: &str) -> Diagnostic {
    Diagnostic::error(&CANNOT_UNDO, format!("`{address}` cannot be put back: {why}")).help(help)
}

/// [`NO_SUCH_RUN`]
#[must_use]
pub fn no_such_run(wanted: &str, last: Option<u64>) -> Diagnostic {
    let told = Diagnostic::error(&NO_SUCH_RUN, format!("there is no account of a run `{wanted}`"));
    match last {
        Some(last) => told.help(format!("the last one is {last}; `secnet log` lists them")),
        None => told.help("no run has left an account here"),
    }
}

/// [`NOT_TO_REPLACE`]
#[must_use]
pub fn not_to_replace(address: &Address, stands: bool) -> Diagnostic {
    let why = if stands { "it is not in the sources any more" } else { "it does not stand yet" };
    Diagnostic::error(&NOT_TO_REPLACE, format!("`{address}` cannot be replaced: {why}")).help("apply without `--replace` for it")
}

/// [`NOT_TO_REPLACE`]
#[must_use]
pub fn replaced_and_left_out(address: &Address) -> Diagnostic {
    Diagnostic::error(&NOT_TO_REPLACE, format!("`{address}` cannot be replaced: the plan leaves it out"))
        .help("leave one of `--replace` and `--exclude` out")
}
