//! A queue against a plain list that is searched from its beginning to its end: whatever is sent, received and deleted, and however time passes,
//! both say the same.

use super::*;

/// The plain list.
struct List {
    spec: QueueSpec,
    messages: Vec<Message>,
}

impl List {
    /// Whether nothing before it has to come first.
    fn is_first(&self, message: &Message) -> bool {
        let stands_before = |other: &&Message| other.place < message.place && other.group == message.group;
        !self.spec.fifo || !self.messages.iter().any(|other| stands_before(&other))
    }

    fn age(&mut self, now: i64) -> BTreeSet<u64> {
        self.messages.retain(|message| message.sent_millis > now - millis(self.spec.kept_for));
        let is_dead = |message: &Message| message.visible_millis <= now && message.received >= 2;
        let dead = self.messages.iter().filter(|message| is_dead(message)).map(|message| message.place).collect();
        self.messages.retain(|message| !is_dead(message));
        dead
    }

    /// The places of what can come in this round.
    fn can_come(&self, round: u64, now: i64) -> BTreeSet<u64> {
        let can_come = |message: &&Message| message.visible_millis <= now && message.round < round && self.is_first(message);
        self.messages.iter().filter(can_come).map(|message| message.place).collect()
    }

    fn next_visible(&self) -> Option<i64> {
        self.messages.iter().filter(|message| self.is_first(message)).map(|message| message.visible_millis).min()
    }

    fn replace(&mut self, message: &Message) {
        self.messages.iter_mut().filter(|old| old.place == message.place).for_each(|old| *old = message.clone());
    }
}

/// The same numbers each time, by a linear congruence with Knuth's constants.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

fn compare(fifo: bool, seed: u64) {
    let spec = QueueSpec { kept_for: Duration::from_secs(300), ..spec(fifo) };
    let (mut queue, mut list) = (Queue::of(spec.clone()), List { spec, messages: Vec::new() });
    let (mut dice, mut now, mut round) = (Dice(seed), 0, 1);
    let mut in_hand: Vec<Message> = Vec::new();
    for place in 1..=2_000 {
        now += i64::try_from(dice.below(4) * dice.below(4)).unwrap() * SECOND;
        round += dice.below(2);
        let dead: BTreeSet<u64> = queue.age(now).iter().map(|message| message.place).collect();
        assert_eq!(dead, list.age(now), "seed {seed}, step {place}");
        match dice.below(5) {
            0 | 1 => {
                let group = dice.below(5).to_string();
                let delay = if fifo { 0 } else { i64::try_from(dice.below(3)).unwrap() * 10 * SECOND };
                let sent = Message { sent_millis: now, visible_millis: now + delay, round, ..message(place, "m", Some(&group)) };
                queue.put(sent.clone());
                list.messages.push(sent);
            }
            2 | 3 => {
                let most = usize::try_from(1 + dice.below(4)).unwrap();
                let mut could = list.can_come(round, now);
                let batch = queue.receive(most, round, now);
                assert_eq!(batch.is_empty(), could.is_empty(), "seed {seed}, step {place}");
                for (nth, message) in batch.iter().enumerate() {
                    // What is not the first of its line follows its neighbour in it.
                    let follows = || batch[nth - 1].group == message.group && batch[nth - 1].place < message.place;
                    assert!(could.remove(&message.place) || (fifo && follows()), "seed {seed}, step {place}");
                    list.replace(message);
                }
                assert!(batch.len() == most || could.is_empty(), "seed {seed}, step {place}");
                in_hand.extend(batch);
            }
            _ => {
                for _ in 0..dice.below(5).min(in_hand.len() as u64) {
                    let done = in_hand.swap_remove(usize::try_from(dice.below(in_hand.len() as u64)).unwrap());
                    let is_theirs = |message: &Message| message.received == done.received && message.visible_millis > now;
                    list.messages.retain(|message| message.place != done.place || (fifo && !is_theirs(message)));
                    queue.delete(&done, now);
                }
            }
        }
        let places = |message: &Message| message.place;
        assert!(queue.look().map(places).eq(list.messages.iter().map(places)), "seed {seed}, step {place}");
        let (next, expected) = (queue.next_visible(), list.next_visible());
        assert_eq!(next.map(|next| next.max(now)), expected.map(|next| next.max(now)), "seed {seed}, step {place}");
    }
}

#[test]
fn a_queue_says_what_a_plain_list_says() {
    for seed in 0..20 {
        compare(true, seed);
        compare(false, seed);
    }
}
