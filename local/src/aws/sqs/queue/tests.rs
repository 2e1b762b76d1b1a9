//! What a queue does as time passes, a standard one and one with groups.

use super::*;

mod groups;
mod model;

const SECOND: i64 = 1_000;

/// A message as it is sent at 0, to be seen then.
fn message(place: u64, id: &str, group: Option<&str>) -> Message {
    Message {
        id: id.to_owned(),
        body: String::new(),
        group: group.map(ToOwned::to_owned),
        deduplication_id: group.map(|_| id.to_owned()),
        sent_millis: 0,
        first_received_millis: None,
        received: 0,
        place,
        visible_millis: 0,
        round: 0,
    }
}

/// A queue that gives up at the third time.
fn spec(fifo: bool) -> QueueSpec {
    let redrive = Some(Redrive { most_receives: 2, dead_letters: "dead".to_owned() });
    QueueSpec { fifo, redrive, ..QueueSpec::from("queue") }
}

/// A standard queue with messages and when they can be seen.
fn queue(messages: &[(&str, i64)]) -> Queue {
    let mut queue = Queue::of(spec(false));
    for (place, (id, visible_millis)) in (1..).zip(messages) {
        queue.put(Message { visible_millis: *visible_millis, ..message(place, id, None) });
    }
    queue
}

/// What is handed out now, of a queue that gives up nothing yet.
fn receive(queue: &mut Queue, most: usize, round: u64, now: i64) -> Vec<Message> {
    assert_eq!(queue.age(now), []);
    queue.receive(most, round, now)
}

fn ids(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.id.as_str()).collect()
}

#[test]
fn what_was_handed_out_is_hidden_for_its_time_and_then_comes_again() {
    let mut queue = queue(&[("a", 0), ("b", 0)]);
    assert_eq!(ids(&receive(&mut queue, 1, 1, 0)), ["a"]);
    assert_eq!(ids(&receive(&mut queue, 9, 1, 0)), ["b"]);
    assert_eq!(ids(&receive(&mut queue, 9, 2, 30 * SECOND - 1)), [""; 0]);
    assert_eq!(queue.next_visible(), Some(30 * SECOND));
    let again = receive(&mut queue, 9, 2, 30 * SECOND);
    assert_eq!((ids(&again), again[0].received, again[0].first_received_millis), (vec!["a", "b"], 2, Some(0)));
}

#[test]
fn a_message_is_seen_when_its_delay_is_over() {
    let mut queue = queue(&[("late", 900 * SECOND), ("now", 0)]);
    assert_eq!(ids(&receive(&mut queue, 9, 1, 900 * SECOND - 1)), ["now"]);
    assert_eq!(ids(&receive(&mut queue, 1, 2, 900 * SECOND)), ["late"]);
}

#[test]
fn a_round_hands_out_a_message_once_even_if_nothing_hides_it() {
    let mut queue = Queue::of(QueueSpec { hidden_for: Duration::ZERO, ..spec(false) });
    queue.put(message(1, "a", None));
    assert_eq!(receive(&mut queue, 9, 1, 0).len(), 1);
    assert_eq!(receive(&mut queue, 9, 1, 0).len(), 0);
    assert_eq!(receive(&mut queue, 9, 2, 0).len(), 1);
}

#[test]
fn a_round_hands_out_nothing_that_was_sent_in_it() {
    let mut queue = queue(&[("a", 0)]);
    queue.put(Message { round: 1, ..message(2, "meanwhile", None) });
    assert_eq!(ids(&receive(&mut queue, 9, 1, 0)), ["a"]);
    assert_eq!(queue.next_visible(), Some(0));
    assert_eq!(ids(&receive(&mut queue, 9, 2, 0)), ["meanwhile"]);
}

#[test]
fn what_was_handed_out_too_often_is_dead_once_its_last_time_is_over() {
    let mut queue = queue(&[("poison", 0), ("other", 90 * SECOND)]);
    receive(&mut queue, 1, 1, 0);
    receive(&mut queue, 1, 2, 30 * SECOND);
    assert_eq!(queue.age(60 * SECOND - 1), []);
    assert_eq!(ids(&queue.age(60 * SECOND)), ["poison"]);
    assert_eq!(ids(&receive(&mut queue, 9, 3, 90 * SECOND)), ["other"]);
}

#[test]
fn a_standard_queue_deletes_what_somebody_is_done_with_late() {
    let mut queue = queue(&[("a", 0)]);
    let handed_out = receive(&mut queue, 1, 1, 0);
    receive(&mut queue, 1, 2, 30 * SECOND);
    queue.delete(&handed_out[0], 30 * SECOND);
    assert_eq!((queue.len(), queue.next_visible()), (0, None));
}

#[test]
fn no_message_is_kept_longer_than_its_queue_says_not_even_a_dead_one() {
    let mut queue = queue(&[("a", 0)]);
    let (half, days) = (2 * 86_400 * SECOND, 4 * 86_400 * SECOND);
    let mut dead_letters = Queue::of(QueueSpec::from("dead"));
    dead_letters.bury(message(1, "a", None), 7, half);
    for queue in [&mut queue, &mut dead_letters] {
        queue.age(days - 1);
        assert_eq!(queue.len(), 1);
        queue.age(days);
        assert_eq!((queue.len(), queue.next_visible()), (0, None));
    }
}

#[test]
fn a_queue_that_is_changed_keeps_what_it_has_and_gives_up_by_its_new_settings() {
    let mut queue = queue(&[("a", 0)]);
    receive(&mut queue, 1, 1, 0);
    assert_eq!(queue.age(30 * SECOND), []);
    let redrive = Some(Redrive { most_receives: 1, dead_letters: "dead".to_owned() });
    queue.change(QueueSpec { redrive, ..spec(false) });
    assert_eq!(queue.len(), 1);
    assert_eq!(ids(&queue.age(30 * SECOND)), ["a"]);
}
