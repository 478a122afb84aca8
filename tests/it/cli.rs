//! What a user sees of the command line: the program itself is run, on the sandbox, in a directory of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use secnet::{call::Request, sim::Sim};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What a run left.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e} in {self:?}"))
    }

    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.out.contains(text) || self.err.contains(text), "`{text}` is not in:\n{}{}", self.out, self.err);
        self
    }
}

pub(crate) fn secnet(directory: &Path, arguments: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_secnet"));
    for (key, _) in std::env::vars_os() {
        let name = key.to_string_lossy();
        if name.starts_with("SECNET_") || name.starts_with("AWS_") {
            command.env_remove(&key);
        }
    }
    let output = command.args(arguments).current_dir(directory).stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Run { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

/// A project in a directory that goes when it is dropped.
pub(crate) struct Project {
    folder: TempDir,
}

impl Project {
    /// The private server that `secnet new` writes.
    pub(crate) fn server() -> Self {
        let folder = tempfile::tempdir().unwrap();
        secnet(folder.path(), &["new", "p"]).exits(0);
        Self { folder }
    }

    /// One file.
    pub(crate) fn of(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("p")).unwrap();
        fs::write(folder.path().join("p/main.secnet"), text).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("p")
    }

    #[track_caller]
    pub(crate) fn run(&self, line: &str) -> Run {
        secnet(&self.path(), &line.split(' ').collect::<Vec<_>>())
    }

    pub(crate) fn edit(&self, from: &str, to: &str) {
        let path = self.path().join("main.secnet");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(path, text.replace(from, to)).unwrap();
    }

    pub(crate) fn ids(&self) -> Value {
        self.run("state list --sandbox --json").json()
    }

    /// The project's sandbox, as another program would see it.
    pub(crate) fn sandbox(&self) -> Sim {
        Sim::load(&self.path().join(".secnet/sandbox/world.json"), "us-east-1").unwrap()
    }
}

#[test]
fn a_new_project_is_made_and_unmade_in_the_sandbox() {
    let project = Project::server();
    project.run("check").exits(0).says("no errors").says("secnet prove");
    let planned =
        project.run("plan --sandbox --detailed-exitcode").exits(2).says("Plan: 7 to create, 0 to update, 0 to replace, 0 to delete.");
    assert!(planned.out.starts_with("Sandbox: "), "{}", planned.out);
    project.run("apply --sandbox --yes").exits(0).says("create vpc.main ... done").says("Outputs:\n  address = ");
    project.run("plan --sandbox --detailed-exitcode").exits(0).says("Nothing to do");
    project.run("state list --sandbox").exits(0).says("instance.server        i-");
    project.run("state show vpc.main --sandbox").exits(0).says("cidr_block:                           10.0.0.0/16");
    assert!(!project.path().join("state").exists(), "the sandbox keeps to itself");
    project.run("destroy --sandbox --yes").exits(0).says("delete vpc.main ... done");
    assert_eq!(project.ids(), json!([]));
    project.run("destroy --sandbox --yes").exits(0).says("Nothing to destroy");
}

#[test]
fn what_is_protected_survives_a_destroy_and_says_how_it_may_go() {
    let text = "project p { region = \"us-east-1\" }\nvpc main { cidr_block = 10.0.0.0/16  lifecycle { protect = true } }\n";
    let project = Project::of(text);
    project.run("apply --sandbox --yes").exits(0).says("protect:");
    project.run("state show vpc.main --sandbox").exits(0).says(", protected");
    project.run("destroy --sandbox --yes").exits(1).says("E0720").says("`protect = false`").says("`forget vpc.main`");
    project.edit("vpc main { cidr_block = 10.0.0.0/16  lifecycle { protect = true } }", "");
    project.run("apply --sandbox --yes").exits(1).says("E0720");
    assert_ne!(project.ids(), json!([]));
    project.edit("us-east-1\" }", "us-east-1\" }\nvpc main { cidr_block = 10.0.0.0/16 }");
    project.run("apply --sandbox --yes").exits(0).says("protect: true -> false").says("the state is brought up to date");
    project.run("destroy --sandbox --yes").exits(0);
    assert_eq!(project.ids(), json!([]));
}

/// Offline the group that somebody else owns is what it was when it was last read, and people are told when that was.
#[test]
fn a_proof_without_ec2_says_how_old_what_it_goes_by_is() {
    let text = "project p { region = \"us-east-1\" }\nexisting vpc default { is_default = true }\noutput id = vpc.default.id\n";
    let project = Project::of(text);
    let before = project.run("exposure").exits(0);
    assert!(!before.err.contains("as it was read"), "{before:?}");
    project.run("apply --sandbox --yes").exits(0);
    fs::create_dir(project.path().join("state")).unwrap();
    fs::copy(project.path().join(".secnet/sandbox/state/p.json"), project.path().join("state/p.json")).unwrap();
    let after = project.run("exposure").exits(0);
    assert!(after.err.contains("`existing vpc.default` is as it was read "), "{after:?}");
    project.edit("is_default = true", "is_default = false");
    let other = project.run("exposure").exits(0);
    assert!(!other.err.contains("as it was read"), "{other:?}");
}

#[test]
fn an_apply_makes_few_calls_and_a_plan_without_changes_fewer() {
    let project = Project::server();
    let applied = project.run("apply --sandbox --yes --json").exits(0).json();
    assert_eq!((&applied["result"], &applied["target"]), (&json!("done"), &json!("sandbox")));
    let count = |document: &Value, which: &str| document["calls"][which].as_u64().unwrap();
    assert!(count(&applied, "mutating") <= 18 && count(&applied, "total") <= 30, "{}", applied["calls"]);
    let planned = project.run("plan --sandbox --json").exits(0).json();
    assert_eq!((&planned["plan"]["empty"], count(&planned, "mutating")), (&json!(true), 0));
    assert!(count(&planned, "total") <= 12, "{}", planned["calls"]);
    assert_eq!(project.run("apply --sandbox --yes --json").exits(0).json()["result"], "nothing_to_do");
}

#[test]
fn other_maintainers_change_one_rule_and_one_entry() {
    let project = Project::server();
    project.run("apply --sandbox --yes").exits(0);
    let before = project.ids();
    let planned = project
        .run("plan --sandbox --var maintainers=[198.51.100.7/32]")
        .exits(0)
        .says("0 to create, 2 to update, 0 to replace, 0 to delete");
    let parts: Vec<&str> = planned.out.lines().filter(|l| l.starts_with("    ~ ")).collect();
    assert_eq!(parts.len(), 2, "{}", planned.out);
    let applied = project.run("apply --sandbox --yes --var maintainers=[198.51.100.7/32]").exits(0);
    let at = |text: &str| applied.out.find(text).unwrap_or_else(|| panic!("{text} in {}", applied.out));
    assert!(
        at("create security_group.ssh: ingress tcp/22 from 198.51.100.7/32 ... done") < at("delete security_group.ssh: ingress tcp/22")
    );
    assert_eq!(project.ids(), before);
}

#[test]
fn a_rule_that_somebody_added_is_shown_as_foreign_and_revoked() {
    let project = Project::server();
    project.run("apply --sandbox --yes").exits(0);
    let group = project.run("state show security_group.ssh --sandbox --json").json()["id"].clone();
    let rule = json!({"IpProtocol": "tcp", "FromPort": 3389, "ToPort": 3389, "IpRanges": [{"CidrIp": "192.0.2.0/24"}]});
    let request = Request::new("AuthorizeSecurityGroupIngress", json!({"GroupId": group, "IpPermissions": [rule]}));
    project.sandbox().call(&request).unwrap();
    project.run("plan --sandbox").exits(0).says("- ingress tcp/3389 from 192.0.2.0/24  (foreign: not in the project; will be revoked)");
    project.run("apply --sandbox --yes").exits(0);
    project.run("plan --sandbox --detailed-exitcode").exits(0);
}

#[test]
fn two_groups_that_name_each_other_come_and_go() {
    let project = Project::of(
        r#"project p { region = "us-east-1" }
vpc main { cidr_block = 10.0.0.0/16 }
security_group app { vpc = vpc.main  description = "app"  egress tcp/5432 to security_group.db }
security_group db { vpc = vpc.main  description = "db"  ingress tcp/5432 from security_group.app }
"#,
    );
    project.run("apply --sandbox --yes").exits(0);
    project.run("plan --sandbox --detailed-exitcode").exits(0);
    project.run("destroy --sandbox --yes").exits(0);
    assert_eq!(project.ids(), json!([]));
}

#[test]
fn nothing_is_touched_where_nobody_can_be_asked() {
    let project = Project::server();
    project.run("apply --sandbox").exits(2).says("E0630").says("nothing has been touched");
    assert_eq!(project.ids(), json!([]));
    let refused = project.run("apply --sandbox --json").exits(2).json();
    assert_eq!(refused["diagnostics"][0]["code"], "E0630");
}

#[test]
fn a_plan_file_is_applied_as_it_is_or_not_at_all() {
    let project = Project::server();
    project.run("plan --sandbox --out first.plan").exits(0);
    project.run("plan --sandbox --out same.plan").exits(0);
    project.run("apply first.plan --yes").exits(0).says("Sandbox: ");
    project.run("apply same.plan --yes").exits(1).says("serial");
    project.run("plan --sandbox --var maintainers=[198.51.100.7/32] --out var.plan").exits(0);
    project.edit("10.0.1.0/24", "10.0.2.0/24");
    project.run("apply var.plan --yes").exits(1).says("have changed since");
    project.edit("10.0.2.0/24", "10.0.1.0/24");
    project.run("apply var.plan --yes").exits(0).says("198.51.100.7/32");
    fs::write(project.path().join("no.plan"), "{}").unwrap();
    project.run("apply no.plan --yes").exits(3).says("E0620");
}

#[test]
fn a_file_that_a_function_read_is_part_of_the_plan() {
    let project = Project::server();
    let main = project.path().join("main.secnet");
    let text = fs::read_to_string(&main).unwrap();
    fs::create_dir(project.path().join("text")).unwrap();
    fs::write(project.path().join("text/name"), "one").unwrap();
    let reads = "output name = file(\"text/name\")\noutput more = fileexists(\"text/more\")\noutput all = fileset(\"\", \"**/n*\")\n";
    fs::write(&main, format!("{text}{reads}")).unwrap();
    project.run("plan --sandbox --out it.plan").exits(0);
    fs::write(project.path().join("text/name"), "two").unwrap();
    project.run("apply it.plan --yes").exits(1).says("have changed since");
    fs::write(project.path().join("text/name"), "one").unwrap();
    fs::write(project.path().join("text/more"), "").unwrap();
    project.run("apply it.plan --yes").exits(1).says("have changed since");
    fs::remove_file(project.path().join("text/more")).unwrap();
    fs::write(project.path().join("text/new"), "").unwrap();
    project.run("apply it.plan --yes").exits(1).says("have changed since");
    fs::remove_file(project.path().join("text/new")).unwrap();
    project.run("apply it.plan --yes").exits(0);
}

#[test]
fn an_interrupted_run_is_taken_up_first() {
    let project = Project::server();
    project.run("apply --sandbox --yes").exits(0);
    let folder = project.path().join(".secnet/sandbox/state");
    let state: Value = serde_json::from_slice(&fs::read(folder.join("p.json")).unwrap()).unwrap();
    let text = state.to_string();
    let lineage = text.split("\"lineage\":\"").nth(1).and_then(|t| t.split('"').next()).unwrap();
    let serial: u64 = text.split("\"serial\":").nth(1).and_then(|t| t.split([',', '}']).next()).unwrap().parse().unwrap();
    let begin = json!({"begin": {"lineage": lineage, "serial": serial, "account": null, "region": "us-east-1", "at": 0}});
    fs::write(folder.join("p.journal"), format!("{begin}\n")).unwrap();
    project.run("plan --sandbox").exits(0).says("An earlier run was interrupted").says("Nothing to do");
    assert!(!folder.join("p.journal").exists());
}

/// Waits for a line that has `text` in it.
fn read_until(lines: &mut impl Iterator<Item = std::io::Result<String>>, text: &str) {
    let found = lines.any(|line| line.is_ok_and(|l| l.contains(text)));
    assert!(found, "`{text}` never came");
}

#[cfg(unix)]
#[test]
fn control_c_twice_stops_at_once_and_the_next_run_goes_on() {
    use std::io::{BufRead, BufReader};

    const LONG: u64 = 1_000_000;
    let project = Project::server();
    project.run("plan --sandbox").exits(0);
    let slow = project.sandbox();
    slow.world(|world| world.pace.instance_running = LONG);
    slow.save().unwrap();
    drop(slow);
    let mut command = Command::new(env!("CARGO_BIN_EXE_secnet"));
    command.args(["apply", "--sandbox", "--yes"]).current_dir(project.path()).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut err = BufReader::new(child.stderr.take().unwrap()).lines();
    read_until(&mut out, "create instance.server ... i-");
    let press = || assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    press();
    read_until(&mut err, "Press Ctrl-C again to stop at once");
    press();
    read_until(&mut out, "create instance.server: not known yet");
    assert_eq!(child.wait().unwrap().code(), Some(1));

    let later = project.sandbox();
    later.world(|world| world.advance(LONG));
    later.save().unwrap();
    drop(later);
    project.run("apply --sandbox --yes").exits(0).says("An earlier run was interrupted");
    project.run("plan --sandbox --detailed-exitcode").exits(0);
    let instances = project.sandbox().call(&Request::new("DescribeInstances", json!({}))).unwrap();
    assert_eq!(instances["Reservations"].as_array().map(Vec::len), Some(1));
}

#[test]
fn sources_are_written_in_their_one_form() {
    let project = Project::of("project p { region = \"us-east-1\" }\nvpc   main { cidr_block=10.0.0.0/16 }\n");
    project.run("fmt --check").exits(1).says("main.secnet");
    let diff = project.run("fmt --diff").exits(0).says("--- a/main.secnet").says("+++ b/main.secnet").says("\n-").says("\n+");
    let json = project.run("fmt --diff --check --json").exits(1).json();
    assert_eq!((json["changed"][0].as_str(), json["diffs"]["main.secnet"].as_str()), (Some("main.secnet"), Some(diff.out.trim_end())));
    project.run("fmt --check").exits(1);
    project.run("fmt").exits(0).says("main.secnet");
    project.run("fmt --check").exits(0);
    assert_eq!(project.run("fmt").exits(0).out, "");
    fs::write(project.path().join("broken.secnet"), "vpc main {").unwrap();
    project.run("fmt broken.secnet").exits(1).says("broken.secnet:1:");
    fs::remove_file(project.path().join("broken.secnet")).unwrap();
    let started = secnet(project.folder.path(), &["new", "q"]).exits(0);
    assert!(started.err.is_empty());
    secnet(project.folder.path(), &["fmt", "--check", "q"]).exits(0);
    secnet(project.folder.path(), &["fmt", "--check"]).exits(3).says("no file that ends in `.secnet`");
    secnet(project.folder.path(), &["fmt", "--check", "--recursive"]).exits(0);
    fs::write(project.folder.path().join("q/odd.secnet"), "let  a = 1\noutput b=a\n").unwrap();
    secnet(project.folder.path(), &["fmt", "-r"]).exits(0).says("q/odd.secnet");
    assert_eq!(fs::read_to_string(project.folder.path().join("q/odd.secnet")).unwrap(), "let a = 1\noutput b = a\n");
}

#[test]
fn mistakes_are_reported_with_their_places() {
    let project = Project::of("project p { region = \"us-east-1\" }\nvpc main { cidr_block = 10.0.0.5/16 }\nvpcc other {}\n");
    project.run("check").exits(1).says("main.secnet:2:").says("did you mean `vpc`?").says("2 errors; `secnet explain E");
    project.run("plan --sandbox").exits(1);
    project.run("plan --sandbox --detailed-exitcode").exits(1);
    let document = project.run("check --json").exits(1).json();
    let first = &document["diagnostics"][0];
    assert_eq!((&first["file"], &first["start"]["line"], &first["severity"]), (&json!("main.secnet"), &json!(2), &json!("error")));
    let folder = project.path();
    let outside = secnet(folder.parent().unwrap(), &["check", "p"]).exits(1);
    outside.says("p/main.secnet:2:");
}

#[test]
fn directories_and_files_that_cannot_be_read_are_named() {
    let project = Project::of("");
    let folder = project.path();
    fs::remove_file(folder.join("main.secnet")).unwrap();
    project.run("check").exits(3).says("E0601").says("`.` holds no file that ends in `.secnet`");
    project.run("check nowhere").exits(3).says("`nowhere` cannot be read: it does not exist");
    fs::write(folder.join("latin.secnet"), b"# caf\xe9\n").unwrap();
    project.run("check").exits(3).says("`latin.secnet` is not UTF-8: byte 0xe9 at offset 5, in line 1");
    fs::create_dir(folder.join("empty.secnet")).unwrap();
    fs::remove_file(folder.join("latin.secnet")).unwrap();
    project.run("check").exits(3).says("E0601");
}

#[test]
fn a_code_is_explained_and_a_wrong_one_is_guessed() {
    let here = tempfile::tempdir().unwrap();
    secnet(here.path(), &["explain", "E0301"])
        .exits(0)
        .says("E0301: a subnet lies outside its VPC")
        .says("    vpc main { cidr_block = 10.0.0.0/16 }");
    secnet(here.path(), &["explain", "e0601"]).exits(0);
    secnet(here.path(), &["explain", "E9301"]).exits(2).says("did you mean `E0301`?");
}

#[test]
fn every_code_has_an_explanation_of_its_own() {
    let mut ids: Vec<&str> = secnet::base::codes::all().map(|c| c.id).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "two messages share a code");
    for code in secnet::base::codes::all() {
        assert!(code.explanation.len() > 30 && !code.title.ends_with('.'), "{}", code.id);
    }
}

#[test]
fn wrong_usage_and_help_end_as_they_should() {
    let here = tempfile::tempdir().unwrap();
    secnet(here.path(), &["plna"]).exits(2).says("plan");
    secnet(here.path(), &["plan", "--sandbox", "--endpoint-url", "http://127.0.0.1:1"]).exits(2);
    secnet(here.path(), &["plan", "--var", "x"]).exits(2).says("NAME=VALUE");
    secnet(here.path(), &["--help"]).exits(0).says("Exit codes");
    secnet(here.path(), &["completion", "bash"]).exits(0).says("complete");
    fs::create_dir(here.path().join("p")).unwrap();
    secnet(here.path(), &["new", "p"]).exits(2).says("is there already");
    secnet(here.path(), &["new", "1p"]).exits(2).says("cannot name a project");
}

#[test]
fn outputs_are_printed_for_scripts() {
    let project = Project::server();
    project.run("apply --sandbox --yes").exits(0);
    let address = project.run("output . address --sandbox").exits(0).out;
    assert!(address.trim_end().parse::<std::net::Ipv4Addr>().is_ok(), "{address}");
    assert_eq!(project.run("output address --sandbox").exits(0).out, address);
    assert_eq!(project.run("output --sandbox --json").exits(0).json()["address"], address.trim_end());
    project.run("output . addres --sandbox").exits(2).says("did you mean `address`?");
    project.run("state show vpc.mian --sandbox").exits(2).says("did you mean `vpc.main`?");
}

#[test]
fn a_project_stays_in_its_region() {
    let project = Project::server();
    project.run("plan --sandbox --region eu-west-1").exits(2).says("the project stands in `us-east-1`");
}

#[cfg(not(feature = "aws"))]
#[test]
fn a_build_without_the_sdk_says_how_to_get_it() {
    let project = Project::server();
    project.run("plan").exits(3).says("E0617").says("cargo install --locked --path .");
}

#[cfg(feature = "aws")]
#[test]
fn an_endpoint_that_refuses_is_named() {
    let project = Project::server();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let line = format!("plan --endpoint-url http://127.0.0.1:{port}");
    let run = Command::new(env!("CARGO_BIN_EXE_secnet"))
        .args(line.split(' '))
        .current_dir(project.path())
        .env("AWS_ACCESS_KEY_ID", "x")
        .env("AWS_SECRET_ACCESS_KEY", "x")
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.code() == Some(3) && err.contains("E0613") && err.contains(&port.to_string()), "{err}");
}
