//! Reading a request's parameters, which `shapes` has checked already. Layer 8.

use std::net::IpAddr;

use serde_json::Map;

use crate::{
    base::cidr::{Cidr, CidrError, Family},
    call::{ApiError, Json},
    sim::refuse::{bad, missing},
};

static NOTHING: std::sync::LazyLock<Map<String, Json>> = std::sync::LazyLock::new(Map::new);

/// The members of a request, or of a structure in it. A null counts as absent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Params<'a>(&'a Map<String, Json>);

impl<'a> Params<'a> {
    /// Of an object; anything else has no members.
    pub(crate) fn new(value: &'a Json) -> Self {
        Self(value.as_object().unwrap_or(&NOTHING))
    }

    pub(crate) fn get(self, name: &str) -> Option<&'a Json> {
        self.0.get(name).filter(|v| !v.is_null())
    }

    pub(crate) fn has(self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The names of the members that are there.
    pub(crate) fn names(self) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(|(_, v)| !v.is_null()).map(|(k, _)| k.as_str())
    }

    pub(crate) fn text(self, name: &str) -> Option<&'a str> {
        self.get(name).and_then(Json::as_str)
    }

    /// Text that must be there.
    pub(crate) fn need(self, name: &str) -> Result<&'a str, ApiError> {
        self.text(name).filter(|t| !t.is_empty()).ok_or_else(|| missing(name))
    }

    pub(crate) fn flag(self, name: &str) -> Option<bool> {
        self.get(name).and_then(Json::as_bool)
    }

    pub(crate) fn int(self, name: &str) -> Option<i64> {
        self.get(name).and_then(Json::as_i64)
    }

    pub(crate) fn list(self, name: &str) -> &'a [Json] {
        self.get(name).and_then(Json::as_array).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn texts(self, name: &str) -> Vec<&'a str> {
        self.list(name).iter().filter_map(Json::as_str).collect()
    }

    /// A structure.
    pub(crate) fn sub(self, name: &str) -> Option<Params<'a>> {
        self.get(name).map(Params::new)
    }

    /// The structures of a list.
    pub(crate) fn subs(self, name: &str) -> impl Iterator<Item = Params<'a>> {
        self.list(name).iter().map(Params::new)
    }

    /// `Value` of an attribute: `{"Value": true}`.
    pub(crate) fn value(self, name: &str) -> Option<&'a Json> {
        self.sub(name).and_then(|v| v.get("Value"))
    }
}

/// A network as EC2 reads it: host bits are cut off.
pub(crate) fn cidr(parameter: &str, text: &str) -> Result<Cidr, ApiError> {
    match text.parse() {
        Ok(cidr) | Err(CidrError::HostBits(cidr)) => Ok(cidr),
        Err(_) => Err(bad(format!("Value ({text}) for parameter {parameter} is invalid. This is not a valid CIDR block."))),
    }
}

/// A network of one family.
pub(crate) fn cidr_of(family: Family, parameter: &str, text: &str) -> Result<Cidr, ApiError> {
    let network = cidr(parameter, text)?;
    match network.family() == family {
        true => Ok(network),
        false => Err(bad(format!("CIDR block {text} is malformed"))),
    }
}

/// An IPv6 address.
pub(crate) fn address_v6(parameter: &str, text: &str) -> Result<IpAddr, ApiError> {
    text.parse()
        .ok()
        .filter(IpAddr::is_ipv6)
        .ok_or_else(|| bad(format!("Value ({text}) for parameter {parameter} is invalid. Invalid IPv6 address.")))
}

/// An IPv4 address.
pub(crate) fn address(parameter: &str, text: &str) -> Result<IpAddr, ApiError> {
    text.parse()
        .ok()
        .filter(IpAddr::is_ipv4)
        .ok_or_else(|| bad(format!("Value ({text}) for parameter {parameter} is invalid. Invalid IPv4 address.")))
}
