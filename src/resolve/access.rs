//! Fields and elements: what a path leads to. Layer 4.

use crate::{
    base::{
        address::{Address, Key},
        codes::{name as codes, sensitive as sensitive_codes, value as value_codes},
        diagnostic::{Diagnostic, nearest},
        span::Span,
    },
    registry::Spec,
    resolve::{
        cell::Resolver,
        convert::describe,
        evaluate::counted,
        function,
        repeat::in_order,
        scope::is_given,
        space::{Cell, Extent, bound, key_of, key_text},
    },
    schema::{
        attr::{Attr, Change},
        value::Value,
    },
    syntax::ast::{Each, Expr, ExprKind, Name},
};

impl<'a> Resolver<'a, '_> {
    /// The value of a path, and whether a splat stands in it: then fields are taken from each element.
    pub(super) fn access(&mut self, expr: &'a Expr) -> (Value, bool) {
        match &expr.kind {
            ExprKind::Field(base, name) => {
                if let Some(kind) = self.kind_word(base) {
                    return (self.declared(kind, name, expr.span), false);
                }
                if let Some(project) = self.neighbour_path(base) {
                    return (self.neighbour_output(project, name), false);
                }
                if let Some((module, key)) = self.module_path(base) {
                    return (self.module_field(module, key, name, expr.span), false);
                }
                let (value, splat) = self.access(base);
                match value {
                    Value::List(values) if splat => {
                        (Value::List(values.into_iter().map(|v| self.field(v, name, expr.span)).collect()), true)
                    }
                    value => (self.field(value, name, expr.span), splat),
                }
            }
            ExprKind::Splat(base) => (self.splat(base), true),
            ExprKind::Index(base, index) => (self.index(base, index), false),
            _ => (self.eval(expr), false),
        }
    }

    /// The word, if an expression is one that is no name here.
    fn kind_word(&self, expr: &'a Expr) -> Option<&'a str> {
        match &expr.kind {
            ExprKind::Name(word) if !self.is_name(word) => Some(word),
            _ => None,
        }
    }

    /// Module and key, if an expression is `module.edge` or `module.edge["a"]`.
    fn module_path(&self, expr: &'a Expr) -> Option<(&'a Name, Option<&'a Expr>)> {
        match &expr.kind {
            ExprKind::Field(base, name) if self.kind_word(base) == Some("module") => Some((name, None)),
            ExprKind::Index(base, key) => match self.module_path(base)? {
                (name, None) => Some((name, Some(key))),
                _ => None,
            },
            _ => None,
        }
    }

    /// `kind.name`: what is declared under it.
    fn declared(&mut self, kind: &str, name: &'a Name, at: Span) -> Value {
        if kind == "module" {
            return self.module_value(name);
        }
        if kind == "project" {
            return self.neighbour_value(name);
        }
        if kind == super::account::WORD {
            return match self.scope().is_some_and(|s| s.accounts.iter().any(|a| a.name.text == name.text)) {
                true => Value::Resource(Address::new(kind, &name.text)),
                false => Value::Error,
            };
        }
        match self.scope().and_then(|s| s.find_block(kind, &name.text)) {
            Some(block) => self.block_value(self.here.space, block, at),
            None => Value::Error,
        }
    }

    fn module_field(&mut self, module: &'a Name, key: Option<&'a Expr>, name: &'a Name, at: Span) -> Value {
        let key = match key {
            None => None,
            Some(expr) => match self.key(expr) {
                Some(key) => Some((key, expr.span)),
                None => return Value::Error,
            },
        };
        match self.module_use(module, key.as_ref().map(|(key, at)| (key, *at))) {
            Ok(space) => self.output_of(space, name, at),
            Err(value) => self.field(value, name, at),
        }
    }

    /// A key in brackets after something of which there are many; `None` if it was reported.
    fn key(&mut self, expr: &'a Expr) -> Option<Key> {
        let value = self.eval(expr);
        if let Some(key) = key_of(&value) {
            return Some(key);
        }
        if value.is_sensitive() {
            self.sink.push(sensitive_codes::key("which of many is meant", expr.span));
            return None;
        }
        if value != Value::Error {
            self.mismatch("a string or a whole number as the key", &value, expr.span);
        }
        None
    }

    fn splat(&mut self, base: &'a Expr) -> Value {
        match self.eval(base) {
            // What is in it is no less sensitive.
            Value::Sensitive(inner) => {
                let (value, before) = ((*inner).clone(), self.sink.all.len());
                let elements = match value {
                    Value::List(values) => values,
                    Value::Map(map) => in_order(map).into_iter().map(|(_, v)| v).collect(),
                    Value::Null => vec![],
                    one @ Value::Resource(_) => vec![one],
                    other => {
                        self.sink.push(value_codes::wrong_type("a list before `[*]`", &describe(&other), base.span));
                        self.veil(before, true);
                        return Value::Error;
                    }
                };
                Value::List(elements.into_iter().map(Value::sensitive).collect())
            }
            Value::List(values) => Value::List(values),
            Value::Map(map) => Value::List(in_order(map).into_iter().map(|(_, v)| v).collect()),
            // One or none, where an `if` says so.
            Value::Null => Value::List(vec![]),
            one @ Value::Resource(_) => Value::List(vec![one]),
            Value::Error => Value::Error,
            other => {
                self.sink.push(value_codes::wrong_type("a list before `[*]`", &describe(&other), base.span));
                Value::Error
            }
        }
    }

    fn field(&mut self, value: Value, name: &'a Name, at: Span) -> Value {
        match value {
            Value::Sensitive(_) => self.veiled(true, |this| this.field(value.open().0, name, at)),
            Value::Error => Value::Error,
            Value::Resource(address) => self.attribute(&address, name, at),
            Value::Null => {
                let diagnostic = value_codes::wrong_type("a resource or a map before the dot", "null", at);
                self.sink.push(
                    diagnostic.help("ask first whether it is there: `if x != null then ... else ...`, or take `x[*]`, which is empty"),
                );
                Value::Error
            }
            Value::Map(mut map) => map.remove(&*name.text).unwrap_or_else(|| {
                let meant = nearest(&name.text, map.keys().map(String::as_str));
                let diagnostic = value_codes::no_element(format!("the map has no key `{}`", name.text), name.span, meant);
                let many = meant.is_none() && map.values().any(|v| matches!(v, Value::Resource(_)));
                self.sink.push(if many {
                    diagnostic.help(format!("there are many: say which, `[KEY].{0}`, or take it of each, `[*].{0}`", name.text))
                } else {
                    diagnostic
                });
                Value::Error
            }),
            other => {
                let found = value_codes::wrong_type("a resource or a map before the dot", &describe(&other), at);
                let diagnostic = match other {
                    Value::List(_) => found.help(format!("take it from each element: `[*].{}`", name.text)),
                    Value::Attribute(..) | Value::Subnet(..) => {
                        value_codes::not_known_yet(&other.to_string(), &format!("`.{}`", name.text), at)
                    }
                    _ => found,
                };
                self.sink.push(diagnostic);
                Value::Error
            }
        }
    }

    /// An attribute of a resource: as written, or its default, or what EC2 will say.
    fn attribute(&mut self, address: &Address, name: &Name, at: Span) -> Value {
        if address.kind() == super::account::WORD {
            return self.account_member(address, name);
        }
        if let Some(value) = self.attribute_of_named(address, name) {
            return value;
        }
        let Some((space, block, instance)) = self.thing(address) else { return Value::Error };
        let Some(declared) = self.scope_of(space).and_then(|s| s.blocks.get(block)) else { return Value::Error };
        let (existing, Some(spec)) = (declared.existing, declared.spec) else { return Value::Error };
        if let Some(given) = self.given(address, (space, block, instance), spec, name) {
            return given;
        }
        let attr: Option<&Attr> = spec.attr(&name.text);
        let has_tags = &*name.text == "tags" && spec.tag_type.is_some();
        if attr.is_none() && !has_tags && &*name.text != "id" {
            let names = spec.attrs.iter().map(|a| a.name).chain(["tags", "id"]);
            self.sink.push(codes::unknown_attribute(&name.text, spec.kind, name.span, nearest(&name.text, names)));
            return Value::Error;
        }
        let later = || Value::Attribute(address.clone(), name.text.to_string());
        if existing || attr.is_some_and(|a| a.change == Change::Computed) || &*name.text == "id" {
            return later();
        }
        let written = match self.scope_of(space).and_then(|s| s.blocks.get(block)?.attribute(&name.text)) {
            Some(i) => self.cell(Cell::Attribute(space, block, instance, i), at),
            None => Value::Null,
        };
        if written == Value::Null
            && let Some(inherited) = self.inherited((space, block, instance), spec, name, at)
        {
            return inherited;
        }
        match (written, attr) {
            (written, None) => self.with_project_tags(written),
            (Value::Null, Some(attr)) if attr.required => Value::Error,
            (Value::Null, Some(attr)) => attr.default.clone().unwrap_or_else(later),
            (written, Some(_)) => written,
        }
    }

    /// What another resource of the project says in the place of this one: see [`crate::registry::Inherits`].
    fn inherited(&mut self, of: (usize, usize, usize), spec: &'static Spec, name: &Name, at: Span) -> Option<Value> {
        let (space, block, instance) = of;
        let inherits = spec.inherits.filter(|inherits| inherits.attrs.contains(&&*name.text))?;
        let index = |this: &Self, name: &str| this.scope_of(space).and_then(|s| s.blocks.get(block)?.attribute(name));
        let (word, without) = inherits.instead;
        if without.contains(&&*name.text)
            && let Some(i) = index(self, word)
            && self.cell(Cell::Attribute(space, block, instance, i), at) != Value::Null
        {
            return None;
        }
        let Value::Resource(other) = self.cell(Cell::Attribute(space, block, instance, index(self, inherits.by)?), at) else { return None };
        let (its_space, its_block, _) = self.thing(&other)?;
        if self.scope_of(its_space)?.blocks.get(its_block)?.existing {
            return None;
        }
        // What nobody says EC2 will.
        Some(self.attribute(&other, name, at)).filter(|value| !matches!(value, Value::Attribute(of, _) if *of == other))
    }

    /// `vpc.main.default_security_group`, and the VPC that such a thing is given with; `None` for any other attribute.
    fn given(&mut self, address: &Address, at: (usize, usize, usize), spec: &'static Spec, name: &Name) -> Option<Value> {
        let (space, block, instance) = at;
        if let ("vpc", true) = (&*name.text, spec.stands_for.is_some()) {
            let (_, outer) = self.scope_of(space)?.blocks.get(block)?.given?;
            return Some(self.instance(space, outer, instance).map_or(Value::Error, |vpc| Value::Resource(vpc.address.clone())));
        }
        if !is_given(Some(spec), &name.text) {
            return None;
        }
        let Some(found) = self.scope_of(space)?.find_block(&name.text, address.name()) else {
            self.sink.push(codes::not_adopted(address, &name.text, name.span));
            return Some(Value::Error);
        };
        self.work_out(Cell::Instances(space, found), name.span);
        Some(self.instance(space, found, instance).map_or(Value::Error, |one| Value::Resource(one.address.clone())))
    }

    /// A resource's tags over those of the project.
    pub(super) fn with_project_tags(&self, own: Value) -> Value {
        match own {
            Value::Map(own) => Value::Map(self.project_tags.clone().into_iter().chain(own).collect()),
            Value::Null => Value::Map(self.project_tags.clone()),
            other => other,
        }
    }

    fn index(&mut self, base: &'a Expr, index: &'a Expr) -> Value {
        // The list of all subnets of a network can be long; here only one of them is wanted.
        if let ExprKind::Call(name, arguments) = &base.kind
            && &*name.text == "subnets"
        {
            let arguments: Vec<_> = arguments.iter().map(|a| (self.eval(a), a.span)).collect();
            let n = self.eval(index);
            let veil = n.is_sensitive() || arguments.iter().any(|(value, _)| value.is_sensitive());
            let arguments: Vec<_> = arguments.into_iter().map(|(value, at)| (value.bare(), at)).collect();
            return self.veiled(veil, |this| function::nth_subnet(&arguments, (&n.bare(), index.span), base.span, this.sink));
        }
        if let Some(found) = self.one_of_many(base, index) {
            return found;
        }
        let key = self.eval(index);
        // A long list is not copied for one of its elements.
        if let Some(Value::List(values)) = self.stored_list(base)
            && let Value::Int(n) = key
        {
            let (found, length) = (usize::try_from(n).ok().and_then(|i| values.get(i)).cloned(), values.len());
            return found.unwrap_or_else(|| self.no_index(n, length, index.span));
        }
        let (value, veil) = self.eval(base).open();
        let (key, veiled) = key.open();
        self.veiled(veil || veiled, |this| this.element(value, key, base, index))
    }

    fn element(&mut self, value: Value, key: Value, base: &'a Expr, index: &'a Expr) -> Value {
        match (value, key) {
            (Value::Error, _) | (_, Value::Error) => Value::Error,
            (Value::List(mut values), Value::Int(n)) => match usize::try_from(n).ok().filter(|i| *i < values.len()) {
                Some(i) => values.swap_remove(i),
                None => self.no_index(n, values.len(), index.span),
            },
            (Value::Map(mut map), key) if key_of(&key).is_some() => {
                let text = key_of(&key).map(|k| key_text(&k)).unwrap_or_default();
                map.remove(&text).unwrap_or_else(|| {
                    let keys: Vec<String> = in_order(map).into_iter().map(|(k, _)| k).collect();
                    self.sink.push(no_such_key(format!("the map has no key {text:?}"), &text, &keys, index.span));
                    Value::Error
                })
            }
            (value @ (Value::Attribute(..) | Value::Subnet(..) | Value::Concat(_)), _) => {
                self.sink.push(value_codes::not_known_yet(&value.to_string(), "an index", base.span));
                Value::Error
            }
            (Value::List(_), key) => self.mismatch("a whole number as the index of a list", &key, index.span),
            (Value::Map(_), key) => self.mismatch("a string as the key of a map", &key, index.span),
            (value, _) => self.mismatch("a list or a map before `[`", &value, base.span),
        }
    }

    fn no_index(&mut self, n: i64, length: usize, at: Span) -> Value {
        let message = format!("the list has {}, so there is no `[{n}]`", counted(length, "element"));
        let diagnostic = value_codes::no_element(message, at, None);
        self.sink.push(match length {
            0 => diagnostic,
            length => diagnostic.help(format!("they go from `[0]` to `[{}]`", length - 1)),
        });
        Value::Error
    }

    /// The list that a name stands for, where it is known already.
    fn stored_list(&mut self, expr: &'a Expr) -> Option<&Value> {
        let ExprKind::Name(word) = &expr.kind else { return None };
        if bound(&self.here.bindings, word).is_some() {
            return bound(&self.here.bindings, word);
        }
        let cell = Cell::Local(self.here.space, self.scope()?.find_local(word)?);
        self.work_out(cell, expr.span);
        self.done(cell)
    }

    /// `kind.name[key]` and `module.name[key]`, without making a map of all.
    fn one_of_many(&mut self, base: &'a Expr, index: &'a Expr) -> Option<Value> {
        let ExprKind::Field(kind, name) = &base.kind else { return None };
        let kind = self.kind_word(kind)?;
        let space = self.here.space;
        if kind == "module" {
            let call = self.scope()?.find_call(&name.text)?;
            self.scope()?.calls.get(call).filter(|c| matches!(c.module.each, Some(Each::For(_))))?;
            let Some(key) = self.key(index) else { return Some(Value::Error) };
            return Some(match self.module_use(name, Some((&key, index.span))) {
                Ok(inside) => self.outputs_of(inside, name.span),
                Err(value) => value,
            });
        }
        let block = self.scope()?.find_block(kind, &name.text)?;
        self.scope()?.blocks.get(block).filter(|b| b.block.each.as_ref().is_some_and(Each::is_keyed))?;
        let Some(key) = self.key(index) else { return Some(Value::Error) };
        self.work_out(Cell::Instances(space, block), base.span);
        let instances = self.spaces.get(space)?.blocks.get(block)?;
        if instances.extent != Extent::Done {
            return Some(Value::Error);
        }
        let found = instances.by_key.get(&key).and_then(|i| self.instances(space, block).get(*i));
        Some(match found {
            Some(one) => Value::Resource(one.address.clone()),
            None => {
                let mut keys: Vec<&Key> = instances.by_key.keys().collect();
                keys.sort();
                let keys: Vec<String> = keys.into_iter().map(key_text).collect();
                let diagnostic = no_such_key(format!("there is no `{kind}.{}{key}`", name.text), &key_text(&key), &keys, index.span);
                self.sink.push(diagnostic);
                Value::Error
            }
        })
    }

    /// `interfaces(subnet.x)`: what the project puts into a subnet, or into any of a list or map of them.
    pub(super) fn interfaces(&mut self, subnets: Value, at: Span) -> Value {
        self.unsteady(true);
        let wanted = match subnets {
            Value::Error => return Value::Error,
            Value::List(values) => values,
            Value::Map(map) => map.into_values().collect(),
            one => vec![one],
        };
        if let Some(other) = wanted.iter().find(|v| v.as_resource().is_none_or(|a| a.kind() != "subnet")) {
            if *other != Value::Error {
                self.sink.push(value_codes::wrong_type("a subnet", &describe(other), at));
            }
            return Value::Error;
        }
        let is_placed = |a: &&Address| matches!(a.kind(), "instance" | "network_interface");
        let mut all: Vec<Address> = self.things().filter(is_placed).cloned().collect();
        all.sort();
        let mut found = vec![];
        for address in all {
            let Some((space, block, instance)) = self.thing(&address) else { continue };
            let declared = self.scope_of(space).and_then(|s| s.blocks.get(block)).filter(|d| !d.existing);
            let Some(i) = declared.and_then(|d| d.attribute("subnet")) else { continue };
            if wanted.contains(&self.cell(Cell::Attribute(space, block, instance, i), at)) {
                found.push(Value::Resource(address));
            }
        }
        Value::List(found)
    }

    fn mismatch(&mut self, wanted: &str, found: &Value, at: Span) -> Value {
        let diagnostic = match found {
            Value::Attribute(..) | Value::Subnet(..) | Value::Concat(_) => value_codes::not_known_yet(&found.to_string(), "an index", at),
            _ => value_codes::wrong_type(wanted, &describe(found), at),
        };
        self.sink.push(diagnostic);
        Value::Error
    }
}

/// A key that there is none of, with what was meant or what there is.
pub(super) fn no_such_key(message: String, key: &str, keys: &[String], at: Span) -> Diagnostic {
    let diagnostic = value_codes::no_element(message, at, None);
    let shown: Vec<&str> = keys.iter().take(10).map(String::as_str).collect();
    match nearest(key, keys.iter().map(String::as_str)) {
        Some(meant) => diagnostic.help(format!("did you mean {meant:?}?")),
        None if keys.is_empty() => diagnostic.help("there are none at all"),
        None => diagnostic.help(format!("the keys are {}", crate::base::codes::name::listed(&shown))),
    }
}
