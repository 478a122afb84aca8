//! The options that cut a plan to a part of the project. Layer 10.

use clap::Args;

use crate::plan::Scope;

/// What a plan is about, where that is not the whole project.
#[derive(Debug, Clone, Default, Args)]
pub struct ScopeArgs {
    /// Only this and what it needs: a resource, all instances of a `for`, a module; may be repeated
    #[arg(long = "target", value_name = "ADDRESS", conflicts_with = "exclude")]
    target: Vec<String>,
    /// All but this and what depends on it; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    exclude: Vec<String>,
}

/// The way back.
#[derive(Debug, Clone, Default, Args)]
pub struct UndoArgs {
    /// Go back to what stood before the last apply or destroy; the policies of the project hold as they are now
    #[arg(long, conflicts_with_all = ["target", "exclude", "replace", "refresh", "refresh_only"])]
    pub undo: bool,
}

/// What is replaced whether it has changed or not.
#[derive(Debug, Clone, Default, Args)]
pub struct ReplaceArgs {
    /// Replace this though nothing about it has changed; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    replace: Vec<String>,
}

impl ScopeArgs {
    /// Whether none of them is given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.target.is_empty() && self.exclude.is_empty()
    }

    /// What they ask for.
    #[must_use]
    pub fn scope(&self, replace: &ReplaceArgs, destroy: bool) -> Scope {
        let (target, exclude, replace) = (self.target.clone(), self.exclude.clone(), replace.replace.clone());
        Scope { target, exclude, replace, destroy, undo: false }
    }
}

impl ReplaceArgs {
    /// Whether none is given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.replace.is_empty()
    }
}
