//! Doubles of the outside services that telemetry goes to, on a port of this machine: they check what the real ones check, and keep what came
//! last, headers and body as they came, so that a person and a test see exactly what leaves.
//!
//! What a real one would take and drop in silence is answered as it answers, and kept with a complaint.
//!
//! - [`sentry`], [`ga4`], [`datadog`]: what each asks for. - [`arrivals`]: what browsers have sent us before, for who wants to compare.

pub mod arrivals;
mod body;
mod datadog;
mod ga4;
mod sentry;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::platform::clock::{Clock, rfc3339};

use crate::host::SinkVariables;
use crate::recent::Recent;

/// How many requests of each service are remembered.
pub const KEPT: usize = 50;

/// More than any of the real ones takes.
const LARGEST_REQUEST: usize = 24 * 1024 * 1024;

/// Which service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Double {
    /// What fails in browsers.
    Sentry,
    /// Which pages are seen.
    Ga4,
    /// How functions do.
    Datadog,
}

impl Double {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sentry, Self::Ga4, Self::Datadog];

    /// As people call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sentry => "Sentry",
            Self::Ga4 => "Google Analytics",
            Self::Datadog => "Datadog",
        }
    }
}

/// One request that reached a service.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Received {
    /// Its place among all of this service's, from 1.
    pub number: u64,
    /// When it came.
    pub at: String,
    /// The method.
    pub method: String,
    /// Path and query as they came.
    pub target: String,
    /// All headers as they came.
    pub headers: Vec<(String, String)>,
    /// How many bytes its body had on the way.
    pub bytes: usize,
    /// The body, unpacked.
    pub body: String,
    /// What it was answered.
    pub status: u16,
    /// What is wrong with it, whatever it was answered.
    pub complaint: Option<String>,
}

/// What a service says to a request.
struct Verdict {
    status: StatusCode,
    answer: Value,
    complaint: Option<String>,
}

impl Verdict {
    const fn taken(status: StatusCode, answer: Value) -> Self {
        Self { status, answer, complaint: None }
    }

    fn refused(status: StatusCode, answer: Value, complaint: impl Into<String>) -> Self {
        Self { status, answer, complaint: Some(complaint.into()) }
    }
}

/// A request as a service reads it.
struct Call<'a> {
    parts: &'a Parts,
    /// The path below the service's own address.
    path: &'a str,
    /// The body as it came.
    packed: &'a [u8],
    /// The same, unpacked.
    body: &'a [u8],
    /// Now, in epoch seconds.
    now: i64,
}

impl Call<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name)?.to_str().ok()
    }

    /// The last value of a name in the query.
    fn query(&self, name: &str) -> Option<String> {
        let query = self.parts.uri.query().unwrap_or_default();
        url::form_urlencoded::parse(query.as_bytes()).filter(|(known, _)| known == name).last().map(|(_, value)| value.into_owned())
    }
}

/// The services, and what came to them. Clones are the same.
#[derive(Clone, Debug)]
pub struct Doubles(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Arc<dyn Clock>,
    received: Mutex<BTreeMap<Double, Recent<Received>>>,
}

impl Doubles {
    /// Nothing has come yet; what comes is dated by this clock.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner { clock, received: Mutex::default() }))
    }

    /// Where they are on this port, and what lets us in.
    #[must_use]
    pub fn variables(port: u16) -> SinkVariables {
        let sinks = format!("localhost:{port}/sinks");
        SinkVariables {
            sentry_dsn: format!("http://{}@{sinks}/sentry/{}", sentry::KEY, sentry::PROJECT),
            ga4_url: format!("http://{sinks}/ga4"),
            ga4_measurement_id: ga4::MEASUREMENT_ID.to_owned(),
            ga4_api_secret: ga4::API_SECRET.to_owned(),
            datadog_api_url: format!("http://{sinks}/datadog"),
            datadog_api_key: datadog::API_KEY.to_owned(),
        }
    }

    /// All of them, below `/sinks`.
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        Router::new().route("/sinks/{double}/{*path}", any(receive)).with_state(self.clone())
    }

    /// The last requests to one, the newest first.
    #[must_use]
    pub fn received(&self, double: Double) -> Vec<Received> {
        let received = self.0.received.lock().unwrap_or_else(PoisonError::into_inner);
        received.get(&double).into_iter().flat_map(Recent::newest_first).cloned().collect()
    }

    fn keep(&self, double: Double, request: impl FnOnce(u64) -> Received) {
        let mut received = self.0.received.lock().unwrap_or_else(PoisonError::into_inner);
        received.entry(double).or_insert_with(|| Recent::of(KEPT)).keep(request);
    }
}

async fn receive(State(doubles): State<Doubles>, Path((double, path)): Path<(Double, String)>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(packed) = to_bytes(body, LARGEST_REQUEST).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    let now = doubles.0.clock.now().epoch_seconds();
    let unpacked = body::unpacked(&parts.headers, &packed);
    let verdict = match &unpacked {
        Some(body) => {
            let call = Call { parts: &parts, path: &path, packed: &packed, body, now };
            match double {
                Double::Sentry => sentry::judge(&call),
                Double::Ga4 => ga4::judge(&call),
                Double::Datadog => datadog::judge(&call),
            }
        }
        None => Verdict::refused(StatusCode::BAD_REQUEST, Value::Null, "the body does not unpack, or to too much"),
    };
    doubles.keep(double, |number| Received {
        number,
        at: rfc3339(now),
        method: parts.method.to_string(),
        target: parts.uri.to_string(),
        headers: told(&parts.headers),
        bytes: packed.len(),
        body: String::from_utf8_lossy(&unpacked.unwrap_or_default()).into_owned(),
        status: verdict.status.as_u16(),
        complaint: verdict.complaint,
    });
    let body = if verdict.answer.is_null() { Body::empty() } else { Body::from(verdict.answer.to_string()) };
    (verdict.status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// Every header as it came.
fn told(headers: &HeaderMap) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect()
}

#[cfg(test)]
mod tests;
