//! `templatefile`: a file as a text with `${...}`, and with `%{ if }` and `%{ for }` around parts of it. Layer 4.
//!
//! What is between the directives is read as a heredoc is, and each directive as an expression, so that a template says what
//! a source would. It sees the variables that it is given, and no other names.

use std::{cell::OnceCell, collections::BTreeMap, mem};

use crate::{
    base::{
        codes::template as codes,
        diagnostic::{Diagnostic, Label, Sink},
        span::{FileId, Span},
    },
    resolve::{
        cell::Resolver,
        operator,
        scope::Scope,
        space::{Bindings, Here, bind},
    },
    schema::value::{Value, concat},
    syntax::{
        ast::{Expr, ExprKind, ForClause, Item, Piece},
        parse::parse,
    },
};

/// How many pieces a template may be cut into; each has a file of its own for the parser.
const PIECES_MAX: usize = Span::FILES_MAX;
/// How deeply directives may stand in one another.
const NESTING_MAX: usize = 32;
/// How many pieces one rendering may put together.
const RENDERED_MAX: usize = 100_000;

/// Templates as they were read, for as long as anything is evaluated.
#[derive(Default)]
pub(super) struct Shelf(OnceCell<Box<(Template, Shelf)>>);

impl Shelf {
    fn put(&self, template: Template) -> &Template {
        let mut at = self;
        while let Some(taken) = at.0.get() {
            at = &taken.1;
        }
        &at.0.get_or_init(|| Box::new((template, Shelf::default()))).0
    }

    fn find(&self, text: &str) -> Option<&Template> {
        let mut at = self;
        while let Some(taken) = at.0.get() {
            if taken.0.text == text {
                return Some(&taken.0);
            }
            at = &taken.1;
        }
        None
    }
}

/// A template that was read.
struct Template {
    text: String,
    parts: Vec<Part>,
    /// Where each piece begins in the text, and how much stands before it in what the parser saw.
    places: Vec<(usize, usize)>,
    wrong: Vec<Diagnostic>,
}

enum Part {
    Text(Vec<Piece>),
    If(Expr, Vec<Part>, Vec<Part>),
    For(ForClause, Vec<Part>),
}

/// What resolution knows of templates.
#[derive(Default)]
pub(super) struct Templates<'a> {
    pub(super) shelf: Option<&'a Shelf>,
    /// A space without any names.
    space: Option<usize>,
    /// While one is rendered: the directory of the module that it belongs to.
    pub(super) within: Option<&'a str>,
}

impl<'a> Resolver<'a, '_> {
    /// The text that a template gives with these variables. `path` is for messages, which are about `at`.
    pub(super) fn render(&mut self, path: &str, text: &str, variables: BTreeMap<String, Value>, at: Span) -> Value {
        if self.templates.within.is_some() {
            self.sink.push(codes::in_template(at));
            return Value::Error;
        }
        let Some(shelf) = self.templates.shelf else { return Value::Error };
        let template = shelf.find(text).unwrap_or_else(|| shelf.put(Template::read(text)));
        let before = self.sink.all.len();
        self.sink.all.extend(template.wrong.iter().cloned());
        let mut pieces = vec![];
        if template.wrong.is_empty() {
            let mut bindings: Bindings<'a> = None;
            for (name, value) in variables {
                bindings = bind(name, value, &bindings);
            }
            let directory = self.scope().map_or("", |s| s.directory);
            let here = Here { space: self.empty_space(), bindings };
            self.templates.within = Some(directory);
            self.at(here, |this| this.parts(&template.parts, &mut pieces));
            self.templates.within = None;
        }
        let found = self.sink.all.split_off(before);
        let broken = !found.is_empty();
        self.sink.all.extend(found.into_iter().map(|d| template.told(d, path, at)));
        if broken { Value::Error } else { concat(pieces) }
    }

    /// A space where no name is declared.
    fn empty_space(&mut self) -> usize {
        if let Some(space) = self.templates.space {
            return space;
        }
        self.scopes.push(Scope::default());
        let space = self.add_space(self.scopes.len() - 1, "".into(), None);
        self.templates.space = Some(space);
        space
    }

    /// Adds what some parts give; stops at the first that is wrong.
    fn parts(&mut self, parts: &'a [Part], pieces: &mut Vec<Value>) -> Option<()> {
        for part in parts {
            match part {
                Part::Text(text) => {
                    for piece in text {
                        if let Piece::Value(expr) = piece {
                            self.walk(expr, &mut vec![]);
                        }
                    }
                    match self.text(text) {
                        Value::Error => return None,
                        value => pieces.push(value),
                    }
                }
                Part::If(condition, then, otherwise) => {
                    let (holds, veil) = self.value(condition).open();
                    // A sensitive piece, though empty, makes the whole text sensitive.
                    pieces.extend(veil.then(|| Value::text("").sensitive()));
                    match holds {
                        Value::Bool(true) => self.parts(then, pieces)?,
                        Value::Bool(false) => self.parts(otherwise, pieces)?,
                        other => {
                            self.veiled(veil, |this| operator::no_condition(&other, condition.span, this.sink));
                            return None;
                        }
                    }
                }
                Part::For(clause, body) => {
                    self.walk(&clause.of, &mut vec![]);
                    if let Some(condition) = &clause.condition {
                        let names: Vec<&str> = clause.key.iter().chain([&clause.value]).map(|n| &*n.text).collect();
                        self.walk_bound(condition, &names, &mut vec![]);
                    }
                    let space = self.here.space;
                    let turns = self.turns(clause)?;
                    pieces.extend(turns.veil.then(|| Value::text("").sensitive()));
                    for turn in turns.turns {
                        self.at(Here { space, bindings: turn.bindings }, |this| this.parts(body, pieces))?;
                    }
                }
            }
            if pieces.len() > RENDERED_MAX {
                self.sink.push(codes::too_long(Span::new(FileId(0), 0, 0), RENDERED_MAX));
                return None;
            }
        }
        Some(())
    }
}

impl Template {
    /// Reads a template; what is wrong is kept, with places in its own pieces.
    fn read(text: &str) -> Self {
        let mut template = Self { text: text.to_owned(), parts: vec![], places: vec![], wrong: vec![] };
        let mut open = vec![Open { what: Directive::Whole, at: 0, parts: vec![] }];
        let mut at = 0;
        let mut strip = false;
        while let Some(found) = next_directive(text, at) {
            template.text_part(&mut open, at, found.start, (strip, found.strips_before));
            template.directive(&mut open, &found);
            (at, strip) = (found.end, found.strips_after);
        }
        template.text_part(&mut open, at, text.len(), (strip, false));
        while let Some(last) = open.pop() {
            match last.what {
                Directive::Whole => template.parts = last.parts,
                _ => template.complain(last.at, "a `%{ if }` or `%{ for }` is not closed", "close it by `%{ endif }` or `%{ endfor }`"),
            }
        }
        template
    }

    /// A message in the template as one about the call that names it.
    fn told(&self, diagnostic: Diagnostic, path: &str, at: Span) -> Diagnostic {
        let label = diagnostic.labels.first();
        let line = label.and_then(|l| {
            let (start, before) = self.places.get(usize::from(l.span.file().0))?;
            let offset = start + l.span.start().saturating_sub(*before);
            Some(self.text.get(..offset).unwrap_or(&self.text).matches('\n').count() + 1)
        });
        let message = match line {
            Some(line) => format!("line {line} of `{path}`: {}", diagnostic.message),
            None => format!("`{path}`: {}", diagnostic.message),
        };
        let text = label.map_or_else(String::new, |l| l.text.clone());
        // An edit would be one of the template.
        Diagnostic { message, labels: vec![Label { span: at, text }], fixes: vec![], ..diagnostic }
    }

    fn complain(&mut self, at: usize, message: &str, help: &str) {
        let file = self.piece(at, 0);
        self.wrong.push(codes::directive(message, Span::new(file, 0, 0), help));
    }

    /// A place of the template as a file of the parser's own.
    fn piece(&mut self, start: usize, before: usize) -> FileId {
        if self.places.len() < PIECES_MAX {
            self.places.push((start, before));
        }
        FileId(u16::try_from(self.places.len() - 1).unwrap_or(0))
    }

    /// What a text means as the value of a `let`, put between two others.
    fn value(&mut self, before: &str, start: usize, text: &str, after: &str) -> Option<ExprKind> {
        if self.places.len() >= PIECES_MAX {
            if self.wrong.is_empty() {
                self.complain(start, "there are too many directives", "make several templates of it");
            }
            return None;
        }
        let file = self.piece(start, before.len());
        let mut sink = Sink::default();
        let read = parse(file, &[before, text, after].concat(), &mut sink);
        let failed = !sink.all.is_empty();
        self.wrong.append(&mut sink.all);
        let mut items = read.items.into_iter();
        match (items.next(), items.next()) {
            (Some(Item::Let(binding)), None) if !failed => Some(binding.value.kind),
            _ if failed => None,
            _ => {
                self.complain(start, "this cannot be read", "write one expression");
                None
            }
        }
    }

    /// The text between two places, without blanks at the ends where a directive strips them: in the line that it stands in, as in Terraform.
    fn text_part(&mut self, open: &mut [Open], from: usize, to: usize, strip: (bool, bool)) {
        let whole = self.text.get(from..to).unwrap_or_default().to_owned();
        let text = if strip.0 { without_start(&whole) } else { &whole };
        let start = from + whole.len() - text.len();
        let text = if strip.1 { without_end(text) } else { text };
        if text.is_empty() {
            return;
        }
        let mut tag = String::from("TEMPLATE");
        while text.contains(&tag) {
            tag.push('_');
        }
        let text = text.replace("%%{", "%{");
        let found = self.value(&format!("let text = <<{tag}\n"), start, &text, &format!("\n{tag}\n"));
        let Some(ExprKind::Text(mut pieces)) = found else { return };
        // The line break before the tag is not the template's.
        if let Some(Piece::Plain(last)) = pieces.last_mut() {
            *last = last.strip_suffix('\n').unwrap_or(last).into();
        }
        if let Some(open) = open.last_mut() {
            open.parts.push(Part::Text(pieces));
        }
    }

    fn directive(&mut self, open: &mut Vec<Open>, found: &Found<'_>) {
        let (word, rest) = found.inner.split_once(char::is_whitespace).unwrap_or((found.inner, ""));
        let start = found.start;
        match word {
            "if" => {
                let condition = self.value("let text = (", start, rest, ")\n");
                let condition = Expr { kind: condition.unwrap_or(ExprKind::Error), span: self.here(start) };
                self.open(open, Directive::If(condition), start);
            }
            "for" => match self.value("let text = [for ", start, rest, " : 0]\n") {
                Some(ExprKind::ForList(clause, _)) => self.open(open, Directive::For(*clause), start),
                // What is wrong was said; the rest is read as if it were right.
                _ => self.open(open, Directive::Broken, start),
            },
            "else" if rest.is_empty() => match open.last_mut().map(|o| mem::replace(&mut o.what, Directive::Broken)) {
                Some(Directive::If(condition)) => {
                    if let Some(last) = open.last_mut() {
                        last.what = Directive::Else(condition, mem::take(&mut last.parts));
                    }
                }
                other => {
                    if let (Some(last), Some(other)) = (open.last_mut(), other) {
                        last.what = other;
                    }
                    self.complain(start, "this `%{ else }` belongs to no `%{ if }`", "remove it");
                }
            },
            "endif" | "endfor" if rest.is_empty() => {
                let fits = open.last().is_some_and(|o| match o.what {
                    Directive::If(_) | Directive::Else(..) => word == "endif",
                    Directive::For(_) => word == "endfor",
                    Directive::Broken => true,
                    Directive::Whole => false,
                });
                if !fits {
                    self.complain(start, &format!("this `%{{ {word} }}` closes nothing"), "remove it");
                    return;
                }
                let part = open.pop().and_then(|o| match o.what {
                    Directive::If(condition) => Some(Part::If(condition, o.parts, vec![])),
                    Directive::Else(condition, then) => Some(Part::If(condition, then, o.parts)),
                    Directive::For(clause) => Some(Part::For(clause, o.parts)),
                    Directive::Broken | Directive::Whole => None,
                });
                if let (Some(last), Some(part)) = (open.last_mut(), part) {
                    last.parts.push(part);
                }
            }
            _ => {
                let message = format!("`%{{ {} }}` is no directive", found.inner);
                self.complain(start, &message, "there are `if`, `else`, `endif`, `for` and `endfor`; write `%%{` for the two characters");
            }
        }
    }

    fn here(&mut self, at: usize) -> Span {
        Span::new(self.piece(at, 0), 0, 0)
    }

    fn open(&mut self, open: &mut Vec<Open>, what: Directive, at: usize) {
        if open.len() > NESTING_MAX {
            let message = format!("directives stand in one another more than {NESTING_MAX} times");
            self.complain(at, &message, "make several templates of it");
        }
        open.push(Open { what, at, parts: vec![] });
    }
}

/// A text without the blanks it begins with, and without its first line if there is nothing else in it.
fn without_start(text: &str) -> &str {
    let line = text.find('\n').map_or(text, |end| text.get(..=end).unwrap_or(text));
    text.get(line.len() - line.trim_start().len()..).unwrap_or(text)
}

/// A text without the blanks and the line break that its last line ends with.
fn without_end(text: &str) -> &str {
    let last = text.strip_suffix('\n').unwrap_or(text).rfind('\n').map_or(0, |i| i + 1);
    let line = text.get(last..).unwrap_or_default();
    text.get(..last + line.trim_end().len()).unwrap_or(text)
}

/// A directive that is not closed yet, and what stands in it so far.
struct Open {
    what: Directive,
    at: usize,
    parts: Vec<Part>,
}

enum Directive {
    /// The template itself.
    Whole,
    If(Expr),
    Else(Expr, Vec<Part>),
    For(ForClause),
    /// One that was reported.
    Broken,
}

/// A directive in the text.
struct Found<'t> {
    start: usize,
    end: usize,
    inner: &'t str,
    strips_before: bool,
    strips_after: bool,
}

/// The first directive from a place on; one that is not closed reaches to the end.
fn next_directive(text: &str, from: usize) -> Option<Found<'_>> {
    let mut at = from;
    let start = loop {
        let found = at + text.get(at..)?.find("%{")?;
        // `%%{` is text.
        if found > from && text.get(..found)?.ends_with('%') { at = found + 2 } else { break found }
    };
    let body = text.get(start + 2..)?;
    let (mut depth, mut quoted, mut escaped) = (1_usize, false, false);
    let close = body.char_indices().find(|(_, c)| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '{' if !quoted => depth += 1,
            '}' if !quoted => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    let close = close.map_or(body.len(), |(i, _)| i);
    let inner = body.get(..close)?;
    let before = inner.strip_prefix('~');
    let after = before.unwrap_or(inner).strip_suffix('~');
    let inner_text = after.or(before).unwrap_or(inner).trim();
    let end = (start + 2 + close + 1).min(text.len());
    Some(Found { start, end, inner: inner_text, strips_before: before.is_some(), strips_after: after.is_some() })
}
