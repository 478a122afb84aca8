//! The pieces of a file, one within the other: statements, bodies, sentences, values. Layer 9: a walk through the AST.

use crate::{
    base::span::Span,
    syntax::ast::{Body, Each, Entry, Expr, ExprKind, File, ForClause, Item, Name, Piece, Term},
};

/// A piece, and what it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Node<'a> {
    Item(&'a Item),
    Body(&'a Body),
    Entry(&'a Entry),
    Expr(&'a Expr),
    Name(&'a Name),
}

impl Node<'_> {
    /// Where it stands.
    pub(super) fn span(self) -> Span {
        match self {
            Node::Item(item) => item.span(),
            Node::Body(body) => body.span,
            Node::Entry(entry) => match entry {
                Entry::Attribute(a) | Entry::With(a) => a.span,
                Entry::Sentence(s) => s.span,
                Entry::Block(b) => b.span,
                Entry::For(b) => b.span,
                Entry::If(b) => b.span,
            },
            Node::Expr(expr) => expr.span,
            Node::Name(name) => name.span,
        }
    }
}

/// Every piece of a file, what holds another before it.
pub(super) fn nodes(file: &File) -> Vec<Node<'_>> {
    let mut walk = Walk(vec![]);
    file.items.iter().for_each(|item| walk.item(item));
    walk.0
}

struct Walk<'a>(Vec<Node<'a>>);

impl<'a> Walk<'a> {
    fn item(&mut self, item: &'a Item) {
        self.0.push(Node::Item(item));
        match item {
            Item::Variable(v) => {
                self.0.push(Node::Name(&v.name));
                v.default.iter().for_each(|e| self.expr(e));
            }
            Item::Let(l) => {
                self.0.push(Node::Name(&l.name));
                self.expr(&l.value);
            }
            Item::Output(o) => {
                self.0.push(Node::Name(&o.name));
                self.expr(&o.value);
            }
            Item::Resource(b) | Item::Existing(b) => {
                self.0.extend([Node::Name(&b.kind), Node::Name(&b.name)]);
                self.each(b.each.as_ref());
            }
            Item::Module(m) => {
                self.0.extend([Node::Name(&m.name), Node::Name(&m.source)]);
                self.each(m.each.as_ref());
            }
            Item::Extend(e) => {
                self.expr(&e.target);
                self.each(e.each.as_ref());
            }
            Item::Import(i) => self.expr(&i.from),
            Item::Project(p) => self.0.push(Node::Name(&p.name)),
            Item::Policy(p) => self.0.push(Node::Name(&p.name)),
            Item::Env(e) => self.0.push(Node::Name(&e.name)),
            Item::Neighbour(n) => self.0.extend([Node::Name(&n.name), Node::Name(&n.path)]),
            Item::Waive(w) => self.0.push(Node::Name(&w.policy)),
            Item::Test(_) | Item::Moved(_) | Item::Forget(_) => {}
        }
        crate::mend::body(item).into_iter().for_each(|body| self.body(body));
    }

    fn each(&mut self, each: Option<&'a Each>) {
        match each {
            Some(Each::For(clause)) => self.clause(clause),
            Some(Each::If(condition)) => self.expr(condition),
            Some(Each::All(_)) | None => {}
        }
    }

    fn clause(&mut self, clause: &'a ForClause) {
        clause.key.iter().chain([&clause.value]).for_each(|name| self.0.push(Node::Name(name)));
        self.expr(&clause.of);
        clause.condition.iter().for_each(|c| self.expr(c));
    }

    fn body(&mut self, body: &'a Body) {
        self.0.push(Node::Body(body));
        for entry in &body.entries {
            self.0.push(Node::Entry(entry));
            match entry {
                Entry::Attribute(a) | Entry::With(a) => {
                    self.0.push(Node::Name(&a.name));
                    self.expr(&a.value);
                }
                Entry::Sentence(s) => {
                    self.0.push(Node::Name(&s.head));
                    s.terms.iter().for_each(|t| {
                        if let Term::Expr(e) = t {
                            self.expr(e)
                        }
                    });
                }
                Entry::Block(b) => {
                    self.0.push(Node::Name(&b.name));
                    self.body(&b.body);
                }
                Entry::For(b) => {
                    self.clause(&b.clause);
                    self.body(&b.body);
                }
                Entry::If(b) => {
                    self.expr(&b.condition);
                    self.body(&b.body);
                    b.otherwise.iter().for_each(|other| self.body(other));
                }
            }
        }
    }

    fn expr(&mut self, expr: &'a Expr) {
        self.0.push(Node::Expr(expr));
        match &expr.kind {
            ExprKind::Text(pieces) => pieces.iter().for_each(|p| {
                if let Piece::Value(e) = p {
                    self.expr(e)
                }
            }),
            ExprKind::ServiceOf(_, ports) => ports.iter().for_each(|(low, high)| {
                self.expr(low);
                high.iter().for_each(|e| self.expr(e));
            }),
            ExprKind::List(all) => all.iter().for_each(|e| self.expr(e)),
            ExprKind::Call(name, all) => {
                self.0.push(Node::Name(name));
                all.iter().for_each(|e| self.expr(e));
            }
            ExprKind::Map(all) => all.iter().for_each(|(key, e)| {
                self.0.push(Node::Name(key));
                self.expr(e);
            }),
            ExprKind::Field(of, name) => {
                self.expr(of);
                self.0.push(Node::Name(name));
            }
            ExprKind::Splat(of) | ExprKind::Unary(_, of) => self.expr(of),
            ExprKind::Index(a, b) | ExprKind::Binary(_, a, b) => [a, b].into_iter().for_each(|e| self.expr(e)),
            ExprKind::If(a, b, c) => [a, b, c].into_iter().for_each(|e| self.expr(e)),
            ExprKind::ForList(clause, value) => {
                self.clause(clause);
                self.expr(value);
            }
            ExprKind::ForMap(clause, key, value) => {
                self.clause(clause);
                self.expr(key);
                self.expr(value);
            }
            ExprKind::Null
            | ExprKind::Bool(_)
            | ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Net(_)
            | ExprKind::Service(_)
            | ExprKind::Duration(_)
            | ExprKind::Name(_)
            | ExprKind::Error => {}
        }
    }
}
