//! The manual: the program shows it, every example in it is executed, and the site in `docs/` is what it writes now.
//!
//! A block of code whose fence says `secnet` is an example. It is a fragment of the project in `src/manual/context.secnet`, of
//! which it gets what it names and does not declare itself. After the word may stand:
//!
//! - nothing: it resolves, and nothing is wrong with it but that a variable or local name is of no use;
//! - `error E0301 E0302`: exactly these codes are said of it, whether errors or warnings;
//! - `sentence KIND`: one sentence, which stands in a resource of that kind.
//!
//! Blocks in the explanations of messages have no word. Where they are secnet at all, they get the message they explain.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use secnet::{
    analysis::{Analysis, Inputs, analyze},
    base::codes,
    manual::{self, Page, example, site},
    resources,
};

use crate::cli::secnet;

/// What may be said of an example that is right: nobody needs each name in it.
const UNUSED: &[&str] = &["W0207", "W0208"];

fn analysis(fragment: &str) -> Analysis {
    analyze(vec![("main.secnet".into(), example::complete(fragment))], &Inputs::default())
}

fn said(analysis: &Analysis) -> Vec<String> {
    analysis.diagnostics.iter().map(|d| format!("{} {}", d.code.id, d.message)).collect()
}

#[test]
fn survey() {
    for code in codes::all() {
        for (i, block) in code.explanation.split("```").enumerate().filter(|(i, _)| i % 2 == 1) {
            let a = analysis(block.trim_start_matches('\n'));
            let got: BTreeSet<_> = a.diagnostics.iter().map(|d| d.code.id).collect();
            println!("{} {} {i} {got:?}", if got.contains(code.id) { "OK  " } else { "MISS" }, code.id);
        }
    }
}
