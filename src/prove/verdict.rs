//! All that is to be said of a project's network: its policies' verdicts, and what is worth a warning. Layer 5.
//!
//! `secnet prove` and the editor both come in here.

use crate::{
    base::{date::Day, diagnostic::Diagnostic},
    net::Net,
    prove::{
        chart::Chart,
        lint::lints,
        policy::{self, Judged},
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
    let mut judged = policy::judge(&chart, model);
    judged.iter_mut().filter(|_| stopped).for_each(|j| j.assumptions.push(policy::STARTED));
    let expired = waiver::let_off(&mut judged, model, today);
    let told = judged.iter().flat_map(|j| j.diagnostics.clone());
    let diagnostics = expired.into_iter().chain(told).chain(lints(&chart, model)).collect();
    Verdicts { judged, diagnostics }
}
