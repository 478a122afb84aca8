//! Functions over numbers. Layer 4.
//!
//! A result is a whole number where it is one.

use super::{
    Answer, Argument, Entry, MANY, Refusal,
    argument::{float, no_element, number, real, text, value, whole},
    pure,
};
use crate::schema::value::Value;

pub(super) const TABLE: &[Entry] = &[
    pure("abs", "abs(-5)", (1, 1), "The number without its sign.", |a| match value(a, 0)? {
        Value::Int(n) => n.checked_abs().map(Value::Int).ok_or_else(|| too_large(0)),
        _ => Ok(number(real(a, 0)?.abs())),
    }),
    pure("ceil", "ceil(1.2)", (1, 1), "The next whole number that is not smaller.", |a| rounded(a, f64::ceil)),
    pure("floor", "floor(1.8)", (1, 1), "The next whole number that is not larger.", |a| rounded(a, f64::floor)),
    pure("log", "log(8, 2)", (2, 2), "The logarithm of a number to a base.", |a| {
        let (n, base) = (real(a, 0)?, real(a, 1)?);
        if n <= 0.0 {
            return Err(Refusal::Wrong(0, format!("{n} has no logarithm")));
        }
        if base <= 0.0 || base == 1.0 {
            return Err(Refusal::Wrong(1, format!("{base} is the base of no logarithm")));
        }
        finite(n.ln() / base.ln(), 0)
    }),
    pure("max", "max(1, 5, 3)", (1, MANY), "The largest of some numbers, or of a list of them.", |a| extreme(a, |new, best| new > best)),
    pure("min", "min(1, 5, 3)", (1, MANY), "The smallest of some numbers, or of a list of them.", |a| extreme(a, |new, best| new < best)),
    pure("parseint", "parseint(\"ff\", 16)", (2, 2), "The whole number that a text spells in a base from 2 to 36.", |a| {
        let (digits, base) = (text(a, 0)?, whole(a, 1)?);
        let base = u32::try_from(base).ok().filter(|b| (2..=36).contains(b));
        let base = base.ok_or_else(|| Refusal::Wrong(1, "a base goes from 2 to 36".into()))?;
        let read = i64::from_str_radix(digits, base);
        read.map(Value::Int).map_err(|_| Refusal::Wrong(0, format!("{digits:?} is no whole number of 64 bits in base {base}")))
    }),
    pure("pow", "pow(2, 10)", (2, 2), "The first number to the power of the second.", |a| {
        let exact = match (value(a, 0)?, value(a, 1)?) {
            (Value::Int(n), Value::Int(power)) => u32::try_from(*power).ok().and_then(|p| n.checked_pow(p)),
            _ => None,
        };
        exact.map_or_else(|| finite(real(a, 0)?.powf(real(a, 1)?), 0), |n| Ok(Value::Int(n)))
    }),
    pure("signum", "signum(-13)", (1, 1), "-1, 0 or 1, as the number is negative, zero or positive.", |a| {
        let n = real(a, 0)?;
        Ok(Value::Int(if n > 0.0 {
            1
        } else if n < 0.0 {
            -1
        } else {
            0
        }))
    }),
];

fn too_large(i: usize) -> Refusal {
    Refusal::Wrong(i, "the result is no number of 64 bits".into())
}

fn finite(n: f64, i: usize) -> Answer {
    if n.is_finite() { Ok(number(n)) } else { Err(too_large(i)) }
}

fn rounded(a: &[Argument], round: fn(f64) -> f64) -> Answer {
    match value(a, 0)? {
        whole @ Value::Int(_) => Ok(whole.clone()),
        _ => match number(round(real(a, 0)?)) {
            whole @ Value::Int(_) => Ok(whole),
            _ => Err(too_large(0)),
        },
    }
}

fn extreme(a: &[Argument], better: fn(f64, f64) -> bool) -> Answer {
    let one_list = match a {
        [(Value::List(values), _)] => Some(values),
        _ => None,
    };
    let mut best: Option<(f64, &Value)> = None;
    let all: Vec<&Value> = one_list.map_or_else(|| a.iter().map(|(v, _)| v).collect(), |values| values.iter().collect());
    for (i, value) in all.into_iter().enumerate() {
        let wrong = || if one_list.is_some() { no_element(0, value, "a number") } else { Refusal::Wanted(i, "a number") };
        let n = float(value).ok_or_else(wrong)?;
        if best.is_none_or(|(so_far, _)| better(n, so_far)) {
            best = Some((n, value));
        }
    }
    best.map(|(_, value)| value.clone()).ok_or_else(|| Refusal::Wrong(0, "the list is empty".into()))
}
