//! What is wrong with what did not parse, where, and what of it can be kept. Layer 1.
//!
//! The text of an error node is parsed again with the rule that it seems to be of, without recovery, up to where the next
//! statement begins: so the place where pest got furthest is the place of the mistake, and what it tried there is what was
//! expected. What is open at that place is known from `scan`.

use pest::{
    Parser as _,
    error::{ErrorVariant, InputLocation},
};

use super::{
    expected::{expected, found, token_len},
    grammar::{Grammar, Rule},
    item::Lower,
    scan::{Open, Scan, What, is_word, starts_item, starts_statement},
};
use crate::base::{codes::syntax as codes, diagnostic::Diagnostic};

/// How far behind what was skipped a mistake is looked for, in bytes: what was skipped holds whole brackets, so that only a value that goes
/// on after an operator reaches further. Without a limit, a file of broken lines would be read once for each.
const LOOK_AHEAD: usize = 2000;

/// Where a statement stops making sense, and what was tried there.
struct Failure {
    at: usize,
    expected: Vec<Rule>,
}

/// Everything known about a broken statement.
struct Broken<'t> {
    rule: Rule,
    start: usize,
    /// Where the next statement begins.
    end: usize,
    failure: Failure,
    /// At the failure.
    scan: Scan<'t>,
}

impl<'a> Lower<'a> {
    /// Says what is wrong with the statement of this rule at `start`.
    ///
    /// Gives the place of a comma or semicolon that alone is too much.
    pub(super) fn explain(&mut self, rule: Rule, start: usize, node_end: usize) -> Option<usize> {
        let end = break_off(self.text, start, node_end + LOOK_AHEAD);
        let slice = self.text.get(start..end).unwrap_or("");
        let failure = match Grammar::parse(rule, slice) {
            Ok(_) => Failure { at: end, expected: vec![] },
            Err(error) => {
                let at = match error.location {
                    InputLocation::Pos(at) | InputLocation::Span((at, _)) => start + at,
                };
                match error.variant {
                    ErrorVariant::ParsingError { positives, .. } => Failure { at, expected: positives },
                    ErrorVariant::CustomError { .. } => Failure { at, expected: vec![] },
                }
            }
        };
        self.reported_until = self.reported_until.max(failure.at);
        let word = word_at(slice);
        if failure.at == start && !word.is_empty() {
            // The keyword alone was read; blanks have no name to be expected by.
            self.sink.push(codes::breaks_off(self.at(start, start + word.len()), "a name", word));
            return None;
        }
        let scan = Scan::new(self.text, start).to(failure.at);
        let broken = Broken { rule, start, end, failure, scan };
        let separator = self.rest(broken.failure.at).starts_with([',', ';']) && broken.scan.innermost().is_none();
        let diagnostic = self.unclosed(&broken).or_else(|| self.habit(&broken)).unwrap_or_else(|| self.plainly(&broken));
        self.sink.push(diagnostic);
        separator.then_some(broken.failure.at)
    }

    fn rest(&self, at: usize) -> &'a str {
        self.text.get(at..).unwrap_or("")
    }

    /// What was opened and not closed, or closed by something else.
    fn unclosed(&mut self, broken: &Broken<'_>) -> Option<Diagnostic> {
        let at = broken.failure.at;
        let open = broken.scan.innermost()?;
        let rest = self.text.get(at..broken.end).unwrap_or("");
        let span = self.at(open.at, open.at + open.len);
        let at_end = rest.trim_start_matches([' ', '\t', '\r', '\n']).is_empty();
        match open.what {
            What::Quote => return (at_end || rest.starts_with(['\n', '\r', '\\'])).then(|| codes::unterminated_text(span)),
            What::Heredoc => {
                let word = self.text.get(open.at..open.at + open.len).unwrap_or("").trim_start_matches(['<', '~']);
                return Some(codes::unterminated_heredoc(span, word));
            }
            _ => {}
        }
        if let Some(closing @ (')' | ']')) = rest.chars().next() {
            let mut text = [0; 4];
            let text: &str = closing.encode_utf8(&mut text);
            return (open.what.closing() != text).then(|| codes::mismatched(span, self.at(at, at + 1), open.what.closing(), text));
        }
        let is_head = rest.starts_with('=') && !broken.failure.expected.contains(&Rule::operator);
        let breaks_off =
            at_end || is_head && open.what == What::Paren || rest.starts_with('}') && open.what != What::Brace && open.what != What::Value;
        if breaks_off || self.outside_of(open, at) {
            self.has_unclosed = true;
            let end = if at_end { None } else { Some(self.at(at, at + token_len(rest))) };
            return Some(codes::unclosed(span, open.what.opening(), open.what.closing(), end));
        }
        None
    }

    /// Whether a line begins at `at` that is indented no more than the one that opened a brace.
    fn outside_of(&self, open: Open, at: usize) -> bool {
        let start = self.line_start(at);
        open.what == What::Brace && start > open.at && indent(self.rest(start)) <= indent(self.rest(self.line_start(open.at)))
    }

    fn line_start(&self, at: usize) -> usize {
        self.text.get(..at).and_then(|t| t.rfind('\n')).map_or(0, |n| n + 1)
    }

    /// What people write who know another language.
    fn habit(&self, broken: &Broken<'_>) -> Option<Diagnostic> {
        let at = broken.failure.at;
        let rest = self.text.get(at..broken.end).unwrap_or("");
        let token = rest.get(..token_len(rest)).unwrap_or("");
        let span = self.at(at, at + token.len());
        let expects = |rule| broken.failure.expected.contains(&rule);
        let before = self.text.get(broken.scan.last.0..broken.scan.last.1).unwrap_or("");
        let plain = || codes::unexpected(span, &self.wanted(broken), &found(rest));
        Some(match token {
            "," if expects(Rule::kw_in) => plain().help("a `for` has one name, or two: the key and the element"),
            "=" | "of" | ":" if expects(Rule::kw_in) => plain().help("write `for name in values`").fix(span, "in"),
            "=" | ":" | "->" if expects(Rule::arrow) => plain().help("write `key => value`").fix(span, "=>"),
            "=>" if expects(Rule::operator) => {
                plain().help("`=>` stands in a map that is computed: `{for key, value in values : key => value}`")
            }
            ":" | ":=" | "=>" | "==" | "+=" | "->" if expects(Rule::eq) => codes::wrong_equals(span, before, token),
            "=" if broken.rule == Rule::resource => return self.header(broken, plain()),
            "=" if expects(Rule::operator) => plain().help("compare with `==`"),
            "=" => plain().help("a statement has one `=`"),
            "?" => plain().help("write `if condition then value else other`"),
            "&" | "and" => plain().help("write `&&`").fix(span, "&&"),
            "|" | "or" => plain().help("write `||`").fix(span, "||"),
            "not" => plain().help("write `!`"),
            "'" => plain().help("a text stands in double quotes: `\"text\"`"),
            "${" => plain().help("`${...}` belongs in a text; here write the value itself"),
            ";" => plain().help("delete it: statements end with their line").fix(span, ""),
            "," if broken.scan.innermost().is_none() => plain().help("delete it: attributes stand without commas").fix(span, ""),
            "(" if before.ends_with('/') || self.text.get(..at).is_some_and(|t| t.ends_with('/')) => {
                plain().help("compute a network with `cidr(address, bits)`")
            }
            _ if broken.rule == Rule::sentence
                && broken.scan.innermost().is_none()
                && rest.starts_with(['+', '-', '*', '%', '/', '<', '>', '!', '?', '=']) =>
            {
                plain().help("put what is computed in parentheses")
            }
            _ if broken.rule == Rule::resource && expects(Rule::block) | expects(Rule::lbrace) => return self.header(broken, plain()),
            _ => return None,
        })
    }

    /// A block whose head is no head: perhaps its first word is a near miss.
    fn header(&self, broken: &Broken<'_>, plain: Diagnostic) -> Option<Diagnostic> {
        let word = word_at(self.rest(broken.start));
        let keywords = [
            "project", "variable", "let", "output", "existing", "moved", "policy", "waive", "module", "extend", "import", "forget", "test",
            "env",
        ];
        crate::base::diagnostic::nearest(word, keywords).map(|near| plain.help(format!("did you mean `{near}` instead of `{word}`?")))
    }

    fn wanted(&self, broken: &Broken<'_>) -> String {
        if broken.rule == Rule::sentence && broken.scan.innermost().is_none() {
            return "the next word of the sentence or the end of the line".to_owned();
        }
        let wanted = expected(&broken.failure.expected);
        if wanted.is_empty() { "the end of the statement".to_owned() } else { wanted }
    }

    /// What was expected, and what stands there.
    fn plainly(&self, broken: &Broken<'_>) -> Diagnostic {
        let at = broken.failure.at;
        let rest = self.text.get(at..broken.end).unwrap_or("");
        let wanted = self.wanted(broken);
        let (last_start, last_end) = broken.scan.last;
        let passed_line = self.text.get(last_end..at).is_some_and(|t| t.contains('\n'));
        if rest.is_empty() || passed_line || rest.starts_with(['\n', '\r', ' ', '\t', '#']) || rest.starts_with("//") {
            let last = self.text.get(last_start..last_end).unwrap_or("");
            let last = last.rsplit('\n').next().unwrap_or(last);
            return codes::breaks_off(self.at(last_end - last.len().min(last_end), last_end), &wanted, last);
        }
        codes::unexpected(self.at(at, at + token_len(rest)), &wanted, &found(rest))
    }

    /// Of the braces in a block that ends without its `}`, the first that is closed at a smaller indentation than it was opened at:
    /// the one that lacks its `}`, as far as anybody can tell.
    pub(super) fn odd_brace(&self, opening: usize, end: usize) -> Option<usize> {
        let scan = Scan::new(self.text, opening).to(end);
        let indent_at = |at: usize| indent(self.rest(self.line_start(at)));
        let first_in_line = |at: usize| self.text.get(self.line_start(at)..at).is_some_and(|t| t.trim().is_empty());
        scan.closed.iter().filter(|(open, close)| first_in_line(*close) && indent_at(*open) > indent_at(*close)).map(|c| c.0).min()
    }

    /// The end of the last token before a brace should have been closed, going by the indentation, and the end of its line.
    pub(super) fn closing_line(&self, opening: usize) -> Option<(usize, usize)> {
        let limit = indent(self.rest(self.line_start(opening)));
        let mut at = opening + self.rest(opening).find('\n')?;
        loop {
            let next = self.rest(at + 1);
            let line = next.lines().next()?;
            if !line.trim().is_empty() && indent(line) <= limit {
                return Some((Scan::new(self.text, opening).to(at).last.1, at));
            }
            at += 1 + next.find('\n')?;
        }
    }
}

/// The word at the start of a text.
pub(super) fn word_at(text: &str) -> &str {
    text.get(..text.find(|c| !is_word(c)).unwrap_or(text.len())).unwrap_or("")
}

/// Where the statement at `start` ends at the latest: before what looks like the next one, or with the line at `limit`.
fn break_off(text: &str, start: usize, limit: usize) -> usize {
    let mut scan = Scan::new(text, start);
    loop {
        let rest = text.get(scan.at..).unwrap_or("");
        let innermost = scan.innermost().map(|o| o.what);
        let ends = match rest.as_bytes().first() {
            None => true,
            Some(b'\n') if scan.at >= limit => true,
            Some(b'\n') if innermost == Some(What::Quote) => true,
            Some(b'\n') if scan.in_code() => starts_item(rest) || innermost != Some(What::Brace) && starts_statement(rest),
            Some(b'}') if scan.in_code() => !scan.open.iter().any(|o| matches!(o.what, What::Brace | What::Value)),
            _ => false,
        };
        if ends || !scan.step() {
            return scan.at;
        }
    }
}

fn indent(line: &str) -> usize {
    line.bytes().take_while(|b| matches!(b, b' ' | b'\t')).count()
}
