//! Time as a parameter: every rule about time asks a [`Clock`], so that 200 days pass in a test without one of them being slept.
//!
//! A [`Moment`] carries two readings. The wall clock dates things and may be set back; the steady one never runs backwards but may stand
//! still while Lambda freezes an environment. An age is the larger of the two differences, so that neither fault makes anything look young.

use std::fmt::Debug;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Where every rule about time gets it from.
pub trait Clock: Debug + Send + Sync {
    /// The present moment.
    fn now(&self) -> Moment;
}

/// One reading of both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    epoch_millis: i64,
    steady: Duration,
}

impl Moment {
    /// A moment from milliseconds since 1970-01-01T00:00:00Z and from the time since an arbitrary but fixed start.
    #[must_use]
    pub const fn new(epoch_millis: i64, steady: Duration) -> Self {
        Self { epoch_millis, steady }
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, as JWTs and DynamoDB's TTL count them.
    #[must_use]
    pub const fn epoch_seconds(self) -> i64 {
        self.epoch_millis.div_euclid(1000)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn epoch_millis(self) -> i64 {
        self.epoch_millis
    }

    /// How old `earlier` is now, by whichever clock says older; zero if neither moved.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let wall = u64::try_from(self.epoch_millis.saturating_sub(earlier.epoch_millis)).unwrap_or(0);
        Duration::from_millis(wall).max(self.steady.saturating_sub(earlier.steady))
    }
}

/// Epoch seconds as people and JSON write them; a moment outside the years 0 to 9999 is given as its number.
#[must_use]
pub fn rfc3339(epoch_seconds: i64) -> String {
    let moment = time::OffsetDateTime::from_unix_timestamp(epoch_seconds).ok();
    let written = moment.and_then(|moment| moment.format(&time::format_description::well_known::Rfc3339).ok());
    written.unwrap_or_else(|| epoch_seconds.to_string())
}

/// The same of epoch milliseconds, always with three digits of them, so that text sorts by time.
#[must_use]
pub fn rfc3339_millis(epoch_millis: i64) -> String {
    let second = rfc3339(epoch_millis.div_euclid(1000));
    format!("{}.{:03}Z", second.trim_end_matches('Z'), epoch_millis.rem_euclid(1000))
}

/// The machine's clocks.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// The only place that touches the machine's clocks (`clippy.toml` bans them elsewhere).
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that may")]
    pub fn start() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that may")]
    fn now(&self) -> Moment {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment::new(i64::try_from(wall.as_millis()).unwrap_or(i64::MAX), self.started.elapsed())
    }
}

/// A clock that stands still until it is moved: for tests, and for whoever wants to see day 180 today.
#[derive(Debug)]
pub struct ManualClock {
    now: Mutex<Moment>,
}

impl ManualClock {
    /// A clock standing at this many seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn at(epoch_seconds: i64) -> Self {
        Self { now: Mutex::new(Moment::new(epoch_seconds.saturating_mul(1000), Duration::ZERO)) }
    }

    /// Moves both readings ahead.
    pub fn advance(&self, by: Duration) {
        self.set(|now| {
            let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
            Moment::new(now.epoch_millis.saturating_add(millis), now.steady.saturating_add(by))
        });
    }

    /// Moves the wall clock alone, as a frozen environment that thaws sees it.
    pub fn advance_wall(&self, by: Duration) {
        self.set(|now| {
            let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
            Moment::new(now.epoch_millis.saturating_add(millis), now.steady)
        });
    }

    fn set(&self, change: impl FnOnce(Moment) -> Moment) {
        let mut now = self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *now = change(*now);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Moment {
        *self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_the_larger_of_the_two_clocks() {
        let clock = ManualClock::at(1_000);
        let then = clock.now();
        clock.advance_wall(Duration::from_secs(90));
        assert_eq!(clock.now().since(then), Duration::from_secs(90));
        let set_back = Moment::new(then.epoch_millis() - 60_000, Duration::from_secs(5));
        assert_eq!(set_back.since(then), Duration::from_secs(5));
    }
}
