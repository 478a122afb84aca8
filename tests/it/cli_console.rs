//! `secnet console`: what is asked in lines, and what is answered.

use std::{
    fs,
    io::{ErrorKind, Write},
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::cli::{Project, Run};

const TOUR: &str = include_str!("../../examples/secure_server/main.secnet");

/// Types lines into a console of a directory.
fn console(directory: &Path, arguments: &[&str], lines: &str) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_secnet"));
    for (key, _) in std::env::vars_os().filter(|(key, _)| key.to_string_lossy().starts_with("SECNET_")) {
        command.env_remove(key);
    }
    let piped = command.arg("console").args(arguments).current_dir(directory);
    let mut child = piped.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // One that ends before it has read anything has closed its end.
    let sent = child.stdin.take().unwrap().write_all(lines.as_bytes());
    assert!(sent.is_ok() || sent.is_err_and(|e| e.kind() == ErrorKind::BrokenPipe));
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Run { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

/// What is answered to lines about a file.
#[track_caller]
fn answers(text: &str, lines: &str, wanted: &str) {
    let project = Project::of(text);
    let run = console(&project.path(), &[], lines).exits(0);
    assert_eq!((run.out.as_str(), run.err.as_str()), (wanted, ""));
}

const SMALL: &str = "project p { }\nvariable n: int = 2\nlet twice = n * 2\nvpc main { cidr_block = 10.0.0.0/16 }\noutput v = vpc.main\n\
                     output t = twice\n";

#[test]
fn an_expression_is_answered_by_its_value() {
    answers(
        SMALL,
        "1 + 1\nn\n  twice * 10  \n\n# a comment\nsubnets(vpc.main.cidr_block, 8)[1]\n[for i in [1, 2] : \"${i}!\"]\n{ a = twice }\nnull\n",
        "2\n2\n40\n10.0.1.0/24\n[\"1!\", \"2!\"]\n{ a = 4 }\nnull\n",
    );
}

#[test]
fn values_of_variables_are_those_that_are_given() {
    let project = Project::of(SMALL);
    assert_eq!(console(&project.path(), &["--var", "n=5"], "twice\n").exits(0).out, "10\n");
}

#[test]
fn what_ec2_decides_is_said_to_be_known_later() {
    answers(SMALL, "vpc.main.id\n:type vpc.main.id\n", "vpc.main.id   # known after apply\nstring\n");
}

#[test]
fn types_are_told() {
    answers(
        SMALL,
        ":type n\n:type [1, 2]\n:type 10.0.0.0/8\n:type vpc.main\n:type \"a\"\n:type tcp/22\n",
        "int\nlist(int)\ncidr\nvpc\nstring\nservice\n",
    );
}

#[test]
fn names_are_listed_and_the_end_is_the_end() {
    answers(SMALL, ":list\n:quit\nn\n", "variable  n\nlet       twice\noutput    v\noutput    t\nresource  vpc.main\n");
    let run = console(&Project::of(SMALL).path(), &[], ":help\n").exits(0);
    assert!(run.out.contains("trace FROM TO SERVICE") && run.out.contains(":quit"), "{}", run.out);
}

#[test]
fn a_resource_is_shown_as_it_is_written_and_with_what_the_state_knows() {
    let project = Project::server();
    let before = console(&project.path(), &["--sandbox"], "vpc.main\ninstance.server.public_ip_address\n").exits(0);
    assert!(before.out.starts_with("vpc.main\n    amazon_provided_ipv6_cidr_block:"), "{}", before.out);
    assert!(
        before.out.contains("10.0.0.0/16\n") && before.out.contains("instance.server.public_ip_address   # known after apply\n"),
        "{}",
        before.out
    );
    project.run("apply --sandbox --yes").exits(0);
    let after = console(&project.path(), &["--sandbox"], "vpc.main\nvpc.main.id\nsecurity_group.ssh\n").exits(0);
    let id = after.out.lines().find(|l| l.starts_with("\"vpc-")).unwrap().trim_matches('"').to_owned();
    assert!(after.out.starts_with(&format!("vpc.main ({id})\n")) && after.out.contains("# from the state"), "{}", after.out);
    assert!(after.out.contains("    ingress tcp/22 from 203.0.113.0/28"), "{}", after.out);
}

#[test]
fn a_trace_says_whether_it_gets_there() {
    let project = Project::of(TOUR);
    let run = console(
        &project.path(),
        &[],
        "trace maintainers[0] instance.server tcp/22\ntrace internet instance.server tcp/80\ntrace 203.0.113.1 instance.server tcp/22\n",
    )
    .exits(0);
    assert!(run.out.contains("tcp/22 from `203.0.113.0/28` to `instance.server` passes\n"), "{}", run.out);
    assert!(run.out.contains("tcp/80 from the internet to `instance.server` is stopped\n"), "{}", run.out);
    assert!(run.out.contains("stopped: `security_group.ssh`"), "{}", run.out);
    let wrong = console(
        &project.path(),
        &[],
        "trace internet instance.server\ntrace internet instance.sever tcp/22\ntrace internet instance.server 22\n",
    );
    wrong.exits(1).says("E0691").says("there is no `instance.sever`").says("`22` is no service");
}

#[test]
fn what_is_wrong_is_underlined_and_the_next_line_is_answered() {
    let run = console(&Project::of(SMALL).path(), &[], "1 + twise\ntwice\nlet x = 1\n1 2\n(\n:tipe n\nvpc.main.cidr\n").exits(1);
    assert_eq!(run.out, "4\n");
    let run = run.says("[console:1:5]").says("there is no `twise`").says("did you mean `twice`?").says("1 + twise\n   ·     ─────\n");
    run.says("did you mean `:type`?").says("`vpc` has no attribute `cidr`").says("[console:1:10]");
}

#[test]
fn a_project_with_errors_can_be_asked_about_the_rest() {
    let text = "project p { }\nlet a = nothing\nlet b = 3\nvpc main { cidr_block = 10.0.0.0/33 }\n";
    let run = console(&Project::of(text).path(), &[], "b + 1\na + 1\ntrace internet vpc.main tcp/22\n").exits(1);
    assert_eq!(run.out, "4\n");
    run.says("The project has errors").says("there is no `nothing`").says("nothing is traced in a project that has errors");
}

#[test]
fn machines_get_one_document_a_line() {
    let run = console(
        &Project::of(SMALL).path(),
        &["--json"],
        "twice\nvpc.main\nvpc.main.id\nnothing\n:type n\n\n:list\ntrace internet vpc.main tcp/22\n",
    )
    .exits(1);
    let lines: Vec<Value> = run.out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines[0], json!({"format": 1, "input": "twice", "value": {"plain": 4, "text": "4", "known_after_apply": false}}));
    assert_eq!((&lines[1]["resource"]["address"], &lines[1]["resource"]["id"]), (&json!("vpc.main"), &Value::Null));
    assert_eq!(lines[2]["value"]["known_after_apply"], true);
    assert_eq!((&lines[3]["diagnostics"][0]["code"], &lines[3]["diagnostics"][0]["start"]["column"]), (&json!("E0202"), &json!(1)));
    assert_eq!((&lines[4]["type"], &lines[5]["names"][0]["name"], lines.len()), (&json!("int"), &json!("n"), 7));
}

#[test]
fn what_is_sensitive_is_not_shown() {
    let text = "project p { }\nvariable key: string = \"hush\" { sensitive = true }\noutput k = key { sensitive = true }\n";
    let run = console(&Project::of(text).path(), &[], "key\n\"${key}!\"\n{ a = key }\n").exits(0);
    assert!(!run.out.contains("hush") && run.out.matches("(sensitive)").count() == 3, "{}", run.out);
    let run = console(&Project::of(text).path(), &["--json"], "key\n[key]\n").exits(0);
    assert!(!run.out.contains("hush") && run.out.matches("(sensitive)").count() >= 2, "{}", run.out);
}

#[test]
fn no_project_is_no_console() {
    let folder = tempfile::tempdir().unwrap();
    console(folder.path(), &[], "1\n").exits(3);
    fs::write(folder.path().join("main.secnet"), "let a = 1\n").unwrap();
    assert_eq!(console(folder.path(), &[], "a\n").exits(0).out, "1\n");
}
