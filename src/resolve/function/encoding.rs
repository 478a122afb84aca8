//! Values as texts of other formats, and back. Layer 4.

use std::{collections::BTreeMap, io::Write as _};

use flate2::{Compression, GzBuilder};

use super::{
    Answer, Argument, BYTES_MAX, ELEMENTS_MAX, Entry, Refusal,
    argument::{number, text, text_too_long, too_long, value},
    pure, yaml,
};
use crate::{
    base::{address::Address, base64},
    resolve::{
        convert::{attribute_type, describe},
        evaluate::counted,
    },
    resources,
    schema::{
        attr::Type,
        value::{Value, concat},
    },
};

pub(super) const TABLE: &[Entry] = &[
    pure("base64decode", "base64decode(\"aGVsbG8=\")", (1, 1), "The text that base64 stands for; it has to be UTF-8.", |a| {
        utf8(base64::decode(text(a, 0)?).ok_or_else(no_base64)?, 0)
    }),
    pure("base64encode", "base64encode(\"hello\")", (1, 1), "The text in base64.", |a| {
        Ok(Value::text(base64::encode(text(a, 0)?.as_bytes())))
    }),
    pure("base64gzip", "base64gzip(\"hello\")", (1, 1), "The text compressed by gzip, in base64.", |a| {
        // No date and no system in the header: the same text gives the same bytes.
        let mut zip = GzBuilder::new().mtime(0).operating_system(255).write(vec![], Compression::default());
        let written = zip.write_all(text(a, 0)?.as_bytes()).and_then(|()| zip.finish());
        written.map(|bytes| Value::text(base64::encode(&bytes))).map_err(|e| Refusal::Wrong(0, format!("gzip fails: {e}")))
    }),
    pure(
        "csvdecode",
        "csvdecode(\"name,port\\nweb,443\\n\")",
        (1, 1),
        "A list with a map for each line of CSV, by the names in the first line (RFC 4180).",
        csv,
    ),
    pure("jsondecode", "jsondecode(\"[1, true]\")", (1, 1), "The value that a JSON text stands for.", |a| {
        let read: serde_json::Value =
            serde_json::from_str(text(a, 0)?).map_err(|e| Refusal::Wrong(0, format!("the text is no JSON: {e}")))?;
        Ok(from_json(read))
    }),
    pure(
        "jsonencode",
        "jsonencode({ allow = 10.0.0.0/16, ports = [80, 443] })",
        (1, 1),
        "The value as JSON in one line; networks, addresses, services and durations become texts.",
        |a| json(value(a, 0)?, 0),
    ),
    pure(
        "textdecodebase64",
        "textdecodebase64(\"aABpAA==\", \"UTF-16LE\")",
        (2, 2),
        "The text whose bytes, in UTF-8, UTF-16LE or UTF-16BE, are given in base64.",
        |a| {
            let bytes = base64::decode(text(a, 0)?).ok_or_else(no_base64)?;
            let Some(join) = unit(text(a, 1)?, u16::from_le_bytes as fn([u8; 2]) -> u16, u16::from_be_bytes)? else {
                return utf8(bytes, 0);
            };
            let units = bytes.chunks(2).map(|c| if let [a, b] = c { Some(join([*a, *b])) } else { None }).collect::<Option<Vec<u16>>>();
            let decoded = units.and_then(|units| String::from_utf16(&units).ok());
            decoded.map(Value::text).ok_or_else(|| Refusal::Wrong(0, "the bytes are no such text".into()))
        },
    ),
    pure(
        "textencodebase64",
        "textencodebase64(\"hi\", \"UTF-16LE\")",
        (2, 2),
        "The bytes of a text in UTF-8, UTF-16LE or UTF-16BE, in base64; PowerShell takes commands so.",
        |a| {
            let whole = text(a, 0)?;
            let split = unit(text(a, 1)?, u16::to_le_bytes as fn(u16) -> [u8; 2], u16::to_be_bytes)?;
            let bytes = split.map_or_else(|| whole.as_bytes().to_vec(), |split| whole.encode_utf16().flat_map(split).collect());
            Ok(Value::text(base64::encode(&bytes)))
        },
    ),
    pure("urldecode", "urldecode(\"a+b%26c\")", (1, 1), "The text that `urlencode` made something of.", |a| {
        let mut bytes = vec![];
        let mut rest = text(a, 0)?.as_bytes();
        while let Some((first, after)) = rest.split_first() {
            rest = after;
            bytes.push(match first {
                b'+' => b' ',
                b'%' => {
                    let byte =
                        after.get(..2).and_then(|d| std::str::from_utf8(d).ok()).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
                    let byte = byte.and_then(|d| u8::from_str_radix(d, 16).ok());
                    rest = after.get(2..).unwrap_or_default();
                    byte.ok_or_else(|| Refusal::Wrong(0, "a `%` has two hexadecimal digits after it".into()))?
                }
                other => *other,
            });
        }
        utf8(bytes, 0)
    }),
    pure("urlencode", "urlencode(\"a b&c\")", (1, 1), "The text as it may stand in the query of a URL.", |a| {
        let mut encoded = String::new();
        for byte in text(a, 0)?.bytes() {
            match byte {
                b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
                b' ' => encoded.push('+'),
                _ if byte.is_ascii_alphanumeric() => encoded.push(char::from(byte)),
                _ => encoded.push_str(&format!("%{byte:02X}")),
            }
        }
        Ok(Value::text(encoded))
    }),
    pure("yamldecode", "yamldecode(\"ports: [80, 443]\")", (1, 1), "The value that a YAML text (1.2) stands for.", |a| {
        yaml::decode(text(a, 0)?).map_err(|why| Refusal::Wrong(0, format!("the text is no YAML: {why}")))
    }),
    pure("yamlencode", "yamlencode({ packages = [\"nginx\"] })", (1, 1), "The value as YAML in block style.", |a| {
        yaml::encode(value(a, 0)?)
    }),
];

fn no_base64() -> Refusal {
    Refusal::Wrong(0, "the text is no base64".into())
}

/// Bytes as a text.
pub(super) fn utf8(bytes: Vec<u8>, i: usize) -> Answer {
    let text = String::from_utf8(bytes);
    text.map(Value::text).map_err(|e| Refusal::Wrong(i, format!("byte {} is not UTF-8", e.utf8_error().valid_up_to())))
}

/// How an encoding makes bytes of a unit, or a unit of bytes; nothing for UTF-8.
fn unit<T>(name: &str, little: T, big: T) -> Result<Option<T>, Refusal> {
    match name.to_ascii_uppercase().as_str() {
        "UTF-8" => Ok(None),
        "UTF-16LE" => Ok(Some(little)),
        "UTF-16BE" => Ok(Some(big)),
        _ => Err(Refusal::Wrong(1, format!("the encoding is \"UTF-8\", \"UTF-16LE\" or \"UTF-16BE\", not {name:?}"))),
    }
}

// ---- JSON ----

/// A text that is put together, of which some pieces may not be known yet.
#[derive(Default)]
pub(super) struct Pieces {
    done: Vec<Value>,
    pub(super) plain: String,
    bytes: usize,
    /// Whether the text may stand in HTML, too: then `<`, `>` and `&` are escaped, as Terraform does in JSON.
    html: bool,
}

impl Pieces {
    pub(super) fn finish(mut self, i: usize) -> Answer {
        self.flush();
        if self.bytes > BYTES_MAX { Err(text_too_long(i)) } else { Ok(concat(self.done)) }
    }

    fn flush(&mut self) {
        self.bytes += self.plain.len();
        if !self.plain.is_empty() {
            self.done.push(Value::text(&self.plain));
            self.plain.clear();
        }
    }

    /// A text between quotes, its characters escaped.
    pub(super) fn quoted(&mut self, text: &str) {
        self.plain.push('"');
        self.escaped(text);
        self.plain.push('"');
    }

    fn escaped(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '"' => self.plain.push_str("\\\""),
                '\\' => self.plain.push_str("\\\\"),
                '\n' => self.plain.push_str("\\n"),
                '\r' => self.plain.push_str("\\r"),
                '\t' => self.plain.push_str("\\t"),
                '<' | '>' | '&' if !self.html => self.plain.push(c),
                '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => self.unicode(c),
                // These are no characters of YAML as they are.
                '\u{7f}'..='\u{9f}' | '\u{feff}' if !self.html => self.unicode(c),
                _ => self.plain.push(c),
            }
        }
    }

    fn unicode(&mut self, c: char) {
        self.plain.push_str(&format!("\\u{:04x}", u32::from(c)));
    }

    /// A single value; lists and maps are not for here.
    pub(super) fn single(&mut self, value: &Value, i: usize) -> Result<(), Refusal> {
        match value {
            Value::Null | Value::Bool(_) | Value::Int(_) => self.plain.push_str(&value.to_string()),
            Value::Float(n) => self.plain.push_str(&number(*n).to_string()),
            Value::Text(text) => self.quoted(text),
            Value::Cidr(_) | Value::Ip(_) | Value::Service(_) | Value::Duration(_) | Value::Anywhere => self.quoted(&value.to_string()),
            Value::Attribute(address, name) if stands_for_itself(address, name) => self.later(std::slice::from_ref(value), i)?,
            Value::Concat(pieces) => self.later(pieces, i)?,
            Value::Subnet(..) => self.later(std::slice::from_ref(value), i)?,
            Value::Attribute(..) | Value::Image(..) => return Err(Refusal::Later(i, value.clone())),
            Value::Resource(address) => {
                return Err(Refusal::Wrong(i, format!("`{address}` is a resource and has no form as text; its id is `{address}.id`")));
            }
            other => return Err(Refusal::Wrong(i, format!("{} has no form as text", describe(other)))),
        }
        Ok(())
    }

    /// A text that is not all known, between quotes: if what is not known has nothing in it that wants escaping.
    fn later(&mut self, pieces: &[Value], i: usize) -> Result<(), Refusal> {
        self.plain.push('"');
        for piece in pieces {
            match piece {
                Value::Text(text) => self.escaped(text),
                Value::Attribute(address, name) => {
                    let plain =
                        name == "id" || matches!(attribute_type(address, name), Some(Type::Ip | Type::Cidr | Type::Int | Type::Bool));
                    if !plain {
                        return Err(Refusal::Later(i, piece.clone()));
                    }
                    self.flush();
                    self.done.push(piece.clone());
                }
                Value::Subnet(..) => {
                    self.flush();
                    self.done.push(piece.clone());
                }
                other => self.plain.push_str(&other.to_string()),
            }
        }
        self.plain.push('"');
        Ok(())
    }

    fn json(&mut self, value: &Value, i: usize) -> Result<(), Refusal> {
        if self.plain.len() > BYTES_MAX {
            return Err(text_too_long(i));
        }
        match value {
            Value::List(values) => {
                self.plain.push('[');
                for (n, value) in values.iter().enumerate() {
                    self.plain.push_str(if n == 0 { "" } else { "," });
                    self.json(value, i)?;
                }
                self.plain.push(']');
                Ok(())
            }
            Value::Map(map) => {
                self.plain.push('{');
                for (n, (key, value)) in map.iter().enumerate() {
                    self.plain.push_str(if n == 0 { "" } else { "," });
                    self.quoted(key);
                    self.plain.push(':');
                    self.json(value, i)?;
                }
                self.plain.push('}');
                Ok(())
            }
            single => self.single(single, i),
        }
    }
}

/// A value as JSON; `i` is the index of the argument that it stands in.
pub(super) fn json(value: &Value, i: usize) -> Answer {
    let mut pieces = Pieces { html: true, ..Pieces::default() };
    pieces.json(value, i)?;
    pieces.finish(i)
}

fn from_json(value: serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(b) => Value::Bool(b),
        serde_json::Value::Number(n) => n.as_i64().map_or_else(|| number(n.as_f64().unwrap_or(0.0)), Value::Int),
        serde_json::Value::String(text) => Value::text(text),
        serde_json::Value::Array(values) => Value::List(values.into_iter().map(from_json).collect()),
        serde_json::Value::Object(map) => Value::Map(map.into_iter().map(|(k, v)| (k, from_json(v))).collect()),
    }
}

/// Whether an attribute is there in any case, and has nothing in it that wants escaping.
fn stands_for_itself(address: &Address, name: &str) -> bool {
    let attr = || resources::spec(address.kind()).and_then(|spec| spec.attr(name));
    name == "id" || attr().is_some_and(|a| a.required && matches!(a.ty, Type::Ip | Type::Cidr))
}

// ---- CSV ----

fn csv(a: &[Argument]) -> Answer {
    let mut lines = csv_lines(text(a, 0)?).map_err(|why| Refusal::Wrong(0, why))?.into_iter();
    let (_, header) = lines.next().ok_or_else(|| Refusal::Wrong(0, "the first line has no names".into()))?;
    if let Some(twice) = header.iter().enumerate().find(|(i, name)| header.iter().take(*i).any(|n| n == *name)) {
        return Err(Refusal::Wrong(0, format!("the name {:?} is there twice in the first line", twice.1)));
    }
    let mut rows = vec![];
    for (number, fields) in lines {
        if fields.len() != header.len() {
            let message = format!("line {number} has {}, and the first line has {}", counted(fields.len(), "field"), header.len());
            return Err(Refusal::Wrong(0, message));
        }
        rows.push(Value::Map(header.iter().cloned().zip(fields.iter().map(Value::text)).collect::<BTreeMap<_, _>>()));
    }
    if rows.len().saturating_mul(header.len()) > ELEMENTS_MAX { Err(too_long(0)) } else { Ok(Value::List(rows)) }
}

/// The lines of a CSV text that are not empty: the number and the fields of each.
fn csv_lines(text: &str) -> Result<Vec<(usize, Vec<String>)>, String> {
    let mut lines = vec![];
    let mut rest = text;
    let mut number = 1;
    while !rest.is_empty() {
        let (first, mut fields) = (number, vec![]);
        loop {
            let (field, after) = csv_field(rest, number)?;
            number += field.matches('\n').count();
            fields.push(field);
            rest = after;
            match rest.strip_prefix(',') {
                Some(after) => rest = after,
                None => break,
            }
        }
        rest = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n')).unwrap_or(rest);
        number += 1;
        if fields != [""] {
            lines.push((first, fields));
        }
    }
    Ok(lines)
}

/// A field, and what follows it: a comma, a line break, or nothing.
fn csv_field(text: &str, line: usize) -> Result<(String, &str), String> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let end = text.find([',', '\n']).unwrap_or(text.len());
        let (field, after) = text.split_at(end);
        let (field, after) = match field.strip_suffix('\r') {
            Some(field) if after.starts_with('\n') => (field, after),
            _ => (field, after),
        };
        return if field.contains('"') {
            Err(format!("line {line} has a quote within a field without quotes"))
        } else {
            Ok((field.to_owned(), after))
        };
    };
    let mut field = String::new();
    loop {
        let (part, after) = rest.split_once('"').ok_or_else(|| format!("the quote that line {line} opens is not closed"))?;
        field.push_str(part);
        match after.strip_prefix('"') {
            Some(after) => {
                field.push('"');
                rest = after;
            }
            None if after.is_empty() || after.starts_with([',', '\n']) || after.starts_with("\r\n") => return Ok((field, after)),
            None => return Err(format!("line {line} goes on after a closing quote")),
        }
    }
}
