//! Departures: the record of one leaving. Open while its data may still have to go, closed by a return or by a purge; a closed one is the
//! tombstone that a restored backup is held against. It holds no customer data.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;

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
    /// When there is something to do for it; absent once it is closed, and then it is not in the `due` index.
    pub due_at: Option<i64>,
    /// What keeps its purge waiting.
    pub hold: Option<Hold>,
    /// How far its purge is.
    pub purge: PurgeProgress,
}

/// A person's word that a purge must wait. While it stands past a deadline the promise is suspended, and that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The principal who placed it.
    pub placed_by: String,
    /// Why; from a list, because free text may name a customer.
    pub reason: HoldReason,
    /// Until when, in epoch seconds; 30 days after it was placed at the latest.
    pub until: i64,
}

/// Why a purge may be made to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldReason {
    /// The law forbids to delete for now.
    LegalObligation,
    /// An incident is being looked into.
    Investigation,
    /// The customer disputes the leaving.
    Dispute,
}

/// How far a purge is: who works on it, where it goes on, and what it has deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PurgeProgress {
    /// Until when its worker has it for itself, in epoch seconds.
    pub lease_until: Option<i64>,
    /// Where the next slice begins.
    pub cursor: Option<String>,
    /// Deleted records and objects, by kind.
    pub counts: BTreeMap<String, u64>,
}

/// The index of open departures is read in this many shards, so that no partition of it is hot.
pub const DUE_SHARDS: u8 = 16;

impl Departure {
    /// A departure that begins now.
    #[must_use]
    pub fn beginning(digest: &str, tenant_id: &str, epoch: u64, left_at: i64) -> Self {
        let grace = i64::try_from(retention::GRACE.as_secs()).unwrap_or(i64::MAX);
        let purge_after = left_at.saturating_add(grace);
        Self {
            digest: digest.to_owned(),
            tenant_id: tenant_id.to_owned(),
            epoch,
            left_at,
            purge_after,
            stage: Stage::Marked,
            due_at: Some(purge_after),
            hold: None,
            purge: PurgeProgress::default(),
        }
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

    /// The departure as it lies in the table.
    pub(crate) fn to_item(&self) -> Item {
        let mut item = item::item([
            ("digest", s(&self.digest)),
            ("tenant_id", s(&self.tenant_id)),
            ("epoch", n(self.epoch)),
            ("left_at", n(self.left_at)),
            ("purge_after", n(self.purge_after)),
            ("stage", s(self.stage.name())),
        ]);
        let mut put = |name: &str, value| drop(item.insert(name.to_owned(), value));
        if let Some(due_at) = self.due_at {
            put("due_shard", n(self.due_shard()));
            put("due_at", n(due_at));
        }
        if let Some(hold) = &self.hold {
            put("hold_by", s(&hold.placed_by));
            put("hold_reason", s(hold.reason.name()));
            put("hold_until", n(hold.until));
        }
        if let Some(lease_until) = self.purge.lease_until {
            put("lease_until", n(lease_until));
        }
        if let Some(cursor) = &self.purge.cursor {
            put("purge_cursor", s(cursor));
        }
        if !self.purge.counts.is_empty() {
            let counts = self.purge.counts.iter().map(|(kind, count)| (kind.clone(), n(count)));
            put("purge_counts", AttributeValue::M(counts.collect()));
        }
        item
    }

    pub(crate) fn from_item(item: &Item) -> Result<Self, Damaged> {
        Ok(Self {
            digest: item::text(item, "digest")?,
            tenant_id: item::text(item, "tenant_id")?,
            epoch: item::number(item, "epoch")?,
            left_at: item::number(item, "left_at")?,
            purge_after: item::number(item, "purge_after")?,
            stage: Stage::named(&item::text(item, "stage")?).ok_or(Damaged("stage"))?,
            due_at: item::number_if_any(item, "due_at")?,
            hold: Hold::from_item(item)?,
            purge: PurgeProgress::from_item(item)?,
        })
    }
}

impl Hold {
    fn from_item(item: &Item) -> Result<Option<Self>, Damaged> {
        let Some(until) = item::number_if_any(item, "hold_until")? else { return Ok(None) };
        let reason = HoldReason::named(&item::text(item, "hold_reason")?).ok_or(Damaged("hold_reason"))?;
        Ok(Some(Self { placed_by: item::text(item, "hold_by")?, reason, until }))
    }
}

impl HoldReason {
    /// How a reason is written in the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LegalObligation => "legal-obligation",
            Self::Investigation => "investigation",
            Self::Dispute => "dispute",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::LegalObligation, Self::Investigation, Self::Dispute].into_iter().find(|reason| reason.name() == name)
    }
}

impl PurgeProgress {
    fn from_item(item: &Item) -> Result<Self, Damaged> {
        let counted = |(kind, count): (&String, &AttributeValue)| {
            let count = count.as_n().ok().and_then(|count| count.parse().ok()).ok_or(Damaged("purge_counts"))?;
            Ok((kind.clone(), count))
        };
        let counts = match item.get("purge_counts") {
            Some(counts) => counts.as_m().map_err(|_| Damaged("purge_counts"))?.iter().map(counted).collect::<Result<_, _>>()?,
            None => BTreeMap::new(),
        };
        let cursor = item.contains_key("purge_cursor").then(|| item::text(item, "purge_cursor")).transpose()?;
        Ok(Self { lease_until: item::number_if_any(item, "lease_until")?, cursor, counts })
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

    #[test]
    fn a_held_departure_half_purged_comes_back_too_and_a_closed_one_is_not_due() {
        let hold = Hold { placed_by: "arn:aws:iam::1:role/operator".to_owned(), reason: HoldReason::Dispute, until: 9 };
        let counts = BTreeMap::from([("configuration".to_owned(), 3)]);
        let purge = PurgeProgress { lease_until: Some(7), cursor: Some("c".to_owned()), counts };
        let open = Departure { hold: Some(hold), purge, ..Departure::beginning("00af", "t-1", 2, 1_000) };
        assert_eq!(Departure::from_item(&open.to_item()).unwrap(), open);
        let closed = Departure { stage: Stage::Purged, due_at: None, ..open };
        let item = closed.to_item();
        assert!(!item.contains_key("due_shard") && !item.contains_key("due_at"));
        assert_eq!(Departure::from_item(&item).unwrap(), closed);
    }

    #[test]
    fn a_damaged_departure_is_refused_by_attribute() {
        let whole = Departure::beginning("00af", "t-1", 2, 1_000).to_item();
        for (attribute, value) in
            [("stage", s("gone")), ("purge_counts", n(1)), ("purge_cursor", n(1)), ("lease_until", s("x")), ("due_at", s("x"))]
        {
            let mut item = whole.clone();
            item.insert(attribute.to_owned(), value);
            assert_eq!(Departure::from_item(&item).unwrap_err().0, attribute);
        }
        let mut item = whole;
        item.insert("hold_until".to_owned(), n(1));
        assert_eq!(Departure::from_item(&item).unwrap_err().0, "hold_reason");
    }
}
