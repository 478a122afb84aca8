//! Values into the types that are declared for them. Layer 4; pure.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    base::{
        address::Address,
        cidr::Cidr,
        codes::{name, value as codes},
        diagnostic::{Diagnostic, nearest},
        span::Span,
    },
    resolve::{literal, repeat::in_order, resource::example},
    resources,
    schema::{
        attr::{Type, TypeField},
        value::Value,
    },
    syntax::ast::{Expr, ExprKind, Piece},
};

/// Where a value was written: the expression, if there is one, so that the elements of a list have places of their own.
#[derive(Clone, Copy)]
pub(super) struct Spot<'e> {
    expr: Option<&'e Expr>,
    pub(super) span: Span,
}

impl<'e> Spot<'e> {
    pub(super) fn of(expr: &'e Expr) -> Self {
        Self { expr: Some(expr), span: expr.span }
    }

    pub(super) fn at(span: Span) -> Self {
        Self { expr: None, span }
    }

    fn inner(self, expr: Option<&'e Expr>) -> Self {
        expr.map_or(Self { expr: None, span: self.span }, Self::of)
    }

    /// An element of a list.
    pub(super) fn element(self, i: usize) -> Self {
        match self.expr.map(|e| &e.kind) {
            Some(ExprKind::List(elements)) => self.inner(elements.get(i)),
            _ => self.inner(None),
        }
    }

    /// An entry of a map.
    pub(super) fn entry(self, key: &str) -> Self {
        match self.expr.map(|e| &e.kind) {
            Some(ExprKind::Map(entries)) => self.inner(entries.iter().find(|(k, _)| &*k.text == key).map(|(_, v)| v)),
            _ => self.inner(None),
        }
    }

    /// The key of an entry of a map.
    pub(super) fn key(self, key: &str) -> Span {
        match self.expr.map(|e| &e.kind) {
            Some(ExprKind::Map(entries)) => entries.iter().find(|(k, _)| &*k.text == key).map_or(self.span, |(k, _)| k.span),
            _ => self.span,
        }
    }

    /// The text between the quotes, where it stands as it is.
    fn quoted(self) -> Span {
        match self.expr.map(|e| &e.kind) {
            Some(ExprKind::Text(pieces)) => match pieces.as_slice() {
                [Piece::Plain(text)] if text.len() + 2 == self.span.len() => {
                    Span::new(self.span.file(), self.span.start() + 1, self.span.end() - 1)
                }
                _ => self.span,
            },
            _ => self.span,
        }
    }

    /// The path, where an output of another project is written: `project.other.vpc`.
    fn neighbour(self) -> Option<String> {
        let ExprKind::Field(base, output) = &self.expr?.kind else { return None };
        let ExprKind::Field(word, other) = &base.kind else { return None };
        let is_project = matches!(&word.kind, ExprKind::Name(word) if &**word == "project");
        is_project.then(|| format!("project.{}.{}", other.text, output.text))
    }

    fn is_literal_text(self) -> bool {
        matches!(self.expr.map(|e| &e.kind), Some(ExprKind::Text(_)))
    }
}

/// A value of the type, or [`Value::Error`] with the reason in `out`. Null stays null: whether it may be is for the caller.
pub(super) fn convert(value: Value, ty: &Type, at: Spot<'_>, out: &mut Vec<Diagnostic>) -> Value {
    match (ty, value) {
        (_, Value::Error) => Value::Error,
        (_, Value::Null) => Value::Null,
        (Type::Any, value) => value,
        (ty, Value::Sensitive(inner)) => {
            let mut reported = vec![];
            let value = convert((*inner).clone(), ty, Spot::at(at.span), &mut reported);
            // None of them would say what is wrong without the value.
            out.extend(reported.first().map(|_| codes::wrong_type(&wanted(ty), "a sensitive value of another type", at.span)));
            if reported.is_empty() { value.sensitive() } else { Value::Error }
        }
        (_, Value::Attribute(address, attribute)) => later(address, attribute, ty, at, out),
        (Type::List(of), Value::List(values)) => Value::List(each(values, of, at, out)),
        (Type::Set(of), Value::List(values)) => Value::List(distinct(each(values, of, at, out))),
        // Many of a kind, as `for` makes them: a list in the order of their keys.
        (Type::List(_) | Type::Set(_), Value::Map(map)) if map.values().all(|v| matches!(v, Value::Resource(_))) => {
            convert(Value::List(in_order(map).into_iter().map(|(_, v)| v).collect()), ty, Spot::at(at.span), out)
        }
        (Type::List(of) | Type::Set(of), single) => no_list(single, of, at, out),
        (Type::Map(of), Value::Map(map)) => {
            let entry = |(key, value): (String, Value)| {
                let value = convert_element(value, of, at.entry(&key), out);
                (key, value)
            };
            Value::Map(map.into_iter().map(entry).collect::<BTreeMap<_, _>>())
        }
        (Type::Object(fields), Value::Map(map)) => object(map, fields, at, out),
        (Type::Ref(kind), value) => reference(value, kind, at, out),
        (_, Value::Text(text)) => text_as(&text, ty, at, out),
        (Type::Text | Type::Image, value @ Value::Concat(_))
        | (Type::Bool, value @ Value::Bool(_))
        | (Type::Int, value @ Value::Int(_))
        | (Type::Float, value @ Value::Float(_))
        | (Type::Cidr, value @ (Value::Cidr(_) | Value::Subnet(..)))
        | (Type::Ip, value @ Value::Ip(_))
        | (Type::Service, value @ Value::Service(_))
        | (Type::Duration, value @ Value::Duration(_))
        | (Type::Image, value @ Value::Image(..))
        | (Type::Peer, value @ (Value::Cidr(_) | Value::Subnet(..) | Value::Anywhere)) => value,
        (Type::Float, Value::Int(n)) => Value::Float(n as f64),
        (Type::Peer, Value::Ip(ip)) => Value::Cidr(Cidr::host_of(ip)),
        (Type::Peer, Value::Resource(address)) if crate::resources::taken_for(address.kind()) == "security_group" => {
            Value::Resource(address)
        }
        (_, value) => {
            out.push(mismatch(&value, ty, at));
            Value::Error
        }
    }
}

/// As [`convert`], where null is no value.
fn convert_element(value: Value, ty: &Type, at: Spot<'_>, out: &mut Vec<Diagnostic>) -> Value {
    if value == Value::Null && *ty != Type::Any {
        out.push(codes::wrong_type(&wanted(ty), "null", at.span));
        return Value::Error;
    }
    convert(value, ty, at, out)
}

/// A map with the fields of an object type; one that may be left out is null then.
fn object(mut map: BTreeMap<String, Value>, fields: &[TypeField], at: Spot<'_>, out: &mut Vec<Diagnostic>) -> Value {
    let mut found = BTreeMap::new();
    for field in fields {
        let value = match map.remove(&*field.name) {
            Some(Value::Null) | None if field.optional => Value::Null,
            Some(value) => convert_element(value, &field.ty, at.entry(&field.name), out),
            None => {
                out.push(codes::missing_field(&field.name, &wanted(&field.ty), &example(&field.ty), at.span));
                Value::Error
            }
        };
        found.insert(field.name.to_string(), value);
    }
    for key in map.keys() {
        let meant = nearest(key, fields.iter().map(|f| &*f.name));
        let names: Vec<&str> = fields.iter().map(|f| &*f.name).collect();
        out.push(codes::unknown_field(key, at.key(key), meant, &names));
        found.insert(key.clone(), Value::Error);
    }
    Value::Map(found)
}

fn each(values: Vec<Value>, of: &Type, at: Spot<'_>, out: &mut Vec<Diagnostic>) -> Vec<Value> {
    values.into_iter().enumerate().map(|(i, value)| convert_element(value, of, at.element(i), out)).collect()
}

/// Each once, in an order of their own, so that the order in the source makes no difference.
pub(super) fn distinct(mut values: Vec<Value>) -> Vec<Value> {
    values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    values.dedup();
    values
}

/// A single value where a list is wanted: wrong, but with an edit if it would do as the only element.
fn no_list(value: Value, of: &Arc<Type>, at: Spot<'_>, out: &mut Vec<Diagnostic>) -> Value {
    let mut inner = vec![];
    let shown = describe(&value);
    convert(value, of, at, &mut inner);
    let diagnostic = codes::wrong_type(&format!("a list of {}", plural(of)), &shown, at.span);
    out.push(if inner.is_empty() { diagnostic.help("put it into brackets: `[...]`") } else { diagnostic });
    Value::Error
}

/// A value that EC2 decides, by the type that its attribute has.
fn later(address: Address, attribute: String, ty: &Type, at: Spot<'_>, out: &mut Vec<Diagnostic>) -> Value {
    let have = attribute_type(&address, &attribute);
    let value = Value::Attribute(address, attribute);
    match (have, ty) {
        // Known while planning, if the resource stands: the planner says where it does not.
        (Some(Type::Cidr | Type::Ip), Type::Peer) => value,
        (_, Type::Peer | Type::Service) => {
            out.push(codes::not_known_yet(&value.to_string(), "a rule", at.span));
            Value::Error
        }
        (None, _) => value,
        (Some(have), ty) if fits(&have, ty) => value,
        (Some(_), Type::Ref(kind)) if matches!(&value, Value::Attribute(a, n) if n == "id" && crate::resources::taken_for(a.kind()) == &**kind) =>
        {
            let Value::Attribute(address, _) = &value else { return Value::Error };
            let wanted = codes::with_article(kind);
            let diagnostic = codes::wrong_type(&wanted, "its id", at.span);
            out.push(diagnostic.help(format!("refer to the resource itself: `{address}`")).fix(at.span, address.as_str()));
            Value::Error
        }
        (Some(have), ty) => {
            out.push(codes::wrong_type(&wanted(ty), &format!("`{value}`, which is {}", self::wanted(&have)), at.span));
            Value::Error
        }
    }
}

/// The type of a resource's attribute.
pub(super) fn attribute_type(address: &Address, attribute: &str) -> Option<Type> {
    match attribute {
        "tags" => Some(Type::Map(Arc::new(Type::Text))),
        "id" => Some(Type::Text),
        _ => resources::spec(address.kind())?.attr(attribute).map(|a| a.ty.clone()),
    }
}

fn fits(have: &Type, want: &Type) -> bool {
    match (have, want) {
        (_, Type::Any)
        | (Type::OneOf(_) | Type::Image, Type::Text)
        | (Type::Int, Type::Float)
        | (Type::Text, Type::Image | Type::OneOf(_)) => true,
        (Type::List(a) | Type::Set(a), Type::List(b) | Type::Set(b)) => fits(a, b),
        (Type::Map(a), Type::Map(b)) => fits(a, b),
        (a, b) => a == b,
    }
}

fn reference(value: Value, kind: &Arc<str>, at: Spot<'_>, out: &mut Vec<Diagnostic>) -> Value {
    let wanted = codes::with_article(kind);
    let diagnostic = match &value {
        Value::Resource(address) if crate::resources::taken_for(address.kind()) == &**kind => return value,
        Value::Resource(address) => {
            let instead = resources::spec(address.kind()).and_then(|spec| spec.taken_for.iter().find(|(taken, _)| *taken == &**kind));
            let diagnostic = codes::wrong_kind(&wanted, address.as_str(), address.kind(), at.span);
            instead.map_or(diagnostic.clone(), |(_, help)| diagnostic.help(help.replace("THIS", address.as_str())))
        }
        Value::Text(id) => {
            // What another project gives is known by its output, which may change.
            let id = at.neighbour().unwrap_or_else(|| format!("{id:?}"));
            codes::wrong_type(&wanted, &describe(&value), at.span)
                .help(format!("declare it with `existing {kind} NAME {{ id = {id} }}` and write `{kind}.NAME`"))
        }
        other => codes::wrong_type(&wanted, &describe(other), at.span).help(format!("write a reference such as `{kind}.NAME`")),
    };
    out.push(diagnostic);
    Value::Error
}

/// A text where another type is wanted: read as that type.
fn text_as(text: &Arc<str>, ty: &Type, at: Spot<'_>, out: &mut Vec<Diagnostic>) -> Value {
    let converted =
        match ty {
            Type::Text => return Value::Text(text.clone()),
            Type::Cidr => literal::cidr(text, at.quoted()),
            Type::Ip => literal::ip(text, at.quoted()),
            Type::Service => literal::service(text, at.quoted()).map(Value::Service),
            Type::Peer if &**text == "anywhere" => Ok(Value::Anywhere),
            Type::Peer => literal::net(text, at.quoted()).map(|v| if let Value::Ip(ip) = v { Value::Cidr(Cidr::host_of(ip)) } else { v }),
            Type::OneOf(words) if words.contains(&&**text) => return Value::Text(text.clone()),
            // Only a text that stands there as it is can be mended in place.
            Type::OneOf(words) if at.is_literal_text() => Err(codes::unknown_word(text, words, at.span)),
            Type::OneOf(words) => Err(Diagnostic { fixes: vec![], ..codes::unknown_word(text, words, at.span) }),
            Type::Image if text.starts_with("ami-") => return Value::Text(text.clone()),
            Type::Image => Err(mismatch(&Value::Text(text.clone()), ty, at)
                .help(format!("write an id such as \"ami-0abc\", or `ami({text:?})` for a family"))),
            _ => Err(mismatch(&Value::Text(text.clone()), ty, at)),
        };
    converted.unwrap_or_else(|diagnostic| {
        out.push(diagnostic);
        Value::Error
    })
}

fn mismatch(value: &Value, ty: &Type, at: Spot<'_>) -> Diagnostic {
    let diagnostic = match value {
        Value::Internet => return name::internet_in_rule(at.span),
        Value::Any => return name::any_in_rule(at.span),
        Value::Resource(address) => codes::wrong_kind(&wanted(ty), address.as_str(), address.kind(), at.span),
        other => codes::wrong_type(&wanted(ty), &describe(other), at.span),
    };
    match (ty, value) {
        (Type::Cidr, Value::Ip(ip)) => codes::address_for_network(*ip, at.span),
        (Type::Text, Value::Resource(address)) => diagnostic.help(format!("its id is `{address}.id`")),
        (Type::Text, Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Cidr(_) | Value::Ip(_) | Value::Service(_)) => {
            diagnostic.help(format!("put it into quotes: `\"{value}\"`"))
        }
        (Type::Service, Value::Int(port)) => {
            diagnostic.help(format!("write `tcp/{port}` or `udp/{port}`")).fix(at.span, format!("tcp/{port}"))
        }
        (Type::Duration, Value::Int(n)) => diagnostic.help(format!("write its unit: `{n}s`")).fix(at.span, format!("{n}s")),
        (Type::Ip, Value::Cidr(cidr)) => diagnostic.help(format!("its first address is `{}`", cidr.network())),
        (Type::Bool, _) => diagnostic.help("write `true` or `false`, without quotes"),
        (_, Value::List(_)) => diagnostic.help("write one of them, without brackets"),
        _ => diagnostic.help(format!("write {} such as `{}`", wanted(ty), example(ty))),
    }
}

/// What is wanted, with its article.
pub(super) fn wanted(ty: &Type) -> String {
    match ty {
        Type::Any => "a value".into(),
        Type::Bool => "`true` or `false`".into(),
        Type::Int => "a whole number".into(),
        Type::Float => "a number".into(),
        Type::Text => "a string".into(),
        Type::Cidr => "a network".into(),
        Type::Ip => "an address".into(),
        Type::Service => "a service".into(),
        Type::Peer => "a network, an address, a security group or `anywhere`".into(),
        Type::Duration => "a duration".into(),
        Type::Image => "an image".into(),
        Type::OneOf(_) => ty.to_string(),
        Type::Ref(kind) => codes::with_article(kind),
        Type::List(of) | Type::Set(of) => format!("a list of {}", plural(of)),
        Type::Map(of) => format!("a map of {}", plural(of)),
        Type::Object(_) => format!("an {ty}"),
    }
}

fn plural(ty: &Type) -> String {
    match ty {
        Type::Any => "values".into(),
        Type::Bool => "`true` and `false`".into(),
        Type::Int => "whole numbers".into(),
        Type::Float => "numbers".into(),
        Type::Text => "strings".into(),
        Type::Cidr => "networks".into(),
        Type::Ip => "addresses".into(),
        Type::Service => "services".into(),
        Type::Peer => "peers".into(),
        Type::Duration => "durations".into(),
        Type::Image => "images".into(),
        Type::OneOf(_) => format!("words out of {ty}"),
        Type::Ref(kind) => format!("{}s", kind.replace('_', " ")),
        Type::List(of) | Type::Set(of) => format!("lists of {}", plural(of)),
        Type::Map(of) => format!("maps of {}", plural(of)),
        Type::Object(_) => "objects".into(),
    }
}

/// What a value is, for messages.
pub(super) fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) => format!("`{value}`"),
        Value::Int(_) | Value::Float(_) => format!("the number `{value}`"),
        Value::Text(text) if text.chars().count() > 40 => "a string".into(),
        Value::Text(_) => format!("the string `{value}`"),
        Value::Concat(_) => "a string".into(),
        Value::Cidr(_) => format!("the network `{value}`"),
        Value::Ip(_) => format!("the address `{value}`"),
        Value::Service(_) => format!("the service `{value}`"),
        Value::Duration(_) => format!("the duration `{value}`"),
        Value::List(_) => "a list".into(),
        Value::Map(_) => "a map".into(),
        Value::Image(..) => "an image".into(),
        Value::Sensitive(_) | Value::Sealed(_) => "a sensitive value".into(),
        Value::Anywhere | Value::Internet | Value::Any | Value::Resource(_) | Value::Attribute(..) | Value::Subnet(..) | Value::Error => {
            format!("`{value}`")
        }
    }
}

/// Whether something in it was reported.
pub(super) fn is_broken(value: &Value) -> bool {
    match value {
        Value::Error => true,
        Value::List(values) | Value::Concat(values) => values.iter().any(is_broken),
        Value::Map(map) => map.values().any(is_broken),
        Value::Sensitive(inner) => is_broken(inner),
        _ => false,
    }
}

/// The type of a known value, for a variable whose type is not declared.
pub(super) fn type_of(value: &Value) -> Type {
    match value {
        Value::Bool(_) => Type::Bool,
        Value::Int(_) => Type::Int,
        Value::Float(_) => Type::Float,
        Value::Text(_) | Value::Concat(_) => Type::Text,
        Value::Cidr(_) | Value::Subnet(..) => Type::Cidr,
        Value::Ip(_) => Type::Ip,
        Value::Service(_) => Type::Service,
        Value::Duration(_) => Type::Duration,
        Value::Anywhere => Type::Peer,
        Value::Image(..) => Type::Image,
        Value::Resource(address) => Type::Ref(address.kind().into()),
        Value::Sensitive(inner) => type_of(inner),
        Value::List(values) => {
            let mut types = values.iter().map(type_of);
            let first = types.next().filter(|first| types.all(|t| t == *first));
            Type::List(Arc::new(first.unwrap_or(Type::Any)))
        }
        Value::Map(map) => {
            let mut types = map.values().map(type_of);
            let first = types.next().filter(|first| types.all(|t| t == *first));
            Type::Map(Arc::new(first.unwrap_or(Type::Any)))
        }
        Value::Null | Value::Internet | Value::Any | Value::Attribute(..) | Value::Sealed(_) | Value::Error => Type::Any,
    }
}
