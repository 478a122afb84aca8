//! The members and wire names of EC2's requests and answers, read from `shapes.json`. Layer 8.
//!
//! It knows what EC2's requests look like, and nothing of what they do. `shapes.py` tells where the facts come from.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

use crate::{
    call::{ApiError, Json},
    sim::refuse::{invalid, missing, refuse},
};

/// All shapes.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Shapes {
    actions: BTreeMap<String, Action>,
    shapes: BTreeMap<String, Vec<Member>>,
}

/// An action: its service (`ec2`, `sts` or `servicequotas`), and the names of the structures of its request and its answer.
#[derive(Debug, Deserialize)]
pub(crate) struct Action(pub(crate) String, pub(crate) String, pub(crate) String);

/// A member of a structure.
#[derive(Debug, Deserialize)]
#[serde(from = "String")]
pub(crate) struct Member {
    /// `TagSpecifications`
    pub(crate) name: String,
    /// `TagSpecification`, as the Query protocol calls it.
    pub(crate) query: String,
    /// `tagSpecificationSet`, as answers call it.
    pub(crate) xml: String,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
}

/// What a member holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Text,
    Bool,
    Int(Option<(i64, i64)>),
    Float,
    Time,
    Bytes,
    OneOf(Vec<String>),
    List(Box<Kind>),
    Structure(String),
}

impl From<String> for Member {
    fn from(text: String) -> Self {
        let mut parts = text.split('|');
        let mut part = || parts.next().unwrap_or_default();
        let (name, query, xml, kind) = (part(), part(), part(), part());
        let required = name.starts_with('!');
        let name = name.trim_start_matches('!');
        let xml = if xml.is_empty() { first(name, char::to_ascii_lowercase) } else { xml.into() };
        let query = if query.is_empty() { first(&xml, char::to_ascii_uppercase) } else { query.into() };
        Self { name: name.into(), query, xml, kind: kind_of(kind), required }
    }
}

fn first(name: &str, change: fn(&char) -> char) -> String {
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |c| format!("{}{}", change(&c), chars.as_str()))
}

fn kind_of(text: &str) -> Kind {
    if let Some(of) = text.strip_prefix('[') {
        return Kind::List(Box::new(kind_of(of)));
    }
    if let Some(few) = text.strip_prefix("e:") {
        return Kind::OneOf(few.split(',').map(str::to_owned).collect());
    }
    if let Some(range) = text.strip_prefix('i').and_then(|r| r.split_once('-')) {
        return Kind::Int(range.0.parse().ok().zip(range.1.parse().ok()));
    }
    match text {
        "s" => Kind::Text,
        "b" => Kind::Bool,
        "i" => Kind::Int(None),
        "f" => Kind::Float,
        "t" => Kind::Time,
        "x" => Kind::Bytes,
        name => Kind::Structure(name.into()),
    }
}

static SHAPES: LazyLock<Shapes> = LazyLock::new(|| serde_json::from_str(include_str!("shapes.json")).unwrap_or_default());

/// An action by its name.
pub(crate) fn action(name: &str) -> Option<&'static Action> {
    SHAPES.actions.get(name)
}

/// The names of all actions.
#[cfg(test)]
pub(crate) fn actions() -> impl Iterator<Item = &'static str> {
    SHAPES.actions.keys().map(String::as_str)
}

/// The members of a structure.
pub(crate) fn members(structure: &str) -> &'static [Member] {
    SHAPES.shapes.get(structure).map_or(&[], Vec::as_slice)
}

/// Refuses parameters that EC2's API reference does not know, of the wrong type, out of range, or missing.
pub(crate) fn check_request(action: &str, params: &Json) -> Result<(), ApiError> {
    match SHAPES.actions.get(action) {
        Some(Action(_, request, _)) => check(&Kind::Structure(request.clone()), "", params),
        None => Err(refuse("InvalidAction", format!("The action {action} is not valid for this web service."))),
    }
}

fn check(kind: &Kind, path: &str, value: &Json) -> Result<(), ApiError> {
    match (kind, value) {
        (_, Json::Null) => Ok(()),
        (Kind::Structure(name), Json::Object(map)) => {
            let members = members(name);
            let known = |key: &&String| members.iter().any(|m| m.name == **key || is_alias(&m.name, key));
            if let Some(key) = map.keys().find(|key| !known(key)) {
                return Err(refuse("UnknownParameter", format!("The parameter {} is not recognized", join(path, key))));
            }
            members.iter().try_for_each(|m| match map.get(&m.name) {
                None | Some(Json::Null) if m.required => Err(missing(&join(path, &m.name))),
                None => Ok(()),
                Some(value) => check(&m.kind, &join(path, &m.name), value),
            })
        }
        (Kind::List(of), Json::Array(items)) => items.iter().try_for_each(|item| check(of, path, item)),
        (Kind::Text | Kind::Time | Kind::Bytes, Json::String(_)) | (Kind::Bool, Json::Bool(_)) => Ok(()),
        (Kind::Float, Json::Number(_)) => Ok(()),
        (Kind::OneOf(few), Json::String(text)) if few.contains(text) => Ok(()),
        (Kind::Int(range), Json::Number(n)) => match (n.as_i64(), range) {
            (Some(n), Some((low, _))) if n < *low => Err(invalid(path, value, &format!("Expecting a value greater than {low}."))),
            (Some(n), Some((_, high))) if n > *high => Err(invalid(path, value, &format!("Expecting a value less than {high}."))),
            (Some(_), _) => Ok(()),
            (None, _) => Err(invalid(path, value, "")),
        },
        _ => Err(invalid(path, value, "")),
    }
}

/// DescribeNatGateways alone calls its filters `Filter`; clients take `Filters` there, too.
fn is_alias(member: &str, key: &str) -> bool {
    (member, key) == ("Filter", "Filters")
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.into() } else { format!("{path}.{name}") }
}

/// What in an answer is not as the API reference has it: paths of unknown members and of values of the wrong type.
#[cfg(test)]
pub(crate) fn strangers(action: &str, answer: &Json) -> Vec<String> {
    let mut found = vec![];
    if let Some(Action(_, _, shape)) = SHAPES.actions.get(action) {
        collect(&Kind::Structure(shape.clone()), action, answer, &mut found);
    }
    found
}

#[cfg(test)]
fn collect(kind: &Kind, path: &str, value: &Json, found: &mut Vec<String>) {
    match (kind, value) {
        (Kind::Structure(name), Json::Object(map)) => {
            for (key, value) in map {
                match members(name).iter().find(|m| m.name == *key) {
                    Some(member) => collect(&member.kind, &format!("{path}.{key}"), value, found),
                    None => found.push(format!("{path}.{key}")),
                }
            }
        }
        (Kind::List(of), Json::Array(items)) => items.iter().for_each(|item| collect(of, path, item, found)),
        (Kind::Text | Kind::Time | Kind::Bytes | Kind::OneOf(_), Json::String(_))
        | (Kind::Bool, Json::Bool(_))
        | (Kind::Int(_) | Kind::Float, Json::Number(_)) => {}
        _ => found.push(format!("{path} = {value}")),
    }
}
