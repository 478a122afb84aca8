//! What editors get that do not ask the server: grammars that colour. Their words come from `syntax::words`, and so do the parser's,
//! the Specs' and the completion's. `SECNET_BLESS=1` writes them anew from `editors/templates/`.

use std::{collections::BTreeSet, fs, path::Path};

use secnet::{
    registry::Slot,
    resources,
    syntax::words::{
        BLOCKS_LIKE_RESOURCES, CHOICES, CLAUSES, CONSTANTS, CONTINUATIONS, CONTROL, HEADS, JOINTS, PROTOCOLS, STATEMENTS, TYPES, VALUES,
    },
};
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::lsp::{Client, uri};

/// What stands for a list in a template, and the list.
fn lists() -> [(&'static str, Vec<&'static str>); 12] {
    let grammar = STATEMENTS.iter().copied().filter(|w| !BLOCKS_LIKE_RESOURCES.contains(w)).collect();
    [
        ("@STATEMENTS@", STATEMENTS.to_vec()),
        ("@GRAMMAR@", grammar),
        ("@CONTROL@", CONTROL.to_vec()),
        ("@CONSTANTS@", CONSTANTS.to_vec()),
        ("@CLAUSES@", CLAUSES.to_vec()),
        ("@HEADS@", HEADS.to_vec()),
        ("@CONTINUATIONS@", CONTINUATIONS.to_vec()),
        ("@JOINTS@", JOINTS.to_vec()),
        ("@CHOICES@", CHOICES.to_vec()),
        ("@VALUES@", VALUES.to_vec()),
        ("@PROTOCOLS@", PROTOCOLS.to_vec()),
        ("@TYPES@", TYPES.to_vec()),
    ]
}

/// How a list of words is written.
type Join = fn(&[&str]) -> String;

/// A template, where it goes, and how it writes a list.
const FILES: &[(&str, &str, Join)] = &[
    ("secnet.tmLanguage.json", "vscode/syntaxes/secnet.tmLanguage.json", |words| words.join("|")),
    ("secnet.vim", "nvim/syntax/secnet.vim", |words| words.join("\\|")),
    ("highlights.scm", "tree-sitter-secnet/queries/highlights.scm", |words| quoted(words, " ")),
    ("highlights.scm", "zed/languages/secnet/highlights.scm", |words| quoted(words, " ")),
    ("words.json", "tree-sitter-secnet/words.json", |words| quoted(words, ", ")),
];

fn quoted(words: &[&str], between: &str) -> String {
    words.iter().map(|w| format!("\"{w}\"")).collect::<Vec<_>>().join(between)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_grammars_of_editors_have_the_words_of_the_language() {
    let editors = root().join("editors");
    for (template, file, join) in FILES {
        let mut text = fs::read_to_string(editors.join("templates").join(template)).unwrap();
        for (mark, words) in lists() {
            text = text.replace(mark, &join(&words));
        }
        let left = text.split('@').find(|w| w.len() > 3 && w.bytes().all(|b| b.is_ascii_uppercase()));
        assert_eq!(left, None, "{template}: there is no such list");
        let path = editors.join(file);
        if std::env::var_os("SECNET_BLESS").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let now = fs::read_to_string(&path).unwrap_or_default();
        assert!(now == text, "editors/{file} is not what editors/templates/{template} gives: SECNET_BLESS=1 writes it");
    }
    let textmate = fs::read_to_string(editors.join(FILES[0].1)).unwrap();
    serde_json::from_str::<Value>(&textmate).unwrap();
}

/// The words in quotation marks in a rule of the grammar.
fn in_rule<'g>(grammar: &'g str, rule: &str) -> BTreeSet<&'g str> {
    let mut lines = grammar.lines().skip_while(|l| l.split(' ').next() != Some(rule));
    let first = lines.next().unwrap_or_else(|| panic!("there is no rule {rule}"));
    let more: Vec<&str> = if first.trim_end().ends_with('}') { vec![] } else { lines.take_while(|l| *l != "}").collect() };
    let word = |w: &&str| w.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    std::iter::once(first).chain(more).flat_map(|l| l.split('"').skip(1).step_by(2)).filter(word).collect()
}

fn set(lists: &[&[&'static str]]) -> BTreeSet<&'static str> {
    lists.iter().flat_map(|l| l.iter().copied()).collect()
}

#[test]
fn the_parser_has_the_words_of_the_language() {
    let grammar = fs::read_to_string(root().join("grammar/secnet.pest")).unwrap();
    let own: BTreeSet<&str> = set(&[STATEMENTS]).difference(&set(&[BLOCKS_LIKE_RESOURCES])).copied().collect();
    assert_eq!(in_rule(&grammar, "keyword"), own);
    assert_eq!(in_rule(&grammar, "continuation_word"), set(&[CONTINUATIONS]));
    assert_eq!(in_rule(&grammar, "constant"), set(&[CONSTANTS]));
    assert_eq!(in_rule(&grammar, "protocol"), set(&[PROTOCOLS]));
    let keywords: BTreeSet<&str> = grammar.lines().filter_map(|l| l.strip_prefix("kw_")?.split([' ', '=']).next()).collect();
    let keywords: BTreeSet<&str> = keywords.into_iter().filter(|w| *w != "for_in").collect();
    let joints = set(&[CONTINUATIONS, JOINTS]);
    let known = set(&[STATEMENTS, CONTROL, CLAUSES]);
    assert_eq!(
        keywords.difference(&joints).copied().collect::<BTreeSet<_>>(),
        known.difference(&set(&[BLOCKS_LIKE_RESOURCES])).copied().collect()
    );
    assert!(JOINTS.iter().all(|w| keywords.contains(w)), "{JOINTS:?}");
}

#[test]
fn the_sentences_of_every_type_have_the_words_of_the_language() {
    let (heads, joints, choices) = (set(&[HEADS]), set(&[CONTINUATIONS, JOINTS]), set(&[CHOICES]));
    let mut met = BTreeSet::new();
    for sentence in resources::ALL.iter().flat_map(|s| s.sentences) {
        assert!(heads.contains(sentence.head), "`{}` is no head in syntax::words", sentence.head);
        met.insert(sentence.head);
        for slot in sentence.slots {
            match slot {
                Slot::Word(word) => assert!(joints.contains(word), "`{word}` is no joint in syntax::words"),
                Slot::Choice(_, words) => assert!(words.iter().all(|w| choices.contains(w)), "{words:?} are no choices in syntax::words"),
                _ => {}
            }
        }
    }
    // Those of policies and tests, which no resource has.
    let others = set(&[CLAUSES, &["require", "forbid", "expect", "plan"]]);
    assert!(heads.iter().all(|h| met.contains(h) || others.contains(h)), "{heads:?}");
}

#[test]
fn an_editor_is_offered_every_statement() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("main.secnet");
    fs::write(&path, "project p { region = \"us-east-1\" }\n\n").unwrap();
    let mut client = Client::new(folder.path());
    client.say(
        "textDocument/didOpen",
        json!({ "textDocument": { "uri": uri(&path), "languageId": "secnet", "version": 1, "text": fs::read_to_string(&path).unwrap() } }),
    );
    let at = json!({ "textDocument": { "uri": uri(&path) }, "position": { "line": 1, "character": 0 } });
    let answer = client.ask("textDocument/completion", at);
    let items = answer.as_array().or_else(|| answer["items"].as_array()).unwrap();
    let offered: BTreeSet<&str> = items.iter().filter_map(|i| i["label"].as_str()).collect();
    let missing: Vec<&&str> = STATEMENTS.iter().filter(|w| !offered.contains(**w)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
