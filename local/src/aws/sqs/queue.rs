//! One queue: when each of its messages can be seen, how often it was handed out, and how it ends. Time is a parameter, in milliseconds since
//! 1970.

use std::collections::VecDeque;
use std::time::Duration;

/// A queue to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSpec {
    /// Its name.
    pub name: String,
    /// How long a message is held back before it is first seen, unless its sender says otherwise.
    pub delayed_for: Duration,
    /// How long a message that was handed out is hidden from everybody else, and so how long it takes until it comes again.
    pub hidden_for: Duration,
    /// How long a message is kept, counted from when it was sent, whatever becomes of it.
    pub kept_for: Duration,
    /// What becomes of messages that come again and again.
    pub redrive: Option<Redrive>,
}

/// Where messages go that nobody was ever done with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redrive {
    /// How often a message is handed out before.
    pub most_receives: u64,
    /// The name of the queue that they go to.
    pub dead_letters: String,
}

impl From<&str> for QueueSpec {
    /// A queue with nothing but a name, as AWS would make it.
    fn from(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            delayed_for: Duration::ZERO,
            hidden_for: Duration::from_secs(30),
            kept_for: Duration::from_secs(4 * 86_400),
            redrive: None,
        }
    }
}

/// A message in a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) body: String,
    pub(crate) sent_millis: i64,
    pub(crate) first_received_millis: Option<i64>,
    /// How often it was handed out.
    pub(crate) received: u64,
    pub(super) visible_millis: i64,
    /// The round in which it was sent or last handed out.
    pub(super) round: u64,
}

/// A queue with what is in it, in the order in which it was sent.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) spec: QueueSpec,
    pub(super) messages: VecDeque<Message>,
}

impl Queue {
    pub(super) const fn of(spec: QueueSpec) -> Self {
        Self { spec, messages: VecDeque::new() }
    }

    /// Takes a message that keeps its date: AWS counts how long it keeps a dead letter from when it was first sent.
    pub(super) fn bury(&mut self, message: Message, now: i64) {
        self.messages.push_back(Message { received: 0, first_received_millis: None, visible_millis: now, ..message });
    }

    /// Forgets what was kept for long enough.
    pub(super) fn forget(&mut self, now: i64) {
        let oldest = now.saturating_sub(millis(self.spec.kept_for));
        self.messages.retain(|message| message.sent_millis > oldest);
    }

    /// Takes out what can be seen and was handed out as often as may be.
    pub(super) fn take_dead(&mut self, now: i64) -> Vec<Message> {
        let Some(Redrive { most_receives, .. }) = self.spec.redrive else { return Vec::new() };
        let (dead, living): (Vec<_>, Vec<_>) =
            self.messages.drain(..).partition(|message| message.visible_millis <= now && message.received >= most_receives);
        self.messages.extend(living);
        dead
    }

    /// Hands out what can be seen, except what was sent or handed out in this very round, and hides it.
    pub(super) fn receive(&mut self, most: usize, round: u64, now: i64) -> Vec<Message> {
        let hidden_until = now.saturating_add(millis(self.spec.hidden_for));
        let seen = self.messages.iter_mut().filter(|message| message.visible_millis <= now && message.round < round);
        let handed_out = seen.take(most).map(|message| {
            message.received += 1;
            message.first_received_millis.get_or_insert(now);
            (message.visible_millis, message.round) = (hidden_until, round);
            message.clone()
        });
        handed_out.collect()
    }

    /// Forgets a message that somebody is done with.
    pub(super) fn delete(&mut self, id: &str) {
        self.messages.retain(|message| message.id != id);
    }

    /// When the next message can be seen: in the past, if one can be now.
    pub(super) fn next_visible(&self) -> Option<i64> {
        self.messages.iter().map(|message| message.visible_millis).min()
    }
}

pub(super) fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000;

    fn queue(messages: &[(&str, i64)]) -> Queue {
        let redrive = Some(Redrive { most_receives: 2, dead_letters: "dead".to_owned() });
        let mut queue = Queue::of(QueueSpec { redrive, ..QueueSpec::from("queue") });
        for (id, visible_millis) in messages {
            let (id, body) = ((*id).to_owned(), String::new());
            let message =
                Message { id, body, sent_millis: 0, first_received_millis: None, received: 0, visible_millis: *visible_millis, round: 0 };
            queue.messages.push_back(message);
        }
        queue
    }

    fn ids(messages: &[Message]) -> Vec<&str> {
        messages.iter().map(|message| message.id.as_str()).collect()
    }

    #[test]
    fn what_was_handed_out_is_hidden_for_its_time_and_then_comes_again() {
        let mut queue = queue(&[("a", 0), ("b", 0)]);
        assert_eq!(ids(&queue.receive(1, 1, 0)), ["a"]);
        assert_eq!(ids(&queue.receive(9, 1, 0)), ["b"]);
        assert_eq!(ids(&queue.receive(9, 2, 30 * SECOND - 1)), [""; 0]);
        assert_eq!(queue.next_visible(), Some(30 * SECOND));
        let again = queue.receive(9, 2, 30 * SECOND);
        assert_eq!((ids(&again), again[0].received, again[0].first_received_millis), (vec!["a", "b"], 2, Some(0)));
    }

    #[test]
    fn a_message_is_seen_when_its_delay_is_over() {
        let mut queue = queue(&[("late", 900 * SECOND), ("now", 0)]);
        assert_eq!(ids(&queue.receive(9, 1, 900 * SECOND - 1)), ["now"]);
        assert_eq!(ids(&queue.receive(1, 2, 900 * SECOND)), ["late"]);
    }

    #[test]
    fn a_round_hands_out_a_message_once_even_if_nothing_hides_it() {
        let mut queue = queue(&[("a", 0)]);
        queue.spec.hidden_for = Duration::ZERO;
        assert_eq!(queue.receive(9, 1, 0).len(), 1);
        assert_eq!(queue.receive(9, 1, 0).len(), 0);
        assert_eq!(queue.receive(9, 2, 0).len(), 1);
    }

    #[test]
    fn what_was_handed_out_too_often_is_dead_once_its_last_time_is_over() {
        let mut queue = queue(&[("poison", 0), ("other", 90 * SECOND)]);
        queue.receive(1, 1, 0);
        queue.receive(1, 2, 30 * SECOND);
        assert_eq!(queue.take_dead(60 * SECOND - 1), []);
        assert_eq!(ids(&queue.take_dead(60 * SECOND)), ["poison"]);
        assert_eq!(ids(&queue.receive(9, 3, 90 * SECOND)), ["other"]);
    }

    #[test]
    fn no_message_is_kept_longer_than_its_queue_says_not_even_a_dead_one() {
        let mut queue = queue(&[("a", 0)]);
        let (half, days) = (2 * 86_400 * SECOND, 4 * 86_400 * SECOND);
        let mut dead_letters = Queue::of(QueueSpec::from("dead"));
        dead_letters.bury(queue.messages[0].clone(), half);
        for queue in [&mut queue, &mut dead_letters] {
            queue.forget(days - 1);
            assert_eq!(queue.messages.len(), 1);
            queue.forget(days);
            assert_eq!(queue.messages.len(), 0);
        }
    }
}
