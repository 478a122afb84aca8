//! What the editor's server keeps from one text to the next never shows.

use std::{collections::BTreeMap, fs, path::Path};

use secnet::{
    analysis::{Inputs, analyze},
    base::date::Day,
    prove::{
        pieces::{Memory, verdicts_in_pieces},
        verdict::verdicts,
    },
    resources::{self, Read},
};
use serde_json::{Value, json};

use crate::{
    examples,
    lsp::{Client, uri},
    random::{Dice, seed, tell},
};

/// Names of examples with the one source that each has.
fn sources() -> Vec<(String, String)> {
    let all = examples::examples().into_iter().map(|e| (e.file_name().unwrap().to_string_lossy().into_owned(), e.join("main.secnet")));
    all.map(|(name, path)| (name, fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn proofs_that_give_way_after_every_statement_end_like_those_that_do_not() {
    let day = Day::of(1_795_390_555);
    let mut turns = 0;
    for (name, text) in sources() {
        let analysis = analyze(vec![("main.secnet".into(), text)], &Inputs::default());
        if analysis.has_errors() {
            // It has more files than this one.
            continue;
        }
        let model = &analysis.model;
        let whole = verdicts(&mut resources::network(model), model, day);
        let statements: usize = model.policies.iter().map(|p| p.statements.len()).sum();
        let (mut memory, mut own) = (Memory::default(), 0);
        let steps = loop {
            own += 1;
            match verdicts_in_pieces(model, &Read::new(), day, &mut memory, &|| true) {
                Some(steps) => break steps,
                None => assert!(own <= statements + model.resources.len(), "{name}: nothing is proved in a turn"),
            }
        };
        assert!(own >= statements, "{name}: one statement a turn");
        assert_eq!(format!("{:?}", steps.judged), format!("{:?}", whole.judged), "{name}");
        assert_eq!(steps.diagnostics, whole.diagnostics, "{name}");
        turns += own;
    }
    assert!(turns > 20, "{turns}");
}

/// A text after somebody's next keystrokes.
fn typed(text: &str, original: &str, dice: &mut Dice) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let at = dice.below(lines.len());
    match dice.below(7) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, lines[at].clone()),
        2 => lines.insert(0, "# one line more, and everything below moves".into()),
        3 => lines[at] = lines[at].replacen(|c: char| c.is_ascii_digit(), &dice.below(10).to_string(), 1),
        4 => lines[at] = lines[at].chars().take(dice.below(12)).collect(),
        5 => lines[at] = lines[at].replacen("tcp/", "udp/", 1),
        _ => return original.to_owned(),
    }
    lines.join("\n") + "\n"
}

/// What is shown, by file.
type Shown = BTreeMap<String, Value>;

/// Waits until this version is judged; gives what is shown then.
fn shown(client: &mut Client, path: &Path, version: i32) -> Shown {
    let judged = |client: &Client| client.told.iter().any(|told| told["uri"] == uri(path) && told["version"] == version);
    while !judged(client) {
        client.next_of(path);
    }
    // What is said of other files is said in the same breath: an answer comes after all of it.
    client.ask("textDocument/hover", json!({ "textDocument": { "uri": uri(path) }, "position": { "line": 0, "character": 0 } }));
    let mut last = Shown::new();
    for told in &client.told {
        last.insert(told["uri"].as_str().unwrap().into(), told["diagnostics"].clone());
    }
    last.retain(|_, all| !all.as_array().unwrap().is_empty());
    last
}

#[test]
fn after_any_edits_the_editor_says_what_a_server_says_that_never_saw_another_text() {
    let (first, mut compared, mut wrong, mut asked) = (seed() + 4_000_000, 0, 0, 0);
    for (n, (name, original)) in sources().into_iter().enumerate() {
        let mut dice = Dice(first + n as u64);
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let path = root.join("main.secnet");
        fs::write(&path, &original).unwrap();
        let mut client = Client::new(&root);
        client.open(&path, &original);
        shown(&mut client, &path, 1);
        let (mut text, mut version) = (original.clone(), 1);
        for step in 0..30 {
            // Some keystrokes come before the ones before them are judged, and questions among them.
            for _ in 0..=dice.below(3) {
                (text, version) = (typed(&text, &original, &mut dice), version + 1);
                client.edit(&path, version, &text);
                if dice.one_in(3) {
                    let document = json!({ "textDocument": { "uri": uri(&path) } });
                    client.ask("textDocument/documentSymbol", document);
                    asked += 1;
                }
            }
            let kept = shown(&mut client, &path, version);
            let mut fresh = Client::new(&root);
            fresh.open(&path, &text);
            assert_eq!(kept, shown(&mut fresh, &path, 1), "{name}, seed {first}, step {step}:\n{text}");
            fresh.end();
            compared += 1;
            wrong += usize::from(!kept.is_empty());
        }
        client.end();
    }
    assert!(wrong > 10 && wrong < compared && asked > 10, "{compared} {wrong} {asked}");
    tell(format!("{compared} texts from seed {first}, {wrong} with something to say: 0 differ from a fresh server"));
}
