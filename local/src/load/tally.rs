//! What webhooks were answered, and how fast.

use std::collections::BTreeMap;
use std::time::Duration;

/// What one attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answered {
    /// It is the app's now.
    Taken(u16),
    /// It is to come again, not before this.
    Later(u16, Duration),
    /// Anything else, refusals that do not say when to come again included.
    Refused(u16),
    /// There was no answer, for this reason.
    Nothing(String),
}

/// The answers of one connection, or of all.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// By status.
    pub(super) statuses: BTreeMap<u16, u64>,
    /// Of the statuses, those that are none that Jira may be given.
    pub(super) refused: BTreeMap<u16, u64>,
    /// Attempts without an answer, by reason.
    pub(super) unanswered: BTreeMap<String, u64>,
    /// Attempts that were not the first.
    pub(super) sent_again: u64,
    /// Events that were never taken.
    pub(super) given_up: u64,
    /// Connections that had to be opened again.
    pub(super) opened_again: u64,
    /// How long each answer took, in microseconds.
    took: Vec<u32>,
}

impl Tally {
    pub(super) fn count(&mut self, answered: &Answered, took: Duration) {
        match answered {
            Answered::Nothing(reason) => *self.unanswered.entry(reason.clone()).or_default() += 1,
            Answered::Taken(status) | Answered::Later(status, _) => *self.statuses.entry(*status).or_default() += 1,
            Answered::Refused(status) => {
                *self.statuses.entry(*status).or_default() += 1;
                *self.refused.entry(*status).or_default() += 1;
            }
        }
        if !matches!(answered, Answered::Nothing(_)) {
            self.took.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        add(&mut self.statuses, other.statuses);
        add(&mut self.refused, other.refused);
        add(&mut self.unanswered, other.unanswered);
        self.sent_again += other.sent_again;
        self.given_up += other.given_up;
        self.opened_again += other.opened_again;
        self.took.extend(other.took);
    }

    /// How many answers there were.
    pub(super) fn answers(&self) -> u64 {
        self.took.len() as u64
    }

    /// What so many of a hundred answers took at most, in milliseconds.
    pub(super) fn percentile(&self, percent: usize) -> f64 {
        let mut took = self.took.clone();
        took.sort_unstable();
        let place = (took.len() * percent).div_ceil(100).saturating_sub(1);
        took.get(place).map_or(0.0, |micros| f64::from(*micros) / 1000.0)
    }
}

fn add<K: Ord>(all: &mut BTreeMap<K, u64>, more: BTreeMap<K, u64>) {
    for (key, count) in more {
        *all.entry(key).or_default() += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_all_connections_count_together() {
        let (mut all, mut one) = (Tally::default(), Tally::default());
        all.count(&Answered::Taken(204), Duration::from_millis(1));
        one.count(&Answered::Taken(204), Duration::from_millis(3));
        one.count(&Answered::Later(503, Duration::from_secs(5)), Duration::from_millis(2));
        one.count(&Answered::Refused(429), Duration::from_millis(4));
        one.count(&Answered::Nothing("reset".to_owned()), Duration::from_secs(30));
        all.add(one);
        assert_eq!(all.statuses, BTreeMap::from([(204, 2), (429, 1), (503, 1)]));
        assert_eq!((all.refused, all.unanswered), (BTreeMap::from([(429, 1)]), BTreeMap::from([("reset".to_owned(), 1)])));
        assert_eq!(all.took.len(), 4);
    }

    #[test]
    fn a_percentile_is_what_so_many_took_at_most() {
        let mut tally = Tally::default();
        assert_eq!(tally.percentile(50), 0.0);
        for millis in (1..=200).rev() {
            tally.count(&Answered::Taken(204), Duration::from_millis(millis));
        }
        assert_eq!([1, 50, 99, 100].map(|percent| tally.percentile(percent)), [2.0, 100.0, 198.0, 200.0]);
    }
}
