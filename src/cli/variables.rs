//! Values of variables from outside the sources: `SECNET_VAR_k`, `--var-file`, `--var k=v`. Layer 10.
//!
//! The later of these wins; of two files, the later one. What they mean is for analysis to say: here they are texts.

use std::{collections::BTreeMap, ffi::OsString, fmt, path::PathBuf, str::FromStr};

use clap::Args;

use crate::{
    base::{codes::environment as codes, diagnostic::Diagnostic},
    cli::load,
};

/// `SECNET_VAR_maintainers`
const ENVIRONMENT: &str = "SECNET_VAR_";

/// The options that give variables values.
#[derive(Debug, Clone, Default, Args)]
pub struct VariableArgs {
    /// Give a variable a value; may be repeated
    #[arg(long = "var", value_name = "NAME=VALUE")]
    vars: Vec<Pair>,
    /// Read values of variables from a file (`name = value` lines, or a JSON object); may be repeated
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
        let (name, value) = text.split_once('=').ok_or(NotAPair)?;
        let name = name.trim();
        if name.is_empty() { Err(NotAPair) } else { Ok(Pair(name.into(), value.trim().into())) }
    }
}

/// A value from outside, with where it comes from for messages: `--var`, `prod.vars:3`, `SECNET_VAR_x`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// As it was given.
    pub text: String,
    /// Where.
    pub origin: String,
}

impl VariableArgs {
    /// All values, by variable.
    ///
    /// # Errors
    /// A file cannot be read or understood.
    pub fn gather(&self) -> Result<BTreeMap<String, Text>, Diagnostic> {
        let mut values = from_environment(std::env::vars_os());
        for path in &self.files {
            let name = load::shown(path);
            values.extend(from_file(&name, &load::read(path)?)?);
        }
        let line = |Pair(name, text): &Pair| (name.clone(), Text { text: text.clone(), origin: "--var".into() });
        values.extend(self.vars.iter().map(line));
        Ok(values)
    }
}

fn from_environment(all: impl Iterator<Item = (OsString, OsString)>) -> BTreeMap<String, Text> {
    let ours = |(key, value): (OsString, OsString)| {
        let key = key.into_string().ok()?;
        let name = key.strip_prefix(ENVIRONMENT)?.to_owned();
        Some((name, Text { text: value.to_string_lossy().into_owned(), origin: key }))
    };
    all.filter_map(ours).collect()
}

fn from_file(path: &str, text: &str) -> Result<BTreeMap<String, Text>, Diagnostic> {
    if text.trim_start().starts_with('{') {
        return from_json(path, text);
    }
    let mut values = BTreeMap::new();
    for (line, content) in text.lines().enumerate().map(|(i, l)| (i + 1, l.trim())) {
        if content.is_empty() || content.starts_with('#') || content.starts_with("//") {
            continue;
        }
        let Pair(name, value) = content.parse().map_err(|_| codes::variables(path, line, "there is no `name = value`"))?;
        let origin = format!("{path}:{line}");
        if values.insert(name.clone(), Text { text: value, origin }).is_some() {
            return Err(codes::variables(path, line, &format!("`{name}` has a value already")));
        }
    }
    Ok(values)
}

fn from_json(path: &str, text: &str) -> Result<BTreeMap<String, Text>, Diagnostic> {
    let members: BTreeMap<String, serde_json::Value> =
        serde_json::from_str(text).map_err(|e| codes::variables(path, e.line(), "this is no JSON object"))?;
    let one = |(name, value): (String, serde_json::Value)| (name, Text { text: literal(&value, true), origin: path.into() });
    Ok(members.into_iter().map(one).collect())
}

/// A JSON value as one would write it in a source file; a text that stands alone is the value itself.
fn literal(value: &serde_json::Value, alone: bool) -> String {
    use serde_json::Value::{Array, Object, String};
    match value {
        String(text) if alone => text.clone(),
        // `${` would begin an interpolation.
        String(text) => format!("{text:?}").replace("${", "$${"),
        Array(values) => format!("[{}]", values.iter().map(|v| literal(v, false)).collect::<Vec<_>>().join(", ")),
        Object(map) => {
            let entries: Vec<_> = map.iter().map(|(k, v)| format!("{k:?} = {}", literal(v, false))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(values: BTreeMap<String, Text>) -> Vec<(String, String, String)> {
        values.into_iter().map(|(k, v)| (k, v.text, v.origin)).collect()
    }

    #[test]
    fn a_file_has_lines_or_is_json() {
        let lines = from_file("p.vars", "# prod\nsize = t3.large\n\nnets = [10.0.0.0/8]\n").map(texts);
        let owned = |k: &str, v: &str, o: &str| (k.to_owned(), v.to_owned(), o.to_owned());
        assert_eq!(lines, Ok(vec![owned("nets", "[10.0.0.0/8]", "p.vars:4"), owned("size", "t3.large", "p.vars:2")]));
        let json = from_file("p.json", r#"{"size": "t3.large", "nets": ["10.0.0.0/8"], "n": 2}"#).map(texts);
        let wanted = vec![owned("n", "2", "p.json"), owned("nets", "[\"10.0.0.0/8\"]", "p.json"), owned("size", "t3.large", "p.json")];
        assert_eq!(json, Ok(wanted));
    }

    #[test]
    fn a_line_without_a_value_is_named() {
        let message = |text: &str| from_file("p.vars", text).err().map(|d| d.message);
        assert_eq!(message("a = 1\nb").as_deref(), Some("`p.vars`, line 2: there is no `name = value`"));
        assert_eq!(message("a = 1\na = 2").as_deref(), Some("`p.vars`, line 2: `a` has a value already"));
        assert_eq!(message("{\n\"a\" 1}").as_deref(), Some("`p.vars`, line 2: this is no JSON object"));
    }

    #[test]
    fn the_environment_gives_values_by_prefix() {
        let all = [("SECNET_VAR_size", "t3.large"), ("SECNET_OTHER", "x"), ("PATH", "/bin")];
        let values = from_environment(all.into_iter().map(|(k, v)| (k.into(), v.into())));
        assert_eq!(texts(values), [("size".to_owned(), "t3.large".to_owned(), "SECNET_VAR_size".to_owned())]);
    }
}
