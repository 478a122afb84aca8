//! May this pass, by which way, or what stops it? For one pair of ends at a time. Layer 5.
//!
//! A trace asks whether some client port works; a `require` asks whether all of them do.

use serde::Serialize;

use crate::{
    base::{service::Service, span::Span},
    prove::{
        ask::{Finding, Question, Verdict, ask, cubes},
        chart::Chart,
        packet::{Cube, Dim, NAT_PORTS, Range, conversations, protocol, without_boxes},
        policy::{
            CLIENT_PORTS, Failure,
            mend::{Mend, Wanted},
            side::{self, Goal, Side, Source, goals, sources},
            without_own, words,
        },
        reach::{
            self,
            set::{Flows, Set, flows, networks},
        },
        walk::{Place, Spot},
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
    /// Why nobody can tell.
    pub reason: Option<String>,
    /// What AWS's Reachability Analyzer calls what stops it first.
    pub code: Option<&'static str>,
    /// What of it works, where not all does, whichever client ports: `tcp/22 from 203.0.113.0/28`.
    pub part: Vec<String>,
    /// The client ports that work, where not all do.
    pub client_ports: Vec<String>,
    /// One packet that shows it.
    pub packet: Option<String>,
    /// Its way, and the answer's, a line each; what stops it stands where it does.
    pub hops: Vec<String>,
    /// Where the line or the thing of each of these steps stands in the sources.
    #[serde(skip)]
    pub places: Vec<Option<Span>>,
    /// Everything that stops it, there and back.
    pub blockers: Vec<Blocker>,
    /// What would mend it.
    pub mend: Vec<String>,
}

/// Something that stops a conversation.
#[derive(Debug, Clone, Serialize)]
pub struct Blocker {
    /// What stops it.
    pub at: String,
    /// Why.
    pub why: String,
    /// What AWS's Reachability Analyzer calls that.
    pub code: Option<&'static str>,
    /// Whether it stops the answer.
    pub answer: bool,
    /// Where it stands in the sources.
    #[serde(skip)]
    pub span: Option<Span>,
}

/// Traces services between two sides: resources, ids as text, networks, the internet. Empty where a side has no address.
///
/// # Errors
/// Nobody can tell yet whom a side means: why.
pub fn trace(chart: &Chart<'_>, model: &Model, from: &Value, to: &Value, services: &[Service]) -> Result<Vec<Trace>, String> {
    let mut found = vec![];
    let known = |side| match side {
        Side::Known(all) => Ok(all),
        Side::Obscure(why) => Err(why),
    };
    let sources = known(sources(chart, model, from, true))?;
    let goals = match goals(chart, model, to, true) {
        Side::Known(all) => all,
        Side::Obscure(why) => return Err(why),
    };
    for source in &sources {
        for goal in &goals {
            found.extend(one(chart, model, source, goal, services));
        }
    }
    Ok(found)
}

fn one(chart: &Chart<'_>, model: &Model, source: &Source, goal: &Goal, services: &[Service]) -> Option<Trace> {
    let traffic: Vec<_> = services.iter().flat_map(|s| conversations(s, CLIENT_PORTS, source.family)).collect();
    let wanted = Wanted { model, source, goal, ports: CLIENT_PORTS, services: services.to_vec() };
    let mut best: Option<(u8, usize, Finding, Mend)> = None;
    let (mut all, mut working) = (vec![], vec![]);
    for (place, servers) in goal.ways_from(chart, source, true) {
        for server in servers {
            let asked = cubes(&source.clients, &[server], &traffic);
            let (family, foreign, meant) = (source.family, goal.foreign(), goal.meant());
            let question = Question { from: place, family, cubes: asked.clone(), foreign, meant, via: None };
            let finding = ask(chart, &question, |p| may_end(goal, p));
            if let Verdict::Works(cubes) = &finding.verdict {
                all.extend(without_own(chart, source, goal, asked));
                working.extend_from_slice(cubes);
            }
            let rank = match finding.verdict {
                Verdict::Works(_) => 3,
                Verdict::Unknown(_) => 2,
                Verdict::Stopped => 1,
            };
            let mend = match (rank, finding.witness) {
                (1, Some(witness)) => wanted.mend(chart, place, witness),
                _ => Mend::default(),
            };
            // Of two ways that are stopped, the one with fewer obstacles is the one to mend.
            let obstacles = mend.obstacles.len() + if mend.complete { 0 } else { 100 };
            let nearer = |held: &(u8, usize, Finding, Mend)| rank > held.0 || (rank == held.0 && obstacles < held.1);
            if best.as_ref().is_none_or(nearer) {
                best = Some((rank, obstacles, finding, mend));
            }
        }
    }
    let part = part(source, goal, &all, &working);
    best.map(|(_, _, finding, mend)| Trace { part, ..describe(chart, source, goal, finding, mend) })
}

/// What works of what was asked, in words; nothing where all does. Client ports are told apart from this.
fn part(source: &Source, goal: &Goal, asked: &[Cube], works: &[Cube]) -> Vec<String> {
    let ports = |cube: &Cube| {
        let cube = cube.put(Dim::FirstNat, NAT_PORTS).put(Dim::SecondNat, NAT_PORTS);
        if cube.get(Dim::Protocol).hi <= protocol::UDP { cube.put(Dim::ClientPort, CLIENT_PORTS) } else { cube }
    };
    let works: Vec<Cube> = works.iter().map(ports).collect();
    let left = without_boxes(asked.iter().map(ports).collect(), &works, BOXES_MAX);
    if left.is_some_and(|left| left.is_empty()) {
        return vec![];
    }
    let outside = |place: Place| !matches!(place, Place::Interface(_));
    let (clients, servers) = (outside(source.place), matches!(goal, Goal::Internet | Goal::Addresses(_)));
    let flows: Vec<Flows> = works.iter().map(|c| flows(c, clients, servers)).collect();
    let told = |service: reach::set::Service| {
        let list = |said: bool, internet: bool, word: &str, ranges: &[Range]| {
            let whole = if internet { side::internet(source.family) } else { vec![Range::all(source.family)] };
            let all = networks(source.family, ranges, &whole);
            // All of the internet goes without saying.
            let whole = internet && all.len() == 1 && all.iter().all(|n| n.ends_with("/0"));
            if said && !whole { format!(" {word} {}", all.join(", ")) } else { String::new() }
        };
        let from = list(clients, source.internet, "from", &service.clients);
        let to = list(servers, matches!(goal, Goal::Internet), "to", &service.servers);
        format!("{}{from}{to}", service.name)
    };
    Set::of(&flows).services(source.family).into_iter().map(told).collect()
}

/// How many boxes a difference may take.
const BOXES_MAX: usize = 10_000;

/// Whether a conversation that ends at a place has got there.
fn may_end(goal: &Goal, place: &Place) -> bool {
    match (goal, place) {
        (Goal::Internet, Place::Internet | Place::Behind(Spot::Endpoint(_))) | (Goal::Addresses(_), _) => true,
        (Goal::Interfaces(of), Place::Interface(i)) => of.contains(i),
        (Goal::Exact(one, _), Place::Interface(i)) => one == i,
        _ => false,
    }
}

fn describe(chart: &Chart<'_>, source: &Source, goal: &Goal, finding: Finding, mend: Mend) -> Trace {
    let failure = Failure { ports: CLIENT_PORTS, witness: finding.witness, ..Failure::between(chart, source, goal) };
    let (verdict, client_ports) = match &finding.verdict {
        Verdict::Works(cubes) => ("reachable", working_ports(cubes)),
        Verdict::Stopped => ("unreachable", vec![]),
        Verdict::Unknown(_) => ("unknown", vec![]),
    };
    let reason = match &finding.verdict {
        Verdict::Unknown(reason) => {
            let at = finding.steps.last().map_or(String::new(), |s| format!("`{}` ", chart.name(s.spot)));
            Some(format!("{at}{}", reason.words()))
        }
        _ => None,
    };
    let blocker = |o: &crate::prove::policy::mend::Obstacle| Blocker {
        at: o.at.clone(),
        why: o.reason.words(),
        code: o.reason.aws_code(),
        answer: o.answer,
        span: o.span,
    };
    let steps = if mend.steps.is_empty() { &finding.steps } else { &mend.steps };
    let (hops, places) = words::way(chart, steps).into_iter().unzip();
    Trace {
        from: source.name.clone(),
        to: goal.name(chart),
        verdict,
        part: vec![],
        reason,
        code: mend.obstacles.first().and_then(|o| o.reason.aws_code()),
        client_ports,
        packet: finding.witness.map(|w| words::packet(chart, &failure, &w)),
        hops,
        places,
        blockers: mend.obstacles.iter().map(blocker).collect(),
        mend: mend.words,
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
