//! The `project` block. Layer 4.

use crate::{
    base::{codes::name as codes, diagnostic::nearest},
    resolve::{backend, cell::Resolver, convert::describe},
    schema::{attr::Type, model::Project, value::Value},
    syntax::ast::{self, Attribute, Entry},
};

const SETTINGS: &[&str] = &["account", "ignore_tags", "region", "secnet", "state", "tags"];

impl<'a> Resolver<'a, '_> {
    /// The settings of the project; reports that there is no block, or more than one.
    pub(super) fn project(&mut self) -> Project {
        let blocks = self.scope().map(|s| s.projects.clone()).unwrap_or_default();
        let Some((first, others)) = blocks.split_first() else {
            if self.needs_project && !self.scope().is_some_and(|s| s.lost_project()) {
                self.sink.push(codes::no_project());
            }
            return Project::default();
        };
        for other in others {
            self.sink.push(codes::second_project(other.name.span, first.name.span));
        }
        let mut project = Project { name: first.name.text.to_string(), span: Some(first.name.span), ..Project::default() };
        if first.name.text.chars().any(|c| c.is_ascii_uppercase()) {
            let message = format!("the project's name `{}` has capital letters", first.name.text);
            let small = first.name.text.to_ascii_lowercase();
            let help = format!("write `{small}`: the name is that of the state file too, and some file systems take both for one");
            self.sink.push(codes::project_setting(message, first.name.span, help).fix(first.name.span, small));
        }
        self.settings(first, &mut project);
        project
    }

    fn settings(&mut self, block: &'a ast::Project, project: &mut Project) {
        let mut seen: Vec<&ast::Name> = vec![];
        for entry in &block.body.entries {
            let attribute = match entry {
                Entry::Attribute(attribute) => attribute,
                Entry::Block(state) if &*state.name.text == "state" => {
                    if let Some(first) = seen.iter().find(|n| n.text == state.name.text) {
                        self.sink.push(codes::duplicate("`state`", state.name.span, first.span));
                    }
                    seen.push(&state.name);
                    project.backend = backend::read(&state.body, &mut |wrong| self.sink.push(wrong));
                    continue;
                }
                other => {
                    let (word, at) = other.head();
                    let meant = nearest(word, SETTINGS.iter().copied());
                    self.sink.push(codes::unknown_setting(word, "project", at, meant, SETTINGS));
                    continue;
                }
            };
            let name = &attribute.name;
            if let Some(first) = seen.iter().find(|n| n.text == name.text) {
                self.sink.push(codes::duplicate(&format!("`{}`", name.text), name.span, first.span));
                continue;
            }
            seen.push(name);
            match &*name.text {
                "region" => project.region = self.plain(attribute),
                "account" => project.account = self.account(attribute),
                "secnet" => self.version(attribute),
                "tags" => {
                    let value = self.value(&attribute.value);
                    self.project_tags = self.tags_of_project(value, attribute);
                    project.tags = self.project_tags.clone();
                }
                "ignore_tags" => project.ignore_tags = self.ignored_tags(attribute),
                "state" => {
                    let help = "write a block: state { bucket = \"acme-state\" }".to_owned();
                    self.sink.push(codes::project_setting("`state` is a block".into(), name.span, help));
                }
                other => {
                    let meant = nearest(other, SETTINGS.iter().copied());
                    self.sink.push(codes::unknown_setting(other, "project", name.span, meant, SETTINGS));
                }
            }
        }
    }

    pub(super) fn plain(&mut self, attribute: &'a Attribute) -> Option<String> {
        match self.shown_as(&attribute.value, &Type::Text, &format!("`{}`", attribute.name.text)) {
            Value::Text(text) => Some(text.to_string()),
            Value::Null | Value::Error => None,
            later => {
                let why = format!("`{}`", attribute.name.text);
                self.sink.push(crate::base::codes::value::not_known_yet(&later.to_string(), &why, attribute.value.span));
                None
            }
        }
    }

    pub(super) fn account(&mut self, attribute: &'a Attribute) -> Option<String> {
        let value = self.value(&attribute.value);
        let digits = match &value {
            Value::Text(text) => text.to_string(),
            Value::Null | Value::Error => return None,
            other => {
                let help = "write its twelve digits in quotes, since a leading zero counts".to_owned();
                self.sink.push(codes::project_setting(format!("the account is {}", describe(other)), attribute.value.span, help));
                return None;
            }
        };
        if digits.len() != 12 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            let help = "write twelve digits, such as \"123456789012\"".to_owned();
            self.sink.push(codes::project_setting(format!("{digits:?} is no account"), attribute.value.span, help));
            return None;
        }
        Some(digits)
    }

    /// The versions of secnet that the project works with.
    fn version(&mut self, attribute: &'a Attribute) {
        let Some(wanted) = self.plain(attribute) else { return };
        let ours = env!("CARGO_PKG_VERSION");
        let at = attribute.value.span;
        match satisfies(ours, &wanted) {
            Some(true) => {}
            Some(false) => {
                let message = format!("the project wants secnet {wanted}, and this is {ours}");
                self.sink.push(codes::project_setting(message, at, "use another version of secnet, or change the line".into()));
            }
            None => {
                let help = "write comparisons such as \">= 0.1\" or \">= 0.1, < 2\"".to_owned();
                self.sink.push(codes::project_setting(format!("{wanted:?} says no versions"), at, help));
            }
        }
    }
}

/// Whether a version is one of those wanted; `None` if that cannot be read.
fn satisfies(ours: &str, wanted: &str) -> Option<bool> {
    let ours = numbers(ours)?;
    let mut all = true;
    for comparison in wanted.split(',') {
        let comparison = comparison.trim();
        let split = comparison.find(|c: char| c.is_ascii_digit())?;
        let (operator, version) = comparison.split_at(split);
        let version = numbers(version)?;
        all &= match operator.trim() {
            ">=" => ours >= version,
            ">" => ours > version,
            "<=" => ours <= version,
            "<" => ours < version,
            "=" | "==" | "" => ours == version,
            _ => return None,
        };
    }
    Some(all)
}

/// `0.1` as three numbers.
fn numbers(version: &str) -> Option<[u64; 3]> {
    let mut found = [0; 3];
    let parts: Vec<&str> = version.trim().split('.').collect();
    if parts.len() > found.len() {
        return None;
    }
    for (slot, part) in found.iter_mut().zip(parts) {
        *slot = part.parse().ok()?;
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::satisfies;

    #[test]
    fn versions_are_compared_number_by_number() {
        assert_eq!(satisfies("0.10.0", ">= 0.9"), Some(true));
        assert_eq!(satisfies("0.1.0", ">= 0.1, < 1"), Some(true));
        assert_eq!(satisfies("0.1.0", "> 0.1"), Some(false));
        assert_eq!(satisfies("0.1.0", "latest"), None);
    }
}
