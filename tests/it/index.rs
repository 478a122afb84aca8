//! What the prover looks up is what it would find if it looked at everything: interfaces by where they are, conflicts of
//! statements by whom they are about, lines by what judging has met.

use secnet::{
    base::{cidr::Family, diagnostic::Diagnostic, span::Span},
    net::*,
    prove::{
        chart::Chart,
        packet::Range,
        policy::{Judged, Needs, Outcome, conflict, judge_on, needed_lines, with_conflicts},
    },
    schema::{
        model::{Model, Policy, Statement},
        value::Value,
    },
};

use super::random::{Dice, cidr, id, networks, random_net, seed, service, tell};

const NETWORKS: [&str; 12] = [
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.0.1.0/24",
    "10.0.1.0/28",
    "10.1.0.0/16",
    "10.2.1.128/25",
    "172.16.0.0/12",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "203.0.113.9/32",
    "2001:db8::/32",
    "2001:db8:0:1::/64",
];

/// A network in which some interfaces have yet to get their addresses, and some of what is named may be missing.
fn ragged_net(dice: &mut Dice) -> Net {
    let mut net = random_net(dice);
    for interface in &mut net.interfaces {
        let home = net.subnets.iter().find(|s| s.id == interface.subnet);
        for address in &mut interface.addresses {
            let wide = home.and_then(|s| s.cidrs.iter().find(|c| c.family() == address.private.family()));
            match dice.below(6) {
                0 | 1 => address.private = wide.copied().unwrap_or(address.private),
                2 if address.private.family() == Family::V4 => address.private = cidr("10.0.0.0/9"),
                3 if address.public.is_some() => address.public = Some(Public::Chosen),
                _ => {}
            }
        }
    }
    match dice.below(8) {
        0 => drop(net.vpcs.remove(dice.below(net.vpcs.len()))),
        1 => drop(net.subnets.remove(dice.below(net.subnets.len()))),
        _ => {}
    }
    net
}

/// The interfaces that a scan of all finds in a VPC or subnet, or with a group.
fn scanned(net: &Net, id: &Id) -> Vec<usize> {
    let vpc = |i: &Interface| net.subnets.iter().find(|s| s.id == i.subnet).map(|s| &s.vpc);
    let known = net.vpcs.iter().any(|v| v.id == *id);
    let means = |i: &Interface| i.subnet == *id || i.groups.contains(id) || (known && vpc(i) == Some(id));
    (0..net.interfaces.len()).filter(|i| means(&net.interfaces[*i])).collect()
}

#[test]
fn interfaces_are_looked_up_as_a_scan_of_all_would_find_them() {
    let (first, mut found, mut part) = (seed() + 5_000_000, 0usize, 0usize);
    for n in 0..networks().div_ceil(4) {
        let mut dice = Dice(first + n);
        let (before, mut net) = (random_net(&mut Dice(first + n)), ragged_net(&mut dice));
        // One that carries a group twice, and one whose public address another has, too.
        if let [one, .., other] = net.interfaces.as_mut_slice() {
            one.groups.extend(one.groups.first().cloned());
            if let (Some(a), Some(b)) = (one.addresses.first(), other.addresses.first_mut()) {
                b.public = a.public.or(b.public);
            }
        }
        let chart = Chart::new(&net);
        let ids = before.vpcs.iter().map(|v| &v.id).chain(before.subnets.iter().map(|s| &s.id));
        let ids: Vec<&Id> =
            ids.chain(before.security_groups.iter().map(|g| &g.id)).chain(net.interfaces.iter().flat_map(|i| &i.groups)).collect();
        for id in ids.into_iter().chain([&id("sg-nowhere")]) {
            let looked_up = chart.interfaces_at(id);
            assert_eq!(looked_up, scanned(&net, id), "seed {}: {id}", first + n);
            found += looked_up.len();
        }
        for network in NETWORKS.map(cidr) {
            let (family, whole) = (network.family(), Range::of(network));
            let within = |i: &usize| {
                chart.interfaces[*i].addresses.iter().any(|a| {
                    (a.family == family && a.range.meet(whole).is_some())
                        || (family == Family::V4 && a.public.is_some_and(|p| whole.has(p)))
                })
            };
            let all: Vec<usize> = (0..chart.interfaces.len()).filter(within).collect();
            assert_eq!(chart.interfaces_within(family, whole), all, "seed {}: {network}", first + n);
            part += usize::from(!all.is_empty() && all.len() < chart.interfaces.len());
        }
    }
    tell(format!(
        "{} networks from seed {first}: {found} interfaces by what they are in, {part} networks that hold a part",
        networks().div_ceil(4)
    ));
    assert!(found > 0 && part > 0);
}

/// A side of a statement.
fn value(dice: &mut Dice, net: &Net) -> Value {
    let some = |id: &Id| Value::text(id.as_str());
    let owner = |i: &Interface| match &i.owner {
        Owner::Instance { id, .. } | Owner::NatGateway(id) => id.clone(),
        _ => i.id.clone(),
    };
    match dice.below(12) {
        0..3 => Value::Internet,
        3 => Value::Any,
        4 | 5 => Value::Cidr(cidr(dice.pick(&NETWORKS))),
        6 if !net.vpcs.is_empty() => some(&dice.pick(&net.vpcs).id),
        7 if !net.subnets.is_empty() => some(&dice.pick(&net.subnets).id),
        8 | 9 if !net.security_groups.is_empty() => some(&dice.pick(&net.security_groups).id),
        _ if !net.interfaces.is_empty() => some(&owner(dice.pick(&net.interfaces))),
        _ => Value::Internet,
    }
}

fn statement(dice: &mut Dice, net: &Net, n: usize) -> Statement {
    let side = |dice: &mut Dice| (0..=dice.below(2)).map(|_| value(dice, net)).collect::<Vec<_>>();
    let (from, to) = (side(dice), side(dice));
    let require = dice.one_in(2);
    let except = if require || !dice.one_in(3) { vec![] } else { vec![(vec![service(dice)], side(dice))] };
    let services = vec![service(dice)];
    let span = Span::new(secnet::base::span::FileId(0), n, n + 1);
    Statement { require, services, from, to, except, client_ports: None, turn: String::new(), span }
}

fn model(statements: Vec<Statement>) -> Model {
    let (name, span) = ("p".into(), statements[0].span);
    let policy = Policy { name, description: None, during_apply: false, imposed: false, waiver: None, statements, span };
    Model { policies: vec![policy], ..Model::default() }
}

/// Conflicts are told whatever else is said of a statement.
fn unjudged(statement: &Statement) -> Judged {
    Judged {
        policy: "p".into(),
        span: statement.span,
        turn: String::new(),
        outcome: Outcome::Proven,
        reason: None,
        packet: None,
        hops: vec![],
        places: vec![],
        lets: vec![],
        flows: vec![],
        mend: vec![],
        assumptions: vec![],
        waived: None,
        diagnostics: vec![],
    }
}

#[test]
fn conflicts_are_those_of_all_pairs() {
    let (first, mut pairs, mut conflicts) = (seed() + 6_000_000, 0usize, 0usize);
    for n in 0..networks().div_ceil(4) {
        let mut dice = Dice(first + n);
        let net = ragged_net(&mut dice);
        let chart = Chart::new(&net);
        let policy = |statements, span| Policy {
            name: "p".into(),
            description: None,
            during_apply: false,
            imposed: false,
            waiver: None,
            statements,
            span,
        };
        let statements: Vec<Statement> = (0..12).map(|s| statement(&mut dice, &net, s * 2)).collect();
        let span = statements[0].span;
        let model = Model { policies: vec![policy(statements, span)], ..Model::default() };
        let said = |d: &[Diagnostic]| d.iter().map(|d| format!("{d:?}")).collect::<Vec<_>>();
        let after = with_conflicts(&chart, &model, model.policies[0].statements.iter().map(unjudged).collect());
        let policy = &model.policies[0];
        for (i, one) in policy.statements.iter().enumerate() {
            let forbids = policy.statements.iter().filter(|s| one.require && !s.require);
            pairs += forbids.clone().count();
            let all: Vec<Diagnostic> = forbids.filter_map(|f| conflict(&chart, &model, (policy, one), (policy, f))).collect();
            conflicts += all.len();
            assert_eq!(said(&after[i].diagnostics), said(&all), "seed {}: {one:?}", first + n);
        }
    }
    tell(format!("{} networks from seed {first}: {conflicts} conflicts in {pairs} pairs", networks().div_ceil(4)));
    assert!(conflicts > 0);
}

#[test]
fn lines_that_judging_has_learned_are_those_that_are_found_without_it() {
    let (first, mut hopeless, mut found) = (seed() + 7_000_000, 0usize, 0usize);
    for n in 0..networks().div_ceil(80).max(25) {
        let mut dice = Dice(first + n);
        let net = ragged_net(&mut dice);
        let chart = Chart::new(&net);
        for s in 0..12 {
            let mut one = statement(&mut dice, &net, s * 2);
            (one.require, one.except) = (true, vec![]);
            // What is wanted of everything at once hardly ever works.
            one.to.truncate(1);
            one.from = vec![if dice.one_in(2) { value(&mut dice, &net) } else { Value::Internet }];
            let model = model(vec![one]);
            let mut needs = Needs::default();
            assert!(judge_on(&chart, &model, &mut vec![], &mut needs, &|| false));
            let learned = needed_lines(&chart, &model, &needs);
            let anew = needed_lines(&chart, &model, &Needs::default());
            assert_eq!(learned, anew, "seed {}: {:?}", first + n, model.policies[0].statements);
            hopeless += usize::from(anew.is_none());
            found += anew.map_or(0, |lines| lines.len());
        }
    }
    tell(format!(
        "{} networks from seed {first}: {found} lines needed, {hopeless} statements that may need any",
        networks().div_ceil(80).max(25)
    ));
    assert!(found > 0 && hopeless > 0);
}
