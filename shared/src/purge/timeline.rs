//! From leaving to the last copy, added up in days (promises E-17, E-34, E-36, A-48): when nothing can be read any more, and when nothing
//! exists, in the worst case, by the book and where earlier deletion was asked for.
//!
//! How long backups are kept is configured; every other term is a constant here or in [`retention`]. A function whose sums exceed what we
//! promise does not start, and a test adds the same sums up from `template.yaml`.

use std::fmt;

use serde::Serialize;

use crate::records::retention;

const SECONDS_A_DAY: u64 = 24 * 60 * 60;

/// A purge that is due has committed by now, or TTL has deleted the keys, which AWS does within days of their date.
pub const SWEEP: u64 = 3;

/// A copy of the key table that is being made when the keys are deleted may begin to count its days this much later.
pub const KEY_COPY_LAG: u64 = 1;

/// The same for all other tables and for objects, whose copies take longer.
pub const DATA_COPY_LAG: u64 = 8;

/// AWS deletes a backup this much after its date.
pub const EXPIRY_LAG: u64 = 2;

/// A table that was restored is filtered and in use, or gone again.
pub const RESTORED: u64 = 3;

/// A purge is finished and verified this long after it became due, whatever failed on the way.
pub const PURGE: u64 = 7;

/// Earlier deletion on request: this long after the request nothing is left but backups (promise E-36).
pub const EARLY_LIVE: u64 = 1;

/// Earlier deletion on request: nothing can be read anywhere (promise E-36).
pub const EARLY_READABLE: u64 = 14;

/// Earlier deletion on request: nothing exists anywhere (promise E-36).
pub const EARLY_EXISTING: u64 = retention::EARLY_DEADLINE.as_secs() / SECONDS_A_DAY;

/// The terms from leaving to the last copy, of which two are configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeline {
    key_backups: u32,
    data_backups: u32,
}

/// One step of a sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// What takes the time.
    pub what: &'static str,
    /// How long at most.
    pub days: u64,
    /// Why it takes time.
    pub why: &'static str,
}

/// What must be true by when: the terms up to it, and the days that we promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    /// What is true when all terms have passed.
    pub reached: &'static str,
    /// One after the other, in the worst case.
    pub terms: Vec<Term>,
    /// What they may come to.
    pub promised: u64,
}

impl Sum {
    /// The days of all terms.
    #[must_use]
    pub fn days(&self) -> u64 {
        self.terms.iter().map(|term| term.days).sum()
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ", self.reached)?;
        for (place, term) in self.terms.iter().enumerate() {
            let plus = if place == 0 { "" } else { " + " };
            write!(formatter, "{plus}{} {}", term.what, term.days)?;
        }
        write!(formatter, " = {} days", self.days())
    }
}

/// Why a timeline is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimelineFault {
    /// Without backups an accident would be for ever.
    #[error("{0} are kept for no day at all")]
    NoBackups(&'static str),
    /// A sum is longer than what we promise.
    #[error("{0}, and {promised} are promised", promised = .0.promised)]
    TooLong(Sum),
}

/// One point of a departure's way, as a countdown shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stage {
    /// What is true from then on.
    pub name: &'static str,
    /// When, in epoch seconds.
    pub at: i64,
}

impl Timeline {
    /// The longest that may be configured: with one day more of either, earlier deletion would miss its promise.
    pub const LONGEST: Self = Self { key_backups: 7, data_backups: 35 };

    /// The timeline with backups kept for so many days: of the wrapped keys, and of everything else.
    ///
    /// # Errors
    /// [`TimelineFault`], with the first sum that is longer than promised.
    pub fn configured(key_backup_days: u32, data_backup_days: u32) -> Result<Self, TimelineFault> {
        for (days, what) in [(key_backup_days, "backups of keys"), (data_backup_days, "backups of data")] {
            if days == 0 {
                return Err(TimelineFault::NoBackups(what));
            }
        }
        let timeline = Self { key_backups: key_backup_days, data_backups: data_backup_days };
        let too_long = timeline.sums().into_iter().find(|sum| sum.days() > sum.promised);
        too_long.map_or(Ok(timeline), |sum| Err(TimelineFault::TooLong(sum)))
    }

    /// For how many days wrapped keys can be restored.
    #[must_use]
    pub const fn key_backup_days(self) -> u32 {
        self.key_backups
    }

    /// For how many days everything else can be restored.
    #[must_use]
    pub const fn data_backup_days(self) -> u32 {
        self.data_backups
    }

    /// All that is promised of a leaving: the two sums by the book, then the same for earlier deletion.
    #[must_use]
    pub fn sums(self) -> [Sum; 4] {
        [self.readable(), self.existing(), self.early_readable(), self.early_existing()]
    }

    /// From leaving until nothing can be read anywhere: what is left without its keys is noise (promises E-17, E-34).
    #[must_use]
    pub fn readable(self) -> Sum {
        let terms = [IN_GRACE, BEFORE_TTL, SWEPT].into_iter().chain(self.of_keys()).collect();
        Sum { reached: "nothing can be read anywhere", terms, promised: days(retention::DEADLINE) }
    }

    /// From leaving until nothing exists anywhere, backups included (promises E-17, E-34, A-48).
    #[must_use]
    pub fn existing(self) -> Sum {
        let terms = [IN_GRACE, PURGED].into_iter().chain(self.of_data()).collect();
        Sum { reached: "nothing exists anywhere", terms, promised: days(retention::DEADLINE) }
    }

    /// From a request for earlier deletion until nothing can be read anywhere (promise E-36).
    #[must_use]
    pub fn early_readable(self) -> Sum {
        let terms = [LIVE].into_iter().chain(self.of_keys()).collect();
        Sum { reached: "after earlier deletion nothing can be read anywhere", terms, promised: EARLY_READABLE }
    }

    /// From a request for earlier deletion until nothing exists anywhere (promise E-36).
    #[must_use]
    pub fn early_existing(self) -> Sum {
        let terms = [LIVE].into_iter().chain(self.of_data()).collect();
        Sum { reached: "after earlier deletion nothing exists anywhere", terms, promised: EARLY_EXISTING }
    }

    /// What comes after the keys are deleted.
    fn of_keys(self) -> [Term; 4] {
        let lag = Term { what: "copy lag", days: KEY_COPY_LAG, why: "a copy that was begun before may count its days from here" };
        let backups = Term { what: "backups of keys", days: u64::from(self.key_backups), why: "the key table can be restored for so long" };
        [lag, backups, EXPIRED, FILTERED]
    }

    /// What comes after everything is deleted.
    fn of_data(self) -> [Term; 4] {
        let backups =
            Term { what: "backups of data", days: u64::from(self.data_backups), why: "everything else can be restored for so long" };
        let lag = Term { what: "copy lag", days: DATA_COPY_LAG, why: "a copy that was begun before may end so much later" };
        [backups, lag, EXPIRED, FILTERED]
    }

    /// When the keys are gone at the latest if a purge may start at `purge_after`: by the book TTL has deleted them if nothing else has, and
    /// earlier deletion does not wait for it.
    #[must_use]
    pub fn keys_gone_by(self, left_at: i64, purge_after: i64) -> i64 {
        after(purge_after, if is_early(left_at, purge_after) { &[LIVE] } else { &[BEFORE_TTL, SWEPT] })
    }

    /// When everything but backups is deleted at the latest if a purge may start at `purge_after`.
    #[must_use]
    pub fn deleted_by(self, left_at: i64, purge_after: i64) -> i64 {
        after(purge_after, &[if is_early(left_at, purge_after) { LIVE } else { PURGED }])
    }

    /// When nothing can be read anywhere, given when the keys were deleted: the last backup of them has expired.
    #[must_use]
    pub fn unreadable_by(self, shredded_at: i64) -> i64 {
        after(shredded_at, &self.of_keys())
    }

    /// When nothing exists anywhere, given when everything was deleted: the last backup has expired.
    #[must_use]
    pub fn gone_by(self, deleted_at: i64) -> i64 {
        after(deleted_at, &self.of_data())
    }

    /// The way of a departure from its beginning to its deadline, with the latest moment of each stage. A hold moves `purge_after`, and may
    /// move stages past the deadline, which it suspends.
    #[must_use]
    pub fn stages(self, left_at: i64, purge_after: i64) -> [Stage; 6] {
        let (keys_gone_by, deleted_by) = (self.keys_gone_by(left_at, purge_after), self.deleted_by(left_at, purge_after));
        let deadline = left_at.saturating_add(seconds(days(retention::DEADLINE)));
        let early = is_early(left_at, purge_after).then(|| purge_after.saturating_add(seconds(EARLY_EXISTING)));
        [
            Stage { name: "left", at: left_at },
            Stage { name: "the purge may start", at: purge_after },
            Stage { name: "the keys are deleted", at: keys_gone_by },
            Stage { name: "nothing can be read anywhere", at: self.unreadable_by(keys_gone_by) },
            Stage { name: "nothing exists anywhere", at: self.gone_by(deleted_by) },
            Stage { name: "the promised deadline", at: early.map_or(deadline, |early| early.min(deadline)) },
        ]
    }
}

/// Whether the purge may start before the grace is over: somebody asked for it.
fn is_early(left_at: i64, purge_after: i64) -> bool {
    purge_after < left_at.saturating_add(seconds(days(retention::GRACE)))
}

const LIVE: Term = Term { what: "deletion", days: EARLY_LIVE, why: "the request is carried out: keys first, then everything" };

const IN_GRACE: Term = Term { what: "grace", days: days(retention::GRACE), why: "everything is kept for a return" };

const BEFORE_TTL: Term =
    Term { what: "TTL margin", days: days(retention::TTL_MARGIN), why: "should the purge fail, TTL deletes the keys from then on" };

const SWEPT: Term = Term { what: "sweep", days: SWEEP, why: "TTL deletes within days of the date" };

const PURGED: Term = Term { what: "purge", days: PURGE, why: "records and objects are deleted, and verified to be gone" };

const EXPIRED: Term = Term { what: "expiry lag", days: EXPIRY_LAG, why: "AWS deletes a backup some time after its date" };

const FILTERED: Term = Term {
    what: "restored tables",
    days: RESTORED,
    why: "a table restored from the last backup is freed of what must not be there, or deleted",
};

const fn days(duration: std::time::Duration) -> u64 {
    duration.as_secs() / SECONDS_A_DAY
}

fn seconds(days: u64) -> i64 {
    i64::try_from(days.saturating_mul(SECONDS_A_DAY)).unwrap_or(i64::MAX)
}

fn after(moment: i64, terms: &[Term]) -> i64 {
    moment.saturating_add(seconds(terms.iter().map(|term| term.days).sum()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEFT_AT: i64 = 1_800_000_000;
    const DAY: i64 = 86_400;

    fn totals(timeline: Timeline) -> [u64; 4] {
        timeline.sums().map(|sum| sum.days())
    }

    /// Promises E-17, E-34, E-36.
    #[test]
    fn nothing_is_readable_after_127_days_nor_exists_after_165() {
        assert_eq!(totals(Timeline::configured(7, 35).unwrap()), [127, 165, 14, 49]);
    }

    #[test]
    fn shorter_backups_shorten_the_sums_that_they_are_in() {
        assert_eq!(totals(Timeline::configured(1, 35).unwrap()), [121, 165, 8, 49]);
        assert_eq!(totals(Timeline::configured(7, 1).unwrap()), [127, 131, 14, 15]);
    }

    /// Promise E-36.
    #[test]
    fn the_longest_timeline_takes_no_day_more() {
        let Timeline { key_backups, data_backups } = Timeline::LONGEST;
        assert_eq!(Timeline::configured(key_backups, data_backups), Ok(Timeline::LONGEST));
        assert!(Timeline::configured(key_backups + 1, data_backups).is_err());
        assert!(Timeline::configured(key_backups, data_backups + 1).is_err());
        assert!(Timeline::configured(u32::MAX, u32::MAX).is_err());
    }

    #[test]
    fn no_backups_at_all_are_refused() {
        assert_eq!(Timeline::configured(0, 35), Err(TimelineFault::NoBackups("backups of keys")));
        assert_eq!(Timeline::configured(7, 0), Err(TimelineFault::NoBackups("backups of data")));
    }

    #[test]
    fn a_sum_that_is_too_long_is_named_with_its_terms() {
        let told = |keys, data| Timeline::configured(keys, data).unwrap_err().to_string();
        assert_eq!(
            told(61, 35),
            "nothing can be read anywhere: grace 110 + TTL margin 1 + sweep 3 + copy lag 1 + backups of keys 61 + expiry lag 2 + \
             restored tables 3 = 181 days, and 180 are promised"
        );
        assert!(told(60, 35).starts_with("after earlier deletion nothing can be read anywhere: deletion 1"), "{}", told(60, 35));
        assert!(told(7, 51).starts_with("nothing exists anywhere: grace 110 + purge 7 + backups of data 51"), "{}", told(7, 51));
        assert!(told(7, 36).ends_with("= 50 days, and 49 are promised"), "{}", told(7, 36));
    }

    #[test]
    fn the_stages_of_a_departure_end_where_the_sums_do() {
        let grace = seconds(days(retention::GRACE));
        let stages = Timeline::LONGEST.stages(LEFT_AT, LEFT_AT + grace);
        assert_eq!(stages.map(|stage| (stage.at - LEFT_AT) / DAY), [0, 110, 114, 127, 165, 180]);
        assert!(stages.is_sorted_by_key(|stage| stage.at));
    }

    /// Promise E-36.
    #[test]
    fn earlier_deletion_is_over_when_it_was_promised() {
        let days = |asked_on| Timeline::LONGEST.stages(LEFT_AT, LEFT_AT + asked_on * DAY).map(|stage| (stage.at - LEFT_AT) / DAY);
        assert_eq!(days(0), [0, 0, 1, 14, 49, 49]);
        assert_eq!(days(10), [0, 10, 11, 24, 59, 59]);
        assert_eq!(days(109), [0, 109, 110, 123, 158, 158]);
    }

    #[test]
    fn a_hold_moves_what_it_keeps_waiting_and_not_the_deadline() {
        let stages = Timeline::LONGEST.stages(LEFT_AT, LEFT_AT + 140 * DAY);
        assert_eq!(stages.map(|stage| (stage.at - LEFT_AT) / DAY), [0, 140, 144, 157, 195, 180]);
    }

    /// What a certificate says: its dates count from what was done, not from what was due.
    #[test]
    fn the_dates_of_a_purge_that_is_done_count_from_its_deeds() {
        assert_eq!(Timeline::LONGEST.unreadable_by(LEFT_AT), LEFT_AT + 13 * DAY);
        assert_eq!(Timeline::LONGEST.gone_by(LEFT_AT), LEFT_AT + 48 * DAY);
    }

    /// What a hold is held against: the days that a purge and the backups after it take.
    #[test]
    fn a_purge_must_begin_so_long_before_the_deadline_as_everything_after_the_grace_takes() {
        let after_grace = Timeline::LONGEST.existing().days() - days(retention::GRACE);
        assert_eq!(after_grace, days(retention::AFTER_GRACE));
    }
}
