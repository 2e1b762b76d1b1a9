//! What was lately sent to a FIFO queue, so that it is not sent again: AWS remembers a deduplication id for five minutes from when it first
//! came, whatever became of its message meanwhile (SQS developer guide, "Exactly-once processing in Amazon SQS"). Each group by itself, which is
//! the scope `messageGroup`.

use std::collections::{BTreeMap, VecDeque};

use super::message::Sent;

/// How long a deduplication id is remembered, in milliseconds.
const REMEMBERED_FOR: i64 = 5 * 60 * 1000;

/// A group, and a deduplication id in it.
type Name = (String, String);

/// The deduplication ids of the last five minutes.
#[derive(Debug, Default)]
pub(super) struct Recent {
    told: BTreeMap<Name, Sent>,
    /// When each of them came, the oldest first.
    came: VecDeque<(i64, Name)>,
}

impl Recent {
    /// What the sender of the first message of this name was told, if that is not too long ago.
    pub(super) fn told(&mut self, name: &Name, now: i64) -> Option<Sent> {
        let oldest = now.saturating_sub(REMEMBERED_FOR);
        while let Some((_, forgotten)) = self.came.pop_front_if(|(came, _)| *came <= oldest) {
            self.told.remove(&forgotten);
        }
        self.told.get(name).cloned()
    }

    /// Remembers a message that has come.
    pub(super) fn remember(&mut self, name: Name, sent: Sent, now: i64) {
        self.came.push_back((now, name.clone()));
        self.told.insert(name, sent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(group: &str, id: &str) -> Name {
        (group.to_owned(), id.to_owned())
    }

    fn sent(id: &str) -> Sent {
        Sent { id: id.to_owned(), sequence_number: None }
    }

    #[test]
    fn an_id_is_remembered_in_its_group_for_five_minutes_from_when_it_first_came() {
        let mut recent = Recent::default();
        recent.remember(name("g", "d"), sent("first"), 1_000);
        assert_eq!(recent.told(&name("g", "d"), REMEMBERED_FOR + 999), Some(sent("first")));
        assert_eq!(recent.told(&name("h", "d"), 1_000), None);
        assert_eq!(recent.told(&name("g", "e"), 1_000), None);
        assert_eq!(recent.told(&name("g", "d"), REMEMBERED_FOR + 1_000), None);
    }

    #[test]
    fn nothing_is_kept_of_what_is_forgotten() {
        let mut recent = Recent::default();
        for minute in 0..60 {
            let name = name("g", &minute.to_string());
            assert_eq!(recent.told(&name, minute * 60_000), None);
            recent.remember(name, sent("m"), minute * 60_000);
        }
        assert_eq!((recent.told.len(), recent.came.len()), (5, 5));
    }
}
