//! Statements about resources that stand elsewhere: `extend`, `moved`, `import`, `forget`. Layer 4.

use std::collections::BTreeSet;

use crate::{
    base::{
        address::Address,
        codes::{module as codes, name as name_codes},
        diagnostic::{Diagnostic, nearest},
        span::Span,
    },
    resolve::{
        cell::Resolver,
        convert::describe,
        evaluate::kinds,
        repeat::Count,
        scope::Declared,
        sensitive::{MARK, is_marked},
        space::Here,
    },
    resources,
    schema::{
        attr::Type,
        model::{Forgotten, Import, Model, Moved},
        value::Value,
    },
    syntax::ast::{self, Entry},
};

impl<'a> Resolver<'a, '_> {
    /// Adds the sentences of every `extend` here to the resources that they are for.
    pub(super) fn extensions(&mut self, model: &mut Model) {
        for extension in self.scope().map(|s| s.extensions.clone()).unwrap_or_default() {
            let space = self.here.space;
            let turns = match &extension.each {
                None => vec![None],
                Some(each) => {
                    if let ast::Each::For(clause) = each {
                        self.needed_by(clause);
                    }
                    match self.count(each) {
                        Count::Single(there) => there.then_some(None).into_iter().collect(),
                        Count::Keyed(keys) => keys.into_iter().map(|(_, bindings)| bindings).collect(),
                        Count::Broken => vec![],
                    }
                }
            };
            for bindings in turns {
                self.at(Here { space, bindings }, |this| this.extension(extension, model));
            }
        }
    }

    fn extension(&mut self, extension: &'a ast::Extend, model: &mut Model) {
        let at = extension.target.span;
        let value = self.value(&extension.target);
        let targets: Vec<Value> = match value {
            Value::Map(map) => map.into_values().collect(),
            other => vec![other],
        };
        for target in targets {
            let diagnostic = match &target {
                Value::Error => continue,
                Value::Resource(address) => match model.resources.get_mut(address) {
                    Some(resource) if resource.existing => {
                        let help = "declare the resource itself, or take it under management with `import`";
                        codes::extension(format!("`{address}` is declared `existing`: it is not this project's to change"), at, help)
                    }
                    Some(_) => {
                        self.extend(extension, address, model);
                        continue;
                    }
                    None => continue,
                },
                Value::Null => codes::extension("there is nothing to extend: it is null".into(), at, "put the same `if` behind it"),
                other => {
                    let message = format!("`extend` takes a resource, not {}", describe(other));
                    codes::extension(message, at, "name a resource such as `security_group.web`")
                }
            };
            self.sink.push(diagnostic);
        }
    }

    fn extend(&mut self, extension: &'a ast::Extend, address: &Address, model: &mut Model) {
        let Some(spec) = resources::spec(address.kind()) else { return };
        let mut found = vec![];
        for entry in &extension.body.entries {
            match entry {
                Entry::Sentence(sentence) => found.extend(self.sentence(sentence, spec)),
                Entry::For(_) | Entry::If(_) => {
                    self.repeated(entry, &mut |this, sentence, counts| {
                        found.extend(this.sentence(sentence, spec).filter(|_| counts));
                    });
                }
                other => {
                    let (word, at) = other.head();
                    let message = format!("`{word}` is no sentence, and `extend` adds nothing else");
                    self.sink.push(codes::extension(message, at, "write it where the resource is declared"));
                }
            }
        }
        if let Some(resource) = model.resources.get_mut(address) {
            resource.sentences.extend(found);
        }
    }

    /// The address that a statement names, as one sees it from here.
    fn address(&self, target: &ast::Target) -> Address {
        let mut module = self.spaces.get(self.here.space).map(|s| s.path.to_string()).unwrap_or_default();
        for (name, key) in &target.modules {
            let dot = if module.is_empty() { "" } else { "." };
            let key = key.as_ref().map(ToString::to_string).unwrap_or_default();
            module = format!("{module}{dot}module.{}{key}", name.text);
        }
        Address::within(&module, &target.kind.text, &target.name.text, target.key.as_ref())
    }

    /// The block of an address, and its place.
    fn block_of(&self, address: &Address) -> Option<&Declared<'a>> {
        let (space, block, _) = self.thing(address)?;
        self.scope_of(space)?.blocks.get(block)
    }

    /// Whether what a statement names may stand in what could not be read.
    fn may_be_lost(&self, target: &ast::Target) -> bool {
        self.scope().is_some_and(|s| s.is_lost(&target.kind.text, &target.name.text))
            || target.modules.iter().any(|(name, _)| self.scope().is_some_and(|s| s.is_lost("module", &name.text)))
    }

    /// The message for an address that no block has.
    fn unknown(&self, target: &ast::Target, address: &Address) -> Diagnostic {
        if resources::spec(&target.kind.text).is_none() {
            return name_codes::unknown_kind(&target.kind.text, target.kind.span, nearest(&target.kind.text, kinds()));
        }
        let of_kind = |a: &&Address| a.kind() == address.kind() && a.module() == address.module();
        let mut others: Vec<&Address> = self.things().filter(of_kind).collect();
        others.sort();
        if target.modules.is_empty() && target.key.is_none() && others.iter().all(|a| a.key().is_none()) {
            let meant = self.scope().and_then(|s| s.nearest_block(&target.kind.text, &target.name.text)).filter(|b| !b.existing);
            return name_codes::unknown_resource(address.as_str(), target.span, target.name.span, meant.map(Declared::address));
        }
        let meant = nearest(address.as_str(), others.iter().map(|a| a.as_str())).and_then(Address::parse);
        let diagnostic = name_codes::unknown_resource(address.as_str(), target.span, target.span, None);
        match meant {
            Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
            None => diagnostic,
        }
    }

    /// The renames here; `before` are those of other directories.
    pub(super) fn moved(&mut self, before: &[Moved]) -> Vec<Moved> {
        let mut found: Vec<Moved> = vec![];
        let mut targets: BTreeSet<Address> = before.iter().map(|m| m.to.clone()).collect();
        for moved in self.scope().map(|s| s.moved.clone()).unwrap_or_default() {
            let (from, to) = (self.address(&moved.from), self.address(&moved.to));
            let unknown = [&moved.from, &moved.to].into_iter().find(|t| resources::spec(&t.kind.text).is_none());
            let diagnostic = if let Some(unknown) = unknown {
                self.unknown(unknown, &from)
            } else if from.kind() != to.kind() {
                let message = format!("`{from}` cannot become `{to}`: the kinds differ");
                let help = "a resource keeps its kind; remove the statement".to_owned();
                name_codes::moved(message, moved.to.span, Some((moved.from.span, "another kind")), help)
            } else if let Some(source) = self.block_of(&from) {
                let message = format!("`{from}` is still in the sources");
                let help = format!("remove the block `{from}`, or this statement");
                name_codes::moved(message, moved.from.span, Some((source.header(), "here")), help)
            } else if self.block_of(&to).is_none() && self.may_be_lost(&moved.to) {
                continue;
            } else if self.block_of(&to).is_none_or(|t| t.existing) {
                self.unknown(&moved.to, &to)
            } else if !targets.insert(to.clone()) {
                let message = format!("two resources cannot both become `{to}`");
                let first = found.iter().chain(before).find(|m| m.to == to).map(|m| (m.span, "the first"));
                name_codes::moved(message, moved.to.span, first, "remove one of the statements".into())
            } else {
                // What AWS gives with a VPC goes by its name, and moves with it.
                let given = resources::given().filter(|_| to.kind() == "vpc").map(|s| s.kind);
                let with = |kind, a: &Address| Address::within(a.module(), kind, a.name(), a.key().as_ref());
                let along = given.map(|kind| (with(kind, &from), with(kind, &to))).filter(|(_, to)| self.thing(to).is_some());
                let along: Vec<_> = along.filter(|(_, to)| targets.insert(to.clone())).collect();
                found.extend(along.into_iter().map(|(from, to)| Moved { from, to, span: moved.span }));
                found.push(Moved { from, to, span: moved.span });
                continue;
            };
            self.sink.push(diagnostic);
        }
        found
    }

    /// What is taken under management here.
    pub(super) fn imports(&mut self, model: &mut Model) {
        for import in self.scope().map(|s| s.imports.clone()).unwrap_or_default() {
            let to = self.address(&import.to);
            let Value::Text(id) = self.import_id(import) else { continue };
            let diagnostic = if self.may_be_lost(&import.to) {
                continue;
            } else if self.block_of(&to).is_none_or(|b| b.existing) {
                self.unknown(&import.to, &to)
            } else if let Some(first) = model.imports.iter().find(|i| i.to == to || *i.id == *id) {
                let message = if first.to == to { format!("`{to}` is imported twice") } else { format!("{id:?} is imported twice") };
                codes::statement(message, import.span, Some((first.span, "the first")), "remove one of the statements".into())
            } else if let Some(spec) = resources::spec(to.kind()).filter(|s| !s.is_id(&id)) {
                let message = format!("{id:?} is no id of a `{}`", spec.kind);
                codes::statement(message, import.from.span, None, format!("such an id begins with `{}`", spec.id_prefix))
            } else {
                model.imports.push(Import { to, id: id.to_string(), span: import.span });
                continue;
            };
            self.sink.push(diagnostic);
        }
    }

    fn import_id(&mut self, import: &'a ast::Import) -> Value {
        let value = self.shown_as(&import.from, &Type::Text, "an id");
        if !matches!(value, Value::Text(_) | Value::Error) {
            let diagnostic = crate::base::codes::value::not_known_yet(&value.to_string(), "`import`", import.from.span);
            self.sink.push(diagnostic);
        }
        value
    }

    /// What is let go of here.
    pub(super) fn forgotten(&mut self, model: &mut Model) {
        for forget in self.scope().map(|s| s.forgotten.clone()).unwrap_or_default() {
            let address = self.address(&forget.target);
            // One that is only read from now on keeps its name.
            let place: Option<Span> = self.block_of(&address).filter(|b| !b.existing).map(Declared::header);
            let diagnostic = if resources::spec(address.kind()).is_none() {
                self.unknown(&forget.target, &address)
            } else if let Some(place) = place {
                let message = format!("`{address}` is still in the sources");
                let help = format!("remove the block `{address}`, or this statement");
                codes::statement(message, forget.target.span, Some((place, "here")), help)
            } else {
                model.forgotten.push(Forgotten { address, span: forget.span });
                continue;
            };
            self.sink.push(diagnostic);
        }
    }

    /// What stands in the body of an output: whether it is never shown.
    pub(super) fn output_body(&mut self, output: &'a ast::Output) -> bool {
        for entry in output.body.iter().flat_map(|b| &b.entries) {
            match entry {
                Entry::Attribute(attribute) if &*attribute.name.text == MARK => drop(self.marked(attribute)),
                other => {
                    let (word, at) = other.head();
                    let meant = nearest(word, [MARK]);
                    self.sink.push(name_codes::unknown_setting(word, "output", at, meant, &[MARK]));
                }
            }
        }
        is_marked(output.body.as_ref())
    }
}
