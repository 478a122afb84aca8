//! The manual's examples, each a fragment of one project that the tests put together and execute.
//!
//! A block of code is an example if its fence says `secnet`. After that word may stand one of these:
//!
//! - `file PATH`: no example, but a file of a module that any example may use, in a directory below the project's;
//! - `in KIND`: the lines stand in a resource of this kind, or in a policy; one of the others may follow;
//! - `step PATH`: no example, but the next lines of a file of the page's tutorial, whose `sh` blocks are run one after the other;
//! - `error CODE...`: exactly these codes are said of it, whether errors or warnings;
//! - `proof CODE...`: it resolves, and `secnet prove` says these codes among others.
//!
//! With neither, it resolves and nothing is wrong with it. That a name is not used is never counted.

use std::collections::BTreeSet;

use crate::{
    resources,
    schema::attr::{Attr, Type},
};

/// An example, and what is said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// As it is shown.
    pub shown: String,
    /// The file that is executed.
    pub whole: String,
    /// The codes that are said of it when it is read.
    pub said: BTreeSet<String>,
    /// The codes that a proof says of it.
    pub proof: BTreeSet<String>,
}

impl Example {
    /// Reads what the fence says after `secnet`; `None` if that is none of the above.
    #[must_use]
    pub fn read(fence: &str, code: &str) -> Option<Self> {
        let mut words = fence.split_whitespace().peekable();
        let mut fragment = code.to_owned();
        if words.next_if_eq(&"in").is_some() {
            let kind = words.next()?;
            let spec = resources::spec(kind);
            let place: String = spec.iter().flat_map(|s| s.attrs.iter()).filter(|a| a.required).filter_map(needed).collect();
            fragment = match spec.and_then(|s| s.stands_for) {
                Some(_) => format!("vpc main {{\n  cidr_block = 10.0.0.0/16\n  {kind} {{\n{code}  }}\n}}\n"),
                None => format!("{kind} example {{\n{place}{}{code}}}\n", spec.map_or("", |s| s.around)),
            };
        }
        let mut read = Self { shown: code.to_owned(), whole: complete(&fragment), said: BTreeSet::new(), proof: BTreeSet::new() };
        match words.next() {
            Some("error") => read.said = words.map(str::to_owned).collect(),
            Some("proof") => read.proof = words.map(str::to_owned).collect(),
            Some(_) => return None,
            None => {}
        }
        Some(read)
    }
}

/// The line that gives a resource an attribute that it must have, so that one can look at its sentences alone.
fn needed(attr: &Attr) -> Option<String> {
    match &attr.ty {
        Type::Ref(kind) => Some(format!("  {} = {kind}.main\n", attr.name)),
        Type::Int => Some(format!("  {} = 10\n", attr.name)),
        _ => None,
    }
}

/// What the fragments take for granted: the rest of the project, of which each gets what it names.
pub const CONTEXT: &str = include_str!("context.secnet");

/// A fragment with all that it names and does not declare, out of [`CONTEXT`].
#[must_use]
pub fn complete(fragment: &str) -> String {
    let context: Vec<(&str, Header<'_>)> = CONTEXT.split("\n\n").filter_map(|item| Some((item, header(item)?))).collect();
    let own: BTreeSet<Header<'_>> = fragment.lines().filter_map(header).collect();
    let is_own = |(kind, name): &Header<'_>| own.contains(&(*kind, *name)) || (*kind == "project" && own.iter().any(|o| o.0 == "project"));
    let mut whole = fragment.trim_end().to_owned();
    let mut added = BTreeSet::new();
    loop {
        let wanted = context
            .iter()
            .find(|(_, header)| !added.contains(header) && !is_own(header) && (header.0 == "project" || names(&whole, *header)));
        let Some((item, header)) = wanted else { break };
        added.insert(*header);
        whole = format!("{whole}\n\n{}", item.trim());
    }
    whole.push('\n');
    whole
}

/// Kind and name of a declaration.
type Header<'t> = (&'t str, &'t str);

/// What the first line of a declaration declares.
fn header(line: &str) -> Option<Header<'_>> {
    let line = line.strip_prefix("existing ").unwrap_or(line);
    let (kind, rest) = line.split_once(' ')?;
    let name = rest.trim_start().split(|c: char| !is_word(c)).next()?;
    (!kind.is_empty() && !name.is_empty() && kind.chars().all(is_word)).then_some((kind, name))
}

/// Whether a text names what is declared: `vpc.main`, or the name alone of a variable.
fn names(text: &str, (kind, name): Header<'_>) -> bool {
    let reference = if kind == "variable" { name.to_owned() } else { format!("{kind}.{name}") };
    text.match_indices(&reference).any(|(at, found)| {
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        let after = text.get(at + found.len()..).and_then(|t| t.chars().next());
        !before.is_some_and(|c| is_word(c) || c == '.') && !after.is_some_and(is_word)
    })
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::complete;

    #[test]
    fn a_fragment_gets_what_it_names_and_what_that_names() {
        let whole = complete("subnet app { vpc = vpc.main }\n");
        let headers: Vec<&str> = whole.lines().filter(|l| l.starts_with(|c: char| c.is_alphabetic())).collect();
        assert_eq!(headers, ["subnet app { vpc = vpc.main }", "project docs {", "vpc main {"]);
        assert!(complete("let all = maintainers\n").contains("\nvariable maintainers"));
        assert!(!complete("let all = x.maintainers\n").contains("\nvariable maintainers"));
    }

    #[test]
    fn what_a_fragment_declares_is_its_own() {
        let whole = complete("project other { }\nvpc main { cidr_block = 10.0.0.0/20 }\noutput id = vpc.main.id\n");
        assert_eq!(whole.matches("project ").count() + whole.matches("vpc main").count(), 2, "{whole}");
    }
}
