//! E0353 to E0358: VPN connections, and peerings of transit gateways.

use crate::base::{address::Address, diagnostic::Diagnostic, span::Span};

crate::codes! {
    VPN_END = "E0353" "a VPN connection ends at one gateway of AWS"
"A connection joins a customer gateway to a virtual private gateway, which belongs to one VPC, or to a transit gateway. Acceleration and
IPv6 inside of the tunnels are for a transit gateway alone.

```secnet error E0353
customer_gateway office { ip_address = 198.51.100.9 }
vpn_connection office { customer_gateway = customer_gateway.office }
```

Write `vpn_gateway = vpn_gateway.NAME` or `transit_gateway = transit_gateway.NAME`, and not both.";
    VPN_ROUTE = "E0354" "a static route of a VPN connection that takes none"
"Static routes tell a virtual private gateway what lies behind a customer gateway that speaks no BGP: the connection says
`static_routes_only = true`. A transit gateway is told by routes in its own tables.

```secnet error E0354
vpn_gateway main { vpc = vpc.main }
customer_gateway office { ip_address = 198.51.100.9 }
vpn_connection office {
  customer_gateway = customer_gateway.office
  vpn_gateway      = vpn_gateway.main
  route 192.168.0.0/16
}
```

Write `static_routes_only = true`, or leave the routes to BGP or to a `transit_gateway_route_table`.";
    VPN_TUNNEL = "E0355" "an option of a VPN connection's tunnels cannot be as it is written"
"Inside, each of the two tunnels has a /30 of 169.254.0.0/16 to itself; 169.254.0.0/30 to 169.254.5.0/30 (the first of each) and
169.254.169.252/30 are AWS's own. Keys live for 900 to 28800 seconds in phase 1, and for 900 to 3600 and no longer than that in phase 2.
A pre-shared key has 8 to 64 letters, digits, dots and underscores, and does not begin with a 0.

```secnet error E0355
vpn_gateway main { vpc = vpc.main }
customer_gateway office { ip_address = 198.51.100.9 }
vpn_connection office {
  customer_gateway        = customer_gateway.office
  vpn_gateway             = vpn_gateway.main
  phase2_lifetime_seconds = 7200
}
```";
    TRANSIT_PEER = "E0356" "a peering of transit gateways says half of who the peer is, or all of it twice"
"A peering joins two transit gateways: `transit_gateway` asks, and `peer_transit_gateway` accepts. A gateway outside the project is named
by `peer_transit_gateway_id`, and then EC2 wants its owner and its Region, too.

```secnet error E0356
transit_gateway hub { }
transit_gateway_peering_attachment far { transit_gateway = transit_gateway.hub  peer_transit_gateway_id = \"tgw-0123456789abcdef0\" }
```

Write `peer_transit_gateway` alone, or `peer_transit_gateway_id` with `peer_account_id` and `peer_region`.";
    TRANSIT_PEERS = "E0357" "two transit gateways that secnet does not peer"
"secnet peers the transit gateways of two Regions. Within a Region EC2 gives the two ends of a peering two ids, which secnet does not tell
apart yet; a gateway with itself EC2 does not peer at all.

```secnet error E0357
transit_gateway hub { }
transit_gateway other { }
transit_gateway_peering_attachment near { transit_gateway = transit_gateway.hub  peer_transit_gateway = transit_gateway.other }
```

Attach the VPCs of one Region to one gateway. The route tables of the gateway keep apart what shall not meet.";
    SECRET_WRITTEN = "W0358" "a secret is made of what is not sensitive"
"What an attribute such as `pre_shared_key` says is secret in any case: no plan, message, journal or state shows it. But where it comes
from may show it: whoever reads the sources, or a file with variables, reads it there.

```secnet error W0358
vpn_gateway main { vpc = vpc.main }
customer_gateway office { ip_address = 198.51.100.9 }
vpn_connection office {
  customer_gateway = customer_gateway.office
  vpn_gateway      = vpn_gateway.main
  pre_shared_key   = \"example_1234\"
}
```

Take it from a variable with `{ sensitive = true }` that is given when it is needed, or leave it out: AWS makes one for each tunnel.";
}

/// [`VPN_END`]; what is wrong, and what to do.
#[must_use]
pub fn vpn_end(message: String, at: Option<Span>, help: &str) -> Diagnostic {
    Diagnostic::error(&VPN_END, message).at(at, "").help(help)
}

/// [`VPN_ROUTE`]
#[must_use]
pub fn vpn_route(connection: &Address, at: Span, by_transit: bool) -> Diagnostic {
    let help = if by_transit {
        "write the route in a `transit_gateway_route_table`"
    } else {
        "write `static_routes_only = true`, or leave the route to BGP"
    };
    Diagnostic::error(&VPN_ROUTE, format!("`{connection}` takes no static routes")).at(at, "EC2 refuses it").help(help)
}

/// [`VPN_TUNNEL`]; what is wrong, and what to do.
#[must_use]
pub fn vpn_tunnel(message: String, at: Option<Span>, help: &str) -> Diagnostic {
    Diagnostic::error(&VPN_TUNNEL, message).at(at, "").help(help)
}

/// [`TRANSIT_PEER`]; what is wrong, and what to do.
#[must_use]
pub fn transit_peer(message: String, at: Option<Span>, help: &str) -> Diagnostic {
    Diagnostic::error(&TRANSIT_PEER, message).at(at, "").help(help)
}

/// [`TRANSIT_PEERS`]; why not, and what to do.
#[must_use]
pub fn transit_peers(message: String, at: Option<Span>, help: &str) -> Diagnostic {
    Diagnostic::error(&TRANSIT_PEERS, message).at(at, "").help(help)
}

/// [`SECRET_WRITTEN`]
#[must_use]
pub fn secret_written(name: &str, at: Span) -> Diagnostic {
    Diagnostic::warning(&SECRET_WRITTEN, format!("`{name}` is secret, and is made of what is not sensitive"))
        .at(at, "whoever reads the sources reads it")
        .help("take it from a variable with `{ sensitive = true }`")
}
