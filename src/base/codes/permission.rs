//! E073: what a caller may do.

use crate::base::{diagnostic::Diagnostic, site::Site};

crate::codes! {
    NOT_PERMITTED = "E0730" "EC2 would refuse an action of the plan for lack of permission"
"`secnet plan --check-permissions` asks EC2 about each action that the plan needs, without doing anything: actions that change something
are sent with `DryRun`, with ids that nothing has in the place of those that are not known yet. To this one EC2 has said that the caller
is not authorised.

Add the statement to a policy of the user or role that secnet runs as, or have `secnet iam-policy` print the whole document. Where the
policies allow it already, a permissions boundary, a policy of the organization or an explicit `Deny` may stand against it.";
    NOT_ASKED = "W0731" "it could not be found out whether an action is permitted"
"A few actions of EC2's take no `DryRun`. About something that does not exist yet they are sent as they are, since EC2 says that it does
not exist only to those who may ask; about something that stands they are not sent, because that would change it.

EC2 may also refuse a request before it looks at permissions, or not answer at all. Then nothing is known of its permission, and the apply
will tell.";
    NO_DRY_RUN = "E0732" "an endpoint may take no notice of DryRun"
"Permissions are asked for with `DryRun`: EC2 then says what would have happened, and does nothing. What stands in for EC2 may carry the
request out instead, so secnet asks only AWS and its own sandbox.

Check permissions without `--endpoint-url`.";
    NOT_SINGLE_POLICY = "W0733" "a policy is longer than a managed policy may be"
"A managed policy of IAM has at most 6,144 characters, white space apart. This document is longer.

Divide its statements among several policies, or print those for `--for plan`, `--for apply` and `--for destroy` apart.";
    NO_SUCH_ACCOUNT = "E0734" "`--account` names no account of the project"
"`secnet iam-policy --account NAME` prints the document of one account alone: that of an `account` block by its name, or that of the
project's own account by the word `project`.";
    BAD_POLICY = "E0648" "a policy for the sandbox is not usable"
"With `--iam-policy` the sandbox refuses what a policy document does not allow, as IAM would. It knows statements with `Effect`, `Action`,
`Resource`, and `Condition` with `StringEquals` and `StringLike`; it takes no document of which it understands a part only.";
}

/// ` in 222222222222/eu-west-1`; nothing in the project's own account and region.
fn place(site: Option<&Site>) -> String {
    site.map(|site| format!(" in {site}")).unwrap_or_default()
}

/// [`NOT_PERMITTED`]: the action, where, EC2's words, the statement that is missing.
#[must_use]
pub fn not_permitted(action: &str, site: Option<&Site>, why: &str, statement: &str) -> Diagnostic {
    Diagnostic::error(&NOT_PERMITTED, format!("`{action}` is not permitted{}: {why}", place(site)))
        .help(format!("add to the caller's policy{}: {statement}", place(site)))
}

/// [`NOT_ASKED`]
#[must_use]
pub fn not_asked(action: &str, site: Option<&Site>, why: &str) -> Diagnostic {
    Diagnostic::warning(&NOT_ASKED, format!("whether `{action}` is permitted{} is not known: {why}", place(site)))
        .help("the apply will tell")
}

/// [`NO_DRY_RUN`]
#[must_use]
pub fn no_dry_run(endpoint: &str) -> Diagnostic {
    Diagnostic::error(&NO_DRY_RUN, format!("`{endpoint}` is not AWS, and may do what it is only asked about"))
        .help("check permissions without `--endpoint-url`, or with `--sandbox`")
}

/// [`NOT_SINGLE_POLICY`]
#[must_use]
pub fn not_single_policy(account: Option<&str>, characters: usize, limit: usize) -> Diagnostic {
    let whose = account.map(|name| format!(" of `{name}`")).unwrap_or_default();
    let message = format!("the policy{whose} has {characters} characters, and a managed policy has at most {limit}");
    Diagnostic::warning(&NOT_SINGLE_POLICY, message).help("divide its statements among several policies")
}

/// [`NO_SUCH_ACCOUNT`]
#[must_use]
pub fn no_such_account(name: &str, meant: Option<&str>, all: &[&str]) -> Diagnostic {
    let diagnostic = Diagnostic::error(&NO_SUCH_ACCOUNT, format!("the project has no account `{name}`"));
    diagnostic.help(meant.map_or_else(|| format!("there are: {}", all.join(", ")), |meant| format!("did you mean `{meant}`?")))
}

/// [`BAD_POLICY`]
#[must_use]
pub fn bad_policy(path: &str, why: &str) -> Diagnostic {
    Diagnostic::error(&BAD_POLICY, format!("`{path}` is no policy for the sandbox: {why}"))
        .help("`secnet iam-policy` prints one that it takes")
}
