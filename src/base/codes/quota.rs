//! E074: what EC2 lets stand, and offers.

use std::collections::BTreeSet;

use crate::base::{address::Address, diagnostic::Diagnostic, span::Span};

crate::codes! {
    ABOVE_QUOTA = "W0740" "more would stand than a new account may hold"
"EC2 limits how many of a thing there are: in a Region, in a VPC, in one group or table. What stands there already and what the plan adds
come to more than every new account may hold. AWS is then asked to what the quota was raised (`servicequotas:ListServiceQuotas`; for Elastic
IPs and groups of an interface `ec2:DescribeAccountAttributes`), and what it tells is held to: E0746 in place of this, or nothing at all. This
warning is left where AWS does not tell, and for network interfaces, whose quota holds in each zone by itself. Where more than a new
account may hold stands already the quota was raised, and nothing is said.

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
    NO_SUCH_TYPE = "E0743" "an instance type does not exist in the Region"
"EC2 offers no instance type of this name anywhere in the Region: it is mistyped, or it is one that this Region does not have.

A type is its family, its generation and what is special about it, then a dot and the size: `t3.micro`, `m7g.large`.
`aws ec2 describe-instance-type-offerings` lists those of a Region.";
    NOT_OFFERED = "E0744" "a zone does not offer an instance type"
"Not every zone of a Region has every instance type: older zones lack newer families. What the plan would start stands in a subnet whose zone
does not offer its type, and EC2 would refuse it with `Unsupported` once the subnet is there.

Take a type that the zone offers, or a subnet in a zone that offers the type. The names of zones are each account's own: `us-east-1a` of
one account may be `us-east-1c` of another.";
    SHRUNK = "E0745" "something would have to become smaller, and EC2 only makes it larger"
"A volume grows while it is in use, and never shrinks: EC2 refuses ModifyVolume with less than it has. The sources ask for less than stands,
perhaps because somebody has made it larger by hand.

Write at least what there is. For less make another volume, copy what is on it, and let the first one go: a new name for it does this in
the open.";
    SMALLER_THAN_IMAGE = "E0712" "the volume that an instance boots from is smaller than its image"
"An instance's first volume is a copy of the snapshot in its image. It may be larger, and EC2 refuses one that is smaller: RunInstances
answers InvalidBlockDeviceMapping in the middle of an apply. How large the image is secnet has read, and refuses the plan instead.

Write at least what the message says as `root_volume_size`, or leave it out: then it is as large as the image.";
    ABOVE_OWN_QUOTA = "E0746" "more would stand than this account may hold"
"AWS was asked what this account may hold (`servicequotas:ListServiceQuotas` or `ec2:DescribeAccountAttributes`), and it is less than would stand with what the plan makes. EC2
refuses the rest in the middle of an apply, so the plan is refused before anything is made.

Have the quota raised in Service Quotas, or let the plan make less.";
    QUOTAS_NOT_TOLD = "W0748" "AWS does not tell what the account may hold"
"Where a plan comes to more of something than every new account may hold, secnet asks to what the quota was raised
(`servicequotas:ListServiceQuotas`), so that a plan that cannot be carried out is refused before anything is made. These credentials may not
ask, or the service could not be reached. The plan goes on with the values that AWS documents for new accounts, and says what is above them.

Allow the action; `secnet iam-policy` lists it where sources may need it.";
    OFFERS_NOT_TOLD = "W0749" "EC2 does not tell which instance types there are"
"Before an instance is made, secnet asks which zones offer its type (`ec2:DescribeInstanceTypeOfferings`), so that a plan that cannot be carried
out is refused before anything is made. These credentials may not ask. The plan goes on without: if a zone lacks the type, EC2 says so in the
middle of an apply.

Allow the action; `secnet iam-policy` lists it.";
}

/// [`ABOVE_QUOTA`]: which, how many would stand, where.
#[must_use]
pub fn above_quota(quota: &Limit<'_>, count: usize, place: &str, at: Option<Span>) -> Diagnostic {
    let Limit { name, value, .. } = quota;
    Diagnostic::warning(&ABOVE_QUOTA, format!("{count} would stand {place}, and \"{name}\" is {value} unless it was raised"))
        .at(at, "with this one")
        .help(format!("if it was not, raise {} of `{}` in Service Quotas, or make fewer", quota.code.1, quota.code.0))
}

/// [`QUOTAS_NOT_TOLD`]: of which Region, and why.
#[must_use]
pub fn quotas_not_told(region: &str, why: &str) -> Diagnostic {
    Diagnostic::warning(&QUOTAS_NOT_TOLD, format!("what the account may hold in {region} could not be read: {why}"))
        .help("allow `servicequotas:ListServiceQuotas`; until then what every new account may hold is taken")
}

/// [`ABOVE_OWN_QUOTA`]: which, how many would stand, how many may, where.
#[must_use]
pub fn above_own_quota(quota: &Limit<'_>, count: usize, value: usize, place: &str, at: Option<Span>) -> Diagnostic {
    let Limit { name, code, .. } = quota;
    Diagnostic::error(&ABOVE_OWN_QUOTA, format!("{count} would stand {place}, and \"{name}\" of this account is {value}"))
        .at(at, "with this one")
        .help(format!("raise {} of `{}` in Service Quotas, or make fewer", code.1, code.0))
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

/// [`NO_SUCH_TYPE`]
#[must_use]
pub fn no_such_type(name: &str, region: &str, meant: Option<&str>, at: Option<Span>) -> Diagnostic {
    let label = meant.map_or_else(|| "is offered in no zone".to_owned(), |meant| format!("is `{meant}` meant?"));
    Diagnostic::error(&NO_SUCH_TYPE, format!("{region} has no instance type `{name}`"))
        .at(at, label)
        .help("`aws ec2 describe-instance-type-offerings` lists those that there are")
}

/// [`NOT_OFFERED`]: what would run, its type, what says the zone, the zone and where that is, the zones that have the type.
#[must_use]
pub fn not_offered(
    address: &Address,
    name: &str,
    (holder, zone, place): (&Address, &str, Option<Span>),
    zones: &BTreeSet<&str>,
    at: Option<Span>,
) -> Diagnostic {
    let listed = zones.iter().copied().collect::<Vec<_>>().join(", ");
    Diagnostic::error(&NOT_OFFERED, format!("`{address}` would stand in {zone}, which does not offer `{name}`"))
        .at(at, format!("is offered in {listed}"))
        .at(place, format!("`{holder}` is in {zone}"))
        .help("take another type, or a subnet in one of those zones")
}

/// [`SHRUNK`]: what, which attribute, what it has and what it would have.
#[must_use]
pub fn shrunk(address: &Address, name: &str, (old, new): (i64, i64), at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&SHRUNK, format!("`{name}` of `{address}` is {old}, and EC2 does not make it {new}"))
        .at(at, format!("less than the {old} that stand"))
        .help(format!("write `{name} = {old}` or more, or make another one under a new name"))
}

/// [`SMALLER_THAN_IMAGE`]: whose, its size, and that of the image.
#[must_use]
pub fn smaller_than_image(address: &Address, size: i64, least: i64, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&SMALLER_THAN_IMAGE, format!("the first volume of `{address}` has {size} GiB, and its image {least}"))
        .at(at, "too small for what is copied onto it")
        .help(format!("write `root_volume_size = {least}` or more, or leave it out"))
}

/// [`OFFERS_NOT_TOLD`]: where, and why.
#[must_use]
pub fn offers_not_told(region: &str, why: &str) -> Diagnostic {
    Diagnostic::warning(&OFFERS_NOT_TOLD, format!("could not look whether {region} offers the instance types: {why}"))
        .help("allow `ec2:DescribeInstanceTypeOfferings`; without it EC2 refuses a type that a zone lacks only during the apply")
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
