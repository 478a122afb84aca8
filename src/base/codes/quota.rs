//! E074: what EC2 lets stand, and offers.

use crate::base::{address::Address, diagnostic::Diagnostic, span::Span};

crate::codes! {
    ABOVE_QUOTA = "W0740" "more would stand than a new account may hold"
"EC2 limits how many of a thing there are: in a Region, in a VPC, in one group or table. What stands there already and what the plan adds
come to more than every new account may hold. The quota may have been raised; EC2 itself does not say to what. Where more than that stands
already it was, and nothing is said.

Counted is what the plan has read: of VPCs, gateways and addresses all that stand in the Region, of what lies in a VPC all that stands in
those of the project, of other things the project's own.

Have the quota raised in Service Quotas before applying, or let the plan make less. Where it was raised, there is nothing to do.";
    ABOVE_CEILING = "E0741" "more would stand than any account may hold"
"Some quotas can be raised up to a point, and no further: 40 entries for each direction of a network ACL, 1,000 routes in a table, 16 security
groups on an interface. EC2 refuses the rest, so the plan is refused before anything is made.

Spread it over several, or say the same with less: larger networks, a prefix list, services in one sentence.";
    RULES_OF_INTERFACE = "E0742" "an interface has more groups with more rules than any account may have"
"The quota of rules in a security group times that of security groups on an interface is 1,000 at most, however both are raised: with 200
rules in a group no interface has more than five groups.

Let the interface have fewer groups, or the groups fewer rules.";
}

/// [`ABOVE_QUOTA`]: which, how many would stand, where.
#[must_use]
pub fn above_quota(quota: &Limit<'_>, count: usize, place: &str, at: Option<Span>) -> Diagnostic {
    let Limit { name, value, .. } = quota;
    Diagnostic::warning(&ABOVE_QUOTA, format!("{count} would stand {place}, and \"{name}\" is {value} unless it was raised"))
        .at(at, "with this one")
        .help(format!("if it was not, raise {} of `{}` in Service Quotas, or make fewer", quota.code.1, quota.code.0))
}

/// [`ABOVE_CEILING`]
#[must_use]
pub fn above_ceiling(quota: &Limit<'_>, count: usize, ceiling: usize, place: &str, at: Option<Span>) -> Diagnostic {
    let message = format!("{count} would stand {place}, and \"{}\" can be raised to {ceiling} at most", quota.name);
    Diagnostic::error(&ABOVE_CEILING, message).at(at, "with this one").help("spread it over several, or say it with less")
}

/// [`RULES_OF_INTERFACE`]: the interface, how many groups it has, the largest one of them and its rules.
#[must_use]
pub fn rules_of_interface(address: &Address, groups: usize, group: &Address, rules: usize, at: Option<Span>) -> Diagnostic {
    let message =
        format!("`{address}` has {groups} groups, one of which has {rules} rules in a direction: {groups} times {rules} is above 1000");
    let label = format!("`{group}` among them");
    Diagnostic::error(&RULES_OF_INTERFACE, message).at(at, label).help("give it fewer groups, or the group fewer rules")
}

/// What is said of a quota.
#[derive(Debug, Clone, Copy)]
pub struct Limit<'a> {
    /// As Service Quotas calls it.
    pub name: &'a str,
    /// Service and code, as in its address there.
    pub code: (&'a str, &'a str),
    /// What every new account has.
    pub value: usize,
}
