//! The functions of the language on one page, each with a call and what it gives.

use std::fmt::Write as _;

use crate::{
    analysis::{self, Inputs},
    manual::{Group, Page},
    resolve::{self, Function},
};

/// The groups of functions: as they are called in the code, and as people call them.
const TITLES: &[(&str, &str)] = &[
    ("text", "Texts"),
    ("collection", "Collections"),
    ("number", "Numbers"),
    ("encoding", "Encodings"),
    ("file", "Files"),
    ("date", "Dates"),
    ("hash", "Hashes"),
    ("network", "Networks"),
    ("ec2", "What EC2 is asked"),
];

/// The page.
pub(super) fn pages() -> Vec<Page> {
    let all: Vec<Function> = resolve::functions().collect();
    let given = given(&all);
    let mut text = String::from(
        "Functions have Terraform's names and meaning where Terraform has them. None reads a clock or throws dice, so that the same \
         sources give the same plan.\n",
    );
    let mut group = "";
    for (function, given) in all.iter().zip(given) {
        if function.group != group {
            group = function.group;
            let title = TITLES.iter().find(|(word, _)| *word == group).map_or(group, |(_, title)| title);
            let _ = write!(text, "\n## {title}\n");
        }
        let doc = function.doc.trim();
        let _ = write!(text, "\n### `{}`\n\n{doc}\n\n", function.name);
        let _ = match given {
            Some(value) => write!(text, "```secnet\noutput example = {}    # {value}\n```\n", function.usage),
            None => write!(text, "```text\n{}\n```\n", function.usage),
        };
    }
    vec![Page {
        id: "functions".into(),
        title: "Functions".into(),
        summary: "every function, with a call and what it gives".into(),
        group: Group::Reference,
        text,
    }]
}

/// What the shown call of each gives; nothing for one that needs a file, or EC2.
fn given(all: &[Function]) -> Vec<Option<String>> {
    let mut source = String::from("project docs { }\n");
    for (i, function) in all.iter().enumerate() {
        let _ = writeln!(source, "output f{i} = {}", function.usage);
    }
    let analysis = analysis::analyze(vec![("main.secnet".into(), source)], &Inputs::default());
    let value = |i| analysis.model.outputs.get(&format!("f{i}")).map(|o| &o.value).filter(|v| v.is_known());
    (0..all.len()).map(|i| value(i).map(ToString::to_string)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_shows_what_it_gives_but_for_those_that_read() {
        let all: Vec<Function> = resolve::functions().collect();
        let silent: Vec<&str> =
            all.iter().zip(given(&all)).filter(|(f, g)| g.is_none() && f.group != "file").map(|(f, _)| f.name).collect();
        assert_eq!(silent, ["ami", "availability_zones", "prefix_list_named"]);
        assert!(all.iter().all(|f| TITLES.iter().any(|(word, _)| *word == f.group)), "a group has no title");
    }
}
