//! Departures: the record of one leaving. Open while its data may still have to go, closed by a return or by a purge; a closed one is the
//! tombstone that a restored backup is held against. It holds no customer data.

use crate::records::item::{self, Damaged, Item, n, s};
use crate::records::retention;

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

/// One leaving of one tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departure {
    /// The tenants item's key.
    pub digest: String,
    /// Who left.
    pub tenant_id: String,
    /// Which of the installation's lives ended.
    pub epoch: u64,
    /// When it left, in epoch seconds.
    pub left_at: i64,
    /// When its purge may start: the end of the grace.
    pub purge_after: i64,
    /// How far it has come.
    pub stage: Stage,
}

/// The index of open departures is read in this many shards, so that no partition of it is hot.
pub const DUE_SHARDS: u8 = 16;

impl Departure {
    /// A departure that begins now.
    #[must_use]
    pub fn beginning(digest: &str, tenant_id: &str, epoch: u64, left_at: i64) -> Self {
        let grace = i64::try_from(retention::GRACE.as_secs()).unwrap_or(i64::MAX);
        let purge_after = left_at.saturating_add(grace);
        Self { digest: digest.to_owned(), tenant_id: tenant_id.to_owned(), epoch, left_at, purge_after, stage: Stage::Marked }
    }

    /// When TTL may delete the keys, should the purge not have done it.
    #[must_use]
    pub fn keys_expire_at(&self) -> i64 {
        self.purge_after.saturating_add(i64::try_from(retention::TTL_MARGIN.as_secs()).unwrap_or(0))
    }

    /// Which shard of the `due` index it stands in: its digest modulo 16.
    #[must_use]
    pub fn due_shard(&self) -> u8 {
        let last = self.digest.chars().next_back().and_then(|last| last.to_digit(16)).unwrap_or(0);
        u8::try_from(last).unwrap_or(0) % DUE_SHARDS
    }

    /// The departure as it is put when it begins: open, and so in the `due` index.
    pub(crate) fn to_item(&self) -> Item {
        item::item([
            ("digest", s(&self.digest)),
            ("tenant_id", s(&self.tenant_id)),
            ("epoch", n(self.epoch)),
            ("left_at", n(self.left_at)),
            ("purge_after", n(self.purge_after)),
            ("stage", s(self.stage.name())),
            ("due_shard", n(self.due_shard())),
            ("due_at", n(self.purge_after)),
        ])
    }

    pub(crate) fn from_item(item: &Item) -> Result<Self, Damaged> {
        Ok(Self {
            digest: item::text(item, "digest")?,
            tenant_id: item::text(item, "tenant_id")?,
            epoch: item::number(item, "epoch")?,
            left_at: item::number(item, "left_at")?,
            purge_after: item::number(item, "purge_after")?,
            stage: Stage::named(&item::text(item, "stage")?).ok_or(Damaged("stage"))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_departure_comes_back_from_the_table_as_it_went() {
        let departure = Departure::beginning("00af", "t-1", 2, 1_000);
        assert_eq!(Departure::from_item(&departure.to_item()).unwrap(), departure);
        assert_eq!(departure.due_shard(), 15);
        assert_eq!(departure.purge_after, 1_000 + 110 * 86_400);
        assert_eq!(departure.keys_expire_at(), departure.purge_after + 86_400);
    }
}
