//! May this pass, by which way, or what stops it? For one pair of ends at a time. Layer 5.
//!
//! A trace asks whether some client port works; a `require` asks whether all of them do.

use serde::Serialize;

use crate::{
    base::service::Service,
    prove::{
        ask::{Finding, Question, Verdict, ask, cubes},
        chart::Chart,
        packet::{Cube, Dim, Range, conversations},
        policy::{
            CLIENT_PORTS, Failure,
            side::{Goal, Source, goals, sources},
            words,
        },
        walk::Place,
    },
    schema::{model::Model, value::Value},
};

/// One pair of ends.
#[derive(Debug, Clone, Serialize)]
pub struct Trace {
    /// From where, in words.
    pub from: String,
    /// To where, in words.
    pub to: String,
    /// `reachable`, `unreachable` or `unknown`.
    pub verdict: &'static str,
    /// What AWS's Reachability Analyzer calls what stops it first.
    pub code: Option<&'static str>,
    /// The client ports that work, where not all do.
    pub client_ports: Vec<String>,
    /// One packet that shows it.
    pub packet: Option<String>,
    /// Its way, and the answer's, a line each; what stops it stands where it does.
    pub hops: Vec<String>,
    /// What would mend it.
    pub mend: Vec<String>,
}

/// Traces services between two sides: resources, ids as text, networks, the internet. Empty where a side has no address.
#[must_use]
pub fn trace(chart: &Chart<'_>, model: &Model, from: &Value, to: &Value, services: &[Service]) -> Vec<Trace> {
    let mut found = vec![];
    for source in sources(chart, model, from).into_iter().filter(|s| !matches!(s.place, Place::Anybody(_))) {
        for goal in goals(chart, model, to, true) {
            found.extend(one(chart, &source, &goal, services));
        }
    }
    found
}

fn one(chart: &Chart<'_>, source: &Source, goal: &Goal, services: &[Service]) -> Option<Trace> {
    let traffic: Vec<_> = services.iter().flat_map(|s| conversations(s, CLIENT_PORTS, source.family)).collect();
    let mut best: Option<(u8, Finding)> = None;
    for (place, servers) in goal.ways_from(chart, source) {
        for server in servers {
            let asked = cubes(&source.clients, &[server], &traffic);
            let question =
                Question { from: place, family: source.family, cubes: asked, foreign: matches!(goal, Goal::Internet), via: None };
            let finding = ask(chart, &question, |p| goal.is_at(p));
            let rank = match finding.verdict {
                Verdict::Works(_) => 3,
                Verdict::Unknown(_) => 2,
                // Of two ways that are stopped, the one with fewer obstacles is the one to mend.
                Verdict::Stopped => 1,
            };
            let nearer = |held: &(u8, Finding)| rank > held.0 || (rank == held.0 && finding.blockers().count() < held.1.blockers().count());
            if best.as_ref().is_none_or(nearer) {
                best = Some((rank, finding));
            }
        }
    }
    best.map(|(_, finding)| describe(chart, source, goal, finding))
}

fn describe(chart: &Chart<'_>, source: &Source, goal: &Goal, finding: Finding) -> Trace {
    let failure = Failure {
        from: source.name.clone(),
        to: goal.name(chart),
        source: source.place,
        goal: goal.place(),
        family: source.family,
        ports: CLIENT_PORTS,
        witness: finding.witness,
        steps: finding.steps.clone(),
        cubes: vec![],
        works: vec![],
    };
    let code = finding.blockers().next().and_then(|(_, reason)| reason.aws_code());
    let mut mend: Vec<String> = finding.blockers().filter_map(|(step, reason)| words::mend(chart, step, reason, &failure)).collect();
    mend.dedup();
    let (verdict, client_ports) = match &finding.verdict {
        Verdict::Works(cubes) => ("reachable", working_ports(cubes)),
        Verdict::Stopped => ("unreachable", vec![]),
        Verdict::Unknown(_) => ("unknown", vec![]),
    };
    Trace {
        from: source.name.clone(),
        to: goal.name(chart),
        verdict,
        code,
        client_ports,
        packet: finding.witness.map(|w| words::packet(chart, &failure, &w)),
        hops: words::hops(chart, &finding.steps),
        mend,
    }
}

/// The client ports that work; none where all do.
fn working_ports(cubes: &[Cube]) -> Vec<String> {
    let mut ranges: Vec<Range> = cubes.iter().map(|c| c.get(Dim::ClientPort)).collect();
    if ranges.iter().any(|r| r.holds(CLIENT_PORTS) || r.holds(Range::BYTE) || r.lo == r.hi) {
        return vec![];
    }
    ranges.sort_unstable();
    ranges.dedup();
    ranges.iter().map(|r| format!("{}-{}", r.lo, r.hi)).collect()
}
