//! What Datadog is sent (promises ): sums of minutes, as counts, gzipped.
//!
//! Datadog keeps one value of a series for a second, the last. Two letters about the same minute would replace each other there, so a process adds
//! up what it has sent of each minute and sends the sum, in series of its own (the tag `forwarder`). A letter that is tried again by the same process changes
//! nothing; one that SQS brings twice, or that another process tries after an answer was lost, counts twice.
//!
//! A request may have 500 KB, and 5 MB unpacked. As a point is of a known metric, function, outcome and minute, all that there can be fits, and a test
//! says so. Sources: <https://docs.datadoghq.com/api/latest/metrics/#submit-metrics>, <https://docs.datadoghq.com/metrics/types/>.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::Request;
use serde::Serialize;

use crate::platform::Platform;
use crate::problem::{Problem, Refusal};
use crate::telemetry::metrics::{FunctionName, Metric, Outcome, Point};
use crate::telemetry::sink::Destination;

/// Datadog takes nothing older, in seconds.
const OLDEST: i64 = 60 * 60;

/// Nor anything that lies further ahead.
const FURTHEST_AHEAD: i64 = 10 * 60;

/// Datadog's number for a count.
const COUNT: u8 = 1;

/// The minute, in seconds: what a count is of.
const INTERVAL: i64 = 60;

type Key = (Metric, FunctionName, Outcome);

/// Sums by series and minute.
type Whole = BTreeMap<(Key, i64), f64>;

/// What this process has sent of each minute that is not too old.
#[derive(Default)]
pub(super) struct Sums {
    whole: Mutex<Whole>,
    /// The word that this process's series are told apart by.
    name: OnceLock<String>,
}

impl Sums {
    /// Adds points, and gives what is to be sent for the minutes they are of.
    pub(super) fn add(&self, points: &[Point], now: i64) -> Vec<Point> {
        let mut whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        whole.retain(|(_, minute), _| *minute >= now - OLDEST);
        let mut changed = Whole::new();
        for point in points {
            let sum = whole.entry(key(point)).or_default();
            *sum += point.value;
            changed.insert(key(point), *sum);
        }
        let point = |(((metric, function, outcome), minute), value)| Point { metric, minute, function, outcome, value };
        changed.into_iter().map(point).collect()
    }

    /// Takes back what could not be sent. If it was and only the answer was lost, the next sum of that minute replaces it.
    pub(super) fn take_back(&self, points: &[Point]) {
        let mut whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        for point in points {
            if let Some(sum) = whole.get_mut(&key(point)) {
                *sum -= point.value;
            }
        }
    }

    /// The word of this process, made when it is first needed.
    fn name(&self, platform: &Platform) -> Result<&str, Problem> {
        if let Some(name) = self.name.get() {
            return Ok(name);
        }
        let mut bytes = [0; 4];
        platform.random().fill(&mut bytes)?;
        Ok(self.name.get_or_init(|| hex::encode(bytes)))
    }
}

const fn key(point: &Point) -> (Key, i64) {
    ((point.metric, point.function, point.outcome), point.minute)
}

/// Leaves out the points that Datadog does not take; the log says how many.
pub(super) fn keep_current(points: &mut Vec<Point>, now: i64) {
    let all = points.len();
    points.retain(|point| {
        let is_whole = point.minute.rem_euclid(INTERVAL) == 0 && point.value.is_finite();
        is_whole && (now.saturating_sub(OLDEST)..=now.saturating_add(FURTHEST_AHEAD)).contains(&point.minute)
    });
    if points.len() < all {
        tracing::info!(target: "lethe", counts = %format!("points={}", all - points.len()), "points are too old");
    }
}

/// One call.
#[derive(Serialize)]
pub(super) struct Submitted {
    series: Vec<Series>,
}

#[derive(Serialize)]
struct Series {
    metric: Metric,
    r#type: u8,
    interval: i64,
    unit: &'static str,
    points: Vec<Value>,
    tags: [String; 4],
}

#[derive(Serialize)]
struct Value {
    timestamp: i64,
    value: f64,
}

impl Submitted {
    /// What leaves of these sums, from the process of this name in this region.
    pub(super) fn of(points: &[Point], region: &str, forwarder: &str) -> Self {
        let mut series: BTreeMap<Key, Vec<Value>> = BTreeMap::new();
        for point in points {
            let ((metric, function, outcome), timestamp) = key(point);
            series.entry((metric, function, outcome)).or_default().push(Value { timestamp, value: point.value });
        }
        let series = series.into_iter().map(|((metric, function, outcome), points)| Series {
            metric,
            r#type: COUNT,
            interval: INTERVAL,
            unit: match metric {
                Metric::Calls => "request",
                Metric::Duration => "millisecond",
            },
            points,
            tags: [
                format!("function:{}", function.as_str()),
                format!("outcome:{}", outcome.as_str()),
                format!("region:{region}"),
                format!("forwarder:{forwarder}"),
            ],
        });
        Self { series: series.collect() }
    }
}

/// The request that takes sums to Datadog.
///
/// # Errors
/// 500 if it cannot be written or the key is not there, 503 without randomness.
pub(super) fn request(platform: &Platform, sums: &Sums, points: &[Point]) -> Result<Request<Bytes>, Problem> {
    let config = platform.config();
    let base = config.sinks.datadog.as_ref().ok_or_else(|| Problem::new(Refusal::Internal, Destination::Datadog.off()))?;
    let secret = config.sink_secrets.datadog.known().ok_or_else(|| super::no_secret(Destination::Datadog))?;
    let submitted = Submitted::of(points, &config.region, sums.name(platform)?);
    let body = packed(&submitted).map_err(|_| Problem::new(Refusal::Internal, "cannot write metrics"))?;
    let mut address = base.clone();
    address.set_path(&format!("{}/api/v2/series", base.path().trim_end_matches('/')));
    let headers = [("content-type", "application/json"), ("content-encoding", "gzip"), ("dd-api-key", secret)];
    super::post_of(address.as_str(), &headers, body)
}

fn packed(submitted: &Submitted) -> std::io::Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(&serde_json::to_vec(submitted)?)?;
    packer.finish()
}

#[cfg(test)]
mod tests;
