//! The Lambda door: a function URL's event (payload format 2.0) becomes the request that hyper would have made of the same bytes, and the
//! router's answer becomes the payload that Lambda sends back.
//!
//! It is ours because a QSH covers the path and the query as they were sent: `lambda_http` rewrites dot segments, backslashes and braces,
//! and panics on some queries. What hyper would refuse is 400 here too, and nothing panics.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt as _;
use lambda_runtime::{LambdaEvent, MetadataPrelude, StreamResponse};
use serde::{Deserialize, Serialize};
use tower::ServiceExt as _;
use tracing::Span;

use crate::platform::front;
use crate::platform::principal::Principal;
use crate::platform::signal::Signal;
use crate::problem::Problem;

/// What we read of a function URL's event. Multiple values of a header arrive joined by commas; cookies are not used here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionUrlEvent {
    raw_path: String,
    #[serde(default)]
    raw_query_string: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    request_context: RequestContext,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Debug, Deserialize)]
struct RequestContext {
    http: Http,
    #[serde(default)]
    authorizer: Option<Authorizer>,
}

/// Only there where the function's URL lets in nobody but whom IAM knows
/// (<https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads>).
#[derive(Debug, Deserialize)]
struct Authorizer {
    #[serde(default)]
    iam: Option<Iam>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Iam {
    #[serde(default)]
    user_arn: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Http {
    method: String,
}

/// What Lambda turns into an HTTP answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionUrlAnswer {
    /// The status code.
    pub status_code: u16,
    /// One value a name.
    pub headers: BTreeMap<String, String>,
    /// Text, or base64 where the bytes are not UTF-8.
    pub body: String,
    /// Which of the two `body` is.
    pub is_base64_encoded: bool,
}

/// Serves `router` to the Lambda runtime until the environment ends.
///
/// # Errors
/// If the runtime's API fails; a failing request does not.
pub async fn run(router: Router) -> Result<(), lambda_runtime::Error> {
    lambda_runtime::run(lambda_runtime::service_fn(|event: LambdaEvent<FunctionUrlEvent>| {
        let router = router.clone();
        async move { Ok::<_, lambda_runtime::Error>(answer(router, event.payload).await) }
    }))
    .await
}

/// The same, for a function whose answers are streams (`InvokeMode: RESPONSE_STREAM`): up to 200 MB, sent as they are made.
///
/// # Errors
/// If the runtime's API fails; a failing request does not.
pub async fn run_streaming(router: Router) -> Result<(), lambda_runtime::Error> {
    lambda_runtime::run(lambda_runtime::service_fn(|event: LambdaEvent<FunctionUrlEvent>| {
        let router = router.clone();
        async move { Ok::<_, lambda_runtime::Error>(stream(response(router, event.payload).await)) }
    }))
    .await
}

/// An answer as Lambda streams it. A body that breaks off ends the answer with an error, which whoever reads it is told.
fn stream(response: Response<Body>) -> StreamResponse<BodyDataStream> {
    let (parts, body) = response.into_parts();
    let metadata_prelude = MetadataPrelude { status_code: parts.status, headers: parts.headers, cookies: Vec::new() };
    StreamResponse { metadata_prelude, stream: body.into_data_stream() }
}

/// One event through the router.
pub async fn answer(router: Router, event: FunctionUrlEvent) -> FunctionUrlAnswer {
    payload(response(router, event).await).await
}

/// What the router answers to one event.
pub async fn response(router: Router, event: FunctionUrlEvent) -> Response<Body> {
    router.oneshot(request(event).unwrap_or_else(front::in_place_of)).await.unwrap_or_else(|never| match never {})
}

/// The request that hyper would have made of the same bytes. Whom IAM let in stands in its extensions, as a [`Principal`].
///
/// # Errors
/// 400 where hyper would refuse it, or where the body is not the base64 that the event says it is.
pub fn request(event: FunctionUrlEvent) -> Result<Request<Body>, Problem> {
    // The first question mark ends the path, so an event with one inside it was not made of a request.
    let ends_early = event.raw_path.contains('?');
    let target = match event.raw_query_string.as_str() {
        "" => event.raw_path,
        query => format!("{}?{query}", event.raw_path),
    };
    // A fragment is no part of a request (RFC 9112, section 3.2); hyper drops it without a word.
    let sent = target.split('#').next().unwrap_or_default();
    let uri: Uri = target.parse().map_err(|_| Problem::malformed("path", "is not a valid request target"))?;
    let kept = uri.path_and_query().is_some_and(|target| target.as_str() == sent);
    if !sent.starts_with('/') || !kept || ends_early || sent.contains('\u{7F}') {
        return Err(Problem::malformed("path", "is not a valid request target"));
    }
    let body = match event.body {
        None => Body::empty(),
        Some(text) if event.is_base64_encoded => {
            Body::from(STANDARD.decode(text).map_err(|_| Problem::malformed("body", "is not valid base64"))?)
        }
        Some(text) => Body::from(text),
    };
    let mut headers = HeaderMap::with_capacity(event.headers.len());
    for (name, value) in event.headers {
        let name = HeaderName::try_from(name).map_err(|_| Problem::malformed("headers", "hold a name that is not valid"))?;
        let value = HeaderValue::try_from(value).map_err(|_| Problem::malformed("headers", "hold a value that is not valid"))?;
        headers.append(name, value);
    }
    let request = Request::builder().method(event.request_context.http.method.as_bytes()).uri(uri).body(body);
    let mut request = request.map_err(|_| Problem::malformed("method", "is not valid"))?;
    *request.headers_mut() = headers;
    let identity = event.request_context.authorizer.and_then(|authorizer| authorizer.iam?.user_arn);
    if let Some(principal) = identity.and_then(Principal::told_by_lambda) {
        request.extensions_mut().insert(principal);
    }
    Ok(request)
}

async fn payload(response: Response<Body>) -> FunctionUrlAnswer {
    let (parts, body) = response.into_parts();
    // A body that breaks off has told its status already; half of it must not pass for the whole.
    let Ok(bytes) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
        let _entered = parts.extensions.get::<Span>().map(Span::enter);
        tracing::error!(target: "lethe", status = parts.status.as_u16(), signal = Signal::Failed.name(), "an answer's body broke off");
        return FunctionUrlAnswer { status_code: 500, headers: BTreeMap::new(), body: String::new(), is_base64_encoded: false };
    };
    let mut headers = BTreeMap::<String, String>::new();
    for (name, value) in &parts.headers {
        // The length is Lambda's to set: ours counts bytes before base64.
        if let (true, Ok(value)) = (*name != header::CONTENT_LENGTH, value.to_str()) {
            headers.entry(name.as_str().to_owned()).and_modify(|all| *all = format!("{all}, {value}")).or_insert_with(|| value.to_owned());
        }
    }
    let (body, is_base64_encoded) = match std::str::from_utf8(&bytes) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (STANDARD.encode(&bytes), true),
    };
    FunctionUrlAnswer { status_code: parts.status.as_u16(), headers, body, is_base64_encoded }
}
