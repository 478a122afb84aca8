//! Environments and other projects: the program itself is run, on the sandbox.

use std::{fs, path::Path};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::cli::{Project, Run, secnet};

const SOURCES: &str = r#"project p { region = "us-east-1" }
env prod { region = "eu-west-1"  account = "123456789012" }
env dev { state = "development" }
variable range: cidr = 10.0.0.0/16
vpc main { cidr_block = range }
output range = range
output vpc = vpc.main
"#;

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

fn range_in(project: &Project, env: &str) -> String {
    project.run(&format!("output range --sandbox{env}")).exits(0).out.trim_end().to_owned()
}

#[test]
fn each_environment_has_its_own_place_state_and_variables() {
    let project = Project::of(SOURCES);
    fs::write(project.path().join("prod.vars"), "range = 10.1.0.0/16\n").unwrap();
    project.run("apply --sandbox --yes").exits(0);
    let planned = project.run("plan --sandbox --env prod --json").exits(0).json();
    assert_eq!((&planned["environment"], &planned["plan"]["region"]), (&json!("prod"), &json!("eu-west-1")));
    assert_eq!((&planned["plan"]["project"], &planned["plan"]["create"]), (&json!("p"), &json!(1)));
    let applied = project.run("apply --sandbox --yes --env prod").exits(0);
    applied.says("Environment: prod, whose state is .secnet/sandbox/state/p.prod.json.").says("kept in .secnet/sandbox/world.prod.json");
    project.run("apply --sandbox --yes --env dev").exits(0).says("p.development.json");
    assert_eq!(range_in(&project, ""), "10.0.0.0/16");
    assert_eq!(range_in(&project, " --env prod"), "10.1.0.0/16");
    assert_eq!(range_in(&project, " --env dev"), "10.0.0.0/16");
    project.run("plan --sandbox --detailed-exitcode --env prod").exits(0).says("Nothing to do");
    project.run("destroy --sandbox --yes --env prod").exits(0).says("delete vpc.main");
    project.run("plan --sandbox --detailed-exitcode").exits(0).says("Nothing to do");
    project.run("plan --sandbox --detailed-exitcode --env dev").exits(0).says("Nothing to do");
    assert_eq!(project.run("state list --sandbox --env prod --json").exits(0).json(), json!([]));
    assert_eq!(project.run("check --json --env dev").exits(0).json()["environment"], "dev");
}

#[test]
fn what_is_given_by_hand_is_stronger_than_the_environments_variables() {
    let project = Project::of(SOURCES);
    fs::write(project.path().join("prod.vars"), "range = 10.1.0.0/16\n").unwrap();
    fs::write(project.path().join("mine.vars"), "range = 10.2.0.0/16\n").unwrap();
    let range = |extra: &str, variable: Option<&str>| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_secnet"));
        let arguments = format!("plan --sandbox --json --env prod{extra}");
        command.args(arguments.split(' ')).current_dir(project.path()).env_remove("SECNET_ENV");
        if let Some(value) = variable {
            command.env("SECNET_VAR_range", value);
        }
        let plan: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
        let attributes = plan["plan"]["changes"][0]["attributes"].as_array().unwrap().clone();
        attributes.iter().find(|a| a["name"] == "cidr_block").unwrap()["new"].as_str().unwrap().to_owned()
    };
    assert_eq!(range("", Some("10.9.0.0/16")), "10.1.0.0/16", "the environment's file over SECNET_VAR_");
    assert_eq!(range(" --var-file mine.vars", None), "10.2.0.0/16");
    assert_eq!(range(" --var-file mine.vars --var range=10.3.0.0/16", None), "10.3.0.0/16");
}

#[test]
fn an_environment_that_there_is_none_of_is_no_new_one() {
    let project = Project::of(SOURCES);
    for command in ["plan --sandbox --env prd", "check --env prd", "state list --sandbox --env prd", "output --sandbox --env prd"] {
        project.run(command).exits(1).tells("E0290").tells("did you mean `prod`?");
    }
    project.run("apply --sandbox --yes --env ../x").exits(1).tells("\"../x\" cannot be the name of an environment");
    project.run("plan --sandbox --env mine").exits(1).tells("there are `dev` and `prod`");
    fs::write(project.path().join("mine.vars"), "range = 10.2.0.0/16\n").unwrap();
    project.run("apply --sandbox --yes --env mine").exits(0).says("p.mine.json");
    fs::write(project.path().join("development.vars"), "").unwrap();
    project.run("plan --sandbox --env development").exits(1).tells("E0292");
    project.run("state list --sandbox --env development").exits(1).tells("E0292");
    assert!(!project.path().join("state").exists());
}

#[test]
fn the_other_account_is_refused_and_a_mistake_elsewhere_hides_no_state() {
    let project = Project::of(&SOURCES.replace("\"123456789012\"", "\"210987654321\""));
    project.run("plan --sandbox --env prod").exits(3).tells("210987654321");
    project.run("apply --sandbox --yes --env dev").exits(0);
    project.edit("cidr_block = range", "cidr_block = rang");
    project.run("state list --sandbox --env dev").exits(0).says("vpc.main");
}

#[test]
fn a_plan_keeps_its_environment() {
    let project = Project::of(SOURCES);
    fs::write(project.path().join("prod.vars"), "range = 10.1.0.0/16\n").unwrap();
    project.run("plan --sandbox --env prod --out x.plan").exits(0);
    project.run("apply x.plan --yes --env dev").exits(1).tells("it was made for the environment `prod`, and `dev` is asked for");
    project.run("apply x.plan --yes --env prod").exits(0).says("Environment: prod");
    assert_eq!(range_in(&project, " --env prod"), "10.1.0.0/16");
    project.run("plan --sandbox --out y.plan").exits(0);
    project.run("apply y.plan --yes --env prod").exits(1).tells("it was made for no environment");
    project.run("apply y.plan --yes").exits(0);
}

/// Two projects beside each other: `network`, and `app` that reads it.
struct Both {
    folder: TempDir,
}

impl Both {
    fn new() -> Self {
        let both = Self { folder: tempfile::tempdir().unwrap() };
        both.write("network/main.secnet", &SOURCES.replace("project p", "project network"));
        let app = "project app { region = \"us-east-1\" }\nproject network \"../network\"\nvpc main { cidr_block = project.network.range }\n\
                   output vpc = project.network.vpc\n";
        both.write("app/main.secnet", app);
        both
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[track_caller]
    fn run(&self, project: &str, line: &str) -> Run {
        secnet(&self.path(project), &line.split(' ').collect::<Vec<_>>())
    }
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn outputs_of_another_project_are_read_through_its_state() {
    let both = Both::new();
    both.run("app", "check")
        .exits(1)
        .tells("E0297")
        .tells("`network` was never applied")
        .tells("apply it first: `secnet apply ../network`");
    both.run("network", "apply --sandbox --yes").exits(0);
    both.run("app", "check").exits(1).tells("it was applied in the sandbox alone: add `--sandbox`");
    both.run("app", "check --sandbox").exits(0);
    both.run("app", "apply --sandbox --yes").exits(0);
    let id = read(&both.path("network/.secnet/sandbox/state/network.json"))["outputs"]["vpc"]["text"].clone();
    let outputs = both.run("app", "output --sandbox --json").exits(0).json();
    assert!(id.is_string() && outputs["vpc"] == id, "{id} {outputs}");
    both.run("app", "plan --sandbox --out x.plan").exits(0);
    both.run("network", "apply --sandbox --yes --var range=10.7.0.0/16").exits(0);
    both.run("app", "apply x.plan --yes").exits(1).tells("have changed since");
    both.run("app", "plan --sandbox").exits(0).says("10.7.0.0/16");
}

#[test]
fn another_project_is_read_in_the_same_environment_where_it_has_it() {
    let both = Both::new();
    both.run("network", "apply --sandbox --yes").exits(0);
    both.run("network", "apply --sandbox --yes --env dev --var range=10.5.0.0/16").exits(0);
    for env in ["dev", "prod", "test"] {
        both.write(&format!("app/{env}.vars"), "");
    }
    both.run("app", "apply --sandbox --yes --env dev").exits(0);
    assert!(both.run("app", "state show vpc.main --sandbox --env dev").exits(0).out.contains("10.5.0.0/16"));
    // It has `prod`, which was never applied; what stands elsewhere is no substitute.
    both.run("app", "plan --sandbox --env prod").exits(1).tells("E0297").tells("network.prod.json");
    // It knows of no `test`.
    both.run("app", "plan --sandbox --env test").exits(0).says("10.0.0.0/16");
}

#[test]
fn each_thing_that_is_wrong_with_another_project_has_its_own_message() {
    let both = Both::new();
    both.run("network", "apply --sandbox --yes").exits(0);
    let state = both.path("network/.secnet/sandbox/state/network.json");
    let good = fs::read_to_string(&state).unwrap();
    fs::write(&state, good.replace("\"format\": 2", "\"format\": 999")).unwrap();
    both.run("app", "check --sandbox").exits(3).tells("format 999").says("read for this");
    fs::write(&state, &good[..good.len() / 2]).unwrap();
    both.run("app", "check --sandbox").exits(3).says("read for this");
    fs::write(&state, &good).unwrap();
    both.run("app", "check --sandbox").exits(0);
    both.write(
        "network/main.secnet",
        &SOURCES.replace("project p", "project network").replace("range = range", "range = range { sensitive = true }"),
    );
    both.run("app", "check --sandbox").exits(1).tells("E0299").tells("the output `range` of `network` is sensitive");
    both.write("network/main.secnet", "vpc main { cidr_block = 10.0.0.0/16 }\n");
    both.run("app", "check --sandbox").exits(1).tells("E0296").tells("it has no `project` block");
    for (path, says) in [("../none", "it does not exist"), ("network", "it says no directory"), ("./", "it is this project itself")] {
        both.write("app/main.secnet", &format!("project app {{ }}\nproject other \"{path}\"\n"));
        both.run("app", "check --sandbox").exits(1).tells("E0296").tells(says);
    }
}

#[test]
fn what_the_state_holds_sealed_is_no_value_for_others() {
    let both = Both::new();
    let sources = SOURCES.replace("project p", "project network");
    let secret = "variable key = \"k\" { sensitive = true }\noutput key = key { sensitive = true }\n";
    both.write("network/main.secnet", &format!("{sources}{secret}"));
    both.run("network", "apply --sandbox --yes").exits(0);
    // Whatever its sources say of it since.
    both.write("network/main.secnet", &sources);
    both.write("app/main.secnet", "project app { }\nproject network \"../network\"\noutput key = project.network.key\n");
    both.run("app", "check --sandbox").exits(1).tells("E0299").tells("the output `key` of `network` is sensitive");
}

#[test]
fn two_projects_may_read_each_other() {
    let both = Both::new();
    both.run("network", "apply --sandbox --yes").exits(0);
    both.run("app", "apply --sandbox --yes").exits(0);
    let text = fs::read_to_string(both.path("network/main.secnet")).unwrap();
    both.write("network/main.secnet", &format!("{text}project app \"../app\"\noutput seen = project.app.vpc\n"));
    both.run("network", "apply --sandbox --yes").exits(0);
    both.run("app", "plan --sandbox --detailed-exitcode").exits(0);
}
