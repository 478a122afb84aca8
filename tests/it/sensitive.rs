//! Sensitive values below the command line: what the journal and the state get, and what EC2 is asked back.

use std::{fs, sync::Arc};

use secnet::{
    analysis::{Inputs, analyze},
    apply::{Options, Stop, execute, refresh},
    base::site::Site,
    call::{Answer, ApiError, Driver, Request},
    plan::Plan,
    resources,
    schema::value::Value,
    sim::Sim,
    state::journal::Journal,
};
use tokio::sync::{mpsc, watch};

use crate::{
    play::{Play, project, shown},
    sensitive_cli::holds_none,
};

const SECRET: &str = "Zq9xSecretTokenKj7w";

/// One of every type of resource.
fn everything(token: &str) -> String {
    project(&format!(
        "let token = {token}
         vpc main {{ cidr_block = 10.0.0.0/16  amazon_provided_ipv6_cidr_block = true  tags = {{ Secret = token }} }}
         dhcp_options main {{ domain_name = \"d.example\" }}
         internet_gateway main {{ vpc = vpc.main }}
         egress_only_internet_gateway main {{ vpc = vpc.main }}
         subnet public {{ vpc = vpc.main  cidr_block = 10.0.1.0/24 }}
         route_table public {{
           vpc = vpc.main
           subnets = [subnet.public]
           propagating_vpn_gateways = [vpn_gateway.office]
           route anywhere via internet_gateway.main
         }}
         network_acl public {{
           vpc = vpc.main
           subnets = [subnet.public]
           in 100 allow all from anywhere
           out 100 allow all to anywhere
         }}
         security_group db {{ vpc = vpc.main  description = \"for ${{token}}\"  egress tcp/443 to anywhere }}
         elastic_ip nat {{ }}
         nat_gateway main {{ subnet = subnet.public  elastic_ip = elastic_ip.nat }}
         network_interface db {{ subnet = subnet.public  security_groups = [security_group.db]  description = token }}
         key_pair ops {{ public_key = \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJd0aMZ9cyQ3gXq2ZfQ0pD2nZL3nS7gM9r0T8w5l1abc ops\"  key_name = \"k-${{token}}\" }}
         instance db {{
           image = ami(\"al2023\")  instance_type = \"t3.micro\"  network_interface = network_interface.db  key_pair = key_pair.ops
           user_data = \"${{token}} for ${{vpc.main.id}}\"
         }}
         existing vpc default {{ is_default = true }}
         vpc_peering default {{ vpc = vpc.main  peer_vpc = vpc.default }}
         prefix_list a {{
           max_entries = 1
           entry 192.0.2.0/24
         }}
         vpc_endpoint s3 {{ vpc = vpc.main  service_name = \"com.amazonaws.us-east-1.s3\" }}
         instance_connect_endpoint a {{ subnet = subnet.public  security_groups = [security_group.db] }}
         flow_log a {{ vpc = vpc.main  log_destination_type = \"s3\"  log_destination = \"arn:aws:s3:::logs\" }}
         block_public_access a {{ internet_gateway_block_mode = \"block-ingress\" }}
         block_public_access_exclusion a {{ vpc = vpc.main  internet_gateway_exclusion_mode = \"allow-egress\" }}
         transit_gateway hub {{ description = token }}
         transit_gateway_vpc_attachment main {{ transit_gateway = transit_gateway.hub  vpc = vpc.main  subnets = [subnet.public] }}
         transit_gateway_route_table main {{ transit_gateway = transit_gateway.hub  associations = [transit_gateway_vpc_attachment.main] }}
         account far {{ id = \"123456789012\"  region = \"eu-west-1\" }}
         transit_gateway far {{ account = account.far }}
         transit_gateway_peering_attachment far {{
           transit_gateway = transit_gateway.hub  peer_transit_gateway = transit_gateway.far  tags = {{ Secret = token }}
         }}
         vpn_gateway office {{ vpc = vpc.main  amazon_side_asn = 65010 }}
         customer_gateway office {{ bgp_asn = 65000  ip_address = 203.0.113.9 }}
         vpn_connection office {{ customer_gateway = customer_gateway.office  vpn_gateway = vpn_gateway.office  tags = {{ Secret = token }} }}
         launch_template a {{
           image = ami(\"al2023\")  instance_type = \"t3.micro\"  security_groups = [security_group.db]
           user_data = \"${{token}} for ${{vpc.main.id}}\"
         }}
         volume data {{ availability_zone = \"us-east-1a\"  size = 41  tags = {{ Secret = token }} }}
         output token = token \"x\" {{ sensitive = {} }}",
        token.starts_with("sensitive")
    ))
}

fn hidden() -> String {
    everything(&format!("sensitive(\"{SECRET}\")"))
}

fn clear() -> String {
    everything(&format!("\"{SECRET}\""))
}

#[tokio::test(start_paused = true)]
async fn the_journal_and_the_state_have_hashes() {
    let play = Play::new();
    let plan = play.plan(&hidden()).await;
    assert!(plan.sealing_key.is_some());
    holds_none(serde_json::to_string(&plan).unwrap().as_bytes(), &[SECRET], "the plan");
    holds_none(format!("{plan:?}").as_bytes(), &[SECRET], "the plan, as Rust shows it");
    let (progress, _watcher) = mpsc::unbounded_channel();
    let (_stop, asked) = watch::channel(Stop::No);
    let journal = Journal::create(&play.store, &play.lock).unwrap();
    let outcome = execute(&plan, play.state(), journal, play.driver.clone(), Options::default(), progress, asked).await.unwrap();
    assert!(outcome.is_success(), "{:#?}", outcome.failed);
    let journal = fs::read(play.store.journal_path()).unwrap();
    assert!(String::from_utf8_lossy(&journal).contains("user_data"), "the journal says what was made");
    holds_none(&journal, &[SECRET], "the journal");
    // What an interrupted run has left is enough to know what stands.
    drop(outcome);
    let again = play.store.load().unwrap();
    let state = secnet::state::journal::fold(again.state, &again.unfinished);
    play.store.finish(&play.lock, state).unwrap();
    holds_none(&fs::read(play.store.state_path()).unwrap(), &[SECRET], "the state");
    let again = play.plan(&hidden()).await;
    assert!(again.is_empty() && again.seen.is_empty(), "{}\n{:#?}", shown(&again), again.seen);
    assert_eq!(again.sealing_key, None, "the state has the key");
    let request = play.sim.log().into_iter().find(|r| r.action == "RunInstances").unwrap();
    assert!(request.params["KeyName"].as_str().unwrap().contains(SECRET), "EC2 has it in the clear");
}

#[tokio::test(start_paused = true)]
async fn what_becomes_sensitive_leaves_the_state_and_nothing_changes_in_ec2() {
    let play = Play::new();
    play.apply(&clear()).await;
    assert!(fs::read_to_string(play.store.state_path()).unwrap().contains(SECRET));
    let plan = play.plan(&hidden()).await;
    assert!(plan.is_empty(), "{}", shown(&plan));
    assert!(play.carry_out(&plan).await.is_success());
    holds_none(&fs::read(play.store.state_path()).unwrap(), &[SECRET], "the state");
    // And back.
    let plan = play.plan(&clear()).await;
    assert!(plan.is_empty(), "{}", shown(&plan));
    assert!(play.carry_out(&plan).await.is_success());
    let state = fs::read_to_string(play.store.state_path()).unwrap();
    assert!(state.contains(SECRET) && !state.contains("sealed"), "{state}");
}

#[tokio::test(start_paused = true)]
async fn what_changes_is_found_by_its_hash_and_what_ec2_has_instead_is_not_shown() {
    let play = Play::new();
    play.apply(&hidden()).await;
    let other = play.plan(&everything("sensitive(\"another\")")).await;
    let text = shown(&other);
    for line in ["user_data: (sensitive)", "tags.Secret: (sensitive) -> (sensitive)", "description: (sensitive) -> (sensitive)"] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    // Without its mark the new value is shown, and the old one is not.
    let open = play.plan(&everything("\"another\"")).await;
    assert!(shown(&open).contains("tags.Secret: (sensitive) -> \"another\""), "{}", shown(&open));
    // Somebody gives the tag another value.
    let tag = serde_json::json!({"Resources": [play.id("vpc.main")], "Tags": [{"Key": "Secret", "Value": "drifted"}]});
    play.sim.call(&Request::new("CreateTags", tag)).unwrap();
    let plan = play.plan(&hidden()).await;
    assert_eq!(shown(&plan), "~ vpc.main\n    tags.Secret: (sensitive) -> (sensitive)");
    for plan in [other, open, plan] {
        holds_none(serde_json::to_string(&plan).unwrap().as_bytes(), &[SECRET, "drifted"], "a plan");
    }
}

/// EC2 that says what it was sent, as the real one does with values that it does not take.
struct Talkative(Arc<Sim>);

impl Driver for Talkative {
    fn send<'a>(&'a self, request: &'a Request) -> Answer<'a> {
        Box::pin(async move {
            if request.action == "RunInstances" || request.action == "CreateTags" {
                return Err(ApiError::new("InvalidParameterValue", format!("not taken: {}", request.params)));
            }
            self.0.call(request)
        })
    }

    fn region(&self) -> &str {
        self.0.region()
    }

    fn describe(&self) -> String {
        "talkative".into()
    }

    fn beside(&self, site: &Site) -> Option<Arc<dyn Driver>> {
        let there = self.0.beside(site.account(), site.region()).ok()?;
        Some(Arc::new(Talkative(Arc::new(there))))
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_of_ec2_does_not_repeat_it() {
    let play = Play::new();
    let plan: Plan = play.plan(&hidden()).await;
    let (progress, mut watcher) = mpsc::unbounded_channel();
    let (_stop, asked) = watch::channel(Stop::No);
    let journal = Journal::create(&play.store, &play.lock).unwrap();
    let driver = Arc::new(Talkative(play.sim.clone()));
    let outcome = execute(&plan, play.state(), journal, driver, Options::default(), progress, asked).await.unwrap();
    let failed = format!("{:?}", outcome.failed);
    assert!(failed.contains("InvalidParameterValue") && failed.contains("hold a sensitive value"), "{failed}");
    holds_none(failed.as_bytes(), &[SECRET], "what failed");
    holds_none(&fs::read(play.store.journal_path()).unwrap(), &[SECRET], "the journal");
    while let Ok(told) = watcher.try_recv() {
        holds_none(format!("{told:?}").as_bytes(), &[SECRET], "progress");
    }
}

/// What is read back is a list of what is allowed: declared attributes, and nothing else of what EC2 tells.
#[tokio::test(start_paused = true)]
async fn only_declared_attributes_are_read_back() {
    let play = Play::new();
    play.apply(&clear()).await;
    let state = play.state();
    let analysis = analyze(vec![("main.secnet".into(), clear())], &Inputs::default());
    let observation = refresh::refresh(&*play.driver, &analysis.model, &state).await.unwrap();
    for spec in resources::ALL.iter().filter(|s| s.stands_for.is_none()) {
        let read: Vec<_> = observation.resources.get(spec.kind).into_iter().flat_map(|all| all.values()).collect();
        assert!(!read.is_empty(), "no {} was read", spec.kind);
        for observed in read {
            for name in observed.record.keys() {
                assert!(spec.attr(name).is_some(), "{} reads back `{name}`, which it does not declare", spec.kind);
            }
            assert!(observed.parts.iter().all(|(name, _)| spec.part(name).is_some()), "{}", spec.kind);
            assert!(!observed.record.contains_key("user_data") && !observed.record.contains_key("public_key"), "{}", spec.kind);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_imported_or_ignored_is_no_less_sensitive() {
    let play = Play::new();
    let vpc = "vpc main { cidr_block = 10.0.0.0/16 }";
    play.apply(&project(vpc)).await;
    let group = serde_json::json!({
        "VpcId": play.id("vpc.main"), "GroupName": "old", "Description": SECRET,
        "TagSpecifications": [{"ResourceType": "security-group", "Tags": [{"Key": "Secret", "Value": SECRET}]}],
    });
    let id = play.sim.call(&Request::new("CreateSecurityGroup", group)).unwrap()["GroupId"].as_str().unwrap().to_owned();
    let source = |token: &str, more: &str| {
        project(&format!(
            "{vpc}
             import security_group.old from \"{id}\"
             security_group old {{
               vpc = vpc.main
               group_name = \"old\"
               description = sensitive(\"{token}\")
               tags = {{ Secret = sensitive(\"{token}\") }}
               {more}
             }}"
        ))
    };
    let plan = play.plan(&source(SECRET, "")).await;
    assert_eq!(plan.imports.len(), 1);
    assert!(!shown(&plan).contains("description"), "it is what is wanted: {}", shown(&plan));
    holds_none(serde_json::to_string(&plan).unwrap().as_bytes(), &[SECRET], "the plan");
    assert!(play.carry_out(&plan).await.is_success());
    let state = fs::read(play.store.state_path()).unwrap();
    holds_none(&state, &[SECRET], "the state");
    assert!(String::from_utf8_lossy(&state).contains("sealed"));
    let plan = play.plan(&source(SECRET, "")).await;
    assert!(plan.is_empty() && plan.seen.is_empty(), "{}", shown(&plan));
    // Left as EC2 has it, though another one is written.
    let plan = play.plan(&source("another", "lifecycle { ignore = [description, tags] }")).await;
    assert!(plan.is_empty(), "{}", shown(&plan));
    assert!(play.carry_out(&plan).await.is_success());
    holds_none(&fs::read(play.store.state_path()).unwrap(), &[SECRET], "the state");
}

#[test]
fn a_key_pair_takes_no_private_key() {
    let key = "-----BEGIN OPENSSH PRIVATE KEY-----";
    for text in [format!("{key:?}"), format!("sensitive({key:?})")] {
        let source = project(&format!("key_pair ops {{ public_key = {text} }}"));
        let analysis = analyze(vec![("main.secnet".into(), source)], &Inputs::default());
        assert_eq!(analysis.diagnostics.iter().map(|d| d.code.id).collect::<Vec<_>>(), ["E0318"]);
        assert!(!analysis.diagnostics[0].message.contains("BEGIN"));
    }
    assert_eq!(Value::text("x").sensitive().to_string(), "(sensitive)");
}

/// A VPN connection with a key, and whatever is written for it.
fn connection(key: &str) -> String {
    project(&format!(
        "vpc main {{ cidr_block = 10.0.0.0/16 }}
         vpn_gateway office {{ vpc = vpc.main }}
         customer_gateway office {{ ip_address = 203.0.113.9 }}
         vpn_connection office {{
           customer_gateway = customer_gateway.office
           vpn_gateway      = vpn_gateway.office
           {key}
         }}"
    ))
}

#[tokio::test(start_paused = true)]
async fn what_is_secret_by_itself_is_kept_nowhere_whoever_has_made_it() {
    let (play, key) = (Play::new(), format!("pre_shared_key = \"{SECRET}\""));
    // Nobody has called it sensitive.
    let plan = play.plan(&connection(&key)).await;
    holds_none(serde_json::to_string(&plan).unwrap().as_bytes(), &[SECRET], "the plan");
    holds_none(shown(&plan).as_bytes(), &[SECRET], "the plan, as people see it");
    let (progress, _watcher) = mpsc::unbounded_channel();
    let (_stop, asked) = watch::channel(Stop::No);
    let journal = Journal::create(&play.store, &play.lock).unwrap();
    let outcome = execute(&plan, play.state(), journal, play.driver.clone(), Options::default(), progress, asked).await.unwrap();
    assert!(outcome.is_success(), "{:#?}", outcome.failed);
    // EC2 tells the key, and those that it has made, to whoever asks for the connection.
    let told = play.sim.call(&Request::new("DescribeVpnConnections", serde_json::json!({}))).unwrap().to_string();
    assert!(told.contains(SECRET) && told.contains("<pre_shared_key>"), "{told}");
    holds_none(&fs::read(play.store.journal_path()).unwrap(), &[SECRET, "<pre_shared_key>"], "the journal");
    play.store.finish(&play.lock, outcome.state).unwrap();
    holds_none(&fs::read(play.store.state_path()).unwrap(), &[SECRET, "<pre_shared_key>"], "the state");
    assert!(play.plan(&connection(&key)).await.is_empty());
    // Taken out, it stays what it is: EC2 cannot be told to forget it. Another one is another.
    let other = play.plan(&connection("pre_shared_key = sensitive(\"another_key.2\")")).await;
    assert!(shown(&other).contains("pre_shared_key"), "{}", shown(&other));
    holds_none(format!("{other:?}").as_bytes(), &[SECRET, "another_key.2"], "a change");
}
