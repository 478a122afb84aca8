//! What a function or a statement takes, while it is typed. Layer 9: reads the text as it is, half a call and all.

use gen_lsp_types::{
    ActiveParameter, Documentation, MarkupContent, MarkupKind, ParameterInformation, ParameterInformationLabel, SignatureHelp,
    SignatureInformation,
};

use crate::{
    base::span::Span,
    lsp::{context, session::Project},
    manual::resource as manual,
    registry::{SentenceSpec, Slot},
    resolve, resources,
};

/// Shapes of the statements that no type has.
const SHAPES: &[(&str, &[&str])] = &[
    ("project", &["NAME", "{ SETTINGS }"]),
    ("variable", &["NAME: TYPE", "= DEFAULT", "\"DESCRIPTION\"", "{ sensitive = BOOL  validate CONDITION \"WHY\" }"]),
    ("let", &["NAME", "= VALUE"]),
    ("output", &["NAME", "= VALUE", "\"DESCRIPTION\"", "{ sensitive = BOOL }"]),
    ("existing", &["KIND", "NAME", "{ FILTERS }"]),
    ("policy", &["NAME", "\"DESCRIPTION\"", "{ STATEMENTS }"]),
    ("moved", &["OLD", "to NEW"]),
    ("waive", &["POLICY", "until DATE", "\"REASON\""]),
    ("module", &["NAME", "\"SOURCE\"", "for KEY, VALUE in VALUES", "{ INPUTS }"]),
    ("extend", &["RESOURCE", "{ SENTENCES }"]),
    ("import", &["RESOURCE", "from ID"]),
    ("forget", &["RESOURCE"]),
    ("test", &["\"WHAT HOLDS\"", "{ STATEMENTS }"]),
    ("env", &["NAME", "{ SETTINGS }"]),
];

/// Shapes of what a policy or a test says.
const DEMANDS: &[(&str, &[&str])] = &[
    ("require", &["SERVICES", "from SOURCES", "to TARGETS", "client PORTS"]),
    ("forbid", &["SERVICES", "from SOURCES", "to TARGETS", "except SERVICES", "from SOURCES"]),
];

/// What the innermost call or statement around a place takes.
pub(super) fn help(project: &Project, at: Span) -> Option<SignatureHelp> {
    let text = &project.opened.as_ref().ok()?.analysis.sources.get(at.file())?.text;
    let before = text.get(..at.start())?;
    call(before).or_else(|| statement(project, at, before))
}

fn told(head: &str, parts: &[String], join: (&str, &str, &str), active: usize, doc: Option<String>) -> SignatureHelp {
    let label = format!("{head}{}{}{}", join.0, parts.join(join.1), join.2);
    let one = |part: &String| ParameterInformation { label: ParameterInformationLabel::String(part.clone()), documentation: None };
    let active = u32::try_from(active.min(parts.len().saturating_sub(1))).unwrap_or_default();
    let documentation = doc.map(|value| Documentation::MarkupContent(MarkupContent { kind: MarkupKind::Markdown, value }));
    let signature = SignatureInformation {
        label,
        documentation,
        parameters: Some(parts.iter().map(one).collect()),
        active_parameter: Some(ActiveParameter::Int(active)),
    };
    SignatureHelp { signatures: vec![signature], active_signature: Some(0), active_parameter: Some(ActiveParameter::Int(active)) }
}

/// The function whose brackets are open, and which argument is being written.
fn call(before: &str) -> Option<SignatureHelp> {
    let (open, commas) = innermost(before)?;
    let head = before.get(..open)?;
    let name = head.rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next()?;
    let function = resolve::functions().find(|f| f.name == name)?;
    let (_, arguments) = function.usage.split_once('(')?;
    let parts = split(arguments.rsplit_once(')').map_or(arguments, |(inner, _)| inner));
    Some(told(name, &parts, ("(", ", ", ")"), commas, Some(function.doc.to_owned())))
}

/// The last round bracket of the statement that is still open, and how many commas stand after it at its own level.
fn innermost(before: &str) -> Option<(usize, usize)> {
    let mut open: Vec<(char, usize, usize)> = vec![];
    let mut quoted = false;
    let mut chars = before.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if quoted => drop(chars.next()),
            '"' => quoted = !quoted,
            // No text goes on over its line without being closed.
            '\n' if quoted => quoted = false,
            _ if quoted => {}
            '#' => while chars.next_if(|(_, c)| *c != '\n').is_some() {},
            '/' if chars.peek().is_some_and(|(_, c)| *c == '/') => while chars.next_if(|(_, c)| *c != '\n').is_some() {},
            '(' | '[' | '{' => open.push((c, at, 0)),
            ')' | ']' | '}' => drop(open.pop()),
            ',' => open.last_mut().into_iter().for_each(|o| o.2 += 1),
            _ => {}
        }
    }
    let inner = open.iter().rev().take_while(|o| o.0 != '{').find(|o| o.0 == '(')?;
    Some((inner.1, inner.2))
}

/// Arguments, as they are separated.
fn split(text: &str) -> Vec<String> {
    let (mut parts, mut depth, mut quoted) = (vec![String::new()], 0_usize, false);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted => depth = depth.saturating_sub(1),
            ',' if !quoted && depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().into_iter().for_each(|part| part.push(c));
    }
    parts.iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

/// The sentence or the statement that is being written, once its first word is.
fn statement(project: &Project, at: Span, before: &str) -> Option<SignatureHelp> {
    let line = before.rsplit('\n').next().unwrap_or_default();
    let line = line.rsplit('{').next().unwrap_or(line);
    let typed = line.trim_start();
    let (head, rest) = typed.split_once(|c: char| c.is_whitespace())?;
    if rest.trim_start().starts_with('=') {
        return None;
    }
    let around = context::around(project, at);
    let Some(around) = around else {
        let (_, shape) = SHAPES.iter().find(|(word, _)| *word == head)?;
        return Some(shaped(head, shape, rest));
    };
    if let Some((_, shape)) = DEMANDS.iter().find(|(word, _)| *word == head).filter(|_| matches!(&*around.kind, "policy" | "test")) {
        return Some(shaped(head, shape, rest));
    }
    let sentence = resources::spec(&around.kind)?.sentences.iter().find(|s| s.head == head)?;
    let parts = slots(sentence);
    let shape: Vec<&str> = parts.iter().map(|p| &**p).collect();
    Some(told(head, &parts, (" ", " ", ""), active(&shape, rest), manual::about_sentence(&around.kind, head)))
}

fn shaped(head: &str, shape: &[&str], rest: &str) -> SignatureHelp {
    let parts: Vec<String> = shape.iter().map(ToString::to_string).collect();
    told(head, &parts, (" ", " ", ""), active(shape, rest), None)
}

/// The slots of a sentence, each with the word before it.
fn slots(sentence: &SentenceSpec) -> Vec<String> {
    let mut parts: Vec<String> = vec![];
    let mut word: Option<&str> = None;
    for slot in sentence.slots {
        let name = match slot {
            Slot::Word(before) => {
                word = Some(before);
                continue;
            }
            Slot::Choice(_, words) => words.join("|"),
            Slot::Text(name) => format!("\"{}\"", name.to_uppercase()),
            Slot::Number(name) | Slot::Services(name) | Slot::Peers(name, _) | Slot::Target(name, _) => name.to_uppercase(),
        };
        parts.push(word.take().map_or(name.clone(), |word| format!("{word} {name}")));
    }
    parts.extend(word.map(str::to_owned));
    parts
}

/// Which part is being written: that of the last word which begins one, and what was written since.
fn active(shape: &[&str], rest: &str) -> usize {
    let mut words = rest.split_whitespace().collect::<Vec<_>>();
    // The last word is still being typed, if no blank follows.
    let open = rest.ends_with(|c: char| !c.is_whitespace());
    let last = if open { words.pop() } else { None };
    let mut at = 0;
    let mut fresh = true;
    for word in words {
        let begins = shape.iter().enumerate().skip(at).find(|(_, part)| part.split_whitespace().next() == Some(word));
        match begins {
            Some((n, part)) if part.contains(' ') => (at, fresh) = (n, true),
            _ if word.ends_with(',') => {}
            _ if fresh => fresh = false,
            _ => at += 1,
        }
    }
    let begins_next = last.is_none_or(|word| !word.ends_with(','));
    if !fresh && begins_next { (at + 1).min(shape.len().saturating_sub(1)) } else { at }
}
