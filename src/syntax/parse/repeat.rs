//! What there may be many or none of: blocks, parts of bodies, comprehensions; and addresses that say which of many. Layer 1.

use pest::iterators::Pair;

use super::{
    expression::Deep,
    grammar::Rule,
    item::{Lower, Parts},
    scan::NESTING_MAX,
};
use crate::{
    base::{address::Key, codes::syntax as codes, span::Span},
    syntax::ast::{BinaryOp, Body, Each, Entry, Expr, ExprKind, ForBlock, ForClause, IfBlock, Name, Target},
};

impl Lower<'_> {
    /// An `each` or `all` pair.
    pub(super) fn each(&mut self, pair: Pair<'_, Rule>) -> Option<Each> {
        let span = self.span(&pair);
        if pair.as_rule() == Rule::all {
            return Some(Each::All(span));
        }
        let mut inner = Parts(pair.into_inner());
        match inner.next(Rule::for_clause) {
            Some(clause) => self.for_clause(clause).map(|c| Each::For(c.0)),
            None => inner.next(Rule::expr).map(|p| Each::If(self.expr(p))),
        }
    }

    /// A `for_clause` pair, and how deep its expressions are.
    fn for_clause(&mut self, pair: Pair<'_, Rule>) -> Option<(ForClause, usize)> {
        let span = self.span(&pair);
        let mut inner = Parts(pair.into_inner());
        let first = self.word(inner.next(Rule::word)?);
        let second = inner.next(Rule::word).map(|p| self.word(p));
        let of = self.deep(inner.next(Rule::expr)?);
        let condition = inner.next(Rule::expr).map(|p| self.deep(p));
        let depth = condition.as_ref().map_or(of.depth, |c| c.depth.max(of.depth));
        let (key, value) = match second {
            Some(second) => (Some(first), second),
            None => (None, first),
        };
        Some((ForClause { key, value, of: of.expr, condition: condition.map(|c| c.expr), span }, depth))
    }

    /// A `for_list` or `for_map` pair.
    pub(super) fn comprehension(&mut self, pair: Pair<'_, Rule>, span: Span) -> Option<Deep> {
        let is_map = pair.as_rule() == Rule::for_map;
        let mut inner = Parts(pair.into_inner());
        let (mut clause, mut depth) = self.for_clause(inner.next(Rule::for_clause)?)?;
        let first = self.deep(inner.next(Rule::expr)?);
        let second = if is_map { Some(self.deep(inner.next(Rule::expr)?)) } else { None };
        if let Some(trailing) = inner.next(Rule::trailing_if) {
            let end = second.as_ref().unwrap_or(&first).expr.span.end();
            depth = depth.max(self.trailing_if(trailing, end, &mut clause));
        }
        depth = depth.max(first.depth).max(second.as_ref().map_or(0, |s| s.depth));
        let kind = match second {
            Some(value) => ExprKind::ForMap(Box::new(clause), Box::new(first.expr), Box::new(value.expr)),
            None => ExprKind::ForList(Box::new(clause), Box::new(first.expr)),
        };
        Some(self.node(kind, span, depth))
    }

    /// Terraform's condition behind the value that ends at `before` joins the one of the clause.
    fn trailing_if(&mut self, pair: Pair<'_, Rule>, before: usize, clause: &mut ForClause) -> usize {
        let (span, start) = (self.span(&pair), pair.as_span().start());
        let Some(condition) = Parts(pair.into_inner()).next(Rule::expr) else { return 0 };
        let text = condition.as_str();
        let condition = self.deep(condition);
        let removed = Span::new(self.file, before, span.end());
        let after = Span::new(self.file, clause.span.end(), clause.span.end());
        // With a comment between, taking the `if` away would take more than blanks.
        let is_plain = self.text.get(before - self.base..start).is_some_and(|t| t.bytes().all(|b| b.is_ascii_whitespace()));
        let moved = (clause.condition.is_none() && is_plain).then_some((after, removed));
        self.sink.push(codes::trailing_condition(span, text, moved));
        let both = match clause.condition.take() {
            Some(first) => {
                let at = first.span.to(condition.expr.span);
                self.node(ExprKind::Binary(BinaryOp::And, Box::new(first), Box::new(condition.expr)), at, condition.depth)
            }
            None => condition,
        };
        clause.condition = Some(both.expr);
        both.depth
    }

    /// A `for_block` pair.
    pub(super) fn for_block(&mut self, pair: Pair<'_, Rule>) -> Option<Entry> {
        let span = self.span(&pair);
        let mut inner = Parts(pair.into_inner());
        let (clause, _) = self.for_clause(inner.next(Rule::for_clause)?)?;
        Some(Entry::For(Box::new(ForBlock { clause, body: self.block(inner.next(Rule::block)?), span })))
    }

    /// An `if_block` pair; an `else if` is an `if` that its `else` holds alone.
    pub(super) fn if_block(&mut self, pair: Pair<'_, Rule>) -> Option<Entry> {
        let span = self.span(&pair);
        let mut inner = Parts(pair.into_inner());
        let condition = self.expr(inner.next(Rule::expr)?);
        let mut arms = vec![(condition, self.block(inner.next(Rule::block)?), span)];
        while let Some(arm) = inner.next(Rule::else_if) {
            let at = self.span(&arm);
            if arms.len() == NESTING_MAX {
                self.sink.push(codes::too_deep(at, NESTING_MAX));
                break;
            }
            let mut arm = Parts(arm.into_inner());
            let condition = self.expr(arm.next(Rule::expr)?);
            let body = self.block(arm.next(Rule::block)?);
            arms.push((condition, body, Span::new(self.file, at.start(), span.end())));
        }
        let last = inner.next(Rule::else_block).and_then(|p| Parts(p.into_inner()).next(Rule::block));
        let mut otherwise = last.map(|p| self.block(p));
        while let Some((condition, body, at)) = arms.pop() {
            let is_first = arms.is_empty();
            // From its own `if` on.
            let start = if is_first { at.start() } else { self.if_before(condition.span.start()) };
            let span = Span::new(self.file, start, at.end());
            let entry = Entry::If(Box::new(IfBlock { condition, body, otherwise, span }));
            if is_first {
                return Some(entry);
            }
            otherwise = Some(Body { entries: vec![entry], span });
        }
        None
    }

    /// Where the `if` before a condition begins.
    fn if_before(&self, condition: usize) -> usize {
        let before = self.text.get(..condition.saturating_sub(self.base)).unwrap_or("");
        before.rfind("if").map_or(condition, |at| self.base + at)
    }

    /// A `target` pair.
    pub(super) fn target(&mut self, pair: Pair<'_, Rule>) -> Option<Target> {
        let span = self.span(&pair);
        let mut inner = Parts(pair.into_inner());
        let mut modules = vec![];
        while let Some(step) = inner.next(Rule::target_step) {
            let mut step = Parts(step.into_inner());
            let name = self.word(step.next(Rule::word)?);
            modules.push((name, step.next(Rule::target_key).and_then(|p| self.target_key(p))));
        }
        let (kind, name) = (self.word(inner.next(Rule::word)?), self.word(inner.next(Rule::word)?));
        let key = inner.next(Rule::target_key).and_then(|p| self.target_key(p));
        Some(Target { modules, kind, name, key, span })
    }

    fn target_key(&mut self, pair: Pair<'_, Rule>) -> Option<Key> {
        let key = pair.into_inner().find(|p| matches!(p.as_rule(), Rule::string | Rule::int | Rule::negative))?;
        if key.as_rule() == Rule::string {
            return Some(Key::Text(self.plain(key).text));
        }
        match key.as_str().parse() {
            Ok(number) => Some(Key::Int(number)),
            Err(_) => {
                self.sink.push(codes::number_too_large(self.span(&key), key.as_str()));
                None
            }
        }
    }

    /// Terraform's `for_each` and `count` in the body of a block; they say nothing more once they are reported.
    pub(super) fn no_foreign_repetition(&mut self, kind: &Name, name: &Name, body: &mut Body) {
        let is_module = &*kind.text == "module";
        body.entries.retain(|entry| {
            let Entry::Attribute(attribute) = entry else { return true };
            let word = &*attribute.name.text;
            // An input of a module may well be called `count`.
            if word != "for_each" && (word != "count" || is_module) {
                return true;
            }
            self.sink.push(codes::foreign_repetition(attribute.name.span, word, &kind.text, &name.text));
            false
        });
    }

    /// A `path` pair: what is extended.
    pub(super) fn path(&mut self, pair: Pair<'_, Rule>) -> Expr {
        self.term(pair)
    }
}
