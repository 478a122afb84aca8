//! E02: templates. What is wrong with the values in them has its own messages.

use crate::base::{diagnostic::Diagnostic, span::Span};

crate::codes! {
    TEMPLATE = "E0257" "a template cannot be read"
"A template is a file with `${...}` in it, and with directives around parts of it. It sees the variables that `templatefile` gives
it, and no other names.

```text
%{ for name in names ~}
server ${name}
%{ endfor ~}
%{ if debug }verbose%{ else }quiet%{ endif }
```

`~` takes away the blanks on its side and one line break. `$${` and `%%{` are the characters themselves.";
}

/// [`TEMPLATE`]; a directive is wrong.
#[must_use]
pub fn directive(message: &str, at: Span, help: &str) -> Diagnostic {
    Diagnostic::error(&TEMPLATE, message).at(at, "").help(help)
}

/// [`TEMPLATE`]; it gives more than anybody wants.
#[must_use]
pub fn too_long(at: Span, most: usize) -> Diagnostic {
    Diagnostic::error(&TEMPLATE, format!("the template gives more than {most} pieces")).at(at, "").help("go through less")
}

/// [`TEMPLATE`]; one within another.
#[must_use]
pub fn in_template(at: Span) -> Diagnostic {
    Diagnostic::error(&TEMPLATE, "a template holds another").at(at, "").help("render the other first, and pass its text as a variable")
}
