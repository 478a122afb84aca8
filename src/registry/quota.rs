//! How many of something EC2 lets stand. Layer 2: plain data, which the Specs hold and `plan/quota.rs` counts against.
//!
//! <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>

use crate::base::codes::quota::Limit;

/// A quota of EC2's.
#[derive(Debug, Clone, Copy)]
pub struct Quota {
    /// As Service Quotas calls it: `VPCs per Region`.
    pub name: &'static str,
    /// As it stands in the address of Service Quotas' page: `L-F678F1CE`.
    pub code: &'static str,
    /// `vpc`, or `ec2`.
    pub service: &'static str,
    /// What every new account has.
    pub value: usize,
    /// What it can be raised to at most, where EC2 says so: more than that is refused in every account.
    pub ceiling: Option<usize>,
    /// What EC2 counts besides, which nobody makes: the main route table of a VPC.
    pub given: usize,
    /// What is counted.
    pub per: Per,
    /// The attribute by which DescribeAccountAttributes tells what the account has. EC2 tells few so; of the others Service Quotas tells.
    pub told: Option<&'static str>,
    /// The code of a quota that raises this one with it.
    pub with: Option<&'static str>,
    /// Whether EC2 counts otherwise than we can, so that more is never refused beforehand.
    pub loose: bool,
}

/// What a quota counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// Resources of the type in an account's Region. All that stand there are listed where one is to be made.
    Region,
    /// The same, of which there are so many that nobody lists them: those that are known count.
    RegionAsKnown,
    /// Resources of the type that name the same thing by one of these attributes.
    Attribute(&'static [&'static str]),
    /// Resources of the type in one Availability Zone, which is that of the subnet that this attribute names.
    Zone(&'static str),
    /// Parts of this kind of one resource.
    Part(&'static str),
    /// Parts of this kind of one resource, IPv4 and IPv6 apart, as this attribute of theirs says. What names a group there counts for
    /// both, and a prefix list as often as it has room for entries.
    PartByFamily(&'static str, &'static str),
    /// Things that this attribute of one resource names.
    Named(&'static str),
}

impl Quota {
    /// A quota of the service `vpc` with nothing said about it but this.
    #[must_use]
    pub const fn new(name: &'static str, code: &'static str, value: usize, per: Per) -> Self {
        Self { name, code, service: "vpc", value, ceiling: None, given: 0, per, told: None, with: None, loose: false }
    }

    /// For those who speak of it.
    #[must_use]
    pub const fn limit(&self) -> Limit<'static> {
        Limit { name: self.name, code: (self.service, self.code), value: self.value }
    }

    /// Which can be raised to so much at most.
    #[must_use]
    pub const fn up_to(self, ceiling: usize) -> Self {
        Self { ceiling: Some(ceiling), ..self }
    }

    /// Of which EC2 tells what the account has, by this attribute.
    #[must_use]
    pub const fn told(self, attribute: &'static str) -> Self {
        Self { told: Some(attribute), ..self }
    }

    /// Which is raised by raising another.
    #[must_use]
    pub const fn raised_with(self, code: &'static str) -> Self {
        Self { with: Some(code), ..self }
    }

    /// Which EC2 counts otherwise than we can.
    #[must_use]
    pub const fn loosely(self) -> Self {
        Self { loose: true, ..self }
    }

    /// For which so many count that nobody makes.
    #[must_use]
    pub const fn besides(self, given: usize) -> Self {
        Self { given, ..self }
    }
}

/// How many groups an interface has.
pub const GROUPS_OF_INTERFACE: Quota = Quota::new("Security groups per network interface", "L-2AFB9258", 5, Per::Named("security_groups"))
    .up_to(16)
    .told("vpc-max-security-groups-per-interface");

/// The quota of rules a group times that of groups an interface is no more than this.
pub const RULES_OF_INTERFACE: usize = 1000;
