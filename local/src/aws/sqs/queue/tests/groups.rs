//! A FIFO queue: each group in its order, and while something of it is in flight, nothing else of it.

use super::*;

/// A FIFO queue with these messages: the first letter of each is its group.
fn fifo(messages: &[&str]) -> Queue {
    let mut queue = Queue::of(spec(true));
    for (place, id) in (1..).zip(messages) {
        queue.put(message(place, id, Some(&id[..1])));
    }
    queue
}

fn delete(queue: &mut Queue, messages: &[Message], id: &str, now: i64) {
    let message = messages.iter().find(|message| message.id == id).unwrap();
    queue.delete(message, now);
}

#[test]
fn a_batch_is_filled_group_after_group_each_in_its_order() {
    let mut queue = fifo(&["a1", "b1", "a2", "c1", "b2", "a3"]);
    assert_eq!(ids(&receive(&mut queue, 4, 1, 0)), ["a1", "a2", "a3", "b1"]);
    // b2 waits for b1.
    assert_eq!(ids(&receive(&mut queue, 4, 1, 0)), ["c1"]);
    assert_eq!(ids(&receive(&mut queue, 4, 1, 0)), [""; 0]);
}

#[test]
fn a_group_with_something_in_flight_waits_and_the_others_go_on() {
    let mut queue = fifo(&["a1", "a2", "b1"]);
    let first = receive(&mut queue, 1, 1, 0);
    assert_eq!(ids(&first), ["a1"]);
    queue.put(message(4, "a3", Some("a")));
    assert_eq!(ids(&receive(&mut queue, 10, 2, SECOND)), ["b1"]);
    delete(&mut queue, &first, "a1", SECOND);
    assert_eq!(ids(&receive(&mut queue, 10, 3, SECOND)), ["a2", "a3"]);
}

#[test]
fn what_is_sent_to_a_group_in_this_round_comes_in_the_next() {
    let mut queue = fifo(&["a1"]);
    queue.put(Message { round: 1, ..message(2, "a2", Some("a")) });
    let batch = receive(&mut queue, 10, 1, 0);
    assert_eq!(ids(&batch), ["a1"]);
    delete(&mut queue, &batch, "a1", 0);
    assert_eq!(ids(&receive(&mut queue, 10, 1, 0)), [""; 0]);
    assert_eq!(ids(&receive(&mut queue, 10, 2, 0)), ["a2"]);
}

#[test]
fn what_failed_comes_again_before_what_stands_behind_it() {
    let mut queue = fifo(&["a1", "a2", "a3"]);
    let batch = receive(&mut queue, 2, 1, 0);
    delete(&mut queue, &batch, "a2", 0);
    assert_eq!(ids(&receive(&mut queue, 10, 2, 30 * SECOND - 1)), [""; 0]);
    assert_eq!(ids(&receive(&mut queue, 10, 2, 30 * SECOND)), ["a1", "a3"]);
}

#[test]
fn the_first_that_is_deleted_leaves_its_group_to_what_failed_behind_it() {
    let mut queue = fifo(&["a1", "a2", "a3"]);
    let batch = receive(&mut queue, 2, 1, 0);
    delete(&mut queue, &batch, "a1", 0);
    assert_eq!(ids(&receive(&mut queue, 10, 2, 0)), [""; 0]);
    assert_eq!(queue.next_visible(), Some(30 * SECOND));
    assert_eq!(ids(&receive(&mut queue, 10, 2, 30 * SECOND)), ["a2", "a3"]);
}

#[test]
fn a_group_that_waits_says_when_its_first_comes_and_not_that_others_could() {
    let mut queue = fifo(&["a1", "a2"]);
    receive(&mut queue, 1, 1, 0);
    assert_eq!(queue.age(SECOND), []);
    assert_eq!((queue.next_visible(), queue.len()), (Some(30 * SECOND), 2));
    queue.put(message(3, "b1", Some("b")));
    assert_eq!(queue.age(SECOND), []);
    assert_eq!(queue.next_visible(), Some(0));
}

#[test]
fn what_is_given_up_keeps_its_group_and_makes_way_for_the_next() {
    let mut queue = fifo(&["a1", "a2"]);
    receive(&mut queue, 1, 1, 0);
    receive(&mut queue, 1, 2, 30 * SECOND);
    let dead = queue.age(60 * SECOND);
    assert_eq!(ids(&dead), ["a1"]);
    assert_eq!(ids(&receive(&mut queue, 10, 3, 60 * SECOND)), ["a2"]);
    let mut dead_letters = fifo(&[]);
    dead_letters.bury(dead[0].clone(), 9, 60 * SECOND);
    let buried = receive(&mut dead_letters, 1, 4, 60 * SECOND);
    assert_eq!((buried[0].group.as_deref(), buried[0].deduplication_id.as_deref()), (Some("a"), Some("a1")));
    assert_eq!((buried[0].received, buried[0].sequence_number()), (1, Some(format!("{:020}", 9))));
}

/// AWS begins to count again, which it does not for a standard queue.
#[test]
fn a_dead_letter_of_a_fifo_queue_is_kept_from_when_it_was_given_up() {
    let (half, days) = (2 * 86_400 * SECOND, 4 * 86_400 * SECOND);
    let mut dead_letters = fifo(&[]);
    dead_letters.bury(message(1, "a1", Some("a")), 7, half);
    for (now, left) in [(days, 1), (days + half - 1, 1), (days + half, 0)] {
        dead_letters.age(now);
        assert_eq!(dead_letters.len(), left);
    }
}

#[test]
fn what_outlives_its_time_in_flight_holds_its_group_up_no_longer() {
    let mut queue = Queue::of(QueueSpec { kept_for: Duration::from_secs(10), ..spec(true) });
    queue.put(message(1, "a1", Some("a")));
    receive(&mut queue, 1, 1, 0);
    queue.put(Message { sent_millis: SECOND, visible_millis: SECOND, ..message(2, "a2", Some("a")) });
    assert_eq!(ids(&receive(&mut queue, 1, 2, 10 * SECOND - 1)), [""; 0]);
    assert_eq!(ids(&receive(&mut queue, 1, 2, 10 * SECOND)), ["a2"]);
    queue.age(11 * SECOND);
    assert_eq!((queue.len(), queue.next_visible(), queue.groups.len()), (0, None, 0));
}

#[test]
fn whoever_is_late_deletes_nothing_of_a_fifo_queue() {
    let mut queue = fifo(&["a1"]);
    let first = receive(&mut queue, 1, 1, 0);
    delete(&mut queue, &first, "a1", 30 * SECOND);
    assert_eq!(queue.len(), 1, "it can be seen again");
    let second = receive(&mut queue, 1, 2, 30 * SECOND);
    delete(&mut queue, &first, "a1", 30 * SECOND);
    assert_eq!(queue.len(), 1, "somebody else has it");
    delete(&mut queue, &second, "a1", 30 * SECOND);
    assert_eq!((queue.len(), queue.groups.len()), (0, 0));
}

#[test]
fn a_group_in_a_standard_queue_orders_nothing() {
    let mut queue = Queue::of(spec(false));
    for (place, id) in [(1, "a1"), (2, "a2")] {
        queue.put(message(place, id, Some("a")));
    }
    assert_eq!(ids(&receive(&mut queue, 1, 1, 0)), ["a1"]);
    assert_eq!(ids(&receive(&mut queue, 1, 1, 0)), ["a2"]);
}

/// What went through the whole queue each time would not end here.
#[test]
fn a_hundred_thousand_messages_of_ten_thousand_groups_are_handled_in_order() {
    let mut queue = Queue::of(spec(true));
    for place in 0..100_000 {
        queue.put(message(place, "m", Some(&(place % 10_000).to_string())));
    }
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    for round in 1.. {
        let batch = receive(&mut queue, 10, round, 0);
        for message in &batch {
            let before = last.insert(message.group.clone().unwrap(), message.place);
            assert!(before.is_none_or(|before| before + 10_000 == message.place));
            queue.delete(message, 0);
        }
        if batch.is_empty() {
            break;
        }
    }
    assert_eq!((queue.len(), last.len()), (0, 10_000));
}
