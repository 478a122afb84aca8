//! All that is to be said of a project's network: its policies' verdicts, and what is worth a warning. Layer 5.
//!
//! `secnet prove` and the editor both come in here.

use std::sync::Arc;

use crate::{
    base::{date::Day, diagnostic::Diagnostic, span::Span},
    net::{Net, Public},
    prove::{
        chart::Chart,
        lint::{lints, unneeded_rules},
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
    /// Expired waivers, what is not proven, and what is worth a warning. What is found of a piece that is as it was is the same
    /// thing as before, not only an equal one.
    pub diagnostics: Vec<Arc<Diagnostic>>,
}

/// What is found of a network, or of a piece of it that has nothing to do with the rest.
#[derive(Debug)]
pub(in crate::prove) struct Found {
    /// Its statements, in the order of the sources.
    judged: Vec<Judged>,
    /// What people are told of each of them, unless it is waived.
    told: Vec<Vec<Arc<Diagnostic>>>,
    /// What is worth a warning.
    lints: Vec<Lint>,
    /// Rules that nothing that is required goes through; `None` where nobody can tell.
    unneeded: Option<Vec<Lint>>,
    /// Whether a machine is stopped.
    is_stopped: bool,
    /// Whether something in it has a public address that is known.
    pub(in crate::prove) has_public_addresses: bool,
    /// Whether others than the internet can send into it.
    pub(in crate::prove) has_ways_in: bool,
}

/// What is worth a warning, with the beginning of [`Diagnostic::place`]: there may be thousands, and few are looked at further.
#[derive(Debug, Clone)]
struct Lint {
    at: (Option<Span>, &'static str),
    what: Arc<Diagnostic>,
}

impl Lint {
    fn all(diagnostics: Vec<Diagnostic>) -> Vec<Self> {
        let at = |d: &Diagnostic| (d.labels.first().map(|l| l.span), d.code.id);
        diagnostics.into_iter().map(|d| Self { at: at(&d), what: Arc::new(d) }).collect()
    }
}

/// Judges every statement, machines that are stopped as if they ran: what is proved must hold when one is started, too.
#[must_use]
pub fn verdicts(net: &mut Net, model: &Model, today: Day) -> Verdicts {
    let all: Vec<usize> = (0..model.policies.iter().map(|p| p.statements.len()).sum()).collect();
    let found = found(net, model, model.requires(), &mut vec![], &|| false);
    together(model, &found.iter().map(|found| (&*all, found)).collect::<Vec<_>>(), today)
}

/// What is found of a network, in steps for whoever has something better to do meanwhile: goes on with what is `judged` so far of
/// this model and network until `stop` says so. `None` while something is left to do; each time a statement more is judged at least.
pub(in crate::prove) fn found(
    net: &mut Net,
    model: &Model,
    requires: bool,
    judged: &mut Vec<Judged>,
    stop: &dyn Fn() -> bool,
) -> Option<Found> {
    let is_stopped = net.start_machines();
    let chart = Chart::new(net);
    let mut needs = Needs::default();
    if !policy::judge_on(&chart, model, judged, &mut needs, stop) {
        return None;
    }
    let judged = policy::with_conflicts(&chart, model, std::mem::take(judged));
    let unneeded = if requires { unneeded_rules(&chart, model, &needs) } else { Some(vec![]) };
    let mut addresses = chart.net.interfaces.iter().flat_map(|i| &i.addresses);
    let has_public_addresses = addresses.any(|a| matches!(a.public, Some(Public::Known(_))));
    let has_ways_in = policy::has_ways_in(&chart);
    let told = judged.iter().map(|j| shared(j.diagnostics.clone())).collect();
    let (lints, unneeded) = (Lint::all(lints(&chart)), unneeded.map(Lint::all));
    Some(Found { judged, told, lints, unneeded, is_stopped, has_public_addresses, has_ways_in })
}

fn shared(diagnostics: Vec<Diagnostic>) -> Vec<Arc<Diagnostic>> {
    diagnostics.into_iter().map(Arc::new).collect()
}

/// What is to be said of a project of whose pieces all this is found, each with the numbers of its statements.
pub(in crate::prove) fn together(model: &Model, pieces: &[(&[usize], &Found)], today: Day) -> Verdicts {
    let mut numbered: Vec<(usize, &Judged, &Vec<Arc<Diagnostic>>)> = pieces
        .iter()
        .flat_map(|(numbers, f)| numbers.iter().zip(&f.judged).zip(&f.told).map(|((n, judged), told)| (*n, judged, told)))
        .collect();
    numbered.sort_by_key(|(n, ..)| *n);
    let mut judged: Vec<Judged> = numbered.iter().map(|(_, judged, _)| (*judged).clone()).collect();
    let is_stopped = pieces.iter().any(|(_, f)| f.is_stopped);
    judged.iter_mut().filter(|_| is_stopped).for_each(|j| j.assumptions.push(policy::STARTED));
    let mut diagnostics = shared(waiver::let_off(&mut judged, model, today));
    for (one, (.., told)) in judged.iter().zip(&numbered) {
        match one.waived {
            None => diagnostics.extend(told.iter().cloned()),
            // As it is let off.
            Some(_) => diagnostics.extend(shared(one.diagnostics.clone())),
        }
    }
    let is_told = pieces.iter().all(|(_, f)| f.unneeded.is_some());
    let unneeded = pieces.iter().filter(|_| is_told).flat_map(|(_, f)| f.unneeded.iter().flatten());
    let mut lints: Vec<&Lint> = pieces.iter().flat_map(|(_, f)| &f.lints).chain(unneeded).collect();
    // What is seen from several pieces is told once.
    lints.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.what.place().cmp(&b.what.place())));
    lints.dedup_by(|a, b| a.at == b.at && a.what == b.what);
    diagnostics.extend(lints.into_iter().map(|lint| lint.what.clone()));
    Verdicts { judged, diagnostics }
}
