//! Who owns what AWS gives by itself and what others have added, on the simulator.

use secnet::{
    analysis::{Inputs, analyze},
    call::Request,
    plan::Plan,
    prove::{
        chart::Chart,
        policy::{Outcome, judge},
    },
    resources::network,
};
use serde_json::{Value as Json, json};

use crate::play::{Play, project, shown};

fn send(play: &Play, action: &str, params: Json) -> Json {
    play.sim.call(&Request::new(action, params)).unwrap_or_else(|e| panic!("{action}: {e}"))
}

fn outcomes(plan: &Plan) -> Vec<Outcome> {
    plan.proof.policies.iter().map(|v| v.outcome).collect()
}

/// A database that nobody reaches from the internet; `{keep}` stands in its group, table and ACL.
fn database(keep: &str) -> String {
    let text = r#"
vpc main { cidr_block = 10.0.0.0/16 }
internet_gateway main { vpc = vpc.main }
subnet db { vpc = vpc.main  cidr_block = 10.0.1.0/24  map_public_ip_on_launch = true }
route_table db {
  vpc = vpc.main
  subnets = [subnet.db]
  {keep}
  route anywhere via internet_gateway.main
}
network_acl db {
  vpc = vpc.main
  subnets = [subnet.db]
  {keep}
  in  100 allow all from anywhere
  out 100 allow all to anywhere
}
security_group db { vpc = vpc.main  {keep}  ingress tcp/5432 from 10.0.0.0/16 }
instance db { image = ami("al2023")  instance_type = "t3.micro"  subnet = subnet.db  security_groups = [security_group.db] }
policy closed { forbid all from internet to instance.db }
"#;
    project(&text.replace("{keep}", keep))
}

#[tokio::test(start_paused = true)]
async fn rules_of_others_that_are_kept_are_proved_with() {
    let play = Play::new();
    let source = database("foreign_rules = \"keep\"");
    assert_eq!(outcomes(&play.apply(&source).await), [Outcome::Proven], "nobody can have added anything to what is not there yet");
    let group = play.id("security_group.db");
    let rule = json!([{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]);
    send(&play, "AuthorizeSecurityGroupIngress", json!({"GroupId": group, "IpPermissions": rule}));
    let plan = play.plan(&source).await;
    assert_eq!(plan.notes, ["security_group.db keeps what somebody else has put there: `ingress tcp/22 from 0.0.0.0/0`"]);
    assert_eq!((shown(&plan).as_str(), outcomes(&plan)), ("", vec![Outcome::Refuted]));
    // Without the word it goes, and the policy holds.
    let plan = play.plan(&database("")).await;
    assert_eq!(shown(&plan), "~ security_group.db\n    - ingress tcp/22 from 0.0.0.0/0 (foreign)");
    assert_eq!(outcomes(&plan), [Outcome::Proven]);
}

#[tokio::test(start_paused = true)]
async fn rules_of_others_that_nobody_has_read_are_never_taken_for_none() {
    let proved = |source: &str| {
        let model = analyze(vec![("main.secnet".into(), source.into())], &Inputs::default()).model;
        let net = network(&model);
        judge(&Chart::new(&net), &model).iter().map(|j| j.outcome).collect::<Vec<_>>()
    };
    assert_eq!(proved(&database("")), [Outcome::Proven]);
    assert_eq!(proved(&database("foreign_rules = \"keep\"")), [Outcome::Unknown]);
}
