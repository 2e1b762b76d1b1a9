//! What stands before every handler of every function: the origin secret first, or IAM's word where only operators call; then the target, then
//! the size; after it, one event in the log per call. A request that gets past the secret is still unknown: tokens are the extractors' business.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument as _;

use crate::platform::Platform;
use crate::platform::call::CallNote;
use crate::platform::event::{Begun, End, Ended};
use crate::platform::principal::Principal;
use crate::platform::signal::Signal;
use crate::problem::{Problem, Reason, Refusal};

/// The header in which the front door presents its secret.
pub const ORIGIN_SECRET: HeaderName = HeaderName::from_static("x-lethe-origin");

/// More than Lambda would hand us (6 MB); a route may take less.
const LARGEST_BODY: u64 = 6 * 1024 * 1024;

/// After this long a call is given up; below the functions' timeout in template.yaml.
const LONGEST_CALL: Duration = Duration::from_secs(8);

/// The routes of one function behind everything that all functions share. Any other path is 404, any other method 405.
pub fn serve(platform: Platform, function: &'static str, routes: Router<Platform>) -> Router {
    behind(platform, function, routes, Door { admission: has_origin_secret, signal: None })
}

/// The same, for a function that no front door leads to: IAM has let its caller in (promise A-41), or it is refused before anything else. The
/// origin secret opens nothing here.
pub fn serve_operators(platform: Platform, function: &'static str, routes: Router<Platform>) -> Router {
    behind(platform, function, routes, Door { admission: has_principal, signal: Some(Signal::OperatorCall) })
}

/// Who may come in at all.
type Admission = fn(&Platform, &Request) -> Result<(), Problem>;

#[derive(Clone, Copy)]
struct Door {
    admission: Admission,
    /// What every call through it is a signal of, whatever becomes of the call.
    signal: Option<Signal>,
}

fn behind(platform: Platform, function: &'static str, routes: Router<Platform>, door: Door) -> Router {
    routes
        .fallback(|| async { Problem::new(Refusal::NotFound, "no such route") })
        .method_not_allowed_fallback(|| async { Problem::new(Refusal::MethodNotAllowed, "no such method") })
        .layer(from_fn_with_state((platform.clone(), door.admission), admit))
        .layer(CatchPanicLayer::custom(|_| Problem::new(Refusal::Internal, "panicked").into_response()))
        .layer(from_fn_with_state((platform.clone(), function, door.signal), tell))
        .with_state(platform)
}

async fn admit(State((platform, admission)): State<(Platform, Admission)>, request: Request, next: Next) -> Response {
    let read = request.extensions().get::<NoRequest>().map_or(Ok(()), |fault| Err(fault.0.again()));
    match read.and_then(|()| admission(&platform, &request)).and_then(|()| check(&request)) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn has_origin_secret(platform: &Platform, request: &Request) -> Result<(), Problem> {
    let presented = request.headers().get(ORIGIN_SECRET).map(HeaderValue::as_bytes).unwrap_or_default();
    let ours = platform.config().origin_secrets.accept(presented);
    let problem = || Problem::new(Refusal::Forbidden, "no valid origin secret").raising(Signal::BypassedFrontDoor);
    if ours { Ok(()) } else { Err(problem()) }
}

fn has_principal(_: &Platform, request: &Request) -> Result<(), Problem> {
    let known = request.extensions().get::<Principal>().is_some();
    if known { Ok(()) } else { Err(Problem::new(Refusal::Forbidden, "no principal of IAM")) }
}

fn check(request: &Request) -> Result<(), Problem> {
    // Lambda is handed the origin form alone (RFC 9112, section 3.2.1), so no other passes here, whichever door it came by.
    if request.uri().authority().is_some() || !request.uri().path().starts_with('/') {
        return Err(Problem::malformed("path", "must begin with a slash"));
    }
    // A front door and we might disagree about what a dot segment means, so none passes.
    if request.uri().path().split('/').any(is_dot_segment) {
        return Err(Problem::malformed("path", "must not hold dot segments"));
    }
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > LARGEST_BODY) {
        return Err(Problem::too_large("body", 6 * 1024 * 1024));
    }
    Ok(())
}

fn is_dot_segment(segment: &str) -> bool {
    let plain = segment.replace("%2e", ".").replace("%2E", ".");
    plain == "." || plain == ".."
}

/// One event per call, and the headers that every answer carries.
async fn tell(
    State((platform, function, signal)): State<(Platform, &'static str, Option<Signal>)>,
    mut request: Request,
    next: Next,
) -> Response {
    let (begun, note) = (Begun::now(&platform, function), CallNote::default());
    request.extensions_mut().insert(note.clone());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    // Lambda ends a function at its timeout without a word; this way the caller is answered and the log has its line.
    let answered = tokio::time::timeout(LONGEST_CALL, next.run(request)).instrument(begun.span()).await;
    let mut response = answered.unwrap_or_else(|_| Problem::unavailable("took too long").into_response());
    let status = response.status();
    let (message, end) = match status.as_u16() {
        500.. => ("failed", End::Badly),
        400.. => ("answered", End::Refused),
        _ => ("answered", End::Well),
    };
    let failed = status.is_server_error().then_some(Signal::Failed);
    let ended = Ended {
        method: Some(method.as_str()),
        route: Some(&route),
        status: Some(status.as_u16()),
        reason: response.extensions().get::<Reason>().map(|reason| reason.0.as_ref()),
        signal: signal.or(response.extensions().get::<Signal>().copied()).or(failed),
        tenant: note.tenant(),
        ..Ended::default()
    };
    begun.end(message, end, &ended);
    // What fails while the body is sent is still of this call.
    response.extensions_mut().insert(begun.span());
    harden(response.headers_mut());
    response
}

/// What goes through the front door in the place of an event that never became a request: told, refused and hardened like any other.
pub(super) fn in_place_of(problem: Problem) -> Request {
    let mut request = Request::default();
    request.extensions_mut().insert(NoRequest(Arc::new(problem)));
    request
}

/// Why an event never became a request.
#[derive(Clone)]
struct NoRequest(Arc<Problem>);

/// Nothing that we answer is to be stored, sniffed or fetched without TLS; a handler may have said otherwise for caching.
fn harden(headers: &mut HeaderMap) {
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=63072000; includeSubDomains"));
}

/// A whole body of `limit_bytes` at most.
///
/// # Errors
/// 413 if it has more, 400 if it breaks off.
pub async fn read_body(body: Body, limit_bytes: usize) -> Result<Bytes, Problem> {
    use http_body_util::{BodyExt as _, LengthLimitError, Limited};
    match Limited::new(body, limit_bytes).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(fault) if fault.is::<LengthLimitError>() => Err(Problem::too_large("body", limit_bytes)),
        Err(_) => Err(Problem::malformed("body", "broke off")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_segment_is_seen_however_it_is_written() {
        for segment in [".", "..", "%2e", "%2E.", ".%2e", "%2e%2E"] {
            assert!(is_dot_segment(segment), "{segment}");
        }
        for segment in ["", "...", "a.b", ".well-known", "%252e"] {
            assert!(!is_dot_segment(segment), "{segment}");
        }
    }
}
