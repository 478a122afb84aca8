//! What `plan --check-permissions` does: asks EC2 for the permissions that a plan needs. Layer 10.

use crate::{
    apply::{
        permit::{self, Finding, Verdict},
        reads,
    },
    base::{codes::permission as codes, diagnostic::Diagnostic},
    call::{ApiError, Driver},
    cli::{
        load::Texts,
        session::Session,
        target::{Place, Reading},
    },
    iam::{self, Scope, document::Statement},
    plan::Plan,
    schema::model::Model,
};

/// Where a session is.
pub fn scope(session: &Session) -> Scope {
    let state = &session.state;
    // A project that was never applied gets its lineage with its first apply.
    let lineage = (state.serial > 0).then(|| state.lineage.clone());
    Scope { region: session.driver.region().to_owned(), account: state.account.clone(), lineage }
}

/// Refuses to ask where asking may do what is asked about.
///
/// # Errors
/// An endpoint stands in for AWS, of which nobody knows what it makes of `DryRun`.
pub fn can_ask(place: &Place) -> Result<(), Diagnostic> {
    let Some(url) = &place.endpoint_url else { return Ok(()) };
    let host = url.trim_start_matches("https://").split(['/', ':']).next().unwrap_or_default();
    let is_aws = [".amazonaws.com", ".amazonaws.com.cn"].iter().any(|end| host.ends_with(end));
    if is_aws { Ok(()) } else { Err(codes::no_dry_run(url)) }
}

/// Asks for what a refresh reads, before there is one.
pub async fn reads(session: &Session, model: &Model, deep: bool) -> Vec<Finding> {
    let told = |action: &str| session.tell_asking(action);
    let mut findings = vec![];
    for (site, requests) in reads::by_site(model, &session.state, deep, []) {
        findings.extend(permit::reads(&*session.driver, site.as_ref(), &requests, &scope(session), &told).await);
    }
    findings
}

/// Whether a plan can be made though something may not be read.
pub async fn can_plan(session: &Session, model: &Model, texts: &Texts, reading: Reading) -> bool {
    session.plan(model, texts, reading).await.is_ok()
}

/// Asks for what the plan does, besides what was asked before.
pub async fn calls(session: &Session, model: &Model, plan: &Plan, mut findings: Vec<Finding>, deep: bool) -> Vec<Finding> {
    let scope = Scope { account: plan.account.clone(), ..scope(session) };
    let told = |action: &str| session.tell_asking(action);
    let calls = plan.tasks.iter().flat_map(|task| &task.calls);
    for (site, mut rest) in reads::by_site(model, &session.state, deep, calls) {
        let known = |action: &str| findings.iter().any(|f| f.site == site && f.need.action.strip_prefix("ec2:") == Some(action));
        rest.retain(|request| !known(&request.action));
        findings.extend(permit::reads(&*session.driver, site.as_ref(), &rest, &scope, &told).await);
    }
    findings.extend(permit::calls(&*session.driver, plan, &scope, &told).await);
    findings
}

/// Whether anything is not permitted.
pub fn denied(findings: &[Finding]) -> bool {
    findings.iter().any(|f| matches!(f.verdict, Verdict::Denied(_)))
}

/// What is not permitted, and what is not known.
pub fn diagnostics(findings: &[Finding]) -> Vec<Diagnostic> {
    let told = |f: &Finding| match &f.verdict {
        Verdict::Allowed => None,
        Verdict::Denied(error) => {
            Some(codes::not_permitted(&f.need.action, f.site.as_ref(), &error.to_string(), &Statement::of(&f.need).line()))
        }
        Verdict::Unknown(why) => Some(codes::not_asked(&f.need.action, f.site.as_ref(), why)),
    };
    findings.iter().filter_map(told).collect()
}

/// That a role may not be assumed.
pub fn no_role(role: &str, error: &ApiError) -> Diagnostic {
    codes::not_permitted("sts:AssumeRole", None, &error.to_string(), &Statement::of(&iam::of_role(role)).line())
}

/// That all is well.
pub fn summary(findings: &[Finding]) -> String {
    let allowed = findings.iter().filter(|f| f.verdict == Verdict::Allowed).count();
    format!("Permissions: {allowed} of {} asked about are there; nothing was changed.", findings.len())
}
