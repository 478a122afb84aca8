//! E01: syntax.

use crate::base::{diagnostic::Diagnostic, span::Span};

crate::codes! {
    UNEXPECTED = "E0101" "something unexpected"
"The text does not fit secnet's syntax here; the message says what could stand in this place. The statements around it were read.

    vpc main {
      cidr_block = = 10.0.0.0/16
    }

A body holds attributes (`name = value`), blocks (`word { ... }`) and sentences (`ingress tcp/22 from maintainers`).
";
    TOO_DEEP = "E0104" "too deeply nested"
"Brackets, braces, parentheses and `${` may stand one inside the other 200 times, and an expression may be 256 nodes deep; a
row of operators counts as one node each, because that is how it is computed.

The limit is far above what people write. It keeps a broken or hostile file from exhausting the memory of whoever reads it.

Give a part of the value a name of its own:

    let part = [1, 2, 3]
    let all  = [part, part]
";
    NUMBER_TOO_LARGE = "E0105" "a number is out of range"
"Whole numbers go from -9223372036854775808 to 9223372036854775807 (64 bits); durations to that many seconds.

    retention = 99999999999999999999

Write a smaller number, or a text in quotes if the digits are a name: account ids and the like are texts.

    account = \"123456789012\"
";
    BAD_NUMBER = "E0106" "letters after a number"
"A number is digits, with a fraction (`1.5`) or one of the units of time: `30s`, `5m`, `1h`, `2d`.

    timeout = 30sec
    zone    = 1a

Write `30s`; put what is a text in quotes: `\"1a\"`. Names begin with a letter.
";
    BAD_ESCAPE = "E0107" "an unknown escape in a text"
"In a text in quotes a backslash begins one of these: `\\\\n` `\\\\t` `\\\\r` `\\\\\"` `\\\\\\\\` `\\\\u{1F512}`. `$${` stands for `${` itself.

    pattern = \"C:\\new\\dir\"

Write the backslash twice, or use a heredoc, in which backslashes are as they are:

    user_data = <<~END
      sed -i 's/\\s*$//' file
    END
";
    COMPUTED_PORT = "E0109" "a name as a port"
"A service is one token without spaces, `tcp/22`, so that a name after the slash could be the name of a service as well as that of a
variable. secnet knows no names of ports, and a port that is computed stands in parentheses:

    ingress tcp/(port) from anywhere
    ingress tcp/(low)-(high) from anywhere
";
    COMPUTED_TEXT = "E0112" "a computed text where a fixed one is needed"
"Descriptions of variables, outputs and policies, and the keys of a map, are known before anything is computed, so `${...}` can't stand
in them.

    tags = { \"${team}\" = \"x\" }

Write the text itself. For `${` as such write `$${`.
";
    UNKNOWN_PROTOCOL = "E0114" "an unknown protocol"
"Before the slash of a service stands one of `tcp`, `udp`, `icmp`, `icmpv6` and `protocol`.

    ingress tpc/(port) from anywhere

Any other protocol is written by its IANA number: `protocol/50`.
";
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

/// Something does not fit the grammar.
#[must_use]
pub fn unexpected(at: Span, expected: &str, found: &str) -> Diagnostic {
    Diagnostic::error(&UNEXPECTED, format!("expected {expected}, found {found}")).at(at, "")
}
