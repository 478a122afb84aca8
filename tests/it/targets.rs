//! Plans of a part of a project: what comes along, what stays, and that what is proved is what stands afterwards.

use std::{collections::BTreeSet, fs};

use secnet::{
    analysis::{Analysis, Inputs, analyze},
    apply::{recall::recall, refresh},
    plan::{Action, Input, Plan, Scope, plan_of, render},
    schema::model::Resource,
    sim::Sim,
};

use crate::examples::examples;
use crate::play::{Play, project, shown, titles};

fn read(source: &str) -> Analysis {
    let analysis = analyze(vec![("main.secnet".into(), source.into())], &Inputs::default());
    assert!(!analysis.has_errors(), "{:#?}", analysis.diagnostics);
    analysis
}

impl Play {
    async fn try_plan_of(&self, analysis: &Analysis, scope: &Scope) -> Result<Plan, Vec<String>> {
        let state = self.state();
        let observation = refresh::refresh(&*self.driver, &analysis.model, &state).await.unwrap();
        let input = Input { model: &analysis.model, state: &state, observation: &observation, sources: Some(&analysis.sources) };
        plan_of(&input, scope).map_err(|found| found.into_iter().map(|d| format!("{} {}", d.code.id, d.message)).collect())
    }

    async fn plan_of(&self, source: &str, scope: &Scope) -> Plan {
        self.try_plan_of(&read(source), scope).await.unwrap_or_else(|messages| panic!("{messages:#?}"))
    }

    /// Plans and applies a part: then that part is as it is wanted, and the network is the one that was proved.
    async fn apply_of(&self, analysis: &Analysis, scope: &Scope) -> Plan {
        let plan = self.try_plan_of(analysis, scope).await.unwrap_or_else(|messages| panic!("{scope:?}: {messages:#?}"));
        let outcome = self.carry_out(&plan).await;
        assert!(outcome.is_success(), "{scope:?}: {:#?}\n{:#?}", outcome.failed, outcome.not_started);
        if scope.destroy || !scope.replace.is_empty() {
            return plan;
        }
        let again = self.try_plan_of(analysis, scope).await.unwrap_or_else(|messages| panic!("{scope:?}: {messages:#?}"));
        assert!(again.is_empty(), "{scope:?}: after an apply nothing is left to do, but:\n{}", shown(&again));
        let flows = [&again.proof.added, &again.proof.removed, &again.proof.unknown];
        assert!(flows.iter().all(|f| f.is_empty()), "{scope:?}: what was proved is not what stands:\n{}", shown(&again));
        plan
    }
}

fn target(addresses: &[&str]) -> Scope {
    Scope { target: addresses.iter().map(|a| (*a).to_owned()).collect(), ..Scope::default() }
}

fn exclude(addresses: &[&str]) -> Scope {
    Scope { exclude: addresses.iter().map(|a| (*a).to_owned()).collect(), ..Scope::default() }
}

fn replace(address: &str) -> Scope {
    Scope { replace: vec![address.into()], ..Scope::default() }
}

fn changed(plan: &Plan, action: Action) -> Vec<&str> {
    plan.changes.iter().filter(|c| c.action == action).map(|c| c.address.as_str()).collect()
}

const TWO: &str = "vpc main { cidr_block = 10.0.0.0/16 }\n\
    internet_gateway main { vpc = vpc.main }\n\
    route_table public { vpc = vpc.main  subnets = [subnet.a]\n route 0.0.0.0/0 via internet_gateway.main }\n\
    subnet a { vpc = vpc.main  cidr_block = 10.0.1.0/24 }\n\
    subnet b { vpc = vpc.main  cidr_block = 10.0.2.0/24 }\n\
    security_group a { vpc = vpc.main\n ingress tcp/443 from 0.0.0.0/0 }\n\
    security_group b { vpc = vpc.main\n ingress tcp/5432 from security_group.a }\n\
    instance a { image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.a  security_groups = [security_group.a]\n associate_public_ip_address = true }\n\
    instance b { image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.b  security_groups = [security_group.b] }\n\
    output a = instance.a.id\n output b = instance.b.id\n";

#[tokio::test(start_paused = true)]
async fn a_target_brings_what_it_needs_and_nothing_else() {
    let (play, source) = (Play::new(), project(TWO));
    let plan = play.apply_of(&read(&source), &target(&["instance.b"])).await;
    assert_eq!(
        changed(&plan, Action::Create),
        ["instance.b", "internet_gateway.main", "security_group.a", "security_group.b", "subnet.b", "vpc.main"]
    );
    let partial = plan.partial.as_ref().unwrap();
    let why = |address: &str| partial.along.iter().find(|(a, _)| a.as_str() == address).map(|(_, why)| why.as_str());
    assert_eq!(why("subnet.b"), Some("instance.b needs it"));
    assert_eq!(why("security_group.a"), Some("security_group.b needs it"));
    assert_eq!(partial.left.iter().map(ToString::to_string).collect::<Vec<_>>(), ["instance.a", "route_table.public", "subnet.a"]);
    let page = render::render(&plan, render::Style::default());
    assert!(page.starts_with("PARTIAL PLAN: --target `instance.b`\n"), "{page}");
    assert!(page.contains("  with it: subnet.b, since instance.b needs it\n") && page.contains("3 other resources stay"), "{page}");
    assert_eq!(play.state().outputs.keys().collect::<Vec<_>>(), ["b"]);
    // Machines never stand in a subnet without its routes: they come along though nothing names them.
    let plan = play.plan_of(&source, &target(&["instance.a"])).await;
    assert!(changed(&plan, Action::Create).contains(&"route_table.public"), "{}", shown(&plan));
    play.apply(&source).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_left_out_stays_whatever_the_project_says_of_it() {
    let (play, source) = (Play::new(), project(TWO));
    play.apply(&source).await;
    let changed_source = source.replace("tcp/443 from 0.0.0.0/0", "tcp/444 from 0.0.0.0/0").replace("tcp/5432", "tcp/5433");
    let plan = play.apply_of(&read(&changed_source), &exclude(&["security_group.a", "instance.a"])).await;
    assert!(plan.is_empty(), "security_group.b needs a: {}", shown(&plan));
    let plan = play.apply_of(&read(&changed_source), &exclude(&["security_group.b"])).await;
    assert_eq!(changed(&plan, Action::Update), ["security_group.a"]);
    let along = &plan.partial.as_ref().unwrap().along;
    assert_eq!(along.values().collect::<Vec<_>>(), ["it needs security_group.b, which is left out"]);
    let rest = play.apply(&changed_source).await;
    assert_eq!(changed(&rest, Action::Update), ["security_group.b"]);
    // What somebody else has changed outside of a plan is neither mended nor learnt by it.
    let group = play.id("security_group.a");
    let call = secnet::call::Request {
        action: "AuthorizeSecurityGroupIngress".into(),
        params: serde_json::json!({"GroupId": group, "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22,
            "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]}),
    };
    secnet::call::Driver::send(&*play.driver, &call).await.unwrap();
    let before = play.state();
    let plan = play.plan_of(&changed_source, &target(&["subnet.b"])).await;
    assert!(plan.is_empty() && plan.seen.is_empty(), "{}", shown(&plan));
    let plan = play.plan_of(&changed_source, &exclude(&["security_group.a"])).await;
    assert!(plan.is_empty() && plan.seen.is_empty(), "{}", shown(&plan));
    assert_eq!(play.state(), before);
    assert!(!play.plan(&changed_source).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_goes_takes_along_what_refers_to_it_or_stays() {
    let (play, source) = (Play::new(), project(TWO));
    play.apply(&source).await;
    // The subnet is replaced, so its machine is, though nobody names it.
    let moved = source.replace("10.0.2.0/24", "10.0.3.0/24");
    let plan = play.plan_of(&moved, &target(&["subnet.b"])).await;
    assert_eq!(changed(&plan, Action::Replace), ["instance.b", "subnet.b"]);
    let along = &plan.partial.as_ref().unwrap().along;
    let why = along.iter().find(|(a, _)| a.as_str() == "instance.b").map(|(_, why)| why.as_str());
    assert_eq!(why, Some("it refers to subnet.b, which is replaced"));
    // Left out, the machine holds its subnet.
    let plan = play.plan_of(&moved, &exclude(&["instance.b"])).await;
    assert!(plan.is_empty(), "{}", shown(&plan));
    let along = &plan.partial.as_ref().unwrap().along;
    assert_eq!(along.values().collect::<Vec<_>>(), ["instance.b, which is left out, refers to it"]);
    play.apply_of(&read(&moved), &target(&["subnet.b"])).await;
    // What is gone from the sources goes by its address.
    let without = project(&TWO.lines().filter(|l| !l.contains("instance b") && !l.contains("output")).collect::<Vec<_>>().join("\n"));
    let plan = play.plan_of(&without.replace("tcp/443", "tcp/444"), &target(&["instance.b"])).await;
    assert_eq!(titles(&plan), ["delete instance.b"]);
    assert!(play.carry_out(&plan).await.is_success());
    let again = play.try_plan_of_text(&without, target(&["instance.b"])).await;
    assert_eq!(again, ["E0760 `--target instance.b` names no resource of the project or its state"]);
}

#[tokio::test(start_paused = true)]
async fn destroy_takes_the_target_and_what_stands_on_it() {
    let (play, source) = (Play::new(), project(TWO));
    play.apply(&source).await;
    let down = |scope: Scope| Scope { destroy: true, ..scope };
    let plan = play.apply_of(&read(&source), &down(target(&["security_group.a"]))).await;
    let gone: BTreeSet<&str> = changed(&plan, Action::Delete).into_iter().collect();
    assert_eq!(gone, BTreeSet::from(["instance.a", "instance.b", "security_group.a", "security_group.b"]), "{}", shown(&plan));
    play.apply(&source).await;
    let plan = play.apply_of(&read(&source), &down(exclude(&["instance.b"]))).await;
    let stay: Vec<String> = play.state().resources.keys().map(ToString::to_string).collect();
    assert_eq!(stay, ["instance.b", "security_group.a", "security_group.b", "subnet.b", "vpc.main"], "{}", shown(&plan));
}

#[tokio::test(start_paused = true)]
async fn what_is_to_be_replaced_is_though_nothing_has_changed() {
    let (play, source) = (Play::new(), project(TWO));
    play.apply(&source).await;
    let before = play.id("instance.b");
    let plan = play.apply_of(&read(&source), &replace("instance.b")).await;
    assert_eq!(changed(&plan, Action::Replace), ["instance.b"]);
    assert_eq!(plan.changes[0].reason.as_deref(), Some("`--replace` asks for it"));
    assert!(plan.partial.is_none() && play.id("instance.b") != before);
    play.apply(&source).await;
    let scope = Scope { replace: vec!["subnet.b".into()], ..target(&["security_group.a"]) };
    let plan = play.plan_of(&source, &scope).await;
    assert_eq!(changed(&plan, Action::Replace), ["instance.b", "subnet.b"], "{}", shown(&plan));
    let refused = |scope: Scope| play.try_plan_of_text(&source, scope);
    assert_eq!(refused(replace("subnet.x")).await, ["E0760 `--replace subnet.x` names no resource of the project or its state"]);
    let both = Scope { replace: vec!["subnet.b".into()], ..exclude(&["instance.b"]) };
    assert_eq!(refused(both).await, ["E0762 `subnet.b` cannot be replaced: the plan leaves it out"]);
    assert_eq!(
        Play::new().try_plan_of_text(&source, replace("subnet.b")).await,
        ["E0762 `subnet.b` cannot be replaced: it does not stand yet"]
    );
}

impl Play {
    async fn try_plan_of_text(&self, source: &str, scope: Scope) -> Vec<String> {
        self.try_plan_of(&read(source), &scope).await.expect_err("refused")
    }
}

#[tokio::test(start_paused = true)]
async fn policies_are_proved_for_what_will_stand() {
    let policies = "policy p during apply { forbid tcp/5432 from internet to instance.b\n require tcp/443 from internet to instance.a }\n";
    let (play, source) = (Play::new(), project(&format!("{TWO}{policies}")));
    let plan = play.apply_of(&read(&source), &target(&["instance.b"])).await;
    assert_eq!(plan.proof.policies.len(), 1, "{}", shown(&plan));
    assert_eq!(plan.partial.as_ref().unwrap().unasked, ["a `require` of policy p has nobody to be about: instance.a does not exist yet"]);
    assert!(render::render(&plan, render::Style::default()).contains("not proved: a `require` of policy p"));
    play.apply(&source).await;
    // The project as a whole would be well; with the rule alone, which the other group's change would have made harmless, it is not.
    let open = source
        .replace("tcp/5432 from security_group.a", "tcp/5432 from 0.0.0.0/0")
        .replace("subnets = [subnet.a]", "subnets = [subnet.a, subnet.b]");
    let open = open
        .replace("security_groups = [security_group.b] }", "security_groups = [security_group.b]\n associate_public_ip_address = true }");
    let plan = play.plan_of(&open, &target(&["instance.b"])).await;
    assert_eq!(plan.proof.failing().count(), 1, "{}", shown(&plan));
    // With the old machine, which has no public address, the open rule lets nobody in.
    let plan = play.plan_of(&open, &target(&["security_group.b"])).await;
    assert_eq!(plan.proof.failing().count(), 0, "{}", shown(&plan));
}

#[tokio::test(start_paused = true)]
async fn a_part_of_an_apply_takes_no_promise_back() {
    let forbid = "policy p { forbid tcp/5432 from internet to instance.b }\n";
    let (play, old, new) = (Play::new(), project(&format!("{TWO}{forbid}")), project(TWO));
    play.apply(&old).await;
    let plan = play.plan_of(&new.replace("tcp/443", "tcp/444"), &target(&["security_group.a"])).await;
    assert_eq!(plan.weakened.len(), 1);
    play.carry_out(&plan).await;
    assert_eq!(play.state().promises.len(), 1, "consent to a part is none to the whole");
    assert_eq!(play.plan(&new).await.weakened.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_is_nowhere_is_an_error() {
    let source = project(&format!("{TWO}existing vpc shared {{ cidr_block = 10.9.0.0/16 }}\n"));
    let (play, analysis) = (Play::new(), read(&source.replace("existing vpc shared { cidr_block = 10.9.0.0/16 }", "")));
    let said = |text: &'static str| {
        let (play, analysis) = (&play, &analysis);
        async move { play.try_plan_of(analysis, &target(&[text])).await.expect_err("refused") }
    };
    for text in ["instance.c", "vpc", "module", "module.edge", "instance", "instance.a[\"x\"]"] {
        assert_eq!(said(text).await, [format!("E0760 `--target {text}` names no resource of the project or its state")]);
    }
    let found = play.try_plan_of(&read(&source), &target(&["vpc.shared"])).await.expect_err("refused");
    assert_eq!(found, ["E0761 `--target vpc.shared` names what the project only reads"]);
}

#[tokio::test(start_paused = true)]
async fn renames_are_done_imports_and_what_is_forgotten_only_where_they_are_meant() {
    let (play, source) = (Play::new(), project(TWO));
    play.apply(&source).await;
    let renamed = source.replace("subnet.a", "subnet.edge").replace("subnet a ", "moved subnet.a to subnet.edge\nsubnet edge ");
    let renamed = renamed.replace("tcp/443", "tcp/444");
    let plan = play.apply_of(&read(&renamed), &target(&["security_group.a"])).await;
    assert_eq!((plan.moves.len(), changed(&plan, Action::Update)), (1, vec!["security_group.a"]));
    // Its tag follows with the first plan that it is in.
    assert_eq!(changed(&play.plan(&renamed).await, Action::Update), ["subnet.edge"]);
    play.apply(&renamed).await;
    // What is forgotten is let go of by a plan that is about it.
    let left = renamed.lines().filter(|l| !l.starts_with("instance b") && !l.contains("output")).collect::<Vec<_>>().join("\n");
    let left = left + "\nforget instance.b\n";
    let plan = play.plan_of(&left, &target(&["security_group.a"])).await;
    assert!(plan.is_empty(), "{}", shown(&plan));
    let id = play.id("instance.b");
    let plan = play.apply_of_once(&left, &target(&["instance.b"])).await;
    assert_eq!(titles(&plan), ["forget instance.b"]);
    // And taken in again by one that is.
    let back = renamed.replace("output a", &format!("import instance.b from \"{id}\"\noutput a"));
    assert!(play.plan_of(&back, &target(&["security_group.a"])).await.imports.is_empty());
    let plan = play.apply_of(&read(&back), &target(&["instance.b"])).await;
    assert_eq!((plan.imports.len(), play.id("instance.b")), (1, id));
}

impl Play {
    async fn apply_of_once(&self, source: &str, scope: &Scope) -> Plan {
        let plan = self.plan_of(source, scope).await;
        assert!(self.carry_out(&plan).await.is_success());
        plan
    }
}

/// Every example, built one target after the other: each step is as it was proved, and the last plan has nothing to do.
#[tokio::test(start_paused = true)]
async fn every_example_can_be_built_piece_by_piece() {
    let mut built = 0;
    for example in examples() {
        let Ok(text) = fs::read_to_string(example.join("main.secnet")) else { continue };
        let analysis = analyze(vec![("main.secnet".into(), text)], &Inputs::default());
        let elsewhere = |r: &Resource| r.existing || r.site.is_some();
        let mut analysis = analysis;
        if analysis.has_errors() || analysis.model.resources.is_empty() || analysis.model.resources.values().any(elsewhere) {
            continue;
        }
        analysis.model.project.name = "secure_server".into();
        let play = Play::on(Sim::new(analysis.model.project.region.as_deref().unwrap_or("us-east-1")));
        // What the policies of a whole project require need not hold of a part of it.
        for address in analysis.model.resources.keys().rev() {
            play.apply_of(&analysis, &target(&[address.as_str()])).await;
        }
        let rest = play.try_plan_of(&analysis, &Scope::default()).await.unwrap();
        assert!(rest.changes.is_empty(), "{example:?}: {}", shown(&rest));
        // And down again, from what everything else stands on upwards.
        for address in analysis.model.resources.keys() {
            if play.state().resources.contains_key(address) {
                play.apply_of(&analysis, &Scope { destroy: true, ..target(&[address.as_str()]) }).await;
            }
        }
        assert!(play.state().resources.is_empty(), "{example:?}");
        built += 1;
    }
    assert!(built > 3, "{built}");
}

#[tokio::test(start_paused = true)]
async fn a_part_is_planned_and_proved_without_reading_too() {
    let (play, source) = (Play::new(), project(TWO));
    play.apply(&source).await;
    let analysis = read(&source.replace("tcp/5432", "tcp/5433").replace("tcp/443", "tcp/444"));
    let state = play.state();
    let observation = recall(&analysis.model, &state, "us-east-1").unwrap();
    let input = Input { model: &analysis.model, state: &state, observation: &observation, sources: Some(&analysis.sources) };
    let plan = plan_of(&input, &target(&["security_group.a"])).unwrap();
    assert_eq!(changed(&plan, Action::Update), ["security_group.a"]);
    assert!(plan.proof.added.iter().all(|flow| flow.to.contains("instance.a")), "{}", shown(&plan));
}
