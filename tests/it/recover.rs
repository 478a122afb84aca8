//! A state that is lost or broken comes back out of the account.

use std::fs;

use secnet::call::Request;
use serde_json::Value;

use crate::{
    cli::{Project, secnet},
    examples::{copy, examples},
};

const NETWORK: &str = r#"project p { region = "us-east-1" }
vpc main { cidr_block = 10.0.0.0/16 }
subnet a { vpc = vpc.main  cidr_block = 10.0.1.0/24 }
security_group web { vpc = vpc.main  description = "web"  ingress tcp/443 from 203.0.113.0/28 }
output vpc = vpc.main.id
"#;

fn read(path: &std::path::Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Whether EC2 was still to choose what is kept: it has, and tells it now.
fn later(value: &Value) -> bool {
    value.to_string().contains("\"attribute\":")
}

/// What of a resource that was kept is not in the one that was rebuilt.
fn lacks(before: &Value, after: &Value) -> Vec<String> {
    let mut lacks = vec![];
    for (address, kept) in before["resources"].as_object().unwrap() {
        let found = &after["resources"][address];
        for member in ["id", "secnet_id", "after", "protect", "site"] {
            if kept[member] != found[member] {
                lacks.push(format!("{address}.{member}: {} -> {}", kept[member], found[member]));
            }
        }
        for (name, value) in kept["record"].as_object().unwrap() {
            // Nothing is kept as nothing, or not at all; EC2 gives every network interface of such a subnet an address anyway.
            let by_itself = name == "assign_ipv6_address_on_creation";
            // An id, or the name that the project has for what has it, are the same.
            let named = found["record"][name]["resource"].as_str().map(|address| &after["resources"][address]["id"]);
            if named.is_some_and(|id| *id == value["text"]) {
                continue;
            }
            if found["record"][name] != *value && value != "null" && !later(value) && !by_itself {
                lacks.push(format!("{address}.{name}: {value} -> {}", found["record"][name]));
            }
        }
        let parts = |of: &Value| {
            let mut parts: Vec<String> = of["parts"].as_array().unwrap().iter().map(Value::to_string).collect();
            parts.sort();
            parts
        };
        if kept["parts"].as_array().unwrap().iter().any(later) {
            assert_eq!(parts(kept).len(), parts(found).len(), "{address}");
            continue;
        }
        if parts(kept) != parts(found) {
            lacks.push(format!("{address}: {:#?} -> {:#?}", parts(kept), parts(found)));
        }
    }
    for (address, _) in after["resources"].as_object().unwrap() {
        if before["resources"].get(address).is_none() {
            lacks.push(format!("{address} is new"));
        }
    }
    for member in ["lineage", "project", "account", "region", "deposed", "images", "outputs", "promises"] {
        if before[member] != after[member] {
            lacks.push(format!("{member}: {} -> {}", before[member], after[member]));
        }
    }
    lacks
}

#[test]
fn the_lost_state_of_every_example_comes_back_as_it_was() {
    for example in examples() {
        let folder = copy(&example);
        let vars = example.join("sandbox.vars");
        let vars = vars.exists().then(|| vars.display().to_string());
        let run = |line: &str| {
            let given = vars.iter().flat_map(|path| ["--var-file", path]);
            secnet(folder.path(), &line.split(' ').chain(given).collect::<Vec<_>>())
        };
        run("apply --sandbox --yes").exits(0);
        // What an undo needs lies beside it.
        let name =
            |path: &std::path::Path| path.extension().is_some_and(|e| e == "json") && !path.display().to_string().ends_with(".undo.json");
        let state =
            fs::read_dir(folder.path().join(".secnet/sandbox/state")).unwrap().map(|e| e.unwrap().path()).find(|p| name(p)).unwrap();
        let before = read(&state);
        fs::remove_file(&state).unwrap();
        run("recover --sandbox --yes").exits(0).says("a plan has nothing to do");
        assert_eq!(lacks(&before, &read(&state)), Vec::<String>::new(), "{}", example.display());
        run("plan --sandbox --detailed-exitcode").exits(0).says("Nothing to do");
    }
}

#[test]
fn a_state_that_was_cut_short_is_kept_aside_and_rebuilt() {
    let project = Project::of(NETWORK);
    project.run("apply --sandbox --yes").exits(0);
    let state = project.path().join(".secnet/sandbox/state/p.json");
    let bytes = fs::read(&state).unwrap();
    for cut in [1, 2, 3] {
        let before = read(&state);
        let bytes = if cut == 1 { bytes.clone() } else { fs::read(&state).unwrap() };
        fs::write(&state, &bytes[..bytes.len() / (cut + 1)]).unwrap();
        project.run("plan --sandbox").exits(3).says("secnet recover");
        let said = project.run("recover --sandbox --yes --json").exits(0).json();
        assert_eq!((&said["changes"], said["found"].as_array().unwrap().len()), (&Value::from(0), 3), "{said}");
        let kept = state.with_file_name(format!("p.json.kept-{cut}"));
        assert_eq!(fs::read(kept).unwrap(), bytes[..bytes.len() / (cut + 1)]);
        assert_eq!(lacks(&before, &read(&state)), Vec::<String>::new());
    }
    project.run("destroy --sandbox --yes").exits(0);
}

/// What the sources no longer have is found all the same, and deleted by the next apply with all that holds it.
#[test]
fn what_the_sources_no_longer_have_comes_back_too() {
    let project = Project::of(NETWORK);
    project.run("apply --sandbox --yes").exits(0);
    fs::remove_file(project.path().join(".secnet/sandbox/state/p.json")).unwrap();
    fs::write(project.path().join("main.secnet"), "project p { region = \"us-east-1\" }\nvpc main { cidr_block = 10.0.0.0/16 }\n").unwrap();
    let said = project.run("recover --sandbox --yes --json").exits(0).json();
    assert_eq!((&said["changes"], said["found"].as_array().unwrap().len()), (&Value::from(2), 3), "{said}");
    project.run("apply --sandbox --yes").exits(0);
    project.run("plan --sandbox --detailed-exitcode").exits(0);
    project.run("destroy --sandbox --yes").exits(0);
}

/// A copy that carries the same name is named, and goes with the next apply; what the others stand in stays.
#[test]
fn of_two_things_of_one_name_the_one_that_is_used_stays() {
    let project = Project::of(NETWORK);
    project.run("apply --sandbox --yes").exits(0);
    let state = project.path().join(".secnet/sandbox/state/p.json");
    let before = read(&state);
    let (id, lineage) = (before["resources"]["vpc.main"]["id"].as_str().unwrap(), before["lineage"].as_str().unwrap());
    let tags = [("secnet:lineage", lineage), ("secnet:address", "vpc.main"), ("secnet:id", "0123456789abcdef0123456789abcdef")];
    let tags: Vec<Value> = tags.iter().map(|(key, value)| serde_json::json!({"Key": key, "Value": value})).collect();
    let specification = serde_json::json!([{"ResourceType": "vpc", "Tags": tags}]);
    let create = Request::new("CreateVpc", serde_json::json!({"CidrBlock": "10.0.0.0/16", "TagSpecifications": specification}));
    let made = project.sandbox().call(&create).unwrap();
    let other = made["Vpc"]["VpcId"].as_str().unwrap();
    fs::remove_file(&state).unwrap();
    let said = project.run("recover --sandbox --yes --json").exits(0).json();
    assert_eq!(said["replaced"], serde_json::json!([{"address": "vpc.main", "id": other}]));
    assert_eq!(read(&state)["resources"]["vpc.main"]["id"], id);
    project.run("apply --sandbox --yes").exits(0).says("Done");
    project.run("plan --sandbox --detailed-exitcode").exits(0);
}

#[test]
fn nobody_agrees_and_nothing_is_written() {
    let project = Project::of(NETWORK);
    project.run("apply --sandbox --yes").exits(0);
    let state = project.path().join(".secnet/sandbox/state/p.json");
    fs::remove_file(&state).unwrap();
    project.run("recover --sandbox").exits(2);
    assert!(!state.exists());
}
