//! What an attribute is: its type, its words, and what changing it costs. Layer 1.
//!
//! A resource type declares its attributes with Rust types ([`Field`]), so that a name misspelt in the code
//! does not compile and a value of the wrong type is an error, never a silent default.

use std::{fmt, marker::PhantomData, net::IpAddr, sync::Arc};

use crate::{
    base::{address::Address, cidr::Cidr, service::Service},
    call::Arg,
    schema::value::{Record, Value},
};

/// The type of a value, of an attribute or of a variable.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// Anything; of a variable without a declared type.
    Any,
    /// `true` or `false`
    Bool,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// Text.
    Text,
    /// A network.
    Cidr,
    /// An address.
    Ip,
    /// Protocols and ports.
    Service,
    /// A network, an address, a security group or `anywhere`.
    Peer,
    /// A time in seconds.
    Duration,
    /// An image: an id, or `ami("al2023")`.
    Image,
    /// One of these texts, as EC2 spells them.
    OneOf(&'static [&'static str]),
    /// A resource of a kind.
    Ref(Arc<str>),
    /// In order.
    List(Arc<Type>),
    /// Without order, each once.
    Set(Arc<Type>),
    /// By key.
    Map(Arc<Type>),
    /// Certain fields.
    Object(Arc<[TypeField]>),
}

/// A field of an object type.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeField {
    /// Its name.
    pub name: Arc<str>,
    /// Whether it may be left out: then it is null.
    pub optional: bool,
    /// What it takes.
    pub ty: Type,
}

impl fmt::Display for Type {
    /// As one would write it, or say it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Any => f.write_str("any"),
            Type::Bool => f.write_str("bool"),
            Type::Int => f.write_str("int"),
            Type::Float => f.write_str("float"),
            Type::Text => f.write_str("string"),
            Type::Cidr => f.write_str("cidr"),
            Type::Ip => f.write_str("ip"),
            Type::Service => f.write_str("service"),
            Type::Peer => f.write_str("peer"),
            Type::Duration => f.write_str("duration"),
            Type::Image => f.write_str("image"),
            Type::OneOf(words) => {
                for (i, word) in words.iter().enumerate() {
                    write!(f, "{}{word:?}", if i == 0 { "" } else { " or " })?;
                }
                Ok(())
            }
            Type::Ref(kind) => f.write_str(kind),
            Type::List(of) => write!(f, "list({of})"),
            Type::Set(of) => write!(f, "set({of})"),
            Type::Map(of) => write!(f, "map({of})"),
            Type::Object(fields) => {
                f.write_str("object({")?;
                for (i, field) in fields.iter().enumerate() {
                    let mark = if field.optional { "?" } else { "" };
                    write!(f, "{} {}{mark}: {}", if i == 0 { "" } else { "," }, field.name, field.ty)?;
                }
                f.write_str(" })")
            }
        }
    }
}

/// What happens in EC2 when the value of an attribute changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A call changes it.
    InPlace,
    /// Calls of its parts change it: the attribute itself is never compared.
    Parts,
    /// The resource is made anew.
    Replace,
    /// EC2 decides it; it cannot be written.
    Computed,
    /// It is for secnet alone: EC2 is never told, and it holds as soon as it is written.
    Ours,
}

/// An attribute of a resource type.
#[derive(Debug, Clone)]
pub struct Attr {
    /// In snake_case, after the EC2 API's own parameter.
    pub name: &'static str,
    /// What it takes.
    pub ty: Type,
    /// The manual's words.
    pub doc: &'static str,
    /// What changing it costs.
    pub change: Change,
    /// Whether it must be written.
    pub required: bool,
    /// What it is where it is not written; `None` leaves it to EC2.
    pub default: Option<Value>,
}

/// A resource type, as far as references to it need to know.
pub trait Kind {
    /// `vpc`
    const KIND: &'static str;
}

/// A value that is known now, or that EC2 will decide.
#[derive(Debug, Clone, PartialEq)]
pub struct Val<T> {
    /// As resolved.
    pub value: Value,
    /// As its Rust type, where it is known.
    pub known: Option<T>,
}

impl<T> Val<T> {
    /// As a parameter of a call.
    #[must_use]
    pub fn arg(&self) -> Arg {
        Arg::from_value(&self.value)
    }
}

/// A reference to a resource that was checked to be of kind `T`.
#[derive(Debug, PartialEq)]
pub struct Ref<T> {
    /// `None` for a thing known by its id alone, as EC2 lists it.
    pub address: Option<Address>,
    /// The reference as a value.
    pub value: Value,
    kind: PhantomData<fn() -> T>,
}

impl<T> Clone for Ref<T> {
    fn clone(&self) -> Self {
        Self { address: self.address.clone(), value: self.value.clone(), kind: PhantomData }
    }
}

impl<T> Ref<T> {
    /// The id, as a parameter of a call.
    #[must_use]
    pub fn arg(&self) -> Arg {
        Arg::from_value(&self.value)
    }
}

/// A Rust type that an attribute can have.
pub trait Field: Sized {
    /// The type as the language sees it.
    fn ty() -> Type;
    /// Whether it must be written where there is no default.
    const REQUIRED: bool = true;
    /// Takes the value, if it fits.
    fn take(value: &Value) -> Option<Self>;
}

/// A Rust type with one variant of [`Value`] to itself.
pub trait Scalar: Sized {
    /// The type as the language sees it.
    fn ty() -> Type;
    /// Takes the value, if it fits.
    fn of(value: &Value) -> Option<Self>;
}

macro_rules! scalars {
    ($($rust:ty: $ty:expr, $pattern:pat => $value:expr;)*) => {
        $(impl Scalar for $rust {
            fn ty() -> Type { $ty }
            fn of(value: &Value) -> Option<Self> { match value { $pattern => Some($value), _ => None } }
        })*
    };
}

scalars! {
    bool: Type::Bool, Value::Bool(b) => *b;
    i64: Type::Int, Value::Int(n) => *n;
    Arc<str>: Type::Text, Value::Text(text) => text.clone();
    Cidr: Type::Cidr, Value::Cidr(cidr) => *cidr;
    IpAddr: Type::Ip, Value::Ip(ip) => *ip;
    Service: Type::Service, Value::Service(service) => service.clone();
}

/// An image, by id or as `ami(...)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Image(pub Value);

impl Scalar for Image {
    fn ty() -> Type {
        Type::Image
    }

    fn of(value: &Value) -> Option<Self> {
        matches!(value, Value::Text(_) | Value::Image(..)).then(|| Image(value.clone()))
    }
}

impl<T: Scalar> Field for Val<T> {
    fn ty() -> Type {
        T::ty()
    }

    fn take(value: &Value) -> Option<Self> {
        let known = T::of(value.inner());
        let later = matches!(value.inner(), Value::Attribute(..) | Value::Subnet(..) | Value::Concat(_) | Value::Sealed(_));
        (known.is_some() || later).then(|| Val { value: value.clone(), known })
    }
}

impl<T: Kind> Field for Ref<T> {
    fn ty() -> Type {
        Type::Ref(T::KIND.into())
    }

    fn take(value: &Value) -> Option<Self> {
        match value {
            // `default_security_group` is what AWS gives in the place of a `security_group`.
            Value::Resource(address)
                if [address.kind(), address.kind().strip_prefix("default_").unwrap_or_default()].contains(&T::KIND) =>
            {
                Some(Ref { address: Some(address.clone()), value: value.clone(), kind: PhantomData })
            }
            Value::Text(_) => Some(Ref { address: None, value: value.clone(), kind: PhantomData }),
            _ => None,
        }
    }
}

impl<T: Field> Field for Option<T> {
    fn ty() -> Type {
        T::ty()
    }

    const REQUIRED: bool = false;

    fn take(value: &Value) -> Option<Self> {
        if *value == Value::Null { Some(None) } else { T::take(value).map(Some) }
    }
}

/// A list without order, each element once.
#[derive(Debug, Clone, PartialEq)]
pub struct Set<T>(pub Vec<T>);

impl<T: Field> Field for Set<T> {
    fn ty() -> Type {
        Type::Set(Arc::new(T::ty()))
    }

    fn take(value: &Value) -> Option<Self> {
        value.elements().iter().map(T::take).collect::<Option<Vec<T>>>().map(Set)
    }
}

/// A list in order.
#[derive(Debug, Clone, PartialEq)]
pub struct List<T>(pub Vec<T>);

impl<T: Field> Field for List<T> {
    fn ty() -> Type {
        Type::List(Arc::new(T::ty()))
    }

    fn take(value: &Value) -> Option<Self> {
        value.elements().iter().map(T::take).collect::<Option<Vec<T>>>().map(List)
    }
}

impl<T: Field> Field for std::collections::BTreeMap<String, T> {
    fn ty() -> Type {
        Type::Map(Arc::new(T::ty()))
    }

    fn take(value: &Value) -> Option<Self> {
        match value {
            Value::Map(map) => map.iter().map(|(k, v)| T::take(v).map(|t| (k.clone(), t))).collect(),
            _ => None,
        }
    }
}

/// A text out of a closed list, as EC2 spells it; `W` names the list.
#[derive(Debug, Clone, PartialEq)]
pub struct Word<W>(pub Arc<str>, PhantomData<fn() -> W>);

/// A closed list of words.
pub trait Words {
    /// As EC2 spells them.
    const ALL: &'static [&'static str];
}

impl<W: Words> Scalar for Word<W> {
    fn ty() -> Type {
        Type::OneOf(W::ALL)
    }

    fn of(value: &Value) -> Option<Self> {
        value.as_text().filter(|t| W::ALL.contains(t)).map(|t| Word(t.into(), PhantomData))
    }
}

/// Why a record is not what its type says. The resolver has reported it to the user before anything else can meet it.
#[derive(Debug, Clone, PartialEq)]
pub enum DecodeError {
    /// A required attribute is not there.
    Missing(&'static str),
    /// An attribute has a value that its type does not take.
    WrongType(&'static str),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::Missing(name) => write!(f, "`{name}` is missing"),
            DecodeError::WrongType(name) => write!(f, "`{name}` has a value of another type"),
        }
    }
}

/// Takes one attribute out of a record.
///
/// # Errors
/// It is missing though required, or of another type.
pub fn field<T: Field>(record: &Record, name: &'static str, default: Option<Value>) -> Result<T, DecodeError> {
    let value = record.get(name).filter(|v| **v != Value::Null).cloned().or(default);
    match value {
        Some(value) => T::take(&value).ok_or(DecodeError::WrongType(name)),
        None => T::take(&Value::Null).filter(|_| !T::REQUIRED).ok_or(DecodeError::Missing(name)),
    }
}
