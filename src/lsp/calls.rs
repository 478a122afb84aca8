//! The way of a packet, as a hierarchy of calls: what a statement's witness passes, with the lines that let it through; what gets to
//! an instance, and what it reaches. Layer 9.

use gen_lsp_types::{CallHierarchyIncomingCall, CallHierarchyItem, CallHierarchyOutgoingCall, SymbolKind};
use serde::{Deserialize, Serialize};

use crate::{
    base::span::Span,
    lsp::{
        command, place,
        session::{Project, Session},
    },
    net::Net,
    prove::{
        chart::Chart,
        policy::{Judged, Outcome},
        reach::{Flow, delta},
        trace::trace,
    },
    schema::model::{Model, Statement},
};

/// In networks with more interfaces nobody waits for all flows of one machine.
const INTERFACES_MAX: usize = 400;

/// What an item is about, as it comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum What {
    Statement,
    Machine,
}

#[derive(Debug, Serialize, Deserialize)]
struct Data {
    what: What,
    start: usize,
    end: usize,
}

/// The statement or the machine at a place.
pub(super) fn prepare(session: &Session<'_>, project: &Project, at: Span) -> Option<CallHierarchyItem> {
    let model = &project.opened.as_ref().ok()?.analysis.model;
    let holds = |span: Span| span.file() == at.file() && span.start() <= at.start() && at.start() <= span.end();
    if let Some(statement) = statements(model).find(|s| holds(s.span)) {
        let turns = project.verdicts()?.judged.iter().filter(|j| j.span == statement.span);
        let worst = turns.map(|j| j.outcome).max()?;
        let name = project.opened.as_ref().ok()?.analysis.sources.one_line(statement.span);
        return item(session, project, (statement.span, Some(What::Statement)), name, command::word(worst));
    }
    let machine = model.resources.values().find(|r| r.address.kind() == "instance" && !r.existing && r.span.is_some_and(holds))?;
    item(session, project, (machine.span?, Some(What::Machine)), machine.address.to_string(), "")
}

fn statements(model: &Model) -> impl Iterator<Item = &Statement> {
    model.policies.iter().flat_map(|p| &p.statements)
}

fn item(
    session: &Session<'_>,
    project: &Project,
    (span, what): (Span, Option<What>),
    name: String,
    detail: &str,
) -> Option<CallHierarchyItem> {
    let place = session.location(project, span)?;
    let data = what.and_then(|what| serde_json::to_value(Data { what, start: span.start(), end: span.end() }).ok());
    Some(CallHierarchyItem {
        name,
        kind: if what == Some(What::Statement) { SymbolKind::Interface } else { SymbolKind::Object },
        tags: None,
        detail: Some(detail.to_owned()).filter(|d| !d.is_empty()),
        uri: place.uri,
        range: place.range,
        selection_range: place.range,
        data,
    })
}

/// The project and the place that an item came from.
fn origin<'s>(session: &'s Session<'_>, item: &CallHierarchyItem) -> Option<(&'s Project, What, Span)> {
    let data: Data = serde_json::from_value(item.data.clone()?).ok()?;
    let (project, file) = session.of(&place::path_of(&item.uri)?).into_iter().next()?;
    Some((project, data.what, Span::new(file, data.start, data.end.max(data.start))))
}

/// What a statement's packet passes, in its order; what a machine reaches.
pub(super) fn outgoing(session: &Session<'_>, from: &CallHierarchyItem) -> Vec<CallHierarchyOutgoingCall> {
    let Some((project, what, at)) = origin(session, from) else { return vec![] };
    let called = |to: CallHierarchyItem| CallHierarchyOutgoingCall { to, from_ranges: vec![from.range] };
    match what {
        What::Statement => {
            let hops = hops(project, at);
            let one = |(text, place): (String, Option<Span>)| item(session, project, (place.unwrap_or(at), None), text, "");
            hops.into_iter().filter_map(one).map(called).collect()
        }
        What::Machine => {
            let own = names(project, at);
            let flows = all_flows(project).unwrap_or_default().into_iter().filter(|f| own.iter().any(|o| is_end(&f.from, &f.all_from, o)));
            let to = |flow: Flow| {
                let other =
                    if flow.destinations.is_empty() { flow.to.clone() } else { format!("{} ({})", flow.to, flow.destinations.join(", ")) };
                let lines: Vec<&str> = flow.lines.iter().filter(|l| !l.answer).map(|l| &*l.text).collect();
                let place = flow.lines.iter().filter(|l| !l.answer).find_map(|l| l.origin.span()).unwrap_or(at);
                item(session, project, (place, None), format!("{} to {other}", flow.service), &lines.join("; "))
            };
            flows.filter_map(to).map(called).collect()
        }
    }
}

/// What gets to a machine from the internet and from others, with the lines that let it through.
pub(super) fn incoming(session: &Session<'_>, to: &CallHierarchyItem) -> Vec<CallHierarchyIncomingCall> {
    let Some((project, What::Machine, at)) = origin(session, to) else { return vec![] };
    let own = names(project, at);
    let all = all_flows(project).unwrap_or_else(|| project.exposure().to_vec());
    let mut found = vec![];
    for flow in all.iter().filter(|f| own.iter().any(|o| is_end(&f.to, &f.all_to, o))) {
        let other = if flow.sources.is_empty() { flow.from.clone() } else { format!("{} ({})", flow.from, flow.sources.join(", ")) };
        let lines: Vec<&crate::prove::reach::LineAt> = flow.lines.iter().filter(|l| !l.answer).collect();
        let texts: Vec<&str> = lines.iter().map(|l| &*l.text).collect();
        let spans: Vec<Span> = lines.iter().filter_map(|l| l.origin.span()).collect();
        let place = spans.last().copied().unwrap_or(at);
        let ranges = spans.iter().filter(|s| s.file() == place.file()).filter_map(|s| session.range(project, *s));
        let from = item(session, project, (place, None), format!("{} from {other}", flow.service), &texts.join("; "));
        found.extend(from.map(|from| CallHierarchyIncomingCall { from, from_ranges: ranges.collect() }));
    }
    found
}

fn is_end(name: &str, all: &[std::sync::Arc<str>], own: &str) -> bool {
    name == own || all.iter().any(|one| &**one == own)
}

/// The addresses of a block's machines.
fn names(project: &Project, at: Span) -> Vec<String> {
    let Ok(opened) = &project.opened else { return vec![] };
    let own = opened.analysis.model.resources.values().filter(|r| r.span == Some(at) && !r.existing);
    own.map(|r| r.address.to_string()).collect()
}

/// All that reaches anything; `None` in a network so large that nobody would wait for it.
fn all_flows(project: &Project) -> Option<Vec<Flow>> {
    let net = project.network()?;
    if net.interfaces.len() > INTERFACES_MAX {
        return None;
    }
    let nothing = Net::default();
    let found = delta(&Chart::new(&nothing), &Chart::new(net));
    Some(found.added.into_iter().chain(found.unknown).collect())
}

/// The way of the packet that goes against a statement, or of one that shows what a proven `require` means.
fn hops(project: &Project, at: Span) -> Vec<(String, Option<Span>)> {
    let Some(verdicts) = project.verdicts() else { return vec![] };
    let own = || verdicts.judged.iter().filter(|j| j.span == at);
    let with = |judged: &Judged| judged.hops.iter().cloned().zip(judged.places.iter().copied()).collect();
    if let Some(bad) = own().find(|j| j.outcome != Outcome::Proven && !j.hops.is_empty()) {
        return with(bad);
    }
    let (Ok(opened), Some(net)) = (&project.opened, project.network()) else { return vec![] };
    let model = &opened.analysis.model;
    let chart = Chart::new(net);
    let required = statements(model).filter(|s| s.span == at && s.require);
    let pairs = required.flat_map(|s| s.from.iter().flat_map(move |from| s.to.iter().map(move |to| (s, from, to))));
    for (statement, from, to) in pairs {
        let traces = trace(&chart, model, from, to, &statement.services).unwrap_or_default();
        if let Some(first) = traces.into_iter().find(|t| !t.hops.is_empty()) {
            return first.hops.into_iter().zip(first.places).collect();
        }
    }
    vec![]
}
