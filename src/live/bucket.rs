//! A bucket of S3 for states that several machines share. Layer 8; the only home of object_store.
//!
//! Credentials are found, and requests travel, as for EC2: profiles, single sign-on, proxies, AWS_CA_BUNDLE.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use aws_config::Region;
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider},
};
use aws_smithy_runtime_api::client::http::{HttpConnector as _, SharedHttpConnector};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use object_store::{
    Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, RetryConfig, UpdateVersion,
    aws::{AmazonS3, AmazonS3Builder, AwsCredential, S3ConditionalPut},
    client::{
        ClientOptions, CredentialProvider, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
    },
    path::Path,
};
use tokio::runtime::Runtime;

use super::{authorities, behavior, is_loopback};
use crate::{
    ec2::{
        connection::{self, Authorities},
        failure::words,
    },
    schema::model::Bucket,
    state::remote::{Listed, Object, Objects, Refused, Trouble, When},
};

/// For how long a request is repeated that has no answer: shorter than a lease.
const PATIENCE: Duration = Duration::from_secs(25);
/// How long a connection, and an answer, may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// A bucket.
pub struct S3 {
    store: Arc<AmazonS3>,
    url: String,
    /// Threads of its own, so that whoever waits for an answer keeps nobody else from working. `None` at the end alone.
    runtime: Option<Runtime>,
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S3({})", self.url)
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl S3 {
    /// Gets ready to speak to a bucket; `endpoint` stands in for that of S3, and `keys`, an access key's id and secret, for the
    /// credentials that are found. Sends nothing to it yet.
    ///
    /// # Errors
    /// No region or no credentials are known, or something that was given makes no sense; in words.
    pub fn connect(bucket: &Bucket, endpoint: Option<&str>, keys: Option<(String, String)>) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(|e| e.to_string())?;
        let (bucket, url) = (bucket.clone(), format!("s3://{}", bucket.name));
        let endpoint = endpoint.map(str::to_owned);
        let opened = wait(&runtime, async move { open(&bucket, endpoint, keys).await });
        match opened {
            Ok(store) => Ok(Self { store: Arc::new(store), url, runtime: Some(runtime) }),
            Err(why) => {
                runtime.shutdown_background();
                Err(why)
            }
        }
    }

    fn ask<T: Send + 'static>(&self, asking: impl Future<Output = T> + Send + 'static) -> Result<T, String> {
        let Some(runtime) = &self.runtime else { return Err("the connection has ended".into()) };
        wait(runtime, async move { Ok(asking.await) })
    }
}

/// Waits for something that runs on other threads.
fn wait<T: Send + 'static>(runtime: &Runtime, asking: impl Future<Output = Result<T, String>> + Send + 'static) -> Result<T, String> {
    let (tell, told) = std::sync::mpsc::channel();
    runtime.spawn(async move {
        // Whoever asked waits for nothing else.
        let _ = tell.send(asking.await);
    });
    told.recv().unwrap_or_else(|_| Err("a bug in secnet: the answer was lost".into()))
}

async fn open(bucket: &Bucket, endpoint: Option<String>, keys: Option<(String, String)>) -> Result<AmazonS3, String> {
    let named = |name| std::env::var(name).ok().filter(|url: &String| !url.is_empty());
    let explicit = endpoint.or_else(|| named("AWS_ENDPOINT_URL_S3")).or_else(|| named("AWS_ENDPOINT_URL"));
    let proxied = !explicit.as_deref().is_some_and(is_loopback);
    let authorities = authorities().map_err(|e| e.to_string())?;
    let mut loader = aws_config::defaults(behavior()).http_client(connection::https(proxied, authorities.clone()));
    if let Some(region) = &bucket.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = &bucket.profile {
        loader = loader.profile_name(profile);
    }
    if let Some((id, secret)) = keys {
        loader = loader.credentials_provider(Credentials::new(id, secret, None, None, "given"));
    }
    let config = loader.load().await;
    let region = config.region().ok_or("no region is known: write `region` in the `state` block")?.to_string();
    let credentials = config.credentials_provider().ok_or("there are no credentials")?;
    let retry = RetryConfig { max_retries: 5, retry_timeout: PATIENCE, ..RetryConfig::default() };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&bucket.name)
        .with_region(region)
        .with_credentials(Arc::new(Known(credentials)))
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_retry(retry)
        .with_http_connector(Ours { proxied, authorities });
    if let Some(url) = explicit.or_else(|| config.endpoint_url().map(str::to_owned)) {
        builder = builder.with_allow_http(url.starts_with("http://")).with_endpoint(url);
    }
    builder.build().map_err(|e| words(&e))
}

/// What the SDK finds, for requests that the SDK does not make.
#[derive(Debug)]
struct Known(SharedCredentialsProvider);

impl CredentialProvider for Known {
    type Credential = AwsCredential;

    fn get_credential<'s, 'f>(&'s self) -> Pin<Box<dyn Future<Output = object_store::Result<Arc<AwsCredential>>> + Send + 'f>>
    where
        's: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let failed = |e: aws_credential_types::provider::error::CredentialsError| Error::Generic { store: "S3", source: Box::new(e) };
            let found = self.0.provide_credentials().await.map_err(failed)?;
            Ok(Arc::new(AwsCredential {
                key_id: found.access_key_id().to_owned(),
                secret_key: found.secret_access_key().to_owned(),
                token: found.session_token().map(str::to_owned),
            }))
        })
    }
}

/// The connections that requests to EC2 take, too.
#[derive(Debug, Clone)]
struct Ours {
    proxied: bool,
    authorities: Option<Authorities>,
}

impl HttpConnector for Ours {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let connector = connection::plain(self.proxied, self.authorities.clone(), CONNECT_TIMEOUT, ANSWER_TIMEOUT);
        Ok(HttpClient::new(Way(connector)))
    }
}

#[derive(Debug)]
struct Way(SharedHttpConnector);

impl HttpService for Way {
    fn call<'s, 'f>(&'s self, request: HttpRequest) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'f>>
    where
        's: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let unusable = |e| HttpError::new(HttpErrorKind::Unknown, e);
            let request = request.map(SdkBody::from_body_1_x).try_into().map_err(unusable)?;
            let answer = self.0.call(request).await.map_err(|error| {
                // Repeating is safe: every write is conditional, and read back where it is in doubt.
                let kind = if error.is_timeout() { HttpErrorKind::Timeout } else { HttpErrorKind::Request };
                HttpError::new(kind, std::io::Error::other(words(&error)))
            })?;
            let mut answer = answer.try_into_http1x().map_err(unusable)?;
            let body = ByteStream::new(std::mem::replace(answer.body_mut(), SdkBody::empty())).collect().await;
            let body = body.map_err(|e| HttpError::new(HttpErrorKind::Interrupted, e))?.into_bytes();
            Ok(answer.map(|_| body.into()))
        })
    }
}

fn refused(error: &Error) -> Refused {
    match error {
        Error::AlreadyExists { .. } | Error::Precondition { .. } => Refused::Conflict,
        other => Refused::Failed(words(other)),
    }
}

impl Objects for S3 {
    fn get(&self, key: &str) -> Result<Option<Object>, Trouble> {
        let (store, key) = (self.store.clone(), Path::from(key));
        let found = self.ask(async move {
            let found = match store.get(&key).await {
                Ok(found) => found,
                Err(Error::NotFound { .. }) => return Ok(None),
                Err(error) => return Err(words(&error)),
            };
            let etag = found.meta.e_tag.clone().ok_or("S3 told no ETag")?;
            let bytes = found.bytes().await.map_err(|e| words(&e))?.to_vec();
            Ok(Some(Object { bytes, etag }))
        });
        found.flatten().map_err(Trouble::Unreachable)
    }

    fn put(&self, key: &str, bytes: &[u8], when: When<'_>) -> Result<String, Refused> {
        let (store, key, bytes) = (self.store.clone(), Path::from(key), bytes.to_vec());
        let mode = match when {
            When::Absent => PutMode::Create,
            When::Unchanged(etag) => PutMode::Update(UpdateVersion { e_tag: Some(etag.to_owned()), version: None }),
            When::Always => PutMode::Overwrite,
        };
        let written = self.ask(async move { store.put_opts(&key, bytes.into(), PutOptions::from(mode)).await });
        let result = written.map_err(Refused::Failed)?.map_err(|e| refused(&e))?;
        result.e_tag.ok_or_else(|| Refused::Failed("S3 told no ETag".into()))
    }

    fn delete(&self, key: &str) -> Result<(), String> {
        let (store, key) = (self.store.clone(), Path::from(key));
        match self.ask(async move { store.delete(&key).await })? {
            Err(Error::NotFound { .. }) | Ok(()) => Ok(()),
            Err(error) => Err(words(&error)),
        }
    }

    fn list(&self, prefix: &str) -> Result<Vec<Listed>, String> {
        let (store, prefix) = (self.store.clone(), Path::from(prefix));
        let listed = self.ask(async move { store.list_with_delimiter(Some(&prefix)).await })?.map_err(|e| words(&e))?;
        let listed = listed.objects.into_iter().map(|meta| {
            let at = u64::try_from(meta.last_modified.timestamp()).unwrap_or_default();
            Listed { key: meta.location.to_string(), at, size: meta.size }
        });
        let mut listed: Vec<Listed> = listed.collect();
        listed.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(listed)
    }

    fn url(&self) -> String {
        self.url.clone()
    }
}
