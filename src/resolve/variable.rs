//! Variables: their types, and the values that are given to them from outside. Layer 4.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    base::{
        codes::{name as codes, sensitive::veiled},
        diagnostic::{Diagnostic, Sink, nearest},
        span::{FileId, Span},
    },
    resolve::{
        cell::Resolver,
        convert::{Spot, convert, is_broken, type_of, wanted},
        evaluate::{kinds, word_value},
        literal,
        scope::{Local, Scope},
        sensitive::{MARK, is_marked, literals},
    },
    resources,
    schema::{
        attr::{Type, TypeField},
        value::{HIDDEN, Value},
    },
    syntax::{
        ast::{self, Entry, Expr, ExprKind, Piece, Term, TypeExpr, UnaryOp},
        parse::parse,
        words,
    },
};

/// A value from outside.
pub(super) enum Given {
    /// A text, read by the declared type; where it comes from (`--var`, `SECNET_VAR_x`).
    Text(String, String),
    /// An expression in a variables file.
    Written(Expr),
}

/// What stands before a variables file so that it reads as the body of a block; on the first line, so that lines stay lines.
const FILE_START: &str = "project variables { ";
/// What stands before a text so that it reads as a file.
const TEXT_START: &str = "let input = ";

/// What stands before an expression so that it reads as a file; as long as [`FILE_START`], so that [`shift`] serves both.
const EXPRESSION_START: &str = "let expression   =  ";
const _: () = assert!(EXPRESSION_START.len() == FILE_START.len());

/// Reads one expression; `None` if it is none, which was reported. Its spans are as those of [`read_file`].
pub fn read_expression(file: FileId, text: &str, sink: &mut Sink) -> Option<Expr> {
    let mut own = Sink::default();
    let mut items = parse(file, &format!("{EXPRESSION_START}{text}\n"), &mut own).items.into_iter();
    let found = match (items.next(), items.next()) {
        (Some(ast::Item::Let(binding)), None) => Some(binding.value),
        (_, Some(second)) => {
            own.push(codes::second_expression(second.span()));
            None
        }
        _ => None,
    };
    let found = found.filter(|_| !own.has_errors());
    sink.all.extend(own.all);
    found
}

/// Reads a variables file: lines `name = value` in the language's own syntax.
pub fn read_file(file: FileId, text: &str, sink: &mut Sink) -> Vec<ast::Attribute> {
    let mut own = Sink::default();
    let parsed = parse(file, &format!("{FILE_START}{text}\n}}"), &mut own);
    let mut found = vec![];
    for item in parsed.items {
        let project = match item {
            ast::Item::Project(project) => project,
            ast::Item::Resource(block) | ast::Item::Existing(block) => {
                own.push(codes::no_input_line(block.kind.span.to(block.name.span)));
                continue;
            }
            other => {
                own.push(codes::no_input_line(other.span()));
                continue;
            }
        };
        for entry in project.body.entries {
            match entry {
                Entry::Attribute(attribute) => found.push(attribute),
                Entry::Sentence(ast::Sentence { span, .. }) | Entry::Block(ast::NestedBlock { span, .. }) => {
                    own.push(codes::no_input_line(span));
                }
                other => own.push(codes::no_input_line(other.head().1)),
            }
        }
    }
    // What begins an item ends the block around the file, which the user has not written.
    own.all.retain(|d| d.labels.first().is_none_or(|l| l.span.start() >= FILE_START.len()));
    sink.all.extend(own.all);
    found
}

/// Moves what a message says about the variables files, as they were parsed, to the files as they are; `ends` has their lengths.
#[must_use]
pub fn shift(mut diagnostic: Diagnostic, ends: &BTreeMap<FileId, usize>) -> Diagnostic {
    for label in &mut diagnostic.labels {
        label.span = shifted(label.span, ends);
    }
    for fix in &mut diagnostic.fixes {
        fix.span = shifted(fix.span, ends);
    }
    diagnostic
}

/// A place in the variables files, as they were parsed, in the files as they are.
#[must_use]
pub fn shifted(span: Span, ends: &BTreeMap<FileId, usize>) -> Span {
    ends.get(&span.file()).map_or(span, |end| {
        let byte = |b: usize| b.saturating_sub(FILE_START.len()).min(*end);
        Span::new(span.file(), byte(span.start()), byte(span.end()))
    })
}

/// Every value from outside by its variable; the strongest source wins. A name that no variable has is reported,
/// except in the environment, which may hold values for other projects.
pub(super) fn given(
    scope: &Scope<'_>,
    environment: &BTreeMap<String, String>,
    written: &[ast::Attribute],
    arguments: &[(String, String)],
    sink: &mut Sink,
) -> BTreeMap<String, Given> {
    let variables = || scope.locals.iter().filter(|l| matches!(l, Local::Variable(_))).map(|l| &*l.name().text);
    let declared = |name: &str| variables().any(|v| v == name);
    let mut given = BTreeMap::new();
    for (name, text) in environment {
        given.insert(name.clone(), Given::Text(text.clone(), format!("SECNET_VAR_{name}")));
    }
    for attribute in written {
        let name = &attribute.name;
        if !declared(&name.text) && !scope.is_lost_local(&name.text) {
            sink.push(codes::unknown_variable(&name.text, "", Some(name.span), nearest(&name.text, variables())));
        }
        given.insert(name.text.to_string(), Given::Written(attribute.value.clone()));
    }
    for (name, text) in arguments {
        if !declared(name) && !scope.is_lost_local(name) {
            sink.push(codes::unknown_variable(name, "--var", None, nearest(name, variables())));
        }
        given.insert(name.clone(), Given::Text(text.clone(), "--var".into()));
    }
    given
}

impl<'a> Resolver<'a, '_> {
    /// A variable's value, here: as given, or its default. What is reported of a sensitive one does not show it.
    pub(super) fn variable(&mut self, variable: &'a ast::Variable) -> Value {
        let veil = is_marked(variable.body.as_ref());
        let ty = variable.ty.as_ref().map(|ty| declared_type(ty, self.sink).unwrap_or(Type::Any));
        let space = self.here.space;
        if veil {
            self.conceal_variable(variable);
        }
        if let Some((input, here)) = self.input(space, &variable.name.text) {
            let value = self.veiled(veil, |this| this.at(here, |this| this.eval(&input.value)));
            // Null is as if nothing were given.
            if *value.inner() != Value::Null || variable.default.is_none() {
                return self.given_to(variable, value, &input.value);
            }
        }
        let default = self.default_value(variable, ty.as_ref());
        if self.is_module(space) {
            // Where nothing is given and there is no default, the call is reported.
            return default.unwrap_or(Value::Error);
        }
        let ty = ty.or_else(|| default.as_ref().map(type_of)).unwrap_or(Type::Any);
        let name = &variable.name;
        let value = match self.given.get(&*name.text) {
            Some(Given::Text(text, origin)) => read_text(text, &ty, name.span).unwrap_or_else(|why| {
                self.sink.push(match veil {
                    true => codes::input(&name.text, origin, HIDDEN, &format!("expected {}", wanted(&ty)), name.span, None),
                    false => codes::input(&name.text, origin, text, &why.message, name.span, why.help),
                });
                Value::Error
            }),
            Some(Given::Written(expr)) => {
                let mut reported = vec![];
                let value = constant(expr, &mut reported).sensitive_if(veil);
                self.sink.all.extend(reported.into_iter().map(|d| if veil { veiled(d) } else { d }));
                convert(value, &ty, Spot::of(expr), &mut self.sink.all)
            }
            None => default.unwrap_or_else(|| {
                self.sink.push(codes::no_value(&name.text, name.span, sample(&ty)));
                Value::Error
            }),
        };
        value.sensitive_if(veil)
    }

    /// Remembers where the values of a sensitive variable are written out.
    fn conceal_variable(&mut self, variable: &'a ast::Variable) {
        let space = self.here.space;
        let input = self.input(space, &variable.name.text).map(|(input, _)| &input.value);
        variable.default.iter().chain(input).for_each(|expr| self.conceal(expr));
        if !self.is_module(space) {
            self.concealed.variables.insert(variable.name.text.to_string());
            if let Some(Given::Written(expr)) = self.given.get(&*variable.name.text) {
                literals(expr, &mut self.concealed.literals);
            }
        }
    }

    /// A value that is given for a variable, as its type has it.
    pub(super) fn given_to(&mut self, variable: &'a ast::Variable, value: Value, written: &'a Expr) -> Value {
        // What is wrong with the type itself is reported where the variable is worked out.
        let declared = variable.ty.as_ref().map(|ty| declared_type(ty, &mut Sink::default()).unwrap_or(Type::Any));
        let ty = declared.or_else(|| self.default_type(variable)).unwrap_or(Type::Any);
        let value = value.sensitive_if(is_marked(variable.body.as_ref()));
        let value = convert(value, &ty, Spot::of(written), &mut self.sink.all);
        if is_broken(&value) { Value::Error } else { value }
    }

    fn default_value(&mut self, variable: &'a ast::Variable, ty: Option<&Type>) -> Option<Value> {
        let expr = variable.default.as_ref()?;
        let value = self.veiled(is_marked(variable.body.as_ref()), |this| this.eval(expr));
        let value = match ty {
            Some(ty) => convert(value, ty, Spot::of(expr), &mut self.sink.all),
            None => value,
        };
        Some(if is_broken(&value) { Value::Error } else { value })
    }

    /// The type that a default gives where none is declared.
    fn default_type(&mut self, variable: &'a ast::Variable) -> Option<Type> {
        self.default_value(variable, None).as_ref().map(type_of)
    }

    /// What stands in the bodies of the variables here, once every variable has its value.
    pub(super) fn variable_bodies(&mut self) {
        for i in 0..self.scope().map_or(0, |s| s.locals.len()) {
            let Some(Local::Variable(variable)) = self.scope().and_then(|s| s.locals.get(i)).copied() else { continue };
            for entry in variable.body.iter().flat_map(|b| &b.entries) {
                match entry {
                    Entry::Sentence(sentence) if &*sentence.head.text == "validate" => self.validate(variable, sentence),
                    Entry::Attribute(attribute) if &*attribute.name.text == MARK => drop(self.marked(attribute)),
                    other => self.sink.push(misplaced_setting(variable, other)),
                }
            }
        }
    }

    fn validate(&mut self, variable: &'a ast::Variable, sentence: &'a ast::Sentence) {
        let example = "validate length(maintainers) > 0 \"at least one network\"";
        let [Term::Expr(condition), rest @ ..] = sentence.terms.as_slice() else {
            self.sink.push(codes::wrong_sentence("a condition", "nothing", sentence.head.span, example));
            return;
        };
        let words = match rest {
            [] => "its condition does not hold".into(),
            [Term::Expr(expr)] => match self.value_as(expr, &Type::Text) {
                Value::Text(text) => text,
                Value::Sensitive(_) => "its condition does not hold, and the reason is sensitive".into(),
                _ => return,
            },
            [Term::Expr(_), other, ..] | [other, ..] => {
                self.sink.push(codes::end_of_sentence(term_span(other), example));
                return;
            }
        };
        if *self.value_as(condition, &Type::Bool).inner() != Value::Bool(false) {
            return;
        }
        let default = variable.default.as_ref().map(|e| e.span);
        let space = self.here.space;
        let written = match self.given.get(&*variable.name.text).filter(|_| !self.is_module(space)) {
            Some(Given::Written(expr)) => Some(expr.span),
            Some(Given::Text(..)) => None,
            None => self.input(space, &variable.name.text).map(|(input, _)| input.value.span).or(default),
        };
        self.sink.push(codes::validation(&variable.name.text, &words, condition.span, written));
    }
}

/// Where a term stands.
pub(super) fn term_span(term: &Term) -> Span {
    match term {
        Term::Expr(expr) => expr.span,
        Term::Comma(span) => *span,
    }
}

fn misplaced_setting(variable: &ast::Variable, entry: &Entry) -> Diagnostic {
    let named = &variable.name.text;
    let (word, at) = entry.head();
    let diagnostic = codes::unknown_setting(word, "variable", at, None, &[MARK, "validate"]);
    match word {
        "default" => diagnostic.help(format!("the default stands in the first line: `variable {named} = ...`")),
        "type" => diagnostic.help(format!("the type stands in the first line: `variable {named}: list(cidr)`")),
        "description" => diagnostic.help(format!("the description stands in the first line: `variable {named} \"...\"`")),
        "validation" => diagnostic.help("write `validate CONDITION \"message\"`"),
        _ => diagnostic,
    }
}

/// A type as written; `None` if it was reported.
fn declared_type(written: &TypeExpr, sink: &mut Sink) -> Option<Type> {
    let word = &*written.name.text;
    let simple = match word {
        "any" => Some(Type::Any),
        "bool" => Some(Type::Bool),
        "int" => Some(Type::Int),
        "float" => Some(Type::Float),
        "string" => Some(Type::Text),
        "cidr" => Some(Type::Cidr),
        "ip" => Some(Type::Ip),
        "service" => Some(Type::Service),
        "peer" => Some(Type::Peer),
        "duration" => Some(Type::Duration),
        super::account::WORD => Some(Type::Ref(word.into())),
        _ => resources::spec(word).map(|s| Type::Ref(s.kind.into())),
    };
    match (simple, written.args.as_slice()) {
        (Some(ty), []) if written.fields.is_empty() => Some(ty),
        (Some(_), _) => {
            sink.push(codes::type_arguments(word, false, written.span));
            None
        }
        (None, [of]) if matches!(word, "list" | "set" | "map") => {
            let of = Arc::new(declared_type(of, sink)?);
            Some(match word {
                "list" => Type::List(of),
                "set" => Type::Set(of),
                _ => Type::Map(of),
            })
        }
        (None, _) if matches!(word, "list" | "set" | "map") => {
            sink.push(codes::type_arguments(word, true, written.span));
            None
        }
        (None, []) if word == "object" => {
            let mut fields: Vec<TypeField> = vec![];
            for (name, optional, ty) in &written.fields {
                if fields.iter().any(|f| f.name == name.text) {
                    let first = written.fields.iter().find(|(n, ..)| n.text == name.text).map_or(name.span, |(n, ..)| n.span);
                    sink.push(codes::duplicate(&format!("the field `{}`", name.text), name.span, first));
                    continue;
                }
                fields.push(TypeField { name: name.text.clone(), optional: *optional, ty: declared_type(ty, sink)? });
            }
            Some(Type::Object(fields.into()))
        }
        (None, _) => {
            let terraforms =
                [("number", "int"), ("text", "string"), ("str", "string"), ("integer", "int"), ("boolean", "bool"), ("network", "cidr")];
            let meant = terraforms.iter().find(|(other, _)| *other == word).map(|(_, ours)| *ours);
            let meant = meant.or_else(|| nearest(word, words::TYPES.iter().copied().chain(kinds())));
            sink.push(codes::unknown_type(word, written.name.span, meant));
            None
        }
    }
}

/// A value for a variable, for help.
pub(super) fn sample_of(variable: &ast::Variable) -> String {
    let ty = variable.ty.as_ref().and_then(|ty| declared_type(ty, &mut Sink::default()));
    super::resource::example(&ty.unwrap_or(Type::Any))
}

/// A value of a type, for help.
fn sample(ty: &Type) -> &'static str {
    match ty {
        Type::Bool => "true",
        Type::Int => "3",
        Type::Float => "1.5",
        Type::Cidr | Type::Peer => "203.0.113.0/28",
        Type::Ip => "203.0.113.1",
        Type::Service => "tcp/443",
        Type::Duration => "30s",
        Type::List(of) | Type::Set(of) => match **of {
            Type::Cidr | Type::Peer => "203.0.113.0/28,198.51.100.0/24",
            _ => "'[...]'",
        },
        Type::Map(_) | Type::Object(_) => "'{ key = \"value\" }'",
        Type::Any | Type::Text | Type::Image | Type::OneOf(_) | Type::Ref(_) => "VALUE",
    }
}

/// A text from outside as a value of a type; `at` stands for its place, which no source has.
fn read_text(text: &str, ty: &Type, at: Span) -> Result<Value, Diagnostic> {
    let trimmed = text.trim();
    let literal = match ty {
        Type::Any | Type::Text => return Ok(Value::text(text)),
        Type::Bool => trimmed.parse().ok().map(Value::Bool),
        Type::Int => trimmed.parse().ok().map(Value::Int),
        Type::Float => trimmed.parse::<f64>().ok().filter(|n| n.is_finite()).map(Value::Float),
        Type::Duration => expression(trimmed, at).ok().filter(|v| matches!(v, Value::Duration(_))),
        Type::List(of) | Type::Set(of) if !trimmed.starts_with('[') => {
            let elements: Result<Vec<_>, _> = elements(trimmed, of).into_iter().map(|e| read_text(e, of, at)).collect();
            Some(Value::List(elements?))
        }
        Type::Map(_) | Type::Object(_) if !trimmed.starts_with('{') => None,
        Type::List(_) | Type::Set(_) | Type::Map(_) | Type::Object(_) => Some(expression(trimmed, at)?),
        Type::Cidr | Type::Ip | Type::Service | Type::Peer | Type::Image | Type::OneOf(_) | Type::Ref(_) => None,
    };
    let mut wrong = vec![];
    let value = convert(literal.unwrap_or_else(|| Value::text(trimmed)), ty, Spot::at(at), &mut wrong);
    wrong.into_iter().next().map_or(Ok(value), Err)
}

/// Pieces between commas; a comma before a digit belongs to the ports of a service.
fn elements<'t>(text: &'t str, of: &Type) -> Vec<&'t str> {
    let mut pieces = vec![];
    let mut start = 0;
    for (i, _) in text.match_indices(',') {
        let rest = text.get(i + 1..).unwrap_or_default();
        if *of == Type::Service && rest.starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        pieces.push(text.get(start..i).unwrap_or_default().trim());
        start = i + 1;
    }
    pieces.push(text.get(start..).unwrap_or_default().trim());
    if pieces == [""] { vec![] } else { pieces }
}

/// A list or map in secnet's own syntax, or as JSON.
fn expression(text: &str, at: Span) -> Result<Value, Diagnostic> {
    if let Ok(json) = serde_json::from_str::<serde_json::Value>(text) {
        return Ok(from_json(&json));
    }
    let mut sink = Sink::default();
    let parsed = parse(at.file(), &format!("{TEXT_START}{text}"), &mut sink);
    let value = match parsed.items.as_slice() {
        [ast::Item::Let(binding)] => constant(&binding.value, &mut sink.all),
        _ => Value::Error,
    };
    match sink.all.into_iter().next() {
        Some(diagnostic) => Err(diagnostic),
        None => Ok(value),
    }
}

fn from_json(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(b) => Value::Bool(*b),
        serde_json::Value::Number(n) => n.as_i64().map_or_else(|| Value::Float(n.as_f64().unwrap_or_default()), Value::Int),
        serde_json::Value::String(text) => Value::text(text),
        serde_json::Value::Array(values) => Value::List(values.iter().map(from_json).collect()),
        serde_json::Value::Object(map) => Value::Map(map.iter().map(|(k, v)| (k.clone(), from_json(v))).collect()),
    }
}

/// A value that is written out, without names or computations.
fn constant(expr: &Expr, out: &mut Vec<Diagnostic>) -> Value {
    let judged = match &expr.kind {
        ExprKind::Null => Ok(Value::Null),
        ExprKind::Bool(b) => Ok(Value::Bool(*b)),
        ExprKind::Int(n) => Ok(Value::Int(*n)),
        ExprKind::Float(n) => Ok(Value::Float(*n)),
        ExprKind::Duration(seconds) => Ok(Value::Duration(*seconds)),
        ExprKind::Error => Ok(Value::Error),
        ExprKind::Net(text) => literal::net(text, expr.span),
        ExprKind::Service(text) => literal::service(text, expr.span).map(Value::Service),
        ExprKind::Text(pieces) => match pieces.as_slice() {
            [] => Ok(Value::text("")),
            [Piece::Plain(text)] => Ok(Value::Text(text.clone())),
            _ => Err(codes::computed_input(expr.span)),
        },
        ExprKind::List(elements) => Ok(Value::List(elements.iter().map(|e| constant(e, out)).collect())),
        ExprKind::Map(entries) => Ok(Value::Map(entries.iter().map(|(k, e)| (k.text.to_string(), constant(e, out))).collect())),
        ExprKind::Name(word) => word_value(word).ok_or_else(|| codes::computed_input(expr.span)),
        ExprKind::Unary(UnaryOp::Minus, of) => match constant(of, out) {
            Value::Int(n) => n.checked_neg().map(Value::Int).ok_or_else(|| codes::computed_input(expr.span)),
            Value::Float(n) => Ok(Value::Float(-n)),
            _ => Err(codes::computed_input(expr.span)),
        },
        ExprKind::ServiceOf(..)
        | ExprKind::Field(..)
        | ExprKind::Index(..)
        | ExprKind::Splat(_)
        | ExprKind::Call(..)
        | ExprKind::ForList(..)
        | ExprKind::ForMap(..)
        | ExprKind::Unary(..)
        | ExprKind::Binary(..)
        | ExprKind::If(..) => Err(codes::computed_input(expr.span)),
    };
    judged.unwrap_or_else(|diagnostic| {
        out.push(diagnostic);
        Value::Error
    })
}
