//! Sentences of resources, matched against the shapes that their kind takes. Layer 4.

use crate::{
    base::{
        cidr::Cidr,
        codes::{name as codes, sensitive as sensitive_codes, value as value_codes},
        diagnostic::nearest,
        span::Span,
    },
    registry::{SentenceSpec, Slot, Spec},
    resolve::{
        cell::Resolver,
        convert::{Spot, convert, describe, is_broken},
        repeat::in_order,
        variable::term_span,
    },
    schema::{attr::Type, model::Sentence, value::Value},
    syntax::ast::{self, Expr, ExprKind, Term},
};

/// The word that a term is, if it is one.
pub(super) fn word(term: Option<&Term>) -> Option<&str> {
    match term {
        Some(Term::Expr(Expr { kind: ExprKind::Name(word), .. })) => Some(word),
        _ => None,
    }
}

impl<'a> Resolver<'a, '_> {
    /// A sentence of a resource; `None` if something in it was reported.
    pub(super) fn sentence(&mut self, sentence: &'a ast::Sentence, spec: &'static Spec) -> Option<Sentence> {
        let head = &sentence.head;
        let Some(shape) = spec.sentences.iter().find(|s| s.head == &*head.text) else {
            let meant = nearest(&head.text, spec.sentences.iter().map(|s| s.head));
            let meant = meant.and_then(|m| spec.sentences.iter().find(|s| s.head == m)).map(|s| (s.head, s.example));
            let examples: Vec<&str> = spec.sentences.iter().map(|s| s.example).collect();
            let mut diagnostic = codes::unknown_sentence(&head.text, spec.kind, head.span, meant, &examples);
            if let Some(attr) = spec.attr(&head.text) {
                diagnostic = diagnostic.help(format!("`{0}` is an attribute: `{0} = ...`", attr.name));
            }
            self.sink.push(diagnostic);
            return None;
        };
        let mut found = Sentence { head: shape.head, slots: Default::default(), span: sentence.span };
        let mut terms = sentence.terms.as_slice();
        let mut before = head.span;
        for (i, slot) in shape.slots.iter().enumerate() {
            let rest = shape.slots.get(i + 1..).unwrap_or_default();
            let (used, value) = self.filled(slot, rest, terms, before, shape)?;
            if let (Some((name, value)), Some(term)) = (value, terms.first()) {
                found.slots.insert(name, (value, term_span(term)));
            }
            if let Some(term) = used.checked_sub(1).and_then(|last| terms.get(last)) {
                before = term_span(term);
            }
            terms = terms.get(used..).unwrap_or_default();
        }
        if let Some(extra) = terms.first() {
            self.sink.push(codes::end_of_sentence(term_span(extra), shape.example));
            return None;
        }
        (!found.slots.values().any(|(value, _)| is_broken(value))).then_some(found)
    }

    /// What stands in a slot: how many terms it takes, its name and value. `None` after a report that makes the rest useless.
    fn filled(
        &mut self,
        slot: &Slot,
        rest: &[Slot],
        terms: &'a [Term],
        before: Span,
        shape: &SentenceSpec,
    ) -> Option<(usize, Option<(&'static str, Value)>)> {
        let name = match slot {
            Slot::Word(expected) => {
                if word(terms.first()) == Some(expected) {
                    return Some((1, None));
                }
                self.expected(&format!("`{expected}`"), terms, before, shape, Some(expected));
                return None;
            }
            Slot::Text(_) if terms.is_empty() => return Some((0, None)),
            Slot::Choice(name, _)
            | Slot::Number(name)
            | Slot::Services(name)
            | Slot::Peers(name, _)
            | Slot::Target(name, _)
            | Slot::Text(name) => name,
        };
        // A word that belongs to a later slot shows that this one was left out.
        let later = word(terms.first()).is_some_and(|w| !self.is_name(w) && rest.contains_word(w));
        let Some(Term::Expr(expr)) = terms.first().filter(|_| !later) else {
            self.expected(&slot_in_words(slot), terms, before, shape, None);
            return None;
        };
        let value = match slot {
            Slot::Choice(_, words) => self.choice(expr, words)?,
            Slot::Number(name) => self.shown_as(expr, &Type::Int, &format!("the {name}")),
            Slot::Services(_) => self.services(expr),
            Slot::Peers(_, kinds) => self.peers(expr, kinds, false),
            Slot::Target(_, kinds) => self.target(expr, kinds),
            Slot::Text(_) => self.shown_as(expr, &Type::Text, "a sentence"),
            Slot::Word(_) => Value::Null,
        };
        if let Some(Term::Comma(comma)) = terms.get(1) {
            self.no_brackets(terms, *comma);
            return None;
        }
        Some((1, Some((name, value))))
    }

    /// Reports that something else was expected.
    fn expected(&mut self, expected: &str, terms: &[Term], before: Span, shape: &SentenceSpec, word_wanted: Option<&str>) {
        let found = match (terms.first(), word(terms.first())) {
            (_, Some(word)) => format!("`{word}`"),
            (Some(Term::Comma(_)), _) => "a comma".into(),
            (Some(Term::Expr(expr)), _) => kind_in_words(expr).into(),
            (None, _) => "the end of the sentence".into(),
        };
        let end = Span::new(before.file(), before.end(), before.end());
        let at = terms.first().map_or(end, term_span);
        let diagnostic = codes::wrong_sentence(expected, &found, at, shape.example);
        self.sink.push(match (word_wanted, word(terms.first())) {
            (Some(wanted), Some(_)) => diagnostic.fix(at, wanted),
            _ => diagnostic,
        });
    }

    /// Reports several terms with commas between them.
    fn no_brackets(&mut self, terms: &[Term], comma: Span) {
        let mut last = comma;
        for pair in terms.get(1..).unwrap_or_default().chunks(2) {
            match pair {
                [Term::Comma(_), Term::Expr(expr)] => last = expr.span,
                _ => break,
            }
        }
        let first = terms.first().map_or(comma, term_span);
        self.sink.push(codes::list_without_brackets(comma, first.to(last)));
    }

    /// One of a few words; `None` where there is no word at all.
    fn choice(&mut self, expr: &'a Expr, words: &[&'static str]) -> Option<Value> {
        let ExprKind::Name(word) = &expr.kind else {
            self.sink.push(codes::wrong_choice(words, kind_in_words(expr), expr.span, None));
            return None;
        };
        if let Some(found) = words.iter().find(|w| **w == &**word) {
            return Some(Value::text(found));
        }
        let meant = nearest(word, words.iter().copied());
        self.sink.push(codes::wrong_choice(words, &format!("`{word}`"), expr.span, meant));
        Some(Value::Error)
    }

    /// A service or a list of them, as a list.
    pub(super) fn services(&mut self, expr: &'a Expr) -> Value {
        let value = self.value(expr);
        let mut found = vec![];
        self.flatten(value, Spot::of(expr), &mut |this, value, at| {
            if value == Value::Null {
                this.sink.push(value_codes::wrong_type("a service", "null", at.span));
                found.push(Value::Error);
            } else {
                found.push(convert(value, &Type::Service, at, &mut this.sink.all));
            }
        });
        if found.is_empty() && !matches!(&expr.kind, ExprKind::Error) {
            self.sink.push(codes::empty_list("services", expr.span));
            return Value::Error;
        }
        Value::List(found)
    }

    /// Peers or a list of them, as a list. In a policy `internet`, `any` and whatever has an address are peers too.
    pub(super) fn peers(&mut self, expr: &'a Expr, kinds: &[&str], policy: bool) -> Value {
        let value = self.value(expr);
        let mut found = vec![];
        self.flatten(value, Spot::of(expr), &mut |this, value, at| {
            let peer = this.peer(value, kinds, policy, at);
            if !found.contains(&peer) {
                found.push(peer);
            }
        });
        Value::List(found)
    }

    fn peer(&mut self, value: Value, kinds: &[&str], policy: bool, at: Spot<'_>) -> Value {
        match value {
            Value::Cidr(_) | Value::Error => value,
            Value::Anywhere if !policy => value,
            Value::Internet | Value::Any if policy => value,
            Value::Ip(ip) => Value::Cidr(Cidr::host_of(ip)),
            Value::Resource(address) if kinds.contains(&crate::resources::taken_for(address.kind())) => Value::Resource(address),
            Value::Resource(address) => {
                let wanted = peers_in_words(kinds, policy);
                let diagnostic = value_codes::wrong_kind(&wanted, address.as_str(), address.kind(), at.span);
                self.sink.push(if matches!(address.kind(), "vpc" | "subnet") {
                    diagnostic.help(format!("name its range: `{address}.cidr_block`")).fix(at.span, format!("{address}.cidr_block"))
                } else {
                    diagnostic
                });
                Value::Error
            }
            Value::Anywhere => {
                self.sink.push(codes::anywhere_in_policy(at.span));
                Value::Error
            }
            Value::Text(_) | Value::Internet | Value::Any | Value::Attribute(..) | Value::Subnet(..) => {
                convert(value, &Type::Peer, at, &mut self.sink.all)
            }
            other => {
                self.sink.push(value_codes::wrong_type(&peers_in_words(kinds, policy), &describe(&other), at.span));
                Value::Error
            }
        }
    }

    fn target(&mut self, expr: &'a Expr, kinds: &[&str]) -> Value {
        let value = self.shown(expr, "a sentence");
        let wanted = either(&kinds.iter().map(|k| value_codes::with_article(k)).collect::<Vec<_>>());
        let diagnostic = match value {
            Value::Error => return Value::Error,
            Value::Resource(address) if kinds.contains(&crate::resources::taken_for(address.kind())) => return Value::Resource(address),
            Value::Resource(address) => value_codes::wrong_kind(&wanted, address.as_str(), address.kind(), expr.span),
            other => value_codes::wrong_type(&wanted, &describe(&other), expr.span),
        };
        self.sink.push(diagnostic);
        Value::Error
    }

    /// Every element of a list or map, and of those in it.
    fn flatten(&mut self, value: Value, at: Spot<'_>, each: &mut dyn FnMut(&mut Self, Value, Spot<'_>)) {
        match value {
            Value::List(values) => {
                for (i, value) in values.into_iter().enumerate() {
                    self.flatten(value, at.element(i), each);
                }
            }
            // Many of a kind, as `for` makes them.
            Value::Map(map) => {
                for (_, value) in in_order(map) {
                    self.flatten(value, Spot::at(at.span), each);
                }
            }
            Value::Sensitive(_) => {
                self.sink.push(sensitive_codes::shown("a sentence", at.span));
                each(self, Value::Error, at);
            }
            value => each(self, value, at),
        }
    }
}

trait ContainsWord {
    fn contains_word(&self, word: &str) -> bool;
}

impl ContainsWord for [Slot] {
    fn contains_word(&self, word: &str) -> bool {
        self.iter().any(|slot| match slot {
            Slot::Word(w) => *w == word,
            Slot::Choice(_, words) => words.contains(&word),
            _ => false,
        })
    }
}

fn slot_in_words(slot: &Slot) -> String {
    match slot {
        Slot::Word(word) => format!("`{word}`"),
        Slot::Choice(_, words) => either(&words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>()),
        Slot::Number(name) => format!("the {name}"),
        Slot::Services(_) => "a service".into(),
        Slot::Peers(_, kinds) => peers_in_words(kinds, false),
        Slot::Target(_, kinds) => either(&kinds.iter().map(|k| value_codes::with_article(k)).collect::<Vec<_>>()),
        Slot::Text(_) => "a text".into(),
    }
}

fn peers_in_words(kinds: &[&str], policy: bool) -> String {
    if policy {
        return "a resource with addresses, a network, an address, `internet` or `any`".into();
    }
    let mut words = vec!["a network".to_owned(), "an address".to_owned()];
    words.extend(kinds.iter().map(|k| value_codes::with_article(k)));
    words.push("`anywhere`".to_owned());
    either(&words)
}

/// `a, b or c`
pub(super) fn either(words: &[String]) -> String {
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// What an expression is, for messages about its place.
pub(super) fn kind_in_words(expr: &Expr) -> &'static str {
    match &expr.kind {
        ExprKind::Null => "null",
        ExprKind::Bool(_) => "`true` or `false`",
        ExprKind::Int(_) | ExprKind::Float(_) => "a number",
        ExprKind::Text(_) => "a string",
        ExprKind::Net(_) => "a network or address",
        ExprKind::Service(_) | ExprKind::ServiceOf(..) => "a service",
        ExprKind::Duration(_) => "a duration",
        ExprKind::List(_) | ExprKind::ForList(..) => "a list",
        ExprKind::Map(_) | ExprKind::ForMap(..) => "a map",
        ExprKind::Name(_) => "a name",
        ExprKind::Field(..) | ExprKind::Index(..) | ExprKind::Splat(_) => "a reference",
        ExprKind::Call(..) => "a call",
        ExprKind::Unary(..) | ExprKind::Binary(..) | ExprKind::If(..) => "a computation",
        ExprKind::Error => "something that could not be read",
    }
}
