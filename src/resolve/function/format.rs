//! `format` and `formatlist`: the verbs of a text. Layer 4.

use super::{
    Answer, Argument, ELEMENTS_MAX, Refusal,
    argument::{float, number, pending, piece, text, too_long},
    encoding::json,
};
use crate::{
    resolve::convert::describe,
    schema::value::{Value, concat},
};

/// The widest that a value may be made.
const WIDTH_MAX: usize = 10_000;

/// A verb: `%-08.3f`, `%[2]s`.
#[derive(Default)]
struct Verb {
    plus: bool,
    space: bool,
    minus: bool,
    zero: bool,
    argument: Option<usize>,
    width: Option<usize>,
    precision: Option<usize>,
    letter: char,
}

enum Part<'t> {
    Plain(&'t str),
    Verb(Verb),
}

pub(super) fn format(a: &[Argument]) -> Answer {
    let parts = parts(text(a, 0)?)?;
    let arguments: Vec<&Value> = a.iter().skip(1).map(|(v, _)| v).collect();
    filled(&parts, &arguments)
}

pub(super) fn format_list(a: &[Argument]) -> Answer {
    let parts = parts(text(a, 0)?)?;
    let mut length = None;
    for (i, (value, _)) in a.iter().enumerate().skip(1) {
        match (value, length) {
            (Value::List(values), None) => length = Some(values.len()),
            (Value::List(values), Some(length)) if values.len() != length => {
                return Err(Refusal::Wrong(i, format!("the list has another length: {}, and those before it {length}", values.len())));
            }
            _ => {}
        }
    }
    let length = length.unwrap_or(1);
    if length > ELEMENTS_MAX {
        return Err(too_long(1));
    }
    let nth = |n: usize| -> Vec<&Value> {
        let values = a.iter().skip(1).map(|(value, _)| value);
        values.filter_map(|v| if let Value::List(values) = v { values.get(n) } else { Some(v) }).collect()
    };
    (0..length).map(|n| filled(&parts, &nth(n))).collect::<Result<_, _>>().map(Value::List)
}

/// The text with the arguments in it; what is wrong with the first of them is about the argument of index 1.
fn filled(parts: &[Part<'_>], arguments: &[&Value]) -> Answer {
    let mut pieces = vec![];
    let mut next = 0;
    let mut explicit = false;
    for part in parts {
        let verb = match part {
            Part::Plain(text) => {
                pieces.push(Value::text(text));
                continue;
            }
            Part::Verb(verb) => verb,
        };
        explicit |= verb.argument.is_some();
        let i = verb.argument.map_or(next, |n| n - 1);
        let Some(value) = arguments.get(i) else {
            return Err(Refusal::Wrong(0, format!("there is no argument for `%{}`", verb.letter)));
        };
        pieces.push(verb.shown(value, i + 1)?);
        next = i + 1;
    }
    if next < arguments.len() && !explicit {
        return Err(Refusal::Wrong(next + 1, "nothing in the text takes this argument".into()));
    }
    pieces.retain(|piece| piece.as_text() != Some(""));
    Ok(concat(pieces))
}

fn parts(format: &str) -> Result<Vec<Part<'_>>, Refusal> {
    let mut parts = vec![];
    let mut rest = format;
    while let Some((plain, after)) = rest.split_once('%') {
        parts.push(Part::Plain(plain));
        if let Some(after) = after.strip_prefix('%') {
            parts.push(Part::Plain("%"));
            rest = after;
            continue;
        }
        let (verb, after) = verb(after)?;
        parts.push(Part::Verb(verb));
        rest = after;
    }
    parts.push(Part::Plain(rest));
    Ok(parts)
}

/// A verb after its `%`, and what follows.
fn verb(text: &str) -> Result<(Verb, &str), Refusal> {
    let mut verb = Verb::default();
    let mut rest = text;
    let mut chars = rest.chars();
    while let Some(flag) = chars.next() {
        match flag {
            '+' => verb.plus = true,
            ' ' => verb.space = true,
            '-' => verb.minus = true,
            '0' => verb.zero = true,
            '#' => {}
            _ => break,
        }
        rest = chars.as_str();
    }
    argument_index(&mut verb, &mut rest)?;
    verb.width = digits(&mut rest)?;
    if let Some(after) = rest.strip_prefix('.') {
        rest = after;
        verb.precision = Some(digits(&mut rest)?.unwrap_or(0));
    }
    argument_index(&mut verb, &mut rest)?;
    let mut chars = rest.chars();
    match chars.next() {
        Some(letter @ ('s' | 'd' | 'v' | 't' | 'q' | 'b' | 'o' | 'x' | 'X' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G')) => verb.letter = letter,
        Some(other) => {
            let known = "the verbs are `%s`, `%d`, `%v`, `%f`, `%e`, `%g`, `%x`, `%X`, `%o`, `%b`, `%t`, `%q` and `%%`";
            return Err(Refusal::Wrong(0, format!("`%{other}` means nothing: {known}")));
        }
        None => return Err(Refusal::Wrong(0, "a `%` at the end means nothing: a percent sign is `%%`".into())),
    }
    Ok((verb, chars.as_str()))
}

/// `[2]`
fn argument_index(verb: &mut Verb, rest: &mut &str) -> Result<(), Refusal> {
    let Some((number, after)) = rest.strip_prefix('[').and_then(|r| r.split_once(']')) else { return Ok(()) };
    let n = number.parse().ok().filter(|n| *n > 0);
    verb.argument = Some(n.ok_or_else(|| Refusal::Wrong(0, format!("`[{number}]` is no argument: they are counted from 1")))?);
    *rest = after;
    Ok(())
}

fn digits(rest: &mut &str) -> Result<Option<usize>, Refusal> {
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (number, after) = rest.split_at(end);
    *rest = after;
    if number.is_empty() {
        return Ok(None);
    }
    let n = number.parse().ok().filter(|n| *n <= WIDTH_MAX);
    n.map(Some).ok_or_else(|| Refusal::Wrong(0, format!("a width goes up to {WIDTH_MAX}")))
}

impl Verb {
    /// A value as the verb shows it; `i` is the index of the argument.
    fn shown(&self, value: &Value, i: usize) -> Answer {
        let wanted = |noun| match pending(value) {
            Some(later) => Refusal::Later(i, later.clone()),
            None => Refusal::Wrong(i, format!("`%{}` takes {noun}, not {}", self.letter, describe(value))),
        };
        let text = match self.letter {
            's' | 'v' | 'q' if matches!(value, Value::Attribute(..) | Value::Subnet(..) | Value::Concat(_)) => {
                // What is not known has no width.
                let plain = self.width.is_none() && self.precision.is_none() && self.letter != 'q';
                return if plain { Ok(value.clone()) } else { Err(Refusal::Later(i, value.clone())) };
            }
            'v' if matches!(value, Value::Null | Value::List(_) | Value::Map(_)) => return json(value, i).map(|v| self.padded_value(v)),
            's' | 'v' => self.cut(plain(value).ok_or_else(|| wanted("a single value"))?),
            'q' => {
                let text = self.cut(plain(value).ok_or_else(|| wanted("a single value"))?);
                return json(&Value::Text(text.into()), i).map(|v| self.padded_value(v));
            }
            't' => match value {
                Value::Bool(b) => b.to_string(),
                _ => return Err(wanted("`true` or `false`")),
            },
            'd' | 'b' | 'o' | 'x' | 'X' => match value {
                Value::Int(n) => self.whole(*n),
                Value::Float(n) => match number(*n) {
                    Value::Int(n) => self.whole(n),
                    _ => return Err(wanted("a whole number")),
                },
                _ => return Err(wanted("a whole number")),
            },
            _ => self.real(float(value).ok_or_else(|| wanted("a number"))?),
        };
        Ok(Value::text(self.padded(&text)))
    }

    fn padded_value(&self, value: Value) -> Value {
        match value {
            Value::Text(text) => Value::text(self.padded(&text)),
            other => other,
        }
    }

    fn cut(&self, text: String) -> String {
        match (self.precision, self.letter) {
            (Some(most), 's' | 'q') => text.chars().take(most).collect(),
            _ => text,
        }
    }

    fn sign(&self, negative: bool) -> &'static str {
        match negative {
            true => "-",
            false if self.plus => "+",
            false if self.space => " ",
            false => "",
        }
    }

    fn whole(&self, n: i64) -> String {
        let size = n.unsigned_abs();
        let digits = match self.letter {
            'b' => format!("{size:b}"),
            'o' => format!("{size:o}"),
            'x' => format!("{size:x}"),
            'X' => format!("{size:X}"),
            _ => size.to_string(),
        };
        format!("{}{digits}", self.sign(n < 0))
    }

    fn real(&self, n: f64) -> String {
        let size = n.abs();
        let digits = match self.letter {
            'f' | 'F' => format!("{size:.*}", self.precision.unwrap_or(6)),
            'e' | 'E' => scientific(size, Some(self.precision.unwrap_or(6))),
            _ => {
                // As Go does: an exponent where the number is small or large for its precision.
                let shown = scientific(size, self.precision.map(|p| p.saturating_sub(1)));
                let exponent = shown.split_once('e').and_then(|(_, e)| e.parse::<i32>().ok()).unwrap_or(0);
                let most = self.precision.map_or(6, |p| i32::try_from(p.max(1)).unwrap_or(i32::MAX));
                match self.precision {
                    _ if size != 0.0 && (exponent < -4 || exponent >= most) => shown,
                    None => size.to_string(),
                    Some(_) => {
                        let decimals = usize::try_from(most - 1 - exponent).unwrap_or(0);
                        let fixed = format!("{size:.decimals$}");
                        if fixed.contains('.') { fixed.trim_end_matches('0').trim_end_matches('.').to_owned() } else { fixed }
                    }
                }
            }
        };
        let digits = if self.letter.is_ascii_uppercase() { digits.to_uppercase() } else { digits };
        format!("{}{digits}", self.sign(n < 0.0))
    }

    fn padded(&self, text: &str) -> String {
        let missing = self.width.unwrap_or(0).saturating_sub(text.chars().count());
        let number = matches!(self.letter, 'd' | 'b' | 'o' | 'x' | 'X' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G');
        match (self.minus, self.zero && number) {
            (true, _) => format!("{text}{}", " ".repeat(missing)),
            (false, true) => {
                let digits = text.trim_start_matches(['+', '-', ' ']);
                let (sign, _) = text.split_at(text.len() - digits.len());
                format!("{sign}{}{digits}", "0".repeat(missing))
            }
            (false, false) => format!("{}{text}", " ".repeat(missing)),
        }
    }
}

/// A known single value as it stands in a text.
fn plain(value: &Value) -> Option<String> {
    match concat(vec![piece(value)?]) {
        Value::Text(text) => Some(text.to_string()),
        _ => None,
    }
}

/// `1.234568e+04`: two digits of exponent at least.
fn scientific(n: f64, decimals: Option<usize>) -> String {
    let shown = decimals.map_or_else(|| format!("{n:e}"), |d| format!("{n:.d$e}"));
    let (digits, exponent) = shown.split_once('e').unwrap_or((&shown, "0"));
    let (sign, size) = exponent.strip_prefix('-').map_or(('+', exponent), |e| ('-', e));
    format!("{digits}e{sign}{size:0>2}")
}
