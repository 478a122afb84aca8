//! THE front door: texts to a model and what is wrong with it. Layer 6; command line and editor both come in here.
//!
//! Does no I/O: whoever calls has read the files.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::{
        codes::guard,
        diagnostic::{Diagnostic, Sink},
        source::Sources,
        span::{FileId, Span},
    },
    resolve,
    schema::model::Model,
    syntax::{ast, parse::parse},
};

/// Values of variables from outside. A later source wins: environment, files, arguments.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// From the environment: `SECNET_VAR_x`, under the name `x`.
    pub environment: BTreeMap<String, String>,
    /// Variables files (`--var-file`): name and text, in order.
    pub files: Vec<(String, String)>,
    /// From `--var x=text`, in order.
    pub arguments: Vec<(String, String)>,
    /// Files of policies that are imposed on the project (`--policy-dir`): name and text, in order.
    pub policies: Vec<(String, String)>,
}

/// What is known of a project from its sources alone.
#[derive(Debug, Default)]
pub struct Analysis {
    /// Every text that a message can point into: the project's files, then those of the inputs.
    pub sources: Sources,
    /// The files as parsed, in the order of `sources`.
    pub files: Vec<ast::File>,
    /// What was resolved. Fit to be planned only if [`Analysis::has_errors`] says no.
    pub model: Model,
    /// Everything that is wrong, by place; what has no place comes first.
    pub diagnostics: Vec<Diagnostic>,
}

impl Analysis {
    /// Whether anything stops a plan.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|d| d.severity == crate::base::diagnostic::Severity::Error)
    }
}

/// Analyses the files of a project, name and text each. The caller keeps to the limits of [`crate::base::span::Span`].
#[must_use]
pub fn analyze(files: Vec<(String, String)>, inputs: &Inputs) -> Analysis {
    let mut sink = Sink::default();
    let mut sources = Sources::default();
    let mut parsed = vec![];
    for (name, text) in &files {
        let id = sources.add(name, text);
        parsed.push(parse(id, text, &mut sink));
    }
    let mut imposed = BTreeSet::new();
    for (name, text) in &inputs.policies {
        let id = sources.add(name, text);
        let file = parse(id, text, &mut sink);
        file.items.iter().filter_map(no_policy).for_each(|(what, at)| sink.push(guard::only_policies(what, at)));
        imposed.insert(id);
        parsed.push(file);
    }
    let lost = if sink.has_errors() { lost(&files, &parsed) } else { BTreeSet::new() };
    let mut written = vec![];
    let mut ends: BTreeMap<FileId, usize> = BTreeMap::new();
    for (name, text) in &inputs.files {
        let id = sources.add(name, text);
        ends.insert(id, text.len());
        written.extend(resolve::read_file(id, text, &mut sink));
    }
    let from = resolve::Sources {
        files: &parsed,
        imposed,
        lost,
        environment: inputs.environment.clone(),
        written,
        arguments: inputs.arguments.clone(),
    };
    let model = resolve::resolve(from, &mut sink);
    let mut diagnostics: Vec<Diagnostic> = sink.all.into_iter().map(|d| resolve::shift(d, &ends)).collect();
    diagnostics.sort_by_key(|d| d.labels.first().map(|l| l.span));
    Analysis { sources, files: parsed, model, diagnostics }
}

/// What is neither a policy nor a name for a value, and where it stands.
fn no_policy(item: &ast::Item) -> Option<(&'static str, Span)> {
    Some(match item {
        ast::Item::Policy(_) | ast::Item::Let(_) => return None,
        ast::Item::Project(p) => ("a `project` block", p.name.span),
        ast::Item::Variable(v) => ("a variable", v.name.span),
        ast::Item::Output(o) => ("an output", o.name.span),
        ast::Item::Resource(b) | ast::Item::Existing(b) => ("a resource", b.kind.span.to(b.name.span)),
        ast::Item::Moved(m) => ("a rename", m.span),
        ast::Item::Waive(w) => ("a waiver", w.span),
        ast::Item::Module(m) => ("a module", m.span),
        ast::Item::Extend(e) => ("an extension", e.span),
        ast::Item::Import(i) => ("an import", i.span),
        ast::Item::Forget(f) => ("a `forget`", f.span),
        ast::Item::Test(t) => ("a test", t.span),
        ast::Item::Env(e) => ("an environment", e.span),
        ast::Item::Neighbour(n) => ("another project", n.span),
    })
}

/// Kind and name of whatever looks like an item at the start of a line and is no item of the AST.
fn lost(texts: &[(String, String)], parsed: &[ast::File]) -> resolve::Lost {
    let mut lost = BTreeSet::new();
    for line in texts.iter().flat_map(|(_, text)| text.lines()).filter(|l| l.starts_with(|c: char| c.is_ascii_alphabetic())) {
        let line = line.strip_prefix("existing ").unwrap_or(line);
        let mut words = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|w| !w.is_empty());
        if let Some(kind) = words.next() {
            lost.insert((kind.to_owned(), words.next().unwrap_or_default().to_owned()));
        }
    }
    for item in parsed.iter().flat_map(|f| &f.items) {
        let (kind, name) = match item {
            ast::Item::Project(p) => ("project", &p.name),
            ast::Item::Variable(v) => ("variable", &v.name),
            ast::Item::Let(l) => ("let", &l.name),
            ast::Item::Output(o) => ("output", &o.name),
            ast::Item::Resource(b) | ast::Item::Existing(b) => (&*b.kind.text, &b.name),
            ast::Item::Policy(p) => ("policy", &p.name),
            ast::Item::Module(m) => ("module", &m.name),
            ast::Item::Env(e) => ("env", &e.name),
            ast::Item::Neighbour(n) => ("project", &n.name),
            ast::Item::Moved(_)
            | ast::Item::Waive(_)
            | ast::Item::Extend(_)
            | ast::Item::Import(_)
            | ast::Item::Forget(_)
            | ast::Item::Test(_) => continue,
        };
        lost.remove(&(kind.to_owned(), name.text.to_string()));
    }
    lost
}
