//! A message: as its sender gives it, as a queue keeps it, and what the sender is told of it.

use std::time::Duration;

/// A message that is to be sent to a queue whose rules it keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) body: String,
    /// How long it is held back, if not for as long as its queue says.
    pub(super) delayed_for: Option<Duration>,
    /// The group that it belongs to: in a FIFO queue always, in any other if its sender likes.
    pub(super) group: Option<String>,
    /// By which a FIFO queue, and no other, knows that it was sent before.
    pub(super) deduplication_id: Option<String>,
}

/// What a sender is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) id: String,
    /// Of a FIFO queue only.
    pub(super) sequence_number: Option<String>,
}

/// A message in a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) body: String,
    pub(crate) group: Option<String>,
    pub(crate) deduplication_id: Option<String>,
    pub(crate) sent_millis: i64,
    pub(crate) first_received_millis: Option<i64>,
    /// How often it was handed out.
    pub(crate) received: u64,
    /// Where it stands: what came into its queue later has a higher place.
    pub(super) place: u64,
    pub(super) visible_millis: i64,
    /// The round in which it was sent or last handed out.
    pub(super) round: u64,
}

impl Message {
    /// The number that a FIFO queue gives it, which grows: SQS writes it with 20 digits.
    pub(crate) fn sequence_number(&self) -> Option<String> {
        self.deduplication_id.as_ref().map(|_| format!("{:020}", self.place))
    }
}
