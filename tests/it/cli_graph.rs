//! What `secnet graph` draws: the program is run, and what it prints is held against what the project says.

use std::{collections::BTreeSet, fs, io::Write, process::Stdio};

use crate::cli::{Project, secnet};

/// Two zones, a group that names another, a gateway, a NAT gateway and an existing VPC.
const NETWORK: &str = r#"
project drawn { region = "us-east-1" }
existing vpc other { is_default = true }
vpc main { cidr_block = 10.0.0.0/16 }
internet_gateway main { vpc = vpc.main }
subnet public {
  vpc = vpc.main  cidr_block = 10.0.1.0/24  availability_zone = "us-east-1a"
}
subnet private {
  vpc = vpc.main  cidr_block = 10.0.2.0/24  availability_zone = "us-east-1b"
}
subnet anywhere_at_all { vpc = vpc.main  cidr_block = 10.0.3.0/24 }
elastic_ip nat { }
nat_gateway main { subnet = subnet.public  elastic_ip = elastic_ip.nat }
route_table public {
  vpc = vpc.main  subnets = [subnet.public]
  route anywhere via internet_gateway.main
}
route_table private {
  vpc = vpc.main  subnets = [subnet.private]
  route anywhere via nat_gateway.main
}
security_group web {
  vpc = vpc.main
  ingress tcp/443 from anywhere  "the public web"
  ingress tcp/80  from anywhere
  egress  tcp/5432 to security_group.db
}
security_group db {
  vpc = vpc.main
  ingress tcp/5432 from security_group.web
}
network_interface db { subnet = subnet.private  security_groups = [security_group.db] }
instance db { image = ami("al2023")  instance_type = "t3.micro"  network_interface = network_interface.db }
"#;

/// Draws, and holds the output against Graphviz where it is installed: it must not warn.
fn dot(project: &Project, kind: &str) -> String {
    let out = project.run(&format!("graph --kind {kind}")).exits(0).out;
    let graphviz =
        std::process::Command::new("dot").arg("-Tsvg").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    if let Ok(mut child) = graphviz {
        child.stdin.take().unwrap().write_all(out.as_bytes()).unwrap();
        let done = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        // What it says of fonts that the machine lacks is no matter of the picture's.
        let said: Vec<&str> = said.lines().filter(|l| !l.to_lowercase().contains("font")).collect();
        assert!(done.status.success() && said.is_empty(), "{said:?}\n{out}");
    }
    out
}

#[test]
fn the_dependencies_of_the_example_lead_to_what_is_made_before() {
    let project = Project::server();
    let out = dot(&project, "dependencies");
    for line in [
        r#"  "subnet.public" -> "vpc.main""#,
        r#"  "route_table.public: route 0.0.0.0/0 via internet_gateway.main" -> "internet_gateway.main: attachment to vpc.main""#,
        r#"  "instance.server" -> "route_table.public: association with subnet.public""#,
    ] {
        assert!(out.contains(line), "{line}\n{out}");
    }
    let follows = r#""instance.server" -> "vpc.main""#;
    assert!(!out.contains(follows), "it follows from others\n{out}");
}

#[test]
fn what_is_drawn_first_is_never_what_needs_the_rest() {
    // The picture's edges, followed from any node, must never come back: they are the order in which things are made.
    let drawn = Project::of(NETWORK).run("graph --json").exits(0).json();
    let edges: Vec<(String, String)> = drawn["edges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| (e["from"].as_str().unwrap().to_owned(), e["to"].as_str().unwrap().to_owned()))
        .collect();
    let mut open: BTreeSet<String> = drawn["nodes"].as_array().unwrap().iter().map(|n| n["id"].as_str().unwrap().to_owned()).collect();
    assert!(open.contains("security_group.web: ingress tcp/80 from 0.0.0.0/0"), "{open:?}");
    while !open.is_empty() {
        let ready: Vec<String> = open.iter().filter(|n| !edges.iter().any(|(from, to)| from == *n && open.contains(to))).cloned().collect();
        assert!(!ready.is_empty(), "a cycle among {open:?}");
        ready.iter().for_each(|n| {
            open.remove(n);
        });
    }
}

#[test]
fn a_network_is_drawn_as_it_lies() {
    let project = Project::of(NETWORK);
    let drawn = project.run("graph --kind topology --json").exits(0).json();
    assert_eq!((&drawn["format"], &drawn["kind"], &drawn["title"]), (&1.into(), &"topology".into(), &"drawn".into()));
    let within = |list: &str, id: &str| {
        let found = drawn[list].as_array().unwrap().iter().find(|n| n["id"] == id).unwrap_or_else(|| panic!("no {id} in {drawn:#}"));
        found["within"].as_str().unwrap_or("").to_owned()
    };
    assert_eq!(within("frames", "subnet.public"), "vpc.main us-east-1a");
    assert_eq!(within("frames", "vpc.main us-east-1a"), "vpc.main");
    assert_eq!(within("frames", "subnet.anywhere_at_all"), "vpc.main");
    assert_eq!(within("frames", "vpc.other"), "");
    assert_eq!(within("nodes", "nat_gateway.main"), "subnet.public");
    assert_eq!(within("nodes", "instance.db"), "subnet.private", "where its interface stands");
    assert_eq!(within("nodes", "security_group.web"), "vpc.main");
    assert_eq!(within("nodes", "elastic_ip.nat"), "");
    let edge = |from: &str, to: &str, look: &str| {
        let all = drawn["edges"].as_array().unwrap();
        let found = all.iter().find(|e| e["from"] == from && e["to"] == to && e["look"] == look);
        found.unwrap_or_else(|| panic!("no {look} from {from} to {to} in {drawn:#}"))["label"].clone()
    };
    assert_eq!(edge("network anywhere", "security_group.web", "rule"), serde_json::json!(["tcp/443", "tcp/80"]));
    assert_eq!(edge("security_group.web", "security_group.db", "rule"), serde_json::json!(["tcp/5432", "tcp/5432"]));
    assert_eq!(edge("route_table.private", "nat_gateway.main", "route"), serde_json::json!(["anywhere"]));
    edge("route_table.private", "subnet.private", "governs");
    edge("nat_gateway.main", "elastic_ip.nat", "names");
    let out = dot(&project, "topology");
    assert!(out.contains(r#"lhead="cluster subnet.private""#), "{out}");
}

#[test]
fn the_order_of_the_files_changes_no_picture() {
    let lines: Vec<&str> = NETWORK.trim().split("\n}\n").collect();
    assert!(lines.len() > 5);
    let turned: String = lines.iter().rev().map(|l| format!("{}\n}}\n", l.trim_end_matches('}'))).collect();
    for arguments in ["graph --kind topology", "graph", "graph --format mermaid", "graph --kind topology --format mermaid"] {
        let first = Project::of(NETWORK).run(arguments).exits(0).out;
        assert_eq!(first, Project::of(&turned).run(arguments).exits(0).out);
    }
}

#[test]
fn mermaid_has_ids_of_its_own_and_every_subgraph_ends() {
    let out = Project::of(NETWORK).run("graph --kind topology --format mermaid").exits(0).out;
    let count = |start: &str| out.lines().filter(|l| l.trim_start().starts_with(start)).count();
    assert_eq!(count("subgraph "), 7, "two VPCs, two zones, three subnets\n{out}");
    assert_eq!(out.lines().filter(|l| l.trim() == "end").count(), 7);
    let edge = "  n_route__table_dprivate ==>|\"anywhere\"| n_nat__gateway_dmain";
    assert!(out.contains(edge), "{out}");
}

#[test]
fn modules_are_frames_and_keys_stay_keys() {
    let project = Project::of(
        "project p { }\nmodule edge \"./edge\" for name, range in { \"a.module.b\" = 10.1.0.0/16, c = 10.2.0.0/16 } { range = range }\n\
         output all = module.edge\n",
    );
    fs::create_dir(project.path().join("edge")).unwrap();
    let module = "variable range: cidr\nvpc main { cidr_block = range }\nsecurity_group inside { vpc = vpc.main }\noutput vpc = vpc.main\n";
    fs::write(project.path().join("edge/main.secnet"), module).unwrap();
    for kind in ["topology", "dependencies"] {
        let drawn = project.run(&format!("graph --kind {kind} --json")).exits(0).json();
        let frames: Vec<&str> = drawn["frames"].as_array().unwrap().iter().map(|f| f["id"].as_str().unwrap()).collect();
        assert!(frames.contains(&"module.edge[\"a.module.b\"]") && frames.contains(&"module.edge[\"c\"]"), "{frames:?}");
        let out = dot(&project, kind);
        assert!(out.contains(r#"subgraph "cluster module.edge[\"a.module.b\"]" {"#), "{out}");
    }
}

#[test]
fn a_project_with_errors_is_not_drawn() {
    let run = Project::of("project p { }\nsubnet a { vpc = vpc.main  cidr_block = 10.0.0.0/24 }\n").run("graph");
    assert!(run.exits(1).says("vpc.main").out.is_empty());
    let nowhere = tempfile::tempdir().unwrap();
    secnet(nowhere.path(), &["graph", "--format", "mermaid", "--json"]).exits(2);
}
