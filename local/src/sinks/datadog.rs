//! The double of Datadog: series of points.
//! Source: <https://docs.datadoghq.com/api/latest/metrics/#submit-metrics>.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Call, Verdict};

/// The key that lets series in.
pub(super) const API_KEY: &str = "local-datadog-key";

const LARGEST_PACKED: usize = 512_000;
const LARGEST_UNPACKED: usize = 5_242_880;

/// How far ahead and how long ago a point may be, in seconds.
const AHEAD: i64 = 600;
const BEHIND: i64 = 3600;

pub(super) fn judge(call: &Call<'_>) -> Verdict {
    if call.path != "api/v2/series" || call.parts.method != Method::POST {
        return refused(StatusCode::NOT_FOUND, "no such endpoint");
    }
    if call.header("dd-api-key") != Some(API_KEY) {
        return refused(StatusCode::FORBIDDEN, "another key, or none");
    }
    if call.packed.len() > LARGEST_PACKED || call.body.len() > LARGEST_UNPACKED {
        return refused(StatusCode::PAYLOAD_TOO_LARGE, "more than 500 KB, or 5 MB unpacked");
    }
    match points(call.body) {
        Err(complaint) => refused(StatusCode::BAD_REQUEST, complaint),
        Ok(points) => {
            let is_late = |point: &&i64| **point < call.now - BEHIND || **point > call.now + AHEAD;
            let complaint = match points.iter().filter(is_late).count() {
                0 => None,
                dropped => Some(format!("{dropped} points are too old or too far ahead, and are dropped")),
            };
            Verdict { complaint, ..Verdict::taken(StatusCode::ACCEPTED, json!({"errors": []})) }
        }
    }
}

fn refused(status: StatusCode, complaint: &str) -> Verdict {
    Verdict::refused(status, json!({"errors": [complaint]}), complaint)
}

/// The times of all points, if every series is one.
fn points(body: &[u8]) -> Result<Vec<i64>, &'static str> {
    let body: Value = serde_json::from_slice(body).map_err(|_| "the body is no JSON")?;
    let series = body.get("series").and_then(Value::as_array).ok_or("there are no series")?;
    let mut times = Vec::new();
    for one in series {
        one.get("metric").and_then(Value::as_str).filter(|metric| is_metric(metric)).ok_or("a series names no metric")?;
        if one.get("type").and_then(Value::as_u64).is_some_and(|kind| kind > 3) {
            return Err("a series has a type that there is not");
        }
        for point in one.get("points").and_then(Value::as_array).ok_or("a series has no points")? {
            let (time, value) = (point.get("timestamp").and_then(Value::as_i64), point.get("value").and_then(Value::as_f64));
            times.push(time.filter(|_| value.is_some()).ok_or("a point is not one")?);
        }
    }
    Ok(times)
}

fn is_metric(metric: &str) -> bool {
    metric.len() <= 200
        && metric.starts_with(|first: char| first.is_ascii_alphabetic())
        && metric.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.')
}
