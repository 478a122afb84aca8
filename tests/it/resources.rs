//! Every resource type through its whole life on the simulator: made, found again as it was asked for, changed, gone.

use std::{cell::Cell, collections::BTreeSet, sync::Arc};

use secnet::{
    analysis::{Inputs, analyze},
    apply::{Options, Stop, execute, recall::recall, refresh::refresh},
    base::address::Address,
    call::{Call, Json, Request, mutates},
    plan::{Action, Input, Plan, Task, plan, proof::Flow},
    schema::{model::Model, value::Value},
    sim::Sim,
    state::{State, journal::Journal, store::Store},
};
use serde_json::json;
use tokio::sync::{mpsc, watch};

/// A project's directory, and the EC2 that it stands in.
struct World {
    sim: Arc<Sim>,
    store: Store,
    /// Whether somebody else has changed something.
    touched: Cell<bool>,
    _directory: tempfile::TempDir,
}

/// The calls of a task that change something, without the ids of associations.
fn changing(task: &Task) -> Vec<Call> {
    let mut calls: Vec<Call> = task.calls.iter().filter(|call| mutates(&call.action)).cloned().collect();
    calls.iter_mut().for_each(|call| drop(call.params.remove("AssociationId")));
    calls
}

/// As long as nobody else changes anything, a plan from the state alone is the plan that reading gives.
fn check_same(recalled: &Plan, read: &Plan) {
    // The order of a set of groups is EC2's own.
    let changes = |plan: &Plan| {
        let mut changes = plan.changes.clone();
        changes.iter_mut().for_each(|c| c.parts.sort_by_key(|p| format!("{p:?}")));
        for attribute in changes.iter_mut().flat_map(|c| &mut c.attributes) {
            if let Value::List(old) = &mut attribute.old {
                old.sort_by_key(Value::to_string);
            }
        }
        changes
    };
    for (recalled, read) in changes(recalled).iter().zip(&changes(read)) {
        assert_eq!(recalled, read);
    }
    assert_eq!(recalled.changes.len(), read.changes.len());
    // The id of an association was not read: it is looked for when it is needed, by one call more. Lists go in any order.
    let tasks = |plan: &Plan| {
        let words = |t: &Task| {
            let text = format!("{:?} {:?}", t.what, changing(t)).replace(['[', ']', '(', ')', ','], " ");
            let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            words.sort();
            words
        };
        let needs = |t: &Task| t.needs.iter().map(|n| plan.tasks[*n].title.clone()).collect::<BTreeSet<_>>();
        let mut tasks: Vec<_> = plan.tasks.iter().map(|t| (t.title.clone(), needs(t), t.tags.clone(), words(t))).collect();
        tasks.sort();
        tasks
    };
    for (recalled, read) in tasks(recalled).iter().zip(&tasks(read)) {
        assert_eq!(recalled, read);
    }
    assert_eq!(recalled.tasks.len(), read.tasks.len());
    assert_eq!((&recalled.outputs, &recalled.gone), (&read.outputs, &read.gone));
    let flows = |flows: &[Flow]| -> Vec<_> {
        let all = flows.iter().map(|f| (f.from.clone(), f.to.clone(), f.service.clone(), f.sources.clone(), f.destinations.clone()));
        let mut all: Vec<_> = all.collect();
        all.sort();
        all
    };
    let (a, b) = (&recalled.proof, &read.proof);
    assert_eq!((flows(&a.added), flows(&a.removed), flows(&a.unknown)), (flows(&b.added), flows(&b.removed), flows(&b.unknown)));
}

fn model(text: &str) -> Model {
    let analysis = analyze(vec![("main.secnet".into(), text.into())], &Inputs::default());
    let wrong: Vec<_> = analysis.diagnostics.iter().map(|d| &d.message).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    analysis.model
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::new(directory.path().join("state"), "all");
        Self { sim: Arc::new(Sim::new("us-east-1")), store, touched: Cell::new(false), _directory: directory }
    }

    async fn plan(&self, text: &str) -> (State, Plan) {
        let model = model(text);
        let state = self.store.load().unwrap().state;
        let observation = refresh(&*self.sim, &model, &state).await.unwrap();
        let input = Input { model: &model, state: &state, observation: &observation, sources: None };
        let read = plan(&input).unwrap_or_else(|all| panic!("{:?}", all.iter().map(|d| &d.message).collect::<Vec<_>>()));
        if !self.touched.get() && !state.images.is_empty() {
            let recalled = recall(&model, &state, "us-east-1").unwrap();
            let recalled = plan(&Input { observation: &recalled, ..input }).unwrap();
            assert!(recalled.recalled.is_some() && read.recalled.is_none());
            check_same(&recalled, &read);
        }
        (state, read)
    }

    /// Applies, and gives what was done: a line each task.
    async fn apply(&self, text: &str) -> Vec<String> {
        let (state, plan) = self.plan(text).await;
        let lock = self.store.lock("test").unwrap();
        let journal = Journal::create(&self.store, &lock).unwrap();
        let (sender, _receiver) = mpsc::unbounded_channel();
        let (_never, stop) = watch::channel(Stop::No);
        let outcome = execute(&plan, state, journal, self.sim.clone(), Options::default(), sender, stop).await.unwrap();
        assert!(outcome.is_success(), "{:#?}", outcome.failed.iter().map(|f| (&plan.tasks[f.task].title, &f.error)).collect::<Vec<_>>());
        outcome.save(&self.store, &lock).unwrap();
        plan.tasks.iter().map(|task| task.title.clone()).collect()
    }

    /// Nothing is left to do.
    async fn check_settled(&self, text: &str) {
        let (_, plan) = self.plan(text).await;
        let todo: Vec<_> = plan.tasks.iter().map(|t| &t.title).collect();
        assert!(plan.is_empty(), "{todo:?} {:#?}", plan.changes);
    }

    fn ask(&self, action: &str, params: Json) -> Json {
        self.touched.set(self.touched.get() || mutates(action));
        self.sim.call(&Request::new(action, params)).unwrap()
    }
}

/// One of everything, in every way that it can be written.
const ALL: &str = r##"
project all { region = "us-east-1"  tags = { Team = "net" } }

vpc main { cidr_block = 10.0.0.0/16  enable_dns_hostnames = true }
internet_gateway main { vpc = vpc.main }
subnet public  { vpc = vpc.main  cidr_block = 10.0.0.0/24  availability_zone = "us-east-1a" }
subnet private { vpc = vpc.main  cidr_block = 10.0.1.0/24  availability_zone = "us-east-1a" }
subnet lan     { vpc = vpc.main  cidr_block = 10.0.2.0/24  availability_zone = "us-east-1a" }

elastic_ip nat { }
nat_gateway main { subnet = subnet.public  elastic_ip = elastic_ip.nat }

route_table public {
  vpc     = vpc.main
  subnets = [subnet.public]
  route anywhere via internet_gateway.main
}
route_table private {
  vpc     = vpc.main
  subnets = [subnet.private]
  route anywhere via nat_gateway.main
  route [192.168.0.0/16, 172.16.0.0/12] via network_interface.router
}
route_table lan {
  vpc     = vpc.main
  subnets = [subnet.lan]
  route 198.51.100.0/24 via instance.relay
}

network_acl public {
  vpc     = vpc.main
  subnets = [subnet.public, subnet.private]
  in  100 allow tcp/22,443     from [203.0.113.0/28, 198.51.100.0/24]
  in  200 allow [tcp/1024-65535, udp/1024-65535] from anywhere
  in  300 allow icmp/echo-request from 10.0.0.0/8
  in  400 deny  protocol/50    from 2001:db8::/32
  out 100 allow all            to   anywhere
}

security_group web {
  vpc = vpc.main
  ingress tcp/22,443 from 203.0.113.0/28 "maintainers"
  egress  all        to   anywhere
}
security_group app {
  vpc = vpc.main
  ingress tcp/8080 from security_group.web
}

key_pair ops { public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE1hcmNoIG9mIHRoZSBwZW5ndWlucyBhbmQgd2hhbGVz ops" }

network_interface router {
  subnet            = subnet.public
  security_groups   = [security_group.web, security_group.app]
  source_dest_check = false
}

instance router {
  image             = ami("al2023")
  instance_type     = "t4g.micro"
  network_interface = network_interface.router
}

instance relay {
  image             = ami("al2023")
  instance_type     = "t3.micro"
  subnet            = subnet.public
  security_groups   = [security_group.web]
  source_dest_check = false
}

instance web {
  image              = ami("al2023")
  instance_type      = "t3.micro"
  subnet             = subnet.private
  security_groups    = [security_group.web]
  private_ip_address = 10.0.1.20
  key_pair           = key_pair.ops
  user_data          = "#!/bin/sh\necho ${elastic_ip.web.public_ip_address}\n"
  root_volume_size   = 20
  root_volume_type   = "gp3"
}

elastic_ip web    { instance = instance.relay }
elastic_ip router { network_interface = network_interface.router }

output address = elastic_ip.web.public_ip_address
"##;

#[tokio::test(start_paused = true)]
async fn everything_is_made_found_again_and_removed() {
    let world = World::new();
    let before = world.ask("DescribeVpcs", json!({}));
    world.apply(ALL).await;
    world.check_settled(ALL).await;
    world.apply("project all {}").await;
    assert_eq!(world.store.load().unwrap().state.resources.len(), 0);
    assert_eq!(world.ask("DescribeVpcs", json!({})), before);
    assert_eq!(world.ask("DescribeAddresses", json!({}))["Addresses"], json!([]));
    assert_eq!(world.ask("DescribeKeyPairs", json!({}))["KeyPairs"], json!([]));
    assert_eq!(world.ask("DescribeNetworkInterfaces", json!({}))["NetworkInterfaces"], json!([]));
}

/// The project with some of its text changed.
fn with(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(ALL.to_owned(), |text, (old, new)| {
        assert!(text.contains(old), "`{old}` is not in the project");
        text.replace(old, new)
    })
}

#[tokio::test(start_paused = true)]
async fn what_can_change_in_place_does() {
    let world = World::new();
    world.apply(ALL).await;
    let changed = with(&[
        ("enable_dns_hostnames = true", "enable_dns_support = true"),
        ("subnet lan     { ", "subnet lan     { map_public_ip_on_launch = true "),
        ("security_groups   = [security_group.web, security_group.app]", "security_groups   = [security_group.app]"),
        ("source_dest_check = false\n}\n\ninstance router", "description = \"router\"\n}\n\ninstance router"),
        ("instance_type     = \"t3.micro\"", "instance_type     = \"t3.small\"\n  http_tokens = \"optional\""),
        ("in  400 deny", "in  400 allow"),
        ("route anywhere via nat_gateway.main", "route anywhere via internet_gateway.main"),
        ("elastic_ip web    { instance = instance.relay }", "elastic_ip web    { instance = instance.web }"),
    ]);
    let done = world.apply(&changed).await;
    assert!(done.iter().all(|title| title.starts_with("update")), "{done:#?}");
    // Table, ACL entry, address, VPC and subnet take a step each; the interface and the instance one for each group of attributes.
    assert_eq!(done.len(), 5 + 3 + 2, "{done:#?}");
    world.check_settled(&changed).await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_change_in_place_is_made_anew() {
    let world = World::new();
    world.apply(ALL).await;
    let key = ("hhbGVz ops", "hhbGVz new");
    let address = ("private_ip_address = 10.0.1.20", "private_ip_address = 10.0.1.21");
    let gateway = (
        "elastic_ip nat { }\nnat_gateway main { subnet = subnet.public  elastic_ip = elastic_ip.nat }",
        "nat_gateway main { subnet = subnet.public  connectivity_type = \"private\" }",
    );
    let subnet = ("cidr_block = 10.0.0.0/24", "cidr_block = 10.0.4.0/24");
    type Step<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);
    let steps: [Step<'_>; 4] = [
        (&[key], &["instance.web", "key_pair.ops"]),
        (&[key, address], &["instance.web"]),
        (&[key, address, gateway], &["nat_gateway.main"]),
        // Whatever stands in a subnet goes and comes with it.
        (
            &[key, address, gateway, subnet],
            &["instance.relay", "instance.router", "nat_gateway.main", "network_interface.router", "subnet.public"],
        ),
    ];
    for (changes, anew) in steps {
        let changed = with(changes);
        let (_, plan) = world.plan(&changed).await;
        let replaced = plan.changes.iter().filter(|c| c.action == Action::Replace).map(|c| c.address.to_string());
        assert_eq!(replaced.collect::<Vec<_>>(), anew, "{changes:?}");
        world.apply(&changed).await;
        world.check_settled(&changed).await;
    }
}

#[tokio::test(start_paused = true)]
async fn subnets_move_between_tables_and_acls() {
    let world = World::new();
    world.apply(ALL).await;
    let changed = with(&[
        ("  subnets = [subnet.private]\n  route anywhere via nat", "  subnets = [subnet.lan]\n  route anywhere via nat"),
        ("  subnets = [subnet.lan]\n  route 198", "  subnets = [subnet.private]\n  route 198"),
        ("subnets = [subnet.public, subnet.private]", "subnets = [subnet.public]"),
        (
            "key_pair ops",
            "network_acl inner {\n  vpc = vpc.main\n  subnets = [subnet.private]\n  in 100 allow all from anywhere\n}\nkey_pair ops",
        ),
    ]);
    let before = world.store.load().unwrap().state;
    let done = world.apply(&changed).await;
    world.check_settled(&changed).await;
    // The ACL is changed in one call: for no moment does the default one, which lets everything pass, hold for the subnet.
    assert!(!done.iter().any(|title| title.starts_with("delete network_acl")), "{done:#?}");
    let default = json!([{"Name": "default", "Values": ["true"]}]);
    let default = world.ask("DescribeNetworkAcls", json!({"Filters": default}))["NetworkAcls"].clone();
    let ids: Vec<String> = default.as_array().unwrap().iter().map(|acl| acl["NetworkAclId"].to_string()).collect();
    let to_default =
        |request: &Request| request.action == "ReplaceNetworkAclAssociation" && ids.contains(&request.params["NetworkAclId"].to_string());
    assert!(!world.sim.log().iter().any(to_default));
    // Back again, which takes the subnet's new ACL away; `subnet.private` has kept its id all the while.
    world.apply(ALL).await;
    world.check_settled(ALL).await;
    assert_eq!(world.store.load().unwrap().state.resources.keys().collect::<Vec<_>>(), before.resources.keys().collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn what_others_put_there_is_seen_and_taken_away() {
    let world = World::new();
    world.apply(ALL).await;
    let state = world.store.load().unwrap().state;
    let id = |address: &str| state.resources[&Address::parse(address).unwrap()].id.clone();
    world.ask(
        "CreateRoute",
        json!({"RouteTableId": id("route_table.lan"), "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": id("internet_gateway.main")}),
    );
    let (table, router) = (id("route_table.private"), id("network_interface.router"));
    world.ask("ReplaceRoute", json!({"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "NetworkInterfaceId": router}));
    let entry = |number: u16, action: &str| {
        json!({
            "NetworkAclId": id("network_acl.public"), "RuleNumber": number, "RuleAction": action, "Egress": false, "Protocol": "-1",
            "CidrBlock": "0.0.0.0/0",
        })
    };
    world.ask("CreateNetworkAclEntry", entry(1, "allow"));
    world.ask("ReplaceNetworkAclEntry", entry(300, "allow"));
    world.ask(
        "AssociateAddress",
        json!({"AllocationId": id("elastic_ip.web"), "InstanceId": id("instance.web"), "AllowReassociation": true}),
    );
    world.ask("ModifyInstanceAttribute", json!({"InstanceId": id("instance.relay"), "Groups": [id("security_group.app")]}));
    let mut done = world.apply(ALL).await;
    done.sort();
    let expected = [
        "delete network_acl.public: in 1 allow all from 0.0.0.0/0",
        "delete route_table.lan: route 0.0.0.0/0 via internet_gateway.main",
        "update elastic_ip.web: association with ",
        "update instance.relay: security_groups",
        "update network_acl.public: in 300 allow icmp/8 from 10.0.0.0/8",
        "update route_table.private: route 0.0.0.0/0 via nat_gateway.main",
    ];
    assert_eq!(done.len(), expected.len(), "{done:#?}");
    assert!(done.iter().zip(expected).all(|(title, expected)| title.starts_with(expected)), "{done:#?}");
    world.check_settled(ALL).await;
}
