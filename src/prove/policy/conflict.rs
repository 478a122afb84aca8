//! Whether one statement requires what another forbids: no network could keep both. Layer 5.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::{codes::prove as codes, diagnostic::Diagnostic},
    prove::{
        ask::cubes,
        chart::Chart,
        packet::{Cube, Range, without_boxes},
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
        let (from, to) = Case::new(chart, model, statement).sides().ok()?;
        Some(Self { policy, statement, from, to })
    }
}

/// What `forbid`s are about, so that a `require` is held only against those that it can meet.
///
/// A pair that is left out has no goal of the one that [`holds`] a goal of the other, or no place in common.
#[derive(Default)]
pub(super) struct Index {
    from: BTreeMap<Place, Vec<usize>>,
    to: BTreeMap<End, Vec<usize>>,
}

/// By what a goal is found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Internet,
    Network,
    Interface(usize),
    Subnet(usize),
}

impl Index {
    /// The numbers in it are those of the list.
    pub fn of(forbids: &[Sided<'_>]) -> Self {
        let mut index = Self::default();
        for (n, forbid) in forbids.iter().enumerate() {
            for source in &forbid.from {
                index.from.entry(source.place).or_default().push(n);
            }
            for end in forbid.to.iter().flat_map(ends) {
                index.to.entry(end).or_default().push(n);
            }
        }
        index.from.values_mut().chain(index.to.values_mut()).for_each(Vec::dedup);
        index
    }

    /// Those that may take something of what a `require` wants, in order.
    pub fn met_by(&self, chart: &Chart<'_>, require: &Sided<'_>) -> Vec<usize> {
        let ends: BTreeSet<End> = require.to.iter().flat_map(|g| wanted_ends(chart, g)).collect();
        let by_end: BTreeSet<usize> = ends.iter().filter_map(|e| self.to.get(e)).flatten().copied().collect();
        if by_end.is_empty() {
            return vec![];
        }
        let places = require.from.iter().flat_map(|s| std::iter::once(s.place).chain(home(chart, s.place)));
        let places: BTreeSet<Place> = places.collect();
        let by_place: BTreeSet<usize> = places.iter().filter_map(|p| self.from.get(p)).flatten().copied().collect();
        by_end.intersection(&by_place).copied().collect()
    }
}

/// By what a `forbid`'s goal is found: whatever it holds is found by one of these.
fn ends(goal: &Goal) -> Vec<End> {
    match goal {
        Goal::Internet => vec![End::Internet],
        Goal::Interfaces(of) => of.iter().map(|i| End::Interface(*i)).collect(),
        Goal::Anybody(subnet) => vec![End::Subnet(*subnet)],
        Goal::Addresses(_) => vec![End::Network],
        Goal::Exact(..) => vec![],
    }
}

/// By what a `require`'s goal is looked for: whoever holds all of a thing holds its first interface.
fn wanted_ends(chart: &Chart<'_>, goal: &Goal) -> Vec<End> {
    let at = |i: usize| std::iter::once(End::Interface(i)).chain(chart.interfaces.get(i).map(|at| End::Subnet(at.subnet)));
    match goal {
        Goal::Internet => vec![End::Internet],
        // To no interface at all there is no way.
        Goal::Interfaces(of) => of.first().into_iter().flat_map(|i| at(*i)).collect(),
        Goal::Exact(i, _) => at(*i).chain([End::Network]).collect(),
        Goal::Addresses(_) => vec![End::Network],
        Goal::Anybody(_) => vec![],
    }
}

/// Whoever could be where an interface is.
fn home(chart: &Chart<'_>, place: Place) -> Option<Place> {
    let Place::Interface(i) = place else { return None };
    chart.interfaces.get(i).map(|at| Place::Anybody(at.subnet))
}

/// What is said where a `forbid` takes all the ways of something that a `require` wants.
pub(super) fn between(chart: &Chart<'_>, model: &Model, one: &Sided<'_>, against: &Sided<'_>) -> Option<Diagnostic> {
    let (require, forbid) = (one.statement, against.statement);
    let wanted = Case::new(chart, model, require);
    let banned = Case::new(chart, model, forbid);
    let goals: Vec<&Goal> = one.to.iter().filter(|g| against.to.iter().any(|n| holds(chart, n, g))).collect();
    for source in one.from.iter().filter(|_| !goals.is_empty()) {
        let clients: Vec<Vec<Range>> = against.from.iter().filter_map(|n| common(chart, source, n)).collect();
        if clients.is_empty() {
            continue;
        }
        let traffic = wanted.traffic(&require.services, wanted.client_ports(source), source.family);
        let everywhere = [Range::all(source.family)];
        let forbidden = cubes(&everywhere, &everywhere, &banned.traffic(&forbid.services, Range::PORTS, source.family));
        let both = |clients: &Vec<Range>| -> Vec<Cube> {
            let asked = cubes(clients, &everywhere, &traffic);
            asked.iter().flat_map(|w| forbidden.iter().filter_map(|f| w.meet(f))).collect()
        };
        let both: Vec<Vec<Cube>> = clients.iter().map(both).filter(|b| !b.is_empty()).collect();
        if both.is_empty() {
            continue;
        }
        let excepted = banned.exceptions_of(source);
        for goal in goals.iter().filter(|g| !g.ways_from(chart, source, true).is_empty()) {
            let left = |both: &Vec<Cube>| without_boxes(without_own(chart, source, goal, both.clone()), &excepted, BOXES_MAX);
            if both.iter().any(|b| left(b).is_some_and(|l| !l.is_empty())) {
                return Some(codes::contradiction(
                    (&one.policy.name, require.span),
                    (&against.policy.name, forbid.span),
                    &source.name,
                    &goal.name(chart),
                ));
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
