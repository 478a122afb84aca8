//! Sensitive values on the command line: whatever is printed or written is looked through for them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use secnet::base::base64;

use crate::cli::{Project, Run, secnet};

/// Both can stand nowhere by chance. EC2 takes the first in a description; the second must be escaped in JSON.
const TOKEN: &str = "Zq9xSecretTokenKj7w";
const DATA: &str = "pa\"ss\\Vb3nDataLm8q";

/// The ways in which a secret could stand in a file: as it is, as JSON has it (even twice), in base64 wherever it begins.
pub(crate) fn forms(secret: &str) -> Vec<String> {
    let json = |text: &str| serde_json::to_string(text).unwrap().trim_matches('"').to_owned();
    let mut forms = vec![secret.to_owned(), json(secret), json(&json(secret)), format!("{secret:?}")];
    for before in 0..3 {
        let encoded = base64::encode(format!("{}{secret}", " ".repeat(before)).as_bytes());
        // What is around it is in the first and the last digits.
        forms.push(encoded[4..encoded.len() - 4].to_owned());
    }
    forms
}

#[track_caller]
pub(crate) fn holds_none(bytes: &[u8], of: &[&str], what: &str) {
    let text = String::from_utf8_lossy(bytes);
    for form in of.iter().flat_map(|secret| forms(secret)) {
        assert!(!text.contains(&form), "{what} holds {form}:\n{text}");
    }
}

/// Every file under a directory, but the world of the sandbox, which plays EC2.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false if path.ends_with(".secnet/sandbox/world.json") => {}
            false => found.push(path),
        }
    }
    found
}

/// Runs, and looks through all that came of it.
#[track_caller]
fn run(project: &Project, line: &str, more: &[&str]) -> Run {
    let arguments: Vec<&str> = line.split(' ').chain(more.iter().copied()).collect();
    let run = secnet(&project.path(), &arguments);
    holds_none(run.out.as_bytes(), &[TOKEN, DATA], line);
    holds_none(run.err.as_bytes(), &[TOKEN, DATA], line);
    for path in files(&project.path()) {
        holds_none(&fs::read(&path).unwrap(), &[TOKEN, DATA], &format!("{} after {line}", path.display()));
    }
    run
}

fn project() -> Project {
    let project = Project::server();
    project
        .edit("tags            = { Name = \"p\" }", "tags = { Name = \"p\", Secret = module.note.echo }\n  user_data = \"run '${data}'\"");
    project.edit("\"SSH for maintainers\"", "\"for ${token}\"");
    project.edit(
        "output address",
        r#"variable token: string { sensitive = true  validate length(token) < 40 "too long" }
variable data = "none" { sensitive = true }
variable number = 1 { sensitive = true }
module note "./modules/note" { secret = token }
output login = "admin:${module.note.echo}" "how to log in" { sensitive = true }
output size = nonsensitive(length(token) + number)
output address"#,
    );
    fs::create_dir_all(project.path().join("modules/note")).unwrap();
    fs::write(project.path().join("modules/note/main.secnet"), "variable secret: string\noutput echo = \"echo ${secret}\"\n").unwrap();
    project
}

fn given() -> [String; 4] {
    ["--var".into(), format!("token={TOKEN}"), "--var".into(), format!("data={DATA}")]
}

#[test]
fn a_sensitive_value_reaches_ec2_and_nothing_else() {
    let project = project();
    let given = given();
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    run(&project, "check", &given).exits(0);
    run(&project, "plan --sandbox", &given).exits(0).says("user_data:                   (sensitive)").says("Secret = (sensitive)");
    let planned = run(&project, "plan --sandbox --json", &given).exits(0).json();
    let attributes = planned["plan"]["changes"].as_array().unwrap().iter().flat_map(|c| c["attributes"].as_array().unwrap());
    let hidden: Vec<&str> = attributes.filter(|a| a["sensitive"] == true).map(|a| a["name"].as_str().unwrap()).collect();
    assert_eq!(hidden, ["user_data", "tags", "description"]);
    run(&project, "apply --sandbox --yes", &given).exits(0).says("login   = (sensitive)");

    let world = fs::read_to_string(project.path().join(".secnet/sandbox/world.json")).unwrap();
    assert!(world.contains(&format!("for {TOKEN}")) && world.contains(&format!("echo {TOKEN}")), "EC2 has them in the clear");
    assert!(world.contains(&base64::encode(format!("run '{DATA}'").as_bytes())), "EC2 has user data in base64");

    run(&project, "plan --sandbox --detailed-exitcode", &given).exits(0).says("Nothing to do");
    run(&project, "plan --sandbox --refresh=false --detailed-exitcode", &given).exits(0).says("Nothing to do");
    run(&project, "apply --sandbox --yes", &given).exits(0).says("Nothing to do");
    run(&project, "state list --sandbox", &[]).exits(0);
    run(&project, "state show instance.server --sandbox", &[]).exits(0).says("(sensitive)");
    run(&project, "state show security_group.ssh --sandbox --json", &[]).exits(0).says("\"description\": \"(sensitive)\"");
    run(&project, "output --sandbox", &[]).exits(0).says("login = (sensitive)").says("size = 20");
    run(&project, "output --sandbox --json", &[]).exits(0).says("\"login\": \"(sensitive)\"");
    run(&project, "output . login --sandbox", &[]).exits(2).says("E0647");
    run(&project, "prove --sandbox", &given).exits(0);
    run(&project, "prove --sandbox --json", &given).exits(0);
    run(&project, "trace internet instance.server tcp/22 --sandbox", &given);
    run(&project, "inspect --sandbox", &given);
    run(&project, "exposure --sandbox", &given);

    // One of them changes.
    let other = ["--var", "token=another", "--var", given[3]];
    run(&project, "plan --sandbox", &other).exits(0).says("(sensitive) -> (sensitive, changes)").says("tags.Secret:");
    run(&project, "plan --sandbox --refresh=false", &other).exits(0).says("(sensitive, changes)");
    run(&project, "plan --sandbox --json", &other).exits(0);
    run(&project, "apply --sandbox --yes", &other).exits(0);
    run(&project, "plan --sandbox --detailed-exitcode", &other).exits(0);
    run(&project, "destroy --sandbox --yes", &other).exits(0);
}

#[test]
fn what_is_wrong_with_a_sensitive_value_is_said_without_it() {
    let project = project();
    let outside = project.path().parent().unwrap().join("secret.vars");
    let long = format!("token={}", TOKEN.repeat(3));
    let number = format!("number={TOKEN}");
    let token = format!("token={TOKEN}");
    let file = outside.to_str().unwrap();
    run(&project, "check", &["--var", &long]).exits(1).says("the value of `token` is refused: too long");
    run(&project, "check --json", &["--var", &long]).exits(1);
    run(&project, "check", &["--var", &token, "--var", &number]).exits(1).says("the value `(sensitive)`: expected a whole number");
    for text in
        [format!("token = \"{}\"\n", TOKEN.repeat(3)), format!("token = \"a\"\nnumber = \"{TOKEN}\"\n"), format!("token = [\"{TOKEN}\"]")]
    {
        fs::write(&outside, text).unwrap();
        run(&project, "check --var-file", &[file]).exits(1);
        run(&project, "check --json --var-file", &[file]).exits(1);
    }
    fs::write(&outside, format!("token = \"a\" \"{TOKEN}\"\nnumber = {TOKEN} {TOKEN}\n")).unwrap();
    run(&project, "check --var-file", &[file]).exits(1).says("E01");
    // Where the network is described, and where names are made.
    for wrong in [
        "subnet a for t in [token] { vpc = vpc.main  cidr_block = 10.0.7.0/24 }",
        "vpc b { cidr_block = sensitive(10.9.0.0/16) }",
        "output o = token",
        "let l = { for t in [token] : t => 1 }  output o = l",
    ] {
        fs::write(project.path().join("more.secnet"), wrong).unwrap();
        run(&project, "check", &["--var", &token]).exits(1).says("E02");
    }
}

#[test]
fn a_plan_file_wants_its_sensitive_values_again() {
    let project = project();
    let given = given();
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    run(&project, "plan --sandbox --out x.plan", &given).exits(0);
    run(&project, "apply x.plan --yes", &[]).exits(2).says("`--var token` is sensitive");
    run(&project, "apply x.plan --yes", &["--var", "token=another", "--var", given[3]]).exits(2).says("is not what it was");
    run(&project, "apply x.plan --yes", &given).exits(0);
    run(&project, "plan --sandbox --detailed-exitcode", &given).exits(0);
    // A second one has the key of the state.
    let outside = project.path().parent().unwrap().join("secret.vars");
    fs::write(&outside, format!("token = \"{TOKEN}x\"\ndata = \"{}\"\n", DATA.replace('\\', "\\\\").replace('"', "\\\""))).unwrap();
    let file = ["--var-file", outside.to_str().unwrap()];
    run(&project, "plan --sandbox --out y.plan", &file).exits(0);
    run(&project, "apply y.plan --yes", &[]).exits(2).says("is sensitive");
    run(&project, "apply y.plan --yes", &file).exits(0);
    run(&project, "plan --sandbox --detailed-exitcode", &file).exits(0);
}
