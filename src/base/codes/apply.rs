//! E05: applying.

use crate::base::diagnostic::Diagnostic;

crate::codes! {
    TASK_FAILED = "E0501" "a step of an apply has failed"
"EC2 has refused a call, or something did not become ready in time. What the step had done until then is in the state, and so
is everything that was done before it. Steps that need the failed one were not started; all others were carried out.

What can pass by itself was tried again before it was called a failure: throttling, things that EC2 does not see yet or
does not let go of yet, answers that were lost. See to the cause and apply again; the next plan starts from what stands.";
    PLAN_STALE = "E0502" "the state has changed since the plan was made"
"A plan is a list of calls that lead from one state to the next. After another apply they would lead elsewhere, so secnet
does not carry them out.

Plan again.";
}

/// [`TASK_FAILED`]: what was tried (`create vpc.main`), and why it failed.
#[must_use]
pub fn task_failed(title: &str, why: &str, help: Option<&str>) -> Diagnostic {
    let diagnostic = Diagnostic::error(&TASK_FAILED, format!("could not {title}: {why}"));
    match help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

/// [`PLAN_STALE`]
#[must_use]
pub fn plan_is_stale(why: &str) -> Diagnostic {
    Diagnostic::error(&PLAN_STALE, format!("the plan does not fit the state: {why}")).help("plan again")
}
