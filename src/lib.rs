//! secnet: infrastructure as code for secure networks on AWS. The modules stand in reading order.

pub mod base;
pub mod call;
pub mod schema;
pub mod syntax;
