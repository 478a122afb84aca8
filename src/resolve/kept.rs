//! What was resolved before, of blocks that nothing has touched since. Layer 4.
//!
//! While a block or a `let` is worked out, every name that is looked up is noted ([`Tracer`]). Of the next text, all that a changed
//! file declares in other words than before is changed; so is whatever has looked up a name that is. What is left is worth what it
//! was, and what has not even moved is as it was, spans and all: its resources are taken over, those of a file that nothing concerns
//! all at once. What cannot be told by names (what files on disk say, what modules give, what EC2 answers, anything that led to a
//! message) is never kept.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    hash::BuildHasher,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    base::{address::Address, diagnostic::Sink, source, span::FileId},
    resolve::{Chosen, Directory, Neighbours, Purpose, Sources, scope::Scope, settle::Pieces},
    schema::{
        ask::Answers,
        model::{Model, Resource},
        resources::{Quick, Resources},
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

/// What was learned of all that a file declares.
#[derive(Debug, Default)]
pub(super) struct Group {
    traces: Vec<(Name, Trace)>,
    /// The hashes of their names, in order.
    names: Vec<u64>,
    /// All that any of them has looked up, in order.
    looked: Vec<u64>,
    /// Locals that count as used for any of its blocks.
    pub(super) used: Vec<Arc<str>>,
    /// How many of them are blocks.
    blocks: usize,
    /// Whether there is always one of each of its blocks, and nothing but names decides what it is.
    is_plain: bool,
}

impl Group {
    fn of(traces: Vec<(Name, Trace)>, own: Option<&Scope<'_>>) -> Self {
        let sorted = |mut all: Vec<u64>| {
            all.sort_unstable();
            all.dedup();
            all
        };
        let names = sorted(traces.iter().map(|(name, _)| hash(name)).collect());
        let looked = sorted(traces.iter().flat_map(|(_, trace)| trace.looked.iter().copied()).collect());
        let (mut used, mut blocks, mut is_plain) = (BTreeSet::new(), 0, true);
        for (name, trace) in &traces {
            is_plain &= !trace.unsteady;
            if let Name::Block(address) = name {
                blocks += 1;
                is_plain &= trace.is_complete && own.is_some_and(|own| own.plain_block(address).is_some());
                used.extend(trace.used.iter().cloned());
            }
        }
        Self { traces, names, looked, used: used.into_iter().collect(), blocks, is_plain }
    }
}

/// Notes what is looked up, for whom.
#[derive(Debug, Default)]
pub(super) struct Tracer {
    done: HashMap<Name, Trace, Quick>,
    open: Vec<(Name, Trace, usize)>,
    /// Files that nothing concerns.
    whole: BTreeMap<FileId, Group>,
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

    /// Takes over what was learned of whole files.
    pub(super) fn keep_whole(&mut self, groups: BTreeMap<FileId, Group>) {
        self.kept += groups.values().map(|group| group.blocks).sum::<usize>();
        self.whole = groups;
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

    /// What was learned, by the files that declare it; the last is of what no file does.
    fn groups(mut self, files: usize, own: Option<&Scope<'_>>) -> Vec<Group> {
        let mut traces: Vec<Vec<(Name, Trace)>> = vec![];
        traces.resize_with(files + 1, Vec::new);
        for (name, trace) in self.done {
            let place = own.and_then(|own| own.file_of(&name)).map_or(files, |file| usize::from(file.0));
            if let Some(all) = traces.get_mut(place) {
                all.push((name, trace));
            }
        }
        // What was learned anew of what was taken over is less than what is known of it.
        let group = |(n, traces)| self.whole.remove(&FileId(n)).unwrap_or_else(|| Group::of(traces, own));
        (0..).zip(traces).map(group).collect()
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

fn around(sources: &Sources<'_>) -> Around {
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

/// The texts of a project, as parsed and as written.
#[derive(Debug)]
pub(super) struct Texts {
    around: Around,
    files: Vec<Arc<ast::File>>,
    written: Vec<Arc<str>>,
}

impl Texts {
    pub(super) fn of(sources: &Sources<'_>, texts: &source::Sources) -> Self {
        let written = texts.iter().take(sources.files.len()).map(|(_, file)| file.text.clone()).collect();
        Self { around: around(sources), files: sources.files.to_vec(), written }
    }
}

/// What is kept from one text to the next.
#[derive(Debug, Default)]
pub struct Kept {
    last: Mutex<Option<Last>>,
    settled: Mutex<Pieces>,
}

#[derive(Debug)]
struct Last {
    texts: Texts,
    /// By the numbers of the files, and one of what no file declares.
    groups: Vec<Group>,
    /// What all blocks of the project itself gave.
    resources: Resources,
    taken_over: usize,
}

/// What is as it was.
#[derive(Debug, Default)]
pub(super) struct Unchanged {
    /// What was learned of the files that nothing concerns.
    pub(super) whole: BTreeMap<FileId, Group>,
    /// What their blocks gave.
    pub(super) resources: Resources,
    /// Of other files, blocks that nothing concerns.
    blocks: HashMap<Address, Trace, Quick>,
}

impl Unchanged {
    /// What a block gave, if that still holds.
    pub(super) fn take(&mut self, block: &Address) -> Option<Trace> {
        if self.blocks.is_empty() { None } else { self.blocks.remove(block) }
    }
}

impl Kept {
    /// What is as it was, and a tracer for the rest; nothing is kept from or for anything but the project as it is.
    pub(super) fn begin(&self, purpose: Purpose<'_>, texts: &Texts, own: Option<&Scope<'_>>) -> (Unchanged, Option<Tracer>) {
        if !matches!(purpose, Purpose::Plan) {
            return (Unchanged::default(), None);
        }
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).take();
        let unchanged = last.filter(|last| last.texts.around == texts.around).and_then(|last| last.unchanged(texts, own));
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

    /// Keeps what was learned, and what all blocks of the project itself gave.
    pub(super) fn end(&self, texts: Texts, tracer: Tracer, own: Option<&Scope<'_>>, resources: Resources) {
        let (files, taken_over) = (texts.files.len(), tracer.kept);
        let last = Last { texts, groups: tracer.groups(files, own), resources, taken_over };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
    }
}

impl Last {
    /// What is as it was; `None` if nothing can be.
    fn unchanged(mut self, now: &Texts, own: Option<&Scope<'_>>) -> Option<Unchanged> {
        if now.files.len() != self.texts.files.len() {
            return None;
        }
        let (mut changed, mut moved, mut touched) = (vec![], HashSet::new(), BTreeSet::new());
        let files = self.texts.files.iter().zip(&self.texts.written).zip(now.files.iter().zip(&now.written));
        for (n, (before, after)) in files.enumerate().filter(|(_, ((old, _), (new, _)))| !Arc::ptr_eq(old, new)) {
            differences(before, after, &mut changed, &mut moved)?;
            touched.insert(n);
        }
        let is_dirty = dirty(&self.groups, &changed);
        let declared = own.map(Scope::blocks_by_file).unwrap_or_default();
        let mut unchanged = Unchanged::default();
        for (n, (group, is_dirty)) in self.groups.into_iter().zip(is_dirty).enumerate() {
            let file = u16::try_from(n).ok().map(FileId).filter(|_| n < now.files.len());
            // One that was the second of its name may be the only one now.
            let is_whole = |file: &FileId| declared.get(file).copied().unwrap_or_default() == group.blocks;
            if let Some(file) = file.filter(|file| group.is_plain && is_dirty.is_empty() && !touched.contains(&n) && is_whole(file)) {
                unchanged.whole.insert(file, group);
                continue;
            }
            for (i, (name, trace)) in group.traces.into_iter().enumerate() {
                trace.resources.iter().for_each(|r| drop(self.resources.release(&r.address)));
                let is_dirty = is_dirty.get(i).copied().unwrap_or_default();
                match name {
                    Name::Settings if is_dirty => return None,
                    Name::Block(address) if trace.is_complete && !is_dirty && !moved.contains(&Name::Block(address.clone())) => {
                        unchanged.blocks.insert(address, trace);
                    }
                    _ => {}
                }
            }
        }
        unchanged.resources = self.resources;
        Some(unchanged)
    }
}

/// What is declared in a text in other words than in the one before, and what in the same words stands elsewhere; `None` if everything
/// may depend on what is.
fn differences(
    (old, before): (&Arc<ast::File>, &Arc<str>),
    (new, after): (&Arc<ast::File>, &Arc<str>),
    changed: &mut Vec<Name>,
    moved: &mut HashSet<Name>,
) -> Option<()> {
    fn words<'t>(item: &ast::Item, text: &'t str) -> Option<&'t str> {
        text.get(item.span().start()..item.span().end())
    }
    let same = |(a, b): &(&ast::Item, &ast::Item)| words(a, before).is_some_and(|text| words(b, after) == Some(text));
    let least = old.items.len().min(new.items.len());
    let first = old.items.iter().zip(&new.items).take_while(same).count();
    let last = old.items.iter().rev().zip(new.items.iter().rev()).take(least - first).take_while(same).count();
    let (heads, tails) = (old.items.iter().zip(&new.items).take(first), old.items.iter().rev().zip(new.items.iter().rev()).take(last));
    for (_, item) in heads.chain(tails).filter(|(old, new)| old.span() != new.span()) {
        let mut names = vec![];
        // On what has only moved nothing depends that is not worked out each time.
        let _: Option<()> = declared(item, &mut names);
        moved.extend(names);
    }
    for items in [&old.items, &new.items] {
        items.iter().skip(first).take(items.len() - last - first).try_for_each(|item| declared(item, changed))?;
    }
    Some(())
}

/// Which traces of each group depend on what has changed, or on more than names; nothing is said of a group where none does.
fn dirty(groups: &[Group], changed: &[Name]) -> Vec<Vec<bool>> {
    let mut found: Vec<Vec<bool>> = groups.iter().map(|_| vec![]).collect();
    let mut touched: Vec<u64> = changed.iter().chain([&Name::Elsewhere]).map(hash).collect();
    touched.sort_unstable();
    let mut next = vec![];
    let mark = |group: &Group, found: &mut Vec<bool>, next: &mut Vec<u64>, is: &dyn Fn(&Name, &Trace) -> bool| {
        for (i, (name, trace)) in group.traces.iter().enumerate() {
            if found.get(i) != Some(&true) && is(name, trace) {
                found.resize(group.traces.len(), false);
                found.get_mut(i).into_iter().for_each(|one| *one = true);
                next.push(hash(name));
            }
        }
    };
    for (group, found) in groups.iter().zip(&mut found).filter(|(group, _)| !group.is_plain || meet(&touched, &group.names)) {
        mark(group, found, &mut next, &|name, trace| trace.unsteady || touched.binary_search(&hash(name)).is_ok());
    }
    // A name that nobody had may have been looked up in vain.
    next.append(&mut touched);
    while !next.is_empty() {
        next.sort_unstable();
        next.dedup();
        let touched = std::mem::take(&mut next);
        for (group, found) in groups.iter().zip(&mut found).filter(|(group, _)| meet(&touched, &group.looked)) {
            mark(group, found, &mut next, &|_, trace| meet(&touched, &trace.looked));
        }
    }
    found
}

/// Whether two have something in common, which are both in order.
fn meet(a: &[u64], b: &[u64]) -> bool {
    let (few, many) = if a.len() < b.len() { (a, b) } else { (b, a) };
    few.iter().any(|one| many.binary_search(one).is_ok())
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
