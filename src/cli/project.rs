//! A project as every command starts with it: files read, analysed, and either sound or reported. Layer 10.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    analysis::{self, Analysis, Inputs, Parsed},
    base::{
        codes::{env as env_codes, environment as codes, plan as plan_codes},
        diagnostic::{Diagnostic, Severity},
    },
    cli::{
        Stop, asked,
        disk::ProjectDisk,
        env::{self, EnvArgs},
        library::Disk,
        load::{self, Texts},
        neighbour::Others,
        variables::VariableArgs,
    },
    resolve::Purpose,
    schema::{
        ask::Answers,
        model::{self, Model},
    },
    state::seal,
    syntax::ast::Item,
};

/// The project that a command is about, and what it is given.
#[derive(Debug, Clone, Args)]
pub struct ProjectArgs {
    /// Directory of the project
    #[arg(value_name = "DIR", default_value = ".")]
    pub directory: PathBuf,
    #[command(flatten)]
    variables: VariableArgs,
    #[command(flatten)]
    env: EnvArgs,
    /// Add the policies of a directory, which the project can neither remove nor waive; may be repeated
    #[arg(long = "policy-dir", value_name = "DIR", env = "SECNET_POLICY_DIR")]
    policy_directories: Vec<PathBuf>,
    /// Print one JSON document instead of text
    #[arg(long)]
    pub json: bool,
}

impl ProjectArgs {
    /// For a command that is about no one project.
    #[must_use]
    pub fn of(directory: PathBuf, variables: VariableArgs, env: EnvArgs, policy_directories: Vec<PathBuf>) -> Self {
        Self { directory, variables, env, policy_directories, json: false }
    }

    /// The same for the project of another directory.
    #[must_use]
    pub fn at(self, directory: &Path) -> Self {
        Self { directory: directory.to_path_buf(), ..self }
    }

    /// Values of variables.
    ///
    /// # Errors
    /// A file of them cannot be read.
    pub fn inputs(&self) -> Result<Inputs, Diagnostic> {
        self.variables.gather()
    }

    /// The environment that is asked for.
    ///
    /// # Errors
    /// It has no fit name.
    pub fn env(&self) -> Result<Option<String>, Stop> {
        Ok(self.env.name()?)
    }

    /// The files of policies that are imposed: name and text.
    ///
    /// # Errors
    /// A directory cannot be read, or has none.
    pub fn imposed(&self) -> Result<Vec<(String, String)>, Stop> {
        let mut policies = vec![];
        for directory in &self.policy_directories {
            let prefix = load::prefix(directory);
            policies.extend(load::directory(directory)?.into_iter().map(|(name, text)| (format!("{prefix}{name}"), text)));
        }
        Ok(policies)
    }
}

/// Reads and parses the project of a command, which may have errors; `sandbox` as for [`Project::open`].
///
/// # Errors
/// It cannot be read.
pub fn parse(args: &ProjectArgs, sandbox: bool) -> Result<(Parsed, Texts), Stop> {
    let mut inputs = Given::to(args)?.inputs(&args.directory, sandbox, Arc::new(ProjectDisk::new(&args.directory)), Answers::new());
    let files = analysis::shared(load::directory(&args.directory)?);
    let mut parsed = Parsed::read(&files, &inputs);
    let model = parsed.look(Purpose::Plan).resolved.model;
    if !model.project.name.is_empty() {
        // What a console asks, too, though the project itself does not.
        inputs.answers = asked::remembered(&args.directory, sandbox, &model.project);
    }
    if !inputs.answers.is_empty() {
        parsed = Parsed::read(&files, &inputs);
    }
    parsed.mask(&parsed.look(Purpose::Plan).resolved.model);
    let texts = Texts { sources: parsed.sources.clone(), prefix: load::prefix(&args.directory), own: parsed.own };
    Ok((parsed, texts))
}

/// A project without errors.
pub struct Project {
    /// Where it lies.
    pub directory: PathBuf,
    /// What it says.
    pub model: Model,
    /// What messages point into.
    pub texts: Texts,
    /// What does not stop a command.
    pub warnings: Vec<Diagnostic>,
    /// What it was given.
    pub given: Given,
    /// SHA-256 of sources, inputs, and the files that functions read.
    pub digest: String,
    /// Whether other projects are read as the sandbox has them.
    pub(super) sandbox: bool,
}

/// Values of variables as a plan file keeps them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// The environment that was chosen.
    pub env: Option<String>,
    /// `SECNET_VAR_*`: name and text.
    pub environment: Vec<(String, String)>,
    /// Files: name and text.
    pub files: Vec<(String, String)>,
    /// Arguments: name and text.
    pub arguments: Vec<(String, String)>,
    /// Files of policies that are imposed: name and text.
    pub policies: Vec<(String, String)>,
}

/// A value, or a file of values, that is not written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    /// As one gives it: `SECNET_VAR_token`, `--var token`, `--var-file secrets.vars`.
    pub how: String,
    /// The variable's name; empty for a file.
    pub name: String,
    /// The value, or the file's text. [`Withheld::hashed`] replaces it.
    pub text: String,
}

impl Withheld {
    /// The same with a salted hash in the place of the text.
    #[must_use]
    pub fn hashed(self, salt: &str) -> Self {
        Self { text: seal::hash(salt, self.text.as_bytes()), ..self }
    }
}

impl Given {
    /// Without what the environment has for other projects.
    fn of(mut self, declared: &BTreeSet<&str>) -> Self {
        self.environment.retain(|(name, _)| declared.contains(&**name));
        self
    }

    /// Everything but the values of sensitive variables, in whose place stands nothing; and those. Of a file that names such
    /// a variable the whole text is withheld.
    #[must_use]
    pub fn without(&self, sensitive: &BTreeSet<String>) -> (Self, Vec<Withheld>) {
        let mut given = self.clone();
        let mut withheld = vec![];
        let mut withhold = |how: String, name: &str, text: &mut String| {
            withheld.push(Withheld { how, name: name.into(), text: std::mem::take(text) });
        };
        for (name, text) in given.environment.iter_mut().filter(|(name, _)| sensitive.contains(name)) {
            withhold(format!("SECNET_VAR_{name}"), name, text);
        }
        for (file, text) in given.files.iter_mut().filter(|(_, text)| sensitive.iter().any(|name| text.contains(&**name))) {
            withhold(format!("--var-file {file}"), "", text);
        }
        for (name, text) in given.arguments.iter_mut().filter(|(name, _)| sensitive.contains(name)) {
            withhold(format!("--var {name}"), name, text);
        }
        (given, withheld)
    }

    /// Puts what was withheld back, out of what is given now: in whatever way, if its hash is the same.
    ///
    /// # Errors
    /// Something is not given again, or is another value now.
    pub fn restore(&mut self, withheld: &[Withheld], salt: &str, now: &Inputs) -> Result<(), Diagnostic> {
        let environment = self.environment.iter_mut().map(|(name, text)| (format!("SECNET_VAR_{name}"), text));
        let files = self.files.iter_mut().map(|(name, text)| (format!("--var-file {name}"), text));
        let arguments = self.arguments.iter_mut().map(|(name, text)| (format!("--var {name}"), text));
        let mut rest = withheld.iter();
        let mut next = rest.next();
        for (how, text) in environment.chain(files).chain(arguments) {
            let Some(wanted) = next.filter(|w| w.how == how) else { continue };
            let of_variable = || now.arguments.iter().map(|(n, t)| (n, t)).chain(&now.environment).filter(|(n, _)| **n == wanted.name);
            let candidates: Vec<&String> = match wanted.name.is_empty() {
                true => now.files.iter().map(|(_, text)| text).collect(),
                false => of_variable().map(|(_, text)| text).collect(),
            };
            let same = candidates.iter().find(|text| seal::hash(salt, text.as_bytes()) == wanted.text);
            *text = (*same.ok_or_else(|| codes::withheld(&how, !candidates.is_empty()))?).clone();
            next = rest.next();
        }
        Ok(())
    }

    /// What a command is given.
    pub(super) fn to(args: &ProjectArgs) -> Result<Self, Stop> {
        let inputs = args.variables.gather()?;
        let policies = args.imposed()?;
        let env = args.env()?;
        // A later file wins, and what the user names wins over what lies there.
        let own = env.as_deref().map(|name| env::variables(&args.directory, name)).transpose()?.flatten();
        let files = own.into_iter().chain(inputs.files).collect();
        let environment = inputs.environment.into_iter().collect();
        Ok(Self { env, environment, files, arguments: inputs.arguments, policies })
    }

    /// The same for an analysis, which reads files through `disk`.
    pub(super) fn inputs(&self, directory: &Path, sandbox: bool, disk: Arc<ProjectDisk>, answers: Answers) -> Inputs {
        Inputs {
            environment: self.environment.iter().cloned().collect(),
            files: self.files.clone(),
            arguments: self.arguments.clone(),
            policies: self.policies.clone(),
            chosen: self.env.as_deref().map(|name| env::chosen(directory, name)),
            library: Some(Arc::new(Disk::new(directory, Others { sandbox, env: self.env.clone() }))),
            disk: Some(disk),
            answers,
            memory: None,
        }
    }
}

impl Project {
    /// Reads and analyses the project of a command; `sandbox`: other projects are read as the sandbox has them. What EC2 would
    /// have to be asked is as the state remembers it.
    ///
    /// # Errors
    /// It cannot be read, or has errors.
    pub fn open(args: &ProjectArgs, sandbox: bool) -> Result<Self, Stop> {
        let project = Self::open_to_ask(args, sandbox)?;
        if project.model.questions.is_empty() {
            return Ok(project);
        }
        let answers = asked::remembered(&project.directory, sandbox, &project.model.project);
        Self::open_with(&project.directory, project.given, sandbox, answers)
    }

    /// The same where EC2 can be asked: [`Project::answered`] goes on from there.
    ///
    /// # Errors
    /// It cannot be read, or has errors besides what only EC2 can say.
    pub fn open_to_ask(args: &ProjectArgs, sandbox: bool) -> Result<Self, Stop> {
        Self::analysed(&args.directory, Given::to(args)?, sandbox, Answers::new(), true)
    }

    /// Reads and analyses a project with these values of variables, and these answers of EC2's.
    ///
    /// # Errors
    /// It cannot be read, or has errors.
    pub fn open_with(directory: &Path, given: Given, sandbox: bool, answers: Answers) -> Result<Self, Stop> {
        Self::analysed(directory, given, sandbox, answers, false)
    }

    pub(super) fn analysed(directory: &Path, given: Given, sandbox: bool, answers: Answers, to_ask: bool) -> Result<Self, Stop> {
        let files = load::directory(directory)?;
        let disk = Arc::new(ProjectDisk::new(directory));
        let mut analysis = analysis::analyze(files, &given.inputs(directory, sandbox, disk.clone(), answers));
        let read = analysis.sources.iter().take(analysis.own).map(|(_, f)| (f.name.to_string(), f.text.to_string()));
        let declared = analysis.files.iter().flat_map(|f| &f.items).filter_map(|item| match item {
            Item::Variable(variable) => Some(&*variable.name.text),
            _ => None,
        });
        let given = given.of(&declared.collect());
        let shown = given.without(&analysis.model.sensitive.variables).0;
        let digest = with_read(digest(&read.collect::<Vec<_>>(), &shown, &outputs_of(&analysis)), &disk.seen());
        let texts = Texts { sources: analysis.sources, prefix: load::prefix(directory), own: analysis.own };
        analysis.diagnostics.retain(|d| !to_ask || d.code != &plan_codes::NOT_ASKED);
        if analysis.diagnostics.iter().any(|d| d.severity == Severity::Error) {
            return Err(Stop::new(analysis.diagnostics, texts));
        }
        let directory = directory.to_path_buf();
        Ok(Self { directory, model: analysis.model, texts, warnings: analysis.diagnostics, given, digest, sandbox })
    }

    /// A stop whose messages point into this project.
    pub fn stop(self, diagnostics: Vec<Diagnostic>) -> Stop {
        Stop::new(diagnostics, self.texts)
    }

    /// The project with nothing in it any more: what `destroy` wants. What is forgotten stays.
    #[must_use]
    pub fn emptied(&self) -> Model {
        let timeouts = self.model.resources.values().filter(|r| !r.existing).map(|r| (r.address.clone(), r.lifecycle.timeouts));
        let (project, forgotten) = (self.model.project.clone(), self.model.forgotten.clone());
        Model { project, forgotten, timeouts: timeouts.collect(), ..Model::default() }
    }
}

/// The `project` block alone, in an environment, for commands that look at the state: other mistakes in the sources do not stop them.
///
/// # Errors
/// The sources cannot be read, or do not say which project it is, or which state is the environment's.
pub fn identify(directory: &Path, env: &EnvArgs) -> Result<model::Project, Stop> {
    let files = load::directory(directory)?;
    let env = env.name()?;
    let inputs = Inputs {
        files: env.as_deref().map(|name| env::variables(directory, name)).transpose()?.flatten().into_iter().collect(),
        chosen: env.as_deref().map(|name| env::chosen(directory, name)),
        library: Some(Arc::new(Disk::new(directory, Others { sandbox: false, env: env.clone() }))),
        ..Inputs::default()
    };
    let analysis = analysis::analyze(files, &inputs);
    let unsure = env.is_some() && analysis.diagnostics.iter().any(|d| env_codes::ALL.contains(&d.code));
    if unsure || analysis.model.project.name.is_empty() {
        let texts = Texts { sources: analysis.sources, prefix: load::prefix(directory), own: analysis.own };
        let wanted = |d: &Diagnostic| d.severity == Severity::Error && (!unsure || env_codes::ALL.contains(&d.code));
        let known = analysis.diagnostics.into_iter().filter(wanted).collect::<Vec<_>>();
        let diagnostics = if known.is_empty() { vec![codes::bad_name("")] } else { known };
        return Err(Stop::new(diagnostics, texts));
    }
    Ok(analysis.model.project)
}

/// SHA-256 of everything that the meaning of a project comes from; names and texts with their lengths, so that nothing runs together.
fn digest(files: &[(String, String)], given: &Given, outputs: &[(String, String)]) -> String {
    let env: Vec<(String, String)> = given.env.iter().map(|name| ("env".to_owned(), name.clone())).collect();
    hash_of(&[files, &given.environment, &given.files, &given.arguments, &given.policies, &env, outputs])
}

/// A digest that covers what functions read, too; as it is where they read nothing.
fn with_read(sources: String, read: &[(String, String)]) -> String {
    if read.is_empty() { sources } else { hash_of(&[&[(String::new(), sources)], read]) }
}

fn hash_of(all: &[&[(String, String)]]) -> String {
    let mut hash = Sha256::new();
    for pairs in all {
        hash.update((pairs.len() as u64).to_le_bytes());
        for text in pairs.iter().flat_map(|(name, text)| [name, text]) {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
    }
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

/// What other projects have given, as far as others may see it: name and value of each.
fn outputs_of(analysis: &Analysis) -> Vec<(String, String)> {
    let all = analysis.neighbours.iter().flat_map(|(project, outputs)| outputs.iter().flatten().map(move |o| (project, o)));
    all.filter(|(_, (_, o))| !o.sensitive).map(|(project, (name, o))| (format!("{project}.{name}"), o.value.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_tells_sources_and_variables_apart() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let given = |n: &str| Given { arguments: vec![pair("n", n)], ..Given::default() };
        let files = [pair("a.secnet", "vpc"), pair("b.secnet", "")];
        let digest = |files: &[(String, String)], given: &Given| super::digest(files, given, &[]);
        assert_eq!(digest(&files, &given("1")), digest(&files, &given("1")));
        assert_ne!(digest(&files, &given("1")), digest(&files, &given("2")));
        assert_ne!(digest(&files, &given("1")), digest(&[pair("a.secnet", "vp"), pair("cb.secnet", "")], &given("1")));
        assert_ne!(digest(&files, &given("1")), digest(&files, &Given { env: Some("prod".into()), ..given("1") }));
        assert_ne!(digest(&files, &given("1")), super::digest(&files, &given("1"), &[pair("network.vpc", "x")]));
    }
}
