//! Networks, addresses and services as written: whether they are any. Layer 4.

use std::net::IpAddr;

use crate::{
    base::{
        cidr::Cidr,
        codes::value as codes,
        diagnostic::Diagnostic,
        service::{Service, ServiceError},
        span::Span,
    },
    schema::value::Value,
};

/// A network or an address.
///
/// # Errors
/// It is neither; the message is about the whole text at `at`.
pub(super) fn net(text: &str, at: Span) -> Result<Value, Diagnostic> {
    if text.contains('/') { text.parse().map(Value::Cidr).map_err(|error| codes::not_a_network(text, &error, at)) } else { ip(text, at) }
}

/// A network, out of a text.
///
/// # Errors
/// It is none.
pub(super) fn cidr(text: &str, at: Span) -> Result<Value, Diagnostic> {
    match text.parse::<IpAddr>() {
        Ok(ip) => Err(codes::address_for_network(ip, at)),
        Err(_) => text.parse::<Cidr>().map(Value::Cidr).map_err(|error| codes::not_a_network(text, &error, at)),
    }
}

/// An address, out of a text.
///
/// # Errors
/// It is none.
pub(super) fn ip(text: &str, at: Span) -> Result<Value, Diagnostic> {
    text.parse().map(Value::Ip).map_err(|_| codes::not_an_address(text, at))
}

/// A service, out of a text that begins at the start of `at`.
///
/// # Errors
/// It is none; the message is about the part that is wrong.
pub(super) fn service(text: &str, at: Span) -> Result<Service, Diagnostic> {
    Service::parse(text).map_err(|error| {
        let (start, end) = match &error {
            ServiceError::Protocol => (0, text.find('/').unwrap_or(text.len())),
            ServiceError::Port(start, end)
            | ServiceError::PortTooLarge(start, end)
            | ServiceError::Backwards(start, end, _)
            | ServiceError::Icmp(start, end)
            | ServiceError::Number(start, end)
            | ServiceError::Extra(start, end) => (*start, *end),
        };
        let (start, end) = match &error {
            ServiceError::PortTooLarge(..) => too_large(text, start, end),
            _ => (start, end),
        };
        let part = Span::new(at.file(), at.start() + start, (at.start() + end).min(at.end()));
        codes::not_a_service(text, text.get(start..end).unwrap_or(text), &error, part)
    })
}

/// The end of a range of ports that is too large; the whole where there is but one port.
fn too_large(text: &str, start: usize, end: usize) -> (usize, usize) {
    let range = text.get(start..end).unwrap_or_default();
    match range.split_once('-') {
        Some((from, _)) if from.parse::<u16>().is_err() => (start, start + from.len()),
        Some((from, _)) => (start + from.len() + 1, end),
        None => (start, end),
    }
}
