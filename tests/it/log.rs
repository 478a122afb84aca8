//! The account of what happened: the file beside the state, `secnet log`, events, traces, the table at the end.

use std::{collections::BTreeMap, fs, sync::Mutex, time::Duration};

use serde_json::Value;

use crate::cli::Project;

const SMALL: &str = "project p { region = \"us-east-1\" }\n\
    variable word: string { sensitive = true }\n\
    vpc main { cidr_block = 10.0.0.0/16  tags = { Word = word } }\n\
    subnet a { vpc = vpc.main  cidr_block = 10.0.1.0/24 }\n\
    output vpc = vpc.main.id\n";

const APPLY: &str = "apply --sandbox --yes --var word=hunter2";

fn small() -> Project {
    Project::of(SMALL)
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

fn of<'a>(lines: &'a [Value], event: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["event"] == event).collect()
}

#[test]
fn each_run_leaves_an_account_with_its_calls_and_without_secrets() {
    let p = small();
    let run = p.run(APPLY).exits(0).says("vpc.main  created   vpc-").says("1 call");
    assert!(run.out.contains("Done: 2 of 2 tasks"), "{run:?}");
    let path = p.path().join(".secnet/sandbox/state/p.log.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains("hunter2") && !run.out.contains("hunter2"), "{text}");
    let kept = lines(&text);
    assert_eq!(
        (kept[0]["event"].as_str(), kept[0]["format"].as_u64(), kept[1]["create"].as_u64()),
        (Some("run_started"), Some(1), Some(2))
    );
    let actions: Vec<&str> = of(&kept, "call").iter().filter(|c| !c["task"].is_null()).map(|c| c["action"].as_str().unwrap()).collect();
    assert!(actions.contains(&"CreateVpc") && actions.contains(&"CreateSubnet"), "{actions:?}");
    assert!(of(&kept, "outputs").is_empty(), "values are kept in the state alone");
    let end = kept.last().unwrap();
    assert_eq!(
        (end["event"].as_str(), end["result"].as_str(), end["done"].as_u64(), end["serial"].as_u64()),
        (Some("run_ended"), Some("done"), Some(2), Some(1))
    );
    // A run that does nothing leaves none; one that fails to end is interrupted.
    p.run(APPLY).exits(0);
    p.run("destroy --sandbox --yes --var word=hunter2").exits(0);
    let list = p.run("log --sandbox").exits(0);
    let shown: Vec<&str> = list.out.lines().collect();
    assert_eq!(shown.len(), 2, "{list:?}");
    assert!(shown[0].starts_with("1  20") && shown[0].contains("  apply  done: 2 of 2 tasks (2 created), "), "{list:?}");
    assert!(shown[1].starts_with("2  20") && shown[1].contains("  destroy  done: 2 of 2 tasks (2 deleted), "), "{list:?}");
    let text = fs::read_to_string(&path).unwrap();
    let cut = text.trim_end().rfind('\n').unwrap();
    fs::write(&path, &text[..=cut + 20]).unwrap();
    p.run("log --sandbox").exits(0).says("destroy  interrupted: 2 of 2 tasks");
    let one = p.run("log 1 --sandbox").exits(0).says("CreateVpc for `create vpc.main`").says("create subnet.a ... done");
    assert!(!one.out.contains("DeleteVpc"), "{one:?}");
    let json = p.run("log . 1 --sandbox --json").exits(0).json();
    assert_eq!(json[0]["event"], "run_started");
    let all = p.run("log --sandbox --json").exits(0).json();
    assert_eq!((all[1]["result"].as_str(), all[0]["create"].as_u64()), (Some("interrupted"), Some(2)));
    p.run(APPLY).exits(0);
    p.run("log --sandbox").exits(0).says("\n3  20");
}

#[test]
fn events_come_as_json_lines() {
    let p = small();
    let run = p.run(&format!("{APPLY} --events -")).exits(0);
    let events = lines(&run.out);
    let kinds: Vec<&str> = events.iter().map(|e| e["event"].as_str().unwrap()).collect();
    assert_eq!((kinds[0], kinds[1], kinds[kinds.len() - 2], kinds[kinds.len() - 1]), ("run_started", "plan", "outputs", "run_ended"));
    assert_eq!((of(&events, "task_started").len(), of(&events, "task_done").len()), (2, 2));
    assert!(events[events.len() - 2]["outputs"]["vpc"].as_str().unwrap().starts_with("vpc-"));
    assert!(events.windows(2).all(|w| w[0]["run"] == w[1]["run"]) && !run.out.contains("hunter2"));
    let nothing = lines(&p.run(&format!("{APPLY} --events -")).exits(0).out);
    assert_eq!(nothing.last().unwrap()["result"], "nothing_to_do");
    // With a file, people see what they always see.
    p.run("destroy --sandbox --yes --var word=x --events events.jsonl").exits(0).says("Done: 2 of 2 tasks");
    let events = lines(&fs::read_to_string(p.path().join("events.jsonl")).unwrap());
    assert_eq!(of(&events, "task_done").len(), 2);
    p.run(&format!("{APPLY} --events - --json")).exits(2);
    p.run(&format!("{APPLY} --events no/such/directory")).exits(3).says("no/such/directory");
}

#[test]
fn a_trace_has_slices_that_nest_and_match_the_calls() {
    let p = Project::server();
    p.run("apply --sandbox --yes --trace-file t.json").exits(0);
    let trace: Value = serde_json::from_str(&fs::read_to_string(p.path().join("t.json")).unwrap()).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let slices: Vec<&Value> = events.iter().filter(|e| e["ph"] == "X").collect();
    let number = |slice: &Value, key: &str| slice[key].as_u64().unwrap();
    let mut tracks: BTreeMap<u64, Vec<&Value>> = BTreeMap::new();
    slices.iter().for_each(|slice| tracks.entry(number(slice, "tid")).or_default().push(slice));
    for (track, slices) in tracks.iter().filter(|(track, _)| **track > 0) {
        let tasks: Vec<(u64, u64)> =
            slices.iter().filter(|s| s["cat"] == "task").map(|s| (number(s, "ts"), number(s, "ts") + number(s, "dur"))).collect();
        assert!(tasks.windows(2).all(|w| w[0].1 <= w[1].0), "a worker does one task at a time: {track}");
        let mut until = 0;
        for slice in slices.iter().filter(|s| s["cat"] != "task") {
            let (from, to) = (number(slice, "ts"), number(slice, "ts") + number(slice, "dur"));
            assert!(tasks.iter().any(|(begin, end)| *begin <= from && to <= *end), "{slice}");
            assert!(until <= from, "{slice}");
            until = to;
        }
    }
    let log = lines(&fs::read_to_string(p.path().join(".secnet/sandbox/state/p.log.jsonl")).unwrap());
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    let called = sorted(of(&log, "call").iter().map(|c| c["action"].as_str().unwrap().to_owned()).collect());
    let drawn = sorted(slices.iter().filter(|s| s["cat"] == "call").map(|s| s["name"].as_str().unwrap().to_owned()).collect());
    assert_eq!(called, drawn);
    assert_eq!(slices.iter().filter(|s| s["cat"] == "task").count(), of(&log, "task_done").len());
    let named = events.iter().filter(|e| e["ph"] == "M").count();
    assert!(named >= tracks.len() && named > 2, "{named}");
}

#[test]
fn a_run_that_is_nowhere_is_an_error() {
    let p = small();
    p.run("log --sandbox").exits(0).says("No run so far");
    p.run("log 7 --sandbox").exits(2).says("E0763");
}

/// Every call of an apply is told with the task that made it, how long it took, and how often it was sent.
#[tokio::test(start_paused = true)]
async fn calls_are_told_with_their_tasks() {
    let play = crate::play::Play::new();
    let notes = std::sync::Arc::new(Mutex::new(vec![]));
    let seen = notes.clone();
    let plan = play
        .plan(&crate::play::project("vpc main { cidr_block = 10.0.0.0/16 }\nsubnet a { vpc = vpc.main  cidr_block = 10.0.1.0/24 }\n"))
        .await;
    play.driver.watch(std::sync::Arc::new(move |note| seen.lock().unwrap().push(note)));
    play.carry_out(&plan).await;
    let notes = notes.lock().unwrap();
    for (index, task) in plan.tasks.iter().enumerate() {
        let own: Vec<&str> = notes.iter().filter(|n| n.task == Some(index)).map(|n| n.action.as_str()).collect();
        let planned: Vec<&str> = task.calls.iter().map(|call| call.action.as_str()).collect();
        assert_eq!(own, planned, "{}", task.title);
    }
    assert!(notes.iter().all(|n| n.error.is_none() && n.took < Duration::from_secs(60)));
}
