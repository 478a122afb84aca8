//! The IPv6 networks that AWS will choose, before it has. Layer 1.
//!
//! What nobody can know yet stands for every value that it could be. A network in documentation space, which nobody routes
//! (RFC 9637), takes its place: what holds for it holds for any that no line names a part of. Lines that name public IPv6
//! networks are told apart by whether AWS could choose there.

use crate::{
    base::cidr::{Cidr, Family},
    net::{Destination, Net, Origin, Peer},
};

/// Where networks come from that stand for others.
const STAND_INS: &str = "3fff:fff::/32";

/// Public addresses that are given to nobody, AWS neither: documentation, protocols, 6to4.
const NOBODYS: [&str; 4] = ["2001:db8::/32", "3fff::/20", "2001::/23", "2002::/16"];

/// Where AWS has given VPCs their networks so far: what is listed for EC2 in <https://ip-ranges.amazonaws.com/ip-ranges.json>.
const AMAZONS: [&str; 12] = [
    "2600:1f00::/24",
    "2600:f0f0::/28",
    "2605:9cc0::/32",
    "2606:f40::/32",
    "2620:107::/32",
    "2a05:d000::/24",
    "2a01:578::/32",
    "2400:6500::/31",
    "2400:7fc0::/32",
    "2404:c2c0::/32",
    "2406:da00::/24",
    "2804:800::/32",
];

fn parsed(texts: &'static [&'static str]) -> impl Iterator<Item = Cidr> {
    texts.iter().filter_map(|text| text.parse().ok())
}

/// The network that stands for the nth that AWS will choose, a /56.
#[must_use]
pub fn stand_in(n: usize) -> Option<Cidr> {
    STAND_INS.parse::<Cidr>().ok()?.subnet(24, u128::try_from(n).ok()?)
}

/// Whether a network stands for one that AWS will choose, or is a part of such a one.
#[must_use]
pub fn is_stand_in(network: Cidr) -> bool {
    STAND_INS.parse::<Cidr>().is_ok_and(|all| all.contains(network))
}

/// How AWS's choice may meet a network that a line names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meets {
    /// It lies in it whatever it is, or never.
    Always,
    /// AWS chooses there, as far as anybody has told, never: that it does not is an assumption.
    Hardly,
    /// AWS does choose there.
    Perhaps,
}

/// How AWS's choice may meet this network.
#[must_use]
pub fn meets(network: Cidr) -> Meets {
    let public: Option<Cidr> = "2000::/3".parse().ok();
    let is_public = |cidr: Cidr| public.is_some_and(|all| all.contains(cidr) && all != cidr);
    if network.family() == Family::V4 || !is_public(network) || parsed(&NOBODYS).any(|space| space.contains(network)) {
        Meets::Always
    } else if parsed(&AMAZONS).any(|space| space.overlaps(network)) {
        Meets::Perhaps
    } else {
        Meets::Hardly
    }
}

impl Net {
    /// The networks that rules, entries and routes name.
    pub fn named_networks(&self) -> impl Iterator<Item = Cidr> {
        let rules = self.security_groups.iter().flat_map(|g| g.ingress.iter().chain(&g.egress)).filter_map(|rule| match rule.peer {
            Peer::Network(network) => Some(network),
            _ => None,
        });
        let entries = self.network_acls.iter().flat_map(|a| a.inbound.iter().chain(&a.outbound)).map(|entry| entry.network);
        let routes = self.route_tables.iter().flat_map(|t| &t.routes).filter_map(|route| match route.destination {
            Destination::Network(network) => Some(network),
            Destination::PrefixList(_) => None,
        });
        let lists = self.prefix_lists.iter().flat_map(|list| list.entries.iter().flatten().copied());
        rules.chain(entries).chain(routes).chain(lists)
    }

    /// Says of VPCs whose network AWS has yet to choose that nothing about them can be proved, where it may choose one that
    /// a line names, or `further` does.
    pub fn doubt_choices(&mut self, further: &[Cidr]) {
        let open: Vec<_> =
            self.vpcs.iter().filter(|vpc| vpc.cidrs.iter().any(|c| is_stand_in(*c))).map(|v| (v.id.clone(), v.origin)).collect();
        if open.is_empty() || !self.named_networks().chain(further.iter().copied()).any(|n| meets(n) == Meets::Perhaps) {
            return;
        }
        for (vpc, origin) in open {
            let origin: Origin = origin;
            self.unread(&vpc, "a VPC whose IPv6 network AWS will choose, perhaps out of one that is named", origin);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_apart_by_whether_aws_could_choose_there() {
        let meets = |text: &str| meets(text.parse().expect("a network"));
        for always in ["::/0", "2000::/3", "fd00::/8", "2001:db8:1::/48", "10.0.0.0/8", "::/1"] {
            assert_eq!(meets(always), Meets::Always, "{always}");
        }
        for perhaps in ["2600:1f18::/36", "2600::/12", "2a05:d014:1:2::/64", "2a00::/8", "2406:da1a::/40"] {
            assert_eq!(meets(perhaps), Meets::Perhaps, "{perhaps}");
        }
        for hardly in ["2a02:8388::/32", "2003::/19", "2001:4860::/32"] {
            assert_eq!(meets(hardly), Meets::Hardly, "{hardly}");
        }
    }

    #[test]
    fn what_stands_for_another_is_apart_from_all() {
        let both = [stand_in(0), stand_in(1)].map(|n| n.expect("one"));
        assert!(!both[0].overlaps(both[1]) && both.iter().all(|n| n.prefix() == 56 && is_stand_in(*n)));
        assert!(!is_stand_in("2001:db8::/32".parse().expect("a network")));
    }
}
