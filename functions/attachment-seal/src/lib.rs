//! Seals what arrived: S3 tells EventBridge of each new object in the incoming bucket, EventBridge tells the queue, and the queue tells this
//! function. What is an upload of ours becomes an attachment, or is refused; either way nothing unsealed stays.
//!
//! A message may come twice, late and out of order. One that can never succeed goes to the dead letters with its reason: it is not of the form
//! that EventBridge sends, is about another bucket, or what arrived is not what was said of it.

mod arrival;

use shared::attachment::sealing::{self, Outcome};
use shared::platform::Platform;
use shared::platform::queue::{self, BatchAnswer, Handled, QueueEvent};
use shared::problem::Problem;

use arrival::Arrival;

/// Handles one batch.
pub async fn handle(platform: Platform, event: QueueEvent) -> BatchAnswer {
    let dead_letters = platform.config().queues.attachment_dead_letters.clone();
    queue::each(&platform, "attachment-seal", &dead_letters, event, seal).await
}

async fn seal(platform: Platform, body: String) -> Result<Handled, Problem> {
    let arrival = match Arrival::read(&body, &platform.config().buckets.incoming) {
        Ok(arrival) => arrival,
        Err(letter) => return Ok(Handled::Dead(letter)),
    };
    Ok(match sealing::seal(&platform, arrival.key()).await? {
        Outcome::Sealed => Handled::Done("sealed"),
        Outcome::Unclaimed => Handled::Done("unclaimed"),
        Outcome::Refused(reason) => Handled::Dead(arrival.letter(reason)),
    })
}
