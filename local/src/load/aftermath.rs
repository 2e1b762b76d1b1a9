//! What became of it all: the queue is waited for, then everything that was kept is held against what was taken.

use std::time::Duration;

use serde_json::Value;
use shared::platform::clock::{Clock as _, SystemClock};
use shared::platform::http_client::http_client;

use super::Loaded;
use super::connection::Address;
use super::events::{Events, Expected};
use super::host::Host;

/// How long the queue may hand out nothing before it is given up: longer than it hides what has failed.
const STILL: Duration = Duration::from_secs(400);

const LOOKED_AT_EVERY: Duration = Duration::from_millis(200);

/// Longer than the functions let any call take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was found.
#[derive(Debug)]
pub(super) struct Aftermath {
    /// How many events were made.
    pub(super) sent: u64,
    /// How many the app has taken.
    pub(super) taken: u64,
    /// How long the queue took to be empty, from the last answer on.
    pub(super) drained_for: Duration,
    /// How many messages it still had when it was given up.
    pub(super) left_over: u64,
    /// How many events have counted, as the table says.
    pub(super) counted: u64,
    /// Issues whose copies are not the two newest events, with what they are.
    pub(super) wrong: Vec<String>,
}

/// The queue after the load.
pub(super) struct Drained {
    within: Duration,
    left_over: u64,
}

impl Drained {
    /// Waits until the host has logged an end of every event that was taken.
    pub(super) async fn wait(host: &Host, events: &Events, clock: &SystemClock) -> Self {
        let (taken, began) = (events.taken(), clock.now());
        let (mut ended, mut moved) = (host.log().events_ended(), began);
        while ended < taken && clock.now().since(moved) < STILL {
            tokio::time::sleep(LOOKED_AT_EVERY).await;
            let now = host.log().events_ended();
            if now > ended {
                (ended, moved) = (now, clock.now());
            }
        }
        Self { within: moved.since(began), left_over: taken.saturating_sub(ended) }
    }
}

impl Aftermath {
    /// Looks at everything that was kept.
    pub(super) async fn look(drained: Drained, address: &Address, events: &Events) -> Loaded<Self> {
        let mut wrong = Vec::new();
        for Expected { issue, summaries } in events.expected() {
            let kept = kept(address, issue).await?;
            if kept != summaries {
                wrong.push(format!("of issue {issue} {kept:?} is kept instead of {summaries:?}"));
            }
        }
        let counted = counted(&address.stored().await?);
        let Drained { within: drained_for, left_over } = drained;
        Ok(Self { sent: events.sent(), taken: events.taken(), drained_for, left_over, counted, wrong })
    }

    /// How many events the app has taken and not counted.
    pub(super) const fn lost(&self) -> u64 {
        self.taken.saturating_sub(self.counted)
    }
}

/// What is kept of an issue: the `summary` of the latest copy, and of the one before.
async fn kept(address: &Address, issue: u64) -> Loaded<[Option<String>; 2]> {
    let token = address.context_token().await?;
    let get = http_client()?.get(address.copies(issue)).header("authorization", format!("JWT {token}")).timeout(PATIENCE);
    let answer: Value = serde_json::from_slice(&get.send().await?.bytes().await?)?;
    Ok(["latest", "previous"].map(|copy| Some(answer.pointer(&format!("/{copy}/fields/summary"))?.as_str()?.to_owned())))
}

/// How many events are noted as seen: each that has counted has one note for a week, written in the same transaction as the copies.
fn counted(stored: &Value) -> u64 {
    let places = stored.get("places").and_then(Value::as_array).into_iter().flatten();
    let items = places.flat_map(|place| place.get("items").and_then(Value::as_array).into_iter().flatten());
    let keys = items.filter_map(|item| item.get("key")?.as_array());
    let is_note = |part: &Value| part.get("shown").and_then(Value::as_str).is_some_and(|shown| shown.ends_with("#seen-event"));
    keys.filter(|key| key.iter().any(is_note)).count() as u64
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_notes_of_events_are_counted() {
        let item = |partition: &str| json!({"key": [{"name": "id", "shown": "1"}, {"name": "partition", "shown": partition}]});
        let items = [item("tenant#seen-event"), item("tenant#issue-copies"), item("tenant#seen-event")];
        assert_eq!(counted(&json!({"places": [{"name": "IssueCopiesTable", "items": items}, {"name": "Objects", "items": []}]})), 2);
    }
}
