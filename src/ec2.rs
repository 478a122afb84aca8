//! The boundary to the AWS SDK. Layer 1: knows no resource.

use crate::call::{Answer, Json};

/// How one EC2 action goes through the SDK: parameters in, answer out, both in the shape of the EC2 API reference.
pub struct Action {
    /// `CreateVpc`
    pub name: &'static str,
    /// Sends it.
    pub send: for<'a> fn(&'a aws_sdk_ec2::Client, &'a Json) -> Answer<'a>,
}
