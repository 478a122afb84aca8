//! The editor says what the commands say: of every example, and of every text in the specs.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    cli::secnet,
    examples,
    lsp::{Client, uri},
    spec,
};

/// A message: file, line and column of its start and its end, code, severity, and what it says.
type Said = (String, [u64; 4], String, String, String);

/// What `secnet prove` says of a project; errors of its sources among it, as `secnet check` does.
fn by_command(directory: &Path) -> BTreeSet<Said> {
    let ran = secnet(directory, &["prove", "--json"]);
    let document: Value = serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {ran:?}"));
    let all = document["diagnostics"].as_array().unwrap_or_else(|| panic!("{document}"));
    let said = all.iter().map(|d| {
        let at = |point: &str, what: &str| d[point][what].as_u64().unwrap_or_default();
        let place = [at("start", "line"), at("start", "column"), at("end", "line"), at("end", "column")];
        let text = |name: &str| d[name].as_str().unwrap_or_default().to_owned();
        let file = directory.join(d["file"].as_str().unwrap_or_default());
        let file = if d["file"].is_null() { String::new() } else { uri(&file.canonicalize().unwrap_or(file)) };
        (file, place, text("code"), text("severity"), text("message"))
    });
    said.collect()
}

/// What the editor shows.
fn in_editor(directory: &Path, files: &[PathBuf], placeless: &BTreeSet<String>) -> BTreeSet<Said> {
    let mut client = Client::with(directory, &["utf-16"]);
    for path in files {
        client.open(path, fs::read_to_string(path).unwrap().trim_start_matches('\u{feff}'));
    }
    files.last().iter().for_each(|path| drop(client.next_of(path)));
    let mut said = BTreeSet::new();
    for (file, diagnostics) in client.end() {
        for d in diagnostics.as_array().unwrap() {
            let at = |point: &str, what: &str| d["range"][point][what].as_u64().unwrap() + 1;
            let place = [at("start", "line"), at("start", "character"), at("end", "line"), at("end", "character")];
            let severity = if d["severity"] == 1 { "error" } else { "warning" };
            // Commands name files from where they are run, and an editor runs nowhere.
            let message =
                d["message"].as_str().unwrap().lines().next().unwrap_or_default().replace(&format!("{}/", directory.display()), "");
            let nowhere = placeless.contains(&message);
            let (file, place) = if nowhere { (String::new(), [0; 4]) } else { (file.clone(), place) };
            said.insert((file, place, d["code"].as_str().unwrap().into(), severity.into(), message));
        }
    }
    said
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(directory).unwrap().map(|e| e.unwrap().path()).collect();
    all.retain(|p| p.extension().is_some_and(|e| e == "secnet"));
    all.sort();
    all
}

fn compare(name: &str, directory: &Path, wrong: &mut Vec<String>) -> usize {
    let directory = directory.canonicalize().unwrap();
    let files = sources(&directory);
    if files.is_empty() {
        return 0;
    }
    let command = by_command(&directory);
    let placeless = command.iter().filter(|s| s.0.is_empty()).map(|s| s.4.clone()).collect();
    let editor = in_editor(&directory, &files, &placeless);
    // Columns are characters there, and UTF-16 here: outside of the first plane they differ.
    let wide = files.iter().any(|p| fs::read_to_string(p).unwrap().chars().any(|c| c.len_utf16() > 1 || c == '\r'));
    if command != editor && !wide {
        let (less, more): (Vec<_>, Vec<_>) = (command.difference(&editor).collect(), editor.difference(&command).collect());
        wrong.push(format!("{name}\n  only the command: {less:#?}\n  only the editor: {more:#?}"));
    }
    command.len()
}

#[test]
fn the_editor_says_of_every_example_what_the_commands_say() {
    let mut wrong = vec![];
    for example in examples::examples() {
        let name = example.file_name().unwrap().to_string_lossy().into_owned();
        let folder = examples::copy(&example);
        compare(&name, folder.path(), &mut wrong);
        // And of each with something wrong in it.
        for path in sources(folder.path()) {
            let text = fs::read_to_string(&path).unwrap();
            for (from, to) in [("from ", "from nobody + "), ("10.", "11."), ("{", "{ nothing = 1\n")] {
                fs::write(&path, text.replacen(from, to, 3)).unwrap();
                compare(&format!("{name} with {to:?}"), folder.path(), &mut wrong);
            }
            fs::write(&path, text).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_editor_says_of_every_text_in_the_specs_what_the_commands_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/spec");
    let mut cases = vec![];
    for path in spec::markdown(&root).unwrap() {
        let text = fs::read_to_string(&path).unwrap();
        let projects = spec::projects(&text).into_iter().enumerate();
        cases.extend(projects.map(|(n, files)| (format!("{}, case {}", path.display(), n + 1), files)));
    }
    let run = |cases: &[(String, Vec<(String, String)>)]| {
        let (mut wrong, mut said) = (vec![], 0);
        for (name, files) in cases {
            let folder = tempfile::tempdir().unwrap();
            for (name, text) in files {
                let path = folder.path().join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            said += compare(name, folder.path(), &mut wrong);
        }
        (wrong, said)
    };
    let (first, second) = cases.split_at(cases.len() / 2);
    let ((mut wrong, mut said), other) = std::thread::scope(|s| {
        let other = s.spawn(|| run(second));
        (run(first), other.join().unwrap())
    });
    wrong.extend(other.0);
    said += other.1;
    let cases = cases.len();
    assert!(cases > 300 && said > 300, "{cases} cases with {said} messages");
    assert!(wrong.is_empty(), "{} of {cases}\n{}", wrong.len(), wrong.join("\n"));
}
