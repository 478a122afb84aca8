//! Key pairs: public keys that were imported. Layer 8.

use md5::Md5;
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use sha2::{Digest, Sha256};

use crate::{
    base::base64,
    call::{ApiError, Json},
    sim::{
        Actions,
        page::{Listing, select},
        params::Params,
        refuse::{Outcome, bad, missing, refuse},
        tag::at_creation,
        world::World,
    },
};

pub(crate) const ACTIONS: Actions = &[
    ("ImportKeyPair", import, "KeyName PublicKeyMaterial TagSpecifications"),
    ("CreateKeyPair", create, "KeyName KeyType KeyFormat TagSpecifications"),
    ("DeleteKeyPair", delete, "KeyName KeyPairId"),
    ("DescribeKeyPairs", describe_pairs, "KeyNames KeyPairIds IncludePublicKey Filters"),
];

const NAME_MAX: usize = 255;

/// A key pair; the private half is never here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeyPair {
    pub(crate) name: String,
    /// `rsa` or `ed25519`.
    kind: String,
    fingerprint: String,
    /// In OpenSSH's form.
    public: String,
    created: u64,
}

fn check_name(world: &World, name: &str) -> Result<(), ApiError> {
    if name.chars().count() > NAME_MAX || !name.is_ascii() || name.trim() != name {
        return Err(bad(format!("Value ({name}) for parameter keyName is invalid.")));
    }
    match world.key_pairs.values().any(|k| k.name == name) {
        true => Err(refuse("InvalidKeyPair.Duplicate", format!("The keypair '{name}' already exists."))),
        false => Ok(()),
    }
}

/// Reads `ssh-ed25519 AAAA... comment`: its kind and its bytes.
fn read(text: &str) -> Option<(&'static str, Vec<u8>)> {
    let mut words = text.split_whitespace();
    let (algorithm, bytes) = (words.next()?, base64::decode(words.next()?)?);
    let kind = match algorithm {
        "ssh-rsa" => "rsa",
        "ssh-ed25519" => "ed25519",
        _ => return None,
    };
    // The bytes begin with the length and the text of the algorithm's name (RFC 4253, section 6.6).
    let named = bytes.get(4..4 + algorithm.len()) == Some(algorithm.as_bytes());
    (named && bytes.get(..4) == Some(&u32::try_from(algorithm.len()).ok()?.to_be_bytes()[..])).then_some((kind, bytes))
}

/// MD5 of an imported RSA key's bytes; SHA-256 in base64 of an ed25519 key's
/// (docs.aws.amazon.com/AWSEC2/latest/UserGuide/verify-keys.html).
fn fingerprint(kind: &str, bytes: &[u8]) -> String {
    match kind {
        "rsa" => Md5::digest(bytes).iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(":"),
        _ => base64::encode(&Sha256::digest(bytes)),
    }
}

fn import(world: &mut World, p: Params<'_>) -> Outcome {
    let name = p.need("KeyName")?;
    let malformed = || refuse("InvalidKey.Format", "Key is not in valid OpenSSH public key format");
    let bytes = base64::decode(p.need("PublicKeyMaterial")?).ok_or_else(malformed)?;
    let public = String::from_utf8(bytes).map_err(|_| malformed())?;
    let (kind, bytes) = read(&public).ok_or_else(malformed)?;
    let tags = at_creation(p, "key-pair", &["key-pair"])?;
    check_name(world, name)?;
    let id = world.id("key");
    let fingerprint = fingerprint(kind, &bytes);
    let pair = KeyPair { name: name.into(), kind: kind.into(), fingerprint, public: public.trim().into(), created: world.now };
    let answer = json!({"KeyPairId": id, "KeyName": name, "KeyFingerprint": pair.fingerprint});
    world.key_pairs.insert(id.clone(), pair);
    world.tag(&id, tags);
    Ok(with_tags(world, &id, answer))
}

fn with_tags(world: &World, id: &str, mut answer: Json) -> Json {
    if let Some(map) = answer.as_object_mut() {
        map.insert("Tags".into(), world.shown_tags(id));
    }
    answer
}

fn create(_: &mut World, _: Params<'_>) -> Outcome {
    Err(refuse("UnsupportedOperation", "The sandbox makes no private keys. Import a public key with ImportKeyPair."))
}

/// Deleting what is not there is no error.
fn delete(world: &mut World, p: Params<'_>) -> Outcome {
    let (name, id) = (p.text("KeyName"), p.text("KeyPairId"));
    if name.is_none() && id.is_none() {
        return Err(missing("keyName or keyPairId"));
    }
    let found = world.key_pairs.iter().find(|(key, pair)| Some(&***key) == id || Some(&*pair.name) == name).map(|(key, _)| key.clone());
    let mut answer = Map::new();
    answer.insert("Return".into(), true.into());
    if let Some(key) = found {
        world.key_pairs.remove(&key);
        world.tags.remove(&key);
        answer.insert("KeyPairId".into(), key.into());
    }
    Ok(answer.into())
}

const LISTING: Listing = Listing {
    member: "KeyPairs",
    ids: "KeyPairIds",
    prefix: "key",
    filters: &[("key-name", "KeyName"), ("key-pair-id", "KeyPairId"), ("fingerprint", "KeyFingerprint")],
    ids_or_pages: false,
};

fn describe_pairs(world: &mut World, p: Params<'_>) -> Outcome {
    let names = p.texts("KeyNames");
    if let Some(name) = names.iter().find(|name| !world.key_pairs.values().any(|k| k.name == **name)) {
        return Err(refuse("InvalidKeyPair.NotFound", format!("The key pair '{name}' does not exist")));
    }
    let public = p.flag("IncludePublicKey") == Some(true);
    let show = |id: &str| {
        let pair = world.key_pairs.get(id).filter(|k| names.is_empty() || names.contains(&&*k.name))?;
        let mut shown = json!({"KeyPairId": id, "KeyName": pair.name, "KeyType": pair.kind, "KeyFingerprint": pair.fingerprint,
            "CreateTime": World::time(pair.created), "Tags": world.shown_tags(id)});
        if let (true, Some(map)) = (public, shown.as_object_mut()) {
            map.insert("PublicKey".into(), json!(pair.public));
        }
        Some(shown)
    };
    let found = select(world, p, &LISTING, world.key_pairs.keys(), show)?;
    Ok(json!({"KeyPairs": found.into_iter().map(|(_, shown)| shown).collect::<Vec<_>>()}))
}
