//! Policies: sources in, verdicts and messages out.

use secnet::{
    analysis::{Inputs, analyze},
    prove::{
        chart::Chart,
        policy::{Judged, Outcome, judge},
    },
};

const TOUR: &str = include_str!("../../examples/secure_server/main.secnet");

/// One VPC with a public and a private subnet, an instance in each, and a NAT gateway for the private one.
const TWO_TIERS: &str = r#"
project two_tiers { region = "us-east-1" }
vpc main { cidr_block = 10.0.0.0/16 }
internet_gateway main { vpc = vpc.main }
subnet public  { vpc = vpc.main  cidr_block = 10.0.1.0/24  map_public_ip_on_launch = true }
subnet private { vpc = vpc.main  cidr_block = 10.0.2.0/24 }
elastic_ip nat { }
nat_gateway main { subnet = subnet.public  elastic_ip = elastic_ip.nat }
route_table public  { vpc = vpc.main  subnets = [subnet.public]  route anywhere via internet_gateway.main }
route_table private { vpc = vpc.main  subnets = [subnet.private]  route anywhere via nat_gateway.main }
security_group web {
  vpc = vpc.main
  ingress tcp/443 from anywhere
  egress all to anywhere
}
security_group db {
  vpc = vpc.main
  ingress tcp/5432 from security_group.web
  egress tcp/443 to anywhere
}
instance web { image = "ami-1"  instance_type = "t3.micro"  subnet = subnet.public   security_groups = [security_group.web] }
instance db  { image = "ami-1"  instance_type = "t3.micro"  subnet = subnet.private  security_groups = [security_group.db] }
"#;

struct Proof {
    judged: Vec<Judged>,
    sources: secnet::base::source::Sources,
}

impl Proof {
    fn outcomes(&self) -> Vec<Outcome> {
        self.judged.iter().map(|j| j.outcome).collect()
    }

    /// Every message: its code, its text, and the texts under its labels.
    fn messages(&self) -> Vec<(String, String, Vec<String>)> {
        let all = self.judged.iter().flat_map(|j| &j.diagnostics);
        let labelled = |span| self.sources.text(span).to_owned();
        all.map(|d| {
            (
                d.code.id.to_owned(),
                format!("{} | {}", d.message, d.help.clone().unwrap_or_default()),
                d.labels.iter().map(|l| labelled(l.span)).collect(),
            )
        })
        .collect()
    }
}

#[track_caller]
fn prove(text: &str) -> Proof {
    let analysis = analyze(vec![("main.secnet".into(), text.into())], &Inputs::default());
    assert!(!analysis.has_errors(), "{:#?}", analysis.diagnostics);
    let net = secnet::resources::network(&analysis.model);
    Proof { judged: judge(&Chart::new(&net), &analysis.model), sources: analysis.sources }
}

/// Statements about the two tiers.
#[track_caller]
fn of_two_tiers(statements: &[&str]) -> Proof {
    prove(&format!("{TWO_TIERS}\npolicy p {{\n{}\n}}\n", statements.join("\n")))
}

#[track_caller]
fn all_proven(proof: &Proof) {
    assert!(proof.outcomes().iter().all(|o| *o == Outcome::Proven), "{:?}\n{:#?}", proof.outcomes(), proof.messages());
}

#[test]
fn the_tour_is_proven() {
    let proof = prove(TOUR);
    assert_eq!(proof.judged.len(), 3);
    all_proven(&proof);
    assert!(proof.judged[2].assumptions.iter().any(|a| a.contains("Global Accelerator")));
}

#[test]
fn a_port_opened_to_the_world_refutes_the_tour_and_the_lines_are_shown() {
    let line = "ingress tcp/5432 from anywhere";
    let proof = prove(&TOUR.replace("  egress  all    to   anywhere\n", &format!("  egress  all    to   anywhere\n  {line}\n")));
    assert_eq!(proof.outcomes(), [Outcome::Proven, Outcome::Proven, Outcome::Refuted]);
    let [(code, message, labels)] = &proof.messages()[..] else { panic!("{:#?}", proof.messages()) };
    assert_eq!(code, "E0811");
    assert!(message.contains("the internet reaches `instance.server` with tcp/5432"), "{message}");
    assert!(message.contains("to instance.server's public address:5432"), "{message}");
    assert!(labels.iter().any(|l| l == line), "{labels:#?}");
    assert!(labels.iter().any(|l| l.starts_with("in  200 allow tcp/1024-65535")), "{labels:#?}");
    let hops = proof.judged[2].hops.join("\n");
    assert!(hops.contains("internet_gateway.main") && hops.contains("instance.server"), "{hops}");
}

#[test]
fn a_tour_whose_answers_an_acl_stops_is_refuted_with_the_way_back() {
    let proof = prove(&TOUR.replace("out 100 allow all            to   anywhere", "out 100 allow tcp/443        to   anywhere"));
    assert_eq!(proof.outcomes(), [Outcome::Refuted, Outcome::Proven, Outcome::Proven]);
    let messages = proof.messages();
    assert_eq!(messages[0].0, "E0812");
    assert!(messages[0].1.contains("`203.0.113.0/28` does not reach `instance.server` with tcp/22"), "{messages:#?}");
    assert!(messages[0].1.contains("add `out 110 allow tcp/1024-65535 to 203.0.113.0/28` to `network_acl.public`"), "{messages:#?}");
}

#[test]
fn answers_to_some_client_ports_are_not_enough_and_the_part_that_works_is_told() {
    let proof = prove(&TOUR.replace(
        "out 100 allow all            to   anywhere",
        "out 100 allow tcp/443 to anywhere\n  out 110 allow tcp/1024-5000 to anywhere",
    ));
    assert_eq!(proof.outcomes()[0], Outcome::Refuted);
    assert!(proof.messages()[0].1.contains("it works for client ports 1024-5000 only"), "{:#?}", proof.messages());
    let narrow = TOUR.replace(
        "out 100 allow all            to   anywhere",
        "out 100 allow tcp/443 to anywhere\n  out 110 allow tcp/1024-5000 to anywhere",
    );
    let narrow = narrow.replace("require tcp/22  from maintainers", "require tcp/22 client ports 2000-3000 from maintainers");
    assert_eq!(prove(&narrow).outcomes()[0], Outcome::Proven);
}

#[test]
fn a_missing_rule_is_named_with_the_one_to_add() {
    let proof = prove(&TOUR.replace("  ingress tcp/22 from maintainers   \"maintainers\"\n", ""));
    assert_eq!(proof.outcomes()[0], Outcome::Refuted);
    let (_, message, labels) = &proof.messages()[0];
    assert!(message.contains("add `ingress tcp/22 from 203.0.113.0/28` to `security_group.ssh`"), "{message}");
    assert!(labels.iter().any(|l| l.contains("security_group ssh") || l.contains("ssh")), "{labels:#?}");
}

#[test]
fn two_tiers_do_what_they_should() {
    let proof = of_two_tiers(&[
        "require tcp/443  from internet     to instance.web",
        "require tcp/5432 from instance.web to instance.db",
        "require tcp/443  from instance.db  to internet",
        "forbid  all      from internet     to instance.db",
        "forbid  all      from internet     to subnet.private",
        "forbid  tcp/22   from any          to instance.db",
        "forbid  all      from internet     to instance.web except tcp/443",
        "forbid  tcp/5432 from security_group.db to instance.web except tcp/443",
    ]);
    let outcomes = proof.outcomes();
    assert!(outcomes[..7].iter().all(|o| *o == Outcome::Proven), "{outcomes:?}\n{:#?}", proof.messages());
    // What a group lets out is not what the other lets in, and the last exception takes nothing out.
    assert_eq!(outcomes[7], Outcome::Proven);
    assert_eq!(proof.messages().iter().map(|m| m.0.as_str()).collect::<Vec<_>>(), ["W0815"]);
}

#[test]
fn whatever_could_be_in_a_public_subnet_could_be_reached_from_the_internet() {
    let proof = of_two_tiers(&["forbid tcp/22 from internet to subnet.public", "forbid tcp/5432 from subnet.public to subnet.private"]);
    assert_eq!(proof.outcomes(), [Outcome::Refuted, Outcome::Refuted]);
    assert!(proof.messages()[0].1.contains("whatever is or could be in `subnet.public`"), "{:#?}", proof.messages());
}

#[test]
fn a_nat_gateway_carries_no_other_protocols_and_lets_nothing_in() {
    let proof = of_two_tiers(&["require protocol/50 from instance.db to internet", "forbid all from internet to nat_gateway.main"]);
    assert_eq!(proof.outcomes(), [Outcome::Refuted, Outcome::Proven]);
}

#[test]
fn a_statement_about_nobody_is_no_proof() {
    let text =
        format!("{TWO_TIERS}\nsecurity_group idle {{ vpc = vpc.main }}\npolicy p {{ forbid all from internet to security_group.idle }}\n");
    let proof = prove(&text);
    assert_eq!(proof.outcomes(), [Outcome::Unknown]);
    assert_eq!(proof.messages()[0].0, "E0814");
}

#[test]
fn a_machine_that_forwards_makes_it_unknown() {
    let text = TWO_TIERS.replace("route anywhere via nat_gateway.main", "route anywhere via instance.web");
    let checked = format!("{text}\npolicy p {{ require tcp/443 from instance.db to internet }}\n");
    let proof = prove(&checked);
    assert_eq!(proof.outcomes(), [Outcome::Refuted], "{:#?}", proof.messages());
    let text =
        text.replace("security_groups = [security_group.web] }", "security_groups = [security_group.web]  source_dest_check = false }");
    let proof = prove(&format!("{text}\npolicy p {{ require tcp/443 from instance.db to internet }}\n"));
    assert_eq!(proof.outcomes(), [Outcome::Unknown], "{:#?}", proof.messages());
    assert_eq!(proof.messages()[0].0, "E0813");
}
