//! Whether one statement requires what another forbids: no network could keep both. Layer 5.

use crate::{
    base::{codes::prove as codes, diagnostic::Diagnostic},
    prove::{
        ask::cubes,
        chart::Chart,
        packet::{Range, without_boxes},
        walk::Place,
    },
    schema::model::{Model, Policy, Statement},
};

use super::{
    BOXES_MAX, Case,
    side::{Goal, Source},
    without_own,
};

/// A statement with both its sides.
pub(super) struct Sided<'m> {
    policy: &'m Policy,
    statement: &'m Statement,
    from: Vec<Source>,
    to: Vec<Goal>,
}

impl<'m> Sided<'m> {
    /// `None` where nobody can tell whom it is about.
    pub fn of(chart: &Chart<'_>, model: &Model, policy: &'m Policy, statement: &'m Statement) -> Option<Self> {
        let (from, to) = Case { chart, model, statement }.sides().ok()?;
        Some(Self { policy, statement, from, to })
    }
}

/// What is said where a `forbid` takes all the ways of something that a `require` wants.
pub(super) fn between(chart: &Chart<'_>, model: &Model, one: &Sided<'_>, against: &Sided<'_>) -> Option<Diagnostic> {
    let (require, forbid) = (one.statement, against.statement);
    let wanted = Case { chart, model, statement: require };
    let banned = Case { chart, model, statement: forbid };
    let (from, to, no_from, no_to) = (&one.from, &one.to, &against.from, &against.to);
    for source in from {
        let ports = wanted.client_ports(source);
        let traffic = wanted.traffic(&require.services, ports, source.family);
        let forbidden = banned.traffic(&forbid.services, Range::PORTS, source.family);
        let everywhere = [Range::all(source.family)];
        for goal in to.iter().filter(|g| no_to.iter().any(|n| holds(chart, n, g))) {
            if goal.ways_from(chart, source, true).is_empty() {
                continue;
            }
            for clients in no_from.iter().filter_map(|n| common(chart, source, n)) {
                let both: Vec<_> = cubes(&clients, &everywhere, &traffic)
                    .into_iter()
                    .flat_map(|w| cubes(&everywhere, &everywhere, &forbidden).into_iter().filter_map(move |f| w.meet(&f)))
                    .collect();
                let left = without_boxes(without_own(chart, source, goal, both), &banned.exceptions_of(source), BOXES_MAX);
                if left.is_some_and(|l| !l.is_empty()) {
                    return Some(codes::contradiction(
                        (&one.policy.name, require.span),
                        (&against.policy.name, forbid.span),
                        &source.name,
                        &goal.name(chart),
                    ));
                }
            }
        }
    }
    None
}

/// Whether one goal holds all of another.
fn holds(chart: &Chart<'_>, all: &Goal, one: &Goal) -> bool {
    let subnet = |i: &usize| chart.interfaces.get(*i).map(|i| i.subnet);
    match (all, one) {
        (Goal::Internet, Goal::Internet) => true,
        (Goal::Interfaces(all), Goal::Interfaces(one)) => one.iter().all(|i| all.contains(i)),
        (Goal::Interfaces(all), Goal::Exact(one, _)) => all.contains(one),
        (Goal::Anybody(s), Goal::Interfaces(one)) => one.iter().all(|i| subnet(i) == Some(*s)),
        (Goal::Anybody(s), Goal::Exact(one, _)) => subnet(one) == Some(*s),
        (Goal::Addresses(all), Goal::Addresses(one)) => all.contains(*one),
        (Goal::Addresses(all), Goal::Exact(_, range)) => Range::of(*all).holds(*range),
        _ => false,
    }
}

/// The clients that two sources have in common.
fn common(chart: &Chart<'_>, one: &Source, other: &Source) -> Option<Vec<Range>> {
    let within = match (one.place, other.place) {
        (Place::Interface(i), Place::Anybody(s)) => chart.interfaces.get(i).is_some_and(|at| at.subnet == s),
        (a, b) => a == b,
    };
    if !within || one.family != other.family {
        return None;
    }
    let met: Vec<Range> = one.clients.iter().flat_map(|a| other.clients.iter().filter_map(|b| a.meet(*b))).collect();
    (!met.is_empty()).then_some(met)
}
