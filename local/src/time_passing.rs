//! Time that passes, as AWS would have it: queues hand out what can be seen, schedules run, TTL and lifecycle rules end what is over.
//!
//! [`LocalHost::pass`] moves a clock from event to event and does at each what is due then, so that half a year takes seconds and nothing in
//! it is skipped; one shortcut there is in [`crate::timetable`]. [`LocalHost::catch_up`] does what is due now, for a clock that goes by itself.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;
use shared::platform::clock::ManualClock;
use shared::tenant::departure::DUE_SHARDS;
use tokio::sync::MutexGuard;

use crate::aws::{Ended, StoreFault};
use crate::clock::{ClockFault, MovableClock};
use crate::delivery::DeliveryFault;
use crate::host::LocalHost;
use crate::template::Template;
use crate::timetable::{Pace, Timetable};

/// How often TTL is looked after while time goes by itself, in seconds. It reads every item that has a date.
const SWEPT_EVERY: i64 = 60;

/// How often messages are handed out without the clock moving before that is taken for a circle.
const MOST_ROUNDS: usize = 10_000;

/// How long before its end a copy of an issue may be deleted, in seconds: more than the sweep itself takes it for.
const SWEPT_BEFORE: i64 = 2 * 86_400;

/// How long before its end a salt of usage may be destroyed, in seconds: TTL is only there for what was not.
const DESTROYED_BEFORE: i64 = 86_400;

/// A clock that can be moved ahead.
pub trait Advance: Send + Sync {
    /// Moves it.
    ///
    /// # Errors
    /// [`ClockFault`]; it has not moved then.
    fn advance(&self, by: Duration) -> Result<(), ClockFault>;
}

impl Advance for ManualClock {
    fn advance(&self, by: Duration) -> Result<(), ClockFault> {
        Self::advance(self, by);
        Ok(())
    }
}

impl Advance for MovableClock {
    fn advance(&self, by: Duration) -> Result<(), ClockFault> {
        Self::advance(self, by)
    }
}

/// Why time does not pass.
#[derive(Debug, thiserror::Error)]
pub enum PassingFault {
    /// A message cannot be delivered.
    #[error(transparent)]
    Delivery(#[from] DeliveryFault),
    /// What is stored cannot be read, or not be ended.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// The clock does not move.
    #[error(transparent)]
    Clock(#[from] ClockFault),
    /// The clock that was moved is not the host's.
    #[error("cannot let time pass: the host goes by another clock")]
    AnotherClock,
    /// A function sends itself message after message.
    #[error("cannot let time pass: messages go round in a circle")]
    Circle,
    /// A function panicked where nobody caught it.
    #[error("cannot let time pass: a function panicked")]
    Broken,
}

/// How often something went well and how often it failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Well.
    pub done: usize,
    /// Not well.
    pub failed: usize,
}

/// What happened meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Passed {
    /// Runs of functions that have a schedule, by function.
    pub runs: BTreeMap<String, Count>,
    /// Messages, by the function that handled them. One that fails and comes again counts each time.
    pub messages: BTreeMap<String, Count>,
    /// Items that TTL deleted.
    pub items: usize,
    /// Versions and uploads that lifecycle rules ended.
    pub objects: usize,
}

/// What a host knows of the time that has passed.
pub(crate) struct Passing {
    timetable: Timetable,
    swept_at: Option<i64>,
    lines_at: Option<i64>,
}

impl Passing {
    pub(crate) const fn by(timetable: Timetable) -> Self {
        Self { timetable, swept_at: None, lines_at: None }
    }
}

impl LocalHost {
    /// Lets time pass up to `until`, in epoch seconds. `clock` is the host's own.
    ///
    /// # Errors
    /// [`PassingFault`]; a function that fails is none. The clock stands where it came to.
    pub async fn pass(&self, until: i64, clock: &dyn Advance) -> Result<Passed, PassingFault> {
        let mut passing = self.passing().await;
        let mut passed = Passed::default();
        loop {
            let pace = self.do_all_due(&mut passing, &mut passed).await?;
            let (now, end) = (self.clock().now().epoch_millis(), until.saturating_mul(1000));
            if now >= end {
                return Ok(passed);
            }
            let run = passing.timetable.next(pace).map(|second| second.saturating_mul(1000));
            let events = [self.delivery().next(), run, self.aws().next_end()?];
            // What is late already, because a function has just made it so, is not waited for longer than a second.
            let stop = events.into_iter().flatten().min().unwrap_or(end).max(now.saturating_add(1000)).min(end);
            // Whole seconds, because kept clocks know no others.
            let seconds = stop.saturating_sub(now).saturating_add(999) / 1000;
            clock.advance(Duration::from_secs(seconds.unsigned_abs()))?;
            if self.clock().now().epoch_millis() < stop {
                return Err(PassingFault::AnotherClock);
            }
        }
    }

    /// Does what is due now: hands out each message once, runs what should have run, once a second hands on what was logged, and once a minute
    /// looks after TTL.
    ///
    /// # Errors
    /// [`PassingFault`]; a function that fails is none.
    pub async fn catch_up(&self) -> Result<Passed, PassingFault> {
        let mut passing = self.passing().await;
        let mut passed = Passed::default();
        let now = self.clock().now().epoch_seconds();
        if passing.swept_at.is_none_or(|swept_at| now >= swept_at.saturating_add(SWEPT_EVERY)) {
            self.sweep(&mut passing, &mut passed)?;
        }
        if passing.lines_at.is_none_or(|lines_at| now > lines_at) {
            self.hand_on_lines().await;
            passing.lines_at = Some(now);
        }
        self.hand_out(&mut passed).await?;
        self.run_due(&mut passing, Pace::Real, &mut passed).await;
        Ok(passed)
    }

    /// All that is due now, and what follows from it. Gives the pace as it is then.
    async fn do_all_due(&self, passing: &mut MutexGuard<'_, Passing>, passed: &mut Passed) -> Result<Pace, PassingFault> {
        self.sweep(passing, passed)?;
        let mut rounds = 0;
        loop {
            // What is logged before the clock moves counts for the day on which it was.
            while self.hand_on_lines().await > 0 || self.hand_out(passed).await? {
                rounds += 1;
                if rounds > MOST_ROUNDS {
                    return Err(PassingFault::Circle);
                }
            }
            let pace = self.pace()?;
            if !self.run_due(passing, pace, passed).await {
                return Ok(pace);
            }
        }
    }

    fn sweep(&self, passing: &mut Passing, passed: &mut Passed) -> Result<(), PassingFault> {
        let Ended { items, objects } = self.aws().sweep()?;
        (passed.items, passed.objects) = (passed.items + items, passed.objects + objects);
        passing.swept_at = Some(self.clock().now().epoch_seconds());
        Ok(())
    }

    /// Whether there was something to hand out.
    async fn hand_out(&self, passed: &mut Passed) -> Result<bool, DeliveryFault> {
        let handled = self.delivery().deliver().await?;
        let some = !handled.is_empty();
        for (function, handled) in handled {
            let count = passed.messages.entry(function).or_default();
            count.done += handled.done;
            count.failed += handled.failed;
        }
        Ok(some)
    }

    /// Whether there was something to run.
    async fn run_due(&self, passing: &mut Passing, pace: Pace, passed: &mut Passed) -> bool {
        let due = passing.timetable.take_due(self.clock().now().epoch_seconds(), pace);
        for function in &due {
            let Some(ran) = self.run(function).await else { continue };
            let count = passed.runs.entry(Template::function_name(function)).or_default();
            match ran {
                Ok(_) => count.done += 1,
                Err(_) => count.failed += 1,
            }
        }
        !due.is_empty()
    }

    /// How time passes that is jumped over, as departures, copies and salts lie in their tables now.
    fn pace(&self) -> Result<Pace, StoreFault> {
        let before = |table: &str, seconds: i64| Ok::<_, StoreFault>(self.aws().next_date(table)?.map(|date| date.saturating_sub(seconds)));
        let (copy, salt) = (before("IssueCopiesTable", SWEPT_BEFORE)?, before("UsageSaltsTable", DESTROYED_BEFORE)?);
        Ok(Pace::Jumping { departure: self.next_due()?, copy, salt })
    }

    /// When the first of all open departures is due, in epoch seconds.
    fn next_due(&self) -> Result<Option<i64>, StoreFault> {
        self.aws().earliest_in("DeparturesTable", "due", 0..DUE_SHARDS)
    }
}

/// In a sentence or two, for people.
impl fmt::Display for Passed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
        match self.items {
            0 => write!(out, "TTL had nothing to delete.")?,
            items => write!(out, "TTL deleted {}.", counted(items, "item", "items"))?,
        }
        if self.objects > 0 {
            write!(out, " S3 ended {}.", counted(self.objects, "object", "objects"))?;
        }
        let failed = |count: &Count| if count.failed == 0 { String::new() } else { format!(" and failed {} times", count.failed) };
        let runs = self.runs.iter().map(|(name, count)| format!("{name} ran {}{}", counted(count.done, "time", "times"), failed(count)));
        let messages = self.messages.iter();
        let messages =
            messages.map(|(name, count)| format!("{name} handled {}{}", counted(count.done, "message", "messages"), failed(count)));
        let functions: Vec<String> = runs.chain(messages).collect();
        if functions.is_empty() { Ok(()) } else { write!(out, " {}.", functions.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_is_said_in_words() {
        assert_eq!(Passed::default().to_string(), "TTL had nothing to delete.");
        let passed = Passed {
            runs: BTreeMap::from([("purge".to_owned(), Count { done: 1, failed: 2 })]),
            messages: BTreeMap::from([("purge-worker".to_owned(), Count { done: 3, failed: 0 })]),
            items: 1,
            objects: 2,
        };
        let said = "TTL deleted 1 item. S3 ended 2 objects. purge ran 1 time and failed 2 times, purge-worker handled 3 messages.";
        assert_eq!(passed.to_string(), said);
    }
}
