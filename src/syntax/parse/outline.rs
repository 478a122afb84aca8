//! A file as statements, tokens and comments, for whoever lays it out anew. Layer 1; knows nothing of meaning.

use pest::{
    Parser as _,
    iterators::{Pair, Pairs},
};

use super::{
    grammar::{Grammar, Rule},
    item::comments,
};
use crate::syntax::words;

/// What stands on lines of its own in a file or a body.
#[derive(Debug)]
pub(crate) enum Node<'t> {
    /// A comment between statements, or behind one.
    Comment(Comment<'t>),
    /// A statement.
    Statement(Statement<'t>),
}

/// A comment.
#[derive(Debug)]
pub(crate) struct Comment<'t> {
    /// From its `#` or `//` to the end of the line, without blanks at the end.
    pub(crate) text: &'t str,
    /// How many newlines stand before it.
    pub(crate) newlines: usize,
}

/// An item, or an entry of a body.
#[derive(Debug)]
pub(crate) struct Statement<'t> {
    pub(crate) shape: Shape,
    /// Up to the `{` of its body, if it has one.
    pub(crate) tokens: Vec<Token<'t>>,
    pub(crate) body: Option<Body<'t>>,
    /// What an `if` has behind its body: `else if` or `else`, each with its own.
    pub(crate) arms: Vec<Arm<'t>>,
    /// How many newlines stand before it.
    pub(crate) newlines: usize,
}

/// A further body of a statement.
#[derive(Debug)]
pub(crate) struct Arm<'t> {
    /// From the last body's `}` on.
    pub(crate) tokens: Vec<Token<'t>>,
    pub(crate) body: Body<'t>,
}

/// What stands between the braces of a block.
#[derive(Debug)]
pub(crate) struct Body<'t> {
    pub(crate) nodes: Vec<Node<'t>>,
    /// Whether it is all in one line.
    pub(crate) in_line: bool,
}

/// How the tokens of a statement line up with those of its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A name, `=`, a value.
    Attribute,
    /// `let`, `output` or `with`, a name, `=`, a value.
    Binding,
    /// Terms in columns.
    Sentence,
    /// Like no other.
    Other,
}

/// A piece that is never broken up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token<'t> {
    pub(crate) role: Role,
    pub(crate) text: &'t str,
    /// How many newlines stand before it.
    pub(crate) newlines: usize,
    /// Whether a term of a sentence, or a description, begins with it.
    pub(crate) begins_term: bool,
}

/// What a token is to its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// A word, number, network or anything else that stands by itself.
    Word,
    /// A word after which, and before which, a sentence has its terms: `from`, `to`, `via`.
    Joint,
    /// A text or heredoc, as written.
    Text,
    /// A text that describes its statement.
    Description,
    /// `(` or `[` by itself.
    Open,
    /// `(` or `[` right behind a name.
    OpenAttached,
    /// `{` of a map.
    OpenBrace,
    /// `)` or `]`
    Close,
    /// `}` of a map.
    CloseBrace,
    Comma,
    /// `:` in types.
    Colon,
    /// What stands close on both sides: `.`, `?`, and what a computed service is made of.
    Tight,
    /// An operator with one operand.
    Unary,
    /// The `=` of an attribute, a binding or an entry of a map.
    Equals,
    Comment,
}

/// The outline of a text that parses without errors.
pub(crate) fn outline(text: &str) -> Vec<Node<'_>> {
    let Ok(pairs) = Grammar::parse(Rule::file, text) else { return vec![] };
    let start = pairs.clone().next().map_or(0, |p| p.as_span().start());
    nodes(text, start, pairs.flat_map(Pair::into_inner))
}

fn nodes<'t>(text: &'t str, mut end: usize, pairs: impl Iterator<Item = Pair<'t, Rule>>) -> Vec<Node<'t>> {
    let mut found = vec![];
    for pair in pairs {
        let between = text.get(end..pair.as_span().start()).unwrap_or("");
        found.extend(comments(between).map(|(text, newlines)| Node::Comment(Comment { text: text.trim_end(), newlines })));
        let newlines = newlines_before(between);
        end = pair.as_span().end();
        match pair.as_rule() {
            Rule::EOI | Rule::lbrace | Rule::rbrace => {}
            _ => found.push(Node::Statement(statement(text, pair, newlines))),
        }
    }
    found
}

/// How many newlines end a piece that stands between tokens, behind its last comment.
fn newlines_before(between: &str) -> usize {
    let mut newlines = 0;
    for line in between.split_inclusive('\n') {
        if line.contains(['#', '/']) {
            newlines = 0;
        }
        newlines += usize::from(line.ends_with('\n'));
    }
    newlines
}

fn statement<'t>(text: &'t str, pair: Pair<'t, Rule>, newlines: usize) -> Statement<'t> {
    let shape = match pair.as_rule() {
        Rule::attribute => Shape::Attribute,
        Rule::binding | Rule::output | Rule::with => Shape::Binding,
        Rule::sentence => Shape::Sentence,
        _ => Shape::Other,
    };
    // In some heads a text says which thing is meant; elsewhere a text behind everything else describes it.
    let describes = !matches!(pair.as_rule(), Rule::policy | Rule::module | Rule::neighbour | Rule::test);
    let mut walk = Walk { text, end: pair.as_span().start(), tokens: vec![] };
    let mut body = None;
    let mut arms: Vec<Arm<'t>> = vec![];
    let mut head = vec![];
    // The parts of an `else if` follow those of the `if`, as if they were its own.
    let parts = pair.into_inner().flat_map(|part| match part.as_rule() {
        Rule::else_if | Rule::else_block => Box::new(part.into_inner()) as Box<dyn Iterator<Item = Pair<'t, Rule>>>,
        _ => Box::new(std::iter::once(part)),
    });
    for part in parts {
        match part.as_rule() {
            Rule::block => {
                let in_line = !part.as_str().contains('\n');
                walk.end = part.as_span().end();
                let one = Body { nodes: nodes(text, part.as_span().start() + 1, part.into_inner()), in_line };
                let tokens = std::mem::take(&mut walk.tokens);
                match body {
                    None => (head, body) = (tokens, Some(one)),
                    Some(_) => arms.push(Arm { tokens, body: one }),
                }
            }
            Rule::string if describes => walk.token(&part, Role::Description, true),
            Rule::term => {
                walk.comments_before(part.as_span().start());
                let first = walk.tokens.len();
                walk.pairs(part.into_inner());
                walk.begin_term(first);
            }
            _ => walk.pair(part),
        }
    }
    if shape == Shape::Sentence {
        walk.begin_term(0);
        walk.describe();
    }
    let tokens = if body.is_some() { head } else { walk.tokens };
    Statement { shape, tokens, body, arms, newlines }
}

/// Collects the tokens of a statement.
struct Walk<'t> {
    text: &'t str,
    /// Where the last token ended.
    end: usize,
    tokens: Vec<Token<'t>>,
}

impl<'t> Walk<'t> {
    fn pairs(&mut self, pairs: Pairs<'t, Rule>) {
        for pair in pairs {
            self.pair(pair);
        }
    }

    fn pair(&mut self, pair: Pair<'t, Rule>) {
        let attached = matches!(pair.as_rule(), Rule::call | Rule::index | Rule::type_expr | Rule::target_key);
        // The braces of a computed map stand as close as the brackets of a computed list.
        let is_computed = pair.as_rule() == Rule::for_map;
        let role = match pair.as_rule() {
            Rule::string | Rule::heredoc => Role::Text,
            Rule::lparen | Rule::lbracket => Role::Open,
            // A splat opens nothing, but stands as the index it is like does.
            Rule::rparen | Rule::rbracket | Rule::splat => Role::Close,
            Rule::lbrace => Role::OpenBrace,
            Rule::rbrace => Role::CloseBrace,
            Rule::comma => Role::Comma,
            Rule::colon => Role::Colon,
            Rule::dot | Rule::question | Rule::slash | Rule::dash | Rule::port_comma => Role::Tight,
            Rule::unary => Role::Unary,
            Rule::eq => Role::Equals,
            _ if pair.clone().into_inner().next().is_none() => Role::Word,
            _ => {
                self.comments_before(pair.as_span().start());
                let first = self.tokens.len();
                self.pairs(pair.into_inner());
                if is_computed {
                    if let Some(token) = self.tokens.get_mut(first) {
                        token.role = Role::Open;
                    }
                    if let Some(token) = self.tokens.last_mut() {
                        token.role = Role::Close;
                    }
                }
                if attached {
                    let opening = self.tokens.iter_mut().skip(first).find(|t| t.role != Role::Word);
                    if let Some(token) = opening.filter(|t| t.role == Role::Open) {
                        token.role = Role::OpenAttached;
                    }
                }
                return;
            }
        };
        self.token(&pair, role, false);
    }

    fn token(&mut self, pair: &Pair<'t, Rule>, role: Role, begins_term: bool) {
        let span = pair.as_span();
        self.comments_before(span.start());
        let newlines = newlines_before(self.text.get(self.end..span.start()).unwrap_or(""));
        self.end = span.end();
        self.tokens.push(Token { role, text: pair.as_str(), newlines, begins_term });
    }

    /// Takes the comments that stand before what begins at `start`, so that they are no part of it.
    fn comments_before(&mut self, start: usize) {
        let between = self.text.get(self.end..start).unwrap_or("");
        let (mut at, mut last) = (0, None);
        for line in between.split_inclusive('\n') {
            at += line.len();
            if line.contains(['#', '/']) {
                last = Some(at - usize::from(line.ends_with('\n')));
            }
        }
        let Some(last) = last else { return };
        let found =
            comments(between).map(|(text, newlines)| Token { role: Role::Comment, text: text.trim_end(), newlines, begins_term: false });
        self.tokens.extend(found);
        // Up to the newline that ends the last of them.
        self.end += last;
    }

    fn begin_term(&mut self, first: usize) {
        let one = self.tokens.len() == first + 1;
        if let Some(token) = self.tokens.get_mut(first) {
            token.begins_term = true;
            if one && token.role == Role::Word && words::CONTINUATIONS.contains(&token.text) {
                token.role = Role::Joint;
            }
        }
    }

    /// The last term of a sentence describes it if it is a text.
    fn describe(&mut self) {
        if let Some(token) = self.tokens.last_mut().filter(|t| t.begins_term && t.role == Role::Text) {
            token.role = Role::Description;
        }
    }
}
