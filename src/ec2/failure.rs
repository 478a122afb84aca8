//! What an error of the SDK means to whoever made the call. Layer 1.
//!
//! Decided from types, statuses and codes, never from the words of a message.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ec2::operation::RequestId;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept,
            context::{AfterDeserializationInterceptorContextRef, Error as ServiceError, Input, Output},
        },
        orchestrator::{HttpResponse, Metadata},
        result::SdkError,
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::{config_bag::ConfigBag, error::metadata::ProvideErrorMetadata};

use super::Client;
use crate::call::{ApiError, Class};

/// How much of an answer that is not EC2's is shown: enough to recognise a login page or a proxy.
const SHOWN_CHARACTERS: usize = 80;

/// Sorts an error of the SDK on what went through these clients.
pub fn api_error<E: ProvideErrorMetadata + Error + 'static>(error: &SdkError<E, HttpResponse>, client: &Client) -> ApiError {
    let place = &*client.place;
    match error {
        SdkError::ServiceError(refusal) if refusal.err().code().is_some() => refused(refusal.err(), refusal.raw()),
        SdkError::ServiceError(answer) => not_understood(error, answer.raw(), client),
        SdkError::ResponseError(answer) => not_understood(error, answer.raw(), client),
        SdkError::ConstructionFailure(_) => ApiError::without_answer(Class::Unreachable, words(error)),
        SdkError::TimeoutError(_) => ApiError::without_answer(Class::Ambiguous, format!("{place} gave no answer in time")),
        _ => not_answered(error, place),
    }
}

/// EC2's own refusal.
fn refused<E: ProvideErrorMetadata>(error: &E, raw: &HttpResponse) -> ApiError {
    let mut refusal = ApiError::new(error.code().unwrap_or_default(), error.message().unwrap_or_default());
    refusal.request_id = request_id(raw);
    refusal
}

/// From the header, or else from EC2's XML, which has it in all versions of the API.
fn request_id(raw: &HttpResponse) -> Option<String> {
    let in_body = || {
        let (_, rest) = body(raw).split_once("<RequestID>")?;
        rest.split_once("</RequestID>").map(|(id, _)| id.to_owned())
    };
    raw.request_id().map(str::to_owned).or_else(in_body)
}

/// There was an answer, but none that EC2 gives. Whatever a proxy says, EC2 may have carried out what changes something.
fn not_understood<E: Error + 'static>(error: &SdkError<E, HttpResponse>, raw: &HttpResponse, client: &Client) -> ApiError {
    let place = &*client.place;
    if looks_like_ec2(body(raw)) {
        let message = format!("the answer of {place} could not be read: {}", words(error));
        return ApiError { request_id: request_id(raw), ..ApiError::without_answer(Class::Ambiguous, message) };
    }
    let status = raw.status().as_u16();
    let class = if status >= 500 || client.changes { Class::Ambiguous } else { Class::Unreachable };
    let start: String = body(raw).split_whitespace().collect::<Vec<_>>().join(" ").chars().take(SHOWN_CHARACTERS).collect();
    let answer = if start.is_empty() { "with nothing".to_owned() } else { format!("with `{start}`") };
    ApiError::without_answer(class, format!("{place} does not speak EC2: it answered {status} {answer}"))
}

/// No answer: there were no credentials to ask with, no connection, or it broke off.
fn not_answered<E: Error + 'static>(error: &SdkError<E, HttpResponse>, place: &str) -> ApiError {
    let causes = || std::iter::successors(Some(error as &(dyn Error + 'static)), |error| (*error).source());
    // There are credentials, but the role that they are for may not be assumed: STS has said so.
    if let Some(refusal) = causes().find_map(|cause| cause.downcast_ref::<AssumeRoleError>()).filter(|refusal| refusal.code().is_some()) {
        return ApiError::new(refusal.code().unwrap_or_default(), refusal.message().unwrap_or_default());
    }
    if let Some(reason) = causes().find_map(|cause| cause.downcast_ref::<CredentialsError>()) {
        return ApiError::without_answer(Class::Denied, no_credentials(reason));
    }
    let never_connected = |cause: &(dyn Error + 'static)| {
        cause.downcast_ref::<hyper_util::client::legacy::Error>().is_some_and(hyper_util::client::legacy::Error::is_connect)
    };
    if causes().any(never_connected) {
        return ApiError::without_answer(Class::Unreachable, format!("{place} cannot be reached: {}", last_words(error)));
    }
    ApiError::without_answer(Class::Ambiguous, format!("the connection to {place} broke before the answer: {}", last_words(error)))
}

fn no_credentials(reason: &CredentialsError) -> String {
    let help = "sign in with `aws sso login` or `aws configure`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
    match reason {
        CredentialsError::CredentialsNotLoaded(_) => format!("there are no AWS credentials: {help}"),
        CredentialsError::ProviderTimedOut(_) => format!("the source of the AWS credentials gave no answer in time: {help}"),
        other => format!("the AWS credentials cannot be had: {}: {help}", last_words(other)),
    }
}

/// An error and its causes, each that adds something once.
pub fn words(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    let mut said: Vec<String> = vec![];
    for text in causes.map(ToString::to_string) {
        if !said.iter().any(|before| before.contains(&text)) {
            said.push(text);
        }
    }
    said.join(": ")
}

/// What the innermost cause says: above it stand the SDK's layers, which mean nothing to a user.
fn last_words(error: &(dyn Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| (*error).source()).last().map(ToString::to_string).unwrap_or_default()
}

fn body(raw: &HttpResponse) -> &str {
    raw.body().bytes().and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
}

/// The root element of an XML document.
fn root(document: &str) -> Option<&str> {
    let mut rest = document.trim_start_matches('\u{feff}').trim_start();
    if let Some(declaration) = rest.strip_prefix("<?xml") {
        rest = declaration.split_once("?>")?.1.trim_start();
    }
    let name = rest.strip_prefix('<')?;
    name.split(|c: char| c.is_whitespace() || c == '>' || c == '/').next()
}

/// Whether the document goes on to the end of its root element.
fn ends_with_root(document: &str, root: &str) -> bool {
    let rest = document.trim_end();
    let empty = || rest.rsplit_once('<').is_some_and(|(_, last)| last.starts_with(root) && last.ends_with("/>"));
    rest.strip_suffix('>').is_some_and(|rest| rest.trim_end().ends_with(&format!("</{root}"))) || empty()
}

/// Whether the document is an answer or a refusal of EC2's or STS's.
fn looks_like_ec2(document: &str) -> bool {
    root(document).is_some_and(|root| root.ends_with("Response"))
}

/// Refuses an answer that is not to the action that was sent.
///
/// Where an action answers nothing but success the SDK does not look at the answer: any page with status 200 would do.
/// And of one that breaks off it takes what there is.
#[derive(Debug)]
pub struct OnlyEc2Answers;

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for OnlyEc2Answers {
    fn name(&self) -> &'static str {
        "OnlyEc2Answers"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_, Input, Output, ServiceError>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = context.response();
        let action = config.load::<Metadata>().map_or("", Metadata::name);
        let wanted = format!("{action}Response");
        match answer.status().is_success() {
            true if root(body(answer)) != Some(&wanted) => Err(format!("it is not the answer to {action}").into()),
            true if !ends_with_root(body(answer), &wanted) => Err("it breaks off".into()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ends_with_root, root};

    #[test]
    fn a_document_ends_with_its_root() {
        assert!(ends_with_root("<A><b/></A>\n", "A"));
        assert!(ends_with_root("<?xml version=\"1.0\"?><A xmlns=\"x\" />", "A"));
        assert!(!ends_with_root("<A><b/>", "A"));
        assert!(!ends_with_root("<A><b/></A", "A"));
    }

    #[test]
    fn the_root_of_a_document() {
        assert_eq!(root("<?xml version=\"1.0\"?>\n<CreateVpcResponse xmlns=\"x\"><vpc/>"), Some("CreateVpcResponse"));
        assert_eq!(root("<Response><Errors/></Response>"), Some("Response"));
        assert_eq!(root("<!DOCTYPE html><html>"), Some("!DOCTYPE"));
        assert_eq!(root("not found"), None);
    }
}
