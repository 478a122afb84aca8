//! Where names are looked up: a directory's declarations as often as the directory is used. Layer 4.
//!
//! A [`Space`] is one use of a directory: the project itself, or one module call. What is worked out of it is kept here,
//! cell by cell; the declarations themselves are in [`Scope`](super::scope::Scope), once for each directory.

use std::{borrow::Cow, cell::OnceCell, collections::HashMap, rc::Rc, sync::Arc};

use crate::{
    base::address::{Address, Key},
    resolve::scope::{Declared, Scope},
    schema::{resources::Quick, value::Value},
    syntax::ast::Each,
};

/// A named value, or what decides how many of something there are. The first number is always the space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cell {
    /// A variable or `let`.
    Local(usize, usize),
    /// An output, of a module or of the project.
    Output(usize, usize),
    /// A written attribute: block, instance, attribute.
    Attribute(usize, usize, usize, usize),
    /// Which there are of a block.
    Instances(usize, usize),
    /// Which there are of a module call.
    Calls(usize, usize),
}

/// How far a value is worked out.
#[derive(Debug, Default)]
pub(super) enum State {
    #[default]
    New,
    Open,
    Done(Value),
}

/// How far it is known which there are of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Extent {
    #[default]
    New,
    Open,
    Done,
    /// What it depends on was reported.
    Broken,
}

/// A name that holds within a `for`, and those around it.
pub(super) struct Binding<'a> {
    name: Cow<'a, str>,
    value: Value,
    outer: Bindings<'a>,
}

/// The innermost binding, if there is one.
pub(super) type Bindings<'a> = Option<Rc<Binding<'a>>>;

/// Adds a name to those that hold.
pub(super) fn bind<'a>(name: impl Into<Cow<'a, str>>, value: Value, outer: &Bindings<'a>) -> Bindings<'a> {
    Some(Rc::new(Binding { name: name.into(), value, outer: outer.clone() }))
}

/// The value of a name that holds within a `for`.
pub(super) fn bound<'b>(bindings: &'b Bindings<'_>, name: &str) -> Option<&'b Value> {
    let mut at = bindings.as_deref();
    while let Some(binding) = at {
        if binding.name == name {
            return Some(&binding.value);
        }
        at = binding.outer.as_deref();
    }
    None
}

/// Every name that holds within a `for`, innermost first.
pub(super) fn all_bound<'b>(bindings: &'b Bindings<'_>) -> Vec<(&'b str, &'b Value)> {
    let mut found = vec![];
    let mut at = bindings.as_deref();
    while let Some(binding) = at {
        found.push((&*binding.name, &binding.value));
        at = binding.outer.as_deref();
    }
    found
}

/// Where an expression is evaluated.
#[derive(Clone, Default)]
pub(super) struct Here<'a> {
    pub(super) space: usize,
    pub(super) bindings: Bindings<'a>,
}

/// One resource of a block.
pub(super) struct Instance<'a> {
    pub(super) address: Address,
    pub(super) bindings: Bindings<'a>,
    /// As far as anybody has asked; those that are missing are new.
    pub(super) attributes: Vec<State>,
}

/// The resources of a block.
#[derive(Default)]
pub(super) struct Instances<'a> {
    pub(super) extent: Extent,
    /// What there is one of is there when somebody first asks.
    pub(super) all: OnceCell<Vec<Instance<'a>>>,
    /// Where the block says `for`.
    pub(super) by_key: HashMap<Key, usize, Quick>,
}

/// The uses of a module call: each its key, if any, and its space.
#[derive(Default)]
pub(super) struct Calls {
    pub(super) extent: Extent,
    pub(super) all: Vec<(Option<Key>, usize)>,
}

/// One use of a directory.
pub(super) struct Space<'a> {
    /// Whose declarations.
    pub(super) scope: usize,
    /// `module.edge["a"]`; empty for the project itself.
    pub(super) path: Arc<str>,
    /// The module call that it comes from: its space and index, and what holds there.
    pub(super) caller: Option<(usize, usize, Bindings<'a>)>,
    pub(super) locals: Vec<State>,
    pub(super) outputs: Vec<State>,
    pub(super) blocks: Vec<Instances<'a>>,
    pub(super) calls: Vec<Calls>,
}

impl<'a> Space<'a> {
    /// Nothing of it is worked out; blocks of which there is one by plain words are there at once.
    pub(super) fn new(index: usize, scope: &Scope<'a>, path: Arc<str>, caller: Option<(usize, usize, Bindings<'a>)>) -> Self {
        let extent = |each: &Option<Each>| if each.is_some() { Extent::New } else { Extent::Done };
        let blocks = scope.blocks.iter().map(|declared| Instances { extent: extent(&declared.block.each), ..Instances::default() });
        Self {
            scope: index,
            blocks: blocks.collect(),
            locals: scope.locals.iter().map(|_| State::New).collect(),
            outputs: scope.outputs.iter().map(|_| State::New).collect(),
            calls: scope.calls.iter().map(|_| Calls::default()).collect(),
            path,
            caller,
        }
    }

    /// All that is found so far of a block of its scope.
    pub(super) fn instances(&self, scope: &Scope<'a>, block: usize) -> &[Instance<'a>] {
        let one = |declared: &Declared<'a>| {
            let address = match &*self.path {
                "" => declared.address().clone(),
                path => Address::within(path, &declared.kind().text, &declared.block.name.text, None),
            };
            Instance { address, bindings: None, attributes: vec![] }
        };
        let Some(instances) = self.blocks.get(block) else { return &[] };
        let plain = || scope.blocks.get(block).filter(|d| d.block.each.is_none()).map(one).into_iter().collect();
        if instances.extent == Extent::Done { instances.all.get_or_init(plain) } else { &[] }
    }
}

/// The key that a value gives; `None` if it can be none.
pub(super) fn key_of(value: &Value) -> Option<Key> {
    match value {
        Value::Text(text) => Some(Key::Text(text.clone())),
        Value::Int(n) => Some(Key::Int(*n)),
        Value::Cidr(_) | Value::Ip(_) => Some(Key::Text(value.to_string().into())),
        _ => None,
    }
}

/// A key as the key of a map.
pub(super) fn key_text(key: &Key) -> String {
    match key {
        Key::Text(text) => text.to_string(),
        Key::Int(n) => n.to_string(),
    }
}
