//! What functions take their arguments as, and how values compare. Layer 4.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::{Argument, BYTES_MAX, ELEMENTS_MAX, Refusal};
use crate::{
    base::cidr::Cidr,
    resolve::{convert::describe, literal},
    schema::value::Value,
};

pub(super) fn value(a: &[Argument], i: usize) -> Result<&Value, Refusal> {
    a.get(i).map(|(value, _)| value).ok_or(Refusal::Wanted(i, "a value"))
}

pub(super) fn text(a: &[Argument], i: usize) -> Result<&str, Refusal> {
    a.get(i).and_then(|(v, _)| v.as_text()).ok_or(Refusal::Wanted(i, "a string"))
}

pub(super) fn list(a: &[Argument], i: usize) -> Result<&[Value], Refusal> {
    match a.get(i) {
        Some((Value::List(values), _)) => Ok(values),
        _ => Err(Refusal::Wanted(i, "a list")),
    }
}

pub(super) fn map(a: &[Argument], i: usize) -> Result<&BTreeMap<String, Value>, Refusal> {
    match a.get(i) {
        Some((Value::Map(map), _)) => Ok(map),
        _ => Err(Refusal::Wanted(i, "a map")),
    }
}

/// A whole number; `2.0` is one.
pub(super) fn whole(a: &[Argument], i: usize) -> Result<i64, Refusal> {
    match a.get(i) {
        Some((Value::Int(n), _)) => Ok(*n),
        Some((Value::Float(n), _)) => match number(*n) {
            Value::Int(n) => Ok(n),
            _ => Err(Refusal::Wanted(i, "a whole number")),
        },
        _ => Err(Refusal::Wanted(i, "a whole number")),
    }
}

/// A whole number that is not negative.
pub(super) fn size(a: &[Argument], i: usize) -> Result<usize, Refusal> {
    let n = whole(a, i)?;
    usize::try_from(n).map_err(|_| Refusal::Wrong(i, format!("{n} is negative")))
}

pub(super) fn real(a: &[Argument], i: usize) -> Result<f64, Refusal> {
    a.get(i).and_then(|(v, _)| float(v)).ok_or(Refusal::Wanted(i, "a number"))
}

pub(super) fn bits(a: &[Argument], i: usize) -> Result<u8, Refusal> {
    let n = whole(a, i)?;
    u8::try_from(n).ok().filter(|n| *n <= 128).ok_or_else(|| Refusal::Wrong(i, format!("{n} is no number of bits: they go from 0 to 128")))
}

pub(super) fn network(a: &[Argument], i: usize) -> Result<Cidr, Refusal> {
    match a.get(i) {
        Some((Value::Cidr(cidr), _)) => Ok(*cidr),
        // A text that is meant as a network says what is wrong in it.
        Some((Value::Text(text), at)) if text.contains('/') => match literal::cidr(text, *at) {
            Ok(Value::Cidr(cidr)) => Ok(cidr),
            Ok(_) => Err(Refusal::Wanted(i, "a network")),
            Err(diagnostic) => Err(Refusal::Said(Box::new(diagnostic))),
        },
        _ => Err(Refusal::Wanted(i, "a network")),
    }
}

pub(super) fn address(a: &[Argument], i: usize) -> Result<IpAddr, Refusal> {
    match a.get(i).map(|(v, _)| v) {
        Some(Value::Ip(ip)) => Ok(*ip),
        Some(Value::Text(text)) => text.parse().map_err(|_| Refusal::Wanted(i, "an address")),
        _ => Err(Refusal::Wanted(i, "an address")),
    }
}

/// The elements of a list, each made into something; `noun` says what they have to be: `a string`.
pub(super) fn each<'a, T>(a: &'a [Argument], i: usize, noun: &str, element: impl Fn(&'a Value) -> Option<T>) -> Result<Vec<T>, Refusal> {
    list(a, i)?.iter().map(|v| element(v).ok_or_else(|| no_element(i, v, noun))).collect()
}

pub(super) fn texts(a: &[Argument], i: usize) -> Result<Vec<&str>, Refusal> {
    each(a, i, "a string", Value::as_text)
}

/// A list that holds something else than it should.
pub(super) fn no_element(i: usize, found: &Value, noun: &str) -> Refusal {
    match pending(found) {
        Some(later) => Refusal::Later(i, later.clone()),
        None => Refusal::Wrong(i, format!("the list holds {}, which is not {noun}", describe(found))),
    }
}

/// A list that a function made, unless it is too long.
pub(super) fn limited(i: usize, values: impl Iterator<Item = Value>) -> Result<Value, Refusal> {
    let made: Vec<Value> = values.take(ELEMENTS_MAX + 1).collect();
    if made.len() > ELEMENTS_MAX { Err(too_long(i)) } else { Ok(Value::List(made)) }
}

pub(super) fn too_long(i: usize) -> Refusal {
    Refusal::Wrong(i, format!("the list would have more than {ELEMENTS_MAX} elements"))
}

/// A text that a function made, unless it is too long.
pub(super) fn limited_text(i: usize, text: String) -> Result<Value, Refusal> {
    if text.len() > BYTES_MAX { Err(text_too_long(i)) } else { Ok(Value::text(text)) }
}

pub(super) fn text_too_long(i: usize) -> Refusal {
    Refusal::Wrong(i, format!("the text would have more than {} MiB", BYTES_MAX >> 20))
}

/// A number, whatever its kind.
pub(super) fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(n) => Some(*n as f64),
        Value::Float(n) => Some(*n),
        _ => None,
    }
}

/// A result: a whole number where it is one that a float holds exactly.
pub(super) fn number(n: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if n.fract() == 0.0 && n.abs() <= EXACT { Value::Int(n as i64) } else { Value::Float(n) }
}

/// A count.
pub(super) fn count(n: usize) -> Value {
    Value::Int(i64::try_from(n).unwrap_or(i64::MAX))
}

/// The first piece of a value that EC2 will decide. A reference is known: it is itself.
pub(super) fn pending(value: &Value) -> Option<&Value> {
    match value {
        Value::Attribute(..) | Value::Subnet(..) | Value::Concat(_) | Value::Image(..) => Some(value),
        Value::List(values) => values.iter().find_map(pending),
        Value::Map(map) => map.values().find_map(pending),
        _ => None,
    }
}

/// The argument, if all of it is known.
pub(super) fn known(a: &[Argument], i: usize) -> Result<&Value, Refusal> {
    let value = value(a, i)?;
    pending(value).map_or(Ok(value), |later| Err(Refusal::Later(i, later.clone())))
}

/// Whether two values are equal; `None` where EC2 decides it.
pub(super) fn same(a: &Value, b: &Value) -> Option<bool> {
    match (a, b) {
        _ if a == b => Some(true),
        (Value::Attribute(..) | Value::Subnet(..) | Value::Concat(_) | Value::Image(..), _)
        | (_, Value::Attribute(..) | Value::Subnet(..) | Value::Concat(_) | Value::Image(..)) => None,
        (Value::List(a), Value::List(b)) if a.len() == b.len() => all_same(a.iter().zip(b)),
        (Value::Map(a), Value::Map(b)) if a.keys().eq(b.keys()) => all_same(a.values().zip(b.values())),
        _ => Some(order(a, b) == Ordering::Equal),
    }
}

/// A difference decides, whatever is not known beside it.
fn all_same<'v>(pairs: impl Iterator<Item = (&'v Value, &'v Value)>) -> Option<bool> {
    let each: Vec<Option<bool>> = pairs.map(|(a, b)| same(a, b)).collect();
    if each.contains(&Some(false)) {
        Some(false)
    } else if each.contains(&None) {
        None
    } else {
        Some(true)
    }
}

/// An order of all values: numbers by size whatever their kind, the others by kind first.
pub(super) fn order(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Int(_), Value::Float(_)) | (Value::Float(_), Value::Int(_)) => float(a).partial_cmp(&float(b)).unwrap_or(Ordering::Equal),
        (Value::List(a), Value::List(b)) => {
            let first = a.iter().zip(b).map(|(a, b)| order(a, b)).find(|o| *o != Ordering::Equal);
            first.unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        _ => a.partial_cmp(b).unwrap_or(Ordering::Equal),
    }
}

/// A value as a member of a set.
#[derive(Clone, Copy)]
pub(super) struct Ordered<'v>(pub(super) &'v Value);

impl Ord for Ordered<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        order(self.0, other.0)
    }
}

impl PartialOrd for Ordered<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ordered<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ordered<'_> {}

/// The values of a list, to be asked for members without a walk along it.
pub(super) struct Members<'v> {
    all: BTreeSet<Ordered<'v>>,
    pending: Option<&'v Value>,
}

impl<'v> Members<'v> {
    pub(super) fn new(values: &'v [Value]) -> Self {
        Self { all: values.iter().map(Ordered).collect(), pending: values.iter().find_map(pending) }
    }

    /// Whether a value is in the list; else the value that EC2 has to decide first.
    pub(super) fn has(&self, value: &Value) -> Result<bool, Value> {
        if self.all.contains(&Ordered(value)) {
            return Ok(true);
        }
        match pending(value).or(self.pending) {
            Some(later) if !self.all.is_empty() => Err(later.clone()),
            _ => Ok(false),
        }
    }
}

/// Each once, where it is first. What EC2 will decide counts as different from everything but itself.
pub(super) fn once(values: &[Value]) -> Vec<Value> {
    let mut seen = BTreeSet::new();
    values.iter().filter(|v| seen.insert(Ordered(v))).cloned().collect()
}

/// A set: each once, in an order of its own.
pub(super) fn set(values: &[Value]) -> Value {
    let members: BTreeSet<Ordered<'_>> = values.iter().map(Ordered).collect();
    Value::List(members.into_iter().map(|v| v.0.clone()).collect())
}

/// A value as a piece of a text, if it can be one.
pub(super) fn piece(value: &Value) -> Option<Value> {
    let bad = matches!(
        value,
        Value::Null | Value::List(_) | Value::Map(_) | Value::Resource(_) | Value::Image(..) | Value::Internet | Value::Any | Value::Error
    );
    (!bad).then(|| value.clone())
}
