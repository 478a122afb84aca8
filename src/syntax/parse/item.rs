//! From pairs to items, bodies and sentences. Layer 1.

use std::{cell::RefCell, collections::HashSet, sync::Arc};

use pest::iterators::{Pair, Pairs};

use super::grammar::Rule;
use crate::{
    base::{
        address::Address,
        codes::syntax as codes,
        diagnostic::{Diagnostic, Sink},
        span::{FileId, Span},
    },
    syntax::ast::{
        Attribute, Block, Body, Entry, Env, Expr, ExprKind, Extend, File, Forget, Import, Item, Let, Module, Moved, Name, Neighbour,
        NestedBlock, Output, Policy, Project, Sentence, Term, Test, TypeExpr, Variable, Waive, key,
    },
};

/// Turns the pairs of one file into its AST.
pub(super) struct Lower<'a> {
    pub(super) file: FileId,
    pub(super) text: &'a str,
    /// Where `text` begins in the file.
    pub(super) base: usize,
    pub(super) sink: &'a mut Sink,
    /// What was last reported as too deep.
    pub(super) too_deep: Option<Span>,
    /// What begins before this byte of `text` follows from what was reported already.
    pub(super) reported_until: usize,
    /// Whether something unclosed was reported in the block being read: then that its `}` is missing follows from it.
    pub(super) has_unclosed: bool,
    /// How many times what is being read was mended.
    pub(super) mends: usize,
    /// Every word so far.
    words: RefCell<HashSet<Arc<str>>>,
}

/// The attribute before the entry being read.
pub(super) struct Previous {
    /// Where its value begins and where it ends.
    pub(super) value: usize,
    pub(super) end: usize,
    /// Whether its value is but a name, as the first word of a text without quotes would be.
    pub(super) is_bare: bool,
}

impl<'a> Lower<'a> {
    pub(super) fn new(file: FileId, text: &'a str, sink: &'a mut Sink) -> Self {
        let words = RefCell::default();
        Self { file, text, base: 0, sink, too_deep: None, reported_until: 0, has_unclosed: false, mends: 0, words }
    }

    /// The whole file.
    pub(super) fn file(mut self, pairs: Pairs<'_, Rule>) -> File {
        let mut found = File::default();
        let mut doc: Option<String>;
        let mut end = 0;
        let mut previous = None;
        for pair in pairs.flat_map(Pair::into_inner) {
            let before = self.text.get(end..pair.as_span().start()).unwrap_or("");
            end = pair.as_span().end();
            doc = documentation(before);
            if pair.as_rule() == Rule::EOI {
                break;
            }
            if pair.as_rule() == Rule::error_item {
                self.broken_item(&pair, previous.as_ref(), &mut found);
            } else {
                let span = self.span(&pair);
                let item = self.item(pair, doc);
                previous = Some(self.previous(span, item.as_ref().and_then(value)));
                found.items.extend(item);
            }
        }
        found.items.shrink_to_fit();
        found
    }

    /// One item.
    pub(super) fn item(&mut self, pair: Pair<'_, Rule>, doc: Option<String>) -> Option<Item> {
        match pair.as_rule() {
            Rule::existing | Rule::resource | Rule::module | Rule::extend => self.item_of_many(pair, doc),
            Rule::moved | Rule::import | Rule::forget => self.item_of_state(pair),
            _ => self.plain_item(pair),
        }
    }

    fn plain_item(&mut self, pair: Pair<'_, Rule>) -> Option<Item> {
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
                body: inner.next(Rule::block).map(|p| self.block(p)),
                span,
            }),
            Rule::neighbour => {
                Item::Neighbour(Neighbour { name: self.word(inner.next(Rule::word)?), path: self.plain(inner.next(Rule::string)?), span })
            }
            Rule::test => {
                Item::Test(Test { name: self.plain(inner.next(Rule::string)?), body: self.block(inner.next(Rule::block)?), span })
            }
            Rule::env => Item::Env(Env { name: self.word(inner.next(Rule::word)?), body: self.block(inner.next(Rule::block)?), span }),
            Rule::policy => Item::Policy(Policy {
                name: self.word(inner.next(Rule::word)?),
                description: inner.next(Rule::string).map(|p| self.plain(p)),
                during_apply: inner.next(Rule::during_apply).is_some(),
                body: self.block(inner.next(Rule::block)?),
                span,
            }),
            Rule::waive => Item::Waive(Waive {
                policy: self.word(inner.next(Rule::word)?),
                until: self.word(inner.next(Rule::date)?),
                reason: inner.next(Rule::string).map(|p| self.plain(p)),
                span,
            }),
            _ => return None,
        })
    }

    /// What there may be many of.
    fn item_of_many(&mut self, pair: Pair<'_, Rule>, doc: Option<String>) -> Option<Item> {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        let mut inner = Parts(pair.into_inner());
        if rule == Rule::extend {
            let target = self.path(inner.next(Rule::path)?);
            let each = inner.next(Rule::each).and_then(|p| self.each(p));
            return Some(Item::Extend(Extend { target, each, body: self.block(inner.next(Rule::block)?), span }));
        }
        if rule == Rule::module {
            let kind = inner.next(Rule::kw_module).map(|p| self.word(p))?;
            let (name, source) = (self.word(inner.next(Rule::word)?), self.plain(inner.next(Rule::string)?));
            let each = inner.next(Rule::each).and_then(|p| self.each(p));
            let mut body = self.block(inner.next(Rule::block)?);
            self.no_foreign_repetition(&kind, &name, &mut body);
            return Some(Item::Module(Module { name, source, each, body, doc, span }));
        }
        let (kind, name) = (self.word(inner.next(Rule::word)?), self.word(inner.next(Rule::word)?));
        let each = inner.next(Rule::all).or_else(|| inner.next(Rule::each)).and_then(|p| self.each(p));
        let mut body = self.block(inner.next(Rule::block)?);
        self.no_foreign_repetition(&kind, &name, &mut body);
        let (address, key, has_repeated) = (Address::new(&kind.text, &name.text), key(&kind.text, &name.text), body.has_repeated());
        let block = Block { kind, name, address, key, has_repeated, each, body, doc, span };
        Some(if rule == Rule::existing { Item::Existing(block) } else { Item::Resource(block) })
    }

    /// What is said about the state.
    fn item_of_state(&mut self, pair: Pair<'_, Rule>) -> Option<Item> {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        let mut inner = Parts(pair.into_inner());
        let target = self.target(inner.next(Rule::target)?)?;
        Some(match rule {
            Rule::moved => Item::Moved(Moved { from: target, to: self.target(inner.next(Rule::target)?)?, span }),
            Rule::import => Item::Import(Import { to: target, from: self.expr(inner.next(Rule::expr)?), span }),
            _ => Item::Forget(Forget { target, span }),
        })
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

    /// What stands between braces.
    pub(super) fn block(&mut self, pair: Pair<'_, Rule>) -> Body {
        let span = self.span(&pair);
        let opening = pair.as_span().start();
        let closed = pair.clone().into_inner().last().is_none_or(|p| p.as_rule() != Rule::missing_rbrace);
        if !closed && let Some(body) = self.closed_by_indent(opening, pair.as_span().end()) {
            return body;
        }
        let outer = std::mem::take(&mut self.has_unclosed);
        let entries = self.entries(pair);
        if !closed && !self.has_unclosed {
            self.sink.push(codes::unclosed(self.at(opening, opening + 1), "{", "}", None));
        }
        self.has_unclosed |= outer;
        Body { entries, span }
    }

    /// The entries in a pair.
    pub(super) fn entries(&mut self, pair: Pair<'_, Rule>) -> Vec<Entry> {
        let mut entries = vec![];
        let mut previous = None;
        for part in pair.into_inner() {
            let told = self.sink.all.len();
            if part.as_rule() == Rule::error_entry {
                let found = self.broken_entry(&part, previous.as_ref());
                self.without_first_word(told, &mut entries);
                entries.extend(found);
                continue;
            }
            let entry = self.entry(part, previous.as_ref());
            if let Some(Entry::Attribute(attribute)) = &entry {
                previous = Some(self.previous(attribute.span, Some(&attribute.value)));
            }
            self.without_first_word(told, &mut entries);
            entries.extend(entry);
        }
        // A tree stays for long, and there are many of them.
        entries.shrink_to_fit();
        entries
    }

    /// The first word of a text without quotes is no value: nobody should be told that there is no such name.
    fn without_first_word(&self, told: usize, entries: &mut [Entry]) {
        let Some(Entry::Attribute(attribute)) = entries.last_mut() else { return };
        let start = attribute.value.span.start();
        let of_it = |d: &Diagnostic| d.code.id == codes::UNQUOTED.id && d.labels.first().is_some_and(|l| l.span.start() == start);
        if self.sink.all.iter().skip(told).any(of_it) {
            attribute.value.kind = ExprKind::Error;
        }
    }

    fn previous(&self, span: Span, value: Option<&Expr>) -> Previous {
        let value_span = value.map_or(span, |v| v.span);
        Previous {
            value: value_span.start() - self.base,
            end: span.end() - self.base,
            is_bare: value.is_some_and(|v| matches!(v.kind, ExprKind::Name(_))),
        }
    }

    /// One entry of a body.
    fn entry(&mut self, pair: Pair<'_, Rule>, previous: Option<&Previous>) -> Option<Entry> {
        let span = self.span(&pair);
        let start = pair.as_span().start();
        match pair.as_rule() {
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
            Rule::for_block => self.for_block(pair),
            Rule::if_block => self.if_block(pair),
            Rule::with => {
                let mut inner = Parts(pair.into_inner());
                let name = self.word(inner.next(Rule::word)?);
                Some(Entry::With(Attribute { name, value: self.expr(inner.next(Rule::expr)?), span }))
            }
            Rule::validate => self.sentence(pair).map(Entry::Sentence),
            Rule::sentence => {
                let sentence = self.sentence(pair)?;
                self.attribute_or_sentence(sentence, start, previous)
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
        terms.shrink_to_fit();
        Some(Sentence { head, terms, span })
    }

    pub(super) fn word(&self, pair: Pair<'_, Rule>) -> Name {
        Name { text: self.shared(pair.as_str()), span: self.span(&pair) }
    }

    /// A word as the file has it in every other place: few words are written once only.
    pub(super) fn shared(&self, word: &str) -> Arc<str> {
        let mut words = self.words.borrow_mut();
        if let Some(known) = words.get(word) {
            return known.clone();
        }
        let new: Arc<str> = word.into();
        words.insert(new.clone());
        new
    }

    pub(super) fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        let span = pair.as_span();
        self.at(span.start(), span.end())
    }

    /// The bytes `start..end` of `text`.
    pub(super) fn at(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, self.base + start, self.base + end)
    }
}

/// What the `##` lines right before an item say; `between` is what stands between it and the item before.
fn documentation(between: &str) -> Option<String> {
    if !between.contains("##") {
        return None;
    }
    let mut doc: Option<String> = None;
    for (comment, _) in comments(between) {
        match comment.strip_prefix("##") {
            Some(line) => {
                let doc = doc.get_or_insert_default();
                if !doc.is_empty() {
                    doc.push('\n');
                }
                doc.push_str(line.trim());
            }
            None => doc = None,
        }
    }
    doc
}

/// The comments among blanks, and how many newlines stand before each. They are no pairs of their own.
pub(super) fn comments(between: &str) -> impl Iterator<Item = (&str, usize)> {
    let mut newlines = 0;
    between.split_inclusive('\n').filter_map(move |line| {
        let start = line.find(['#', '/']);
        let found = start.and_then(|at| line.get(at..)).map(|comment| (comment.trim_end_matches('\n'), newlines));
        newlines = if found.is_some() { 0 } else { newlines } + usize::from(line.ends_with('\n'));
        found
    })
}

/// The value that an item ends with, if it does.
fn value(item: &Item) -> Option<&Expr> {
    match item {
        Item::Let(binding) => Some(&binding.value),
        Item::Output(output) if output.description.is_none() && output.body.is_none() => Some(&output.value),
        Item::Variable(variable) if variable.description.is_none() && variable.body.is_none() => variable.default.as_ref(),
        _ => None,
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
        Rule::eq
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
            | Rule::interpolation_open
            | Rule::interpolation_close
            | Rule::kw_project
            | Rule::kw_variable
            | Rule::kw_let
            | Rule::kw_output
            | Rule::kw_existing
            | Rule::kw_moved
            | Rule::kw_policy
            | Rule::kw_waive
            | Rule::for_colon
            | Rule::arrow
            | Rule::kw_module
            | Rule::kw_extend
            | Rule::kw_import
            | Rule::kw_forget
            | Rule::kw_test
            | Rule::kw_env
            | Rule::kw_from
            | Rule::kw_until
            | Rule::kw_to
            | Rule::kw_with
            | Rule::kw_for
            | Rule::kw_in
            | Rule::kw_if
            | Rule::kw_then
            | Rule::kw_else
    )
}
