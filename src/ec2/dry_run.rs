//! Asking whether an action is allowed, without doing it. Layer 1.
//!
//! Every action that takes `DryRun` takes it alike, so it is put into the form that goes out, for all of them in one place.

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeTransmitInterceptorContextMut},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::{body::SdkBody, config_bag::ConfigBag};
use serde_json::Map;

use crate::call::{Json, Request};

/// The parameter.
const DRY_RUN: &str = "DryRun";

/// Whether a request only asks.
#[must_use]
pub fn is_asked(request: &Request) -> bool {
    request.params.get(DRY_RUN) == Some(&Json::Bool(true))
}

/// The other parameters of a request.
#[must_use]
pub fn without(request: &Request) -> Json {
    let all = request.params.as_object().into_iter().flatten().filter(|(name, _)| *name != DRY_RUN);
    Json::Object(all.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>())
}

/// Lets nothing go out without `DryRun`.
#[derive(Debug)]
pub struct OnlyAsk;

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for OnlyAsk {
    fn name(&self) -> &'static str {
        "OnlyAsk"
    }

    fn modify_before_retry_loop(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        let form = request.body().bytes().and_then(|bytes| std::str::from_utf8(bytes).ok()).ok_or("the request is no form")?;
        let form = format!("{form}&{DRY_RUN}=true");
        request.headers_mut().try_insert("content-length", form.len().to_string())?;
        *request.body_mut() = SdkBody::from(form);
        Ok(())
    }
}
