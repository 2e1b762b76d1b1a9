//! Once a day: what lies in the buckets of attachments is held against the records. What nobody waits for any more is removed, what is missing
//! is told; [`shared::attachment::reconcile`] says what exactly.

use shared::attachment::reconcile;
use shared::platform::Platform;
use shared::platform::schedule::{self, Deadline, Report};
use shared::problem::Problem;

/// One run; what the time is not enough for is left to the next.
///
/// # Errors
/// 503 if AWS is away: what was done stays done.
pub async fn handle(platform: Platform, deadline: Deadline) -> Result<Report, Problem> {
    schedule::tell(&platform, "attachment-reconcile", reconcile::reconcile(&platform, deadline)).await
}
