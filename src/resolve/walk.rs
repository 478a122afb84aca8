//! The names in an expression: what there is none of is reported, what must be worked out first is found. Layer 4.

use crate::{
    base::{codes::name as codes, diagnostic::nearest, span::Span},
    resolve::{
        cell::Resolver,
        function,
        scope::{Declared, WORDS},
        sensitive,
        space::{Cell, bound},
    },
    syntax::ast::{Expr, ExprKind, ForClause, Name, Piece},
};

/// For how many unknown names the nearest one is looked for. Beyond that something else is wrong than spelling, and
/// comparing thousands of names with thousands would take minutes.
const SUGGESTIONS_MAX: usize = 200;

/// What is found on the way.
struct Walk<'w, 'a> {
    needs: &'w mut Vec<(Cell, Span)>,
    /// Names that a `for` around the place gives, innermost last.
    bound: Vec<&'a str>,
}

impl<'a> Resolver<'a, '_> {
    /// Reports names that there are none of, and collects the cells that are named.
    pub(super) fn walk(&mut self, expr: &'a Expr, needs: &mut Vec<(Cell, Span)>) {
        self.walk_bound(expr, &[], needs);
    }

    /// As [`Resolver::walk`], where these names hold.
    pub(super) fn walk_bound(&mut self, expr: &'a Expr, names: &[&'a str], needs: &mut Vec<(Cell, Span)>) {
        self.step(expr, &mut Walk { needs, bound: names.to_vec() });
    }

    fn step(&mut self, expr: &'a Expr, walk: &mut Walk<'_, 'a>) {
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
                        self.step(value, walk);
                    }
                }
            }
            ExprKind::ServiceOf(_, ports) => {
                for (from, to) in ports {
                    self.step(from, walk);
                    to.iter().for_each(|to| self.step(to, walk));
                }
            }
            ExprKind::List(elements) => elements.iter().for_each(|e| self.step(e, walk)),
            ExprKind::Map(entries) => entries.iter().for_each(|(_, e)| self.step(e, walk)),
            ExprKind::Name(word) => self.step_name(word, expr.span, walk),
            ExprKind::Field(base, name) => self.step_field(base, name, expr.span, walk),
            ExprKind::Index(base, index) => {
                self.step(base, walk);
                self.step(index, walk);
            }
            ExprKind::Splat(base) | ExprKind::Unary(_, base) => self.step(base, walk),
            ExprKind::Call(name, arguments) => {
                if !sensitive::is_function(&name.text) {
                    function::check_name(name, self.sink);
                } else if &*name.text == sensitive::MARK {
                    arguments.iter().for_each(|a| self.conceal(a));
                }
                arguments.iter().for_each(|a| self.step(a, walk));
            }
            ExprKind::Binary(_, left, right) => {
                self.step(left, walk);
                self.step(right, walk);
            }
            ExprKind::If(condition, then, otherwise) => {
                self.step(condition, walk);
                self.step(then, walk);
                self.step(otherwise, walk);
            }
            ExprKind::ForList(clause, each) => self.step_clause(clause, &[each], walk),
            ExprKind::ForMap(clause, key, each) => self.step_clause(clause, &[key, each], walk),
        }
    }

    fn step_clause(&mut self, clause: &'a ForClause, each: &[&'a Expr], walk: &mut Walk<'_, 'a>) {
        self.step(&clause.of, walk);
        let outside = walk.bound.len();
        walk.bound.extend(clause.key.iter().chain([&clause.value]).map(|n| &*n.text));
        clause.condition.iter().for_each(|c| self.step(c, walk));
        each.iter().for_each(|e| self.step(e, walk));
        walk.bound.truncate(outside);
    }

    /// Whether a `for` gives the name.
    fn is_bound(&self, word: &str, walk: &Walk<'_, 'a>) -> bool {
        walk.bound.contains(&word) || bound(&self.here.bindings, word).is_some()
    }

    /// A variable or `let` of this name, if no `for` gives it.
    fn local(&self, word: &str) -> Option<usize> {
        self.scope()?.find_local(word)
    }

    fn step_name(&mut self, word: &str, at: Span, walk: &mut Walk<'_, 'a>) {
        if self.is_bound(word, walk) {
            return;
        }
        let space = self.here.space;
        if let Some(i) = self.local(word) {
            self.mark_used(i);
            walk.needs.push((Cell::Local(space, i), at));
            return;
        }
        let suggest = self.may_suggest(word);
        let Some(scope) = self.scope() else { return };
        if WORDS.contains(&word) || scope.is_lost_local(word) {
        } else if word == "project" {
            self.sink.push(crate::base::codes::neighbour::alone(at));
        } else if scope.is_kind(word) || word == "module" {
            let example = scope.blocks.iter().find(|b| &*b.kind().text == word).map(Declared::address);
            let diagnostic = codes::kind_alone(word, at, example);
            self.sink.push(diagnostic);
        } else {
            let diagnostic = codes::unknown_name(word, at, if suggest { scope.nearest_name(word) } else { None });
            self.sink.push(diagnostic);
        }
    }

    fn mark_used(&mut self, local: usize) {
        let scope = self.spaces.get(self.here.space).map(|s| s.scope);
        if let Some(used) = scope.and_then(|s| self.scopes.get_mut(s)).and_then(|s| s.used.get_mut(local)) {
            *used = true;
        }
        let name = self.scope().filter(|_| self.here.space == 0).and_then(|s| s.locals.get(local)).map(|l| l.name().text.clone());
        if let Some(trace) = self.tracer.as_mut().and_then(|tracer| tracer.current()).filter(|trace| !trace.is_complete) {
            trace.used.extend(name);
        }
    }

    fn step_field(&mut self, base: &'a Expr, name: &'a Name, at: Span, walk: &mut Walk<'_, 'a>) {
        let space = self.here.space;
        match &base.kind {
            ExprKind::Name(word) if self.local(word).is_none() && !self.is_bound(word, walk) => {
                self.step_resource(word, base.span, name, at, walk);
            }
            ExprKind::Field(inner, resource) => {
                let kind = match &inner.kind {
                    ExprKind::Name(kind) if self.local(kind).is_none() && !self.is_bound(kind, walk) => kind,
                    _ => return self.step(base, walk),
                };
                self.step_resource(kind, inner.span, resource, base.span, walk);
                let written = self.scope().and_then(|scope| {
                    let i = scope.find_block(kind, &resource.text)?;
                    let declared = scope.blocks.get(i).filter(|b| !b.existing && b.block.each.is_none())?;
                    Some(Cell::Attribute(space, i, 0, declared.attribute(&name.text)?))
                });
                walk.needs.extend(written.map(|cell| (cell, at)));
            }
            _ => self.step(base, walk),
        }
    }

    fn may_suggest(&mut self, word: &str) -> bool {
        let plain = WORDS.contains(&word) || self.scope().is_some_and(|s| s.is_kind(word));
        self.suggestions += usize::from(!plain);
        self.suggestions <= SUGGESTIONS_MAX
    }

    /// Reports `kind.name` if there is none; what says how many there are of it must be worked out first.
    fn step_resource(&mut self, kind: &str, kind_at: Span, name: &Name, at: Span, walk: &mut Walk<'_, 'a>) {
        let space = self.here.space;
        let Some(scope) = self.scope() else { return };
        if kind == "module" {
            match scope.find_call(&name.text) {
                Some(i) => walk.needs.push((Cell::Calls(space, i), at)),
                None if scope.is_lost(kind, &name.text) => {}
                None => {
                    let meant = nearest(&name.text, scope.calls.iter().map(|c| &*c.module.name.text));
                    let diagnostic = crate::base::codes::module::unknown(&name.text, name.span, meant);
                    self.sink.push(diagnostic);
                }
            }
            return;
        }
        if kind == super::account::WORD {
            return self.step_account(name, at);
        }
        if kind == "project" {
            if !scope.neighbours.iter().any(|n| n.name.text == name.text) && !scope.is_lost(kind, &name.text) {
                let meant = nearest(&name.text, scope.neighbours.iter().map(|n| &*n.name.text));
                let diagnostic = crate::base::codes::neighbour::unknown(&name.text, name.span, meant, self.is_module(space));
                self.sink.push(diagnostic);
            }
            return;
        }
        if let Some(i) = scope.find_block(kind, &name.text) {
            if scope.blocks.get(i).is_some_and(|b| b.block.each.is_some()) {
                walk.needs.push((Cell::Instances(space, i), at));
            }
            return;
        }
        if scope.is_lost(kind, &name.text) || scope.is_lost_local(kind) {
            return;
        }
        let suggest = self.may_suggest("");
        let Some(scope) = self.scope() else { return };
        let diagnostic = if scope.is_kind(kind) {
            let meant = if suggest { scope.nearest_block(kind, &name.text) } else { None };
            let meant = meant.map(Declared::address);
            codes::unknown_resource(&format!("{kind}.{}", name.text), at, name.span, meant)
        } else if matches!(kind, "var" | "local") && scope.find_local(&name.text).is_some() {
            codes::name_with_prefix(kind, &name.text, at)
        } else {
            let without = kind.strip_prefix("aws_").filter(|k| scope.is_kind(k));
            codes::unknown_name(kind, kind_at, without.or_else(|| if suggest { scope.nearest_name(kind) } else { None }))
        };
        self.sink.push(diagnostic);
    }
}
