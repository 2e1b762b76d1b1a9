//! How often functions are used, counted from the log (promises ): behind the back of every call, and at no cost of its time.
//!
//! A call's line in the log carries a mark of its tenant, another one each day, and nothing of a person. [`lines`] takes from it the day, the app,
//! the function and the mark, and no more; [`counters`] adds that up, in an order that does not matter; [`keeping`] writes the sums under what
//! [`salts`] makes of the marks. Two days later the salt is [destroyed](closing), and only then is the day [reported](report), in groups of so
//! many tenants that none can be told from the others. [`points`] is what the same lines say of how functions do, without any tenant.
//!
//! What that is worth: with the salt, its owner could tell which rows are a tenant's; without it nobody can, with all keys and all other tables at
//! hand. As long as the log itself is kept, for 30 days, whoever has it and a tenant's keys could count that tenant's lines of a function and look for
//! a row with the same count; each function's rows have names of their own, so that a row found so leads to no other.
//!
//! What is counted once: a line, however often its delivery comes. CloudWatch Logs and Lambda bring a delivery again as it was, and by that it is
//! known. A line that came in two different deliveries would count twice.
//!
//! What is lost, and nothing else: lines that are older than yesterday when they come; whatever a delivery holds that fails three times, or waits
//! for six hours (it lies among the failed runs then, for 14 days); what CloudWatch Logs gives up delivering, which it does after a day. Minutes of
//! calls may be missing of a day then. Nothing hangs on them: this is to see which functions are used, not to bill anybody.

pub mod closing;
mod counters;
mod day;
mod keeping;
mod lines;
mod parts;
mod points;
pub mod report;
mod salts;

pub use day::Day;

use super::outgoing::{self, Outgoing};
use crate::platform::Platform;
use crate::platform::log_lines::LogLine;
use crate::platform::schedule::Report;
use crate::problem::Problem;
use counters::Counts;
use keeping::Kept;
use lines::Call;

/// How many points go into one message of the queue: half of what SQS takes.
const POINTS_IN_A_LETTER: usize = 1_000;

/// Counts one delivery of lines, and then sends on what they say of how functions do, if anybody is to be told. The counters are exact however often
/// that is done with the same lines; what is sent on is sent again each time.
///
/// # Errors
/// 503 if AWS is away: the delivery is to come again as it was.
pub async fn count(platform: &Platform, lines: &[LogLine]) -> Result<Report, Problem> {
    let calls: Vec<(&LogLine, Call)> = lines.iter().filter_map(|line| Some((line, Call::read(&line.message)?))).collect();
    let counts: Counts = calls.iter().filter_map(|(line, call)| Some((call.counter()?, line.id.as_str()))).collect();
    let (mut counted, mut repeated, mut too_old) = (0, 0, 0);
    for part in parts::of(&counts) {
        let sum = match keeping::keep(platform, &part).await? {
            Kept::Counted => &mut counted,
            Kept::Repeated => &mut repeated,
            Kept::TooOld => &mut too_old,
        };
        *sum += part.calls();
    }
    let points = if platform.config().sinks.datadog.is_some() { points::of(calls.iter().map(|(_, call)| call)) } else { Vec::new() };
    for some in points.chunks(POINTS_IN_A_LETTER) {
        outgoing::send(platform, Outgoing::Metrics(some.to_vec())).await?;
    }
    let (lines, skipped, points) = (lines.len() as u64, (lines.len() - calls.len()) as u64, points.len() as u64);
    let counts = vec![
        ("lines", lines),
        ("counted", counted),
        ("repeated", repeated),
        ("too-old", too_old),
        ("skipped", skipped),
        ("points", points),
    ];
    Ok(Report { counts, signal: None })
}
