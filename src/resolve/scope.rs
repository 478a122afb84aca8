//! What is declared, by name. Layer 4; evaluates nothing.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::{
    base::{
        address::Address,
        codes::name as codes,
        diagnostic::{Sink, nearest},
        span::Span,
    },
    registry::Spec,
    resources,
    syntax::ast,
};

/// Kind and name (or `variable` and name) of items that are in the text but could not be parsed.
pub type Lost = BTreeSet<(String, String)>;

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
    pub(super) block: &'a ast::Block,
    pub(super) existing: bool,
    /// `None` for a kind that there is none of, which was reported.
    pub(super) spec: Option<&'static Spec>,
    pub(super) address: Address,
    /// Each name once: the first of its attributes.
    pub(super) attributes: Vec<&'a ast::Attribute>,
    by_name: HashMap<&'a str, usize>,
}

impl<'a> Declared<'a> {
    pub(super) fn attribute(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// Kind and name in the source.
    pub(super) fn header(&self) -> Span {
        self.block.kind.span.to(self.block.name.span)
    }
}

/// Everything that has a name.
#[derive(Default)]
pub(super) struct Scope<'a> {
    pub(super) locals: Vec<Local<'a>>,
    pub(super) blocks: Vec<Declared<'a>>,
    pub(super) outputs: Vec<&'a ast::Output>,
    pub(super) policies: Vec<&'a ast::Policy>,
    pub(super) waived: Vec<&'a ast::Waive>,
    pub(super) moved: Vec<&'a ast::Moved>,
    pub(super) projects: Vec<&'a ast::Project>,
    local_by_name: HashMap<&'a str, usize>,
    block_by_name: HashMap<(&'a str, &'a str), usize>,
    kinds: HashSet<&'a str>,
    lost: Lost,
}

/// Values that have a word of their own wherever no local name takes it.
pub(super) const WORDS: &[&str] = &["anywhere", "internet", "any", "all", "tcp", "udp", "icmp", "icmpv6"];

impl<'a> Scope<'a> {
    /// Collects the declarations of all files; what has a name twice is reported and left out.
    pub(super) fn new(files: &'a [ast::File], lost: Lost, sink: &mut Sink) -> Self {
        let mut scope = Self { lost, ..Self::default() };
        for item in files.iter().flat_map(|f| &f.items) {
            match item {
                ast::Item::Project(project) => scope.projects.push(project),
                ast::Item::Variable(variable) => scope.local(Local::Variable(variable), sink),
                ast::Item::Let(binding) => scope.local(Local::Let(binding), sink),
                ast::Item::Resource(block) => scope.block(block, false, sink),
                ast::Item::Existing(block) => scope.block(block, true, sink),
                ast::Item::Output(output) => scope.outputs.push(output),
                ast::Item::Moved(moved) => scope.moved.push(moved),
                ast::Item::Policy(policy) => scope.policies.push(policy),
                ast::Item::Waive(waive) => scope.waived.push(waive),
                ast::Item::Module(_)
                | ast::Item::Extend(_)
                | ast::Item::Import(_)
                | ast::Item::Forget(_)
                | ast::Item::Test(_)
                | ast::Item::Env(_)
                | ast::Item::Neighbour(_) => {}
            }
        }
        once(&mut scope.outputs, |o| &o.name, "output", sink);
        once(&mut scope.policies, |p| &p.name, "policy", sink);
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
        let key = (&*block.kind.text, &*block.name.text);
        if let Some(first) = self.block_by_name.get(&key).and_then(|i| self.blocks.get(*i)) {
            let what = format!("`{}`", first.address);
            sink.push(codes::duplicate(&what, block.name.span, first.block.name.span));
            return;
        }
        let mut declared = Declared {
            block,
            existing,
            spec: resources::spec(&block.kind.text),
            address: Address::new(&block.kind.text, &block.name.text),
            attributes: vec![],
            by_name: HashMap::new(),
        };
        for entry in &block.body.entries {
            let ast::Entry::Attribute(attribute) = entry else { continue };
            let name = &attribute.name;
            match declared.by_name.get(&*name.text).and_then(|i| declared.attributes.get(*i)) {
                Some(first) => sink.push(codes::duplicate(&format!("`{}`", name.text), name.span, first.name.span)),
                None => {
                    declared.by_name.insert(&name.text, declared.attributes.len());
                    declared.attributes.push(attribute);
                }
            }
        }
        self.kinds.insert(&block.kind.text);
        self.block_by_name.insert(key, self.blocks.len());
        self.blocks.push(declared);
    }

    pub(super) fn find_local(&self, name: &str) -> Option<usize> {
        self.local_by_name.get(name).copied()
    }

    pub(super) fn find_block(&self, kind: &str, name: &str) -> Option<usize> {
        self.block_by_name.get(&(kind, name)).copied()
    }

    pub(super) fn find_address(&self, address: &Address) -> Option<usize> {
        self.find_block(address.kind(), address.name())
    }

    /// Whether a word is a kind, or stands as one in a block.
    pub(super) fn is_kind(&self, word: &str) -> bool {
        resources::spec(word).is_some() || self.kinds.contains(word) || self.lost.iter().any(|(kind, _)| kind == word)
    }

    /// Whether an item of this name was there, but could not be parsed.
    pub(super) fn is_lost(&self, kind: &str, name: &str) -> bool {
        self.lost.contains(&(kind.to_owned(), name.to_owned()))
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
        let of_kind = || self.blocks.iter().filter(|b| &*b.block.kind.text == kind);
        let name = nearest(word, of_kind().map(|b| &*b.block.name.text));
        let name = name.or_else(|| {
            let mut all = of_kind();
            let only = all.next().filter(|_| all.next().is_none())?;
            Some(&*only.block.name.text)
        })?;
        self.blocks.get(self.find_block(kind, name)?)
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
