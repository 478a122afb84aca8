//! Who may reach what, as a plan ends with it. Layer 6.

use crate::{
    plan::proof::{Flow, Line, Proof, Verdict},
    prove::policy::Outcome,
    state::Promise,
};

use super::{Page, Tint, clean};

/// How many lines are shown of those that cause a flow.
const LINES_MAX: usize = 8;

impl Page {
    /// What policies no longer demand stands above all else.
    pub(super) fn weakened(&mut self, weakened: &[Promise]) {
        if weakened.is_empty() {
            return;
        }
        self.line(Tint::Strong, "This change takes away or weakens what policies demand:", None);
        for promise in weakened {
            self.line(Tint::Delete, &format!("  ! {}: {}", clean(&promise.policy), clean(&promise.text)), None);
        }
        self.line(Tint::Plain, "An apply wants consent of its own for that: --accept-policy-change", None);
        self.text.push('\n');
    }

    /// What becomes reachable and what stops being so, then the policies.
    pub(super) fn proof(&mut self, proof: &Proof) {
        self.flows("Becomes reachable:", ('+', Tint::Change), &proof.added);
        self.flows("Stops being reachable:", ('-', Tint::Quiet), &proof.removed);
        self.flows("May change, and nobody can tell:", ('?', Tint::Delete), &proof.unknown);
        if proof.policies.is_empty() {
            return;
        }
        self.line(Tint::Plain, "Policies:", None);
        proof.policies.iter().for_each(|verdict| self.verdict(verdict));
        let mut assumed: Vec<&str> = vec![];
        for assumption in proof.policies.iter().filter(|v| v.outcome == Outcome::Proven).flat_map(|v| &v.assumptions) {
            if !assumed.contains(&assumption.as_str()) {
                assumed.push(assumption);
                self.line(Tint::Quiet, &format!("  assuming that {}", clean(assumption)), None);
            }
        }
        self.text.push('\n');
    }

    fn flows(&mut self, title: &str, (sign, tint): (char, Tint), flows: &[Flow]) {
        if flows.is_empty() {
            return;
        }
        self.line(Tint::Plain, title, None);
        for flow in flows {
            self.line(tint, &format!("  {sign} {}", sentence(flow)), None);
            // The way back often goes by the same lines.
            let mut lines: Vec<&Line> = vec![];
            for line in flow.lines.iter().filter(|l| l.changed || !l.answer) {
                if !lines.iter().any(|l| (&l.of, &l.text) == (&line.of, &line.text)) {
                    lines.push(line);
                }
            }
            // Where all of it changes, that goes without saying.
            let mixed = lines.iter().any(|l| l.changed) && !lines.iter().all(|l| l.changed);
            for line in lines.iter().take(LINES_MAX) {
                let mark = if line.changed && mixed { "  (changes)" } else { "" };
                self.line(Tint::Quiet, &format!("      {}: {}{mark}", clean(&line.of), clean(&line.text)), line.place.as_deref());
            }
            if let Some(more) = lines.len().checked_sub(LINES_MAX).filter(|n| *n > 0) {
                self.line(Tint::Quiet, &format!("      and {more} lines more"), None);
            }
        }
        self.text.push('\n');
    }

    fn verdict(&mut self, verdict: &Verdict) {
        let (word, tint) = match verdict.outcome {
            Outcome::Proven => ("proven ", Tint::Create),
            _ if verdict.waived.is_some() => ("waived ", Tint::Change),
            Outcome::Refuted => ("REFUTED", Tint::Delete),
            Outcome::Unknown => ("UNKNOWN", Tint::Delete),
        };
        let text = format!("  {word}  {}: {}", clean(&verdict.policy), clean(&verdict.statement));
        self.line(tint, &text, verdict.place.as_deref());
        if let Some(waived) = &verdict.waived {
            self.line(Tint::Change, &format!("           not proven, and waived {}", clean(waived)), None);
        }
    }
}

/// `tcp/22 from the internet (203.0.113.0/28) to instance.server`
fn sentence(flow: &Flow) -> String {
    let end = |name: &str, networks: &[String]| {
        let shown: Vec<&str> = networks.iter().take(3).map(String::as_str).collect();
        let more = networks.len().saturating_sub(shown.len());
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        // All of the internet is what its name says.
        if shown.is_empty() || shown == ["0.0.0.0/0"] || shown == ["0.0.0.0/0", "::/0"] {
            clean(name)
        } else {
            format!("{} ({}{more})", clean(name), shown.join(", "))
        }
    };
    let doubt = flow.doubt.as_ref().map_or_else(String::new, |d| format!("; {}", clean(d)));
    format!("{} from {} to {}{doubt}", flow.service, end(&flow.from, &flow.sources), end(&flow.to, &flow.destinations))
}

/// `Policies: 3 of 3 statements proven.`; nothing where there are none.
pub(super) fn summary(proof: &Proof) -> Option<String> {
    let all = proof.policies.len();
    let proven = proof.policies.iter().filter(|v| v.outcome == Outcome::Proven).count();
    let waived = all - proven - proof.failing().count();
    let waived = if waived == 0 { String::new() } else { format!(", {waived} waived") };
    (all > 0).then(|| format!("Policies: {proven} of {all} statements proven{waived}."))
}
