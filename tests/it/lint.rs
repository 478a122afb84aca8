//! Lints: each where it belongs, and none on the tour.

use secnet::{
    analysis::{Inputs, analyze},
    net::snapshot,
    prove::{
        chart::Chart,
        lint::{lints, unneeded_rules},
        policy::Needs,
    },
};

const TOUR: &str = include_str!("../../examples/secure_server/main.secnet");

/// Codes and the text under the first label.
#[track_caller]
fn lint(text: &str) -> Vec<(String, String)> {
    let analysis = analyze(vec![("main.secnet".into(), text.into())], &Inputs::default());
    assert!(!analysis.has_errors(), "{text}\n{:#?}", analysis.diagnostics);
    let net = secnet::resources::network(&analysis.model);
    let chart = Chart::new(&net);
    let mut found = lints(&chart);
    if analysis.model.requires() {
        found.extend(unneeded_rules(&chart, &analysis.model, &Needs::default()).unwrap_or_default());
    }
    let under = |d: &secnet::base::diagnostic::Diagnostic| d.labels.first().map_or("", |l| analysis.sources.text(l.span)).to_owned();
    found.iter().map(|d| (d.code.id.to_owned(), under(d))).collect()
}

#[track_caller]
fn tour(old: &str, new: &str, wanted: &[(&str, &str)]) {
    assert!(TOUR.contains(old), "{old}");
    let found = lint(&TOUR.replacen(old, new, 1));
    let found: Vec<(&str, &str)> = found.iter().map(|(c, t)| (c.as_str(), t.as_str())).collect();
    assert_eq!(found, wanted);
}

#[test]
fn the_tour_has_none() {
    assert_eq!(lint(TOUR), []);
}

#[test]
fn entries_and_routes_that_never_match() {
    let entry = "  in  100 allow tcp/22         from maintainers\n";
    tour(entry, &format!("{entry}  in  300 deny tcp/22 from 203.0.113.8/32\n"), &[("W0821", "in  300 deny tcp/22 from 203.0.113.8/32")]);
    tour(entry, &format!("{entry}  in  150 deny tcp/22 from 203.0.114.0/24\n"), &[]);
    // Only both together decide what the third would.
    tour(
        entry,
        &format!(
            "{entry}  in 110 deny udp/1-99 from anywhere\n  in 120 deny udp/100-65535 from anywhere\n  in 130 allow udp/50-200 from anywhere\n"
        ),
        &[("W0821", "in 130 allow udp/50-200 from anywhere")],
    );
    let route = "  route anywhere via internet_gateway.main\n";
    tour(
        route,
        "  route 0.0.0.0/0 via internet_gateway.main\n  route 0.0.0.0/1 via internet_gateway.main\n  route 128.0.0.0/1 via internet_gateway.main\n",
        &[("W0822", "route 0.0.0.0/0 via internet_gateway.main")],
    );
}

#[test]
fn rules_that_another_covers() {
    let rule = "  ingress tcp/22 from maintainers   \"maintainers\"\n";
    tour(
        rule,
        &format!("{rule}  ingress tcp/22 from 203.0.113.9/32\n"),
        &[("W0823", "ingress tcp/22 from 203.0.113.9/32"), ("W0828", "ingress tcp/22 from 203.0.113.9/32")],
    );
    let codes = |text: &str| lint(&TOUR.replacen(rule, text, 1)).into_iter().map(|(c, _)| c).collect::<Vec<_>>();
    let wider = codes(&format!("{rule}  ingress tcp/20-30 from maintainers\n"));
    assert_eq!(wider.iter().filter(|c| *c == "W0823").count(), 1, "{wider:?}");
    assert!(!codes(&format!("{rule}  ingress udp/22 from maintainers\n")).contains(&"W0823".to_owned()));
}

#[test]
fn groups_and_rules_without_use() {
    tour("instance server {", "security_group idle { vpc = vpc.main }\ninstance server {", &[("W0824", "security_group idle")]);
    let rule = "  ingress tcp/22 from maintainers   \"maintainers\"\n";
    tour(rule, &format!("{rule}  ingress tcp/80 from 198.51.100.0/24\n"), &[("W0828", "ingress tcp/80 from 198.51.100.0/24")]);
}

#[test]
fn answers_that_an_acl_stops() {
    let found = lint(&TOUR.replace("out 100 allow all            to   anywhere", "out 100 allow tcp/443 to anywhere"));
    assert!(found.contains(&("W0825".into(), "ingress tcp/22 from maintainers   \"maintainers\"".into())), "{found:?}");
}

#[test]
fn public_addresses_and_private_subnets() {
    let found = lint(&TOUR.replace("  route anywhere via internet_gateway.main\n", ""));
    assert!(found.contains(&("W0826".into(), "instance server".into())), "{found:?}");
    let found = lint(&TOUR.replace("subnet.public", "subnet.private").replace("subnet public", "subnet private"));
    assert_eq!(found, [("W0827".to_owned(), "subnet private".to_owned())]);
    let closed = TOUR.replace("subnet.public", "subnet.private").replace("subnet public", "subnet private");
    let closed = closed
        .replace("from maintainers\n  in  200 allow tcp/1024-65535 from anywhere", "from 10.0.0.0/8\n  in  200 allow tcp from 10.0.0.0/8");
    assert!(!lint(&closed).iter().any(|(c, _)| c == "W0827"));
}

#[test]
fn administrative_ports_open_to_everybody() {
    let rule = "ingress tcp/22 from maintainers   \"maintainers\"";
    tour(rule, "ingress tcp/22 from anywhere", &[("W0829", "ingress tcp/22 from anywhere")]);
    let found = lint(&TOUR.replace(rule, &format!("{rule}\n  ingress all from anywhere")));
    assert!(found.contains(&("W0829".into(), "ingress all from anywhere".into())), "{found:?}");
    let found = lint(&TOUR.replace(rule, &format!("{rule}\n  ingress tcp/443 from anywhere")));
    assert!(!found.iter().any(|(c, _)| c == "W0829"), "{found:?}");
}

#[test]
fn machines_in_the_default_group() {
    let net = r#"{
        "Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}],
        "Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24"}],
        "SecurityGroups": [{"GroupId": "sg-1", "GroupName": "default", "VpcId": "vpc-1"}],
        "NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "SubnetId": "subnet-1", "PrivateIpAddress": "10.0.1.4",
            "Groups": [{"GroupId": "sg-1"}], "Attachment": {"InstanceId": "i-1", "Status": "attached"}}]
    }"#;
    let net = snapshot::read("describe.json", net).expect("a snapshot");
    let found = lints(&Chart::new(&net));
    assert_eq!(found.iter().map(|d| d.code.id).collect::<Vec<_>>(), ["W0830"]);
    assert_eq!(found[0].message, "`i-1` carries `sg-1`");
}
