//! E01: syntax.

use crate::base::{diagnostic::Diagnostic, span::Span};

crate::codes! {
    UNEXPECTED = "E0101" "something unexpected"
r#"The text does not fit secnet's syntax here; the message says what could stand in this place. The statements around it were read.

    vpc main {
      cidr_block = = 10.0.0.0/16
    }

A body holds attributes (`name = value`), blocks (`word { ... }`) and sentences (`ingress tcp/22 from maintainers`).
"#;
    UNTERMINATED_TEXT = "E0102" "a text that never ends"
r#"A text in double quotes ends in its own line. The message points at its first quote.

    description = "SSH for maintainers

Close it with `"`. A text of several lines is a heredoc, up to a line that holds its word alone; `<<~` takes off the indentation
that all lines share:

    user_data = <<~END
      #!/bin/sh
      echo hello
    END
"#;
    UNCLOSED = "E0103" "a bracket that is never closed"
r#"Every `{`, `[`, `(` and `${` needs its counterpart. The message points at the one that has none. What follows in a file is read
nevertheless: a line that begins in column 0 with a block, like `vpc main {`, begins a new block.

    vpc main {
      tags = { Owner = "Ali"
    }

Here the `}` closes the map, and the block is left open. secnet goes by the indentation when it says which one it was.
"#;
    TOO_DEEP = "E0104" "too deeply nested"
r#"Brackets, braces, parentheses and `${` may stand one inside the other 100 times, and an expression may be 256 nodes deep; a
row of operators counts as one node each, because that is how it is computed.

The limit is far above what people write. It keeps a broken or hostile file from exhausting the memory of whoever reads it.

Give a part of the value a name of its own:

    let part = [1, 2, 3]
    let all  = [part, part]
"#;
    NUMBER_TOO_LARGE = "E0105" "a number is out of range"
r#"Whole numbers go from -9223372036854775807 to 9223372036854775807 (64 bits); durations to that many seconds.

    retention = 99999999999999999999

Write a smaller number, or a text in quotes if the digits are a name: account ids and the like are texts.

    account = "123456789012"
"#;
    BAD_NUMBER = "E0106" "letters after a number"
r#"A number is digits, with a fraction (`1.5`) or one of the units of time: `30s`, `5m`, `1h`, `2d`.

    timeout = 30sec
    zone    = 1a

Write `30s`; put what is a text in quotes: `"1a"`. Names begin with a letter.
"#;
    BAD_ESCAPE = "E0107" "an unknown escape in a text"
r#"In a text in quotes a backslash begins one of these: `\n` `\t` `\r` `\"` `\\` `\u{1F512}`. `$${` stands for `${` itself.

    pattern = "C:\new\dir"

Write the backslash twice, or use a heredoc, in which backslashes are as they are:

    user_data = <<~END
      sed -i 's/\s*$//' file
    END
"#;
    COMPUTED_PORT = "E0109" "a name as a port"
r#"A service is one token without spaces, `tcp/22`, so that a name after the slash could be the name of a service as well as that of a
variable. secnet knows no names of ports, and a port that is computed stands in parentheses:

    ingress tcp/(port) from anywhere
    ingress tcp/(low)-(high) from anywhere
"#;
    MISSING_EQUALS = "E0110" "`=` is missing between a name and its value"
r#"An attribute is a name, `=`, and a value.

    cidr_block 10.0.0.0/16

Write `cidr_block = 10.0.0.0/16`. Sentences, like `ingress tcp/22 from maintainers`, take no `=`; each type says which ones it has.
"#;
    WRONG_EQUALS = "E0111" "something else where `=` belongs"
r#"Between a name and its value stands `=`, in bodies as in maps. `==` compares two values.

    tags = { Owner: "Ali" }

Write `tags = { Owner = "Ali" }`.
"#;
    COMPUTED_TEXT = "E0112" "a computed text where a fixed one is needed"
r#"Descriptions of variables, outputs and policies, and the keys of a map, are known before anything is computed, so `${...}` can't stand
in them.

    tags = { "${team}" = "x" }

Write the text itself. For `${` as such write `$${`.
"#;
    MISMATCHED = "E0113" "a bracket closed by another kind of bracket"
r#"What `[` opens, `]` closes; the same goes for `(` and `)`, `{` and `}`.

    security_groups = [security_group.ssh)

The message points at both.
"#;
    BAD_NAME = "E0115" "a name that can't be one"
r#"Names are letters, digits and `_`, begin with a letter or `_`, and stand without quotes: `vpc.my-vpc` would be a subtraction.

    vpc "my-vpc" {
      cidr_block = 10.0.0.0/16
    }

Write `vpc my_vpc {`. The name that AWS shows is a tag: `tags = { Name = "my-vpc" }`.
"#;
    UNQUOTED = "E0116" "a text without quotes"
r#"A value ends where nothing continues it, so of several words only the first is the value.

    description = SSH for maintainers

Put the text in quotes: `description = "SSH for maintainers"`.
"#;
    UNKNOWN_PROTOCOL = "E0114" "an unknown protocol"
r#"Before the slash of a service stands one of `tcp`, `udp`, `icmp`, `icmpv6` and `protocol`.

    ingress tpc/(port) from anywhere

Any other protocol is written by its IANA number: `protocol/50`.
"#;
    TRAILING_CONDITION = "W0117" "a condition behind the value of a `for`"
r#"In a list or map that is computed, the condition stands with the elements that it chooses from, before the colon. Terraform has it at
the end; that is read too, with this warning.

    let public = [for s in subnets : s.id if s.public]

Write `[for s in subnets if s.public : s.id]`.
"#;
    FOREIGN_REPETITION = "E0118" "`for_each`, `count` or `dynamic`"
r#"How many there are of a block stands in its head, and how many statements there are in a block is said by a `for` around them.

    subnet private {
      for_each = zones
      vpc      = vpc.main
    }

Write instead:

    subnet private for key, zone in zones {
      vpc = vpc.main
    }

    security_group web {
      for p in partners { ingress tcp/443 from p.cidr }
    }

`vpc main if production { ... }` is there once or not at all.
"#;
}

/// Something does not fit the grammar.
#[must_use]
pub fn unexpected(at: Span, expected: &str, found: &str) -> Diagnostic {
    Diagnostic::error(&UNEXPECTED, format!("expected {expected}, found {found}")).at(at, "")
}

/// A statement breaks off after the token at `at`.
#[must_use]
pub fn breaks_off(at: Span, expected: &str, after: &str) -> Diagnostic {
    Diagnostic::error(&UNEXPECTED, format!("expected {expected} after `{after}`")).at(at, "")
}

/// A `}`, `)` or `]` that closes nothing.
#[must_use]
pub fn closes_nothing(at: Span, text: &str) -> Diagnostic {
    Diagnostic::error(&UNEXPECTED, format!("this `{text}` closes nothing")).at(at, "").help("delete it")
}

/// A text in quotes runs to the end of its line.
#[must_use]
pub fn unterminated_text(quote: Span) -> Diagnostic {
    Diagnostic::error(&UNTERMINATED_TEXT, "this text is never closed")
        .at(quote, "opened here")
        .help("close it with `\"` in the same line; a text of several lines is a heredoc, `<<~END`")
}

/// No line ends a heredoc.
#[must_use]
pub fn unterminated_heredoc(opening: Span, word: &str) -> Diagnostic {
    Diagnostic::error(&UNTERMINATED_TEXT, format!("no line `{word}` ends this text"))
        .at(opening, "opened here")
        .help(format!("put `{word}` alone on the line after the text"))
}

/// A bracket without its counterpart; `end` is where it is missing at the latest.
#[must_use]
pub fn unclosed(opening: Span, text: &str, closing: &str, end: Option<Span>) -> Diagnostic {
    let found = Diagnostic::error(&UNCLOSED, format!("this `{text}` is never closed")).at(opening, "opened here");
    let found = match end {
        Some(end) => found.at(end, format!("`{closing}` is missing before this")),
        None => found,
    };
    found.help(format!("close it with `{closing}`"))
}

/// A bracket closed by one of another kind.
#[must_use]
pub fn mismatched(opening: Span, closing: Span, expected: &str, found: &str) -> Diagnostic {
    Diagnostic::error(&MISMATCHED, format!("expected `{expected}`, found `{found}`"))
        .at(closing, "")
        .at(opening, "opened here")
        .help(format!("write `{expected}`"))
        .fix(closing, expected)
}

/// Brackets, `${` or `if` stand too deep inside each other.
#[must_use]
pub fn too_deep(at: Span, limit: usize) -> Diagnostic {
    Diagnostic::error(&TOO_DEEP, format!("this is nested more than {limit} deep"))
        .at(at, "one too many")
        .help("give a part of it a name of its own with `let`")
}

/// `[for x in xs : e if c]`; `moved` is the empty place where the condition belongs, and what to take away for it.
#[must_use]
pub fn trailing_condition(at: Span, condition: &str, moved: Option<(Span, Span)>) -> Diagnostic {
    let found =
        Diagnostic::warning(&TRAILING_CONDITION, "the condition of a `for` stands before its `:`").at(at, "read as if it stood there");
    match moved {
        Some((to, from)) => {
            let help = if condition.contains('\n') { "move it there".to_owned() } else { format!("write `if {condition}` before the `:`") };
            found.help(help).fix(to, format!(" if {condition}")).fix(from, "")
        }
        None => found.help("write one condition before the `:`"),
    }
}

/// `for_each` and the like, in the block `kind name`.
#[must_use]
pub fn foreign_repetition(at: Span, word: &str, kind: &str, name: &str) -> Diagnostic {
    let help = match (word, kind) {
        ("for_each", "module") => format!("write `module {name} \"./path\" for key, value in values {{`"),
        ("for_each", _) => format!("write `{kind} {name} for key, value in values {{`"),
        ("count", _) => format!("write `{kind} {name} for i in range(n) {{`, or `{kind} {name} if condition {{` for one or none"),
        _ => "write `for value in values { ... }` around the statements".to_owned(),
    };
    Diagnostic::error(&FOREIGN_REPETITION, format!("how many there are is not said with `{word}`")).at(at, "").help(help)
}

/// `name value`; `after` is the empty place after the name.
#[must_use]
pub fn missing_equals(at: Span, after: Span, name: &str, value: &str) -> Diagnostic {
    let found = Diagnostic::error(&MISSING_EQUALS, format!("expected `=` between `{name}` and its value")).at(at, "");
    let found = if value.contains('\n') { found } else { found.help(format!("write `{name} = {value}`")) };
    found.fix(after, " =")
}

/// `:` or the like instead of `=`.
#[must_use]
pub fn wrong_equals(at: Span, name: &str, text: &str) -> Diagnostic {
    Diagnostic::error(&WRONG_EQUALS, format!("expected `=` after `{name}`, found `{text}`")).at(at, "").help("write `=`").fix(at, "=")
}

/// A name in quotes or with other characters than a name has.
#[must_use]
pub fn bad_name(at: Span, text: &str, better: &str) -> Diagnostic {
    let why = if text.starts_with('"') { "a name stands without quotes" } else { "a name is letters, digits and `_`" };
    Diagnostic::error(&BAD_NAME, format!("{why}, not `{text}`")).at(at, "").help(format!("write `{better}`")).fix(at, better)
}

/// `description = SSH for maintainers`; `value` is the whole.
#[must_use]
pub fn unquoted(value: Span, text: &str) -> Diagnostic {
    Diagnostic::error(&UNQUOTED, "only the first word of this is the value")
        .at(value, "")
        .help(format!("put a text in quotes: `\"{text}\"`"))
        .fix(value, format!("\"{text}\""))
}

/// An expression has more nodes inside each other than the limit.
#[must_use]
pub fn expression_too_long(at: Span, limit: usize) -> Diagnostic {
    Diagnostic::error(&TOO_DEEP, format!("this expression is more than {limit} nodes deep"))
        .at(at, "")
        .help("give a part of it a name of its own with `let`")
}

/// A number does not fit 64 bits.
#[must_use]
pub fn number_too_large(at: Span, text: &str) -> Diagnostic {
    Diagnostic::error(&NUMBER_TOO_LARGE, format!("the number `{text}` is out of range"))
        .at(at, "the largest is 9223372036854775807")
        .help(format!("if it is a name, put it in quotes: `\"{text}\"`"))
}

/// Letters that are no unit follow a number.
#[must_use]
pub fn bad_number(at: Span, text: &str) -> Diagnostic {
    Diagnostic::error(&BAD_NUMBER, format!("`{text}` is neither a number nor a duration"))
        .at(at, "")
        .help(format!("durations end in `s`, `m`, `h` or `d`; put a text in quotes: `\"{text}\"`"))
}

/// A backslash is followed by what it can't be followed by.
#[must_use]
pub fn bad_escape(at: Span, text: &str) -> Diagnostic {
    let help = if text.starts_with("\\u") {
        "write the number of a Unicode character in hexadecimal, like `\\u{1F512}`".to_owned()
    } else {
        format!("write `\\{text}` for the backslash itself; escapes are `\\n`, `\\t`, `\\r`, `\\\"`, `\\\\` and `\\u{{...}}`")
    };
    Diagnostic::error(&BAD_ESCAPE, format!("unknown escape `{text}`")).at(at, "").help(help)
}

/// `tcp/port`: `name` at `at` is what follows the slash.
#[must_use]
pub fn computed_port(service: Span, at: Span, protocol: &str, name: &str) -> Diagnostic {
    Diagnostic::error(&COMPUTED_PORT, format!("`{name}` is no port number"))
        .at(at, "")
        .help(format!("write `{protocol}/({name})` to take the port from `{name}`"))
        .fix(service, format!("{protocol}/({name})"))
}

/// `${}` where nothing can be computed.
#[must_use]
pub fn computed_text(at: Span) -> Diagnostic {
    Diagnostic::error(&COMPUTED_TEXT, "this text can't hold values").at(at, "").help("write the text itself; `$${` stands for `${`")
}

/// `word/(port)` with a word that is no protocol.
#[must_use]
pub fn unknown_protocol(at: Span, word: &str) -> Diagnostic {
    let near = crate::base::diagnostic::nearest(word, ["tcp", "udp", "icmp", "icmpv6", "protocol"]);
    let help =
        near.map_or_else(|| "it is one of `tcp`, `udp`, `icmp`, `icmpv6` and `protocol`".to_owned(), |n| format!("did you mean `{n}`?"));
    Diagnostic::error(&UNKNOWN_PROTOCOL, format!("unknown protocol `{word}`")).at(at, "").help(help)
}
