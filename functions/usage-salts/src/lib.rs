//! Once an hour: salts whose day is over are destroyed, and with them what links a row to a tenant; [`shared::telemetry::usage::closing`] says when.

use shared::platform::Platform;
use shared::platform::schedule::{self, Deadline, Report};
use shared::problem::Problem;
use shared::telemetry::usage::closing;

/// One run.
///
/// # Errors
/// 503 if AWS is away: what was destroyed stays destroyed.
pub async fn handle(platform: Platform, _: Deadline) -> Result<Report, Problem> {
    schedule::tell(&platform, "usage-salts", closing::close(&platform)).await
}
