//! Values after resolution. Layer 1. There is no AST in them and no name that is not resolved.

use std::{collections::BTreeMap, fmt, net::IpAddr, ops::Deref, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::base::{address::Address, cidr::Cidr, service::Service};

/// The attributes of a resource or part, by name.
pub type Record = BTreeMap<String, Value>;

/// A value.
#[derive(Debug, Clone, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Absent.
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// Text.
    Text(Arc<str>),
    /// A network.
    Cidr(Cidr),
    /// An address.
    Ip(IpAddr),
    /// Protocols and ports.
    Service(Service),
    /// A time in seconds.
    Duration(u64),
    /// `0.0.0.0/0`, and `::/0` where the VPC has IPv6.
    Anywhere,
    /// Every public address; in policies alone.
    Internet,
    /// Every source there can be; in policies alone.
    Any,
    /// In order.
    List(Vec<Value>),
    /// By key.
    Map(BTreeMap<String, Value>),
    /// A resource: `vpc.main`.
    Resource(Address),
    /// An attribute that EC2 decides, or that an existing resource has: `instance.server.public_ip_address`.
    Attribute(Address, String),
    /// A network in one that EC2 will choose: that one, how many more bits of prefix, and which of those that have so many;
    /// made by [`subnet`].
    Subnet(Box<Value>, u8, u64),
    /// Text of which some pieces are not known yet.
    Concat(Vec<Value>),
    /// `ami("al2023")`: the newest image of a family, looked up while planning; name and, if given, architecture.
    Image(String, Option<String>),
    /// A value that nobody is shown. Writing it down anywhere is an error: what is kept of it is [`Value::Sealed`].
    #[serde(skip)]
    Sensitive(Secret),
    /// What is kept of a sensitive value: a keyed hash (see [`crate::state::seal`]), or nothing at all.
    Sealed(String),
    /// Something that was reported already; silences what follows from it.
    Error,
}

/// How a sensitive value is shown.
pub const HIDDEN: &str = "(sensitive)";

/// What is in a sensitive value. Neither `{}` nor `{:?}` shows it.
#[derive(Clone, PartialEq, PartialOrd)]
pub struct Secret(Box<Value>);

impl Deref for Secret {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Value {
    /// Text.
    pub fn text(text: impl AsRef<str>) -> Self {
        Value::Text(text.as_ref().into())
    }

    /// The text, if it is text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value as a sensitive one, nothing in which is sensitive by itself.
    #[must_use]
    pub fn sensitive(self) -> Self {
        match self {
            Value::Error => Value::Error,
            other => Value::Sensitive(Secret(Box::new(if other.is_sensitive() { other.bare() } else { other }))),
        }
    }

    /// The value as a sensitive one if `yes`, else as it is.
    #[must_use]
    pub fn sensitive_if(self, yes: bool) -> Self {
        if yes { self.sensitive() } else { self }
    }

    /// Whether it, or something in it, is sensitive.
    #[must_use]
    pub fn is_sensitive(&self) -> bool {
        match self {
            Value::Sensitive(_) => true,
            Value::List(values) | Value::Concat(values) => values.iter().any(Value::is_sensitive),
            Value::Map(map) => map.values().any(Value::is_sensitive),
            _ => false,
        }
    }

    /// Whether it, or something in it, is what is kept of a sensitive value.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        match self {
            Value::Sealed(_) => true,
            Value::List(values) | Value::Concat(values) => values.iter().any(Value::is_sealed),
            Value::Map(map) => map.values().any(Value::is_sealed),
            _ => false,
        }
    }

    /// The value in the clear: itself and everything in it.
    #[must_use]
    pub fn bare(&self) -> Self {
        match self {
            Value::Sensitive(inner) => inner.bare(),
            Value::List(values) => Value::List(values.iter().map(Value::bare).collect()),
            Value::Map(map) => Value::Map(map.iter().map(|(k, v)| (k.clone(), v.bare())).collect()),
            Value::Concat(values) => concat(values.iter().map(Value::bare).collect()),
            other => other.clone(),
        }
    }

    /// The value in the clear, and whether it itself is sensitive; what is in a list or map stays as it is.
    #[must_use]
    pub fn open(self) -> (Self, bool) {
        match self {
            Value::Sensitive(inner) => (*inner.0, true),
            other => (other, false),
        }
    }

    /// In rules, routes and entries an address stands for the network of it alone.
    #[must_use]
    pub fn as_network(self) -> Self {
        if let Self::Ip(ip) = self { Self::Cidr(Cidr::host_of(ip)) } else { self }
    }

    /// What is in it if it is sensitive, else itself.
    #[must_use]
    pub fn inner(&self) -> &Self {
        match self {
            Value::Sensitive(inner) => inner,
            other => other,
        }
    }

    /// The resource, if it is one.
    #[must_use]
    pub fn as_resource(&self) -> Option<&Address> {
        match self {
            Value::Resource(address) => Some(address),
            _ => None,
        }
    }

    /// The elements, if it is a list; a single value is a list of one, null an empty one.
    #[must_use]
    pub fn elements(&self) -> &[Value] {
        match self {
            Value::List(values) => values,
            Value::Null => &[],
            other => std::slice::from_ref(other),
        }
    }

    /// Whether EC2 has to decide before it is known. A reference is known: it is itself.
    #[must_use]
    pub fn is_later(&self) -> bool {
        matches!(self, Value::Attribute(..) | Value::Subnet(..) | Value::Concat(_))
    }

    /// Whether nothing in it waits for EC2: no attribute, image or reference.
    #[must_use]
    pub fn is_known(&self) -> bool {
        match self {
            Value::Resource(_) | Value::Attribute(..) | Value::Subnet(..) | Value::Concat(_) | Value::Image(..) | Value::Error => false,
            Value::List(values) => values.iter().all(Value::is_known),
            Value::Map(map) => map.values().all(Value::is_known),
            Value::Sensitive(inner) => inner.is_known(),
            _ => true,
        }
    }

    /// Every resource named in it, by reference or by attribute.
    pub fn resources(&self, found: &mut Vec<Address>) {
        self.each_resource(&mut |address| found.push(address.clone()));
    }

    /// The same, without a copy of what they are called.
    pub fn each_resource<'v>(&'v self, found: &mut dyn FnMut(&'v Address)) {
        match self {
            Value::Resource(address) | Value::Attribute(address, _) => found(address),
            Value::List(values) | Value::Concat(values) => values.iter().for_each(|v| v.each_resource(found)),
            Value::Map(map) => map.values().for_each(|v| v.each_resource(found)),
            Value::Subnet(of, ..) => of.each_resource(found),
            Value::Sensitive(inner) => inner.each_resource(found),
            _ => {}
        }
    }

    /// Rewrites every leaf: `change` gives the new value, or `None` to leave it.
    #[must_use]
    pub fn rewrite(&self, change: &dyn Fn(&Value) -> Option<Value>) -> Value {
        if let Some(new) = change(self) {
            return new;
        }
        match self {
            Value::List(values) => Value::List(values.iter().map(|v| v.rewrite(change)).collect()),
            Value::Map(map) => Value::Map(map.iter().map(|(k, v)| (k.clone(), v.rewrite(change))).collect()),
            Value::Subnet(of, bits, n) => subnet(of.rewrite(change), *bits, *n),
            Value::Concat(values) => concat(values.iter().map(|v| v.rewrite(change)).collect()),
            Value::Sensitive(inner) => inner.rewrite(change).sensitive(),
            other => other.clone(),
        }
    }
}

/// Joins pieces into a text; stays a [`Value::Concat`] while a piece is not known. A sensitive piece makes the whole so.
#[must_use]
pub fn concat(pieces: Vec<Value>) -> Value {
    if pieces.iter().any(Value::is_sensitive) {
        concat(pieces.iter().map(Value::bare).collect()).sensitive()
    } else if pieces.iter().any(Value::is_sealed) {
        Value::Concat(pieces)
    } else if pieces.iter().all(Value::is_known) {
        Value::text(pieces.iter().map(Plain).map(|p| p.to_string()).collect::<String>())
    } else {
        Value::Concat(pieces)
    }
}

/// One of the networks in another that have so many more bits of prefix, by its number; stays a [`Value::Subnet`] while the
/// other is not known. Where there is no such network, it is what nobody can know.
#[must_use]
pub fn subnet(of: Value, new_bits: u8, n: u64) -> Value {
    match &of {
        Value::Cidr(whole) => whole.subnet(new_bits, n.into()).map_or(Value::Subnet(Box::new(of), new_bits, n), Value::Cidr),
        _ => Value::Subnet(Box::new(of), new_bits, n),
    }
}

struct Plain<'a>(&'a Value);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Text(text) => f.write_str(text),
            other => write!(f, "{other}"),
        }
    }
}

impl fmt::Display for Value {
    /// As one would write it in a source file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, values: &[Value], separator: &str| {
            for (i, value) in values.iter().enumerate() {
                write!(f, "{}{value}", if i == 0 { "" } else { separator })?;
            }
            Ok(())
        };
        match self {
            Value::Null => f.write_str("null"),
            Value::Bool(b) => write!(f, "{b}"),
            Value::Int(n) => write!(f, "{n}"),
            Value::Float(n) => write!(f, "{n}"),
            Value::Text(text) => write!(f, "{text:?}"),
            Value::Cidr(cidr) => write!(f, "{cidr}"),
            Value::Ip(ip) => write!(f, "{ip}"),
            Value::Service(service) => write!(f, "{service}"),
            Value::Duration(seconds) => write!(f, "{seconds}s"),
            Value::Anywhere => f.write_str("anywhere"),
            Value::Internet => f.write_str("internet"),
            Value::Any => f.write_str("any"),
            Value::List(values) => {
                f.write_str("[")?;
                list(f, values, ", ")?;
                f.write_str("]")
            }
            Value::Map(map) => {
                f.write_str("{")?;
                for (i, (key, value)) in map.iter().enumerate() {
                    write!(f, "{}{key} = {value}", if i == 0 { " " } else { ", " })?;
                }
                f.write_str(if map.is_empty() { "}" } else { " }" })
            }
            Value::Resource(address) => write!(f, "{address}"),
            Value::Attribute(address, name) => write!(f, "{address}.{name}"),
            Value::Subnet(of, bits, n) => write!(f, "subnets({of}, {bits})[{n}]"),
            Value::Concat(values) => list(f, values, " + "),
            Value::Image(name, None) => write!(f, "ami({name:?})"),
            Value::Image(name, Some(architecture)) => write!(f, "ami({name:?}, {architecture:?})"),
            Value::Sensitive(_) | Value::Sealed(_) => f.write_str(HIDDEN),
            Value::Error => f.write_str("(error)"),
        }
    }
}
