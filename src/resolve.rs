//! From ASTs and Specs to the model. Layer 4: total, does no I/O, knows no state and no plan.
//!
//! What is wrong is reported and becomes [`Value::Error`], which silences whatever follows from it: ten broken blocks
//! give ten messages, and the rest still resolves.

mod access;
mod account;
mod ask;
mod backend;
mod cell;
mod convert;
mod cycle;
mod env;
mod evaluate;
mod function;
mod kept;
mod lifecycle;
mod literal;
mod module;
mod neighbour;
mod operator;
mod policy;
mod project;
mod repeat;
mod resource;
mod scope;
mod sensitive;
mod sentence;
mod settle;
mod space;
mod statement;
mod template;
mod test;
mod variable;
mod walk;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    base::{
        codes::{env as env_codes, module as module_codes, name as codes, neighbour as neighbour_codes},
        diagnostic::Sink,
        disk::Disk,
        source,
        span::{FileId, Span},
    },
    schema::{
        ask::Answers,
        model::{Model, Output, Resource},
        resources::Resources,
        value::Value,
    },
    syntax::ast,
};

use cell::Resolver;
use scope::{Local, Scope};
use space::{Bindings, Cell, Here};

pub use crate::syntax::words::STATEMENTS;
pub use env::{Chosen, Identity, identity, is_word};
pub use function::{Function, functions};
pub use kept::Kept;
pub use neighbour::{Neighbours, Published};
pub use scope::{Directory, Lost};
pub use test::{Count, Demands, Expected, Fault};
pub use variable::{read_expression, read_file, shift, shifted};

/// What resolution starts from.
#[derive(Default)]
pub struct Sources<'a> {
    /// Every source file, of the project and of its modules.
    pub files: &'a [Arc<ast::File>],
    /// The directories that they are in; the first is the project's own.
    pub directories: &'a [Directory],
    /// Those of the files that are imposed on the project from outside.
    pub imposed: BTreeSet<FileId>,
    /// What stands in the files and could not be parsed: references to it are no mistake of their own.
    pub lost: Lost,
    /// Values of variables from the environment, without `SECNET_VAR_`; the weakest.
    pub environment: BTreeMap<String, String>,
    /// Values of variables from files, in order; a later one wins.
    pub written: Vec<ast::Attribute>,
    /// Values of variables from the command line, in order; the strongest.
    pub arguments: Vec<(String, String)>,
    /// What files are read through, if any may be.
    pub disk: Option<&'a dyn Disk>,
    /// The environment that the run is for.
    pub chosen: Option<Chosen>,
    /// Outputs of the other projects that the project names.
    pub neighbours: Neighbours,
    /// What EC2 has answered to what the project asks first.
    pub answers: Answers,
    /// What the model is wanted for.
    pub purpose: Purpose<'a>,
    /// What is kept from one text to the next, if anything is, and the texts of the files.
    pub kept: Option<(&'a Kept, &'a source::Sources)>,
}

/// What a model is wanted for.
#[derive(Debug, Clone, Copy, Default)]
pub enum Purpose<'a> {
    /// The project as it is.
    #[default]
    Plan,
    /// The project with the values of a test of its own directory. It needs no `project` block, and modules have none.
    Test(&'a ast::Test),
    /// The value of an expression. It needs no `project` block either.
    Value(&'a ast::Expr),
}

/// What comes of a project.
#[derive(Debug, Default)]
pub struct Resolved {
    /// What it says.
    pub model: Model,
    /// What the test demands.
    pub demands: Option<Demands>,
    /// What the expression is, and its type in words.
    pub value: Option<(Value, String)>,
    /// What each `let` is worth, by where its name stands; one that is worth several things, in several uses of a module, is left out.
    pub named: BTreeMap<Span, Value>,
}

/// The model of a project. What is wrong goes to `sink`; the model holds the rest.
pub fn resolve(sources: Sources<'_>, sink: &mut Sink) -> Resolved {
    let broken: Vec<Span> = sink.all.iter().filter_map(|d| d.labels.first()).map(|l| l.span).collect();
    let scopes: Vec<Scope<'_>> = sources.directories.iter().map(|d| Scope::new(d, sources.files, sources.lost.clone(), sink)).collect();
    for project in scopes.iter().skip(1).flat_map(|s| &s.projects) {
        sink.push(module_codes::project(project.name.span));
    }
    scopes.iter().skip(1).flat_map(|s| &s.envs).for_each(|env| sink.push(env_codes::in_module(env.name.span)));
    scopes.iter().skip(1).flat_map(|s| &s.neighbours).for_each(|n| sink.push(neighbour_codes::in_module(n.span)));
    let purpose = sources.purpose;
    let mut keeps = sources.kept.map(|(kept, texts)| (kept, kept::Texts::of(&sources, texts)));
    let (unchanged, tracer) = keeps.as_ref().map(|(kept, texts)| kept.begin(purpose, texts, scopes.first())).unwrap_or_default();
    let mut given = match scopes.first() {
        Some(own) => variable::given(own, &sources.environment, &sources.written, &sources.arguments, sink),
        None => BTreeMap::new(),
    };
    let with = if let Purpose::Test(test) = purpose { test::values(test) } else { BTreeMap::new() };
    given.retain(|name, _| !with.contains_key(&**name));
    let shelf = template::Shelf::default();
    let mut resolver = Resolver::new(scopes, given, broken, sink);
    (resolver.unchanged, resolver.tracer) = (unchanged, tracer);
    resolver.scopes.first_mut().into_iter().for_each(|own| own.looked = resolver.tracer.as_ref().map(|_| RefCell::default()));
    resolver.imposed = sources.imposed;
    resolver.disk = sources.disk;
    resolver.templates.shelf = Some(&shelf);
    resolver.with = with;
    resolver.needs_project = matches!(purpose, Purpose::Plan);
    resolver.neighbours = sources.neighbours;
    resolver.answers = sources.answers;
    resolver.enter(kept::Name::Settings);
    let mut model = Model { project: resolver.project(), ..Model::default() };
    resolver.environments(&mut model.project, sources.chosen.as_ref());
    model.project.accounts = resolver.accounts(&model.project);
    resolver.accounts.clone_from(&model.project.accounts);
    resolver.region.clone_from(&model.project.region);
    resolver.expand_modules();
    resolver.leave();
    resolver.resources(&mut model);
    let given = keeps.as_ref().map(|_| resolver.own(&model.resources));
    for space in 0..resolver.spaces.len() {
        resolver.at(Here { space, bindings: None }, |this| this.values(&mut model));
    }
    let (mut demands, mut value) = (None, None);
    match purpose {
        Purpose::Plan => resolver.check_tests(&model.policies),
        Purpose::Test(test) => demands = Some(resolver.demands(test, Some(&model.policies))),
        Purpose::Value(expr) => value = Some(resolver.answer(expr)),
    }
    let about_unused = demands.as_ref().is_some_and(test::Demands::is_about_unused);
    if about_unused {
        // What the other tests name is used; what is wrong with them is theirs.
        let before = resolver.sink.all.len();
        resolver.check_tests(&model.policies);
        resolver.sink.all.truncate(before);
    }
    // A name that is misspelt, or that stands in what could not be read, makes another one look unused.
    if (about_unused || matches!(purpose, Purpose::Plan)) && !resolver.sink.has_errors() {
        resolver.unused();
    }
    let named = resolver.named();
    if let (Some((kept, texts)), Some(tracer), Some(given)) = (keeps.take(), resolver.tracer.take(), given) {
        kept.end(texts, tracer, resolver.scopes.first(), given);
    }
    model.sensitive = std::mem::take(&mut resolver.concealed);
    resolver.asked(&mut model);
    match sources.kept {
        Some((kept, _)) => kept.settled(&mut model, sink),
        None => settle::settle(&mut model, sink),
    }
    Resolved { model, demands, value, named }
}

impl<'a> Resolver<'a, '_> {
    /// Every resource, of every use of every directory.
    fn resources(&mut self, model: &mut Model) {
        let files = self.take_over_files(model);
        for space in 0..self.spaces.len() {
            for block in 0..self.scope_of(space).map_or(0, |s| s.blocks.len()) {
                let file = self.scope_of(space).filter(|_| space == 0).and_then(|s| s.blocks.get(block)).map(|b| b.block.span.file());
                if file.is_some_and(|file| files.contains(&file)) {
                    continue;
                }
                if let Some(at) = self.scope_of(space).and_then(|s| s.blocks.get(block)).map(scope::Declared::header) {
                    self.work_out(Cell::Instances(space, block), at);
                }
                let all = self.instances(space, block).len();
                if !self.takes_over(space, block, all, model) {
                    self.resources_of(space, block, all, model);
                }
                if all == 0 {
                    self.at(Here { space, bindings: None }, |this| this.names_of(block));
                }
            }
        }
    }

    /// Takes the resources of those files from the text before that nothing concerns; gives the files.
    fn take_over_files(&mut self, model: &mut Model) -> BTreeSet<FileId> {
        let whole = std::mem::take(&mut self.unchanged.whole);
        model.resources = std::mem::take(&mut self.unchanged.resources);
        for name in whole.values().flat_map(|group| &group.used) {
            self.scopes.first_mut().into_iter().for_each(|scope| scope.use_local(name));
        }
        let files = whole.keys().copied().collect();
        if let Some(tracer) = &mut self.tracer {
            tracer.keep_whole(whole);
        }
        files
    }

    /// What the project's own blocks gave.
    fn own(&self, resources: &Resources) -> Resources {
        let mut own = resources.clone();
        if self.spaces.len() > 1 {
            own.retain(|address, _| address.module().is_empty());
        }
        own
    }

    /// The resources of a block, and whatever was learned on the way.
    fn resources_of(&mut self, space: usize, block: usize, all: usize, model: &mut Model) {
        self.enter_block(space, block);
        for instance in 0..all {
            let bindings: Bindings<'a> = self.instance(space, block, instance).and_then(|i| i.bindings.clone());
            let resource = self.at(Here { space, bindings }, |this| this.resource(block, instance)).map(Arc::new);
            if let (Some(trace), Some(resource)) = (self.tracer.as_mut().and_then(|t| t.current()), &resource) {
                trace.resources.push(resource.clone());
            }
            model.resources.extend(resource.map(|r| (r.address.clone(), r)));
        }
        self.leave_complete();
    }

    /// Takes a block's resources from the text before, if nothing has touched them since; says whether it did.
    fn takes_over(&mut self, space: usize, block: usize, all: usize, model: &mut Model) -> bool {
        let Some(address) = self.scope_of(space).and_then(|s| s.blocks.get(block)).map(|b| b.address().clone()) else { return false };
        let Some(trace) = (if space == 0 { self.unchanged.take(&address) } else { None }) else { return false };
        let same = |(n, resource): (usize, &Arc<Resource>)| self.instance(space, block, n).is_some_and(|i| i.address == resource.address);
        if trace.resources.len() != all || !trace.resources.iter().enumerate().all(same) {
            return false;
        }
        model.resources.extend(trace.resources.iter().map(|r| (r.address.clone(), r.clone())));
        for name in &trace.used {
            self.scopes.first_mut().into_iter().for_each(|scope| scope.use_local(name));
        }
        if let Some(tracer) = &mut self.tracer {
            tracer.keep(address, trace);
        }
        true
    }

    /// Reports unknown names in a block of which there is none: they are no less wrong.
    fn names_of(&mut self, block: usize) {
        let Some(declared) = self.scope().and_then(|s| s.blocks.get(block)) else { return };
        let names: Vec<&str> = match &declared.block.each {
            Some(ast::Each::For(clause)) => clause.key.iter().chain([&clause.value]).map(|n| &*n.text).collect(),
            _ => vec![],
        };
        for attribute in declared.attributes().to_vec() {
            self.walk_bound(&attribute.value, &names, &mut vec![]);
        }
    }

    /// What a directory says besides its resources, here.
    fn values(&mut self, model: &mut Model) {
        let space = self.here.space;
        for i in 0..self.scope().map_or(0, |s| s.locals.len()) {
            if let Some(at) = self.scope().and_then(|s| s.locals.get(i)).map(|l| l.name().span) {
                self.work_out(Cell::Local(space, i), at);
            }
        }
        self.variable_bodies();
        for (i, output) in self.scope().map(|s| s.outputs.clone()).unwrap_or_default().into_iter().enumerate() {
            let value = self.cell(Cell::Output(space, i), output.name.span);
            let sensitive = self.output_body(output);
            if !self.is_module(space) {
                if value.is_sensitive() && !sensitive {
                    self.sink.push(crate::base::codes::sensitive::output(&output.name.text, output.value.span));
                }
                let description = output.description.as_ref().map(|d| d.text.to_string());
                model.outputs.insert(output.name.text.to_string(), Output { value, description, sensitive, span: output.name.span });
            }
        }
        for policy in self.scope().map(|s| s.policies.clone()).unwrap_or_default() {
            let policy = self.policy(policy);
            model.policies.push(policy);
        }
        self.waivers(&mut model.policies);
        self.extensions(model);
        let moved = self.moved(&model.moved);
        model.moved.extend(moved);
        self.imports(model);
        self.forgotten(model);
    }

    /// The value of an expression in the project's own directory, and its type in words.
    fn answer(&mut self, expr: &'a ast::Expr) -> (Value, String) {
        let value = self.value(expr);
        let ty = match &value {
            Value::Attribute(address, name) => convert::attribute_type(address, name),
            other => Some(convert::type_of(other)),
        };
        let words = ty.map_or_else(|| "any".to_owned(), |ty| ty.to_string());
        (value, words)
    }

    fn unused(&mut self) {
        let mut found = vec![];
        for scope in &self.scopes {
            for (local, _) in scope.locals.iter().zip(&scope.used).filter(|(_, used)| !**used) {
                let name = local.name();
                found.push(match local {
                    Local::Variable(_) => codes::unused_variable(&name.text, name.span),
                    Local::Let(_) => codes::unused_let(&name.text, name.span),
                });
            }
        }
        self.sink.all.append(&mut found);
    }
}

/// Whether a value of an output, say, holds something that was reported.
#[must_use]
pub fn is_broken(value: &Value) -> bool {
    convert::is_broken(value)
}
