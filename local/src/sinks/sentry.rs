//! The double of Sentry: envelopes for one project.
//! Source: <https://develop.sentry.dev/sdk/data-model/envelopes/>, <https://develop.sentry.dev/sdk/overview/>.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Call, Verdict};

/// The project's public key.
pub(super) const KEY: &str = "local";

/// The project.
pub(super) const PROJECT: &str = "1";

/// What an event may have at most, in bytes.
const LARGEST_EVENT: usize = 1024 * 1024;

pub(super) fn judge(call: &Call<'_>) -> Verdict {
    if call.path != format!("api/{PROJECT}/envelope/") || call.parts.method != Method::POST {
        return refused(StatusCode::NOT_FOUND, "no such project or endpoint");
    }
    match key(call) {
        None => return refused(StatusCode::UNAUTHORIZED, "missing authorization information"),
        Some(key) if key != KEY => return refused(StatusCode::FORBIDDEN, "no such key"),
        Some(_) => {}
    }
    match event_id(call.body) {
        Ok(id) => Verdict::taken(StatusCode::OK, json!({"id": id})),
        Err(complaint) => refused(StatusCode::BAD_REQUEST, complaint),
    }
}

fn refused(status: StatusCode, complaint: &str) -> Verdict {
    Verdict::refused(status, json!({"detail": complaint}), complaint)
}

/// The key that `X-Sentry-Auth` presents, or else the query.
fn key(call: &Call<'_>) -> Option<String> {
    let Some(auth) = call.header("x-sentry-auth") else { return call.query("sentry_key") };
    let mut members = auth.strip_prefix("Sentry ")?.split(',').filter_map(|member| member.trim().split_once('='));
    members.clone().find(|(name, value)| *name == "sentry_version" && *value == "7")?;
    members.find(|(name, _)| *name == "sentry_key").map(|(_, key)| key.to_owned())
}

/// The id that an envelope is about, if all of it is as it should be.
fn event_id(envelope: &[u8]) -> Result<String, &'static str> {
    let (header, mut rest) = line(envelope);
    let header: Value = serde_json::from_slice(header).map_err(|_| "the envelope's header is no JSON")?;
    let id = header.get("event_id").and_then(Value::as_str).filter(|id| is_event_id(id)).ok_or("the envelope names no event")?;
    let mut items = 0;
    while !rest.is_empty() {
        let (header, after) = line(rest);
        let header: Value = serde_json::from_slice(header).map_err(|_| "an item's header is no JSON")?;
        let length = header.get("length").and_then(Value::as_u64).ok_or("an item says no length")?;
        let payload = usize::try_from(length).ok().and_then(|length| after.split_at_checked(length));
        let (payload, after) = payload.ok_or("an item is shorter than it says")?;
        rest = match after.split_first() {
            None => after,
            Some((b'\n', after)) => after,
            Some(_) => return Err("an item is longer than it says"),
        };
        if header.get("type").and_then(Value::as_str) == Some("event") {
            check_event(payload, id)?;
            items += 1;
        }
    }
    if items == 1 { Ok(id.to_owned()) } else { Err("an envelope of an event holds one") }
}

fn check_event(payload: &[u8], id: &str) -> Result<(), &'static str> {
    if payload.len() > LARGEST_EVENT {
        return Err("the event is too large");
    }
    let event: Value = serde_json::from_slice(payload).map_err(|_| "the event is no JSON")?;
    if event.get("event_id").and_then(Value::as_str) != Some(id) {
        return Err("the event has another id than its envelope");
    }
    let exceptions = event.pointer("/exception/values").and_then(Value::as_array);
    exceptions.filter(|exceptions| !exceptions.is_empty()).map(|_| ()).ok_or("the event holds no exception")
}

fn line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let line = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
    (line, end.and_then(|end| bytes.get(end + 1..)).unwrap_or_default())
}

fn is_event_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}
