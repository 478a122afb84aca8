//! Newtypes that know nothing of secnet's language, of plans or of AWS. Layer 0.

pub mod address;
pub mod base64;
pub mod cidr;
pub mod codes;
pub mod date;
pub mod diagnostic;
pub mod disk;
pub mod service;
pub mod site;
pub mod source;
pub mod span;
pub mod threads;
