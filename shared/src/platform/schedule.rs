//! The schedule door: a function that runs now and then, knows when its time is over, and says what it did. One event in the log per run.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use lambda_runtime::LambdaEvent;
use serde::de::IgnoredAny;
use serde::{Serialize, Serializer};
use tracing::Instrument as _;

use super::Platform;
use super::event::{Begun, End, Ended};
use super::signal::Signal;
use crate::problem::{Problem, Refusal};

/// How long before its end a run stops to begin new things: longer than the longest call to AWS.
const RESERVE: Duration = Duration::from_secs(60);

/// When Lambda ends a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    epoch_millis: i64,
}

impl Deadline {
    /// At this many milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn at(epoch_millis: i64) -> Self {
        Self { epoch_millis }
    }

    /// So long from now.
    #[must_use]
    pub fn after(platform: &Platform, time: Duration) -> Self {
        let time = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        Self { epoch_millis: platform.clock().now().epoch_millis().saturating_add(time) }
    }

    /// Whether nothing new should be begun.
    #[must_use]
    pub fn is_near(self, platform: &Platform) -> bool {
        let reserve = i64::try_from(RESERVE.as_millis()).unwrap_or(i64::MAX);
        platform.clock().now().epoch_millis().saturating_add(reserve) >= self.epoch_millis
    }
}

/// What a run did: how often each thing, and whether anything of it needs a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Each thing and how often.
    pub counts: Vec<(&'static str, u64)>,
    /// What the run is a signal of, if a person must look at it: then it ends in an incident.
    pub signal: Option<Signal>,
}

impl Report {
    /// Whether the run ends in an incident.
    #[must_use]
    pub const fn is_incident(&self) -> bool {
        self.signal.is_some()
    }

    /// How often this thing was done; none, if the run knows nothing of it.
    #[must_use]
    pub fn count(&self, thing: &str) -> u64 {
        self.counts.iter().find(|(known, _)| *known == thing).map_or(0, |(_, count)| *count)
    }
}

/// What happened, in words: `objects-removed=2 …`.
impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (thing, count)) in self.counts.iter().enumerate() {
            write!(out, "{}{thing}={count}", if at == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.counts.iter().copied())
    }
}

/// Does one run and tells of it.
///
/// # Errors
/// What the run failed with; a panic is an error like any other.
pub async fn tell(
    platform: &Platform,
    function: &'static str,
    run: impl Future<Output = Result<Report, Problem>>,
) -> Result<Report, Problem> {
    let begun = Begun::now(platform, function);
    let ran = AssertUnwindSafe(run).catch_unwind().instrument(begun.span()).await;
    let ran = ran.unwrap_or_else(|_| Err(Problem::new(Refusal::Internal, "panicked")));
    match &ran {
        Ok(report) => {
            let (end, outcome) = if report.is_incident() { (End::Badly, "incident") } else { (End::Well, "done") };
            let (counts, signal) = (Some(report.to_string()), report.signal);
            begun.end("ran", end, &Ended { outcome: Some(outcome), counts, signal, ..Ended::default() });
        }
        Err(problem) => begun.fail(problem),
    }
    ran
}

/// Serves `handle` to the Lambda runtime until the environment ends. What a schedule sends is not looked at.
///
/// # Errors
/// If the runtime's API fails; a failing run does not, but Lambda is told, so that it tries again.
pub(super) async fn run<F>(platform: Platform, handle: fn(Platform, Deadline) -> F) -> Result<(), lambda_runtime::Error>
where
    F: Future<Output = Result<Report, Problem>>,
{
    lambda_runtime::run(lambda_runtime::service_fn(|event: LambdaEvent<IgnoredAny>| {
        // Boxed: a future of so many layers is more than the compiler lays out at once.
        let ran = handle(platform.clone(), Deadline::at(i64::try_from(event.context.deadline).unwrap_or(i64::MAX))).boxed_local();
        async move { ran.await.map_err(|problem| lambda_runtime::Error::from(problem.reason().0.into_owned())) }
    }))
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_words_for_the_log_and_an_object_for_lambda() {
        let report = Report { counts: vec![("removed", 2), ("left", 0)], signal: None };
        assert_eq!(report.to_string(), "removed=2 left=0");
        assert_eq!(serde_json::to_string(&report).unwrap(), r#"{"removed":2,"left":0}"#);
        assert_eq!((report.count("removed"), report.count("unheard-of")), (2, 0));
    }
}
