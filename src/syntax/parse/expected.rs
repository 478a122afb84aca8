//! What the grammar would have taken at a place, in the user's words. Layer 1.

use std::collections::BTreeSet;

use super::grammar::Rule;

/// `a value`, "`]` or `,`": at most four, the most telling first. Empty where nothing of it would help.
pub(super) fn expected(rules: &[Rule]) -> String {
    let words: BTreeSet<(u8, &'static str)> = rules.iter().filter_map(|rule| word(*rule)).collect();
    // A quote where no other value may stand.
    if rules.contains(&Rule::quote) && words.is_empty() {
        return "a text in quotes".to_owned();
    }
    let best = words.iter().next().map_or(0, |w| w.0);
    // Where a value may stand, a name and an opening bracket go without saying; what could go on is said only where nothing is missing.
    let telling = |level: u8| level == best || if best == 1 { level == 6 } else { level < 8 };
    let words: Vec<&str> = words.iter().filter(|w| telling(w.0)).map(|w| w.1).take(4).collect();
    match words.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

/// How early it is named, and its name.
fn word(rule: Rule) -> Option<(u8, &'static str)> {
    Some(match rule {
        Rule::expr
        | Rule::operand
        | Rule::term
        | Rule::string
        | Rule::map
        | Rule::list
        | Rule::paren
        | Rule::network
        | Rule::conditional => (1, "a value"),
        Rule::float | Rule::int | Rule::duration | Rule::constant | Rule::call | Rule::service | Rule::service_of => (1, "a value"),
        Rule::name | Rule::plain | Rule::word => (2, "a name"),
        Rule::target => (2, "an address like `vpc.main`"),
        Rule::path => (2, "a reference like `vpc.main`"),
        Rule::type_expr => (2, "a type"),
        Rule::type_field => (2, "a field like `name: string`"),
        Rule::map_entry => (2, "an entry like `name = value`"),
        Rule::during_apply => (3, "`during apply`"),
        Rule::eq => (3, "`=`"),
        Rule::colon | Rule::for_colon => (4, "`:`"),
        Rule::arrow => (4, "`=>`"),
        Rule::kw_in => (4, "`in`"),
        Rule::kw_from => (4, "`from`"),
        Rule::kw_to => (4, "`to`"),
        Rule::kw_until => (4, "`until`"),
        Rule::date => (2, "a day such as `2027-01-31`"),
        Rule::kw_then => (4, "`then`"),
        Rule::kw_else => (4, "`else`"),
        Rule::comma => (5, "`,`"),
        Rule::lbrace | Rule::block => (7, "`{`"),
        Rule::lparen => (9, "`(`"),
        Rule::rparen => (6, "`)`"),
        Rule::rbracket => (6, "`]`"),
        Rule::rbrace | Rule::interpolation_close => (6, "`}`"),
        Rule::quote_close => (6, "`\"`"),
        Rule::heredoc_tag => (3, "a word that ends the text, like `END`"),
        Rule::heredoc_newline => (3, "a new line"),
        Rule::statement_end | Rule::item_end | Rule::sentence_end => (8, "the end of the statement"),
        Rule::dot => (9, "`.`"),
        Rule::operator => (9, "an operator"),
        _ => return None,
    })
}

/// The token at the start of a text, as it is shown.
pub(super) fn found(rest: &str) -> String {
    let Some(first) = rest.chars().next() else { return "the end of the file".to_owned() };
    match first {
        '\n' | '\r' => "the end of the line".to_owned(),
        '#' => "a comment".to_owned(),
        '"' => "a text".to_owned(),
        '`' => "a backtick".to_owned(),
        c if c.is_ascii_graphic() => format!("`{}`", rest.get(..token_len(rest)).unwrap_or("")),
        c if c.is_alphanumeric() => format!("`{c}`"),
        c => format!("the character U+{:04X}", u32::from(c)),
    }
}

/// Bytes of the token at the start of a text; at least one character where there is one.
pub(super) fn token_len(rest: &str) -> usize {
    let Some(first) = rest.chars().next() else { return 0 };
    if super::scan::is_word(first) {
        return rest.find(|c| !super::scan::is_word(c)).unwrap_or(rest.len());
    }
    if first == '"' {
        let end = rest.char_indices().skip(1).find(|(at, c)| *c == '\n' || *c == '"' && rest.as_bytes().get(at - 1) != Some(&b'\\'));
        return end.map_or(rest.len(), |(at, c)| if c == '"' { at + 1 } else { at });
    }
    let two = ["==", "!=", "<=", ">=", "&&", "||", "??", "=>", "::", "..", "<<", "${", "**", "->", "+=", ":="];
    if two.iter().any(|t| rest.starts_with(t)) { 2 } else { first.len_utf8() }
}
