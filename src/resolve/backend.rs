//! The `state` block of a project: where its state is kept. Layer 4.
//!
//! It is read off the sources as it stands there: other projects, and commands that only look at the state, need it before
//! anything is worked out.

use crate::{
    base::{
        codes::name as codes,
        diagnostic::{Diagnostic, nearest},
    },
    resolve::env::plain_text,
    schema::model::{Backend, Bucket, Encryption},
    syntax::ast::{self, Attribute, Body, Entry},
};

const SETTINGS: &[&str] = &["bucket", "encryption", "endpoint", "key", "key_file", "profile", "region"];

/// What the keys of all objects begin with where nothing is said.
const KEY: &str = "secnet";

/// What the `state` block of a project says, as far as it is sound; nothing is reported.
#[must_use]
pub(super) fn of(project: &ast::Project) -> Backend {
    let block = project.body.entries.iter().find_map(|entry| match entry {
        Entry::Block(block) if &*block.name.text == "state" => Some(block),
        _ => None,
    });
    block.map(|block| read(&block.body, &mut |_| {})).unwrap_or_default()
}

/// What a `state` block says; `wrong` hears of what makes no sense.
pub(super) fn read(body: &Body, wrong: &mut dyn FnMut(Diagnostic)) -> Backend {
    let mut backend = Backend::default();
    let (mut bucket, mut seen): (Bucket, Vec<&Attribute>) = (Bucket { key: KEY.into(), ..Bucket::default() }, vec![]);
    let (mut key_file, mut encryption) = (None, None);
    for entry in &body.entries {
        let (word, at) = entry.head();
        let attribute = match entry {
            Entry::Attribute(attribute) if SETTINGS.contains(&word) => attribute,
            _ => {
                wrong(codes::unknown_setting(word, "state", at, nearest(word, SETTINGS.iter().copied()), SETTINGS));
                continue;
            }
        };
        if let Some(first) = seen.iter().find(|a| a.name.text == attribute.name.text) {
            wrong(codes::duplicate(&format!("`{word}`"), at, first.name.span));
            continue;
        }
        seen.push(attribute);
        let Some(text) = plain_text(attribute).filter(|text| fits(word, text)) else {
            let help = format!("write a plain text, such as {word} = \"{}\"", example(word));
            wrong(codes::project_setting(format!("`{word}` of the state cannot be this"), attribute.value.span, help));
            continue;
        };
        let text = text.to_owned();
        match word {
            "bucket" => bucket.name = text,
            "key" => bucket.key = text,
            "region" => bucket.region = Some(text),
            "profile" => bucket.profile = Some(text),
            "endpoint" => bucket.endpoint = Some(text),
            "key_file" => key_file = Some(text),
            _ => encryption = Some(text),
        }
    }
    let stray = |a: &&&Attribute| ["key", "region", "profile", "endpoint"].contains(&&*a.name.text);
    if bucket.name.is_empty()
        && let Some(alone) = seen.iter().find(stray)
    {
        let help = "name the bucket, too: bucket = \"acme-state\"".to_owned();
        wrong(codes::project_setting(format!("`{}` of the state says nothing without a bucket", alone.name.text), alone.name.span, help));
    }
    if let Some(file) = seen.iter().find(|a| &*a.name.text == "key_file" && encryption.as_deref() != Some("key_file")) {
        let help = "write encryption = \"key_file\", too".to_owned();
        wrong(codes::project_setting("`key_file` of the state says nothing without `encryption`".into(), file.name.span, help));
    }
    backend.bucket = (!bucket.name.is_empty()).then_some(bucket);
    backend.encryption = encryption.map(|kind| if kind == "passphrase" { Encryption::Passphrase } else { Encryption::KeyFile(key_file) });
    backend
}

fn fits(word: &str, text: &str) -> bool {
    match word {
        // S3's rules for names, as far as they keep a name from being a path or a URL.
        "bucket" => {
            (3..=63).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'))
                && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        }
        "key" => text.split('/').all(|part| !matches!(part, "" | "." | "..") && part.chars().all(|c| c.is_ascii_graphic())),
        "region" => !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
        "encryption" => ["passphrase", "key_file"].contains(&text),
        "endpoint" => ["http://", "https://", "file://"].iter().any(|scheme| text.starts_with(scheme)),
        _ => !text.is_empty(),
    }
}

fn example(word: &str) -> &'static str {
    match word {
        "bucket" => "acme-state",
        "key" => "networks/production",
        "region" => "eu-central-1",
        "profile" => "production",
        "endpoint" => "https://objects.example.com",
        "key_file" => "../keys/state.key",
        _ => "passphrase",
    }
}
