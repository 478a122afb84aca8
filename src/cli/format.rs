//! In which form a command tells what it found. Layer 10.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};

use crate::{
    base::diagnostic::{Diagnostic, Severity},
    cli::load::Texts,
};

/// Who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// One document, as `--json` prints it
    Json,
    /// One document in SARIF 2.1.0, for code scanning
    Sarif,
    /// A line for each finding that GitHub shows beside the lines of a pull request
    Github,
}

/// The form that is asked for; `--json` is the short one of the second.
#[derive(Debug, Clone, Copy, Args)]
pub struct FormatArgs {
    /// The form of what is found
    #[arg(long, value_enum, default_value_t, conflicts_with = "json")]
    format: Format,
}

impl FormatArgs {
    /// What it comes to, `--json` included.
    #[must_use]
    pub fn with(self, json: bool) -> Format {
        if json { Format::Json } else { self.format }
    }
}

/// Diagnostics as GitHub's workflow commands, one a line.
///
/// <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>
#[must_use]
pub fn github(diagnostics: &[Diagnostic], texts: &Texts) -> String {
    let mut lines = String::new();
    for diagnostic in diagnostics {
        let word = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let help = diagnostic.help.as_ref().map_or(String::new(), |h| format!("\n{h}"));
        let _ = write!(lines, "::{word} title={}", property(&format!("{}: {}", diagnostic.code.id, diagnostic.code.title)));
        let at = diagnostic.labels.first().and_then(|l| Some((texts.sources.get(l.span.file())?, texts.path(l.span.file())?, l.span)));
        if let Some((file, path, span)) = at {
            let (start, end) = (file.position(span.start()), file.position(span.end()));
            let _ = write!(lines, ",file={},line={},endLine={}", property(&path.replace('\\', "/")), start.line, end.line);
            // Columns are taken within one line alone.
            if start.line == end.line {
                let _ = write!(lines, ",col={},endColumn={}", start.column, end.column);
            }
        }
        let _ = writeln!(lines, "::{}", data(&format!("{}{help}", diagnostic.message)));
    }
    lines
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{codes::network, span::Span};

    #[test]
    fn a_finding_is_a_line_whatever_is_in_it() {
        let mut texts = Texts { prefix: "a,b/".into(), own: 1, ..Texts::default() };
        let main = texts.sources.add("main.secnet", "subnet a {\n  cidr_block = 10.1.0.0/24\n}\n");
        let one = Diagnostic::error(&network::SUBNET_OUTSIDE_VPC, "100% wrong,\nsee: `a`").at(Span::new(main, 26, 37), "").help("no");
        let wide = Diagnostic::warning(&network::SUBNET_OUTSIDE_VPC, "wide").at(Span::new(main, 0, 39), "");
        let nowhere = Diagnostic::error(&network::SUBNET_OUTSIDE_VPC, "nowhere");
        let wanted = "\
            ::error title=E0301%3A a subnet lies outside its VPC,file=a%2Cb/main.secnet,line=2,endLine=2,col=16,endColumn=27::100%25 wrong,%0Asee: `a`%0Ano\n\
            ::warning title=E0301%3A a subnet lies outside its VPC,file=a%2Cb/main.secnet,line=1,endLine=3::wide\n\
            ::error title=E0301%3A a subnet lies outside its VPC::nowhere\n";
        assert_eq!(github(&[one, wide, nowhere], &texts), wanted);
    }
}
