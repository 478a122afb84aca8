//! Diagnostics on a terminal and as JSON. Layer 10; the only home of miette.
//!
//! `--json` prints, with stable names: `code`, `severity` (`error`, `warning`), `message`, `labels` (each with `file`, `start`, `end`, `text`; the
//! first is the primary one), `help`, `fix` (`file`, `start`, `end`, `replacement`) and, where one edit is not enough, `more_fixes`. The place of the first label stands at the top level
//! too (`file`, `start`, `end`). `start` and `end` have `line` and `column` (in characters, from 1) and `byte` (from 0).

use std::{collections::BTreeMap, fmt, sync::Arc};

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource};
use serde::Serialize;

use crate::{
    base::{
        diagnostic::{Diagnostic, Fix, Label, Severity},
        span::{FileId, Span},
    },
    cli::load::Texts,
};

/// A terminal is flooded by more; `--json` has all of them.
const SHOWN_MAX: usize = 100;

/// How diagnostics are shown to people.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// With colours.
    pub colour: bool,
    /// Columns.
    pub width: usize,
}

/// Diagnostics as people read them, with a closing line that counts them; empty where there are none.
#[must_use]
pub fn to_text(diagnostics: &[Diagnostic], texts: &Texts, look: Look) -> String {
    let Some(first) = diagnostics.first() else { return String::new() };
    let theme = if look.colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(look.width).with_links(false).without_syntax_highlighting();
    let handler = handler.without_cause_chain().with_context_lines(1).with_show_related_as_nested(true);
    let shown: BTreeMap<FileId, Arc<str>> = texts.sources.iter().map(|(id, file)| (id, printable(file.shown()))).collect();
    let mut text = String::new();
    for diagnostic in diagnostics.iter().take(SHOWN_MAX) {
        let view = View::of(diagnostic, texts, &shown);
        // Writing into a String does not fail, nor does miette on spans inside the text; without the snippet the message stands.
        let mut one = String::new();
        if handler.render_report(&mut one, &view).is_err() {
            one = format!("{}: {}\n", diagnostic.code.id, diagnostic.message);
        }
        let lines = one.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        text.push_str(lines.trim_matches('\n'));
        text.push_str("\n\n");
    }
    if diagnostics.len() > SHOWN_MAX {
        text.push_str(&format!("and {} more; `--json` prints all\n", diagnostics.len() - SHOWN_MAX));
    }
    let codes = first.code.id;
    text.push_str(&format!("{}; `secnet explain {codes}` says more\n", counted(diagnostics)));
    text
}

fn counted(diagnostics: &[Diagnostic]) -> String {
    let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
    let plural = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    match (errors, diagnostics.len() - errors) {
        (errors, 0) => plural(errors, "error"),
        (0, warnings) => plural(warnings, "warning"),
        (errors, warnings) => format!("{}, {}", plural(errors, "error"), plural(warnings, "warning")),
    }
}

/// A source as it can be shown: what a terminal would obey, or what would turn the line round, is replaced byte for byte.
fn printable(text: &str) -> Arc<str> {
    let obeyed = |c: char| (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !text.contains(obeyed) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\r' if rest.peek() == Some(&'\n') => shown.push(' '),
            c if obeyed(c) => shown.extend(std::iter::repeat_n('?', c.len_utf8())),
            c => shown.push(c),
        }
    }
    shown.into()
}

/// A diagnostic, or the labels of one that lie in another file, as miette wants it.
struct View {
    code: Option<String>,
    severity: miette::Severity,
    message: String,
    help: Option<String>,
    source: Option<NamedSource<Arc<str>>>,
    labels: Vec<LabeledSpan>,
    related: Vec<View>,
}

impl View {
    fn of(diagnostic: &Diagnostic, texts: &Texts, shown: &BTreeMap<FileId, Arc<str>>) -> Self {
        let source = |file: FileId| Some(NamedSource::new(texts.path(file)?, shown.get(&file)?.clone()));
        let home = diagnostic.labels.first().map(|label| label.span.file());
        let (here, elsewhere): (Vec<&Label>, Vec<&Label>) = diagnostic.labels.iter().partition(|l| Some(l.span.file()) == home);
        let mut related: BTreeMap<FileId, Vec<&Label>> = BTreeMap::new();
        for label in elsewhere {
            related.entry(label.span.file()).or_default().push(label);
        }
        let related = related.into_iter().map(|(file, labels)| View {
            code: None,
            severity: miette::Severity::Advice,
            message: "see also".into(),
            help: None,
            source: source(file),
            labels: labels.into_iter().map(labelled).collect(),
            related: vec![],
        });
        View {
            code: Some(diagnostic.code.id.into()),
            severity: match diagnostic.severity {
                Severity::Error => miette::Severity::Error,
                Severity::Warning => miette::Severity::Warning,
            },
            message: diagnostic.message.clone(),
            help: diagnostic.help.clone(),
            source: home.and_then(source),
            labels: here.into_iter().map(labelled).collect(),
            related: related.collect(),
        }
    }
}

fn labelled(label: &Label) -> LabeledSpan {
    let text = Some(label.text.clone()).filter(|t| !t.is_empty());
    LabeledSpan::new(text, label.span.start(), label.span.len())
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for View {}

impl miette::Diagnostic for View {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.code.as_ref().map(|c| Box::new(c) as Box<dyn fmt::Display>)
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|h| Box::new(h) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.source.as_ref().map(|s| s as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        (!self.labels.is_empty()).then(|| Box::new(self.labels.iter().cloned()) as Box<dyn Iterator<Item = LabeledSpan>>)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn miette::Diagnostic> + 'a>> {
        (!self.related.is_empty())
            .then(|| Box::new(self.related.iter().map(|r| r as &dyn miette::Diagnostic)) as Box<dyn Iterator<Item = _>>)
    }
}

/// A diagnostic as JSON.
#[derive(Debug, Serialize)]
pub struct Message {
    code: &'static str,
    severity: &'static str,
    message: String,
    #[serde(flatten)]
    place: Option<Place>,
    labels: Vec<JsonLabel>,
    help: Option<String>,
    fix: Option<JsonFix>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    more_fixes: Vec<JsonFix>,
}

#[derive(Debug, Serialize)]
struct Place {
    file: String,
    start: Point,
    end: Point,
}

#[derive(Debug, Serialize)]
struct Point {
    line: usize,
    column: usize,
    byte: usize,
}

#[derive(Debug, Serialize)]
struct JsonLabel {
    #[serde(flatten)]
    place: Option<Place>,
    text: String,
}

#[derive(Debug, Serialize)]
struct JsonFix {
    #[serde(flatten)]
    place: Option<Place>,
    replacement: String,
}

/// Diagnostics as machines read them.
#[must_use]
pub fn to_json(diagnostics: &[Diagnostic], texts: &Texts) -> Vec<Message> {
    let place = |span: Span| {
        let file = texts.sources.get(span.file())?;
        let point = |byte: usize| {
            let position = file.position(byte);
            Point { line: position.line, column: position.column, byte }
        };
        Some(Place { file: texts.path(span.file())?, start: point(span.start()), end: point(span.end()) })
    };
    let fix = |f: &Fix| JsonFix { place: place(f.span), replacement: f.replacement.clone() };
    let message = |d: &Diagnostic| Message {
        code: d.code.id,
        severity: match d.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        message: d.message.clone(),
        place: d.labels.first().and_then(|l| place(l.span)),
        labels: d.labels.iter().map(|l| JsonLabel { place: place(l.span), text: l.text.clone() }).collect(),
        help: d.help.clone(),
        fix: d.fixes.first().map(fix),
        more_fixes: d.fixes.iter().skip(1).map(fix).collect(),
    };
    diagnostics.iter().map(message).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::codes::network;

    fn two_files() -> (Texts, Diagnostic) {
        let mut texts = Texts::default();
        let main = texts.sources.add("main.secnet", "subnet a {\n  cidr_block = 10.1.0.0/24\n}\n");
        let vpc = texts.sources.add("vpc.secnet", "vpc main {\n  cidr_block = 10.0.0.0/16\n}\n");
        let diagnostic = Diagnostic::error(&network::SUBNET_OUTSIDE_VPC, "subnet `a` lies outside the range of `vpc.main`")
            .at(Span::new(main, 26, 37), "outside")
            .at(Span::new(vpc, 26, 37), "the range of `vpc.main`")
            .help("choose a range inside 10.0.0.0/16")
            .fix(Span::new(main, 26, 37), "10.0.0.0/24");
        (texts, diagnostic)
    }

    #[test]
    fn labels_in_two_files_are_shown_with_both() {
        let (texts, diagnostic) = two_files();
        let text = to_text(&[diagnostic], &texts, Look { colour: false, width: 80 });
        let wanted = "
E0301

  × subnet `a` lies outside the range of `vpc.main`
   ╭─[main.secnet:2:16]
 1 │ subnet a {
 2 │   cidr_block = 10.1.0.0/24
   ·                ─────┬─────
   ·                     ╰── outside
 3 │ }
   ╰────
  help: choose a range inside 10.0.0.0/16
  ╰─▶   ☞ see also
         ╭─[vpc.secnet:2:16]
       1 │ vpc main {
       2 │   cidr_block = 10.0.0.0/16
         ·                ─────┬─────
         ·                     ╰── the range of `vpc.main`
       3 │ }
         ╰────

1 error; `secnet explain E0301` says more
";
        assert_eq!(text, wanted.trim_start());
    }

    #[test]
    fn places_count_from_one_and_bytes_from_zero() {
        let (texts, diagnostic) = two_files();
        let json = serde_json::to_value(to_json(&[diagnostic], &texts)).unwrap_or_default();
        let wanted = serde_json::json!({"file": "main.secnet", "start": {"line": 2, "column": 16, "byte": 26}, "end": {"line": 2, "column": 27, "byte": 37}});
        assert_eq!(json[0]["start"], wanted["start"]);
        assert_eq!(json[0]["labels"][0]["end"], wanted["end"]);
        assert_eq!(json[0]["fix"]["file"], wanted["file"]);
        assert_eq!((&json[0]["code"], &json[0]["labels"][1]["file"]), (&"E0301".into(), &"vpc.secnet".into()));
    }

    #[test]
    fn what_a_terminal_would_obey_is_not_shown() {
        assert_eq!(&*printable("a\x1b[2J\r\n\u{202e}b"), "a?[2J \n???b");
    }
}
