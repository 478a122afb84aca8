//! Other projects: what their outputs are here. Layer 4; whoever calls has read them.

use std::collections::BTreeMap;

use crate::{
    base::{codes::neighbour as codes, diagnostic::nearest},
    resolve::cell::Resolver,
    schema::value::Value,
    syntax::ast::{Expr, ExprKind, Name},
};

/// An output of another project, as its last apply left it.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// What it is: nothing in it waits for EC2, a resource is its id.
    pub value: Value,
    /// Whether it is kept from others.
    pub sensitive: bool,
}

/// The outputs of other projects, by the name that a project has here; `None` for one that could not be read, which was reported.
pub type Neighbours = BTreeMap<String, Option<BTreeMap<String, Published>>>;

impl<'a> Resolver<'a, '_> {
    /// The other project's name, if an expression is `project.other`.
    pub(super) fn neighbour_path(&self, expr: &'a Expr) -> Option<&'a Name> {
        match &expr.kind {
            ExprKind::Field(base, name) => match &base.kind {
                ExprKind::Name(word) if &**word == "project" && !self.is_name(word) => Some(name),
                _ => None,
            },
            _ => None,
        }
    }

    /// `project.other`: all that it gives to others.
    pub(super) fn neighbour_value(&mut self, project: &Name) -> Value {
        match self.neighbours.get(&*project.text) {
            Some(Some(outputs)) => {
                let open = outputs.iter().filter(|(_, o)| !o.sensitive);
                Value::Map(open.map(|(name, o)| (name.clone(), o.value.clone())).collect())
            }
            _ => Value::Error,
        }
    }

    /// `project.other.vpc_id`
    pub(super) fn neighbour_output(&mut self, project: &Name, name: &Name) -> Value {
        let Some(Some(outputs)) = self.neighbours.get(&*project.text) else { return Value::Error };
        let diagnostic = match outputs.get(&*name.text) {
            Some(output) if output.sensitive => codes::sensitive(&name.text, &project.text, name.span),
            Some(output) => return output.value.clone(),
            None => {
                let all: Vec<&str> = outputs.keys().map(String::as_str).collect();
                codes::no_output(&name.text, &project.text, name.span, nearest(&name.text, all.iter().copied()), &all)
            }
        };
        self.sink.push(diagnostic);
        Value::Error
    }
}
