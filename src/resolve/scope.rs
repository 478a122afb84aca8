//! What is declared, by name. Layer 4; evaluates nothing.

use std::{
    cell::{OnceCell, RefCell},
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use crate::{
    base::{
        address::Address,
        codes::name as codes,
        diagnostic::{Sink, nearest},
        span::{FileId, Span},
    },
    registry::Spec,
    resolve::kept::Name as Looked,
    resources,
    schema::resources::Quick,
    syntax::ast,
};

/// Kind and name (or `variable` and name) of items that are in the text but could not be parsed.
pub type Lost = BTreeSet<(String, String)>;

/// A directory: the project's own, or a module's.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Directory {
    /// Its path from the project's own directory; empty for that itself.
    pub name: String,
    /// Its files, as indexes.
    pub files: Vec<usize>,
    /// What its module calls name, by the source as written: indexes of directories. What could not be opened is missing.
    pub modules: BTreeMap<String, usize>,
}

/// A variable or a `let`.
#[derive(Clone, Copy)]
pub(super) enum Local<'a> {
    Variable(&'a ast::Variable),
    Let(&'a ast::Let),
}

impl<'a> Local<'a> {
    pub(super) fn name(self) -> &'a ast::Name {
        match self {
            Local::Variable(variable) => &variable.name,
            Local::Let(binding) => &binding.name,
        }
    }
}

/// A resource block, managed or existing.
pub(super) struct Declared<'a> {
    /// Its block, or that of the VPC which it is given with.
    pub(super) block: &'a ast::Block,
    /// What AWS gives: its own block, and which block is around it.
    pub(super) given: Option<(&'a ast::NestedBlock, usize)>,
    pub(super) existing: bool,
    /// `None` for a kind that there is none of, which was reported.
    pub(super) spec: Option<&'static Spec>,
    /// Of what AWS gives, kind and name.
    own_address: Option<Box<Address>>,
    written: OnceCell<Written<'a>>,
}

/// The attributes of a body.
struct Written<'a> {
    /// Each name once: the first of them.
    attributes: Vec<&'a ast::Attribute>,
    by_name: ByName<'a>,
}

/// A module call.
pub(super) struct Call<'a> {
    pub(super) module: &'a ast::Module,
    /// Its scope; `None` if it could not be opened, which was reported.
    pub(super) scope: Option<usize>,
    inputs: Written<'a>,
}

impl<'a> Call<'a> {
    /// The expression that is given for a variable of the module.
    pub(super) fn input(&self, name: &str) -> Option<&'a ast::Attribute> {
        self.inputs.by_name.get(name).and_then(|i| self.inputs.attributes.get(i)).copied()
    }

    /// Its inputs, each name once: the first.
    pub(super) fn inputs(&self) -> &[&'a ast::Attribute] {
        &self.inputs.attributes
    }
}

impl<'a> Declared<'a> {
    pub(super) fn attribute(&self, name: &str) -> Option<usize> {
        self.written().by_name.get(name)
    }

    /// Its attributes, each name once: the first.
    pub(super) fn attributes(&self) -> &[&'a ast::Attribute] {
        &self.written().attributes
    }

    fn written(&self) -> &Written<'a> {
        // Names that are there twice were reported, all others are quickly found by who asks.
        self.written.get_or_init(|| written(self.body(), &mut Sink::default()))
    }

    /// Its kind and name, for messages about the block as such.
    pub(super) fn address(&self) -> &Address {
        self.own_address.as_deref().unwrap_or(&self.block.address)
    }

    /// Its kind as written.
    pub(super) fn kind(&self) -> &'a ast::Name {
        self.given.map_or(&self.block.kind, |(nested, _)| &nested.name)
    }

    /// What stands between its braces.
    pub(super) fn body(&self) -> &'a ast::Body {
        self.given.map_or(&self.block.body, |(nested, _)| &nested.body)
    }

    /// Kind and name in the source; of what AWS gives, the kind alone.
    pub(super) fn header(&self) -> Span {
        self.given.map_or_else(|| self.block.kind.span.to(self.block.name.span), |(nested, _)| nested.name.span)
    }
}

/// Everything that has a name in one directory.
#[derive(Default)]
pub(super) struct Scope<'a> {
    /// The directory, from the project's own; empty for that itself.
    pub(super) directory: &'a str,
    pub(super) calls: Vec<Call<'a>>,
    pub(super) extensions: Vec<&'a ast::Extend>,
    pub(super) imports: Vec<&'a ast::Import>,
    pub(super) forgotten: Vec<&'a ast::Forget>,
    /// Which of the locals were referred to, from any use of the directory.
    pub(super) used: Vec<bool>,
    pub(super) locals: Vec<Local<'a>>,
    pub(super) blocks: Vec<Declared<'a>>,
    pub(super) outputs: Vec<&'a ast::Output>,
    pub(super) policies: Vec<&'a ast::Policy>,
    pub(super) waived: Vec<&'a ast::Waive>,
    pub(super) moved: Vec<&'a ast::Moved>,
    pub(super) projects: Vec<&'a ast::Project>,
    pub(super) tests: Vec<&'a ast::Test>,
    pub(super) accounts: Vec<&'a ast::Block>,
    pub(super) envs: Vec<&'a ast::Env>,
    pub(super) neighbours: Vec<&'a ast::Neighbour>,
    local_by_name: HashMap<&'a str, usize>,
    block_by_key: HashMap<u64, usize, Quick>,
    /// Those whose key another block has.
    same_key: Vec<usize>,
    call_by_name: HashMap<&'a str, usize>,
    output_by_name: HashMap<&'a str, usize>,
    kinds: HashSet<&'a str, Quick>,
    lost: Lost,
    /// What was looked up since somebody asked, if anybody wants to know.
    pub(super) looked: Option<RefCell<Vec<Looked>>>,
}

pub(super) use crate::syntax::words::VALUES as WORDS;

impl<'a> Scope<'a> {
    /// Collects the declarations of a directory; what has a name twice is reported and left out.
    pub(super) fn new(directory: &'a Directory, files: &'a [Arc<ast::File>], lost: Lost, sink: &mut Sink) -> Self {
        let mut scope = Self { directory: &directory.name, lost, ..Self::default() };
        let own = || directory.files.iter().filter_map(|f| files.get(*f));
        let items = own().map(|f| f.items.len()).sum();
        scope.blocks.reserve(items);
        scope.block_by_key.reserve(items);
        for item in own().flat_map(|f| &f.items) {
            match item {
                ast::Item::Project(project) => scope.projects.push(project),
                ast::Item::Variable(variable) => scope.local(Local::Variable(variable), sink),
                ast::Item::Let(binding) => scope.local(Local::Let(binding), sink),
                ast::Item::Resource(block) if &*block.kind.text == super::account::WORD => scope.accounts.push(block),
                ast::Item::Resource(block) => scope.block(block, false, sink),
                ast::Item::Existing(block) => scope.block(block, true, sink),
                ast::Item::Output(output) => scope.outputs.push(output),
                ast::Item::Moved(moved) => scope.moved.push(moved),
                ast::Item::Policy(policy) => scope.policies.push(policy),
                ast::Item::Waive(waive) => scope.waived.push(waive),
                ast::Item::Module(module) => scope.call(module, directory, sink),
                ast::Item::Extend(extension) => scope.extensions.push(extension),
                ast::Item::Import(import) => scope.imports.push(import),
                ast::Item::Forget(forget) => scope.forgotten.push(forget),
                ast::Item::Test(test) => scope.tests.push(test),
                ast::Item::Env(env) => scope.envs.push(env),
                ast::Item::Neighbour(neighbour) => scope.neighbours.push(neighbour),
            }
        }
        scope.used = vec![false; scope.locals.len()];
        once(&mut scope.outputs, |o| &o.name, "output", sink);
        scope.output_by_name = scope.outputs.iter().enumerate().map(|(i, o)| (&*o.name.text, i)).collect();
        once(&mut scope.policies, |p| &p.name, "policy", sink);
        once(&mut scope.accounts, |a| &a.name, "account", sink);
        once(&mut scope.envs, |e| &e.name, "env", sink);
        once(&mut scope.neighbours, |n| &n.name, "project", sink);
        scope
    }

    fn local(&mut self, local: Local<'a>, sink: &mut Sink) {
        let name = local.name();
        match self.local_by_name.get(&*name.text).and_then(|i| self.locals.get(*i)) {
            Some(first) => sink.push(codes::duplicate(&format!("`{}`", name.text), name.span, first.name().span)),
            None => {
                self.local_by_name.insert(&name.text, self.locals.len());
                self.locals.push(local);
            }
        }
    }

    fn block(&mut self, block: &'a ast::Block, existing: bool, sink: &mut Sink) {
        if let Some(first) = self.block_of(block.key, &block.kind.text, &block.name.text).and_then(|i| self.blocks.get(i)) {
            let what = format!("`{}`", first.address());
            sink.push(codes::duplicate(&what, block.name.span, first.block.name.span));
            return;
        }
        let spec = resources::spec(&block.kind.text);
        if spec.is_some_and(|s| s.stands_for.is_some()) {
            sink.push(codes::given_elsewhere(&block.kind.text, block.kind.span, false));
            self.lost.insert((block.kind.text.to_string(), block.name.text.to_string()));
            return;
        }
        let at = self.blocks.len();
        self.declare(block, None, existing, sink);
        for entry in block.body.entries.iter().filter(|_| has_given(spec)) {
            match entry {
                ast::Entry::Block(nested) if is_given(spec, &nested.name.text) && existing => {
                    sink.push(codes::given_elsewhere(&nested.name.text, nested.name.span, true));
                }
                ast::Entry::Block(nested) if is_given(spec, &nested.name.text) => self.declare(block, Some((nested, at)), false, sink),
                _ => {}
            }
        }
    }

    fn declare(&mut self, block: &'a ast::Block, given: Option<(&'a ast::NestedBlock, usize)>, existing: bool, sink: &mut Sink) {
        let of_given = |(nested, _): (&'a ast::NestedBlock, usize)| {
            let key = ast::key(&nested.name.text, &block.name.text);
            (&nested.name, &nested.body, key, nested.body.has_repeated())
        };
        let (kind, body, key, has_repeated) = given.map_or((&block.kind, &block.body, block.key, block.has_repeated), of_given);
        let known = self.block_by_key.get(&key).copied();
        if known.is_some() {
            if let Some(first) = self.block_of(key, &kind.text, &block.name.text).and_then(|i| self.blocks.get(i)) {
                sink.push(codes::duplicate(&format!("`{}`", kind.text), kind.span, first.header()));
                return;
            }
            self.same_key.push(self.blocks.len());
        } else {
            self.block_by_key.insert(key, self.blocks.len());
        }
        let written = if has_repeated { OnceCell::from(written(body, sink)) } else { OnceCell::new() };
        let own_address = given.map(|_| Box::new(Address::new(&kind.text, &block.name.text)));
        if self.blocks.last().is_none_or(|last| last.kind().text != kind.text) {
            self.kinds.insert(&kind.text);
        }
        self.blocks.push(Declared { block, given, existing, spec: resources::spec(&kind.text), own_address, written });
    }

    fn call(&mut self, module: &'a ast::Module, directory: &Directory, sink: &mut Sink) {
        if let Some(first) = self.call_by_name.get(&*module.name.text).and_then(|i| self.calls.get(*i)) {
            sink.push(codes::duplicate(&format!("`module.{}`", module.name.text), module.name.span, first.module.name.span));
            return;
        }
        let inputs = written(&module.body, sink);
        self.call_by_name.insert(&module.name.text, self.calls.len());
        let scope = directory.modules.get(&*module.source.text).copied();
        self.calls.push(Call { module, scope, inputs });
    }

    pub(super) fn find_local(&self, name: &str) -> Option<usize> {
        self.note(|| Looked::Local(name.into()));
        self.local_by_name.get(name).copied()
    }

    /// Notes that a local is used.
    pub(super) fn use_local(&mut self, name: &str) {
        if let Some(used) = self.local_by_name.get(name).and_then(|i| self.used.get_mut(*i)) {
            *used = true;
        }
    }

    fn block_of(&self, key: u64, kind: &str, name: &str) -> Option<usize> {
        let is_it = |i: &usize| self.blocks.get(*i).is_some_and(|b| *b.kind().text == *kind && *b.block.name.text == *name);
        let first = self.block_by_key.get(&key).copied()?;
        Some(first).filter(is_it).or_else(|| self.same_key.iter().copied().find(is_it))
    }

    /// The block of a kind and name; nobody learns of it.
    fn known_block(&self, kind: &str, name: &str) -> Option<usize> {
        self.block_of(ast::key(kind, name), kind, name)
    }

    pub(super) fn find_block(&self, kind: &str, name: &str) -> Option<usize> {
        let found = self.known_block(kind, name);
        let known = || found.and_then(|i| self.blocks.get(i)).map(|b| b.address().clone());
        self.note(|| Looked::Block(known().unwrap_or_else(|| Address::new(kind, name))));
        found
    }

    /// The block of an address, if there is one of it and always one; nobody learns of it.
    pub(super) fn plain_block(&self, address: &Address) -> Option<usize> {
        let found = if address.is_plain() { self.known_block(address.kind(), address.name()) } else { None };
        found.filter(|i| self.blocks.get(*i).is_some_and(|b| b.block.each.is_none()))
    }

    /// The file that declares something.
    pub(super) fn file_of(&self, name: &Looked) -> Option<FileId> {
        let span = match name {
            Looked::Block(address) => self.known_block(address.kind(), address.name()).and_then(|i| self.blocks.get(i))?.block.span,
            Looked::Local(name) => self.local_by_name.get(&**name).and_then(|i| self.locals.get(*i))?.name().span,
            Looked::Settings | Looked::Elsewhere => return None,
        };
        Some(span.file())
    }

    /// How many blocks each file declares, but those whose names others have.
    pub(super) fn blocks_by_file(&self) -> HashMap<FileId, usize> {
        let mut found = HashMap::new();
        for of_file in self.blocks.chunk_by(|a, b| a.block.span.file() == b.block.span.file()) {
            of_file.first().into_iter().for_each(|one| *found.entry(one.block.span.file()).or_default() += of_file.len());
        }
        found
    }

    fn note(&self, looked: impl FnOnce() -> Looked) {
        if let Some(all) = &self.looked {
            all.borrow_mut().push(looked());
        }
    }

    pub(super) fn find_call(&self, name: &str) -> Option<usize> {
        // What modules give is worked out in other directories.
        self.note(|| Looked::Elsewhere);
        self.call_by_name.get(name).copied()
    }

    pub(super) fn find_output(&self, name: &str) -> Option<usize> {
        self.output_by_name.get(name).copied()
    }

    /// Whether a word is a kind, or stands as one in a block.
    pub(super) fn is_kind(&self, word: &str) -> bool {
        resources::spec(word).is_some() || self.kinds.contains(word) || self.is_found_lost(self.lost.iter().any(|(kind, _)| kind == word))
    }

    /// Whether an item of this name was there, but could not be parsed.
    pub(super) fn is_lost(&self, kind: &str, name: &str) -> bool {
        self.is_found_lost(self.lost.contains(&(kind.to_owned(), name.to_owned())))
    }

    /// What is lost is no item, so that nobody could tell by its name when it is there no more.
    fn is_found_lost(&self, lost: bool) -> bool {
        if lost {
            self.note(|| Looked::Elsewhere);
        }
        lost
    }

    /// Whether there was a `project` block that could not be parsed.
    pub(super) fn lost_project(&self) -> bool {
        self.lost.iter().any(|(kind, _)| kind == "project")
    }

    /// Whether a variable or `let` of this name was there, but could not be parsed.
    pub(super) fn is_lost_local(&self, name: &str) -> bool {
        self.is_lost("variable", name) || self.is_lost("let", name)
    }

    /// The name nearest to one that there is none of.
    pub(super) fn nearest_name(&self, word: &str) -> Option<&str> {
        let locals = self.locals.iter().map(|l| &*l.name().text);
        let kinds = resources::ALL.iter().map(|s| s.kind);
        nearest(word, locals.chain(kinds).chain(WORDS.iter().copied()))
    }

    /// The name nearest to one that no resource of the kind has.
    pub(super) fn nearest_block(&self, kind: &str, word: &str) -> Option<&Declared<'a>> {
        let of_kind = || self.blocks.iter().filter(|b| &*b.kind().text == kind);
        let name = nearest(word, of_kind().map(|b| &*b.block.name.text));
        let name = name.or_else(|| {
            let mut all = of_kind();
            let only = all.next().filter(|_| all.next().is_none())?;
            Some(&*only.block.name.text)
        })?;
        self.blocks.get(self.find_block(kind, name)?)
    }
}

/// Whether a block of this word in a resource's block stands for what AWS gives with it.
pub(super) fn is_given(outer: Option<&Spec>, word: &str) -> bool {
    has_given(outer) && resources::spec(word).is_some_and(|s| s.stands_for.is_some())
}

fn has_given(outer: Option<&Spec>) -> bool {
    outer.is_some_and(|s| s.kind == "vpc")
}

/// The attributes of a body; what is there twice is reported.
fn written<'a>(body: &'a ast::Body, sink: &mut Sink) -> Written<'a> {
    let mut found: Vec<&ast::Attribute> = body.attributes().collect();
    let mut by_name = ByName(found.iter().enumerate().map(|(i, a)| (&*a.name.text, i)).collect());
    by_name.0.sort_unstable();
    let mut again: BTreeSet<usize> = BTreeSet::new();
    for group in by_name.0.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1) {
        let mut alike = group.iter().filter_map(|(_, i)| Some((*i, found.get(*i)?.name.clone())));
        let Some((_, first)) = alike.next() else { continue };
        for (i, name) in alike {
            again.insert(i);
            sink.push(codes::duplicate(&format!("`{}`", name.text), name.span, first.span));
        }
    }
    if !again.is_empty() {
        let mut n = 0..;
        found.retain(|_| n.next().is_some_and(|i| !again.contains(&i)));
        by_name = ByName(found.iter().enumerate().map(|(i, a)| (&*a.name.text, i)).collect());
        by_name.0.sort_unstable();
    }
    Written { attributes: found, by_name }
}

/// Places of attributes by their names, in the order of these. There are few of them, and ten thousand such lists.
struct ByName<'a>(Vec<(&'a str, usize)>);

impl ByName<'_> {
    fn get(&self, name: &str) -> Option<usize> {
        self.0.binary_search_by_key(&name, |(name, _)| name).ok().and_then(|at| self.0.get(at)).map(|(_, i)| *i)
    }
}

/// Reports what has the name of an earlier one, and leaves it out.
fn once<'a, T>(items: &mut Vec<&'a T>, name: fn(&'a T) -> &'a ast::Name, what: &str, sink: &mut Sink) {
    let mut seen: HashMap<&str, Span> = HashMap::new();
    items.retain(|item| {
        let name = name(item);
        match seen.get(&*name.text) {
            Some(first) => {
                sink.push(codes::duplicate(&format!("{what} `{}`", name.text), name.span, *first));
                false
            }
            None => {
                seen.insert(&name.text, name.span);
                true
            }
        }
    });
}
