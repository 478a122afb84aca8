//! Policies that a project lets itself off for a while. Layer 5.

use crate::{
    base::{
        codes::guard,
        date::Day,
        diagnostic::{Diagnostic, Severity},
    },
    prove::policy::{Judged, Outcome},
    schema::model::Model,
};

/// Lets off what is waived: a statement that is not proven no longer stops anything, and what is said of it are warnings.
/// Gives the waivers that have expired.
#[must_use]
pub fn let_off(judged: &mut [Judged], model: &Model, today: Day) -> Vec<Diagnostic> {
    let mut expired = vec![];
    for policy in &model.policies {
        let Some(waiver) = &policy.waiver else { continue };
        if waiver.until < today {
            let fails = judged.iter().any(|j| j.policy == policy.name && j.outcome != Outcome::Proven);
            let told = guard::waiver_expired(&policy.name, waiver.until, waiver.span);
            // One that nothing needs any more is only in the way.
            expired.push(if fails { told } else { Diagnostic { severity: Severity::Warning, ..told } });
            continue;
        }
        for one in judged.iter_mut().filter(|j| j.policy == policy.name && j.outcome != Outcome::Proven) {
            one.waived = Some(format!("until {}: {}", waiver.until, waiver.reason));
            one.diagnostics.iter_mut().for_each(|d| d.severity = Severity::Warning);
        }
    }
    expired
}
