//! Deletes what is left of a tenant whose keys are gone, verifies that nothing is, and certifies it. See [`worker`].
//!
//! Each message is about one leaving. One that fails comes again and then lies among the dead letters, and the others go on; the hourly run sends it
//! again all the same.

use shared::platform::Platform;
use shared::platform::queue::{self, BatchAnswer, QueueEvent};
use shared::purge::worker;

/// Handles one batch.
pub async fn handle(platform: Platform, event: QueueEvent) -> BatchAnswer {
    let (dead_letters, deadline) = (platform.config().queues.purge_dead_letters.clone(), event.deadline(&platform));
    let go_on = |platform: Platform, body: String| async move { worker::go_on(&platform, &body, deadline).await };
    queue::each(&platform, "purge-worker", &dead_letters, event, go_on).await
}
