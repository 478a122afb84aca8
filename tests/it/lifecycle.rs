//! Changing what exists: protecting, ignoring, importing, forgetting, reading what others own; played on the simulator.

use std::{sync::Arc, time::Duration};

use secnet::{
    analysis::{Analysis, Inputs, analyze},
    apply::{Options, Stop, execute, recover::recover, refresh::refresh},
    base::{
        address::Address,
        source::Sources,
        span::{FileId, Span},
    },
    call::{Answer, Driver, Json, Request, mutates},
    plan::{
        Input, Plan, plan,
        render::{Style, render},
    },
    prove::policy::Outcome,
    resources,
    schema::model::{Model, Moved},
    sim::Sim,
    state::journal::Journal,
};
use serde_json::json;
use tokio::sync::{mpsc, watch};

use crate::play::{Play, project, shown, titles};

const VPC: &str = "vpc main { cidr_block = 10.0.0.0/16 }";

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

/// Sources, and the statements of one edit.
#[derive(Clone, Default)]
struct Wanted {
    source: String,
    statements: Vec<String>,
}

impl Wanted {
    fn of(source: &str) -> Self {
        Self { source: project(source), ..Self::default() }
    }

    fn says(mut self, statement: String) -> Self {
        self.statements.push(statement);
        self
    }

    fn import(self, to: &str, id: &str) -> Self {
        self.says(format!("import {to} from \"{id}\""))
    }

    fn forget(self, what: &str) -> Self {
        self.says(format!("forget {what}"))
    }

    fn analyzed(&self) -> Analysis {
        let text = format!("{}\n{}\n", self.source, self.statements.join("\n"));
        let analysis = analyze(vec![("main.secnet".into(), text)], &Inputs::default());
        assert!(!analysis.has_errors(), "{:#?}", analysis.diagnostics);
        analysis
    }
}

async fn try_plan(play: &Play, wanted: &Wanted) -> Result<Plan, Vec<String>> {
    let Analysis { model, sources, .. } = wanted.analyzed();
    plan_of(play, &model, Some(&sources)).await
}

async fn plan_of(play: &Play, model: &Model, sources: Option<&Sources>) -> Result<Plan, Vec<String>> {
    let state = play.state();
    let observation = refresh(&*play.driver, model, &state).await.unwrap();
    let input = Input { model, state: &state, observation: &observation, sources };
    plan(&input).map_err(|found| found.into_iter().map(|d| format!("{} {}", d.code.id, d.message)).collect())
}

async fn planned(play: &Play, wanted: &Wanted) -> Plan {
    try_plan(play, wanted).await.unwrap_or_else(|messages| panic!("{messages:#?}"))
}

/// Plans and applies; then nothing is left to do.
async fn applied(play: &Play, wanted: &Wanted) -> Plan {
    let plan = planned(play, wanted).await;
    let outcome = play.carry_out(&plan).await;
    assert!(outcome.is_success(), "{:#?}", outcome.failed);
    let again = planned(play, wanted).await;
    assert!(again.is_empty(), "{}", shown(&again));
    plan
}

fn ask(play: &Play, action: &str, params: Json) -> Json {
    play.sim.call(&Request::new(action, params)).unwrap_or_else(|e| panic!("{action}: {e}"))
}

fn tags(play: &Play, id: &str) -> Vec<(String, String)> {
    let answer = ask(play, "DescribeTags", json!({"Filters": [{"Name": "resource-id", "Values": [id]}]}));
    let text = |tag: &Json, member: &str| tag[member].as_str().unwrap().to_owned();
    let mut found: Vec<_> = answer["Tags"].as_array().unwrap().iter().map(|t| (text(t, "Key"), text(t, "Value"))).collect();
    found.sort();
    found
}

fn tag(play: &Play, id: &str, key: &str, value: &str) {
    ask(play, "CreateTags", json!({"Resources": [id], "Tags": [{"Key": key, "Value": value}]}));
}

fn id(answer: &Json, path: &str) -> String {
    answer.pointer(path).unwrap_or_else(|| panic!("no {path} in {answer}")).as_str().unwrap().into()
}

fn vpc_by_hand(play: &Play) -> String {
    id(&ask(play, "CreateVpc", json!({"CidrBlock": "10.0.0.0/16"})), "/Vpc/VpcId")
}

fn protected(protect: bool, cidr: &str) -> Wanted {
    Wanted::of(&format!("vpc main {{ cidr_block = {cidr}  lifecycle {{ protect = {protect} }} }}"))
}

#[tokio::test(start_paused = true)]
async fn what_is_protected_is_neither_replaced_nor_deleted_even_without_its_block() {
    let play = Play::new();
    applied(&play, &protected(true, "10.0.0.0/16")).await;
    assert!(play.state().resources[&address("vpc.main")].protect);
    let replaced = try_plan(&play, &protected(true, "10.1.0.0/16")).await.unwrap_err();
    assert_eq!(replaced, ["E0720 `vpc.main` is protected, and a change of `cidr_block` would replace it"]);
    let deleted = "E0720 `vpc.main` is protected, and would be deleted: it is not in the sources any more";
    assert_eq!(try_plan(&play, &Wanted::of("")).await.unwrap_err(), [deleted]);
    let plan = applied(&play, &protected(false, "10.0.0.0/16")).await;
    assert_eq!(shown(&plan), "~ vpc.main\n    protect: true -> false");
    assert_eq!(titles(&plan), Vec::<&str>::new());
    applied(&play, &Wanted::of("")).await;
    assert!(play.state().resources.is_empty());
}

#[tokio::test(start_paused = true)]
async fn protecting_and_unprotecting_call_nothing() {
    let play = Play::new();
    applied(&play, &Wanted::of(VPC)).await;
    let before = play.driver.counts().mutations;
    let plan = applied(&play, &protected(true, "10.0.0.0/16")).await;
    assert_eq!(shown(&plan), "~ vpc.main\n    protect: false -> true");
    assert!(play.state().resources[&address("vpc.main")].protect);
    // Without its `lifecycle` block the sources say that it is not protected.
    assert_eq!(shown(&applied(&play, &Wanted::of(VPC)).await), "~ vpc.main\n    protect: true -> false");
    assert_eq!(play.driver.counts().mutations, before);
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_deleted_is_made_again_and_protected_again() {
    let play = Play::new();
    let wanted = protected(true, "10.0.0.0/16");
    applied(&play, &wanted).await;
    ask(&play, "DeleteVpc", json!({"VpcId": play.id("vpc.main")}));
    assert_eq!(shown(&applied(&play, &wanted).await), "+ vpc.main");
    assert!(play.state().resources[&address("vpc.main")].protect);
}

#[tokio::test(start_paused = true)]
async fn a_successor_is_made_when_the_block_says() {
    let with = |cidr: &str, lifecycle: &str| {
        Wanted::of(&format!("{VPC}\nsubnet a {{ vpc = vpc.main  cidr_block = {cidr}  availability_zone = \"us-east-1a\"  {lifecycle} }}"))
    };
    let order = async |lifecycle: &str| {
        let play = Play::new();
        applied(&play, &with("10.0.1.0/24", lifecycle)).await;
        let plan = applied(&play, &with("10.0.2.0/24", lifecycle)).await;
        titles(&plan).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let (create, delete) = ("create subnet.a".to_owned(), "delete subnet.a".to_owned());
    assert_eq!(order("").await, [delete.clone(), create.clone()]);
    assert_eq!(order("lifecycle { replace = \"create_first\" }").await, [create, delete]);

    let play = Play::new();
    let first = "lifecycle { replace = \"create_first\" }";
    applied(&play, &with("10.0.1.0/24", first)).await;
    let overlapping = try_plan(&play, &with("10.0.1.0/25", first)).await.unwrap_err();
    assert_eq!(overlapping, ["E0705 `subnet.a` cannot be replaced by one with the same `cidr_block`"]);
    let mut moved = with("10.9.1.0/24", first);
    moved.source = moved.source.replace("10.0.0.0/16", "10.9.0.0/16");
    let nowhere = "E0722 the successor of `subnet.a` cannot be made first: `vpc.main` goes before its own comes";
    assert_eq!(try_plan(&play, &moved).await.unwrap_err(), [nowhere]);
}

#[tokio::test(start_paused = true)]
async fn a_group_is_deleted_first_where_the_block_says_so() {
    let play = Play::new();
    let with = |description: &str| {
        let lifecycle = "lifecycle { replace = \"destroy_first\" }";
        let group = format!("security_group a {{ vpc = vpc.main  group_name = \"a\"  description = \"{description}\"  {lifecycle} }}");
        Wanted::of(&format!("{VPC}\n{group}"))
    };
    applied(&play, &with("one")).await;
    let plan = applied(&play, &with("two")).await;
    assert_eq!(titles(&plan)[..2], ["delete security_group.a", "create security_group.a"]);
}

#[tokio::test(start_paused = true)]
async fn an_interface_with_a_fixed_address_cannot_stand_beside_its_successor() {
    let play = Play::new();
    let with = |address: &str, zone: &str| {
        Wanted::of(&format!(
            "{VPC}
             subnet a {{ vpc = vpc.main  cidr_block = 10.0.1.0/24  availability_zone = \"us-east-1a\" }}
             subnet b {{ vpc = vpc.main  cidr_block = 10.0.2.0/24  availability_zone = \"us-east-1a\" }}
             security_group g {{ vpc = vpc.main }}
             instance i {{ image = ami(\"{zone}\")  instance_type = \"t3.micro\"  subnet = subnet.a  security_groups = [security_group.g]
               private_ip_address = {address}  lifecycle {{ replace = \"create_first\" }} }}"
        ))
    };
    applied(&play, &with("10.0.1.10", "al2023")).await;
    let found = try_plan(&play, &with("10.0.1.10", "debian-12")).await.unwrap_err();
    assert_eq!(found, ["E0705 `instance.i` cannot be replaced by one with the same `private_ip_address`"]);
    planned(&play, &with("10.0.1.11", "debian-12")).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_ignored_is_neither_planned_nor_a_reason_to_replace() {
    let play = Play::new();
    let with = |ignore: &str, public: bool, name: &str| {
        Wanted::of(&format!(
            "{VPC}
             subnet a {{ vpc = vpc.main  cidr_block = 10.0.1.0/24  availability_zone = \"us-east-1a\" }}
             security_group g {{ vpc = vpc.main }}
             instance i {{ image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.a  security_groups = [security_group.g]
               associate_public_ip_address = {public}  tags = {{ Name = \"{name}\" }}  lifecycle {{ ignore = [{ignore}] }} }}"
        ))
    };
    applied(&play, &with("associate_public_ip_address, tags", true, "a")).await;
    assert_eq!(tags(&play, &play.id("instance.i"))[0], ("Name".into(), "a".into()), "what is made is made as written");
    tag(&play, &play.id("instance.i"), "Name", "changed");
    let plan = planned(&play, &with("associate_public_ip_address, tags", false, "b")).await;
    assert!(plan.is_empty(), "{}", shown(&plan));
    let plan = planned(&play, &with("tags", false, "b")).await;
    assert!(shown(&plan).starts_with("-/+ instance.i\n    associate_public_ip_address: "), "{}", shown(&plan));
}

/// A group that somebody else put on an ignored attribute counts in the proof as EC2 has it.
#[tokio::test(start_paused = true)]
async fn what_is_ignored_is_proved_as_it_stands() {
    let play = Play::new();
    let source = Wanted::of(&format!(
        "{VPC}
         internet_gateway main {{ vpc = vpc.main }}
         subnet a {{ vpc = vpc.main  cidr_block = 10.0.1.0/24  availability_zone = \"us-east-1a\"  map_public_ip_on_launch = true }}
         route_table a {{ vpc = vpc.main  subnets = [subnet.a]
           route anywhere via internet_gateway.main }}
         security_group shut {{ vpc = vpc.main }}
         security_group open {{ vpc = vpc.main
           ingress tcp/22 from anywhere }}
         instance i {{ image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.a  security_groups = [security_group.shut]
           lifecycle {{ ignore = [security_groups] }} }}
         policy p \"x\" {{ forbid all from internet to instance.i }}"
    ));
    let plan = applied(&play, &source).await;
    assert_eq!(plan.proof.policies[0].outcome, Outcome::Proven);
    let groups = [play.id("security_group.shut"), play.id("security_group.open")];
    ask(&play, "ModifyInstanceAttribute", json!({"InstanceId": play.id("instance.i"), "Groups": groups}));
    let plan = planned(&play, &source).await;
    assert!(plan.is_empty(), "{}", shown(&plan));
    assert_eq!(plan.proof.policies[0].outcome, Outcome::Refuted);
}

#[tokio::test(start_paused = true)]
async fn a_table_that_ignores_its_subnets_leaves_the_associations_as_they_are() {
    let play = Play::new();
    let with = |subnet: &str| {
        Wanted::of(&format!(
            "{VPC}
             subnet a {{ vpc = vpc.main  cidr_block = 10.0.1.0/24 }}
             subnet b {{ vpc = vpc.main  cidr_block = 10.0.2.0/24 }}
             route_table t {{ vpc = vpc.main  subnets = [subnet.{subnet}]  lifecycle {{ ignore = [subnets] }} }}"
        ))
    };
    let plan = applied(&play, &with("a")).await;
    assert!(titles(&plan).contains(&"create route_table.t: association with subnet.a"), "{:?}", titles(&plan));
    let plan = planned(&play, &with("b")).await;
    assert!(plan.is_empty(), "{}", shown(&plan));
    applied(&play, &Wanted::of("")).await;
}

/// An address that somebody else has moved to another machine counts in the proof as it stands.
#[tokio::test(start_paused = true)]
async fn an_ignored_association_is_proved_as_it_stands() {
    let play = Play::new();
    let machine = |name: &str| {
        format!(
            "instance {name} {{ image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.a
               security_groups = [security_group.open] }}\n"
        )
    };
    let source = Wanted::of(&format!(
        "{VPC}
         internet_gateway main {{ vpc = vpc.main }}
         subnet a {{ vpc = vpc.main  cidr_block = 10.0.1.0/24  availability_zone = \"us-east-1a\" }}
         route_table a {{ vpc = vpc.main  subnets = [subnet.a]
           route anywhere via internet_gateway.main }}
         security_group open {{ vpc = vpc.main
           ingress tcp/22 from anywhere }}
         {}{}
         elastic_ip e {{ instance = instance.public  lifecycle {{ ignore = [instance] }} }}
         policy p \"x\" {{ forbid all from internet to instance.private }}",
        machine("public"),
        machine("private"),
    ));
    let plan = applied(&play, &source).await;
    assert_eq!(plan.proof.policies[0].outcome, Outcome::Proven);
    let (allocation, private) = (play.id("elastic_ip.e"), play.id("instance.private"));
    ask(&play, "AssociateAddress", json!({"AllocationId": allocation, "InstanceId": private, "AllowReassociation": true}));
    let plan = planned(&play, &source).await;
    assert!(plan.is_empty(), "{}", shown(&plan));
    assert_eq!(plan.proof.policies[0].outcome, Outcome::Refuted);
}

#[tokio::test(start_paused = true)]
async fn tags_that_others_own_are_neither_planned_nor_removed() {
    let play = Play::new();
    let source = |tags: &str| {
        let project = "project secure_server { region = \"us-east-1\"  ignore_tags = [\"cost:*\", \"Owner\"] }";
        Wanted { source: format!("{project}\nvpc main {{ cidr_block = 10.0.0.0/16  tags = {{ {tags} }} }}"), ..Wanted::default() }
    };
    applied(&play, &source("Name = \"a\"")).await;
    for (key, value) in [("cost:center", "7"), ("Owner", "finance"), ("Owners", "nobody")] {
        tag(&play, &play.id("vpc.main"), key, value);
    }
    let plan = applied(&play, &source("Name = \"a\", Owner = \"me\"")).await;
    assert_eq!(shown(&plan), "~ vpc.main\n    tags.Owners: \"nobody\" -> null");
    assert!(tags(&play, &play.id("vpc.main")).contains(&("Owner".into(), "finance".into())));
}

#[tokio::test(start_paused = true)]
async fn what_is_imported_is_managed_as_if_it_had_been_made_here() {
    let play = Play::new();
    let vpc = vpc_by_hand(&play);
    let subnet = id(&ask(&play, "CreateSubnet", json!({"VpcId": vpc, "CidrBlock": "10.0.1.0/24"})), "/Subnet/SubnetId");
    let group = ask(&play, "CreateSecurityGroup", json!({"VpcId": vpc, "GroupName": "web", "Description": "Managed by secnet"}));
    let group = id(&group, "/GroupId");
    let permission = |port: u16| json!([{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]);
    for port in [443, 3389] {
        ask(&play, "AuthorizeSecurityGroupIngress", json!({"GroupId": group, "IpPermissions": permission(port)}));
    }
    tag(&play, &vpc, "Team", "net");
    let wanted = Wanted::of(&format!(
        "{VPC}
         subnet a {{ vpc = vpc.main  cidr_block = 10.0.1.0/24 }}
         security_group web {{ vpc = vpc.main
           ingress tcp/443 from 10.0.0.0/8 }}"
    ))
    .import("vpc.main", &vpc)
    .import("subnet.a", &subnet)
    .import("security_group.web", &group);
    let plan = planned(&play, &wanted).await;
    let text = render(&plan, Style::default());
    assert!(text.contains(&format!("> import vpc.main ({vpc})\n")), "{text}");
    assert!(text.contains("- ingress tcp/3389 from 10.0.0.0/8  (foreign: not in the project; will be revoked)"), "{text}");
    assert!(text.contains("- egress all to 0.0.0.0/0  (foreign: not in the project; will be revoked)"), "{text}");
    assert!(text.contains("Plan: 0 to create, 3 to update, 0 to replace, 0 to delete, 3 to import."), "{text}");
    applied(&play, &wanted).await;
    let state = play.state();
    let known = &state.resources[&address("subnet.a")];
    assert_eq!((&known.id, known.secnet_id.len()), (&subnet, 32));
    assert_eq!(known.record["vpc"], secnet::schema::value::Value::Resource(address("vpc.main")));
    assert_eq!(state.resources[&address("security_group.web")].parts.len(), 1);
    let own = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let wanted_tags = vec![own("secnet:address", "subnet.a"), own("secnet:id", &known.secnet_id), own("secnet:lineage", &state.lineage)];
    assert_eq!(tags(&play, &subnet), wanted_tags);
    // The statements may stay; without them nothing changes either.
    let again = planned(&play, &wanted).await;
    assert!(again.notes[0].starts_with("`import vpc.main` has nothing left to do"), "{:?}", again.notes);
    let without = Wanted { statements: vec![], ..wanted };
    assert!(planned(&play, &without).await.is_empty());
    applied(&play, &Wanted::of("")).await;
}

#[tokio::test(start_paused = true)]
async fn an_import_that_cannot_be_done_says_why() {
    let play = Play::new();
    let vpc = vpc_by_hand(&play);
    let wrong = async |wanted: Wanted| try_plan(&play, &wanted).await.unwrap_err().join("\n");
    let absent = wrong(Wanted::of(VPC).import("vpc.main", "vpc-0123456789abcdef0")).await;
    assert_eq!(absent, "E0721 `vpc-0123456789abcdef0` cannot be imported as `vpc.main`: us-east-1 has no such vpc");
    tag(&play, &vpc, "secnet:lineage", "another");
    tag(&play, &vpc, "secnet:address", "vpc.theirs");
    let theirs = wrong(Wanted::of(VPC).import("vpc.main", &vpc)).await;
    assert!(theirs.ends_with("another project of secnet manages it, as `vpc.theirs`"), "{theirs}");
    ask(&play, "DeleteTags", json!({"Resources": [vpc], "Tags": [{"Key": "secnet:lineage"}]}));
    applied(&play, &Wanted::of(VPC).import("vpc.main", &vpc)).await;
    let both = "vpc main { cidr_block = 10.0.0.0/16 }\nvpc other { cidr_block = 10.0.0.0/16 }";
    let twice = wrong(Wanted::of(both).import("vpc.other", &vpc)).await;
    assert!(twice.ends_with("it is managed as `vpc.main` already"), "{twice}");
    let other = vpc_by_hand(&play);
    let taken = wrong(Wanted::of(VPC).import("vpc.main", &other)).await;
    assert!(taken.ends_with(&format!("`vpc.main` is `{vpc}` already")), "{taken}");
    ask(&play, "DeleteVpc", json!({"VpcId": vpc}));
    applied(&play, &Wanted::of(VPC).import("vpc.main", &other)).await;
    assert_eq!(play.id("vpc.main"), other);
}

#[tokio::test(start_paused = true)]
async fn an_instance_is_imported_though_ec2_does_not_tell_all_of_it() {
    let play = Play::new();
    let machine = |name: &str| {
        Wanted::of(&format!(
            "{VPC}
             subnet a {{ vpc = vpc.main  cidr_block = 10.0.1.0/24  availability_zone = \"us-east-1a\" }}
             security_group g {{ vpc = vpc.main }}
             key_pair k {{ public_key = \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJd0aMZ9cyQ3gXq2ZfQ0pD2nZL3nS7gM9r0T8w5l1abc a\" }}
             instance {name} {{ image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.a
               security_groups = [security_group.g]  key_pair = key_pair.k  user_data = \"echo\" }}"
        ))
    };
    applied(&play, &machine("old")).await;
    let (server, key) = (play.id("instance.old"), play.id("key_pair.k"));
    let interface = play.state().resources[&address("instance.old")].record["network_interface_id"].clone();
    let mut rest = Wanted::of(VPC).forget("instance.old").forget("key_pair.k");
    rest.source = machine("old").source.split("key_pair k").next().unwrap().into();
    applied(&play, &rest).await;
    assert_eq!((tags(&play, &server), tags(&play, interface.as_text().unwrap())), (vec![], vec![]));
    let wanted = machine("new").import("instance.new", &server).import("key_pair.k", &key);
    let plan = planned(&play, &wanted).await;
    assert!(plan.counts().keys().all(|a| *a == secnet::plan::Action::Update), "{}", shown(&plan));
    let untold =
        "EC2 does not tell `key_pair`, `user_data` and `root_volume_encrypted` of instance.new: what is written is taken for what it is";
    assert!(plan.notes.iter().any(|n| n == untold), "{:?}", plan.notes);
    applied(&play, &wanted).await;
    assert_eq!(play.id("instance.new"), server);
}

/// A driver on which nothing that changes something is ever answered.
struct Dead(Arc<Sim>);

impl Driver for Dead {
    fn send<'a>(&'a self, request: &'a Request) -> Answer<'a> {
        Box::pin(async move { if mutates(&request.action) { std::future::pending().await } else { self.0.call(request) } })
    }

    fn region(&self) -> &str {
        self.0.region()
    }

    fn describe(&self) -> String {
        "dead".into()
    }
}

/// Carries a plan out in a process that ends while it waits for its first answer, and takes up what it has left.
async fn killed(play: &Play, plan: &Plan) {
    let journal = Journal::create(&play.store, &play.lock).unwrap();
    let driver: Arc<dyn Driver> = Arc::new(Dead(play.sim.clone()));
    let (progress, stop) = (mpsc::unbounded_channel().0, watch::channel(Stop::No).1);
    let running = execute(plan, play.state(), journal, driver, Options::default(), progress, stop);
    assert!(tokio::time::timeout(Duration::from_secs(60), running).await.is_err(), "it hangs");
    let loaded = play.store.load().unwrap();
    assert!(!loaded.unfinished.is_empty());
    let (state, _) = recover(&*play.driver, loaded.state, &loaded.unfinished).await.unwrap();
    play.store.finish(&play.lock, state).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_kill_between_an_import_and_its_tags_loses_nothing() {
    let play = Play::new();
    let vpc = vpc_by_hand(&play);
    let wanted = Wanted::of(VPC).import("vpc.main", &vpc);
    killed(&play, &planned(&play, &wanted).await).await;
    assert_eq!(play.id("vpc.main"), vpc);
    assert_eq!(tags(&play, &vpc), vec![]);
    let plan = applied(&play, &wanted).await;
    assert_eq!((plan.imports.len(), titles(&plan)), (0, vec!["update vpc.main: tags"]));
    assert_eq!(tags(&play, &vpc).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_kill_while_something_is_forgotten_forgets_it_the_next_time() {
    let play = Play::new();
    applied(&play, &Wanted::of(VPC)).await;
    let vpc = play.id("vpc.main");
    let wanted = Wanted::of("").forget("vpc.main");
    killed(&play, &planned(&play, &wanted).await).await;
    assert_eq!(play.id("vpc.main"), vpc, "as long as it carries the project's tags, the state knows it");
    applied(&play, &wanted).await;
    assert!(play.state().resources.is_empty());
    assert_eq!(tags(&play, &vpc), vec![]);
}

#[tokio::test(start_paused = true)]
async fn what_is_forgotten_stays_and_can_be_read_or_imported_again() {
    let play = Play::new();
    let whole = Wanted::of(
        "vpc main { cidr_block = 10.0.0.0/16  tags = { Name = \"a\" }  lifecycle { protect = true } }\nsubnet a { vpc = vpc.main  cidr_block = 10.0.1.0/24 }",
    );
    applied(&play, &whole).await;
    let vpc = play.id("vpc.main");
    let existing = format!("existing vpc main {{ id = \"{vpc}\" }}\nsubnet a {{ vpc = vpc.main  cidr_block = 10.0.1.0/24 }}");
    let wanted = Wanted::of(&existing).forget("vpc.main");
    let plan = planned(&play, &wanted).await;
    let text = render(&plan, Style::default());
    assert!(text.contains(&format!("< forget vpc.main ({vpc}): it stays in EC2, without the project's own tags\n")), "{text}");
    assert!(text.contains("0 to delete, 1 to forget."), "{text}");
    applied(&play, &wanted).await;
    assert_eq!(play.state().resources.keys().map(Address::as_str).collect::<Vec<_>>(), ["subnet.a"]);
    assert_eq!(tags(&play, &vpc), [("Name".to_owned(), "a".to_owned())]);
    let again = planned(&play, &wanted).await;
    assert!(again.notes[0].starts_with("`forget vpc.main` has nothing left to do"), "{:?}", again.notes);
    applied(&play, &Wanted { source: whole.source, ..Wanted::default() }.import("vpc.main", &vpc)).await;
    assert!(play.state().resources[&address("vpc.main")].protect);
}

#[tokio::test(start_paused = true)]
async fn what_is_forgotten_and_gone_is_forgotten_too() {
    let play = Play::new();
    applied(&play, &Wanted::of(VPC)).await;
    ask(&play, "DeleteVpc", json!({"VpcId": play.id("vpc.main")}));
    let plan = applied(&play, &Wanted::of("").forget("vpc.main")).await;
    assert_eq!((plan.tasks.len(), plan.gone), (0, vec![address("vpc.main")]));
}

#[tokio::test(start_paused = true)]
async fn tags_follow_a_move_to_a_key_and_into_a_module() {
    let play = Play::new();
    let many = "subnet private for az in [\"a\"] { vpc = vpc.main  cidr_block = 10.0.1.0/24 }";
    applied(&play, &Wanted::of(&format!("{VPC}\nsubnet private {{ vpc = vpc.main  cidr_block = 10.0.1.0/24 }}"))).await;
    let subnet = play.id("subnet.private");
    let tagged = |to: &str| {
        assert_eq!(play.id(to), subnet);
        assert!(tags(&play, &subnet).contains(&("secnet:address".into(), to.into())), "{to}");
    };
    let keyed = Wanted::of(&format!("{VPC}\n{many}")).says("moved subnet.private to subnet.private[\"a\"]".into());
    applied(&play, &keyed).await;
    tagged("subnet.private[\"a\"]");
    // As if the subnet stood in a module now.
    let inside = address("module.edge[\"x\"].subnet.private[0]");
    let Analysis { mut model, .. } = Wanted::of(&format!("{VPC}\n{many}")).analyzed();
    let mut resource = model.resources.remove(&address("subnet.private[\"a\"]")).unwrap();
    resource.address = inside.clone();
    model.resources.insert(inside.clone(), resource);
    model.moved.push(Moved { from: address("subnet.private[\"a\"]"), to: inside.clone(), span: Span::new(FileId(0), 0, 0) });
    let plan = plan_of(&play, &model, None).await.unwrap();
    assert!(play.carry_out(&plan).await.is_success());
    tagged(inside.as_str());
    assert!(plan_of(&play, &model, None).await.unwrap().is_empty());
}

const NETWORK: &str = "
vpc main { cidr_block = 10.0.0.0/16  amazon_provided_ipv6_cidr_block = true }
dhcp_options d { domain_name = \"d.example\" }
egress_only_internet_gateway o { vpc = vpc.main }
internet_gateway main { vpc = vpc.main }
subnet a { vpc = vpc.main  cidr_block = 10.0.1.0/24  availability_zone = \"us-east-1a\"  map_public_ip_on_launch = true }
route_table a { vpc = vpc.main  subnets = [subnet.a]
  route anywhere via internet_gateway.main }
network_acl a { vpc = vpc.main  subnets = [subnet.a]
  in 100 allow all from anywhere
  out 100 allow all to anywhere }
security_group web { vpc = vpc.main
  ingress tcp/443 from anywhere }
key_pair k { public_key = \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJd0aMZ9cyQ3gXq2ZfQ0pD2nZL3nS7gM9r0T8w5l1abc a\"  key_name = \"theirs\" }
elastic_ip nat { }
nat_gateway n { subnet = subnet.a  elastic_ip = elastic_ip.nat }
network_interface e { subnet = subnet.a  security_groups = [security_group.web]  private_ip_address = 10.0.1.77 }
instance i { image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.a  security_groups = [security_group.web]  key_pair = key_pair.k }
existing vpc default { is_default = true }
vpc_peering p { vpc = vpc.main  peer_vpc = vpc.default }
prefix_list l { max_entries = 1
  entry 192.0.2.0/24 }
vpc_endpoint s3 { vpc = vpc.main  service_name = \"com.amazonaws.us-east-1.s3\" }
instance_connect_endpoint c { subnet = subnet.a  security_groups = [security_group.web] }
flow_log f { vpc = vpc.main  log_destination_type = \"s3\"  log_destination = \"arn:aws:s3:::logs\" }
block_public_access b { internet_gateway_block_mode = \"block-ingress\" }
block_public_access_exclusion x { vpc = vpc.main  internet_gateway_exclusion_mode = \"allow-bidirectional\" }
transit_gateway hub { }
transit_gateway_vpc_attachment a { transit_gateway = transit_gateway.hub  vpc = vpc.main  subnets = [subnet.a] }
transit_gateway_route_table a { transit_gateway = transit_gateway.hub  associations = [transit_gateway_vpc_attachment.a] }
account far { id = \"123456789012\"  region = \"eu-west-1\" }
existing transit_gateway far { account = account.far  description = \"far\" }
transit_gateway_peering_attachment p { transit_gateway = transit_gateway.hub  peer_transit_gateway = transit_gateway.far }
vpn_gateway office { amazon_side_asn = 65010 }
customer_gateway office { bgp_asn = 65000  ip_address = 203.0.113.9 }
vpn_connection office { customer_gateway = customer_gateway.office  vpn_gateway = vpn_gateway.office }
launch_template t { image = ami(\"al2023\")  instance_type = \"t3.micro\"  security_groups = [security_group.web]  launch_template_name = \"workers\" }
volume v { availability_zone = \"us-east-1a\"  size = 41  instance = instance.i  device_name = \"/dev/sdf\" }
";

/// Blocks that read everything in [`NETWORK`], as another project sees it.
const READ: &str = "
existing dhcp_options d { domain_name = \"d.example\" }
existing egress_only_internet_gateway o { vpc = vpc.main }
existing vpc main { cidr_block = 10.0.0.0/16 }
existing internet_gateway main { vpc = vpc.main }
existing subnet a { vpc = vpc.main  availability_zone = \"us-east-1a\" }
existing route_table a { vpc = vpc.main  subnets = [subnet.a] }
existing network_acl a { subnets = [subnet.a] }
existing security_group web { vpc = vpc.main  description = \"Managed by secnet\" }
existing key_pair k { key_name = \"theirs\" }
existing nat_gateway n { subnet = subnet.a }
existing elastic_ip nat { public_ip_address = nat_gateway.n.public_ip_address }
existing network_interface e { private_ip_address = 10.0.1.77 }
existing instance i { subnet = subnet.a  security_groups = [security_group.web] }
existing vpc_peering p { vpc = vpc.main }
existing prefix_list l { prefix_list_name = \"l\" }
existing vpc_endpoint s3 { vpc = vpc.main }
existing instance_connect_endpoint c { subnet = subnet.a }
existing flow_log f { vpc = vpc.main }
existing block_public_access b { internet_gateway_block_mode = \"block-ingress\" }
existing block_public_access_exclusion x { vpc = vpc.main }
existing transit_gateway hub { description = \"\" }
existing transit_gateway_vpc_attachment a { transit_gateway = transit_gateway.hub  vpc = vpc.main }
existing transit_gateway_route_table a { transit_gateway = transit_gateway.hub }
existing transit_gateway_peering_attachment p { transit_gateway = transit_gateway.hub }
existing vpn_gateway office { amazon_side_asn = 65010 }
existing customer_gateway office { ip_address = 203.0.113.9 }
existing vpn_connection office { vpn_gateway = vpn_gateway.office }
existing launch_template t { launch_template_name = \"workers\" }
existing volume v { size = 41  instance = instance.i }
";

/// Two projects on one EC2: what the first has made, and the second only reads.
async fn neighbours() -> (Play, Play) {
    let first = Play::new();
    let far = first.sim.beside(first.sim.account(), "eu-west-1").unwrap();
    far.call(&Request::new("CreateTransitGateway", json!({"Description": "far"}))).unwrap();
    far.world(|world| world.advance(60));
    applied(&first, &Wanted::of(NETWORK)).await;
    let mut second = Play::new();
    second.sim = first.sim.clone();
    second.driver = Arc::new(secnet::apply::counts::Counted::new(first.sim.clone()));
    (first, second)
}

#[tokio::test(start_paused = true)]
async fn existing_things_of_every_type_are_found_and_read() {
    let (first, second) = neighbours().await;
    let policies = "policy p \"x\" {
        require tcp/443 from internet to instance.i
        forbid tcp/22 from internet to instance.i
        forbid all from internet to network_interface.e except tcp/443
    }";
    let own = "security_group own { vpc = vpc.main  description = \"own\"
      ingress tcp/22 from security_group.web }
      subnet b { vpc = vpc.main  cidr_block = 10.0.2.0/24 }
      route_table b { vpc = vpc.main  subnets = [subnet.b]
        route 10.9.0.0/16 via instance.i
        route anywhere via nat_gateway.n }";
    let plan = planned(&second, &Wanted::of(&format!("{READ}{own}\n{policies}"))).await;
    let ids: Vec<_> = plan.existing.iter().map(|(address, e)| (address.to_string(), e.id.clone())).collect();
    let theirs: Vec<_> = first.state().resources.iter().map(|(address, r)| (address.to_string(), r.id.clone())).collect();
    assert_eq!(ids, theirs);
    assert_eq!(ids.len(), resources::ALL.len() - resources::given().count(), "each type once");
    let outcomes: Vec<_> = plan.proof.policies.iter().map(|v| (v.statement.clone(), v.outcome)).collect();
    assert!(plan.proof.policies.iter().all(|v| v.outcome == Outcome::Proven), "{outcomes:#?}\n{:#?}", plan.proof.diagnostics);
    applied(&second, &Wanted::of(&format!("{READ}{own}\n{policies}"))).await;
    let several = try_plan(&second, &Wanted::of("existing network_interface any { }\noutput id = network_interface.any.id")).await;
    assert_eq!(several.unwrap_err(), ["E0701 5 network_interfaces fit `existing network_interface.any`"]);
}

/// An existing group is what was last read of it, and not known where nobody has read it; never one without rules.
#[tokio::test(start_paused = true)]
async fn offline_an_existing_thing_is_as_it_was_read_or_unknown() {
    let (first, second) = neighbours().await;
    let (vpc, group) = (first.id("vpc.main"), first.id("security_group.web"));
    drop(second);
    // The network is the project's own; the group in it was made by hand.
    let by_hand = NETWORK.split("security_group web").next().unwrap();
    let source = format!(
        "{by_hand}
         existing security_group web {{ vpc = vpc.main  id = \"{group}\" }}
         instance own {{ image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.a  security_groups = [security_group.web] }}
         policy p \"x\" {{ forbid tcp/443 from internet to instance.own }}"
    );
    let model = Wanted::of(&source).analyzed().model;
    let outcome = |read: &resources::Read| {
        let net = resources::network_as_read(&model, read);
        let chart = secnet::prove::chart::Chart::new(&net);
        secnet::prove::policy::judge(&chart, &model)[0].outcome
    };
    assert_eq!(outcome(&resources::Read::new()), Outcome::Unknown);
    let rest = Wanted::of(&source).forget("security_group.web");
    let rest = ["key_pair.k", "elastic_ip.nat", "nat_gateway.n", "network_interface.e", "instance.i"]
        .into_iter()
        .fold(rest, |rest, address| rest.forget(address));
    let plan = planned(&first, &rest).await;
    assert_eq!(plan.proof.policies[0].outcome, Outcome::Refuted);
    // The plan would be stopped by its policy in a command; here it is carried out, so that the state has read the group.
    assert!(first.carry_out(&plan).await.is_success());
    let state = first.state();
    let read = state.last_read();
    assert_eq!(read[&address("security_group.web")].record["vpc"], secnet::schema::value::Value::Resource(address("vpc.main")));
    assert_eq!((state.resources[&address("vpc.main")].id.clone(), outcome(&read)), (vpc, Outcome::Refuted));
    // Filters that were written otherwise since are about something else.
    let (web, mut filters) =
        (&read[&address("security_group.web")], model.resources.get(&address("security_group.web")).unwrap().record.clone());
    assert!(web.fits(&filters, false));
    filters.insert("id".into(), secnet::schema::value::Value::text("sg-0123456789abcdef0"));
    assert!(!web.fits(&filters, false));
}
