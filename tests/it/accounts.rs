//! One project in two accounts and two regions, on the simulator: one plan, one apply, one proof.

use std::{collections::BTreeMap, sync::Arc};

use secnet::{
    apply::{Drivers, refresh},
    base::{address::Address, site::Site},
    call::{Driver, Request},
    plan::{Plan, proof},
    prove::policy::Outcome,
    sim::Sim,
    state::event::Event,
};
use serde_json::json;

use crate::{
    play::{Play, project, shown},
    spec::message as message_of,
};

const NETWORK: &str = "222222222222";

/// The simulator in two accounts and two regions.
struct Two {
    play: Play,
    other: Sim,
    third: Sim,
}

fn two() -> Two {
    let sim = Sim::new("us-east-1");
    let (other, third) = (sim.beside(NETWORK, "eu-west-1").unwrap(), sim.beside(NETWORK, "us-east-1").unwrap());
    let mut play = Play::on(sim);
    let others: BTreeMap<Site, Arc<dyn Driver>> = [&other, &third]
        .map(|sim| {
            let way: Arc<dyn Driver> = Arc::new(sim.beside(sim.account(), sim.region()).unwrap());
            (Site::new(sim.account(), sim.region()), way)
        })
        .into();
    play.through(Arc::new(Drivers::new(play.sim.clone(), others)));
    Two { play, other, third }
}

const ACCOUNTS: &str = "
account network { id = \"222222222222\"  region = \"eu-west-1\"  role = \"arn:aws:iam::222222222222:role/secnet\" }
account near { id = \"222222222222\"  region = \"us-east-1\" }
";

/// Machines on both sides of a peering, and a rule that lets one side's networks in.
const BOTH: &str = "
vpc main { cidr_block = 10.0.0.0/16 }
subnet main { vpc = vpc.main  cidr_block = 10.0.1.0/24 }
route_table main { vpc = vpc.main  subnets = [subnet.main]  route vpc.shared.cidr_block via vpc_peering.ab }
security_group app { vpc = vpc.main  description = \"app\"  egress tcp/5432 to vpc.shared.cidr_block }
instance app { image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.main  security_groups = [security_group.app] }

vpc shared { account = account.network  cidr_block = 10.1.0.0/16 }
subnet shared { vpc = vpc.shared  cidr_block = 10.1.1.0/24 }
route_table shared { vpc = vpc.shared  subnets = [subnet.shared]  route vpc.main.cidr_block via vpc_peering.ab }
security_group db { vpc = vpc.shared  description = \"db\"  ingress tcp/5432 from vpc.main.cidr_block }
instance db { image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.shared  security_groups = [security_group.db] }

vpc_peering ab { vpc = vpc.main  peer_vpc = vpc.shared  requester_dns_resolution = true  accepter_dns_resolution = true  tags = { Name = \"ab\" } }

policy across {
  require tcp/5432 from instance.app to instance.db
  forbid all from internet to instance.db
}
";

fn both() -> String {
    project(&format!("{ACCOUNTS}{BOTH}")).replace("account near { id = \"222222222222\"  region = \"us-east-1\" }\n", "")
}

fn verdicts(plan: &Plan) -> Vec<Outcome> {
    plan.proof.policies.iter().map(|v| v.outcome).collect()
}

#[tokio::test(start_paused = true)]
async fn two_accounts_and_two_regions_in_one_apply() {
    let Two { play, other, .. } = two();
    let plan = play.apply(&both()).await;
    assert_eq!(verdicts(&plan), [Outcome::Proven, Outcome::Proven]);
    let state = play.state();
    let site = |address: &str| state.resources[&Address::parse(address).unwrap()].site.as_ref().map(ToString::to_string);
    assert_eq!(site("instance.db").as_deref(), Some("222222222222/eu-west-1"));
    assert_eq!((site("instance.app"), site("vpc_peering.ab")), (None, None));
    // Each side has the peering, active, with its own option and the same tags.
    let read = |sim: &Sim| sim.call(&Request::new("DescribeVpcPeeringConnections", json!({}))).unwrap();
    let (ours, theirs) = (read(&play.sim), read(&other));
    for (side, own) in [(&ours, "RequesterVpcInfo"), (&theirs, "AccepterVpcInfo")] {
        let peering = &side["VpcPeeringConnections"][0];
        assert_eq!(peering["Status"]["Code"], "active");
        assert_eq!(peering[own]["PeeringOptions"]["AllowDnsResolutionFromRemoteVpc"], true);
        assert_eq!(peering["AccepterVpcInfo"]["OwnerId"], NETWORK);
    }
    assert_eq!(ours["VpcPeeringConnections"][0]["Tags"], theirs["VpcPeeringConnections"][0]["Tags"]);
    // Images differ by account and region, and so do what stands there.
    assert_eq!((play.sim.calls("RunInstances"), other.calls("RunInstances")), (1, 1));
    // A drift over there is seen.
    let group = play.id("security_group.db");
    let rule = json!([{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]);
    other.call(&Request::new("AuthorizeSecurityGroupIngress", json!({"GroupId": group, "IpPermissions": rule}))).unwrap();
    assert_eq!(shown(&play.plan(&both()).await), "~ security_group.db\n    - ingress tcp/22 from 0.0.0.0/0 (foreign)");
    play.apply(&both()).await;
    let gone = project(ACCOUNTS);
    let plan = play.plan(&gone).await;
    assert!(play.carry_out(&plan).await.is_success());
    assert_eq!((play.state().resources.len(), other.world(|w| w.calls["DeleteVpc"])), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_rule_names_a_group_of_another_account_in_the_same_region() {
    let Two { play, third, .. } = two();
    let source = project(&format!(
        "{ACCOUNTS}
        vpc main {{ cidr_block = 10.0.0.0/16 }}
        vpc near {{ cidr_block = 10.1.0.0/16  account = account.near }}
        vpc_peering ab {{ vpc = vpc.main  peer_vpc = vpc.near }}
        security_group app {{ vpc = vpc.main  description = \"app\"  egress tcp/5432 to security_group.db }}
        security_group db {{ vpc = vpc.near  description = \"db\"  ingress tcp/5432 from security_group.app }}
        "
    ));
    play.apply(&source).await;
    let listed = third.call(&Request::new("DescribeSecurityGroups", json!({"GroupIds": [play.id("security_group.db")]}))).unwrap();
    let pair = &listed["SecurityGroups"][0]["IpPermissions"][0]["UserIdGroupPairs"][0];
    assert_eq!((&pair["UserId"], &pair["PeeringStatus"]), (&json!("123456789012"), &json!("active")));
    play.apply(&project(ACCOUNTS)).await;
}

#[tokio::test(start_paused = true)]
async fn what_an_interrupted_apply_has_left_elsewhere_is_found_there() {
    let Two { play, other, .. } = two();
    let source = project(&format!("{ACCOUNTS}vpc shared {{ account = account.network  cidr_block = 10.1.0.0/16 }}\n"));
    let plan = play.plan(&source).await;
    // The call was sent and carried out, and then the process died.
    let (state, site) = (play.state(), Some(Site::new(NETWORK, "eu-west-1")));
    let (lineage, serial, operation) = (state.lineage.clone(), state.serial, "0123456789abcdef0123456789abcdef".to_owned());
    let (task, call, action) = (0, 0, "CreateVpc".to_owned());
    let tags = json!([{"ResourceType": "vpc", "Tags": [{"Key": "secnet:id", "Value": operation}]}]);
    other.call(&Request::new("CreateVpc", json!({"CidrBlock": "10.1.0.0/16", "TagSpecifications": tags}))).unwrap();
    let what = Some(plan.tasks[0].what.clone());
    let events = [
        Event::Begin { lineage, serial, account: None, region: "us-east-1".into(), at: 0 },
        Event::Intent { task, call, action, operation, what, site: site.clone() },
    ];
    assert_eq!(plan.tasks[0].calls[0].site, site);
    let (state, found) = secnet::apply::recover::recover(&*play.driver, state, &events).await.unwrap();
    assert_eq!(found.len(), 1);
    let made = &state.resources[&Address::new("vpc", "shared")];
    assert_eq!(made.site, site);
    play.store.write(&play.lock, state).unwrap();
    assert_eq!(shown(&play.plan(&source).await).lines().next(), Some("~ vpc.shared"), "it stands, and lacks tags alone");
}

#[tokio::test(start_paused = true)]
async fn nothing_moves_to_another_account_or_region() {
    let Two { play, .. } = two();
    let source = |account: &str| project(&format!("{ACCOUNTS}vpc shared {{ account = account.{account}  cidr_block = 10.1.0.0/16 }}\n"));
    play.apply(&source("network")).await;
    let wrong = play.try_plan(&source("near")).await.unwrap_err();
    assert_eq!(wrong, ["`vpc.shared` stands in `222222222222/eu-west-1`, and the project puts it into `222222222222/us-east-1`"]);
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_opens_the_other_side_refutes_a_policy() {
    let Two { play, .. } = two();
    let open = both().replace("ingress tcp/5432 from vpc.main.cidr_block", "ingress all from vpc.main.cidr_block").replace(
        "forbid all from internet to instance.db",
        "forbid tcp/22 from instance.app to instance.db\n  require tcp/5432 from instance.app to instance.db",
    );
    let open = open.replace("egress tcp/5432 to vpc.shared.cidr_block", "egress all to vpc.shared.cidr_block");
    assert_eq!(verdicts(&play.plan(&open).await), [Outcome::Proven, Outcome::Refuted, Outcome::Proven]);
    let half = both().replace("  route vpc.main.cidr_block via vpc_peering.ab", "");
    assert_eq!(verdicts(&play.plan(&half).await)[0], Outcome::Refuted);
    // What stands and what is wanted are one network each, with regions told apart.
    play.apply(&both()).await;
    let analysis = secnet::analysis::analyze(vec![("main.secnet".into(), both())], &secnet::analysis::Inputs::default());
    let state = play.state();
    let observation = refresh::refresh(&*play.driver, &analysis.model, &state).await.unwrap();
    let input = secnet::plan::Input { model: &analysis.model, state: &state, observation: &observation, sources: None };
    let (stands, wanted) = proof::networks_of(&input).unwrap();
    for net in [stands, wanted] {
        let at = |id: &str| net.vpcs.iter().find(|v| v.id.as_str() == id).map(|v| v.region.to_string());
        assert_eq!((at("vpc.main").as_deref(), at("vpc.shared").as_deref()), (Some("us-east-1"), Some("eu-west-1")));
    }
}

#[tokio::test]
async fn credentials_of_another_account_are_refused_before_anything_is_asked() {
    let Two { mut play, .. } = two();
    let source = both();
    let model = secnet::analysis::analyze(vec![("main.secnet".into(), source.clone())], &secnet::analysis::Inputs::default());
    // The profile or the role of the block leads to a third account.
    let stranger = play.sim.beside("333333333333", "eu-west-1").unwrap();
    let way: Arc<dyn Driver> = Arc::new(play.sim.beside("333333333333", "eu-west-1").unwrap());
    play.through(Arc::new(Drivers::new(play.sim.clone(), [(Site::new(NETWORK, "eu-west-1"), way)].into())));
    let refused = secnet::cli::outside::check_accounts(&*play.driver, &model.model.project, Some("123456789012")).await.unwrap_err();
    let place = message_of(&refused, &model.sources);
    let wanted = "error E0410: the credentials are for account `333333333333`, and `account.network` belongs to account `222222222222`\n";
    assert!(place.starts_with(wanted), "{place}");
    assert!(place.contains("this account") && place.contains("use credentials of account `222222222222`"), "{place}");
    let asked: Vec<String> = stranger.all_calls().into_keys().collect();
    assert_eq!(asked, ["GetCallerIdentity"], "nothing but whose it is");
    // Those of the right one are let in, and the same account and region as the project's own is no other.
    let Two { play, .. } = two();
    let check = |own| secnet::cli::outside::check_accounts(&*play.driver, &model.model.project, own);
    assert_eq!(check(Some("123456789012")).await, Ok(()));
    let near = project(ACCOUNTS);
    let near = secnet::analysis::analyze(vec![("main.secnet".into(), near)], &secnet::analysis::Inputs::default());
    let twice = secnet::cli::outside::check_accounts(&*play.driver, &near.model.project, Some(NETWORK)).await.unwrap_err();
    assert_eq!(twice.message, "`222222222222/us-east-1` has a name already");
}

/// EC2's buckets are of an account in a Region: what is refused in one holds nothing up in another.
#[tokio::test(start_paused = true)]
async fn each_account_and_region_has_a_pace_of_its_own() {
    let groups = |site: &str, name: &str| {
        let vpc = format!("vpc {name} {{ {site}  cidr_block = 10.0.0.0/16 }}\n");
        format!("{vpc}security_group {name} for n in range(150) {{ vpc = vpc.{name}  description = \"{name}\" }}\n")
    };
    let (here, there) = (groups("", "here"), groups("account = account.network", "there"));
    let mut times = vec![];
    for body in [here.clone(), there.clone(), format!("{here}{there}")] {
        let Two { play, other, .. } = two();
        play.sim.throttle();
        other.throttle();
        let plan = play.plan(&project(&format!("{ACCOUNTS}{body}"))).await;
        let started = tokio::time::Instant::now();
        let outcome = play.carry_out_with(&plan, 100).await;
        assert!(outcome.is_success(), "{:?}", outcome.failed);
        times.push(started.elapsed().as_secs_f64());
    }
    let alone = times[0].max(times[1]);
    // Of 150 calls 50 go at once, and five each second after that.
    assert!((18.0..30.0).contains(&alone), "{times:?}");
    assert!(times[2] < alone * 1.25, "both together take as long as the slower one: {times:?}");
}

/// Block Public Access is a switch of one account in one region: it closes nothing elsewhere, whoever has thrown it.
#[tokio::test(start_paused = true)]
async fn the_switch_of_one_account_closes_nothing_in_another() {
    let open = |account: &str, name: &str| {
        format!(
            "vpc {name} {{ {account}  cidr_block = 10.0.0.0/16 }}
            internet_gateway {name} {{ vpc = vpc.{name} }}
            subnet {name} {{ vpc = vpc.{name}  cidr_block = 10.0.1.0/24 }}
            route_table {name} {{ vpc = vpc.{name}  subnets = [subnet.{name}]  route anywhere via internet_gateway.{name} }}
            security_group {name} {{ vpc = vpc.{name}  description = \"open\"  ingress tcp/22 from anywhere }}
            instance {name} {{ image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.{name}
              security_groups = [security_group.{name}]  associate_public_ip_address = true }}
            policy {name} {{ forbid tcp/22 from internet to instance.{name} }}\n"
        )
    };
    let both = format!("{ACCOUNTS}{}{}", open("account = account.near", "near"), open("", "own"));
    let near_first = [Outcome::Proven, Outcome::Refuted];
    // Written: in the other account of the same region, then in the project's own.
    let two = two();
    let switch = |account: &str| format!("block_public_access b {{ {account}  internet_gateway_block_mode = \"block-ingress\" }}\n");
    let plan = two.play.plan(&project(&format!("{both}{}", switch("account = account.near")))).await;
    assert_eq!(verdicts(&plan), near_first);
    let plan = two.play.plan(&project(&format!("{both}{}", switch("")))).await;
    assert_eq!(verdicts(&plan), [Outcome::Refuted, Outcome::Proven]);
    assert_eq!(verdicts(&two.play.plan(&project(&both)).await), [Outcome::Refuted, Outcome::Refuted]);
    // Thrown by somebody else's hand, and read, once there is a VPC of the project's to be read about.
    let vpcs =
        format!("{ACCOUNTS}vpc near {{ account = account.near  cidr_block = 10.0.0.0/16 }}\nvpc own {{ cidr_block = 10.0.0.0/16 }}\n");
    two.play.apply(&project(&vpcs)).await;
    two.third.call(&Request::new("ModifyVpcBlockPublicAccessOptions", json!({"InternetGatewayBlockMode": "block-ingress"}))).unwrap();
    assert_eq!(verdicts(&two.play.plan(&project(&both)).await), near_first);
    // The project's own switch is another one: the other account's stays as it is.
    let plan = two.play.plan(&project(&format!("{both}{}", switch("")))).await;
    assert_eq!(verdicts(&plan), [Outcome::Proven, Outcome::Proven]);
}
