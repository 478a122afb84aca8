//! Functions over lists, sets and maps, and between types. Layer 4.
//!
//! A set is a list whose elements are each there once, in an order of their own. Elements that EC2 will decide are
//! carried along wherever the result does not depend on them.

use std::collections::{BTreeMap, BTreeSet};

use unicode_segmentation::UnicodeSegmentation;

use super::{
    Answer, Argument, ELEMENTS_MAX, Entry, MANY, Refusal,
    argument::{
        Members, Ordered, count, each, float, known, limited, list, map, no_element, number, once, order, pending, piece, same, set, size,
        text, texts, too_long, value, whole,
    },
    network, pure,
};
use crate::{
    resolve::{
        convert::{attribute_type, describe, type_of},
        evaluate::counted,
    },
    schema::value::{Value, concat},
};

pub(super) const TABLE: &[Entry] = &[
    pure("alltrue", "alltrue([true, 1 < 2])", (1, 1), "Whether every element is true; of an empty list it is.", |a| all(a, true)),
    pure("anytrue", "anytrue([false, 1 < 2])", (1, 1), "Whether some element is true; of an empty list none is.", |a| all(a, false)),
    // The evaluator tries the arguments of this and of `try` one by one; here they have gone well.
    pure("can", "can(jsondecode(\"{\")[\"a\"])", (1, 1), "Whether the argument can be worked out.", |_| Ok(Value::Bool(true))),
    pure("chunklist", "chunklist([\"a\", \"b\", \"c\"], 2)", (2, 2), "The list cut into lists of so many elements.", |a| {
        match (list(a, 0)?, size(a, 1)?) {
            ([], _) => Ok(Value::List(vec![])),
            (all, 0) => Ok(Value::List(vec![Value::List(all.to_vec())])),
            (all, n) => Ok(Value::List(all.chunks(n).map(|c| Value::List(c.to_vec())).collect())),
        }
    }),
    pure("coalesce", "coalesce(null, \"\", \"b\")", (1, MANY), "The first argument that is neither null nor an empty text.", |a| {
        for (i, (value, _)) in a.iter().enumerate() {
            match is_empty(value) {
                Some(true) => {}
                Some(false) => return Ok(value.clone()),
                // Nothing else could be chosen.
                None if i + 1 == a.len() => return Ok(value.clone()),
                None => return Err(Refusal::Later(i, value.clone())),
            }
        }
        Err(Refusal::Wrong(a.len() - 1, "every argument is null or an empty text".into()))
    }),
    pure("coalescelist", "coalescelist([], [\"a\"])", (1, MANY), "The first list that has an element.", |a| {
        for (i, (value, _)) in a.iter().enumerate() {
            match value {
                Value::Null => {}
                Value::Attribute(..) if i + 1 == a.len() => return Ok(value.clone()),
                _ if list(a, i)?.is_empty() => {}
                _ => return Ok(value.clone()),
            }
        }
        Err(Refusal::Wrong(a.len() - 1, "every list is empty".into()))
    }),
    pure("compact", "compact([\"a\", \"\", null])", (1, 1), "The elements that are neither null nor an empty text.", |a| {
        let mut kept = vec![];
        for element in list(a, 0)? {
            match is_empty(element) {
                Some(true) => {}
                Some(false) => kept.push(element.clone()),
                None => return Err(Refusal::Later(0, element.clone())),
            }
        }
        Ok(Value::List(kept))
    }),
    pure("concat", "concat([\"a\"], [\"b\", \"c\"])", (1, MANY), "The elements of all lists in one.", |a| {
        let lists: Vec<&[Value]> = (0..a.len()).map(|i| list(a, i)).collect::<Result<_, _>>()?;
        limited(0, lists.into_iter().flatten().cloned())
    }),
    pure(
        "contains",
        "contains(10.0.0.0/16, 10.0.1.5)",
        (2, 2),
        "Whether a list has the element, or a network holds the address or network.",
        contains,
    ),
    pure("distinct", "distinct([\"b\", \"a\", \"b\"])", (1, 1), "The elements each once, where they are first.", |a| {
        Ok(Value::List(once(list(a, 0)?)))
    }),
    pure(
        "element",
        "element([\"a\", \"b\"], 3)",
        (2, 2),
        "The element at a place, counted from 0; past the end it begins again, and -1 is the last.",
        |a| {
            let (all, n) = (list(a, 0)?, whole(a, 1)?);
            let length = i64::try_from(all.len()).unwrap_or(i64::MAX);
            let place = n.checked_rem_euclid(length).and_then(|n| usize::try_from(n).ok());
            place.and_then(|n| all.get(n).cloned()).ok_or_else(|| Refusal::Wrong(0, "the list is empty".into()))
        },
    ),
    pure("flatten", "flatten([[\"a\"], [\"b\", [\"c\"]]])", (1, 1), "The elements of the lists in a list, however deep they lie.", |a| {
        let mut flat = vec![];
        let mut open: Vec<&Value> = list(a, 0)?.iter().rev().collect();
        while let Some(value) = open.pop() {
            match value {
                Value::List(inner) => open.extend(inner.iter().rev()),
                other => flat.push(other.clone()),
            }
            if flat.len() + open.len() > ELEMENTS_MAX {
                return Err(too_long(0));
            }
        }
        Ok(Value::List(flat))
    }),
    pure("index", "index([\"a\", \"b\"], \"b\")", (2, 2), "The place of an element, counted from 0; an error if it is not there.", |a| {
        let wanted = value(a, 1)?;
        for (i, element) in list(a, 0)?.iter().enumerate() {
            match same(element, wanted) {
                Some(true) => return Ok(count(i)),
                Some(false) => {}
                None => return Err(undecided(element, wanted)),
            }
        }
        Err(Refusal::Wrong(1, format!("{} is not in the list", describe(wanted))))
    }),
    pure("keys", "keys({ b = 1, a = 2 })", (1, 1), "The keys of a map, in order.", |a| {
        Ok(Value::List(map(a, 0)?.keys().map(Value::text).collect()))
    }),
    pure(
        "length",
        "length([\"a\", \"b\"])",
        (1, 1),
        "How many elements a list or map, or how many characters a text has.",
        |a| match value(a, 0)? {
            Value::List(values) => Ok(count(values.len())),
            Value::Map(map) => Ok(count(map.len())),
            Value::Text(text) => Ok(count(text.graphemes(true).count())),
            _ => Err(Refusal::Wanted(0, "a list, a map or a string")),
        },
    ),
    pure(
        "lookup",
        "lookup({ a = 1 }, \"b\", 0)",
        (2, 3),
        "The value at a key of a map; without the key the third argument, or an error.",
        |a| {
            let (map, key) = (map(a, 0)?, text(a, 1)?);
            let found = map.get(key).or_else(|| a.get(2).map(|(default, _)| default));
            found.cloned().ok_or_else(|| Refusal::Wrong(1, format!("the map has no key {key:?}, and there is no default")))
        },
    ),
    pure(
        "matchkeys",
        "matchkeys([\"a\", \"b\"], [1, 2], [2])",
        (3, 3),
        "The elements of the first list whose fellows in the second are in the third.",
        |a| {
            let (values, keys, wanted) = (list(a, 0)?, list(a, 1)?, Members::new(list(a, 2)?));
            if values.len() != keys.len() {
                return Err(Refusal::Wrong(1, format!("the lists have different lengths: {} and {}", values.len(), keys.len())));
            }
            let mut found = vec![];
            for (value, key) in values.iter().zip(keys) {
                if wanted.has(key).map_err(|later| Refusal::Later(1, later))? {
                    found.push(value.clone());
                }
            }
            Ok(Value::List(found))
        },
    ),
    pure("merge", "merge({ a = 1 }, { a = 2, b = 3 })", (1, MANY), "The entries of all maps in one; a later one wins.", |a| {
        let mut all = BTreeMap::new();
        for (i, (value, _)) in a.iter().enumerate() {
            if *value != Value::Null {
                all.extend(map(a, i)?.iter().map(|(k, v)| (k.clone(), v.clone())));
            }
        }
        Ok(Value::Map(all))
    }),
    pure("one", "one([\"a\"])", (1, 1), "The only element of a list, or null if it is empty; more than one is an error.", |a| match list(
        a, 0,
    )? {
        [] => Ok(Value::Null),
        [only] => Ok(only.clone()),
        more => Err(Refusal::Wrong(0, format!("the list has {}", counted(more.len(), "element")))),
    }),
    pure(
        "range",
        "range(1, 8, 2)",
        (1, 3),
        "The numbers from a start, or 0, up to a limit and without it, in steps of 1 or the third argument.",
        range,
    ),
    pure("reverse", "reverse([1, 2, 3])", (1, 1), "The elements in reverse order.", |a| {
        Ok(Value::List(list(a, 0)?.iter().rev().cloned().collect()))
    }),
    pure("setintersection", "setintersection([\"a\", \"b\"], [\"b\", \"c\"])", (1, MANY), "What is in all of the sets.", |a| {
        filtered(a, true)
    }),
    pure(
        "setproduct",
        "setproduct([\"a\", \"b\"], [1, 2])",
        (1, MANY),
        "Every way to take one element of each list, the last changing first.",
        set_product,
    ),
    pure("setsubtract", "setsubtract([\"a\", \"b\"], [\"b\"])", (2, 2), "What is in the first set and not in the second.", |a| {
        filtered(a, false)
    }),
    pure("setunion", "setunion([\"a\"], [\"b\"])", (1, MANY), "What is in any of the sets.", |a| {
        let lists: Vec<&[Value]> = (0..a.len()).map(|i| list(a, i)).collect::<Result<_, _>>()?;
        let all: BTreeSet<Ordered<'_>> = lists.into_iter().flatten().map(Ordered).collect();
        limited(0, all.into_iter().map(|v| v.0.clone()))
    }),
    pure(
        "slice",
        "slice([\"a\", \"b\", \"c\"], 1, 3)",
        (3, 3),
        "The elements from one place up to another and without it, counted from 0.",
        |a| {
            let (all, start, end) = (list(a, 0)?, size(a, 1)?, size(a, 2)?);
            if end > all.len() {
                return Err(Refusal::Wrong(2, format!("the list has only {}", counted(all.len(), "element"))));
            }
            all.get(start..end).map(|part| Value::List(part.to_vec())).ok_or_else(|| Refusal::Wrong(1, format!("{start} is after {end}")))
        },
    ),
    pure(
        "sort",
        "sort([\"b\", \"a\"])",
        (1, 1),
        "The elements in order: texts by their letters, numbers by size, networks by address.",
        sort,
    ),
    pure("sum", "sum([1, 2.5])", (1, 1), "The sum of a list of numbers.", |a| {
        let numbers = each(a, 0, "a number", |v| float(v).map(|n| (v, n)))?;
        let whole = numbers.iter().try_fold(0_i64, |sum, (v, _)| if let Value::Int(n) = v { sum.checked_add(*n) } else { None });
        let sum = whole.map_or_else(|| number(numbers.iter().map(|(_, n)| n).sum()), Value::Int);
        if matches!(sum, Value::Float(n) if !n.is_finite()) { Err(Refusal::Wrong(0, "the sum is too large".into())) } else { Ok(sum) }
    }),
    pure("tobool", "tobool(\"true\")", (1, 1), "`true` or `false`, out of a text too.", |a| match value(a, 0)? {
        same @ (Value::Bool(_) | Value::Null) => Ok(same.clone()),
        Value::Text(text) => {
            text.parse().map(Value::Bool).map_err(|_| Refusal::Wrong(0, format!("{text:?} is neither \"true\" nor \"false\"")))
        }
        _ => Err(Refusal::Wanted(0, "`true`, `false` or a string")),
    }),
    pure("tolist", "tolist(toset([\"b\", \"a\"]))", (1, 1), "The list itself, or the values of a map in the order of its keys.", |a| {
        elements(a).map(|all| if let Some(all) = all { Value::List(all) } else { Value::Null })
    }),
    pure("tomap", "tomap({ a = 1 })", (1, 1), "The map itself.", |a| match value(a, 0)? {
        same @ (Value::Map(_) | Value::Null) => Ok(same.clone()),
        _ => Err(Refusal::Wanted(0, "a map")),
    }),
    pure("tonumber", "tonumber(\"5\")", (1, 1), "The number that a text spells, or the number itself.", |a| match value(a, 0)? {
        same @ (Value::Int(_) | Value::Float(_) | Value::Null) => Ok(same.clone()),
        Value::Text(text) => match (text.parse(), text.parse::<f64>()) {
            (Ok(n), _) => Ok(Value::Int(n)),
            (_, Ok(n)) if n.is_finite() => Ok(number(n)),
            _ => Err(Refusal::Wrong(0, format!("{text:?} is no number"))),
        },
        _ => Err(Refusal::Wanted(0, "a number or a string")),
    }),
    pure(
        "toset",
        "toset([\"b\", \"a\", \"b\"])",
        (1, 1),
        "The elements of a list, or the values of a map, each once and in an order of their own.",
        |a| elements(a).map(|all| if let Some(all) = all { set(&all) } else { Value::Null }),
    ),
    pure("tostring", "tostring(10.0.0.1)", (1, 1), "The value as a text.", |a| match value(a, 0)? {
        Value::Null => Ok(Value::Null),
        single => piece(single).map(|piece| concat(vec![piece])).ok_or(Refusal::Wanted(0, "a single value")),
    }),
    pure(
        "transpose",
        "transpose({ a = [\"x\", \"y\"], b = [\"y\"] })",
        (1, 1),
        "A map of lists turned round: each element becomes a key, with the list of the keys that had it.",
        |a| {
            let mut turned: BTreeMap<String, Vec<Value>> = BTreeMap::new();
            for (key, list) in map(a, 0)? {
                let Value::List(elements) = list else {
                    return Err(Refusal::Wrong(0, format!("{key:?} is {} and not a list", describe(list))));
                };
                for element in elements {
                    let element = element.as_text().ok_or_else(|| no_element(0, element, "a string"))?;
                    turned.entry(element.to_owned()).or_default().push(Value::text(key));
                }
            }
            Ok(Value::Map(turned.into_iter().map(|(k, v)| (k, Value::List(v))).collect()))
        },
    ),
    pure("try", "try(jsondecode(\"{\")[\"a\"], \"none\")", (1, MANY), "The first argument that can be worked out.", |a| {
        Ok(value(a, 0)?.clone())
    }),
    pure("type", "type(10.0.0.0/16)", (1, 1), "The name of the type of a value.", |a| match value(a, 0)? {
        Value::Null => Ok(Value::text("null")),
        Value::Attribute(address, name) => {
            Ok(Value::text(attribute_type(address, name).map_or_else(|| "any".to_owned(), |ty| ty.to_string())))
        }
        known => Ok(Value::text(type_of(known).to_string())),
    }),
    pure("values", "values({ b = 1, a = 2 })", (1, 1), "The values of a map, in the order of its keys.", |a| {
        Ok(Value::List(map(a, 0)?.values().cloned().collect()))
    }),
    pure("zipmap", "zipmap([\"a\", \"b\"], [1, 2])", (2, 2), "A map out of a list of keys and a list of values.", |a| {
        let (keys, values) = (texts(a, 0)?, list(a, 1)?);
        if keys.len() != values.len() {
            return Err(Refusal::Wrong(
                1,
                format!("{} and {} do not go together", counted(keys.len(), "key"), counted(values.len(), "value")),
            ));
        }
        Ok(Value::Map(keys.into_iter().map(str::to_owned).zip(values.iter().cloned()).collect()))
    }),
];

/// Whether a value is null or an empty text; `None` where EC2 decides it.
fn is_empty(value: &Value) -> Option<bool> {
    match value {
        Value::Null => Some(true),
        Value::Text(text) => Some(text.is_empty()),
        Value::Concat(pieces) => pieces.iter().filter_map(Value::as_text).any(|t| !t.is_empty()).then_some(false),
        // Whatever stands has an id.
        Value::Attribute(_, name) => (name == "id").then_some(false),
        _ => Some(false),
    }
}

/// What EC2 has to decide before two values can be compared.
fn undecided(element: &Value, wanted: &Value) -> Refusal {
    match (pending(wanted), pending(element)) {
        (Some(later), _) => Refusal::Later(1, later.clone()),
        (None, later) => Refusal::Later(0, later.unwrap_or(element).clone()),
    }
}

/// Whether all elements are true, or whether not all are false. The first that differs decides.
fn all(a: &[Argument], wanted: bool) -> Answer {
    let mut later = None;
    for element in list(a, 0)? {
        match element {
            Value::Bool(b) if *b == wanted => {}
            Value::Bool(b) => return Ok(Value::Bool(*b)),
            Value::Null if wanted => return Ok(Value::Bool(false)),
            Value::Null => {}
            Value::Attribute(..) => later = later.or(Some(element)),
            other => return Err(no_element(0, other, "`true` or `false`")),
        }
    }
    later.map_or(Ok(Value::Bool(wanted)), |later| Err(Refusal::Later(0, later.clone())))
}

/// Of a list: whether it has the element. Of a network: whether the other lies in it.
fn contains(a: &[Argument]) -> Answer {
    let (whole, wanted) = (value(a, 0)?, value(a, 1)?);
    let Value::List(values) = whole else {
        return match whole {
            Value::Cidr(_) | Value::Text(_) => network::contains(a),
            _ => Err(Refusal::Wanted(0, "a network or a list")),
        };
    };
    let mut open = None;
    for element in values {
        match same(element, wanted) {
            Some(true) => return Ok(Value::Bool(true)),
            Some(false) => {}
            None => open = open.or(Some(element)),
        }
    }
    open.map_or(Ok(Value::Bool(false)), |element| Err(undecided(element, wanted)))
}

/// The elements of a list or a map; none of null.
fn elements(a: &[Argument]) -> Result<Option<Vec<Value>>, Refusal> {
    match value(a, 0)? {
        Value::List(values) => Ok(Some(values.clone())),
        Value::Map(map) => Ok(Some(map.values().cloned().collect())),
        Value::Null => Ok(None),
        _ => Err(Refusal::Wanted(0, "a list or a set")),
    }
}

/// The elements of the first set that are in all of the others, or in none of them.
fn filtered(a: &[Argument], wanted: bool) -> Answer {
    let others: Vec<Members<'_>> = (1..a.len()).map(|i| list(a, i).map(Members::new)).collect::<Result<_, _>>()?;
    let mut kept = vec![];
    for value in list(a, 0)? {
        let mut keep = true;
        for (i, other) in others.iter().enumerate() {
            let asked = if pending(value).is_some() { 0 } else { i + 1 };
            keep &= other.has(value).map_err(|later| Refusal::Later(asked, later))? == wanted;
        }
        if keep {
            kept.push(value.clone());
        }
    }
    Ok(set(&kept))
}

fn range(a: &[Argument]) -> Answer {
    for i in 0..a.len() {
        if float(known(a, i)?).is_none() {
            return Err(Refusal::Wanted(i, "a number"));
        }
    }
    let at = |i: usize| a.get(i).map(|(v, _)| v);
    let (start, limit) = if a.len() == 1 { (&Value::Int(0), at(0)) } else { (at(0).unwrap_or(&Value::Null), at(1)) };
    let (Some(from), Some(to)) = (float(start), limit.and_then(float)) else { return Err(Refusal::Wanted(0, "a number")) };
    let step = at(2).cloned().unwrap_or(Value::Int(if to < from { -1 } else { 1 }));
    let Some(by) = float(&step) else { return Err(Refusal::Wanted(2, "a number")) };
    if by == 0.0 || (to - from) * by < 0.0 {
        return Err(Refusal::Wrong(2, format!("steps of {step} never lead from {start} to {}", limit.unwrap_or(&Value::Null))));
    }
    let steps = ((to - from) / by).ceil();
    if steps > ELEMENTS_MAX as f64 {
        return Err(too_long(a.len().min(2) - 1));
    }
    let nth = |n: usize| match (start, &step) {
        (Value::Int(start), Value::Int(step)) => Value::Int(start.wrapping_add(step.wrapping_mul(i64::try_from(n).unwrap_or(0)))),
        _ => number(from + by * n as f64),
    };
    Ok(Value::List((0..steps as usize).map(nth).collect()))
}

fn set_product(a: &[Argument]) -> Answer {
    let lists: Vec<&[Value]> = (0..a.len()).map(|i| list(a, i)).collect::<Result<_, _>>()?;
    let rows = lists.iter().try_fold(1_usize, |rows, list| rows.checked_mul(list.len()));
    // What counts is how many values there are in all.
    let Some(rows) = rows.filter(|rows| rows.saturating_mul(lists.len()) <= ELEMENTS_MAX) else { return Err(too_long(0)) };
    let row = |mut n: usize| {
        let mut row: Vec<Value> = lists
            .iter()
            .rev()
            .filter_map(|list| {
                let element = list.get(n % list.len());
                n /= list.len();
                element.cloned()
            })
            .collect();
        row.reverse();
        Value::List(row)
    };
    Ok(Value::List((0..rows).map(row).collect()))
}

fn sort(a: &[Argument]) -> Answer {
    let mut sorted = each(a, 0, "something that has an order", |v| match v {
        Value::Text(_) | Value::Int(_) | Value::Float(_) | Value::Cidr(_) | Value::Ip(_) | Value::Duration(_) => Some(v),
        _ => None,
    })?;
    let kind = |v: &Value| if float(v).is_some() { std::mem::discriminant(&Value::Int(0)) } else { std::mem::discriminant(v) };
    if let Some(first) = sorted.first().copied()
        && let Some(other) = sorted.iter().find(|v| kind(v) != kind(first))
    {
        return Err(Refusal::Wrong(
            0,
            format!("the list holds {} beside {}, and between them there is no order", describe(first), describe(other)),
        ));
    }
    sorted.sort_by(|a, b| order(a, b));
    Ok(Value::List(sorted.into_iter().cloned().collect()))
}
