//! Where everything that is printed goes through. Layer 10; decides on colours.

use std::io::{IsTerminal, Write};

use serde::Serialize;

use crate::{
    base::diagnostic::Diagnostic,
    cli::{
        format::{self, Format},
        load::Texts,
        report::{self, Look, Message},
        sarif,
    },
    manual::terminal,
};

/// Wide enough for a plan's line; used where nothing tells the width.
const WIDTH: usize = 100;

/// The two streams of a command.
///
/// Standard output has results; with `--json`, one document and nothing else. Diagnostics go to standard error.
#[derive(Debug, Clone, Copy)]
pub struct Printer {
    /// Whether standard output belongs to a machine.
    pub json: bool,
    /// The form of what is found.
    pub format: Format,
    colour_out: bool,
    colour_err: bool,
    width: usize,
}

/// What `--json` prints when a command stops before it has a result.
#[derive(Serialize)]
struct Stopped {
    format: u32,
    diagnostics: Vec<Message>,
}

/// The columns of the window, if there is one.
fn window() -> Option<usize> {
    terminal_size::terminal_size().map(|(terminal_size::Width(columns), _)| columns.into())
}

impl Printer {
    /// Looks at the streams and at `NO_COLOR` (<https://no-color.org>).
    #[must_use]
    pub fn new(format: Format) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
        let wanted = wanted && std::env::var_os("TERM").is_none_or(|t| t != "dumb");
        let columns = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
        Self {
            json: format != Format::Text,
            format,
            colour_out: wanted && std::io::stdout().is_terminal(),
            colour_err: wanted && std::io::stderr().is_terminal(),
            width: columns.or_else(window).unwrap_or(WIDTH).clamp(40, 200),
        }
    }

    /// Whether what [`Printer::say`] says may have colours.
    #[must_use]
    pub fn colour(&self) -> bool {
        if self.json { self.colour_err } else { self.colour_out }
    }

    /// The same with all that is said on standard error: standard output is for one result alone.
    #[must_use]
    pub fn aside(&self) -> Self {
        Self { json: true, ..*self }
    }

    /// How prose may look on standard output.
    #[must_use]
    pub fn prose(&self) -> terminal::Look {
        terminal::Look { colour: self.colour_out, width: self.width }
    }

    /// How diagnostics look among what [`Printer::say`] says.
    #[must_use]
    pub fn look(&self) -> Look {
        Look { colour: self.colour(), width: self.width }
    }

    /// Whether somebody can be asked.
    #[must_use]
    pub fn can_ask(&self) -> bool {
        !self.json && std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
    }

    /// Whether progress may be drawn over.
    #[must_use]
    pub fn can_draw(&self) -> bool {
        !self.json && std::io::stdout().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Says something to people: on standard output, or beside it where that belongs to a machine.
    pub fn say(&self, text: &str) {
        if self.json { self.whisper(text) } else { self.result(text) }
    }

    /// Prints a result, as it is.
    pub fn result(&self, text: &str) {
        // Whoever closed the other end of the pipe has read enough.
        let _ = writeln!(std::io::stdout().lock(), "{}", text.strip_suffix('\n').unwrap_or(text));
    }

    /// Says something on standard error.
    pub fn whisper(&self, text: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{}", text.strip_suffix('\n').unwrap_or(text));
    }

    /// Prints the one document of `--json`.
    pub fn document(&self, document: &impl Serialize) {
        // Our own types, whose maps have texts for keys, always turn into JSON.
        let text = serde_json::to_string_pretty(document).unwrap_or_default();
        self.result(&text);
    }

    /// Prints without a line's end, for a question.
    pub fn ask(&self, question: &str) {
        let mut out = std::io::stdout().lock();
        let _ = write!(out, "{question}").and_then(|()| out.flush());
    }

    /// Shows diagnostics to people; machines get theirs in the document.
    pub fn diagnostics(&self, diagnostics: &[Diagnostic], texts: &Texts) {
        if !self.json && !diagnostics.is_empty() {
            self.whisper(&report::to_text(diagnostics, texts, Look { colour: self.colour_err, width: self.width }));
        }
    }

    /// Tells what was found: to people, in SARIF or to GitHub; in JSON it is a part of what the command itself prints.
    pub fn findings(&self, diagnostics: &[Diagnostic], texts: &Texts) {
        match self.format {
            Format::Text => self.diagnostics(diagnostics, texts),
            Format::Json => {}
            Format::Sarif => self.document(&sarif::log(diagnostics, texts)),
            Format::Github if diagnostics.is_empty() => {}
            Format::Github => self.result(&format::github(diagnostics, texts)),
        }
    }

    /// Says why a command stops: the whole document of `--json`, or what is found in another form.
    pub fn stopped(&self, diagnostics: &[Diagnostic], texts: &Texts) {
        if self.format == Format::Json {
            self.document(&Stopped { format: 1, diagnostics: report::to_json(diagnostics, texts) });
        } else {
            self.findings(diagnostics, texts);
        }
    }
}
