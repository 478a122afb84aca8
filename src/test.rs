//! Tests of a project: each resolved with its own values, proved, planned and judged. Layer 6; calls nothing, and does no I/O.

use std::collections::BTreeMap;

use crate::{
    analysis::{Look, Parsed, Test},
    base::{
        codes::test as codes,
        date::Day,
        diagnostic::{Diagnostic, Severity},
        span::Span,
    },
    plan::{self, Action},
    prove::{
        chart::Chart,
        lint,
        policy::{self, Judged, Outcome},
        waiver,
    },
    resolve::{Demands, Fault},
    resources,
    schema::model::{Model, Policy},
};

/// Runs a test: everything that makes it fail, none if it passes. `today` is for waivers.
#[must_use]
pub fn run(parsed: &Parsed, test: &Test, today: Day) -> Vec<Diagnostic> {
    let Look { mut resolved, diagnostics } = parsed.look_for(test);
    let Some(demands) = resolved.demands.take() else { return diagnostics };
    let mut failures = demands.failures.clone();
    let (mut said, mut judged) = (diagnostics, vec![]);
    if said.iter().any(is_error) {
        failures.extend(not_looked_at(&demands));
    } else {
        let (own, policies, found) = prove(&mut resolved.model, &demands, today);
        failures.extend(own.into_iter().flat_map(|j| j.diagnostics).filter(is_error));
        failures.extend(counted(&resolved.model, &demands));
        said.extend(found);
        judged = policies;
    }
    let excused = expectations(&demands, &said, &judged, &mut failures);
    failures.sort_by_key(|d| d.labels.first().map(|l| l.span));
    let of_policies = judged.into_iter().flat_map(|j| j.diagnostics);
    failures.extend(said.into_iter().chain(of_policies).filter(|d| is_error(d) && !excused.contains(d)));
    failures
}

fn is_error(diagnostic: &Diagnostic) -> bool {
    diagnostic.severity == Severity::Error
}

/// Judges the statements of a test and the policies of the project; what else a proof says comes last.
fn prove(model: &mut Model, demands: &Demands, today: Day) -> (Vec<Judged>, Vec<Judged>, Vec<Diagnostic>) {
    let own = Policy {
        name: format!("test {:?}", demands.name),
        description: None,
        during_apply: false,
        statements: demands.statements.clone(),
        imposed: false,
        waiver: None,
        span: demands.span,
    };
    let mut net = resources::network(model);
    net.start_machines();
    let chart = Chart::new(&net);
    let mut policies = policy::judge(&chart, model);
    let mut found = waiver::let_off(&mut policies, model, today);
    found.extend(lint::lints(&chart));
    if model.requires() {
        found.extend(lint::unneeded_rules(&chart, model, &policy::Needs::default()).unwrap_or_default());
    }
    // By themselves: that a test forbids what a policy requires is no contradiction in the project.
    let of_project = std::mem::replace(&mut model.policies, vec![own]);
    let judged = policy::judge(&chart, model);
    model.policies = of_project;
    (judged, policies, found)
}

/// What a plan does otherwise than the test says.
fn counted(model: &Model, demands: &Demands) -> Vec<Diagnostic> {
    if demands.counts.is_empty() {
        return vec![];
    }
    let counts: BTreeMap<Action, usize> = match plan::counts_from_nothing(model) {
        Ok(counts) => counts,
        Err(wrong) => return wrong,
    };
    let differs = demands.counts.iter().filter_map(|count| {
        let action = match count.word {
            "creates" => Action::Create,
            "updates" => Action::Update,
            "replaces" => Action::Replace,
            _ => Action::Delete,
        };
        let found = counts.get(&action).copied().unwrap_or_default();
        (usize::try_from(count.number) != Ok(found)).then(|| codes::counts(count.word, count.number, found, count.span))
    });
    differs.collect()
}

/// What cannot be looked at in a project that has errors.
fn not_looked_at(demands: &Demands) -> Vec<Diagnostic> {
    let statements = demands.statements.iter().map(|s| codes::not_looked_at("require", s.span));
    let counts = demands.counts.first().map(|c| codes::not_looked_at("plan", c.span));
    statements.chain(counts).collect()
}

/// What the test expects and does not come is a failure; gives what is said because it is expected.
fn expectations(demands: &Demands, said: &[Diagnostic], judged: &[Judged], failures: &mut Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut excused: Vec<Diagnostic> = vec![];
    for expected in &demands.expected {
        match &expected.what {
            Fault::Message(code, part) => {
                let all = said.iter().chain(judged.iter().flat_map(|j| &j.diagnostics)).filter(|d| d.code == *code);
                let fits = |d: &&Diagnostic| part.as_ref().is_none_or(|p| d.message.contains(&**p));
                let (fitting, others): (Vec<&Diagnostic>, Vec<&Diagnostic>) = all.partition(fits);
                if fitting.is_empty() {
                    let instead: Vec<&str> = others.iter().map(|d| &*d.message).collect();
                    failures.push(codes::not_seen(code.id, part.as_deref(), expected.span, &instead));
                }
                excused.extend(fitting.into_iter().cloned());
            }
            Fault::Refuted(policy) => fares(policy, Outcome::Refuted, judged, expected.span, &mut excused, failures),
            Fault::Unknown(policy) => fares(policy, Outcome::Unknown, judged, expected.span, &mut excused, failures),
        }
    }
    excused
}

/// Whether a policy fares as it is expected to: at least one of its statements does.
fn fares(policy: &str, wanted: Outcome, judged: &[Judged], at: Span, excused: &mut Vec<Diagnostic>, failures: &mut Vec<Diagnostic>) {
    let words = |outcome: Outcome| match outcome {
        Outcome::Proven => "proven",
        Outcome::Unknown => "unknown",
        Outcome::Refuted => "refuted",
    };
    let of_policy = || judged.iter().filter(|j| j.policy == policy);
    if !of_policy().any(|j| j.outcome == wanted) {
        let found = of_policy().map(|j| j.outcome).max().map_or("not looked at", words);
        failures.push(codes::not_so(policy, words(wanted), found, at));
    }
    excused.extend(of_policy().filter(|j| j.outcome == wanted).flat_map(|j| j.diagnostics.clone()));
}
