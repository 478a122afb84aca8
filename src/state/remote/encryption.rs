//! A shared state that whoever keeps it cannot read: objects are encrypted here, before they leave the machine. Layer 4.
//!
//! AES-256-GCM (NIST SP 800-38D) under a key that is in a file, or that Argon2id makes of a passphrase (RFC 9106, the second of its
//! recommended settings). An object begins with a line that says how it was encrypted, then comes a random nonce, then the rest.
//! That line and the object's name are authenticated with it: none can be put in another's place.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand,
};
use serde::{Deserialize, Serialize};

use super::{Listed, Object, Objects, Refused, Trouble, When};

/// What an encrypted object begins with.
const BEGINS: &[u8] = b"{\"secnet-encrypted\":";
/// The version of this.
const FORMAT: u32 = 1;
/// Bytes of a key.
const KEY_LEN: usize = 32;
/// Bytes of a salt, as RFC 9106 recommends.
const SALT_LEN: usize = 16;
/// What a passphrase costs: kibibytes, passes, lanes.
const COSTS: Costs = Costs { memory: 64 * 1024, passes: 3, lanes: 4 };
/// What an object may ask for at most, whoever wrote it: a gibibyte.
const MEMORY_MAX: u32 = 1024 * 1024;

/// Where the key comes from.
#[derive(Clone)]
pub enum Secret {
    /// 32 random bytes.
    Key([u8; KEY_LEN]),
    /// Words that somebody remembers.
    Passphrase(String),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key(_) => "a key",
            Self::Passphrase(_) => "a passphrase",
        })
    }
}

impl Secret {
    /// The key in a file: 32 bytes, or 64 hexadecimal digits.
    ///
    /// # Errors
    /// It is neither; why, in words.
    pub fn of_file(bytes: &[u8]) -> Result<Self, String> {
        let raw = <[u8; KEY_LEN]>::try_from(bytes).ok();
        let text = std::str::from_utf8(bytes).ok().map(str::trim);
        let key = raw.or_else(|| unhex(text?)?.try_into().ok());
        key.map(Self::Key).ok_or_else(|| "a key is 32 bytes, or 64 hexadecimal digits".into())
    }
}

/// What making a key of a passphrase costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Costs {
    #[serde(rename = "m")]
    memory: u32,
    #[serde(rename = "t")]
    passes: u32,
    #[serde(rename = "p")]
    lanes: u32,
}

/// How a passphrase becomes a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Argon2id {
    salt: String,
    #[serde(flatten)]
    costs: Costs,
}

/// The first line of an encrypted object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    #[serde(rename = "secnet-encrypted")]
    format: u32,
    cipher: String,
    /// `None`: the key is the one in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    argon2id: Option<Argon2id>,
}

const CIPHER: &str = "AES-256-GCM";

/// Objects as the project wants them: encrypted, or not.
pub struct Encrypted {
    inner: Arc<dyn Objects>,
    secret: Option<Secret>,
    /// Other forms that are read, too; `None`: no other.
    former: Option<Vec<Encrypted>>,
    /// Keys that were made of the passphrase; the last is for what is written.
    keys: Mutex<Keys>,
}

#[derive(Default)]
struct Keys {
    made: BTreeMap<Argon2id, [u8; KEY_LEN]>,
    current: Option<Argon2id>,
}

impl fmt::Debug for Encrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encrypted").field("inner", &self.inner).field("secret", &self.secret).finish_non_exhaustive()
    }
}

impl Encrypted {
    /// Objects that are written and read encrypted, or neither where there is no secret.
    #[must_use]
    pub fn new(inner: Arc<dyn Objects>, secret: Option<Secret>) -> Self {
        Self { inner, secret, former: None, keys: Mutex::default() }
    }

    /// Reads what is in the clear, too, or encrypted with one of these: to bring it into this form.
    #[must_use]
    pub fn or(self, former: Vec<Secret>) -> Self {
        let clear = std::iter::once(None).chain(former.into_iter().map(Some));
        Self { former: Some(clear.map(|secret| Self::new(self.inner.clone(), secret)).collect()), ..self }
    }

    /// Whether an object is stored in the form in which it would be written.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn in_form(&self, key: &str) -> Result<bool, Trouble> {
        let object = self.inner.get(key)?;
        Ok(object.is_none_or(|object| self.open_strictly(key, &object.bytes).is_ok()))
    }

    /// The key that a head asks for.
    fn key(&self, head: &Head) -> Result<[u8; KEY_LEN], String> {
        match (&self.secret, &head.argon2id) {
            (Some(Secret::Key(key)), None) => Ok(*key),
            (Some(Secret::Passphrase(words)), Some(how)) => {
                let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
                let key = match keys.made.get(how) {
                    Some(key) => *key,
                    None => {
                        let key = stretch(words, how)?;
                        keys.made.insert(how.clone(), key);
                        key
                    }
                };
                if how.costs == COSTS {
                    keys.current = Some(how.clone());
                }
                Ok(key)
            }
            (Some(Secret::Key(_)), Some(_)) => Err("it was encrypted with a passphrase, and the project names a key file".into()),
            (Some(Secret::Passphrase(_)), None) => Err("it was encrypted with a key file, and the project names a passphrase".into()),
            (None, _) => Err("it is encrypted, and the project's `state` block says nothing of that".into()),
        }
    }

    /// How the next object is encrypted: as those that were read.
    fn head(&self) -> Result<Option<Head>, String> {
        let argon2id = match &self.secret {
            None => return Ok(None),
            Some(Secret::Key(_)) => None,
            Some(Secret::Passphrase(_)) => {
                let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
                let how = match keys.current.clone() {
                    Some(how) => how,
                    None => Argon2id { salt: hex(&random::<SALT_LEN>()?), costs: COSTS },
                };
                keys.current = Some(how.clone());
                Some(how)
            }
        };
        Ok(Some(Head { format: FORMAT, cipher: CIPHER.into(), argon2id }))
    }

    fn close(&self, key: &str, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let Some(head) = self.head()? else { return Ok(bytes.to_vec()) };
        let mut line = serde_json::to_vec(&head).map_err(|e| e.to_string())?;
        let nonce = random::<NONCE_LEN>()?;
        let mut sealed = bytes.to_vec();
        let cipher = cipher(&self.key(&head)?)?;
        let bad = |_| "it cannot be encrypted".to_owned();
        cipher.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), bound(&line, key), &mut sealed).map_err(bad)?;
        line.push(b'\n');
        line.extend_from_slice(&nonce);
        line.append(&mut sealed);
        Ok(line)
    }

    fn open(&self, key: &str, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let opened = self.open_strictly(key, bytes);
        let Some(former) = self.former.as_ref().filter(|_| opened.is_err()) else { return opened };
        former.iter().find_map(|form| form.open_strictly(key, bytes).ok()).map_or(opened, Ok)
    }

    fn open_strictly(&self, key: &str, bytes: &[u8]) -> Result<Vec<u8>, String> {
        if !bytes.starts_with(BEGINS) {
            return match self.secret {
                None => Ok(bytes.to_vec()),
                Some(_) => Err("it is not encrypted, and the project's `state` block says that it is".into()),
            };
        }
        let damaged = || "it is encrypted, and damaged".to_owned();
        let end = bytes.iter().position(|b| *b == b'\n').ok_or_else(damaged)?;
        let (line, rest) = (bytes.get(..end).ok_or_else(damaged)?, bytes.get(end + 1..).ok_or_else(damaged)?);
        let head: Head = serde_json::from_slice(line).map_err(|_| damaged())?;
        if head.format != FORMAT || head.cipher != CIPHER {
            return Err("another version of secnet has encrypted it".into());
        }
        let (nonce, sealed) = rest.split_at_checked(NONCE_LEN).ok_or_else(damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        let mut opened = sealed.to_vec();
        let wrong = || format!("it cannot be decrypted: this is another {}, or it was tampered with", self.word());
        let length = cipher(&self.key(&head)?)?.open_in_place(nonce, bound(line, key), &mut opened).map_err(|_| wrong())?.len();
        opened.truncate(length);
        Ok(opened)
    }

    fn word(&self) -> &'static str {
        if matches!(self.secret, Some(Secret::Passphrase(_))) { "passphrase" } else { "key" }
    }
}

impl Objects for Encrypted {
    fn get(&self, key: &str) -> Result<Option<Object>, Trouble> {
        let Some(object) = self.inner.get(key)? else { return Ok(None) };
        let locked = |why| Trouble::Locked { object: format!("{}/{key}", self.inner.url()), why };
        Ok(Some(Object { bytes: self.open(key, &object.bytes).map_err(locked)?, etag: object.etag }))
    }

    fn put(&self, key: &str, bytes: &[u8], when: When<'_>) -> Result<String, Refused> {
        let closed = self.close(key, bytes).map_err(Refused::Failed)?;
        self.inner.put(key, &closed, when)
    }

    fn delete(&self, key: &str) -> Result<(), String> {
        self.inner.delete(key)
    }

    fn list(&self, prefix: &str) -> Result<Vec<Listed>, String> {
        self.inner.list(prefix)
    }

    fn url(&self) -> String {
        self.inner.url()
    }
}

/// What an object's bytes are bound to.
fn bound(line: &[u8], key: &str) -> Aad<Vec<u8>> {
    let mut bytes = line.to_vec();
    bytes.push(b'\n');
    bytes.extend_from_slice(key.as_bytes());
    Aad::from(bytes)
}

fn cipher(key: &[u8; KEY_LEN]) -> Result<LessSafeKey, String> {
    UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(|_| "the key cannot be used".into())
}

fn random<const N: usize>() -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| "the system gives no random bytes".to_owned())?;
    Ok(bytes)
}

/// A key of a passphrase.
fn stretch(words: &str, how: &Argon2id) -> Result<[u8; KEY_LEN], String> {
    let bad = |e: argon2::Error| format!("the passphrase makes no key: {e}");
    let salt = unhex(&how.salt).ok_or("its salt is damaged")?;
    let Costs { memory, passes, lanes } = how.costs;
    if memory > MEMORY_MAX {
        return Err("its passphrase is to take more than a gibibyte of memory".into());
    }
    let params = Params::new(memory, passes, lanes, Some(KEY_LEN)).map_err(bad)?;
    let mut key = [0; KEY_LEN];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into(words.as_bytes(), &salt, &mut key).map_err(bad)?;
    Ok(key)
}

fn hex(bytes: &[u8]) -> String {
    crate::state::identity::hex(bytes)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let pairs = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::remote::folder::Folder;

    fn words(of: &str) -> Option<Secret> {
        Some(Secret::Passphrase(of.into()))
    }

    fn place() -> (tempfile::TempDir, Arc<dyn Objects>) {
        let directory = tempfile::tempdir().unwrap();
        let folder = Arc::new(Folder::new(directory.path()));
        (directory, folder)
    }

    fn why(found: Result<Option<Object>, Trouble>) -> String {
        match found {
            Err(Trouble::Locked { why, .. }) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_written_is_read_with_the_same_words_and_with_no_others() {
        let (directory, inner) = place();
        let objects = Encrypted::new(inner.clone(), words("correct horse"));
        objects.put("p/state.json", b"what stands", When::Absent).unwrap();
        let raw = std::fs::read(directory.path().join("p/state.json")).unwrap();
        assert!(raw.starts_with(BEGINS) && !raw.windows(4).any(|w| w == b"what"), "{}", String::from_utf8_lossy(&raw));
        let again = Encrypted::new(inner.clone(), words("correct horse"));
        assert_eq!(again.get("p/state.json").unwrap().unwrap().bytes, b"what stands");
        assert!(why(Encrypted::new(inner.clone(), words("another")).get("p/state.json")).contains("another passphrase"));
        assert!(why(Encrypted::new(inner.clone(), None).get("p/state.json")).contains("says nothing of that"));
        let key = Secret::of_file(&[7; 32]).unwrap();
        assert!(why(Encrypted::new(inner, Some(key)).get("p/state.json")).contains("encrypted with a passphrase"));
    }

    #[test]
    fn an_object_cannot_be_changed_nor_put_in_anothers_place() {
        let (directory, inner) = place();
        let objects = Encrypted::new(inner, Some(Secret::of_file(&[7; 32]).unwrap()));
        objects.put("a", b"old", When::Always).unwrap();
        let (a, b) = (directory.path().join("a"), directory.path().join("b"));
        let raw = std::fs::read(&a).unwrap();
        std::fs::write(&b, &raw).unwrap();
        assert!(why(objects.get("b")).contains("tampered"));
        for at in 0..raw.len() {
            let mut bad = raw.clone();
            bad[at] ^= 1;
            std::fs::write(&b, &bad).unwrap();
            std::fs::write(&a, &bad).unwrap();
            assert!(objects.get("a").is_err(), "byte {at}");
        }
        for length in 0..raw.len() {
            std::fs::write(&a, &raw[..length]).unwrap();
            assert!(objects.get("a").is_err(), "{length} bytes");
        }
    }

    #[test]
    fn what_is_in_the_clear_is_not_taken_for_what_was_encrypted() {
        let (_directory, inner) = place();
        inner.put("a", b"{}", When::Always).unwrap();
        let key = || Some(Secret::of_file(&[7; 32]).unwrap());
        let strict = Encrypted::new(inner.clone(), key());
        assert!(why(strict.get("a")).contains("not encrypted"));
        assert!(!strict.in_form("a").unwrap());
        let bring = |form: Encrypted| {
            let found = form.get("a").unwrap().unwrap();
            form.put("a", &found.bytes, When::Unchanged(&found.etag)).unwrap();
            assert!(form.in_form("a").unwrap());
        };
        bring(Encrypted::new(inner.clone(), key()).or(vec![]));
        assert_eq!(strict.get("a").unwrap().unwrap().bytes, b"{}");
        // To another key, of which the old one knows nothing, and back into the clear.
        let other = || Some(Secret::of_file(&[8; 32]).unwrap());
        bring(Encrypted::new(inner.clone(), other()).or(key().into_iter().collect()));
        assert!(why(strict.get("a")).contains("another key"));
        bring(Encrypted::new(inner.clone(), None).or(other().into_iter().collect()));
        assert_eq!(inner.get("a").unwrap().unwrap().bytes, b"{}");
    }

    #[test]
    fn a_key_file_holds_bytes_or_digits() {
        let digits = "0f".repeat(32);
        assert!(matches!(Secret::of_file(format!("{digits}\n").as_bytes()), Ok(Secret::Key(key)) if key == [15; 32]));
        assert!(matches!(Secret::of_file(&[15; 32]), Ok(Secret::Key(_))));
        for bad in ["", "0f", &digits[1..], &format!("{digits}0f"), "passphrase"] {
            assert!(Secret::of_file(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(!format!("{:?}", words("correct horse")).contains("horse"));
    }

    #[test]
    fn the_key_of_a_passphrase_is_that_of_argon2id() {
        // What argon2-cffi 25.1, which holds the reference implementation, makes of the same.
        let how = |salt: &[u8]| Argon2id { salt: hex(salt), costs: Costs { memory: 64, passes: 3, lanes: 4 } };
        let key = stretch("password", &how(b"somesalt01234567")).unwrap();
        assert_eq!(hex(&key), "a8a1c7af973832586d7716ddf53aa39406672e41c8e6d1e3cc20c31a3911d9ad");
        assert_ne!(key, stretch("password", &how(b"somesalt01234568")).unwrap());
        assert_ne!(key, stretch("Password", &how(b"somesalt01234567")).unwrap());
        let greedy = Argon2id { salt: hex(b"somesalt01234567"), costs: Costs { memory: MEMORY_MAX + 1, passes: 1, lanes: 1 } };
        assert!(stretch("password", &greedy).is_err());
    }
}
