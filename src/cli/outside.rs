//! What goes wrong outside, as messages. Layer 10.

use crate::{
    apply::{ReadError, refresh},
    base::{
        codes::{environment as codes, site as site_codes, state as state_codes},
        diagnostic::Diagnostic,
    },
    call::{Class, Driver, beside},
    cli::permission,
    schema::model,
};

/// Regions, to guess which was meant when one cannot be reached; never to refuse one that is newer than this list
/// (<https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html>).
const REGIONS: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];

/// A read that failed, with what to do about it.
#[must_use]
pub fn read_failed(error: &ReadError, driver: &dyn Driver) -> Diagnostic {
    let (action, said) = (&*error.action, error.error.to_string());
    let region = driver.region();
    match error.error.class {
        Class::Unreachable if driver.describe() == "AWS" && !REGIONS.contains(&region) => unknown_region(region),
        Class::Unreachable => codes::unreachable(&said),
        Class::Ambiguous => codes::no_answer(action, &said),
        Class::Denied if error.error.code.is_empty() => codes::no_credentials(&said),
        Class::Denied => codes::denied(action, &said),
        _ => codes::refused(action, &said),
    }
}

/// A region that nobody has heard of.
#[must_use]
pub fn unknown_region(region: &str) -> Diagnostic {
    codes::no_such_region(region, REGIONS.iter().copied())
}

/// Every account is the one that its block says, before anything else is asked of it.
///
/// # Errors
/// The credentials are for another account, or cannot be used.
pub async fn check_accounts(driver: &dyn Driver, project: &model::Project, own: Option<&str>) -> Result<(), Diagnostic> {
    for account in &project.accounts {
        let site = &account.site;
        if own == Some(site.account()) && driver.region() == site.region() {
            return Err(site_codes::account_twice(&site.to_string(), account.span, project.span));
        }
        let failed = |error: &ReadError| read_failed(error, driver);
        let there = beside(driver, site).map_err(|error| failed(&ReadError { action: "GetCallerIdentity".into(), error }))?;
        let who = refresh::who(&*there).await.map_err(|e| match &account.role {
            // Nobody needs a permission to ask who they are: it is the role that they may not assume.
            Some(role) if e.error.class == Class::Denied && !e.error.code.is_empty() => {
                permission::no_role(role, &e.error).at(account.span, "to get here")
            }
            _ => failed(&e),
        })?;
        match who {
            Some(actual) if actual == site.account() => {}
            actual => {
                let whose = format!("`account.{}`", account.name);
                return Err(
                    state_codes::wrong_account(&whose, site.account(), actual.as_deref().unwrap_or("?")).at(account.span, "this account")
                );
            }
        }
    }
    Ok(())
}
