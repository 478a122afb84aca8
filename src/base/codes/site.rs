//! E037: accounts and regions, and peerings between them.

use crate::base::{address::Address, cidr::Cidr, diagnostic::Diagnostic, site::Site, span::Span};

crate::codes! {
    PEERS_OVERLAP = "E0371" "the networks of two VPCs that are peered overlap"
"A peering carries packets by their addresses, so that no address may be on both sides. EC2 takes the request and lets it fail
afterwards.

```secnet error E0371
vpc other { cidr_block = 10.0.128.0/17 }                     # inside of vpc.main
vpc_peering other { vpc = vpc.main  peer_vpc = vpc.other }
```

Give one of the VPCs another range. The range of a VPC that stands cannot be changed.";
    PEER_MISSING = "E0372" "a peering names no peer"
"A peering joins two VPCs: `vpc` asks, and `peer_vpc` accepts. A VPC outside the project is named by `peer_vpc_id`.

```secnet error E0372
vpc_peering other { vpc = vpc.main }
```

Name the other VPC.";
    PEER_TWICE = "E0373" "a peering's peer is named twice"
"Where the peer is a VPC of the project, its id, account and Region are known from it. `peer_vpc_id`, `peer_owner_id` and
`peer_region` are for a peer outside the project.

```secnet error E0373
vpc other { cidr_block = 10.1.0.0/16 }
vpc_peering other { vpc = vpc.main  peer_vpc = vpc.other  peer_region = \"eu-west-1\" }
```

Remove one of the two.";
    OPTION_OF_PENDING = "E0374" "an option is set on a peering that others accept"
"EC2 takes options of a peering only once it is accepted, and whoever owns the other VPC does that when they like. So options can be set
only where both VPCs are of the project.

```secnet error E0374
vpc_peering other { vpc = vpc.main  peer_vpc_id = \"vpc-0123456789abcdef0\"  requester_dns_resolution = true }
```

Remove the option, or bring the other VPC into the project: as `vpc`, or as `existing vpc` with its `account`.";
    PEER_OF_ITSELF = "E0375" "a peering joins a VPC with itself"
"Inside a VPC everything is routed already. EC2 refuses such a request.

```secnet error E0375
vpc_peering own { vpc = vpc.main  peer_vpc = vpc.main }
```

Name another VPC.";
    ACCOUNT_SETTING = "E0376" "an account block says something that cannot be"
"An `account` block says whose resources may stand in the project, and how to get there: `id` (twelve digits) and `region` (that of the
project where it is not written), `profile` for other credentials than the project's own, and `role` to assume, with `external_id` and
`session_name`. Its values must be known before anything is read. No two blocks are for the same account and region, nor is one for those of the project itself.

```secnet error E0376
account network { region = \"eu-west-1\" }
```";
    ACCOUNT_VALUE = "E0377" "`account` is no account of the project"
"`account = account.NAME` puts a resource into an account and region that an `account` block describes. A module is given one through a
variable: `account = account.network` in the call, `variable account` in the module.

```secnet error E0377
vpc other { cidr_block = 10.1.0.0/16  account = \"222222222222\" }
```

Write `account.NAME`.";
    ACCOUNTS_DIFFER = "E0378" "two accounts or regions for what belongs together"
"A resource stands in the account and region of what it refers to: a subnet in those of its VPC, an instance in those of its subnet. EC2
knows no reference from one account or region to another, but for peerings and the rules and routes that go over them.

```secnet error E0378
account network { id = \"222222222222\"  region = \"eu-west-1\" }
vpc far { cidr_block = 10.1.0.0/16  account = account.network }
subnet near { vpc = vpc.main  cidr_block = 10.0.9.0/24  account = account.network }    # vpc.main is elsewhere
```

Write the same `account` for both, or leave it to the reference. Something that refers to nothing, such as an elastic IP address, has to
say its account.";
    SITE_UNKNOWN = "E0379" "resources stand in an account that the project does not have any more"
"The state knows what secnet has made, and where. No `account` block leads to that account and region any more: it was removed, or its `id`
or `region` was changed. Resources do not move; going on would forget them, or make them a second time.

Bring the block back. To get rid of what stands there, remove the resources first, apply, and remove the block then.";
    SITE_CHANGED = "E0370" "a resource is to move to another account or region"
"Resources do not move between accounts or regions, and deleting one here to make another there is more than a change of one line says.

Put `account` back as it was, or give the new one another name: then the plan shows that the one goes and the other comes.";
}

/// [`PEERS_OVERLAP`]
#[must_use]
pub fn peers_overlap(at: Option<Span>, ours: (&Address, Cidr, Option<Span>), theirs: (&Address, Cidr, Option<Span>)) -> Diagnostic {
    Diagnostic::error(&PEERS_OVERLAP, format!("the networks of `{}` and `{}` overlap", ours.0, theirs.0))
        .at(at, "peered here")
        .at(ours.2, format!("`{}` is {}", ours.0, ours.1))
        .at(theirs.2, format!("`{}` is {}", theirs.0, theirs.1))
        .help("give one of them another range")
}

/// [`PEER_MISSING`]
#[must_use]
pub fn peer_missing(address: &Address, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&PEER_MISSING, format!("`{address}` names no peer"))
        .at(at, "joined with nothing")
        .help("write `peer_vpc = vpc.NAME`, or `peer_vpc_id` for one outside the project")
}

/// [`PEER_TWICE`]
#[must_use]
pub fn peer_twice(name: &str, at: Option<Span>, other: Option<Span>) -> Diagnostic {
    let diagnostic = Diagnostic::error(&PEER_TWICE, format!("`{name}` says again what `peer_vpc` says"));
    diagnostic.at(at, "for a peer outside the project").at(other, "a peer of the project").help(format!("remove `{name}`"))
}

/// [`OPTION_OF_PENDING`]
#[must_use]
pub fn option_of_pending(name: &str, at: Option<Span>) -> Diagnostic {
    let diagnostic = Diagnostic::error(&OPTION_OF_PENDING, format!("`{name}` cannot be set before the peering is accepted"));
    diagnostic.at(at, "its peer is outside the project").help("remove it, or bring the other VPC into the project")
}

/// [`PEER_OF_ITSELF`]
#[must_use]
pub fn peer_of_itself(address: &Address, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&PEER_OF_ITSELF, format!("`{address}` joins a VPC with itself")).at(at, "the same VPC").help("name another VPC")
}

/// [`ACCOUNT_SETTING`]
#[must_use]
pub fn account_setting(message: String, at: Span, help: &str) -> Diagnostic {
    Diagnostic::error(&ACCOUNT_SETTING, message).at(at, "here").help(help)
}

/// [`ACCOUNT_SETTING`]
#[must_use]
pub fn account_twice(site: &str, at: Span, first: Option<Span>) -> Diagnostic {
    let diagnostic = Diagnostic::error(&ACCOUNT_SETTING, format!("`{site}` has a name already")).at(at, "here");
    diagnostic.at(first, "first here").help("use the first, and remove this block")
}

/// [`ACCOUNT_VALUE`]
#[must_use]
pub fn account_value(found: &str, at: Span) -> Diagnostic {
    Diagnostic::error(&ACCOUNT_VALUE, format!("{found} is no account of the project")).at(at, "here").help("write `account.NAME`")
}

/// [`ACCOUNTS_DIFFER`]
#[must_use]
pub fn accounts_differ(
    (ours, our_site, at): (&Address, Option<&Site>, Option<Span>),
    (other, its_site, place): (&Address, Option<&Site>, Option<Span>),
) -> Diagnostic {
    let words = |site: Option<&Site>| site.map_or_else(|| "the project's own account".to_owned(), |site| format!("`{site}`"));
    let message = format!("`{ours}` stands in {}, and `{other}` in {}", words(our_site), words(its_site));
    let diagnostic = Diagnostic::error(&ACCOUNTS_DIFFER, message).at(at, "refers to it here");
    diagnostic.at(place, format!("in {}", words(its_site))).help("write the same `account` for both")
}

/// [`SITE_UNKNOWN`]
#[must_use]
pub fn site_unknown(site: &Site, address: &Address, more: usize) -> Diagnostic {
    let others = if more == 0 { String::new() } else { format!(" and {more} more") };
    Diagnostic::error(&SITE_UNKNOWN, format!("`{address}`{others} stands in `{site}`, and no `account` block leads there")).help(format!(
        "write `account NAME {{ id = \"{}\"  region = \"{}\" }}` with its `role` or `profile`",
        site.account(),
        site.region()
    ))
}

/// [`SITE_CHANGED`]
#[must_use]
pub fn site_changed(address: &Address, stands: &str, wanted: &str, at: Option<Span>) -> Diagnostic {
    let diagnostic = Diagnostic::error(&SITE_CHANGED, format!("`{address}` stands in `{stands}`, and the project puts it into `{wanted}`"));
    diagnostic.at(at, "it would have to move").help("put it back, or give it another name")
}
