//! Resource blocks to resources of the model. Layer 4.

use std::collections::BTreeMap;

use crate::{
    base::{
        address::{Address, Key},
        codes::name as codes,
        diagnostic::{Diagnostic, nearest},
        span::Span,
    },
    registry::Spec,
    resolve::{
        cell::Resolver,
        convert::{Spot, convert, is_broken},
        evaluate::kinds,
        scope::is_given,
        space::Cell,
    },
    schema::{
        attr::{Attr, Change, Type},
        model::{Lifecycle, Resource},
        value::{Record, Value},
    },
    syntax::ast::{self, Attribute, Entry, NestedBlock},
};

impl<'a> Resolver<'a, '_> {
    /// One resource of a block, here; `None` if its kind is unknown, which is reported.
    pub(super) fn resource(&mut self, block_at: usize, instance: usize) -> Option<Resource> {
        let space = self.here.space;
        let declared = self.scope()?.blocks.get(block_at)?;
        let (existing, header, kind, body, given) =
            (declared.existing, declared.header(), declared.kind(), declared.body(), declared.given);
        let (spec, attributes, declared_each) = (declared.spec, declared.attributes().to_vec(), declared.block.each.as_ref());
        let Some(spec) = spec else {
            self.sink.push(unknown_kind(kind));
            return None;
        };
        let mut resource = Resource {
            address: self.instance(space, block_at, instance)?.address.clone(),
            existing,
            record: Record::new(),
            sentences: vec![],
            parts: vec![],
            after: vec![],
            lifecycle: Lifecycle::default(),
            site: None,
            spans: BTreeMap::new(),
            span: Some(header),
        };
        for (i, attribute) in attributes.iter().enumerate() {
            self.resource_attribute(&mut resource, spec, Cell::Attribute(space, block_at, instance, i), attribute);
        }
        if matches!(declared_each, Some(ast::Each::All(_)))
            && let Some(Key::Text(id)) = resource.address.key()
        {
            resource.record.insert("id".into(), Value::text(&id));
        }
        if let Some((_, outer)) = given
            && let Some(vpc) = self.instance(space, outer, instance)
        {
            resource.record.insert("vpc".into(), Value::Resource(vpc.address.clone()));
            resource.spans.insert("vpc".into(), header);
        }
        if !existing {
            self.complete(&mut resource, spec, body, header);
        }
        for entry in &body.entries {
            match entry {
                Entry::Attribute(_) => {}
                Entry::Sentence(_) | Entry::For(_) | Entry::If(_) if existing => {
                    let (word, at) = entry.head();
                    self.sink.push(codes::sentence_in_existing(word, at));
                }
                Entry::Sentence(sentence) => {
                    let found = self.sentence(sentence, spec);
                    resource.sentences.extend(found);
                }
                Entry::For(_) | Entry::If(_) => {
                    let sentences = &mut resource.sentences;
                    self.repeated(entry, &mut |this, sentence, counts| {
                        sentences.extend(this.sentence(sentence, spec).filter(|_| counts));
                    });
                }
                Entry::Block(nested) if &*nested.name.text == "lifecycle" => match resource.lifecycle.span {
                    Some(first) => self.sink.push(super::lifecycle::twice(&nested.name, first)),
                    None => resource.lifecycle = self.lifecycle(nested, spec, existing),
                },
                // It is a resource of its own.
                Entry::Block(nested) if is_given(Some(spec), &nested.name.text) => {}
                Entry::Block(nested) => self.sink.push(nested_block(nested, spec)),
                Entry::With(attribute) => self.sink.push(codes::unknown_attribute("with", spec.kind, attribute.span, None)),
            }
        }
        Some(resource)
    }

    fn resource_attribute(&mut self, resource: &mut Resource, spec: &'static Spec, cell: Cell, attribute: &Attribute) {
        let name = &attribute.name;
        let attr = spec.attr(&name.text);
        let value = self.cell(cell, attribute.value.span);
        match (&*name.text, attr) {
            ("after", None) if !resource.existing => {
                resource.after = self.after(value, attribute);
                resource.spans.insert("after".into(), attribute.value.span);
            }
            (super::account::WORD, None) => {
                resource.site = self.site_of(&value, attribute);
                if value != Value::Null {
                    resource.spans.insert(super::account::WORD.into(), attribute.value.span);
                }
            }
            ("tags", None) if spec.tag_type.is_some() => {
                self.reserved_keys(&value, attribute);
                resource.spans.insert("tags".into(), attribute.value.span);
                resource.record.insert("tags".into(), value);
            }
            ("id", None) if resource.existing => put(resource, attribute, value),
            // Which VPC it is given with is said by where it stands.
            ("vpc", _) if spec.stands_for.is_some() => self.sink.push(unknown_attribute(attribute, spec, resource.existing)),
            (_, Some(attr)) if attr.change == Change::Computed && !resource.existing => {
                self.sink.push(codes::computed_attribute(&name.text, &resource.address, name.span));
            }
            (_, Some(_)) if resource.existing && !is_filter(spec, &name.text) => self.sink.push(no_filter(attribute, spec)),
            (_, Some(_)) => put(resource, attribute, value),
            (_, None) => self.sink.push(unknown_attribute(attribute, spec, resource.existing)),
        }
    }

    /// What is not written: tags of the project, defaults, and what is missing.
    fn complete(&mut self, resource: &mut Resource, spec: &'static Spec, body: &ast::Body, header: Span) {
        // Dear, and asked only where something lacks.
        let is_misspelt = |wanted: &str| {
            let names = body.entries.iter().filter_map(|e| if let Entry::Attribute(a) = e { Some(&*a.name.text) } else { None });
            names.filter(|name| spec.attr(name).is_none()).any(|name| meant(name, spec, false) == Some(wanted))
        };
        if spec.tag_type.is_some() {
            let own = resource.record.remove("tags").unwrap_or(Value::Null);
            let tags = self.with_project_tags(own);
            if tags != Value::Map(BTreeMap::new()) {
                resource.record.insert("tags".into(), tags);
            }
        }
        let alone = spec.inherits.filter(|inherits| !resource.record.contains_key(inherits.by));
        let needs = alone.map_or(&[][..], |inherits| inherits.needs);
        for attr in spec.attrs.iter() {
            if resource.record.contains_key(attr.name) {
                continue;
            }
            match &attr.default {
                Some(default) => {
                    resource.record.insert(attr.name.into(), default.clone());
                }
                None if attr.required || needs.contains(&attr.name) => {
                    if !self.is_incomplete(header.to(body.span)) && !is_misspelt(attr.name) {
                        let at = (header, body.place());
                        let example = self.example(&attr.ty);
                        self.sink.push(codes::missing_attribute(attr.name, spec.kind, at, attr.doc, &example));
                    }
                    // Whoever reads it gets what silences it.
                    resource.record.insert(attr.name.into(), Value::Error);
                }
                None => {}
            }
        }
    }

    /// A value of a type, for help: a resource of the project where one is wanted.
    fn example(&self, ty: &Type) -> String {
        match ty {
            Type::Ref(kind) => {
                let one = self.scope().and_then(|s| s.blocks.iter().find(|b| *b.kind().text == **kind && b.block.each.is_none()));
                one.map_or_else(|| example(ty), |one| one.address().to_string())
            }
            Type::List(of) | Type::Set(of) => format!("[{}]", self.example(of)),
            _ => example(ty),
        }
    }

    fn after(&mut self, value: Value, attribute: &Attribute) -> Vec<Address> {
        let at = Spot::of(&attribute.value);
        let mut found = vec![];
        match value {
            Value::Error | Value::Null => {}
            Value::Map(map) if map.values().all(|v| matches!(v, Value::Resource(_) | Value::Error)) => {
                found.extend(map.values().filter_map(Value::as_resource).cloned());
            }
            Value::List(values) => {
                for (i, value) in values.into_iter().enumerate() {
                    match value {
                        Value::Resource(address) => found.push(address),
                        Value::Error => {}
                        other => self.sink.push(no_resource(&other, at.element(i).span)),
                    }
                }
            }
            Value::Resource(address) => {
                let diagnostic = crate::base::codes::value::wrong_type("a list of resources", &format!("`{address}`"), at.span);
                self.sink.push(diagnostic.help(format!("put it into brackets: `[{address}]`")).fix(at.span, format!("[{address}]")));
            }
            other => self.sink.push(no_resource(&other, at.span)),
        }
        found
    }

    /// Tags whose keys belong to AWS or to secnet.
    pub(super) fn reserved_keys(&mut self, tags: &Value, attribute: &Attribute) {
        let Value::Map(map) = tags else { return };
        for key in map.keys().filter(|k| k.starts_with("aws:") || k.starts_with("secnet:")) {
            self.sink.push(codes::reserved_tag(key, Spot::of(&attribute.value).key(key)));
        }
    }

    /// The tags of the project.
    pub(super) fn tags_of_project(&mut self, value: Value, attribute: &Attribute) -> BTreeMap<String, Value> {
        let ty = Type::Map(std::sync::Arc::new(Type::Text));
        let tags = convert(value, &ty, Spot::of(&attribute.value), &mut self.sink.all);
        let tags = self.admitted(tags, &ty, false, attribute);
        self.reserved_keys(&tags, attribute);
        match tags {
            Value::Map(map) => map.into_iter().filter(|(_, v)| !is_broken(v)).collect(),
            _ => BTreeMap::new(),
        }
    }
}

/// Whether an existing resource can be looked for by an attribute: EC2 tells it.
pub(super) fn is_filter(spec: &Spec, name: &str) -> bool {
    let told = |attr: &Attr| attr.change != Change::Ours && !spec.untold.contains(&name);
    name == "id" || name == "tags" && spec.tag_type.is_some() || spec.attr(name).is_some_and(told)
}

/// What is wrong with an attribute by which nothing can be looked for.
pub(super) fn no_filter(attribute: &Attribute, spec: &'static Spec) -> Diagnostic {
    let name = &attribute.name;
    if spec.attr(&name.text).is_some() {
        return codes::filter_not_told(&name.text, spec.kind, name.span);
    }
    unknown_attribute(attribute, spec, true)
}

/// Writes an attribute; null is as if it were not written.
fn put(resource: &mut Resource, attribute: &Attribute, value: Value) {
    if value != Value::Null {
        resource.spans.insert(attribute.name.text.to_string(), attribute.value.span);
        resource.record.insert(attribute.name.text.to_string(), value);
    }
}

fn no_resource(value: &Value, at: Span) -> Diagnostic {
    let found = super::convert::describe(value);
    crate::base::codes::value::wrong_type("a resource", &found, at).help("write references, such as `[nat_gateway.main]`")
}

fn unknown_kind(kind: &ast::Name) -> Diagnostic {
    let without = kind.text.strip_prefix("aws_").filter(|k| kinds().any(|kind| kind == *k));
    let words = kinds().chain(super::STATEMENTS.iter().copied());
    let meant = without.or_else(|| nearest(&kind.text, words));
    let diagnostic = codes::unknown_kind(&kind.text, kind.span, meant);
    match meant {
        Some(_) => diagnostic,
        None => diagnostic.help(format!("the kinds are {}", codes::listed(&kinds().collect::<Vec<_>>()))),
    }
}

fn unknown_attribute(attribute: &Attribute, spec: &'static Spec, existing: bool) -> Diagnostic {
    let name = &attribute.name;
    let heads = spec.sentences.iter().map(|s| s.head);
    let diagnostic = codes::unknown_attribute(&name.text, spec.kind, name.span, meant(&name.text, spec, existing));
    match heads.into_iter().zip(spec.sentences).find(|(head, _)| *head == &*name.text) {
        Some((_, sentence)) => diagnostic.help(format!("it is a sentence, without `=`: `{}`", sentence.example)),
        None if existing && &*name.text == "after" => diagnostic.help("remove it: what exists already waits for nothing"),
        None if &*name.text == "count" || &*name.text == "for_each" => {
            diagnostic.help(format!("write it behind the name: `{} NAME for key, value in ... {{`", spec.kind))
        }
        None if &*name.text == "depends_on" => diagnostic.help("write `after = [...]`; references need no mention").fix(name.span, "after"),
        None => diagnostic,
    }
}

/// The attribute that was probably meant.
fn meant(name: &str, spec: &'static Spec, existing: bool) -> Option<&'static str> {
    // What Terraform calls `vpc_id` is `vpc` here.
    let reference = name.strip_suffix("_ids").map(|stem| format!("{stem}s"));
    let reference = reference.or_else(|| name.strip_suffix("_id").map(str::to_owned));
    let attrs = spec.attrs.iter().filter(|a| existing || a.change != Change::Computed).map(|a| a.name);
    let common: &[&str] = if existing { &["tags", "account"] } else { &["tags", "after", "account"] };
    reference.and_then(|r| spec.attr(&r)).map(|a| a.name).or_else(|| nearest(name, attrs.chain(common.iter().copied())))
}

fn nested_block(nested: &NestedBlock, spec: &Spec) -> Diagnostic {
    let name = &nested.name;
    if crate::resources::spec(&name.text).is_some_and(|s| s.stands_for.is_some()) {
        return codes::given_elsewhere(&name.text, name.span, false);
    }
    let sentence = spec.sentences.iter().find(|s| s.head == &*name.text);
    if let Some(sentence) = sentence {
        return codes::wrong_sentence("a sentence", "a block", name.span, sentence.example);
    }
    if let Some(attr) = spec.attr(&name.text) {
        return codes::wrong_sentence("an attribute", "a block", name.span, &format!("{} = {}", attr.name, example(&attr.ty)));
    }
    if &*name.text == "tags" {
        return codes::wrong_sentence("an attribute", "a block", name.span, "tags = { Name = \"web\" }");
    }
    codes::later_version(&format!("a block `{}` in a `{}`", name.text, spec.kind), name.span)
}

/// A value of a type, for help.
pub(super) fn example(ty: &Type) -> String {
    match ty {
        Type::Bool => "true".into(),
        Type::Int => "1".into(),
        Type::Float => "1.5".into(),
        Type::Cidr | Type::Peer => "10.0.0.0/16".into(),
        Type::Ip => "10.0.0.10".into(),
        Type::Service => "tcp/443".into(),
        Type::Duration => "30s".into(),
        Type::Image => "ami(\"al2023\")".into(),
        Type::OneOf(words) => format!("{:?}", words.first().unwrap_or(&"")),
        Type::Ref(kind) => format!("{kind}.NAME"),
        Type::List(of) | Type::Set(of) => format!("[{}]", example(of)),
        Type::Map(of) => format!("{{ key = {} }}", example(of)),
        Type::Object(fields) => {
            let needed = fields.iter().filter(|f| !f.optional).map(|f| format!("{} = {}", f.name, example(&f.ty)));
            format!("{{ {} }}", needed.collect::<Vec<_>>().join(", "))
        }
        Type::Any | Type::Text => "\"...\"".into(),
    }
}
