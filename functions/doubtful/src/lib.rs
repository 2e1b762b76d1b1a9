//! Every hour: where a leaving or a return is doubted, its site is asked; [`shared::tenant::dormancy::doubtful`] says what becomes of it.
//!
//! A function of its own, because it must unwrap tenants' keys to sign its question, and the purge must not be able to.

use shared::platform::Platform;
use shared::platform::schedule::{self, Deadline, Report};
use shared::problem::Problem;
use shared::tenant::dormancy::doubtful;

/// One run; what the time is not enough for is left to the next.
///
/// # Errors
/// 503 if AWS is away: what was done stays done.
pub async fn handle(platform: Platform, deadline: Deadline) -> Result<Report, Problem> {
    schedule::tell(&platform, "doubtful", doubtful::settle(&platform, deadline)).await
}
