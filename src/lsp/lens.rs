//! What stands over a line: of a policy's statement whether it holds, of an instance what the internet reaches on it, of a rule
//! who uses it. Layer 9.
//!
//! Where lenses stand is cheap to say; what they say is worked out for those that an editor is about to show.

use std::collections::BTreeSet;

use gen_lsp_types::{CodeLens, Command};
use serde::{Deserialize, Serialize};

use crate::{
    base::{
        address::Address,
        span::{FileId, Span},
    },
    lsp::{
        command, place,
        session::{Project, Session},
    },
    prove::{
        policy::{Judged, Outcome},
        reach::Flow,
        uses::uses,
    },
    schema::model::Resource,
};

/// How many flows are named in a lens.
const FLOWS_MAX: usize = 3;

/// What a lens is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum What {
    Statement,
    Machine,
    Rule,
}

/// What comes back with a lens that is to be shown.
#[derive(Debug, Serialize, Deserialize)]
struct Data {
    uri: String,
    what: What,
    start: usize,
    end: usize,
}

/// The lenses of a source, without their words. There are none while it has errors: nothing can be proved then.
pub(super) fn lenses(session: &Session<'_>, project: &Project, file: FileId) -> Vec<CodeLens> {
    let Some(opened) = project.opened.as_ref().ok().filter(|o| !o.analysis.has_errors()) else { return vec![] };
    let model = &opened.analysis.model;
    let mut places: BTreeSet<(Span, What)> = BTreeSet::new();
    places.extend(model.policies.iter().flat_map(|p| &p.statements).map(|s| (s.span, What::Statement)));
    for resource in model.resources.values().filter(|r| !r.existing) {
        if resource.address.kind() == "instance" {
            places.extend(resource.span.map(|span| (span, What::Machine)));
        }
        let rules = resource.sentences.iter().filter(|s| matches!(s.head, "ingress" | "egress"));
        places.extend(rules.map(|s| (s.span, What::Rule)));
    }
    let Some(uri) = project.path(file).map(|path| session.uri(path).0) else { return vec![] };
    let one = |(span, what): (Span, What)| {
        let data = Data { uri: uri.clone(), what, start: span.start(), end: span.end() };
        Some(CodeLens { range: session.range(project, span)?, command: None, data: serde_json::to_value(data).ok() })
    };
    places.into_iter().filter(|(span, _)| span.file() == file).filter_map(one).collect()
}

/// A lens with its words.
pub(super) fn resolved(session: &Session<'_>, lens: CodeLens) -> CodeLens {
    let data: Option<Data> = lens.data.clone().and_then(|data| serde_json::from_value(data).ok());
    let told = data.and_then(|data| {
        let uri = gen_lsp_types::Uri(data.uri.clone());
        let (project, file) = session.of(&place::path_of(&uri)?).into_iter().next()?;
        let at = Span::new(file, data.start, data.end.max(data.start));
        match data.what {
            What::Statement => statement(project, at, &data),
            What::Machine => machine(project, at).map(plain),
            What::Rule => rule(project, at).map(plain),
        }
    });
    // The text is another one by now, and the editor is about to ask anew.
    CodeLens { command: Some(told.unwrap_or_else(|| plain("...".into()))), ..lens }
}

/// Words that lead nowhere.
fn plain(title: String) -> Command {
    Command { title, tooltip: None, command: String::new(), arguments: None }
}

/// Whether a statement holds; if not, the witness is one click away.
fn statement(project: &Project, at: Span, data: &Data) -> Option<Command> {
    let turns: Vec<&Judged> = project.verdicts()?.judged.iter().filter(|j| j.span == at).collect();
    let first = turns.first()?;
    let title = holds(&turns);
    if turns.iter().all(|j| j.outcome == Outcome::Proven) {
        return Some(plain(title)).filter(|_| !first.policy.is_empty());
    }
    let arguments = vec![data.uri.clone().into(), data.start.into(), data.end.into()];
    let tooltip = Some("show the packet and its way".to_owned());
    Some(Command { title, tooltip, command: command::WITNESS.into(), arguments: Some(arguments) })
}

/// Whether a statement holds, in all its turns.
fn holds(turns: &[&Judged]) -> String {
    let bad: Vec<&&Judged> = turns.iter().filter(|j| j.outcome != Outcome::Proven).collect();
    let Some(first) = bad.first() else { return "proven".into() };
    let verdict = command::word(first.outcome);
    let mut title = verdict.to_owned();
    if turns.len() > 1 {
        title.push_str(&format!(" in {} of {} turns", bad.len(), turns.len()));
    }
    let why = first.reason.as_ref().map(|r| format!(": {r}")).or_else(|| first.packet.as_ref().map(|p| format!(", for example {p}")));
    title.push_str(&why.unwrap_or_default());
    first.waived.iter().for_each(|waived| title.push_str(&format!("; waived {waived}")));
    title
}

/// What the internet reaches on the instances of a block.
fn machine(project: &Project, at: Span) -> Option<String> {
    let model = &project.opened.as_ref().ok()?.analysis.model;
    let own: Vec<&Address> = model.resources.values().filter(|r| r.span == Some(at) && !r.existing).map(|r| &r.address).collect();
    if own.is_empty() {
        return None;
    }
    let around = project.around(own.iter().copied());
    let all = around.as_ref().map_or_else(|| project.exposure(), |around| &around.exposure);
    let reaches = |f: &&Flow| own.iter().any(|own| f.to == own.as_str() || f.all_to.iter().any(|to| **to == *own.as_str()));
    let flows: Vec<&Flow> = all.iter().filter(reaches).collect();
    if flows.is_empty() {
        return Some("the internet does not reach it".into());
    }
    let one = |flow: &&Flow| format!("{} from {}{}", doubted(flow, &flow.service), flow.sources.join(", "), one_way(flow));
    Some(format!("reachable from the internet: {}", listed(flows.iter().map(one))))
}

/// Who uses a rule.
fn rule(project: &Project, at: Span) -> Option<String> {
    let model = &project.opened.as_ref().ok()?.analysis.model;
    let carries = |r: &&Resource| r.sentences.iter().any(|s| s.span == at);
    let around = project.around(model.resources.values().filter(carries).map(|r| &r.address));
    let found = match &around {
        Some(around) => uses(&around.network, at)?,
        None => uses(project.network()?, at)?,
    };
    let (word, join) = if found.inbound { ("lets in", "from") } else { ("lets out", "to") };
    let Some(flows) = found.flows else { return Some(format!("{word}: too many to be told here")) };
    if flows.is_empty() {
        return Some("nothing uses this".into());
    }
    let one = |flow: &Flow| {
        let (other, networks, own) =
            if found.inbound { (&flow.from, &flow.sources, &flow.to) } else { (&flow.to, &flow.destinations, &flow.from) };
        let other = if networks.is_empty() { other.clone() } else { networks.join(", ") };
        let (own_join, own) = if found.inbound { ("to", own) } else { ("from", own) };
        format!("{} {join} {other} {own_join} {own}{}", doubted(flow, &flow.service), one_way(flow))
    };
    Some(format!("{word}: {}", listed(flows.iter().map(one))))
}

fn doubted(flow: &Flow, service: &str) -> String {
    format!("{}{service}", if flow.doubt.is_some() { "perhaps " } else { "" })
}

fn one_way(flow: &Flow) -> &'static str {
    if flow.answered { "" } else { ", one way" }
}

/// The first few, and how many more there are.
fn listed(all: impl Iterator<Item = String>) -> String {
    let mut texts: Vec<String> = all.collect();
    texts.dedup();
    let more = texts.len().saturating_sub(FLOWS_MAX);
    texts.truncate(FLOWS_MAX);
    let more = if more == 0 { String::new() } else { format!("; and {more} more") };
    format!("{}{more}", texts.join("; "))
}
