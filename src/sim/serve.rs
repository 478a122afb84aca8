//! The Query door: EC2's own protocol, in one call or over a socket. Layer 8.

use std::{future::Future, io, sync::Arc, time::Duration};

use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{AUTHORIZATION, CONTENT_TYPE},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

use crate::{
    call::{ApiError, Class},
    sim::{Sim, parameter, query, refuse::refuse, region, service_quotas, xml},
};

/// The status of a call that is not to be answered: the connection breaks instead.
pub const NO_ANSWER: u16 = 0;

/// The header by which a request in JSON says what it is for.
const TARGET: &str = "x-amz-target";

const XML: &str = "text/xml;charset=UTF-8";

/// The longest request: user data of 16 KiB, in base64 and escaped, is the longest parameter.
const BODY_MAX: usize = 1 << 20;

/// How long open connections may take to end once the server is told to.
const FAREWELL: Duration = Duration::from_secs(1);

/// Answers one form of EC2's Query protocol, or one request in JSON, whose target says what it is for: status, body, content type.
///
/// The status is [`NO_ANSWER`] where a fault of the sandbox swallows the answer.
pub fn handle(sim: &Sim, body: &str, target: Option<&str>) -> (u16, String, &'static str) {
    let Some(target) = target else { return by_form(sim, body) };
    let (status, answer) = match target.strip_prefix(service_quotas::TARGET) {
        Some(action) => service_quotas::answer(sim, action, body),
        None => parameter::answer(sim.region(), target, body),
    };
    (status, answer, parameter::JSON)
}

fn by_form(sim: &Sim, body: &str) -> (u16, String, &'static str) {
    let asked = query::read(body);
    let outcome = asked.and_then(|(request, sts)| match sim.call(&request) {
        Ok(answer) => Ok((request, answer)),
        Err(error) => Err((error, sts)),
    });
    let id = request_id(sim);
    match outcome {
        Ok((request, answer)) => (200, xml::answer(&request.action, &answer, &id), XML),
        Err((error, _)) if error.class == Class::Ambiguous && error.code.is_empty() => (NO_ANSWER, String::new(), XML),
        Err((error, sts)) => refusal(&error, sts, &id),
    }
}

fn refusal(error: &ApiError, sts: bool, id: &str) -> (u16, String, &'static str) {
    let status = match (error.class, &*error.code) {
        (_, "DryRunOperation") => 412,
        (Class::Denied, "AuthFailure") => 401,
        (Class::Denied, _) => 403,
        (Class::Throttled, _) | (_, "Unavailable" | "ServiceUnavailable") => 503,
        (Class::Ambiguous | Class::Unreachable, _) => 500,
        _ => 400,
    };
    let mut error = error.clone();
    if error.code.is_empty() {
        error.code = "InternalError".into();
    }
    (status, xml::refusal(&error, sts, id), XML)
}

/// A request id in AWS's form, from the clock.
fn request_id(sim: &Sim) -> String {
    let seed = sim.world(|w| format!("{} {}", w.region, w.now));
    let hex: String = Sha256::digest(seed).iter().take(16).map(|b| format!("{b:02x}")).collect();
    let part = |from, to| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// Serves EC2, STS and the public parameters of Systems Manager on a socket until `shutdown` is done.
///
/// Signatures are not checked. A request that is signed for another region, or with the key of a role, goes to a world of its own.
///
/// # Errors
/// The socket cannot accept connections any more.
pub async fn serve(sim: Arc<Sim>, listener: TcpListener, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let mut shutdown = std::pin::pin!(shutdown);
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (stream, _) = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted?,
        };
        while connections.try_join_next().is_some() {}
        let sim = Arc::clone(&sim);
        connections.spawn(async move {
            let service = service_fn(move |request| respond(Arc::clone(&sim), request));
            // A connection that breaks is the client's affair, or a fault that was asked for.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
    let farewell = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(FAREWELL, farewell).await;
    Ok(())
}

/// The connection is to break without an answer.
#[derive(Debug)]
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the answer was to be lost")
    }
}

impl std::error::Error for Broken {}

async fn respond(sim: Arc<Sim>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Broken> {
    let signed = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(Scope::of);
    let world = signed.map_or(Ok(None), |scope| scope.world(&sim).map(Some));
    let target = request.headers().get(TARGET).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (status, body, kind) = match world {
        Err(error) => refusal(&error, false, &request_id(&sim)),
        Ok(world) => match form(request).await {
            Ok(form) => handle(world.as_ref().unwrap_or(&sim), &form, target.as_deref()),
            Err(error) => refusal(&error, false, &request_id(&sim)),
        },
    };
    if status == NO_ANSWER {
        return Err(Broken);
    }
    let id = request_id(&sim);
    let response = Response::builder().status(status).header(CONTENT_TYPE, kind).header("x-amzn-requestid", id);
    Ok(response.body(Full::from(body)).unwrap_or_else(|_| internal_error()))
}

fn internal_error() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

/// What a request is signed for: `AWS4-HMAC-SHA256 Credential=KEY/20260101/eu-central-1/ec2/aws4_request, ...`
struct Scope<'a> {
    key: &'a str,
    region: &'a str,
    service: &'a str,
}

impl<'a> Scope<'a> {
    fn of(authorization: &'a str) -> Option<Self> {
        let mut parts = authorization.split_once("Credential=")?.1.split(',').next()?.split('/');
        Some(Self { key: parts.next()?, region: parts.nth(1)?, service: parts.next()? })
    }

    /// The account and region that it is for. STS has no region of its own.
    fn world(&self, sim: &Sim) -> Result<Sim, ApiError> {
        let account = region::account_of(self.key).unwrap_or(sim.account());
        let at = if self.service == "sts" { sim.region() } else { self.region };
        if !region::exists(at) && at != sim.region() {
            return Err(refuse("AuthFailure", format!("Credential should be scoped to a valid region, not '{at}'.")));
        }
        let failed = |e: io::Error| ApiError::without_answer(Class::Unreachable, format!("the sandbox's file cannot be used: {e}"));
        sim.beside(account, at).map_err(failed)
    }
}

async fn form(request: Request<Incoming>) -> Result<String, ApiError> {
    if request.method() == Method::GET {
        return Ok(request.uri().query().unwrap_or_default().to_owned());
    }
    let body = Limited::new(request.into_body(), BODY_MAX).collect().await;
    let bytes = body.map_err(|_| refuse("RequestEntityTooLarge", format!("The request is longer than {BODY_MAX} bytes")))?.to_bytes();
    String::from_utf8(bytes.into()).map_err(|_| refuse("MalformedQueryString", "The request is no UTF-8 text"))
}
