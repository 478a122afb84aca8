//! What `for` and `if` make many or none of: blocks, module calls, sentences, elements of comprehensions. Layer 4.

use std::collections::{BTreeMap, HashMap};

use crate::{
    base::{
        address::{Address, Key},
        codes::{repeat as codes, sensitive as sensitive_codes},
        span::Span,
    },
    resolve::{
        cell::Resolver,
        convert::describe,
        operator,
        space::{Bindings, Extent, Here, Instance, Instances, bind, key_of, key_text},
        test::is_certain,
    },
    schema::value::Value,
    syntax::ast::{Body, Each, Entry, Expr, ForClause, Sentence},
};

/// How many elements all the `for` of a project may go through: some ten seconds of work.
const ELEMENTS_MAX: usize = 1_000_000;

/// What is done with each sentence that is repeated; `false` for one that never counts.
pub(super) type Reading<'a, 'r, R> = &'r mut dyn FnMut(&mut R, &'a Sentence, bool);

/// One turn of a `for`.
pub(super) struct Turn<'a> {
    /// The key of the map, or the index in the list.
    pub(super) key: Value,
    pub(super) value: Value,
    /// What holds in it.
    pub(super) bindings: Bindings<'a>,
}

/// The turns of a `for`.
pub(super) struct Turns<'a> {
    pub(super) turns: Vec<Turn<'a>>,
    /// Whether it goes through a map.
    pub(super) is_map: bool,
    /// Whether it is sensitive how many there are.
    pub(super) veil: bool,
}

/// How many of something there are.
pub(super) enum Count<'a> {
    /// One or none, without a key.
    Single(bool),
    /// One for each key.
    Keyed(Vec<(Key, Bindings<'a>)>),
    /// What says so was reported.
    Broken,
}

impl<'a> Resolver<'a, '_> {
    /// The turns of a `for`, here; `None` if something was reported. What is in a sensitive list is sensitive.
    pub(super) fn turns(&mut self, clause: &'a ForClause) -> Option<Turns<'a>> {
        let (whole, mut veil) = self.eval(&clause.of).open();
        let before = self.sink.all.len();
        let pairs = self.pairs(whole, &clause.of);
        self.veil(before, veil);
        let (pairs, is_map) = pairs?;
        let sensitive = veil;
        let mut turns = vec![];
        for (key, value) in pairs {
            let (key, value) = (key.sensitive_if(sensitive), value.sensitive_if(sensitive));
            self.elements += 1;
            if self.elements > ELEMENTS_MAX {
                // Once is enough.
                if self.elements == ELEMENTS_MAX + 1 {
                    self.sink.push(codes::too_many(ELEMENTS_MAX, clause.of.span));
                }
                return None;
            }
            let bindings = bind(&*clause.value.text, value.clone(), &self.here.bindings);
            let bindings = match &clause.key {
                Some(name) => bind(&*name.text, key.clone(), &bindings),
                None => bindings,
            };
            if let Some(condition) = &clause.condition {
                let here = Here { space: self.here.space, bindings: bindings.clone() };
                let (holds, veiled) = self.at(here, |this| this.eval(condition)).open();
                veil |= veiled;
                match holds {
                    Value::Bool(true) => {}
                    Value::Bool(false) => continue,
                    other => {
                        self.veiled(veiled, |this| operator::no_condition(&other, condition.span, this.sink));
                        return None;
                    }
                }
            }
            turns.push(Turn { key, value, bindings });
        }
        Some(Turns { turns, is_map, veil })
    }

    /// Keys and values of what is gone through, and whether it is a map.
    fn pairs(&mut self, value: Value, of: &'a Expr) -> Option<(Vec<(Value, Value)>, bool)> {
        match value {
            Value::List(values) => {
                let index = |(i, value)| (Value::Int(i64::try_from(i).unwrap_or(i64::MAX)), value);
                Some((values.into_iter().enumerate().map(index).collect(), false))
            }
            Value::Map(map) => Some((in_order(map).into_iter().map(|(k, v)| (Value::text(k), v)).collect(), true)),
            Value::Error => None,
            Value::Attribute(..) | Value::Subnet(..) | Value::Concat(_) => {
                self.sink.push(codes::unknown_key(&value.to_string(), "what `for` goes through", of.span));
                None
            }
            other => {
                self.sink.push(codes::not_iterable(&describe(&other), of.span, other == Value::Null));
                None
            }
        }
    }

    /// Which there are, here, of what says `for` or `if`.
    pub(super) fn count(&mut self, each: &'a Each) -> Count<'a> {
        match each {
            Each::If(condition) => match self.eval(condition) {
                Value::Bool(there) => Count::Single(there),
                other @ (Value::Attribute(..) | Value::Subnet(..) | Value::Concat(_)) => {
                    self.sink.push(codes::unknown_key(&other.to_string(), "whether there is one", condition.span));
                    Count::Broken
                }
                Value::Sensitive(_) => {
                    self.sink.push(sensitive_codes::key("whether there is one", condition.span));
                    Count::Broken
                }
                other => {
                    operator::no_condition(&other, condition.span, self.sink);
                    Count::Broken
                }
            },
            Each::For(clause) => self.keyed(clause).map_or(Count::Broken, Count::Keyed),
            // It depends on the block: see `expand_block`.
            Each::All(_) => Count::Broken,
        }
    }

    fn keyed(&mut self, clause: &'a ForClause) -> Option<Vec<(Key, Bindings<'a>)>> {
        let Turns { turns, is_map, veil } = self.turns(clause)?;
        if veil {
            self.sink.push(sensitive_codes::key("which there are", clause.of.span));
            return None;
        }
        let mut seen: HashMap<Key, ()> = HashMap::new();
        let mut found = vec![];
        for turn in turns {
            let named = if is_map { &turn.key } else { &turn.value };
            let key = match key_of(named) {
                Some(key) => key,
                None => {
                    self.sink.push(match named {
                        Value::Error => return None,
                        Value::Sensitive(_) => sensitive_codes::key("the key of a resource", clause.of.span),
                        Value::Attribute(..) | Value::Subnet(..) | Value::Concat(_) => {
                            codes::unknown_key(&named.to_string(), "the key of a resource", clause.of.span)
                        }
                        other => codes::no_key(&describe(other), clause.of.span),
                    });
                    return None;
                }
            };
            if seen.insert(key.clone(), ()).is_some() {
                self.sink.push(codes::duplicate_key(&named.to_string(), clause.of.span));
                return None;
            }
            found.push((key, turn.bindings));
        }
        Some(found)
    }

    /// Finds out which resources there are of a block.
    pub(super) fn expand_block(&mut self, space: usize, block: usize) {
        let found = self.scope_of(space).and_then(|s| s.blocks.get(block)).map(|d| (d.block, d.given));
        let Some((declared, given)) = found else { return };
        let outer = given.map(|(_, outer)| outer);
        let Some(each) = &declared.each else { return };
        if let Some(outer) = outer {
            return self.expand_with(space, block, outer);
        }
        let count = match each {
            Each::All(_) => {
                let ids = self.fitting(space, block);
                ids.map_or(Count::Broken, |ids| Count::Keyed(ids.into_iter().map(|id| (id, None)).collect()))
            }
            _ => self.at(Here { space, bindings: None }, |this| this.count(each)),
        };
        let path = self.spaces.get(space).map(|s| s.path.clone()).unwrap_or_default();
        let one = |key: Option<&Key>, bindings: Bindings<'a>| Instance {
            address: Address::within(&path, &declared.kind.text, &declared.name.text, key),
            bindings,
            attributes: vec![],
        };
        let instances = match count {
            Count::Single(there) => Instances {
                extent: Extent::Done,
                all: there.then(|| one(None, None)).into_iter().collect::<Vec<_>>().into(),
                ..Instances::default()
            },
            Count::Keyed(keys) => Instances {
                extent: Extent::Done,
                all: keys.iter().map(|(key, bindings)| one(Some(key), bindings.clone())).collect::<Vec<_>>().into(),
                by_key: keys.into_iter().enumerate().map(|(i, (key, _))| (key, i)).collect(),
            },
            Count::Broken => Instances { extent: Extent::Broken, ..Instances::default() },
        };
        self.repeated
            .extend(instances.all.get().into_iter().flatten().enumerate().map(|(i, one)| (one.address.clone(), (space, block, i))));
        if let Some(slot) = self.spaces.get_mut(space).and_then(|s| s.blocks.get_mut(block)) {
            *slot = instances;
        }
    }

    /// What AWS gives with each of the resources of another block.
    fn expand_with(&mut self, space: usize, block: usize, outer: usize) {
        let Some((kind, at)) = self.scope_of(space).and_then(|s| s.blocks.get(block)).map(|d| (d.kind(), d.header())) else { return };
        self.work_out(super::space::Cell::Instances(space, outer), at);
        let Some(around) = self.spaces.get(space).and_then(|s| s.blocks.get(outer)) else { return };
        let one = |one: &Instance<'a>| Instance {
            address: Address::within(one.address.module(), &kind.text, one.address.name(), one.address.key().as_ref()),
            bindings: one.bindings.clone(),
            attributes: vec![],
        };
        let (extent, all, by_key) =
            (around.extent, self.instances(space, outer).iter().map(one).collect::<Vec<_>>(), around.by_key.clone());
        self.repeated.extend(all.iter().enumerate().map(|(i, one)| (one.address.clone(), (space, block, i))));
        if let Some(slot) = self.spaces.get_mut(space).and_then(|s| s.blocks.get_mut(block)) {
            *slot = Instances { extent, all: all.into(), by_key };
        }
    }

    /// What a block of which there may be many is as a value: one resource, null, or a map.
    pub(super) fn block_value(&mut self, space: usize, block: usize, at: Span) -> Value {
        self.work_out(super::space::Cell::Instances(space, block), at);
        let keyed =
            self.scope_of(space).and_then(|s| s.blocks.get(block)).is_some_and(|b| b.block.each.as_ref().is_some_and(Each::is_keyed));
        let Some(instances) = self.spaces.get(space).and_then(|s| s.blocks.get(block)) else { return Value::Error };
        let all = self.instances(space, block);
        match instances.extent {
            Extent::Done if keyed => {
                let entry = |(key, i): (&Key, &usize)| Some((key_text(key), Value::Resource(all.get(*i)?.address.clone())));
                Value::Map(instances.by_key.iter().filter_map(entry).collect())
            }
            Extent::Done => all.first().map_or(Value::Null, |one| Value::Resource(one.address.clone())),
            _ => Value::Error,
        }
    }

    /// The sentences of a `for` or `if` in a body, as often as they count and with what holds for each. Those that never
    /// count are read once too, for what is wrong with them whatever the values: `each` is told whether one counts.
    pub(super) fn repeated(&mut self, entry: &'a Entry, each: Reading<'a, '_, Self>) {
        self.only_sentences(entry);
        self.turn_by_turn(entry, each);
    }

    /// Reports what cannot be repeated, whether it counts or not.
    pub(super) fn only_sentences(&mut self, entry: &'a Entry) {
        let (first, second) = match entry {
            Entry::For(block) => (&block.body, None),
            Entry::If(block) => (&block.body, block.otherwise.as_ref()),
            _ => return,
        };
        for inner in first.entries.iter().chain(second.iter().flat_map(|b| &b.entries)) {
            match inner {
                Entry::Sentence(_) => {}
                Entry::For(_) | Entry::If(_) => self.only_sentences(inner),
                Entry::With(_) => self.sink.push(crate::base::codes::test::with_inside(inner.head().1)),
                Entry::Attribute(_) | Entry::Block(_) => {
                    let (word, at) = inner.head();
                    self.sink.push(codes::only_sentences(word, at, matches!(inner, Entry::Attribute(_))));
                }
            }
        }
    }

    fn turn_by_turn(&mut self, entry: &'a Entry, each: Reading<'a, '_, Self>) {
        match entry {
            Entry::Sentence(sentence) => each(self, sentence, true),
            Entry::For(block) => {
                self.needed_by(&block.clause);
                let turns = self.turns(&block.clause);
                if turns.as_ref().is_some_and(|t| t.veil) {
                    self.sink.push(sensitive_codes::shown("how many sentences there are", block.clause.of.span));
                    return;
                }
                let turns = turns.map(|t| t.turns).unwrap_or_default();
                if turns.is_empty() {
                    self.turnless(entry, each);
                }
                for turn in turns {
                    let here = Here { space: self.here.space, bindings: turn.bindings };
                    self.at(here, |this| block.body.entries.iter().for_each(|e| this.turn_by_turn(e, each)));
                }
            }
            Entry::If(block) => {
                let (counts, idle) = match self.value(&block.condition) {
                    Value::Bool(true) => (Some(&block.body), block.otherwise.as_ref()),
                    Value::Bool(false) => (block.otherwise.as_ref(), Some(&block.body)),
                    Value::Sensitive(_) => {
                        self.sink.push(sensitive_codes::shown("whether there is a sentence", block.condition.span));
                        (None, None)
                    }
                    other => {
                        operator::no_condition(&other, block.condition.span, self.sink);
                        (None, None)
                    }
                };
                counts.iter().flat_map(|b| &b.entries).for_each(|e| self.turn_by_turn(e, each));
                idle.iter().for_each(|body| self.idle(body, each));
            }
            Entry::Attribute(_) | Entry::Block(_) | Entry::With(_) => {}
        }
    }

    /// Reads what a `for` without turns would repeat: nobody knows what its names stand for.
    fn turnless(&mut self, entry: &'a Entry, each: Reading<'a, '_, Self>) {
        let Entry::For(block) = entry else { return };
        let mut bindings = self.here.bindings.clone();
        for name in block.clause.key.iter().chain([&block.clause.value]) {
            bindings = bind(&*name.text, Value::Error, &bindings);
        }
        let here = Here { space: self.here.space, bindings };
        self.at(here, |this| this.idle(&block.body, each));
    }

    /// Reads sentences that do not count: only what is wrong with them for certain is told, and once.
    fn idle(&mut self, body: &'a Body, each: Reading<'a, '_, Self>) {
        let before = self.sink.all.len();
        for entry in &body.entries {
            match entry {
                Entry::Sentence(sentence) => each(self, sentence, false),
                Entry::For(block) => {
                    self.needed_by(&block.clause);
                    self.eval(&block.clause.of);
                    self.turnless(entry, each);
                }
                Entry::If(block) => {
                    self.value(&block.condition);
                    self.idle(&block.body, each);
                    block.otherwise.iter().for_each(|b| self.idle(b, each));
                }
                Entry::Attribute(_) | Entry::Block(_) | Entry::With(_) => {}
            }
        }
        // What was first worked out on the way may be wrong by itself, elsewhere: that counts whatever stands here.
        let inside = |at: Span| body.span.to(at) == body.span && body.span.start() <= at.start();
        let told = self.sink.all.split_off(before.min(self.sink.all.len()));
        self.unsteady(!told.is_empty());
        for diagnostic in told {
            let here = diagnostic.labels.first().is_some_and(|label| inside(label.span));
            if (!here || is_certain(diagnostic.code)) && !self.sink.all.contains(&diagnostic) {
                self.sink.push(diagnostic);
            }
        }
    }

    /// Works out what a clause names.
    pub(super) fn needed_by(&mut self, clause: &'a ForClause) {
        let mut needs = vec![];
        self.walk(&clause.of, &mut needs);
        if let Some(condition) = &clause.condition {
            let names: Vec<&str> = clause.key.iter().chain([&clause.value]).map(|n| &*n.text).collect();
            self.walk_bound(condition, &names, &mut needs);
        }
        needs.into_iter().for_each(|(cell, at)| self.work_out(cell, at));
    }
}

/// The entries of a map, by their keys: whole numbers as numbers.
pub(super) fn in_order(map: BTreeMap<String, Value>) -> Vec<(String, Value)> {
    let numbers: Option<Vec<i64>> = map.keys().map(|k| k.parse().ok()).collect();
    match numbers {
        Some(numbers) => {
            let mut entries: Vec<(i64, (String, Value))> = numbers.into_iter().zip(map).collect();
            entries.sort_by_key(|(n, _)| *n);
            entries.into_iter().map(|(_, entry)| entry).collect()
        }
        None => map.into_iter().collect(),
    }
}
