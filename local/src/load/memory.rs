//! When memory counts as flat.
//!
//! On AWS, functions hold nothing of an event once they have answered. Here the embedded AWS lies in the same process, in memory, and must hold
//! something of every event: what the queue knows it by for five minutes, the message while it waits, and then the note that it was seen, for a
//! week, and what its transaction is known by, for ten minutes. That grows by design, so it is taken off first, at less than it is. What is
//! left is the host's own: it grows with the connections, in the first quarter, and from then on must stay as it is. A quarter is left for what
//! is no leak: the allocator rounds up, and pages that were touched once stay resident. Anything that is kept of every call is seen none the
//! less if the run is long enough.

use std::time::Duration;

/// What the embedded queue keeps of every event for five minutes, in KiB: two digests, twice. Rounded down, like the others, so that
/// nothing else hides behind it.
const DEDUPLICATION: f64 = 0.5;

/// What it keeps of a message that waits, in KiB.
const MESSAGE: f64 = 1.0;

/// What the tables keep of an event that was seen, in KiB.
const NOTE: f64 = 0.5;

/// How much more there may be in the last quarter than in the second.
const FLAT: f64 = 1.25;

/// With fewer looks nothing can be said.
const FEWEST: usize = 16;

/// One look at the host, while it is under load.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// How long after the beginning.
    pub(super) at: Duration,
    /// What was resident, in KiB.
    pub(super) rss: u64,
    /// How many events had been taken.
    pub(super) taken: u64,
    /// How many of them the queue still had.
    pub(super) waiting: u64,
}

/// All looks, and the most that was resident until the queue was empty, in KiB.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) samples: Vec<Sample>,
    pub(super) peak: u64,
}

impl Sample {
    /// What is not the embedded AWS's, in KiB.
    #[expect(clippy::cast_precision_loss, reason = "2^52 KiB are enough")]
    fn own(&self) -> f64 {
        let seen = self.taken.saturating_sub(self.waiting);
        self.rss as f64 - self.taken as f64 * DEDUPLICATION - self.waiting as f64 * MESSAGE - seen as f64 * NOTE
    }
}

impl Memory {
    /// What was resident after so long, in KiB; at the end, if it ended before.
    pub(super) fn after(&self, time: Duration) -> u64 {
        let sample = self.samples.iter().find(|sample| sample.at >= time).or(self.samples.last());
        sample.map_or(0, |sample| sample.rss)
    }

    /// How the last quarter stands to the second; `None` if the run was too short to say.
    pub(super) fn growth(&self) -> Option<f64> {
        let quarter = self.samples.len() / 4;
        let medians = [self.samples.get(quarter..2 * quarter)?, self.samples.get(3 * quarter..)?].map(median);
        let [second, last] = medians;
        (self.samples.len() >= FEWEST).then_some(last? / second?)
    }

    /// Whether it stays as it is, as far as can be said.
    pub(super) fn is_flat(&self) -> bool {
        self.growth().is_none_or(|growth| growth <= FLAT)
    }
}

fn median(samples: &[Sample]) -> Option<f64> {
    let mut own: Vec<f64> = samples.iter().map(Sample::own).collect();
    own.sort_by(f64::total_cmp);
    own.get(own.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A minute in which so much is resident in each second, while nothing happens.
    fn minute(rss: impl Fn(u64) -> u64) -> Memory {
        let samples = (0..60).map(|second| Sample { at: Duration::from_secs(second), rss: rss(second), taken: 0, waiting: 0 });
        Memory { samples: samples.collect(), peak: 0 }
    }

    #[test]
    fn what_grows_at_first_and_then_stays_is_flat() {
        let memory = minute(|second| 70_000 + 80_000 * second.min(10) / 10);
        assert_eq!(memory.growth(), Some(1.0));
        assert_eq!([0, 10, 99].map(|second| memory.after(Duration::from_secs(second))), [70_000, 150_000, 150_000]);
    }

    #[test]
    fn what_grows_for_ever_is_not_flat() {
        assert!(!minute(|second| 100_000 + 2_000 * second).is_flat());
        assert!(minute(|second| 100_000 + 500 * second).is_flat(), "a quarter is left for what is no leak");
    }

    #[test]
    fn what_the_queue_must_hold_is_taken_off() {
        let mut memory = minute(|second| 100_000 + 3_000 * second);
        for (second, sample) in (0..).zip(&mut memory.samples) {
            (sample.taken, sample.waiting) = (2_000 * second, 2_000 * second);
        }
        assert_eq!(memory.growth(), Some(1.0));
    }

    #[test]
    fn of_a_short_run_nothing_is_said() {
        let mut memory = minute(|second| 1 + 100 * second);
        memory.samples.truncate(FEWEST - 1);
        assert!(memory.growth().is_none() && memory.is_flat());
    }
}
