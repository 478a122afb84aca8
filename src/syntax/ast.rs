//! The sources as written, with a span at every node. Layer 1.
//!
//! Names are unresolved, network literals unjudged: whether `10.0.0/16` is a network is for `resolve` to say.

use std::sync::Arc;

use crate::base::span::Span;

/// One file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct File {
    /// In the order of the text. What could not be parsed is missing here and was reported.
    pub items: Vec<Item>,
    /// Kind and name of blocks whose head could not be read: a reference to one of them is no mistake of its own.
    pub lost: Vec<(Name, Name)>,
}

/// What stands at the top level of a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// `project secure_server { region = "us-east-1" }`
    Project(Project),
    /// `variable maintainers: list(cidr) = [...] "description" { ... }`
    Variable(Variable),
    /// `let azs = [...]`
    Let(Let),
    /// `output address = instance.server.public_ip_address "description"`
    Output(Output),
    /// `vpc main { ... }`
    Resource(Block),
    /// `existing vpc default { ... }`
    Existing(Block),
    /// `moved vpc.old to vpc.main`
    Moved(Moved),
    /// `policy private_server "..." { ... }`
    Policy(Policy),
    /// `waive private_server until 2027-01-31 "migration"`
    Waive(Waive),
}

/// A piece of text that names something.
#[derive(Debug, Clone, PartialEq)]
pub struct Name {
    /// As written.
    pub text: Arc<str>,
    /// Where.
    pub span: Span,
}

/// The project's own block.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// Its name.
    pub name: Name,
    /// Its settings.
    pub body: Body,
    /// From the keyword to the closing brace.
    pub span: Span,
}

/// An input.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// Its name.
    pub name: Name,
    /// The declared type, if any.
    pub ty: Option<TypeExpr>,
    /// The default value, if any.
    pub default: Option<Expr>,
    /// What people are told about it.
    pub description: Option<Name>,
    /// `{ sensitive = true  validate ... "..." }`
    pub body: Option<Body>,
    /// The whole statement.
    pub span: Span,
}

/// A type as written: `list(cidr)`.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeExpr {
    /// `list`
    pub name: Name,
    /// `(cidr)`
    pub args: Vec<TypeExpr>,
    /// The fields of `object({ a: string, b?: int })`: name, whether optional, type.
    pub fields: Vec<(Name, bool, TypeExpr)>,
    /// The whole.
    pub span: Span,
}

/// A named value.
#[derive(Debug, Clone, PartialEq)]
pub struct Let {
    /// Its name.
    pub name: Name,
    /// Its value.
    pub value: Expr,
    /// The whole statement.
    pub span: Span,
}

/// A result of the project.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// Its name.
    pub name: Name,
    /// Its value.
    pub value: Expr,
    /// What people are told about it.
    pub description: Option<Name>,
    /// The whole statement.
    pub span: Span,
}

/// A resource, managed or existing.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// The word that says which type.
    pub kind: Name,
    /// Its name.
    pub name: Name,
    /// What stands between the braces.
    pub body: Body,
    /// The `##` lines before it.
    pub doc: Option<String>,
    /// From the kind (or `existing`) to the closing brace.
    pub span: Span,
}

/// What stands between braces.
#[derive(Debug, Clone, PartialEq)]
pub struct Body {
    /// In the order of the text.
    pub entries: Vec<Entry>,
    /// From brace to brace.
    pub span: Span,
}

/// One statement in a body.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// `cidr_block = 10.0.0.0/16`
    Attribute(Attribute),
    /// `ingress tcp/22 from maintainers "maintainers"`
    Sentence(Sentence),
    /// `lifecycle { ... }`
    Block(NestedBlock),
}

/// A setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// Left of the `=`.
    pub name: Name,
    /// Right of it.
    pub value: Expr,
    /// The whole.
    pub span: Span,
}

/// A sentence about a flow: its first word, then terms. Which words it takes is for the type's Spec to say.
#[derive(Debug, Clone, PartialEq)]
pub struct Sentence {
    /// `ingress`
    pub head: Name,
    /// `tcp/22`, `from`, `maintainers`, `"maintainers"`; a bare word is a one-segment [`ExprKind::Name`].
    /// Commas between terms are [`Term::Comma`].
    pub terms: Vec<Term>,
    /// The whole.
    pub span: Span,
}

/// A piece of a sentence.
#[derive(Debug, Clone, PartialEq)]
pub enum Term {
    /// A word, number, service, peer or string.
    Expr(Expr),
    /// A comma.
    Comma(Span),
}

/// A block in a body: `default_security_group { }`.
#[derive(Debug, Clone, PartialEq)]
pub struct NestedBlock {
    /// Its word.
    pub name: Name,
    /// What stands between its braces.
    pub body: Body,
    /// The whole.
    pub span: Span,
}

/// `moved vpc.old to vpc.main`
#[derive(Debug, Clone, PartialEq)]
pub struct Moved {
    /// Kind and name it had.
    pub from: (Name, Name),
    /// Kind and name it has.
    pub to: (Name, Name),
    /// The whole statement.
    pub span: Span,
}

/// `policy name "description" [during apply] { require ...  forbid ... }`
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Its name.
    pub name: Name,
    /// What it is for.
    pub description: Option<Name>,
    /// Whether it says `during apply`.
    pub during_apply: bool,
    /// Its sentences, heads `require` and `forbid`.
    pub body: Body,
    /// The whole.
    pub span: Span,
}

/// `waive private_server until 2027-01-31 "migration"`
#[derive(Debug, Clone, PartialEq)]
pub struct Waive {
    /// The policy.
    pub policy: Name,
    /// The last day on which it is let off, as written.
    pub until: Name,
    /// Why.
    pub reason: Option<Name>,
    /// The whole statement.
    pub span: Span,
}

/// A value as written.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What.
    pub kind: ExprKind,
    /// Where.
    pub span: Span,
}

/// The kinds of values as written.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// `42`; out of range is reported while parsing.
    Int(i64),
    /// `1.5`
    Float(f64),
    /// `"text ${value}"`, or a heredoc.
    Text(Vec<Piece>),
    /// `10.0.0.0/16`, `10.0.0.1`, `2001:db8::/32`, `/33`: anything that looks like an address or network, unjudged.
    Net(Arc<str>),
    /// `tcp/22`, `tcp/80,443`, `icmp/3/4`, `tpc/22`: a word, a slash, and what may follow, unjudged.
    /// A bare `tcp` or `all` is a [`ExprKind::Name`].
    Service(Arc<str>),
    /// `tcp/(port)`, `udp/(lo)-(hi)`: a service with ports that are computed; each is a port or a range.
    ServiceOf(Name, Vec<(Expr, Option<Expr>)>),
    /// `30s`, `5m`, `1h`: seconds.
    Duration(u64),
    /// `[a, b]`
    List(Vec<Expr>),
    /// `{ Owner = "Ali" }`; keys are names or texts.
    Map(Vec<(Name, Expr)>),
    /// `maintainers`
    Name(Arc<str>),
    /// `vpc.main`
    Field(Box<Expr>, Name),
    /// `azs[0]`
    Index(Box<Expr>, Box<Expr>),
    /// `xs[*]`
    Splat(Box<Expr>),
    /// `ami("al2023")`
    Call(Name, Vec<Expr>),
    /// `!x`, `-x`
    Unary(UnaryOp, Box<Expr>),
    /// `a + b`
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `if c then a else b`
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    /// What could not be parsed and was reported.
    Error,
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// As it is, escapes resolved.
    Plain(Arc<str>),
    /// `${...}`
    Value(Expr),
}

/// Operators before an operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOp {
    /// `!`
    Not,
    /// `-`
    Minus,
}

/// Operators between operands, weakest last in [`BinaryOp::strength`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOp {
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `&&`
    And,
    /// `||`
    Or,
    /// `??`
    Coalesce,
}

impl BinaryOp {
    /// How strongly it binds; higher binds first, all are left-associative.
    #[must_use]
    pub fn strength(self) -> u8 {
        match self {
            BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Remainder => 7,
            BinaryOp::Add | BinaryOp::Subtract => 6,
            BinaryOp::Less | BinaryOp::LessEqual | BinaryOp::Greater | BinaryOp::GreaterEqual => 5,
            BinaryOp::Equal | BinaryOp::NotEqual => 4,
            BinaryOp::And => 3,
            BinaryOp::Or => 2,
            BinaryOp::Coalesce => 1,
        }
    }
}
