//! Who may reach what: exact, over a whole network, before anything exists. Layer 5.
//!
//! [`chart`] compiles a [`Net`](crate::net::Net), [`walk`] sends sets of packets through it and brings the answers
//! back, [`ask`] judges one question. [`oracle`] does the same for one packet, by other means, for the tests.

pub mod packet;

pub mod chart;
pub mod reason;

pub mod walk;

pub mod ask;

pub mod cases;
pub mod inspect;
pub mod lint;
pub mod policy;
pub mod reach;
pub mod trace;
pub mod uses;
pub mod waiver;

pub mod pieces;
pub mod verdict;

pub mod oracle;
