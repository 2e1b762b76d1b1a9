//! What browsers send the app for telemetry, kept as it came, for whoever wants to hold it against what leaves: the bodies of page views and of
//! browser errors. Only this machine's small Jira does that; a function keeps none of it.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shared::platform::clock::{Clock, rfc3339};
use tower::ServiceExt as _;

use super::{KEPT, body, told};
use crate::recent::Recent;

/// Lambda's limit of a request: 6 MB.
const LARGEST_REQUEST: usize = 6 * 1024 * 1024;

/// How many characters of a body are kept.
const LONGEST_BODY: usize = 32 * 1024;

/// What is sent, by the app's endpoint for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sent {
    /// Which page is seen.
    PageViews,
    /// What fails.
    BrowserErrors,
}

impl Sent {
    fn to(request: &Request) -> Option<Self> {
        match request.uri().path().split('/').nth(2)? {
            "page-views" => Some(Self::PageViews),
            "browser-errors" => Some(Self::BrowserErrors),
            _ => None,
        }
    }
}

/// One call.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Arrived {
    /// Its place among all, from 1.
    pub number: u64,
    /// When it came.
    pub at: String,
    /// What was sent.
    pub sent: Sent,
    /// All headers as they came.
    pub headers: Vec<(String, String)>,
    /// How many bytes its body had on the way.
    pub bytes: usize,
    /// The body unpacked, or its beginning.
    pub body: String,
    /// What it was answered.
    pub status: u16,
}

/// The last calls. Clones are the same.
#[derive(Clone, Debug)]
pub struct Arrivals(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Arc<dyn Clock>,
    arrived: Mutex<Recent<Arrived>>,
}

impl Arrivals {
    /// No calls yet; they are dated by this clock.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner { clock, arrived: Mutex::new(Recent::of(KEPT)) }))
    }

    /// The same functions, with an eye on what is sent for telemetry.
    pub fn over(&self, front: Router) -> Router {
        Router::new().fallback(pass).with_state((self.clone(), front))
    }

    /// The last calls, the newest first.
    #[must_use]
    pub fn all(&self) -> Vec<Arrived> {
        self.0.arrived.lock().unwrap_or_else(PoisonError::into_inner).newest_first().cloned().collect()
    }

    fn keep(&self, call: impl FnOnce(u64) -> Arrived) {
        self.0.arrived.lock().unwrap_or_else(PoisonError::into_inner).keep(call);
    }
}

async fn pass(State((arrivals, front)): State<(Arrivals, Router)>, request: Request) -> Response {
    let Some(sent) = Sent::to(&request) else { return front.oneshot(request).await.unwrap_or_else(|never| match never {}) };
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, LARGEST_REQUEST).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    let unpacked = body::unpacked(&parts.headers, &bytes).unwrap_or_else(|| bytes.to_vec());
    let (at, headers) = (rfc3339(arrivals.0.clock.now().epoch_seconds()), told(&parts.headers));
    let body = String::from_utf8_lossy(&unpacked).chars().take(LONGEST_BODY).collect();
    let length = bytes.len();
    let answer = front.oneshot(Request::from_parts(parts, Body::from(bytes))).await.unwrap_or_else(|never| match never {});
    arrivals.keep(|number| Arrived { number, at, sent, headers, bytes: length, body, status: answer.status().as_u16() });
    answer
}

#[cfg(test)]
mod tests {
    use shared::platform::clock::ManualClock;

    use super::*;

    #[tokio::test]
    async fn what_is_sent_for_telemetry_is_kept_and_passed_on_and_nothing_else_is() {
        let arrivals = Arrivals::new(Arc::new(ManualClock::at(0)));
        let echo = Router::new().fallback(|request: Request| async { to_bytes(request.into_body(), 100).await.unwrap() });
        let front = arrivals.over(echo);
        for path in ["/app/page-views/token", "/app/configuration/page-views", "/app/page"] {
            let request = Request::post(path).body(Body::from("seen")).unwrap();
            let answer = front.clone().oneshot(request).await.unwrap();
            assert_eq!(to_bytes(answer.into_body(), 100).await.unwrap(), "seen");
        }
        let all = arrivals.all();
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].number, all[0].sent, all[0].bytes, all[0].body.as_str(), all[0].status), (1, Sent::PageViews, 4, "seen", 200));
    }
}
