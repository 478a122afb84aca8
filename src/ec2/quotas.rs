//! Service Quotas: what an account was given, which EC2 itself tells of few things. Layer 1: the home of its SDK crate.
//!
//! <https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListServiceQuotas.html>

use aws_config::{SdkConfig, retry::RetryConfig};
pub use aws_sdk_servicequotas::Client;
use aws_sdk_servicequotas::types::ServiceQuota;

use crate::{
    action,
    call::Json,
    ec2::{
        Action,
        answer::{ToJson, object},
    },
};

/// A client that asks as the others do.
#[must_use]
pub fn client(config: &SdkConfig, retry: RetryConfig) -> Client {
    Client::from_conf(aws_sdk_servicequotas::config::Builder::from(config).retry_config(retry).build())
}

impl ToJson for ServiceQuota {
    fn to_json(&self) -> Json {
        object([
            ("service_code", self.service_code.to_json()),
            ("quota_code", self.quota_code.to_json()),
            ("quota_name", self.quota_name.to_json()),
            ("value", self.value.map_or(Json::Null, Json::from)),
        ])
    }
}

/// The one action that is used.
pub const ACTIONS: &[Action] = &[
    action!(servicequotas ListServiceQuotas: list_service_quotas(set_service_code, set_max_results, set_next_token) -> (quotas, next_token)),
];
