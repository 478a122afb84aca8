//! `lifecycle` blocks, and what `import` and `forget` may name. Layer 4.

use std::collections::BTreeMap;

use crate::{
    base::{
        address::Address,
        codes::{name as codes, value},
        diagnostic::{Sink, nearest},
        span::Span,
    },
    registry::Spec,
    resolve::{cell::Resolver, convert::describe},
    resources,
    schema::{
        attr::Change,
        model::{Lifecycle, Model, Resource},
        value::Value,
    },
    syntax::ast::{Attribute, Entry, ExprKind, Name, NestedBlock},
};

const SETTINGS: &[&str] = &["protect", "replace", "ignore"];

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
            later @ (Value::Attribute(..) | Value::Concat(_)) => {
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
            later @ (Value::Attribute(..) | Value::Concat(_)) => {
                self.sink.push(value::not_known_yet(&later.to_string(), "`replace`", at));
            }
            other => self.sink.push(value::wrong_type("\"create_first\" or \"destroy_first\"", &describe(&other), at)),
        }
        None
    }

    /// Names of attributes; they stand for themselves, so that nothing is looked up.
    fn ignored(&mut self, attribute: &'a Attribute, spec: &'static Spec) -> Vec<String> {
        let ExprKind::List(elements) = &attribute.value.kind else {
            self.sink.push(codes::no_attributes_to_ignore(attribute.value.span));
            return vec![];
        };
        let tags = spec.tag_type.map(|_| "tags");
        let known = || spec.attrs.iter().filter(|a| a.change != Change::Computed).map(|a| a.name).chain(tags);
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

/// Reports what `import` and `forget` name that they may not.
pub(super) fn statements(model: &Model, sink: &mut Sink) {
    imports(model, sink);
    let mut seen: BTreeMap<&Address, Span> = BTreeMap::new();
    for forgotten in &model.forgotten {
        let (address, at) = (&forgotten.address, forgotten.span);
        let here = model.resources.get(address);
        if let Some(first) = seen.insert(address, at) {
            sink.push(codes::duplicate(&format!("`forget {address}`"), at, first));
        } else if let Some(block) = here.filter(|r| !r.existing) {
            let help = format!("remove the block `{address}`, or this statement");
            sink.push(codes::import_or_forget(format!("`{address}` is still in the sources"), at, block.span, help));
        } else if here.is_none()
            && let Some((holder, place)) = model.resources.values().find_map(|r| Some((r, names(r, address)?)))
        {
            let message = format!("`{address}` cannot be forgotten: `{}` refers to it", holder.address);
            let help = format!("write `existing {} {} {{ ... }}`, or change `{}`", address.kind(), address.name(), holder.address);
            sink.push(codes::import_or_forget(message, at, place, help));
        }
    }
}

/// Where a resource names another one; the place itself may not be known.
fn names(resource: &Resource, address: &Address) -> Option<Option<Span>> {
    let named = |value: &Value| {
        let mut found = vec![];
        value.resources(&mut found);
        found.contains(address)
    };
    let attribute = resource.record.iter().find(|(_, value)| named(value)).map(|(name, _)| resource.span_of(name));
    let part = || resource.parts.iter().find(|p| p.record.values().any(named)).map(|p| p.span.or(resource.span));
    let after = || resource.after.contains(address).then(|| resource.span_of("after"));
    attribute.or_else(part).or_else(after)
}

fn imports(model: &Model, sink: &mut Sink) {
    let mut targets: BTreeMap<&Address, Span> = BTreeMap::new();
    let mut ids: BTreeMap<&str, (&Address, Span)> = BTreeMap::new();
    for import in &model.imports {
        let (to, id, at) = (&import.to, &*import.id, import.span);
        let Some(spec) = resources::spec(to.kind()) else { continue };
        if model.resources.get(to).is_none_or(|r| r.existing) {
            let message = format!("`{to}` is not in the sources, so nothing can be imported as it");
            sink.push(codes::import_or_forget(message, at, None, format!("write a block `{} {} {{ ... }}`", to.kind(), to.name())));
        } else if let Some(first) = targets.insert(to, at) {
            sink.push(codes::duplicate(&format!("`import {to}`"), at, first));
        } else if let Some((other, first)) = ids.insert(id, (to, at)) {
            let message = format!("`{id}` cannot be both `{other}` and `{to}`");
            sink.push(codes::import_or_forget(message, at, Some(first), "remove one of the statements".into()));
        } else if !id.starts_with(spec.id_prefix) {
            let meant = resources::ALL.iter().find(|s| id.starts_with(s.id_prefix)).map(|s| format!(", but that of a `{}`", s.kind));
            let message = format!("{id:?} is not the id of a `{}`{}", spec.kind, meant.unwrap_or_default());
            sink.push(codes::import_or_forget(message, at, None, format!("write an id that begins with `{}`", spec.id_prefix)));
        }
    }
}

/// For a block that stands twice in a resource.
pub(super) fn twice(name: &Name, first: Span) -> crate::base::diagnostic::Diagnostic {
    codes::duplicate(&format!("`{}`", name.text), name.span, first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::span::FileId,
        schema::{
            model::{Forgotten, Import},
            value::Record,
        },
    };

    fn at(n: usize) -> Span {
        Span::new(FileId(0), n, n + 1)
    }

    fn resource(address: &str, existing: bool, record: Record) -> Resource {
        let address = Address::parse(address).expect("an address");
        let (sentences, parts, after, spans) = (vec![], vec![], vec![], BTreeMap::new());
        let span = Some(at(90));
        Resource { address, existing, record, sentences, parts, after, lifecycle: Lifecycle::default(), spans, span }
    }

    /// `vpc.main`, and `subnet.a` in `vpc.shared`, which is only read.
    fn model() -> Model {
        let vpc = Record::from([("vpc".to_owned(), Value::Resource(Address::new("vpc", "shared")))]);
        let resources =
            [resource("vpc.main", false, Record::new()), resource("vpc.shared", true, Record::new()), resource("subnet.a", false, vpc)];
        Model { resources: resources.into_iter().map(|r| (r.address.clone(), r)).collect(), ..Model::default() }
    }

    #[track_caller]
    fn check(model: &Model, wanted: &[&str]) {
        let mut sink = Sink::default();
        statements(model, &mut sink);
        let said: Vec<&str> = sink.all.iter().map(|d| &*d.message).collect();
        assert_eq!(said, wanted);
        assert!(sink.all.iter().all(|d| !d.labels.is_empty() && d.help.is_some()));
    }

    fn forget(addresses: &[&str]) -> Vec<Forgotten> {
        let forgotten = |(i, a): (usize, &&str)| Forgotten { address: Address::parse(a).expect("an address"), span: at(i) };
        addresses.iter().enumerate().map(forgotten).collect()
    }

    #[test]
    fn what_is_forgotten_is_gone_from_the_sources_and_named_by_nobody() {
        let check = |model: Model, addresses: &[&str], wanted: &[&str]| check(&Model { forgotten: forgotten(addresses), ..model }, wanted);
        fn forgotten(addresses: &[&str]) -> Vec<Forgotten> {
            forget(addresses)
        }
        check(model(), &["vpc.old", "vpc.shared"], &[]);
        check(model(), &["vpc.main"], &["`vpc.main` is still in the sources"]);
        check(model(), &["vpc.old", "vpc.old"], &["`forget vpc.old` is there twice"]);
        let mut without = model();
        without.resources.remove(&Address::new("vpc", "shared"));
        check(without, &["vpc.shared"], &["`vpc.shared` cannot be forgotten: `subnet.a` refers to it"]);
    }

    #[test]
    fn what_is_imported_has_a_block_and_an_id_of_its_kind_and_both_once() {
        let check = |imports: &[(&str, &str)], wanted: &[&str]| {
            let import = |(i, (to, id)): (usize, &(&str, &str))| {
                let to = Address::parse(to).expect("an address");
                Import { to, id: (*id).to_owned(), span: at(i) }
            };
            check(&Model { imports: imports.iter().enumerate().map(import).collect(), ..model() }, wanted);
        };
        check(&[("vpc.main", "vpc-0abc"), ("subnet.a", "subnet-0abc")], &[]);
        check(&[("vpc.main", "subnet-0abc")], &["\"subnet-0abc\" is not the id of a `vpc`, but that of a `subnet`"]);
        check(&[("vpc.main", "main")], &["\"main\" is not the id of a `vpc`"]);
        check(&[("vpc.shared", "vpc-0abc")], &["`vpc.shared` is not in the sources, so nothing can be imported as it"]);
        check(&[("vpc.main", "vpc-0abc"), ("vpc.main", "vpc-0abd")], &["`import vpc.main` is there twice"]);
        check(&[("vpc.main", "vpc-0abc"), ("subnet.a", "vpc-0abc")], &["`vpc-0abc` cannot be both `vpc.main` and `subnet.a`"]);
    }
}
