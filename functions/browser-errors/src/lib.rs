//! `POST /{app}/browser-errors/{token}`: what fails in a browser. Sentry's SDK posts here as to its `tunnel`, unchanged; what it sends is taken
//! apart, and only what may leave is put together again.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use shared::platform::Platform;
use shared::platform::front::read_body;
use shared::problem::Problem;
use shared::telemetry::browser_error::{BrowserError, Sent};
use shared::telemetry::budget::Counted;
use shared::telemetry::outgoing::{self, Outgoing};
use shared::telemetry::sentry::intake::MOST_BYTES;
use shared::telemetry::sink::Destination;
use shared::tenant::PageToken;

/// How Sentry's SDK is told that a tenant has had enough: it sends no errors for a minute then.
/// <https://develop.sentry.dev/sdk/expected-features/rate-limiting/>
const ENOUGH: (&str, &str) = ("x-sentry-rate-limits", "60:error;default:key");

/// The routes of `browser-errors`.
pub fn routes(platform: Platform) -> Router {
    Destination::Sentry.tell_if_off(&platform);
    platform.serve("browser-errors", Router::new().route("/{app}/browser-errors/{token}", post(failed)))
}

/// An envelope. The answer is what Sentry's would be, with the id that the event has there.
async fn failed(
    State(platform): State<Platform>,
    page: PageToken,
    Path((_, token)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    if let Err(enough) = platform.budgets().spend(page.tenant.digest(), Counted::BrowserErrors, platform.clock().now()) {
        return Ok(([ENOUGH], enough).into_response());
    }
    let body = read_body(body, MOST_BYTES).await?;
    if !Destination::Sentry.is_on(&platform.config().sinks) {
        return Ok(taken(None));
    }
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let sent =
        Sent { page_token: &token, content_encoding: text(header::CONTENT_ENCODING), user_agent: text(header::USER_AGENT), body: &body };
    let Some(error) = BrowserError::read(&page.tenant, &sent)? else { return Ok(taken(None)) };
    let event_id = error.event_id.clone();
    outgoing::send(&platform, Outgoing::BrowserError(error)).await?;
    Ok(taken(Some(event_id)))
}

fn taken(event_id: Option<String>) -> Response {
    Json(event_id.map(|id| ("id", id)).into_iter().collect::<BTreeMap<_, _>>()).into_response()
}
