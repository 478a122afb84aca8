//! All that is to be said of a project's network: its policies' verdicts, and what is worth a warning. Layer 5.
//!
//! `secnet prove` and the editor both come in here.

use crate::{
    base::{date::Day, diagnostic::Diagnostic},
    net::Net,
    prove::{
        chart::Chart,
        lint::lints_after,
        policy::{self, Judged, Needs},
        waiver,
    },
    schema::model::Model,
};

/// What is to be said.
#[derive(Debug, Default)]
pub struct Verdicts {
    /// Every statement of every policy, in the order of the sources.
    pub judged: Vec<Judged>,
    /// Expired waivers, what is not proven, and what is worth a warning.
    pub diagnostics: Vec<Diagnostic>,
}

/// Judges every statement, machines that are stopped as if they ran: what is proved must hold when one is started, too.
#[must_use]
pub fn verdicts(net: &mut Net, model: &Model, today: Day) -> Verdicts {
    let stopped = net.start_machines();
    let chart = Chart::new(net);
    let (mut judged, mut needs) = (vec![], Needs::default());
    let _ = policy::judge_on(&chart, model, &mut judged, &mut needs, &|| false);
    told(&chart, (model, &needs), judged, stopped, today)
}

/// The same in steps, for whoever has something better to do meanwhile: goes on with what is `judged` so far of this model and
/// network until `stop` says so. `None` while something is left to do; each time a statement more is judged at least.
#[must_use]
pub fn verdicts_until(net: &mut Net, model: &Model, today: Day, judged: &mut Vec<Judged>, stop: &dyn Fn() -> bool) -> Option<Verdicts> {
    let stopped = net.start_machines();
    let chart = Chart::new(net);
    let mut needs = Needs::default();
    if !policy::judge_on(&chart, model, judged, &mut needs, stop) {
        return None;
    }
    Some(told(&chart, (model, &needs), std::mem::take(judged), stopped, today))
}

fn told(chart: &Chart<'_>, (model, needs): (&Model, &Needs), judged: Vec<Judged>, stopped: bool, today: Day) -> Verdicts {
    let mut judged = policy::with_conflicts(chart, model, judged);
    judged.iter_mut().filter(|_| stopped).for_each(|j| j.assumptions.push(policy::STARTED));
    let expired = waiver::let_off(&mut judged, model, today);
    let told = judged.iter().flat_map(|j| j.diagnostics.clone());
    let diagnostics = expired.into_iter().chain(told).chain(lints_after(chart, model, needs)).collect();
    Verdicts { judged, diagnostics }
}
