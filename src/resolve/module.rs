//! Module calls: which there are, what they are given, and what others see of them. Layer 4.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    base::{address::Key, codes::module as codes, diagnostic::nearest, span::Span},
    resolve::{
        cell::Resolver,
        repeat::{Count, in_order},
        scope::Local,
        space::{Bindings, Calls, Cell, Extent, Here, key_text},
    },
    schema::value::Value,
    syntax::ast::{self, Attribute, Each, Entry, Name},
};

/// How many uses of modules there may be in all.
const SPACES_MAX: usize = 10_000;

impl<'a> Resolver<'a, '_> {
    /// Finds out which uses there are of a module call, and makes a space for each.
    pub(super) fn expand_call(&mut self, space: usize, call: usize) {
        let Some((module, scope)) = self.scope_of(space).and_then(|s| s.calls.get(call)).map(|c| (c.module, c.scope)) else { return };
        let count = match &module.each {
            Some(each) => self.at(Here { space, bindings: None }, |this| this.count(each)),
            None => Count::Single(true),
        };
        let uses: Option<Vec<(Option<Key>, Bindings<'a>)>> = match (count, scope) {
            (Count::Broken, _) | (_, None) => None,
            (Count::Single(there), Some(_)) => Some(there.then_some((None, None)).into_iter().collect()),
            (Count::Keyed(keys), Some(_)) => Some(keys.into_iter().map(|(key, bindings)| (Some(key), bindings)).collect()),
        };
        let mut calls = Calls { extent: if uses.is_some() { Extent::Done } else { Extent::Broken }, all: vec![] };
        let outside = self.spaces.get(space).map(|s| s.path.clone()).unwrap_or_default();
        let dot = if outside.is_empty() { "" } else { "." };
        for (key, bindings) in uses.unwrap_or_default() {
            if self.spaces.len() >= SPACES_MAX {
                self.sink.push(crate::base::codes::repeat::too_many(SPACES_MAX, module.name.span));
                calls.extent = Extent::Broken;
                break;
            }
            let shown = key.as_ref().map(Key::to_string).unwrap_or_default();
            let path: Arc<str> = format!("{outside}{dot}module.{}{shown}", module.name.text).into();
            let index = self.add_space(scope.unwrap_or_default(), path, Some((space, call, bindings)));
            calls.all.push((key, index));
        }
        if let Some(slot) = self.spaces.get_mut(space).and_then(|s| s.calls.get_mut(call)) {
            *slot = calls;
        }
    }

    /// Makes every use of every module, those in modules too.
    pub(super) fn expand_modules(&mut self) {
        let mut space = 0;
        while space < self.spaces.len() {
            for call in 0..self.scope_of(space).map_or(0, |s| s.calls.len()) {
                if let Some(at) = self.scope_of(space).and_then(|s| s.calls.get(call)).map(|c| c.module.name.span) {
                    self.work_out(Cell::Calls(space, call), at);
                }
                self.module_body(space, call);
            }
            space += 1;
        }
    }

    /// What stands between the braces of a module call and is no input of it.
    fn module_body(&mut self, space: usize, call: usize) {
        let Some(found) = self.scope_of(space).and_then(|s| s.calls.get(call)) else { return };
        let (module, scope, inputs) = (found.module, found.scope, found.inputs().to_vec());
        for entry in module.body.entries.iter().filter(|e| !matches!(e, Entry::Attribute(_))) {
            let (word, at) = entry.head();
            let diagnostic = codes::only_inputs(word, at);
            self.sink.push(diagnostic);
        }
        let Some(scope) = scope.and_then(|s| self.scopes.get(s)) else { return };
        let variables: Vec<&ast::Variable> = scope
            .locals
            .iter()
            .filter_map(|l| match l {
                Local::Variable(variable) => Some(*variable),
                Local::Let(_) => None,
            })
            .collect();
        let names: Vec<&str> = variables.iter().map(|v| &*v.name.text).collect();
        let mut wrong = vec![];
        for input in inputs.iter().filter(|i| !names.contains(&&*i.name.text) && !scope.is_lost_local(&i.name.text)) {
            let meant = nearest(&input.name.text, names.iter().copied());
            wrong.push(codes::unknown_input(&input.name.text, &module.name.text, input.name.span, meant, &names));
        }
        for variable in variables.iter().filter(|v| v.default.is_none()) {
            let name = &variable.name;
            if !inputs.iter().any(|i| i.name.text == name.text) && !self.is_incomplete(module.span) {
                let sample = super::variable::sample_of(variable);
                wrong.push(codes::missing_input(
                    &name.text,
                    &module.name.text,
                    (module.name.span, module.body.place()),
                    name.span,
                    &sample,
                ));
            }
        }
        self.sink.all.append(&mut wrong);
    }

    /// What a module call, or for the project itself a test, gives for a variable, and where that is evaluated.
    pub(super) fn input(&self, space: usize, name: &str) -> Option<(&'a Attribute, Here<'a>)> {
        let Some((outside, call, bindings)) = self.spaces.get(space)?.caller.as_ref() else {
            return self.with.get(name).map(|attribute| (*attribute, Here { space, bindings: None }));
        };
        let input = self.scope_of(*outside)?.calls.get(*call)?.input(name)?;
        Some((input, Here { space: *outside, bindings: bindings.clone() }))
    }

    /// Whether a space is a module's.
    pub(super) fn is_module(&self, space: usize) -> bool {
        self.spaces.get(space).is_some_and(|s| s.caller.is_some())
    }

    /// `module.edge` as a value: its outputs by name; null, or a map of them by key, where the statement says so.
    pub(super) fn module_value(&mut self, name: &Name) -> Value {
        let space = self.here.space;
        let Some(call) = self.scope().and_then(|s| s.find_call(&name.text)) else { return Value::Error };
        self.work_out(Cell::Calls(space, call), name.span);
        let keyed = self.scope().and_then(|s| s.calls.get(call)).is_some_and(|c| matches!(c.module.each, Some(Each::For(_))));
        let Some(calls) = self.spaces.get(space).and_then(|s| s.calls.get(call)) else { return Value::Error };
        if calls.extent != Extent::Done {
            return Value::Error;
        }
        let uses = calls.all.clone();
        let mut found = BTreeMap::new();
        for (key, inside) in uses {
            let outputs = self.outputs_of(inside, name.span);
            match key {
                Some(key) => found.insert(key_text(&key), outputs),
                None => return outputs,
            };
        }
        if keyed { Value::Map(found) } else { Value::Null }
    }

    /// All that a use of a module gives to others.
    pub(super) fn outputs_of(&mut self, space: usize, at: Span) -> Value {
        let names: Vec<Arc<str>> =
            self.scope_of(space).map(|s| s.outputs.iter().map(|o| o.name.text.clone()).collect()).unwrap_or_default();
        let values = names.iter().enumerate().map(|(i, name)| (name.to_string(), self.cell(Cell::Output(space, i), at)));
        Value::Map(values.collect())
    }

    /// The use of a module call that a path names: `module.edge`, `module.edge["a"]`. `Err` holds what the path is instead.
    pub(super) fn module_use(&mut self, name: &Name, key: Option<(&Key, Span)>) -> Result<usize, Value> {
        let space = self.here.space;
        let Some(call) = self.scope().and_then(|s| s.find_call(&name.text)) else { return Err(Value::Error) };
        self.work_out(Cell::Calls(space, call), name.span);
        let keyed = self.scope().and_then(|s| s.calls.get(call)).is_some_and(|c| matches!(c.module.each, Some(Each::For(_))));
        let Some(calls) = self.spaces.get(space).and_then(|s| s.calls.get(call)) else { return Err(Value::Error) };
        match (calls.extent, key) {
            (Extent::Done, None) if !keyed => calls.all.first().map(|(_, inside)| *inside).ok_or(Value::Null),
            (Extent::Done, Some((key, at))) if keyed => {
                let found = calls.all.iter().find(|(k, _)| k.as_ref() == Some(key)).map(|(_, inside)| *inside);
                found.ok_or_else(|| {
                    let keys: BTreeMap<String, Value> =
                        calls.all.iter().filter_map(|(k, _)| Some((key_text(k.as_ref()?), Value::Null))).collect();
                    let keys: Vec<String> = in_order(keys).into_iter().map(|(k, _)| k).collect();
                    let message = format!("there is no `module.{}{key}`", name.text);
                    let diagnostic = super::access::no_such_key(message, &key_text(key), &keys, at);
                    self.sink.push(diagnostic);
                    Value::Error
                })
            }
            (Extent::Done, _) => Err(self.module_value(name)),
            _ => Err(Value::Error),
        }
    }

    /// What an output of a module is.
    pub(super) fn output_of(&mut self, space: usize, name: &Name, at: Span) -> Value {
        let Some(scope) = self.scope_of(space) else { return Value::Error };
        if let Some(i) = scope.find_output(&name.text) {
            return self.cell(Cell::Output(space, i), at);
        }
        if scope.is_lost("output", &name.text) {
            return Value::Error;
        }
        let names: Vec<&str> = scope.outputs.iter().map(|o| &*o.name.text).collect();
        let module = self.spaces.get(space).map_or("", |s| s.path.strip_prefix("module.").unwrap_or(&s.path));
        let diagnostic = codes::unknown_output(&name.text, module, name.span, nearest(&name.text, names.iter().copied()), &names);
        self.sink.push(diagnostic);
        Value::Error
    }
}
