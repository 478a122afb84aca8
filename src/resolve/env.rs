//! The environments of a project, and which one a run is for. Layer 4.

use crate::{
    base::{
        codes::{env as codes, name as name_codes},
        diagnostic::nearest,
        span::Span,
    },
    resolve::{backend, cell::Resolver},
    schema::model::{Backend, Project},
    syntax::ast::{self, Attribute, Entry, ExprKind, Item, Piece},
};

const SETTINGS: &[&str] = &["account", "region", "state"];

/// The environment that a run is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Its name.
    pub name: String,
    /// Those that have a variables file, `NAME.vars`, beside the sources.
    pub files: Vec<String>,
}

/// What names the state of a project, read off its sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The project's name.
    pub name: String,
    /// Its environments that have a block, each with the word in the name of its state file.
    pub environments: Vec<(String, String)>,
    /// Where its state is kept.
    pub backend: Backend,
    /// Outputs that are written as `sensitive = true`.
    pub sensitive: Vec<String>,
}

/// Reads it off; `None` if there is no `project` block. Nothing is worked out, so that mistakes elsewhere don't matter.
#[must_use]
pub fn identity<'f>(files: impl IntoIterator<Item = &'f ast::File>) -> Option<Identity> {
    let mut name = None;
    let mut backend = Backend::default();
    let (mut environments, mut sensitive) = (vec![], vec![]);
    for item in files.into_iter().flat_map(|f| &f.items) {
        match item {
            Item::Project(project) if name.is_none() => {
                name = Some(project.name.text.to_string());
                backend = backend::of(project);
            }
            Item::Env(env) => environments.push((env.name.text.to_string(), word_of(env).unwrap_or_else(|| env.name.text.to_string()))),
            Item::Output(output) if is_sensitive(output) => sensitive.push(output.name.text.to_string()),
            _ => {}
        }
    }
    name.map(|name| Identity { name, environments, backend, sensitive })
}

fn is_sensitive(output: &ast::Output) -> bool {
    // Whatever else than a plain `false` is written may turn out to be true.
    attributes(output.body.iter()).any(|a| &*a.name.text == "sensitive" && a.value.kind != ExprKind::Bool(false))
}

fn attributes<'b>(bodies: impl IntoIterator<Item = &'b ast::Body>) -> impl Iterator<Item = &'b Attribute> {
    bodies.into_iter().flat_map(|b| &b.entries).filter_map(|entry| match entry {
        Entry::Attribute(attribute) => Some(attribute),
        _ => None,
    })
}

/// The word in the name of an environment's state file, where it is written and fit.
fn word_of(env: &ast::Env) -> Option<String> {
    let attribute = attributes([&env.body]).find(|a| &*a.name.text == "state")?;
    plain_text(attribute).filter(|word| is_word(word)).map(str::to_owned)
}

/// Where the word stands: in its setting, or as the environment's name.
fn place_of_word(env: &ast::Env) -> Span {
    attributes([&env.body]).find(|a| &*a.name.text == "state").map_or(env.name.span, |a| a.value.span)
}

pub(super) fn plain_text(attribute: &Attribute) -> Option<&str> {
    match &attribute.value.kind {
        ExprKind::Text(pieces) => match pieces.as_slice() {
            [Piece::Plain(text)] => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a text can be the name of an environment, and stand in that of a file.
#[must_use]
pub fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.len() <= 64
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'))
}

impl<'a> Resolver<'a, '_> {
    /// Judges every environment, and brings the chosen one into the project.
    pub(super) fn environments(&mut self, project: &mut Project, chosen: Option<&Chosen>) {
        let blocks = self.scope().map(|s| s.envs.clone()).unwrap_or_default();
        let mut words: Vec<(&'a ast::Env, String)> = vec![];
        for block in blocks {
            let word = word_of(block).unwrap_or_else(|| block.name.text.to_string());
            if let Some((first, _)) = words.iter().find(|(_, w)| *w == word) {
                self.sink.push(codes::shared_state(&word, place_of_word(block), Some(place_of_word(first)), &first.name.text));
            }
            let mut own = Project::default();
            self.environment(block, &mut own);
            if chosen.is_some_and(|c| c.name == *block.name.text) {
                project.region = own.region.or(project.region.take());
                project.account = own.account.or(project.account.take());
                project.state = Some(word.clone());
            }
            words.push((block, word));
        }
        let Some(chosen) = chosen else { return };
        project.environment = Some(chosen.name.clone());
        if words.iter().any(|(block, _)| *block.name.text == *chosen.name) {
            return;
        }
        project.state = Some(chosen.name.clone());
        if self.scope().is_some_and(|s| s.is_lost("env", &chosen.name)) {
        } else if !chosen.files.contains(&chosen.name) {
            let mut known: Vec<&str> = words.iter().map(|(block, _)| &*block.name.text).collect();
            known.extend(chosen.files.iter().map(String::as_str));
            known.sort_unstable();
            known.dedup();
            self.sink.push(codes::unknown(&chosen.name, &known));
        } else if let Some((block, word)) = words.iter().find(|(_, word)| *word == chosen.name) {
            self.sink.push(codes::shared_state(word, place_of_word(block), None, &chosen.name));
        }
    }

    /// The settings of an environment, into what is empty yet.
    fn environment(&mut self, block: &'a ast::Env, own: &mut Project) {
        if !is_word(&block.name.text) {
            let message = format!("the environment's name `{}` is no word of small letters", block.name.text);
            let help = "use small letters, digits and `_`: the name is that of the state file too";
            self.sink.push(codes::setting(message, block.name.span, help));
        }
        let mut seen: Vec<&ast::Name> = vec![];
        for entry in &block.body.entries {
            let (word, at) = entry.head();
            let attribute = match entry {
                Entry::Attribute(attribute) if SETTINGS.contains(&word) => attribute,
                _ => {
                    let meant = nearest(word, SETTINGS.iter().copied());
                    self.sink.push(name_codes::unknown_setting(word, "env", at, meant, SETTINGS));
                    continue;
                }
            };
            if let Some(first) = seen.iter().find(|n| n.text == attribute.name.text) {
                self.sink.push(name_codes::duplicate(&format!("`{word}`"), at, first.span));
                continue;
            }
            seen.push(&attribute.name);
            match word {
                "region" => own.region = self.plain(attribute),
                "account" => own.account = self.account(attribute),
                _ => self.state_word(attribute),
            }
        }
    }

    fn state_word(&mut self, attribute: &Attribute) {
        let at: Span = attribute.value.span;
        let help = "write a text of small letters, digits, `_` and `-`, such as \"prod\"";
        match plain_text(attribute) {
            Some(word) if is_word(word) => {}
            Some(word) => self.sink.push(codes::setting(format!("{word:?} cannot stand in the name of a state file"), at, help)),
            None => self.sink.push(codes::setting("`state` is no plain text".into(), at, help)),
        }
    }
}
