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

const SETTINGS: &[&str] = &["bucket", "encryption", "endpoint", "key", "profile", "region"];

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
    let (mut bucket, mut seen): (Bucket, Vec<&Attribute>) = (Bucket { key: KEY.into(), ..Bucket::default() }, vec![]);
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
            "encryption" => bucket.encryption = Encryption::parse(&text),
            "profile" => bucket.profile = Some(text),
            _ => bucket.endpoint = Some(text),
        }
    }
    if bucket.name.is_empty()
        && let Some(alone) = seen.iter().find(|a| &*a.name.text != "bucket")
    {
        let help = "name the bucket, too: bucket = \"acme-state\"".to_owned();
        wrong(codes::project_setting(format!("`{}` of the state says nothing without a bucket", alone.name.text), alone.name.span, help));
    }
    Backend { bucket: (!bucket.name.is_empty()).then_some(bucket) }
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
        "encryption" => Encryption::parse(text).is_some(),
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
        "encryption" => "passphrase",
        _ => "https://objects.example.com",
    }
}
