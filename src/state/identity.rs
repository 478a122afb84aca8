//! Random names: what tells a project, or an operation, from every other. Layer 4.

/// 32 hexadecimal digits from the system's source of randomness.
///
/// # Errors
/// The system has none to give.
pub fn random() -> Result<String, getrandom::Error> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes)?;
    Ok(hex(&bytes))
}

/// Lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
