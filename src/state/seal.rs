//! What is kept of sensitive values: keyed hashes, HMAC-SHA256 (RFC 2104). Layer 4; the only home of hmac.
//!
//! The key is random, 32 bytes, made when a project first has something sensitive, and kept in its state. A hash tells
//! whether a value is still the same, and, without the key, nothing else. Whoever has the state file has the key, and can
//! test guesses: that is no protection for a password of four digits, and one for a token that nobody can guess. Equal values
//! have equal hashes within a project.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{
    base::base64,
    schema::value::{Record, Value},
    state::identity::hex,
};

/// A new key: 64 hexadecimal digits from the system's source of randomness.
///
/// # Errors
/// The system has none to give.
pub fn key() -> Result<String, getrandom::Error> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes)?;
    Ok(hex(&bytes))
}

/// The keyed hash of some bytes, in hexadecimal digits.
#[must_use]
pub fn hash(key: &str, bytes: &[u8]) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else { return String::new() };
    mac.update(bytes);
    hex(&mac.finalize().into_bytes())
}

/// The keyed hash of a value in the clear; of its type, too.
#[must_use]
pub fn hash_of(key: &str, value: &Value) -> String {
    hash(key, serde_json::to_string(&value.bare()).unwrap_or_default().as_bytes())
}

/// A value with what is sensitive in it replaced by hashes. Where a text waits for EC2, its pieces are replaced one by one;
/// what EC2 decides is no secret of the project's. `found` hears of each hash and what it stands for.
pub fn seal(key: &str, value: &Value, found: &mut dyn FnMut(String, &Value)) -> Value {
    match value {
        Value::Sensitive(inner) => seal_all(key, inner, found),
        Value::List(values) => Value::List(values.iter().map(|v| seal(key, v, found)).collect()),
        Value::Map(map) => Value::Map(map.iter().map(|(k, v)| (k.clone(), seal(key, v, found))).collect()),
        Value::Concat(values) => Value::Concat(values.iter().map(|v| seal(key, v, found)).collect()),
        other => other.clone(),
    }
}

fn seal_all(key: &str, value: &Value, found: &mut dyn FnMut(String, &Value)) -> Value {
    match value {
        Value::Concat(pieces) => Value::Concat(pieces.iter().map(|v| seal_all(key, v, found)).collect()),
        Value::List(values) => Value::List(values.iter().map(|v| seal_all(key, v, found)).collect()),
        Value::Null | Value::Error | Value::Resource(_) | Value::Attribute(..) | Value::Subnet(..) | Value::Sealed(_) => value.clone(),
        value => {
            let hash = hash_of(key, value);
            found(hash.clone(), value);
            Value::Sealed(hash)
        }
    }
}

/// A record with what is sensitive in it replaced by hashes.
pub fn seal_record(key: &str, record: &mut Record, found: &mut dyn FnMut(String, &Value)) {
    record.values_mut().filter(|v| v.is_sensitive()).for_each(|value| *value = seal(key, value, found));
}

/// What hashes stand for, for those who make calls. It is written down nowhere, and shown to nobody.
#[derive(Clone, PartialEq, Default)]
pub struct Secrets(BTreeMap<String, Value>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} secrets", self.0.len())
    }
}

impl Secrets {
    /// Adds one.
    pub fn add(&mut self, hash: String, value: &Value) {
        self.0.insert(hash, value.clone());
    }

    /// What a hash stands for, in the clear.
    #[must_use]
    pub fn get(&self, hash: &str) -> Option<&Value> {
        self.0.get(hash)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Words of somebody else's, unless one of the secrets stands in them: as it is, in base64, or escaped as in JSON.
    #[must_use]
    pub fn without(&self, words: &str) -> String {
        let shows = |value: &Value| {
            let text = value.as_text().map_or_else(|| value.to_string(), str::to_owned);
            let escaped = serde_json::to_string(&text).unwrap_or_default();
            let forms = [base64::encode(text.as_bytes()), escaped.trim_matches('"').to_owned(), text];
            forms.iter().any(|form| !form.is_empty() && words.contains(form.as_str()))
        };
        if self.0.values().any(shows) { "(these words hold a sensitive value, and are not shown)".into() } else { words.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{base::address::Address, schema::value::concat};

    fn sealed(value: &Value) -> (Value, usize) {
        let mut count = 0;
        (seal("k", value, &mut |_, _| count += 1), count)
    }

    #[test]
    fn a_hash_is_hmac_sha256() {
        // RFC 4231, test case 2.
        let wanted = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(hash("Jefe", b"what do ya want for nothing?"), wanted);
    }

    #[test]
    fn what_is_sealed_tells_the_same_from_another_and_not_the_value() {
        let (one, again, other) = (Value::text("one").sensitive(), Value::text("one").sensitive(), Value::text("other").sensitive());
        assert_eq!(sealed(&one), sealed(&again));
        assert_ne!(sealed(&one), sealed(&other));
        assert_ne!(hash_of("k", &one), hash_of("another key", &one));
        assert_ne!(sealed(&Value::text("1").sensitive()), sealed(&Value::Int(1).sensitive()));
        assert!(serde_json::to_string(&one).is_err(), "one that was not sealed is never written");
        assert_eq!((format!("{one}"), format!("{one:?}")), ("(sensitive)".into(), "Sensitive((sensitive))".into()));
    }

    #[test]
    fn pieces_around_what_ec2_decides_are_sealed_one_by_one() {
        let id = Value::Attribute(Address::new("vpc", "a"), "id".into());
        let (text, count) = sealed(&concat(vec![Value::text("token-").sensitive(), id.clone()]));
        assert_eq!((text, count), (Value::Concat(vec![Value::Sealed(hash_of("k", &Value::text("token-"))), id]), 1));
    }

    #[test]
    fn words_that_hold_a_secret_are_not_passed_on() {
        let mut secrets = Secrets::default();
        secrets.add("h".into(), &Value::text("p\"w"));
        for words in ["value p\"w is wrong", "{\"a\":\"p\\\"w\"}", "cCJ3 is wrong"] {
            assert!(!secrets.without(words).contains("wrong") && !secrets.without(words).contains("\"a\""), "{words}");
        }
        assert_eq!(secrets.without("p is wrong"), "p is wrong");
        assert_eq!(format!("{secrets:?}"), "1 secrets");
    }
}
