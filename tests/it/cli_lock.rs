//! Modules from git: the program itself is run, on repositories that git makes here.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    cli::{Project, Run},
    lsp::{Client, uri},
};

const EDGE: &str = "variable range: cidr\nvpc main { cidr_block = range }\noutput vpc = vpc.main\n";

trait Tells {
    /// As `says`, wherever the lines of a message end.
    fn tells(self, text: &str) -> Self;
}

impl Tells for Run {
    #[track_caller]
    fn tells(self, text: &str) -> Self {
        let words = self.err.split_whitespace().filter(|w| *w != "│").collect::<Vec<_>>().join(" ");
        assert!(words.contains(text), "`{text}` is not in:\n{}", self.err);
        self
    }
}

/// A repository in a directory that goes when it is dropped.
struct Repository {
    folder: TempDir,
}

impl Repository {
    /// One commit with these files.
    fn of(files: &[(&str, &str)]) -> (Self, String) {
        let repository = Self { folder: tempfile::tempdir().unwrap() };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        let commit = repository.commit(files);
        (repository, commit)
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn git(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        for (key, _) in std::env::vars_os().filter(|(k, _)| k.to_string_lossy().starts_with("GIT_")) {
            command.env_remove(key);
        }
        let who = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"];
        let output = command.args(who).args(arguments).current_dir(self.path()).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn commit(&self, files: &[(&str, &str)]) -> String {
        for (name, text) in files {
            let path = self.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message=x"]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn source(&self, directory: &str, commit: &str) -> String {
        format!("git+file://{}{directory}?commit={commit}", self.path().display())
    }
}

fn project(source: &str) -> Project {
    Project::of(&format!("project p {{ }}\nmodule edge \"{source}\" {{ range = 10.8.0.0/16 }}\noutput vpc = module.edge.vpc\n"))
}

fn lock_file(project: &Project) -> Value {
    serde_json::from_str(&fs::read_to_string(project.path().join("secnet.lock")).unwrap()).unwrap()
}

/// Where the only commit that was fetched lies.
fn checkout(project: &Project) -> PathBuf {
    let all: Vec<_> = fs::read_dir(project.path().join(".secnet/modules")).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].clone()
}

#[test]
fn a_module_from_git_is_locked_then_used_without_its_repository() {
    let (repository, commit) = Repository::of(&[("modules/edge/main.secnet", EDGE), ("README.md", "x")]);
    let project = project(&repository.source("//modules/edge", &commit));
    project.run("check").exits(1).tells("E0262").tells("there is no `secnet.lock`").tells("run `secnet lock`");
    project.run("lock").exits(0).tells("Fetching file://").says("is written");
    let locked = lock_file(&project);
    let module = &locked["modules"][0];
    assert_eq!(module["commit"], json!(commit));
    assert_eq!(module["source"], json!(format!("git+file://{}//modules/edge", repository.path().display())));
    assert!(module["checksum"].as_str().unwrap().starts_with("sha256:"), "{locked}");
    drop(repository);
    project.run("check").exits(0).says("no errors");
    project.run("apply --sandbox --yes").exits(0).says("module.edge.vpc.main");
    // What was locked and lies there needs no repository again.
    let again = project.run("lock --json").exits(0).json();
    assert_eq!((&again["written"], &again["modules"][0]["status"]), (&json!(false), &json!("kept")));
    project.run("lock --check").exits(0).says("up to date");
    assert!(!checkout(&project).join(".git").exists());
}

#[test]
fn a_mistake_in_a_module_from_git_is_shown_in_its_file() {
    let (repository, commit) = Repository::of(&[("main.secnet", "vpc main { cidr_block = 10.0.0.0/33 }\n")]);
    let project = Project::of(&format!("project p {{ }}\nmodule edge \"{}\" {{ }}\n", repository.source("", &commit)));
    project.run("lock").exits(0);
    project.run("check").exits(1).tells(&format!("@{}-", &commit[..7])).tells("/main.secnet:1:33");
}

#[test]
fn what_was_changed_since_it_was_locked_is_refused_and_can_be_fetched_again() {
    let (repository, commit) = Repository::of(&[("main.secnet", EDGE), ("files/init.sh", "true\n")]);
    let project = project(&repository.source("", &commit));
    project.run("lock").exits(0);
    fs::write(checkout(&project).join("main.secnet"), EDGE.replace("range }", "0.0.0.0/0 }")).unwrap();
    for command in ["check", "plan --sandbox", "prove", "state list --sandbox"] {
        let run = project.run(command);
        if command == "state list --sandbox" {
            // The state is the project's, whatever its modules say.
            run.exits(0);
        } else {
            run.exits(1).tells("E0281").tells("`main.secnet` was changed").tells("tampered");
        }
    }
    project.run("lock").exits(0).tells("Fetching").says("up to date");
    project.run("check").exits(0);
    fs::write(checkout(&project).join("files/init.sh"), "false\n").unwrap();
    fs::write(checkout(&project).join("more.secnet"), "").unwrap();
    project.run("check").exits(1).tells("`files/init.sh` was changed, `more.secnet` was added");
    fs::remove_dir_all(project.path().join(".secnet")).unwrap();
    project.run("check").exits(1).tells("E0262").tells("it is not fetched yet").tells("run `secnet lock`");
    project.run("lock --check").exits(0).tells("Fetching");
    project.run("check").exits(0);
}

#[test]
fn another_content_of_the_same_commit_is_never_taken() {
    let (repository, commit) = Repository::of(&[("main.secnet", EDGE)]);
    let project = project(&repository.source("", &commit));
    project.run("lock").exits(0);
    let path = project.path().join("secnet.lock");
    let before = fs::read_to_string(&path).unwrap();
    let mut locked: Value = serde_json::from_str(&before).unwrap();
    locked["modules"][0]["checksum"] = json!(format!("sha256:{}", "0".repeat(64)));
    locked["modules"][0]["files"]["main.secnet"] = json!("0000000000000000");
    fs::write(&path, locked.to_string()).unwrap();
    project.run("lock").exits(1).tells("E0282").tells("`main.secnet` was changed").tells("nothing was written");
    assert_eq!(fs::read_to_string(&path).unwrap(), locked.to_string());
    project.run("check").exits(1).tells("E0281");
    fs::write(&path, "<<<<<<< ours\n").unwrap();
    project.run("lock").exits(1).tells("E0288").tells("line 1 is not what `secnet lock` writes");
    project.run("check").exits(1).tells("E0288");
    fs::write(&path, before).unwrap();
    project.run("check").exits(0);
}

#[test]
fn the_lock_file_follows_the_sources() {
    let (repository, first) = Repository::of(&[("main.secnet", EDGE)]);
    let second = repository.commit(&[("main.secnet", &format!("# newer\n{EDGE}"))]);
    let project = project(&repository.source("", &first));
    project.run("lock").exits(0);
    project.edit(&first, &second);
    project.run("check").exits(1).tells("E0262").tells(&format!("`secnet.lock` does not have it at {}", &second[..7]));
    let before = lock_file(&project);
    project.run("lock --check").exits(1).tells("E0289").tells("is not used any more");
    assert_eq!(lock_file(&project), before, "--check writes nothing");
    let report = project.run("lock --json").exits(0).json();
    assert_eq!((&report["modules"][0]["status"], &report["dropped"][0]["commit"]), (&json!("added"), &json!(first)));
    assert!(checkout(&project).file_name().unwrap().to_string_lossy().contains(&second[..7]), "the old one is gone");
    project.run("check").exits(0);
    fs::write(project.path().join("main.secnet"), "project p { }\n").unwrap();
    project.run("lock").exits(0).says("  - git+file://");
    assert_eq!(lock_file(&project)["modules"], json!([]));
}

#[test]
fn a_module_in_a_module_is_locked_too_and_stays_in_its_repository() {
    let outer = "variable range: cidr\nmodule core \"../core\" { range = range }\noutput vpc = module.core.vpc\n";
    let (repository, commit) = Repository::of(&[("mod/edge/main.secnet", outer), ("mod/core/main.secnet", EDGE)]);
    let project = project(&repository.source("//mod/edge", &commit));
    project.run("lock").exits(0);
    assert_eq!(lock_file(&project)["modules"].as_array().unwrap().len(), 2);
    project.run("check").exits(0);
    fs::write(checkout(&project).join("mod/core/main.secnet"), EDGE.replace("vpc.main", "null")).unwrap();
    project.run("check").exits(1).tells("E0281").tells("\"../core\"");

    let bad = repository.commit(&[("mod/edge/main.secnet", &outer.replace("../core", "../../../core"))]);
    project.edit(&commit, &bad);
    project.run("lock").exits(1).tells("E0287").tells("\"../../../core\" leads out of the repository");
}

#[test]
fn a_file_that_a_module_reads_is_as_it_was_locked() {
    let (repository, commit) = Repository::of(&[("mod/main.secnet", "output text = file(\"init.sh\")\n"), ("mod/init.sh", "true")]);
    let source = repository.source("//mod", &commit);
    let project = Project::of(&format!("project p {{ }}\nmodule m \"{source}\" {{ }}\noutput text = module.m.text\n"));
    project.run("lock").exits(0);
    project.run("apply --sandbox --yes").exits(0).says("text = \"true\"");
    fs::write(checkout(&project).join("mod/init.sh"), "false").unwrap();
    project.run("apply --sandbox --yes").exits(1).tells("E0281").tells("`init.sh` was changed");
}

#[test]
fn a_local_directory_cannot_lead_around_the_lock() {
    let (repository, commit) = Repository::of(&[("main.secnet", EDGE)]);
    let project = project(&repository.source("", &commit));
    project.run("lock").exits(0);
    let name = checkout(&project).file_name().unwrap().to_string_lossy().into_owned();
    project.edit(&repository.source("", &commit), &format!("./.secnet/modules/{name}"));
    project.run("check").exits(1).tells("E0262").tells("what `secnet lock` has fetched is no directory of the project");
}

#[test]
fn each_thing_that_cannot_be_fetched_has_its_own_message() {
    let (repository, commit) = Repository::of(&[("main.secnet", EDGE), ("docs/x.md", "x")]);
    let nowhere = format!("git+file://{}/none.git?commit={commit}", repository.path().display());
    let absent = "0123456789abcdef0123456789abcdef01234567";
    repository.git(&["tag", "--annotate", "--message=x", "v1"]);
    let tag = repository.git(&["rev-parse", "v1"]);
    for (source, code, says) in [
        (nowhere, "E0284", "does not appear to be a git repository"),
        (repository.source("", absent), "E0285", absent),
        (repository.source("", &tag), "E0285", &*tag),
        (repository.source("//none", &commit), "E0286", "there is no directory `none`"),
        (repository.source("//docs", &commit), "E0286", "no file in `docs` ends in `.secnet`"),
        (repository.source("", &commit[..12]), "E0280", "write all 40 digits"),
        (format!("git+file://{}?branch=main", repository.path().display()), "E0280", "ls-remote"),
    ] {
        let project = project(&source);
        project.run("lock").exits(1).tells(code).tells(says);
        assert!(!project.path().join("secnet.lock").exists());
    }
}

#[test]
fn a_commit_that_no_branch_leads_to_any_more_is_still_fetched() {
    let (repository, first) = Repository::of(&[("main.secnet", EDGE)]);
    repository.git(&["commit", "--quiet", "--amend", "--message=y"]);
    let project = project(&repository.source("", &first));
    project.run("lock").exits(0);
    project.run("check").exits(0);
}

#[cfg(unix)]
#[test]
fn a_link_in_a_repository_leads_nowhere() {
    let (repository, _) = Repository::of(&[("main.secnet", EDGE)]);
    std::os::unix::fs::symlink("/etc/passwd", repository.path().join("secret.txt")).unwrap();
    let commit = repository.commit(&[]);
    let project = project(&repository.source("", &commit));
    project.run("lock").exits(0);
    let path = checkout(&project).join("secret.txt");
    assert!(fs::symlink_metadata(&path).unwrap().is_file());
    assert_eq!(fs::read_to_string(path).unwrap(), "/etc/passwd");
}

#[test]
fn without_git_it_says_so() {
    let (repository, commit) = Repository::of(&[("main.secnet", EDGE)]);
    let project = project(&repository.source("", &commit));
    let output =
        Command::new(env!("CARGO_BIN_EXE_secnet")).arg("lock").current_dir(project.path()).env("PATH", project.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("E0283") && said.contains("`git` cannot be started"), "{said}");
}

#[test]
fn a_project_without_modules_from_git_needs_no_lock_file() {
    let project = Project::of("project p { }\n");
    project.run("lock").exits(0).says("uses no modules from git");
    assert!(!project.path().join("secnet.lock").exists());
    fs::write(project.path().join("main.secnet"), "project p { }\nmodule x \"./none\" { }\n").unwrap();
    project.run("lock").exits(1).tells("E0262");
}

#[test]
fn an_editor_follows_a_name_into_the_checkout_of_a_module_from_git() {
    let (repository, commit) = Repository::of(&[("modules/edge/main.secnet", EDGE)]);
    let project = project(&repository.source("//modules/edge", &commit));
    project.run("lock").exits(0);
    let root = project.path().canonicalize().unwrap();
    let main = root.join("main.secnet");
    let text = fs::read_to_string(&main).unwrap();
    let mut client = Client::new(&root);
    client.open(&main, &text);
    let line = text.lines().position(|l| l.starts_with("output")).unwrap();
    let at = json!({ "line": line, "character": text.lines().nth(line).unwrap().len() - 1 });
    let found = client.ask("textDocument/definition", json!({ "textDocument": { "uri": uri(&main) }, "position": at }));
    let inside = checkout(&project).canonicalize().unwrap().join("modules/edge/main.secnet");
    // `@` is no letter that a URI needs to escape, and is escaped all the same.
    assert_eq!(found[0]["uri"].as_str().unwrap().replace("%40", "@"), uri(&inside));
    assert_eq!(found[0]["range"]["start"], json!({ "line": 2, "character": 7 }));
    client.end();
}
