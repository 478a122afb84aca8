//! From pairs to expressions: literals, precedence, and the limit on depth. Layer 1.

use pest::iterators::Pair;

use super::{
    grammar::Rule,
    item::{Lower, Parts, is_mark},
};
use crate::{
    base::{codes::syntax as codes, service::Service, span::Span},
    syntax::ast::{BinaryOp, Expr, ExprKind, Name, Piece, UnaryOp},
};

/// How many nodes may stand one inside the other in an expression, counting long rows of operators too.
///
/// Whoever walks the AST, or drops it, recurses this deep; a thread's stack has to take it.
pub(super) const DEPTH_MAX: usize = 256;

/// An expression, and how many nodes stand one inside the other in it.
pub(super) struct Deep {
    pub(super) expr: Expr,
    pub(super) depth: usize,
}

impl Deep {
    fn leaf(kind: ExprKind, span: Span) -> Self {
        Self { expr: Expr { kind, span }, depth: 1 }
    }
}

impl Lower<'_> {
    /// An `expr` pair.
    pub(super) fn expr(&mut self, pair: Pair<'_, Rule>) -> Expr {
        self.deep(pair).expr
    }

    /// A `string` pair.
    pub(super) fn string(&mut self, pair: Pair<'_, Rule>) -> Expr {
        self.deep_text(pair).expr
    }

    /// A `term` pair.
    pub(super) fn term(&mut self, pair: Pair<'_, Rule>) -> Expr {
        self.operand(pair).expr
    }

    /// A node around others; reports it where it is too deep.
    pub(super) fn node(&mut self, kind: ExprKind, span: Span, inside: usize) -> Deep {
        let depth = inside + 1;
        if depth > DEPTH_MAX {
            // What is around it is too deep as well; one message is enough.
            if !self.too_deep.is_some_and(|at| span.start() <= at.start() && at.end() <= span.end()) {
                self.sink.push(codes::expression_too_long(span, DEPTH_MAX));
            }
            self.too_deep = Some(span);
            return Deep::leaf(ExprKind::Error, span);
        }
        Deep { expr: Expr { kind, span }, depth }
    }

    pub(super) fn deep(&mut self, pair: Pair<'_, Rule>) -> Deep {
        let mut operands: Vec<Deep> = vec![];
        let mut operators: Vec<BinaryOp> = vec![];
        let mut parts = pair.into_inner().peekable();
        while let Some(part) = parts.next() {
            match part.as_rule() {
                Rule::operand => {
                    let (mut operand, unary) = self.bare_operand(part);
                    // What is taken from it on a later line.
                    while let Some(more) = parts.next_if(|p| matches!(p.as_rule(), Rule::field | Rule::index | Rule::splat)) {
                        operand = self.taken(operand, more);
                    }
                    let operand = self.signed(operand, unary);
                    operands.push(operand);
                }
                Rule::operator => {
                    let operator = binary(part.as_str());
                    while operators.last().is_some_and(|o| o.strength() >= operator.strength()) {
                        self.reduce(&mut operands, &mut operators);
                    }
                    operators.push(operator);
                }
                _ => {}
            }
        }
        while !operators.is_empty() {
            self.reduce(&mut operands, &mut operators);
        }
        operands.pop().unwrap_or_else(|| Deep::leaf(ExprKind::Error, Span::new(self.file, 0, 0)))
    }

    fn reduce(&mut self, operands: &mut Vec<Deep>, operators: &mut Vec<BinaryOp>) {
        let (Some(operator), Some(right), Some(left)) = (operators.pop(), operands.pop(), operands.pop()) else { return };
        let span = left.expr.span.to(right.expr.span);
        let inside = left.depth.max(right.depth);
        let node = self.node(ExprKind::Binary(operator, Box::new(left.expr), Box::new(right.expr)), span, inside);
        operands.push(node);
    }

    /// An `operand`, `term` or `path`: operators before it, what it is, and what is taken from it.
    fn operand(&mut self, pair: Pair<'_, Rule>) -> Deep {
        let (found, unary) = self.bare_operand(pair);
        self.signed(found, unary)
    }

    /// The same, and the operators before it by themselves.
    fn bare_operand(&mut self, pair: Pair<'_, Rule>) -> (Deep, Vec<(UnaryOp, Span)>) {
        let whole = self.span(&pair);
        let mut unary = vec![];
        let mut found: Option<Deep> = None;
        for part in pair.into_inner() {
            if part.as_rule() == Rule::unary {
                unary.push((if part.as_str() == "!" { UnaryOp::Not } else { UnaryOp::Minus }, self.span(&part)));
                continue;
            }
            found = Some(match found {
                Some(of) => self.taken(of, part),
                None => self.primary(part),
            });
        }
        (found.unwrap_or_else(|| Deep::leaf(ExprKind::Error, whole)), unary)
    }

    fn signed(&mut self, mut found: Deep, mut unary: Vec<(UnaryOp, Span)>) -> Deep {
        while let Some((operator, at)) = unary.pop() {
            let span = at.to(found.expr.span);
            found = self.unary(operator, found, span);
        }
        found
    }

    /// A `field`, `index` or `splat` of something.
    fn taken(&mut self, of: Deep, part: Pair<'_, Rule>) -> Deep {
        let at = of.expr.span.to(self.span(&part));
        match part.as_rule() {
            Rule::field | Rule::term_field => {
                let Some(name) = Parts(part.into_inner()).next(Rule::word) else { return of };
                let name = self.word(name);
                self.node(ExprKind::Field(Box::new(of.expr), name), at, of.depth)
            }
            Rule::index => {
                let Some(index) = Parts(part.into_inner()).next(Rule::expr) else { return of };
                let index = self.deep(index);
                let inside = of.depth.max(index.depth);
                self.node(ExprKind::Index(Box::new(of.expr), Box::new(index.expr)), at, inside)
            }
            Rule::splat => self.node(ExprKind::Splat(Box::new(of.expr)), at, of.depth),
            _ => of,
        }
    }

    fn unary(&mut self, operator: UnaryOp, of: Deep, span: Span) -> Deep {
        self.node(ExprKind::Unary(operator, Box::new(of.expr)), span, of.depth)
    }

    fn primary(&mut self, pair: Pair<'_, Rule>) -> Deep {
        let span = self.span(&pair);
        match pair.as_rule() {
            Rule::string | Rule::heredoc => self.deep_text(pair),
            Rule::list => self.list(pair, span),
            Rule::map => self.map(pair, span),
            Rule::for_list | Rule::for_map => self.comprehension(pair, span).unwrap_or_else(|| Deep::leaf(ExprKind::Error, span)),
            Rule::paren => self.paren(pair),
            Rule::conditional => self.conditional(pair, span),
            Rule::call => self.call(pair, span),
            Rule::service_of => self.service_of(pair, span),
            Rule::service => self.service(pair.as_str(), span),
            Rule::port_range => self.port_range(pair, span),
            Rule::negative => {
                let number = pair.into_inner().last().map(|p| self.literal(&p));
                let number = number.unwrap_or_else(|| Deep::leaf(ExprKind::Error, span));
                self.unary(UnaryOp::Minus, number, span)
            }
            // `number` is silent but for its kinds; so is everything else that is one token.
            _ => self.literal(&pair),
        }
    }

    fn literal(&mut self, pair: &Pair<'_, Rule>) -> Deep {
        let (span, text) = (self.span(pair), pair.as_str());
        let kind = match pair.as_rule() {
            Rule::int | Rule::port_number => self.int(text, span),
            Rule::float => self.float(text, span),
            Rule::duration => self.duration(text, span),
            Rule::network => ExprKind::Net(self.shared(text)),
            Rule::constant => match text {
                "null" => ExprKind::Null,
                text => ExprKind::Bool(text == "true"),
            },
            Rule::name | Rule::plain => ExprKind::Name(self.shared(text)),
            _ => ExprKind::Error,
        };
        Deep::leaf(kind, span)
    }

    fn int(&mut self, text: &str, span: Span) -> ExprKind {
        text.parse().map_or_else(
            |_| {
                self.sink.push(codes::number_too_large(span, text));
                ExprKind::Error
            },
            ExprKind::Int,
        )
    }

    fn float(&mut self, text: &str, span: Span) -> ExprKind {
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => ExprKind::Float(value),
            Ok(_) => {
                self.sink.push(codes::number_too_large(span, text));
                ExprKind::Error
            }
            Err(_) => {
                self.sink.push(codes::bad_number(span, text));
                ExprKind::Error
            }
        }
    }

    fn duration(&mut self, text: &str, span: Span) -> ExprKind {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86400,
            _ => {
                self.sink.push(codes::bad_number(span, text));
                return ExprKind::Error;
            }
        };
        number.parse::<u64>().ok().and_then(|n| n.checked_mul(seconds)).map_or_else(
            || {
                self.sink.push(codes::number_too_large(span, text));
                ExprKind::Error
            },
            ExprKind::Duration,
        )
    }

    fn paren(&mut self, pair: Pair<'_, Rule>) -> Deep {
        let span = self.span(&pair);
        let inner = Parts(pair.into_inner()).next(Rule::expr);
        let mut found = inner.map_or_else(|| Deep::leaf(ExprKind::Error, span), |p| self.deep(p));
        found.expr.span = span;
        found
    }

    fn exprs(&mut self, pair: Pair<'_, Rule>) -> (Vec<Expr>, usize) {
        let mut inside = 0;
        let mut found = vec![];
        for part in pair.into_inner().filter(|p| p.as_rule() == Rule::expr) {
            let one = self.deep(part);
            inside = inside.max(one.depth);
            found.push(one.expr);
        }
        found.shrink_to_fit();
        (found, inside)
    }

    fn list(&mut self, pair: Pair<'_, Rule>, span: Span) -> Deep {
        let (items, inside) = self.exprs(pair);
        self.node(ExprKind::List(items), span, inside)
    }

    fn call(&mut self, pair: Pair<'_, Rule>, span: Span) -> Deep {
        let Some(name) = pair.clone().into_inner().next().map(|p| self.word(p)) else { return Deep::leaf(ExprKind::Error, span) };
        let (args, inside) = self.exprs(pair);
        self.node(ExprKind::Call(name, args), span, inside)
    }

    fn map(&mut self, pair: Pair<'_, Rule>, span: Span) -> Deep {
        let mut inside = 0;
        let mut entries = vec![];
        for entry in pair.into_inner().filter(|p| p.as_rule() == Rule::map_entry) {
            let mut inner = Parts(entry.into_inner());
            let key = match inner.next(Rule::word) {
                Some(word) => Some(self.word(word)),
                None => inner.next(Rule::string).map(|p| self.plain(p)),
            };
            let (Some(key), Some(value)) = (key, inner.next(Rule::expr)) else { continue };
            let value = self.deep(value);
            inside = inside.max(value.depth);
            entries.push((key, value.expr));
        }
        entries.shrink_to_fit();
        self.node(ExprKind::Map(entries), span, inside)
    }

    /// The parts come as condition, value, condition, value, ..., value.
    fn conditional(&mut self, pair: Pair<'_, Rule>, span: Span) -> Deep {
        let mut parts = vec![];
        for part in pair.into_inner().filter(|p| p.as_rule() == Rule::expr) {
            parts.push(self.deep(part));
        }
        let mut found = parts.pop().unwrap_or_else(|| Deep::leaf(ExprKind::Error, span));
        while let (Some(then), Some(condition)) = (parts.pop(), parts.pop()) {
            let inside = found.depth.max(then.depth).max(condition.depth);
            let start = if parts.is_empty() { span } else { condition.expr.span };
            let kind = ExprKind::If(Box::new(condition.expr), Box::new(then.expr), Box::new(found.expr));
            found = self.node(kind, start.to(span), inside);
        }
        found
    }

    fn service(&mut self, text: &str, span: Span) -> Deep {
        let (protocol, ports) = text.split_once('/').unwrap_or((text, ""));
        let computed = ports.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if computed && matches!(protocol, "tcp" | "udp") {
            let at = Span::new(self.file, span.start() + protocol.len() + 1, span.end());
            self.sink.push(codes::computed_port(span, at, protocol, ports));
            return Deep::leaf(ExprKind::Error, span);
        }
        Deep::leaf(ExprKind::Service(self.shared(text)), span)
    }

    fn service_of(&mut self, pair: Pair<'_, Rule>, span: Span) -> Deep {
        let mut inside = 0;
        let mut protocol = Name { text: "".into(), span };
        let mut ports = vec![];
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::word => protocol = self.word(part),
                Rule::ports => {
                    let mut ends = vec![];
                    for end in part.into_inner().filter(|p| !is_mark(p.as_rule())) {
                        let end = if end.as_rule() == Rule::paren { self.paren(end) } else { self.literal(&end) };
                        inside = inside.max(end.depth);
                        ends.push(end.expr);
                    }
                    let mut ends = ends.into_iter();
                    ports.extend(ends.next().map(|from| (from, ends.next())));
                }
                _ => {}
            }
        }
        if !Service::is_protocol(&protocol.text) {
            self.sink.push(codes::unknown_protocol(protocol.span, &protocol.text));
            return Deep::leaf(ExprKind::Error, span);
        }
        self.node(ExprKind::ServiceOf(protocol, ports), span, inside)
    }

    /// Ports without a protocol (`client ports 1024-65535`) read as the difference that they would be in an expression.
    fn port_range(&mut self, pair: Pair<'_, Rule>, span: Span) -> Deep {
        let mut ends = vec![];
        for end in pair.into_inner().filter(|p| p.as_rule() == Rule::int) {
            ends.push(self.literal(&end).expr);
        }
        let (Some(to), Some(from)) = (ends.pop(), ends.pop()) else { return Deep::leaf(ExprKind::Error, span) };
        self.node(ExprKind::Binary(BinaryOp::Subtract, Box::new(from), Box::new(to)), span, 1)
    }

    /// A `string` or `heredoc` pair.
    fn deep_text(&mut self, pair: Pair<'_, Rule>) -> Deep {
        let span = self.span(&pair);
        let mut inside = 0;
        let mut pieces = super::text::Pieces::new(&pair);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::interpolation => {
                    let Some(inner) = Parts(part.into_inner()).next(Rule::expr) else { continue };
                    let value = self.deep(inner);
                    inside = inside.max(value.depth);
                    pieces.push(Piece::Value(value.expr));
                }
                _ => self.plain_piece(&part, &mut pieces),
            }
        }
        self.node(ExprKind::Text(pieces.finish(|text| self.shared(text))), span, inside)
    }
}

fn binary(text: &str) -> BinaryOp {
    match text {
        "*" => BinaryOp::Multiply,
        "/" => BinaryOp::Divide,
        "%" => BinaryOp::Remainder,
        "+" => BinaryOp::Add,
        "-" => BinaryOp::Subtract,
        "<" => BinaryOp::Less,
        "<=" => BinaryOp::LessEqual,
        ">" => BinaryOp::Greater,
        ">=" => BinaryOp::GreaterEqual,
        "==" => BinaryOp::Equal,
        "!=" => BinaryOp::NotEqual,
        "&&" => BinaryOp::And,
        "||" => BinaryOp::Or,
        _ => BinaryOp::Coalesce,
    }
}
