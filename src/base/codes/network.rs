//! E03: the network as a whole.

use crate::base::{address::Address, cidr::Cidr, diagnostic::Diagnostic, span::Span};

crate::codes! {
    SUBNET_OUTSIDE_VPC = "E0301" "a subnet lies outside its VPC"
"Every address of a subnet must be an address of its VPC. EC2 refuses CreateSubnet otherwise (InvalidSubnet.Range), after
the VPC has been made; secnet says so before anything is.

```
vpc main { cidr_block = 10.0.0.0/16 }
subnet app { vpc = vpc.main  cidr_block = 10.1.0.0/24 }     # outside
```

Choose a range inside the VPC's, such as `10.0.1.0/24`, or `subnets(vpc.main.cidr_block, 8)[1]`.";
    SUBNETS_OVERLAP = "E0302" "two subnets of a VPC overlap"
"An address belongs to one subnet. EC2 refuses the second of two that overlap (InvalidSubnet.Conflict).

```
subnet a { vpc = vpc.main  cidr_block = 10.0.0.0/20 }
subnet b { vpc = vpc.main  cidr_block = 10.0.8.0/24 }       # inside a
```

Move one of them to a range that is free.";
    GROUP_OF_ANOTHER_VPC = "E0303" "a rule names a security group of another VPC"
"A rule that names a group admits the private addresses of that group's interfaces, and those are of use only inside one VPC
(or across a peering, which this version does not know). EC2 refuses such a rule (InvalidGroup.NotFound).

```
security_group web { vpc = vpc.front  ingress tcp/443 from security_group.db }    # db is in vpc.back
```

Name a group of the same VPC, or the networks that the others have.";
}

/// A resource as messages name it: its address, its range, where that stands.
pub type Range<'a> = (&'a Address, Cidr, Option<Span>);

/// [`SUBNET_OUTSIDE_VPC`]
#[must_use]
pub fn subnet_outside_vpc(subnet: Range<'_>, vpc: Range<'_>) -> Diagnostic {
    let message = format!("subnet `{}` lies outside the range of `{}`", subnet.0.name(), vpc.0);
    let diagnostic = Diagnostic::error(&SUBNET_OUTSIDE_VPC, message).at(subnet.2, "outside").at(vpc.2, format!("the range of `{}`", vpc.0));
    let bits = subnet.1.prefix().max(vpc.1.prefix());
    match vpc.1.subnet(bits - vpc.1.prefix(), 0).filter(|_| subnet.1.family() == vpc.1.family()) {
        Some(free) => diagnostic.help(format!("choose a range inside {}, such as `{free}`", vpc.1)),
        None => diagnostic.help(format!("choose a range inside {}", vpc.1)),
    }
}

/// [`SUBNETS_OVERLAP`]
#[must_use]
pub fn subnets_overlap(subnet: Range<'_>, other: Range<'_>) -> Diagnostic {
    Diagnostic::error(&SUBNETS_OVERLAP, format!("subnets `{}` and `{}` overlap", subnet.0.name(), other.0.name()))
        .at(subnet.2, format!("shares addresses with {}", other.1))
        .at(other.2, "the other range")
        .help("move one of them to a range that is free")
}

/// [`GROUP_OF_ANOTHER_VPC`]
#[must_use]
pub fn group_of_another_vpc(at: Span, group: &Address, its_vpc: &Address, our_vpc: &Address) -> Diagnostic {
    Diagnostic::error(&GROUP_OF_ANOTHER_VPC, format!("`{group}` belongs to `{its_vpc}`, not to `{our_vpc}`"))
        .at(at, format!("a group of `{its_vpc}`"))
        .help(format!("name a group of `{our_vpc}`, or the networks to admit"))
}
