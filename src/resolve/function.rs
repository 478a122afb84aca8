//! The functions of the language: their index, how they are called, and how a call is refused. Layer 4.
//!
//! A function is pure: what it gives depends on its arguments, and on files of the project's own directory, which are
//! read through a [`Disk`]. None looks at a clock or at chance. Each group has a file with its table.

mod argument;
mod ask;
mod collection;
mod date;
mod encoding;
mod file;
mod format;
mod hash;
mod network;
mod number;
mod text;
mod yaml;

use std::{collections::HashMap, sync::LazyLock};

use crate::{
    base::{
        codes::{name as name_codes, value as codes},
        diagnostic::{Diagnostic, Sink, nearest},
        disk::Disk,
        span::Span,
    },
    resolve::{
        convert::{describe, is_broken},
        evaluate::counted,
    },
    schema::value::Value,
    syntax::ast::Name,
};

pub(super) use network::nth_subnet;

/// An argument, and where it stands.
pub(super) type Argument = (Value, Span);

/// What a call gives, or why it gives nothing.
type Answer = Result<Value, Refusal>;

/// A function, for the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Function {
    /// `join`
    pub name: &'static str,
    /// A call that can be evaluated as it stands: `join(", ", ["a", "b"])`.
    pub usage: &'static str,
    /// What it gives, in one sentence.
    pub doc: &'static str,
    /// `text`, `collection`, `number`, `encoding`, `file`, `date`, `hash`, `network` or `ec2`.
    pub group: &'static str,
}

/// An entry of a table.
struct Entry {
    name: &'static str,
    usage: &'static str,
    doc: &'static str,
    /// How many arguments at least and at most.
    count: (usize, usize),
    body: Body,
}

/// What a function does.
enum Body {
    Pure(fn(&[Argument]) -> Answer),
    Reading(fn(&[Argument], Context<'_>) -> Answer),
}

/// An entry whose value comes from its arguments alone.
const fn pure(name: &'static str, usage: &'static str, count: (usize, usize), doc: &'static str, body: fn(&[Argument]) -> Answer) -> Entry {
    Entry { name, usage, doc, count, body: Body::Pure(body) }
}

/// An entry that reads files.
const fn reading(
    name: &'static str,
    usage: &'static str,
    count: (usize, usize),
    doc: &'static str,
    body: fn(&[Argument], Context<'_>) -> Answer,
) -> Entry {
    Entry { name, usage, doc, count, body: Body::Reading(body) }
}

/// Where a call stands.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Context<'c> {
    /// What files are read through, if any can be.
    pub(super) disk: Option<&'c dyn Disk>,
    /// The directory of the module that calls, from the project's own: empty, or `modules/edge`.
    pub(super) directory: &'c str,
}

/// What is wrong with a call.
#[derive(Debug)]
enum Refusal {
    /// The argument of this index is not what is wanted.
    Wanted(usize, &'static str),
    /// The argument of this index is of the right type, and still wrong.
    Wrong(usize, String),
    /// The argument of this index holds a value that EC2 will decide.
    Later(usize, Value),
    /// The argument of this index is wrong in a way that has its own message.
    Said(Box<Diagnostic>),
}

const MANY: usize = usize::MAX;

/// How many elements a list may have that a function makes out of less.
const ELEMENTS_MAX: usize = 100_000;
/// How many bytes a text may have that a function makes out of less.
const BYTES_MAX: usize = 16 << 20;

/// Every table, in the order of the reference.
const GROUPS: &[(&str, &[Entry])] = &[
    ("text", text::TABLE),
    ("collection", collection::TABLE),
    ("number", number::TABLE),
    ("encoding", encoding::TABLE),
    ("file", file::TABLE),
    ("date", date::TABLE),
    ("hash", hash::TABLE),
    ("network", network::TABLE),
    ("ec2", ask::TABLE),
];

static INDEX: LazyLock<HashMap<&'static str, &'static Entry>> =
    LazyLock::new(|| GROUPS.iter().flat_map(|(_, table)| table.iter()).map(|e| (e.name, e)).collect());

/// Functions that would give something else each time, or on each machine: why that is no good, and what to do.
const IMPURE: &[(&str, &str, &str)] = &[
    ("timestamp", CLOCK, "write the date, or pass it as a variable: `--var now=...`"),
    ("plantimestamp", CLOCK, "write the date, or pass it as a variable: `--var now=...`"),
    ("uuid", CHANCE, "write the id once, make it from a name with `uuidv5(\"dns\", name)`, or pass it as a variable"),
    ("bcrypt", CHANCE, "hash it once outside, and pass the hash as a variable"),
    ("abspath", MACHINE, "write the path from the project's directory"),
    ("pathexpand", MACHINE, "put the file into the project's directory, or pass its text as a variable"),
];

const CLOCK: &str = "it would differ with each plan, and no plan would ever be empty";
const CHANCE: &str = "it would differ with each call, and no plan would ever be empty";
const MACHINE: &str = "it would differ from machine to machine, and so would the plan";

/// Terraform's functions that have another form here.
const ELSEWHERE: &[(&str, &str)] = &[
    ("map", "`{ key = value }`"),
    ("list", "`[a, b]`"),
    ("rsadecrypt", "the text itself, as a variable: a private key has no place in a project"),
    ("templatestring", "a text with `${...}` in it"),
];

/// Every function, in the order of the reference.
pub fn functions() -> impl Iterator<Item = Function> {
    let entries = GROUPS.iter().flat_map(|(group, table)| table.iter().map(move |e| (group, e)));
    entries.map(|(group, e)| Function { name: e.name, usage: e.usage, doc: e.doc, group })
}

/// Reports a name that no function has.
pub(super) fn check_name(name: &Name, sink: &mut Sink) {
    let word = &*name.text;
    if INDEX.contains_key(word) {
        return;
    }
    let impure = IMPURE.iter().find(|f| f.0 == word);
    let elsewhere = ELSEWHERE.iter().find(|f| f.0 == word);
    sink.push(match (impure, elsewhere) {
        (Some((_, why, instead)), _) => name_codes::function_impure(word, name.span, why, instead),
        (_, Some((_, instead))) => name_codes::function_elsewhere(word, name.span, instead),
        _ => name_codes::unknown_function(word, name.span, nearest(word, functions().map(|f| f.name))),
    });
}

/// Whether a function's value comes of more than its arguments.
pub(super) fn is_reading(name: &str) -> bool {
    INDEX.get(name).is_some_and(|entry| matches!(entry.body, Body::Reading(_)))
}

/// Calls a function; a name that none has was reported.
pub(super) fn call(name: &Name, arguments: &[Argument], at: Span, context: Context<'_>, sink: &mut Sink) -> Value {
    let Some(entry) = INDEX.get(&*name.text) else { return Value::Error };
    let (least, most) = entry.count;
    if arguments.len() < least || arguments.len() > most {
        let wanted = match (least, most) {
            (least, MANY) => format!("at least {}", counted(least, "argument")),
            (least, most) if least == most => counted(least, "argument"),
            (least, most) if least + 1 == most => format!("{least} or {}", counted(most, "argument")),
            (least, most) => format!("{least} to {}", counted(most, "argument")),
        };
        sink.push(codes::arguments(format!("`{}` takes {wanted}, not {}", entry.name, arguments.len()), at, entry.usage));
        return Value::Error;
    }
    if arguments.iter().any(|(value, _)| is_broken(value)) {
        return Value::Error;
    }
    let answer = match entry.body {
        Body::Pure(body) => body(arguments),
        Body::Reading(body) => body(arguments, context),
    };
    answer.unwrap_or_else(|refusal| refuse(refusal, entry.name, entry.usage, arguments, sink))
}

fn refuse(refusal: Refusal, word: &str, usage: &str, arguments: &[Argument], sink: &mut Sink) -> Value {
    let i = match &refusal {
        Refusal::Wanted(i, _) | Refusal::Wrong(i, _) | Refusal::Later(i, _) => *i,
        Refusal::Said(_) => 0,
    };
    let Some((value, at)) = arguments.get(i) else { return Value::Error };
    sink.push(match (refusal, value) {
        (Refusal::Said(diagnostic), _) => *diagnostic,
        (Refusal::Later(_, later), _) => codes::not_known_yet(&later.to_string(), &format!("`{word}`"), *at),
        (Refusal::Wanted(..), later @ (Value::Attribute(..) | Value::Subnet(..) | Value::Concat(_))) => {
            codes::not_known_yet(&later.to_string(), &format!("`{word}`"), *at)
        }
        (Refusal::Wanted(_, wanted), value) => {
            codes::arguments(format!("`{word}` takes {wanted} here, not {}", describe(value)), *at, usage)
        }
        (Refusal::Wrong(_, message), _) => codes::arguments(message, *at, usage),
    });
    Value::Error
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_name_has_two_functions_and_every_entry_is_whole() {
        let mut names = BTreeSet::new();
        for function in functions() {
            assert!(names.insert(function.name), "`{}` is there twice", function.name);
            assert!(function.usage.contains(&format!("{}(", function.name)), "{function:?}");
            assert!(function.doc.ends_with('.'), "{function:?}");
        }
        for name in IMPURE.iter().map(|f| f.0).chain(ELSEWHERE.iter().map(|f| f.0)) {
            assert!(names.insert(name), "`{name}` both is and is not there");
        }
        for (group, table) in GROUPS {
            assert!(table.is_sorted_by_key(|e| e.name), "the table of {group} is not in order");
        }
    }
}
