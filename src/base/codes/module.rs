//! E02: modules, and what is said about a resource from elsewhere.

use crate::base::{
    codes::name::{did_you_mean, inside, put_inside},
    diagnostic::Diagnostic,
    span::Span,
};

crate::codes! {
    UNKNOWN = "E0261" "there is no such module"
"`module.edge` is what the statement `module edge \"./modules/edge\" { ... }` of the same directory brings in.

Correct the name, or write the statement.";
    UNREADABLE = "E0262" "a module cannot be read"
"The text after a module's name says where its sources lie: a directory beginning with `./` or `../`, from the file in which
it is written, or a git source that `secnet lock` has fetched.

```secnet error E0262
module edge \"./modules/edgy\" { cidr_block = 10.8.0.0/16 }     # modules/edge
```

Correct the path. Modules may use one another 32 deep.";
    CIRCLE = "E0263" "a module uses itself"
"A module may use other modules, but none that uses it in turn: that would never end.";
    UNKNOWN_INPUT = "E0264" "the module has no such input"
"The inputs of a module are the variables that its files declare.

```secnet error E0264 E0265
module edge \"./modules/edge\" { cidr = 10.8.0.0/16 }      # variable cidr_block
```";
    MISSING_INPUT = "E0265" "an input is missing"
"A variable of a module that has no default must be given a value where the module is used.";
    UNKNOWN_OUTPUT = "E0266" "the module has no such output"
"Of a module, others see what its files declare as `output`, and nothing else. So that is what a module can change inside without
breaking who uses it.

```secnet error E0266
output public = module.edge.subnet.public        # in the module: output public = subnet.public
```";
    ONLY_INPUTS = "E0267" "only inputs stand here"
"Between the braces of a `module` statement stand values for the variables of the module.

Rules for a group that the module makes are added by `extend`, if the module has an output that is the group.";
    PROJECT = "E0268" "a module has no project block"
"Region, account and tags belong to the project that uses the module.

Remove the block; a version that the module needs is the project's to state.";
    EXTENSION = "E0269" "this cannot be extended"
"`extend` adds sentences to a resource that is declared elsewhere in the project. A module can extend what it was given in a
variable; a project what it declares, or what an output of a module gives it. What is declared `existing` is somebody else's.

```secnet
extend security_group.web { ingress tcp/443 from maintainers }
```";
    STATEMENT = "E0270" "a statement about the state does not fit"
"`import` takes something that stands in EC2 under management, under the address of a block of the sources; `forget` lets go of
something, whose block must be gone from them.";
}

/// `module.x` that there is none of.
#[must_use]
pub fn unknown(name: &str, at: Span, meant: Option<&str>) -> Diagnostic {
    let diagnostic = Diagnostic::error(&UNKNOWN, format!("there is no module `{name}`")).at(at, "");
    match meant {
        Some(_) => did_you_mean(diagnostic, at, meant),
        None => diagnostic.help(format!("bring it in: `module {name} \"./modules/{name}\" {{ ... }}`")),
    }
}

/// A source that cannot be opened.
#[must_use]
pub fn unreadable(source: &str, why: &str, at: Span, help: &str) -> Diagnostic {
    Diagnostic::error(&UNREADABLE, format!("the module \"{source}\" cannot be read: {why}")).at(at, "").help(help)
}

/// A module that uses itself, by this way.
#[must_use]
pub fn circle(way: &[String], at: Span) -> Diagnostic {
    Diagnostic::error(&CIRCLE, format!("the module uses itself: {}", way.join(" -> ")))
        .at(at, "")
        .help("take this statement out, or move what both need into a module of its own")
}

/// An input that no variable takes.
#[must_use]
pub fn unknown_input(name: &str, module: &str, at: Span, meant: Option<&str>, all: &[&str]) -> Diagnostic {
    let diagnostic = Diagnostic::error(&UNKNOWN_INPUT, format!("the module `{module}` has no variable `{name}`")).at(at, "");
    match (meant, all) {
        (Some(_), _) => did_you_mean(diagnostic, at, meant),
        (None, []) => diagnostic.help("it has none at all: remove the line"),
        (None, all) => diagnostic.help(format!("its variables are {}", super::name::listed(all))),
    }
}

/// A variable without default that is given nothing.
#[must_use]
pub fn missing_input(name: &str, module: &str, (at, body): (Span, (Span, Option<Span>)), declared: Span, sample: &str) -> Diagnostic {
    Diagnostic::error(&MISSING_INPUT, format!("the module `{module}` needs a value for `{name}`"))
        .at(at, "is not given here")
        .at(declared, "declared here, without a default")
        .help(format!("write `{name} = {sample}` between its braces"))
        .fix(inside(body), put_inside(body, &format!("{name} = {sample}")))
}

/// An output that there is none of.
#[must_use]
pub fn unknown_output(name: &str, module: &str, at: Span, meant: Option<&str>, all: &[&str]) -> Diagnostic {
    let diagnostic = Diagnostic::error(&UNKNOWN_OUTPUT, format!("the module `{module}` has no output `{name}`")).at(at, "");
    match (meant, all) {
        (Some(_), _) => did_you_mean(diagnostic, at, meant),
        (None, []) => diagnostic.help(format!("declare one in its files: `output {name} = ...`")),
        (None, all) => diagnostic.help(format!("its outputs are {}", super::name::listed(all))),
    }
}

/// Something else than an input between the braces.
#[must_use]
pub fn only_inputs(word: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&ONLY_INPUTS, format!("`{word}` is no input")).at(at, "").help("write `name = value` for the variables of the module")
}

/// A `project` block in a module.
#[must_use]
pub fn project(at: Span) -> Diagnostic {
    Diagnostic::error(&PROJECT, "a module has no `project` block").at(at, "").help("remove it: the project that uses the module says this")
}

/// An `extend` that leads nowhere.
#[must_use]
pub fn extension(message: String, at: Span, help: &str) -> Diagnostic {
    Diagnostic::error(&EXTENSION, message).at(at, "").help(help)
}

/// An `import` or `forget` that does not fit the sources.
#[must_use]
pub fn statement(message: String, at: Span, other: Option<(Span, &str)>, help: String) -> Diagnostic {
    let diagnostic = Diagnostic::error(&STATEMENT, message).at(at, "");
    match other {
        Some((at, what)) => diagnostic.at(at, what).help(help),
        None => diagnostic.help(help),
    }
}
