//! What secnet sends over the wire and reads back, against moto: an EC2 that others wrote.
//!
//! The server is installed and started by `tests/moto/serve`, once for all tests, and ends with them. Each test has a VPC of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails says where")]

#[allow(dead_code, reason = "walks are for the simulator alone")]
#[path = "types/run.rs"]
mod lives;

mod wire {
    mod accounts;
    mod ask;
    pub mod ec2;
    mod endpoint;
    mod faults;
    mod machine;
    mod network;
    mod permission;
    mod quotas;
    mod rule;
    mod state;
    mod types;
}
