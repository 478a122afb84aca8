//! Proofs about IPv6 networks that AWS has yet to choose.

use secnet::{
    analysis::{Inputs, analyze},
    prove::{
        chart::Chart,
        policy::{CHOICE_V6, Judged, Outcome, judge},
    },
};

const EXAMPLE: &str = include_str!("../../examples/ipv6_only/main.secnet");

#[track_caller]
fn prove(text: &str) -> Vec<Judged> {
    let analysis = analyze(vec![("main.secnet".into(), text.into())], &Inputs::default());
    assert!(!analysis.has_errors(), "{text}\n{:#?}", analysis.diagnostics);
    let net = secnet::resources::network(&analysis.model);
    judge(&Chart::new(&net), &analysis.model)
}

#[track_caller]
fn with(old: &str, new: &str) -> Vec<Judged> {
    assert!(EXAMPLE.contains(old), "{old}");
    prove(&EXAMPLE.replace(old, new))
}

fn outcomes(judged: &[Judged]) -> Vec<Outcome> {
    judged.iter().map(|j| j.outcome).collect()
}

#[test]
fn what_lies_in_nobodys_space_needs_no_assumption() {
    let judged = prove(EXAMPLE);
    assert_eq!(outcomes(&judged), [Outcome::Proven; 5]);
    assert!(judged.iter().all(|j| !j.assumptions.contains(&CHOICE_V6)));
}

#[test]
fn a_network_of_somebody_else_is_an_assumption() {
    let judged = with("2001:db8:7::/48", "2a02:8388:7::/48");
    assert_eq!(outcomes(&judged), [Outcome::Proven; 5]);
    assert!(judged.iter().all(|j| j.assumptions.contains(&CHOICE_V6)), "{judged:#?}");
}

#[test]
fn where_aws_may_choose_nothing_is_proved() {
    let judged = with("2001:db8:7::/48", "2600:1f18:7::/48");
    assert_eq!(outcomes(&judged), [Outcome::Unknown; 5]);
    let judged = with("  egress  tcp/22 to   security_group.worker\n", "  egress  tcp/22 to   2600::/12\n");
    assert!(judged.iter().all(|j| j.outcome != Outcome::Proven), "{judged:#?}");
}

#[test]
fn a_group_that_lets_all_in_is_seen_over_ipv6() {
    let judged = with("  egress  tcp/443 to   ::/0\n", "  egress  tcp/443 to   ::/0\n  ingress tcp/443 from anywhere\n");
    assert_eq!(judged.last().map(|j| j.outcome), Some(Outcome::Refuted), "{judged:#?}");
}

#[test]
fn giving_a_vpc_ipv6_widens_anywhere() {
    let text = EXAMPLE.replace("  egress  tcp/443 to   ::/0\n", "  egress  tcp/443 to   anywhere\n");
    assert_eq!(outcomes(&prove(&text)), [Outcome::Proven; 5]);
}
