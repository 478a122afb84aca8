//! What becomes of what did not parse: a message, and as much of an item or entry as can be kept. Layer 1.
//!
//! An attribute whose value is broken stays, with an error as its value, so that nobody calls it missing. A small slip in
//! a head is mended in a copy of the text, of the same length so that positions hold, and read again.

use pest::{Parser as _, iterators::Pair};

use super::{
    diagnose::word_at,
    expected::{found, token_len},
    grammar::{Grammar, Rule},
    item::{Lower, Previous},
    scan::is_word,
};
use crate::{
    base::{codes::syntax as codes, diagnostic::nearest},
    syntax::{
        ast::{Attribute, Body, Entry, Expr, ExprKind, File, Item, Let, Name, Output, Sentence, Term, Variable},
        words,
    },
};

/// How many slips of one block are mended one after the other; each costs another reading of it.
const MENDS_MAX: usize = 16;

impl Lower<'_> {
    /// An entry of a body that did not parse.
    pub(super) fn broken_entry(&mut self, pair: &Pair<'_, Rule>, previous: Option<&Previous>) -> Vec<Entry> {
        let (start, end) = (pair.as_span().start(), pair.as_span().end());
        if start < self.reported_until || self.leftover(start, previous) {
            return vec![];
        }
        let text = pair.as_str();
        let word = word_at(text);
        let after = text.get(word.len()..).unwrap_or("").trim_start_matches([' ', '\t']);
        let operator = after.get(..token_len(after)).unwrap_or("");
        let name = Name { text: word.into(), span: self.at(start, start + word.len()) };
        if let Some(mended) = self.quoted_or_dashed(text, start, &['=']) {
            return self.again(start, &mended);
        }
        if word.is_empty() || word.starts_with(|c: char| c.is_ascii_digit()) {
            let at = self.at(start, start + token_len(text));
            self.sink.push(match closing_at_start(text) {
                Some(closing) => codes::closes_nothing(at, closing),
                None => codes::unexpected(at, "a statement", &found(text)),
            });
            self.reported_until = start + 1;
            return vec![];
        }
        match operator {
            _ if matches!(word, "for" | "if" | "else" | "dynamic") => {
                self.broken_repetition(word, text, start, end);
                vec![]
            }
            ":" | ":=" | "=>" | "==" | "+=" | "->" => {
                let at = start + (text.len() - after.len());
                self.sink.push(codes::wrong_equals(self.at(at, at + operator.len()), word, operator));
                let mended = replaced(text, at - start, operator.len(), "=");
                self.again(start, &mended)
            }
            "=" => match self.explain(Rule::attribute, start, end) {
                Some(separator) if separator < end && self.mends < MENDS_MAX => {
                    let mended = replaced(text, separator - start, 1, "");
                    self.reported_until = start;
                    self.again(start, &mended)
                }
                _ => vec![self.lost_attribute(name, start, end)],
            },
            "." | "(" | "[" => {
                let at = start + (text.len() - after.len());
                self.sink.push(codes::unexpected(self.at(at, at + 1), "`=` and a value", &found(after)));
                vec![]
            }
            _ if after.trim().is_empty() || after.starts_with('#') || after.starts_with("//") => {
                let wanted = if words::HEADS.contains(&word) { "the rest of the sentence" } else { "`=` and a value" };
                self.sink.push(codes::breaks_off(name.span, wanted, word));
                if words::HEADS.contains(&word) { vec![] } else { vec![self.lost_attribute(name, start, end)] }
            }
            _ => {
                let rule = match word {
                    "validate" | "assert" => Rule::validate,
                    "with" => Rule::with,
                    _ => Rule::sentence,
                };
                self.explain(rule, start, end);
                vec![]
            }
        }
    }

    /// A `for` or `if` around statements that is none.
    fn broken_repetition(&mut self, word: &str, text: &str, start: usize, end: usize) {
        let at = self.at(start, start + word.len());
        let after = text.get(word.len()..).unwrap_or("").trim_start_matches([' ', '\t']);
        match word {
            "dynamic" if after.starts_with('"') => self.sink.push(codes::foreign_repetition(at, word, "", "")),
            "else" if after.starts_with('{') => {
                let message = codes::unexpected(at, "a statement", "`else`");
                self.sink.push(message.help("`else` stands behind the `}` of an `if`, and an `if` has one"));
            }
            "for" => drop(self.explain(Rule::for_block, start, end)),
            "if" => drop(self.explain(Rule::if_block, start, end)),
            "else" => drop(self.explain(Rule::else_if, start, end)),
            _ => drop(self.explain(Rule::sentence, start, end)),
        }
    }

    /// `name value`: a sentence that is none.
    pub(super) fn attribute_or_sentence(&mut self, sentence: Sentence, start: usize, previous: Option<&Previous>) -> Option<Entry> {
        let [Term::Expr(value)] = sentence.terms.as_slice() else { return Some(Entry::Sentence(sentence)) };
        if words::HEADS.contains(&&*sentence.head.text) {
            return Some(Entry::Sentence(sentence));
        }
        if start < self.reported_until || self.leftover(start, previous) {
            return None;
        }
        let text = self.text.get(value.span.start() - self.base..value.span.end() - self.base).unwrap_or("");
        let end = sentence.head.span.end() - self.base;
        self.sink.push(codes::missing_equals(sentence.head.span, self.at(end, end), &sentence.head.text, text));
        Some(Entry::Attribute(Attribute { name: sentence.head, value: value.clone(), span: sentence.span }))
    }

    /// Whether what begins at `start` stands behind an attribute in the same line: then it was meant to be part of its value.
    fn leftover(&mut self, start: usize, previous: Option<&Previous>) -> bool {
        let Some(previous) = previous else { return false };
        if self.text.get(previous.end..start).is_none_or(|between| between.contains('\n')) {
            return false;
        }
        let rest = self.text.get(start..).unwrap_or("");
        if previous.is_bare && !matches!(word_at(rest), "and" | "or" | "if") {
            let line = self.text.get(previous.value..).unwrap_or("");
            let line = line.get(..line.find(['\n', '#', '}', '"']).unwrap_or(line.len())).unwrap_or("").trim_end();
            let line = line.split("//").next().unwrap_or(line).trim_end();
            self.sink.push(codes::unquoted(self.at(previous.value, previous.value + line.len()), line));
        } else {
            let message = codes::unexpected(self.at(start, start + token_len(rest)), "the end of the statement", &found(rest));
            self.sink.push(match word_at(rest) {
                "and" => message.help("write `&&`"),
                "or" => message.help("write `||`"),
                "if" => message.help("write `if condition then value else other`"),
                _ => message,
            });
        }
        self.reported_until = start + rest.find('\n').unwrap_or(rest.len());
        true
    }

    fn lost_attribute(&self, name: Name, start: usize, end: usize) -> Entry {
        let span = self.at(start, end);
        Entry::Attribute(Attribute { value: Expr { kind: ExprKind::Error, span }, name, span })
    }

    /// Reports a first name that is in quotes or has dashes, if one of `next` follows it, and gives the text with the name mended.
    fn quoted_or_dashed(&mut self, text: &str, start: usize, next: &[char]) -> Option<String> {
        let quoted = text.strip_prefix('"').and_then(|t| t.find('"').map(|n| n + 2));
        let len = quoted.unwrap_or_else(|| text.find(|c| !is_word(c) && c != '-').unwrap_or(text.len()));
        let name = text.get(..len)?;
        let after = text.get(len..)?.trim_start_matches([' ', '\t']);
        let better: String = name.trim_matches('"').chars().map(|c| if is_word(c) { c } else { '_' }).collect();
        let is_name = better.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && better != name;
        if !is_name || !after.starts_with(next) || after.starts_with("==") {
            return None;
        }
        self.sink.push(codes::bad_name(self.at(start, start + len), name, &better));
        // A character of several bytes becomes one underscore; blanks make up the length.
        Some(replaced(text, 0, len, &better))
    }

    /// Reads a mended piece of the text as entries.
    fn again(&mut self, start: usize, mended: &str) -> Vec<Entry> {
        let Some(pair) = Grammar::parse(Rule::entries, mended).ok().and_then(|mut pairs| pairs.next()) else { return vec![] };
        self.inside(mended, start).entries(pair)
    }

    /// Reads a block again in which, going by the indentation, another brace than its own lacks its `}`.
    pub(super) fn closed_by_indent(&mut self, opening: usize, end: usize) -> Option<Body> {
        let odd = self.odd_brace(opening, end).filter(|_| self.mends < MENDS_MAX)?;
        let (at, line_end) = self.closing_line(odd)?;
        let text = self.text.get(opening..end)?;
        // The brace takes the place of a comment, of blanks, or of the newline; then that takes the place of the next line's first blank.
        let indented = self.text.get(line_end + 1..).is_some_and(|t| t.starts_with([' ', '\t']));
        let by = if at < line_end {
            format!("}}{:1$}\n", "", line_end - at - 1)
        } else if indented {
            "}\n".to_owned()
        } else {
            "}".to_owned()
        };
        let mended = replaced(text, at.checked_sub(opening)?, by.len(), &by);
        let pair = Grammar::parse(Rule::block, &mended).ok()?.next()?;
        self.sink.push(codes::unclosed(self.at(odd, odd + 1), "{", "}", None));
        Some(self.inside(&mended, opening).block(pair))
    }

    /// A lowering of a piece of the text.
    fn inside<'b>(&'b mut self, text: &'b str, start: usize) -> Lower<'b> {
        let mut inner = Lower::new(self.file, text, &mut *self.sink);
        inner.base = self.base + start;
        inner.mends = self.mends + 1;
        inner
    }

    /// An item that did not parse.
    pub(super) fn broken_item(&mut self, pair: &Pair<'_, Rule>, previous: Option<&Previous>, file: &mut File) {
        let (start, text) = (pair.as_span().start(), pair.as_str());
        if start < self.reported_until {
            return;
        }
        let word = word_at(text);
        let at = self.at(start, start + token_len(text));
        if closing_at_start(text).is_none() && self.leftover(start, previous) {
            return;
        }
        if matches!(word, "for" | "if") {
            let message = codes::unexpected(at, "a block or a statement", &format!("`{word}`"));
            self.sink.push(message.help(format!("`{word}` stands behind the name of a block: `vpc main {word} ... {{`")));
        } else if let Some(help) = foreign(word, text) {
            self.sink.push(codes::unexpected(at, "a block or a statement of secnet", &format!("`{word}`")).help(help));
        } else if word.is_empty() || word.starts_with(|c: char| c.is_ascii_digit()) {
            self.sink.push(match closing_at_start(text) {
                Some(closing) => codes::closes_nothing(at, closing),
                None => codes::unexpected(at, "a block or a statement", &found(text)),
            });
        } else {
            return self.broken_statement(word, text, start, file);
        }
        self.lose(text, start, file);
    }

    fn broken_statement(&mut self, word: &str, text: &str, start: usize, file: &mut File) {
        let rule = match word {
            "project" if text.lines().next().is_some_and(|l| l.contains('"')) => Rule::neighbour,
            "project" => Rule::project,
            "variable" => Rule::variable,
            "let" => Rule::binding,
            "output" => Rule::output,
            "existing" => Rule::existing,
            "moved" => Rule::moved,
            "policy" => Rule::policy,
            "waive" => Rule::waive,
            "module" => Rule::module,
            "extend" => Rule::extend,
            "import" => Rule::import,
            "forget" => Rule::forget,
            "test" => Rule::test,
            "env" => Rule::env,
            _ => Rule::resource,
        };
        let is_named = matches!(rule, Rule::project | Rule::policy | Rule::resource | Rule::existing | Rule::module | Rule::env);
        if is_named && self.mended_head(rule, text, start, file) {
            return;
        }
        if rule == Rule::resource && words::HEADS.contains(&word) {
            let message = codes::unexpected(self.at(start, start + word.len()), "a block or a statement", &format!("`{word}`"));
            self.sink.push(message.help("sentences stand in a block"));
            return;
        }
        if let Some(after) = text.get(word.len()..).filter(|a| rule == Rule::resource && starts_value(a)) {
            let at = start + text.len() - after.trim_start().len();
            let message = codes::unexpected(self.at(at, at + 1), "a name and `{`", "`=`");
            self.sink.push(message.help(format!("a value of its own is `let {word} = ...`")));
        } else {
            self.explain(rule, start, start + text.len());
        }
        self.lose(text, start, file);
    }

    /// Reads a block again whose name alone was wrong.
    fn mended_head(&mut self, rule: Rule, text: &str, start: usize, file: &mut File) -> bool {
        let before = if rule == Rule::existing { 2 } else { 1 };
        let Some(at) = words(text).get(before - 1).map(|(at, w)| at + w.len()) else { return false };
        let blanks = text.get(at..).map_or(0, |t| t.bytes().take_while(|b| matches!(b, b' ' | b'\t')).count());
        let (Some(head), Some(rest), true) = (text.get(..at + blanks), text.get(at + blanks..), blanks > 0) else { return false };
        let Some(mended) = self.quoted_or_dashed(rest, start + at + blanks, &['{', '"']) else { return false };
        let mended = format!("{head}{mended}");
        let Some(pair) = Grammar::parse(rule, &mended).ok().and_then(|mut p| p.next()) else {
            self.lose(text, start, file);
            return true;
        };
        let len = pair.as_str().len();
        let item = self.inside(&mended, start).item(pair, None);
        file.items.extend(item);
        let after = mended.get(len..).unwrap_or("");
        if !after.trim().is_empty() {
            let at = start + len + (after.len() - after.trim_start().len());
            let after = after.trim_start();
            self.sink.push(codes::unexpected(self.at(at, at + token_len(after)), "a block or a statement", &found(after)));
        }
        true
    }

    /// Keeps what is known of an item that can't be read: that there is something of its name.
    fn lose(&mut self, text: &str, start: usize, file: &mut File) {
        let head = words(text);
        let name = |nth: usize| {
            let (at, word) = head.get(nth).copied()?;
            Some(Name { text: word.into(), span: self.at(start + at, start + at + word.len()) })
        };
        let span = self.at(start, start + text.trim_end().len());
        let value = Expr { kind: ExprKind::Error, span };
        let keywords = ["variable", "let", "output", "existing"];
        let word = head.first().map(|w| w.1);
        match word.and_then(|w| nearest(w, keywords)).or(word) {
            Some("variable") => file.items.extend(
                name(1).map(|name| Item::Variable(Variable { name, ty: None, default: Some(value), description: None, body: None, span })),
            ),
            Some("let") => file.items.extend(name(1).map(|name| Item::Let(Let { name, value, span }))),
            Some("output") => {
                file.items.extend(name(1).map(|name| Item::Output(Output { name, value, description: None, body: None, span })));
            }
            Some("existing") => file.lost.extend(name(1).zip(name(2))),
            Some("project" | "policy" | "moved" | "waive" | "extend" | "import" | "forget" | "test" | "env") | None => {}
            Some(_) => file.lost.extend(name(0).zip(name(1))),
        }
    }
}

fn closing_at_start(text: &str) -> Option<&str> {
    text.get(..1).filter(|t| matches!(*t, "}" | ")" | "]"))
}

/// The words that a line begins with, and where each begins.
fn words(text: &str) -> Vec<(usize, &str)> {
    let line = text.lines().next().unwrap_or("");
    let mut found = vec![];
    let mut at = 0;
    loop {
        let rest = line.get(at..).unwrap_or("");
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t', ',']).len();
        let word = word_at(rest.get(blanks..).unwrap_or(""));
        if word.is_empty() {
            return found;
        }
        found.push((at + blanks, word));
        at += blanks + word.len();
    }
}

fn starts_value(after: &str) -> bool {
    let after = after.trim_start_matches([' ', '\t']);
    after.starts_with('=') && !after.starts_with("==")
}

/// The same text with `len` bytes at `at` replaced by a shorter piece and blanks.
fn replaced(text: &str, at: usize, len: usize, by: &str) -> String {
    let (before, after) = (text.get(..at).unwrap_or(""), text.get(at + len..).unwrap_or(""));
    format!("{before}{by:<len$}{after}")
}

/// Terraform's blocks, and secnet's for them.
fn foreign(word: &str, text: &str) -> Option<String> {
    let line = text.lines().next()?;
    let after = line.get(word.len()..)?.trim_start_matches([' ', '\t']);
    let labels: Vec<&str> = after.split('"').skip(1).step_by(2).collect();
    let kind = labels.first().map_or("vpc", |kind| kind.trim_start_matches("aws_"));
    let name = labels.get(1).copied().unwrap_or("main");
    Some(match (word, after.chars().next()?) {
        ("resource", '"') => format!("write `{kind} {name} {{`"),
        ("data", '"') => format!("write `existing {kind} {name} {{`"),
        ("provider", '"') => "name the region in the project: `project name { region = \"us-east-1\" }`".to_owned(),
        ("terraform" | "locals", '{') => "write `let name = value` for values, and `project name { ... }` for settings".to_owned(),
        ("variable", '"') => format!("write `variable {kind}: type = default`"),
        ("output", '"') => format!("write `output {kind} = value`"),
        ("module", '"') if labels.len() == 1 => format!("write `module {kind} \"./path\" {{`"),
        ("moved", '{') => "write `moved vpc.old to vpc.main`".to_owned(),
        ("import", '{') => "write `import vpc.main from \"vpc-0abc\"`".to_owned(),
        ("removed", '{') => "write `forget vpc.main`".to_owned(),
        _ => return None,
    })
}
