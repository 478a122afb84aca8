//! Reads members out of EC2's answers and notes what does not fit. Layer 1.

use std::net::IpAddr;

use serde_json::Value as Json;

use crate::{
    base::{
        cidr::Cidr,
        codes::prove,
        diagnostic::{Diagnostic, Sink},
    },
    net::Id,
};

/// How many things that do not fit are reported; after them the file is plainly something else.
const COMPLAINTS_MAX: usize = 20;

/// A whole snapshot, and what was wrong in it.
pub(super) struct Snapshot<'a> {
    file: &'a str,
    whole: &'a Json,
    pub sink: Sink,
}

/// An item of a list, or a part of one.
#[derive(Clone, Copy)]
pub(super) struct Item<'a>(pub &'a Json);

impl<'a> Snapshot<'a> {
    pub fn new(file: &'a str, whole: &'a Json) -> Self {
        Self { file, whole, sink: Sink::default() }
    }

    /// The items of a list; none where it is absent or null.
    pub fn list(&mut self, name: &str) -> Vec<Item<'a>> {
        match self.whole.get(name) {
            None | Some(Json::Null) => vec![],
            Some(Json::Array(items)) => {
                if let Some(i) = items.iter().position(|item| !item.is_object()) {
                    self.complain(format!("{name}[{i}]"), "an object");
                }
                items.iter().filter(|item| item.is_object()).map(Item).collect()
            }
            Some(_) => {
                self.complain(name.to_owned(), "a list");
                vec![]
            }
        }
    }

    /// Whether the snapshot has this list at all.
    pub fn has(&self, name: &str) -> bool {
        self.whole.get(name).is_some_and(|v| !v.is_null())
    }

    /// A member of the snapshot itself.
    pub fn member(&self, name: &str) -> Option<Item<'a>> {
        self.whole.get(name).filter(|v| !v.is_null()).map(Item)
    }

    /// The items of a list with their ids; one without is reported and left out.
    pub fn identified(&mut self, name: &str, member: &str) -> Vec<(Id, Item<'a>)> {
        let mut found = vec![];
        for (i, item) in self.list(name).into_iter().enumerate() {
            match item.text(&[member]) {
                Some(id) => found.push((Id::from(id), item)),
                None => self.complain(format!("{name}[{i}].{member}"), "there"),
            }
        }
        found
    }

    /// A text that must be there.
    pub fn text(&mut self, item: Item<'a>, of: &Id, member: &str) -> Id {
        match item.text(&[member]) {
            Some(text) => Id::from(text),
            None => {
                self.complain(format!("{of}.{member}"), "there");
                Id::from("?")
            }
        }
    }

    /// A network; host bits are cut off, as EC2 does.
    pub fn cidr(&mut self, text: &str, of: &Id) -> Option<Cidr> {
        let parts = text.split_once('/').and_then(|(ip, bits)| Some((ip.parse::<IpAddr>().ok()?, bits.parse::<u8>().ok()?)));
        let cidr = parts.and_then(|(ip, bits)| Cidr::containing(ip, bits).ok());
        if cidr.is_none() {
            self.complain(format!("{of}: {text}"), "a network");
        }
        cidr
    }

    /// An address.
    pub fn ip(&mut self, text: &str, of: &Id) -> Option<IpAddr> {
        let ip = text.parse().ok();
        if ip.is_none() {
            self.complain(format!("{of}: {text}"), "an address");
        }
        ip
    }

    /// Notes that something does not fit.
    pub fn complain(&mut self, place: String, wanted: &str) {
        if self.sink.all.len() < COMPLAINTS_MAX {
            let complaint: Diagnostic = prove::snapshot_shape(self.file, place, wanted);
            self.sink.push(complaint);
        }
    }
}

impl<'a> Item<'a> {
    /// The member at a path.
    pub fn at(self, path: &[&str]) -> Option<Item<'a>> {
        path.iter().try_fold(self.0, |at, key| at.get(key)).filter(|v| !v.is_null()).map(Item)
    }

    /// The text at a path; an empty one is none.
    pub fn text(self, path: &[&str]) -> Option<&'a str> {
        self.at(path).and_then(|v| v.0.as_str()).filter(|t| !t.is_empty())
    }

    /// The number at a path.
    pub fn int(self, path: &[&str]) -> Option<i64> {
        self.at(path).and_then(|v| v.0.as_i64())
    }

    /// Whether the member is `true`.
    pub fn is(self, path: &[&str]) -> bool {
        self.at(path).is_some_and(|v| v.0 == &Json::Bool(true))
    }

    /// The items of the list at a path; none where it is absent.
    pub fn list(self, path: &[&str]) -> impl Iterator<Item = Item<'a>> {
        self.at(path).and_then(|v| v.0.as_array()).map_or(&[][..], Vec::as_slice).iter().map(Item)
    }

    /// The texts of the list at a path.
    pub fn texts(self, path: &[&str]) -> impl Iterator<Item = &'a str> {
        self.list(path).filter_map(|v| v.0.as_str())
    }
}
