//! `test` blocks: their names and shapes, and what one demands of the project that has its values. Layer 4; proves nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::{
        codes::{self, name as names, test as test_codes},
        diagnostic::{Code, Diagnostic, nearest},
        span::Span,
    },
    resolve::{cell::Resolver, operator, policy::WORDS, scope::Local, sentence::word, space::Here, variable::term_span},
    schema::{
        attr::Type,
        model::{Policy, Statement},
        value::Value,
    },
    syntax::ast::{self, Attribute, BinaryOp, Entry, Expr, ExprKind, Sentence, Term, UnaryOp},
};

const PLAN: &str = "plan creates 14 updates 0";
const ASSERT: &str = "assert length(subnet.private) == 3 \"one in each zone\"";
const EXPECT: &str = "expect E0224 \"at least one network\"";
const EXPECT_POLICY: &str = "expect refuted \"private_server\"";

/// How long a value may be that is shown beside its place.
const SHOWN_MAX: usize = 120;

/// What a test demands of the project.
#[derive(Debug)]
pub struct Demands {
    /// Its name.
    pub name: String,
    /// Where that stands.
    pub span: Span,
    /// What must be proved.
    pub statements: Vec<Statement>,
    /// How many resources a plan makes, changes, replaces or deletes.
    pub counts: Vec<Count>,
    /// What must be said of the project.
    pub expected: Vec<Expected>,
    /// What does not hold, or is wrong with the test itself.
    pub failures: Vec<Diagnostic>,
}

/// How many resources something happens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// `creates`, `updates`, `replaces` or `deletes`.
    pub word: &'static str,
    /// How many.
    pub number: i64,
    /// Where the number stands.
    pub span: Span,
}

/// Something that is expected to be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// What.
    pub what: Fault,
    /// The sentence.
    pub span: Span,
}

/// What can be expected to be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A message of this code, with this in it.
    Message(&'static Code, Option<String>),
    /// A policy of this name that is refuted.
    Refuted(String),
    /// A policy of this name of which nobody can tell.
    Unknown(String),
}

/// What a plan does, in the words of a test.
const COUNTED: &[&str] = &["creates", "updates", "replaces", "deletes"];

/// What is wrong with a sentence whatever the values of variables are.
pub(super) fn is_certain(code: &Code) -> bool {
    let certain: &[&Code] = &[
        &names::UNKNOWN_KIND,
        &names::UNKNOWN_NAME,
        &names::UNKNOWN_RESOURCE,
        &names::UNKNOWN_ATTRIBUTE,
        &names::UNKNOWN_FUNCTION,
        &names::DUPLICATE,
        &names::UNKNOWN_SENTENCE,
        &names::WRONG_SENTENCE,
        &names::POLICY_SENTENCE,
        &names::UNKNOWN_VARIABLE,
        &codes::repeat::ONLY_SENTENCES,
        &codes::module::UNKNOWN,
        &codes::module::UNKNOWN_OUTPUT,
    ];
    certain.contains(&code) || codes::test::ALL.contains(&code)
}

/// The values that a test gives, by variable; the first of each.
pub(super) fn values(test: &ast::Test) -> BTreeMap<&str, &Attribute> {
    let mut found = BTreeMap::new();
    for entry in &test.body.entries {
        if let Entry::With(attribute) = entry {
            found.entry(&*attribute.name.text).or_insert(attribute);
        }
    }
    found
}

impl<'a> Resolver<'a, '_> {
    /// Reports what is wrong with the tests of every directory whatever values they give.
    pub(super) fn check_tests(&mut self, policies: &[Policy]) {
        let mut seen = BTreeSet::new();
        for space in 0..self.spaces.len() {
            if self.spaces.get(space).is_some_and(|s| seen.insert(s.scope)) {
                self.at(Here { space, bindings: None }, |this| this.check_tests_here(policies));
            }
        }
    }

    fn check_tests_here(&mut self, policies: &[Policy]) {
        let mut places: BTreeMap<&str, Span> = BTreeMap::new();
        for test in self.scope().map(|s| s.tests.clone()).unwrap_or_default() {
            if let Some(first) = places.insert(&test.name.text, test.name.span) {
                self.sink.push(names::duplicate(&format!("the test {:?}", test.name.text), test.name.span, first));
            }
            self.check_values(test);
            self.names_of_entries(&test.body.entries, &[], true);
            let policies = if self.is_module(self.here.space) { None } else { Some(policies) };
            let found = self.demands(test, policies).failures;
            // Without values of its own, a test sees the project as it is.
            let as_is = policies.is_some() && values(test).is_empty();
            let told = |d: &Diagnostic| !is_outcome(d.code) && (as_is || is_certain(d.code));
            self.sink.all.extend(found.into_iter().filter(told));
        }
    }

    /// What a test gives for variables: names, and types where no name decides the value.
    fn check_values(&mut self, test: &'a ast::Test) {
        for attribute in values(test).into_values() {
            let mut needs = vec![];
            self.walk(&attribute.value, &mut needs);
            if let Some(variable) = self.variable_named(&attribute.name.text).filter(|_| needs.is_empty()) {
                let value = self.eval(&attribute.value);
                self.given_to(variable, value, &attribute.value);
            }
        }
    }

    fn variable_named(&self, name: &str) -> Option<&'a ast::Variable> {
        let scope = self.scope()?;
        match scope.locals.get(scope.find_local(name)?)? {
            Local::Variable(variable) => Some(variable),
            Local::Let(_) => None,
        }
    }

    /// Names in what is repeated or left out, which evaluating may never come to.
    fn names_of_entries(&mut self, entries: &'a [Entry], bound: &[&'a str], outside: bool) {
        for entry in entries {
            match entry {
                Entry::Sentence(sentence) if !outside => self.names_of_sentence(sentence, bound),
                Entry::For(block) => {
                    self.walk_bound(&block.clause.of, bound, &mut vec![]);
                    let names = block.clause.key.iter().chain([&block.clause.value]).map(|n| &*n.text);
                    let bound: Vec<&str> = bound.iter().copied().chain(names).collect();
                    block.clause.condition.iter().for_each(|c| self.walk_bound(c, &bound, &mut vec![]));
                    self.names_of_entries(&block.body.entries, &bound, false);
                }
                Entry::If(block) => {
                    self.walk_bound(&block.condition, bound, &mut vec![]);
                    self.names_of_entries(&block.body.entries, bound, false);
                    block.otherwise.iter().for_each(|b| self.names_of_entries(&b.entries, bound, false));
                }
                Entry::Sentence(_) | Entry::Attribute(_) | Entry::Block(_) | Entry::With(_) => {}
            }
        }
    }

    fn names_of_sentence(&mut self, sentence: &'a Sentence, bound: &[&'a str]) {
        let head = &*sentence.head.text;
        for term in &sentence.terms {
            let Term::Expr(expr) = term else { continue };
            let is_word = word(Some(term)).is_some_and(|w| {
                let is_name = bound.contains(&w) || self.is_name(w);
                head == "plan" || matches!(head, "require" | "forbid") && !is_name && (WORDS.contains(&w) || w == "ports")
            });
            if !is_word && matches!(head, "require" | "forbid" | "plan" | "assert") {
                self.walk_bound(expr, bound, &mut vec![]);
            }
        }
    }

    /// What a test demands, here; `None` for the policies where nobody knows which there are.
    pub(super) fn demands(&mut self, test: &'a ast::Test, policies: Option<&[Policy]>) -> Demands {
        let before = std::mem::take(&mut self.sink.all);
        let (name, span) = (test.name.text.to_string(), test.name.span);
        let mut demands = Demands { name, span, statements: vec![], counts: vec![], expected: vec![], failures: vec![] };
        let mut given: BTreeMap<&str, Span> = BTreeMap::new();
        for entry in &test.body.entries {
            match entry {
                Entry::With(Attribute { name, .. }) => {
                    if let Some(first) = given.insert(&name.text, name.span) {
                        self.sink.push(names::duplicate(&format!("`{}`", name.text), name.span, first));
                    } else if self.variable_named(&name.text).is_none() {
                        self.no_variable(name);
                    }
                }
                Entry::Sentence(sentence) => self.demand(sentence, policies, &mut demands),
                Entry::For(_) | Entry::If(_) => {
                    // What never counts is judged by its names, in `check_tests_here`: an assertion that nobody comes to holds.
                    self.repeated(entry, &mut |this, sentence, counts| {
                        if counts {
                            this.demand(sentence, policies, &mut demands);
                        }
                    });
                }
                Entry::Attribute(_) | Entry::Block(_) => {
                    let (word, at) = entry.head();
                    self.sink.push(test_codes::sentence(word, at));
                }
            }
        }
        demands.failures = std::mem::replace(&mut self.sink.all, before);
        demands
    }

    fn no_variable(&mut self, name: &ast::Name) {
        let Some(scope) = self.scope() else { return };
        if scope.is_lost_local(&name.text) {
            return;
        }
        let variables = scope.locals.iter().filter(|l| matches!(l, Local::Variable(_))).map(|l| &*l.name().text);
        let diagnostic = names::unknown_variable(&name.text, "", Some(name.span), nearest(&name.text, variables));
        let is_let = scope.find_local(&name.text).is_some();
        self.sink.push(if is_let {
            diagnostic.help(format!("`{}` is a `let`: give a value to the variables that it is worked out from", name.text))
        } else {
            diagnostic
        });
    }

    fn demand(&mut self, sentence: &'a Sentence, policies: Option<&[Policy]>, demands: &mut Demands) {
        match &*sentence.head.text {
            "require" | "forbid" => demands.statements.extend(self.statement(sentence)),
            "plan" => self.counts(sentence, demands),
            "assert" => self.assert(sentence),
            "expect" => {
                let expected = self.expectation(sentence, policies);
                demands.expected.extend(expected.map(|what| Expected { what, span: sentence.span }));
            }
            other => self.sink.push(test_codes::sentence(other, sentence.head.span)),
        }
    }

    /// `plan creates 14 updates 0`
    fn counts(&mut self, sentence: &'a Sentence, demands: &mut Demands) {
        if sentence.terms.is_empty() {
            self.sink.push(test_codes::shape("`creates`, `updates`, `replaces` or `deletes`", sentence.head.span, PLAN));
        }
        let mut before: Vec<(&str, Span)> = vec![];
        for pair in sentence.terms.chunks(2) {
            let at = pair.first().map_or(sentence.span, term_span);
            let Some(counted) = word(pair.first()).and_then(|w| COUNTED.iter().find(|c| **c == w)) else {
                let wanted = "`creates`, `updates`, `replaces` or `deletes`";
                return self.sink.push(test_codes::shape(wanted, at, PLAN));
            };
            if let Some((_, first)) = before.iter().find(|(w, _)| w == counted) {
                return self.sink.push(test_codes::counted_twice(counted, at, *first));
            }
            before.push((counted, at));
            let Some(Term::Expr(number)) = pair.get(1) else {
                return self.sink.push(test_codes::shape(&format!("a number after `{counted}`"), at, PLAN));
            };
            match self.value_as(number, &Type::Int) {
                Value::Int(n) => demands.counts.push(Count { word: counted, number: n, span: number.span }),
                Value::Error => {}
                _ => self.sink.push(test_codes::shape(&format!("a number after `{counted}`"), number.span, PLAN)),
            }
        }
    }

    /// `assert COND "message"`
    fn assert(&mut self, sentence: &'a Sentence) {
        let [Term::Expr(condition), rest @ ..] = sentence.terms.as_slice() else {
            return self.sink.push(test_codes::shape("a condition", sentence.head.span, ASSERT));
        };
        let words = match rest {
            [] => None,
            [Term::Expr(expr)] => match self.value_as(expr, &Type::Text) {
                Value::Text(text) => Some(text),
                _ => None,
            },
            [Term::Expr(_), other, ..] | [other, ..] => {
                return self.sink.push(test_codes::shape("the end of the sentence", term_span(other), ASSERT));
            }
        };
        let before = self.sink.all.len();
        match self.value(condition).open().0 {
            Value::Bool(true) => {}
            Value::Bool(false) => {
                let mut sides = vec![];
                self.compared(condition, &mut sides);
                // What is looked at once more was reported, if at all, the first time.
                self.sink.all.truncate(before);
                self.sink.push(test_codes::failed(words.as_deref(), condition.span, sides));
            }
            Value::Error if self.sink.all.len() == before => self.sink.push(test_codes::undecided(condition.span)),
            other => {
                operator::no_condition(&other, condition.span, self.sink);
            }
        }
    }

    /// The values that make a condition false, each at its place.
    fn compared(&mut self, condition: &'a Expr, found: &mut Vec<(Span, String)>) {
        match &condition.kind {
            ExprKind::Binary(BinaryOp::And, left, right) => match self.eval(left).open().0 {
                Value::Bool(false) => self.compared(left, found),
                _ => self.compared(right, found),
            },
            ExprKind::Binary(BinaryOp::Or, left, right) => {
                self.compared(left, found);
                self.compared(right, found);
            }
            ExprKind::Binary(_, left, right) => {
                self.show_value(left, found);
                self.show_value(right, found);
            }
            ExprKind::Unary(UnaryOp::Not, of) => self.compared(of, found),
            ExprKind::Call(_, arguments) => arguments.iter().for_each(|a| self.show_value(a, found)),
            _ => {}
        }
    }

    /// A value that is not written out where it stands.
    fn show_value(&mut self, expr: &'a Expr, found: &mut Vec<(Span, String)>) {
        let is_written = matches!(
            &expr.kind,
            ExprKind::Null
                | ExprKind::Bool(_)
                | ExprKind::Int(_)
                | ExprKind::Float(_)
                | ExprKind::Duration(_)
                | ExprKind::Net(_)
                | ExprKind::Service(_)
        );
        let is_plain = matches!(&expr.kind, ExprKind::Text(pieces) if matches!(pieces.as_slice(), [] | [ast::Piece::Plain(_)]));
        if is_written || is_plain {
            return;
        }
        let text = self.eval(expr).to_string();
        let short: String = text.chars().take(SHOWN_MAX).collect();
        let more = if short.len() < text.len() { " ..." } else { "" };
        found.push((expr.span, format!("this is {short}{more}")));
    }

    /// `expect E0224 "part"`, `expect refuted "policy"`
    fn expectation(&mut self, sentence: &'a Sentence, policies: Option<&[Policy]>) -> Option<Fault> {
        let at = sentence.terms.first().map_or(sentence.head.span, term_span);
        let Some(first) = word(sentence.terms.first()) else {
            self.sink.push(test_codes::shape("a code, `refuted` or `unknown`", at, EXPECT));
            return None;
        };
        if let Some(extra) = sentence.terms.get(2) {
            self.sink.push(test_codes::shape("the end of the sentence", term_span(extra), EXPECT));
            return None;
        }
        let text = match sentence.terms.get(1) {
            None => None,
            Some(Term::Expr(expr)) => match self.value_as(expr, &Type::Text) {
                Value::Text(text) => Some((text, expr.span)),
                Value::Error => return None,
                _ => {
                    self.sink.push(test_codes::shape("a text", expr.span, EXPECT));
                    return None;
                }
            },
            Some(Term::Comma(comma)) => {
                self.sink.push(test_codes::shape("a text", *comma, EXPECT));
                return None;
            }
        };
        let fault: fn(String) -> Fault = match first {
            "refuted" => Fault::Refuted,
            "unknown" => Fault::Unknown,
            code => return self.code(code, at).map(|code| Fault::Message(code, text.map(|(t, _)| t.to_string()))),
        };
        let Some((name, name_at)) = text else {
            self.sink.push(test_codes::shape(&format!("the name of a policy after `{first}`"), at, EXPECT_POLICY));
            return None;
        };
        if let Some(policies) = policies.filter(|p| p.iter().all(|p| p.name != *name)) {
            let meant = nearest(&name, policies.iter().map(|p| &*p.name));
            self.sink.push(test_codes::no_policy(&name, name_at, meant));
            return None;
        }
        Some(fault(name.to_string()))
    }

    fn code(&mut self, word: &str, at: Span) -> Option<&'static Code> {
        let found = codes::all().find(|c| c.id == word);
        if found.is_none() {
            let capital = word.to_ascii_uppercase();
            let meant = codes::all().find(|c| c.id == capital).map(|c| c.id);
            self.sink.push(test_codes::unknown_code(word, at, meant));
        }
        found
    }
}

impl Demands {
    /// Whether it expects that a name is used nowhere.
    pub(super) fn is_about_unused(&self) -> bool {
        let unused =
            |what: &Fault| matches!(what, Fault::Message(code, _) if **code == names::UNUSED_VARIABLE || **code == names::UNUSED_LET);
        self.expected.iter().any(|e| unused(&e.what))
    }
}

/// Whether a message is about what a test finds, and not about how it is written.
fn is_outcome(code: &Code) -> bool {
    [&test_codes::FAILED, &test_codes::UNDECIDED].contains(&code)
}
