//! The manual's examples, each a fragment of one project that the tests put together and execute.

use std::collections::BTreeSet;

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
    let mut words = line.split(|c: char| !is_word(c));
    let (kind, name) = (words.next()?, words.next()?);
    (!kind.is_empty() && !name.is_empty()).then_some((kind, name))
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
