//! Starts what is due: every hour, whoever left so long ago that nothing need be kept for a return loses their keys, and what is left of them goes
//! to the worker. See [`starting`].

use shared::platform::Platform;
use shared::platform::schedule::{self, Deadline, Report};
use shared::problem::Problem;
use shared::purge::starting;

/// Does one run.
///
/// # Errors
/// 503 if AWS is away; Lambda tries again, and what was done stays done.
pub async fn handle(platform: Platform, deadline: Deadline) -> Result<Report, Problem> {
    schedule::tell(&platform, "purge", starting::start_due(&platform, deadline)).await
}
