//! E09: policies that are waived or imposed.

use std::fmt::Display;

use crate::base::{diagnostic::Diagnostic, span::Span};

crate::codes! {
    UNKNOWN_POLICY = "E0901" "a waiver is of a policy that does not exist"
"A waiver names one policy, of the project or of a directory given with `--policy-dir`.

```secnet error E0901
waive private_server until 2027-01-31 \"migration\"
```";
    NO_DAY = "E0902" "a waiver ends on no day"
"The end of a waiver is a day of the calendar, written as year, month and day: `2027-01-31`. It holds on that day still, in UTC.";
    NO_REASON = "E0903" "a waiver has no reason"
"Whoever reads a waiver later must be able to tell whether it is still needed.

```secnet
policy private_server { forbid all from internet to subnet.private }
waive private_server until 2027-01-31 \"the old VPN goes away in January\"
```";
    IMPOSED = "E0904" "a project waives what is imposed on it"
"A policy of a directory given with `--policy-dir` holds for the project whether it likes it or not. Those who look after that directory can
change it; the project cannot let itself off.";
    EXPIRED = "E0905" "a waiver has expired"
"The last day of the waiver is over, so the policy counts again. Make the policy hold, remove the waiver, or agree on a later day.";
    ONLY_POLICIES = "E0906" "a directory of policies holds something else"
"The files of a directory given with `--policy-dir` hold policies, and names for values with `let`. Resources, variables and all else
belong to projects.";
}

/// [`UNKNOWN_POLICY`]
#[must_use]
pub fn unknown_policy(name: &str, at: Span, meant: Option<&str>) -> Diagnostic {
    let plain = Diagnostic::error(&UNKNOWN_POLICY, format!("there is no policy `{name}`")).at(at, "not found");
    match meant {
        Some(meant) => plain.help(format!("did you mean `{meant}`?")),
        None => plain.help("name a policy of this project, or remove the waiver"),
    }
}

/// [`NO_DAY`]
#[must_use]
pub fn no_day(text: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&NO_DAY, format!("`{text}` is no day")).at(at, "").help("write it as `2027-01-31`")
}

/// [`NO_REASON`]
#[must_use]
pub fn waiver_without_reason(policy: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&NO_REASON, format!("the waiver of `{policy}` has no reason")).at(at, "").help("add it behind the day, in quotes")
}

/// [`IMPOSED`]
#[must_use]
pub fn imposed_policy(policy: &str, at: Span, policy_at: Span) -> Diagnostic {
    Diagnostic::error(&IMPOSED, format!("`{policy}` cannot be waived here"))
        .at(at, "the project waives it")
        .at(policy_at, "it is imposed from outside")
        .help("remove the waiver, or talk to those who look after that directory")
}

/// [`EXPIRED`]
#[must_use]
pub fn waiver_expired(policy: &str, until: impl Display, at: Span) -> Diagnostic {
    Diagnostic::error(&EXPIRED, format!("the waiver of `{policy}` has expired: its last day was {until}"))
        .at(at, "")
        .help("make the policy hold and remove the waiver, or agree on a later day")
}

/// [`ONLY_POLICIES`]
#[must_use]
pub fn only_policies(what: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&ONLY_POLICIES, format!("{what} stands in a directory of policies"))
        .at(at, "")
        .help("keep policies alone there, and names for values with `let`")
}
