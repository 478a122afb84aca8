//! Another project: the outputs of its last apply, read through its state. Layer 10; changes nothing and takes no lock.

use std::{collections::BTreeMap, path::Path};

use clap::{Args, builder::FalseyValueParser};

use crate::{
    analysis::{self, Identity, Published},
    base::{codes::neighbour as codes, diagnostic::Diagnostic, span::Span},
    cli::{
        env,
        library::{first_of, tidy},
        load,
        target::Place,
    },
    schema::{model::Project, value::Value},
    state::{journal, store::Store},
};

/// How a project sees others.
#[derive(Debug, Clone)]
pub struct Others {
    /// As the sandbox has them.
    pub sandbox: bool,
    /// In this environment, where they have it.
    pub env: Option<String>,
}

/// The option of commands that ask nothing of EC2, and read other projects all the same.
#[derive(Debug, Clone, Args)]
pub struct OthersArgs {
    /// Read the outputs of other projects as the sandbox has them
    #[arg(long, env = "SECNET_SANDBOX", value_parser = FalseyValueParser::new())]
    pub sandbox: bool,
}

/// The outputs of the project in a directory, which is seen from `project`; `at` is where it is named.
///
/// # Errors
/// There is no project, it was never applied, or its state is not usable.
pub fn outputs(project: &Path, path: &str, seen: &Others, at: Span) -> Result<BTreeMap<String, Published>, Diagnostic> {
    let refused = |why: &str, help: &str| codes::unreadable(path, why, at, help);
    if !(path.starts_with("./") || path.starts_with("../") || path == "..") {
        return Err(refused("it says no directory", "write it as seen from here, such as \"../network\""));
    }
    let from_here = tidy(Path::new(path));
    if from_here.as_os_str().is_empty() {
        return Err(refused("it is this project itself", "use what the output is written as"));
    }
    let directory = tidy(&project.join(from_here));
    let files = load::directory(&directory).map_err(|wrong| refused(&first_of(&wrong), "name the directory of its sources"))?;
    let identity = analysis::identity(&files).ok_or_else(|| refused("it has no `project` block", "name the directory of a project"))?;
    let store = store(&directory, &identity, seen).map_err(|diagnostic| diagnostic.at(at, "read for this"))?;
    let loaded = store.load().map_err(|diagnostic| diagnostic.at(at, "read for this"))?;
    if loaded.state.serial == 0 {
        let other = Others { sandbox: !seen.sandbox, env: seen.env.clone() };
        let elsewhere = self::store(&directory, &identity, &other).is_ok_and(|store| store.exists());
        let help = match (elsewhere, seen.sandbox) {
            (true, true) => "it was applied to EC2 alone: apply it with `--sandbox` too, or leave `--sandbox` out".into(),
            (true, false) => "it was applied in the sandbox alone: add `--sandbox`, or apply it to EC2".into(),
            (false, sandbox) => {
                format!("apply it first: `secnet apply {}{}`", load::shown(&directory), if sandbox { " --sandbox" } else { "" })
            }
        };
        return Err(codes::never_applied(&identity.name, &store.shown(), at, &help));
    }
    let state = journal::fold(loaded.state, &loaded.unfinished);
    let published = |(name, value): (String, Value)| {
        let sensitive = identity.sensitive.contains(&name) || value.is_sealed();
        (name, Published { value, sensitive })
    };
    Ok(state.outputs.into_iter().map(published).collect())
}

/// Where its state lies: that of the environment, or the plain one if it has no such environment at all.
fn store(directory: &Path, identity: &Identity, seen: &Others) -> Result<Store, Diagnostic> {
    let place = Place { sandbox: seen.sandbox, ..Place::default() };
    let of = |state: Option<&str>| {
        let (name, backend) = (identity.name.clone(), identity.backend.clone());
        let project = Project { name, backend, state: state.map(str::to_owned), ..Project::default() };
        place.store(directory, &project)
    };
    let Some(env) = &seen.env else { return of(None) };
    if let Some((_, word)) = identity.environments.iter().find(|(name, _)| name == env) {
        return of(Some(word));
    }
    let own = of(Some(env))?;
    let has_it = env::chosen(directory, env).files.iter().any(|name| name == env) || own.exists();
    if has_it { Ok(own) } else { of(None) }
}
