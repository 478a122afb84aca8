//! Functions over strings. Layer 4.
//!
//! A character is what people take for one (a grapheme cluster of Unicode), as in Terraform.

use std::{cell::RefCell, collections::HashMap};

use regex::{Captures, Regex};
use unicode_segmentation::UnicodeSegmentation;

use super::{
    Answer, Argument, BYTES_MAX, Entry, MANY, Refusal,
    argument::{limited, limited_text, list, no_element, piece, size, text, text_too_long, value, whole},
    format::{format, format_list},
    pure,
};
use crate::schema::value::{Value, concat};

pub(super) const TABLE: &[Entry] = &[
    pure("chomp", "chomp(\"hello\\n\")", (1, 1), "The text without the line breaks at its end.", |a| {
        Ok(Value::text(text(a, 0)?.trim_end_matches(['\r', '\n'])))
    }),
    pure("endswith", "endswith(\"web-1\", \"-1\")", (2, 2), "Whether the text ends with the other.", |a| {
        ends(a, |pieces| pieces.last(), |whole, part| whole.ends_with(part))
    }),
    pure(
        "format",
        "format(\"%s-%03d\", \"web\", 7)",
        (1, MANY),
        "The text with each verb replaced by the next argument: `%s` as text, `%d` a whole number, `%f` a number, `%x` hexadecimal, `%q` quoted, `%v` anything, `%%` a percent sign; width, precision and `%[2]s` as in Terraform.",
        format,
    ),
    pure(
        "formatlist",
        "formatlist(\"%s.internal\", [\"a\", \"b\"])",
        (1, MANY),
        "One text for each element of the lists, as `format` makes it; what is no list is the same for all.",
        format_list,
    ),
    pure("indent", "indent(2, \"a\\nb\")", (2, 2), "The text with so many spaces before each line but the first.", |a| {
        let (spaces, whole) = (size(a, 0)?, text(a, 1)?);
        let lines = whole.matches('\n').count();
        if lines.saturating_mul(spaces) > BYTES_MAX {
            return Err(text_too_long(0));
        }
        Ok(Value::text(whole.replace('\n', &format!("\n{}", " ".repeat(spaces)))))
    }),
    pure(
        "join",
        "join(\", \", [\"a\", \"b\"])",
        (2, MANY),
        "The elements of the lists as one text, with the separator between them.",
        join,
    ),
    pure("lower", "lower(\"ABC\")", (1, 1), "The text in lower case.", |a| Ok(Value::text(text(a, 0)?.to_lowercase()))),
    pure(
        "regex",
        "regex(\"([a-z]+)-([0-9]+)\", \"web-17\")",
        (2, 2),
        "The first match of a regular expression: the text without groups, a list of them, or a map where they are named; no match is an error.",
        |a| {
            let (pattern, whole) = (pattern(a, 0)?, text(a, 1)?);
            match pattern.captures(whole) {
                Some(found) => Ok(matched(&pattern, &found)),
                None => Err(Refusal::Wrong(1, format!("nothing in the text matches `{pattern}`; `regexall` gives an empty list then"))),
            }
        },
    ),
    pure("regexall", "regexall(\"[a-z]+\", \"1ab2cd\")", (2, 2), "Every match of a regular expression, each as `regex` gives it.", |a| {
        let (pattern, whole) = (pattern(a, 0)?, text(a, 1)?);
        limited(1, pattern.captures_iter(whole).map(|found| matched(&pattern, &found)))
    }),
    pure(
        "replace",
        "replace(\"a-b\", \"-\", \"_\")",
        (3, 3),
        "The text with every occurrence replaced; between slashes the second is a regular expression, and `$1` the first group of it.",
        replace,
    ),
    pure(
        "split",
        "split(\",\", \"a,b\")",
        (2, 2),
        "The pieces of a text between separators; an empty separator gives the characters.",
        |a| match (text(a, 0)?, text(a, 1)?) {
            ("", whole) => limited(1, whole.graphemes(true).map(Value::text)),
            (separator, whole) => limited(1, whole.split(separator).map(Value::text)),
        },
    ),
    pure("startswith", "startswith(\"web-1\", \"web\")", (2, 2), "Whether the text starts with the other.", |a| {
        ends(a, |pieces| pieces.first(), |whole, part| whole.starts_with(part))
    }),
    pure("strcontains", "strcontains(\"hello\", \"ell\")", (2, 2), "Whether the other stands somewhere in the text.", |a| {
        let part = text(a, 1)?;
        // A piece that is known may hold it already.
        match value(a, 0)? {
            Value::Concat(pieces) if pieces.iter().filter_map(Value::as_text).any(|p| p.contains(part)) => Ok(Value::Bool(true)),
            _ => Ok(Value::Bool(text(a, 0)?.contains(part))),
        }
    }),
    pure("strrev", "strrev(\"abc\")", (1, 1), "The characters in reverse order.", |a| {
        Ok(Value::text(text(a, 0)?.graphemes(true).rev().collect::<String>()))
    }),
    pure(
        "substr",
        "substr(\"hello\", 1, 3)",
        (3, 3),
        "So many characters from a place on, counted from 0, or from the end if negative; the length -1 means all that follow.",
        substr,
    ),
    pure("title", "title(\"hello world\")", (1, 1), "The text with the first letter of each word in upper case.", |a| {
        let mut in_word = false;
        let mut titled = String::new();
        for c in text(a, 0)?.chars() {
            if in_word {
                titled.push(c)
            } else {
                titled.extend(c.to_uppercase())
            }
            in_word = c.is_alphanumeric() || c == '_' || (!c.is_ascii() && !c.is_whitespace());
        }
        Ok(Value::text(titled))
    }),
    pure("trim", "trim(\"--a--\", \"-\")", (2, 2), "The text without any of the characters of the second at its ends.", |a| {
        let cut = text(a, 1)?;
        Ok(Value::text(text(a, 0)?.trim_matches(|c| cut.contains(c))))
    }),
    pure("trimprefix", "trimprefix(\"web-1\", \"web-\")", (2, 2), "The text without the other at its start.", |a| {
        let whole = text(a, 0)?;
        Ok(Value::text(whole.strip_prefix(text(a, 1)?).unwrap_or(whole)))
    }),
    pure("trimspace", "trimspace(\" a \")", (1, 1), "The text without blanks and line breaks at its ends.", |a| {
        Ok(Value::text(text(a, 0)?.trim()))
    }),
    pure("trimsuffix", "trimsuffix(\"web-1\", \"-1\")", (2, 2), "The text without the other at its end.", |a| {
        let whole = text(a, 0)?;
        Ok(Value::text(whole.strip_suffix(text(a, 1)?).unwrap_or(whole)))
    }),
    pure("upper", "upper(\"abc\")", (1, 1), "The text in upper case.", |a| Ok(Value::text(text(a, 0)?.to_uppercase()))),
];

/// Whether an end of a text is the other text. The known piece at that end of an unknown text decides if it is long enough, or different.
fn ends(a: &[Argument], end: fn(&[Value]) -> Option<&Value>, is_end: fn(&str, &str) -> bool) -> Answer {
    let part = text(a, 1)?;
    if let Value::Concat(pieces) = value(a, 0)?
        && let Some(Value::Text(known)) = end(pieces)
        && (is_end(known, part) || !is_end(part, known))
    {
        return Ok(Value::Bool(is_end(known, part)));
    }
    Ok(Value::Bool(is_end(text(a, 0)?, part)))
}

fn join(a: &[Argument]) -> Answer {
    let separator = text(a, 0)?;
    let mut pieces = vec![];
    let mut bytes: usize = 0;
    for i in 1..a.len() {
        for element in list(a, i)? {
            if !pieces.is_empty() {
                pieces.push(Value::text(separator));
            }
            let piece = piece(element).ok_or_else(|| no_element(i, element, "something that can stand in a text"))?;
            bytes = bytes.saturating_add(separator.len()).saturating_add(piece.as_text().map_or(0, str::len));
            pieces.push(piece);
        }
        if bytes > BYTES_MAX {
            return Err(text_too_long(i));
        }
    }
    Ok(concat(pieces))
}

fn replace(a: &[Argument]) -> Answer {
    let (whole, from, to) = (text(a, 0)?, text(a, 1)?, text(a, 2)?);
    let between = from.strip_prefix('/').and_then(|f| f.strip_suffix('/'));
    let Some(between) = between else {
        let count = whole.matches(from).count();
        if count.saturating_mul(to.len()) > BYTES_MAX {
            return Err(text_too_long(0));
        }
        return Ok(Value::text(whole.replace(from, to)));
    };
    let pattern = compiled(between).map_err(|why| Refusal::Wrong(1, why))?;
    let count = pattern.find_iter(whole).count();
    if count.saturating_mul(to.len().saturating_add(whole.len())) > BYTES_MAX {
        return Err(text_too_long(0));
    }
    limited_text(0, pattern.replace_all(whole, to).into_owned())
}

fn substr(a: &[Argument]) -> Answer {
    let (whole, offset, length) = (text(a, 0)?, self::whole(a, 1)?, self::whole(a, 2)?);
    let from_end = || whole.graphemes(true).count().saturating_sub(usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX));
    let start = usize::try_from(offset).unwrap_or_else(|_| from_end());
    let length = match length {
        -1 => usize::MAX,
        n => usize::try_from(n).map_err(|_| Refusal::Wrong(2, format!("{n} is no length: -1 means all that follow")))?,
    };
    Ok(Value::text(whole.graphemes(true).skip(start).take(length).collect::<String>()))
}

// ---- regular expressions ----

/// How many compiled expressions are kept: compiling costs a thousand times what a match does.
const KEPT_MAX: usize = 256;

thread_local! {
    static KEPT: RefCell<HashMap<String, Regex>> = RefCell::new(HashMap::new());
}

/// A regular expression, or what is wrong with it.
pub(super) fn compiled(pattern: &str) -> Result<Regex, String> {
    if let Some(kept) = KEPT.with_borrow(|kept| kept.get(pattern).cloned()) {
        return Ok(kept);
    }
    let new = Regex::new(pattern).map_err(|error| {
        let text = error.to_string();
        // The last line says what is wrong; those before it draw the expression.
        let why = text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned();
        format!("`{pattern}` is no regular expression: {why}")
    })?;
    KEPT.with_borrow_mut(|kept| {
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(pattern.to_owned(), new.clone());
    });
    Ok(new)
}

fn pattern(a: &[Argument], i: usize) -> Result<Regex, Refusal> {
    let pattern = compiled(text(a, i)?).map_err(|why| Refusal::Wrong(i, why))?;
    let named = pattern.capture_names().flatten().count();
    if named > 0 && named + 1 < pattern.captures_len() {
        return Err(Refusal::Wrong(i, "some groups have names and some have none: name all or none of them".into()));
    }
    Ok(pattern)
}

/// Without groups the text, with groups a list of them, with names a map.
fn matched(pattern: &Regex, found: &Captures<'_>) -> Value {
    let group = |m: Option<regex::Match<'_>>| m.map_or(Value::Null, |m| Value::text(m.as_str()));
    if pattern.captures_len() == 1 {
        return group(found.get(0));
    }
    if pattern.capture_names().flatten().next().is_none() {
        return Value::List(found.iter().skip(1).map(group).collect());
    }
    Value::Map(pattern.capture_names().flatten().map(|name| (name.to_owned(), group(found.name(name)))).collect())
}
