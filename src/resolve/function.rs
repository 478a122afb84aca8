//! The functions of the language. Layer 4; pure, and none reads a file or a clock.

use std::{collections::BTreeMap, net::IpAddr};

use crate::{
    base::{
        cidr::Cidr,
        codes::{name as name_codes, value as codes},
        diagnostic::{Sink, nearest},
        span::Span,
    },
    resolve::{
        convert::{describe, distinct, is_broken},
        evaluate::counted,
    },
    schema::value::{Value, concat},
    syntax::ast::Name,
};

/// An argument, and where it stands.
pub(super) type Argument = (Value, Span);

/// What a call with these arguments gives, or why it gives nothing.
type Body = fn(&[Argument]) -> Result<Value, Refusal>;

/// A function: its name, a call as one writes it, how many arguments at least and at most, and what it does.
type Function = (&'static str, &'static str, usize, usize, Body);

/// What is wrong with a call.
enum Refusal {
    /// The argument of this index is not what is wanted.
    Wanted(usize, &'static str),
    /// The argument of this index is of the right type, and still wrong.
    Wrong(usize, String),
}

/// How many networks `subnets` gives at most, as a number of bits: a list of 65,536.
const SUBNET_BITS_MAX: u8 = 16;

const MANY: usize = usize::MAX;

/// Every function, by name.
const ALL: &[Function] = &[
    ("ami", "ami(\"al2023\")", 1, 2, ami),
    ("base64encode", "base64encode(text)", 1, 1, |a| Ok(Value::text(base64(text(a, 0)?.as_bytes())))),
    ("cidr", "cidr(10.0.0.1, 24)", 2, 2, cidr),
    ("concat", "concat(a_list, another)", 1, MANY, |a| {
        let mut all = vec![];
        for i in 0..a.len() {
            all.extend_from_slice(list(a, i)?);
        }
        Ok(Value::List(all))
    }),
    ("contains", "contains(10.0.0.0/16, 10.0.1.5)", 2, 2, contains),
    ("format", "format(\"%s-%d\", name, 3)", 1, MANY, format),
    ("host", "host(10.0.1.0/24, 10)", 2, 2, host),
    ("join", "join(\", \", list)", 2, 2, join),
    ("keys", "keys(map)", 1, 1, |a| Ok(Value::List(map(a, 0)?.keys().map(Value::text).collect()))),
    ("length", "length(list)", 1, 1, length),
    ("lookup", "lookup(map, \"key\", default)", 2, 3, lookup),
    ("lower", "lower(text)", 1, 1, |a| Ok(Value::text(text(a, 0)?.to_lowercase()))),
    ("max", "max(1, 2)", 1, MANY, |a| extreme(a, |new, best| new > best)),
    ("merge", "merge(a_map, another)", 1, MANY, |a| {
        let mut all = BTreeMap::new();
        for i in 0..a.len() {
            all.extend(map(a, i)?.iter().map(|(k, v)| (k.clone(), v.clone())));
        }
        Ok(Value::Map(all))
    }),
    ("min", "min(1, 2)", 1, MANY, |a| extreme(a, |new, best| new < best)),
    ("overlaps", "overlaps(10.0.0.0/16, 10.0.1.0/24)", 2, 2, |a| Ok(Value::Bool(network(a, 0)?.overlaps(network(a, 1)?)))),
    ("replace", "replace(text, \"from\", \"to\")", 3, 3, |a| Ok(Value::text(text(a, 0)?.replace(text(a, 1)?, text(a, 2)?)))),
    ("split", "split(\",\", text)", 2, 2, split),
    ("subnets", "subnets(10.0.0.0/16, 8)", 2, 2, subnets),
    ("tolist", "tolist(set)", 1, 1, to_list),
    ("tonumber", "tonumber(\"5\")", 1, 1, to_number),
    ("toset", "toset(list)", 1, 1, |a| Ok(Value::List(distinct(list(a, 0)?.to_vec())))),
    ("tostring", "tostring(5)", 1, 1, to_string),
    ("trimspace", "trimspace(text)", 1, 1, |a| Ok(Value::text(text(a, 0)?.trim()))),
    ("upper", "upper(text)", 1, 1, |a| Ok(Value::text(text(a, 0)?.to_uppercase()))),
    ("values", "values(map)", 1, 1, |a| Ok(Value::List(map(a, 0)?.values().cloned().collect()))),
];

/// Terraform's functions that have another form here.
const ELSEWHERE: &[(&str, &str)] = &[
    ("cidrsubnet", "`subnets(network, new_bits)[n]`"),
    ("cidrsubnets", "`subnets(network, new_bits)`"),
    ("cidrhost", "`host(network, n)`"),
    ("cidrcontains", "`contains(network, address)`"),
    ("coalesce", "`a ?? b`"),
    ("element", "`list[n]`"),
    ("tomap", "the map itself"),
    ("tobool", "the value itself"),
    ("file", "the text itself, as a heredoc: this version reads no files"),
    ("templatefile", "a text with `${...}` in it"),
];

/// Functions of the language that this version does not have.
const LATER: &[&str] = &["merge_cidrs", "exclude", "first_free", "interfaces"];

/// Reports a name that no function has.
pub(super) fn check_name(name: &Name, sink: &mut Sink) {
    if find(&name.text).is_some() {
        return;
    }
    if LATER.contains(&&*name.text) {
        sink.push(name_codes::later_version(&format!("the function `{}`", name.text), name.span));
        return;
    }
    let elsewhere = ELSEWHERE.iter().find(|(terraform, _)| *terraform == &*name.text);
    sink.push(match elsewhere {
        Some((_, instead)) => name_codes::function_elsewhere(&name.text, name.span, instead),
        None => name_codes::unknown_function(&name.text, name.span, nearest(&name.text, ALL.iter().map(|f| f.0))),
    });
}

fn find(name: &str) -> Option<&'static Function> {
    ALL.iter().find(|f| f.0 == name)
}

/// Calls a function; a name that none has was reported.
pub(super) fn call(name: &Name, arguments: &[Argument], at: Span, sink: &mut Sink) -> Value {
    let Some((word, usage, least, most, body)) = find(&name.text) else { return Value::Error };
    if arguments.len() < *least || arguments.len() > *most {
        let wanted = match (*least, *most) {
            (least, MANY) => format!("at least {}", counted(least, "argument")),
            (least, most) if least == most => counted(least, "argument"),
            (least, most) => format!("{least} or {}", counted(most, "argument")),
        };
        sink.push(codes::arguments(format!("`{word}` takes {wanted}, not {}", arguments.len()), at, usage));
        return Value::Error;
    }
    if arguments.iter().any(|(value, _)| is_broken(value)) {
        return Value::Error;
    }
    body(arguments).unwrap_or_else(|refusal| refuse(&refusal, word, usage, arguments, sink))
}

fn refuse(refusal: &Refusal, word: &str, usage: &str, arguments: &[Argument], sink: &mut Sink) -> Value {
    let (Refusal::Wanted(i, _) | Refusal::Wrong(i, _)) = refusal;
    let Some((value, at)) = arguments.get(*i) else { return Value::Error };
    sink.push(match (refusal, value) {
        (Refusal::Wanted(..), Value::Attribute(..) | Value::Concat(_)) => {
            codes::not_known_yet(&value.to_string(), &format!("`{word}`"), *at)
        }
        (Refusal::Wanted(_, wanted), value) => {
            codes::arguments(format!("`{word}` takes {wanted} here, not {}", describe(value)), *at, usage)
        }
        (Refusal::Wrong(_, message), _) => codes::arguments(message.clone(), *at, usage),
    });
    Value::Error
}

/// `subnets(network, bits)[n]`, without making the others.
pub(super) fn nth_subnet(arguments: &[Argument], n: (&Value, Span), at: Span, sink: &mut Sink) -> Value {
    let usage = "subnets(10.0.0.0/16, 8)[1]";
    if arguments.len() != 2 {
        sink.push(codes::arguments(format!("`subnets` takes 2 arguments, not {}", arguments.len()), at, usage));
        return Value::Error;
    }
    if is_broken(n.0) || arguments.iter().any(|(value, _)| is_broken(value)) {
        return Value::Error;
    }
    let with_index: Vec<Argument> = arguments.iter().cloned().chain([(n.0.clone(), n.1)]).collect();
    let found = || {
        let (whole, bits, n) = (network(&with_index, 0)?, bits(&with_index, 1)?, number(&with_index, 2)?);
        let found = u128::try_from(n).ok().and_then(|n| whole.subnet(bits, n));
        found.map(Value::Cidr).ok_or_else(|| match whole.subnet(bits, 0) {
            None => Refusal::Wrong(1, format!("`{whole}` has no {bits} bits left for subnets")),
            Some(_) => Refusal::Wrong(2, format!("`{whole}` has only {} subnets with {bits} more bits", 1u128 << bits.min(127))),
        })
    };
    found().unwrap_or_else(|refusal| refuse(&refusal, "subnets", usage, &with_index, sink))
}

// ---- arguments ----

fn text(a: &[Argument], i: usize) -> Result<&str, Refusal> {
    a.get(i).and_then(|(v, _)| v.as_text()).ok_or(Refusal::Wanted(i, "a string"))
}

fn list(a: &[Argument], i: usize) -> Result<&[Value], Refusal> {
    match a.get(i) {
        Some((Value::List(values), _)) => Ok(values),
        _ => Err(Refusal::Wanted(i, "a list")),
    }
}

fn map(a: &[Argument], i: usize) -> Result<&BTreeMap<String, Value>, Refusal> {
    match a.get(i) {
        Some((Value::Map(map), _)) => Ok(map),
        _ => Err(Refusal::Wanted(i, "a map")),
    }
}

fn number(a: &[Argument], i: usize) -> Result<i64, Refusal> {
    match a.get(i) {
        Some((Value::Int(n), _)) => Ok(*n),
        _ => Err(Refusal::Wanted(i, "a whole number")),
    }
}

fn bits(a: &[Argument], i: usize) -> Result<u8, Refusal> {
    let n = number(a, i)?;
    u8::try_from(n).ok().filter(|n| *n <= 128).ok_or_else(|| Refusal::Wrong(i, format!("{n} is no number of bits: they go from 0 to 128")))
}

fn network(a: &[Argument], i: usize) -> Result<Cidr, Refusal> {
    let wanted = || Refusal::Wanted(i, "a network");
    match a.get(i).map(|(v, _)| v) {
        Some(Value::Cidr(cidr)) => Ok(*cidr),
        Some(Value::Text(text)) => text.parse().map_err(|_| wanted()),
        _ => Err(wanted()),
    }
}

fn address(a: &[Argument], i: usize) -> Result<IpAddr, Refusal> {
    let wanted = || Refusal::Wanted(i, "an address");
    match a.get(i).map(|(v, _)| v) {
        Some(Value::Ip(ip)) => Ok(*ip),
        Some(Value::Text(text)) => text.parse().map_err(|_| wanted()),
        _ => Err(wanted()),
    }
}

// ---- networks ----

fn cidr(a: &[Argument]) -> Result<Value, Refusal> {
    let (ip, bits) = (address(a, 0)?, bits(a, 1)?);
    let too_long = |_| Refusal::Wrong(1, format!("`{ip}` has fewer than {bits} bits"));
    Cidr::containing(ip, bits).map(Value::Cidr).map_err(too_long)
}

fn host(a: &[Argument]) -> Result<Value, Refusal> {
    let (network, n) = (network(a, 0)?, number(a, 1)?);
    let counted = match u128::try_from(n) {
        Ok(n) => Some(n),
        // -1 is the last address, -2 the one before it.
        Err(_) => (network.last_number() - network.first_number()).checked_sub(u128::from(n.unsigned_abs()) - 1),
    };
    let found = counted.and_then(|n| network.host(n));
    found.map(Value::Ip).ok_or_else(|| Refusal::Wrong(1, format!("`{network}` has no address {n}")))
}

fn subnets(a: &[Argument]) -> Result<Value, Refusal> {
    let (whole, new_bits) = (network(a, 0)?, bits(a, 1)?);
    if whole.subnet(new_bits, 0).is_none() {
        return Err(Refusal::Wrong(1, format!("`{whole}` has no {new_bits} bits left for subnets")));
    }
    if new_bits > SUBNET_BITS_MAX {
        let message = format!("a list of all subnets with {new_bits} more bits would be too long; take one of them: `subnets(...)[n]`");
        return Err(Refusal::Wrong(1, message));
    }
    Ok(Value::List((0..1u128 << new_bits).filter_map(|n| whole.subnet(new_bits, n)).map(Value::Cidr).collect()))
}

/// Of a list: whether it has the element. Of a network: whether the other lies in it.
fn contains(a: &[Argument]) -> Result<Value, Refusal> {
    match a {
        [(Value::List(values), _), (wanted, _)] => {
            let later = |v: &Value| matches!(v, Value::Attribute(..) | Value::Concat(_));
            if later(wanted) {
                return Err(Refusal::Wanted(1, "a known value"));
            }
            if values.iter().any(later) && !values.contains(wanted) {
                return Err(Refusal::Wrong(0, "the list holds values that are known only after apply".into()));
            }
            Ok(Value::Bool(values.contains(wanted)))
        }
        [(Value::Cidr(_) | Value::Text(_), _), (Value::Ip(ip), _)] => Ok(Value::Bool(network(a, 0)?.contains_ip(*ip))),
        [(Value::Cidr(_) | Value::Text(_), _), _] => Ok(Value::Bool(network(a, 0)?.contains(network(a, 1)?))),
        _ => Err(Refusal::Wanted(0, "a network or a list")),
    }
}

fn ami(a: &[Argument]) -> Result<Value, Refusal> {
    let family = text(a, 0)?;
    if family.is_empty() {
        return Err(Refusal::Wrong(0, "an image family has a name, such as \"al2023\"".into()));
    }
    if family.starts_with("ami-") {
        return Err(Refusal::Wrong(0, format!("{family:?} is the id of an image: write it without `ami(...)`")));
    }
    let architecture = if a.len() > 1 { Some(text(a, 1)?.to_owned()) } else { None };
    match architecture.as_deref() {
        None | Some("x86_64" | "arm64") => Ok(Value::Image(family.into(), architecture)),
        Some(other) => Err(Refusal::Wrong(1, format!("the architecture is \"x86_64\" or \"arm64\", not {other:?}"))),
    }
}

// ---- collections ----

fn length(a: &[Argument]) -> Result<Value, Refusal> {
    let length = match a.first().map(|(v, _)| v) {
        Some(Value::List(values)) => values.len(),
        Some(Value::Map(map)) => map.len(),
        Some(Value::Text(text)) => text.chars().count(),
        _ => return Err(Refusal::Wanted(0, "a list, a map or a string")),
    };
    Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
}

fn lookup(a: &[Argument]) -> Result<Value, Refusal> {
    let (map, key) = (map(a, 0)?, text(a, 1)?);
    match (map.get(key), a.get(2)) {
        (Some(found), _) => Ok(found.clone()),
        (None, Some((default, _))) => Ok(default.clone()),
        (None, None) => Err(Refusal::Wrong(1, format!("the map has no key {key:?}, and there is no default"))),
    }
}

fn to_list(a: &[Argument]) -> Result<Value, Refusal> {
    match a.first().map(|(v, _)| v) {
        Some(Value::List(values)) => Ok(Value::List(values.clone())),
        Some(Value::Map(map)) => Ok(Value::List(map.values().cloned().collect())),
        _ => Err(Refusal::Wanted(0, "a list or a set")),
    }
}

fn extreme(a: &[Argument], better: fn(f64, f64) -> bool) -> Result<Value, Refusal> {
    let mut best: Option<(f64, &Value)> = None;
    for (i, (value, _)) in a.iter().enumerate() {
        let n = match value {
            Value::Int(n) => *n as f64,
            Value::Float(n) => *n,
            _ => return Err(Refusal::Wanted(i, "a number")),
        };
        if best.is_none_or(|(so_far, _)| better(n, so_far)) {
            best = Some((n, value));
        }
    }
    best.map(|(_, value)| value.clone()).ok_or(Refusal::Wanted(0, "a number"))
}

// ---- texts ----

/// A value as a piece of a text, if it can be one.
fn piece(value: &Value) -> Option<Value> {
    let bad = matches!(
        value,
        Value::Null | Value::List(_) | Value::Map(_) | Value::Resource(_) | Value::Image(..) | Value::Internet | Value::Any | Value::Error
    );
    (!bad).then(|| value.clone())
}

fn to_string(a: &[Argument]) -> Result<Value, Refusal> {
    let piece = a.first().and_then(|(v, _)| piece(v)).ok_or(Refusal::Wanted(0, "a single value"))?;
    Ok(concat(vec![piece]))
}

fn to_number(a: &[Argument]) -> Result<Value, Refusal> {
    match a.first().map(|(v, _)| v) {
        Some(number @ (Value::Int(_) | Value::Float(_))) => Ok(number.clone()),
        Some(Value::Text(text)) => match (text.trim().parse(), text.trim().parse::<f64>()) {
            (Ok(n), _) => Ok(Value::Int(n)),
            (_, Ok(n)) if n.is_finite() => Ok(Value::Float(n)),
            _ => Err(Refusal::Wrong(0, format!("{text:?} is no number"))),
        },
        _ => Err(Refusal::Wanted(0, "a number or a string")),
    }
}

fn join(a: &[Argument]) -> Result<Value, Refusal> {
    let separator = text(a, 0)?;
    let mut pieces = vec![];
    for (i, value) in list(a, 1)?.iter().enumerate() {
        if i > 0 {
            pieces.push(Value::text(separator));
        }
        pieces.push(
            piece(value).ok_or_else(|| Refusal::Wrong(1, format!("the list holds {}, which is no piece of a text", describe(value))))?,
        );
    }
    Ok(concat(pieces))
}

fn split(a: &[Argument]) -> Result<Value, Refusal> {
    let (separator, whole) = (text(a, 0)?, text(a, 1)?);
    match (separator, whole) {
        ("", _) => Err(Refusal::Wrong(0, "the separator is empty".into())),
        (_, "") => Ok(Value::List(vec![])),
        _ => Ok(Value::List(whole.split(separator).map(Value::text).collect())),
    }
}

/// `%s` takes anything, `%d` a whole number, `%%` is a percent sign.
fn format(a: &[Argument]) -> Result<Value, Refusal> {
    let mut pieces = vec![];
    let mut next = 1;
    let mut parts = text(a, 0)?.split('%');
    pieces.push(Value::text(parts.next().unwrap_or_default()));
    while let Some(part) = parts.next() {
        let Some(verb) = part.chars().next() else {
            // `%%`: what follows is text again.
            pieces.push(Value::text(format!("%{}", parts.next().unwrap_or_default())));
            continue;
        };
        let rest = part.get(verb.len_utf8()..).unwrap_or_default();
        let value = a.get(next).map(|(v, _)| v).ok_or_else(|| Refusal::Wrong(0, format!("there is no argument for `%{verb}`")))?;
        pieces.push(match (verb, value) {
            ('s', value) => piece(value).ok_or(Refusal::Wanted(next, "a single value"))?,
            ('d', Value::Int(n)) => Value::Int(*n),
            ('d', _) => return Err(Refusal::Wanted(next, "a whole number")),
            (other, _) => return Err(Refusal::Wrong(0, format!("`%{other}` means nothing: there are `%s`, `%d` and `%%`"))),
        });
        pieces.push(Value::text(rest));
        next += 1;
    }
    if next < a.len() {
        return Err(Refusal::Wrong(next, "nothing in the text takes this argument".into()));
    }
    Ok(concat(pieces))
}

/// Base64 with padding, RFC 4648.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let digit = DIGITS.get((bits >> (18 - 6 * i) & 63) as usize).copied().unwrap_or(b'=');
            text.push(if i <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    text
}
