//! Reading EC2's answers: small steps that every type takes. Layer 3.

use std::{collections::BTreeMap, net::IpAddr};

use crate::{
    base::cidr::Cidr,
    call::Json,
    registry::Observed,
    schema::value::{Record, Value},
};

/// The member at a path, if it is there.
pub fn at<'a>(item: &'a Json, path: &[&str]) -> Option<&'a Json> {
    path.iter().try_fold(item, |at, key| at.get(key))
}

/// A text.
pub fn text<'a>(item: &'a Json, path: &[&str]) -> Option<&'a str> {
    at(item, path).and_then(Json::as_str)
}

/// The elements of a list; none where there is no list.
pub fn list<'a>(item: &'a Json, path: &[&str]) -> &'a [Json] {
    at(item, path).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

/// Tags by key. Interfaces alone call them `TagSet`.
pub fn tags(item: &Json) -> BTreeMap<String, String> {
    list(item, &["Tags"])
        .iter()
        .chain(list(item, &["TagSet"]))
        .filter_map(|tag| Some((text(tag, &["Key"])?.to_owned(), text(tag, &["Value"]).unwrap_or_default().to_owned())))
        .collect()
}

/// The addresses that elements have at a member, in their order as numbers.
pub fn addresses<'a>(elements: impl Iterator<Item = &'a Json>, member: &str) -> Value {
    let mut found: Vec<IpAddr> = elements.filter_map(|element| text(element, &[member])?.parse().ok()).collect();
    found.sort_unstable();
    Value::List(found.into_iter().map(Value::Ip).collect())
}

/// Collects the attributes of an item.
pub struct Reader<'a> {
    item: &'a Json,
    record: Record,
}

impl<'a> Reader<'a> {
    /// Starts.
    pub fn new(item: &'a Json) -> Self {
        Self { item, record: Record::new() }
    }

    /// A text member.
    pub fn text(self, name: &str, path: &[&str]) -> Self {
        let found = text(self.item, path).map(Value::text);
        self.value(name, found)
    }

    /// A member that is `true` or `false`.
    pub fn bool(self, name: &str, path: &[&str]) -> Self {
        let found = at(self.item, path).and_then(Json::as_bool).map(Value::Bool);
        self.value(name, found)
    }

    /// A whole number.
    pub fn int(self, name: &str, path: &[&str]) -> Self {
        let found = at(self.item, path).and_then(Json::as_i64).map(Value::Int);
        self.value(name, found)
    }

    /// A network.
    pub fn cidr(self, name: &str, path: &[&str]) -> Self {
        let found = text(self.item, path).and_then(|t| t.parse::<Cidr>().ok()).map(Value::Cidr);
        self.value(name, found)
    }

    /// An address.
    pub fn ip(self, name: &str, path: &[&str]) -> Self {
        let found = text(self.item, path).and_then(|t| t.parse::<IpAddr>().ok()).map(Value::Ip);
        self.value(name, found)
    }

    /// The texts that the elements of a list have at a member, in order of the alphabet.
    pub fn texts(self, name: &str, path: &[&str], member: &str) -> Self {
        let mut found: Vec<&str> = list(self.item, path).iter().filter_map(|element| text(element, &[member])).collect();
        found.sort_unstable();
        let value = at(self.item, path).map(|_| Value::List(found.into_iter().map(Value::text).collect()));
        self.value(name, value)
    }

    /// Any value that the caller has worked out; `None` leaves it out.
    pub fn value(mut self, name: &str, value: Option<Value>) -> Self {
        if let Some(value) = value {
            self.record.insert(name.into(), value);
        }
        self
    }

    /// The observed resource, with its id (also the attribute `id`) and tags.
    pub fn done(mut self, id_path: &[&str], parts: Vec<(&'static str, Record)>) -> Option<Observed> {
        let id = text(self.item, id_path)?.to_owned();
        self.record.insert("id".into(), Value::text(&id));
        Some(Observed { id, record: self.record, parts, tags: tags(self.item) })
    }
}
