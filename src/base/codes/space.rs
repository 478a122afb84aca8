//! E035: address space, IPv4 and IPv6.

use crate::base::{address::Address, cidr::Cidr, diagnostic::Diagnostic, span::Span};

crate::codes! {
    VPC_NETWORKS = "E0350" "a VPC cannot have these networks together"
"The IPv4 networks of a VPC are apart from one another, and those in private blocks lie in the same one (10.0.0.0/8,
172.16.0.0/12 or 192.168.0.0/16); EC2 refuses AssociateVpcCidrBlock otherwise, after the VPC has been made. A VPC has at most
50 of them, and five where nobody has asked AWS for more.

```secnet error E0350
vpc main {
  cidr_block            = 10.0.0.0/16
  secondary_cidr_blocks = [192.168.0.0/20]      # of another private block
}
```

Take one of the same block that is free, such as `10.1.0.0/16`, or one of 100.64.0.0/10.";
    IPV6_SUBNET = "E0351" "a subnet's IPv6 network cannot be as it is written"
"The IPv6 network of a subnet is a /64 inside the one that AWS has chosen for the VPC, a /56. Most often it is one of those 256:

```secnet
vpc main {
  cidr_block                      = 10.0.0.0/16
  amazon_provided_ipv6_cidr_block = true
}

subnet web {
  vpc             = vpc.main
  cidr_block      = 10.0.7.0/24
  ipv6_cidr_block = subnets(vpc.main.ipv6_cidr_block, 8)[7]
}
```

A subnet with `ipv6_native = true` has no IPv4 network, and every other has one.

```secnet error E0351
subnet web { vpc = vpc.main  ipv6_native = true  cidr_block = 10.0.7.0/24 }
```";
    ROUTE_FAMILY = "E0352" "a route's target does not carry such addresses"
"An egress-only internet gateway carries IPv6 alone: `anywhere` by way of it is `::/0`, in a VPC that has IPv6.

```secnet error E0352
vpc six { cidr_block = 10.6.0.0/16  amazon_provided_ipv6_cidr_block = true }
egress_only_internet_gateway out { vpc = vpc.six }

route_table app {
  vpc = vpc.six
  route 0.0.0.0/0 via egress_only_internet_gateway.out      # IPv4
}
```

IPv4 leaves by an internet gateway or a NAT gateway.";
}

/// [`VPC_NETWORKS`]
#[must_use]
pub fn networks_overlap(vpc: &Address, network: Cidr, at: Option<Span>, other: Cidr, other_at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&VPC_NETWORKS, format!("the networks `{network}` and `{other}` of `{vpc}` overlap"))
        .at(at, format!("`{network}`"))
        .at(other_at, format!("`{other}`"))
        .help("take one that is free")
}

/// [`VPC_NETWORKS`]
#[must_use]
pub fn networks_apart(vpc: &Address, network: Cidr, at: Option<Span>, first: Cidr, first_at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&VPC_NETWORKS, format!("EC2 does not join `{network}` to `{vpc}`, which is `{first}`"))
        .at(at, "of another private block")
        .at(first_at, "of this one")
        .help("take one of the same private block, or of 100.64.0.0/10")
}

/// [`VPC_NETWORKS`]
#[must_use]
pub fn too_many_networks(vpc: &Address, count: usize, most: usize, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&VPC_NETWORKS, format!("`{vpc}` is to have {count} IPv4 networks"))
        .at(at, format!("EC2 takes {most} at most"))
        .help("take fewer and larger ones")
}

/// [`IPV6_SUBNET`]
#[must_use]
pub fn not_64(subnet: &Address, network: &str, bits: u8, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&IPV6_SUBNET, format!("the IPv6 network of `{subnet}` is a /{bits}, not a /64"))
        .at(at, format!("`{network}`"))
        .help("take one of the /64 of its VPC, such as `subnets(vpc.main.ipv6_cidr_block, 8)[1]`")
}

/// [`IPV6_SUBNET`]
#[must_use]
pub fn without_ipv6(subnet: &Address, vpc: &Address, at: Option<Span>, vpc_at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&IPV6_SUBNET, format!("`{vpc}` has no IPv6, of which `{subnet}` could have a part"))
        .at(at, "of no network")
        .at(vpc_at, "IPv4 alone")
        .help(format!("write `amazon_provided_ipv6_cidr_block = true` in `{vpc}`"))
}

/// [`IPV6_SUBNET`]
#[must_use]
pub fn same_ipv6(subnet: (&Address, Option<Span>), other: (&Address, Option<Span>), network: &str) -> Diagnostic {
    Diagnostic::error(&IPV6_SUBNET, format!("`{}` and `{}` have the same IPv6 network", subnet.0, other.0))
        .at(subnet.1, format!("`{network}`"))
        .at(other.1, "here already")
        .help("take another of the VPC's: the number in brackets says which")
}

/// [`IPV6_SUBNET`]
#[must_use]
pub fn ipv6_native(subnet: &Address, message: &str, at: Option<Span>, help: &str) -> Diagnostic {
    Diagnostic::error(&IPV6_SUBNET, format!("`{subnet}` {message}")).at(at, "here").help(help)
}

/// [`ROUTE_FAMILY`]
#[must_use]
pub fn route_family(target: &Address, destination: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&ROUTE_FAMILY, format!("`{target}` carries IPv6 alone"))
        .at(at, format!("`{destination}` is IPv4"))
        .help("name IPv6 networks, or `anywhere` in a VPC with `amazon_provided_ipv6_cidr_block = true`")
}
