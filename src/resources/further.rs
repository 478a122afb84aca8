//! The addresses of an interface besides its first one, whoever says them: the interface itself, or the instance it comes with. Layer 3.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssignPrivateIpAddresses.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssignIpv6Addresses.html>

use crate::{
    base::{codes::network, diagnostic::Sink},
    call::{Arg, Call, Json},
    resources::read::{addresses, list},
    schema::{
        model::Resource,
        value::{Record, Value},
    },
};

/// Its secondary IPv4 addresses.
pub const SECONDARY: &str = "secondary_private_ip_addresses";
/// Its IPv6 addresses.
pub const IPV6: &str = "ipv6_addresses";
/// How many of these EC2 chooses.
pub const IPV6_COUNT: &str = "ipv6_address_count";

/// What an interface says of its further addresses.
pub fn observed(interface: &Json) -> [(&'static str, Value); 3] {
    let secondary = list(interface, &["PrivateIpAddresses"]).iter().filter(|a| a.get("Primary").and_then(Json::as_bool) == Some(false));
    let six = list(interface, &["Ipv6Addresses"]);
    let count = Value::Int(i64::try_from(six.len()).unwrap_or(i64::MAX));
    [(SECONDARY, addresses(secondary, "PrivateIpAddress")), (IPV6, addresses(six.iter(), "Ipv6Address")), (IPV6_COUNT, count)]
}

/// Whether some are written.
pub fn some(record: &Record, name: &str) -> bool {
    record.get(name).is_some_and(|value| !value.elements().is_empty())
}

/// Takes secondary addresses off an interface, then gives it others.
pub fn shift_secondary(interface: &Arg, old: &Record, new: &Record) -> Vec<Call> {
    let (gone, come) = difference(old, new, SECONDARY);
    let call =
        |action: &str, of: Vec<Arg>| Call::new(action, [("NetworkInterfaceId", interface.clone()), ("PrivateIpAddresses", Arg::List(of))]);
    let off = (!gone.is_empty()).then(|| call("UnassignPrivateIpAddresses", gone));
    off.into_iter().chain((!come.is_empty()).then(|| call("AssignPrivateIpAddresses", come))).collect()
}

/// Takes IPv6 addresses off an interface, then gives it others.
pub fn shift_ipv6(interface: &Arg, old: &Record, new: &Record) -> Vec<Call> {
    let (gone, come) = difference(old, new, IPV6);
    let off = (!gone.is_empty()).then(|| six("UnassignIpv6Addresses", interface, ("Ipv6Addresses", Arg::List(gone))));
    let on = (!come.is_empty()).then(|| six("AssignIpv6Addresses", interface, ("Ipv6Addresses", Arg::List(come))));
    off.into_iter().chain(on).collect()
}

/// Has EC2 choose some more, or takes the last ones off.
pub fn shift_count(interface: &Arg, old: &Record, new: &Record) -> Vec<Call> {
    let Some(Value::Int(wanted)) = new.get(IPV6_COUNT).map(Value::inner) else { return vec![] };
    let held = old.get(IPV6).map_or(&[][..], Value::elements);
    let wanted = usize::try_from(*wanted).unwrap_or_default();
    match wanted.checked_sub(held.len()) {
        Some(more) => vec![six("AssignIpv6Addresses", interface, ("Ipv6AddressCount", Arg::Known(more.into())))],
        None => {
            let last = held.iter().skip(wanted).map(Arg::from_value).collect();
            vec![six("UnassignIpv6Addresses", interface, ("Ipv6Addresses", Arg::List(last)))]
        }
    }
}

fn six(action: &str, interface: &Arg, what: (&str, Arg)) -> Call {
    Call::new(action, [("NetworkInterfaceId", interface.clone()), what])
}

fn difference(old: &Record, new: &Record, name: &str) -> (Vec<Arg>, Vec<Arg>) {
    let of = |record: &Record| record.get(name).map_or(&[][..], Value::elements).iter().map(Value::bare).collect::<Vec<_>>();
    let (old, new) = (of(old), of(new));
    let without = |a: &[Value], b: &[Value]| a.iter().filter(|value| !b.contains(value)).map(Arg::from_value).collect();
    (without(&old, &new), without(&new, &old))
}

/// What a call that makes an interface says of its IPv6 addresses. EC2 would choose some by itself if they came later.
pub fn ipv6_params(written: Option<&[Value]>, count: Option<Arg>) -> [(&'static str, Arg); 2] {
    let null = || Arg::Known(Json::Null);
    let one = |value: &Value| Arg::map([("Ipv6Address", Arg::from_value(value))]);
    let written = written.map_or_else(null, |written| Arg::List(written.iter().map(one).collect()));
    [("Ipv6Addresses", written), ("Ipv6AddressCount", count.unwrap_or_else(null))]
}

/// IPv6 addresses are written, or EC2 chooses so many.
pub fn check(holder: &Resource, sink: &mut Sink) {
    let written = |name: &str| holder.record.get(name).is_some_and(|value| *value != Value::Null);
    if written(IPV6) && written(IPV6_COUNT) {
        let at = holder.span_of(IPV6_COUNT);
        let help = "write `ipv6_addresses`, or how many EC2 is to choose";
        sink.push(network::text_not_taken("number of addresses", "beside addresses that are written", at, help));
    }
}
