//! What becomes reachable, what stops being so, and what the internet reaches: sources in, flows out.

use secnet::{
    analysis::{Inputs, analyze},
    net::Net,
    prove::{
        chart::Chart,
        reach::{Delta, Flow, delta, exposure},
    },
};

const TOUR: &str = include_str!("../../examples/secure_server/main.secnet");

#[track_caller]
fn net(text: &str) -> Net {
    let analysis = analyze(vec![("main.secnet".into(), text.into())], &Inputs::default());
    assert!(!analysis.has_errors(), "{:#?}", analysis.diagnostics);
    secnet::resources::network(&analysis.model)
}

#[track_caller]
fn change(before: &str, after: &str) -> Delta {
    let before = if before.is_empty() { Net::default() } else { net(before) };
    let after = if after.is_empty() { Net::default() } else { net(after) };
    delta(&Chart::new(&before), &Chart::new(&after))
}

/// `203.0.113.0/28 of the internet -> instance.server: tcp/22`
fn short(flow: &Flow) -> String {
    let outside = |networks: &[String], name: &str| {
        if networks.is_empty() { name.to_owned() } else { format!("{} of {name}", networks.join(", ")) }
    };
    let (from, to) = (outside(&flow.sources, &flow.from), outside(&flow.destinations, &flow.to));
    let doubt = flow.doubt.as_ref().map_or(String::new(), |d| format!(" ? {d}"));
    let one_way = if flow.answered || flow.doubt.is_some() { "" } else { " one way" };
    format!("{from} -> {to}: {}{one_way}{doubt}", flow.service)
}

fn shorts(flows: &[Flow]) -> Vec<String> {
    flows.iter().map(short).collect()
}

fn lines(flow: &Flow) -> Vec<String> {
    flow.lines.iter().map(|l| format!("{}{}: {}", if l.answer { "back " } else { "" }, l.of, l.text)).collect()
}

#[test]
fn the_tour_makes_reachable_what_it_says() {
    let delta = change("", TOUR);
    assert_eq!(
        shorts(&delta.added),
        [
            "203.0.113.0/28 of the internet -> instance.server: tcp/22",
            "instance.server -> 0.0.0.0/0 of the internet: tcp",
            "instance.server -> 0.0.0.0/0 of the internet: icmp that asks for no answer",
        ]
    );
    assert!(delta.removed.is_empty() && delta.unknown.is_empty(), "{delta:#?}");
    assert_eq!(
        lines(&delta.added[0]),
        [
            "network_acl.public: in 100 allow tcp/22 from 203.0.113.0/28",
            "security_group.ssh: ingress tcp/22 from 203.0.113.0/28",
            "back network_acl.public: out 100 allow all to 0.0.0.0/0",
            "back route_table.public: route via internet_gateway.main",
        ]
    );
    let back = change(TOUR, "");
    assert_eq!((shorts(&back.removed), back.added.len(), back.unknown.len()), (shorts(&delta.added), 0, 0));
    assert_eq!(change(TOUR, TOUR).added, []);
}

#[test]
fn a_port_opened_to_the_world_is_added_with_both_lines() {
    let rule = "ingress tcp/5432 from anywhere";
    let entry = "in  150 allow tcp/5432 from anywhere";
    let open = TOUR
        .replace("  egress  all    to   anywhere\n", &format!("  egress  all    to   anywhere\n  {rule}\n"))
        .replace("  in  200 allow tcp/1024-65535", &format!("  {entry}\n  in  200 allow tcp/1024-65535"));
    let delta = change(TOUR, &open);
    assert_eq!(shorts(&delta.added), ["0.0.0.0/0 of the internet -> instance.server: tcp/5432"]);
    assert!(delta.removed.is_empty() && delta.unknown.is_empty(), "{delta:#?}");
    let lines = lines(&delta.added[0]);
    assert_eq!(
        lines[..2],
        ["network_acl.public: in 150 allow tcp/5432 from 0.0.0.0/0", "security_group.ssh: ingress tcp/5432 from 0.0.0.0/0"]
    );
}

#[test]
fn the_internet_reaches_the_tour_by_ssh_only() {
    let net = net(TOUR);
    assert_eq!(shorts(&exposure(&Chart::new(&net))), ["203.0.113.0/28 of the internet -> instance.server: tcp/22"]);
}
