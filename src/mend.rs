//! Edits of the sources after which a refuted statement is proven. Layer 6, over syntax, analysis and prove.
//!
//! Nothing is offered that was not tried: whoever calls reads the project with the edits and proves it anew, and what holds no
//! more after them is said. So no edit makes one policy true by breaking another one unnoticed.

use std::sync::Arc;

use crate::{
    base::{diagnostic::Fix, service::Service, source::Sources, span::Span},
    prove::{
        policy::{Judged, Outcome, less},
        verdict::Verdicts,
    },
    syntax::ast::{Body, Entry, Expr, ExprKind, File, Item, Sentence, Term},
};

/// How often edits are tried for one statement, at the most.
const TRIES_MAX: usize = 12;
/// How many lines are taken out together, and how often a mended network is mended again.
const ROUNDS_MAX: usize = 4;

/// Edits that make a statement hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remedy {
    /// What they do, as an imperative.
    pub title: String,
    /// All of them together.
    pub edits: Vec<Fix>,
    /// What was proven and is not after them: policies, each once.
    pub loses: Vec<String>,
}

/// A project as it was read, and how to read it with edits.
pub struct Case<'c> {
    /// What was proved of it.
    pub verdicts: &'c Verdicts,
    /// Its texts.
    pub sources: &'c Sources,
    /// The same, parsed.
    pub files: &'c [Arc<File>],
    /// How many tries may be spent; no more than a dozen are.
    pub tries: usize,
    /// What is proved of it with edits; `None` where it has errors then.
    pub attempt: &'c dyn Fn(&[Fix]) -> Option<Verdicts>,
}

/// What makes the statement at a place hold: those that cost nothing first.
#[must_use]
pub fn remedies(case: &Case<'_>, statement: Span) -> Vec<Remedy> {
    let refuted = case.verdicts.judged.iter().find(|j| j.span == statement && j.outcome == Outcome::Refuted);
    let Some(refuted) = refuted else { return vec![] };
    let mut search = Search { case, statement, left: case.tries.min(TRIES_MAX), found: vec![] };
    if refuted.lets.is_empty() {
        search.add(refuted)
    } else {
        search.take(refuted)
    }
    search.found.sort_by_key(|remedy| remedy.loses.len());
    search.found
}

struct Search<'s, 'c> {
    case: &'s Case<'c>,
    statement: Span,
    left: usize,
    found: Vec<Remedy>,
}

impl Search<'_, '_> {
    /// What is proved with edits, as long as tries are left; a project that has errors then is no way out.
    fn attempt(&mut self, edits: &[Fix]) -> Option<Verdicts> {
        self.left = self.left.checked_sub(1)?;
        let after = (self.case.attempt)(edits)?;
        let same = |(a, b): (&Judged, &Judged)| a.policy == b.policy && a.turn == b.turn;
        let all = &self.case.verdicts.judged;
        (all.len() == after.judged.len() && all.iter().zip(&after.judged).all(same)).then_some(after)
    }

    /// Whether the statement is proven, in all its turns.
    fn holds(&self, after: &Verdicts) -> bool {
        let own = self.case.verdicts.judged.iter().zip(&after.judged).filter(|(before, _)| before.span == self.statement);
        own.map(|(_, after)| after).all(|j| j.outcome == Outcome::Proven)
    }

    /// The policies that lose a statement that was proven.
    fn lost(&self, after: &Verdicts) -> Vec<String> {
        let all = self.case.verdicts.judged.iter().zip(&after.judged);
        let lost = all.filter(|(before, after)| before.outcome == Outcome::Proven && after.outcome != Outcome::Proven);
        let mut names: Vec<String> = lost.map(|(before, _)| before.policy.clone()).collect();
        names.dedup();
        names
    }

    fn offer(&mut self, title: String, edits: Vec<Fix>, after: &Verdicts) {
        let loses = self.lost(after);
        let remedy = Remedy { title, edits, loses };
        if !self.found.iter().any(|known| known.edits == remedy.edits) {
            self.found.push(remedy);
        }
    }

    /// Takes away, or narrows, what lets a packet pass.
    fn take(&mut self, refuted: &Judged) {
        let cut: Vec<Service> =
            refuted.flows.iter().flat_map(|f| &f.services).filter_map(|s| Service::parse(s.split_whitespace().next()?).ok()).collect();
        for line in &refuted.lets {
            self.drop(*line);
        }
        for line in &refuted.lets {
            let Some(sentence) = sentence(self.case.files, *line) else { continue };
            for (title, edits) in narrowed(self.case, sentence, self.statement, &cut) {
                let Some(after) = self.attempt(&edits).filter(|after| self.holds(after)) else { continue };
                self.offer(title, edits, &after);
                break;
            }
        }
    }

    /// Takes a line out, and those that then let the same pass.
    fn drop(&mut self, line: Span) {
        let mut out = vec![line];
        for _ in 0..ROUNDS_MAX {
            // Blanks in their place leave everything else where it stands.
            let blank: Vec<Fix> = out.iter().map(|span| Fix { span: *span, replacement: blank(self.case.sources.text(*span)) }).collect();
            let Some(after) = self.attempt(&blank) else { return };
            if self.holds(&after) {
                let texts: Vec<String> = out.iter().map(|span| format!("`{}`", self.case.sources.one_line(*span))).collect();
                let edits = out.iter().map(|span| Fix { span: whole(self.case.sources, *span), replacement: String::new() }).collect();
                return self.offer(format!("take out {}", texts.join(" and ")), edits, &after);
            }
            let own = after.judged.iter().find(|j| j.span == self.statement && j.outcome == Outcome::Refuted);
            let Some(next) = own.and_then(|j| j.lets.iter().find(|next| !out.contains(next)).copied()) else { return };
            out.push(next);
        }
    }

    /// Adds what lacks.
    fn add(&mut self, refuted: &Judged) {
        let mut edits: Vec<Fix> = vec![];
        let mut words: Vec<String> = vec![];
        let mut now = (refuted.mend.clone(), fixes(refuted));
        for _ in 0..ROUNDS_MAX {
            let (said, more) = now;
            if more.is_empty() {
                return;
            }
            words.extend(said.into_iter().filter(|w| !words.contains(w)).collect::<Vec<_>>());
            edits = together(&edits, &more);
            let Some(after) = self.attempt(&edits) else { return };
            if self.holds(&after) {
                return self.offer(words.join("; "), edits, &after);
            }
            let own = self.case.verdicts.judged.iter().zip(&after.judged).filter(|(before, _)| before.span == self.statement);
            let Some(next) = own.map(|(_, now)| now).find(|j| j.outcome == Outcome::Refuted) else { return };
            now = (next.mend.clone(), fixes(next));
        }
    }
}

/// The edits that the prover proposes.
fn fixes(refuted: &Judged) -> Vec<Fix> {
    let mut all: Vec<Fix> = vec![];
    for fix in refuted.diagnostics.iter().flat_map(|d| &d.fixes) {
        all.extend((!all.contains(fix)).then(|| fix.clone()));
    }
    all
}

/// Edits of a text, and edits of what comes of it, as edits of the first.
fn together(first: &[Fix], then: &[Fix]) -> Vec<Fix> {
    let mut all = first.to_vec();
    for fix in then {
        let (start, end) = (before(first, fix.span, fix.span.start()), before(first, fix.span, fix.span.end()));
        all.push(Fix { span: Span::new(fix.span.file(), start.min(end), end), replacement: fix.replacement.clone() });
    }
    all
}

/// Where a place in a text was before edits; within what they wrote, where that was written.
fn before(edits: &[Fix], of: Span, place: usize) -> usize {
    let mut own: Vec<&Fix> = edits.iter().filter(|e| e.span.file() == of.file()).collect();
    own.sort_by_key(|e| e.span.start());
    let (mut grown, mut cut) = (0, 0);
    for edit in own {
        let start = edit.span.start() + grown - cut;
        if place < start {
            break;
        }
        if place < start + edit.replacement.len() {
            return edit.span.start();
        }
        grown += edit.replacement.len();
        cut += edit.span.len();
    }
    (place + cut).saturating_sub(grown)
}

fn blank(text: &str) -> String {
    text.bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }).collect()
}

/// A statement with its line, where it has that for itself.
fn whole(sources: &Sources, span: Span) -> Span {
    let text = sources.get(span.file()).map_or("", |f| &f.text);
    let (before, after) = (text.get(..span.start()).unwrap_or_default(), text.get(span.end()..).unwrap_or_default());
    let start = before.rfind('\n').map_or(0, |n| n + 1);
    let rest = after.find('\n').map_or(after.len(), |n| n + 1);
    let alone = before.get(start..).is_some_and(|b| b.trim().is_empty());
    let ends = after.get(..rest).map(str::trim).is_some_and(|a| a.is_empty() || a.starts_with('#') || a.starts_with("//"));
    if alone && ends {
        return Span::new(span.file(), start, span.end() + rest);
    }
    let blanks = before.len() - before.trim_end_matches(' ').len();
    Span::new(span.file(), span.start() - blanks, span.end())
}

/// The sentence at a place.
#[must_use]
pub fn sentence(files: &[Arc<File>], at: Span) -> Option<&Sentence> {
    let file = files.get(usize::from(at.file().0))?;
    let items = file.items.iter().filter(|item| item.span().start() <= at.start() && at.end() <= item.span().end());
    items.filter_map(body).find_map(|body| within(body, at))
}

/// What stands between the braces of a statement, if it has any.
#[must_use]
pub fn body(item: &Item) -> Option<&Body> {
    Some(match item {
        Item::Project(p) => &p.body,
        Item::Resource(b) | Item::Existing(b) => &b.body,
        Item::Policy(p) => &p.body,
        Item::Module(m) => &m.body,
        Item::Extend(e) => &e.body,
        Item::Test(t) => &t.body,
        Item::Env(e) => &e.body,
        Item::Variable(v) => v.body.as_ref()?,
        Item::Output(o) => o.body.as_ref()?,
        Item::Let(_) | Item::Moved(_) | Item::Waive(_) | Item::Import(_) | Item::Forget(_) | Item::Neighbour(_) => return None,
    })
}

fn within(body: &Body, at: Span) -> Option<&Sentence> {
    body.entries.iter().find_map(|entry| match entry {
        Entry::Sentence(sentence) if sentence.span == at => Some(sentence),
        Entry::Sentence(_) | Entry::Attribute(_) | Entry::With(_) => None,
        Entry::Block(block) => within(&block.body, at),
        Entry::For(block) => within(&block.body, at),
        Entry::If(block) => within(&block.body, at).or_else(|| block.otherwise.as_ref().and_then(|other| within(other, at))),
    })
}

/// The expressions of a sentence.
fn exprs(sentence: &Sentence) -> Vec<&Expr> {
    sentence.terms.iter().filter_map(|t| if let Term::Expr(e) = t { Some(e) } else { None }).collect()
}

fn is_word(expr: &Expr, words: &[&str]) -> bool {
    matches!(&expr.kind, ExprKind::Name(name) if words.contains(&&**name))
}

/// A service that is written out.
fn literal(expr: &Expr) -> Option<Service> {
    match &expr.kind {
        ExprKind::Service(text) | ExprKind::Name(text) => Service::parse(text).ok(),
        _ => None,
    }
}

/// From the first to the last of some expressions.
fn around(exprs: &[&Expr]) -> Option<Span> {
    Some(exprs.first()?.span.to(exprs.last()?.span))
}

/// The parts of a rule: its services, and whom it names.
fn parts<'e>(exprs: &[&'e Expr]) -> Option<(Vec<&'e Expr>, Vec<&'e Expr>)> {
    let join = exprs.iter().position(|e| is_word(e, &["from", "to"]))?;
    let services = exprs.get(..join)?.iter().rev().take_while(|e| literal(e).is_some()).copied();
    let mut services: Vec<&Expr> = services.collect();
    services.reverse();
    let peers = exprs.get(join + 1..)?.iter().take_while(|e| !matches!(e.kind, ExprKind::Text(_))).copied().collect();
    Some((services, peers))
}

/// What a `forbid` excepts: texts of the services and of those whom it names.
fn exceptions(case: &Case<'_>, forbid: &Sentence) -> Vec<(String, Option<String>)> {
    let all = exprs(forbid);
    let after = all.iter().skip_while(|e| !is_word(e, &["except"])).filter(|e| !is_word(e, &["except"]));
    let mut clauses: Vec<(Vec<&Expr>, Option<Vec<&Expr>>)> = vec![];
    for expr in after.take_while(|e| !is_word(e, &["client", "during"])) {
        match clauses.last_mut() {
            Some((_, from @ None)) if is_word(expr, &["from"]) => *from = Some(vec![]),
            // A service after those who are named begins another one.
            Some((_, Some(from))) if literal(expr).is_none() => from.push(expr),
            Some((services, None)) => services.push(expr),
            _ => clauses.push((vec![expr], None)),
        }
    }
    let text = |of: &[&Expr]| around(of).map(|span| case.sources.text(span).to_owned());
    clauses.iter().filter_map(|(services, from)| Some((text(services)?, from.as_deref().and_then(text)))).collect()
}

/// Ways to let less pass by a rule, each with its words.
fn narrowed(case: &Case<'_>, rule: &Sentence, statement: Span, cut: &[Service]) -> Vec<(String, Vec<Fix>)> {
    let all = exprs(rule);
    let Some((services, peers)) = parts(&all) else { return vec![] };
    let mut found = vec![];
    let said = case.sources.one_line(rule.span);
    let mut add = |edits: Vec<Fix>| {
        let mut text = case.sources.text(rule.span).to_owned();
        for edit in edits.iter().rev() {
            let (start, end) = (edit.span.start() - rule.span.start(), edit.span.end() - rule.span.start());
            text.replace_range(start..end, &edit.replacement);
        }
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        found.push((format!("narrow `{said}` to `{text}`"), edits));
    };
    let exceptions = sentence(case.files, statement).map(|forbid| exceptions(case, forbid)).unwrap_or_default();
    for (service, from) in exceptions {
        let peers = from.zip(around(&peers)).map(|(text, span)| Fix { span, replacement: text });
        let services = around(&services).map(|span| Fix { span, replacement: service });
        peers.iter().for_each(|peers| add(vec![peers.clone()]));
        add(services.iter().chain(&peers).cloned().collect());
    }
    if let ([service], Some(span)) = (&*services, around(&services))
        && let Some(left) = literal(service).and_then(|s| less(&s, cut)).filter(|left| !left.is_empty())
    {
        let texts: Vec<String> = left.iter().map(ToString::to_string).collect();
        let replacement = if let [one] = &*texts { one.clone() } else { format!("[{}]", texts.join(", ")) };
        add(vec![Fix { span, replacement }]);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::span::FileId;

    #[test]
    fn places_lead_back_through_edits() {
        let at = |start, end| Span::new(FileId(0), start, end);
        let fix = |start, end, text: &str| Fix { span: at(start, end), replacement: text.into() };
        // `0123456789` becomes `01ab234789`.
        let edits = [fix(2, 2, "ab"), fix(5, 7, "")];
        let back: Vec<usize> = (0..11).map(|n| before(&edits, at(0, 0), n)).collect();
        assert_eq!(back, [0, 1, 2, 2, 2, 3, 4, 7, 8, 9, 10]);
        let all = together(&edits, &[fix(8, 9, "X")]);
        assert_eq!(all.last(), Some(&fix(8, 9, "X")));
    }
}
