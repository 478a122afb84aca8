//! What operators do with values. Layer 4; pure.

use std::cmp::Ordering;

use crate::{
    base::{codes::value as codes, diagnostic::Sink, span::Span},
    resolve::convert::describe,
    schema::value::Value,
    syntax::ast::{BinaryOp, UnaryOp},
};

/// A value, and where it stands.
type Operand<'v> = (&'v Value, Span);

/// `!x`, `-x`
pub(super) fn unary(op: UnaryOp, value: &Value, at: Span, sink: &mut Sink) -> Value {
    match (op, value) {
        (UnaryOp::Not, Value::Bool(b)) => Value::Bool(!b),
        (UnaryOp::Minus, Value::Int(n)) => whole(n.checked_neg(), at, sink),
        (UnaryOp::Minus, Value::Float(n)) => Value::Float(-n),
        (UnaryOp::Not, other) => refuse(other, "`true` or `false` after `!`", "`!`", at, sink),
        (UnaryOp::Minus, other) => refuse(other, "a number after `-`", "`-`", at, sink),
    }
}

/// A condition that is neither true nor false.
pub(super) fn no_condition(value: &Value, at: Span, sink: &mut Sink) -> Value {
    refuse(value, "`true` or `false` as the condition", "a condition", at, sink)
}

/// What `&&`, `||` and `??` are without a look at their right side; an error of the left side decides, too.
pub(super) fn decided(op: BinaryOp, left: &Value, at: Span, sink: &mut Sink) -> Option<Value> {
    match (op, left) {
        (_, Value::Error) => Some(Value::Error),
        (BinaryOp::And, Value::Bool(false)) => Some(Value::Bool(false)),
        (BinaryOp::Or, Value::Bool(true)) => Some(Value::Bool(true)),
        (BinaryOp::And | BinaryOp::Or, Value::Bool(_)) | (BinaryOp::Coalesce, Value::Null) => None,
        (BinaryOp::And | BinaryOp::Or, other) => Some(refuse(other, "`true` or `false`", symbol(op), at, sink)),
        (BinaryOp::Coalesce, other) => Some(other.clone()),
        _ => None,
    }
}

/// Both sides.
pub(super) fn binary(op: BinaryOp, left: Operand<'_>, right: Operand<'_>, at: Span, sink: &mut Sink) -> Value {
    match (op, left.0, right.0) {
        (_, Value::Error, _) | (_, _, Value::Error) => Value::Error,
        (BinaryOp::And | BinaryOp::Or, _, Value::Bool(b)) => Value::Bool(*b),
        (BinaryOp::And | BinaryOp::Or, _, other) => refuse(other, "`true` or `false`", symbol(op), right.1, sink),
        (BinaryOp::Coalesce, _, other) => other.clone(),
        (BinaryOp::Equal | BinaryOp::NotEqual, _, _) => equal(op, left, right, at, sink),
        (BinaryOp::Less | BinaryOp::LessEqual | BinaryOp::Greater | BinaryOp::GreaterEqual, _, _) => compare(op, left, right, sink),
        (BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Remainder, _, _) => {
            arithmetic(op, left, right, at, sink)
        }
    }
}

fn equal(op: BinaryOp, left: Operand<'_>, right: Operand<'_>, at: Span, sink: &mut Sink) -> Value {
    for (value, at) in [left, right] {
        if let Some(later) = unknown(value) {
            sink.push(codes::not_known_yet(&later.to_string(), symbol(op), at));
            return Value::Error;
        }
    }
    let same = match (left.0, right.0) {
        (Value::Int(a), Value::Float(b)) | (Value::Float(b), Value::Int(a)) => *a as f64 == *b,
        (a, b) if *a == Value::Null || *b == Value::Null || std::mem::discriminant(a) == std::mem::discriminant(b) => a == b,
        (a, b) => {
            let message = format!("{} and {} are never equal", describe(a), describe(b));
            sink.push(codes::never_equal(message, at));
            return Value::Error;
        }
    };
    Value::Bool(same == (op == BinaryOp::Equal))
}

/// The first piece that is not known before apply; a reference is known: it is itself.
fn unknown(value: &Value) -> Option<&Value> {
    match value {
        Value::Attribute(..) | Value::Subnet(..) | Value::Concat(_) | Value::Image(..) => Some(value),
        Value::List(values) => values.iter().find_map(unknown),
        Value::Map(map) => map.values().find_map(unknown),
        _ => None,
    }
}

fn compare(op: BinaryOp, left: Operand<'_>, right: Operand<'_>, sink: &mut Sink) -> Value {
    let ordering = match (left.0, right.0) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
        (Value::Duration(_), other) => return refuse(other, "a duration", symbol(op), right.1, sink),
        _ => match (number(left, symbol(op), sink), number(right, symbol(op), sink)) {
            (Some(a), Some(b)) => a.partial_cmp(&b),
            _ => return Value::Error,
        },
    };
    let Some(ordering) = ordering else { return Value::Bool(false) };
    Value::Bool(match op {
        BinaryOp::Less => ordering == Ordering::Less,
        BinaryOp::LessEqual => ordering != Ordering::Greater,
        BinaryOp::Greater => ordering == Ordering::Greater,
        _ => ordering != Ordering::Less,
    })
}

fn arithmetic(op: BinaryOp, left: Operand<'_>, right: Operand<'_>, at: Span, sink: &mut Sink) -> Value {
    if let (Value::Text(_) | Value::Concat(_), BinaryOp::Add) = (left.0, op) {
        let found = codes::wrong_type("a number", &describe(left.0), left.1);
        sink.push(found.help("texts are joined in one text: `\"${a}${b}\"`"));
        return Value::Error;
    }
    if let (Value::List(_), BinaryOp::Add) = (left.0, op) {
        sink.push(codes::wrong_type("a number", "a list", left.1).help("lists are joined by `concat(a, b)`"));
        return Value::Error;
    }
    if let (Value::Int(a), Value::Int(b)) = (left.0, right.0) {
        return whole_numbers(op, *a, *b, at, right.1, sink);
    }
    let (Some(a), Some(b)) = (number(left, symbol(op), sink), number(right, symbol(op), sink)) else { return Value::Error };
    let result = match op {
        BinaryOp::Add => a + b,
        BinaryOp::Subtract => a - b,
        BinaryOp::Multiply => a * b,
        BinaryOp::Divide => a / b,
        _ => a % b,
    };
    if b == 0.0 && matches!(op, BinaryOp::Divide | BinaryOp::Remainder) {
        sink.push(codes::arithmetic("a division by zero", right.1));
        return Value::Error;
    }
    if !result.is_finite() {
        sink.push(codes::arithmetic("the result is too large", at));
        return Value::Error;
    }
    Value::Float(result)
}

fn whole_numbers(op: BinaryOp, a: i64, b: i64, at: Span, right_at: Span, sink: &mut Sink) -> Value {
    if b == 0 && matches!(op, BinaryOp::Divide | BinaryOp::Remainder) {
        sink.push(codes::arithmetic("a division by zero", right_at));
        return Value::Error;
    }
    let result = match op {
        BinaryOp::Add => a.checked_add(b),
        BinaryOp::Subtract => a.checked_sub(b),
        BinaryOp::Multiply => a.checked_mul(b),
        BinaryOp::Divide if a.checked_rem(b).is_some_and(|rest| rest != 0) => return Value::Float(a as f64 / b as f64),
        BinaryOp::Divide => a.checked_div(b),
        _ => a.checked_rem(b),
    };
    whole(result, at, sink)
}

fn whole(result: Option<i64>, at: Span, sink: &mut Sink) -> Value {
    result.map_or_else(
        || {
            sink.push(codes::arithmetic("the result does not fit into 64 bits", at));
            Value::Error
        },
        Value::Int,
    )
}

fn number(operand: Operand<'_>, symbol: &str, sink: &mut Sink) -> Option<f64> {
    match operand.0 {
        Value::Int(n) => Some(*n as f64),
        Value::Float(n) => Some(*n),
        other => {
            refuse(other, "a number", symbol, operand.1, sink);
            None
        }
    }
}

fn refuse(value: &Value, wanted: &str, who: &str, at: Span, sink: &mut Sink) -> Value {
    match value {
        Value::Error => {}
        Value::Attribute(..) | Value::Subnet(..) | Value::Concat(_) => sink.push(codes::not_known_yet(&value.to_string(), who, at)),
        other => sink.push(codes::wrong_type(wanted, &describe(other), at)),
    }
    Value::Error
}

fn symbol(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Multiply => "`*`",
        BinaryOp::Divide => "`/`",
        BinaryOp::Remainder => "`%`",
        BinaryOp::Add => "`+`",
        BinaryOp::Subtract => "`-`",
        BinaryOp::Less => "`<`",
        BinaryOp::LessEqual => "`<=`",
        BinaryOp::Greater => "`>`",
        BinaryOp::GreaterEqual => "`>=`",
        BinaryOp::Equal => "`==`",
        BinaryOp::NotEqual => "`!=`",
        BinaryOp::And => "`&&`",
        BinaryOp::Or => "`||`",
        BinaryOp::Coalesce => "`??`",
    }
}
