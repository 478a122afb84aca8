//! Random names: what tells a project, or an operation, from every other. Layer 4.

use sha2::{Digest, Sha256};

/// 32 hexadecimal digits from the system's source of randomness.
///
/// # Errors
/// The system has none to give.
pub fn random() -> Result<String, getrandom::Error> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes)?;
    Ok(hex(&bytes))
}

/// The tag `secnet:id` of something that a project has imported: 32 hexadecimal digits, the same each time, since planning
/// knows no chance. No operation has it, so nothing is ever taken for what an operation made.
#[must_use]
pub fn of_import(lineage: &str, id: &str) -> String {
    let mut digits = hex(&Sha256::digest(format!("{lineage} {id}")));
    digits.truncate(32);
    digits
}

/// Lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
