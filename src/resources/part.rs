//! What the parts of several types have in common: how they are batched, shown, and filtered by. Layer 3.

use serde_json::json;

use crate::{
    base::service::{Ports, Service},
    call::{Arg, Call},
    registry::Batch,
    schema::value::{Record, Value},
};

/// A batch of one call for each part.
pub fn each(parts: &[&Record], call: impl Fn(&Record) -> Call) -> Vec<Batch> {
    parts.iter().enumerate().map(|(i, part)| Batch { of: vec![i], calls: vec![call(part)] }).collect()
}

/// A batch of several calls for each part.
pub fn each_of(parts: &[&Record], calls: impl Fn(&Record) -> Vec<Call>) -> Vec<Batch> {
    parts.iter().enumerate().map(|(i, part)| Batch { of: vec![i], calls: calls(part) }).collect()
}

/// A member, as a parameter; null where it is absent.
pub fn arg(record: &Record, member: &str) -> Arg {
    record.get(member).unwrap_or(&Value::Null).into()
}

/// `Filters` that let pass what has one of these values.
pub fn filter(name: &str, values: Vec<Arg>) -> Arg {
    Arg::map([("Name", Arg::text(name)), ("Values", Arg::List(values))])
}

/// A filter with one value that is known.
pub fn filter_text(name: &str, value: &str) -> Arg {
    Arg::Known(json!({"Name": name, "Values": [value]}))
}

/// A peer, target or member, as one would write it; an id stands without quotes, an instance for its interface.
pub fn show_value(value: Option<&Value>) -> String {
    match value {
        Some(Value::Attribute(address, name)) if name == "network_interface_id" => address.to_string(),
        Some(Value::Text(id)) => id.to_string(),
        Some(value) => value.to_string(),
        None => "?".into(),
    }
}

/// A whole number.
pub fn int(record: &Record, member: &str) -> Option<i64> {
    match record.get(member) {
        Some(Value::Int(n)) => Some(*n),
        _ => None,
    }
}

/// The service, if the value is one.
pub fn as_service(value: &Value) -> Option<&Service> {
    match value {
        Value::Service(service) => Some(service),
        _ => None,
    }
}

/// A protocol by name or number, and its ports, or ICMP type and code (-1 is any).
pub type Traffic = (String, Option<(i64, i64)>);

/// A service as EC2 splits it: one entry a range of ports.
pub fn traffic(service: &Service) -> Vec<Traffic> {
    let with_ports = |name: &str, ports: &[Ports]| {
        let ports = if ports.is_empty() { &[Ports::ALL] } else { ports };
        ports.iter().map(|p| (name.to_owned(), Some((p.from.into(), p.to.into())))).collect()
    };
    let with_type = |name: &str, kind: Option<u8>, code: Option<u8>| {
        vec![(name.to_owned(), Some((kind.map_or(-1, i64::from), code.map_or(-1, i64::from))))]
    };
    match service {
        Service::All => vec![("-1".into(), None)],
        Service::Tcp(ports) => with_ports("tcp", ports),
        Service::Udp(ports) => with_ports("udp", ports),
        Service::Icmp(kind, code) => with_type("icmp", *kind, *code),
        Service::Icmpv6(kind, code) => with_type("icmpv6", *kind, *code),
        Service::Protocol(n) => vec![(n.to_string(), None)],
    }
}

/// Names of the protocols that have one, and their numbers (IANA, "Protocol Numbers").
const PROTOCOLS: [(&str, &str); 4] = [("tcp", "6"), ("udp", "17"), ("icmp", "1"), ("icmpv6", "58")];

/// A protocol's number, as network ACLs take it.
pub fn protocol_number(name: &str) -> &str {
    PROTOCOLS.iter().find(|(n, _)| *n == name).map_or(name, |(_, number)| number)
}

/// A protocol's name, as security groups take it.
pub fn protocol_name(number: &str) -> &str {
    PROTOCOLS.iter().find(|(_, n)| *n == number).map_or(number, |(name, _)| name)
}

/// As one would write it: `tcp/22`.
pub fn show_traffic(protocol: &str, range: Option<(i64, i64)>) -> String {
    match (protocol_name(protocol), range) {
        ("-1", _) => "all".to_owned(),
        (name @ ("tcp" | "udp"), None | Some((0, 65535))) => name.to_owned(),
        (name @ ("tcp" | "udp"), Some((from, to))) if from == to => format!("{name}/{from}"),
        (name @ ("tcp" | "udp"), Some((from, to))) => format!("{name}/{from}-{to}"),
        (name @ ("icmp" | "icmpv6"), None | Some((-1, _))) => name.to_owned(),
        (name @ ("icmp" | "icmpv6"), Some((kind, -1))) => format!("{name}/{kind}"),
        (name @ ("icmp" | "icmpv6"), Some((kind, code))) => format!("{name}/{kind}/{code}"),
        (other, _) => format!("protocol/{other}"),
    }
}
