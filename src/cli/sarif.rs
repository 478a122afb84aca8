//! Diagnostics as SARIF, the form in which code hosts take the findings of checkers. Layer 10.
//!
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use serde::Serialize;

use crate::{
    base::{
        diagnostic::{Code, Diagnostic, Severity},
        span::Span,
    },
    cli::load::Texts,
};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// A whole document.
#[derive(Debug, Serialize)]
pub struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    column_kind: &'static str,
    results: Vec<Finding>,
}

#[derive(Debug, Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Debug, Serialize)]
struct Driver {
    name: &'static str,
    version: &'static str,
    rules: Vec<Rule>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    short_description: Text,
    help: Help,
}

#[derive(Debug, Serialize)]
struct Help {
    text: String,
    markdown: String,
}

#[derive(Debug, Serialize)]
struct Text {
    text: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Text,
    locations: Vec<Location>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<Fix>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Text>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    region: Region,
}

#[derive(Debug, Serialize)]
struct ArtifactLocation {
    uri: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    start_column: usize,
    end_line: usize,
    end_column: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Fix {
    description: Text,
    artifact_changes: Vec<ArtifactChange>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactChange {
    artifact_location: ArtifactLocation,
    replacements: Vec<Replacement>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Replacement {
    deleted_region: Region,
    inserted_content: Text,
}

/// Diagnostics as one run of secnet.
#[must_use]
pub fn log(diagnostics: &[Diagnostic], texts: &Texts) -> Log {
    let mut codes: Vec<&'static Code> = vec![];
    let mut results = vec![];
    for diagnostic in diagnostics {
        let rule_index = codes.iter().position(|c| *c == diagnostic.code).unwrap_or(codes.len());
        if rule_index == codes.len() {
            codes.push(diagnostic.code);
        }
        results.push(finding(diagnostic, rule_index, texts));
    }
    let rules = codes.into_iter().map(rule).collect();
    let driver = Driver { name: "secnet", version: env!("CARGO_PKG_VERSION"), rules };
    let run = Run { tool: Tool { driver }, column_kind: "unicodeCodePoints", results };
    Log { schema: SCHEMA, version: "2.1.0", runs: [run] }
}

fn rule(code: &'static Code) -> Rule {
    let explanation = code.explanation.to_owned();
    let help = Help { text: explanation.clone(), markdown: explanation };
    Rule { id: code.id, short_description: Text { text: code.title.into() }, help }
}

fn finding(diagnostic: &Diagnostic, rule_index: usize, texts: &Texts) -> Finding {
    let help = diagnostic.help.as_ref().map_or(String::new(), |h| format!(". {h}"));
    let mut labels = diagnostic.labels.iter().filter_map(|l| Some((physical(l.span, texts)?, l.text.clone())));
    let message = |text: String| (!text.is_empty()).then_some(Text { text });
    let first = labels.next().map(|(physical_location, text)| Location { id: None, physical_location, message: message(text) });
    let related = labels
        .enumerate()
        .map(|(i, (physical_location, text))| Location { id: Some(i + 1), physical_location, message: message(text) })
        .collect();
    Finding {
        rule_id: diagnostic.code.id,
        rule_index,
        level: match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        message: Text { text: format!("{}{help}", diagnostic.message) },
        locations: first.into_iter().collect(),
        related_locations: related,
        fixes: fix(diagnostic, texts).into_iter().collect(),
    }
}

/// All edits of a diagnostic as one fix.
fn fix(diagnostic: &Diagnostic, texts: &Texts) -> Option<Fix> {
    let change = |edit: &crate::base::diagnostic::Fix| {
        let at = physical(edit.span, texts)?;
        let replacements = vec![Replacement { deleted_region: at.region, inserted_content: Text { text: edit.replacement.clone() } }];
        Some(ArtifactChange { artifact_location: at.artifact_location, replacements })
    };
    let artifact_changes: Vec<ArtifactChange> = diagnostic.fixes.iter().filter_map(change).collect();
    let text = diagnostic.help.clone().unwrap_or_else(|| "edit".into());
    (!artifact_changes.is_empty()).then_some(Fix { description: Text { text }, artifact_changes })
}

fn physical(span: Span, texts: &Texts) -> Option<PhysicalLocation> {
    let file = texts.sources.get(span.file())?;
    let (start, end) = (file.position(span.start()), file.position(span.end()));
    let region = Region { start_line: start.line, start_column: start.column, end_line: end.line, end_column: end.column };
    let uri = texts.path(span.file())?.replace('\\', "/").replace(' ', "%20");
    Some(PhysicalLocation { artifact_location: ArtifactLocation { uri }, region })
}
