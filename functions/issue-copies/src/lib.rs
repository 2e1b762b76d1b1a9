//! Keeps the latest and the previous copy of each issue, as the events in the queue say (promises E-10, E-11, E-15).
//!
//! A message may come twice, late and out of order. One that can never be kept goes to the dead letters with its reason: it is none of ours, does
//! not open, or is another event under an identifier that was seen.

use shared::issue_copies::keeping::{self, Kept};
use shared::platform::Platform;
use shared::platform::queue::{self, BatchAnswer, DeadLetter, Handled, QueueEvent};
use shared::problem::Problem;

/// Handles one batch.
pub async fn handle(platform: Platform, event: QueueEvent) -> BatchAnswer {
    let dead_letters = platform.config().queues.issue_events_dead_letters.clone();
    queue::each_group(&platform, "issue-copies", &dead_letters, event, keep).await
}

async fn keep(platform: Platform, messages: Vec<String>) -> Vec<Result<Handled, Problem>> {
    let kept = keeping::keep(&platform, &messages).await;
    kept.into_iter().zip(&messages).map(|(kept, message)| kept.map(|kept| handled(kept, message))).collect()
}

fn handled(kept: Kept, message: &str) -> Handled {
    match kept {
        Kept::Kept => Handled::Done("kept"),
        Kept::Nothing => Handled::Done("nothing to keep"),
        Kept::SeenBefore => Handled::Done("seen before"),
        Kept::OurOwn => Handled::Done("our own"),
        Kept::Unclaimed => Handled::Done("unclaimed"),
        Kept::Reselected => Handled::Done("reselected"),
        Kept::Dead(reason) => {
            let about = keeping::claimed_by(message).map(|digest| ("digest", digest));
            Handled::Dead(DeadLetter { reason, about: about.into_iter().collect() })
        }
    }
}
