//! E034 to E036: prefix lists, endpoints, flow logs and Block Public Access.

use std::fmt::Display;

use crate::base::{
    address::Address,
    cidr::{Cidr, Family},
    diagnostic::Diagnostic,
    span::Span,
};

crate::codes! {
    ENTRY = "E0340" "a prefix list cannot hold what is written"
"A prefix list holds networks of one address family, each once, and at most as many as `max_entries` says; EC2 takes from 1 to
1,000. What names the list counts as `max_entries` rules or routes, so more room than is needed is not free.

```secnet error E0340
prefix_list offices {
  max_entries = 1
  entry 203.0.113.0/28  \"Berlin\"
  entry 2001:db8::/48   \"Lyon\"       # of another family
}
```

Write a list for each family, each network once, and raise `max_entries` with the entries.";
}

/// [`ENTRY`]: a network of the other family.
#[must_use]
pub fn entry_of_other_family(network: Cidr, at: Span, list: (&Address, Option<Span>), family: Family) -> Diagnostic {
    let name = if family == Family::V4 { "IPv4" } else { "IPv6" };
    Diagnostic::error(&ENTRY, format!("`{network}` is no {name} network"))
        .at(at, "this entry")
        .at(list.1, format!("`{}` holds {name} networks", list.0))
        .help("make a second list with the other `address_family`")
}

/// [`ENTRY`]: a network with two descriptions.
#[must_use]
pub fn entry_twice(network: Cidr, second: Span, first: Option<Span>) -> Diagnostic {
    Diagnostic::error(&ENTRY, format!("`{network}` is in the list already, with another description"))
        .at(second, "the second one")
        .at(first, "the first one")
        .help("remove one of them")
}

/// [`ENTRY`]: EC2 takes no such size.
#[must_use]
pub fn room_out_of_range(max: i64, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&ENTRY, format!("a prefix list has room for 1 to 1000 entries, not for {max}"))
        .at(at, "the room that it is to have")
        .help("write how many entries the list will have at most")
}

/// [`ENTRY`]: more than there is room for.
#[must_use]
pub fn too_many_entries(list: &dyn Display, entries: usize, room: usize, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&ENTRY, format!("`{list}` has {entries} entries and room for {room}"))
        .at(at, "the room that it has")
        .help(format!("write `max_entries = {entries}` or more"))
}
