//! EC2's Query protocol, from the client's side: a form becomes a request. Layer 8.
//!
//! Names on the wire are those of `shapes`: `Filter.1.Value.2` is `Filters[0].Values[1]`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Number};

use crate::{
    call::{ApiError, Json, Request},
    sim::{
        refuse::{bad, missing, refuse},
        shapes::{self, Action, Kind},
    },
};

/// How deep a request may nest; EC2's deepest has five levels.
const DEPTH_MAX: u8 = 16;

/// Parameters of the protocol itself, and of requests that are signed the old way.
const PROTOCOL: [&str; 8] =
    ["Action", "Version", "AWSAccessKeyId", "Signature", "SignatureMethod", "SignatureVersion", "Timestamp", "SecurityToken"];

/// A form that is being read.
struct Form {
    fields: BTreeMap<String, String>,
    read: BTreeSet<String>,
}

/// The request that a form means, and whether it is one to STS.
pub(crate) fn read(body: &str) -> Result<(Request, bool), (ApiError, bool)> {
    let mut form = Form { fields: fields(body), read: BTreeSet::new() };
    let name = form.fields.get("Action").cloned().unwrap_or_default();
    if name.is_empty() {
        return Err((refuse("MissingAction", "The request must contain the parameter Action"), false));
    }
    let Some(Action(service, request, _)) = shapes::action(&name) else {
        return Err((refuse("InvalidAction", format!("The action {name} is not valid for this web service.")), false));
    };
    if !["ec2", "sts"].contains(&service.as_str()) {
        return Err((refuse("InvalidAction", format!("The action {name} is not valid for this web service.")), false));
    }
    let sts = service == "sts";
    let params = params(&mut form, request).map_err(|error| (error, sts))?;
    Ok((Request { action: name, params }, sts))
}

fn params(form: &mut Form, request: &str) -> Result<Json, ApiError> {
    let mut map = Map::new();
    for member in shapes::members(request) {
        if let Some(value) = form.value(&member.kind, &member.query, 0)? {
            map.insert(member.name.clone(), value);
        }
    }
    let unread = form.fields.keys().find(|key| !form.read.contains(*key) && !PROTOCOL.contains(&&***key));
    match unread {
        Some(key) => Err(refuse("UnknownParameter", format!("The parameter {key} is not recognized"))),
        None => Ok(map.into()),
    }
}

impl Form {
    /// What is written under a name; `None` if nothing is.
    fn value(&mut self, kind: &Kind, name: &str, depth: u8) -> Result<Option<Json>, ApiError> {
        if depth > DEPTH_MAX {
            return Err(bad(format!("The parameter {name} nests too deep")));
        }
        match kind {
            Kind::List(of) => {
                let list = self.indexes(name)?.into_iter().map(|n| self.value(of, &format!("{name}.{n}"), depth + 1));
                let list: Vec<Json> = list.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
                Ok((!list.is_empty()).then_some(list.into()))
            }
            Kind::Structure(of) => {
                let mut map = Map::new();
                for member in shapes::members(of) {
                    if self.any_under(&format!("{name}.{}", member.query))
                        && let Some(value) = self.value(&member.kind, &format!("{name}.{}", member.query), depth + 1)?
                    {
                        map.insert(member.name.clone(), value);
                    }
                }
                Ok((!map.is_empty()).then_some(map.into()))
            }
            scalar => {
                let Some(text) = self.fields.get(name) else { return Ok(None) };
                self.read.insert(name.into());
                scalar_of(scalar, name, text).map(Some)
            }
        }
    }

    fn any_under(&self, name: &str) -> bool {
        self.fields.contains_key(name) || self.under(name).next().is_some()
    }

    /// The rests of the names that begin with `name.`.
    fn under(&self, name: &str) -> impl Iterator<Item = &str> {
        let prefix = format!("{name}.");
        let from = self.fields.range(prefix.clone()..).map(|(key, _)| key.as_str());
        from.map_while(move |key| key.strip_prefix(&prefix))
    }

    /// The numbers of a list's elements.
    fn indexes(&self, name: &str) -> Result<BTreeSet<u32>, ApiError> {
        let number = |rest: &str| {
            let digits = rest.split('.').next().unwrap_or_default();
            digits.parse().map_err(|_| refuse("UnknownParameter", format!("The parameter {name}.{rest} is not recognized")))
        };
        self.under(name).map(number).collect()
    }
}

fn scalar_of(kind: &Kind, name: &str, text: &str) -> Result<Json, ApiError> {
    let wrong = || bad(format!("Value ({text}) for parameter {name} is invalid."));
    match kind {
        Kind::Bool => match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Ok(true.into()),
            "false" | "0" => Ok(false.into()),
            _ => Err(wrong()),
        },
        Kind::Int(_) if text.is_empty() => Err(missing(name)),
        Kind::Int(_) => text.parse::<i64>().map(Json::from).map_err(|_| wrong()),
        Kind::Float => text.parse().ok().and_then(Number::from_f64).map(Json::Number).ok_or_else(wrong),
        Kind::Text | Kind::Time | Kind::Bytes | Kind::OneOf(_) | Kind::List(_) | Kind::Structure(_) => Ok(text.into()),
    }
}

fn fields(body: &str) -> BTreeMap<String, String> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (unescape(name), unescape(value))
    };
    body.trim().split('&').filter(|pair| !pair.is_empty()).map(pair).collect()
}

/// `application/x-www-form-urlencoded`: `+` is a space, `%2F` a byte.
fn unescape(text: &str) -> String {
    let mut bytes = vec![];
    let mut rest = text.as_bytes();
    loop {
        rest = match rest {
            [] => break,
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digit = |b: u8| (b as char).to_digit(16).unwrap_or(0) as u8;
                bytes.push(digit(*high) << 4 | digit(*low));
                rest
            }
            [b'+', rest @ ..] => {
                bytes.push(b' ');
                rest
            }
            [byte, rest @ ..] => {
                bytes.push(*byte);
                rest
            }
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
