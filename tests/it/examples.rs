//! The examples: each is formatted, proved, planned and applied in the sandbox as it stands, and does what is written down for it.
//!
//! `examples/NAME/expected/` holds the plan and the proof; `SECNET_BLESS=1` writes what is said now. A template of
//! `secnet new` is an example under another name, and must say the same.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use secnet::manual;

use crate::cli::secnet;

pub(crate) fn examples() -> Vec<PathBuf> {
    let all = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")).unwrap();
    let mut all: Vec<PathBuf> = all.map(|e| e.unwrap().path()).filter(|p| p.is_dir()).collect();
    all.sort();
    assert!(all.len() >= 3, "{all:?}");
    all
}

/// The sources of a directory and of those in it: path from there, and text.
fn sources(directory: &Path) -> Vec<(PathBuf, String)> {
    let mut found = vec![];
    let mut open = vec![directory.to_path_buf()];
    while let Some(next) = open.pop() {
        for path in fs::read_dir(&next).unwrap().map(|e| e.unwrap().path()) {
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "secnet") {
                found.push((path.strip_prefix(directory).unwrap().to_path_buf(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// A copy of an example's sources in a directory that goes when it is dropped.
pub(crate) fn copy(example: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in sources(example) {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// A plan without what is drawn anew each time: the tags that tell what something was made by.
fn steady(plan: &str) -> String {
    let random = |line: &str| ["tags.secnet:id:", "tags.secnet:lineage:"].iter().any(|tag| line.trim_start().starts_with(tag));
    let line = |line: &str| match line.split_once(" -> ") {
        Some((before, _)) if random(line) => format!("{before} -> ...\n"),
        _ => format!("{line}\n"),
    };
    plan.lines().map(line).collect()
}

#[test]
fn every_example_plans_and_proves_as_written_down_and_applies() {
    let bless = std::env::var_os("SECNET_BLESS").is_some();
    let mut differ = vec![];
    for example in examples() {
        let folder = copy(&example);
        // What differs from one account to another, as it is in the sandbox.
        let vars = example.join("sandbox.vars");
        let vars = vars.exists().then(|| vars.display().to_string());
        let run = |line: &str| {
            let given = vars.iter().flat_map(|path| ["--var-file", path]);
            secnet(folder.path(), &line.split(' ').chain(given).collect::<Vec<_>>())
        };
        // Of what AWS made nothing is known offline.
        let proved = vars.is_none().then(|| run("prove").exits(0).out);
        let planned = run("plan --sandbox").exits(0);
        let plan = steady(&planned.out.replace(&format!("{}/", folder.path().display()), ""));
        for (file, said) in proved.map(|said| ("prove.txt", said)).into_iter().chain([("plan.txt", plan)]) {
            let path = example.join("expected").join(file);
            let expected = fs::read_to_string(&path).unwrap_or_default();
            if said != expected && bless {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(&path, &said).unwrap();
            } else if said != expected {
                differ.push(format!("{}: expected\n{expected}--- said\n{said}", path.display()));
            }
        }
        run("apply --sandbox --yes").exits(0);
        run("plan --sandbox --detailed-exitcode").exits(0).says("Nothing to do");
        // What AWS made, others stand in.
        if vars.is_none() {
            run("destroy --sandbox --yes").exits(0);
        }
    }
    assert!(differ.is_empty(), "SECNET_BLESS=1 writes what is said now\n\n{}", differ.join("\n"));
}

#[test]
fn every_source_of_the_examples_is_in_its_one_form() {
    for example in examples() {
        let directories: std::collections::BTreeSet<PathBuf> =
            sources(&example).into_iter().map(|(path, _)| example.join(path).parent().unwrap().to_path_buf()).collect();
        for directory in directories {
            secnet(&directory, &["fmt", "--check"]).exits(0);
        }
    }
}

#[test]
fn every_template_is_sound_proved_and_in_its_one_form() {
    for template in ["private_server", "two_tier", "three_tier", "hub_and_spoke", "ipv6_only"] {
        let folder = tempfile::tempdir().unwrap();
        secnet(folder.path(), &["new", "my-shop", "--template", template]).exits(0);
        let project = folder.path().join("my-shop");
        secnet(&project, &["fmt", "--check"]).exits(0);
        secnet(&project, &["check"]).exits(0).says("my_shop: ");
        secnet(&project, &["prove"]).exits(0).says("statements proven");
        let text = fs::read_to_string(project.join("main.secnet")).unwrap();
        assert!(
            !text.contains("PROJECT")
                && !text.contains("project three_tier")
                && !text.contains("project two_tier")
                && !text.contains("project hub_and"),
            "{text}"
        );
        assert!(!text.contains("project ipv6_only"), "{text}");
    }
    let folder = tempfile::tempdir().unwrap();
    secnet(folder.path(), &["new", "p", "--template", "four_tier"]).exits(2).says("three_tier");
}

#[test]
fn three_tiers_take_fewer_than_sixty_lines() {
    let all = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/three_tier"));
    let lines: usize = all.iter().map(|(_, text)| text.lines().count()).sum();
    assert!(lines < 60, "{lines} lines");
}

/// Whether a text is as shown, where a line of `...` stands for any lines.
fn is_as_shown(said: &[&str], shown: &[&str]) -> bool {
    match shown.split_first() {
        None => said.is_empty(),
        Some((&"...", rest)) => (0..=said.len()).any(|skip| is_as_shown(&said[skip..], rest)),
        Some((line, rest)) => said.split_first().is_some_and(|(first, others)| first == line && is_as_shown(others, rest)),
    }
}

#[test]
fn each_step_of_a_tutorial_leads_where_it_says() {
    let program = Path::new(env!("CARGO_BIN_EXE_secnet")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut tutorials = 0;
    for page in manual::pages() {
        let blocks = manual::code_blocks(&page.text);
        if !blocks.iter().any(|(fence, _)| fence.starts_with("secnet step ")) {
            continue;
        }
        tutorials += 1;
        let folder = tempfile::tempdir().unwrap();
        let (mut here, mut said) = (folder.path().to_path_buf(), String::new());
        for (fence, code) in blocks {
            if let Some(file) = fence.strip_prefix("secnet step ") {
                let before = fs::read_to_string(here.join(file)).map(|text| text + "\n").unwrap_or_default();
                fs::write(here.join(file), before + &code).unwrap();
            } else if fence == "sh" {
                let script = format!("{code}\npwd >&2");
                let done = Command::new("sh").args(["-ec", &script]).current_dir(&here).env("PATH", &path).output().unwrap();
                let errors = String::from_utf8_lossy(&done.stderr).into_owned();
                assert!(done.status.success(), "{}: {code}\n{errors}", page.id);
                here = PathBuf::from(errors.trim_end().lines().next_back().unwrap());
                said = String::from_utf8_lossy(&done.stdout).into_owned();
            } else if fence == "text" {
                let lines = |text: &'_ str| text.lines().map(str::to_owned).collect::<Vec<_>>();
                let (said, shown) = (lines(&said), lines(&code));
                let words = |lines: &'_ [String]| lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n");
                let fits = is_as_shown(
                    &said.iter().map(String::as_str).collect::<Vec<_>>(),
                    &shown.iter().map(String::as_str).collect::<Vec<_>>(),
                );
                assert!(fits, "{}: shown\n{}\n--- said\n{}", page.id, words(&shown), words(&said));
            }
        }
    }
    assert!(tutorials >= 1);
}

/// What the tutorial writes is the example, to the letter but for the blank lines between its parts.
#[test]
fn the_tutorial_of_three_tiers_writes_the_example() {
    let pages = manual::pages();
    let page = pages.iter().find(|p| p.id == "three_tiers").unwrap();
    let steps = manual::code_blocks(&page.text).into_iter().filter(|(fence, _)| fence == "secnet step main.secnet").map(|(_, code)| code);
    let example = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/three_tier/main.secnet")).unwrap();
    let lines = |text: &str| text.lines().filter(|l| !l.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&steps.collect::<String>()), lines(&example));
}
