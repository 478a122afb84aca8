//! E02, from E0258: sensitive values, where they have no place.

use crate::base::{
    diagnostic::{Diagnostic, Severity},
    span::Span,
};

crate::codes! {
    KEY = "E0258" "a sensitive value would be seen in a name or a number"
"How many resources there are, and how they are called, stands in every plan, in the state and in the tags of what is made; so do
the keys of a map. A sensitive value there would be seen by everybody.

```secnet error E0258
variable token = \"a,b\" { sensitive = true }
vpc each for name in split(\",\", token) { cidr_block = 10.0.0.0/16 }
```

Go through something that is no secret and use the sensitive value inside, or say that this much of it may be seen:
`nonsensitive(keys(x))`.";
    OUTPUT = "E0259" "an output shows a sensitive value"
"An output is printed, and kept in the state. One that holds a sensitive value, or something made of one, must say so; then only
its name is shown, and nothing of its value is kept.

```secnet
variable password = \"secret\" { sensitive = true }
output login = \"admin:${password}\" \"how to log in\" { sensitive = true }
```

Where the result gives nothing away, take the mark off: `output n = nonsensitive(length(password))`.";
    SHOWN = "E0260" "a sensitive value where all is shown"
"What a network is made of cannot be hidden: a plan says who may reach what, and a proof names every network, port and rule that it
rests on. So networks, addresses, services, rules, routes, policies, references, and whatever else the prover and the planner read
take no sensitive value. Neither do the filters of an `existing` block, since what they find is shown.

```secnet error E0260
variable office: cidr = 192.0.2.0/24 { sensitive = true }
vpc main { cidr_block = office }
```

Texts (`user_data`, a description, a name in EC2) and the values of tags do. Elsewhere take the mark off: `nonsensitive(office)`.";
}

/// [`KEY`]; `what` would be seen.
#[must_use]
pub fn key(what: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&KEY, format!("{what} is shown in every plan, and this is sensitive"))
        .at(at, "sensitive")
        .help("take something that is no secret, or say that this much of it may be seen: `nonsensitive(...)`")
}

/// [`OUTPUT`]
#[must_use]
pub fn output(name: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&OUTPUT, format!("the output `{name}` holds a sensitive value"))
        .at(at, "sensitive")
        .help(format!("add `{{ sensitive = true }}` behind `{name}`, or take the mark off with `nonsensitive(...)`"))
}

/// [`SHOWN`]; `what` takes no sensitive value.
#[must_use]
pub fn shown(what: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&SHOWN, format!("{what} takes no sensitive value, since plans and proofs show it"))
        .at(at, "sensitive")
        .help("take the mark off with `nonsensitive(...)` if it may be seen")
}

/// A message about a sensitive value, without the value.
#[must_use]
pub fn veiled(diagnostic: Diagnostic) -> Diagnostic {
    let Diagnostic { code, severity, labels, .. } = diagnostic;
    let message = format!("{}; the value is sensitive, so it is not shown", code.title);
    let plain = if severity == Severity::Error { Diagnostic::error(code, message) } else { Diagnostic::warning(code, message) };
    labels.into_iter().fold(plain, |diagnostic, label| diagnostic.at(label.span, ""))
}
