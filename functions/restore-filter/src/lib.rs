//! Makes tables and a bucket that were restored from a backup safe before they are used: whoever was purged meanwhile is gone from them too, and
//! whoever left or returned has left or returned; [`shared::purge::restore`] says what exactly. Invoked by hand, see docs/RESTORE.md.

use shared::platform::Platform;
use shared::platform::invocation::Invocation;
use shared::platform::schedule::{self, Report};
use shared::problem::Problem;
use shared::purge::restore;

/// One run; what the time is not enough for is left to the next.
///
/// # Errors
/// 400 that names the field of the event at fault; 503 if AWS is away: what was done stays done.
pub async fn handle(platform: Platform, invocation: Invocation) -> Result<Report, Problem> {
    let run = async { restore::filter(&platform, invocation.deadline, invocation.read()?).await };
    schedule::tell(&platform, "restore-filter", run).await
}
