//! Bytes as text, as EC2 takes user data and keys (RFC 4648, section 4). Layer 0.

const DIGITS: [char; 64] = {
    let mut digits = ['/'; 64];
    let mut i = 0;
    while i < 26 {
        digits[i] = (b'A' + i as u8) as char;
        digits[i + 26] = (b'a' + i as u8) as char;
        i += 1;
    }
    let mut i = 0;
    while i < 10 {
        digits[i + 52] = (b'0' + i as u8) as char;
        i += 1;
    }
    digits[62] = '+';
    digits
};

/// With padding, without line breaks.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    let digit = |bits: u32| DIGITS.get((bits & 63) as usize).copied().unwrap_or('=');
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| chunk.get(i).copied().map_or(0, u32::from);
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        text.extend([digit(bits >> 18), digit(bits >> 12)]);
        text.push(if chunk.len() > 1 { digit(bits >> 6) } else { '=' });
        text.push(if chunk.len() > 2 { digit(bits) } else { '=' });
    }
    text
}

/// The bytes of a text; line breaks in it do not matter. `None` if it is no base64.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let padding = digits.iter().rev().take_while(|c| **c == '=').count();
    if !digits.len().is_multiple_of(4) || padding > 2 {
        return None;
    }
    let mut bytes = vec![];
    let (mut held, mut bits) = (0_u32, 0);
    for digit in digits.iter().take(digits.len() - padding) {
        held = held << 6 | u32::try_from(DIGITS.iter().position(|d| d == digit)?).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_rfc_hold() {
        let examples = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")];
        for (plain, text) in examples {
            assert_eq!(encode(plain.as_bytes()), text);
            assert_eq!(decode(text).as_deref(), Some(plain.as_bytes()));
        }
        assert_eq!(encode(&[0xfb, 0xef, 0xff]), "++//");
        assert_eq!([decode("Zg"), decode("Z==="), decode("Zg=!")], [None, None, None]);
    }
}
