//! What was resolved before, of blocks that nothing has touched since. Layer 4.
//!
//! While a block or a `let` is worked out, every name that is looked up is noted ([`Tracer`]). Of the next text, all that a changed
//! file declares, or has declared before, is changed; so is whatever has looked up a name that is. What is left is as it was, spans
//! and all, and its resources are taken over. What cannot be told by names (what files on disk say, what modules give, what EC2
//! answers, anything that led to a message) is never kept.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::BuildHasher,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    base::{address::Address, diagnostic::Sink, span::FileId},
    resolve::{Chosen, Directory, Neighbours, Purpose, Sources, settle::Pieces},
    schema::{
        ask::Answers,
        model::{Model, Resource},
        resources::Quick,
    },
    syntax::ast,
};

/// Something with a name, or a name that there may be none of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Name {
    /// A resource block.
    Block(Address),
    /// A variable or `let`.
    Local(Arc<str>),
    /// The settings of the project, on which everything depends.
    Settings,
    /// What is not told by names.
    Elsewhere,
}

/// What was learned while something was worked out.
#[derive(Debug, Default)]
pub(super) struct Trace {
    /// What was looked up, as hashes: two that fall together cost work and nothing else.
    looked: Vec<u64>,
    /// Locals that count as used for it.
    pub(super) used: Vec<Arc<str>>,
    /// Whether it depends on more than these names.
    unsteady: bool,
    /// Whether all of it was worked out, so that nothing new can be learned.
    pub(super) is_complete: bool,
    /// What a block gave, before anything else was done with it.
    pub(super) resources: Vec<Arc<Resource>>,
}

/// Notes what is looked up, for whom.
#[derive(Debug, Default)]
pub(super) struct Tracer {
    done: HashMap<Name, Trace, Quick>,
    open: Vec<(Name, Trace, usize)>,
    kept: usize,
}

impl Tracer {
    /// What follows is for `name`; `effects` counts what has an effect beyond its value.
    pub(super) fn enter(&mut self, name: Name, effects: usize) {
        let trace = self.done.remove(&name).unwrap_or_default();
        self.open.push((name, trace, effects));
    }

    /// Takes over what was learned before.
    pub(super) fn keep(&mut self, block: Address, trace: Trace) {
        self.done.insert(Name::Block(block), trace);
        self.kept += 1;
    }

    /// What follows is for whoever was before.
    pub(super) fn leave(&mut self, effects: usize) {
        if let Some((name, mut trace, before)) = self.open.pop() {
            trace.unsteady |= effects != before;
            // A block's attributes are entered within the block.
            if let Some(inner) = self.done.remove(&name) {
                trace.unsteady |= inner.unsteady;
                trace.looked.extend(inner.looked);
                trace.used.extend(inner.used);
            }
            trace.looked.sort_unstable();
            trace.looked.dedup();
            self.done.insert(name, trace);
        }
    }

    pub(super) fn looked(&mut self, names: impl IntoIterator<Item = Name>) {
        if let Some((_, trace, _)) = self.open.last_mut().filter(|(_, trace, _)| !trace.is_complete) {
            trace.looked.extend(names.into_iter().map(|name| hash(&name)));
        }
    }

    /// What is learned of whom all is noted for now.
    pub(super) fn current(&mut self) -> Option<&mut Trace> {
        self.open.last_mut().map(|(_, trace, _)| trace)
    }

    /// What is worked out now, and all that waits for it, depends on more than names.
    pub(super) fn unsteady(&mut self) {
        self.open.iter_mut().for_each(|(_, trace, _)| trace.unsteady = true);
    }
}

/// Everything that a project is resolved from, besides its files.
#[derive(Debug, PartialEq)]
pub(super) struct Around {
    directories: Vec<Directory>,
    imposed: BTreeSet<FileId>,
    environment: BTreeMap<String, String>,
    written: Vec<ast::Attribute>,
    arguments: Vec<(String, String)>,
    chosen: Option<Chosen>,
    neighbours: Neighbours,
    answers: Answers,
}

/// What is kept from one text to the next.
#[derive(Debug, Default)]
pub struct Kept {
    last: Mutex<Option<Last>>,
    settled: Mutex<Pieces>,
}

#[derive(Debug)]
struct Last {
    around: Around,
    files: Vec<Arc<ast::File>>,
    traces: HashMap<Name, Trace, Quick>,
    taken_over: usize,
}

/// What is as it was.
#[derive(Debug, Default)]
pub(super) struct Unchanged(HashMap<Address, Trace, Quick>);

impl Unchanged {
    /// What a block gave, if that still holds.
    pub(super) fn take(&mut self, block: &Address) -> Option<Trace> {
        if self.0.is_empty() { None } else { self.0.remove(block) }
    }
}

pub(super) fn around(sources: &Sources<'_>) -> Around {
    Around {
        directories: sources.directories.to_vec(),
        imposed: sources.imposed.clone(),
        environment: sources.environment.clone(),
        written: sources.written.clone(),
        arguments: sources.arguments.clone(),
        chosen: sources.chosen.clone(),
        neighbours: sources.neighbours.clone(),
        answers: sources.answers.clone(),
    }
}

impl Kept {
    /// What is as it was, and a tracer for the rest; nothing is kept from or for anything but the project as it is.
    pub(super) fn begin(&self, sources: &Sources<'_>) -> (Unchanged, Option<Tracer>) {
        if !matches!(sources.purpose, Purpose::Plan) {
            return (Unchanged::default(), None);
        }
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).take();
        let unchanged = last.filter(|last| last.around == around(sources)).and_then(|last| last.unchanged(sources.files));
        (unchanged.unwrap_or_default(), Some(Tracer::default()))
    }

    /// Settles a model, as far as it is not as it was.
    pub(super) fn settled(&self, model: &mut Model, sink: &mut Sink) {
        self.settled.lock().unwrap_or_else(PoisonError::into_inner).settle(model, sink);
    }

    /// How many blocks of the last text were as they had been.
    #[must_use]
    pub fn taken_over(&self) -> usize {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map_or(0, |last| last.taken_over)
    }

    /// Keeps what was learned.
    pub(super) fn end(&self, (files, around): (Vec<Arc<ast::File>>, Around), tracer: Tracer) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Last { around, files, traces: tracer.done, taken_over: tracer.kept });
    }
}

impl Last {
    /// What is as it was; `None` if nothing can be.
    fn unchanged(self, files: &[Arc<ast::File>]) -> Option<Unchanged> {
        if files.len() != self.files.len() {
            return None;
        }
        let mut changed: Vec<Name> = vec![];
        for (old, new) in self.files.iter().zip(files).filter(|(old, new)| !Arc::ptr_eq(old, new)) {
            for item in old.items.iter().chain(&new.items) {
                declared(item, &mut changed)?;
            }
        }
        let is_dirty = dirty(&self.traces, &changed);
        let mut kept = HashMap::default();
        for (n, (name, trace)) in self.traces.into_iter().enumerate() {
            match name {
                Name::Settings if is_dirty.contains(&n) => return None,
                Name::Block(address) if trace.is_complete && !is_dirty.contains(&n) => drop(kept.insert(address, trace)),
                _ => {}
            }
        }
        Some(Unchanged(kept))
    }
}

/// The places of those traces that depend on what has changed, or on more than names.
fn dirty(traces: &HashMap<Name, Trace, Quick>, changed: &[Name]) -> BTreeSet<usize> {
    let names: Vec<u64> = traces.keys().map(hash).collect();
    // Who has looked up what.
    let mut users: Vec<(u64, usize)> = vec![];
    for (n, trace) in traces.values().enumerate() {
        users.extend(trace.looked.iter().map(|looked| (*looked, n)));
    }
    users.sort_unstable();
    let touched: BTreeSet<u64> = changed.iter().chain([&Name::Elsewhere]).map(hash).collect();
    let moved = traces.values().zip(&names).enumerate();
    let mut found: BTreeSet<usize> = moved.filter(|(_, (trace, name))| trace.unsteady || touched.contains(name)).map(|(n, _)| n).collect();
    // A name that nobody had may have been looked up in vain.
    let mut next: Vec<u64> = found.iter().filter_map(|n| names.get(*n)).copied().chain(touched).collect();
    while let Some(name) = next.pop() {
        let first = users.partition_point(|(looked, _)| *looked < name);
        for (_, user) in users.get(first..).unwrap_or_default().iter().take_while(|(looked, _)| *looked == name) {
            if found.insert(*user) {
                next.extend(names.get(*user));
            }
        }
    }
    found
}

fn hash(name: &Name) -> u64 {
    Quick::default().hash_one(name)
}

/// The names that an item declares; `None` if everything may depend on it.
fn declared(item: &ast::Item, names: &mut Vec<Name>) -> Option<()> {
    match item {
        ast::Item::Resource(block) | ast::Item::Existing(block) => {
            if &*block.kind.text == super::account::WORD {
                return None;
            }
            names.push(Name::Block(Address::new(&block.kind.text, &block.name.text)));
            for entry in &block.body.entries {
                if let ast::Entry::Block(nested) = entry {
                    names.push(Name::Block(Address::new(&nested.name.text, &block.name.text)));
                }
            }
        }
        ast::Item::Let(binding) => names.push(Name::Local(binding.name.text.clone())),
        ast::Item::Policy(_)
        | ast::Item::Output(_)
        | ast::Item::Waive(_)
        | ast::Item::Moved(_)
        | ast::Item::Extend(_)
        | ast::Item::Import(_)
        | ast::Item::Forget(_)
        | ast::Item::Test(_) => {}
        ast::Item::Project(_) | ast::Item::Variable(_) | ast::Item::Module(_) | ast::Item::Env(_) | ast::Item::Neighbour(_) => return None,
    }
    Some(())
}
