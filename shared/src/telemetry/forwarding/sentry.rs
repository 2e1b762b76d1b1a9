//! What Sentry is sent: one envelope with one event (promises ).
//!
//! An event has what the promise lists and nothing else: no user, no request, no breadcrumbs, and the word not to infer an address, which would be
//! ours anyway. Sentry keeps an event that it has seen already only once. Source: <https://develop.sentry.dev/sdk/data-model/envelopes/>.

use bytes::Bytes;
use http::Request;
use serde::Serialize;

use crate::platform::{Platform, clock};
use crate::problem::{Problem, Refusal};
use crate::telemetry::browser_error::{Browser, BrowserError, BrowserName, Frame, Os};
use crate::telemetry::sink::Destination;

#[derive(Serialize)]
struct Header<'e> {
    event_id: &'e str,
    sent_at: String,
}

#[derive(Serialize)]
struct ItemHeader {
    r#type: &'static str,
    length: usize,
}

/// An event as Sentry wants it.
#[derive(Serialize)]
pub(super) struct Event<'e> {
    event_id: &'e str,
    timestamp: i64,
    platform: &'static str,
    exception: Exceptions<'e>,
    tags: Tags<'e>,
    contexts: Contexts,
    sdk: Sdk,
}

#[derive(Serialize)]
struct Exceptions<'e> {
    values: Vec<Exception<'e>>,
}

#[derive(Serialize)]
struct Exception<'e> {
    r#type: &'e str,
    value: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stacktrace: Option<Stack<'e>>,
}

#[derive(Serialize)]
struct Stack<'e> {
    frames: Vec<Call<'e>>,
}

#[derive(Serialize)]
struct Call<'e> {
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lineno: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    colno: Option<u32>,
}

#[derive(Serialize)]
struct Tags<'e> {
    addon_key: &'e str,
    client_key: &'e str,
    base_url: &'e str,
    tracking_id: &'e str,
}

#[derive(Serialize)]
struct Contexts {
    #[serde(skip_serializing_if = "Option::is_none")]
    browser: Option<BrowserContext>,
    #[serde(skip_serializing_if = "Option::is_none")]
    os: Option<OsContext>,
}

#[derive(Serialize)]
struct BrowserContext {
    name: BrowserName,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
}

#[derive(Serialize)]
struct OsContext {
    name: Os,
}

#[derive(Serialize)]
struct Sdk {
    name: &'static str,
    version: &'static str,
    settings: Settings,
}

#[derive(Serialize)]
struct Settings {
    infer_ip: &'static str,
}

impl<'e> Event<'e> {
    /// What leaves of an error.
    pub(super) fn of(error: &'e BrowserError) -> Self {
        let values = error.exceptions.iter().map(|exception| Exception {
            r#type: exception.kind.as_str(),
            value: exception.message.as_str(),
            stacktrace: (!exception.frames.is_empty()).then(|| Stack { frames: exception.frames.iter().map(call).collect() }),
        });
        let browser =
            error.browser.map(|Browser { name, version }| BrowserContext { name, version: version.map(|version| version.to_string()) });
        Self {
            event_id: &error.event_id,
            timestamp: error.at,
            platform: "javascript",
            exception: Exceptions { values: values.collect() },
            tags: Tags {
                addon_key: &error.addon_key,
                client_key: &error.client_key,
                base_url: &error.base_url,
                tracking_id: &error.tracking_id,
            },
            contexts: Contexts { browser, os: error.os.map(|name| OsContext { name }) },
            sdk: Sdk { name: "lethe", version: env!("CARGO_PKG_VERSION"), settings: Settings { infer_ip: "never" } },
        }
    }
}

fn call(frame: &Frame) -> Call<'_> {
    let Frame { file, function, line, column } = frame;
    Call {
        filename: file.as_ref().map(|file| file.as_str()),
        function: function.as_ref().map(|function| function.as_str()),
        lineno: *line,
        colno: *column,
    }
}

/// The request that takes an error to Sentry.
///
/// # Errors
/// 500 if it cannot be written, or if Sentry is off.
pub(super) fn request(platform: &Platform, error: &BrowserError) -> Result<Request<Bytes>, Problem> {
    let dsn = platform.config().sinks.sentry.as_ref().ok_or_else(|| Problem::new(Refusal::Internal, Destination::Sentry.off()))?;
    let written = |_| Problem::new(Refusal::Internal, "cannot write an event");
    let event = serde_json::to_vec(&Event::of(error)).map_err(written)?;
    let header = Header { event_id: &error.event_id, sent_at: clock::rfc3339(platform.now()) };
    let mut body = serde_json::to_vec(&header).map_err(written)?;
    body.push(b'\n');
    body.extend(serde_json::to_vec(&ItemHeader { r#type: "event", length: event.len() }).map_err(written)?);
    body.push(b'\n');
    body.extend(event);
    body.push(b'\n');
    let auth = format!("Sentry sentry_version=7, sentry_client=lethe/{}, sentry_key={}", env!("CARGO_PKG_VERSION"), dsn.key());
    let headers = [("content-type", "application/x-sentry-envelope"), ("x-sentry-auth", &auth)];
    super::post_of(dsn.envelopes().as_str(), &headers, body)
}
