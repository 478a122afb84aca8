//! Policies: their sentences, type-checked. Layer 4; proves nothing.

use crate::{
    base::{
        codes::{guard, name as codes},
        date::Day,
        diagnostic::nearest,
        service::Service,
        span::Span,
    },
    resolve::{
        cell::Resolver,
        convert::is_broken,
        sentence::{kind_in_words, word},
        space::all_bound,
        variable::term_span,
    },
    schema::{
        attr::Type,
        model::{Policy, Statement, Waiver},
        value::Value,
    },
    syntax::ast::{self, BinaryOp, Entry, Expr, ExprKind, Term},
};

/// What has addresses, and so can stand on a side of a statement.
const SIDES: &[&str] = &["instance", "network_interface", "subnet", "vpc", "security_group", "nat_gateway", "elastic_ip"];

const REQUIRE: &str = "require tcp/443 from instance.server to internet";
const FORBID: &str = "forbid all from internet to instance.server except tcp/22 from maintainers";

/// Words that say what follows.
pub(super) const WORDS: &[&str] = &["from", "to", "except", "client"];

/// The terms of a statement, from the left.
struct Cursor<'a> {
    terms: &'a [Term],
    /// The last term that was taken.
    before: Span,
    example: &'static str,
}

impl<'a> Cursor<'a> {
    fn take_word(&mut self, wanted: &str) -> bool {
        if word(self.terms.first()) != Some(wanted) {
            return false;
        }
        self.advance();
        true
    }

    fn advance(&mut self) {
        if let Some((first, rest)) = self.terms.split_first() {
            self.before = term_span(first);
            self.terms = rest;
        }
    }

    /// Where the next term stands, or where it would.
    fn at(&self) -> Span {
        let end = Span::new(self.before.file(), self.before.end(), self.before.end());
        self.terms.first().map_or(end, term_span)
    }

    fn found(&self) -> String {
        match (self.terms.first(), word(self.terms.first())) {
            (_, Some(word)) => format!("`{word}`"),
            (Some(Term::Comma(_)), _) => "a comma".into(),
            (Some(Term::Expr(expr)), _) => kind_in_words(expr).into(),
            (None, _) => "the end of the statement".into(),
        }
    }
}

impl<'a> Resolver<'a, '_> {
    /// A policy with the statements that are right, here.
    pub(super) fn policy(&mut self, policy: &'a ast::Policy) -> Policy {
        let mut statements = vec![];
        let before = self.sink.all.len();
        for entry in &policy.body.entries {
            match entry {
                Entry::Sentence(sentence) => statements.extend(self.policy_sentence(sentence)),
                Entry::For(_) | Entry::If(_) => {
                    self.repeated(entry, &mut |this, sentence, counts| {
                        statements.extend(this.policy_sentence(sentence).filter(|_| counts));
                    });
                }
                other => self.no_statement(other.head()),
            }
        }
        if policy.body.entries.is_empty() {
            let help = format!("write what it demands, such as `{REQUIRE}`");
            self.sink.push(codes::policy_sentence(format!("the policy `{}` says nothing", policy.name.text), policy.name.span, help));
        } else if statements.is_empty() && self.sink.all.len() == before && !self.is_waiting() {
            self.sink.push(codes::demands_nothing(&policy.name.text, policy.name.span));
        }
        let path = self.spaces.get(self.here.space).map(|s| &*s.path).filter(|p| !p.is_empty());
        Policy {
            name: path.map_or_else(|| policy.name.text.to_string(), |path| format!("{path}.{}", policy.name.text)),
            description: policy.description.as_ref().map(|d| d.text.to_string()),
            during_apply: policy.during_apply,
            statements,
            imposed: self.imposed.contains(&policy.span.file()),
            waiver: None,
            span: policy.name.span,
        }
    }

    fn policy_sentence(&mut self, sentence: &'a ast::Sentence) -> Option<Statement> {
        if matches!(&*sentence.head.text, "require" | "forbid") {
            return self.statement(sentence);
        }
        self.no_statement((&sentence.head.text, sentence.head.span));
        None
    }

    /// What the names of every `for` around stand for.
    fn turn_in_words(&self) -> String {
        let names = all_bound(&self.here.bindings);
        names.into_iter().rev().map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>().join(", ")
    }

    fn no_statement(&mut self, (word, at): (&str, Span)) {
        let meant = nearest(word, ["require", "forbid"]);
        let meant = meant.map(|m| (m, if m == "require" { REQUIRE } else { FORBID }));
        self.sink.push(codes::unknown_sentence(word, "policy", at, meant, &[REQUIRE, FORBID]));
    }

    /// Lets the project off the policies that it waives, here. What is imposed on it from outside it cannot waive.
    pub(super) fn waivers(&mut self, policies: &mut [Policy]) {
        let path = self.spaces.get(self.here.space).map(|s| s.path.clone()).filter(|p| !p.is_empty());
        for waive in self.scope().map(|s| s.waived.clone()).unwrap_or_default() {
            let name = &waive.policy;
            let full = path.as_ref().map_or_else(|| name.text.to_string(), |path| format!("{path}.{}", name.text));
            let Some(policy) = policies.iter_mut().find(|p| p.name == full) else {
                let meant = nearest(&name.text, policies.iter().map(|p| &*p.name));
                self.sink.push(guard::unknown_policy(&name.text, name.span, meant));
                continue;
            };
            let Some(until) = Day::parse(&waive.until.text) else {
                self.sink.push(guard::no_day(&waive.until.text, waive.until.span));
                continue;
            };
            let Some(reason) = waive.reason.as_ref().filter(|r| !r.text.trim().is_empty()) else {
                self.sink.push(guard::waiver_without_reason(&name.text, waive.span));
                continue;
            };
            if policy.imposed {
                self.sink.push(guard::imposed_policy(&name.text, waive.span, policy.span));
            } else if let Some(first) = &policy.waiver {
                self.sink.push(codes::duplicate(&format!("the waiver of `{}`", name.text), name.span, first.span));
            } else {
                policy.waiver = Some(Waiver { until, reason: reason.text.to_string(), span: waive.span });
            }
        }
    }

    /// A `require` or `forbid`, of a policy or of a test.
    pub(super) fn statement(&mut self, sentence: &'a ast::Sentence) -> Option<Statement> {
        let require = &*sentence.head.text == "require";
        let example = if require { REQUIRE } else { FORBID };
        let mut cursor = Cursor { terms: &sentence.terms, before: sentence.head.span, example };
        let services = self.statement_services(&mut cursor)?;
        let client_ports = self.client_ports(&mut cursor)?;
        let from = self.side("from", &mut cursor)?;
        let to = self.side("to", &mut cursor)?;
        let to_at = cursor.before;
        if to.contains(&Value::Any) {
            let help = "name what is reached: a resource, a network, or `internet`".to_owned();
            self.sink.push(codes::policy_sentence("`any` names sources, not destinations".into(), to_at, help));
            return None;
        }
        let mut except = vec![];
        let except_at = cursor.at();
        if cursor.take_word("except") {
            if require {
                let help = "write a `require` for what is meant alone".to_owned();
                self.sink.push(codes::policy_sentence("`except` belongs to `forbid`".into(), except_at, help));
                return None;
            }
            loop {
                let services = self.statement_services(&mut cursor)?;
                let from = if word(cursor.terms.first()) == Some("from") { self.side("from", &mut cursor)? } else { vec![] };
                except.push((services, from));
                if !matches!(cursor.terms.first(), Some(Term::Comma(_))) {
                    break;
                }
                cursor.advance();
            }
        }
        if !cursor.terms.is_empty() {
            let expected = if require || !except.is_empty() { "the end of the statement" } else { "`except` or the end of the statement" };
            self.sink.push(codes::wrong_sentence(expected, &cursor.found(), cursor.at(), example));
            return None;
        }
        let broken = from.iter().chain(&to).chain(except.iter().flat_map(|(_, from)| from)).any(is_broken);
        (!broken).then_some(Statement {
            require,
            services,
            from,
            to,
            except,
            client_ports,
            turn: self.turn_in_words(),
            span: sentence.span,
        })
    }

    fn statement_services(&mut self, cursor: &mut Cursor<'a>) -> Option<Vec<Service>> {
        let left_out = word(cursor.terms.first()).is_some_and(|w| WORDS.contains(&w) && !self.is_name(w));
        let Some(Term::Expr(expr)) = cursor.terms.first().filter(|_| !left_out) else {
            self.sink.push(codes::wrong_sentence("a service", &cursor.found(), cursor.at(), cursor.example));
            return None;
        };
        cursor.advance();
        let services = self.services(expr);
        if is_broken(&services) {
            return Some(vec![]);
        }
        let service = |value: &Value| match value {
            Value::Service(service) => Some(service.clone()),
            _ => None,
        };
        Some(services.elements().iter().filter_map(service).collect())
    }

    /// `client ports 49152-65535`, where it stands.
    fn client_ports(&mut self, cursor: &mut Cursor<'a>) -> Option<Option<(u16, u16)>> {
        if self.is_name("client") || !cursor.take_word("client") {
            return Some(None);
        }
        if !cursor.take_word("ports") {
            self.sink.push(codes::wrong_sentence(
                "`ports`",
                &cursor.found(),
                cursor.at(),
                "require tcp/443 client ports 49152-65535 from internet to instance.server",
            ));
            return None;
        }
        let at = cursor.at();
        let range = match cursor.terms.first() {
            Some(Term::Expr(Expr { kind: ExprKind::Binary(BinaryOp::Subtract, from, to), .. })) => {
                Some((self.value_as(from, &Type::Int), self.value_as(to, &Type::Int)))
            }
            Some(Term::Expr(expr @ Expr { kind: ExprKind::Int(_), .. })) => {
                let port = self.value_as(expr, &Type::Int);
                Some((port.clone(), port))
            }
            _ => None,
        };
        let port = |value: &Value| match value {
            Value::Int(n) => u16::try_from(*n).ok(),
            _ => None,
        };
        match range.map(|(from, to)| (port(&from), port(&to))) {
            Some((Some(from), Some(to))) if from <= to => {
                cursor.advance();
                Some(Some((from, to)))
            }
            _ => {
                let help = "write a range of ports, such as `client ports 49152-65535`".to_owned();
                self.sink.push(codes::policy_sentence("these are no client ports".into(), at, help));
                None
            }
        }
    }

    /// `from ...` or `to ...`.
    fn side(&mut self, side: &str, cursor: &mut Cursor<'a>) -> Option<Vec<Value>> {
        if !cursor.take_word(side) {
            self.sink.push(codes::wrong_sentence(&format!("`{side}`"), &cursor.found(), cursor.at(), cursor.example));
            return None;
        }
        let left_out = word(cursor.terms.first()).is_some_and(|w| WORDS.contains(&w) && !self.is_name(w));
        let Some(Term::Expr(expr)) = cursor.terms.first().filter(|_| !left_out) else {
            let what = "who is meant: a resource, a network or `internet`";
            self.sink.push(codes::wrong_sentence(what, &cursor.found(), cursor.at(), cursor.example));
            return None;
        };
        cursor.advance();
        let peers = self.peers(expr, SIDES, true);
        if let Value::List(values) = &peers
            && values.is_empty()
        {
            self.sink.push(codes::vacuous(side, expr.span));
            return Some(vec![Value::Error]);
        }
        Some(peers.elements().to_vec())
    }
}
