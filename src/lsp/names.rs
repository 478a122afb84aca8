//! What every name in a project's sources means. Layer 9: a walk through the ASTs, which evaluates nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    base::{
        disk::tidy,
        span::{FileId, Span},
    },
    lsp::session::Project,
    resources,
    syntax::ast::{self, Each, Entry, Expr, ExprKind, ForClause, Item, Name, Piece, Target, Term},
};

/// What a name stands for. What has a name in a directory has that in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Symbol {
    /// A resource: directory, kind, name.
    Resource(Arc<Path>, Arc<str>, Arc<str>),
    /// A variable or a `let`.
    Local(Arc<Path>, Arc<str>),
    /// An output.
    Output(Arc<Path>, Arc<str>),
    /// A use of a module.
    Module(Arc<Path>, Arc<str>),
    /// A policy.
    Policy(Arc<Path>, Arc<str>),
    /// Another project.
    Neighbour(Arc<Path>, Arc<str>),
    /// A name of a `for`, by where that stands.
    Bound(Span),
    /// A kind of resources.
    Kind(Arc<str>),
    /// An attribute of a kind, where it is written or read.
    Attribute(Arc<str>, Arc<str>),
    /// The first word of a sentence in a kind.
    Sentence(Arc<str>, Arc<str>),
    /// A function.
    Function(Arc<str>),
    /// A network as written.
    Network(Arc<str>),
}

/// A name at a place.
#[derive(Debug, Clone)]
pub(super) struct Mention {
    pub(super) symbol: Symbol,
    /// The name alone.
    pub(super) span: Span,
    /// Whether it is declared here.
    pub(super) declares: bool,
}

/// Every name in a source of a project.
pub(super) fn mentions(project: &Project, index: &Index, file: FileId) -> Vec<Mention> {
    let mut found = vec![];
    let parsed = project.opened.as_ref().ok().and_then(|opened| opened.analysis.files.get(usize::from(file.0)));
    if let (Some(parsed), Some(path)) = (parsed, project.path(file)) {
        let mut walk = Walk { index, directory: directory(path).into(), bound: vec![], found: &mut found };
        parsed.items.iter().for_each(|item| walk.item(item));
    }
    found
}

/// What the sources of a project declare, but for the names of `for`s; no bodies are looked into for it.
pub(super) fn declared(project: &Project) -> Vec<Mention> {
    let Ok(opened) = &project.opened else { return vec![] };
    let mut found = vec![];
    for (file, path) in opened.analysis.files.iter().zip(&opened.paths) {
        let here: Arc<Path> = directory(path).into();
        found.extend(file.items.iter().filter_map(|item| {
            let (symbol, span) = declares(item, &here)?;
            Some(Mention { symbol, span, declares: true })
        }));
    }
    found
}

/// What an item declares in its directory, and where.
fn declares(item: &Item, here: &Arc<Path>) -> Option<(Symbol, Span)> {
    let named = |symbol: fn(Arc<Path>, Arc<str>) -> Symbol, name: &Name| Some((symbol(here.clone(), name.text.clone()), name.span));
    match item {
        Item::Variable(v) => named(Symbol::Local, &v.name),
        Item::Let(l) => named(Symbol::Local, &l.name),
        Item::Output(o) => named(Symbol::Output, &o.name),
        Item::Resource(b) | Item::Existing(b) => {
            Some((Symbol::Resource(here.clone(), b.kind.text.clone(), b.name.text.clone()), b.name.span))
        }
        Item::Policy(p) => named(Symbol::Policy, &p.name),
        Item::Module(m) => named(Symbol::Module, &m.name),
        Item::Neighbour(n) => named(Symbol::Neighbour, &n.name),
        Item::Project(_)
        | Item::Env(_)
        | Item::Moved(_)
        | Item::Waive(_)
        | Item::Extend(_)
        | Item::Import(_)
        | Item::Forget(_)
        | Item::Test(_) => None,
    }
}

/// What names alone do not tell, looked up once.
#[derive(Default)]
pub(super) struct Index {
    /// Other projects, by the directory in which they are named.
    neighbours: BTreeSet<(Arc<Path>, Arc<str>)>,
    /// Where the modules lie that a directory uses under these names.
    modules: BTreeMap<(Arc<Path>, Arc<str>), Arc<Path>>,
}

impl Index {
    pub(super) fn of(project: &Project) -> Self {
        let mut index = Self::default();
        let Ok(opened) = &project.opened else { return index };
        for (file, path) in opened.analysis.files.iter().zip(&opened.paths) {
            let here: Arc<Path> = directory(path).into();
            for item in &file.items {
                match item {
                    Item::Neighbour(n) => drop(index.neighbours.insert((here.clone(), n.name.text.clone()))),
                    Item::Module(m) => {
                        let lies = used_as(project, &here, &m.source.text);
                        index.modules.extend(lies.map(|lies| ((here.clone(), m.name.text.clone()), lies.into())));
                    }
                    _ => {}
                }
            }
        }
        index
    }
}

/// The directory that a source of a module means where it is written; one from git lies where it was fetched.
pub(super) fn used_as(project: &Project, from: &Path, source: &str) -> Option<PathBuf> {
    let modules = project.opened.as_ref().map(|o| &o.analysis.modules).ok()?;
    let relative = |(of, _): &&(String, String)| tidy(&project.directory.join(of)) == from;
    let known = modules.keys().filter(|key| key.1 == source).find(relative).and_then(|key| modules.get(key));
    let near = || source.starts_with('.').then(|| tidy(&from.join(source)));
    known.map(|directory| tidy(&project.directory.join(directory))).or_else(near)
}

fn directory(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

struct Walk<'a> {
    index: &'a Index,
    directory: Arc<Path>,
    /// Names of `for`s around, the innermost last.
    bound: Vec<&'a Name>,
    found: &'a mut Vec<Mention>,
}

impl<'a> Walk<'a> {
    fn add(&mut self, symbol: Symbol, span: Span) {
        self.found.push(Mention { symbol, span, declares: false });
    }

    fn declare(&mut self, symbol: Symbol, span: Span) {
        self.found.push(Mention { symbol, span, declares: true });
    }

    fn here(&self, symbol: fn(Arc<Path>, Arc<str>) -> Symbol, name: &Name) -> Symbol {
        symbol(self.directory.clone(), name.text.clone())
    }

    /// The directory of a module that is used here under this name.
    fn module(&self, from: &Arc<Path>, name: &Arc<str>) -> Option<Arc<Path>> {
        self.index.modules.get(&(from.clone(), name.clone())).cloned()
    }

    fn has_neighbour(&self, name: &Arc<str>) -> bool {
        // Most projects name no other, and most names are none.
        !self.index.neighbours.is_empty() && self.index.neighbours.contains(&(self.directory.clone(), name.clone()))
    }

    fn item(&mut self, item: &'a Item) {
        match item {
            Item::Project(p) => self.body(None, &p.body),
            Item::Env(e) => self.body(None, &e.body),
            Item::Variable(v) => {
                self.declare(self.here(Symbol::Local, &v.name), v.name.span);
                v.default.iter().for_each(|e| self.expr(e));
                v.body.iter().for_each(|b| self.body(None, b));
            }
            Item::Let(l) => {
                self.declare(self.here(Symbol::Local, &l.name), l.name.span);
                self.expr(&l.value);
            }
            Item::Output(o) => {
                self.declare(self.here(Symbol::Output, &o.name), o.name.span);
                self.expr(&o.value);
            }
            Item::Resource(block) | Item::Existing(block) => self.block(block),
            Item::Moved(moved) => {
                self.target(&moved.from);
                self.target(&moved.to);
            }
            Item::Policy(policy) => {
                self.declare(self.here(Symbol::Policy, &policy.name), policy.name.span);
                self.body(None, &policy.body);
            }
            Item::Waive(waive) => self.add(self.here(Symbol::Policy, &waive.policy), waive.policy.span),
            Item::Module(module) => self.uses(module),
            Item::Extend(extend) => {
                self.expr(&extend.target);
                let kind = if let ExprKind::Field(base, _) = &extend.target.kind { word(base) } else { None };
                self.each(extend.each.as_ref(), |walk| walk.body(kind.as_ref(), &extend.body));
            }
            Item::Import(import) => {
                self.target(&import.to);
                self.expr(&import.from);
            }
            Item::Forget(forget) => self.target(&forget.target),
            Item::Test(test) => self.body(None, &test.body),
            Item::Neighbour(n) => self.declare(self.here(Symbol::Neighbour, &n.name), n.name.span),
        }
    }

    fn block(&mut self, block: &'a ast::Block) {
        let kind = &block.kind.text;
        self.add(Symbol::Kind(kind.clone()), block.kind.span);
        self.declare(Symbol::Resource(self.directory.clone(), kind.clone(), block.name.text.clone()), block.name.span);
        self.each(block.each.as_ref(), |walk| walk.body(Some(kind), &block.body));
    }

    fn uses(&mut self, module: &'a ast::Module) {
        self.declare(self.here(Symbol::Module, &module.name), module.name.span);
        let inside = self.module(&self.directory, &module.name.text);
        self.each(module.each.as_ref(), |walk| {
            for entry in &module.body.entries {
                if let (Entry::Attribute(input), Some(inside)) = (entry, &inside) {
                    walk.add(Symbol::Local(inside.clone(), input.name.text.clone()), input.name.span);
                }
                walk.entry(None, entry);
            }
        });
    }

    fn target(&mut self, target: &Target) {
        let mut directory = Some(self.directory.clone());
        for (module, _) in &target.modules {
            let Some(from) = directory else { return };
            self.add(Symbol::Module(from.clone(), module.text.clone()), module.span);
            directory = self.module(&from, &module.text);
        }
        let Some(directory) = directory else { return };
        self.add(Symbol::Kind(target.kind.text.clone()), target.kind.span);
        self.add(Symbol::Resource(directory, target.kind.text.clone(), target.name.text.clone()), target.name.span);
    }

    /// What stands under a `for` or an `if`.
    fn each(&mut self, each: Option<&'a Each>, inner: impl FnOnce(&mut Self)) {
        match each {
            Some(Each::For(clause)) => self.clause(clause, inner),
            Some(Each::If(condition)) => {
                self.expr(condition);
                inner(self);
            }
            Some(Each::All(_)) | None => inner(self),
        }
    }

    fn clause(&mut self, clause: &'a ForClause, inner: impl FnOnce(&mut Self)) {
        self.expr(&clause.of);
        let before = self.bound.len();
        self.bound.extend(clause.key.iter().chain([&clause.value]));
        for name in clause.key.iter().chain([&clause.value]) {
            self.declare(Symbol::Bound(name.span), name.span);
        }
        clause.condition.iter().for_each(|c| self.expr(c));
        inner(self);
        self.bound.truncate(before);
    }

    fn body(&mut self, kind: Option<&Arc<str>>, body: &'a ast::Body) {
        body.entries.iter().for_each(|entry| self.entry(kind, entry));
    }

    fn entry(&mut self, kind: Option<&Arc<str>>, entry: &'a Entry) {
        match entry {
            Entry::Attribute(attribute) => {
                if let Some(kind) = kind {
                    self.add(Symbol::Attribute(kind.clone(), attribute.name.text.clone()), attribute.name.span);
                }
                self.expr(&attribute.value);
            }
            Entry::With(attribute) => {
                self.add(self.here(Symbol::Local, &attribute.name), attribute.name.span);
                self.expr(&attribute.value);
            }
            Entry::Sentence(sentence) => {
                if let Some(kind) = kind {
                    self.add(Symbol::Sentence(kind.clone(), sentence.head.text.clone()), sentence.head.span);
                }
                let exprs = sentence.terms.iter().filter_map(|t| if let Term::Expr(e) = t { Some(e) } else { None });
                exprs.for_each(|e| self.expr(e));
            }
            Entry::Block(block) => {
                // What AWS gives has a block in that of its VPC.
                let given = resources::spec(&block.name.text).map(|_| &block.name.text);
                given.into_iter().for_each(|kind| self.add(Symbol::Kind(kind.clone()), block.name.span));
                self.body(given, &block.body);
            }
            Entry::For(block) => self.clause(&block.clause, |walk| walk.body(kind, &block.body)),
            Entry::If(block) => {
                self.expr(&block.condition);
                self.body(kind, &block.body);
                block.otherwise.iter().for_each(|b| self.body(kind, b));
            }
        }
    }

    fn expr(&mut self, expr: &'a Expr) {
        match &expr.kind {
            ExprKind::Name(name) => {
                let symbol = match self.bound.iter().rev().find(|b| b.text == *name) {
                    Some(bound) => Symbol::Bound(bound.span),
                    None if self.has_neighbour(name) => Symbol::Neighbour(self.directory.clone(), name.clone()),
                    None => Symbol::Local(self.directory.clone(), name.clone()),
                };
                self.add(symbol, expr.span);
            }
            ExprKind::Net(text) => self.add(Symbol::Network(text.clone()), expr.span),
            ExprKind::Field(base, name) => self.field(base, name),
            ExprKind::Call(name, arguments) => {
                self.add(Symbol::Function(name.text.clone()), name.span);
                arguments.iter().for_each(|e| self.expr(e));
            }
            ExprKind::Text(pieces) => {
                pieces.iter().for_each(|p| {
                    if let Piece::Value(e) = p {
                        self.expr(e)
                    }
                });
            }
            ExprKind::ServiceOf(_, ports) => ports.iter().for_each(|(low, high)| {
                self.expr(low);
                high.iter().for_each(|e| self.expr(e));
            }),
            ExprKind::List(all) => all.iter().for_each(|e| self.expr(e)),
            ExprKind::Map(all) => all.iter().for_each(|(_, e)| self.expr(e)),
            ExprKind::Splat(of) | ExprKind::Unary(_, of) => self.expr(of),
            ExprKind::Index(a, b) | ExprKind::Binary(_, a, b) => {
                self.expr(a);
                self.expr(b);
            }
            ExprKind::If(a, b, c) => [a, b, c].into_iter().for_each(|e| self.expr(e)),
            ExprKind::ForList(clause, value) => self.clause(clause, |walk| walk.expr(value)),
            ExprKind::ForMap(clause, key, value) => self.clause(clause, |walk| {
                walk.expr(key);
                walk.expr(value);
            }),
            ExprKind::Null
            | ExprKind::Bool(_)
            | ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Service(_)
            | ExprKind::Duration(_)
            | ExprKind::Error => {}
        }
    }

    /// `vpc.main`, `vpc.main.cidr_block`, `module.edge`, `module.edge.address`.
    fn field(&mut self, base: &'a Expr, name: &'a Name) {
        let free = |walk: &Self, word: &str| walk.bound.iter().all(|b| &*b.text != word);
        if let Some(head) = word(base).filter(|w| free(self, w)) {
            if &*head == "module" {
                return self.add(self.here(Symbol::Module, name), name.span);
            }
            if resources::spec(&head).is_some() {
                self.add(Symbol::Kind(head.clone()), base.span);
                return self.add(Symbol::Resource(self.directory.clone(), head, name.text.clone()), name.span);
            }
        }
        self.expr(base);
        let inner = if let ExprKind::Index(of, _) | ExprKind::Splat(of) = &base.kind { of } else { base };
        if let ExprKind::Field(first, second) = &inner.kind
            && let Some(head) = word(first)
        {
            if &*head == "module" {
                let inside = self.module(&self.directory, &second.text);
                inside.into_iter().for_each(|d| self.add(Symbol::Output(d, name.text.clone()), name.span));
            } else if resources::spec(&head).is_some() {
                self.add(Symbol::Attribute(head, name.text.clone()), name.span);
            }
        }
    }
}

/// A bare word.
fn word(expr: &Expr) -> Option<Arc<str>> {
    if let ExprKind::Name(name) = &expr.kind { Some(name.clone()) } else { None }
}
