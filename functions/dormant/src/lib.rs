//! Once a day: the sites that were not asked for a week are asked whether they still know us; those that do not for long enough count as gone.
//! [`shared::tenant::dormancy::dormant`] says what exactly.

use shared::platform::Platform;
use shared::platform::schedule::{self, Deadline, Report};
use shared::problem::Problem;
use shared::tenant::dormancy::dormant;

/// One run; what the time is not enough for is left to the next.
///
/// # Errors
/// 503 if AWS is away: what was done stays done.
pub async fn handle(platform: Platform, deadline: Deadline) -> Result<Report, Problem> {
    schedule::tell(&platform, "dormant", dormant::ask_all(&platform, deadline)).await
}
