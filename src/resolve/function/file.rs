//! Functions over files of the project, and over their paths. Layer 4. What reads is the caller's [`Disk`].

use std::sync::Arc;

use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use super::{
    Answer, Argument, Context, ELEMENTS_MAX, Entry, Refusal,
    argument::{map, text, too_long},
    encoding::utf8,
    hash::{digest, hex},
    pure, reading,
    text::compiled,
};
use crate::{
    base::{
        base64,
        disk::{self, Disk},
    },
    schema::value::Value,
};

pub(super) const TABLE: &[Entry] = &[
    pure("basename", "basename(\"keys/admin.pub\")", (1, 1), "The last part of a path.", |a| {
        let path = text(a, 0)?;
        let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        Ok(Value::text(match (path, last) {
            ("", _) => ".",
            (_, "") => "/",
            (_, last) => last,
        }))
    }),
    pure("dirname", "dirname(\"keys/admin.pub\")", (1, 1), "A path without its last part.", |a| {
        let path = text(a, 0)?;
        Ok(Value::text(match path.rsplit_once('/').map(|(before, _)| before.trim_end_matches('/')) {
            None => ".",
            Some("") if path.starts_with('/') => "/",
            Some(before) => before,
        }))
    }),
    reading(
        "file",
        "file(\"keys/admin.pub\")",
        (1, 1),
        "The text of a file, by its path from the module's directory; it has to be UTF-8.",
        |a, c| {
            let bytes = bytes(a, c)?;
            utf8(bytes.to_vec(), 0)
        },
    ),
    reading("filebase64", "filebase64(\"keys/admin.pub\")", (1, 1), "The bytes of a file, in base64.", |a, c| {
        Ok(Value::text(base64::encode(&bytes(a, c)?)))
    }),
    reading("filebase64sha256", "filebase64sha256(\"keys/admin.pub\")", (1, 1), "The SHA-256 of a file, in base64.", |a, c| {
        Ok(Value::text(base64::encode(&digest::<Sha256>(&bytes(a, c)?))))
    }),
    reading("filebase64sha512", "filebase64sha512(\"keys/admin.pub\")", (1, 1), "The SHA-512 of a file, in base64.", |a, c| {
        Ok(Value::text(base64::encode(&digest::<Sha512>(&bytes(a, c)?))))
    }),
    reading("fileexists", "fileexists(\"keys/admin.pub\")", (1, 1), "Whether there is such a file.", |a, c| {
        let place = place(a, c)?;
        place.disk.is_file(place.within, &place.path).map(Value::Bool).map_err(|why| Refusal::Wrong(0, why))
    }),
    reading("filemd5", "filemd5(\"keys/admin.pub\")", (1, 1), "The MD5 of a file, in hexadecimal.", |a, c| {
        Ok(Value::text(hex(&digest::<Md5>(&bytes(a, c)?))))
    }),
    reading(
        "fileset",
        "fileset(\"keys\", \"*.pub\")",
        (2, 2),
        "The paths of the files under a directory that match a pattern: `*` and `?` within a name, `**` any directories, `{a,b}` either.",
        file_set,
    ),
    reading("filesha1", "filesha1(\"keys/admin.pub\")", (1, 1), "The SHA-1 of a file, in hexadecimal.", |a, c| {
        Ok(Value::text(hex(&digest::<Sha1>(&bytes(a, c)?))))
    }),
    reading("filesha256", "filesha256(\"keys/admin.pub\")", (1, 1), "The SHA-256 of a file, in hexadecimal.", |a, c| {
        Ok(Value::text(hex(&digest::<Sha256>(&bytes(a, c)?))))
    }),
    reading("filesha512", "filesha512(\"keys/admin.pub\")", (1, 1), "The SHA-512 of a file, in hexadecimal.", |a, c| {
        Ok(Value::text(hex(&digest::<Sha512>(&bytes(a, c)?))))
    }),
    reading(
        "templatefile",
        "templatefile(\"hosts.tftpl\", { names = [\"a\", \"b\"] })",
        (2, 2),
        "The text of a file, with `${...}` for the variables of a map, and `%{ if }` and `%{ for }` as in Terraform.",
        |a, c| {
            map(a, 1)?;
            // The text as it stands: whoever called evaluates what is in it.
            utf8(bytes(a, c)?.to_vec(), 0)
        },
    ),
];

/// A path that may be read.
struct Place<'c> {
    disk: &'c dyn Disk,
    /// The directory that it does not leave: the project's own, or that of a module beside it.
    within: &'c str,
    /// From the project's directory.
    path: String,
}

fn place<'c>(a: &[Argument], context: Context<'c>) -> Result<Place<'c>, Refusal> {
    let written = text(a, 0)?;
    let disk = context.disk.ok_or_else(|| Refusal::Wrong(0, "no files can be read here".into()))?;
    let path = disk::joined(context.directory, written).map_err(|why| Refusal::Wrong(0, why))?;
    let within = if context.directory.starts_with("..") { context.directory } else { "" };
    Ok(Place { disk, within, path })
}

fn bytes(a: &[Argument], context: Context<'_>) -> Result<Arc<[u8]>, Refusal> {
    let place = place(a, context)?;
    place.disk.read(place.within, &place.path).map_err(|why| Refusal::Wrong(0, why))
}

fn file_set(a: &[Argument], context: Context<'_>) -> Answer {
    let place = place(a, context)?;
    let written = text(a, 1)?;
    let pattern = compiled(&glob(written)).map_err(|_| Refusal::Wrong(1, "a bracket of the pattern is not closed".into()))?;
    let found = place.disk.list(place.within, &place.path, written, &|path| pattern.is_match(path));
    let found = found.map_err(|why| Refusal::Wrong(0, why))?;
    if found.len() > ELEMENTS_MAX {
        return Err(too_long(1));
    }
    Ok(Value::List(found.into_iter().map(Value::text).collect()))
}

/// A pattern of paths as a regular expression.
fn glob(pattern: &str) -> String {
    let mut expression = String::from("^");
    let mut rest = pattern;
    let (mut braces, mut in_class) = (0_usize, false);
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("**/").filter(|_| !in_class) {
            expression.push_str("(?:.*/)?");
            rest = after;
            continue;
        }
        if let Some(after) = rest.strip_prefix("**").filter(|_| !in_class) {
            expression.push_str(".*");
            rest = after;
            continue;
        }
        match c {
            ']' if in_class => {
                in_class = false;
                expression.push(']');
            }
            '!' | '^' if in_class && expression.ends_with('[') => expression.push('^'),
            '-' if in_class => expression.push('-'),
            _ if in_class => expression.push_str(&regex::escape(&c.to_string())),
            '*' => expression.push_str("[^/]*"),
            '?' => expression.push_str("[^/]"),
            '[' => {
                in_class = true;
                expression.push('[');
            }
            '{' => {
                braces += 1;
                expression.push_str("(?:");
            }
            '}' if braces > 0 => {
                braces -= 1;
                expression.push(')');
            }
            ',' if braces > 0 => expression.push('|'),
            other => expression.push_str(&regex::escape(&other.to_string())),
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    expression.push('$');
    expression
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_terraform_has_it() {
        let matches = |pattern: &str, path: &str| compiled(&glob(pattern)).unwrap().is_match(path);
        assert!(matches("*.pub", "a.pub") && !matches("*.pub", "keys/a.pub") && !matches("*.pub", "a_pub"));
        assert!(matches("**/*.pub", "a.pub") && matches("**/*.pub", "x/y/a.pub") && matches("**", "x/y"));
        assert!(matches("{a,b}/?.[ch]", "b/x.c") && !matches("{a,b}/?.[!ch]", "b/x.c"));
    }
}
