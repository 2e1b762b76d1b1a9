//! Once an hour: copies of issues whose time is over, and notes of events that were seen, are deleted from one part of the table;
//! [`shared::issue_copies::sweeping`] says what exactly.

use shared::issue_copies::sweeping;
use shared::platform::Platform;
use shared::platform::schedule::{self, Deadline, Report};
use shared::problem::Problem;

/// One run.
///
/// # Errors
/// 503 if AWS is away: what was done stays done.
pub async fn handle(platform: Platform, deadline: Deadline) -> Result<Report, Problem> {
    schedule::tell(&platform, "issue-copies-sweep", sweeping::sweep(&platform, deadline)).await
}
