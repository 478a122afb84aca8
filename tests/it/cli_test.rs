//! `secnet test`: what passes, what fails and why, and what machines are told of it.

use std::{collections::BTreeSet, fmt::Write as _, fs};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cli::{Run, secnet};

const TOUR: &str = include_str!("../../examples/secure_server/main.secnet");

/// A project of these files, which may lie in directories.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn run(files: &[(&str, &str)], line: &str) -> Run {
    secnet(folder(files).path(), &line.split(' ').collect::<Vec<_>>())
}

/// The example with these tests.
#[track_caller]
fn tour(tests: &str, line: &str) -> Run {
    run(&[("main.secnet", TOUR), ("tests.secnet", tests)], line)
}

/// A test of the example passes.
#[track_caller]
fn passes(body: &str) {
    tour(&format!("test \"it\" {{\n{body}\n}}\n"), "test").exits(0).says("test it ... ok").says("1 test: 1 passed, 0 failed");
}

/// A test of the example fails, and these are the messages, in order: code and what it says.
#[track_caller]
fn fails(body: &str, wanted: &[(&str, &str)]) {
    let text = format!("test \"it\" {{\n{body}\n}}\n");
    let json = tour(&text, "test --json").exits(1).json();
    let found: Vec<(&str, &str)> = json["tests"][0]["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| (d["code"].as_str().unwrap(), d["message"].as_str().unwrap()))
        .collect();
    assert_eq!(found, wanted);
    tour(&text, "test").exits(1).says("test it ... FAILED").says(wanted[0].0).says("1 test: 0 passed, 1 failed");
}

#[test]
fn values_of_a_test_are_seen_everywhere_and_win_over_all_others() {
    passes(
        "with maintainers = [198.51.100.0/28]\nassert maintainers == [198.51.100.0/28]\nrequire tcp/22 from 198.51.100.1 to instance.server",
    );
    let files = [
        (
            "main.secnet",
            "project p { }\nvariable n: int = 1\nlet twice = n * 2\noutput o = twice\ntest \"it\" {\n  with n = 3\n  assert twice == 6\n}\n",
        ),
        ("n.vars", "n = 5\n"),
    ];
    run(&files, "test --var n=7 --var-file n.vars").exits(0);
    let without =
        run(&[("main.secnet", "project p { }\nvariable n: int = 1\noutput o = n\ntest \"it\" { assert n == 7 }\n")], "test --var n=7");
    without.exits(0);
}

#[test]
fn a_variable_without_a_default_gets_its_value_from_the_test() {
    let text = "project p { }\nvariable n: int\noutput o = n\ntest \"with\" {\n  with n = 3\n}\ntest \"without\" { }\n";
    run(&[("main.secnet", text)], "test").exits(1).says("test with ... ok").says("test without ... FAILED").says("E0221");
}

#[test]
fn null_is_as_if_nothing_were_given() {
    let text = "project p { }\nvariable n: int = 1\noutput o = n\ntest \"it\" {\n  with n = null\n  assert n == 1\n}\n";
    run(&[("main.secnet", text)], "test --var n=7").exits(0);
}

#[test]
fn statements_are_proved_over_the_project_with_the_values_of_the_test() {
    passes("forbid tcp/22 from internet to instance.server except tcp/22 from maintainers");
    fails(
        "forbid tcp/22 from maintainers to instance.server",
        &[("E0811", "policy `test \"it\"` does not hold: `203.0.113.0/28` reaches `instance.server` with tcp/22")],
    );
    fails(
        "require tcp/80 from maintainers to instance.server",
        &[("E0812", "policy `test \"it\"` does not hold: `203.0.113.0/28` does not reach `instance.server` with tcp/80")],
    );
}

#[test]
fn what_nobody_can_tell_is_no_proof() {
    let text = "project p { region = \"us-east-1\" }\nexisting vpc old { is_default = true }\nexisting subnet old { vpc = vpc.old }\n\
                security_group g { vpc = vpc.old  description = \"g\" }\n\
                instance i {\n image = \"ami-0123456789abcdef0\"\n instance_type = \"t3.micro\"\n subnet = subnet.old\n security_groups = [security_group.g]\n}\n\
                test \"it\" { forbid all from internet to instance.i }\n\
                test \"counted\" { plan creates 2 }\n";
    run(&[("main.secnet", text)], "test").exits(1).says("nobody can tell").says("test counted ... ok");
}

#[test]
fn a_plan_from_nothing_creates_and_does_nothing_else() {
    passes("plan creates 7 updates 0 replaces 0 deletes 0");
    passes("plan updates 0");
    fails("plan creates 8 deletes 1", &[("E0278", "the plan creates 7, not 8"), ("E0278", "the plan deletes 0, not 1")]);
}

#[test]
fn a_plan_in_a_test_counts_as_a_plan_in_an_empty_account_does() {
    let project = crate::cli::Project::server();
    let planned = project.run("plan --sandbox --json").exits(0).json();
    let created = planned["plan"]["create"].as_u64().unwrap();
    fs::write(project.path().join("tests.secnet"), format!("test \"it\" {{ plan creates {created} }}\n")).unwrap();
    project.run("test").exits(0);
}

#[test]
fn an_assertion_that_fails_shows_what_was_compared() {
    let text = "test \"it\" {\n  with maintainers = [198.51.100.0/28]\n  assert vpc.main.cidr_block == 10.0.0.0/16 && length(maintainers) > 1 \"several offices\"\n}\n";
    tour(text, "test").exits(1).says("an assertion does not hold: several offices").says("this is false").says("this is 1");
    fails("assert vpc.main.id == \"vpc-1\"", &[("E0246", "`vpc.main.id` is known only after apply, and `==` needs it now")]);
    fails("for n in [1, 2, 3] { assert n < 3 }", &[("E0275", "an assertion does not hold")]);
    passes("if length(maintainers) > 5 { assert false }");
}

#[test]
fn what_is_expected_to_be_wrong_is_no_failure_and_everything_else_is() {
    passes("with maintainers = []\nexpect E0220 \"nothing stands after `from`\"");
    passes("with maintainers = [0.0.0.0/0]\nexpect E0812 \"tcp/22\"");
    passes("with maintainers = [0.0.0.0/0]\nexpect refuted \"private_server\"");
    fails("expect E0812", &[("E0277", "E0812 was expected, and does not come")]);
    fails("expect refuted \"private_server\"", &[("E0277", "policy `private_server` was expected to be refuted, and is proven")]);
    let refuted = "policy `private_server` does not hold: `0.0.0.0/0` does not reach `instance.server` with tcp/22";
    fails("with maintainers = [0.0.0.0/0]", &[("E0812", refuted)]);
    fails(
        "with maintainers = [0.0.0.0/0]\nexpect E0812 \"udp\"",
        &[("E0277", "E0812 with \"udp\" in it was expected, and does not come"), ("E0812", refuted)],
    );
}

#[test]
fn nothing_is_proved_of_a_project_that_has_errors_even_if_they_are_expected() {
    let text = "project p { }\nvariable n: int = 1 {\n  validate n < 5 \"n is small\"\n}\noutput o = n\nvpc main { cidr_block = 10.0.0.0/16 }\n\
                test \"refused\" {\n  with n = 9\n  expect E0224 \"n is small\"\n}\n\
                test \"planned\" {\n  with n = 9\n  expect E0224\n  plan creates 1\n}\n\
                test \"broken\" {\n  with n = \"x\"\n  expect E0240\n  assert n == 1\n}\n";
    let run = run(&[("main.secnet", text)], "test").exits(1).says("test refused ... ok").says("test planned ... FAILED");
    run.says("nothing is planned of a project that has errors").says("an assertion is neither true nor false");
}

#[test]
fn warnings_can_be_expected_and_fail_nothing() {
    let text = "project p { }\nvariable n = 1\nvariable m = 1\ntest \"told\" { expect W0201 \"`n`\" }\ntest \"quiet\" { assert m == 1 }\n";
    run(&[("main.secnet", text)], "test").exits(0).says("2 tests: 2 passed");
    run(&[("main.secnet", text)], "test --filter quiet").exits(0);
    let used = text.replace("m == 1", "n == 1");
    run(&[("main.secnet", &used)], "test").exits(1).says("E0277").says("what W0201 says is: ");
}

#[test]
fn what_is_sensitive_can_be_asserted_and_is_not_shown() {
    let text = "project p { }\nvariable key: string = \"hush\" { sensitive = true }\noutput k = key { sensitive = true }\n\
                test \"holds\" { assert key == \"hush\" }\ntest \"fails\" { assert key == \"loud\" || length(key) > 9 }\n";
    let run = run(&[("main.secnet", text)], "test").exits(1).says("test holds ... ok").says("this is (sensitive)");
    assert!(!run.out.contains("this is \"hush\"") && !run.out.contains("this is 4"), "{}", run.out);
}

#[test]
fn a_mistake_in_one_test_fails_that_one_alone() {
    let json = tour("test \"bad\" { assert nothing == 1 }\ntest \"good\" { plan creates 7 }\n", "test --json").exits(1).json();
    assert_eq!((&json["tests"][0]["passed"], &json["tests"][1]["passed"]), (&json!(false), &json!(true)));
    assert_eq!(json["tests"][0]["diagnostics"][0]["code"], "E0202");
    tour("test \"bad\" {\n  assert (\n}\n", "test").exits(1).says("E01");
}

#[test]
fn tests_of_modules_run_with_the_module_as_the_project() {
    let module = "variable range: cidr\nvpc main { cidr_block = range }\noutput vpc = vpc.main\n\
                  test \"the range is taken\" {\n  with range = 10.9.0.0/16\n  assert vpc.main.cidr_block == 10.9.0.0/16\n  plan creates 1\n}\n\
                  test \"a range is needed\" { expect E0221 }\n";
    let project = "project p { }\nmodule edge \"./modules/edge\" { range = 10.8.0.0/16 }\n\
                   test \"outputs are seen\" { assert module.edge.vpc.cidr_block == 10.8.0.0/16 }\n";
    let files = [("main.secnet", project), ("modules/edge/main.secnet", module)];
    run(&files, "check").exits(0);
    run(&files, "test --var-file /dev/null")
        .exits(0)
        .says("test outputs are seen ... ok\ntest modules/edge: the range is taken ... ok\ntest modules/edge: a range is needed ... ok\n");
    run(&files, "test modules/edge").exits(0).says("test the range is taken ... ok").says("2 tests: 2 passed");
    let listed = run(&files, "test --list --filter range").exits(0);
    assert_eq!(listed.out, "modules/edge: the range is taken\nmodules/edge: a range is needed\n");
}

#[test]
fn tests_are_left_out_of_plan_and_apply() {
    let project = crate::cli::Project::server();
    let before = project.run("plan --sandbox --json").exits(0).json();
    let text = "test \"others\" {\n  with maintainers = [0.0.0.0/0]\n  expect refuted \"private_server\"\n  plan creates 99\n}\n";
    fs::write(project.path().join("tests.secnet"), text).unwrap();
    let after = project.run("plan --sandbox --json").exits(0).json();
    assert_eq!(before["plan"]["changes"], after["plan"]["changes"]);
    project.run("check").exits(0);
}

#[test]
fn no_tests_are_a_note_and_no_failure() {
    run(&[("main.secnet", TOUR)], "test").exits(0).says("There are no tests to run.");
    let json = run(&[("main.secnet", TOUR)], "test --json").exits(0).json();
    assert_eq!((&json["format"], &json["tests"], &json["failed"]), (&json!(1), &json!([]), &json!(0)));
    tour("test \"a\" { }\n", "test --filter z").exits(0).says("There are no tests to run, 1 left out by the filter.");
    run(&[], "test").exits(3);
}

/// Many tests of which every third fails.
fn many(n: usize) -> String {
    (0..n).fold(String::new(), |mut text, i| {
        let _ =
            writeln!(text, "test \"number {i} <&> \\\"{i}\\\"\" {{\n  with maintainers = [203.0.113.{i}/32]\n  assert {} != 0\n}}", i % 3);
        text
    })
}

#[test]
fn what_comes_of_tests_does_not_hang_on_how_many_run_at_once() {
    let (text, without_times) = (many(30), |mut json: Value| {
        json["seconds"] = Value::Null;
        json["tests"].as_array_mut().unwrap().iter_mut().for_each(|t| t["seconds"] = Value::Null);
        json
    });
    let of = |jobs: &str| without_times(tour(&text, &format!("test --json --jobs {jobs}")).exits(1).json());
    let one = of("1");
    assert_eq!((&one["passed"], &one["failed"]), (&json!(20), &json!(10)));
    assert_eq!((of("2"), of("8")), (one.clone(), one));
    let lines = |jobs: &str| {
        let out = tour(&text, &format!("test --jobs {jobs}")).exits(1).out;
        out.lines().filter(|l| l.starts_with("test ")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!((lines("1").len(), lines("1")), (30, lines("8")));
}

#[test]
fn junit_is_well_formed_and_says_the_same() {
    let folder = folder(&[("main.secnet", TOUR), ("tests.secnet", &many(9))]);
    secnet(folder.path(), &["test", "--junit", "out.xml"]).exits(1);
    let xml = fs::read_to_string(folder.path().join("out.xml")).unwrap();
    let elements = well_formed(&xml);
    let count = |name: &str| elements.iter().filter(|e| *e == name).count();
    assert_eq!((count("testsuites"), count("testsuite"), count("testcase"), count("failure")), (1, 1, 9, 3));
    assert!(xml.contains("<testsuite name=\"project\" tests=\"9\" failures=\"3\" errors=\"0\""), "{xml}");
    assert!(xml.contains("name=\"number 3 &lt;&amp;&gt; &quot;3&quot;\" classname=\"project\" file=\"tests.secnet\" line=\"13\""), "{xml}");
    assert!(xml.contains("<failure message=\"an assertion does not hold\" type=\"E0275\">"), "{xml}");
    secnet(folder.path(), &["test", "--junit", "nowhere/out.xml"]).exits(3).says("nowhere/out.xml");
}

/// The names of all elements of a document, which is checked on the way: tags in pairs, attributes in quotes and each once,
/// no stray `<` or `&`.
fn well_formed(xml: &str) -> Vec<String> {
    let (mut open, mut found) = (vec![], vec![]);
    let mut rest = xml.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").unwrap();
    while let Some(start) = rest.find('<') {
        text_is_plain(&rest[..start]);
        let end = start + rest[start..].find('>').unwrap();
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name.to_owned()), "in {xml}");
            continue;
        }
        let (tag, closed) = tag.strip_suffix('/').map_or((tag, false), |t| (t, true));
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let mut seen = BTreeSet::new();
        let mut parts = attributes.split('"');
        while let (Some(key), Some(value)) = (parts.next().filter(|k| !k.is_empty()), parts.next()) {
            assert!(key.ends_with('=') && seen.insert(key.trim()), "{key} in {tag}");
            text_is_plain(value);
        }
        found.push(name.to_owned());
        if !closed {
            open.push(name.to_owned());
        }
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{open:?} {rest}");
    found
}

fn text_is_plain(text: &str) {
    assert!(!text.contains(['<', '>']) && text.chars().all(|c| !c.is_control() || c == '\n'), "{text}");
    for (at, _) in text.match_indices('&') {
        assert!(["&amp;", "&lt;", "&gt;", "&quot;", "&apos;"].iter().any(|e| text[at..].starts_with(e)), "{text}");
    }
}
