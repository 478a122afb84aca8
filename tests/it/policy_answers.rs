//! Answers that teach: edits that are offered, made in the sources and proved again.

use secnet::{
    analysis::{Inputs, analyze},
    base::diagnostic::{Diagnostic, Severity},
    prove::{
        chart::Chart,
        policy::{Judged, Outcome, judge},
    },
};

const TOUR: &str = include_str!("../../examples/secure_server/main.secnet");

#[track_caller]
fn prove(text: &str) -> Vec<Judged> {
    let analysis = analyze(vec![("main.secnet".into(), text.into())], &Inputs::default());
    assert!(!analysis.has_errors(), "{text}\n{:#?}", analysis.diagnostics);
    let net = secnet::resources::network(&analysis.model);
    judge(&Chart::new(&net), &analysis.model)
}

/// A text with the edits of one message made.
fn edited(text: &str, diagnostic: &Diagnostic) -> String {
    let mut edits = diagnostic.fixes.clone();
    edits.sort_by_key(|e| std::cmp::Reverse(e.span.start()));
    edits.iter().fold(text.to_owned(), |mut text, e| {
        text.replace_range(e.span.start()..e.span.end(), &e.replacement);
        text
    })
}

/// Makes the edits that a refuted statement offers, once: then everything must be proven. Gives the text.
#[track_caller]
fn mends(text: &str) -> String {
    let judged = prove(text);
    let refuted: Vec<&Judged> = judged.iter().filter(|j| j.outcome != Outcome::Proven).collect();
    let [one] = refuted[..] else { panic!("{judged:#?}") };
    assert_eq!(one.outcome, Outcome::Refuted, "{one:#?}");
    let error = one.diagnostics.iter().find(|d| d.severity == Severity::Error).expect("a refuted statement is an error");
    assert!(!error.fixes.is_empty(), "{one:#?}");
    let text = edited(text, error);
    let again = prove(&text);
    let mended = again.iter().all(|j| j.outcome == Outcome::Proven);
    assert!(mended, "{text}\n{:#?}", again.iter().flat_map(|j| &j.diagnostics).map(|d| (&d.message, &d.help)).collect::<Vec<_>>());
    text
}

#[track_caller]
fn tour_without(old: &str, new: &str) -> String {
    assert!(TOUR.contains(old), "{old}");
    TOUR.replace(old, new)
}

#[test]
fn a_missing_rule_is_added_to_the_group() {
    let text = mends(&tour_without("  ingress tcp/22 from maintainers   \"maintainers\"\n", ""));
    assert!(text.contains("ingress tcp/22 from 203.0.113.0/28"), "{text}");
    let text = mends(&tour_without("  egress  all    to   anywhere\n", ""));
    assert!(text.contains("egress tcp/443 to anywhere"), "{text}");
}

#[test]
fn entries_of_an_acl_are_added_with_free_numbers_before_what_denies() {
    let text = mends(&tour_without("  in  100 allow tcp/22         from maintainers\n", ""));
    assert!(text.contains("allow tcp/22 from 203.0.113.0/28"), "{text}");
    let text = mends(&tour_without("in  100 allow tcp/22  ", "in  90 deny tcp/22 from anywhere\n  in  100 allow tcp/22  "));
    assert!(text.contains("in 80 allow tcp/22 from 203.0.113.0/28"), "{text}");
    let text = mends(&tour_without("out 100 allow all            to   anywhere", "out 100 allow tcp/443 to anywhere"));
    assert!(text.contains("out 110 allow tcp/1024-65535 to 203.0.113.0/28"), "{text}");
    mends(&tour_without("  in  200 allow tcp/1024-65535 from anywhere", "  in  200 allow tcp/1024-5000 from anywhere"));
}

#[test]
fn a_missing_route_is_added() {
    let narrow = "policy p { require tcp/443 from instance.server to internet }";
    let text = TOUR.split("policy private_server").next().unwrap().replace("  route anywhere via internet_gateway.main\n", "");
    let text = mends(&format!("{text}{narrow}\n"));
    assert!(text.contains("route anywhere via internet_gateway.main"), "{text}");
}

#[test]
fn a_table_is_added_where_a_subnet_has_only_the_one_that_aws_makes() {
    let whole = TOUR.split("policy private_server").next().unwrap();
    let (before, rest) = whole.split_once("route_table public {").unwrap();
    let (_, after) = rest.split_once("}\n").unwrap();
    let text = mends(&format!("{before}{after}policy p {{ require tcp/443 from instance.server to internet }}\n"));
    assert!(text.contains("route_table public {"), "{text}");
}

#[test]
fn everything_in_the_way_is_told_at_once_and_mended_at_once() {
    let text = tour_without("  ingress tcp/22 from maintainers   \"maintainers\"\n", "")
        .replace("  in  100 allow tcp/22         from maintainers\n", "")
        .replace("out 100 allow all            to   anywhere", "out 100 allow tcp/443 to anywhere")
        .replace("  map_public_ip_on_launch = true\n", "");
    let text = text.replace("  require tcp/443 from instance.server to internet\n", "");
    let judged = prove(&text);
    let error = &judged[0].diagnostics[0];
    let labels: Vec<&str> = error.labels.iter().map(|l| l.text.as_str()).collect();
    for wanted in ["ENI_SG_RULES_MISMATCH", "SUBNET_ACL_RESTRICTION", "on the way back"] {
        let told = labels.iter().any(|l| l.contains(wanted)) || error.help.as_ref().is_some_and(|h| h.contains(wanted));
        assert!(told || wanted == "ENI_SG_RULES_MISMATCH" && labels.iter().any(|l| l.contains("SG_HAS_NO_RULES")), "{wanted}: {error:#?}");
    }
    let text = mends(&text);
    assert!(text.contains("associate_public_ip_address = true"), "{text}");
}

#[test]
fn a_group_is_named_where_the_other_side_has_one() {
    let text = r#"
project tiers { region = "us-east-1" }
vpc main { cidr_block = 10.0.0.0/16 }
subnet a { vpc = vpc.main  cidr_block = 10.0.1.0/24 }
subnet b { vpc = vpc.main  cidr_block = 10.0.2.0/24 }
security_group web {
  vpc = vpc.main
  egress all to anywhere
}
security_group db { vpc = vpc.main  description = "rows" }
instance web { image = "ami-1"  instance_type = "t3.micro"  subnet = subnet.a  security_groups = [security_group.web] }
instance db  { image = "ami-1"  instance_type = "t3.micro"  subnet = subnet.b  security_groups = [security_group.db] }
policy p { require tcp/5432,6432 from instance.web to instance.db }
"#;
    let text = mends(text);
    assert!(text.contains("ingress tcp/5432,6432 from security_group.web"), "{text}");
}

#[test]
fn a_private_machine_gets_out_by_the_nat_gateway_there_is() {
    let text = r#"
project tiers { region = "us-east-1" }
vpc main { cidr_block = 10.0.0.0/16 }
internet_gateway main { vpc = vpc.main }
subnet public  { vpc = vpc.main  cidr_block = 10.0.1.0/24 }
subnet private { vpc = vpc.main  cidr_block = 10.0.2.0/24 }
elastic_ip nat { }
nat_gateway main { subnet = subnet.public  elastic_ip = elastic_ip.nat }
route_table public {
  vpc = vpc.main
  subnets = [subnet.public]
  route anywhere via internet_gateway.main
}
route_table private { vpc = vpc.main  subnets = [subnet.private] }
security_group db {
  vpc = vpc.main
  egress tcp/80 to anywhere
}
instance db  { image = "ami-1"  instance_type = "t3.micro"  subnet = subnet.private  security_groups = [security_group.db] }
policy p { require tcp/443 from instance.db to internet }
"#;
    let text = mends(text);
    assert!(text.contains("route anywhere via nat_gateway.main") && text.contains("egress tcp/443 to anywhere"), "{text}");
}

#[test]
fn a_refuted_forbid_tells_every_flow_and_the_way_there_and_back() {
    let judged = prove(
        &TOUR
            .replace("  egress  all    to   anywhere\n", "  egress  all    to   anywhere\n  ingress tcp/[1] from anywhere\n")
            .replace("tcp/[1]", "tcp/5432,6432"),
    );
    let one = &judged[2];
    assert_eq!(one.outcome, Outcome::Refuted);
    assert_eq!(one.flows.len(), 1);
    assert_eq!(one.flows[0].services, ["tcp/5432", "tcp/6432"]);
    let way = one.hops.join("\n");
    assert!(way.contains("and back:") && way.contains("network_acl.public: out 100 allow all to 0.0.0.0/0"), "{way}");
    let help = one.diagnostics[0].help.clone().unwrap_or_default();
    assert!(help.contains("its answer gets back"), "{help}");
}
