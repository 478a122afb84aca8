//! E02: environments of a project.

use crate::base::{
    diagnostic::{Diagnostic, nearest},
    span::Span,
};

crate::codes! {
    UNKNOWN = "E0290" "there is no such environment"
"`--env NAME` works on an environment of the project, which is there by a block, or by a file `NAME.vars` beside the sources, or by both:

```secnet
env prod {
  account = \"123456789012\"
  region  = \"eu-west-1\"
}
```

An environment has a state of its own, so a name that is misspelt would make everything a second time. Correct it, or write one of the two.";
    SETTING = "E0291" "a setting of an environment is wrong"
"An `env` block takes `account` and `region`, which hold in place of those of the project, and `state`, the word in the name of its state
file: `state/PROJECT.WORD.json`, which is the environment's name where nothing is written. The word is known before anything
is worked out, so it is a plain text: small letters, digits, `_` and `-`.

```secnet
env prod { state = \"production\" }
```";
    SHARED_STATE = "E0292" "two environments share a state"
"The state is all that secnet knows of what it has made. If two environments kept theirs in one file, each would take down what the other
has made.

Give one of them another `state`, or leave the setting out.";
    IN_MODULE = "E0293" "a module has no environments"
"Account, region and state belong to the project that uses the module. What differs between environments is given to a module as a
variable.

Move the block to the project.";
}

/// [`UNKNOWN`], with those that there are.
#[must_use]
pub fn unknown(name: &str, known: &[&str]) -> Diagnostic {
    let diagnostic = Diagnostic::error(&UNKNOWN, format!("there is no environment `{name}`"));
    match (nearest(name, known.iter().copied()), known) {
        (Some(meant), _) => diagnostic.help(format!("did you mean `{meant}`?")),
        (None, []) => diagnostic.help(format!("there are none: write `env {name} {{ }}`, or its variables into `{name}.vars`")),
        (None, known) => diagnostic.help(format!("there are {}", super::name::listed(known))),
    }
}

/// [`UNKNOWN`], for what cannot be the name of one.
#[must_use]
pub fn no_name(name: &str) -> Diagnostic {
    Diagnostic::error(&UNKNOWN, format!("{name:?} cannot be the name of an environment"))
        .help("it begins with a small letter and goes on with small letters, digits, `_` and `-`")
}

/// [`SETTING`]
#[must_use]
pub fn setting(message: String, at: Span, help: &str) -> Diagnostic {
    Diagnostic::error(&SETTING, message).at(at, "").help(help)
}

/// [`SHARED_STATE`]; one of the two may be there by its variables file alone, and stands nowhere.
#[must_use]
pub fn shared_state(word: &str, at: Span, first: Option<Span>, other: &str) -> Diagnostic {
    Diagnostic::error(&SHARED_STATE, format!("the environment `{other}` keeps its state under `{word}` already"))
        .at(at, "the same word")
        .at(first, "here")
        .help("give one of them another `state`")
}

/// [`IN_MODULE`]
#[must_use]
pub fn in_module(at: Span) -> Diagnostic {
    Diagnostic::error(&IN_MODULE, "a module has no environments").at(at, "").help("move the block to the project that uses the module")
}
