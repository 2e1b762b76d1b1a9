//! Log groups send their lines: calls are counted, by day, function and what stands for a tenant on that day, and what they say of how functions do
//! is sent on; [`shared::telemetry::usage`] says what exactly, and what may be lost.

use shared::platform::Platform;
use shared::platform::log_lines::LogLines;
use shared::platform::schedule::{self, Report};
use shared::problem::Problem;
use shared::telemetry::sink::Destination;
use shared::telemetry::usage;

/// One delivery of lines. Lambda brings it again if it fails; what was counted of it is not counted again.
///
/// # Errors
/// 503 if AWS is away.
pub async fn handle(platform: Platform, lines: LogLines) -> Result<Report, Problem> {
    Destination::Datadog.tell_if_off(&platform);
    schedule::tell(&platform, "usage", usage::count(&platform, &lines.lines)).await
}
