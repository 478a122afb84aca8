//! Expressions to values. Layer 4.

use std::collections::BTreeMap;

use crate::{
    base::{
        codes::{name as codes, repeat, sensitive as sensitive_codes, value as value_codes},
        diagnostic::{Diagnostic, Severity},
        service::{Ports, Service},
        span::Span,
    },
    resolve::{
        cell::{DEPTH_MAX, Resolver},
        convert::{Spot, convert, describe, is_broken},
        function, literal, operator,
        repeat::Turns,
        sensitive,
        space::{Cell, Here, bound, key_of, key_text},
    },
    resources,
    schema::{
        attr::Type,
        value::{Value, concat},
    },
    syntax::ast::{self, Expr, ExprKind, ForClause, Name, Piece},
};

impl<'a> Resolver<'a, '_> {
    /// The value of an expression whose names were walked.
    pub(super) fn eval(&mut self, expr: &'a Expr) -> Value {
        if self.depth >= DEPTH_MAX {
            self.sink.push(value_codes::too_deep(expr.span));
            return Value::Error;
        }
        self.depth += 1;
        let value = self.eval_kind(expr);
        self.depth -= 1;
        value
    }

    fn eval_kind(&mut self, expr: &'a Expr) -> Value {
        match &expr.kind {
            ExprKind::Null => Value::Null,
            ExprKind::Bool(b) => Value::Bool(*b),
            ExprKind::Int(n) => Value::Int(*n),
            ExprKind::Float(n) => Value::Float(*n),
            ExprKind::Duration(seconds) => Value::Duration(*seconds),
            ExprKind::Error => Value::Error,
            ExprKind::Net(text) => self.judged(literal::net(text, expr.span)),
            ExprKind::Service(text) => self.judged(literal::service(text, expr.span).map(Value::Service)),
            ExprKind::ServiceOf(protocol, ports) => self.service_of(protocol, ports),
            ExprKind::Text(pieces) => self.text(pieces),
            ExprKind::List(elements) => Value::List(elements.iter().map(|e| self.eval(e)).collect()),
            ExprKind::Map(entries) => self.map(entries),
            ExprKind::Name(word) => self.name(word, expr.span),
            ExprKind::Field(..) | ExprKind::Index(..) | ExprKind::Splat(_) => self.access(expr).0,
            ExprKind::Call(name, arguments) => self.call(name, arguments, expr.span),
            ExprKind::Unary(op, of) => {
                let value = self.eval(of);
                let veil = value.is_sensitive();
                self.veiled(veil, |this| operator::unary(*op, &value.bare(), expr.span, this.sink))
            }
            ExprKind::Binary(op, left, right) => self.binary(*op, left, right, expr.span),
            ExprKind::ForList(clause, each) => self.for_list(clause, each),
            ExprKind::ForMap(clause, key, each) => self.for_map(clause, key, each),
            ExprKind::If(condition, then, otherwise) => {
                let (chosen, veil) = self.eval(condition).open();
                match chosen {
                    Value::Bool(true) => self.eval(then).sensitive_if(veil),
                    Value::Bool(false) => self.eval(otherwise).sensitive_if(veil),
                    other => self.veiled(veil, |this| operator::no_condition(&other, condition.span, this.sink)),
                }
            }
        }
    }

    fn judged(&mut self, value: Result<Value, Diagnostic>) -> Value {
        value.unwrap_or_else(|diagnostic| {
            self.sink.push(diagnostic);
            Value::Error
        })
    }

    fn name(&mut self, word: &str, at: Span) -> Value {
        if let Some(value) = bound(&self.here.bindings, word) {
            return value.clone();
        }
        match self.scope().and_then(|s| s.find_local(word)) {
            Some(i) => self.cell(Cell::Local(self.here.space, i), at),
            None => word_value(word).unwrap_or(Value::Error),
        }
    }

    fn for_list(&mut self, clause: &'a ForClause, each: &'a Expr) -> Value {
        let Some(Turns { turns, veil, .. }) = self.turns(clause) else { return Value::Error };
        let space = self.here.space;
        let one = |turn: super::repeat::Turn<'a>| self.at(Here { space, bindings: turn.bindings }, |this| this.eval(each));
        Value::List(turns.into_iter().map(one).collect()).sensitive_if(veil)
    }

    fn for_map(&mut self, clause: &'a ForClause, key: &'a Expr, each: &'a Expr) -> Value {
        let Some(Turns { turns, veil, .. }) = self.turns(clause) else { return Value::Error };
        let space = self.here.space;
        let mut found = BTreeMap::new();
        for turn in turns {
            let here = Here { space, bindings: turn.bindings };
            let (name, value) = self.at(here, |this| (this.eval(key), this.eval(each)));
            let diagnostic = match key_of(&name) {
                Some(named) => match found.insert(key_text(&named), value) {
                    None => continue,
                    Some(_) => repeat::duplicate_key(&name.to_string(), key.span),
                },
                None => match &name {
                    Value::Error => return Value::Error,
                    Value::Sensitive(_) => sensitive_codes::key("the key of a map", key.span),
                    Value::Attribute(..) | Value::Subnet(..) | Value::Concat(_) => {
                        repeat::unknown_key(&name.to_string(), "the key of a map", key.span)
                    }
                    other => value_codes::wrong_type("a string as the key of a map", &describe(other), key.span),
                },
            };
            self.sink.push(diagnostic);
            return Value::Error;
        }
        Value::Map(found).sensitive_if(veil)
    }

    pub(super) fn text(&mut self, pieces: &'a [Piece]) -> Value {
        let mut values = vec![];
        for piece in pieces {
            values.push(match piece {
                Piece::Plain(text) => Value::Text(text.clone()),
                Piece::Value(expr) => {
                    let (value, veil) = self.eval(expr).open();
                    self.veiled(veil, |this| this.piece(value, expr.span))
                }
            });
        }
        if values.iter().any(is_broken) { Value::Error } else { concat(values) }
    }

    /// A value as a piece of a text.
    fn piece(&mut self, value: Value, at: Span) -> Value {
        let diagnostic = match &value {
            Value::Null | Value::List(_) | Value::Map(_) | Value::Image(..) | Value::Internet | Value::Any => {
                let found = value_codes::wrong_type("something that can stand in a text", &describe(&value), at);
                if matches!(value, Value::List(_)) { found.help("join the list: `join(\", \", ...)`") } else { found }
            }
            Value::Resource(address) => value_codes::wrong_type("something that can stand in a text", &describe(&value), at)
                .help(format!("its id is `{address}.id`"))
                .fix(at, format!("{address}.id")),
            _ => return value,
        };
        self.sink.push(diagnostic);
        Value::Error
    }

    fn map(&mut self, entries: &'a [(Name, Expr)]) -> Value {
        let mut map = BTreeMap::new();
        let mut places: BTreeMap<&str, Span> = BTreeMap::new();
        for (key, expr) in entries {
            let value = self.eval(expr);
            match places.get(&*key.text) {
                Some(first) => self.sink.push(codes::duplicate(&format!("the key `{}`", key.text), key.span, *first)),
                None => {
                    places.insert(&key.text, key.span);
                    map.insert(key.text.to_string(), value);
                }
            }
        }
        Value::Map(map)
    }

    fn service_of(&mut self, protocol: &Name, ports: &'a [(Expr, Option<Expr>)]) -> Value {
        let mut found = vec![];
        let mut broken = false;
        for (from, to) in ports {
            let low = self.port(from);
            let high = to.as_ref().map_or(low, |to| self.port(to));
            match (low, high, to) {
                (Some(from), Some(to), _) if from <= to => found.push(Ports { from, to }),
                (Some(low), Some(high), Some(to)) => {
                    self.sink.push(value_codes::computed_range(low, high, from.span.to(to.span)));
                    broken = true;
                }
                _ => broken = true,
            }
        }
        found.sort();
        found.dedup();
        match &*protocol.text {
            _ if broken => Value::Error,
            "tcp" => Value::Service(Service::Tcp(found)),
            "udp" => Value::Service(Service::Udp(found)),
            other => {
                self.sink
                    .push(value_codes::wrong_type("`tcp` or `udp`", &format!("`{other}`"), protocol.span).help("only these have ports"));
                Value::Error
            }
        }
    }

    fn port(&mut self, expr: &'a Expr) -> Option<u16> {
        let value = self.eval(expr);
        match convert(value, &Type::Int, Spot::of(expr), &mut self.sink.all) {
            Value::Int(n) => u16::try_from(n).ok().or_else(|| {
                self.sink.push(value_codes::computed_port(n, expr.span));
                None
            }),
            Value::Error => None,
            later => {
                let diagnostic = match later {
                    Value::Sensitive(_) => sensitive_codes::shown("a port", expr.span),
                    Value::Null => value_codes::wrong_type("a port", "null", expr.span),
                    later => value_codes::not_known_yet(&later.to_string(), "a port", expr.span),
                };
                self.sink.push(diagnostic);
                None
            }
        }
    }

    fn binary(&mut self, op: ast::BinaryOp, left: &'a Expr, right: &'a Expr, at: Span) -> Value {
        let first = self.eval(left);
        // What `??` gives is one of its sides; all else is made of what is in them.
        let (first, mut veil) = match op {
            ast::BinaryOp::Coalesce => first.open(),
            _ => (first.bare(), first.is_sensitive()),
        };
        let before = self.sink.all.len();
        if let Some(decided) = operator::decided(op, &first, left.span, self.sink) {
            self.veil(before, veil);
            return decided.sensitive_if(veil);
        }
        let mut second = self.eval(right);
        if op != ast::BinaryOp::Coalesce {
            veil |= second.is_sensitive();
            second = second.bare();
        }
        self.veiled(veil, |this| operator::binary(op, (&first, left.span), (&second, right.span), at, this.sink))
    }

    fn call(&mut self, name: &'a Name, arguments: &'a [Expr], at: Span) -> Value {
        match (&*name.text, arguments) {
            ("try", [_, ..]) => return self.try_each(arguments),
            ("interfaces", [argument]) => {
                let subnets = self.eval(argument);
                return self.interfaces(subnets, argument.span);
            }
            ("can", [argument]) => return Value::Bool(self.attempt(argument).is_ok()),
            _ => {}
        }
        let mut values = vec![];
        for argument in arguments {
            values.push((self.eval(argument), argument.span));
        }
        if sensitive::is_function(&name.text) {
            return self.mark(name, values, at);
        }
        let veil = values.iter().any(|(value, _)| value.is_sensitive());
        if veil {
            values.iter_mut().for_each(|(value, _)| *value = value.bare());
        }
        self.veiled(veil, |this| this.function(name, &values, at))
    }

    fn function(&mut self, name: &Name, values: &[function::Argument], at: Span) -> Value {
        self.unsteady(function::is_reading(&name.text));
        let context = self.function_context();
        let value = function::call(name, values, at, context, self.sink);
        match (&*name.text, value, values) {
            ("availability_zones", Value::List(_), _) => self.zones(at),
            ("prefix_list_named", Value::Text(list), _) => self.prefix_list_named(&list, at),
            ("templatefile", Value::Text(text), [(Value::Text(path), at), (Value::Map(variables), _)]) => {
                self.render(path, &text, variables.clone(), *at)
            }
            (_, value, _) => value,
        }
    }

    /// The first argument that can be worked out; else the last one's mistakes.
    fn try_each(&mut self, arguments: &'a [Expr]) -> Value {
        let mut last = vec![];
        for argument in arguments {
            match self.attempt(argument) {
                Ok(value) => return value,
                Err(wrong) => last = wrong,
            }
        }
        self.sink.all.append(&mut last);
        Value::Error
    }

    /// A value, or what is wrong in the expression itself. What is wrong elsewhere, in a value that it names, stays wrong.
    fn attempt(&mut self, expr: &'a Expr) -> Result<Value, Vec<Diagnostic>> {
        let before = self.sink.all.len();
        let value = self.eval(expr);
        let here = |d: &Diagnostic| {
            let inside = |at: Span| at.file() == expr.span.file() && expr.span.start() <= at.start() && at.end() <= expr.span.end();
            d.severity == Severity::Error && d.labels.first().is_some_and(|l| inside(l.span))
        };
        let (own, others): (Vec<_>, Vec<_>) = self.sink.all.split_off(before).into_iter().partition(here);
        self.sink.all.extend(others);
        if own.is_empty() { Ok(value) } else { Err(own) }
    }

    /// Where a function is called now.
    fn function_context(&self) -> function::Context<'a> {
        function::Context { disk: self.disk, directory: self.templates.within.unwrap_or_else(|| self.scope().map_or("", |s| s.directory)) }
    }
}

/// What a word means where no local name takes it.
pub(super) fn word_value(word: &str) -> Option<Value> {
    Some(match word {
        "anywhere" => Value::Anywhere,
        "internet" => Value::Internet,
        "any" => Value::Any,
        _ => Value::Service(Service::parse(word).ok()?),
    })
}

/// `1 element`, `2 elements`.
pub(super) fn counted(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// Every kind's word.
pub(super) fn kinds() -> impl Iterator<Item = &'static str> {
    resources::ALL.iter().filter(|s| s.stands_for.is_none()).map(|s| s.kind)
}
