//! Dates as people read them.

use std::time::Duration;

use shared::platform::clock::rfc3339;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

const WORDS: &[BorrowedFormatItem<'_>] = format_description!("[day padding:none] [month repr:long] [year]");

/// One day, in UTC.
pub(crate) struct Day {
    /// For machines: `2026-11-22`.
    pub(crate) iso: String,
    /// For people: `22 November 2026`.
    pub(crate) words: String,
}

impl Day {
    /// The day of a moment in epoch seconds.
    pub(crate) fn of(epoch_seconds: i64) -> Self {
        let iso: String = rfc3339(epoch_seconds).chars().take(10).collect();
        let moment = OffsetDateTime::from_unix_timestamp(epoch_seconds).ok();
        let words = moment.and_then(|moment| moment.format(WORDS).ok()).unwrap_or_else(|| iso.clone());
        Self { iso, words }
    }

    /// The day that lies `later` after a moment.
    pub(crate) fn after(epoch_seconds: i64, later: Duration) -> Self {
        Self::of(epoch_seconds.saturating_add(i64::try_from(later.as_secs()).unwrap_or(i64::MAX)))
    }
}

/// Whole days of a duration.
pub(crate) const fn days(duration: Duration) -> u64 {
    duration.as_secs() / 86_400
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_written_for_people_and_for_machines() {
        let day = Day::of(1_795_348_800);
        assert_eq!((day.iso.as_str(), day.words.as_str()), ("2026-11-22", "22 November 2026"));
        assert_eq!(Day::after(1_795_348_800, Duration::from_secs(10 * 86_400)).words, "2 December 2026");
    }

    #[test]
    fn a_day_that_no_calendar_holds_is_still_written() {
        assert!(!Day::of(i64::MAX).words.is_empty());
    }
}
