//! E027: tests of a project, and what they find.

use crate::base::{
    codes::name::did_you_mean,
    diagnostic::{Diagnostic, nearest},
    span::Span,
};

crate::codes! {
    SENTENCE = "E0271" "a test takes no such sentence"
"A `test` gives variables of the project other values with `with`, and says what must then be so:

```secnet
test \"others get in nowhere\" {
  with    maintainers = [198.51.100.7/32]
  forbid  tcp/22 from 203.0.113.0/28 to instance.server
  require tcp/443 from instance.server to internet
  plan    creates 14
  assert  vpc.main.cidr_block == 10.0.0.0/16 \"the range is agreed with the data centre\"
}
```

Resources, policies and all else stand outside of it.";
    SHAPE = "E0272" "a sentence of a test has another shape"
"`plan` takes one or more of `creates`, `updates`, `replaces` and `deletes`, each with a number. `expect` takes the code of a message,
and perhaps a part of that message in quotes, or `refuted` or `unknown` and the name of a policy in quotes. `assert` takes a condition, and
perhaps a text in quotes.

```secnet
test \"nobody is let in\" {
  with   maintainers = []
  plan   creates 14 updates 0
  expect E0224 \"at least one network\"
}
```";
    UNKNOWN_CODE = "E0273" "a message is expected that there is none of"
"Every message of secnet has a code: E and four digits for what is reported as an error, W and four digits for what is always a warning.
`secnet explain` lists all of them.";
    NO_POLICY = "E0274" "a policy is expected to fail that does not exist"
"`expect refuted` and `expect unknown` name a policy of the project; that of a module goes by the module's path.

```secnet error E0274
test \"everybody is let in\" {
  with   maintainers = [0.0.0.0/0]
  expect refuted \"privat_server\"
}
```";
    FAILED = "E0275" "an assertion does not hold"
"The condition of an `assert` is false with the values that the test gives. The values that were compared are shown at their places.

Correct the project, or the test.";
    UNDECIDED = "E0276" "something of a test cannot be told"
"Nothing is proved or planned of a project that has errors, not even where the test expects them, and a condition that rests on such an
error is neither true nor false. A test fails rather than pass over what it could not look at.

Remove the sentence, or write a second test without the error.";
    NOT_SEEN = "E0277" "what a test expects does not come"
"With the values that the test gives, the project does not give this message: either it is right although the test wants it to be wrong,
or something else is said of it.

Correct the project or the test; a part of the message that is written in quotes must stand in it as it is.";
    COUNTS = "E0278" "a plan does something else than a test says"
"The plan is made for an account in which nothing stands, so every managed resource is created. What counts are resources, as in the last
line of `secnet plan`, not the rules and routes in them.

Correct the number if the change is meant.";
}

/// Sentences of a test, for help.
const EXAMPLES: &[(&str, &str)] = &[
    ("with", "with maintainers = [198.51.100.7/32]"),
    ("require", "require tcp/443 from instance.server to internet"),
    ("forbid", "forbid all from internet to instance.db"),
    ("plan", "plan creates 14"),
    ("assert", "assert length(subnet.private) == 3"),
    ("expect", "expect E0224"),
];

/// [`SENTENCE`]
#[must_use]
pub fn sentence(head: &str, at: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error(&SENTENCE, format!("a test takes no `{head}`")).at(at, "");
    let found = nearest(head, EXAMPLES.iter().map(|(word, _)| *word));
    match found.and_then(|m| EXAMPLES.iter().find(|(word, _)| *word == m)) {
        Some((word, example)) => diagnostic.help(format!("did you mean `{word}`, as in `{example}`?")).fix(at, *word),
        None => diagnostic.help("it takes `with`, `require`, `forbid`, `plan`, `assert` and `expect`"),
    }
}

/// [`SENTENCE`]: a `with` in a `for` or an `if`.
#[must_use]
pub fn with_inside(at: Span) -> Diagnostic {
    Diagnostic::error(&SENTENCE, "`with` stands in what is repeated or left out")
        .at(at, "")
        .help("write it outside, and choose its value: `with n = if ... then ... else ...`")
}

/// [`SHAPE`]; `expected` has its backticks.
#[must_use]
pub fn shape(expected: &str, at: Span, example: &str) -> Diagnostic {
    let diagnostic = Diagnostic::error(&SHAPE, format!("expected {expected}")).at(at, "");
    diagnostic.help(format!("a sentence that is right: `{example}`"))
}

/// [`SHAPE`]: something is counted twice.
#[must_use]
pub fn counted_twice(word: &str, at: Span, first: Span) -> Diagnostic {
    Diagnostic::error(&SHAPE, format!("`{word}` stands here twice")).at(at, "").at(first, "the first").help("write one number for it")
}

/// [`UNKNOWN_CODE`]
#[must_use]
pub fn unknown_code(code: &str, at: Span, meant: Option<&str>) -> Diagnostic {
    let diagnostic = Diagnostic::error(&UNKNOWN_CODE, format!("no message has the code `{code}`")).at(at, "");
    match meant {
        Some(meant) => did_you_mean(diagnostic, at, Some(meant)),
        None => diagnostic.help("write a code such as `E0224`, or `refuted` or `unknown` and a policy in quotes"),
    }
}

/// [`NO_POLICY`]
#[must_use]
pub fn no_policy(name: &str, at: Span, meant: Option<&str>) -> Diagnostic {
    let diagnostic = Diagnostic::error(&NO_POLICY, format!("there is no policy `{name}`")).at(at, "");
    match meant {
        Some(meant) => diagnostic.help(format!("did you mean {meant:?}?")),
        None => diagnostic.help("name a policy of the project"),
    }
}

/// [`FAILED`]; `sides` are values that were compared, each at its place.
#[must_use]
pub fn failed(words: Option<&str>, condition: Span, sides: Vec<(Span, String)>) -> Diagnostic {
    let message = words.map_or_else(|| "an assertion does not hold".to_owned(), |w| format!("an assertion does not hold: {w}"));
    let diagnostic = Diagnostic::error(&FAILED, message).at(condition, "this is false");
    let diagnostic = sides.into_iter().fold(diagnostic, |d, (at, value)| d.at(at, value));
    diagnostic.help("correct the project, or what the test says of it")
}

/// [`UNDECIDED`]: a condition rests on what was reported.
#[must_use]
pub fn undecided(condition: Span) -> Diagnostic {
    Diagnostic::error(&UNDECIDED, "an assertion is neither true nor false")
        .at(condition, "it rests on something that has an error")
        .help("write a second test without the error")
}

/// [`UNDECIDED`]: something is proved or planned, and the project has errors.
#[must_use]
pub fn not_looked_at(head: &str, at: Span) -> Diagnostic {
    let done = if head == "plan" { "planned" } else { "proved" };
    Diagnostic::error(&UNDECIDED, format!("nothing is {done} of a project that has errors"))
        .at(at, "not looked at")
        .help("write a second test without the error")
}

/// [`NOT_SEEN`]; `instead` are messages with the same code that say something else.
#[must_use]
pub fn not_seen(code: &str, part: Option<&str>, at: Span, instead: &[&str]) -> Diagnostic {
    let with = part.map(|p| format!(" with {p:?} in it")).unwrap_or_default();
    let diagnostic = Diagnostic::error(&NOT_SEEN, format!("{code}{with} was expected, and does not come")).at(at, "expected here");
    match instead.first() {
        Some(message) => diagnostic.help(format!("what {code} says is: {message}")),
        None => diagnostic.help("correct the project so that it is refused, or the test"),
    }
}

/// [`NOT_SEEN`]: a policy fares otherwise.
#[must_use]
pub fn not_so(policy: &str, wanted: &str, found: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&NOT_SEEN, format!("policy `{policy}` was expected to be {wanted}, and is {found}"))
        .at(at, "expected here")
        .help("correct the project, or what the test says of it")
}

/// [`COUNTS`]
#[must_use]
pub fn counts(word: &str, wanted: i64, found: usize, at: Span) -> Diagnostic {
    Diagnostic::error(&COUNTS, format!("the plan {word} {found}, not {wanted}"))
        .at(at, format!("it {word} {found}"))
        .help("correct the number, if the change is meant")
}
