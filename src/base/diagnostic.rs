//! What a user got wrong, as plain data. Layer 0; the terminal, `--json` and the editor are views of it.

use super::span::Span;

/// A kind of message, with the long explanation that `secnet explain CODE` prints.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// `E0203`: E for errors, W for warnings; the first two digits name the area.
    pub id: &'static str,
    /// One line.
    pub title: &'static str,
    /// Markdown: what it means, why secnet minds, an example, and the way out.
    pub explanation: &'static str,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Stops the command.
    Error,
    /// Does not stop it.
    Warning,
}

/// A piece of text that is underlined, and what is said under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// What is underlined.
    pub span: Span,
    /// Said at the underline; may be empty on the primary label.
    pub text: String,
}

/// An edit that would mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What is replaced; empty for an insertion.
    pub span: Span,
    /// The new text.
    pub replacement: String,
}

/// One message about the sources (or the state, or the environment: then it has no labels).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of message.
    pub code: &'static Code,
    /// Error or warning.
    pub severity: Severity,
    /// One lower-case clause, no full stop, the user's text in backticks.
    pub message: String,
    /// The first is the primary one: the smallest text that must change.
    pub labels: Vec<Label>,
    /// What to do, as an imperative with the concrete value.
    pub help: Option<String>,
    /// Edits that would mend it, all of them together.
    pub fixes: Vec<Fix>,
}

impl Diagnostic {
    /// An error without places yet.
    #[must_use]
    pub fn error(code: &'static Code, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, message: message.into(), labels: vec![], help: None, fixes: vec![] }
    }

    /// A warning without places yet.
    #[must_use]
    pub fn warning(code: &'static Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// What puts messages in order, whatever order they were found in: place, code, words. What has no place comes first.
    #[must_use]
    pub fn place(&self) -> (Option<Span>, &str, &str) {
        (self.labels.first().map(|l| l.span), self.code.id, &self.message)
    }

    /// Underlines one more place, if there is one; the first gives the primary label.
    #[must_use]
    pub fn at(mut self, span: impl Into<Option<Span>>, text: impl Into<String>) -> Self {
        if let Some(span) = span.into() {
            self.labels.push(Label { span, text: text.into() });
        }
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Offers an edit; after the first, one more that belongs to it.
    #[must_use]
    pub fn fix(mut self, span: Span, replacement: impl Into<String>) -> Self {
        self.fixes.push(Fix { span, replacement: replacement.into() });
        self
    }
}

/// Where stages put what they find; they go on after it.
#[derive(Debug, Default)]
pub struct Sink {
    /// In the order they were found.
    pub all: Vec<Diagnostic>,
}

impl Sink {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.all.push(diagnostic);
    }

    /// Whether anything in it stops the command.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.all.iter().any(|d| d.severity == Severity::Error)
    }
}

/// The candidate nearest to `word`, if one is near enough to be what was meant.
///
/// Optimal string alignment distance, at most a third of the longer word.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|c| (distance(word, c), c))
        .filter(|(d, c)| *d > 0 && *d * 3 <= word.chars().count().max(c.chars().count()).max(3))
        .min()
        .map(|(_, c)| c)
}

fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let best = change.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if swap { best.min(rows[i - 2][j - 2] + 1) } else { best }
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_found_and_a_far_one_is_not() {
        assert_eq!(nearest("cidr_blok", ["cidr_block", "vpc"]), Some("cidr_block"));
        assert_eq!(nearest("vcp", ["vpc", "subnet"]), Some("vpc"));
        assert_eq!(nearest("tags", ["subnet"]), None);
    }
}
