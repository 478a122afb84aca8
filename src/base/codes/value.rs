//! E02, from E0240: values and their types. Names are in `name`.

use std::net::IpAddr;

use crate::base::{
    cidr::{Cidr, CidrError},
    codes::name::did_you_mean,
    diagnostic::{Diagnostic, nearest},
    service::{ICMP_NAMES, ServiceError},
    span::Span,
};

crate::codes! {
    WRONG_TYPE = "E0240" "a value of another type"
"Each attribute, variable and slot of a sentence takes one type of value; the message names the type that is wanted and the
one that is there. Networks, addresses and services are literals, lists are in brackets.

```secnet error E0240
vpc main { cidr_block = true }          # cidr_block = 10.0.0.0/16
```";
    WRONG_KIND = "E0241" "a resource of another kind"
"A reference is typed: where a VPC is wanted, a subnet is an error here and now, not a refusal of EC2's in the middle of an apply.

```secnet error E0241
route_table a { vpc = subnet.public }        # vpc = vpc.main
```";
    NOT_A_NETWORK = "E0242" "not a network or not an address"
"A network is an IPv4 or IPv6 address, a slash, and the length of the prefix: up to 32 for IPv4, up to 128 for IPv6.

```secnet error E0242
vpc wide { cidr_block = 10.0.0.0/33 }
vpc long { cidr_block = 10.0.0/16 }
```";
    HOST_BITS = "E0243" "a network with host bits set"
"Everything to the right of the prefix must be zero. AWS would silently cut the bits off in some places and refuse the network in
others; secnet asks what was meant: the whole network, or the one address.

```secnet error E0243
vpc main { cidr_block = 10.0.0.5/16 }    # 10.0.0.0/16, or 10.0.0.5/32
```";
    NOT_A_SERVICE = "E0244" "not a service"
"A service is one token without spaces: `all`, `tcp`, `tcp/22`, `tcp/80,443`, `tcp/1024-65535`, `udp/53`, `icmp`,
`icmp/echo-request`, `icmp/3/4`, `icmpv6`, `protocol/50`. Ports go from 0 to 65535, a range from the lower to the higher.";
    UNKNOWN_WORD = "E0245" "not one of the words that are allowed"
"The attribute takes one of a closed list of texts, as EC2 spells them.";
    NOT_KNOWN_YET = "E0246" "a value that is known only later"
"What EC2 decides (an id, an address) is known after apply. It can be passed on, into attributes, outputs and texts, but nothing can
be computed from it while planning: no condition, no arithmetic, no network for a rule.";
    ARGUMENTS = "E0247" "a function is called with something else"
"The message says what the function takes.";
    ARITHMETIC = "E0248" "a computation has no result"
"A division by zero, or a number too large for 64 bits.";
    NO_ELEMENT = "E0249" "there is no such element"
"A list is counted from 0; a map has the keys that were written.";
    TOO_DEEP = "E0250" "values lean on each other too deeply"
"A value is worked out from another, that from a third, and so on, further than secnet follows. Write the value nearer to its source.";
}

/// [`WRONG_TYPE`]; both with their article where they need one.
#[must_use]
pub fn wrong_type(wanted: &str, found: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&WRONG_TYPE, format!("expected {wanted}, found {found}")).at(at, format!("expected {wanted}"))
}

/// [`WRONG_KIND`]
#[must_use]
pub fn wrong_kind(wanted: &str, address: &str, kind: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&WRONG_KIND, format!("expected {wanted}, but `{address}` is {}", with_article(kind)))
        .at(at, format!("expected {wanted}"))
}

/// [`NOT_A_NETWORK`] or [`HOST_BITS`]
#[must_use]
pub fn not_a_network(text: &str, error: &CidrError, at: Span) -> Diagnostic {
    let prefix = text.find('/').map_or(at, |slash| Span::new(at.file(), (at.start() + slash).min(at.end()), at.end()));
    match error {
        CidrError::HostBits(network) => {
            let (address, _) = text.split_once('/').unwrap_or((text, ""));
            Diagnostic::error(&HOST_BITS, format!("`{text}` has host bits set"))
                .at(at, "")
                .help(format!("did you mean `{network}`? the one address is `{address}/{}`", network.family().bits()))
                .fix(at, network.to_string())
        }
        CidrError::TooLong(max) => Diagnostic::error(&NOT_A_NETWORK, format!("`{text}` has a prefix longer than {max} bits"))
            .at(prefix, "")
            .help(format!("write a prefix from /0 to /{max}")),
        CidrError::Address => not_an_address_in(text, at),
        CidrError::Prefix if !text.contains('/') => Diagnostic::error(&NOT_A_NETWORK, format!("`{text}` is no network"))
            .at(at, "")
            .help("write a network with its prefix, such as `10.0.0.0/16`"),
        CidrError::Prefix => Diagnostic::error(&NOT_A_NETWORK, format!("`{text}` has no length of prefix"))
            .at(prefix, "")
            .help("write a network with its prefix, such as `10.0.0.0/16`"),
    }
}

fn not_an_address_in(text: &str, at: Span) -> Diagnostic {
    let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
    let diagnostic = Diagnostic::error(&NOT_A_NETWORK, format!("`{text}` is no network"));
    let part = Span::new(at.file(), at.start(), (at.start() + address.len()).min(at.end()));
    if address.is_empty() {
        return diagnostic.at(at, "").help("write the address before the prefix, such as `10.0.0.0/16`");
    }
    let diagnostic = diagnostic.at(part, "not an address");
    match completed(address) {
        Some(full) => diagnostic.help(format!("did you mean `{full}/{prefix}`?")).fix(part, full),
        None => diagnostic.help("an IPv4 address has four numbers from 0 to 255, such as `10.0.0.0`"),
    }
}

/// `10.0` with its zeros.
fn completed(address: &str) -> Option<String> {
    let numbers: Vec<&str> = address.split('.').collect();
    let plain = numbers.iter().all(|n| n.parse::<u8>().is_ok());
    (plain && numbers.len() < 4).then(|| (0..4).map(|i| numbers.get(i).copied().unwrap_or("0")).collect::<Vec<_>>().join("."))
}

/// [`NOT_A_NETWORK`], for something without a prefix.
#[must_use]
pub fn not_an_address(text: &str, at: Span) -> Diagnostic {
    let help = if text.contains(':') {
        "an IPv6 address has eight groups of hexadecimal digits, or `::` for a row of zeros, such as `2001:db8::1`"
    } else {
        "an IPv4 address has four numbers from 0 to 255, such as `10.0.0.1`"
    };
    Diagnostic::error(&NOT_A_NETWORK, format!("`{text}` is no address")).at(at, "").help(help)
}

/// [`WRONG_TYPE`], for an address where a network is wanted.
#[must_use]
pub fn address_for_network(ip: IpAddr, at: Span) -> Diagnostic {
    let network = Cidr::host_of(ip);
    wrong_type("a network", &format!("the address `{ip}`"), at)
        .help(format!("the network of this one address is `{network}`"))
        .fix(at, network.to_string())
}

/// [`NOT_A_SERVICE`]; `part` is what is wrong in `text` and stands at `at`.
#[must_use]
pub fn not_a_service(text: &str, part: &str, error: &ServiceError, at: Span) -> Diagnostic {
    let diagnostic = |message: String| Diagnostic::error(&NOT_A_SERVICE, message).at(at, "");
    match error {
        ServiceError::Protocol => {
            let meant = nearest(part, ["tcp", "udp", "icmp", "icmpv6", "protocol", "all"]);
            let found = diagnostic(format!("there is no protocol `{part}`"));
            match meant {
                Some(_) => did_you_mean(found, at, meant),
                None => found
                    .help("the protocols are `tcp`, `udp`, `icmp`, `icmpv6` and `protocol/NUMBER`; a division has spaces around its `/`"),
            }
        }
        ServiceError::Port(..) if part.is_empty() => {
            diagnostic(format!("`{text}` lacks its ports")).help("write a port such as `tcp/443`, or `tcp` for all")
        }
        ServiceError::Port(..) => {
            diagnostic(format!("`{part}` is no port")).help("write a number, a range or several: `tcp/22`, `tcp/1024-65535`, `tcp/80,443`")
        }
        ServiceError::PortTooLarge(..) => diagnostic(format!("port {part} is larger than 65535")).help("ports go from 0 to 65535"),
        ServiceError::Backwards(_, _, ports) => {
            diagnostic(format!("the range `{part}` goes backwards")).help(format!("did you mean `{ports}`?")).fix(at, ports.to_string())
        }
        ServiceError::Icmp(..) => {
            let meant = nearest(part, ICMP_NAMES.iter().map(|n| n.0));
            let found = diagnostic(format!("there is no ICMP type or code `{part}`"));
            match meant {
                Some(_) => did_you_mean(found, at, meant),
                None => found.help("write a number from 0 to 255, or a name such as `echo-request`"),
            }
        }
        ServiceError::Number(..) => {
            diagnostic(format!("`{part}` is no protocol number")).help("write the IANA number from 0 to 255, such as `protocol/50`")
        }
        ServiceError::Extra(..) => diagnostic("`all` takes no ports".into()).help("write `tcp` or `udp` for ports"),
    }
}

/// [`NOT_A_SERVICE`], for a computed port that is none.
#[must_use]
pub fn computed_port(port: i64, at: Span) -> Diagnostic {
    Diagnostic::error(&NOT_A_SERVICE, format!("{port} is no port")).at(at, format!("is {port}")).help("ports go from 0 to 65535")
}

/// [`NOT_A_SERVICE`], for a computed range that goes backwards.
#[must_use]
pub fn computed_range(from: u16, to: u16, at: Span) -> Diagnostic {
    Diagnostic::error(&NOT_A_SERVICE, format!("the range {from}-{to} goes backwards"))
        .at(at, format!("is {from}-{to}"))
        .help("write the lower port first")
}

/// [`UNKNOWN_WORD`]
#[must_use]
pub fn unknown_word(word: &str, allowed: &[&str], at: Span) -> Diagnostic {
    let all = allowed.iter().map(|w| format!("{w:?}")).collect::<Vec<_>>().join(" or ");
    let diagnostic = Diagnostic::error(&UNKNOWN_WORD, format!("expected {all}, found {word:?}")).at(at, "");
    match nearest(word, allowed.iter().copied()) {
        Some(meant) => diagnostic.help(format!("did you mean {meant:?}?")).fix(at, format!("{meant:?}")),
        None => diagnostic.help(format!("write {all}")),
    }
}

/// [`NOT_KNOWN_YET`]; `why` says who needs it now.
#[must_use]
pub fn not_known_yet(value: &str, why: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&NOT_KNOWN_YET, format!("`{value}` is known only after apply, and {why} needs it now"))
        .at(at, "known after apply")
        .help("write a value that the sources know, or a reference to the resource itself")
}

/// [`ARGUMENTS`]; `usage` shows a right call.
#[must_use]
pub fn arguments(message: String, at: Span, usage: &str) -> Diagnostic {
    Diagnostic::error(&ARGUMENTS, message).at(at, "").help(format!("it is called so: `{usage}`"))
}

/// [`ARITHMETIC`]
#[must_use]
pub fn arithmetic(message: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&ARITHMETIC, message).at(at, "").help("change one of the numbers")
}

/// [`NO_ELEMENT`]
#[must_use]
pub fn no_element(message: String, at: Span, meant: Option<&str>) -> Diagnostic {
    did_you_mean(Diagnostic::error(&NO_ELEMENT, message).at(at, ""), at, meant)
}

/// [`WRONG_TYPE`], for an object without a field that it must have.
#[must_use]
pub fn missing_field(field: &str, wanted: &str, example: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&WRONG_TYPE, format!("the object lacks `{field}`, which is {wanted}"))
        .at(at, "")
        .help(format!("add `{field} = {example}`"))
}

/// [`NO_ELEMENT`], for a key that an object type does not have.
#[must_use]
pub fn unknown_field(field: &str, at: Span, meant: Option<&str>, fields: &[&str]) -> Diagnostic {
    let diagnostic = Diagnostic::error(&NO_ELEMENT, format!("the object has no field `{field}`")).at(at, "");
    match meant {
        Some(_) => did_you_mean(diagnostic, at, meant),
        None => diagnostic.help(format!("its fields are {}", super::name::listed(fields))),
    }
}

/// [`TOO_DEEP`]
#[must_use]
pub fn too_deep(at: Span) -> Diagnostic {
    Diagnostic::error(&TOO_DEEP, "values lean on each other too deeply here").at(at, "").help("write the value nearer to its source")
}

/// `a vpc`, `an instance`.
#[must_use]
pub fn with_article(noun: &str) -> String {
    let noun = noun.replace('_', " ");
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}

/// [`WRONG_TYPE`], for two values that can't be compared.
#[must_use]
pub fn never_equal(message: String, at: Span) -> Diagnostic {
    Diagnostic::error(&WRONG_TYPE, message).at(at, "two types").help("compare values of one type")
}
