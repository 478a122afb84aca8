//! The house's rules: layers, homes of third-party crates, sizes, and what tracked files never mention.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The rooms, lowest first; a room uses only rooms before it. Values and calls are one layer: each is written in terms of the other.
const LAYERS: &[&[&str]] = &[
    &["base"],
    &["schema", "call"],
    &["net"],
    &["syntax"],
    &["ec2"],
    &["registry"],
    &["resources"],
    &["graph"],
    &["picture"],
    &["state"],
    &["resolve"],
    &["prove"],
    &["analysis"],
    &["mend"],
    &["manual"],
    &["plan"],
    &["iam"],
    &["test"],
    &["apply"],
    &["sim"],
    &["live"],
    &["lsp"],
    &["cli"],
];

/// Third-party crates, and the only places that name them.
const HOMES: &[(&str, &[&str])] = &[
    ("argon2", &["state/remote/encryption.rs"]),
    ("aws_lc_rs", &["state/remote/encryption.rs"]),
    ("pest", &["syntax"]),
    ("pest_derive", &["syntax"]),
    ("miette", &["cli/report.rs"]),
    ("mimalloc", &["main.rs"]),
    ("clap", &["cli", "main.rs"]),
    ("clap_complete", &["cli"]),
    ("pulldown_cmark", &["manual"]),
    ("terminal_size", &["cli/printer.rs"]),
    ("indicatif", &["cli/progress.rs"]),
    ("rustyline", &["cli/console/editor.rs"]),
    ("similar", &["plan/render.rs", "cli/fmt.rs"]),
    ("flate2", &["resolve/function"]),
    ("jiff", &["resolve/function"]),
    ("md5", &["resolve/function", "sim"]),
    ("regex", &["resolve/function"]),
    ("rustc_hash", &["schema/resources.rs"]),
    ("saphyr", &["resolve/function"]),
    ("saphyr_parser", &["resolve/function"]),
    ("sha1", &["resolve/function"]),
    ("unicode_segmentation", &["resolve/function"]),
    ("tokio", &["apply", "sim", "ec2", "live.rs", "live", "cli", "state/journal", "state/remote"]),
    ("object_store", &["live/bucket.rs"]),
    ("hyper", &["sim"]),
    ("lsp_server", &["lsp"]),
    ("gen_lsp_types", &["lsp"]),
    ("hmac", &["state/seal.rs"]),
    ("aws_config", &["ec2", "live.rs", "live"]),
    ("aws_sdk_ec2", &["ec2", "live.rs"]),
    ("aws_sdk_servicequotas", &["ec2/quotas.rs"]),
    ("aws_sdk_sts", &["ec2", "live.rs"]),
];

const LINES_MAX: usize = 800;
const FUNCTION_MAX: usize = 70;

/// Files or functions (`path` or `path: name`) that are longer. This list only shrinks: an entry that is not needed is an error.
const TOO_LONG: &[&str] = &[];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file under a directory: its path from there with forward slashes, and its text.
fn rust_files(directory: &str) -> BTreeMap<String, String> {
    let base = root().join(directory);
    let mut found = BTreeMap::new();
    let mut open = vec![base.clone()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
        } else if path.extension().is_some_and(|e| e == "rs") {
            let name = path.strip_prefix(&base).unwrap().to_string_lossy().replace('\\', "/");
            found.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
    found
}

/// The code of a file: without comments, and without its tests, which may look everywhere.
fn code<'a>(name: &str, text: &'a str) -> Vec<(usize, &'a str)> {
    if name.ends_with("tests.rs") || name.contains("/tests/") {
        return vec![];
    }
    let lines = text.lines().enumerate().map(|(i, l)| (i + 1, l));
    let ours = lines.take_while(|(_, l)| !l.starts_with("#[cfg(test)]"));
    ours.filter(|(_, l)| !l.trim_start().starts_with("//")).collect()
}

/// The room that a file belongs to; none for `lib.rs` and `main.rs`.
fn room(name: &str) -> Option<&'static str> {
    let first = name.split('/').next()?.trim_end_matches(".rs");
    LAYERS.iter().copied().flatten().find(|r| **r == first).copied()
}

/// First words after `crate::`, of groups too: `crate::{base::a, plan::{b, c}}` gives `base` and `plan`.
fn used(code: &str) -> BTreeSet<&str> {
    let word = |text: &str| text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.insert(&rest[..word(rest)]);
            continue;
        };
        let (mut depth, mut starts) = (0, true);
        for (i, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => starts = true,
                c if depth == 0 && starts && c.is_alphabetic() => {
                    found.insert(&group[i..i + word(&group[i..])]);
                    starts = false;
                }
                _ => {}
            }
        }
    }
    found
}

#[test]
fn a_room_uses_only_rooms_below_it() {
    let rank = |room: &str| LAYERS.iter().position(|l| l.contains(&room));
    let mut wrong = vec![];
    for (name, text) in rust_files("src") {
        let Some(own) = room(&name) else {
            assert!(name == "lib.rs" || name == "main.rs", "src/{name} is in no room: put the room into LAYERS");
            continue;
        };
        let lines: Vec<&str> = code(&name, &text).into_iter().map(|(_, l)| l).collect();
        for other in used(&lines.join("\n")) {
            if rank(other) > rank(own) {
                wrong.push(format!("src/{name} uses `crate::{other}`, which is above `{own}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_room_stands_in_reading_order() {
    let text = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let listed: BTreeSet<&str> = text.lines().filter_map(|l| l.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(listed, LAYERS.iter().copied().flatten().copied().collect(), "src/lib.rs and LAYERS differ");
}

#[test]
fn third_party_crates_have_one_home() {
    let mut wrong = vec![];
    for (name, text) in rust_files("src") {
        for (line, content) in code(&name, &text) {
            for (krate, homes) in HOMES {
                let at_home = homes.iter().any(|h| name == *h || name == format!("{h}.rs") || name.starts_with(&format!("{h}/")));
                let path = format!("{krate}::");
                let before = |at: usize| content[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
                let named = content.match_indices(&path).any(|(at, _)| !before(at));
                if named && !at_home {
                    wrong.push(format!("src/{name}:{line} names `{krate}`, whose home is {}", homes.join(", ")));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Functions of a formatted file, with their lengths in lines.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = vec![];
    for (i, line) in lines.iter().enumerate() {
        let body = line.trim_start();
        let indent = &line[..line.len() - body.len()];
        let words: Vec<&str> = body.split(' ').collect();
        let at = words.iter().position(|w| *w == "fn").filter(|at| {
            let qualifier =
                |w: &&str| w.starts_with("pub") || matches!(*w, "async" | "const" | "unsafe" | "in" | "super)") || w.ends_with(')');
            words[..*at].iter().all(qualifier)
        });
        let Some(name) = at.and_then(|at| words.get(at + 1)) else { continue };
        let end = format!("{indent}}}");
        let one_line = body.ends_with('}') || body.ends_with(';');
        let last = if one_line { Some(0) } else { lines[i..].iter().position(|l| *l == end) };
        found.push((name.split(['(', '<']).next().unwrap_or(name).to_owned(), last.unwrap_or(0) + 1));
    }
    found
}

#[test]
fn files_and_functions_stay_short() {
    let mut long = BTreeSet::new();
    for directory in ["src", "tests"] {
        for (name, text) in rust_files(directory) {
            let path = format!("{directory}/{name}");
            for (function, lines) in functions(&text) {
                if lines > FUNCTION_MAX {
                    long.insert(format!("{path}: {function}"));
                }
            }
            if text.lines().count() > LINES_MAX {
                long.insert(path);
            }
        }
    }
    let allowed: BTreeSet<String> = TOO_LONG.iter().map(|e| (*e).to_owned()).collect();
    let (more, less): (Vec<_>, Vec<_>) = (long.difference(&allowed).collect(), allowed.difference(&long).collect());
    assert!(more.is_empty(), "over {LINES_MAX} lines, or a function over {FUNCTION_MAX}: split {more:?}");
    assert!(less.is_empty(), "short enough by now: take out of TOO_LONG {less:?}");
}

/// Files that git tracks, or would; everything but what is built where there is no git.
fn tracked() -> Vec<PathBuf> {
    let listed = std::process::Command::new("git").args(["ls-files", "-co", "--exclude-standard"]).current_dir(root()).output();
    if let Ok(output) = listed
        && output.status.success()
    {
        return String::from_utf8_lossy(&output.stdout).lines().map(|l| root().join(l)).filter(|p| p.is_file()).collect();
    }
    let mut found = vec![];
    let mut open = vec![root().to_path_buf()];
    while let Some(path) = open.pop() {
        let hidden = [".git", "target", ".venv", ".secnet"].iter().any(|n| path.file_name().is_some_and(|f| f == *n));
        match path.is_dir() {
            true if !hidden => open.extend(fs::read_dir(&path).unwrap().map(|e| e.unwrap().path())),
            false => found.push(path),
            true => {}
        }
    }
    found
}

#[test]
fn nothing_depends_on_one_machine() {
    // Put together here, so that this file does not mention them either.
    let needles = [["/wo", "rk/"].concat(), ["../sha", "red"].concat(), ["/ho", "me/"].concat(), ["/ro", "ot/"].concat()];
    let mut wrong = vec![];
    for path in tracked() {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for needle in &needles {
            // The suite of cases that is shared with others lies beside the project, where there is one.
            let cases = needle.starts_with("..") && path.ends_with("tests/it/cases.rs");
            if text.contains(needle.as_str()) && !cases {
                wrong.push(format!("{} mentions {needle}", path.strip_prefix(root()).unwrap_or(&path).display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn dependencies_come_from_crates_io() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let sources: BTreeSet<&str> = lock.lines().filter_map(|l| l.strip_prefix("source = ")).collect();
    assert_eq!(sources, BTreeSet::from(["\"registry+https://github.com/rust-lang/crates.io-index\""]));
}

#[test]
fn the_rules_see_what_they_look_for() {
    let text = "use crate::{base::a, plan::{b, sim}, declared};\nlet x = crate::live::y;";
    assert_eq!(used(text), BTreeSet::from(["base", "plan", "declared", "live"]));
    let functions = functions("pub(super) async fn one<T>(\n    a: T,\n) {\n    two()\n}\n\n    fn two() {}\n// fn three() {\n");
    assert_eq!(functions, [("one".to_owned(), 5), ("two".to_owned(), 1)]);
}
