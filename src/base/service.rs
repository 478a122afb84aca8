//! Protocols and ports: `tcp/22`, `icmp/echo-request`, `all`. Layer 0.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a rule or a statement lets through, apart from addresses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// Every protocol and port.
    All,
    /// TCP, to these ports; none means all.
    Tcp(Vec<Ports>),
    /// UDP, to these ports; none means all.
    Udp(Vec<Ports>),
    /// ICMP: type and code, `None` is any.
    Icmp(Option<u8>, Option<u8>),
    /// ICMP for IPv6: type and code, `None` is any.
    Icmpv6(Option<u8>, Option<u8>),
    /// Any other protocol, by its IANA number.
    Protocol(u8),
}

/// A range of ports, both ends in it; `from <= to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ports {
    /// The lowest port.
    pub from: u16,
    /// The highest port.
    pub to: u16,
}

impl Ports {
    /// Every port.
    pub const ALL: Ports = Ports { from: 0, to: u16::MAX };
}

/// Names of ICMP types that may stand for their number: name, IPv4 type, IPv6 type.
///
/// Numbers from IANA's "ICMP Type Numbers" and "ICMPv6 type Numbers" registries.
pub const ICMP_NAMES: &[(&str, Option<u8>, Option<u8>)] = &[
    ("echo-reply", Some(0), Some(129)),
    ("destination-unreachable", Some(3), Some(1)),
    ("echo-request", Some(8), Some(128)),
    ("packet-too-big", None, Some(2)),
    ("time-exceeded", Some(11), Some(3)),
    ("parameter-problem", Some(12), Some(4)),
];

/// Why a text is no [`Service`]. Offsets are bytes into the text that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceError {
    /// The protocol's name is unknown.
    Protocol,
    /// A port is missing or no number, at this range of bytes.
    Port(usize, usize),
    /// A port is over 65535, at this range of bytes.
    PortTooLarge(usize, usize),
    /// A range goes backwards, at this range of bytes; holds its ends the right way round.
    Backwards(usize, usize, Ports),
    /// An ICMP type or code is unknown or over 255, at this range of bytes.
    Icmp(usize, usize),
    /// A protocol number is missing or over 255, at this range of bytes.
    Number(usize, usize),
    /// Something stands after a service that takes nothing more, at this range of bytes.
    Extra(usize, usize),
}

impl Service {
    /// Reads `tcp/80,443`; the whole text must be the service.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place in `text`.
    pub fn parse(text: &str) -> Result<Service, ServiceError> {
        let (protocol, rest) = match text.split_once('/') {
            Some((protocol, rest)) => (protocol, Some((rest, protocol.len() + 1))),
            None => (text, None),
        };
        match (protocol, rest) {
            ("all", None) => Ok(Service::All),
            ("all", Some((_, at))) => Err(ServiceError::Extra(at - 1, text.len())),
            ("tcp", rest) => Ok(Service::Tcp(rest.map_or(Ok(vec![]), |(r, at)| ports(r, at))?)),
            ("udp", rest) => Ok(Service::Udp(rest.map_or(Ok(vec![]), |(r, at)| ports(r, at))?)),
            ("icmp", rest) => icmp(rest, |(_, v4, _)| *v4).map(|(t, c)| Service::Icmp(t, c)),
            ("icmpv6", rest) => icmp(rest, |(_, _, v6)| *v6).map(|(t, c)| Service::Icmpv6(t, c)),
            ("protocol", Some((n, at))) => match n.parse() {
                Ok(1) => Ok(Service::Icmp(None, None)),
                Ok(6) => Ok(Service::Tcp(vec![])),
                Ok(17) => Ok(Service::Udp(vec![])),
                Ok(58) => Ok(Service::Icmpv6(None, None)),
                Ok(n) => Ok(Service::Protocol(n)),
                Err(_) => Err(ServiceError::Number(at, text.len())),
            },
            ("protocol", None) => Err(ServiceError::Number(0, text.len())),
            _ => Err(ServiceError::Protocol),
        }
    }

    /// Whether `word` alone, or before a slash, starts a service.
    #[must_use]
    pub fn is_protocol(word: &str) -> bool {
        matches!(word, "all" | "tcp" | "udp" | "icmp" | "icmpv6" | "protocol")
    }
}

fn ports(text: &str, at: usize) -> Result<Vec<Ports>, ServiceError> {
    let mut found = vec![];
    let mut start = at;
    for piece in text.split(',') {
        let end = start + piece.len();
        let port = |s: &str| match s.parse::<u32>() {
            Ok(n) if n > 65535 => Err(ServiceError::PortTooLarge(start, end)),
            Ok(n) => Ok(n as u16),
            Err(_) if !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit()) => Err(ServiceError::PortTooLarge(start, end)),
            Err(_) => Err(ServiceError::Port(start, end)),
        };
        let (from, to) = match piece.split_once('-') {
            Some((from, to)) => (port(from)?, port(to)?),
            None => (port(piece)?, port(piece)?),
        };
        if from > to {
            return Err(ServiceError::Backwards(start, end, Ports { from: to, to: from }));
        }
        found.push(Ports { from, to });
        start = end + 1;
    }
    found.sort();
    found.dedup();
    Ok(found)
}

type IcmpName = (&'static str, Option<u8>, Option<u8>);

fn icmp(rest: Option<(&str, usize)>, pick: fn(&IcmpName) -> Option<u8>) -> Result<(Option<u8>, Option<u8>), ServiceError> {
    let Some((rest, at)) = rest else { return Ok((None, None)) };
    let (kind, code) = rest.split_once('/').map_or((rest, None), |(k, c)| (k, Some(c)));
    let named = ICMP_NAMES.iter().find(|n| n.0 == kind).and_then(pick);
    let Some(kind_number) = named.or_else(|| kind.parse().ok()) else {
        return Err(ServiceError::Icmp(at, at + kind.len()));
    };
    let Some(code) = code else { return Ok((Some(kind_number), None)) };
    let start = at + kind.len() + 1;
    code.parse().map(|c| (Some(kind_number), Some(c))).map_err(|_| ServiceError::Icmp(start, start + code.len()))
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with_ports = |f: &mut fmt::Formatter<'_>, name: &str, ports: &[Ports]| {
            f.write_str(name)?;
            for (i, port) in ports.iter().enumerate() {
                write!(f, "{}{port}", if i == 0 { "/" } else { "," })?;
            }
            Ok(())
        };
        let with_type = |f: &mut fmt::Formatter<'_>, name: &str, kind: &Option<u8>, code: &Option<u8>| match (kind, code) {
            (None, _) => f.write_str(name),
            (Some(kind), None) => write!(f, "{name}/{kind}"),
            (Some(kind), Some(code)) => write!(f, "{name}/{kind}/{code}"),
        };
        match self {
            Service::All => f.write_str("all"),
            Service::Tcp(ports) => with_ports(f, "tcp", ports),
            Service::Udp(ports) => with_ports(f, "udp", ports),
            Service::Icmp(kind, code) => with_type(f, "icmp", kind, code),
            Service::Icmpv6(kind, code) => with_type(f, "icmpv6", kind, code),
            Service::Protocol(n) => write!(f, "protocol/{n}"),
        }
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from == self.to { write!(f, "{}", self.from) } else { write!(f, "{}-{}", self.from, self.to) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_read_and_written_alike() {
        for text in
            ["all", "tcp", "tcp/22", "tcp/80,443", "tcp/1024-65535", "udp/53", "icmp", "icmp/8", "icmp/3/4", "icmpv6", "protocol/50"]
        {
            assert_eq!(Service::parse(text).map(|s| s.to_string()), Ok(text.to_owned()));
        }
        assert_eq!(Service::parse("icmp/echo-request"), Ok(Service::Icmp(Some(8), None)));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        assert_eq!(Service::parse("tcp/70000"), Err(ServiceError::PortTooLarge(4, 9)));
        assert_eq!(Service::parse("tcp/22,443-80"), Err(ServiceError::Backwards(7, 13, Ports { from: 80, to: 443 })));
        assert_eq!(Service::parse("tpc/22"), Err(ServiceError::Protocol));
        assert_eq!(Service::parse("tcp/"), Err(ServiceError::Port(4, 4)));
        assert_eq!(Service::parse("icmp/300"), Err(ServiceError::Icmp(5, 8)));
    }
}
