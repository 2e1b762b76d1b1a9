//! Departures: the record of one leaving. Open while its data may still have to go, closed by a return or by a purge; a closed one is the
//! tombstone that a restored backup is held against. It holds no customer data.
//!
//! - [`hold`]: what keeps a purge waiting. - [`progress`]: how far a purge is. - [`item`]: how all of it lies in the table.

pub mod hold;
pub(crate) mod item;
pub mod progress;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::records::retention;

pub use hold::{Hold, HoldReason, PastHold};
pub use progress::{Lease, Proof, PurgeProgress};

/// How far a departure has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Left; the purge waits for its date.
    Marked,
    /// Came back in time.
    Returned,
    /// The keys are gone, the rest is going.
    Purging,
    /// Verified empty: the tombstone.
    Purged,
}

impl Stage {
    /// How a stage is written in the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Marked => "marked",
            Self::Returned => "returned",
            Self::Purging => "purging",
            Self::Purged => "purged",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Marked, Self::Returned, Self::Purging, Self::Purged].into_iter().find(|stage| stage.name() == name)
    }
}

/// What made a tenant leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Atlassian said that the app was uninstalled.
    Uninstalled,
    /// The site refused us for 30 days.
    Dormant,
    /// The licence ended, and the app's policy says that this is leaving.
    LicenceEnded,
    /// An operator said so, for a customer who left without a word.
    Operator,
}

impl Cause {
    /// How a cause is written in the table and in certificates.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uninstalled => "uninstalled",
            Self::Dormant => "dormant",
            Self::LicenceEnded => "licence-ended",
            Self::Operator => "operator",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Uninstalled, Self::Dormant, Self::LicenceEnded, Self::Operator].into_iter().find(|cause| cause.name() == name)
    }
}

/// What a site answered, where it is why the tenant counts as gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Since when it answers so, in epoch seconds.
    pub since: i64,
    /// How often it was asked and answered so.
    pub times: u64,
    /// The last answer's status.
    pub last_status: u16,
}

/// One leaving of one tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departure {
    /// The tenants item's key.
    pub digest: String,
    /// Who left.
    pub tenant_id: String,
    /// The slug of the app that it left.
    pub app: String,
    /// Which of the installation's lives ended.
    pub epoch: u64,
    /// What made it leave.
    pub cause: Cause,
    /// What the site answered, where that is the cause.
    pub evidence: Option<Evidence>,
    /// When it left, in epoch seconds. A leaving that proved true in the end keeps its first moment.
    pub left_at: i64,
    /// When its purge may start: the end of the grace, or when earlier deletion was asked for. A hold does not change it.
    pub purge_after: i64,
    /// How far it has come.
    pub stage: Stage,
    /// When there is something to do for it; absent once it is closed, and then it is not in the `due` index.
    pub due_at: Option<i64>,
    /// When the site is to be asked whether it is true that it left, or that it returned; absent when there is no doubt.
    pub doubt_at: Option<i64>,
    /// What keeps its purge waiting.
    pub hold: Option<Hold>,
    /// What kept it waiting before.
    pub past_holds: Vec<PastHold>,
    /// When earlier deletion was asked for.
    pub early_at: Option<i64>,
    /// When it came back.
    pub returned_at: Option<i64>,
    /// When its keys were deleted: since then nothing of it can be read here.
    pub shredded_at: Option<i64>,
    /// How far its purge is.
    pub purge: PurgeProgress,
    /// What a finished purge leaves.
    pub proof: Option<Proof>,
}

/// The index of open departures is read in this many shards, so that no partition of it is hot.
pub const DUE_SHARDS: u8 = 16;

impl Departure {
    /// A departure that begins now.
    #[must_use]
    pub fn beginning(app: &str, digest: &str, tenant_id: &str, epoch: u64, left_at: i64) -> Self {
        let grace = i64::try_from(retention::GRACE.as_secs()).unwrap_or(i64::MAX);
        let purge_after = left_at.saturating_add(grace);
        Self {
            digest: digest.to_owned(),
            tenant_id: tenant_id.to_owned(),
            app: app.to_owned(),
            epoch,
            cause: Cause::Uninstalled,
            evidence: None,
            left_at,
            purge_after,
            stage: Stage::Marked,
            due_at: Some(purge_after),
            doubt_at: None,
            hold: None,
            past_holds: Vec::new(),
            early_at: None,
            returned_at: None,
            shredded_at: None,
            purge: PurgeProgress::default(),
            proof: None,
        }
    }

    /// The same, to be asked about at `doubt_at`.
    #[must_use]
    pub fn doubted(self, doubt_at: i64) -> Self {
        let doubted = Self { doubt_at: Some(doubt_at), ..self };
        Self { due_at: Some(doubted.next()), ..doubted }
    }

    /// From when on it may be purged, and can no longer return: the end of the grace or of the hold, whichever is later.
    #[must_use]
    pub fn kept_until(&self) -> i64 {
        self.hold.as_ref().map_or(self.purge_after, |hold| hold.until.max(self.purge_after))
    }

    /// While it is marked: when something is to be done for it, which is to ask the site, to tell that a hold suspends the promise, or to
    /// purge.
    #[must_use]
    pub fn next(&self) -> i64 {
        let told = self.hold.as_ref().map_or(i64::MAX, |_| self.must_begin_by());
        self.doubt_at.unwrap_or(i64::MAX).min(told).min(self.kept_until())
    }

    /// When TTL may delete the keys, should the purge not have done it.
    #[must_use]
    pub fn keys_expire_at(&self) -> i64 {
        self.kept_until().saturating_add(i64::try_from(retention::TTL_MARGIN.as_secs()).unwrap_or(0))
    }

    /// When, at the latest, no copy of it may exist: counted from leaving, or from the request for earlier deletion if that is sooner.
    #[must_use]
    pub fn deadline(&self) -> i64 {
        let after = |moment: i64, time: Duration| moment.saturating_add(i64::try_from(time.as_secs()).unwrap_or(i64::MAX));
        let by_request = self.early_at.map_or(i64::MAX, |early_at| after(early_at, retention::EARLY_DEADLINE));
        after(self.left_at, retention::DEADLINE).min(by_request)
    }

    /// When its purge must begin, so that the last copy is gone by the deadline.
    #[must_use]
    pub fn must_begin_by(&self) -> i64 {
        let purge_after = self.purge_after.min(self.deadline());
        let latest = self.deadline().saturating_sub(i64::try_from(retention::AFTER_GRACE.as_secs()).unwrap_or(i64::MAX));
        latest.max(purge_after)
    }

    /// Whether it should be purged by now and is not: a day after its keys went, or after they should have gone. Live data is to be gone within
    /// a day (promise E-36).
    #[must_use]
    pub fn is_late(&self, now: i64) -> bool {
        let since = match self.stage {
            // A hold may have been lifted long after the date.
            Stage::Marked => self.past_holds.iter().map(|hold| hold.ended_at).chain([self.kept_until()]).max(),
            Stage::Purging => self.shredded_at,
            Stage::Returned | Stage::Purged => None,
        };
        since.is_some_and(|since| now > since.saturating_add(24 * 60 * 60))
    }

    /// Whether a hold stands, or stood, for so long that the deadline cannot be met: the promise is suspended.
    #[must_use]
    pub fn suspends_the_promise(&self) -> bool {
        let ends = self.past_holds.iter().map(|hold| hold.ended_at).chain(self.hold.iter().map(|hold| hold.until));
        ends.into_iter().any(|end| end > self.must_begin_by())
    }

    /// Which shard of the `due` index it stands in: its digest modulo 16.
    #[must_use]
    pub fn due_shard(&self) -> u8 {
        let last = self.digest.chars().next_back().and_then(|last| last.to_digit(16)).unwrap_or(0);
        u8::try_from(last).unwrap_or(0) % DUE_SHARDS
    }
}
