//! What a queue is to be: its kind, its times, what becomes of messages that come again and again, and the name that AWS knows it by.

use std::time::Duration;

/// How long a queue's name may be, the ending of a FIFO queue included.
const LONGEST_NAME: usize = 80;

/// What the physical name of a FIFO queue ends in, and no other's.
pub(super) const ENDING: &str = ".fifo";

/// A queue to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSpec {
    /// Its logical name; the physical name of a FIFO queue has `.fifo` behind it.
    pub name: String,
    /// Whether it keeps the order of each group and takes each message once: a FIFO queue, which deduplicates within groups.
    pub fifo: bool,
    /// How long a message is held back before it is first seen, unless its sender says otherwise.
    pub delayed_for: Duration,
    /// How long a message that was handed out is hidden from everybody else, and so how long it takes until it comes again.
    pub hidden_for: Duration,
    /// How long a message is kept, counted from when it was sent, whatever becomes of it. A FIFO queue of dead letters counts from when it
    /// was given one.
    pub kept_for: Duration,
    /// What becomes of messages that come again and again.
    pub redrive: Option<Redrive>,
}

/// Where messages go that nobody was ever done with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redrive {
    /// How often a message is handed out before.
    pub most_receives: u64,
    /// The logical name of the queue that they go to: a FIFO queue's is one too.
    pub dead_letters: String,
}

impl QueueSpec {
    /// The name that ends its address and its ARN.
    pub(super) fn physical_name(&self) -> String {
        format!("{}{}", self.name, if self.fifo { ENDING } else { "" })
    }

    /// Whether AWS would make a queue of this name.
    pub(super) fn is_well_named(&self) -> bool {
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
        !self.name.is_empty() && self.name.chars().all(allowed) && self.physical_name().len() <= LONGEST_NAME
    }
}

impl From<&str> for QueueSpec {
    /// A standard queue with nothing but a name, as AWS would make it.
    fn from(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            fifo: false,
            delayed_for: Duration::ZERO,
            hidden_for: Duration::from_secs(30),
            kept_for: Duration::from_secs(4 * 86_400),
            redrive: None,
        }
    }
}
