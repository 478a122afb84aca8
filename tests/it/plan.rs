//! Planning, and what an apply makes of it: a user's edits, played on the simulator.

use crate::play::{Play, before, project, shown, titles};

const TOUR: &str = include_str!("../../examples/secure_server/main.secnet");
const NETWORK: &str = "
vpc main { cidr_block = 10.0.0.0/16 }
subnet a { vpc = vpc.main  cidr_block = 10.0.1.0/24 }
";

#[tokio::test(start_paused = true)]
async fn the_tour_is_made_with_few_calls_and_then_there_is_nothing_to_do() {
    let play = Play::new();
    let plan = play.plan(TOUR).await;
    let planned = play.driver.counts();
    assert_eq!(planned.mutations, 0);
    let outcome = play.carry_out(&plan).await;
    assert!(outcome.is_success(), "{:#?}", outcome.failed);
    let counts = play.driver.counts();
    assert!(counts.mutations <= 18 && counts.reads + counts.mutations <= 30, "{counts:#?}");
    let again = play.plan(TOUR).await;
    assert!(again.is_empty(), "{}", shown(&again));
    let after = play.driver.counts();
    assert_eq!(after.mutations, counts.mutations);
    assert!(after.reads - counts.reads <= 12, "{after:#?}");
}

#[tokio::test(start_paused = true)]
async fn the_instance_starts_when_its_route_acl_and_gateway_stand() {
    let plan = Play::new().plan(TOUR).await;
    let first = before(&plan, "create instance.server");
    for title in [
        "create internet_gateway.main: attachment to vpc.main",
        "create route_table.public: route 0.0.0.0/0 via internet_gateway.main",
        "create route_table.public: association with subnet.public",
        "create network_acl.public: association with subnet.public",
        "create security_group.ssh: ingress tcp/22 from 203.0.113.0/28",
    ] {
        assert!(first.iter().any(|t| t == title), "`{title}` not in {first:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_destroy_leaves_nothing_and_meets_no_refusal() {
    let play = Play::new();
    let fresh = play.sim.world(|world| serde_json::to_value(&*world).unwrap());
    play.apply(TOUR).await;
    let plan = play.plan("project secure_server { region = \"us-east-1\" }").await;
    let outcome = play.carry_out(&plan).await;
    assert!(outcome.is_success(), "{:#?}", outcome.failed);
    assert!(play.state().resources.is_empty());
    let refused = play.sim.world(|world| serde_json::to_value(&*world).unwrap());
    assert_eq!(refused["vpcs"], fresh["vpcs"]);
    assert_eq!(refused["security_groups"].as_object().map(|g| g.len()), fresh["security_groups"].as_object().map(|g| g.len()));
}

#[tokio::test(start_paused = true)]
async fn other_maintainers_touch_one_rule_and_one_entry() {
    let play = Play::new();
    play.apply(TOUR).await;
    let server = play.id("instance.server");
    let changed = TOUR.replace("[203.0.113.0/28]", "[198.51.100.0/28]");
    let plan = play.plan(&changed).await;
    assert_eq!(
        shown(&plan),
        "~ network_acl.public
    ~ in 100 allow tcp/22 from 203.0.113.0/28 -> in 100 allow tcp/22 from 198.51.100.0/28
~ security_group.ssh
    ~ ingress tcp/22 from 203.0.113.0/28 -> ingress tcp/22 from 198.51.100.0/28"
    );
    let old = "delete security_group.ssh: ingress tcp/22 from 203.0.113.0/28";
    assert!(before(&plan, old).contains(&"create security_group.ssh: ingress tcp/22 from 198.51.100.0/28".to_owned()));
    assert_eq!(plan.tasks.iter().map(|t| t.calls.len()).sum::<usize>(), 3);
    play.apply(&changed).await;
    assert_eq!(play.id("instance.server"), server);
}

#[tokio::test(start_paused = true)]
async fn two_groups_that_name_each_other_come_and_go() {
    let play = Play::new();
    let groups = project(
        "vpc main { cidr_block = 10.0.0.0/16 }
         security_group app { vpc = vpc.main  egress tcp/5432 to security_group.db }
         security_group db  { vpc = vpc.main  ingress tcp/5432 from security_group.app }",
    );
    play.apply(&groups).await;
    play.apply(&project("")).await;
    assert!(play.state().resources.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_somebody_added_is_foreign_and_revoked() {
    let play = Play::new();
    play.apply(TOUR).await;
    let group = play.id("security_group.ssh");
    let permissions = serde_json::json!([{"IpProtocol": "tcp", "FromPort": 3389, "ToPort": 3389, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]);
    let params = serde_json::json!({"GroupId": group, "IpPermissions": permissions});
    play.sim.call(&secnet::call::Request::new("AuthorizeSecurityGroupIngress", params)).unwrap();
    let plan = play.plan(TOUR).await;
    assert_eq!(shown(&plan), "~ security_group.ssh\n    - ingress tcp/3389 from 0.0.0.0/0 (foreign)");
    play.apply(TOUR).await;
}

#[tokio::test(start_paused = true)]
async fn a_resource_deleted_by_hand_is_made_again() {
    let play = Play::new();
    let source = project(&format!("{NETWORK} security_group web {{ vpc = vpc.main  ingress tcp/443 from anywhere }}"));
    play.apply(&source).await;
    let params = serde_json::json!({"GroupId": play.id("security_group.web")});
    play.sim.call(&secnet::call::Request::new("DeleteSecurityGroup", params)).unwrap();
    let plan = play.plan(&source).await;
    assert_eq!(shown(&plan), "+ security_group.web");
    assert_eq!(plan.changes[0].reason.as_deref(), Some("it is gone: somebody else deleted it"));
    play.apply(&source).await;
}

#[tokio::test(start_paused = true)]
async fn another_range_for_the_vpc_replaces_all_that_lies_in_it() {
    let play = Play::new();
    play.apply(TOUR).await;
    let moved = TOUR.replace("10.0.", "10.9.");
    let plan = play.apply(&moved).await;
    let order = titles(&plan);
    let at = |title: &str| order.iter().position(|t| *t == title).unwrap_or_else(|| panic!("no `{title}` in {order:#?}"));
    assert!(at("delete instance.server") < at("delete subnet.public") && at("delete subnet.public") < at("delete vpc.main"));
    assert!(at("delete vpc.main") < at("create vpc.main") && at("create vpc.main") < at("create instance.server"));
}

#[tokio::test(start_paused = true)]
async fn a_group_with_another_description_gets_a_successor_before_it_goes() {
    let play = Play::new();
    play.apply(TOUR).await;
    let (server, old) = (play.id("instance.server"), play.id("security_group.ssh"));
    let plan = play.apply(&TOUR.replace("\"SSH for maintainers\"", "\"Remote shell\"")).await;
    assert!(
        shown(&plan).contains("~ instance.server\n    security_groups: [security_group.ssh] -> [security_group.ssh]"),
        "{}",
        shown(&plan)
    );
    let goes = before(&plan, "delete security_group.ssh");
    assert!(goes.contains(&"update instance.server: security_groups".to_owned()), "{goes:#?}");
    assert_eq!(play.id("instance.server"), server);
    assert_ne!(play.id("security_group.ssh"), old);
    assert!(play.state().deposed.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_subnet_moves_from_one_table_and_one_acl_to_another() {
    let play = Play::new();
    let with = |table: &str, acl: &str| {
        let on = |name: &str, chosen: &str| if name == chosen { "subnets = [subnet.a]" } else { "" };
        project(&format!(
            "{NETWORK}
             internet_gateway main {{ vpc = vpc.main }}
             route_table one {{ vpc = vpc.main  {}\n route anywhere via internet_gateway.main }}
             route_table two {{ vpc = vpc.main  {} }}
             network_acl one {{ vpc = vpc.main  {} }}
             network_acl two {{ vpc = vpc.main  {}\n in 100 allow all from anywhere\n out 100 allow all to anywhere }}",
            on("one", table),
            on("two", table),
            on("one", acl),
            on("two", acl)
        ))
    };
    play.apply(&with("one", "one")).await;
    let plan = play.apply(&with("two", "two")).await;
    // The new ACL takes the subnet in one call: the default one, which lets everything pass, never holds between.
    assert!(!titles(&plan).contains(&"delete network_acl.one: association with subnet.a"), "{:#?}", titles(&plan));
    play.apply(&project("")).await;
}

#[tokio::test(start_paused = true)]
async fn a_private_subnet_goes_out_through_a_nat_gateway() {
    let play = Play::new();
    let source = project(
        "vpc main { cidr_block = 10.0.0.0/16 }
         internet_gateway main { vpc = vpc.main }
         subnet public  { vpc = vpc.main  cidr_block = 10.0.1.0/24 }
         subnet private { vpc = vpc.main  cidr_block = 10.0.2.0/24 }
         elastic_ip nat { }
         nat_gateway main { subnet = subnet.public  elastic_ip = elastic_ip.nat }
         route_table public  { vpc = vpc.main  subnets = [subnet.public]   route anywhere via internet_gateway.main }
         route_table private { vpc = vpc.main  subnets = [subnet.private]  route anywhere via nat_gateway.main }
         security_group db { vpc = vpc.main  egress tcp/443 to anywhere }
         network_interface db { subnet = subnet.private  security_groups = [security_group.db] }
         key_pair admin { public_key = \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJd0aMZ9cyQ3gXq2ZfQ0pD2nZL3nS7gM9r0T8w5l1abc admin\" }
         instance db { image = ami(\"al2023\")  instance_type = \"t3.micro\"  network_interface = network_interface.db  key_pair = key_pair.admin }",
    );
    let plan = play.apply(&source).await;
    assert!(before(&plan, "create instance.db").contains(&"create nat_gateway.main".to_owned()), "{:#?}", plan.tasks);
    let moved = source.replace("subnet = subnet.public  elastic_ip", "subnet = subnet.private  elastic_ip");
    assert!(shown(&play.plan(&moved).await).contains("-/+ nat_gateway.main"));
    play.apply(&project("")).await;
    assert!(play.state().resources.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_moved_resource_keeps_its_id() {
    let play = Play::new();
    play.apply(&project(NETWORK)).await;
    let id = play.id("vpc.main");
    let renamed =
        project(&format!("{}\nmoved vpc.main to vpc.core", NETWORK.replace("vpc main", "vpc core").replace("vpc.main", "vpc.core")));
    let plan = play.apply(&renamed).await;
    // Nothing but the tag that says the address.
    assert_eq!(shown(&plan), "~ vpc.core\n    tags.secnet:address: \"vpc.main\" -> \"vpc.core\"");
    assert_eq!(play.id("vpc.core"), id);
}

#[tokio::test(start_paused = true)]
async fn an_existing_vpc_is_read_and_never_managed() {
    let play = Play::new();
    let source = project(
        "existing vpc default { is_default = true }
         security_group web { vpc = vpc.default  ingress tcp/443 from vpc.default.cidr_block }",
    );
    let plan = play.apply(&source).await;
    assert_eq!(shown(&plan), "+ security_group.web");
    play.apply(&project("")).await;
    let several = project("existing subnet one { map_public_ip_on_launch = true }\noutput id = subnet.one.id");
    let found = play.try_plan(&several).await.unwrap_err();
    assert!(found[0].ends_with("subnets fit `existing subnet.one`"), "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn tags_are_set_and_removed_in_place() {
    let play = Play::new();
    let with = |tags: &str| project(&format!("vpc main {{ cidr_block = 10.0.0.0/16  tags = {{ {tags} }} }}"));
    play.apply(&with("Name = \"a\", Team = \"net\"")).await;
    let plan = play.apply(&with("Name = \"b\"")).await;
    assert_eq!(shown(&plan), "~ vpc.main\n    tags.Name: \"a\" -> \"b\"\n    tags.Team: \"net\" -> null");
}

#[tokio::test(start_paused = true)]
async fn an_image_that_does_not_exist_is_said_while_planning() {
    let source = TOUR.replace("ami(\"al2023\")", "\"ami-0123456789abcdef0\"");
    let found = Play::new().try_plan(&source).await.unwrap_err();
    assert_eq!(found, ["no image fits `\"ami-0123456789abcdef0\"` in us-east-1"]);
}

#[tokio::test(start_paused = true)]
async fn a_peer_named_by_its_id_is_the_peer_it_was() {
    let play = Play::new();
    let network = |peer: &str| {
        let vpcs = "vpc main { cidr_block = 10.0.0.0/16 }\nvpc other { cidr_block = 10.1.0.0/16 }\n";
        project(&format!("{vpcs}vpc far {{ cidr_block = 10.2.0.0/16 }}\nvpc_peering one {{ vpc = vpc.main  {peer} }}\n"))
    };
    play.apply(&network("peer_vpc = vpc.other")).await;
    let by_id = |vpc: &str| network(&format!("peer_vpc_id = \"{}\"", play.id(vpc)));
    let same = play.plan(&by_id("vpc.other")).await;
    assert!(!titles(&same).iter().any(|t| t.starts_with("delete vpc_peering")), "{}", shown(&same));
    let another = play.plan(&by_id("vpc.far")).await;
    assert!(titles(&another).iter().any(|t| t.starts_with("delete vpc_peering")), "{}", shown(&another));
}

#[tokio::test(start_paused = true)]
async fn a_rename_without_moved_makes_room_first_or_is_refused_before_anything_is_done() {
    let play = Play::new();
    let network = |subnet: &str, group: &str| {
        project(&format!(
            "vpc main {{ cidr_block = 10.0.0.0/16 }}
             subnet {subnet} {{ vpc = vpc.main  cidr_block = 10.0.1.0/24 }}
             security_group {group} {{ vpc = vpc.main  group_name = \"x\" }}
             instance i {{ image = ami(\"al2023\")  instance_type = \"t3.micro\"
               subnet = subnet.{subnet}  security_groups = [security_group.{group}] }}"
        ))
    };
    play.apply(&network("a", "a")).await;
    let refused = play.try_plan(&network("a", "b")).await.unwrap_err();
    let why = "`security_group.b` has the `group_name` of `security_group.a`, which is needed until `security_group.b` stands";
    assert_eq!(refused, [why]);
    let plan = play.plan(&network("b", "a")).await;
    assert!(before(&plan, "create subnet.b").contains(&"delete subnet.a".to_owned()), "{:#?}", titles(&plan));
    assert!(before(&plan, "delete subnet.a").contains(&"delete instance.i".to_owned()), "{:#?}", titles(&plan));
    assert!(plan.notes.iter().any(|note| note.ends_with("`moved subnet.a to subnet.b` would keep it")), "{:#?}", plan.notes);
    let outcome = play.carry_out(&plan).await;
    assert!(outcome.is_success(), "{:#?}", outcome.failed);
}
