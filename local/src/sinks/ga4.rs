//! The double of Google Analytics: its Measurement Protocol, which takes whatever comes and drops what it does not like without a word.
//! Source: <https://developers.google.com/analytics/devguides/collection/protocol/ga4/sending-events>.

use axum::http::{Method, StatusCode};
use serde_json::{Map, Value};

use super::{Call, Verdict};

/// The data stream.
pub(super) const MEASUREMENT_ID: &str = "G-LOCAL";

/// Its secret.
pub(super) const API_SECRET: &str = "local-ga4-secret";

const LARGEST_BODY: usize = 130_000;
const MOST_EVENTS: usize = 25;
const MOST_PARAMS: usize = 25;
const LONGEST_NAME: usize = 40;

/// In characters; addresses may be longer.
const LONGEST_VALUE: usize = 100;
const LONGEST_ADDRESSES: [(&str, usize); 2] = [("page_location", 1000), ("page_referrer", 420)];

pub(super) fn judge(call: &Call<'_>) -> Verdict {
    if call.path != "mp/collect" || call.parts.method != Method::POST {
        return Verdict::refused(StatusCode::NOT_FOUND, Value::Null, "no such endpoint");
    }
    Verdict { status: StatusCode::NO_CONTENT, answer: Value::Null, complaint: check(call).err().map(ToOwned::to_owned) }
}

fn check(call: &Call<'_>) -> Result<(), &'static str> {
    if call.query("measurement_id").as_deref() != Some(MEASUREMENT_ID) || call.query("api_secret").as_deref() != Some(API_SECRET) {
        return Err("another data stream, or another secret");
    }
    if call.body.len() > LARGEST_BODY {
        return Err("the body is too large");
    }
    let body: Value = serde_json::from_slice(call.body).map_err(|_| "the body is no JSON")?;
    let client = body.get("client_id").and_then(Value::as_str).unwrap_or_default();
    let events = body.get("events").and_then(Value::as_array).filter(|events| !events.is_empty()).ok_or("there are no events")?;
    if client.is_empty() {
        return Err("there is no client_id");
    }
    if events.len() > MOST_EVENTS {
        return Err("there are more than 25 events");
    }
    events.iter().try_for_each(check_event)
}

fn check_event(event: &Value) -> Result<(), &'static str> {
    let name = event.get("name").and_then(Value::as_str).unwrap_or_default();
    let none = Map::new();
    let params = event.get("params").and_then(Value::as_object).unwrap_or(&none);
    if !is_name(name) || !params.keys().all(|name| is_name(name)) {
        return Err("a name is not of letters, digits and underscores, or too long");
    }
    if params.len() > MOST_PARAMS {
        return Err("an event has more than 25 params");
    }
    let longest = |name: &str| LONGEST_ADDRESSES.iter().find(|(known, _)| *known == name).map_or(LONGEST_VALUE, |(_, longest)| *longest);
    let fits = |(name, value): (&String, &Value)| match value {
        Value::String(text) => text.chars().count() <= longest(name),
        Value::Number(_) => true,
        _ => false,
    };
    if params.iter().all(fits) { Ok(()) } else { Err("a param is too long, or neither text nor number") }
}

fn is_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
