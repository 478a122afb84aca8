//! YAML: read by saphyr, written in the one style that every reader takes. Layer 4.

use std::collections::{BTreeMap, HashMap};

use saphyr::Scalar;
use saphyr_parser::{Event, Parser};

use super::{Answer, ELEMENTS_MAX, Refusal, argument::number, encoding::Pieces};
use crate::schema::value::Value;

/// How deeply a YAML text may nest.
const DEPTH_MAX: usize = 64;

/// A list or map that is not closed yet.
struct Open {
    anchor: usize,
    of: Collection,
    /// How many values are in it.
    size: usize,
}

enum Collection {
    List(Vec<Value>),
    /// The entries, and the key whose value comes next.
    Map(BTreeMap<String, Value>, Option<String>),
}

#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    /// What an alias stands for, and how many values that is.
    anchors: HashMap<usize, (Value, usize)>,
    /// How many values were read, those of aliases counted each time: a few lines could stand for billions.
    size: usize,
    whole: Option<Value>,
}

/// The value of a YAML text; of null if there is nothing in it.
pub(super) fn decode(text: &str) -> Result<Value, String> {
    let mut reader = Reader::default();
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|e| e.to_string())?;
        match event {
            Event::DocumentStart(_) if reader.whole.is_some() => return Err("there is more than one document in it".into()),
            Event::Alias(id) => {
                let (value, size) = reader.anchors.get(&id).cloned().ok_or("an alias stands within what it names")?;
                reader.value(value, 0, size)?;
            }
            Event::Scalar(text, style, anchor, tag) => {
                let scalar = Scalar::parse_from_cow_and_metadata(text, style, tag.as_ref()).ok_or("a value is not what its tag says")?;
                let value = match scalar {
                    Scalar::Null => Value::Null,
                    Scalar::Boolean(b) => Value::Bool(b),
                    Scalar::Integer(n) => Value::Int(n),
                    Scalar::FloatingPoint(n) if n.is_finite() => number(n.into_inner()),
                    Scalar::FloatingPoint(_) => return Err("a number is not finite".into()),
                    Scalar::String(text) => Value::text(text),
                };
                reader.value(value, anchor, 1)?;
            }
            Event::SequenceStart(anchor, _) => reader.open(anchor, Collection::List(vec![]))?,
            Event::MappingStart(anchor, _) => reader.open(anchor, Collection::Map(BTreeMap::new(), None))?,
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(done) = reader.open.pop() else { continue };
                let value = match done.of {
                    Collection::List(values) => Value::List(values),
                    Collection::Map(map, _) => Value::Map(map),
                };
                reader.value(value, done.anchor, done.size + 1)?;
            }
            _ => {}
        }
    }
    Ok(reader.whole.unwrap_or(Value::Null))
}

impl Reader {
    fn open(&mut self, anchor: usize, of: Collection) -> Result<(), String> {
        if self.open.len() >= DEPTH_MAX {
            return Err(format!("it nests deeper than {DEPTH_MAX}"));
        }
        self.open.push(Open { anchor, of, size: 0 });
        Ok(())
    }

    /// A value is complete: puts it where it belongs.
    fn value(&mut self, value: Value, anchor: usize, size: usize) -> Result<(), String> {
        // What is in a collection was counted when it came.
        self.size += if anchor == 0 && size > 1 { size } else { 1 };
        if self.size > 2 * ELEMENTS_MAX {
            return Err(format!("it holds more than {ELEMENTS_MAX} values"));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, (value.clone(), size));
        }
        let Some(parent) = self.open.last_mut() else {
            self.whole = Some(value);
            return Ok(());
        };
        parent.size += size;
        match &mut parent.of {
            Collection::List(values) => values.push(value),
            Collection::Map(map, key) => match (key.take(), value) {
                (None, Value::Text(text)) => *key = Some(text.to_string()),
                (None, single @ (Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Null)) => *key = Some(single.to_string()),
                (None, _) => return Err("a key is a list or a map".into()),
                // The merge key of YAML 1.1: what is written beside it wins.
                (Some(key), Value::Map(other)) if key == "<<" => {
                    for (key, value) in other {
                        map.entry(key).or_insert(value);
                    }
                }
                (Some(key), value) => {
                    map.insert(key, value);
                }
            },
        }
        Ok(())
    }
}

/// A value as YAML: keys and texts in quotes, texts of several lines as they are.
pub(super) fn encode(value: &Value) -> Answer {
    let mut pieces = Pieces::default();
    block(&mut pieces, value, 0)?;
    pieces.finish(0)
}

/// A value whose first line's indentation is written already.
fn block(out: &mut Pieces, value: &Value, indent: usize) -> Result<(), Refusal> {
    let blanks = |n: usize| " ".repeat(n);
    match value {
        Value::Map(map) if !map.is_empty() => {
            for (i, (key, value)) in map.iter().enumerate() {
                out.plain.push_str(&blanks(if i == 0 { 0 } else { indent }));
                out.quoted(key);
                out.plain.push(':');
                match value {
                    Value::Map(inner) if !inner.is_empty() => {
                        out.plain.push_str(&format!("\n{}", blanks(indent + 2)));
                        block(out, value, indent + 2)?;
                    }
                    Value::List(inner) if !inner.is_empty() => {
                        out.plain.push_str(&format!("\n{}", blanks(indent)));
                        block(out, value, indent)?;
                    }
                    _ => {
                        out.plain.push(' ');
                        block(out, value, indent + 2)?;
                    }
                }
            }
        }
        Value::List(values) if !values.is_empty() => {
            for (i, value) in values.iter().enumerate() {
                out.plain.push_str(&blanks(if i == 0 { 0 } else { indent }));
                out.plain.push_str("- ");
                block(out, value, indent + 2)?;
            }
        }
        Value::Map(_) => out.plain.push_str("{}\n"),
        Value::List(_) => out.plain.push_str("[]\n"),
        Value::Text(text) if stands_as_it_is(text) => {
            let body = text.trim_end_matches('\n');
            let chomp = match text.len() - body.len() {
                0 => "-",
                1 => "",
                _ => "+",
            };
            out.plain.push_str(&format!("|{chomp}\n"));
            for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
                let indent = if line.is_empty() { 0 } else { indent.max(2) };
                out.plain.push_str(&format!("{}{line}\n", blanks(indent)));
            }
        }
        single => {
            out.single(single, 0)?;
            out.plain.push('\n');
        }
    }
    Ok(())
}

/// Whether a text may be written line by line: several lines, none of which YAML would read otherwise.
fn stands_as_it_is(text: &str) -> bool {
    let blank_ends = |line: &str| line.ends_with([' ', '\t']);
    text.contains('\n')
        && !text.starts_with([' ', '\n', '\t'])
        && !text.chars().any(|c| c.is_control() && c != '\n' && c != '\t')
        && !text.contains(['\u{2028}', '\u{2029}', '\u{85}', '\u{feff}'])
        && !text.split('\n').any(blank_ends)
}
