//! From ASTs and Specs to the model. Layer 4: total, does no I/O, knows no state and no plan.
//!
//! What is wrong is reported and becomes [`Value::Error`], which silences whatever follows from it: ten broken blocks
//! give ten messages, and the rest still resolves.

mod convert;
mod cycle;
mod evaluate;
mod function;
mod literal;
mod operator;
mod policy;
mod project;
mod resource;
mod scope;
mod sentence;
mod variable;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::{
        address::Address,
        codes::name as codes,
        diagnostic::Sink,
        span::{FileId, Span},
    },
    resources,
    schema::{
        model::{Model, Moved, Output},
        value::Value,
    },
    syntax::ast,
};

use evaluate::Resolver;
use scope::{Local, Scope};

pub use scope::Lost;
pub use variable::{read_file, shift};

/// What resolution starts from.
#[derive(Default)]
pub struct Sources<'a> {
    /// Every source file of the project.
    pub files: &'a [ast::File],
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
}

/// The model of a project. What is wrong goes to `sink`; the model holds the rest.
pub fn resolve(sources: Sources<'_>, sink: &mut Sink) -> Model {
    let broken: Vec<Span> = sink.all.iter().filter_map(|d| d.labels.first()).map(|l| l.span).collect();
    let scope = Scope::new(sources.files, sources.lost, sink);
    let given = variable::given(&scope, &sources.environment, &sources.written, &sources.arguments, sink);
    let mut resolver = Resolver::new(scope, given, broken, sink);
    resolver.imposed = sources.imposed;
    let mut model = Model { project: resolver.project(), ..Model::default() };
    for i in 0..resolver.scope.blocks.len() {
        let resource = resolver.resource(i);
        model.resources.extend(resource.map(|r| (r.address.clone(), r)));
    }
    for local in 0..resolver.scope.locals.len() {
        resolver.local(local);
    }
    resolver.variable_bodies();
    for output in resolver.scope.outputs.clone() {
        let value = resolver.value(&output.value);
        let description = output.description.as_ref().map(|d| d.text.to_string());
        model.outputs.insert(output.name.text.to_string(), Output { value, description, sensitive: false, span: output.name.span });
    }
    for policy in resolver.scope.policies.clone() {
        let policy = resolver.policy(policy);
        model.policies.push(policy);
    }
    resolver.waivers(&mut model.policies);
    model.moved = resolver.moved();
    // A name that is misspelt, or that stands in what could not be read, makes another one look unused.
    if !resolver.sink.has_errors() {
        resolver.unused();
    }
    cycle::report(&model, sink);
    with_parts(&mut model, sink);
    for spec in resources::ALL {
        (spec.check)(&model, sink);
    }
    model
}

/// Adds the parts of every managed resource, for which the model must hold them all.
fn with_parts(model: &mut Model, sink: &mut Sink) {
    let mut parts = vec![];
    for resource in model.resources.values().filter(|r| !r.existing) {
        if let Some(spec) = resources::spec(resource.address.kind()) {
            parts.push((resource.address.clone(), (spec.desired_parts)(resource, model, sink)));
        }
    }
    for (address, parts) in parts {
        if let Some(resource) = model.resources.get_mut(&address) {
            resource.parts = parts;
        }
    }
}

impl Resolver<'_, '_> {
    /// Works a local name out, whether anything uses it or not.
    fn local(&mut self, i: usize) {
        if let Some(local) = self.scope.locals.get(i) {
            let at = local.name().span;
            self.cell(evaluate::Cell::Local(i), at);
        }
    }

    fn unused(&mut self) {
        for (i, local) in self.scope.locals.iter().enumerate() {
            if self.is_used(i) {
                continue;
            }
            let name = local.name();
            self.sink.push(match local {
                Local::Variable(_) => codes::unused_variable(&name.text, name.span),
                Local::Let(_) => codes::unused_let(&name.text, name.span),
            });
        }
    }

    fn moved(&mut self) -> Vec<Moved> {
        let mut found: Vec<Moved> = vec![];
        let mut targets: BTreeSet<Address> = BTreeSet::new();
        for moved in self.scope.moved.clone() {
            let address = |target: &ast::Target| Address::new(&target.kind.text, &target.name.text);
            let span = |target: &ast::Target| target.span;
            let (from, to) = (address(&moved.from), address(&moved.to));
            let (from_at, to_at) = (span(&moved.from), span(&moved.to));
            let target = self.scope.find_address(&to).and_then(|i| self.scope.blocks.get(i));
            let source = self.scope.find_address(&from).and_then(|i| self.scope.blocks.get(i));
            let diagnostic = if resources::spec(to.kind()).is_none() || resources::spec(from.kind()).is_none() {
                let kind = if resources::spec(from.kind()).is_none() { &moved.from.kind } else { &moved.to.kind };
                codes::unknown_kind(&kind.text, kind.span, crate::base::diagnostic::nearest(&kind.text, evaluate::kinds()))
            } else if from.kind() != to.kind() {
                let message = format!("`{from}` cannot become `{to}`: the kinds differ");
                codes::moved(message, to_at, Some((from_at, "another kind")), "a resource keeps its kind; remove the statement".into())
            } else if let Some(source) = source {
                let message = format!("`{from}` is still in the sources");
                let help = format!("remove the block `{from}`, or this statement");
                codes::moved(message, from_at, Some((source.header(), "here")), help)
            } else if target.is_none() && self.scope.is_lost(to.kind(), to.name()) {
                continue;
            } else if target.is_none_or(|t| t.existing) {
                let meant = self.scope.nearest_block(to.kind(), to.name()).filter(|b| !b.existing).map(|b| &b.address);
                codes::unknown_resource(to.as_str(), to_at, moved.to.name.span, meant)
            } else if !targets.insert(to.clone()) {
                let message = format!("two resources cannot both become `{to}`");
                let first = found.iter().find(|m| m.to == to).map(|m| (m.span, "the first"));
                codes::moved(message, to_at, first, "remove one of the statements".into())
            } else {
                found.push(Moved { from, to, span: moved.span });
                continue;
            };
            self.sink.push(diagnostic);
        }
        found
    }
}

/// Whether a value of an output, say, holds something that was reported.
#[must_use]
pub fn is_broken(value: &Value) -> bool {
    convert::is_broken(value)
}
