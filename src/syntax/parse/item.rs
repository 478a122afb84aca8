//! From pairs to items, bodies and sentences. Layer 1.

use pest::iterators::{Pair, Pairs};

use super::grammar::Rule;
use crate::{
    base::{
        codes::syntax as codes,
        diagnostic::Sink,
        span::{FileId, Span},
    },
    syntax::ast::{
        Attribute, Block, Body, Entry, File, Item, Let, Moved, Name, NestedBlock, Output, Policy, Project, Sentence, Term, TypeExpr,
        Variable,
    },
};

/// Turns the pairs of one file into its AST.
pub(super) struct Lower<'a> {
    pub(super) file: FileId,
    pub(super) sink: &'a mut Sink,
    /// What was last reported as too deep.
    pub(super) too_deep: Option<Span>,
}

impl<'a> Lower<'a> {
    pub(super) fn new(file: FileId, sink: &'a mut Sink) -> Self {
        Self { file, sink, too_deep: None }
    }

    /// The whole file.
    pub(super) fn file(mut self, pairs: Pairs<'_, Rule>) -> File {
        let mut found = File::default();
        let mut doc: Option<String> = None;
        for pair in pairs.flat_map(Pair::into_inner) {
            if pair.as_rule() == Rule::comment {
                match pair.as_str().strip_prefix("##") {
                    Some(line) => {
                        let doc = doc.get_or_insert_default();
                        if !doc.is_empty() {
                            doc.push('\n');
                        }
                        doc.push_str(line.trim());
                    }
                    None => doc = None,
                }
                continue;
            }
            found.items.extend(self.item(pair, doc.take()));
        }
        found
    }

    fn item(&mut self, pair: Pair<'_, Rule>, doc: Option<String>) -> Option<Item> {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        let mut inner = Parts(pair.into_inner());
        Some(match rule {
            Rule::project => {
                Item::Project(Project { name: self.word(inner.next(Rule::word)?), body: self.block(inner.next(Rule::block)?), span })
            }
            Rule::variable => Item::Variable(Variable {
                name: self.word(inner.next(Rule::word)?),
                ty: inner.next(Rule::type_expr).map(|p| self.type_expr(p)),
                default: inner.next(Rule::expr).map(|p| self.expr(p)),
                description: inner.next(Rule::string).map(|p| self.plain(p)),
                body: inner.next(Rule::block).map(|p| self.block(p)),
                span,
            }),
            Rule::binding => Item::Let(Let { name: self.word(inner.next(Rule::word)?), value: self.expr(inner.next(Rule::expr)?), span }),
            Rule::output => Item::Output(Output {
                name: self.word(inner.next(Rule::word)?),
                value: self.expr(inner.next(Rule::expr)?),
                description: inner.next(Rule::string).map(|p| self.plain(p)),
                span,
            }),
            Rule::moved => {
                Item::Moved(Moved { from: self.address(inner.next(Rule::address)?)?, to: self.address(inner.next(Rule::address)?)?, span })
            }
            Rule::policy => Item::Policy(Policy {
                name: self.word(inner.next(Rule::word)?),
                description: inner.next(Rule::string).map(|p| self.plain(p)),
                during_apply: inner.next(Rule::during_apply).is_some(),
                body: self.block(inner.next(Rule::block)?),
                span,
            }),
            Rule::existing | Rule::resource => {
                let block = Block {
                    kind: self.word(inner.next(Rule::word)?),
                    name: self.word(inner.next(Rule::word)?),
                    body: self.block(inner.next(Rule::block)?),
                    doc,
                    span,
                };
                if rule == Rule::existing { Item::Existing(block) } else { Item::Resource(block) }
            }
            Rule::error_item => {
                self.sink.push(codes::unexpected(span, "a block or a statement", "this"));
                return None;
            }
            _ => return None,
        })
    }

    fn address(&mut self, pair: Pair<'_, Rule>) -> Option<(Name, Name)> {
        let mut inner = Parts(pair.into_inner());
        Some((self.word(inner.next(Rule::word)?), self.word(inner.next(Rule::word)?)))
    }

    fn type_expr(&mut self, pair: Pair<'_, Rule>) -> TypeExpr {
        let span = self.span(&pair);
        let mut found = TypeExpr { name: Name { text: "".into(), span }, args: vec![], fields: vec![], span };
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::word => found.name = self.word(part),
                Rule::type_expr => found.args.push(self.type_expr(part)),
                Rule::object_type => {
                    for field in part.into_inner().filter(|p| p.as_rule() == Rule::type_field) {
                        found.fields.extend(self.type_field(field));
                    }
                }
                _ => {}
            }
        }
        found
    }

    fn type_field(&mut self, pair: Pair<'_, Rule>) -> Option<(Name, bool, TypeExpr)> {
        let mut inner = Parts(pair.into_inner());
        let name = self.word(inner.next(Rule::word)?);
        let optional = inner.next(Rule::question).is_some();
        Some((name, optional, self.type_expr(inner.next(Rule::type_expr)?)))
    }

    fn block(&mut self, pair: Pair<'_, Rule>) -> Body {
        let span = self.span(&pair);
        let mut entries = vec![];
        for part in pair.into_inner() {
            entries.extend(self.entry(part));
        }
        Body { entries, span }
    }

    fn entry(&mut self, pair: Pair<'_, Rule>) -> Option<Entry> {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        match rule {
            Rule::attribute => {
                let mut inner = Parts(pair.into_inner());
                let name = self.word(inner.next(Rule::word)?);
                Some(Entry::Attribute(Attribute { name, value: self.expr(inner.next(Rule::expr)?), span }))
            }
            Rule::nested_block => {
                let mut inner = Parts(pair.into_inner());
                let name = self.word(inner.next(Rule::word)?);
                Some(Entry::Block(NestedBlock { name, body: self.block(inner.next(Rule::block)?), span }))
            }
            Rule::sentence | Rule::validate => self.sentence(pair).map(Entry::Sentence),
            Rule::error_entry => {
                self.sink.push(codes::unexpected(span, "a statement", "this"));
                None
            }
            Rule::missing_rbrace => {
                self.sink.push(codes::unexpected(span, "`}`", "the end of the block"));
                None
            }
            _ => None,
        }
    }

    fn sentence(&mut self, pair: Pair<'_, Rule>) -> Option<Sentence> {
        let span = self.span(&pair);
        let mut inner = pair.into_inner();
        let head = self.word(inner.next()?);
        let mut terms = vec![];
        for part in inner {
            match part.as_rule() {
                Rule::comma => terms.push(Term::Comma(self.span(&part))),
                Rule::term => terms.push(Term::Expr(self.term(part))),
                Rule::expr => terms.push(Term::Expr(self.expr(part))),
                Rule::string => terms.push(Term::Expr(self.string(part))),
                _ => {}
            }
        }
        Some(Sentence { head, terms, span })
    }

    pub(super) fn word(&self, pair: Pair<'_, Rule>) -> Name {
        Name { text: pair.as_str().into(), span: self.span(&pair) }
    }

    pub(super) fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        let span = pair.as_span();
        Span::new(self.file, span.start(), span.end())
    }
}

/// The inner pairs of a rule, taken in order; what is optional and missing is skipped over, and so are comments and marks.
pub(super) struct Parts<'i>(pub(super) Pairs<'i, Rule>);

impl<'i> Parts<'i> {
    /// The next pair of this rule, if it is the next one that means anything.
    pub(super) fn next(&mut self, rule: Rule) -> Option<Pair<'i, Rule>> {
        while let Some(pair) = self.0.peek() {
            if pair.as_rule() == rule {
                return self.0.next();
            }
            if !is_mark(pair.as_rule()) {
                return None;
            }
            self.0.next();
        }
        None
    }
}

/// Whether a pair has no meaning of its own once its rule is known.
pub(super) fn is_mark(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::comment
            | Rule::eq
            | Rule::colon
            | Rule::comma
            | Rule::dot
            | Rule::dash
            | Rule::slash
            | Rule::lparen
            | Rule::rparen
            | Rule::lbracket
            | Rule::rbracket
            | Rule::lbrace
            | Rule::rbrace
            | Rule::port_comma
            | Rule::kw_project
            | Rule::kw_variable
            | Rule::kw_let
            | Rule::kw_output
            | Rule::kw_existing
            | Rule::kw_moved
            | Rule::kw_policy
            | Rule::kw_to
            | Rule::kw_if
            | Rule::kw_then
            | Rule::kw_else
    )
}
