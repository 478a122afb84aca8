//! THE front door: texts to a model and what is wrong with it. Layer 6; command line and editor both come in here.
//!
//! Does no I/O: whoever calls has read the files.

mod memory;
mod read;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use crate::{
    base::{
        codes::{guard, sensitive, syntax},
        diagnostic::{Diagnostic, Sink},
        disk::Disk,
        source::Sources,
        span::{FileId, Span},
    },
    resolve::{self, Directory, Purpose, Resolved},
    schema::{ask::Answers, model::Model, value::Value},
    syntax::ast,
};

use read::Reader;

pub use memory::Memory;
pub use resolve::{Chosen, Identity, Neighbours, Published, is_word};

/// The door to the directories of modules. Whoever calls has one; without it no module can be opened.
pub trait Library: fmt::Debug + Send + Sync {
    /// The directory that a module's source names, seen from the directory `from`, and its files; `at` is where it is named.
    ///
    /// # Errors
    /// There is none, it cannot be read, or it is not what it should be.
    fn open(&self, from: &str, source: &str, at: Span) -> Result<Opened, Diagnostic>;

    /// The outputs of the project in a directory, as its last apply left them; `at` is where it is named.
    ///
    /// # Errors
    /// There is no project, it was never applied, or its state cannot be read.
    fn outputs(&self, path: &str, at: Span) -> Result<BTreeMap<String, Published>, Diagnostic>;
}

/// A file: its name, and its text, which whoever reads it again need not copy.
pub type Text = (String, Arc<str>);

/// A directory of a module.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    /// Its path from the project's directory, with forward slashes: what tells it from others.
    pub directory: String,
    /// Name, as messages show it, and text of each of its files.
    pub files: Vec<Text>,
}

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
    /// The environment that the run is for (`--env`).
    pub chosen: Option<resolve::Chosen>,
    /// Where modules are found.
    pub library: Option<Arc<dyn Library>>,
    /// What `file(...)` and its kin read through; without it they say that no files can be read.
    pub disk: Option<Arc<dyn Disk>>,
    /// What EC2 has answered to what the project asks first.
    pub answers: Answers,
    /// What was parsed before; without it everything is parsed.
    pub memory: Option<Arc<Memory>>,
}

/// What is known of a project from its sources alone.
#[derive(Debug, Default)]
pub struct Analysis {
    /// Every text that a message can point into: the project's files, those of its modules, then those of the inputs.
    pub sources: Sources,
    /// How many of the sources are the project's and its modules'; the first so many.
    pub own: usize,
    /// The files as parsed, in the order of `sources`.
    pub files: Vec<Arc<ast::File>>,
    /// What the other projects that it names have given.
    pub neighbours: Neighbours,
    /// What each `let` is worth, by where its name stands, as far as that is one thing.
    pub named: BTreeMap<Span, Value>,
    /// The directories of modules, from the project's own, by the directory in which they are used and what is written there.
    pub modules: BTreeMap<(String, String), String>,
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

/// The texts of a project, parsed once, for as many looks at them as are wanted.
#[derive(Debug)]
pub struct Parsed {
    /// Every text that a message can point into: the project's files, those of its modules, then those of the inputs.
    pub sources: Sources,
    /// How many of the sources are the project's and its modules'; the first so many.
    pub own: usize,
    /// The files as parsed, in the order of `sources`.
    pub files: Vec<Arc<ast::File>>,
    /// What is wrong with the texts as such.
    pub diagnostics: Vec<Diagnostic>,
    /// The first is the project's own.
    directories: Vec<Directory>,
    imposed: BTreeSet<FileId>,
    lost: resolve::Lost,
    environment: BTreeMap<String, String>,
    written: Vec<ast::Attribute>,
    arguments: Vec<(String, String)>,
    disk: Option<Arc<dyn Disk>>,
    chosen: Option<resolve::Chosen>,
    answers: Answers,
    /// What the other projects that it names have given.
    pub neighbours: Neighbours,
    /// The lengths of the variables files.
    ends: BTreeMap<FileId, usize>,
    memory: Option<Arc<Memory>>,
}

/// A test of a project, or of a module that it uses.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    /// What it says.
    pub name: String,
    /// The directory of its module, from the project's own; empty for that itself.
    pub directory: String,
    /// Where its name stands.
    pub span: Span,
    /// Its directory, file and item.
    at: (usize, usize, usize),
}

impl fmt::Display for Test {
    /// Its name, with the directory of its module before it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.directory.is_empty() { f.write_str(&self.name) } else { write!(f, "{}: {}", self.directory, self.name) }
    }
}

/// What one look at a project gives.
#[derive(Debug)]
pub struct Look {
    /// What comes of it.
    pub resolved: Resolved,
    /// Everything that is wrong with the project, by place; what has no place comes first.
    pub diagnostics: Vec<Diagnostic>,
}

/// What an expression is.
#[derive(Debug)]
pub struct Answer {
    /// What comes of the project, and the value; none if it could not be read.
    pub resolved: Resolved,
    /// What is wrong with the expression.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts, and the expression as one of them.
    pub sources: Sources,
}

/// What names the state of a project; `None` if its sources do not say.
#[must_use]
pub fn identity(files: &[(String, String)]) -> Option<Identity> {
    let (mut sources, mut sink) = (Sources::default(), Sink::default());
    let mut one = |(name, text): &(String, String)| Memory::parse(None, (name, &Arc::from(&**text)), &mut sources, &mut sink);
    let parsed: Vec<Arc<ast::File>> = files.iter().map(&mut one).collect();
    resolve::identity(parsed.iter().map(|file| &**file))
}

/// Analyses the files of a project, name and text each. The caller keeps to the limits of [`crate::base::span::Span`].
#[must_use]
pub fn analyze(files: Vec<(String, String)>, inputs: &Inputs) -> Analysis {
    analyze_shared(&shared(files), inputs)
}

/// The same of texts that whoever calls keeps.
#[must_use]
pub fn analyze_shared(files: &[Text], inputs: &Inputs) -> Analysis {
    let mut parsed = Parsed::read(files, inputs);
    let Look { resolved, diagnostics } = parsed.look(Purpose::Plan);
    parsed.mask(&resolved.model);
    let modules = parsed.modules();
    let Parsed { sources, own, files, neighbours, .. } = parsed;
    Analysis { sources, own, files, neighbours, named: resolved.named, modules, model: resolved.model, diagnostics }
}

/// Texts that are read once, as those that may be read again.
#[must_use]
pub fn shared(files: Vec<(String, String)>) -> Vec<Text> {
    files.into_iter().map(|(name, text)| (name, text.into())).collect()
}

impl Parsed {
    /// Parses the files of a project, name and text each, those of its modules, and the inputs.
    #[must_use]
    pub fn read(files: &[Text], inputs: &Inputs) -> Self {
        let mut sink = Sink::default();
        let memory = inputs.memory.as_deref();
        let mut reader = Reader::new(files, inputs.library.as_deref(), memory, &mut sink);
        reader.modules();
        let neighbours = reader.neighbours();
        let Reader { mut sources, parsed: mut files, mut directories, .. } = reader;
        let own = files.len();
        let mut imposed = BTreeSet::new();
        for (name, text) in &inputs.policies {
            let id = sources.next();
            let file = Memory::parse(memory, (name, &Arc::from(&**text)), &mut sources, &mut sink);
            file.items.iter().filter_map(no_policy).for_each(|(what, at)| sink.push(guard::only_policies(what, at)));
            imposed.insert(id);
            directories.first_mut().into_iter().for_each(|d| d.files.push(files.len()));
            files.push(file);
        }
        memory.into_iter().for_each(|memory| memory.keep(files.len()));
        let lost = if sink.has_errors() { lost(&sources, &files) } else { BTreeSet::new() };
        let (mut written, mut ends) = (vec![], BTreeMap::new());
        for (name, text) in &inputs.files {
            let id = sources.add(name, text);
            ends.insert(id, text.len());
            written.extend(resolve::read_file(id, text, &mut sink));
        }
        let (environment, arguments) = (inputs.environment.clone(), inputs.arguments.clone());
        let (diagnostics, disk, chosen, answers) = (sink.all, inputs.disk.clone(), inputs.chosen.clone(), inputs.answers.clone());
        Self {
            sources,
            own,
            files,
            diagnostics,
            directories,
            imposed,
            lost,
            environment,
            written,
            arguments,
            disk,
            chosen,
            answers,
            neighbours,
            ends,
            memory: inputs.memory.clone(),
        }
    }

    /// Resolves the project for a purpose.
    #[must_use]
    pub fn look(&self, purpose: Purpose<'_>) -> Look {
        let from = resolve::Sources {
            files: &self.files,
            directories: &self.directories,
            imposed: self.imposed.clone(),
            lost: self.lost.clone(),
            environment: self.environment.clone(),
            written: self.written.clone(),
            arguments: self.arguments.clone(),
            disk: self.disk.as_deref(),
            chosen: self.chosen.clone(),
            neighbours: self.neighbours.clone(),
            answers: self.answers.clone(),
            purpose,
            kept: self.memory.as_ref().map(|memory| (&memory.resolved, &self.sources)),
        };
        self.look_at(from)
    }

    fn look_at(&self, from: resolve::Sources<'_>) -> Look {
        let mut sink = Sink { all: self.diagnostics.clone() };
        let resolved = resolve::resolve(from, &mut sink);
        let told = |d: Diagnostic| match !resolved.model.sensitive.variables.is_empty() && self.unread(&d).is_some() {
            true => sensitive::veiled(d),
            false => d,
        };
        let mut diagnostics: Vec<Diagnostic> = sink.all.into_iter().map(|d| told(resolve::shift(d, &self.ends))).collect();
        diagnostics.sort_by(|a, b| a.place().cmp(&b.place()));
        Look { resolved, diagnostics: without_repetitions(diagnostics) }
    }

    /// Has what is sensitive in the texts shown as asterisks.
    pub fn mask(&mut self, model: &Model) {
        self.sources.mask(model.sensitive.literals.iter().map(|at| resolve::shifted(*at, &self.ends)));
        let unread: BTreeSet<FileId> = self.diagnostics.iter().filter_map(|d| self.unread(d)).collect();
        if !model.sensitive.variables.is_empty() {
            self.sources.mask(unread.into_iter().filter_map(|file| Some(Span::new(file, 0, *self.ends.get(&file)?))));
        }
    }

    /// The variables file that a message says cannot be parsed: a sensitive value may stand anywhere in it.
    fn unread(&self, diagnostic: &Diagnostic) -> Option<FileId> {
        let file = diagnostic.labels.first()?.span.file();
        (syntax::ALL.contains(&diagnostic.code) && self.ends.contains_key(&file)).then_some(file)
    }

    /// Where the modules lie that its directories use.
    fn modules(&self) -> BTreeMap<(String, String), String> {
        let of = |d: &Directory| -> Vec<_> {
            let named = |n: &usize| self.directories.get(*n).map(|m| m.name.clone());
            d.modules.iter().filter_map(|(source, n)| Some(((d.name.clone(), source.clone()), named(n)?))).collect()
        };
        self.directories.iter().flat_map(of).collect()
    }

    /// Every test, of the project first, then of its modules, by their places.
    #[must_use]
    pub fn tests(&self) -> Vec<Test> {
        let mut found = vec![];
        for (d, directory) in self.directories.iter().enumerate() {
            for f in directory.files.iter().copied() {
                for (i, item) in self.files.get(f).into_iter().flat_map(|f| &f.items).enumerate() {
                    if let ast::Item::Test(test) = item {
                        let (name, directory) = (test.name.text.to_string(), directory.name.clone());
                        found.push(Test { name, directory, span: test.name.span, at: (d, f, i) });
                    }
                }
            }
        }
        found
    }

    /// Resolves the project with the values of one of its tests. For a test of a module, the module is the project, and
    /// nothing is given from outside.
    #[must_use]
    pub fn look_for(&self, test: &Test) -> Look {
        let (directory, file, item) = test.at;
        let purpose = match self.files.get(file).and_then(|f| f.items.get(item)) {
            Some(ast::Item::Test(test)) => Purpose::Test(test),
            _ => Purpose::Plan,
        };
        if directory == 0 {
            return self.look(purpose);
        }
        let (files, directories) = (&*self.files, &*self.rooted_at(directory));
        self.look_at(resolve::Sources {
            files,
            directories,
            lost: self.lost.clone(),
            disk: self.disk.as_deref(),
            answers: self.answers.clone(),
            purpose,
            ..resolve::Sources::default()
        })
    }

    /// A directory as the first of those that it uses.
    fn rooted_at(&self, first: usize) -> Vec<Directory> {
        let mut order = vec![first];
        let mut at = 0;
        while let Some(directory) = order.get(at).and_then(|d| self.directories.get(*d)) {
            let new: Vec<usize> = directory.modules.values().copied().collect();
            for d in new {
                if !order.contains(&d) {
                    order.push(d);
                }
            }
            at += 1;
        }
        let place = |d: &usize| order.iter().position(|o| o == d);
        let moved = |directory: &Directory| {
            let modules = directory.modules.iter().filter_map(|(source, d)| Some((source.clone(), place(d)?)));
            Directory { name: directory.name.clone(), files: directory.files.clone(), modules: modules.collect() }
        };
        order.iter().filter_map(|d| self.directories.get(*d)).map(moved).collect()
    }

    /// What has a name in the project's own directory, besides resources: what it is, and how one writes it.
    #[must_use]
    pub fn names(&self) -> Vec<(&'static str, String)> {
        let files = self.directories.first().map(|d| d.files.as_slice()).unwrap_or_default();
        let items = files.iter().filter_map(|f| self.files.get(*f)).flat_map(|f| &f.items);
        let named = items.filter_map(|item| {
            Some(match item {
                ast::Item::Variable(v) => ("variable", v.name.text.to_string()),
                ast::Item::Let(l) => ("let", l.name.text.to_string()),
                ast::Item::Output(o) => ("output", o.name.text.to_string()),
                ast::Item::Module(m) => ("module", format!("module.{}", m.name.text)),
                _ => return None,
            })
        });
        named.collect()
    }

    /// The value of an expression, as the project's own directory has names.
    #[must_use]
    pub fn evaluate(&self, text: &str) -> Answer {
        let mut sources = self.sources.clone();
        let id = sources.add("console", text);
        let mut sink = Sink::default();
        let expr = resolve::read_expression(id, text, &mut sink);
        let ends = BTreeMap::from([(id, text.len())]);
        let told = |found: Vec<Diagnostic>| {
            let here = found.into_iter().filter(|d| d.labels.iter().any(|l| l.span.file() == id));
            without_repetitions(here.map(|d| resolve::shift(d, &ends)).collect())
        };
        let Some(expr) = expr else {
            return Answer { resolved: Resolved::default(), diagnostics: told(sink.all), sources };
        };
        let Look { resolved, diagnostics } = self.look(Purpose::Value(&expr));
        Answer { resolved, diagnostics: told(diagnostics), sources }
    }
}

/// How often the same kind of message is given for one place, which a `for` may meet thousands of times.
const TIMES_MAX: usize = 8;

/// Each message once, and only some of those that one place gives again and again.
fn without_repetitions(sorted: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut kept: Vec<Diagnostic> = vec![];
    for diagnostic in sorted {
        let at = |d: &Diagnostic| d.labels.first().map(|l| l.span);
        let same_place = kept.iter().rev().take_while(|k| at(k) == at(&diagnostic));
        let (mut alike, mut times) = (false, 0);
        for other in same_place {
            alike |= *other == diagnostic;
            times += usize::from(other.code == diagnostic.code);
        }
        // What has no place is no repetition.
        if diagnostic.labels.is_empty() || !alike && times < TIMES_MAX {
            kept.push(diagnostic);
        }
    }
    kept
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
fn lost(texts: &Sources, parsed: &[Arc<ast::File>]) -> resolve::Lost {
    let mut lost = BTreeSet::new();
    for line in texts.iter().flat_map(|(_, file)| file.text.lines()).filter(|l| l.starts_with(|c: char| c.is_ascii_alphabetic())) {
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
