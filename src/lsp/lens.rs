//! What stands over a line: of a policy's statement whether it holds, of an instance what the internet reaches on it. Layer 9.

use std::collections::BTreeMap;

use gen_lsp_types::{CodeLens, Command, Range};

use crate::{
    base::span::{FileId, Span},
    lsp::session::{Project, Session},
    prove::{
        policy::{Judged, Outcome},
        reach::Flow,
    },
};

/// How many flows are named over an instance.
const FLOWS_MAX: usize = 3;

/// The lenses of a source. There are none while it has errors: nothing can be proved then.
pub(super) fn lenses(session: &Session<'_>, project: &Project, file: FileId) -> Vec<CodeLens> {
    let Some(verdicts) = project.verdicts() else { return vec![] };
    let mut statements: BTreeMap<Span, Vec<&Judged>> = BTreeMap::new();
    for judged in verdicts.judged.iter().filter(|j| j.span.file() == file) {
        statements.entry(judged.span).or_default().push(judged);
    }
    let held = statements.iter().map(|(span, turns)| (*span, holds(turns)));
    let all = held.chain(reached(project, file));
    all.filter_map(|(span, title)| Some(lens(session.range(project, span)?, title))).collect()
}

fn lens(range: Range, title: String) -> CodeLens {
    let command = Command { title, tooltip: None, command: String::new(), arguments: None };
    CodeLens { range, command: Some(command), data: None }
}

/// Whether a statement holds, in all its turns.
fn holds(turns: &[&Judged]) -> String {
    let bad: Vec<&&Judged> = turns.iter().filter(|j| j.outcome != Outcome::Proven).collect();
    let Some(first) = bad.first() else { return "proven".into() };
    let verdict = match first.outcome {
        Outcome::Proven => "proven",
        Outcome::Refuted => "refuted",
        Outcome::Unknown => "unknown",
    };
    let mut title = verdict.to_owned();
    if turns.len() > 1 {
        title.push_str(&format!(" in {} of {} turns", bad.len(), turns.len()));
    }
    let why = first.reason.as_ref().map(|r| format!(": {r}")).or_else(|| first.packet.as_ref().map(|p| format!(", for example {p}")));
    title.push_str(&why.unwrap_or_default());
    first.waived.iter().for_each(|waived| title.push_str(&format!("; waived {waived}")));
    title
}

/// What the internet reaches on the instances of each block.
fn reached(project: &Project, file: FileId) -> Vec<(Span, String)> {
    let Ok(opened) = &project.opened else { return vec![] };
    let mut blocks: BTreeMap<Span, Vec<&Flow>> = BTreeMap::new();
    for resource in opened.analysis.model.resources.values().filter(|r| r.address.kind() == "instance" && !r.existing) {
        let Some(span) = resource.span.filter(|s| s.file() == file) else { continue };
        let address = resource.address.as_str();
        let flows = project.exposure().iter().filter(|f| f.to == address || f.all_to.iter().any(|to| &**to == address));
        let own = blocks.entry(span).or_default();
        flows.for_each(|flow| own.extend((!own.contains(&flow)).then_some(flow)));
    }
    blocks.into_iter().map(|(span, flows)| (span, in_words(&flows))).collect()
}

fn in_words(flows: &[&Flow]) -> String {
    if flows.is_empty() {
        return "the internet does not reach it".into();
    }
    let one = |flow: &&&Flow| {
        let doubt = if flow.doubt.is_some() { "perhaps " } else { "" };
        let way = if flow.answered { "" } else { ", one way" };
        format!("{doubt}{} from {}{way}", flow.service, flow.sources.join(", "))
    };
    let more = flows.len().saturating_sub(FLOWS_MAX);
    let more = if more == 0 { String::new() } else { format!("; and {more} more") };
    format!("reachable from the internet: {}{more}", flows.iter().take(FLOWS_MAX).map(|f| one(&f)).collect::<Vec<_>>().join("; "))
}
