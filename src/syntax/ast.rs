//! The sources as written, with a span at every node. Layer 1.
//!
//! Names are unresolved, network literals unjudged: whether `10.0.0/16` is a network is for `resolve` to say.

use std::{hash::BuildHasher, sync::Arc};

use crate::{
    base::{
        address::{Address, Key},
        span::Span,
    },
    schema::resources::Quick,
};

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
    /// `module edge "./modules/two_tier" { ... }`
    Module(Module),
    /// `extend security_group.web { ... }`
    Extend(Extend),
    /// `import vpc.main from "vpc-0abc"`
    Import(Import),
    /// `forget subnet.legacy`
    Forget(Forget),
    /// `test "a stolen key is not enough" { ... }`
    Test(Test),
    /// `env prod { account = "123456789012" }`
    Env(Env),
    /// `project other "../network"`
    Neighbour(Neighbour),
}

impl Item {
    /// The whole statement.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Item::Project(Project { span, .. })
            | Item::Variable(Variable { span, .. })
            | Item::Let(Let { span, .. })
            | Item::Output(Output { span, .. })
            | Item::Resource(Block { span, .. })
            | Item::Existing(Block { span, .. })
            | Item::Moved(Moved { span, .. })
            | Item::Policy(Policy { span, .. })
            | Item::Waive(Waive { span, .. })
            | Item::Module(Module { span, .. })
            | Item::Extend(Extend { span, .. })
            | Item::Import(Import { span, .. })
            | Item::Forget(Forget { span, .. })
            | Item::Test(Test { span, .. })
            | Item::Env(Env { span, .. })
            | Item::Neighbour(Neighbour { span, .. }) => *span,
        }
    }
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
    /// `{ sensitive = true }`
    pub body: Option<Body>,
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
    /// Both, once for all who ask.
    pub address: Address,
    /// What [`key`] makes of both.
    pub key: u64,
    /// Whether an attribute is there twice.
    pub has_repeated: bool,
    /// How many of it there are, where it says so.
    pub each: Option<Each>,
    /// What stands between the braces.
    pub body: Body,
    /// The `##` lines before it.
    pub doc: Option<String>,
    /// From the kind (or `existing`) to the closing brace.
    pub span: Span,
}

/// How many of a block there are.
#[derive(Debug, Clone, PartialEq)]
pub enum Each {
    /// `for i, az in azs`, perhaps with an `if` after it.
    For(ForClause),
    /// `if production`: one or none.
    If(Expr),
    /// `for {}` after `existing`: all that match.
    All(Span),
}

impl Each {
    /// Whether each of them has a key.
    #[must_use]
    pub fn is_keyed(&self) -> bool {
        matches!(self, Each::For(_) | Each::All(_))
    }
}

/// `for k, v in xs if c`: of a block, of a part of a body, of a comprehension.
#[derive(Debug, Clone, PartialEq)]
pub struct ForClause {
    /// The first name of two: the key of a map, or the index in a list.
    pub key: Option<Name>,
    /// The element.
    pub value: Name,
    /// What is gone through.
    pub of: Expr,
    /// Which elements count.
    pub condition: Option<Expr>,
    /// The clause.
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
    /// `for p in partners { ... }`
    For(Box<ForBlock>),
    /// `if debug { ... } else { ... }`
    If(Box<IfBlock>),
    /// `with maintainers = [198.51.100.7/32]`, in a test.
    With(Attribute),
}

/// What a resource is found by: a hash of its kind and name, which others may have, too.
#[must_use]
pub fn key(kind: &str, name: &str) -> u64 {
    Quick::default().hash_one((kind, name))
}

impl Body {
    /// Its attributes, in the order of the text.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> + Clone {
        self.entries.iter().filter_map(|entry| if let Entry::Attribute(attribute) = entry { Some(attribute) } else { None })
    }

    /// Whether an attribute is there twice. There are few in a body.
    #[must_use]
    pub fn has_repeated(&self) -> bool {
        let all = self.attributes();
        all.clone().enumerate().any(|(i, one)| all.clone().take(i).any(|other| other.name.text == one.name.text))
    }

    /// Where it stands, and its first statement.
    #[must_use]
    pub fn place(&self) -> (Span, Option<Span>) {
        (self.span, self.entries.first().map(|entry| entry.head().1))
    }
}

impl Entry {
    /// Its first word, and where that stands.
    #[must_use]
    pub fn head(&self) -> (&str, Span) {
        let word = |span: Span, word: &'static str| (word, Span::new(span.file(), span.start(), span.start() + word.len()));
        match self {
            Entry::Attribute(Attribute { name, .. })
            | Entry::Sentence(Sentence { head: name, .. })
            | Entry::Block(NestedBlock { name, .. }) => (&name.text, name.span),
            Entry::For(block) => word(block.span, "for"),
            Entry::If(block) => word(block.span, "if"),
            Entry::With(Attribute { span, .. }) => word(*span, "with"),
        }
    }
}

/// Statements of a body that are repeated.
#[derive(Debug, Clone, PartialEq)]
pub struct ForBlock {
    /// How often.
    pub clause: ForClause,
    /// What.
    pub body: Body,
    /// The whole.
    pub span: Span,
}

/// Statements of a body that may be left out.
#[derive(Debug, Clone, PartialEq)]
pub struct IfBlock {
    /// When they count.
    pub condition: Expr,
    /// What then.
    pub body: Body,
    /// What else.
    pub otherwise: Option<Body>,
    /// The whole.
    pub span: Span,
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

/// `module edge "./modules/two_tier" for zone in zones { ... }`
#[derive(Debug, Clone, PartialEq)]
pub struct Module {
    /// Its name.
    pub name: Name,
    /// Where its sources lie, without the quotes.
    pub source: Name,
    /// How many of it there are, where it says so.
    pub each: Option<Each>,
    /// Its inputs.
    pub body: Body,
    /// The `##` lines before it.
    pub doc: Option<String>,
    /// The whole.
    pub span: Span,
}

/// `extend security_group.web { ... }`: sentences for a resource that is declared elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Extend {
    /// The resource: a path, or a variable that holds one.
    pub target: Expr,
    /// How often, where it says so.
    pub each: Option<Each>,
    /// Its sentences.
    pub body: Body,
    /// The whole.
    pub span: Span,
}

/// `import vpc.main from "vpc-0abc"`
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// What it is called here.
    pub to: Target,
    /// Its id in EC2.
    pub from: Expr,
    /// The whole statement.
    pub span: Span,
}

/// `forget subnet.legacy`
#[derive(Debug, Clone, PartialEq)]
pub struct Forget {
    /// What is managed no more.
    pub target: Target,
    /// The whole statement.
    pub span: Span,
}

/// `test "a stolen key is not enough" { ... }`
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    /// What it says, without the quotes.
    pub name: Name,
    /// `with`, `require`, `forbid`, `plan`, `assert` and `expect`.
    pub body: Body,
    /// The whole.
    pub span: Span,
}

/// `env prod { ... }`
#[derive(Debug, Clone, PartialEq)]
pub struct Env {
    /// Its name.
    pub name: Name,
    /// Its settings.
    pub body: Body,
    /// The whole.
    pub span: Span,
}

/// `project other "../network"`: another project, whose outputs are read.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbour {
    /// What it is called here.
    pub name: Name,
    /// Where it lies, without the quotes.
    pub path: Name,
    /// The whole.
    pub span: Span,
}

/// The address of a resource as written: `module.edge["a"].subnet.private["us-east-1a"]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// `module.edge["a"]`, outermost first.
    pub modules: Vec<(Name, Option<Key>)>,
    /// `subnet`
    pub kind: Name,
    /// `private`
    pub name: Name,
    /// `["us-east-1a"]`
    pub key: Option<Key>,
    /// The whole.
    pub span: Span,
}

/// `moved vpc.old to vpc.main`
#[derive(Debug, Clone, PartialEq)]
pub struct Moved {
    /// The address it had.
    pub from: Target,
    /// The address it has.
    pub to: Target,
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
    /// `[for x in xs if p(x) : f(x)]`
    ForList(Box<ForClause>, Box<Expr>),
    /// `{for k, v in m : k => v}`
    ForMap(Box<ForClause>, Box<Expr>, Box<Expr>),
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
