//! Values of variables from outside the sources: `SECNET_VAR_k`, `--var-file`, `--var k=v`. Layer 10; what they mean is for analysis to say.

use std::{collections::BTreeMap, ffi::OsString, fmt, path::PathBuf, str::FromStr};

use clap::Args;

use crate::{analysis::Inputs, base::diagnostic::Diagnostic, cli::load, schema::ask::Answers};

/// `SECNET_VAR_maintainers`
const ENVIRONMENT: &str = "SECNET_VAR_";

/// The options that give variables values.
#[derive(Debug, Clone, Default, Args)]
pub struct VariableArgs {
    /// Give a variable a value; may be repeated
    #[arg(long = "var", value_name = "NAME=VALUE")]
    vars: Vec<Pair>,
    /// Read values of variables from a file of `name = value` lines; may be repeated
    #[arg(long = "var-file", value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// `name=value`
#[derive(Debug, Clone, PartialEq)]
struct Pair(String, String);

/// There is no `=`, or nothing before it.
#[derive(Debug)]
struct NotAPair;

impl fmt::Display for NotAPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write it as NAME=VALUE")
    }
}

impl std::error::Error for NotAPair {}

impl FromStr for Pair {
    type Err = NotAPair;

    fn from_str(text: &str) -> Result<Self, NotAPair> {
        let (name, value) = text.split_once('=').filter(|(name, _)| !name.trim().is_empty()).ok_or(NotAPair)?;
        Ok(Pair(name.trim().into(), value.into()))
    }
}

impl VariableArgs {
    /// All that was given.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn gather(&self) -> Result<Inputs, Diagnostic> {
        let files = self.files.iter().map(|path| Ok((load::shown(path), load::read(path)?)));
        Ok(Inputs {
            environment: from_environment(std::env::vars_os()),
            files: files.collect::<Result<_, Diagnostic>>()?,
            policies: vec![],
            library: None,
            chosen: None,
            arguments: self.vars.iter().map(|Pair(name, text)| (name.clone(), text.clone())).collect(),
            disk: None,
            answers: Answers::new(),
            memory: None,
        })
    }
}

fn from_environment(all: impl Iterator<Item = (OsString, OsString)>) -> BTreeMap<String, String> {
    let ours = |(key, value): (OsString, OsString)| {
        Some((key.to_str()?.strip_prefix(ENVIRONMENT)?.to_owned(), value.to_string_lossy().into_owned()))
    };
    all.filter_map(ours).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_gives_values_by_prefix() {
        let all = [("SECNET_VAR_size", "t3.large"), ("SECNET_OTHER", "x"), ("PATH", "/bin")];
        let values = from_environment(all.into_iter().map(|(k, v)| (k.into(), v.into())));
        assert_eq!(values.into_iter().collect::<Vec<_>>(), [("size".to_owned(), "t3.large".to_owned())]);
    }

    #[test]
    fn a_pair_needs_a_name_and_an_equals_sign() {
        assert_eq!("n=a = b".parse::<Pair>().ok(), Some(Pair("n".into(), "a = b".into())));
        assert!("n".parse::<Pair>().is_err() && "=b".parse::<Pair>().is_err());
    }
}
