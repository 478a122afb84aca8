//! Expressions to values. Layer 4.
//!
//! Every named value is a [`Cell`]: worked out when it is first needed, once, whatever the order of the sources.
//! What a cell needs is found by walking its expression first, and worked out before it without recursion, so that a
//! chain of ten thousand names is no danger to the stack; only what a value hides (a resource behind a `let`) recurses.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::{
        address::Address,
        codes::{name as codes, value as value_codes},
        diagnostic::{Sink, nearest},
        service::{Ports, Service},
        span::{FileId, Span},
    },
    resolve::{
        convert::{Spot, attribute_type, convert, describe, is_broken},
        function, literal, operator,
        scope::{Local, Scope, WORDS},
        variable::Given,
    },
    resources,
    schema::{
        attr::{Attr, Change, Type},
        value::{Value, concat},
    },
    syntax::ast::{self, Expr, ExprKind, Name, Piece},
};

/// How many expressions may be under evaluation one inside the other.
const DEPTH_MAX: usize = 600;
/// What a cell that is found only while evaluating counts for in that depth.
const CELL_DEPTH: usize = 16;

/// For how many unknown names the nearest one is looked for. Beyond that something else is wrong than spelling, and
/// comparing thousands of names with thousands would take minutes.
const SUGGESTIONS_MAX: usize = 200;

/// A named value: a variable or `let`, or a written attribute of a resource.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Cell {
    Local(usize),
    Attribute(usize, usize),
}

enum State {
    New,
    Open,
    Done(Value),
}

/// A cell that is being worked out.
struct Frame {
    cell: Cell,
    /// Where the frame before names it.
    at: Span,
    /// What it names, and where, last first.
    needs: Vec<(Cell, Span)>,
}

/// What resolution knows while it goes on.
pub(super) struct Resolver<'a, 's> {
    pub(super) scope: Scope<'a>,
    pub(super) sink: &'s mut Sink,
    pub(super) given: BTreeMap<String, Given>,
    /// Files that are imposed on the project from outside.
    pub(super) imposed: BTreeSet<FileId>,
    /// Where something could not be parsed.
    broken: Vec<Span>,
    /// Tags of the project, beneath those of every resource.
    pub(super) project_tags: BTreeMap<String, Value>,
    locals: Vec<State>,
    attributes: Vec<Vec<State>>,
    used: Vec<bool>,
    frames: Vec<Frame>,
    depth: usize,
    suggestions: usize,
}

impl<'a, 's> Resolver<'a, 's> {
    pub(super) fn new(scope: Scope<'a>, given: BTreeMap<String, Given>, broken: Vec<Span>, sink: &'s mut Sink) -> Self {
        Self {
            locals: scope.locals.iter().map(|_| State::New).collect(),
            attributes: scope.blocks.iter().map(|b| b.attributes.iter().map(|_| State::New).collect()).collect(),
            used: vec![false; scope.locals.len()],
            scope,
            sink,
            given,
            imposed: BTreeSet::new(),
            broken,
            project_tags: BTreeMap::new(),
            frames: vec![],
            depth: 0,
            suggestions: 0,
        }
    }

    /// The value of an expression that is no cell.
    pub(super) fn value(&mut self, expr: &'a Expr) -> Value {
        let mut needs = vec![];
        self.walk(expr, &mut needs);
        for (cell, at) in needs {
            self.cell(cell, at);
        }
        self.eval(expr)
    }

    /// The value of an expression, converted.
    pub(super) fn value_as(&mut self, expr: &'a Expr, ty: &Type) -> Value {
        let value = self.value(expr);
        convert(value, ty, Spot::of(expr), &mut self.sink.all)
    }

    /// Whether something inside could not be parsed, so that what is missing there may have been written.
    pub(super) fn is_incomplete(&self, block: Span) -> bool {
        self.broken.iter().any(|at| at.file() == block.file() && block.start() <= at.start() && at.end() <= block.end())
    }

    /// Whether a local name was referred to.
    pub(super) fn is_used(&self, local: usize) -> bool {
        self.used.get(local).copied().unwrap_or(true)
    }

    // ---- cells ----

    fn state(&self, cell: Cell) -> Option<&State> {
        match cell {
            Cell::Local(i) => self.locals.get(i),
            Cell::Attribute(i, j) => self.attributes.get(i)?.get(j),
        }
    }

    fn set(&mut self, cell: Cell, state: State) {
        let slot = match cell {
            Cell::Local(i) => self.locals.get_mut(i),
            Cell::Attribute(i, j) => self.attributes.get_mut(i).and_then(|a| a.get_mut(j)),
        };
        if let Some(slot) = slot {
            *slot = state;
        }
    }

    /// The value of a cell, which is named at `at`.
    pub(super) fn cell(&mut self, cell: Cell, at: Span) -> Value {
        match self.state(cell) {
            Some(State::Done(value)) => return value.clone(),
            Some(State::New) => {}
            Some(State::Open) => {
                self.circle(cell, at);
                return Value::Error;
            }
            None => return Value::Error,
        }
        if self.depth + CELL_DEPTH > DEPTH_MAX {
            self.sink.push(value_codes::too_deep(at));
            return Value::Error;
        }
        self.depth += CELL_DEPTH;
        let base = self.frames.len();
        self.open(cell, at);
        while self.frames.len() > base {
            match self.frames.last_mut().and_then(|f| f.needs.pop()) {
                Some((next, at)) => match self.state(next) {
                    Some(State::New) => self.open(next, at),
                    Some(State::Open) => self.circle(next, at),
                    _ => {}
                },
                None => self.finish(),
            }
        }
        self.depth -= CELL_DEPTH;
        match self.state(cell) {
            Some(State::Done(value)) => value.clone(),
            _ => Value::Error,
        }
    }

    fn open(&mut self, cell: Cell, at: Span) {
        let mut needs = vec![];
        if let Some(expr) = self.expression(cell) {
            self.walk(expr, &mut needs);
        }
        needs.reverse();
        self.set(cell, State::Open);
        self.frames.push(Frame { cell, at, needs });
    }

    fn finish(&mut self) {
        let Some(cell) = self.frames.last().map(|f| f.cell) else { return };
        // A cell of a circle is done already: as an error.
        if matches!(self.state(cell), Some(State::Open)) {
            let value = match cell {
                Cell::Local(i) => self.local_value(i),
                Cell::Attribute(i, j) => self.attribute_value(i, j),
            };
            if matches!(self.state(cell), Some(State::Open)) {
                self.set(cell, State::Done(value));
            }
        }
        self.frames.pop();
    }

    fn expression(&self, cell: Cell) -> Option<&'a Expr> {
        match cell {
            Cell::Local(i) => match self.scope.locals.get(i)? {
                Local::Variable(variable) => variable.default.as_ref(),
                Local::Let(binding) => Some(&binding.value),
            },
            Cell::Attribute(i, j) => Some(&self.scope.blocks.get(i)?.attributes.get(j)?.value),
        }
    }

    fn local_value(&mut self, i: usize) -> Value {
        match self.scope.locals.get(i) {
            Some(Local::Variable(variable)) => self.variable(variable),
            Some(Local::Let(binding)) => self.eval(&binding.value),
            None => Value::Error,
        }
    }

    fn attribute_value(&mut self, i: usize, j: usize) -> Value {
        let Some((declared, attribute)) = self.scope.blocks.get(i).and_then(|b| Some((b, *b.attributes.get(j)?))) else {
            return Value::Error;
        };
        let ty = declared.spec.and_then(|spec| {
            let known = spec.attr(&attribute.name.text).is_some() || matches!(&*attribute.name.text, "tags" | "id");
            known.then(|| attribute_type(&declared.address, &attribute.name.text)).flatten()
        });
        let value = self.eval(&attribute.value);
        match ty {
            Some(ty) => convert(value, &ty, Spot::of(&attribute.value), &mut self.sink.all),
            None => value,
        }
    }

    /// Reports that an open cell is needed again, and breaks the circle there.
    fn circle(&mut self, cell: Cell, at: Span) {
        let Some(start) = self.frames.iter().position(|f| f.cell == cell) else { return };
        let around: Vec<(Cell, Span)> = self.frames.iter().skip(start).map(|f| (f.cell, f.at)).collect();
        let mut edges = vec![];
        for (i, (from, _)) in around.iter().enumerate() {
            let (to, at) = around.get(i + 1).copied().unwrap_or((cell, at));
            edges.push((self.name_of(*from), self.name_of(to), at));
        }
        self.sink.push(codes::cycle_of_values(&edges));
        for (cell, _) in around {
            self.set(cell, State::Done(Value::Error));
        }
    }

    fn name_of(&self, cell: Cell) -> String {
        match cell {
            Cell::Local(i) => self.scope.locals.get(i).map_or_else(String::new, |l| l.name().text.to_string()),
            Cell::Attribute(i, j) => self.scope.blocks.get(i).map_or_else(String::new, |b| {
                let name = b.attributes.get(j).map_or("", |a| &*a.name.text);
                format!("{}.{name}", b.address)
            }),
        }
    }

    // ---- names ----

    /// Reports names that there are none of, and collects the cells that are named.
    fn walk(&mut self, expr: &'a Expr, needs: &mut Vec<(Cell, Span)>) {
        match &expr.kind {
            ExprKind::Null
            | ExprKind::Bool(_)
            | ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Net(_)
            | ExprKind::Service(_)
            | ExprKind::Duration(_)
            | ExprKind::Error => {}
            ExprKind::Text(pieces) => {
                for piece in pieces {
                    if let Piece::Value(value) = piece {
                        self.walk(value, needs);
                    }
                }
            }
            ExprKind::ServiceOf(_, ports) => {
                for (from, to) in ports {
                    self.walk(from, needs);
                    to.iter().for_each(|to| self.walk(to, needs));
                }
            }
            ExprKind::List(elements) => elements.iter().for_each(|e| self.walk(e, needs)),
            ExprKind::Map(entries) => entries.iter().for_each(|(_, e)| self.walk(e, needs)),
            ExprKind::Name(word) => self.walk_name(word, expr.span, needs),
            ExprKind::Field(base, name) => self.walk_field(base, name, expr.span, needs),
            ExprKind::Index(base, index) => {
                self.walk(base, needs);
                self.walk(index, needs);
            }
            ExprKind::Splat(base) | ExprKind::Unary(_, base) => self.walk(base, needs),
            ExprKind::Call(name, arguments) => {
                function::check_name(name, self.sink);
                arguments.iter().for_each(|a| self.walk(a, needs));
            }
            ExprKind::Binary(_, left, right) => {
                self.walk(left, needs);
                self.walk(right, needs);
            }
            ExprKind::ForList(..) | ExprKind::ForMap(..) => {}
            ExprKind::If(condition, then, otherwise) => {
                self.walk(condition, needs);
                self.walk(then, needs);
                self.walk(otherwise, needs);
            }
        }
    }

    fn walk_name(&mut self, word: &str, at: Span, needs: &mut Vec<(Cell, Span)>) {
        if let Some(i) = self.scope.find_local(word) {
            if let Some(used) = self.used.get_mut(i) {
                *used = true;
            }
            needs.push((Cell::Local(i), at));
        } else if WORDS.contains(&word) || self.scope.is_lost_local(word) {
        } else if self.scope.is_kind(word) {
            let example = self.scope.blocks.iter().find(|b| &*b.block.kind.text == word).map(|b| &b.address);
            self.sink.push(codes::kind_alone(word, at, example));
        } else {
            let meant = if self.may_suggest() { self.scope.nearest_name(word) } else { None };
            self.sink.push(codes::unknown_name(word, at, meant));
        }
    }

    fn walk_field(&mut self, base: &'a Expr, name: &'a Name, at: Span, needs: &mut Vec<(Cell, Span)>) {
        match &base.kind {
            ExprKind::Name(word) if self.scope.find_local(word).is_none() => {
                self.walk_resource(word, base.span, name, at);
            }
            ExprKind::Field(inner, resource) => {
                if let ExprKind::Name(kind) = &inner.kind
                    && self.scope.find_local(kind).is_none()
                {
                    self.walk_resource(kind, inner.span, resource, base.span);
                    let block = self.scope.find_block(kind, &resource.text);
                    let written = block.and_then(|i| {
                        let declared = self.scope.blocks.get(i).filter(|b| !b.existing)?;
                        Some(Cell::Attribute(i, declared.attribute(&name.text)?))
                    });
                    needs.extend(written.map(|cell| (cell, at)));
                } else {
                    self.walk(base, needs);
                }
            }
            _ => self.walk(base, needs),
        }
    }

    fn may_suggest(&mut self) -> bool {
        self.suggestions += 1;
        self.suggestions <= SUGGESTIONS_MAX
    }

    /// Reports `kind.name` if there is none.
    fn walk_resource(&mut self, kind: &str, kind_at: Span, name: &Name, at: Span) {
        let scope = &self.scope;
        if scope.find_block(kind, &name.text).is_some() || scope.is_lost(kind, &name.text) || scope.is_lost_local(kind) {
            return;
        }
        let suggest = self.may_suggest();
        let scope = &self.scope;
        let diagnostic = if scope.is_kind(kind) {
            let meant = if suggest { scope.nearest_block(kind, &name.text) } else { None };
            let meant = meant.map(|b| &b.address);
            codes::unknown_resource(&format!("{kind}.{}", name.text), at, name.span, meant)
        } else if matches!(kind, "var" | "local") && scope.find_local(&name.text).is_some() {
            codes::name_with_prefix(kind, &name.text, at)
        } else {
            let without = kind.strip_prefix("aws_").filter(|k| scope.is_kind(k));
            codes::unknown_name(kind, kind_at, without.or_else(|| if suggest { scope.nearest_name(kind) } else { None }))
        };
        self.sink.push(diagnostic);
    }

    // ---- values ----

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
                operator::unary(*op, &value, expr.span, self.sink)
            }
            ExprKind::Binary(op, left, right) => self.binary(*op, left, right, expr.span),
            ExprKind::ForList(..) | ExprKind::ForMap(..) => Value::Error,
            ExprKind::If(condition, then, otherwise) => match self.eval(condition) {
                Value::Bool(true) => self.eval(then),
                Value::Bool(false) => self.eval(otherwise),
                other => operator::no_condition(&other, condition.span, self.sink),
            },
        }
    }

    fn judged(&mut self, value: Result<Value, crate::base::diagnostic::Diagnostic>) -> Value {
        value.unwrap_or_else(|diagnostic| {
            self.sink.push(diagnostic);
            Value::Error
        })
    }

    fn name(&mut self, word: &str, at: Span) -> Value {
        if let Some(i) = self.scope.find_local(word) {
            return self.cell(Cell::Local(i), at);
        }
        word_value(word).unwrap_or(Value::Error)
    }

    fn text(&mut self, pieces: &'a [Piece]) -> Value {
        let mut values = vec![];
        for piece in pieces {
            values.push(match piece {
                Piece::Plain(text) => Value::Text(text.clone()),
                Piece::Value(expr) => {
                    let value = self.eval(expr);
                    self.piece(value, expr.span)
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
        if let Some(decided) = operator::decided(op, &first, left.span, self.sink) {
            return decided;
        }
        let second = self.eval(right);
        operator::binary(op, (&first, left.span), (&second, right.span), at, self.sink)
    }

    fn call(&mut self, name: &'a Name, arguments: &'a [Expr], at: Span) -> Value {
        let mut values = vec![];
        for argument in arguments {
            values.push((self.eval(argument), argument.span));
        }
        function::call(name, &values, at, self.sink)
    }

    // ---- fields and elements ----

    /// The value of a path, and whether a splat stands in it: then fields are taken from each element.
    fn access(&mut self, expr: &'a Expr) -> (Value, bool) {
        match &expr.kind {
            ExprKind::Field(base, name) => {
                if let ExprKind::Name(kind) = &base.kind
                    && self.scope.find_local(kind).is_none()
                {
                    let found = self.scope.find_block(kind, &name.text).and_then(|i| self.scope.blocks.get(i));
                    return (found.map_or(Value::Error, |b| Value::Resource(b.address.clone())), false);
                }
                let (value, splat) = self.access(base);
                match value {
                    Value::List(values) if splat => {
                        (Value::List(values.into_iter().map(|v| self.field(v, name, expr.span)).collect()), true)
                    }
                    value => (self.field(value, name, expr.span), splat),
                }
            }
            ExprKind::Splat(base) => match self.eval(base) {
                Value::List(values) => (Value::List(values), true),
                Value::Map(map) => (Value::List(map.into_values().collect()), true),
                Value::Error => (Value::Error, true),
                other => {
                    self.sink.push(value_codes::wrong_type("a list before `[*]`", &describe(&other), base.span));
                    (Value::Error, true)
                }
            },
            ExprKind::Index(base, index) => (self.index(base, index), false),
            _ => (self.eval(expr), false),
        }
    }

    fn field(&mut self, value: Value, name: &'a Name, at: Span) -> Value {
        match value {
            Value::Error => Value::Error,
            Value::Resource(address) => self.attribute(&address, name, at),
            Value::Map(mut map) => map.remove(&*name.text).unwrap_or_else(|| {
                let meant = nearest(&name.text, map.keys().map(String::as_str));
                self.sink.push(value_codes::no_element(format!("the map has no key `{}`", name.text), name.span, meant));
                Value::Error
            }),
            other => {
                let found = value_codes::wrong_type("a resource or a map before the dot", &describe(&other), at);
                let diagnostic = match other {
                    Value::List(_) => found.help(format!("take it from each element: `[*].{}`", name.text)),
                    Value::Attribute(..) => value_codes::not_known_yet(&other.to_string(), &format!("`.{}`", name.text), at),
                    _ => found,
                };
                self.sink.push(diagnostic);
                Value::Error
            }
        }
    }

    /// An attribute of a resource: as written, or its default, or what EC2 will say.
    fn attribute(&mut self, address: &Address, name: &Name, at: Span) -> Value {
        let Some(i) = self.scope.find_address(address) else { return Value::Error };
        let Some(declared) = self.scope.blocks.get(i) else { return Value::Error };
        let Some(spec) = declared.spec else { return Value::Error };
        let attr: Option<&Attr> = spec.attr(&name.text);
        let has_tags = &*name.text == "tags" && spec.tag_type.is_some();
        if attr.is_none() && !has_tags && &*name.text != "id" {
            let names = spec.attrs.iter().map(|a| a.name).chain(["tags", "id"]);
            self.sink.push(codes::unknown_attribute(&name.text, spec.kind, name.span, nearest(&name.text, names)));
            return Value::Error;
        }
        let later = || Value::Attribute(address.clone(), name.text.to_string());
        if declared.existing || attr.is_some_and(|a| a.change == Change::Computed) || &*name.text == "id" {
            return later();
        }
        let written = match declared.attribute(&name.text) {
            Some(j) => self.cell(Cell::Attribute(i, j), at),
            None => Value::Null,
        };
        match (written, attr) {
            (written, None) => self.with_project_tags(written),
            (Value::Null, Some(attr)) if attr.required => Value::Error,
            (Value::Null, Some(attr)) => attr.default.clone().unwrap_or_else(later),
            (written, Some(_)) => written,
        }
    }

    /// A resource's tags over those of the project.
    pub(super) fn with_project_tags(&self, own: Value) -> Value {
        match own {
            Value::Map(own) => Value::Map(self.project_tags.clone().into_iter().chain(own).collect()),
            Value::Null => Value::Map(self.project_tags.clone()),
            other => other,
        }
    }

    fn index(&mut self, base: &'a Expr, index: &'a Expr) -> Value {
        // The list of all subnets of a network can be long; here only one of them is wanted.
        if let ExprKind::Call(name, arguments) = &base.kind
            && &*name.text == "subnets"
        {
            let arguments: Vec<_> = arguments.iter().map(|a| (self.eval(a), a.span)).collect();
            let n = self.eval(index);
            return function::nth_subnet(&arguments, (&n, index.span), base.span, self.sink);
        }
        let value = self.eval(base);
        let key = self.eval(index);
        match (value, key) {
            (Value::Error, _) | (_, Value::Error) => Value::Error,
            (Value::List(mut values), Value::Int(n)) => match usize::try_from(n).ok().filter(|i| *i < values.len()) {
                Some(i) => values.swap_remove(i),
                None => {
                    let message = format!("the list has {}, so there is no `[{n}]`", counted(values.len(), "element"));
                    let diagnostic = value_codes::no_element(message, index.span, None);
                    self.sink.push(match values.len() {
                        0 => diagnostic,
                        n => diagnostic.help(format!("they go from `[0]` to `[{}]`", n - 1)),
                    });
                    Value::Error
                }
            },
            (Value::Map(mut map), Value::Text(key)) => map.remove(&*key).unwrap_or_else(|| {
                let meant = nearest(&key, map.keys().map(String::as_str));
                let diagnostic = value_codes::no_element(format!("the map has no key {key:?}"), index.span, None);
                self.sink.push(match meant {
                    Some(meant) => diagnostic.help(format!("did you mean {meant:?}?")),
                    None => diagnostic,
                });
                Value::Error
            }),
            (value @ (Value::Attribute(..) | Value::Concat(_)), _) => {
                self.sink.push(value_codes::not_known_yet(&value.to_string(), "an index", base.span));
                Value::Error
            }
            (Value::List(_), key) => self.mismatch("a whole number as the index of a list", &key, index.span),
            (Value::Map(_), key) => self.mismatch("a string as the key of a map", &key, index.span),
            (value, _) => self.mismatch("a list or a map before `[`", &value, base.span),
        }
    }

    fn mismatch(&mut self, wanted: &str, found: &Value, at: Span) -> Value {
        let diagnostic = match found {
            Value::Attribute(..) | Value::Concat(_) => value_codes::not_known_yet(&found.to_string(), "an index", at),
            _ => value_codes::wrong_type(wanted, &describe(found), at),
        };
        self.sink.push(diagnostic);
        Value::Error
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
    resources::ALL.iter().map(|s| s.kind)
}
