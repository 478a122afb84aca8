//! Digests. Layer 4.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::{Entry, Refusal, argument::text, pure};
use crate::{base::base64, schema::value::Value};

pub(super) const TABLE: &[Entry] = &[
    pure("base64sha256", "base64sha256(\"hello\")", (1, 1), "The SHA-256 of a text, in base64.", |a| {
        Ok(Value::text(base64::encode(&digest::<Sha256>(text(a, 0)?.as_bytes()))))
    }),
    pure("base64sha512", "base64sha512(\"hello\")", (1, 1), "The SHA-512 of a text, in base64.", |a| {
        Ok(Value::text(base64::encode(&digest::<Sha512>(text(a, 0)?.as_bytes()))))
    }),
    pure("md5", "md5(\"hello\")", (1, 1), "The MD5 of a text, in hexadecimal; no protection against anybody.", |a| {
        Ok(Value::text(hex(&digest::<Md5>(text(a, 0)?.as_bytes()))))
    }),
    pure("sha1", "sha1(\"hello\")", (1, 1), "The SHA-1 of a text, in hexadecimal; no protection against anybody.", |a| {
        Ok(Value::text(hex(&digest::<Sha1>(text(a, 0)?.as_bytes()))))
    }),
    pure("sha256", "sha256(\"hello\")", (1, 1), "The SHA-256 of a text, in hexadecimal.", |a| {
        Ok(Value::text(hex(&digest::<Sha256>(text(a, 0)?.as_bytes()))))
    }),
    pure("sha512", "sha512(\"hello\")", (1, 1), "The SHA-512 of a text, in hexadecimal.", |a| {
        Ok(Value::text(hex(&digest::<Sha512>(text(a, 0)?.as_bytes()))))
    }),
    pure(
        "uuidv5",
        "uuidv5(\"dns\", \"www.example.com\")",
        (2, 2),
        "The UUID of a name in a namespace: `dns`, `url`, `oid`, `x500`, or a UUID (RFC 9562, section 5.5).",
        |a| {
            let (namespace, name) = (text(a, 0)?, text(a, 1)?);
            // RFC 9562, section 6.6: they differ in one digit.
            let known = [("dns", '0'), ("url", '1'), ("oid", '2'), ("x500", '4')].into_iter().find(|(n, _)| *n == namespace);
            let spelt = known.map_or_else(|| namespace.to_owned(), |(_, digit)| format!("6ba7b81{digit}-9dad-11d1-80b4-00c04fd430c8"));
            let space = uuid(&spelt)
                .ok_or_else(|| Refusal::Wrong(0, format!("{namespace:?} is neither `dns`, `url`, `oid`, `x500` nor a UUID")))?;
            let mut digits = hex(digest::<Sha1>(&[&space, name.as_bytes()].concat()).get(..16).unwrap_or_default());
            let variant = digits.get(16..17).and_then(|d| u8::from_str_radix(d, 16).ok()).unwrap_or(0) & 3 | 8;
            digits.replace_range(12..13, "5");
            digits.replace_range(16..17, &format!("{variant:x}"));
            for at in [20, 16, 12, 8] {
                digits.insert(at, '-');
            }
            Ok(Value::text(digits))
        },
    ),
];

/// The digest of some bytes.
pub(super) fn digest<D: Digest>(bytes: &[u8]) -> Vec<u8> {
    D::digest(bytes).to_vec()
}

/// Two digits a byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The bytes of `6ba7b810-9dad-11d1-80b4-00c04fd430c8`.
fn uuid(text: &str) -> Option<Vec<u8>> {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    let digits: String = text.split('-').collect();
    if lengths != [8, 4, 4, 4, 12] || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    (0..16).map(|i| u8::from_str_radix(digits.get(2 * i..2 * i + 2)?, 16).ok()).collect()
}
