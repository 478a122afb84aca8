//! A described network as network namespaces: a script for each network.
//!
//! A VPC's router is a namespace and each of its subnets a bridge there, so that what stays in a subnet meets no ACL; a
//! network ACL is a chain of ordered rules without connection tracking; a route table is a routing table for what comes
//! in from its subnets' bridges. An interface is a namespace whose groups are chains with connection tracking, a group
//! in a rule the set of its members' private addresses. An internet gateway writes addresses one for one and knows no
//! connections; a NAT gateway does, and drops what it does not know. A peering is a cable between two routers.

use std::{collections::BTreeMap, fmt::Write, net::IpAddr};

use secnet::{
    base::{
        cidr::{Cidr, Family},
        service::{Ports, Service},
    },
    net::*,
};

/// Addresses that the internet has.
pub const INTERNET: [&str; 4] = ["8.8.8.8", "203.0.113.9", "203.0.113.99", "52.216.1.1"];

const PRIVATE: &str = "{ 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10 }";

/// A script, and the files that it reads.
pub struct Built {
    pub script: String,
    pub files: BTreeMap<String, String>,
}

struct Builder<'n> {
    net: &'n Net,
    /// What each namespace is told: commands of `ip`, commands of `nft`.
    told: BTreeMap<String, (String, String)>,
    cables: String,
}

/// Writes down how to build a network.
pub fn build(net: &Net) -> Built {
    let mut builder = Builder { net, told: BTreeMap::new(), cables: String::new() };
    builder.internet();
    for v in 0..net.vpcs.len() {
        builder.router(v);
        builder.gateway(v);
    }
    for n in 0..net.peerings.len() {
        builder.peering(n);
    }
    for i in 0..net.interfaces.len() {
        builder.interface(i);
    }
    for v in 0..net.vpcs.len() {
        builder.tables(v);
    }
    let mut script = "export PATH=$PATH:/usr/sbin:/sbin\nmount -t tmpfs none /run\nmkdir /run/netns\n".to_owned();
    let mut files = BTreeMap::from([("cables".to_owned(), builder.cables)]);
    for (name, (ip, nft)) in builder.told {
        let _ = writeln!(script, "ip netns add {name}\nip netns exec {name} sh settings");
        files.insert(format!("{name}.ip"), format!("link set lo up\n{ip}"));
        files.insert(format!("{name}.nft"), nft);
    }
    script.push_str("ip -batch cables\nfor name in $(ls /run/netns); do ip netns exec $name sh -eu configure $name; done\n");
    files.insert("configure".into(), "ip -batch $1.ip\nnft -f $1.nft\n".into());
    let settings = ["net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0"];
    let more = ["net.ipv4.conf.all.send_redirects=0", "net.ipv4.conf.default.send_redirects=0", "net.ipv4.icmp_ratelimit=0"];
    let bridges = "sysctl -qw net.bridge.bridge-nf-call-iptables=0 2>/dev/null || true\n";
    files.insert("settings".into(), format!("sysctl -qw {} {}\n{bridges}", settings.join(" "), more.join(" ")));
    Built { script, files }
}

fn v4(cidrs: &[Cidr]) -> Cidr {
    *cidrs.iter().find(|c| c.family() == Family::V4).unwrap()
}

impl Builder<'_> {
    fn ip(&mut self, name: &str, line: String) {
        self.told.entry(name.to_owned()).or_default().0.push_str(&(line + "\n"));
    }

    fn nft(&mut self, name: &str, text: String) {
        self.told.entry(name.to_owned()).or_default().1.push_str(&(text + "\n"));
    }

    /// A cable between two namespaces, with an address at each end.
    fn cable(&mut self, one: (&str, &str, &str), other: (&str, &str, &str)) {
        let _ = writeln!(self.cables, "link add name {} netns {} type veth peer name {} netns {}", one.1, one.0, other.1, other.0);
        for (name, device, address) in [one, other] {
            if !address.is_empty() {
                self.ip(name, format!("addr add {address} dev {device}"));
            }
            self.ip(name, format!("link set {device} up"));
        }
    }

    fn vpc(&self, id: &Id) -> Option<usize> {
        self.net.vpcs.iter().position(|v| v.id == *id)
    }

    fn subnets(&self, v: usize) -> Vec<usize> {
        let of = |s: &usize| self.net.subnets[*s].vpc == self.net.vpcs[v].id;
        (0..self.net.subnets.len()).filter(of).collect()
    }

    fn gateway_of(&self, v: usize) -> Option<&InternetGateway> {
        self.net.internet_gateways.iter().find(|g| g.vpc.as_ref() == Some(&self.net.vpcs[v].id))
    }

    fn internet(&mut self) {
        for address in INTERNET {
            self.ip("i0", format!("addr add {address}/32 dev lo"));
        }
        self.ip("i0", "route add blackhole default".into());
        self.nft(
            "i0",
            "table ip quiet {\nchain out { type filter hook output priority 0; icmp type destination-unreachable drop; }\n}".into(),
        );
    }

    /// The internet gateway: between the VPC's router and the internet.
    fn gateway(&mut self, v: usize) {
        if self.gateway_of(v).is_none() {
            return;
        }
        let (router, gateway, far) = (format!("r{v}"), format!("g{v}"), format!("to{v}"));
        self.cable((&router, "igw", "169.254.1.1/30"), (&gateway, "vpc", "169.254.1.2/30"));
        self.cable((&gateway, "out", &format!("169.254.2.{}/30", 4 * v + 1)), ("i0", &far, &format!("169.254.2.{}/30", 4 * v + 2)));
        let whole = v4(&self.net.vpcs[v].cidrs);
        self.ip(&gateway, format!("route add {whole} via 169.254.1.1"));
        self.ip(&gateway, format!("route add default via 169.254.2.{}", 4 * v + 2));
        let mut pairs: Vec<(IpAddr, IpAddr)> = vec![];
        for interface in &self.net.interfaces {
            let here = self.net.subnets.iter().any(|s| s.id == interface.subnet && s.vpc == self.net.vpcs[v].id);
            for address in interface.addresses.iter().filter(|_| here) {
                if let Some(Public::Known(public)) = address.public {
                    pairs.push((address.private.network(), public));
                }
            }
        }
        let list = |f: fn(&(IpAddr, IpAddr)) -> String| pairs.iter().map(f).collect::<Vec<_>>().join(", ");
        let inner = if pairs.is_empty() {
            "drop".to_owned()
        } else {
            format!(
                "iifname vpc ip daddr {PRIVATE} drop\niifname vpc ip saddr != {{ {} }} drop\niifname vpc ip saddr set ip saddr map {{ {} }}\n\
                 iifname out ip saddr {PRIVATE} drop\niifname out ip daddr != {{ {} }} drop\niifname out ip daddr set ip daddr map {{ {} }}",
                list(|(private, _)| private.to_string()),
                list(|(private, public)| format!("{private} : {public}")),
                list(|(_, public)| public.to_string()),
                list(|(private, public)| format!("{public} : {private}")),
            )
        };
        let publics: Vec<IpAddr> = pairs.iter().map(|(_, public)| *public).collect();
        self.nft(
            &gateway,
            format!("table ip gateway {{\nchain in {{ type filter hook prerouting priority -300;\nnotrack\n{inner}\n}}\n}}"),
        );
        for public in publics {
            self.ip("i0", format!("route add {public} via 169.254.2.{}", 4 * v + 1));
        }
    }

    fn router(&mut self, v: usize) {
        let name = format!("r{v}");
        let (mut chains, mut forward) = (String::new(), String::new());
        for s in self.subnets(v) {
            let subnet = &self.net.subnets[s];
            let acls = &self.net.network_acls;
            let acl = acls.iter().position(|a| a.subnets.contains(&subnet.id));
            let acl = acl.or_else(|| acls.iter().position(|a| a.default && a.vpc == subnet.vpc)).unwrap();
            let address = format!("{}/{}", v4(&subnet.cidrs).host(1).unwrap(), v4(&subnet.cidrs).prefix());
            let _ = writeln!(forward, "iifname br{s} jump out{acl}\noifname br{s} iifname != br{s} jump in{acl}");
            self.ip(&name, format!("link add br{s} type bridge stp_state 0 forward_delay 0"));
            self.ip(&name, format!("addr add {address} dev br{s}"));
            self.ip(&name, format!("link set br{s} up"));
        }
        for (a, acl) in self.net.network_acls.iter().enumerate().filter(|(_, a)| a.vpc == self.net.vpcs[v].id) {
            for (chain, entries, side) in [("in", &acl.inbound, "saddr"), ("out", &acl.outbound, "daddr")] {
                let _ = writeln!(chains, "chain {chain}{a} {{");
                let mut ordered: Vec<&Entry> = entries.iter().filter(|e| e.network.family() == Family::V4).collect();
                ordered.sort_by_key(|e| e.number);
                for entry in ordered {
                    for traffic in matching(&entry.service) {
                        let verdict = if entry.allow { "return" } else { "drop" };
                        let _ = writeln!(chains, "ip {side} {} {traffic} {verdict}", entry.network);
                    }
                }
                let _ = writeln!(chains, "drop\n}}");
            }
        }
        let untracked =
            "chain first { type filter hook prerouting priority -300; notrack; }\nchain own { type filter hook input priority 0; drop; }";
        let hook = format!("chain pass {{ type filter hook forward priority 0;\n{forward}\n}}");
        self.nft(&name, format!("table ip acl {{\n{untracked}\n{chains}\n{hook}\n}}"));
    }

    fn peering(&mut self, n: usize) {
        let peering = &self.net.peerings[n];
        let sides = peering.sides.each_ref().map(|s| self.vpc(&s.vpc));
        let ([Some(a), Some(b)], true) = (sides, peering.active) else { return };
        let (device, one, other) = (format!("x{n}"), format!("r{a}"), format!("r{b}"));
        self.cable((&one, &device, &format!("169.254.{}.1/30", 10 + n)), (&other, &device, &format!("169.254.{}.2/30", 10 + n)));
        for (name, mine, theirs) in [(one, a, b), (other, b, a)] {
            let (mine, theirs) = (v4(&self.net.vpcs[mine].cidrs), v4(&self.net.vpcs[theirs].cidrs));
            let check = format!("oifname {device} ip saddr != {mine} drop\noifname {device} ip daddr != {theirs} drop");
            self.nft(&name, format!("table ip peering{n} {{\nchain pass {{ type filter hook forward priority 10;\n{check}\n}}\n}}"));
        }
    }

    fn interface(&mut self, i: usize) {
        let interface = &self.net.interfaces[i];
        let s = self.net.subnets.iter().position(|s| s.id == interface.subnet).unwrap();
        let (subnet, v) = (v4(&self.net.subnets[s].cidrs), self.vpc(&self.net.subnets[s].vpc).unwrap());
        let nat = matches!(interface.owner, Owner::NatGateway(_));
        let (router, name, port) = (format!("r{v}"), format!("{}{i}", if nat { "n" } else { "h" }), format!("p{i}"));
        self.cable((&router, &port, ""), (&name, "eth0", ""));
        self.ip(&router, format!("link set {port} master br{s}"));
        let addresses: Vec<IpAddr> = interface.addresses.iter().map(|a| a.private.network()).collect();
        for address in &addresses {
            self.ip(&name, format!("addr add {address}/{} dev eth0", subnet.prefix()));
        }
        self.ip(&name, format!("route add default via {}", subnet.host(1).unwrap()));
        let rules = if nat { translator(addresses[0]) } else { groups(self.net, interface) };
        self.nft(&name, rules);
    }

    /// Route tables, once all devices are there.
    fn tables(&mut self, v: usize) {
        let name = format!("r{v}");
        let local: Vec<String> = self.subnets(v).iter().map(|t| format!("{} dev br{t}", v4(&self.net.subnets[*t].cidrs))).collect();
        let vpc = v4(&self.net.vpcs[v].cidrs);
        let mut inward: Vec<String> =
            self.net.peerings.iter().enumerate().filter(|(_, p)| p.active).map(|(n, _)| format!("x{n}")).collect();
        inward.extend(self.gateway_of(v).map(|_| "igw".to_owned()));
        for line in local.iter().map(String::as_str).chain(["blackhole default metric 9000"]) {
            self.ip(&name, format!("route add {line} table 99"));
        }
        for device in inward {
            self.ip(&name, format!("rule add iif {device} lookup 99 pref 99"));
        }
        for s in self.subnets(v) {
            let mut chosen: BTreeMap<Cidr, (u8, String)> = BTreeMap::from([(vpc, (0, "blackhole".to_owned()))]);
            for t in self.subnets(v) {
                chosen.insert(v4(&self.net.subnets[t].cidrs), (0, format!("dev br{t}")));
            }
            for (cidr, rank, how) in self.routes(v, s) {
                let slot = chosen.entry(cidr).or_insert((0, String::new()));
                if rank > slot.0 {
                    *slot = (rank, how);
                }
            }
            self.ip(&name, format!("rule add iif br{s} lookup {} pref {}", 100 + s, 100 + s));
            for (cidr, (_, how)) in chosen {
                let line = if how == "blackhole" { format!("blackhole {cidr}") } else { format!("{cidr} {how}") };
                self.ip(&name, format!("route add {line} table {}", 100 + s));
            }
            self.ip(&name, format!("route add blackhole default metric 9000 table {}", 100 + s));
        }
    }

    /// The routes of a subnet's table: network, priority, where to.
    fn routes(&self, v: usize, s: usize) -> Vec<(Cidr, u8, String)> {
        let (subnet, tables) = (&self.net.subnets[s], &self.net.route_tables);
        let own = tables.iter().find(|t| t.subnets.contains(&subnet.id));
        let table = own.or_else(|| tables.iter().find(|t| t.main && t.vpc == subnet.vpc)).unwrap();
        let mut found = vec![];
        for route in &table.routes {
            let (cidrs, rank) = match &route.destination {
                Destination::Network(cidr) => (vec![*cidr], 2),
                Destination::PrefixList(id) => (self.net.prefix_lists.iter().find(|l| l.id == *id).unwrap().entries.clone().unwrap(), 1),
            };
            for cidr in cidrs.into_iter().filter(|c| c.family() == Family::V4) {
                found.push((cidr, rank, self.way(v, route)));
            }
        }
        found
    }

    /// How a route's packets go on.
    fn way(&self, v: usize, route: &Route) -> String {
        let gone = "blackhole".to_owned();
        if route.blackhole {
            return gone;
        }
        match &route.target {
            Target::InternetGateway(id) if self.gateway_of(v).is_some_and(|g| g.id == *id) => "via 169.254.1.2 dev igw".into(),
            Target::NatGateway(id) => {
                let gateway = self.net.nat_gateways.iter().find(|g| g.id == *id).unwrap();
                let home = self.net.subnets.iter().position(|s| gateway.subnet.as_ref() == Some(&s.id)).unwrap();
                if gateway.available { format!("via {} dev br{home}", gateway.private.unwrap()) } else { gone }
            }
            Target::Peering(id) => {
                let n = self.net.peerings.iter().position(|p| p.id == *id).unwrap();
                let sides = self.net.peerings[n].sides.each_ref().map(|s| self.vpc(&s.vpc));
                match sides {
                    [Some(a), Some(b)] if self.net.peerings[n].active && (a == v || b == v) => {
                        format!("via 169.254.{}.{} dev x{n}", 10 + n, if a == v { 2 } else { 1 })
                    }
                    _ => gone,
                }
            }
            _ => gone,
        }
    }
}

/// What a service matches, in IPv4: expressions of nftables.
fn matching(service: &Service) -> Vec<String> {
    let ports = |name: &str, list: &[Ports]| match list {
        [] => vec![format!("meta l4proto {name}")],
        list => list.iter().map(|p| format!("{name} dport {}-{}", p.from, p.to)).collect(),
    };
    match service {
        Service::All => vec![String::new()],
        Service::Tcp(list) => ports("tcp", list),
        Service::Udp(list) => ports("udp", list),
        Service::Icmp(kind, code) => {
            let kind = kind.map_or(String::new(), |k| format!("icmp type {k}"));
            vec![format!("meta l4proto icmp {kind} {}", code.map_or(String::new(), |c| format!("icmp code {c}")))]
        }
        Service::Icmpv6(..) => vec![],
        Service::Protocol(n) => vec![format!("meta l4proto {n}")],
    }
}

fn translator(own: IpAddr) -> String {
    format!(
        "table ip nat {{\nchain own {{ type filter hook input priority 0; drop; }}\n\
         chain pass {{ type filter hook forward priority 0; policy drop;\nct state invalid drop\nct state established,related accept\n\
         meta l4proto {{ tcp, udp, icmp }} ct state new accept\n}}\n\
         chain out {{ type nat hook postrouting priority 100;\nmeta l4proto {{ tcp, udp }} snat to {own}:1024-65535\nmeta l4proto icmp snat to {own}\n}}\n}}"
    )
}

fn groups(net: &Net, interface: &Interface) -> String {
    let mut chains = String::new();
    for (chain, hook, inbound) in [("in", "input", true), ("out", "output", false)] {
        let _ =
            writeln!(chains, "chain {chain} {{ type filter hook {hook} priority 0; policy drop;\nicmp type destination-unreachable drop");
        let _ = writeln!(chains, "ct state established,related accept");
        for group in net.security_groups.iter().filter(|g| interface.groups.contains(&g.id)) {
            for rule in if inbound { &group.ingress } else { &group.egress } {
                let Some(service) = &rule.service else { continue };
                let side = if inbound { "saddr" } else { "daddr" };
                for (peer, traffic) in peers(net, &rule.peer).iter().flat_map(|p| matching(service).into_iter().map(move |t| (p, t))) {
                    let _ = writeln!(chains, "ip {side} {peer} {traffic} accept");
                }
            }
        }
        chains.push_str("}\n");
    }
    format!("table ip groups {{\n{chains}}}")
}

/// The other side of a rule: networks and addresses.
fn peers(net: &Net, peer: &Peer) -> Vec<String> {
    let of = |cidrs: &[Cidr]| cidrs.iter().filter(|c| c.family() == Family::V4).map(ToString::to_string).collect();
    match peer {
        Peer::Network(cidr) => of(&[*cidr]),
        Peer::PrefixList(id) => of(net.prefix_lists.iter().find(|l| l.id == *id).unwrap().entries.as_deref().unwrap()),
        Peer::Stale(_) => vec![],
        Peer::Group(id) => {
            let members = net.interfaces.iter().filter(|i| i.groups.contains(id)).flat_map(|i| &i.addresses);
            of(&members.map(|a| a.private).collect::<Vec<_>>())
        }
    }
}
