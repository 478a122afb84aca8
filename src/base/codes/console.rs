//! E069: what is asked of the console.

use crate::base::diagnostic::{Diagnostic, nearest};

crate::codes! {
    UNKNOWN_COMMAND = "E0690" "the console has no such command"
"Commands of the console begin with a colon; `:help` lists them. Whatever else is typed is an expression, or `trace FROM TO SERVICE`.";
    TRACE_SHAPE = "E0691" "a trace in the console has another shape"
"A trace takes two ends and a service, with blanks between them. An end is an expression: a resource, a network, an address, `internet`.

```text
trace internet instance.server tcp/22
trace 203.0.113.7 subnet.public tcp/443
```";
    NOT_TRACED = "E0692" "nothing can be traced while the project has errors"
"Who reaches what is told of the whole project. While parts of it could not be understood, the answer would be a guess.

Correct what `secnet check` reports first.";
}

/// [`UNKNOWN_COMMAND`]
#[must_use]
pub fn unknown_command<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Diagnostic {
    let diagnostic = Diagnostic::error(&UNKNOWN_COMMAND, format!("there is no command `{word}`"));
    match nearest(word, known) {
        Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
        None => diagnostic.help("`:help` lists them"),
    }
}

/// [`TRACE_SHAPE`]
#[must_use]
pub fn trace_shape(why: &str) -> Diagnostic {
    Diagnostic::error(&TRACE_SHAPE, why).help("write `trace FROM TO SERVICE`, such as `trace internet instance.server tcp/22`")
}

/// [`NOT_TRACED`]
#[must_use]
pub fn not_traced() -> Diagnostic {
    Diagnostic::error(&NOT_TRACED, "nothing is traced in a project that has errors").help("correct what `secnet check` reports")
}
