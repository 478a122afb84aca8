//! `lifecycle` blocks, and the tags that others own. Layer 4.

use std::collections::BTreeMap;

use crate::{
    base::{
        codes::{name as codes, value},
        diagnostic::nearest,
        span::Span,
    },
    registry::Spec,
    resolve::{cell::Resolver, convert::describe},
    schema::{
        attr::Change,
        model::{Lifecycle, Timeouts},
        value::Value,
    },
    syntax::ast::{Attribute, Entry, ExprKind, Name, NestedBlock},
};

const SETTINGS: &[&str] = &["protect", "replace", "ignore", "timeouts"];

const TIMEOUTS: &[&str] = &["create", "update", "delete"];

const REPLACE: [&str; 2] = ["create_first", "destroy_first"];

impl<'a> Resolver<'a, '_> {
    /// The `lifecycle` block of a resource.
    pub(super) fn lifecycle(&mut self, block: &'a NestedBlock, spec: &'static Spec, existing: bool) -> Lifecycle {
        let mut lifecycle = Lifecycle { span: Some(block.name.span), ..Lifecycle::default() };
        if existing {
            self.sink.push(codes::lifecycle_of_existing(block.name.span));
            return lifecycle;
        }
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        for entry in &block.body.entries {
            let (word, at) = entry.head();
            let Some(attribute) = Some(entry).and_then(as_attribute).filter(|_| SETTINGS.contains(&word)) else {
                self.sink.push(codes::unknown_setting(word, "lifecycle", at, nearest(word, SETTINGS.iter().copied()), SETTINGS));
                continue;
            };
            if let Some(first) = seen.get(word) {
                self.sink.push(codes::duplicate(&format!("`{word}`"), at, *first));
                continue;
            }
            seen.insert(&attribute.name.text, at);
            match word {
                "protect" => lifecycle.protect = self.protect(attribute),
                "replace" => lifecycle.create_first = self.create_first(attribute),
                "timeouts" => lifecycle.timeouts = self.timeouts(attribute),
                _ => lifecycle.ignore = self.ignored(attribute, spec),
            }
        }
        lifecycle
    }

    fn protect(&mut self, attribute: &'a Attribute) -> bool {
        let at = attribute.value.span;
        match self.value(&attribute.value) {
            Value::Bool(protect) => return protect,
            Value::Error => {}
            later @ (Value::Attribute(..) | Value::Subnet(..) | Value::Concat(_)) => {
                self.sink.push(value::not_known_yet(&later.to_string(), "`protect`", at));
            }
            other => self.sink.push(value::wrong_type("bool", &describe(&other), at).help("write `true`, `false` or a comparison")),
        }
        false
    }

    fn create_first(&mut self, attribute: &'a Attribute) -> Option<bool> {
        let at = attribute.value.span;
        match self.value(&attribute.value) {
            Value::Text(word) if REPLACE.contains(&&*word) => return Some(&*word == "create_first"),
            Value::Text(word) => self.sink.push(value::unknown_word(&word, &REPLACE, at)),
            Value::Null | Value::Error => {}
            later @ (Value::Attribute(..) | Value::Subnet(..) | Value::Concat(_)) => {
                self.sink.push(value::not_known_yet(&later.to_string(), "`replace`", at));
            }
            other => self.sink.push(value::wrong_type("\"create_first\" or \"destroy_first\"", &describe(&other), at)),
        }
        None
    }

    /// For how long is waited: `{ create = 10m, delete = 45m }`.
    fn timeouts(&mut self, attribute: &'a Attribute) -> Timeouts {
        let at = attribute.value.span;
        let mut timeouts = Timeouts::default();
        let wanted = "an object of durations, such as { create = 10m, delete = 45m }";
        let map = match self.value(&attribute.value) {
            Value::Map(map) => map,
            Value::Error => return timeouts,
            other => {
                self.sink.push(value::wrong_type(wanted, &describe(&other), at));
                return timeouts;
            }
        };
        for (name, duration) in map {
            let seconds = match duration {
                Value::Duration(seconds) if seconds > 0 => Some(seconds),
                Value::Error => None,
                later @ (Value::Attribute(..) | Value::Concat(_)) => {
                    self.sink.push(value::not_known_yet(&later.to_string(), "`timeouts`", at));
                    None
                }
                other => {
                    self.sink.push(value::wrong_type("a duration above zero, such as 10m", &describe(&other), at));
                    None
                }
            };
            match name.as_str() {
                "create" => timeouts.create = seconds,
                "update" => timeouts.update = seconds,
                "delete" => timeouts.delete = seconds,
                other => {
                    self.sink.push(codes::unknown_setting(other, "timeouts", at, None, TIMEOUTS));
                }
            }
        }
        timeouts
    }

    /// Names of attributes; they stand for themselves, so that nothing is looked up.
    fn ignored(&mut self, attribute: &'a Attribute, spec: &'static Spec) -> Vec<String> {
        let ExprKind::List(elements) = &attribute.value.kind else {
            self.sink.push(codes::no_attributes_to_ignore(attribute.value.span));
            return vec![];
        };
        let tags = spec.tag_type.map(|_| "tags");
        let known = || spec.attrs.iter().filter(|a| !matches!(a.change, Change::Computed | Change::Ours)).map(|a| a.name).chain(tags);
        let mut found: Vec<(&str, Span)> = vec![];
        for element in elements {
            let at = element.span;
            match &element.kind {
                ExprKind::Name(name) if known().any(|k| k == &**name) => match found.iter().find(|(n, _)| *n == &**name) {
                    Some((_, first)) => self.sink.push(codes::duplicate(&format!("`{name}`"), at, *first)),
                    None => found.push((name, at)),
                },
                ExprKind::Name(name) if spec.attr(name).is_some() => self.sink.push(codes::computed_ignored(name, at)),
                ExprKind::Name(name) => self.sink.push(codes::unknown_attribute(name, spec.kind, at, nearest(name, known()))),
                ExprKind::Error => {}
                _ => self.sink.push(codes::no_attributes_to_ignore(at)),
            }
        }
        found.into_iter().map(|(name, _)| name.to_owned()).collect()
    }

    /// Keys of tags that others own.
    pub(super) fn ignored_tags(&mut self, attribute: &'a Attribute) -> Vec<String> {
        let ty = crate::schema::attr::Type::List(std::sync::Arc::new(crate::schema::attr::Type::Text));
        let written = self.value_as(&attribute.value, &ty);
        let mut found = vec![];
        for (i, value) in written.elements().iter().enumerate() {
            let at = super::convert::Spot::of(&attribute.value).element(i).span;
            let help = "write keys such as \"aws:autoscaling:groupName\" or \"cost:*\": a `*` at the end stands for whatever follows";
            match value {
                Value::Text(key) if key.is_empty() || key.trim_end_matches('*').contains('*') || key.ends_with("**") => {
                    self.sink.push(codes::project_setting(format!("{key:?} is no key of a tag"), at, help.into()));
                }
                Value::Text(key) if key.starts_with("secnet:") => {
                    let help = "remove it: these tags are secnet's own".to_owned();
                    self.sink.push(codes::project_setting(format!("the tags {key:?} cannot be left to others"), at, help));
                }
                Value::Text(key) => found.push(key.to_string()),
                Value::Error => {}
                later => self.sink.push(value::not_known_yet(&later.to_string(), "`ignore_tags`", at)),
            }
        }
        found
    }
}

fn as_attribute(entry: &Entry) -> Option<&Attribute> {
    match entry {
        Entry::Attribute(attribute) => Some(attribute),
        _ => None,
    }
}

/// For a block that stands twice in a resource.
pub(super) fn twice(name: &Name, first: Span) -> crate::base::diagnostic::Diagnostic {
    codes::duplicate(&format!("`{}`", name.text), name.span, first)
}
