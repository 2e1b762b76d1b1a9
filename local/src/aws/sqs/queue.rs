//! One queue: when each of its messages can be seen, how often it was handed out, and how it ends. Time is a parameter, in milliseconds since
//! 1970.
//!
//! Messages stand in lines, and only the first of a line can come next: in a FIFO queue each group is a line, in any other each message stands
//! alone. As what is in flight is always the beginning of its line, a group with something in flight waits like its first message does. The first
//! of all lines are sorted by when they can be seen, so that nothing but [`Queue::look`] goes through the whole queue.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::mem;
use std::time::Duration;

use super::message::Message;
use super::recent::Recent;
use super::spec::{QueueSpec, Redrive};

/// A queue with what is in it.
#[derive(Debug)]
pub(super) struct Queue {
    spec: QueueSpec,
    /// What was sent to it lately; of a FIFO queue.
    pub(super) recent: Recent,
    /// By place, and so in the order in which they came.
    messages: BTreeMap<u64, Message>,
    /// When each was sent, and its place: the oldest first.
    ages: BTreeSet<(i64, u64)>,
    /// The places of each group's messages, in order; of a FIFO queue.
    groups: BTreeMap<String, VecDeque<u64>>,
    /// The first of every line that can be seen: the round in which it was sent or last handed out, and its place.
    ready: BTreeSet<(u64, u64)>,
    /// The first of every other line: when it can be seen, and its place.
    hidden: BTreeSet<(i64, u64)>,
}

impl Queue {
    pub(super) fn of(spec: QueueSpec) -> Self {
        Self {
            spec,
            recent: Recent::default(),
            messages: BTreeMap::new(),
            ages: BTreeSet::new(),
            groups: BTreeMap::new(),
            ready: BTreeSet::new(),
            hidden: BTreeSet::new(),
        }
    }

    pub(super) const fn spec(&self) -> &QueueSpec {
        &self.spec
    }

    /// Gives it other settings of the same kind; it keeps what it has.
    pub(super) fn change(&mut self, spec: QueueSpec) {
        self.spec = spec;
        // What is given up may be other than it was.
        for (_, place) in mem::take(&mut self.ready) {
            self.wait(place);
        }
    }

    /// Takes a message, whose place is behind all others.
    pub(super) fn put(&mut self, message: Message) {
        let place = message.place;
        let line = message.group.clone().filter(|_| self.spec.fifo).map(|group| self.groups.entry(group).or_default());
        let is_first = line.is_none_or(|line| {
            line.push_back(place);
            line.len() == 1
        });
        self.ages.insert((message.sent_millis, place));
        self.messages.insert(place, message);
        if is_first {
            self.wait(place);
        }
    }

    /// Takes a message that another queue gives up. AWS counts how long it keeps a dead letter from when it was first sent, but in a FIFO queue
    /// from now (SQS developer guide, "Setting-up dead-letter queue retention").
    pub(super) fn bury(&mut self, message: Message, place: u64, now: i64) {
        let sent_millis = if self.spec.fifo { now } else { message.sent_millis };
        self.put(Message { place, sent_millis, received: 0, first_received_millis: None, visible_millis: now, ..message });
    }

    /// Does what time does: forgets what was kept for long enough, and gives up what can be seen again and was handed out as often as may be.
    pub(super) fn age(&mut self, now: i64) -> Vec<Message> {
        let oldest = now.saturating_sub(millis(self.spec.kept_for));
        while let Some(&(_, place)) = self.ages.first().filter(|(sent, _)| *sent <= oldest) {
            self.take(place);
        }
        let most_receives = self.spec.redrive.as_ref().map_or(u64::MAX, |Redrive { most_receives, .. }| *most_receives);
        let mut dead = Vec::new();
        while let Some(first @ (_, place)) = self.hidden.first().copied().filter(|(visible, _)| *visible <= now) {
            self.hidden.remove(&first);
            match self.messages.get(&place).filter(|message| message.received < most_receives) {
                Some(message) => drop(self.ready.insert((message.round, place))),
                // The next of its line may have to follow it, and is looked at in its turn.
                None => dead.extend(self.take(place)),
            }
        }
        dead
    }

    /// Hands out what can be seen, except what was sent or handed out in this very round, and hides it. Of each group as many as there is room
    /// for, in order. It sees what [`age`](Self::age) has seen to.
    pub(super) fn receive(&mut self, most: usize, round: u64, now: i64) -> Vec<Message> {
        let hidden_until = now.saturating_add(millis(self.spec.hidden_for));
        let mut handed_out = Vec::new();
        while handed_out.len() < most
            && let Some(&(before, first)) = self.ready.range(..(round, 0)).next()
        {
            self.ready.remove(&(before, first));
            for place in self.line_of(first, most - handed_out.len()) {
                let can_come = |message: &&mut Message| place == first || (message.visible_millis <= now && message.round < round);
                let Some(message) = self.messages.get_mut(&place).filter(can_come) else { break };
                message.received += 1;
                message.first_received_millis.get_or_insert(now);
                (message.visible_millis, message.round) = (hidden_until, round);
                handed_out.push(message.clone());
            }
            self.wait(first);
        }
        handed_out
    }

    /// Forgets a message that somebody is done with, who was handed it as it is here. A FIFO queue does so only while it is hidden for them:
    /// later, somebody else may be at it.
    pub(super) fn delete(&mut self, handed_out: &Message, now: i64) {
        let theirs = |message: &&Message| message.received == handed_out.received && message.visible_millis > now;
        if !self.spec.fifo || self.messages.get(&handed_out.place).is_some_and(|message| theirs(&message)) {
            self.take(handed_out.place);
        }
    }

    /// How many messages it has.
    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// All messages, in the order in which they came.
    pub(super) fn look(&self) -> impl Iterator<Item = &Message> {
        self.messages.values()
    }

    /// When the next message can come: in the past, if one can now. What stands behind another has no say.
    pub(super) fn next_visible(&self) -> Option<i64> {
        let ready = self.ready.first().and_then(|(_, place)| Some(self.messages.get(place)?.visible_millis));
        ready.or_else(|| self.hidden.first().map(|(visible, _)| *visible))
    }

    /// The beginning of the line whose first message this is.
    fn line_of(&self, first: u64, most: usize) -> Vec<u64> {
        match self.messages.get(&first).and_then(|message| self.group_of(message)) {
            Some(line) => line.iter().take(most).copied().collect(),
            None => vec![first],
        }
    }

    fn group_of(&self, message: &Message) -> Option<&VecDeque<u64>> {
        self.groups.get(message.group.as_ref()?)
    }

    /// Sorts the first of a line in.
    fn wait(&mut self, first: u64) {
        if let Some(message) = self.messages.get(&first) {
            self.hidden.insert((message.visible_millis, first));
        }
    }

    /// Takes a message out, wherever it stands.
    fn take(&mut self, place: u64) -> Option<Message> {
        let message = self.messages.remove(&place)?;
        self.ages.remove(&(message.sent_millis, place));
        self.hidden.remove(&(message.visible_millis, place));
        self.ready.remove(&(message.round, place));
        if let Some(group) = &message.group
            && let Some(line) = self.groups.get_mut(group)
            && let Ok(at) = line.binary_search(&place)
        {
            line.remove(at);
            match line.front().copied() {
                None => drop(self.groups.remove(group)),
                Some(next) if at == 0 => self.wait(next),
                Some(_) => {}
            }
        }
        Some(message)
    }
}

pub(super) fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
