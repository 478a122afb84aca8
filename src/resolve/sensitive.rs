//! Sensitive values: what is made of one is sensitive too, and nothing that is reported shows one. Layer 4.

use std::collections::BTreeSet;

use crate::{
    base::{
        codes::{sensitive as codes, value as value_codes, vpn},
        span::Span,
    },
    resolve::{
        cell::Resolver,
        convert::{is_broken, wanted},
        function::Argument,
        sentence::kind_in_words,
    },
    schema::{attr::Type, value::Value},
    syntax::ast::{Attribute, Body, Entry, Expr, ExprKind, Name, Piece},
};

/// The setting of a variable or output, and the function, that makes a value sensitive.
pub(super) const MARK: &str = "sensitive";

/// A function: its name, and what it does with its one argument.
type Function = (&'static str, fn(Value) -> Value);

/// The functions that see whether a value is sensitive; all others are given values in the clear.
const FUNCTIONS: &[Function] =
    &[(MARK, Value::sensitive), ("nonsensitive", |value| value.bare()), ("issensitive", |value| Value::Bool(value.is_sensitive()))];

/// Whether a function of this name is one of those that see whether a value is sensitive.
pub(super) fn is_function(word: &str) -> bool {
    FUNCTIONS.iter().any(|f| f.0 == word)
}

/// Whether a body says `sensitive = true`.
pub(super) fn is_marked(body: Option<&Body>) -> bool {
    let says = |entry: &Entry| matches!(entry, Entry::Attribute(a) if &*a.name.text == MARK && a.value.kind == ExprKind::Bool(true));
    body.is_some_and(|body| body.entries.iter().any(says))
}

/// Where values are written out in an expression.
pub(super) fn literals(expr: &Expr, found: &mut BTreeSet<Span>) {
    let each = |inner: &Expr, found: &mut BTreeSet<Span>| literals(inner, found);
    match &expr.kind {
        ExprKind::Text(pieces) => {
            if pieces.iter().any(|p| matches!(p, Piece::Plain(_))) {
                found.insert(expr.span);
            }
        }
        ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Net(_) | ExprKind::Service(_) | ExprKind::Duration(_) => {
            found.insert(expr.span);
        }
        ExprKind::List(elements) | ExprKind::Call(_, elements) => elements.iter().for_each(|e| each(e, found)),
        ExprKind::Map(entries) => entries.iter().for_each(|(_, e)| each(e, found)),
        ExprKind::Unary(_, inner) | ExprKind::Splat(inner) | ExprKind::Field(inner, _) => each(inner, found),
        ExprKind::Binary(_, a, b) | ExprKind::Index(a, b) => [a, b].into_iter().for_each(|e| each(e, found)),
        ExprKind::If(a, b, c) => [a, b, c].into_iter().for_each(|e| each(e, found)),
        ExprKind::ForList(clause, value) => [&clause.of, value].into_iter().for_each(|e| each(e, found)),
        ExprKind::ForMap(clause, key, value) => [&clause.of, key, value].into_iter().for_each(|e| each(e, found)),
        ExprKind::Null | ExprKind::Bool(_) | ExprKind::Name(_) | ExprKind::ServiceOf(..) | ExprKind::Error => {}
    }
}

impl<'a> Resolver<'a, '_> {
    /// Works something out of what is in sensitive values, if `veil`: the result is sensitive, and what is reported shows nothing.
    pub(super) fn veiled(&mut self, veil: bool, work: impl FnOnce(&mut Self) -> Value) -> Value {
        let before = self.sink.all.len();
        let value = work(self);
        self.veil(before, veil);
        value.sensitive_if(veil)
    }

    /// Takes the values out of whatever was reported since there were `before` messages, if `veil`.
    pub(super) fn veil(&mut self, before: usize, veil: bool) {
        if veil {
            let reported = self.sink.all.split_off(before.min(self.sink.all.len()));
            self.sink.all.extend(reported.into_iter().map(codes::veiled));
        }
    }

    /// Has what is written out in an expression masked where messages show the sources. They do not show templates.
    pub(super) fn conceal(&mut self, expr: &Expr) {
        if self.templates.within.is_some() {
            return;
        }
        self.unsteady(true);
        literals(expr, &mut self.concealed.literals);
    }

    /// Calls one of the functions that see whether a value is sensitive.
    pub(super) fn mark(&mut self, name: &Name, arguments: Vec<Argument>, at: Span) -> Value {
        let Some((word, body)) = FUNCTIONS.iter().find(|f| f.0 == &*name.text) else { return Value::Error };
        let taken = arguments.len();
        match <[Argument; 1]>::try_from(arguments) {
            Ok([(value, _)]) if is_broken(&value) => Value::Error,
            Ok([(value, _)]) => body(value),
            Err(_) => {
                self.sink.push(value_codes::arguments(format!("`{word}` takes 1 argument, not {taken}"), at, &format!("{word}(x)")));
                Value::Error
            }
        }
    }

    /// The value of an attribute that is secret by itself. Where it is made of what is not sensitive, that is said, and what is
    /// written out is masked.
    pub(super) fn secret(&mut self, value: Value, attribute: &Attribute) -> Value {
        if value == Value::Null || is_broken(&value) || value.is_sensitive() {
            return value;
        }
        self.conceal(&attribute.value);
        self.sink.push(vpn::secret_written(&attribute.name.text, attribute.value.span));
        value.sensitive()
    }

    /// What a setting `sensitive = ...` says. It must be written out: what is sensitive is known before any value is.
    pub(super) fn marked(&mut self, attribute: &'a Attribute) -> bool {
        match &attribute.value.kind {
            ExprKind::Bool(yes) => *yes,
            ExprKind::Error => false,
            _ => {
                let found = kind_in_words(&attribute.value);
                let diagnostic = value_codes::wrong_type("`true` or `false`, written out", found, attribute.value.span);
                self.sink.push(diagnostic.help("write `true`, or leave the line out"));
                false
            }
        }
    }

    /// The value of an expression that everybody is shown; `what` takes it.
    pub(super) fn shown(&mut self, expr: &'a Expr, what: &str) -> Value {
        let value = self.value(expr);
        self.refused(value, what, expr.span)
    }

    /// As [`Resolver::shown`], converted.
    pub(super) fn shown_as(&mut self, expr: &'a Expr, ty: &Type, what: &str) -> Value {
        let value = self.value_as(expr, ty);
        self.refused(value, what, expr.span)
    }

    fn refused(&mut self, value: Value, what: &str, at: Span) -> Value {
        if value.is_sensitive() {
            self.sink.push(codes::shown(what, at));
            return Value::Error;
        }
        value
    }

    /// An attribute's value, if it may be sensitive there: in texts and in the values of maps, and never where something is looked for.
    pub(super) fn admitted(&mut self, value: Value, ty: &Type, existing: bool, attribute: &Attribute) -> Value {
        let at = attribute.value.span;
        match (&value, ty) {
            _ if !value.is_sensitive() => value,
            _ if existing => self.refused(value, "an `existing` block", at),
            // Null is as if it were not written.
            (Value::Sensitive(inner), _) if **inner == Value::Null => Value::Null,
            (Value::Sensitive(_), Type::Text) | (Value::Map(_), Type::Map(_)) => value,
            (Value::Sensitive(_), Type::Map(_)) => {
                self.sink.push(codes::key(&format!("each key of `{}`", attribute.name.text), at));
                Value::Error
            }
            _ => self.refused(value, &format!("`{}`, which is {},", attribute.name.text, wanted(ty)), at),
        }
    }
}
