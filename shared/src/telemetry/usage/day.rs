//! A day, in UTC: what counters are for, and what a salt lives for.

use std::fmt;

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

const SECONDS: i64 = 24 * 60 * 60;

const WRITTEN: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

/// One, written as `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(Date);

impl Day {
    /// The day of this second; none, if that is outside the years 0 to 9999.
    #[must_use]
    pub fn of(epoch_seconds: i64) -> Option<Self> {
        let date = OffsetDateTime::from_unix_timestamp(epoch_seconds).ok()?.date();
        (0..=9999).contains(&date.year()).then_some(Self(date))
    }

    /// The day that is written so, and exactly so.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let day = Self(Date::parse(text, WRITTEN).ok()?);
        (day.to_string() == text).then_some(day)
    }

    /// Its first second.
    #[must_use]
    pub fn begins_at(self) -> i64 {
        self.0.midnight().assume_utc().unix_timestamp()
    }

    /// The first second after it.
    #[must_use]
    pub fn ends_at(self) -> i64 {
        self.begins_at() + SECONDS
    }

    /// From then on it may be closed: its salt is to be destroyed, and nothing is counted for it any more.
    #[must_use]
    pub fn closes_at(self) -> i64 {
        self.ends_at() + SECONDS
    }

    /// Whether something may be counted for it: it is today or yesterday.
    #[must_use]
    pub fn is_open(self, now: i64) -> bool {
        (self.begins_at()..self.closes_at()).contains(&now)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04}-{:02}-{:02}", self.0.year(), u8::from(self.0.month()), self.0.day())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22T00:00:00Z.
    const MIDNIGHT: i64 = 1_795_305_600;

    #[test]
    fn a_day_is_read_as_it_is_written_and_in_no_other_form() {
        for text in ["2026-11-22", "2024-02-29", "0001-01-01", "9999-12-31"] {
            assert_eq!(Day::read(text).map(|day| day.to_string()).as_deref(), Some(text));
        }
        for text in ["", "2026-11-2", "2026-13-01", "2026-02-29", "+2026-11-22", "2026-11-22Z", " 2026-11-22", "26-11-22", "2026/11/22"] {
            assert_eq!(Day::read(text), None, "{text}");
        }
    }

    #[test]
    fn something_is_counted_for_a_day_until_the_next_one_ends() {
        let day = Day::of(MIDNIGHT).unwrap();
        assert_eq!((day.to_string().as_str(), Day::of(MIDNIGHT - 1) < Some(day)), ("2026-11-22", true));
        assert_eq!((day.begins_at(), day.ends_at(), day.closes_at()), (MIDNIGHT, MIDNIGHT + 86_400, MIDNIGHT + 172_800));
        for (now, open) in [(-1, false), (0, true), (86_400, true), (172_799, true), (172_800, false)] {
            assert_eq!(day.is_open(MIDNIGHT + now), open, "{now}");
        }
    }

    #[test]
    fn no_second_is_outside_its_day() {
        for second in [i64::MIN, -1, 0, MIDNIGHT, 253_402_300_799, 253_402_300_800, i64::MAX] {
            assert!(Day::of(second).is_none_or(|day| (day.begins_at()..day.ends_at()).contains(&second)), "{second}");
        }
    }
}
