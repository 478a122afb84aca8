//! secnet: infrastructure as code for secure networks on AWS. The modules stand in reading order.

pub mod base;
pub mod net;
pub mod schema;
pub mod syntax;

pub mod call;
#[cfg(feature = "aws")]
pub mod ec2;
pub mod graph;
pub mod picture;
pub mod registry;
pub mod resolve;
pub mod resources;
pub mod state;

pub mod analysis;
pub mod iam;
pub mod manual;
pub mod mend;
pub mod plan;
pub mod prove;
pub mod test;

pub mod apply;
#[cfg(feature = "aws")]
pub mod live;
pub mod sim;

pub mod lsp;

pub mod cli;
