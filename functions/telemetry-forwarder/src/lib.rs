//! What lies in the telemetry queue goes to its sink.

use shared::platform::Platform;
use shared::platform::queue::{BatchAnswer, QueueEvent};
use shared::telemetry::forwarding;

/// One batch.
pub async fn handle(platform: Platform, event: QueueEvent) -> BatchAnswer {
    forwarding::forward(&platform, event).await
}
