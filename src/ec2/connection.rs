//! How requests travel: over HTTPS, or to a door in this very process. Layer 1.

use std::{
    collections::BTreeMap,
    fmt, io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_smithy_http_client::{
    Connector,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::{
    client::{
        http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector},
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::failure::words;

/// Takes the body of a request in EC2's Query form, or in JSON with the action that it is for; answers with status, body and content type.
///
/// A status of 0 is no answer: the connection breaks.
pub type Door = Arc<dyn Fn(&str, Option<&str>) -> (u16, String, &'static str) + Send + Sync>;

/// A door that may take its time, or never answer.
pub type SlowDoor = Arc<dyn Fn(String, Option<String>) -> Pin<Box<dyn Future<Output = Reply> + Send>> + Send + Sync>;

/// What comes back through a door: status, body and content type.
pub type Reply = (u16, String, &'static str);

/// Sends every request through a door of this process: no socket, no name look-up.
#[must_use]
pub fn in_process(door: SlowDoor) -> SharedHttpClient {
    SharedHttpClient::new(InProcess(SharedHttpConnector::new(Through(door))))
}

/// A door that answers at once, as one that may take its time.
#[must_use]
pub fn at_once(door: Door) -> SlowDoor {
    Arc::new(move |form, target| Box::pin(std::future::ready(door(&form, target.as_deref()))))
}

#[derive(Debug)]
struct InProcess(SharedHttpConnector);

impl HttpClient for InProcess {
    fn http_connector(&self, _settings: &HttpConnectorSettings, _components: &RuntimeComponents) -> SharedHttpConnector {
        self.0.clone()
    }
}

struct Through(SlowDoor);

impl fmt::Debug for Through {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Through")
    }
}

impl HttpConnector for Through {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let form = request.body().bytes().and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
        let reply = (self.0)(form.to_owned(), request.headers().get("x-amz-target").map(str::to_owned));
        HttpConnectorFuture::new(async move { answer(reply.await) })
    }
}

fn answer((status, body, content_type): Reply) -> Result<HttpResponse, ConnectorError> {
    if status == 0 {
        let broken = io::Error::new(io::ErrorKind::ConnectionReset, "the sandbox swallowed the answer");
        return Err(ConnectorError::io(broken.into()));
    }
    let id = body.split_once("<requestId>").and_then(|(_, rest)| rest.split_once("</requestId>")).map(|(id, _)| id.to_owned());
    let status = StatusCode::try_from(status).map_err(|error| ConnectorError::user(error.into()))?;
    let mut answer = HttpResponse::new(status, SdkBody::from(body));
    answer.headers_mut().insert("content-type", content_type);
    id.into_iter().for_each(|id| drop(answer.headers_mut().insert("x-amzn-requestid", id)));
    Ok(answer)
}

/// Whom to trust: certificate authorities in a file that stands in for those of the system.
#[derive(Debug, Clone)]
pub struct Authorities(TrustStore);

impl Authorities {
    /// Reads certificates in PEM form.
    ///
    /// Each is tried out here, because the SDK's client panics on one that it cannot read.
    ///
    /// # Errors
    /// There is none, or one that cannot be read.
    pub fn from_pem(pem: &[u8]) -> Result<Self, BadCertificate> {
        let mut count = 0_usize;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            count += 1;
            let certificate = certificate.map_err(|error| BadCertificate::Unreadable(count, error.to_string()))?;
            RootCertStore::empty().add(certificate).map_err(|error| BadCertificate::Unreadable(count, error.to_string()))?;
        }
        if count == 0 { Err(BadCertificate::None) } else { Ok(Self(TrustStore::empty().with_pem_certificate(pem))) }
    }
}

/// Why certificates cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadCertificate {
    /// The file holds none.
    None,
    /// The one of this number, counted from 1, and why.
    Unreadable(usize, String),
}

impl fmt::Display for BadCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadCertificate::None => f.write_str("it holds no certificate in PEM form"),
            BadCertificate::Unreadable(number, reason) => write!(f, "its certificate {number} cannot be read: {reason}"),
        }
    }
}

/// A client over HTTP and HTTPS whose connections all clients share.
///
/// `proxied`: whether HTTPS_PROXY, HTTP_PROXY and NO_PROXY hold. `authorities`: those of the system if `None`.
#[must_use]
pub fn https(proxied: bool, authorities: Option<Authorities>) -> SharedHttpClient {
    let store = authorities.map_or_else(TrustStore::default, |authorities| authorities.0);
    let trust = TlsContext::builder().with_trust_store(store).build().unwrap_or_default();
    SharedHttpClient::new(Https { proxied, trust, connectors: Mutex::default() })
}

/// Connection and read time-out of a connector.
type Limits = (Option<Duration>, Option<Duration>);

#[derive(Debug)]
struct Https {
    proxied: bool,
    trust: TlsContext,
    connectors: Mutex<BTreeMap<Limits, SharedHttpConnector>>,
}

impl HttpClient for Https {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let limits = (settings.connect_timeout(), settings.read_timeout());
        let mut connectors = self.connectors.lock().unwrap_or_else(PoisonError::into_inner);
        let build = || {
            let proxies = if self.proxied { ProxyConfig::from_env() } else { ProxyConfig::disabled() };
            let mut builder = Connector::builder()
                .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
                .tls_context(self.trust.clone())
                .proxy_config(proxies)
                .connector_settings(settings.clone());
            builder.set_sleep_impl(components.sleep_impl());
            SharedHttpConnector::new(builder.build())
        };
        connectors.entry(limits).or_insert_with(build).clone()
    }
}

/// Sends requests that are no calls of the SDK's over HTTP and HTTPS; repeats none.
#[must_use]
pub fn plain(proxied: bool, authorities: Option<Authorities>, connect: Duration, answer: Duration) -> SharedHttpConnector {
    let store = authorities.map_or_else(TrustStore::default, |authorities| authorities.0);
    let trust = TlsContext::builder().with_trust_store(store).build().unwrap_or_default();
    let settings = HttpConnectorSettings::builder().connect_timeout(connect).read_timeout(answer).build();
    let mut builder = Connector::builder()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(trust)
        .proxy_config(if proxied { ProxyConfig::from_env() } else { ProxyConfig::disabled() })
        .connector_settings(settings);
    builder.set_sleep_impl(aws_smithy_async::rt::sleep::default_async_sleep());
    SharedHttpConnector::new(builder.build())
}

/// Where AWS tells whoever asks which public address they have.
const ADDRESS_SERVICE: &str = "https://checkip.amazonaws.com/";

/// Asks AWS's address service for the caller's own public address.
///
/// # Errors
/// No answer within `patience`, or one that is no address: why, in words.
pub async fn own_address(authorities: Option<Authorities>, patience: Duration) -> Result<std::net::IpAddr, String> {
    let store = authorities.map_or_else(TrustStore::default, |authorities| authorities.0);
    let trust = TlsContext::builder().with_trust_store(store).build().unwrap_or_default();
    let settings = HttpConnectorSettings::builder().connect_timeout(patience).read_timeout(patience).build();
    let mut builder = Connector::builder()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(trust)
        .proxy_config(ProxyConfig::from_env())
        .connector_settings(settings);
    builder.set_sleep_impl(aws_smithy_async::rt::sleep::default_async_sleep());
    let mut request = HttpRequest::new(SdkBody::empty());
    request.set_uri(ADDRESS_SERVICE).map_err(|e| e.to_string())?;
    let said = |why: String| format!("{ADDRESS_SERVICE} was asked: {why}");
    let answer = builder.build().call(request).await.map_err(|e| said(words(&e)))?;
    if answer.status().as_u16() != 200 {
        return Err(said(format!("it answers with status {}", answer.status().as_u16())));
    }
    let body = ByteStream::new(answer.into_body()).collect().await.map_err(|e| said(words(&e)))?.into_bytes();
    std::str::from_utf8(&body).ok().and_then(|text| text.trim().parse().ok()).ok_or_else(|| said("its answer is no address".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_refused() {
        assert_eq!(Authorities::from_pem(b"hello").err(), Some(BadCertificate::None));
    }

    #[test]
    fn a_certificate_that_is_none_is_refused() {
        let pem = b"-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
        assert!(matches!(Authorities::from_pem(pem), Err(BadCertificate::Unreadable(1, _))));
    }
}
