//! Least privilege: what `secnet iam-policy` prints is enough for a whole life, and no line of it can be spared.
//!
//! The sandbox evaluates policies by itself and knows nothing of how they are made.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use secnet::{
    analysis::{Inputs, analyze},
    apply::{
        permit::{self, Verdict},
        reads,
    },
    iam::Scope,
};
use serde_json::{Value, json};

use crate::{
    cli::{Project, secnet},
    play::Play,
};

/// A copy of an example.
fn example(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut open = vec![(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name), folder.path().to_path_buf())];
    while let Some((from, to)) = open.pop() {
        fs::create_dir_all(&to).unwrap();
        for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
            match entry.path() {
                // What was written beside the sources, or by who has tried the example.
                path if path.ends_with("expected") || path.ends_with(".secnet") || path.ends_with("state") => {}
                path if path.is_dir() => open.push((path, to.join(entry.file_name()))),
                path => drop(fs::copy(path, to.join(entry.file_name())).unwrap()),
            }
        }
    }
    folder
}

fn run(folder: &Path, line: &str) -> crate::cli::Run {
    secnet(folder, &line.split(' ').collect::<Vec<_>>())
}

/// Writes what `secnet iam-policy` prints for a purpose: a document, or one for each account by its name.
fn policy(folder: &Path, purpose: &str) -> (PathBuf, Value) {
    policy_of(folder, purpose, "")
}

fn policy_of(folder: &Path, purpose: &str, more: &str) -> (PathBuf, Value) {
    let printed = run(folder, &format!("iam-policy --sandbox --json --for {purpose}{more}")).exits(0);
    let path = folder.join("policy.json");
    fs::write(&path, &printed.out).unwrap();
    (path, printed.json())
}

/// The documents in what is printed, by account where there are several.
fn documents(policy: &Value) -> Vec<(Option<&str>, &Value)> {
    match policy.get("Statement") {
        Some(_) => vec![(None, policy)],
        None => policy.as_object().unwrap().iter().map(|(name, document)| (Some(&**name), document)).collect(),
    }
}

fn actions(policy: &Value) -> Vec<String> {
    let documents = documents(policy);
    let all = documents.iter().flat_map(|(_, d)| d["Statement"].as_array().unwrap()).flat_map(|s| s["Action"].as_array().unwrap());
    let mut all: Vec<String> = all.map(|a| a.as_str().unwrap().to_owned()).collect();
    all.sort();
    all.dedup();
    all
}

#[test]
fn every_example_lives_under_its_own_policy() {
    let all = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")).unwrap();
    let names: Vec<String> = all.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.len() >= 3, "{names:?}");
    for name in &names {
        let folder = example(name);
        // What is imported must be known first.
        let values = if name == "default_vpc" { format!(" --var default_vpc={}", default_vpc(folder.path())) } else { String::new() };
        let (_, document) = policy_of(folder.path(), "all", &values);
        assert_eq!(documents(&document).len(), if name == "two_accounts" { 2 } else { 1 }, "{document:#}");
        assert!(actions(&document).iter().all(|a| !a.contains('*')), "{document:#}");
        let under = format!("--sandbox --sandbox-iam-policy policy.json{values}");
        run(folder.path(), &format!("plan {under} --check-permissions")).exits(0).says("nothing was changed");
        run(folder.path(), &format!("apply {under} --yes")).exits(0);
        run(folder.path(), &format!("plan {under} --detailed-exitcode")).exits(0);
        // The subnets that AWS has put into the default VPC hold it: a project that takes it over is not destroyed.
        if name != "default_vpc" {
            run(folder.path(), &format!("destroy {under} --yes")).exits(0);
        }
    }
}

/// The id of the region's default VPC in the sandbox of a project.
fn default_vpc(folder: &Path) -> String {
    let path = folder.join(".secnet/sandbox/world.json");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let sim = secnet::sim::Sim::load(&path, "us-east-1").unwrap();
    let vpcs = sim.call(&secnet::call::Request::new("DescribeVpcs", json!({}))).unwrap();
    vpcs["Vpcs"][0]["VpcId"].as_str().unwrap().to_owned()
}

/// Takes one action after the other out of a policy, of each account's document in turn; a check must name it, and where.
fn no_line_can_be_spared(folder: &Path, policy: &Value, check: &str) {
    for (account, document) in documents(policy) {
        let all = actions(document);
        assert!(all.len() > 10, "{all:?}");
        for action in all {
            let mut less = policy.clone();
            let statements = match account {
                Some(name) => &mut less[name]["Statement"],
                None => &mut less["Statement"],
            };
            for statement in statements.as_array_mut().unwrap() {
                statement["Action"].as_array_mut().unwrap().retain(|a| *a != json!(action));
            }
            fs::write(folder.join("policy.json"), less.to_string()).unwrap();
            let place = if account == Some("shared") { " in 222222222222/us-east-1" } else { "" };
            let told = run(folder, &format!("{check} --check-permissions")).exits(1);
            // Messages are broken into lines anywhere.
            let flat = |text: &str| text.replace([' ', '\n', '│'], "");
            assert!(flat(&told.err).contains(&flat(&format!("`{action}` is not permitted{place}: "))), "{}", told.err);
        }
    }
}

#[test]
fn each_account_has_a_document_of_its_own() {
    let folder = example("two_accounts");
    let (_, policy) = policy(folder.path(), "apply");
    assert_eq!(documents(&policy).into_iter().map(|(name, _)| name).collect::<Vec<_>>(), [Some("project"), Some("shared")]);
    let assume = json!({"Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": ["arn:aws:iam::222222222222:role/secnet"]});
    assert!(policy["project"]["Statement"].as_array().unwrap().contains(&assume), "{policy:#}");
    let (own, shared) = (policy["project"].to_string(), policy["shared"].to_string());
    assert!(own.contains(":123456789012:") && !own.contains(":ec2:us-east-1:222222222222:"), "{own}");
    assert!(shared.contains(":ec2:us-east-1:222222222222:") && !shared.contains("123456789012") && !shared.contains("sts:"), "{shared}");
    // Each asks for the peering, or takes it.
    assert!(own.contains("CreateVpcPeeringConnection") && !own.contains("AcceptVpcPeeringConnection"), "{own}");
    assert!(shared.contains("AcceptVpcPeeringConnection") && !shared.contains("CreateVpcPeeringConnection"), "{shared}");
    for name in ["project", "shared"] {
        let alone = run(folder.path(), &format!("iam-policy --sandbox --account {name}")).exits(0);
        assert_eq!(alone.json(), policy[name]);
    }
    let printed = run(folder.path(), "iam-policy --sandbox").exits(0);
    assert!(printed.out.starts_with("# project: 123456789012/us-east-1\n{\n"), "{}", printed.out);
    let heading = "}\n\n# account.shared: 222222222222/us-east-1, as arn:aws:iam::222222222222:role/secnet\n{\n";
    assert!(printed.out.contains(heading), "{}", printed.out);
    no_line_can_be_spared(folder.path(), &policy, "plan --sandbox --sandbox-iam-policy policy.json");
}

#[test]
fn a_profile_that_assumes_a_role_needs_that_alone() {
    let role = "arn:aws:iam::222222222222:role/secnet";
    let project = Project::of(&format!(
        "project p {{ region = \"us-east-1\" }}\n\
         account far {{ id = \"222222222222\"  region = \"eu-west-1\"  profile = \"hub\"  role = \"{role}\" }}\n\
         vpc far {{ account = account.far  cidr_block = 10.0.0.0/16 }}\n"
    ));
    let policy = project.run("iam-policy --sandbox --json").exits(0).json();
    let names: Vec<&str> = policy.as_object().unwrap().keys().map(String::as_str).collect();
    // The project's own caller makes nothing and reads nothing.
    assert!(names.contains(&"far") && names.contains(&"profile hub"), "{policy:#}");
    let assume = json!([{"Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": [role]}]);
    assert_eq!(policy["profile hub"]["Statement"], assume);
    assert!(policy["far"].to_string().contains(":ec2:eu-west-1:222222222222:vpc/*"), "{policy:#}");
    assert!(!policy["project"].to_string().contains("AssumeRole"), "{policy:#}");
}

#[tokio::test]
async fn each_action_that_is_taken_out_is_named() {
    let (_, document) = policy(example("three_tier").path(), "apply");
    let source = include_str!("../../examples/three_tier/main.secnet");
    let play = Play::new();
    let (plan, state) = (play.plan(source).await, play.state());
    let model = analyze(vec![("main.secnet".into(), source.into())], &Inputs::default()).model;
    let scope = Scope { region: "us-east-1".into(), account: plan.account.clone(), lineage: None };
    let all = actions(&document);
    assert!(all.len() > 20, "{all:?}");
    for action in all {
        let mut less = document.clone();
        for statement in less["Statement"].as_array_mut().unwrap() {
            statement["Action"].as_array_mut().unwrap().retain(|a| *a != json!(action));
        }
        play.sim.obey(secnet::sim::Policy::parse(&less.to_string()).unwrap());
        let wanted = reads::of(&model, &state, false, plan.tasks.iter().flat_map(|task| &task.calls));
        let mut findings = permit::reads(&*play.driver, None, &wanted, &scope, &|_| {}).await;
        findings.extend(permit::calls(&*play.driver, &plan, &scope, &|_| {}).await);
        let denied: BTreeSet<_> =
            findings.iter().filter(|f| matches!(f.verdict, Verdict::Denied(_))).map(|f| f.need.action.as_str()).collect();
        assert_eq!(denied, BTreeSet::from([action.as_str()]), "that one and no other");
    }
}

#[test]
fn what_a_destroy_needs_is_named_too() {
    let folder = example("secure_server");
    run(folder.path(), "apply --sandbox --yes").exits(0);
    let (_, document) = policy(folder.path(), "destroy");
    let text = document.to_string();
    // What stands is named by its id, and what goes must be the project's own.
    assert!(text.contains(r#""aws:ResourceTag/secnet:lineage""#) && text.contains(":vpc/vpc-"), "{document:#}");
    no_line_can_be_spared(folder.path(), &document, "plan --destroy --sandbox --sandbox-iam-policy policy.json");
}

#[test]
fn a_state_is_rebuilt_under_a_policy_of_its_own() {
    let folder = example("secure_server");
    run(folder.path(), "apply --sandbox --yes").exits(0);
    let (path, document) = policy(folder.path(), "recover");
    let (all, _) = (actions(&document), fs::remove_dir_all(folder.path().join("state")));
    assert!(all.iter().all(|action| action.starts_with("ec2:Describe") || action.starts_with("ec2:Get")), "{all:?}");
    run(folder.path(), "recover --sandbox --sandbox-iam-policy policy.json --replace --yes").exits(0);
    run(folder.path(), "plan --sandbox --detailed-exitcode").exits(0);
    fs::write(path, document.to_string().replace("ec2:DescribeTags", "ec2:DescribeRegions")).unwrap();
    run(folder.path(), "recover --sandbox --sandbox-iam-policy policy.json --replace --yes").exits(3).says("ec2:DescribeTags");
}

#[test]
fn another_projects_things_cannot_be_deleted_under_the_policy() {
    let folder = example("secure_server");
    policy(folder.path(), "all");
    run(folder.path(), "apply --sandbox --yes").exits(0);
    let sandbox = folder.path().join(".secnet/sandbox/world.json");
    let sim = secnet::sim::Sim::load(&sandbox, "us-east-1").unwrap();
    let vpcs = sim.call(&secnet::call::Request::new("DescribeVpcs", json!({}))).unwrap();
    let default = vpcs["Vpcs"].as_array().unwrap().iter().find(|vpc| vpc["IsDefault"] == json!(true)).unwrap();
    sim.obey(secnet::sim::Policy::parse(&fs::read_to_string(folder.path().join("policy.json")).unwrap()).unwrap());
    let refused = sim.call(&secnet::call::Request::new("DeleteVpc", json!({"VpcId": default["VpcId"]}))).unwrap_err();
    assert_eq!(refused.code, "UnauthorizedOperation");
}

#[test]
fn a_role_is_passed_to_ec2_alone() {
    let project = Project::of(
        "project p { region = \"us-east-1\" }\n\
         vpc main { cidr_block = 10.0.0.0/16 }\n\
         subnet app { vpc = vpc.main  cidr_block = 10.0.1.0/24 }\n\
         security_group app { vpc = vpc.main }\n\
         instance app {\n  image = ami(\"al2023\")\n  instance_type = \"t3.micro\"\n  subnet = subnet.app\n  \
         security_groups = [security_group.app]\n  iam_instance_profile = \"app\"\n}\n",
    );
    let printed = project.run("iam-policy --sandbox").exits(0);
    let document = printed.json();
    let passes = document["Statement"].as_array().unwrap().iter().find(|s| s["Action"] == json!(["iam:PassRole"])).unwrap();
    assert_eq!(passes["Condition"], json!({"StringEquals": {"iam:PassedToService": ["ec2.amazonaws.com"]}}));
    let mut less = document.clone();
    less["Statement"].as_array_mut().unwrap().retain(|s| s["Action"] != json!(["iam:PassRole"]));
    fs::write(project.path().join("policy.json"), less.to_string()).unwrap();
    project.run("plan --sandbox --sandbox-iam-policy policy.json --check-permissions").exits(1).says("`iam:PassRole` is not permitted");
}

#[test]
fn a_shared_state_takes_its_own_objects_of_its_bucket() {
    let of = |profile: &str| {
        let folder = tempfile::tempdir().unwrap();
        let state = format!("state {{ bucket = \"acme-state\"  key = \"networks\" {profile} }}");
        fs::write(folder.path().join("main.secnet"), format!("project shop {{ region = \"us-east-1\"\n{state} }}\n")).unwrap();
        policy(folder.path(), "plan").1
    };
    let s3 = |document: &Value| -> Vec<Value> {
        let statements = document["Statement"].as_array().unwrap().iter();
        statements.filter(|s| s["Action"].to_string().contains("s3:")).map(|s| json!([s["Action"], s["Resource"]])).collect()
    };
    let wanted = [
        json!([["s3:ListBucket"], ["arn:aws:s3:::acme-state"]]),
        json!([["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], ["arn:aws:s3:::acme-state/networks/shop/*"]]),
    ];
    assert_eq!(s3(&of("")), wanted);
    // Other credentials than EC2's keep it.
    let several = of("profile = \"keeper\"");
    let by_name: Vec<(Option<&str>, usize)> = documents(&several).into_iter().map(|(name, document)| (name, s3(document).len())).collect();
    assert!(by_name.contains(&(Some("state"), 2)) && by_name.iter().all(|(name, n)| *name == Some("state") || *n == 0), "{by_name:?}");
}
